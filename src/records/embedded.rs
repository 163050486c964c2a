//! The metadata database as what keeps records: read by its readers, written by its one writer.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::backend::{BackendFailure, Done, Filter, Found, Record, RecordBackend, RecordQuery};
use super::collection::Collection;
use super::{search, sql, tables};
use crate::error::{Context, Error};
use hvac_store::db::Db;

/// The metadata database.
#[derive(Debug, Clone)]
pub struct Embedded {
    db: Db,
}

impl Embedded {
    /// Of that database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}

fn down(error: Error) -> BackendFailure {
    BackendFailure::Down(error)
}

impl RecordBackend for Embedded {
    fn prepare<'a>(&'a self, collection: &'a Collection, before: Option<&'a Collection>) -> BoxFuture<'a, Done<()>> {
        async move {
            let txn = self.db.begin().await.map_err(down)?;
            tables::prepare(&txn, collection, before).await.internal("making a collection's table").map_err(down)?;
            txn.commit().await.map_err(down)
        }
        .boxed()
    }

    fn write<'a>(&'a self, collection: &'a Collection, records: &'a [Record]) -> BoxFuture<'a, Done<()>> {
        async move {
            let txn = self.db.begin().await.map_err(down)?;
            sql::write(&txn, collection, records).await.internal("writing records").map_err(down)?;
            txn.commit().await.map_err(down)
        }
        .boxed()
    }

    fn read<'a>(&'a self, collection: &'a Collection, key: &'a str) -> BoxFuture<'a, Done<Option<Record>>> {
        async move { sql::read(self.db.read(), collection, key).await.internal("reading a record").map_err(down) }
            .boxed()
    }

    fn query<'a>(&'a self, collection: &'a Collection, query: &'a RecordQuery) -> BoxFuture<'a, Done<Found>> {
        async move {
            if query.filters.iter().any(|filter| matches!(filter, Filter::Words(_))) && !self.db.is_read_only() {
                while search::gather(&self.db, collection).await.map_err(down)? {}
            }
            sql::query(self.db.read(), collection, query).await.internal("listing records").map_err(down)
        }
        .boxed()
    }

    fn delete<'a>(
        &'a self,
        collection: &'a Collection,
        keys: &'a [String],
        before_ms: Option<i64>,
    ) -> BoxFuture<'a, Done<u64>> {
        async move {
            let txn = self.db.begin().await.map_err(down)?;
            let deleted = sql::delete(&txn, collection, keys, before_ms).await;
            let deleted = deleted.internal("deleting records").map_err(down)?;
            txn.commit().await.map_err(down)?;
            Ok(deleted)
        }
        .boxed()
    }

    fn health(&self) -> BoxFuture<'_, Done<()>> {
        async move { self.db.ping().await.map_err(down) }.boxed()
    }
}

//! The metadata database as what keeps records: read by its readers, written by its one writer.

use std::borrow::Borrow;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sea_orm::{ConnectionTrait, DbErr};

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

/// Writes records in somebody's transaction, as [`sql::write`] does, so that their words are found.
///
/// # Errors
/// When the database refuses a statement.
pub(super) async fn put<R: Borrow<Record>>(
    db: &impl ConnectionTrait,
    collection: &Collection,
    records: &[R],
) -> Result<u64, DbErr> {
    search::note(db, collection, records.iter().map(|record| record.borrow().key.as_str())).await?;
    sql::write(db, collection, records).await
}

/// Deletes records in somebody's transaction, as [`sql::delete`] does, with their words.
///
/// # Errors
/// When the database refuses a statement.
pub(super) async fn remove(
    db: &impl ConnectionTrait,
    collection: &Collection,
    keys: &[String],
    before_ms: Option<i64>,
) -> Result<u64, DbErr> {
    search::note(db, collection, keys.iter().map(String::as_str)).await?;
    sql::delete(db, collection, keys, before_ms).await
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
            put(&txn, collection, records).await.internal("writing records").map_err(down)?;
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
            let deleted = remove(&txn, collection, keys, before_ms).await;
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

//! What another server said lately, remembered: in memory for ten seconds, in the cache's Redis for a minute.
//!
//! Whatever this process writes makes all that was remembered of the collection useless: its number is part of every key,
//! and goes up before anybody is told that the write is done. Another process' writes are seen when the time is over.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::backend::{BackendFailure, Done, Found, Record, RecordBackend, RecordQuery};
use super::collection::Collection;
use crate::error::{Context, Error, Result, codes};
use crate::limits::LONGEST_PAGE;
use hvac_store::cache::{Cache, CacheKey, Kind};
use hvac_store::new_id;

/// A backend, and what is remembered of it.
pub(super) struct Remembered {
    backend: Arc<dyn RecordBackend>,
    cache: Cache,
    /// No other process has it, nor this one after its next start.
    begun: String,
    numbers: Mutex<HashMap<String, u64>>,
}

impl std::fmt::Debug for Remembered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.backend.fmt(f)
    }
}

/// A record as it is remembered.
#[derive(Serialize, Deserialize)]
struct Kept(String, i64, i64, Map<String, Value>);

impl From<Record> for Kept {
    fn from(record: Record) -> Self {
        Self(record.key, record.created_at_ms, record.updated_at_ms, record.fields)
    }
}

impl From<Kept> for Record {
    fn from(Kept(key, created_at_ms, updated_at_ms, fields): Kept) -> Self {
        Self { key, created_at_ms, updated_at_ms, fields }
    }
}

impl Remembered {
    pub(super) fn new(backend: Arc<dyn RecordBackend>, cache: Cache) -> Self {
        Self { backend, cache, begun: new_id(), numbers: Mutex::default() }
    }

    fn number(&self, collection: &Collection, step: u64) -> u64 {
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let number = numbers.entry(collection.name.clone()).or_default();
        *number += step;
        *number
    }

    /// What is remembered, or what the server says now.
    async fn remembered<T: Serialize + DeserializeOwned>(
        &self,
        collection: &Collection,
        question: String,
        asking: impl Future<Output = Done<T>> + Send,
    ) -> Done<T> {
        let number = self.number(collection, 0);
        let of = format!("{}/{}/{number}", collection.name, self.begun);
        let making = async {
            let said = asking.await.map_err(Error::from)?;
            serde_json::to_vec(&said).map(Bytes::from).internal("remembering records")
        };
        let bytes = self.cache.get_or_compute(&CacheKey::new(Kind::Records, of, question), making).await;
        let read =
            |bytes: Bytes| -> Result<T> { serde_json::from_slice(&bytes).internal("reading what was remembered") };
        bytes.and_then(read).map_err(|error| match error.code {
            code if code == codes::BACKEND_REFUSED || code == codes::SCAN_TOO_LARGE => BackendFailure::Refused(error),
            _ => BackendFailure::Down(error),
        })
    }

    /// What becomes of a change; it may have been done also where it failed.
    async fn changed<T>(&self, collection: &Collection, changing: BoxFuture<'_, Done<T>>) -> Done<T> {
        let done = changing.await;
        self.number(collection, 1);
        done
    }
}

impl RecordBackend for Remembered {
    fn prepare<'a>(&'a self, collection: &'a Collection, before: Option<&'a Collection>) -> BoxFuture<'a, Done<()>> {
        self.changed(collection, self.backend.prepare(collection, before)).boxed()
    }

    fn check(&self, collection: &Collection, query: &RecordQuery) -> Result<()> {
        self.backend.check(collection, query)
    }

    fn write<'a>(&'a self, collection: &'a Collection, records: &'a [Record]) -> BoxFuture<'a, Done<()>> {
        self.changed(collection, self.backend.write(collection, records)).boxed()
    }

    fn read<'a>(&'a self, collection: &'a Collection, key: &'a str) -> BoxFuture<'a, Done<Option<Record>>> {
        async move {
            let asking = async { Ok(self.backend.read(collection, key).await?.map(Kept::from)) };
            Ok(self.remembered(collection, format!("read {key}"), asking).await?.map(Record::from))
        }
        .boxed()
    }

    fn query<'a>(&'a self, collection: &'a Collection, query: &'a RecordQuery) -> BoxFuture<'a, Done<Found>> {
        async move {
            // What is more than a page is not asked for again soon.
            if query.limit > LONGEST_PAGE {
                return self.backend.query(collection, query).await;
            }
            let asking = async {
                let Found { total, records } = self.backend.query(collection, query).await?;
                Ok((total, records.into_iter().map(Kept::from).collect::<Vec<_>>()))
            };
            let (total, records) = self.remembered(collection, format!("query {query:?}"), asking).await?;
            Ok(Found { total, records: records.into_iter().map(Record::from).collect() })
        }
        .boxed()
    }

    fn delete<'a>(
        &'a self,
        collection: &'a Collection,
        keys: &'a [String],
        before_ms: Option<i64>,
    ) -> BoxFuture<'a, Done<u64>> {
        self.changed(collection, self.backend.delete(collection, keys, before_ms)).boxed()
    }

    fn health(&self) -> BoxFuture<'_, Done<()>> {
        self.backend.health()
    }
}

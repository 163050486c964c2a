//! Records that lived long enough are removed: those whose last change is older than the time to live of their collection.

use std::sync::Arc;
use std::time::Duration;

use super::Inner;
use super::backend::{Filter, RecordQuery};
use super::collection::{BackendKind, Collection, UPDATED_AT};
use crate::error::Result;
use hvac_store::now;

/// How often it is looked for them; they are shown to nobody before.
const EVERY: Duration = Duration::from_secs(60);
/// Records that are removed with one commit.
const AT_ONCE: u64 = 1000;

/// The filter that leaves out what lived long enough.
#[must_use]
pub(super) fn alive(collection: &Collection) -> Option<Filter> {
    let from_ms = since(collection)?;
    Some(Filter::Between { time: UPDATED_AT.to_owned(), from_ms: Some(from_ms), to_ms: None })
}

/// What was last changed before that is gone.
#[must_use]
pub(super) fn since(collection: &Collection) -> Option<i64> {
    let ttl_ms = i64::try_from(collection.ttl_s?).ok()?.checked_mul(1000)?;
    now().timestamp_millis().checked_sub(ttl_ms)
}

/// Removes what is too old, again and again.
pub(super) async fn keep(inner: Arc<Inner>) {
    loop {
        for collection in &inner.registry().collections {
            // Redis forgets by itself.
            if collection.backend == BackendKind::Redis {
                continue;
            }
            match swept(&inner, collection).await {
                Ok(0) => {}
                Ok(records) => tracing::info!(collection = collection.name, records, "removed what lived long enough"),
                Err(error) => {
                    tracing::warn!(collection = collection.name, %error, "what lived long enough is removed later");
                }
            }
        }
        tokio::select! {
            () = inner.stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn swept(inner: &Inner, collection: &Collection) -> Result<u64> {
    let Some(before_ms) = since(collection) else { return Ok(0) };
    let backend = inner.backends.of(collection)?;
    let old = Filter::Between { time: UPDATED_AT.to_owned(), from_ms: None, to_ms: Some(before_ms) };
    let query = RecordQuery {
        filters: vec![old],
        sort_by: UPDATED_AT.to_owned(),
        descending: false,
        offset: 0,
        limit: AT_ONCE,
    };
    let mut removed = 0;
    while !inner.stop.is_cancelled() {
        let found = backend.query(collection, &query).await?;
        if found.records.is_empty() {
            break;
        }
        let keys: Vec<String> = found.records.into_iter().map(|record| record.key).collect();
        removed += backend.delete(collection, &keys, Some(before_ms)).await?;
    }
    Ok(removed)
}

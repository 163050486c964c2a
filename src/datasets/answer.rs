//! From a settled frame to an answer: out of the cache, or computed on a blocking thread and kept.

use std::marker::PhantomData;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Answer;
use super::blocking::blocking;
use super::opened::Frame;
use super::resolved::Resolved;
use crate::error::{Context, Result};
use crate::memory::{Held, LITTLE};
use crate::state::AppState;
use hvac_store::cache::{CacheKey, Kind};
use hvac_store::objects::hex;

/// Changes whenever the same request would be answered with other bytes by a newer program.
const FORMAT: u32 = 2;
/// What is looked at together: see [`super::correlation`].
const ROWS_AT_ONCE: u64 = 131_072;
const COLUMNS_AT_ONCE: u64 = 50;
/// Of a number that may not be there.
const CELL_BYTES: u64 = 16;
/// Hex digits of a weak `ETag`.
const ETAG_DIGITS: usize = 32;

/// The answer to `request` (all its parameters, spelled one way) about `dataset`.
///
/// `compute` makes the JSON of a `T`, on a blocking thread, at most once at a time for one request.
///
/// # Errors
/// 409 when the file is gone or cut off by now; that of `compute`.
pub async fn computed<T, F>(state: &AppState, dataset: Arc<Resolved>, request: &str, compute: F) -> Result<Answer<T>>
where
    F: FnOnce(&Frame, &Resolved) -> Result<Bytes> + Send + 'static,
{
    // Some columns at once of as many rows as are looked at together, or one of all rows and what is made of it.
    let (rows, columns) = (dataset.row_count, dataset.columns.len() as u64 + 1);
    let bytes = (rows.min(ROWS_AT_ONCE) * columns.min(COLUMNS_AT_ONCE) * CELL_BYTES).max(rows * 4 * CELL_BYTES);
    let working = || {
        let (state, dataset) = (state.clone(), Arc::clone(&dataset));
        blocking(move || compute(&Frame::open(&state, &dataset)?, &dataset))
    };
    kept(state, &dataset, request, bytes, working).await
}

/// As [`computed`], by a `compute` that looks after its threads itself and holds about so many `bytes`.
///
/// # Errors
/// That of `compute`; `overloaded` when there is no memory for it.
pub async fn kept<T, F, W>(
    state: &AppState,
    dataset: &Resolved,
    request: &str,
    bytes: u64,
    compute: F,
) -> Result<Answer<T>>
where
    F: FnOnce() -> W + Send,
    W: Future<Output = Result<Bytes>> + Send,
{
    let request = format!("{FORMAT} {} {} {request}", dataset.label.dataset_id, dataset.zone);
    let key = CacheKey::new(Kind::Answer, Arc::clone(&dataset.known.sha256), request.as_str());
    let mut etag = hex(&Sha256::new().chain_update(&dataset.sha256).chain_update(&request).finalize());
    etag.truncate(ETAG_DIGITS);
    let budget = &state.memory.answers;
    let body = match state.store.cache.get_in_memory(&key).await {
        Some(body) if (body.len() as u64) < LITTLE => body,
        // The cache may let go of it before it is sent.
        Some(body) => held(budget.hold(body.len() as u64).await?, body),
        // Seldom, and so big that every request would have to carry it.
        None => {
            let mut holding = None;
            let making = async {
                holding = budget.hold(bytes).await?;
                compute().await
            };
            let body = Box::pin(state.store.cache.get_or_compute(&key, making)).await?;
            if holding.is_none() {
                // Somebody else made it, or it was thought to be little.
                holding = budget.hold(body.len() as u64).await?;
            }
            held(holding, body)
        }
    };
    Ok(Answer { body, etag, assumed_session: dataset.assumed_session.clone(), of: PhantomData })
}

/// The bytes, which hold of their budget what they take until they are sent.
fn held(held: Option<Held>, body: Bytes) -> Bytes {
    match held {
        Some(mut held) if body.len() as u64 >= LITTLE => {
            held.shrink(body.len() as u64);
            held.with(body)
        }
        _ => body,
    }
}

/// The bytes of an answer.
///
/// # Errors
/// Never: every answer has text keys.
pub fn json(answer: &impl Serialize) -> Result<Bytes> {
    serde_json::to_vec(answer).map(Bytes::from).internal("writing an answer as JSON")
}

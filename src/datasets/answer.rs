//! From a settled frame to an answer: out of the cache, or computed on a blocking thread and kept.

use std::marker::PhantomData;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Answer;
use super::opened::Frame;
use super::version::Resolved;
use crate::error::{Context, Result};
use crate::state::AppState;
use crate::store::cache::{CacheKey, Keep};
use crate::store::objects::hex;

/// Changes whenever the same request would be answered with other bytes by a newer program.
const FORMAT: u32 = 1;
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
    let working = || {
        let (state, dataset) = (state.clone(), Arc::clone(&dataset));
        blocking(move || compute(&Frame::open(&state, &dataset)?, &dataset))
    };
    kept(state, &dataset, request, Keep::Long, working).await
}

/// As [`computed`], by a `compute` that looks after its threads itself.
///
/// # Errors
/// That of `compute`.
pub async fn kept<T, F, W>(
    state: &AppState,
    dataset: &Resolved,
    request: &str,
    keep: Keep,
    compute: F,
) -> Result<Answer<T>>
where
    F: FnOnce() -> W + Send,
    W: Future<Output = Result<Bytes>> + Send,
{
    let request = format!("{FORMAT} {} {} {request}", dataset.label.dataset_id, dataset.zone);
    let key = CacheKey::new(&dataset.sha256, &request);
    let mut etag = hex(&Sha256::new().chain_update(&dataset.sha256).chain_update(&request).finalize());
    etag.truncate(ETAG_DIGITS);
    let body = match state.store.cache.get_in_memory(&key) {
        Some(body) => body,
        // Seldom, and so big that every request would have to carry it.
        None => Box::pin(state.store.cache.get_or_make(&key, keep, compute)).await?,
    };
    Ok(Answer { body, etag, assumed_session: dataset.assumed_session.clone(), of: PhantomData })
}

/// Does something that takes a while on a thread for that.
///
/// # Errors
/// That of `work`.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.internal("computing an answer")?
}

/// The bytes of an answer.
///
/// # Errors
/// Never: every answer has text keys.
pub fn json(answer: &impl Serialize) -> Result<Bytes> {
    serde_json::to_vec(answer).map(Bytes::from).internal("writing an answer as JSON")
}

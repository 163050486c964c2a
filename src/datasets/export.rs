//! The stored file itself, or its rows as CSV or Arrow IPC, streamed.

use std::ops::Range;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::Stream;

use super::version::Resolved;
use crate::error::Result;
use crate::state::AppState;

/// Bytes on their way to the client.
pub type ByteStream = Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send>>;

/// A part of the stored Parquet file, unchanged.
///
/// # Errors
/// 409 when the file is missing or damaged.
pub async fn parquet(state: &AppState, dataset: &Resolved, range: Range<u64>) -> Result<ByteStream> {
    let _ = (state, dataset, range);
    todo!()
}

/// All rows as CSV (RFC 4180, UTF-8, header line; `timestamp` ISO 8601 with the site's offset; nulls empty).
///
/// # Errors
/// 409 when the file is missing or damaged.
pub async fn csv(state: &AppState, dataset: &Resolved) -> Result<ByteStream> {
    let _ = (state, dataset);
    todo!()
}

/// All rows as an Arrow IPC file (the file format, so that readers may seek).
///
/// # Errors
/// 409 when the file is missing or damaged.
pub async fn arrow(state: &AppState, dataset: &Resolved) -> Result<ByteStream> {
    let _ = (state, dataset);
    todo!()
}

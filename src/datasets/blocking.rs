//! Work that would keep the server's own threads.

use crate::error::{Context, Result};

/// Does something that takes a while on a thread for that.
///
/// # Errors
/// That of `work`.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work)).await.internal("computing an answer")?
}

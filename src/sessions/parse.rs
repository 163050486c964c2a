//! Parse: raw reports → one published Parquet file and its rows.

use super::{ParseRequest, Parsed};
use crate::error::Result;
use crate::state::AppState;

/// Who asks: only HTTP parses become the default session of requests without `session_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// The API.
    Http,
    /// The command line.
    Cli,
}

/// Parses server-side files or an uploaded session. Goes on when the caller goes away.
///
/// # Errors
/// Unknown session (404), a parse of the same session under way (409), unreadable or contradicting
/// reports (415, 422, with file and line): then nothing is stored.
pub async fn parse(state: &AppState, request: ParseRequest, caller: Caller) -> Result<Parsed> {
    let _ = (state, request, caller);
    todo!()
}

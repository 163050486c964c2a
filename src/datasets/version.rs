//! Which stored file a request means.

use super::{DatasetLabel, DatasetSelector};
use crate::error::Result;
use crate::etl::column::ColumnMeta;
use crate::state::AppState;

/// A stored frame, settled.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// For answers.
    pub label: DatasetLabel,
    /// The Parquet file's key in the object store.
    pub path: String,
    /// Of the Parquet file, hex.
    pub sha256: String,
    /// Bytes.
    pub size_bytes: u64,
    /// Rows.
    pub row_count: u64,
    /// Everything but `timestamp`, in the file's order.
    pub columns: std::sync::Arc<Vec<ColumnMeta>>,
    /// Zone of the site.
    pub zone: chrono_tz::Tz,
    /// The session's name, for file names of downloads.
    pub session_name: String,
    /// Set when `session_id` was left out.
    pub assumed_session: Option<String>,
}

/// Settles which frame is meant.
///
/// # Errors
/// 404 for an unknown or deleted session, or a version it has not; 409 for one that is missing or
/// damaged; 422 when `session_id` is left out and `REQUIRE_SESSION_ID` is on.
pub async fn resolve(state: &AppState, selector: &DatasetSelector) -> Result<Resolved> {
    let _ = (state, selector);
    todo!()
}

//! List, look at, rename, delete, restore and purge sessions.

use super::{Lineage, Page, SessionDetail, SessionFilter, SessionPatch, SessionSummary};
use crate::error::Result;
use crate::state::AppState;

/// One page of the sessions that match.
///
/// # Errors
/// 422 for a page, size, sort, order or time that cannot be.
pub async fn list(state: &AppState, filter: &SessionFilter) -> Result<Page<SessionSummary>> {
    let _ = (state, filter);
    todo!()
}

/// One session, deleted ones too.
///
/// # Errors
/// 404 when there is no such session.
pub async fn get(state: &AppState, session_id: &str) -> Result<SessionDetail> {
    let _ = (state, session_id);
    todo!()
}

/// Renames a session, or changes its site or free data.
///
/// # Errors
/// 404; 409 for a deleted session; 422 for an empty name.
pub async fn update(state: &AppState, session_id: &str, patch: SessionPatch) -> Result<SessionDetail> {
    let _ = (state, session_id, patch);
    todo!()
}

/// Deletes softly: `restore` brings it back.
///
/// # Errors
/// 404 when there is no such session.
pub async fn delete(state: &AppState, session_id: &str) -> Result<()> {
    let _ = (state, session_id);
    todo!()
}

/// Brings a deleted session back.
///
/// # Errors
/// 404 when there is no such session.
pub async fn restore(state: &AppState, session_id: &str) -> Result<SessionDetail> {
    let _ = (state, session_id);
    todo!()
}

/// Removes rows and files for ever.
///
/// # Errors
/// 404; 409 while it is being parsed.
pub async fn purge(state: &AppState, session_id: &str) -> Result<()> {
    let _ = (state, session_id);
    todo!()
}

/// From the raw bytes to everything made of them.
///
/// # Errors
/// 404 when there is no such session.
pub async fn lineage(state: &AppState, session_id: &str) -> Result<Lineage> {
    let _ = (state, session_id);
    todo!()
}

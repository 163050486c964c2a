//! Links to a session that is seen.

use super::store;
use crate::accounts::links as made;
use crate::accounts::links::{LinkRequest, Links, NewLink};
use crate::error::Result;
use crate::state::AppState;

/// Links to it.
///
/// # Errors
/// 404 when there is no such session.
pub async fn list(state: &AppState, session_id: &str) -> Result<Links> {
    store::session(state.store.db.read(), state.principal(), session_id).await?;
    made::list(state, session_id).await
}

/// Makes a link to it.
///
/// # Errors
/// 404 and 409 when there is no such session, or it is deleted; 422 for a time or note that cannot be.
pub async fn make(state: &AppState, session_id: &str, request: LinkRequest) -> Result<NewLink> {
    store::live_session(state.store.db.read(), state.principal(), session_id).await?;
    made::make(state, session_id, request).await
}

/// Ends a link to it.
///
/// # Errors
/// 404 when there is no such session or link.
pub async fn revoke(state: &AppState, session_id: &str, id: &str) -> Result<()> {
    store::session(state.store.db.read(), state.principal(), session_id).await?;
    made::revoke(state, session_id, id).await
}

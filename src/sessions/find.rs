//! A session by what a person types: its id, the beginning of it, or its name.

use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::error::{Context, Error, Result};
use crate::state::AppState;
use crate::store::entity::session;

/// Most sessions that are named when several are meant.
const MAX_NAMED: u64 = 6;

/// The id of the session that `text` means, deleted ones too (of two with one name, the one that is not deleted).
///
/// # Errors
/// 404 when there is none, 409 when there are several, with their ids.
pub async fn find(state: &AppState, text: &str) -> Result<String> {
    let doing = "looking for a session";
    let db = state.store.db.read();
    let text = text.trim();
    if let Some(id) = uuid::Uuid::try_parse(text).ok().map(|id| id.hyphenated().to_string())
        && session::Entity::find_by_id(&id).one(db).await.internal(doing)?.is_some()
    {
        return Ok(id);
    }
    let mut query = session::Entity::find().filter(session::Column::Name.eq(text));
    let prefix = text.to_ascii_lowercase();
    if prefix.len() >= 4 && prefix.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
        let either = session::Column::Name.eq(text).or(session::Column::Id.starts_with(&prefix));
        query = session::Entity::find().filter(either);
    }
    let found = query.order_by_desc(session::Column::Id).limit(MAX_NAMED).all(db).await.internal(doing)?;
    let living: Vec<&session::Model> = found.iter().filter(|s| s.deleted_at.is_none()).collect();
    match (living.as_slice(), found.as_slice()) {
        ([one], _) => Ok(one.id.clone()),
        ([], [one]) => Ok(one.id.clone()),
        ([], []) => Err(Error::not_found(
            "unknown_session",
            format!("there is no session '{text}'; `hvac-analytics sessions` lists their ids and names"),
        )),
        _ => {
            let named: Vec<String> = found.iter().map(|s| format!("{} ({})", s.id, s.name)).collect();
            let message = format!("'{text}' can mean several sessions, say which by its id: {}", named.join(", "));
            Err(Error::conflict("ambiguous_session", message))
        }
    }
}

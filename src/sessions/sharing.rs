//! Whose a session is, and who else sees it; who sees all sessions of a site.
//!
//! A session that nobody owns is everyone's. Others see what is owned when it, or its site, is shared with them or with
//! everyone; what they may do there is their role's. To give away, to share and to purge is the owner's and the admins'.

use std::collections::BTreeSet;

use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, Set,
    Unchanged,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{manifest, store};
use crate::accounts::known;
use crate::audit::{self, Act};
use crate::error::{Context, Error, Result, codes};
use crate::limits;
use crate::state::AppState;
use hvac_store::db::Transaction;
use hvac_store::entity::{session, share};
use hvac_store::{new_id, now};

/// Most names that something is shared with by name.
const MOST_NAMES: usize = 1000;

/// Who sees a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Sharing {
    /// Whose it is; null: everyone's.
    pub owner: Option<String>,
    /// Whether everyone sees it.
    pub everyone: bool,
    /// Who else sees it, by name.
    pub people: Vec<String>,
}

/// Who shall see a session.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SharingRequest {
    /// Whose it shall be; left out, it stays.
    #[serde(default)]
    pub owner: Option<String>,
    /// Whether everyone shall see it.
    #[serde(default)]
    pub everyone: bool,
    /// Who else shall, by name: replaces those before.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub people: Vec<String>,
}

/// Who sees all sessions of a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SiteSharing {
    /// The site.
    pub site: String,
    /// Whether everyone sees them.
    pub everyone: bool,
    /// Who sees them, by name.
    pub people: Vec<String>,
}

/// Who shall see all sessions of a site.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SiteSharingRequest {
    /// Whether everyone shall see them.
    pub everyone: bool,
    /// Who shall, by name: replaces those before.
    #[schema(max_items = 1000)]
    pub people: Vec<String>,
}

/// Who sees a session.
///
/// # Errors
/// 404 when there is no such session.
pub async fn of(state: &AppState, session_id: &str) -> Result<Sharing> {
    let db = state.store.db.read();
    let session = store::session(db, state.principal(), session_id).await?;
    let (everyone, people) = shared(db, of_session(session_id)).await?;
    let owner = match session.owner_id {
        Some(id) => Some(known::names(db, std::slice::from_ref(&id)).await?.remove(&id).unwrap_or(id)),
        None => None,
    };
    Ok(Sharing { everyone: everyone || owner.is_none(), owner, people })
}

/// Shares a session, or gives it away.
///
/// # Errors
/// 404 for a session or name that is not there; 403 unless it is one's own, or one is an admin.
pub async fn put(state: &AppState, session_id: &str, request: SharingRequest) -> Result<Sharing> {
    let txn = state.store.db.begin().await?;
    let session = store::session(&txn, state.principal(), session_id).await?;
    store::dispose(state.principal(), &session)?;
    if let Some(name) = &request.owner {
        let owner = known::named(&txn, name).await?;
        let row = session::ActiveModel {
            id: Unchanged(session.id),
            owner_id: Set(Some(owner.id)),
            updated_at: Set(now()),
            ..Default::default()
        };
        row.update(&txn).await.internal("giving a session away")?;
    }
    let row = |account_id| share::Model {
        id: new_id(),
        session_id: Some(session_id.to_owned()),
        site: None,
        account_id,
        created_at: now(),
    };
    replace(&txn, of_session(session_id), request.everyone, &request.people, row).await?;
    let said = serde_json::json!({"owner": request.owner, "everyone": request.everyone, "people": request.people});
    audit::note(&txn, state.principal(), Act::on_session("session.share", session_id).with(said)).await?;
    txn.commit().await.internal("sharing a session")?;
    manifest::write(state, session_id).await?;
    of(state, session_id).await
}

/// Who sees all sessions of a site.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_a_site(state: &AppState, site: &str) -> Result<SiteSharing> {
    let (everyone, people) = shared(state.store.db.read(), of_site(site)).await?;
    Ok(SiteSharing { site: site.to_owned(), everyone, people })
}

/// Shares all sessions of a site, those to come too.
///
/// # Errors
/// 404 for a name that is not there; 422 for a site that cannot be.
pub async fn put_site(state: &AppState, site: &str, request: SiteSharingRequest) -> Result<SiteSharing> {
    limits::name("site", site)?;
    let txn = state.store.db.begin().await?;
    let row = |account_id| share::Model {
        id: new_id(),
        session_id: None,
        site: Some(site.to_owned()),
        account_id,
        created_at: now(),
    };
    replace(&txn, of_site(site), request.everyone, &request.people, row).await?;
    let said = serde_json::json!({"everyone": request.everyone, "people": request.people});
    audit::note(&txn, state.principal(), Act::on("site.share", "site", site).with(said)).await?;
    txn.commit().await.internal("sharing a site")?;
    of_a_site(state, site).await
}

fn of_session(session_id: &str) -> Condition {
    Condition::all().add(share::Column::SessionId.eq(session_id))
}

fn of_site(site: &str) -> Condition {
    Condition::all().add(share::Column::Site.eq(site))
}

/// Whether everyone, and who by name.
async fn shared(db: &impl ConnectionTrait, of: Condition) -> Result<(bool, Vec<String>)> {
    let rows = share::Entity::find().filter(of).all(db).await.internal("looking up who sees it")?;
    let everyone = rows.iter().any(|row| row.account_id.is_none());
    let ids: Vec<String> = rows.into_iter().filter_map(|row| row.account_id).collect();
    let mut people: Vec<String> = known::names(db, &ids).await?.into_values().collect();
    people.sort_unstable();
    Ok((everyone, people))
}

/// Puts those in place of whom it was shared with.
async fn replace(
    txn: &Transaction,
    of: Condition,
    everyone: bool,
    people: &[String],
    row: impl Fn(Option<String>) -> share::Model,
) -> Result<()> {
    if people.len() > MOST_NAMES {
        let message = format!("people: they are {}; name at most {MOST_NAMES}, or share with everyone", people.len());
        return Err(Error::invalid("people", codes::OUT_OF_RANGE, message));
    }
    let mut ids = BTreeSet::new();
    for name in people {
        ids.insert(known::named(txn, name).await?.id);
    }
    share::Entity::delete_many().filter(of).exec(txn).await.internal("sharing")?;
    for account_id in everyone.then_some(None).into_iter().chain(ids.into_iter().map(Some)) {
        row(account_id).into_active_model().reset_all().insert(txn).await.internal("sharing")?;
    }
    Ok(())
}

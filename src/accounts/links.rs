//! Links: addresses that let whoever has them read one session for a time, for tools that send no headers.
//!
//! A link is 32 random bytes of which the hash is kept: there is no other secret to hold, and each can be ended by itself.
//! It ends with its time, when it is revoked, when its maker is disabled, and when he does not see the session any more.

use chrono::TimeDelta;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::known;
use crate::audit::{self, Act};
use crate::credentials::secret;
use crate::error::{Context, Error, Result, codes};
use crate::limits;
use crate::principal::{Principal, Role, Via, Who};
use crate::state::AppState;
use crate::times::utc;
use hvac_store::entity::{account, link, session};
use hvac_store::{new_id, now};

/// How a link's secret begins.
const PREFIX: &str = "hvacl_";
/// How long a link lasts when nobody says, hours.
const USUAL_HOURS: u32 = 7 * 24;
/// How long at most.
const MOST_HOURS: u32 = 366 * 24;

/// A link that is wanted.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LinkRequest {
    /// How long it is to last: 168 h unless said, at most 8784.
    #[schema(minimum = 1, maximum = 8784)]
    pub hours: Option<u32>,
    /// What it is for.
    pub note: String,
}

/// A link to a session, without its secret.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Link {
    /// What it is ended by.
    pub id: String,
    /// What it lets read.
    pub session_id: String,
    /// Who made it.
    pub made_by: Option<String>,
    /// What it is for.
    pub note: String,
    /// UTC.
    pub created_at: String,
    /// UTC.
    pub expires_at: String,
    /// UTC; null while it has not been ended.
    pub revoked_at: Option<String>,
}

/// A link that was made: its secret is told this once.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NewLink {
    /// The link.
    #[serde(flatten)]
    pub link: Link,
    /// What to add to the query of an address that reads the session: `?link=…`.
    pub secret: String,
    /// Such an address, below the server's own.
    #[schema(example = "/api/v1/sessions/019aa0de-0000-7000-8000-000000000000/data.parquet?link=hvacl_…")]
    pub data_path: String,
}

/// The links of a session.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Links {
    /// The newest first.
    pub links: Vec<Link>,
}

fn told(row: link::Model, made_by: Option<String>) -> Link {
    Link {
        id: row.id,
        session_id: row.session_id,
        made_by,
        note: row.note,
        created_at: utc(row.created_at),
        expires_at: utc(row.expires_at),
        revoked_at: row.revoked_at.map(utc),
    }
}

/// Makes a link to a session that is seen, which the caller has looked up.
///
/// # Errors
/// 422 for a time or note that cannot be.
pub async fn make(state: &AppState, session_id: &str, request: LinkRequest) -> Result<NewLink> {
    let hours = request.hours.unwrap_or(USUAL_HOURS);
    if !(1..=MOST_HOURS).contains(&hours) {
        let message = format!("hours: {hours} is no time for a link; give 1…{MOST_HOURS}");
        return Err(Error::invalid("hours", codes::OUT_OF_RANGE, message));
    }
    limits::note("note", &request.note)?;
    let shown = format!("{PREFIX}{}", secret::fresh()?);
    let row = link::Model {
        id: new_id(),
        session_id: session_id.to_owned(),
        account_id: state.principal().account_id().map(str::to_owned),
        sha256: secret::hex(&secret::digest(&shown)),
        note: request.note,
        expires_at: now() + TimeDelta::hours(i64::from(hours)),
        revoked_at: None,
        created_at: now(),
    };
    let txn = state.store.db.begin().await?;
    row.clone().into_active_model().reset_all().insert(&txn).await.internal("storing a link")?;
    let act = Act::on("link.create", "link", &row.id).of_session(session_id);
    audit::note(&txn, state.principal(), act.with(serde_json::json!({"hours": hours}))).await?;
    txn.commit().await.internal("storing a link")?;
    let data_path = format!("/api/v1/sessions/{session_id}/data.parquet?link={shown}");
    let made_by = state.principal().account_id().map(|_| state.principal().name().to_owned());
    Ok(NewLink { link: told(row, made_by), secret: shown, data_path })
}

/// The links of a session that is seen, which the caller has looked up: one's own, of an admin all.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(state: &AppState, session_id: &str) -> Result<Links> {
    let db = state.store.db.read();
    let rows = link::Entity::find()
        .filter(link::Column::SessionId.eq(session_id))
        .filter(own(state.principal()))
        .order_by_desc(link::Column::CreatedAt)
        .all(db)
        .await
        .internal("listing links")?;
    let makers: Vec<String> = rows.iter().filter_map(|row| row.account_id.clone()).collect();
    let names = known::names(db, &makers).await?;
    let made_by = |row: &link::Model| row.account_id.as_ref().and_then(|id| names.get(id).cloned());
    Ok(Links { links: rows.into_iter().map(|row| (made_by(&row), row)).map(|(by, row)| told(row, by)).collect() })
}

/// Those that somebody made himself; of an admin all.
fn own(principal: &Principal) -> Condition {
    match (principal.role, principal.account_id()) {
        (Role::Admin, _) => Condition::all(),
        (_, Some(id)) => Condition::all().add(link::Column::AccountId.eq(id)),
        (_, None) => Condition::all().add(link::Column::AccountId.is_null()),
    }
}

/// Ends a link. Ending it again changes nothing.
///
/// # Errors
/// 404 for a link that the session does not have, or another made.
pub async fn revoke(state: &AppState, session_id: &str, id: &str) -> Result<()> {
    let txn = state.store.db.begin().await?;
    let of = Condition::all()
        .add(link::Column::Id.eq(id))
        .add(link::Column::SessionId.eq(session_id))
        .add(own(state.principal()));
    if link::Entity::find().filter(of.clone()).count(&txn).await.internal("looking up a link")? == 0 {
        let message =
            format!("session {session_id} has no link '{id}'; GET /api/v1/sessions/{session_id}/links lists them");
        return Err(Error::new(codes::UNKNOWN_LINK, message));
    }
    link::Entity::update_many()
        .col_expr(link::Column::RevokedAt, Expr::value(now()))
        .filter(of.add(link::Column::RevokedAt.is_null()))
        .exec(&txn)
        .await
        .internal("ending a link")?;
    audit::note(&txn, state.principal(), Act::on("link.revoke", "link", id).of_session(session_id)).await?;
    txn.commit().await.internal("ending a link")
}

/// Whoever a link lets in: its maker, for reading its session and nothing else.
///
/// # Errors
/// 401 when it is none, or has ended.
pub async fn open(state: &AppState, shown: &str) -> Result<Principal> {
    let db = state.store.db.read();
    let ended = || Error::new(codes::BAD_LINK, "the link is none that is known, or it has ended: ask for a new one");
    let by_secret = link::Entity::find().filter(link::Column::Sha256.eq(secret::hex(&secret::digest(shown))));
    let row = by_secret.one(db).await.internal("looking up a link")?.ok_or_else(ended)?;
    if row.revoked_at.is_some() || row.expires_at <= now() {
        return Err(ended());
    }
    let maker = match &row.account_id {
        Some(id) => {
            let account = account::Entity::find_by_id(id).one(db).await.internal("looking up an account")?;
            let account = account.filter(|account| account.disabled_at.is_none()).ok_or_else(ended)?;
            Principal::account(account.id, account.name, account.role, Via::Link)
        }
        // It lasts no longer than nobody need say who he is.
        None => Principal::anonymous(state.config.anonymous_role.ok_or_else(ended)?),
    };
    let found = session::Entity::find_by_id(&row.session_id).filter(maker.seen_sessions()).count(db).await;
    if found.internal("looking up a link's session")? == 0 {
        return Err(ended());
    }
    let who: Who = maker.who;
    Ok(Principal { who, via: Via::Link, only_session: Some(row.session_id), ..Principal::anonymous(Role::Viewer) })
}

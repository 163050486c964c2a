//! Who did what to which object, when, from where, with what result: a list that is only added to.
//!
//! What was done is noted in the change's own transaction: with it, or not at all. Each entry's hash is of the entry and
//! of the hash before it, so that none can be changed, left out or put between without [`verify`] telling.

use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, NotSet, QueryOrder, QuerySelect};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::error::{Context, Result};
use crate::principal::Principal;
use crate::times::utc;
use hvac_store::entity::{audit_anchor, audit_entry};
use hvac_store::now;

mod list;

pub use list::{AuditEntry, AuditFilter, AuditPage, AuditPaging, Verified, after, let_go, list, verify};

/// `result` of what was done.
pub const DONE: &str = "done";

/// Something that was done, or tried.
#[derive(Debug, Clone)]
pub struct Act<'a> {
    /// What, such as `session.delete`.
    pub action: &'a str,
    /// To what kind of thing, such as `session`.
    pub kind: &'static str,
    /// To which.
    pub id: Option<&'a str>,
    /// Of which session.
    pub session_id: Option<&'a str>,
    /// What else there is to say: no secrets.
    pub detail: Value,
}

impl<'a> Act<'a> {
    /// On that object.
    #[must_use]
    pub fn on(action: &'a str, kind: &'static str, id: &'a str) -> Self {
        Self { action, kind, id: Some(id), session_id: None, detail: Value::Null }
    }

    /// On that session.
    #[must_use]
    pub fn on_session(action: &'a str, session_id: &'a str) -> Self {
        Self { session_id: Some(session_id), ..Self::on(action, "session", session_id) }
    }

    /// Of that session.
    #[must_use]
    pub fn of_session(self, session_id: &'a str) -> Self {
        Self { session_id: Some(session_id), ..self }
    }

    /// With more to say.
    #[must_use]
    pub fn with(self, detail: Value) -> Self {
        Self { detail, ..self }
    }
}

/// Notes what is being done, in the transaction that does it.
///
/// # Errors
/// When the entry cannot be written: nothing is done then.
pub async fn note(txn: &impl ConnectionTrait, principal: &Principal, act: Act<'_>) -> Result<()> {
    note_result(txn, principal, act, DONE).await
}

/// Notes what was tried and refused, by the refusal's code.
///
/// # Errors
/// When the entry cannot be written.
pub async fn note_result(txn: &impl ConnectionTrait, principal: &Principal, act: Act<'_>, result: &str) -> Result<()> {
    let text = |text: &str| text.to_owned();
    let before = last_hash(txn).await?;
    let mut entry = audit_entry::Model {
        seq: 0,
        at: now(),
        account_id: principal.account_id().map(text),
        who: principal.name().to_owned(),
        via: principal.via.as_str().to_owned(),
        action: act.action.to_owned(),
        object_kind: act.kind.to_owned(),
        object_id: act.id.map(text),
        session_id: act.session_id.map(text),
        result: result.to_owned(),
        address: principal.address.map(|address| address.to_string()),
        request_id: principal.request_id.as_deref().map(text),
        detail: if act.detail.is_null() { String::new() } else { act.detail.to_string() },
        hash: String::new(),
    };
    entry.hash = hash(&before, &entry);
    let row = audit_entry::ActiveModel { seq: NotSet, ..audit_entry::ActiveModel::from(entry).reset_all() };
    row.insert(txn).await.internal("noting what is done")?;
    Ok(())
}

/// The hash that the next entry goes on from.
async fn last_hash(db: &impl ConnectionTrait) -> Result<String> {
    let last: Option<String> = audit_entry::Entity::find()
        .select_only()
        .column(audit_entry::Column::Hash)
        .order_by_desc(audit_entry::Column::Seq)
        .limit(1)
        .into_tuple()
        .one(db)
        .await
        .internal("reading the last entry")?;
    match last {
        Some(hash) => Ok(hash),
        None => Ok(anchor(db).await?.hash),
    }
}

/// Where the list begins: behind the last entry that was let go.
async fn anchor(db: &impl ConnectionTrait) -> Result<audit_anchor::Model> {
    let found = audit_anchor::Entity::find_by_id(1).one(db).await.internal("reading where the list begins")?;
    Ok(found.unwrap_or(audit_anchor::Model { id: 1, seq: 0, hash: String::new() }))
}

/// Of an entry and the hash before it: SHA-256 of a JSON list of both, each text in its place.
fn hash(before: &str, entry: &audit_entry::Model) -> String {
    let list = json!([
        before,
        utc(entry.at),
        entry.account_id,
        entry.who,
        entry.via,
        entry.action,
        entry.object_kind,
        entry.object_id,
        entry.session_id,
        entry.result,
        entry.address,
        entry.request_id,
        entry.detail,
    ]);
    format!("{:x}", Sha256::digest(list.to_string()))
}

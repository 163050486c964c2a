//! Links to files: addresses that let whoever has them read one file for a time.
//!
//! Where the files lie in a bucket, its server gives the link, and its bytes do not come through here. Else a link is 32
//! random bytes of which the hash is kept, as links to sessions are.

use std::time::Duration;

use chrono::TimeDelta;
use sea_orm::EntityTrait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::files;
use crate::audit::{self, Act};
use crate::credentials::secret;
use crate::error::{Context, Error, Result, codes};
use crate::principal::{Principal, Role, Via, Who};
use crate::records::backend::Record;
use crate::records::sql;
use crate::state::AppState;
use crate::times::{ms_of, text_of, utc};
use hvac_store::entity::account;
use hvac_store::now;

/// How a link's secret begins.
pub const PREFIX: &str = "hvacf_";
/// How long a link lasts when nobody says, minutes.
const USUAL_MINUTES: u32 = 60;
/// How long at most: what S3 allows.
const MOST_MINUTES: u32 = 7 * 24 * 60;

/// A link that is wanted.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FileLinkRequest {
    /// How long it is to last: 60 min unless said, at most 10080 (a week).
    #[schema(minimum = 1, maximum = 10080)]
    pub minutes: Option<u32>,
}

/// A link to a file. It is told this once.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FileLink {
    /// What to ask: an address of the files' own server, or a path of this one.
    #[schema(example = "/api/v1/storage/files/019aa0de-0000-7000-8000-000000000000?link=hvacf_…")]
    pub url: String,
    /// UTC.
    pub expires_at: String,
}

/// Makes a link to a file.
///
/// # Errors
/// 404 when there is no such file; 422 for a time that cannot be.
pub async fn make(state: &AppState, id: &str, request: FileLinkRequest) -> Result<FileLink> {
    let row = files::row(state, id).await?;
    let minutes = request.minutes.unwrap_or(USUAL_MINUTES);
    if !(1..=MOST_MINUTES).contains(&minutes) {
        let message = format!("minutes: {minutes} is no time for a link; give 1…{MOST_MINUTES}");
        return Err(Error::invalid("minutes", codes::OUT_OF_RANGE, message));
    }
    let until = now() + TimeDelta::minutes(i64::from(minutes));
    let expires_at = utc(until);
    let txn = state.store.db.begin().await?;
    let act = Act::on("file.link", "file", id).with(json!({"minutes": minutes}));
    audit::note(&txn, state.principal(), act).await?;
    let url = match &state.storage.signer {
        Some(signer) => {
            let place = row.fields.get("place").and_then(Value::as_str).unwrap_or_default();
            let lasts = Duration::from_secs(60 * u64::from(minutes));
            super::signed(signer, place, lasts).await?
        }
        None => {
            let shown = format!("{PREFIX}{}", secret::fresh()?);
            let mut fields = Map::new();
            fields.insert("file_id".to_owned(), id.into());
            fields.insert("ends_at".to_owned(), text_of(until.timestamp_millis()).into());
            if let Some(maker) = state.principal().account_id() {
                fields.insert("made_by".to_owned(), maker.into());
            }
            let (key, at) = (secret::hex(&secret::digest(&shown)), now().timestamp_millis());
            let link = Record { key, created_at_ms: at, updated_at_ms: at, fields };
            sql::write(&txn, &state.storage.links, &[link]).await.internal("storing a link")?;
            format!("/api/v1/storage/files/{id}?link={shown}")
        }
    };
    txn.commit().await?;
    Ok(FileLink { url, expires_at })
}

/// Whoever a link lets in: its maker, for reading its file and nothing else.
///
/// # Errors
/// 401 when it is none, or has ended.
pub async fn open(state: &AppState, shown: &str) -> Result<Principal> {
    let ended = || Error::new(codes::BAD_LINK, "the link is none that is known, or it has ended: ask for a new one");
    let db = state.store.db.read();
    let key = secret::hex(&secret::digest(shown));
    let link = sql::read(db, &state.storage.links, &key).await.internal("looking up a link")?.ok_or_else(ended)?;
    let text = |name: &str| link.fields.get(name).and_then(Value::as_str).map(str::to_owned);
    if text("ends_at").and_then(|at| ms_of(&at)).is_none_or(|at| at <= now().timestamp_millis()) {
        return Err(ended());
    }
    let who = match text("made_by") {
        Some(id) => {
            let account = account::Entity::find_by_id(&id).one(db).await.internal("looking up an account")?;
            let account = account.filter(|account| account.disabled_at.is_none()).ok_or_else(ended)?;
            Who::Account { id, name: account.name }
        }
        // It lasts no longer than nobody need say who he is.
        None => state.config.anonymous_role.map(|_| Who::Anonymous).ok_or_else(ended)?,
    };
    let only_file = Some(text("file_id").ok_or_else(ended)?);
    // No session has no id.
    let only_session = Some(String::new());
    Ok(Principal { who, via: Via::Link, only_session, only_file, ..Principal::anonymous(Role::Viewer) })
}

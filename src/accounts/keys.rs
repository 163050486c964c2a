//! Keys: what programs show. Each is somebody's – a person's, or that of a service that is made for it – and is shown once.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::store::{self, Change};
use super::{AccountKind, people};
use crate::audit::{self, Act};
use crate::credentials::secret;
use crate::error::{Context, Detail, Error, Result, codes};
use crate::limits::{Page, Paging};
use crate::principal::Role;
use crate::state::AppState;
use crate::times::utc;
use hvac_store::db::Transaction;
use hvac_store::entity::{account, api_key};
use hvac_store::{new_id, now};

/// Most hours, days or weeks that a key holds which ends.
const MOST: i64 = 999;
/// Keys a page when the request does not say.
const PAGE: u64 = 20;

/// A key that is to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRequest {
    /// What it is called; without `user` also the service that it is of.
    #[schema(example = "gateway")]
    pub name: String,
    /// The most it may do.
    pub role: Role,
    /// How long it holds: hours, days or weeks; for ever when it is left out.
    #[schema(pattern = "^[1-9][0-9]{0,2}[hdw]$", example = "90d")]
    pub expires: Option<String>,
    /// Name of the account that it is of.
    pub user: Option<String>,
}

/// A key, as it is listed: what it is itself is kept nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ApiKey {
    /// UUID.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Name of the account that it is of.
    pub user: String,
    /// That account.
    pub user_id: String,
    /// The most it may do, and never more than its account.
    pub role: Role,
    /// UTC.
    pub created_at: String,
    /// When it ends, UTC; null: never.
    pub expires_at: Option<String>,
    /// To the minute, UTC.
    pub last_used_at: Option<String>,
    /// When it was ended, UTC.
    pub revoked_at: Option<String>,
}

/// A new key.
#[derive(Serialize, ToSchema)]
pub struct NewKey {
    /// What is kept of it.
    #[serde(flatten)]
    pub told: ApiKey,
    /// The key itself: it is shown this once.
    #[schema(example = "hvac_…")]
    pub key: String,
}

/// Which keys are listed.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct KeyFilter {
    /// Those too that were ended.
    pub revoked: bool,
    /// Page, from 1.
    pub page: Option<u64>,
    /// Keys a page, 1 to 100.
    pub page_size: Option<u64>,
}

fn told(row: api_key::Model, user: String) -> ApiKey {
    ApiKey {
        id: row.id,
        name: row.name,
        user,
        user_id: row.account_id,
        role: row.role,
        created_at: utc(row.created_at),
        expires_at: row.expires_at.map(utc),
        last_used_at: row.last_used_at.map(utc),
        revoked_at: row.revoked_at.map(utc),
    }
}

/// Makes a key.
///
/// # Errors
/// 404 for an account that is not there, 409 for one that is disabled, 422 for what cannot be.
pub async fn create(state: &AppState, request: KeyRequest) -> Result<NewKey> {
    let name = super::name(&request.name)?;
    let at = now();
    let expires_at = request.expires.as_deref().map(|text| ends_at(at, text)).transpose()?;
    let key = secret::fresh_key()?;
    let txn = state.store.db.begin().await?;
    let owner = match &request.user {
        Some(user) => store::named(&txn, user.trim()).await?.ok_or_else(|| super::unknown_account(user))?,
        None => service(&txn, state, &name, request.role).await?,
    };
    if owner.disabled_at.is_some() {
        let message = format!("the account '{}' is disabled; enable it first", owner.name);
        return Err(Error::new(codes::ACCOUNT_DISABLED, message));
    }
    if !owner.role.may(request.role) {
        let message = format!(
            "role: the account '{}' is {}, and its keys can be no more; raise its role first",
            owner.name,
            owner.role.as_str()
        );
        return Err(Error::invalid("role", codes::ROLE_TOO_HIGH, message));
    }
    let row = api_key::Model {
        id: new_id(),
        account_id: owner.id,
        name,
        role: request.role,
        sha256: secret::hex(&secret::digest(&key)),
        expires_at,
        last_used_at: None,
        revoked_at: None,
        created_at: at,
    };
    store::add_key(&txn, row.clone()).await?;
    let detail = serde_json::json!({"user": row.account_id, "role": row.role});
    audit::note(&txn, state.principal(), Act::on("key.create", "key", &row.id).with(detail)).await?;
    txn.commit().await.internal("making a key")?;
    Ok(NewKey { told: told(row, owner.name), key })
}

/// The service of that name, made when it is not there, and in no lower role.
async fn service(txn: &Transaction, state: &AppState, name: &str, role: Role) -> Result<account::Model> {
    match store::named(txn, name).await? {
        Some(found) if found.kind == AccountKind::Person => {
            let message = format!("name: '{name}' is a person; say `user` (--user) to make a key of theirs");
            Err(Error::invalid("name", codes::ACCOUNT_EXISTS, message))
        }
        Some(mut found) if !found.role.may(role) => {
            store::change(txn, &found.id, Change::Role(role), now()).await?;
            audit::note(txn, state.principal(), people::role_act(&found.id, found.role, role)).await?;
            found.role = role;
            Ok(found)
        }
        Some(found) => Ok(found),
        None => people::add(txn, state, name.to_owned(), AccountKind::Service, role, None).await,
    }
}

/// When something ends that holds for so long: `36h`, `90d`, `4w`.
fn ends_at(at: DateTime<Utc>, text: &str) -> Result<DateTime<Utc>> {
    let refused = || {
        let message = format!("expires: '{text}' is no time such as 36h, 90d or 4w of at most {MOST} each");
        Error::invalid("expires", codes::INVALID_FIELD, message)
    };
    let text = text.trim();
    let unit = text.chars().last().ok_or_else(refused)?;
    let hours = match unit {
        'h' => 1,
        'd' => 24,
        'w' => 7 * 24,
        _ => return Err(refused()),
    };
    let digits = text.strip_suffix(unit).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let count: i64 = digits.and_then(|digits| digits.parse().ok()).ok_or_else(refused)?;
    if !(1..=MOST).contains(&count) {
        return Err(refused());
    }
    Ok(at + TimeDelta::hours(count * hours))
}

/// Keys, page by page, the newest first.
///
/// # Errors
/// 422 for a page that cannot be.
pub async fn list(state: &AppState, filter: &KeyFilter) -> Result<Page<ApiKey>> {
    let paging = Paging::asked(filter.page, filter.page_size, PAGE)?;
    let (total, rows) = store::keys(state.store.db.read(), filter.revoked, paging).await?;
    Ok(Page::of(paging, total, rows.into_iter().map(|(row, user)| told(row, user)).collect()))
}

/// The id of the key that a text names: by its id, or by its name among those that were not ended.
///
/// # Errors
/// 404 when there is none, 409 when there are several.
pub async fn find(state: &AppState, text: &str) -> Result<String> {
    let db = state.store.db.read();
    if let Some(key) = store::key(db, text).await? {
        return Ok(key.id);
    }
    let named = store::keys_named(db, text).await?;
    match named.as_slice() {
        [] => Err(unknown(text)),
        [key] => Ok(key.id.clone()),
        several => {
            let message = format!("{} keys are called '{text}'; name one by its id", several.len());
            let of = |key: &api_key::Model| Detail {
                message: format!("{} was made {}", key.id, utc(key.created_at)),
                ..Detail::default()
            };
            Err(several.iter().map(of).fold(Error::new(codes::AMBIGUOUS_KEY, message), Error::with_detail))
        }
    }
}

fn unknown(text: &str) -> Error {
    Error::new(codes::UNKNOWN_KEY, format!("there is no key '{text}'; GET /api/keys lists them"))
}

/// Ends a key for good; one that has ended already stays so.
///
/// # Errors
/// 404 when there is none of that id.
pub async fn revoke(state: &AppState, id: &str) -> Result<()> {
    let txn = state.store.db.begin().await?;
    let key = store::key(&txn, id).await?.ok_or_else(|| unknown(id))?;
    if store::revoke_key(&txn, &key.id, now()).await? {
        audit::note(&txn, state.principal(), Act::on("key.revoke", "key", &key.id)).await?;
    }
    txn.commit().await.internal("revoking a key")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_key_holds_for_hours_days_or_weeks() {
        let at: DateTime<Utc> = "2026-11-30T12:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("36h", "2026-12-02T00:00:00.000Z"),
            ("90d", "2027-02-28T12:00:00.000Z"),
            ("4w", "2026-12-28T12:00:00.000Z"),
        ] {
            assert_eq!(utc(ends_at(at, text).unwrap()), expected, "{text}");
        }
        for wrong in ["", "d", "90", "0d", "-1d", "1000d", "99999999999999999999d", "1y", "9dd", "+9d", "１d", "1.5d"]
        {
            assert_eq!(ends_at(at, wrong).unwrap_err().code, codes::INVALID_FIELD, "{wrong}");
        }
    }
}

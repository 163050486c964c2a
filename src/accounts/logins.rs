//! Logins: a browser shows a secret in a cookie, which the page's scripts cannot read.
//!
//! A login ends when it is not used for some hours, and after some weeks in any case; each is a row, so that it can be listed
//! and ended.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::store::{self, Ended};
use super::{Account, guess, own_or_admin, uses};
use crate::audit::{self, Act};
use crate::credentials::secret;
use crate::error::{Context, Error, Result, codes};
use crate::limits;
use crate::principal::{Principal, Via};
use crate::state::AppState;
use crate::times::utc;
use hvac_store::entity::{account, login};
use hvac_store::{new_id, now};

/// Name of the cookie; over TLS one that no neighbouring host can set.
const COOKIE: &str = "hvac_login";
const SECURE_COOKIE: &str = "__Host-hvac_login";

/// Name and password.
#[derive(Deserialize, ToSchema)]
pub struct LoginRequest {
    /// The account's name, whatever its case.
    pub name: String,
    /// Its password.
    #[schema(format = Password)]
    pub password: String,
}

/// A login that has begun.
pub struct Begun {
    /// What the cookie holds.
    pub secret: String,
    /// Whose it is.
    pub account: Account,
}

/// A browser in which somebody is logged in.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Login {
    /// UUID.
    pub id: String,
    /// From where.
    pub address: Option<String>,
    /// With which browser.
    pub user_agent: Option<String>,
    /// UTC.
    pub created_at: String,
    /// To the minute, UTC.
    pub last_used_at: String,
    /// When it ends unless it is used, UTC.
    pub expires_at: String,
    /// Whether it is the one that asks.
    pub is_current: bool,
}

/// The logins of an account.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Logins {
    /// The last one used first.
    pub logins: Vec<Login>,
}

/// Name of the cookie.
#[must_use]
pub fn cookie_name(is_secure: bool) -> &'static str {
    if is_secure { SECURE_COOKIE } else { COOKIE }
}

/// The secret in a header `Cookie`, if there is one of the right form.
#[must_use]
pub fn cookie(header: Option<&str>, is_secure: bool) -> Option<&str> {
    let pairs = header?.split(';').filter_map(|pair| pair.trim().split_once('='));
    let mut ours = pairs.filter(|(name, _)| *name == cookie_name(is_secure)).map(|(_, value)| value);
    ours.next().filter(|value| secret::is_one(value))
}

/// What a request of the login with that secret has to show besides when it may change something.
#[must_use]
pub fn csrf_token(secret: &str) -> String {
    secret::csrf_token(secret)
}

/// When a login ends at the latest.
pub(super) fn ends_at_last(state: &AppState, created_at: DateTime<Utc>) -> DateTime<Utc> {
    created_at + TimeDelta::from_std(state.config.login_longest).unwrap_or(TimeDelta::zero())
}

/// Logs somebody in. A name that is not there costs as much time as a wrong password.
///
/// # Errors
/// `bad_credentials`, `locked_out`, `passwords_busy`.
pub async fn begin(state: &AppState, request: LoginRequest, user_agent: Option<&str>) -> Result<Begun> {
    guess::check(state, Some(&request.name))?;
    let found = store::named(state.store.db.read(), request.name.trim()).await?;
    let hash = found.as_ref().filter(|row| row.disabled_at.is_none()).and_then(|row| row.password_hash.clone());
    let is_right = state.credentials.passwords.matches(request.password, hash.clone()).await?;
    let row = match found {
        Some(row) if is_right => row,
        found => {
            guess::failed(state, Some(&request.name));
            return refuse(state, found.map(|row| row.id).as_deref()).await;
        }
    };
    guess::succeeded(state, Some(&request.name))?;
    let (fresh, at) = (secret::fresh()?, now());
    let principal = state.principal();
    let login = login::Model {
        id: new_id(),
        account_id: row.id.clone(),
        sha256: secret::hex(&secret::digest(&fresh)),
        address: principal.address.map(|address| address.to_string()),
        user_agent: user_agent.map(limits::to_name),
        created_at: at,
        last_used_at: at,
        expires_at: uses::login_ends_at(state, at, ends_at_last(state, at)),
    };
    let txn = state.store.db.begin().await?;
    // What was right when it was looked up may have been changed while the password was checked.
    let row = store::account(&txn, &row.id).await?;
    if row.disabled_at.is_some() || row.password_hash != hash {
        drop(txn);
        return refuse(state, Some(&row.id)).await;
    }
    let id = login.id.clone();
    store::add_login(&txn, login).await?;
    audit::note(&txn, &by_login(principal, &row), Act::on("login.begin", "login", &id)).await?;
    txn.commit().await.internal("logging in")?;
    Ok(Begun { secret: fresh, account: row.into() })
}

/// The account, by the request of somebody who was not known to be it.
fn by_login(request: &Principal, account: &account::Model) -> Principal {
    Principal {
        address: request.address,
        request_id: request.request_id.clone(),
        ..Principal::account(account.id.clone(), account.name.clone(), account.role, Via::Login)
    }
}

/// The one way in which a login is refused. What was given for a name is not noted: it may be a password.
async fn refuse<T>(state: &AppState, account_id: Option<&str>) -> Result<T> {
    let txn = state.store.db.begin().await?;
    let act = Act { id: account_id, ..Act::on("login.begin", "user", "") };
    audit::note_result(&txn, state.principal(), act, codes::BAD_CREDENTIALS.name).await?;
    txn.commit().await.internal("noting a refused login")?;
    Err(Error::new(codes::BAD_CREDENTIALS, "Name or password is wrong."))
}

/// Logs out the browser that shows the secret.
///
/// # Errors
/// When the database cannot be written.
pub async fn end(state: &AppState, secret: &str) -> Result<()> {
    let hash = secret::hex(&secret::digest(secret));
    // Anybody may ask for this: what is made up costs no turn to write.
    let Some((login, account)) = store::login_by_hash(state.store.db.read(), &hash).await? else { return Ok(()) };
    let txn = state.store.db.begin().await?;
    store::end_logins(&txn, &account.id, Ended::Hash(&hash)).await?;
    audit::note(&txn, &by_login(state.principal(), &account), Act::on("login.end", "login", &login.id)).await?;
    txn.commit().await.internal("logging out")
}

/// The logins of an account; `current` is the secret of the one that asks.
///
/// # Errors
/// `forbidden` for another's, unless an admin asks; 404 for an unknown account.
pub async fn list(state: &AppState, account_id: &str, current: Option<&str>) -> Result<Logins> {
    own_or_admin(state.principal(), account_id)?;
    let db = state.store.db.read();
    store::account(db, account_id).await?;
    let current = current.map(|current| secret::hex(&secret::digest(current)));
    let told = |row: login::Model| Login {
        is_current: Some(&row.sha256) == current.as_ref(),
        id: row.id,
        address: row.address,
        user_agent: row.user_agent,
        created_at: utc(row.created_at),
        last_used_at: utc(row.last_used_at),
        expires_at: utc(row.expires_at),
    };
    Ok(Logins { logins: store::logins(db, account_id, now()).await?.into_iter().map(told).collect() })
}

/// Ends one login of an account, or all.
///
/// # Errors
/// `forbidden` for another's, unless an admin asks; 404 for an unknown account or login.
pub async fn end_of(state: &AppState, account_id: &str, login_id: Option<&str>) -> Result<()> {
    own_or_admin(state.principal(), account_id)?;
    let txn = state.store.db.begin().await?;
    store::account(&txn, account_id).await?;
    let act = match login_id {
        Some(id) => {
            if store::end_logins(&txn, account_id, Ended::Id(id)).await? == 0 {
                let message =
                    format!("the account has no login '{id}'; GET /api/users/{account_id}/sessions lists them");
                return Err(Error::new(codes::UNKNOWN_LOGIN, message));
            }
            Act::on("login.end", "login", id)
        }
        None => {
            store::end_logins(&txn, account_id, Ended::All).await?;
            Act::on("login.end_all", "user", account_id)
        }
    };
    audit::note(&txn, state.principal(), act).await?;
    txn.commit().await.internal("ending logins")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_own_name_only() {
        let secret = "A".repeat(43);
        for (header, is_secure, is_found) in [
            (format!("hvac_login={secret}"), false, true),
            (format!("a=b; hvac_login={secret}; c=d"), false, true),
            (format!("__Host-hvac_login={secret}"), true, true),
            // Over TLS a cookie that a neighbour could have set does not count.
            (format!("hvac_login={secret}"), true, false),
            (format!("xhvac_login={secret}"), false, false),
            (format!("hvac_login={secret}A"), false, false),
            (format!("hvac_login=\"{secret}\""), false, false),
            ("hvac_login=".to_owned(), false, false),
        ] {
            assert_eq!(cookie(Some(&header), is_secure), is_found.then_some(secret.as_str()), "{header}");
        }
    }
}

//! Who sends a request, by what it shows: a key, a token of another issuer, or a browser's login.
//!
//! What is shown on purpose (`Authorization: Bearer`, `X-API-Key`) counts alone, and is refused when it is wrong. A cookie comes
//! by itself: one that has ended counts as none, and so do schemes of `Authorization` that are not ours, as proxies leave
//! them.

use std::sync::Arc;

use chrono::Utc;

use super::{logins, store, uses};
use crate::audit::{self, Act};
use crate::credentials::{Known, expired, secret, wrong};
use crate::error::{Context, Error, Result, codes};
use crate::principal::{Principal, Role, Via};
use crate::state::AppState;
use hvac_store::entity::{AccountKind, account};
use hvac_store::{new_id, now};

/// What a request shows of who sends it. It has no `Debug`: most of it is secret.
#[derive(Clone, Copy, Default)]
pub struct Shown<'a> {
    /// The header `Authorization`.
    pub authorization: Option<&'a str>,
    /// The header `X-API-Key`.
    pub x_api_key: Option<&'a str>,
    /// The header `Cookie`.
    pub cookie: Option<&'a str>,
    /// The header `X-CSRF-Token`.
    pub csrf_token: Option<&'a str>,
    /// Whether the request may change something.
    pub changes_state: bool,
    /// Whether it came over TLS.
    pub is_secure: bool,
    /// Whether it is only looked whether that still counts: nobody uses it now, and no login lasts longer for it.
    pub only_looks: bool,
}

impl<'a> Shown<'a> {
    fn bearer(&self) -> Option<&'a str> {
        let header = self.authorization?.trim();
        let (scheme, shown) = header.split_once(' ').unwrap_or((header, ""));
        scheme.eq_ignore_ascii_case("bearer").then_some(shown.trim())
    }
}

/// Who sends a request; none when it shows nothing that counts.
///
/// # Errors
/// `bad_credentials`, `expired_credentials`; `csrf` for a login's request that may change something and has not its token;
/// `issuer_unreachable`.
pub async fn authenticate(state: &AppState, shown: &Shown<'_>) -> Result<Option<Principal>> {
    match (shown.bearer(), shown.x_api_key.map(str::trim)) {
        (Some(bearer), Some(key)) if bearer != key => Err(wrong()),
        (Some(bearer), None) if is_token(bearer) => by_token(state, bearer, shown).await.map(Some),
        (Some(key), _) | (None, Some(key)) => by_key_shown(state, key, shown).await.map(Some),
        (None, None) => match logins::cookie(shown.cookie, shown.is_secure) {
            Some(secret) => by_login(state, secret, shown).await,
            None => Ok(None),
        },
    }
}

/// Three parts with points between them, as no key has.
fn is_token(text: &str) -> bool {
    text.matches('.').count() == 2
}

/// Whose a key is.
///
/// # Errors
/// `bad_credentials`, `expired_credentials`.
pub async fn by_key(state: &AppState, key: &str) -> Result<Principal> {
    by_key_shown(state, key, &Shown::default()).await
}

async fn by_key_shown(state: &AppState, key: &str, shown: &Shown<'_>) -> Result<Principal> {
    if !secret::is_key(key) {
        return Err(wrong());
    }
    let known = lookup(state, key, async |hash| {
        let Some((key, account)) = store::key_by_hash(state.store.db.read(), hash).await? else { return Ok(None) };
        if key.revoked_at.is_some() || account.disabled_at.is_some() {
            return Ok(None);
        }
        Ok(Some(Known {
            id: Some(key.id),
            via: Via::Key,
            role: key.role.least(account.role),
            account_id: account.id,
            name: account.name,
            ends_at: key.expires_at,
            ends_at_last: None,
            last_used_at: key.last_used_at,
        }))
    });
    let known = known.await?.ok_or_else(wrong)?;
    in_force(state, &known, shown)
}

/// Whom a token of another issuer is about.
async fn by_token(state: &AppState, token: &str, shown: &Shown<'_>) -> Result<Principal> {
    let tokens = state.credentials.tokens.as_ref().ok_or_else(wrong)?;
    let known = lookup(state, token, async |_| {
        let told = tokens.told(token).await?;
        let account = match store::named(state.store.db.read(), &told.name).await? {
            Some(account) => account,
            None => newcomer(state, &told.name, told.role).await?,
        };
        if account.disabled_at.is_some() || account.kind != AccountKind::Person {
            return Ok(None);
        }
        Ok(Some(Known {
            id: None,
            via: Via::Token,
            role: told.role.least(account.role),
            account_id: account.id,
            name: account.name,
            ends_at: Some(told.ends_at),
            ends_at_last: None,
            last_used_at: None,
        }))
    });
    let known = known.await?.ok_or_else(wrong)?;
    in_force(state, &known, shown)
}

/// The account of somebody whom only the issuer knew: a person without a password, in the role that the issuer names.
async fn newcomer(state: &AppState, name: &str, role: Role) -> Result<account::Model> {
    let name = super::name(name).map_err(|error| wrong().with_source(error))?;
    let row = account::Model {
        id: new_id(),
        name,
        kind: AccountKind::Person,
        role,
        password_hash: None,
        preferences: Default::default(),
        disabled_at: None,
        created_at: now(),
        updated_at: now(),
    };
    let txn = state.store.db.begin().await?;
    // Two requests of one newcomer may come at once.
    if let Some(account) = store::named(&txn, &row.name).await? {
        return Ok(account);
    }
    store::add_account(&txn, row.clone()).await?;
    let newcomer = Principal::account(row.id.clone(), row.name.clone(), role, Via::Token);
    audit::note(&txn, &newcomer, Act::on("user.create", "user", &row.id)).await?;
    txn.commit().await.internal("writing an account")?;
    Ok(row)
}

/// Whose login a browser has; a login that has ended is none.
async fn by_login(state: &AppState, secret: &str, shown: &Shown<'_>) -> Result<Option<Principal>> {
    let known = lookup(state, secret, async |hash| {
        let Some((login, account)) = store::login_by_hash(state.store.db.read(), hash).await? else { return Ok(None) };
        if account.disabled_at.is_some() {
            return Ok(None);
        }
        Ok(Some(Known {
            id: Some(login.id),
            via: Via::Login,
            role: account.role,
            account_id: account.id,
            name: account.name,
            ends_at: Some(login.expires_at),
            ends_at_last: Some(logins::ends_at_last(state, login.created_at)),
            last_used_at: Some(login.last_used_at),
        }))
    });
    let Some(known) = known.await?.filter(|known| !known.has_ended(Utc::now())) else { return Ok(None) };
    if shown.changes_state && !shown.csrf_token.is_some_and(|token| secret::is_csrf_token(secret, token)) {
        let message =
            "This would change something, and the header X-CSRF-Token is not that of the login; load the page again.";
        return Err(Error::new(codes::CSRF, message));
    }
    in_force(state, &known, shown).map(Some)
}

/// What is known of a secret: from a moment ago, or from the database.
async fn lookup(
    state: &AppState,
    text: &str,
    ask: impl AsyncFnOnce(&str) -> Result<Option<Known>>,
) -> Result<Option<Arc<Known>>> {
    let (digest, stamp) = (secret::digest(text), state.store.db.stamp());
    if let Some(known) = state.credentials.seen.get(&digest, stamp) {
        return Ok(Some(known));
    }
    let Some(known) = ask(&secret::hex(&digest)).await?.map(Arc::new) else { return Ok(None) };
    state.credentials.seen.keep(digest, stamp, Arc::clone(&known));
    Ok(Some(known))
}

/// Who asks by something that is right, unless its time is over.
fn in_force(state: &AppState, known: &Known, shown: &Shown<'_>) -> Result<Principal> {
    let at = Utc::now();
    if known.has_ended(at) {
        return Err(expired());
    }
    if !shown.only_looks {
        uses::note(state, known, at);
    }
    Ok(known.principal())
}

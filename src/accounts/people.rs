//! Accounts: made, listed, changed, disabled. None is ever deleted, since the list of what was done tells of them.

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::store::{self, Change, Ended};
use super::{Account, AccountKind, guess, own_or_admin, unknown_account};
use crate::audit::{self, Act};
use crate::credentials::{self, secret};
use crate::error::{Context, Error, Result, codes};
use crate::limits::{Page, Paging};
use crate::principal::Role;
use crate::state::AppState;
use hvac_store::db::Transaction;
use hvac_store::entity::account;
use hvac_store::{new_id, now};

/// Accounts a page when the request does not say.
const PAGE: u64 = 20;

/// A person's account that is to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountRequest {
    /// Unique, whatever its case.
    pub name: String,
    /// The most it may do.
    pub role: Role,
    /// Its password; without one it shows tokens or keys.
    #[schema(format = Password, min_length = 12, max_length = 256)]
    pub password: Option<String>,
}

/// What is to be changed of an account; what is left out stays.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AccountPatch {
    /// The most it may do.
    pub role: Option<Role>,
    /// Whether it may do nothing: then its logins, keys and links end, and stay so.
    pub disabled: Option<bool>,
    /// A new password: then its logins end.
    #[schema(format = Password, min_length = 12, max_length = 256)]
    pub password: Option<String>,
}

/// A change of one's own password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The password so far.
    #[schema(format = Password)]
    pub old: String,
    /// The new one.
    #[schema(format = Password, min_length = 12, max_length = 256)]
    pub new: String,
}

/// Which page of accounts is listed.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct AccountFilter {
    /// Page, from 1.
    pub page: Option<u64>,
    /// Accounts a page, 1 to 100.
    pub page_size: Option<u64>,
}

/// Makes a person's account.
///
/// # Errors
/// 409 for a name that is taken, 422 for what cannot be.
pub async fn create(state: &AppState, request: AccountRequest) -> Result<Account> {
    let name = super::name(&request.name)?;
    let hash = match request.password {
        Some(password) => Some(hashed(state, &name, password).await?),
        None => None,
    };
    let txn = state.store.db.begin().await?;
    let row = add(&txn, state, name, AccountKind::Person, request.role, hash).await?;
    txn.commit().await.internal("making an account")?;
    Ok(row.into())
}

/// What is kept of a password that may be chosen.
pub(super) async fn hashed(state: &AppState, name: &str, password: String) -> Result<String> {
    credentials::check(name, &password)?;
    state.credentials.passwords.hash(password).await
}

/// Writes a new account.
pub(super) async fn add(
    txn: &Transaction,
    state: &AppState,
    name: String,
    kind: AccountKind,
    role: Role,
    password_hash: Option<String>,
) -> Result<account::Model> {
    let at = now();
    let row = account::Model {
        id: new_id(),
        name,
        kind,
        role,
        password_hash,
        preferences: Default::default(),
        disabled_at: None,
        created_at: at,
        updated_at: at,
    };
    store::add_account(txn, row.clone()).await?;
    let detail = serde_json::json!({"kind": kind, "role": role});
    audit::note(txn, state.principal(), Act::on("user.create", "user", &row.id).with(detail)).await?;
    Ok(row)
}

/// Accounts, page by page, by name.
///
/// # Errors
/// 422 for a page that cannot be.
pub async fn list(state: &AppState, filter: &AccountFilter) -> Result<Page<Account>> {
    let paging = Paging::asked(filter.page, filter.page_size, PAGE)?;
    let (total, rows) = store::accounts(state.store.db.read(), paging).await?;
    Ok(Page::of(paging, total, rows.into_iter().map(Account::from).collect()))
}

/// One account.
///
/// # Errors
/// `forbidden` for another's, unless an admin asks; 404 when there is none.
pub async fn get(state: &AppState, id: &str) -> Result<Account> {
    own_or_admin(state.principal(), id)?;
    Ok(store::account(state.store.db.read(), id).await?.into())
}

/// The id of the account of that id or name: an id comes first, for somebody may be called like another's.
///
/// # Errors
/// 404 when there is none.
pub async fn find(state: &AppState, text: &str) -> Result<String> {
    let db = state.store.db.read();
    match store::account(db, text).await {
        Err(error) if error.code == codes::UNKNOWN_ACCOUNT => {
            let named = store::named(db, text.trim()).await?;
            named.map(|row| row.id).ok_or_else(|| unknown_account(text))
        }
        found => found.map(|row| row.id),
    }
}

/// Changes an account; what it may do no more holds from the next request on.
///
/// # Errors
/// 404 when there is none; `last_admin`; `no_password` for a service; 422 for a password that cannot be.
pub async fn change(state: &AppState, id: &str, patch: AccountPatch) -> Result<Account> {
    let hash = match patch.password {
        Some(password) => {
            let row = store::account(state.store.db.read(), id).await?;
            if row.kind == AccountKind::Service {
                let message = format!("'{}' is a service, which has keys and no password", row.name);
                return Err(Error::new(codes::NO_PASSWORD, message));
            }
            Some(hashed(state, &row.name, password).await?)
        }
        None => None,
    };
    let txn = state.store.db.begin().await?;
    let row = store::account(&txn, id).await?;
    let stays_admin =
        patch.role.unwrap_or(row.role) == Role::Admin && !patch.disabled.unwrap_or(row.disabled_at.is_some());
    let is_admin = row.role == Role::Admin && row.disabled_at.is_none();
    if is_admin && !stays_admin && store::other_admins(&txn, id).await? == 0 {
        let message = format!("'{}' is the last admin: make another account admin first", row.name);
        return Err(Error::new(codes::LAST_ADMIN, message));
    }
    if let Some(role) = patch.role.filter(|role| *role != row.role) {
        store::change(&txn, id, Change::Role(role), now()).await?;
        audit::note(&txn, state.principal(), role_act(id, row.role, role)).await?;
    }
    match patch.disabled {
        Some(true) if row.disabled_at.is_none() => {
            store::change(&txn, id, Change::Disabled(Some(now())), now()).await?;
            store::end_logins(&txn, id, Ended::All).await?;
            store::end_keys_and_links(&txn, id, now()).await?;
            audit::note(&txn, state.principal(), Act::on("user.disable", "user", id)).await?;
        }
        Some(false) if row.disabled_at.is_some() => {
            store::change(&txn, id, Change::Disabled(None), now()).await?;
            audit::note(&txn, state.principal(), Act::on("user.enable", "user", id)).await?;
        }
        _ => {}
    }
    if let Some(hash) = hash {
        put_password(&txn, state, id, hash, Ended::All).await?;
    }
    let row = store::account(&txn, id).await?;
    txn.commit().await.internal("changing an account")?;
    Ok(row.into())
}

/// What a change of role is noted as.
pub(super) fn role_act(id: &str, from: Role, to: Role) -> Act<'_> {
    Act::on("user.role", "user", id).with(serde_json::json!({"from": from, "to": to}))
}

async fn put_password(txn: &Transaction, state: &AppState, id: &str, hash: String, ended: Ended<'_>) -> Result<()> {
    store::change(txn, id, Change::Password(hash), now()).await?;
    store::end_logins(txn, id, ended).await?;
    audit::note(txn, state.principal(), Act::on("user.password", "user", id)).await
}

/// Changes the password of whoever asks; `login` is the secret of the login that asks, which goes on: all others end.
///
/// # Errors
/// `bad_credentials` when the old one is wrong; `locked_out`; `no_password`; `weak_password`; `passwords_busy`.
pub async fn change_own_password(state: &AppState, change: PasswordChange, login: Option<&str>) -> Result<()> {
    let id = state.principal().account_id().ok_or_else(|| Error::new(codes::NO_PASSWORD, "Nobody is logged in."))?;
    let row = store::account(state.store.db.read(), id).await?;
    let Some(hash) = row.password_hash.clone() else {
        let message = "This account has no password; have an admin set one.";
        return Err(Error::new(codes::NO_PASSWORD, message));
    };
    guess::check(state, Some(&row.name))?;
    if !state.credentials.passwords.matches(change.old, Some(hash.clone())).await? {
        guess::failed(state, Some(&row.name));
        let txn = state.store.db.begin().await?;
        let act = Act::on("user.password", "user", id);
        audit::note_result(&txn, state.principal(), act, codes::BAD_CREDENTIALS.name).await?;
        txn.commit().await.internal("noting a refused change of a password")?;
        return Err(Error::new(codes::BAD_CREDENTIALS, "The old password is wrong."));
    }
    guess::succeeded(state, Some(&row.name))?;
    let new = hashed(state, &row.name, change.new).await?;
    let kept = login.map(|secret| secret::hex(&secret::digest(secret)));
    let txn = state.store.db.begin().await?;
    if store::account(&txn, id).await?.password_hash != Some(hash) {
        return Err(Error::new(codes::BAD_CREDENTIALS, "The old password is wrong: it was changed meanwhile."));
    }
    put_password(&txn, state, id, new, kept.as_deref().map_or(Ended::All, Ended::AllBut)).await?;
    txn.commit().await.internal("changing a password")
}

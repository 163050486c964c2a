//! The queries of accounts: every statement about `accounts`, `api_keys`, `logins`, and a disabled account's `links`.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect,
};

use super::unknown_account;
use crate::error::{Context, Error, Result, codes};
use crate::limits::Paging;
use crate::principal::Role;
use hvac_store::entity::{FreeMetadata, account, api_key, link, login};

/// The account of that id.
pub async fn account(db: &impl ConnectionTrait, id: &str) -> Result<account::Model> {
    let found = account::Entity::find_by_id(id).one(db).await.internal("looking up an account")?;
    found.ok_or_else(|| unknown_account(id))
}

/// The account of that name, whatever its case.
pub async fn named(db: &impl ConnectionTrait, name: &str) -> Result<Option<account::Model>> {
    let is_named = Expr::cust_with_values("\"name\" = ? COLLATE NOCASE", [name]);
    account::Entity::find().filter(is_named).one(db).await.internal("looking up an account's name")
}

/// How many accounts there are, and one page of them, by name.
pub async fn accounts(db: &impl ConnectionTrait, paging: Paging) -> Result<(u64, Vec<account::Model>)> {
    let total = account::Entity::find().count(db).await.internal("counting accounts")?;
    let rows = account::Entity::find()
        .order_by_asc(account::Column::Name)
        .offset((paging.page - 1) * paging.page_size)
        .limit(paging.page_size)
        .all(db)
        .await
        .internal("listing accounts")?;
    Ok((total, rows))
}

/// Writes a new account.
pub async fn add_account(txn: &impl ConnectionTrait, row: account::Model) -> Result<()> {
    if named(txn, &row.name).await?.is_some() {
        let message = format!("name: there is an account '{}' already; choose another name", row.name);
        return Err(Error::invalid("name", codes::ACCOUNT_EXISTS, message));
    }
    row.into_active_model().reset_all().insert(txn).await.internal("writing an account")?;
    Ok(())
}

/// Enabled admins but for one account.
pub async fn other_admins(db: &impl ConnectionTrait, but: &str) -> Result<u64> {
    account::Entity::find()
        .filter(account::Column::Role.eq(Role::Admin))
        .filter(account::Column::DisabledAt.is_null())
        .filter(account::Column::Id.ne(but))
        .count(db)
        .await
        .internal("counting admins")
}

/// What is to be changed of an account.
#[derive(Debug, Clone)]
pub enum Change {
    /// The most it may do.
    Role(Role),
    /// Since when it may do nothing.
    Disabled(Option<DateTime<Utc>>),
    /// Its password's hash.
    Password(String),
    /// Its preferences.
    Preferences(FreeMetadata),
}

/// Changes an account.
pub async fn change(txn: &impl ConnectionTrait, id: &str, change: Change, at: DateTime<Utc>) -> Result<()> {
    let update = account::Entity::update_many().col_expr(account::Column::UpdatedAt, Expr::value(at));
    let update = match change {
        Change::Role(role) => update.col_expr(account::Column::Role, Expr::value(role)),
        Change::Disabled(since) => update.col_expr(account::Column::DisabledAt, Expr::value(since)),
        Change::Password(hash) => update.col_expr(account::Column::PasswordHash, Expr::value(hash)),
        Change::Preferences(all) => update.col_expr(account::Column::Preferences, Expr::value(all)),
    };
    let changed = update.filter(account::Column::Id.eq(id)).exec(txn).await.internal("changing an account")?;
    if changed.rows_affected == 0 { Err(unknown_account(id)) } else { Ok(()) }
}

/// Ends all keys and links of an account.
pub async fn end_keys_and_links(txn: &impl ConnectionTrait, account_id: &str, at: DateTime<Utc>) -> Result<()> {
    api_key::Entity::update_many()
        .col_expr(api_key::Column::RevokedAt, Expr::value(at))
        .filter(api_key::Column::AccountId.eq(account_id))
        .filter(api_key::Column::RevokedAt.is_null())
        .exec(txn)
        .await
        .internal("ending an account's keys")?;
    link::Entity::update_many()
        .col_expr(link::Column::RevokedAt, Expr::value(at))
        .filter(link::Column::AccountId.eq(account_id))
        .filter(link::Column::RevokedAt.is_null())
        .exec(txn)
        .await
        .internal("ending an account's links")?;
    Ok(())
}

/// The key with that hash, and its account.
pub async fn key_by_hash(db: &impl ConnectionTrait, hash: &str) -> Result<Option<(api_key::Model, account::Model)>> {
    let found = api_key::Entity::find().filter(api_key::Column::Sha256.eq(hash)).one(db);
    let Some(key) = found.await.internal("looking up a key")? else { return Ok(None) };
    let owner = account(db, &key.account_id).await?;
    Ok(Some((key, owner)))
}

/// The key of that id.
pub async fn key(db: &impl ConnectionTrait, id: &str) -> Result<Option<api_key::Model>> {
    api_key::Entity::find_by_id(id).one(db).await.internal("looking up a key")
}

/// Keys of that name that were not revoked.
pub async fn keys_named(db: &impl ConnectionTrait, name: &str) -> Result<Vec<api_key::Model>> {
    api_key::Entity::find()
        .filter(api_key::Column::Name.eq(name))
        .filter(api_key::Column::RevokedAt.is_null())
        .order_by_asc(api_key::Column::CreatedAt)
        .all(db)
        .await
        .internal("looking up keys by name")
}

/// How many keys there are, and one page of them with their accounts' names, newest first.
pub async fn keys(
    db: &impl ConnectionTrait,
    revoked_too: bool,
    paging: Paging,
) -> Result<(u64, Vec<(api_key::Model, String)>)> {
    let wanted = Condition::all().add_option((!revoked_too).then(|| api_key::Column::RevokedAt.is_null()));
    let matching = api_key::Entity::find().filter(wanted);
    let total = matching.clone().count(db).await.internal("counting keys")?;
    let rows = matching
        .order_by_desc(api_key::Column::CreatedAt)
        .order_by_desc(api_key::Column::Id)
        .offset((paging.page - 1) * paging.page_size)
        .limit(paging.page_size)
        .all(db)
        .await
        .internal("listing keys")?;
    let mut named = Vec::with_capacity(rows.len());
    for row in rows {
        let owner = account(db, &row.account_id).await?;
        named.push((row, owner.name));
    }
    Ok((total, named))
}

/// Writes a new key.
pub async fn add_key(txn: &impl ConnectionTrait, row: api_key::Model) -> Result<()> {
    row.into_active_model().reset_all().insert(txn).await.internal("writing a key")?;
    Ok(())
}

/// Ends a key; false when it has ended already.
pub async fn revoke_key(txn: &impl ConnectionTrait, id: &str, at: DateTime<Utc>) -> Result<bool> {
    let ended = api_key::Entity::update_many()
        .col_expr(api_key::Column::RevokedAt, Expr::value(at))
        .filter(api_key::Column::Id.eq(id))
        .filter(api_key::Column::RevokedAt.is_null())
        .exec(txn)
        .await
        .internal("revoking a key")?;
    Ok(ended.rows_affected > 0)
}

/// Writes down when a key was last used.
pub async fn key_was_used(txn: &impl ConnectionTrait, id: &str, at: DateTime<Utc>) -> Result<()> {
    api_key::Entity::update_many()
        .col_expr(api_key::Column::LastUsedAt, Expr::value(at))
        .filter(api_key::Column::Id.eq(id))
        .exec(txn)
        .await
        .internal("writing down a key's use")?;
    Ok(())
}

/// Writes a new login, and forgets those that have ended.
pub async fn add_login(txn: &impl ConnectionTrait, row: login::Model) -> Result<()> {
    let ended = login::Entity::delete_many().filter(login::Column::ExpiresAt.lte(row.created_at)).exec(txn);
    ended.await.internal("forgetting logins that have ended")?;
    row.into_active_model().reset_all().insert(txn).await.internal("writing a login")?;
    Ok(())
}

/// The login with that hash, and its account.
pub async fn login_by_hash(db: &impl ConnectionTrait, hash: &str) -> Result<Option<(login::Model, account::Model)>> {
    let found = login::Entity::find().filter(login::Column::Sha256.eq(hash)).one(db);
    let Some(login) = found.await.internal("looking up a login")? else { return Ok(None) };
    let owner = account(db, &login.account_id).await?;
    Ok(Some((login, owner)))
}

/// The logins of an account that have not ended, the last one used first.
pub async fn logins(db: &impl ConnectionTrait, account_id: &str, at: DateTime<Utc>) -> Result<Vec<login::Model>> {
    login::Entity::find()
        .filter(login::Column::AccountId.eq(account_id))
        .filter(login::Column::ExpiresAt.gt(at))
        .order_by_desc(login::Column::LastUsedAt)
        .order_by_desc(login::Column::Id)
        .all(db)
        .await
        .internal("listing logins")
}

/// Which logins are to be ended.
#[derive(Debug, Clone, Copy)]
pub enum Ended<'a> {
    /// All of the account.
    All,
    /// All but the one with that hash.
    AllBut(&'a str),
    /// The one of that id.
    Id(&'a str),
    /// The one with that hash.
    Hash(&'a str),
}

/// Ends logins of an account, and says how many.
pub async fn end_logins(txn: &impl ConnectionTrait, account_id: &str, which: Ended<'_>) -> Result<u64> {
    let one = match which {
        Ended::All => None,
        Ended::AllBut(hash) => Some(login::Column::Sha256.ne(hash)),
        Ended::Id(id) => Some(login::Column::Id.eq(id)),
        Ended::Hash(hash) => Some(login::Column::Sha256.eq(hash)),
    };
    let ended = login::Entity::delete_many()
        .filter(Condition::all().add(login::Column::AccountId.eq(account_id)).add_option(one))
        .exec(txn)
        .await
        .internal("ending logins")?;
    Ok(ended.rows_affected)
}

/// Writes down when a login was last used, and when it ends therefore.
pub async fn login_was_used(
    txn: &impl ConnectionTrait,
    id: &str,
    at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
) -> Result<()> {
    login::Entity::update_many()
        .col_expr(login::Column::LastUsedAt, Expr::value(at))
        .col_expr(login::Column::ExpiresAt, Expr::value(ends_at))
        .filter(login::Column::Id.eq(id))
        .exec(txn)
        .await
        .internal("writing down a login's use")?;
    Ok(())
}

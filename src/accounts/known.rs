//! Accounts by their names and ids, and whoever asked for work that is done later.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};

use super::{store, unknown_account};
use crate::error::{Context, Error, Result, codes};
use crate::principal::{Principal, Via};
use crate::state::AppState;
use hvac_store::entity::account;

/// The account of that name, whatever its case.
///
/// # Errors
/// 404 when there is none.
pub async fn named(db: &impl ConnectionTrait, name: &str) -> Result<account::Model> {
    store::named(db, name.trim()).await?.ok_or_else(|| unknown_account(name))
}

/// Whether there is an account of that name.
///
/// # Errors
/// When the database cannot be read.
pub async fn is_one(state: &AppState, name: &str) -> Result<bool> {
    Ok(store::named(state.store.db.read(), name.trim()).await?.is_some())
}

/// The names of these accounts, by id.
///
/// # Errors
/// When the database cannot be read.
pub async fn names(db: &impl ConnectionTrait, ids: &[String]) -> Result<BTreeMap<String, String>> {
    let rows: Vec<(String, String)> = account::Entity::find()
        .select_only()
        .columns([account::Column::Id, account::Column::Name])
        .filter(account::Column::Id.is_in(ids))
        .into_tuple()
        .all(db)
        .await
        .internal("looking up the names of accounts")?;
    Ok(rows.into_iter().collect())
}

/// Refuses to serve beyond this machine while nobody could show who he is.
///
/// # Errors
/// `bad_setting` with the ways out.
pub async fn refuse_open(state: &AppState) -> Result<()> {
    let config = &state.config;
    if config.is_of_this_machine() || config.insecure {
        return Ok(());
    }
    let enabled = account::Entity::find().filter(account::Column::DisabledAt.is_null());
    if enabled.count(state.store.db.read()).await.internal("looking for accounts")? > 0 {
        return Ok(());
    }
    let message = format!(
        "HOST={} can be reached from other machines, and nobody has a key: make one with `hvac-analytics keys create NAME \
         --role admin`, or serve everyone with --insecure (INSECURE=true)",
        config.host
    );
    Err(Error::invalid("HOST", codes::BAD_SETTING, message))
}

/// Whoever asked for a job: it sees what he sees.
///
/// # Errors
/// When the account is not there, or the database cannot be read.
pub async fn asker(state: &AppState, account_id: Option<&str>) -> Result<Principal> {
    let Some(id) = account_id else { return Ok(Principal::program()) };
    let found = account::Entity::find_by_id(id).one(state.store.db.read()).await.internal("looking up an account")?;
    let account = found.ok_or_else(|| Error::internal(format!("account {id} asked for work, and is not there")))?;
    Ok(Principal::account(account.id, account.name, account.role, Via::Job))
}

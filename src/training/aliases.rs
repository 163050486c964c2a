//! Aliases of models: a word such as `production` that stands for one version until it is moved.

use super::{AliasAnswer, AliasRequest, found, name, store};
use crate::audit::{self, Act};
use crate::error::{Context, Error, Result, codes};
use crate::sessions::manifest;
use crate::state::AppState;
use hvac_store::entity::{WorkStatus, trained_model};
use serde_json::Value;

/// Makes an alias stand for a version.
///
/// # Errors
/// 404 for a name or version that is not there; 409 for a version that is not completed; 422 for an alias that
/// means a version already.
pub async fn put(state: &AppState, model_name: &str, alias: &str, request: &AliasRequest) -> Result<AliasAnswer> {
    name::check_alias(alias)?;
    let text = match &request.version {
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    let version = name::version(&text).ok_or_else(|| {
        let message = format!("version: '{text}' is no version; give 3 or \"v3\"");
        Error::invalid("version", codes::BAD_VERSION, message)
    })?;
    let wanted = found::row(state, &format!("{model_name}:v{version}")).await?;
    let txn = state.store.db.begin().await?;
    let row = store::get(&txn, &wanted.id).await?;
    if row.status != WorkStatus::Completed {
        let message = format!("version {model_name}:v{version} is {}: an alias needs a model", row.status.as_str());
        return Err(Error::new(codes::MODEL_NOT_READY, message));
    }
    let before = match store::put_alias(&txn, model_name, alias, &row.id).await? {
        // What an alias stands for is moved by those only who see it.
        Some(id) => Some(store::seen(&txn, state.principal(), &id).await?.ok_or_else(|| taken(model_name, alias))?),
        None => None,
    };
    let act = Act::on("model.alias", "model", &row.id).of_session(&row.session_id);
    audit::note(&txn, state.principal(), act.with(serde_json::json!({"name": model_name, "alias": alias}))).await?;
    txn.commit().await.internal("setting an alias")?;
    remember(state, [Some(&row), before.as_ref()]).await?;
    Ok(AliasAnswer {
        name: row.name,
        alias: alias.to_owned(),
        version: format!("v{}", row.version),
        version_number: row.version.unsigned_abs(),
        model_id: row.id,
        previous_version: before.map(|before| format!("v{}", before.version)),
    })
}

fn taken(model_name: &str, alias: &str) -> Error {
    let message = format!("alias '{alias}' of '{model_name}' stands for another's model: choose another word");
    Error::new(codes::ALIAS_TAKEN, message)
}

/// Takes an alias back; the model stays.
///
/// # Errors
/// 404 when there is no such alias.
pub async fn remove(state: &AppState, model_name: &str, alias: &str) -> Result<()> {
    let stood_for = found::row(state, &format!("{model_name}:{alias}")).await?;
    let txn = state.store.db.begin().await?;
    if !store::remove_alias(&txn, model_name, alias).await? {
        let message = format!("model '{model_name}' has no alias '{alias}'");
        return Err(Error::new(codes::UNKNOWN_MODEL_VERSION, message));
    }
    let act = Act::on("model.unalias", "model", &stood_for.id).of_session(&stood_for.session_id);
    audit::note(&txn, state.principal(), act.with(serde_json::json!({"name": model_name, "alias": alias}))).await?;
    txn.commit().await.internal("removing an alias")?;
    remember(state, [Some(&stood_for), None]).await
}

/// What the folders of their sessions say of these models.
async fn remember(state: &AppState, rows: [Option<&trained_model::Model>; 2]) -> Result<()> {
    let mut sessions: Vec<&str> = rows.into_iter().flatten().map(|row| row.session_id.as_str()).collect();
    sessions.dedup();
    for session_id in sessions {
        manifest::write(state, session_id).await?;
    }
    Ok(())
}

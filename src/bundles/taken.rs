//! What of a bundle has a place here that something else has: ids, models' names and numbers, what is known of a site.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use crate::error::{Context, Detail, Error, Result, codes};
use crate::sessions::snapshot::Snapshot;
use crate::sessions::store::{self as sessions, prices, remembered};
use crate::state::AppState;
use hvac_store::entity::{
    VersionState, cleaning_job, model_alias, parsed_dataset, report_override, site_override, source_file,
    trained_model, version,
};
use hvac_store::versions;

/// Whether each id, and each model's name and version, is free.
///
/// # Errors
/// 409 naming what is taken: nothing is given another name, for the files tell their own.
pub async fn refuse(txn: &impl ConnectionTrait, state: &AppState, bundle: &Snapshot) -> Result<()> {
    let store = &state.store;
    let doing = "looking for what an import would meet";
    let mut taken = Vec::new();
    for row in &bundle.source_files {
        let other = source_file::Entity::find_by_id(&row.id).one(txn).await.internal(doing)?;
        if let Some(other) = other {
            let of = whose(txn, state, &other.session_id).await?;
            taken.push(format!("the report '{}' ({}) is of {of} here", row.file_name, row.id));
        }
    }
    for row in &bundle.parsed_datasets {
        let other = parsed_dataset::Entity::find_by_id(&row.id).one(txn).await.internal(doing)?;
        if let Some(other) = other {
            let of = whose(txn, state, &other.session_id).await?;
            taken.push(format!("parsed-v{} ({}) is of {of} here", row.version, row.id));
        }
    }
    for row in &bundle.cleaning_jobs {
        let other = cleaning_job::Entity::find_by_id(&row.id).one(txn).await.internal(doing)?;
        if let Some(other) = other {
            let of = whose(txn, state, &other.session_id).await?;
            taken.push(format!("cleaned-v{} ({}) is of {of} here", row.version, row.id));
        }
    }
    if !taken.is_empty() {
        return Err(refusal(
            codes::SESSION_DIFFERS,
            "Parts of the bundle's session belong to other sessions here",
            taken,
        ));
    }
    for row in &bundle.trained_models {
        let label = format!("{}:v{}", row.name, row.version);
        let by_name = trained_model::Entity::find()
            .filter(trained_model::Column::Name.eq(&row.name))
            .filter(trained_model::Column::Version.eq(row.version));
        let by_id = trained_model::Entity::find_by_id(&row.id).one(txn).await.internal(doing)?;
        let other = by_name.one(txn).await.internal(doing)?.or(by_id);
        let number = versions::of_model(txn, &row.name, row.version).await?;
        if let Some(other) = other {
            let of = whose(txn, state, &other.session_id).await?;
            taken.push(format!("{label} is the model {} here, made of {of}", other.id));
        } else if number.is_some_and(|number| number.state == VersionState::Reserved) {
            taken.push(format!("{label} is being trained here"));
        } else if let (Some(path), Some(sha256)) = (&row.model_file_path, &row.sha256)
            && store.models.length(path).is_ok()
            && store.models.sha256(path).await? != *sha256
        {
            taken.push(format!("{label}: another file lies at {path} in MODELS_PATH"));
        }
    }
    if taken.is_empty() {
        return Ok(());
    }
    let what = "Models of the bundle have names and versions that others have here";
    Err(refusal(codes::MODEL_TAKEN, what, taken))
}

/// What to call a session that something belongs to: one that is not seen is not named.
async fn whose(txn: &impl ConnectionTrait, state: &AppState, session_id: &str) -> Result<String> {
    match sessions::session(txn, state.principal(), session_id).await {
        Ok(session) => Ok(format!("session {}", session.id)),
        Err(error) if error.code == codes::UNKNOWN_SESSION => Ok("another's session".to_owned()),
        Err(error) => Err(error),
    }
}

fn refusal(code: &'static crate::error::Code, what: &str, taken: Vec<String>) -> Error {
    let first: Vec<&str> = taken.iter().take(3).map(String::as_str).collect();
    let message =
        format!("{what}: {}. Nothing was stored; delete what is here first, or leave it so.", first.join("; "));
    let error = Error::new(code, message);
    taken
        .iter()
        .take(20)
        .fold(error, |error, message| error.with_detail(Detail { message: message.clone(), ..Detail::default() }))
}

/// Leaves out what is known of the site here already, and aliases that stand for another model here: neither is moved by
/// an import. Tells what says something else.
pub async fn leave_out(txn: &impl ConnectionTrait, bundle: &mut Snapshot) -> Result<Vec<String>> {
    let doing = "looking up what is known of a site";
    let mut notes = Vec::new();
    for row in std::mem::take(&mut bundle.site_overrides) {
        let key = (row.site.clone(), row.original_name.clone());
        match site_override::Entity::find_by_id(key).one(txn).await.internal(doing)? {
            None => bundle.site_overrides.push(row),
            Some(here) if here == row => {}
            Some(_) => notes.push(format!(
                "of the point {} of site {} something else is known here: it stays",
                row.original_name, row.site
            )),
        }
    }
    for row in std::mem::take(&mut bundle.report_overrides) {
        let key = (row.site.clone(), row.shape.clone());
        match report_override::Entity::find_by_id(key).one(txn).await.internal(doing)? {
            None => bundle.report_overrides.push(row),
            Some(here) if here == row => {}
            Some(_) => notes.push(format!(
                "reports like {} of site {} are read otherwise here: it stays so",
                row.file_name, row.site
            )),
        }
    }
    if let Some(row) = bundle.energy_price.take() {
        match prices::of(txn, &row.site).await? {
            None => bundle.energy_price = Some(row),
            Some(here) if here == row => {}
            Some(here) => notes
                .push(format!("at site {} a kWh costs {} {} here: it stays so", row.site, here.per_kwh, here.currency)),
        }
    }
    for row in std::mem::take(&mut bundle.model_aliases) {
        let key = (row.name.clone(), row.alias.clone());
        match model_alias::Entity::find_by_id(key).one(txn).await.internal(doing)? {
            None => bundle.model_aliases.push(row),
            Some(here) => notes.push(format!(
                "the alias {}:{} stands for the model {} here: it stays",
                row.name, row.alias, here.model_id
            )),
        }
    }
    Ok(notes)
}

/// The sessions here whose `session.json` tells of the bundle's site, where the bundle brings something of it.
pub async fn others_of_site(txn: &impl ConnectionTrait, bundle: &Snapshot) -> Result<Vec<String>> {
    let Some(site) = &bundle.session.site else { return Ok(Vec::new()) };
    let is_new =
        bundle.energy_price.is_some() || !bundle.site_overrides.is_empty() || !bundle.report_overrides.is_empty();
    if is_new { remembered::sessions(txn, site).await } else { Ok(Vec::new()) }
}

/// Numbers of models that were deleted here and are back now are versions again.
pub async fn number(txn: &impl ConnectionTrait, bundle: &Snapshot) -> Result<()> {
    for row in &bundle.trained_models {
        version::Entity::update_many()
            .col_expr(version::Column::State, Expr::value(VersionState::Published))
            .filter(version::Column::ModelName.eq(&row.name))
            .filter(version::Column::Version.eq(row.version))
            .exec(txn)
            .await
            .internal("booking a model's number")?;
    }
    Ok(())
}

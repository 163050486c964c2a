//! List, look at, read and delete models.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sea_orm::ConnectionTrait;
use serde_json::Value;

use super::parameters::Parameters;
use super::store::{self, Brief};
use super::{ListedModel, ModelDetail, ModelFilter, ModelList, ModelSummary, NamedModel, found};
use crate::audit::{self, Act};
use crate::error::{Context, Error, Result, codes};
use crate::limits::Paging;
use crate::sessions::{manifest, store as sessions};
use crate::state::AppState;
use crate::times::utc;
use hvac_store::download::Download;
use hvac_store::entity::{WorkStatus, trained_model};
use hvac_store::integrity::Root;
use hvac_store::made::{MadeKey, Recipe};
use hvac_store::{crash, paths, removals};

/// Names on a page when nobody says otherwise.
const PAGE_SIZE: u64 = 100;

/// One page of the names that match, each with its newest completed version.
///
/// # Errors
/// 422 for a page or size that cannot be.
#[tracing::instrument(level = "debug", name = "list_models", skip_all)]
pub async fn list(state: &AppState, filter: &ModelFilter) -> Result<ModelList> {
    let paging = Paging::asked(filter.page, filter.page_size, PAGE_SIZE)?;
    let db = state.store.db.read();
    let names = by_name(store::briefs(db, state.principal()).await?);
    let mut folder_counts: BTreeMap<String, u64> = BTreeMap::new();
    for name in &names {
        *folder_counts.entry(name.folder.clone()).or_default() += 1;
    }
    let wanted =
        |text: &Option<String>| text.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(str::to_lowercase);
    let (subfolder, q, session) = (wanted(&filter.subfolder), wanted(&filter.q), wanted(&filter.session_id));
    let matching: Vec<&Name> = names
        .iter()
        .filter(|name| subfolder.as_ref().is_none_or(|folder| name.folder.to_lowercase() == *folder))
        .filter(|name| q.as_ref().is_none_or(|q| name.shown.name.to_lowercase().contains(q)))
        .filter(|name| session.as_ref().is_none_or(|id| name.shown.session_id == *id))
        .collect();
    let total = matching.len() as u64;
    let shown: Vec<&Name> = paging.part(matching).collect();
    let ids: Vec<String> = shown.iter().map(|name| name.shown.id.clone()).collect();
    let (mut rows, aliases) = (store::of_ids(db, &ids).await?, store::aliases_of(db, &ids).await?);
    let mut models = Vec::with_capacity(shown.len());
    for name in shown {
        let Some(row) = rows.remove(&name.shown.id) else { continue };
        models.push(ListedModel {
            can_optimize: can_optimize(state, &row).await,
            model: summary(row, &aliases),
            versions_count: name.versions,
            newest_version: format!("v{}", name.newest.version),
            newest_status: name.newest.status.as_str().to_owned(),
        });
    }
    Ok(ModelList {
        models,
        folders: folder_counts.keys().cloned().collect(),
        folder_counts,
        total_models: names.len() as u64,
        directory: filter.subfolder.clone().filter(|folder| !folder.is_empty()).unwrap_or_else(|| ".".to_owned()),
        total,
        page: paging.page,
        page_size: paging.page_size,
        total_pages: paging.pages(total),
    })
}

/// Whether a version can recommend set-points; one whose row does not say so yet is asked itself.
async fn can_optimize(state: &AppState, row: &trained_model::Model) -> bool {
    match Parameters::of(row).can_optimize {
        Some(can) => can,
        None if row.status != WorkStatus::Completed => false,
        None => found::document(state, row).await.is_ok_and(|document| document.control.is_some()),
    }
}

/// A name, and which of its versions a list shows.
struct Name {
    folder: String,
    shown: Brief,
    newest: Brief,
    versions: u64,
}

/// In the order of the versions shown, newest first, which is that of the rows.
fn by_name(rows: Vec<Brief>) -> Vec<Name> {
    let mut versions: BTreeMap<String, Vec<Brief>> = BTreeMap::new();
    for row in &rows {
        versions.entry(row.name.clone()).or_default().push(row.clone());
    }
    let mut names: BTreeMap<String, Name> = BTreeMap::new();
    for (name, of_name) in versions {
        let count = of_name.len() as u64;
        let Some(newest) = of_name.iter().max_by_key(|row| row.version).cloned() else { continue };
        let completed = of_name.into_iter().filter(|row| row.status == WorkStatus::Completed);
        let shown = completed.max_by_key(|row| row.version).unwrap_or_else(|| newest.clone());
        let folder = paths::model_dir(shown.site.as_deref());
        names.insert(name, Name { folder, shown, newest, versions: count });
    }
    let mut listed = BTreeSet::new();
    let order: Vec<String> = rows
        .iter()
        .filter(|row| names.get(&row.name).is_some_and(|name| name.shown.id == row.id) && listed.insert(row.id.clone()))
        .map(|row| row.name.clone())
        .collect();
    order.into_iter().filter_map(|name| names.remove(&name)).collect()
}

/// Everything about a model, whatever became of it.
///
/// # Errors
/// 404 when there is none.
pub async fn get(state: &AppState, reference: &str) -> Result<ModelDetail> {
    detail(state, found::row(state, reference).await?).await
}

/// Those of these models that are seen, by id.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_ids(state: &AppState, ids: &[String]) -> Result<BTreeMap<String, ModelSummary>> {
    let db = state.store.db.read();
    let rows = store::seen_of_ids(db, state.principal(), ids).await?;
    let aliases = store::aliases_of(db, ids).await?;
    Ok(rows.into_iter().map(|row| (row.id.clone(), summary(row, &aliases))).collect())
}

/// The models that were made from these sessions, as far as those are seen, newest first, by the session's id.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_sessions(state: &AppState, ids: &[String]) -> Result<BTreeMap<String, Vec<ModelSummary>>> {
    let db = state.store.db.read();
    let rows = store::of_sessions(db, state.principal(), ids).await?;
    let found: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let aliases = store::aliases_of(db, &found).await?;
    let mut models: BTreeMap<String, Vec<ModelSummary>> = BTreeMap::new();
    for row in rows {
        models.entry(row.session_id.clone()).or_default().push(summary(row, &aliases));
    }
    Ok(models)
}

/// The one version that a reference means where it matters which: a name alone is refused when it has several.
///
/// # Errors
/// 404 when there is none; 409 with each version when there are several.
pub async fn one_version(state: &AppState, reference: &str) -> Result<ModelSummary> {
    let row = found::row(state, reference).await?;
    if row.name == reference.trim() {
        let versions = store::named(state.store.db.read(), state.principal(), &row.name).await?;
        if versions.len() > 1 {
            let message =
                format!("model '{}' has {} versions: say which, as {0}:v{}", row.name, versions.len(), row.version);
            return Err(found::ambiguous(message, &versions.iter().collect::<Vec<_>>()));
        }
    }
    Ok(summary(row, &BTreeMap::new()))
}

/// The newest completed version of a name, and all its versions.
///
/// # Errors
/// 404 when there is no model of that name.
pub async fn by_its_name(state: &AppState, name: &str) -> Result<NamedModel> {
    let db = state.store.db.read();
    let rows = store::named(db, state.principal(), name).await?;
    let newest = rows.iter().find(|row| row.status == WorkStatus::Completed).or_else(|| rows.first()).cloned();
    let Some(newest) = newest else { return Err(found::unknown_name(state, name).await?) };
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let aliases = store::aliases_of(db, &ids).await?;
    let versions = rows.into_iter().map(|row| summary(row, &aliases)).collect();
    Ok(NamedModel { model: detail(state, newest).await?, versions })
}

/// Everything about the model of that row.
pub(super) async fn detail(state: &AppState, row: trained_model::Model) -> Result<ModelDetail> {
    let db = state.store.db.read();
    let aliases = store::aliases_of(db, std::slice::from_ref(&row.id)).await?;
    let optimization_runs = store::runs(db, &row.id).await?;
    let is_done = row.status == WorkStatus::Completed;
    // A file that cannot be read is told by `integrity`; the rest is still worth an answer.
    let document = if is_done { found::document(state, &row).await.ok() } else { None };
    let row = if is_done { store::get(db, &row.id).await? } else { row };
    let parameters = Parameters::of(&row);
    Ok(ModelDetail {
        metrics: Some(row.training_metrics.clone()).filter(|_| is_done),
        features: document.as_ref().map(|document| document.features.clone()),
        feature_mapping: row.feature_mapping.clone(),
        mapping_suggested: parameters.mapping_suggested,
        options: serde_json::to_value(&parameters.train).internal("writing a training's options")?,
        interval: parameters.interval.map(|interval| interval.name().to_owned()),
        lineage: Some(row.lineage.clone()).filter(|_| is_done),
        target_unit: document.as_ref().and_then(|document| document.target_unit.clone()),
        interval_half_width: document.as_ref().map(|document| document.interval_half_width),
        can_optimize: document.as_ref().is_some_and(|document| document.control.is_some()),
        made_with: document.as_ref().map(|document| document.made_with.clone()).unwrap_or_default(),
        sha256: row.sha256.clone(),
        optimization_runs,
        started_at: row.started_at.map(utc),
        summary: summary(row, &aliases),
    })
}

fn summary(row: trained_model::Model, aliases: &BTreeMap<String, Vec<String>>) -> ModelSummary {
    let leaks = row.training_metrics.pointer("/leaks").and_then(Value::as_array).cloned().unwrap_or_default();
    let scored = |name: &str| row.training_metrics.pointer(&format!("/time_ordered/{name}")).and_then(Value::as_f64);
    ModelSummary {
        version: format!("v{}", row.version),
        version_number: row.version.unsigned_abs(),
        folder: paths::model_dir(row.site.as_deref()),
        status: row.status.as_str().to_owned(),
        mape: scored("mape"),
        r2: scored("r2"),
        cv_rmse: scored("cv_rmse"),
        calibrated: row.training_metrics.pointer("/interval/calibrated").and_then(Value::as_bool),
        leaks: leaks.iter().map(|leak| text(leak, "/column")).collect(),
        feature_count: row.feature_count.and_then(|n| u64::try_from(n).ok()),
        target_col: text(&row.feature_mapping, "/target_col"),
        aliases: aliases.get(&row.id).cloned().unwrap_or_default(),
        dataset_id: row.cleaning_job_id.unwrap_or(row.dataset_id),
        size_bytes: row.size_bytes.and_then(|n| u64::try_from(n).ok()),
        integrity: row.integrity.as_str().to_owned(),
        created_at: utc(row.created_at),
        finished_at: row.finished_at.map(utc),
        id: row.id,
        name: row.name,
        algorithm: row.algorithm,
        session_id: row.session_id,
        error: row.error,
    }
}

/// A model as a file.
pub struct ModelFile {
    /// Its bytes.
    pub download: Download,
    /// What tells them from all others.
    pub tag: String,
    /// Name for a download.
    pub file_name: String,
}

/// The file of a completed model.
///
/// # Errors
/// As [`found::find`].
pub async fn file(state: &AppState, reference: &str) -> Result<ModelFile> {
    let row = found::row(state, reference).await?;
    let bytes = found::verified(state, &row).await?.to_bytes();
    let file_name = format!("{}-v{}.json", row.name, row.version);
    Ok(ModelFile { download: Download::Held(bytes), tag: row.sha256.unwrap_or_default(), file_name })
}

/// The model as CSV that anything can score with, made when it is asked for.
///
/// # Errors
/// As [`found::find`].
pub async fn scoring_table(state: &AppState, reference: &str) -> Result<ModelFile> {
    let found::Found { row, document } = found::find(state, reference).await?;
    let key = MadeKey::new(row.sha256.as_deref().unwrap_or_default(), "scoring table");
    let tag = key.name().to_owned();
    let recipe: Recipe =
        Arc::new(move |out| out.write_all(document.scoring_table().as_bytes()).internal("writing a scoring table"));
    let file_name = format!("{}-v{}-scoring.csv", row.name, row.version);
    Ok(ModelFile { download: Download::Made { files: state.store.made.clone(), key, recipe }, tag, file_name })
}

/// Deletes a model for ever: its row, its aliases, the recommendations made with it, and its file. This is the purge
/// of a model. Rows go first: what a crash leaves then is removed at the next start.
///
/// # Errors
/// 404; 403 for a model of a session that is another's; 409 while it is being trained, or, unless forced, while recommendations or aliases refer to it.
pub async fn delete(state: &AppState, reference: &str, force: bool) -> Result<ModelSummary> {
    let id = found::row(state, reference).await?.id;
    let txn = state.store.db.begin().await?;
    let row = store::get(&txn, &id).await?;
    let session = sessions::session(&txn, state.principal(), &row.session_id).await?;
    sessions::dispose(state.principal(), &session)?;
    let label = format!("{}:v{}", row.name, row.version);
    if matches!(row.status, WorkStatus::Queued | WorkStatus::Running) {
        let message = format!("model {label} is being trained: cancel its job first, POST /api/jobs/{id}/cancel");
        return Err(Error::new(codes::TRAINING_UNDER_WAY, message).with_retry_after(5));
    }
    let aliases = store::aliases_of(&txn, std::slice::from_ref(&id)).await?;
    if !force {
        refuse_if_used(&txn, &label, &row, aliases.get(&id).map(Vec::as_slice).unwrap_or_default()).await?;
    }
    store::delete(&txn, &row).await?;
    if let Some(path) = &row.model_file_path {
        removals::note(&txn, Root::Models, path).await?;
    }
    audit::note(
        &txn,
        state.principal(),
        Act::on("model.delete", "model", &row.id).of_session(&row.session_id).with(serde_json::json!({"label": label})),
    )
    .await?;
    txn.commit().await.internal("deleting a model")?;
    crash::point("model.deleted");
    state.store.made.clear();
    if let Some(path) = &row.model_file_path {
        state.store.remove_purged(Root::Models, path).await?;
    }
    manifest::write(state, &row.session_id).await?;
    Ok(summary(row, &aliases))
}

async fn refuse_if_used(
    txn: &impl ConnectionTrait,
    label: &str,
    row: &trained_model::Model,
    aliases: &[String],
) -> Result<()> {
    let runs = store::runs(txn, &row.id).await?;
    let mut users = Vec::new();
    match runs {
        0 => {}
        1 => users.push("1 recommendation was made with it".to_owned()),
        n => users.push(format!("{n} recommendations were made with it")),
    }
    if !aliases.is_empty() {
        users.push(format!("it is {}", aliases.join(", ")));
    }
    if users.is_empty() {
        return Ok(());
    }
    let message = format!(
        "model {label} is in use: {}; force=true (--force on the command line) deletes it with all of that",
        users.join(", and ")
    );
    Err(Error::new(codes::MODEL_IN_USE, message))
}

/// A field's text.
fn text(value: &Value, at: &str) -> String {
    value.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned()
}

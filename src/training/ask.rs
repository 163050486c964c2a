//! Asking for a training: settle dataset and mapping, check the request, enqueue the job or find the same one.

use sha2::{Digest, Sha256};

use super::mapping::{self, Settled};
use super::parameters::Parameters;
use super::store::{self, NewModel};
use super::{TRAINER_VERSION, TrainAnswer, TrainRequest, models, name};
use crate::audit::{self, Act};
use crate::datasets::DatasetSelector;
use crate::datasets::resolved::Resolved;
use crate::datasets::version::resolve;
use crate::error::{Context, Error, Result, codes};
use crate::jobs::{self, JobKind, NewJob};
use crate::principal::Principal;
use crate::sessions::store as sessions;
use crate::state::AppState;
use hvac_cleaning::Interval;
use hvac_modelling::document::FORMAT_VERSION;
use hvac_modelling::features::FeatureOptions;
use hvac_modelling::options::TrainOptions;
use hvac_points::own_words;
use hvac_store::db::Transaction;
use hvac_store::entity::WorkStatus;
use hvac_store::{new_id, paths};

/// A training that was asked for: a new job, or the one that the same request made before.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its job, and the model.
    pub job_id: String,
    /// Whether the model is there already.
    pub is_done: bool,
    /// Whether an earlier request made it, or is making it.
    pub reused: bool,
    /// Set when `session_id` was left out: the session that was taken.
    pub assumed_session: Option<String>,
}

/// Checks a request and enqueues its job, unless the same one is done or under way.
///
/// # Errors
/// As [`resolve`]; 409 for a deleted session; 422 naming each field that is wrong, with the closest columns.
#[tracing::instrument(level = "debug", name = "ask_train", skip_all)]
pub async fn ask(state: &AppState, request: TrainRequest) -> Result<Asked> {
    let TrainRequest { model_name, feature_mapping, session_id, version, interval, force, options, .. } = request;
    name::check("model_name", &model_name)?;
    check_options(&options)?;
    let dataset = resolve(state, &DatasetSelector { session_id, version }).await?;
    let settled = mapping::settle(state, &dataset, feature_mapping, &options.features).await?;
    let taken = highest_file(state, &model_name).await?;
    let txn = state.store.db.begin().await?;
    let site = sessions::live_session(&txn, state.principal(), &dataset.label.session_id).await?.site;
    let new = new_model(&txn, &dataset, &model_name, site, settled, options, interval).await?;
    let same = if force { None } else { store::same_request(&txn, state.principal(), &new.request_key).await? };
    let reused = same.is_some();
    let (job_id, is_done) = match same {
        Some(same) => (same.id, same.status == WorkStatus::Completed),
        None => (enqueue(&txn, state.principal(), new, taken).await?, false),
    };
    txn.commit().await.internal("enqueueing a training")?;
    hvac_store::crash::point("train.enqueued");
    state.jobs.wake();
    Ok(Asked { job_id, is_done, reused, assumed_session: dataset.assumed_session })
}

/// How far back a lag or a rolling mean may reach: ten years.
pub const LONGEST_PAST_S: i64 = 315_360_000;

/// What no value is needed for.
fn check_options(options: &TrainOptions) -> Result<()> {
    let wrong =
        |field: &str, message: String| Err(Error::invalid(field, codes::BAD_OPTION, format!("{field}: {message}")));
    if !(0.05..=0.5).contains(&options.holdout_share) {
        return wrong(
            "holdout_share",
            format!("{} is no share of rows to hold out; give 0.05…0.5", options.holdout_share),
        );
    }
    if !(0.1..=2.0).contains(&options.fit.budget) {
        return wrong("fit.budget", format!("{} is out of range; give 0.1…2", options.fit.budget));
    }
    let FeatureOptions { lags, rolling_means, .. } = &options.features;
    for (field, past) in [("lags", lags), ("rolling_means", rolling_means)] {
        for (column, seconds) in past {
            if let Some(bad) = seconds.iter().find(|seconds| !(1..=LONGEST_PAST_S).contains(*seconds)) {
                let message = format!("{bad} s does not lie in the past ten years; give seconds, 1…{LONGEST_PAST_S}");
                return wrong(&format!("features.{field}.{column}"), message);
            }
        }
    }
    Ok(())
}

/// The highest number that a file of that name has in the folder of models, of any site and in any case: another
/// database's files are not written over either.
pub(super) async fn highest_file(state: &AppState, name: &str) -> Result<i32> {
    let files = state.store.models.list("").await?;
    let of_name = files.iter().filter_map(|file| paths::model_of(&file.key));
    let own = of_name.filter(|(other, _)| other.to_lowercase() == name.to_lowercase());
    Ok(own.map(|(_, version)| version).max().unwrap_or_default())
}

/// The row, and what tells the same request again.
async fn new_model(
    txn: &Transaction,
    dataset: &Resolved,
    name: &str,
    site: Option<String>,
    settled: Settled,
    train: TrainOptions,
    interval: Option<Interval>,
) -> Result<NewModel> {
    let Settled { mapping, suggested: mapping_suggested, left_out, warnings } = settled;
    let doing = "writing a training's request";
    // A `Value`'s objects are sorted by name.
    let feature_mapping = serde_json::to_value(&mapping).internal(doing)?;
    let algorithm = serde_json::to_value(train.algorithm).internal(doing)?;
    let asked = serde_json::to_value(&train).internal(doing)?;
    let folder = paths::model_dir(site.as_deref());
    // What is left out is named by the model, so a request that lists it is another.
    let asked = format!(
        "{TRAINER_VERSION} {FORMAT_VERSION} {folder}/{name} {} {} {interval:?} {mapping_suggested} {left_out:?} {feature_mapping} {asked}{}",
        dataset.sha256,
        dataset.zone,
        own_words()
    );
    let dataset_version = dataset.label.version.clone();
    let parameters =
        Parameters { train, interval, mapping_suggested, dataset_version, left_out, warnings, can_optimize: None };
    let (dataset_id, cleaning_job_id) = store::origin(txn, &dataset.label.dataset_id).await?;
    Ok(NewModel {
        id: new_id(),
        name: name.to_owned(),
        site,
        session_id: dataset.label.session_id.clone(),
        dataset_id,
        cleaning_job_id,
        feature_mapping,
        options: serde_json::to_value(parameters).internal(doing)?,
        algorithm: algorithm.as_str().unwrap_or_default().to_owned(),
        request_key: hvac_store::objects::hex(&Sha256::digest(asked)),
    })
}

async fn enqueue(txn: &Transaction, principal: &Principal, new: NewModel, taken: i32) -> Result<String> {
    let (id, session_id) = (new.id.clone(), new.session_id.clone());
    let named = serde_json::json!({"model": new.name});
    let payload = serde_json::json!({
        "session_id": new.session_id,
        "dataset_id": new.cleaning_job_id.as_ref().unwrap_or(&new.dataset_id),
        "model_name": new.name,
    });
    store::insert(txn, new, taken).await?;
    let job = NewJob {
        id: id.clone(),
        kind: JobKind::Train,
        payload,
        session_id: Some(session_id.clone()),
        account_id: principal.account_id().map(str::to_owned),
    };
    jobs::enqueue(txn, job).await?;
    audit::note(txn, principal, Act::on("train.enqueue", "model", &id).of_session(&session_id).with(named)).await?;
    Ok(id)
}

/// Waits for the job, here or in another process, and answers what it made.
///
/// # Errors
/// The job's own error; 409 when it was cancelled; 503 when this process stops before.
pub async fn wait(state: &AppState, asked: Asked) -> Result<TrainAnswer> {
    if !asked.is_done {
        state.jobs.wait(&asked.job_id).await?.outcome()?;
    }
    answer(state, Asked { is_done: true, ..asked }).await
}

/// What is answered: of a training that is done, with its model.
///
/// # Errors
/// 404 when the model was deleted meanwhile.
pub async fn answer(state: &AppState, asked: Asked) -> Result<TrainAnswer> {
    let row = store::get(state.store.db.read(), &asked.job_id).await?;
    let parameters = Parameters::of(&row);
    let label = format!("{}:v{}", row.name, row.version);
    let message = match (asked.is_done, asked.reused) {
        (true, true) => format!("The same was asked before: {label} stands."),
        (true, false) => format!("{label} is trained."),
        (false, true) => format!("The same was asked before: {label} is being trained; follow its job."),
        (false, false) => format!("{label} is being trained on {}; follow its job.", parameters.dataset_version),
    };
    let suggested = " The request named no feature, so its mapping is what the columns' names suggest.";
    let message = if parameters.mapping_suggested { message + suggested } else { message };
    let dataset_id = row.cleaning_job_id.clone().unwrap_or_else(|| row.dataset_id.clone());
    let model = if asked.is_done { Some(Box::new(models::detail(state, row.clone()).await?)) } else { None };
    Ok(TrainAnswer {
        message,
        status: if asked.is_done { "completed" } else { "training" },
        version: format!("v{}", row.version),
        version_number: row.version.unsigned_abs(),
        model_name: row.name,
        model_id: row.id.clone(),
        job_id: row.id,
        session_id: row.session_id,
        dataset_id,
        dataset_version: parameters.dataset_version,
        feature_mapping: row.feature_mapping,
        mapping_suggested: parameters.mapping_suggested,
        reused: asked.reused,
        warnings: parameters.left_out.into_iter().chain(parameters.warnings).collect(),
        model,
    })
}

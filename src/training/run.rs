//! The job of a training: read → train → publish the file → one transaction with the row → `session.json`.
//!
//! What fails before the transaction leaves nothing that the catalogue knows of. A job that is begun again makes the
//! same bytes under the same number, so it takes the file that it had published by then; that of a job that is given up
//! stays, unreferred to, under a number that is not used again, and `doctor` lists it.

use std::ops::ControlFlow;

use serde_json::json;

use super::ask::highest_file;
use super::parameters::Parameters;
use super::{TRAINER_VERSION, load, refused, store};
use crate::datasets::DatasetSelector;
use crate::datasets::opened;
use crate::datasets::resolved::Resolved;
use crate::datasets::version::resolve;
use crate::error::{Context, Error, Result, codes};
use crate::events::{self, NewEvent};
use crate::jobs::{Job, JobContext, JobStatus};
use crate::sessions::manifest;
use crate::state::AppState;
use hvac_modelling::document::ModelDocument;
use hvac_modelling::mapping::FeatureMapping;
use hvac_modelling::train;
use hvac_store::db::Transaction;
use hvac_store::entity::{WorkStatus, trained_model};
use hvac_store::staged::Published;
use hvac_store::versions::Held;
use hvac_store::{crash, now, paths};

/// Where reading ends and where training does, as shares of the whole.
const READ: f64 = 0.1;
const TRAINED: f64 = 0.95;
/// Far more than a model file takes.
const MODEL_BYTES: u64 = 16 * 1024 * 1024;

/// Does a training's job. Done twice, it makes one version.
///
/// # Errors
/// 409 when the dataset's file is not what it was, or the job was cancelled; what only the values can tell (422);
/// `disk_full`.
#[tracing::instrument(level = "debug", name = "train", skip_all)]
pub async fn run(state: &AppState, context: &JobContext) -> Result<()> {
    let job = store::get(state.store.db.read(), context.job_id()).await?;
    if job.status == WorkStatus::Completed {
        // The process died between the commit and what follows it.
        return manifest::write(state, &job.session_id).await;
    }
    let held = begin(state, &job, context).await?;
    let made = make(state, &job, held.number.version, context).await?;
    let session_id = job.session_id.clone();
    let message = commit(state, job, &held, made, context).await?;
    drop(held);
    manifest::write(state, &session_id).await?;
    context.progress(1.0, message);
    Ok(())
}

async fn begin(state: &AppState, job: &trained_model::Model, context: &JobContext) -> Result<Held> {
    let taken = highest_file(state, &job.name).await?;
    let txn = state.store.db.begin().await?;
    context.confirm(&txn).await?;
    let number = store::begin(&txn, job, taken).await?;
    txn.commit().await.internal("beginning a training")?;
    Ok(Held::new(&state.store.db, number))
}

/// A model whose file is published, but not yet known to the catalogue.
struct Made {
    file: Published,
    document: ModelDocument,
    parameters: Parameters,
}

async fn make(state: &AppState, job: &trained_model::Model, version: i32, context: &JobContext) -> Result<Made> {
    let dataset = source(state, job).await?;
    state.store.models.check_free_space(MODEL_BYTES)?;
    let mapping: FeatureMapping =
        serde_json::from_value(job.feature_mapping.clone()).internal("reading a training's mapping")?;
    let parameters: Parameters =
        serde_json::from_value(job.options.clone()).internal("reading a training's options")?;
    let work = {
        let (state, context) = (state.clone(), context.clone());
        move || trained(&state, &dataset, mapping, parameters, &context)
    };
    let (document, json, parameters) = tokio::task::spawn_blocking(work).await.internal("waiting for a training")??;
    context.check()?;
    context.progress(TRAINED, "writing the model file");
    let mut staged = state.store.models.stage(&paths::model_dir(job.site.as_deref())).await?;
    staged.write(json.into()).await?;
    let finished = staged.finish().await?;
    context.check()?;
    let key = paths::model(job.site.as_deref(), &job.name, version);
    refuse_foreign(state, &key).await?;
    // Nobody can take the job over while its file takes its name.
    let txn = state.store.db.begin().await?;
    context.confirm(&txn).await?;
    let file = finished.publish_held(&key).await?;
    drop(txn);
    crash::point("train.published");
    Ok(Made { file, document, parameters })
}

/// A model of data that this catalogue does not know is another catalogue's: it stays where it is.
async fn refuse_foreign(state: &AppState, key: &str) -> Result<()> {
    let Ok(bytes) = state.store.models.open_bytes(key) else { return Ok(()) };
    let Ok(document) = ModelDocument::from_json(&bytes) else { return Ok(()) };
    match store::origin(state.store.db.read(), &document.lineage.dataset_id).await {
        Err(error) if error.code == codes::UNKNOWN_VERSION => {
            let message = format!(
                "MODELS_PATH has a file {key} of another database, made since this training was asked for; it was left \
                 as it is: train again, or give each database a folder of models of its own"
            );
            Err(Error::new(codes::ALREADY_PUBLISHED, message))
        }
        looked => looked.map(drop),
    }
}

/// The dataset, its bytes hashed now: a model lasts, so it is made from nothing but what was published.
async fn source(state: &AppState, job: &trained_model::Model) -> Result<Resolved> {
    let version = job.cleaning_job_id.clone().or_else(|| Some(job.dataset_id.clone()));
    let selector = DatasetSelector { session_id: Some(job.session_id.clone()), version };
    let dataset = resolve(state, &selector).await?;
    opened::forget(state, &dataset);
    resolve(state, &selector).await
}

/// Reads and trains. Blocks.
fn trained(
    state: &AppState,
    dataset: &Resolved,
    mapping: FeatureMapping,
    mut parameters: Parameters,
    context: &JobContext,
) -> Result<(ModelDocument, Vec<u8>, Parameters)> {
    let told = |from: f64, to: f64, share: f64, doing: &str| {
        context.progress(from + (to - from) * share.clamp(0.0, 1.0), doing);
        if context.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    context.progress(0.0, "reading the dataset");
    let options = &parameters.train;
    let reading = |share: f64, doing: &str| told(0.0, READ, share, doing);
    let samples = load::load(state, dataset, &mapping, &options.features, parameters.interval, &reading)?;
    context.check()?;
    let lineage = load::lineage(dataset);
    let training = |share: f64, doing: &str| told(READ, TRAINED, share, doing);
    let mut document = train::train(&samples, &mapping, &parameters.train, lineage, &training).map_err(refused)?;
    drop(samples);
    // what values gave away is a warning of the request too, what names did one of the model
    let by_value = document.metrics.left_out.clone();
    document.metrics.left_out.splice(0..0, parameters.left_out.clone());
    parameters.warnings.extend(by_value);
    parameters.can_optimize = Some(document.control.is_some());
    let json = document.to_json().map_err(refused)?;
    Ok((document, json, parameters))
}

/// Makes the file a version; gives a sentence about it.
async fn commit(
    state: &AppState,
    job: trained_model::Model,
    held: &Held,
    made: Made,
    context: &JobContext,
) -> Result<String> {
    let Made { file, document, parameters } = made;
    let doing = "writing a model's row";
    let algorithm = document.fitted.algorithm().as_str();
    let error = document.metrics.time_ordered.mape;
    let error = error.map(|mape| format!(", {mape:.1} % off on held-out rows in time order")).unwrap_or_default();
    let message = format!("{}:v{}: {algorithm}{error}", job.name, held.number.version);
    let begun = job.started_at.unwrap_or_else(now);
    let done = trained_model::Model {
        version: held.number.version,
        algorithm: algorithm.to_owned(),
        feature_mapping: serde_json::to_value(&document.mapping).internal(doing)?,
        options: serde_json::to_value(&parameters).internal(doing)?,
        training_metrics: serde_json::to_value(&document.metrics).internal(doing)?,
        lineage: serde_json::to_value(&document.lineage).internal(doing)?,
        feature_count: i32::try_from(document.features.len()).ok(),
        model_file_path: Some(file.path.clone()),
        sha256: Some(file.sha256.clone()),
        size_bytes: i64::try_from(file.size_bytes).ok(),
        trainer_version: Some(TRAINER_VERSION.to_owned()),
        status: WorkStatus::Completed,
        error: None,
        started_at: Some(begun),
        finished_at: Some(now()),
        ..job
    };
    let data = json!({
        "model_id": done.id, "model_name": done.name, "version": format!("v{}", done.version), "algorithm": algorithm,
        "session_id": done.session_id, "job_id": context.job_id(), "mape": document.metrics.time_ordered.mape,
        "message": message,
    });
    let event = NewEvent::of_session(events::MODEL_TRAINED, &done.session_id, &data);
    let txn = state.store.db.begin().await?;
    context.confirm(&txn).await?;
    store::complete(&txn, done).await?;
    held.publish(&txn).await?;
    crash::point("train.before_commit");
    // A commit that fails may have happened all the same: the file stays, and the job looks again.
    txn.commit().await.internal("committing a training")?;
    crash::point("train.committed");
    state.events.publish(event);
    Ok(message)
}

/// In the transaction that ends the job, however it ends: its row says the same.
///
/// # Errors
/// When the database cannot be written.
pub async fn ended(txn: &Transaction, job: &Job) -> Result<()> {
    let status = match job.status {
        JobStatus::Failed => WorkStatus::Failed,
        JobStatus::Cancelled => WorkStatus::Cancelled,
        _ => return Ok(()),
    };
    store::end(txn, &job.id, status, job.failure.as_ref().map(|failure| failure.message.clone())).await
}

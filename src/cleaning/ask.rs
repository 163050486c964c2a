//! Asking for a cleaning: settle the dataset, check the request, enqueue the job or find the same one.

use sea_orm::ConnectionTrait;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::store::{self, NewCleaning};
use super::{CleanAnswer, CleanRequest, Parameters};
use crate::audit::{self, Act};
use crate::datasets::DatasetSelector;
use crate::datasets::resolved::Resolved;
use crate::datasets::version::resolve;
use crate::error::{Context, Detail, Error, Result, codes};
use crate::jobs::{self, JobKind, NewJob};
use crate::principal::Principal;
use crate::sessions::job::QueuedJob;
use crate::sessions::{manifest, store as sessions};
use crate::state::AppState;
use hvac_cleaning::{self as clean, CLEANER_VERSION, CleanError};
use hvac_points::own_words;
use hvac_store::db::Transaction;
use hvac_store::entity::{WorkStatus, cleaning_job};
use hvac_store::new_id;
use hvac_store::objects::hex;

/// A cleaning that was asked for: a new job, or the one that the same request made before.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its job.
    pub job_id: String,
    /// The session.
    pub session_id: String,
    /// Whether the version is there already.
    pub is_done: bool,
    /// Whether an earlier request made the job.
    pub reused: bool,
    /// Set when `session_id` was left out: the session that was taken.
    pub assumed_session: Option<String>,
}

impl Asked {
    /// For an answer that does not wait.
    #[must_use]
    pub fn queued(&self) -> QueuedJob {
        QueuedJob::new(self.job_id.clone(), self.session_id.clone())
    }
}

/// Checks a request and enqueues its job, unless the same one is done or under way.
///
/// # Errors
/// As [`resolve`]; 409 for a deleted session; 422 naming each field that is wrong, with the closest columns.
#[tracing::instrument(level = "debug", name = "ask_clean", skip_all)]
pub async fn ask(state: &AppState, request: CleanRequest) -> Result<Asked> {
    let dataset = dataset_of(state, &request).await?;
    let CleanRequest { force, parameters, .. } = request;
    clean::check(&dataset.columns, &parameters).map_err(refused)?;
    let (parameters, request_key) = key(&dataset, &parameters)?;
    let txn = state.store.db.begin().await?;
    sessions::live_session(&txn, state.principal(), &dataset.label.session_id).await?;
    let same = if force { None } else { store::same_request(&txn, &dataset.label.dataset_id, &request_key).await? };
    let reused = same.is_some();
    let (job_id, is_done) = match same {
        Some(same) => (same.id, same.status == WorkStatus::Completed),
        None => (enqueue(&txn, state.principal(), &dataset, parameters, request_key).await?, false),
    };
    txn.commit().await.internal("enqueueing a cleaning")?;
    hvac_store::crash::point("clean.enqueued");
    state.jobs.wake();
    let (session_id, assumed_session) = (dataset.label.session_id, dataset.assumed_session);
    Ok(Asked { job_id, session_id, is_done, reused, assumed_session })
}

/// The parsed dataset that a request is about.
///
/// # Errors
/// As [`resolve`]; 422 for a version that is cleaned already.
pub(super) async fn dataset_of(state: &AppState, request: &CleanRequest) -> Result<Resolved> {
    let version = request.dataset_id.clone().unwrap_or_else(|| "parsed".to_owned());
    let selector = DatasetSelector { session_id: request.session_id.clone(), version: Some(version) };
    let dataset = resolve(state, &selector).await?;
    if !dataset.label.version.starts_with("parsed") {
        let message = format!(
            "dataset_id: {} is cleaned already; name the parsed version it came from, or leave dataset_id out",
            dataset.label.version
        );
        return Err(Error::invalid("dataset_id", codes::NOT_A_PARSED_DATASET, message));
    }
    Ok(dataset)
}

/// The parameters written one way, and what tells the same request again.
fn key(dataset: &Resolved, parameters: &Parameters) -> Result<(Value, String)> {
    // A `Value`'s objects are sorted by name.
    let parameters = serde_json::to_value(parameters).internal("writing a cleaning's parameters")?;
    let asked = format!("{CLEANER_VERSION} {} {} {parameters}{}", dataset.sha256, dataset.zone, own_words());
    Ok((parameters, hex(&Sha256::digest(asked))))
}

async fn enqueue(
    txn: &Transaction,
    principal: &Principal,
    dataset: &Resolved,
    parameters: Value,
    request_key: String,
) -> Result<String> {
    let (id, session_id) = (new_id(), dataset.label.session_id.clone());
    let payload = serde_json::json!({"session_id": dataset.label.session_id, "dataset_id": dataset.label.dataset_id});
    let new = NewCleaning {
        id: id.clone(),
        session_id: dataset.label.session_id.clone(),
        dataset_id: dataset.label.dataset_id.clone(),
        original_rows: dataset.row_count,
        parameters,
        request_key,
    };
    store::insert(txn, new).await?;
    let job = NewJob {
        id: id.clone(),
        kind: JobKind::Clean,
        payload,
        session_id: Some(session_id.clone()),
        account_id: principal.account_id().map(str::to_owned),
    };
    jobs::enqueue(txn, job).await?;
    audit::note(txn, principal, Act::on("clean.enqueue", "cleaning", &id).of_session(&session_id)).await?;
    Ok(id)
}

/// What a cleaning that was refused means to a user: each problem with its field.
pub(super) fn refused(error: CleanError) -> Error {
    let CleanError { code, message, problems } = error;
    match code {
        "internal" => Error::internal(message),
        "cancelled" => Error::new(codes::JOB_CANCELLED, message),
        _ => {
            let detail = |p: clean::Problem| Detail { field: Some(p.field), message: p.message, ..Detail::default() };
            problems
                .into_iter()
                .map(detail)
                .fold(Error::new(codes::named(code).unwrap_or(codes::INTERNAL), message), Error::with_detail)
        }
    }
}

/// Waits for the job, here or in another process, and answers what it made.
///
/// # Errors
/// The job's own error; 409 when it was cancelled; 503 when this process stops before.
pub async fn wait(state: &AppState, asked: Asked) -> Result<CleanAnswer> {
    if !asked.is_done {
        let job = state.jobs.wait(&asked.job_id).await?;
        if let Err(error) = job.outcome() {
            manifest::write_soon(state, &asked.session_id).await;
            return Err(error);
        }
    }
    answer(state, asked).await
}

/// What a completed cleaning answers.
///
/// # Errors
/// 404 when the session was purged meanwhile.
pub async fn answer(state: &AppState, asked: Asked) -> Result<CleanAnswer> {
    let db = state.store.db.read();
    let done = store::get(db, &asked.job_id).await?;
    let count = |n: Option<i64>| n.and_then(|n| u64::try_from(n).ok()).unwrap_or_default();
    Ok(CleanAnswer {
        success: true,
        message: message(db, &done, asked.reused).await?,
        version: format!("cleaned-v{}", done.version),
        version_number: done.version.unsigned_abs(),
        original_rows: count(done.original_rows),
        cleaned_rows: count(done.cleaned_rows),
        retention_rate: done.retention_rate.unwrap_or_default(),
        events_count: count(done.events_count),
        session_id: done.session_id,
        job_id: done.id,
        dataset_id: done.dataset_id,
        report: done.report,
        reused: asked.reused,
        dry_run: false,
        forecast: None,
    })
}

/// The report's message; of an earlier version also that, and which one is the newest.
async fn message(db: &impl ConnectionTrait, done: &cleaning_job::Model, reused: bool) -> Result<String> {
    let said = done.report.get("message").and_then(Value::as_str).unwrap_or_default().to_owned();
    if !reused {
        return Ok(said);
    }
    let version = done.version;
    let newest = store::newest_version(db, &done.dataset_id).await?.filter(|newest| *newest != version);
    let hint = newest
        .map(|newest| format!(" The newest is cleaned-v{newest}: ask for version=cleaned-v{version} to see this one."));
    let hint = hint.unwrap_or_default();
    Ok(format!("The same was asked before: cleaned-v{version} stands.{hint} {said}").trim_end().to_owned())
}

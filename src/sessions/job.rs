//! A parse as a job: what `wait: false` makes of a request.
//!
//! The dataset's id is its job's id, so a job that was done but not recorded finds that out and makes no second
//! dataset. Server-side files always make a new session here, whose id is promised before it exists.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::parse::{Caller, Promised, parse_promised};
use super::progress::{Progress, Step};
use super::{ParseRequest, ReadOverride, folders, options, store};
use crate::audit::{self, Act};
use crate::error::{Context, Error, Result, codes};
use crate::jobs::{self, JobContext, JobKind, NewJob, POLL};
use crate::state::AppState;
use hvac_store::new_id;

/// Answer to a request that does not wait.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct QueuedJob {
    /// The job, and what it makes.
    pub job_id: String,
    /// The session it is about; a new one exists once the job is completed.
    pub session_id: String,
    /// `queued`.
    #[schema(example = "queued")]
    pub status: &'static str,
}

impl QueuedJob {
    /// A job that was just enqueued.
    #[must_use]
    pub fn new(job_id: String, session_id: String) -> Self {
        Self { job_id, session_id, status: "queued" }
    }
}

/// What a parse's job needs to know.
#[derive(Debug, Serialize, Deserialize)]
pub struct ParsePayload {
    request: ParseRequest,
    promised: Promised,
}

/// Checks what can be checked at once, and makes a job of the rest.
///
/// # Errors
/// 404 for an unknown session, folder or file, 409 for a deleted session, 422 for a field that is wrong.
#[tracing::instrument(level = "debug", name = "enqueue_parse", skip_all)]
pub async fn enqueue(state: &AppState, request: ParseRequest) -> Result<QueuedJob> {
    if request.dry_run {
        let message = "wait: a dry run stores nothing that could be fetched later; leave out wait or dry_run";
        return Err(Error::invalid("wait", codes::DRY_RUN_WAITS, message));
    }
    options::check_texts(&request)?;
    ReadOverride::of_request(&request)?;
    options::stated(&request.columns)?;
    folders::of_request(&state.config, &request)?;
    let job_id = new_id();
    let txn = state.store.db.begin().await?;
    let session_id = match &request.session_id {
        Some(id) => store::live_session(&txn, state.principal(), id).await?.id,
        None => new_id(),
    };
    let new_session_id = request.session_id.is_none().then(|| session_id.clone());
    let promised = Promised { new_session_id, dataset_id: Some(job_id.clone()) };
    let payload = serde_json::to_value(ParsePayload { request, promised }).internal("writing a parse's payload")?;
    let job = NewJob {
        id: job_id.clone(),
        kind: JobKind::Parse,
        payload,
        session_id: Some(session_id.clone()),
        account_id: state.principal().account_id().map(str::to_owned),
    };
    jobs::enqueue(&txn, job).await?;
    let act = Act::on("parse.enqueue", "job", &job_id).of_session(&session_id);
    audit::note(&txn, state.principal(), act).await?;
    txn.commit().await.internal("enqueueing a parse")?;
    state.jobs.wake();
    Ok(QueuedJob::new(job_id, session_id))
}

/// Does a parse's job.
///
/// # Errors
/// As a parse.
pub async fn run(state: &AppState, payload: ParsePayload, context: &JobContext) -> Result<()> {
    let ParsePayload { request, promised } = payload;
    if store::has_dataset(state.store.db.read(), context.job_id()).await? {
        return Ok(());
    }
    let files = folders::of_request(&state.config, &request)?;
    let (telling, asking) = (context.clone(), context.clone());
    let progress = Progress::new(move |step| tell(&telling, step)).until(move || asking.check());
    let parsed = loop {
        let (files, request, promised) = (files.clone(), request.clone(), promised.clone());
        match parse_promised(state, files, request, promised, Caller::Http, &progress).await {
            // It was answered 202: it waits for its turn, where a request that waits is told to ask again.
            Err(error) if error.code == codes::PARSE_UNDER_WAY => {
                context.check()?;
                tokio::time::sleep(POLL).await;
            }
            parsed => break parsed?,
        }
    };
    context.progress(1.0, parsed.message);
    Ok(())
}

/// Copying is a tenth of the work, reading about half; nobody knows better before.
fn tell(context: &JobContext, step: Step) {
    let (from, to, (done, total), what) = match step {
        Step::Copied(done, total) => (0.0, 0.1, (done, total), "files copied"),
        Step::Read(done, total) => (0.1, 0.6, (done, total), "files read"),
        Step::Wrote(done, total) => (0.6, 1.0, (done, total), "rows written"),
    };
    let part = if total == 0 { 1.0 } else { done as f64 / total as f64 };
    context.progress(from + (to - from) * part, format!("{done} of {total} {what}"));
}

//! `/api/jobs`: list, look at, cancel, and follow as server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, stream};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::header_text;
use super::extract::{Path, Query, State};
use super::problem::{ProblemDetail, Result};
use super::responses::NoSuchJob;
use crate::jobs::{Job, JobEvent, JobEventKind, JobFilter, JobKind, JobStatus, Jobs, Watch};
use crate::limits::Paging;
use crate::phrases::Said;
use crate::sessions::Page;
use crate::state::AppState;
use crate::times::utc;

/// Jobs on a page when nobody says otherwise.
const PAGE_SIZE: u64 = 20;
/// Longest silence of an event stream: shorter than the idle limits of common proxies.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_jobs))
        .routes(routes!(get_job))
        .routes(routes!(cancel_job))
        .routes(routes!(get_job_events))
}

/// A job as it stands.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "job_id": "019aa0de-0000-7000-8000-000000000000", "kind": "parse", "session_id": "019aa0de-1111-7000-8000-000000000000", "status": "running", "progress": 0.35,
    "message": "107 of 214 files read", "cancel_requested": false, "error": null, "error_code": null, "errors": [],
    "attempts": 1, "created_at": "2026-11-20T09:00:00.120Z", "started_at": "2026-11-20T09:00:00.180Z", "finished_at": null
}))]
struct JobAnswer {
    /// UUID v7; also the id of what the job makes.
    job_id: String,
    /// `parse`, `clean`, …
    kind: String,
    /// The session it is about; null for a parse that is yet to make one.
    session_id: Option<String>,
    /// How far it has come.
    status: JobStatus,
    /// 0…1.
    progress: f64,
    /// What it is doing, or did last.
    message: Option<String>,
    /// Whether it was asked to stop.
    cancel_requested: bool,
    /// Why it failed: one sentence.
    error: Option<String>,
    /// Stable name of the failure, as in a problem document.
    error_code: Option<String>,
    /// The single things that are wrong, as in a problem document.
    errors: Vec<ProblemDetail>,
    /// How often it was begun.
    attempts: u32,
    /// UTC.
    created_at: String,
    /// UTC; when it was first begun.
    started_at: Option<String>,
    /// UTC.
    finished_at: Option<String>,
}

impl From<Job> for JobAnswer {
    fn from(job: Job) -> Self {
        let (error, error_code, details) = match job.failure {
            Some(failure) => (Some(failure.message), Some(failure.code), failure.details),
            None => (None, None, Vec::new()),
        };
        Self {
            job_id: job.id,
            kind: job.kind,
            session_id: job.session_id,
            status: job.status,
            progress: job.progress,
            message: job.message,
            cancel_requested: job.cancel_requested,
            error,
            error_code,
            errors: details.into_iter().map(ProblemDetail::from).collect(),
            attempts: job.attempts,
            created_at: utc(job.created_at),
            started_at: job.started_at.map(utc),
            finished_at: job.finished_at.map(utc),
        }
    }
}

#[derive(Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct JobQuery {
    /// Only these.
    status: Option<JobStatus>,
    /// Only of this kind, such as `parse`.
    kind: Option<String>,
    /// From 1.
    page: Option<u64>,
    /// 1…100, default 20.
    page_size: Option<u64>,
}

/// Jobs that match, newest first, page by page
#[utoipa::path(get, path = "/jobs", tag = "jobs", params(JobQuery), responses((status = 200, body = Said<Page<JobAnswer>>)))]
async fn list_jobs(State(state): State, Query(query): Query<JobQuery>) -> Result<Json<Said<Page<JobAnswer>>>> {
    let paging = Paging::asked(query.page, query.page_size, PAGE_SIZE)?;
    let kind = query.kind.as_deref().map(JobKind::of).transpose()?;
    let (total, jobs) = state.jobs.list(state.principal(), &JobFilter { status: query.status, kind }, paging).await?;
    let items = jobs.into_iter().map(JobAnswer::from).collect();
    Ok(Json(Said::of(Page::of(paging, total, items))))
}

/// One job
///
/// Its id is also that of what it makes.
#[utoipa::path(get, path = "/jobs/{id}", tag = "jobs", params(("id" = String, Path, description = "The job")), responses((status = 200, body = Said<JobAnswer>), NoSuchJob))]
async fn get_job(State(state): State, Path(id): Path) -> Result<Json<Said<JobAnswer>>> {
    Ok(Json(Said::of(JobAnswer::from(state.jobs.seen(state.principal(), &id).await?))))
}

/// Cancels a job
///
/// One that waits is cancelled at once; one that runs stops at its next step (`cancel_requested` until then). Twice
/// is as good as once.
#[utoipa::path(
    post,
    path = "/jobs/{id}/cancel",
    tag = "jobs",
    params(("id" = String, Path, description = "The job")),
    responses(
        (status = 200, body = Said<JobAnswer>),
        (status = 409, content_type = "application/problem+json", body = super::problem::Problem, description = "It has completed or failed"),
        NoSuchJob,
    )
)]
async fn cancel_job(State(state): State, Path(id): Path) -> Result<Json<Said<JobAnswer>>> {
    Ok(Json(Said::of(JobAnswer::from(state.jobs.cancel(state.principal(), &id).await?))))
}

/// One event of the stream; describes it only.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the stream")]
struct JobStreamEvent {
    /// `status` or `progress`.
    event: String,
    /// JSON of a `JobEventData`, with `said` as in other answers.
    #[schema(content_media_type = "application/json")]
    data: String,
    /// For `Last-Event-ID`; the last event of a job whose events are forgotten has none.
    id: Option<String>,
}

/// What an event says.
#[derive(Serialize, ToSchema)]
pub struct JobEventData {
    /// The job.
    job_id: String,
    /// UTC.
    at: String,
    /// Its status since.
    status: JobStatus,
    /// 0…1.
    progress: f64,
    /// What it was doing, or why it changed.
    message: Option<String>,
    /// Stable name of the failure, on the last event of a failed job.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<String>,
}

/// Follows a job as server-sent events
///
/// `event: status` for each change of its status, `event: progress` a few times a second in between; `data` is JSON.
/// From the beginning, or from after `Last-Event-ID`. Ends after the final status; who asks again then gets 204, which
/// tells an `EventSource` to stop.
#[utoipa::path(
    get,
    path = "/jobs/{id}/events",
    tag = "jobs",
    params(
        ("id" = String, Path, description = "The job"),
        ("Last-Event-ID" = Option<i64>, Header, description = "The `id` of the last event that was seen"),
    ),
    responses(
        (status = 200, content_type = "text/event-stream", body = JobStreamEvent, description = "Events until the job has ended"),
        (status = 204, description = "It has ended, and all its events were seen"),
        NoSuchJob,
    )
)]
async fn get_job_events(State(state): State, Path(id): Path, headers: HeaderMap) -> Result<Response> {
    let seen: Option<i64> = header_text(&headers, LAST_EVENT_ID).and_then(|id| id.trim().parse().ok());
    let watch = state.jobs.watch(&id);
    let job = state.jobs.seen(state.principal(), &id).await?;
    if job.has_ended() && seen.is_some() && state.jobs.events(&id, seen.unwrap_or(0)).await?.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let follower = Follower { jobs: state.jobs.clone(), id, seen: seen.unwrap_or(0), unsent: VecDeque::new(), watch };
    let alive = KeepAlive::new().interval(KEEP_ALIVE).text("keep-alive");
    Ok(Sse::new(follow(follower)).keep_alive(alive).into_response())
}

/// Where a stream of events is.
struct Follower {
    jobs: Jobs,
    id: String,
    seen: i64,
    unsent: VecDeque<(JobEvent, Option<String>)>,
    watch: Watch,
}

/// The events of a job until its end, or until the server stops: the client then comes again with `Last-Event-ID`.
fn follow(follower: Follower) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(Some(follower), |follower| async {
        let mut follower = follower?;
        let (event, error_code) = follower.next().await?;
        let last = matches!(event.status, JobStatus::Completed | JobStatus::Failed | JobStatus::Cancelled);
        let sent = sse(&follower.id, event, error_code);
        Some((Ok(sent), (!last).then_some(follower)))
    })
}

impl Follower {
    /// The next event; none when the server stops or the database is gone.
    async fn next(&mut self) -> Option<(JobEvent, Option<String>)> {
        loop {
            if let Some(event) = self.unsent.pop_front() {
                return Some(event);
            }
            // The job first: if it has ended, its last event is among those read after.
            let job = self.jobs.get(&self.id).await.ok()?;
            let events = self.jobs.events(&self.id, self.seen).await.ok()?;
            let code = job.failure.as_ref().map(|failure| failure.code.clone());
            for event in events {
                self.seen = event.id.unwrap_or(self.seen);
                let code = code.clone().filter(|_| event.status == JobStatus::Failed);
                self.unsent.push_back((event, code));
            }
            if !self.unsent.is_empty() {
                continue;
            }
            if job.has_ended() {
                return Some((end_of(job), code));
            }
            tokio::select! {
                () = self.watch.changed() => {}
                () = self.jobs.stopped() => return None,
            }
        }
    }
}

/// The last event of a job whose events are forgotten.
fn end_of(job: Job) -> JobEvent {
    JobEvent {
        id: None,
        at: job.finished_at.unwrap_or(job.created_at),
        event: JobEventKind::Status,
        status: job.status,
        progress: job.progress,
        message: job.failure.map(|failure| failure.message).or(job.message),
    }
}

fn sse(job_id: &str, event: JobEvent, error_code: Option<String>) -> Event {
    let JobEvent { id, at, event, status, progress, message } = event;
    let data = JobEventData { job_id: job_id.to_owned(), at: utc(at), status, progress, message, error_code };
    let sent = Event::default().event(event.as_str()).data(serde_json::to_string(&Said::of(data)).unwrap_or_default());
    match id {
        Some(id) => sent.id(id.to_string()),
        None => sent,
    }
}

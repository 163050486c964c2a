//! `/api/clean` and what came of it: cleaning jobs, quality events, comparisons.

use axum::Json;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{accepted, assuming};
use super::download::{self, DownloadAnswer, DownloadHeaders};
use super::extract::{Json as JsonBody, Path, Query, State};
use super::problem::{Problem, Result};
use super::responses::{DownloadResponses, NoSuchData, NoSuchSession};
use crate::cleaning::compare::{Comparison, compare};
use crate::cleaning::dry_run::dry_run;
use crate::cleaning::events::{self, EventPage};
use crate::cleaning::rules::{self, CleaningRules};
use crate::cleaning::suggest::{Suggestions, suggest};
use crate::cleaning::{CleanAnswer, CleanRequest, CleaningJob, CompareQuery, EventQuery, ask, jobs};
use crate::datasets::DatasetSelector;
use crate::datasets::export::Download;
use crate::phrases::Said;
use crate::sessions::job::QueuedJob;
use crate::state::AppState;

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(get_cleaning_job))
        .routes(routes!(list_cleaning_rules))
        .routes(routes!(get_comparison))
        .routes(routes!(list_events))
        .routes(routes!(get_events_file))
        .routes(routes!(suggest_mapping))
}

/// A cleaning takes the time it needs.
pub fn slow_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(post_clean))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct WaitQuery {
    /// `false`: answer 202 at once; the same as `wait` in the body.
    wait: Option<bool>,
}

/// Cleans a parsed dataset into a new version
///
/// Judges, resamples, derives and, with `filter_invalid`, nulls cells and drops rows; the report says why, and it
/// conserves: rows in = rows out + rows dropped per rule, cells likewise. The version never changes; the same request
/// on the same dataset answers the version it made before (`reused`). The work is a job: it goes on when the client
/// disconnects, and with `wait: false` it is to be followed at `/api/jobs/{id}`. With `dry_run` the answer says what would
/// be found (`forecast`, `report`), and nothing is stored.
#[utoipa::path(
    post,
    path = "/clean",
    tag = "cleaning",
    params(WaitQuery),
    request_body(content = CleanRequest, example = json!({
        "session_id": "019aa0de-0000-7000-8000-000000000000", "resample_interval": "15m", "detect_frozen": true,
        "apply_steady_state": false, "apply_heat_balance": true, "apply_affinity": true, "filter_invalid": true,
        "columns": {"load": "RT", "chw_supply": "CHWST"}, "thresholds": {"heat_balance": 0.15}
    })),
    responses(
        (status = 200, body = Said<CleanAnswer>),
        (status = 202, body = QueuedJob, description = "With `wait: false`", headers(("Location" = String, description = "The job"))),
        NoSuchSession,
    )
)]
async fn post_clean(
    State(state): State,
    Query(query): Query<WaitQuery>,
    JsonBody(body): JsonBody<Map<String, Value>>,
) -> Result<Response> {
    let request = CleanRequest::read(body)?;
    if request.dry_run {
        let request = CleanRequest { wait: query.wait.or(request.wait), ..request };
        let (answer, assumed) = dry_run(&state, request).await?;
        return Ok(assuming(assumed, Json(Said::of(answer))));
    }
    let wait = query.wait.or(request.wait).unwrap_or(true);
    let asked = ask::ask(&state, request).await?;
    let assumed = asked.assumed_session.clone();
    if !wait && !asked.is_done {
        return Ok(assuming(assumed, accepted(&asked.queued())));
    }
    Ok(assuming(assumed, Json(Said::of(ask::wait(&state, asked).await?))))
}

/// The rules of cleaning and their limits
///
/// What `POST /api/clean` can be asked, as data: each rule's switch and sentence, each limit's default, unit and bounds.
#[utoipa::path(get, path = "/cleaning-rules", tag = "cleaning", responses((status = 200, body = CleaningRules)))]
async fn list_cleaning_rules() -> Result<Json<CleaningRules>> {
    Ok(Json(rules::all()?))
}

/// One cleaning, with its parameters and report
#[utoipa::path(
    get,
    path = "/cleaning-jobs/{id}",
    tag = "cleaning",
    params(("id" = String, Path, description = "The cleaning: its job's and its version's id")),
    responses(
        (status = 200, body = Said<CleaningJob>),
        (status = 404, content_type = "application/problem+json", body = Problem, description = "No such cleaning"),
    )
)]
async fn get_cleaning_job(State(state): State, Path(id): Path) -> Result<Json<Said<CleaningJob>>> {
    Ok(Json(Said::of(jobs::get(&state, &id).await?)))
}

/// What two versions of a session differ in
///
/// Parameters, rows by their times, cells per rule and column.
#[utoipa::path(
    get,
    path = "/sessions/{id}/compare",
    tag = "cleaning",
    params(("id" = String, Path, description = "The session"), CompareQuery),
    responses((status = 200, body = Comparison), NoSuchData)
)]
async fn get_comparison(
    State(state): State,
    Path(id): Path,
    Query(query): Query<CompareQuery>,
) -> Result<Json<Comparison>> {
    Ok(Json(compare(&state, &id, &query).await?))
}

/// Quality events of a version, page by page
///
/// Of a cleaned version what its rules hit; of a parsed one what the systems that wrote the reports say of their own
/// readings: overridden, in alarm, doubtful, no reading. With `rule=fault` what `/sessions/{id}/findings` tells of machines in it.
#[utoipa::path(get, path = "/data/events", tag = "data", params(DatasetSelector, EventQuery), responses((status = 200, body = Said<EventPage>), NoSuchData))]
async fn list_events(
    State(state): State,
    Query(selector): Query<DatasetSelector>,
    Query(query): Query<EventQuery>,
) -> Result<Response> {
    let (page, assumed) = events::list(&state, &selector, &query).await?;
    Ok(assuming(assumed, Json(Said::of(page))))
}

/// Which columns may play which part, by their names
///
/// A feature mapping for models, and the parts that cleaning's rules need, each with its evidence.
#[utoipa::path(get, path = "/feature-mapping/suggest", tag = "data", params(DatasetSelector), responses((status = 200, body = Said<Suggestions>), NoSuchData))]
async fn suggest_mapping(State(state): State, Query(selector): Query<DatasetSelector>) -> Result<Response> {
    let (suggestions, assumed) = suggest(&state, &selector).await?;
    Ok(assuming(assumed, Json(Said::of(suggestions))))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct VersionQuery {
    /// `latest` (default), `cleaned`, `cleaned-v1`, or an id.
    version: Option<String>,
}

/// The stored Parquet file of a version's quality events
///
/// Columns `rule`, `column`, `start_at`, `end_at` (UTC), `rows`, `detail`.
#[utoipa::path(
    get,
    path = "/sessions/{id}/events.parquet",
    tag = "export",
    params(("id" = String, Path, description = "The session"), VersionQuery, DownloadHeaders),
    responses(
        (status = 200, content_type = "application/vnd.apache.parquet", description = "All of it"),
        (status = 206, content_type = "application/vnd.apache.parquet", description = "A part of it"),
        DownloadResponses,
        NoSuchData,
    )
)]
async fn get_events_file(
    State(state): State,
    method: Method,
    headers: HeaderMap,
    Path(id): Path,
    Query(query): Query<VersionQuery>,
) -> Result<Response> {
    let selector = DatasetSelector { session_id: Some(id), version: query.version };
    let file = events::parquet(&state, &selector).await?;
    let (download, content_type) = (Download::Held(file.bytes), "application/vnd.apache.parquet");
    let file = DownloadAnswer { download, tag: file.sha256, content_type, file_name: file.file_name };
    Ok(download::answer(&method, &headers, file).await)
}

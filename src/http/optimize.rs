//! `/api/optimize` and what was recommended before.

use axum::Json;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::header_text;
use super::extract::{Json as JsonBody, Path, Query, State};
use super::problem::{Problem, Result};
use crate::optimization::conditions::{self, Conditions, ConditionsQuery};
use crate::optimization::outcome::{self, OutcomeRequest, StatedOutcome};
use crate::optimization::verify::{self, Verification, VerifyQuery};
use crate::optimization::{
    OptimizeAnswer, OptimizeBody, OptimizeRequest, Run, RunItem, RunQuery, Summary, SummaryQuery, optimize, page, runs,
};
use crate::phrases::Said;
use crate::sessions::Page;
use crate::state::AppState;

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(post_optimize))
        .routes(routes!(get_conditions))
        .routes(routes!(list_optimizations))
        .routes(routes!(get_optimization_summary))
        .routes(routes!(get_optimization))
        .routes(routes!(post_outcome))
        .routes(routes!(get_verification))
}

/// Recommends set-points that save power
///
/// Conditions and present set-points in, better set-points out, each with what it saves and why; the run is stored.
/// `{model_name, input_data}` with all numbers in one map does, and so does the full form; a number may be a text that
/// spells it. What is not given is taken from the latest steady rows of the session that the model was made from (or
/// of `session_id`) if what is given fits them, else from training rows like it, and named in `assumptions` and
/// `missing`. Nothing is recommended that physics or the log's own rows contradict, nor outside the constraints or far
/// from what the model has seen, and "no change" when the gain is within its error.
#[utoipa::path(
    post,
    path = "/optimize",
    tag = "optimization",
    request_body(content = OptimizeBody, example = json!({
        "model": "plant:production", "conditions": {"load_rt": 300, "wet_bulb": 24.5},
        "current": {"chw_pump_hz": 48, "cw_pump_hz": 50, "ct_fan_hz": 45},
        "variables": [{"name": "chw_pump_hz", "min": 35, "max": 55, "step": 0.5, "max_change": 5}, {"name": "ct_fan_hz"}],
        "constraints": [{"name": "chw_return_temp", "max": 14}], "method": "grid"
    })),
    responses(
        (status = 200, body = Said<OptimizeAnswer>),
        (status = 404, content_type = "application/problem+json", body = Problem, description = "No such model or session"),
        (status = 409, content_type = "application/problem+json", body = Problem, description = "The model's file is missing or damaged"),
    )
)]
async fn post_optimize(
    State(state): State,
    JsonBody(body): JsonBody<Map<String, Value>>,
) -> Result<Json<Said<OptimizeAnswer>>> {
    Ok(Json(Said::of(optimize::optimize(&state, OptimizeRequest::read(body)?).await?)))
}

/// What a recommendation would begin with
///
/// Conditions and set-points of the latest steady rows, what of each the model has seen, and which of them may be chosen
/// within which limits. Nothing is stored.
#[utoipa::path(
    get,
    path = "/optimize/conditions",
    tag = "optimization",
    params(ConditionsQuery),
    responses(
        (status = 200, body = Said<Conditions>),
        (status = 404, content_type = "application/problem+json", body = Problem, description = "No such model or session"),
        (status = 409, content_type = "application/problem+json", body = Problem, description = "The model's file is missing or damaged"),
    )
)]
async fn get_conditions(State(state): State, Query(query): Query<ConditionsQuery>) -> Result<Json<Said<Conditions>>> {
    Ok(Json(Said::of(conditions::conditions(&state, &query).await?)))
}

/// Recommendations, newest first, page by page
#[utoipa::path(get, path = "/optimizations", tag = "optimization", params(RunQuery), responses((status = 200, body = Said<Page<RunItem>>)))]
async fn list_optimizations(State(state): State, Query(query): Query<RunQuery>) -> Result<Json<Said<Page<RunItem>>>> {
    Ok(Json(Said::of(runs::list(&state, &query).await?)))
}

/// Savings over time
///
/// Runs, those with a change, and the mean savings of each day, week or month on the site's clock.
#[utoipa::path(get, path = "/optimizations/summary", tag = "optimization", params(SummaryQuery), responses((status = 200, body = Summary)))]
async fn get_optimization_summary(State(state): State, Query(query): Query<SummaryQuery>) -> Result<Json<Summary>> {
    Ok(Json(runs::summary(&state, &query).await?))
}

/// One recommendation: what was asked and what was answered
#[utoipa::path(
    get,
    path = "/optimizations/{id}",
    tag = "optimization",
    params(("id" = String, Path, description = "The run")),
    responses(
        (status = 200, body = Said<Run>),
        (status = 404, content_type = "application/problem+json", body = Problem, description = "No such run"),
    )
)]
async fn get_optimization(State(state): State, Path(id): Path) -> Result<Json<Said<Run>>> {
    Ok(Json(Said::of(runs::get(&state, &id).await?)))
}

/// States what became of a recommendation
///
/// Whether its set-points were set, since when, and until when. The same again changes nothing; another statement becomes
/// the next revision and holds from then on, and the earlier ones are kept. It goes with its run.
#[utoipa::path(
    post,
    path = "/optimizations/{id}/outcome",
    tag = "optimization",
    params(("id" = String, Path, description = "The run")),
    request_body(content = OutcomeRequest, example = json!({
        "applied": true, "applied_at": "2026-07-01T09:00:00+08:00", "note": "by hand at the panel"
    })),
    responses(
        (status = 200, body = StatedOutcome),
        (status = 404, content_type = "application/problem+json", body = Problem, description = "No such run or session"),
        (status = 409, content_type = "application/problem+json", body = Problem, description = "The session's file is missing or damaged"),
    )
)]
async fn post_outcome(
    State(state): State,
    Path(id): Path,
    JsonBody(body): JsonBody<OutcomeRequest>,
) -> Result<Json<StatedOutcome>> {
    Ok(Json(outcome::state_outcome(&state, &id, body).await?))
}

/// How a report is sent.
#[derive(Deserialize, ToSchema, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
enum ReportForm {
    Json,
    Page,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct FormQuery {
    /// `page`: as a page to print; `json` when left out, unless `Accept` asks for `text/html`.
    #[serde(rename = "as")]
    #[param(inline)]
    form: Option<ReportForm>,
}

/// What a recommendation has saved, measured
///
/// After ASHRAE Guideline 14 and IPMVP: a baseline of the time before, under the conditions after, less what was measured;
/// with its uncertainty, and the sum day by day (CUSUM). Refused with less than 14 days before or 7 after, and where the
/// conditions after lie outside those before. IPMVP option B where the power of every machine concerned is metered, else C.
#[utoipa::path(
    get,
    path = "/optimizations/{id}/verify",
    tag = "optimization",
    params(("id" = String, Path, description = "The run"), VerifyQuery, FormQuery),
    responses(
        (status = 200, description = "The report", content((Said<Verification> = "application/json"), (String = "text/html"))),
        (status = 404, content_type = "application/problem+json", body = Problem, description = "No such run"),
        (status = 409, content_type = "application/problem+json", body = Problem, description = "It was not applied, or nobody said so; or a file is missing or damaged"),
    )
)]
async fn get_verification(
    State(state): State,
    Path(id): Path,
    Query(query): Query<VerifyQuery>,
    Query(FormQuery { form }): Query<FormQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let report = verify::verify(&state, &id, &query).await?;
    let asks_for_page = header_text(&headers, header::ACCEPT).is_some_and(|accept| accept.contains("text/html"));
    if form.is_some_and(|form| form == ReportForm::Page) || (form.is_none() && asks_for_page) {
        let headers = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_SECURITY_POLICY, page::CONTENT_SECURITY_POLICY.as_str()),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::VARY, "Accept"),
        ];
        return Ok((headers, page::page(&report)).into_response());
    }
    Ok(([(header::VARY, "Accept")], Json(Said::of(report))).into_response())
}

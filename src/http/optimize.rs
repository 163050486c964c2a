//! `/api/optimize` and what was recommended before.

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Json as JsonBody, Path, Query};
use super::problem::{Problem, Result};
use crate::optimization::{
    OptimizeAnswer, OptimizeBody, OptimizeRequest, Run, RunItem, RunQuery, Summary, SummaryQuery, optimize, runs,
};
use crate::sessions::Page;
use crate::state::AppState;

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(post_optimize))
        .routes(routes!(list_optimizations))
        .routes(routes!(get_optimization_summary))
        .routes(routes!(get_optimization))
}

/// Recommends set-points that save power
///
/// Conditions and present set-points in, better set-points out, each with what it saves and why; the run is stored.
/// `{model_name, input_data}` with all numbers in one map does, and so does the full form; a number may be a text that
/// spells it. What is not given is taken from the latest steady rows of the session that the model was made from (or
/// of `session_id`), else from the median of the training rows, and named in `assumptions`. Nothing is recommended
/// outside the constraints or far from what the model has seen, and "no change" when the gain is within its error.
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
        (status = 200, body = OptimizeAnswer),
        (status = 404, content_type = "application/problem+json", body = Problem, description = "No such model or session"),
        (status = 409, content_type = "application/problem+json", body = Problem, description = "The model's file is missing or damaged"),
    )
)]
async fn post_optimize(
    State(state): State<AppState>,
    JsonBody(body): JsonBody<Map<String, Value>>,
) -> Result<Json<OptimizeAnswer>> {
    Ok(Json(optimize::optimize(&state, OptimizeRequest::read(body)?).await?))
}

/// Recommendations, newest first, page by page
#[utoipa::path(get, path = "/optimizations", tag = "optimization", params(RunQuery), responses((status = 200, body = Page<RunItem>)))]
async fn list_optimizations(
    State(state): State<AppState>,
    Query(query): Query<RunQuery>,
) -> Result<Json<Page<RunItem>>> {
    Ok(Json(runs::list(&state, &query).await?))
}

/// Savings over time
///
/// Runs, those with a change, and the mean savings of each day, week or month on the site's clock.
#[utoipa::path(get, path = "/optimizations/summary", tag = "optimization", params(SummaryQuery), responses((status = 200, body = Summary)))]
async fn get_optimization_summary(
    State(state): State<AppState>,
    Query(query): Query<SummaryQuery>,
) -> Result<Json<Summary>> {
    Ok(Json(runs::summary(&state, &query).await?))
}

/// One recommendation: what was asked and what was answered
#[utoipa::path(
    get,
    path = "/optimizations/{id}",
    tag = "optimization",
    params(("id" = String, Path, description = "The run")),
    responses(
        (status = 200, body = Run),
        (status = 404, content_type = "application/problem+json", body = Problem, description = "No such run"),
    )
)]
async fn get_optimization(State(state): State<AppState>, Path(id): Path) -> Result<Json<Run>> {
    Ok(Json(runs::get(&state, &id).await?))
}

//! `/api/models`: train, list, look at, download, predict, delete, and what stands for a version.

use axum::Json;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value};
use tracing::Instrument;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{accepted_at, assuming};
use super::download::{self, DownloadAnswer, DownloadHeaders};
use super::extract::{Json as JsonBody, Path, Path2, Query, State};
use super::problem::Result;
use super::responses::{DownloadResponses, NoSuchModel, NoSuchSession};
use crate::error::Context;
use crate::phrases::Said;
use crate::state::AppState;
use crate::training::evaluation::{self, Evaluation};
use crate::training::models::{self, ModelFile};
use crate::training::{
    AliasAnswer, AliasRequest, ModelDetail, ModelFilter, ModelList, NamedModel, PredictAnswer, PredictRequest,
    TrainAnswer, TrainRequest, aliases, ask, predict,
};

/// Longest body of a prediction: ten thousand rows of many columns.
const ROWS_LIMIT_BYTES: usize = 32 * 1024 * 1024;

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_models))
        .routes(routes!(get_named_model))
        .routes(routes!(put_alias, delete_alias))
        .routes(routes!(get_model, delete_model))
        .routes(routes!(get_evaluation))
        .routes(routes!(get_model_file))
        .routes(routes!(get_scoring_table))
        .routes(routes!(post_predict))
}

/// With `wait`, a training takes the time it needs.
pub fn slow_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(post_train))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct WaitQuery {
    /// `true`: answer when the model is there; the same as `wait` in the body.
    wait: Option<bool>,
}

/// Trains a model of a plant's power on a stored version
///
/// The work is a job, to be followed at `/api/jobs/{id}`; model and job have the same id. Columns that leak the target
/// (component powers, ratios, registers) are left out and named in `warnings`, whoever listed them; `allow_leakage` keeps
/// them and marks the model. Without a mapping the columns' names suggest one, without a target too. The same request on the same data answers the model it made before (`reused`), and the same model is made, bit for bit.
#[utoipa::path(
    post,
    path = "/models/train",
    tag = "models",
    params(WaitQuery),
    request_body(content = TrainRequest, example = json!({
        "model_name": "plant_power", "session_id": "019aa0de-0000-7000-8000-000000000000", "version": "cleaned",
        "interval": "30m", "algorithm": "auto", "holdout": "each_month",
        "feature_mapping": {
            "chiller_cols": ["RT"], "chw_pump_cols": ["CHP_HZ"], "chw_temp_cols": ["CHWST"], "environment_cols": ["WBT"],
            "target_col": "CH_SYS_TOTAL_KW"
        }
    })),
    responses(
        (status = 202, body = Said<TrainAnswer>, description = "It is being trained", headers(("Location" = String, description = "The job"))),
        (status = 200, body = Said<TrainAnswer>, description = "The model is there: with `wait`, or reused"),
        NoSuchSession,
    )
)]
async fn post_train(
    State(state): State,
    Query(query): Query<WaitQuery>,
    JsonBody(body): JsonBody<Map<String, Value>>,
) -> Result<Response> {
    let request = TrainRequest::read(body)?;
    let wait = query.wait.or(request.wait).unwrap_or(false);
    let asked = ask::ask(&state, request).await?;
    let assumed = asked.assumed_session.clone();
    if !wait && !asked.is_done {
        let answer = ask::answer(&state, asked).await?;
        let location = format!("/api/v1/jobs/{}", answer.job_id);
        return Ok(assuming(assumed, accepted_at(location, &Said::of(answer))));
    }
    Ok(assuming(assumed, Json(Said::of(ask::wait(&state, asked).await?))))
}

/// Models, one entry a name, page by page
///
/// Each with its newest completed version, or its newest when none is completed.
#[utoipa::path(get, path = "/models", tag = "models", params(ModelFilter), responses((status = 200, body = ModelList)))]
async fn list_models(State(state): State, Query(filter): Query<ModelFilter>) -> Result<Json<ModelList>> {
    Ok(Json(models::list(&state, &filter).await?))
}

/// The newest completed version of a name, and all its versions
#[utoipa::path(get, path = "/models/by-name/{name}", tag = "models", params(("name" = String, Path, description = "The model's name")), responses((status = 200, body = Said<NamedModel>), NoSuchModel))]
async fn get_named_model(State(state): State, Path(name): Path) -> Result<Json<Said<NamedModel>>> {
    Ok(Json(Said::of(models::by_its_name(&state, &name).await?)))
}

/// Makes an alias stand for a version
///
/// `name:alias` then means that version wherever a model is asked for.
#[utoipa::path(
    put,
    path = "/models/by-name/{name}/aliases/{alias}",
    tag = "models",
    params(("name" = String, Path, description = "The model's name"), ("alias" = String, Path, description = "Such as `production`")),
    request_body(content = AliasRequest, example = json!({"version": "v3"})),
    responses((status = 200, body = AliasAnswer), NoSuchModel)
)]
async fn put_alias(
    State(state): State,
    Path2(name, alias): Path2,
    JsonBody(request): JsonBody<AliasRequest>,
) -> Result<Json<AliasAnswer>> {
    Ok(Json(aliases::put(&state, &name, &alias, &request).await?))
}

/// Takes an alias back; the model stays
#[utoipa::path(
    delete,
    path = "/models/by-name/{name}/aliases/{alias}",
    tag = "models",
    params(("name" = String, Path, description = "The model's name"), ("alias" = String, Path, description = "Such as `production`")),
    responses((status = 204, description = "It is gone"), NoSuchModel)
)]
async fn delete_alias(State(state): State, Path2(name, alias): Path2) -> Result<StatusCode> {
    aliases::remove(&state, &name, &alias).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Everything about one version of a model
#[utoipa::path(get, path = "/models/{id}", tag = "models", params(("id" = String, Path, description = "An id, `name`, `name:v3` or `name:alias`")), responses((status = 200, body = Said<ModelDetail>), NoSuchModel))]
async fn get_model(State(state): State, Path(id): Path) -> Result<Json<Said<ModelDetail>>> {
    Ok(Json(Said::of(models::get(&state, &id).await?)))
}

/// How a version did on rows that it had not seen
///
/// Predicted against actual, over time and by load: at most 1000 of the held-out rows, spread evenly, and all that
/// `metrics` of the model says of them.
#[utoipa::path(get, path = "/models/{id}/evaluation", tag = "models", params(("id" = String, Path, description = "An id, `name`, `name:v3` or `name:alias`")), responses((status = 200, body = Evaluation), NoSuchModel))]
async fn get_evaluation(State(state): State, Path(id): Path) -> Result<Json<Evaluation>> {
    Ok(Json(evaluation::evaluation(&state, &id).await?))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DeleteQuery {
    /// Also when recommendations or aliases refer to it: they go too.
    #[serde(default)]
    force: bool,
}

/// Deletes one version of a model for ever
///
/// Its row and its file: this is the purge of a model, there is no way back. Its number is not used again.
#[utoipa::path(
    delete,
    path = "/models/{id}",
    tag = "models",
    params(("id" = String, Path, description = "An id, `name:v3` or `name:alias`; `name` is its newest completed version"), DeleteQuery),
    responses((status = 204, description = "It is gone"), NoSuchModel)
)]
async fn delete_model(State(state): State, Path(id): Path, Query(query): Query<DeleteQuery>) -> Result<StatusCode> {
    let tasks = state.tasks.clone();
    let work = async move { models::delete(&state, &id, query.force).await };
    tasks.spawn(work.in_current_span()).await.internal("deleting a model")??;
    Ok(StatusCode::NO_CONTENT)
}

/// The model file itself
///
/// JSON that explains itself: mapping, features, lineage, metrics, and the model as data.
#[utoipa::path(
    get,
    path = "/models/{id}/file",
    tag = "models",
    params(("id" = String, Path, description = "An id, `name`, `name:v3` or `name:alias`"), DownloadHeaders),
    responses(
        (status = 200, content_type = "application/json", description = "All of it"),
        (status = 206, content_type = "application/json", description = "A part of it"),
        DownloadResponses,
        NoSuchModel,
    )
)]
async fn get_model_file(State(state): State, method: Method, headers: HeaderMap, Path(id): Path) -> Result<Response> {
    let ModelFile { download, tag, file_name } = models::file(&state, &id).await?;
    let file = DownloadAnswer { download, tag, content_type: "application/json", file_name };
    Ok(download::answer(&method, &headers, file).await)
}

/// The model as CSV that anything can score with
///
/// One line a node of a tree, or a term of the equations.
#[utoipa::path(
    get,
    path = "/models/{id}/scoring-table.csv",
    tag = "models",
    params(("id" = String, Path, description = "An id, `name`, `name:v3` or `name:alias`"), DownloadHeaders),
    responses(
        (status = 200, content_type = "text/csv", description = "All of it"),
        (status = 206, content_type = "text/csv", description = "A part of it"),
        DownloadResponses,
        NoSuchModel,
    )
)]
async fn get_scoring_table(
    State(state): State,
    method: Method,
    headers: HeaderMap,
    Path(id): Path,
) -> Result<Response> {
    let ModelFile { download, tag, file_name } = models::scoring_table(&state, &id).await?;
    let file = DownloadAnswer { download, tag, content_type: "text/csv; charset=utf-8", file_name };
    Ok(download::answer(&method, &headers, file).await)
}

/// Predicts rows
///
/// At most 10 000, each with values by feature, column or role. Every prediction has an interval, and names the
/// features that lie beyond what the model was trained on.
#[utoipa::path(
    post,
    path = "/models/{id}/predict",
    tag = "models",
    params(("id" = String, Path, description = "An id, `name`, `name:v3` or `name:alias`")),
    request_body(content = PredictRequest, example = json!({
        "rows": [{"load_rt": 300, "wet_bulb": 24.5, "chw_pump_hz": 48, "timestamp": "2024-07-03T14:00:00+08:00"}]
    })),
    responses((status = 200, body = PredictAnswer), NoSuchModel)
)]
async fn post_predict(
    State(state): State,
    Path(id): Path,
    JsonBody(request): JsonBody<PredictRequest, ROWS_LIMIT_BYTES>,
) -> Result<Json<PredictAnswer>> {
    Ok(Json(predict::predict(&state, &id, request).await?))
}

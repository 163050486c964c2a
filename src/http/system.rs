//! `GET /metrics`, `/api/status`, `/api/system/…`: what can be seen of the service from outside.

use axum::Json;
use axum::http::header;
use axum::response::IntoResponse;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Json as ReadJson, State};
use super::problem::Result;
use crate::observability::invalidate::{self, Invalidated};
use crate::observability::settings::{self, SettingsInForce};
use crate::observability::status::{self, ServiceStatus};
use crate::observability::{self, Figures};
use crate::state::AppState;

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(get_status))
        .routes(routes!(get_system_metrics))
        .routes(routes!(get_system_config))
        .routes(routes!(invalidate_cache))
}

/// Where Prometheus looks.
pub fn root_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_metrics))
}

/// Figures of the service for Prometheus
///
/// In its text format; `docs/OBSERVABILITY.md` says what each means. Nothing of a user's data is in them.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "system",
    responses((status = 200, description = "The figures", body = String, content_type = "text/plain"))
)]
async fn get_metrics(State(state): State) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], observability::scrape(&state).await)
}

/// How the service is, in short
#[utoipa::path(get, path = "/status", tag = "system", responses((status = 200, body = ServiceStatus)))]
async fn get_status(State(state): State) -> Result<Json<ServiceStatus>> {
    Ok(Json(status::status(&state).await?))
}

/// The figures of /metrics as JSON
#[utoipa::path(get, path = "/system/metrics", tag = "system", responses((status = 200, body = Figures)))]
async fn get_system_metrics(State(state): State) -> Json<Figures> {
    Json(observability::figures(&state).await)
}

/// The settings that are in force
///
/// And where each came from. Secrets are hidden.
#[utoipa::path(get, path = "/system/config", tag = "system", responses((status = 200, body = SettingsInForce)))]
async fn get_system_config(State(state): State) -> Json<SettingsInForce> {
    Json(settings::in_force(&state.config))
}

/// Which entries.
#[derive(Deserialize, ToSchema)]
struct InvalidateRequest {
    /// Of their names, with `*` for any letters and `?` for one: `*` is all, `answer/*` all answers, `*/{sha256}/*` what was
    /// made of that file.
    #[schema(example = "answer/*")]
    pattern: String,
}

/// Has the cache forget
///
/// What is forgotten is made anew when it is next asked for; nothing stored is touched. Names are
/// `answer/{sha256}/{request}`, `rows/…`, `footer/…`, `model/…`, by the file that they were made of, and
/// `records/{collection}/…` of collections that other servers keep.
#[utoipa::path(post, path = "/cache/invalidate", tag = "system", request_body = InvalidateRequest, responses((status = 200, body = Invalidated)))]
async fn invalidate_cache(
    State(state): State,
    ReadJson(asked): ReadJson<InvalidateRequest>,
) -> Result<Json<Invalidated>> {
    Ok(Json(invalidate::invalidate(&state, &asked.pattern).await?))
}

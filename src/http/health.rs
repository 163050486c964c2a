//! `GET /health`, `/api/health`: the process lives. `GET /api/ready`: it can work.

use axum::Json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::State;
use super::problem::Result;
use crate::health::{self, Health, Ready};
use crate::state::AppState;

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_health)).routes(routes!(get_ready))
}

/// The same answer at the root, for load balancers and the existing frontend.
pub fn root_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_root_health))
}

/// Whether the process lives
///
/// Always 200 while the process answers; `checks` says what it can reach.
#[utoipa::path(get, path = "/health", tag = "health", responses((status = 200, body = Health)))]
async fn get_health(State(state): State) -> Json<Health> {
    Json(health::health(&state).await)
}

/// Whether the process lives
///
/// The same as `/api/health`.
#[utoipa::path(get, path = "/health", tag = "health", operation_id = "get_root_health", responses((status = 200, body = Health)))]
async fn get_root_health(State(state): State) -> Json<Health> {
    get_health(State(state)).await
}

/// Whether it can work
///
/// 200 only when the database, the storage and the migrations are usable.
#[utoipa::path(get, path = "/ready", tag = "health", responses((status = 200, body = Ready)))]
async fn get_ready(State(state): State) -> Result<Json<Ready>> {
    Ok(Json(health::ready(&state).await?))
}

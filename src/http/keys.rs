//! `/api/keys`: what programs show.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Json as Body, Path, Query, State};
use super::problem::Result;
use super::responses::{AccountTaken, NoSuchKey};
use crate::accounts::keys::{self, ApiKey, KeyFilter, KeyRequest, NewKey};
use crate::limits::Page;
use crate::state::AppState;

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_keys, post_key)).routes(routes!(delete_key))
}

/// Keys, the newest first, page by page
///
/// Never the keys themselves, which are kept nowhere.
#[utoipa::path(get, path = "/keys", tag = "accounts", params(KeyFilter), responses((status = 200, body = Page<ApiKey>)))]
async fn list_keys(State(state): State, Query(filter): Query<KeyFilter>) -> Result<Json<Page<ApiKey>>> {
    Ok(Json(keys::list(&state, &filter).await?))
}

/// Makes a key
///
/// It is shown in this answer and never again. Without `user` it is of a service of its own name, which is made when it is
/// not there.
#[utoipa::path(
    post,
    path = "/keys",
    tag = "accounts",
    request_body(content = KeyRequest, example = json!({"name": "gateway", "role": "operator", "expires": "90d"})),
    responses((status = 201, body = NewKey), AccountTaken)
)]
async fn post_key(State(state): State, Body(request): Body<KeyRequest>) -> Result<Response> {
    let made = keys::create(&state, request).await?;
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(made)).into_response())
}

/// Ends a key for good
#[utoipa::path(delete, path = "/keys/{id}", tag = "accounts", params(("id" = String, Path, description = "The key")), responses((status = 204, description = "It has ended"), NoSuchKey))]
async fn delete_key(State(state): State, Path(id): Path) -> Result<StatusCode> {
    keys::revoke(&state, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

//! `/api/sessions`: list, look at, rename, delete, restore.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tracing::Instrument;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Json as Body, Path, Query, State};
use super::problem::Result;
use super::responses::NoSuchSession;
use crate::error::Context;
use crate::phrases::Said;
use crate::sessions::{Lineage, Page, SessionDetail, SessionFilter, SessionPatch, SessionSummary, catalogue, lineage};
use crate::state::AppState;

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_sessions))
        .routes(routes!(get_session, patch_session, delete_session))
        .routes(routes!(restore_session))
        .routes(routes!(get_lineage))
        .routes(routes!(get_lineage_svg))
}

/// Sessions that match, page by page
#[utoipa::path(get, path = "/sessions", tag = "sessions", params(SessionFilter), responses((status = 200, body = Page<SessionSummary>)))]
async fn list_sessions(State(state): State, Query(filter): Query<SessionFilter>) -> Result<Json<Page<SessionSummary>>> {
    Ok(Json(catalogue::list(&state, &filter).await?))
}

/// One session with its files and versions
///
/// Deleted ones too.
#[utoipa::path(get, path = "/sessions/{id}", tag = "sessions", params(("id" = String, Path, description = "The session")), responses((status = 200, body = Said<SessionDetail>), NoSuchSession))]
async fn get_session(State(state): State, Path(id): Path) -> Result<Json<Said<SessionDetail>>> {
    Ok(Json(Said::of(catalogue::get(&state, &id).await?)))
}

/// Renames a session, or changes its site, tags, notes or free data
///
/// What is left out stays.
#[utoipa::path(
    patch,
    path = "/sessions/{id}",
    tag = "sessions",
    params(("id" = String, Path, description = "The session")),
    request_body(content = SessionPatch, example = json!({"name": "KMUH autumn 2016", "tags": ["acceptance"], "notes": "Chiller 2 was down until 12 October."})),
    responses((status = 200, body = Said<SessionDetail>), NoSuchSession)
)]
async fn patch_session(
    State(state): State,
    Path(id): Path,
    Body(patch): Body<SessionPatch>,
) -> Result<Json<Said<SessionDetail>>> {
    Ok(Json(Said::of(catalogue::update(&state, &id, patch).await?)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DeleteQuery {
    /// Remove rows and files for ever; without it `restore` brings the session back.
    #[serde(default)]
    purge: bool,
}

/// Deletes a session
///
/// Softly, unless `purge=true`.
#[utoipa::path(
    delete,
    path = "/sessions/{id}",
    tag = "sessions",
    params(("id" = String, Path, description = "The session"), DeleteQuery),
    responses((status = 204, description = "It is deleted"), NoSuchSession)
)]
async fn delete_session(State(state): State, Path(id): Path, Query(query): Query<DeleteQuery>) -> Result<StatusCode> {
    if query.purge {
        let tasks = state.tasks.clone();
        let work = async move { catalogue::purge(&state, &id).await };
        tasks.spawn(work.in_current_span()).await.internal("purging a session")??;
    } else {
        catalogue::delete(&state, &id).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Brings a deleted session back
#[utoipa::path(post, path = "/sessions/{id}/restore", tag = "sessions", params(("id" = String, Path, description = "The session")), responses((status = 200, body = Said<SessionDetail>), NoSuchSession))]
async fn restore_session(State(state): State, Path(id): Path) -> Result<Json<Said<SessionDetail>>> {
    Ok(Json(Said::of(catalogue::restore(&state, &id).await?)))
}

/// From the raw bytes to everything made of them
#[utoipa::path(get, path = "/sessions/{id}/lineage", tag = "sessions", params(("id" = String, Path, description = "The session")), responses((status = 200, body = Lineage), NoSuchSession))]
async fn get_lineage(State(state): State, Path(id): Path) -> Result<Json<Lineage>> {
    Ok(Json(lineage::of(&state, &id).await?))
}

/// The same as a drawing
///
/// Raw files, versions and models from left to right; many files that were read together are one box.
#[utoipa::path(
    get,
    path = "/sessions/{id}/lineage.svg",
    tag = "sessions",
    params(("id" = String, Path, description = "The session")),
    responses((status = 200, description = "The drawing", body = String, content_type = "image/svg+xml"), NoSuchSession)
)]
async fn get_lineage_svg(State(state): State, Path(id): Path) -> Result<Response> {
    let drawing = lineage::svg(&lineage::of(&state, &id).await?);
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ];
    Ok((headers, drawing).into_response())
}

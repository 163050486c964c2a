//! `POST /api/query`: SQL over stored sessions; `/api/queries`: statements that users keep.

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::header_text;
use super::extract::{Json as JsonBody, Path, State};
use super::problem::Result;
use super::responses::{NoSuchData, NoSuchQuery};
use crate::query::saved::{self, QueryToSave, SavedQueries, SavedQuery};
use crate::query::{self, Format, QueryAnswer, QueryOptions, QueryRequest};
use crate::state::AppState;

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(post_query)).routes(routes!(list_queries)).routes(routes!(
        get_query,
        put_query,
        post_saved_query,
        delete_query
    ))
}

/// A statement's answer
///
/// One query in SQL over versions of sessions (`parsed`, `cleaned`, `latest`, `events`, `parsed_v1`, …; of another session
/// with its id or name before them: `"kmuh autumn".cleaned`), over the catalogue (`sessions`, `datasets`, `columns`,
/// `cleaning_jobs`, `models`, `optimization_runs`, `findings`, `stored_files`) and over all history (`all_readings`).
/// Names match whatever their case.
/// It reads and never changes anything. The answer comes while it is made; leaving it ends the work.
#[utoipa::path(
    post,
    path = "/query",
    tag = "data",
    request_body(content = QueryRequest, example = json!({"sql": "SELECT id, name FROM sessions ORDER BY created_at"})),
    responses(
        (status = 200, description = "The answer, in the format asked for", content(
            (QueryAnswer = "application/json"),
            (String = "application/x-ndjson"),
            (String = "text/csv"),
            (Vec<u8> = "application/vnd.apache.arrow.file"),
            (Vec<u8> = "application/vnd.apache.arrow.stream"),
            (Vec<u8> = "application/vnd.apache.parquet"),
        )),
        NoSuchData,
    )
)]
async fn post_query(
    State(state): State,
    headers: HeaderMap,
    JsonBody(request): JsonBody<QueryRequest>,
) -> Result<Response> {
    answer(&state, &headers, &request).await
}

/// All saved queries
#[utoipa::path(get, path = "/queries", tag = "data", responses((status = 200, body = SavedQueries)))]
async fn list_queries(State(state): State) -> Result<Json<SavedQueries>> {
    Ok(Json(saved::list(&state).await?))
}

/// A saved query
#[utoipa::path(get, path = "/queries/{id}", tag = "data", params(("id" = String, Path, description = "Its name")), responses((status = 200, body = SavedQuery), NoSuchQuery))]
async fn get_query(State(state): State, Path(name): Path) -> Result<Json<SavedQuery>> {
    Ok(Json(saved::get(&state, &name).await?))
}

/// Saves a query
///
/// In place of one that has the name. That its tables and columns are there is looked at when it is carried out.
#[utoipa::path(
    put,
    path = "/queries/{id}",
    tag = "data",
    params(("id" = String, Path, description = "What it is to be called")),
    request_body(content = QueryToSave, example = json!({"sql": "SELECT id, name FROM sessions ORDER BY created_at", "description": "All sessions"})),
    responses((status = 200, body = SavedQuery))
)]
async fn put_query(
    State(state): State,
    Path(name): Path,
    JsonBody(query): JsonBody<QueryToSave>,
) -> Result<Json<SavedQuery>> {
    Ok(Json(saved::put(&state, &name, query).await?))
}

/// A saved query's answer
///
/// As `POST /api/query` gives it.
#[utoipa::path(
    post,
    path = "/queries/{id}",
    tag = "data",
    params(("id" = String, Path, description = "Its name")),
    request_body(content = QueryOptions, example = json!({"limit": 100})),
    responses(
        (status = 200, description = "The answer, in the format asked for", content(
            (QueryAnswer = "application/json"),
            (String = "application/x-ndjson"),
            (String = "text/csv"),
            (Vec<u8> = "application/vnd.apache.arrow.file"),
            (Vec<u8> = "application/vnd.apache.arrow.stream"),
            (Vec<u8> = "application/vnd.apache.parquet"),
        )),
        NoSuchQuery,
    )
)]
async fn post_saved_query(
    State(state): State,
    Path(name): Path,
    headers: HeaderMap,
    JsonBody(options): JsonBody<QueryOptions>,
) -> Result<Response> {
    answer(&state, &headers, &saved::request(&state, &name, options).await?).await
}

/// Forgets a saved query
#[utoipa::path(delete, path = "/queries/{id}", tag = "data", params(("id" = String, Path, description = "Its name")), responses((status = 204, description = "It is forgotten"), NoSuchQuery))]
async fn delete_query(State(state): State, Path(name): Path) -> Result<StatusCode> {
    saved::delete(&state, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A statement's answer on its way.
async fn answer(state: &AppState, headers: &HeaderMap, request: &QueryRequest) -> Result<Response> {
    let format = match request.options.format.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
        Some(name) => query::format_named(name)?,
        None => accepted(headers),
    };
    let mut written = query::run(state, request, format).await?;
    // What goes wrong before the first bytes is told as everywhere; what goes wrong behind them breaks the answer off.
    let first = written.next().await?;
    let rest = futures_util::stream::try_unfold(written, |mut written| async move {
        match written.next().await {
            Ok(Some(bytes)) => Ok(Some((Bytes::from(bytes), written))),
            Ok(None) => Ok(None),
            Err(error) => {
                tracing::warn!(%error, cause = ?std::error::Error::source(&error), "a statement's answer broke off");
                Err(std::io::Error::other(error))
            }
        }
    });
    let first = futures_util::stream::iter(first.map(|bytes| Ok(Bytes::from(bytes))));
    let body = Body::from_stream(futures_util::StreamExt::chain(first, rest));
    let mut response = body.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The first format that a client accepts; JSON for one that says nothing of any.
fn accepted(headers: &HeaderMap) -> Format {
    let accept = header_text(headers, header::ACCEPT).unwrap_or_default();
    let kinds = accept.split(',').map(|kind| kind.split(';').next().unwrap_or_default().trim());
    let format =
        |kind: &str| Format::ALL.into_iter().find(|format| format.media_type().split(';').next() == Some(kind));
    kinds.filter_map(format).next().unwrap_or(Format::Json)
}

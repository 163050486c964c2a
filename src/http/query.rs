//! `POST /api/query`: SQL over stored sessions.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::header_text;
use super::extract::Json as JsonBody;
use super::openapi::NoSuchData;
use super::problem::Result;
use crate::query::{self, Format, QueryAnswer, QueryRequest};
use crate::state::AppState;

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(post_query))
}

/// A statement's answer
///
/// One query in SQL over versions of sessions (`parsed`, `cleaned`, `latest`, `events`, `parsed_v1`, …; of another session
/// with its id or name before them: `"kmuh autumn".cleaned`), over the catalogue (`sessions`, `datasets`, `columns`,
/// `cleaning_jobs`, `models`, `optimization_runs`, `findings`) and over all history (`all_readings`). Names match whatever their case.
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
    State(state): State<AppState>,
    headers: HeaderMap,
    JsonBody(request): JsonBody<QueryRequest>,
) -> Result<Response> {
    let format = match request.format.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
        Some(name) => query::format_named(name)?,
        None => accepted(&headers),
    };
    let mut written = query::run(&state, &request, format).await?;
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

//! `GET /api/sessions/{id}/raw`: the uploaded files one by one, as they came.

use axum::Json;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::download::{self, DownloadAnswer, DownloadHeaders};
use super::extract::{Path, Path2, State};
use super::problem::Result;
use super::responses::{DownloadResponses, NoSuchSession};
use crate::sessions::raw_files::{self, RawDownload, RawFiles};
use crate::state::AppState;

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_raw_files)).routes(routes!(get_raw_file))
}

/// The uploaded files of a session
///
/// An archive is one file. Deleted sessions too.
#[utoipa::path(
    get,
    path = "/sessions/{id}/raw",
    tag = "export",
    params(("id" = String, Path, description = "The session")),
    responses((status = 200, body = RawFiles), NoSuchSession)
)]
async fn list_raw_files(State(state): State, Path(id): Path) -> Result<Json<RawFiles>> {
    Ok(Json(raw_files::list(&state, &id).await?))
}

/// An uploaded file, byte for byte
///
/// HEAD, ranges (suffix ranges too), a strong `ETag`, `If-None-Match` and `If-Range`. Always an attachment: what somebody
/// uploaded is no page of this server.
#[utoipa::path(
    get,
    path = "/sessions/{id}/raw/{file}",
    tag = "export",
    params(
        ("id" = String, Path, description = "The session"),
        ("file" = String, Path, description = "The file's sha256, at least 12 digits of it, or its name"),
        DownloadHeaders,
    ),
    responses(
        (status = 200, content_type = "application/octet-stream", description = "All of it"),
        (status = 206, content_type = "application/octet-stream", description = "A part of it"),
        DownloadResponses,
        NoSuchSession,
    )
)]
async fn get_raw_file(
    State(state): State,
    method: Method,
    headers: HeaderMap,
    Path2(id, file): Path2,
) -> Result<Response> {
    let RawDownload { file, download } = raw_files::download(&state, &id, &file).await?;
    let (tag, file_name) = (file.sha256, file.file_name);
    let answer = DownloadAnswer { download, tag, content_type: "application/octet-stream", file_name };
    Ok(download::answer(&method, &headers, answer).await)
}

//! `/api/storage/files`: files of any kind, by their id.

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::extract::multipart::{Multipart, MultipartRejection};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use tracing::Instrument;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::download::{self, DownloadAnswer, DownloadHeaders};
use super::extract::{Json as Body, Path, Query, State};
use super::form::{self, broken_form, chunks, drain, text};
use super::operation::Operation;
use super::problem::{Failed, Problem, Result};
use super::responses::{DownloadResponses, NoSuchFile};
use crate::error::{Context, Error, codes};
use crate::limits::Page;
use crate::state::AppState;
use crate::storage::arrive::{Arriving, PART_BYTES};
use crate::storage::files::{self, FileFilter, KeptFile};
use crate::storage::links::{self, FileLink, FileLinkRequest};

/// What a file holds in memory while it is received: a part that is written, and one that is collected.
const HELD_BYTES: u64 = 2 * PART_BYTES as u64;

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_stored_files))
        .routes(routes!(delete_stored_file))
        .routes(routes!(post_file_link))
}

/// What takes the time it needs.
pub fn slow_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(post_stored_file))
        .layer(DefaultBodyLimit::disable())
        .routes(routes!(get_stored_file))
}

/// The form of a file; describes it only, its parts are streamed.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form")]
struct StoredFileForm {
    /// The file, with its name and type.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// After how many hours it is removed by itself, 1 to 87840; left out: never.
    #[schema(value_type = u32, required = false, minimum = 1, maximum = 87840)]
    expires_in_hours: Option<String>,
}

/// Stores a file
///
/// As the one file of a multipart form. It is there with all its bytes or not at all, and durable when it is answered.
#[utoipa::path(
    post,
    path = "/storage/files",
    tag = "storage",
    request_body(content = StoredFileForm, content_type = "multipart/form-data"),
    responses(
        (status = 201, body = KeptFile, headers(("Location" = String, description = "The file"))),
        (status = 413, content_type = "application/problem+json", body = Problem, description = "Longer than MAX_UPLOAD_BYTES"),
        (status = 415, content_type = "application/problem+json", body = Problem, description = "Not a multipart form"),
    )
)]
async fn post_stored_file(
    State(state): State,
    Extension(operation): Extension<Arc<Operation>>,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Failed> {
    let mut form = form::opened(form, "file=@photo.jpg")?;
    let received = match form::check_length(&headers, &state.config, "send a smaller one") {
        Err(error) => Err(error),
        Ok(()) => receive(&state, &mut form, &operation).await,
    };
    let (arriving, hours) = match received {
        Ok(received) => received,
        Err(error) => {
            drain(&mut form).await;
            return Err(error.into());
        }
    };
    // From here on the file is complete: it is stored also when the client disconnects.
    let stored = state.tasks.spawn(arriving.commit(hours).in_current_span()).await.internal("storing a file")??;
    let location = format!("/api/v1/storage/files/{}", stored.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(stored)).into_response())
}

/// Reads the form to its end.
async fn receive(
    state: &AppState,
    form: &mut Multipart,
    operation: &Operation,
) -> crate::error::Result<(Arriving, Option<u32>)> {
    let _held = state.memory.bodies.hold(HELD_BYTES).await?;
    let (mut arriving, mut hours) = (None, None);
    while let Some(field) = form.next_field().await.map_err(broken_form)? {
        let name = field.name().unwrap_or("").to_owned();
        operation.check_form_field(&name)?;
        let is_there = if name == "file" { arriving.is_some() } else { hours.is_some() };
        if is_there {
            let message = format!("{name}: it is given more than once; send one file at a time");
            return Err(Error::invalid(&name, codes::REPEATED_FIELD, message));
        }
        if name == "file" {
            let Some(file_name) = field.file_name().map(str::to_owned).filter(|name| !name.is_empty()) else {
                let message = format!("{name}: a file needs a file name: curl -F {name}=@photo.jpg sends it");
                return Err(Error::invalid(&name, codes::NO_FILE_NAME, message));
            };
            let content_type = field.content_type().map(str::to_owned);
            let file = arriving.insert(Arriving::begin(state, &file_name, content_type.as_deref()).await?);
            file.take(Box::pin(chunks(field))).await?;
        } else if let Some(said) = text(field, &name).await? {
            hours = Some(said.parse::<u32>().map_err(|_| {
                let message = format!("{name}: '{said}' is no whole number of hours");
                Error::invalid(&name, codes::OUT_OF_RANGE, message)
            })?);
        }
    }
    let no_file = || Error::invalid("file", codes::NO_FILES, "the form has no file: curl -F file=@photo.jpg sends one");
    Ok((arriving.ok_or_else(no_file)?, hours))
}

/// Stored files
#[utoipa::path(get, path = "/storage/files", tag = "storage", params(FileFilter), responses((status = 200, body = Page<KeptFile>)))]
async fn list_stored_files(State(state): State, Query(filter): Query<FileFilter>) -> Result<Json<Page<KeptFile>>> {
    Ok(Json(files::list(&state, filter).await?))
}

/// A stored file, byte for byte
///
/// HEAD, ranges (suffix ranges too), a strong `ETag`, `If-None-Match` and `If-Range`. Always an attachment: what somebody
/// handed over is no page of this server.
#[utoipa::path(
    get,
    path = "/storage/files/{id}",
    tag = "storage",
    params(("id" = String, Path, description = "The file"), DownloadHeaders),
    responses(
        (status = 200, content_type = "application/octet-stream", description = "All of it"),
        (status = 206, content_type = "application/octet-stream", description = "A part of it"),
        DownloadResponses,
        NoSuchFile,
    )
)]
async fn get_stored_file(State(state): State, method: Method, headers: HeaderMap, Path(id): Path) -> Result<Response> {
    let (file, download) = files::download(&state, &id).await?;
    let (tag, file_name) = (file.sha256, file.name);
    let answer = DownloadAnswer { download, tag, content_type: "application/octet-stream", file_name };
    Ok(download::answer(&method, &headers, answer).await)
}

/// Deletes a stored file
///
/// For ever, with the links to it. Links that a bucket's server gave end with their time.
#[utoipa::path(
    delete,
    path = "/storage/files/{id}",
    tag = "storage",
    params(("id" = String, Path, description = "The file")),
    responses((status = 204, description = "It is gone"), NoSuchFile)
)]
async fn delete_stored_file(State(state): State, Path(id): Path) -> Result<StatusCode> {
    files::delete(&state, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a link to a stored file
///
/// For programs that send no headers. Where the files lie in a bucket it is the bucket's own pre-signed address, else one
/// of this server. Whoever has it reads that file until its time is over.
#[utoipa::path(
    post,
    path = "/storage/files/{id}/links",
    tag = "storage",
    params(("id" = String, Path, description = "The file")),
    request_body(content = FileLinkRequest, example = json!({"minutes": 15})),
    responses((status = 201, body = FileLink), NoSuchFile)
)]
async fn post_file_link(
    State(state): State,
    Path(id): Path,
    Body(request): Body<FileLinkRequest>,
) -> Result<(StatusCode, Json<FileLink>)> {
    Ok((StatusCode::CREATED, Json(links::make(&state, &id, request).await?)))
}

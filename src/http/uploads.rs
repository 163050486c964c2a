//! `POST /api/uploads`: files stream to disk and become a session at once, or not at all.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::extract::multipart::{Field, Multipart, MultipartError, MultipartRejection};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use serde::Deserialize;
use tracing::Instrument;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::header_text;
use super::contract::Operation;
use super::extract::{Query, State};
use super::openapi::NoSuchSession;
use super::problem::Failed;
use super::problem::Problem;
use crate::error::{Context, Error, Result, codes};
use crate::sessions::Uploaded;
use crate::sessions::upload::{Upload, UploadFields};
use crate::state::AppState;

/// Longest text of a field that is no file.
const LONGEST_TEXT_BYTES: usize = 4096;
/// What multipart framing may add to the files before `Content-Length` alone proves an upload too long.
pub(super) const FRAMING_BYTES: u64 = 1024 * 1024;
/// What one upload holds in memory while it is received.
pub(super) const HELD_BYTES: u64 = 3 * 1024 * 1024;
/// How long a refused upload is still read, so that the client gets to read the answer.
const DRAIN_TIME: Duration = Duration::from_secs(2);

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(post_upload)).layer(DefaultBodyLimit::disable())
}

/// The form of an upload; describes it only, its parts are streamed.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form")]
struct UploadForm {
    /// Trend reports (CSV, TXT, XLSX, Parquet, Arrow), each as it is or as .gz, or zip archives of them; any number.
    #[schema(value_type = Vec<String>, format = Binary)]
    files: Vec<Vec<u8>>,
    /// Name for people; made from the files' names when left out.
    name: Option<String>,
    /// Site, such as `KMUH`.
    site: Option<String>,
    /// IANA zone of local times, such as `Asia/Taipei`.
    timezone: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct UploadQuery {
    /// Adds the files to this session instead of making one.
    session_id: Option<String>,
}

/// Uploads reports
///
/// Any number of files in one multipart form. They are stored as they came; `POST /api/parse` with the `session_id`
/// makes the dataset, and with `dry_run` says before what it would be. An upload that breaks off leaves nothing.
#[utoipa::path(
    post,
    path = "/uploads",
    tag = "sessions",
    params(UploadQuery),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses(
        (status = 201, body = Uploaded, headers(("Location" = String, description = "The session"))),
        (status = 413, content_type = "application/problem+json", body = Problem, description = "Longer than MAX_UPLOAD_BYTES"),
        (status = 415, content_type = "application/problem+json", body = Problem, description = "Not a multipart form"),
        NoSuchSession,
    )
)]
async fn post_upload(
    State(state): State,
    Extension(operation): Extension<Arc<Operation>>,
    Query(query): Query<UploadQuery>,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Failed> {
    let mut form = form.map_err(|rejection| {
        Error::new(codes::NOT_MULTIPART, "This route reads a multipart form: curl -F files=@report.csv does it.")
            .with_source(rejection)
    })?;
    let limit = state.config.max_upload_bytes;
    let announced = header_text(&headers, header::CONTENT_LENGTH).and_then(|text| text.parse::<u64>().ok());
    let received = match announced {
        Some(length) if length > limit.saturating_add(FRAMING_BYTES) => Err(Error::new(
            codes::UPLOAD_TOO_LARGE,
            format!(
                "The upload has {length} bytes, {limit} are allowed; raise MAX_UPLOAD_BYTES or send fewer files at once."
            ),
        )),
        _ => receive(&state, query.session_id.as_deref(), &mut form, &operation).await,
    };
    let (upload, fields) = match received {
        Ok(received) => received,
        Err(error) => {
            drain(&mut form).await;
            return Err(error.into());
        }
    };
    // From here on the files are complete: publishing goes on when the client disconnects.
    let uploaded =
        state.tasks.spawn(upload.commit(fields).in_current_span()).await.internal("publishing an upload")??;
    let location = format!("/api/v1/sessions/{}", uploaded.session_id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(uploaded)).into_response())
}

/// Reads the form to its end.
async fn receive(
    state: &AppState,
    into: Option<&str>,
    form: &mut Multipart,
    operation: &Operation,
) -> Result<(Upload, UploadFields)> {
    let _held = state.memory.bodies.hold(HELD_BYTES).await?;
    let mut upload = Upload::begin(state, into).await?;
    let (mut fields, mut seen) = (UploadFields::default(), Vec::new());
    while let Some(field) = form.next_field().await.map_err(broken_form)? {
        let name = field.name().unwrap_or("").to_owned();
        operation.check_form_field(&name)?;
        let given = match name.as_str() {
            "name" => &mut fields.name,
            "site" => &mut fields.site,
            "timezone" => &mut fields.timezone,
            _ => {
                match field.file_name().map(str::to_owned) {
                    // What a browser sends for a file input that was left empty.
                    Some(file_name) if file_name.is_empty() => {}
                    Some(file_name) => upload.add_file(&file_name, Box::pin(chunks(field))).await?,
                    None => {
                        let message = format!("{name}: a file needs a file name: curl -F {name}=@report.csv sends it");
                        return Err(Error::invalid(&name, codes::NO_FILE_NAME, message));
                    }
                }
                continue;
            }
        };
        if seen.contains(&name) {
            let message = format!("{name}: it is given more than once; give it once");
            return Err(Error::invalid(&name, codes::REPEATED_FIELD, message));
        }
        *given = text(field, &name).await?;
        fields.check()?;
        seen.push(name);
    }
    Ok((upload, fields))
}

/// The chunks of one file.
pub(super) fn chunks(field: Field<'_>) -> impl Stream<Item = io::Result<Bytes>> + Send {
    field.map(|chunk| chunk.map_err(|error| io::Error::new(io::ErrorKind::UnexpectedEof, error)))
}

/// A short text; none when it is blank.
pub(super) async fn text(field: Field<'_>, name: &str) -> Result<Option<String>> {
    let mut bytes = Vec::new();
    let mut chunks = Box::pin(chunks(field));
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|source| {
            Error::new(codes::BODY_BROKE_OFF, "The upload broke off; nothing was stored.").with_source(source)
        })?;
        bytes.extend_from_slice(&chunk);
        if bytes.len() > LONGEST_TEXT_BYTES {
            let message = format!("{name}: longer than {LONGEST_TEXT_BYTES} bytes");
            return Err(Error::invalid(name, codes::TEXT_TOO_LONG, message));
        }
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| Error::invalid(name, codes::NOT_UTF8, format!("{name}: no UTF-8 text")))?;
    Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
}

pub(super) fn broken_form(error: MultipartError) -> Error {
    let message = "The multipart form cannot be read to its end; nothing was stored.";
    Error::new(codes::BROKEN_MULTIPART, message).with_source(error)
}

/// Reads on for a moment: a connection closed with unread bytes would lose the answer on its way.
pub(super) async fn drain(form: &mut Multipart) {
    let read_on = async {
        while let Ok(Some(mut field)) = form.next_field().await {
            while let Ok(Some(_)) = field.chunk().await {}
        }
    };
    let _ = tokio::time::timeout(DRAIN_TIME, read_on).await;
}

//! `POST /api/uploads`: files stream to disk and become a session at once, or not at all.

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::extract::multipart::{Multipart, MultipartRejection};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use tracing::Instrument;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Query, State};
use super::form::{self, HELD_BYTES, broken_form, chunks, drain, text};
use super::operation::Operation;
use super::problem::Failed;
use super::problem::Problem;
use super::responses::NoSuchSession;
use crate::error::{Context, Error, Result, codes};
use crate::sessions::Uploaded;
use crate::sessions::upload::{Upload, UploadFields};
use crate::state::AppState;

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
    let mut form = form::opened(form, "files=@report.csv")?;
    let received = match form::check_length(&headers, &state.config, "send fewer files at once") {
        Err(error) => Err(error),
        Ok(()) => receive(&state, query.session_id.as_deref(), &mut form, &operation).await,
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

//! `GET /api/sessions/{id}/bundle.zip` and `POST /api/sessions/import`: whole sessions that travel.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::multipart::Multipart;
use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use tracing::Instrument;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::header_text;
use super::download::{self, DownloadAnswer, DownloadHeaders};
use super::extract::{self, Path, Query, State};
use super::form::{self, HELD_BYTES, broken_form, chunks, drain};
use super::operation::Operation;
use super::problem::{Failed, Problem};
use super::responses::{DownloadResponses, NoSuchSession};
use crate::bundles::arrived::{Arrived, TableFields, receive};
use crate::bundles::{Imported, export};
use crate::error::{Context, Error, Result, codes};
use crate::sessions::OnConflict;
use crate::state::AppState;

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_bundle)).routes(routes!(post_import)).layer(DefaultBodyLimit::disable())
}

/// A session as one file
///
/// A zip of what the session is: the uploaded reports, every parsed and cleaned version, the models trained on them, and
/// the `session.json` that tells of them. The same session gives the same bytes, here and where it is imported. HEAD,
/// ranges and a strong `ETag` as of `data.arrow`.
#[utoipa::path(
    get,
    path = "/sessions/{id}/bundle.zip",
    tag = "export",
    params(("id" = String, Path, description = "The session"), DownloadHeaders),
    responses(
        (status = 200, content_type = "application/zip", description = "All of it"),
        (status = 206, content_type = "application/zip", description = "A part of it"),
        DownloadResponses,
        NoSuchSession,
    )
)]
async fn get_bundle(
    State(state): State,
    method: Method,
    headers: HeaderMap,
    Path(id): Path,
) -> Result<Response, Failed> {
    let bundle = export::bundle(&state, &id).await?;
    let file_name = format!("{}-bundle.zip", bundle.session_name);
    let answer =
        DownloadAnswer { download: bundle.download, tag: bundle.tag, content_type: "application/zip", file_name };
    Ok(download::answer(&method, &headers, answer).await)
}

/// What is known of a table; a bundle tells all of this itself.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ImportQuery {
    /// Of a table: name of its session; made from the file's name when left out.
    name: Option<String>,
    /// Of a table: its site, such as `KMUH`.
    site: Option<String>,
    /// Of a table: IANA zone of times that do not say theirs, such as `Asia/Taipei`.
    timezone: Option<String>,
    /// Of a table: the column of its times, where it has several or none is named `timestamp`.
    time_column: Option<String>,
    /// Of a table: which of two different values for one time stays; `last` when left out. Stated, it accepts that some
    /// values are lost.
    #[param(inline)]
    on_conflict: Option<OnConflict>,
    /// Of a table: go on where more than 2 % of the readings would be lost.
    #[serde(default)]
    accept_loss: bool,
}

/// The form of an import; describes it only, its part is streamed.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form")]
struct ImportForm {
    /// A bundle (`GET /api/sessions/{id}/bundle.zip`), or a Parquet or Arrow IPC file.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// A file as the body; describes it only.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "describes the body")]
struct FileBody(Vec<u8>);

/// Brings a session in
///
/// A bundle from another machine, as the body or as the one file of a multipart form: the session comes with the same ids,
/// hashes and lineage, or not at all. A session that is here already with all of it stays as it is (200). A plain Parquet
/// or Arrow IPC file becomes a new session: its bytes are kept and parsed as a report's would be.
#[utoipa::path(
    post,
    path = "/sessions/import",
    tag = "sessions",
    params(ImportQuery),
    request_body(content(
        (ImportForm = "multipart/form-data"),
        (FileBody = "application/zip"),
        (FileBody = "application/vnd.apache.parquet"),
        (FileBody = "application/vnd.apache.arrow.file"),
    )),
    responses(
        (status = 200, body = Imported, description = "It is here already; nothing was changed"),
        (status = 201, body = Imported, headers(("Location" = String, description = "The session"))),
        (status = 409, content_type = "application/problem+json", body = Problem, description = "Here with other contents, deleted, of a newer program, or its models' names are taken"),
        (status = 413, content_type = "application/problem+json", body = Problem, description = "Longer than MAX_UPLOAD_BYTES"),
        (status = 415, content_type = "application/problem+json", body = Problem, description = "Neither a bundle nor a table"),
    )
)]
async fn post_import(
    State(state): State,
    Query(query): Query<ImportQuery>,
    Extension(operation): Extension<Arc<Operation>>,
    request: Request,
) -> Result<Response, Failed> {
    let is_form = header_text(request.headers(), header::CONTENT_TYPE).unwrap_or("").starts_with("multipart/");
    let refused = form::check_length(request.headers(), &state.config, "send a smaller one").err();
    let arrived = if is_form {
        of_form(&state, request, &operation, refused).await?
    } else {
        of_body(&state, request, refused).await?
    };
    let ImportQuery { name, site, timezone, time_column, on_conflict, accept_loss } = query;
    let given = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let fields = TableFields {
        name: given(name),
        site: given(site),
        timezone: given(timezone),
        time_column: time_column.filter(|name| !name.is_empty()),
        on_conflict,
        accept_loss,
    };
    // From here on the file is complete: the import goes on when the client disconnects.
    let (tasks, importing) = (state.tasks.clone(), async move { arrived.import(&state, fields).await });
    let imported = tasks.spawn(importing.in_current_span()).await.internal("importing a session")??;
    let location = format!("/api/v1/sessions/{}", imported.session_id);
    Ok(match imported.imported {
        true => (StatusCode::CREATED, [(header::LOCATION, location)], Json(imported)).into_response(),
        false => Json(imported).into_response(),
    })
}

async fn of_body(state: &AppState, request: Request, refused: Option<Error>) -> Result<Arrived> {
    let mut body = request.into_body().into_data_stream();
    let received = match refused {
        Some(error) => Err(error),
        None => {
            let _held = state.memory.bodies.hold(HELD_BYTES).await?;
            receive(state, None, &mut body).await
        }
    };
    if received.is_err() {
        extract::drain(Body::from_stream(body)).await;
    }
    received
}

async fn of_form(state: &AppState, request: Request, operation: &Operation, refused: Option<Error>) -> Result<Arrived> {
    let mut form = form::opened(Multipart::from_request(request, &()).await, "file=@bundle.zip")?;
    let received = match refused {
        Some(error) => Err(error),
        None => {
            let _held = state.memory.bodies.hold(HELD_BYTES).await?;
            receive_form(state, &mut form, operation).await
        }
    };
    if received.is_err() {
        drain(&mut form).await;
    }
    received
}

/// The one file of a form.
async fn receive_form(state: &AppState, form: &mut Multipart, operation: &Operation) -> Result<Arrived> {
    let mut arrived = None;
    while let Some(field) = form.next_field().await.map_err(broken_form)? {
        let name = field.name().unwrap_or("").to_owned();
        operation.check_form_field(&name)?;
        if arrived.is_some() {
            let message = format!("{name}: it is given more than once; bring in one file at a time");
            return Err(Error::invalid(&name, codes::REPEATED_FIELD, message));
        }
        let file_name = field.file_name().map(str::to_owned).filter(|name| !name.is_empty());
        if file_name.is_none() {
            let message = format!("{name}: a file needs a file name: curl -F {name}=@bundle.zip sends it");
            return Err(Error::invalid(&name, codes::NO_FILE_NAME, message));
        }
        arrived = Some(receive(state, file_name, Box::pin(chunks(field))).await?);
    }
    arrived.ok_or_else(|| {
        Error::invalid("file", codes::NO_FILES, "the form has no file: curl -F file=@bundle.zip sends one")
    })
}

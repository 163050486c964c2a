//! `GET /api/sessions/{id}/data.*`: rows of a stored frame as a file. Parquet of all of them is the stored file itself; all
//! else is made.

use axum::http::{HeaderMap, Method};
use axum::response::Response;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::download::{self, DownloadAnswer, DownloadHeaders};
use super::extract::{Path, Query, State};
use super::problem::Result;
use super::responses::{DownloadResponses, NoSuchData};
use crate::datasets::DatasetSelector;
use crate::datasets::export::{self, Form};
use crate::datasets::version::resolve;
use crate::datasets::window::{Selection, WindowQuery};
use crate::state::AppState;

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_parquet)).routes(routes!(get_arrow)).routes(routes!(get_csv))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ExportQuery {
    /// `latest` (default), `parsed`, `cleaned`, `parsed-v2`, `cleaned-v1`, or a dataset's id.
    version: Option<String>,
    /// Names separated by commas; all when left out. `timestamp` is always there.
    columns: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct CsvQuery {
    /// `latest` (default), `parsed`, `cleaned`, `parsed-v2`, `cleaned-v1`, or a dataset's id.
    version: Option<String>,
    /// Names separated by commas; all when left out. `timestamp` is always there.
    columns: Option<String>,
    /// `excel`: for a spreadsheet; texts that it would calculate get a `'` before them.
    #[serde(rename = "for")]
    #[param(inline)]
    reader: Option<CsvReader>,
}

/// Who reads a CSV.
#[derive(Deserialize, ToSchema, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum CsvReader {
    Excel,
}

/// What is asked for, and of which form.
struct Asked {
    version: Option<String>,
    columns: Option<String>,
    window: WindowQuery,
    form: Form,
}

/// Rows of the frame as a file of that form.
async fn answer(
    state: AppState,
    method: &Method,
    headers: &HeaderMap,
    session_id: String,
    asked: Asked,
) -> Result<Response> {
    let Asked { version, columns, window, form } = asked;
    let selector = DatasetSelector { session_id: Some(session_id), version };
    let dataset = resolve(&state, &selector).await?;
    let selection = Selection::of(&dataset, columns.as_deref(), &window)?;
    let (content_type, extension) = match form {
        Form::Parquet => ("application/vnd.apache.parquet", "parquet"),
        Form::Arrow => ("application/vnd.apache.arrow.file", "arrow"),
        Form::Csv { .. } => ("text/csv; charset=utf-8", "csv"),
    };
    let (download, tag) = export::download(&state, &dataset, form, &selection).await?;
    let part = if selection.is_whole() { "" } else { "-part" };
    let file_name = format!("{}-{}{part}.{extension}", dataset.session_name, dataset.label.version);
    Ok(download::answer(method, headers, DownloadAnswer { download, tag, content_type, file_name }).await)
}

/// The stored Parquet file, or a part of it
///
/// With `columns`, `from`, `to` or `every` it is made at the first request, and its columns' counts are left out of what it
/// says of itself. HEAD, ranges (suffix ranges too), a strong `ETag`, `If-None-Match` and `If-Range`.
#[utoipa::path(
    get,
    path = "/sessions/{id}/data.parquet",
    tag = "export",
    params(("id" = String, Path, description = "The session"), ExportQuery, WindowQuery, DownloadHeaders),
    responses(
        (status = 200, content_type = "application/vnd.apache.parquet", description = "All of it"),
        (status = 206, content_type = "application/vnd.apache.parquet", description = "A part of it"),
        DownloadResponses,
        NoSuchData,
    )
)]
async fn get_parquet(
    State(state): State,
    method: Method,
    headers: HeaderMap,
    Path(id): Path,
    Query(ExportQuery { version, columns }): Query<ExportQuery>,
    Query(window): Query<WindowQuery>,
) -> Result<Response> {
    answer(state, &method, &headers, id, Asked { version, columns, window, form: Form::Parquet }).await
}

/// Rows as an Arrow IPC file
///
/// Made at the first request. Ranges and lengths are of a copy that is kept for a while; a file that is too long to be
/// kept has neither.
#[utoipa::path(
    get,
    path = "/sessions/{id}/data.arrow",
    tag = "export",
    params(("id" = String, Path, description = "The session"), ExportQuery, WindowQuery, DownloadHeaders),
    responses(
        (status = 200, content_type = "application/vnd.apache.arrow.file", description = "All of it"),
        (status = 206, content_type = "application/vnd.apache.arrow.file", description = "A part of it"),
        DownloadResponses,
        NoSuchData,
    )
)]
async fn get_arrow(
    State(state): State,
    method: Method,
    headers: HeaderMap,
    Path(id): Path,
    Query(ExportQuery { version, columns }): Query<ExportQuery>,
    Query(window): Query<WindowQuery>,
) -> Result<Response> {
    answer(state, &method, &headers, id, Asked { version, columns, window, form: Form::Arrow }).await
}

/// Rows as CSV
///
/// RFC 4180, UTF-8, with a header line; `timestamp` is ISO 8601 with the site's offset; nulls are empty. Ranges and
/// lengths as of `data.arrow`.
#[utoipa::path(
    get,
    path = "/sessions/{id}/data.csv",
    tag = "export",
    params(("id" = String, Path, description = "The session"), CsvQuery, WindowQuery, DownloadHeaders),
    responses(
        (status = 200, content_type = "text/csv", description = "All of it"),
        (status = 206, content_type = "text/csv", description = "A part of it"),
        DownloadResponses,
        NoSuchData,
    )
)]
async fn get_csv(
    State(state): State,
    method: Method,
    headers: HeaderMap,
    Path(id): Path,
    Query(CsvQuery { version, columns, reader }): Query<CsvQuery>,
    Query(window): Query<WindowQuery>,
) -> Result<Response> {
    let form = Form::Csv { spreadsheet: matches!(reader, Some(CsvReader::Excel)) };
    answer(state, &method, &headers, id, Asked { version, columns, window, form }).await
}

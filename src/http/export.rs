//! `GET /api/sessions/{id}/data.*`: a stored frame as a file.
//!
//! Parquet is the stored file itself, with ranges and a strong `ETag` (its sha256), never compressed. Arrow
//! and CSV are made on the way, so they have weak ones and no ranges.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::header_text;
use super::conditional::{RangeAsked, if_range_holds, none_match_holds, range_asked};
use super::extract::{Path, Query};
use super::openapi::NoSuchData;
use super::problem;
use crate::datasets::version::{Resolved, resolve};
use crate::datasets::{DatasetSelector, export};
use crate::error::Result;
use crate::state::AppState;

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_parquet)).routes(routes!(get_arrow)).routes(routes!(get_csv))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ExportQuery {
    /// `latest` (default), `parsed`, `cleaned`, `parsed-v2`, `cleaned-v1`, or a dataset's id.
    version: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct CsvQuery {
    /// `latest` (default), `parsed`, `cleaned`, `parsed-v2`, `cleaned-v1`, or a dataset's id.
    version: Option<String>,
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

async fn find(state: &AppState, session_id: String, query: ExportQuery) -> Result<Resolved> {
    resolve(state, &DatasetSelector { session_id: Some(session_id), version: query.version }).await
}

/// The stored Parquet file
///
/// HEAD, ranges (suffix ranges too), a strong `ETag`, `If-None-Match` and `If-Range`.
#[utoipa::path(
    get,
    path = "/sessions/{id}/data.parquet",
    tag = "export",
    params(
        ("id" = String, Path, description = "The session"),
        ExportQuery,
        ("Range" = Option<String>, Header, description = "One range of bytes", example = "bytes=-8"),
    ),
    responses(
        (status = 200, content_type = "application/vnd.apache.parquet", description = "The file"),
        (status = 206, content_type = "application/vnd.apache.parquet", description = "A part of it"),
        (status = 304, description = "The client has it"),
        (status = 416, content_type = "application/problem+json", body = problem::Problem, description = "No byte of that range exists"),
        NoSuchData,
    )
)]
async fn get_parquet(
    State(state): State<AppState>,
    method: Method,
    headers: HeaderMap,
    Path(id): Path,
    Query(query): Query<ExportQuery>,
) -> Result<Response> {
    let dataset = find(&state, id, query).await?;
    let etag = format!("\"{}\"", dataset.sha256);
    if none_match_holds(header_text(&headers, header::IF_NONE_MATCH), &etag) {
        return Ok(described(StatusCode::NOT_MODIFIED, Body::empty(), &dataset, &PARQUET, &etag));
    }
    let range = header_text(&headers, header::RANGE)
        .filter(|_| method == Method::GET && if_range_holds(header_text(&headers, header::IF_RANGE), &etag));
    let size = dataset.size_bytes;
    let (status, part) = match range_asked(range, size) {
        RangeAsked::Whole => (StatusCode::OK, 0..size),
        RangeAsked::Part(part) => (StatusCode::PARTIAL_CONTENT, part),
        RangeAsked::Unsatisfiable => return Ok(problem::range_not_satisfiable(size)),
    };
    let body = match method {
        Method::HEAD => Body::empty(),
        _ => stream(export::parquet(&state, &dataset, part.clone()).await?),
    };
    let mut response = described(status, body, &dataset, &PARQUET, &etag);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(part.end - part.start));
    if status == StatusCode::PARTIAL_CONTENT
        && let Ok(value) = HeaderValue::from_str(&format!("bytes {}-{}/{size}", part.start, part.end - 1))
    {
        headers.insert(header::CONTENT_RANGE, value);
    }
    Ok(response)
}

/// All rows as an Arrow IPC file
#[utoipa::path(
    get,
    path = "/sessions/{id}/data.arrow",
    tag = "export",
    params(("id" = String, Path, description = "The session"), ExportQuery),
    responses(
        (status = 200, content_type = "application/vnd.apache.arrow.file", description = "The rows"),
        (status = 304, description = "The client has it"),
        NoSuchData,
    )
)]
async fn get_arrow(
    State(state): State<AppState>,
    method: Method,
    headers: HeaderMap,
    Path(id): Path,
    Query(query): Query<ExportQuery>,
) -> Result<Response> {
    let dataset = find(&state, id, query).await?;
    let etag = format!("W/\"{}-arrow\"", dataset.sha256);
    Ok(match wanted(&method, &headers, &etag) {
        Wanted::Nothing => described(StatusCode::NOT_MODIFIED, Body::empty(), &dataset, &ARROW, &etag),
        Wanted::Headers => described(StatusCode::OK, Body::empty(), &dataset, &ARROW, &etag),
        Wanted::Body => {
            let body = stream(export::arrow(&state, &dataset).await?);
            described(StatusCode::OK, body, &dataset, &ARROW, &etag)
        }
    })
}

/// All rows as CSV
///
/// RFC 4180, UTF-8, with a header line; `timestamp` is ISO 8601 with the site's offset; nulls are empty.
#[utoipa::path(
    get,
    path = "/sessions/{id}/data.csv",
    tag = "export",
    params(("id" = String, Path, description = "The session"), CsvQuery),
    responses(
        (status = 200, content_type = "text/csv", description = "The rows"),
        (status = 304, description = "The client has it"),
        NoSuchData,
    )
)]
async fn get_csv(
    State(state): State<AppState>,
    method: Method,
    headers: HeaderMap,
    Path(id): Path,
    Query(CsvQuery { version, reader }): Query<CsvQuery>,
) -> Result<Response> {
    let dataset = find(&state, id, ExportQuery { version }).await?;
    let spreadsheet = matches!(reader, Some(CsvReader::Excel));
    let etag = format!("W/\"{}-{}\"", dataset.sha256, if spreadsheet { "excel" } else { "csv" });
    Ok(match wanted(&method, &headers, &etag) {
        Wanted::Nothing => described(StatusCode::NOT_MODIFIED, Body::empty(), &dataset, &CSV, &etag),
        Wanted::Headers => described(StatusCode::OK, Body::empty(), &dataset, &CSV, &etag),
        Wanted::Body => {
            let body = stream(export::csv(&state, &dataset, spreadsheet).await?);
            described(StatusCode::OK, body, &dataset, &CSV, &etag)
        }
    })
}

/// Fused, because compression asks again after the end.
fn stream(bytes: export::ByteStream) -> Body {
    Body::from_stream(bytes.fuse())
}

/// What of a made file the client needs.
enum Wanted {
    /// It has it.
    Nothing,
    /// HEAD: making the rows would be for nothing.
    Headers,
    Body,
}

fn wanted(method: &Method, headers: &HeaderMap, etag: &str) -> Wanted {
    if none_match_holds(header_text(headers, header::IF_NONE_MATCH), etag) {
        Wanted::Nothing
    } else if method == Method::HEAD {
        Wanted::Headers
    } else {
        Wanted::Body
    }
}

/// A kind of data file.
struct FileKind {
    content_type: &'static str,
    extension: &'static str,
    ranges: &'static str,
}

const PARQUET: FileKind =
    FileKind { content_type: "application/vnd.apache.parquet", extension: "parquet", ranges: "bytes" };
const ARROW: FileKind =
    FileKind { content_type: "application/vnd.apache.arrow.file", extension: "arrow", ranges: "none" };
const CSV: FileKind = FileKind { content_type: "text/csv; charset=utf-8", extension: "csv", ranges: "none" };

fn described(status: StatusCode, body: Body, dataset: &Resolved, kind: &FileKind, etag: &str) -> Response {
    let mut response = (status, body).into_response();
    let name = format!("{}-{}.{}", dataset.session_name, dataset.label.version, kind.extension);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind.content_type));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static(kind.ranges));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    for (header, value) in [(header::ETAG, etag.to_owned()), (header::CONTENT_DISPOSITION, attachment(&name))] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(header, value);
        }
    }
    response
}

/// `Content-Disposition` (RFC 6266): an ASCII name that is safe everywhere, and the full one in UTF-8.
pub fn attachment(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let ascii: String = name.chars().map(|c| if plain(c) { c } else { '_' }).collect();
    let mut encoded = String::new();
    for c in name.chars().map(|c| if c.is_control() || matches!(c, '/' | '\\') { '_' } else { c }) {
        if plain(c) {
            encoded.push(c);
        } else {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                encoded.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_downloads_are_safe() {
        assert_eq!(attachment("a-v1.csv"), "attachment; filename=\"a-v1.csv\"; filename*=UTF-8''a-v1.csv");
        assert_eq!(
            attachment("溫 \"x\"/\r\n.csv"),
            "attachment; filename=\"___x____.csv\"; filename*=UTF-8''%E6%BA%AB%20%22x%22___.csv"
        );
    }
}

//! The API document (OpenAPI 3.1) around what the handlers say of themselves, and the problems they share.

use std::collections::BTreeMap;

use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, OpenApi};

use super::problem::{PROBLEM_JSON, Problem};

/// What is not said by a handler.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "HVAC Analytics",
        description = "Durable, versioned analytics sessions from building-automation trend reports.\n\n\
            Everything is served below `/api/v1` and below `/api` (the current version). Every error is an \
            RFC 9457 `application/problem+json` document; its `code` is stable, its `detail` says what to do.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    tags(
        (name = "health", description = "Whether the server lives, and whether it can work"),
        (name = "files", description = "Reports that lie on the server"),
        (name = "sessions", description = "Upload, parse, list, rename, delete"),
        (name = "cleaning", description = "Cleaned versions, their reports and quality events"),
        (name = "models", description = "Models of a plant's power: train, list, predict, name a version"),
        (name = "optimization", description = "Set-points that save power, and what was recommended before"),
        (name = "data", description = "Looking at a stored frame"),
        (name = "export", description = "Stored frames as files"),
        (name = "jobs", description = "Work that goes on without its request"),
    ),
    components(schemas(Problem)),
)]
pub struct Document;

/// Problems of routes that read a JSON body or a query.
pub struct BadRequest;
/// Problems of routes that read a JSON body, beside those of [`BadRequest`].
pub struct BadBody;
/// Problems of routes about one session.
pub struct NoSuchSession;
/// Problems of routes about one job.
pub struct NoSuchJob;
/// Problems of routes that look at a stored frame.
pub struct NoSuchData;
/// Problems of routes about one model.
pub struct NoSuchModel;

impl IntoResponses for BadRequest {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        responses(&[
            ("400", "The request cannot be read", "broken_query", "The query string cannot be read."),
            (
                "422",
                "A field is wrong; `errors` names it",
                "invalid_field",
                "page: its value cannot be used, invalid digit found in string",
            ),
            UNAVAILABLE,
        ])
    }
}

impl IntoResponses for BadBody {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        responses(&[
            (
                "413",
                "The body is too long",
                "body_too_large",
                "The JSON body is longer than 2097152 bytes; files go to /api/uploads.",
            ),
            (
                "415",
                "Not a format that is read here",
                "not_json",
                "This route reads JSON: send the header Content-Type: application/json.",
            ),
        ])
    }
}

impl IntoResponses for NoSuchSession {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        responses(&[
            UNKNOWN_SESSION,
            (
                "409",
                "The session's state does not allow this",
                "session_deleted",
                "The session is deleted; restore it first.",
            ),
            UNAVAILABLE,
        ])
    }
}

impl IntoResponses for NoSuchJob {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        responses(&[
            ("404", "No such job", "unknown_job", "There is no job with this id; GET /api/jobs lists them."),
            UNAVAILABLE,
        ])
    }
}

impl IntoResponses for NoSuchModel {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        responses(&[
            (
                "404",
                "No such model or version",
                "unknown_model",
                "there is no model 'plant'; GET /api/models lists them",
            ),
            (
                "409",
                "The model is not trained yet, in use, or its file is missing or damaged",
                "model_not_ready",
                "model plant:v3 is still being trained; follow it at GET /api/jobs/{id}",
            ),
            UNAVAILABLE,
        ])
    }
}

impl IntoResponses for NoSuchData {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        responses(&[
            UNKNOWN_SESSION,
            (
                "409",
                "The stored file is missing or damaged",
                "damaged",
                "The file of parsed-v1 is damaged; run hvac-analytics doctor.",
            ),
            (
                "422",
                "A field is wrong; `errors` names it",
                "unknown_column",
                "There is no column 'KW'; the closest is 'MMCB_KW'.",
            ),
            UNAVAILABLE,
        ])
    }
}

type Row = (&'static str, &'static str, &'static str, &'static str);

const UNKNOWN_SESSION: Row = (
    "404",
    "No such session or version",
    "unknown_session",
    "There is no session with this id; GET /api/sessions lists them.",
);
const UNAVAILABLE: Row = (
    "503",
    "Overloaded, or a dependency is gone",
    "timeout",
    "This took longer than 60 s; try again, or ask for less at once.",
);

fn responses(rows: &[Row]) -> BTreeMap<String, RefOr<Response>> {
    rows.iter().map(|row| (row.0.to_owned(), RefOr::T(problem(row)))).collect()
}

/// The response of one status, with the problem schema and an example.
fn problem(&(status, description, code, detail): &Row) -> Response {
    let status: u16 = status.parse().unwrap_or(500);
    let title = axum::http::StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason()).unwrap_or("Error");
    let example = serde_json::json!({
        "type": "about:blank", "title": title, "status": status, "detail": detail,
        "instance": "/api/…", "code": code, "request_id": "019aa0de-0000-7000-8000-000000000000",
    });
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).example(Some(example)).build();
    ResponseBuilder::new().description(description).content(PROBLEM_JSON, content).build()
}

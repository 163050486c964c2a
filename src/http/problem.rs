//! Errors as RFC 9457 `application/problem+json`: the only place where an error's status code is chosen.
//!
//! A handler's [`Error`] becomes a response that carries a [`Problem`] in its extensions; the outermost
//! middleware calls [`complete`], which knows the request's id and path and writes the body. So every
//! error – of a handler, an extractor, the router, a panic – is written by the same few lines.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{Code, Detail, Error, ErrorKind, codes};

/// Media type of every error.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What went wrong (RFC 9457).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// `about:blank`: `code` tells problems apart.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    kind: &'static str,
    /// The status in words.
    #[schema(example = "Unprocessable Content")]
    title: &'static str,
    /// The answer's status.
    #[schema(example = 422)]
    status: u16,
    /// One sentence that says what is wrong and what to do.
    #[schema(example = "rows: 0 is out of range; give 1 to 10000")]
    detail: String,
    /// The path that was asked for.
    #[schema(example = "/api/data/preview")]
    instance: String,
    /// Stable name of the problem, for programs: docs/ERRORS.md lists all, with the way out of each.
    #[schema(value_type = String, example = "out_of_range")]
    code: &'static Code,
    /// The log has the cause under this id.
    #[schema(example = "0199c0de-0000-7000-8000-000000000000")]
    request_id: String,
    /// The single things that are wrong, where there are several or where they have a place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ProblemDetail>,
}

/// One thing that is wrong: a field of the request, or a place in a file.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ProblemDetail {
    /// The request's field.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// The report's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// Line in the report, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    /// Column of the report, by its original name.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    /// One sentence on what is wrong and what would be right.
    message: String,
}

impl From<Detail> for ProblemDetail {
    fn from(detail: Detail) -> Self {
        let Detail { field, file, line, column, message } = detail;
        Self { field, file, line, column, message }
    }
}

/// The status of an error's family.
fn status_of(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Malformed => StatusCode::BAD_REQUEST,
        ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::UnsupportedFormat => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorKind::RangeNotSatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
        ErrorKind::Misdirected => StatusCode::MISDIRECTED_REQUEST,
        ErrorKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::TooMany => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl Problem {
    fn new(code: &'static Code, detail: impl Into<String>) -> Self {
        let status = status_of(code.kind);
        Self {
            kind: "about:blank",
            title: title_of(status),
            status: status.as_u16(),
            detail: detail.into(),
            instance: String::new(),
            code,
            request_id: String::new(),
            errors: Vec::new(),
        }
    }
}

/// Why a request was refused, before [`complete`] has written it.
pub fn code_of(response: &Response) -> Option<&'static Code> {
    response.extensions().get::<Problem>().map(|problem| problem.code)
}

/// The status in the words of RFC 9110; `http` still has two older ones.
pub fn title_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => "Content Too Large",
        StatusCode::UNPROCESSABLE_ENTITY => "Unprocessable Content",
        other => other.canonical_reason().unwrap_or("Error"),
    }
}

/// An empty response of that status, with the problem for [`complete`] to write.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response.extensions_mut().insert(self);
        response
    }
}

/// The document of an error that no request made, for whoever owns the machine: also what went wrong inside.
pub fn document(error: &Error) -> serde_json::Value {
    let mut problem = Problem::new(error.code, error.message.clone());
    problem.errors = error.details.iter().cloned().map(ProblemDetail::from).collect();
    let mut document = serde_json::to_value(problem).unwrap_or_default();
    if let Some(fields) = document.as_object_mut() {
        fields.retain(|name, _| name != "instance" && name != "request_id");
    }
    document
}

/// What a handler fails with: any of our errors, as an answer.
#[derive(Debug)]
pub struct Failed(pub Error);

/// What a handler gives.
pub type Result<T, E = Failed> = std::result::Result<T, E>;

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

/// Logs what the client must not see, and answers with the rest.
impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let Self(error) = self;
        let status = status_of(error.kind());
        if status.is_server_error() {
            tracing::error!(code = error.code.name, causes = causes(&error), "{}", error.message);
        } else {
            tracing::debug!(code = error.code.name, causes = causes(&error), "{}", error.message);
        }
        let problem = if error.kind() == ErrorKind::Internal {
            Problem::new(error.code, INTERNAL_DETAIL)
        } else {
            let errors = error.details.into_iter().map(ProblemDetail::from).collect();
            Problem { errors, ..Problem::new(error.code, error.message) }
        };
        let mut response = problem.into_response();
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = error.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

const INTERNAL_DETAIL: &str =
    "The server failed to do this; its log has the cause under the request_id of this answer.";

/// The chain of sources, for the log.
fn causes(error: &Error) -> String {
    let mut text = String::new();
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

/// 404 for a path that is no route.
pub async fn no_such_route() -> Problem {
    Problem::new(codes::NO_SUCH_ROUTE, "There is nothing at this path; /docs lists every route.")
}

/// 405; the router adds `Allow`.
pub async fn method_not_allowed() -> Problem {
    Problem::new(
        codes::METHOD_NOT_ALLOWED,
        "This path exists, but not with this method; the Allow header names those it has.",
    )
}

/// 412.
pub fn precondition_failed() -> Response {
    Problem::new(
        codes::PRECONDITION_FAILED,
        "The file is not the one that If-Match names; ask without that header for what is there now.",
    )
    .into_response()
}

/// 416, with the length that a range must lie in.
pub fn range_not_satisfiable(size_bytes: u64) -> Response {
    let mut response = Problem::new(
        codes::RANGE_NOT_SATISFIABLE,
        format!("No byte of the range asked for exists: the file has {size_bytes} bytes."),
    )
    .into_response();
    if let Ok(value) = HeaderValue::from_str(&format!("bytes */{size_bytes}")) {
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    response
}

/// 503 for a connection on which nothing was asked yet, as it goes over the wire.
pub fn no_connection_left() -> Vec<u8> {
    let detail = "All connections of this server are in use; try again soon, or raise MAX_CONNECTIONS.";
    on_the_wire(&Problem::new(codes::NO_CONNECTION_LEFT, detail))
}

/// 429 likewise.
pub fn too_many_connections() -> Vec<u8> {
    let detail = "This client has as many connections as it may; close some, or raise MAX_CONNECTIONS_PER_CLIENT.";
    on_the_wire(&Problem::new(codes::TOO_MANY_CONNECTIONS, detail))
}

/// 400 for a client that speaks no TLS where nothing else is served.
pub fn tls_only() -> Vec<u8> {
    let detail = "This port is served by TLS only: ask with https:// instead of http://.";
    on_the_wire(&Problem::new(codes::TLS_ONLY, detail))
}

fn on_the_wire(problem: &Problem) -> Vec<u8> {
    let body = serde_json::to_string(problem).unwrap_or_default();
    let (status, title, length) = (problem.status, problem.title, body.len());
    let may_pass = matches!(problem.code.kind, ErrorKind::TooMany | ErrorKind::Unavailable);
    let retry = if may_pass { "Retry-After: 5\r\n" } else { "" };
    format!(
        "HTTP/1.1 {status} {title}\r\nContent-Type: {PROBLEM_JSON}\r\nContent-Length: {length}\r\n\
         {retry}Cache-Control: no-store\r\nConnection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

/// 500 for a handler that panicked; the panic itself is in the log.
pub fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let what = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(panic = what, "a request handler panicked");
    Problem::new(codes::INTERNAL, INTERNAL_DETAIL).into_response()
}

/// Writes the body of a response that carries a [`Problem`]; leaves any other as it is.
pub fn complete(mut response: Response, request_id: &str, path: &str) -> Response {
    let Some(mut problem) = response.extensions_mut().remove::<Problem>() else {
        return response;
    };
    problem.instance = path.to_owned();
    problem.request_id = request_id.to_owned();
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(HeaderName::from_static("content-disposition"));
    *response.body_mut() = Body::from(body);
    response
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    async fn written(error: Error) -> (StatusCode, serde_json::Value) {
        let response = complete(Failed(error).into_response(), "id-1", "/api/x");
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    #[tokio::test]
    async fn each_kind_has_its_status() {
        for (code, status) in [
            (codes::BROKEN_QUERY, 400),
            (codes::NO_CREDENTIALS, 401),
            (codes::FORBIDDEN, 403),
            (codes::BAD_CREDENTIALS, 401),
            (codes::CSRF, 403),
            (codes::FOREIGN_ORIGIN, 403),
            (codes::UNKNOWN_SESSION, 404),
            (codes::METHOD_NOT_ALLOWED, 405),
            (codes::SESSION_DELETED, 409),
            (codes::PRECONDITION_FAILED, 412),
            (codes::BODY_TOO_LARGE, 413),
            (codes::NOT_JSON, 415),
            (codes::RANGE_NOT_SATISFIABLE, 416),
            (codes::MISDIRECTED_HOST, 421),
            (codes::OUT_OF_RANGE, 422),
            (codes::TOO_MANY_CONNECTIONS, 429),
            (codes::TIMEOUT, 503),
        ] {
            let (found, body) = written(Error::new(code, "What to do.")).await;
            assert_eq!(found.as_u16(), status);
            assert_eq!(body["status"], status);
            assert_eq!(body["code"], code.name);
            assert_eq!(body["detail"], "What to do.");
            assert_eq!(body["instance"], "/api/x");
            assert_eq!(body["request_id"], "id-1");
        }
    }

    #[tokio::test]
    async fn an_internal_error_shows_nothing() {
        let error = Error::internal("secret /srv/data").with_source(std::io::Error::other("disk sda1"));
        let error = error.with_detail(Detail { message: "secret".to_owned(), ..Detail::default() });
        let (status, body) = written(error).await;
        assert_eq!(status.as_u16(), 500);
        let text = body.to_string();
        assert!(!text.contains("secret") && !text.contains("sda1"), "{text}");
    }

    #[tokio::test]
    async fn a_place_is_named() {
        let error = Error::invalid("rows", codes::OUT_OF_RANGE, "rows: too many").with_detail(Detail {
            file: Some("a.csv".to_owned()),
            line: Some(7),
            message: "bad".to_owned(),
            ..Detail::default()
        });
        let (_, body) = written(error).await;
        assert_eq!(body["errors"][0], serde_json::json!({"field": "rows", "message": "rows: too many"}));
        assert_eq!(body["errors"][1], serde_json::json!({"file": "a.csv", "line": 7, "message": "bad"}));
    }

    #[tokio::test]
    async fn trying_again_is_told_in_a_header() {
        let response = Failed(Error::new(codes::TOO_MANY_CONNECTIONS, "Wait.").with_retry_after(7)).into_response();
        assert_eq!(response.headers()["retry-after"], "7");
    }
}

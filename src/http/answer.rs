//! Answers that several routes share: of an immutable file (weak `ETag`, 304, the headers of the migration
//! period), and of work that became a job.

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::conditional::none_match_holds;
use crate::datasets::Answer;
use crate::sessions::job::QueuedJob;

/// When leaving out `session_id` became deprecated: 2026-11-20, in the form of RFC 9745.
const DEPRECATED_SINCE: &str = "@1795132800";

/// The text of a request header, if it is there and readable.
pub fn header_text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// 304 when the client has this answer, else the answer.
pub fn respond<T>(request: &HeaderMap, answer: Answer<T>) -> Response {
    let etag = format!("W/\"{}\"", answer.etag);
    let mut response = if none_match_holds(header_text(request, header::IF_NONE_MATCH), &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, "application/json")], Body::from(answer.body)).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if let Ok(value) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, value);
    }
    if let Some(session_id) = answer.assumed_session {
        say_assumed(headers, &session_id);
    }
    response
}

/// 202: a job will do it.
pub fn accepted(queued: &QueuedJob) -> Response {
    accepted_at(format!("/api/v1/jobs/{}", queued.job_id), queued)
}

/// 202 with an answer of its own, and where the job is.
pub fn accepted_at(location: String, answer: &impl Serialize) -> Response {
    (StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(answer)).into_response()
}

/// An answer whose session was perhaps assumed.
pub fn assuming(assumed_session: Option<String>, answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    if let Some(session_id) = assumed_session {
        say_assumed(response.headers_mut(), &session_id);
    }
    response
}

/// `session_id` was left out: says so, and which session was taken.
fn say_assumed(headers: &mut HeaderMap, session_id: &str) {
    headers.insert(HeaderName::from_static("deprecation"), HeaderValue::from_static(DEPRECATED_SINCE));
    if let Ok(value) = HeaderValue::from_str(&format!("299 - \"session_id was left out; used {session_id}\"")) {
        headers.insert(header::WARNING, value);
    }
}

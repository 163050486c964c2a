//! What every request passes: its id, the access log, the problem document, the time-out, CORS, compression.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body::{Frame, SizeHint};
use tower_http::compression::predicate::Predicate;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};
use tracing::Instrument;

use super::answer::header_text;
use super::conditional::is_strong;
use super::endpoint::Endpoint;
use super::problem::{self, Failed};
use super::rates;
use crate::error::{Error, codes};
use crate::log;
use crate::observability::requests::{InFlight, RequestMetrics};
use crate::state::AppState;

/// Carries a request's id both ways.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST_REQUEST_ID: usize = 128;
/// What a byte of JSON takes, unpacked, about.
pub const MEMORY_PER_JSON_BYTE: u64 = 10;
/// Bytes of a body that does not tell its length.
const UNTOLD_BYTES: u64 = 2 * 1024 * 1024;

/// Gives the request its id, counts it, logs it when its last byte is sent, and writes problem documents.
pub async fn observe(State(metrics): State<Arc<RequestMetrics>>, mut request: Request, next: Next) -> Response {
    let (started, in_flight) = (Instant::now(), InFlight::begin());
    let request_id = request_id_of(request.headers());
    let method = request.method().clone();
    let uri = request.uri().clone();
    let route = Endpoint::of(request.extensions());

    request.extensions_mut().insert(RequestId(request_id.as_str().into()));
    let named = named_session(route.as_ref(), &uri);
    let span = log::request_span(method.as_str(), endpoint(route.as_ref()), &request_id, named);
    log::continue_trace(&span, request.headers());
    let response = next.run(request).instrument(span.clone()).await;

    let mut response = problem::complete(response, &request_id, uri.path());
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let status = response.status();
    metrics.count(endpoint(route.as_ref()), method.as_str(), status.as_u16(), started.elapsed());
    let entry = AccessEntry { status, started, bytes: 0, span, _in_flight: in_flight };
    response.map(|body| Body::new(CountedBody { body, entry }))
}

/// A request's id, for whoever it is handed to.
#[derive(Debug, Clone)]
pub struct RequestId(pub Arc<str>);

/// The client's id when it is short and plain, else a new one.
fn request_id_of(headers: &HeaderMap) -> String {
    header_text(headers, REQUEST_ID)
        .filter(|id| !id.is_empty() && id.len() <= LONGEST_REQUEST_ID)
        .filter(|id| id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b)))
        .map_or_else(|| uuid::Uuid::now_v7().to_string(), str::to_owned)
}

/// The path of a route as the router has it, never as the client wrote it.
fn endpoint(route: Option<&Endpoint>) -> &str {
    route.map_or("-", Endpoint::as_str)
}

/// The session that the address of a request names.
fn named_session<'u>(route: Option<&Endpoint>, uri: &'u Uri) -> Option<&'u str> {
    // A declared collection may be called so too.
    if matches!(route, Some(Endpoint::BuiltIn(_))) && endpoint(route).contains("/sessions/{id}") {
        return uri.path().split_once("/sessions/")?.1.split('/').next();
    }
    uri.query()?.split('&').find_map(|pair| pair.strip_prefix("session_id="))
}

/// One line of the access log; written when the body is dropped, sent to its end or not.
struct AccessEntry {
    status: StatusCode,
    started: Instant,
    bytes: u64,
    span: tracing::Span,
    _in_flight: InFlight,
}

impl Drop for AccessEntry {
    fn drop(&mut self) {
        let _entered = self.span.enter();
        let microseconds = (self.started.elapsed().as_secs_f64() * 1e6).round();
        tracing::info!(
            target: "access",
            status = self.status.as_u16(),
            duration_ms = microseconds / 1e3,
            bytes = self.bytes,
            "answered"
        );
        log::answered(&self.span, self.status.as_u16());
    }
}

/// A body that counts what it gives.
struct CountedBody {
    body: Body,
    entry: AccessEntry,
}

impl HttpBody for CountedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                self.entry.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
            }
            Some(Err(error)) => tracing::error!(%error, "a body broke off"),
            None => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Answers 503 when the handler takes longer than the setting allows.
pub async fn time_out(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let message = format!("This took longer than {} s; try again, or ask for less at once.", limit.as_secs());
            Failed(Error::new(codes::TIMEOUT, message).with_retry_after(5)).into_response()
        }
    }
}

/// Has a large JSON body wait for the memory that it will take, read and unpacked.
pub async fn hold_body(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let content_type = header_text(request.headers(), header::CONTENT_TYPE).unwrap_or("");
    let length = header_text(request.headers(), header::CONTENT_LENGTH).and_then(|text| text.parse::<u64>().ok());
    let bytes = match length {
        _ if request.body().is_end_stream() || content_type.starts_with("multipart/") => 0,
        Some(length) => length,
        None => UNTOLD_BYTES,
    };
    match state.memory.bodies.hold(bytes.saturating_mul(MEMORY_PER_JSON_BYTE)).await {
        Ok(_held) => next.run(request).await,
        Err(error) => Failed(error).into_response(),
    }
}

/// CORS for the origins of the settings; `*` allows any, without credentials.
pub fn cors(origins: &[String]) -> CorsLayer {
    let layer = CorsLayer::new()
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PATCH, Method::PUT, Method::DELETE])
        .allow_headers(AllowHeaders::mirror_request())
        .max_age(Duration::from_secs(3600))
        .expose_headers([
            header::ACCEPT_RANGES,
            header::CONTENT_DISPOSITION,
            header::CONTENT_LENGTH,
            header::CONTENT_RANGE,
            header::ETAG,
            header::LOCATION,
            header::RETRY_AFTER,
            header::WARNING,
            HeaderName::from_static("deprecation"),
            rates::LIMIT,
            rates::REMAINING,
            rates::RESET,
            REQUEST_ID,
        ]);
    if origins.iter().any(|origin| origin == "*") {
        return layer.allow_origin(AllowOrigin::any());
    }
    let origins: Vec<HeaderValue> = origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    // A list would be copied for every request.
    let is_known = AllowOrigin::predicate(move |origin, _| origins.contains(origin));
    layer.allow_origin(is_known).allow_credentials(true)
}

/// Texts are compressed. What has a strong `ETag` is not: that is of the plain bytes, as are the parts of a file.
pub fn compressible() -> impl Predicate {
    |_: StatusCode, _: axum::http::Version, headers: &HeaderMap, _: &axum::http::Extensions| {
        let content_type = header_text(headers, header::CONTENT_TYPE).unwrap_or("");
        // A compressor would hold events back.
        let text = (content_type.starts_with("text/") && !content_type.starts_with("text/event-stream"))
            || content_type.starts_with("application/json")
            || content_type.starts_with("application/problem+json")
            || content_type.starts_with("image/svg+xml");
        let short = header_text(headers, header::CONTENT_LENGTH)
            .and_then(|length| length.parse::<u64>().ok())
            .is_some_and(|length| length < 1024);
        let exact = header_text(headers, header::ETAG).is_some_and(is_strong);
        text && !short && !exact && !headers.contains_key(header::CONTENT_RANGE)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_ids_are_taken_over() {
        let taken = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_str(value).unwrap());
            request_id_of(&headers) == value
        };
        assert!(taken("abc-123_4.5:6"));
        assert!(!taken("a b") && !taken("<script>") && !taken(&"x".repeat(129)) && !taken(""));
        assert_eq!(request_id_of(&HeaderMap::new()).len(), 36);
    }
}

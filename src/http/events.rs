//! `/api/events`: what happens, as it happens: server-sent events, or a WebSocket ([`super::event_socket`]).

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::extract::ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, sleep_until};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::header_text;
use super::event_socket;
use super::extract::{Query, State};
use super::lasting::{HEARTBEAT, LOOKED_EVERY, LastingCaller};
use super::problem::Result;
use crate::error::{Error, codes};
use crate::events::{Filter, Follower, News};
use crate::state::AppState;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_events))
}

#[derive(Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct EventsQuery {
    /// Only of these types, with commas between them; all when it is left out.
    #[param(example = "session_parsed,session_cleaned")]
    types: Option<String>,
    /// Only about records of that collection.
    collection: Option<String>,
    /// Only about that session.
    session_id: Option<String>,
    /// From after that event: the `seq` of the last one that was got.
    since: Option<u64>,
}

impl EventsQuery {
    /// What it asks for; none when it says nothing.
    fn asked(self) -> Option<(Filter, Option<u64>)> {
        let Self { types, collection, session_id, since } = self;
        if types.is_none() && collection.is_none() && session_id.is_none() && since.is_none() {
            return None;
        }
        let types = types.as_deref().unwrap_or_default().split(',').map(str::trim).filter(|kind| !kind.is_empty());
        Some((Filter { types: types.map(str::to_owned).collect(), collection, session_id }, since))
    }
}

/// One event of the stream; describes it only.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the stream")]
struct EventFrame {
    /// The type.
    event: String,
    /// JSON of a `BusEvent`.
    #[schema(content_media_type = "application/json")]
    data: String,
    /// For `Last-Event-ID`.
    id: u64,
}

/// What happened; describes it only.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the stream")]
#[schema(example = json!({
    "type": "session_parsed", "seq": 1_764_520_000_000_017_u64, "at": "2026-11-30T16:26:40.017Z",
    "data": {"session_id": "019aa0de-0000-7000-8000-000000000000", "version": "parsed-v1", "row_count": 96}
}))]
pub struct BusEvent {
    /// What happened, or `gap`: some of what was asked for is not kept any more.
    #[schema(rename = "type")]
    kind: String,
    /// Its number: grows, also over restarts of the server.
    seq: u64,
    /// UTC.
    at: String,
    /// What is said of it, by type.
    #[schema(value_type = Object)]
    data: serde_json::Value,
}

/// What happens, as it happens
///
/// As server-sent events: `event` is the type, `id` the number, `data` the JSON of a `BusEvent`. Whoever comes back with
/// `Last-Event-ID` (or `since`) gets what he missed, or a `gap` when some of that is not kept any more. Asked with
/// `Upgrade: websocket`, it is a WebSocket: send `{"action":"subscribe","types":[…],"collection":…,"session_id":…,"since":…}`,
/// `unsubscribe` or `ping`. One gets what one sees: events of sessions that are one's own, shared, or everyone's.
#[utoipa::path(
    get,
    path = "/events",
    tag = "events",
    params(
        EventsQuery,
        ("Last-Event-ID" = Option<u64>, Header, description = "The `id` of the last event that was got; wins over `since`"),
    ),
    responses(
        (status = 200, content_type = "text/event-stream", body = EventFrame, description = "Events, until the client goes"),
        (status = 101, description = "The connection is a WebSocket"),
        super::responses::NoSuchSession,
    )
)]
async fn get_events(
    State(state): State,
    Query(query): Query<EventsQuery>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: Request,
) -> Result<Response> {
    let parts = request.into_parts().0;
    match upgrade {
        Ok(upgrade) => event_socket::open(&state, query.asked(), upgrade, &parts).await,
        Err(rejection) if parts.headers.contains_key(header::UPGRADE) => {
            let message = "The WebSocket cannot be opened: send a GET with the headers Connection, Upgrade, \
                Sec-WebSocket-Version: 13 and Sec-WebSocket-Key.";
            Err(Error::new(codes::NO_WEBSOCKET, message).with_source(rejection).into())
        }
        Err(_) => server_sent(&state, query, &parts).await,
    }
}

async fn server_sent(state: &AppState, query: EventsQuery, parts: &Parts) -> Result<Response> {
    let last: Option<u64> = header_text(&parts.headers, LAST_EVENT_ID).and_then(|id| id.trim().parse().ok());
    let caller = LastingCaller::of(state, parts, "sse")?;
    let mut follower = Follower::new(&state.events, std::sync::Arc::new(state.principal().clone()));
    let (filter, since) = query.asked().unwrap_or_default();
    let gap = follower.subscribe(filter, last.or(since)).await?;
    // The first bytes at once: a client is connected when it has its place.
    let mut first = format!(": from {}\nid: {}\n\n", follower.position(), follower.position());
    if let Some(gap) = gap {
        first += &frame("gap", follower.position(), &follower.gap(gap));
    }
    let told = follower.position();
    let streaming = Streaming { caller, follower, told, silent_since: Instant::now() };
    let body = stream::iter([Ok(Bytes::from(first))]).chain(follow(streaming));
    let mut response = Body::from_stream(body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Common proxies would gather them.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

/// An answer as a server-sent event.
fn frame(kind: &str, seq: u64, document: &str) -> String {
    format!("id: {seq}\nevent: {kind}\ndata: {document}\n\n")
}

/// A client's stream.
struct Streaming {
    caller: LastingCaller,
    follower: Follower,
    /// The number that the client has as its last.
    told: u64,
    silent_since: Instant,
}

fn follow(streaming: Streaming) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold(Some(streaming), |streaming| async {
        let mut streaming = streaming?;
        match streaming.next().await {
            Ok(bytes) => Some((Ok(bytes), Some(streaming))),
            Err(end) => Some((Ok(end), None)),
        }
    })
}

impl Streaming {
    /// What is sent next; the last words of a stream that ends.
    async fn next(&mut self) -> Result<Bytes, Bytes> {
        loop {
            let beat = self.silent_since + HEARTBEAT;
            let news = tokio::select! {
                biased;
                () = self.caller.state().jobs.stopped() => return Err(self.end("stopping", "the server stops; come again")),
                news = self.follower.next() => Some(news),
                () = sleep_until(beat.min(Instant::now() + LOOKED_EVERY)) => None,
            };
            // Before anything is sent: nobody gets what he may not see any more.
            match self.caller.renewed().await {
                Ok(Some(principal)) => {
                    self.follower.is_now(principal);
                    if matches!(news, Some(Ok(News::Events(_)))) {
                        // Looked through once more, for whoever it is now.
                        self.follower.again();
                        continue;
                    }
                }
                Ok(None) => {}
                Err(error) => {
                    self.caller.cut("not_allowed");
                    return Err(self.end(error.code.name, &error.message));
                }
            }
            match news {
                Some(Ok(News::Events(events))) if events.is_empty() => {}
                Some(Ok(News::Events(events))) => {
                    self.silent_since = Instant::now();
                    self.told = events.last().map_or(self.told, |event| event.seq);
                    return Ok(match &events[..] {
                        [event] => event.frame(),
                        several => several.iter().map(|event| event.frame()).collect::<Vec<_>>().concat().into(),
                    });
                }
                Some(Ok(News::TooSlow)) => {
                    self.caller.cut("slow");
                    return Err(
                        self.end(codes::TOO_SLOW.name, "the client is too far behind; come again, or ask for less")
                    );
                }
                Some(Err(error)) => {
                    tracing::warn!(%error, "a stream ended: who sees what cannot be looked up");
                    return Err(self.end(error.code.name, "the server cannot look up who sees what; come again"));
                }
                None if Instant::now() >= beat => {
                    self.silent_since = Instant::now();
                    self.told = self.follower.position();
                    // Moves the client's Last-Event-ID, and is no event.
                    return Ok(format!("id: {}\n\n", self.told).into());
                }
                None => {}
            }
        }
    }

    /// Why it ends. Its id is what the client has, so that it goes on there.
    fn end(&self, code: &str, message: &str) -> Bytes {
        let document = self.follower.answer("end", &json!({"code": code, "message": message}));
        frame("end", self.told, &document).into()
    }
}

//! How often one may ask: by address without a key, by key, and heavy work by the session that it is about.
//!
//! A program of this machine that comes by itself is not counted, nor are the page's own files, ranges of stored files
//! (a reader of Parquet asks for many), and what is asked by who looks after the process. What the page asks to show
//! something counts a tenth: a view is up to some twenty small questions, and behind a proxy all people may have one address.
//! Whoever else says that he is the page gains ten times as many reads, and nothing that is heavy but queries.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::allowance::{Allowance, Standing};
use super::client::Client;
use super::endpoint::Endpoint;
use super::hosts::is_probe;
use super::pairs;
use super::problem::Failed;
use crate::config::Config;
use crate::error::{Error, Result, codes};
use crate::subscriber::subscriber;

/// What is allowed a minute.
pub const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
/// What is left of it.
pub const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
/// Seconds until all of it is there again.
pub const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// What the page says of itself where it asks without changing anything.
const OF_THE_PAGE: HeaderName = HeaderName::from_static("x-hvac-page");
/// So many questions of the page count as one request.
const PAGE_QUESTIONS: u32 = 10;
/// Questions that have a body: a query, and what would be read or cleaned.
const QUESTIONS: [&str; 3] = ["/query", "/parse", "/clean"];

/// Who asks, by an id, where a key or a login has told: stands in a request once that was checked, and before it is
/// counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CallerId(pub String);

/// By what a request is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Counted {
    Key(CallerId),
    Address(IpAddr),
}

/// What everybody may, and what was taken of it.
pub struct Rates {
    anonymous: Allowance,
    key: Allowance,
    heavy: Allowance,
    streams: Streams,
}

/// Streams of events that are open, by whom they are counted.
struct Streams {
    most: usize,
    open: Mutex<HashMap<Counted, usize>>,
}

/// By whom a stream would be counted: stands in a request that may become one, unless it is not counted.
#[derive(Clone)]
struct StreamTurn {
    rates: Arc<Rates>,
    by: Counted,
}

/// A stream's place among those of its client, until it is dropped.
pub struct StreamPlace(StreamTurn);

impl StreamPlace {
    /// Takes one for a request; none where it is not counted.
    ///
    /// # Errors
    /// 429 when its client has as many as it may.
    pub fn take(request: &Extensions) -> Result<Option<Self>> {
        let Some(turn) = request.get::<StreamTurn>().cloned() else { return Ok(None) };
        let Streams { most, open } = &turn.rates.streams;
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(turn.by.clone()).or_default();
        if *count >= *most {
            let message =
                format!("This client has {most} streams of events already: close one, or ask for more by one.");
            return Err(Error::new(codes::TOO_MANY_STREAMS, message).with_retry_after(5));
        }
        *count += 1;
        drop(open);
        Ok(Some(Self(turn)))
    }
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        let mut open = self.0.rates.streams.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.0.by) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.0.by);
            }
        }
    }
}

/// Routes that become streams.
const STREAMS: [&str; 2] = ["/events", "/graphql"];

/// What is told of a request to whoever sent it.
type Told = Mutex<Option<Standing>>;

/// Heavy work that is yet to be counted: stands in a request whose body says which session it is about.
#[derive(Clone)]
pub struct HeavyTurn {
    rates: Arc<Rates>,
    by: Counted,
    /// So many count as one.
    of: u32,
    told: Arc<Told>,
}

impl HeavyTurn {
    /// Counts it for the session, or for who asks where the request names none.
    ///
    /// # Errors
    /// 429 when there was too much of it.
    pub fn take(&self, session_id: Option<&str>) -> Result<()> {
        let heavy = &self.rates.heavy;
        let standing = match session_id.and_then(|id| uuid::Uuid::parse_str(id.trim()).ok()) {
            Some(session) => heavy.take_part(&session, self.of),
            None => heavy.take_part(&self.by, self.of),
        };
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = standing;
        match standing.and_then(|standing| Some((standing.limit, standing.wait?))) {
            None => Ok(()),
            Some((limit, wait)) => {
                let message = format!(
                    "More than {limit} a minute of parse, clean, train, optimize, query, import or bundle on one session; \
                     try again in {} s.",
                    whole_seconds(wait)
                );
                Err(Error::new(codes::RATE_LIMITED, message).with_retry_after(whole_seconds(wait)))
            }
        }
    }
}

/// How the session of heavy work is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    /// It is the path's `id`.
    Path,
    /// It is the body's `session_id`, which is read later.
    Body,
    /// It is known only when the work is done.
    Unknown,
}

/// Heavy work, by the path below `/api` or `/api/v1`.
fn heavy(method: &Method, route: &str) -> Option<About> {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    match route {
        "/parse" | "/demo" | "/clean" | "/models/train" | "/optimize" | "/query" | "/queries/{id}"
            if *method == Method::POST =>
        {
            Some(About::Body)
        }
        "/sessions/import" if *method == Method::POST => Some(About::Unknown),
        "/sessions/{id}/bundle.zip" if reads => Some(About::Path),
        _ => None,
    }
}

/// Files that are stored as they are sent.
const STORED: [&str; 5] = [
    "/sessions/{id}/data.parquet",
    "/sessions/{id}/events.parquet",
    "/sessions/{id}/raw/{file}",
    "/models/{id}/file",
    "/storage/files/{id}",
];

impl Rates {
    /// By the settings.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self {
            anonymous: Allowance::new(config.rate_limit_anonymous),
            key: Allowance::new(config.rate_limit_key),
            heavy: Allowance::new(config.rate_limit_heavy),
            streams: Streams { most: config.max_streams_per_client, open: Mutex::default() },
        }
    }

    fn take(&self, by: &Counted, of: u32) -> Option<Standing> {
        match by {
            Counted::Key(_) => self.key.take_part(by, of),
            Counted::Address(_) => self.anonymous.take_part(by, of),
        }
    }
}

/// So many of such requests count as one.
fn how_many_are_one(request: &Request, route: Option<&str>) -> u32 {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let asks = reads || route.is_some_and(|route| QUESTIONS.contains(&route));
    if asks && request.headers().contains_key(OF_THE_PAGE) { PAGE_QUESTIONS } else { 1 }
}

/// The route below `/api` or `/api/v1`; none for pages and for what is no route.
fn route_of(request: &Request) -> Option<String> {
    let endpoint = Endpoint::of(request.extensions())?;
    let matched = endpoint.as_str();
    let below = matched.strip_prefix("/api/v1").or_else(|| matched.strip_prefix("/api"))?;
    Some(below.to_owned())
}

/// Whether the request is one that everybody may send as often as he likes.
fn is_free(request: &Request, route: Option<&str>) -> bool {
    let path = request.uri().path();
    let is_of_the_page = path == "/" || path == "/login" || path.starts_with("/web/");
    let asks_for_a_part = *request.method() == Method::GET
        && route.is_some_and(|route| STORED.contains(&route))
        && request.headers().contains_key(header::RANGE)
        // With any other parameter the file is made first.
        && pairs::of(request.uri()).is_ok_and(|query| query.iter().all(|(name, _)| name == "version"));
    is_probe(path) || is_of_the_page || asks_for_a_part
}

/// Counts a request, and tells where its sender stands; refuses it when there were too many.
pub async fn count(State(rates): State<Arc<Rates>>, mut request: Request, next: Next) -> Response {
    let client = request.extensions().get::<Client>().copied();
    // What is no route is answered without any work.
    if client.is_some_and(|client| client.is_local()) || Endpoint::of(request.extensions()).is_none() {
        return next.run(request).await;
    }
    let route = route_of(&request);
    if is_free(&request, route.as_deref()) {
        return next.run(request).await;
    }
    // What did not come through the door is nobody's, and all of it one.
    let address = client.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |client| subscriber(client.address));
    let by = request.extensions().get::<CallerId>().cloned().map_or(Counted::Address(address), Counted::Key);
    let of = how_many_are_one(&request, route.as_deref());
    let standing = rates.take(&by, of);
    if let Some((standing, wait)) = standing.and_then(|standing| Some((standing, standing.wait?))) {
        let whose = match by {
            Counted::Key(_) => "of one key",
            Counted::Address(_) => "of one address without a key",
        };
        let message =
            format!("More than {} requests a minute {whose}; try again in {} s.", standing.limit, whole_seconds(wait));
        let error = Error::new(codes::RATE_LIMITED, message).with_retry_after(whole_seconds(wait));
        return told(Failed(error).into_response(), Some(standing));
    }
    let endpoint = Endpoint::of(request.extensions());
    let matched = endpoint.as_ref().map(Endpoint::as_str);
    if rates.streams.most > 0 && route.as_deref().or(matched).is_some_and(|route| STREAMS.contains(&route)) {
        request.extensions_mut().insert(StreamTurn { rates: Arc::clone(&rates), by: by.clone() });
    }
    // A dry run of the page is not heavy; where it is none, it counts as anybody's.
    let of = if route.as_deref() == Some("/query") { of } else { 1 };
    let about = route.and_then(|route| heavy(request.method(), &route));
    let Some(about) = about else { return told(next.run(request).await, standing) };
    let turn = HeavyTurn { rates, by, of, told: Arc::default() };
    let of_heavy = Arc::clone(&turn.told);
    let response = match carried_out(request, next, about, turn).await {
        Ok(response) => response,
        Err(error) => Failed(error).into_response(),
    };
    let heavy = *of_heavy.lock().unwrap_or_else(PoisonError::into_inner);
    let tighter =
        [standing, heavy].into_iter().flatten().min_by_key(|standing| (standing.wait.is_none(), standing.remaining));
    told(response, tighter)
}

async fn carried_out(request: Request, next: Next, about: About, turn: HeavyTurn) -> Result<Response> {
    let (mut parts, body) = request.into_parts();
    match about {
        About::Body => drop(parts.extensions.insert(turn)),
        About::Unknown => turn.take(None)?,
        About::Path => {
            // A path that cannot be read is the route's to refuse.
            let found = RawPathParams::from_request_parts(&mut parts, &()).await.ok();
            let id = found.as_ref().and_then(|found| found.iter().find(|(name, _)| *name == "id"));
            turn.take(id.map(|(_, id)| id))?;
        }
    }
    Ok(next.run(Request::from_parts(parts, body)).await)
}

/// An answer that says where its receiver stands.
fn told(mut response: Response, standing: Option<Standing>) -> Response {
    if let Some(standing) = standing {
        tell(response.headers_mut(), &standing);
    }
    response
}

fn tell(headers: &mut HeaderMap, standing: &Standing) {
    headers.insert(LIMIT, HeaderValue::from(standing.limit));
    headers.insert(REMAINING, HeaderValue::from(standing.remaining));
    headers.insert(RESET, HeaderValue::from(whole_seconds(standing.reset)));
}

/// So many seconds that it is over then.
fn whole_seconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis().div_ceil(1000)).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    /// A key's requests are its own, wherever they come from, and have another limit.
    #[tokio::test]
    async fn a_key_is_counted_by_itself() {
        let settings = [("RATE_LIMIT_ANONYMOUS", "1"), ("RATE_LIMIT_KEY", "3")];
        let value =
            |asked: &str| settings.iter().find(|(name, _)| *name == asked).map(|(_, value)| (*value).to_owned());
        let rates = Arc::new(Rates::of(&Config::from_values(value).unwrap()));
        let router = Router::<()>::new().route("/x", get(async || "")).layer(from_fn_with_state(rates, count));
        let ask = async |address: &str, key: Option<&str>| {
            let client = Client { address: address.parse().unwrap(), secure: true, forwarded: false };
            let mut request = Request::get("/x").extension(client).body(Body::empty()).unwrap();
            if let Some(key) = key {
                request.extensions_mut().insert(CallerId(key.to_owned()));
            }
            let response = router.clone().oneshot(request).await.unwrap();
            (response.status().as_u16(), response.headers().get(LIMIT).map(|limit| limit.to_str().unwrap().to_owned()))
        };
        assert_eq!(ask("192.0.2.7", None).await, (200, Some("1".to_owned())));
        assert_eq!(ask("192.0.2.7", None).await.0, 429);
        for address in ["192.0.2.7", "192.0.2.8", "127.0.0.2"] {
            let (status, limit) = ask(address, Some("a")).await;
            assert_eq!(status, 200);
            assert_eq!(limit, (address != "127.0.0.2").then(|| "3".to_owned()), "this machine's own is not counted");
        }
        assert_eq!((ask("192.0.2.9", Some("a")).await.0, ask("192.0.2.9", Some("a")).await.0), (200, 429));
        assert_eq!(ask("192.0.2.9", Some("b")).await.0, 200);
    }
}

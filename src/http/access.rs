//! Who may use which route: one table, and the gate that keeps it.
//!
//! A route that does not stand in the table is closed to everyone, so that none can be forgotten. Who asks stands in the
//! request from here on ([`Principal`]), and every use case looks at it for what he sees.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::answer::header_text;
use super::client::Client;
use super::endpoint::Endpoint;
use super::middleware::RequestId;
use super::problem::{self, Failed};
use super::rates::CallerId;
use crate::accounts::{self, Shown, audit_log};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::events::{self, Audience, NewEvent};
use crate::log;
use crate::principal::{Principal, Role, Via};
use crate::state::AppState;
use crate::storage::links as file_links;

/// What a route needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: it tells no data of anybody's.
    Nothing,
    /// Somebody who may do at least that.
    Least(Role),
}

const ANYONE: Need = Need::Nothing;
const VIEWER: Need = Need::Least(Role::Viewer);
const OPERATOR: Need = Need::Least(Role::Operator);
const ADMIN: Need = Need::Least(Role::Admin);

/// Every route below `/api` (and `/api/v1`), and those that stand outside with their whole path.
pub const TABLE: &[(&str, &str, Need)] = &[
    ("GET", "/", ANYONE),
    ("GET", "/web/{digest}/{*path}", ANYONE),
    ("GET", "/login", ANYONE),
    ("GET", "/docs", ANYONE),
    ("GET", "/docs/", ANYONE),
    ("GET", "/docs/{*rest}", ANYONE),
    ("GET", "/openapi.json", ANYONE),
    ("GET", "/health", ANYONE),
    ("GET", "/ready", ANYONE),
    ("GET", "/metrics", ANYONE),
    ("POST", "/login", ANYONE),
    ("POST", "/logout", ANYONE),
    ("POST", "/setup", ANYONE),
    ("GET", "/account", VIEWER),
    ("POST", "/account/password", VIEWER),
    ("GET", "/users", ADMIN),
    ("POST", "/users", ADMIN),
    // Of himself, or an admin.
    ("GET", "/users/{id}", VIEWER),
    ("PATCH", "/users/{id}", ADMIN),
    ("GET", "/users/{id}/preferences", VIEWER),
    ("PUT", "/users/{id}/preferences", VIEWER),
    ("GET", "/users/{id}/sessions", VIEWER),
    ("DELETE", "/users/{id}/sessions", VIEWER),
    ("DELETE", "/users/{id}/sessions/{login}", VIEWER),
    ("GET", "/keys", ADMIN),
    ("POST", "/keys", ADMIN),
    ("DELETE", "/keys/{id}", ADMIN),
    ("GET", "/audit", ADMIN),
    ("GET", "/audit/export", ADMIN),
    ("GET", "/audit/verify", ADMIN),
    ("GET", "/status", VIEWER),
    ("GET", "/system/metrics", ADMIN),
    ("GET", "/system/config", ADMIN),
    ("GET", "/collections", VIEWER),
    ("POST", "/cache/invalidate", ADMIN),
    ("GET", "/files", VIEWER),
    ("POST", "/uploads", OPERATOR),
    ("POST", "/parse", OPERATOR),
    ("POST", "/demo", OPERATOR),
    ("GET", "/sessions", VIEWER),
    ("POST", "/sessions/import", OPERATOR),
    ("GET", "/sessions/{id}", VIEWER),
    ("PATCH", "/sessions/{id}", OPERATOR),
    ("DELETE", "/sessions/{id}", OPERATOR),
    ("POST", "/sessions/{id}/restore", OPERATOR),
    ("GET", "/sessions/{id}/lineage", VIEWER),
    ("GET", "/sessions/{id}/lineage.svg", VIEWER),
    ("GET", "/sessions/{id}/bundle.zip", VIEWER),
    ("GET", "/sessions/{id}/compare", VIEWER),
    ("GET", "/sessions/{id}/events.parquet", VIEWER),
    ("GET", "/sessions/{id}/data.parquet", VIEWER),
    ("GET", "/sessions/{id}/data.arrow", VIEWER),
    ("GET", "/sessions/{id}/data.csv", VIEWER),
    ("GET", "/sessions/{id}/findings", VIEWER),
    ("GET", "/sessions/{id}/raw", VIEWER),
    ("GET", "/sessions/{id}/raw/{file}", VIEWER),
    ("GET", "/sessions/{id}/sharing", VIEWER),
    ("PUT", "/sessions/{id}/sharing", OPERATOR),
    ("GET", "/sessions/{id}/links", OPERATOR),
    ("POST", "/sessions/{id}/links", OPERATOR),
    ("DELETE", "/sessions/{id}/links/{link}", OPERATOR),
    ("GET", "/sites/{id}", VIEWER),
    ("PUT", "/sites/{id}", OPERATOR),
    ("GET", "/sites/{id}/overrides", VIEWER),
    ("PUT", "/sites/{id}/overrides", OPERATOR),
    ("DELETE", "/sites/{id}/overrides", OPERATOR),
    ("GET", "/sites/{id}/sharing", ADMIN),
    ("PUT", "/sites/{id}/sharing", ADMIN),
    ("GET", "/data/preview", VIEWER),
    ("GET", "/data/stats", VIEWER),
    ("GET", "/data/series", VIEWER),
    ("GET", "/data/quality", VIEWER),
    ("GET", "/data/correlation", VIEWER),
    ("GET", "/data/events", VIEWER),
    ("GET", "/data/histogram", VIEWER),
    ("GET", "/data/profile", VIEWER),
    ("GET", "/data/coverage", VIEWER),
    ("GET", "/data/coverage-strip", VIEWER),
    ("GET", "/data/efficiency", VIEWER),
    ("GET", "/data/duration", VIEWER),
    ("POST", "/clean", OPERATOR),
    ("GET", "/cleaning-jobs/{id}", VIEWER),
    ("GET", "/cleaning-rules", VIEWER),
    ("GET", "/feature-mapping/suggest", VIEWER),
    ("GET", "/jobs", VIEWER),
    ("GET", "/jobs/{id}", VIEWER),
    ("POST", "/jobs/{id}/cancel", OPERATOR),
    ("GET", "/jobs/{id}/events", VIEWER),
    ("GET", "/events", VIEWER),
    // Reads, and changes nothing.
    ("POST", "/graphql", VIEWER),
    ("GET", "/graphql", VIEWER),
    ("POST", "/models/train", OPERATOR),
    ("GET", "/models", VIEWER),
    ("GET", "/models/by-name/{name}", VIEWER),
    ("PUT", "/models/by-name/{name}/aliases/{alias}", OPERATOR),
    ("DELETE", "/models/by-name/{name}/aliases/{alias}", OPERATOR),
    ("GET", "/models/{id}", VIEWER),
    ("DELETE", "/models/{id}", OPERATOR),
    ("GET", "/models/{id}/evaluation", VIEWER),
    ("GET", "/models/{id}/file", VIEWER),
    ("GET", "/models/{id}/scoring-table.csv", VIEWER),
    // Computes, and stores nothing.
    ("POST", "/models/{id}/predict", VIEWER),
    ("POST", "/optimize", OPERATOR),
    ("GET", "/optimize/conditions", VIEWER),
    ("GET", "/optimizations", VIEWER),
    ("GET", "/optimizations/summary", VIEWER),
    ("GET", "/optimizations/{id}", VIEWER),
    ("POST", "/optimizations/{id}/outcome", OPERATOR),
    ("GET", "/optimizations/{id}/verify", VIEWER),
    ("GET", "/storage/files", VIEWER),
    ("POST", "/storage/files", OPERATOR),
    ("GET", "/storage/files/{id}", VIEWER),
    ("DELETE", "/storage/files/{id}", OPERATOR),
    ("POST", "/storage/files/{id}/links", OPERATOR),
    // Reads, and changes nothing.
    ("POST", "/query", VIEWER),
    ("GET", "/queries", VIEWER),
    ("GET", "/queries/{id}", VIEWER),
    ("PUT", "/queries/{id}", OPERATOR),
    ("POST", "/queries/{id}", VIEWER),
    ("DELETE", "/queries/{id}", OPERATOR),
];

static BY_ROUTE: LazyLock<HashMap<(&'static str, &'static str), Need>> =
    LazyLock::new(|| TABLE.iter().map(|(method, path, need)| ((*method, *path), *need)).collect());

/// What a route needs, by the router's path; none for one that does not stand in the table.
#[must_use]
pub fn need(method: &Method, path: &str) -> Option<Need> {
    let path = within(path);
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    BY_ROUTE.get(&(method, path)).copied()
}

/// What a request needs; none where its route does not stand in the table. Of a declared route its declaration says so.
fn need_of(method: &Method, endpoint: &Endpoint) -> Option<Need> {
    match endpoint {
        Endpoint::BuiltIn(path) => need(method, path.as_str()),
        Endpoint::Declared(declared) => Some(Need::Least(declared.route.role)),
    }
}

/// First parts of all paths in the table, and of what else is served below `/api`: no declared route may begin so.
#[must_use]
pub fn first_parts() -> Vec<String> {
    let beside = ["openapi.json", "v1", "events", "graphql", "storage", "cache", "search", "annotations", "alarms"];
    let paths = TABLE.iter().filter_map(|(_, path, _)| path.split('/').nth(1)).chain(beside);
    let mut parts: Vec<String> = paths.filter(|part| !part.is_empty()).map(str::to_owned).collect();
    parts.sort();
    parts.dedup();
    parts
}

/// A route as it stands in the table.
fn within(path: &str) -> &str {
    let below = path.strip_prefix("/api/v1/").or_else(|| path.strip_prefix("/api/"));
    below.map_or(path, |below| &path[path.len() - below.len() - 1..])
}

/// The route of a file, which a link to that file opens.
const STORED_FILE: &str = "/storage/files/{id}";

/// Routes that a link opens, of its session: those that read it.
fn is_open_to_links(method: &Method, path: &str) -> bool {
    let path = within(path);
    let reads = matches!(*method, Method::GET | Method::HEAD) && need(method, path) == Some(VIEWER);
    let of_links = ["/sessions/{id}/sharing", "/sessions/{id}/links"].contains(&path);
    reads
        && !of_links
        && (path == "/sessions/{id}" || path.starts_with("/sessions/{id}/") || path.starts_with("/data/"))
}

/// Why somebody is refused, until he has been counted.
#[derive(Clone)]
struct Refused(Arc<Error>);

/// Finds out who asks, and leaves him in the request; notes what was refused.
pub async fn identify(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let Some(endpoint) = Endpoint::of(&parts.extensions) else {
        return next.run(Request::from_parts(parts, body)).await;
    };
    let link = taken_link(&mut parts.uri);
    let (method, uri) = (parts.method.clone(), parts.uri.clone());
    let principal = match known(&state, &parts, &endpoint, link.as_deref()).await {
        Ok(principal) => Arc::new(asked(principal, &parts)),
        Err(error) => {
            parts.extensions.insert(Refused(Arc::new(error)));
            Arc::new(asked(Principal::anonymous(Role::Viewer), &parts))
        }
    };
    if let Some(id) = principal.account_id().filter(|_| principal.via != Via::Link) {
        parts.extensions.insert(CallerId(id.to_owned()));
    }
    if principal.account_id().is_some() {
        log::record_user(principal.name());
    }
    parts.extensions.insert(Arc::clone(&principal));
    let mut response = next.run(Request::from_parts(parts, body)).await;
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if problem::code_of(&response).is_some_and(|code| code.kind == ErrorKind::Internal) {
        tell_admins(&state, &principal, &format!("{method} {}", within(endpoint.as_str())), &response);
    }
    if is_told(&method, &response) {
        let code = problem::code_of(&response).map_or("", |code| code.name);
        let request = format!("{method} {}", within(endpoint.as_str()));
        audit_log::note_refused(&state, &principal, &request, uri.path(), code).await;
    }
    response
}

/// Refuses whom the table does not let in, once he was counted.
pub async fn enforce(request: Request, next: Next) -> Response {
    let Some(endpoint) = Endpoint::of(request.extensions()) else { return next.run(request).await };
    match allowed(&request, &endpoint) {
        Ok(()) => next.run(request).await,
        Err(error) => Failed(error).into_response(),
    }
}

fn allowed(request: &Request, endpoint: &Endpoint) -> Result<()> {
    let (method, extensions) = (request.method(), request.extensions());
    let Some(need) = need_of(method, endpoint) else {
        return Err(Error::new(codes::FORBIDDEN, format!("{method} {} is open to nobody", endpoint.as_str())));
    };
    let Need::Least(least) = need else { return Ok(()) };
    if let Some(Refused(error)) = extensions.get() {
        return Err(error.again());
    }
    let Some(principal) = extensions.get::<Arc<Principal>>() else {
        return Err(Error::internal("nobody asked who sends this request"));
    };
    if !principal.role.may(least) {
        let (name, has) = (principal.name(), principal.role.as_str());
        let message = format!("this needs the role {}, and {name} has {has}: ask an admin for it", least.as_str());
        return Err(Error::new(codes::FORBIDDEN, message));
    }
    Ok(())
}

/// Tells admins of what went wrong inside: of which the log has the cause.
fn tell_admins(state: &AppState, principal: &Principal, route: &str, response: &Response) {
    let data = json!({
        "code": problem::code_of(response).map(|code| code.name), "route": route, "job_id": null, "session_id": null,
        "message": "The program failed at a request; its log has the cause under the request_id.",
        "request_id": principal.request_id.as_deref(),
    });
    state.events.publish(NewEvent::new(events::ERROR_NOTIFICATION, Audience::Least(Role::Admin), &data));
}

/// Whether a refusal is told of afterwards: of a change, for who asked or what is there. A stranger who shows nothing would
/// only fill the list.
fn is_told(method: &Method, response: &Response) -> bool {
    let Some(code) = problem::code_of(response).filter(|_| changes(method)) else { return false };
    code != codes::NO_CREDENTIALS
        && matches!(code.kind, ErrorKind::Unauthenticated | ErrorKind::Forbidden | ErrorKind::Conflict)
}

fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Whoever asks, with the request that he does it by.
fn asked(principal: Principal, parts: &Parts) -> Principal {
    let address = parts.extensions.get::<Client>().map(|client| client.address);
    let request_id = parts.extensions.get::<RequestId>().map(|id| Arc::clone(&id.0));
    Principal { address, request_id, ..principal }
}

/// Who sends a request.
async fn known(state: &AppState, request: &Parts, endpoint: &Endpoint, link: Option<&str>) -> Result<Principal> {
    let (method, client) = (&request.method, request.extensions.get::<Client>());
    let address = client.map(|client| client.address);
    if matches!(need_of(method, endpoint), None | Some(Need::Nothing)) {
        // Who asks matters to none of these, and wrong keys are no reason to refuse a probe.
        return Ok(Principal::anonymous(Role::Viewer));
    }
    let shown = shown(&request.headers, method, client.is_some_and(|client| client.secure));
    let found = match (link, accounts::authenticate(state, &shown).await) {
        (_, Ok(Some(known))) => return Ok(known),
        (_, Err(error)) => Err(error),
        (Some(link), Ok(None)) if link.starts_with(file_links::PREFIX) => {
            let opened = file_links::open(state, link).await;
            opened.and_then(|principal| {
                let opens = matches!(*method, Method::GET | Method::HEAD) && within(endpoint.as_str()) == STORED_FILE;
                let message = "a link to a file opens that file, for reading, and nothing else";
                opens.then_some(principal).ok_or_else(|| Error::new(codes::FORBIDDEN, message))
            })
        }
        (Some(link), Ok(None)) => accounts::links::open(state, link).await.and_then(|principal| {
            let message = "a link opens the data of its session, for reading, and nothing else";
            let opens = is_open_to_links(method, endpoint.as_str());
            opens.then_some(principal).ok_or_else(|| Error::new(codes::FORBIDDEN, message))
        }),
        (None, Ok(None)) => nobody(state, client),
    };
    if let (Err(error), Some(address)) = (&found, address)
        && [codes::BAD_CREDENTIALS, codes::BAD_LINK].contains(&error.code)
    {
        // Whoever guesses is told less and less; what is right needs no guess.
        state.guesses.check(address, None)?;
        state.guesses.failed(address, None);
    }
    found
}

/// Somebody who shows nothing. What came by a proxy did not come from this machine, whatever address it came from.
fn nobody(state: &AppState, client: Option<&Client>) -> Result<Principal> {
    let config = &state.config;
    let is_forwarded = client.is_some_and(|client| client.forwarded);
    match config.anonymous_role {
        Some(role) if config.anonymous_role_stated || config.insecure || !is_forwarded => {
            Ok(Principal::anonymous(role))
        }
        _ => {
            let message =
                "show who you are: a key as `Authorization: Bearer hvac_…` or `X-API-Key`, or log in at /login";
            Err(Error::new(codes::NO_CREDENTIALS, message))
        }
    }
}

/// What a request shows of who sends it.
fn shown<'a>(headers: &'a HeaderMap, method: &Method, is_secure: bool) -> Shown<'a> {
    Shown {
        authorization: header_text(headers, header::AUTHORIZATION),
        x_api_key: header_text(headers, HeaderName::from_static("x-api-key")),
        cookie: header_text(headers, header::COOKIE),
        csrf_token: header_text(headers, HeaderName::from_static("x-csrf-token")),
        changes_state: changes(method),
        is_secure,
        only_looks: false,
    }
}

/// Takes the link out of a query: no route and no log has any business with it.
fn taken_link(uri: &mut Uri) -> Option<String> {
    let query = uri.query()?;
    let (links, rest): (Vec<&str>, Vec<&str>) = query.split('&').partition(|pair| pair.starts_with("link="));
    let link = links.first()?.strip_prefix("link=")?.to_owned();
    let path_and_query =
        if rest.is_empty() { uri.path().to_owned() } else { format!("{}?{}", uri.path(), rest.join("&")) };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = path_and_query.parse().ok();
    *uri = Uri::from_parts(parts).ok()?;
    Some(link)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_route_has_its_need_under_both_prefixes() {
        for path in ["/api/sessions/{id}", "/api/v1/sessions/{id}"] {
            assert_eq!(need(&Method::GET, path), Some(VIEWER));
            assert_eq!(need(&Method::HEAD, path), Some(VIEWER));
            assert_eq!(need(&Method::DELETE, path), Some(OPERATOR));
            assert_eq!(need(&Method::PUT, path), None);
        }
        assert_eq!(need(&Method::GET, "/health"), Some(ANYONE));
        assert_eq!(need(&Method::GET, "/api/health"), Some(ANYONE));
        assert_eq!(need(&Method::GET, "/nowhere"), None);
    }

    #[test]
    fn links_read_data_and_nothing_else() {
        assert!(is_open_to_links(&Method::GET, "/api/v1/sessions/{id}/data.parquet"));
        assert!(is_open_to_links(&Method::HEAD, "/api/data/preview"));
        for (method, path) in [
            (Method::DELETE, "/api/sessions/{id}"),
            (Method::GET, "/api/sessions"),
            (Method::GET, "/api/sessions/{id}/links"),
            (Method::GET, "/api/sessions/{id}/sharing"),
            (Method::GET, "/api/files"),
            (Method::GET, "/api/queries"),
            (Method::POST, "/api/query"),
        ] {
            assert!(!is_open_to_links(&method, path), "{method} {path}");
        }
    }

    #[test]
    fn a_link_is_taken_out_of_the_query() {
        let taken = |uri: &str| {
            let mut uri: Uri = uri.parse().unwrap();
            (taken_link(&mut uri), uri.to_string())
        };
        assert_eq!(taken("/x?link=abc&rows=3"), (Some("abc".to_owned()), "/x?rows=3".to_owned()));
        assert_eq!(taken("/x?link=abc"), (Some("abc".to_owned()), "/x".to_owned()));
        assert_eq!(taken("/x?rows=3&blink=1"), (None, "/x?rows=3&blink=1".to_owned()));
    }
}

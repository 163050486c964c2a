//! The API document (OpenAPI 3.1) around what the handlers say of themselves, and the problems they share.
//!
//! [`finished`] says once what holds for every route: the problems that any request can meet, that requests have no
//! other fields than those named, what success means, and the bounds of [`super::bounds`].

#![allow(clippy::indexing_slicing, reason = "JSON of the program's own document: what is not there is null")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, OpenApi};

use super::access::{self, Need};
use super::bounds;
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
        (name = "records", description = "Declared collections of small records: written, listed, recovered"),
        (name = "files", description = "Reports that lie on the server"),
        (name = "sessions", description = "Upload, parse, list, rename, delete"),
        (name = "cleaning", description = "Cleaned versions, their reports and quality events"),
        (name = "models", description = "Models of a plant's power: train, list, predict, name a version"),
        (name = "optimization", description = "Set-points that save power, and what was recommended before"),
        (name = "data", description = "Looking at a stored frame"),
        (name = "export", description = "Stored frames as files"),
        (name = "accounts", description = "Who may ask, and who did what"),
        (name = "system", description = "Figures, state and settings of the service"),
        (name = "jobs", description = "Work that goes on without its request"),
        (name = "events", description = "What happens, as it happens"),
        (name = "graphql", description = "The catalogue and what happens, as a graph"),
    ),
    components(schemas(Problem, super::jobs::JobEventData, super::events::BusEvent)),
)]
pub struct Document;

/// Problems of routes about one session.
pub struct NoSuchSession;
/// Problems of routes about one job.
pub struct NoSuchJob;
/// Problems of routes that look at a stored frame.
pub struct NoSuchData;
/// Problems of routes about one model.
pub struct NoSuchModel;
/// Problems of routes about one stored file.
pub struct NoSuchFile;
/// Problems of routes about one saved query.
#[cfg(feature = "sql")]
pub struct NoSuchQuery;
/// Problems of routes about one account.
pub struct NoSuchAccount;
/// Problems of routes that make an account, or a key of one.
pub struct AccountTaken;
/// Problems of routes about one key.
pub struct NoSuchKey;
/// Problems of routes that are told a secret.
pub struct CredentialsWrong;
/// Problems of the making of the first admin.
pub struct SetUpAlready;
/// What routes that answer a file say of the client's copy and of the part it wants.
pub struct DownloadResponses;

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
        ])
    }
}

impl IntoResponses for NoSuchJob {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        responses(&[("404", "No such job", "unknown_job", "There is no job with this id; GET /api/jobs lists them.")])
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
                "file_damaged",
                "The file of parsed-v1 is damaged; run hvac-analytics doctor.",
            ),
        ])
    }
}

impl IntoResponses for NoSuchFile {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        responses(&[
            (
                "404",
                "No such file",
                "unknown_stored_file",
                "there is no file 'x'; GET /api/v1/storage/files lists them",
            ),
            (
                "409",
                "The file's bytes are gone, or not what was stored",
                "file_missing",
                "the file's bytes are not where they were: somebody removed them beside this program",
            ),
            (
                "503",
                "The server that keeps files is away",
                "files_unavailable",
                "The server that keeps files cannot be used now; nothing was changed. See the log for why.",
            ),
        ])
    }
}

#[cfg(feature = "sql")]
impl IntoResponses for NoSuchQuery {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        responses(&[("404", "There is no such saved query", "unknown_query", "there is no saved query 'kW by month'")])
    }
}

impl IntoResponses for NoSuchAccount {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        responses(&[
            UNKNOWN_ACCOUNT,
            (
                "409",
                "The account's state does not allow this",
                "last_admin",
                "'chen' is the last admin: make another account admin first",
            ),
        ])
    }
}

impl IntoResponses for AccountTaken {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        responses(&[
            UNKNOWN_ACCOUNT,
            (
                "409",
                "The name is taken, or the account disabled",
                "account_exists",
                "name: there is an account 'chen' already; choose another name",
            ),
        ])
    }
}

impl IntoResponses for NoSuchKey {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        responses(&[("404", "No such key", "unknown_key", "there is no key 'gateway'; GET /api/keys lists them")])
    }
}

impl IntoResponses for CredentialsWrong {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        responses(&[("401", "What was given is wrong", "bad_credentials", "Name or password is wrong.")])
    }
}

impl IntoResponses for SetUpAlready {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        responses(&[("409", "It is set up already", "set_up_already", "There is an admin already; log in as one.")])
    }
}

impl IntoResponses for DownloadResponses {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut all = responses(&[
            (
                "412",
                "The file is not the one that `If-Match` names",
                "precondition_failed",
                "The file is not the one that If-Match names; ask without that header for what is there now.",
            ),
            (
                "416",
                "No byte of that range exists",
                "range_not_satisfiable",
                "No byte of the range asked for exists: the file has 4096 bytes.",
            ),
        ]);
        all.insert("304".to_owned(), RefOr::T(ResponseBuilder::new().description("The client has it").build()));
        all
    }
}

type Row = (&'static str, &'static str, &'static str, &'static str);

const UNKNOWN_SESSION: Row = (
    "404",
    "No such session or version",
    "unknown_session",
    "There is no session with this id; GET /api/sessions lists them.",
);
const UNKNOWN_ACCOUNT: Row =
    ("404", "No such account", "unknown_account", "there is no account 'chen'; GET /api/users lists them");
/// What any request may meet.
const OF_ALL: [Row; 9] = [
    ("400", "The request cannot be read", "broken_query", "The query string cannot be read."),
    (
        "401",
        "The server wants to know who asks",
        "no_credentials",
        "show who you are: a key as `Authorization: Bearer hvac_…` or `X-API-Key`, or log in at /login",
    ),
    (
        "403",
        "Whoever asks may not do this",
        "forbidden",
        "this needs the role operator, and anna has viewer: ask an admin for it",
    ),
    (
        "413",
        "The body is too long",
        "body_too_large",
        "The body is longer than 2097152 bytes; files go to /api/uploads.",
    ),
    (
        "421",
        "The request is for a host that is not this server",
        "misdirected_host",
        "This server is not known by the name 'other.example'. If it is meant, add it (without the port) to ALLOWED_HOSTS.",
    ),
    (
        "422",
        "A parameter or field is wrong or unknown; `errors` names it",
        "unknown_parameter",
        "verison: there is no such parameter; did you mean version?",
    ),
    (
        "429",
        "Too many requests; `Retry-After` says when to try again",
        "rate_limited",
        "More than 100 requests a minute of one address without a key; try again in 1 s.",
    ),
    (
        "500",
        "The server failed; its log says why",
        "internal",
        "The server failed to do this; its log has the cause under the request_id of this answer.",
    ),
    (
        "503",
        "Overloaded, out of space, or a dependency is gone",
        "timeout",
        "This took longer than 60 s; try again, or ask for less at once.",
    ),
];
/// What a request with a body may meet besides.
const OF_BODIES: Row = (
    "415",
    "Not a format that is read here",
    "not_json",
    "This route reads JSON: send the header Content-Type: application/json.",
);

fn responses(rows: &[Row]) -> BTreeMap<String, RefOr<Response>> {
    rows.iter().map(|row| (row.0.to_owned(), RefOr::T(problem(row)))).collect()
}

/// The response of one status, with the problem schema and an example.
fn problem(&(status, description, code, detail): &(&str, &str, &str, &str)) -> Response {
    let status: u16 = status.parse().unwrap_or(500);
    let title = axum::http::StatusCode::from_u16(status).ok().map(super::problem::title_of).unwrap_or("Error");
    let example = json!({
        "type": "about:blank", "title": title, "status": status, "detail": detail,
        "instance": "/api/…", "code": code, "request_id": "019aa0de-0000-7000-8000-000000000000",
    });
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).example(Some(example)).build();
    ResponseBuilder::new().description(description).content(PROBLEM_JSON, content).build()
}

/// Answers of a run of the samples, by operation and status, lists cut to their first item: `scripts/contract
/// --write-examples` makes them.
const EXAMPLES: &str = include_str!("examples.json");

/// The whole document, as it is served and kept.
pub fn finished(document: &utoipa::openapi::OpenApi) -> Value {
    let mut document = serde_json::to_value(document).unwrap_or_default();
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        let parts = schemas.clone();
        for (name, schema) in schemas.iter_mut() {
            // An answer that says what its sentences say is the answer itself, first.
            let own = schema["allOf"][0]["description"].clone();
            *schema = flattened(schema, &parts);
            if name.starts_with("Said_") && own.is_string() {
                schema["description"] = own;
            }
        }
    }
    close_requests(&mut document);
    bounds::add(&mut document);
    tell_needs(&mut document);
    let schemas = document["components"]["schemas"].clone();
    let examples: Map<String, Value> = serde_json::from_str(EXAMPLES).unwrap_or_default();
    for operation in operations(&mut document) {
        let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
        add_problems(operation);
        let Some(responses) = operation["responses"].as_object_mut() else { continue };
        for (status, response) in responses.iter_mut().filter(|(status, _)| status.starts_with('2')) {
            for (kind, media) in response.get_mut("content").and_then(Value::as_object_mut).into_iter().flatten() {
                if media["schema"].is_null() {
                    media["schema"] = file(kind);
                }
            }
            if response["description"].as_str().is_none_or(str::is_empty) {
                response["description"] = said(&schemas, response).into();
            }
            let example = examples.get(&format!("{id} {status}"));
            if let (Some(example), Some(media)) = (example, response.pointer_mut("/content/application~1json")) {
                media["example"] = example.clone();
            }
        }
    }
    document
}

/// Adds what any request may meet to an operation that says its own responses.
pub fn add_problems(operation: &mut Value) {
    let has_body = operation.get("requestBody").is_some();
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for row in OF_ALL.iter().chain(has_body.then_some(&OF_BODIES)) {
        let problem = || serde_json::to_value(problem(row)).unwrap_or_default();
        responses.entry(row.0).or_insert_with(problem);
    }
}

/// The response of a status with a problem, and an example of it.
pub fn problem_response(status: &str, description: &str, code: &str, detail: &str) -> Value {
    serde_json::to_value(problem(&(status, description, code, detail))).unwrap_or_default()
}

/// How to show who one is, and which role each operation needs.
fn tell_needs(document: &mut Value) {
    document["components"]["securitySchemes"] = json!({
        "key": {"type": "http", "scheme": "bearer", "description": "A key (`hvac_…`), or a token of the issuer that the settings name"},
        "key_header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        "login": {"type": "apiKey", "in": "cookie", "name": "hvac_login", "description": "What `POST /api/v1/login` sets; changes need `X-CSRF-Token` beside it"},
        "link": {"type": "apiKey", "in": "query", "name": "link", "description": "Reads one session"},
    });
    // Where nobody need say who he is, nothing has to be shown.
    document["security"] = json!([{}, {"key": []}, {"key_header": []}, {"login": []}]);
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            let need = method.to_uppercase().parse().ok().and_then(|method| access::need(&method, path));
            if let Some(Need::Least(role)) = need {
                operation["x-role"] = role.as_str().into();
            }
        }
    }
}

/// A file of that media type.
fn file(kind: &str) -> Value {
    match kind {
        "application/json" => json!({"type": "object"}),
        text if text.starts_with("text/") => json!({"type": "string"}),
        _ => json!({"type": "string", "format": "binary"}),
    }
}

/// Every operation of a document.
pub fn operations(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    paths.flat_map(|(_, item)| item.as_object_mut().into_iter().flatten()).map(|(_, operation)| operation)
}

/// What a response is, in the words of its schema.
fn said(schemas: &Value, response: &Value) -> String {
    let media = response["content"].as_object().and_then(|content| content.values().next());
    let name = media.and_then(|media| media["schema"]["$ref"].as_str()?.rsplit('/').next());
    let text = name.and_then(|name| schemas[name]["description"].as_str());
    text.unwrap_or("Done").lines().next().unwrap_or_default().to_owned()
}

/// A request has no other fields than those its schema names: says so in each schema that a request can reach.
fn close_requests(document: &mut Value) {
    let bodies = operations(document).filter_map(|operation| operation.get("requestBody").cloned());
    let mut left: Vec<Value> = bodies.collect();
    let Value::Object(mut schemas) = document["components"]["schemas"].take() else { return };
    let mut seen = BTreeSet::new();
    while let Some(part) = left.pop() {
        for name in references(&part) {
            let Some(schema) = schemas.get(&name).filter(|_| seen.insert(name.clone())) else { continue };
            let mut closed = schema.clone();
            close(&mut closed);
            left.push(closed.clone());
            schemas.insert(name, closed);
        }
    }
    document["components"]["schemas"] = Value::Object(schemas);
}

/// Names of the components that a part of the document refers to.
fn references(part: &Value) -> Vec<String> {
    match part {
        Value::Object(fields) => {
            let own = fields.get("$ref").and_then(Value::as_str).and_then(|to| to.rsplit('/').next());
            own.map(str::to_owned).into_iter().chain(fields.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

/// The objects of an `allOf` as one object: each part alone would refuse the others' fields, and few generators of clients
/// read more than one. Of a part that is one of several, each choice becomes such an object.
fn flattened(schema: &Value, schemas: &Map<String, Value>) -> Value {
    let Some(parts) = schema["allOf"].as_array() else { return schema.clone() };
    let resolved = |part: &Value| {
        let target = part["$ref"].as_str().and_then(|to| schemas.get(to.rsplit('/').next()?)).unwrap_or(part);
        flattened(target, schemas)
    };
    let parts: Vec<Value> = parts.iter().map(resolved).collect();
    let is_choice = |part: &&Value| part["oneOf"].is_array();
    if let Some(choice) = parts.iter().find(is_choice) {
        let others: Vec<&Value> = parts.iter().filter(|part| !is_choice(part)).collect();
        let chosen = |one: &Value| {
            let all: Vec<Value> = std::iter::once(one).chain(others.iter().copied()).cloned().collect();
            flattened(&json!({"allOf": all}), schemas)
        };
        let choices: Vec<Value> = choice["oneOf"].as_array().into_iter().flatten().map(chosen).collect();
        return json!({"oneOf": choices, "description": schema["description"]});
    }
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for part in parts {
        properties.extend(part["properties"].as_object().cloned().unwrap_or_default());
        required.extend(part["required"].as_array().cloned().unwrap_or_default());
    }
    let mut flat = json!({"type": "object", "properties": properties});
    for (name, value) in [("required", Value::Array(required)), ("description", schema["description"].clone())] {
        if !(value.is_null() || value.as_array().is_some_and(Vec::is_empty)) {
            flat[name] = value;
        }
    }
    flat
}

/// Closes every object with named fields.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.get("properties").is_some_and(Value::is_object) {
                fields.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            fields.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

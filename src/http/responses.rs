//! Problems that routes share, as the API document has them: those of a kind of route, and those that any may meet.

#![allow(clippy::indexing_slicing, reason = "JSON of the program's own document: what is not there is null")]

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::IntoResponses;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

use super::problem::{PROBLEM_JSON, title_of};

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
    let title = axum::http::StatusCode::from_u16(status).ok().map(title_of).unwrap_or("Error");
    let example = json!({
        "type": "about:blank", "title": title, "status": status, "detail": detail,
        "instance": "/api/…", "code": code, "request_id": "019aa0de-0000-7000-8000-000000000000",
    });
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).example(Some(example)).build();
    ResponseBuilder::new().description(description).content(PROBLEM_JSON, content).build()
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

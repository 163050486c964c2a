//! Extractors whose refusals are [`Error`]s that name the field.
//!
//! Broken JSON is 400, well-formed JSON of the wrong shape 422, another content type 415, a long body 413. Which fields a
//! body may have is the API document's to say ([`Operation`]); which parameters a query may have was asked before.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use futures_util::StreamExt;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::operation::Operation;
use super::pairs;
use super::problem::Failed;
use super::rates::HeavyTurn;
use crate::error::{Error, Result, codes};
use crate::log;
use crate::principal::Principal;
use crate::state::AppState;

/// Longest JSON body, where a route does not say otherwise.
pub const JSON_LIMIT_BYTES: usize = 2 * 1024 * 1024;
/// How much of a body that is too long is still read, so that the client gets to read the answer.
const DRAIN_BYTES: usize = 64 * 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// A JSON body of at most so many bytes.
pub struct Json<T, const LIMIT: usize = JSON_LIMIT_BYTES>(pub T);

impl<T: DeserializeOwned, S: Send + Sync, const LIMIT: usize> FromRequest<S> for Json<T, LIMIT> {
    type Rejection = Failed;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Failed> {
        check_json(&request)?;
        let operation = request.extensions().get::<Arc<Operation>>().cloned();
        let operation = operation.ok_or_else(|| Error::internal("the API document has no body for this route"))?;
        let turn = request.extensions().get::<HeavyTurn>().cloned();
        Ok(Self(from_json(&read_body(request, LIMIT).await?, &operation, turn.as_ref())?))
    }
}

fn check_json(request: &Request) -> Result<()> {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    if !is_json(content_type) {
        let message = "This route reads JSON: send the header Content-Type: application/json.";
        return Err(Error::new(codes::NOT_JSON, message));
    }
    Ok(())
}

/// A JSON object of at most so many bytes, whose fields the API document does not name.
///
/// # Errors
/// As [`Json`].
pub async fn object_body(request: Request, limit: usize) -> Result<Map<String, Value>> {
    check_json(&request)?;
    match unrepeated(&read_body(request, limit).await?)? {
        Value::Object(fields) => Ok(fields),
        _ => Err(Error::new(codes::INVALID_BODY, "The JSON body is wrong: an object is expected.")),
    }
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// All of a body that has at most so many bytes.
///
/// # Errors
/// 400 when it breaks off, 413 when it is longer.
pub async fn read_body(request: Request, limit: usize) -> Result<Vec<u8>> {
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    let mut stream = request.into_body().into_data_stream();
    let mut bytes = Vec::new();
    let mut too_large = announced.is_some_and(|n| n > limit);
    while !too_large && let Some(chunk) = stream.next().await {
        let chunk = chunk
            .map_err(|source| Error::new(codes::BODY_BROKE_OFF, "The request's body broke off.").with_source(source))?;
        too_large = bytes.len() + chunk.len() > limit;
        bytes.extend_from_slice(&chunk);
    }
    if too_large {
        drain(Body::from_stream(stream)).await;
        let message = format!("The JSON body is longer than {limit} bytes; files go to /api/uploads.");
        return Err(Error::new(codes::BODY_TOO_LARGE, message));
    }
    Ok(bytes)
}

/// Reads on for a moment: a connection closed with unread bytes would lose the answer on its way.
pub async fn drain(body: Body) {
    let mut stream = body.into_data_stream();
    let mut left = DRAIN_BYTES;
    let read_on = async {
        while let Some(Ok(chunk)) = stream.next().await {
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(DRAIN_TIME, read_on).await;
}

/// Reads a JSON object (serde itself would take an array for a struct). Heavy work is counted as soon as it says what it is
/// about.
fn from_json<T: DeserializeOwned>(bytes: &[u8], operation: &Operation, turn: Option<&HeavyTurn>) -> Result<T> {
    let body = unrepeated(bytes)?;
    if let Some(id) = body.get("session_id").and_then(Value::as_str) {
        log::record_session(id);
    }
    operation.check_body(&body)?;
    // A dry run is asked again with each limit that somebody tries: it counts as any other request.
    let is_dry_run = body.get("dry_run").and_then(Value::as_bool) == Some(true);
    if let Some(turn) = turn.filter(|_| !is_dry_run) {
        turn.take(body.get("session_id").and_then(Value::as_str))?;
    }
    serde_path_to_error::deserialize(body).map_err(wrong_value)
}

/// A JSON object in which nothing stands twice.
fn unrepeated(bytes: &[u8]) -> Result<Value> {
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        serde_json::from_slice::<serde::de::IgnoredAny>(bytes).map_err(broken_json)?;
        return Err(Error::new(codes::INVALID_BODY, "The JSON body is wrong: an object is expected."));
    }
    match serde_json::from_slice(bytes) {
        Ok(Unrepeated(body)) => Ok(body),
        // Only what is wrong is read again, to tell where.
        Err(error) => {
            let mut deserializer = serde_json::Deserializer::from_slice(bytes);
            match serde_path_to_error::deserialize::<_, Unrepeated>(&mut deserializer) {
                Ok(_) => Err(broken_json(error)),
                Err(error) => Err(wrong_value(error)),
            }
        }
    }
}

fn wrong_value(error: serde_path_to_error::Error<serde_json::Error>) -> Error {
    let place = error.path().to_string();
    let inner = error.into_inner();
    if !inner.is_data() {
        return broken_json(inner);
    }
    let what = without_place(&inner.to_string());
    let (field, what) = match what.strip_prefix(REPEATED) {
        Some(name) if place == "." => (name.to_owned(), "it is given more than once; give it once".to_owned()),
        Some(name) => (format!("{place}.{name}"), "it is given more than once; give it once".to_owned()),
        None => (place, what),
    };
    if field == "." {
        return Error::new(codes::INVALID_BODY, format!("The JSON body is wrong: {what}."));
    }
    Error::invalid(&field, codes::INVALID_FIELD, format!("{field}: {what}"))
}

/// Before the name of a field that an object has twice.
const REPEATED: &str = "repeated field ";

/// A value in which no object has a field twice: it would be for chance to say which one counts.
struct Unrepeated(Value);

impl<'de> Deserialize<'de> for Unrepeated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UnrepeatedVisitor).map(Self)
    }
}

struct UnrepeatedVisitor;

impl<'de> Visitor<'de> for UnrepeatedVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    /// JSON has one kind of number: 3.0 is as whole as 3.
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        let is_whole = value.fract() == 0.0 && value.abs() <= EXACT && !(value == 0.0 && value.is_sign_negative());
        #[expect(clippy::cast_possible_truncation, reason = "whole, and within what an f64 has exactly")]
        Ok(if is_whole { (value as i64).into() } else { value.into() })
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Unrepeated(value)) = items.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(format!("{REPEATED}{name}")));
            }
            let Unrepeated(value) = fields.next_value()?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

fn broken_json(error: serde_json::Error) -> Error {
    let message = format!("The body is no JSON: {error}.");
    Error::new(codes::BROKEN_JSON, message).with_source(error)
}

/// `serde_json`'s message without its `at line 1 column 20`: the field is named already.
fn without_place(message: &str) -> String {
    message.rsplit_once(" at line ").map_or(message, |(what, _)| what).to_owned()
}

/// A part of a path without its %-escapes.
///
/// # Errors
/// 400 when that is no UTF-8.
pub fn decoded(part: &str) -> Result<String> {
    let (mut bytes, mut left) = (Vec::with_capacity(part.len()), part.as_bytes());
    while let [first, rest @ ..] = left {
        let escaped = match rest {
            [high, low, ..] if *first == b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                digit(*high).zip(digit(*low)).map(|(high, low)| high * 16 + low)
            }
            _ => None,
        };
        bytes.push(escaped.unwrap_or(*first));
        left = if escaped.is_some() { rest.get(2..).unwrap_or_default() } else { rest };
    }
    String::from_utf8(bytes)
        .map_err(|error| Error::new(codes::BROKEN_PATH, "The path is no UTF-8 text.").with_source(error))
}

/// The state, for whoever asks.
pub struct State(pub AppState);

impl FromRequestParts<AppState> for State {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Failed> {
        // Without the gate in its way a route would be open to everyone.
        let principal = parts.extensions.get::<Arc<Principal>>().cloned();
        let principal = principal.ok_or_else(|| Error::internal("nobody asked who sends this request"))?;
        Ok(Self(state.asked_by(principal)))
    }
}

/// The query string.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Failed> {
        axum::extract::Query::try_from_uri(&parts.uri).map(|query| Self(query.0)).map_err(|rejection| {
            let named = find_source::<serde_path_to_error::Error<serde::de::value::Error>>(&rejection)
                .map(|error| (error.path().to_string(), error.inner().to_string()))
                .filter(|(field, _)| field != ".");
            match named {
                Some((field, what)) => {
                    Error::invalid(&field, codes::INVALID_FIELD, format!("{field}: its value cannot be used, {what}"))
                }
                None => pairs::broken(rejection),
            }
            .into()
        })
    }
}

/// The path's only parameter.
pub struct Path(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Path {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failed> {
        let path = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        path.map(|path| Self(path.0)).map_err(broken_path)
    }
}

/// The path's two parameters.
pub struct Path2(pub String, pub String);

impl<S: Send + Sync> FromRequestParts<S> for Path2 {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failed> {
        let path = axum::extract::Path::<(String, String)>::from_request_parts(parts, state).await;
        path.map(|path| Self(path.0.0, path.0.1)).map_err(broken_path)
    }
}

fn broken_path(rejection: axum::extract::rejection::PathRejection) -> Failed {
    Error::new(codes::BROKEN_PATH, "The path is no UTF-8 text.").with_source(rejection).into()
}

fn find_source<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(current) = next {
        if let Some(found) = current.downcast_ref::<E>() {
            return Some(found);
        }
        next = current.source();
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::unwrap_in_result)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::error::ErrorKind;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Body {
        rows: Option<i64>,
        inner: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    struct Inner {
        #[allow(dead_code, reason = "only its type matters")]
        flag: bool,
    }

    fn refused(json: &str) -> Error {
        from_json::<Body>(json.as_bytes(), &Operation::default(), None).unwrap_err()
    }

    #[test]
    fn a_wrong_type_names_its_field() {
        let error = refused(r#"{"inner":[{"flag":true},{"flag":"yes"}]}"#);
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(error.details.first().unwrap().field.as_deref(), Some("inner[1].flag"));
        assert_eq!(error.message, r#"inner[1].flag: invalid type: string "yes", expected a boolean"#);
    }

    #[test]
    fn a_whole_number_may_be_written_with_a_point() {
        let read = |json: &str| from_json::<Body>(json.as_bytes(), &Operation::default(), None);
        assert_eq!(read(r#"{"rows": 3.0}"#).unwrap().rows, Some(3));
        assert_eq!(read(r#"{"rows": -2e2}"#).unwrap().rows, Some(-200));
        for fraction in ["3.5", "1e19", "-1e300"] {
            assert_eq!(refused(&format!(r#"{{"rows": {fraction}}}"#)).code.name, "invalid_field");
        }
    }

    #[test]
    fn a_field_that_stands_there_twice_is_named() {
        for (json, field) in [
            (r#"{"rows":1,"rows":2}"#, "rows"),
            (r#"{"inner":[{"flag":true},{"flag":true,"flag":false}]}"#, "inner[1].flag"),
        ] {
            let error = refused(json);
            assert_eq!(error.details.first().unwrap().field.as_deref(), Some(field));
            assert_eq!(error.message, format!("{field}: it is given more than once; give it once"));
        }
    }

    #[test]
    fn a_body_of_another_shape_is_invalid() {
        for other in ["7", "[]", " null"] {
            assert_eq!(refused(other).code.name, "invalid_body", "{other}");
        }
    }

    #[test]
    fn broken_json_is_malformed() {
        for broken in ["", "{", "[", r#"{"rows":1}}"#, "{\"rows\":\u{0}}"] {
            assert_eq!(refused(broken).kind(), ErrorKind::Malformed, "{broken}");
        }
        assert_eq!(from_json::<Body>(b"{\"rows\":1}", &Operation::default(), None).unwrap().rows, Some(1));
    }

    #[tokio::test]
    async fn a_wrong_query_names_its_field() {
        let (mut parts, ()) = axum::http::Request::get("/x?rows=many").body(()).unwrap().into_parts();
        let error = Query::<Body>::from_request_parts(&mut parts, &()).await.err().unwrap();
        assert_eq!(error.0.kind(), ErrorKind::Invalid);
        assert_eq!(error.0.details.first().unwrap().field.as_deref(), Some("rows"));
    }

    #[test]
    fn json_has_several_media_types() {
        assert!(is_json("application/json; charset=utf-8") && is_json("application/merge-patch+json"));
        assert!(!is_json("") && !is_json("text/json") && !is_json("application/x-www-form-urlencoded"));
    }
}

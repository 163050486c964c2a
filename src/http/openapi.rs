//! The API document (OpenAPI 3.1) around what the handlers say of themselves, and the problems they share.
//!
//! [`finished`] says once what holds for every route: the problems that any request can meet, that requests have no
//! other fields than those named, what success means, and the bounds of [`super::bounds`].

#![allow(clippy::indexing_slicing, reason = "JSON of the program's own document: what is not there is null")]

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use super::access::{self, Need};
use super::bounds::{self, operations};
use super::problem::Problem;
use super::responses::add_problems;

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

//! The API document with the routes that are declared at that moment: made when it is asked for, and kept until a
//! declaration changes.

#![allow(clippy::indexing_slicing, reason = "JSON of the program's own document: what is not there is null")]

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};

use super::contract::Gate;
use super::responses::{add_problems, problem_response};
use crate::limits::{LAST_PAGE, LONGEST_NAME, LONGEST_PAGE};
use crate::records::collection::{CREATED_AT, Collection, Field, FieldType, LONGEST_KEY, UPDATED_AT};
use crate::records::list::{FORMAT, SEARCH, sortable};
use crate::records::routes::{Action, RecordRoute};
use crate::records::write::MOST_RECORDS;
use crate::records::{Records, Registry};

/// No control characters but tabs and line ends.
const LINES: &str = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$";
/// What can stand in a path: no control characters, and no step between folders.
const KEY: &str = r"^(?!\.\.?$)[^\u0000-\u001f\u007f-\u009f]+$";
/// Days of every year; a leap day is understood, but not promised.
macro_rules! days {
    () => {
        "((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
    };
}
/// A time of a day, with its offset.
macro_rules! clock {
    () => {
        r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
    };
}
/// A time with its offset.
const TIME: &str = concat!("^[1-8][0-9]{3}-", days!(), clock!());
/// A time of the past: one far ahead of the server's clock is refused.
const PAST: &str = concat!("^(1[0-9]{3}|20[01][0-9]|202[0-5])-", days!(), clock!());

/// The document as it is served.
pub struct Documents {
    gate: Arc<Gate>,
    records: Records,
    /// Of which declarations the text is.
    kept: Mutex<Option<(u64, String)>>,
}

impl Documents {
    /// Of the program's own document, and whatever is declared.
    pub fn new(gate: Arc<Gate>, records: Records) -> Self {
        Self { gate, records, kept: Mutex::new(None) }
    }

    /// Its text now.
    pub fn text(&self) -> String {
        let registry = self.records.registry();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((generation, text)) if *generation == registry.generation => text.clone(),
            _ => {
                let mut document: Value = serde_json::from_str(&self.gate.text).unwrap_or_default();
                add(&mut document, &registry);
                let text = document.to_string();
                *kept = Some((registry.generation, text.clone()));
                text
            }
        }
    }
}

/// Adds the routes that are declared, and the shapes of their bodies.
fn add(document: &mut Value, registry: &Registry) {
    let schemas = &mut document["components"]["schemas"];
    for (name, schema) in shared_schemas() {
        schemas[name] = schema;
    }
    for collection in &registry.collections {
        let name = collection.type_name();
        schemas[format!("{name}Record")] = request(collection, &registry.routes.reserved_keys(collection));
        schemas[format!("{name}Batch")] = json!({
            "type": "object",
            "description": format!("Records of {}", collection.name),
            "properties": {&collection.list: {
                "type": "array", "minItems": 1, "maxItems": MOST_RECORDS,
                "items": {"$ref": format!("#/components/schemas/{name}Record")},
            }},
            "required": [&collection.list],
            "additionalProperties": false,
        });
        schemas[format!("{name}Shown")] = answer(collection);
        schemas[format!("{name}Page")] = page(&format!("{name}Shown"));
    }
    for route in registry.routes.iter() {
        let mut operation = operation(route, registry);
        add_problems(&mut operation);
        document["paths"][format!("/api{}", route.path)][route.method.to_lowercase()] = operation;
    }
}

fn shared_schemas() -> [(&'static str, Value); 3] {
    let rejected = json!({
        "type": "object",
        "description": "A record of a batch that was not accepted",
        "properties": {
            "index": {"type": "integer", "description": "Its place in the batch, counted from 0"},
            "field": {"type": ["string", "null"], "description": "Its field; null when it is all of it"},
            "message": {"type": "string"},
        },
        "required": ["index", "message"],
    });
    let accepted = json!({
        "type": "object",
        "description": "What was accepted: it is durable",
        "properties": {
            "status": {"type": "string", "enum": ["accepted"]},
            "collection": {"type": "string"},
            "count": {"type": "integer"},
            "rejected": {"type": "array", "items": {"$ref": "#/components/schemas/RecordRejected"}},
        },
        "required": ["status", "collection", "count"],
    });
    let flushed = json!({
        "type": "object",
        "description": "What a flush did",
        "properties": {
            "status": {"type": "string", "enum": ["flushed"]},
            "flushed": {"type": "integer", "description": "Records that were handed over by it"},
            "waiting": {"type": "integer", "description": "Records that wait still"},
        },
        "required": ["status", "flushed", "waiting"],
    });
    [("RecordRejected", rejected), ("RecordsAccepted", accepted), ("RecordsFlushed", flushed)]
}

/// What a field of a record may be.
fn field_schema(field: &Field) -> Value {
    let mut schema = match field.kind {
        FieldType::Text if !field.values.is_empty() => json!({"type": "string", "enum": field.values}),
        FieldType::Text => json!({"type": "string", "maxLength": field.max_length, "pattern": LINES}),
        FieldType::Integer => json!({"type": "integer", "format": "int64", "minimum": i64::MIN, "maximum": i64::MAX}),
        FieldType::Number => json!({"type": "number", "format": "double"}),
        FieldType::Boolean => json!({"type": "boolean"}),
        FieldType::Time => json!({"type": "string", "format": "date-time", "pattern": TIME}),
        FieldType::Json => json!({"type": ["object", "array"], "items": {}}),
    };
    if !field.description.is_empty() {
        schema["description"] = field.description.as_str().into();
    }
    schema
}

fn nullable(mut schema: Value) -> Value {
    let kinds: Vec<Value> = match schema["type"].take() {
        Value::Array(kinds) => kinds.into_iter().chain([json!("null")]).collect(),
        kind => vec![kind, json!("null")],
    };
    schema["type"] = kinds.into();
    if let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        values.push(Value::Null);
    }
    schema
}

fn request(collection: &Collection, reserved: &[String]) -> Value {
    let mut properties = Map::new();
    for field in &collection.fields {
        let mut schema = field_schema(field);
        if field.name == collection.key {
            schema["minLength"] = 1.into();
            schema["pattern"] = KEY.into();
            schema["not"] = json!({"enum": reserved});
        } else if !field.required || field.default.is_some() {
            schema = nullable(schema);
        }
        if let Some(default) = &field.default {
            schema["default"] = default.clone();
        }
        properties.insert(field.name.clone(), schema);
    }
    let time = |description: &str| json!({"type": ["string", "null"], "format": "date-time", "pattern": PAST, "description": description});
    let created = "When it was made; the time of arrival of its first write where it does not say";
    let updated = "When its state is of: the later of two writes counts; the time of arrival where it does not say";
    properties.insert(CREATED_AT.to_owned(), time(created));
    properties.insert(UPDATED_AT.to_owned(), time(updated));
    let required: Vec<&str> = collection
        .fields
        .iter()
        .filter(|field| field.required && field.default.is_none())
        .map(|field| field.name.as_str())
        .collect();
    json!({
        "type": "object", "description": described(collection), "properties": properties, "required": required,
        "additionalProperties": false,
    })
}

fn described(collection: &Collection) -> String {
    match collection.description.is_empty() {
        true => format!("A record of {}", collection.name),
        false => collection.description.clone(),
    }
}

/// A record as it is shown.
fn answer(collection: &Collection) -> Value {
    let mut properties = Map::new();
    for field in &collection.fields {
        let mut schema = field_schema(field);
        schema.as_object_mut().map(|schema| schema.remove("pattern"));
        let is_there = field.name == collection.key;
        properties.insert(field.name.clone(), if is_there { schema } else { nullable(schema) });
    }
    for time in [CREATED_AT, UPDATED_AT] {
        properties.insert(time.to_owned(), json!({"type": "string", "format": "date-time"}));
    }
    properties.insert("counts".to_owned(), json!({"type": "object", "description": "Children, by their list: how many, and by their state", "additionalProperties": {"type": "object"}}));
    json!({"type": "object", "description": described(collection), "properties": properties, "required": [&collection.key, CREATED_AT, UPDATED_AT]})
}

/// A record that there might be.
fn example(collection: &Collection) -> Value {
    let mut fields = Map::new();
    for field in &collection.fields {
        let value = match (field.kind, field.values.first(), &field.default) {
            (_, _, Some(default)) => default.clone(),
            (_, Some(value), _) => value.as_str().into(),
            (FieldType::Text, _, _) => format!("{}-1", field.name.trim_end_matches("_id").replace('_', "-")).into(),
            (FieldType::Integer, ..) => 3.into(),
            (FieldType::Number, ..) => 12.5.into(),
            (FieldType::Boolean, ..) => true.into(),
            (FieldType::Time, ..) => "2026-01-31T13:45:00.000Z".into(),
            (FieldType::Json, ..) => json!({}),
        };
        fields.insert(field.name.clone(), value);
    }
    for time in [CREATED_AT, UPDATED_AT] {
        fields.insert(time.to_owned(), "2026-01-31T13:45:00.000Z".into());
    }
    Value::Object(fields)
}

/// A page with one such item.
fn example_page(item: Value) -> Value {
    json!({"total": 1, "page": 1, "page_size": 20, "total_pages": 1, "items": [item]})
}

fn page(of: &str) -> Value {
    json!({
        "type": "object",
        "description": "One page of a list",
        "properties": {
            "total": {"type": "integer", "description": "All that match"},
            "page": {"type": "integer"},
            "page_size": {"type": "integer"},
            "total_pages": {"type": "integer"},
            "items": {"type": "array", "items": {"$ref": format!("#/components/schemas/{of}")}},
            "scanned": {"type": "array", "items": {"type": "string"}, "description": "Fields without an index that were looked for: every record was looked at"},
        },
        "required": ["total", "page", "page_size", "total_pages", "items"],
    })
}

fn operation(route: &RecordRoute, registry: &Registry) -> Value {
    let collection = &route.collection;
    let (name, system, item) = (&collection.name, &collection.system, &collection.item);
    let schema = |kind: &str| json!({"$ref": format!("#/components/schemas/{}{kind}", collection.type_name())});
    let shared = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    let lists = |collection: &Collection| list_parameters(collection);
    let written_out = |collection: &Collection| {
        let mut all = list_parameters(collection);
        all.push(json!({
            "name": FORMAT, "in": "query", "required": false,
            "description": "`json` (default) is a page; `ndjson` all that match, a record a line, in the order of keys",
            "schema": {"type": "string", "enum": ["json", "ndjson"]},
        }));
        all
    };
    let is_alias = route.path != format!("/{}", collection.route);
    let (id, summary, parameters, body, status, answer) = match route.action {
        Action::List if is_alias => {
            let id =
                format!("list_all_{name}_below_{}", route.path.split('/').nth(1).unwrap_or_default().replace('-', "_"));
            (id, format!("The same as /api/{}", collection.route), written_out(collection), None, "200", schema("Page"))
        }
        Action::List => (
            format!("list_{name}"),
            format!("Records of {name} that match, page by page"),
            written_out(collection),
            None,
            "200",
            schema("Page"),
        ),
        Action::Children => {
            let parent = collection.parent.as_ref().map_or("", |parent| parent.collection.as_str());
            let summary = format!("Records of {name} that belong to one of {parent}");
            (format!("list_{name}_of_{parent}"), summary, written_out(collection), None, "200", schema("Page"))
        }
        Action::Incomplete => {
            let summary = format!("Records of {name} that are not done");
            (format!("list_incomplete_{name}"), summary, lists(collection), None, "200", schema("Page"))
        }
        Action::Read => (
            format!("get_{name}"),
            format!("One {item}, with how many children it has"),
            Vec::new(),
            None,
            "200",
            schema("Shown"),
        ),
        Action::Delete => {
            (format!("delete_{name}"), format!("Deletes one {item}"), Vec::new(), None, "204", Value::Null)
        }
        Action::Write => (
            format!("post_{name}"),
            format!("Writes one {item}: a new one, or another state of one"),
            Vec::new(),
            Some(schema("Record")),
            "202",
            shared("RecordsAccepted"),
        ),
        Action::WriteBatch => {
            let partial = json!({
                "name": "partial", "in": "query", "required": false, "schema": {"type": "boolean"},
                "description": "Whether the right records of a batch are stored though others are wrong",
            });
            (
                format!("post_{name}_batch"),
                format!("Writes up to {MOST_RECORDS} records of {name}"),
                vec![partial],
                Some(schema("Batch")),
                "202",
                shared("RecordsAccepted"),
            )
        }
        Action::Restore => (
            format!("restore_{system}"),
            "A record with all its open children, to go on from".to_owned(),
            Vec::new(),
            None,
            "200",
            json!({"type": "object"}),
        ),
        Action::Flush => (
            format!("flush_{system}"),
            format!("Hands over what waits of {system} to the servers that keep it"),
            Vec::new(),
            None,
            "200",
            shared("RecordsFlushed"),
        ),
        Action::Rejected => {
            let paging = paging().into_iter().collect();
            let answer = json!({"type": "object", "properties": {"total": {"type": "integer"}, "items": {"type": "array", "items": {"type": "object"}}}});
            (
                format!("list_{system}_rejected"),
                format!("What servers refused of {system}, with the reason"),
                paging,
                None,
                "200",
                answer,
            )
        }
    };
    let mut parameters: Vec<Value> = parameters;
    if route.path.contains("{id}") {
        let of = match route.action {
            Action::Children => collection.parent.as_ref().and_then(|parent| registry.collection(&parent.collection)),
            _ => Some(collection),
        };
        let item = of.map_or("record", |of| of.item.as_str());
        parameters.insert(
            0,
            json!({
                "name": "id", "in": "path", "required": true, "description": format!("The {item}'s key"),
                "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
            }),
        );
    }
    let mut response = json!({"description": summary});
    if !answer.is_null() {
        let example = match route.action {
            Action::List | Action::Children | Action::Incomplete => example_page(example(collection)),
            Action::Read => example(collection),
            Action::Write => json!({"status": "accepted", "collection": name, "count": 1}),
            Action::WriteBatch => json!({"status": "accepted", "collection": name, "count": 20}),
            Action::Flush => json!({"status": "flushed", "flushed": 0, "waiting": 0}),
            Action::Rejected => example_page(json!({
                "collection": name, "key": "x", "operation": "write", "record": example(collection),
                "reason": "value too long for type character varying(500)", "rejected_at": "2026-01-31T13:45:00.000Z",
            })),
            Action::Restore | Action::Delete => Value::Null,
        };
        response["content"] = json!({"application/json": {"schema": answer, "example": example}});
        if matches!(route.action, Action::List | Action::Children) {
            response["content"]["application/x-ndjson"] = json!({"schema": {"type": "string"}});
        }
    }
    let mut responses = json!({status: response});
    if route.path.contains("{id}") {
        let detail = format!("{name} has no {item} 'x'; GET /api/{} lists them", collection.route);
        responses["404"] = problem_response("404", "There is no such record", "unknown_record", &detail);
    }
    let mut operation = json!({
        "operationId": id, "tags": ["records"], "summary": summary, "parameters": parameters, "responses": responses,
        "x-role": route.role.as_str(),
    });
    if let Some(body) = body {
        operation["requestBody"] = json!({"required": true, "content": {"application/json": {"schema": body}}});
    }
    operation
}

fn paging() -> [Value; 2] {
    [("page", "From 1", LAST_PAGE), ("page_size", "At most 100", LONGEST_PAGE)].map(|(name, description, most)| {
        json!({
            "name": name, "in": "query", "required": false, "description": description,
            "schema": {"type": "integer", "format": "int64", "minimum": 1, "maximum": most},
        })
    })
}

fn list_parameters(collection: &Collection) -> Vec<Value> {
    let query = |name: &str, description: &str, schema: Value| json!({"name": name, "in": "query", "required": false, "description": description, "schema": schema});
    let fields = collection.fields.iter().filter(|field| field.kind != FieldType::Json);
    let filters = fields.map(|field| {
        let how = if collection.is_indexed(&field.name) { "" } else { " (no index: every record is looked at)" };
        query(&field.name, &format!("Only those whose {} is this{how}", field.name), field_schema(field))
    });
    let time = |which: &str| {
        format!("Only those whose {} lies {which} this, on the site's clock or with its offset", collection.time)
    };
    let words = [
        query("from", &time("at or after"), json!({"type": "string", "pattern": TIME})),
        query("to", &time("before"), json!({"type": "string", "pattern": TIME})),
        query(
            "sort_by",
            "What they are sorted by",
            json!({"type": "string", "enum": sortable(collection).collect::<Vec<_>>()}),
        ),
        query("order", "Which way", json!({"type": "string", "enum": ["asc", "desc"]})),
    ];
    let search = collection.is_searched().then(|| {
        let schema =
            json!({"type": "string", "maxLength": LONGEST_NAME, "pattern": r"^[^\u0000-\u001f\u007f-\u009f]*$"});
        query(
            SEARCH,
            "Only those with each of these words, whatever its case, in a field whose words are searched",
            schema,
        )
    });
    filters.chain(words).chain(search).chain(paging()).collect()
}

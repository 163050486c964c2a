//! What parameters and fields of the API document may be at most, taken from where it is enforced.
//!
//! Bounds of a single field stand at the field; here are those that many share, or that a derive cannot say.

#![allow(clippy::indexing_slicing, reason = "JSON of the program's own document: what is not there is null")]

use hvac_cleaning::Interval;
use hvac_cleaning::diagnostics::FaultKind;
use serde_json::{Value, json};

use crate::cleaning::events;
use crate::datasets::strip::MOST_SLICES;
use crate::jobs::JobKind;
use crate::limits::{LAST_PAGE, LONGEST_LINES, LONGEST_NAME, LONGEST_NOTE, LONGEST_PAGE, LONGEST_PATH};
use crate::sessions::overrides::MOST_LOSS_WORDS;
use crate::storage::files::SORTABLE;
use crate::training::ask::LONGEST_PAST_S;
use crate::training::predict::MOST_ROWS;

/// No control characters.
const PRINTABLE: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";
/// No control characters but tabs and line ends.
const LINES: &str = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$";
/// Printable, not blank at its beginning, and without commas.
const TAG: &str = r"^[^\u0000-\u0020\u007f-\u00a0,][^\u0000-\u001f\u007f-\u009f,]*$";
/// Printable, and not blank at its beginning.
const NAME: &str = r"^[^\u0000-\u0020\u007f-\u00a0][^\u0000-\u001f\u007f-\u009f]*$";
/// A time that exists, on the site's clock or with an offset; leap days included. Years that are others in UTC, or that
/// nobody has data of, are understood, but not promised.
const TIME: &str = concat!(
    r"^([1-8][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))",
    r"|([1-8][0-9](0[48]|[2468][048]|[13579][26])|([2468][048]|[1357][26])00)-02-29)",
    r"([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?",
    r"|T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9]))?$",
);
/// A version of a session's data.
const VERSION: &str = concat!(
    r"^(latest|parsed|cleaned|(parsed|cleaned)-v[1-9][0-9]{0,8}",
    r"|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})$",
);
/// A parsed version.
const PARSED: &str =
    r"^(parsed(-v[1-9][0-9]{0,8})?|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})$";
/// An order of day, month and year.
const DATE_FORMAT: &str = r"^%?([Yy]{1,4}[-/. ]?%?[Mm]{1,2}[-/. ]?%?[Dd]{1,2}|[Mm]{1,2}[-/. ]?%?[Dd]{1,2}[-/. ]?%?[Yy]{1,4}|[Dd]{1,2}[-/. ]?%?[Mm]{1,2}[-/. ]?%?[Yy]{1,4})$";
/// One character that is neither letter nor digit, or a word for the tab.
const DELIMITER: &str = r"^([ -/:-@\[-`{-~\t]|\\t|tab)$";
/// A decimal mark, or none said.
const DECIMAL: &str = r"^(\.|point|,|comma)?$";
/// Forms of a statement's answer, or none.
const FORMATS: [Option<&str>; 7] =
    [None, Some("json"), Some("ndjson"), Some("csv"), Some("arrow"), Some("arrow_stream"), Some("parquet")];
/// A model's name.
const MODEL_NAME: &str = r"^[A-Za-z0-9_-]([A-Za-z0-9_.-]{0,118}[A-Za-z0-9_-])?$";
/// An alias: a name that is no version.
const ALIAS: &str = r"^[A-Za-z_]([A-Za-z0-9_.-]{0,118}[A-Za-z_-])?$";
/// Keys of a feature mapping: one's own categories end in `_cols`, older ones and camelCase are understood.
const MAPPING_KEY: &str = r"^([A-Za-z][A-Za-z0-9_]*(_cols|Cols)|load|target|target_col|targetCol|target_metric|targetMetric|custom|custom_categories|customCategories)$";

fn text() -> Value {
    json!({"maxLength": LONGEST_NAME, "pattern": PRINTABLE})
}

fn path() -> Value {
    json!({"maxLength": LONGEST_PATH, "pattern": PRINTABLE})
}

/// Of a parameter of a query, whichever operation it is of unless that gives the name a meaning of its own.
fn of_parameter(operation: &str, name: &str) -> Value {
    match name {
        "kind" if operation == "list_findings" => json!({"enum": FaultKind::ALL.map(FaultKind::name)}),
        "name" | "content_type" | "sha256" if operation == "list_stored_files" => text(),
        "sort_by" if operation == "list_stored_files" => json!({"enum": SORTABLE}),
        "page" => json!({"minimum": 1, "maximum": LAST_PAGE}),
        "page_size" => json!({"minimum": 1, "maximum": LONGEST_PAGE}),
        "rows" => json!({"minimum": 1, "maximum": 10_000}),
        "offset" | "since" => json!({"minimum": 0, "maximum": i64::MAX}),
        "types" | "collection" => text(),
        "points" => json!({"minimum": 10, "maximum": 20_000}),
        "at" | "from" | "to" | "created_from" | "created_to" => json!({"pattern": TIME}),
        "version" | "a" | "b" => json!({"pattern": VERSION}),
        "who" | "action" | "object" | "session_id" | "result" | "request_id"
            if ["list_audit", "export_audit"].contains(&operation) =>
        {
            text()
        }
        "q" | "site" | "tag" | "point" | "unit" | "metadata" | "name" | "time_column" | "timezone" => text(),
        "status_at_least" => json!({"enum": ["uploaded", "parsed", "cleaned"]}),
        "data_dir" | "subfolder" => path(),
        "sort" => json!({"enum": ["created_at", "updated_at", "name", "site", "total_rows", "status"]}),
        "order" => json!({"enum": ["asc", "desc"]}),
        // Each has its own, which the derive says.
        "by" if ["get_profile", "get_coverage"].contains(&operation) => Value::Null,
        "by" => json!({"enum": ["day", "week", "month"]}),
        "every" => json!({"enum": Interval::ALL.map(Interval::name)}),
        "bins" => json!({"minimum": 1, "maximum": if operation == "get_efficiency" { 100 } else { 1000 }}),
        "full_load_rt" | "min_load_rt" | "max_cop" => json!({"exclusiveMinimum": 0}),
        "model" if operation == "get_conditions" => json!({"minLength": 1, "pattern": r"\S"}),
        "slices" => json!({"minimum": 1, "maximum": MOST_SLICES}),
        "step" => json!({"enum": ["day", "hour"]}),
        "rule" => json!({"enum": events::all_rules()}),
        "kind" => {
            json!({"enum": JobKind::ALL.iter().map(|kind| kind.as_str()).filter(|kind| *kind != "probe").collect::<Vec<_>>()})
        }
        _ => Value::Null,
    }
}

/// Of fields that requests have, by schema.
fn of_fields() -> Vec<(&'static str, &'static [&'static str], Value)> {
    let row = json!({
        "type": "object",
        "properties": {"timestamp": {"type": ["string", "null"], "pattern": TIME}},
        "additionalProperties": {"type": ["number", "null"]},
    });
    let past = json!({"type": "array", "items": {"type": "integer", "format": "int64", "minimum": 1, "maximum": LONGEST_PAST_S}});
    vec![
        ("ParseRequest", &["name", "site", "encoding"], text()),
        ("ParseRequest", &["data_dir", "subfolder"], path()),
        ("ParseRequest", &["date_format"], json!({"pattern": DATE_FORMAT})),
        ("ParseRequest", &["delimiter"], json!({"pattern": DELIMITER})),
        ("ParseRequest", &["sheet", "time_column", "zone"], text()),
        ("ParseRequest", &["decimal"], json!({"pattern": DECIMAL})),
        ("ParseRequest", &["date_order"], json!({"pattern": DATE_FORMAT})),
        ("ParseRequest", &["loss_words"], json!({"maxItems": MOST_LOSS_WORDS})),
        ("ReadOverride", &["timezone", "zone", "sheet", "time_column", "encoding"], text()),
        ("ReadOverride", &["decimal"], json!({"pattern": DECIMAL})),
        ("ReadOverride", &["date_format", "date_order"], json!({"pattern": DATE_FORMAT})),
        ("ReadOverride", &["delimiter"], json!({"pattern": DELIMITER})),
        ("ReadOverride", &["loss_words"], json!({"maxItems": MOST_LOSS_WORDS})),
        ("ColumnOverride", &["column", "name", "unit"], text()),
        ("SessionPatch", &["name"], json!({"maxLength": LONGEST_NAME, "pattern": NAME})),
        ("SessionPatch", &["site"], text()),
        (
            "InvalidateRequest",
            &["pattern"],
            json!({"minLength": 1, "maxLength": LONGEST_NAME, "pattern": r#"^[A-Za-z0-9*?/_.,:;=&+%{}"'-]+$"#}),
        ),
        ("QueryToSave", &["description"], json!({"maxLength": LONGEST_LINES, "pattern": LINES})),
        ("QueryToSave", &["session_id"], text()),
        ("LinkRequest", &["note"], json!({"maxLength": LONGEST_NOTE, "pattern": PRINTABLE})),
        ("SharingRequest", &["owner"], text()),
        (
            "SharingRequest",
            &["people"],
            json!({"items": {"type": "string", "maxLength": LONGEST_NAME, "pattern": PRINTABLE}}),
        ),
        (
            "SiteSharingRequest",
            &["people"],
            json!({"items": {"type": "string", "maxLength": LONGEST_NAME, "pattern": PRINTABLE}}),
        ),
        ("KeyRequest", &["name"], json!({"maxLength": LONGEST_NAME, "pattern": NAME})),
        ("KeyRequest", &["user"], text()),
        ("AccountRequest", &["name"], json!({"maxLength": LONGEST_NAME, "pattern": NAME})),
        ("SetupRequest", &["name"], json!({"maxLength": LONGEST_NAME, "pattern": NAME})),
        ("ImportForm", &["file"], json!({"minLength": 1})),
        ("SessionPatch", &["notes"], json!({"maxLength": LONGEST_LINES, "pattern": LINES})),
        ("SessionPatch", &["tags"], json!({"items": {"type": "string", "maxLength": LONGEST_NAME, "pattern": TAG}})),
        ("StoredFileForm", &["expires_in_hours"], json!({"pattern": "^([1-9][0-9]{0,3})?$"})),
        ("UploadForm", &["name", "site"], text()),
        ("UploadForm", &["name", "site", "timezone"], json!({"type": "string"})),
        ("CleanRequest", &["dataset_id"], json!({"pattern": PARSED})),
        ("FeatureOptions", &["lags", "rolling_means"], json!({"additionalProperties": past})),
        ("AliasRequest", &["version"], json!({"pattern": "^v?[1-9][0-9]{0,8}$"})),
        ("TrainRequest", &["version"], json!({"pattern": VERSION})),
        ("TrainRequest", &["model_name"], json!({"pattern": MODEL_NAME})),
        ("OptimizeBody", &["timestamp"], json!({"pattern": TIME})),
        (
            "OptimizeBody",
            &["model", "model_name", "model_id"],
            json!({"type": "string", "minLength": 1, "pattern": r"\S"}),
        ),
        ("OptimizeBody", &["input_data", "conditions", "current"], json!({"propertyNames": text()})),
        ("OutcomeRequest", &["applied_at", "applied_until"], json!({"pattern": TIME})),
        ("OutcomeRequest", &["note"], json!({"maxLength": LONGEST_NOTE, "pattern": PRINTABLE})),
        ("QueryOptions", &["format"], json!({"enum": FORMATS})),
        ("QueryRequest", &["format"], json!({"enum": FORMATS})),
        ("Variable", &["name"], json!({"minLength": 1})),
        ("Constraint", &["name"], json!({"minLength": 1})),
        ("PredictRequest", &["rows"], json!({"minItems": 1, "maxItems": MOST_ROWS, "items": row})),
    ]
}

/// Writes all bounds into a document.
pub fn add(document: &mut Value) {
    for operation in operations(document) {
        let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
        let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten() {
            if parameter["in"] != "query" {
                // A parameter is a text: it is there or not, but never null.
                let kind = parameter["schema"]["type"].as_array().and_then(|kinds| kinds.first()).cloned();
                kind.into_iter().for_each(|kind| parameter["schema"]["type"] = kind);
                if parameter["name"] == "alias" {
                    merge(&mut parameter["schema"], &json!({"pattern": ALIAS}));
                }
                if ["put_site", "put_site_sharing", "put_override"].contains(&id.as_str()) {
                    merge(&mut parameter["schema"], &text());
                }
                if id == "put_query" {
                    merge(&mut parameter["schema"], &json!({"maxLength": LONGEST_NAME, "pattern": NAME}));
                }
                continue;
            }
            let bounds = of_parameter(&id, parameter["name"].as_str().unwrap_or_default());
            merge(&mut parameter["schema"], &bounds);
        }
    }
    let schemas = &mut document["components"]["schemas"];
    for (schema, fields, bounds) in of_fields() {
        // A schema of a part that is not built is not there.
        let Some(schema) = schemas.get_mut(schema) else { continue };
        for field in fields {
            merge(&mut schema["properties"][field], &bounds);
        }
    }
    let mapping = json!({
        "additionalProperties": {"type": "array", "items": {"type": "string"}},
        "propertyNames": {"pattern": MAPPING_KEY},
    });
    merge(&mut schemas["FeatureMapping"], &mapping);
    // Each part of a mapping may be left out.
    schemas["FeatureMapping"].as_object_mut().map(|mapping| mapping.remove("required"));
    for list in schemas["Columns"]["oneOf"].as_array_mut().into_iter().flatten().filter(|list| list["type"] == "array")
    {
        list["minItems"] = 1.into();
    }
    for name in ["Variable", "Constraint"] {
        schemas[name]["required"] = json!(["name"]);
    }
    // One of three; generators of clients read `anyOf` as several types.
    let without = |name: &str| json!({"not": {"required": [name]}});
    let otherwise = json!({"if": without("model_name"), "then": {"required": ["model_id"]}});
    merge(&mut schemas["OptimizeBody"], &json!({"if": without("model"), "then": otherwise}));
    let since = json!({"required": ["applied_at"], "properties": {"applied_at": {"type": "string"}}});
    let never = json!({"properties": {"applied_at": {"type": "null"}, "applied_until": {"type": "null"}}});
    let applied = json!({"properties": {"applied": {"const": true}}});
    merge(&mut schemas["OutcomeRequest"], &json!({"if": applied, "then": since, "else": never}));
    for name in ["CleanRequest", "TrainRequest", "ParseRequest", "OptimizeBody"] {
        numbers(&mut schemas[name]);
    }
    tuples(schemas);
}

/// A tuple is a list of so many items: few generators of clients read `prefixItems`.
fn tuples(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.values_mut().for_each(tuples);
            let Some(Value::Array(mut items)) = fields.remove("prefixItems") else { return };
            let length = items.len();
            items.dedup();
            let items = if items.len() == 1 { items.remove(0) } else { json!({"anyOf": items}) };
            fields.extend(
                [("items", items), ("minItems", length.into()), ("maxItems", length.into())]
                    .map(|(name, value)| (name.to_owned(), value)),
            );
        }
        Value::Array(items) => items.iter_mut().for_each(tuples),
        _ => {}
    }
}

fn merge(schema: &mut Value, bounds: &Value) {
    for (name, value) in bounds.as_object().into_iter().flatten() {
        schema[name] = value.clone();
    }
    // What a derive takes for the default of a text that must be given, if at all.
    if schema["default"] == "" || schema["default"].is_null() {
        schema.as_object_mut().map(|schema| schema.remove("default"));
    }
}

/// Whole numbers without a bound of their own have that of their width.
fn numbers(schema: &mut Value) {
    for (_, field) in schema["properties"].as_object_mut().into_iter().flatten() {
        let most = match field["format"].as_str() {
            Some("int32") => i64::from(i32::MAX),
            Some("int64") => i64::MAX,
            _ => continue,
        };
        if field["maximum"].is_null() {
            field["maximum"] = most.into();
        }
    }
}

/// Every operation of a document.
pub fn operations(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    paths.flat_map(|(_, item)| item.as_object_mut().into_iter().flatten()).map(|(_, operation)| operation)
}

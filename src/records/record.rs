//! A record of a request as it is kept, and as it is shown. PURE: who calls says what time it is.

use crate::times::{ms_of, text_of};
use serde_json::{Map, Value};

use super::backend::Record;
use super::closest::advice;
use super::collection::{CREATED_AT, Collection, Field, FieldType, UPDATED_AT};

/// How far ahead of this server's clock `updated_at` may lie: clocks differ.
const AHEAD_MS: i64 = 5 * 60 * 1000;
/// Most bytes of a JSON field.
pub const MOST_JSON_BYTES: usize = 64 * 1024;

/// How deep objects and lists may stand in each other: MariaDB reads 31 levels, and the record is one.
pub const MOST_JSON_DEPTH: usize = 30;

/// What is wrong about a record: which field, and one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The field; none when it is all of the record.
    pub field: Option<String>,
    /// What is wrong, and what would be right.
    pub message: String,
    /// Whether there is no such field.
    pub is_unknown: bool,
}

impl Wrong {
    fn of(field: &str, message: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), message: message.into(), is_unknown: false }
    }
}

/// Checks a record, and gives it its defaults and the times that it does not say. `reserved` are words of routes that stand
/// where a key would.
///
/// # Errors
/// Everything that is wrong about it.
pub fn checked(collection: &Collection, given: &Value, reserved: &[String], now_ms: i64) -> Result<Record, Vec<Wrong>> {
    let Value::Object(given) = given else {
        return Err(vec![Wrong { field: None, message: "it is no object".to_owned(), is_unknown: false }]);
    };
    let mut wrong = Vec::new();
    for name in given.keys() {
        if collection.field(name).is_none() && name != CREATED_AT && name != UPDATED_AT {
            let known = collection.fields.iter().map(|field| field.name.as_str());
            let advice = advice(name, known.chain([CREATED_AT, UPDATED_AT]));
            let message = format!("{name}: there is no such field; {advice}");
            wrong.push(Wrong { is_unknown: true, ..Wrong::of(name, message) });
        }
    }
    let mut fields = Map::new();
    for field in &collection.fields {
        let value = match given.get(&field.name).filter(|value| !value.is_null()) {
            Some(value) => value_of(field, value),
            None => match &field.default {
                Some(default) => Ok(default.clone()),
                None if field.required => Err("it must be given".to_owned()),
                None => continue,
            },
        };
        match value {
            Ok(value) => drop(fields.insert(field.name.clone(), value)),
            Err(why) => wrong.push(Wrong::of(&field.name, format!("{}: {why}", field.name))),
        }
    }
    let mut time = |name: &str| match given.get(name).filter(|value| !value.is_null()) {
        None => None,
        Some(value) => {
            let at = value.as_str().and_then(ms_of);
            if at.is_none() {
                wrong.push(Wrong::of(name, format!("{name}: {}", no_time(value))));
            }
            at
        }
    };
    let (created_at, updated_at) = (time(CREATED_AT), time(UPDATED_AT));
    if updated_at.is_some_and(|at| at > now_ms.saturating_add(AHEAD_MS)) {
        let message = format!(
            "{UPDATED_AT}: it lies more than 5 minutes ahead of this server's clock ({}); set the sender's clock, or leave it out",
            text_of(now_ms)
        );
        wrong.push(Wrong::of(UPDATED_AT, message));
    }
    let key = match fields.remove(&collection.key) {
        Some(Value::String(key)) => key,
        // It is told of already.
        _ => String::new(),
    };
    if let Err(why) = key_of(&key, reserved)
        && !wrong.iter().any(|wrong| wrong.field.as_ref() == Some(&collection.key))
    {
        wrong.push(Wrong::of(&collection.key, format!("{}: {why}", collection.key)));
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let updated_at_ms = updated_at.unwrap_or(now_ms);
    Ok(Record { key, created_at_ms: created_at.unwrap_or(now_ms), updated_at_ms, fields })
}

/// Gives a record that was checked by what was declared earlier the defaults of fields that came since, as those have it
/// that were there.
pub fn give_defaults(collection: &Collection, record: &mut Record) {
    for field in &collection.fields {
        if let Some(default) = &field.default {
            record.fields.entry(field.name.clone()).or_insert_with(|| default.clone());
        }
    }
}

/// What a key must be, so that it can stand in a path.
fn key_of(key: &str, reserved: &[String]) -> Result<(), String> {
    if key.is_empty() {
        return Err("it must not be empty".to_owned());
    }
    if key == "." || key == ".." {
        return Err("it cannot stand in a path; choose another".to_owned());
    }
    if key.chars().any(char::is_control) {
        return Err("it has a control character; leave it out".to_owned());
    }
    match reserved.iter().any(|word| word == key) {
        true => Err(format!("'{key}' is a word of the routes; choose another")),
        false => Ok(()),
    }
}

/// A value as a field keeps it.
///
/// # Errors
/// Why the field cannot have it.
pub fn value_of(field: &Field, value: &Value) -> Result<Value, String> {
    let wanted = |what: &str| Err(format!("{what} is expected, and not {}", shown(value)));
    match field.kind {
        FieldType::Text => match value.as_str() {
            Some(text) => text_value(field, text),
            None => wanted("a text"),
        },
        FieldType::Integer => match value.as_i64() {
            Some(number) => Ok(number.into()),
            None => wanted("a whole number of at most 64 bits"),
        },
        FieldType::Number => match value.as_f64().filter(|number| number.is_finite()) {
            Some(_) => Ok(value.clone()),
            None => wanted("a number"),
        },
        FieldType::Boolean => {
            if value.is_boolean() {
                Ok(value.clone())
            } else {
                wanted("true or false")
            }
        }
        FieldType::Time => match value.as_str().and_then(ms_of) {
            Some(at) => Ok(text_of(at).into()),
            None => Err(no_time(value)),
        },
        FieldType::Json => {
            if !value.is_object() && !value.is_array() {
                return wanted("an object or a list");
            }
            let (bytes, depth) = (value.to_string().len(), depth(value));
            if bytes > MOST_JSON_BYTES {
                return Err(format!("it has {bytes} bytes as JSON; at most {MOST_JSON_BYTES} are taken"));
            }
            if depth > MOST_JSON_DEPTH {
                return Err(format!("it nests {depth} deep; at most {MOST_JSON_DEPTH} levels are taken"));
            }
            Ok(value.clone())
        }
    }
}

/// Levels of objects and lists.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

fn text_value(field: &Field, text: &str) -> Result<Value, String> {
    let length = text.chars().count() as u64;
    if length > field.max_length {
        return Err(format!("it has {length} characters; at most {} are taken", field.max_length));
    }
    if text.chars().any(|c| c.is_control() && !"\n\r\t".contains(c)) {
        return Err("it has a control character; leave it out".to_owned());
    }
    if !field.values.is_empty() && !field.values.iter().any(|value| value == text) {
        let advice = advice(text, field.values.iter().map(String::as_str));
        return Err(format!("'{text}' is none of its values; {advice}"));
    }
    Ok(text.into())
}

fn no_time(value: &Value) -> String {
    format!("a time with its offset is expected, such as 2026-01-31T13:45:00Z, and not {}", shown(value))
}

/// A value in a sentence.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// A record as answers show it.
#[must_use]
pub fn shown_record(collection: &Collection, record: &Record) -> Value {
    let mut answer = Map::new();
    for field in &collection.fields {
        let value = match field.name == collection.key {
            true => record.key.clone().into(),
            false => record.fields.get(&field.name).cloned().unwrap_or(Value::Null),
        };
        answer.insert(field.name.clone(), value);
    }
    answer.insert(CREATED_AT.to_owned(), text_of(record.created_at_ms).into());
    answer.insert(UPDATED_AT.to_owned(), text_of(record.updated_at_ms).into());
    Value::Object(answer)
}

/// What a record takes in a queue, about.
#[must_use]
pub fn bytes_of(record: &Record) -> u64 {
    let fields: usize = record.fields.iter().map(|(name, value)| name.len() + size_of(value)).sum();
    (record.key.len() + fields + 32) as u64
}

fn size_of(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 8,
        Value::Array(items) => items.iter().map(size_of).sum::<usize>() + 8,
        Value::Object(fields) => fields.iter().map(|(name, value)| name.len() + size_of(value)).sum::<usize>() + 8,
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
    }
}

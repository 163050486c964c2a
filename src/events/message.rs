//! What a client says on a WebSocket, read. PURE.

use serde_json::{Map, Value};

use super::Filter;
use crate::error::{Error, Result, codes};

/// Below this likeness (Jaro–Winkler) a name is no help.
const ALIKE: f64 = 0.6;
/// What there is to do.
const ACTIONS: [&str; 3] = ["subscribe", "unsubscribe", "ping"];
/// Most types that one subscription names.
const MOST_TYPES: usize = 64;

/// What a client asks.
#[derive(Debug, PartialEq, Eq)]
pub enum Message {
    /// For these from now on, or from after a number.
    Subscribe(Filter, Option<u64>),
    /// For these no more; none: for anything.
    Unsubscribe(Option<Filter>),
    /// Whether somebody is there.
    Ping,
}

impl Message {
    /// Of its text.
    ///
    /// # Errors
    /// `broken_message` when it is no JSON object; `invalid_field`, `unknown_field`, `unknown_action` naming what is wrong,
    /// with the closest word.
    pub fn read(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text).map_err(|error| {
            let message = format!("The message is no JSON: {error}.");
            Error::new(codes::BROKEN_MESSAGE, message).with_source(error)
        })?;
        let Value::Object(fields) = value else {
            let message = r#"A message is an object, such as {"action":"subscribe","types":["session_parsed"]}."#;
            return Err(Error::new(codes::BROKEN_MESSAGE, message));
        };
        let action = match fields.get("action") {
            Some(Value::String(action)) => action.as_str(),
            Some(_) => return Err(wrong("action", "a text is expected")),
            None => return Err(wrong("action", "say what to do: subscribe, unsubscribe or ping")),
        };
        let known: &[&str] = match action {
            "subscribe" => &["action", "types", "collection", "session_id", "since"],
            "unsubscribe" => &["action", "types", "collection", "session_id"],
            "ping" => &["action"],
            other => {
                let message = format!("action: there is no '{other}'; {}", advice(other, ACTIONS));
                return Err(Error::invalid("action", codes::UNKNOWN_ACTION, message));
            }
        };
        if let Some(other) = fields.keys().find(|name| !known.contains(&name.as_str())) {
            let message = format!("{other}: there is no such field; {}", advice(other, known.iter().copied()));
            return Err(Error::invalid(other, codes::UNKNOWN_FIELD, message));
        }
        match action {
            "subscribe" => Ok(Self::Subscribe(filter(&fields)?, since(&fields)?)),
            "unsubscribe" => {
                let filter = filter(&fields)?;
                Ok(Self::Unsubscribe((filter != Filter::default()).then_some(filter)))
            }
            _ => Ok(Self::Ping),
        }
    }
}

fn filter(fields: &Map<String, Value>) -> Result<Filter> {
    Ok(Filter {
        types: types(fields)?.into_iter().collect(),
        collection: text(fields, "collection")?,
        session_id: text(fields, "session_id")?,
    })
}

fn types(fields: &Map<String, Value>) -> Result<Vec<String>> {
    let expected = "a list of types of events is expected";
    match fields.get("types") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(types)) if types.len() > MOST_TYPES => {
            Err(wrong("types", &format!("{} are more than {MOST_TYPES}", types.len())))
        }
        Some(Value::Array(types)) => {
            let text = |(place, kind): (usize, &Value)| {
                let place = format!("types[{place}]");
                kind.as_str().map(str::to_owned).ok_or_else(|| wrong(&place, "a text is expected"))
            };
            types.iter().enumerate().map(text).collect()
        }
        Some(_) => Err(wrong("types", expected)),
    }
}

fn text(fields: &Map<String, Value>, name: &str) -> Result<Option<String>> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(wrong(name, "a text is expected")),
    }
}

fn since(fields: &Map<String, Value>) -> Result<Option<u64>> {
    match fields.get("since") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) if number.as_u64().is_some() => Ok(number.as_u64()),
        Some(_) => Err(wrong("since", "the seq of the last event that was got is expected")),
    }
}

fn wrong(field: &str, what: &str) -> Error {
    Error::invalid(field, codes::INVALID_FIELD, format!("{field}: {what}"))
}

/// The closest of the names there are; all of them when none looks alike.
pub(super) fn advice<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let wanted = name.to_lowercase();
    let scored = known.iter().map(|other| (strsim::jaro_winkler(&wanted, &other.to_lowercase()), *other));
    match scored.max_by(|a, b| a.0.total_cmp(&b.0)) {
        None => "there is none".to_owned(),
        Some((score, closest)) if score >= ALIKE => format!("did you mean {closest}?"),
        Some(_) => format!("there are {}", known.join(", ")),
    }
}

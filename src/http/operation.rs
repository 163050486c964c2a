//! What an operation takes, as the API document says: names of parameters, and of fields at any depth.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::{Code, Detail, Error, Result, codes};

/// Wrong names that are told of at most.
const MOST_NAMED: usize = 20;
/// Below this likeness (Jaro–Winkler) a name is no help.
const ALIKE: f64 = 0.6;

/// What a method of a route takes.
#[derive(Debug, Default)]
pub struct Operation {
    /// Names in its query.
    parameters: Vec<String>,
    /// Its body, if it has one.
    body: Option<Shape>,
}

impl Operation {
    /// Of the document's entry.
    pub fn of(document: &Value, operation: &Value) -> Self {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let in_query = parameters.filter(|parameter| parameter["in"] == "query");
        let content = operation.pointer("/requestBody/content").and_then(Value::as_object);
        // Of several forms of a body only that of a form has fields.
        let form = content.and_then(|content| content.get("multipart/form-data"));
        let schema = form.or_else(|| content?.values().next()).map(|media| &media["schema"]);
        Self {
            parameters: in_query.filter_map(|parameter| parameter["name"].as_str()).map(str::to_owned).collect(),
            body: schema.map(|schema| Shape::of(document, schema, 0)),
        }
    }

    /// Each name must be known, and stand there once.
    pub fn check_query(&self, query: &[(String, String)]) -> Result<()> {
        only(query, &self.parameters.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Whether it takes a body.
    pub fn has_body(&self) -> bool {
        self.body.is_some()
    }

    /// Whether every field of a body is one that the document names.
    ///
    /// # Errors
    /// 422 naming each that is not, with the closest name.
    pub fn check_body(&self, body: &Value) -> Result<()> {
        let mut wrong = Vec::new();
        if let Some(shape) = &self.body {
            shape.check(body, "", &mut wrong);
        }
        refused(codes::UNKNOWN_FIELD, wrong)
    }

    /// Whether a form has a field of that name.
    ///
    /// # Errors
    /// 422 with the closest name when it has not.
    pub fn check_form_field(&self, name: &str) -> Result<()> {
        let fields = self.body.as_ref().and_then(|body| body.object.as_ref()).map(|object| &object.fields);
        let names = || fields.into_iter().flat_map(BTreeMap::keys).map(String::as_str);
        if names().any(|known| known == name) {
            return Ok(());
        }
        let message = format!("{name}: there is no such field; {}", advice(name, names()));
        Err(Error::invalid(name, codes::UNKNOWN_FIELD, message))
    }
}

/// Whether a query has only these names, and each once.
///
/// # Errors
/// 422 naming each that is unknown, with the closest name, or that stands there twice.
pub fn only(query: &[(String, String)], known: &[&str]) -> Result<()> {
    let (mut unknown, mut repeated) = (Vec::new(), Vec::new());
    for (index, (name, _)) in query.iter().enumerate() {
        if !known.contains(&name.as_str()) {
            let advice = advice(name, known.iter().copied());
            unknown.push(detail(name, format!("{name}: there is no such parameter; {advice}")));
        } else if query.iter().take(index).any(|(other, _)| other == name) {
            repeated.push(detail(name, format!("{name}: it is given more than once; give it once")));
        }
    }
    refused(codes::UNKNOWN_PARAMETER, unknown)?;
    refused(codes::REPEATED_PARAMETER, repeated)
}

/// Which names may stand where in a value.
#[derive(Debug, Clone, Default)]
struct Shape {
    object: Option<ObjectShape>,
    items: Option<Box<Shape>>,
}

#[derive(Debug, Clone, Default)]
struct ObjectShape {
    fields: BTreeMap<String, Shape>,
    /// What other names stand for; none when there are no others.
    others: Option<Box<Shape>>,
}

impl Shape {
    /// Of a schema. Where schemas go deeper than any request does, nothing is said.
    fn of(document: &Value, schema: &Value, depth: usize) -> Self {
        let mut shape = Self::default();
        if depth > 32 {
            return shape;
        }
        if let Some(target) = schema["$ref"].as_str().and_then(|to| document.pointer(to.strip_prefix('#')?)) {
            shape.join(Self::of(document, target, depth + 1));
        }
        for list in ["allOf", "oneOf", "anyOf"] {
            for part in schema[list].as_array().into_iter().flatten() {
                shape.join(Self::of(document, part, depth + 1));
            }
        }
        if schema["items"].is_object() {
            shape.items = Some(Box::new(Self::of(document, &schema["items"], depth + 1)));
        }
        let (fields, others) = (schema["properties"].as_object(), &schema["additionalProperties"]);
        if fields.is_some() || !others.is_null() {
            let field = |(name, schema): (&String, &Value)| (name.clone(), Self::of(document, schema, depth + 1));
            shape.join(Self {
                object: Some(ObjectShape {
                    fields: fields.into_iter().flatten().map(field).collect(),
                    others: (*others != Value::Bool(false)).then(|| Box::new(Self::of(document, others, depth + 1))),
                }),
                items: None,
            });
        }
        shape
    }

    /// Either shape may be meant.
    fn join(&mut self, other: Self) {
        match (&mut self.object, other.object) {
            (Some(own), Some(more)) => {
                own.fields.extend(more.fields);
                own.others = own.others.take().or(more.others);
            }
            (own @ None, more) => *own = more,
            (Some(_), None) => {}
        }
        self.items = self.items.take().or(other.items);
    }

    fn check(&self, value: &Value, place: &str, wrong: &mut Vec<Detail>) {
        match value {
            Value::Object(given) => {
                let Some(object) = &self.object else { return };
                for (name, value) in given {
                    let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
                    match object.fields.get(name).or(object.others.as_deref()) {
                        Some(shape) => shape.check(value, &place, wrong),
                        None => {
                            let advice = advice(name, object.fields.keys().map(String::as_str));
                            wrong.push(detail(&place, format!("{place}: there is no such field; {advice}")));
                        }
                    }
                }
            }
            Value::Array(given) => {
                let Some(items) = &self.items else { return };
                for (index, value) in given.iter().enumerate() {
                    items.check(value, &format!("{place}[{index}]"), wrong);
                }
            }
            _ => {}
        }
    }
}

/// A field that is wrong.
pub fn detail(field: &str, message: String) -> Detail {
    Detail { field: Some(field.to_owned()), message, ..Detail::default() }
}

/// 422 naming all that is wrong, if anything is.
pub fn refused(code: &'static Code, wrong: Vec<Detail>) -> Result<()> {
    let Some(first) = wrong.first() else { return Ok(()) };
    let error = Error::new(code, first.message.clone());
    Err(wrong.into_iter().take(MOST_NAMED).fold(error, Error::with_detail))
}

/// The closest of the names there are; all of them when none looks alike.
fn advice<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    let wanted = name.to_lowercase();
    let likeness = |other: &str| strsim::jaro_winkler(&wanted, &other.to_lowercase());
    let scored = known.iter().map(|other| (likeness(other), *other));
    match scored.max_by(|a, b| a.0.total_cmp(&b.0)) {
        None => "none is taken here".to_owned(),
        Some((score, closest)) if score >= ALIKE => format!("did you mean {closest}?"),
        Some(_) => format!("there are {}", known.join(", ")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::super::pairs;
    use super::*;

    fn operation() -> Operation {
        let document = json!({
            "components": {"schemas": {
                "Inner": {"type": "object", "properties": {"flag": {"type": "boolean"}}, "additionalProperties": false},
                "Body": {"type": "object", "additionalProperties": false, "properties": {
                    "session_id": {"type": ["string", "null"]},
                    "inner": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Inner"}]},
                    "list": {"type": "array", "items": {"$ref": "#/components/schemas/Inner"}},
                    "map": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Inner"}},
                    "free": {"type": "object"},
                }},
            }},
        });
        let described = json!({
            "parameters": [
                {"name": "version", "in": "query"}, {"name": "rows", "in": "query"}, {"name": "id", "in": "path"},
            ],
            "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Body"}}}},
        });
        Operation::of(&document, &described)
    }

    #[test]
    fn names_that_are_not_in_the_document_are_told_with_the_closest() {
        let operation = operation();
        let known = json!({
            "session_id": null, "inner": {"flag": 1}, "list": [{}, {"flag": true}, 7], "map": {"any": {"flag": 1}},
            "free": {"any": {"thing": 1}},
        });
        operation.check_body(&known).unwrap();
        for (body, field, closest) in [
            (json!({"sesion_id": "x"}), "sesion_id", "did you mean session_id?"),
            (json!({"inner": {"flog": 1}}), "inner.flog", "did you mean flag?"),
            (json!({"list": [{"flag": true}, {"Flags": 1}]}), "list[1].Flags", "did you mean flag?"),
            (json!({"map": {"any": {"falg": 1}}}), "map.any.falg", "did you mean flag?"),
            (json!({"zzz": 1}), "zzz", "there are free, inner, list, map, session_id"),
        ] {
            let error = operation.check_body(&body).unwrap_err();
            assert_eq!(error.code, codes::UNKNOWN_FIELD);
            assert_eq!(error.details.first().unwrap().field.as_deref(), Some(field));
            assert!(error.message.ends_with(closest), "{error}");
        }
        assert_eq!(operation.check_body(&json!({"a": 1, "b": 2})).unwrap_err().details.len(), 2);
    }

    #[test]
    fn a_query_has_known_names_each_once() {
        let operation = operation();
        let check = |operation: &Operation, query: &str| {
            operation.check_query(&pairs::of(&format!("/x?{query}").parse().unwrap()).unwrap())
        };
        check(&operation, "version=a&rows=&").unwrap();
        for (query, field, says) in [
            ("verison=parsed", "verison", "verison: there is no such parameter; did you mean version?"),
            ("id=7", "id", "id: there is no such parameter; there are version, rows"),
            ("rows=1&ro%77s=2", "rows", "rows: it is given more than once; give it once"),
        ] {
            let error = check(&operation, query).unwrap_err();
            assert_eq!((error.details.first().unwrap().field.as_deref(), error.message.as_str()), (Some(field), says));
        }
        let error = check(&Operation::default(), "x=1").unwrap_err();
        assert_eq!(error.message, "x: there is no such parameter; none is taken here");
    }
}

//! Reads what is asked for: the frontend's flat call and the full form, numbers also where a form sends text.
//!
//! A field that is null or empty is as good as left out.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::error::{Error, Result, codes};
use crate::limits;
use hvac_modelling::setpoint::{Constraint, Method, Variable};

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OptimizeRequest {
    /// Which model.
    pub model: String,
    /// Conditions and present set-points together.
    pub input_data: BTreeMap<String, f64>,
    /// What nobody chooses.
    pub conditions: BTreeMap<String, f64>,
    /// Present set-points.
    pub current: BTreeMap<String, f64>,
    /// What may change.
    pub variables: Vec<Variable>,
    /// What must be kept.
    pub constraints: Vec<Constraint>,
    /// How to search.
    pub method: Method,
    /// Of the search.
    pub seed: u64,
    /// Whose latest rows fill in what is not given.
    pub session_id: Option<String>,
    /// When it is.
    pub timestamp: Option<String>,
}

/// Names of the model's field, the one that counts first.
const MODEL: [&str; 3] = ["model", "model_name", "model_id"];
/// Numbers of a variable and of a constraint.
const NUMBERS: [&str; 4] = ["min", "max", "step", "max_change"];

impl OptimizeRequest {
    /// Reads a request's JSON.
    ///
    /// # Errors
    /// 422 naming the field whose value cannot be used.
    pub fn read(body: Map<String, Value>) -> Result<Self> {
        let given = |name: &str| body.get(name).filter(|value| !is_empty(value)).cloned();
        let text = |name: &str| given(name).map(|value| read_as::<String>(name, value)).transpose();
        let mut model = None;
        for name in MODEL {
            model = model.or(text(name)?.map(|name| name.trim().to_owned()));
        }
        let model = model.filter(|name| !name.is_empty()).ok_or_else(|| {
            let message = "model: name the model (model_name); GET /api/models lists them";
            Error::invalid("model", codes::MODEL_REQUIRED, message)
        })?;
        let numbers = |name| given(name).map_or_else(|| Ok(BTreeMap::new()), |value| read_numbers(name, value));
        Ok(Self {
            model,
            input_data: numbers("input_data")?,
            conditions: numbers("conditions")?,
            current: numbers("current")?,
            variables: list("variables", given("variables"), variable)?,
            constraints: list("constraints", given("constraints"), constraint)?,
            method: given("method").map(method).transpose()?.unwrap_or_default(),
            seed: given("seed").map(|value| read_as("seed", plain(value))).transpose()?.unwrap_or_default(),
            session_id: text("session_id")?.map(|id| id.trim().to_owned()),
            timestamp: text("timestamp")?,
        })
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// A value of the wanted shape, or 422 naming the field.
fn read_as<T: DeserializeOwned>(field: &str, value: Value) -> Result<T> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let inner = error.path().to_string();
        let field = match inner.as_str() {
            "." => field.to_owned(),
            inner if inner.starts_with('[') => format!("{field}{inner}"),
            inner => format!("{field}.{inner}"),
        };
        let message = format!("{field}: {}", error.inner());
        Error::invalid(&field, codes::INVALID_FIELD, message)
    })
}

/// A form's text as the number or switch that it spells; anything else as it is.
fn plain(value: Value) -> Value {
    let Value::String(text) = &value else { return value };
    let text = text.trim();
    let whole = text.parse::<i64>().map(|number| json!(number));
    let number = whole.or_else(|_| text.parse::<f64>().map(|number| json!(number)));
    number.ok().filter(|number| !number.is_null()).unwrap_or(value)
}

fn read_numbers(field: &str, value: Value) -> Result<BTreeMap<String, f64>> {
    let Value::Object(given) = value else {
        let message = format!("{field}: an object of numbers is expected, such as {{\"load_rt\": 300}}");
        return Err(Error::invalid(field, codes::INVALID_FIELD, message));
    };
    let mut numbers = BTreeMap::new();
    for (name, value) in given {
        if is_empty(&value) {
            continue;
        }
        let place = format!("{field}.{name}");
        limits::name(field, &name)?;
        let number = match plain(value.clone()) {
            Value::Bool(on) => Some(if on { 1.0 } else { 0.0 }),
            other => other.as_f64(),
        };
        let Some(number) = number.filter(|number| number.is_finite()) else {
            let message = format!("{place}: {value} is no number; leave it out when it is not known");
            return Err(Error::invalid(&place, codes::INVALID_FIELD, message));
        };
        numbers.insert(name.trim().to_owned(), number);
    }
    Ok(numbers)
}

fn list<T>(field: &str, value: Option<Value>, read: impl Fn(&str, Value) -> Result<T>) -> Result<Vec<T>> {
    let Some(value) = value else { return Ok(Vec::new()) };
    let items: Vec<Value> = read_as(field, value)?;
    items.into_iter().enumerate().map(|(index, item)| read(&format!("{field}[{index}]"), item)).collect()
}

/// An object, or only its name.
fn variable(field: &str, value: Value) -> Result<Variable> {
    match value {
        Value::String(name) => named(field, Variable { name: name.trim().to_owned(), ..Variable::default() }),
        other => named(field, read_as(field, with_numbers(other))?),
    }
}

/// An object, or such as `chw_pressure >= 80`.
fn constraint(field: &str, value: Value) -> Result<Constraint> {
    let Value::String(text) = value else { return named(field, read_as(field, with_numbers(value))?) };
    let refused = || {
        let message = format!("{field}: '{text}' is no limit; write name<=x or name>=x");
        Error::invalid(field, codes::INVALID_FIELD, message)
    };
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|x| x.is_finite()).ok_or_else(refused);
    let read = match (text.split_once("<="), text.split_once(">=")) {
        (Some((name, max)), None) => Constraint { name: name.trim().to_owned(), min: None, max: Some(number(max)?) },
        (None, Some((name, min))) => Constraint { name: name.trim().to_owned(), min: Some(number(min)?), max: None },
        _ => return Err(refused()),
    };
    named(field, read)
}

fn with_numbers(value: Value) -> Value {
    let Value::Object(object) = value else { return value };
    let number = |(name, value): (String, Value)| {
        let value = if NUMBERS.contains(&name.as_str()) { plain(value) } else { value };
        (name, value)
    };
    object.into_iter().filter(|(_, value)| !is_empty(value)).map(number).collect()
}

/// Something that has a name.
trait Named {
    fn name(&self) -> &str;
}

impl Named for Variable {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for Constraint {
    fn name(&self) -> &str {
        &self.name
    }
}

fn named<T: Named>(field: &str, read: T) -> Result<T> {
    if read.name().is_empty() {
        let message = format!("{field}.name: say which: a role such as chw_pump_hz, a feature or a column");
        return Err(Error::invalid(&format!("{field}.name"), codes::INVALID_FIELD, message));
    }
    Ok(read)
}

/// The word, also in the longer spellings of older clients.
fn method(value: Value) -> Result<Method> {
    let word = value.as_str().map(|word| word.trim().to_lowercase().replace([' ', '-'], "_"));
    match word.as_deref() {
        Some("auto") => Ok(Method::Auto),
        Some("grid" | "grid_search") => Ok(Method::Grid),
        Some("de" | "differential_evolution") => Ok(Method::De),
        _ => Err(Error::invalid("method", codes::INVALID_FIELD, format!("method: {value} is none of auto, grid, de"))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn read(body: Value) -> Result<OptimizeRequest> {
        let Value::Object(body) = body else { panic!("no object") };
        OptimizeRequest::read(body)
    }

    #[test]
    fn the_frontends_form_may_send_texts() {
        let request = read(json!({
            "model_name": " plant ",
            "input_data": {"RT": 300, "WBT": "24.5", "Hz_CHP": " 48 ", "CHW": "", "OAT": null, "CH1": true},
        }));
        let request = request.unwrap();
        assert_eq!(request.model, "plant");
        let expected = [("CH1", 1.0), ("Hz_CHP", 48.0), ("RT", 300.0), ("WBT", 24.5)];
        assert_eq!(request.input_data, expected.map(|(name, x)| (name.to_owned(), x)).into());
    }

    #[test]
    fn the_full_form_is_read_in_both_spellings() {
        let long = read(json!({
            "model": "plant:v2", "conditions": {"load_rt": 300}, "current": {"chw_pump_hz": 48},
            "variables": [{"name": "chw_pump_hz", "min": "35", "max": 55, "step": 0.5, "max_change": ""}],
            "constraints": [{"name": "chw_pressure", "min": "80"}, {"name": "cw_flow", "max": 900.0}],
            "method": "DE", "seed": "7", "session_id": "s", "timestamp": "2026-11-20 12:00",
        }));
        let long = long.unwrap();
        let of = |name: &str, min, max| Constraint { name: name.to_owned(), min, max };
        assert_eq!(long.constraints, [of("chw_pressure", Some(80.0), None), of("cw_flow", None, Some(900.0))]);
        assert_eq!((long.variables[0].min, long.variables[0].max_change), (Some(35.0), None));
        assert_eq!((long.method, long.seed), (Method::De, 7));
        let short = read(json!({
            "model_id": "x", "variables": ["chw_pump_hz"], "constraints": ["chw_pressure >= 80", "cw_flow<=900"],
            "method": "differential evolution",
        }));
        let short = short.unwrap();
        assert_eq!((&short.constraints, short.method), (&long.constraints, Method::De));
        assert_eq!(short.variables, [Variable { name: "chw_pump_hz".to_owned(), ..Variable::default() }]);
    }

    #[test]
    fn what_cannot_be_used_names_its_field() {
        for (body, field) in [
            (json!({}), "model"),
            (json!({"model": ""}), "model"),
            (json!({"model": 7}), "model"),
            (json!({"model": "m", "input_data": [1]}), "input_data"),
            (json!({"model": "m", "input_data": {"RT": "much"}}), "input_data.RT"),
            (json!({"model": "m", "input_data": {"RT": "nan"}}), "input_data.RT"),
            (json!({"model": "m", "conditions": {"RT": [1]}}), "conditions.RT"),
            (json!({"model": "m", "variables": [{"name": "a"}, {"min": 3}]}), "variables[1].name"),
            (json!({"model": "m", "variables": [{"name": "a", "min": "x"}]}), "variables[0].min"),
            (json!({"model": "m", "variables": {"name": "a"}}), "variables"),
            (json!({"model": "m", "constraints": ["a = 3"]}), "constraints[0]"),
            (json!({"model": "m", "constraints": ["a <= b"]}), "constraints[0]"),
            (json!({"model": "m", "method": "luck"}), "method"),
            (json!({"model": "m", "seed": -1}), "seed"),
        ] {
            let error = read(body.clone()).unwrap_err();
            assert_eq!(error.details.first().and_then(|d| d.field.as_deref()), Some(field), "{body}: {error}");
        }
    }
}

//! Optimisation: an operating point and a stored model in, better set-points out.
//!
//! One file a use case: [`request`] reads what is asked, [`context`] fills in what nobody gave from the session's
//! latest steady rows, [`optimize`] asks the model (`hvac_modelling::setpoint`, which holds all the mathematics), [`runs`]
//! tells what was recommended before, [`outcome`] keeps what became of it, [`verify`] measures what it saved ([`metered`]
//! reads the data, `hvac_modelling::savings` reckons) and [`page`] prints that. Each run is a row that is committed before
//! it is answered; every query is in `store.rs`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use crate::error::Error;
use crate::training;
use hvac_modelling::ModelError;
use hvac_modelling::setpoint::{Constraint, Method, Recommendation, SetpointAnswer, Variable};

pub mod conditions;
pub mod context;
mod metered;
pub mod optimize;
pub mod outcome;
pub mod page;
pub mod request;
pub mod runs;
mod store;
pub mod verify;

pub use request::OptimizeRequest;

/// What to recommend for. The model is named by one of `model`, `model_name` and `model_id`.
///
/// It is as the API document shows it; [`OptimizeRequest::read`] reads it more leniently.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct OptimizeBody {
    /// The model: its name (the newest version), `name:v3`, `name:production`, or its id.
    #[schema(example = "plant")]
    pub model: Option<String>,
    /// The same as `model`.
    pub model_name: Option<String>,
    /// The same as `model`.
    pub model_id: Option<String>,
    /// Conditions and present set-points together, by role, feature or column; sorted by what the model calls controls.
    pub input_data: BTreeMap<String, f64>,
    /// What nobody chooses: `load_rt`, `wet_bulb`, …, by role, feature or column.
    pub conditions: BTreeMap<String, f64>,
    /// Present set-points: `chw_pump_hz`, `cw_pump_hz`, `ct_fan_hz`, `chw_supply_temp`, …
    pub current: BTreeMap<String, f64>,
    /// What may change; every control of the model when left out.
    pub variables: Vec<Variable>,
    /// What must be kept.
    pub constraints: Vec<Constraint>,
    /// How to search.
    pub method: Method,
    /// Of the search.
    pub seed: u64,
    /// The session whose latest steady rows fill in what is not given; the one the model was trained on when left out.
    pub session_id: Option<String>,
    /// When it is, for models that know the calendar (ISO 8601; without an offset, the site's clock).
    pub timestamp: Option<String>,
}

/// What is recommended, and with which model.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OptimizeAnswer {
    /// True; a failure is a problem document.
    pub success: bool,
    /// The run, under which it is stored.
    pub run_id: String,
    /// The model's id.
    pub model_id: String,
    /// The model's name.
    pub model_name: String,
    /// The model's version.
    #[schema(example = "v3")]
    pub model_version: String,
    /// Of `predicted_power` and `baseline_power`, where the report says it.
    #[schema(example = "kW")]
    pub unit: Option<String>,
    /// The session whose latest steady rows filled in what was not given.
    pub session_id: Option<String>,
    /// How long the search took.
    pub duration_ms: u64,
    /// UTC.
    pub created_at: String,
    /// The recommendation.
    #[serde(flatten)]
    pub answer: SetpointAnswer,
}

/// Which runs to list, and which page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct RunQuery {
    /// Only of this model: a name (all its versions), `name:v3`, `name:production`, or an id.
    pub model: Option<String>,
    /// Only asked at or after this time (ISO 8601; without an offset, on the clock of `SITE_TIMEZONE`).
    pub from: Option<String>,
    /// Only asked before this time.
    pub to: Option<String>,
    /// From 1.
    pub page: Option<u64>,
    /// 1…100, default 20.
    pub page_size: Option<u64>,
}

/// A run as a list shows it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct RunItem {
    /// UUID v7.
    pub run_id: String,
    /// The model's id.
    pub model_id: String,
    /// The model's name.
    pub model_name: String,
    /// The model's version.
    #[schema(example = "v3")]
    pub model_version: String,
    /// The session whose latest steady rows filled in what was not given.
    pub session_id: Option<String>,
    /// How it was searched: `grid` or `de`.
    pub method: String,
    /// kW at the recommended set-points.
    pub predicted_power: f64,
    /// kW at the present ones, by the same model.
    pub baseline_power: Option<f64>,
    /// Their difference, kW; 0 when nothing is to be changed.
    pub savings_kw: f64,
    /// Of the baseline, 0–100.
    pub savings_percent: f64,
    /// Whether anything is to be changed.
    pub change: bool,
    /// Every variable, changed or not.
    #[schema(value_type = Vec<Recommendation>)]
    pub recommendations: Value,
    /// How long the search took.
    pub duration_ms: u64,
    /// UTC.
    pub created_at: String,
    /// What became of it; null as long as nobody has stated that.
    pub outcome: Option<outcome::StatedOutcome>,
}

/// A whole run: what was asked and what was answered.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Run {
    /// True.
    pub success: bool,
    /// UUID v7.
    pub run_id: String,
    /// The model's id.
    pub model_id: String,
    /// The model's name.
    pub model_name: String,
    /// The model's version.
    #[schema(example = "v3")]
    pub model_version: String,
    /// The session whose latest steady rows filled in what was not given.
    pub session_id: Option<String>,
    /// What was asked, as it was understood.
    #[schema(value_type = OptimizeBody)]
    pub input_data: Value,
    /// How long the search took.
    pub duration_ms: u64,
    /// UTC.
    pub created_at: String,
    /// What became of it, once somebody stated that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<outcome::StatedOutcome>,
    /// What was answered.
    #[serde(flatten)]
    #[schema(value_type = SetpointAnswer)]
    pub answer: Map<String, Value>,
}

/// Over which time to add savings up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct SummaryQuery {
    /// Only of this model: a name (all its versions), `name:v3`, `name:production`, or an id.
    pub model: Option<String>,
    /// Only asked at or after this time (ISO 8601; without an offset, on the clock of `SITE_TIMEZONE`).
    pub from: Option<String>,
    /// Only asked before this time.
    pub to: Option<String>,
    /// `day` (default), `week` (begins on Monday) or `month`, on the site's clock.
    pub by: Option<String>,
}

/// Savings over time.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = SavingsSummary)]
pub struct Summary {
    /// `day`, `week` or `month`.
    pub by: &'static str,
    /// Of all periods together.
    #[serde(flatten)]
    pub all: Savings,
    /// Those with a run, oldest first.
    pub periods: Vec<Period>,
}

/// Savings of one period.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Period {
    /// Its first day on the site's clock.
    #[schema(example = "2026-11-16")]
    pub period: String,
    /// Its savings.
    #[serde(flatten)]
    pub savings: Savings,
}

/// What runs recommended, on average.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, ToSchema)]
pub struct Savings {
    /// Runs.
    pub runs: u64,
    /// Those that recommended a change.
    pub runs_with_change: u64,
    /// kW, mean over all runs; a run without a change saves 0. Null without a run.
    pub mean_savings_kw: Option<f64>,
    /// 0–100, mean over all runs. Null without a run.
    pub mean_savings_percent: Option<f64>,
}

/// What a refusal of the model means to a user: each problem with its field. Of a flat request, the field that the
/// number came from.
fn refused(error: ModelError, flat: bool) -> Error {
    let mut error = training::refused(error);
    for field in error.details.iter_mut().filter_map(|detail| detail.field.as_mut()).filter(|_| flat) {
        if let Some(("conditions" | "current", name)) = field.split_once('.') {
            *field = format!("input_data.{name}");
        }
    }
    error
}

//! Looks for set-points that cost less power under given conditions, within every limit, and says why.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ModelError;
use super::document::ModelDocument;

/// How to search.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The grid up to four variables, differential evolution beyond.
    #[default]
    Auto,
    /// Every combination of operator steps.
    Grid,
    /// Differential evolution, seeded.
    De,
}

/// A set-point that may be changed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Variable {
    /// A role (`chw_pump_hz`), a feature, or a column. A role stands for all features that play it.
    pub name: String,
    /// Least; 30 Hz for speeds, the least seen for temperatures.
    pub min: Option<f64>,
    /// Most; 60 Hz for speeds, the most seen for temperatures.
    pub max: Option<f64>,
    /// Step an operator would take; 0.5 (Hz, K, or 1 for °F).
    pub step: Option<f64>,
    /// How far from the current value it may go.
    pub max_change: Option<f64>,
}

/// A limit that must be kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Constraint {
    /// A role, feature or column: a control itself, or what the plant answers with (`chw_pressure`,
    /// `chw_return_temp`, `chw_flow`, `cw_flow`), which is then predicted from the model's own rows.
    pub name: String,
    /// Not below.
    pub min: Option<f64>,
    /// Not above.
    pub max: Option<f64>,
}

/// What is asked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Question {
    /// What nobody chooses: `load_rt`, `wet_bulb`, …, by role, feature or column.
    pub conditions: BTreeMap<String, f64>,
    /// Present set-points.
    pub current: BTreeMap<String, f64>,
    /// What may change; every control of the model when empty.
    pub variables: Vec<Variable>,
    /// What must be kept.
    pub constraints: Vec<Constraint>,
    /// How to search.
    pub method: Method,
    /// Of the search.
    pub seed: u64,
    /// When it is, ms since 1970 UTC, for the calendar.
    #[serde(skip)]
    pub time_ms: Option<i64>,
}

/// One change that is recommended, or a set-point that should stay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Recommendation {
    /// The variable's name as it was asked for, or the role's.
    pub parameter: String,
    /// Present value.
    pub current: Option<f64>,
    /// Recommended value.
    pub value: f64,
    /// Its unit.
    pub unit: Option<String>,
    /// What this change alone saves, kW: power with it undone minus power with it.
    pub savings: f64,
    /// One sentence.
    pub reason: String,
}

/// What is recommended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Answer {
    /// kW at the recommended set-points.
    pub predicted_power: f64,
    /// kW at the present ones, by the same model.
    pub baseline_power: f64,
    /// Their difference, kW; 0 when nothing is to be changed.
    pub savings_kw: f64,
    /// Of the baseline, 0–100.
    pub savings_percent: f64,
    /// Every variable, changed or not.
    pub recommendations: Vec<Recommendation>,
    /// Whether anything is to be changed.
    pub change: bool,
    /// Why not, or how the search went; sentences.
    pub message: String,
    /// Constraints that the present set-points do not keep.
    pub constraint_violations: Vec<String>,
    /// 0–1: how far the data speaks for the answer.
    pub confidence: f64,
    /// Interval of `predicted_power`, kW.
    pub lower: f64,
    /// Interval of `predicted_power`, kW.
    pub upper: f64,
    /// Features beyond everything seen.
    pub extrapolating: Vec<String>,
    /// Inputs that were not given, and what was taken for them.
    pub assumptions: Vec<Assumption>,
    /// How it was searched: `grid` or `de`.
    pub method: Method,
    /// Points of the search that were looked at.
    pub evaluated: u64,
}

/// An input that nobody gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Assumption {
    /// Role, feature or column.
    pub name: String,
    /// What was taken.
    pub value: f64,
    /// Where from: the median of the training rows, or the session's latest steady rows.
    pub source: String,
}

/// Looks for better set-points.
///
/// # Errors
/// `no_control` when the model has no control; `wrong_features` for names it does not know, with the closest;
/// `infeasible` naming the constraints that conflict; `bad_option`.
pub fn recommend(model: &ModelDocument, question: &Question) -> Result<Answer, ModelError> {
    let _ = (model, question);
    todo!("setpoint")
}

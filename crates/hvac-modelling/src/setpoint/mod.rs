//! Looks for set-points that cost less power under given conditions, within every limit, and says why.
//!
//! [`inputs`] makes a row of what was asked, [`limits`] the choices, [`conflict`] says which limits cannot be kept
//! together; [`grid`] or [`evolution`] searches, [`guard`] judges each choice by limits and history, [`gain`] by what
//! it is sure to save, [`physical`] by what can be at all, [`explain`] gives the reasons. A change is recommended when
//! every limit is kept, history speaks for it, physics allows it, and power falls by two models and by more than the
//! error of that difference.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::explain::tenths;
use self::gain::{Gain, WORTH_CHANGING, WORTH_MOVING};
use self::grid::SearchResult;
use self::guard::SetpointCase;
use self::inputs::SetpointInputs;
use self::limits::Axis;
use super::ModelError;
use super::control::Control;
use super::document::ModelDocument;
use super::features::Feature;

pub use self::limits::{ControlBounds, control_bounds};
pub use super::document::Assumption;

mod conflict;
mod evolution;
mod explain;
mod gain;
mod grid;
mod guard;
mod inputs;
mod limits;
mod physical;

/// Half width of an interval that holds nine errors in ten, in root mean square errors.
const INTERVAL: f64 = 1.645;
/// Why a choice is narrower than a user may expect.
const UNCOUNTED: &str = "less or warmer chilled water was not considered, because history does not tell how many pumps \
                         ran: map their states or their speeds one by one";
/// Why there is no interval.
const UNKNOWN: &str = "how far off the power may be is not known";
/// Half widths of an interval above this share of the prediction say no more than that nobody knows.
const WIDEST_SHARE: f64 = 0.25;
/// Least confidence that a change is recommended with.
const LEAST_CONFIDENCE: f64 = 0.1;

/// How to search.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct SetpointQuestion {
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Answer))]
pub struct SetpointAnswer {
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
    /// 0–1, how far the data speaks for the answer: how dense history is there (1…½) × gain ÷ (gain + its error) × share
    /// of refits that see a gain × how much of it the second model sees; without a change, the first alone.
    pub confidence: f64,
    /// Interval of `predicted_power` that holds nine in ten, kW; null where nobody knows: beyond everything seen, or too
    /// far from it.
    pub lower: Option<f64>,
    /// Interval of `predicted_power`, kW.
    pub upper: Option<f64>,
    /// Features beyond everything seen.
    pub extrapolating: Vec<String>,
    /// Inputs that were not given, and what was taken for them.
    pub assumptions: Vec<Assumption>,
    /// Inputs that the answer depends on and nobody gave: with them it is surer. Each is among the assumptions.
    #[serde(default)]
    pub missing: Vec<String>,
    /// How it was searched: `grid` or `de`.
    pub method: Method,
    /// Points of the search that were looked at.
    pub evaluated: u64,
}

/// Looks for better set-points.
///
/// # Errors
/// `no_control` when the model has no control; `wrong_features` for names it does not know, with the closest;
/// `infeasible` naming the constraints that conflict; `bad_option`.
pub fn recommend(model: &ModelDocument, question: &SetpointQuestion) -> Result<SetpointAnswer, ModelError> {
    let Some(control) = &model.control else {
        let message = "the model was trained without a set-point or without a condition (a load, outside air), so there \
                       is nothing to choose; map at least one of each and train again";
        return Err(ModelError::new("no_control", "model", message));
    };
    recommend_with(control, &model.features, question)
}

/// [`recommend`] for a control by itself.
///
/// # Errors
/// As [`recommend`].
pub fn recommend_with(
    control: &Control,
    features: &[Feature],
    question: &SetpointQuestion,
) -> Result<SetpointAnswer, ModelError> {
    let inputs = SetpointInputs::of(control, features, question)?;
    let axes = limits::axes(control, features, &inputs.row, &inputs.given, &question.variables)?;
    let limits = limits::limits(control, features, &question.constraints)?;
    conflict::closed(&axes)?;
    let method = method(&axes, question.method)?;
    let Some(case) = SetpointCase::new(control, inputs.row.clone(), axes, limits) else {
        return Ok(standing(method, inputs));
    };
    conflict::check(&case)?;
    let found = match method {
        _ if !inputs.extrapolating.is_empty() => None,
        Method::De => evolution::search(&case, question.seed),
        _ => grid::search(&case),
    };
    Ok(verdict(&case, method, found, inputs))
}

/// The method that is used.
fn method(axes: &[Axis], asked: Method) -> Result<Method, ModelError> {
    let points = grid::points(axes);
    let fits = axes.len() <= grid::MOST_AXES && points <= grid::MOST_POINTS;
    match asked {
        Method::Grid if !fits => Err(ModelError::new(
            "bad_option",
            "method",
            format!(
                "a grid of {} variables has {points} settings; at most {} variables and {} settings are tried: take \
                 larger steps, fewer variables, or the method \"de\"",
                axes.len(),
                grid::MOST_AXES,
                grid::MOST_POINTS
            ),
        )),
        Method::Auto | Method::Grid if fits => Ok(Method::Grid),
        _ => Ok(Method::De),
    }
}

/// Turns what the search found into an answer: a change only if it is needed to keep the limits, or sure to save.
fn verdict(
    case: &SetpointCase<'_>,
    method: Method,
    found: Option<SearchResult>,
    inputs: SetpointInputs,
) -> SetpointAnswer {
    let violations = case.broken_now();
    let evaluated = found.as_ref().map_or(0, |found| found.evaluated);
    let current = case.current();
    let mut values = found.map_or_else(|| current.clone(), |found| found.values);
    let needed = !violations.is_empty();
    if !needed {
        values = without_idle_changes(case, values);
    }
    let gain = Gain::between(case.control, &case.state, &case.state_at(&values));
    let moved = values != current;
    let worth = WORTH_CHANGING * case.power(&case.state);
    let near = if inputs.extrapolating.is_empty() { case.density(&case.state_at(&values)) } else { 0.0 };
    // What is needed is needed, whatever it gains.
    let surety = if moved && !needed { gain.surety() } else { 1.0 };
    let change = moved && (needed || (gain.sure() > worth && near * surety >= LEAST_CONFIDENCE));
    let message = match (inputs.extrapolating.as_slice(), moved, change) {
        ([], true, true) if gain.power < 0.0 => {
            format!("the present set-points break a limit; the best that keep all cost {:.1} kW more", -gain.power)
        }
        ([], true, true) => format!(
            "the surest gain of the settings that keep all limits and lie within what history has shown: {} kW, \
             {} kW by the more cautious of two models, with an error of {} kW",
            tenths(gain.power),
            tenths(gain.cautious),
            tenths(gain.error)
        ),
        ([], true, false) => format!("no change: no other setting is sure to gain more than {worth:.1} kW"),
        ([], false, _) if needed => {
            "no change: nothing that history has shown keeps all limits, which the present set-points do not".into()
        }
        ([], false, _) => {
            "no change: of the settings that keep all limits and lie within what history has shown, none \
                           gains more than the model's error"
                .into()
        }
        (names, ..) => format!(
            "no change: the model has never seen such {}; the powers are those of the nearest that it has seen",
            names.join(", ")
        ),
    };
    let message = if case.is_held_for_want_of_counts() { format!("{message}; {UNCOUNTED}") } else { message };
    if !change {
        values.clone_from(&current);
    }
    let state = case.state_at(&values);
    let (baseline, predicted) = (case.power(&case.state), case.power(&state));
    let half = INTERVAL * case.control.power.rmse * (1.0 + case.distance(&state).min(10.0));
    let known = inputs.extrapolating.is_empty() && half <= WIDEST_SHARE * predicted.abs();
    let message = if known { message } else { format!("{message}; {UNKNOWN}") };
    let savings_kw = if change { baseline - predicted } else { 0.0 };
    SetpointAnswer {
        predicted_power: predicted,
        baseline_power: baseline,
        savings_kw,
        savings_percent: if baseline > 0.0 { 100.0 * savings_kw / baseline } else { 0.0 },
        recommendations: explain::recommendations(case, &values, inputs.air_unit.as_deref()),
        change,
        message,
        constraint_violations: violations,
        confidence: if change || !moved { (near * surety).clamp(0.0, 1.0) } else { near },
        lower: known.then(|| (predicted - half).max(0.0)),
        upper: known.then_some(predicted + half),
        extrapolating: inputs.extrapolating,
        missing: inputs.assumptions.iter().map(|one| one.name.clone()).collect(),
        assumptions: inputs.assumptions,
        method,
        evaluated,
    }
}

/// Takes back changes that by themselves are not sure to gain anything, the least first, as far as the rest keeps
/// limits and support without them: an operator is not asked for what nobody could measure.
fn without_idle_changes(case: &SetpointCase<'_>, mut values: Vec<f64>) -> Vec<f64> {
    loop {
        let state = case.state_at(&values);
        let mut least: Option<(f64, Vec<f64>)> = None;
        for (index, axis) in case.axes.iter().enumerate() {
            let mut undone = values.clone();
            match undone.get_mut(index) {
                Some(slot) if *slot != axis.current => *slot = axis.current,
                _ => continue,
            }
            let before = case.state_at(&undone);
            let gain = Gain::between(case.control, &before, &state).sure();
            if gain <= WORTH_MOVING * case.power(&case.state)
                && least.as_ref().is_none_or(|(other, _)| gain < *other)
                && case.broken(&undone, &before) == 0.0
                && (undone == case.current()
                    || (case.is_supported(&before) && case.objection(&undone, &before).is_none()))
            {
                least = Some((gain, undone));
            }
        }
        match least {
            Some((_, undone)) => values = undone,
            None => return values,
        }
    }
}

fn standing(method: Method, inputs: SetpointInputs) -> SetpointAnswer {
    SetpointAnswer {
        predicted_power: 0.0,
        baseline_power: 0.0,
        savings_kw: 0.0,
        savings_percent: 0.0,
        recommendations: Vec::new(),
        change: false,
        message: "no change: without a load, a machine that runs, or a pump that turns, the plant stands still".into(),
        constraint_violations: Vec::new(),
        confidence: 0.0,
        lower: Some(0.0),
        upper: Some(0.0),
        extrapolating: inputs.extrapolating,
        missing: inputs.assumptions.iter().map(|one| one.name.clone()).collect(),
        assumptions: inputs.assumptions,
        method,
        evaluated: 0,
    }
}

#[cfg(test)]
mod tests;

//! What may be chosen: axes of operator steps, and limits that every choice must keep.

use super::super::control::state::{PlantQuantity, PlantState, STANDS_HZ, quantity_of};
use super::super::control::{Control, STEP, STEP_F};
use super::super::document::ModelDocument;
use super::super::features::{self, Feature};
use super::super::role::{Decider, Role};
use super::super::words::did_you_mean;
use super::super::{ModelError, Problem};
use super::{Constraint, Variable};

/// Least and most speed that motors and drives bear for long, Hz.
pub(crate) const SPEED_HZ: (f64, f64) = (30.0, 60.0);
/// Most values of one axis.
const MOST_VALUES: f64 = 2000.0;
/// Slack for sums of decimal fractions.
const SLACK: f64 = 1e-9;

/// A set-point that may change.
#[derive(Debug, Clone)]
pub(crate) struct Axis {
    /// As it was asked for.
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) unit: Option<String>,
    /// Positions in the control's row.
    pub(crate) positions: Vec<usize>,
    /// The quantity that it is as a whole; none when it is one of several machines.
    pub(crate) quantity: Option<PlantQuantity>,
    /// Present value.
    pub(crate) current: f64,
    /// Whether the present value was given.
    pub(crate) given: bool,
    /// Least and most by hard limits and the user's.
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) step: f64,
    /// Ascending: steps within the limits and within what history has seen, and the present value if it keeps them.
    pub(crate) values: Vec<f64>,
    /// Whether it stays because the model cannot be right about it.
    pub(crate) held: bool,
    /// What narrowed it, for naming conflicts.
    pub(crate) asked: Variable,
}

/// What a limit is on.
#[derive(Debug, Clone)]
pub(crate) enum Subject {
    /// Positions in the control's row; their mean.
    Control(Vec<usize>),
    /// Something the plant answers with.
    Response(Role),
}

/// A limit on a control or on what the plant answers with.
#[derive(Debug, Clone)]
pub(crate) struct Limit {
    pub(crate) asked: Constraint,
    pub(crate) subject: Subject,
    /// Of the predicted response: kept clear of the limit.
    pub(crate) margin: f64,
}

impl Axis {
    /// Whether it is a speed, and not a temperature.
    #[must_use]
    pub(crate) fn is_speed(&self) -> bool {
        self.role != Role::ChwSupplyTemp
    }

    /// Whether the limits leave a value.
    #[must_use]
    pub(crate) fn is_open(&self) -> bool {
        self.low <= self.high + SLACK
    }

    /// Whether a value keeps hard limits and the user's.
    #[must_use]
    pub(crate) fn keeps(&self, value: f64) -> bool {
        value >= self.low - SLACK && value <= self.high + SLACK
    }

    /// The value nearest to `value`.
    #[must_use]
    pub(crate) fn nearest(&self, value: f64) -> Option<f64> {
        self.values.iter().copied().min_by(|a, b| (a - value).abs().total_cmp(&(b - value).abs()))
    }
}

impl Limit {
    /// By how much `value` breaks the limit, as a share of the limit's size; 0 when it keeps it. `margin` is kept clear.
    #[must_use]
    pub(crate) fn broken_by(&self, value: f64, margin: f64) -> f64 {
        let size = |limit: f64| limit.abs().max(1.0);
        let under = self.asked.min.map_or(0.0, |min| (min + margin - value - SLACK) / size(min));
        let over = self.asked.max.map_or(0.0, |max| (value + margin - max - SLACK) / size(max));
        under.max(over).max(0.0)
    }

    /// Such as `chw_pressure ≥ 120`.
    #[must_use]
    pub(crate) fn text(&self) -> String {
        let Constraint { name, min, max } = &self.asked;
        match (min, max) {
            (Some(min), Some(max)) => format!("{min} ≤ {name} ≤ {max}"),
            (Some(min), None) => format!("{name} ≥ {min}"),
            (None, Some(max)) => format!("{name} ≤ {max}"),
            (None, None) => name.clone(),
        }
    }
}

/// The positions in the control's row that a name stands for: a feature, a column, or a role's all.
fn positions(control: &Control, features: &[Feature], name: &str) -> Vec<usize> {
    let found = |is: &dyn Fn(&Feature) -> bool| -> Vec<usize> {
        let of = |index: &usize| features.get(*index).is_some_and(is);
        control.features.iter().enumerate().filter(|(_, index)| of(index)).map(|(position, _)| position).collect()
    };
    let by_name = found(&|feature| feature.name == name);
    if !by_name.is_empty() {
        return by_name;
    }
    let by_column =
        found(&|feature| matches!(&feature.source, features::FeatureSource::Column { column } if column == name));
    if !by_column.is_empty() {
        return by_column;
    }
    found(&|feature| feature.role.as_str() == name)
}

fn role_at(control: &Control, position: usize) -> Option<Role> {
    control.layout.roles.get(position).copied()
}

/// The axes of a question: those asked for, or one for each role that is a control.
///
/// # Errors
/// `wrong_features` for names that are no control; `bad_option` for limits that are none.
pub(crate) fn axes(
    control: &Control,
    features: &[Feature],
    row: &[f64],
    given: &[bool],
    variables: &[Variable],
) -> Result<Vec<Axis>, ModelError> {
    let mut all: Vec<Variable> = variables.to_vec();
    if all.is_empty() {
        let mut roles: Vec<Role> = control.layout.roles.clone();
        roles.sort_unstable();
        roles.dedup();
        roles.retain(|role| role.part() == Decider::Control);
        all = roles.iter().map(|role| Variable { name: role.as_str().to_owned(), ..Variable::default() }).collect();
    }
    let mut problems = Vec::new();
    let mut made: Vec<Axis> = Vec::new();
    for (index, variable) in all.iter().enumerate() {
        let field = format!("variables[{index}]");
        match axis(control, features, row, given, variable, &field) {
            Err(problem) => problems.push(problem),
            Ok(axis) => {
                let twice = made.iter().find(|other| other.positions.iter().any(|p| axis.positions.contains(p)));
                if let Some(other) = twice {
                    let message = format!("{} and {} are the same set-point; leave one out", other.name, axis.name);
                    problems.push(Problem { field, message });
                }
                made.push(axis);
            }
        }
    }
    ModelError::of("wrong_features", problems).map_or(Ok(made), Err)
}

/// A control with the limits that hold when nobody says others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ControlBounds {
    /// Least.
    pub min: f64,
    /// Most.
    pub max: f64,
    /// An operator's step.
    pub step: f64,
}

/// The limits of a control: what motors and drives bear, of a temperature what was seen; none of what is no control, or was
/// never seen.
#[must_use]
pub fn control_bounds(model: &ModelDocument, feature: &Feature) -> Option<ControlBounds> {
    let control = model.control.as_ref().filter(|_| feature.role.part() == Decider::Control)?;
    let seen = quantity_of(feature.role).and_then(|quantity| control.support.range(quantity));
    let (min, max) = if feature.role == Role::ChwSupplyTemp { seen? } else { SPEED_HZ };
    Some(ControlBounds { min, max, step: usual_step(feature.unit.as_deref()) })
}

fn usual_step(unit: Option<&str>) -> f64 {
    if unit == Some("°F") { STEP_F } else { STEP }
}

fn axis(
    control: &Control,
    features: &[Feature],
    row: &[f64],
    given: &[bool],
    variable: &Variable,
    field: &str,
) -> Result<Axis, Problem> {
    let problem = |what: &str, message: String| Problem { field: format!("{field}{what}"), message };
    let positions = positions(control, features, &variable.name);
    let role = positions.first().and_then(|position| role_at(control, *position));
    let Some(role) = role.filter(|role| role.part() == Decider::Control) else {
        return Err(problem(".name", no_control(control, features, &variable.name)));
    };
    for (what, value) in [
        (".min", variable.min),
        (".max", variable.max),
        (".step", variable.step.map(|step| if step > 0.0 { step } else { f64::NAN })),
        (".max_change", variable.max_change.map(|change| if change >= 0.0 { change } else { f64::NAN })),
    ] {
        if value.is_some_and(|value| !value.is_finite()) {
            let message = format!("{}{what} must be a number, and a step or change above 0", variable.name);
            return Err(problem(what, message));
        }
    }
    let played: Vec<&Feature> =
        positions.iter().filter_map(|position| features.get(*control.features.get(*position)?)).collect();
    let seen = quantity_of(role).and_then(|quantity| control.support.range(quantity)).unwrap_or((f64::NAN, f64::NAN));
    let unit = played.first().and_then(|feature| feature.unit.clone());
    let is_speed = role != Role::ChwSupplyTemp;
    let hard = if is_speed { SPEED_HZ } else { seen };
    let (current, was_given) = present(row, given, &positions, is_speed);
    let step = variable.step.unwrap_or(usual_step(unit.as_deref()));
    let change = variable.max_change.unwrap_or(f64::INFINITY);
    let mut low = variable.min.unwrap_or(hard.0).max(current - change);
    let mut high = variable.max.unwrap_or(hard.1).min(current + change);
    if is_speed {
        (low, high) = (low.max(hard.0), high.min(hard.1));
    }
    let (mut from, mut to) = (low.max(seen.0), high.min(seen.1));
    // Whether a machine runs is not chosen here: one that stands has no speed.
    if is_speed && current <= STANDS_HZ {
        (low, high, from, to) = (current, current, current, current);
    }
    if (to - from) / step > MOST_VALUES {
        return Err(problem(
            ".step",
            format!("{}.step {step} gives too many values; take a larger one", variable.name),
        ));
    }
    let whole = control.layout.roles.iter().filter(|other| **other == role).count() == positions.len();
    let mut made = Axis {
        name: variable.name.clone(),
        role,
        unit,
        positions,
        quantity: quantity_of(role).filter(|_| whole),
        current,
        given: was_given,
        low,
        high,
        step,
        values: Vec::new(),
        held: false,
        asked: variable.clone(),
    };
    made.values = steps(from, to, step);
    if made.keeps(current) {
        made.values.push(current);
    }
    made.values.sort_unstable_by(f64::total_cmp);
    made.values.dedup_by(|a, b| (*a - *b).abs() < SLACK);
    Ok(made)
}

/// Multiples of `step` from `low` to `high`; `low` itself where there is none.
pub(crate) fn steps(low: f64, high: f64, step: f64) -> Vec<f64> {
    let mut values = Vec::new();
    let mut multiple = ((low - SLACK) / step).ceil();
    while multiple * step <= high + SLACK && values.len() < 10_000 {
        values.push((multiple * step * 1e9).round() / 1e9);
        multiple += 1.0;
    }
    if values.is_empty() && low <= high + SLACK {
        values.push(low);
    }
    values
}

/// Mean of what turns (or of all, for temperatures), and whether all of it was given.
fn present(row: &[f64], given: &[bool], positions: &[usize], is_speed: bool) -> (f64, bool) {
    let values: Vec<f64> = positions.iter().filter_map(|position| row.get(*position).copied()).collect();
    let turning: Vec<f64> = values.iter().copied().filter(|value| !is_speed || *value > STANDS_HZ).collect();
    let used = if turning.is_empty() { values } else { turning };
    let mean = used.iter().sum::<f64>() / used.len().max(1) as f64;
    (mean, positions.iter().all(|position| given.get(*position).copied().unwrap_or(false)))
}

fn no_control(control: &Control, features: &[Feature], name: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for (role, index) in control.layout.roles.iter().zip(&control.features) {
        if role.part() == Decider::Control {
            names.push(role.as_str());
            names.extend(features.get(*index).map(|feature| feature.name.as_str()));
        }
    }
    names.sort_unstable();
    names.dedup();
    let advice = did_you_mean(names.iter().copied(), name, &format!("it has {}", names.join(", ")));
    format!("the model has no set-point '{name}'; {advice}")
}

/// The limits of a question.
///
/// # Errors
/// `wrong_features` for what the model can neither choose nor foretell; `bad_option` for limits that are none.
pub(crate) fn limits(
    control: &Control,
    features: &[Feature],
    constraints: &[Constraint],
) -> Result<Vec<Limit>, ModelError> {
    let mut problems = Vec::new();
    let mut made = Vec::new();
    for (index, constraint) in constraints.iter().enumerate() {
        let field = format!("constraints[{index}]");
        match limit(control, features, constraint) {
            Ok(limit) => made.push(limit),
            Err(message) => problems.push(Problem { field, message }),
        }
    }
    ModelError::of("wrong_features", problems).map_or(Ok(made), Err)
}

fn limit(control: &Control, features: &[Feature], constraint: &Constraint) -> Result<Limit, String> {
    let name = &constraint.name;
    let numbers = [constraint.min, constraint.max];
    if numbers.iter().flatten().any(|value| !value.is_finite()) || numbers == [None, None] {
        return Err(format!("a constraint on {name} needs a number as min, as max, or as both"));
    }
    let positions = positions(control, features, name);
    let role = positions.first().and_then(|position| role_at(control, *position));
    if let Some(role) = role {
        return match role.part() {
            Decider::Control => {
                Ok(Limit { asked: constraint.clone(), subject: Subject::Control(positions), margin: 0.0 })
            }
            _ => Err(format!("{name} is a condition that nobody can choose, so no limit can be set on it")),
        };
    }
    let named = |feature: &&Feature| feature.name == *name || feature.role.as_str() == name;
    let role = features.iter().find(named).map(|feature| feature.role);
    if let Some((role, equation)) = role.and_then(|role| Some((role, control.response(role)?))) {
        let margin = equation.rmse;
        return Ok(Limit { asked: constraint.clone(), subject: Subject::Response(role), margin });
    }
    let mut names: Vec<&str> = control.responses.iter().map(|response| response.role.as_str()).collect();
    names.extend(control.layout.roles.iter().filter(|role| role.part() == Decider::Control).map(|role| role.as_str()));
    names.sort_unstable();
    names.dedup();
    let advice = did_you_mean(names.iter().copied(), name, &format!("limits can be set on {}", names.join(", ")));
    Err(format!("the model cannot foretell '{name}'; {advice}"))
}

impl Limit {
    /// Its subject's value in a row and its normalised state; none when it cannot be told.
    #[must_use]
    pub(crate) fn value(&self, control: &Control, row: &[f64], state: &PlantState) -> Option<f64> {
        match &self.subject {
            Subject::Response(role) => Some(control.response(*role)?.value(state)),
            Subject::Control(positions) => {
                let turning: Vec<f64> = positions.iter().filter_map(|position| row.get(*position).copied()).collect();
                let speed = positions.first().and_then(|p| role_at(control, *p)) != Some(Role::ChwSupplyTemp);
                Some(present(&turning, &[], &(0..turning.len()).collect::<Vec<_>>(), speed).0)
            }
        }
    }
}

/// Whether an axis moves what a limit is on.
pub(crate) fn matters(control: &Control, axis: &Axis, limit: &Limit) -> bool {
    match &limit.subject {
        Subject::Control(positions) => positions.iter().any(|position| axis.positions.contains(position)),
        Subject::Response(role) => {
            let has = |quantity: PlantQuantity| {
                control.response(*role).is_some_and(|equation| equation.terms.iter().any(|t| t.has(quantity)))
            };
            axis.quantity.is_none_or(has)
        }
    }
}

//! From what was asked to a row: names to features, what is missing to assumptions, what is unheard of to warnings.

use super::super::control::Control;
use super::super::control::plant_log::LOAD_SHARE;
use super::super::control::state::{PlantQuantity, quantity_of};
use super::super::features::{self, Feature};
use super::super::role::{Decider, Role};
use super::super::words::did_you_mean;
use super::super::{ModelError, Problem};
use super::{Assumption, SetpointQuestion};

/// Values may pass the range of history by this share of it: meters are not exact.
const BEYOND: f64 = 0.02;

/// What a question says about now.
#[derive(Debug, Clone)]
pub(crate) struct SetpointInputs {
    /// Of the control's features; conditions beyond everything seen are the nearest that were seen.
    pub(crate) row: Vec<f64>,
    /// Which of them were given.
    pub(crate) given: Vec<bool>,
    /// What was taken for those that were not.
    pub(crate) assumptions: Vec<Assumption>,
    /// Features beyond everything seen.
    pub(crate) extrapolating: Vec<String>,
    /// Unit of the outside air's temperature.
    pub(crate) air_unit: Option<String>,
}

impl SetpointInputs {
    /// Of a question.
    ///
    /// # Errors
    /// `wrong_features` for names that the model does not know.
    pub(crate) fn of(control: &Control, features: &[Feature], question: &SetpointQuestion) -> Result<Self, ModelError> {
        let known = features::known_names(features);
        let mut problems = Vec::new();
        for (field, names) in [("conditions", &question.conditions), ("current", &question.current)] {
            for name in names.keys().filter(|name| !known.contains(&name.as_str())) {
                let otherwise = format!("it knows {}", known.join(", "));
                let advice = did_you_mean(known.iter().copied(), name, &otherwise);
                let message = format!("the model knows no '{name}'; {advice}");
                problems.push(Problem { field: format!("{field}.{name}"), message });
            }
        }
        if let Some(error) = ModelError::of("wrong_features", problems) {
            return Err(error);
        }
        let mut all = question.conditions.clone();
        all.extend(question.current.iter().map(|(name, value)| (name.clone(), *value)));
        let full = features::row(features, &all, question.time_ms, chrono_tz::UTC);
        let mut row: Vec<f64> =
            control.features.iter().map(|index| full.get(*index).copied().unwrap_or(f64::NAN)).collect();
        for role in [Role::LoadRt, Role::Running] {
            share(control, features, role, &all, &mut row);
        }
        let given: Vec<bool> = row.iter().map(|value| value.is_finite()).collect();
        let extrapolating = beyond(control, features, &row);
        hold_within(control, features, &extrapolating, &mut row);
        let assumptions = assume(control, features, &mut row);
        let air = |role| {
            let mut played = control.features.iter().filter_map(|index| features.get(*index));
            played.find(|feature| feature.role == role).and_then(|feature| feature.unit.clone())
        };
        let air_unit = air(Role::WetBulb).or_else(|| air(Role::DryBulb));
        Ok(Self { row, given, assumptions, extrapolating, air_unit })
    }
}

/// A sum that was given by its role is shared among the features that it is the sum of.
fn share(
    control: &Control,
    features: &[Feature],
    role: Role,
    given: &std::collections::BTreeMap<String, f64>,
    row: &mut [f64],
) {
    let count = control.layout.roles.iter().filter(|own| **own == role).count();
    if count < 2 || !given.contains_key(role.as_str()) {
        return;
    }
    for ((slot, own), index) in row.iter_mut().zip(&control.layout.roles).zip(&control.features) {
        let by_name = features.get(*index).is_some_and(|feature| given.contains_key(&feature.name));
        if *own == role && !by_name {
            *slot /= count as f64;
        }
    }
}

/// Fills in what is missing: as many machines as have carried such a load; of the rest, what was usual in rows of
/// history like the conditions that were given, so that all of it belongs to one state of the plant.
fn assume(control: &Control, features: &[Feature], row: &mut [f64]) -> Vec<Assumption> {
    let roles = &control.layout.roles;
    let mut assumptions: Vec<Assumption> = Vec::new();
    let mut assume = |name: &str, value: f64, source: String| {
        if !assumptions.iter().any(|other| other.name == name) {
            assumptions.push(Assumption { name: name.to_owned(), value, source });
        }
    };
    let whole = |row: &[f64], role: Role| {
        let mut own = roles.iter().zip(row).filter(|(own, _)| **own == role);
        own.all(|(_, value)| !value.is_finite())
    };
    let missing: Vec<(usize, Role, bool)> = roles
        .iter()
        .enumerate()
        .filter(|(position, _)| row.get(*position).is_some_and(|value| !value.is_finite()))
        .map(|(position, role)| (position, *role, whole(row, *role)))
        .collect();
    let like = LikeRows::of(control, row);
    for (position, role, whole) in &missing {
        let feature = control.features.get(*position).and_then(|index| features.get(*index));
        let (Some(slot), Some(feature)) = (row.get_mut(*position), feature) else { continue };
        let usual = if *whole { like.usual(control, *role) } else { None };
        *slot = usual.unwrap_or(feature.range.median);
        if *role != Role::Running || !whole {
            let name = if *whole { role.as_str() } else { &feature.name };
            let among = if usual.is_some() { like.words.as_str() } else { "the training rows" };
            assume(name, *slot, format!("the median of {among}"));
        }
    }
    let running = missing.iter().filter(|(_, role, whole)| *role == Role::Running && *whole);
    let running: Vec<usize> = running.map(|(position, ..)| *position).collect();
    if !running.is_empty() {
        let load: f64 = roles.iter().zip(row.iter()).filter(|(role, _)| **role == Role::LoadRt).map(|(_, v)| *v).sum();
        let has_load = !control.layout.has(Role::LoadRt) || load > 0.0;
        let machines = if has_load { control.machines_for(load) } else { 0.0 };
        for position in &running {
            if let Some(slot) = row.get_mut(*position) {
                *slot = machines / running.len() as f64;
            }
        }
        let source = match has_load {
            true => format!("as few machines as have carried a load of {load:.0} in the training rows"),
            false => "without a load no machine need run".to_owned(),
        };
        assume(Role::Running.as_str(), machines, source);
    }
    assumptions
}

/// Rows of history like the conditions that were given.
struct LikeRows {
    rows: Vec<usize>,
    /// Such as `143 training rows with load_rt 270–330 and wet_bulb 23.5–25.5`.
    words: String,
}

impl LikeRows {
    fn of(control: &Control, row: &[f64]) -> Self {
        let (layout, reference) = (&control.layout, &control.reference);
        let given = |role: Role| -> Option<(f64, f64)> {
            let own = layout.roles.iter().zip(row).filter(|(own, _)| **own == role).map(|(_, value)| *value);
            let (sum, count) = own.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
            (count > 0.0 && f64::is_finite(sum)).then_some((sum, sum / count))
        };
        let (load, machines) = (given(Role::LoadRt).map(|(sum, _)| sum), given(Role::Running).map(|(sum, _)| sum));
        let air = given(layout.air()).map(|(_, mean)| mean);
        let mut parts = Vec::new();
        if let Some(load) = load {
            let (low, high) = (load * (1.0 - LOAD_SHARE), load * (1.0 + LOAD_SHARE));
            parts.push(format!("{} {low:.0}–{high:.0}", Role::LoadRt.as_str()));
        }
        if let Some(air) = air {
            let (low, high) = (air - control.log.air_width(), air + control.log.air_width());
            parts.push(format!("{} {low:.1}–{high:.1}", layout.air().as_str()));
        }
        if let Some(machines) = machines {
            parts.push(format!("{} {machines:.0}", Role::Running.as_str()));
        }
        if parts.is_empty() {
            return Self { rows: Vec::new(), words: String::new() };
        }
        let rows = control.log.alike(
            load.map(|load| reference.normal(PlantQuantity::LoadEach, load)),
            air.map(|air| reference.normal(PlantQuantity::WetBulb, air)),
            machines,
        );
        let words = format!("{} training rows with {}", rows.len(), parts.join(" and "));
        Self { rows, words }
    }

    /// What one position of a role usually was in them, in its own unit; of several machines nobody knows which ran.
    fn usual(&self, control: &Control, role: Role) -> Option<f64> {
        let positions = control.layout.count(role) as f64;
        let typical = |quantity| control.log.typical(&self.rows, quantity);
        let own = |quantity| Some(control.reference.own(quantity, typical(quantity)?));
        match role {
            Role::LoadRt => Some(own(PlantQuantity::LoadEach)? * typical(PlantQuantity::Machines)? / positions),
            Role::WetBulb => own(PlantQuantity::WetBulb),
            Role::DryBulb if control.layout.air() == Role::DryBulb => own(PlantQuantity::WetBulb),
            Role::Humidity => own(PlantQuantity::Humidity),
            Role::ChwSupplyTemp => own(PlantQuantity::ChwSupply),
            speed if positions < 1.5 => own(quantity_of(speed)?),
            _ => None,
        }
    }
}

/// Takes conditions beyond history as the nearest seen: no equation holds far from the rows that it was fitted to.
fn hold_within(control: &Control, features: &[Feature], beyond: &[String], row: &mut [f64]) {
    for (index, slot) in control.features.iter().zip(row) {
        if let Some(feature) = features
            .get(*index)
            .filter(|feature| beyond.contains(&feature.name) && feature.role.part() == Decider::Condition)
            // A plant without a load stands still, and is not one with the least that was seen.
            .filter(|feature| feature.role != Role::LoadRt || *slot > 0.0)
        {
            *slot = slot.min(feature.range.max).max(feature.range.min);
        }
    }
}

/// Features whose value lies beyond what history has seen.
fn beyond(control: &Control, features: &[Feature], row: &[f64]) -> Vec<String> {
    let played = control.features.iter().zip(row).filter_map(|(index, value)| Some((features.get(*index)?, *value)));
    let outside = played.filter(|(feature, value)| {
        let slack = BEYOND * (feature.range.max - feature.range.min).abs();
        // Shares of a sum are no readings.
        feature.role != Role::Running && (*value < feature.range.min - slack || *value > feature.range.max + slack)
    });
    outside.map(|(feature, _)| feature.name.clone()).collect()
}

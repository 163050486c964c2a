//! Says what a recommendation is worth, how sure it is, and why.

use super::super::control::plant_log::Evidence;
use super::super::control::state::{PlantQuantity, PlantState};
use super::super::role::Role;
use super::Recommendation;
use super::gain::{Gain, WORTH_CHANGING};
use super::guard::{Objection, SetpointCase, with};
use super::limits::Axis;
use super::physical::{self, PowerSplit};

/// Why a variable was not searched.
const HELD: &str = ", for what history seems to say of it contradicts physics: it varied too little, or along with \
                    something else";

/// Each axis with its value, what its change alone saves, and why.
#[must_use]
pub(crate) fn recommendations(case: &SetpointCase<'_>, values: &[f64], air_unit: Option<&str>) -> Vec<Recommendation> {
    let state = case.state_at(values);
    let power = case.power(&state);
    case.axes
        .iter()
        .zip(values)
        .enumerate()
        .map(|(index, (axis, value))| {
            let undone = case.state_at(&with(values.to_vec(), index, axis.current));
            let savings = case.power(&undone) - power;
            let needed = savings < 0.0 && !case.is_supported(&undone);
            let changed = (value - axis.current).abs() > 1e-9;
            Recommendation {
                parameter: axis.name.clone(),
                current: axis.given.then_some(axis.current),
                value: *value,
                unit: axis.unit.clone(),
                savings: if changed { savings } else { 0.0 },
                reason: if changed {
                    let conditions = at(case, air_unit);
                    let because = if needed { "; without it history does not prove that the load is met" } else { "" };
                    format!("{}{conditions}{because}", reason(case, axis, *value, &undone, &state))
                } else {
                    stay(case, index, axis, values)
                },
            }
        })
        .collect()
}

/// Why it stays: what speaks against the value that the model alone would choose, where it would choose another.
fn stay(case: &SetpointCase<'_>, index: usize, axis: &Axis, values: &[f64]) -> String {
    let stays = format!("{} stay{} at {}", label(axis.role), plural(axis), number(axis, axis.current));
    if axis.held {
        return format!("{stays}{HELD}");
    }
    let here = case.state_at(values);
    let mut best: Option<(f64, Objection)> = None;
    for value in axis.values.iter().filter(|value| **value != axis.current) {
        let changed = with(values.to_vec(), index, *value);
        let state = case.state_at(&changed);
        let gain = Gain::between(case.control, &here, &state).sure();
        if gain > best.map_or(WORTH_CHANGING * case.power(&here), |(best, _)| best)
            && case.broken(&changed, &state) == 0.0
            && case.is_supported(&state)
            && let Some(objection) = case.objection(&changed, &state)
        {
            best = Some((gain, objection));
        }
    }
    match best {
        None => stays,
        Some((_, Objection::Physics)) => format!("{stays}{HELD}"),
        Some((_, Objection::History(found))) => {
            let (to, from) = (found.to, found.from);
            let rows = match found.against {
                Some(Evidence::NoGain) => format!(
                    "the model is {} kW farther too low of {} rows at that setting than of {} rows at the present one, \
                     which leaves nothing of its gain",
                    tenths(found.excess),
                    to.1,
                    from.1
                ),
                Some(Evidence::UsedMoreForLoad(percent)) => format!(
                    "{} rows at that setting used {percent:.1} % more for the same load than {} rows at the present one",
                    to.1, from.1
                ),
                _ => format!(
                    "{} rows at that setting used {:.0} kW in the mean, {} rows at the present one {:.0} kW",
                    to.1, to.0, from.1, from.0
                ),
            };
            format!(
                "{stays}, for history speaks against the change that the model suggests: under such conditions {rows}"
            )
        }
    }
}

/// Such as `fans 47 → 42 Hz: −6.1 kW of fans against +1.9 kW of chillers`. Of a change that only a limit asks for, no
/// more than what can be.
fn reason(case: &SetpointCase<'_>, axis: &Axis, value: f64, from: &PlantState, to: &PlantState) -> String {
    let control = case.control;
    let own = PowerSplit::of(control, axis.role, to).less(&PowerSplit::of(control, axis.role, from));
    let own = own.told_apart(control, axis, value);
    let change = format!("{} {} → {}", label(axis.role), digits(axis, axis.current), number(axis, value));
    if !physical::is_lawful(axis, value, &own, case.power(&case.state)) {
        return format!("{change}: to keep the limits; history does not tell what it costs");
    }
    let mut parts = Vec::new();
    if axis.is_speed() {
        parts.push(format!("{} kW of {}", signed(own.machines), label(axis.role)));
    }
    let up = (value - axis.current).signum();
    if !axis.is_speed() || up * own.rest <= -0.05 {
        parts.push(format!("{} kW of chillers", signed(own.rest)));
    }
    let against = own.machines * own.rest < 0.0;
    format!("{change}: {}", parts.join(if against { " against " } else { " and " }))
}

/// Conditions that the reason holds for.
fn at(case: &SetpointCase<'_>, unit: Option<&str>) -> String {
    let layout = &case.control.layout;
    let what = match (layout.has(Role::WetBulb), layout.has(Role::DryBulb)) {
        (true, _) => "wet-bulb",
        (false, true) => "outside",
        (false, false) => return String::new(),
    };
    let air = case.control.reference.own(PlantQuantity::WetBulb, PlantQuantity::WetBulb.of(&case.state));
    format!(" at {air:.1} {} {what}", unit.unwrap_or("°"))
}

/// What operators call it.
#[must_use]
pub(crate) fn label(role: Role) -> &'static str {
    match role {
        Role::ChwPumpHz => "chilled-water pumps",
        Role::ScpPumpHz => "secondary pumps",
        Role::CwPumpHz => "condenser pumps",
        Role::CtFanHz => "fans",
        _ => "chilled water",
    }
}

fn plural(axis: &Axis) -> &'static str {
    if axis.is_speed() { "" } else { "s" }
}

fn digits(axis: &Axis, value: f64) -> String {
    if (value - value.round()).abs() < 1e-9 && axis.is_speed() { format!("{value:.0}") } else { format!("{value:.1}") }
}

fn number(axis: &Axis, value: f64) -> String {
    match &axis.unit {
        Some(unit) => format!("{} {unit}", digits(axis, value)),
        None => digits(axis, value),
    }
}

/// To a tenth; what rounds to nothing has no sign.
#[must_use]
pub(crate) fn tenths(kw: f64) -> String {
    format!("{:.1}", (kw * 10.0).round() / 10.0 + 0.0)
}

/// With its sign; what rounds to nothing has none.
fn signed(value: f64) -> String {
    match value {
        value if value.abs() < 0.05 => "0.0".to_owned(),
        value if value < 0.0 => format!("−{:.1}", -value),
        value => format!("+{value:.1}"),
    }
}

//! Says what a recommendation is worth, how sure it is, and why.

use super::super::control::state::{PlantQuantity, PlantState};
use super::super::role::Role;
use super::Recommendation;
use super::guard::SetpointCase;
use super::limits::Axis;
use super::physical::PowerSplit;

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
            let mut undone_values = values.to_vec();
            if let Some(slot) = undone_values.get_mut(index) {
                *slot = axis.current;
            }
            let undone = case.state_at(&undone_values);
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
                    stay(axis)
                },
            }
        })
        .collect()
}

fn stay(axis: &Axis) -> String {
    let held = if axis.held { HELD } else { "" };
    format!("{} stay{} at {}{held}", label(axis.role), plural(axis), number(axis, axis.current))
}

/// Such as `fans 47 → 42 Hz: −6.1 kW of fans against +1.9 kW of chillers`.
fn reason(case: &SetpointCase<'_>, axis: &Axis, value: f64, from: &PlantState, to: &PlantState) -> String {
    let control = case.control;
    let own = PowerSplit::of(control, axis.role, to).less(&PowerSplit::of(control, axis.role, from));
    let mut parts = Vec::new();
    if axis.is_speed() {
        parts.push(format!("{} kW of {}", signed(own.machines), label(axis.role)));
    }
    if !axis.is_speed() || own.rest.abs() >= 0.05 {
        parts.push(format!("{} kW of chillers", signed(own.rest)));
    }
    let against = own.machines * own.rest < 0.0;
    let joined = parts.join(if against { " against " } else { " and " });
    let change = format!("{} → {}", digits(axis, axis.current), number(axis, value));
    format!("{} {change}: {joined}", label(axis.role))
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

fn signed(value: f64) -> String {
    if value < 0.0 { format!("−{:.1}", -value) } else { format!("+{value:.1}") }
}

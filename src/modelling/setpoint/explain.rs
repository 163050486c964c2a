//! Says what a recommendation is worth, how sure it is, and why.

use super::super::control::Control;
use super::super::control::equation::Equation;
use super::super::control::state::{Quantity, SPEEDS, State};
use super::super::features::Role;
use super::Recommendation;
use super::guard::Case;
use super::limits::Axis;

/// How many standard errors a gain must exceed.
const SURE: f64 = 2.0;
/// Least share of the present power that a change must gain: less no meter would show.
pub const WORTH_CHANGING: f64 = 0.001;
/// The same for one variable of several.
pub const WORTH_MOVING: f64 = 0.0002;

/// What one setting gains over another under the same conditions.
#[derive(Debug, Clone, Copy)]
pub struct Gain {
    /// kW less.
    pub power: f64,
    /// [`SURE`] standard errors of the difference, kW, or what is worth a change if that is more.
    pub error: f64,
    /// Share of the refits, and of the second opinion, by which it is a gain at all.
    pub agreement: f64,
    /// Whether the second opinion, if there is one, says that it is a gain.
    pub seconded: bool,
}

impl Gain {
    /// From one normalised state to another; `worth` is the least share of power that counts. The standard error is the jackknife's, over refits that each leave out
    /// one stretch of time: what differs between two settings, without what both have in common.
    #[must_use]
    pub fn between(control: &Control, from: &State, to: &State, worth: f64) -> Self {
        let before = control.power.value(from);
        let power = before - control.power.value(to);
        let (mut sum, mut squares, mut agreeing) = (0.0, 0.0, 0.0);
        let gains = gains(&control.power, from, to);
        for gain in &gains {
            sum += gain;
            agreeing += f64::from(*gain > 0.0);
        }
        let count = gains.len() as f64;
        for gain in &gains {
            squares += (gain - sum / count).powi(2);
        }
        let standard_error = if count > 0.0 { ((count - 1.0) / count * squares).sqrt() } else { f64::INFINITY };
        let rival = control.rival.as_ref().map(|rival| rival.value(from) - rival.value(to));
        let seconded = rival.is_none_or(|gain| gain > 0.0);
        let share = if count > 0.0 { agreeing / count } else { 0.0 };
        // How near the second opinion comes, where there is one.
        let likeness = rival.map_or(1.0, |rival| (rival / power).clamp(0.0, 1.0));
        let agreement = if power > 0.0 { share * likeness } else { 0.0 };
        Self { power, error: (SURE * standard_error).max(worth * before.abs()), agreement, seconded }
    }

    /// Whether it is worth a change.
    #[must_use]
    pub fn is_sure(&self) -> bool {
        self.power > self.error && self.power > 0.0 && self.seconded
    }
}

fn gains(equation: &Equation, from: &State, to: &State) -> Vec<f64> {
    let moved: Vec<f64> = equation.terms.iter().map(|term| term.value(from) - term.value(to)).collect();
    let gain = |refit: &Vec<f64>| moved.iter().zip(refit).map(|(moved, coefficient)| moved * coefficient).sum();
    equation.refits.iter().map(gain).collect()
}

/// Each axis with its value, what its change alone saves, and why.
#[must_use]
pub fn recommendations(case: &Case<'_>, values: &[f64], air_unit: Option<&str>) -> Vec<Recommendation> {
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
    format!("{} stay{} at {}", label(axis.role), plural(axis), number(axis, axis.current))
}

/// Such as `fans 47 → 42 Hz: −6.1 kW of fans against +1.9 kW of chillers`.
fn reason(case: &Case<'_>, axis: &Axis, value: f64, from: &State, to: &State) -> String {
    let control = case.control;
    let own = Parts::of(control, axis.role, to).less(&Parts::of(control, axis.role, from));
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
fn at(case: &Case<'_>, unit: Option<&str>) -> String {
    let layout = &case.control.layout;
    let what = match (layout.has(Role::WetBulb), layout.has(Role::DryBulb)) {
        (true, _) => "wet-bulb",
        (false, true) => "outside",
        (false, false) => return String::new(),
    };
    let air = case.control.reference.own(Quantity::WetBulb, Quantity::WetBulb.of(&case.state));
    format!(" at {air:.1} {} {what}", unit.unwrap_or("°"))
}

/// Power of one kind's machines, and all the rest.
struct Parts {
    machines: f64,
    rest: f64,
}

impl Parts {
    fn of(control: &Control, role: Role, state: &State) -> Self {
        let kind = SPEEDS.iter().find(|(own, ..)| *own == role);
        let own = |terms: &[(Quantity, i32)]| {
            kind.is_some_and(|(_, speed, count)| {
                terms.iter().any(|(own, _)| own == speed) && terms.iter().all(|(own, _)| own == speed || own == count)
            })
        };
        let mut parts = Self { machines: 0.0, rest: 0.0 };
        for (term, coefficient) in control.power.terms.iter().zip(&control.power.coefficients) {
            let value = coefficient * term.value(state);
            if own(&term.0) {
                parts.machines += value;
            } else {
                parts.rest += value;
            }
        }
        parts
    }

    fn less(&self, other: &Self) -> Self {
        Self { machines: self.machines - other.machines, rest: self.rest - other.rest }
    }
}

/// What operators call it.
#[must_use]
pub fn label(role: Role) -> &'static str {
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

//! Whether what a model makes of a set-point can be so: the laws that every plant keeps, whatever its history suggests.
//!
//! Where speeds hardly vary, or only with the weather, least squares may find that faster pumps need less power, or
//! that slower fans relieve the chillers. Such a variable is left alone: history does not tell what it does.

use super::super::control::Control;
use super::super::control::state::{PlantQuantity, PlantState, SPEEDS};
use super::super::role::Role;
use super::limits::Axis;

/// Most that one kind of pumps or fans takes of a plant's power.
const MOST_OF_A_KIND: f64 = 0.3;
/// Most that a plant saves for a K of warmer chilled water, as a share; chillers save 2–4 %.
const MOST_PER_K: f64 = 0.06;
/// Most that a plant saves by as much more air or condenser water: condensers get some K colder, at 2–4 % each.
const MOST_RELIEF: f64 = 0.2;
/// Least that one kind of pumps or fans takes of a plant's power.
const LEAST_OF_A_KIND: f64 = 0.001;
/// Share of power that counts as none: no fit is exact.
const NONE: f64 = 0.005;
/// Share of power that a part of a recommended change may be of the wrong sign by: it is not said.
const NEGLIGIBLE: f64 = 0.0001;

/// Power of one kind's machines, and all the rest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PowerSplit {
    pub(crate) machines: f64,
    pub(crate) rest: f64,
}

impl PowerSplit {
    /// Of a normalised state, for the machines of a role.
    #[must_use]
    pub(crate) fn of(control: &Control, role: Role, state: &PlantState) -> Self {
        let kind = SPEEDS.iter().find(|(own, ..)| *own == role);
        let own = |terms: &[(PlantQuantity, i32)]| {
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

    /// All.
    fn sum(&self) -> f64 {
        self.machines + self.rest
    }

    /// The difference.
    #[must_use]
    pub(crate) fn less(&self, other: &Self) -> Self {
        Self { machines: self.machines - other.machines, rest: self.rest - other.rest }
    }
}

/// Whether what the model makes of an axis, the others as they are, can be; `at` gives the state at one of its values.
///
/// With the condenser's temperature in between, a model tells machines from chillers: raised from its least to its
/// most value, pumps and fans take more power, no more than one kind can; faster fans and condenser pumps do not burden
/// the chillers; warmer chilled water relieves them, by no more than it can. Without, only the sum is told apart:
/// slower machines save no more than they take, faster ones no more than their water or air relieves the chillers by.
#[must_use]
pub(crate) fn is_possible(
    control: &Control,
    present: &PlantState,
    axis: &Axis,
    at: impl Fn(f64) -> PlantState,
) -> bool {
    let (Some(low), Some(high)) = (axis.values.first(), axis.values.last()) else { return true };
    if high <= low {
        return true;
    }
    let parts = |value: f64| PowerSplit::of(control, axis.role, &at(value));
    let power = control.power.value(present).abs();
    let (at_low, at_high) = (parts(*low), parts(*high));
    let change = at_high.less(&at_low);
    if !axis.is_speed() {
        let kelvin = (high - low) * if control.fahrenheit { 5.0 / 9.0 } else { 1.0 };
        return (-MOST_PER_K * power * kelvin..=NONE * power).contains(&change.rest);
    }
    let now = axis.current.max(1.0);
    if control.condenser.is_some() {
        let cubes = (high.powi(3) - low.powi(3)) / now.powi(3);
        let own = (0.0..=MOST_OF_A_KIND * power * cubes).contains(&change.machines);
        return own && change.rest <= NONE * power;
    }
    let slower = power - at_low.sum();
    let faster = power - at_high.sum();
    let relieves = if matches!(axis.role, Role::CtFanHz | Role::CwPumpHz) { MOST_RELIEF } else { 0.0 };
    slower <= power * (MOST_OF_A_KIND * (1.0 - (low / now).powi(3)).max(0.0) + NONE)
        && faster <= power * (relieves * (1.0 - now / high).max(0.0) + NONE)
}

impl PowerSplit {
    /// A change of an axis, with what cannot be the chillers' part counted to the machines: without the condenser's
    /// temperature in between a model only knows their sum.
    #[must_use]
    pub(crate) fn told_apart(self, control: &Control, axis: &Axis, to: f64) -> Self {
        let burdens = (to - axis.current).signum() * self.rest > 0.0;
        if control.condenser.is_none() && axis.is_speed() && burdens {
            return Self { machines: self.sum(), rest: 0.0 };
        }
        self
    }
}

/// Whether a change of one axis, as the model splits it up, has the sign that it must have in each part: machines that
/// turn faster take more power; faster fans and condenser pumps relieve the chillers, as warmer chilled water does.
#[must_use]
pub(crate) fn is_lawful(axis: &Axis, to: f64, change: &PowerSplit, power: f64) -> bool {
    let (from, power) = (axis.current, power.abs());
    let up = (to - from).signum();
    let relieves = up * change.rest <= NEGLIGIBLE * power;
    if !axis.is_speed() {
        return relieves;
    }
    let cubes = (to.powi(3) - from.powi(3)).abs() / from.max(1.0).powi(3);
    relieves && up * change.machines >= LEAST_OF_A_KIND * power * cubes
}

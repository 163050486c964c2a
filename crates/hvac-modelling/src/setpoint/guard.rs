//! Judges a choice of set-points: what it costs, whether it keeps the limits, and whether history speaks for it.

use std::cell::RefCell;
use std::collections::HashMap;

use super::super::control::Control;
use super::super::control::plant_log::{Comparison, Move};
use super::super::control::precedent::Precedent;
use super::super::control::state::{PlantQuantity, PlantState, STANDS_HZ, quantity_of};
use super::super::role::Role;
use super::gain::Opinions;
use super::limits::{self, Axis, Limit};
use super::physical::{self, PowerSplit};

/// Capacity that must be proved beyond the load: meters of load and temperature are not exact.
const COIL_MARGIN: f64 = 0.01;
/// How much farther from history than its strangest rows a choice may lie.
const REACH: f64 = 1.25;

/// Why a change is not recommended although a model sees a gain in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Objection {
    /// A part of it has a sign that cannot be.
    Physics,
    /// Rows of like conditions used more power at that setting than at the present one.
    History(Comparison),
}

/// A question made ready: conditions, present set-points, axes and limits.
#[derive(Debug)]
pub(crate) struct SetpointCase<'a> {
    pub(crate) control: &'a Control,
    /// Of the control's features: conditions and present set-points.
    pub(crate) row: Vec<f64>,
    /// Normalised state of that row.
    pub(crate) state: PlantState,
    pub(crate) axes: Vec<Axis>,
    pub(crate) limits: Vec<Limit>,
    present: Precedent,
    /// What each model says of the present: power, its refits, the second opinion.
    now: Opinions,
    /// Rows of history whose conditions are near enough to count, by their places.
    near: Vec<&'a [f64]>,
    /// What precedents say, by supply temperature and flows.
    proved: RefCell<HashMap<[u64; 3], bool>>,
    /// Axes by which a limit that is broken now may be mended: that comes before what a model makes of power.
    mending: Vec<bool>,
    /// Rows of the log of like conditions, and what they say of settings.
    alike: Vec<usize>,
    compared: RefCell<HashMap<Vec<u64>, Option<Comparison>>>,
}

impl<'a> SetpointCase<'a> {
    /// None when the plant stands still or a value is missing.
    #[must_use]
    pub(crate) fn new(control: &'a Control, row: Vec<f64>, axes: Vec<Axis>, limits: Vec<Limit>) -> Option<Self> {
        let state = control.state(&row)?;
        let support = &control.support;
        let chosen: Vec<Option<PlantQuantity>> = axes.iter().map(|axis| axis.quantity).collect();
        let fixed: Vec<bool> = support.quantities.iter().map(|quantity| !chosen.contains(&Some(*quantity))).collect();
        let whole = chosen.iter().all(Option::is_some);
        let place = support.place(&state);
        let reach = support.reach * REACH;
        let near = support.rows.iter().map(Vec::as_slice).filter(|row| {
            let axes = row.iter().zip(&place).zip(&fixed).filter(|(_, fixed)| **fixed || !whole);
            let square: f64 = axes.map(|((a, b), _)| (a - b) * (a - b)).sum();
            !whole || square <= reach * reach
        });
        let near = near.collect();
        let present = control.precedent(&state);
        let now = Opinions::of(control, &state);
        let alike = control.alike(&state);
        let (proved, compared) = (RefCell::default(), RefCell::default());
        let mending = vec![false; axes.len()];
        let mut case = Self { control, row, state, axes, limits, present, now, near, proved, mending, alike, compared };
        if !case.broken_now().is_empty() {
            let mends = |axis: &Axis| {
                let matters = case.limits.iter().any(|limit| limits::matters(control, axis, limit));
                matters || !axis.keeps(axis.current)
            };
            case.mending = case.axes.iter().map(mends).collect();
        }
        case.hold_what_contradicts_physics();
        Some(case)
    }

    /// Leaves a variable no value but its present one where the model cannot be right about it; not one by which a
    /// limit that is broken now may be mended.
    fn hold_what_contradicts_physics(&mut self) {
        let held: Vec<bool> = self
            .axes
            .iter()
            .zip(&self.mending)
            .enumerate()
            .map(|(index, (axis, mends))| {
                let at = |value: f64| self.state_at(&with(self.current(), index, value));
                !mends && !physical::is_possible(self.control, &self.state, axis, at)
            })
            .collect();
        for (axis, _) in self.axes.iter_mut().zip(held).filter(|(_, held)| *held) {
            axis.values = vec![axis.current];
            axis.held = true;
        }
    }

    /// What speaks against values at which the models see a gain; nothing against those that mend a broken limit.
    #[must_use]
    pub(crate) fn objection(&self, values: &[f64], state: &PlantState) -> Option<Objection> {
        let changed = |(index, axis): &(usize, &Axis)| {
            let moved = values.get(*index).is_some_and(|value| *value != axis.current);
            moved && self.mending.get(*index) == Some(&false)
        };
        let mut changes = self.axes.iter().enumerate().filter(changed).peekable();
        changes.peek()?;
        if changes.any(|(index, axis)| !self.is_lawful(index, axis, values, state)) {
            return Some(Objection::Physics);
        }
        let against = self.comparison(state).filter(|comparison| comparison.against.is_some());
        against.map(Objection::History)
    }

    /// Whether a change is lawful by itself, and beside the others.
    fn is_lawful(&self, index: usize, axis: &Axis, values: &[f64], state: &PlantState) -> bool {
        let Some(to) = values.get(index).copied() else { return true };
        let power = self.power(&self.state);
        let split = |state: &PlantState| PowerSplit::of(self.control, axis.role, state);
        let beside = split(state).less(&split(&self.state_at(&with(values.to_vec(), index, axis.current))));
        let alone = split(&self.state_at(&with(self.current(), index, to))).less(&split(&self.state));
        [beside, alone].into_iter().all(|change| {
            let change = change.told_apart(self.control, axis, to);
            physical::is_lawful(axis, to, &change, power)
        })
    }

    /// What rows of like conditions say of a state: of each set-point that it changes, and of all together; the first
    /// that speaks against it, if any does.
    #[must_use]
    pub(crate) fn comparison(&self, state: &PlantState) -> Option<Comparison> {
        let mends = |one: &Move| {
            let mut axes = self.axes.iter().zip(&self.mending);
            axes.any(|(axis, mends)| *mends && quantity_of(axis.role) == Some(one.quantity))
        };
        let mut moves = self.control.moves(&self.state, state);
        moves.retain(|one| !mends(one));
        let mut found = None;
        let single = moves.iter().map(std::slice::from_ref);
        for some in single.chain((moves.len() > 1).then_some(moves.as_slice())) {
            match self.compare(some) {
                Some(comparison) if comparison.against.is_some() => return Some(comparison),
                comparison => found = comparison.or(found),
            }
        }
        found
    }

    fn compare(&self, moves: &[Move]) -> Option<Comparison> {
        let key = moves.iter().flat_map(|one| [one.quantity.index() as u64, one.to.to_bits()]).collect();
        let compared = || {
            let mut moved = self.state;
            moves.iter().for_each(|one| one.quantity.set(&mut moved, one.to));
            self.control.complete(&mut moved);
            let gain = self.power(&self.state) - self.power(&moved);
            self.control.log.compare(&self.alike, moves, gain)
        };
        *self.compared.borrow_mut().entry(key).or_insert_with(compared)
    }

    /// Whether chilled water could have been considered if history told how many machines ran.
    #[must_use]
    pub(crate) fn is_held_for_want_of_counts(&self) -> bool {
        let of_chilled_water =
            |axis: &Axis| matches!(axis.role, Role::ChwSupplyTemp | Role::ChwPumpHz | Role::ScpPumpHz);
        !self.control.counted && self.axes.iter().any(of_chilled_water)
    }

    /// Present values of the axes.
    #[must_use]
    pub(crate) fn current(&self) -> Vec<f64> {
        self.axes.iter().map(|axis| axis.current).collect()
    }

    /// The control's row with those values; machines that stand keep standing.
    #[must_use]
    pub(crate) fn row_at(&self, values: &[f64]) -> Vec<f64> {
        let mut row = self.row.clone();
        for (axis, value) in self.axes.iter().zip(values) {
            for position in &axis.positions {
                if let Some(slot) = row.get_mut(*position).filter(|slot| **slot > STANDS_HZ || !axis.is_speed()) {
                    *slot = *value;
                }
            }
        }
        row
    }

    /// The normalised state with those values.
    #[must_use]
    pub(crate) fn state_at(&self, values: &[f64]) -> PlantState {
        if self.axes.iter().any(|axis| axis.quantity.is_none()) {
            return self.control.state(&self.row_at(values)).unwrap_or(self.state);
        }
        let mut state = self.state;
        for (axis, value) in self.axes.iter().zip(values) {
            if let Some(quantity) = axis.quantity {
                quantity.set(&mut state, self.control.reference.normal(quantity, *value));
            }
        }
        self.control.complete(&mut state);
        state
    }

    /// Power of a state, kW.
    #[must_use]
    pub(crate) fn power(&self, state: &PlantState) -> f64 {
        self.control.power.value(state)
    }

    /// What may be relied on to be gained by a state, kW.
    #[must_use]
    pub(crate) fn sure_gain(&self, state: &PlantState) -> f64 {
        self.now.gain(&Opinions::of(self.control, state)).sure()
    }

    /// The same, from what the models say.
    #[must_use]
    pub(crate) fn sure_gain_of(&self, opinions: &Opinions) -> f64 {
        self.now.gain(opinions).sure()
    }

    /// By how much values break hard limits and constraints: 0 when they keep all.
    #[must_use]
    pub(crate) fn broken(&self, values: &[f64], state: &PlantState) -> f64 {
        let axes = self.axes.iter().zip(values).map(|(axis, value)| {
            let outside = (axis.low - value).max(value - axis.high).max(0.0);
            if axis.keeps(*value) { 0.0 } else { outside / (axis.high - axis.low).max(axis.step) }
        });
        let changed = self.axes.iter().zip(values).any(|(axis, value)| *value != axis.current);
        let row = if self.limits.is_empty() { Vec::new() } else { self.row_at(values) };
        let limits = self.limits.iter().map(|limit| {
            // What is now needs no room for the model's error.
            let margin = if changed { limit.margin } else { 0.0 };
            let value = limit.value(self.control, &row, state);
            value.map_or(1.0, |value| limit.broken_by(value, margin))
        });
        axes.sum::<f64>() + limits.sum::<f64>()
    }

    /// Limits that the present set-points break, without margin: what is, is.
    #[must_use]
    pub(crate) fn broken_now(&self) -> Vec<String> {
        let limits = self.limits.iter().filter_map(|limit| {
            let value = limit.value(self.control, &self.row, &self.state)?;
            (limit.broken_by(value, 0.0) > 0.0).then(|| format!("{}: it is {value:.1}", limit.text()))
        });
        let axes = self
            .axes
            .iter()
            .filter(|axis| !axis.keeps(axis.current))
            .map(|axis| format!("{} ≤ {} ≤ {}: it is {}", axis.low, axis.name, axis.high, axis.current));
        axes.chain(limits).collect()
    }

    /// Whether history speaks for a state: near enough to what was, and the load met as before.
    #[must_use]
    pub(crate) fn is_supported(&self, state: &PlantState) -> bool {
        self.is_proved(state) && self.is_near(state)
    }

    /// How far a state lies from history, as a share of how far it may.
    #[must_use]
    pub(crate) fn distance(&self, state: &PlantState) -> f64 {
        self.control.support.distance(state) / (self.control.support.reach * REACH).max(1e-9)
    }

    /// How dense history is around a state: 1 where it is as near as days usually are to each other, falling to ½
    /// at the farthest that is allowed.
    #[must_use]
    pub(crate) fn density(&self, state: &PlantState) -> f64 {
        let (support, reach) = (&self.control.support, self.control.support.reach * REACH);
        let over = (support.distance(state) - support.usual) / (reach - support.usual).max(1e-9);
        1.0 - 0.5 * over.clamp(0.0, 1.0)
    }

    fn is_near(&self, state: &PlantState) -> bool {
        let reach = self.control.support.reach * REACH;
        let place = self.control.support.place(state);
        self.near.iter().any(|row| row.iter().zip(&place).map(|(a, b)| (a - b) * (a - b)).sum::<f64>() <= reach * reach)
    }

    fn is_proved(&self, state: &PlantState) -> bool {
        let wanted = self.control.precedent(state);
        let key = [wanted.supply_c, wanted.chw_hz, wanted.scp_hz].map(f64::to_bits);
        *self.proved.borrow_mut().entry(key).or_insert_with(|| self.proves(&wanted))
    }

    /// Whether precedents prove that the load would be met as now: by coils when they get less water or warmer, by
    /// chillers when they are to make it colder, and with the same machines when its temperature changes.
    fn proves(&self, wanted: &Precedent) -> bool {
        const SAME: f64 = 1e-6;
        let (now, precedents) = (&self.present, &self.control.precedents);
        let less = |wanted: f64, now: f64| wanted < now - SAME;
        let warmer = less(now.supply_c, wanted.supply_c);
        let colder = less(wanted.supply_c, now.supply_c);
        if warmer || less(wanted.chw_hz, now.chw_hz) || less(wanted.scp_hz, now.scp_hz) {
            let needed = now.load * (1.0 + COIL_MARGIN);
            if !(now.load > 0.0 && precedents.coil_load(wanted) >= needed) {
                return false;
            }
        }
        if colder && !(now.load > 0.0 && precedents.chillers_can(wanted)) {
            return false;
        }
        !(colder || warmer) || precedents.machines_stay(wanted)
    }
}

/// Values with one of them changed.
#[must_use]
pub(crate) fn with(mut values: Vec<f64>, index: usize, value: f64) -> Vec<f64> {
    values.iter_mut().skip(index).take(1).for_each(|slot| *slot = value);
    values
}

//! The exhaustive search: every combination of operator steps, exactly.
//!
//! Exact does not mean that each is computed by itself. Along one axis, that which moves nothing but its own
//! machines, power is a polynomial; and a combination that costs more than the best so far needs no judgement.

use super::super::control::state::{QUANTITIES, Quantity, State};
use super::guard::Case;
use super::limits::Axis;

/// The most axes that every combination is tried of.
pub const MOST_AXES: usize = 4;
/// The most combinations that are tried.
pub const MOST_POINTS: u64 = 20_000_000;
/// Powers nearer to each other than this are one, kW: the smaller change is taken.
const TIE: f64 = 1e-9;

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// One a axis.
    pub values: Vec<f64>,
    pub power: f64,
    /// Combinations that the search covered.
    pub evaluated: u64,
}

/// Combinations of the axes' values.
#[must_use]
pub fn points(axes: &[Axis]) -> u64 {
    axes.iter().fold(1, |product: u64, axis| product.saturating_mul(axis.values.len() as u64))
}

/// The combination of least power that keeps every limit and that history supports; of equals, the one nearest to
/// the present. None when there is none.
#[must_use]
pub fn search(case: &Case<'_>) -> Option<Found> {
    let order = order(case);
    let (inner, outer) = order.split_last()?;
    let mut best = Best { case, found: None, change: f64::INFINITY };
    let mut counters = vec![0_usize; outer.len()];
    let mut values = case.current();
    'outer: loop {
        for (axis, counter) in outer.iter().zip(&counters) {
            put(&mut values, *axis, case.axes.get(*axis).and_then(|axis| axis.values.get(*counter)).copied()?);
        }
        best.along(*inner, &mut values);
        for (axis, counter) in outer.iter().zip(&mut counters).rev() {
            *counter += 1;
            if *counter < case.axes.get(*axis)?.values.len() {
                continue 'outer;
            }
            *counter = 0;
        }
        break;
    }
    let evaluated = points(&case.axes);
    best.found.map(|(values, power)| Found { values, power, evaluated })
}

/// How far values are from the present ones, in steps.
#[must_use]
pub fn change(case: &Case<'_>, values: &[f64]) -> f64 {
    case.axes.iter().zip(values).map(|(axis, value)| (value - axis.current).abs() / axis.step).sum()
}

/// Whether a power with that change is better than another's.
#[must_use]
pub fn is_better(power: f64, change: f64, than: (f64, f64)) -> bool {
    power < than.0 - TIE || (power <= than.0 + TIE && change < than.1)
}

fn put(values: &mut [f64], index: usize, value: f64) {
    if let Some(slot) = values.get_mut(index) {
        *slot = value;
    }
}

/// The axes, that last along which power is simplest.
fn order(case: &Case<'_>) -> Vec<usize> {
    let weight = |index: &usize| {
        let quantity = case.axes.get(*index).and_then(|axis| axis.quantity);
        quantity.map_or(usize::MAX, |quantity| {
            let in_power = case.control.power.terms.iter().filter(|term| term.has(quantity)).count();
            let condenser = case.control.condenser.iter().flat_map(|equation| &equation.terms);
            in_power + 1000 * condenser.filter(|term| term.has(quantity)).count()
        })
    };
    let mut order: Vec<usize> = (0..case.axes.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(weight(index)));
    order
}

struct Best<'a> {
    case: &'a Case<'a>,
    found: Option<(Vec<f64>, f64)>,
    change: f64,
}

impl Best<'_> {
    /// Tries every value of one axis.
    fn along(&mut self, axis: usize, values: &mut [f64]) {
        let Some(inner) = self.case.axes.get(axis) else { return };
        let Some(quantity) = inner.quantity.filter(|quantity| self.is_apart(*quantity)) else {
            for value in &inner.values {
                put(values, axis, *value);
                let state = self.case.state_at(values);
                self.offer(values, &state, self.case.power(&state));
            }
            return;
        };
        let mut state = self.case.state_at(values);
        let line = Line::of(self.case, quantity, &state);
        for value in &inner.values {
            put(values, axis, *value);
            let normal = self.case.control.reference.normal(quantity, *value);
            quantity.set(&mut state, normal);
            self.offer(values, &state, line.at(normal));
        }
    }

    /// Whether the condenser's temperature does not depend on it.
    fn is_apart(&self, quantity: Quantity) -> bool {
        !self.case.control.condenser.iter().flat_map(|equation| &equation.terms).any(|term| term.has(quantity))
    }

    fn offer(&mut self, values: &[f64], state: &State, power: f64) {
        let best = self.found.as_ref().map_or(f64::INFINITY, |(_, power)| *power);
        if power > best + TIE || !power.is_finite() {
            return;
        }
        let change = change(self.case, values);
        if is_better(power, change, (best, self.change))
            && self.case.broken(values, state) == 0.0
            && (change == 0.0 || self.case.is_supported(state))
        {
            self.found = Some((values.to_vec(), power));
            self.change = change;
        }
    }
}

/// Power along one quantity, the others held: a sum of its powers.
struct Line {
    /// (power, coefficient).
    parts: Vec<(i32, f64)>,
}

impl Line {
    fn of(case: &Case<'_>, quantity: Quantity, state: &State) -> Self {
        let mut held = *state;
        quantity.set(&mut held, 1.0);
        debug_assert_eq!(held.len(), QUANTITIES);
        let mut parts: Vec<(i32, f64)> = Vec::new();
        let power = &case.control.power;
        for (term, coefficient) in power.terms.iter().zip(&power.coefficients) {
            let exponent = term.exponent(quantity);
            let value = coefficient * term.value(&held);
            match parts.iter_mut().find(|(own, _)| *own == exponent) {
                Some((_, sum)) => *sum += value,
                None => parts.push((exponent, value)),
            }
        }
        Self { parts }
    }

    fn at(&self, value: f64) -> f64 {
        self.parts.iter().map(|(exponent, coefficient)| coefficient * value.powi(*exponent)).sum()
    }
}

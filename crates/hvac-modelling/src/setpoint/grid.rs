//! The exhaustive search: every combination of operator steps, exactly.
//!
//! Exact does not mean that each is computed by itself. Along one axis, that which moves nothing but its own
//! machines, power is a polynomial; and a combination that cannot win needs no judgement.

use super::super::control::Control;
use super::super::control::equation::Equation;
use super::super::control::state::{PlantQuantity, PlantState};
use super::gain::Opinions;
use super::guard::SetpointCase;
use super::limits::Axis;

/// The most axes that every combination is tried of.
pub(crate) const MOST_AXES: usize = 4;
/// The most combinations that are tried.
pub(crate) const MOST_POINTS: u64 = 20_000_000;
/// Gains nearer to each other than this are one, kW: the smaller change is taken.
const TIE: f64 = 1e-9;

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SearchResult {
    /// One a axis.
    pub(crate) values: Vec<f64>,
    /// What may be relied on to be gained, kW.
    pub(crate) gain: f64,
    /// Combinations that the search covered.
    pub(crate) evaluated: u64,
}

/// Combinations of the axes' values.
#[must_use]
pub(crate) fn points(axes: &[Axis]) -> u64 {
    axes.iter().fold(1, |product: u64, axis| product.saturating_mul(axis.values.len() as u64))
}

/// The combination of the largest sure gain that keeps every limit and that history supports; of equals, the one
/// nearest to the present. None when there is none.
#[must_use]
pub(crate) fn search(case: &SetpointCase<'_>) -> Option<SearchResult> {
    let order = order(case);
    let (inner, outer) = order.split_last()?;
    let now = case.power(&case.state);
    let mut best = BestSetting { case, now, found: None, change: f64::INFINITY };
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
    best.found.map(|(values, gain)| SearchResult { values, gain, evaluated })
}

/// How far values are from the present ones, in steps.
#[must_use]
pub(crate) fn change(case: &SetpointCase<'_>, values: &[f64]) -> f64 {
    case.axes.iter().zip(values).map(|(axis, value)| (value - axis.current).abs() / axis.step).sum()
}

/// Whether a gain with that change is better than another's.
#[must_use]
pub(crate) fn is_better(gain: f64, change: f64, than: (f64, f64)) -> bool {
    gain > than.0 + TIE || (gain >= than.0 - TIE && change < than.1)
}

fn put(values: &mut [f64], index: usize, value: f64) {
    if let Some(slot) = values.get_mut(index) {
        *slot = value;
    }
}

/// The axes, that last along which power is simplest.
fn order(case: &SetpointCase<'_>) -> Vec<usize> {
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

struct BestSetting<'a> {
    case: &'a SetpointCase<'a>,
    /// Present power, kW.
    now: f64,
    found: Option<(Vec<f64>, f64)>,
    change: f64,
}

impl BestSetting<'_> {
    /// Tries every value of one axis.
    fn along(&mut self, axis: usize, values: &mut [f64]) {
        let Some(inner) = self.case.axes.get(axis) else { return };
        let Some(quantity) = inner.quantity.filter(|quantity| self.is_apart(*quantity)) else {
            for value in &inner.values {
                put(values, axis, *value);
                let state = self.case.state_at(values);
                if self.may_win(self.case.power(&state)) {
                    self.offer(values, &state, self.case.sure_gain(&state));
                }
            }
            return;
        };
        let mut state = self.case.state_at(values);
        let line = PowerProfile::of(self.case.control, quantity, &state);
        for value in &inner.values {
            put(values, axis, *value);
            let normal = self.case.control.reference.normal(quantity, *value);
            quantity.set(&mut state, normal);
            let powers = line.powers_of(normal);
            if self.may_win(line.power(&powers)) {
                self.offer(values, &state, self.case.sure_gain_of(&line.opinions(&powers)));
            }
        }
    }

    /// Whether the condenser's temperature does not depend on it.
    fn is_apart(&self, quantity: PlantQuantity) -> bool {
        !self.case.control.condenser.iter().flat_map(|equation| &equation.terms).any(|term| term.has(quantity))
    }

    /// What is sure is never more than what is predicted.
    fn may_win(&self, power: f64) -> bool {
        let best = self.found.as_ref().map_or(f64::NEG_INFINITY, |(_, gain)| *gain);
        self.now - power >= best - TIE
    }

    fn offer(&mut self, values: &[f64], state: &PlantState, gain: f64) {
        let best = self.found.as_ref().map_or(f64::NEG_INFINITY, |(_, gain)| *gain);
        if gain < best - TIE || !gain.is_finite() {
            return;
        }
        let change = change(self.case, values);
        if is_better(gain, change, (best, self.change))
            && self.case.broken(values, state) == 0.0
            && (change == 0.0 || (self.case.is_supported(state) && self.case.objection(values, state).is_none()))
        {
            self.found = Some((values.to_vec(), gain));
            self.change = change;
        }
    }
}

/// What all models say along one quantity, the others held: sums of its powers.
struct PowerProfile {
    /// Which powers of it there are.
    exponents: Vec<i32>,
    /// One coefficient a power, each.
    power: Vec<f64>,
    rival: Option<Vec<f64>>,
    refits: Vec<Vec<f64>>,
}

impl PowerProfile {
    fn of(control: &Control, quantity: PlantQuantity, state: &PlantState) -> Self {
        let mut held = *state;
        quantity.set(&mut held, 1.0);
        let mut exponents: Vec<i32> = Vec::new();
        let equations = std::iter::once(&control.power).chain(&control.rival);
        for term in equations.flat_map(|equation| &equation.terms) {
            let exponent = term.exponent(quantity);
            if !exponents.contains(&exponent) {
                exponents.push(exponent);
            }
        }
        let parts = |equation: &Equation| -> Vec<(usize, f64)> {
            let place = |exponent| exponents.iter().position(|own| *own == exponent).unwrap_or(usize::MAX);
            equation.terms.iter().map(|term| (place(term.exponent(quantity)), term.value(&held))).collect()
        };
        let gathered = |parts: &[(usize, f64)], coefficients: &[f64]| {
            let mut sums = vec![0.0; exponents.len()];
            for ((place, value), coefficient) in parts.iter().zip(coefficients) {
                match sums.get_mut(*place) {
                    Some(sum) => *sum += value * coefficient,
                    None => return vec![f64::NAN; exponents.len()],
                }
            }
            sums
        };
        let own = parts(&control.power);
        let power = gathered(&own, &control.power.coefficients);
        let refits = control.power.refits.iter().map(|refit| gathered(&own, refit)).collect();
        let rival = control.rival.as_ref().map(|rival| gathered(&parts(rival), &rival.coefficients));
        Self { exponents, power, rival, refits }
    }

    fn powers_of(&self, value: f64) -> Vec<f64> {
        self.exponents.iter().map(|exponent| value.powi(*exponent)).collect()
    }

    fn power(&self, powers: &[f64]) -> f64 {
        sum(&self.power, powers)
    }

    fn opinions(&self, powers: &[f64]) -> Opinions {
        Opinions {
            power: self.power(powers),
            rival: self.rival.as_ref().map(|rival| sum(rival, powers)),
            refits: self.refits.iter().map(|refit| sum(refit, powers)).collect(),
        }
    }
}

fn sum(coefficients: &[f64], powers: &[f64]) -> f64 {
    coefficients.iter().zip(powers).map(|(coefficient, power)| coefficient * power).sum()
}

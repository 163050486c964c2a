//! The plant's own log, kept with the model: what power was under which conditions at which set-points.
//!
//! A regression tells effects apart that history mixes, and may tell them wrong. So before a setting is recommended,
//! the log's own rows are asked: those of the same load, air and machines at the present setting, and those at the
//! other. Where these used more power, history speaks against the change, whatever a model makes of it. And what
//! nobody gave is taken from rows like the conditions that were given, so that it belongs to one state of the plant.

use serde::{Deserialize, Serialize};

use super::equation::Equation;
use super::state::{PlantQuantity, PlantState};

/// Rows of like conditions: load within this share …
pub(crate) const LOAD_SHARE: f64 = 0.10;
/// … and outside air within this many K.
const AIR_K: f64 = 1.0;
/// Rows at each of two settings that a comparison needs.
pub(crate) const LEAST_COMPARED: usize = 30;
/// Rows of like conditions that a typical value needs.
const LEAST_TYPICAL: usize = 10;
/// How near a row is to a setting, in operators' steps: looked at narrowly first.
const NEAR_STEPS: [f64; 3] = [0.5, 1.0, 2.0];
/// Standard errors that a mean of rows must be higher by to speak against a change.
const NOISE: f64 = 2.0;
/// Most rows that are kept; more are thinned evenly.
const MOST_KEPT: usize = 20_000;
/// Digits of what is kept: a thousandth of the median, or of a K.
const STEPS: f64 = 1000.0;

/// Rows of history, column by column.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct PlantLog {
    /// What there is a column of.
    quantities: Vec<PlantQuantity>,
    /// Of normalised states, one a quantity.
    columns: Vec<Vec<f32>>,
    /// Power, as a share of `kw`.
    power: Vec<f32>,
    /// Power less what the model says of it, as a share of `kw`.
    excess: Vec<f32>,
    /// Median power, kW.
    kw: f64,
    /// A K of the outside air in its own unit.
    air_k: f64,
}

/// A quantity's present value and another, and an operator's step of it; all as terms use them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Move {
    pub(crate) quantity: PlantQuantity,
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) step: f64,
}

/// What rows of like conditions used at two settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Comparison {
    /// Mean power at the present setting, kW, and of how many rows.
    pub(crate) from: (f64, usize),
    /// The same at the other.
    pub(crate) to: (f64, usize),
    /// By how much more the model is too low at the other setting than at the present one, kW.
    pub(crate) excess: f64,
    /// What of it speaks against the change, beyond its noise.
    pub(crate) against: Option<Evidence>,
}

/// What of a comparison speaks against a change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Evidence {
    /// The rows used more power at the other setting.
    UsedMore,
    /// They used so many percent more for the same load.
    UsedMoreForLoad(f64),
    /// Given all that the model knows of them, they used so much more there that nothing is left of its gain.
    NoGain,
}

impl PlantLog {
    /// Of normalised states, their power and what a model says of it; `air_k` is a K of the air in its own unit.
    #[must_use]
    pub(crate) fn of(
        known: &[PlantQuantity],
        states: &[PlantState],
        (y, model): (&[f64], &Equation),
        air_k: f64,
    ) -> Self {
        let kept = |quantity: &&PlantQuantity| !quantity.is_count_of_a_kind();
        let quantities: Vec<PlantQuantity> = known.iter().filter(kept).copied().collect();
        let every = states.len().div_ceil(MOST_KEPT).max(1);
        let column = |quantity: &PlantQuantity| -> Vec<f32> {
            states.iter().step_by(every).map(|state| digits(quantity.of(state))).collect()
        };
        let columns = quantities.iter().map(column).collect();
        let mut sorted = y.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let kw = sorted.get(sorted.len() / 2).copied().filter(|kw| *kw > 0.0).unwrap_or(1.0);
        let power = y.iter().step_by(every).map(|power| digits(power / kw)).collect();
        let both = states.iter().zip(y).step_by(every);
        let excess = both.map(|(state, power)| digits((power - model.value(state)) / kw)).collect();
        Self { quantities, columns, power, excess, kw, air_k }
    }

    /// Whether every column has a value for every row.
    #[must_use]
    pub(crate) fn is_whole(&self) -> bool {
        self.quantities.len() == self.columns.len()
            && self.excess.len() == self.power.len()
            && self.columns.iter().all(|column| column.len() == self.power.len())
    }

    /// How far the air of like rows may be away, in its own unit.
    #[must_use]
    pub(crate) fn air_width(&self) -> f64 {
        AIR_K * self.air_k
    }

    fn column(&self, quantity: PlantQuantity) -> Option<&[f32]> {
        let place = self.quantities.iter().position(|own| *own == quantity)?;
        self.columns.get(place).map(Vec::as_slice)
    }

    fn value(&self, quantity: PlantQuantity, row: usize) -> Option<f64> {
        self.column(quantity)?.get(row).map(|value| f64::from(*value))
    }

    /// Rows of like conditions, of those that are known: the load of all machines together, the air, how many machines.
    #[must_use]
    pub(crate) fn alike(&self, load: Option<f64>, air: Option<f64>, machines: Option<f64>) -> Vec<usize> {
        let near = |wanted: Option<f64>, own: Option<f64>, within: f64| match (wanted, own) {
            (Some(wanted), Some(own)) => (own - wanted).abs() <= within,
            _ => true,
        };
        let is_alike = |row: &usize| {
            let own = |quantity| self.value(quantity, *row);
            let count = own(PlantQuantity::Machines);
            let all = own(PlantQuantity::LoadEach).map(|each| each * count.unwrap_or(1.0));
            near(machines, count, 0.5)
                && near(load, all, LOAD_SHARE * load.unwrap_or(0.0).abs())
                && near(air, own(PlantQuantity::WetBulb), self.air_width())
        };
        (0..self.power.len()).filter(is_alike).collect()
    }

    /// Median of a quantity in rows, as terms use it; none of fewer than a few.
    #[must_use]
    pub(crate) fn typical(&self, rows: &[usize], quantity: PlantQuantity) -> Option<f64> {
        let mut values: Vec<f64> = rows.iter().filter_map(|row| self.value(quantity, *row)).collect();
        if values.len() < LEAST_TYPICAL {
            return None;
        }
        values.sort_unstable_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }

    /// Compares the rows near one setting with those near another, first those that are nearest; what speaks against
    /// the change comes before what does not. None where either has too few rows, or the settings are too close.
    /// `gain` is what the model promises, kW.
    #[must_use]
    pub(crate) fn compare(&self, rows: &[usize], moves: &[Move], gain: f64) -> Option<Comparison> {
        let mut found: Option<Comparison> = None;
        for steps in NEAR_STEPS {
            let apart = moves.iter().all(|one| (one.to - one.from).abs() > 2.0 * steps * one.step * 0.999);
            let next = if apart { self.compare_within(rows, moves, steps, gain) } else { None };
            match next {
                Some(next) if next.against.is_some() => return Some(next),
                next => found = found.or(next),
            }
        }
        found
    }

    fn compare_within(&self, rows: &[usize], moves: &[Move], steps: f64, gain: f64) -> Option<Comparison> {
        let at = |setting: &dyn Fn(&Move) -> f64| -> Vec<usize> {
            let near = |row: &&usize| {
                moves.iter().all(|one| {
                    let own = self.value(one.quantity, **row);
                    own.is_some_and(|own| (own - setting(one)).abs() <= steps * one.step + 0.5 / STEPS)
                })
            };
            rows.iter().filter(near).copied().collect()
        };
        let (from, to) = (at(&|one| one.from), at(&|one| one.to));
        if from.len() < LEAST_COMPARED || to.len() < LEAST_COMPARED {
            return None;
        }
        let power = |row: &usize| self.power.get(*row).map(|power| f64::from(*power) * self.kw);
        let a_load = |row: &usize| Some(power(row)? / self.value(PlantQuantity::LoadEach, *row)?.max(1e-3));
        let whole = (Spread::of(from.iter().filter_map(power)), Spread::of(to.iter().filter_map(power)));
        let each = (Spread::of(from.iter().filter_map(a_load)), Spread::of(to.iter().filter_map(a_load)));
        let over = |row: &usize| self.excess.get(*row).map(|excess| f64::from(*excess) * self.kw);
        let over = (Spread::of(from.iter().filter_map(over)), Spread::of(to.iter().filter_map(over)));
        let excess = over.1.mean - over.0.mean;
        let no_gain = gain > 0.0 && excess >= gain && over.1.is_above(&over.0);
        let against = if whole.1.is_above(&whole.0) {
            Some(Evidence::UsedMore)
        } else if each.1.is_above(&each.0) {
            Some(Evidence::UsedMoreForLoad(100.0 * (each.1.mean / each.0.mean - 1.0)))
        } else {
            no_gain.then_some(Evidence::NoGain)
        };
        Some(Comparison { from: (whole.0.mean, from.len()), to: (whole.1.mean, to.len()), excess, against })
    }
}

/// Mean, and variance of the mean.
#[derive(Debug, Clone, Copy)]
struct Spread {
    mean: f64,
    variance: f64,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let count = values.clone().count() as f64;
        let mean = values.clone().sum::<f64>() / count;
        let squares: f64 = values.map(|value| (value - mean) * (value - mean)).sum();
        Self { mean, variance: squares / (count * (count - 1.0)) }
    }

    fn is_above(&self, other: &Self) -> bool {
        self.mean - other.mean > NOISE * (self.variance + other.variance).sqrt()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a few digits are all that is kept")]
fn digits(value: f64) -> f32 {
    ((value * STEPS).round() / STEPS) as f32
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::equation::Product;
    use super::super::state::QUANTITIES;
    use super::*;

    const KNOWN: [PlantQuantity; 4] =
        [PlantQuantity::Machines, PlantQuantity::LoadEach, PlantQuantity::WetBulb, PlantQuantity::FanSpeed];

    /// A state, and power; the model says 100 kW of all of them.
    fn log(rows: &[([f64; 4], f64)]) -> PlantLog {
        let state = |values: &[f64; 4]| {
            let mut state = [1.0; QUANTITIES];
            KNOWN.iter().zip(values).for_each(|(quantity, value)| quantity.set(&mut state, *value));
            state
        };
        let states: Vec<PlantState> = rows.iter().map(|(values, _)| state(values)).collect();
        let y: Vec<f64> = rows.iter().map(|(_, kw)| *kw).collect();
        let model = Equation { terms: vec![Product(vec![])], coefficients: vec![100.0], ..Equation::default() };
        PlantLog::of(&KNOWN, &states, (&y, &model), 1.0)
    }

    fn rows(count: usize, fan: f64, kw: f64) -> Vec<([f64; 4], f64)> {
        (0..count).map(|row| ([1.0, 1.0, 0.0, fan], kw + if row % 2 == 0 { 1.0 } else { -1.0 })).collect()
    }

    const SLOWER: Move = Move { quantity: PlantQuantity::FanSpeed, from: 1.0, to: 0.8, step: 0.01 };

    /// Load 1 ± 10 %, air 0 ± 1 K, one machine.
    #[test]
    fn rows_of_like_conditions() {
        let log = log(&[
            ([1.0, 1.09, 0.9, 1.0], 100.0),
            ([1.0, 1.11, 0.0, 1.0], 100.0),
            ([1.0, 1.0, -1.1, 1.0], 100.0),
            ([2.0, 0.5, 0.0, 1.0], 100.0),
        ]);
        assert_eq!(log.alike(Some(1.0), Some(0.0), Some(1.0)), [0]);
        assert_eq!(log.alike(Some(1.0), Some(0.0), None), [0, 3], "the load of all machines together");
        assert_eq!(log.alike(None, None, None), [0, 1, 2, 3]);
        assert!(log.is_whole() && log.typical(&[0, 1], PlantQuantity::FanSpeed).is_none());
    }

    #[test]
    fn rows_that_used_more_speak_against_a_change() {
        let compare = |now: usize, then: usize, kw: f64, gain: f64| {
            let log = log(&[rows(now, 1.0, 100.0), rows(then, 0.8, kw)].concat());
            log.compare(&log.alike(None, None, None), &[SLOWER], gain)
        };
        let found = compare(40, 30, 105.0, 5.0).unwrap();
        assert_eq!((found.against, found.from.1, found.to.1), (Some(Evidence::UsedMore), 40, 30));
        assert!((found.from.0 - 100.0).abs() < 0.1 && (found.to.0 - 105.0).abs() < 0.1, "{found:?}");
        assert_eq!(compare(40, 30, 95.0, 5.0).unwrap().against, None);
        // A deviation of 1 kW in 40 and 30 rows: 0.1 kW more is noise.
        assert_eq!(compare(40, 30, 100.1, 5.0).unwrap().against, None);
        assert_eq!(compare(40, 29, 150.0, 5.0), None, "too few");
    }

    /// 90 % of the load at the other setting: the rows used less, but 4 kW more than the model says of such rows.
    #[test]
    fn rows_that_leave_nothing_of_a_gain_speak_against_it() {
        let then: Vec<_> =
            rows(30, 0.8, 99.0).into_iter().map(|([m, _, air, fan], kw)| ([m, 0.9, air, fan], kw)).collect();
        let mut log = log(&[rows(30, 1.0, 100.0), then].concat());
        // What each used for its load is alike, to tell the two kinds of evidence apart.
        log.columns.iter_mut().skip(1).take(1).for_each(|column| column.iter_mut().for_each(|load| *load = 1.0));
        log.excess.iter_mut().skip(30).for_each(|excess| *excess += 0.05);
        let all = log.alike(None, None, None);
        assert_eq!(log.compare(&all, &[SLOWER], 3.0).unwrap().against, Some(Evidence::NoGain));
        assert_eq!(log.compare(&all, &[SLOWER], 8.0).unwrap().against, None);
    }

    #[test]
    fn settings_closer_than_the_rows_are_taken_near_them_are_not_compared() {
        let log = log(&[rows(40, 1.0, 100.0), rows(40, 0.995, 120.0)].concat());
        let close = Move { to: 0.995, ..SLOWER };
        assert_eq!(log.compare(&log.alike(None, None, None), &[close], 1.0), None);
    }
}

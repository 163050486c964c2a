//! Where conditions and controls have been together: a sample of history, and how far days lie from one another.

use serde::{Deserialize, Serialize};

use super::state::{PlantQuantity, PlantState, ReferenceState};

/// Most rows that are compared.
const MOST_COMPARED: usize = 4000;
/// Most rows that are kept.
const MOST_KEPT: usize = 800;
/// Quantities that are as they are, and no matter of distance.
const APART: [PlantQuantity; 5] = [
    PlantQuantity::ChwPumps,
    PlantQuantity::ScpPumps,
    PlantQuantity::CwPumps,
    PlantQuantity::Fans,
    PlantQuantity::Condenser,
];

/// A sample of history in standardised space.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Support {
    /// What distance is measured in.
    pub(crate) quantities: Vec<PlantQuantity>,
    /// Least and most seen of each, in its own unit: shares 0.001 and 0.999, for single readings may be wrong.
    pub(crate) seen: Vec<(f64, f64)>,
    /// Standard deviation of each, in normalised states.
    pub(crate) scales: Vec<f64>,
    /// Rows of the sample, one value a quantity, divided by the scales.
    pub(crate) rows: Vec<Vec<f64>>,
    /// How far a row of one day usually lies from all other days: the median.
    pub(crate) usual: f64,
    /// How far at most: share 0.99.
    pub(crate) reach: f64,
}

impl Support {
    /// Of normalised states, with the day of each; `reference` is what they were normalised by.
    #[must_use]
    pub(crate) fn of(known: &[PlantQuantity], states: &[PlantState], days: &[i64], reference: &ReferenceState) -> Self {
        let quantities: Vec<PlantQuantity> =
            known.iter().filter(|quantity| !APART.contains(quantity)).copied().collect();
        let scales: Vec<f64> = quantities.iter().map(|quantity| deviation(states, *quantity)).collect();
        let seen = quantities.iter().map(|quantity| seen(states, *quantity, reference)).collect();
        let mut support = Self { quantities, seen, scales, rows: Vec::new(), usual: 0.0, reach: 0.0 };
        let every = states.len().div_ceil(MOST_COMPARED).max(1);
        let points: Vec<(Vec<f64>, i64)> =
            states.iter().zip(days).step_by(every).map(|(state, day)| (support.place(state), *day)).collect();
        let mut kept: Vec<&(Vec<f64>, i64)> = points.iter().collect();
        let mut apart = 0.2;
        while kept.len() > MOST_KEPT {
            kept = thin(&kept, apart);
            apart *= 1.25;
        }
        let mut distances: Vec<f64> = points
            .iter()
            .filter_map(|(point, day)| {
                let others = kept.iter().filter(|(_, other)| other != day);
                others.map(|(other, _)| square(point, other)).reduce(f64::min).map(f64::sqrt)
            })
            .collect();
        distances.sort_unstable_by(f64::total_cmp);
        let at = |share: usize| distances.get(distances.len() * share / 100).copied().unwrap_or(0.0);
        (support.usual, support.reach) = (at(50), at(99));
        support.rows =
            kept.into_iter().map(|(point, _)| point.iter().map(|value| hundredths(*value)).collect()).collect();
        support
    }

    /// Least and most seen of a quantity, in its own unit.
    #[must_use]
    pub fn range(&self, quantity: PlantQuantity) -> Option<(f64, f64)> {
        self.quantities.iter().zip(&self.seen).find(|(own, _)| **own == quantity).map(|(_, range)| *range)
    }

    /// A normalised state's place.
    #[must_use]
    pub(crate) fn place(&self, state: &PlantState) -> Vec<f64> {
        self.quantities.iter().zip(&self.scales).map(|(quantity, scale)| quantity.of(state) / scale).collect()
    }

    /// How far a normalised state lies from the nearest row of the sample.
    #[must_use]
    pub(crate) fn distance(&self, state: &PlantState) -> f64 {
        let place = self.place(state);
        self.rows.iter().map(|row| square(row, &place)).reduce(f64::min).map_or(f64::INFINITY, f64::sqrt)
    }
}

/// Leaves out what is closer than that to a row that is kept.
fn thin<'a>(candidates: &[&'a (Vec<f64>, i64)], apart: f64) -> Vec<&'a (Vec<f64>, i64)> {
    let mut kept: Vec<&(Vec<f64>, i64)> = Vec::new();
    for candidate in candidates {
        if !kept.iter().any(|other| square(&candidate.0, &other.0) < apart * apart) {
            kept.push(candidate);
        }
    }
    kept
}

/// Distances need no more digits, and files get shorter.
fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn square(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

fn seen(states: &[PlantState], quantity: PlantQuantity, reference: &ReferenceState) -> (f64, f64) {
    let mut values: Vec<f64> = states.iter().map(|state| reference.own(quantity, quantity.of(state))).collect();
    values.sort_unstable_by(f64::total_cmp);
    let few = values.len() / 1000;
    let low = values.get(few).copied().unwrap_or(f64::NAN);
    (low, values.iter().rev().nth(few).copied().unwrap_or(f64::NAN))
}

/// Standard deviation; 1 for what never varies.
fn deviation(states: &[PlantState], quantity: PlantQuantity) -> f64 {
    let count = states.len().max(1) as f64;
    let mean = states.iter().map(|state| quantity.of(state)).sum::<f64>() / count;
    let variance = states.iter().map(|state| (quantity.of(state) - mean).powi(2)).sum::<f64>() / count;
    if variance > 1e-18 { variance.sqrt() } else { 1.0 }
}

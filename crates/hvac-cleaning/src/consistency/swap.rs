//! Swap: supply and return of one loop, exchanged for a while or throughout.
//!
//! Exchanged back, both must agree with what else is measured of their waters: the header with its chillers', flow × ΔT with
//! the load. Where nothing else is measured, their order tells: chilled water comes back warmer than it leaves, and
//! condenser water leaves the chillers warmer than it comes. A loop that heats for a season would look the same, so order
//! alone counts only when it is reversed for less than half of the time that the plant runs.

use super::plant::Plant;
use super::pursuit::{SensorError, Shape};
use super::vote::{Corrected, Votes, daily, inside_and_outside, residuals, stretch, votes};
use hvac_points::Role;

use super::relation::{Law, Relation};

/// By how much the order must be reversed, K.
const REVERSED_K: f64 = 0.8;
/// Strength of laws against it, up to which a reversed order of a chiller's water outweighs them: the sensors of its twin may
/// be exchanged too.
const MOST_AGAINST: f64 = 0.5;
/// More than this is no difference of a loop, K.
const MOST_K: f64 = 15.0;

/// Two sensors that were exchanged.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SwapFault {
    /// The one that should be the supply.
    pub(crate) supply: usize,
    /// The one that should be the return.
    pub(crate) back: usize,
    /// First day, and the day after the last.
    pub(crate) days: std::ops::Range<usize>,
    /// Laws that speak for it, each with its residual as recorded and exchanged back.
    pub(crate) laws: Vec<(usize, f64, f64)>,
    /// Median of return − supply as recorded on those days, K.
    pub(crate) difference_k: f64,
    /// Correct values, all along.
    pub(crate) corrected: Vec<Corrected>,
}

/// The swap that most speaks for, with the votes for it.
#[must_use]
pub(crate) fn find(plant: &Plant<'_>, raw_days: &dyn Fn(usize) -> Vec<f64>) -> Option<(f64, SwapFault)> {
    let mut best: Option<(f64, SwapFault)> = None;
    for (supply, sensor) in plant.sensors.iter().enumerate() {
        if !matches!(sensor.tag.role, Role::ChwSupplyTemp | Role::CwSupplyTemp) {
            continue;
        }
        let Some(back) = sensor.tag.across().and_then(|tag| plant.only(tag)) else { continue };
        let values = |slot: usize| plant.slots.get(slot).cloned().unwrap_or_default();
        let corrected = vec![(supply, values(back)), (back, values(supply))];
        let order = order(plant, supply, back);
        if !order.iter().any(|k| *k < -REVERSED_K) {
            continue;
        }
        let Votes { mut days, laws } = votes(plant, raw_days, &corrected);
        let concerned =
            |relation: &Relation| relation.exact && [supply, back].iter().any(|s| relation.members.contains(s));
        let alone = !plant.relations.iter().any(concerned);
        if alone {
            let reversed = order.iter().filter(|k| **k < -REVERSED_K).count();
            let usual = order.iter().filter(|k| **k > REVERSED_K).count();
            if reversed >= usual {
                continue;
            }
            for (vote, k) in days.iter_mut().zip(&order) {
                *vote = if *k < -REVERSED_K {
                    0.5
                } else if *k > REVERSED_K {
                    -0.5
                } else {
                    0.0
                };
            }
        } else {
            // A chiller that runs cools one water and warms the other, whatever the season.
            let of_chiller = if sensor.tag.machine.is_some() { 1.0 } else { 0.0 };
            for (vote, k) in days.iter_mut().zip(&order) {
                if *k > REVERSED_K / 2.0 {
                    *vote = vote.min(-0.5);
                } else if *k < -REVERSED_K && *vote >= -MOST_AGAINST {
                    *vote += of_chiller;
                }
            }
        }
        let votes = days;
        let Some(days) = stretch(&votes) else { continue };
        let sum: f64 = votes.get(days.clone()).unwrap_or(&[]).iter().sum();
        let speaks = |of: usize, not: usize| {
            let members = |law: &usize| plant.relations.get(*law).map_or(&[][..], |relation| &relation.members);
            laws.iter().any(|(law, ..)| members(law).contains(&of) && !members(law).contains(&not))
        };
        let both = speaks(supply, back) && speaks(back, supply);
        // Condenser water follows the weather: where it stood on other days says little.
        let chilled = sensor.tag.role == Role::ChwSupplyTemp;
        if !(alone || both || chilled && changes_places(plant, supply, back, &days)) {
            continue;
        }
        let difference_k = super::robust::median_of(order.get(days.clone()).unwrap_or(&[]).iter().copied());
        let difference_k = difference_k.unwrap_or(f64::NAN);
        if difference_k.abs() <= MOST_K && best.as_ref().is_none_or(|(most, _)| sum > *most) {
            best = Some((sum, SwapFault { supply, back, days, laws, difference_k, corrected }));
        }
    }
    best
}

/// Swaps among errors: supply and return are off by the same in opposite ways on the same days. Each sensor with its words.
#[must_use]
pub(crate) fn in_errors(plant: &Plant<'_>, errors: &[SensorError]) -> Vec<((usize, String), std::ops::Range<usize>)> {
    let mut found = Vec::new();
    for one in errors.iter().filter(|error| error.shape == Shape::Step) {
        let Some(sensor) = plant.sensors.get(one.sensor) else { continue };
        let Some(across) = sensor.tag.across().and_then(|tag| plant.only(tag)) else { continue };
        let is_twin = |other: &&SensorError| {
            let common = other.to.min(one.to).saturating_sub(other.from.max(one.from));
            let all = other.to.max(one.to) - other.from.min(one.from);
            other.sensor == across
                && other.shape == Shape::Step
                && common as f64 >= 0.8 * all as f64
                && (other.size + one.size).abs() <= 0.2 * one.size.abs()
                && one.size.abs() > REVERSED_K
        };
        if let (Some(other), Some(twin)) = (errors.iter().find(is_twin), plant.sensors.get(across)) {
            let detail = format!(
                "exchanged with {}: {:+.1} K off while that is {:+.1} K off; confidence 0.90",
                twin.name, one.size, other.size
            );
            found.push(((one.sensor, detail), one.from..one.to));
        }
    }
    found
}

/// Whether each stands on those days where the other stands on the others.
fn changes_places(plant: &Plant<'_>, supply: usize, back: usize, days: &std::ops::Range<usize>) -> bool {
    let none = vec![-1.0; plant.instants.days];
    let of = |slot: usize| {
        let (inside, outside) = inside_and_outside(plant, slot, days, &none);
        Some((inside?, outside?))
    };
    let (Some((supply_in, supply_out)), Some((back_in, back_out))) = (of(supply), of(back)) else { return false };
    (supply_in - back_out).abs() < (supply_in - supply_out).abs()
        && (back_in - supply_out).abs() < (back_in - back_out).abs()
}

/// Median of return − supply on each day while the plant runs, K (condenser water: to the towers − from the towers).
fn order(plant: &Plant<'_>, supply: usize, back: usize) -> Vec<f64> {
    let of_both = |relation: &&Relation| [supply, back].iter().any(|slot| relation.members.contains(slot));
    let gates =
        plant.relations.iter().filter(of_both).map(|relation| relation.gates.clone()).find(|gates| !gates.is_empty());
    let gates = gates.unwrap_or_default().into_iter().take(1).collect();
    let members = vec![back, supply];
    let relation =
        Relation { law: Law::Same, members, gates, exact: true, strength: 0.5, least_noise: 0.0, words: String::new() };
    daily(plant, &residuals(plant, &relation, &[]))
}

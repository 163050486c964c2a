//! Wrong unit: a point that is printed in another unit than it is said to have, for a while or throughout.
//!
//! Each unit of the point's quantity (°C, °F; L/min, L/s, m³/h, GPM; kW, RT; …) is tried on its values: where exact laws –
//! flow × ΔT, sums, mixtures, sensors of one water – are broken as recorded and kept in that unit, it is the one that was
//! printed. A temperature whose unit only its values tell is compared with the site's others.
//!
//! Factors are those of `hvac_points::Quantity`; what is nearly right in both (below a factor of 1.2) is not judged.

use hvac_points::{Quantity, Unit};

use rayon::prelude::*;

use super::plant::Plant;
use super::sensor::Sensor;
use super::vote::{Corrected, Votes, inside_and_outside, stretch, votes};
use hvac_points::physics::KW_PER_RT;

/// Other temperatures that must be in one unit before a single one is taken for wrong.
const LEAST_OTHERS: usize = 4;

/// A unit that was printed instead of the one stated.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct UnitFault {
    /// Whose.
    pub(crate) sensor: usize,
    /// The unit that is stated.
    pub(crate) said: &'static str,
    /// The unit of the values.
    pub(crate) printed: &'static str,
    /// First day, and the day after the last.
    pub(crate) days: std::ops::Range<usize>,
    /// Laws that speak for it, each with its residual as recorded and in that unit.
    pub(crate) laws: Vec<(usize, f64, f64)>,
    /// Correct values, all along.
    pub(crate) corrected: Vec<Corrected>,
}

/// The point that most speaks for, with the votes for it.
#[must_use]
pub(crate) fn find(plant: &Plant<'_>, raw_days: &(dyn Fn(usize) -> Vec<f64> + Sync)) -> Option<(f64, UnitFault)> {
    let of_sensor = |(index, sensor): (usize, &Sensor<'_>)| {
        let (quantity, unit) = sensor.unit.filter(|_| sensor.tag.is_sensor())?;
        let tried = others(quantity, unit).into_iter().filter_map(|other| {
            let corrected = corrected(plant, index, sensor, &other, quantity);
            let Votes { days, laws } = votes(plant, raw_days, &corrected);
            let stretch = stretch(&days)?;
            let sum: f64 = days.get(stretch.clone()).unwrap_or(&[]).iter().sum();
            let printed = |compared| sensor.compared(as_printed(&other, quantity, compared));
            let (said, printed_in) = (unit.unit, other.unit);
            let fault = UnitFault { sensor: index, said, printed: printed_in, days: stretch, laws, corrected };
            jumps(plant, index, (&fault.days, &days), printed).then_some((sum, fault))
        });
        tried.max_by(|a, b| a.0.total_cmp(&b.0))
    };
    plant
        .sensors
        .par_iter()
        .enumerate()
        .filter_map(of_sensor)
        .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.sensor.cmp(&a.1.sensor)))
}

/// Whether the values on those days lie where the others' would lie when printed so; true when there are no others.
fn jumps(
    plant: &Plant<'_>,
    slot: usize,
    (days, votes): (&std::ops::Range<usize>, &[f64]),
    printed: impl Fn(f64) -> f64,
) -> bool {
    let (Some(inside), Some(outside)) = inside_and_outside(plant, slot, days, votes) else { return true };
    (inside - printed(outside)).abs() < 0.5 * (inside - outside).abs()
}

/// Temperatures whose values can only be in another unit than the site's others are.
#[must_use]
pub(crate) fn odd_ones(sensors: &[Sensor<'_>]) -> Vec<(usize, &'static str, &'static str)> {
    let temperatures = || {
        let told = |(index, sensor): (usize, &Sensor<'_>)| {
            let (quantity, unit) = sensor.unit?;
            quantity.is_temperature().then_some((index, unit.unit, sensor.unit_by_values))
        };
        (0..).zip(sensors).filter_map(told)
    };
    let all = temperatures().count();
    let usual = ["°C", "°F"].into_iter().find(|unit| {
        let same = temperatures().filter(|(_, own, _)| own == unit).count();
        same >= LEAST_OTHERS && same * 10 >= all * 7
    });
    let Some(usual) = usual else { return Vec::new() };
    temperatures()
        .filter(|(_, own, by_values)| *own != usual && *by_values)
        .map(|(i, own, _)| (i, usual, own))
        .collect()
}

/// Units that may have been printed instead.
fn others(quantity: Quantity, said: &Unit) -> Vec<Unit> {
    let names = quantity.unit_names();
    let units = names.split(", ").filter_map(|name| Unit::of(quantity, name, String::new()));
    let at = |unit: &Unit, value: f64| unit.convert(value);
    // Of two units that differ by little, values cannot tell.
    units.filter(|unit| unit.unit != said.unit && (at(unit, 100.0) / at(said, 100.0)).ln().abs() > 0.18).collect()
}

/// What is printed for a compared value.
fn as_printed(unit: &Unit, quantity: Quantity, compared: f64) -> f64 {
    match quantity {
        Quantity::Load => unit.invert(compared / KW_PER_RT),
        _ => unit.invert(compared),
    }
}

fn corrected(
    plant: &Plant<'_>,
    index: usize,
    sensor: &Sensor<'_>,
    printed: &Unit,
    quantity: Quantity,
) -> Vec<Corrected> {
    let truly = Sensor { unit: Some((quantity, printed)), ..sensor.clone() };
    let slots = (0..plant.slots.len()).filter(|slot| plant.of_sensor.get(*slot) == Some(&Some(index)));
    let values = |slot: usize| {
        let values = plant.slots.get(slot).into_iter().flatten();
        (slot, values.map(|compared| truly.compared(sensor.recorded(*compared))).collect())
    };
    slots.map(values).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn units_that_lie_apart_are_tried() {
        let of = |quantity, unit: &str| {
            let unit = Unit::of(quantity, unit, String::new()).unwrap();
            others(quantity, &unit).into_iter().map(|unit| unit.unit).collect::<Vec<_>>()
        };
        assert_eq!(of(Quantity::Flow, "L/min"), ["L/s", "m³/h", "m³/s", "GPM"]);
        assert_eq!(of(Quantity::ChwTemperature, "°C"), ["°F"]);
        assert!(of(Quantity::Load, "RT").contains(&"kW"));
    }
}

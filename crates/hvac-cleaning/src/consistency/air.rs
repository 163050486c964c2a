//! Air handlers beside the load: what their fans draw follows what they cool.
//!
//! Fans of variable flow work the harder, the more cooling is asked for (ASHRAE 90.1 G3.1.3.15 has such a curve). What those that run
//! draw on average is learnt within days from the plant's load, its square, and the outside air, which cools for nothing on
//! mild days; a report of air handlers that is late or early runs beside it. It binds them loosely, so only their common
//! clock is asked, and no sensor is accused.

use hvac_points::{MachineKind, Role};

use super::plant::Plant;
use super::relation::Law;
use super::robust::median_of;
use crate::within_days::{Row, by_conditions};

/// Fans that make a mean.
const LEAST_FANS: usize = 3;

/// Adds the law of the air handlers' fans and the load, where both are measured.
pub(super) fn bind(plant: &mut Plant<'_>) {
    let fans = plant.all_of(Role::Power, MachineKind::Other);
    let (Some(load), Some(dry)) = (plant.find(Role::Load, None, None), plant.find(Role::DryBulb, None, None)) else {
        return;
    };
    if fans.len() < LEAST_FANS {
        return;
    }
    let Some(expected) = expected(plant, &fans, load, dry) else { return };
    let words = format!("{} air handlers' fans against {}", fans.len(), plant.name(load));
    let slot = plant.slot(expected, None);
    let members = std::iter::once(slot).chain(fans.iter().copied()).collect();
    plant.law(Law::Mixed { runs: fans, flows: Vec::new() }, members, Vec::new(), 1.0, words);
    plant.learnt();
}

/// What the fans that run should draw on average at each instant, kW but for a constant a day.
fn expected(plant: &Plant<'_>, fans: &[usize], load: usize, dry: usize) -> Option<Vec<f64>> {
    let at = |slot: usize, k: usize| plant.slots.get(slot).and_then(|v| v.get(k)).copied().unwrap_or(f64::NAN);
    let usual_kw = median_of(plant.slots.get(load)?.iter().copied().filter(|kw| *kw > 0.0))?;
    let mut rows: Vec<(usize, Row<3>)> = Vec::new();
    for (k, day) in plant.instants.day.iter().enumerate() {
        let running = || fans.iter().map(|fan| at(*fan, k)).filter(|kw| *kw > 0.5);
        let y = running().sum::<f64>() / running().count() as f64;
        let share = at(load, k) / usual_kw;
        if share > 0.0 && y.is_finite() && at(dry, k).is_finite() {
            rows.push((k, Row { day: i32::try_from(*day).ok()?, y, x: [share, share * share, at(dry, k)] }));
        }
    }
    by_conditions(&rows, plant.instants.at_ms.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::sensor::{Sensor, Tag};
    use super::*;

    const STEP_MS: i64 = 600_000;

    /// Fans draw 6 + 4·share² kW, share being the load by 1000 kW; from day 10 on their report is four intervals late.
    #[test]
    fn fans_tell_when_their_report_is_late() {
        let rows = 30_i32 * 144;
        let at_ms: Vec<i64> = (0..i64::from(rows)).map(|row| row * STEP_MS).collect();
        let wave = |row: i32, hours: f64| (f64::from(row) / 6.0 / hours * std::f64::consts::TAU).sin();
        let share = |row: i32| 1.0 + 0.4 * wave(row, 24.0) + 0.2 * wave(row, 7.3) + 0.1 * wave(row, 61.0);
        let load: Vec<f64> = (0..rows).map(|row| 1000.0 * share(row)).collect();
        let dry: Vec<f64> = (0..rows).map(|row| 26.0 + 4.0 * wave(row, 24.0) + wave(row, 41.0)).collect();
        let fan = |row: i32| 6.0 + 4.0 * share(if row < 1440 { row } else { row - 4 }).powi(2);
        let fans: Vec<f64> = (0..rows).map(fan).collect();
        let named = [("CH.SYS.RT", &load), ("OAT", &dry), ("AH01.KW", &fans), ("AH02.KW", &fans), ("AH03.KW", &fans)];
        let sensors = named.iter().map(|(name, values)| {
            let tag = Tag::of(name, None).unwrap();
            Sensor { name, tag, unit: None, unit_by_values: false, values, interval_ms: STEP_MS as f64 }
        });
        let mut plant = Plant::of(sensors.collect(), &at_ms, 101_325.0);
        let found = super::super::time_shift::find(&mut plant, &at_ms, &[]);
        let [fault] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((fault.sensors.as_slice(), fault.intervals), ([2, 3, 4].as_slice(), 4), "{fault:?}");
        assert!(fault.days.start.abs_diff(10) <= 1 && fault.days.end >= 29, "{fault:?}");
    }
}

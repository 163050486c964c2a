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
use crate::within_days::{Row, dot, fit};

/// Instants that it is learnt from.
const LEAST_INSTANTS: usize = 300;
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
    let (mut rows, mut places): (Vec<Row<3>>, Vec<usize>) = (Vec::new(), Vec::new());
    for (k, day) in plant.instants.day.iter().enumerate() {
        let running = || fans.iter().map(|fan| at(*fan, k)).filter(|kw| *kw > 0.5);
        let y = running().sum::<f64>() / running().count() as f64;
        let share = at(load, k) / usual_kw;
        if share > 0.0 && y.is_finite() && at(dry, k).is_finite() {
            rows.push(Row { day: i32::try_from(*day).ok()?, y, x: [share, share * share, at(dry, k)] });
            places.push(k);
        }
    }
    if rows.len() < LEAST_INSTANTS {
        return None;
    }
    let (_, beta) = fit(&rows)?;
    let mut expected = vec![f64::NAN; plant.instants.at_ms.len()];
    for (k, row) in places.into_iter().zip(&rows) {
        if let Some(slot) = expected.get_mut(k) {
            *slot = dot(&row.x, &beta);
        }
    }
    Some(expected)
}

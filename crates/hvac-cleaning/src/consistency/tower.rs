//! The cooling tower as a thermometer of the wet-bulb: what its water says of the air, hour by hour.
//!
//! A tower's leaving water follows the wet-bulb by an approach that its range and its fans set (Braun 1989). Turned round, the
//! wet-bulb is learnt within days from leaving water, range and fan power; a weather report that is late or early
//! runs beside what the tower shows. It binds the weather loosely, so only clocks are asked of it, and no sensor is accused.

use hvac_points::{MachineKind, Role};

use super::plant::Plant;
use super::relation::Law;
use crate::within_days::{Row, by_conditions};

/// Adds the law of the wet-bulb and the tower's water, where both are measured.
pub(super) fn bind(plant: &mut Plant<'_>) {
    let Some((wet, cold, expected)) = expected(plant) else { return };
    let words = format!("{} against {} and the towers' work", plant.name(wet), plant.name(cold));
    let slot = plant.slot(expected, None);
    plant.law(Law::Same, vec![wet, slot], Vec::new(), 1.0, words);
    plant.learnt();
}

fn expected(plant: &Plant<'_>) -> Option<(usize, usize, Vec<f64>)> {
    let wet = plant.find(Role::WetBulb, None, None)?;
    let cold = plant.find(Role::CwSupplyTemp, None, None)?;
    let values = |slot: usize| plant.slots.get(slot);
    let (wet_c, cold_c) = (values(wet)?, values(cold)?);
    let warm_c = values(plant.find(Role::CwReturnTemp, None, None)?)?;
    let fans: Vec<&Vec<f64>> = plant.all_of(Role::Power, MachineKind::Tower).into_iter().filter_map(values).collect();
    let at = |values: &[f64], k: usize| values.get(k).copied().unwrap_or(f64::NAN);
    let mut rows: Vec<(usize, Row<3>)> = Vec::new();
    for (k, day) in plant.instants.day.iter().enumerate() {
        let fan_kw: f64 = fans.iter().map(|fan| at(fan, k)).sum();
        let range_k = at(warm_c, k) - at(cold_c, k);
        let (x, y) = ([at(cold_c, k), range_k, fan_kw.ln()], at(wet_c, k));
        if fan_kw > 0.0 && range_k > 0.5 && y.is_finite() && x.iter().all(|value| value.is_finite()) {
            rows.push((k, Row { day: i32::try_from(*day).ok()?, y, x }));
        }
    }
    Some((wet, cold, by_conditions(&rows, plant.instants.at_ms.len())?))
}

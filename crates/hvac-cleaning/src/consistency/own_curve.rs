//! What a chiller draws for its own load and lift: a second witness for its power meter.
//!
//! ln P = a + b·ln Q + c·(ln Q)² + d·lift, with Q by its own flow and ΔT and the lift from leaving chilled to leaving condenser
//! water (AHRI 550/590 rates a chiller by load and lift alone). The slopes are learnt within days only, so that neither a
//! meter's step nor fouling bends them. What the residual does from one day to the next tells the meter from the machine:
//! fouling takes weeks, a meter is off at once. It accuses nobody by itself – it is asked about an error that another law has found.

use hvac_points::physics::water_heat_kw;
use hvac_points::{MachineKind, Role};

use super::plant::Plant;
use super::robust::{median_of, spread_of};
use super::vote::daily;
use crate::within_days::{Row, dot, fit};

/// Days on each side of a step that are compared.
const SIDE_DAYS: usize = 6;
/// Of them, known ones that are needed.
const LEAST_KNOWN: usize = 3;
/// Instants that a curve is learnt from.
const LEAST_INSTANTS: usize = 150;
/// Least ΔT that says how much heat it is, K.
const LEAST_DELTA_K: f64 = 1.0;
/// Share of its greatest usual power from which on it works.
const WORKING_SHARE: f64 = 0.1;
/// The step must be that of the error within this share of it.
const WITHIN: f64 = 0.35;
/// And so many times what the days scatter.
const CLEAR: f64 = 3.0;

/// The step that a chiller's power makes against its own curve where an error of that size begins, as a logarithm; none when
/// it makes no such step, or when that is not known.
pub(super) fn step(plant: &Plant<'_>, power: usize, from: usize, size: f64) -> Option<f64> {
    let days = residual_days(plant, power)?;
    step_at(&days, from, size)
}

/// The step between the days before `from` and those after it, when it is the error's. The first day is of both sides.
fn step_at(days: &[f64], from: usize, size: f64) -> Option<f64> {
    let known = |days: &[f64]| -> Vec<f64> { days.iter().copied().filter(|day| !day.is_nan()).collect() };
    let before = known(days.get(from.saturating_sub(SIDE_DAYS)..from)?);
    let after = known(days.get(from + 1..(from + 1 + SIDE_DAYS).min(days.len()))?);
    if before.len() < LEAST_KNOWN || after.len() < LEAST_KNOWN {
        return None;
    }
    let (low, high) = (median_of(before.iter().copied())?, median_of(after.iter().copied())?);
    let scatter = before.iter().map(|day| day - low).chain(after.iter().map(|day| day - high));
    let noise = spread_of(scatter)?;
    let step = high - low;
    ((step - size).abs() <= WITHIN * size.abs() && step.abs() >= CLEAR * noise).then_some(step)
}

/// What the power is off its curve, day by day.
fn residual_days(plant: &Plant<'_>, power: usize) -> Option<Vec<f64>> {
    let tag = plant.sensors.get(power)?.tag;
    if (tag.role, tag.machine) != (Role::Power, Some(MachineKind::Chiller)) {
        return None;
    }
    let own = |role| plant.slots.get(plant.find(role, tag.machine, tag.number)?);
    let (flow, back, supply) = (own(Role::ChwFlow)?, own(Role::ChwReturnTemp)?, own(Role::ChwSupplyTemp)?);
    let condenser = own(Role::CwReturnTemp)?;
    let power = plant.slots.get(power)?;
    let usual = super::robust::quantile(&mut power.iter().copied().filter(|kw| *kw > 0.0).collect::<Vec<_>>(), 0.95)?;
    let mut rows: Vec<Row<3>> = Vec::new();
    let mut places = Vec::new();
    let at = |values: &[f64], k: usize| values.get(k).copied().unwrap_or(f64::NAN);
    for (k, day) in plant.instants.day.iter().enumerate().skip(1) {
        let works = |k: usize| at(power, k) > WORKING_SHARE * usual;
        let delta_k = at(back, k) - at(supply, k);
        let heat_kw = water_heat_kw(at(flow, k), delta_k);
        let lift_k = at(condenser, k) - at(supply, k);
        if works(k - 1) && works(k) && delta_k > LEAST_DELTA_K && heat_kw > 0.0 && lift_k.is_finite() {
            let day = i32::try_from(*day).ok()?;
            rows.push(Row { day, y: at(power, k).ln(), x: [heat_kw.ln(), 0.0, lift_k] });
            places.push(k);
        }
    }
    if rows.len() < LEAST_INSTANTS {
        return None;
    }
    let centre = median_of(rows.iter().map(|row| row.x[0]))?;
    for Row { x: [heat, square, _], .. } in &mut rows {
        (*heat, *square) = (*heat - centre, (*heat - centre).powi(2));
    }
    let (_, beta) = fit(&rows)?;
    let mut residuals = vec![f64::NAN; plant.instants.at_ms.len()];
    for (k, row) in places.into_iter().zip(&rows) {
        if let Some(slot) = residuals.get_mut(k) {
            *slot = row.y - dot(&row.x, &beta);
        }
    }
    Some(daily(plant, &residuals))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// −20 % at once is a step of ln 0.8 = −0.223; the same in 30 days is −0.045 from the mean of six days to that of the next.
    #[test]
    fn a_meter_steps_and_fouling_does_not() {
        let wobble = |day: usize| 0.004 * ((day * 7 % 5) as f64 - 2.0);
        let meter: Vec<f64> = (0..60).map(|day| wobble(day) - if day >= 20 { 0.223 } else { 0.0 }).collect();
        let step = step_at(&meter, 20, -0.223).unwrap();
        assert!((step + 0.223).abs() < 0.01, "{step}");
        assert_eq!(step_at(&meter, 20, -0.5), None, "of another size");
        assert_eq!(step_at(&meter, 40, -0.223), None, "on another day");
        let slow: Vec<f64> = (0..60).map(|day| wobble(day) + 0.223 / 30.0 * (day.clamp(15, 45) - 15) as f64).collect();
        assert!((0..60).all(|day| step_at(&slow, day, 0.223).is_none()));
        assert_eq!(step_at(&[f64::NAN; 30], 15, 0.2), None);
    }
}

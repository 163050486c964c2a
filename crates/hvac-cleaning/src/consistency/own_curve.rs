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
    let mut rows: Vec<(usize, usize, [f64; 4])> = Vec::new();
    let at = |values: &[f64], k: usize| values.get(k).copied().unwrap_or(f64::NAN);
    for (k, day) in plant.instants.day.iter().enumerate().skip(1) {
        let works = |k: usize| at(power, k) > WORKING_SHARE * usual;
        let delta_k = at(back, k) - at(supply, k);
        let heat_kw = water_heat_kw(at(flow, k), delta_k);
        let lift_k = at(condenser, k) - at(supply, k);
        if works(k - 1) && works(k) && delta_k > LEAST_DELTA_K && heat_kw > 0.0 && lift_k.is_finite() {
            rows.push((k, *day, [heat_kw.ln(), 0.0, lift_k, at(power, k).ln()]));
        }
    }
    if rows.len() < LEAST_INSTANTS {
        return None;
    }
    let centre = median_of(rows.iter().map(|(_, _, [heat, ..])| *heat))?;
    for (_, _, [heat, square, ..]) in &mut rows {
        (*heat, *square) = (*heat - centre, (*heat - centre).powi(2));
    }
    let slopes = slopes(&within_days(&rows))?;
    let mut residuals = vec![f64::NAN; plant.instants.at_ms.len()];
    for (k, _, [heat, square, lift, power]) in &rows {
        if let Some(slot) = residuals.get_mut(*k) {
            let [b, c, d] = slopes;
            *slot = power - b * heat - c * square - d * lift;
        }
    }
    Some(daily(plant, &residuals))
}

/// The rows less their day's mean.
pub(super) fn within_days(rows: &[(usize, usize, [f64; 4])]) -> Vec<[f64; 4]> {
    let of_day = rows.chunk_by(|a, b| a.1 == b.1);
    let centred = of_day.flat_map(|day| {
        let count = day.len() as f64;
        let mut mean = [0.0; 4];
        for (_, _, row) in day {
            mean.iter_mut().zip(row).for_each(|(mean, value)| *mean += value / count);
        }
        day.iter().map(move |(_, _, row)| {
            let mut row = *row;
            row.iter_mut().zip(mean).for_each(|(value, mean)| *value -= mean);
            row
        })
    });
    centred.collect()
}

/// Slopes of the last value by the first three, least squares; then again without what lies 3 deviations off.
pub(super) fn slopes(rows: &[[f64; 4]]) -> Option<[f64; 3]> {
    let first = least_squares(rows)?;
    let off = |[x, y, z, value]: &[f64; 4], [b, c, d]: [f64; 3]| value - b * x - c * y - d * z;
    let spread = spread_of(rows.iter().map(|row| off(row, first)))?.max(1e-6);
    let kept: Vec<[f64; 4]> = rows.iter().copied().filter(|row| off(row, first).abs() <= 3.0 * spread).collect();
    least_squares(&kept)
}

/// By the normal equations and Cramer's rule.
fn least_squares(rows: &[[f64; 4]]) -> Option<[f64; 3]> {
    let sum = |of: &dyn Fn(&[f64; 4]) -> f64| rows.iter().map(of).sum::<f64>();
    let column = |by: fn(&[f64; 4]) -> f64| {
        [sum(&|row| row[0] * by(row)), sum(&|row| row[1] * by(row)), sum(&|row| row[2] * by(row))]
    };
    let (x, y, z) = (column(|row| row[0]), column(|row| row[1]), column(|row| row[2]));
    let value = column(|row| row[3]);
    let all = determinant(x, y, z);
    let scale = x[0] * y[1] * z[2];
    if !(all > 1e-9 * scale && scale > 0.0) {
        return None;
    }
    Some([determinant(value, y, z) / all, determinant(x, value, z) / all, determinant(x, y, value) / all])
}

fn determinant(x: [f64; 3], y: [f64; 3], z: [f64; 3]) -> f64 {
    x[0] * (y[1] * z[2] - y[2] * z[1]) - y[0] * (x[1] * z[2] - x[2] * z[1]) + z[0] * (x[1] * y[2] - x[2] * y[1])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// value = 2·x − 1·y + 0.5·z, at four rows that span all three; a fifth is far off and is left out.
    #[test]
    fn slopes_are_those_of_the_rows() {
        let row = |x: f64, y: f64, z: f64| [x, y, z, 2.0 * x - y + 0.5 * z];
        let mut rows: Vec<[f64; 4]> =
            (0..40).map(|i| row(f64::from(i % 5), f64::from(i % 3), f64::from(i % 7))).collect();
        let [b, c, d] = slopes(&rows).unwrap();
        assert!((b - 2.0).abs() < 1e-9 && (c + 1.0).abs() < 1e-9 && (d - 0.5).abs() < 1e-9, "{b} {c} {d}");
        rows.push([1.0, 1.0, 1.0, 90.0]);
        let [b, ..] = slopes(&rows).unwrap();
        assert!((b - 2.0).abs() < 0.01, "{b}");
        assert_eq!(least_squares(&[row(1.0, 1.0, 1.0); 9]), None, "one row says no slope");
    }

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

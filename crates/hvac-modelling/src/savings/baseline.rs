//! The baseline: what the plant would have used, from conditions that nobody in it decides.
//!
//! The smallest form that the data allow:
//!
//! | measured | form | levels | terms |
//! |---|---|---|---|
//! | load and outside air | load and weather | standing, running | L, L², T, L·T |
//! | load | load | standing, running | L, L² |
//! | outside air | time of week and temperature | 168 hours of the week, or 7 days of days | T, (T − Tc)⁺ |
//!
//! A plant whose load is metered needs no calendar: what it uses follows from what is asked of it, a chiller's power being
//! quadratic in load with the lift beside it. Without the load the calendar stands for it: the time-of-week-and-temperature
//! model of Mathieu, Price, Kiliccote and Piette 2011 ("Quantifying changes in building electricity use", IEEE Trans. Smart
//! Grid 2(3)) with one change point instead of five, as RP-1050's four-parameter model has. Terms are 0 in levels at which
//! the plant stands still. Set-points are never terms: what they save would be explained away.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Timelike};

use super::MeasuredRows;
use super::answer::BaselineForm;
use crate::linear::{Equations, solve};

/// Most terms of a form.
const MOST_TERMS: usize = 4;
/// Of the highest usual load; below, the plant stands still.
const STANDS_BELOW: f64 = 0.02;
/// Of the highest level of a time of week; below, the plant is off at that time.
const OFF_BELOW: f64 = 0.1;
/// Where a change point is looked for: shares of the temperatures before.
const CHANGE_AT: [f64; 7] = [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8];
const RIDGE: f64 = 1e-9;

/// How rows become levels and terms.
#[derive(Debug, Clone)]
struct Shape {
    form: BaselineForm,
    /// What loads are divided by.
    usual_load: f64,
    /// What is taken off temperatures.
    usual_air: f64,
    /// Where the slope changes, in the temperature's unit.
    change: Option<f64>,
    /// Levels whose terms are 0.
    off: Vec<bool>,
}

/// A fitted baseline.
#[derive(Debug, Clone)]
pub(super) struct Baseline {
    shape: Shape,
    /// Mean of the target and of the terms, by level.
    levels: BTreeMap<usize, (f64, [f64; MOST_TERMS])>,
    coefficients: [f64; MOST_TERMS],
    /// Inverse covariance's work: covariance of the terms within levels.
    covariance: [[f64; MOST_TERMS]; MOST_TERMS],
    /// Coefficients and levels of the rows themselves.
    pub(super) parameters: usize,
    /// Coefficients, and levels that still differ between whole days.
    pub(super) parameters_of_days: usize,
    /// Sum of squared residuals.
    pub(super) squares: f64,
}

impl Shape {
    fn of(rows: &MeasuredRows, before: &[usize]) -> Self {
        let form = match (&rows.load, &rows.air) {
            (Some(_), Some(_)) => BaselineForm::LoadAndWeather,
            (Some(_), None) => BaselineForm::Load,
            _ => BaselineForm::TimeOfWeekAndTemperature,
        };
        let sorted = |values: &Option<Vec<f64>>| {
            let mut all: Vec<f64> =
                values.iter().flat_map(|values| before.iter().filter_map(|row| values.get(*row))).copied().collect();
            all.sort_by(f64::total_cmp);
            all
        };
        let (load, air) = (sorted(&rows.load), sorted(&rows.air));
        let usual_load = share(&load, 0.99).filter(|load| *load > 0.0).unwrap_or(1.0);
        let usual_air = share(&air, 0.5).unwrap_or(0.0);
        let mut shape = Self { form, usual_load, usual_air, change: None, off: Vec::new() };
        shape.off = shape.off_levels(rows, before);
        shape
    }

    fn off_levels(&self, rows: &MeasuredRows, before: &[usize]) -> Vec<bool> {
        if self.form != BaselineForm::TimeOfWeekAndTemperature {
            return vec![true, false];
        }
        let mut means = vec![(0.0, 0.0); 168];
        for row in before {
            let level = self.level(rows, *row).and_then(|level| means.get_mut(level));
            if let (Some((sum, count)), Some(power)) = (level, rows.power_kw.get(*row)) {
                (*sum, *count) = (*sum + power, *count + 1.0);
            }
        }
        let highest =
            means.iter().filter(|(_, count)| *count > 0.0).map(|(sum, count)| sum / count).fold(0.0, f64::max);
        means.iter().map(|(sum, count)| *count > 0.0 && sum / count < OFF_BELOW * highest).collect()
    }

    /// The level of a row; none where what it needs is missing.
    fn level(&self, rows: &MeasuredRows, row: usize) -> Option<usize> {
        match self.form {
            BaselineForm::TimeOfWeekAndTemperature => {
                let at = DateTime::from_timestamp_millis(*rows.start_ms.get(row)?)?.with_timezone(&rows.zone);
                let day = at.weekday().num_days_from_monday() as usize;
                Some(if rows.is_hourly() { day * 24 + at.hour() as usize } else { day })
            }
            _ => {
                let load = rows.load.as_ref().and_then(|load| load.get(row)).filter(|load| load.is_finite())?;
                Some(usize::from(*load >= STANDS_BELOW * self.usual_load))
            }
        }
    }

    fn terms(&self, rows: &MeasuredRows, row: usize, level: usize) -> Option<[f64; MOST_TERMS]> {
        let value = |values: &Option<Vec<f64>>| {
            values.as_ref().and_then(|values| values.get(row)).copied().filter(|value| value.is_finite())
        };
        let load = || value(&rows.load).map(|load| load / self.usual_load);
        let air = || value(&rows.air).map(|air| air - self.usual_air);
        let terms = match self.form {
            BaselineForm::LoadAndWeather => {
                let (load, air) = (load()?, air()?);
                [load, load * load, air, load * air]
            }
            BaselineForm::Load => {
                let load = load()?;
                [load, load * load, 0.0, 0.0]
            }
            BaselineForm::TimeOfWeekAndTemperature => {
                let air = air()?;
                let above = self.change.map_or(0.0, |change| (air + self.usual_air - change).max(0.0));
                [air, above, 0.0, 0.0]
            }
        };
        let is_off = self.off.get(level) == Some(&true);
        Some(if is_off { [0.0; MOST_TERMS] } else { terms })
    }
}

impl Baseline {
    /// Fits the rows `before`, all of which have a power and what the form needs; none when they tell nothing.
    #[must_use]
    pub(super) fn fit(rows: &MeasuredRows, before: &[usize]) -> Option<Self> {
        let shape = Shape::of(rows, before);
        let plain = Self::of_shape(shape.clone(), rows, before)?;
        if shape.form != BaselineForm::TimeOfWeekAndTemperature {
            return Some(plain);
        }
        let mut air: Vec<f64> =
            rows.air.iter().flat_map(|air| before.iter().filter_map(|row| air.get(*row))).copied().collect();
        air.sort_by(f64::total_cmp);
        let changes = CHANGE_AT.iter().filter_map(|at| share(&air, *at));
        let fitted =
            changes.filter_map(|change| Self::of_shape(Shape { change: Some(change), ..shape.clone() }, rows, before));
        let best = fitted.min_by(|one, other| one.squares.total_cmp(&other.squares));
        // A change point costs a slope and itself; it has to earn both (Akaike).
        let gain = |best: &Self| before.len() as f64 * (plain.squares / best.squares).ln();
        Some(best.filter(|best| gain(best) > 4.0).unwrap_or(plain))
    }

    fn of_shape(shape: Shape, rows: &MeasuredRows, before: &[usize]) -> Option<Self> {
        let placed: Vec<(usize, f64, [f64; MOST_TERMS])> = before
            .iter()
            .filter_map(|row| {
                let level = shape.level(rows, *row)?;
                Some((
                    level,
                    rows.power_kw.get(*row).copied().filter(|power| power.is_finite())?,
                    shape.terms(rows, *row, level)?,
                ))
            })
            .collect();
        let mut levels: BTreeMap<usize, (f64, [f64; MOST_TERMS])> = BTreeMap::new();
        let mut counts: BTreeMap<usize, f64> = BTreeMap::new();
        for (level, power, terms) in &placed {
            let sums = levels.entry(*level).or_insert((0.0, [0.0; MOST_TERMS]));
            sums.0 += power;
            sums.1.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
            *counts.entry(*level).or_default() += 1.0;
        }
        for (level, (power, terms)) in &mut levels {
            let count = counts.get(level).copied().unwrap_or(1.0);
            *power /= count;
            terms.iter_mut().for_each(|term| *term /= count);
        }
        let within: Vec<(f64, [f64; MOST_TERMS])> = placed
            .iter()
            .filter_map(|(level, power, terms)| {
                let (mean_power, mean_terms) = levels.get(level)?;
                Some((power - mean_power, minus(terms, mean_terms)))
            })
            .collect();
        let target: Vec<f64> = within.iter().map(|(power, _)| *power).collect();
        let put = |row: usize, terms: &mut [f64]| match within.get(row) {
            Some((_, own)) => terms.copy_from_slice(own),
            None => terms.fill(f64::NAN),
        };
        let solution = solve(&Equations {
            terms: MOST_TERMS,
            row: &put,
            target: &target,
            weights: &[],
            not_negative: &[false; MOST_TERMS],
            ridge: RIDGE,
        })?;
        let mut coefficients = [0.0; MOST_TERMS];
        coefficients.iter_mut().zip(&solution.coefficients).for_each(|(to, from)| *to = *from);
        let squares = within.iter().map(|(power, terms)| (power - product(&coefficients, terms)).powi(2)).sum();
        let mut covariance = [[0.0; MOST_TERMS]; MOST_TERMS];
        for (_, terms) in &within {
            for (row, left) in covariance.iter_mut().zip(terms) {
                row.iter_mut().zip(terms).for_each(|(cell, right)| *cell += left * right / within.len() as f64);
            }
        }
        let slopes = coefficients.iter().filter(|coefficient| **coefficient != 0.0).count()
            + usize::from(shape.change.is_some());
        let days = match shape.form {
            BaselineForm::TimeOfWeekAndTemperature => 7.min(levels.len()),
            _ => levels.len(),
        };
        Some(Self {
            parameters: levels.len() + slopes,
            parameters_of_days: days + slopes,
            shape,
            levels,
            coefficients,
            covariance,
            squares,
        })
    }

    /// What the plant would have used in a row, kW, never below 0; none where the baseline knows nothing of it.
    #[must_use]
    pub(super) fn predict(&self, rows: &MeasuredRows, row: usize) -> Option<f64> {
        let (mean_power, terms) = self.beside_level(rows, row)?;
        Some((mean_power + product(&self.coefficients, &terms)).max(0.0))
    }

    /// A row's mean power by level, and how far its terms lie from the level's.
    fn beside_level(&self, rows: &MeasuredRows, row: usize) -> Option<(f64, [f64; MOST_TERMS])> {
        let level = self.shape.level(rows, row)?;
        let (mean_power, mean_terms) = self.levels.get(&level)?;
        Some((*mean_power, minus(&self.shape.terms(rows, row, level)?, mean_terms)))
    }

    /// Squared Mahalanobis distance of the mean terms of `after` from those before, each within its level.
    #[must_use]
    pub(super) fn distance(&self, rows: &MeasuredRows, after: &[usize]) -> f64 {
        let mut mean = [0.0; MOST_TERMS];
        for (_, terms) in after.iter().filter_map(|row| self.beside_level(rows, *row)) {
            mean.iter_mut().zip(&terms).for_each(|(sum, term)| *sum += term / after.len() as f64);
        }
        quadratic(self.covariance, mean)
    }

    /// The form.
    #[must_use]
    pub(super) fn form(&self) -> BaselineForm {
        self.shape.form
    }

    /// The equation in words and numbers, in kW; `load` and `air` are what the columns are called.
    #[must_use]
    pub(super) fn equation(&self, load: &str, air: &str) -> String {
        let Shape { usual_load, usual_air, change, form, .. } = &self.shape;
        let [a, b, c, d] = self.coefficients;
        let signed =
            |value: f64, of: &str| format!(" {} {} {of}", if value < 0.0 { '−' } else { '+' }, digits(value.abs()));
        let level =
            self.levels.last_key_value().map_or(0.0, |(_, (power, terms))| power - product(&self.coefficients, terms));
        match form {
            BaselineForm::LoadAndWeather => {
                let constant = level - c * usual_air;
                let (per_load, cross) = ((a - d * usual_air) / usual_load, d / usual_load);
                format!(
                    "kW = {}{}{}{}{}",
                    digits(constant).replace('-', "−"),
                    signed(per_load, load),
                    signed(b / (usual_load * usual_load), &format!("{load}²")),
                    signed(c, air),
                    signed(cross, &format!("{load}·{air}"))
                )
            }
            BaselineForm::Load => format!(
                "kW = {}{}{}",
                digits(level).replace('-', "−"),
                signed(a / usual_load, load),
                signed(b / (usual_load * usual_load), &format!("{load}²"))
            ),
            BaselineForm::TimeOfWeekAndTemperature => {
                let above = change.map(|at| signed(b, &format!("({air} − {})⁺", digits(at)))).unwrap_or_default();
                format!("kW = a level for each time of the week{}{above}", signed(a, air))
            }
        }
    }
}

/// Four significant digits.
fn digits(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let after = 3.0 - value.abs().log10().floor();
    let decimals = if after > 0.0 { after.min(12.0) } else { 0.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 12")]
    let decimals = decimals as usize;
    format!("{value:.decimals$}")
}

fn minus(terms: &[f64; MOST_TERMS], other: &[f64; MOST_TERMS]) -> [f64; MOST_TERMS] {
    let mut result = *terms;
    result.iter_mut().zip(other).for_each(|(term, other)| *term -= other);
    result
}

fn product(left: &[f64; MOST_TERMS], right: &[f64; MOST_TERMS]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

/// xᵀ·A⁻¹·x of a covariance, by elimination; directions in which nothing varies are left out.
#[expect(clippy::indexing_slicing, reason = "all indices are below the arrays' length")]
fn quadratic(mut a: [[f64; MOST_TERMS]; MOST_TERMS], mut x: [f64; MOST_TERMS]) -> f64 {
    let scale: Vec<f64> = (0..MOST_TERMS).map(|i| a[i][i]).collect();
    let mut sum = 0.0;
    for pivot in 0..MOST_TERMS {
        let own = a[pivot][pivot];
        if own <= 1e-9 * scale[pivot].max(f64::MIN_POSITIVE) {
            continue;
        }
        sum += x[pivot] * x[pivot] / own;
        for row in pivot + 1..MOST_TERMS {
            let factor = a[row][pivot] / own;
            x[row] -= factor * x[pivot];
            let above = a[pivot];
            a[row].iter_mut().zip(above).for_each(|(cell, above)| *cell -= factor * above);
        }
    }
    sum
}

/// The value below which that share of sorted ones lies.
pub(super) fn share(sorted: &[f64], share: f64) -> Option<f64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the list")]
    let at = (share * sorted.len().saturating_sub(1) as f64).round() as usize;
    sorted.get(at).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Independent terms: x²/variance each; those that do not vary count nothing.
    #[test]
    fn distances_by_hand() {
        let mut a = [[0.0; MOST_TERMS]; MOST_TERMS];
        a[0][0] = 4.0;
        a[1][1] = 1.0;
        assert!((quadratic(a, [2.0, 3.0, 0.0, 0.0]) - 10.0).abs() < 1e-12);
        // [4 2; 2 2]⁻¹ = ¼·[2 −2; −2 4]: of (2, 3), (8 − 24 + 36)/4 = 5.
        a[0][1] = 2.0;
        a[1][0] = 2.0;
        a[1][1] = 2.0;
        assert!((quadratic(a, [2.0, 3.0, 0.0, 0.0]) - 5.0).abs() < 1e-12);
    }

    #[test]
    fn numbers_have_four_digits() {
        assert_eq!([0.000_123_45, 1.5, 123.456, 98_765.4].map(digits), ["0.0001234", "1.500", "123.5", "98765"]);
    }
}

//! Affinity law of a pump or fan: P ∝ f³ in theory (HVAC.md §4).
//!
//! Real machines fit exponents of 3.1–3.9 over a narrow band, so P/f³ is compared with the machine's own median
//! while it runs: |P/f³ ÷ median − 1| ≤ `affinity` (0.20). The exponent n of P ∝ fⁿ is fitted beside it, by
//! least squares on the logarithms, and reported. The unit of the speed does not matter (Hz or %).
//!
//! One speed often stands before several machines – two fans of a tower, pumps that are staged behind one drive –
//! and then one speed has several powers. So P/f³ may have **levels**: values that it keeps to, told by a histogram of
//! its logarithm with bins of a quarter of the limit. Bins that hold more than 1 row of 1000 (3 at least), at most one
//! bin apart, are one level when 2 of 100 rows (20 at least) are in them. Each row is compared with the nearest level,
//! and the exponent is fitted within the levels; with more than six levels nothing is judged. Both is said.
//!
//! Of resampled rows only those count during which the machine ran throughout: a mean over a standstill obeys no
//! law. The yardstick is the data's own, so a cleaned set is not judged by it a second time.

use super::sampling::{median, whole};
use super::steady::RowVerdict;

/// Rows that are needed to know a machine.
const LEAST_ROWS: usize = 20;
/// The highest speed must be this many times the lowest for an exponent to mean anything.
const LEAST_SPAN: f64 = 1.02;
/// Bins of the histogram of ln(P/f³) in the limit.
const BINS_IN_LIMIT: f64 = 4.0;
/// Share of the rows, and rows at least, of a bin that belongs to a level.
const BIN: (f64, usize) = (0.001, 3);
/// The same of a level.
const LEVEL: (f64, usize) = (0.02, LEAST_ROWS);
/// More levels than these are none.
const MOST_LEVELS: usize = 6;

/// A value that P/f³ keeps to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PowerLevel {
    /// Median of P/f³ in it.
    pub(crate) median: f64,
    /// Its rows.
    pub(crate) rows: usize,
}

/// What a machine does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AffinityFit {
    /// A verdict a row; [`RowVerdict::Beyond`] holds P/f³ ÷ nearest level − 1.
    pub(crate) rows: Vec<RowVerdict>,
    /// Rows at which it runs.
    pub(crate) running: u64,
    /// Median of P/f³ while it runs.
    pub(crate) median: Option<f64>,
    /// Values that P/f³ keeps to, ascending; the median alone where there is one.
    pub(crate) levels: Vec<PowerLevel>,
    /// Exponent of P ∝ fⁿ.
    pub(crate) exponent: Option<f64>,
    /// Lowest and highest speed while it runs.
    pub(crate) speed_range: Option<(f64, f64)>,
}

/// Judges a machine by its speed and power (kW), both NaN where there is none.
#[must_use]
pub(crate) fn fit(speed: &[f64], power_kw: &[f64], limit: f64, running_speed: f64, running_kw: f64) -> AffinityFit {
    let runs = |f: f64, p: f64| f > running_speed && p > running_kw;
    let running: Vec<(f64, f64)> =
        speed.iter().zip(power_kw).map(|(f, p)| (*f, *p)).filter(|(f, p)| runs(*f, *p)).collect();
    let range = running.iter().fold(None, |range: Option<(f64, f64)>, (f, _)| {
        Some(range.map_or((*f, *f), |(low, high)| (low.min(*f), high.max(*f))))
    });
    let mut ratios: Vec<f64> = running.iter().map(|(f, p)| p / f.powi(3)).collect();
    let enough = ratios.len() >= LEAST_ROWS;
    let own = median(&mut ratios).filter(|_| enough);
    let levels = own.map_or(Vec::new(), |own| levels(ratios, own, limit));
    let judged = levels.len() <= MOST_LEVELS;
    let verdict = |(f, p): (&f64, &f64)| match nearest(&levels, p / f.powi(3)) {
        Some(level) if judged && runs(*f, *p) => {
            let off = p / f.powi(3) / level - 1.0;
            if off.abs() > limit { RowVerdict::Beyond(off) } else { RowVerdict::Within }
        }
        _ => RowVerdict::Unjudged,
    };
    let spans = enough && judged && range.is_some_and(|(low, high)| high >= low * LEAST_SPAN);
    AffinityFit {
        rows: speed.iter().zip(power_kw).map(verdict).collect(),
        running: running.len() as u64,
        median: own,
        exponent: if spans { exponent(&running, &levels) } else { None },
        speed_range: range,
        levels,
    }
}

impl AffinityFit {
    /// Whether its rows are judged.
    #[must_use]
    pub(crate) fn is_judged(&self) -> bool {
        self.median.is_some() && self.levels.len() <= MOST_LEVELS
    }
}

/// The level whose logarithm is nearest.
fn nearest(levels: &[PowerLevel], ratio: f64) -> Option<f64> {
    let off = |level: &PowerLevel| (ratio / level.median).ln().abs();
    levels.iter().min_by(|a, b| off(a).total_cmp(&off(b))).map(|level| level.median)
}

/// The levels of P/f³, `own` being the median of all; that one where it keeps to no other.
fn levels(mut ratios: Vec<f64>, own: f64, limit: f64) -> Vec<PowerLevel> {
    let rows = ratios.len();
    let alone = vec![PowerLevel { median: own, rows }];
    let width = (1.0 + limit).ln() / BINS_IN_LIMIT;
    if width <= 0.0 {
        return alone;
    }
    ratios.sort_by(f64::total_cmp);
    let bin = |ratio: &f64| ((ratio / own).ln() / width).round();
    let at_least = |(share, least): (f64, usize)| least.max(whole(share * rows as f64) as usize);
    let mut found: Vec<(f64, Vec<f64>)> = Vec::new();
    for same in ratios.chunk_by(|a, b| bin(a) == bin(b)).filter(|same| same.len() >= at_least(BIN)) {
        let Some(here) = same.first().map(bin) else { continue };
        match found.last_mut() {
            Some((last, values)) if here - *last <= 2.0 => {
                *last = here;
                values.extend(same);
            }
            _ => found.push((here, same.to_vec())),
        }
    }
    found.retain(|(_, values)| values.len() >= at_least(LEVEL));
    if found.len() < 2 {
        return alone;
    }
    let level =
        |(_, mut values): (f64, Vec<f64>)| Some(PowerLevel { rows: values.len(), median: median(&mut values)? });
    found.into_iter().filter_map(level).collect()
}

/// Slope of ln P over ln f by least squares, each level of P/f³ with a constant of its own.
fn exponent(running: &[(f64, f64)], levels: &[PowerLevel]) -> Option<f64> {
    let (mut together, mut alone) = (0.0, 0.0);
    for level in levels {
        let here = |(f, p): &&(f64, f64)| levels.len() == 1 || nearest(levels, p / f.powi(3)) == Some(level.median);
        let logs: Vec<(f64, f64)> = running.iter().filter(here).map(|(f, p)| (f.ln(), p.ln())).collect();
        let count = logs.len() as f64;
        let (mean_f, mean_p) =
            (logs.iter().map(|(f, _)| f).sum::<f64>() / count, logs.iter().map(|(_, p)| p).sum::<f64>() / count);
        for (f, p) in logs {
            together += (f - mean_f) * (p - mean_p);
            alone += (f - mean_f).powi(2);
        }
    }
    (alone > 0.0).then(|| together / alone)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::unwrap_used)]
    use super::*;

    /// 20 kW at 50 Hz by the cube: P/f³ = 1.6e-4. At 40 Hz 10.24 kW; at 45 Hz 14.58 kW.
    /// 12.5 kW at 40 Hz: +22 %; 12.2 kW: +19.1 %; 8.1 kW: −20.9 %.
    #[test]
    fn hand_worked_rows() {
        let mut speed = vec![50.0, 40.0, 45.0, 50.0];
        let mut power = vec![20.0, 10.24, 14.58, 20.0];
        (speed, power) = (speed.repeat(6), power.repeat(6));
        speed.extend([40.0, 40.0, 40.0, 3.0, 40.0, f64::NAN]);
        power.extend([12.5, 12.2, 8.1, 0.6, 0.4, 9.0]);
        let fit = fit(&speed, &power, 0.2, 5.0, 0.5);
        assert!((fit.median.unwrap() - 1.6e-4).abs() < 1e-9);
        assert_eq!((fit.running, fit.speed_range), (27, Some((40.0, 50.0))));
        assert!(fit.rows[..24].iter().all(|v| *v == RowVerdict::Within));
        assert!(matches!(fit.rows[24], RowVerdict::Beyond(off) if (off - 0.2207).abs() < 1e-3));
        assert_eq!(fit.rows[25], RowVerdict::Within);
        assert!(matches!(fit.rows[26], RowVerdict::Beyond(off) if (off + 0.2090).abs() < 1e-3));
        assert_eq!(fit.rows[27..], [RowVerdict::Unjudged; 3], "too slow, standing, no speed");
    }

    /// P = 0.01·f^3.4 exactly.
    #[test]
    fn the_exponent_is_found() {
        let speed: Vec<f64> = (0..40).map(|i| 40.0 + f64::from(i) / 4.0).collect();
        let power: Vec<f64> = speed.iter().map(|f| 0.01 * f.powf(3.4)).collect();
        assert!((fit(&speed, &power, 0.2, 5.0, 0.5).exponent.unwrap() - 3.4).abs() < 1e-9);
        let constant = fit(&[50.0; 40], &power, 0.2, 5.0, 0.5);
        assert_eq!((constant.exponent, constant.running), (None, 40));
        let few = fit(&speed[..19], &power[..19], 0.2, 5.0, 0.5);
        assert_eq!((few.median, few.rows[0]), (None, RowVerdict::Unjudged));
    }

    /// One fan 2e-4 · f³, two 4e-4 · f³: 20 or 40 kW less 2 % at 46 Hz or so. 30 kW at 46 Hz (97 336 · 2e-4 = 19.5, two:
    /// 38.9) belongs to neither: −22.9 % of two, +54 % of one; 12 kW are −38 % of one.
    #[test]
    fn two_fans_behind_one_speed_have_two_powers() {
        let mut speed: Vec<f64> = (0..400).map(|i| 40.0 + f64::from(i % 11)).collect();
        let mut power: Vec<f64> = (speed.iter().enumerate())
            .map(|(i, f)| f.powi(3) * if i % 10 < 3 { 4e-4 } else { 2e-4 } * (0.98 + (i / 10 % 5) as f64 / 100.0))
            .collect();
        speed.extend([46.0, 46.0]);
        power.extend([30.0, 12.0]);
        let fit = fit(&speed, &power, 0.2, 5.0, 0.5);
        let levels: Vec<(f64, usize)> =
            fit.levels.iter().map(|level| ((level.median * 1e6).round(), level.rows)).collect();
        assert_eq!(levels, [(200.0, 280), (400.0, 120)]);
        assert!(fit.is_judged() && fit.rows[..400].iter().all(|verdict| *verdict == RowVerdict::Within));
        assert!(matches!(fit.rows[400], RowVerdict::Beyond(off) if (off + 0.2295).abs() < 1e-3), "{:?}", fit.rows[400]);
        assert!(matches!(fit.rows[401], RowVerdict::Beyond(off) if (off + 0.3836).abs() < 1e-3), "{:?}", fit.rows[401]);
        assert!((fit.exponent.unwrap() - 3.0).abs() < 0.02, "{:?}", fit.exponent);
    }

    /// Ten powers at one speed are no machine's law.
    #[test]
    fn many_levels_are_not_judged() {
        let speed = vec![50.0; 400];
        let power: Vec<f64> = (0..400).map(|i| 10.0 * 1.6_f64.powi(i % 10)).collect();
        let fit = fit(&speed, &power, 0.2, 5.0, 0.5);
        assert_eq!((fit.levels.len(), fit.is_judged()), (10, false));
        assert!(fit.rows.iter().all(|verdict| *verdict == RowVerdict::Unjudged));
    }
}

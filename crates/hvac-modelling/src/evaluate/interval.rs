//! Prediction intervals by split conformal prediction in order of time: how wide they must be is read off rows that the
//! model had not seen, without an assumption about how errors are distributed (Lei et al. 2018, JASA 113:1094).
//!
//! A plant drifts with the seasons, so rows to come are not rows like those before, which that proof asks for. What
//! stands in for it is a record of how far off this algorithm was each time it went on: *blocks* of rows, one before the
//! other, each foretold by a model of the rows before it alone, as the held-out rows are. The width is the larger of
//! what nine in ten rows of all blocks needed and what those of the newest did. Whether that was enough only the
//! held-out rows tell, which had no part in it: held they between 85 and 95 % of them, the interval is *calibrated*. If
//! not, it says so and why, and where it was too narrow it is widened until it holds nine in ten of the held-out rows
//! too – then nothing is left that this could be tested on, and `coverage` stays what was held before.
//!
//! Errors of a plant either stay the same or grow with power. Both widths are read off the same rows; kept is the one
//! that holds more evenly over the deciles of predicted power *of those rows*.

use serde::{Deserialize, Serialize};

use super::metrics::finite;

/// Share of rows that an interval is meant to hold.
pub(crate) const NOMINAL: f64 = 0.9;
/// How far from it the share held may be.
const TOLERANCE: f64 = 0.05;
/// Fewest rows that tell that: the share held of so many has itself a standard deviation of √(0.9 × 0.1 ÷ 36) = 0.05.
const LEAST_TO_TELL: usize = 36;

/// How wide a prediction interval is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Width {
    /// The same everywhere.
    #[default]
    Absolute,
    /// In proportion to the prediction.
    Relative,
}

/// An interval, and how well it held.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct PredictionInterval {
    /// How it goes with the prediction.
    pub width: Width,
    /// Half width in the target's unit; of a relative one, at the calibration rows' mean prediction.
    pub half_width: f64,
    /// Half width ÷ prediction, 0…; none for an absolute one.
    pub half_share: Option<f64>,
    /// Share of rows that it is meant to hold: 0.9.
    pub nominal: f64,
    /// Share of the held-out rows that it did hold before it was widened, around predictions of a model that had not
    /// seen them; they had no part in its width.
    pub coverage: Option<f64>,
    /// Rows before the held-out ones that its width was read off, each foretold by a model of earlier rows.
    pub calibration_rows: u64,
    /// Whether `coverage` lies within five points of `nominal`; null of a model of an older version.
    pub calibrated: Option<bool>,
    /// Why it is not calibrated.
    pub reason: Option<String>,
    /// How many times wider than what `coverage` is of, so that it holds nine in ten of the held-out rows too; none
    /// where it did.
    pub widened: Option<f64>,
}

/// What was, and what a model of earlier rows had said.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ForetoldBlock {
    pub(crate) actual: Vec<f64>,
    pub(crate) predicted: Vec<f64>,
}

impl ForetoldBlock {
    fn rows(&self) -> impl Iterator<Item = (f64, f64)> {
        let rows = self.actual.iter().copied().zip(self.predicted.iter().copied());
        rows.filter(|(a, p)| a.is_finite() && p.is_finite())
    }
}

impl PredictionInterval {
    /// Reads the width off blocks of rows, the newest first; none when there is no row.
    #[must_use]
    pub(crate) fn calibrate(blocks: &[ForetoldBlock]) -> Option<Self> {
        let newest: Vec<(f64, f64)> = blocks.first()?.rows().collect();
        let rows: Vec<(f64, f64)> = blocks.iter().flat_map(ForetoldBlock::rows).collect();
        let widest = |size: fn(&(f64, f64)) -> f64| {
            let all = quantile(rows.iter().map(size).collect())?;
            Some(quantile(newest.iter().map(size).collect()).map_or(all, |newest| newest.max(all)))
        };
        let half_width = widest(|(a, p)| (a - p).abs())?;
        let count = rows.len() as u64;
        let absolute =
            Self { width: Width::Absolute, half_width, nominal: NOMINAL, calibration_rows: count, ..Self::default() };
        if rows.iter().any(|(_, p)| *p <= 0.0) {
            return Some(absolute);
        }
        let share = widest(|(a, p)| (a - p).abs() / p)?;
        let mean = rows.iter().map(|(_, p)| p).sum::<f64>() / count as f64;
        let relative =
            Self { width: Width::Relative, half_width: share * mean, half_share: Some(share), ..absolute.clone() };
        let uneven = |interval: &Self| interval.unevenness(&rows);
        Some(if uneven(&relative) < uneven(&absolute) { relative } else { absolute })
    }

    /// Tries it on rows that had no part in it: says whether it is calibrated, and widens it where it was too narrow.
    #[must_use]
    pub(crate) fn tried_on(mut self, held_out: &ForetoldBlock) -> Self {
        let rows: Vec<(f64, f64)> = held_out.rows().collect();
        self.coverage = self.held(&held_out.actual, &held_out.predicted);
        let Some(coverage) = self.coverage else {
            return Self {
                calibrated: Some(false),
                reason: Some("no row was held out to try it on".to_owned()),
                ..self
            };
        };
        // 0.85 − 0.9 is a little more than five points in binary
        let off = ((coverage - self.nominal) * 1e9).round() / 1e9;
        let (held, nominal) = (format!("{:.1} %", 100.0 * coverage), format!("{:.0} %", 100.0 * self.nominal));
        let count = rows.len();
        self.reason = if count < LEAST_TO_TELL {
            Some(format!(
                "only {count} rows were held out to try it on; {LEAST_TO_TELL} can tell {nominal} to five points"
            ))
        } else if off > TOLERANCE {
            Some(format!(
                "meant to hold {nominal}, it held {held} of the held-out rows: it is wider than they needed, for the \
                 rows before them were foretold worse"
            ))
        } else if off < -TOLERANCE {
            Some(format!(
                "meant to hold {nominal}, it held only {held} of the held-out rows: the plant was not what it had been \
                 in the rows before"
            ))
        } else {
            None
        };
        self.calibrated = Some(self.reason.is_none());
        let needed = || quantile(rows.iter().map(|(a, p)| (a - p).abs() / self.at(*p)).collect());
        if off < -TOLERANCE
            && let Some(times) = needed().filter(|times| times.is_finite() && *times > 1.0)
        {
            self.widened = Some(times);
            self.half_width *= times;
            self.half_share = self.half_share.map(|share| share * times);
            let says =
                format!("; it was made {times:.1} times as wide, to hold nine in ten of them too, which is not tested");
            self.reason = self.reason.map(|reason| reason + &says);
        }
        self
    }

    /// Half width around that prediction.
    #[must_use]
    pub(crate) fn at(&self, prediction: f64) -> f64 {
        self.half_share.map_or(self.half_width, |share| share * prediction.abs())
    }

    /// Share of rows that lie within it; none without rows.
    #[must_use]
    pub(crate) fn held(&self, actual: &[f64], predicted: &[f64]) -> Option<f64> {
        let rows = actual.iter().zip(predicted);
        let held = rows.clone().filter(|(a, p)| (*a - *p).abs() <= self.at(**p)).count();
        finite(held as f64 / rows.count() as f64)
    }

    /// Mean distance of the coverage from nominal over deciles of predictions.
    fn unevenness(&self, rows: &[(f64, f64)]) -> f64 {
        let mut rows = rows.to_vec();
        rows.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.total_cmp(&b.0)));
        let deciles = rows.chunks(rows.len().div_ceil(10).max(1));
        let off = |decile: &[(f64, f64)]| {
            let (actual, predicted): (Vec<f64>, Vec<f64>) = decile.iter().copied().unzip();
            self.held(&actual, &predicted).map_or(0.0, |held| (held - NOMINAL).abs())
        };
        deciles.map(off).sum()
    }
}

/// The ⌈(n + 1) × 0.9⌉-th smallest: then a further row lies within with that chance. The largest when there are too
/// few for that.
fn quantile(mut sizes: Vec<f64>) -> Option<f64> {
    sizes.sort_by(f64::total_cmp);
    let rank = ((sizes.len() + 1) * 9).div_ceil(10);
    sizes.get(rank.min(sizes.len()).checked_sub(1)?).copied()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn block(actual: &[f64], predicted: &[f64]) -> ForetoldBlock {
        ForetoldBlock { actual: actual.to_vec(), predicted: predicted.to_vec() }
    }

    fn calibrate(actual: &[f64], predicted: &[f64]) -> Option<PredictionInterval> {
        PredictionInterval::calibrate(&[block(actual, predicted)])
    }

    /// Errors of 1 to 100: nine in ten of 100 rows need 91; of the newest block, all twice that, 182.
    #[test]
    fn the_newest_block_may_widen_it_and_an_older_one_too() {
        let errors =
            |times: f64| block(&(1..=100).map(|error| f64::from(error) * times).collect::<Vec<_>>(), &[0.0; 100]);
        let of = |blocks: &[ForetoldBlock]| PredictionInterval::calibrate(blocks).unwrap();
        assert_eq!(of(&[errors(1.0)]).half_width, 91.0);
        assert_eq!(of(&[errors(2.0), errors(1.0)]).half_width, 182.0, "the newest");
        // 181 of the 200 rows: with errors of 2, 4, … 200 and 1, 2, … 100, 19 are larger than 162
        assert_eq!(of(&[errors(1.0), errors(2.0)]).half_width, 162.0, "all of them");
        assert_eq!(of(&[errors(1.0), errors(2.0)]).calibration_rows, 200);
    }

    /// What is too narrow is told and widened, what is too wide told, what nobody can tell is not claimed.
    #[test]
    fn the_held_out_rows_tell_whether_it_is_calibrated() {
        let errors: Vec<f64> = (1..=100).map(f64::from).collect();
        let tried = |times: f64, rows: usize| {
            let held_out: Vec<f64> = errors.iter().map(|error| error * times).take(rows).collect();
            calibrate(&errors, &[0.0; 100]).unwrap().tried_on(&block(&held_out, &vec![0.0; rows]))
        };
        let same = tried(1.0, 100);
        assert_eq!((same.coverage, same.calibrated, same.reason, same.widened), (Some(0.91), Some(true), None, None));
        let narrow = tried(2.0, 100);
        assert_eq!((narrow.coverage, narrow.calibrated, narrow.widened), (Some(0.45), Some(false), Some(2.0)));
        assert_eq!(narrow.half_width, 182.0, "nine in ten of errors up to 200");
        let reason = narrow.reason.unwrap();
        assert!(reason.contains("held only 45.0 %") && reason.contains("2.0 times as wide"), "{reason}");
        let wide = tried(0.5, 100);
        assert_eq!(
            (wide.coverage, wide.calibrated, wide.widened, wide.half_width),
            (Some(1.0), Some(false), None, 91.0)
        );
        assert!(wide.reason.unwrap().contains("wider than they needed"));
        let few = tried(1.0, 35);
        assert_eq!((few.calibrated, few.widened), (Some(false), None));
        assert!(few.reason.unwrap().starts_with("only 35 rows"));
        assert_eq!(tried(1.0, 0).calibrated, Some(false));
        // a relative one stays so
        let relative = PredictionInterval { half_share: Some(0.1), nominal: NOMINAL, half_width: 10.0, ..same_width() };
        let held_out = block(&vec![130.0; 50], &[100.0; 50]);
        let widened = relative.tried_on(&held_out);
        assert!((widened.half_share.unwrap() - 0.3).abs() < 1e-12 && (widened.half_width - 30.0).abs() < 1e-9);
    }

    fn same_width() -> PredictionInterval {
        PredictionInterval { width: Width::Relative, ..PredictionInterval::default() }
    }

    /// Numbers that look like chance, 0…1: the fractional parts of multiples of √2 and √3 (Weyl).
    fn chance(count: u32, step: f64) -> Vec<f64> {
        (1..=count).map(|k| (f64::from(k) * step).fract()).collect()
    }

    #[test]
    fn the_width_is_the_rank_that_a_further_row_needs() {
        // ⌈(n + 1) × 0.9⌉ = 18 of 19
        let actual: Vec<f64> = (1..=19).map(f64::from).collect();
        let found = calibrate(&actual, &[0.0; 19]).unwrap();
        assert_eq!((found.half_width, found.half_share, found.calibration_rows), (18.0, None, 19));
        // too few for nine in ten: the widest
        assert_eq!(calibrate(&[3.0, 1.0], &[0.0, 0.0]).unwrap().half_width, 3.0);
        assert_eq!(calibrate(&[], &[]), None);
        assert_eq!(found.held(&[], &[]), None);
    }

    /// Of 20 000 rows the share held has a standard deviation of √(0.9 × 0.1 ÷ 20 000) = 0.0021, and the width, of
    /// 2 000, one of √(0.9 × 0.1 ÷ 2 000) = 0.0067: 0.03 is beyond four of both together.
    #[test]
    fn it_holds_nine_rows_in_ten_whether_errors_grow_with_power_or_not() {
        for (grows, wanted) in [(false, Width::Absolute), (true, Width::Relative)] {
            let count = 22_000;
            let predicted: Vec<f64> = chance(count, 2_f64.sqrt()).iter().map(|u| 50.0 + 900.0 * u).collect();
            let noise = chance(count, 3_f64.sqrt());
            let actual: Vec<f64> =
                predicted.iter().zip(&noise).map(|(p, u)| p + (u - 0.5) * if grows { 0.2 * p } else { 40.0 }).collect();
            let found = calibrate(&actual[..2000], &predicted[..2000]).unwrap();
            assert_eq!(found.width, wanted);
            let held = found.held(&actual[2000..], &predicted[2000..]).unwrap();
            assert!((held - 0.9).abs() < 0.03, "{held}");
            // nine tenths of noise that is even from −20 to 20, or from −10 to 10 %
            let half = if grows { found.at(500.0) / 500.0 / 0.1 } else { found.half_width / 20.0 };
            assert!((half - 0.9).abs() < 0.03, "{half}");
        }
    }
}

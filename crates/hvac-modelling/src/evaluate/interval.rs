//! Prediction intervals by split conformal prediction: how wide they must be is read off rows that the model has not
//! seen, without an assumption about how errors are distributed (Lei et al. 2018, JASA 113:1094).
//!
//! Errors of a plant either stay the same or grow with power. Both widths are calibrated on the same rows to hold
//! nine rows in ten; kept is the one that holds more evenly over the deciles of predicted power *of those rows*, so
//! that the held-out rows only measure.

use serde::{Deserialize, Serialize};

use super::metrics::finite;

/// Share of rows that an interval is meant to hold.
pub(crate) const NOMINAL: f64 = 0.9;

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

/// A calibrated interval, and how well it held.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
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
    /// Share of the held-out rows that it did hold, around predictions of a model that had not seen them.
    pub coverage: Option<f64>,
    /// Rows that it was calibrated on: not in that fit.
    pub calibration_rows: u64,
}

impl PredictionInterval {
    /// Calibrates on rows that the model had not seen; none when there is none.
    #[must_use]
    pub(crate) fn calibrate(actual: &[f64], predicted: &[f64]) -> Option<Self> {
        let rows: Vec<(f64, f64)> = actual.iter().copied().zip(predicted.iter().copied()).collect();
        let rows: Vec<_> = rows.into_iter().filter(|(a, p)| a.is_finite() && p.is_finite()).collect();
        let half_width = quantile(rows.iter().map(|(a, p)| (a - p).abs()).collect())?;
        let count = rows.len() as u64;
        let absolute =
            Self { width: Width::Absolute, half_width, nominal: NOMINAL, calibration_rows: count, ..Self::default() };
        if rows.iter().any(|(_, p)| *p <= 0.0) {
            return Some(absolute);
        }
        let share = quantile(rows.iter().map(|(a, p)| (a - p).abs() / p).collect())?;
        let mean = rows.iter().map(|(_, p)| p).sum::<f64>() / count as f64;
        let relative = Self { width: Width::Relative, half_width: share * mean, half_share: Some(share), ..absolute };
        let uneven = |interval: &Self| interval.unevenness(&rows);
        Some(if uneven(&relative) < uneven(&absolute) { relative } else { absolute })
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
            let (actual, predicted): (Vec<_>, Vec<_>) = decile.iter().copied().unzip();
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

    /// Numbers that look like chance, 0…1: the fractional parts of multiples of √2 and √3 (Weyl).
    fn chance(count: u32, step: f64) -> Vec<f64> {
        (1..=count).map(|k| (f64::from(k) * step).fract()).collect()
    }

    #[test]
    fn the_width_is_the_rank_that_a_further_row_needs() {
        // ⌈(n + 1) × 0.9⌉ = 18 of 19
        let actual: Vec<f64> = (1..=19).map(f64::from).collect();
        let found = PredictionInterval::calibrate(&actual, &[0.0; 19]).unwrap();
        assert_eq!((found.half_width, found.half_share, found.calibration_rows), (18.0, None, 19));
        // too few for nine in ten: the widest
        assert_eq!(PredictionInterval::calibrate(&[3.0, 1.0], &[0.0, 0.0]).unwrap().half_width, 3.0);
        assert_eq!(PredictionInterval::calibrate(&[], &[]), None);
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
            let found = PredictionInterval::calibrate(&actual[..2000], &predicted[..2000]).unwrap();
            assert_eq!(found.width, wanted);
            let held = found.held(&actual[2000..], &predicted[2000..]).unwrap();
            assert!((held - 0.9).abs() < 0.03, "{held}");
            // nine tenths of noise that is even from −20 to 20, or from −10 to 10 %
            let half = if grows { found.at(500.0) / 500.0 / 0.1 } else { found.half_width / 20.0 };
            assert!((half - 0.9).abs() < 0.03, "{half}");
        }
    }
}

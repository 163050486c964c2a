//! Where a model errs, and what it goes by: residuals by load, and how much worse it gets without a feature.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::metrics::{Scores, finite, mean};
use super::split::shuffle;
use crate::features::Feature;
use crate::fitted::FittedModel;
use crate::samples::{Matrix, take};

/// Times a feature is shuffled.
const SHUFFLES: u64 = 3;
/// Most rows that importance is measured on, spread evenly over the held-out ones.
const MOST_ROWS: usize = 2_000;

/// Errors at one level of load.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct LoadBin {
    /// Least load of its rows.
    pub(crate) from: f64,
    /// Most load of its rows.
    pub(crate) to: f64,
    /// Rows.
    pub(crate) rows: u64,
    /// Mean of actual − predicted, in the target's unit.
    pub(crate) bias: Option<f64>,
    /// Mean absolute percentage error of them.
    pub(crate) mape: Option<f64>,
}

/// How much a model goes by a feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Importance {
    /// The feature.
    pub feature: String,
    /// How much the root mean square error on held-out rows grows when its values are shuffled, in the target's
    /// unit; 0, or a little below, for one that does not matter.
    pub rmse_increase: f64,
}

/// Errors by deciles of `load`; equal loads are never parted, so there may be fewer. Rows without a load are left
/// out.
#[must_use]
pub(crate) fn by_load(load: &[f64], actual: &[f64], predicted: &[f64]) -> Vec<LoadBin> {
    let rows = load.iter().zip(actual.iter().zip(predicted)).filter(|(load, _)| load.is_finite());
    let mut rows: Vec<(f64, f64, f64)> = rows.map(|(load, (a, p))| (*load, *a, *p)).collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let size = rows.len().div_ceil(10).max(1);
    let mut bins: Vec<Vec<(f64, f64, f64)>> = Vec::new();
    for same in rows.chunk_by(|a, b| a.0 == b.0) {
        match bins.last_mut() {
            Some(bin) if bin.len() < size => bin.extend(same),
            _ => bins.push(same.to_vec()),
        }
    }
    let bin = |rows: &Vec<(f64, f64, f64)>| {
        let actual: Vec<f64> = rows.iter().map(|row| row.1).collect();
        let predicted: Vec<f64> = rows.iter().map(|row| row.2).collect();
        LoadBin {
            from: rows.first().map_or(0.0, |row| row.0),
            to: rows.last().map_or(0.0, |row| row.0),
            rows: rows.len() as u64,
            bias: finite(mean(rows.iter().map(|row| row.1 - row.2))),
            mape: Scores::of(&actual, &predicted).mape,
        }
    };
    bins.iter().map(bin).collect()
}

/// Permutation importance (Breiman 2001) on rows that the model has not seen; the greatest first. Shuffled values
/// make rows that no plant ever had where features go together: it says what the model goes by, not what causes
/// power.
#[must_use]
pub(crate) fn importance(
    features: &[Feature],
    model: &FittedModel,
    x: &Matrix,
    y: &[f64],
    seed: u64,
) -> Vec<Importance> {
    let every = y.len().div_ceil(MOST_ROWS).max(1);
    let rows: Vec<usize> = (0..y.len()).step_by(every).collect();
    let (x, y) = (x.rows(&rows), take(y, &rows));
    let rmse = |x: &Matrix| Scores::of(&y, &model.predict_all(x)).rmse.unwrap_or(f64::NAN);
    let whole = rmse(&x);
    let of = |(index, feature): (usize, &Feature)| {
        let increase = |shuffled: u64| {
            let mut x = x.clone();
            if let Some(column) = x.columns.get_mut(index) {
                shuffle(column, seed.wrapping_add(shuffled).wrapping_add((index as u64) << 16));
            }
            rmse(&x) - whole
        };
        let rmse_increase = mean((0..SHUFFLES).map(increase));
        Importance { feature: feature.name.clone(), rmse_increase }
    };
    let mut found: Vec<Importance> = features.par_iter().enumerate().map(of).collect();
    found.sort_by(|a, b| b.rmse_increase.total_cmp(&a.rmse_increase).then_with(|| a.feature.cmp(&b.feature)));
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::features::{FeatureRange, FeatureSource};
    use crate::gbdt::{Tree, Trees};
    use crate::role::Role;

    #[test]
    fn errors_are_told_by_load() {
        let load: Vec<f64> = (0..100).rev().map(f64::from).chain([f64::NAN]).collect();
        let actual: Vec<f64> = load.iter().map(|load| if load.is_nan() { 7.0 } else { 100.0 + load }).collect();
        let predicted: Vec<f64> = actual.iter().map(|kw| if *kw < 110.0 { kw - 5.0 } else { *kw }).collect();
        let bins = by_load(&load, &actual, &predicted);
        assert_eq!(bins.iter().map(|bin| bin.rows).collect::<Vec<_>>(), [10; 10]);
        assert_eq!((bins[0].from, bins[0].to, bins[0].bias), (0.0, 9.0, Some(5.0)));
        // the mean of 5 ÷ 100 … 5 ÷ 109
        let wanted = (100..110).map(|kw| 50.0 / f64::from(kw)).sum::<f64>();
        assert!((bins[0].mape.unwrap() - wanted).abs() < 1e-9);
        assert_eq!((bins[9].from, bins[9].to, bins[9].bias, bins[9].mape), (90.0, 99.0, Some(0.0), Some(0.0)));
    }

    #[test]
    fn equal_loads_stay_together() {
        let mut load = vec![0.0; 50];
        load.extend((1..=50).map(f64::from));
        let bins = by_load(&load, &[1.0; 100], &[1.0; 100]);
        assert_eq!(bins.len(), 6);
        assert_eq!((bins[0].rows, bins[0].to), (50, 0.0));
        assert!(by_load(&[], &[], &[]).is_empty());
    }

    /// A step of `size` at ½ of one feature.
    fn step(feature: i32, size: f64) -> Tree {
        Tree {
            feature: vec![feature, -1, -1],
            threshold: vec![0.5, 0.0, 0.0],
            left: vec![1, 0, 0],
            right: vec![2, 0, 0],
            missing: vec![2, 0, 0],
            value: vec![0.0, 0.0, size],
        }
    }

    /// Of y = 4·[a ≥ ½] + 10·[b ≥ ½], without error: a shuffle puts half of the rows on the other side of the step,
    /// so that the error becomes size × √½.
    #[test]
    fn importance_is_the_error_that_a_shuffle_makes() {
        let feature = |name: &str| Feature {
            name: name.into(),
            source: FeatureSource::Column { column: name.into() },
            role: Role::Other,
            unit: None,
            range: FeatureRange::default(),
        };
        let model = FittedModel::Gbdt { trees: Trees { base: 3.0, trees: vec![step(1, 4.0), step(2, 10.0)] } };
        let columns: Vec<Vec<f64>> = [2.0, 3.0, 5.0]
            .iter()
            .map(|n: &f64| (1..5000).map(|k| (f64::from(k) * n.sqrt()).fract()).collect())
            .collect();
        let x = Matrix { columns };
        let y = model.predict_all(&x);
        let features = [feature("none"), feature("a"), feature("b")];
        let found = importance(&features, &model, &x, &y, 1);
        assert_eq!(found.iter().map(|found| found.feature.as_str()).collect::<Vec<_>>(), ["b", "a", "none"]);
        assert!((found[0].rmse_increase - 10.0 * 0.5_f64.sqrt()).abs() < 0.2, "{found:?}");
        assert!((found[1].rmse_increase - 4.0 * 0.5_f64.sqrt()).abs() < 0.1, "{found:?}");
        assert_eq!(found[2].rmse_increase, 0.0);
        assert_eq!(importance(&features, &model, &x, &y, 1), found);
    }
}

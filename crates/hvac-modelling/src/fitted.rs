//! A fitted model of any of the three algorithms: a function from a row of features to the target.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::ModelError;
use super::features::Feature;
use super::gbdt::{Direction, FitOptions, Trees};
use super::physics::Physics;
use super::role::Role;
use super::samples::Matrix;

/// Fewest rows that anything is fitted to.
pub(crate) const LEAST_ROWS: usize = 20;
/// Most rows that a sweep starts from.
pub(crate) const SWEPT_ROWS: usize = 500;
/// Steps of a sweep.
const STEPS: usize = 40;

/// How a model is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// Gradient-boosted trees.
    Gbdt,
    /// Quadratic chiller and cubic auxiliaries, by least squares.
    Physics,
    /// Trees on the residual of physics.
    Hybrid,
}

impl Algorithm {
    /// Every one, simplest last.
    pub(crate) const ALL: [Self; 3] = [Self::Gbdt, Self::Hybrid, Self::Physics];

    /// The word in requests and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gbdt => "gbdt",
            Self::Physics => "physics",
            Self::Hybrid => "hybrid",
        }
    }
}

/// A fitted model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "algorithm", rename_all = "snake_case")]
pub enum FittedModel {
    /// Gradient-boosted trees.
    Gbdt {
        /// The trees.
        trees: Trees,
    },
    /// Physics.
    Physics {
        /// The equations.
        physics: Physics,
    },
    /// Physics, and trees on what it misses.
    Hybrid {
        /// The equations.
        physics: Physics,
        /// Of the residual.
        trees: Trees,
    },
}

impl FittedModel {
    /// Fits. Rows whose target is NaN must be left out before.
    ///
    /// # Errors
    /// `too_few_rows`; `no_features` when physics lacks what it needs (a load, or any speed); `internal`.
    pub(crate) fn fit(
        algorithm: Algorithm,
        features: &[Feature],
        x: &Matrix,
        y: &[f64],
        options: &FitOptions,
    ) -> Result<Self, ModelError> {
        if y.len() < LEAST_ROWS || y.len() != x.height() {
            let message = format!("A model needs at least {LEAST_ROWS} rows with a target; there are {}.", y.len());
            return Err(ModelError::new("too_few_rows", "", message));
        }
        if x.width() == 0 || x.width() != features.len() {
            return Err(ModelError::new("no_features", "feature_mapping", "There are no features to learn from."));
        }
        if !y.iter().all(|value| value.is_finite()) {
            return Err(ModelError::new("internal", "", "A target is not a finite number."));
        }
        let free = |_| Direction::Any;
        let directions: Vec<Direction> =
            features.iter().map(|feature| feature.role).map(if options.monotone { direction } else { free }).collect();
        match algorithm {
            Algorithm::Gbdt => Ok(Self::Gbdt { trees: Trees::fit(x, y, &directions, options)? }),
            Algorithm::Physics => Ok(Self::Physics { physics: Physics::fit(features, x, y)? }),
            Algorithm::Hybrid => {
                let physics = Physics::fit(features, x, y)?;
                let known = physics.predict_all(x);
                let residual: Vec<f64> = y.iter().zip(known).map(|(value, known)| value - known).collect();
                Ok(Self::Hybrid { physics, trees: Trees::fit(x, &residual, &directions, options)? })
            }
        }
    }

    /// Which algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Gbdt { .. } => Algorithm::Gbdt,
            Self::Physics { .. } => Algorithm::Physics,
            Self::Hybrid { .. } => Algorithm::Hybrid,
        }
    }

    /// The target for one row of features; always finite.
    #[must_use]
    pub(crate) fn predict(&self, row: &[f64]) -> f64 {
        match self {
            Self::Gbdt { trees } => trees.predict(row),
            Self::Physics { physics } => physics.predict(row),
            Self::Hybrid { physics, trees } => physics.predict(row) + trees.predict(row),
        }
    }

    /// What is taken for a feature that a row does not give; none where trees alone go by it.
    #[must_use]
    pub(crate) fn assumed(&self, feature: usize) -> Option<f64> {
        match self {
            Self::Gbdt { .. } => None,
            Self::Physics { physics } | Self::Hybrid { physics, .. } => physics.assumed(feature),
        }
    }

    /// The target for every row: what [`Self::predict`] says of each, and several times faster.
    #[must_use]
    pub(crate) fn predict_all(&self, x: &Matrix) -> Vec<f64> {
        match self {
            Self::Gbdt { trees } => trees.predict_all(x),
            Self::Physics { physics } => physics.predict_all(x),
            Self::Hybrid { physics, trees } => {
                let both = physics.predict_all(x).into_iter().zip(trees.predict_all(x));
                both.map(|(known, rest)| known + rest).collect()
            }
        }
    }
}

/// Which way power goes with what plays that role, everything else held still; as far as physics knows.
#[must_use]
pub(crate) fn direction(role: Role) -> Direction {
    match role {
        Role::LoadRt | Role::WetBulb | Role::CwSupplyTemp | Role::CwReturnTemp => Direction::Rising,
        Role::ChwSupplyTemp => Direction::Falling,
        _ => Direction::Any,
    }
}

/// Whether predictions go the way that physics knows, along one feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MonotoneCheck {
    /// The feature's name.
    pub(crate) feature: String,
    /// The way it should go.
    pub(crate) direction: Direction,
    /// Largest change the wrong way in one step, in the target's unit.
    pub(crate) worst_wrong_step: f64,
    /// Share of steps that went the wrong way, 0…1.
    pub(crate) share_of_steps_wrong: f64,
}

/// Proves or disproves that a fitted model goes the way that physics knows: each feature with a direction is moved
/// through its quantiles in up to [`SWEPT_ROWS`] of the rows, all else held still. Rows that lack it are left out.
#[must_use]
pub(crate) fn sweep(fitted: &FittedModel, features: &[Feature], x: &Matrix) -> Vec<MonotoneCheck> {
    let stride = x.height().div_ceil(SWEPT_ROWS).max(1);
    let known = features.iter().enumerate().filter(|(_, feature)| direction(feature.role) != Direction::Any);
    let check = |(index, feature): (usize, &Feature)| {
        let steps = quantiles(x.columns.get(index).map_or(&[], Vec::as_slice));
        let sign = if direction(feature.role) == Direction::Rising { 1.0 } else { -1.0 };
        let rows: Vec<usize> = (0..x.height()).step_by(stride).collect();
        let wrong: Vec<f64> =
            rows.par_iter().flat_map_iter(|row| wrong_steps(fitted, x, *row, index, sign, &steps)).collect();
        MonotoneCheck {
            feature: feature.name.clone(),
            direction: direction(feature.role),
            worst_wrong_step: wrong.iter().copied().fold(0.0, f64::max),
            share_of_steps_wrong: wrong.iter().filter(|wrong| **wrong > 0.0).count() as f64 / wrong.len().max(1) as f64,
        }
    };
    known.map(check).collect()
}

/// How far each step went the wrong way; 0 for one that did not.
fn wrong_steps(fitted: &FittedModel, x: &Matrix, row: usize, feature: usize, sign: f64, steps: &[f64]) -> Vec<f64> {
    let mut cells = Vec::new();
    x.row_into(row, &mut cells);
    if cells.get(feature).is_none_or(|value| value.is_nan()) {
        return Vec::new();
    }
    let at = |value: &f64| {
        cells.iter_mut().skip(feature).take(1).for_each(|cell| *cell = *value);
        fitted.predict(&cells)
    };
    let along: Vec<f64> = steps.iter().map(at).collect();
    let scale = along.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
    let pairs = along.iter().zip(along.iter().skip(1));
    // What rounding does to a sum of this size is no step.
    pairs.map(|(from, to)| (from - to) * sign).map(|wrong| if wrong > 1e-9 * scale { wrong } else { 0.0 }).collect()
}

/// Up to [`STEPS`] + 1 different quantiles, ascending.
fn quantiles(values: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    let mut quantiles: Vec<f64> = (0..=STEPS).filter_map(|step| sorted.get(last * step / STEPS).copied()).collect();
    quantiles.dedup();
    quantiles
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::features::{FeatureRange, FeatureSource};

    /// Uniform in 0…1, always the same.
    struct Random(u64);

    impl Random {
        fn next(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 11) as f64 / (1_u64 << 53) as f64
        }
    }

    fn feature(name: &str, role: Role) -> Feature {
        let source = FeatureSource::Column { column: name.to_owned() };
        Feature { name: name.to_owned(), source, role, unit: None, range: FeatureRange::default() }
    }

    const PLANT: [(&str, Role, f64, f64); 5] = [
        ("RT", Role::LoadRt, 100.0, 600.0),
        ("CHWS", Role::ChwSupplyTemp, 5.0, 10.0),
        ("CWS", Role::CwSupplyTemp, 20.0, 33.0),
        ("CHP_HZ", Role::ChwPumpHz, 30.0, 60.0),
        ("CT_HZ", Role::CtFanHz, 30.0, 60.0),
    ];

    fn features() -> Vec<Feature> {
        PLANT.iter().map(|(name, role, ..)| feature(name, *role)).collect()
    }

    fn rows(count: usize) -> Matrix {
        let mut random = Random(3);
        let mut columns = vec![Vec::new(); PLANT.len()];
        for _ in 0..count {
            for (column, (_, _, low, high)) in columns.iter_mut().zip(PLANT) {
                column.push(low + (high - low) * random.next());
            }
        }
        Matrix { columns }
    }

    /// A plant of the form that physics has, kW.
    fn power(row: &[f64]) -> f64 {
        let [q, te, tc, pump, fan] = row.try_into().unwrap();
        20.0 + 0.3 * q + 2e-4 * q * q - 0.02 * q * te + 0.012 * q * tc + 3e-4 * pump.powi(3) + 2e-4 * fan.powi(3)
    }

    fn target(x: &Matrix) -> Vec<f64> {
        let mut row = Vec::new();
        (0..x.height())
            .map(|index| {
                x.row_into(index, &mut row);
                power(&row)
            })
            .collect()
    }

    fn fit(algorithm: Algorithm, x: &Matrix, y: &[f64]) -> FittedModel {
        FittedModel::fit(algorithm, &features(), x, y, &FitOptions::default()).unwrap()
    }

    #[test]
    fn a_known_plant_is_found() {
        let (x, test) = (rows(2000), rows(2300));
        for (algorithm, most) in [(Algorithm::Physics, 0.01), (Algorithm::Hybrid, 0.01), (Algorithm::Gbdt, 5.0)] {
            let fitted = fit(algorithm, &x, &target(&x));
            let errors = fitted.predict_all(&test).into_iter().zip(target(&test)).skip(2000);
            let mean = errors.map(|(found, truth)| 100.0 * (found - truth).abs() / truth).sum::<f64>() / 300.0;
            assert!(mean < most, "{algorithm:?}: {mean} %");
        }
    }

    /// Affinity law: at twice the speed auxiliaries take eight times the power.
    #[test]
    fn twice_the_speed_is_eight_times_the_power() {
        let x = rows(2000);
        let fitted = fit(Algorithm::Physics, &x, &target(&x));
        let at = |share: f64| fitted.predict(&[300.0, 7.0, 28.0, 30.0 * share, 25.0 * share]);
        let (standing, once, twice) = (at(0.0), at(1.0), at(2.0));
        assert!(once > standing);
        assert!(((twice - standing) / (once - standing) - 8.0).abs() < 1e-6);
    }

    #[test]
    fn cubes_are_never_negative() {
        let x = rows(500);
        // The faster, the less power: the opposite of a cube.
        let y: Vec<f64> = x.columns[3].iter().map(|hz| 500.0 - 3.0 * hz).collect();
        let FittedModel::Physics { physics } = fit(Algorithm::Physics, &x, &y) else { unreachable!() };
        assert!(physics.formula().iter().any(|(words, _)| words == "CHP_HZ^3"));
        assert!(physics.terms.iter().all(|term| !term.not_negative || term.coefficient >= 0.0));
    }

    #[test]
    fn any_row_has_a_finite_prediction() {
        let x = rows(500);
        for algorithm in Algorithm::ALL {
            let fitted = fit(algorithm, &x, &target(&x));
            for strange in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -1e300, 1e300] {
                for place in 0..5 {
                    let mut row = [300.0, 7.0, 28.0, 40.0, 40.0];
                    row[place] = strange;
                    assert!(fitted.predict(&row).is_finite(), "{algorithm:?} {place} {strange}");
                }
                assert!(fitted.predict(&[strange; 5]).is_finite());
            }
            assert!(fitted.predict(&[]).is_finite());
        }
    }

    #[test]
    fn the_number_of_threads_changes_no_bit() {
        let mut x = rows(30_000);
        x.columns[2].iter_mut().step_by(7).for_each(|cell| *cell = f64::NAN);
        let y = target(&rows(30_000));
        for algorithm in Algorithm::ALL {
            let on = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| {
                    let options = FitOptions { budget: 0.2, ..FitOptions::default() };
                    let fitted = FittedModel::fit(algorithm, &features(), &x, &y, &options).unwrap();
                    let predictions = fitted.predict_all(&x);
                    (serde_json::to_vec(&fitted).unwrap(), predictions)
                })
            };
            let one = on(1);
            assert!(one == on(2) && one == on(5), "{algorithm:?}");
            let read: FittedModel = serde_json::from_slice(&one.0).unwrap();
            assert!(read.predict_all(&x) == one.1, "{algorithm:?} as it is read from its file");
        }
    }

    #[test]
    fn asked_for_monotone_trees_are_and_the_sweep_tells() {
        let (features, x) = (features(), rows(3000));
        let mut random = Random(9);
        // Noise makes free trees go the wrong way here and there.
        let y: Vec<f64> = target(&x).iter().map(|value| value + 60.0 * random.next()).collect();
        let wrong = |monotone: bool| {
            let options = FitOptions { monotone, ..FitOptions::default() };
            let fitted = FittedModel::fit(Algorithm::Gbdt, &features, &x, &y, &options).unwrap();
            sweep(&fitted, &features, &x)
        };
        let free = wrong(false);
        assert_eq!(free.iter().map(|check| check.feature.as_str()).collect::<Vec<_>>(), ["RT", "CHWS", "CWS"]);
        assert!(free.iter().any(|check| check.worst_wrong_step > 1.0 && check.share_of_steps_wrong > 0.01), "{free:?}");
        assert!(wrong(true).iter().all(|check| check.worst_wrong_step == 0.0 && check.share_of_steps_wrong == 0.0));
    }

    #[test]
    fn what_cannot_be_fitted_is_told() {
        let (features, x) = (features(), rows(50));
        let y = target(&x);
        let code = |algorithm, features: &[Feature], x: &Matrix, y: &[f64]| {
            FittedModel::fit(algorithm, features, x, y, &FitOptions::default()).unwrap_err().code
        };
        assert_eq!(code(Algorithm::Gbdt, &features, &rows(5), &y[..5]), "too_few_rows");
        assert_eq!(code(Algorithm::Gbdt, &[], &Matrix::default(), &y), "too_few_rows");
        assert_eq!(code(Algorithm::Physics, &features[1..], &x.select(&[1, 2, 3, 4]), &y), "no_features");
        let options = FitOptions { budget: 9.0, ..FitOptions::default() };
        assert_eq!(FittedModel::fit(Algorithm::Gbdt, &features, &x, &y, &options).unwrap_err().code, "bad_option");
    }
}

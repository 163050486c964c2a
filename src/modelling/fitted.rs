//! A fitted model of any of the three algorithms: a function from a row of features to the target.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ModelError;
use super::features::Feature;
use super::gbdt::Trees;
use super::physics::Physics;
use super::samples::Matrix;

/// How a model is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
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
    pub const ALL: [Self; 3] = [Self::Gbdt, Self::Hybrid, Self::Physics];

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

/// How to fit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FitOptions {
    /// Of the booster.
    pub seed: u64,
    /// How much effort the booster takes, 0.1…2.
    pub budget: f64,
    /// Ask the booster for power that rises with load, outdoor wet-bulb and speeds; whether it does is measured.
    pub monotone: bool,
}

impl Default for FitOptions {
    fn default() -> Self {
        Self { seed: 1, budget: 1.0, monotone: false }
    }
}

/// A fitted model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "algorithm", rename_all = "snake_case")]
pub enum Fitted {
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

impl Fitted {
    /// Fits. Rows whose target is NaN must be left out before.
    ///
    /// # Errors
    /// `too_few_rows`; `no_features` when physics lacks what it needs (a load, or any speed); `internal`.
    pub fn fit(
        algorithm: Algorithm,
        features: &[Feature],
        x: &Matrix,
        y: &[f64],
        options: &FitOptions,
    ) -> Result<Self, ModelError> {
        let _ = (algorithm, features, x, y, options);
        todo!("trees")
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
    pub fn predict(&self, row: &[f64]) -> f64 {
        let _ = row;
        todo!("trees")
    }

    /// The target for every row.
    #[must_use]
    pub fn predict_all(&self, x: &Matrix) -> Vec<f64> {
        let mut row = Vec::with_capacity(x.width());
        (0..x.height())
            .map(|index| {
                x.row_into(index, &mut row);
                self.predict(&row)
            })
            .collect()
    }
}

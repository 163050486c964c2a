//! From samples to a model file: features, the three algorithms, an honest comparison, the best one refitted.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::document::{Lineage, ModelDocument};
use super::features::FeatureOptions;
use super::fitted::{Algorithm, FitOptions};
use super::mapping::FeatureMapping;
use super::samples::Samples;
use super::{ModelError, Progress};

/// Fewest rows with a target that a model is made from.
pub const LEAST_ROWS: usize = 100;

/// Which algorithm to use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// The best by time-ordered validation.
    #[default]
    Auto,
    /// Gradient-boosted trees.
    Gbdt,
    /// Physics.
    Physics,
    /// Trees on the residual of physics.
    Hybrid,
}

impl Choice {
    /// The one that was named.
    #[must_use]
    pub fn named(self) -> Option<Algorithm> {
        match self {
            Self::Auto => None,
            Self::Gbdt => Some(Algorithm::Gbdt),
            Self::Physics => Some(Algorithm::Physics),
            Self::Hybrid => Some(Algorithm::Hybrid),
        }
    }
}

/// How the rows are divided for the time-ordered score.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Holdout {
    /// The last share of all rows.
    #[default]
    End,
    /// The last share of each local month.
    EachMonth,
}

/// How to train.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct TrainOptions {
    /// Which algorithm.
    pub algorithm: Choice,
    /// Which features beside the mapped columns.
    pub features: FeatureOptions,
    /// How to fit.
    pub fit: FitOptions,
    /// Which rows are held out.
    pub holdout: Holdout,
    /// Share of rows that are held out, 0.05…0.5.
    pub holdout_share: f64,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            algorithm: Choice::Auto,
            features: FeatureOptions::default(),
            fit: FitOptions::default(),
            holdout: Holdout::End,
            holdout_share: 0.2,
        }
    }
}

/// Trains.
///
/// # Errors
/// As [`super::features::plan`]; `too_few_rows`; `cancelled`.
pub fn train(
    samples: &Samples,
    mapping: &FeatureMapping,
    options: &TrainOptions,
    lineage: Lineage,
    progress: Progress<'_>,
) -> Result<ModelDocument, ModelError> {
    let _ = (samples, mapping, options, lineage, progress);
    todo!("train")
}

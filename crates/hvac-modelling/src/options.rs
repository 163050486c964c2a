//! How to train: which algorithm, which features, which rows are held out.

use serde::{Deserialize, Serialize};

use super::features::FeatureOptions;
use super::fitted::Algorithm;
use super::gbdt::FitOptions;

/// Which algorithm to use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
    pub(crate) fn named(self) -> Option<Algorithm> {
        match self {
            Self::Auto => None,
            Self::Gbdt => Some(Algorithm::Gbdt),
            Self::Physics => Some(Algorithm::Physics),
            Self::Hybrid => Some(Algorithm::Hybrid),
        }
    }
}

/// How the rows are divided for the time-ordered score.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Holdout {
    /// The last share of all rows.
    #[default]
    End,
    /// The last share of each local month.
    EachMonth,
}

/// How to train.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
    #[cfg_attr(feature = "openapi", schema(minimum = 0.05, maximum = 0.5))]
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

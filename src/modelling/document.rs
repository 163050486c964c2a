//! The model file: JSON that explains itself, is data only, and is read by every later version.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ModelError;
use super::control::Control;
use super::evaluate::Metrics;
use super::features::Feature;
use super::fitted::{FitOptions, Fitted};
use super::mapping::FeatureMapping;

/// Of the format; older ones are still read.
pub const FORMAT_VERSION: u32 = 1;

/// A model with its lineage and how good it is. Without name, version and time of making, so that the same inputs
/// give the same bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelDocument {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// Which columns play which part.
    pub mapping: FeatureMapping,
    /// Unit of the target.
    pub target_unit: Option<String>,
    /// In the matrix's order.
    pub features: Vec<Feature>,
    /// Of the features' names and sources, hex: what a row must be made of.
    pub features_sha256: String,
    /// What it was made from.
    pub lineage: Lineage,
    /// How it was fitted.
    pub options: FitOptions,
    /// What it was made with: program and booster, with versions.
    pub made_with: BTreeMap<String, String>,
    /// The target, from all features.
    pub fitted: Fitted,
    /// Half width of the prediction interval, in the target's unit; of a relative one at a usual prediction. See
    /// [`ModelDocument::half_width`].
    pub interval_half_width: f64,
    /// Half width ÷ prediction, where it grows with it.
    #[serde(default)]
    pub interval_half_share: Option<f64>,
    /// What set-points are judged by.
    pub control: Option<Control>,
    /// How good it is.
    pub metrics: Metrics,
}

/// What a model was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Lineage {
    /// The session.
    pub session_id: String,
    /// The stored version.
    pub dataset_id: String,
    /// Such as `cleaned-v1`.
    pub dataset_version: String,
    /// Of the dataset's file, hex.
    pub dataset_sha256: String,
    /// IANA name, for the calendar.
    pub timezone: String,
    /// Between rows, s; after resampling when an interval was asked for.
    pub interval_s: i64,
    /// Rows that had a target.
    pub rows: u64,
    /// ms since 1970 UTC.
    pub start_ms: i64,
    /// ms since 1970 UTC.
    pub end_ms: i64,
}

/// A row to be predicted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GivenRow {
    /// By feature, column or role.
    pub values: BTreeMap<String, f64>,
    /// For the calendar.
    pub time_ms: Option<i64>,
}

/// A prediction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Prediction {
    /// In the target's unit.
    pub predicted_power: f64,
    /// Of the prediction interval.
    pub lower: f64,
    /// Of the prediction interval.
    pub upper: f64,
    /// Features beyond what the model was trained on.
    pub extrapolating: Vec<String>,
    /// Features that were not given.
    pub missing: Vec<String>,
}

impl ModelDocument {
    /// Reads a model file of this or an older version.
    ///
    /// # Errors
    /// `unreadable_model` saying what is wrong with it.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ModelError> {
        let _ = bytes;
        todo!("train")
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// `internal` when a number in it is not finite.
    pub fn to_json(&self) -> Result<Vec<u8>, ModelError> {
        todo!("train")
    }

    /// Predicts rows that a user gives; wider intervals where it extrapolates.
    ///
    /// # Errors
    /// `wrong_features` naming what the model does not know, with the closest.
    pub fn predict(&self, rows: &[GivenRow]) -> Result<Vec<Prediction>, ModelError> {
        let _ = rows;
        todo!("train")
    }

    /// The model as CSV that anything can score with: one line a node of a tree, or a term.
    #[must_use]
    pub fn scoring_table(&self) -> String {
        todo!("train")
    }
}

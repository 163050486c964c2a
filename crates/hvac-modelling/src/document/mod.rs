//! The model file: JSON that explains itself, is data only, and is read by every later version.
//!
//! [`mod@check`] makes sure that a damaged or hand-edited file can do no harm, [`predict`] answers rows, [`table`] writes
//! the model out for other programs. A field that is added later has a default; a change of meaning is a new
//! [`FORMAT_VERSION`] with a step from the one before.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::ModelError;
use super::control::Control;
use super::evaluate::{HeldOutRows, Metrics};
use super::features::Feature;
use super::fitted::FittedModel;
use super::gbdt::FitOptions;
use super::mapping::FeatureMapping;

pub mod check;
pub(crate) mod predict;
pub(crate) mod table;

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
    pub lineage: ModelLineage,
    /// How it was fitted.
    pub options: FitOptions,
    /// What it was made with: program and booster, with versions.
    pub made_with: BTreeMap<String, String>,
    /// The target, from all features.
    pub fitted: FittedModel,
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
    /// Rows that it was judged by; none in models of older versions.
    #[serde(default, skip_serializing_if = "HeldOutRows::is_empty")]
    pub held_out: HeldOutRows,
}

/// What a model was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ModelLineage {
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

/// An input that nobody gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Assumption {
    /// Role, feature or column.
    pub name: String,
    /// What was taken.
    pub value: f64,
    /// Where from: the session's latest steady rows, or the median of training rows like what was given.
    pub source: String,
}

/// A prediction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
    /// What was taken for those of them that an equation cannot do without; trees answer without the others.
    #[serde(default)]
    pub assumptions: Vec<Assumption>,
}

impl ModelDocument {
    /// Reads a model file of this or an older version. Whatever the bytes are, what comes of it can be asked without
    /// harm: every index is within its list, every walk ends.
    ///
    /// # Errors
    /// `unreadable_model` saying what is wrong with it.
    ///
    /// ```
    /// use hvac_modelling::document::ModelDocument;
    ///
    /// let newer = ModelDocument::from_json(br#"{"format_version": 99}"#).unwrap_err();
    /// assert_eq!(newer.code, "unreadable_model");
    /// assert!(newer.message.contains("is of format 99"));
    /// ```
    pub fn from_json(bytes: &[u8]) -> Result<Self, ModelError> {
        let unreadable =
            |error: serde_json::Error| unreadable(format!("The file is not a model, or is damaged: {error}."));
        let FormatHead { format_version } = serde_json::from_slice(bytes).map_err(unreadable)?;
        if !(1..=FORMAT_VERSION).contains(&format_version) {
            return Err(self::unreadable(format!(
                "The model file is of format {format_version}; this program reads formats up to {FORMAT_VERSION}. \
                 Use the program that wrote it, or a newer one."
            )));
        }
        let document: Self = serde_json::from_slice(bytes).map_err(unreadable)?;
        check::check(&document).map_err(self::unreadable)?;
        Ok(document)
    }

    /// The file's bytes: the same document gives the same ones, and they read back as the same document.
    ///
    /// # Errors
    /// `internal` when a number in it is not finite, or it would be refused by [`Self::from_json`].
    pub fn to_json(&self) -> Result<Vec<u8>, ModelError> {
        let internal = |what: String| ModelError::new("internal", "", format!("The model cannot be written: {what}"));
        let mut bytes = serde_json::to_vec(self).map_err(|error| internal(error.to_string()))?;
        bytes.push(b'\n');
        // JSON has no NaN: it would be written as null
        let again = Self::from_json(&bytes).map_err(|error| internal(error.message))?;
        if again != *self {
            return Err(internal("it does not read back as it is".to_owned()));
        }
        Ok(bytes)
    }

    /// Half width of the prediction interval around a prediction within what was seen, in the target's unit.
    #[must_use]
    pub(crate) fn half_width(&self, prediction: f64) -> f64 {
        self.interval_half_share.map_or(self.interval_half_width, |share| share * prediction.abs())
    }
}

/// Of names and sources, in order: what a row must be made of.
#[must_use]
pub(crate) fn features_sha256(features: &[Feature]) -> String {
    let mut hash = Sha256::new();
    for feature in features {
        // a name or source that holds a line break is quoted in JSON
        hash.update(json!([feature.name, feature.source]).to_string());
        hash.update("\n");
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What every version of the format has.
#[derive(Deserialize)]
struct FormatHead {
    format_version: u32,
}

fn unreadable(message: String) -> ModelError {
    ModelError::new("unreadable_model", "", message)
}

#[cfg(test)]
mod tests;

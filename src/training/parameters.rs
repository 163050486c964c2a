//! What a model's row keeps of its request.

use serde::{Deserialize, Serialize};

use hvac_cleaning::Interval;
use hvac_modelling::options::TrainOptions;
use hvac_store::entity::trained_model;

/// What a model's row keeps of its request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Parameters {
    /// How to train.
    pub train: TrainOptions,
    /// Width of the rows.
    pub interval: Option<Interval>,
    /// Whether names suggested the mapping.
    pub mapping_suggested: bool,
    /// Label of the stored version.
    pub dataset_version: String,
    /// Columns that leak the target, as names and units tell: left out before anything was read.
    pub left_out: Vec<String>,
    /// What else a user should know.
    pub warnings: Vec<String>,
    /// Whether the model can recommend set-points: known once it is made; not kept by earlier versions.
    pub can_optimize: Option<bool>,
}

impl Parameters {
    /// Those of a row; the defaults for a row that a rebuild made.
    pub fn of(row: &trained_model::Model) -> Self {
        serde_json::from_value(row.options.clone()).unwrap_or_default()
    }
}

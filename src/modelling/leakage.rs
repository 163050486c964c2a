//! Columns that would tell a model the answer: parts of the target, ratios of it, its own registers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::mapping::FeatureMapping;
use super::samples::Samples;

/// A column that leaks the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Leak {
    /// Its name.
    pub column: String,
    /// One sentence: what gives it away.
    pub reason: String,
}

/// The mapped columns that leak: by unit and name (component kW and kWh, ratios of the target) and by value (they
/// follow the target, or its part, too closely to be anything else).
#[must_use]
pub fn find(mapping: &FeatureMapping, samples: &Samples) -> Vec<Leak> {
    let _ = (mapping, samples);
    todo!("features")
}

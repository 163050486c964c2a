//! How good a model is, told honestly: time-ordered first, beside what simple rules reach.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How good a model is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct Metrics {
    /// On the last share of rows, by a model that saw only the ones before.
    pub time_ordered: Scores,
}

/// Errors of predictions against what was.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct Scores {
    /// Rows compared.
    pub rows: u64,
    /// Mean absolute percentage error, 0–100…; of rows whose target is not 0; none without such a row.
    pub mape: Option<f64>,
    /// Coefficient of determination; none for a constant target.
    pub r2: Option<f64>,
    /// Root mean square error ÷ mean, 0–100…; none for a mean of 0.
    pub cv_rmse: Option<f64>,
    /// Normalised mean bias error, (predicted − actual) ÷ mean, 0–100…; none for a mean of 0.
    pub nmbe: Option<f64>,
    /// Root mean square error, in the target's unit.
    pub rmse: Option<f64>,
}

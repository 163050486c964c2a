//! The part of a model that set-points are judged by: power as a function of conditions and controls alone.
//!
//! A model may use what the plant answers with (condenser-water temperature, flows, its own past): good for telling
//! what power is, useless for telling what another set-point would cost, because those would change too.

use serde::{Deserialize, Serialize};

use super::features::Feature;
use super::fitted::{FitOptions, Fitted};
use super::samples::{Matrix, Samples};
use super::{ModelError, Progress};

/// Power by conditions and controls, and where it was learnt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Control {
    /// Indices into the document's features: conditions and controls, in the order of the fitted model's.
    pub features: Vec<usize>,
    /// Power, kW (or the target's unit).
    pub power: Fitted,
}

impl Control {
    /// Fits what set-points are judged by; none when no feature is a control, or none a condition.
    /// `x` has all features' columns; rows in time order, the target never NaN.
    ///
    /// # Errors
    /// `too_few_rows`, `cancelled`, `internal`.
    pub fn fit(
        features: &[Feature],
        samples: &Samples,
        x: &Matrix,
        y: &[f64],
        options: &FitOptions,
        progress: Progress<'_>,
    ) -> Result<Option<Self>, ModelError> {
        let _ = (features, samples, x, y, options, progress);
        todo!("setpoint")
    }
}

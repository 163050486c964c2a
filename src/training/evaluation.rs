//! How a model did on rows that it had not seen: row by row, over time, by load.
//!
//! The stored model is fitted to all rows, so what it says of them now proves nothing: the rows are those that the model
//! which was judged, before that, had foretold.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Metrics, find};
use crate::datasets::clock;
use crate::error::{Context, Result};
use crate::state::AppState;

/// How a model did on rows that it had not seen.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Evaluation {
    /// The model.
    pub model_id: String,
    /// Its name.
    pub model_name: String,
    /// Its version.
    #[schema(example = "v3")]
    pub version: String,
    /// Unit of what it predicts.
    pub target_unit: Option<String>,
    /// Held-out rows in order of time, spread evenly; none of a model that was made before they were kept: train it again.
    pub rows: Vec<EvaluatedRow>,
    /// Days of those rows on the site's clock, in order.
    pub days: Vec<EvaluatedDay>,
    /// Of all held-out rows: scores, which rows they were, baselines, errors by load (`load_bins`), importance, interval.
    #[schema(value_type = Metrics)]
    pub metrics: Value,
}

/// A held-out row.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct EvaluatedRow {
    /// On the site's clock, with the offset.
    pub timestamp: String,
    /// What was measured.
    pub actual: f64,
    /// What was predicted.
    pub predicted: f64,
    /// The load; null where it is not known.
    pub load: Option<f64>,
}

/// A day of held-out rows.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct EvaluatedDay {
    /// On the site's clock.
    #[schema(example = "2024-07-03")]
    pub day: String,
    /// Rows of `rows`.
    pub rows: u32,
    /// Mean of actual − predicted.
    pub bias: f64,
    /// Root mean square of that.
    pub rmse: f64,
}

/// How the model that a reference means did on rows that it had not seen.
///
/// # Errors
/// As [`find`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn evaluation(state: &AppState, reference: &str) -> Result<Evaluation> {
    let found = find(state, reference).await?;
    let (row, document) = (&found.row, &found.document);
    let zone = document.lineage.timezone.parse().unwrap_or(state.config.site_timezone);
    let held_out = &document.held_out;
    let pairs = held_out.actual.iter().zip(&held_out.predicted);
    let of = |(index, (at_ms, (actual, predicted))): (usize, (&i64, (&f64, &f64)))| EvaluatedRow {
        timestamp: clock::iso(zone, *at_ms),
        actual: *actual,
        predicted: *predicted,
        load: held_out.load.get(index).copied().flatten(),
    };
    let rows: Vec<EvaluatedRow> = held_out.times_ms.iter().zip(pairs).enumerate().map(of).collect();
    Ok(Evaluation {
        model_id: row.id.clone(),
        model_name: row.name.clone(),
        version: format!("v{}", row.version),
        target_unit: document.target_unit.clone(),
        days: days(&rows),
        metrics: serde_json::to_value(&document.metrics).internal("writing a model's metrics")?,
        rows,
    })
}

fn days(rows: &[EvaluatedRow]) -> Vec<EvaluatedDay> {
    fn day_of(row: &EvaluatedRow) -> &str {
        row.timestamp.get(..10).unwrap_or_default()
    }
    let of = |rows: &[EvaluatedRow]| {
        let errors = || rows.iter().map(|row| row.actual - row.predicted);
        let count = rows.len() as f64;
        EvaluatedDay {
            day: rows.first().map(day_of).unwrap_or_default().to_owned(),
            rows: u32::try_from(rows.len()).unwrap_or(u32::MAX),
            bias: errors().sum::<f64>() / count,
            rmse: (errors().map(|error| error * error).sum::<f64>() / count).sqrt(),
        }
    };
    rows.chunk_by(|a, b| day_of(a) == day_of(b)).map(of).collect()
}

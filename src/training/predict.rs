//! Asking a model about rows that a user gives.

use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::{PredictAnswer, PredictRequest, find, refused};
use crate::datasets::clock;
use crate::error::{Context, Detail, Error, Result, codes};
use crate::state::AppState;
use hvac_modelling::document::GivenRow;

/// Rows of one request at most.
pub const MOST_ROWS: usize = 10_000;
/// Wrong fields that are named at most.
const MOST_NAMED: usize = 20;

/// Predicts rows.
///
/// # Errors
/// As [`find`]; 422 naming each row and field that is no number, and names that the model does not know.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn predict(state: &AppState, reference: &str, request: PredictRequest) -> Result<PredictAnswer> {
    if request.rows.is_empty() || request.rows.len() > MOST_ROWS {
        let message = format!("rows: {} rows were given; give 1…{MOST_ROWS}", request.rows.len());
        return Err(Error::invalid("rows", codes::OUT_OF_RANGE, message));
    }
    let found = find(state, reference).await?;
    let zone: Tz = found.document.lineage.timezone.parse().unwrap_or(state.config.site_timezone);
    let rows = rows(&request.rows, zone)?;
    let document = std::sync::Arc::clone(&found.document);
    let predicting = tokio::task::spawn_blocking(move || document.predict(&rows));
    let predictions = predicting.await.internal("predicting")?.map_err(refused)?;
    Ok(PredictAnswer {
        count: predictions.len() as u64,
        predictions,
        version: format!("v{}", found.row.version),
        model_id: found.row.id,
        model_name: found.row.name,
        target_col: found.document.mapping.target_col.clone(),
        target_unit: found.document.target_unit.clone(),
        calibrated: found.document.metrics.interval.calibrated,
    })
}

/// Rows of JSON as numbers by name; null is as good as left out.
fn rows(given: &[Map<String, Value>], zone: Tz) -> Result<Vec<GivenRow>> {
    let mut wrong: Vec<Detail> = Vec::new();
    let mut rows = Vec::with_capacity(given.len());
    for (index, fields) in given.iter().enumerate() {
        let mut row = GivenRow::default();
        for (name, value) in fields {
            let field = || format!("rows[{index}].{name}");
            let result = match value {
                Value::Null => Ok(()),
                Value::String(text) if name == "timestamp" => {
                    clock::parse("timestamp", text, zone).map(|at| row.time_ms = Some(at)).map_err(|e| e.message)
                }
                _ if name == "timestamp" => Err("a timestamp is a text such as 2024-07-01T12:00:00+08:00".to_owned()),
                Value::Number(number) => match number.as_f64().filter(|number| number.is_finite()) {
                    Some(number) => {
                        row.values.insert(name.clone(), number);
                        Ok(())
                    }
                    None => Err(format!("{number} is out of range")),
                },
                other => Err(format!("{other} is no number")),
            };
            if let Err(what) = result {
                let message = format!("{}: {what}", field());
                wrong.push(Detail { field: Some(field()), message, ..Detail::default() });
            }
        }
        rows.push(row);
    }
    let Some(first) = wrong.first() else { return Ok(rows) };
    let more = if wrong.len() > 1 { format!(" (and {} more)", wrong.len() - 1) } else { String::new() };
    let error = Error::new(codes::NOT_A_NUMBER, format!("{}{more}", first.message));
    Err(wrong.into_iter().take(MOST_NAMED).fold(error, Error::with_detail))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn read(json: &str) -> Result<Vec<GivenRow>> {
        rows(&serde_json::from_str::<Vec<Map<String, Value>>>(json).unwrap(), chrono_tz::Asia::Taipei)
    }

    #[test]
    fn rows_are_numbers_by_name_and_a_time_on_the_sites_clock() {
        let read = read(r#"[{"RT": 300, "WBT": null, "timestamp": "2016-10-10"}, {}]"#).unwrap();
        assert_eq!(read[0].values.iter().collect::<Vec<_>>(), [(&"RT".to_owned(), &300.0)]);
        assert_eq!((read[0].time_ms, read[1].time_ms), (Some(1_476_028_800_000), None));
    }

    #[test]
    fn what_is_no_number_names_row_and_field() {
        let error = read(r#"[{"RT": 1}, {"RT": "300", "GPM": true, "timestamp": 5}]"#).unwrap_err();
        let fields: Vec<&str> = error.details.iter().filter_map(|d| d.field.as_deref()).collect();
        assert_eq!(fields, ["rows[1].GPM", "rows[1].RT", "rows[1].timestamp"]);
        assert_eq!(error.code.name, "not_a_number");
        assert!(error.message.contains("(and 2 more)"), "{error}");
    }
}

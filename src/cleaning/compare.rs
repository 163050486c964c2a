//! What two versions of a session differ in: parameters, rows, and what each rule took.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{CompareQuery, store};
use crate::datasets::opened::Frame;
use crate::datasets::resolved::Resolved;
use crate::datasets::version::resolve;
use crate::datasets::{DatasetLabel, DatasetSelector};
use crate::error::{Context, Error, Result, codes};
use crate::state::AppState;

/// How two versions differ.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Comparison {
    /// The session.
    pub session_id: String,
    /// One version.
    pub a: Side,
    /// The other.
    pub b: Side,
    /// Parameters that differ; of a parsed version there are none.
    pub parameters: Vec<ParameterDifference>,
    /// Rows by their times.
    pub rows: RowsCompared,
    /// Rows that each rule dropped.
    pub dropped: Vec<RowsOfRule>,
    /// Cells that each rule hit and nulled, a column; on the parsed axis.
    pub cells: Vec<CellsOfRule>,
    /// Columns that only one of them has, and those whose number of values differs.
    pub columns: Vec<ColumnDifference>,
}

/// One of two versions.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Side {
    /// Which.
    #[serde(flatten)]
    pub dataset: DatasetLabel,
    /// Rows.
    pub row_count: u64,
    /// Columns with `timestamp`.
    pub column_count: u64,
}

/// A parameter that differs.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ParameterDifference {
    /// Its name, such as `thresholds.frozen_samples`.
    pub field: String,
    /// Of the first; null when it has none.
    pub a: Value,
    /// Of the second.
    pub b: Value,
}

/// Rows by their times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct RowsCompared {
    /// Times that both have.
    pub both: u64,
    /// Times that only the first has.
    pub only_a: u64,
    /// Times that only the second has.
    pub only_b: u64,
}

/// Rows that a rule dropped (it was the first that hit them).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RowsOfRule {
    /// The rule.
    pub rule: String,
    /// In the first.
    pub a: u64,
    /// In the second.
    pub b: u64,
}

/// Cells of a column that a rule hit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CellsOfRule {
    /// The column.
    pub column: String,
    /// The rule.
    pub rule: String,
    /// In the first.
    pub a: CellCount,
    /// In the second.
    pub b: CellCount,
}

/// What a rule did to a column's cells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct CellCount {
    /// Cells that it hit, whatever other rules said.
    pub flagged: u64,
    /// Cells that it nulled, as the first that hit.
    pub nulled: u64,
}

/// A column's number of values; null where there is no such column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ColumnDifference {
    /// The column.
    pub column: String,
    /// In the first.
    pub a: Option<u64>,
    /// In the second.
    pub b: Option<u64>,
}

/// Compares two versions of a session.
///
/// # Errors
/// As [`resolve`]; 422 when one is not named.
#[tracing::instrument(level = "debug", skip_all)]
pub async fn compare(state: &AppState, session_id: &str, query: &CompareQuery) -> Result<Comparison> {
    let (a, said_a) = side(state, session_id, "a", &query.a).await?;
    let (b, said_b) = side(state, session_id, "b", &query.b).await?;
    let rows = {
        let (state, a, b) = (state.clone(), a.clone(), b.clone());
        let work = move || Ok::<_, Error>(by_time(&axis(&state, &a)?, &axis(&state, &b)?));
        tokio::task::spawn_blocking(work).await.internal("comparing rows")??
    };
    Ok(Comparison {
        session_id: session_id.to_owned(),
        parameters: parameters(&said_a.parameters, &said_b.parameters),
        rows,
        dropped: dropped(&said_a.report, &said_b.report),
        cells: cells(&said_a.report, &said_b.report),
        columns: columns(&a, &b),
        a: of(&a),
        b: of(&b),
    })
}

/// What a cleaning was asked and found; nothing of a parsed version.
#[derive(Default)]
struct Said {
    parameters: Value,
    report: Value,
}

async fn side(state: &AppState, session_id: &str, field: &str, version: &str) -> Result<(Resolved, Said)> {
    if version.trim().is_empty() {
        let message = format!("{field}: name a version, such as cleaned-v1; GET /api/sessions/{session_id} lists them");
        return Err(Error::invalid(field, codes::VERSION_REQUIRED, message));
    }
    let selector = DatasetSelector { session_id: Some(session_id.to_owned()), version: Some(version.to_owned()) };
    let dataset = resolve(state, &selector).await?;
    if !dataset.label.version.starts_with("cleaned") {
        return Ok((dataset, Said::default()));
    }
    let row = store::get(state.store.db.read(), &dataset.label.dataset_id).await?;
    Ok((dataset, Said { parameters: row.parameters, report: row.report }))
}

fn of(dataset: &Resolved) -> Side {
    let column_count = dataset.columns.len() as u64 + 1;
    Side { dataset: dataset.label.clone(), row_count: dataset.row_count, column_count }
}

fn axis(state: &AppState, dataset: &Resolved) -> Result<Vec<i64>> {
    Frame::open(state, dataset)?.axis(0..dataset.row_count)
}

/// Both ascending and distinct.
fn by_time(a: &[i64], b: &[i64]) -> RowsCompared {
    let mut rest = b.iter().peekable();
    let mut both = 0;
    for at in a {
        while rest.next_if(|other| *other < at).is_some() {}
        both += u64::from(rest.next_if(|other| *other == at).is_some());
    }
    RowsCompared { both, only_a: a.len() as u64 - both, only_b: b.len() as u64 - both }
}

fn parameters(a: &Value, b: &Value) -> Vec<ParameterDifference> {
    let (mut of_a, mut of_b) = (BTreeMap::new(), BTreeMap::new());
    leaves(a, "", &mut of_a);
    leaves(b, "", &mut of_b);
    let value = |of: &BTreeMap<String, Value>, field: &String| of.get(field).cloned().unwrap_or_default();
    let differences = either(&of_a, &of_b).map(|field| ParameterDifference {
        field: field.clone(),
        a: value(&of_a, field),
        b: value(&of_b, field),
    });
    differences.filter(|difference| difference.a != difference.b).collect()
}

/// The keys that either map has, ascending.
fn either<'a, K: Ord, V>(a: &'a BTreeMap<K, V>, b: &'a BTreeMap<K, V>) -> impl Iterator<Item = &'a K> {
    a.keys().chain(b.keys()).collect::<BTreeSet<_>>().into_iter()
}

fn leaves(value: &Value, path: &str, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves(value, &path, found);
            }
        }
        Value::Null if path.is_empty() => {}
        leaf => {
            found.insert(path.to_owned(), leaf.clone());
        }
    }
}

/// `hits[rule].first` or `.all` of a report's map of hits.
fn hits(of: Option<&Value>, which: &str) -> BTreeMap<String, u64> {
    let rules = of.and_then(Value::as_object).into_iter().flatten();
    rules.filter_map(|(rule, hits)| Some((rule.clone(), hits.get(which)?.as_u64()?))).collect()
}

fn dropped(a: &Value, b: &Value) -> Vec<RowsOfRule> {
    let of = |report: &Value| hits(report.pointer("/rows/dropped"), "first");
    let (of_a, of_b) = (of(a), of(b));
    let count = |of: &BTreeMap<String, u64>, rule: &String| of.get(rule).copied().unwrap_or_default();
    either(&of_a, &of_b)
        .map(|rule| RowsOfRule { rule: rule.clone(), a: count(&of_a, rule), b: count(&of_b, rule) })
        .collect()
}

fn cells(a: &Value, b: &Value) -> Vec<CellsOfRule> {
    let (of_a, of_b) = (cells_of(a), cells_of(b));
    either(&of_a, &of_b)
        .map(|key| CellsOfRule {
            column: key.0.clone(),
            rule: key.1.clone(),
            a: of_a.get(key).copied().unwrap_or_default(),
            b: of_b.get(key).copied().unwrap_or_default(),
        })
        .collect()
}

/// By column and rule.
fn cells_of(report: &Value) -> BTreeMap<(String, String), CellCount> {
    let mut found: BTreeMap<(String, String), CellCount> = BTreeMap::new();
    for column in report.get("columns").and_then(Value::as_array).into_iter().flatten() {
        let name = column.get("column").and_then(Value::as_str).unwrap_or_default();
        for (rule, count) in hits(column.get("flagged"), "all") {
            found.entry((name.to_owned(), rule)).or_default().flagged = count;
        }
        for (rule, count) in hits(column.get("nulled"), "first") {
            found.entry((name.to_owned(), rule)).or_default().nulled = count;
        }
    }
    found
}

fn columns(a: &Resolved, b: &Resolved) -> Vec<ColumnDifference> {
    let counts = |dataset: &Resolved| -> BTreeMap<String, u64> {
        dataset.columns.iter().map(|column| (column.name.clone(), column.count)).collect()
    };
    let (of_a, of_b) = (counts(a), counts(b));
    let difference = |name: &String| ColumnDifference {
        column: name.clone(),
        a: of_a.get(name).copied(),
        b: of_b.get(name).copied(),
    };
    either(&of_a, &of_b).map(difference).filter(|column| column.a != column.b).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_are_matched_by_time() {
        let compared = |a: &[i64], b: &[i64]| {
            let RowsCompared { both, only_a, only_b } = by_time(a, b);
            (both, only_a, only_b)
        };
        assert_eq!(compared(&[1, 2, 3, 7], &[2, 3, 4, 5, 7]), (3, 1, 2));
        assert_eq!(compared(&[], &[1]), (0, 0, 1));
        assert_eq!(compared(&[1, 2], &[]), (0, 2, 0));
    }

    #[test]
    fn parameters_are_compared_leaf_by_leaf() {
        let a = json!({"filter_invalid": false, "thresholds": {"spike_z": 8.0, "affinity": 0.2}, "columns": {}});
        let b =
            json!({"filter_invalid": true, "thresholds": {"spike_z": 8.0, "affinity": 0.3}, "columns": {"load": "RT"}});
        let found: Vec<(String, Value, Value)> = parameters(&a, &b).into_iter().map(|d| (d.field, d.a, d.b)).collect();
        let difference = |field: &str, a: Value, b: Value| (field.to_owned(), a, b);
        assert_eq!(
            found,
            [
                difference("columns.load", Value::Null, json!("RT")),
                difference("filter_invalid", json!(false), json!(true)),
                difference("thresholds.affinity", json!(0.2), json!(0.3)),
            ]
        );
        assert_eq!(parameters(&Value::Null, &Value::Null), []);
    }
}

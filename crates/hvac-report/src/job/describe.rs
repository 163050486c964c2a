//! What became of the cells of the columns, put into words once all windows are aligned.

use hvac_frame::column::{ColumnMeta, Kind, NullReason, Warning};
use hvac_frame::kinds::{self, Described, Reading};
use hvac_frame::tally::{Conflict, Tally};

use super::plan::{Plan, PlannedColumn};

/// What is known of each column once all windows are merged, and what a user should know.
#[must_use]
pub fn describe(plan: &Plan, tallies: Vec<Tally>) -> (Vec<ColumnMeta>, Vec<Warning>) {
    let mut warnings = Vec::new();
    let described = plan.columns.iter().zip(tallies).map(|(column, tally)| {
        let warn = |code: &str, count: u64, message: String| Warning {
            code: code.to_owned(),
            file: String::new(),
            line: None,
            column: Some(column.original_name.clone()),
            count,
            message,
        };
        let unreadable = tally.nulls.get(&NullReason::Unreadable).copied().unwrap_or(0);
        if unreadable > 0 {
            let like = tally.unreadable.as_ref().map(|t| format!(" such as '{t}'")).unwrap_or_default();
            let message = format!(
                "{unreadable} cells of {}{like} are no values of its kind, stored as null (unreadable)",
                column.original_name
            );
            warnings.push(warn("unreadable_cells", unreadable, message));
        }
        if let Some(conflict) = &tally.first_conflict {
            warnings.push(warn("conflict", tally.conflicts, conflict_text(plan, column, conflict)));
        }
        meta(column, tally)
    });
    let columns = described.collect();
    (columns, warnings)
}

/// A conflict in words.
#[must_use]
pub fn conflict_text(plan: &Plan, column: &PlannedColumn, conflict: &Conflict) -> String {
    let file = plan.files.get(conflict.file).map_or("", |f| &f.id.name);
    let at = chrono::DateTime::from_timestamp_millis(conflict.at_ms).map(|at| at.to_rfc3339()).unwrap_or_default();
    let (a, b) = &conflict.values;
    format!("{}: {b} at {at} in {file}, where an earlier row or file has {a}", column.original_name)
}

fn described(column: &PlannedColumn) -> Described<'_> {
    Described {
        original_name: &column.original_name,
        unit: column.unit.as_ref().map(|unit| unit.value.as_str()),
        of_intervals: column.of_intervals,
    }
}

fn meta(column: &PlannedColumn, tally: Tally) -> ColumnMeta {
    let (kind, kind_evidence) = match (&column.reading, column.stated.kind) {
        (_, Some(kind)) => (kind, "stated by the user".to_owned()),
        (Reading::Text, None) => (Kind::Text, "its cells are texts".to_owned()),
        (Reading::States { zero, one }, None) => (Kind::Status, format!("its cells are {zero} and {one}")),
        (Reading::Numbers, None) => kinds::kind_of_numbers(described(column), &tally.course),
    };
    let states = match &column.reading {
        Reading::States { zero, one } => Some(vec![(*zero).to_owned(), (*one).to_owned()]),
        Reading::Text => Some(tally.texts.into_keys().take(50).collect()),
        Reading::Numbers => None,
    };
    ColumnMeta {
        name: column.name.clone(),
        original_name: column.original_name.clone(),
        kind,
        kind_evidence,
        unit: column.unit.as_ref().map(|u| u.value.clone()),
        unit_evidence: column.unit.as_ref().map(|u| u.evidence.clone()),
        trend_definition: column.trend_definition.clone(),
        native_interval_s: column.native_interval_s,
        states,
        count: tally.count,
        nulls: tally.nulls,
        derived: None,
        cleaned: None,
    }
}

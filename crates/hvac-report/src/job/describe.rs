//! What became of the cells of the columns, put into words once all windows are aligned.

use std::collections::BTreeMap;

use hvac_frame::column::{ColumnMeta, Kind, NullReason, Warning};
use hvac_frame::kinds::{self, Described, Reading};
use hvac_frame::tally::{Conflict, Overlap, Tally};

use super::plan::{Plan, PlannedColumn};

/// Numbers beyond it are written with an exponent.
const LONG: f64 = 1e15;

/// What is known of each column once all windows are merged, and what a user should know.
#[must_use]
pub fn describe(plan: &Plan, tallies: Vec<Tally>) -> (Vec<ColumnMeta>, Vec<Warning>) {
    let mut warnings = disagreeing(plan, &tallies);
    warnings.extend(alternating(plan, &tallies));
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
        if let Some((number, cells)) = tally.course.suspected_mark() {
            let number = if number.abs() > LONG { format!("{number:e}") } else { number.to_string() };
            let message = format!(
                "{} has {number} in {cells} cells, far from all its other values, as many systems write where there is no reading: if so, parse again with loss word {number}",
                column.original_name
            );
            warnings.push(warn("suspected_loss", cells, message));
        }
        if let Some(conflict) = &tally.first_conflict {
            let common: u64 = tally.overlaps.values().map(|overlap| overlap.cells).sum();
            let share = share(tally.conflicts, common);
            let message = format!(
                "{}; {} of {common} cells that it has twice differ ({share})",
                conflict_text(plan, column, conflict),
                tally.conflicts
            );
            warnings.push(warn("conflict", tally.conflicts, message));
        }
        meta(column, tally)
    });
    let columns = described.collect();
    (columns, warnings)
}

/// A share in words.
#[must_use]
pub fn share(part: u64, whole: u64) -> String {
    let percent = if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 };
    if percent > 0.0 && percent < 0.1 { "under 0.1 %".to_owned() } else { format!("{percent:.1} %") }
}

/// From this share of their common cells on, two files are more likely of two machines than of one.
const TWO_MACHINES: f64 = 0.5;

/// Two files that give the same points other values, each pair once, with how many of the cells that both have.
fn disagreeing(plan: &Plan, tallies: &[Tally]) -> Vec<Warning> {
    let mut pairs: BTreeMap<(usize, usize), (Overlap, usize)> = BTreeMap::new();
    for (column, tally) in plan.columns.iter().zip(tallies) {
        for (later, overlap) in tally.overlaps.iter().filter(|(_, overlap)| overlap.different > 0) {
            let Some(earlier) = earlier(plan, column, *later) else { continue };
            let (all, points) = pairs.entry((earlier, *later)).or_default();
            all.add(*overlap);
            *points += 1;
        }
    }
    let name = |file: usize| plan.files.get(file).map_or("", |file| file.id.name.as_str());
    let warning = |((earlier, later), (overlap, points)): ((usize, usize), (Overlap, usize))| {
        let Overlap { cells, different } = overlap;
        let share = share(different, cells);
        let advice = if different as f64 >= TWO_MACHINES * cells as f64 {
            "; these look like two machines whose points have the same names: prefix_by (--prefix-by file, folder or sheet) keeps them apart"
        } else {
            ""
        };
        let (first, second) = (name(earlier), name(later));
        let message = format!(
            "{first} and {second} give {points} {} other values at the same times: {different} of the {cells} cells that both have ({share}){advice}",
            if points == 1 { "point" } else { "points" }
        );
        Warning {
            code: "files_disagree".to_owned(),
            file: second.to_owned(),
            line: None,
            column: None,
            count: different,
            message,
        }
    };
    pairs.into_iter().filter(|((a, b), _)| a != b).map(warning).collect()
}

/// Two files that give the same points values over the same time and never at the same times: their rows alternate in one
/// column, and nothing tells whether they differ.
fn alternating(plan: &Plan, tallies: &[Tally]) -> Vec<Warning> {
    let mut pairs: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for (column, tally) in plan.columns.iter().zip(tallies) {
        let met = |file: usize| tally.overlaps.get(&file).is_some_and(|overlap| overlap.cells > 0);
        for later in column.parts.iter().map(|part| part.file).filter(|file| !met(*file)) {
            let Some(earlier) = earlier(plan, column, later).filter(|earlier| *earlier != later) else { continue };
            if shared_ms(plan, earlier, later).is_some() {
                *pairs.entry((earlier, later)).or_default() += 1;
            }
        }
    }
    let name = |file: usize| plan.files.get(file).map_or("", |file| file.id.name.as_str());
    let warning = |((earlier, later), points): ((usize, usize), usize)| {
        let (first, second) = (name(earlier), name(later));
        let hours = shared_ms(plan, earlier, later).unwrap_or_default() as f64 / 3_600_000.0;
        let message = format!(
            "{first} and {second} both have {points} {} of the same name over the same {hours:.1} h, and no row at the \
             same time: their rows take turns in one column, and whether they differ cannot be told; if these are two \
             machines, prefix_by (--prefix-by file, folder or sheet) keeps them apart",
            if points == 1 { "point" } else { "points" }
        );
        Warning {
            code: "files_interleave".to_owned(),
            file: second.to_owned(),
            line: None,
            column: None,
            count: points as u64,
            message,
        }
    };
    pairs.into_iter().map(warning).collect()
}

/// Fewest rows of a file that can take turns with another's.
const LEAST_TURNS: u64 = 10;

/// How long two files of several rows go side by side; none where that is less than half of the shorter one's time.
fn shared_ms(plan: &Plan, earlier: usize, later: usize) -> Option<i64> {
    let span = |file: usize| {
        let plan = &plan.files.get(file)?.plan;
        plan.first_at_ms.zip(plan.last_at_ms).filter(|_| plan.rows >= LEAST_TURNS)
    };
    let ((from, to), (first, last)) = (span(earlier)?, span(later)?);
    let shared = to.min(last) - from.max(first);
    (shared > 0 && shared.saturating_mul(2) >= (to - from).min(last - first)).then_some(shared)
}

/// The last file before `later` whose time of this column meets its own.
fn earlier(plan: &Plan, column: &PlannedColumn, later: usize) -> Option<usize> {
    let span = |file: usize| plan.files.get(file).and_then(|f| f.plan.first_at_ms.zip(f.plan.last_at_ms));
    let (first, last) = span(later)?;
    let meets = |file: &usize| span(*file).is_some_and(|(from, to)| from <= last && to >= first);
    column.parts.iter().map(|part| part.file).take_while(|file| *file != later).filter(meets).last()
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

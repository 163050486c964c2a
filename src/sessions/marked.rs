//! What the systems that wrote the reports say of their own readings (overridden, in alarm, no reading), as events of the
//! columns: kept in the metadata of the parsed file, as a Parquet file of their own form.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hvac_frame::column::Warning;
use hvac_frame::parquet_file::{QualityEvent, write_events};
use hvac_report::MarkedRun;
use hvac_report::job::plan::Plan;

use crate::error::{Context, Result};

/// What a system may say of its own reading, as the rules of these events are called.
pub const STATES: [&str; 4] = ["overridden", "alarm", "doubtful", "bad_status"];
/// Events of one parsed version: they are read whole.
const MOST_EVENTS: usize = 20_000;

/// Readings of one column, one after the other, that are marked in the same words.
struct Marked {
    run: MarkedRun,
    column: String,
    /// The reports that say so, the first one with its line.
    files: String,
    /// Rows of such a report are so far apart, ms.
    step_ms: i64,
}

/// The events of all columns by start, taken out of the plan, and what is left out. What one report says of rows right
/// behind those of another is one event, and what two reports say of the same rows too.
pub fn events(plan: &mut Plan) -> (Vec<QualityEvent>, Option<Warning>) {
    let mut marked = Vec::new();
    for column in &plan.columns {
        for part in &column.parts {
            let Some(file) = plan.files.get_mut(part.file) else { continue };
            let step_ms = i64::from(file.plan.interval_s.unwrap_or_default()) * 1000;
            let Some(point) = file.plan.points.get_mut(part.point) else { continue };
            marked.extend(std::mem::take(&mut point.marked).into_iter().map(|run| Marked {
                column: column.name.clone(),
                files: format!("{}, line {}", file.id.name, run.line),
                step_ms,
                run,
            }));
        }
    }
    marked.sort_by(|a, b| a.run.first_at_ms.cmp(&b.run.first_at_ms).then_with(|| a.column.cmp(&b.column)));
    let mut marked = joined(marked);
    let left_out = marked.split_off(marked.len().min(MOST_EVENTS));
    let warning = (!left_out.is_empty()).then(|| Warning {
        code: "events_left_out".to_owned(),
        file: String::new(),
        line: None,
        column: None,
        count: left_out.len() as u64,
        message: format!(
            "the reports' own systems mark more than {MOST_EVENTS} runs of readings: the {} latest are no events",
            left_out.len()
        ),
    });
    (marked.into_iter().map(event).collect(), warning)
}

/// Runs that begin where another in the same words has ended a row before, or that are told twice, become one.
fn joined(marked: Vec<Marked>) -> Vec<Marked> {
    let mut joined: Vec<Marked> = Vec::with_capacity(marked.len());
    let mut last_of: HashMap<(String, &'static str, String), usize> = HashMap::new();
    for next in marked {
        let key = (next.column.clone(), next.run.state, next.run.status.clone());
        if let Some(last) = last_of.get(&key).and_then(|at| joined.get_mut(*at)) {
            let same = (last.run.first_at_ms, last.run.last_at_ms) == (next.run.first_at_ms, next.run.last_at_ms);
            let gap_ms = next.run.first_at_ms - last.run.last_at_ms;
            let follows = gap_ms > 0 && gap_ms <= next.step_ms.min(last.step_ms) && last.files_differ(&next);
            if same || follows {
                last.run.rows = if same { last.run.rows.max(next.run.rows) } else { last.run.rows + next.run.rows };
                last.run.last_at_ms = next.run.last_at_ms;
                last.files = format!("{}; {}", last.files, next.files);
                continue;
            }
        }
        last_of.insert(key, joined.len());
        joined.push(next);
    }
    joined
}

impl Marked {
    /// Within one report a row without the mark stands between.
    fn files_differ(&self, other: &Self) -> bool {
        let file = |files: &str| {
            files.rsplit("; ").next().and_then(|last| last.rsplit_once(", line ")).map(|(f, _)| f.to_owned())
        };
        file(&self.files) != file(&other.files)
    }
}

fn event(marked: Marked) -> QualityEvent {
    let Marked { run, column, files, .. } = marked;
    let kept = if run.kept { "kept as values" } else { "stored as null (bad_status)" };
    QualityEvent {
        rule: run.state.to_owned(),
        column: Some(column),
        start_at_ms: run.first_at_ms,
        end_at_ms: run.last_at_ms,
        rows: run.rows,
        detail: format!("{files}: '{}', {kept}", run.status),
    }
}

/// Events as the parsed file's metadata hold them; nothing when there are none.
///
/// # Errors
/// When they cannot be written, which is a defect.
pub fn packed(events: &[QualityEvent]) -> Result<String> {
    if events.is_empty() {
        return Ok(String::new());
    }
    Ok(STANDARD.encode(write_events(Vec::new(), events, Vec::new())?))
}

/// The bytes of a Parquet file of events, as [`packed`].
///
/// # Errors
/// When the text is none that was packed.
pub fn unpacked(text: &str) -> Result<Vec<u8>> {
    match text {
        "" => Ok(write_events(Vec::new(), &[], Vec::new())?),
        text => STANDARD.decode(text).internal("reading the events of a parsed file"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(file: &str, first_h: i64, last_h: i64, status: &str) -> Marked {
        let run = MarkedRun {
            state: "alarm",
            status: status.to_owned(),
            line: 2,
            first_at_ms: first_h * 3_600_000,
            last_at_ms: last_h * 3_600_000,
            rows: u64::try_from(last_h - first_h + 1).unwrap_or_default(),
            kept: true,
        };
        Marked { run, column: "A".to_owned(), files: format!("{file}, line 2"), step_ms: 3_600_000 }
    }

    #[test]
    fn what_reports_say_of_the_same_rows_or_of_the_next_ones_is_one_event() {
        let told = |runs: Vec<Marked>| {
            let of = |m: Marked| (m.run.first_at_ms / 3_600_000, m.run.last_at_ms / 3_600_000, m.run.rows);
            joined(runs).into_iter().map(of).collect::<Vec<_>>()
        };
        assert_eq!(told(vec![marked("a", 0, 3, "x"), marked("b", 4, 5, "x")]), [(0, 5, 6)]);
        assert_eq!(told(vec![marked("a", 0, 3, "x"), marked("b", 0, 3, "x")]), [(0, 3, 4)]);
        assert_eq!(told(vec![marked("a", 0, 3, "x"), marked("b", 4, 5, "y")]), [(0, 3, 4), (4, 5, 2)]);
        // A row between, a gap, and rows that are told twice in part.
        assert_eq!(told(vec![marked("a", 0, 3, "x"), marked("a", 4, 5, "x")]), [(0, 3, 4), (4, 5, 2)]);
        assert_eq!(told(vec![marked("a", 0, 3, "x"), marked("b", 5, 5, "x")]), [(0, 3, 4), (5, 5, 1)]);
        assert_eq!(told(vec![marked("a", 0, 3, "x"), marked("b", 2, 5, "x")]), [(0, 3, 4), (2, 5, 4)]);
    }
}

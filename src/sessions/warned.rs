//! What a user should know of the files of a parse, besides what each tells of itself: how many rows, and which share.

use super::UnreadableFile;
use super::reading::Job;
use hvac_frame::column::Warning;
use hvac_report::ReadError;
use hvac_report::job::describe::share;
use hvac_report::job::read::{ReadFile, Recalled};

/// From this share of a file's rows on, rows out of order are worth a word.
const MANY_OUT_OF_ORDER: f64 = 0.01;
/// A clock may be so much ahead, ms.
const CLOCKS_DIFFER_MS: i64 = 3_600_000;

/// That a report was left out.
pub fn left_out(file: &UnreadableFile) -> Warning {
    let UnreadableFile { file_name, line, column, message, .. } = file.clone();
    let message = format!("{file_name} cannot be read and was left out: {message}");
    Warning { code: "unreadable_file".to_owned(), file: file_name, line, column, count: 1, message }
}

impl From<ReadError> for UnreadableFile {
    fn from(error: ReadError) -> Self {
        let ReadError { code, file, line, column, message } = error;
        Self { file_name: file, code: code.to_owned(), line, column, message }
    }
}

/// Rows out of order, times after the file was written, and what was remembered and not followed. Before a plan is made.
pub fn before_planning(job: &Job, files: &[ReadFile]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for file in files {
        let mut warn = |code: &str, count: u64, message: String| {
            let (code, file) = (code.to_owned(), file.id.name.clone());
            warnings.push(Warning { code, file, line: None, column: None, count, message });
        };
        let (name, rows, unordered) = (&file.id.name, file.plan.rows, file.plan.out_of_order_rows);
        if unordered as f64 > MANY_OUT_OF_ORDER * rows as f64 {
            let share = share(unordered, rows);
            let message = format!(
                "{name}: {unordered} of {rows} rows ({share}) stand after a later one; they are put in order: check the order of day and month if the file should run forward"
            );
            warn("out_of_order", unordered, message);
        }
        let written = job.written_at_ms.get(file.index).copied().unwrap_or(i64::MAX);
        let after = file.rows_after(written.saturating_add(CLOCKS_DIFFER_MS));
        if after > 0 {
            let share = share(after, rows);
            let message = format!(
                "{name}: {after} of {rows} rows ({share}) are later than the file was written: check the zone, the year and the order of day and month"
            );
            warn("times_after_writing", after, message);
        }
        if let Recalled::Refused(error) = &file.recalled {
            let remembered = job.remembered_of.get(file.index).cloned().flatten().unwrap_or_default();
            let message = format!(
                "{name} contradicts what is remembered of reports of its shape ({remembered}) and was read without: {}",
                error.message
            );
            warn("remembered_override_not_applied", 1, message);
        }
    }
    warnings
}

//! Cells of one point that their own system has marked: counted for a warning each, and told as runs of readings, which
//! become the events of a parsed version.

use super::status::Meaning;

/// How many, and where the first one stands.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Occurrences {
    /// How many.
    pub count: u64,
    /// Line of the first, 0 before there is one.
    pub line: u64,
}

impl Occurrences {
    /// One more, on `line`.
    pub(crate) fn add(&mut self, line: u64) {
        if self.count == 0 {
            self.line = line;
        }
        self.count += 1;
    }

    /// So many more, on `line`.
    pub(crate) fn add_all(&mut self, count: u64, line: u64) {
        if self.count == 0 && count > 0 {
            self.line = line;
        }
        self.count += count;
    }
}

/// Runs of marked cells that are told of one report; of those after them only how many cells they have.
pub(crate) const MOST_RUNS: usize = 10_000;

/// Which of a point's readings, and its time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RowAt {
    /// Counted over the report, or over the point's series.
    pub number: u64,
    /// UTC ms.
    pub at_ms: i64,
}

/// A cell that its own system has marked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MarkedCell<'t> {
    /// How.
    pub meaning: Meaning,
    /// The cell's text, or that of the column of statuses.
    pub text: &'t str,
    /// The status alone.
    pub status: &'t str,
    /// Where it stands.
    pub line: u64,
}

/// Readings of a point, one after the other in its report, that their own system marks in the same words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkedRun {
    /// What the words mean: `overridden`, `alarm`, `doubtful` or `bad_status` (no reading).
    pub state: &'static str,
    /// The words: `{unackedAlarm}`.
    pub status: String,
    /// Line of the first of them in the file.
    pub line: u64,
    /// Earliest time, UTC ms.
    pub first_at_ms: i64,
    /// Latest time, UTC ms.
    pub last_at_ms: i64,
    /// How many readings.
    pub rows: u64,
    /// They are kept as values.
    pub kept: bool,
}

/// Cells of a point that their own system has marked, one entry a [`Meaning`] but the good one.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    doubtful: Mark,
    alarm: Mark,
    overridden: Mark,
    bad: Mark,
}

/// How many, the first of them, and which follow each other.
#[derive(Debug, Default)]
struct Mark {
    cells: Occurrences,
    first: String,
    runs: Vec<MarkedRun>,
    /// Number of the last row, which the last run may go on from.
    last: Option<u64>,
    /// Cells that are in no run.
    untold: Occurrences,
}

impl Mark {
    fn run(&mut self, state: &'static str, cell: &MarkedCell<'_>, row: RowAt, room: &mut usize) {
        if let (Some(last), Some(run)) = (self.last, self.runs.last_mut())
            && (last == row.number || last + 1 == row.number)
            && run.status == cell.status
        {
            run.first_at_ms = run.first_at_ms.min(row.at_ms);
            run.last_at_ms = run.last_at_ms.max(row.at_ms);
            run.rows += u64::from(last != row.number);
            self.last = Some(row.number);
        } else if *room == 0 {
            self.untold.add(cell.line);
            self.last = None;
        } else {
            *room -= 1;
            self.last = Some(row.number);
            let (status, line, at_ms) = (cell.status.to_owned(), cell.line, row.at_ms);
            self.runs.push(MarkedRun {
                state,
                status,
                line,
                first_at_ms: at_ms,
                last_at_ms: at_ms,
                rows: 1,
                kept: true,
            });
        }
    }
}

impl Marks {
    /// A cell that is marked so; `room` is how many runs may still begin.
    pub(crate) fn add(&mut self, cell: &MarkedCell<'_>, row: RowAt, room: &mut usize) {
        let (mark, state) = match cell.meaning {
            Meaning::Good => return,
            Meaning::Doubtful => (&mut self.doubtful, "doubtful"),
            Meaning::Alarm => (&mut self.alarm, "alarm"),
            Meaning::Overridden => (&mut self.overridden, "overridden"),
            Meaning::Bad => (&mut self.bad, "bad_status"),
        };
        if mark.cells.count == 0 {
            mark.first = cell.text.chars().take(60).collect();
        }
        mark.cells.add(cell.line);
        mark.run(state, cell, row, room);
    }

    /// Warnings of one point, `cells` of which have a value; and its runs of marked cells.
    pub(crate) fn finish(
        self,
        cells: u64,
        keep_bad_status: bool,
        mut warn: impl FnMut(&'static str, Occurrences, String),
    ) -> Vec<MarkedRun> {
        let Self { doubtful, alarm, overridden, mut bad } = self;
        bad.runs.iter_mut().for_each(|run| run.kept = keep_bad_status);
        let lost = if keep_bad_status { 0 } else { bad.cells.count };
        let (mut runs, mut untold) = (Vec::new(), Occurrences::default());
        let mut say = |code, mark: Mark, what: &str, then: &str| {
            if mark.cells.count > 0 {
                let share = share(mark.cells.count, cells + lost);
                let words = format!("{} values ({share}) {what} (first '{}'); {then}", mark.cells.count, mark.first);
                warn(code, mark.cells, words);
            }
            runs.extend(mark.runs);
            untold.add_all(mark.untold.count, mark.untold.line);
        };
        let then = if keep_bad_status { "kept, as asked for" } else { "stored as null (bad_status)" };
        say("bad_status", bad, "are no readings by their own system's account", then);
        say("overridden_values", overridden, "were set by a hand or a program", "they are kept");
        say("alarm_values", alarm, "are marked as in alarm", "they are kept");
        say(
            "doubtful_values",
            doubtful,
            "are marked as estimated or uncertain, or by a sign that is not explained",
            "they are kept",
        );
        if untold.count > 0 {
            let words = format!(
                "{} marked values are in no event: a report has at most {MOST_RUNS} events of its own; the warnings count them",
                untold.count
            );
            warn("events_left_out", untold, words);
        }
        runs
    }
}

/// A share in words: `4 %`, `less than 0.1 %`.
fn share(part: u64, whole: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let percent = 100.0 * part as f64 / whole.max(1) as f64;
    match percent {
        ..0.1 => "less than 0.1 %".to_owned(),
        ..10.0 => format!("{percent:.1} %"),
        _ => format!("{percent:.0} %"),
    }
}

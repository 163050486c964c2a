//! Cells of one point that their own system has marked, counted for a warning each.

use super::status::Meaning;

/// How many, and where the first one stands.
#[derive(Debug, Clone, Copy, Default)]
pub struct Occurrences {
    /// How many.
    pub count: u64,
    /// Line of the first, 0 before there is one.
    pub line: u64,
}

impl Occurrences {
    /// One more, on `line`.
    pub fn add(&mut self, line: u64) {
        if self.count == 0 {
            self.line = line;
        }
        self.count += 1;
    }

    /// So many more, on `line`.
    pub fn add_all(&mut self, count: u64, line: u64) {
        if self.count == 0 && count > 0 {
            self.line = line;
        }
        self.count += count;
    }
}

/// Cells of a point that their own system has marked, one entry a [`Meaning`] but the good one.
#[derive(Debug, Default)]
pub struct Marks {
    doubtful: Mark,
    alarm: Mark,
    overridden: Mark,
    bad: Mark,
}

/// How many, and the first of them.
#[derive(Debug, Default)]
struct Mark {
    cells: Occurrences,
    first: String,
}

impl Marks {
    /// A cell that is marked so.
    pub fn add(&mut self, meaning: Meaning, text: &str, line: u64) {
        let mark = match meaning {
            Meaning::Good => return,
            Meaning::Doubtful => &mut self.doubtful,
            Meaning::Alarm => &mut self.alarm,
            Meaning::Overridden => &mut self.overridden,
            Meaning::Bad => &mut self.bad,
        };
        if mark.cells.count == 0 {
            mark.first = text.chars().take(60).collect();
        }
        mark.cells.add(line);
    }
}

impl Marks {
    /// Warnings of one point, `cells` of which have a value.
    pub fn warnings(self, cells: u64, keep_bad_status: bool, mut warn: impl FnMut(&'static str, Occurrences, String)) {
        let Self { doubtful, alarm, overridden, bad } = self;
        let lost = if keep_bad_status { 0 } else { bad.cells.count };
        let mut say = |code, mark: Mark, what: &str, then: &str| {
            if mark.cells.count > 0 {
                let share = share(mark.cells.count, cells + lost);
                let words = format!("{} values ({share}) {what} (first '{}'); {then}", mark.cells.count, mark.first);
                warn(code, mark.cells, words);
            }
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

//! What became of the cells of a column, tallied window by window while they are aligned.

use std::collections::BTreeMap;

use crate::column::NullReason;
use crate::kinds::Course;

/// What became of a column's cells. Absorbs window after window.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// Cells with a value.
    pub count: u64,
    /// Cells without, by reason.
    pub nulls: BTreeMap<NullReason, u64>,
    /// What the numbers did in time.
    pub course: Course,
    /// Texts of a text column, the most frequent 50 of each window.
    pub texts: BTreeMap<String, u64>,
    /// Cells of the same time with different values, and the first of them.
    pub conflicts: u64,
    /// The first conflict.
    pub first_conflict: Option<Conflict>,
    /// By the later file: cells that an earlier one, or an earlier row, has as well.
    pub overlaps: BTreeMap<usize, Overlap>,
    /// Texts in a column of numbers, and the first of them.
    pub unreadable: Option<String>,
}

/// Cells with a value in a file and in an earlier one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Overlap {
    /// All of them.
    pub cells: u64,
    /// Those with different values.
    pub different: u64,
}

impl Overlap {
    /// Adds another's cells.
    pub fn add(&mut self, other: Self) {
        self.cells += other.cells;
        self.different += other.different;
    }
}

/// Two values for one point and time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// UTC, ms.
    pub at_ms: i64,
    /// Index, among the files of the job, of the later of the two.
    pub file: usize,
    /// The values, in canonical order.
    pub values: (String, String),
}

impl Tally {
    /// Counts a conflict, whose `values` are asked for when it is the first.
    pub(crate) fn conflict(
        &mut self,
        axis: &[i64],
        row: usize,
        file: usize,
        values: impl FnOnce() -> (String, String),
    ) {
        self.conflicts += 1;
        let at_ms = axis.get(row).copied().unwrap_or_default();
        self.first_conflict.get_or_insert_with(|| Conflict { at_ms, file, values: values() });
    }

    /// Takes in the same column's next window.
    pub fn absorb(&mut self, next: Self) {
        self.count += next.count;
        for (reason, count) in next.nulls {
            *self.nulls.entry(reason).or_insert(0) += count;
        }
        self.course.absorb(&next.course);
        for (text, count) in next.texts {
            *self.texts.entry(text).or_insert(0) += count;
        }
        self.conflicts += next.conflicts;
        for (file, overlap) in next.overlaps {
            self.overlaps.entry(file).or_default().add(overlap);
        }
        self.first_conflict = self.first_conflict.take().or(next.first_conflict);
        self.unreadable = self.unreadable.take().or(next.unreadable);
    }
}

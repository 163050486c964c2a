//! The pieces of a column, one after the other, onto the axis: whatever a cell is.

use std::ops::Range;

use crate::encoded::EncodedColumn;
use crate::error::{FrameError, Result};
use crate::tally::{Overlap, Tally};

/// Which of two different values for the same point and time stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// That of the later file in canonical order; within a file, of the later row.
    Last,
    /// That of the earlier.
    First,
}

/// Where a segment's rows stand on the axis.
#[derive(Debug)]
pub enum Rows {
    /// One after the other from here.
    Run(usize),
    /// Each where it says.
    Each(Vec<u32>),
}

impl Rows {
    /// Finds them: `at_ms` is ascending and all of it is on the axis.
    #[must_use]
    pub fn of(axis: &[i64], at_ms: &[i64]) -> Self {
        let start = at_ms.first().map_or(0, |first| axis.partition_point(|at| at < first));
        if axis.get(start..start + at_ms.len()) == Some(at_ms) {
            return Self::Run(start);
        }
        let mut row = start;
        let mut place = |at: &i64| {
            while axis.get(row).is_some_and(|on_axis| on_axis < at) {
                row += 1;
            }
            // One that is not on the axis has no place.
            let on_axis = axis.get(row).is_some_and(|on_axis| on_axis == at);
            u32::try_from(row).ok().filter(|_| on_axis).unwrap_or(u32::MAX)
        };
        Self::Each(at_ms.iter().map(&mut place).collect())
    }

    fn place(&self, row: usize) -> usize {
        match self {
            Self::Run(start) => start + row,
            Self::Each(rows) => rows.get(row).map_or(usize::MAX, |r| *r as usize),
        }
    }
}

/// What a segment has of a column.
#[derive(Debug)]
pub struct Piece<'p> {
    /// Index of its file in canonical order.
    pub file: usize,
    /// Where its rows stand on the axis.
    pub places: &'p Rows,
    /// All cells of its segment.
    pub encoded: &'p EncodedColumn,
    /// Which of them are meant.
    pub rows: Range<usize>,
    /// The texts of its file's point, which cells of texts are indices into, and how often each was read.
    pub tokens: &'p [(String, u64)],
    /// Its numbers are of another unit than the column's.
    pub other_unit: bool,
}

/// The cells of a column on the axis, from its first row as far as there are any yet.
pub(super) trait OntoAxis {
    /// A value, or why there is none.
    type Cell: Copy + PartialEq;

    /// Whether it is a value.
    fn is_value(cell: Self::Cell) -> bool;
    /// Whether it says that no file has the row.
    fn is_not_covered(cell: Self::Cell) -> bool;

    /// How many there are.
    fn rows(&self) -> usize;
    /// Appends those of a piece; what cannot be is not appended.
    fn push(&mut self, piece: &Piece<'_>);
    /// Appends rows that no file has, up to `end` (exclusive).
    fn fill(&mut self, end: usize);
    /// Takes away those from `begin` on.
    fn split_off(&mut self, begin: usize) -> Vec<Self::Cell>;
    /// The cell of a row.
    fn cell(&self, row: usize) -> Option<Self::Cell>;
    /// Puts a cell in place of a row's.
    fn set(&mut self, row: usize, cell: Self::Cell);
    /// A value as text.
    fn show(&self, value: Self::Cell) -> String;
}

/// Puts all pieces on the axis, and counts conflicts.
///
/// # Errors
/// A defect when a piece has other cells than it says, or a row that is not on the axis.
pub(super) fn put_all<L: OntoAxis>(
    aligned: &mut L,
    pieces: &[Piece<'_>],
    axis: &[i64],
    keep: Keep,
    tally: &mut Tally,
) -> Result<()> {
    for piece in pieces {
        let begin = aligned.rows();
        if let Rows::Run(start) = piece.places
            && *start >= begin
        {
            // Beyond all that was aligned: nothing to compare with.
            aligned.fill(*start);
            push(aligned, piece)?;
            continue;
        }
        push(aligned, piece)?;
        let cells = aligned.split_off(begin);
        let end = piece.places.place(cells.len().saturating_sub(1)).saturating_add(1);
        aligned.fill(end.min(axis.len()));
        let (mut common, conflicts) = (0, tally.conflicts);
        for (row, cell) in cells.into_iter().enumerate() {
            common += u64::from(put(aligned, piece, axis, (piece.places.place(row), cell), keep, tally)?);
        }
        if common > 0 {
            let overlap = Overlap { cells: common, different: tally.conflicts - conflicts };
            tally.overlaps.entry(piece.file).or_default().add(overlap);
        }
    }
    aligned.fill(axis.len());
    if aligned.rows() == axis.len() { Ok(()) } else { Err(FrameError::defect("a column is longer than its axis")) }
}

fn push<L: OntoAxis>(aligned: &mut L, piece: &Piece<'_>) -> Result<()> {
    let begin = aligned.rows();
    aligned.push(piece);
    let pushed = aligned.rows() - begin;
    if pushed == piece.rows.len() {
        return Ok(());
    }
    Err(FrameError::defect(format!("{pushed} of {} cells of a piece can be aligned", piece.rows.len())))
}

/// Whether both the row and the cell have a value.
fn put<L: OntoAxis>(
    aligned: &mut L,
    piece: &Piece<'_>,
    axis: &[i64],
    (row, cell): (usize, L::Cell),
    keep: Keep,
    tally: &mut Tally,
) -> Result<bool> {
    let old = aligned.cell(row).ok_or_else(|| FrameError::defect("a row is not on the axis"))?;
    let both = L::is_value(cell) && L::is_value(old);
    if L::is_value(cell) {
        if both && old != cell {
            tally.conflict(axis, row, piece.file, || (aligned.show(old), aligned.show(cell)));
            if keep == Keep::First {
                return Ok(both);
            }
        }
    } else if !L::is_not_covered(old) {
        return Ok(both);
    }
    aligned.set(row, cell);
    Ok(both)
}

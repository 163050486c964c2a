//! A column as offsets from one frame of reference, as most can be.

use super::axis::{Keep, OntoAxis, Piece, put_all};
use super::states::{nulls, state_of};
use crate::column::NullReason;
use crate::encoded::EncodedColumn;
use crate::error::{FrameError, Result};
use crate::kinds::Reading;
use crate::reference::{self, ReferencedColumn};
use crate::tally::Tally;

const NOT_COVERED: u16 = ReferencedColumn::ABSENT | NullReason::NotCovered as u16;

/// None for texts, and when a piece has cells that are no scaled integers, or not within two bytes of the others'.
///
/// # Errors
/// A defect when an invariant is broken.
pub(super) fn align(
    reading: &Reading,
    pieces: &[Piece<'_>],
    axis: &[i64],
    keep: Keep,
) -> Result<Option<(ReferencedColumn, Tally)>> {
    if *reading == Reading::Text {
        // Also where no file has a row.
        return Ok(None);
    }
    let mut frame = reference::CommonReference::default();
    let mut takes_in = |piece: &Piece<'_>| match (reading, piece.encoded) {
        (Reading::States { .. }, EncodedColumn::Dictionary(_)) => frame.take_in_states(),
        (Reading::States { .. }, encoded) => encoded.numbers() == 0 && frame.take_in(encoded, piece.rows.clone()),
        (Reading::Numbers, encoded) => {
            !piece.other_unit && piece.tokens.is_empty() && frame.take_in(encoded, piece.rows.clone())
        }
        _ => false,
    };
    if !pieces.iter().all(&mut takes_in) {
        return Ok(None);
    }
    let Some(counts) = frame.counts(axis.len()) else { return Ok(None) };
    let mut tally = Tally::default();
    let mut aligned = Aligned { counts, reading };
    put_all(&mut aligned, pieces, axis, keep, &mut tally)?;
    let counts = aligned.counts;
    if !counts.holds(&counts.offsets) {
        return Err(FrameError::defect("an offset is above its column's largest"));
    }
    tally.count = counts.present();
    if tally.count < counts.offsets.len() as u64 {
        tally.nulls = nulls(counts.absent());
    }
    tally.course.run(&counts, tally.count);
    Ok(Some((counts, tally)))
}

struct Aligned<'r> {
    counts: ReferencedColumn,
    reading: &'r Reading,
}

impl OntoAxis for Aligned<'_> {
    type Cell = u16;

    fn is_value(cell: u16) -> bool {
        cell < ReferencedColumn::ABSENT
    }

    fn is_not_covered(cell: u16) -> bool {
        cell == NOT_COVERED
    }

    fn rows(&self) -> usize {
        self.counts.offsets.len()
    }

    fn push(&mut self, piece: &Piece<'_>) {
        let state = |(token, _): &(String, u64)| self.counts.state(state_of(self.reading, token));
        // None of them can be meant by an index when one cannot be.
        let states: Vec<u16> = piece.tokens.iter().map(state).collect::<Option<_>>().unwrap_or_default();
        self.counts.push(piece.encoded, piece.rows.clone(), &states);
    }

    fn fill(&mut self, end: usize) {
        if end > self.rows() {
            self.counts.offsets.resize(end, NOT_COVERED);
        }
    }

    fn split_off(&mut self, begin: usize) -> Vec<u16> {
        self.counts.offsets.split_off(begin)
    }

    fn cell(&self, row: usize) -> Option<u16> {
        self.counts.offsets.get(row).copied()
    }

    fn set(&mut self, row: usize, cell: u16) {
        if let Some(offset) = self.counts.offsets.get_mut(row) {
            *offset = cell;
        }
    }

    fn show(&self, value: u16) -> String {
        self.counts.value(value).to_string()
    }
}

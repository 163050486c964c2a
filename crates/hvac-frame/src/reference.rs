//! A column on the axis as offsets from one frame of reference: what most columns are, from report to file.
//!
//! Encoded cells that fit together need not become doubles to be merged: a shift and perhaps a power of ten put each
//! file's offsets beside the others', in two bytes a cell, and the file's dictionary is made of them without looking
//! at a double either. What does not fit (texts, other units, a wide range, doubles that are no decimals) goes the long
//! way ([`crate::align`]), with the same answer.

use std::ops::Range;

use crate::column::VALUE;
use crate::encoded::{CODES, EncodedColumn, SMALL_CODES};

/// Readings of a column: (`least` + offset) / `scale`.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferencedColumn {
    /// Of offset 0.
    pub least: i32,
    /// A power of ten.
    pub scale: f64,
    /// No offset of a value is above it.
    pub most: u16,
    /// One entry a row; from [`ReferencedColumn::ABSENT`] on it says why there is no value.
    pub offsets: Vec<u16>,
}

impl ReferencedColumn {
    /// Offsets from here on are no values.
    pub const ABSENT: u16 = CODES;

    /// The value behind an offset that is one.
    #[must_use]
    pub fn value(&self, offset: u16) -> f64 {
        f64::from(self.least.wrapping_add(i32::from(offset))) / self.scale
    }

    /// The cells of some rows.
    pub fn cells(&self, rows: Range<usize>) -> impl Iterator<Item = Option<f64>> {
        let offsets = self.offsets.get(rows).unwrap_or_default().iter();
        offsets.map(|offset| (*offset < Self::ABSENT).then(|| self.value(*offset)))
    }

    /// Appends `offsets`, values of `other`; false, and nothing done, when they do not fit together.
    pub fn append(&mut self, other: &Self, offsets: &[u16]) -> bool {
        let mut frame = CommonReference::default();
        if !self.offsets.is_empty() && !frame.widen(self.least, self.scale, self.most) {
            return false;
        }
        if !offsets.is_empty() && !frame.widen(other.least, other.scale, other.most) {
            return false;
        }
        let Some(together) = frame.counts(0) else { return false };
        let Self { least, scale, offsets: before, .. } = std::mem::replace(self, together);
        let (finer, shift) = self.place_of(least, scale);
        self.offsets = before;
        if (finer, shift) != (1, 0) {
            self.offsets.iter_mut().for_each(|offset| *offset = offset.wrapping_mul(finer).wrapping_add(shift));
        }
        let (finer, shift) = self.place_of(other.least, other.scale);
        self.offsets.extend(offsets.iter().map(|offset| offset.wrapping_mul(finer).wrapping_add(shift)));
        true
    }

    /// Whether all of `offsets`, of this column's frame of reference, are values of it or no values at all.
    #[must_use]
    pub fn holds(&self, offsets: &[u16]) -> bool {
        !offsets.iter().fold(false, |above, offset| above | ((*offset > self.most) & (*offset < CODES)))
    }

    /// Why cells have no value: a [`NullReason`]'s number for each that has none.
    pub fn absent(&self) -> impl Iterator<Item = u8> {
        self.offsets.iter().filter(|offset| **offset >= CODES).map(|offset| offset.to_le_bytes()[0])
    }

    /// Cells that have a value.
    #[must_use]
    pub fn present(&self) -> u64 {
        // Counted in two bytes, many at a time.
        let count_in = |some: &[u16]| some.iter().map(|offset| u16::from(*offset < CODES)).sum::<u16>();
        self.offsets.chunks(1024).map(|some| u64::from(count_in(some))).sum()
    }
}

/// The offsets that are values.
#[must_use]
pub(crate) fn values_of(offsets: &[u16]) -> Vec<u16> {
    let mut values = vec![0; offsets.len()];
    let mut end = 0;
    for block in offsets.chunks(32) {
        // Looked at many at a time, not up to the first one.
        if block.iter().fold(false, |absent, offset| absent | (*offset >= CODES)) {
            // One that is no value is written too, and then written over.
            for offset in block {
                if let Some(value) = values.get_mut(end) {
                    *value = *offset;
                }
                end += usize::from(*offset < CODES);
            }
        } else if let Some(place) = values.get_mut(end..end + block.len()) {
            place.copy_from_slice(block);
            end += block.len();
        }
    }
    values.truncate(end);
    values
}

/// What counts have in common.
#[derive(Debug, Default)]
pub(crate) struct CommonReference {
    /// Decimals of the finest piece.
    scale: f64,
    /// Least and most count at that scale.
    range: Option<(i64, i64)>,
}

impl CommonReference {
    /// Takes in a piece whose cells are numbers; false when that cannot be.
    pub(crate) fn take_in(&mut self, encoded: &EncodedColumn, rows: Range<usize>) -> bool {
        let (least, scale, most) = match encoded {
            EncodedColumn::Reference8 { least, scale, offsets } => {
                let offsets = offsets.get(rows).unwrap_or_default();
                // Turned so that codes are the lowest: 0 to 31, and the offset 0 is 32.
                let turn = u8::MAX - SMALL_CODES + 1;
                let most = offsets.iter().fold(0, |most: u8, offset| most.max(offset.wrapping_add(turn)));
                (*least, *scale, (u16::from(most) + 1).saturating_sub(u16::from(turn)))
            }
            EncodedColumn::Reference16 { least, most, scale, .. } => (*least, *scale, most.map_or(0, |most| most + 1)),
            _ => return false,
        };
        // One more than the largest offset; 0 when there is no number.
        most.checked_sub(1).is_none_or(|most| self.widen(least, scale, most))
    }

    /// Takes in counts from `least` to `least` + `most`.
    fn widen(&mut self, least: i32, scale: f64, most: u16) -> bool {
        if scale > self.scale {
            let finer = if self.scale > 0.0 { whole(scale / self.scale) } else { 1 };
            self.range = self.range.map(|(first, last)| (first * finer, last * finer));
            self.scale = scale;
        }
        let finer = whole(self.scale / scale);
        let (first, last) = (i64::from(least) * finer, (i64::from(least) + i64::from(most)) * finer);
        let (before, after) = self.range.unwrap_or((first, last));
        let range = (before.min(first), after.max(last));
        self.range = Some(range);
        let bounds = i64::from(i32::MIN)..=i64::from(i32::MAX);
        bounds.contains(&range.0) && bounds.contains(&range.1) && range.1 - range.0 < i64::from(CODES)
    }

    /// Takes in zeros and ones.
    pub(crate) fn take_in_states(&mut self) -> bool {
        self.widen(0, 1.0, 1)
    }

    /// An empty column that all pieces fit into; none when one of them does not.
    pub(crate) fn counts(&self, rows: usize) -> Option<ReferencedColumn> {
        // No piece has a number: any is the least.
        let (least, last) = self.range.unwrap_or((0, 0));
        let (least, most) = (i32::try_from(least).ok()?, u16::try_from(last - least).ok()?);
        let scale = if self.scale > 0.0 { self.scale } else { 1.0 };
        Some(ReferencedColumn { least, scale, most, offsets: Vec::with_capacity(rows) })
    }
}

/// Whole quotients of powers of ten.
#[expect(clippy::cast_possible_truncation, reason = "at most 10^4")]
fn whole(quotient: f64) -> i64 {
    quotient as i64
}

impl ReferencedColumn {
    /// Appends rows of a piece that was taken in; `states` are the offsets of its texts, or codes. What cannot be is not
    /// appended, which the number of rows tells.
    pub(crate) fn push(&mut self, encoded: &EncodedColumn, rows: Range<usize>, states: &[u16]) {
        match encoded {
            EncodedColumn::Reference8 { least, scale, offsets } => {
                let (finer, shift) = self.place_of(*least, *scale);
                let offset = |offset: &u8| match u16::from(*offset) {
                    value if *offset < SMALL_CODES => value.wrapping_mul(finer).wrapping_add(shift),
                    code => code.wrapping_add(CODES - u16::from(SMALL_CODES)),
                };
                self.offsets.extend(offsets.get(rows).unwrap_or_default().iter().map(offset));
            }
            EncodedColumn::Reference16 { least, scale, offsets, .. } => {
                let (finer, shift) = self.place_of(*least, *scale);
                let offset = |offset: &u16| match *offset {
                    value if value < CODES => value.wrapping_mul(finer).wrapping_add(shift),
                    code => code,
                };
                self.offsets.extend(offsets.get(rows).unwrap_or_default().iter().map(offset));
            }
            EncodedColumn::Dictionary(indices) => {
                let state = |index: &u16| match *index {
                    text if text < CODES => states.get(usize::from(text)).copied(),
                    code => Some(code),
                };
                self.offsets.extend(indices.get(rows).unwrap_or_default().iter().filter_map(state));
            }
            // Not taken in.
            EncodedColumn::Plain(_) | EncodedColumn::Scaled { .. } => {}
        }
    }

    /// What a piece's offsets are multiplied with, and what is added to them. No number of a piece that was taken in
    /// leaves two bytes; where it has none, anything does.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below CODES where it matters")]
    fn place_of(&self, least: i32, scale: f64) -> (u16, u16) {
        let finer = whole(self.scale / scale);
        (finer as u16, (i64::from(least) * finer - i64::from(self.least)) as u16)
    }

    /// The offset of a state, 0 or 1, or of a code; none when states were not taken in.
    pub(crate) fn state(&self, (value, code): (f64, u8)) -> Option<u16> {
        if code != VALUE {
            return Some(CODES | u16::from(code));
        }
        let count = if value == 0.0 { 0 } else { whole(self.scale) };
        u16::try_from(count - i64::from(self.least)).ok().filter(|offset| *offset <= self.most)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use proptest::prelude::*;

    use super::*;
    use crate::column::{DecodedColumn, NullReason};

    fn encoded(cells: &[Option<f64>]) -> EncodedColumn {
        let values = cells.iter().map(|cell| cell.unwrap_or(0.0)).collect();
        let codes = cells.iter().map(|cell| if cell.is_some() { VALUE } else { NullReason::NoData as u8 }).collect();
        EncodedColumn::of(DecodedColumn { values, codes })
    }

    fn counted(pieces: &[EncodedColumn]) -> Option<ReferencedColumn> {
        let rows = |encoded: &EncodedColumn| 0..lines(encoded);
        let mut frame = CommonReference::default();
        if !pieces.iter().all(|piece| frame.take_in(piece, rows(piece))) {
            return None;
        }
        let mut counts = frame.counts(0).unwrap();
        pieces.iter().for_each(|piece| counts.push(piece, rows(piece), &[]));
        Some(counts)
    }

    fn lines(encoded: &EncodedColumn) -> usize {
        match encoded {
            EncodedColumn::Plain(cells) => cells.codes.len(),
            EncodedColumn::Reference16 { offsets, .. } | EncodedColumn::Dictionary(offsets) => offsets.len(),
            EncodedColumn::Reference8 { offsets, .. } => offsets.len(),
            EncodedColumn::Scaled { counts, .. } => counts.len(),
        }
    }

    #[test]
    fn pieces_of_other_decimals_and_ranges_stand_beside_each_other() {
        let small = EncodedColumn::Reference8 { least: -20, scale: 1.0, offsets: vec![0, 25, SMALL_CODES + 5].into() };
        let pieces = [encoded(&[Some(22.75), None, Some(0.5)]), small, encoded(&[None, None]), encoded(&[Some(99.9)])];
        let counts = counted(&pieces).unwrap();
        assert_eq!((counts.least, counts.scale), (-2000, 1e2));
        let cells: Vec<Option<f64>> = counts.cells(0..9).collect();
        assert_eq!(cells, [Some(22.75), None, Some(0.5), Some(-20.0), Some(5.0), None, None, None, Some(99.9)]);
        assert_eq!((counts.present(), counts.absent().collect::<Vec<_>>()), (5, vec![NullReason::NoData as u8; 4]));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(counted(&[encoded(&[Some(0.0)]), encoded(&[Some(65_280.0)])]).is_none());
        assert!(counted(&[encoded(&[Some(0.0)]), encoded(&[Some(65_279.0)])]).is_some());
        // In hundredths it is too much.
        assert!(counted(&[encoded(&[Some(0.25)]), encoded(&[Some(655.0)])]).is_none());
        assert!(counted(&[encoded(&[Some(1.0 / 3.0)])]).is_none());
        assert!(counted(&[encoded(&[Some(2_147_483_647.0)]), encoded(&[Some(0.5)])]).is_none());
        assert_eq!(counted(&[]).unwrap(), ReferencedColumn { least: 0, scale: 1.0, most: 0, offsets: Vec::new() });
    }

    #[test]
    fn counts_are_appended_while_they_fit() {
        let [a, b, c] = [&[Some(2.5), Some(-1.0)][..], &[Some(7.25)], &[Some(1000.0)]]
            .map(|cells| counted(&[encoded(cells)]).unwrap());
        let mut all = ReferencedColumn { offsets: Vec::new(), ..c.clone() };
        for next in [&a, &b, &a] {
            assert!(all.append(next, &next.offsets));
        }
        let cells: Vec<f64> = all.cells(0..5).flatten().collect();
        assert_eq!(cells, [2.5, -1.0, 7.25, 2.5, -1.0]);
        assert!(all.offsets.iter().all(|offset| *offset <= all.most));
        let before = all.clone();
        assert!(!all.append(&c, &c.offsets));
        assert_eq!(all, before);
    }

    proptest! {
        /// The values are the doubles that were encoded.
        #[test]
        fn doubles_come_back(
            pieces in prop::collection::vec((0usize..3, prop::collection::vec(prop::option::of(-300i32..300), 1..50)), 1..5),
        ) {
            let number = |count: i32, decimals: usize| f64::from(count) / [1.0, 10.0, 100.0][decimals];
            let doubles: Vec<Vec<Option<f64>>> = pieces
                .iter()
                .map(|(decimals, counts)| counts.iter().map(|count| count.map(|c| number(c, *decimals))).collect())
                .collect();
            let pieces: Vec<EncodedColumn> = doubles.iter().map(|cells| encoded(cells)).collect();
            let all: Vec<Option<f64>> = doubles.concat();
            let counts = counted(&pieces).unwrap();
            let cells: Vec<Option<f64>> = counts.cells(0..all.len()).collect();
            prop_assert_eq!(&cells, &all);
            prop_assert!(counts.offsets.iter().all(|offset| *offset >= ReferencedColumn::ABSENT || *offset <= counts.most));
            let values: Vec<f64> = all.iter().flatten().copied().collect();
            prop_assert_eq!(counts.present(), values.len() as u64);
        }
    }
}

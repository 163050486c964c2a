//! Columns at rest: what a parse keeps of a report until its window is aligned, in one or two bytes a cell.
//!
//! A point's readings have a few decimals and a narrow range within one chunk, so a cell is an offset from a frame of
//! reference: the chunk's smallest reading, counted in units of its last decimal. The readings 22.8, none (no data), 22.6
//! and 23.1:
//!
//! ```text
//! Reference8 { least: 226, scale: 10 }          (least + offset) / scale
//!   offsets │ 02 │ e5 │ 00 │ 05 │               below e0: an offset; e0 + code: why there is no value (5: no data)
//!
//! Reference16 { least, most, scale }            a wider range; least bytes first
//!   offsets │ 02 00 │ 05 ff │ 00 00 │ 05 00 │   below ff00: an offset; ff00 + code: no value
//!
//! Scaled { scale }                              wider still, or numbers among texts
//!   counts  │ e4 00 00 00 │ 05 00 00 60 │ …     below 2^30: count / scale; from 2^30 on a text; from 3·2^29 on no value
//!
//! Dictionary                                    texts
//!   indices │ 00 00 │ 01 00 │ 05 ff │           below ff00: the index of its text among the point's; ff00 + code: no value
//!
//! Plain                                         a reading that would not come back bit by bit: nine bytes a cell
//!   values  │ 8 bytes │ 8 bytes │ …   codes │ 00 │ 00 │ …
//! ```
//!
//! The points of one chunk share two pieces of memory: one of all offsets of a byte, one of those of two.

use std::ops::Range;
use std::sync::Arc;

use arrow_buffer::ScalarBuffer;

use crate::column::{DecodedColumn, NullReason, Segment, TEXT, VALUE};

/// 10^0…10^4: the decimals that are looked for.
const SCALES: [f64; 5] = [1e0, 1e1, 1e2, 1e3, 1e4];
/// Offsets from here on are codes of cells without a value.
pub(crate) const CODES: u16 = 0xff00;
/// The same for offsets of one byte.
pub(crate) const SMALL_CODES: u8 = 0xe0;

/// Counts from here on are indices of texts.
pub(crate) const TEXTS: i32 = 1 << 30;
/// Counts from here on are codes of nulls.
pub(crate) const NULLS: i32 = 3 << 29;

/// A [`Segment`] at rest.
#[derive(Debug, Default)]
pub struct EncodedSegment {
    /// UTC, ms since 1970, ascending.
    pub at_ms: Arc<[i64]>,
    /// One entry a point of the file.
    pub columns: Vec<EncodedColumn>,
}

/// The cells of one point at rest: one of the encodings that the module draws.
#[derive(Debug)]
pub enum EncodedColumn {
    /// As they were read.
    Plain(DecodedColumn),
    /// Readings from a frame of reference: (`least` + offset) / `scale`.
    Reference16 {
        /// Of the smallest offset.
        least: i32,
        /// The largest offset; none when there is no number.
        most: Option<u16>,
        /// A power of ten.
        scale: f64,
        /// One entry a row.
        offsets: ScalarBuffer<u16>,
    },
    /// The same in a narrow range.
    Reference8 {
        /// Of the smallest offset.
        least: i32,
        /// A power of ten.
        scale: f64,
        /// One entry a row.
        offsets: ScalarBuffer<u8>,
    },
    /// Readings of a wide range: a count / `scale`; or texts and codes, as they are built.
    Scaled {
        /// A power of ten.
        scale: f64,
        /// One entry a row.
        counts: Vec<i32>,
    },
    /// Texts: their indices among the point's.
    Dictionary(ScalarBuffer<u16>),
}

impl EncodedSegment {
    /// Encodes a segment.
    #[must_use]
    pub fn of(segment: Segment) -> Self {
        Self { at_ms: segment.at_ms.into(), columns: segment.columns.into_iter().map(EncodedColumn::of).collect() }
    }

    /// As it was read (but for what stands under a null).
    #[must_use]
    pub fn decode(&self) -> Segment {
        let rows = 0..self.at_ms.len();
        Segment {
            at_ms: self.at_ms.to_vec(),
            columns: self.columns.iter().map(|encoded| encoded.decode(rows.clone())).collect(),
        }
    }

    /// Bytes of its times and cells.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        let cells: usize = self.columns.iter().map(EncodedColumn::size_bytes).sum();
        (self.at_ms.len() * 8 + cells) as u64
    }

    /// The rows from `first_ms` to `last_ms`, both included.
    #[must_use]
    pub fn rows_between(&self, first_ms: i64, last_ms: i64) -> Range<usize> {
        let start = self.at_ms.partition_point(|&at| at < first_ms);
        start..self.at_ms.partition_point(|&at| at <= last_ms).max(start)
    }
}

impl EncodedColumn {
    /// Encodes the cells of one point.
    #[must_use]
    pub fn of(cells: DecodedColumn) -> Self {
        if let Some(texts) = texts(&cells) {
            return Self::Dictionary(texts);
        }
        let mut scales = SCALES.iter();
        // A few cells tell a scale that will not do from one that may.
        let few = |scale: f64| {
            let numbers = cells.values.iter().zip(&cells.codes).filter(|(_, code)| **code == VALUE);
            numbers.take(8).all(|(value, _)| is_exact(*value, scale))
        };
        while let Some(scale) = scales.by_ref().copied().find(|scale| few(*scale)) {
            if let Some(encoded) = numbers(&cells, scale) {
                return encoded;
            }
        }
        let DecodedColumn { mut values, mut codes } = cells;
        values.shrink_to_fit();
        codes.shrink_to_fit();
        Self::Plain(DecodedColumn { values, codes })
    }

    /// Whether the point has no cell at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Plain(cells) => cells.codes.is_empty(),
            Self::Reference16 { offsets, .. } | Self::Dictionary(offsets) => offsets.is_empty(),
            Self::Reference8 { offsets, .. } => offsets.is_empty(),
            Self::Scaled { counts, .. } => counts.is_empty(),
        }
    }

    fn size_bytes(&self) -> usize {
        match self {
            Self::Plain(cells) => cells.values.capacity() * 8 + cells.codes.capacity(),
            Self::Reference16 { offsets, .. } | Self::Dictionary(offsets) => offsets.len() * 2,
            Self::Reference8 { offsets, .. } => offsets.len(),
            Self::Scaled { counts, .. } => counts.capacity() * 4,
        }
    }

    /// Cells with a number.
    #[must_use]
    pub fn numbers(&self) -> u64 {
        match self {
            Self::Plain(cells) => count(&cells.codes, |code| code == VALUE),
            Self::Reference16 { offsets, .. } => count(offsets, |offset| offset < CODES),
            Self::Reference8 { offsets, .. } => count(offsets, |offset| offset < SMALL_CODES),
            Self::Scaled { counts, .. } => count(counts, |count| count < TEXTS),
            Self::Dictionary(_) => 0,
        }
    }

    /// The cells of some rows, as they were read (but for what stands under a null).
    #[must_use]
    pub fn decode(&self, rows: Range<usize>) -> DecodedColumn {
        let mut cells = DecodedColumn::default();
        self.decode_onto(rows, &mut cells);
        cells
    }

    /// Appends the cells of some rows, as they were read (but for what stands under a null).
    pub(crate) fn decode_onto(&self, rows: Range<usize>, cells: &mut DecodedColumn) {
        let code = |offset: &u16, held: u8| if *offset >= CODES { offset.to_le_bytes()[0] } else { held };
        match self {
            Self::Plain(whole) => {
                cells.values.extend_from_slice(whole.values.get(rows.clone()).unwrap_or_default());
                cells.codes.extend_from_slice(whole.codes.get(rows).unwrap_or_default());
            }
            Self::Reference16 { least, scale, offsets, .. } => {
                let offsets = offsets.get(rows).unwrap_or_default();
                // No overflow: an offset was the difference of two such numbers, or is far below 2^31.
                let value = |offset: &u16| f64::from(least.wrapping_add(i32::from(*offset))) / scale;
                cells.values.extend(offsets.iter().map(value));
                cells.codes.extend(offsets.iter().map(|offset| code(offset, VALUE)));
            }
            Self::Reference8 { least, scale, offsets } => {
                let offsets = offsets.get(rows).unwrap_or_default();
                let value = |offset: &u8| f64::from(least.wrapping_add(i32::from(*offset))) / scale;
                let code = |offset: &u8| if *offset >= SMALL_CODES { offset - SMALL_CODES } else { VALUE };
                cells.values.extend(offsets.iter().map(value));
                cells.codes.extend(offsets.iter().map(code));
            }
            Self::Scaled { scale, counts } => {
                for count in counts.get(rows).unwrap_or_default() {
                    let (value, code) = cell(*count, *scale);
                    cells.values.push(value);
                    cells.codes.push(code);
                }
            }
            Self::Dictionary(indices) => {
                let indices = indices.get(rows).unwrap_or_default();
                cells.values.extend(indices.iter().map(|index| f64::from(*index)));
                cells.codes.extend(indices.iter().map(|index| code(index, TEXT)));
            }
        }
    }
}

/// Value and code of a count.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "made of a code")]
pub(crate) fn cell(count: i32, scale: f64) -> (f64, u8) {
    if count < TEXTS {
        (f64::from(count) / scale, VALUE)
    } else if count < NULLS {
        (f64::from(count - TEXTS), TEXT)
    } else {
        (0.0, (count - NULLS) as u8)
    }
}

/// Counted in a byte each, many at a time.
fn count<T: Copy>(cells: &[T], holds: impl Fn(T) -> bool) -> u64 {
    let count_in = |some: &[T]| some.iter().map(|cell| u8::from(holds(*cell))).sum::<u8>();
    cells.chunks(255).map(|some| u64::from(count_in(some))).sum()
}

/// In units of the last decimal, rounded; anything when it does not fit, which coming back tells.
///
/// Added to 1.5 × 2^52, a number's whole part stands in the low bits.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the low bits are meant")]
pub(crate) fn scaled(value: f64, scale: f64) -> i32 {
    (value * scale + 6_755_399_441_055_744.0).to_bits() as i32
}

#[inline]
pub(crate) fn is_exact(value: f64, scale: f64) -> bool {
    (f64::from(scaled(value, scale)) / scale).to_bits() == value.to_bits()
}

fn numbers(cells: &DecodedColumn, scale: f64) -> Option<EncodedColumn> {
    let (mut least, mut most, mut exact) = (i32::MAX, i32::MIN, true);
    for (value, code) in cells.values.iter().zip(&cells.codes) {
        let is_value = *code == VALUE;
        let number = scaled(*value, scale);
        exact &= ((f64::from(number) / scale).to_bits() == value.to_bits()) & is_value | (*code > TEXT);
        least = least.min(if is_value { number } else { i32::MAX });
        most = most.max(if is_value { number } else { i32::MIN });
    }
    if !exact {
        return None;
    }
    // All null: any number is the least.
    let (least, most) = match most.checked_sub(least) {
        _ if least > most => (0, None),
        range => (least, Some(u16::try_from(range?).ok().filter(|most| *most < CODES)?)),
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below CODES, as was just seen")]
    let offset = |(value, code): (&f64, &u8)| {
        let code = u16::from(*code);
        if code == u16::from(VALUE) { scaled(*value, scale).wrapping_sub(least) as u16 } else { CODES | code }
    };
    let offsets = cells.values.iter().zip(&cells.codes).map(offset).collect();
    Some(EncodedColumn::Reference16 { least, most, scale, offsets })
}

/// The indices of a column of texts; none when there is a number in it, or no text.
fn texts(cells: &DecodedColumn) -> Option<ScalarBuffer<u16>> {
    if !cells.codes.contains(&TEXT) {
        return None;
    }
    let index = |(value, code): (&f64, &u8)| match *code {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the reader's index")]
        TEXT => u16::try_from(*value as u32).ok().filter(|index| *index < CODES),
        code => NullReason::of_code(code).map(|_| CODES | u16::from(code)),
    };
    cells.values.iter().zip(&cells.codes).map(index).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use proptest::prelude::*;

    use super::*;

    fn same(cells: &DecodedColumn) -> EncodedColumn {
        let encoded = EncodedColumn::of(cells.clone());
        let back = encoded.decode(0..cells.codes.len());
        assert_eq!(back.codes, cells.codes);
        for ((a, b), code) in back.values.iter().zip(&cells.values).zip(&cells.codes) {
            assert!(a.to_bits() == b.to_bits() || NullReason::of_code(*code).is_some(), "{a} {b} {code}");
        }
        encoded
    }

    fn cells(values: &[f64], code: u8) -> DecodedColumn {
        DecodedColumn { values: values.to_vec(), codes: vec![code; values.len()] }
    }

    #[test]
    fn readings_take_two_bytes_a_cell() {
        for (values, expected) in [
            (&[22.8, 23.1, -4.5, 0.0][..], 1e1),
            (&[3_860_513.0, 3_860_514.0], 1e0),
            (&[2_147_483_647.0, 2_147_483_000.0], 1e0),
            (&[1.25, 0.5, 100.0], 1e2),
            (&[0.0001, 6.5], 1e4),
        ] {
            let EncodedColumn::Reference16 { scale, .. } = same(&cells(values, VALUE)) else { panic!("{values:?}") };
            assert_eq!(scale, expected);
        }
        assert!(matches!(same(&cells(&[0.0, 2.0, 1.0], TEXT)), EncodedColumn::Dictionary(_)));
        assert!(matches!(same(&cells(&[0.0; 3], NullReason::Empty as u8)), EncodedColumn::Reference16 { .. }));
    }

    #[test]
    fn what_would_not_come_back_stays_whole() {
        for values in [&[-0.0, 1.0][..], &[1.0 / 3.0], &[0.0, 65_280.0], &[1e300], &[2_147_483_648.0], &[0.000_01]] {
            assert!(matches!(same(&cells(values, VALUE)), EncodedColumn::Plain(_)), "{values:?}");
        }
        assert!(matches!(same(&cells(&[65_300.0], TEXT)), EncodedColumn::Plain(_)));
        let mixed = DecodedColumn { values: vec![1.0, 1.0], codes: vec![VALUE, TEXT] };
        assert!(matches!(same(&mixed), EncodedColumn::Plain(_)));
        assert!(matches!(same(&cells(&[0.0, 65_279.0], VALUE)), EncodedColumn::Reference16 { .. }));
    }

    proptest! {
        /// Whatever is encoded comes back.
        #[test]
        fn cells_come_back(rows in prop::collection::vec((0u8..6, any::<f64>(), -70_000i32..70_000, 0usize..4), 0..50), decimals in 0usize..6) {
            let mut cells = DecodedColumn::default();
            for (code, any, number, choice) in rows {
                let value = match choice {
                    0 if any.is_finite() => any,
                    _ => f64::from(number) / [1.0, 10.0, 100.0, 1e3, 1e4, 1e5][decimals],
                };
                cells.values.push(if code == TEXT { f64::from(number.unsigned_abs()) } else { value });
                cells.codes.push(code);
            }
            same(&cells);
        }
    }
}

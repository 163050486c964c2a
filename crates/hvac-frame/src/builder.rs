//! The cells of a chunk while its rows are read: one list a point, used again for the next chunk and file.
//!
//! A report writes decimals, so a cell is taken as what is written: a count of units of the column's last
//! decimal, in four bytes, with texts and codes of nulls above all counts. No division is done for a cell that is
//! encoded anyway, and no memory is asked for once the lists are long enough.

use arrow_buffer::{Buffer, ScalarBuffer};

use crate::column::{DecodedColumn, NullReason, TEXT, VALUE};
use crate::decimal::{Decimal, power_of_ten};
use crate::encoded::{CODES, EncodedColumn, EncodedSegment, NULLS, SMALL_CODES, TEXTS, cell, is_exact, scaled};

/// A column with more decimals is kept whole.
const MOST_DECIMALS: u32 = 4;
/// As the decimals of a column that is kept whole.
const WHOLE: u32 = u32::MAX;

/// The rows of a chunk, in the file's order until they are sorted.
#[derive(Debug, Default)]
pub struct SegmentBuilder {
    /// UTC, ms since 1970.
    pub at_ms: Vec<i64>,
    /// One entry a point.
    pub columns: Vec<ColumnBuilder>,
    /// Offsets of one byte and of two, of all points, while they are encoded.
    small: Vec<u8>,
    short: Vec<u16>,
}

/// The cells of one point.
#[derive(Debug, Default)]
pub struct ColumnBuilder {
    counts: Vec<i32>,
    decimals: u32,
    /// All cells, once there is one that is no count.
    whole: DecodedColumn,
}

impl SegmentBuilder {
    /// Empties it for rows of that many points.
    pub fn begin(&mut self, points: usize) {
        self.at_ms.clear();
        self.columns.resize_with(points, ColumnBuilder::default);
        for column in &mut self.columns {
            column.counts.clear();
            column.decimals = 0;
            column.whole.values.clear();
            column.whole.codes.clear();
        }
    }

    /// Puts rows in the order of their times; rows of one time stay in the file's order.
    pub fn sort(&mut self) {
        if self.at_ms.is_sorted() {
            return;
        }
        let mut order: Vec<usize> = (0..self.at_ms.len()).collect();
        order.sort_by_key(|row| self.at_ms.get(*row).copied());
        fn pick<T: Copy>(from: &mut Vec<T>, order: &[usize]) {
            if !from.is_empty() {
                *from = order.iter().filter_map(|row| from.get(*row).copied()).collect();
            }
        }
        pick(&mut self.at_ms, &order);
        for column in &mut self.columns {
            pick(&mut column.counts, &order);
            pick(&mut column.whole.values, &order);
            pick(&mut column.whole.codes, &order);
        }
    }

    /// The rows at rest.
    #[must_use]
    pub fn encode(&mut self) -> EncodedSegment {
        let (small, short) = (&mut self.small, &mut self.short);
        small.clear();
        short.clear();
        // What the points share is made once it is known how long it is.
        let encode =
            |column: &ColumnBuilder| (small.len(), short.len(), column.counts.len(), column.encode(small, short));
        let encoded: Vec<_> = self.columns.iter().map(encode).collect();
        let small: ScalarBuffer<u8> = Buffer::from_slice_ref(small).into();
        let short: ScalarBuffer<u16> = Buffer::from_slice_ref(short).into();
        let columns = encoded.into_iter().map(|(small_at, short_at, rows, mut encoded)| {
            match &mut encoded {
                EncodedColumn::Reference8 { offsets, .. } => *offsets = small.slice(small_at, rows),
                EncodedColumn::Reference16 { offsets, .. } | EncodedColumn::Dictionary(offsets)
                    if offsets.is_empty() =>
                {
                    *offsets = short.slice(short_at, rows);
                }
                _ => {}
            }
            encoded
        });
        EncodedSegment { at_ms: self.at_ms.as_slice().into(), columns: columns.collect() }
    }
}

impl ColumnBuilder {
    /// One more row with a number of at most seven digits.
    #[inline(always)]
    pub fn push_short(&mut self, count: i32, decimals: u32) {
        if decimals == self.decimals {
            self.counts.push(count);
        } else {
            self.push_count(i64::from(count), decimals);
        }
    }

    /// One more row with a number.
    pub fn push_decimal(&mut self, number: Decimal) {
        match number.count() {
            Some(count) => self.push_count(count, number.fraction),
            None => self.push_whole(number.value(), VALUE),
        }
    }

    /// One more row: a value and its code, as in [`DecodedColumn`].
    #[inline]
    pub fn push(&mut self, (value, code): (f64, u8)) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index of the reader's")]
        match code {
            VALUE => self.push_value(value),
            TEXT => self.push_text(value as usize),
            code => self.push_other(NULLS + i32::from(code)),
        }
    }

    /// One more row with a text: its index among the point's. One that no point can have stays one: it is refused when
    /// the column is aligned.
    #[inline]
    pub fn push_text(&mut self, index: usize) {
        let above = NULLS - 1;
        self.push_other(i32::try_from(index).map_or(above, |index| index.min(above - TEXTS) + TEXTS));
    }

    /// One more row without a value.
    #[inline]
    pub fn push_null(&mut self, reason: NullReason) {
        self.push_other(NULLS + i32::from(reason as u8));
    }

    /// The last row's value and code, which it has no more; none when there is no row.
    pub fn take_back(&mut self) -> Option<(f64, u8)> {
        if self.decimals == WHOLE {
            return self.whole.values.pop().zip(self.whole.codes.pop());
        }
        let scale = self.scale();
        self.counts.pop().map(|count| cell(count, scale))
    }

    #[inline]
    fn push_other(&mut self, other: i32) {
        if self.decimals == WHOLE {
            let (value, code) = cell(other, 1.0);
            self.push_whole(value, code);
        } else {
            self.counts.push(other);
        }
    }

    fn push_value(&mut self, value: f64) {
        let exact = |decimals: &u32| is_exact(value, power_of_ten(*decimals));
        match (0..=MOST_DECIMALS).find(exact) {
            Some(decimals) => self.push_count(i64::from(scaled(value, power_of_ten(decimals))), decimals),
            None => self.push_whole(value, VALUE),
        }
    }

    #[inline(never)]
    fn push_count(&mut self, count: i64, decimals: u32) {
        let power = |decimals: u32| 10_i64.pow(decimals);
        let fits = |count: i64| i32::try_from(count).ok().filter(|count| *count > -TEXTS && *count < TEXTS);
        if self.decimals != WHOLE && decimals > self.decimals && decimals <= MOST_DECIMALS {
            let finer = power(decimals - self.decimals);
            let rescaled = |old: &i32| if *old < TEXTS { fits(i64::from(*old) * finer) } else { Some(*old) };
            if let Some(rescaled) = self.counts.iter().map(rescaled).collect() {
                self.counts = rescaled;
                self.decimals = decimals;
            }
        }
        let shift = self.decimals.checked_sub(decimals).filter(|_| self.decimals != WHOLE);
        match shift.and_then(|shift| fits(count.checked_mul(power(shift))?)) {
            Some(count) => self.counts.push(count),
            #[expect(clippy::cast_precision_loss, reason = "at most 2^53")]
            None => self.push_whole(count as f64 / power_of_ten(decimals), VALUE),
        }
    }

    #[cold]
    fn push_whole(&mut self, value: f64, code: u8) {
        if self.decimals != WHOLE {
            let scale = self.scale();
            for count in self.counts.drain(..) {
                let (value, code) = cell(count, scale);
                self.whole.values.push(value);
                self.whole.codes.push(code);
            }
            self.decimals = WHOLE;
        }
        self.whole.values.push(value);
        self.whole.codes.push(code);
    }

    fn scale(&self) -> f64 {
        power_of_ten(self.decimals)
    }

    /// The cells at rest; offsets are appended to `small` or `short` rather than answered.
    fn encode(&self, small: &mut Vec<u8>, short: &mut Vec<u16>) -> EncodedColumn {
        if self.decimals == WHOLE {
            return EncodedColumn::of(self.whole.clone());
        }
        let (mut least, mut most, mut texts) = (i32::MAX, i32::MIN, false);
        for &count in &self.counts {
            // Texts and nulls are above all counts.
            least = least.min(count);
            most = most.max(if count < TEXTS { count } else { i32::MIN });
            texts |= (TEXTS..NULLS).contains(&count);
        }
        let numbers = most > i32::MIN;
        // No number: any is the least.
        let (least, most) = if numbers { (least, most) } else { (0, 0) };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the low bits are meant")]
        let offset = |base: i32| {
            move |count: &i32| {
                if *count < NULLS { count.wrapping_sub(base) as u16 } else { CODES | (*count as u16 & 0xff) }
            }
        };
        let wide_text = |count: &i32| *count < NULLS && *count >= TEXTS + i32::from(CODES);
        if texts && !numbers && !self.counts.iter().any(wide_text) {
            short.extend(self.counts.iter().map(offset(TEXTS)));
            return EncodedColumn::Dictionary(ScalarBuffer::default());
        }
        let range = match u16::try_from(most - least) {
            Ok(range) if !texts && range < CODES => range,
            _ => return EncodedColumn::Scaled { scale: self.scale(), counts: self.counts.clone() },
        };
        if range < u16::from(SMALL_CODES) {
            // Codes are few.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the low bits are meant")]
            let offset = |count: &i32| {
                if *count < NULLS { count.wrapping_sub(least) as u8 } else { SMALL_CODES.wrapping_add(*count as u8) }
            };
            small.extend(self.counts.iter().map(offset));
            return EncodedColumn::Reference8 { least, scale: self.scale(), offsets: ScalarBuffer::default() };
        }
        short.extend(self.counts.iter().map(offset(least)));
        EncodedColumn::Reference16 { least, most: Some(range), scale: self.scale(), offsets: ScalarBuffer::default() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    use proptest::prelude::*;

    use super::*;

    const LOST: (f64, u8) = (0.0, NullReason::NoData as u8);

    fn builder(cells: &[(f64, u8)]) -> SegmentBuilder {
        let mut builder = SegmentBuilder::default();
        builder.begin(1);
        for (row, cell) in cells.iter().enumerate() {
            builder.at_ms.push(row as i64);
            builder.columns[0].push(*cell);
        }
        builder
    }

    fn back(builder: &mut SegmentBuilder) -> Vec<(u64, u8)> {
        let DecodedColumn { values, codes } = builder.encode().decode().columns.remove(0);
        bits(&values.into_iter().zip(codes).collect::<Vec<_>>())
    }

    /// What stands under a null does not matter.
    fn bits(cells: &[(f64, u8)]) -> Vec<(u64, u8)> {
        cells.iter().map(|(value, code)| (if *code > TEXT { 0 } else { value.to_bits() }, *code)).collect()
    }

    #[test]
    fn what_a_column_becomes() {
        type Is = fn(&EncodedColumn) -> bool;
        let cases: [(&[(f64, u8)], Is); 11] = [
            (&[(22.8, VALUE), (23.0, VALUE), LOST], |p| matches!(p, EncodedColumn::Reference8 { scale: 1e1, .. })),
            (&[(5.0, VALUE), (0.25, VALUE), (-7.5, VALUE)], |p| {
                matches!(p, EncodedColumn::Reference16 { scale: 1e2, .. })
            }),
            (&[(22.3, VALUE), (0.0, VALUE), LOST], |p| matches!(p, EncodedColumn::Reference8 { .. })),
            (&[LOST, LOST], |p| matches!(p, EncodedColumn::Reference8 { .. })),
            (&[(22.4, VALUE), (0.0, VALUE), LOST], |p| matches!(p, EncodedColumn::Reference16 { .. })),
            (&[(0.0, VALUE), (65_280.0, VALUE), LOST], |p| matches!(p, EncodedColumn::Scaled { scale: 1e0, .. })),
            (&[(1.0, TEXT), LOST, (0.0, TEXT)], |p| matches!(p, EncodedColumn::Dictionary(_))),
            (&[(65_535.0, TEXT)], |p| matches!(p, EncodedColumn::Scaled { .. })),
            (&[(0.0, TEXT), (0.0, VALUE), LOST], |p| matches!(p, EncodedColumn::Scaled { .. })),
            (&[(-0.0, VALUE), LOST, (3.0, TEXT)], |p| matches!(p, EncodedColumn::Plain(_))),
            (&[(1.5, VALUE), (1e9, VALUE), (2e9, VALUE)], |p| matches!(p, EncodedColumn::Plain(_))),
        ];
        for (cells, is) in cases {
            let mut builder = builder(cells);
            let encoded = builder.encode().columns.remove(0);
            assert!(is(&encoded), "{cells:?}: {encoded:?}");
            assert_eq!(back(&mut builder), bits(cells));
            assert_eq!(encoded.numbers(), cells.iter().filter(|cell| cell.1 == VALUE).count() as u64);
        }
    }

    #[test]
    fn a_sheet_is_sorted_by_time_and_used_again() {
        let mut again = builder(&[(1.5, VALUE), (2.25, VALUE), LOST, (f64::MAX, VALUE)]);
        again.at_ms = vec![30, 10, 20, 10];
        again.sort();
        assert_eq!(again.at_ms, [10, 10, 20, 30]);
        assert_eq!(back(&mut again), bits(&[(2.25, VALUE), (f64::MAX, VALUE), LOST, (1.5, VALUE)]));
        again.begin(2);
        again.at_ms.push(0);
        again.columns.iter_mut().for_each(|column| column.push((4.0, VALUE)));
        assert_eq!(again.encode().decode().columns[1], DecodedColumn { values: vec![4.0], codes: vec![VALUE] });
    }

    proptest! {
        /// Whatever is built comes back.
        #[test]
        fn cells_come_back(
            rows in prop::collection::vec((0u8..6, any::<f64>(), -700_000i32..700_000, 0u32..9), 0..50),
            decimals in 0u32..7,
            odd in 0u32..9,
        ) {
            let mut expected = Vec::new();
            let mut builder = builder(&[]);
            for (code, any, number, choice) in rows {
                let column = &mut builder.columns[0];
                let cell = match (code, choice) {
                    (VALUE, 0) if odd == 0 && any.is_finite() => (any, VALUE),
                    (VALUE, choice) => {
                        let decimals = if choice < 2 { decimals / 2 } else { decimals };
                        (f64::from(number) / power_of_ten(decimals), VALUE)
                    }
                    (TEXT, _) => (f64::from(number.unsigned_abs() as u16), TEXT),
                    (code, _) => (0.0, code),
                };
                match choice {
                    3.. if code == VALUE => column.push_short(number, decimals),
                    _ => column.push(cell),
                }
                builder.at_ms.push(0);
                expected.push(cell);
            }
            prop_assert_eq!(back(&mut builder), bits(&expected));
        }
    }
}

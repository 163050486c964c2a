//! The cells of one column of numbers: a plain slice with NaN where there is no value, and why there is none.
//!
//! Most columns pass through a cleaning as they came. So the values are taken out of the frame without a copy, the
//! reasons are one for all cells until a rule nulls some, and what was counted is kept until a value changes.

use std::collections::BTreeMap;
use std::ops::Range;

use polars::prelude::{Column, Float64Chunked, IntoSeries};
use polars_arrow::bitmap::Bitmap;

use super::CleanError;
use super::bins::Bins;
use super::report::ColumnSummary;
use hvac_frame::column::NullReason;

/// Values (NaN without one) and why there are none.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NumberCells {
    values: Vec<f64>,
    why: NullReasons,
    /// Of the values as they are; none when that was not counted.
    summary: Option<ColumnSummary>,
    /// Which cells have a value, when the frame said so.
    validity: Option<Bitmap>,
}

/// Why cells have no value.
#[derive(Debug, Clone, PartialEq, Eq)]
enum NullReasons {
    /// One reason for all of them.
    All(NullReason),
    /// One a cell; none where there is a value.
    Each(Vec<Option<NullReason>>),
}

impl NumberCells {
    /// Cells that have no value for one reason wherever they are NaN.
    #[must_use]
    pub(crate) fn new(values: Vec<f64>, reason: NullReason) -> Self {
        Self { values, why: NullReasons::All(reason), summary: None, validity: None }
    }

    /// Cells each of which sums up a bin of these: where it has no value, for none of the bin has one.
    ///
    /// # Errors
    /// `internal` when these are too few for the bins.
    pub(crate) fn binned(&self, values: Vec<f64>, bins: &Bins) -> Result<Self, CleanError> {
        let one_reason = |rows: &Range<usize>, reason| if rows.is_empty() { NullReason::NoSample } else { reason };
        let reasons: Vec<NullReason> = match &self.why {
            NullReasons::All(reason) => bins.rows.iter().map(|rows| one_reason(rows, *reason)).collect(),
            NullReasons::Each(reasons) => bins.cut(reasons)?.into_iter().map(first_reason).collect(),
        };
        let reasons = values.iter().zip(reasons).map(|(value, reason)| value.is_nan().then_some(reason)).collect();
        Ok(Self { why: NullReasons::Each(reasons), ..Self::new(values, NullReason::AsParsed) })
    }

    /// The cells of a parsed column, its memory taken over when nobody else holds it.
    #[must_use]
    pub(crate) fn of_column(numbers: Float64Chunked) -> Self {
        let whole = if numbers.chunks().len() == 1 { numbers } else { numbers.rechunk().into_owned() };
        let Some(array) = whole.downcast_into_iter().next() else { return Self::default() };
        let (_, values, validity) = array.into_inner();
        let mut values: Vec<f64> = values.into_mut().right_or_else(|shared| shared.to_vec());
        if let Some(validity) = &validity {
            for row in (!validity).true_idx_iter() {
                if let Some(value) = values.get_mut(row) {
                    *value = f64::NAN;
                }
            }
        }
        let nulls = validity.as_ref().map_or(0, Bitmap::unset_bits) as u64;
        let mut cells = Self::new(values, NullReason::AsParsed);
        cells.sum_up();
        // A NaN that the frame takes for a value is none here.
        cells.validity = validity.filter(|_| cells.summary().nulls == nulls);
        cells
    }

    /// The values, NaN without one.
    #[must_use]
    pub(crate) fn values(&self) -> &[f64] {
        &self.values
    }

    /// Why rows have no value together.
    #[cfg(test)]
    pub(crate) fn why(&self, rows: Range<usize>) -> NullReason {
        match &self.why {
            NullReasons::All(reason) if !rows.is_empty() => *reason,
            NullReasons::All(_) => NullReason::NoSample,
            NullReasons::Each(reasons) => reasons.get(rows).map_or(NullReason::NoSample, first_reason),
        }
    }

    /// The one reason of every cell without a value, if it is one.
    #[must_use]
    pub(crate) fn only_reason(&self) -> Option<NullReason> {
        match self.why {
            NullReasons::All(reason) => Some(reason),
            NullReasons::Each(_) => None,
        }
    }

    /// Nulls cells, each for its reason.
    pub(crate) fn null(&mut self, cells: impl Iterator<Item = (usize, NullReason)>) {
        let as_they_are = match &mut self.why {
            NullReasons::Each(reasons) => std::mem::take(reasons),
            NullReasons::All(reason) => self.values.iter().map(|value| value.is_nan().then_some(*reason)).collect(),
        };
        let mut reasons = as_they_are;
        for (row, reason) in cells {
            if let (Some(value), Some(known)) = (self.values.get_mut(row), reasons.get_mut(row)) {
                (*value, *known) = (f64::NAN, Some(reason));
            }
        }
        *self = Self { values: std::mem::take(&mut self.values), why: NullReasons::Each(reasons), ..Self::default() };
    }

    /// Only the rows that are kept.
    #[must_use]
    pub(crate) fn keep(self, keep: &[bool]) -> Self {
        let why = match self.why {
            NullReasons::Each(reasons) => NullReasons::Each(kept(&reasons, keep)),
            all @ NullReasons::All(_) => all,
        };
        Self { values: kept(&self.values, keep), why, ..Self::default() }
    }

    /// Counts and extremes of the values.
    #[must_use]
    pub(crate) fn summary(&self) -> ColumnSummary {
        self.summary.unwrap_or_else(|| summary(&self.values))
    }

    /// Takes the summary now, so that it is there when it is asked for.
    pub(crate) fn sum_up(&mut self) {
        self.summary = Some(self.summary());
    }

    /// As the mean of each alone: a zero has no sign.
    pub(crate) fn drop_sign_of_zero(&mut self) {
        let signed = |value: &f64| *value == 0.0 && value.is_sign_negative();
        if self.summary().min.is_some_and(|min| min <= 0.0) && self.values.iter().any(signed) {
            self.values.iter_mut().for_each(|value| *value += 0.0);
            self.summary = Some(summary(&self.values));
        }
    }

    /// How many cells have no value, by reason.
    #[must_use]
    pub(crate) fn nulls(&self) -> BTreeMap<NullReason, u64> {
        let mut by_reason = BTreeMap::new();
        match &self.why {
            NullReasons::All(reason) => {
                by_reason.extend(Some((*reason, self.summary().nulls)).filter(|(_, nulls)| *nulls > 0))
            }
            NullReasons::Each(reasons) => {
                for reason in reasons.iter().flatten() {
                    *by_reason.entry(*reason).or_default() += 1;
                }
            }
        }
        by_reason
    }

    /// As a column of a frame.
    #[must_use]
    pub(crate) fn into_column(self, name: &str) -> Column {
        let some_null = self.summary.is_none_or(|summary| summary.nulls > 0);
        let validity = self.validity.or_else(|| some_null.then(|| validity(&self.values)));
        Float64Chunked::from_vec_validity(name.into(), self.values, validity).into_series().into()
    }
}

impl Default for NumberCells {
    fn default() -> Self {
        Self::new(Vec::new(), NullReason::AsParsed)
    }
}

/// Why cells have no value together: no row, or the first reason of theirs (a rule's before the parsed one).
fn first_reason(reasons: &[Option<NullReason>]) -> NullReason {
    let by_rule = reasons.iter().flatten().find(|reason| **reason != NullReason::AsParsed);
    match by_rule {
        _ if reasons.is_empty() => NullReason::NoSample,
        // A bin whose rows are null as parsed, or have values that make no sum.
        reason => reason.copied().unwrap_or(NullReason::AsParsed),
    }
}

/// The rows that are kept.
pub(crate) fn kept<T: Copy>(all: &[T], keep: &[bool]) -> Vec<T> {
    all.iter().zip(keep).filter(|(_, keep)| **keep).map(|(value, _)| *value).collect()
}

fn validity(values: &[f64]) -> Bitmap {
    let byte = |eight: &[f64]| eight.iter().rev().fold(0_u8, |bits, value| bits << 1 | u8::from(!value.is_nan()));
    Bitmap::from_u8_vec(values.chunks(8).map(byte).collect(), values.len())
}

/// Four sums, of every fourth value: one alone would wait for each addition before the next.
fn summary(values: &[f64]) -> ColumnSummary {
    let (mut counts, mut sums) = ([0_u64; 4], [-0.0; 4]);
    let (mut mins, mut maxs) = ([f64::INFINITY; 4], [f64::NEG_INFINITY; 4]);
    let mut add = |four: &[f64; 4]| {
        let lanes = counts.iter_mut().zip(&mut sums).zip(mins.iter_mut().zip(&mut maxs));
        for (value, ((count, sum), (min, max))) in four.iter().zip(lanes) {
            // No branch a value: NaN adds nothing, and is neither less nor greater than anything.
            *count += u64::from(!value.is_nan());
            *sum += if value.is_nan() { -0.0 } else { *value };
            *min = if *value < *min { *value } else { *min };
            *max = if *value > *max { *value } else { *max };
        }
    };
    let (fours, rest) = values.as_chunks();
    fours.iter().for_each(&mut add);
    let mut last = [f64::NAN; 4];
    last.iter_mut().zip(rest).for_each(|(lane, value)| *lane = *value);
    add(&last);
    let count: u64 = counts.iter().sum();
    let sum = sums.into_iter().fold(-0.0, |all, sum| all + sum);
    let (min, max) =
        (mins.into_iter().fold(f64::INFINITY, f64::min), maxs.into_iter().fold(f64::NEG_INFINITY, f64::max));
    let some = |value: f64| (count > 0).then_some(value);
    ColumnSummary {
        count,
        nulls: values.len() as u64 - count,
        min: some(min),
        mean: some(sum / count as f64),
        max: some(max),
    }
}

#[cfg(test)]
mod tests {
    use polars::prelude::NewChunkedArray;

    use super::*;

    const N: f64 = f64::NAN;

    #[test]
    fn a_column_is_taken_over_and_given_back() {
        let options =
            [Some(1.0), None, Some(f64::NAN), Some(4.0), None, Some(-2.0), Some(0.5), Some(8.0), None, Some(3.0)];
        let given = Float64Chunked::from_slice_options("X".into(), &options);
        let cells = NumberCells::of_column(given.clone());
        let present: Vec<Option<f64>> = cells.values().iter().map(|v| Some(*v).filter(|v| !v.is_nan())).collect();
        let expected = options.map(|v| v.filter(|v| !v.is_nan()));
        assert_eq!(present, expected);
        let summary = cells.summary();
        assert_eq!((summary.count, summary.nulls, summary.min, summary.max), (6, 4, Some(-2.0), Some(8.0)));
        assert_eq!(summary.mean, Some(14.5 / 6.0));
        let column = cells.into_column("Y");
        let back = column.as_materialized_series().f64().map(|numbers| numbers.to_vec());
        assert_eq!(back.ok(), Some(expected.to_vec()));
        assert_eq!(given.to_vec().len(), 10, "the frame's own memory is untouched");
        assert_eq!(given.get(1), None);
        assert_eq!(given.get(0), Some(1.0));
    }

    #[test]
    fn a_frame_in_pieces_and_a_slice_of_one_are_taken_over_too() {
        let mut pieces = Float64Chunked::from_slice_options("X".into(), &[Some(1.0), None, Some(3.0)]);
        let second = Float64Chunked::from_slice_options("X".into(), &[None, Some(5.0)]);
        assert!(pieces.append(&second).is_ok());
        let values =
            |cells: &NumberCells| cells.values().iter().map(|v| if v.is_nan() { -1.0 } else { *v }).collect::<Vec<_>>();
        assert_eq!(values(&NumberCells::of_column(pieces.clone())), [1.0, -1.0, 3.0, -1.0, 5.0]);
        assert_eq!(values(&NumberCells::of_column(second.slice(1, 1))), [5.0]);
        assert_eq!(values(&NumberCells::of_column(pieces.slice(1, 3))), [-1.0, 3.0, -1.0]);
    }

    #[test]
    fn reasons_are_counted_by_cell() {
        use NullReason::{AsParsed, Frozen, NoSample, NotDerivable};
        let mut cells = NumberCells::new(vec![1.0, N, 3.0, N], AsParsed);
        assert_eq!(cells.nulls(), BTreeMap::from([(AsParsed, 2)]));
        assert_eq!((cells.why(1..2), cells.why(2..2)), (AsParsed, NoSample));
        cells.sum_up();
        cells.null([(2, Frozen)].into_iter());
        assert_eq!(cells.nulls(), BTreeMap::from([(AsParsed, 2), (Frozen, 1)]));
        assert_eq!(cells.summary().count, 1, "counted again");
        assert_eq!((cells.why(1..4), cells.why(0..2)), (Frozen, AsParsed));
        let kept = cells.keep(&[false, true, true, false]);
        assert_eq!(kept.nulls(), BTreeMap::from([(AsParsed, 1), (Frozen, 1)]));
        let whole = NumberCells::new(vec![1.0], NotDerivable);
        assert_eq!((whole.nulls().len(), whole.why(0..1)), (0, NotDerivable));
    }
}

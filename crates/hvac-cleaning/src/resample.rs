//! What a point's samples become in a bin, by its kind (HVAC.md §3).
//!
//! | kind | in a bin |
//! |---|---|
//! | counter | last value present |
//! | interval total, and a register's derived growth | sum of those that are there; a warning counts the bins in which some are missing |
//! | status | maximum: was it on at all? On request the share of the time it was on, beside it |
//! | instantaneous | mean; time-weighted for points recorded on change of value |
//! | text | last text present |
//!
//! Never makes a value where none was: a bin without a row is null (`no_sample`), and data that are coarser
//! than the bins keep their own spacing.

use std::ops::Range;

use chrono_tz::Tz;

use super::CleanError;
use super::bins::Bins;
use super::cells::NumberCells;
use super::parameters::Interval;
use super::sampling::{self, on_change};
use hvac_frame::column::{ColumnMeta, Kind};

/// A state recorded on change is held for no longer than this over rows that are missing, ms: after that its
/// recorder is taken for dead.
pub(crate) const HOLD_MS: i64 = 24 * 3_600_000;

/// How a bin is summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aggregate {
    /// Mean of the samples.
    Mean,
    /// Mean over time of a value that is held until the next sample.
    TimeWeighted,
    /// The last sample.
    Last,
    /// The greatest sample.
    Max,
    /// The sum of the samples: of amounts of intervals, such as a register's consumption.
    Sum,
}

impl Aggregate {
    /// By kind; what an earlier cleaning summed up is summed up again.
    #[must_use]
    pub(crate) fn of(column: &ColumnMeta) -> Self {
        let before = column.cleaned.as_ref().and_then(|cleaned| cleaned.aggregate.as_deref());
        if before == Some(Self::Sum.name()) {
            return Self::Sum;
        }
        let on_change = before.is_none() && on_change(column);
        match column.kind {
            Kind::Counter | Kind::Text => Self::Last,
            Kind::IntervalTotal => Self::Sum,
            Kind::Status => Self::Max,
            Kind::Instantaneous if on_change => Self::TimeWeighted,
            Kind::Instantaneous => Self::Mean,
        }
    }

    /// In words, for the column's metadata.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::TimeWeighted => "time-weighted mean",
            Self::Last => "last",
            Self::Max => "max",
            Self::Sum => "sum",
        }
    }
}

/// The bins of a resampling, and what holds for all of them.
#[derive(Debug, Clone)]
pub(crate) struct ResampleGrid {
    /// The bins.
    pub(crate) bins: Bins,
    /// Their left-closed intervals, UTC ms.
    pub(crate) edges: Vec<(i64, i64)>,
    /// Each bin is one row.
    one_row_each: bool,
    /// And begins with it.
    begins_with_row: bool,
    /// Bins without a row.
    pub(crate) empty: usize,
}

impl ResampleGrid {
    /// The grid of these bins of the rows at `at_ms`.
    #[must_use]
    pub(crate) fn new(bins: Bins, at_ms: &[i64], interval: Interval, zone: Tz) -> Self {
        let edges = bins.each(interval, zone).map(|(start, end, _)| (start, end)).collect();
        let one_row_each = bins.rows.iter().all(|rows| rows.len() == 1);
        let empty = bins.rows.iter().filter(|rows| rows.is_empty()).count();
        Self { edges, one_row_each, begins_with_row: one_row_each && bins.starts_ms == at_ms, empty, bins }
    }

    /// Whether every cell stays what it is.
    #[must_use]
    pub(crate) fn keeps_cells(&self, how: Aggregate) -> bool {
        // A value that is held needs to be known from the bin's first instant on.
        if how == Aggregate::TimeWeighted { self.begins_with_row } else { self.one_row_each }
    }
}

/// The bins' cells.
///
/// # Errors
/// `internal` when the column has fewer cells than the axis has rows.
pub(crate) fn numbers(
    at_ms: &[i64],
    cells: &NumberCells,
    grid: &ResampleGrid,
    how: Aggregate,
) -> Result<NumberCells, CleanError> {
    let all = cells.values();
    let cut = grid.bins.cut(all)?;
    let bins = || cut.iter().copied();
    let values: Vec<f64> = match how {
        Aggregate::Mean => bins().map(mean).collect(),
        Aggregate::Last => bins().map(|values| present(values).next_back().unwrap_or(f64::NAN)).collect(),
        Aggregate::Max => bins().map(|values| present(values).fold(f64::NAN, f64::max)).collect(),
        Aggregate::Sum => bins().map(|values| present(values).reduce(|a, b| a + b).unwrap_or(f64::NAN)).collect(),
        Aggregate::TimeWeighted => {
            let held = |(rows, (start, end)): (_, &(i64, i64))| held_mean(at_ms, all, rows, *start, *end);
            grid.bins.rows.iter().zip(&grid.edges).map(held).collect()
        }
    };
    let mut cells = match cells.only_reason() {
        Some(reason) if grid.empty == 0 => NumberCells::new(values, reason),
        _ => cells.binned(values, &grid.bins)?,
    };
    cells.sum_up();
    Ok(cells)
}

/// Bins that have a sample, but fewer of a column than it has intervals in them, and how many intervals are missing
/// there. `own_ms` is the column's interval; one that is no shorter than a bin lacks none.
pub(crate) fn partial_sums(cells: &NumberCells, grid: &ResampleGrid, own_ms: f64) -> Result<(u64, u64), CleanError> {
    let (mut bins, mut missing) = (0, 0);
    for (values, (start, end)) in grid.bins.cut(cells.values())?.into_iter().zip(&grid.edges) {
        let wanted = u64::from(sampling::whole((end - start) as f64 / own_ms));
        let found = present(values).count() as u64;
        if found > 0 && found < wanted {
            (bins, missing) = (bins + 1, missing + wanted - found);
        }
    }
    Ok((bins, missing))
}

fn present(values: &[f64]) -> impl DoubleEndedIterator<Item = f64> {
    values.iter().copied().filter(|value| !value.is_nan())
}

/// Mean; NaN of nothing. Of equal samples exactly that value.
fn mean(values: &[f64]) -> f64 {
    let (mut first, mut sum, mut count) = (f64::NAN, 0.0, 0_u32);
    for value in present(values) {
        if count == 0 {
            first = value;
        }
        sum += value - first;
        count += 1;
    }
    if count == 0 { f64::NAN } else { first + sum / f64::from(count) }
}

/// Mean over the time for which a value is known: each holds until the next row, a row without one ends it,
/// and what held before the bin's first row holds into it. Bins without a row of their own stay null.
fn held_mean(at_ms: &[i64], values: &[f64], rows: &Range<usize>, start: i64, end: i64) -> f64 {
    let row = |row: usize| at_ms.get(row).copied().zip(values.get(row).copied());
    if rows.is_empty() || !rows.clone().filter_map(row).any(|(_, value)| !value.is_nan()) {
        return f64::NAN;
    }
    let before = rows.start.checked_sub(1).and_then(row);
    let (mut sum, mut known, mut first) = (0.0, 0.0, f64::NAN);
    let mut hold = |value: f64, from: i64, until: i64| {
        if !value.is_nan() && until > from {
            if first.is_nan() {
                first = value;
            }
            sum += (value - first) * (until - from) as f64;
            known += (until - from) as f64;
        }
    };
    let first_at = row(rows.start).map_or(end, |(at, _)| at);
    if let Some((at, value)) = before {
        hold(value, start, first_at.min(at.saturating_add(HOLD_MS)));
    }
    for index in rows.clone() {
        let (Some((at, value)), next) = (row(index), row(index + 1)) else { continue };
        hold(value, at, next.map_or(end, |(next, _)| next.min(end)));
    }
    if known > 0.0 { first + sum / known } else { first }
}

/// Share of the bin during which a status was on: of the time when it is held, else of its samples.
///
/// # Errors
/// As [`numbers`].
pub(crate) fn on_fraction(
    at_ms: &[i64],
    cells: &NumberCells,
    grid: &ResampleGrid,
    on_change: bool,
) -> Result<NumberCells, CleanError> {
    let how = if on_change { Aggregate::TimeWeighted } else { Aggregate::Mean };
    numbers(at_ms, cells, grid, how)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use hvac_frame::column::NullReason;

    const N: f64 = f64::NAN;

    fn grid(at_ms: &[i64], interval: Interval) -> ResampleGrid {
        ResampleGrid::new(Bins::new(at_ms, interval, Tz::UTC, true), at_ms, interval, Tz::UTC)
    }

    fn resampled(minutes: &[i64], values: &[f64], interval: Interval, how: Aggregate) -> Vec<Option<f64>> {
        let at: Vec<i64> = minutes.iter().map(|m| m * 60_000).collect();
        let cells = NumberCells::new(values.to_vec(), NullReason::AsParsed);
        let out = numbers(&at, &cells, &grid(&at, interval), how).unwrap();
        out.values().iter().map(|v| (!v.is_nan()).then_some((v * 1e9).round() / 1e9)).collect()
    }

    /// 00:00–00:14 and 00:15–00:29 by hand.
    #[test]
    fn kinds() {
        let (minutes, values) = ([0, 5, 10, 15, 20, 25], [1.0, 2.0, N, 4.0, N, N]);
        let by = |how| resampled(&minutes, &values, Interval::M15, how);
        assert_eq!(by(Aggregate::Mean), [Some(1.5), Some(4.0)], "(1 + 2) / 2; only 4");
        assert_eq!(by(Aggregate::Last), [Some(2.0), Some(4.0)], "last present, not the null at its end");
        assert_eq!(by(Aggregate::Max), [Some(2.0), Some(4.0)]);
        assert_eq!(resampled(&[0, 31], &[0.0, 1.0], Interval::M15, Aggregate::Max), [Some(0.0), None, Some(1.0)]);
    }

    /// 10 from 0:00, 40 from 0:12: (10·12 + 40·3) / 15 = 16; then 40 is carried to 0:20, 10 from there:
    /// (40·5 + 10·10) / 15 = 20.
    #[test]
    fn points_on_change_are_weighted_by_time() {
        let by = |minutes: &[i64], values: &[f64]| resampled(minutes, values, Interval::M15, Aggregate::TimeWeighted);
        assert_eq!(by(&[0, 12, 20], &[10.0, 40.0, 10.0]), [Some(16.0), Some(20.0)]);
        // A loss at 0:05 ends the 10; 40 is known for 3 minutes: (10·5 + 40·3) / 8 = 21.25.
        assert_eq!(by(&[0, 5, 12], &[10.0, N, 40.0]), [Some(21.25)]);
        // 40 until the loss at 0:20, nothing else in the second bin: no value of its own there.
        assert_eq!(by(&[0, 12, 20], &[10.0, 40.0, N]), [Some(16.0), None]);
        // The loss stands before the bin: nothing is carried into it.
        assert_eq!(by(&[0, 10, 20], &[10.0, N, 7.0]), [Some(10.0), Some(7.0)]);
    }

    #[test]
    fn a_bin_says_why_it_is_null() {
        use NullReason::{AsParsed, Frozen, NoSample};
        let at: Vec<i64> = [0, 5, 20, 50].map(|m| m * 60_000).to_vec();
        let mut cells = NumberCells::new(vec![N, 1.0, N, 3.0], AsParsed);
        cells.null([(1, Frozen)].into_iter());
        let out = numbers(&at, &cells, &grid(&at, Interval::M15), Aggregate::Mean).unwrap();
        let reasons: Vec<NullReason> = (0..3).map(|bin| out.why(bin..bin + 1)).collect();
        assert_eq!(reasons, [Frozen, AsParsed, NoSample]);
        assert_eq!(out.nulls().values().sum::<u64>(), 3, "the last bin has a value");
        // Without a rule's hit, only the bin without a row has a reason of its own.
        let out =
            numbers(&at, &NumberCells::new(vec![N, 1.0, N, 3.0], AsParsed), &grid(&at, Interval::M15), Aggregate::Mean)
                .unwrap();
        assert_eq!(out.nulls().into_iter().collect::<Vec<_>>(), [(NoSample, 1), (AsParsed, 1)]);
    }

    /// No bin is filled up with a reason or a value that nobody gave.
    #[test]
    fn a_column_shorter_than_the_axis_is_a_defect_and_no_null() {
        let at: Vec<i64> = [0, 5, 20, 50].map(|m| m * 60_000).to_vec();
        let short = NumberCells::new(vec![1.0, 2.0, 3.0], NullReason::AsParsed);
        assert_eq!(numbers(&at, &short, &grid(&at, Interval::M15), Aggregate::Mean).unwrap_err().code, "internal");
    }

    /// What a bin of one row is, is that row: asked of every aggregate.
    #[test]
    fn bins_of_one_row_keep_their_cells() {
        let all = [Aggregate::Mean, Aggregate::TimeWeighted, Aggregate::Last, Aggregate::Max, Aggregate::Sum];
        let values = [0.1, N, -3.7, 1e-300, 5.0];
        let cells = NumberCells::new(values.to_vec(), NullReason::AsParsed);
        let same = |at: &[i64], how| {
            let out = numbers(at, &cells, &grid(at, Interval::M15), how).unwrap();
            out.values().iter().zip(values).all(|(out, value)| out.to_bits() == value.to_bits())
        };
        let on_time: Vec<i64> = (0..5).map(|i| i * 900_000).collect();
        assert!(all.iter().all(|how| grid(&on_time, Interval::M15).keeps_cells(*how) && same(&on_time, *how)));
        let late: Vec<i64> = on_time.iter().map(|at| at + 60_000).collect();
        let keeps: Vec<bool> = all.iter().map(|how| grid(&late, Interval::M15).keeps_cells(*how)).collect();
        assert_eq!(keeps, [true, false, true, true, true]);
        assert!(all.iter().zip(&keeps).all(|(how, keeps)| !keeps || same(&late, *how)));
        assert!(!grid(&on_time, Interval::M30).keeps_cells(Aggregate::Mean));
    }

    #[test]
    fn the_mean_of_equal_samples_is_that_sample() {
        assert_eq!(resampled(&[0, 5, 10], &[0.1, 0.1, 0.1], Interval::M15, Aggregate::Mean), [Some(0.1)]);
    }
}

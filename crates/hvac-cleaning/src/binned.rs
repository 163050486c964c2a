//! Rows put into bins for whoever looks at them: by the rules of cleaning's resampling, with nothing judged.
//!
//! A bin without a row is no row, so a frame never has more rows than it had; data that are coarser than the bins keep
//! their rows, each labelled by its bin's left edge. Bins are made of the rows in memory, a part of an axis at a time.

use std::ops::Range;

use chrono_tz::Tz;
use polars::prelude::DataFrame;

use super::axis::into_bins;
use super::bins::Bins;
use super::frame::{join, split};
use super::parameters::Interval;
use super::resample::{Aggregate, ResampleGrid};
use super::sampling::{self, Steps, interval_ms};
use super::{CleanError, internal};
use hvac_frame::column::{CleanedCells, ColumnMeta};

/// The bins of an axis, on the local clock.
#[derive(Debug, Clone)]
pub struct BinnedAxis {
    bins: Bins,
    interval: Interval,
    zone: Tz,
}

impl BinnedAxis {
    /// The bins of the rows at `at_ms` (UTC, ascending).
    #[must_use]
    pub fn new(at_ms: &[i64], interval: Interval, zone: Tz) -> Self {
        Self { bins: Bins::new(at_ms, interval, zone, false), interval, zone }
    }

    /// Left edges of the bins, UTC ms: the times of their rows.
    #[must_use]
    pub fn starts_ms(&self) -> &[i64] {
        &self.bins.starts_ms
    }

    /// The rows that lie in some bins.
    #[must_use]
    pub fn rows(&self, bins: Range<usize>) -> Range<usize> {
        let rows = self.bins.rows.get(bins).unwrap_or_default();
        rows.first().map_or(0, |rows| rows.start)..rows.last().map_or(0, |rows| rows.end)
    }

    /// Some bins as rows. `frame` has `timestamp` and `columns` of the bins' rows, and `before` rows before them: with one,
    /// a value that is held from it counts in the first bin too.
    ///
    /// # Errors
    /// A defect when the frame is of other columns or rows.
    pub fn resample(
        &self,
        frame: DataFrame,
        columns: &[ColumnMeta],
        bins: Range<usize>,
        before: usize,
    ) -> Result<DataFrame, CleanError> {
        let (at_ms, data) = split(frame, columns)?;
        let wanted = "bins were asked for that are not in the axis";
        let first = self.rows(bins.clone()).start;
        let place = |row: usize| Some(row.checked_sub(first)? + before);
        let shifted = |rows: &Range<usize>| Some(place(rows.start)?..place(rows.end)?);
        let rows = self.bins.rows.get(bins.clone()).ok_or_else(|| internal(wanted))?;
        let part = Bins {
            starts_ms: self.bins.starts_ms.get(bins.clone()).ok_or_else(|| internal(wanted))?.to_vec(),
            end_ms: self.bins.starts_ms.get(bins.end).copied().unwrap_or(self.bins.end_ms),
            rows: rows.iter().map(shifted).collect::<Option<_>>().ok_or_else(|| internal(wanted))?,
        };
        let grid = ResampleGrid::new(part, &at_ms, self.interval, self.zone);
        let binned = data.into_iter().zip(columns).map(|(mut data, meta)| {
            into_bins(&at_ms, &mut data, &grid, Aggregate::of(meta))?;
            Ok((meta.name.clone(), data))
        });
        join(&grid.bins.starts_ms, binned.collect::<Result<_, CleanError>>()?)
    }
}

/// What a column's cells stand for after that.
#[must_use]
pub fn binned(meta: &ColumnMeta, interval: Interval) -> ColumnMeta {
    let before = meta.cleaned.clone().unwrap_or_default();
    let own_s = before.interval_s.or(meta.native_interval_s);
    let aggregate = Some(Aggregate::of(meta).name().to_owned());
    let interval_s = Some(sampling::seconds(interval.ms() as f64)).max(own_s);
    ColumnMeta { cleaned: Some(CleanedCells { interval_s, aggregate, ..before }), ..meta.clone() }
}

/// How often the columns of an axis are recorded.
#[derive(Debug)]
pub struct Recording<'a>(Steps<'a>);

impl<'a> Recording<'a> {
    /// Of the rows at `at_ms` (UTC, ascending).
    #[must_use]
    pub fn new(at_ms: &'a [i64]) -> Self {
        Self(Steps::new(at_ms))
    }

    /// The interval at which a column is recorded, ms: what its report or a cleaning says, and never less than what its
    /// values show (NaN without one). None for one that is recorded on change, which says nothing of how many samples it
    /// should have, unless its report says how often it is recorded too.
    #[must_use]
    pub fn every_ms(&self, meta: &ColumnMeta, values: &[f64]) -> Option<f64> {
        if is_on_change(meta) {
            return None;
        }
        let nulls = values.iter().filter(|value| value.is_nan()).count();
        interval_ms(meta, self.0.own_ms(values, nulls))
    }
}

/// Whether a column is recorded on change, as far as nothing says how often besides.
#[must_use]
pub fn is_on_change(meta: &ColumnMeta) -> bool {
    let resampled = meta.cleaned.as_ref().is_some_and(|cleaned| cleaned.aggregate.is_some());
    sampling::on_change(meta) && meta.native_interval_s.is_none() && !resampled
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use polars::prelude::*;
    use proptest::prelude::*;

    use super::super::tests::column;
    use super::*;
    use hvac_frame::column::Kind;

    fn frame(at_ms: &[i64], numbers: &[(&str, Vec<Option<f64>>)], texts: Vec<Option<&str>>) -> DataFrame {
        let at = Int64Chunked::from_slice("timestamp".into(), at_ms);
        let at = at.into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC)).into_column();
        let numbers = numbers.iter().map(|(name, cells)| Column::new((*name).into(), cells.clone()));
        let columns = std::iter::once(at).chain(numbers).chain([Column::new("MODE".into(), texts)]).collect();
        DataFrame::new(at_ms.len(), columns).unwrap()
    }

    fn metas() -> Vec<ColumnMeta> {
        vec![
            column("T", Kind::Instantaneous),
            column("KWH", Kind::Counter),
            column("USE", Kind::IntervalTotal),
            column("S", Kind::Status),
            column("MODE", Kind::Text),
        ]
    }

    /// Bins of 00:00, 00:15 and 01:00, by hand; the quarters between have no row and are none.
    #[test]
    fn each_kind_by_its_own_rule() {
        let at: Vec<i64> = [0, 5, 10, 15, 60, 65].map(|m| m * 60_000).to_vec();
        let n = |cells: [f64; 6]| cells.map(|cell| Some(cell).filter(|cell| *cell >= 0.0)).to_vec();
        let numbers = [
            ("T", n([1., 2., -1., 4., 5., 7.])),
            ("KWH", n([10., 11., -1., 13., 14., 15.])),
            ("USE", n([1., 1., -1., 2., 3., 4.])),
            ("S", n([0., 1., 0., 0., 0., 0.])),
        ];
        let frame = frame(&at, &numbers, vec![Some("A"), Some("B"), None, None, Some("A"), Some("C")]);
        let axis = BinnedAxis::new(&at, Interval::M15, Tz::UTC);
        assert_eq!(axis.starts_ms(), [0, 900_000, 3_600_000]);
        let all = axis.resample(frame, &metas(), 0..3, 0).unwrap();
        let cells = |name: &str| all.column(name).unwrap().f64().unwrap().to_vec();
        assert_eq!(cells("T"), [Some(1.5), Some(4.0), Some(6.0)], "mean");
        assert_eq!(cells("KWH"), [Some(11.0), Some(13.0), Some(15.0)], "last");
        assert_eq!(cells("USE"), [Some(2.0), Some(2.0), Some(7.0)], "sum");
        assert_eq!(cells("S"), [Some(1.0), Some(0.0), Some(0.0)], "maximum");
        let mode: Vec<Option<String>> =
            all.column("MODE").unwrap().str().unwrap().iter().map(|text| text.map(str::to_owned)).collect();
        assert_eq!(mode, [Some("B".to_owned()), None, Some("C".to_owned())], "last");
    }

    #[test]
    fn what_cells_stand_for_is_said() {
        let (reading, register) = (column("T", Kind::Instantaneous), column("KWH", Kind::Counter));
        let said = |meta: &ColumnMeta, interval| binned(meta, interval).cleaned.unwrap();
        assert_eq!(said(&reading, Interval::H1).aggregate.as_deref(), Some("mean"));
        assert_eq!(
            (said(&register, Interval::H1).interval_s, said(&register, Interval::D1).interval_s),
            (Some(3600), Some(86_400))
        );
        let mut slow = reading.clone();
        slow.native_interval_s = Some(900);
        assert_eq!(said(&slow, Interval::M5).interval_s, Some(900), "coarser than its bins");
    }

    #[test]
    fn what_is_recorded_on_change_is_recorded_every_nothing() {
        let at = [0, 60_000, 120_000];
        let mut point = column("T", Kind::Instantaneous);
        assert_eq!(Recording::new(&at).every_ms(&point, &[1.0, f64::NAN, 1.0]), Some(120_000.0));
        point.trend_definition = Some("COV".to_owned());
        assert_eq!(Recording::new(&at).every_ms(&point, &[1.0, 1.0, 1.0]), None);
        point.native_interval_s = Some(900);
        assert_eq!(Recording::new(&at).every_ms(&point, &[1.0, 1.0, 1.0]), Some(900_000.0));
    }

    proptest! {
        /// Parts of the bins are the same as all of them, whatever the kind of point.
        #[test]
        fn parts_are_the_whole(
            mut minutes in prop::collection::vec(28_400_000..28_403_000_i64, 2..60),
            cells in prop::collection::vec(prop::option::weighted(0.8, -1e3..1e3_f64), 60),
            which in 0..7_usize,
            cut in 0..100_usize,
        ) {
            minutes.sort_unstable();
            minutes.dedup();
            let at: Vec<i64> = minutes.iter().map(|m| m * 60_000).collect();
            let mut on_change = column("C", Kind::Instantaneous);
            on_change.trend_definition = Some("COV".to_owned());
            let metas: Vec<ColumnMeta> = metas().into_iter().chain([on_change]).collect();
            let cells = &cells[..at.len()];
            let numbers: Vec<(&str, Vec<Option<f64>>)> =
                ["T", "KWH", "USE", "S", "C"].into_iter().map(|name| (name, cells.to_vec())).collect();
            let texts = cells.iter().map(|cell| cell.map(|cell| if cell > 0.0 { "A" } else { "B" })).collect();
            let frame = frame(&at, &numbers, texts);
            let axis = BinnedAxis::new(&at, Interval::ALL[which], Tz::America__New_York);
            let bins = axis.starts_ms().len();
            let whole = axis.resample(frame.clone(), &metas, 0..bins, 0).unwrap();
            prop_assert_eq!(whole.height(), bins);
            prop_assert!(bins <= at.len());
            let middle = cut * bins / 100;
            for part in [0..middle, middle..bins] {
                let rows = axis.rows(part.clone());
                let before = rows.start.min(1);
                let read = frame.slice((rows.start - before) as i64, rows.end - rows.start + before);
                let some = axis.resample(read, &metas, part.clone(), before).unwrap();
                prop_assert!(some.equals_missing(&whole.slice(part.start as i64, part.len())), "{some} {whole}");
            }
        }
    }
}

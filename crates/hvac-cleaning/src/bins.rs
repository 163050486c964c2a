//! The bins of a resampling: left-closed, labelled by their left edge, on the site's local clock.
//!
//! A bin's edge is a multiple of its width since local midnight, as a clock on the wall shows it. So a day
//! bin is 23 or 25 hours long when the clock changes, an hour that exists twice is two bins, and an hour that
//! does not exist is none.

use std::ops::Range;

use chrono::{DateTime, LocalResult, NaiveDateTime, TimeDelta, TimeZone, Timelike};
use chrono_tz::Tz;

use super::parameters::Interval;
use super::{CleanError, internal};

/// The bins from the first to the last row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bins {
    /// Left edges, UTC ms, ascending.
    pub(crate) starts_ms: Vec<i64>,
    /// First instant after the last bin, UTC ms.
    pub(crate) end_ms: i64,
    /// Rows of each bin.
    pub(crate) rows: Vec<Range<usize>>,
}

impl Bins {
    /// The bins of an ascending axis (UTC ms); with `keep_empty` also those without a row between the first and the last.
    #[must_use]
    pub(crate) fn new(at_ms: &[i64], interval: Interval, zone: Tz, keep_empty: bool) -> Self {
        let mut bins = Self { starts_ms: Vec::new(), end_ms: 0, rows: Vec::new() };
        let mut row = 0;
        while let Some(&at) = at_ms.get(row) {
            // A bin mostly begins where the one before it ends.
            let start = if at == bins.end_ms && row > 0 { at } else { edge(at, interval, zone) };
            if keep_empty {
                while bins.end_ms < start && !bins.starts_ms.is_empty() {
                    let empty = bins.end_ms;
                    bins.push(empty, next_edge(empty, interval, zone), row..row);
                }
            }
            let end = next_edge(start, interval, zone);
            let last = row + at_ms.iter().skip(row).take_while(|at| **at < end).count();
            bins.push(start, end, row..last);
            row = last;
        }
        bins
    }

    /// The cells of each bin, of a column with a cell a row.
    ///
    /// # Errors
    /// `internal` when the column is too short.
    pub(crate) fn cut<'a, T>(&self, cells: &'a [T]) -> Result<Vec<&'a [T]>, CleanError> {
        let bins: Option<Vec<&[T]>> = self.rows.iter().map(|rows| cells.get(rows.clone())).collect();
        bins.ok_or_else(|| internal("a column has fewer cells than the axis has rows"))
    }

    fn push(&mut self, start: i64, end: i64, rows: Range<usize>) {
        self.starts_ms.push(start);
        self.end_ms = end;
        self.rows.push(rows);
    }

    /// Each bin's edges in UTC ms, its end being the next one's start only where bins touch, and its rows.
    pub(crate) fn each(&self, interval: Interval, zone: Tz) -> impl Iterator<Item = (i64, i64, &Range<usize>)> {
        let ends = self.starts_ms.iter().skip(1).copied().chain([self.end_ms]);
        self.starts_ms.iter().zip(ends).zip(&self.rows).map(move |((start, next), rows)| {
            // Bins that were left out make a hole, behind which the next one starts.
            let longest = interval.ms() + 2 * 3_600_000;
            let end = if next - start > longest { next_edge(*start, interval, zone) } else { next };
            (*start, end, rows)
        })
    }
}

fn local(at_ms: i64, zone: Tz) -> Option<NaiveDateTime> {
    Some(DateTime::from_timestamp_millis(at_ms)?.with_timezone(&zone).naive_local())
}

/// The left edge, UTC ms, of the bin that holds the instant `at_ms`.
#[must_use]
pub(crate) fn edge(at_ms: i64, interval: Interval, zone: Tz) -> i64 {
    let Some(clock) = local(at_ms, zone) else { return at_ms };
    let minute = clock.hour() * 60 + clock.minute();
    let floor = minute - minute % interval.minutes();
    let Some(mut label) = clock.date().and_hms_opt(floor / 60, floor % 60, 0) else { return at_ms };
    // What shows a label is its instant; of two that show midnight, the first is.
    if label == clock && interval != Interval::D1 {
        return at_ms;
    }
    // A label that the clock skipped becomes the first instant after the gap; no gap is longer than a day.
    for _ in 0..=1440 {
        match zone.from_local_datetime(&label) {
            LocalResult::Single(start) => return start.timestamp_millis().min(at_ms),
            // Of two instants with the same label, the later one that is not after `at_ms`. A day starts at the first.
            LocalResult::Ambiguous(first, second) => {
                let (first, second) = (first.timestamp_millis(), second.timestamp_millis());
                return if second <= at_ms && interval != Interval::D1 { second } else { first.min(at_ms) };
            }
            LocalResult::None => label += TimeDelta::minutes(1),
        }
    }
    at_ms
}

/// The left edge of the bin after the one that starts at `start_ms`.
#[must_use]
pub(crate) fn next_edge(start_ms: i64, interval: Interval, zone: Tz) -> i64 {
    let mut probe = start_ms + interval.ms();
    // A day of 25 hours: its 24th hour is still the same bin.
    loop {
        let next = edge(probe, interval, zone);
        if next > start_ms {
            return next;
        }
        probe += 3_600_000;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use proptest::prelude::*;

    use super::*;

    fn utc(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
    }

    fn starts(from: &str, until: &str, interval: Interval, zone: Tz) -> Vec<String> {
        let bins = Bins::new(&[utc(from), utc(until)], interval, zone, true);
        let iso = |at: &i64| DateTime::from_timestamp_millis(*at).unwrap().with_timezone(&zone).to_rfc3339();
        bins.starts_ms.iter().map(iso).collect()
    }

    #[test]
    fn quarter_hours_are_left_closed_and_labelled_by_their_left_edge() {
        let minutes = [0, 5, 14, 15, 29, 60].map(|m| m * 60_000);
        let bins = Bins::new(&minutes, Interval::M15, Tz::UTC, true);
        assert_eq!(bins.starts_ms, [0, 15, 30, 45, 60].map(|m| m * 60_000));
        assert_eq!(bins.rows, [0..3, 3..5, 5..5, 5..5, 5..6]);
        let bins = Bins::new(&minutes, Interval::M15, Tz::UTC, false);
        assert_eq!((bins.starts_ms.len(), bins.rows), (3, vec![0..3, 3..5, 5..6]));
    }

    /// Kathmandu is 5:45 ahead: its local quarter-hours are UTC's, its local hours and days are not.
    #[test]
    fn edges_are_those_of_the_local_clock() {
        let zone = Tz::Asia__Kathmandu;
        let at = utc("2024-01-01T10:50:00+05:45");
        assert_eq!(edge(at, Interval::H1, zone), utc("2024-01-01T10:00:00+05:45"));
        assert_eq!(edge(at, Interval::D1, zone), utc("2024-01-01T00:00:00+05:45"));
        assert_eq!(next_edge(edge(at, Interval::D1, zone), Interval::D1, zone), utc("2024-01-02T00:00:00+05:45"));
    }

    /// New York 2024: 10 March has 23 hours (no 02:00), 3 November 25 (01:00 twice).
    #[test]
    fn days_of_23_and_25_hours() {
        let zone = Tz::America__New_York;
        for (day, next, hours) in [
            ("2024-03-10T00:00:00-05:00", "2024-03-11T00:00:00-04:00", 23),
            ("2024-11-03T00:00:00-04:00", "2024-11-04T00:00:00-05:00", 25),
        ] {
            assert_eq!(next_edge(utc(day), Interval::D1, zone), utc(next));
            assert_eq!(utc(next) - utc(day), hours * 3_600_000);
            let all = starts(day, next, Interval::H1, zone);
            assert_eq!(all.len() as i64, hours + 1, "{all:?}");
        }
        let spring = starts("2024-03-10T01:30:00-05:00", "2024-03-10T03:10:00-04:00", Interval::H1, zone);
        assert_eq!(spring, ["2024-03-10T01:00:00-05:00", "2024-03-10T03:00:00-04:00"]);
        let autumn = starts("2024-11-03T00:30:00-04:00", "2024-11-03T02:10:00-05:00", Interval::H1, zone);
        assert_eq!(
            autumn,
            [
                "2024-11-03T00:00:00-04:00",
                "2024-11-03T01:00:00-04:00",
                "2024-11-03T01:00:00-05:00",
                "2024-11-03T02:00:00-05:00"
            ]
        );
    }

    /// São Paulo 2018-11-04 starts at 01:00; Lord Howe moves by half an hour.
    #[test]
    fn odd_changes_of_the_clock() {
        let zone = Tz::America__Sao_Paulo;
        assert_eq!(edge(utc("2018-11-04T12:00:00-02:00"), Interval::D1, zone), utc("2018-11-04T01:00:00-02:00"));
        assert_eq!(next_edge(utc("2018-11-03T00:00:00-03:00"), Interval::D1, zone), utc("2018-11-04T01:00:00-02:00"));
        let zone = Tz::Australia__Lord_Howe;
        let hours = starts("2024-10-06T01:10:00+10:30", "2024-10-06T03:10:00+11:00", Interval::H1, zone);
        assert_eq!(hours, ["2024-10-06T01:00:00+10:30", "2024-10-06T02:30:00+11:00", "2024-10-06T03:00:00+11:00"]);
    }

    proptest! {
        #[test]
        fn every_row_lies_in_its_bin_and_bins_do_not_overlap(
            mut minutes in prop::collection::vec(28_000_000..28_900_000_i64, 1..60),
            which in 0..7_usize,
            zone in prop::sample::select(vec![Tz::UTC, Tz::Asia__Taipei, Tz::America__New_York, Tz::Australia__Lord_Howe, Tz::America__Sao_Paulo]),
            keep in any::<bool>(),
        ) {
            minutes.sort_unstable();
            minutes.dedup();
            if keep { minutes.retain(|m| m - 28_000_000 < 3_000); }
            let at: Vec<i64> = minutes.iter().map(|m| m * 60_000).collect();
            let interval = Interval::ALL[which];
            let bins = Bins::new(&at, interval, zone, keep);
            prop_assert_eq!(bins.rows.iter().map(|r| r.len()).sum::<usize>(), at.len());
            let mut last_end = i64::MIN;
            for (start, end, rows) in bins.each(interval, zone) {
                prop_assert!(start >= last_end && end > start);
                prop_assert!(at[rows.clone()].iter().all(|at| (start..end).contains(at)));
                prop_assert_eq!(edge(start, interval, zone), start);
                if keep && last_end != i64::MIN { prop_assert_eq!(start, last_end); }
                last_end = end;
            }
        }
    }
}

//! Readings of different clocks side by side: the one place where a row's value of each column is decided.
//!
//! A session is joined on the union of its files' times, so between two rows of the target there may lie rows of a
//! weather logger that hold nothing of it. A model is made of, and judged on, rows that have a target; `interval_ms`
//! is what lies between *those*. What else there is in the file changes nothing.
//!
//! A column that has a value in three of five of the target's rows, between its first and its last, keeps the target's
//! clock: its cells are taken as they are, and one that was lost stays lost. Any other has a clock of its own: each of
//! its readings stands for one of its own intervals, from a tenth of it before its time (clocks differ by seconds) to
//! nine tenths after, and for three hours at most. That is the latest reading as of the row, never one to come; a
//! reading that was lost leaves its interval empty. Its own interval is the tenth percentile of its steps: losses make
//! steps longer, never shorter. Whoever wants means instead of readings trains with an `interval`: then cleaning's rules
//! have put all columns into the same bins before.

use std::borrow::Cow;

use super::samples::{SampleColumn, Samples, take, usual_step};

/// Longest that a reading stands for: what was an hour ago says little, what was yesterday nothing.
const HELD_AT_MOST_MS: i64 = 3 * 3_600_000;
/// A reading stands for its interval from one part in so many before its time.
const EARLY: i64 = 10;

/// Samples whose columns can be read row by row beside the target.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Aligned<'s> {
    /// All rows, also those without a target; `interval_ms` is the target's.
    pub(crate) samples: Cow<'s, Samples>,
    /// Columns with a clock of their own.
    pub(crate) held: Vec<HeldColumn>,
}

/// A column whose readings were taken for the target's rows near them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeldColumn {
    /// Its name.
    pub(crate) name: String,
    /// Its own interval.
    pub(crate) interval_ms: i64,
    /// Rows of the target that have a reading of it now.
    pub(crate) rows: usize,
    /// Rows of the target.
    pub(crate) of_rows: usize,
}

/// Puts every column beside the target; as they are when that is not there or has fewer than two values.
#[must_use]
pub(crate) fn beside_target<'s>(samples: &'s Samples, target: &str) -> Aligned<'s> {
    let own = target_rows(samples, target);
    let times: Vec<i64> = own.iter().filter_map(|row| samples.times_ms.get(*row)).copied().collect();
    let mut aligned = Aligned { samples: Cow::Borrowed(samples), held: Vec::new() };
    if times.len() < 2 {
        return aligned;
    }
    let interval_ms = usual_step(&times);
    if interval_ms != samples.interval_ms {
        aligned.samples.to_mut().interval_ms = interval_ms;
    }
    for (index, column) in samples.columns.iter().enumerate().filter(|(_, column)| column.name != target) {
        let Some((values, held)) = held(column, samples, &own, false) else { continue };
        if let Some(own) = aligned.samples.to_mut().columns.get_mut(index) {
            own.values = values;
        }
        aligned.held.push(held);
    }
    aligned
}

/// The rows that have a target, and nothing else, with each reading of a column with another clock in one row alone:
/// what leaks are judged by, for a reading that is repeated is no second one.
#[must_use]
pub(crate) fn once_beside_target<'s>(samples: &'s Samples, target: &str) -> Cow<'s, Samples> {
    let own = target_rows(samples, target);
    let foreign = |column: &SampleColumn| if column.name == target { None } else { held(column, samples, &own, true) };
    let columns: Vec<Option<Vec<f64>>> = samples.columns.iter().map(|column| Some(foreign(column)?.0)).collect();
    if own.len() == samples.times_ms.len() && columns.iter().all(Option::is_none) {
        return Cow::Borrowed(samples);
    }
    let of = |(column, placed): (&SampleColumn, &Option<Vec<f64>>)| SampleColumn {
        name: column.name.clone(),
        unit: column.unit.clone(),
        values: take(placed.as_ref().unwrap_or(&column.values), &own),
    };
    Cow::Owned(Samples {
        times_ms: own.iter().filter_map(|row| samples.times_ms.get(*row)).copied().collect(),
        columns: samples.columns.iter().zip(&columns).map(of).collect(),
        ..*samples
    })
}

fn target_rows(samples: &Samples, target: &str) -> Vec<usize> {
    let values = samples.column(target).map_or(&[][..], |column| column.values.as_slice());
    values.iter().enumerate().filter(|(_, value)| value.is_finite()).map(|(row, _)| row).collect()
}

/// The column's cells with its readings held for the target's rows, or, `once`, moved to the first that they stand for;
/// none where it keeps the target's clock, or has fewer than two readings.
fn held(column: &SampleColumn, samples: &Samples, own: &[usize], once: bool) -> Option<(Vec<f64>, HeldColumn)> {
    let has = |row: usize| column.values.get(row).is_some_and(|value| value.is_finite());
    let readings: Vec<usize> = (0..column.values.len()).filter(|row| has(*row)).collect();
    let (first, last) = (*readings.first()?, *readings.last()?);
    let within = own.iter().filter(|row| (first..=last).contains(*row));
    let (of_rows, there) =
        within.fold((0_usize, 0_usize), |(all, there), row| (all + 1, there + usize::from(has(*row))));
    if there * 5 >= of_rows * 3 && there > 0 {
        return None;
    }
    let at = |row: &usize| samples.times_ms.get(*row).copied();
    let times: Vec<i64> = readings.iter().filter_map(at).collect();
    let interval_ms = own_interval(&times)?.min(HELD_AT_MOST_MS);
    let early = interval_ms / EARLY;
    let mut values = column.values.clone();
    let (mut next, mut placed, mut rows) = (0_usize, None, 0_usize);
    for row in own {
        let Some(time) = at(row) else { continue };
        while times.get(next).is_some_and(|reading| *reading <= time.saturating_add(early)) {
            next += 1;
        }
        let Some(latest) = next.checked_sub(1) else { continue };
        let Some((reading_ms, reading)) = times.get(latest).copied().zip(readings.get(latest).copied()) else {
            continue;
        };
        if !has(*row) && (time - reading_ms >= interval_ms - early || once && placed == Some(latest)) {
            continue;
        }
        rows += 1;
        placed = Some(latest);
        if !has(*row) {
            let value = column.values.get(reading).copied().unwrap_or(f64::NAN);
            values.iter_mut().skip(*row).take(1).for_each(|cell| *cell = value);
        }
    }
    Some((values, HeldColumn { name: column.name.clone(), interval_ms, rows, of_rows: own.len() }))
}

/// What lies between a column's readings where none was lost; none of fewer than two.
fn own_interval(times_ms: &[i64]) -> Option<i64> {
    let mut steps: Vec<i64> = times_ms.iter().zip(times_ms.iter().skip(1)).map(|(a, b)| b - a).collect();
    let tenth = steps.len().checked_sub(1)? / 10;
    Some(*steps.select_nth_unstable(tenth).1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

    use proptest::prelude::*;

    use super::*;

    const MINUTE: i64 = 60_000;
    const NAN: f64 = f64::NAN;

    /// Rows of both columns, each by its own times in minutes; the value of `X` is the minute of its reading.
    fn joined(target: &[i64], other: &[i64]) -> Samples {
        let mut minutes: Vec<i64> = target.iter().chain(other).copied().collect();
        minutes.sort_unstable();
        minutes.dedup();
        let of = |own: &[i64]| minutes.iter().map(|m| if own.contains(m) { *m as f64 } else { NAN }).collect();
        let column = |name: &str, values| SampleColumn { name: name.to_owned(), unit: None, values };
        let columns = vec![column("Y", of(target)), column("X", of(other))];
        let times_ms = minutes.iter().map(|m| m * MINUTE).collect();
        Samples { times_ms, zone: chrono_tz::Tz::UTC, interval_ms: 0, columns }
    }

    fn beside(target: &[i64], other: &[i64]) -> (i64, Vec<Option<f64>>, Option<HeldColumn>) {
        let samples = joined(target, other);
        let aligned = beside_target(&samples, "Y");
        let rows = aligned.samples.rows(&target_rows(&samples, "Y"));
        let values = rows.columns[1].values.iter().map(|value| value.is_finite().then_some(*value)).collect();
        (aligned.samples.interval_ms / MINUTE, values, aligned.held.into_iter().next())
    }

    fn some(values: &[i64]) -> Vec<Option<f64>> {
        values.iter().map(|value| (*value >= 0).then_some(*value as f64)).collect()
    }

    #[test]
    fn a_logger_with_its_own_clock_is_read_as_of_the_row() {
        // every hundred minutes, thirty before the target's; the reading of minute 170 was lost
        let (interval, values, held) = beside(&[0, 100, 200, 300, 400, 500], &[-30, 70, 270, 370, 470]);
        assert_eq!(
            (interval, values),
            (
                100,
                some(&[-1, 70, -1, 270, 370, 470])
                    .into_iter()
                    .enumerate()
                    .map(|(i, v)| if i == 0 { Some(-30.0) } else { v })
                    .collect()
            )
        );
        let held = held.unwrap();
        assert_eq!((held.interval_ms / MINUTE, held.rows, held.of_rows), (100, 5, 6));
        // some minutes late is the same reading; nearly a whole interval early is the one before
        assert_eq!(beside(&[0, 100, 200, 300], &[5, 105, 205, 305]).1, some(&[5, 105, 205, 305]));
        assert_eq!(beside(&[0, 100, 200, 300], &[15, 115, 215, 315]).1, some(&[-1, 15, 115, 215]));
    }

    #[test]
    fn a_slower_reading_stands_for_its_own_interval_and_three_hours_at_most() {
        let target: Vec<i64> = (0..12).map(|row| row * 10).collect();
        let (_, values, held) = beside(&target, &[0, 30, 60, 90]);
        assert_eq!(values, some(&[0, 0, 0, 30, 30, 30, 60, 60, 60, 90, 90, 90]));
        assert_eq!(held.unwrap().interval_ms, 30 * MINUTE);
        let target: Vec<i64> = (0..9).map(|row| row * 60).collect();
        assert_eq!(beside(&target, &[0, 480]).1, some(&[0, 0, 0, -1, -1, -1, -1, -1, 480]));
    }

    #[test]
    fn what_was_lost_on_the_target_s_own_clock_stays_lost() {
        let target: Vec<i64> = (0..8).map(|row| row * 10).collect();
        let (interval, values, held) = beside(&target, &[0, 10, 30, 40, 70]);
        assert_eq!((interval, values, held), (10, some(&[0, 10, -1, 30, 40, -1, -1, 70]), None));
        // more than half lost: nothing is made up either
        assert_eq!(beside(&target, &[0, 10, 50, 70]).1, some(&[0, 10, -1, -1, -1, 50, -1, 70]));
        let samples = joined(&target, &[0]);
        assert!(matches!(beside_target(&samples, "Y").samples, Cow::Owned(_)), "of an interval of its own");
        assert!(matches!(beside_target(&samples, "Z").samples, Cow::Borrowed(_)));
    }

    #[test]
    fn a_leak_is_judged_by_each_reading_once() {
        let target: Vec<i64> = (0..6).map(|row| row * 10).collect();
        let samples = joined(&target, &[0, 30, 45]);
        let once = once_beside_target(&samples, "Y");
        assert_eq!(once.times_ms.len(), 6);
        let values: Vec<Option<f64>> = once.columns[1].values.iter().map(|v| v.is_finite().then_some(*v)).collect();
        assert_eq!(values, some(&[0, -1, -1, 30, -1, 45]));
    }

    proptest! {
        /// Rows without a target and without a reading change nothing beside the target.
        #[test]
        fn empty_rows_change_nothing(
            other in prop::collection::btree_set(-50i64..400, 0..40),
            empty in prop::collection::btree_set(-50i64..400, 0..60),
        ) {
            let target: Vec<i64> = (0..30).map(|row| row * 10).collect();
            let other: Vec<i64> = other.into_iter().collect();
            let plain = joined(&target, &other);
            let mut padded = plain.clone();
            for minute in empty {
                if let Err(place) = padded.times_ms.binary_search(&(minute * MINUTE)) {
                    padded.times_ms.insert(place, minute * MINUTE);
                    padded.columns.iter_mut().for_each(|column| column.values.insert(place, NAN));
                }
            }
            let bits = |samples: &Samples| {
                let aligned = beside_target(samples, "Y");
                let rows = aligned.samples.rows(&target_rows(samples, "Y"));
                let values = rows.columns[1].values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
                (aligned.samples.interval_ms, values, aligned.held)
            };
            prop_assert_eq!(bits(&plain), bits(&padded));
        }
    }
}

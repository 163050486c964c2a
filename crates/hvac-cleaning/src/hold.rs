//! How long a record says what a machine does.
//!
//! A state that is recorded at an interval says nothing after [`GAP_FACTOR`] intervals without another. One that is
//! recorded on change – its trend says so, or nine of ten of its records differ from the one before – holds until the
//! next record, for months if need be. Across a loss (`No Data`, a recorder's fault) nothing is known. A frame's null
//! does not say whether its point lost a value or has no row there; the column's counts by reason do, unless it has
//! both, and then no null is trusted for longer than an interval.

use super::sampling::{GAP_FACTOR, on_change, seconds};
use hvac_frame::column::{ColumnMeta, NullReason};

/// How long a value counts after its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hold {
    /// Longest time, ms.
    pub(crate) longest_ms: i64,
    /// A row without a value ends it.
    pub(crate) ends_with_null: bool,
}

/// Share of records that differ from the one before, from which on a point is recorded on change.
const CHANGES: f64 = 0.9;

/// Steps after which a point that mostly repeats is known to be sampled.
const ENOUGH: u32 = 64;

impl Hold {
    /// Of a column with these values; `interval_ms` is its own.
    #[must_use]
    pub(crate) fn of(column: &ColumnMeta, values: &[f64], interval_ms: Option<f64>) -> Self {
        let no_row = |reason: &NullReason| matches!(reason, NullReason::NotCovered | NullReason::NoSample);
        let lost = column.nulls.iter().any(|(reason, count)| !no_row(reason) && *count > 0);
        let apart = column.nulls.iter().any(|(reason, count)| no_row(reason) && *count > 0);
        let resampled = column.cleaned.as_ref().is_some_and(|cleaned| cleaned.aggregate.is_some());
        let lasts = !resampled && (on_change(column) || always_changes(values)) && !(lost && apart);
        let interval = || interval_ms.map_or(0, |interval| i64::from(seconds(GAP_FACTOR * interval)) * 1000);
        Self { longest_ms: if lasts { i64::MAX } else { interval() }, ends_with_null: lost && !apart }
    }
}

/// Whether nearly every record differs from the one before.
fn always_changes(values: &[f64]) -> bool {
    let (mut last, mut steps, mut changes) = (f64::NAN, 0_u32, 0_u32);
    for value in values.iter().filter(|value| !value.is_nan()) {
        if !last.is_nan() {
            (steps, changes) = (steps + 1, changes + u32::from(*value != last));
            if steps >= ENOUGH && changes * 2 < steps {
                return false;
            }
        }
        last = *value;
    }
    steps >= 3 && f64::from(changes) >= CHANGES * f64::from(steps)
}

#[cfg(test)]
mod tests {
    use super::super::tests::column;
    use super::*;
    use hvac_frame::column::Kind;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn what_is_recorded_on_change_lasts_until_the_next_record() {
        let mut status = column("CH_1_S", Kind::Status);
        let sampled = [1.0, 1.0, 1.0, 0.0, 0.0, 1.0];
        let hold = |status: &ColumnMeta, values: &[f64]| Hold::of(status, values, Some(HOUR as f64));
        assert_eq!(hold(&status, &sampled), Hold { longest_ms: HOUR * 3 / 2, ends_with_null: false });
        assert_eq!(hold(&status, &[1.0, 0.0, 1.0, 0.0]).longest_ms, i64::MAX, "only its changes are recorded");
        status.trend_definition = Some("COV".to_owned());
        assert_eq!(hold(&status, &sampled).longest_ms, i64::MAX);
        status.nulls.insert(NullReason::DataLoss, 2);
        assert_eq!(hold(&status, &sampled), Hold { longest_ms: i64::MAX, ends_with_null: true });
        // Other points' rows and losses cannot be told apart: no null is trusted for long.
        status.nulls.insert(NullReason::NotCovered, 9);
        assert_eq!(hold(&status, &sampled), Hold { longest_ms: HOUR * 3 / 2, ends_with_null: false });
        status.nulls.remove(&NullReason::DataLoss);
        assert_eq!(hold(&status, &sampled), Hold { longest_ms: i64::MAX, ends_with_null: false });
    }
}

//! Data quality of a frame.

use rayon::prelude::*;

use super::opened::Frame;
use super::resolved::Resolved;
use super::version::settled;
use super::{Answer, ColumnQuality, DatasetSelector, FrozenRun, Gap, Quality, answer, clock};
use crate::error::Result;
use crate::state::AppState;
use hvac_frame::column::{ColumnMeta, Kind};

/// Null reasons, gaps and frozen runs.
///
/// # Errors
/// As [`super::version::resolve`].
#[tracing::instrument(level = "debug", skip_all)]
pub async fn quality(state: &AppState, selector: &DatasetSelector) -> Result<Answer<Quality>> {
    let dataset = settled(state, selector).await?;
    answer::computed(state, dataset, "quality", |frame, dataset| {
        let at_ms = frame.axis(0..frame.row_count)?;
        let step_ms = median_step_ms(&at_ms);
        let iso = |at| clock::iso(dataset.zone, at);
        let gap =
            |(after, before)| Gap { after: iso(after), before: iso(before), seconds: (before - after) as f64 / 1000.0 };
        let found = || step_ms.into_iter().flat_map(|step| gaps(&at_ms, step));
        let columns = dataset.columns.par_iter().map(|meta| of_column(frame, dataset, meta, &at_ms, step_ms));
        answer::json(&Quality {
            dataset: dataset.label.clone(),
            total_rows: dataset.row_count,
            interval_s: step_ms.map(|ms| ms / 1000.0),
            gaps: found().take(MAX_GAPS).map(gap).collect(),
            gap_count: found().count() as u64,
            columns: columns.collect::<Result<_>>()?,
        })
    })
    .await
}

fn of_column(
    frame: &Frame,
    dataset: &Resolved,
    meta: &ColumnMeta,
    at_ms: &[i64],
    step_ms: Option<f64>,
) -> Result<ColumnQuality> {
    let (present, longest, runs) = match meta.kind {
        Kind::Text => {
            let texts = frame.texts(&meta.name)?;
            (texts.iter().flatten().count(), longest_null_run(texts.iter().map(|text| text.is_some())), Vec::new())
        }
        kind => {
            let values = frame.numbers(&meta.name)?;
            let runs = match step_ms {
                Some(step) if kind == Kind::Instantaneous => {
                    frozen_runs(at_ms, &values, step, meta.native_interval_s.map(|s| f64::from(s) * 1000.0))
                }
                _ => Vec::new(),
            };
            (values.iter().flatten().count(), longest_null_run(values.iter().map(Option::is_some)), runs)
        }
    };
    let iso = |at| clock::iso(dataset.zone, at);
    let run =
        |run: Run| FrozenRun { start_at: iso(run.start_ms), end_at: iso(run.end_ms), value: run.value, rows: run.rows };
    Ok(ColumnQuality {
        column: meta.name.clone(),
        completeness: if at_ms.is_empty() { 0.0 } else { 100.0 * present as f64 / at_ms.len() as f64 },
        nulls: meta.nulls.clone(),
        longest_null_run: longest,
        frozen_runs: runs.into_iter().map(run).collect(),
    })
}

/// A step this many times the median is a gap.
const GAP_FACTOR: f64 = 1.5;
/// Native samples of one value that make a run frozen (HVAC.md §4).
const FROZEN_SAMPLES: f64 = 6.0;
/// Most gaps that are listed.
const MAX_GAPS: usize = 100;
/// Most runs that are listed of one column.
const MAX_RUNS: usize = 10;

/// Median step of an ascending axis, ms.
pub(super) fn median_step_ms(at_ms: &[i64]) -> Option<f64> {
    let mut steps: Vec<i64> = at_ms.iter().zip(at_ms.iter().skip(1)).map(|(a, b)| b - a).collect();
    let middle = steps.len().checked_sub(1)? / 2;
    let odd = steps.len() % 2 == 1;
    let (_, low, above) = steps.select_nth_unstable(middle);
    let low = *low as f64;
    match above.iter().min() {
        Some(high) if !odd => Some(f64::midpoint(low, *high as f64)),
        _ => Some(low),
    }
}

/// Neighbours of an ascending axis that are further apart than 1.5 times `step_ms`.
fn gaps(at_ms: &[i64], step_ms: f64) -> impl Iterator<Item = (i64, i64)> {
    let neighbours = at_ms.iter().zip(at_ms.iter().skip(1));
    neighbours.map(|(a, b)| (*a, *b)).filter(move |(a, b)| (b - a) as f64 > GAP_FACTOR * step_ms)
}

/// Rows of the longest run without a value.
fn longest_null_run(present: impl Iterator<Item = bool>) -> u64 {
    let (mut longest, mut current) = (0, 0);
    for present in present {
        current = if present { 0 } else { current + 1 };
        longest = longest.max(current);
    }
    longest
}

/// A run of one value: its first and last row with it, the value, and its rows (rows without a value not counted).
#[derive(Debug, Clone, Copy, PartialEq)]
struct Run {
    start_ms: i64,
    end_ms: i64,
    value: f64,
    rows: u64,
}

/// The longest runs of one value, longest first: those of at least 6 native samples.
///
/// `step_ms` is the axis' interval, `native_ms` the point's own as its report says it, and what its values show
/// counts too (points on several clocks make an axis finer than any of them); six samples lie five times the
/// longest apart. A point recorded every 15 minutes in a 5-minute frame repeats three times, or leaves two rows of three
/// empty: neither is frozen by itself, and neither breaks a run. What breaks one is another value, or more
/// than 1.5 times that interval between two values.
fn frozen_runs(at_ms: &[i64], values: &[Option<f64>], step_ms: f64, native_ms: Option<f64>) -> Vec<Run> {
    let own_at: Vec<i64> = at_ms.iter().zip(values).filter(|(_, value)| value.is_some()).map(|(at, _)| *at).collect();
    let own_ms = median_step_ms(&own_at).unwrap_or(0.0);
    let interval = native_ms.unwrap_or(0.0).max(own_ms).max(step_ms);
    let mut runs: Vec<Run> = Vec::new();
    let mut current: Option<Run> = None;
    let frozen = |run: &Run| (run.end_ms - run.start_ms) as f64 >= (FROZEN_SAMPLES - 1.0) * interval;
    for (at, value) in at_ms.iter().zip(values).filter_map(|(at, value)| Some((*at, (*value)?))) {
        match &mut current {
            Some(run) if run.value == value && (at - run.end_ms) as f64 <= GAP_FACTOR * interval => {
                run.end_ms = at;
                run.rows += 1;
            }
            _ => runs.extend(current.replace(Run { start_ms: at, end_ms: at, value, rows: 1 }).filter(frozen)),
        }
    }
    runs.extend(current.filter(frozen));
    runs.sort_by_key(|run| (std::cmp::Reverse(run.end_ms - run.start_ms), run.start_ms));
    runs.truncate(MAX_RUNS);
    runs
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const MINUTE: i64 = 60_000;

    fn axis(step_minutes: i64, rows: i64) -> Vec<i64> {
        (0..rows).map(|i| i * step_minutes * MINUTE).collect()
    }

    #[test]
    fn gaps_are_steps_beyond_one_and_a_half_medians() {
        let at = [0, 5, 10, 17, 25, 30].map(|m| m * MINUTE);
        let step = median_step_ms(&at).unwrap(); // steps 5 5 7 8 5
        assert_eq!(step, 5.0 * MINUTE as f64);
        assert_eq!(gaps(&at, step).collect::<Vec<_>>(), [(17 * MINUTE, 25 * MINUTE)]);
        assert_eq!(median_step_ms(&[0, 4, 10]), Some(5.0));
        assert_eq!((median_step_ms(&[7]), median_step_ms(&[])), (None, None));
    }

    #[test]
    fn null_runs_are_counted_in_rows() {
        assert_eq!(longest_null_run([true, false, false, true, false].into_iter()), 2);
        assert_eq!(longest_null_run([true].into_iter()), 0);
    }

    #[test]
    fn six_equal_samples_are_frozen_and_five_are_not() {
        let at = axis(15, 12);
        let values = [1., 1., 1., 1., 1., 2., 3., 3., 3., 3., 3., 3.].map(Some);
        let runs = frozen_runs(&at, &values, 15.0 * MINUTE as f64, None);
        assert_eq!(runs, [Run { start_ms: 90 * MINUTE, end_ms: 165 * MINUTE, value: 3.0, rows: 6 }]);
    }

    /// Five 15-minute samples, each repeated three times in a 5-minute frame, then six of another value.
    #[test]
    fn a_slow_point_in_a_fast_frame_repeats_without_being_frozen() {
        let values: Vec<_> = (0..33).map(|row| Some(if row < 15 { 20.5 } else { 21.0 })).collect();
        let (at, step) = (axis(5, 33), 5.0 * MINUTE as f64);
        let runs = frozen_runs(&at, &values, step, Some(15.0 * MINUTE as f64));
        assert_eq!(runs.iter().map(|r| (r.value, r.rows)).collect::<Vec<_>>(), [(21.0, 18)]);
        assert_eq!(frozen_runs(&at, &values, step, None).len(), 2, "by the axis alone both would be");
    }

    /// Two loggers, each every 10 minutes, the second 5 minutes later: together a 5-minute axis.
    #[test]
    fn a_point_on_a_clock_of_its_own_is_judged_by_it() {
        let values: Vec<_> =
            (0..24).map(|row| (row % 2 == 0).then_some(if row < 12 { 75.6 } else { f64::from(row) })).collect();
        let runs = frozen_runs(&axis(5, 24), &values, 5.0 * MINUTE as f64, None);
        assert_eq!(runs, [Run { start_ms: 0, end_ms: 50 * MINUTE, value: 75.6, rows: 6 }]);
    }

    #[test]
    fn empty_rows_between_slow_samples_do_not_break_a_run_and_outages_do() {
        let (at, step, native) = (axis(5, 36), 5.0 * MINUTE as f64, Some(15.0 * MINUTE as f64));
        let mut values: Vec<_> = (0..36).map(|row| (row % 3 == 0).then_some(7.0)).collect();
        // 12 samples, 0 to 165 minutes
        assert_eq!(frozen_runs(at.get(..16).unwrap(), &values, step, native).len(), 1, "six samples");
        assert_eq!(frozen_runs(at.get(..15).unwrap(), &values, step, native).len(), 0, "five samples");
        assert_eq!(frozen_runs(&at, &values, step, native).first().map(|r| r.rows), Some(12));
        for row in values.iter_mut().skip(15).take(9) {
            *row = None; // 12 samples become 5 and 4
        }
        assert!(frozen_runs(&at, &values, step, native).is_empty());
    }
}

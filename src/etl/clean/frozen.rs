//! Frozen: a sensor whose value stands still while its equipment runs (HVAC.md §4).
//!
//! A run of cells counts when their standard deviation is below `frozen_std` (0.001 of the column's unit; the
//! range is held to twice that, which guarantees it: σ ≤ (max − min)/2, Popoviciu 1935) and it lasts for
//!
//! - `frozen_samples` (6) native samples – the column's own interval, not the report's: a point recorded every
//!   hour repeats four times in a 15-minute report without being frozen – and
//! - `frozen_habit` (3) times as long as 99 % of the column's own runs (95 % while there are fewer than 100 of
//!   them): a coarse sensor holds its value by habit, and a point that is written hourly into a 10-minute table
//!   shows it there when no report says so. Of runs with geometric lengths one in a million lasts so long. Fewer
//!   than 20 runs are no habit; a point that is recorded on change of value is not judged without one, for
//!   standing still is what it looks like when nothing happens.
//!
//! An outage does not break a run that goes on with the same value, unless it is longer than the run would have
//! to be; it does not count for its length. Equipment that stands breaks it. Status, counters and texts are not
//! judged, nor what is set rather than measured (set-points, speeds, positions); a relative humidity of 100 %
//! is real weather.

use super::machines::State;
use super::parameters::Thresholds;
use super::sampling::{GAP_FACTOR, quantile};

/// Runs that are needed to know a column's habit, and the quantile that they are asked for then.
const HABITS: [(usize, f64); 2] = [(100, 0.99), (20, 0.95)];

/// A run of one value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Run {
    /// First row.
    pub first: usize,
    /// Last row.
    pub last: usize,
    /// Time of the first row, UTC ms.
    pub start_ms: i64,
    /// Time of the last row, UTC ms.
    pub end_ms: i64,
    /// Rows with a value.
    pub rows: u64,
    /// Least value.
    pub min: f64,
    /// Greatest value.
    pub max: f64,
    /// Time between its rows that no row covers, ms.
    outages_ms: f64,
}

/// A column as it is judged.
#[derive(Debug, Clone, Copy)]
pub struct Sensor<'a> {
    /// UTC ms, ascending.
    pub at_ms: &'a [i64],
    /// NaN without a value.
    pub values: &'a [f64],
    /// Whether its equipment runs, when that can be told.
    pub running: Option<&'a [State]>,
    /// A value of 0 stands for a standstill.
    pub zero_stands: bool,
    /// A value from here on is a bound that real values keep for hours.
    pub bound: Option<f64>,
    /// It is recorded when its value changes.
    pub on_change: bool,
    /// Its own interval, ms.
    pub interval_ms: f64,
    /// Median step between its rows, ms.
    pub seen_ms: f64,
}

/// The frozen runs, and the cells that could be judged.
#[must_use]
pub fn frozen(sensor: &Sensor<'_>, thresholds: &Thresholds) -> (Vec<Run>, u64) {
    let range = 2.0 * thresholds.frozen_std;
    let (all, judged) = runs(sensor, range, GAP_FACTOR * sensor.interval_ms);
    let lasts = |run: &Run| (run.end_ms - run.start_ms) as f64 + sensor.seen_ms - run.outages_ms;
    let mut holds: Vec<f64> = all.iter().map(lasts).collect();
    let habit = HABITS.iter().find(|(runs, _)| holds.len() >= *runs).and_then(|(_, q)| quantile(&mut holds, *q));
    if habit.is_none() && sensor.on_change {
        return (Vec::new(), 0);
    }
    // Half a sample of tolerance for clocks that are a second early.
    let least = (f64::from(thresholds.frozen_samples) - 0.5) * sensor.interval_ms;
    let required = least.max(thresholds.frozen_habit * habit.unwrap_or(0.0));
    let (bridged, _) = runs(sensor, range, required);
    (bridged.into_iter().filter(|run| run.rows > 1 && lasts(run) >= required).collect(), judged)
}

/// All runs of values that stay within `range`, whose rows are at most `bridge_ms` apart.
fn runs(sensor: &Sensor<'_>, range: f64, bridge_ms: f64) -> (Vec<Run>, u64) {
    let mut done: Vec<Run> = Vec::new();
    let mut current: Option<Run> = None;
    let mut judged = 0;
    for (row, (at, value)) in sensor.at_ms.iter().zip(sensor.values).enumerate() {
        if value.is_nan() {
            continue;
        }
        let stands = sensor.running.and_then(|running| running.get(row)) == Some(&State::Off);
        if stands || (sensor.zero_stands && *value == 0.0) || sensor.bound.is_some_and(|bound| *value >= bound) {
            done.extend(current.take());
            continue;
        }
        judged += 1;
        match &mut current {
            Some(run)
                if (at - run.end_ms) as f64 <= bridge_ms && run.max.max(*value) - run.min.min(*value) <= range =>
            {
                let step = (at - run.end_ms) as f64;
                run.outages_ms += if step > GAP_FACTOR * sensor.interval_ms { step - sensor.seen_ms } else { 0.0 };
                (run.last, run.end_ms, run.rows) = (row, *at, run.rows + 1);
                (run.min, run.max) = (run.min.min(*value), run.max.max(*value));
            }
            _ => {
                let run = Run {
                    first: row,
                    last: row,
                    start_ms: *at,
                    end_ms: *at,
                    rows: 1,
                    min: *value,
                    max: *value,
                    outages_ms: 0.0,
                };
                done.extend(current.replace(run));
            }
        }
    }
    done.extend(current);
    (done, judged)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::unwrap_used)]
    use super::*;

    const MINUTE: i64 = 60_000;

    struct Case {
        step_min: i64,
        native_min: i64,
        values: Vec<f64>,
        running: Option<Vec<State>>,
    }

    impl Case {
        /// First row, last row and rows with a value of each frozen run.
        fn found(&self) -> Vec<(usize, usize, u64)> {
            let at_ms: Vec<i64> = (0..).take(self.values.len()).map(|i| i * self.step_min * MINUTE).collect();
            let sensor = Sensor {
                at_ms: &at_ms,
                values: &self.values,
                running: self.running.as_deref(),
                zero_stands: false,
                bound: None,
                on_change: false,
                interval_ms: (self.native_min * MINUTE) as f64,
                seen_ms: (self.step_min * MINUTE) as f64,
            };
            let (runs, _) = frozen(&sensor, &Thresholds::default());
            runs.iter().map(|r| (r.first, r.last, r.rows)).collect()
        }
    }

    fn at_15(values: &[f64]) -> Case {
        Case { step_min: 15, native_min: 15, values: values.to_vec(), running: None }
    }

    #[test]
    fn six_samples_are_frozen_and_five_are_not() {
        assert_eq!(at_15(&[1., 1., 1., 1., 1., 2., 3., 3., 3., 3., 3., 3., 4.]).found(), [(6, 11, 6)]);
    }

    /// 20.0005 and 20.0019 lie 0.0014 apart: σ ≤ 0.0007 < 0.001. 20.003 is 0.0025 above the least.
    #[test]
    fn a_standard_deviation_below_the_limit_is_still() {
        let still = [20.0005, 20.0019, 20.0005, 20.001, 20.0005, 20.0019, 21.0];
        assert_eq!(at_15(&still).found(), [(0, 5, 6)]);
        let mut moves = still;
        moves[3] = 20.003;
        assert!(at_15(&moves).found().is_empty());
    }

    #[test]
    fn idle_equipment_breaks_a_run() {
        let mut case = at_15(&[7.0; 12]);
        assert_eq!(case.found(), [(0, 11, 12)]);
        let mut running = vec![State::On; 12];
        running[5] = State::Off; // 5 + 6 samples remain
        case.running = Some(running);
        assert_eq!(case.found(), [(6, 11, 6)]);
        case.running = Some(vec![State::Off; 12]);
        assert!(case.found().is_empty());
    }

    /// Five hourly samples, each four times in a 15-minute report, then six of another value.
    #[test]
    fn a_slow_point_repeats_without_being_frozen() {
        let values = (0..44).map(|row| if row < 20 { 20.5 } else { 21.0 }).collect();
        let case = Case { step_min: 15, native_min: 60, values, running: None };
        assert_eq!(case.found(), [(20, 43, 24)]);
    }

    /// Hourly values in a 10-minute table, and no report says so: 30 h of six equal rows each. 95 % of the runs last
    /// 60 min, so 180 min are required where N asks for 60. An outage of 40 min in a standstill of 10 h leaves 9 h 20 min;
    /// in one of 3 h it leaves 2 h 20 min, which is too short.
    #[test]
    fn a_habit_is_seen_in_the_values() {
        let hourly: Vec<f64> = (0..30 * 6).map(|row| f64::from(row / 6)).collect();
        let with = |still: usize, lost: std::ops::Range<usize>| {
            let mut values = hourly.clone();
            values.extend(vec![99.0; still]);
            values[lost].fill(f64::NAN);
            Case { step_min: 10, native_min: 10, values, running: None }.found()
        };
        assert_eq!(with(60, 0..0), [(180, 239, 60)]);
        assert_eq!(with(60, 200..204), [(180, 239, 56)]);
        assert_eq!(with(18, 0..0), [(180, 197, 18)]);
        assert!(with(18, 184..188).is_empty());
    }

    /// The same standstill of 10 h, with and without a history.
    #[test]
    fn a_point_on_change_is_judged_by_its_habit_only() {
        let found = |history: usize| {
            let values: Vec<f64> = (0..history).map(|i| i as f64).chain([99.0; 60]).collect();
            let at_ms: Vec<i64> = (0..).take(values.len()).map(|i| i * 10 * MINUTE).collect();
            let sensor = Sensor {
                at_ms: &at_ms,
                values: &values,
                running: None,
                zero_stands: false,
                bound: None,
                on_change: true,
                interval_ms: 600_000.0,
                seen_ms: 600_000.0,
            };
            frozen(&sensor, &Thresholds::default()).0.len()
        };
        assert_eq!((found(18), found(19)), (0, 1), "19 runs and 20");
    }

    #[test]
    fn humidity_may_stay_at_100() {
        let at_ms: Vec<i64> = (0..12).map(|i| i * 15 * MINUTE).collect();
        let values = [100.0; 12];
        let mut sensor = Sensor {
            at_ms: &at_ms,
            values: &values,
            running: None,
            zero_stands: false,
            bound: Some(100.0),
            on_change: false,
            interval_ms: 900_000.0,
            seen_ms: 900_000.0,
        };
        assert!(frozen(&sensor, &Thresholds::default()).0.is_empty());
        sensor.bound = None;
        assert_eq!(frozen(&sensor, &Thresholds::default()).0.len(), 1);
    }
}

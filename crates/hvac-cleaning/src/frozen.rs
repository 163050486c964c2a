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

use std::ops::Range;

use super::parameters::Thresholds;
use super::run_lengths::{Sensor, StandstillScan, look};
use super::sampling::GAP_FACTOR;
use super::{CleanError, internal};

/// Runs that are needed to know a column's habit, and the quantile that they are asked for then.
const HABITS: [(usize, f64); 2] = [(100, 0.99), (20, 0.95)];

/// A run of one value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct FrozenRun {
    /// First row.
    pub(crate) first: usize,
    /// Last row.
    pub(crate) last: usize,
    /// Time of the first row, UTC ms.
    pub(crate) start_ms: i64,
    /// Time of the last row, UTC ms.
    pub(crate) end_ms: i64,
    /// Rows with a value.
    pub(crate) rows: u64,
    /// Least value.
    pub(crate) min: f64,
    /// Greatest value.
    pub(crate) max: f64,
    /// Time between its rows that no row covers, ms.
    outages_ms: f64,
}

/// The frozen runs, and the cells that could be judged.
///
/// # Errors
/// `internal` when a stretch has rows that are not there.
pub(crate) fn frozen(sensor: &Sensor<'_>, thresholds: &Thresholds) -> Result<(Vec<FrozenRun>, u64), CleanError> {
    let range = 2.0 * thresholds.frozen_std;
    // Half a sample of tolerance for clocks that are a second early.
    let least = (f64::from(thresholds.frozen_samples) - 0.5) * sensor.interval_ms;
    let StandstillScan { mut holds, judged, stretches } = look(sensor, range, least);
    let habit = HABITS.iter().find(|(runs, _)| holds.len() >= *runs);
    if habit.is_none() && sensor.on_change {
        return Ok((Vec::new(), 0));
    }
    if stretches.is_empty() {
        return Ok((Vec::new(), judged));
    }
    let habit = habit.and_then(|(_, q)| holds.quantile(*q, |hold_ms| hold_ms as f64 + sensor.seen_ms));
    let required = least.max(thresholds.frozen_habit * habit.unwrap_or(0.0));
    let lasts = |run: &FrozenRun| (run.end_ms - run.start_ms) as f64 + sensor.seen_ms - run.outages_ms;
    let mut found = Vec::new();
    for rows in stretches {
        found.extend(runs(sensor, rows, range, required)?.into_iter().filter(|r| r.rows > 1 && lasts(r) >= required));
    }
    Ok((found, judged))
}

/// The runs of values that stay within `range`, whose rows are at most `bridge_ms` apart, in a stretch.
fn runs(sensor: &Sensor<'_>, stretch: Range<usize>, range: f64, bridge_ms: f64) -> Result<Vec<FrozenRun>, CleanError> {
    let mut done: Vec<FrozenRun> = Vec::new();
    let (at_ms, values) = (sensor.at_ms.get(stretch.clone()), sensor.values.get(stretch.clone()));
    let (at_ms, values) = at_ms.zip(values).ok_or_else(|| internal("a stretch goes beyond its column"))?;
    for (row, (at, value)) in stretch.zip(at_ms.iter().zip(values)).filter(|(_, (_, value))| !value.is_nan()) {
        match done.last_mut() {
            Some(run)
                if (at - run.end_ms) as f64 <= bridge_ms && run.max.max(*value) - run.min.min(*value) <= range =>
            {
                let step = (at - run.end_ms) as f64;
                run.outages_ms += if step > GAP_FACTOR * sensor.interval_ms { step - sensor.seen_ms } else { 0.0 };
                (run.last, run.end_ms, run.rows) = (row, *at, run.rows + 1);
                (run.min, run.max) = (run.min.min(*value), run.max.max(*value));
            }
            _ => done.push(FrozenRun {
                first: row,
                last: row,
                start_ms: *at,
                end_ms: *at,
                rows: 1,
                min: *value,
                max: *value,
                outages_ms: 0.0,
            }),
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::super::machines::MachineState;
    use super::super::sampling::quantile;
    use super::*;

    const MINUTE: i64 = 60_000;

    struct SensorCase {
        step_min: i64,
        native_min: i64,
        values: Vec<f64>,
        running: Option<Vec<MachineState>>,
    }

    impl SensorCase {
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
                least_step_ms: self.step_min * MINUTE,
            };
            let (runs, _) = frozen(&sensor, &Thresholds::default()).unwrap();
            runs.iter().map(|r| (r.first, r.last, r.rows)).collect()
        }
    }

    fn at_15(values: &[f64]) -> SensorCase {
        SensorCase { step_min: 15, native_min: 15, values: values.to_vec(), running: None }
    }

    /// Every run of the whole column whose rows are at most `bridge_ms` apart.
    fn all_runs(sensor: &Sensor<'_>, range: f64, bridge_ms: f64) -> Vec<FrozenRun> {
        // A row without a value breaks nothing.
        let idle = |row: &usize| !sensor.values[*row].is_nan() && sensor.idle(*row, sensor.values[*row]);
        let rows: Vec<usize> = (0..sensor.values.len()).collect();
        let parts = rows.split(idle).filter(|part| !part.is_empty());
        parts.flat_map(|part| runs(sensor, part[0]..part[part.len() - 1] + 1, range, bridge_ms).unwrap()).collect()
    }

    /// The rules as they are written: every run of the whole column, held times in full, then the runs again over
    /// outages.
    fn frozen_by_the_book(sensor: &Sensor<'_>, thresholds: &Thresholds) -> (Vec<FrozenRun>, u64) {
        let range = 2.0 * thresholds.frozen_std;
        let judged = |row: &usize| !sensor.values[*row].is_nan() && !sensor.idle(*row, sensor.values[*row]);
        let all = |bridge_ms: f64| all_runs(sensor, range, bridge_ms);
        let lasts = |run: &FrozenRun| (run.end_ms - run.start_ms) as f64 + sensor.seen_ms - run.outages_ms;
        let mut holds: Vec<f64> = all(GAP_FACTOR * sensor.interval_ms).iter().map(lasts).collect();
        let known = HABITS.iter().find(|(runs, _)| holds.len() >= *runs);
        if known.is_none() && sensor.on_change {
            return (Vec::new(), 0);
        }
        let habit = known.and_then(|(_, q)| quantile(&mut holds, *q)).unwrap_or(0.0);
        let least = (f64::from(thresholds.frozen_samples) - 0.5) * sensor.interval_ms;
        let required = least.max(thresholds.frozen_habit * habit);
        let found = all(required).into_iter().filter(|run| run.rows > 1 && lasts(run) >= required).collect();
        (found, (0..sensor.values.len()).filter(judged).count() as u64)
    }

    proptest! {
        #[test]
        fn one_look_finds_what_the_book_says(
            steps in prop_oneof![
                proptest::collection::vec(prop_oneof![3 => Just(1_i64), 2 => 2_i64..4, 1 => 2_i64..9], 1..400),
                proptest::collection::vec(prop_oneof![99 => Just(2_i64), 1 => 3_i64..9], 1..400),
            ],
            kinds in (4_u32..13, 0_u32..20).prop_flat_map(|(most, rare)| proptest::collection::vec(
                prop_oneof![3 => 0_u8..1, 10 => 0_u8..4, 1 + rare => 0..u8::try_from(most).unwrap()],
                400,
            )),
            noise in 0_u8..4,
            unit in prop_oneof![Just(0.0012), Just(0.5)],
            native in 1_i64..9,
            seen in 1_i64..9,
            samples in 2_u32..12,
            habit in prop_oneof![Just(0.0), Just(1.0), Just(3.0)],
            on_change in any::<bool>(),
            zero_stands in any::<bool>(),
            with_state in any::<bool>(),
        ) {
            let at_ms: Vec<i64> = steps.iter().scan(0, |at, step| { *at += step * MINUTE; Some(*at) }).collect();
            let value = |(row, kind): (usize, &u8)| match kind {
                9..=11 => f64::NAN,
                kind => f64::from(*kind) * unit + f64::from(noise) * (row % 7) as f64,
            };
            let values: Vec<f64> = kinds.iter().enumerate().map(value).take(at_ms.len()).collect();
            let states: Vec<MachineState> =
                kinds.iter().map(|kind| if *kind == 8 { MachineState::Off } else { MachineState::On }).rev().collect();
            let sensor = Sensor {
                at_ms: &at_ms,
                values: &values,
                running: with_state.then_some(states.as_slice()),
                zero_stands,
                bound: Some(11.0),
                on_change,
                interval_ms: (native * MINUTE) as f64,
                seen_ms: (seen * MINUTE) as f64,
                least_step_ms: steps.iter().min().copied().unwrap_or(0) * MINUTE,
            };
            let thresholds = Thresholds { frozen_samples: samples, frozen_habit: habit, ..Thresholds::default() };
            prop_assert_eq!(frozen(&sensor, &thresholds).unwrap(), frozen_by_the_book(&sensor, &thresholds));
            let range = 2.0 * thresholds.frozen_std;
            let mut holds = look(&sensor, range, (f64::from(samples) - 0.5) * sensor.interval_ms).holds;
            holds.longer.sort_unstable();
            let runs = all_runs(&sensor, range, GAP_FACTOR * sensor.interval_ms);
            let (longer, single): (Vec<&FrozenRun>, Vec<&FrozenRun>) = runs.iter().partition(|run| run.rows > 1);
            let mut longer: Vec<i64> = longer.iter().map(|run| run.end_ms - run.start_ms).collect();
            longer.sort_unstable();
            prop_assert_eq!((holds.single, holds.longer), (single.len(), longer));
        }
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
        let mut running = vec![MachineState::On; 12];
        running[5] = MachineState::Off; // 5 + 6 samples remain
        case.running = Some(running);
        assert_eq!(case.found(), [(6, 11, 6)]);
        case.running = Some(vec![MachineState::Off; 12]);
        assert!(case.found().is_empty());
    }

    /// Five hourly samples, each four times in a 15-minute report, then six of another value.
    #[test]
    fn a_slow_point_repeats_without_being_frozen() {
        let values = (0..44).map(|row| if row < 20 { 20.5 } else { 21.0 }).collect();
        let case = SensorCase { step_min: 15, native_min: 60, values, running: None };
        assert_eq!(case.found(), [(20, 43, 24)]);
    }

    /// Hourly values in a 10-minute table, and no report says so: 30 h of six equal rows each. 95 % of the runs last
    /// 60 min, so 180 min are required where N asks for 60. An outage of 40 min in a standstill of 10 h leaves 9 h 20 min;
    /// in one of 3 h it leaves 2 h 20 min, which is too short.
    #[test]
    fn a_habit_is_seen_in_the_values() {
        let hourly: Vec<f64> = (0..30 * 6).map(|row| f64::from(row / 6)).collect();
        let with = |still: usize, lost: Range<usize>| {
            let mut values = hourly.clone();
            values.extend(vec![99.0; still]);
            values[lost].fill(f64::NAN);
            SensorCase { step_min: 10, native_min: 10, values, running: None }.found()
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
                least_step_ms: 600_000,
            };
            frozen(&sensor, &Thresholds::default()).unwrap().0.len()
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
            least_step_ms: 900_000,
        };
        assert!(frozen(&sensor, &Thresholds::default()).unwrap().0.is_empty());
        sensor.bound = None;
        assert_eq!(frozen(&sensor, &Thresholds::default()).unwrap().0.len(), 1);
    }
}

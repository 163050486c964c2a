//! What stands still and is stuck, what stands still and is not, and that one look finds what the rules say.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;
use crate::machines::MachineState;
use crate::sampling::quantile;

const MINUTE: i64 = 60_000;

struct SensorCase {
    step_min: i64,
    native_min: i64,
    values: Vec<f64>,
    running: Option<Vec<MachineState>>,
    known: Knowledge,
}

impl SensorCase {
    /// First row, last row and rows with a value of each frozen run.
    fn found(&self) -> Vec<(usize, usize, u64)> {
        let at_ms: Vec<i64> = (0..).take(self.values.len()).map(|i| i * self.step_min * MINUTE).collect();
        let sensor = Sensor {
            at_ms: &at_ms,
            values: &self.values,
            running: self.running.as_deref(),
            speed: None,
            zero_stands: false,
            floor: None,
            bound: None,
            on_change: false,
            interval_ms: (self.native_min * MINUTE) as f64,
            seen_ms: (self.step_min * MINUTE) as f64,
            least_step_ms: self.step_min * MINUTE,
        };
        let scan = frozen(&sensor, self.known, &Thresholds::default()).unwrap();
        scan.runs.iter().map(|r| (r.first, r.last, r.rows)).collect()
    }
}

fn at_15(values: &[f64]) -> SensorCase {
    SensorCase { step_min: 15, native_min: 15, values: values.to_vec(), running: None, known: Knowledge::Moves }
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
fn frozen_by_the_book(sensor: &Sensor<'_>, known: Knowledge, thresholds: &Thresholds) -> (Vec<FrozenRun>, u64) {
    let range = 2.0 * thresholds.frozen_std;
    let judged = |row: &usize| !sensor.values[*row].is_nan() && !sensor.idle(*row, sensor.values[*row]);
    let all = |bridge_ms: f64| all_runs(sensor, range, bridge_ms);
    let lasts = |run: &FrozenRun| (run.end_ms - run.start_ms) as f64 + sensor.seen_ms - run.outages_ms;
    let mut holds: Vec<f64> = all(GAP_FACTOR * sensor.interval_ms).iter().map(lasts).collect();
    let habit = HABITS.iter().find(|(runs, _)| holds.len() >= *runs);
    let told = matches!(known, Knowledge::Moves | Knowledge::Runs);
    if habit.is_none() && (sensor.on_change || !told) {
        return (Vec::new(), 0);
    }
    let runs = all(GAP_FACTOR * sensor.interval_ms);
    let goes_on = runs.iter().filter(|run| run.rows > 1).count() as f64 / runs.len().max(1) as f64;
    let mut samples = 0.0_f64;
    if habit.is_some() && thresholds.frozen_habit > 0.0 && goes_on > 0.0 && goes_on <= 0.5 {
        // The least number of samples for which fewer than one run in 5 000 columns lasts, told by the 30 longest others.
        let in_samples = |run: &FrozenRun| 1.0 + (run.end_ms - run.start_ms) as f64 / sensor.seen_ms;
        let mut longer: Vec<f64> = runs.iter().filter(|run| run.rows > 1).map(in_samples).collect();
        longer.sort_by(f64::total_cmp);
        longer.pop();
        let least = if longer.len() >= 30 { longer[longer.len() - 30].round() } else { 1.0 };
        let tail: Vec<f64> = longer.into_iter().filter(|samples| *samples >= least - 0.5).collect();
        let single = if least < 2.0 { runs.iter().filter(|run| run.rows == 1).count() } else { 0 };
        let (n, e) =
            ((single + tail.len()) as f64, tail.iter().map(|samples| (samples - least).clamp(0.0, 6.0)).sum::<f64>());
        samples = least + (n / 0.0002).ln() / -((e + 1.0) / (n + e + 1.0)).ln();
    }
    let usual = match habit {
        Some((_, q)) => quantile(&mut holds, *q).unwrap(),
        None => {
            holds.sort_by(f64::total_cmp);
            holds.pop();
            let mean = if holds.is_empty() { 0.0 } else { holds.iter().sum::<f64>() / holds.len() as f64 };
            let usual = mean * 1.25;
            if holds.len() < 3 { usual.max(8.0 * 3.6e6) } else { usual }
        }
    };
    let least = (f64::from(thresholds.frozen_samples) - 0.5) * sensor.interval_ms;
    let least = match known {
        Knowledge::Nothing => least.max(72.0 * 3.6e6),
        Knowledge::Moves => least.max(29.0 * 60_000.0),
        _ => least,
    };
    let required = least.max(thresholds.frozen_habit * usual).max((samples - 0.5) * sensor.seen_ms);
    let found: Vec<FrozenRun> =
        all(required).into_iter().filter(|run| run.rows > 1 && lasts(run) >= required).collect();
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
        floor in prop_oneof![2 => Just(None), 1 => Just(Some(0.0006))],
        known in prop_oneof![
            Just(Knowledge::Moves), Just(Knowledge::Runs), Just(Knowledge::Itself), Just(Knowledge::Nothing)
        ],
    ) {
        let at_ms: Vec<i64> = steps.iter().scan(0, |at, step| { *at += step * MINUTE; Some(*at) }).collect();
        let value = |(row, kind): (usize, &u8)| match kind {
            9..=11 => f64::NAN,
            kind => f64::from(*kind) * unit + f64::from(noise) * (row % 7) as f64,
        };
        let values: Vec<f64> = kinds.iter().enumerate().map(value).take(at_ms.len()).collect();
        let state = |kind: &u8| match kind {
            7 => MachineState::Unknown,
            8 => MachineState::Off,
            _ => MachineState::On,
        };
        let states: Vec<MachineState> = kinds.iter().map(state).rev().collect();
        let sensor = Sensor {
            at_ms: &at_ms,
            values: &values,
            running: with_state.then_some(states.as_slice()),
            speed: None,
            zero_stands,
            floor,
            bound: Some(11.0),
            on_change,
            interval_ms: (native * MINUTE) as f64,
            seen_ms: (seen * MINUTE) as f64,
            least_step_ms: steps.iter().min().copied().unwrap_or(0) * MINUTE,
        };
        let thresholds = Thresholds { frozen_samples: samples, frozen_habit: habit, ..Thresholds::default() };
        let scan = standstills(&sensor, known, &thresholds).unwrap();
        prop_assert_eq!((scan.runs, scan.judged), frozen_by_the_book(&sensor, known, &thresholds));
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

/// What is found after 300 quarter-hours of a point that moves at each.
fn found_after_300(values: &[f64]) -> Vec<(usize, usize, u64)> {
    let all: Vec<f64> = (0..300).map(|i| 40.0 + f64::from(i * 7 % 30) / 10.0).chain(values.iter().copied()).collect();
    at_15(&all).found().into_iter().map(|(first, last, rows)| (first - 300, last - 300, rows)).collect()
}

#[test]
fn six_samples_are_frozen_and_five_are_not() {
    assert_eq!(found_after_300(&[1., 1., 1., 1., 1., 2., 3., 3., 3., 3., 3., 3., 4.]), [(6, 11, 6)]);
}

/// 1 200 runs of a coarse sensor, every twelfth of which goes on, and every twelfth of those, and of those: 100 last for 2
/// samples or more, by 10 samples longer in all, so p = 11/111, and 100 · pᴸ⁻² is 0.0001 at L = 8.0. With half a sample of
/// tolerance 8 equal ones are frozen, and 7 are not.
#[test]
fn what_a_coarse_sensor_repeats_by_chance_is_not_frozen() {
    let coarse = |still: usize| -> Vec<f64> {
        let lasts = |run: usize| match run {
            581 => 4,
            _ if run % 144 == 5 => 3,
            _ if run % 12 == 5 => 2,
            _ => 1,
        };
        let moving = (0..1200).flat_map(|run: usize| vec![20.0 + (run % 5) as f64 / 10.0; lasts(run)]);
        moving.chain(vec![21.7; still]).collect()
    };
    assert!(at_15(&coarse(7)).found().is_empty());
    assert_eq!(at_15(&coarse(8)).found(), [(1310, 1317, 8)]);
}

/// 20.0005 and 20.0019 lie 0.0014 apart: σ ≤ 0.0007 < 0.001. 20.003 is 0.0025 above the least.
#[test]
fn a_standard_deviation_below_the_limit_is_still() {
    let still = [20.0005, 20.0019, 20.0005, 20.001, 20.0005, 20.0019, 21.0];
    assert_eq!(found_after_300(&still), [(0, 5, 6)]);
    let mut moves = still;
    moves[3] = 20.003;
    assert!(found_after_300(&moves).is_empty());
}

#[test]
fn idle_equipment_breaks_a_run() {
    let values: Vec<f64> = (0..300).map(|i| f64::from(i * 7 % 30)).chain([12.5; 12]).collect();
    let mut case = at_15(&values);
    case.known = Knowledge::Runs;
    assert_eq!(case.found(), [(300, 311, 12)]);
    for state in [MachineState::Off, MachineState::Unknown] {
        let mut running = vec![MachineState::On; 312];
        running[305] = state; // 5 + 6 samples remain
        case.running = Some(running);
        assert_eq!(case.found(), [(306, 311, 6)]);
    }
    for state in [MachineState::Off, MachineState::Unknown] {
        case.running = Some(vec![state; 312]);
        assert!(case.found().is_empty(), "{state:?}");
    }
}

/// Hourly samples, each four times in a 15-minute report: 300 that differ, five of one value, six of another.
#[test]
fn a_slow_point_repeats_without_being_frozen() {
    let moves = (0..1200).map(|row| f64::from(row / 4 * 7 % 30));
    let values = moves.chain((0..44).map(|row| if row < 20 { 20.5 } else { 21.5 })).collect();
    let case = SensorCase { step_min: 15, native_min: 60, values, running: None, known: Knowledge::Moves };
    assert_eq!(case.found(), [(1220, 1243, 24)]);
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
        SensorCase { step_min: 10, native_min: 10, values, running: None, known: Knowledge::Moves }.found()
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
            speed: None,
            zero_stands: false,
            floor: None,
            bound: None,
            on_change: true,
            interval_ms: 600_000.0,
            seen_ms: 600_000.0,
            least_step_ms: 600_000,
        };
        frozen(&sensor, Knowledge::Moves, &Thresholds::default()).unwrap().runs.len()
    };
    assert_eq!((found(18), found(19)), (0, 1), "19 runs and 20");
}

#[test]
fn humidity_may_stay_at_100() {
    let at_ms: Vec<i64> = (0..120).map(|i| i * 15 * MINUTE).collect();
    let values = [100.0; 120];
    let mut sensor = Sensor {
        at_ms: &at_ms,
        values: &values,
        running: None,
        speed: None,
        zero_stands: false,
        floor: None,
        bound: Some(100.0),
        on_change: false,
        interval_ms: 900_000.0,
        seen_ms: 900_000.0,
        least_step_ms: 900_000,
    };
    let found = |sensor: &Sensor<'_>| frozen(sensor, Knowledge::Moves, &Thresholds::default()).unwrap().runs.len();
    assert_eq!(found(&sensor), 0);
    sensor.bound = None;
    assert_eq!(found(&sensor), 1);
}

/// What is said of a point that moves at each of 300 quarter-hours and then does this.
fn after_300(values: &[f64], known: Knowledge) -> FrozenScan {
    let values: Vec<f64> =
        (0..300).map(|i| 40.0 + f64::from(i * 7 % 30) / 10.0).chain(values.iter().copied()).collect();
    let at_ms: Vec<i64> = (0..).take(values.len()).map(|i| i * 15 * MINUTE).collect();
    let sensor = Sensor {
        at_ms: &at_ms,
        values: &values,
        running: None,
        speed: None,
        zero_stands: false,
        floor: None,
        bound: None,
        on_change: false,
        interval_ms: 900_000.0,
        seen_ms: 900_000.0,
        least_step_ms: 900_000,
    };
    frozen(&sensor, known, &Thresholds::default()).unwrap()
}

/// Eight hours at 45, three times, with something else between: a set-point. Twice is no level, unless it is the
/// greatest value there is: a valve's end.
#[test]
fn a_level_is_not_a_stuck_sensor() {
    let (still, away) = ([45.0; 32], [41.05, 42.05, 43.05]);
    let thrice = [&still[..], &away, &still, &away, &still, &[46.05]].concat();
    let scan = after_300(&thrice, Knowledge::Runs);
    assert_eq!(scan.runs.len(), 0);
    assert_eq!(scan.notes, ["it stands at 45 by habit: no stuck sensor"]);
    let twice = [&still[..], &away, &still, &[46.05]].concat();
    assert_eq!(after_300(&twice, Knowledge::Runs).runs.len(), 2);
    assert_eq!(after_300(&twice[..twice.len() - 1], Knowledge::Runs).runs.len(), 0, "its greatest value");
    // Nothing else between: the same standstill, seen twice. The weather has no levels.
    let once = [&still[..], &[f64::NAN; 120], &still, &[f64::NAN; 120], &still, &[46.05]].concat();
    assert_eq!(after_300(&once, Knowledge::Runs).runs.len(), 3);
    assert_eq!(after_300(&thrice, Knowledge::Moves).runs.len(), 3);
}

#[test]
fn what_only_rises_is_a_register_by_its_values() {
    let values: Vec<f64> = (100..160).map(f64::from).chain([200.0; 40]).collect();
    let scan = after_300(&values, Knowledge::Itself);
    assert_eq!(scan.runs.len(), 1, "299 steps before rise and fall");
    let at_ms: Vec<i64> = (0..100).map(|i| i * 15 * MINUTE).collect();
    let sensor = Sensor {
        at_ms: &at_ms,
        values: &values,
        running: None,
        speed: None,
        zero_stands: false,
        floor: None,
        bound: None,
        on_change: false,
        interval_ms: 900_000.0,
        seen_ms: 900_000.0,
        least_step_ms: 900_000,
    };
    let scan = frozen(&sensor, Knowledge::Itself, &Thresholds::default()).unwrap();
    assert_eq!((scan.runs.len(), scan.notes.len()), (0, 1));
    assert!(scan.notes[0].starts_with("it rises 60 times and falls 0 times"), "{:?}", scan.notes);
}

/// A room that is kept within half a kelvin by a sensor of half kelvins, for a week: it says nothing.
#[test]
fn few_changes_are_no_habit_without_knowledge() {
    let values: Vec<f64> = [24.0, 24.5, 24.0, 23.5, 24.0].iter().flat_map(|value| [*value; 130]).collect();
    let mut case = at_15(&values);
    for known in [Knowledge::Itself, Knowledge::Nothing, Knowledge::Runs, Knowledge::Moves] {
        case.known = known;
        assert!(case.found().is_empty(), "{known:?}");
    }
    // A day and six hours of one value, and nothing else: the weather is dead; of a room nothing is known.
    case.values = vec![24.0; 120];
    assert_eq!(case.found(), [(0, 119, 120)]);
    case.known = Knowledge::Nothing;
    assert!(case.found().is_empty());
}

/// A fan at its one speed draws 8.3 or 8.4 kW, as the meter reads it: it holds 8.3 for 13 hours and is not stuck.
#[test]
fn a_usual_value_is_not_a_stuck_sensor() {
    let usual: Vec<f64> = (0..100).map(|i| if i % 3 == 0 { 8.3 } else { 8.4 }).collect();
    let scan = after_300(&[&usual[..], &[8.3; 80], &usual].concat(), Knowledge::Runs);
    assert_eq!(scan.runs.len(), 0);
    assert_eq!(scan.notes, ["it stands at 8.3 by habit: no stuck sensor"]);
    let scan = after_300(&[&usual[..], &[8.35; 80], &usual].concat(), Knowledge::Runs);
    assert_eq!(scan.runs.len(), 1, "a value that it never had");
}

/// Runs of rows that are stuck in a meter of quarter-hours beside its machine's speed.
fn beside_speed(values: &[f64], speed: &[f64]) -> Vec<(usize, usize)> {
    let at_ms: Vec<i64> = (0..).take(values.len()).map(|i| i * 15 * MINUTE).collect();
    let sensor = Sensor {
        at_ms: &at_ms,
        values,
        running: None,
        speed: Some(speed),
        zero_stands: false,
        floor: None,
        bound: None,
        on_change: false,
        interval_ms: 900_000.0,
        seen_ms: 900_000.0,
        least_step_ms: 900_000,
    };
    let scan = frozen(&sensor, Knowledge::Runs, &Thresholds::default()).unwrap();
    scan.runs.iter().map(|run| (run.first, run.last)).collect()
}

/// A tower's fan at its least speed of 30 Hz draws 1.9 kW for 40 quarter-hours: the meter stands as the speed does. With a
/// speed that goes on moving, or stands before and after as well, it is stuck.
#[test]
fn a_meter_that_stands_with_its_speed_is_not_stuck() {
    let moving = |row: usize| 35.0 + (row * 7 % 30) as f64 / 10.0;
    let values: Vec<f64> = (0..340).map(|row| if (200..240).contains(&row) { 36.123 } else { moving(row) }).collect();
    let found = |speed: &dyn Fn(usize) -> f64| {
        let speed: Vec<f64> = (0..340).map(speed).collect();
        beside_speed(&values, &speed).len()
    };
    assert_eq!(found(&|row| if (200..240).contains(&row) { 30.0 } else { moving(row) }), 0);
    assert_eq!((found(&moving), found(&|_| 48.0)), (1, 1));
}

/// A tower's fan between 30 and 45 Hz, and its meter in tenths of a kW: 1.9 or 2.0 at 30 Hz. It stands at its least speed for
/// 90 quarter-hours, 14 of which in a row read 1.9: at 30 Hz the meter reads that at two of three other times, so 76 · (2/3)¹³
/// = 0.4 such runs are there by chance. Of one that reads each of 1.6 to 2.2 as often it is 76 · (1/7)¹³: it is stuck.
#[test]
fn a_coarse_meter_at_its_fans_least_speed_is_not_stuck() {
    let least = |row: usize| (300..390).contains(&row);
    let still = |row: usize| (340..354).contains(&row);
    let speed: Vec<f64> = (0..700)
        .map(|row| if least(row) { 30.0 + (row % 3) as f64 / 20.0 } else { 31.0 + (row * 7 % 29) as f64 / 2.0 })
        .collect();
    let found = |at_least: &dyn Fn(usize) -> f64| {
        let reading = |row: usize| match row {
            _ if still(row) => 1.9,
            _ if least(row) => at_least(row),
            _ => (speed[row] / 30.0).powi(3).mul_add(19.0, 0.5).round() / 10.0,
        };
        let values: Vec<f64> = (0..700).map(reading).collect();
        beside_speed(&values, &speed)
    };
    assert!(found(&|row| if row % 3 == 0 { 2.0 } else { 1.9 }).is_empty());
    assert_eq!(found(&|row| 1.6 + (row * 5 % 7) as f64 / 10.0), [(340, 353)]);
}

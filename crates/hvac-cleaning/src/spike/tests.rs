//! Tests of what a spike is.

#![allow(clippy::indexing_slicing)]
use super::*;

const MINUTE: i64 = 60_000;
const STEP: f64 = 5.0 * 60_000.0;

fn spikes(values: &[f64], yardstick: &Yardstick<'_>, plant: PlantStates<'_>, usual: Option<UsualSpan>) -> Vec<usize> {
    let at: Vec<i64> = (0..).take(values.len()).map(|i| i * 5 * MINUTE).collect();
    let samples = samples(&at, values, STEP, STEP);
    let scan = jumps(&samples, STEP, 8.0, yardstick, plant, usual).without(|_| false);
    scan.found.iter().map(|s| s.first).collect()
}

fn found(values: &[f64], staging: Option<&[u64]>) -> Vec<usize> {
    spikes(values, &Yardstick::default(), PlantStates { staging, running: None }, None)
}

/// Two chillers leave water at 10 °C, three at 15, and which run changes every fifth sample: at every change there is one
/// sample 0.3 beyond the level that follows. One that is 3 beyond both levels, evenly, is a spike; where 3 beyond the new
/// one is 8 from the old one, it is how the level is reached.
#[test]
fn beside_a_start_a_spike_lies_beyond_both_levels() {
    let two_run = |row: usize| (row / 5).is_multiple_of(2);
    let level = |row: usize| if two_run(row) { 10.0 } else { 15.0 };
    let overshoot = |row: usize| match row.is_multiple_of(5) {
        true if two_run(row) => -0.3,
        true => 0.3,
        false => 0.01 * (row % 2) as f64,
    };
    let mut values: Vec<f64> = (0..400).map(|row| level(row) + overshoot(row)).collect();
    let staging: Vec<u64> = (0..400).map(|row| row as u64 / 5 % 2).collect();
    let judged = |values: &[f64], follows: bool| {
        let plant = PlantStates { staging: Some(&staging), running: None };
        spikes(values, &Yardstick::default().following_starts(follows), plant, None)
    };
    assert!(judged(&values, true).is_empty());
    values[205] = 18.0; // from 10 to 15: 8 up and 3 down
    assert!(judged(&values, true).is_empty());
    values[205] = 40.0; // 30 up and 25 down
    assert_eq!(judged(&values, true), [205]);
    assert!(judged(&values, false).is_empty(), "a power overshoots");
}

/// Of 1.1 up and 1.3 down, one is within the limit of 1.186, and the mean of 1.2 beyond it.
#[test]
fn the_mean_of_both_steps_counts_where_they_are_alike() {
    let mut values = saw(40);
    (values[9], values[10], values[11]) = (20.1, 21.2, 19.9);
    assert_eq!(found(&values, None), [10]);
    (values[9], values[10], values[11]) = (20.1, 20.9, 19.2); // 0.8 and 1.7
    assert!(found(&values, None).is_empty());
}

/// A saw of ±0.1 around 20: the median of |difference| is 0.1, so the limit is 8 · 1.4826 · 0.1 = 1.186.
fn saw(rows: usize) -> Vec<f64> {
    (0..rows).map(|i| if i % 2 == 0 { 20.0 } else { 20.1 }).collect()
}

#[test]
fn one_sample_away_and_back() {
    let mut values = saw(40);
    values[10] = 21.3; // +1.2 from 20.1 and −1.2 back: both above 1.186
    values[20] = 21.2; // +1.1: below
    assert_eq!(found(&values, None), [10]);
    values[10] = f64::NAN;
    assert_eq!(found(&values, None), [0_usize; 0], "nothing more after it is gone");
}

#[test]
fn a_step_that_stays_a_gap_and_a_short_history_are_no_spikes() {
    let mut values = saw(40);
    values[20..].iter_mut().for_each(|v| *v += 50.0);
    assert!(found(&values, None).is_empty());
    let mut values = saw(40);
    values[10] = 99.0;
    values[11] = f64::NAN; // the way back is 10 minutes long: more than 1.5 intervals
    assert!(found(&values, None).is_empty());
    let mut values = saw(20);
    values[10] = 99.0;
    assert!(found(&values, None).is_empty(), "19 differences");
}

#[test]
fn a_machine_that_stops_for_one_sample_is_no_spike() {
    let mut values = saw(40);
    values[10] = 0.0;
    assert_eq!(found(&values, None), [10]);
    let mut staging = vec![2; 40];
    staging[10] = 1;
    assert!(found(&values, Some(&staging)).is_empty());
    // One stops where the other starts: the same number runs, and not the same machine.
    let mut values = saw(40);
    values[20..].iter_mut().for_each(|value| *value += 30.0);
    values[20] += 5.0;
    let mut running = vec![MachineState::Off; 20];
    running.extend([MachineState::On; 20]);
    let plant = PlantStates { staging: None, running: Some(&running) };
    assert!(spikes(&values, &Yardstick::default(), plant, None).is_empty());
}

#[test]
fn equal_cells_of_a_slow_point_are_one_sample() {
    let at: Vec<i64> = (0..120).map(|i| i * 15 * MINUTE).collect();
    let mut values: Vec<f64> = (0..120).map(|i| if i / 4 % 2 == 0 { 20.0 } else { 20.1 }).collect();
    values[40..44].fill(35.0); // one hourly sample
    let (hour, quarter) = (3_600_000.0, 900_000.0);
    let samples = samples(&at, &values, hour, quarter);
    assert_eq!(samples.len(), 30);
    let scan = jumps(&samples, hour, 8.0, &Yardstick::default(), PlantStates::default(), None);
    assert_eq!(scan.found.iter().map(|s| (s.first, s.last)).collect::<Vec<_>>(), [(40, 43)]);
}

/// A pulse meter in quanta of 1 that dithers by 0.01 between them: the median step is 0.01, so 0.12 would be a spike.
#[test]
fn a_quantum_up_and_back_is_no_spike() {
    let dithers = |i: usize| if i.is_multiple_of(2) { 0.0 } else { 0.01 };
    let mut values: Vec<f64> = (0..200).map(|i| 3.0 + dithers(i) + if i % 12 == 5 { 1.0 } else { 0.0 }).collect();
    assert!(found(&values, None).is_empty(), "{:?}", found(&values, None));
    values[101] += 6.0;
    assert_eq!(found(&values, None), [101]);
}

/// A lift idles at 0.2 kW and runs at 8 for longer or shorter; nothing says how many machines run.
#[test]
fn a_meter_that_starts_for_one_sample_is_no_spike() {
    let mut values: Vec<f64> =
        (0..400).map(|i| if i % 80 < 8 { 8.0 + f64::from(i % 3) } else { 0.2 + f64::from(i % 2) / 10.0 }).collect();
    (values[40], values[203]) = (8.0, 60.0);
    let by = |usual| spikes(&values, &Yardstick::default(), PlantStates::default(), usual);
    assert_eq!(by(None), [40, 203]);
    assert_eq!(by(UsualSpan::of(&values)), [203], "60 kW are not usual");
    // A meter that never idles at 0 and shows it once has lost a value.
    let mut main: Vec<f64> = (0..100).map(|i| 400.0 + f64::from(i % 7)).collect();
    main[50] = 0.0;
    let usual = UsualSpan::of(&main);
    assert_eq!(spikes(&main, &Yardstick::default(), PlantStates::default(), usual), [50]);
    assert_eq!(spikes(&main, &Yardstick::of_meter(406.0, None), PlantStates::default(), usual), [50]);
}

/// A meter within 1 %, of 10 at night and of 1 000 by day: 4 is a spike of one and noise of the other.
#[test]
fn what_a_meter_is_off_by_grows_with_the_reading() {
    let mut values: Vec<f64> =
        (0..400).map(|i| if i / 100 % 2 == 0 { 10.0 } else { 1000.0 } * (1.0 + f64::from(i % 3) / 200.0)).collect();
    (values[50], values[151]) = (14.0, values[151] + 4.0);
    let by = |yardstick| spikes(&values, &yardstick, PlantStates::default(), None);
    assert_eq!(by(Yardstick::of_meter(1000.0, None)), [50_usize; 0], "10 is less than 2 % of 1 000");
    let share = Yardstick { least: Some(1.0), speed: None, ..Yardstick::default() };
    assert_eq!(by(share), [50]);
}

/// A pump of 10 kW at 50 Hz; its speed wanders every fourth sample, and dips for one at 120; its meter shows 15 % too
/// little at 201, which is less than what the speed does; the speed is misread at 300.
#[test]
fn a_power_is_judged_beside_its_speed() {
    let mut speed: Vec<f64> = (0..400).map(|i| 35.0 + f64::from(i / 4 * 7 % 11) / 2.0).collect();
    speed[120] = 25.0;
    let mut power: Vec<f64> = speed.iter().map(|f| 10.0 * (f / 50.0_f64).powi(3)).collect();
    power.iter_mut().enumerate().for_each(|(i, p)| *p *= 1.0 + (i % 3) as f64 / 500.0);
    power[201] *= 0.85;
    speed[300] = 60.0;
    let by = |speed| spikes(&power, &Yardstick::of_meter(5.0, speed), PlantStates::default(), None);
    assert_eq!(by(Some((&speed, 5.0))), [201]);
    assert!(!by(None).contains(&201));
}

/// A load that swings by a tenth from sample to sample, as its law says, to 2/300: 15 % too much at 150 are none of its own
/// steps, and far from its law; 60 % at 251 the law shows, too. A law that is made of the value says nothing of it.
#[test]
fn a_law_tells_the_plants_jumps_from_the_sensors() {
    let load = |i: usize| 1000.0 * (1.0 + 0.1 * (i * 7 % 11) as f64 / 11.0);
    let mut by_law: Vec<f64> = (0..400).map(load).collect();
    let mut values: Vec<f64> = (0..400).map(|i| load(i) * (1.0 + (i % 3) as f64 / 300.0)).collect();
    values[150] *= 1.15;
    (values[251], by_law[251]) = (values[251] * 1.6, by_law[251] * 1.6);
    let at: Vec<i64> = (0..).take(values.len()).map(|i| i * 5 * MINUTE).collect();
    let samples = samples(&at, &values, STEP, STEP);
    let judged = |expected: &[f64]| -> Vec<usize> {
        let alone = Yardstick::of_meter(1100.0, None);
        let beside = alone.beside(expected);
        let scan = |yardstick| jumps(&samples, STEP, 8.0, yardstick, PlantStates::default(), None);
        let both = scan(&alone).by_law(scan(&beside), &samples, &beside);
        both.found.iter().map(|sample| sample.first).collect()
    };
    assert_eq!(judged(&by_law), [150]);
    assert_eq!(judged(&values), [251]);
    assert_eq!(judged(&[f64::NAN; 400]), [251]);
    by_law[200] *= 1.15; // the law's own sensors err
    assert_eq!(judged(&by_law), [150]);
}

//! Spike: one sample that jumps away from its neighbours and back.
//!
//! Both first differences around it are further from 0 than `spike_z` (4.5) robust standard deviations and have
//! opposite signs. The deviation is 1.4826 × the median of |difference| over the differences that are not 0
//! (MAD about 0, where differences of a sensor centre; Iglewicz & Hoaglin 1993 for the factor): a coarse or
//! idle point repeats, and its zeros would make any step a spike. The median says little of a meter that counts in
//! quanta, or that dithers by a hundredth between its steps of one: so both differences are also more than 2.2 times
//! what 95 % of the column's own steps are, once there are 100 (of normal noise that is 4.3 σ, less than `spike_z` asks for). A step that
//! stays is a change, not a spike, and what swings at several samples in a row is a start or a loop that hunts: the
//! steps before and after a spike are within the limit. Where more than 3 % of the samples (2 at least) jump away and
//! back, that is how the point behaves, and none is hit. No spike is also what a plant shows when a machine starts or stops for one sample: its number
//! of running machines changes, it is seen on other meters too
//! ([`super::shared_jumps`]), or – where that is not known – a meter goes from its idle floor to a usual value and
//! back, or to its idle floor and back. Judged on native samples: of a point that is recorded every hour in a
//! 15-minute report, four equal cells are one sample. Needs 20 differences to know the sensor.

use std::collections::HashSet;

use super::machines::MachineState;
use super::sampling::{GAP_FACTOR, UsualSpan, median, quantile};

/// 1 / Φ⁻¹(3/4): the MAD of a normal distribution as its standard deviation.
const MAD_TO_SIGMA: f64 = 1.4826;
/// Differences that are needed to know a sensor.
const LEAST: usize = 20;
/// Share of the samples that may be spikes, and how many at least.
const OFTEN: (f64, usize) = (0.03, 2);
/// How many times its usual steps a spike is, which share of the steps are usual, and of how many at least.
const USUAL: (f64, f64, usize) = (2.2, 0.95, 100);
/// A quantile of all steps, and what it is of a normal distribution, in standard deviations.
const WIDE: (f64, f64) = (0.9, 1.645);
/// Deviations in a quantum at least: a coarse sensor's noise is not known better.
const QUANTA: f64 = 2.0;

/// What is known of the plant, row by row.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PlantStates<'a> {
    /// How many machines run.
    pub(crate) staging: Option<&'a [u16]>,
    /// Whether the sensor's own machine does.
    pub(crate) running: Option<&'a [MachineState]>,
}

/// A native sample: its rows and value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct NativeSample {
    /// First row.
    pub(crate) first: usize,
    /// Last row.
    pub(crate) last: usize,
    /// Time of the first row, UTC ms.
    pub(crate) at_ms: i64,
    /// Time of the last row, UTC ms.
    pub(crate) end_ms: i64,
    /// Value.
    pub(crate) value: f64,
}

/// The native samples of a column: its present rows, those that only repeat a slower sample put together.
#[must_use]
pub(crate) fn samples(at_ms: &[i64], values: &[f64], interval_ms: f64, seen_ms: f64) -> Vec<NativeSample> {
    let slow = interval_ms > GAP_FACTOR * seen_ms;
    let mut samples: Vec<NativeSample> = Vec::new();
    for (row, (at, value)) in at_ms.iter().zip(values).enumerate().filter(|(_, (_, value))| !value.is_nan()) {
        match samples.last_mut() {
            Some(last) if slow && last.value == *value && ((at - last.at_ms) as f64) < 0.99 * interval_ms => {
                (last.last, last.end_ms) = (row, *at)
            }
            _ => samples.push(NativeSample { first: row, last: row, at_ms: *at, end_ms: *at, value: *value }),
        }
    }
    samples
}

/// The samples that are spikes, and how many could be judged: jumps that are rare and are no other machine's too
/// (`shared`: their first rows).
#[must_use]
pub(crate) fn spikes(
    samples: &[NativeSample],
    interval_ms: f64,
    z: f64,
    plant: PlantStates<'_>,
    usual: Option<UsualSpan>,
    shared: &HashSet<usize>,
) -> (Vec<NativeSample>, u64) {
    let (mut found, judged) = jumps(samples, interval_ms, z, plant, usual);
    found.retain(|sample| !shared.contains(&sample.first));
    if found.len() as f64 > OFTEN.0 * judged as f64 && found.len() > OFTEN.1 {
        found.clear();
    }
    (found, judged)
}

/// The samples that jump away and back, and how many could be judged; `usual` are the usual values of a meter that may
/// idle.
#[must_use]
pub(crate) fn jumps(
    samples: &[NativeSample],
    interval_ms: f64,
    z: f64,
    plant: PlantStates<'_>,
    usual: Option<UsualSpan>,
) -> (Vec<NativeSample>, u64) {
    let PlantStates { staging, running } = plant;
    let steps = samples.iter().zip(samples.iter().skip(1));
    let differences: Vec<f64> = steps
        .map(|(a, b)| if (b.at_ms - a.at_ms) as f64 <= GAP_FACTOR * interval_ms { b.value - a.value } else { f64::NAN })
        .collect();
    let stage = |sample: &NativeSample| staging.and_then(|stages| stages.get(sample.first).copied());
    // A start or a stop is none of the sensor's own steps, nor what it does while its machine stands.
    let runs =
        |sample: &NativeSample| running.is_none_or(|running| running.get(sample.first) == Some(&MachineState::On));
    let is_own = |a: &NativeSample, b: &NativeSample| {
        let idles = |sample: &NativeSample| usual.is_some_and(|usual| sample.value <= usual.floor());
        stage(a) == stage(b) && idles(a) == idles(b) && runs(a) && runs(b)
    };
    let own = samples.iter().zip(samples.iter().skip(1)).zip(&differences).filter(|((a, b), _)| is_own(a, b));
    let own: Vec<f64> = own.map(|(_, d)| d.abs()).filter(|d| !d.is_nan()).collect();
    let Some(wide_limit) = limit(differences.iter().map(|d| d.abs()).filter(|d| !d.is_nan()).collect(), z) else {
        return (Vec::new(), 0);
    };
    let own_limit = limit(own, z).map_or(wide_limit, |own| own.min(wide_limit));
    let starts_or_stops = |before: f64, value: f64, after: f64| {
        usual.filter(|_| staging.is_none()).is_some_and(|usual| {
            let idle = |value: f64| usual.is_idle(value);
            let from_idle = idle(before) && idle(after) && value <= usual.high;
            from_idle || (idle(value) && !idle(before) && !idle(after))
        })
    };
    let mut found = Vec::new();
    let mut judged = 0;
    let is_large = |place: Option<usize>, limit: f64| {
        place.and_then(|place| differences.get(place)).is_some_and(|difference| difference.abs() > limit)
    };
    for (place, (three, around)) in samples.windows(3).zip(differences.windows(2)).enumerate() {
        let ([before, sample, after], [up, down]) = (three, around) else { continue };
        if up.is_nan() || down.is_nan() || stage(before) != stage(sample) || stage(sample) != stage(after) {
            continue;
        }
        // Where its machine may stand, start or stop, only what all of its steps say is known of it.
        let limit = if runs(before) && runs(sample) && runs(after) { own_limit } else { wide_limit };
        if up.abs() > limit && starts_or_stops(before.value, sample.value, after.value) {
            continue;
        }
        judged += 1;
        let alone = !is_large(place.checked_sub(1), limit) && !is_large(Some(place + 2), limit);
        if alone && up.abs() > limit && down.abs() > limit && up.signum() != down.signum() {
            found.push(*sample);
        }
    }
    (found, judged)
}

/// What a difference must exceed among steps of these sizes; none when too few of them are any.
fn limit(mut all: Vec<f64>, z: f64) -> Option<f64> {
    let mut sizes: Vec<f64> = all.iter().copied().filter(|size| *size > 0.0).collect();
    if sizes.len() < LEAST {
        return None;
    }
    let middle = median(&mut sizes)?;
    if sizes.len() < USUAL.2 {
        return Some(z * MAD_TO_SIGMA * middle);
    }
    // Of a coarse sensor the median of what moves at all is a quantum, whatever its noise.
    let sigma = (MAD_TO_SIGMA * middle).min((quantile(&mut all, WIDE.0)? / WIDE.1).max(middle / QUANTA));
    Some((z * sigma).max(USUAL.0 * quantile(&mut sizes, USUAL.1)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;

    const MINUTE: i64 = 60_000;
    const STEP: f64 = 5.0 * 60_000.0;

    fn found(values: &[f64], staging: Option<&[u16]>) -> Vec<usize> {
        let at: Vec<i64> = (0..).take(values.len()).map(|i| i * 5 * MINUTE).collect();
        spikes(
            &samples(&at, values, STEP, STEP),
            STEP,
            8.0,
            PlantStates { staging, running: None },
            None,
            &HashSet::new(),
        )
        .0
        .iter()
        .map(|s| s.first)
        .collect()
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
    }

    #[test]
    fn equal_cells_of_a_slow_point_are_one_sample() {
        let at: Vec<i64> = (0..120).map(|i| i * 15 * MINUTE).collect();
        let mut values: Vec<f64> = (0..120).map(|i| if i / 4 % 2 == 0 { 20.0 } else { 20.1 }).collect();
        values[40..44].fill(35.0); // one hourly sample
        let (hour, quarter) = (3_600_000.0, 900_000.0);
        let samples = samples(&at, &values, hour, quarter);
        assert_eq!(samples.len(), 30);
        let (found, _) = spikes(&samples, hour, 8.0, PlantStates::default(), None, &HashSet::new());
        assert_eq!(found.iter().map(|s| (s.first, s.last)).collect::<Vec<_>>(), [(40, 43)]);
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
        let at: Vec<i64> = (0..400).map(|i| i * 5 * MINUTE).collect();
        let by = |usual| {
            let found =
                spikes(&samples(&at, &values, STEP, STEP), STEP, 8.0, PlantStates::default(), usual, &HashSet::new()).0;
            found.iter().map(|s| s.first).collect::<Vec<_>>()
        };
        assert_eq!(by(None), [40, 203]);
        assert_eq!(by(UsualSpan::of(&values)), [203], "60 kW are not usual");
        // A meter that never idles at 0 and shows it once has lost a value.
        let mut main: Vec<f64> = (0..100).map(|i| 400.0 + f64::from(i % 7)).collect();
        main[50] = 0.0;
        let usual = UsualSpan::of(&main);
        assert_eq!(
            spikes(&samples(&at[..100], &main, STEP, STEP), STEP, 8.0, PlantStates::default(), usual, &HashSet::new())
                .0
                .len(),
            1
        );
    }
}

//! Spike: one sample that jumps away from its neighbours and back.
//!
//! Both first differences around it are further from 0 than `spike_z` (4.5) robust standard deviations and have
//! opposite signs; or their mean is, and each is 0.7 of it at least: the noise of both neighbours takes from one what it adds
//! to the other (of meters, and of what a loop of an air handler moves, both must be). The deviation is 1.4826 × the median of |difference| over the differences that are not 0
//! (MAD about 0, where differences of a sensor centre; Iglewicz & Hoaglin 1993 for the factor): a coarse or
//! idle point repeats, and its zeros would make any step a spike. The median says little of a meter that counts in
//! quanta, or that dithers by a hundredth between its steps of one: so both differences are also more than 2.2 times
//! what 95 % of the column's own steps are, once there are 100 (of normal noise that is 4.3 σ, less than `spike_z` asks for). A step that
//! stays is a change, not a spike, and what swings at several samples in a row is a start or a loop that hunts: the
//! steps before and after a spike are within the limit. Where more than 3 % of the samples (2 at least) jump away and
//! back, that is how the point behaves, and none is hit.
//!
//! What meters of power, flow and load are off by grows with the reading: they are judged by their logarithm, a value
//! below 2 % of the usual greatest one as that. The power of a pump or fan follows its speed: what is judged is P/f³, where
//! P itself jumps half as far at least ([`Yardstick`]).
//!
//! Where a law binds it to other columns ([`super::spike_laws`]), what is left of the law is judged likewise, where the value itself
//! shows half of the jump; and a jump of the value that the law shows is no spike.
//!
//! Where a machine starts or stops just before or after it, for good, a temperature of water or a flow goes from one level to
//! another, and a sample beyond both is judged by how far it did so at other starts and stops: 1.5 times the third
//! furthest at least. Power, speed and load overshoot there, and are not judged.
//!
//! No spike is also what a plant shows when a machine starts or stops for one sample: which of its machines run changes,
//! it is seen on other meters too ([`super::shared_jumps`]), or – where that is not known – a meter goes from its idle
//! floor to a usual value and back, or to its idle floor and back. In the three samples after a start or stop of any
//! machine, as where its own one stands, only what all of the column's steps say is known of it. Judged on native samples:
//! of a point that is recorded every hour in a 15-minute report, four equal cells are one sample. Needs 20 differences to
//! know the sensor.

use super::machines::MachineState;
use super::sampling::{GAP_FACTOR, UsualSpan, median, quantile};
use super::shared_jumps::noise_of;

/// 1 / Φ⁻¹(3/4): the MAD of a normal distribution as its standard deviation.
const MAD_TO_SIGMA: f64 = 1.4826;
/// Differences that are needed to know a sensor.
const LEAST: usize = 20;
/// Of the mean of both steps, what each of them must show: less on one side is a level that changes.
const EACH_SIDE: f64 = 0.7;
/// How many samples at starts and stops may be spikes of one point, and how many times the next one a spike is there.
const OTHERS: usize = 2;
const UNLIKE_OTHERS: f64 = 1.5;
/// Of a spike there, what the step before and the one after it may be.
const STILL: f64 = 0.5;
/// Share of the samples that may be spikes, and how many at least.
const OFTEN: (f64, usize) = (0.03, 2);
/// How many times its usual steps a spike is, which share of the steps are usual, and of how many at least.
const USUAL: (f64, f64, usize) = (2.2, 0.95, 100);
/// A quantile of all steps, and what it is of a normal distribution, in standard deviations.
const WIDE: (f64, f64) = (0.9, 1.645);
/// Deviations in a quantum at least: a coarse sensor's noise is not known better.
const QUANTA: f64 = 2.0;
/// Quanta in a spike of a share: rounding alone makes one of what the neighbours' mean and a reading lie apart.
const COARSE_QUANTA: f64 = 3.0;
/// Samples after a start or stop whose steps are not the sensor's own: water takes minutes to settle.
const SETTLING: usize = 3;
/// Least share of its usual greatest value that a meter's logarithm tells from nothing.
const NOTHING: f64 = 0.02;
/// Power goes with this power of the speed (affinity laws).
const SPEED_EXPONENT: f64 = 3.0;
/// How much of a jump of P/f³, or of what is left of the law, the value itself must show.
const ITSELF: f64 = 0.5;
/// How many deviations of a law's noise a jump must be for the law to speak of it; of which share of it less is left where the law
/// shows some of it, and of which share what is left is nothing.
const HEARD: f64 = 4.0;
const HARDLY: f64 = 0.75;
const MADE_OF_IT: f64 = 0.005;

/// What is known of the plant, row by row.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PlantStates<'a> {
    /// Which machines run, as one number for each set of them.
    pub(crate) staging: Option<&'a [u64]>,
    /// Whether the sensor's own machine does.
    pub(crate) running: Option<&'a [MachineState]>,
}

/// By what samples are compared.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Yardstick<'a> {
    /// Of a power, flow or load, what is next to nothing; none compares values as they are.
    least: Option<f64>,
    /// The speed of its machine, row by row, and from where on that runs; of a power.
    speed: Option<(&'a [f64], f64)>,
    /// Whether it goes from one level to another when a machine starts or stops, as a temperature or a flow does.
    follows_starts: bool,
    /// What it reads by the law that binds it, row by row: with it, the difference to that is compared.
    expected: Option<&'a [f64]>,
    /// Whether a loop of an air handler moves it: that swings within a sample or two, so both steps must be beyond the limit.
    swings: bool,
}

impl<'a> Yardstick<'a> {
    /// By shares of the value, whose usual greatest one is `high`; of a power with the `speed` of its machine.
    #[must_use]
    pub(crate) fn of_meter(high: f64, speed: Option<(&'a [f64], f64)>) -> Self {
        if high > 0.0 { Self { least: Some(NOTHING * high), speed, ..Self::default() } } else { Self::default() }
    }

    /// Of what goes from one level to another when a machine starts or stops, as a temperature of water or a flow does; a power,
    /// speed or load overshoots.
    #[must_use]
    pub(crate) fn following_starts(self, follows_starts: bool) -> Self {
        Self { follows_starts, ..self }
    }

    /// Of what a loop of an air handler moves.
    #[must_use]
    pub(crate) fn swinging(self, swings: bool) -> Self {
        Self { swings, ..self }
    }

    /// Beside what it reads by its law.
    #[must_use]
    pub(crate) fn beside(self, expected: &'a [f64]) -> Self {
        Self { expected: Some(expected), ..self }
    }

    fn scaled(&self, value: f64) -> f64 {
        // A value that is not there stays so.
        self.least.filter(|_| !value.is_nan()).map_or(value, |least| value.max(least).ln())
    }

    fn by_itself(&self, sample: &NativeSample) -> f64 {
        self.scaled(sample.value)
    }

    fn measure(&self, sample: &NativeSample) -> f64 {
        if let Some(expected) = self.expected {
            return self.by_itself(sample) - self.scaled(expected.get(sample.first).copied().unwrap_or(f64::NAN));
        }
        let Some((speeds, running)) = self.speed else { return self.by_itself(sample) };
        let speed = speeds.get(sample.first).copied().unwrap_or(f64::NAN);
        // Where it stands there is no law.
        if speed <= running { self.by_itself(sample) } else { self.by_itself(sample) - SPEED_EXPONENT * speed.ln() }
    }

    /// How far the value lies above its neighbours' mean; as a share of that where shares count, so that a ramp to nothing is none.
    fn own_jump(&self, [before, now, after]: [&NativeSample; 3]) -> f64 {
        self.by_itself(now) - self.scaled((before.value + after.value) / 2.0)
    }

    /// Whether the value shows a jump itself, rather than the speed or the law that it is compared with; beside a law it goes away
    /// and back, too, for water that goes to another level is not mixed yet.
    fn is_own(&self, jump: f64, three: [&NativeSample; 3]) -> bool {
        let [before, now, after] = three.map(|sample| sample.value);
        let is_away = self.expected.is_none() || (now - before) * (now - after) > 0.0;
        let alone = self.speed.is_none() && self.expected.is_none();
        alone || (is_away && self.own_jump(three) * jump.signum() >= ITSELF * jump.abs())
    }

    /// Whether the law shows a jump of the value, too: the half of it, or a quarter where what is left is no more than the law's
    /// noise, of which the jump is four deviations. A law that shows exactly what the value does is made of it, and no witness.
    fn is_lawful(&self, three: [&NativeSample; 3], noise: f64) -> bool {
        let jump = self.own_jump(three).abs();
        let left = self.own_jump(three).signum() * above(three.map(|sample| self.measure(sample)));
        let is_made_of_it = left.abs() < MADE_OF_IT * jump;
        let is_noise = left < HEARD * noise && left < HARDLY * jump;
        !is_made_of_it && jump > HEARD * noise && (left < ITSELF * jump || is_noise)
    }
}

/// How far the middle one of three lies above the mean of its neighbours.
fn above([before, now, after]: [f64; 3]) -> f64 {
    now - (before + after) / 2.0
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

/// What was found in a column.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct SpikeScan {
    /// The samples that jump away and back.
    pub(crate) found: Vec<NativeSample>,
    /// How many could be judged.
    pub(crate) judged: u64,
}

impl SpikeScan {
    /// With what is found beside the law of `yardstick`, and without what that shows, too.
    #[must_use]
    pub(crate) fn by_law(mut self, beside: Self, samples: &[NativeSample], yardstick: &Yardstick<'_>) -> Self {
        let left: Vec<f64> = samples.iter().map(|sample| yardstick.measure(sample)).collect();
        let noise = noise_of(&left);
        let is_lawful = |found: &NativeSample| {
            let place = samples.partition_point(|sample| sample.first < found.first);
            let three = place.checked_sub(1).and_then(|before| samples.get(before..before + 3));
            matches!(three, Some([before, now, after]) if yardstick.is_lawful([before, now, after], noise))
        };
        self.found.retain(|found| !is_lawful(found));
        self.found.extend(beside.found);
        self.found.sort_unstable_by_key(|sample| sample.first);
        self.found.dedup();
        self.judged = self.judged.max(beside.judged);
        self
    }

    /// What is left without the jumps that are no sensor's; nothing where so many are left that it is how the point behaves.
    #[must_use]
    pub(crate) fn without(mut self, is_shared: impl Fn(usize) -> bool) -> Self {
        self.found.retain(|sample| !is_shared(sample.first));
        if self.found.len() as f64 > OFTEN.0 * self.judged as f64 && self.found.len() > OFTEN.1 {
            self.found.clear();
        }
        self
    }
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

/// The samples that jump away and back; `usual` are the usual values of a meter that may idle.
#[must_use]
pub(crate) fn jumps(
    samples: &[NativeSample],
    interval_ms: f64,
    z: f64,
    yardstick: &Yardstick<'_>,
    plant: PlantStates<'_>,
    usual: Option<UsualSpan>,
) -> SpikeScan {
    let PlantStates { staging, running } = plant;
    let measures: Vec<f64> = samples.iter().map(|sample| yardstick.measure(sample)).collect();
    let steps = samples.iter().zip(samples.iter().skip(1)).zip(measures.iter().zip(measures.iter().skip(1)));
    let differences: Vec<f64> = steps
        .map(
            |((a, b), (from, to))| {
                if (b.at_ms - a.at_ms) as f64 <= GAP_FACTOR * interval_ms { to - from } else { f64::NAN }
            },
        )
        .collect();
    let stage = |sample: &NativeSample| staging.and_then(|stages| stages.get(sample.first).copied());
    let state = |sample: &NativeSample| running.map(|running| running.get(sample.first).copied());
    let runs = |sample: &NativeSample| state(sample).is_none_or(|state| state == Some(MachineState::On));
    let changes = |a: &NativeSample, b: &NativeSample| stage(a) != stage(b) || state(a) != state(b);
    // A start or a stop is none of the sensor's own steps, nor what follows it, nor what it does while its machine stands.
    let mut steady = 0_usize;
    let is_settled: Vec<bool> = (samples.iter().zip(samples.iter().skip(1)))
        .map(|(a, b)| {
            steady = if changes(a, b) || !runs(b) { 0 } else { steady + 1 };
            steady > SETTLING
        })
        .collect();
    let idles = |sample: &NativeSample| usual.is_some_and(|usual| sample.value <= usual.floor());
    let pairs = samples.iter().zip(samples.iter().skip(1));
    let own: Vec<f64> = (differences.iter().zip(&is_settled).zip(pairs))
        .filter(|((d, settled), (a, b))| **settled && !d.is_nan() && (running.is_some() || idles(a) == idles(b)))
        .map(|((d, _), _)| d.abs())
        .collect();
    let Some(wide_limit) = limit(differences.iter().map(|d| d.abs()).filter(|d| !d.is_nan()).collect(), z) else {
        return SpikeScan::default();
    };
    let own_limit = limit(own, z).map_or(wide_limit, |own| own.min(wide_limit));
    let at_starts = Some(()).filter(|()| yardstick.follows_starts);
    let at_starts =
        at_starts.and_then(|()| limit_at_starts(samples, &differences, z, &changes)).map(|l| l.max(wide_limit));
    let starts_or_stops = |before: f64, value: f64, after: f64| {
        usual.filter(|_| staging.is_none() && running.is_none()).is_some_and(|usual| {
            let idle = |value: f64| usual.is_idle(value);
            let from_idle = idle(before) && idle(after) && value <= usual.high;
            from_idle || (idle(value) && !idle(before) && !idle(after))
        })
    };
    // What a coarse meter shows of a small value is a step of its own: by three of them at least it must be off.
    let quantum = samples.iter().zip(samples.iter().skip(1)).map(|(a, b)| (b.value - a.value).abs());
    let quantum = quantum.filter(|step| *step > 0.0).fold(f64::INFINITY, f64::min);
    let is_coarse =
        |jump: f64, value: f64| yardstick.least.is_some() && jump.abs() * value.abs() < COARSE_QUANTA * quantum;
    let is_plain = !yardstick.swings && yardstick.least.is_none();
    let mut scan = SpikeScan::default();
    let is_large = |place: Option<usize>, limit: f64| {
        place.and_then(|place| differences.get(place)).is_some_and(|difference| difference.abs() > limit)
    };
    let around = differences.windows(2).zip(is_settled.windows(2));
    for (place, (three, (around, settled))) in samples.windows(3).zip(around).enumerate() {
        let ([before, sample, after], [up, down]) = (three, around) else { continue };
        let started = [changes(before, sample), changes(sample, after)];
        if up.is_nan() || down.is_nan() || started == [true, true] || state(before) != state(after) {
            continue;
        }
        let is_start = started.contains(&true);
        let limit = match (is_start, settled.contains(&false)) {
            (true, _) => at_starts.unwrap_or(f64::INFINITY),
            (false, true) => wide_limit,
            (false, false) => own_limit,
        };
        if limit.is_infinite() {
            continue;
        }
        if up.abs() > limit && starts_or_stops(before.value, sample.value, after.value) {
            continue;
        }
        scan.judged += 1;
        let least = if up.signum() == down.signum() { 0.0 } else { up.abs().min(down.abs()) };
        // Beside a start what rises already goes on rising, until the other machine tells.
        let still = if is_start { limit.min(STILL * least) } else { limit };
        let alone = !is_large(place.checked_sub(1), still) && !is_large(Some(place + 2), still);
        let jump = (up - down) / 2.0;
        let is_even = least > EACH_SIDE * jump.abs();
        let away_and_back = if is_start {
            least > limit && is_even
        } else {
            least > limit || (is_plain && jump.abs() > limit && is_even)
        };
        let around = (before.value + after.value) / 2.0;
        let is_spike = alone && away_and_back && !is_coarse(jump, around);
        if is_spike && yardstick.is_own(jump, [before, sample, after]) {
            scan.found.push(*sample);
        }
    }
    scan
}

/// What a sample must lie beyond both its neighbours by where the machines that run change before or after it: more than at
/// other starts and stops of this point, and than its usual steps.
fn limit_at_starts(
    samples: &[NativeSample],
    differences: &[f64],
    z: f64,
    changes: &impl Fn(&NativeSample, &NativeSample) -> bool,
) -> Option<f64> {
    let beyond = |(three, steps): (&[NativeSample], &[f64])| {
        let ([before, sample, after], [up, down]) = (three, steps) else { return None };
        let is_start = changes(before, sample) != changes(sample, after);
        (is_start && up.signum() != down.signum()).then(|| up.abs().min(down.abs())).filter(|by| !by.is_nan())
    };
    let mut all: Vec<f64> = samples.windows(3).zip(differences.windows(2)).filter_map(beyond).collect();
    all.sort_unstable_by(|a, b| b.total_cmp(a));
    let other = all.get(OTHERS).copied().unwrap_or_default();
    Some(limit(all, z)?.max(UNLIKE_OTHERS * other))
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
mod tests;

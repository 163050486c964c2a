//! Which sensors' errors explain what the laws say: the fewest steps and ramps that leave all laws quiet.
//!
//! A matching pursuit (Mallat, Zhang 1993) over sensors and stretches of days: the error that quiets the laws most is
//! taken, then the next, all are fitted again to what the others leave, and one that another sensor's would explain
//! better, or that is not needed any more, is taken back. A law that a sensor takes part in and that is quiet speaks
//! against its error, so that the sensor on which most laws agree is found, not the one with the largest residual.

use super::plant::Plant;
use super::relation::Law;
use super::robust::{median_of, spread_of};
use super::track::Track;

/// Gain (sum of squared standard deviations) below which nothing is explained.
const LEAST_GAIN: f64 = 60.0;
/// Days that an error must last.
const LEAST_DAYS: usize = 3;
/// Most errors that are looked for.
const MOST: usize = 40;
/// Of one sensor.
const MOST_OF_ONE: usize = 2;
/// A ramp must explain so many times as much as a step.
const RAMP_AHEAD: f64 = 1.02;

/// One error for several must explain this share of what they do.
const JOINED: f64 = 0.8;

/// How an error goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// It stays the same.
    Step,
    /// It grows from 0 with every day.
    Ramp,
}

/// An error of one sensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SensorError {
    /// Which.
    pub(crate) sensor: usize,
    /// Constant or growing.
    pub(crate) shape: Shape,
    /// First day.
    pub(crate) from: usize,
    /// The day after the last.
    pub(crate) to: usize,
    /// K, or a share of the reading; a day more, of a ramp.
    pub(crate) size: f64,
    /// How much it explains.
    pub(crate) gain: f64,
}

impl SensorError {
    /// Its size on a day.
    #[must_use]
    pub(crate) fn on(&self, day: usize) -> f64 {
        match self.shape {
            _ if !(self.from..self.to).contains(&day) => 0.0,
            Shape::Step => self.size,
            Shape::Ramp => self.size * (day - self.from + 1) as f64,
        }
    }

    /// Its largest size.
    #[must_use]
    pub(crate) fn most(&self) -> f64 {
        self.on(self.to.saturating_sub(1))
    }
}

/// The laws day by day, and what is left of them.
pub(crate) struct Pursuit<'p> {
    plant: &'p Plant<'p>,
    tracks: &'p [Track],
    /// For each sensor the laws and places where it is a member.
    memberships: Vec<Vec<(usize, usize)>>,
    bases: Vec<f64>,
    /// Errors found.
    pub(crate) errors: Vec<SensorError>,
}

impl<'p> Pursuit<'p> {
    /// Of a plant's tracks (with gradients), one a law.
    #[must_use]
    pub(crate) fn new(plant: &'p Plant<'p>, tracks: &'p [Track]) -> Self {
        let mut memberships = vec![Vec::new(); plant.sensors.len()];
        for (law, relation) in plant.relations.iter().enumerate() {
            for (place, slot) in relation.members.iter().enumerate() {
                let Some(sensor) = plant.of_sensor.get(*slot).copied().flatten() else { continue };
                if let Some(laws) = memberships.get_mut(sensor)
                    && plant.sensors.get(sensor).is_some_and(|sensor| sensor.tag.is_sensor())
                {
                    laws.push((law, place));
                }
            }
        }
        let mut pursuit = Self { plant, tracks, memberships, bases: vec![0.0; tracks.len()], errors: Vec::new() };
        pursuit.settle_bases();
        pursuit
    }

    /// Looks for errors until nothing is left to explain.
    pub(crate) fn run(&mut self) {
        while self.errors.len() < MOST {
            let errors = self.errors.clone();
            let free = |sensor: usize| errors.iter().filter(|error| error.sensor == sensor).count() < MOST_OF_ONE;
            let best = self.best(None, &free);
            let Some(best) = best.filter(|best| best.gain >= LEAST_GAIN) else { break };
            self.errors.push(best);
            self.settle_bases();
            self.refit(2);
        }
        for _ in 0..3 {
            let before = self.errors.clone();
            self.replace();
            self.join();
            self.refit(2);
            self.errors.retain(|error| error.gain >= LEAST_GAIN);
            self.settle_bases();
            if before == self.errors {
                break;
            }
        }
        self.settle_weather();
    }

    /// Residual of a law on a day, errors (but for the one at `without`) and its usual state taken off.
    fn leftover(&self, law: usize, day: usize, without: Option<usize>) -> f64 {
        let (Some(track), Some(relation)) = (self.tracks.get(law), self.plant.relations.get(law)) else {
            return f64::NAN;
        };
        let mut left = track.days.get(day).copied().unwrap_or(f64::NAN) - self.bases.get(law).copied().unwrap_or(0.0);
        for (index, error) in self.errors.iter().enumerate() {
            if Some(index) == without || !(error.from..error.to).contains(&day) {
                continue;
            }
            for (gradients, slot) in track.gradients.iter().zip(&relation.members) {
                if self.plant.of_sensor.get(*slot).copied().flatten() == Some(error.sensor) {
                    left -= gradients.get(day).copied().unwrap_or(0.0) * error.on(day);
                }
            }
        }
        left
    }

    fn settle_bases(&mut self) {
        let days = self.plant.instants.days;
        let base = |law: usize| {
            let (track, relation) = (self.tracks.get(law)?, self.plant.relations.get(law)?);
            let own = self.bases.get(law).copied().unwrap_or(0.0);
            let left: Vec<f64> = (0..days).map(|day| self.leftover(law, day, None) + own).collect();
            Some(track.base(relation, &left, true))
        };
        self.bases = (0..self.tracks.len()).map(|law| base(law).unwrap_or(0.0)).collect();
    }

    /// For each day how far a sensor's error would be wanted, and how sure that is.
    fn wanted(&self, sensor: usize, without: Option<usize>) -> Vec<(f64, f64)> {
        let days = self.plant.instants.days;
        let mut wanted = vec![(0.0, 0.0); days];
        for (law, place) in self.memberships.get(sensor).into_iter().flatten() {
            let (Some(track), Some(relation)) = (self.tracks.get(*law), self.plant.relations.get(*law)) else {
                continue;
            };
            let Some(gradients) = track.gradients.get(*place) else { continue };
            let weight = relation.strength / (track.noise * track.noise);
            for (day, ((by, sure), gradient)) in wanted.iter_mut().zip(gradients).enumerate() {
                let left = self.leftover(*law, day, without);
                if left.is_finite() && gradient.is_finite() {
                    *by += weight * gradient * left;
                    *sure += weight * gradient * gradient;
                }
            }
        }
        wanted
    }

    /// The error that explains most, among sensors that are `allowed`.
    fn best(&self, without: Option<usize>, allowed: &dyn Fn(usize) -> bool) -> Option<SensorError> {
        let sensors = (0..self.memberships.len()).filter(|sensor| allowed(*sensor));
        let found = sensors.filter_map(|sensor| best_shape(sensor, &self.wanted(sensor, without)));
        found.max_by(|a, b| a.gain.total_cmp(&b.gain))
    }

    /// Fits every error again to what the others leave.
    fn refit(&mut self, times: usize) {
        for _ in 0..times {
            for index in 0..self.errors.len() {
                let Some(sensor) = self.errors.get(index).map(|error| error.sensor) else { continue };
                let again = best_shape(sensor, &self.wanted(sensor, Some(index)));
                if let (Some(slot), Some(again)) = (self.errors.get_mut(index), again) {
                    *slot = again;
                }
            }
            self.settle_bases();
        }
        self.errors.retain(|error| error.gain > 0.0);
    }

    /// Gives the errors that another sensor's would explain better to that sensor.
    fn replace(&mut self) {
        for index in 0..self.errors.len() {
            let Some(error) = self.errors.get(index).copied() else { continue };
            let relatives = self.relatives(error.sensor);
            let better = self.best(Some(index), &|sensor| relatives.contains(&sensor));
            if let Some(better) = better.filter(|better| better.gain > 1.02 * error.gain)
                && let Some(slot) = self.errors.get_mut(index)
            {
                *slot = better;
                self.settle_bases();
            }
        }
    }

    /// Settles which of the weather's sensors is wrong: day by day they look alike, but from hour to hour an error of the
    /// dry-bulb or the humidity shows the more, the drier the air is, and one of the wet-bulb always alike.
    fn settle_weather(&mut self) {
        let Some((law, relation)) = self.plant.relations.iter().enumerate().find(|(_, r)| r.law == Law::WetBulb) else {
            return;
        };
        let base = self.bases.get(law).copied().unwrap_or(0.0);
        for error in self.errors.iter_mut().filter(|error| relation.members.contains(&error.sensor)) {
            let mut rows: Vec<(f64, f64, [f64; 3])> = Vec::new();
            for (k, day) in self.plant.instants.day.iter().enumerate() {
                let row = |slot: usize| self.plant.slots.get(slot).and_then(|v| v.get(k)).copied().unwrap_or(f64::NAN);
                let mut gradient = [0.0; 3];
                let residual = relation.residual(&row, &self.plant.wet, Some(&mut gradient)) - base;
                let times = if error.size != 0.0 { error.on(*day) / error.size } else { 0.0 };
                if residual.is_finite() && times > 0.0 {
                    rows.push((residual, times, gradient));
                }
            }
            let fit = |place: usize| {
                let (mut by, mut sure) = (0.0, 0.0);
                for (residual, times, gradient) in &rows {
                    let slope = times * gradient.get(place).copied().unwrap_or(0.0);
                    (by, sure) = (by + slope * residual, sure + slope * slope);
                }
                let size = by / sure;
                let left = rows.iter().map(|(residual, times, gradient)| {
                    (residual - size * times * gradient.get(place).copied().unwrap_or(0.0)).abs()
                });
                Some((size, median_of(left)?))
            };
            let fits = relation.members.iter().enumerate().filter_map(|(place, sensor)| Some((*sensor, fit(place)?)));
            if let Some((sensor, (size, _))) = fits.min_by(|a, b| a.1.1.total_cmp(&b.1.1)) {
                (error.sensor, error.size) = (sensor, size);
            }
        }
    }

    /// Makes one error of several of one sensor where one explains nearly as much.
    fn join(&mut self) {
        let mut index = 0;
        while let Some(error) = self.errors.get(index).copied() {
            let others = self.errors.iter().filter(|other| other.sensor == error.sensor);
            let (count, gains) = others.fold((0, 0.0), |(count, gains), other| (count + 1, gains + other.gain));
            if count > 1 {
                let before = std::mem::take(&mut self.errors);
                self.errors = before.iter().filter(|other| other.sensor != error.sensor).copied().collect();
                self.settle_bases();
                match best_shape(error.sensor, &self.wanted(error.sensor, None)) {
                    Some(one) if one.gain >= JOINED * gains => {
                        let place = index.min(self.errors.len());
                        self.errors.insert(place, one);
                    }
                    _ => self.errors = before,
                }
                self.settle_bases();
            }
            index += 1;
        }
    }

    /// Sensors that share a law with this one.
    pub(crate) fn relatives(&self, sensor: usize) -> Vec<usize> {
        let laws = self.memberships.get(sensor).into_iter().flatten();
        let members = laws.filter_map(|(law, _)| self.plant.relations.get(*law)).flat_map(|relation| &relation.members);
        let mut all: Vec<usize> = members
            .filter_map(|slot| self.plant.of_sensor.get(*slot).copied().flatten())
            .filter(|s| *s != sensor)
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Whether a sensor takes part in a law.
    #[must_use]
    pub(crate) fn is_member(&self, sensor: usize, law: usize) -> bool {
        self.memberships.get(sensor).is_some_and(|laws| laws.iter().any(|(of, _)| *of == law))
    }

    /// The runner-up: how much the best other sensor's error would explain of what this one does.
    #[must_use]
    pub(crate) fn runner_up(&self, index: usize) -> Option<SensorError> {
        let error = self.errors.get(index)?;
        let relatives = self.relatives(error.sensor);
        self.best(Some(index), &|sensor| relatives.contains(&sensor))
    }

    /// What each law says of an error: median of the residual before and after it is taken off, on its days.
    #[must_use]
    pub(crate) fn witnesses(&self, index: usize) -> Vec<Witness> {
        let Some(error) = self.errors.get(index) else { return Vec::new() };
        let witness = |(law, place): &(usize, usize)| {
            let (track, relation) = (self.tracks.get(*law)?, self.plant.relations.get(*law)?);
            let gradients = track.gradients.get(*place)?;
            let (mut before, mut after, mut expected, mut days) = (0.0, 0.0, 0.0, 0_u32);
            // Without the error, the law's usual state may be another.
            let all = 0..self.plant.instants.days;
            let alone: Vec<f64> = all.map(|day| self.leftover(*law, day, Some(index))).collect();
            let usual = track.base(relation, &alone, true);
            // What is noise shows once the errors are taken off: a track's own holds them, too.
            let left = spread_of((0..self.plant.instants.days).map(|day| self.leftover(*law, day, None)));
            let noise = left.map_or(track.noise, |left| track.noise.min(left.max(relation.least_noise)));
            for day in error.from..error.to {
                let with = self.leftover(*law, day, None);
                let without = alone.get(day).copied().unwrap_or(f64::NAN);
                if with.is_finite() {
                    let gradient = gradients.get(day).copied().unwrap_or(0.0);
                    (before, after) = (before + (without - usual).abs(), after + with.abs());
                    (expected, days) = (expected + (gradient * error.on(day)).abs(), days + 1);
                }
            }
            let mean = |sum: f64| sum / f64::from(days);
            let found = Witness {
                law: *law,
                days,
                before: mean(before),
                after: mean(after),
                expected: mean(expected),
                noise,
                strength: relation.strength,
            };
            (days >= 2).then_some(found)
        };
        self.memberships.get(error.sensor).into_iter().flatten().filter_map(witness).collect()
    }
}

/// What one law says of an error; means over its days.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Witness {
    /// Which law.
    pub(crate) law: usize,
    /// Days on which it says something.
    pub(crate) days: u32,
    /// Residual without the error.
    pub(crate) before: f64,
    /// Residual with it.
    pub(crate) after: f64,
    /// What the error should make.
    pub(crate) expected: f64,
    /// Its noise.
    pub(crate) noise: f64,
    /// How much it counts.
    pub(crate) strength: f64,
}

impl Witness {
    /// Whether the error would show in it at all.
    #[must_use]
    pub(crate) fn can_tell(&self) -> bool {
        self.expected >= 3.0 * self.noise
    }

    /// Whether it is quieter with the error taken off.
    #[must_use]
    pub(crate) fn confirms(&self) -> bool {
        self.can_tell() && self.after <= 0.5 * self.before.max(0.6 * self.expected)
    }

    /// Whether it is not.
    #[must_use]
    pub(crate) fn denies(&self) -> bool {
        self.expected >= 5.0 * self.noise && self.after > 0.75 * self.before.max(0.5 * self.expected)
    }
}

/// The step or ramp of one sensor that explains most of what is wanted of it, day by day.
fn best_shape(sensor: usize, wanted: &[(f64, f64)]) -> Option<SensorError> {
    let known: Vec<(usize, f64, f64)> =
        (0..).zip(wanted).filter(|(_, (_, sure))| *sure > 0.0).map(|(day, (by, sure))| (day, *by, *sure)).collect();
    if known.len() < LEAST_DAYS {
        return None;
    }
    // Running sums of by, by·day, sure, sure·day, sure·day².
    let mut sums = vec![[0.0_f64; 5]];
    let mut running = [0.0; 5];
    for (day, by, sure) in &known {
        let t = *day as f64;
        for (sum, term) in running.iter_mut().zip([*by, by * t, *sure, sure * t, sure * t * t]) {
            *sum += term;
        }
        sums.push(running);
    }
    let mut best: Option<SensorError> = None;
    let mut best_gain = 0.0;
    for (a, (before, (from, ..))) in sums.iter().zip(&known).enumerate() {
        let start = *from as f64 - 1.0;
        for (upto, (day, ..)) in sums.iter().skip(a + LEAST_DAYS).zip(known.iter().skip(a + LEAST_DAYS - 1)) {
            let [by, by_t, sure, sure_t, sure_tt] = [0, 1, 2, 3, 4]
                .map(|i: usize| upto.get(i).copied().unwrap_or(0.0) - before.get(i).copied().unwrap_or(0.0));
            let step = by * by / sure;
            let ramp_by = by_t - start * by;
            let ramp_sure = sure_tt - 2.0 * start * sure_t + start * start * sure;
            let ramp = ramp_by * ramp_by / ramp_sure / RAMP_AHEAD;
            let long_enough = day + 1 - from >= 10;
            if step > best_gain {
                best_gain = step;
                let size = by / sure;
                best = Some(SensorError { sensor, shape: Shape::Step, from: *from, to: day + 1, size, gain: step });
            }
            if long_enough && ramp > best_gain {
                best_gain = ramp;
                let size = ramp_by / ramp_sure;
                best = Some(SensorError { sensor, shape: Shape::Ramp, from: *from, to: day + 1, size, gain: ramp });
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn wanted(error: impl Fn(usize) -> f64) -> Vec<(f64, f64)> {
        (0..60).map(|day| if day % 7 == 3 { (0.0, 0.0) } else { (100.0 * error(day), 100.0) }).collect()
    }

    #[test]
    fn a_step_and_a_ramp_are_told_apart() {
        let step = best_shape(0, &wanted(|day| if (20..41).contains(&day) { 1.5 } else { 0.0 })).unwrap();
        assert_eq!((step.shape, step.from, step.to), (Shape::Step, 20, 41));
        assert!((step.size - 1.5).abs() < 1e-9);
        let ramp = best_shape(0, &wanted(|day| if day >= 15 { (day - 14) as f64 / 30.0 } else { 0.0 })).unwrap();
        assert_eq!((ramp.shape, ramp.from, ramp.to), (Shape::Ramp, 15, 59), "nothing is known of day 59");
        assert!((ramp.size - 1.0 / 30.0).abs() < 1e-9);
    }
}

//! Time shift: a point, or all points of one report, late or early by whole intervals.
//!
//! A value that is late by k intervals belongs k intervals earlier. So each point is moved by k intervals and the laws are
//! asked at every instant whether they are better kept: Σ (|r as recorded| − |r moved|) ÷ noise. On days on which it is
//! shifted the sum rises, on others it falls, so the stretch is where it rises most (Kadane's maximum subarray); a small
//! toll an instant keeps chance from adding up. Only changes tell: a plant that stands still for weeks shows no shift.

use hvac_points::MachineKind;

use super::plant::Plant;
use super::robust::{median_of, spread_of};
use super::vote::{Corrected, residuals, residuals_on};
use rayon::prelude::*;

/// Toll an instant and law, in standard deviations.
const TOLL: f64 = 0.06;
/// Sum from which on it is no chance.
const LEAST_SUM: f64 = 85.0;
/// The same of the weather, which few laws bind, when it lasts for so many days: chance of a few days does not last.
const LEAST_SUM_OF_WEATHER: f64 = 30.0;
const LEAST_DAYS_OF_WEATHER: usize = 14;
/// What one instant counts at most, standard deviations.
const MOST: f64 = 4.0;
/// Share by which the residual of some law must fall.
const LEAST_FALL: f64 = 0.12;
/// Shifts that are tried beyond the first, intervals.
const LONGEST: i64 = 12;
/// Of so many days, one is looked at first.
const FEW_DAYS: usize = 4;
/// Points whose longer shifts are tried at a time.
const PROMISING: usize = 4;
/// Days that a shift must last.
const LEAST_DAYS: usize = 5;

/// A slot that was put right on days.
pub(crate) type Touched = (usize, std::ops::Range<usize>);

/// A shift of sensors.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ShiftFault {
    /// Whose; several when all points of one kind are shifted together.
    pub(crate) sensors: Vec<usize>,
    /// Intervals; positive is late.
    pub(crate) intervals: i64,
    /// One interval, ms.
    pub(crate) interval_ms: i64,
    /// First day, and the day after the last.
    pub(crate) days: std::ops::Range<usize>,
    /// How much better the laws are kept, standard deviations.
    pub(crate) sum: f64,
    /// Laws that tell, each with its mean |residual| as recorded and moved.
    pub(crate) laws: Vec<(usize, f64, f64)>,
}

/// Points that are shifted alone, or together.
fn candidates(plant: &Plant<'_>) -> Vec<Vec<usize>> {
    let of = |is: &dyn Fn(Option<MachineKind>) -> bool| -> Vec<usize> {
        let weather = |role| {
            matches!(role, hvac_points::Role::DryBulb | hvac_points::Role::Humidity | hvac_points::Role::WetBulb)
        };
        let fits = |sensor: &super::sensor::Sensor<'_>| !weather(sensor.tag.role) && is(sensor.tag.machine);
        (0..).zip(&plant.sensors).filter(|(_, sensor)| fits(sensor)).map(|(index, _)| index).collect()
    };
    let chiller = of(&|machine| machine == Some(MachineKind::Chiller));
    let air_handlers = of(&|machine| machine == Some(MachineKind::Other));
    let pumps = of(&|machine| !matches!(machine, None | Some(MachineKind::Chiller | MachineKind::Other)));
    let headers = of(&|machine| machine.is_none());
    let alone =
        |sensor: &super::sensor::Sensor<'_>| sensor.tag.is_sensor() && sensor.tag.machine != Some(MachineKind::Other);
    let single = (0..).zip(&plant.sensors).filter(|(_, sensor)| alone(sensor)).map(|(index, _)| vec![index]);
    let air = [hvac_points::Role::WetBulb, hvac_points::Role::DryBulb, hvac_points::Role::Humidity];
    let weather: Vec<usize> = air.into_iter().filter_map(|role| plant.find(role, None, None)).collect();
    let together = [chiller, pumps, headers, weather, air_handlers].into_iter().filter(|group| group.len() > 2);
    single.chain(together).collect()
}

/// Every shift.
#[must_use]
pub(crate) fn find(plant: &mut Plant<'_>, at_ms: &[i64], touched: &[Touched]) -> Vec<ShiftFault> {
    let mut found: Vec<ShiftFault> = Vec::new();
    let laws = plant.relations.len();
    let mut left = candidates(plant);
    let mut bounds: Vec<f64> = vec![f64::INFINITY; left.len()];
    while found.len() < 12 {
        // What is learnt of others is learnt again when these were put right.
        plant.relations.truncate(laws);
        super::tower::bind(plant);
        super::air::bind(plant);
        let settled = settle(plant);
        let shift = Shifter { plant, at_ms, touched, settled: &settled };
        let first = |(sensors, bound): (&Vec<usize>, &f64)| {
            // What explained nothing before does not after others were put right.
            let worth = least_sum(plant, sensors) / 4.0;
            if *bound < worth {
                return None;
            }
            // A few days tell whether it is worth to look at all.
            let few = [-2, 2].into_iter().filter_map(|k| Some((k, shift.attempt(sensors, k, FEW_DAYS)?.sum)));
            let (k, _) = few.max_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, sum)| *sum >= worth / FEW_DAYS as f64)?;
            shift.attempt(sensors, k, 1)
        };
        let first: Vec<Option<ShiftFault>> = left.par_iter().zip(&bounds).map(first).collect();
        for (bound, fault) in bounds.iter_mut().zip(&first) {
            *bound = fault.as_ref().map_or(0.0, |fault| fault.sum);
        }
        let mut tried: Vec<(usize, ShiftFault)> =
            first.into_iter().enumerate().filter_map(|(place, fault)| Some((place, fault?))).collect();
        tried.sort_by(|a, b| b.1.sum.total_cmp(&a.1.sum));
        let further =
            tried.into_iter().take(PROMISING).filter(|(_, fault)| fault.sum >= least_sum(plant, &fault.sensors) / 4.0);
        let further = further.filter_map(|(place, fault)| {
            let sign = fault.intervals.signum();
            let longer = (2..=LONGEST).filter_map(|k| shift.attempt(&fault.sensors, sign * k, 1));
            Some((place, longer.max_by(|a, b| a.sum.total_cmp(&b.sum))?))
        });
        let is_sure = |fault: &ShiftFault| {
            let fall = fault.laws.iter().map(|(_, before, after)| 1.0 - after / before).fold(0.0, f64::max);
            let lasts = fault.sum >= LEAST_SUM || fault.days.len() >= LEAST_DAYS_OF_WEATHER;
            lasts
                && fault.sum >= least_sum(plant, &fault.sensors)
                && fault.intervals.abs() < LONGEST
                && fall >= LEAST_FALL
        };
        let best = further.filter(|(_, fault)| is_sure(fault)).max_by(|a, b| a.1.sum.total_cmp(&b.1.sum));
        let Some((place, fault)) = best else { break };
        put_right(plant, (at_ms, touched), &fault);
        left.remove(place);
        bounds.remove(place);
        found.push(fault);
    }
    found
}

/// Sum from which on these sensors' shift is no chance.
fn least_sum(plant: &Plant<'_>, sensors: &[usize]) -> f64 {
    let role = |sensor: &usize| plant.sensors.get(*sensor).map(|sensor| sensor.tag.role);
    let has_wet_bulb = sensors.iter().any(|sensor| role(sensor) == Some(hvac_points::Role::WetBulb));
    if has_wet_bulb { LEAST_SUM_OF_WEATHER } else { LEAST_SUM }
}

/// Usual state and noise of each law, instant by instant, and what it says as recorded.
struct Settled {
    base: f64,
    noise: f64,
    residuals: Vec<f64>,
}

fn settle(plant: &Plant<'_>) -> Vec<Settled> {
    let one = |relation: &super::relation::Relation| {
        let mut residuals = residuals(plant, relation, &[]);
        // Slow changes are no shift: each day by itself.
        let days = super::vote::daily(plant, &residuals);
        for (residual, day) in residuals.iter_mut().zip(&plant.instants.day) {
            *residual -= days.get(*day).copied().unwrap_or(f64::NAN);
        }
        let base = median_of(residuals.iter().copied()).unwrap_or(0.0);
        let noise = spread_of(residuals.iter().copied()).unwrap_or(0.0).max(relation.least_noise);
        Settled { base, noise, residuals }
    };
    plant.relations.par_iter().map(one).collect()
}

/// The interval of points that go by one clock, ms: the middle one, for a state that is recorded on change has an interval
/// of its own, which says nothing.
#[expect(clippy::cast_possible_truncation, reason = "an interval in ms")]
fn common_interval(plant: &Plant<'_>, sensors: &[usize]) -> Option<i64> {
    let known = sensors.iter().filter_map(|index| plant.sensors.get(*index));
    let mut intervals_ms: Vec<i64> = known.map(|sensor| sensor.interval_ms as i64).collect();
    intervals_ms.sort_unstable();
    intervals_ms.get(intervals_ms.len() / 2).copied()
}

/// Values by another clock; where another fault was put right, they are not known.
fn moved(
    plant: &Plant<'_>,
    (at_ms, touched): (&[i64], &[Touched]),
    sensors: &[usize],
    intervals: i64,
    every: usize,
) -> Vec<Corrected> {
    let interval_ms = common_interval(plant, sensors).unwrap_or(0);
    let one = |index: &usize| {
        let sensor = plant.sensors.get(*index)?;
        let mut values = plant.instants.latest_on(at_ms, sensor, intervals * interval_ms, every);
        for (_, days) in touched.iter().filter(|(slot, _)| slot == index) {
            let near = |day: &usize| day + 1 >= days.start && *day <= days.end;
            let within = values.iter_mut().zip(&plant.instants.day).filter(|(_, day)| near(day));
            within.for_each(|(value, _)| *value = f64::NAN);
        }
        Some((*index, values))
    };
    sensors.iter().filter_map(one).collect()
}

/// What a shift is tried on.
struct Shifter<'s> {
    plant: &'s Plant<'s>,
    at_ms: &'s [i64],
    touched: &'s [Touched],
    settled: &'s [Settled],
}

impl Shifter<'_> {
    /// How much better the laws are kept when these sensors are moved, by every so many days; none when it does not last.
    fn attempt(&self, sensors: &[usize], intervals: i64, every: usize) -> Option<ShiftFault> {
        let Self { plant, settled, .. } = self;
        let corrected = moved(plant, (self.at_ms, self.touched), sensors, intervals, every);
        let mut days = vec![0.0; plant.instants.days];
        let mut tell: Vec<(usize, Vec<(f64, f64)>)> = Vec::new();
        for (law, (relation, settled)) in plant.relations.iter().zip(*settled).enumerate() {
            let inside = relation.members.iter().filter(|slot| sensors.contains(slot)).count();
            let all = relation.members.iter().all(|slot| sensors.contains(slot));
            if inside == 0 || all || relation.strength < 0.5 {
                continue;
            }
            let mut after = residuals_on(plant, relation, &corrected, every);
            let of_days = super::vote::daily(plant, &after);
            for (residual, day) in after.iter_mut().zip(&plant.instants.day) {
                *residual -= of_days.get(*day).copied().unwrap_or(f64::NAN);
            }
            let mut sums = vec![(0.0, 0.0); plant.instants.days];
            for ((before, after), day) in settled.residuals.iter().zip(&after).zip(&plant.instants.day) {
                let (a, b) = ((before - settled.base).abs(), (after - settled.base).abs());
                if a.is_nan() || b.is_nan() {
                    continue;
                }
                let better = ((a - b) / settled.noise).clamp(-MOST, MOST);
                if let (Some(sum), Some(pair)) = (days.get_mut(*day), sums.get_mut(*day)) {
                    *sum += relation.strength * (better - TOLL);
                    *pair = (pair.0 + a, pair.1 + b);
                }
            }
            tell.push((law, sums));
        }
        let (sum, stretch) = rise(&days)?;
        if stretch.len() < LEAST_DAYS {
            return None;
        }
        let total = |sums: &[(f64, f64)]| {
            let within = sums.get(stretch.clone()).unwrap_or(&[]).iter();
            within.fold((0.0, 0.0), |all, day| (all.0 + day.0, all.1 + day.1))
        };
        let laws = tell.iter().map(|(law, sums)| {
            let (before, after) = total(sums);
            (*law, before, after)
        });
        let laws: Vec<(usize, f64, f64)> = laws.filter(|(_, before, after)| after < before).collect();
        let interval_ms = common_interval(plant, sensors)?;
        Some(ShiftFault { sensors: sensors.to_vec(), intervals, interval_ms, days: stretch, sum, laws })
    }
}

/// The stretch over which the sum rises most, and by how much.
fn rise(days: &[f64]) -> Option<(f64, std::ops::Range<usize>)> {
    let mut best: Option<(f64, std::ops::Range<usize>)> = None;
    let (mut from, mut sum) = (0, 0.0);
    for (day, more) in days.iter().enumerate() {
        if sum <= 0.0 {
            (from, sum) = (day, 0.0);
        }
        sum += more;
        if best.as_ref().is_none_or(|(most, _)| sum > *most) {
            best = Some((sum, from..day + 1));
        }
    }
    best
}

fn put_right(plant: &mut Plant<'_>, (at_ms, touched): (&[i64], &[Touched]), fault: &ShiftFault) {
    for (slot, values) in moved(plant, (at_ms, touched), &fault.sensors, fault.intervals, 1) {
        let days = plant.instants.day.clone();
        let Some(own) = plant.slots.get_mut(slot) else { continue };
        for ((own, right), day) in own.iter_mut().zip(values).zip(days) {
            if fault.days.contains(&day) && !right.is_nan() {
                *own = right;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stretch_is_where_the_sum_rises() {
        assert_eq!(rise(&[-1.0, 2.0, 3.0, -0.5, 4.0, -9.0, 1.0]), Some((8.5, 1..5)));
        assert_eq!(rise(&[]), None);
    }
}

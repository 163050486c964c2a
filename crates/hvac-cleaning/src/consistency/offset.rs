//! Offset: a sensor that reads too much or too little by a constant, from some day on.
//!
//! From [`super::pursuit`]'s steps. One is reported when it is at least `offset_k` or `offset_share`, when laws that are worth
//! at least one law of nature are kept only with it, and no more than a quarter of them speaks against it, and when no
//! other sensor's error explains the same. Where two sensors explain it equally, the event names both; where several of one
//! kind err alike in the same days, what they share is wrong, and none is reported.

use hvac_points::Role;

use super::plant::Plant;
use super::pursuit::{Pursuit, SensorError, Shape, Witness};
use super::{SensorFault, SensorFinding, SensorLimits, finding, off};

/// Strength of laws that must speak for an error.
const LEAST_STRENGTH: f64 = 0.95;
/// Of the strength that speaks for it, what may speak against it.
const AGAINST: f64 = 0.34;
/// What an error must explain to be reported although another sensor's might explain it as well.
const SURE_GAIN: f64 = 1_000.0;
/// Share of all days that an error may take.
const MOST_OF_ALL: f64 = 0.96;
/// Days that it must last.
const LEAST_DAYS: usize = 5;
/// Two errors are of one size when they differ by this share of it at most.
const ALIKE: f64 = 0.1;
/// An opposite error of the same sensor counts from this share of what it explains on.
const OPPOSED: f64 = 0.2;
/// Another sensor explains it as well when it explains this share of it.
const AS_WELL: f64 = 0.93;

/// The event of an error, if it is an offset that is to be reported.
pub(crate) fn verdict(
    plant: &Plant<'_>,
    pursuit: &Pursuit<'_>,
    index: usize,
    limits: &SensorLimits,
) -> Option<SensorFinding> {
    let error = pursuit.errors.get(index).filter(|error| error.shape == Shape::Step)?;
    let sensor = plant.sensors.get(error.sensor)?;
    let temperature = sensor.tag.is_temperature();
    // A humidity's error is in points of its own percentage, and no promise is made of it.
    if sensor.tag.role == Role::Humidity {
        return None;
    }
    let size = if temperature { error.size } else { error.size.exp_m1() };
    if size.abs() < if temperature { limits.offset_k } else { limits.offset_share } {
        return None;
    }
    if error.to - error.from < LEAST_DAYS {
        return None;
    }
    if pursuit.errors.iter().any(|other| is_twin(plant, error, other)) {
        return None;
    }
    let proof = proof(plant, pursuit, index, error)?;
    let amount = if temperature { format!("{:.1} K", size.abs()) } else { format!("{:.0} %", 100.0 * size.abs()) };
    let way = if size > 0.0 { "too high" } else { "too low" };
    let detail = format!("{amount} {way}: {proof}");
    Some(finding(plant, SensorFault::Offset, error.sensor, &(error.from..error.to), detail))
}

/// Whether two sensors of one kind err by the same in the same days. Two of one kind do not fail alike at once: what they share – a flow
/// that is printed in another unit, a load – is wrong, and neither of them.
fn is_twin(plant: &Plant<'_>, error: &SensorError, other: &SensorError) -> bool {
    // Header and chillers measure one water; a pump's and a tower's power have nothing in common.
    let kind = |sensor: usize| {
        let tag = plant.sensors.get(sensor)?.tag;
        Some((tag.role, tag.machine.filter(|_| tag.role == Role::Power)))
    };
    let common = error.to.min(other.to).saturating_sub(error.from.max(other.from));
    let shorter = (error.to - error.from).min(other.to - other.from);
    other.sensor != error.sensor
        && other.shape == Shape::Step
        && kind(other.sensor) == kind(error.sensor)
        && (other.size - error.size).abs() <= ALIKE * error.size.abs()
        && 2 * common >= shorter
}

/// The evidence for an error, with its confidence; none when it is not enough.
pub(super) fn proof(plant: &Plant<'_>, pursuit: &Pursuit<'_>, index: usize, error: &SensorError) -> Option<String> {
    // An error that is there from the first day to the last is the sensors' usual state.
    if (error.to - error.from) as f64 > MOST_OF_ALL * plant.instants.days as f64 {
        return None;
    }
    let witnesses = pursuit.witnesses(index);
    let strength = |is: &dyn Fn(&Witness) -> bool| -> f64 {
        witnesses.iter().filter(|witness| is(witness)).map(|witness| witness.strength).sum()
    };
    let (speak_for, against) = (strength(&Witness::confirms), strength(&Witness::denies));
    if speak_for < LEAST_STRENGTH || against > AGAINST * speak_for {
        return None;
    }
    // What one law alone says may be what is left of another member's error.
    let telling: Vec<usize> = witnesses.iter().filter(|w| w.confirms()).map(|w| w.law).collect();
    let is_leftover = pursuit.errors.iter().enumerate().any(|(other, theirs)| {
        let overlaps = theirs.from < error.to && error.from < theirs.to;
        let same = theirs.sensor == error.sensor;
        let opposes = same && theirs.most() * error.most() < 0.0 && theirs.gain > OPPOSED * error.gain;
        if other != index && overlaps && opposes {
            return true;
        }
        let binds = telling.len() == 1 && telling.iter().all(|law| pursuit.is_member(theirs.sensor, *law));
        other != index && overlaps && theirs.gain > error.gain && (same || binds)
    });
    if is_leftover {
        return None;
    }
    let of_weather =
        matches!(plant.sensors.get(error.sensor)?.tag.role, Role::WetBulb | Role::DryBulb | Role::Humidity);
    let rival = pursuit.runner_up(index).filter(|rival| rival.gain >= AS_WELL * error.gain && !of_weather);
    let rival_name = rival.and_then(|rival| plant.sensors.get(rival.sensor)).map(|sensor| sensor.name);
    if rival_name.is_some() && error.gain < SURE_GAIN {
        return None;
    }
    let confidence = match rival_name {
        Some(_) => 0.5,
        None => (0.6 + 0.1 * speak_for - 0.2 * against).clamp(0.5, 0.95),
    };
    let said = |witness: &&Witness| {
        let relation = plant.relations.get(witness.law)?;
        let (before, after) = (off(relation, witness.before), off(relation, witness.after));
        Some(format!("{} ({before} off over {} days, {after} without it)", relation.words, witness.days))
    };
    let mut confirming: Vec<&Witness> = witnesses.iter().filter(|witness| witness.confirms()).collect();
    confirming.sort_by(|a, b| (b.expected / b.noise).total_cmp(&(a.expected / a.noise)));
    let shown: Vec<String> = confirming.iter().filter_map(said).take(3).collect();
    let of = format!(
        "{} of {} laws that would show it say so",
        confirming.len(),
        witnesses.iter().filter(|w| w.can_tell()).count()
    );
    let or = rival_name.map_or(String::new(), |name| format!("; {name} would explain it as well"));
    Some(format!("{of}: {}{or}; confidence {confidence:.2}", shown.join(", ")))
}

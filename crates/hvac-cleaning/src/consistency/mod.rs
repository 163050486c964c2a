//! Sensors against each other: what the laws between them say of each one.
//!
//! A plant is measured more than once: flow × ΔT is the load, streams mix, powers add up, sensors of one water agree, a
//! wet-bulb follows from temperature and humidity. [`plant`] finds these laws by what the points are, and lays their values
//! side by side at some thousand instants; the rules ask which one error keeps them all: another unit ([`wrong_unit`]), an
//! exchange ([`swap`]), a constant or growing error ([`offset`], [`drift`], found together by [`pursuit`]), another clock
//! ([`time_shift`]). What is put right for one is right for the next.
//!
//! The cost is bounded: instants, days and laws grow with the points of plants, never with their square, and points that
//! no law binds cost nothing. Nothing is nulled: the rules report.

use std::ops::Range;

mod air;
mod drift;
mod offset;
mod own_curve;
mod plant;
mod pursuit;
mod relation;
mod robust;
mod samples;
mod sensor;
mod swap;
mod time_shift;
mod tower;
mod track;
mod vote;
mod wet_bulb;
mod wrong_unit;

use self::plant::Plant;
use self::pursuit::Pursuit;
pub(crate) use self::sensor::{Sensor, Tag};
use self::track::Track;

/// Days that a record must have to be judged.
const LEAST_DAYS: usize = 5;
/// Most units and exchanges that are put right.
const MOST_EXCHANGES: usize = 24;
/// Days around what was put right in which nothing smaller is judged.
const AROUND: usize = 7;

/// From which sizes on errors are reported.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SensorLimits {
    /// Offset of a temperature, K.
    pub(crate) offset_k: f64,
    /// Offset of any other sensor, share of the reading.
    pub(crate) offset_share: f64,
    /// Drift of a temperature, K in 30 days.
    pub(crate) drift_k: f64,
    /// Drift of any other sensor, share of the reading in 30 days.
    pub(crate) drift_share: f64,
    /// Air pressure, Pa.
    pub(crate) pressure_pa: f64,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SensorFault {
    /// A growing error.
    Drift,
    /// A constant error.
    Offset,
    /// Supply and return exchanged.
    Swap,
    /// Another unit.
    WrongUnit,
    /// Another clock.
    TimeShift,
}

/// Something wrong with a sensor.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SensorFinding {
    /// What.
    pub(crate) fault: SensorFault,
    /// With which, by its place among the sensors.
    pub(crate) sensor: usize,
    /// Since when, and until when, UTC ms.
    pub(crate) span_ms: (i64, i64),
    /// Size and evidence, in words.
    pub(crate) detail: String,
}

/// What the laws say of the sensors.
#[must_use]
pub(crate) fn judge(sensors: Vec<Sensor<'_>>, at_ms: &[i64], limits: &SensorLimits) -> Vec<SensorFinding> {
    let mut plant = Plant::of(sensors, at_ms, limits.pressure_pa);
    if plant.relations.is_empty() || plant.instants.days < LEAST_DAYS {
        return Vec::new();
    }
    let mut found = Vec::new();
    let whole = 0..plant.instants.days;
    let mut odd = wrong_unit::odd_ones(&plant.sensors);
    let mut touched: Vec<(usize, Range<usize>)> = Vec::new();
    let mut units: Vec<wrong_unit::UnitFault> = Vec::new();
    let mut swaps: Vec<swap::SwapFault> = Vec::new();
    // One after the other, what most speaks for first: put right, it lets the laws speak of the next.
    let mut tracks = tracks(&plant, false);
    for _ in 0..MOST_EXCHANGES {
        if !plant.relations.iter().zip(&tracks).any(|(relation, track)| vote::is_broken(relation, &track.days)) {
            break;
        }
        let raw = |law: usize| tracks.get(law).map(|track: &Track| track.days.clone()).unwrap_or_default();
        let (unit, swap) = (wrong_unit::find(&plant, &raw), swap::find(&plant, &raw));
        let votes = |votes: Option<f64>| votes.unwrap_or(0.0);
        let prefers_unit = votes(unit.as_ref().map(|found| found.0)) >= votes(swap.as_ref().map(|found| found.0));
        match (unit, swap) {
            (Some((_, fault)), _) if prefers_unit => {
                put_right(&mut plant, &fault.corrected, &fault.days, &mut touched);
                match units.iter_mut().find(|known| known.sensor == fault.sensor && known.printed == fault.printed) {
                    Some(known) => known.days = joined(&known.days, &fault.days),
                    None => units.push(fault),
                }
            }
            (_, Some((_, fault))) => {
                put_right(&mut plant, &fault.corrected, &fault.days, &mut touched);
                match swaps.iter_mut().find(|known| known.supply == fault.supply) {
                    Some(known) => known.days = joined(&known.days, &fault.days),
                    None => swaps.push(fault),
                }
            }
            _ => break,
        }
        tracks = self::tracks(&plant, false);
    }
    for fault in &mut units {
        // A unit that only the values told is that of most of them: where the site has another, they are the wrong ones.
        if let Some(place) =
            odd.iter().position(|(sensor, usual, _)| *sensor == fault.sensor && *usual == fault.printed)
        {
            odd.remove(place);
            (fault.said, fault.printed) = (fault.printed, fault.said);
            fault.laws.iter_mut().for_each(|(_, recorded, right)| std::mem::swap(recorded, right));
            fault.days = if fault.days.start == 0 { fault.days.end..whole.end } else { 0..fault.days.start };
        }
        let detail = format!(
            "printed in {} though said to be in {}: {}; confidence 0.95",
            fault.printed,
            fault.said,
            evidence(&plant, &fault.laws, "in that unit")
        );
        found.push(finding(&plant, SensorFault::WrongUnit, fault.sensor, &fault.days, detail));
    }
    for (sensor, usual, own) in odd {
        let detail = format!(
            "its values can only be {own}, those of the site's other temperatures are {usual}; confidence 0.80"
        );
        found.push(finding(&plant, SensorFault::WrongUnit, sensor, &whole, detail));
    }
    for fault in &swaps {
        let name = |sensor: usize| plant.sensors.get(sensor).map_or("", |sensor| sensor.name).to_owned();
        let (supply, back) = (name(fault.supply), name(fault.back));
        let proof = match fault.laws.as_slice() {
            [] => String::new(),
            laws => format!("; {}", evidence(&plant, laws, "exchanged back")),
        };
        let detail = |other: &str| {
            format!("exchanged with {other}: {back} − {supply} was {:.1} K{proof}; confidence 0.95", fault.difference_k)
        };
        found.push(finding(&plant, SensorFault::Swap, fault.supply, &fault.days, detail(&back)));
        found.push(finding(&plant, SensorFault::Swap, fault.back, &fault.days, detail(&supply)));
    }
    if plant.relations.iter().zip(&tracks).any(|(relation, track)| track.is_odd(relation)) {
        own_curve::bind(&mut plant, at_ms);
        tracks = self::tracks(&plant, true);
        let mut pursuit = Pursuit::new(&plant, &tracks);
        pursuit.run();
        let exchanged = swap::in_errors(&plant, &pursuit.errors);
        for (fault, days) in &exchanged {
            found.push(finding(&plant, SensorFault::Swap, fault.0, days, fault.1.clone()));
        }
        for (index, error) in pursuit.errors.iter().enumerate() {
            // What was put right for another reason is not exactly right for a while around it.
            let near = |days: &Range<usize>| error.from < days.end + AROUND && days.start < error.to + AROUND;
            let is_touched = touched.iter().any(|(slot, days)| *slot == error.sensor && near(days))
                || exchanged.iter().any(|(fault, days)| fault.0 == error.sensor && near(days));
            if !is_touched {
                found.extend(offset::verdict(&plant, &pursuit, index, limits));
                found.extend(drift::verdict(&plant, &pursuit, index, limits));
            }
        }
    }
    for fault in time_shift::find(&mut plant, at_ms, &touched) {
        found.extend(shifted(&plant, &fault));
    }
    found
}

fn tracks(plant: &Plant<'_>, with_gradients: bool) -> Vec<Track> {
    use rayon::prelude::*;
    plant.relations.par_iter().map(|relation| Track::of(plant, relation, with_gradients)).collect()
}

fn joined(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    a.start.min(b.start)..a.end.max(b.end)
}

/// Puts slots right on those days. On the first and the last it began or ended at some hour: they say nothing.
fn put_right(
    plant: &mut Plant<'_>,
    corrected: &[(usize, Vec<f64>)],
    days: &Range<usize>,
    touched: &mut Vec<(usize, Range<usize>)>,
) {
    let of_day = plant.instants.day.clone();
    let all = plant.instants.days;
    let edge = |day: usize| {
        let first = days.start > 0 && (day + 1 == days.start || day == days.start);
        let last = days.end < all && (day == days.end || day + 1 == days.end);
        first || last
    };
    for (slot, values) in corrected {
        touched.push((*slot, days.clone()));
        let Some(own) = plant.slots.get_mut(*slot) else { continue };
        for ((own, right), day) in own.iter_mut().zip(values).zip(&of_day) {
            if edge(*day) {
                *own = f64::NAN;
            } else if days.contains(day) {
                *own = *right;
            }
        }
    }
}

fn finding(plant: &Plant<'_>, fault: SensorFault, sensor: usize, days: &Range<usize>, detail: String) -> SensorFinding {
    let first = plant.instants.at_ms.first().copied().unwrap_or_default();
    let last = plant.instants.at_ms.last().copied().unwrap_or_default();
    let span_ms = (plant.instants.day_ms(days.start).max(first), (plant.instants.day_ms(days.end) - 1).min(last));
    SensorFinding { fault, sensor, span_ms, detail }
}

/// `CHW_FLOW × ΔT against RT: 5.2 K off as recorded, 0.1 K in that unit`, of the first three laws.
fn evidence(plant: &Plant<'_>, laws: &[(usize, f64, f64)], corrected: &str) -> String {
    let one = |(law, raw, right): &(usize, f64, f64)| {
        let relation = plant.relations.get(*law)?;
        let says = |value: f64| off(relation, value);
        let raw = if raw.is_nan() { "impossible".to_owned() } else { format!("{} off", says(*raw)) };
        Some(format!("{}: {raw} as recorded, {} {corrected}", relation.words, says(*right)))
    };
    let mut said: Vec<String> = laws.iter().filter_map(one).take(3).collect();
    if laws.len() > 3 {
        said.push(format!("and {} more", laws.len() - 3));
    }
    said.join("; ")
}

/// A residual in words: `+1.52 K`, `-12.1 %`.
fn off(relation: &relation::Relation, residual: f64) -> String {
    if relation.in_kelvin() { format!("{residual:+.2} K") } else { format!("{:+.1} %", 100.0 * residual.exp_m1()) }
}

fn shifted(plant: &Plant<'_>, fault: &time_shift::ShiftFault) -> Vec<SensorFinding> {
    let minutes = fault.intervals.abs() * fault.interval_ms / 60_000;
    let way = if fault.intervals > 0 { "late" } else { "early" };
    let together = match fault.sensors.len() {
        1 => String::new(),
        n => format!(", as {n} points of its kind"),
    };
    let one = |(law, before, after): &(usize, f64, f64)| {
        let relation = plant.relations.get(*law)?;
        Some(format!("{}: |residual| falls by {:.0} % when moved", relation.words, 100.0 * (1.0 - after / before)))
    };
    let laws: Vec<String> = fault.laws.iter().filter_map(one).take(3).collect();
    let detail = format!(
        "{} intervals ({minutes} min) {way}{together}: {}; confidence {:.2}",
        fault.intervals.abs(),
        laws.join("; "),
        (1.0 - 30.0 / fault.sum).clamp(0.5, 0.99)
    );
    let of = |sensor: &usize| finding(plant, SensorFault::TimeShift, *sensor, &fault.days, detail.clone());
    fault.sensors.iter().map(of).collect()
}

//! A chiller against the one beside it, at the same moment.
//!
//! Chillers that run side by side get the same water and share one load, so the ratio of their powers is that of the
//! machines, whatever the load, the lift and the sensors of both: a flow meter or a temperature that drifts moves kW/RT, but
//! not this ratio. Where a chiller is said to take more power and the ratio is what it was, its load is measured
//! wrongly. Where the plant's own meter did not rise with the chiller's, that one is.
//!
//! So it also says of a chiller that becomes worse what its own kW/RT cannot: of one that starts and stops all day and is never
//! at rest, or whose load is measured coarsely.
//!
//! Rows are means of hours, over samples at which the neighbour has run for one sample or longer. Conditions are how far the
//! neighbour is loaded, by its own power, and the share of the samples at which the chiller has just started: it draws more then.

use std::collections::BTreeMap;

use super::limits::DiagnosticLimits;
use super::own_past::{self, JudgedDay, Method};
use super::plant::{Chiller, Plant, RunningMachine, full_load};
use crate::machines::MachineState;
use crate::sampling::median;
use crate::within_days::Row;
use hvac_points::MachineKind;

/// Least samples of an hour, and least hours of a day.
const LEAST_SAMPLES: usize = 2;
const LEAST_HOURS: usize = 2;
/// Least days side by side that say how two stand to each other.
const LEAST_DAYS: usize = 3;
/// Below this share of its full power a machine does nothing to speak of.
const LEAST_POWER: f64 = 0.1;
/// The neighbour's load in its past may be this far away, in ln, and the share of starts: what a start draws more is seldom known so
/// well that a day of nothing but starts can be compared with one without.
const LIKE: [f64; 2] = [0.35, 0.3];
/// A verdict holds for so many days when they do not run together.
const HOLDS_DAYS: i32 = 7;

/// How one chiller's power stands to another's.
#[derive(Debug)]
pub(super) struct Beside {
    /// The other one's place among the chillers.
    pub(super) other: usize,
    pub(super) days: Vec<JudgedDay>,
    pub(super) scatter: f64,
}

impl Beside {
    /// How much more it takes, in ln, than it did beside the other one: the median of those days, both included; none where
    /// they ran side by side on fewer than three of them.
    pub(super) fn over(&self, since: i32, day: i32) -> Option<f64> {
        let within = self.days.iter().filter(|judged| (since..=day).contains(&judged.day));
        let mut worse: Vec<f64> = within.map(|judged| judged.worse).collect();
        if worse.len() < LEAST_DAYS { None } else { median(&mut worse) }
    }
}

/// The last verdict up to a day; none where it is too old.
pub(super) fn recent(days: &[JudgedDay], day: i32) -> Option<f64> {
    let last = days.iter().rev().find(|judged| judged.day <= day)?;
    (day - last.day <= HOLDS_DAYS).then_some(last.lasting)
}

/// Samples at which it has run for one sample or longer.
fn at_work(running: &[MachineState]) -> impl Fn(usize) -> bool {
    let on = |row: usize| running.get(row) == Some(&MachineState::On);
    move |row| on(row) && row.checked_sub(1).is_some_and(on)
}

/// How days are judged here.
fn method<const N: usize>(tolerance: [f64; N], bad: f64, limits: &DiagnosticLimits) -> Method<N> {
    let (past_days, lasting_days) = (limits.past_days as usize, limits.lasting_days as usize);
    let limit = limits.fouling_rise.ln_1p();
    Method { tolerance, least_rows: LEAST_HOURS, past_days, lasting_days, bad, limit, both_ways: true }
}

/// How a chiller does beside each of the others.
pub(super) fn beside(plant: &Plant<'_>, chiller: &Chiller, limits: &DiagnosticLimits) -> Vec<Beside> {
    let method = method(LIKE, 1.0, limits);
    let others = plant.chillers.iter().enumerate().filter(|(_, other)| other.name != chiller.name);
    let one = |(other, them): (usize, &Chiller)| {
        let rows = hours(plant, chiller, them);
        own_past::judged_days(&rows, &method).map(|(days, scatter)| Beside { other, days, scatter })
    };
    others.filter_map(one).collect()
}

fn hours(plant: &Plant<'_>, chiller: &Chiller, other: &Chiller) -> Vec<Row<2>> {
    let full = |of: &Chiller| full_load(of.power_kw.iter().copied());
    let (Some(own_full), Some(other_full)) = (full(chiller), full(other)) else { return Vec::new() };
    let (own_works, other_works) = (at_work(&chiller.running), at_work(&other.running));
    let mut by_hour: BTreeMap<(i32, u32), (f64, f64, usize, usize)> = BTreeMap::new();
    for (row, ((own, other), time)) in chiller.power_kw.iter().zip(&other.power_kw).zip(&plant.clock).enumerate() {
        let loaded = *own > LEAST_POWER * own_full && *other > LEAST_POWER * other_full;
        if loaded && chiller.running.get(row) == Some(&MachineState::On) && other_works(row) {
            let (own_sum, other_sum, samples, starts) = by_hour.entry((time.day, time.half_hour / 2)).or_default();
            (*own_sum, *other_sum, *samples) = (*own_sum + own, *other_sum + other, *samples + 1);
            *starts += usize::from(!own_works(row));
        }
    }
    let enough = by_hour.into_iter().filter(|(_, (_, _, samples, _))| *samples >= LEAST_SAMPLES);
    let row = |((day, _), (own, other, samples, starts)): ((i32, u32), (f64, f64, usize, usize))| Row {
        day,
        y: (own / other).ln(),
        x: [(other / samples as f64 / other_full).ln(), starts as f64 / samples as f64],
    };
    enough.map(row).collect()
}

/// Share of a chiller's metered power by which the plant's meter may differ from the sum of its machines, for it to speak of
/// one of them.
const SUMS_UP: f64 = 0.1;

/// What the plant's own meter leaves for a chiller, against what the chiller's meter says: judged days on which that has
/// fallen, which speaks against its meter. Empty where the plant's meter is none, or not of these machines.
pub(super) fn by_total(plant: &Plant<'_>, chiller: &Chiller, limits: &DiagnosticLimits) -> Vec<JudgedDay> {
    let of_plant = |m: &&RunningMachine| m.kind != MachineKind::Other && !m.power_kw.is_empty();
    let machines: Vec<&RunningMachine> = plant.machines.iter().filter(of_plant).collect();
    let Some(full) = full_load(chiller.power_kw.iter().copied()) else { return Vec::new() };
    let usual: Vec<f64> = machines.iter().map(|machine| usual_kw(machine)).collect();
    let mut by_hour: BTreeMap<(i32, u32), (f64, f64, f64)> = BTreeMap::new();
    for (row, ((total, own), time)) in plant.total_kw.iter().zip(&chiller.power_kw).zip(&plant.clock).enumerate() {
        let sum: f64 = machines.iter().zip(&usual).map(|(machine, usual)| drawn_kw(machine, *usual, row)).sum();
        if *own > LEAST_POWER * full && (total + sum).is_finite() {
            let sums = by_hour.entry((time.day, time.half_hour / 2)).or_default();
            (sums.0, sums.1, sums.2) = (sums.0 + total, sums.1 + sum, sums.2 + own);
        }
    }
    let mut shares: Vec<f64> = by_hour.values().map(|(total, sum, _)| total / sum - 1.0).collect();
    if median(&mut shares).is_none_or(|share| share.abs() > SUMS_UP) {
        return Vec::new();
    }
    let row = |((day, _), (total, sum, own)): ((i32, u32), (f64, f64, f64))| {
        let y = ((total - sum + own) / own).ln();
        y.is_finite().then_some(Row { day, y, x: [] })
    };
    let rows: Vec<Row<0>> = by_hour.into_iter().filter_map(row).collect();
    own_past::judged_days(&rows, &method([], -1.0, limits)).map(|(days, _)| days).unwrap_or_default()
}

/// What a machine mostly draws while it runs, kW.
fn usual_kw(machine: &RunningMachine) -> f64 {
    let runs = machine.running.iter().zip(&machine.power_kw).filter(|(state, _)| **state == MachineState::On);
    let mut drawn: Vec<f64> = runs.map(|(_, kw)| *kw).filter(|kw| !kw.is_nan()).collect();
    median(&mut drawn).unwrap_or(f64::NAN)
}

/// What it draws at a row; its usual power where that was left out.
fn drawn_kw(machine: &RunningMachine, usual_kw: f64, row: usize) -> f64 {
    match (machine.power_kw.get(row), machine.running.get(row)) {
        (Some(kw), _) if !kw.is_nan() => *kw,
        (_, Some(MachineState::On)) => usual_kw,
        (_, Some(MachineState::Off)) => 0.0,
        _ => f64::NAN,
    }
}

//! Low ΔT: chilled water comes back colder than in the plant's own past at like load.
//!
//! | | |
//! |---|---|
//! | formula | ΔT of the day ÷ ΔT that its past had at the same loads ≤ 1 − `delta_t_drop` (0.2), by the day alone and by the median of the last `lasting_days` (7) judged days |
//! | conditions | ln of load share and its square, chilled-water supply: ΔT falls with load in every plant; ln of the number of running pumps (chillers, where no pump tells): one more pushes more water through at the same load, and that is no valve |
//! | past | the better quarter of the days before it under like conditions: mean load within a third, supply within 1 K, pumps within half as many again, none of them beyond the limit; `past_days` (7) or more |
//! | judged | means of whole hours with a chiller or chilled-water pump running, as many pumps from their beginning to their end, from `least_load` (0.25) of full load; days with 3 of them. Chillers may start and stop meanwhile: ΔT of the header is that of all water |
//! | withheld | when the flow did not rise by half, or the pumps' speed by a quarter, of what ΔT fell (both in ln), where they are known: then a temperature is wrong. Readings that other sensors speak against are left out ([`super::suspects`]). Coverage says so |
//! | source | Taylor, *Degrading chilled water plant delta-T: causes and mitigation*, ASHRAE Transactions 108(1), AC-02-6-1 (2002): ΔT falls to one half to two thirds of design at low load in sound plants, so only like loads are compared |
//!
//! A plant whose ΔT was low from its first day has no better past, and is not found.

use std::collections::BTreeMap;

use super::best_decile::{BestDecile, LoadedRow};
use super::finding::{Coverage, EvidenceList, FaultKind, Finding, shown};
use super::limits::DiagnosticLimits;
use super::own_past::{self, JudgedDay, LEAST_SURE, Method, sureness};
use super::plant::{Plant, date, full_load, hours};
use super::suspects;
use crate::machines::MachineState;
use crate::within_days::Row;
use hvac_points::MachineKind;

/// Name of what is judged.
const MACHINE: &str = "CHW";
/// Like days lie this far apart at most: ln of load share (a third), chilled-water supply (÷ 10, 1 K) and ln of the number of
/// pumps (half as many again); the square follows.
const LIKE: [f64; 4] = [0.3, f64::INFINITY, 0.1, 0.45];
/// Least hours of a judged day, and the share of an hour that must be there.
const LEAST_HOURS: usize = 3;
const LEAST_SHARE: f64 = 0.75;
/// Shares of the fall of ΔT (in ln) by which flow and pumps' speed must have risen at least, where they are known: valves that
/// stand open let more water through at the same speed.
const FLOW_SHARE: f64 = 0.5;
const SPEED_SHARE: f64 = 0.25;

/// What is found of the chilled-water loop.
pub(super) fn judge(plant: &Plant<'_>, limits: &DiagnosticLimits) -> (Vec<Finding>, Coverage) {
    let coverage = |days: usize, found: usize, note: &str| Coverage {
        kind: FaultKind::LowDeltaT,
        machine: MACHINE.to_owned(),
        days_judged: u32::try_from(days).unwrap_or(u32::MAX),
        days_found: u32::try_from(found).unwrap_or(u32::MAX),
        note: note.to_owned(),
    };
    if plant.load_rt.is_empty() || plant.delta_t_k.is_empty() {
        let note = "not known: the load (with its unit), or chilled water supply and return";
        return (Vec::new(), coverage(0, 0, note));
    }
    let runs = running(plant);
    let get = |values: &[f64], row: usize| values.get(row).copied().unwrap_or(f64::NAN);
    let known: Vec<usize> = (0..plant.at_ms.len())
        .filter(|row| runs.get(*row) == Some(&true))
        .filter(|row| get(&plant.load_rt, *row) > 0.0 && get(&plant.delta_t_k, *row) > 0.0)
        .collect();
    let Some(full_rt) = full_load(known.iter().map(|row| get(&plant.load_rt, *row))) else {
        return (Vec::new(), coverage(0, 0, "no row with a load while a chiller or chilled-water pump runs"));
    };
    let power_kw = pump_power(plant);
    let hours = hours(plant.at_ms, &known);
    let loaded = |(row, hours): (&usize, f64)| {
        let load_rt = get(&plant.load_rt, *row);
        Some(LoadedRow {
            day: plant.clock.get(*row)?.day,
            row: *row,
            hours,
            power_kw: get(&power_kw, *row),
            load_rt,
            share: load_rt / full_rt,
            lift_k: f64::NAN,
        })
    };
    let all: Vec<LoadedRow> = known.iter().zip(hours).filter_map(loaded).collect();
    let judged: Vec<LoadedRow> = all.iter().filter(|row| row.share >= limits.least_load).copied().collect();
    let limit = -(1.0 - limits.delta_t_drop).ln();
    let method = Method {
        tolerance: LIKE,
        least_rows: LEAST_HOURS,
        past_days: limits.past_days as usize,
        lasting_days: limits.lasting_days as usize,
        bad: -1.0,
        limit,
        both_ways: false,
    };
    let hourly = Hourly::of(plant, &all, limits.least_load);
    let Some((days, scatter)) = own_past::judged_days(&hourly.rows(|hour| hour.delta_k), &method) else {
        return (Vec::new(), coverage(0, 0, "too few whole hours with load and ΔT"));
    };
    let more = |of: &dyn Fn(&Hour) -> f64| {
        let method = Method { bad: 1.0, ..method };
        own_past::judged_days(&hourly.rows(of), &method).map(|(days, _)| days).unwrap_or_default()
    };
    let flows = more(&|hour| hour.flow_lpm);
    let speeds = more(&|hour| hour.speed);
    let pumped: Vec<LoadedRow> = all.iter().filter(|row| row.power_kw > 0.0).copied().collect();
    let best = BestDecile::of(&pumped, limits.like_rows);
    let (mut findings, mut withheld) = (Vec::new(), 0_usize);
    for day in days.iter().filter(|day| day.worse >= limit) {
        let rows: Vec<&LoadedRow> = judged.iter().filter(|row| row.day == day.day).collect();
        let sure = sureness(day.lasting - limit, scatter, (method.lasting_days, day.like_days));
        if sure < LEAST_SURE {
            continue;
        }
        // Less ΔT at one load is more water: where a meter or the pumps' speed says that there is not, a temperature is
        // measured wrongly.
        let rise = |of: &[JudgedDay]| of.iter().find(|other| other.day == day.day).map(|other| other.worse);
        let (flow, speed) = (rise(&flows), rise(&speeds));
        let denied = |rise: Option<f64>, share: f64| rise.is_some_and(|rise| rise < share * day.worse);
        if denied(flow, FLOW_SHARE) || denied(speed, SPEED_SHARE) {
            withheld += 1;
            continue;
        }
        findings.extend(finding(plant, day, flow, &rows, &best, sure));
    }
    let note = match (days.len(), withheld) {
        (0, _) => format!("no day has {} days of like load, supply and running pumps before it", method.past_days),
        (_, 0) => String::new(),
        (_, days) => format!(
            "{days} days with a lower ΔT are withheld: the pumps moved no more water, so a temperature is measured wrongly, \
             or water passes chillers that stand"
        ),
    };
    let suspects = suspects::in_words(&plant.suspects, &plant.loop_columns);
    let note = [note, suspects].into_iter().filter(|note| !note.is_empty()).collect::<Vec<_>>().join("; ");
    let found = findings.len();
    (findings, coverage(days.len(), found, &note))
}

/// Whether a chiller or a chilled-water pump is known to run, row by row; everywhere, where nothing tells.
fn running(plant: &Plant<'_>) -> Vec<bool> {
    let of = |kind| plant.machines.iter().filter(move |machine| machine.kind == kind);
    let mut told = of(MachineKind::Chiller).chain(of(MachineKind::ChwPump)).peekable();
    let mut runs = vec![told.peek().is_none(); plant.at_ms.len()];
    for machine in told {
        runs.iter_mut().zip(&machine.running).for_each(|(runs, state)| *runs |= *state == MachineState::On);
    }
    runs
}

/// How many chilled-water pumps are known to run, row by row; of chillers, where no pump tells.
fn running_pumps(plant: &Plant<'_>) -> Vec<u32> {
    let of = |kind| plant.machines.iter().filter(move |machine| machine.kind == kind);
    let kind = match of(MachineKind::ChwPump).next() {
        Some(_) => MachineKind::ChwPump,
        None => MachineKind::Chiller,
    };
    let mut count = vec![0; plant.at_ms.len()];
    for machine in of(kind) {
        let runs = machine.running.iter().map(|state| u32::from(*state == MachineState::On));
        count.iter_mut().zip(runs).for_each(|(count, runs)| *count += runs);
    }
    count
}

/// Means of an hour in which as many pumps ran from its beginning to its end.
struct Hour {
    day: i32,
    pumps: f64,
    share: f64,
    supply_c: f64,
    delta_k: f64,
    flow_lpm: f64,
    speed: f64,
}

/// The hours that are judged.
struct Hourly(Vec<Hour>);

impl Hourly {
    fn of(plant: &Plant<'_>, rows: &[LoadedRow], least_load: f64) -> Self {
        let get = |values: &[f64], row: usize| values.get(row).copied().unwrap_or(f64::NAN);
        let counts = running_pumps(plant);
        let mut by_hour: BTreeMap<(i32, u32), Vec<&LoadedRow>> = BTreeMap::new();
        for row in rows {
            let hour = plant.clock.get(row.row).map(|time| time.half_hour / 2).unwrap_or_default();
            by_hour.entry((row.day, hour)).or_default().push(row);
        }
        let one = |((day, _), rows): ((i32, u32), Vec<&LoadedRow>)| {
            let hours: f64 = rows.iter().map(|row| row.hours).sum();
            let mean = |of: &dyn Fn(&LoadedRow) -> f64| rows.iter().map(|row| of(row) * row.hours).sum::<f64>() / hours;
            let pumps = *counts.get(rows.first()?.row)?;
            let (share, same) = (mean(&|row| row.share), rows.iter().all(|row| counts.get(row.row) == Some(&pumps)));
            (hours >= LEAST_SHARE && same && share >= least_load).then(|| Hour {
                day,
                pumps: f64::from(pumps.max(1)),
                share,
                supply_c: mean(&|row| get(&plant.chws_c, row.row)),
                delta_k: mean(&|row| get(&plant.delta_t_k, row.row)),
                flow_lpm: mean(&|row| get(&plant.chw_lpm, row.row)),
                speed: mean(&|row| get(&plant.pump_speed, row.row)),
            })
        };
        Self(by_hour.into_iter().filter_map(one).collect())
    }

    /// A quantity of these hours with its conditions, where both are known.
    fn rows(&self, of: impl Fn(&Hour) -> f64) -> Vec<Row<4>> {
        let row = |hour: &Hour| {
            let (share, y) = (hour.share.ln(), of(hour).ln());
            let x = [share, share * share, hour.supply_c / 10.0, hour.pumps.ln()];
            let known = y.is_finite() && x.iter().all(|x| x.is_finite());
            known.then_some(Row { day: hour.day, y, x })
        };
        self.0.iter().filter_map(row).collect()
    }
}

/// Power of all chilled-water pumps, kW; empty when one of them is not metered.
fn pump_power(plant: &Plant<'_>) -> Vec<f64> {
    let pumps = || plant.machines.iter().filter(|machine| machine.kind == MachineKind::ChwPump);
    if pumps().next().is_none() || pumps().any(|pump| pump.power_kw.is_empty()) {
        return Vec::new();
    }
    let mut sum = vec![0.0; plant.at_ms.len()];
    for pump in pumps() {
        sum.iter_mut().zip(&pump.power_kw).for_each(|(sum, kw)| *sum += kw);
    }
    sum
}

fn finding(
    plant: &Plant<'_>,
    day: &JudgedDay,
    flow: Option<f64>,
    rows: &[&LoadedRow],
    best: &BestDecile,
    sure: f64,
) -> Option<Finding> {
    let hours: f64 = rows.iter().map(|row| row.hours).sum();
    let delta = |row: &LoadedRow| plant.delta_t_k.get(row.row).copied().unwrap_or(f64::NAN);
    let mut evidence = EvidenceList::default();
    let own = rows.iter().map(|row| delta(row) * row.hours).sum::<f64>() / hours;
    let own = evidence.add("delta_t", own, 2, "K");
    let expected = evidence.add("delta_t_of_its_past", own * day.worse.exp(), 2, "K");
    let drop = evidence.add("drop", 100.0 * (1.0 - own / expected), 1, "%");
    evidence.add("like_days_before", day.like_days as f64, 0, "d");
    let lasting = evidence.add("drop_of_the_last_days", -100.0 * (-day.lasting).exp_m1(), 1, "%");
    if let Some(flow) = flow {
        evidence.add("flow_rise", 100.0 * flow.exp_m1(), 1, "%");
    }
    let load = rows.iter().map(|row| row.load_rt * row.hours).sum::<f64>() / hours;
    let load = evidence.add("mean_load", load, 1, "RT");
    let energy_wasted_kwh = best.wasted_kwh(rows.iter().copied().filter(|row| row.power_kw > 0.0), &mut evidence);
    let (first, last) = (rows.first()?, rows.last()?);
    let pumps = plant.machines.iter().filter(|machine| machine.kind == MachineKind::ChwPump);
    let mut columns: Vec<String> =
        plant.loop_columns.iter().cloned().chain(pumps.flat_map(|pump| pump.columns.clone())).collect();
    columns.sort_unstable();
    columns.dedup();
    Some(Finding {
        kind: FaultKind::LowDeltaT,
        machine: MACHINE.to_owned(),
        day: date(day.day),
        start_at_ms: *plant.at_ms.get(first.row)?,
        end_at_ms: *plant.at_ms.get(last.row)?,
        rows: rows.len() as u64,
        columns,
        detail: format!(
            "ΔT of the chilled water was {} K at a mean load of {} RT, where it was {} K in the plant's own past: {} % \
             less ({} % over the last judged days), so {} times the water is pumped for the same cooling; like valves \
             that do not close, fouled coils, an open bypass, or a drifted temperature sensor",
            shown(own),
            shown(load),
            shown(expected),
            shown(drop),
            shown(lasting),
            shown(super::finding::rounded(expected / own, 2))
        ),
        evidence: evidence.0,
        energy_wasted_kwh,
        energy_basis: match energy_wasted_kwh {
            Some(_) => "of the chilled-water pumps: energy_used − energy_at_best_decile, 0 when that is below: the best \
                        decile is the lowest tenth of their own kW/RT at the same tenth of full load; what the chillers \
                        lose is not in it"
                .to_owned(),
            None => "not known: the chilled-water pumps' power is not recorded, or too few rows of like load".to_owned(),
        },
        confidence: super::finding::rounded(sure, 2),
    })
}

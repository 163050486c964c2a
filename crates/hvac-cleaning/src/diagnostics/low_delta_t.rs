//! Low ΔT: chilled water comes back colder than in the plant's own past at like load.
//!
//! | | |
//! |---|---|
//! | formula | ΔT of the day ÷ ΔT that its past had at the same loads ≤ 1 − `delta_t_drop` (0.2), by the day alone and by the median of the last `lasting_days` (7) judged days |
//! | conditions | ln of load share and its square, chilled-water supply, running chillers: ΔT falls with load in every plant |
//! | past | the better quarter of the days before it under like conditions: mean load within a fifth, supply within 1 K, running chillers within 0.4; `past_days` (14) or more |
//! | judged | rows with a chiller or chilled-water pump running, not within an hour after any chiller starts or stops (a pump whose chiller stands pushes return water past it), from `least_load` (0.25) of full load; days with 8 of them |
//! | source | Taylor, *Degrading chilled water plant delta-T: causes and mitigation*, ASHRAE Transactions 108(1), AC-02-6-1 (2002): ΔT falls to one half to two thirds of design at low load in sound plants, so only like loads are compared |
//!
//! A plant whose ΔT was low from its first day has no better past, and is not found.

use super::best_decile::{BestDecile, LoadedRow};
use super::finding::{Coverage, EvidenceList, FaultKind, Finding, shown};
use super::limits::DiagnosticLimits;
use super::own_past::{self, JudgedDay, LEAST_SURE, Method, Row, sureness};
use super::plant::{Plant, date, full_load, hours};
use crate::machines::MachineState;
use hvac_points::MachineKind;

/// Name of what is judged.
const MACHINE: &str = "CHW";
/// Like days lie this far apart at most: ln of load share (a fifth), chilled-water supply (÷ 10, 1 K) and the number of
/// running chillers; the square follows.
const LIKE: [f64; 4] = [0.2, f64::INFINITY, 0.1, 0.4];
/// Least rows of a judged day.
const LEAST_ROWS: usize = 8;

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
    let (runs, settled) = (running(plant), plant.settled());
    let get = |values: &[f64], row: usize| values.get(row).copied().unwrap_or(f64::NAN);
    let known: Vec<usize> = (0..plant.at_ms.len())
        .filter(|row| runs.get(*row) == Some(&true) && settled.get(*row) == Some(&true))
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
    let running = running_chillers(plant);
    let conditions = |row: &LoadedRow| {
        let share = row.share.ln();
        let x = [share, share * share, get(&plant.chws_c, row.row) / 10.0, get(&running, row.row)];
        let y = get(&plant.delta_t_k, row.row).ln();
        (y.is_finite() && x.iter().all(|x| x.is_finite())).then_some(Row { day: row.day, y, x })
    };
    let rows: Vec<Row<4>> = judged.iter().filter_map(conditions).collect();
    let method = Method {
        tolerance: LIKE,
        least_rows: LEAST_ROWS,
        past_days: limits.past_days as usize,
        lasting_days: limits.lasting_days as usize,
        bad: -1.0,
    };
    let Some((days, scatter)) = own_past::judged_days(&rows, &method) else {
        return (Vec::new(), coverage(0, 0, "too few rows with load and ΔT"));
    };
    let pumped: Vec<LoadedRow> = all.iter().filter(|row| row.power_kw > 0.0).copied().collect();
    let best = BestDecile::of(&pumped, limits.like_rows);
    let limit = -(1.0 - limits.delta_t_drop).ln();
    let mut findings = Vec::new();
    for day in days.iter().filter(|day| day.worse >= limit) {
        let rows: Vec<&LoadedRow> = judged.iter().filter(|row| row.day == day.day).collect();
        let sure = sureness(day.lasting - limit, scatter, method.lasting_days);
        if sure < LEAST_SURE {
            continue;
        }
        findings.extend(finding(plant, day, &rows, &best, sure));
    }
    let note = match days.len() {
        0 => format!("no day has {} days of like load, supply and chillers before it", limits.past_days),
        _ => String::new(),
    };
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

/// How many chillers are known to run, row by row.
fn running_chillers(plant: &Plant<'_>) -> Vec<f64> {
    let mut count = vec![0.0; plant.at_ms.len()];
    for machine in plant.machines.iter().filter(|machine| machine.kind == MachineKind::Chiller) {
        let runs = machine.running.iter().map(|state| f64::from(*state == MachineState::On));
        count.iter_mut().zip(runs).for_each(|(count, runs)| *count += runs);
    }
    count
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

fn finding(plant: &Plant<'_>, day: &JudgedDay, rows: &[&LoadedRow], best: &BestDecile, sure: f64) -> Option<Finding> {
    let hours: f64 = rows.iter().map(|row| row.hours).sum();
    let delta = |row: &LoadedRow| plant.delta_t_k.get(row.row).copied().unwrap_or(f64::NAN);
    let mut evidence = EvidenceList::default();
    let own = rows.iter().map(|row| delta(row) * row.hours).sum::<f64>() / hours;
    let own = evidence.add("delta_t", own, 2, "K");
    let expected = evidence.add("delta_t_of_its_past", own * day.worse.exp(), 2, "K");
    let drop = evidence.add("drop", 100.0 * (1.0 - own / expected), 1, "%");
    evidence.add("like_days_before", day.like_days as f64, 0, "d");
    let lasting = evidence.add("drop_of_the_last_days", -100.0 * (-day.lasting).exp_m1(), 1, "%");
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

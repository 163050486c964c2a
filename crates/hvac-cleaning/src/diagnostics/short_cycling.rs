//! Short cycling: a chiller starts again and again.
//!
//! | | |
//! |---|---|
//! | formula | starts within `cycle_minutes` (60 min) of the start before: `cycles_a_day` (5) or more on one day |
//! | judged | where its state is known, recorded at least every 20 minutes: half of the least cycle that can be seen is one interval |
//! | source | makers inhibit restarts for 20…30 min after a start (Trane CVGF: start-to-start 20 min after three free starts), and allow a motor of that size one or two starts an hour at most (NEMA MG-1 §20.12); five starts in five hours are wear whatever the maker |
//!
//! Energy is what the chiller used above its best decile while it cycled. What a start itself costs, and the wear, no
//! meter shows.

use std::collections::BTreeMap;

use super::best_decile::{BASIS, BestDecile, LoadedRow};
use super::finding::{Coverage, EvidenceList, FaultKind, Finding, shown};
use super::limits::DiagnosticLimits;
use super::plant::{Chiller, Plant, date, full_load, hours};
use crate::machines::MachineState;
use crate::sampling::{GAP_FACTOR, median};

/// Rows further apart than this cannot show a short cycle, ms.
const LONGEST_STEP_MS: f64 = 20.0 * 60_000.0;
/// Confidence by a state; less where only power or speed tells.
const BY_STATE: f64 = 0.95;
const BY_POWER: f64 = 0.85;

/// One start, and how long before it the last one was, min.
struct Start {
    row: usize,
    after_min: f64,
}

/// What is found of one chiller.
pub(super) fn judge(
    plant: &Plant<'_>,
    chiller: &Chiller,
    by_state: bool,
    limits: &DiagnosticLimits,
) -> (Vec<Finding>, Coverage) {
    let coverage = |days: usize, found: usize, note: &str| Coverage {
        kind: FaultKind::ShortCycling,
        machine: chiller.name.clone(),
        days_judged: u32::try_from(days).unwrap_or(u32::MAX),
        days_found: u32::try_from(found).unwrap_or(u32::MAX),
        note: note.to_owned(),
    };
    let mut steps: Vec<f64> = plant.at_ms.iter().zip(plant.at_ms.iter().skip(1)).map(|(a, b)| (b - a) as f64).collect();
    let Some(step_ms) = median(&mut steps).filter(|step| *step <= LONGEST_STEP_MS) else {
        return (
            Vec::new(),
            coverage(0, 0, "its rows are more than 20 minutes apart: a short cycle would not be seen"),
        );
    };
    let mut days: BTreeMap<i32, Vec<Start>> = BTreeMap::new();
    let mut before: Option<(i64, MachineState)> = None;
    let mut last_start: Option<i64> = None;
    for (row, ((at, state), time)) in plant.at_ms.iter().zip(&chiller.running).zip(&plant.clock).enumerate() {
        if *state != MachineState::Unknown {
            let starts = days.entry(time.day).or_default();
            let whole = before.is_some_and(|(then, _)| (at - then) as f64 <= GAP_FACTOR * step_ms);
            if *state == MachineState::On && whole && before.is_some_and(|(_, was)| was == MachineState::Off) {
                let after_min = last_start.map_or(f64::INFINITY, |last| (at - last) as f64 / 60_000.0);
                starts.push(Start { row, after_min });
                last_start = Some(*at);
            } else if !whole {
                // What happened in the gap is not known.
                last_start = None;
            }
            before = Some((*at, *state));
        }
    }
    let loaded = loaded_rows(plant, chiller);
    let best = BestDecile::of(&loaded, limits.like_rows);
    let days_judged = days.len();
    let mut findings = Vec::new();
    for (day, starts) in days {
        let short: Vec<&Start> = starts.iter().filter(|start| start.after_min <= limits.cycle_minutes).collect();
        if short.len() >= limits.cycles_a_day as usize {
            let rows = loaded.iter().filter(|row| row.day == day);
            findings.extend(finding(plant, chiller, (day, by_state), &starts, &short, best_energy(&best, rows)));
        }
    }
    let found = findings.len();
    (findings, coverage(days_judged, found, ""))
}

/// The rows at which it runs with known power and load.
fn loaded_rows(plant: &Plant<'_>, chiller: &Chiller) -> Vec<LoadedRow> {
    let get = |values: &[f64], row: usize| values.get(row).copied().unwrap_or(f64::NAN);
    let known: Vec<usize> = (chiller.running.iter().enumerate())
        .filter(|(_, state)| **state == MachineState::On)
        .map(|(row, _)| row)
        .filter(|row| get(&chiller.power_kw, *row) > 0.0 && get(&chiller.load_rt, *row) > 0.0)
        .collect();
    let Some(full_rt) = full_load(known.iter().map(|row| get(&chiller.load_rt, *row))) else { return Vec::new() };
    let hours = hours(plant.at_ms, &known);
    let loaded = |(row, hours): (&usize, f64)| {
        let load_rt = get(&chiller.load_rt, *row);
        let (power_kw, lift_k) = (get(&chiller.power_kw, *row), get(&chiller.lift_k, *row));
        let day = plant.clock.get(*row)?.day;
        Some(LoadedRow { day, row: *row, hours, power_kw, load_rt, share: load_rt / full_rt, lift_k })
    };
    known.iter().zip(hours).filter_map(loaded).collect()
}

fn best_energy<'r>(best: &BestDecile, rows: impl Iterator<Item = &'r LoadedRow>) -> (Option<f64>, EvidenceList) {
    let mut evidence = EvidenceList::default();
    (best.wasted_kwh(rows, &mut evidence), evidence)
}

fn finding(
    plant: &Plant<'_>,
    chiller: &Chiller,
    (day, by_state): (i32, bool),
    starts: &[Start],
    short: &[&Start],
    (energy_wasted_kwh, energy): (Option<f64>, EvidenceList),
) -> Option<Finding> {
    let mut evidence = EvidenceList::default();
    let count = evidence.add("starts", starts.len() as f64, 0, "");
    let short_count = evidence.add("short_cycles", short.len() as f64, 0, "");
    let mut between: Vec<f64> = short.iter().map(|start| start.after_min).collect();
    let typical = evidence.add("median_start_to_start", median(&mut between)?, 1, "min");
    evidence.0.extend(energy.0);
    let (first, last) = (short.first()?, short.last()?);
    Some(Finding {
        kind: FaultKind::ShortCycling,
        machine: chiller.name.clone(),
        day: date(day),
        start_at_ms: *plant.at_ms.get(first.row)?,
        end_at_ms: *plant.at_ms.get(last.row)?,
        rows: short.len() as u64,
        columns: chiller.columns.clone(),
        detail: format!(
            "{} started {} times, {} of them within {} min of the start before (the median: {} min); like a load below \
             its least, a set-point band that is too narrow, or staging without a delay",
            chiller.name,
            shown(count),
            shown(short_count),
            shown(short.iter().map(|start| start.after_min).fold(0.0, f64::max)),
            shown(typical)
        ),
        evidence: evidence.0,
        energy_wasted_kwh,
        energy_basis: match energy_wasted_kwh {
            Some(_) => BASIS.to_owned(),
            None => "not known: its power or load is not recorded, or too few rows of like load and lift".to_owned(),
        },
        confidence: if by_state { BY_STATE } else { BY_POWER },
    })
}

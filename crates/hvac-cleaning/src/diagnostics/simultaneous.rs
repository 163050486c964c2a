//! Simultaneous heating and cooling: both valves of one air handler are open at once.
//!
//! | | |
//! |---|---|
//! | formula | cooling valve > `valve_open_pct` (10 %) and heating valve > `valve_open_pct` while its fan runs, for `overlap_hours` (1 h) or more of one day, in runs of two samples or more |
//! | judged | rows at which both positions are known, and the fan runs; where nothing tells whether it runs, the positions alone, with less confidence |
//! | source | ASHRAE Guideline 36-2021 §5.16.2.3 (one loop's output never opens both valves) and its AFDD; House, Vaezi-Nejad & Whitcomb, *An expert rule set for fault detection in air-handling units*, ASHRAE Transactions 107(1) (2001), NIST's APAR (NISTIR 7365): no mode of operation has both |
//!
//! Reheat after dehumidification opens both on purpose: where that is wanted, so is the finding's dismissal; it says so.

use std::collections::BTreeMap;

use super::air::AirHandler;
use super::finding::{Coverage, EvidenceList, FaultKind, Finding, rounded, shown};
use super::limits::DiagnosticLimits;
use super::plant::{Plant, date, hours};
use crate::machines::MachineState;

/// Confidence where the fan is known to run, and where it is not.
const FAN_RUNS: f64 = 0.95;
const FAN_UNKNOWN: f64 = 0.7;

/// What is found of one air handler; none when it has no pair of valves.
pub(super) fn judge(
    plant: &Plant<'_>,
    unit: &AirHandler,
    limits: &DiagnosticLimits,
) -> Option<(Vec<Finding>, Coverage)> {
    let (cooling, heating) = unit.valves.as_ref()?;
    let mut days: BTreeMap<i32, Vec<(usize, f64)>> = BTreeMap::new();
    let known: Vec<usize> = (0..plant.at_ms.len())
        .filter(|row| {
            let fan = unit.running.as_ref().and_then(|running| running.get(*row));
            let both = cooling.get(*row).zip(heating.get(*row));
            both.is_some_and(|(c, h)| !c.is_nan() && !h.is_nan()) && fan.is_none_or(|fan| *fan == MachineState::On)
        })
        .collect();
    let open = |row: usize| {
        let both = cooling.get(row).zip(heating.get(row));
        both.is_some_and(|(c, h)| *c > limits.valve_open_pct && *h > limits.valve_open_pct)
    };
    let opened: Vec<bool> = known.iter().map(|row| open(*row)).collect();
    let beside = |at: usize| {
        let near = |at: Option<usize>| at.and_then(|at| opened.get(at)).copied().unwrap_or_default();
        near(at.checked_sub(1)) || near(at.checked_add(1))
    };
    for (at, (row, hours)) in known.iter().zip(hours(plant.at_ms, &known)).enumerate() {
        let Some(time) = plant.clock.get(*row) else { continue };
        let overlapping = days.entry(time.day).or_default();
        if opened.get(at) == Some(&true) && beside(at) {
            overlapping.push((*row, hours));
        }
    }
    let days_judged = days.len();
    let found = days.into_iter().filter(|(_, rows)| rows.iter().map(|(_, h)| h).sum::<f64>() >= limits.overlap_hours);
    let findings: Vec<Finding> =
        found.filter_map(|(day, rows)| finding(plant, unit, (cooling, heating), day, &rows)).collect();
    let coverage = Coverage {
        kind: FaultKind::SimultaneousHeatingCooling,
        machine: unit.name.clone(),
        days_judged: u32::try_from(days_judged).unwrap_or(u32::MAX),
        days_found: u32::try_from(findings.len()).unwrap_or(u32::MAX),
        note: if unit.running.is_some() { String::new() } else { "whether its fan runs is not known".to_owned() },
    };
    Some((findings, coverage))
}

fn finding(
    plant: &Plant<'_>,
    unit: &AirHandler,
    (cooling, heating): (&[f64], &[f64]),
    day: i32,
    rows: &[(usize, f64)],
) -> Option<Finding> {
    let all: f64 = rows.iter().map(|(_, hours)| hours).sum();
    let mean = |values: &[f64]| {
        let weighted = rows.iter().filter_map(|(row, hours)| Some(values.get(*row)? * hours)).sum::<f64>();
        weighted / all
    };
    let mut evidence = EvidenceList::default();
    let overlap = evidence.add("hours_both_open", all, 2, "h");
    let cools = evidence.add("mean_cooling_valve", mean(cooling), 1, "%");
    let heats = evidence.add("mean_heating_valve", mean(heating), 1, "%");
    let ((first, _), (last, _)) = (rows.first()?, rows.last()?);
    Some(Finding {
        kind: FaultKind::SimultaneousHeatingCooling,
        machine: unit.name.clone(),
        day: date(day),
        start_at_ms: *plant.at_ms.get(*first)?,
        end_at_ms: *plant.at_ms.get(*last)?,
        rows: rows.len() as u64,
        columns: unit.valve_columns.clone(),
        detail: format!(
            "{} heated and cooled at once for {} h: on average the cooling valve stood at {} % and the heating valve at \
             {} %; like overlapping control loops or a valve held open – unless it reheats to dehumidify",
            unit.name,
            shown(overlap),
            shown(cools),
            shown(heats)
        ),
        evidence: evidence.0,
        energy_wasted_kwh: None,
        energy_basis: "not known: no point measures the heat of its coils".to_owned(),
        confidence: rounded(if unit.running.is_some() { FAN_RUNS } else { FAN_UNKNOWN }, 2),
    })
}

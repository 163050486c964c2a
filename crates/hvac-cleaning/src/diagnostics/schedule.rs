//! Out of schedule: a machine runs when its schedule is off, or when its kind stands by habit.
//!
//! | | |
//! |---|---|
//! | formula | runs for `out_of_schedule_hours` (2 h) or more without a break, while its schedule is off – or, without a schedule point, in half hours in which it ran on `habit_share` (0.1) of the days or fewer |
//! | habit | by half hour and sort of day (Monday to Friday, Saturday, Sunday), of 8 such days or more (4 of a weekend's); only where standing by habit lasts 4 h or longer. Chillers, pumps and tower fans are habits of their kind together, for they take turns |
//! | judged | air handlers; chillers, pumps and towers in hours in which no air handler runs, for the plant follows them |
//! | source | ASHRAE Guideline 36-2021 §5.16 (off in unoccupied mode); scheduling is the first measure of every retro-commissioning list (Mills, *Building commissioning*, LBNL 2009; PNNL Building Re-tuning) |
//!
//! All energy of those hours is wasted: the machine's best decile of standing is 0 kW.

use std::collections::BTreeMap;

use chrono::Weekday;

use super::air::AirHandler;
use super::finding::{Coverage, EvidenceList, FaultKind, Finding, rounded, shown};
use super::limits::DiagnosticLimits;
use super::plant::{LocalTime, Plant, date, hours};
use crate::machines::{MachineState, Running};
use hvac_points::MachineKind;

/// Days of a sort that a habit needs.
const WORKDAYS: usize = 8;
const WEEKEND_DAYS: usize = 4;
/// Standing by habit lasts at least this many half hours.
const LEAST_STANDING: usize = 8;
/// A habit is one only of what also runs: in some half hour on at least this share of the days.
const RUNS_SHARE: f64 = 0.5;
/// Confidence by a schedule point, and by habit; less where no state but speed or power says that it runs.
const BY_SCHEDULE: f64 = 0.95;
const BY_HABIT: f64 = 0.8;
const BY_POWER: f64 = 0.9;
const SLOTS: usize = 48;

/// What is judged: a machine, and when it should stand.
struct Judged<'p> {
    name: &'p str,
    running: &'p Running,
    by_state: bool,
    power_kw: &'p [f64],
    columns: &'p [String],
    /// Row by row: it should stand.
    off: Vec<bool>,
    by_schedule: bool,
}

/// What is found of all machines.
pub(super) fn judge(plant: &Plant<'_>, limits: &DiagnosticLimits) -> (Vec<Finding>, Vec<Coverage>) {
    let (mut findings, mut coverage) = (Vec::new(), Vec::new());
    let mut add = |judged: Result<Judged<'_>, (&str, &str)>| match judged {
        Ok(judged) => {
            let (found, covered) = look(plant, &judged, limits);
            findings.extend(found);
            coverage.push(covered);
        }
        Err((name, note)) => coverage.push(Coverage {
            kind: FaultKind::OutOfSchedule,
            machine: name.to_owned(),
            days_judged: 0,
            days_found: 0,
            note: note.to_owned(),
        }),
    };
    for unit in &plant.air {
        if let (Some(running), Some(schedule)) = (&unit.running, &unit.schedule) {
            let off = schedule.iter().map(|on| *on < 0.5).collect();
            let UnitParts { name, by_state, power_kw, columns } = unit_parts(unit);
            add(Ok(Judged { name, running, by_state, power_kw, columns, off, by_schedule: true }));
        }
    }
    let scheduled = |name: &str| plant.air.iter().any(|unit| unit.name == name && unit.schedule.is_some());
    for machine in plant.machines.iter().filter(|m| m.kind == MachineKind::Other && is_air_handler(&m.name)) {
        if !scheduled(&machine.name) {
            let off = habit(&plant.clock, &[&machine.running], limits).map(|habit| habit.rows(&plant.clock));
            let off = off.ok_or((machine.name.as_str(), NO_HABIT));
            add(off.map(|off| Judged {
                name: &machine.name,
                running: &machine.running,
                by_state: machine.by_state,
                power_kw: &machine.power_kw,
                columns: &machine.columns,
                off,
                by_schedule: false,
            }));
        }
    }
    let air_runs = air_runs(plant);
    for kind in [MachineKind::Chiller, MachineKind::ChwPump, MachineKind::CwPump, MachineKind::Tower] {
        let of_kind: Vec<_> = plant.machines.iter().filter(|machine| machine.kind == kind).collect();
        let running: Vec<&Running> = of_kind.iter().map(|machine| &machine.running).collect();
        let off = habit(&plant.clock, &running, limits).map(|habit| habit.rows(&plant.clock));
        if let (None, Some(_)) = (&off, of_kind.first()) {
            add(Err((kind_name(kind), NO_HABIT)));
            continue;
        }
        for machine in of_kind {
            let off = off.as_ref().map(|off| off.iter().zip(&air_runs).map(|(off, air)| *off && !air).collect());
            add(off.ok_or((machine.name.as_str(), NO_HABIT)).map(|off| Judged {
                name: &machine.name,
                running: &machine.running,
                by_state: machine.by_state,
                power_kw: &machine.power_kw,
                columns: &machine.columns,
                off,
                by_schedule: false,
            }));
        }
    }
    (findings, coverage)
}

/// What machines of a kind are called together.
fn kind_name(kind: MachineKind) -> &'static str {
    match kind {
        MachineKind::Chiller => "chillers",
        MachineKind::ChwPump | MachineKind::ScpPump => "chilled-water pumps",
        MachineKind::CwPump => "condenser-water pumps",
        MachineKind::Tower => "cooling towers",
        MachineKind::Other => "others",
    }
}

const NO_HABIT: &str =
    "no schedule is recorded, and there is no habit of standing: too few days, or running at all hours";

struct UnitParts<'u> {
    name: &'u str,
    by_state: bool,
    power_kw: &'u [f64],
    columns: &'u [String],
}

fn unit_parts(unit: &AirHandler) -> UnitParts<'_> {
    UnitParts { name: &unit.name, by_state: unit.by_state, power_kw: &unit.fan_kw, columns: &unit.schedule_columns }
}

/// Whether a name is an air handler's: other machines (sump pumps, lifts, lights) have no schedule to keep.
fn is_air_handler(name: &str) -> bool {
    let letters: String = name.to_uppercase().chars().take_while(char::is_ascii_alphabetic).collect();
    ["AH", "AHU", "RTU", "DOAS", "MAU", "PAU", "FAHU", "OAHU", "FCU"].contains(&letters.as_str())
}

/// Whether any air handler runs, or may run, row by row; nowhere, where there is none.
fn air_runs(plant: &Plant<'_>) -> Vec<bool> {
    let mut runs = vec![false; plant.at_ms.len()];
    let machines = plant.machines.iter().filter(|m| m.kind == MachineKind::Other && is_air_handler(&m.name));
    let units = plant.air.iter().filter_map(|unit| unit.running.as_ref());
    for running in machines.map(|machine| &machine.running).chain(units) {
        runs.iter_mut().zip(running).for_each(|(runs, state)| *runs |= *state != MachineState::Off);
    }
    runs
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum DayKind {
    Workday,
    Saturday,
    Sunday,
}

impl DayKind {
    fn of(weekday: Weekday) -> Self {
        match weekday {
            Weekday::Sat => Self::Saturday,
            Weekday::Sun => Self::Sunday,
            _ => Self::Workday,
        }
    }

    fn least_days(self) -> usize {
        if self == Self::Workday { WORKDAYS } else { WEEKEND_DAYS }
    }
}

/// In which half hours of which days machines stand.
#[derive(Debug)]
struct Habit(BTreeMap<DayKind, Vec<bool>>);

impl Habit {
    fn rows(&self, clock: &[LocalTime]) -> Vec<bool> {
        let off = |time: &LocalTime| {
            let slots = self.0.get(&DayKind::of(time.weekday));
            slots.and_then(|slots| slots.get(time.half_hour as usize)).copied().unwrap_or_default()
        };
        clock.iter().map(off).collect()
    }
}

/// When machines that take turns stand by habit; none without such a habit.
fn habit(clock: &[LocalTime], machines: &[&Running], limits: &DiagnosticLimits) -> Option<Habit> {
    // By sort of day and half hour: each day once, and whether any of them ran.
    let mut seen: BTreeMap<(DayKind, u32), BTreeMap<i32, bool>> = BTreeMap::new();
    for (row, time) in clock.iter().enumerate() {
        let states = machines.iter().filter_map(|running| running.get(row));
        let ran = states.clone().any(|state| *state == MachineState::On);
        if ran || states.clone().all(|state| *state == MachineState::Off) {
            let slot = seen.entry((DayKind::of(time.weekday), time.half_hour)).or_default();
            *slot.entry(time.day).or_default() |= ran;
        }
    }
    let share = |days: &BTreeMap<i32, bool>| days.values().filter(|ran| **ran).count() as f64 / days.len() as f64;
    let enough = |kind: DayKind, days: &BTreeMap<i32, bool>| days.len() >= kind.least_days();
    let runs = seen.iter().any(|((kind, _), days)| enough(*kind, days) && share(days) >= RUNS_SHARE);
    let stands = |kind: DayKind, slot: usize| {
        let days = u32::try_from(slot).ok().and_then(|slot| seen.get(&(kind, slot)));
        days.is_some_and(|days| enough(kind, days) && share(days) <= limits.habit_share)
    };
    let slots =
        |kind: DayKind| -> Vec<bool> { long_runs(&(0..SLOTS).map(|slot| stands(kind, slot)).collect::<Vec<_>>()) };
    let all = [DayKind::Workday, DayKind::Saturday, DayKind::Sunday].map(|kind| (kind, slots(kind)));
    let stands = all.iter().any(|(_, slots)| slots.contains(&true));
    (runs && stands && !machines.is_empty()).then(|| Habit(all.into_iter().collect()))
}

/// Only what belongs to a run of 4 h or more, the day's end and beginning being neighbours.
fn long_runs(slots: &[bool]) -> Vec<bool> {
    let mut kept = vec![false; slots.len()];
    let twice: Vec<bool> = slots.iter().chain(slots).copied().collect();
    for start in 0..slots.len() {
        let run = twice.get(start..start + LEAST_STANDING);
        if run.is_some_and(|run| run.iter().all(|stands| *stands)) {
            for at in start..start + LEAST_STANDING {
                if let Some(slot) = kept.get_mut(at % slots.len().max(1)) {
                    *slot = true;
                }
            }
        }
    }
    kept
}

fn look(plant: &Plant<'_>, judged: &Judged<'_>, limits: &DiagnosticLimits) -> (Vec<Finding>, Coverage) {
    let known: Vec<usize> = (judged.running.iter().enumerate())
        .filter(|(_, state)| **state != MachineState::Unknown)
        .map(|(row, _)| row)
        .collect();
    let hours = hours(plant.at_ms, &known);
    let mut days: BTreeMap<i32, Vec<(usize, f64)>> = BTreeMap::new();
    let mut run: Vec<(usize, f64)> = Vec::new();
    let close = |run: &mut Vec<(usize, f64)>, days: &mut BTreeMap<i32, Vec<(usize, f64)>>| {
        if run.iter().map(|(_, hours)| hours).sum::<f64>() >= limits.out_of_schedule_hours {
            for (row, hours) in run.iter() {
                if let Some(time) = plant.clock.get(*row) {
                    days.entry(time.day).or_default().push((*row, *hours));
                }
            }
        }
        run.clear();
    };
    let mut days_seen: Vec<i32> = Vec::new();
    for (row, hours) in known.iter().zip(hours) {
        days_seen.extend(plant.clock.get(*row).map(|time| time.day));
        let out = judged.off.get(*row) == Some(&true) && judged.running.get(*row) == Some(&MachineState::On);
        if out {
            run.push((*row, hours));
        } else {
            close(&mut run, &mut days);
        }
    }
    close(&mut run, &mut days);
    days_seen.dedup();
    let findings: Vec<Finding> =
        days.into_iter().filter_map(|(day, rows)| finding(plant, judged, day, &rows)).collect();
    let coverage = Coverage {
        kind: FaultKind::OutOfSchedule,
        machine: judged.name.to_owned(),
        days_judged: u32::try_from(days_seen.len()).unwrap_or(u32::MAX),
        days_found: u32::try_from(findings.len()).unwrap_or(u32::MAX),
        note: if judged.by_schedule { "by its schedule" } else { "by its own habit" }.to_owned(),
    };
    (findings, coverage)
}

fn finding(plant: &Plant<'_>, judged: &Judged<'_>, day: i32, rows: &[(usize, f64)]) -> Option<Finding> {
    let mut evidence = EvidenceList::default();
    let ran = evidence.add("hours_out_of_schedule", rows.iter().map(|(_, hours)| hours).sum(), 2, "h");
    let metered: Vec<(f64, f64)> = (rows.iter())
        .filter_map(|(row, hours)| Some((*judged.power_kw.get(*row).filter(|kw| !kw.is_nan())?, *hours)))
        .collect();
    let energy_wasted_kwh = (!metered.is_empty()).then(|| {
        evidence.add("hours_metered", metered.iter().map(|(_, hours)| hours).sum(), 2, "h");
        let used = evidence.add("energy_used", metered.iter().map(|(kw, hours)| kw * hours).sum(), 1, "kWh");
        let best = evidence.add("energy_at_best_decile", 0.0, 1, "kWh");
        rounded(used - best, 1)
    });
    let ((first, _), (last, _)) = (rows.first()?, rows.last()?);
    let (why, sure) = match judged.by_schedule {
        true => ("its schedule is off", BY_SCHEDULE),
        false => ("it stands by habit", BY_HABIT),
    };
    Some(Finding {
        kind: FaultKind::OutOfSchedule,
        machine: judged.name.to_owned(),
        day: date(day),
        start_at_ms: *plant.at_ms.get(*first)?,
        end_at_ms: *plant.at_ms.get(*last)?,
        rows: rows.len() as u64,
        columns: judged.columns.to_vec(),
        detail: format!(
            "{} ran for {} h of this day while {why}; like an override that was left on, a schedule that was changed, or \
             work out of hours",
            judged.name,
            shown(ran)
        ),
        evidence: evidence.0,
        energy_wasted_kwh,
        energy_basis: match energy_wasted_kwh {
            Some(_) => "energy_used in the hours that are metered: its best then is to stand, at 0 kWh".to_owned(),
            None => "not known: its power is not recorded".to_owned(),
        },
        confidence: rounded(if judged.by_state { sure } else { BY_POWER * sure }, 2),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seven half hours are no habit, eight are, and a night goes on after midnight.
    #[test]
    fn standing_lasts_four_hours() {
        let slots = |of: &[(usize, usize)]| -> Vec<bool> {
            (0..SLOTS).map(|slot| of.iter().any(|(from, to)| (*from..*to).contains(&slot))).collect()
        };
        assert_eq!(long_runs(&slots(&[(10, 17)])), slots(&[]));
        assert_eq!(long_runs(&slots(&[(10, 18), (30, 33)])), slots(&[(10, 18)]));
        assert_eq!(long_runs(&slots(&[(0, 5), (45, 48)])), slots(&[(0, 5), (45, 48)]));
    }

    #[test]
    fn air_handlers_keep_schedules() {
        for name in ["AH01", "AHU_1", "AHU1", "RTU_3"] {
            assert!(is_air_handler(name), "{name}");
        }
        for name in ["AHRF01", "SUMP_1", "LIFT", "AHX"] {
            assert!(!is_air_handler(name), "{name}");
        }
    }
}

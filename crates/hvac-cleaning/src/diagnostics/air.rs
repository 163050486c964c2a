//! Air handlers, by the names of their points: whether they run, whether they should, and what their valves do.
//!
//! A valve is one of a pair only when the same machine has one for cooling and one for heating: `AH01.CV` and `AH01.HV`,
//! `AHU 1 Cooling Valve` and `AHU 1 Heating Valve`. A name that says neither is no valve here.

use std::collections::BTreeMap;

use super::reader::{Reader, parts};
use crate::machines::{Machine, Machines, Running};
use crate::sampling::quantile;
use hvac_frame::column::{ColumnMeta, Kind};
use hvac_points::{MachineKind, Nature, Reading};

/// One air handler.
#[derive(Debug)]
pub(super) struct AirHandler {
    pub(super) name: String,
    /// Whether its fan runs; none where nothing tells.
    pub(super) running: Option<Running>,
    /// Whether a state says so, not speed or power.
    pub(super) by_state: bool,
    /// Cooling and heating valve, %; NaN where not known.
    pub(super) valves: Option<(Vec<f64>, Vec<f64>)>,
    /// Whether its schedule asks for it: above ½; NaN where not known.
    pub(super) schedule: Option<Vec<f64>>,
    /// Fan, kW; empty when not measured.
    pub(super) fan_kw: Vec<f64>,
    /// Columns of valves and fan.
    pub(super) valve_columns: Vec<String>,
    /// Columns of fan and schedule.
    pub(super) schedule_columns: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Cooling,
    Heating,
    Schedule,
}

const VALVES: [&str; 6] = ["VALVE", "VLV", "VAL", "VALV", "VLVPOS", "V"];
const COOLS: [&str; 9] = ["CHW", "COOL", "COOLING", "CLG", "CC", "CHILLED", "COLD", "CCOIL", "CHWS"];
const HEATS: [&str; 10] = ["HW", "HHW", "HEAT", "HEATING", "HTG", "HC", "REHEAT", "HOT", "HCOIL", "RHT"];
const COOLING_VALVES: [&str; 8] = ["CV", "CCV", "CLV", "CHV", "CHWV", "CLGV", "CCVLV", "CHWVLV"];
const HEATING_VALVES: [&str; 10] = ["HV", "HCV", "HWV", "HTV", "HTGV", "HHWV", "RHV", "HCVLV", "HWVLV", "RHVLV"];
const SCHEDULES: [&str; 8] = ["SCHED", "SCHEDULE", "SCH", "OCC", "OCCUPIED", "OCCUPANCY", "OCCSCH", "OCCSCHED"];
/// Words beside these that name no machine.
const FILLERS: [&str; 12] =
    ["WATER", "COIL", "POS", "POSITION", "OUT", "OUTPUT", "CMD", "COMMAND", "MODE", "STATUS", "SIGNAL", "PCT"];

/// What part of an air handler a name says it is, and the words of its machine.
fn part_of(name: &str) -> Option<(Part, Vec<String>)> {
    let upper = name.to_uppercase();
    let words: Vec<&str> = upper.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let has = |list: &[&str]| words.iter().any(|word| list.contains(word));
    let valve = has(&VALVES);
    let cools = has(&COOLING_VALVES) || (valve && has(&COOLS));
    let heats = has(&HEATING_VALVES) || (valve && has(&HEATS));
    let part = match (cools, heats, has(&SCHEDULES)) {
        (true, false, false) => Part::Cooling,
        (false, true, false) => Part::Heating,
        (false, false, true) => Part::Schedule,
        _ => return None,
    };
    let own = |list: &[&str], word: &&&str| list.contains(*word);
    let is_named = |word: &&&str| {
        !own(&FILLERS, word)
            && match part {
                Part::Cooling => !own(&VALVES, word) && !own(&COOLS, word) && !own(&COOLING_VALVES, word),
                Part::Heating => !own(&VALVES, word) && !own(&HEATS, word) && !own(&HEATING_VALVES, word),
                Part::Schedule => !own(&SCHEDULES, word),
            }
    };
    let machine: Vec<String> = words.iter().filter(is_named).map(|word| (*word).to_owned()).collect();
    (!machine.is_empty()).then_some((part, machine))
}

/// Whether a point is a schedule: it does not say that its machine runs.
pub(super) fn is_schedule(name: &str) -> bool {
    part_of(name).is_some_and(|(part, _)| part == Part::Schedule)
}

/// Whether a column can be a valve's position or a schedule.
fn fits(part: Part, column: &ColumnMeta) -> bool {
    let reading = Reading::of(&column.original_name);
    let set = matches!(reading.nature, Some(Nature::SetPoint | Nature::Alarm | Nature::Limit));
    let unit = column.unit.as_deref().is_none_or(|unit| unit == "%");
    match part {
        Part::Schedule => column.kind == Kind::Status,
        _ => !set && unit && column.derived.is_none() && matches!(column.kind, Kind::Instantaneous | Kind::Status),
    }
}

/// Every air handler with a pair of valves or a schedule, by name.
///
/// # Errors
/// That of reading a column.
pub(super) fn find<E>(
    reader: &mut Reader<'_, '_, E>,
    at_ms: &[i64],
    machines: &Machines,
) -> Result<Vec<AirHandler>, E> {
    let mut found: BTreeMap<Vec<String>, Vec<(Part, usize)>> = BTreeMap::new();
    for (index, column) in reader.columns.iter().enumerate() {
        if let Some((part, machine)) = part_of(&column.original_name).filter(|(part, _)| fits(*part, column)) {
            found.entry(machine).or_default().push((part, index));
        }
    }
    let mut air = Vec::new();
    for (words, points) in found {
        let only = |wanted: Part| {
            let mut of = points.iter().filter(|(part, _)| *part == wanted).map(|(_, index)| *index);
            of.next().filter(|_| of.next().is_none())
        };
        let pair = only(Part::Cooling).zip(only(Part::Heating));
        let schedule = only(Part::Schedule);
        let machine = machines.all.iter().find(|machine| machine.sign.is_some() && is_of(machine, &words));
        let kind_fits = machine.is_none_or(|machine| machine.kind == MachineKind::Other);
        if !kind_fits || (pair.is_none() && (schedule.is_none() || machine.is_none())) {
            continue;
        }
        let running = machine.map(|machine| reader.running(at_ms, machine)).transpose()?;
        let valves = match pair {
            Some((cooling, heating)) => Some((position(reader, cooling)?, position(reader, heating)?)),
            None => None,
        };
        let sign = machine.and_then(|machine| machine.sign).map(|sign| sign.column);
        let names = |indices: &[Option<usize>], reader: &Reader<'_, '_, E>| -> Vec<String> {
            indices.iter().flatten().filter_map(|index| reader.name(*index)).collect()
        };
        let valve_columns = names(&[pair.map(|pair| pair.0), pair.map(|pair| pair.1), sign], reader);
        let mut schedule_columns = names(&[sign, schedule], reader);
        let fan = match machine {
            Some(machine) => reader.sum(&machine.powers, crate::quantity::Quantity::Power)?,
            None => None,
        };
        let fan_kw = fan.map(|(values, names)| {
            schedule_columns.extend(names);
            values
        });
        air.push(AirHandler {
            name: machine.map_or_else(|| words.join("_"), |machine| machine.name.clone()),
            running,
            by_state: machine.is_some_and(|machine| !machine.states.is_empty()),
            valves,
            schedule: schedule.map(|index| reader.raw(index).map(<[f64]>::to_vec)).transpose()?,
            fan_kw: fan_kw.unwrap_or_default(),
            valve_columns,
            schedule_columns,
        });
    }
    Ok(air)
}

/// Whether those words name the machine.
fn is_of(machine: &Machine, words: &[String]) -> bool {
    parts(&machine.name.to_uppercase()).concat() == words.concat()
}

/// A valve's position in %: 0…1 counts as a share, and a state as shut or open.
fn position<E>(reader: &mut Reader<'_, '_, E>, index: usize) -> Result<Vec<f64>, E> {
    let stated = reader.columns.get(index).is_some_and(|column| column.unit.is_some());
    let values = reader.raw(index)?;
    let mut present: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    let share = !stated && quantile(&mut present, 1.0).is_some_and(|most| most <= 1.0);
    Ok(values.iter().map(|value| if share { value * 100.0 } else { *value }).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn parts_and_machines_are_told_by_words() {
        for (name, part, machine) in [
            ("AH01.CV", Part::Cooling, "AH01"),
            ("AH01.HV", Part::Heating, "AH01"),
            ("AHU1_CHW_VALVE", Part::Cooling, "AHU1"),
            ("AHU1_HW_VALVE", Part::Heating, "AHU1"),
            ("AHU 1 Cooling Valve", Part::Cooling, "AHU 1"),
            ("AHU 1 Heating Valve", Part::Heating, "AHU 1"),
            ("AHU-2:Reheat Valve Cmd", Part::Heating, "AHU 2"),
            ("AH01.SCHED", Part::Schedule, "AH01"),
            ("AHU 1 Occupied Schedule", Part::Schedule, "AHU 1"),
        ] {
            let (found, words) = part_of(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!((found, words.join(" ")), (part, machine.to_owned()), "{name}");
        }
        for name in ["AH01.SAT", "CHWST", "HW_PUMP_1_S", "AHU1_VALVE", "CV", "AHU1 Heating Cooling Valve"] {
            assert!(part_of(name).is_none(), "{name}");
        }
    }
}

//! What diagnostics see of a plant: its chillers with their load, power and lift, and the site's clock.
//!
//! A chiller's load is its own where that is measured (as a load, or by its own flow and temperatures), else the plant's
//! while it runs alone, else the plant's shared equally among the chillers that run – where it is known of all of them
//! whether they do. A chiller's power is its own, else that of all chillers while it runs alone.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate, TimeZone, Timelike, Weekday};
use chrono_tz::Tz;

use super::air::{self, AirHandler};
use super::reader::{Named, Read, Reader};
use super::suspects::{self, Suspect};
use crate::machines::{Machine, MachineState, Machines, Running};
use crate::parameters::{Roles, Thresholds};
use crate::quantity::Quantity;
use crate::roles::{self, Role, RoleColumns};
use crate::sampling::{GAP_FACTOR, median, quantile};
use hvac_frame::column::ColumnMeta;
use hvac_points::physics::{kw_to_rt, water_heat_kw};
use hvac_points::{MachineKind, Role as PointRole};

/// After its start or stop, rows say nothing of how a machine does at rest, ms.
const SETTLING_MS: i64 = 3_600_000;

/// When a row was at the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LocalTime {
    /// Days since 1 January of year 1.
    pub(super) day: i32,
    /// Half hours since midnight.
    pub(super) half_hour: u32,
    /// Day of the week.
    pub(super) weekday: Weekday,
}

/// The day of that number.
pub(super) fn date(day: i32) -> NaiveDate {
    NaiveDate::from_num_days_from_ce_opt(day).unwrap_or_default()
}

/// Where a chiller's load comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LoadSource {
    /// Measured at the chiller.
    Own,
    /// The plant's, shared equally among the chillers that run.
    Shared,
}

/// One chiller, or all of them where only their sum is measured.
#[derive(Debug)]
pub(super) struct Chiller {
    pub(super) name: String,
    pub(super) running: Running,
    /// kW; NaN where not known.
    pub(super) power_kw: Vec<f64>,
    /// RT; NaN where not known.
    pub(super) load_rt: Vec<f64>,
    pub(super) load_source: LoadSource,
    /// ΔT of its own that its load was computed from, K; empty where it was not.
    pub(super) load_delta_k: Vec<f64>,
    /// Condenser water leaving − chilled water leaving, K; empty when not measured.
    pub(super) lift_k: Vec<f64>,
    /// Chilled water leaving, °C; empty when not measured.
    pub(super) chws_c: Vec<f64>,
    /// Columns that all this was read from.
    pub(super) columns: Vec<String>,
    /// What is missing for judging its power, in words.
    pub(super) missing: Option<String>,
}

/// The plant, row by row.
#[derive(Debug)]
pub(super) struct Plant<'a> {
    pub(super) at_ms: &'a [i64],
    pub(super) clock: Vec<LocalTime>,
    pub(super) chillers: Vec<Chiller>,
    /// The plant's load, RT; empty when not known.
    pub(super) load_rt: Vec<f64>,
    /// Chilled water from the building − to it, K; empty when not measured.
    pub(super) delta_t_k: Vec<f64>,
    /// Chilled water to the building, °C; empty when not measured.
    pub(super) chws_c: Vec<f64>,
    /// Chilled water through the header, L/min; empty when not measured.
    pub(super) chw_lpm: Vec<f64>,
    /// Electric power of the whole plant by a meter of its own, kW; empty when not measured.
    pub(super) total_kw: Vec<f64>,
    /// Speed of the chilled-water pumps that run, Hz or %; empty when not known.
    pub(super) pump_speed: Vec<f64>,
    /// Columns of load and ΔT.
    pub(super) loop_columns: Vec<String>,
    /// Every machine that tells whether it runs, with its power (empty when not measured).
    pub(super) machines: Vec<RunningMachine>,
    /// Air handlers with a pair of valves or a schedule.
    pub(super) air: Vec<AirHandler>,
    /// Sensors that were left out while the laws between sensors speak against them.
    pub(super) suspects: Vec<Suspect>,
}

/// A machine that tells whether it runs.
#[derive(Debug)]
pub(super) struct RunningMachine {
    pub(super) name: String,
    pub(super) kind: MachineKind,
    pub(super) running: Running,
    /// Whether a state says so, not speed or power.
    pub(super) by_state: bool,
    /// kW; empty when not measured.
    pub(super) power_kw: Vec<f64>,
    pub(super) columns: Vec<String>,
}

/// Hours that each of these rows stands for: until the next of them, but never more than a gap's worth.
pub(super) fn hours(at_ms: &[i64], rows: &[usize]) -> Vec<f64> {
    let times: Vec<i64> = rows.iter().filter_map(|row| at_ms.get(*row)).copied().collect();
    let steps: Vec<f64> = times.iter().zip(times.iter().skip(1)).map(|(a, b)| (b - a) as f64).collect();
    let usual = median(&mut steps.clone()).unwrap_or_default();
    let own = |step: &f64| if *step > GAP_FACTOR * usual { usual } else { *step } / 3_600_000.0;
    steps.iter().map(own).chain(times.last().map(|_| usual / 3_600_000.0)).collect()
}

impl<'a> Plant<'a> {
    /// What these columns show.
    ///
    /// # Errors
    /// That of `read`.
    pub(super) fn read<E>(columns: &[ColumnMeta], at_ms: &'a [i64], zone: Tz, read: Read<'_, E>) -> Result<Self, E> {
        let mut reader = Reader { columns, read, kept: BTreeMap::new() };
        let suspects = suspects::find(&mut reader, at_ms)?;
        suspects.iter().for_each(|suspect| suspect.leave_out(at_ms, &mut reader.kept));
        let (chosen, _, _) = roles::resolve(&Roles::default(), columns);
        let found = Machines::find(columns, &chosen, &Thresholds::default());
        let load = reader.role(&chosen, Role::Load)?;
        let flow = reader.role(&chosen, Role::Flow)?;
        let supply = reader.role(&chosen, Role::ChwSupply)?;
        let back = reader.role(&chosen, Role::ChwReturn)?;
        let leaving = reader.role(&chosen, Role::CwReturn)?;
        let chiller_power = reader.role(&chosen, Role::ChillerPower)?;
        let total = reader.role(&chosen, Role::Power)?;
        let delta: Named = difference(&back, &supply);
        let load = load.or_else(|| heat(flow.as_ref(), delta.as_ref()));

        let pump_speed = pump_speed(&mut reader, &found)?;
        let mut machines = Vec::new();
        let is_schedule = |column: usize| columns.get(column).is_some_and(|c| air::is_schedule(&c.original_name));
        let runs = |machine: &&Machine| machine.sign.is_some_and(|sign| !is_schedule(sign.column));
        for machine in found.all.iter().filter(runs) {
            let power = reader.sum(&machine.powers, Quantity::Power)?;
            let mut own: Vec<String> = machine.sign.and_then(|sign| reader.name(sign.column)).into_iter().collect();
            let power_kw = power.map(|(values, names)| {
                own.extend(names.into_iter().filter(|name| !own.contains(name)).collect::<Vec<_>>());
                values
            });
            machines.push(RunningMachine {
                name: machine.name.clone(),
                kind: machine.kind,
                running: reader.running(at_ms, machine)?,
                by_state: !machine.states.is_empty(),
                power_kw: power_kw.unwrap_or_default(),
                columns: own,
            });
        }
        let chillers = chillers(
            &mut reader,
            at_ms,
            &found,
            &machines,
            &Header { load: &load, supply: &supply, leaving: &leaving, chiller_power: &chiller_power },
            &chosen,
        )?;
        let air = air::find(&mut reader, at_ms, &found)?;
        let loop_columns = [&load, &delta].into_iter().flatten().flat_map(|(_, names)| names.clone()).collect();
        Ok(Self {
            at_ms,
            clock: clock(at_ms, zone),
            chillers,
            load_rt: values(load),
            delta_t_k: values(delta),
            chws_c: values(supply),
            chw_lpm: values(flow),
            total_kw: values(total),
            pump_speed,
            loop_columns,
            machines,
            air,
            suspects,
        })
    }
}

/// Whether a machine has neither started nor stopped for an hour, row by row: loads and temperatures are on their way then.
pub(super) fn settled(at_ms: &[i64], running: &Running) -> Vec<bool> {
    let mut settled = vec![true; at_ms.len()];
    let known = || at_ms.iter().zip(running).filter(|(_, state)| **state != MachineState::Unknown);
    let changes = known().zip(known().skip(1)).filter(|((_, a), (_, b))| a != b).map(|(_, (at, _))| *at);
    for at in changes {
        let from = at_ms.partition_point(|other| *other < at);
        let to = at_ms.partition_point(|other| *other < at.saturating_add(SETTLING_MS));
        settled.get_mut(from..to).into_iter().flatten().for_each(|settled| *settled = false);
    }
    settled
}

/// What the plant's headers show.
struct Header<'h> {
    load: &'h Named,
    supply: &'h Named,
    leaving: &'h Named,
    chiller_power: &'h Named,
}

fn values(named: Named) -> Vec<f64> {
    named.map(|(values, _)| values).unwrap_or_default()
}

fn difference(a: &Named, b: &Named) -> Named {
    let ((a, of_a), (b, of_b)) = (a.as_ref()?, b.as_ref()?);
    Some((a.iter().zip(b).map(|(a, b)| a - b).collect(), of_a.iter().chain(of_b).cloned().collect()))
}

/// The mean speed of the chilled-water pumps that run.
fn pump_speed<E>(reader: &mut Reader<'_, '_, E>, found: &Machines) -> Result<Vec<f64>, E> {
    let pumps = found.all.iter().filter(|machine| machine.kind == MachineKind::ChwPump);
    let mut sums: Vec<(f64, f64)> = Vec::new();
    for column in pumps.flat_map(|pump| pump.speeds.first()) {
        let values = reader.raw(*column)?;
        sums.resize(values.len(), (0.0, 0.0));
        for ((sum, count), value) in sums.iter_mut().zip(values).filter(|(_, value)| **value > 0.0) {
            (*sum, *count) = (*sum + value, *count + 1.0);
        }
    }
    Ok(sums.into_iter().map(|(sum, count)| sum / count).collect())
}

/// RT of a flow and its ΔT.
fn heat(flow: Option<&(Vec<f64>, Vec<String>)>, delta: Option<&(Vec<f64>, Vec<String>)>) -> Named {
    let ((flow, of_flow), (delta, of_delta)) = (flow?, delta?);
    let rt = flow.iter().zip(delta).map(|(lpm, k)| kw_to_rt(water_heat_kw(*lpm, *k))).collect();
    Some((rt, of_flow.iter().chain(of_delta).cloned().collect()))
}

fn clock(at_ms: &[i64], zone: Tz) -> Vec<LocalTime> {
    let local = |at: &i64| {
        let at = zone.timestamp_millis_opt(*at).single();
        let time = |at: chrono::DateTime<Tz>| LocalTime {
            day: at.num_days_from_ce(),
            half_hour: at.hour() * 2 + at.minute() / 30,
            weekday: at.weekday(),
        };
        // A time that no calendar has is on no day that is judged.
        at.map_or(LocalTime { day: 0, half_hour: 0, weekday: Weekday::Mon }, time)
    };
    at_ms.iter().map(local).collect()
}

fn chillers<E>(
    reader: &mut Reader<'_, '_, E>,
    at_ms: &[i64],
    found: &Machines,
    machines: &[RunningMachine],
    header: &Header<'_>,
    chosen: &BTreeMap<Role, RoleColumns>,
) -> Result<Vec<Chiller>, E> {
    let sum_columns = chosen.get(&Role::ChillerPower).map_or(&[][..], |found| &found.columns);
    let all: Vec<&Machine> = found.all.iter().filter(|m| m.kind == MachineKind::Chiller && m.sign.is_some()).collect();
    // The power of all chillers together is no chiller among others.
    let is_sum =
        |machine: &&&Machine| machine.states.is_empty() && machine.powers.iter().all(|p| sum_columns.contains(p));
    let single: Vec<&Machine> = all.iter().filter(|m| !is_sum(m)).copied().collect();
    let chosen_ones = if single.is_empty() { all } else { single };
    let states = |name: &str| machines.iter().find(|m| m.name == name).map(|m| &m.running);
    let running: Vec<&Running> = chosen_ones.iter().filter_map(|m| states(&m.name)).collect();
    let count = running_count(&running, at_ms.len());
    let mut chillers = Vec::new();
    for machine in chosen_ones {
        let Some(own) = machines.iter().find(|m| m.name == machine.name) else { continue };
        let mut columns = own.columns.clone();
        let mut add = |named: &[String]| columns.extend(named.iter().filter(|n| !own.columns.contains(n)).cloned());
        let alone = |row: usize| count.get(row) == Some(&Some(1)) && own.running.get(row) == Some(&MachineState::On);
        let power_kw = if own.power_kw.is_empty() {
            let all = header.chiller_power.as_ref();
            all.iter().for_each(|(_, names)| add(names));
            all.map(|(all, _)| pick(all, |row| alone(row).then_some(1.0))).unwrap_or_default()
        } else {
            own.power_kw.clone()
        };
        let own_supply = point(reader, machine, PointRole::ChwSupplyTemp, Quantity::ChwTemperature)?;
        let supply = own_supply.clone().or_else(|| header.supply.clone());
        let own_leaving = point(reader, machine, PointRole::CwReturnTemp, Quantity::CwTemperature)?;
        let leaving = own_leaving.or_else(|| header.leaving.clone());
        let metered = point(reader, machine, PointRole::Load, Quantity::Load)?;
        let flow = point(reader, machine, PointRole::ChwFlow, Quantity::Flow)?;
        let back = point(reader, machine, PointRole::ChwReturnTemp, Quantity::ChwTemperature)?;
        let own_delta = difference(&back, &own_supply).filter(|_| metered.is_none() && flow.is_some());
        let measured = metered.or_else(|| heat(flow.as_ref(), own_delta.as_ref()));
        let shared = || {
            let (all, names) = header.load.as_ref()?;
            let share = |row: usize| {
                let n = count.get(row).copied().flatten().filter(|n| *n > 0)?;
                (own.running.get(row) == Some(&MachineState::On)).then(|| 1.0 / f64::from(n))
            };
            Some((pick(all, share), names.clone()))
        };
        let load_source = if measured.is_some() { LoadSource::Own } else { LoadSource::Shared };
        let load = measured.or_else(shared);
        let lift = difference(&leaving, &supply);
        [&load, &lift].into_iter().flatten().for_each(|(_, names)| add(names));
        let mut missing = Vec::new();
        for (known, what) in [
            (!power_kw.is_empty(), "its power"),
            (load.is_some(), "its load or the plant's (with its unit)"),
            (lift.is_some(), "condenser water leaving and chilled water supply"),
        ] {
            if !known {
                missing.push(what);
            }
        }
        columns.sort_unstable();
        columns.dedup();
        chillers.push(Chiller {
            name: machine.name.clone(),
            running: own.running.clone(),
            power_kw,
            load_rt: values(load),
            load_source,
            load_delta_k: values(own_delta),
            lift_k: values(lift),
            chws_c: values(supply),
            columns,
            missing: (!missing.is_empty()).then(|| format!("not known: {}", missing.join(", "))),
        });
    }
    Ok(chillers)
}

fn point<E>(
    reader: &mut Reader<'_, '_, E>,
    machine: &Machine,
    role: PointRole,
    quantity: Quantity,
) -> Result<Named, E> {
    match reader.own(machine, role) {
        Some(index) => reader.sum(&[index], quantity),
        None => Ok(None),
    }
}

/// Values times a factor a row; NaN where there is none.
fn pick(values: &[f64], factor: impl Fn(usize) -> Option<f64>) -> Vec<f64> {
    values.iter().enumerate().map(|(row, value)| factor(row).map_or(f64::NAN, |factor| value * factor)).collect()
}

/// How many run, row by row; none where one is not known.
fn running_count(running: &[&Running], rows: usize) -> Vec<Option<u16>> {
    let mut count = vec![Some(0_u16); rows];
    for one in running {
        for (count, state) in count.iter_mut().zip(*one) {
            *count = match state {
                MachineState::On => count.map(|n| n + 1),
                MachineState::Off => *count,
                MachineState::Unknown => None,
            };
        }
    }
    count
}

/// What full load is taken for: the load that 98 of 100 running rows do not pass; none without a row.
pub(super) fn full_load(loads: impl Iterator<Item = f64>) -> Option<f64> {
    let mut present: Vec<f64> = loads.filter(|load| *load > 0.0).collect();
    quantile(&mut present, 0.98)
}

//! A fault as asked for, checked against a plant and laid on its rows.

use chrono::{NaiveDateTime, TimeDelta};

use super::faults::{Fault, FaultKind, Target};
use super::instruments::TrendedPoint;
use super::measurands::{Dimension, air_handler_name, chiller_name};
use super::plant_room::Setting;

/// The machine that [`FaultKind::LowDeltaT`] is of.
pub(crate) const CHW_LOOP: &str = "CHW";

/// A fault on rows `first..=last`, complete.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Placed {
    pub(crate) fault: Fault,
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) size: f64,
    /// Indices of the points whose readings it changes.
    pub(crate) points: Vec<usize>,
    /// Index of the machine among its kind.
    pub(crate) machine: Option<usize>,
    /// The unit that it prints.
    pub(crate) unit: Option<&'static str>,
    /// Whether the point is a temperature.
    pub(crate) temperature: bool,
}

/// Chillers, or air handlers, or the chilled-water loop: what an equipment fault of that kind can be of, by name.
pub(crate) fn machines(setting: &Setting, kind: FaultKind) -> Vec<String> {
    let plant = &setting.plant;
    match kind {
        FaultKind::Fouling | FaultKind::ShortCycling => {
            (0..plant.trains).map(|train| chiller_name(plant.style, train)).collect()
        }
        FaultKind::LowDeltaT => vec![CHW_LOOP.to_owned()],
        FaultKind::SimultaneousHeatingCooling | FaultKind::OutOfSchedule => {
            (0..plant.air_handlers).map(|unit| air_handler_name(plant.style, unit)).collect()
        }
        _ => Vec::new(),
    }
}

/// Lays a fault on the rows of a setting.
///
/// # Errors
/// A name that the plant does not have, a time outside of the stretch, a size or unit that cannot be.
pub(crate) fn place(setting: &Setting, all: &[TrendedPoint], fault: &Fault) -> Result<Placed, String> {
    let kind = fault.kind;
    let refused = |why: String| format!("{} of {}: {why}", kind.name(), fault.target.name());
    let points = points_of(all, fault).map_err(refused)?;
    let machine = match &fault.target {
        Target::Machine(name) => {
            let names = machines(setting, kind);
            let index = names.iter().position(|known| known == name);
            Some(index.ok_or_else(|| refused(format!("{} has {}", setting.plant.name, names.join(", "))))?)
        }
        _ => None,
    };
    let of_first = points.first().and_then(|index| all.get(*index));
    let dimension = of_first.map(|point| point.measurand.dimension());
    let temperature = dimension == Some(Dimension::Temperature);
    let least = match kind.least_size_of_share() {
        Some(share) if !temperature => share,
        _ => kind.least_size(),
    };
    let size = fault.size.unwrap_or(least);
    if !size.is_finite() || size == 0.0 {
        return Err(refused(format!("its size is {size}: give a number other than 0")));
    }
    let signed = matches!(kind, FaultKind::Offset | FaultKind::Drift | FaultKind::Spike | FaultKind::TimeShift);
    if size < 0.0 && !signed {
        return Err(refused(format!("its size is {size}: give a number above 0")));
    }
    if kind == FaultKind::TimeShift && size.fract() != 0.0 {
        return Err(refused(format!("its size is {size}: intervals are whole, negative when early")));
    }
    let hold_rows = f64::from(of_first.map_or(1, |point| point.hold_rows.max(1)));
    let (first, last) = rows(setting, fault, size * hold_rows).map_err(refused)?;
    let unit = unit_of(fault, of_first).map_err(refused)?;
    let complete = Fault {
        start: setting.at(u32::try_from(first).unwrap_or(u32::MAX)),
        end: setting.at(u32::try_from(last).unwrap_or(u32::MAX)),
        size: Some(size),
        unit: unit.map(str::to_owned),
        ..fault.clone()
    };
    Ok(Placed { fault: complete, first, last, size, points, machine, unit, temperature })
}

fn points_of(all: &[TrendedPoint], fault: &Fault) -> Result<Vec<usize>, String> {
    let find = |name: &str| {
        let found = all.iter().position(|point| point.name == *name);
        found.ok_or_else(|| format!("the plant has no point '{name}'; --list-points shows those there are"))
    };
    let found: Vec<usize> = match (&fault.target, &fault.with) {
        (Target::Point(point), None) => vec![find(point)?],
        (Target::Point(point), Some(other)) => vec![find(point)?, find(other)?],
        (Target::File(file), _) => {
            let of_file = all.iter().enumerate().filter(|(_, point)| point.file == *file);
            let found: Vec<usize> = of_file.map(|(index, _)| index).collect();
            if found.is_empty() {
                let mut files: Vec<&str> = all.iter().map(|point| point.file).collect();
                files.dedup();
                return Err(format!("the plant's reports are {}", files.join(", ")));
            }
            found
        }
        (Target::Machine(_), _) => Vec::new(),
    };
    let measured = matches!(fault.kind, FaultKind::Offset | FaultKind::Drift | FaultKind::Spike | FaultKind::Swap);
    for point in found.iter().filter_map(|index| all.get(*index)).filter(|_| measured) {
        if !point.is_sensor() {
            return Err(format!("'{}' is no sensor", point.name));
        }
    }
    Ok(found)
}

/// First and last row.
fn rows(setting: &Setting, fault: &Fault, size_rows: f64) -> Result<(usize, usize), String> {
    let row = |at: NaiveDateTime| {
        let minutes = (at - setting.start).num_minutes();
        let row = u32::try_from(minutes.div_euclid(i64::from(setting.step_minutes.max(1)))).ok();
        row.filter(|row| *row < setting.steps).map(|row| row as usize).ok_or_else(|| {
            let until = setting.at(setting.steps).unwrap_or(setting.start) - TimeDelta::minutes(1);
            format!("{at} lies outside of the time recorded, {} to {until}", setting.start)
        })
    };
    let end = (setting.steps as usize).checked_sub(1).ok_or("no rows are recorded")?;
    let first = fault.start.map_or(Ok(0), row)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of floats saturates")]
    let counted = first.saturating_add((size_rows.abs().round() as usize).max(1) - 1).min(end);
    let last = match (fault.end, fault.kind) {
        (Some(end), _) => row(end)?,
        (None, FaultKind::Stuck | FaultKind::Dropout) => counted,
        (None, FaultKind::Spike) => first,
        (None, _) => end,
    };
    if last < first {
        return Err("it ends before it starts".to_owned());
    }
    Ok((first, last))
}

fn unit_of(fault: &Fault, point: Option<&TrendedPoint>) -> Result<Option<&'static str>, String> {
    let (FaultKind::WrongUnit, Some(point)) = (fault.kind, point) else { return Ok(None) };
    let mut others = point.measurand.dimension().units().iter().filter(|unit| **unit != point.unit);
    let units = || point.measurand.dimension().units().join(", ");
    let unit = match &fault.unit {
        None => others.next(),
        Some(asked) => others.find(|unit| *unit == asked),
    };
    match unit {
        Some(unit) => Ok(Some(unit)),
        None => Err(format!("'{}' is in {} and may be printed in one of: {}", point.name, point.unit, units())),
    }
}

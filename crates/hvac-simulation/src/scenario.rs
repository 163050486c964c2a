//! A plant with faults: what its reports say, and the truth.
//!
//! ```
//! use hvac_simulation::faults::{Fault, FaultKind, FaultList, Target};
//! use hvac_simulation::scenario::{Scenario, Stretch};
//!
//! let offset = Fault { size: Some(2.0), ..Fault::new(FaultKind::Offset, Target::Point("CHWRT".into())) };
//! let list = FaultList { faults: vec![offset], random: 2, ..FaultList::default() };
//! let scenario = Scenario::new("hospital", 7, Stretch { days: 4, ..Stretch::default() }, &list)?;
//! let record = scenario.record();
//! assert_eq!((record.times.len(), record.truth.len()), (4 * 144, 3));
//! assert!(record.column("CHWRT").is_some());
//! # Ok::<(), String>(())
//! ```

use chrono::{NaiveDate, NaiveDateTime};

use super::faults::{FaultKind, FaultList, Truth};
use super::instruments::{ErrorKind, Readings, SensorError, TrendedPoint, points, step_sigma};
use super::placed::{Placed, place};
use super::plant_room::{MachineFault, PlantRoom, Setting, Snapshot};
use super::plants::{PLANTS, plant};
use super::random::{Draw, kinds};
use super::rng::Rng;

/// Which stretch of a plant's time is recorded, and how often.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// First moment, local standard time.
    pub start: NaiveDateTime,
    /// Days recorded.
    pub days: u32,
    /// Minutes between rows.
    pub step_minutes: u32,
}

impl Default for Stretch {
    /// 90 days from Monday, 6 May 2024, every 10 minutes.
    fn default() -> Self {
        Self { start: NaiveDate::from_ymd_opt(2024, 5, 6).unwrap_or_default().into(), days: 90, step_minutes: 10 }
    }
}

/// A plant that ran, its faults known.
#[derive(Debug, Clone)]
pub struct Scenario {
    setting: Setting,
    points: Vec<TrendedPoint>,
    history: Vec<Snapshot>,
    placed: Vec<Placed>,
}

/// What a plant's system recorded, and the truth about it.
#[derive(Debug, Clone)]
pub struct Record {
    /// Plant and stretch of time.
    pub setting: Setting,
    /// Local standard time of every row.
    pub times: Vec<NaiveDateTime>,
    /// Every point's readings, as long as `times`.
    pub columns: Vec<Readings>,
    /// Every fault: those asked for by name in their order, then the random ones.
    pub truth: Vec<Truth>,
}

impl Record {
    /// The readings of a point.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Readings> {
        self.columns.iter().find(|column| column.point.name == name)
    }
}

impl Scenario {
    /// Runs the plant of that name with these faults. The same arguments give the same readings.
    ///
    /// # Errors
    /// A plant, point, machine, time, size or unit that there is not; more random faults than find a place.
    pub fn new(plant_name: &str, seed: u64, stretch: Stretch, list: &FaultList) -> Result<Self, String> {
        let plant = *plant(plant_name).ok_or_else(|| {
            let names: Vec<&str> = PLANTS.iter().map(|plant| plant.name).collect();
            format!("there is no plant '{plant_name}'; there are {}", names.join(", "))
        })?;
        let Stretch { start, days, step_minutes } = stretch;
        if !(1..=1440).contains(&step_minutes) || 1440 % step_minutes != 0 {
            return Err(format!("an interval of {step_minutes} minutes does not divide a day"));
        }
        if !(1..=3660).contains(&days) {
            return Err(format!("{days} days: give 1 to 3660"));
        }
        let setting = Setting { plant, seed, start, step_minutes, steps: days * (1440 / step_minutes) };
        let points = points(&plant);
        let mut placed = Vec::new();
        for (number, fault) in (1..).zip(&list.faults) {
            placed.push(place(&setting, &points, fault).map_err(|why| format!("fault {number}, {why}"))?);
        }
        let (of_machines, mut of_sensors): (Vec<FaultKind>, Vec<FaultKind>) =
            kinds(list, setting.chance()).into_iter().partition(|kind| kind.is_equipment());
        let rng = Rng::new(setting.chance(), "faults/places");
        let mut draw = Draw { setting: &setting, points: &points, sizes: list.sizes, rng };
        let no_place = |kind: FaultKind| {
            let name = kind.name();
            format!("no more room for a random fault of kind {name}: ask for fewer, for other kinds, or for more days")
        };
        let mut instead = of_sensors.clone().into_iter().cycle();
        for kind in of_machines {
            match draw.of_machine(kind, &placed) {
                Some(fault) => placed.push(fault),
                // A plant has few machines and many sensors.
                None => of_sensors.push(instead.next().ok_or_else(|| no_place(kind))?),
            }
        }
        let history: Vec<Snapshot> = PlantRoom::new(setting, machine_faults(&placed, None)).collect();
        // Those that few points can have come first.
        of_sensors.sort_by_key(|kind| !matches!(kind, FaultKind::Swap | FaultKind::TimeShift));
        let mut others = of_sensors.clone();
        others.sort_unstable();
        others.dedup();
        for kind in of_sensors {
            let mut kinds = std::iter::once(&kind).chain(others.iter().rev());
            let fault = kinds.find_map(|kind| draw.of_sensor(*kind, &history, &placed));
            placed.push(fault.ok_or_else(|| no_place(kind))?);
        }
        Ok(Self { setting, points, history, placed })
    }

    /// What was true, row by row.
    #[must_use]
    pub fn history(&self) -> &[Snapshot] {
        &self.history
    }

    /// What the plant's system recorded.
    #[must_use]
    pub fn record(&self) -> Record {
        let read = |(index, point): (usize, &TrendedPoint)| Readings {
            point: point.clone(),
            values: point.read(&self.history, &self.setting, &self.errors_of(index)),
        };
        let mut columns: Vec<Readings> = self.points.iter().enumerate().map(read).collect();
        for kind in [FaultKind::Spike, FaultKind::Stuck, FaultKind::TimeShift, FaultKind::Swap, FaultKind::Dropout] {
            for placed in self.placed.iter().filter(|placed| placed.fault.kind == kind) {
                self.distort(placed, &mut columns);
            }
        }
        let times = self.history.iter().map(|now| now.at).collect();
        Record { setting: self.setting, times, columns, truth: self.truth() }
    }

    /// The same plant and chance without any fault.
    #[must_use]
    pub fn faultless(&self) -> Self {
        let history = PlantRoom::new(self.setting, Vec::new()).collect();
        Self { setting: self.setting, points: self.points.clone(), history, placed: Vec::new() }
    }

    /// Every fault, and what those of equipment wasted: the plant runs once more without each of them.
    #[must_use]
    pub fn truth(&self) -> Vec<Truth> {
        let one = |(index, placed): (usize, &Placed)| {
            let kind = placed.fault.kind;
            let without: Vec<Snapshot> = match kind.is_equipment() {
                true => PlantRoom::new(self.setting, machine_faults(&self.placed, Some(index))).collect(),
                false => Vec::new(),
            };
            let wasted = |of: fn(&Snapshot) -> f64| {
                let more: f64 = self.history.iter().zip(&without).map(|(with, without)| of(with) - of(without)).sum();
                more * self.setting.step_hours()
            };
            Truth {
                fault: placed.fault.clone(),
                size_unit: kind.size_unit(placed.temperature),
                points: placed.points.iter().filter_map(|point| Some(self.points.get(*point)?.name.clone())).collect(),
                wasted_kwh: kind.is_equipment().then(|| wasted(Snapshot::electric_kw)),
                wasted_heat_kwh: (kind == FaultKind::SimultaneousHeatingCooling).then(|| wasted(Snapshot::heat_kw)),
            }
        };
        self.placed.iter().enumerate().map(one).collect()
    }

    /// What is wrong with a sensor before its readings are printed.
    fn errors_of(&self, index: usize) -> Vec<SensorError> {
        let month_rows = 30.0 * 24.0 / self.setting.step_hours();
        let of_point = self.placed.iter().filter(|placed| placed.points.contains(&index));
        let error = |placed: &Placed| {
            let kind = match (placed.fault.kind, placed.temperature) {
                (FaultKind::Offset, true) => ErrorKind::Constant(placed.size),
                (FaultKind::Offset, false) => ErrorKind::Share(placed.size),
                (FaultKind::Drift, true) => ErrorKind::Growing(placed.size / month_rows),
                (FaultKind::Drift, false) => ErrorKind::GrowingShare(placed.size / month_rows),
                (FaultKind::WrongUnit, _) => ErrorKind::Unit(placed.unit?),
                _ => return None,
            };
            Some(SensorError { first: placed.first, last: placed.last, kind })
        };
        of_point.filter_map(error).collect()
    }

    /// What happens to readings that were made.
    fn distort(&self, placed: &Placed, columns: &mut [Readings]) {
        let rows = placed.first..=placed.last;
        match (placed.fault.kind, placed.points.as_slice()) {
            (FaultKind::Spike, [point]) => {
                let Some(column) = columns.get_mut(*point) else { return };
                let Some(sigma) = step_sigma(column, &self.history) else { return };
                let scale = 10_f64.powi(i32::from(column.point.decimals));
                for value in column.values.get_mut(rows).into_iter().flatten() {
                    *value = ((*value + placed.size * sigma) * scale).round() / scale;
                }
            }
            (FaultKind::Stuck, [point]) => {
                let Some(column) = columns.get_mut(*point) else { return };
                let before = column.values.get(placed.first.saturating_sub(1)).copied();
                for value in column.values.get_mut(rows).into_iter().flatten() {
                    *value = before.unwrap_or(*value);
                }
            }
            (FaultKind::Dropout, points) => {
                for point in points {
                    if let Some(values) = columns.get_mut(*point).and_then(|column| column.values.get_mut(rows.clone()))
                    {
                        values.fill(f64::NAN);
                    }
                }
            }
            (FaultKind::TimeShift, points) => {
                for point in points {
                    let Some(column) = columns.get_mut(*point) else { continue };
                    let shifted: Vec<f64> = rows
                        .clone()
                        .map(|row| column.values.get(from(row, placed.size)).copied().unwrap_or(f64::NAN))
                        .collect();
                    if let Some(values) = column.values.get_mut(rows.clone()) {
                        values.copy_from_slice(&shifted);
                    }
                }
            }
            (FaultKind::Swap, [one, other]) => {
                for row in rows {
                    let value = |point: &usize| columns.get(*point).and_then(|c| c.values.get(row)).copied();
                    let (Some(of_one), Some(of_other)) = (value(one), value(other)) else { continue };
                    for (point, value) in [(one, of_other), (other, of_one)] {
                        if let Some(cell) = columns.get_mut(*point).and_then(|c| c.values.get_mut(row)) {
                            *cell = value;
                        }
                    }
                }
            }
            _ => {}
        }
    }
}

/// The row whose reading is stamped with `row`, late by `size` rows.
fn from(row: usize, size: f64) -> usize {
    #[expect(clippy::cast_possible_truncation, reason = "a cast of floats saturates")]
    row.saturating_add_signed(-(size.round() as isize))
}

/// Faults of machines, but for the one at that index.
fn machine_faults(placed: &[Placed], without: Option<usize>) -> Vec<MachineFault> {
    let one = |placed: &Placed| {
        let (machine, start, end) = (placed.machine?, placed.fault.start?, placed.fault.end?);
        Some(MachineFault { kind: placed.fault.kind, machine, start, end, size: placed.size })
    };
    placed
        .iter()
        .enumerate()
        .filter(|(index, _)| Some(*index) != without)
        .filter_map(|(_, placed)| one(placed))
        .collect()
}

#[cfg(test)]
mod tests;

//! Spikes of every column that is judged for them: what [`super::spike`] finds in each, without what
//! [`super::shared_jumps`] says that the plant did.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::consistency::Tag;
use super::machines::{Driver, Knowledge, MachineState};
use super::quantity::{Quantity, is_set, may_idle};
use super::report::Rule;
use super::sampling::UsualSpan;
use super::sensor_tags;
use super::shared_jumps::{self, Drive};
use super::spike::{self, PlantStates, SpikeScan, Yardstick};
use super::work::OngoingCleaning;
use hvac_points::{MachineKind, Reading};

/// What other columns say of the machines, row by row.
#[derive(Clone, Copy)]
pub(super) struct MachineRecords<'a> {
    /// Whether each driver runs, by its name.
    pub(super) running: &'a BTreeMap<String, &'a [MachineState]>,
    /// Which machines of the plant run.
    pub(super) staging: Option<&'a [u64]>,
    /// Speeds of machines that drive a column, by their index.
    pub(super) speeds: &'a BTreeMap<usize, Vec<f64>>,
}

impl OngoingCleaning<'_> {
    /// Spikes by column; a column that is not judged for them has none.
    pub(super) fn spikes(&self, records: MachineRecords<'_>) -> BTreeMap<usize, SpikeScan> {
        let Some(planned) = self.plan.rules.get(&Rule::Spike) else { return BTreeMap::new() };
        let tags = sensor_tags::tags(&self.metas);
        let scans = planned.columns.par_iter().filter_map(|index| Some((*index, self.jumps(*index, &tags, records)?)));
        let scans: Vec<(usize, SpikeScan)> = scans.collect();
        let drives: Vec<Drive<'_>> = scans.iter().filter_map(|(index, scan)| self.drive(*index, scan)).collect();
        let shared = shared_jumps::of_plant(&drives);
        scans.into_iter().map(|(index, scan)| (index, scan.without(|row| shared.contains(&row)))).collect()
    }

    /// Samples of a column that jump away and back.
    fn jumps(&self, index: usize, tags: &BTreeMap<usize, Tag>, records: MachineRecords<'_>) -> Option<SpikeScan> {
        let (meta, values) = (self.metas.get(index)?, self.values(index));
        let (interval_ms, seen_ms) = self.intervals.get(index).copied().flatten()?;
        let driver = self.plan.drivers.get(index)?;
        let quantity = self.units.get(&index).map(|(quantity, _)| *quantity);
        let thresholds = &self.plan.parameters.thresholds;
        let usual = UsualSpan::of(values);
        let machine = match driver {
            Driver::Machine(machine) => Some(*machine),
            _ => None,
        };
        let speed = machine.filter(|_| quantity == Some(Quantity::Power)).and_then(|index| records.speeds.get(&index));
        let speed = speed.map(|speed| (speed.as_slice(), thresholds.running_speed));
        let yardstick = match (quantity, usual) {
            (Some(Quantity::Power | Quantity::Flow | Quantity::Load), Some(usual)) => {
                Yardstick::of_meter(usual.high, speed)
            }
            _ => Yardstick::default(),
        };
        let of_water = |quantity: &Quantity| {
            matches!(quantity, Quantity::ChwTemperature | Quantity::CwTemperature | Quantity::Flow)
        };
        let yardstick =
            yardstick.following_starts(quantity.as_ref().is_some_and(of_water)).swinging(self.is_of_air_handler(index));
        // What another machine does is nothing to an air handler, nor to a pump whose speed is known.
        let kind = machine.and_then(|machine| self.plan.machines.all.get(machine)).map(|machine| machine.kind);
        let of_water = kind != Some(MachineKind::Other) && !matches!(driver, Driver::Weather | Driver::Unknown);
        let running = Some(driver).filter(|driver| driver.known() == Knowledge::Runs);
        let plant = PlantStates {
            staging: records.staging.filter(|_| of_water && speed.is_none()),
            running: running.and_then(|driver| records.running.get(&self.plan.machines.name(driver)).copied()),
        };
        let usual = usual.filter(|_| *driver != Driver::Weather && may_idle(meta, quantity));
        let samples = spike::samples(&self.at_ms, values, interval_ms, seen_ms);
        let scan = |yardstick: &Yardstick<'_>| {
            spike::jumps(&samples, interval_ms, thresholds.spike_z, yardstick, plant, usual)
        };
        let mut alone = scan(&yardstick);
        if self.is_of_air_handler(index) && quantity == Some(Quantity::Power) {
            alone.found.retain(|sample| !self.is_commanded(index, sample.first));
        }
        let Some(expected) = self.expected(index, tags, records).filter(|_| speed.is_none()) else {
            return Some(alone);
        };
        let beside = yardstick.following_starts(true).beside(&expected);
        Some(alone.by_law(scan(&beside), &samples, &beside))
    }

    /// Whether a valve, a damper or another command of the column's machine moves away and back at a row: by more than it mostly
    /// does, or by what makes the column do what it did.
    fn is_commanded(&self, index: usize, row: usize) -> bool {
        let driver = self.plan.drivers.get(index);
        let commands = (0..).zip(&self.metas).filter(|(other, meta)| {
            self.plan.drivers.get(*other) == driver && is_set(&Reading::of(&meta.original_name), &meta.original_name)
        });
        let values = self.values(index);
        commands
            .map(|(other, _)| self.values(other))
            .any(|command| shared_jumps::moves(command, row) || shared_jumps::answers(values, command, row))
    }

    /// A column as a witness of the plant's jumps; none of what is no power, speed or flow.
    fn drive(&self, index: usize, scan: &SpikeScan) -> Option<Drive<'_>> {
        let (meta, values) = (self.metas.get(index)?, self.values(index));
        let unit = self.units.get(&index);
        let is_speed = self.plan.machines.all.iter().any(|machine| machine.speeds.contains(&index));
        let quantity = match unit {
            Some((quantity @ (Quantity::Power | Quantity::Flow), _)) => *quantity,
            Some((Quantity::Speed, _)) => Quantity::Speed,
            _ if is_speed => Quantity::Speed,
            _ if self.is_of_air_handler(index) => return self.sister(index, scan),
            _ => return None,
        };
        let reading = Reading::of(&meta.original_name);
        let adds_up = unit.filter(|(quantity, _)| matches!(quantity, Quantity::Power | Quantity::Flow));
        Some(Drive {
            values,
            quantity: (quantity, reading.medium.filter(|_| quantity == Quantity::Flow)),
            machine: reading.machine_name.chars().filter(|letter| !letter.is_ascii_digit()).collect(),
            of_plant: reading.total || reading.plant || (quantity == Quantity::Flow && reading.machine.is_none()),
            factor: adds_up.map(|(_, unit)| unit.convert(1.0)),
            noise: shared_jumps::noise_of(values),
            high: UsualSpan::of(values).map_or(0.0, |usual| usual.high),
            rows: scan.found.iter().map(|sample| sample.first).collect(),
        })
    }

    fn is_of_air_handler(&self, index: usize) -> bool {
        let Some(Driver::Machine(machine)) = self.plan.drivers.get(index) else { return false };
        self.plan.machines.all.get(*machine).is_some_and(|machine| machine.kind == MachineKind::Other)
    }

    /// A temperature or another reading of an air handler, as a witness of what the same ones of other air handlers show.
    fn sister(&self, index: usize, scan: &SpikeScan) -> Option<Drive<'_>> {
        let (meta, values) = (self.metas.get(index)?, self.values(index));
        Some(Drive {
            values,
            quantity: (Quantity::AirTemperature, None),
            machine: meta.original_name.chars().filter(|letter| !letter.is_ascii_digit()).collect(),
            of_plant: false,
            factor: None,
            noise: 0.0,
            high: 0.0,
            rows: scan.found.iter().map(|sample| sample.first).collect(),
        })
    }
}

//! What a column reads by what others read at the same row: the law that binds it, for [`super::spike`].
//!
//! | column | reads |
//! |---|---|
//! | the plant's load | its flow × its ΔT |
//! | the plant's flow, the plant's power | the sum of its chillers', of its machines' |
//! | a chiller's flow, a chiller's power | what the plant's leaves for it |
//! | a temperature of water | the median of the same ones of the headers and of the chillers that run |
//!
//! How well it is kept tells its own steps: a total of other machines, or water that has not mixed, only makes it less strict.

use std::collections::BTreeMap;

use super::consistency::Tag;
use super::heat_balance::load_from_flow_rt;
use super::machines::{Driver, MachineState};
use super::sampling::median;
use super::spikes::MachineRecords;
use super::work::OngoingCleaning;
use hvac_points::{MachineKind, Role};

impl OngoingCleaning<'_> {
    /// What the column reads by its law, in its own unit, row by row; NaN where the law says nothing. None without a law.
    pub(super) fn expected(
        &self,
        index: usize,
        tags: &BTreeMap<usize, Tag>,
        records: MachineRecords<'_>,
    ) -> Option<Vec<f64>> {
        let tag = *tags.get(&index)?;
        let chiller = Some(MachineKind::Chiller);
        let others = |fits: &dyn Fn(&Tag) -> bool| -> Vec<usize> {
            let same = tags.iter().filter(|(other, found)| **other != index && fits(found));
            same.map(|(other, _)| *other).collect()
        };
        let of_plant = |role: Role| match others(&|found| found.role == role && found.machine.is_none()).as_slice() {
            [one] => Some(*one),
            _ => None,
        };
        let is_part = |found: &Tag| {
            let is_of = if tag.role == Role::Power { found.machine.is_some() } else { found.machine == chiller };
            found.role == tag.role && is_of
        };
        let at = |column: usize, row: usize| {
            let value = self.values(column).get(row).copied().unwrap_or(f64::NAN);
            self.units.get(&column).map_or(f64::NAN, |(_, unit)| unit.convert(value))
        };
        let sum = |columns: &[usize], row: usize| columns.iter().map(|column| at(*column, row)).sum::<f64>();
        let runs = |column: usize, row: usize| {
            let Some(driver @ Driver::Machine(_)) = self.plan.drivers.get(column) else { return true };
            let states = records.running.get(&self.plan.machines.name(driver));
            states.is_none_or(|states| states.get(row) == Some(&MachineState::On))
        };
        let law: Box<dyn Fn(usize) -> f64> = match (tag.role, tag.machine) {
            (Role::Load, None) => {
                let [flow, supply, back] = [Role::ChwFlow, Role::ChwSupplyTemp, Role::ChwReturnTemp].map(of_plant);
                let (flow, supply, back) = (flow?, supply?, back?);
                Box::new(move |row| load_from_flow_rt(at(flow, row), at(supply, row), at(back, row)))
            }
            (Role::ChwFlow | Role::Power, machine) if machine.is_none() || machine == chiller => {
                let parts = Some(others(&is_part)).filter(|parts| !parts.is_empty())?;
                let whole = if machine.is_some() { Some(of_plant(tag.role)?) } else { None };
                Box::new(move |row| match whole {
                    Some(whole) => at(whole, row) - sum(&parts, row),
                    None => sum(&parts, row),
                })
            }
            (_, machine) if tag.is_temperature() && (machine.is_none() || machine == chiller) => {
                let same =
                    |found: &Tag| found.role == tag.role && (found.machine.is_none() || found.machine == chiller);
                let same = Some(others(&same)).filter(|same| !same.is_empty())?;
                Box::new(move |row| {
                    let running = same.iter().filter(|column| runs(**column, row));
                    let mut values: Vec<f64> = running.map(|column| at(*column, row)).filter(|v| !v.is_nan()).collect();
                    median(&mut values).unwrap_or(f64::NAN)
                })
            }
            _ => return None,
        };
        let (_, unit) = self.units.get(&index)?;
        Some((0..self.at_ms.len()).map(|row| unit.invert(law(row))).collect())
    }
}

//! Columns by what they are to diagnostics: read once, in the unit in which their quantity is compared.

use std::collections::BTreeMap;

use crate::hold::Hold;
use crate::machines::{self, Machine, MachineState, Running};
use crate::quantity::{Quantity, UnitChoice, unit_choice};
use crate::roles::{Role, RoleColumns};
use crate::sampling::{interval_ms, median, own_step_ms};
use hvac_frame::column::{ColumnMeta, Kind};
use hvac_points::{Reading, Role as PointRole, Unit, identify};

/// Confidence from which on a point's name tells its role.
const SUGGESTS: f64 = 0.5;

/// Reads columns, NaN where there is no value.
pub(super) type Read<'r, E> = &'r mut dyn FnMut(usize) -> Result<Vec<f64>, E>;

/// Values with the columns they come from, if there are such.
pub(super) type Named = Option<(Vec<f64>, Vec<String>)>;

/// The words of a name of a machine.
pub(super) fn parts(name: &str) -> Vec<String> {
    name.split('_').map(str::to_owned).collect()
}

/// Columns of a frame, each read once.
pub(super) struct Reader<'a, 'r, E> {
    pub(super) columns: &'a [ColumnMeta],
    pub(super) read: Read<'r, E>,
    pub(super) kept: BTreeMap<usize, Vec<f64>>,
}

impl<E> Reader<'_, '_, E> {
    /// A column's values as they are.
    pub(super) fn raw(&mut self, index: usize) -> Result<&[f64], E> {
        if !self.kept.contains_key(&index) {
            let values = (self.read)(index)?;
            self.kept.insert(index, values);
        }
        Ok(self.kept.get(&index).map_or(&[], Vec::as_slice))
    }

    /// A column's values in the unit in which its quantity is compared; none when its unit cannot be told.
    pub(super) fn compared(&mut self, index: usize, quantity: Quantity) -> Result<Option<Vec<f64>>, E> {
        let Some(unit) = self.unit(index, quantity)?.map(|(unit, _)| unit) else { return Ok(None) };
        Ok(Some(self.raw(index)?.iter().map(|value| unit.convert(*value)).collect()))
    }

    /// The unit of a column of that quantity, and whether only its values tell it; none when it cannot be told.
    pub(super) fn unit(&mut self, index: usize, quantity: Quantity) -> Result<Option<(Unit, bool)>, E> {
        let Some(column) = self.columns.get(index) else { return Ok(None) };
        Ok(match unit_choice(column, quantity, &BTreeMap::new()) {
            UnitChoice::Known(unit) => Some((unit, false)),
            UnitChoice::ByValues => {
                let mut present: Vec<f64> = self.raw(index)?.iter().copied().filter(|v| !v.is_nan()).collect();
                let unit = median(&mut present).and_then(|median| Unit::by_values(quantity, median, None));
                unit.map(|unit| (unit, true))
            }
            UnitChoice::Unknown | UnitChoice::Wrong(_) => None,
        })
    }

    /// The sum of a role's columns, and their names; none when one of them cannot be read.
    pub(super) fn role(&mut self, chosen: &BTreeMap<Role, RoleColumns>, role: Role) -> Result<Named, E> {
        let Some(found) = chosen.get(&role) else { return Ok(None) };
        self.sum(&found.columns, role.quantity())
    }

    pub(super) fn sum(&mut self, indices: &[usize], quantity: Quantity) -> Result<Named, E> {
        let (mut sum, mut names): (Option<Vec<f64>>, Vec<String>) = (None, Vec::new());
        for index in indices {
            let Some(values) = self.compared(*index, quantity)? else { return Ok(None) };
            names.extend(self.columns.get(*index).map(|column| column.name.clone()));
            sum = Some(match sum {
                Some(mut sum) => {
                    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
                    sum
                }
                None => values,
            });
        }
        Ok(sum.map(|sum| (sum, names)))
    }

    pub(super) fn running(&mut self, at_ms: &[i64], machine: &Machine) -> Result<Running, E> {
        let Some(sign) = machine.sign else { return Ok(vec![MachineState::Unknown; at_ms.len()]) };
        let columns = self.columns;
        let values = self.raw(sign.column)?;
        let hold = |index: usize| {
            let sampled = Hold { longest_ms: 0, ends_with_null: false };
            let of = |column| Hold::of(column, values, interval_ms(column, own_step_ms(at_ms, values)));
            columns.get(index).map_or(sampled, of)
        };
        Ok(machines::running(at_ms, &[sign], |_| values, hold))
    }

    pub(super) fn name(&self, index: usize) -> Option<String> {
        self.columns.get(index).map(|column| column.name.clone())
    }

    /// The machine's own point of a role, by its name.
    pub(super) fn own(&self, machine: &Machine, role: PointRole) -> Option<usize> {
        let wanted = parts(&machine.name);
        let mut found = self.columns.iter().enumerate().filter(|(_, column)| {
            column.kind == Kind::Instantaneous
                && column.derived.is_none()
                && parts(&Reading::of(&column.original_name).machine_name).starts_with(&wanted)
                && identify(&column.original_name, column.unit.as_deref(), &[])
                    .first()
                    .is_some_and(|found| found.role == role && found.confidence >= SUGGESTS)
        });
        let (index, _) = found.next()?;
        found.next().is_none().then_some(index)
    }
}

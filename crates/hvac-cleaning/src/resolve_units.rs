//! The units of temperatures that no report, request or name tells: by their values, once these are there.

use rayon::prelude::*;

use super::quantity::{Quantity, Unit, UnitChoice};
use super::report::Rule;
use super::roles::Role;
use super::sampling::{median, number};
use super::work::OngoingCleaning;
use super::{CleanError, Problem, internal};

impl OngoingCleaning<'_> {
    /// Settles the units that only values can tell.
    pub(super) fn resolve_units(&mut self) -> Result<(), CleanError> {
        let plan = self.plan;
        self.units.extend(plan.units.iter().filter_map(|(index, (quantity, choice))| match choice {
            UnitChoice::Known(unit) => Some((*index, (*quantity, unit.clone()))),
            UnitChoice::ByValues | UnitChoice::Unknown | UnitChoice::Wrong(_) => None,
        }));
        let by_values = plan.units.par_iter().filter(|(_, (_, choice))| matches!(choice, UnitChoice::ByValues));
        let pending: Vec<(usize, Quantity, f64)> =
            by_values.filter_map(|(index, (quantity, _))| Some((*index, *quantity, self.median_of(*index)?))).collect();
        let told = pending.iter().filter_map(|(index, quantity, median)| {
            Some((*index, (*quantity, Unit::by_values(*quantity, *median, None)?)))
        });
        self.units.extend(told);
        let site = self.site_unit();
        for (index, quantity, median) in pending {
            if !self.units.contains_key(&index)
                && let Some(unit) = Unit::by_values(quantity, median, site)
            {
                self.units.insert(index, (quantity, unit));
            }
        }
        self.stop_rules_without_units()
    }

    /// The median of a column's values; none without any.
    fn median_of(&self, index: usize) -> Option<f64> {
        let mut present: Vec<f64> = self.values(index).iter().copied().filter(|value| !value.is_nan()).collect();
        median(&mut present)
    }

    /// The unit of the site's water temperatures: of three of four at least, for one of them may be printed in another.
    fn site_unit(&self) -> Option<&'static str> {
        let water = |quantity: &Quantity| matches!(quantity, Quantity::ChwTemperature | Quantity::CwTemperature);
        let of_water = self.units.values().filter(|(quantity, _)| water(quantity));
        let units: Vec<&'static str> = of_water.map(|(_, unit)| unit.unit).collect();
        let is_usual = |unit: &&str| 4 * units.iter().filter(|other| **other == *unit).count() >= 3 * units.len();
        units.iter().copied().find(is_usual)
    }

    /// The heat balance cannot do without its units; where there is a value to read, one must be known.
    fn stop_rules_without_units(&mut self) -> Result<(), CleanError> {
        let needed = [Role::ChwSupply, Role::ChwReturn];
        let unknown = needed.into_iter().filter_map(|role| self.plan.roles.get(&role)).flat_map(|c| &c.columns);
        let unknown: Vec<usize> = unknown
            .copied()
            .filter(|i| !self.units.contains_key(i) && self.values(*i).iter().any(|v| !v.is_nan()))
            .collect();
        let Some((index, meta)) = unknown.first().and_then(|index| Some((*index, self.metas.get(*index)?))) else {
            return Ok(());
        };
        let median = self.median_of(index).ok_or_else(|| internal("a column with a value has no median"))?;
        let message = format!(
            "the unit of {0} is not recorded, and its median {1} is no chilled water in °C or °F: state it in units, such as {{\"{0}\": \"°C\"}}",
            meta.name,
            number(median)
        );
        let problem = Problem { code: "unknown_unit", field: format!("units.{}", meta.name), message };
        if self.plan.runs(Rule::HeatBalance) {
            if !self.plan.parameters.lenient {
                return Err(CleanError::of(vec![problem]).unwrap_or_else(|| internal("no problem")));
            }
            self.stop(Rule::HeatBalance, problem.message);
        }
        Ok(())
    }
}

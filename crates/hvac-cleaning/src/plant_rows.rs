//! A plant's power and load, row by row, for whoever sets one against the other: by the roles and units of cleaning,
//! with nothing judged.
//!
//! The load is the measured one; where there is none, that of flow and ΔT of chilled water.

use std::collections::BTreeMap;

use polars::prelude::DataFrame;

use super::frame::split;
use super::heat_balance::load_from_flow_rt;
use super::parameters::Roles;
use super::quantity::{Unit, UnitChoice, unit_choice};
use super::roles::{self, Role, RoleColumns};
use super::sampling::median;
use super::{CleanError, Problem};
use hvac_frame::column::ColumnMeta;

/// The columns by which a plant's power and load are told, and why these.
#[derive(Debug, Clone)]
pub struct PlantColumns(BTreeMap<Role, RoleColumns>);

/// A plant's power and load.
#[derive(Debug, Clone)]
pub struct PlantRows {
    /// UTC ms, ascending.
    pub at_ms: Vec<i64>,
    /// NaN without.
    pub power_kw: Vec<f64>,
    /// NaN without.
    pub load_rt: Vec<f64>,
}

impl PlantColumns {
    /// Those that are stated, else those that names suggest.
    ///
    /// # Errors
    /// For the power, and for the load where flow and temperatures do not tell it either: `missing_role`,
    /// `ambiguous_role`; `unknown_column` or `bad_role` of a stated one.
    pub fn find(columns: &[ColumnMeta], stated: &Roles) -> Result<Self, CleanError> {
        let (mut chosen, wrong, ambiguous) = roles::resolve(stated, columns);
        if let Some((role, message)) = wrong.into_iter().next() {
            let code = if message.starts_with("there is no column") { "unknown_column" } else { "bad_role" };
            return Err(refused(code, role.name(), format!("{}: {message}", role.name())));
        }
        let by_flow = [Role::Flow, Role::ChwSupply, Role::ChwReturn];
        let load = match chosen.contains_key(&Role::Load) {
            true => &[Role::Load][..],
            false if by_flow.iter().all(|role| chosen.contains_key(role)) => &by_flow[..],
            false => &[Role::Load],
        };
        let needed: Vec<Role> = std::iter::once(Role::Power).chain(load.iter().copied()).collect();
        if let Some(role) = needed.iter().find(|role| !chosen.contains_key(role)) {
            let name = role.name();
            return Err(match ambiguous.get(role) {
                Some(several) => {
                    let names: Vec<&str> =
                        several.iter().filter_map(|index| Some(columns.get(*index)?.name.as_str())).collect();
                    let several = names.join(", ");
                    let message = format!("{name}: {several} fit equally well: name one, or those that add up");
                    refused("ambiguous_role", name, message)
                }
                None => {
                    let closest = roles::closest(&roles::wanted(*role), columns);
                    let what = role.quantity().name();
                    let message =
                        format!("{name}: no column's name suggests {what} of the whole plant: name it{closest}");
                    refused("missing_role", name, message)
                }
            });
        }
        chosen.retain(|role, _| needed.contains(role));
        Ok(Self(chosen))
    }

    /// Their indices, each once.
    #[must_use]
    pub fn indices(&self) -> Vec<usize> {
        let mut all: Vec<usize> = self.0.values().flat_map(|chosen| chosen.columns.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// What they are, by role: columns that add up, and why these.
    pub fn roles(&self) -> impl Iterator<Item = (Role, &RoleColumns)> {
        self.0.iter().map(|(role, chosen)| (*role, chosen))
    }

    /// Power and load of the rows of `frame`, which has `timestamp` and the columns of [`Self::indices`] in that order;
    /// `columns` are all of the dataset's.
    ///
    /// # Errors
    /// `unknown_unit` or `bad_role` for a column whose unit is not known, or is none of its quantity; a defect for another
    /// frame.
    pub fn rows(&self, frame: DataFrame, columns: &[ColumnMeta]) -> Result<PlantRows, CleanError> {
        let indices = self.indices();
        let metas: Vec<ColumnMeta> = indices.iter().filter_map(|index| columns.get(*index).cloned()).collect();
        let (at_ms, data) = split(frame, &metas)?;
        let of = |role: Role| -> Result<Option<Vec<f64>>, CleanError> {
            let Some(chosen) = self.0.get(&role) else { return Ok(None) };
            let mut sum: Option<Vec<f64>> = None;
            for index in &chosen.columns {
                let place = indices.binary_search(index).ok();
                let Some((meta, data)) = place.and_then(|place| Some((metas.get(place)?, data.get(place)?))) else {
                    continue;
                };
                let unit = unit_of(role, meta, data.values())?;
                let values = data.values().iter().map(|value| unit.as_ref().map_or(f64::NAN, |u| u.convert(*value)));
                sum = Some(match sum {
                    None => values.collect(),
                    Some(sum) => sum.iter().zip(values).map(|(a, b)| a + b).collect(),
                });
            }
            Ok(sum)
        };
        let load_rt = match of(Role::Load)? {
            Some(load) => load,
            None => {
                let [flow, supply, back] = [of(Role::Flow)?, of(Role::ChwSupply)?, of(Role::ChwReturn)?];
                let rows = flow.iter().flatten().zip(supply.iter().flatten()).zip(back.iter().flatten());
                rows.map(|((flow, supply), back)| load_from_flow_rt(*flow, *supply, *back)).collect()
            }
        };
        Ok(PlantRows { power_kw: of(Role::Power)?.unwrap_or_default(), load_rt, at_ms })
    }
}

/// The unit of a column's values; none where it has no value that could tell it.
fn unit_of(role: Role, meta: &ColumnMeta, values: &[f64]) -> Result<Option<Unit>, CleanError> {
    let quantity = role.quantity();
    let unknown = || {
        let message = format!(
            "{}: the unit of {} is not known: state it when parsing, or name another column",
            role.name(),
            meta.name
        );
        refused("unknown_unit", role.name(), message)
    };
    match unit_choice(meta, quantity, &BTreeMap::new()) {
        UnitChoice::Known(unit) => Ok(Some(unit)),
        UnitChoice::ByValues => {
            let mut present: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
            let Some(median) = median(&mut present) else { return Ok(None) };
            Unit::by_values(quantity, median, None).map(Some).ok_or_else(unknown)
        }
        UnitChoice::Unknown => Err(unknown()),
        UnitChoice::Wrong(message) => Err(refused("bad_role", role.name(), format!("{}: {message}", role.name()))),
    }
}

fn refused(code: &'static str, field: &str, message: String) -> CleanError {
    CleanError { code, message: message.clone(), problems: vec![Problem { code, field: field.to_owned(), message }] }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use polars::prelude::*;

    use super::super::tests::columns;
    use super::*;
    use crate::Columns;

    fn frame(columns: &[(&str, [f64; 2])]) -> DataFrame {
        let at = Int64Chunked::from_slice("timestamp".into(), &[0, 60_000]);
        let at = at.into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC)).into_column();
        let numbers = columns.iter().map(|(name, cells)| Column::new((*name).into(), cells));
        DataFrame::new(2, std::iter::once(at).chain(numbers).collect()).unwrap()
    }

    /// 1 000 L/min · 5 K are 98.893 RT, as `derive` has it; 351.68 kW of heat are 100 RT.
    #[test]
    fn the_load_is_measured_or_by_flow() {
        let mut all = columns(&["CH_SYS_TOTAL_KW", "CHW_LPM", "CHWST_C", "CHWRT_C"]);
        let found = PlantColumns::find(&all, &Roles::default()).unwrap();
        assert_eq!(found.indices(), [0, 1, 2, 3]);
        let cells = [
            ("CH_SYS_TOTAL_KW", [70.0, 80.0]),
            ("CHW_LPM", [1000.0, 1000.0]),
            ("CHWST_C", [7.0, f64::NAN]),
            ("CHWRT_C", [12.0, 12.0]),
        ];
        let rows = found.rows(frame(&cells), &all).unwrap();
        assert_eq!(rows.power_kw, [70.0, 80.0]);
        assert!((rows.load_rt.first().unwrap() - 98.893).abs() < 0.001, "{rows:?}");
        assert!(rows.load_rt.get(1).unwrap().is_nan());

        all.extend(columns(&["RT", "LOAD_2_KW"]));
        let measured = PlantColumns::find(&all, &Roles::default()).unwrap();
        assert_eq!(measured.indices(), [0, 4], "a measured load comes first");
        let names = ["RT", "LOAD_2_KW"].map(str::to_owned).to_vec();
        all.get_mut(5).unwrap().unit = Some("kW".to_owned());
        let stated = Roles { load: Some(Columns::Sum(names)), ..Roles::default() };
        let sum = PlantColumns::find(&all, &stated).unwrap();
        let cells = [("CH_SYS_TOTAL_KW", [70.0, 80.0]), ("RT", [100.0, 50.0]), ("LOAD_2_KW", [351.68, f64::NAN])];
        let rows = sum.rows(frame(&cells), &all).unwrap();
        assert!((rows.load_rt.first().unwrap() - 200.0).abs() < 0.01 && rows.load_rt.get(1).unwrap().is_nan());
    }

    #[test]
    fn what_is_missing_is_asked_for() {
        let all = columns(&["OAT", "CHWST_C"]);
        let error = PlantColumns::find(&all, &Roles::default()).unwrap_err();
        assert_eq!((error.code, error.problems.first().unwrap().field.as_str()), ("missing_role", "power"));
        let stated = Roles { power: Some(Columns::One("OTA".to_owned())), ..Roles::default() };
        let error = PlantColumns::find(&all, &stated).unwrap_err();
        assert_eq!(error.code, "unknown_column");
        assert!(error.message.contains("OAT"), "{}", error.message);
    }
}

//! What each row rule cannot do without: roles, their units, pairs of columns. What is missing is named, with the
//! closest columns and the field that states it.

use super::plan::{PlanBuilder, PlannedPump};
use super::quantity::UnitChoice;
use super::report::Rule;
use super::roles::{self, Role};
use super::{Interval, Problem};
use hvac_points::MachineKind;

impl PlanBuilder<'_> {
    /// The columns of a role that a rule cannot do without, their units known or left to the values.
    fn need(&self, rule: Rule, role: Role, unit: bool) -> Result<Vec<usize>, Problem> {
        let field = format!("columns.{}", role.name());
        let Some(chosen) = self.plan.roles.get(&role) else {
            let (code, why) = match self.ambiguous.get(&role) {
                Some(several) => {
                    let names: Vec<String> = several.iter().map(|index| self.name(*index)).collect();
                    let sum = if role.adds_up() { ", or a list of columns that add up" } else { "" };
                    ("ambiguous_role", format!("{} fit equally well: state one{sum}", names.join(", ")))
                }
                None => {
                    let closest = roles::closest(&roles::wanted(role), self.columns);
                    ("missing_role", format!("no column's name suggests one: state it in {field}{closest}"))
                }
            };
            let message = format!("{} needs {} ({}): {why}", rule.name(), role.quantity().name(), role.name());
            return Err(Problem { code, field, message });
        };
        for index in chosen.columns.iter().filter(|_| unit) {
            let name = self.name(*index);
            let message = match self.plan.units.get(index) {
                Some((_, UnitChoice::Known(_) | UnitChoice::ByValues)) => continue,
                Some((_, UnitChoice::Wrong(message))) => message.clone(),
                _ => format!(
                    "{} needs the unit of {name} ({}): state it in units, such as {{\"{name}\": \"{}\"}}; it may be one of {}",
                    rule.name(),
                    role.name(),
                    role.quantity().unit_names().split(',').next().unwrap_or_default(),
                    role.quantity().unit_names()
                ),
            };
            return Err(Problem { code: "unknown_unit", field: format!("units.{name}"), message });
        }
        Ok(chosen.columns.clone())
    }

    fn needs(&self, rule: Rule, roles: &[Role]) -> Result<Vec<usize>, Problem> {
        let mut columns = Vec::new();
        for role in roles {
            columns.extend(self.need(rule, *role, true)?);
        }
        Ok(columns)
    }

    pub(super) fn steady_state(&mut self) -> Result<Vec<usize>, Problem> {
        let rule = Rule::SteadyState;
        let columns = self.need(rule, Role::Load, false).or_else(|missing| {
            self.needs(rule, &[Role::Flow, Role::ChwSupply, Role::ChwReturn]).map_err(|_| missing)
        })?;
        let window = self.plan.parameters.thresholds.steady_window_min;
        let interval = self.plan.parameters.resample_interval.map(Interval::minutes);
        let native = columns.iter().filter_map(|index| self.columns.get(*index)?.native_interval_s).max();
        let rows = interval.unwrap_or(0).max(native.unwrap_or(0) / 60);
        if rows > window {
            return Err(too_coarse(f64::from(rows), window));
        }
        Ok(columns)
    }

    pub(super) fn heat_balance(&mut self) -> Result<Vec<usize>, Problem> {
        self.needs(Rule::HeatBalance, &[Role::Load, Role::Flow, Role::ChwSupply, Role::ChwReturn])
    }

    pub(super) fn affinity(&mut self) -> Result<Vec<usize>, Problem> {
        let field = "columns.pumps".to_owned();
        self.plan.pumps = match &self.plan.parameters.roles.pumps {
            Some(stated) => {
                let find = |name: &str| {
                    roles::find(name, self.columns).map_err(|message| Problem {
                        code: "unknown_column",
                        field: field.clone(),
                        message,
                    })
                };
                let pump = |pump: &super::Pump| {
                    let evidence = "stated in the request".to_owned();
                    Ok(self.pump(find(&pump.speed)?, find(&pump.power)?, evidence))
                };
                stated.iter().map(pump).collect::<Result<_, Problem>>()?
            }
            None => self.pairs(),
        };
        if self.plan.pumps.is_empty() {
            let closest = roles::closest(&["CHP_VFD_OUT", "CHP_HZ", "CHP_KW"], self.columns);
            let message = format!(
                "affinity needs speed and power of a pump or fan, and no two columns' names pair up (as CHP_1_HZ and CHP_1_KW do): state them in {field}{closest}"
            );
            return Err(Problem { code: "missing_role", field, message });
        }
        Ok(self.plan.pumps.iter().flat_map(|pump| [pump.speed, pump.power]).collect())
    }

    fn pump(&self, speed: usize, power: usize, evidence: String) -> PlannedPump {
        let before =
            |index: usize| self.columns.get(index).and_then(|column| column.cleaned.as_ref()?.aggregate.as_ref());
        PlannedPump { speed, power, evidence, resampled: before(speed).or(before(power)).is_some() }
    }

    /// Every machine whose names give it one speed and one power.
    fn pairs(&self) -> Vec<PlannedPump> {
        let pair = |machine: &super::machines::Machine| match (machine.speeds.as_slice(), machine.powers.as_slice()) {
            ([speed], [power]) if machine.kind != MachineKind::Chiller => {
                let (s, p) = (self.name(*speed), self.name(*power));
                let evidence = format!("suggested: {s} and {p} both name {}", machine.name);
                Some(self.pump(*speed, *power, evidence))
            }
            _ => None,
        };
        self.plan.machines.all.iter().filter_map(pair).collect()
    }

    pub(super) fn equipment(&mut self) -> Result<Vec<usize>, Problem> {
        let of =
            |kind| self.plan.machines.all.iter().filter(move |m| m.kind == kind).filter_map(|m| Some(m.sign?.column));
        let flow = self.plan.roles.get(&Role::Flow).map_or(&[][..], |chosen| &chosen.columns);
        let (pumps, chillers, towers): (Vec<_>, Vec<_>, Vec<_>) =
            (of(MachineKind::ChwPump).collect(), of(MachineKind::Chiller).collect(), of(MachineKind::Tower).collect());
        let mut columns = Vec::new();
        if !flow.is_empty() && !pumps.is_empty() {
            columns.extend(flow.iter().copied().chain(pumps));
        }
        if !chillers.is_empty() && !towers.is_empty() {
            columns.extend(chillers.into_iter().chain(towers));
        }
        if columns.is_empty() {
            let closest = roles::closest(&["CHP_1_S", "CH_1_S", "CT_1_S", "CHW_FLOW"], self.columns);
            let message = format!(
                "equipment needs a chilled-water flow and a pump's state, speed or power, or a chiller's and a cooling tower's, told by names such as CHP_1_S, CH_1_S, CT_1_HZ{closest}"
            );
            return Err(Problem { code: "missing_role", field: "columns.flow".to_owned(), message });
        }
        Ok(columns)
    }
}

/// The problem of rows that are further apart than the window of steady state.
pub(super) fn too_coarse(rows_min: f64, window_min: u32) -> Problem {
    Problem {
        code: "window_shorter_than_rows",
        field: "thresholds.steady_window_min".to_owned(),
        message: format!(
            "steady_state looks at {window_min} min, but the rows are {rows_min} min apart: give thresholds.steady_window_min of at least {rows_min}, or a shorter resample_interval"
        ),
    }
}

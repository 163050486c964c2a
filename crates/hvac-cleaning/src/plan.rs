//! Decide, then do: which rule runs on which points in which units, and why, from the columns alone.
//!
//! Every question that the columns leave open becomes a problem (or, when lenient, a warning and a rule that is
//! left out) – but for the unit of a temperature, which its values may settle when they are there.

use std::collections::BTreeMap;

use super::consistency::Tag;
use super::machines::{Driver, Machines, sign_of};
use super::parameters::{Limits, Parameters, Thresholds};
use super::quantity::{Quantity, UnitChoice, is_set, is_state, quantity_of, unit_choice};
use super::report::{LeftOut, Rule};
use super::roles::{self, Role, RoleColumns};
use super::sensor_tags;
use super::{CleanError, Problem};
use hvac_frame::column::{ColumnMeta, Kind, Warning};
use hvac_points::Reading;

/// What will be done.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(super) parameters: Parameters,
    pub(super) roles: BTreeMap<Role, RoleColumns>,
    /// Of every column whose quantity is known, by its index.
    pub(super) units: BTreeMap<usize, (Quantity, UnitChoice)>,
    pub(super) machines: Machines,
    /// What says that a column has something to measure, one a column.
    pub(super) drivers: Vec<Driver>,
    pub(super) pumps: Vec<PlannedPump>,
    pub(super) rules: BTreeMap<Rule, PlannedRule>,
    pub(super) warnings: Vec<Warning>,
    /// What each column is that can be set against others, by its index; empty when that is not asked for.
    pub(super) tags: BTreeMap<usize, Tag>,
    /// How many columns the plan was made for.
    pub(super) width: usize,
}

/// A rule that will run.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct PlannedRule {
    /// Columns that it judges, or judges rows by.
    pub(crate) columns: Vec<usize>,
    /// Columns that it does not judge, with the reason.
    pub(crate) left_out: Vec<LeftOut>,
    /// Whether it runs; otherwise a warning says why not.
    pub(crate) runs: bool,
}

/// Speed and power of one machine.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PlannedPump {
    /// Index of the speed.
    pub(crate) speed: usize,
    /// Index of the power.
    pub(crate) power: usize,
    /// Why these two.
    pub(crate) evidence: String,
    /// An earlier cleaning has resampled it: nothing tells any more whether it ran throughout.
    pub(crate) resampled: bool,
}

impl Plan {
    /// What was left out because of `lenient`, and other things a user should know before it starts.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    pub(super) fn runs(&self, rule: Rule) -> bool {
        self.rules.get(&rule).is_some_and(|planned| planned.runs)
    }

    /// A rule's limits in words. Rules whose yardstick is the data's own are not run twice with the same.
    pub(super) fn limits_in_words(&self, rule: Rule) -> String {
        let t = &self.parameters.thresholds;
        match rule {
            Rule::OutOfRange => format!(
                "by quantity and unit, see each column; a meter's zero within {} % of its usual greatest value",
                super::sampling::number(t.zero_tolerance * 100.0)
            ),
            Rule::Spike => {
                format!("robust z of both differences above {}, and 2.2 times 95 % of its own steps", t.spike_z)
            }
            Rule::Frozen => format!(
                "{} native samples within {} while its equipment is known to run, and {} times as long as 99 % of the column's own runs",
                t.frozen_samples, t.frozen_std, t.frozen_habit
            ),
            Rule::Counter => "falls, and rises of more than 10 times the usual rate".to_owned(),
            Rule::SteadyState => {
                format!("(max − min)/mean of the load at most {} over {} min", t.steady_spread, t.steady_window_min)
            }
            Rule::HeatBalance => {
                format!(
                    "|flow·ΔT − load|/load at most {} and {} times what both scatter, from {} RT, where ±{} K of ΔT are no more than that",
                    t.heat_balance,
                    super::heat_balance::NOISE,
                    t.heat_balance_min_rt,
                    t.delta_t_accuracy_k
                )
            }
            Rule::Affinity => format!("|P/f³ ÷ own nearest level − 1| at most {}", t.affinity),
            Rule::Equipment => {
                format!("flow above {} of its median with pumps off; chiller on with towers off", t.standing_flow)
            }
            Rule::Drift => {
                format!("{} K or {} of the reading in 30 days", t.drift_k_per_month, t.drift_share_per_month)
            }
            Rule::Offset => format!("{} K or {} of the reading, for 5 days", t.offset_k, t.offset_share),
            Rule::Swap => "supply and return keep the plant's laws only when exchanged, for 2 days".to_owned(),
            Rule::WrongUnit => "the plant's laws are kept only in another unit, for 2 days".to_owned(),
            Rule::TimeShift => "2 to 11 intervals, for 5 days".to_owned(),
        }
    }

    /// Whether an earlier cleaning has judged the column by the same yardstick.
    pub(super) fn judged_before(&self, rule: Rule, column: &ColumnMeta) -> bool {
        let judged = column.cleaned.as_ref().and_then(|cleaned| cleaned.judged.get(rule.name()));
        judged.is_some_and(|limits| *limits == self.limits_in_words(rule))
    }
}

pub(super) struct PlanBuilder<'c> {
    pub(super) columns: &'c [ColumnMeta],
    pub(super) plan: Plan,
    pub(super) ambiguous: BTreeMap<Role, Vec<usize>>,
    problems: Vec<Problem>,
}

/// Settles which rule runs on which points in which units, and why.
///
/// Units that neither the columns nor the parameters state are left to the values, which [`super::clean`] asks.
///
/// # Errors
/// Unknown columns or units, thresholds that cannot be, and (unless `lenient`) rules that lack a column.
pub fn check(columns: &[ColumnMeta], parameters: &Parameters) -> Result<Plan, CleanError> {
    let mut problems = bad_thresholds(&parameters.thresholds);
    problems.extend(unknown_names(columns, parameters));
    let (roles, wrong, ambiguous) = roles::resolve(&parameters.roles, columns);
    problems.extend(wrong.into_iter().map(|(role, message)| Problem {
        code: if message.starts_with("there is no column") { "unknown_column" } else { "bad_role" },
        field: format!("columns.{}", role.name()),
        message,
    }));
    let machines = Machines::find(columns, &roles, &parameters.thresholds);
    let driver = |index| machines.driver(index, columns, &roles, &parameters.roles, &parameters.thresholds);
    let drivers = (0..columns.len()).map(driver).collect();
    let plan = Plan {
        parameters: parameters.clone(),
        units: units(columns, &roles, parameters),
        roles,
        machines,
        drivers,
        pumps: Vec::new(),
        rules: BTreeMap::new(),
        warnings: Vec::new(),
        tags: if parameters.check_sensors { sensor_tags::tags(columns) } else { BTreeMap::new() },
        width: columns.len(),
    };
    let mut making = PlanBuilder { columns, plan, ambiguous, problems };
    making.cell_rules();
    making.row_rules();
    making.sensor_rules();
    let PlanBuilder { plan, problems, .. } = making;
    match CleanError::of(problems) {
        Some(error) => Err(error),
        None => Ok(plan),
    }
}

fn units(
    columns: &[ColumnMeta],
    chosen: &BTreeMap<Role, RoleColumns>,
    parameters: &Parameters,
) -> BTreeMap<usize, (Quantity, UnitChoice)> {
    let mut quantities: BTreeMap<usize, Quantity> =
        columns.iter().enumerate().filter_map(|(index, column)| Some((index, quantity_of(column)?))).collect();
    for (role, chosen) in chosen {
        quantities.extend(chosen.columns.iter().map(|index| (*index, role.quantity())));
    }
    let choice = |index: usize, quantity| {
        columns.get(index).map_or(UnitChoice::Unknown, |column| unit_choice(column, quantity, &parameters.units))
    };
    quantities.into_iter().map(|(index, quantity)| (index, (quantity, choice(index, quantity)))).collect()
}

fn bad_thresholds(t: &Thresholds) -> Vec<Problem> {
    let shares = [
        ("frozen_std", t.frozen_std),
        ("frozen_habit", t.frozen_habit),
        ("spike_z", t.spike_z),
        ("heat_balance", t.heat_balance),
        ("heat_balance_min_rt", t.heat_balance_min_rt),
        ("delta_t_accuracy_k", t.delta_t_accuracy_k),
        ("plant_balance", t.plant_balance),
        ("plant_balance_share", t.plant_balance_share),
        ("affinity", t.affinity),
        ("running_speed", t.running_speed),
        ("running_kw", t.running_kw),
        ("standing_flow", t.standing_flow),
        ("steady_spread", t.steady_spread),
        ("zero_tolerance", t.zero_tolerance),
        ("offset_k", t.offset_k),
        ("offset_share", t.offset_share),
        ("drift_k_per_month", t.drift_k_per_month),
        ("drift_share_per_month", t.drift_share_per_month),
        ("wet_bulb_margin_k", t.wet_bulb_margin_k),
    ];
    let problem = |field: &str, message: String| Problem {
        code: "bad_threshold",
        field: format!("thresholds.{field}"),
        message: format!("thresholds.{field} {message}"),
    };
    let mut problems: Vec<Problem> = (shares.iter())
        .filter(|(_, value)| !(value.is_finite() && *value >= 0.0))
        .map(|(field, value)| problem(field, format!("is {value}: give a number of at least 0")))
        .collect();
    if t.frozen_samples < 2 {
        problems.push(problem("frozen_samples", format!("is {}: give at least 2", t.frozen_samples)));
    }
    if t.steady_window_min == 0 {
        problems.push(problem("steady_window_min", "is 0: give minutes".to_owned()));
    }
    if !(10_000.0..=120_000.0).contains(&t.pressure_pa) {
        problems.push(problem("pressure_pa", format!("is {}: give Pa, 10000 to 120000", t.pressure_pa)));
    }
    let named = [
        ("chw_temperature_c", t.chw_temperature_c),
        ("cw_temperature_c", t.cw_temperature_c),
        ("air_temperature_c", t.air_temperature_c),
        ("wet_bulb_c", t.wet_bulb_c),
        ("humidity_pct", t.humidity_pct),
        ("frequency_hz", t.frequency_hz),
        ("power_kw", t.power_kw),
        ("flow_lpm", t.flow_lpm),
        ("load_rt", t.load_rt),
        ("plant_cop", t.plant_cop),
    ];
    let single = t.limits.iter().map(|(name, limits)| (name.as_str(), *limits));
    for (field, Limits { min, max }) in named.into_iter().chain(single) {
        if let (Some(min), Some(max)) = (min, max)
            && min > max
        {
            problems.push(problem(field, format!("has a min of {min} above its max of {max}")));
        }
    }
    problems
}

/// Names in `units`, `thresholds.limits` and `columns.runs_with` that are no columns.
fn unknown_names(columns: &[ColumnMeta], parameters: &Parameters) -> Vec<Problem> {
    let Parameters { units, thresholds, roles, .. } = parameters;
    let named = (units.keys().map(|name| ("units", name)))
        .chain(thresholds.limits.keys().map(|name| ("thresholds.limits", name)))
        .chain(roles.runs_with.iter().flat_map(|(a, b)| [("columns.runs_with", a), ("columns.runs_with", b)]));
    let problem = |(field, name): (&str, &String)| {
        let message = roles::find(name, columns).err()?;
        Some(Problem { code: "unknown_column", field: format!("{field}.{name}"), message })
    };
    let mut problems: Vec<Problem> = named.filter_map(problem).collect();
    for name in roles.runs_with.values() {
        let known = roles::find(name, columns).is_ok();
        if known && sign_of(name, columns, thresholds).is_none() {
            let message = format!("column '{name}' cannot say whether something runs");
            problems.push(Problem { code: "bad_role", field: "columns.runs_with".to_owned(), message });
        }
    }
    problems
}

impl PlanBuilder<'_> {
    pub(super) fn name(&self, index: usize) -> String {
        self.columns.get(index).map(|column| column.name.clone()).unwrap_or_default()
    }

    fn cell_rules(&mut self) {
        let parameters = &self.plan.parameters;
        let asked = [
            (Rule::OutOfRange, parameters.detect_out_of_range),
            (Rule::Spike, parameters.detect_spikes),
            (Rule::Frozen, parameters.detect_frozen),
        ];
        for (rule, _) in asked.into_iter().filter(|(_, asked)| *asked) {
            let mut planned = PlannedRule { runs: true, ..PlannedRule::default() };
            for (index, column) in self.columns.iter().enumerate() {
                match self.why_not(rule, index, column) {
                    None => planned.columns.push(index),
                    Some(reason) => planned.left_out.push(LeftOut { column: column.name.clone(), reason }),
                }
            }
            self.plan.rules.insert(rule, planned);
        }
        if parameters.derive {
            let registers = |(index, column): (usize, &ColumnMeta)| (column.kind == Kind::Counter).then_some(index);
            let columns: Vec<usize> = self.columns.iter().enumerate().filter_map(registers).collect();
            let planned = PlannedRule { runs: !columns.is_empty(), columns, left_out: Vec::new() };
            self.plan.rules.insert(Rule::Counter, planned);
        }
    }

    /// Why a cell rule does not judge a column.
    fn why_not(&self, rule: Rule, index: usize, column: &ColumnMeta) -> Option<String> {
        let kind = match column.kind {
            Kind::Instantaneous => None,
            // What an interval can be at most, only the user knows.
            Kind::IntervalTotal if rule == Rule::OutOfRange && self.has_own_limits(column) => None,
            Kind::IntervalTotal => Some("it is the amount of an interval"),
            Kind::Counter => Some("it is a register"),
            Kind::Status => Some("it is a status"),
            Kind::Text => Some("it is text"),
        };
        if let Some(kind) = kind {
            return Some(kind.to_owned());
        }
        if rule == Rule::OutOfRange {
            return self.why_no_range(index, column);
        }
        if column.derived.is_some() {
            return Some("it is derived: its inputs are judged".to_owned());
        }
        if let Some(aggregate) = column.cleaned.as_ref().and_then(|cleaned| cleaned.aggregate.as_ref()) {
            return Some(format!("its cells are resampled ({aggregate}) and no native samples any more"));
        }
        if self.plan.judged_before(rule, column) {
            return Some("an earlier cleaning has judged it by the same limits".to_owned());
        }
        let reading = Reading::of(&column.original_name);
        let humidity = matches!(self.plan.units.get(&index), Some((Quantity::Humidity, _)));
        match rule {
            Rule::Frozen if reading.is_setting() || is_set(&reading, &column.original_name) => {
                Some("by its name it is set, not measured: it may rightly stand still".to_owned())
            }
            Rule::Frozen if is_state(&reading) => {
                Some("by its name it is a state, an alarm or a limit: it may rightly stand still".to_owned())
            }
            Rule::Frozen if column.unit.as_deref() == Some("%") && !humidity => {
                Some("a position or share in % may rightly stand still".to_owned())
            }
            Rule::Spike if is_set(&reading, &column.original_name) => {
                Some("by its name it is a set-point, a command, a limit or a position: it may rightly jump".to_owned())
            }
            Rule::Spike if super::sampling::on_change(column) => {
                Some("it is recorded on change of value: its steps are no samples of one interval".to_owned())
            }
            _ => None,
        }
    }

    fn has_own_limits(&self, column: &ColumnMeta) -> bool {
        let own = &self.plan.parameters.thresholds.limits;
        own.contains_key(&column.name) || own.contains_key(&column.original_name)
    }

    fn why_no_range(&self, index: usize, column: &ColumnMeta) -> Option<String> {
        if self.has_own_limits(column) {
            return None;
        }
        match self.plan.units.get(&index) {
            Some((_, UnitChoice::Known(_) | UnitChoice::ByValues)) => None,
            Some((quantity, UnitChoice::Unknown)) => {
                Some(format!("it is {}, but its unit is not known: state it in units", quantity.name()))
            }
            Some((_, UnitChoice::Wrong(message))) => Some(message.clone()),
            None => Some("no limits are known for it: neither its unit nor its name says what it measures".to_owned()),
        }
    }

    fn row_rules(&mut self) {
        let p = self.plan.parameters.clone();
        let asked: [(Rule, bool, fn(&mut Self) -> Result<Vec<usize>, Problem>); 4] = [
            (Rule::SteadyState, p.apply_steady_state, Self::steady_state),
            (Rule::HeatBalance, p.apply_heat_balance, Self::heat_balance),
            (Rule::Affinity, p.apply_affinity, Self::affinity),
            (Rule::Equipment, p.check_equipment, Self::equipment),
        ];
        for (rule, _, settle) in asked.into_iter().filter(|(_, asked, _)| *asked) {
            let planned = match settle(self) {
                Ok(columns) => PlannedRule { columns, runs: true, left_out: Vec::new() },
                Err(problem) if p.lenient => {
                    self.warn_left_out(rule, &problem);
                    PlannedRule::default()
                }
                Err(problem) => {
                    self.problems.push(problem);
                    PlannedRule::default()
                }
            };
            self.plan.rules.insert(rule, planned);
        }
    }

    /// The rules that set sensors against each other judge every point whose name says what it is; they leave out no
    /// rule's points with a reason, for which laws bind which points only their values tell.
    fn sensor_rules(&mut self) {
        if !self.plan.parameters.check_sensors {
            return;
        }
        let columns: Vec<usize> = self.plan.tags.keys().copied().collect();
        for rule in Rule::OF_SENSORS {
            let planned = PlannedRule { runs: !columns.is_empty(), columns: columns.clone(), left_out: Vec::new() };
            self.plan.rules.insert(rule, planned);
        }
    }

    fn warn_left_out(&mut self, rule: Rule, problem: &Problem) {
        self.plan.warnings.push(Warning {
            code: "rule_left_out".to_owned(),
            file: String::new(),
            line: None,
            column: None,
            count: 1,
            message: format!("{} was left out: {}", rule.name(), problem.message),
        });
    }
}

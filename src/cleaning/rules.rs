//! The rules of cleaning as data, for who offers them: what each is switched on by, acts on and can be told.
//!
//! Defaults are taken from where they are used; that every switch and limit stands here is tested.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{Interval, Parameters, Rule};
use crate::error::{Context, Error, Result};
use hvac_cleaning::Limits;

/// What a cleaning can be asked.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CleaningRules {
    /// What is judged, in the order in which a cell or row that several hit counts.
    pub rules: Vec<OfferedRule>,
    /// What else can be switched.
    pub switches: Vec<OfferedSwitch>,
    /// The rules' limits: fields of `thresholds`. Besides, `thresholds.limits` has limits of single columns by name.
    pub thresholds: Vec<OfferedThreshold>,
    /// Widths of `resample_interval`, besides null for the rows as they are.
    pub intervals: Vec<Interval>,
    /// The one that is taken when nothing is said.
    pub default_interval: Option<Interval>,
}

/// A rule, or several that are switched together.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OfferedRule {
    /// Field of the request.
    pub switch: &'static str,
    /// As reports and events name what it hits.
    pub rules: &'static [Rule],
    /// What it judges.
    pub acts_on: ActsOn,
    /// Whether it is on when nothing is said.
    pub default: bool,
    /// What it looks for.
    pub sentence: &'static str,
    /// Names of the limits that it goes by.
    pub thresholds: &'static [&'static str],
}

/// What a rule judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActsOn {
    /// Cells, which are nulled when `filter_invalid` asks for it.
    Cells,
    /// Rows, which are dropped then.
    Rows,
    /// Sensors, which are only reported.
    Sensors,
    /// Nothing: it adds columns.
    Columns,
}

/// A switch that is no rule.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OfferedSwitch {
    /// Field of the request.
    pub switch: &'static str,
    /// Whether it is on when nothing is said.
    pub default: bool,
    /// What it does.
    pub sentence: &'static str,
}

/// A limit of rules.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OfferedThreshold {
    /// Field of `thresholds`.
    pub name: &'static str,
    /// Unit; null for a number without one.
    pub unit: Option<&'static str>,
    /// What is taken when nothing is said: a number, or a least and a most, either of which may be open.
    pub default: ThresholdValue,
    /// Least that is accepted.
    pub minimum: Option<f64>,
    /// Most that is accepted.
    pub maximum: Option<f64>,
    /// Where a slider may begin and end.
    pub usual: [f64; 2],
    /// What it means.
    pub sentence: &'static str,
}

/// A number, or limits.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ThresholdValue {
    /// One number.
    Number(f64),
    /// Least and most.
    Limits(Limits),
}

type RuleRow = (&'static str, &'static [Rule], ActsOn, &'static str, &'static [&'static str]);

const RULES: [RuleRow; 9] = [
    (
        "detect_out_of_range",
        &[Rule::OutOfRange],
        ActsOn::Cells,
        "Values that cannot be, by what the point measures and in which unit",
        &[
            "chw_temperature_c",
            "cw_temperature_c",
            "air_temperature_c",
            "wet_bulb_c",
            "wet_bulb_margin_k",
            "humidity_pct",
            "frequency_hz",
            "power_kw",
            "flow_lpm",
            "load_rt",
            "plant_cop",
            "zero_tolerance",
        ],
    ),
    ("detect_spikes", &[Rule::Spike], ActsOn::Cells, "Single samples that jump away and back", &["spike_z"]),
    (
        "detect_frozen",
        &[Rule::Frozen],
        ActsOn::Cells,
        "Sensors that stand still while their equipment runs",
        &["frozen_samples", "frozen_std", "frozen_habit", "running_speed", "running_kw"],
    ),
    (
        "apply_steady_state",
        &[Rule::SteadyState],
        ActsOn::Rows,
        "Times at which the cooling load moves",
        &["steady_window_min", "steady_spread"],
    ),
    (
        "apply_heat_balance",
        &[Rule::HeatBalance],
        ActsOn::Rows,
        "Times at which flow × ΔT is not the measured load",
        &["heat_balance", "heat_balance_min_rt", "delta_t_accuracy_k", "plant_balance", "plant_balance_share"],
    ),
    (
        "apply_affinity",
        &[Rule::Affinity],
        ActsOn::Rows,
        "Times at which a pump or fan does not draw the power that belongs to its speed",
        &["affinity", "running_speed", "running_kw"],
    ),
    (
        "check_equipment",
        &[Rule::Equipment],
        ActsOn::Rows,
        "Times at which machines contradict each other: flow without a pump, a chiller without a tower",
        &["standing_flow", "running_speed", "running_kw"],
    ),
    (
        "check_sensors",
        &[Rule::Drift, Rule::Offset, Rule::Swap, Rule::WrongUnit, Rule::TimeShift],
        ActsOn::Sensors,
        "Sensors that the plant's laws contradict: drift, offset, exchanged, wrong unit, late or early",
        &["offset_k", "offset_share", "drift_k_per_month", "drift_share_per_month", "pressure_pa"],
    ),
    (
        "derive",
        &[Rule::Counter],
        ActsOn::Columns,
        "Adds wet-bulb, load, COP, kW/RT, lift, ΔT and the consumption of registers, where their points are known",
        &["pressure_pa", "heat_balance_min_rt", "running_kw"],
    ),
];

const SWITCHES: [(&str, &str); 4] = [
    ("filter_invalid", "Takes out what the rules find; otherwise it is only reported"),
    ("lenient", "Leaves out a rule that lacks a point, with a warning, instead of refusing to clean"),
    ("keep_empty_bins", "Keeps intervals without a sample as empty rows"),
    ("on_fraction", "Adds the share of each interval at which a state was on"),
];

const OPEN: (Option<f64>, Option<f64>) = (None, None);
const FROM_0: (Option<f64>, Option<f64>) = (Some(0.0), None);

type ThresholdRow = (&'static str, Option<&'static str>, (Option<f64>, Option<f64>), [f64; 2], &'static str);

const THRESHOLDS: [ThresholdRow; 32] = [
    ("chw_temperature_c", Some("°C"), OPEN, [-10.0, 40.0], "Chilled water lies within"),
    ("cw_temperature_c", Some("°C"), OPEN, [0.0, 70.0], "Condenser water lies within"),
    ("air_temperature_c", Some("°C"), OPEN, [-60.0, 70.0], "Outside air lies within"),
    ("wet_bulb_c", Some("°C"), OPEN, [-60.0, 50.0], "Outside wet-bulb lies within"),
    ("wet_bulb_margin_k", Some("K"), FROM_0, [0.0, 3.0], "The wet-bulb may stand so far above the dry-bulb"),
    ("humidity_pct", Some("%"), OPEN, [0.0, 110.0], "Relative humidity lies within"),
    ("frequency_hz", Some("Hz"), OPEN, [0.0, 120.0], "Speed lies within"),
    ("power_kw", Some("kW"), OPEN, [0.0, 10_000.0], "Electric power lies within"),
    ("flow_lpm", Some("L/min"), OPEN, [0.0, 200_000.0], "Flow lies within"),
    ("load_rt", Some("RT"), OPEN, [0.0, 20_000.0], "Cooling load lies within"),
    ("plant_cop", None, OPEN, [0.5, 12.0], "The plant's coefficient of performance lies within"),
    (
        "zero_tolerance",
        None,
        FROM_0,
        [0.0, 0.1],
        "Share of its usual greatest value by which a meter may read below 0 at standstill",
    ),
    ("spike_z", None, FROM_0, [2.0, 12.0], "A jump counts from so many robust standard deviations on"),
    (
        "frozen_samples",
        Some("samples"),
        (Some(2.0), None),
        [2.0, 48.0],
        "So many samples of one value make a sensor frozen",
    ),
    ("frozen_std", None, FROM_0, [0.0, 0.1], "One value is what varies by at most that, in the point's own unit"),
    ("frozen_habit", None, FROM_0, [0.0, 10.0], "It must last so many times as long as the point usually stands still"),
    ("running_speed", Some("Hz or %"), FROM_0, [0.0, 30.0], "A pump or fan below this speed stands"),
    ("running_kw", Some("kW"), FROM_0, [0.0, 10.0], "A machine below this power stands"),
    ("steady_window_min", Some("min"), (Some(1.0), None), [5.0, 120.0], "The load is looked at over so long"),
    ("steady_spread", None, FROM_0, [0.01, 0.3], "It is steady while it varies by no more than this share of its mean"),
    ("heat_balance", None, FROM_0, [0.02, 0.5], "Flow × ΔT may differ from the measured load by this share"),
    ("heat_balance_min_rt", Some("RT"), FROM_0, [0.0, 200.0], "Loads below this one are not balanced"),
    (
        "delta_t_accuracy_k",
        Some("K"),
        FROM_0,
        [0.0, 1.0],
        "Accuracy of a temperature difference; where it alone may break the balance, nothing is balanced",
    ),
    ("plant_balance", None, FROM_0, [0.01, 0.2], "Heat in and out of the plant may differ by this share"),
    ("plant_balance_share", None, FROM_0, [0.5, 1.0], "Share of the times that must keep it"),
    ("affinity", None, FROM_0, [0.05, 0.6], "Power ÷ speed³ may differ from the machine's own by this share"),
    ("standing_flow", None, FROM_0, [0.0, 0.3], "Water stands below this share of the usual flow"),
    ("offset_k", Some("K"), FROM_0, [0.2, 5.0], "A temperature that reads wrong by that is offset"),
    ("offset_share", None, FROM_0, [0.01, 0.3], "A flow, load or power that reads wrong by this share is offset"),
    ("drift_k_per_month", Some("K in 30 days"), FROM_0, [0.1, 3.0], "A temperature whose error grows so fast drifts"),
    (
        "drift_share_per_month",
        Some("share in 30 days"),
        FROM_0,
        [0.01, 0.3],
        "A flow, load or power whose error grows so fast drifts",
    ),
    (
        "pressure_pa",
        Some("Pa"),
        (Some(10_000.0), Some(120_000.0)),
        [80_000.0, 105_000.0],
        "Air pressure of the site, for wet-bulb and enthalpy",
    ),
];

/// All of it.
///
/// # Errors
/// Never: every switch and limit that stands here is a parameter.
pub fn all() -> Result<CleaningRules> {
    let defaults = serde_json::to_value(Parameters::default()).internal("writing the default parameters")?;
    let is_on = |switch: &str| {
        let value = defaults.get(switch).and_then(Value::as_bool);
        value.ok_or_else(|| Error::internal(format!("there is no parameter {switch}")))
    };
    let rule = |(switch, rules, acts_on, sentence, thresholds): RuleRow| {
        Ok(OfferedRule { switch, rules, acts_on, default: is_on(switch)?, sentence, thresholds })
    };
    let switch = |(switch, sentence)| Ok(OfferedSwitch { switch, default: is_on(switch)?, sentence });
    let threshold = |(name, unit, (minimum, maximum), usual, sentence): ThresholdRow| {
        let default = defaults.pointer(&format!("/thresholds/{name}")).cloned().unwrap_or_default();
        let default = serde_json::from_value(default).internal("reading a default limit")?;
        Ok(OfferedThreshold { name, unit, default, minimum, maximum, usual, sentence })
    };
    Ok(CleaningRules {
        rules: RULES.into_iter().map(rule).collect::<Result<_>>()?,
        switches: SWITCHES.into_iter().map(switch).collect::<Result<_>>()?,
        thresholds: THRESHOLDS.into_iter().map(threshold).collect::<Result<_>>()?,
        intervals: Interval::ALL.to_vec(),
        default_interval: Parameters::default().resample_interval,
    })
}

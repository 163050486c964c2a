//! What a user asks of a cleaning: switches, interval, roles, units, thresholds. Defaults are the web frontend's.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};

use crate::consistency::SensorLimits;
use hvac_points::physics::STANDARD_PRESSURE_PA;

/// Width of the bins of a resampling. Each divides a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Interval {
    /// `1m`
    #[cfg_attr(feature = "openapi", schema(rename = "1m"))]
    M1,
    /// `5m`
    #[cfg_attr(feature = "openapi", schema(rename = "5m"))]
    M5,
    /// `10m`
    #[cfg_attr(feature = "openapi", schema(rename = "10m"))]
    M10,
    /// `15m`
    #[cfg_attr(feature = "openapi", schema(rename = "15m"))]
    M15,
    /// `30m`
    #[cfg_attr(feature = "openapi", schema(rename = "30m"))]
    M30,
    /// `1h`
    #[cfg_attr(feature = "openapi", schema(rename = "1h"))]
    H1,
    /// `1d`: a local day, 23 to 25 hours long.
    #[cfg_attr(feature = "openapi", schema(rename = "1d"))]
    D1,
}

impl Interval {
    /// All of them, shortest first.
    pub const ALL: [Self; 7] = [Self::M1, Self::M5, Self::M10, Self::M15, Self::M30, Self::H1, Self::D1];

    /// As it is spelled in requests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::M1 => "1m",
            Self::M5 => "5m",
            Self::M10 => "10m",
            Self::M15 => "15m",
            Self::M30 => "30m",
            Self::H1 => "1h",
            Self::D1 => "1d",
        }
    }

    /// Minutes; of a day without a change of the clock.
    #[must_use]
    pub(crate) fn minutes(self) -> u32 {
        match self {
            Self::M1 => 1,
            Self::M5 => 5,
            Self::M10 => 10,
            Self::M15 => 15,
            Self::M30 => 30,
            Self::H1 => 60,
            Self::D1 => 1440,
        }
    }

    /// Milliseconds; of a day without a change of the clock.
    #[must_use]
    pub(crate) fn ms(self) -> i64 {
        i64::from(self.minutes()) * 60_000
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Interval {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|interval| interval.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("'{text}' is no interval: use one of {names}, or null to keep the rows as they are")
        })
    }
}

impl Serialize for Interval {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// What to do. Every field has a default; equal parameters on equal data give equal results.
///
/// Made to be flattened into a request, so unknown fields are refused in its parts only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Parameters {
    /// Width of the bins; null keeps the rows as they are. Data that are coarser keep their own spacing.
    pub resample_interval: Option<Interval>,
    /// Bins without a sample stay as rows of nulls (`no_sample`); otherwise they are left out.
    pub keep_empty_bins: bool,
    /// Adds `{status}_on_fraction` for each status when resampling.
    pub on_fraction: bool,
    /// Sensors that stand still while their equipment runs.
    pub detect_frozen: bool,
    /// Single samples that jump away and back.
    pub detect_spikes: bool,
    /// Values that cannot be, by kind and unit.
    pub detect_out_of_range: bool,
    /// Rows at which the load moves.
    pub apply_steady_state: bool,
    /// Rows at which flow × ΔT is not the measured load.
    pub apply_heat_balance: bool,
    /// Rows at which a pump's or fan's P/f³ is not its own.
    pub apply_affinity: bool,
    /// Rows with flow while the pumps are off, or a chiller on while the towers are off.
    pub check_equipment: bool,
    /// Sensors against each other by the plant's laws: drift, offset, swap, wrong unit, time shift. Only reported.
    pub check_sensors: bool,
    /// Null the cells and drop the rows that a rule hits; otherwise they are only reported.
    pub filter_invalid: bool,
    /// Add wet-bulb, load, COP, kW/RT, lift, ΔT and the registers' consumption, where their columns are known.
    pub derive: bool,
    /// A rule that lacks a column or a unit is left out with a warning instead of refusing the whole request.
    pub lenient: bool,
    /// Which columns play which part; what is not stated is suggested by names.
    #[serde(rename = "columns")]
    pub roles: Roles,
    /// Units by column name, for columns whose report does not say: `{"OAT": "°C", "CHW_FLOW": "GPM"}`.
    pub units: BTreeMap<String, String>,
    /// Limits of the rules.
    pub thresholds: Thresholds,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            resample_interval: Some(Interval::M5),
            keep_empty_bins: true,
            on_fraction: false,
            detect_frozen: true,
            detect_spikes: false,
            detect_out_of_range: false,
            apply_steady_state: false,
            apply_heat_balance: false,
            apply_affinity: false,
            check_equipment: false,
            check_sensors: false,
            filter_invalid: false,
            derive: false,
            lenient: false,
            roles: Roles::default(),
            units: BTreeMap::new(),
            thresholds: Thresholds::default(),
        }
    }
}

/// One column, or several that add up. In JSON a name or a list of names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum Columns {
    /// One.
    One(String),
    /// Their sum; of temperatures only one is taken.
    Sum(Vec<String>),
}

impl Columns {
    /// The names, in the order given.
    #[must_use]
    pub(crate) fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Sum(names) => names,
        }
    }
}

/// Which columns play which part, by their stored or original names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Roles {
    /// Measured cooling load (RT or kW).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<Columns>,
    /// Chilled-water flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow: Option<Columns>,
    /// Chilled water to the building.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chw_supply: Option<Columns>,
    /// Chilled water from the building.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chw_return: Option<Columns>,
    /// Condenser-water flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cw_flow: Option<Columns>,
    /// Condenser water from the towers to the chillers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cw_supply: Option<Columns>,
    /// Condenser water from the chillers to the towers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cw_return: Option<Columns>,
    /// Electric power of the whole plant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power: Option<Columns>,
    /// Electric power of the chillers alone (W_in of the plant's heat balance).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chiller_power: Option<Columns>,
    /// Outside dry-bulb temperature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_bulb: Option<Columns>,
    /// Outside relative humidity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub humidity: Option<Columns>,
    /// Outside wet-bulb temperature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wet_bulb: Option<Columns>,
    /// Pumps and fans with speed and power; null finds every pair by its names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pumps: Option<Vec<Pump>>,
    /// Which column says that the equipment of a column runs: `{"CHWS": "CH1"}`; others are found by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub runs_with: BTreeMap<String, String>,
}

/// A pump, a group of pumps, or a fan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Pump {
    /// Column of its speed, Hz or %.
    pub(crate) speed: String,
    /// Column of its electric power.
    pub(crate) power: String,
}

/// Least and most that a value can be; either may be open.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Least.
    #[serde(default)]
    pub(crate) min: Option<f64>,
    /// Most.
    #[serde(default)]
    pub(crate) max: Option<f64>,
}

impl Limits {
    /// From `min` to `max`.
    #[must_use]
    pub const fn new(min: f64, max: f64) -> Self {
        Self { min: Some(min), max: Some(max) }
    }

    /// At least `min`.
    #[must_use]
    pub(crate) const fn at_least(min: f64) -> Self {
        Self { min: Some(min), max: None }
    }

    /// Whether `value` lies within, ends included.
    #[must_use]
    pub(crate) fn contains(&self, value: f64) -> bool {
        self.min.is_none_or(|min| value >= min) && self.max.is_none_or(|max| value <= max)
    }
}

/// Limits of the rules. Sources: HVAC.md §4.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// Native samples of one value that make a sensor frozen.
    #[cfg_attr(feature = "openapi", schema(minimum = 2))]
    pub frozen_samples: u32,
    /// Standard deviation of those samples at most, in the column's own unit.
    #[cfg_attr(feature = "openapi", schema(minimum = 0.0))]
    pub frozen_std: f64,
    /// A run must also last so many times as long as 99 % of the column's own runs do.
    #[cfg_attr(feature = "openapi", schema(minimum = 0.0))]
    pub frozen_habit: f64,
    /// Robust z of both differences around a spike.
    #[cfg_attr(feature = "openapi", schema(minimum = 0.0))]
    pub spike_z: f64,
    /// Chilled water, °C.
    pub chw_temperature_c: Limits,
    /// Condenser water, °C.
    pub cw_temperature_c: Limits,
    /// Outside air, °C.
    pub air_temperature_c: Limits,
    /// Outside wet-bulb, °C; besides, it is never above the dry-bulb.
    pub wet_bulb_c: Limits,
    /// Relative humidity, %.
    pub humidity_pct: Limits,
    /// Speed, Hz.
    pub frequency_hz: Limits,
    /// Electric power, kW.
    pub power_kw: Limits,
    /// Flow, L/min.
    pub flow_lpm: Limits,
    /// Cooling load, RT.
    pub load_rt: Limits,
    /// Coefficient of performance of the plant; kW/RT accordingly.
    pub plant_cop: Limits,
    /// Limits of single columns in their own unit, by name; they win.
    pub limits: BTreeMap<String, Limits>,
    /// Share of its own usual greatest value by which a power, flow, load or speed may read below 0 at standstill.
    #[cfg_attr(feature = "openapi", schema(minimum = 0.0))]
    pub zero_tolerance: f64,
    /// K by which a wet-bulb may stand above its dry-bulb: two sensors' accuracy.
    #[cfg_attr(feature = "openapi", schema(minimum = 0.0))]
    pub wet_bulb_margin_k: f64,
    /// |RT from flow − RT measured| / RT measured, a row.
    #[cfg_attr(feature = "openapi", schema(minimum = 0.0))]
    pub heat_balance: f64,
    /// Loads below this one are not balanced, RT.
    #[cfg_attr(feature = "openapi", schema(minimum = 0.0))]
    pub heat_balance_min_rt: f64,
    /// Accuracy of a ΔT, K, two sensors of ±0.15 K: where it alone may exceed `heat_balance`, nothing is balanced.
    #[cfg_attr(feature = "openapi", schema(minimum = 0.0))]
    pub delta_t_accuracy_k: f64,
    /// |Q_evap + W_in − Q_cond| / Q_cond, a row of the plant's statistic.
    #[cfg_attr(feature = "openapi", schema(minimum = 0.0))]
    pub plant_balance: f64,
    /// Share of the rows that must keep it.
    #[cfg_attr(feature = "openapi", schema(minimum = 0.0))]
    pub plant_balance_share: f64,
    /// |P/f³ ÷ the pump's own median − 1|.
    #[cfg_attr(feature = "openapi", schema(minimum = 0.0))]
    pub affinity: f64,
    /// A pump or fan below this speed (Hz or %) stands.
    #[cfg_attr(feature = "openapi", schema(minimum = 0.0))]
    pub running_speed: f64,
    /// A machine below this power (kW) stands.
    #[cfg_attr(feature = "openapi", schema(minimum = 0.0))]
    pub running_kw: f64,
    /// Share of the usual (median) flow below which water stands.
    #[cfg_attr(feature = "openapi", schema(minimum = 0.0))]
    pub standing_flow: f64,
    /// Window of steady state, minutes.
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub steady_window_min: u32,
    /// (max − min) / mean of the load in it.
    #[cfg_attr(feature = "openapi", schema(minimum = 0.0))]
    pub steady_spread: f64,
    /// Offset of a temperature, K.
    #[cfg_attr(feature = "openapi", schema(minimum = 0.0))]
    pub offset_k: f64,
    /// Offset of a flow, load or power, share of the reading.
    #[cfg_attr(feature = "openapi", schema(minimum = 0.0))]
    pub offset_share: f64,
    /// Drift of a temperature, K in 30 days.
    #[cfg_attr(feature = "openapi", schema(minimum = 0.0))]
    pub drift_k_per_month: f64,
    /// Drift of a flow, load or power, share of the reading in 30 days.
    #[cfg_attr(feature = "openapi", schema(minimum = 0.0))]
    pub drift_share_per_month: f64,
    /// Air pressure for the wet-bulb, Pa.
    #[cfg_attr(feature = "openapi", schema(minimum = 10000.0, maximum = 120000.0))]
    pub pressure_pa: f64,
}

impl Thresholds {
    /// What the laws between sensors are judged by.
    pub(crate) fn sensor_limits(&self) -> SensorLimits {
        SensorLimits {
            offset_k: self.offset_k,
            offset_share: self.offset_share,
            drift_k: self.drift_k_per_month,
            drift_share: self.drift_share_per_month,
            pressure_pa: self.pressure_pa,
        }
    }
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            frozen_samples: 6,
            frozen_std: 0.001,
            frozen_habit: 3.0,
            spike_z: 4.5,
            chw_temperature_c: Limits::new(-5.0, 30.0),
            cw_temperature_c: Limits::new(5.0, 60.0),
            air_temperature_c: Limits::new(-50.0, 60.0),
            wet_bulb_c: Limits::new(-50.0, 40.0),
            humidity_pct: Limits::new(0.0, 100.0),
            frequency_hz: Limits::new(0.0, 65.0),
            power_kw: Limits::at_least(0.0),
            flow_lpm: Limits::at_least(0.0),
            load_rt: Limits::at_least(0.0),
            plant_cop: Limits::new(2.0, 8.0),
            limits: BTreeMap::new(),
            zero_tolerance: 0.02,
            wet_bulb_margin_k: 1.0,
            heat_balance: 0.15,
            heat_balance_min_rt: 1.0,
            delta_t_accuracy_k: 0.21,
            plant_balance: 0.05,
            plant_balance_share: 0.80,
            affinity: 0.20,
            running_speed: 5.0,
            running_kw: 0.5,
            standing_flow: 0.05,
            steady_window_min: 15,
            steady_spread: 0.05,
            offset_k: 1.2,
            offset_share: 0.08,
            drift_k_per_month: 0.75,
            drift_share_per_month: 0.07,
            pressure_pa: STANDARD_PRESSURE_PA,
        }
    }
}

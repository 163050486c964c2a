//! From mapped columns to features: the columns themselves, the local clock, the past, and what physics derives.
//!
//! [`plan`] decides which features there are and what each plays, from a mapping and the samples; [`matrix`] makes
//! them for many rows, [`row`] for one that a user gives. Lags and rolling means look strictly into the past, by
//! time and not by row: a gap is a missing value.
//!
//! Here are the types that a model file keeps; `plan` decides, `role` reads names, `values` and `past` compute.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Problem;
use super::leakage::Leak;

pub mod past;
mod plan;
pub(super) mod role;
mod values;

pub use plan::plan;
pub(super) use values::median;
pub use values::{known_names, matrix, measure, row};

/// What a feature is in the plant: its name in a request for set-points, and what physics may use it for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Cooling load.
    LoadRt,
    /// Chilled water leaving the chillers.
    ChwSupplyTemp,
    /// Chilled water coming back.
    ChwReturnTemp,
    /// Chilled-water flow.
    ChwFlow,
    /// Chilled-water differential pressure.
    ChwPressure,
    /// Condenser water entering the chillers.
    CwSupplyTemp,
    /// Condenser water leaving the chillers.
    CwReturnTemp,
    /// Condenser-water flow.
    CwFlow,
    /// Outside air, dry-bulb.
    DryBulb,
    /// Outside air, relative humidity.
    Humidity,
    /// Outside air, wet-bulb.
    WetBulb,
    /// Speed of a chilled-water pump.
    ChwPumpHz,
    /// Speed of a secondary pump.
    ScpPumpHz,
    /// Speed of a condenser-water pump.
    CwPumpHz,
    /// Speed of a tower's fan.
    CtFanHz,
    /// Whether a chiller, or another machine, runs; or how many.
    Running,
    /// Hour, weekday, month.
    Calendar,
    /// The past of a column.
    History,
    /// Anything else.
    Other,
}

/// Who decides a feature's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Weather, building, calendar: nobody in the plant.
    Condition,
    /// The operator.
    Control,
    /// The plant itself, from the others: it moves when a control moves, so no search may hold it still.
    Response,
}

impl Role {
    /// The word in requests and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LoadRt => "load_rt",
            Self::ChwSupplyTemp => "chw_supply_temp",
            Self::ChwReturnTemp => "chw_return_temp",
            Self::ChwFlow => "chw_flow",
            Self::ChwPressure => "chw_pressure",
            Self::CwSupplyTemp => "cw_supply_temp",
            Self::CwReturnTemp => "cw_return_temp",
            Self::CwFlow => "cw_flow",
            Self::DryBulb => "dry_bulb",
            Self::Humidity => "humidity",
            Self::WetBulb => "wet_bulb",
            Self::ChwPumpHz => "chw_pump_hz",
            Self::ScpPumpHz => "scp_pump_hz",
            Self::CwPumpHz => "cw_pump_hz",
            Self::CtFanHz => "ct_fan_hz",
            Self::Running => "running",
            Self::Calendar => "calendar",
            Self::History => "history",
            Self::Other => "other",
        }
    }

    /// Whether a value given by the role's name means something: not for a collection of different things.
    #[must_use]
    pub fn may_be_given(self) -> bool {
        !matches!(self, Self::Calendar | Self::History | Self::Other)
    }

    /// Who decides it. Chilled-water supply is a set-point; condenser water follows from weather and fans.
    #[must_use]
    pub fn part(self) -> Part {
        match self {
            Self::LoadRt | Self::DryBulb | Self::Humidity | Self::WetBulb | Self::Calendar | Self::Running => {
                Part::Condition
            }
            Self::ChwSupplyTemp | Self::ChwPumpHz | Self::ScpPumpHz | Self::CwPumpHz | Self::CtFanHz => Part::Control,
            Self::ChwReturnTemp
            | Self::ChwFlow
            | Self::ChwPressure
            | Self::CwSupplyTemp
            | Self::CwReturnTemp
            | Self::CwFlow
            | Self::History
            | Self::Other => Part::Response,
        }
    }
}

/// How a feature's value comes about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Source {
    /// A column's cell of the same row.
    Column {
        /// Its name.
        column: String,
    },
    /// Local time of day, 0…24 h with minutes as a fraction.
    Hour,
    /// Local day of the week, Monday 0 … Sunday 6.
    Weekday,
    /// Local month, 1…12.
    Month,
    /// The column's cell that many seconds before.
    Lag {
        /// Its name.
        column: String,
        /// Seconds before the row.
        seconds: i64,
    },
    /// Mean of the column's cells in that many seconds before the row, the row itself left out.
    RollingMean {
        /// Its name.
        column: String,
        /// Seconds before the row.
        seconds: i64,
    },
    /// Wet-bulb temperature, °C, from dry-bulb and relative humidity at standard pressure.
    WetBulb {
        /// Column of the dry-bulb temperature.
        dry_bulb: String,
        /// Column of the relative humidity, %.
        humidity: String,
    },
    /// `warm − cold` of two temperatures of one unit: lift, or ΔT.
    Difference {
        /// Column of the warmer.
        warm: String,
        /// Column of the colder.
        cold: String,
    },
}

/// One column of a model's matrix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Feature {
    /// Unique in the model: the column's name, or such as `hour`, `wet_bulb`, `KW_lag_3600s`.
    pub name: String,
    /// How its value comes about.
    #[serde(flatten)]
    pub source: Source,
    /// What it is in the plant.
    pub role: Role,
    /// Its unit, when it is known.
    pub unit: Option<String>,
    /// What it was in the rows that the model was trained on.
    pub range: Range,
}

/// Where a feature's values lay.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct Range {
    /// Least.
    pub min: f64,
    /// Share 0.01.
    pub p01: f64,
    /// Share 0.5.
    pub median: f64,
    /// Share 0.99.
    pub p99: f64,
    /// Most.
    pub max: f64,
    /// Share of rows that had a value, 0…1.
    pub present: f64,
}

/// Which features to make beside the mapped columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FeatureOptions {
    /// Hour, weekday, month.
    pub calendar: bool,
    /// Wet-bulb, lift, ΔT, where their columns are mapped.
    pub derived: bool,
    /// Lags of columns, seconds; the target's own are allowed.
    pub lags: BTreeMap<String, Vec<i64>>,
    /// Rolling means of columns, seconds; the target's own are allowed.
    pub rolling_means: BTreeMap<String, Vec<i64>>,
    /// What columns are in the plant, where names do not tell.
    pub roles: BTreeMap<String, Role>,
    /// Use columns that leak the target all the same.
    pub allow_leakage: bool,
}

impl Default for FeatureOptions {
    fn default() -> Self {
        Self {
            calendar: true,
            derived: true,
            lags: BTreeMap::new(),
            rolling_means: BTreeMap::new(),
            roles: BTreeMap::new(),
            allow_leakage: false,
        }
    }
}

/// Features that were decided on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FeaturePlan {
    /// In the matrix's order; ranges not yet filled.
    pub features: Vec<Feature>,
    /// Leaks that were allowed.
    pub leaks: Vec<Leak>,
    /// Mapped columns that are no features, with the reason: empty, constant, text.
    pub left_out: Vec<Problem>,
}

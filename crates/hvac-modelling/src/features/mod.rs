//! From mapped columns to features: the columns themselves, the local clock, the past, and what physics derives.
//!
//! [`plan`] decides which features there are and what each plays, from a mapping and the samples; [`matrix`] makes
//! them for many rows, [`row`] for one that a user gives. Lags and rolling means look strictly into the past, by
//! time and not by row: a gap is a missing value.
//!
//! Here are the types that a model file keeps; `plan` decides, `values` and `past` compute.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Problem;
use super::leakage::Leak;
use super::mapping::FeatureMapping;
use super::role::Role;

pub(crate) mod past;
mod plan;
mod values;

pub(crate) use plan::of_aligned;
pub use plan::plan;
pub(crate) use values::known_names;
pub use values::{matrix, measure, row};

/// How a feature's value comes about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "from", rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", schema(as = Source))]
pub enum FeatureSource {
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Feature {
    /// Unique in the model: the column's name, or such as `hour`, `wet_bulb`, `KW_lag_3600s`.
    pub name: String,
    /// How its value comes about.
    #[serde(flatten)]
    pub source: FeatureSource,
    /// What it is in the plant.
    pub role: Role,
    /// Its unit, when it is known.
    pub unit: Option<String>,
    /// What it was in the rows that the model was trained on.
    pub range: FeatureRange,
}

/// Where a feature's values lay.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Range))]
pub struct FeatureRange {
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
    /// Which columns play which part, without those that leak, unless that was allowed.
    pub mapping: FeatureMapping,
    /// In the matrix's order; ranges not yet filled.
    pub features: Vec<Feature>,
    /// Leaks that were allowed.
    pub leaks: Vec<Leak>,
    /// Mapped columns that are no features, with the reason: leaks, empty, constant, text.
    pub left_out: Vec<Problem>,
    /// How columns with a clock of their own were put beside the target; sentences.
    pub notes: Vec<String>,
}

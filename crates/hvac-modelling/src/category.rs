//! The fourteen categories of a feature mapping (HVAC.md §5). Only data.

use serde::{Deserialize, Serialize};

/// A part that columns play.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Cooling load, of the plant or of a chiller.
    Load,
    /// Chillers.
    Chiller,
    /// Chilled-water pumps.
    ChwPump,
    /// Secondary (zone) pumps.
    ScpPump,
    /// Chilled-water temperatures.
    ChwTemp,
    /// Chilled-water pressures.
    ChwPressure,
    /// Chilled-water flows.
    ChwFlow,
    /// Condenser-water pumps.
    CwPump,
    /// Condenser-water temperatures.
    CwTemp,
    /// Condenser-water pressures.
    CwPressure,
    /// Condenser-water flows.
    CwFlow,
    /// Cooling towers.
    CoolingTower,
    /// Outside air.
    Environment,
    /// Totals and ratios of the plant: targets, never features.
    SystemLevel,
}

impl Category {
    /// Every category.
    pub const ALL: [Self; 14] = [
        Self::Load,
        Self::Chiller,
        Self::ChwPump,
        Self::ScpPump,
        Self::ChwTemp,
        Self::ChwPressure,
        Self::ChwFlow,
        Self::CwPump,
        Self::CwTemp,
        Self::CwPressure,
        Self::CwFlow,
        Self::CoolingTower,
        Self::Environment,
        Self::SystemLevel,
    ];

    /// Such as `chw_pump`.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        let key = self.key();
        key.strip_suffix("_cols").unwrap_or(key)
    }

    /// Key of its columns in a feature mapping.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Load => "load_cols",
            Self::Chiller => "chiller_cols",
            Self::ChwPump => "chw_pump_cols",
            Self::ScpPump => "scp_pump_cols",
            Self::ChwTemp => "chw_temp_cols",
            Self::ChwPressure => "chw_pressure_cols",
            Self::ChwFlow => "chw_flow_cols",
            Self::CwPump => "cw_pump_cols",
            Self::CwTemp => "cw_temp_cols",
            Self::CwPressure => "cw_pressure_cols",
            Self::CwFlow => "cw_flow_cols",
            Self::CoolingTower => "cooling_tower_cols",
            Self::Environment => "environment_cols",
            Self::SystemLevel => "system_level_cols",
        }
    }

    /// Whether its columns may be features; totals and ratios would leak the target.
    #[must_use]
    pub(crate) fn is_feature(self) -> bool {
        self != Self::SystemLevel
    }
}

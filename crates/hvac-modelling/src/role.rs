//! What a column is in the plant: by its category, its name, its unit, and its values.
//!
//! Nothing is taken for a speed or a load that could as well be something else: physics and set-points build on it.

use serde::{Deserialize, Serialize};

use super::category::Category;
use super::mapping::{MappedColumn, MappedPlace};
use super::samples::{SampleColumn, median};
use hvac_points::{
    Hint, MachineKind, Measure, Medium, Quantity, Reading, Role as PointRole, Unit, identify_with, units,
};

/// Highest speed of a machine on the mains, Hz.
const MOST_HZ: f64 = 65.0;
/// Confidence from which on a role is taken.
const TAKEN: f64 = 0.5;

/// What a feature is in the plant: its name in a request for set-points, and what physics may use it for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Decider {
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
    pub(crate) fn as_str(self) -> &'static str {
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
    pub(crate) fn may_be_given(self) -> bool {
        !matches!(self, Self::Calendar | Self::History | Self::Other)
    }

    /// Who decides it. Chilled-water supply is a set-point; condenser water follows from weather and fans.
    #[must_use]
    pub fn part(self) -> Decider {
        match self {
            Self::LoadRt | Self::DryBulb | Self::Humidity | Self::WetBulb | Self::Calendar | Self::Running => {
                Decider::Condition
            }
            Self::ChwSupplyTemp | Self::ChwPumpHz | Self::ScpPumpHz | Self::CwPumpHz | Self::CtFanHz => {
                Decider::Control
            }
            Self::ChwReturnTemp
            | Self::ChwFlow
            | Self::ChwPressure
            | Self::CwSupplyTemp
            | Self::CwReturnTemp
            | Self::CwFlow
            | Self::History
            | Self::Other => Decider::Response,
        }
    }
}

/// What a mapped column is. A column of a custom category is what its name suggests.
#[must_use]
pub fn of(mapped: &MappedColumn<'_>, column: &SampleColumn) -> Role {
    match mapped.place {
        MappedPlace::Category(category) => in_category(category, column),
        MappedPlace::Own(_) => of_unmapped(column),
    }
}

/// What a column is by its own name, unit and values alone.
#[must_use]
pub fn of_unmapped(column: &SampleColumn) -> Role {
    identified(Hint::default(), column)
}

fn identified(hint: Hint, column: &SampleColumn) -> Role {
    let found = identify_with(hint, &column.name, column.unit.as_deref(), &column.values).into_iter().next();
    let Some(found) = found.filter(|found| found.confidence >= TAKEN) else { return Role::Other };
    match found.role {
        PointRole::Load => Role::LoadRt,
        PointRole::ChwSupplyTemp => Role::ChwSupplyTemp,
        PointRole::ChwReturnTemp => Role::ChwReturnTemp,
        PointRole::ChwFlow => Role::ChwFlow,
        PointRole::ChwPressure => Role::ChwPressure,
        PointRole::CwSupplyTemp => Role::CwSupplyTemp,
        PointRole::CwReturnTemp => Role::CwReturnTemp,
        PointRole::CwFlow => Role::CwFlow,
        PointRole::DryBulb => Role::DryBulb,
        PointRole::Humidity => Role::Humidity,
        PointRole::WetBulb => Role::WetBulb,
        PointRole::Running => Role::Running,
        PointRole::Speed if is_hz(column) => match found.machine {
            Some(MachineKind::ChwPump) => Role::ChwPumpHz,
            Some(MachineKind::ScpPump) => Role::ScpPumpHz,
            Some(MachineKind::CwPump) => Role::CwPumpHz,
            Some(MachineKind::Tower) => Role::CtFanHz,
            _ => Role::Other,
        },
        _ => Role::Other,
    }
}

/// Whether a speed is one in Hz: its unit says so, or nothing speaks against it.
fn is_hz(column: &SampleColumn) -> bool {
    let within = |value: &f64| !value.is_finite() || (0.0..=MOST_HZ).contains(value);
    match column.unit.as_deref().and_then(units::known) {
        Some(unit) => unit == "Hz",
        None => column.values.iter().all(within),
    }
}

/// What a column of a category is: its category tells what its name does not, and only what can be in it is taken.
fn in_category(category: Category, column: &SampleColumn) -> Role {
    use Role::{
        ChwFlow, ChwPressure, ChwReturnTemp, ChwSupplyTemp, CwFlow, CwReturnTemp, CwSupplyTemp, LoadRt, Running,
    };
    let water = |medium, measure| Hint { medium: Some(medium), measure: Some(measure), machine: None };
    let machine = |kind| Hint { machine: Some(kind), ..Hint::default() };
    let temperatures = [ChwSupplyTemp, ChwReturnTemp, CwSupplyTemp, CwReturnTemp];
    let (hint, rest): (Hint, &[Role]) = match category {
        Category::Load => (Hint { measure: Some(Measure::Load), ..Hint::default() }, &[LoadRt]),
        Category::Chiller => (machine(MachineKind::Chiller), &[LoadRt, Running]),
        Category::ChwPump => (machine(MachineKind::ChwPump), &[LoadRt, Running, Role::ChwPumpHz]),
        Category::ScpPump => (machine(MachineKind::ScpPump), &[LoadRt, Running, Role::ScpPumpHz]),
        Category::CwPump => (machine(MachineKind::CwPump), &[LoadRt, Running, Role::CwPumpHz]),
        Category::CoolingTower => (machine(MachineKind::Tower), &[LoadRt, Running, Role::CtFanHz]),
        Category::ChwTemp => (water(Medium::ChilledWater, Measure::Temperature), &[]),
        Category::CwTemp => (water(Medium::CondenserWater, Measure::Temperature), &[]),
        Category::ChwPressure => (water(Medium::ChilledWater, Measure::Pressure), &[ChwPressure]),
        Category::ChwFlow => (water(Medium::ChilledWater, Measure::Flow), &[ChwFlow]),
        Category::CwFlow => (water(Medium::CondenserWater, Measure::Flow), &[CwFlow]),
        Category::Environment => {
            let hint = Hint { medium: Some(Medium::OutsideAir), ..Hint::default() };
            (hint, &[Role::DryBulb, Role::Humidity, Role::WetBulb])
        }
        Category::CwPressure | Category::SystemLevel => return Role::Other,
    };
    let found = identified(hint, column);
    let pump = matches!(category, Category::ChwPump | Category::ScpPump | Category::CwPump);
    let water = !pump && !matches!(category, Category::Environment | Category::Load) && temperatures.contains(&found);
    if water || rest.contains(&found) { found } else { Role::Other }
}

/// Whether the name says that it is the whole plant's, and not one machine's.
#[must_use]
pub fn of_plant(name: &str) -> bool {
    let reading = Reading::of(name);
    reading.plant || reading.total || !name.contains(|c: char| c.is_ascii_digit())
}

/// A temperature's unit: as recorded, as its name says, or the only one in which its median is possible; `site` is the
/// unit of the site's water where both are (of air). None when nothing tells.
#[must_use]
pub(crate) fn temperature_unit(column: &SampleColumn, role: Role, site: Option<&'static str>) -> Option<&'static str> {
    let quantity = match role {
        Role::ChwSupplyTemp | Role::ChwReturnTemp => Quantity::ChwTemperature,
        Role::CwSupplyTemp | Role::CwReturnTemp => Quantity::CwTemperature,
        Role::DryBulb => Quantity::AirTemperature,
        Role::WetBulb => Quantity::WetBulb,
        _ => return None,
    };
    if let Some(unit) = column.unit.as_deref().and_then(units::known) {
        return Some(unit);
    }
    let units = Reading::of(&column.name).units;
    let said = units.into_iter().find_map(|(_, unit)| Unit::of(quantity, unit, String::new()));
    let told = said.or_else(|| Unit::by_values(quantity, median(&column.values)?, site));
    told.map(|unit| unit.unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(category: Category, name: &str, unit: Option<&str>, values: &[f64]) -> Role {
        let column = SampleColumn { name: name.to_owned(), unit: unit.map(str::to_owned), values: values.to_vec() };
        of(&MappedColumn { place: MappedPlace::Category(category), column: name }, &column)
    }

    #[test]
    fn names_units_and_values_tell_the_role() {
        use Category as C;
        let (hz, state, percent, load) = ([0.0, 48.0, 50.2], [0.0, 1.0, 1.0], [0.0, 55.0, 98.0], [0.0, 320.5, 540.0]);
        for (category, name, unit, values, expected) in [
            (C::Load, "RT", None, &load, Role::LoadRt),
            (C::Load, "CH_SYS_RT", Some("RT"), &load, Role::LoadRt),
            (C::Load, "Q_1", None, &load, Role::LoadRt),
            (C::Load, "CHWRT", None, &load, Role::Other),
            (C::Load, "CH_1_KW", None, &load, Role::Other),
            (C::Chiller, "RT", None, &load, Role::LoadRt),
            (C::Chiller, "CH_SYS_RT", Some("RT"), &load, Role::LoadRt),
            (C::Chiller, "CH1", None, &state, Role::Running),
            (C::Chiller, "CH_1_S", None, &state, Role::Running),
            (C::Chiller, "CH_1_KW", None, &load, Role::Other),
            (C::Chiller, "kW_RT", None, &[0.0, 0.6, 0.9], Role::Other),
            (C::Chiller, "CH_1_LOAD", Some("%"), &percent, Role::Other),
            (C::Chiller, "CH_2_CHWST", Some("°C"), &[7.0, 8.0, 9.0], Role::ChwSupplyTemp),
            (C::ChwPump, "Hz__CHP", None, &hz, Role::ChwPumpHz),
            (C::ChwPump, "CHP_1", None, &hz, Role::ChwPumpHz),
            (C::ChwPump, "CHP_1", Some("Hz"), &hz, Role::ChwPumpHz),
            (C::ChwPump, "CHP_1", None, &state, Role::Running),
            (C::ChwPump, "CHP_1", Some("kW"), &hz, Role::Other),
            (C::ChwPump, "kW_CHP", None, &hz, Role::Other),
            (C::ChwPump, "CHP_1_AMP", None, &hz, Role::Other),
            (C::ChwPump, "CHP_VFD_OUT", None, &percent, Role::Other),
            (C::ChwPump, "Precent__CHP", None, &[8.0, 9.0, 15.2], Role::Other),
            (C::ScpPump, "ZWP_1_F", None, &hz, Role::ScpPumpHz),
            (C::CwPump, "CWP_1_SPEED", None, &hz, Role::CwPumpHz),
            (C::CoolingTower, "CT_1_VFD_OUT", None, &hz, Role::CtFanHz),
            (C::CoolingTower, "CDLO", None, &[70.0, 80.0, 85.0], Role::CwSupplyTemp),
            (C::ChwTemp, "CHWRT", Some("°C"), &[11.0, 12.0, 13.0], Role::ChwReturnTemp),
            (C::ChwTemp, "CHW_RT", None, &[11.0, 12.0, 13.0], Role::ChwReturnTemp),
            (C::ChwTemp, "SUPPLY_TEMP", None, &[7.0, 7.5, 8.0], Role::ChwSupplyTemp),
            (C::ChwTemp, "CHW_LEAVING_TEMP", None, &[7.0, 7.5, 8.0], Role::ChwSupplyTemp),
            (C::ChwTemp, "CHWST_SP", None, &[7.0, 7.5, 8.0], Role::Other),
            (C::ChwTemp, "DeltaCHW", None, &[3.0, 4.0, 5.0], Role::Other),
            (C::CwTemp, "CWST", None, &[28.0, 29.0, 30.0], Role::CwSupplyTemp),
            (C::CwTemp, "CDHI", None, &[80.0, 84.0, 87.0], Role::CwReturnTemp),
            (C::CwTemp, "CW_ENTERING_TEMP", None, &[28.0, 29.0, 30.0], Role::CwSupplyTemp),
            (C::CwTemp, "CHWS", None, &[7.0, 8.0, 9.0], Role::ChwSupplyTemp),
            (C::ChwFlow, "GPM", None, &load, Role::ChwFlow),
            (C::CwFlow, "CW_LPM", Some("L/min"), &load, Role::CwFlow),
            (C::ChwPressure, "ZWP_Z1_WDP", None, &hz, Role::ChwPressure),
            (C::Environment, "OAT", None, &hz, Role::DryBulb),
            (C::Environment, "Temperature___C_", Some("°C"), &hz, Role::DryBulb),
            (C::Environment, "RH____", Some("%"), &percent, Role::Humidity),
            (C::Environment, "WBT_C", None, &hz, Role::WetBulb),
            (C::Environment, "RAIN", None, &hz, Role::Other),
        ] {
            assert_eq!(role(category, name, unit, values), expected, "{name} {unit:?} in {category:?}");
        }
    }

    #[test]
    fn custom_categories_go_by_name() {
        let own = |name: &str, values: &[f64]| {
            let column = SampleColumn { name: name.to_owned(), unit: None, values: values.to_vec() };
            of(&MappedColumn { place: MappedPlace::Own("mine"), column: name }, &column)
        };
        assert_eq!(own("Hz_CT", &[0.0, 50.0]), Role::CtFanHz);
        assert_eq!(own("PLANT_RT", &[0.0, 500.0]), Role::LoadRt);
        assert_eq!(own("DOOR", &[0.0, 1.0]), Role::Other);
    }

    /// 46.1 as °C is no chilled water; 27 is air in either unit.
    #[test]
    fn temperatures_units_are_told_or_unknown() {
        let unit = |name: &str, value: f64, role, site| {
            let column = SampleColumn { name: name.to_owned(), unit: None, values: vec![value] };
            temperature_unit(&column, role, site)
        };
        assert_eq!(unit("CHWS", 46.1, Role::ChwSupplyTemp, None), Some("°F"));
        assert_eq!(unit("CHWS", 7.0, Role::ChwSupplyTemp, None), Some("°C"));
        assert_eq!(unit("CDLO", 81.0, Role::CwSupplyTemp, None), Some("°F"));
        assert_eq!(unit("OAT", 27.0, Role::DryBulb, None), None);
        assert_eq!(unit("OAT", 27.0, Role::DryBulb, Some("°C")), Some("°C"));
        assert_eq!(unit("OAT_F", 27.0, Role::DryBulb, Some("°C")), Some("°F"));
        assert_eq!(unit("CHWS", 300.0, Role::ChwSupplyTemp, None), None);
    }
}

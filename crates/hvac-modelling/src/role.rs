//! What a column is in the plant: by its category, its name's words, its unit, and its values.
//!
//! Nothing is taken for a speed or a load that could as well be something else: physics and set-points build on it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::category::Category;
use super::mapping::{self, Mapped, Place};
use super::samples::{SampleColumn, median};
use super::words::Words;
use hvac_points::physics::fahrenheit_to_celsius;
use hvac_points::units;

/// Highest speed of a machine on the mains, Hz.
const MOST_HZ: f64 = 65.0;
/// Words of electric signals, states and water: a point that has one is no speed.
const NO_SPEED: [&str; 30] = [
    "KW", "KWH", "POWER", "PWR", "ENERGY", "A", "AMP", "AMPS", "CURRENT", "V", "VOLT", "PERCENT", "PRECENT", "PCT",
    "RUN", "STATUS", "STS", "FAULT", "ALARM", "FLT", "TRIP", "CMD", "TEMP", "T", "PRESSURE", "DP", "FLOW", "GPM",
    "LPM", "HOURS",
];

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

/// What is known of a column.
struct Seen {
    words: Words,
    unit: Option<&'static str>,
    /// Least and most finite value; none without any.
    limits: Option<(f64, f64)>,
    two_valued: bool,
}

impl Seen {
    /// Of `column`.
    fn of(column: &SampleColumn) -> Self {
        let finite = || column.values.iter().copied().filter(|value| value.is_finite());
        let limits = finite().fold(None, |limits: Option<(f64, f64)>, value| {
            Some(limits.map_or((value, value), |(least, most)| (least.min(value), most.max(value))))
        });
        let unit = column.unit.as_deref().and_then(units::known);
        Self { words: Words::of(&column.name), unit, limits, two_valued: finite().all(|v| v == 0.0 || v == 1.0) }
    }

    fn within(&self, low: f64, high: f64) -> bool {
        self.limits.is_some_and(|(least, most)| least >= low && most <= high)
    }

    fn is_state(&self) -> bool {
        self.limits.is_some() && self.two_valued && matches!(self.unit, None | Some(""))
    }

    /// Tons of cooling: by unit, or by name, in which RT behind water is a return temperature.
    fn is_load(&self) -> bool {
        let ratio = self.words.any(&["KW", "KWH", "KWRT", "COP", "PERCENT", "PRECENT", "PCT", "TEMP"]);
        let water = self.words.any(&["CHW", "CW", "CDW", "HW"]) && !self.words.any(&["LOAD", "COOLING"]);
        let said = self.words.any(&["RT", "TON", "TONS", "TR"]);
        self.unit == Some("RT") || self.unit.is_none() && said && !ratio && !water && !self.two_valued
    }

    /// Hz of a pump or a fan.
    fn is_speed(&self) -> bool {
        let said = self.words.any(&["HZ", "VFD", "INV", "FREQ", "FREQUENCY", "SPD", "SPEED"]);
        let denied = self.words.any(&NO_SPEED) && !said;
        match self.unit {
            Some("Hz") => true,
            Some(_) => false,
            None => !denied && !self.two_valued && self.within(0.0, MOST_HZ) && (said || !self.is_load()),
        }
    }

    fn temperature(&self, side: Side) -> Option<Role> {
        let unit = matches!(self.unit, None | Some("°C" | "°F" | "K"));
        let other = self.words.any(&["DELTA", "DT", "DIFF", "SP", "SET", "SETPOINT", "STPT", "FLOW", "PRESSURE"]);
        if !unit || other || self.words.begins(&["DELTA"]) || self.two_valued {
            return None;
        }
        let named = |water: &[&str], ways: &[&str]| {
            self.words.stems().any(|stem| {
                water.iter().any(|water| {
                    let way = stem.strip_prefix(water).map(|way| way.trim_matches('_'));
                    way.is_some_and(|way| ways.contains(&way))
                })
            })
        };
        let chw_side = self.words.begins(&["CHW"]) || self.words.any(&["CHST", "CHRT"]);
        let cw_side = self.words.begins(&["CW", "CDW", "CDHI", "CDLO", "CNDW"]);
        let side = match (chw_side, cw_side) {
            (true, false) => Side::ChilledWater,
            (false, true) => Side::CondenserWater,
            _ => side,
        };
        let water = ["CHW", "CW", "CDW", "CNDW", "CH"];
        let supply = named(&water, &["S", "ST", "SWT", "STEMP"]);
        let back = named(&water, &["R", "RT", "RWT", "RTEMP"]);
        let supply = supply || self.words.any(&["S", "ST", "SUPPLY", "SUP", "SWT", "CDLO"]);
        let back = back || self.words.any(&["R", "RT", "RETURN", "RET", "RWT", "CDHI"]);
        // Chilled water leaves the chiller as supply, condenser water enters it as such.
        let leaves = self.words.any(&["LEAVING", "LWT", "LCHWT", "LCWT"]);
        let enters = self.words.any(&["ENTERING", "EWT", "ECHWT", "ECWT"]);
        match side {
            Side::ChilledWater if (supply || leaves) != (back || enters) => {
                Some(if supply || leaves { Role::ChwSupplyTemp } else { Role::ChwReturnTemp })
            }
            Side::CondenserWater if (supply || enters) != (back || leaves) => {
                Some(if supply || enters { Role::CwSupplyTemp } else { Role::CwReturnTemp })
            }
            _ => None,
        }
    }

    fn outside_air(&self) -> Option<Role> {
        let temperature = matches!(self.unit, None | Some("°C" | "°F" | "K"));
        if self.words.any(&["DEW", "DEWPOINT", "ENTHALPY", "SP", "SET"]) || self.two_valued {
            return None;
        }
        if temperature && (self.words.begins(&["WBT", "WETBULB"]) || self.words.any(&["WB", "WET"])) {
            return Some(Role::WetBulb);
        }
        if matches!(self.unit, None | Some("%"))
            && (self.words.any(&["RH", "OAH", "OARH"]) || self.words.begins(&["HUM"]))
        {
            return Some(Role::Humidity);
        }
        let dry =
            self.words.any(&["OAT", "DBT", "DB", "OADB", "DRY", "ODT"]) || self.words.begins(&["TEMP", "DRYBULB"]);
        match self.unit {
            Some("%") => Some(Role::Humidity),
            Some("°C" | "°F" | "K") => Some(Role::DryBulb),
            None if dry => Some(Role::DryBulb),
            _ => None,
        }
    }

    fn flow(&self, role: Role) -> Role {
        let unit = matches!(self.unit, None | Some("GPM" | "L/min" | "L/s" | "m³/h" | "m³/s"));
        if unit && !self.two_valued { role } else { Role::Other }
    }

    fn pressure(&self) -> Role {
        let unit = matches!(self.unit, None | Some("Pa" | "hPa" | "kPa" | "MPa" | "bar" | "mbar" | "psi" | "inH2O"));
        let set = self.words.any(&["SP", "SET", "SETPOINT"]);
        if unit && !set && !self.two_valued { Role::ChwPressure } else { Role::Other }
    }

    fn machine(&self, speed: Role) -> Role {
        match () {
            () if self.is_state() => Role::Running,
            () if self.is_load() => Role::LoadRt,
            () if speed != Role::Other && self.is_speed() => speed,
            () => Role::Other,
        }
    }

    fn in_category(&self, category: Category) -> Role {
        match category {
            Category::Chiller => match self.machine(Role::Other) {
                Role::Other => self.temperature(Side::Unknown).unwrap_or(Role::Other),
                role => role,
            },
            Category::ChwPump => self.machine(Role::ChwPumpHz),
            Category::ScpPump => self.machine(Role::ScpPumpHz),
            Category::CwPump => self.machine(Role::CwPumpHz),
            Category::CoolingTower => match self.temperature(Side::Unknown) {
                Some(role) => role,
                None => self.machine(Role::CtFanHz),
            },
            Category::ChwTemp => self.temperature(Side::ChilledWater).unwrap_or(Role::Other),
            Category::CwTemp => self.temperature(Side::CondenserWater).unwrap_or(Role::Other),
            Category::ChwPressure => self.pressure(),
            Category::ChwFlow => self.flow(Role::ChwFlow),
            Category::CwFlow => self.flow(Role::CwFlow),
            Category::Environment => self.outside_air().unwrap_or(Role::Other),
            Category::CwPressure | Category::SystemLevel => Role::Other,
        }
    }
}

#[derive(Clone, Copy)]
enum Side {
    ChilledWater,
    CondenserWater,
    Unknown,
}

/// What a mapped column is. A column of a custom category is what its name suggests.
pub(super) fn of(mapped: &Mapped<'_>, column: &SampleColumn) -> Role {
    let seen = Seen::of(column);
    match mapped.place {
        Place::Category(category) => seen.in_category(category),
        Place::Own(_) => by_name(&seen, &column.name),
    }
}

/// What a column is by its own name, unit and values alone.
pub(super) fn of_unmapped(column: &SampleColumn) -> Role {
    by_name(&Seen::of(column), &column.name)
}

fn by_name(seen: &Seen, name: &str) -> Role {
    if seen.is_load() {
        return Role::LoadRt;
    }
    mapping::suggest(name).map_or(Role::Other, |found| seen.in_category(found.category))
}

/// Whether the name says that it is the whole plant's, and not one machine's.
pub(super) fn of_plant(name: &str) -> bool {
    let words = Words::of(name);
    words.any(&["SYS", "SYSTEM", "TOTAL", "TOT", "PLANT", "SITE", "SUM"])
        || !name.contains(|c: char| c.is_ascii_digit())
}

/// A temperature's unit: as recorded, as its name says, or the only one in which its median is possible; `site` is the
/// unit of the site's water where both are (of air). None when nothing tells.
pub(super) fn temperature_unit(column: &SampleColumn, role: Role, site: Option<&'static str>) -> Option<&'static str> {
    let (low, high) = match role {
        Role::ChwSupplyTemp | Role::ChwReturnTemp => (-5.0, 22.0),
        Role::CwSupplyTemp | Role::CwReturnTemp => (8.0, 45.0),
        Role::DryBulb => (-40.0, 50.0),
        Role::WetBulb => (-40.0, 35.0),
        _ => return None,
    };
    if let Some(unit) = column.unit.as_deref().and_then(units::known) {
        return Some(unit);
    }
    let words = Words::of(&column.name);
    let last = words.last().filter(|_| words.count() > 1);
    if words.any(&["DEGC", "CELSIUS"]) || last == Some("C") {
        return Some("°C");
    }
    if words.any(&["DEGF", "FAHRENHEIT"]) || last == Some("F") {
        return Some("°F");
    }
    let median = median(&column.values)?;
    let possible = |celsius: f64| (low..=high).contains(&celsius);
    match (possible(median), possible(fahrenheit_to_celsius(median))) {
        (true, false) => Some("°C"),
        (false, true) => Some("°F"),
        (true, true) => site,
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(category: Category, name: &str, unit: Option<&str>, values: &[f64]) -> Role {
        let column = SampleColumn { name: name.to_owned(), unit: unit.map(str::to_owned), values: values.to_vec() };
        of(&Mapped { place: Place::Category(category), column: name }, &column)
    }

    #[test]
    fn names_units_and_values_tell_the_role() {
        use Category as C;
        let (hz, state, percent, load) = ([0.0, 48.0, 50.2], [0.0, 1.0, 1.0], [0.0, 55.0, 98.0], [0.0, 320.5, 540.0]);
        for (category, name, unit, values, expected) in [
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
            of(&Mapped { place: Place::Own("mine"), column: name }, &column)
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

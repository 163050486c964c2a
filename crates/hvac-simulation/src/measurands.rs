//! What a plant with faults can be asked: the true value behind each sensor, and its name, unit and noise.

use super::plant_room::{Snapshot, TrainMoment};
use super::plants::{PlantSpec, Style};
use hvac_points::physics::{kw_to_rt, rt_to_kw, water_heat_kw};

/// A quantity intended to be measured. Trains and air handlers count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measurand {
    /// Outside dry-bulb, °C.
    DryBulb,
    /// Outside relative humidity, %.
    Humidity,
    /// Outside wet-bulb, °C.
    WetBulb,
    /// Chilled water of the headers, to the building, °C.
    ChwSupply,
    /// Chilled water of the headers, from the building, °C.
    ChwReturn,
    /// Condenser water of the headers, from the towers, °C.
    CwSupply,
    /// Condenser water of the headers, to the towers, °C.
    CwReturn,
    /// Chilled water of the headers, L/min.
    ChwFlow,
    /// Condenser water of the headers, L/min.
    CwFlow,
    /// Cooling by the plant's own meter, kW of heat.
    Cooling,
    /// Set-point of the chilled water, °C.
    ChwSetPoint,
    /// Chillers, pumps and towers together, kW.
    PlantPower,
    /// The same, added up, kWh.
    PlantEnergy,
    /// Of one train.
    Train(u32, TrainPart),
    /// Of one air handler.
    Air(u32, AirPart),
}

/// A measurand of a train.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TrainPart {
    /// Chiller on or off.
    ChillerState,
    /// Chiller, kW.
    ChillerPower,
    /// Chilled water leaving, °C.
    ChwSupply,
    /// Chilled water entering, °C.
    ChwReturn,
    /// Condenser water entering, °C.
    CwSupply,
    /// Condenser water leaving, °C.
    CwReturn,
    /// Chilled water, L/min.
    ChwFlow,
    /// Chilled-water pump, Hz.
    ChwPumpSpeed,
    /// Chilled-water pump, kW.
    ChwPumpPower,
    /// Condenser-water pump, Hz.
    CwPumpSpeed,
    /// Condenser-water pump, kW.
    CwPumpPower,
    /// Tower fan, Hz.
    FanSpeed,
    /// Tower fan, kW.
    FanPower,
}

/// A measurand of an air handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AirPart {
    /// Fan on or off.
    State,
    /// Schedule on or off.
    Schedule,
    /// Supply air, °C.
    Supply,
    /// Set-point of the supply air, °C.
    SupplySetPoint,
    /// Return air, °C.
    Return,
    /// Chilled-water valve, %.
    CoolingValve,
    /// Heating valve, %.
    HeatingValve,
    /// Fan, kW.
    FanPower,
}

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    /// °C inside.
    Temperature,
    /// L/min inside.
    Flow,
    /// kW of heat inside.
    Cooling,
    /// kW.
    Power,
    /// kWh.
    Energy,
    /// Hz.
    Speed,
    /// %.
    Share,
    /// 1 and 0.
    State,
}

/// Every part of a train.
const TRAIN_PARTS: [TrainPart; 13] = [
    TrainPart::ChillerState,
    TrainPart::ChillerPower,
    TrainPart::ChwSupply,
    TrainPart::ChwReturn,
    TrainPart::CwSupply,
    TrainPart::CwReturn,
    TrainPart::ChwFlow,
    TrainPart::ChwPumpSpeed,
    TrainPart::ChwPumpPower,
    TrainPart::CwPumpSpeed,
    TrainPart::CwPumpPower,
    TrainPart::FanSpeed,
    TrainPart::FanPower,
];
/// Every part of an air handler.
const AIR_PARTS: [AirPart; 8] = [
    AirPart::State,
    AirPart::Schedule,
    AirPart::Supply,
    AirPart::SupplySetPoint,
    AirPart::Return,
    AirPart::CoolingValve,
    AirPart::HeatingValve,
    AirPart::FanPower,
];
/// Everything of the headers and of the plant as a whole.
const WATER: [Measurand; 11] = [
    Measurand::ChwSupply,
    Measurand::ChwReturn,
    Measurand::CwSupply,
    Measurand::CwReturn,
    Measurand::ChwFlow,
    Measurand::CwFlow,
    Measurand::Cooling,
    Measurand::ChwSetPoint,
    Measurand::PlantPower,
    Measurand::PlantEnergy,
    Measurand::DryBulb,
];

impl Measurand {
    /// Everything that a plant's points measure, report group by report group.
    pub(crate) fn all(plant: &PlantSpec) -> Vec<(&'static str, Self)> {
        let mut all: Vec<(&str, Self)> = Vec::new();
        for train in 0..plant.trains {
            let group = |part| if part < TrainPart::ChwPumpSpeed { "CHILLER" } else { "PUMP" };
            all.extend(TRAIN_PARTS.map(|part| (group(part), Self::Train(train, part))));
        }
        all.extend(WATER.iter().filter(|m| **m != Self::DryBulb).map(|m| ("WATER", *m)));
        all.extend([Self::DryBulb, Self::Humidity, Self::WetBulb].map(|m| ("WEATHER", m)));
        for unit in 0..plant.air_handlers {
            all.extend(AIR_PARTS.map(|part| ("AIR", Self::Air(unit, part))));
        }
        all
    }

    /// What its numbers count.
    #[must_use]
    pub fn dimension(self) -> Dimension {
        match self {
            Self::DryBulb | Self::WetBulb | Self::ChwSupply | Self::ChwReturn | Self::CwSupply | Self::CwReturn => {
                Dimension::Temperature
            }
            Self::ChwSetPoint => Dimension::Temperature,
            Self::Humidity => Dimension::Share,
            Self::ChwFlow | Self::CwFlow => Dimension::Flow,
            Self::Cooling => Dimension::Cooling,
            Self::PlantPower => Dimension::Power,
            Self::PlantEnergy => Dimension::Energy,
            Self::Train(_, part) => match part {
                TrainPart::ChillerState => Dimension::State,
                TrainPart::ChwSupply | TrainPart::ChwReturn | TrainPart::CwSupply | TrainPart::CwReturn => {
                    Dimension::Temperature
                }
                TrainPart::ChwFlow => Dimension::Flow,
                TrainPart::ChwPumpSpeed | TrainPart::CwPumpSpeed | TrainPart::FanSpeed => Dimension::Speed,
                TrainPart::ChillerPower | TrainPart::ChwPumpPower | TrainPart::CwPumpPower | TrainPart::FanPower => {
                    Dimension::Power
                }
            },
            Self::Air(_, part) => match part {
                AirPart::State | AirPart::Schedule => Dimension::State,
                AirPart::Supply | AirPart::SupplySetPoint | AirPart::Return => Dimension::Temperature,
                AirPart::CoolingValve | AirPart::HeatingValve => Dimension::Share,
                AirPart::FanPower => Dimension::Power,
            },
        }
    }

    /// Whether it is set or commanded rather than measured.
    #[must_use]
    pub fn is_set(self) -> bool {
        matches!(
            self,
            Self::ChwSetPoint
                | Self::Train(_, TrainPart::ChwPumpSpeed | TrainPart::CwPumpSpeed | TrainPart::FanSpeed)
                | Self::Air(
                    _,
                    AirPart::Schedule | AirPart::SupplySetPoint | AirPart::CoolingValve | AirPart::HeatingValve
                )
        )
    }

    /// The true value, in its dimension's own unit.
    #[must_use]
    pub fn value(self, now: &Snapshot) -> f64 {
        let op = &now.operation;
        match self {
            Self::DryBulb => now.sky.dry_bulb_c,
            Self::Humidity => now.sky.relative_humidity_pct,
            Self::WetBulb => now.sky.wet_bulb_c,
            Self::ChwSupply => op.chwst_c,
            Self::ChwReturn => op.chwrt_c,
            Self::CwSupply => op.cwst_c,
            Self::CwReturn => op.cwrt_c,
            Self::ChwFlow => op.chw_lpm,
            Self::CwFlow => op.cw_lpm,
            // A heat meter multiplies what it sees.
            Self::Cooling => water_heat_kw(op.chw_lpm, op.chwrt_c - op.chwst_c).max(0.0),
            Self::ChwSetPoint => now.chw_set_c,
            Self::PlantPower | Self::PlantEnergy => op.total_kw(),
            Self::Train(train, part) => now.trains.get(train as usize).map_or(0.0, |it| part.value(it, now)),
            Self::Air(unit, part) => now.air.get(unit as usize).map_or(0.0, |it| match part {
                AirPart::State => f64::from(it.running),
                AirPart::Schedule => f64::from(it.scheduled),
                AirPart::Supply => it.supply_c,
                AirPart::SupplySetPoint => it.supply_set_c,
                AirPart::Return => it.return_c,
                AirPart::CoolingValve => it.cooling_pct,
                AirPart::HeatingValve => it.heating_pct,
                AirPart::FanPower => it.fan_kw,
            }),
        }
    }

    /// Whether what it measures is at work: its machine runs, water flows; the weather always is.
    #[must_use]
    pub fn at_work(self, now: &Snapshot) -> bool {
        match self {
            Self::DryBulb | Self::Humidity | Self::WetBulb => true,
            Self::Train(train, part) => now.trains.get(train as usize).is_some_and(|it| match part {
                TrainPart::ChillerState | TrainPart::ChillerPower => it.chiller_on,
                TrainPart::ChwSupply | TrainPart::ChwReturn | TrainPart::CwSupply | TrainPart::CwReturn => {
                    it.chiller_on
                }
                _ => it.pumps_on,
            }),
            Self::Air(unit, _) => now.air.get(unit as usize).is_some_and(|it| it.running),
            _ => now.trains.iter().any(|train| train.chiller_on),
        }
    }

    /// The name of its machine; none for the headers, the plant and the weather.
    #[must_use]
    pub fn machine(self, style: Style) -> Option<String> {
        match self {
            Self::Train(train, part) => Some(part.name(style, train + 1).0),
            Self::Air(unit, _) => Some(air_handler_name(style, unit)),
            _ => None,
        }
    }

    /// Its point's name.
    #[must_use]
    pub fn name(self, style: Style) -> String {
        let pick = |apogee: &str, metric: &str, us: &str| {
            let name = match style {
                Style::Apogee => apogee,
                Style::Metric => metric,
                Style::Us => us,
            };
            name.to_owned()
        };
        let (of, word) = match self {
            Self::DryBulb => return pick("OAT", "OAT", "Outside Air Temp"),
            Self::Humidity => return pick("OAH", "OA_RH", "Outside Air Humidity"),
            Self::WetBulb => return pick("WBT", "OA_WB", "Outside Air Wet Bulb"),
            Self::ChwSupply => return pick("CHWST", "CHWST", "CHW Supply Temp"),
            Self::ChwReturn => return pick("CHWRT", "CHWRT", "CHW Return Temp"),
            Self::CwSupply => return pick("CWST", "CWST", "CW Supply Temp"),
            Self::CwReturn => return pick("CWRT", "CWRT", "CW Return Temp"),
            Self::ChwFlow => return pick("CHW.LPM", "CHW_FLOW", "CHW Flow"),
            Self::CwFlow => return pick("CW.LPM", "CW_FLOW", "CW Flow"),
            Self::Cooling => return pick("CH.SYS.RT", "COOLING_LOAD", "Plant Cooling Load"),
            Self::ChwSetPoint => return pick("CHWST.SP", "CHWST_SP", "CHW Supply Temp Setpoint"),
            Self::PlantPower => return pick("CH.SYS.TOTAL.KW", "PLANT_TOTAL_POWER", "Plant Total Power"),
            Self::PlantEnergy => return pick("CH.SYS.TOTAL.KWH", "PLANT_TOTAL_ENERGY", "Plant Total Energy"),
            Self::Train(train, part) => part.name(style, train + 1),
            Self::Air(unit, part) => {
                let word = match part {
                    AirPart::State => pick("S", "RUN", "Status"),
                    AirPart::Schedule => pick("SCHED", "SCHEDULE", "Occupied Schedule"),
                    AirPart::Supply => pick("SAT", "SAT", "Supply Air Temp"),
                    AirPart::SupplySetPoint => pick("SAT.SP", "SAT_SP", "Supply Air Temp Setpoint"),
                    AirPart::Return => pick("RAT", "RAT", "Return Air Temp"),
                    AirPart::CoolingValve => pick("CV", "CHW_VALVE", "Cooling Valve"),
                    AirPart::HeatingValve => pick("HV", "HW_VALVE", "Heating Valve"),
                    AirPart::FanPower => pick("KW", "FAN_POWER", "Fan Power"),
                };
                (air_handler_name(style, unit), word)
            }
        };
        match style {
            Style::Apogee => format!("{of}.{word}"),
            Style::Metric => format!("{of}_{word}"),
            Style::Us => format!("{of} {word}"),
        }
    }
}

impl TrainPart {
    fn value(self, train: &TrainMoment, now: &Snapshot) -> f64 {
        let speed = |hz: f64| if train.pumps_on { hz } else { 0.0 };
        match self {
            Self::ChillerState => f64::from(train.chiller_on),
            Self::ChillerPower => train.chiller_kw,
            Self::ChwSupply => train.chwst_c,
            Self::ChwReturn => train.chwrt_c,
            Self::CwSupply => train.cwst_c,
            Self::CwReturn => train.cwrt_c,
            Self::ChwFlow => train.chw_lpm,
            Self::ChwPumpSpeed => speed(now.set.chw_pump_hz),
            Self::ChwPumpPower => train.chw_pump_kw,
            Self::CwPumpSpeed => speed(now.set.cw_pump_hz),
            Self::CwPumpPower => train.cw_pump_kw,
            Self::FanSpeed => speed(now.set.tower_fan_hz),
            Self::FanPower => train.fan_kw,
        }
    }

    /// Machine and word of its point.
    fn name(self, style: Style, number: u32) -> (String, String) {
        let [apogee, metric, us] = match self {
            Self::ChillerState => [("CH-", "S"), ("CH", "RUN"), ("Chiller ", "Status")],
            Self::ChillerPower => [("CH-", "KW"), ("CH", "POWER"), ("Chiller ", "Power")],
            Self::ChwSupply => [("CH-", "CHWST"), ("CH", "CHWST"), ("Chiller ", "CHW Supply Temp")],
            Self::ChwReturn => [("CH-", "CHWRT"), ("CH", "CHWRT"), ("Chiller ", "CHW Return Temp")],
            Self::CwSupply => [("CH-", "CWST"), ("CH", "CWST"), ("Chiller ", "CW Supply Temp")],
            Self::CwReturn => [("CH-", "CWRT"), ("CH", "CWRT"), ("Chiller ", "CW Return Temp")],
            Self::ChwFlow => [("CH-", "CHW.LPM"), ("CH", "CHW_FLOW"), ("Chiller ", "CHW Flow")],
            Self::ChwPumpSpeed => [("CHP-", "VFD_OUT"), ("CHP", "FREQ"), ("CHWP ", "Speed")],
            Self::ChwPumpPower => [("CHP-", "KW"), ("CHP", "POWER"), ("CHWP ", "Power")],
            Self::CwPumpSpeed => [("CWP-", "VFD_OUT"), ("CWP", "FREQ"), ("CWP ", "Speed")],
            Self::CwPumpPower => [("CWP-", "KW"), ("CWP", "POWER"), ("CWP ", "Power")],
            Self::FanSpeed => [("CT-", "VFD_OUT"), ("CT", "FREQ"), ("CT ", "Speed")],
            Self::FanPower => [("CT-", "KW"), ("CT", "POWER"), ("CT ", "Power")],
        };
        let (machine, word) = match style {
            Style::Apogee => apogee,
            Style::Metric => metric,
            Style::Us => us,
        };
        (format!("{machine}{number}"), word.to_owned())
    }
}

/// The chiller of a train, as points name it.
#[must_use]
pub(crate) fn chiller_name(style: Style, train: u32) -> String {
    TrainPart::ChillerState.name(style, train + 1).0
}

/// An air handler, as points name it.
#[must_use]
pub(crate) fn air_handler_name(style: Style, unit: u32) -> String {
    match style {
        Style::Apogee => format!("AH{:02}", unit + 1),
        Style::Metric => format!("AHU{}", unit + 1),
        Style::Us => format!("AHU {}", unit + 1),
    }
}

impl Dimension {
    /// The unit of its points at a site.
    #[must_use]
    pub fn unit(self, style: Style) -> &'static str {
        match (self, style) {
            (Self::Temperature, Style::Us) => "°F",
            (Self::Temperature, _) => "°C",
            (Self::Flow, Style::Us) => "GPM",
            (Self::Flow, Style::Metric) => "L/s",
            (Self::Flow, Style::Apogee) => "L/min",
            (Self::Cooling, Style::Metric) | (Self::Power, _) => "kW",
            (Self::Cooling, _) => "RT",
            (Self::Energy, _) => "kWh",
            (Self::Speed, _) => "Hz",
            (Self::Share, _) => "%",
            (Self::State, _) => "",
        }
    }

    /// Every unit it may be printed in; the first is that of [`Measurand::value`].
    #[must_use]
    pub fn units(self) -> &'static [&'static str] {
        match self {
            Self::Temperature => &["°C", "°F"],
            Self::Flow => &["L/min", "GPM", "L/s"],
            Self::Cooling => &["kW", "RT"],
            Self::Power => &["kW"],
            Self::Energy => &["kWh"],
            Self::Speed => &["Hz"],
            Self::Share => &["%"],
            Self::State => &[""],
        }
    }

    /// `value`, which is in its dimension's own unit, in `unit`.
    #[must_use]
    pub fn printed(self, unit: &str, value: f64) -> f64 {
        /// By definition: 231 cubic inches.
        const L_PER_GALLON: f64 = 3.785_411_784;
        match (self, unit) {
            (Self::Temperature, "°F") => 1.8 * value + 32.0,
            (Self::Flow, "GPM") => value / L_PER_GALLON,
            (Self::Flow, "L/s") => value / 60.0,
            (Self::Cooling, "RT") => kw_to_rt(value),
            _ => value,
        }
    }

    /// `value`, which is in `unit`, in its dimension's own unit.
    #[must_use]
    pub fn read(self, unit: &str, value: f64) -> f64 {
        match (self, unit) {
            (Self::Temperature, "°F") => (value - 32.0) / 1.8,
            (Self::Cooling, "RT") => rt_to_kw(value),
            _ => value / self.printed(unit, 1.0),
        }
    }
}

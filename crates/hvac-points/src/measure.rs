//! Kinds of numbers, and which of them a unit tells.

/// What kind of number the point is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// A temperature.
    Temperature,
    /// A wet-bulb temperature.
    WetBulb,
    /// Relative humidity.
    Humidity,
    /// A flow.
    Flow,
    /// A pressure, or a differential pressure.
    Pressure,
    /// Electric power.
    Power,
    /// Electric energy.
    Energy,
    /// Electric current, or a share of the rated one.
    Current,
    /// Speed of a machine.
    Speed,
    /// Cooling, as a rate or a register.
    Load,
    /// Power divided by cooling.
    KwPerRt,
    /// Cooling divided by power.
    Cop,
    /// Whether something runs.
    State,
    /// A share of something.
    Share,
    /// Another number.
    Other,
}

impl Measure {
    /// The measure that a unit tells, `said` and whether it is of outside air deciding where it could be several.
    pub(crate) fn of_unit(unit: &str, said: Option<Self>, outside: bool) -> Option<Self> {
        Some(match unit {
            "°C" | "°F" | "K" if said == Some(Self::WetBulb) => Self::WetBulb,
            "°C" | "°F" | "K" => Self::Temperature,
            "%" => match said {
                Some(Self::Humidity | Self::Speed | Self::Current | Self::State) => return said,
                None if outside => Self::Humidity,
                _ => Self::Share,
            },
            "Hz" | "rpm" => Self::Speed,
            "kW" | "W" | "MW" if said == Some(Self::Load) => Self::Load,
            "kW" | "W" | "MW" => Self::Power,
            "kWh" | "Wh" | "MWh" | "kJ" | "MJ" | "GJ" if said == Some(Self::Load) => Self::Load,
            "kWh" | "Wh" | "MWh" | "kJ" | "MJ" | "GJ" => Self::Energy,
            "RT" | "BTU" | "BTU/h" | "MBH" => Self::Load,
            "kW/RT" => Self::KwPerRt,
            "A" | "mA" | "kVA" | "kvar" => Self::Current,
            "L/min" | "L/s" | "m³/h" | "m³/s" | "GPM" => Self::Flow,
            "Pa" | "hPa" | "kPa" | "MPa" | "bar" | "mbar" | "psi" | "inH2O" => Self::Pressure,
            "" => return said,
            _ => Self::Other,
        })
    }

    /// Whether a unit's measure may stand for this one, which a name says: a `耗電量` in kW is a power.
    pub(crate) fn may_be(self, by_unit: Self) -> bool {
        let electric = |measure| matches!(measure, Self::Power | Self::Energy | Self::Current | Self::Load);
        self == by_unit || electric(self) && electric(by_unit)
    }
}

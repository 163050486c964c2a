//! What a point measures and in which units it is written, so that numbers can be compared with limits in one unit.
//!
//! For temperatures, where °C and °F lie far apart, values tell the unit when only one reading is physically possible.

use crate::physics::{KW_PER_RT, L_PER_GALLON};

/// What a point measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quantity {
    /// Chilled water, compared in °C.
    ChwTemperature,
    /// Condenser water, compared in °C.
    CwTemperature,
    /// Outside air, compared in °C.
    AirTemperature,
    /// Outside wet-bulb, compared in °C.
    WetBulb,
    /// Relative humidity, compared in %.
    Humidity,
    /// Speed of a machine, compared in Hz.
    Speed,
    /// Electric power, compared in kW.
    Power,
    /// Flow of water, compared in L/min.
    Flow,
    /// Cooling, compared in RT.
    Load,
    /// Coefficient of performance.
    Cop,
    /// Specific power, kW/RT.
    KwPerRt,
}

/// Units in which it is written, each with scale and offset to the unit in which it is compared.
type Spelled = &'static [(&'static str, f64, f64)];

const TEMPERATURE: Spelled = &[("°C", 1.0, 0.0), ("°F", 1.0 / 1.8, -32.0 / 1.8), ("K", 1.0, -273.15)];
const FLOW: Spelled = &[
    ("L/min", 1.0, 0.0),
    ("L/s", 60.0, 0.0),
    ("m³/h", 1000.0 / 60.0, 0.0),
    ("m³/s", 60_000.0, 0.0),
    ("GPM", L_PER_GALLON, 0.0),
];
const POWER: Spelled = &[("kW", 1.0, 0.0), ("W", 0.001, 0.0), ("MW", 1000.0, 0.0)];
/// 1 BTU is 1055.056 J; MBH is a thousand BTU/h.
const LOAD: Spelled = &[
    ("RT", 1.0, 0.0),
    ("kW", 1.0 / KW_PER_RT, 0.0),
    ("MW", 1000.0 / KW_PER_RT, 0.0),
    ("BTU/h", 0.001_055_056 / 3.6 / KW_PER_RT, 0.0),
    ("MBH", 1.055_056 / 3.6 / KW_PER_RT, 0.0),
];

impl Quantity {
    fn spelled(self) -> Spelled {
        match self {
            Self::ChwTemperature | Self::CwTemperature | Self::AirTemperature | Self::WetBulb => TEMPERATURE,
            Self::Flow => FLOW,
            Self::Power => POWER,
            Self::Load => LOAD,
            Self::Humidity => &[("%", 1.0, 0.0)],
            Self::Speed => &[("Hz", 1.0, 0.0)],
            Self::Cop => &[("", 1.0, 0.0)],
            Self::KwPerRt => &[("kW/RT", 1.0, 0.0)],
        }
    }

    /// Where its median lies in any plant, °C: narrow enough that no number is possible in both °C and °F,
    /// but for air, whose limits overlap.
    fn possible_median_c(self) -> Option<(f64, f64)> {
        match self {
            Self::ChwTemperature => Some((-5.0, 22.0)),
            Self::CwTemperature => Some((8.0, 45.0)),
            Self::AirTemperature => Some((-40.0, 50.0)),
            Self::WetBulb => Some((-40.0, 35.0)),
            _ => None,
        }
    }

    /// Whether its median may lie at that value, °C; what is no temperature may lie anywhere.
    pub(crate) fn may_be(self, median_c: f64) -> bool {
        self.possible_median_c().is_none_or(|(low, high)| (low..=high).contains(&median_c))
    }

    /// In words, for messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ChwTemperature => "a chilled-water temperature",
            Self::CwTemperature => "a condenser-water temperature",
            Self::AirTemperature => "an outside-air temperature",
            Self::WetBulb => "a wet-bulb temperature",
            Self::Humidity => "a relative humidity",
            Self::Speed => "a speed",
            Self::Power => "an electric power",
            Self::Flow => "a flow",
            Self::Load => "a cooling load",
            Self::Cop => "a coefficient of performance",
            Self::KwPerRt => "a specific power",
        }
    }

    /// Whether it is one of the temperatures.
    #[must_use]
    pub fn is_temperature(self) -> bool {
        self.possible_median_c().is_some()
    }

    /// Its units, for messages.
    #[must_use]
    pub fn unit_names(self) -> String {
        self.spelled().iter().map(|(unit, _, _)| *unit).collect::<Vec<_>>().join(", ")
    }
}

/// A unit, what it was told by, and how its numbers become those that are compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Unit {
    /// As this program writes it.
    pub unit: &'static str,
    /// In words.
    pub evidence: String,
    scale: f64,
    offset: f64,
}

impl Unit {
    /// `value` in the unit in which its quantity is compared.
    #[must_use]
    pub fn convert(&self, value: f64) -> f64 {
        value * self.scale + self.offset
    }

    /// `value`, which is in the unit of comparison, in this unit.
    #[must_use]
    pub fn invert(&self, value: f64) -> f64 {
        (value - self.offset) / self.scale
    }

    /// The unit of `quantity` that the program writes as `spelling`; none when it is no unit of it.
    #[must_use]
    pub fn of(quantity: Quantity, spelling: &str, evidence: String) -> Option<Self> {
        let (unit, scale, offset) = quantity.spelled().iter().find(|(unit, _, _)| *unit == spelling)?;
        Some(Self { unit, evidence, scale: *scale, offset: *offset })
    }

    /// The unit of a temperature by the median of its values, when only one is physically possible; `site` is the
    /// unit that the site's other temperatures were found to have.
    #[must_use]
    pub fn by_values(quantity: Quantity, median: f64, site: Option<&'static str>) -> Option<Self> {
        let (low, high) = quantity.possible_median_c()?;
        let possible = |spelling: &str| {
            Self::of(quantity, spelling, String::new()).filter(|unit| (low..=high).contains(&unit.convert(median)))
        };
        let (celsius, fahrenheit) = (possible("°C"), possible("°F"));
        let (mut unit, other) = match (celsius, fahrenheit) {
            (Some(unit), None) => (unit, "°F"),
            (None, Some(unit)) => (unit, "°C"),
            (Some(celsius), Some(fahrenheit)) => {
                let mut unit = if site? == "°F" { fahrenheit } else { celsius };
                unit.evidence = format!(
                    "no unit is recorded; the site's water temperatures can only be {0}, and its median {median:.1} is possible in {0}; state it if this is wrong",
                    unit.unit
                );
                return Some(unit);
            }
            (None, None) => return None,
        };
        let in_other = Self::of(quantity, other, String::new())?.convert(median);
        unit.evidence = format!(
            "no unit is recorded; its median {median:.1} can only be {}: in {other} {} would be at {in_other:.1} °C",
            unit.unit,
            quantity.name()
        );
        Some(unit)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// 46.1 as °C is no chilled water, as °F it is 7.8 °C; 27 °C of air could be 27 °F (−2.8 °C).
    #[test]
    fn values_tell_when_only_one_reading_is_possible() {
        let unit = |quantity, median, site| Unit::by_values(quantity, median, site).map(|unit| unit.unit);
        assert_eq!(unit(Quantity::ChwTemperature, 46.1, None), Some("°F"));
        assert_eq!(unit(Quantity::ChwTemperature, 7.0, None), Some("°C"));
        assert_eq!(unit(Quantity::ChwTemperature, 90.0, None), None);
        assert_eq!(unit(Quantity::CwTemperature, 81.0, None), Some("°F"));
        assert_eq!(unit(Quantity::CwTemperature, 30.0, None), Some("°C"));
        assert_eq!(unit(Quantity::WetBulb, 72.7, None), Some("°F"));
        assert_eq!(unit(Quantity::AirTemperature, 27.0, None), None);
        assert_eq!(unit(Quantity::AirTemperature, 27.0, Some("°C")), Some("°C"));
        assert_eq!(unit(Quantity::Flow, 1000.0, Some("°C")), None);
        let told = Unit::by_values(Quantity::ChwTemperature, 46.1, None).unwrap();
        assert!(told.evidence.contains("46.1"), "{}", told.evidence);
    }

    /// 1 L/s = 60 L/min; 6 m³/h = 100 L/min; 1 GPM = 3.785 L/min; 44 °F = 6.67 °C; 3.5168 kW = 1 RT; 12 MBH ≈ 1 RT.
    #[test]
    fn conversions() {
        let convert = |quantity, unit: &str, value| Unit::of(quantity, unit, String::new()).unwrap().convert(value);
        for (quantity, unit, value, expected) in [
            (Quantity::Flow, "L/s", 1.0, 60.0),
            (Quantity::Flow, "m³/h", 6.0, 100.0),
            (Quantity::Flow, "GPM", 1.0, 3.785_411_784),
            (Quantity::ChwTemperature, "°F", 44.0, 6.666_667),
            (Quantity::Load, "kW", 3.5168, 1.0),
            (Quantity::Load, "MBH", 12.0, 1.0),
            (Quantity::Power, "MW", 1.5, 1500.0),
        ] {
            let ours = convert(quantity, unit, value);
            assert!((ours - expected).abs() < 1e-4 * expected, "{unit}: {ours}");
        }
    }
}

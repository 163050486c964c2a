//! What a column measures and in which unit, so that rules can compare with limits in one unit.
//!
//! A unit comes from the user, from the column, from the name, or – for temperatures, where °C and °F lie far
//! apart – from the values when only one reading is physically possible. It is never assumed: what cannot be
//! told is asked for.

use std::collections::BTreeMap;

use super::words::{has, is_speed, words};
use hvac_frame::column::{ColumnMeta, Kind};
use hvac_points::physics::{KW_PER_RT, L_PER_GALLON};
use hvac_points::units;

/// What a column measures.
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
}

/// What is known of a column's unit before its values are seen.
#[derive(Debug, Clone, PartialEq)]
pub enum UnitChoice {
    /// Told.
    Known(Unit),
    /// A temperature whose values may tell.
    ByValues,
    /// Must be asked for.
    Unknown,
    /// Stated or recorded, but no unit of this quantity: the sentence says so.
    Wrong(String),
}

fn unit_of(quantity: Quantity, spelling: &str, evidence: String) -> Option<Unit> {
    let (unit, scale, offset) = quantity.spelled().iter().find(|(unit, _, _)| *unit == spelling)?;
    Some(Unit { unit, evidence, scale: *scale, offset: *offset })
}

/// The unit of a column that measures `quantity`: as stated, else as recorded, else as its name says.
#[must_use]
pub fn unit_choice(column: &ColumnMeta, quantity: Quantity, stated: &BTreeMap<String, String>) -> UnitChoice {
    let wrong = |unit: &str, by: &str| {
        let units = quantity.unit_names();
        UnitChoice::Wrong(format!(
            "{} is {}, but its unit is '{unit}' ({by}): use one of {units}",
            column.name,
            quantity.name()
        ))
    };
    if let Some(text) = stated.get(&column.name).or_else(|| stated.get(&column.original_name)) {
        let told = units::known(text).and_then(|unit| unit_of(quantity, unit, "stated in the request".to_owned()));
        return told.map_or_else(|| wrong(text, "stated in the request"), UnitChoice::Known);
    }
    if let Some(text) = &column.unit {
        let by = column.unit_evidence.clone().unwrap_or_else(|| "the column's own unit".to_owned());
        let told = units::known(text).and_then(|unit| unit_of(quantity, unit, by.clone()));
        return told.map_or_else(|| wrong(text, &by), UnitChoice::Known);
    }
    let by_name = unit_in_name(&column.original_name, quantity)
        .and_then(|(word, unit)| unit_of(quantity, unit, format!("'{word}' in its name, and no unit is recorded")));
    match (by_name, quantity) {
        (Some(unit), _) => UnitChoice::Known(unit),
        (None, Quantity::Humidity) => conventional(quantity, "%", "relative humidity is written in %"),
        (None, Quantity::Cop) => conventional(quantity, "", "a ratio"),
        (None, Quantity::KwPerRt) => conventional(quantity, "kW/RT", "its name says kW/RT"),
        (None, _) if quantity.is_temperature() => UnitChoice::ByValues,
        (None, _) => UnitChoice::Unknown,
    }
}

fn conventional(quantity: Quantity, unit: &str, evidence: &str) -> UnitChoice {
    unit_of(quantity, unit, evidence.to_owned()).map_or(UnitChoice::Unknown, UnitChoice::Known)
}

/// The word of a name that names a unit of `quantity`, and that unit.
fn unit_in_name(original_name: &str, quantity: Quantity) -> Option<(String, &'static str)> {
    let words = words(original_name);
    let spells = |word: &str| -> Option<&'static str> {
        Some(match (quantity, word) {
            (Quantity::Flow, "GPM") => "GPM",
            (Quantity::Flow, "LPM") => "L/min",
            (Quantity::Flow, "LPS") => "L/s",
            (Quantity::Flow, "CMH" | "M3H") => "m³/h",
            (Quantity::Load, "RT" | "TON" | "TONS" | "TR") => "RT",
            (Quantity::Load | Quantity::Power, "KW" | "KWT" | "KWTH") => "kW",
            (Quantity::Power, "MW") => "MW",
            (Quantity::Speed, "HZ") => "Hz",
            (q, "DEGC" | "CELSIUS") if q.is_temperature() => "°C",
            (q, "DEGF" | "FAHRENHEIT") if q.is_temperature() => "°F",
            _ => return None,
        })
    };
    let last = words.last().filter(|_| words.len() > 1 && quantity.is_temperature());
    let by_last = last.and_then(|word| match word.as_str() {
        "C" => Some((word.clone(), "°C")),
        "F" => Some((word.clone(), "°F")),
        _ => None,
    });
    by_last.or_else(|| words.iter().find_map(|word| Some((word.clone(), spells(word)?))))
}

/// The unit of a temperature by the median of its values, when only one is physically possible; `site` is the
/// unit that the site's other temperatures were found to have.
#[must_use]
pub fn unit_by_values(quantity: Quantity, median: f64, site: Option<&'static str>) -> Option<Unit> {
    let (low, high) = quantity.possible_median_c()?;
    let possible = |spelling: &str| {
        unit_of(quantity, spelling, String::new()).filter(|unit| (low..=high).contains(&unit.convert(median)))
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
    let in_other = unit_of(quantity, other, String::new())?.convert(median);
    unit.evidence = format!(
        "no unit is recorded; its median {median:.1} can only be {}: in {other} {} would be at {in_other:.1} °C",
        unit.unit,
        quantity.name()
    );
    Some(unit)
}

/// What a column measures, by its unit and its name; none when neither tells.
#[must_use]
pub fn quantity_of(column: &ColumnMeta) -> Option<Quantity> {
    if column.kind != Kind::Instantaneous {
        return None;
    }
    let words = words(&column.original_name);
    let name = words.join("_");
    let unit = column.unit.as_deref();
    let has = |word: &str| has(&words, word);
    let temperature = unit.is_none_or(|u| ["°C", "°F", "K"].contains(&u));
    let starts = |stems: &[&str]| words.iter().any(|word| stems.iter().any(|stem| word.starts_with(stem)));
    if unit == Some("kW/RT") || name.contains("KW_RT") || has("KWRT") || has("EFFICIENCY") && unit.is_none() {
        return (unit.is_none_or(|u| u == "kW/RT")).then_some(Quantity::KwPerRt);
    }
    if has("COP") && unit.is_none() {
        return Some(Quantity::Cop);
    }
    match unit {
        Some("Hz") => return Some(Quantity::Speed),
        Some("kW" | "W" | "MW") => return Some(Quantity::Power),
        Some("L/min" | "L/s" | "m³/h" | "m³/s" | "GPM") => return Some(Quantity::Flow),
        Some("RT") => return Some(Quantity::Load),
        Some("%") if has("RH") || has("OAH") || starts(&["HUMID"]) => return Some(Quantity::Humidity),
        _ => {}
    }
    if temperature && !["DELTA", "DT", "DIFF", "SET", "SP"].iter().any(|w| has(w)) && !starts(&["DELTA"]) {
        let water = |stems: &[&str]| {
            let tails = ["S", "R", "ST", "RT", "SWT", "RWT", "STEMP", "RTEMP", "T"];
            let temp = ["T", "ST", "RT", "TEMP", "SUPPLY", "RETURN", "S", "R"];
            words
                .iter()
                .any(|word| stems.iter().any(|stem| word.strip_prefix(stem).is_some_and(|t| tails.contains(&t))))
                || words.iter().any(|word| stems.contains(&word.as_str())) && temp.iter().any(|w| has(w))
        };
        if water(&["CHW"]) || has("CHST") || has("CHRT") {
            return Some(Quantity::ChwTemperature);
        }
        if water(&["CW", "CDW"]) || has("CDHI") || has("CDLO") {
            return Some(Quantity::CwTemperature);
        }
        if has("OAT") || has("DBT") || starts(&["OUTDOOR"]) && starts(&["TEMP"]) {
            return Some(Quantity::AirTemperature);
        }
        if starts(&["WBT", "WETBULB"]) || has("WET") && has("BULB") {
            return Some(Quantity::WetBulb);
        }
    }
    if unit.is_some() {
        return None;
    }
    if has("RH") || has("OAH") || starts(&["HUMID"]) {
        Some(Quantity::Humidity)
    } else if is_speed(&words) {
        Some(Quantity::Speed)
    } else if has("KW") {
        Some(Quantity::Power)
    } else if ["GPM", "LPM", "LPS", "CMH"].iter().any(|w| has(w)) {
        Some(Quantity::Flow)
    } else if has("RT") || has("TONS") {
        Some(Quantity::Load)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::tests::column;
    use super::*;

    #[test]
    fn names_and_units_tell_what_is_measured() {
        use Quantity::*;
        for (name, unit, expected) in [
            ("CHWS", None, Some(ChwTemperature)),
            ("CHWRT", None, Some(ChwTemperature)),
            ("CHW_RT", None, Some(ChwTemperature)),
            ("CWST", Some("°C"), Some(CwTemperature)),
            ("CDHI", None, Some(CwTemperature)),
            ("OAT", None, Some(AirTemperature)),
            ("WBT_C", None, Some(WetBulb)),
            ("RH [%]", Some("%"), Some(Humidity)),
            ("OAH", None, Some(Humidity)),
            ("Hz_ CHP", None, Some(Speed)),
            ("kW_CHP", None, Some(Power)),
            ("kW_RT", None, Some(KwPerRt)),
            ("GPM", None, Some(Flow)),
            ("CHW.FLOW", Some("m³/h"), Some(Flow)),
            ("RT", None, Some(Load)),
            ("CH.SYS.RT", None, Some(Load)),
            ("DeltaCHW", None, None),
            ("AH0101 T", None, None),
            ("CWR1.WT.SET", None, None),
        ] {
            let mut column = column(name, Kind::Instantaneous);
            column.unit = unit.map(str::to_owned);
            assert_eq!(quantity_of(&column), expected, "{name}");
        }
    }

    /// 46.1 as °C is no chilled water, as °F it is 7.8 °C; 27 °C of air could be 27 °F (−2.8 °C).
    #[test]
    fn values_tell_when_only_one_reading_is_possible() {
        let unit = |quantity, median, site| unit_by_values(quantity, median, site).map(|unit| unit.unit);
        assert_eq!(unit(Quantity::ChwTemperature, 46.1, None), Some("°F"));
        assert_eq!(unit(Quantity::ChwTemperature, 7.0, None), Some("°C"));
        assert_eq!(unit(Quantity::ChwTemperature, 90.0, None), None);
        assert_eq!(unit(Quantity::CwTemperature, 81.0, None), Some("°F"));
        assert_eq!(unit(Quantity::CwTemperature, 30.0, None), Some("°C"));
        assert_eq!(unit(Quantity::WetBulb, 72.7, None), Some("°F"));
        assert_eq!(unit(Quantity::AirTemperature, 27.0, None), None);
        assert_eq!(unit(Quantity::AirTemperature, 27.0, Some("°C")), Some("°C"));
        assert_eq!(unit(Quantity::Flow, 1000.0, Some("°C")), None);
        let told = unit_by_values(Quantity::ChwTemperature, 46.1, None).unwrap();
        assert!(told.evidence.contains("46.1"), "{}", told.evidence);
    }

    /// 1 L/s = 60 L/min; 6 m³/h = 100 L/min; 1 GPM = 3.785 L/min; 44 °F = 6.67 °C; 3.5168 kW = 1 RT; 12 MBH ≈ 1 RT.
    #[test]
    fn conversions() {
        let convert = |quantity, unit: &str, value| unit_of(quantity, unit, String::new()).unwrap().convert(value);
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

    #[test]
    fn a_stated_unit_wins_and_must_fit() {
        let flow = column("CHW_FLOW", Kind::Instantaneous);
        let stated = |unit: &str| BTreeMap::from([("CHW_FLOW".to_owned(), unit.to_owned())]);
        let choice = |unit: &str| unit_choice(&flow, Quantity::Flow, &stated(unit));
        assert!(matches!(choice("m3/h"), UnitChoice::Known(Unit { unit: "m³/h", .. })));
        assert!(matches!(choice("kW"), UnitChoice::Wrong(text) if text.contains("L/min, L/s")));
        assert_eq!(unit_choice(&flow, Quantity::Flow, &BTreeMap::new()), UnitChoice::Unknown);
    }
}

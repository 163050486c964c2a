//! What a column measures and in which unit, so that rules can compare with limits in one unit.
//!
//! A unit comes from the user, from the column, from the name, or – for temperatures, where °C and °F lie far
//! apart – from the values when only one reading is physically possible. It is never assumed: what cannot be
//! told is asked for.

use std::collections::BTreeMap;

use hvac_frame::column::{ColumnMeta, Kind};
use hvac_points::{Measure, Nature, Reading, units};
pub(crate) use hvac_points::{Quantity, Unit};

/// What is known of a column's unit before its values are seen.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum UnitChoice {
    /// Told.
    Known(Unit),
    /// A temperature whose values may tell.
    ByValues,
    /// Must be asked for.
    Unknown,
    /// Stated or recorded, but no unit of this quantity: the sentence says so.
    Wrong(String),
}

/// The unit of a column that measures `quantity`: as stated, else as recorded, else as its name says.
#[must_use]
pub(crate) fn unit_choice(column: &ColumnMeta, quantity: Quantity, stated: &BTreeMap<String, String>) -> UnitChoice {
    let wrong = |unit: &str, by: &str| {
        let units = quantity.unit_names();
        UnitChoice::Wrong(format!(
            "{} is {}, but its unit is '{unit}' ({by}): use one of {units}",
            column.name,
            quantity.name()
        ))
    };
    if let Some(text) = stated.get(&column.name).or_else(|| stated.get(&column.original_name)) {
        let told = units::known(text).and_then(|unit| Unit::of(quantity, unit, "stated in the request".to_owned()));
        return told.map_or_else(|| wrong(text, "stated in the request"), UnitChoice::Known);
    }
    if let Some(text) = &column.unit {
        let by = column.unit_evidence.clone().unwrap_or_else(|| "the column's own unit".to_owned());
        let told = units::known(text).and_then(|unit| Unit::of(quantity, unit, by.clone()));
        return told.map_or_else(|| wrong(text, &by), UnitChoice::Known);
    }
    let by_name = Reading::of(&column.original_name)
        .units
        .into_iter()
        .find_map(|(word, unit)| Unit::of(quantity, unit, format!("'{word}' in its name, and no unit is recorded")));
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
    Unit::of(quantity, unit, evidence.to_owned()).map_or(UnitChoice::Unknown, UnitChoice::Known)
}

/// What a column measures, by its unit and its name; none when neither tells.
#[must_use]
pub(crate) fn quantity_of(column: &ColumnMeta) -> Option<Quantity> {
    let reading = (column.kind == Kind::Instantaneous).then(|| Reading::of(&column.original_name));
    reading?.quantity(column.unit.as_deref())
}

/// Whether a point is a state, an alarm or a limit by its name, whatever its values are.
#[must_use]
pub(crate) fn is_state(reading: &Reading) -> bool {
    matches!(reading.nature, Some(Nature::Alarm | Nature::Limit)) || reading.measure == Some(Measure::State)
}

/// Words of names that say that a point is set, or which hours it keeps, beside those of the lexicon.
const SET_WORDS: [&str; 12] = [
    "SCHED",
    "SCHEDULE",
    "OCC",
    "OCCUPANCY",
    "OCCUPIED",
    "UNOCC",
    "UNOCCUPIED",
    "SPT",
    "STP",
    "TARGET",
    "SETBACK",
    "SEASON",
];
/// Words of valves and dampers, where a name says nothing else: `AH08-4.CV`.
const END_WORDS: [&str; 13] =
    ["CV", "HV", "CCV", "HCV", "CVLV", "HVLV", "CHWV", "HWV", "OAD", "RAD", "EAD", "MAD", "DMP"];

/// Whether a point is what somebody or something sets, by its name; speeds, which are fed back, are not.
#[must_use]
pub(crate) fn is_set(reading: &Reading, name: &str) -> bool {
    let set = matches!(reading.nature, Some(Nature::SetPoint | Nature::Command | Nature::Limit | Nature::Position));
    let upper = name.to_uppercase();
    let mut words = upper.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    set || words.any(|word| {
        let ends = reading.measure.is_none() && END_WORDS.contains(&word);
        ends || SET_WORDS.contains(&word) || word.contains("STPT") || word.contains("SETPOINT")
    })
}

/// Whether a point may read the same for as long as its machine stands, on an idle floor: anything but a temperature
/// or a humidity.
#[must_use]
pub(crate) fn may_idle(column: &ColumnMeta, known: Option<Quantity>) -> bool {
    if matches!(column.unit.as_deref(), Some("°C" | "°F" | "K" | "%RH")) {
        return false;
    }
    if let Some(quantity) = known {
        return !quantity.is_temperature() && quantity != Quantity::Humidity;
    }
    let measure = Reading::of(&column.original_name).measure;
    !matches!(measure, Some(Measure::Temperature | Measure::WetBulb | Measure::Humidity))
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

    #[test]
    fn names_tell_what_is_set() {
        let set = |name: &str| is_set(&Reading::of(name), name);
        for name in [
            "CHWSTSP",
            "CHW_SET",
            "ZN-T.SP",
            "RMSTPTDIAL",
            "CLGSTPT",
            "CWST.STP",
            "CHWST SPT",
            "AirflowSetpoint",
            "Target Temp",
            "AH01.SCHED",
            "OCC_SCHED",
            "FAN_CMD",
            "AHU_1_VLV",
            "AH08-4.CV",
            "AH08-4.HV",
            "CH-1.DEMLIM",
            "OAD",
        ] {
            assert!(set(name), "{name}");
        }
        for name in ["CHWST", "CH-1.KW", "CHP_1_HZ", "AH08-4.SAT", "CHW.FLOW", "OAT", "CCHRC.OCCT", "kW_CHP"] {
            assert!(!set(name), "{name}");
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

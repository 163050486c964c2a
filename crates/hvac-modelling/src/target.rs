//! Which column a model of a plant predicts when nobody says: the plant's total power, else the largest power. Never
//! anything but electric power: of a temperature, a model would be as easy to train, and of no use.

use hvac_points::{Measure, Reading, units};

/// Names by which the plant's whole power goes without a doubt.
const BY_NAME: [&str; 2] = ["CH_SYS_TOTAL_KW", "TOTAL_KW"];

/// A column with numbers that are readings: no register, no state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedColumn {
    /// As stored.
    pub name: String,
    /// As the report has it.
    pub original_name: String,
    /// As recorded.
    pub unit: Option<String>,
}

/// A column that is electric power, as far as name and unit tell.
#[derive(Debug, Clone, PartialEq)]
pub struct PowerColumn {
    /// As stored.
    pub column: String,
    /// What its name says, in words.
    evidence: String,
    scope: Scope,
    kw: f64,
}

/// Whose power it is; the first is the one to predict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    /// The whole plant's, by its name.
    Plant,
    /// A total of nothing that is named.
    Total,
    /// Of a machine, of a part, or of nobody knows what.
    Part,
}

/// A column to predict, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuggestedTarget {
    /// As stored.
    pub column: String,
    /// In words.
    pub evidence: String,
}

/// The columns of electric power that may be predicted, of those that are equally good by their names.
#[must_use]
pub fn powers(columns: impl Iterator<Item = NamedColumn>) -> Vec<PowerColumn> {
    let mut powers: Vec<PowerColumn> = columns.filter_map(power).collect();
    if let Some(best) = powers.iter().map(|power| power.scope).min() {
        powers.retain(|power| power.scope == best);
    }
    powers
}

fn power(column: NamedColumn) -> Option<PowerColumn> {
    let NamedColumn { name, original_name, unit } = column;
    let reading = Reading::of(&original_name);
    let unit = unit.as_deref().map(|unit| units::known(unit).unwrap_or(unit).to_owned());
    let said = reading.units.iter().map(|(_, unit)| *unit).find(|unit| kw_per(unit).is_some());
    let by_unit = unit.as_deref().map(kw_per);
    let electric = match by_unit {
        // a load in kW is cooling, a speed in kW none
        Some(Some(_)) => matches!(reading.measure, None | Some(Measure::Power | Measure::Other)),
        Some(None) => false,
        None => reading.measure == Some(Measure::Power),
    };
    if !electric || reading.thermal || reading.nature.is_some() {
        return None;
    }
    let kw = by_unit.flatten().or_else(|| kw_per(said?)).unwrap_or(1.0);
    let scope = if BY_NAME.contains(&name.as_str()) || reading.plant && reading.total {
        Scope::Plant
    } else if (reading.plant || reading.total) && reading.machine.is_none() {
        Scope::Total
    } else {
        Scope::Part
    };
    Some(PowerColumn { column: name, evidence: reading.evidence(), scope, kw })
}

fn kw_per(unit: &str) -> Option<f64> {
    match unit {
        "kW" => Some(1.0),
        "W" => Some(0.001),
        "MW" => Some(1000.0),
        _ => None,
    }
}

/// Of columns that are equally good by their names, each with the mean of its values: the one with the largest power.
#[must_use]
pub fn suggest_target(powers: Vec<(PowerColumn, Option<f64>)>) -> Option<SuggestedTarget> {
    let count = powers.len();
    let kw = |(power, mean): &(PowerColumn, Option<f64>)| mean.map_or(f64::NEG_INFINITY, |mean| mean * power.kw);
    // of equals the first
    let largest = powers.into_iter().rev().max_by(|a, b| kw(a).total_cmp(&kw(b)))?;
    let mean = largest.1.map(|mean| format!(" ({:.1} kW on average)", mean * largest.0.kw)).unwrap_or_default();
    let PowerColumn { column, evidence, scope, .. } = largest.0;
    let evidence = match (scope, count) {
        (Scope::Part, 1) => "it is the only electric power".to_owned(),
        (Scope::Part, _) => format!("no name says the plant's total power; of {count} powers it is the largest{mean}"),
        (_, 1) => format!("its name says the plant's total power: {evidence}"),
        _ => format!("{count} names say a total power; it is the largest{mean}"),
    };
    Some(SuggestedTarget { column, evidence })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn suggested(columns: &[(&str, Option<&str>, f64)]) -> Option<String> {
        let named = |(name, unit, _): &(&str, Option<&str>, f64)| NamedColumn {
            name: (*name).to_owned(),
            original_name: (*name).to_owned(),
            unit: unit.map(str::to_owned),
        };
        let valued = powers(columns.iter().map(named)).into_iter().map(|power| {
            let mean = columns.iter().find(|(name, ..)| *name == power.column).map(|(_, _, mean)| *mean);
            (power, mean)
        });
        suggest_target(valued.collect()).map(|target| target.column)
    }

    #[test]
    fn the_plant_s_total_else_the_largest_power_never_anything_else() {
        for (columns, target) in [
            (&[("CHWST", None, 7.0), ("CH_1_KW", None, 90.0), ("CH_SYS_TOTAL_KW", None, 80.0)][..], "CH_SYS_TOTAL_KW"),
            (&[("kW_RT", None, 0.7), ("kW_CHH", None, 150.0), ("kW_Tot", None, 220.0)], "kW_Tot"),
            (&[("CHWST", Some("°C"), 700.0), ("CHP_KW", None, 20.0), ("CH_2_KW", None, 140.0)], "CH_2_KW"),
            (&[("T1", None, 25.0), ("MMCB_KW", None, 4500.0), ("MMCB_KWH", None, 1e7)], "MMCB_KW"),
            // 0.2 MW is more than 150 kW, and 90 000 W less
            (&[("CH_1", Some("kW"), 150.0), ("CH_2", Some("MW"), 0.2), ("CH_3", Some("W"), 90_000.0)], "CH_2"),
            // cooling in kW is more than any power, and none
            (&[("COOLING_KW", Some("kW"), 1500.0), ("CH_1_KW", Some("kW"), 150.0)], "CH_1_KW"),
        ] {
            assert_eq!(suggested(columns).as_deref(), Some(target), "{columns:?}");
        }
        for none in [&[("CHWST", None, 7.0), ("RT", None, 300.0)][..], &[("CH_1_KWH", Some("kWh"), 1e6)], &[]] {
            assert_eq!(suggested(none), None, "{none:?}");
        }
    }

    #[test]
    fn it_says_why() {
        let named = |name: &str| NamedColumn { name: name.into(), original_name: name.into(), unit: None };
        let of = |names: &[&str]| {
            let powers = powers(names.iter().map(|name| named(name)));
            suggest_target(powers.into_iter().map(|power| (power, Some(7.0))).collect()).unwrap().evidence
        };
        assert_eq!(of(&["CH_1_KW"]), "it is the only electric power");
        assert!(of(&["CH_1_KW", "CH_2_KW"]).contains("of 2 powers it is the largest (7.0 kW on average)"));
        assert!(of(&["PLANT_TOTAL_KW", "CH_2_KW"]).starts_with("its name says the plant's total power: "));
    }
}

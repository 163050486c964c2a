//! Columns that are computed from others, each marked with its formula and its inputs.
//!
//! | column | from | unit |
//! |---|---|---|
//! | `wet_bulb_c` | dry-bulb, humidity, pressure: ASHRAE psychrometrics (`physics::wet_bulb_c`) | °C |
//! | `chw_delta_t_k`, `cw_delta_t_k` | return − supply | K |
//! | `lift_k` | condenser return − chilled supply (Guideline 36, RP-1711 §5.2.12.2) | K |
//! | `load_rt` | flow and ΔT of chilled water | RT |
//! | `cop` | load ÷ power of the plant | – |
//! | `kw_rt` | power of the plant ÷ load | kW/RT |
//! | `{register}_consumption` | growth of a register in the interval (`counter`) | its own |
//!
//! A cell is null (`not_derivable`) where an input is missing, out of its formula's range, or where there is
//! no load or no power to divide by.

use std::collections::BTreeMap;

use super::cells::NumberCells;
use super::heat_balance::load_from_flow_rt;
use super::parameters::Thresholds;
use super::resample::Aggregate;
use super::roles::Role;
use hvac_frame::column::{CleanedCells, ColumnMeta, Derived, Kind, NullReason};
use hvac_points::physics::{KW_PER_RT, wet_bulb_c};

/// A derived column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DerivedColumn {
    /// Its metadata, counts still to be filled in.
    pub(crate) meta: ColumnMeta,
    /// Its cells.
    pub(crate) cells: NumberCells,
}

/// A role's values in the unit of comparison, NaN without, and the columns behind them.
pub(crate) type Inputs = BTreeMap<Role, (Vec<f64>, Vec<String>)>;

/// Metadata of a derived column.
#[must_use]
pub(crate) fn meta(
    name: &str,
    unit: Option<&str>,
    formula: &str,
    from: Vec<String>,
    cleaned: CleanedCells,
) -> ColumnMeta {
    let is_sum = cleaned.aggregate.as_deref() == Some(Aggregate::Sum.name());
    ColumnMeta {
        name: name.to_owned(),
        original_name: name.to_owned(),
        kind: if is_sum { Kind::IntervalTotal } else { Kind::Instantaneous },
        kind_evidence: "it is derived".to_owned(),
        unit: unit.map(str::to_owned),
        unit_evidence: unit.map(|_| "by its formula".to_owned()),
        trend_definition: None,
        native_interval_s: None,
        states: None,
        count: 0,
        nulls: BTreeMap::new(),
        derived: Some(Derived { formula: formula.to_owned(), from }),
        cleaned: Some(cleaned),
    }
}

/// Every column that the inputs allow, in the order of the table above.
#[must_use]
pub(crate) fn derive(inputs: &Inputs, thresholds: &Thresholds, cleaned: &CleanedCells) -> Vec<DerivedColumn> {
    let of = |role: Role| inputs.get(&role);
    let mut made = Vec::new();
    let mut add = |name: &str, unit: Option<&str>, formula: &str, from: &[&Vec<String>], values: Vec<f64>| {
        let from = from.iter().flat_map(|names| names.iter().cloned()).collect();
        let cells = NumberCells::new(values, NullReason::NotDerivable);
        made.push(DerivedColumn { meta: meta(name, unit, formula, from, cleaned.clone()), cells });
    };
    if let (Some((dry, a)), Some((humidity, b))) = (of(Role::DryBulb), of(Role::Humidity)) {
        let wet = |(t, rh): (&f64, &f64)| wet_bulb_c(*t, *rh, thresholds.pressure_pa).unwrap_or(f64::NAN);
        let values = dry.iter().zip(humidity).map(wet).collect();
        let formula =
            format!("thermodynamic wet-bulb at {} Pa, ASHRAE Fundamentals 2017 ch. 1", thresholds.pressure_pa);
        add("wet_bulb_c", Some("°C"), &formula, &[a, b], values);
    }
    let difference = |high: &[f64], low: &[f64]| high.iter().zip(low).map(|(high, low)| high - low).collect::<Vec<_>>();
    if let (Some((back, a)), Some((supply, b))) = (of(Role::ChwReturn), of(Role::ChwSupply)) {
        add("chw_delta_t_k", Some("K"), "chilled-water return − supply", &[a, b], difference(back, supply));
    }
    if let (Some((back, a)), Some((supply, b))) = (of(Role::CwReturn), of(Role::CwSupply)) {
        add("cw_delta_t_k", Some("K"), "condenser-water return − supply", &[a, b], difference(back, supply));
    }
    if let (Some((back, a)), Some((supply, b))) = (of(Role::CwReturn), of(Role::ChwSupply)) {
        let formula = "condenser-water return − chilled-water supply (Guideline 36 lift)";
        add("lift_k", Some("K"), formula, &[a, b], difference(back, supply));
    }
    let by_flow = by_flow(inputs);
    if let Some((values, from)) = &by_flow {
        add("load_rt", Some("RT"), "ρ·V̇·cp·ΔT of chilled water / 3.5168", &[from], values.clone());
    }
    let load = of(Role::Load).or(by_flow.as_ref());
    if let (Some((load, a)), Some((power, b))) = (load, of(Role::Power)) {
        let ratio = |value: fn(f64, f64) -> f64| {
            let judge = |(load, power): (&f64, &f64)| {
                let works = *load >= thresholds.heat_balance_min_rt && *power > thresholds.running_kw;
                if works { value(*load, *power) } else { f64::NAN }
            };
            load.iter().zip(power).map(judge).collect::<Vec<_>>()
        };
        add("cop", None, "load · 3.5168 / power", &[a, b], ratio(|load, power| load * KW_PER_RT / power));
        add("kw_rt", Some("kW/RT"), "power / load", &[b, a], ratio(|load, power| power / load));
    }
    made
}

/// The load that flow and ΔT of chilled water make, RT, and its columns.
#[must_use]
pub(crate) fn by_flow(inputs: &Inputs) -> Option<(Vec<f64>, Vec<String>)> {
    let [flow, supply, back] = [Role::Flow, Role::ChwSupply, Role::ChwReturn].map(|role| inputs.get(&role));
    let ((flow, a), (supply, b), (back, c)) = (flow?, supply?, back?);
    let rows = flow.iter().zip(supply).zip(back);
    let values = rows.map(|((flow, supply), back)| load_from_flow_rt(*flow, *supply, *back)).collect();
    Some((values, a.iter().chain(b).chain(c).cloned().collect()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn inputs(rows: &[(Role, &[f64])]) -> Inputs {
        rows.iter().map(|(role, values)| (*role, (values.to_vec(), vec![role.name().to_owned()]))).collect()
    }

    fn values(made: &[DerivedColumn], name: &str) -> Vec<Option<f64>> {
        let found = made.iter().find(|m| m.meta.name == name).unwrap();
        found.cells.values().iter().map(|v| (!v.is_nan()).then_some((v * 1000.0).round() / 1000.0)).collect()
    }

    /// 1 000 L/min · 5 K: 98.893 RT. 100 RT at 70 kW: COP 351.68/70 = 5.024, 0.7 kW/RT. Lift 35 − 7 = 28 K.
    /// 30 °C at 60 %: PsychroLib gives a wet-bulb of 23.8125 °C.
    #[test]
    fn hand_worked_rows() {
        let inputs = inputs(&[
            (Role::Flow, &[1000.0, 1000.0]),
            (Role::ChwSupply, &[7.0, f64::NAN]),
            (Role::ChwReturn, &[12.0, 12.0]),
            (Role::CwReturn, &[35.0, 35.0]),
            (Role::CwSupply, &[30.0, 30.5]),
            (Role::Load, &[100.0, 0.0]),
            (Role::Power, &[70.0, 70.0]),
            (Role::DryBulb, &[30.0, 30.0]),
            (Role::Humidity, &[60.0, 101.0]),
        ]);
        let made = derive(&inputs, &Thresholds::default(), &CleanedCells::default());
        assert_eq!(values(&made, "chw_delta_t_k"), [Some(5.0), None]);
        assert_eq!(values(&made, "cw_delta_t_k"), [Some(5.0), Some(4.5)]);
        assert_eq!(values(&made, "lift_k"), [Some(28.0), None]);
        assert_eq!(values(&made, "load_rt"), [Some(98.893), None]);
        assert_eq!(values(&made, "cop"), [Some(5.024), None], "no load: no ratio");
        assert_eq!(values(&made, "kw_rt"), [Some(0.7), None]);
        let wet = made.iter().find(|m| m.meta.name == "wet_bulb_c").unwrap();
        assert!((wet.cells.values().first().unwrap() - 23.8125).abs() < 0.001, "{:?}", wet.cells.values());
        assert_eq!(wet.cells.why(1..2), NullReason::NotDerivable, "101 % is no humidity");
        assert_eq!(wet.meta.derived.as_ref().unwrap().from, ["dry_bulb", "humidity"]);
    }

    #[test]
    fn the_load_by_flow_stands_in_for_the_measured_one() {
        let inputs = inputs(&[
            (Role::Flow, &[1000.0]),
            (Role::ChwSupply, &[7.0]),
            (Role::ChwReturn, &[12.0]),
            (Role::Power, &[98.893]),
        ]);
        assert_eq!(values(&derive(&inputs, &Thresholds::default(), &CleanedCells::default()), "kw_rt"), [Some(1.0)]);
        assert!(derive(&Inputs::new(), &Thresholds::default(), &CleanedCells::default()).is_empty());
    }
}

//! Around what is measured: IPMVP's option B (the machines themselves) or C (all behind one meter).
//!
//! Option B asks for the power of every machine that the change touches: those whose set-points changed, and the chillers,
//! which answer to all of them. A machine is known by its name in any column; one of several without a meter of its own is
//! enough to fall back to C.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::role::Role;
use hvac_points::{MachineKind, Measure, Reading, Role as PointRole, identify};

/// IPMVP's options that can be told from trends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum IpmvpOption {
    /// Retrofit isolation, all parameters measured: the machines' own power.
    B,
    /// Whole facility: one meter, with all behind it.
    C,
}

/// What is measured, and why no less.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Boundary {
    /// Option B or C.
    pub option: IpmvpOption,
    /// Why; one sentence.
    pub reason: String,
    /// Columns whose power is added up.
    pub power_columns: Vec<String>,
}

/// Words for a kind of machine.
fn words(kind: MachineKind) -> &'static str {
    match kind {
        MachineKind::Chiller => "chillers",
        MachineKind::ChwPump => "chilled-water pumps",
        MachineKind::ScpPump => "secondary pumps",
        MachineKind::CwPump => "condenser pumps",
        MachineKind::Tower => "tower fans",
        MachineKind::Other => "other machines",
    }
}

/// Machines that a changed set-point touches, beside the chillers.
fn touched(role: Role) -> &'static [MachineKind] {
    match role {
        // Warmer water asks for more of it.
        Role::ChwSupplyTemp | Role::ChwPumpHz => &[MachineKind::ChwPump],
        Role::ScpPumpHz => &[MachineKind::ScpPump],
        Role::CwPumpHz => &[MachineKind::CwPump],
        Role::CtFanHz => &[MachineKind::Tower],
        _ => &[],
    }
}

/// Settles what is measured: `columns` are names and units of numbers, `target` is the power that the model is of, `changed`
/// the set-points that the recommendation changed.
#[must_use]
pub fn boundary(columns: &[(&str, Option<&str>)], target: &str, changed: &[Role]) -> Boundary {
    let kinds: BTreeSet<MachineKind> =
        std::iter::once(MachineKind::Chiller).chain(changed.iter().flat_map(|role| touched(*role)).copied()).collect();
    let mut machines: BTreeMap<MachineKind, BTreeSet<String>> = BTreeMap::new();
    let mut metered: BTreeMap<MachineKind, BTreeMap<String, &str>> = BTreeMap::new();
    for (name, unit) in columns.iter().filter(|(name, _)| *name != target) {
        let reading = Reading::of(name);
        let Some(kind) = reading.machine.filter(|kind| kinds.contains(kind) && !reading.plant) else { continue };
        if is_power(name, *unit) {
            metered.entry(kind).or_default().insert(reading.machine_name, name);
        } else if tells_of_a_machine(&reading) {
            machines.entry(kind).or_default().insert(reading.machine_name);
        }
    }
    let mut lacking = Vec::new();
    for kind in &kinds {
        let own = metered.get(kind);
        let names =
            || machines.get(kind).into_iter().flatten().filter(|name| name.contains(|c: char| c.is_ascii_digit()));
        // A meter without a number is of all machines of its kind.
        let of_all = own.is_some_and(|own| own.keys().any(|name| !name.contains(|c: char| c.is_ascii_digit())));
        let without: Vec<&str> = names()
            .filter(|name| !of_all && own.is_none_or(|own| !own.contains_key(*name)))
            .map(String::as_str)
            .collect();
        match (own, without.as_slice()) {
            (None, _) => lacking.push(words(*kind).to_owned()),
            (Some(_), []) => {}
            (Some(_), some) => lacking.push(format!("{} ({})", words(*kind), some.join(", "))),
        }
    }
    let touched: Vec<&str> = kinds.iter().map(|kind| words(*kind)).collect();
    if lacking.is_empty() {
        let power_columns: Vec<String> = kinds
            .iter()
            .filter_map(|kind| metered.get(kind))
            .flat_map(|own| own.values())
            .map(|name| (*name).to_owned())
            .collect();
        let reason = format!("the power of every machine that the change touches is metered: {}", touched.join(", "));
        return Boundary { option: IpmvpOption::B, reason, power_columns };
    }
    let reason = format!(
        "the change touches {}, of which no power is metered of {}; so all behind {target} is measured, and whatever else \
         changed behind it counts as well",
        touched.join(", "),
        lacking.join(", ")
    );
    Boundary { option: IpmvpOption::C, reason, power_columns: vec![target.to_owned()] }
}

/// Whether a column is a machine's electric power.
fn is_power(name: &str, unit: Option<&str>) -> bool {
    identify(name, unit, &[]).first().is_some_and(|found| found.role == PointRole::Power && found.confidence >= 0.5)
}

/// Whether a column shows that its machine is there: its state, its speed, its load.
fn tells_of_a_machine(reading: &Reading) -> bool {
    reading
        .measure
        .is_none_or(|measure| matches!(measure, Measure::Speed | Measure::Share | Measure::Load | Measure::State))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str], changed: &[Role]) -> Boundary {
        let columns: Vec<(&str, Option<&str>)> = names.iter().map(|name| (*name, None)).collect();
        boundary(&columns, "CH_SYS_TOTAL_KW", changed)
    }

    #[test]
    fn every_machine_needs_a_meter() {
        let fans = [Role::CtFanHz];
        let all = of(&["CH_1_KW", "CH_2_KW", "CH_1_S", "CH_2_S", "CT_KW", "CT_1_HZ", "CH_SYS_TOTAL_KW", "OAT"], &fans);
        assert_eq!((all.option, all.power_columns.join(" ")), (IpmvpOption::B, "CH_1_KW CH_2_KW CT_KW".to_owned()));
        let one = of(&["CH_1_KW", "CH_1_S", "CH_2_S", "CT_KW", "CH_SYS_TOTAL_KW"], &fans);
        assert_eq!((one.option, one.power_columns.join(" ")), (IpmvpOption::C, "CH_SYS_TOTAL_KW".to_owned()));
        assert!(one.reason.contains("chillers (CH_2)"), "{}", one.reason);
        let no_fans = of(&["CH_1_KW", "CT_1_HZ", "CH_SYS_TOTAL_KW"], &fans);
        assert!(no_fans.option == IpmvpOption::C && no_fans.reason.contains("tower fans;"), "{}", no_fans.reason);
        // Without the fans' change they need none.
        assert_eq!(of(&["CH_1_KW", "CT_1_HZ", "CH_SYS_TOTAL_KW"], &[]).option, IpmvpOption::B);
        assert_eq!(of(&["CH_SYS_TOTAL_KW", "CH_SYS_RT", "WBT"], &[]).option, IpmvpOption::C);
    }
}

//! Which columns play which part: as stated, else as their names suggest – and then the report says so.
//!
//! A name suggests only when it is the one best match: two equally good columns are no suggestion, and a rule
//! that needs the role says which ones it could have taken.

use std::collections::BTreeMap;

use super::parameters::{Columns, Roles};
use super::quantity::Quantity;
use hvac_frame::column::{ColumnMeta, Kind};
use hvac_points::{Candidate, MachineKind, Role as PointRole, identify};

/// Confidence from which on a name suggests a role.
const SUGGESTS: f64 = 0.5;

/// A part that columns play.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Measured cooling load.
    Load,
    /// Chilled-water flow.
    Flow,
    /// Chilled water to the building.
    ChwSupply,
    /// Chilled water from the building.
    ChwReturn,
    /// Condenser-water flow.
    CwFlow,
    /// Condenser water from the towers.
    CwSupply,
    /// Condenser water to the towers.
    CwReturn,
    /// Power of the whole plant.
    Power,
    /// Power of the chillers.
    ChillerPower,
    /// Outside dry-bulb.
    DryBulb,
    /// Outside relative humidity.
    Humidity,
    /// Outside wet-bulb.
    WetBulb,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 12] = [
        Self::Load,
        Self::Flow,
        Self::ChwSupply,
        Self::ChwReturn,
        Self::CwFlow,
        Self::CwSupply,
        Self::CwReturn,
        Self::Power,
        Self::ChillerPower,
        Self::DryBulb,
        Self::Humidity,
        Self::WetBulb,
    ];

    /// As it is spelled in requests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Flow => "flow",
            Self::ChwSupply => "chw_supply",
            Self::ChwReturn => "chw_return",
            Self::CwFlow => "cw_flow",
            Self::CwSupply => "cw_supply",
            Self::CwReturn => "cw_return",
            Self::Power => "power",
            Self::ChillerPower => "chiller_power",
            Self::DryBulb => "dry_bulb",
            Self::Humidity => "humidity",
            Self::WetBulb => "wet_bulb",
        }
    }

    /// What its columns measure.
    #[must_use]
    pub(crate) fn quantity(self) -> Quantity {
        match self {
            Self::Load => Quantity::Load,
            Self::Flow | Self::CwFlow => Quantity::Flow,
            Self::ChwSupply | Self::ChwReturn => Quantity::ChwTemperature,
            Self::CwSupply | Self::CwReturn => Quantity::CwTemperature,
            Self::Power | Self::ChillerPower => Quantity::Power,
            Self::DryBulb => Quantity::AirTemperature,
            Self::Humidity => Quantity::Humidity,
            Self::WetBulb => Quantity::WetBulb,
        }
    }

    /// Whether several columns add up to it.
    #[must_use]
    pub(crate) fn adds_up(self) -> bool {
        matches!(self.quantity(), Quantity::Load | Quantity::Flow | Quantity::Power)
    }

    fn stated(self, roles: &Roles) -> Option<&Columns> {
        match self {
            Self::Load => roles.load.as_ref(),
            Self::Flow => roles.flow.as_ref(),
            Self::ChwSupply => roles.chw_supply.as_ref(),
            Self::ChwReturn => roles.chw_return.as_ref(),
            Self::CwFlow => roles.cw_flow.as_ref(),
            Self::CwSupply => roles.cw_supply.as_ref(),
            Self::CwReturn => roles.cw_return.as_ref(),
            Self::Power => roles.power.as_ref(),
            Self::ChillerPower => roles.chiller_power.as_ref(),
            Self::DryBulb => roles.dry_bulb.as_ref(),
            Self::Humidity => roles.humidity.as_ref(),
            Self::WetBulb => roles.wet_bulb.as_ref(),
        }
    }

    /// Whether a point that is told to be `found` plays it. The plant's power is no machine's, and the chillers' no
    /// single one's.
    fn is_played_by(self, found: &Candidate) -> bool {
        match (self, found.role) {
            (Self::Power, PointRole::Power) => found.plant && found.machine.is_none(),
            (Self::ChillerPower, PointRole::Power) => found.machine == Some(MachineKind::Chiller) && !found.numbered,
            (Self::Load, PointRole::Load)
            | (Self::Flow, PointRole::ChwFlow)
            | (Self::ChwSupply, PointRole::ChwSupplyTemp)
            | (Self::ChwReturn, PointRole::ChwReturnTemp)
            | (Self::CwFlow, PointRole::CwFlow)
            | (Self::CwSupply, PointRole::CwSupplyTemp)
            | (Self::CwReturn, PointRole::CwReturnTemp)
            | (Self::DryBulb, PointRole::DryBulb)
            | (Self::Humidity, PointRole::Humidity)
            | (Self::WetBulb, PointRole::WetBulb) => true,
            _ => false,
        }
    }

    /// Usual names of it: among equals they are it, and by them the closest columns are found when none is suggested.
    fn usual_names(self) -> &'static [&'static str] {
        match self {
            Self::Load => &["RT", "CH_SYS_RT", "COOLING_LOAD_RT", "CH_0_RT"],
            Self::Flow => &["CHW_FLOW", "CHW_LPM", "CHW_GPM", "GPM", "LPM"],
            Self::ChwSupply => &["CHWST", "CHWS", "CHW_ST", "CHWS_TEMP"],
            Self::ChwReturn => &["CHWRT", "CHWR", "CHW_RT", "CHWR_TEMP"],
            Self::CwFlow => &["CW_FLOW", "CDW_FLOW", "CW_LPM", "CW_GPM"],
            Self::CwSupply => &["CWST", "CWS", "CW_ST", "CDWST", "CDLO"],
            Self::CwReturn => &["CWRT", "CWR", "CW_RT", "CDWRT", "CDHI"],
            Self::Power => &["CH_SYS_TOTAL_KW", "KW_TOTAL", "PLANT_KW"],
            Self::ChillerPower => &["CH_TOTAL_KW", "CHILLER_KW", "KW_CH"],
            Self::DryBulb => &["OAT", "OA_T", "DBT"],
            Self::Humidity => &["OAH", "OARH", "RH"],
            Self::WetBulb => &["WBT", "OAWBT", "WET_BULB"],
        }
    }
}

/// The columns that play a role, and why these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleColumns {
    /// Indices of the columns; they add up.
    pub columns: Vec<usize>,
    /// In words.
    pub evidence: String,
}

/// What names suggest for a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Suggestion {
    /// The best match.
    One(RoleColumns),
    /// Equally good matches.
    Several(Vec<usize>),
    /// No match.
    None,
}

/// The best match by name for every role: a point without a number before numbered ones, then
/// the surer, then a usual name.
#[must_use]
pub fn suggest(columns: &[ColumnMeta]) -> BTreeMap<Role, Suggestion> {
    let candidate = |(index, column): (usize, &ColumnMeta)| {
        let found = identify(&column.original_name, column.unit.as_deref(), &[]).into_iter().next();
        Some((index, found.filter(|found| found.confidence >= SUGGESTS)?))
    };
    let readings = columns.iter().enumerate().filter(|(_, c)| c.kind == Kind::Instantaneous && c.derived.is_none());
    let candidates: Vec<(usize, Candidate)> = readings.filter_map(candidate).collect();
    Role::ALL.into_iter().map(|role| (role, best(role, &candidates, columns))).collect()
}

fn best(role: Role, candidates: &[(usize, Candidate)], columns: &[ColumnMeta]) -> Suggestion {
    let usual = |index: usize| {
        columns.get(index).is_some_and(|column| role.usual_names().contains(&joined(&column.original_name).as_str()))
    };
    let mut found: Vec<&(usize, Candidate)> = candidates.iter().filter(|(_, found)| role.is_played_by(found)).collect();
    narrow(&mut found, |(_, found)| !found.numbered);
    let surest = found.iter().map(|(_, found)| found.confidence).fold(0.0, f64::max);
    narrow(&mut found, |(_, found)| found.confidence >= surest);
    narrow(&mut found, |(index, _)| usual(*index));
    match found.as_slice() {
        [] => Suggestion::None,
        [(index, found)] => {
            let evidence = format!("suggested: {}; no other column's name fits as well", found.evidence);
            Suggestion::One(RoleColumns { columns: vec![*index], evidence })
        }
        several => Suggestion::Several(several.iter().map(|(index, _)| *index).collect()),
    }
}

/// Leaves those that are so, if any is.
fn narrow(found: &mut Vec<&(usize, Candidate)>, is_so: impl Fn(&(usize, Candidate)) -> bool) {
    if found.iter().any(|one| is_so(one)) {
        found.retain(|one| is_so(one));
    }
}

/// The index of the column with that stored or original name, or the sentence that there is none.
///
/// # Errors
/// When there is no such column, with the closest names.
pub(crate) fn find(name: &str, columns: &[ColumnMeta]) -> Result<usize, String> {
    let position = columns.iter().position(|c| c.name == name);
    let by_original = || columns.iter().position(|c| c.original_name == name);
    position.or_else(by_original).ok_or_else(|| format!("there is no column '{name}'{}", closest(&[name], columns)))
}

/// `; the closest are A, B and C`: the columns whose names are most like one of `wanted`.
#[must_use]
pub(crate) fn closest(wanted: &[&str], columns: &[ColumnMeta]) -> String {
    let likeness = |column: &ColumnMeta| {
        let name = joined(&column.original_name);
        wanted.iter().map(|w| strsim::jaro_winkler(&joined(w), &name)).fold(0.0, f64::max)
    };
    let mut rated: Vec<(f64, &str)> = columns.iter().map(|c| (likeness(c), c.name.as_str())).collect();
    rated.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    match rated.iter().take(3).map(|(_, name)| *name).collect::<Vec<_>>().as_slice() {
        [] => String::new(),
        [one] => format!("; the only column is {one}"),
        [start @ .., last] => format!("; the closest are {} and {last}", start.join(", ")),
    }
}

/// Names by which a missing role's closest columns are found.
#[must_use]
pub(crate) fn wanted(role: Role) -> Vec<&'static str> {
    role.usual_names().iter().copied().chain([role.name()]).collect()
}

/// A name in capitals with `_` between its words, as names are compared.
fn joined(name: &str) -> String {
    let upper = name.to_uppercase();
    upper.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
}

/// What a stated role means, or the sentence on what is wrong with it.
///
/// # Errors
/// Unknown columns, columns without numbers, none at all, or several where they do not add up.
pub(crate) fn stated(role: Role, roles: &Roles, columns: &[ColumnMeta]) -> Option<Result<RoleColumns, String>> {
    let names = role.stated(roles)?.names();
    Some((|| {
        let mut indices = Vec::with_capacity(names.len());
        for name in names {
            let index = find(name, columns)?;
            let numeric = columns
                .get(index)
                .is_some_and(|c| matches!(c.kind, Kind::Instantaneous | Kind::Counter | Kind::IntervalTotal));
            if !numeric {
                return Err(format!(
                    "column '{name}' cannot be {}: its values are no readings",
                    role.quantity().name()
                ));
            }
            if indices.contains(&index) {
                return Err(format!("column '{name}' is named twice"));
            }
            indices.push(index);
        }
        if indices.is_empty() || (indices.len() > 1 && !role.adds_up()) {
            return Err(format!("{} takes one column, not {}", role.name(), indices.len()));
        }
        let evidence = if indices.len() > 1 { "stated in the request; they add up" } else { "stated in the request" };
        Ok(RoleColumns { columns: indices, evidence: evidence.to_owned() })
    })())
}

/// All roles that are stated or suggested; what is wrong with stated ones; the ambiguous ones.
pub(crate) type Resolved = (BTreeMap<Role, RoleColumns>, Vec<(Role, String)>, BTreeMap<Role, Vec<usize>>);

/// Resolves every role.
#[must_use]
pub(crate) fn resolve(roles: &Roles, columns: &[ColumnMeta]) -> Resolved {
    let (mut chosen, mut wrong, mut ambiguous) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
    for (role, suggestion) in suggest(columns) {
        match stated(role, roles, columns) {
            Some(Ok(found)) => drop(chosen.insert(role, found)),
            Some(Err(message)) => wrong.push((role, message)),
            None => match suggestion {
                Suggestion::One(found) => drop(chosen.insert(role, found)),
                Suggestion::Several(indices) => drop(ambiguous.insert(role, indices)),
                Suggestion::None => {}
            },
        }
    }
    (chosen, wrong, ambiguous)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::super::tests::columns;
    use super::*;

    fn suggested(names: &[&str]) -> BTreeMap<&'static str, Vec<String>> {
        let columns = columns(names);
        let (chosen, _, _) = resolve(&Roles::default(), &columns);
        let names = |c: &RoleColumns| c.columns.iter().map(|i| columns[*i].original_name.clone()).collect();
        chosen.iter().map(|(role, chosen)| (role.name(), names(chosen))).collect()
    }

    /// The columns of a real plant's report and of its weather logger.
    #[test]
    fn roles_of_a_plant_in_us_units() {
        let names = [
            "RT",
            "kW_Tot",
            "kW_RT",
            "CH Load",
            "CH1",
            "CH2",
            "kW_CHH",
            "kW_CHP",
            "GPM",
            "DeltaCHW",
            "CHWS",
            "CHWR",
            "DeltaCDW",
            "CDHI",
            "CDLO",
            "WBT",
            "DeltaCT",
            "Hz_ CHP",
            "RH [%]",
            "Temperature [°C]",
        ];
        let roles = suggested(&names);
        for (role, name) in [
            ("load", "RT"),
            ("power", "kW_Tot"),
            ("chiller_power", "kW_CHH"),
            ("flow", "GPM"),
            ("chw_supply", "CHWS"),
            ("chw_return", "CHWR"),
            ("cw_supply", "CDLO"),
            ("cw_return", "CDHI"),
            ("wet_bulb", "WBT"),
            ("humidity", "RH [%]"),
            ("dry_bulb", "Temperature [°C]"),
        ] {
            assert_eq!(roles.get(role), Some(&vec![name.to_owned()]), "{role}");
        }
        assert_eq!(roles.get("cw_flow"), None);
    }

    #[test]
    fn roles_of_the_samples() {
        let names = [
            "CH-1.S",
            "CH-1.KW",
            "CHP.VFD_OUT",
            "CHW.FLOW.LPM",
            "CHWST",
            "CHWRT",
            "CWST",
            "CWRT",
            "OAT",
            "OAH",
            "CH.SYS.TOTAL.KW",
            "CH.SYS.TOTAL.KWH",
            "CH.SYS.RT",
        ];
        let roles = suggested(&names);
        assert_eq!(roles["load"], ["CH.SYS.RT"]);
        assert_eq!(roles["power"], ["CH.SYS.TOTAL.KW"]);
        assert_eq!(roles["flow"], ["CHW.FLOW.LPM"]);
        assert_eq!((roles["chw_supply"][0].as_str(), roles["chw_return"][0].as_str()), ("CHWST", "CHWRT"));
        assert_eq!((roles["cw_supply"][0].as_str(), roles["cw_return"][0].as_str()), ("CWST", "CWRT"));
        assert_eq!((roles["dry_bulb"][0].as_str(), roles["humidity"][0].as_str()), ("OAT", "OAH"));
    }

    #[test]
    fn two_equal_matches_are_no_suggestion() {
        let columns = columns(&["CH_1_RT", "CH_2_RT", "CHW_RT"]);
        assert_eq!(suggest(&columns)[&Role::Load], Suggestion::Several(vec![0, 1]));
        let both = Roles { load: Some(Columns::Sum(vec!["CH_1_RT".into(), "CH_2_RT".into()])), ..Roles::default() };
        assert_eq!(stated(Role::Load, &both, &columns).unwrap().unwrap().columns, [0, 1]);
    }

    #[test]
    fn a_stated_column_that_is_not_there_names_the_closest() {
        let columns = columns(&["CHWST", "CHWRT", "OAT"]);
        let roles = Roles { chw_supply: Some(Columns::One("CHW_ST".into())), ..Roles::default() };
        let message = stated(Role::ChwSupply, &roles, &columns).unwrap().unwrap_err();
        assert_eq!(message, "there is no column 'CHW_ST'; the closest are CHWST, CHWRT and OAT");
        let roles = Roles { chw_supply: Some(Columns::Sum(vec!["CHWST".into(), "CHWRT".into()])), ..Roles::default() };
        assert_eq!(
            stated(Role::ChwSupply, &roles, &columns).unwrap().unwrap_err(),
            "chw_supply takes one column, not 2"
        );
    }
}

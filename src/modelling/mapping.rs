//! Which columns play which part in a plant: the thirteen categories of HVAC.md §5, suggested by names.
//!
//! A suggestion is no more than that: it says which pattern it came from, how much of the name that pattern
//! spells out, and what else the name could be.

/// A part that columns play.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    /// Totals and ratios of the plant: targets, never features.
    SystemLevel,
    /// Chillers.
    Chiller,
    /// Chilled-water pumps.
    ChwPump,
    /// Secondary (zone) pumps.
    ScpPump,
    /// Condenser-water pumps.
    CwPump,
    /// Chilled-water temperatures.
    ChwTemp,
    /// Chilled-water pressures.
    ChwPressure,
    /// Chilled-water flows.
    ChwFlow,
    /// Condenser-water temperatures.
    CwTemp,
    /// Condenser-water pressures.
    CwPressure,
    /// Condenser-water flows.
    CwFlow,
    /// Cooling towers.
    CoolingTower,
    /// The weather.
    Environment,
}

impl Category {
    /// Every category; where a name fits several equally well, the earlier one has it.
    pub const ALL: [Self; 13] = [
        Self::SystemLevel,
        Self::Chiller,
        Self::ChwPump,
        Self::ScpPump,
        Self::CwPump,
        Self::ChwFlow,
        Self::CwFlow,
        Self::ChwPressure,
        Self::CwPressure,
        Self::ChwTemp,
        Self::CwTemp,
        Self::CoolingTower,
        Self::Environment,
    ];

    /// Key of its columns in a feature mapping.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::SystemLevel => "system_level_cols",
            Self::Chiller => "chiller_cols",
            Self::ChwPump => "chw_pump_cols",
            Self::ScpPump => "scp_pump_cols",
            Self::CwPump => "cw_pump_cols",
            Self::ChwTemp => "chw_temp_cols",
            Self::ChwPressure => "chw_pressure_cols",
            Self::ChwFlow => "chw_flow_cols",
            Self::CwTemp => "cw_temp_cols",
            Self::CwPressure => "cw_pressure_cols",
            Self::CwFlow => "cw_flow_cols",
            Self::CoolingTower => "cooling_tower_cols",
            Self::Environment => "environment_cols",
        }
    }

    /// Patterns of names (capitals, words joined by `_`), `*` for anything.
    #[must_use]
    pub fn patterns(self) -> &'static [&'static str] {
        match self {
            Self::SystemLevel => &["*TOTAL*", "*COP*", "*EFFICIENCY*"],
            Self::Chiller => &["CH_*", "CHILLER*"],
            Self::ChwPump => &["CHP*"],
            Self::ScpPump => &["SCP*"],
            Self::CwPump => &["CWP*"],
            Self::ChwTemp => &["*CHW*TEMP*", "*CHW*ST*", "*CHW*RT*"],
            Self::ChwPressure => &["*CHW*PRESSURE*"],
            Self::ChwFlow => &["*CHW*FLOW*", "*CHW*LPM*"],
            Self::CwTemp => &["*CW*TEMP*", "*CWS*", "*CWR*"],
            Self::CwPressure => &["*CW*PRESSURE*"],
            Self::CwFlow => &["*CW*FLOW*", "*CW*LPM*"],
            Self::CoolingTower => &["CT_*", "TOWER*"],
            Self::Environment => &["*OAT*", "*OAH*", "*WBT*", "OUTDOOR*"],
        }
    }
}

/// What a name suggests.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggested {
    /// The part.
    pub category: Category,
    /// The pattern that the name fits.
    pub pattern: &'static str,
    /// Share of the name's letters and digits that the pattern spells out, divided by the number of categories
    /// that the name fits: 0–1.
    pub confidence: f64,
    /// Other parts that the name fits, best first.
    pub others: Vec<Category>,
}

/// The part that a column of this name plays: a category whose pattern it fits, a total before all others (it must
/// not become a feature), then the one whose pattern spells out most of the name. None when it fits none.
#[must_use]
pub fn suggest(name: &str) -> Option<Suggested> {
    let name = name
        .to_uppercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("_");
    let letters = name.chars().filter(|c| c.is_alphanumeric()).count();
    let spelled = |pattern: &str| pattern.chars().filter(|c| c.is_alphanumeric()).count();
    let mut fitting: Vec<(Category, &'static str)> = Category::ALL
        .into_iter()
        .filter_map(|category| {
            let fits = category.patterns().iter().filter(|pattern| matches(pattern, &name));
            Some((category, *fits.max_by_key(|pattern| spelled(pattern))?))
        })
        .collect();
    // Stable, so equals stay in the order of `ALL`.
    fitting.sort_by_key(|(category, pattern)| (*category != Category::SystemLevel, usize::MAX - spelled(pattern)));
    let (category, pattern) = *fitting.first()?;
    let share = spelled(pattern) as f64 / letters.max(1) as f64;
    Some(Suggested {
        category,
        pattern,
        confidence: share.min(1.0) / fitting.len() as f64,
        others: fitting.iter().skip(1).map(|(other, _)| *other).collect(),
    })
}

/// Whether `name` fits `pattern`, in which `*` stands for anything.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|tail| {
            let mut tails = tail.char_indices().map(|(at, _)| at).chain([tail.len()]);
            tails.any(|at| tail.get(at..).is_some_and(|tail| matches(rest, tail)))
        }),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_plant_find_their_part() {
        for (name, category) in [
            ("CH-1.KW", Category::Chiller),
            ("CHILLER 2 LOAD", Category::Chiller),
            ("CHP_01_VFD_OUT", Category::ChwPump),
            ("SCP-3.S", Category::ScpPump),
            ("CWP_2_HZ", Category::CwPump),
            ("CHWST", Category::ChwTemp),
            ("CHW_RT", Category::ChwTemp),
            ("CHW_SUPPLY_PRESSURE", Category::ChwPressure),
            ("Main CHW Flow", Category::ChwFlow),
            ("CWST", Category::CwTemp),
            ("CWR_T", Category::CwTemp),
            ("CW_FLOW_LPM", Category::CwFlow),
            ("CT_1_KW", Category::CoolingTower),
            ("OAT-1", Category::Environment),
            ("outdoor rh", Category::Environment),
            ("PLANT_COP", Category::SystemLevel),
        ] {
            assert_eq!(suggest(name).unwrap().category, category, "{name}");
        }
        assert_eq!(suggest("AHU-3 SAT"), None);
        assert_eq!(suggest(""), None);
    }

    /// A total is a target: as a chiller's feature it would give the answer away.
    #[test]
    fn a_total_is_never_a_feature() {
        let total = suggest("CH_SYS_TOTAL_KW").unwrap();
        assert_eq!((total.category, total.others), (Category::SystemLevel, vec![Category::Chiller]));
        // TOTAL is 5 of the 12 letters of CH SYS TOTAL KW, and it fits two categories.
        assert!((total.confidence - 5.0 / 12.0 / 2.0).abs() < 1e-12, "{}", total.confidence);
    }

    #[test]
    fn confidence_is_the_share_of_the_name_that_is_spelled_out() {
        assert!((suggest("CHWST").unwrap().confidence - 1.0).abs() < 1e-12);
        // CHP of CHP01VFDOUT.
        assert!((suggest("CHP_01_VFD_OUT").unwrap().confidence - 3.0 / 11.0).abs() < 1e-12);
    }
}

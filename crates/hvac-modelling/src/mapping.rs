//! Which columns play which part in a model (HVAC.md §5).
//!
//! Fourteen categories with wildcard patterns that suggest columns, any number of custom ones, and a target.
//! In JSON the keys are `chiller_cols`, `chw_pump_cols`, …; the original application's older keys and the web
//! frontend's camelCase ones are accepted. A suggestion says by which pattern and how sure it is, and is no more
//! than that: nothing is mapped that nobody asked for.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use super::category::Category;
use super::words::{did_you_mean, matches};
use super::{ModelError, Problem};
use hvac_points::{MachineKind, Measure, Medium, Nature, Quantity, Reading};

/// The target when none is named.
pub const DEFAULT_TARGET: &str = "CH_SYS_TOTAL_KW";

/// What a model predicts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TargetMetric {
    /// Electric power, kW.
    #[default]
    Power,
    /// Specific power, kW/RT.
    Efficiency,
}

/// Which columns play which part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(try_from = "BTreeMap<String, Value>")]
#[expect(missing_docs, reason = "each field is the category of its name")]
pub struct FeatureMapping {
    pub load_cols: Vec<String>,
    pub chiller_cols: Vec<String>,
    pub chw_pump_cols: Vec<String>,
    pub scp_pump_cols: Vec<String>,
    pub chw_temp_cols: Vec<String>,
    pub chw_pressure_cols: Vec<String>,
    pub chw_flow_cols: Vec<String>,
    pub cw_pump_cols: Vec<String>,
    pub cw_temp_cols: Vec<String>,
    pub cw_pressure_cols: Vec<String>,
    pub cw_flow_cols: Vec<String>,
    pub cooling_tower_cols: Vec<String>,
    pub environment_cols: Vec<String>,
    pub system_level_cols: Vec<String>,
    /// Custom categories by name.
    pub custom_categories: BTreeMap<String, Vec<String>>,
    /// Column that is predicted.
    pub target_col: String,
    /// What it is.
    pub target_metric: TargetMetric,
}

impl Default for FeatureMapping {
    fn default() -> Self {
        Self {
            load_cols: Vec::new(),
            chiller_cols: Vec::new(),
            chw_pump_cols: Vec::new(),
            scp_pump_cols: Vec::new(),
            chw_temp_cols: Vec::new(),
            chw_pressure_cols: Vec::new(),
            chw_flow_cols: Vec::new(),
            cw_pump_cols: Vec::new(),
            cw_temp_cols: Vec::new(),
            cw_pressure_cols: Vec::new(),
            cw_flow_cols: Vec::new(),
            cooling_tower_cols: Vec::new(),
            environment_cols: Vec::new(),
            system_level_cols: Vec::new(),
            custom_categories: BTreeMap::new(),
            target_col: DEFAULT_TARGET.to_owned(),
            target_metric: TargetMetric::default(),
        }
    }
}

impl FeatureMapping {
    /// The columns of a category.
    #[must_use]
    pub(crate) fn of(&self, category: Category) -> &[String] {
        match category {
            Category::Load => &self.load_cols,
            Category::Chiller => &self.chiller_cols,
            Category::ChwPump => &self.chw_pump_cols,
            Category::ScpPump => &self.scp_pump_cols,
            Category::ChwTemp => &self.chw_temp_cols,
            Category::ChwPressure => &self.chw_pressure_cols,
            Category::ChwFlow => &self.chw_flow_cols,
            Category::CwPump => &self.cw_pump_cols,
            Category::CwTemp => &self.cw_temp_cols,
            Category::CwPressure => &self.cw_pressure_cols,
            Category::CwFlow => &self.cw_flow_cols,
            Category::CoolingTower => &self.cooling_tower_cols,
            Category::Environment => &self.environment_cols,
            Category::SystemLevel => &self.system_level_cols,
        }
    }

    fn of_mut(&mut self, category: Category) -> &mut Vec<String> {
        match category {
            Category::Load => &mut self.load_cols,
            Category::Chiller => &mut self.chiller_cols,
            Category::ChwPump => &mut self.chw_pump_cols,
            Category::ScpPump => &mut self.scp_pump_cols,
            Category::ChwTemp => &mut self.chw_temp_cols,
            Category::ChwPressure => &mut self.chw_pressure_cols,
            Category::ChwFlow => &mut self.chw_flow_cols,
            Category::CwPump => &mut self.cw_pump_cols,
            Category::CwTemp => &mut self.cw_temp_cols,
            Category::CwPressure => &mut self.cw_pressure_cols,
            Category::CwFlow => &mut self.cw_flow_cols,
            Category::CoolingTower => &mut self.cooling_tower_cols,
            Category::Environment => &mut self.environment_cols,
            Category::SystemLevel => &mut self.system_level_cols,
        }
    }

    /// The columns that may be features, each once, in the order of categories; never the target, never totals
    /// and ratios.
    #[must_use]
    pub fn features(&self) -> Vec<&str> {
        self.mapped().into_iter().map(|mapped| mapped.column).collect()
    }

    /// The same, with what each is mapped as.
    #[must_use]
    pub fn mapped(&self) -> Vec<MappedColumn<'_>> {
        let of = |category| {
            self.of(category).iter().map(move |column| MappedColumn { place: MappedPlace::Category(category), column })
        };
        let own = self.custom_categories.iter();
        let own = own.flat_map(|(name, columns)| {
            columns.iter().map(|column| MappedColumn { place: MappedPlace::Own(name), column })
        });
        let mut seen = BTreeSet::new();
        let barred = |name: &str| name == self.target_col || self.system_level_cols.iter().any(|c| c == name);
        let all = Category::ALL.into_iter().filter(|category| category.is_feature()).flat_map(of).chain(own);
        all.filter(|mapped| !barred(mapped.column) && seen.insert(mapped.column)).collect()
    }

    /// The mapping with its wildcards (`CHP*`; letters' case does not matter) replaced by the columns they match, each
    /// category's once, in the columns' order.
    ///
    /// # Errors
    /// `unknown_column`, one problem a wildcard that matches nothing.
    pub fn expand(&self, columns: &[&str]) -> Result<Self, ModelError> {
        let mut problems = Vec::new();
        let mut expanded = |field: String, own: &[String]| {
            let mut found: Vec<String> = Vec::new();
            for entry in own {
                let matching: Vec<&str> = match entry.contains('*') {
                    true => columns.iter().copied().filter(|column| matches(entry, column)).collect(),
                    false => vec![entry],
                };
                if matching.is_empty() {
                    let stem = entry.replace('*', "");
                    let advice = did_you_mean(columns.iter().copied(), &stem, LISTED);
                    let message = format!("{field}: no column matches '{entry}'; {advice}");
                    problems.push(Problem { field: field.clone(), message });
                }
                for column in matching {
                    if !found.iter().any(|own| own == column) {
                        found.push(column.to_owned());
                    }
                }
            }
            found
        };
        let mut mapping = self.clone();
        for category in Category::ALL {
            *mapping.of_mut(category) = expanded(MappedPlace::Category(category).field(), self.of(category));
        }
        for (name, own) in &mut mapping.custom_categories {
            *own = expanded(MappedPlace::Own(name).field(), own);
        }
        ModelError::of("unknown_column", problems).map_or(Ok(mapping), Err)
    }

    /// Whether every feature's column is one of `columns`.
    ///
    /// # Errors
    /// `unknown_column`, one problem a column, naming the closest.
    pub fn check(&self, columns: &[&str]) -> Result<(), ModelError> {
        let unknown = self.mapped().into_iter().filter(|mapped| !columns.contains(&mapped.column));
        let problem = |mapped: MappedColumn<'_>| {
            let (field, column) = (mapped.place.field(), mapped.column);
            let advice = did_you_mean(columns.iter().copied(), column, LISTED);
            Problem { message: format!("{field}: there is no column '{column}' with numbers; {advice}"), field }
        };
        ModelError::of("unknown_column", unknown.map(problem).collect()).map_or(Ok(()), Err)
    }

    /// Takes out the columns that may be features and do not stay.
    pub(crate) fn retain_features(&mut self, stays: impl Fn(&str) -> bool) {
        for category in Category::ALL.into_iter().filter(|category| category.is_feature()) {
            self.of_mut(category).retain(|name| stays(name));
        }
        self.custom_categories.values_mut().for_each(|columns| columns.retain(|name| stays(name)));
    }

    fn put(&mut self, category: Category, columns: Vec<String>) {
        let own = self.of_mut(category);
        for column in columns {
            if !own.contains(&column) {
                own.push(column);
            }
        }
    }
}

/// Where to look when no name looks alike.
const LISTED: &str = "GET /api/data/stats lists the columns";

/// A column that may be a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MappedColumn<'m> {
    /// As what it is mapped.
    pub place: MappedPlace<'m>,
    /// Its name.
    pub column: &'m str,
}

/// Where in a mapping a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MappedPlace<'m> {
    /// In a category.
    Category(Category),
    /// In a custom one of that name.
    Own(&'m str),
}

impl MappedPlace<'_> {
    /// Field of a request, such as `feature_mapping.chiller_cols`.
    #[must_use]
    pub fn field(self) -> String {
        match self {
            Self::Category(category) => format!("feature_mapping.{}", category.key()),
            Self::Own(name) => format!("feature_mapping.custom_categories.{name}"),
        }
    }
}

/// What a key of a mapping in JSON means.
enum Key {
    Category(Category),
    /// The original application's `temp_cols`: chilled and condenser water together.
    Temperatures,
    Custom,
    Target,
    Metric,
    Unknown,
}

fn key_of(key: &str) -> Key {
    let snake = snake_case(key);
    let stem = snake.strip_suffix("_cols").or_else(|| snake.strip_suffix("_columns")).unwrap_or(&snake);
    if let Some(category) = Category::ALL.into_iter().find(|category| category.name() == stem) {
        return Key::Category(category);
    }
    match stem {
        "chillers" => Key::Category(Category::Chiller),
        "chw_pump_hz" | "chw_pumps" => Key::Category(Category::ChwPump),
        "scp_pump_hz" | "scp_pumps" => Key::Category(Category::ScpPump),
        "cw_pump_hz" | "cw_pumps" => Key::Category(Category::CwPump),
        "ct_fan_hz" | "cooling_towers" => Key::Category(Category::CoolingTower),
        "env" => Key::Category(Category::Environment),
        "system" => Key::Category(Category::SystemLevel),
        "temp" => Key::Temperatures,
        "custom_categories" | "custom" => Key::Custom,
        "target" | "target_col" | "target_column" => Key::Target,
        "target_metric" => Key::Metric,
        _ if snake.ends_with("_cols") => Key::Custom,
        _ => Key::Unknown,
    }
}

/// `chwPumpCols` as `chw_pump_cols`.
fn snake_case(key: &str) -> String {
    let mut snake = String::with_capacity(key.len() + 4);
    for letter in key.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

impl TryFrom<BTreeMap<String, Value>> for FeatureMapping {
    type Error = String;

    fn try_from(fields: BTreeMap<String, Value>) -> Result<Self, String> {
        let mut mapping = Self::default();
        for (key, value) in fields {
            match key_of(&key) {
                _ if value.is_null() => {}
                Key::Category(category) => mapping.put(category, names(&key, value)?),
                Key::Temperatures => {
                    for column in names(&key, value)? {
                        let condenser = suggest(&column).is_some_and(|found| found.category == Category::CwTemp);
                        mapping.put(if condenser { Category::CwTemp } else { Category::ChwTemp }, vec![column]);
                    }
                }
                Key::Custom if value.is_object() => {
                    let Value::Object(all) = value else { continue };
                    for (name, columns) in all {
                        mapping.custom_categories.insert(name.clone(), names(&name, columns)?);
                    }
                }
                Key::Custom => {
                    let name = key.strip_suffix("_cols").unwrap_or(&key).to_owned();
                    mapping.custom_categories.insert(name, names(&key, value)?);
                }
                Key::Target => {
                    let target = value.as_str().filter(|name| !name.is_empty());
                    mapping.target_col = target.ok_or_else(|| format!("{key} must be a column's name"))?.to_owned();
                }
                Key::Metric => {
                    mapping.target_metric = serde_json::from_value(value)
                        .map_err(|_| format!("{key} must be \"power\" or \"efficiency\""))?;
                }
                Key::Unknown => return Err(unknown_key(&key)),
            }
        }
        Ok(mapping)
    }
}

fn names(key: &str, value: Value) -> Result<Vec<String>, String> {
    match value {
        Value::String(name) => Ok(vec![name]),
        other => serde_json::from_value(other).map_err(|_| format!("{key} must be a list of column names")),
    }
}

fn unknown_key(key: &str) -> String {
    let keys = Category::ALL.map(Category::key);
    let likeness = |known: &&&str| strsim::jaro_winkler(&snake_case(key), known);
    let closest = keys.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let closest = closest.map(|key| format!("; did you mean {key}?")).unwrap_or_default();
    format!("a feature mapping has no '{key}'{closest} A category of your own ends in _cols")
}

/// What a name suggests.
#[derive(Debug, Clone, PartialEq)]
pub struct CategorySuggestion {
    /// The part.
    pub category: Category,
    /// The words that tell it.
    pub evidence: String,
    /// 0–1: 0.95 when the name says it, less for what only custom tells and for words that are not known.
    pub confidence: f64,
    /// Other parts that the name fits, were one of its words meant otherwise.
    pub others: Vec<Category>,
}

/// The part that a column of this name plays, if it says so. A total of power comes before all others: as a feature it
/// would leak the target.
///
/// ```
/// use hvac_modelling::mapping::{Category, suggest};
///
/// let category = |name| suggest(name).map(|suggestion| suggestion.category);
/// assert_eq!(category("CHWST"), Some(Category::ChwTemp));
/// assert_eq!(category("CH_SYS_TOTAL_KW"), Some(Category::SystemLevel));
/// assert_eq!(category("DOOR"), None);
/// ```
#[must_use]
pub fn suggest(name: &str) -> Option<CategorySuggestion> {
    let reading = Reading::of(name);
    let (category, by_custom) = category_of(&reading)?;
    let mut others: Vec<Category> = Reading::others_of(name).iter().filter_map(|r| Some(category_of(r)?.0)).collect();
    others.sort_unstable();
    others.dedup();
    others.retain(|other| *other != category);
    let confidence = ((reading.confidence() - by_custom) * 100.0).round() / 100.0;
    Some(CategorySuggestion { category, evidence: reading.evidence(), confidence, others })
}

/// What is taken off when the name does not say whose water or air it is.
const BY_CUSTOM: f64 = 0.3;

/// The part that what a name says plays, and what is taken off its confidence.
fn category_of(reading: &Reading) -> Option<(Category, f64)> {
    if reading.nature.is_some_and(|nature| nature != Nature::Command) {
        return None;
    }
    let water = |chilled, condenser| match (reading.medium, reading.machine) {
        (Some(Medium::ChilledWater), _) => Some((chilled, 0.0)),
        (Some(Medium::CondenserWater), _) => Some((condenser, 0.0)),
        (Some(_), _) | (None, Some(MachineKind::Other)) => None,
        (None, Some(MachineKind::CwPump | MachineKind::Tower)) => Some((condenser, BY_CUSTOM)),
        (None, _) => Some((chilled, BY_CUSTOM)),
    };
    let machine = match reading.machine {
        Some(MachineKind::Chiller) => Some((Category::Chiller, 0.0)),
        Some(MachineKind::ChwPump) => Some((Category::ChwPump, 0.0)),
        Some(MachineKind::ScpPump) => Some((Category::ScpPump, 0.0)),
        Some(MachineKind::CwPump) => Some((Category::CwPump, 0.0)),
        Some(MachineKind::Tower) => Some((Category::CoolingTower, 0.0)),
        Some(MachineKind::Other) | None => None,
    };
    let of_plant = reading.total || reading.plant && reading.machine.is_none();
    let quantity = reading.quantity(None);
    match (reading.measure, quantity) {
        (Some(Measure::KwPerRt | Measure::Cop), _) => Some((Category::SystemLevel, 0.0)),
        (Some(Measure::Power | Measure::Energy), _) if of_plant => Some((Category::SystemLevel, 0.0)),
        (_, Some(Quantity::ChwTemperature)) => Some((Category::ChwTemp, 0.0)),
        (_, Some(Quantity::CwTemperature)) => Some((Category::CwTemp, 0.0)),
        (_, Some(Quantity::AirTemperature)) => Some((Category::Environment, 0.0)),
        (Some(Measure::WetBulb | Measure::Humidity), _) => {
            (reading.machine.is_none() && reading.medium != Some(Medium::Other)).then_some((Category::Environment, 0.0))
        }
        (Some(Measure::Flow), _) => water(Category::ChwFlow, Category::CwFlow),
        // A chiller's pressure is mostly its refrigerant's.
        (Some(Measure::Pressure), _) if reading.medium.is_none() && reading.machine == Some(MachineKind::Chiller) => {
            machine
        }
        (Some(Measure::Pressure), _) => water(Category::ChwPressure, Category::CwPressure),
        (Some(Measure::Load), _) if reading.medium != Some(Medium::Other) => match reading.unsure {
            // a mere `LOAD` may be a share, or electric
            true => Some((Category::Chiller, 0.0)),
            false => Some((Category::Load, 0.0)),
        },
        (Some(Measure::Temperature), _) => None,
        _ => machine,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn every_category_is_suggested() {
        use Category::*;
        for (name, category) in [
            ("RT", Load),
            ("CH_SYS_RT", Load),
            ("CH_1_RT", Load),
            ("CH_1_KW", Chiller),
            ("CHILLER 2 LOAD", Chiller),
            ("CHP_01_VFD_OUT", ChwPump),
            ("Hz_ CHP", ChwPump),
            ("SCP_02_KW", ScpPump),
            ("ZWP-1.F", ScpPump),
            ("CHW_TEMP_1", ChwTemp),
            ("CHWST", ChwTemp),
            ("CHW_RT", ChwTemp),
            ("CHWS", ChwTemp),
            ("CHW_PRESSURE", ChwPressure),
            ("CHW.FLOW.LPM", ChwFlow),
            ("GPM", ChwFlow),
            ("CWP_1_HZ", CwPump),
            ("CWST", CwTemp),
            ("CDHI", CwTemp),
            ("CW_PRESSURE", CwPressure),
            ("CW_FLOW", CwFlow),
            ("CT_1_VFD_OUT", CoolingTower),
            ("kW_CT", CoolingTower),
            ("OAT", Environment),
            ("WBT_C", Environment),
            ("OUTDOOR_HUMIDITY", Environment),
            ("CH_SYS_TOTAL_KW", SystemLevel),
            ("PLANT_COP", SystemLevel),
            ("kW_RT", SystemLevel),
            ("CHW_SUPPLY_PRESSURE", ChwPressure),
            ("Main CHW Flow", ChwFlow),
            ("CWR_T", CwTemp),
            ("OAT-1", Environment),
        ] {
            assert_eq!(suggest(name).map(|found| found.category), Some(category), "{name}");
        }
        assert_eq!((suggest("AH0101 T"), suggest("MODE"), suggest("")), (None, None, None));
    }

    /// All is said; whose water is not; one word is strange.
    #[test]
    fn a_suggestion_says_how_sure_it_is() {
        let of = |name: &str| {
            let found = suggest(name).unwrap();
            (found.evidence, found.confidence, found.others)
        };
        assert_eq!(of("CHP_01_KW"), ("CHP = chilled-water pump, KW = kW".to_owned(), 0.95, vec![]));
        assert_eq!((of("CHWST").1, of("CHW1ST").1, of("LPM").1, of("XYZ_CHWST").1), (0.95, 0.95, 0.65, 0.9));
        assert_eq!(of("CHW_RT").2, [Category::Load], "tons of refrigeration");
        for none in ["FLOAT_SWITCH", "CHWST_SP", "CH_1_ALARM", "CHW_VALVE", "HWST"] {
            assert_eq!(suggest(none), None, "{none}");
        }
    }

    #[test]
    fn keys_of_three_generations_mean_the_same() {
        let read = |json: &str| serde_json::from_str::<FeatureMapping>(json);
        let new = read(
            r#"{"load_cols": ["CH_0_RT"], "chw_pump_cols": ["CHP_1_HZ"], "cw_pump_cols": ["CWP_1_HZ"],
            "cooling_tower_cols": ["CT_1_HZ"], "chw_temp_cols": ["CHWST"], "cw_temp_cols": ["CWRT"],
            "environment_cols": ["OAT"]}"#,
        )
        .unwrap();
        let old = read(
            r#"{"load_cols": ["CH_0_RT"], "chw_pump_hz_cols": ["CHP_1_HZ"], "cw_pump_hz_cols": ["CWP_1_HZ"],
            "ct_fan_hz_cols": ["CT_1_HZ"], "temp_cols": ["CHWST", "CWRT"], "env_cols": ["OAT"]}"#,
        )
        .unwrap();
        let camel = read(
            r#"{"load": ["CH_0_RT"], "chwPump": ["CHP_1_HZ"], "cwPumpCols": ["CWP_1_HZ"],
            "coolingTower": ["CT_1_HZ"], "chwTemp": ["CHWST"], "cwTemp": ["CWRT"], "environment": ["OAT"],
            "targetCol": "CH_SYS_TOTAL_KW", "targetMetric": "power"}"#,
        )
        .unwrap();
        assert_eq!((&new, &new), (&old, &camel));
        let back: FeatureMapping = serde_json::from_str(&serde_json::to_string(&new).unwrap()).unwrap();
        assert_eq!(back, new);
    }

    #[test]
    fn custom_categories_and_what_is_refused() {
        let read = |json: &str| serde_json::from_str::<FeatureMapping>(json);
        let own =
            read(r#"{"valve_cols": ["V1"], "custom_categories": {"doors": ["D1"]}, "target_metric": "efficiency"}"#);
        let own = own.unwrap();
        assert_eq!(own.custom_categories.keys().collect::<Vec<_>>(), ["doors", "valve"]);
        assert_eq!((own.target_metric, own.target_col.as_str()), (TargetMetric::Efficiency, DEFAULT_TARGET));
        for (json, says) in [
            (r#"{"chiler": ["A"]}"#, "a feature mapping has no 'chiler'; did you mean chiller_cols?"),
            (r#"{"chiller_cols": 7}"#, "chiller_cols must be a list of column names"),
            (r#"{"target_metric": "speed"}"#, "must be \"power\" or \"efficiency\""),
        ] {
            let error = read(json).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn totals_and_the_target_are_never_features() {
        let json = r#"{"chiller": ["CH_1_KW", "kW_Tot"], "chwTemp": ["CHWST"], "systemLevel": ["PLANT_COP"], "targetCol": "kW_Tot"}"#;
        let mut leaking: FeatureMapping = serde_json::from_str(json).unwrap();
        assert_eq!(leaking.features(), ["CH_1_KW", "CHWST"]);
        leaking.custom_categories.insert("mine".into(), vec!["kW_Tot".into(), "PLANT_COP".into(), "X".into()]);
        assert_eq!(leaking.features(), ["CH_1_KW", "CHWST", "X"]);
    }

    #[test]
    fn wildcards_become_the_columns_they_match() {
        let json =
            r#"{"chw_pump": ["chp*hz", "CHP_1_HZ"], "chiller": ["CH_*"], "own_cols": ["*_T"], "targetCol": "CH_KW"}"#;
        let mapping: FeatureMapping = serde_json::from_str(json).unwrap();
        let columns = ["CHP_2_HZ", "CHP_1_HZ", "CHP_1_KW", "CH_KW", "CH_RT", "ROOM_T"];
        let expanded = mapping.expand(&columns).unwrap();
        assert_eq!(expanded.chw_pump_cols, ["CHP_2_HZ", "CHP_1_HZ"]);
        assert_eq!(expanded.features(), ["CH_RT", "CHP_2_HZ", "CHP_1_HZ", "ROOM_T"], "never the target");
        assert_eq!(expanded.expand(&columns).unwrap(), expanded);
        let error = mapping.expand(&columns[..4]).unwrap_err();
        assert_eq!((error.code, error.problems.len()), ("unknown_column", 1));
        assert_eq!(error.problems[0].field, "feature_mapping.custom_categories.own");
    }
}

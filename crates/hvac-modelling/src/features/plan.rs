//! Which features there are: checks what is asked for against the samples and decides, column by column.

use std::collections::{BTreeMap, BTreeSet};

use super::super::align::{self, Aligned, HeldColumn};
use super::super::leakage::{self, Leak};
use super::super::mapping::FeatureMapping;
use super::super::role::{self, Role};
use super::super::samples::{SampleColumn, Samples};
use super::super::words::did_you_mean;
use super::super::{ModelError, Problem};
use super::{Feature, FeatureOptions, FeaturePlan, FeatureRange, FeatureSource, values};

/// Decides the features; columns that leak the target are left out, unless that is allowed. Wildcards in the mapping are
/// expanded here too.
///
/// # Errors
/// `unknown_column` naming each with the closest ones; `unknown_target`, `target_not_numeric`, `constant_target`;
/// `bad_option`; `no_features`, or `leakage` naming each column and why where nothing but leaks was mapped.
pub fn plan(mapping: &FeatureMapping, samples: &Samples, options: &FeatureOptions) -> Result<FeaturePlan, ModelError> {
    let names: Vec<&str> = samples.columns.iter().map(|column| column.name.as_str()).collect();
    let mapping = mapping.expand(&names)?;
    mapping.check(&names)?;
    target(&mapping, samples)?;
    let leaks = leakage::find(&mapping, samples, &options.roles);
    let aligned = align::beside_target(samples, &mapping.target_col);
    of_aligned(mapping, &aligned, leaks, options)
}

/// The same of samples that are beside the target already, and of a mapping without wildcards, with its leaks.
pub(crate) fn of_aligned(
    mut mapping: FeatureMapping,
    aligned: &Aligned<'_>,
    leaks: Vec<Leak>,
    options: &FeatureOptions,
) -> Result<FeaturePlan, ModelError> {
    let samples = aligned.samples.as_ref();
    let names: Vec<&str> = samples.columns.iter().map(|column| column.name.as_str()).collect();
    mapping.check(&names)?;
    let target = target(&mapping, samples)?;
    check_options(samples, options, &names)?;
    let mut planned = Planned::new(samples, target);
    let mut refused = None;
    if !options.allow_leakage {
        let problems = leakage::take_out(&mut mapping, &leaks);
        planned.left_out.clone_from(&problems);
        refused = ModelError::of("leakage", problems);
    }
    planned.columns(&mapping, &options.roles);
    planned.tell_temperatures();
    planned.tell_loads(&options.roles);
    if options.derived {
        planned.derived();
    }
    planned.past(options);
    if planned.features.is_empty() {
        return Err(match refused {
            Some(refused) if mapping.features().is_empty() => refused,
            _ => nothing_left(&planned.left_out),
        });
    }
    if options.calendar {
        planned.calendar();
    }
    let leaks = if options.allow_leakage { leaks } else { Vec::new() };
    let notes = planned.clocks(&aligned.held);
    Ok(FeaturePlan { mapping, features: planned.features, leaks, left_out: planned.left_out, notes })
}

fn target<'s>(mapping: &FeatureMapping, samples: &'s Samples) -> Result<&'s SampleColumn, ModelError> {
    const FIELD: &str = "feature_mapping.target_col";
    let name = &mapping.target_col;
    let Some(target) = samples.column(name) else {
        let columns = samples.columns.iter().map(|column| column.name.as_str());
        let advice = did_you_mean(columns, name, "name a column with numbers");
        let message = format!("{FIELD}: there is no column '{name}' with numbers; {advice}");
        return Err(ModelError::new("unknown_target", FIELD, message));
    };
    let mut finite = target.values.iter().copied().filter(|value| value.is_finite());
    let Some(first) = finite.next() else {
        let message = format!("{FIELD}: '{name}' has no number in any row; choose another target, or another version");
        return Err(ModelError::new("target_not_numeric", FIELD, message));
    };
    if finite.all(|value| value == first) {
        let message = format!("{FIELD}: '{name}' is {first} in every row: there is nothing to learn; choose another");
        return Err(ModelError::new("constant_target", FIELD, message));
    }
    Ok(target)
}

fn check_options(samples: &Samples, options: &FeatureOptions, names: &[&str]) -> Result<(), ModelError> {
    let mut problems = Vec::new();
    let mut unknown = |field: String, column: &str| {
        if !names.contains(&column) {
            let advice = did_you_mean(names.iter().copied(), column, "GET /api/data/stats lists the columns");
            let message = format!("{field}: there is no column '{column}' with numbers; {advice}");
            problems.push(Problem { field, message });
        }
    };
    for column in options.roles.keys() {
        unknown(format!("features.roles.{column}"), column);
    }
    for (key, of) in [("lags", &options.lags), ("rolling_means", &options.rolling_means)] {
        for column in of.keys() {
            unknown(format!("features.{key}.{column}"), column);
        }
    }
    for (key, of) in [("lags", &options.lags), ("rolling_means", &options.rolling_means)] {
        for (column, all) in of {
            let interval_ms = samples.interval_ms.max(1);
            let fits = |seconds: i64| seconds.checked_mul(1000).is_some_and(|ms| ms > 0 && ms % interval_ms == 0);
            problems.extend(all.iter().filter(|seconds| !fits(**seconds)).map(|seconds| {
                let field = format!("features.{key}.{column}");
                let interval = interval_ms as f64 / 1000.0;
                let message = format!(
                    "{field}: {seconds} s is no multiple of the interval of {interval} s above 0; use such as {interval}"
                );
                Problem { field, message }
            }));
        }
    }
    ModelError::of("bad_option", problems).map_or(Ok(()), Err)
}

fn nothing_left(left_out: &[Problem]) -> ModelError {
    let reasons: Vec<&str> = left_out.iter().map(|problem| problem.message.as_str()).collect();
    let message = match reasons.as_slice() {
        [] => "the mapping names no column that may be a feature; map some, totals and the target aside".to_owned(),
        reasons => format!("no mapped column can be a feature: {}", reasons.join("; ")),
    };
    ModelError { code: "no_features", message, problems: left_out.to_vec() }
}

/// Features decided on so far.
struct Planned<'s> {
    samples: &'s Samples,
    /// Rows that have a target: all that a model learns from.
    learnt: Vec<bool>,
    features: Vec<Feature>,
    left_out: Vec<Problem>,
    taken: BTreeSet<String>,
}

impl<'s> Planned<'s> {
    fn new(samples: &'s Samples, target: &SampleColumn) -> Self {
        Self {
            samples,
            learnt: target.values.iter().map(|value| value.is_finite()).collect(),
            features: Vec::new(),
            left_out: Vec::new(),
            // A feature that is none of the columns must not have a column's name.
            taken: samples.columns.iter().map(|column| column.name.clone()).collect(),
        }
    }

    /// Why a model would learn nothing from these values.
    fn says_nothing(&self, values: &[f64]) -> Option<String> {
        let learnt = values.iter().zip(&self.learnt).filter(|(value, learnt)| **learnt && value.is_finite());
        let mut finite = learnt.map(|(value, _)| *value);
        let Some(first) = finite.next() else {
            return Some("has no number in any row with a target".to_owned());
        };
        finite.all(|value| value == first).then(|| format!("is {first} in every row with a target"))
    }

    fn leave_out(&mut self, field: &str, name: &str, reason: &str) {
        self.left_out.push(Problem { field: field.to_owned(), message: format!("'{name}' {reason}") });
    }

    fn columns(&mut self, mapping: &FeatureMapping, roles: &BTreeMap<String, Role>) {
        for mapped in mapping.mapped() {
            let Some(column) = self.samples.column(mapped.column) else { continue };
            let same = self.features.iter().find(|feature| {
                self.samples.column(&feature.name).is_some_and(|other| same_values(&other.values, &column.values))
            });
            let same = same.map(|feature| format!("is the same as '{}' in every row", feature.name));
            if let Some(reason) = self.says_nothing(&column.values).or(same) {
                self.leave_out(&mapped.place.field(), &column.name, &reason);
                continue;
            }
            let role = roles.get(&column.name).copied().unwrap_or_else(|| role::of(&mapped, column));
            self.features.push(Feature {
                name: column.name.clone(),
                source: FeatureSource::Column { column: column.name.clone() },
                role,
                unit: column.unit.clone(),
                range: FeatureRange::default(),
            });
        }
    }

    /// Units of temperatures, as recorded or as only they are possible.
    fn tell_temperatures(&mut self) {
        let water = [Role::ChwSupplyTemp, Role::ChwReturnTemp, Role::CwSupplyTemp, Role::CwReturnTemp];
        let unit = |feature: &Feature, site| {
            let column = self.samples.column(&feature.name)?;
            role::temperature_unit(column, feature.role, site)
        };
        let site = self.features.iter().filter(|feature| water.contains(&feature.role)).find_map(|f| unit(f, None));
        let units: Vec<_> = self.features.iter().map(|feature| unit(feature, site)).collect();
        for (feature, unit) in self.features.iter_mut().zip(units) {
            feature.unit = unit.map(str::to_owned).or(feature.unit.take());
        }
    }

    /// Where the plant's load is there, loads of single chillers are not *the* load. What has no unit is in its role's.
    fn tell_loads(&mut self, told: &BTreeMap<String, Role>) {
        let own = |feature: &Feature| feature.role == Role::LoadRt && !told.contains_key(&feature.name);
        if self.features.iter().any(|feature| feature.role == Role::LoadRt && role::of_plant(&feature.name)) {
            let single = self.features.iter_mut().filter(|feature| own(feature) && !role::of_plant(&feature.name));
            single.for_each(|feature| feature.role = Role::Other);
        }
        for feature in self.features.iter_mut().filter(|feature| feature.unit.is_none()) {
            feature.unit = match feature.role {
                Role::LoadRt => Some("RT".to_owned()),
                Role::ChwPumpHz | Role::ScpPumpHz | Role::CwPumpHz | Role::CtFanHz => Some("Hz".to_owned()),
                Role::Humidity => Some("%".to_owned()),
                _ => None,
            };
        }
    }

    /// The column that plays a role: the plant's own before one machine's.
    fn playing(&self, role: Role) -> Option<&Feature> {
        let mut playing = self.features.iter().filter(|feature| feature.role == role);
        let first = playing.clone().next();
        playing.find(|feature| role::of_plant(&feature.name)).or(first)
    }

    fn derived(&mut self) {
        let of = |feature: &Feature| (feature.name.clone(), feature.unit.clone());
        let air = self.playing(Role::DryBulb).zip(self.playing(Role::Humidity)).map(|(dry, wet)| (of(dry), of(wet)));
        let measured = self.playing(Role::WetBulb).is_some();
        let condenser = self.playing(Role::CwSupplyTemp).or(self.playing(Role::CwReturnTemp)).map(of);
        let (supply, back) = (self.playing(Role::ChwSupplyTemp).map(of), self.playing(Role::ChwReturnTemp).map(of));
        if let Some(((dry_bulb, unit), (humidity, _))) = air.filter(|_| !measured) {
            match unit {
                Some(_) => {
                    let source = FeatureSource::WetBulb { dry_bulb, humidity };
                    self.add("features.derived", "wet_bulb", source, Role::WetBulb, Some("°C".to_owned()));
                }
                None => {
                    let reason = format!("is not derived: whether '{dry_bulb}' is in °C or °F is not known");
                    self.leave_out("features.derived", "wet_bulb", &reason);
                }
            }
        }
        for (name, warm, cold) in [("lift", condenser, supply.clone()), ("delta_t", back, supply)] {
            let Some(((warm, unit), (cold, other))) = warm.zip(cold) else { continue };
            if unit == other {
                let kelvin = unit.map(|unit| if unit == "°F" { unit } else { "K".to_owned() });
                self.add("features.derived", name, FeatureSource::Difference { warm, cold }, Role::Other, kelvin);
            } else {
                let reason = format!("is not derived: '{warm}' and '{cold}' are in different units");
                self.leave_out("features.derived", name, &reason);
            }
        }
    }

    fn past(&mut self, options: &FeatureOptions) {
        type Make = fn(String, i64) -> FeatureSource;
        let lag: Make = |column, seconds| FeatureSource::Lag { column, seconds };
        let mean: Make = |column, seconds| FeatureSource::RollingMean { column, seconds };
        for (key, word, all, make) in
            [("lags", "lag", &options.lags, lag), ("rolling_means", "mean", &options.rolling_means, mean)]
        {
            for (column, seconds) in all {
                let unit = self.samples.column(column).and_then(|column| column.unit.clone());
                for seconds in seconds.iter().copied().collect::<BTreeSet<i64>>() {
                    let name = format!("{column}_{word}_{seconds}s");
                    let field = format!("features.{key}.{column}");
                    self.add(&field, &name, make(column.clone(), seconds), Role::History, unit.clone());
                }
            }
        }
    }

    fn calendar(&mut self) {
        for (name, source, unit) in [
            ("hour", FeatureSource::Hour, Some("h".to_owned())),
            ("weekday", FeatureSource::Weekday, None),
            ("month", FeatureSource::Month, None),
        ] {
            self.add("features.calendar", name, source, Role::Calendar, unit);
        }
    }

    /// Which columns have a clock of their own, and how they were put beside the target.
    fn clocks(&self, held: &[HeldColumn]) -> Vec<String> {
        let used = |held: &&HeldColumn| {
            self.features.iter().any(|feature| feature.source.columns().any(|column| column == held.name))
        };
        let note = |held: &HeldColumn| {
            let HeldColumn { name, interval_ms, rows, of_rows } = held;
            let seconds = interval_ms / 1000;
            format!(
                "{name} is read at other times than the target: each row has its latest reading as of then, if it is \
                 not older than its own interval of {seconds} s; {rows} of {of_rows} rows have one. An interval to \
                 train at, such as 30m, would take means instead."
            )
        };
        held.iter().filter(used).map(note).collect()
    }

    /// Adds a feature that is no column, unless it says nothing.
    fn add(&mut self, field: &str, name: &str, source: FeatureSource, role: Role, unit: Option<String>) {
        let (mut free, mut number) = (name.to_owned(), 1_u32);
        while self.taken.contains(&free) {
            number += 1;
            free = format!("{name}_{number}");
        }
        let name = free;
        let feature = Feature { name: name.clone(), source, role, unit, range: FeatureRange::default() };
        match self.says_nothing(&values::column(&feature, &self.features, self.samples)) {
            Some(reason) => self.leave_out(field, &name, &reason),
            None => {
                self.taken.insert(name);
                self.features.push(feature);
            }
        }
    }
}

fn same_values(one: &[f64], other: &[f64]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(a, b)| a == b || !a.is_finite() && !b.is_finite())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

    use serde_json::json;

    use super::*;

    /// Two days of ten minutes; each column is told apart by its period.
    fn samples(columns: &[(&str, Option<&str>, &dyn Fn(usize) -> f64)]) -> Samples {
        let rows = 288;
        let column = |(name, unit, value): &(&str, Option<&str>, &dyn Fn(usize) -> f64)| SampleColumn {
            name: (*name).to_owned(),
            unit: unit.map(str::to_owned),
            values: (0..rows).map(value).collect(),
        };
        Samples {
            times_ms: (0..rows as i64).map(|row| 1_700_000_400_000 + row * 600_000).collect(),
            zone: chrono_tz::Tz::Asia__Taipei,
            interval_ms: 600_000,
            columns: columns.iter().map(column).collect(),
        }
    }

    fn wave(period: usize, low: f64, high: f64) -> impl Fn(usize) -> f64 {
        move |row| low + (high - low) * (row % period) as f64 / (period - 1) as f64
    }

    fn plant() -> Samples {
        let load = wave(97, 100.0, 500.0);
        let power = |row: usize| 40.0 + 0.5 * wave(97, 100.0, 500.0)(row) + 9.0 * wave(13, 0.0, 1.0)(row);
        samples(&[
            ("KW", Some("kW"), &power),
            ("SYS_RT", None, &load),
            ("CH_1_RT", None, &wave(31, 1.0, 200.0)),
            ("CHWST", None, &wave(7, 6.0, 9.0)),
            ("CHWRT", None, &wave(11, 11.0, 14.0)),
            ("CWST", None, &wave(17, 25.0, 30.0)),
            ("OAT", None, &wave(144, 22.0, 33.0)),
            ("OAH", None, &wave(53, 50.0, 90.0)),
            ("CH_3", None, &|_| 0.0),
            ("CHWST_2", None, &wave(7, 6.0, 9.0)),
            ("EMPTY", None, &|_| f64::NAN),
        ])
    }

    fn mapping(mut json: serde_json::Value) -> FeatureMapping {
        json["target_col"] = json.get("target_col").cloned().unwrap_or_else(|| json!("KW"));
        serde_json::from_value(json).unwrap()
    }

    fn full() -> FeatureMapping {
        mapping(json!({
            "chiller_cols": ["SYS_RT", "CH_?_RT".replace('?', "1"), "CH_3"], "chw_temp_cols": ["chw*"], "cw_temp_cols": ["CWST"],
            "environment_cols": ["OAT", "OAH", "EMPTY"],
        }))
    }

    #[test]
    fn features_are_decided_in_order_with_what_is_left_out_and_why() {
        let mut options = FeatureOptions::default();
        options.lags.insert("KW".to_owned(), vec![3600, 600, 600]);
        options.rolling_means.insert("OAT".to_owned(), vec![7200]);
        let planned = plan(&full(), &plant(), &options).unwrap();
        let named: Vec<_> = planned.features.iter().map(|f| (f.name.as_str(), f.role, f.unit.as_deref())).collect();
        let expected = [
            ("SYS_RT", Role::LoadRt, Some("RT")),
            ("CH_1_RT", Role::Other, None),
            ("CHWST", Role::ChwSupplyTemp, Some("°C")),
            ("CHWRT", Role::ChwReturnTemp, Some("°C")),
            ("CWST", Role::CwSupplyTemp, Some("°C")),
            ("OAT", Role::DryBulb, Some("°C")),
            ("OAH", Role::Humidity, Some("%")),
            ("wet_bulb", Role::WetBulb, Some("°C")),
            ("lift", Role::Other, Some("K")),
            ("delta_t", Role::Other, Some("K")),
            ("KW_lag_600s", Role::History, Some("kW")),
            ("KW_lag_3600s", Role::History, Some("kW")),
            ("OAT_mean_7200s", Role::History, None),
            ("hour", Role::Calendar, Some("h")),
            ("weekday", Role::Calendar, None),
        ];
        assert_eq!(named, expected);
        let left: Vec<_> = planned.left_out.iter().map(|left| (left.field.as_str(), left.message.as_str())).collect();
        let left_expected = [
            ("feature_mapping.chiller_cols", "'CH_3' is 0 in every row with a target"),
            ("feature_mapping.chw_temp_cols", "'CHWST_2' is the same as 'CHWST' in every row"),
            ("feature_mapping.environment_cols", "'EMPTY' has no number in any row with a target"),
            ("features.calendar", "'month' is 11 in every row with a target"),
        ];
        assert_eq!(left, left_expected);
        assert_eq!(
            planned.features[9].source,
            FeatureSource::Difference { warm: "CHWRT".into(), cold: "CHWST".into() }
        );
    }

    #[test]
    fn told_roles_win_and_options_switch_off() {
        let mut options = FeatureOptions { calendar: false, derived: false, ..FeatureOptions::default() };
        options.roles.insert("CH_1_RT".to_owned(), Role::LoadRt);
        options.roles.insert("CWST".to_owned(), Role::Other);
        let planned = plan(&full(), &plant(), &options).unwrap();
        let role = |name: &str| planned.features.iter().find(|f| f.name == name).map(|f| f.role);
        assert_eq!(
            (role("CH_1_RT"), role("CWST"), role("hour"), role("lift")),
            (Some(Role::LoadRt), Some(Role::Other), None, None)
        );
    }

    /// A column may be called `lift` and a measured wet-bulb needs no derived one.
    #[test]
    fn names_stay_unique_and_measurements_come_first() {
        let mut samples = plant();
        samples.columns[6].name = "WBT".to_owned();
        samples.columns[10] = SampleColumn { name: "lift".to_owned(), ..samples.columns[7].clone() };
        let mapping = mapping(
            json!({"chw_temp": ["CHWST"], "cw_temp": ["CWST"], "environment": ["WBT", "OAH"], "own_cols": ["lift"]}),
        );
        let planned =
            plan(&mapping, &samples, &FeatureOptions { calendar: false, ..FeatureOptions::default() }).unwrap();
        let names: Vec<_> = planned.features.iter().map(|feature| feature.name.as_str()).collect();
        assert_eq!(names, ["CHWST", "CWST", "WBT", "OAH", "lift_2"], "'lift' is 'OAH' again");
    }

    #[test]
    fn what_is_wrong_is_named_with_the_way_out() {
        let samples = plant();
        let default = FeatureOptions::default();
        let of = |json: serde_json::Value| plan(&mapping(json), &samples, &default).unwrap_err();
        let told = |error: ModelError| -> Vec<(String, String)> {
            error.problems.into_iter().map(|problem| (problem.field, problem.message)).collect()
        };
        let error = of(json!({"chiller": ["SYS_TR", "SYS_RT"], "cw_temp": ["zzz"], "own_cols": ["CHWSTT"]}));
        assert_eq!(error.code, "unknown_column");
        let problems = told(error);
        assert_eq!(problems.len(), 3);
        assert_eq!(problems[0].0, "feature_mapping.chiller_cols");
        assert!(problems[0].1.contains("'SYS_TR' with numbers; did you mean SYS_RT"), "{problems:?}");
        assert!(problems[1].1.contains("GET /api/data/stats"), "{problems:?}");
        assert_eq!(problems[2].0, "feature_mapping.custom_categories.own");
        let error = of(json!({"chw_pump": ["CHP*", "CHWS*"]}));
        assert_eq!((error.code, error.problems.len()), ("unknown_column", 1));
        assert!(error.message.contains("no column matches 'CHP*'"), "{error:?}");
        for (target, code) in [("KWW", "unknown_target"), ("EMPTY", "target_not_numeric"), ("CH_3", "constant_target")]
        {
            let error = of(json!({"chiller": ["SYS_RT"], "target_col": target}));
            assert_eq!((error.code, error.problems[0].field.as_str()), (code, "feature_mapping.target_col"));
        }
        assert_eq!(of(json!({})).code, "no_features");
        let error = of(json!({"chiller": ["CH_3"]}));
        assert!(error.code == "no_features" && error.message.contains("'CH_3' is 0 in every row"), "{error:?}");
    }

    #[test]
    fn options_that_cannot_be_are_refused() {
        let refused = |lags: &[(&str, i64)], role: Option<&str>| {
            let mut options = FeatureOptions::default();
            lags.iter().for_each(|(column, seconds)| options.lags.entry((*column).into()).or_default().push(*seconds));
            options.roles.extend(role.map(|column| (column.to_owned(), Role::Other)));
            plan(&full(), &plant(), &options).unwrap_err()
        };
        for seconds in [0, -600, 601, i64::MAX] {
            let error = refused(&[("KW", seconds)], None);
            assert_eq!((error.code, error.problems[0].field.as_str()), ("bad_option", "features.lags.KW"), "{seconds}");
            assert!(error.message.contains("600"), "{error:?}");
        }
        assert!(refused(&[("KWW", 600)], None).message.contains("did you mean KW"));
        assert_eq!(refused(&[], Some("CHWTS")).problems[0].field, "features.roles.CHWTS");
    }

    #[test]
    fn leaks_are_left_out_by_name_or_shown() {
        let mut samples = plant();
        let half: Vec<f64> = samples.columns[0].values.iter().map(|kw| kw / 2.0).collect();
        samples.columns.push(SampleColumn { name: "HALF".to_owned(), unit: None, values: half });
        let mapping = mapping(json!({"chiller": ["SYS_RT"], "own_cols": ["HALF"]}));
        let planned = plan(&mapping, &samples, &FeatureOptions::default()).unwrap();
        assert!(planned.leaks.is_empty() && planned.features.iter().all(|feature| feature.name != "HALF"));
        let left = &planned.left_out[0];
        assert_eq!(left.field, "feature_mapping.custom_categories.own");
        assert!(left.message.starts_with("HALF is left out: ") && left.message.contains("allow_leakage"), "{left:?}");
        assert_eq!(planned.mapping.features(), ["SYS_RT"]);
        // only when nothing is left it is refused
        let only = self::mapping(json!({"own_cols": ["HALF"]}));
        let error = plan(&only, &samples, &FeatureOptions::default()).unwrap_err();
        assert_eq!((error.code, error.problems.len()), ("leakage", 1));
        let allowed = FeatureOptions { allow_leakage: true, ..FeatureOptions::default() };
        let planned = plan(&mapping, &samples, &allowed).unwrap();
        assert!(planned.leaks[0].column == "HALF" && planned.features.iter().any(|feature| feature.name == "HALF"));
        // Its past is the past.
        let mut past = FeatureOptions::default();
        past.lags.insert("HALF".to_owned(), vec![600]);
        past.rolling_means.insert("KW".to_owned(), vec![600]);
        assert!(plan(&full(), &samples, &past).unwrap().leaks.is_empty());
    }
}

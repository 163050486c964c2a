//! Columns that would tell a model the answer: parts of the target, ratios of it, its own registers.
//!
//! By name and unit: electric power, energy and current of any machine (a motor's current is its power but for voltage
//! and power factor, so amps leak as kW do), shares of power, and ratios of power and cooling. By value, among rows in
//! which the plant runs, what no sensor of water, air or speed does: to follow the target, also its changes, or to be
//! proportional to it, to a power meter, or to a ratio of the two. What names say can be overruled by
//! `FeatureOptions.roles`, what values say by `allow_leakage` alone.
//!
//! The limits stand between what was measured on real and simulated plants at 10 minutes to an hour (correlation with
//! the target, and of changes with its changes):
//!
//! | column | level | change |
//! |---|---|---|
//! | chiller's kW, and its load in % (which is its kW, to 0.1 %) | 0.996 | 0.993–0.998 |
//! | phase currents under a main meter | 0.999 | 0.980–0.998 |
//! | **limits** | **0.99** | **0.97** |
//! | honest cooling load, simulated; real | 0.986–0.988; 0.945–0.965 | 0.84–0.95; 0.78–0.90 |
//! | any other honest sensor | ≤ 0.953 | ≤ 0.80 |
//!
//! Cooling, in RT, kW or as a register, is not judged by correlation: where efficiency hardly varies, it rightly follows
//! power. Ratios of honest sensors scatter by 4 % or more, those of leaks by 0.04–0.5 % (rounding): the limit is 1 %.
//!
//! Rows without a target, and what lies between those with one, say nothing: each column is judged in the rows that have
//! both, and its changes from one of these to the next (`align`).
//!
//! A lag or rolling mean is the past, and leaks nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::mapping::{FeatureMapping, MappedColumn, TargetMetric};
use super::role::{self, Role, of_unmapped};
use super::samples::{SampleColumn, Samples, median, usual_step};
use super::{Problem, align};
use hvac_points::{Measure, Reading, units};

/// Correlation with the target from which on a column follows it, if its changes do too.
const FOLLOWS: f64 = 0.99;
/// Correlation of changes with the target's changes.
const CHANGES_FOLLOW: f64 = 0.97;
/// Scatter (1.4826 · median absolute deviation ÷ median) below which a ratio is a constant.
const CONSTANT: f64 = 0.01;
/// How many times more than the ratio the column itself must scatter: a constant divided by a constant says nothing.
const TIMES_CALMER: f64 = 5.0;
/// Share of the target's 0.9 quantile from which on the plant counts as running.
const RUNS: f64 = 0.3;
/// Fewest rows that values are judged by.
const LEAST_ROWS: usize = 50;
/// Rows that are looked at: every k-th when there are more.
const MOST_ROWS: usize = 20_000;
/// Median of column ÷ target from which on a `LOAD` in kW is cooling: no part of a power exceeds it.
const MORE_THAN_POWER: f64 = 1.2;

/// A column that leaks the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Leak {
    /// Its name.
    pub column: String,
    /// One sentence: what gives it away.
    pub reason: String,
}

/// The mapped columns that leak: by unit and name (component kW and kWh, ratios of the target) and by value (they
/// follow the target, or its part, too closely to be anything else); but for what names say of columns whose role is told.
#[must_use]
pub fn find(mapping: &FeatureMapping, samples: &Samples, told: &BTreeMap<String, Role>) -> Vec<Leak> {
    let samples = align::once_beside_target(samples, &mapping.target_col);
    let Some(target) = samples.column(&mapping.target_col) else { return Vec::new() };
    let values = LeakageValues::of(mapping, &samples, target);
    let reason = |mapped: &MappedColumn<'_>, column: &SampleColumn| {
        let told = told.get(&column.name).copied();
        let named = told.is_none_or(|role| role == Role::Other);
        let by_name = named.then(|| by_name(column, target, mapping.target_metric)).flatten();
        let reading = Reading::of(&column.name);
        let cooling = told.unwrap_or_else(|| role::of(mapped, column)) == Role::LoadRt
            || is_thermal(&reading)
            || is_cooling(&reading, column, target, mapping.target_metric);
        by_name.or_else(|| values.leak(column, cooling))
    };
    let leak = |mapped: MappedColumn<'_>| {
        let column = samples.column(mapped.column)?;
        Some(Leak { column: column.name.clone(), reason: reason(&mapped, column)? })
    };
    mapping.mapped().into_iter().filter_map(leak).collect()
}

/// Takes the columns that leak out of a mapping; a sentence about each, under its place in the mapping.
pub fn take_out(mapping: &mut FeatureMapping, leaks: &[Leak]) -> Vec<Problem> {
    let mapped = mapping.mapped();
    let problem = |leak: &Leak| {
        let place = mapped.iter().find(|mapped| mapped.column == leak.column);
        let field = place.map_or_else(|| "feature_mapping".to_owned(), |mapped| mapped.place.field());
        let Leak { column, reason } = leak;
        let message = format!(
            "{column} is left out: {reason}; it would tell the model the answer (allow_leakage keeps it all the same)"
        );
        Problem { field, message }
    };
    let problems = leaks.iter().map(problem).collect();
    mapping.retain_features(|name| !leaks.iter().any(|leak| leak.column == name));
    problems
}

/// Whether a name says heat; a mere `LOAD` may be electric.
fn is_thermal(reading: &Reading) -> bool {
    reading.thermal || reading.measure == Some(Measure::Load) && !reading.unsure
}

/// What a column's unit and name give away.
fn by_name(column: &SampleColumn, target: &SampleColumn, metric: TargetMetric) -> Option<String> {
    let reading = Reading::of(&column.name);
    let thermal = is_thermal(&reading);
    let electric = !thermal && !is_cooling(&reading, column, target, metric);
    let states = column.values.iter().filter(|v| v.is_finite()).all(|v| *v == 0.0 || *v == 1.0);
    if matches!(reading.measure, Some(Measure::KwPerRt | Measure::Cop)) {
        return Some("its name says a ratio of power and cooling, from which the target can be computed".to_owned());
    }
    match column.unit.as_deref().map(|unit| units::known(unit).unwrap_or(unit)) {
        Some("kW/RT") => Some("its unit is kW/RT, a ratio of power and cooling".to_owned()),
        Some(unit @ ("kW" | "W" | "MW")) if electric => {
            Some(format!("its unit is {unit}: electric power, of which the target is made"))
        }
        Some(unit @ ("kWh" | "Wh" | "MWh")) if !thermal => {
            Some(format!("its unit is {unit}: electric energy, which is power over time"))
        }
        Some(unit @ ("A" | "mA" | "kVA" | "kvar")) => {
            Some(format!("its unit is {unit}: a machine's current is its power but for voltage and power factor"))
        }
        None | Some("%") => Some(
            match reading.measure? {
                Measure::Current if !states => {
                    "its name says electric current or a share of it, which is power but for voltage and power factor"
                }
                Measure::Share if !states && reading.nature.is_none() => {
                    "its name says percent, and not of a speed or a position: of power, it is the target's ratio; if it is something else, say what in features.roles"
                }
                Measure::Energy => "its name says electric energy, which is power over time",
                // `POWER_ON` with two values is a state; kW are no state.
                Measure::Power if electric && (!states || !reading.units.is_empty()) => {
                    "its name says electric power, of which the target is made"
                }
                _ => return None,
            }
            .to_owned(),
        ),
        Some(_) => None,
    }
}

/// A `LOAD` in kW is electric or thermal; one that exceeds the whole target is no part of it.
fn is_cooling(reading: &Reading, column: &SampleColumn, target: &SampleColumn, metric: TargetMetric) -> bool {
    reading.measure == Some(Measure::Load) && exceeds(column, target, metric)
}

/// Whether a column in kW is more than the power that is the target.
fn exceeds(column: &SampleColumn, target: &SampleColumn, metric: TargetMetric) -> bool {
    let ratios = || column.values.iter().zip(&target.values).filter(|(_, y)| **y > 0.0).map(|(x, y)| x / y);
    metric == TargetMetric::Power && median(&ratios().collect::<Vec<_>>()).is_some_and(|ratio| ratio > MORE_THAN_POWER)
}

/// Whether a column is a power meter, for what others are compared with.
fn is_power(column: &SampleColumn) -> bool {
    let reading = Reading::of(&column.name);
    let unit = column.unit.as_deref().and_then(units::known);
    let named = reading.measure == Some(Measure::Power) && unit.is_none();
    (matches!(unit, Some("kW" | "W" | "MW")) || named) && !is_thermal(&reading)
}

/// What columns are compared with, and in which rows.
struct LeakageValues<'s> {
    times_ms: &'s [i64],
    target: &'s [f64],
    target_name: &'s str,
    loads: Vec<&'s SampleColumn>,
    powers: Vec<&'s SampleColumn>,
    /// Rows in which the plant runs.
    running: Vec<usize>,
}

/// A column beside the target: running rows that have both.
struct Paired<'s> {
    values: &'s [f64],
    /// Each with the row before, where there is one within one and a half of the steps that are usual here.
    rows: Vec<(usize, Option<usize>)>,
}

impl Paired<'_> {
    fn pairs<'v>(&'v self, other: &'v [f64]) -> impl Iterator<Item = (f64, f64)> + 'v {
        self.rows.iter().filter_map(|(row, _)| Some((*self.values.get(*row)?, *other.get(*row)?)))
    }

    /// Steps of the column, and what `of` says of the row before and the row.
    fn steps<'v>(&'v self, of: impl Fn(usize, usize) -> Option<f64> + 'v) -> impl Iterator<Item = (f64, f64)> + 'v {
        let step = |before: usize, row: usize| Some(self.values.get(row)? - self.values.get(before)?);
        self.rows.iter().filter_map(move |(row, before)| Some((step((*before)?, *row)?, of((*before)?, *row)?)))
    }

    /// 1.4826 · median absolute deviation ÷ median of what `of` says of the rows; none of too few.
    fn scatter(&self, of: impl Fn(usize) -> Option<f64>) -> Option<f64> {
        let all: Vec<f64> = self.rows.iter().filter_map(|(row, _)| of(*row)).filter(|v| v.is_finite()).collect();
        let middle = median(&all).filter(|middle| *middle != 0.0 && all.len() >= LEAST_ROWS)?;
        let deviations: Vec<f64> = all.iter().map(|value| (value - middle).abs()).collect();
        Some(1.4826 * median(&deviations)? / middle.abs())
    }

    /// The scatter of a ratio, if it is a constant that the column itself, whose scatter is `own`, is not.
    fn constant(&self, own: f64, ratio: impl Fn(usize) -> Option<f64>) -> Option<f64> {
        self.scatter(ratio).filter(|scatter| *scatter < CONSTANT && *scatter * TIMES_CALMER < own)
    }
}

impl<'s> LeakageValues<'s> {
    /// Of rows that all have a target.
    fn of(mapping: &FeatureMapping, samples: &'s Samples, target: &'s SampleColumn) -> Self {
        let others = || samples.columns.iter().filter(|column| column.name != mapping.target_col);
        let mut loads: Vec<&SampleColumn> = others().filter(|column| of_unmapped(column) == Role::LoadRt).collect();
        loads.sort_by_key(|column| !role::of_plant(&column.name));
        let mut positive: Vec<f64> = target.values.iter().copied().filter(|v| v.is_finite() && *v > 0.0).collect();
        let high = positive.len().saturating_mul(9) / 10;
        let high = if positive.is_empty() { 0.0 } else { *positive.select_nth_unstable_by(high, f64::total_cmp).1 };
        let runs = |value: &f64| *value > RUNS * high;
        let running = target.values.iter().enumerate().filter(|(_, value)| runs(value)).map(|(row, _)| row).collect();
        // What is more than the whole may be heat in kW, to which a load is rightly proportional.
        let part = |column: &&SampleColumn| is_power(column) && !exceeds(column, target, mapping.target_metric);
        let powers = others().filter(part).collect();
        let (times_ms, target_name) = (samples.times_ms.as_slice(), target.name.as_str());
        Self { times_ms, target: &target.values, target_name, loads, powers, running }
    }

    fn paired(&self, column: &'s SampleColumn) -> Paired<'s> {
        let values = column.values.as_slice();
        let has = |row: &&usize| values.get(**row).is_some_and(|value| value.is_finite());
        let both: Vec<usize> = self.running.iter().filter(has).copied().collect();
        let time = |row: usize| self.times_ms.get(row).copied();
        let times: Vec<i64> = both.iter().filter_map(|row| time(*row)).collect();
        let longest = usual_step(&times).saturating_mul(3) / 2;
        let before = |index: usize, row: usize| {
            let before = *both.get(index.checked_sub(1)?)?;
            (time(row)?.saturating_sub(time(before)?) <= longest).then_some(before)
        };
        let every = both.len().div_ceil(MOST_ROWS).max(1);
        let rows = both.iter().enumerate().step_by(every).map(|(index, row)| (*row, before(index, *row))).collect();
        Paired { values, rows }
    }

    fn leak(&self, column: &'s SampleColumn, cooling: bool) -> Option<String> {
        if column.values.iter().filter(|v| v.is_finite()).all(|v| *v == 0.0 || *v == 1.0) {
            return None;
        }
        let (target, paired) = (self.target_name, self.paired(column));
        if !cooling {
            let step = |before: usize, row: usize| Some(self.target.get(row)? - self.target.get(before)?);
            let level = correlation(paired.pairs(self.target)).map_or(0.0, f64::abs);
            // unknown where too few rows follow one another: then the level alone has to tell
            let change = correlation(paired.steps(step)).map(f64::abs);
            if level >= FOLLOWS && change.is_none_or(|change| change >= CHANGES_FOLLOW) {
                let changes = change.map_or("too few to tell".to_owned(), |change| format!("{change:.3}"));
                return Some(format!(
                    "it follows '{target}' closer than any sensor of something else could (correlation {level:.3}, of their changes {changes})"
                ));
            }
            if let Some(reason) = self.register(&paired) {
                return Some(reason);
            }
        }
        self.ratio(column, &paired).or_else(|| (!cooling).then(|| self.part(column, &paired)).flatten())
    }

    /// A register whose growth is the target.
    fn register(&self, paired: &Paired<'_>) -> Option<String> {
        let finite = || paired.values.iter().copied().filter(|value| value.is_finite());
        let steps = finite().zip(finite().skip(1));
        let (falls, rises) = steps.fold((0_usize, 0_usize), |(falls, rises), (before, after)| {
            (falls + usize::from(after < before), rises + usize::from(after > before))
        });
        if rises < LEAST_ROWS || falls.saturating_mul(200) > rises {
            return None;
        }
        let grown = |of: fn(usize, usize) -> usize| {
            let steps = paired.steps(move |before, row| self.target.get(of(before, row)).copied());
            correlation(steps.filter(|(growth, _)| *growth >= 0.0))
        };
        // It has grown over the interval before the row, or is read at the end of the row's own.
        let (before, own) = (grown(|before, _| before), grown(|_, row| row));
        let best = before.into_iter().chain(own).max_by(f64::total_cmp)?;
        (best >= CHANGES_FOLLOW)
            .then(|| format!("it is a register whose growth is '{}' (correlation {best:.3})", self.target_name))
    }

    /// A ratio that hardly changes, of the column, the target and a load.
    fn ratio(&self, column: &SampleColumn, paired: &Paired<'_>) -> Option<String> {
        let own = paired.scatter(|row| at(&column.values, row))?;
        let target = self.target_name;
        let ratio = |row| Some(at(&column.values, row)? / at(self.target, row)?);
        let product = |row| Some(at(&column.values, row)? * at(self.target, row)?);
        if let Some(scatter) = paired.constant(own, ratio) {
            return Some(format!("it is proportional to '{target}' {}", percent(scatter)));
        }
        self.loads.iter().filter(|load| load.name != column.name).find_map(|load| {
            let (name, of_load) = (&load.name, |row| at(&load.values, row));
            if let Some(scatter) = paired.constant(own, |row| Some(ratio(row)? * of_load(row)?)) {
                return Some(format!("it is '{target}' divided by '{name}' {}", percent(scatter)));
            }
            if let Some(scatter) = paired.constant(own, |row| Some(product(row)? / of_load(row)?)) {
                return Some(format!("it is '{name}' divided by '{target}' {}", percent(scatter)));
            }
            let scatter = paired.constant(own, |row| Some(ratio(row)? / of_load(row)?))?;
            Some(format!("it is '{target}' times '{name}' {}", percent(scatter)))
        })
    }

    /// A ratio that hardly changes, of the column and a part of the target, or of it and the part's share.
    fn part(&self, column: &SampleColumn, paired: &Paired<'_>) -> Option<String> {
        let own = paired.scatter(|row| at(&column.values, row))?;
        self.powers.iter().filter(|power| power.name != column.name).find_map(|power| {
            let ratio = |row| Some(at(&column.values, row)? / at(&power.values, row)?);
            if let Some(scatter) = paired.constant(own, ratio) {
                return Some(format!("it is proportional to '{}', electric power, {}", power.name, percent(scatter)));
            }
            let share = paired.constant(own, |row| Some(ratio(row)? * at(self.target, row)?))?;
            Some(format!("it is '{}' divided by '{}' {}", power.name, self.target_name, percent(share)))
        })
    }
}

fn percent(scatter: f64) -> String {
    format!("to {:.1} %", (scatter * 100.0).max(0.1))
}

/// A value that can be divided by.
fn at(values: &[f64], row: usize) -> Option<f64> {
    values.get(row).copied().filter(|value| value.is_finite() && *value != 0.0)
}

/// Pearson's, of the pairs in which both are finite; none of too few, or when one is constant.
fn correlation(pairs: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let pairs: Vec<(f64, f64)> = pairs.filter(|(a, b)| a.is_finite() && b.is_finite()).collect();
    if pairs.len() < LEAST_ROWS {
        return None;
    }
    let count = pairs.len() as f64;
    let (sum_a, sum_b) = pairs.iter().fold((0.0, 0.0), |(a, b), pair| (a + pair.0, b + pair.1));
    let (mean_a, mean_b) = (sum_a / count, sum_b / count);
    let (aa, bb, ab) = pairs.iter().fold((0.0, 0.0, 0.0), |(aa, bb, ab), (a, b)| {
        let (a, b) = (a - mean_a, b - mean_b);
        (aa + a * a, bb + b * b, ab + a * b)
    });
    let r = ab / (aa * bb).sqrt();
    r.is_finite().then_some(r)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

    use serde_json::json;

    use super::*;

    const ROWS: usize = 600;

    /// A number in −1…1 that looks like noise, for row and stream.
    fn noise(row: usize, stream: u64) -> f64 {
        let mut x = (row as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ stream.wrapping_mul(0xd1b5_4a32_d192_ed03);
        x = (x ^ (x >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x >> 11) as f64 / (1u64 << 53) as f64) * 2.0 - 1.0
    }

    fn load(row: usize) -> f64 {
        300.0 + 150.0 * (row as f64 / 20.0).sin()
    }

    /// Efficiency moves by weather: 4 % around 0.65 kW/RT, over an hour's noise.
    fn chiller(row: usize) -> f64 {
        load(row) * (0.65 + 0.05 * (row as f64 / 7.0).cos() + 0.01 * noise(row, 1))
    }

    fn pump(row: usize) -> f64 {
        25.0 + 3.0 * noise(row / 6, 2)
    }

    fn total(row: usize) -> f64 {
        chiller(row) + pump(row)
    }

    fn reasons(
        target: &dyn Fn(usize) -> f64,
        columns: &[(&str, Option<&str>, &dyn Fn(usize) -> f64)],
    ) -> Vec<(String, String)> {
        let column = |name: &str, unit: Option<&str>, value: &dyn Fn(usize) -> f64| SampleColumn {
            name: name.to_owned(),
            unit: unit.map(str::to_owned),
            values: (0..ROWS).map(value).collect(),
        };
        let mut all = vec![column("Y", None, target), column("kW_pump", None, &pump), column("SYS_RT", None, &load)];
        all.extend(columns.iter().map(|(name, unit, value)| column(name, *unit, value)));
        let names: Vec<&str> = columns.iter().map(|(name, ..)| *name).collect();
        let mapping =
            serde_json::from_value(json!({"x_cols": names, "chiller": ["SYS_RT"], "target_col": "Y"})).unwrap();
        let times_ms = (0..ROWS as i64).map(|row| row * 600_000).collect();
        let samples = Samples { times_ms, zone: chrono_tz::Tz::UTC, interval_ms: 600_000, columns: all };
        find(&mapping, &samples, &BTreeMap::new()).into_iter().map(|leak| (leak.column, leak.reason)).collect()
    }

    #[test]
    fn names_and_units_give_away() {
        let value = |row: usize| 10.0 + noise(row, 9);
        for (name, unit, leaks) in [
            ("CH_1_KW", None, true),
            ("CH_1", Some("kW"), true),
            ("TOTALKW", None, true),
            ("CT_POWER", None, true),
            ("METER", Some("kWh"), true),
            ("CH_1_KWH", None, true),
            ("CH_1_AMP", None, true),
            ("CH_1", Some("A"), true),
            ("CH_1_RLA", Some("%"), true),
            ("PLANT_COP", None, true),
            ("kW_RT", None, true),
            ("X", Some("kW/RT"), true),
            ("Precent_CHP", None, true),
            ("CHP_SPEED_PCT", None, false),
            ("VALVE_PERCENT", Some("%"), false),
            ("RH", Some("%"), false),
            ("COOLING_KW", Some("kW"), false),
            ("BTU_METER", Some("kWh"), false),
            ("POWER_ROOM_TEMP", Some("°C"), false),
            ("CHP_HZ", None, false),
            ("CHWS", None, false),
            ("CHP_V", Some("V"), false),
        ] {
            let found = reasons(&total, &[(name, unit, &value)]);
            assert_eq!(!found.is_empty(), leaks, "{name} {unit:?}: {found:?}");
        }
        assert_eq!(reasons(&total, &[("POWER_ON", None, &|row| (row % 2) as f64)]), []);
    }

    /// A load in kW beyond the whole plant's power is cooling; below it, it is somebody's power.
    #[test]
    fn a_load_in_kw_is_cooling_when_it_exceeds_the_target() {
        assert_eq!(reasons(&total, &[("CH_LOAD", Some("kW"), &|row| load(row) * 3.5168)]), []);
        assert_eq!(reasons(&total, &[("CH_LOAD", Some("kW"), &|row| 0.3 * load(row))]).len(), 1);
    }

    #[test]
    fn values_give_away_what_names_hide() {
        let rounded = |value: f64, digits: f64| (value * digits).round() / digits;
        for (what, value, says) in [
            ("part", &(|row: usize| chiller(row) + 1.0) as &dyn Fn(usize) -> f64, "follows 'Y'"),
            ("copy", &|row| rounded(total(row) / 3.6, 10.0), "'Y'"),
            ("per ton", &|row| rounded(total(row) / load(row), 1000.0), "'Y' divided by 'SYS_RT'"),
            ("efficiency", &|row| load(row) * 3.5168 / total(row), "'SYS_RT' divided by 'Y'"),
            ("share", &|row| rounded(100.0 * pump(row) / total(row), 10.0), "'kW_pump' divided by 'Y'"),
            ("percent of a part", &|row| rounded(pump(row) * 1.7, 10.0), "proportional to 'kW_pump'"),
            ("energy of each quarter-hour", &|row| rounded(total(row) * 0.25, 10.0), "'Y'"),
            ("register", &|row| (0..row).map(total).sum::<f64>().round() + 7e6, "growth is 'Y'"),
            ("register at the end", &|row| (0..=row).map(total).sum::<f64>().round() + 7e6, "growth is 'Y'"),
        ] {
            let found = reasons(&total, &[("N1", None, value)]);
            assert!(found.len() == 1 && found[0].0 == "N1" && found[0].1.contains(says), "{what}: {found:?}");
        }
    }

    /// kW/RT as the target: the total and its own inverse leak, load and part load do not.
    #[test]
    fn an_efficiency_is_told_by_power() {
        let kw_rt = |row| total(row) / load(row);
        let found =
            reasons(&kw_rt, &[("N1", None, &total), ("N2", None, &|row| load(row) / 5.0 + 9.0 * noise(row, 4))]);
        assert!(found.len() == 1 && found[0].1.contains("'Y' times 'SYS_RT'"), "{found:?}");
    }

    /// What rightly moves with power: flow, ΔT, speeds, weather, state, constants, and a load that COP hardly bends.
    #[test]
    fn honest_sensors_do_not_leak() {
        let honest: [(&str, Option<&str>, &dyn Fn(usize) -> f64); 9] = [
            ("GPM", None, &|row| 800.0 + 1.2 * load(row) + 20.0 * noise(row, 3)),
            ("N_DELTA", None, &|row| 3.0 + load(row) / 90.0 + 0.2 * noise(row, 4)),
            ("CHP_HZ", None, &|row| 48.0 + (row % 3) as f64 * 0.5),
            ("OAT", None, &|row| 25.0 + 4.0 * (row as f64 / 20.0).sin() + 0.3 * noise(row, 5)),
            ("CH_1_S", None, &|row| f64::from(load(row) > 250.0)),
            ("CHWST", None, &|_| 7.0),
            ("PLANT_RTH", None, &|row| (0..row).map(|row| load(row) / 6.0).sum::<f64>()),
            ("COOLING_KW", Some("kW"), &|row| 3.5168 * load(row)),
            ("RUN_HOURS", None, &|row| row as f64 / 6.0),
        ];
        assert_eq!(reasons(&total, &honest), []);
        let steady = |row: usize| load(row) * (0.6 + 0.02 * noise(row / 9, 6)) + 20.0;
        assert!(correlation((0..ROWS).map(|row| (load(row), steady(row)))).unwrap() > FOLLOWS);
        assert_eq!(reasons(&steady, &honest[7..]), []);
    }

    #[test]
    fn too_few_rows_say_nothing_and_standstill_does_not_count() {
        assert_eq!(correlation((0..49).map(|i| (f64::from(i), f64::from(i)))), None);
        assert_eq!(correlation((0..50).map(|i| (f64::from(i), 1.0))), None);
        // A machine that is off at night: its speed follows power only in going on and off.
        let on = |row: usize| f64::from(row % 144 > 60);
        let speed = |row: usize| on(row) * (48.0 + noise(row, 7));
        let power = |row: usize| on(row) * (200.0 + 8.0 * noise(row, 8));
        assert!(correlation((0..ROWS).map(|row| (speed(row), power(row)))).unwrap() > FOLLOWS);
        assert_eq!(reasons(&power, &[("N1", None, &speed)]), []);
    }

    #[test]
    fn a_told_role_overrules_the_name_and_not_the_values() {
        let column = |name: &str, value: &dyn Fn(usize) -> f64| SampleColumn {
            name: name.to_owned(),
            unit: None,
            values: (0..ROWS).map(value).collect(),
        };
        let columns = vec![
            column("Y", &total),
            column("CHP_PCT", &|row| 80.0 + noise(row, 3)),
            column("CT_PCT", &|row| 2.0 * total(row)),
        ];
        let times_ms = (0..ROWS as i64).map(|row| row * 600_000).collect();
        let samples = Samples { times_ms, zone: chrono_tz::Tz::UTC, interval_ms: 600_000, columns };
        let json = json!({"chw_pump": ["CHP_PCT"], "cooling_tower": ["CT_PCT"], "target_col": "Y"});
        let mapping = serde_json::from_value(json).unwrap();
        let names = |leaks: Vec<Leak>| leaks.into_iter().map(|leak| leak.column).collect::<Vec<_>>();
        assert_eq!(names(find(&mapping, &samples, &BTreeMap::new())), ["CHP_PCT", "CT_PCT"]);
        let told = ["CHP_PCT", "CT_PCT"].map(|name| (name.to_owned(), Role::ChwPumpHz)).into();
        assert_eq!(names(find(&mapping, &samples, &told)), ["CT_PCT"]);
    }
}

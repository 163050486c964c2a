//! The log of a real plant, whose truth nobody knows: recommendations may not contradict physics, nor its own rows.

use std::path::PathBuf;

use hvac_modelling::control::Control;
use hvac_modelling::features::{Feature, FeatureSource};
use hvac_modelling::gbdt::FitOptions;
use hvac_modelling::role::Role;
use hvac_modelling::samples::{Matrix, SampleColumn, Samples};
use hvac_modelling::setpoint::{Recommendation, SetpointQuestion, recommend_with};

use super::laws::contradictions;
use super::{progress, range, spread};

const COLUMNS: [(&str, Role, &str); 11] = [
    ("RT", Role::LoadRt, "RT"),
    ("WBT", Role::WetBulb, "°F"),
    ("CH1", Role::Running, ""),
    ("CH2", Role::Running, ""),
    ("CHWS", Role::ChwSupplyTemp, "°F"),
    ("Hz_ CHP", Role::ChwPumpHz, "Hz"),
    ("Hz_CDS", Role::CwPumpHz, "Hz"),
    ("Hz_CT", Role::CtFanHz, "Hz"),
    ("CHWR", Role::ChwReturnTemp, "°F"),
    ("CDLO", Role::CwSupplyTemp, "°F"),
    ("CDHI", Role::CwReturnTemp, "°F"),
];
/// Questions that are asked.
const POINTS: usize = 500;

struct Log {
    columns: Vec<Vec<f64>>,
    kw: Vec<f64>,
}

fn log() -> Option<Log> {
    let named = std::env::var_os("HVAC_REAL_DATA").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"));
    let mut log = Log { columns: vec![Vec::new(); COLUMNS.len()], kw: Vec::new() };
    for name in ["TableData23_12.csv", "TableData24_03.csv"] {
        let Ok(text) = std::fs::read_to_string(folder.join("plant").join(name)) else {
            println!("skipped: there is no {}", folder.join("plant").join(name).display());
            return None;
        };
        let mut lines = text.trim_start_matches('\u{feff}').lines();
        let header: Vec<&str> = lines.next()?.split(',').collect();
        let place = |wanted: &str| header.iter().position(|name| *name == wanted).unwrap();
        for line in lines {
            let cells: Vec<&str> = line.split(',').collect();
            let cell = |name: &str| cells[place(name)].trim().parse().unwrap_or(f64::NAN);
            log.columns.iter_mut().zip(COLUMNS).for_each(|(column, (name, ..))| column.push(cell(name)));
            log.kw.push(cell("kW_Tot"));
        }
    }
    Some(log)
}

impl Log {
    fn column(&self, role: Role) -> &[f64] {
        &self.columns[COLUMNS.iter().position(|(_, own, _)| *own == role).unwrap()]
    }

    fn machines(&self, row: usize) -> f64 {
        self.columns[2][row] + self.columns[3][row]
    }

    /// Power of the rows at those settings, of such a load, wet-bulb and number of machines as that row.
    fn alike(&self, row: usize, settings: &[(Role, f64, f64)]) -> Vec<f64> {
        let (load, wet) = (self.column(Role::LoadRt), self.column(Role::WetBulb));
        let near = |other: &usize| {
            (load[*other] - load[row]).abs() <= 0.1 * load[row]
                && (wet[*other] - wet[row]).abs() <= 1.8
                && self.machines(*other) == self.machines(row)
                && settings.iter().all(|(role, value, width)| (self.column(*role)[*other] - value).abs() <= *width)
        };
        (0..self.kw.len()).filter(near).map(|row| self.kw[row]).collect()
    }

    /// Whether rows of like conditions used more at the recommended settings than at the present ones.
    fn speaks_against(&self, row: usize, changes: &[&Recommendation]) -> Option<String> {
        let settings = |value: &dyn Fn(&Recommendation) -> f64| -> Vec<(Role, f64, f64)> {
            let of = |one: &&Recommendation| {
                let role = COLUMNS.iter().map(|(_, role, _)| *role).find(|role| name(*role) == one.parameter);
                let width = if one.parameter == "chw_supply_temp" { 0.5 } else { 0.25 };
                (role.unwrap(), value(one), width + 1e-9)
            };
            changes.iter().map(of).collect()
        };
        let now = self.alike(row, &settings(&|one| one.current.unwrap()));
        let then = self.alike(row, &settings(&|one| one.value));
        if now.len() < 30 || then.len() < 30 {
            return None;
        }
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let error = |values: &[f64]| {
            let (mean, count) = (mean(values), values.len() as f64);
            values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count * (count - 1.0))
        };
        let more = mean(&then) - mean(&now);
        let noise = 2.0 * (error(&then) + error(&now)).sqrt();
        let names: Vec<String> =
            changes.iter().map(|one| format!("{} {:?} → {}", one.parameter, one.current, one.value)).collect();
        (more > noise).then(|| format!("{names:?}: {more:+.1} kW in {} and {} rows", now.len(), then.len()))
    }
}

fn name(role: Role) -> &'static str {
    match role {
        Role::ChwSupplyTemp => "chw_supply_temp",
        Role::ChwPumpHz => "chw_pump_hz",
        Role::CwPumpHz => "cw_pump_hz",
        Role::CtFanHz => "ct_fan_hz",
        _ => "",
    }
}

#[test]
fn real_recommendations_contradict_neither_physics_nor_the_log() {
    let Some(log) = log() else { return };
    let features: Vec<Feature> = COLUMNS
        .iter()
        .zip(&log.columns)
        .map(|((name, role, unit), values)| Feature {
            name: (*name).into(),
            source: FeatureSource::Column { column: (*name).into() },
            role: *role,
            unit: Some((*unit).into()),
            range: range(values),
        })
        .collect();
    let columns = COLUMNS.iter().zip(&log.columns);
    let columns =
        columns.map(|((name, ..), values)| SampleColumn { name: (*name).into(), unit: None, values: values.clone() });
    let samples =
        Samples { times_ms: Vec::new(), zone: chrono_tz::UTC, interval_ms: 600_000, columns: columns.collect() };
    let x = Matrix { columns: log.columns.clone() };
    let fitted = Control::fit(&features, &samples, &x, &log.kw, &FitOptions::default(), &progress);
    let control = fitted.unwrap().unwrap();
    let running: Vec<usize> =
        (0..log.kw.len()).filter(|row| log.machines(*row) > 0.0 && log.column(Role::LoadRt)[*row] > 0.0).collect();
    let (mut wrong, mut changed, mut moved) = (Vec::new(), 0, 0);
    for row in spread(0..running.len(), POINTS).map(|place| running[place]) {
        let question = SetpointQuestion {
            conditions: features.iter().zip(&log.columns).map(|(f, values)| (f.name.clone(), values[row])).collect(),
            ..SetpointQuestion::default()
        };
        let answer = recommend_with(&control, &features, &question).unwrap();
        wrong.extend(contradictions(&answer).into_iter().map(|what| format!("row {row}: {what}")));
        let changes: Vec<&Recommendation> =
            answer.recommendations.iter().filter(|one| one.current != Some(one.value)).collect();
        assert_eq!(answer.change, !changes.is_empty());
        changed += usize::from(answer.change);
        moved += changes.len();
        let mut against: Vec<String> =
            changes.iter().filter_map(|one| log.speaks_against(row, std::slice::from_ref(one))).collect();
        against.extend(log.speaks_against(row, &changes).filter(|_| changes.len() > 1));
        wrong.extend(against.into_iter().map(|what| format!("row {row}: {what}")));
    }
    println!("{POINTS} points, {changed} with a change, {moved} set-points moved");
    assert!(wrong.is_empty(), "{} of {POINTS}: {:#?}", wrong.len(), &wrong[..wrong.len().min(20)]);
}

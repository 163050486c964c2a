//! Diagnostics judged by plants whose faults are known: which machine-days are found, and which of them are true.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, TimeDelta, TimeZone};

use hvac_frame::column::{ColumnMeta, Kind};
use hvac_frame::names;
use hvac_simulation::faults::{FaultKind as Injected, FaultList, Truth};
use hvac_simulation::measurands::Dimension;
use hvac_simulation::plants::Style;
use hvac_simulation::scenario::{Record, Scenario, Stretch};

use super::diagnostics::{Diagnosis, DiagnosticLimits, FaultKind, diagnose};

/// Kinds of equipment faults.
pub(crate) const EQUIPMENT: [Injected; 5] = [
    Injected::Fouling,
    Injected::LowDeltaT,
    Injected::ShortCycling,
    Injected::SimultaneousHeatingCooling,
    Injected::OutOfSchedule,
];

/// The columns of a record, as a parse of its reports makes them.
pub(crate) fn columns(record: &Record) -> Vec<ColumnMeta> {
    let stated = record.setting.plant.style != Style::Apogee;
    let column = |readings: &hvac_simulation::instruments::Readings| {
        let point = &readings.point;
        let (kind, unit) = match point.measurand.dimension() {
            Dimension::State => (Kind::Status, None),
            Dimension::Energy => (Kind::Counter, stated.then(|| point.unit.to_owned())),
            _ => (Kind::Instantaneous, stated.then(|| point.unit.to_owned())),
        };
        ColumnMeta {
            name: names::normalised(&point.name),
            original_name: point.name.clone(),
            kind,
            kind_evidence: String::new(),
            unit_evidence: unit.is_some().then(|| "in its header".to_owned()),
            unit,
            trend_definition: None,
            native_interval_s: None,
            states: (kind == Kind::Status).then(|| vec!["OFF".to_owned(), "ON".to_owned()]),
            count: readings.values.iter().filter(|value| !value.is_nan()).count() as u64,
            nulls: BTreeMap::new(),
            derived: None,
            cleaned: None,
        }
    };
    record.columns.iter().map(column).collect()
}

/// What is found in a record.
pub(crate) fn diagnosed(record: &Record, limits: &DiagnosticLimits) -> Diagnosis {
    let zone: chrono_tz::Tz = record.setting.plant.timezone.parse().unwrap();
    // Local standard time all year: the offset of the first row.
    let first = zone.from_local_datetime(&record.times[0]).earliest().unwrap();
    let base = record.times[0];
    let at_ms: Vec<i64> =
        record.times.iter().map(|at| first.timestamp_millis() + (*at - base).num_milliseconds()).collect();
    let mut read = |index: usize| -> Result<Vec<f64>, ()> { Ok(record.columns[index].values.clone()) };
    diagnose(&columns(record), &at_ms, zone, limits, &mut read).unwrap()
}

/// A name without what sites write between its letters.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase()
}

fn same(kind: FaultKind, injected: Injected) -> bool {
    kind.name() == injected.name()
}

/// How often each kind was found, and how often rightly.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Score {
    /// Faults put in.
    pub faults: usize,
    /// Of these, faults with at least one true finding.
    pub faults_found: usize,
    /// Machine-days with a finding.
    pub found: usize,
    /// Of these, days at which that machine had that fault.
    pub right: usize,
    /// Machine-days with a fault.
    pub days: usize,
    /// Energy that findings say was wasted, and what the truth says, kWh.
    pub wasted_kwh: (f64, f64),
}

impl Score {
    /// Share of the findings that are true; 1 where there are none.
    pub(crate) fn precision(&self) -> f64 {
        if self.found == 0 { 1.0 } else { self.right as f64 / self.found as f64 }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.faults += other.faults;
        self.faults_found += other.faults_found;
        self.found += other.found;
        self.right += other.right;
        self.days += other.days;
        self.wasted_kwh.0 += other.wasted_kwh.0;
        self.wasted_kwh.1 += other.wasted_kwh.1;
    }
}

/// Each injected kind's score, and the wrong findings in words.
pub(crate) fn score(
    diagnosis: &Diagnosis,
    truth: &[Truth],
    stretch: &Stretch,
) -> (BTreeMap<&'static str, Score>, Vec<String>) {
    let last = stretch.start + TimeDelta::days(i64::from(stretch.days)) - TimeDelta::minutes(1);
    let span = |fault: &Truth| -> (NaiveDate, NaiveDate) {
        (fault.fault.start.unwrap_or(stretch.start).date(), fault.fault.end.unwrap_or(last).date())
    };
    let mut scores: BTreeMap<&'static str, Score> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut hit: BTreeSet<usize> = BTreeSet::new();
    for finding in &diagnosis.findings {
        let score = scores.entry(finding.kind.name()).or_default();
        score.found += 1;
        let fits = |fault: &Truth| {
            let (from, to) = span(fault);
            same(finding.kind, fault.fault.kind)
                && plain(fault.fault.target.name()) == plain(&finding.machine)
                && (from..=to).contains(&finding.day)
        };
        match truth.iter().position(fits) {
            Some(index) => {
                score.right += 1;
                score.wasted_kwh.0 += finding.energy_wasted_kwh.unwrap_or_default();
                hit.insert(index);
            }
            None => wrong.push(format!("{} {} {}", finding.day, finding.machine, finding.detail)),
        }
    }
    for (index, fault) in truth.iter().enumerate() {
        let score = scores.entry(fault.fault.kind.name()).or_default();
        let (from, to) = span(fault);
        score.faults += 1;
        score.faults_found += usize::from(hit.contains(&index));
        score.days += usize::try_from((to - from).num_days() + 1).unwrap();
        score.wasted_kwh.1 += fault.wasted_kwh.unwrap_or_default();
    }
    (scores, wrong)
}

/// A plant's run with these faults, judged.
pub(crate) fn run(plant: &str, seed: u64, stretch: Stretch, list: &FaultList) -> (Record, Diagnosis) {
    let record = Scenario::new(plant, seed, stretch, list).unwrap().record();
    let diagnosis = diagnosed(&record, &DiagnosticLimits::default());
    (record, diagnosis)
}

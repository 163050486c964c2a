//! The default rules on simulated plants whose faults are known: what a rule hits is wrong, what is wrong is hit, and a
//! plant without faults is left alone.
//!
//! Reports are read as a parse reads them. `scripts/judge` does the same by the program, over many seeds and every kind of
//! fault (docs/JUDGED.md); the seeds here were looked at when its limits were set.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use chrono_tz::Tz;
use hvac_cleaning::{Event, Parameters, Rule, check, clean};
use hvac_frame::align::Keep;
use hvac_frame::column::ColumnMeta;
use hvac_frame::tally::Tally;
use hvac_report::ReadOptions;
use hvac_report::job::describe::describe;
use hvac_report::job::plan::Plan as Reading;
use hvac_report::job::read::{FileId, FileToRead, read_all};
use hvac_report::job::window::align_window;
use hvac_simulation::faults::{FaultKind, FaultList, Truth};
use hvac_simulation::plants::PLANTS;
use hvac_simulation::scenario::{Record, Scenario, Stretch};
use polars::prelude::DataFrame;

const STRETCH_DAYS: u32 = 30;
/// An event may begin and end so many rows beside its fault.
const MARGIN_ROWS: i64 = 3;

/// The rules judged here, and the kinds of faults that each is for.
const RULES: [(Rule, &[FaultKind]); 3] = [
    (Rule::Frozen, &[FaultKind::Stuck]),
    (Rule::Spike, &[FaultKind::Spike]),
    (Rule::OutOfRange, &[FaultKind::Spike, FaultKind::Offset, FaultKind::Drift, FaultKind::WrongUnit]),
];

/// The least share of faults that is found.
const LEAST_RECALL: f64 = 0.90;

fn record(plant: &str, seed: u64, faults: &FaultList) -> Record {
    let stretch = Stretch { days: STRETCH_DAYS, ..Stretch::default() };
    Scenario::new(plant, seed, stretch, faults).unwrap().record()
}

fn parsed(record: &Record, zone: Tz) -> (DataFrame, Vec<ColumnMeta>) {
    let options = Arc::new(ReadOptions::of(zone));
    let (ids, files): (Vec<FileToRead>, Vec<Bytes>) = record
        .reports()
        .map(|report| {
            let id = FileId { name: report.file_name.clone(), sha256: report.file_name };
            (FileToRead { id, options: options.clone(), recalled: None, prefix_by: None }, Bytes::from(report.bytes))
        })
        .unzip();
    let load = |index: usize| Ok(files[index].clone());
    let read = read_all(&ids, &load, false, 1 << 30, &|| ()).unwrap();
    let mut plan = Reading::new(read, &BTreeMap::new(), &BTreeMap::new()).unwrap();
    let mut tallies = vec![Tally::default(); plan.columns.len()];
    let window = 0..plan.axis_ms.len();
    let segments = plan.read_window(&window, &load).unwrap();
    let (merged, found) = align_window(&plan, &window, segments, Keep::Last).unwrap();
    tallies.iter_mut().zip(found).for_each(|(tally, next)| tally.absorb(next));
    (merged.head(plan.names(), usize::MAX).unwrap(), describe(&plan, tallies).0)
}

/// A point's name without the unit in brackets behind it.
fn bare(name: &str) -> &str {
    name.rsplit_once(" (").map_or(name, |(bare, _)| bare)
}

/// The columns, and the events of all rules.
fn judged(record: &Record) -> (Vec<ColumnMeta>, Vec<Event>) {
    let zone: Tz = record.setting.plant.timezone.parse().unwrap();
    let (frame, columns) = parsed(record, zone);
    let parameters = Parameters {
        resample_interval: None,
        detect_frozen: true,
        detect_spikes: true,
        detect_out_of_range: true,
        ..Parameters::default()
    };
    let plan = check(&columns, &parameters).unwrap();
    let cleaned = clean(frame, &columns, zone, &plan, &|_, _| ControlFlow::Continue(())).unwrap();
    (columns, cleaned.events)
}

/// A fault on the columns of the parsed frame, in UTC ms.
struct Known<'a> {
    truth: &'a Truth,
    columns: BTreeSet<&'a str>,
    start_ms: i64,
    end_ms: i64,
}

fn known<'a>(record: &'a Record, columns: &'a [ColumnMeta]) -> Vec<Known<'a>> {
    let zone: Tz = record.setting.plant.timezone.parse().unwrap();
    let margin_ms = MARGIN_ROWS * 60_000 * i64::from(record.setting.step_minutes);
    let ms = |at: chrono::NaiveDateTime| at.and_local_timezone(zone).earliest().unwrap().timestamp_millis();
    let one = |truth: &'a Truth| Known {
        truth,
        columns: columns
            .iter()
            .filter(|column| truth.points.iter().any(|point| *point == bare(&column.original_name)))
            .map(|column| column.name.as_str())
            .collect(),
        start_ms: ms(truth.fault.start.unwrap()) - margin_ms,
        end_ms: ms(truth.fault.end.unwrap()) + margin_ms,
    };
    record.truth.iter().map(one).collect()
}

impl Known<'_> {
    fn is_hit_by(&self, event: &Event) -> bool {
        let column = event.column.as_deref().unwrap_or_default();
        self.columns.contains(column) && self.start_ms <= event.end_at_ms && self.end_ms >= event.start_at_ms
    }
}

#[test]
fn a_plant_without_faults_is_left_alone() {
    let mut found = Vec::new();
    for plant in PLANTS {
        let record = record(plant.name, 7001, &FaultList::default());
        let (columns, events) = judged(&record);
        assert!(columns.iter().all(|column| column.nulls.is_empty()), "{}: something was lost", plant.name);
        let of_cells = events.into_iter().filter(|event| RULES.iter().any(|(rule, ..)| *rule == event.rule));
        found.extend(of_cells.map(|event| format!("{}: {event:?}", plant.name)));
    }
    assert!(found.is_empty(), "{} events: {found:#?}", found.len());
}

#[test]
fn faults_are_found_and_little_else() {
    let kinds = vec![FaultKind::Stuck, FaultKind::Spike, FaultKind::Dropout];
    let (mut right, mut wrong) = (BTreeMap::<Rule, u32>::new(), Vec::new());
    let (mut faults, mut missed) = (BTreeMap::<FaultKind, u32>::new(), Vec::new());
    for plant in PLANTS {
        let list = FaultList { kinds: kinds.clone(), ..FaultList::random(24) };
        let record = record(plant.name, 7002, &list);
        let (columns, events) = judged(&record);
        let known = known(&record, &columns);
        for event in &events {
            let Some((rule, kinds)) = RULES.iter().find(|(rule, _)| *rule == event.rule) else { continue };
            let hit: Vec<FaultKind> =
                known.iter().filter(|fault| fault.is_hit_by(event)).map(|fault| fault.truth.fault.kind).collect();
            if hit.iter().any(|kind| kinds.contains(kind)) {
                *right.entry(*rule).or_default() += 1;
            } else if hit.is_empty() {
                wrong.push((*rule, format!("{}: {event:?}", plant.name)));
            }
        }
        for fault in &known {
            let kind = fault.truth.fault.kind;
            *faults.entry(kind).or_default() += 1;
            let lost = |column: &&ColumnMeta| fault.columns.contains(column.name.as_str()) && !column.nulls.is_empty();
            let is_for =
                |event: &&Event| RULES.iter().any(|(rule, kinds)| *rule == event.rule && kinds.contains(&kind));
            let found = match kind {
                // A loss needs no rule: parsing nulls the cell with its reason.
                FaultKind::Dropout => columns.iter().any(|column| lost(&column)),
                _ => events.iter().filter(is_for).any(|event| fault.is_hit_by(event)),
            };
            if !found {
                missed.push((kind, format!("{}: {:?}", plant.name, fault.truth)));
            }
        }
    }
    for (rule, _) in RULES {
        let right = right.get(&rule).copied().unwrap_or(0);
        let words: Vec<&String> = wrong.iter().filter(|(r, _)| *r == rule).map(|(_, words)| words).collect();
        let share = f64::from(right) / (f64::from(right) + words.len() as f64).max(1.0);
        assert!(words.is_empty() || share >= 0.95, "{}: {right} right, {} wrong: {words:#?}", rule.name(), words.len());
    }
    for (kind, count) in faults {
        let words: Vec<&String> = missed.iter().filter(|(k, _)| *k == kind).map(|(_, words)| words).collect();
        let recall = 1.0 - words.len() as f64 / f64::from(count);
        assert!(recall >= LEAST_RECALL, "{}: {} of {count} missed: {words:#?}", kind.name(), words.len());
    }
}

/// A flow that is printed in another unit makes every temperature of its loop look wrong by the same in the same days, while
/// another one drifts so that the flow itself is not found: none of them is accused. The one that drifts alone is.
#[test]
fn sensors_that_err_alike_at_once_are_not_accused() {
    let faults = r#"{"faults": [
        {"kind": "drift", "point": "CWST", "start": "2024-05-20T11:40:00", "size": 2.0},
        {"kind": "wrong_unit", "point": "CW_FLOW", "unit": "L/min", "start": "2024-06-05T05:40:00", "end": "2024-06-30T00:40:00"}
    ]}"#;
    let stretch = Stretch { days: 75, ..Stretch::default() };
    let record = Scenario::new("office", 7003, stretch, &serde_json::from_str(faults).unwrap()).unwrap().record();
    let zone: Tz = record.setting.plant.timezone.parse().unwrap();
    let (frame, columns) = parsed(&record, zone);
    let parameters = Parameters { resample_interval: None, check_sensors: true, ..Parameters::default() };
    let plan = check(&columns, &parameters).unwrap();
    let events = clean(frame, &columns, zone, &plan, &|_, _| ControlFlow::Continue(())).unwrap().events;
    let of = |rule: Rule| events.iter().filter(move |event| event.rule == rule);
    assert!(of(Rule::Offset).next().is_none(), "{:#?}", of(Rule::Offset).collect::<Vec<_>>());
    assert!(of(Rule::Drift).any(|event| event.column.as_deref().unwrap().starts_with("CWST")), "{events:#?}");
}

/// A load and a total that swing hide a reading that is 6 deviations of their own steps too large or small, but not from flow × ΔT and
/// from the machines' meters. A chiller that cycles moves them all, and the laws show that.
#[test]
fn laws_tell_a_plants_jumps_from_a_sensors() {
    let faults = r#"{"faults": [
        {"kind": "short_cycling", "machine": "CH2", "start": "2024-05-20T00:00:00", "size": 3.0},
        {"kind": "spike", "point": "COOLING_LOAD", "start": "2024-05-14T14:00:00", "size": -6.0},
        {"kind": "spike", "point": "PLANT_TOTAL_POWER", "start": "2024-05-16T13:00:00", "size": 6.0}
    ]}"#;
    let record = record("office", 7004, &serde_json::from_str(faults).unwrap());
    let (columns, events) = judged(&record);
    let known = known(&record, &columns);
    let spikes: Vec<&Event> = events.iter().filter(|event| event.rule == Rule::Spike).collect();
    let missed: Vec<&Truth> = known
        .iter()
        .skip(1)
        .filter(|fault| !spikes.iter().any(|event| fault.is_hit_by(event)))
        .map(|f| f.truth)
        .collect();
    assert!(missed.is_empty() && spikes.len() == known.len() - 1, "{missed:#?} {spikes:#?}");
}

//! What the benches are fed: the first quarter of the reference job's four monthly groups.

#![allow(unreachable_pub, reason = "a room of the tests is private to them")]

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use hvac_frame::align::Keep;
use hvac_frame::tally::Tally;
use hvac_report::ReadOptions;
use hvac_report::job::plan::Plan;
use hvac_report::job::read::{FileId, FileToRead, read_all};
use hvac_report::job::window::align_window;
use hvac_simulation::reference::{self, Scale};
use hvac_simulation::trends::Report;
use polars::prelude::DataFrame;

const MONTHLY: [&str; 4] = ["_CH_", "_WATER_", "_PUMP_", "_AHU_"];

/// Twelve reports: 8 640 rows on the joined axis, 120 points.
pub fn quarter() -> Vec<Report> {
    let monthly = |report: &Report| MONTHLY.iter().any(|group| report.file_name.contains(group));
    reference::reports(1, Scale { rows: 1, columns: 1 }).filter(monthly).take(12).collect()
}

/// Nothing overridden.
pub fn options() -> ReadOptions {
    ReadOptions::of(chrono_tz::Asia::Taipei)
}

/// Read, planned and merged into one window.
pub fn merged(reports: &[Report]) -> DataFrame {
    planned_and_merged(reports).1
}

/// The same with the plan, which knows the columns, and what became of their cells.
pub fn planned_and_merged(reports: &[Report]) -> (Plan, DataFrame, Vec<Tally>) {
    let options = Arc::new(options());
    let file = |report: &Report| FileToRead {
        id: FileId { name: report.file_name.clone(), sha256: report.file_name.clone() },
        options: options.clone(),
        recalled: None,
        prefix_by: None,
    };
    let ids: Vec<FileToRead> = reports.iter().map(file).collect();
    let load = |index: usize| Ok(Bytes::copy_from_slice(&reports[index].bytes));
    let read = read_all(&ids, &load, false, u64::MAX, &|| ()).expect("the reports can be read");
    let mut plan = Plan::new(read, &BTreeMap::new(), &BTreeMap::new()).expect("nothing is overridden");
    let window = 0..plan.axis_ms.len();
    let segments = plan.read_window(&window, &load).expect("the cells were kept");
    let (merged, tallies) = align_window(&plan, &window, segments, Keep::Last).expect("the segments are of the plan");
    let frame = merged.head(plan.names(), usize::MAX).expect("the columns fit together");
    (plan, frame, tallies)
}

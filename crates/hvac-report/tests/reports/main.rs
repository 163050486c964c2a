//! Trend reports through [`Reader`]: hand-written fixtures, one a trap of HVAC.md §2; bad input; the real reports.
//!
//! The expected rows are worked out by hand from the fixtures' bytes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    missing_docs
)]

use std::collections::BTreeMap;

use hvac_frame::builder::SegmentBuilder;
use hvac_frame::column::{NullReason, Segment, TEXT, VALUE};
use hvac_report::{FilePlan, ReadError, ReadOptions, Reader, Source};

mod across;
mod bad;
mod clocks;
mod dates;
mod generated;
mod nem12;
mod numbers;
mod real_reports;
mod tables;
mod traps;
mod turned;

fn options(zone: &str) -> ReadOptions {
    ReadOptions::of(zone.parse().unwrap())
}

/// A whole report: its plan and its segments, each of which was read twice and came out the same.
fn read(name: &str, bytes: &[u8], options: &ReadOptions) -> Result<(FilePlan, Vec<Segment>), ReadError> {
    let mut tables = Reader::open(Source { name, bytes }, options)?;
    assert_eq!(tables.len(), 1);
    let reader = tables.remove(0);
    let mut segments = Vec::new();
    let plan = reader.plan(&mut SegmentBuilder::default(), &mut |index, segment| {
        assert_eq!(index, segments.len());
        segments.push(segment.decode());
    })?;
    assert_eq!(plan.chunks.len(), segments.len());
    for (index, segment) in segments.iter().enumerate() {
        assert_eq!(&reader.read(&plan, index)?.decode(), segment, "chunk {index} read again");
        assert!(segment.at_ms.is_sorted());
        for cells in &segment.columns {
            assert!(cells.codes.is_empty() || cells.codes.len() == segment.at_ms.len());
            assert_eq!(cells.codes.len(), cells.values.len());
        }
    }
    Ok((plan, segments))
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(std::path::Path::new("../../tests/fixtures/reports").join(name)).unwrap()
}

fn read_fixture(name: &str, options: &ReadOptions) -> (FilePlan, Vec<Segment>) {
    read(name, &fixture(name), options).unwrap()
}

/// The rows in words: UTC time, then a number, a 'text' or a <reason> a point.
fn rows(plan: &FilePlan, segments: &[Segment]) -> Vec<String> {
    let mut rows = Vec::new();
    for segment in segments {
        for (row, at) in segment.at_ms.iter().enumerate() {
            let at = chrono::DateTime::from_timestamp_millis(*at).unwrap().naive_utc();
            let mut words = at.format("%m-%d %H:%M:%S%.f").to_string();
            for (index, point) in plan.points.iter().enumerate() {
                let cell = segment.columns.get(index).filter(|cells| !cells.codes.is_empty());
                let cell =
                    cell.map_or((0.0, NullReason::NotCovered as u8), |cells| (cells.values[row], cells.codes[row]));
                words += &match cell {
                    (value, VALUE) => format!(" | {value}"),
                    (token, TEXT) => format!(" | '{}'", point.tokens[token as usize].0),
                    (_, code) => format!(" | <{}>", reason(code)),
                };
            }
            rows.push(words);
        }
    }
    rows
}

fn reason(code: u8) -> String {
    serde_json::to_value(NullReason::of_code(code).unwrap()).unwrap().as_str().unwrap().to_owned()
}

fn names(plan: &FilePlan) -> Vec<&str> {
    plan.points.iter().map(|point| point.original_name.as_str()).collect()
}

/// Code, line and count of each warning.
fn warned(plan: &FilePlan) -> Vec<(&str, Option<u64>, u64)> {
    plan.warnings.iter().map(|warning| (warning.code.as_str(), warning.line, warning.count)).collect()
}

/// Cells by what they are.
fn tally(segments: &[Segment]) -> (u64, u64, BTreeMap<NullReason, u64>) {
    let (mut numbers, mut texts, mut nulls) = (0, 0, BTreeMap::new());
    for code in segments.iter().flat_map(|s| &s.columns).flat_map(|c| &c.codes) {
        match *code {
            VALUE => numbers += 1,
            TEXT => texts += 1,
            code => *nulls.entry(NullReason::of_code(code).unwrap()).or_default() += 1,
        }
    }
    (numbers, texts, nulls)
}

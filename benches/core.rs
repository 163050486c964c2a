//! The pure core: read one report, read + plan + merge a set of them, clean what they make.
#![allow(missing_docs, clippy::expect_used, clippy::indexing_slicing)]

mod common;

use std::hint::black_box;
use std::ops::ControlFlow;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use hvac_cleaning::{self as clean, Interval, Parameters};
use hvac_frame::builder::SegmentBuilder;
use hvac_report::job::describe;
use hvac_report::{Reader, Source};
use hvac_simulation::reference::{self, Scale};

fn read_one(c: &mut Criterion) {
    let reports = common::quarter();
    let report = reports.iter().max_by_key(|report| report.bytes.len()).expect("there are twelve");
    let options = common::options();
    let mut group = c.benchmark_group("core");
    group.throughput(Throughput::Bytes(report.bytes.len() as u64));
    group.bench_function("read one report", |b| {
        b.iter(|| {
            let source = Source { name: &report.file_name, bytes: black_box(&report.bytes) };
            let mut segments = Vec::new();
            let tables = Reader::open(source, &options).expect("it is a report");
            let plan = tables
                .first()
                .expect("it has a table")
                .plan(&mut SegmentBuilder::default(), &mut |_, segment| segments.push(segment))
                .expect("it can be read");
            (plan, segments)
        });
    });
    group.finish();
}

fn merge_set(c: &mut Criterion) {
    let reports = common::quarter();
    let mut group = c.benchmark_group("core");
    group.throughput(Throughput::Bytes(reports.iter().map(|report| report.bytes.len() as u64).sum()));
    group.sample_size(20);
    group.bench_function("read, plan and merge 12 reports", |b| b.iter(|| common::merged(black_box(&reports))));
    group.finish();
}

fn clean_set(c: &mut Criterion) {
    let (plan, frame, tallies) = common::planned_and_merged(&common::quarter());
    let (columns, _) = describe::describe(&plan, tallies);
    let parameters = Parameters { resample_interval: Some(Interval::M15), ..Parameters::default() };
    let cleaning = clean::check(&columns, &parameters).expect("every role is found or left out");
    let zone = common::options().zone;
    let mut group = c.benchmark_group("core");
    group.throughput(Throughput::Elements((frame.height() * frame.width()) as u64));
    group.sample_size(20);
    group.bench_function("clean 8 640 × 120 at 15 min", |b| {
        b.iter_batched(
            || frame.clone(),
            |frame| clean::clean(frame, &columns, zone, &cleaning, &|_, _| ControlFlow::Continue(())),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

fn generate(c: &mut Criterion) {
    let fresh = || reference::reports(1, Scale { rows: 1, columns: 1 });
    let mut group = c.benchmark_group("simulation");
    group.sample_size(10);
    group.bench_function("first 20 reports of the reference job", |b| {
        b.iter_batched(fresh, |reports| reports.take(20).map(|r| r.bytes.len()).sum::<usize>(), BatchSize::LargeInput);
    });
    group.finish();
}

criterion_group!(benches, read_one, merge_set, clean_set, generate);
criterion_main!(benches);

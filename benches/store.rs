//! The store: a frame to Parquet in memory, and back, whole and in part.
#![allow(missing_docs, clippy::expect_used, clippy::indexing_slicing)]

mod common;

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hvac_analytics::store::frames::{ColumnType, FrameReader, FrameWriter, TIMESTAMP};
use polars::prelude::{DataFrame, DataType};

fn schema(frame: &DataFrame) -> Vec<(String, ColumnType)> {
    let column_type = |dtype: &DataType| if dtype.is_float() { ColumnType::Float64 } else { ColumnType::Text };
    let sensors = frame.columns().iter().filter(|column| column.name() != TIMESTAMP);
    sensors.map(|column| (column.name().to_string(), column_type(column.dtype()))).collect()
}

fn written(frame: &DataFrame, schema: &[(String, ColumnType)]) -> Vec<u8> {
    let mut writer = FrameWriter::new(Vec::new(), schema).expect("the names differ");
    writer.write_window(frame).expect("the frame is as its schema says");
    writer.finish(Vec::new()).expect("memory does not fail").0
}

fn frames(c: &mut Criterion) {
    let frame = common::merged(&common::quarter()).frame;
    let schema = schema(&frame);
    let file = Bytes::from(written(&frame, &schema));
    let open = || FrameReader::open(file.clone()).expect("it was just written");
    let cells = (frame.height() * frame.width()) as u64;

    let mut group = c.benchmark_group("store");
    group.throughput(Throughput::Elements(cells));
    group.sample_size(20);
    group.bench_function("write 8 640 × 120", |b| b.iter(|| written(black_box(&frame), &schema)));
    group.bench_function("load 8 640 × 120", |b| b.iter(|| open().read(None).expect("it can be read")));
    group.throughput(Throughput::Elements(50 * frame.width() as u64));
    group.bench_function("50 rows from the middle", |b| {
        b.iter(|| open().read_rows(None, 4_000, 50).expect("it can be read"));
    });
    let one = [frame.columns()[1].name().to_string()];
    group.throughput(Throughput::Elements(frame.height() as u64));
    group.bench_function("one column", |b| b.iter(|| open().read(Some(&one)).expect("it can be read")));
    group.finish();
}

criterion_group!(benches, frames);
criterion_main!(benches);

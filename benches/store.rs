//! The store: a frame to Parquet in memory, and back, whole and in part; previews as a request gets them.
#![allow(missing_docs, clippy::expect_used, clippy::indexing_slicing)]

mod common;

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hvac_analytics::app;
use hvac_analytics::config::Config;
use hvac_analytics::datasets::preview::preview;
use hvac_analytics::datasets::window::WindowQuery;
use hvac_analytics::datasets::{DatasetSelector, PreviewQuery};
use hvac_analytics::sessions::ParseRequest;
use hvac_analytics::sessions::parse::{Caller, parse_files};
use hvac_analytics::sessions::progress::Progress;
use hvac_frame::names::TIMESTAMP;
use hvac_frame::parquet_file::{ColumnType, ParquetReader, ParquetWriter};
use polars::prelude::{DataFrame, DataType};

fn schema(frame: &DataFrame) -> Vec<(String, ColumnType)> {
    let column_type = |dtype: &DataType| if dtype.is_float() { ColumnType::Float64 } else { ColumnType::Text };
    let sensors = frame.columns().iter().filter(|column| column.name() != TIMESTAMP);
    sensors.map(|column| (column.name().to_string(), column_type(column.dtype()))).collect()
}

fn written(frame: &DataFrame, schema: &[(String, ColumnType)]) -> Vec<u8> {
    let mut writer = ParquetWriter::new(Vec::new(), schema).expect("the names differ");
    writer.write_window(frame).expect("the frame is as its schema says");
    writer.finish(Vec::new()).expect("memory does not fail").0
}

fn frames(c: &mut Criterion) {
    let frame = common::merged(&common::quarter());
    let schema = schema(&frame);
    let file = Bytes::from(written(&frame, &schema));
    let open = || ParquetReader::open(file.clone()).expect("it was just written");
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

fn previews(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    let below = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let config = Config::from_values(|variable| match variable {
        "DATABASE_URL" => Some(format!("sqlite://{}", below("hvac_analytics.db"))),
        "DATA_DIR" => Some(below("")),
        "DATA_STORAGE_PATH" => Some(below("sessions")),
        "MODELS_PATH" => Some(below("models")),
        _ => None,
    })
    .expect("the settings are right");
    let files = common::quarter().into_iter().map(|report| {
        let path = folder.path().join(&report.file_name);
        std::fs::write(&path, &report.bytes).expect("the reports can be written");
        (report.file_name, path)
    });
    let files = files.collect();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let (state, parsed) = runtime.block_on(async {
        let state = app::build(config).await.expect("the stores open");
        let parsed = parse_files(&state, files, ParseRequest::default(), Caller::Cli, &Progress::none()).await;
        (state, parsed.expect("the reports can be parsed"))
    });
    let selector = DatasetSelector { session_id: Some(parsed.session_id), version: None };
    let all = WindowQuery::default();
    let ask = |offset| PreviewQuery { rows: Some(50), offset: Some(offset), ..PreviewQuery::default() };

    let mut group = c.benchmark_group("preview");
    group.throughput(Throughput::Elements(50 * parsed.column_count));
    let same = ask(4_000);
    group.bench_function("cached", |b| {
        b.iter(|| runtime.block_on(preview(&state, &selector, &same, &all)).expect("the dataset is there"));
    });
    // No question is asked twice: when all offsets are, by a row more.
    let mut asked = 0;
    group.bench_function("not cached", |b| {
        b.iter(|| {
            asked += 1;
            let rows = Some(50 + asked / 8_000);
            let query = PreviewQuery { rows, ..ask(asked % 8_000) };
            runtime.block_on(preview(&state, &selector, &query, &all)).expect("the dataset is there")
        });
    });
    group.finish();
    runtime.block_on(app::close(state)).expect("the stores close");
}

criterion_group!(benches, frames, previews);
criterion_main!(benches);

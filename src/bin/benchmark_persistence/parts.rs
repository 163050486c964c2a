//! Single parts of the program, alone in a process: for `benches/compare`, which sets others beside them.
//!
//! No figure holds the start of a process or a database: loading begins with a file and ends with a frame,
//! cleaning goes from frame to frame.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bytes::Bytes;
use chrono_tz::Tz;
use hvac_cleaning::{self as clean, Cleaned, Interval, Parameters};
use hvac_frame::builder::SegmentBuilder;
use hvac_frame::column::ColumnMeta;
use hvac_frame::parquet_file::ParquetReader;
use hvac_report::{ReadError, ReadOptions, Reader, Source};
use hvac_store::error::{Context, Error, Result};
use hvac_store::frames::{KEY_COLUMNS, KEY_ZONE};
use polars::prelude::DataFrame;
use rayon::prelude::*;

/// One part, and what it works on; at most one of them.
#[derive(clap::Args)]
#[group(multiple = false)]
pub(crate) struct Part {
    /// Load this dataset's Parquet file and clean it at 15 minutes, frame to frame, with and without the search for
    /// frozen sensors, and print seconds as JSON.
    #[arg(long, value_name = "FILE")]
    frames: Option<PathBuf>,
    /// The same at an hour.
    #[arg(long, value_name = "FILE")]
    frames_hourly: Option<PathBuf>,
    /// Read every report of this folder, keep nothing, and print seconds as JSON.
    #[arg(long, value_name = "FOLDER")]
    reader: Option<PathBuf>,
    /// Serve the bytes of this file from one bare route, on a free port, which is printed.
    #[arg(long, value_name = "FILE")]
    bare: Option<PathBuf>,
}

impl Part {
    /// Does the part asked for; nothing when none is.
    pub(crate) fn run(&self, runs: u32) -> Option<Result<()>> {
        let frames = |file, interval| frames(file, interval, runs);
        None.or_else(|| self.frames.as_deref().map(|file| frames(file, Interval::M15)))
            .or_else(|| self.frames_hourly.as_deref().map(|file| frames(file, Interval::H1)))
            .or_else(|| self.reader.as_deref().map(|folder| reader(folder, runs)))
            .or_else(|| self.bare.as_deref().map(bare))
    }
}

/// Wall and CPU seconds of one thing done several times.
#[derive(Default, serde::Serialize)]
struct Timed {
    wall_s: Vec<f64>,
    cpu_s: Vec<f64>,
}

impl Timed {
    fn time<T>(&mut self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let (started, before) = (Instant::now(), cpu_seconds());
        let done = work()?;
        self.wall_s.push(started.elapsed().as_secs_f64());
        self.cpu_s.push(cpu_seconds() - before);
        Ok(done)
    }
}

/// What the living threads of this process have used; nought where the system does not tell (Linux does).
fn cpu_seconds() -> f64 {
    let Ok(threads) = fs::read_dir("/proc/self/task") else { return 0.0 };
    let nanoseconds = threads.flatten().filter_map(|thread| {
        let used = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        used.split_whitespace().next()?.parse::<u64>().ok()
    });
    nanoseconds.sum::<u64>() as f64 / 1e9
}

fn frames(file: &Path, interval: Interval, runs: u32) -> Result<()> {
    let (mut load, mut clean, mut bins) = (Timed::default(), Timed::default(), Timed::default());
    let loaded = || {
        let bytes = fs::read(file).internal("reading the dataset's file")?;
        let reader = ParquetReader::open(Bytes::from(bytes))?;
        let frame = reader.read(None)?;
        Ok((reader, frame))
    };
    for _ in 0..runs {
        let (reader, frame) = load.time(loaded)?;
        let said = |key| reader.footer().key_value(key).unwrap_or_default();
        let columns: Vec<ColumnMeta> = serde_json::from_str(said(KEY_COLUMNS)).internal("reading the columns")?;
        let zone: Tz = said(KEY_ZONE).parse().internal("reading the zone of the file")?;
        // As a job does: the cleaning has the frame to itself.
        clean.time(|| cleaned(frame, &columns, zone, interval, true).map(drop))?;
        let (_, frame) = loaded()?;
        bins.time(|| cleaned(frame, &columns, zone, interval, false).map(drop))?;
    }
    println!("{}", serde_json::json!({ "load": load, "clean": clean, "bins": bins }));
    Ok(())
}

/// The pure reader: every report of a folder from memory, nothing kept of what was read.
fn reader(folder: &Path, runs: u32) -> Result<()> {
    let reports = reports(folder)?;
    let options = options(chrono_tz::Asia::Taipei);
    let mut read = Timed::default();
    for _ in 0..runs {
        read.time(|| {
            reports.par_iter().try_for_each_init(SegmentBuilder::default, |sheet, (name, bytes)| {
                let tables = Reader::open(Source { name, bytes }, &options).map_err(unreadable)?;
                let mut plans = tables.iter().map(|table| table.plan(sheet, &mut |_, _| ()).map(drop));
                plans.try_for_each(|read| read.map_err(unreadable))
            })
        })?;
    }
    let bytes: usize = reports.iter().map(|(_, bytes)| bytes.len()).sum();
    println!("{}", serde_json::json!({ "bytes": bytes, "read": read }));
    Ok(())
}

fn cleaned(
    frame: DataFrame,
    columns: &[ColumnMeta],
    zone: Tz,
    interval: Interval,
    detect_frozen: bool,
) -> Result<Cleaned> {
    let parameters = Parameters { resample_interval: Some(interval), detect_frozen, ..Parameters::default() };
    let refused = |error: clean::CleanError| Error::internal(error.message);
    let plan = clean::check(columns, &parameters).map_err(refused)?;
    clean::clean(frame, columns, zone, &plan, &|_, _| ControlFlow::Continue(())).map_err(refused)
}

/// As thin as a route can be: what the framework itself costs for such an answer.
fn bare(file: &Path) -> Result<()> {
    use axum::http::header::CONTENT_TYPE;
    use axum::routing::get;
    let body = Bytes::from(fs::read(file).internal("reading the answer's file")?);
    let route = get(move || std::future::ready(([(CONTENT_TYPE, "application/json")], body.clone())));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().internal("starting the runtime")?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.internal("listening")?;
        println!("{}", listener.local_addr().internal("asking for the port")?.port());
        axum::serve(listener, axum::Router::new().fallback(route)).await.internal("serving")
    })
}

/// Every `.csv` of a folder, by name.
fn reports(folder: &Path) -> Result<Vec<(String, Bytes)>> {
    let doing = "reading the folder of reports";
    let mut reports = Vec::new();
    for entry in fs::read_dir(folder).internal(doing)? {
        let path = entry.internal(doing)?.path();
        if path.extension().is_some_and(|extension| extension == "csv") {
            reports.push((path.to_string_lossy().into_owned(), Bytes::from(fs::read(&path).internal(doing)?)));
        }
    }
    reports.sort();
    Ok(reports)
}

fn options(zone: Tz) -> ReadOptions {
    ReadOptions::of(zone)
}

fn unreadable(error: ReadError) -> Error {
    Error::internal(format!("{}: {}", error.file, error.message))
}

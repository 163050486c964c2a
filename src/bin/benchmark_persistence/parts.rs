//! Single parts of the program, alone in a process: for `benches/compare`, which sets others beside them, and
//! for `benches/instructions`, which counts what they execute.
//!
//! No figure holds the start of a process or a database: loading begins with a file and ends with a frame,
//! cleaning goes from frame to frame.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bytes::Bytes;
use chrono_tz::Tz;
use hvac_analytics::error::{Context, Error, Result};
use hvac_analytics::etl::clean::{self, Cleaned, Interval, Parameters};
use hvac_analytics::etl::column::{ColumnMeta, Kind};
use hvac_analytics::etl::merge::{Keep, describe, merge};
use hvac_analytics::etl::plan::{FileId, Plan, read_all};
use hvac_analytics::etl::report::{ReadError, ReadOptions};
use hvac_analytics::store::frames::{ColumnType, FrameReader, FrameWriter, KEY_COLUMNS, KEY_ZONE};
use polars::prelude::DataFrame;

/// One part, and what it works on; at most one of them.
#[derive(clap::Args)]
#[group(multiple = false)]
pub struct Part {
    /// Load this dataset's Parquet file and clean it at 15 minutes, frame to frame, and print seconds as JSON.
    #[arg(long, value_name = "FILE")]
    frames: Option<PathBuf>,
    /// The same at an hour.
    #[arg(long, value_name = "FILE")]
    frames_hourly: Option<PathBuf>,
    /// Serve the bytes of this file from one bare route, on a free port, which is printed.
    #[arg(long, value_name = "FILE")]
    bare: Option<PathBuf>,
    /// Read, merge, write, load and clean the reports of this folder in memory, once.
    #[arg(long, value_name = "FOLDER")]
    once: Option<PathBuf>,
}

impl Part {
    /// Does the part asked for; nothing when none is.
    pub fn run(&self, runs: u32) -> Option<Result<()>> {
        let frames = |file, interval| frames(file, interval, runs);
        None.or_else(|| self.frames.as_deref().map(|file| frames(file, Interval::M15)))
            .or_else(|| self.frames_hourly.as_deref().map(|file| frames(file, Interval::H1)))
            .or_else(|| self.bare.as_deref().map(bare))
            .or_else(|| self.once.as_deref().map(once))
    }
}

fn frames(file: &Path, interval: Interval, runs: u32) -> Result<()> {
    let (mut load_s, mut clean_s) = (Vec::new(), Vec::new());
    let mut height = 0;
    for _ in 0..runs {
        let started = Instant::now();
        let reader = FrameReader::open(Bytes::from(fs::read(file).internal("reading the dataset's file")?))?;
        let frame = reader.read(None)?;
        load_s.push(started.elapsed().as_secs_f64());
        let columns = reader.footer().key_value(KEY_COLUMNS).unwrap_or_default();
        let columns: Vec<ColumnMeta> = serde_json::from_str(columns).internal("reading the columns of the file")?;
        let zone = reader.footer().key_value(KEY_ZONE).unwrap_or_default();
        let zone: Tz = zone.parse().internal("reading the zone of the file")?;
        let started = Instant::now();
        let cleaned = cleaned(frame, &columns, zone, interval)?;
        clean_s.push(started.elapsed().as_secs_f64());
        height = cleaned.frame.height();
    }
    println!("{}", serde_json::json!({ "load_s": load_s, "clean_s": clean_s, "rows": height }));
    Ok(())
}

fn cleaned(frame: DataFrame, columns: &[ColumnMeta], zone: Tz, interval: Interval) -> Result<Cleaned> {
    let parameters = Parameters { resample_interval: Some(interval), ..Parameters::default() };
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

/// Everything between a report's bytes and a cleaned frame, the file in memory.
fn once(folder: &Path) -> Result<()> {
    let mut reports = Vec::new();
    for entry in fs::read_dir(folder).internal("reading the folder of reports")? {
        let path = entry.internal("reading the folder of reports")?.path();
        if path.extension().is_some_and(|extension| extension == "csv") {
            reports.push((path.to_string_lossy().into_owned(), Bytes::from(fs::read(&path).internal("reading")?)));
        }
    }
    reports.sort();
    let zone = chrono_tz::Asia::Taipei;
    let (frame, columns) = merged(&reports, zone)?;
    let schema: Vec<_> = (columns.iter())
        .map(|c| (c.name.clone(), if c.kind == Kind::Text { ColumnType::Text } else { ColumnType::Float64 }))
        .collect();
    let mut writer = FrameWriter::new(Vec::new(), &schema)?;
    writer.write_window(&frame)?;
    let (file, _) = writer.finish(Vec::new())?;
    let size = file.len();
    let loaded = FrameReader::open(Bytes::from(file))?.read(None)?;
    let cleaned = cleaned(loaded, &columns, zone, Interval::M15)?;
    println!("{} reports, {} rows, {} columns, {size} bytes", reports.len(), cleaned.frame.height(), columns.len());
    Ok(())
}

fn merged(reports: &[(String, Bytes)], zone: Tz) -> Result<(DataFrame, Vec<ColumnMeta>)> {
    let ids: Vec<FileId> =
        reports.iter().map(|(name, _)| FileId { name: name.clone(), sha256: name.clone() }).collect();
    let load = |index: usize| Ok(reports.get(index).map(|(_, bytes)| bytes.clone()).unwrap_or_default());
    let options = ReadOptions { zone, format: None, date_order: None, delimiter: None, encoding: None };
    let unreadable = |error: ReadError| Error::internal(format!("{}: {}", error.file, error.message));
    let read = read_all(&ids, &load, &options, u64::MAX, &|_| ())
        .map_err(|errors| errors.into_iter().next().map_or_else(|| Error::internal("no report"), unreadable))?;
    let nothing = BTreeMap::new();
    let mut plan = Plan::new(read, &nothing, &BTreeMap::new()).map_err(|error| Error::internal(error.message))?;
    let window = 0..plan.axis_ms.len();
    let segments = plan.read_window(&window, &load, &options).map_err(unreadable)?;
    let window = merge(&plan, &window, segments, Keep::Last).internal("merging the reports")?;
    let (columns, _) = describe(&plan, window.tallies);
    Ok((window.frame, columns))
}

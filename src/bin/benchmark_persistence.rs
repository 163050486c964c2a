//! `benchmark-persistence`: how long the reference job takes here, and what it weighs.
//!
//! Generates the reference job, then does with it what the program does: parse + merge + publish through
//! the use case that the command line calls, on a store of its own in a temporary folder; load of the whole
//! session; preview. Prints one table beside the limits the program was planned with, and exits with 1
//! when one is missed. `--write-samples` writes the committed samples instead, and the options of [`parts`] do
//! one part alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use hvac_analytics::app;
use hvac_analytics::config::Config;
use hvac_analytics::datasets::preview::preview;
use hvac_analytics::datasets::window::WindowQuery;
use hvac_analytics::datasets::{DatasetSelector, PreviewQuery};
use hvac_analytics::sessions::parse::{Caller, parse_files};
use hvac_analytics::sessions::progress::Progress;
use hvac_analytics::sessions::{ParseRequest, Parsed};
use hvac_analytics::state::AppState;
use hvac_frame::column::Kind;
use hvac_frame::parquet_file::{ColumnType, ParquetReader, ParquetWriter};
use hvac_simulation::{reference, samples};
use hvac_store::error::{Context, Error, Result};
use hvac_store::paths;
use serde::Serialize;

#[path = "benchmark_persistence/parts.rs"]
mod parts;

/// Measures parse, write, load and preview of the reference job: 214 reports, 72 480 rows, 207 points.
#[derive(Parser)]
#[command(name = "benchmark-persistence", version)]
struct Args {
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// How often everything is measured; medians are printed.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// How many times the rows of the reference job.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    scale_rows: u32,
    /// How many times its points.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    scale_columns: u32,
    /// Of the generator.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where a temporary folder is made; the system's place for them when left out.
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Write the sample reports to this folder, print the faults in them, and measure nothing.
    #[arg(long, value_name = "FOLDER")]
    write_samples: Option<PathBuf>,
    /// Write the reference job's reports, scaled as told, to this folder, and measure nothing.
    #[arg(long, value_name = "FOLDER")]
    write_reference: Option<PathBuf>,
    #[command(flatten)]
    part: parts::Part,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let done = if let Some(folder) = &args.write_samples {
        write_samples(folder).map(|()| true)
    } else if let Some(folder) = &args.write_reference {
        generate(folder, &args).map(|_| true)
    } else if let Some(done) = args.part.run(args.runs) {
        done.map(|()| true)
    } else {
        measure(&args).map(|outcome| outcome.print(args.json))
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            let mut cause = std::error::Error::source(&error);
            while let Some(error) = cause {
                eprintln!("  because: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn write_samples(folder: &Path) -> Result<()> {
    let trends = samples::trends();
    print!("{}", samples::truth_table(trends.truth()));
    for report in trends {
        fs::write(folder.join(&report.file_name), &report.bytes).internal("writing the samples")?;
    }
    Ok(())
}

/// A folder that goes when it is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(parent: Option<&Path>) -> Result<Self> {
        let parent = parent.map_or_else(std::env::temp_dir, Path::to_path_buf);
        let folder = parent.join(format!("hvac-benchmark-{}", std::process::id()));
        fs::create_dir_all(&folder).internal("making a temporary folder")?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The reference job on disk.
struct Job {
    files: Vec<(String, PathBuf)>,
    csv_bytes: u64,
    seconds: f64,
}

fn generate(folder: &Path, args: &Args) -> Result<Job> {
    let started = Instant::now();
    fs::create_dir_all(folder).internal("making the folder of the reports")?;
    let scale = reference::Scale { rows: args.scale_rows, columns: args.scale_columns };
    let (mut files, mut csv_bytes) = (Vec::new(), 0);
    for report in reference::reports(args.seed, scale) {
        let path = folder.join(&report.file_name);
        fs::write(&path, &report.bytes).internal("writing a report")?;
        csv_bytes += report.bytes.len() as u64;
        files.push((report.file_name, path));
    }
    Ok(Job { files, csv_bytes, seconds: started.elapsed().as_secs_f64() })
}

/// Everything measured, one entry a run.
#[derive(Default)]
struct Runs {
    parse_s: Vec<f64>,
    write_s: Vec<f64>,
    load_s: Vec<f64>,
    uncached_ms: Vec<f64>,
    cached_ms: Vec<f64>,
    parquet_bytes: u64,
    rows: u64,
    points: u64,
}

fn measure(args: &Args) -> Result<Outcome> {
    let scratch = Scratch::new(args.dir.as_deref())?;
    let job = generate(&scratch.0.join("reports"), args)?;
    forget_peak();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().internal("starting the runtime")?;
    let mut runs = Runs::default();
    for _ in 0..args.runs {
        let store = scratch.0.join("store");
        runtime.block_on(one_run(&store, &job, &mut runs))?;
        fs::remove_dir_all(&store).internal("removing a store")?;
    }
    let expected = (reference::ROWS * u64::from(args.scale_rows), reference::POINTS * u64::from(args.scale_columns));
    if (runs.rows, runs.points) != expected {
        let message = format!("{} rows × {} points were parsed, {expected:?} generated", runs.rows, runs.points);
        return Err(Error::internal(message));
    }
    let reports = job.files.len();
    drop(scratch);
    Ok(Outcome::of(args, reports, &job, &runs))
}

async fn one_run(folder: &Path, job: &Job, runs: &mut Runs) -> Result<()> {
    let state = open(folder).await?;
    let request = ParseRequest {
        name: Some("reference job".to_owned()),
        timezone: Some(reference::TIMEZONE.to_owned()),
        ..ParseRequest::default()
    };
    let started = Instant::now();
    let parsed = parse_files(&state, job.files.clone(), request, Caller::Cli, &Progress::none()).await?;
    runs.parse_s.push(started.elapsed().as_secs_f64());
    (runs.rows, runs.points) = (parsed.row_count, parsed.column_count.saturating_sub(1));

    let key = paths::parsed(&parsed.session_id, 1);
    runs.parquet_bytes = state.store.objects.size(&key).await?;
    write_again(&state, &parsed, &key, runs).await?;
    drop(state);

    let state = open(folder).await?;
    previews(&state, &parsed, runs).await?;
    state.store.db.close().await
}

/// A state on the store in that folder, as the program has it.
async fn open(folder: &Path) -> Result<AppState> {
    let below = |name: &str| folder.join(name).to_string_lossy().into_owned();
    fs::create_dir_all(folder).internal("making a store's folder")?;
    let config = Config::from_values(|variable| match variable {
        "DATABASE_URL" => Some(format!("sqlite://{}", below("hvac_analytics.db"))),
        "DATA_DIR" => Some(below("")),
        "DATA_STORAGE_PATH" => Some(below("sessions")),
        "MODELS_PATH" => Some(below("models")),
        _ => None,
    })?;
    app::build(config).await
}

/// Loads the whole session into a frame, and writes that frame to a file of its own up to its fsync.
async fn write_again(state: &AppState, parsed: &Parsed, key: &str, runs: &mut Runs) -> Result<()> {
    let started = Instant::now();
    let frame = ParquetReader::open(state.store.objects.open_bytes(key)?.to_bytes())?.read(None)?;
    runs.load_s.push(started.elapsed().as_secs_f64());

    let column_type = |kind| if kind == Kind::Text { ColumnType::Text } else { ColumnType::Float64 };
    let schema: Vec<(String, ColumnType)> =
        parsed.column_details.iter().map(|c| (c.name.clone(), column_type(c.kind))).collect();
    let started = Instant::now();
    let writer = state.store.objects.stage(&paths::session_dir(&parsed.session_id)).await?.into_sync();
    let work = move || -> Result<_> {
        let mut frames = ParquetWriter::new(writer, &schema)?;
        frames.write_window(&frame)?;
        frames.finish(Vec::new())?.0.into_staged()
    };
    let staged = tokio::task::spawn_blocking(work).await.internal("waiting for the writer")??;
    let finished = staged.finish().await?;
    runs.write_s.push(started.elapsed().as_secs_f64());
    drop(finished);
    Ok(())
}

/// The first preview of a state just opened, from the middle of the session, and the same again.
async fn previews(state: &AppState, parsed: &Parsed, runs: &mut Runs) -> Result<()> {
    let selector = DatasetSelector { session_id: Some(parsed.session_id.clone()), version: None };
    let offset = i64::try_from(parsed.row_count / 2).ok();
    let query = PreviewQuery { rows: Some(50), offset, ..PreviewQuery::default() };
    let started = Instant::now();
    let first = preview(state, &selector, &query, &WindowQuery::default()).await?;
    runs.uncached_ms.push(started.elapsed().as_secs_f64() * 1e3);
    let started = Instant::now();
    let again = preview(state, &selector, &query, &WindowQuery::default()).await?;
    runs.cached_ms.push(started.elapsed().as_secs_f64() * 1e3);
    if first.body != again.body || first.decode()?.preview.len() != 50 {
        return Err(Error::internal("the cached preview is not the computed one"));
    }
    Ok(())
}

/// The figures, as `--json` prints them.
#[derive(Serialize)]
struct Outcome {
    version: &'static str,
    cores: usize,
    runs: u32,
    scale_rows: u32,
    scale_columns: u32,
    reports: usize,
    rows: u64,
    points: u64,
    csv_bytes: u64,
    parquet_bytes: u64,
    generate_s: f64,
    peak_memory_bytes: Option<u64>,
    /// Whether the plan's limits apply: they are for the reference job itself.
    limits_apply: bool,
    figures: Vec<Figure>,
}

/// One line of the table: the median of the runs beside its limit.
#[derive(Serialize)]
struct Figure {
    what: &'static str,
    unit: &'static str,
    median: f64,
    all: Vec<f64>,
    limit: Option<f64>,
    met: Option<bool>,
}

impl Outcome {
    fn of(args: &Args, reports: usize, job: &Job, runs: &Runs) -> Self {
        let limits_apply = args.scale_rows == 1 && args.scale_columns == 1;
        let figure = |what, unit, all: &[f64], limit: Option<f64>| {
            let median = median(all);
            let met = limit.filter(|_| limits_apply).map(|limit| median < limit);
            Figure { what, unit, median, all: all.to_vec(), limit, met }
        };
        let share = 100.0 * runs.parquet_bytes as f64 / job.csv_bytes as f64;
        Self {
            version: env!("CARGO_PKG_VERSION"),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            runs: args.runs,
            scale_rows: args.scale_rows,
            scale_columns: args.scale_columns,
            reports,
            rows: runs.rows,
            points: runs.points,
            csv_bytes: job.csv_bytes,
            parquet_bytes: runs.parquet_bytes,
            generate_s: job.seconds,
            peak_memory_bytes: peak_bytes(),
            limits_apply,
            figures: vec![
                figure("parse + merge + publish", "s", &runs.parse_s, None),
                figure("write Parquet", "s", &runs.write_s, Some(5.0)),
                figure("load the whole session", "s", &runs.load_s, Some(2.0)),
                figure("preview, not cached", "ms", &runs.uncached_ms, Some(500.0)),
                figure("preview, cached", "ms", &runs.cached_ms, Some(100.0)),
                figure("Parquet against CSV", "%", &[share], Some(30.0)),
            ],
        }
    }

    /// Prints it; whether every limit that applies was met.
    fn print(&self, json: bool) -> bool {
        if json {
            println!("{}", serde_json::to_string_pretty(self).unwrap_or_default());
        } else {
            self.table();
        }
        self.figures.iter().all(|figure| figure.met != Some(false))
    }

    fn table(&self) {
        let mb = |bytes: u64| bytes as f64 / 1e6;
        println!(
            "{} reports, {} rows, {} points: {:.1} MB of CSV (generated in {:.1} s), {:.1} MB of Parquet",
            self.reports,
            self.rows,
            self.points,
            mb(self.csv_bytes),
            self.generate_s,
            mb(self.parquet_bytes)
        );
        let peak = self.peak_memory_bytes.map_or("unknown here".to_owned(), |bytes| format!("{:.0} MB", mb(bytes)));
        println!("{} cores, medians of {} runs, peak memory {peak}\n", self.cores, self.runs);
        println!("{:<26} {:>12} {:>12}", "", "here", "limit");
        for figure in &self.figures {
            let limit = figure.limit.map_or("–".to_owned(), |limit| format!("< {limit} {}", figure.unit));
            let verdict = match figure.met {
                Some(true) => "met",
                Some(false) => "MISSED",
                None => "",
            };
            println!("{:<26} {:>9.2} {:<2} {limit:>12}  {verdict}", figure.what, figure.median, figure.unit);
        }
        if !self.limits_apply {
            println!("\nThe limits are for the reference job; this is a multiple of it.");
        }
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Peak memory of this process so far, where the system tells (Linux: `VmHWM`).
fn peak_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

/// Lets the peak start again, so that generating does not count (Linux; elsewhere it counts).
fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

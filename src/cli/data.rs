//! `preview` and `stats`: looking at a session's data. And files that commands are given data in.

use std::path::Path;

use clap::Args;
use serde_json::{Map, Value};

use super::out::{Align, number, print, print_json_text, table};
use crate::datasets::window::WindowQuery;
use crate::datasets::{AllStats, ColumnStats, DatasetSelector, OneStats, Preview, PreviewQuery, preview, stats};
use crate::error::{Error, Result, codes};
use crate::sessions::catalogue;
use crate::state::AppState;

/// Which stored frame.
#[derive(Debug, Args)]
pub struct Which {
    /// The session: its id, the beginning of it, or its name
    session: String,
    /// latest, parsed, cleaned, parsed-v1, cleaned-v1 or a dataset's id
    #[arg(long, default_value = "latest")]
    version: String,
}

impl Which {
    /// Settles the session's id.
    ///
    /// # Errors
    /// As [`catalogue::find`].
    pub async fn selector(&self, state: &AppState) -> Result<DatasetSelector> {
        let session_id = catalogue::find(state, &self.session).await?;
        Ok(DatasetSelector { session_id: Some(session_id), version: Some(self.version.clone()) })
    }
}

/// Which time, and how wide rows are.
#[derive(Debug, Args)]
pub struct WindowArgs {
    /// From this time on: 2016-10-10, '2016-10-10 08:00' on the site's clock, or ISO 8601 with its offset
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Before this time
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Width of bins that rows are put into by kind of point: 1m, 5m, 10m, 15m, 30m, 1h or 1d
    #[arg(long, value_name = "INTERVAL")]
    every: Option<String>,
}

impl WindowArgs {
    /// As a request says it.
    pub fn query(self) -> WindowQuery {
        WindowQuery { from: self.from, to: self.to, every: self.every }
    }
}

/// Which rows to show.
#[derive(Debug, Args)]
pub struct PreviewArgs {
    #[command(flatten)]
    which: Which,
    /// Rows to show, 1 to 10 000
    #[arg(long, default_value_t = 10)]
    rows: i64,
    /// Rows to skip
    #[arg(long, default_value_t = 0)]
    offset: i64,
    /// Begin with the first row at or after this time
    #[arg(long, value_name = "TIME", conflicts_with = "offset")]
    at: Option<String>,
    /// Columns to show, separated by commas
    #[arg(long)]
    columns: Option<String>,
    #[command(flatten)]
    window: WindowArgs,
}

/// Shows rows.
///
/// # Errors
/// As [`preview::preview`].
pub async fn run_preview(state: &AppState, args: PreviewArgs, json: bool) -> Result<()> {
    let selector = args.which.selector(state).await?;
    let PreviewArgs { rows, offset, at, columns, window, .. } = args;
    let query = PreviewQuery { rows: Some(rows), offset: Some(offset), at, columns, reasons: None };
    let answer = preview::preview(state, &selector, &query, &window.query()).await?;
    if json {
        return print_json_text(&answer.body);
    }
    let Preview { dataset, preview, total_rows, columns, .. } = answer.decode()?;
    let align = |name: &str| match preview.iter().any(|row| row.get(name).is_some_and(Value::is_number)) {
        true => Align::Right,
        false => Align::Left,
    };
    let header: Vec<(&str, Align)> = columns.iter().map(|name| (name.as_str(), align(name))).collect();
    let rows: Vec<Vec<String>> =
        preview.iter().map(|row| columns.iter().map(|name| cell(row.get(name))).collect()).collect();
    print(format!("{}\n{} of {total_rows} rows of {}", table(&header, &rows), rows.len(), dataset.version))
}

fn cell(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(n)) => number(n.as_f64()),
        _ => String::new(),
    }
}

/// Which statistics to show.
#[derive(Debug, Args)]
pub struct StatsArgs {
    #[command(flatten)]
    which: Which,
    /// One column; all of them when left out
    #[arg(long)]
    column: Option<String>,
    /// Columns, separated by commas
    #[arg(long, conflicts_with = "column")]
    columns: Option<String>,
    #[command(flatten)]
    window: WindowArgs,
}

/// Shows statistics.
///
/// # Errors
/// As [`stats::all`] and [`stats::one`].
pub async fn run_stats(state: &AppState, args: StatsArgs, json: bool) -> Result<()> {
    let selector = args.which.selector(state).await?;
    let window = args.window.query();
    let (body, columns) = match &args.column {
        Some(column) => {
            let answer = stats::one(state, &selector, column, &window).await?;
            let OneStats { stats, .. } = answer.decode()?;
            (answer.body, vec![stats])
        }
        None => {
            let answer = stats::all(state, &selector, args.columns.as_deref(), &window).await?;
            let AllStats { columns, .. } = answer.decode()?;
            (answer.body, columns)
        }
    };
    if json {
        return print_json_text(&body);
    }
    let header = [
        ("COLUMN", Align::Left),
        ("UNIT", Align::Left),
        ("COUNT", Align::Right),
        ("NULLS", Align::Right),
        ("MIN", Align::Right),
        ("MEAN", Align::Right),
        ("MEDIAN", Align::Right),
        ("MAX", Align::Right),
        ("STD", Align::Right),
        ("STATES", Align::Left),
    ];
    print(table(&header, &columns.iter().map(stats_row).collect::<Vec<_>>()))
}

fn stats_row(stats: &ColumnStats) -> Vec<String> {
    let states = stats.states.iter().flatten().take(5).map(|s| format!("{} ({})", s.state, s.count));
    vec![
        stats.column.clone(),
        stats.unit.clone().unwrap_or_default(),
        stats.count.to_string(),
        stats.null_count.to_string(),
        number(stats.min),
        number(stats.mean),
        number(stats.median),
        number(stats.max),
        number(stats.std),
        states.collect::<Vec<_>>().join(", "),
    ]
}

/// The JSON object in a file.
///
/// # Errors
/// When it cannot be read, or holds something else.
pub fn json_object(path: &Path) -> Result<Map<String, Value>> {
    let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|error| unreadable(path, &format!("it is no JSON object: {error}")))
}

/// The rows of a CSV whose first line names the columns: names and texts.
///
/// # Errors
/// When it cannot be read, with the line.
pub fn csv_rows(path: &Path) -> Result<Vec<Vec<(String, String)>>> {
    let broken = |error: csv::Error| unreadable(path, &error.to_string());
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).map_err(broken)?;
    let names: Vec<String> =
        reader.headers().map_err(broken)?.iter().map(|n| n.trim_start_matches('\u{feff}').to_owned()).collect();
    let row = |record: csv::StringRecord| names.iter().cloned().zip(record.iter().map(str::to_owned)).collect();
    reader.records().map(|record| record.map(row).map_err(broken)).collect()
}

fn unreadable(path: &Path, why: &str) -> Error {
    Error::new(codes::UNREADABLE, format!("{}: {why}", path.display()))
}

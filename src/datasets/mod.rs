//! Looking at a stored frame: preview, statistics, series, quality, correlation, export.
//!
//! Everything here is computed from one immutable Parquet file, so every answer can be cached under the
//! file's sha256. Which file is settled once, by [`version::resolve`].

use std::collections::BTreeMap;
use std::marker::PhantomData;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::error::{Context, Result};
use hvac_frame::column::{Kind, NullReason};

pub mod answer;
pub mod blocking;
pub mod clock;
pub mod correlation;
pub mod coverage;
pub mod duration;
pub mod efficiency;
pub mod export;
mod held;
pub mod histogram;
pub mod names;
pub mod opened;
pub mod preview;
pub mod profile;
mod published;
pub mod quality;
mod ranks;
pub mod resolved;
pub mod rows;
pub mod series;
pub mod stats;
mod store;
pub mod strip;
pub mod version;
pub mod window;

/// Which stored frame a request is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct DatasetSelector {
    /// The session; the one last parsed over HTTP when left out (deprecated).
    pub session_id: Option<String>,
    /// `latest` (default), `parsed`, `cleaned`, `parsed-v2`, `cleaned-v1`, or a dataset's id.
    pub version: Option<String>,
}

/// Which frame an answer is about; part of every answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DatasetLabel {
    /// The session.
    pub session_id: String,
    /// The dataset.
    pub dataset_id: String,
    /// `parsed-v1`, `cleaned-v1`.
    pub version: String,
    /// The number in it.
    pub version_number: u32,
}

/// An answer computed from one immutable file, already written as JSON: a cached one costs no work.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    /// The JSON of a `T`.
    pub body: Bytes,
    /// Weak `ETag` value without quotes: a hash of the file's sha256 and the canonical request.
    pub etag: String,
    /// Set when `session_id` was left out: the session that was taken.
    pub assumed_session: Option<String>,
    /// What the JSON is of.
    pub of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Answer<T> {
    /// The answer as a value, for callers inside the program.
    ///
    /// # Errors
    /// Never, unless a cache handed back other bytes than it was given.
    pub fn decode(&self) -> Result<T> {
        serde_json::from_slice(&self.body).internal("reading an answer back")
    }
}

/// Asks for rows as the frontend shows them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct PreviewQuery {
    /// 1…10 000, default 50.
    pub rows: Option<i64>,
    /// Rows to skip, default 0.
    pub offset: Option<i64>,
    /// Instead of `offset`: begin with the first row at or after this time (ISO 8601; without an offset, on the site's
    /// clock); the last rows when there is none.
    pub at: Option<String>,
    /// Names separated by commas; all when left out.
    pub columns: Option<String>,
    /// Say why cells are null; of at most 1000 rows.
    pub reasons: Option<bool>,
}

/// One row as the frontend shows it: column → number, text or null; `timestamp` is ISO 8601.
pub type Row = serde_json::Map<String, serde_json::Value>;

/// Rows as the frontend shows them.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Preview {
    /// The frame.
    #[serde(flatten)]
    pub dataset: DatasetLabel,
    /// The rows asked for.
    #[schema(value_type = Vec<Object>)]
    pub preview: Vec<Row>,
    /// Rows of the whole frame, or of the window that was asked for.
    pub total_rows: u64,
    /// Columns of the rows, `timestamp` first.
    pub columns: Vec<String>,
    /// Rows before the first one shown.
    pub offset: u64,
    /// With `reasons`: why cells are null.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub null_reasons: Option<Vec<NullRun>>,
}

/// Nulls of a column, one below the other, for the same reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NullRun {
    /// The column.
    pub column: String,
    /// The first of the rows, counted from 0 within `preview`.
    pub row: u64,
    /// How many.
    pub rows: u64,
    /// Why. A version counts reasons by column: where several are named it is one of these, the most frequent first.
    pub reasons: Vec<NullReason>,
}

/// Asks for statistics.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct StatsQuery {
    /// One column; all of them when left out.
    pub column: Option<String>,
    /// Names separated by commas; all when left out. Not beside `column`.
    pub columns: Option<String>,
}

/// Statistics of one column. Numbers are null for `timestamp`, texts, and columns without a value.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ColumnStats {
    /// Its name.
    pub column: String,
    /// Its name in the reports.
    pub original_name: String,
    /// What its values are; null for `timestamp`.
    pub kind: Option<Kind>,
    /// Unit.
    pub unit: Option<String>,
    /// Arithmetic mean.
    pub mean: Option<f64>,
    /// Median.
    pub median: Option<f64>,
    /// Least.
    pub min: Option<f64>,
    /// Greatest.
    pub max: Option<f64>,
    /// Sample standard deviation (n−1).
    pub std: Option<f64>,
    /// Sum.
    pub sum: Option<f64>,
    /// Cells with a value.
    pub count: u64,
    /// Cells without.
    pub null_count: u64,
    /// Cells without, by reason; empty for a window, for reasons are only counted for all rows.
    pub nulls: BTreeMap<NullReason, u64>,
    /// Linear-interpolated: `p01 p05 p25 p50 p75 p95 p99`.
    pub quantiles: BTreeMap<String, f64>,
    /// Distinct texts and their counts, most frequent first, at most 50 (text columns).
    pub states: Option<Vec<StateCount>>,
}

/// How often a text occurs.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StateCount {
    /// The text.
    pub state: String,
    /// Its cells.
    pub count: u64,
}

/// Statistics of all columns.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AllStats {
    /// The frame.
    #[serde(flatten)]
    pub dataset: DatasetLabel,
    /// Rows of the frame, or of the window that was asked for.
    pub total_rows: u64,
    /// One entry a column, in the frame's order, or in that asked for.
    pub columns: Vec<ColumnStats>,
}

/// Statistics of one column, with its frame.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OneStats {
    /// The frame.
    #[serde(flatten)]
    pub dataset: DatasetLabel,
    /// The column's.
    #[serde(flatten)]
    pub stats: ColumnStats,
}

/// Asks for a plot's points.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct SeriesQuery {
    /// Names separated by commas; at most 20.
    pub columns: Option<String>,
    /// Points a column, 10…20 000, default 2000.
    pub points: Option<i64>,
}

/// A plot's points: the least and the greatest value of each bucket are kept, so no extreme is lost.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SeriesAnswer {
    /// The frame.
    #[serde(flatten)]
    pub dataset: DatasetLabel,
    /// One entry a column asked for.
    pub series: Vec<Series>,
}

/// One line of a plot.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Series {
    /// The column.
    pub column: String,
    /// Unit.
    pub unit: Option<String>,
    /// Cells in the time asked for, nulls too.
    pub rows: u64,
    /// Whether points were left out.
    pub downsampled: bool,
    /// ISO 8601 with the site's offset.
    pub timestamps: Vec<String>,
    /// As many; null where the point has no value.
    pub values: Vec<Option<f64>>,
}

/// Data quality of a frame.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Quality {
    /// The frame.
    #[serde(flatten)]
    pub dataset: DatasetLabel,
    /// Rows of the frame.
    pub total_rows: u64,
    /// Median step of the time axis, s.
    pub interval_s: Option<f64>,
    /// Steps of the time axis longer than 1.5 times the median.
    pub gaps: Vec<Gap>,
    /// All of them, also those not listed (at most 100 are).
    pub gap_count: u64,
    /// One entry a column but `timestamp`.
    pub columns: Vec<ColumnQuality>,
}

/// A hole in the time axis.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Gap {
    /// Last time before it.
    pub after: String,
    /// First time behind it.
    pub before: String,
    /// Its length, s.
    pub seconds: f64,
}

/// Data quality of one column.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ColumnQuality {
    /// Its name.
    pub column: String,
    /// Share of rows with a value, 0–100.
    pub completeness: f64,
    /// Cells without, by reason.
    pub nulls: BTreeMap<NullReason, u64>,
    /// Longest run of rows without a value.
    pub longest_null_run: u64,
    /// Longest runs of one value (instantaneous points only), longest first, at most 10.
    pub frozen_runs: Vec<FrozenRun>,
}

/// A run of one value over at least `6` native samples. Whether the equipment ran is for cleaning to say.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FrozenRun {
    /// First row's time.
    pub start_at: String,
    /// Last row's time.
    pub end_at: String,
    /// The value.
    pub value: f64,
    /// Rows of the run.
    pub rows: u64,
}

/// Asks for correlations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct CorrelationQuery {
    /// Names separated by commas, 2…50; the first 50 columns of numbers when left out.
    pub columns: Option<String>,
    /// `pearson` (default) or `spearman`.
    #[param(inline)]
    pub method: Option<CorrelationMethod>,
}

/// How a correlation is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CorrelationMethod {
    /// Pearson's r: how far values lie on a straight line.
    #[default]
    Pearson,
    /// Spearman's ρ: Pearson's r of the values' ranks, equal values sharing their mean rank.
    Spearman,
}

/// Correlation of each pair over the rows where both have a value.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Correlation {
    /// The frame.
    #[serde(flatten)]
    pub dataset: DatasetLabel,
    /// How it is told.
    pub method: CorrelationMethod,
    /// Names of rows and columns of the matrix.
    pub columns: Vec<String>,
    /// r or ρ; null where a column is constant or fewer than 3 rows have both.
    pub matrix: Vec<Vec<Option<f64>>>,
    /// Rows where both have a value.
    pub pairs: Vec<Vec<u64>>,
}

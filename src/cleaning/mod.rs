//! Cleaning: a stored dataset in, a new immutable version, its quality events and a report out.
//!
//! A cleaning is a job: its row in `cleaning_jobs` (whose id is the job's) and its version number exist from
//! the moment it is enqueued, its files from the moment it is committed. One file a use case; what is judged
//! and how is settled in `hvac_cleaning`, every query is in `store.rs`.
//!
//! A number is tried once. A job that begins again – its process died, or the disk was full – takes a new
//! one, so that nothing it left under the old name (a published file that no row refers to) can be taken for
//! a version; `doctor` reports such files and leaves them.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use crate::error::{Error, Result, codes};
pub use hvac_cleaning::{Interval, Parameters, Rule};

pub mod ask;
pub mod compare;
pub mod dry_run;
pub mod events;
pub mod jobs;
pub mod reasons;
pub mod rules;
pub mod run;
mod store;
pub mod suggest;

/// `POST /api/clean`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
#[serde(default)]
pub struct CleanRequest {
    /// The session; the one last parsed over HTTP when left out (deprecated).
    pub session_id: Option<String>,
    /// A parsed dataset: its id, or `parsed-v2`; the session's newest when left out.
    pub dataset_id: Option<String>,
    /// Make a new version even when the same request was answered before.
    pub force: bool,
    /// `false`: answer 202 at once; the job is to be followed at `/api/jobs/{id}`.
    #[schema(default = true)]
    pub wait: Option<bool>,
    /// Answer what would be found and store nothing.
    pub dry_run: bool,
    /// What to do.
    #[serde(flatten)]
    pub parameters: Parameters,
}

/// The request's own fields, beside the parameters.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    session_id: Option<String>,
    dataset_id: Option<String>,
    force: bool,
    wait: Option<bool>,
    dry_run: bool,
}

impl CleanRequest {
    /// Reads a request's JSON. A field that is null is as good as left out, but for `resample_interval`, where null
    /// keeps the rows as they are.
    ///
    /// # Errors
    /// 422 naming the field whose value cannot be used.
    pub fn read(mut body: Map<String, Value>) -> Result<Self> {
        body.retain(|name, value| !value.is_null() || name == "resample_interval");
        let body = Value::Object(body);
        let Head { session_id, dataset_id, force, wait, dry_run } = field_by_field(&body)?;
        let given = |text: Option<String>| text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
        let (session_id, dataset_id) = (given(session_id), given(dataset_id));
        Ok(Self { session_id, dataset_id, force, wait, dry_run, parameters: field_by_field(&body)? })
    }
}

fn field_by_field<T: DeserializeOwned>(body: &Value) -> Result<T> {
    serde_path_to_error::deserialize(body).map_err(|error| {
        let field = error.path().to_string();
        let message = format!("{field}: {}", error.inner());
        Error::invalid(&field, codes::INVALID_FIELD, message)
    })
}

/// Answer to a cleaning.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CleanAnswer {
    /// True; a failure is a problem document.
    pub success: bool,
    /// The session.
    pub session_id: String,
    /// The cleaning, and its version's id; empty in a dry run.
    pub job_id: String,
    /// The parsed dataset that was cleaned.
    pub dataset_id: String,
    /// `cleaned-v1`; empty in a dry run.
    #[schema(example = "cleaned-v1")]
    pub version: String,
    /// The number in it; 0 in a dry run.
    pub version_number: u32,
    /// Rows of the parsed dataset.
    pub original_rows: u64,
    /// Rows of the cleaned version.
    pub cleaned_rows: u64,
    /// Of the resampled rows that have a sample, how many are left, 0–100.
    pub retention_rate: f64,
    /// A few sentences.
    pub message: String,
    /// Every decision.
    #[schema(value_type = hvac_cleaning::Report)]
    pub report: Value,
    /// Quality events that `GET /api/data/events` lists.
    pub events_count: u64,
    /// Whether an earlier answer to the same request stands.
    pub reused: bool,
    /// Whether nothing was stored.
    pub dry_run: bool,
    /// Of a dry run: what each rule would do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forecast: Option<Forecast>,
}

/// What a cleaning would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Forecast {
    /// Each rule that was asked for.
    pub rules: Vec<RuleForecast>,
    /// Columns that have values now and would have none.
    pub emptied_columns: Vec<String>,
}

/// What a rule would do. Nothing is nulled or dropped unless `filter_invalid` asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RuleForecast {
    /// Which.
    pub rule: Rule,
    /// Whether it finds what it needs.
    pub ran: bool,
    /// Cells or rows that it judges.
    pub judged: u64,
    /// Cells that it hits, whatever other rules say.
    pub cells_flagged: u64,
    /// Cells that it nulls, as the first rule that hits.
    pub cells_nulled: u64,
    /// Rows that it hits, whatever other rules say.
    pub rows_flagged: u64,
    /// Rows that it drops, as the first rule that hits.
    pub rows_dropped: u64,
    /// Quality events.
    pub events: u64,
}

/// A cleaning, whatever became of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CleaningJob {
    /// UUID v7; also the version's id and its job's.
    pub job_id: String,
    /// The session.
    pub session_id: String,
    /// The parsed dataset that was cleaned.
    pub dataset_id: String,
    /// `cleaned-v1`; it exists once the status is `completed`.
    pub version: String,
    /// The number in it.
    pub version_number: u32,
    /// `queued`, `running`, `completed`, `failed`, `cancelled`.
    pub status: String,
    /// What was asked for, defaults included.
    #[schema(value_type = Parameters)]
    pub parameters: Value,
    /// Rows of the parsed dataset.
    pub original_rows: Option<u64>,
    /// Rows of the cleaned version.
    pub cleaned_rows: Option<u64>,
    /// 0–100.
    pub retention_rate: Option<f64>,
    /// Bytes of the Parquet file.
    pub size_bytes: Option<u64>,
    /// Of the Parquet file, hex.
    pub sha256: Option<String>,
    /// `ok`, `missing`, `damaged`.
    pub integrity: String,
    /// Quality events.
    pub events_count: Option<u64>,
    /// What made it.
    pub cleaner_version: Option<String>,
    /// Every decision; null until it is completed.
    #[schema(value_type = Option<hvac_cleaning::Report>)]
    pub report: Option<Value>,
    /// Why it failed.
    pub error: Option<String>,
    /// UTC.
    pub created_at: String,
    /// UTC.
    pub started_at: Option<String>,
    /// UTC.
    pub finished_at: Option<String>,
}

/// Which quality events to list, and which page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct EventQuery {
    /// Only of this rule: of a cleaned version `out_of_range`, `spike`, `frozen`, `counter`, `steady_state`, `heat_balance`,
    /// `affinity`, `equipment`, `drift`, `offset`, `swap`, `wrong_unit`, `time_shift`; of a parsed one `overridden`, `alarm`,
    /// `doubtful`, `bad_status`; of either `fault`: what findings tell of machines.
    pub rule: Option<String>,
    /// Only of this column.
    pub column: Option<String>,
    /// Only events that last until this time or longer (ISO 8601; without an offset, the site's clock).
    pub from: Option<String>,
    /// Only events that begin before this time.
    pub to: Option<String>,
    /// From 1.
    pub page: Option<u64>,
    /// 1…100, default 20.
    pub page_size: Option<u64>,
}

/// An interval during which a rule hit one column, or one row after another; of a parsed version: during which the report's
/// own system marked one column's readings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct EventItem {
    /// What hit.
    #[schema(example = "frozen")]
    pub rule: String,
    /// The column concerned; null when it is about rows.
    #[schema(example = "CHWST")]
    pub column: Option<String>,
    /// The machine concerned, of a fault; null of other events.
    #[schema(example = "CH_1")]
    pub machine: Option<String>,
    /// Time of the first row concerned, with the site's offset.
    #[schema(example = "2024-07-03T04:15:00+08:00")]
    pub start_at: String,
    /// Time of the last row concerned.
    #[schema(example = "2024-07-03T18:15:00+08:00")]
    pub end_at: String,
    /// Rows concerned.
    pub rows: u64,
    /// In words.
    #[schema(example = "23.4 for 14 h while CHP_01 ran")]
    pub detail: String,
}

/// Which two versions to compare.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct CompareQuery {
    /// `cleaned-v1`, `parsed-v1`, or an id.
    #[param(required = true)]
    pub a: String,
    /// The other one.
    #[param(required = true)]
    pub b: String,
}

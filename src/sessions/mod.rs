//! Sessions: upload, parse, list, reload, rename, delete.
//!
//! A session is a folder of immutable files and the rows that refer to them. One file a use case; every
//! query is in `store.rs`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::datasets::Row;
pub use crate::limits::Page;
pub use hvac_frame::column::{ColumnMeta, Kind, Warning};
use hvac_frame::names::TIMESTAMP;
pub use hvac_report::job::read::PrefixBy;
pub use hvac_report::{DateOrder, FilePlan, Format};
use hvac_store::entity;

mod build;
pub mod catalogue;
pub mod document;
pub mod folders;
mod found;
mod intake;
pub mod job;
pub mod lineage;
pub mod links;
pub mod manifest;
pub(crate) mod marked;
mod options;
pub mod overrides;
pub mod parse;
pub mod prices;
pub mod progress;
mod raw;
pub mod raw_files;
mod reading;
mod request;
mod revisions;
pub mod search;
pub mod sharing;
pub mod sites;
pub mod snapshot;
pub(crate) mod store;
pub mod upload;
pub mod verdict;
mod warned;

pub use overrides::ReadOverride;
pub use progress::Progress;
pub use request::{ColumnOverride, OnConflict, ParseRequest, date_order_of};

/// How far a session has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Files are stored.
    Uploaded,
    /// There is a parsed dataset.
    Parsed,
    /// There is a cleaned version.
    Cleaned,
    /// Nothing could be parsed.
    Failed,
}

impl From<Status> for entity::Status {
    fn from(status: Status) -> Self {
        match status {
            Status::Uploaded => Self::Uploaded,
            Status::Parsed => Self::Parsed,
            Status::Cleaned => Self::Cleaned,
            Status::Failed => Self::Failed,
        }
    }
}

impl From<entity::Status> for Status {
    fn from(status: entity::Status) -> Self {
        match status {
            entity::Status::Uploaded => Self::Uploaded,
            entity::Status::Parsed => Self::Parsed,
            entity::Status::Cleaned => Self::Cleaned,
            entity::Status::Failed => Self::Failed,
        }
    }
}

/// A file of an upload that is stored.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StoredFile {
    /// As the user named it.
    pub file_name: String,
    /// Bytes.
    pub size_bytes: u64,
    /// Of the bytes, hex.
    pub sha256: String,
}

/// Answer to an upload.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Uploaded {
    /// The new session.
    pub session_id: String,
    /// `uploaded`.
    pub status: Status,
    /// What was stored.
    pub files: Vec<StoredFile>,
    /// For instance identical files that count once.
    pub warnings: Vec<Warning>,
}

/// What one file gave.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ParsedFile {
    /// Sha256 of the raw bytes, hex.
    pub sha256: String,
    /// Size of the raw bytes.
    pub size_bytes: u64,
    /// First time, ISO 8601 with the site's offset.
    pub first_at: Option<String>,
    /// Last time.
    pub last_at: Option<String>,
    /// Format, points, counts, each with its evidence.
    #[serde(flatten)]
    pub plan: FilePlan,
}

/// A report that was left out, for it cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnreadableFile {
    /// As the user named it.
    pub file_name: String,
    /// Why, as the problem of a parse of it alone would say: `no_header`, `ambiguous_dates`, …
    pub code: String,
    /// Line, counted from 1.
    pub line: Option<u64>,
    /// Column by its original name.
    pub column: Option<String>,
    /// What is wrong and what to do.
    pub message: String,
}

/// Answer to a parse.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Parsed {
    /// True; a failure is a problem document.
    pub success: bool,
    /// The session.
    pub session_id: String,
    /// The dataset; empty in a dry run.
    pub dataset_id: String,
    /// `parsed-v1`; empty in a dry run.
    pub version: String,
    /// The number in it; 0 in a dry run.
    pub version_number: u32,
    /// Distinct times.
    pub row_count: u64,
    /// Columns with `timestamp`.
    pub column_count: u64,
    /// Names, `timestamp` first.
    pub columns: Vec<String>,
    /// First 10 rows.
    #[schema(value_type = Vec<Object>)]
    pub preview: Vec<Row>,
    /// One sentence.
    pub message: String,
    /// What each file gave.
    pub files: Vec<ParsedFile>,
    /// Reports that were left out, as `skip_unreadable` asks.
    pub unreadable: Vec<UnreadableFile>,
    /// What a user should know.
    pub warnings: Vec<Warning>,
    /// Everything known of each column.
    pub column_details: Vec<ColumnMeta>,
    /// Cells of the same point and time with different values.
    pub conflicts: u64,
    /// Whether an earlier answer to the same request stands.
    pub reused: bool,
    /// Whether nothing was stored.
    pub dry_run: bool,
    /// Of a dry run: what would be read, why, and how else it may be meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<verdict::Verdict>,
}

/// Which sessions to list, and which page.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct SessionFilter {
    /// Only these.
    pub status: Option<Status>,
    /// Only those that have come at least so far: `uploaded`, `parsed`, `cleaned`.
    pub status_at_least: Option<Status>,
    /// Only of this site.
    pub site: Option<String>,
    /// Words, each somewhere in a name, site, tag, note, point, unit, file name or warning, whatever its case; a phrase
    /// stands in quotation marks.
    pub q: Option<String>,
    /// With this tag; with all of several with commas between them.
    pub tag: Option<String>,
    /// With a point of this name, whatever its case; `*` stands for any letters.
    pub point: Option<String>,
    /// With a point of this unit; `*` stands for any letters.
    pub unit: Option<String>,
    /// With this in its free data: `key`, or `key=value`.
    pub metadata: Option<String>,
    /// Made at or after this time (ISO 8601).
    pub created_from: Option<String>,
    /// Made before this time.
    pub created_to: Option<String>,
    /// With data at or after this time (ISO 8601).
    pub from: Option<String>,
    /// With data before this time.
    pub to: Option<String>,
    /// `created_at` (default), `updated_at`, `name`, `site`, `total_rows`.
    pub sort: Option<String>,
    /// `desc` (default) or `asc`.
    pub order: Option<String>,
    /// From 1.
    pub page: Option<u64>,
    /// 1…100, default 20.
    pub page_size: Option<u64>,
    /// Deleted ones instead of the others.
    pub deleted: bool,
    /// Instead of the others, those that a rebuilt catalogue found without a `session.json`: no answer ever told of them.
    /// Restoring one confirms it.
    pub unconfirmed: bool,
}

/// A session in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SessionSummary {
    /// UUID v7.
    pub session_id: String,
    /// Name for people.
    pub name: String,
    /// Site.
    pub site: Option<String>,
    /// IANA zone.
    pub timezone: String,
    /// How far it has come.
    pub status: Status,
    /// What a user sorts it under.
    pub tags: Vec<String>,
    /// Raw files.
    pub files_count: u64,
    /// Rows of the newest parsed dataset.
    pub total_rows: u64,
    /// Its columns with `timestamp`.
    pub column_count: u64,
    /// First time of the newest parsed dataset, with the site's offset.
    pub start_at: Option<String>,
    /// Last time.
    pub end_at: Option<String>,
    /// Bytes of all its files: raw, parsed, cleaned.
    pub size_bytes: u64,
    /// UTC.
    pub created_at: String,
    /// UTC.
    pub updated_at: String,
    /// UTC; set when it is deleted and can be restored.
    pub deleted_at: Option<String>,
    /// Whether it was found in its folder without a `session.json`, so that no answer ever told of it.
    pub unconfirmed: bool,
    /// Texts that have the words of a search; at most 5.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<Found>,
}

/// Why a session was found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Found {
    /// What the text is of it.
    pub kind: search::TextKind,
    /// The text, or its beginning.
    pub text: String,
}

/// A stored version of a session's data.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DatasetVersion {
    /// Dataset or cleaning job.
    pub id: String,
    /// `parsed-v1`, `cleaned-v1`.
    pub version: String,
    /// The number in it.
    pub version_number: u32,
    /// Rows.
    pub row_count: u64,
    /// Columns with `timestamp`.
    pub column_count: u64,
    /// Bytes of the Parquet file.
    pub size_bytes: u64,
    /// Of the Parquet file, hex.
    pub sha256: String,
    /// `ok`, `missing`, `damaged`.
    pub integrity: String,
    /// First time, with the site's offset.
    pub start_at: Option<String>,
    /// Last time.
    pub end_at: Option<String>,
    /// What made it.
    pub parser_version: String,
    /// Of a cleaned version: the parsed dataset it was made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cleaned_from: Option<String>,
    /// Of a cleaned version: what was asked for, defaults included.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<hvac_cleaning::Parameters>)]
    pub parameters: Option<serde_json::Value>,
    /// Of a cleaned version: resampled rows that are left, 0–100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_rate: Option<f64>,
    /// Of a cleaned version: its quality events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events_count: Option<u64>,
    /// Of a cleaned version with a file of quality events, that file: `ok`, `missing`, `damaged`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events_integrity: Option<String>,
    /// UTC.
    pub created_at: String,
}

/// A raw file of a session.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SourceFile {
    /// UUID v7.
    pub id: String,
    /// As the user named it.
    pub file_name: String,
    /// Name within the archive, when it came in one.
    pub archive_member: Option<String>,
    /// Bytes.
    pub size_bytes: u64,
    /// Hex.
    pub sha256: String,
    /// Shape, once parsed.
    pub format: Option<String>,
    /// Character encoding, once parsed.
    pub encoding: Option<String>,
    /// Rows, once parsed.
    pub row_count: Option<u64>,
    /// Points, once parsed.
    pub point_count: Option<u64>,
    /// First time, with the site's offset.
    pub first_at: Option<String>,
    /// Last time.
    pub last_at: Option<String>,
    /// `ok`, `missing`, `damaged`.
    pub integrity: String,
    /// What was found.
    pub warnings: Vec<Warning>,
}

/// A session with its files and versions.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SessionDetail {
    /// As in a list.
    #[serde(flatten)]
    pub summary: SessionSummary,
    /// Free data of the user.
    #[schema(value_type = Object)]
    pub metadata: BTreeMap<String, serde_json::Value>,
    /// What a user says of it.
    pub notes: String,
    /// Raw files.
    pub files: Vec<SourceFile>,
    /// Newest first.
    pub versions: Vec<DatasetVersion>,
}

/// `PATCH /api/sessions/{id}`: what is left out stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SessionPatch {
    /// New name.
    pub name: Option<String>,
    /// New site.
    pub site: Option<String>,
    /// Replaces the user's free data.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<BTreeMap<String, serde_json::Value>>,
    /// Replaces the tags.
    #[schema(max_items = 50)]
    pub tags: Option<Vec<String>>,
    /// Replaces the notes; lines of any number.
    pub notes: Option<String>,
}

/// A thing in a session's history and what it was made from.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LineageNode {
    /// `source_file`, `parsed_dataset`, `cleaned_dataset`, `model`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// File name or version label.
    pub label: String,
    /// Sha256 of its bytes, hex.
    pub sha256: String,
    /// Ids of what it was made from.
    pub made_from: Vec<String>,
    /// What made it: options and program version.
    #[schema(value_type = Object)]
    pub made_by: serde_json::Value,
    /// UTC.
    pub created_at: String,
}

/// From the raw bytes to everything that was made of them.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Lineage {
    /// The session.
    pub session_id: String,
    /// Sources first.
    pub nodes: Vec<LineageNode>,
}

/// `GET /api/files`, without a subfolder: `folders` and counts.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct FolderListing {
    /// Readable files of the folder.
    pub files: Vec<String>,
    /// Folders below.
    pub folders: Vec<String>,
    /// Files in each folder (only without a subfolder).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder_counts: Option<BTreeMap<String, u64>>,
    /// Files in all folders (only without a subfolder).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_files: Option<u64>,
    /// Length of `files`.
    pub count: u64,
    /// Relative to `DATA_DIR`.
    pub directory: String,
    /// Relative to `DATA_DIR`.
    pub base_dir: String,
    /// The subfolder asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_folder: Option<String>,
    /// Why it is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// `timestamp` and the columns' names, as a frame has them.
fn column_names(columns: &[ColumnMeta]) -> Vec<String> {
    std::iter::once(TIMESTAMP.to_owned()).chain(columns.iter().map(|c| c.name.clone())).collect()
}

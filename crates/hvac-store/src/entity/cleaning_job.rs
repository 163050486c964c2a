//! `cleaning_jobs`: cleaned versions of a session's data.

use sea_orm::entity::prelude::*;

use super::types::{Integrity, WorkStatus};

/// A cleaning and, once completed, its published file.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "cleaning_jobs")]
pub struct Model {
    /// UUID v7: its job's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// The session.
    pub session_id: String,
    /// The dataset that was cleaned.
    pub dataset_id: String,
    /// The n of `cleaned-v{n}`.
    pub version: i32,
    /// What was asked for.
    #[sea_orm(column_type = "JsonBinary")]
    pub parameters: Json,
    /// Rows before.
    pub original_rows: Option<i64>,
    /// Rows after.
    pub cleaned_rows: Option<i64>,
    /// 0–100.
    pub retention_rate: Option<f64>,
    /// Key of the Parquet file.
    pub output_path: Option<String>,
    /// Of the Parquet file, hex.
    pub sha256: Option<String>,
    /// Bytes of the Parquet file.
    pub size_bytes: Option<i64>,
    /// What tells the same request on the same dataset again: hash of dataset, parameters and cleaner's version.
    pub request_key: String,
    /// What made it.
    pub cleaner_version: Option<String>,
    /// Columns with `timestamp`.
    pub column_count: Option<i32>,
    /// First time.
    pub start_at: Option<DateTimeUtc>,
    /// Last time.
    pub end_at: Option<DateTimeUtc>,
    /// Quality events in the file beside it, whose key `paths::cleaned_events` knows.
    pub events_count: Option<i64>,
    /// Of that file, hex.
    pub events_sha256: Option<String>,
    /// Bytes of that file.
    pub events_size_bytes: Option<i64>,
    /// Whether that file is what it was.
    pub events_integrity: Integrity,
    /// What each rule did.
    #[sea_orm(column_type = "JsonBinary")]
    pub report: Json,
    /// How far it has come.
    pub status: WorkStatus,
    /// Why it failed.
    pub error: Option<String>,
    /// Whether the file is what it was.
    pub integrity: Integrity,
    /// When it was asked for.
    pub created_at: DateTimeUtc,
    /// When it was begun.
    pub started_at: Option<DateTimeUtc>,
    /// When it ended.
    pub finished_at: Option<DateTimeUtc>,
    /// The session.
    #[sea_orm(belongs_to, from = "session_id", to = "id", on_delete = "Cascade")]
    pub session: BelongsTo<super::session::Entity>,
    /// The dataset.
    #[sea_orm(belongs_to, from = "dataset_id", to = "id", on_delete = "Cascade")]
    pub dataset: BelongsTo<super::parsed_dataset::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

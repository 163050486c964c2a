//! `trained_models`: models of a plant's power.

use sea_orm::entity::prelude::*;

use super::types::{Integrity, WorkStatus};

/// A model and, once completed, its published file.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "trained_models")]
pub struct Model {
    /// UUID v7: its job's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Name for people.
    pub name: String,
    /// The n of `{name}-v{n}`.
    pub version: i32,
    /// The dataset it was made from.
    pub dataset_id: String,
    /// The cleaned version it was made from, if it was one.
    pub cleaning_job_id: Option<String>,
    /// The session of that dataset.
    pub session_id: String,
    /// The session's site when it was asked for: its folder.
    pub site: Option<String>,
    /// What tells the same request on the same dataset again: hash of name, dataset, mapping, options and program.
    pub request_key: String,
    /// What was asked for, defaults included.
    #[sea_orm(column_type = "JsonBinary")]
    pub options: Json,
    /// Which algorithm; until it is completed, what was asked for.
    pub algorithm: String,
    /// Which columns play which part.
    #[sea_orm(column_type = "JsonBinary")]
    pub feature_mapping: Json,
    /// How good it is.
    #[sea_orm(column_type = "JsonBinary")]
    pub training_metrics: Json,
    /// What it was made from, as the file says; empty until it is completed.
    #[sea_orm(column_type = "JsonBinary")]
    pub lineage: Json,
    /// Features it was made from.
    pub feature_count: Option<i32>,
    /// Key of the model file below `MODELS_PATH`.
    pub model_file_path: Option<String>,
    /// Of the model file, hex.
    pub sha256: Option<String>,
    /// Bytes of the model file.
    pub size_bytes: Option<i64>,
    /// What made it.
    pub trainer_version: Option<String>,
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
}

impl ActiveModelBehavior for ActiveModel {}

//! `trained_models`: models of a plant's power.

use sea_orm::entity::prelude::*;

use super::types::{Integrity, WorkStatus};

/// A model and, once completed, its published file.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "trained_models")]
pub struct Model {
    /// UUID v7.
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
    /// Which algorithm.
    pub algorithm: String,
    /// Which columns play which part.
    #[sea_orm(column_type = "JsonBinary")]
    pub feature_mapping: Json,
    /// How good it is.
    #[sea_orm(column_type = "JsonBinary")]
    pub training_metrics: Json,
    /// Key of the model file below `MODELS_PATH`.
    pub model_file_path: Option<String>,
    /// Of the model file, hex.
    pub sha256: Option<String>,
    /// How far it has come.
    pub status: WorkStatus,
    /// Why it failed.
    pub error: Option<String>,
    /// Whether the file is what it was.
    pub integrity: Integrity,
    /// When it was asked for.
    pub created_at: DateTimeUtc,
    /// When it ended.
    pub finished_at: Option<DateTimeUtc>,
    /// What was recommended with it.
    #[sea_orm(has_many)]
    pub optimization_runs: HasMany<super::optimization_run::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

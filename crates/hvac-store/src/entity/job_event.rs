//! `job_events`: what became of a job, step by step.

use sea_orm::entity::prelude::*;

use super::types::{JobEventKind, WorkStatus};

/// A change of a job's status, or how far it had come.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "job_events")]
pub struct Model {
    /// Grows; never used twice.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The job.
    pub job_id: String,
    /// When.
    pub at: DateTimeUtc,
    /// Which of the two.
    pub event: JobEventKind,
    /// The job's status since.
    pub status: WorkStatus,
    /// 0…1.
    pub progress: f64,
    /// What it was doing, or why it changed.
    pub message: Option<String>,
    /// The job.
    #[sea_orm(belongs_to, from = "job_id", to = "id", on_delete = "Cascade")]
    pub job: BelongsTo<super::job::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

//! `optimization_runs`: what was recommended with a model.

use sea_orm::entity::prelude::*;

/// One recommendation.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "optimization_runs")]
pub struct Model {
    /// UUID v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// The model.
    pub model_id: String,
    /// The session whose latest rows filled in what was not given.
    pub session_id: Option<String>,
    /// What was asked, as it was understood.
    #[sea_orm(column_type = "JsonBinary")]
    pub input_data: Json,
    /// How the optimum was looked for.
    pub method: String,
    /// kW at the recommended settings.
    pub predicted_power: f64,
    /// kW at the present settings.
    pub baseline_power: Option<f64>,
    /// Their difference, kW; 0 when nothing is to be changed.
    pub savings_kw: f64,
    /// Of the present power, 0–100.
    pub savings_percent: f64,
    /// Whether anything is to be changed.
    pub is_change: bool,
    /// The settings.
    #[sea_orm(column_type = "JsonBinary")]
    pub recommendations: Json,
    /// The whole answer.
    #[sea_orm(column_type = "JsonBinary")]
    pub answer: Json,
    /// The day on the site's clock when it was asked for: `2026-11-20`.
    pub local_date: String,
    /// How long it took.
    pub duration_ms: i64,
    /// When it was asked for.
    pub created_at: DateTimeUtc,
    /// The model.
    #[sea_orm(belongs_to, from = "model_id", to = "id", on_delete = "Cascade")]
    pub model: BelongsTo<super::trained_model::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

//! `optimization_runs`: what was recommended with a model.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// One recommendation.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, DeriveEntityModel)]
#[sea_orm(table_name = "optimization_runs")]
pub struct Model {
    /// UUID v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// The model.
    pub model_id: String,
    /// The operating point.
    #[sea_orm(column_type = "JsonBinary")]
    pub input_data: Json,
    /// How the optimum was looked for.
    pub method: String,
    /// kW at the recommended settings.
    pub predicted_power: f64,
    /// kW at the present settings.
    pub baseline_power: Option<f64>,
    /// The settings.
    #[sea_orm(column_type = "JsonBinary")]
    pub recommendations: Json,
    /// How long it took.
    pub duration_ms: i64,
    /// When it was asked for.
    pub created_at: DateTimeUtc,
    /// The model.
    #[sea_orm(belongs_to, from = "model_id", to = "id", on_delete = "Cascade")]
    pub model: BelongsTo<super::trained_model::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

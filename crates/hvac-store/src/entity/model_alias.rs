//! `model_aliases`: names such as `production` that stand for one version of a model.

use sea_orm::entity::prelude::*;

/// An alias of a model's name, and the version it stands for.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "model_aliases")]
pub struct Model {
    /// The models' name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// Such as `production`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub alias: String,
    /// The model it stands for.
    pub model_id: String,
    /// Since when.
    pub updated_at: DateTimeUtc,
    /// The model it stands for.
    #[sea_orm(belongs_to, from = "model_id", to = "id", on_delete = "Cascade")]
    pub model: BelongsTo<super::trained_model::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

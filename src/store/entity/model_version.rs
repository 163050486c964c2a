//! `model_versions`: the version numbers of each model's name. A number is never used twice.

use sea_orm::entity::prelude::*;

use super::types::VersionState;

/// A version number and what became of it; it outlives its model.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "model_versions")]
pub struct Model {
    /// UUID v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// The models' name.
    pub name: String,
    /// The number, from 1.
    pub version: i32,
    /// What became of it.
    pub state: VersionState,
    /// The job that reserved it.
    pub owner: Option<String>,
    /// When the reservation ends by itself.
    pub lease_until: Option<DateTimeUtc>,
    /// When it was reserved.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

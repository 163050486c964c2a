//! `store_identity`: which storage folder this database belongs to. One row.

use sea_orm::entity::prelude::*;

/// The identity that `store.json` of the storage folder must have too.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "store_identity")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// UUID v7.
    pub store_id: String,
    /// Of the folder's layout.
    pub format_version: i32,
    /// When folder and database were joined.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

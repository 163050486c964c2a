//! `removals`: what a purge has taken out of the catalogue and has still to take off the disk.

use sea_orm::entity::prelude::*;

/// Written in the transaction of the purge, and gone when the files are.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "removals")]
pub struct Model {
    /// `sessions` or `models`: see [`Root`](crate::integrity::Root).
    #[sea_orm(primary_key, auto_increment = false)]
    pub root: String,
    /// The session's folder, or the model's file, relative to it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub path: String,
    /// When it was purged.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

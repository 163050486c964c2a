//! `file_checks`: when each stored file's bytes were last compared with their hash.

use sea_orm::entity::prelude::*;

/// A file and when it was hashed, whatever came of it: that is in the row that refers to it.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "file_checks")]
pub struct Model {
    /// `sessions` or `models`: what its place is relative to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub root: String,
    /// Its key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub path: String,
    /// When.
    pub checked_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

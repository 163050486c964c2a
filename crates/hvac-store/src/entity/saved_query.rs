//! `saved_queries`: statements that users keep under a name.

use sea_orm::entity::prelude::*;

/// A statement and its name.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "saved_queries")]
pub struct Model {
    /// What it is called.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// The statement.
    #[sea_orm(column_type = "Text")]
    pub sql: String,
    /// What it asks, in words.
    #[sea_orm(column_type = "Text", nullable)]
    pub description: Option<String>,
    /// The session that it is about unless another is given.
    pub session_id: Option<String>,
    /// When it was first saved.
    pub created_at: DateTimeUtc,
    /// When it was last saved.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

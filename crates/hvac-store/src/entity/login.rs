//! `logins`: browsers in which somebody has logged in.

use sea_orm::entity::prelude::*;

/// A browser's login.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "logins")]
pub struct Model {
    /// UUID v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Whose it is.
    pub account_id: String,
    /// Of the cookie, which is kept nowhere; hex.
    pub sha256: String,
    /// From where.
    pub address: Option<String>,
    /// With which browser.
    #[sea_orm(column_type = "Text", nullable)]
    pub user_agent: Option<String>,
    /// When it began.
    pub created_at: DateTimeUtc,
    /// When it was last used, to the minute.
    pub last_used_at: DateTimeUtc,
    /// When it ends.
    pub expires_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

//! `links`: addresses that let whoever has them read one session for a time.

use sea_orm::entity::prelude::*;

/// A link to a session.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "links")]
pub struct Model {
    /// UUID v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// What it lets read.
    pub session_id: String,
    /// Who made it; none where nobody need say who he is.
    pub account_id: Option<String>,
    /// Of its secret, which is kept nowhere; hex.
    pub sha256: String,
    /// What it is for.
    #[sea_orm(column_type = "Text")]
    pub note: String,
    /// When it ends.
    pub expires_at: DateTimeUtc,
    /// When it was ended.
    pub revoked_at: Option<DateTimeUtc>,
    /// When it was made.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

//! `api_keys`: what programs show to say whose they are.

use sea_orm::entity::prelude::*;

use super::types::AccountRole;

/// A key of an account.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "api_keys")]
pub struct Model {
    /// UUID v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Whose it is.
    pub account_id: String,
    /// What it is called.
    pub name: String,
    /// The most it may do, and never more than its account.
    pub role: AccountRole,
    /// Of the key itself, which is kept nowhere; hex.
    pub sha256: String,
    /// When it ends; none: never.
    pub expires_at: Option<DateTimeUtc>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTimeUtc>,
    /// When it was ended.
    pub revoked_at: Option<DateTimeUtc>,
    /// When it was made.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

//! `audit_entries`: who did what; only added to.

use sea_orm::entity::prelude::*;

/// Something that was done, or tried.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_entries")]
pub struct Model {
    /// From 1, without gaps.
    #[sea_orm(primary_key)]
    pub seq: i64,
    /// When.
    pub at: DateTimeUtc,
    /// Whose account; none for those who have none.
    pub account_id: Option<String>,
    /// Its name then.
    pub who: String,
    /// How it was told: key, login, …
    pub via: String,
    /// What.
    pub action: String,
    /// To what kind of thing.
    pub object_kind: String,
    /// To which.
    pub object_id: Option<String>,
    /// Of which session.
    pub session_id: Option<String>,
    /// `done`, or the code of the refusal.
    pub result: String,
    /// From where.
    pub address: Option<String>,
    /// The request's id.
    pub request_id: Option<String>,
    /// What else there is to say, JSON.
    #[sea_orm(column_type = "Text")]
    pub detail: String,
    /// Of this entry and the hash before it, hex.
    pub hash: String,
}

impl ActiveModelBehavior for ActiveModel {}

//! `jobs`: durable work.

use sea_orm::entity::prelude::*;

use super::types::WorkStatus;

/// A piece of work.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "jobs")]
pub struct Model {
    /// UUID v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Which work.
    pub kind: String,
    /// What it needs to know.
    #[sea_orm(column_type = "JsonBinary")]
    pub payload: Json,
    /// How far it has come.
    pub status: WorkStatus,
    /// How often it was begun.
    pub attempts: i32,
    /// 0…1.
    pub progress: f64,
    /// What it is doing.
    pub message: Option<String>,
    /// Who works on it: one token a claim, so that nobody ends what another has taken over.
    pub owner: Option<String>,
    /// Until when its worker holds it; none while it runs: its worker is known to be gone.
    pub lease_until: Option<DateTimeUtc>,
    /// When it was enqueued.
    pub created_at: DateTimeUtc,
    /// When it was first begun.
    pub started_at: Option<DateTimeUtc>,
    /// When it ended.
    pub finished_at: Option<DateTimeUtc>,
    /// When it may be tried again; none: at once.
    pub run_after: Option<DateTimeUtc>,
    /// Whether somebody asked for its end.
    pub cancel_requested: bool,
    /// Why it failed: the sentence for the user.
    pub error: Option<String>,
    /// The same with kind, code and places, as `jobs::failure` writes it.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub failure: Option<Json>,
    /// Who asked for it; none: a command, or nobody who need say who he is.
    pub account_id: Option<String>,
    /// Which session it is about.
    pub session_id: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}

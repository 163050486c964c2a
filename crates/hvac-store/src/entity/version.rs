//! `versions`: the version numbers of datasets and models. A number is never used twice.

use sea_orm::entity::prelude::*;

use super::types::{ArtefactKind, VersionState};

/// A version number and what became of it. Of a session's `parsed` ones at most one is reserved; a cleaning and a
/// training reserve their own with their job.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "versions")]
pub struct Model {
    /// UUID v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// What the number counts.
    pub kind: ArtefactKind,
    /// The session, of datasets.
    pub session_id: Option<String>,
    /// The models' name, of models; their numbers outlive them.
    pub model_name: Option<String>,
    /// The number, from 1.
    pub version: i32,
    /// What became of it.
    pub state: VersionState,
    /// Who reserved it: a job, or a process for messages.
    pub owner: Option<String>,
    /// When the reservation ends by itself; without a lease it waits with its job.
    pub lease_until: Option<DateTimeUtc>,
    /// When it was reserved.
    pub created_at: DateTimeUtc,
    /// The session.
    #[sea_orm(belongs_to, from = "session_id", to = "id", on_delete = "Cascade")]
    pub session: BelongsTo<Option<super::session::Entity>>,
}

impl ActiveModelBehavior for ActiveModel {}

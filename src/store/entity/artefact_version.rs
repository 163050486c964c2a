//! `artefact_versions`: the version numbers of a session's artefacts. A number is never used twice.

use sea_orm::entity::prelude::*;

use super::types::{ArtefactKind, VersionState};

/// A version number and what became of it. At most one of a session's `parsed` ones is reserved; a cleaning
/// reserves its own with its job.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "artefact_versions")]
pub struct Model {
    /// UUID v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// The session.
    pub session_id: String,
    /// What the number counts.
    pub kind: ArtefactKind,
    /// The number, from 1.
    pub version: i32,
    /// What became of it.
    pub state: VersionState,
    /// Who reserved it: host and process, for messages.
    pub owner: Option<String>,
    /// When the reservation ends by itself.
    pub lease_until: Option<DateTimeUtc>,
    /// When it was reserved.
    pub created_at: DateTimeUtc,
    /// The session.
    #[sea_orm(belongs_to, from = "session_id", to = "id", on_delete = "Cascade")]
    pub session: BelongsTo<super::session::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

//! `source_files`: the uploaded bytes of a session, as they came.

use sea_orm::entity::prelude::*;

use super::types::{Integrity, Warnings};

/// A raw file, or a member of a raw archive.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "source_files")]
pub struct Model {
    /// UUID v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// The session.
    pub session_id: String,
    /// As the user named it.
    pub file_name: String,
    /// Name within the archive, when it came in one.
    pub archive_member: Option<String>,
    /// Key of the stored bytes.
    pub path: String,
    /// Of the bytes, hex.
    pub sha256: String,
    /// Bytes.
    pub size_bytes: i64,
    /// Shape, once parsed.
    pub format: Option<String>,
    /// Character encoding, once parsed.
    pub encoding: Option<String>,
    /// Rows, once parsed.
    pub row_count: Option<i64>,
    /// Points, once parsed.
    pub point_count: Option<i64>,
    /// First time, once parsed.
    pub first_at: Option<DateTimeUtc>,
    /// Last time, once parsed.
    pub last_at: Option<DateTimeUtc>,
    /// What was found.
    #[sea_orm(column_type = "JsonBinary")]
    pub warnings: Warnings,
    /// Whether the stored bytes are what they were.
    pub integrity: Integrity,
    /// When it was stored.
    pub created_at: DateTimeUtc,
    /// The session.
    #[sea_orm(belongs_to, from = "session_id", to = "id", on_delete = "Cascade")]
    pub session: BelongsTo<super::session::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

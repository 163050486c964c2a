//! `upload_sessions`: a folder of immutable files and what is known of it.

use sea_orm::entity::prelude::*;

use super::types::{FreeMetadata, Status, Tags};

/// A session.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "upload_sessions")]
pub struct Model {
    /// UUID v7, and the name of the session's folder.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Site, such as `KMUH`.
    pub site: Option<String>,
    /// IANA zone of the site; none until somebody says it or a parse assumes one.
    pub timezone: Option<String>,
    /// Where server-side files came from, below `DATA_DIR`.
    pub subfolder: Option<String>,
    /// Raw files.
    pub files_count: i32,
    /// Rows of the newest parsed dataset.
    pub total_rows: i64,
    /// How far it has come.
    pub status: Status,
    /// The user's own data.
    #[sea_orm(column_type = "JsonBinary")]
    pub metadata: FreeMetadata,
    /// What a user sorts it under.
    #[sea_orm(column_type = "JsonBinary")]
    pub tags: Tags,
    /// What a user says of it.
    #[sea_orm(column_type = "Text")]
    pub notes: String,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When a user last changed it or gave it a new version.
    pub updated_at: DateTimeUtc,
    /// Set while it is deleted and can be restored.
    pub deleted_at: Option<DateTimeUtc>,
    /// When it was last parsed over HTTP: the newest is meant when a request leaves out `session_id`.
    pub parsed_over_http_at: Option<DateTimeUtc>,
    /// Found in the folder without a `session.json`: no answer ever told of it. Listed only when asked for.
    pub unconfirmed: bool,
    /// Whose it is; none: everyone's.
    pub owner_id: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}

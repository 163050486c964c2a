//! `parsed_datasets`: one published Parquet file a version.

use sea_orm::entity::prelude::*;

use super::types::{Columns, Integrity};

/// A parsed dataset.
#[sea_orm::model]
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "parsed_datasets")]
pub struct Model {
    /// UUID v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// The session.
    pub session_id: String,
    /// The n of `parsed-v{n}`.
    pub version: i32,
    /// Key of the Parquet file.
    pub file_path: String,
    /// Of the Parquet file, hex.
    pub sha256: String,
    /// Bytes of the Parquet file.
    pub size_bytes: i64,
    /// Rows.
    pub row_count: i64,
    /// Columns with `timestamp`.
    pub column_count: i32,
    /// Everything known of each column.
    #[sea_orm(column_type = "JsonBinary")]
    pub columns: Columns,
    /// First time.
    pub start_at: Option<DateTimeUtc>,
    /// Last time.
    pub end_at: Option<DateTimeUtc>,
    /// What made it.
    pub parser_version: String,
    /// Hash of the sources' hashes, the options and the parser's version: the same again has the same key.
    pub request_key: String,
    /// The parse's options, as `sessions::parse` writes them.
    #[sea_orm(column_type = "JsonBinary")]
    pub options: Json,
    /// Whether the file is what it was.
    pub integrity: Integrity,
    /// When it was published.
    pub created_at: DateTimeUtc,
    /// The session.
    #[sea_orm(belongs_to, from = "session_id", to = "id", on_delete = "Cascade")]
    pub session: BelongsTo<super::session::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

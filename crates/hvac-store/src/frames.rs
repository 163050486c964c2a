//! What stored Parquet files say of themselves, and failures of frames as the program's.
//!
//! The files are written and read by [`hvac_frame::parquet_file`]; each explains itself: its key-value metadata names
//! session, dataset, columns and sources.

use hvac_frame::error::FrameError;

use super::objects::{damaged, storage_error};
use crate::error::{Error, codes};

/// Key-value metadata: the session's id.
pub const KEY_SESSION_ID: &str = "hvac.session_id";
/// Key-value metadata: the dataset's id.
pub const KEY_DATASET_ID: &str = "hvac.dataset_id";
/// Key-value metadata: `parsed-v1`.
pub const KEY_VERSION: &str = "hvac.version";
/// Key-value metadata: IANA zone of the site.
pub const KEY_ZONE: &str = "hvac.zone";
/// Key-value metadata: JSON list of [`hvac_frame::column::ColumnMeta`].
pub const KEY_COLUMNS: &str = "hvac.columns";
/// Key-value metadata: what made the file.
pub const KEY_PARSER_VERSION: &str = "hvac.parser_version";
/// Key-value metadata: JSON list of `{file_name, sha256}`.
pub const KEY_SOURCES: &str = "hvac.sources";
/// Key-value metadata: the session's name when the file was made.
pub const KEY_SESSION_NAME: &str = "hvac.session_name";
/// Key-value metadata: the site.
pub const KEY_SITE: &str = "hvac.site";
/// Key-value metadata: the parse's options (JSON).
pub const KEY_OPTIONS: &str = "hvac.options";
/// Key-value metadata: what the cleaning found (JSON of `hvac_cleaning::Report`).
pub const KEY_REPORT: &str = "hvac.report";
/// Key-value metadata of a parsed frame: what the reports' own systems say of their readings, a Parquet file of quality
/// events in base64; empty when they say nothing.
pub const KEY_EVENTS: &str = "hvac.events";
/// Key-value metadata: the request's key, so that the same again is known after a rebuild too.
pub const KEY_REQUEST_KEY: &str = "hvac.request_key";
/// Key-value metadata of a cleaned frame: what was asked of the cleaning (JSON).
pub const KEY_PARAMETERS: &str = "hvac.parameters";
/// Key-value metadata of a cleaned frame: what made it.
pub const KEY_CLEANER_VERSION: &str = "hvac.cleaner_version";
/// Key-value metadata of a cleaned frame: the dataset that was cleaned.
pub const KEY_SOURCE_DATASET_ID: &str = "hvac.source_dataset_id";
/// Key-value metadata of a cleaned frame: sha256 of that dataset's file.
pub const KEY_SOURCE_SHA256: &str = "hvac.source_sha256";
/// Key-value metadata: when the dataset was made, ISO 8601.
pub const KEY_CREATED_AT: &str = "hvac.created_at";

impl From<FrameError> for Error {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Sink(_) => storage_error("writing a Parquet file", error),
            FrameError::Damaged(_) => damaged().with_source(error),
            FrameError::Newer { .. } => Self::new(codes::NEWER_FILE, error.to_string()),
            FrameError::Defect(..) => Self::internal(error.to_string()).with_source(error),
        }
    }
}

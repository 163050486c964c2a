//! A stored frame that a request means, settled.

use std::sync::Arc;

use super::DatasetLabel;
use super::published::Known;
use crate::error::{Error, codes};
use hvac_frame::column::ColumnMeta;
use hvac_store::entity::Integrity;
use hvac_store::integrity::{Root, StoredFile};
use hvac_store::verified::FileStamp;

/// A stored frame, settled.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// For answers.
    pub label: DatasetLabel,
    /// The Parquet file's key in the object store.
    pub path: String,
    /// Of the Parquet file, hex.
    pub sha256: String,
    /// Bytes.
    pub size_bytes: u64,
    /// Rows.
    pub row_count: u64,
    /// Everything but `timestamp`, in the file's order.
    pub columns: Arc<Vec<ColumnMeta>>,
    /// What the file's footer says.
    pub(crate) known: Arc<Known>,
    /// What the file looked like when it was last found to be what was published.
    pub(super) stamp: FileStamp,
    /// Zone of the site.
    pub zone: chrono_tz::Tz,
    /// The session's name, for file names of downloads.
    pub session_name: String,
    /// Set when `session_id` was left out.
    pub assumed_session: Option<String>,
}

impl Resolved {
    /// Its file.
    pub(super) fn file(&self) -> StoredFile {
        StoredFile {
            root: Root::Sessions,
            path: self.path.clone(),
            sha256: self.sha256.clone(),
            size_bytes: self.size_bytes,
        }
    }
}

/// That its file is not what it was.
pub(super) fn unusable(label: &DatasetLabel, integrity: Integrity) -> Error {
    let (code, what) = match integrity {
        Integrity::Missing => (codes::FILE_MISSING, "is missing"),
        _ => (codes::FILE_DAMAGED, "is not what was published"),
    };
    let DatasetLabel { session_id, version, .. } = label;
    Error::new(
        code,
        format!(
            "the file of {version} of session {session_id} {what}: bring it back from a backup and run `hvac-analytics \
             doctor`, which says more, or parse the session again with force"
        ),
    )
}

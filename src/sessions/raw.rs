//! Raw files that were there before a parse: still what was uploaded, or no data is made of them.

use crate::error::{Code, Error, Result, codes};
use crate::state::AppState;
use hvac_store::entity::{Integrity, source_file};
use hvac_store::integrity::{Root, StoredFile};

/// Whether a raw file is what was uploaded. Blocks.
///
/// # Errors
/// 409 when it is not.
pub(super) fn check(state: &AppState, row: &source_file::Model) -> Result<()> {
    let file = StoredFile {
        root: Root::Sessions,
        path: row.path.clone(),
        sha256: row.sha256.clone(),
        size_bytes: row.size_bytes.unsigned_abs(),
    };
    let integrity = match row.integrity {
        Integrity::Ok => state.store.verify_here(&file)?.err().unwrap_or(Integrity::Ok),
        known => known,
    };
    let (code, what) = match integrity {
        Integrity::Ok => return Ok(()),
        Integrity::Missing => (codes::FILE_MISSING, "is missing"),
        Integrity::Damaged => (codes::FILE_DAMAGED, "is not what was uploaded"),
    };
    Err(unusable(row, code, what))
}

/// That a raw file cannot be used.
pub(super) fn unusable(row: &source_file::Model, code: &'static Code, what: &str) -> Error {
    let message = format!(
        "the raw file '{}' of session {} {what}: bring it back from a backup and run `hvac-analytics doctor`, which says \
         more, or upload it into a new session",
        row.file_name, row.session_id
    );
    Error::new(code, message)
}

//! The raw files of a session one by one, byte for byte as they were uploaded.

use std::collections::BTreeSet;

use serde::Serialize;
use utoipa::ToSchema;

use super::store;
use crate::error::{Detail, Error, Result, codes};
use crate::state::AppState;
use hvac_store::download::Download;
use hvac_store::entity::{Integrity, source_file};
use hvac_store::integrity::{Root, StoredFile};

/// Digits of a hash that name a file at least.
const FEWEST_DIGITS: usize = 12;

/// The raw files of a session.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RawFiles {
    /// The session.
    pub session_id: String,
    /// Its files, in the order they came; an archive is one.
    pub files: Vec<RawFile>,
}

/// A raw file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RawFile {
    /// As it was named when it was uploaded.
    #[schema(example = "T_161110-161210.csv")]
    pub file_name: String,
    /// Of its bytes, hex: what it is asked for by, or 12 digits of it.
    pub sha256: String,
    /// Bytes.
    #[schema(example = 12_345)]
    pub size_bytes: u64,
    /// `ok`, `damaged` or `missing`.
    #[schema(example = "ok")]
    pub integrity: String,
}

/// A raw file, and its bytes.
pub struct RawDownload {
    /// The file.
    pub file: RawFile,
    /// Its bytes.
    pub download: Download,
}

/// All of a session, an archive once, whatever is in it.
///
/// # Errors
/// 404 for an unknown session.
pub async fn list(state: &AppState, session_id: &str) -> Result<RawFiles> {
    let session = store::session(state.store.db.read(), state.principal(), session_id).await?;
    let files = stored(state, session_id).await?.iter().map(described).collect();
    Ok(RawFiles { session_id: session.id, files })
}

async fn stored(state: &AppState, session_id: &str) -> Result<Vec<source_file::Model>> {
    let mut seen = BTreeSet::new();
    let rows = store::source_files(state.store.db.read(), session_id).await?;
    Ok(rows.into_iter().filter(|row| seen.insert(row.path.clone())).collect())
}

fn described(row: &source_file::Model) -> RawFile {
    RawFile {
        file_name: row.file_name.clone(),
        sha256: row.sha256.clone(),
        size_bytes: row.size_bytes.unsigned_abs(),
        integrity: row.integrity.as_str().to_owned(),
    }
}

/// The one file that `which` means: its name, its hash, or at least 12 digits of that.
///
/// # Errors
/// 404 when there is none, 409 when there are several, when the session is deleted, and when the file is not what was
/// uploaded.
pub async fn download(state: &AppState, session_id: &str, which: &str) -> Result<RawDownload> {
    store::live_session(state.store.db.read(), state.principal(), session_id).await?;
    let rows = stored(state, session_id).await?;
    let by_name: Vec<&source_file::Model> = rows.iter().filter(|row| row.file_name == which).collect();
    let by_hash = rows.iter().filter(|row| which.len() >= FEWEST_DIGITS && row.sha256.starts_with(which));
    let meant = if by_name.is_empty() { by_hash.collect() } else { by_name };
    let row = match meant.as_slice() {
        [row] => *row,
        [] => {
            let message = format!(
                "session {session_id} has no raw file '{which}'; GET /api/sessions/{session_id}/raw lists them by name and hash"
            );
            return Err(Error::new(codes::UNKNOWN_FILE, message));
        }
        several => {
            let message = format!("'{which}' is the name of {} files: ask for one by its sha256", several.len());
            let detail = |row: &&source_file::Model| Detail {
                file: Some(row.file_name.clone()),
                message: row.sha256.clone(),
                ..Detail::default()
            };
            let error = Error::new(codes::AMBIGUOUS_FILE, message);
            return Err(several.iter().map(detail).fold(error, Error::with_detail));
        }
    };
    let file = StoredFile {
        root: Root::Sessions,
        path: row.path.clone(),
        sha256: row.sha256.clone(),
        size_bytes: row.size_bytes.unsigned_abs(),
    };
    let integrity = match row.integrity {
        Integrity::Ok => state.store.verify(&file).await?.err().unwrap_or(Integrity::Ok),
        known => known,
    };
    match integrity {
        Integrity::Ok => {}
        Integrity::Missing => return Err(super::raw::unusable(row, codes::FILE_MISSING, "is missing")),
        Integrity::Damaged => return Err(super::raw::unusable(row, codes::FILE_DAMAGED, "is not what was uploaded")),
    }
    let (objects, key, size_bytes) = (state.store.objects.clone(), file.path, file.size_bytes);
    Ok(RawDownload { file: described(row), download: Download::Stored { objects, key, size_bytes } })
}

//! The folders of server-side reports, confined to `DATA_DIR`.

use super::FolderListing;
use crate::error::Result;
use crate::state::AppState;

/// What lies in a folder; a folder that does not exist is an empty listing with an `error` text.
///
/// # Errors
/// 422 for a path that leaves `DATA_DIR`.
pub fn list(state: &AppState, data_dir: Option<&str>, subfolder: Option<&str>) -> Result<FolderListing> {
    let _ = (state, data_dir, subfolder);
    todo!()
}

//! The reports of a parse: raw files, and members of raw archives, each content once.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::Parse;
use crate::error::{Context, Result};
use crate::sessions::build::{self, Archives, Input};
use crate::sessions::intake::{self, archive_limits};
use crate::sessions::raw;
use crate::state::AppState;
use hvac_frame::column::Warning;
use hvac_report::archive;
use hvac_report::job::read::FileId;
use hvac_store::entity::source_file;

impl Parse {
    /// Every report once, by the hash of its own bytes. Opens each file that was there before, so that one that is
    /// missing is said before anything is done.
    pub(super) async fn inputs(&self) -> Result<(Vec<Input>, Vec<Warning>)> {
        let staged: BTreeMap<String, String> =
            self.intake.arrived.iter().map(|a| (a.staged.sha256.clone(), a.staged.key().to_owned())).collect();
        let (state, rows) = (self.state.clone(), self.rows.clone());
        let work = move || {
            let mut inputs = Vec::with_capacity(rows.len());
            let mut warnings = Vec::new();
            let mut seen: BTreeMap<String, String> = BTreeMap::new();
            let archives = Archives::default();
            for row in rows {
                // A member's row has the hash of its archive.
                let key = staged.get(&row.sha256);
                let input = input(&state, row, key, &archives)?;
                match seen.insert(input.id.sha256.clone(), input.id.name.clone()) {
                    Some(first) => warnings.push(intake::duplicate(&input.id.name, &first)),
                    None => inputs.push(input),
                }
            }
            Ok((inputs, warnings))
        };
        tokio::task::spawn_blocking(work).await.internal("opening raw files")?
    }
}

/// A raw file, or a member of a raw archive, as a report to read; `staged` is where it is until it is published.
fn input(state: &AppState, row: source_file::Model, staged: Option<&String>, archives: &Archives) -> Result<Input> {
    let key = staged.unwrap_or(&row.path).clone();
    if staged.is_none() {
        raw::check(state, &row)?;
    }
    // The latest that it can have been written: when it came here.
    let written_at_ms = row.created_at.timestamp_millis();
    let Some(member) = row.archive_member else {
        // What is staged was written a moment ago.
        let size_bytes = match staged {
            Some(_) => row.size_bytes.unsigned_abs(),
            None => state.store.objects.open_bytes(&key)?.len() as u64,
        };
        let id = FileId { name: row.file_name, sha256: row.sha256 };
        return Ok(Input { id, key, archive: None, size_bytes, written_at_ms });
    };
    let refused = |error| build::unreadable(&[error], 1);
    let open = || {
        let bytes = state.store.objects.open_bytes(&key)?.to_bytes();
        archive::Archive::open(&row.file_name, bytes).map_err(refused)
    };
    let report = archives.get(&key, open)?.extract(&member, &archive_limits(state)).map_err(refused)?;
    let name = format!("{}/{member}", row.file_name);
    let id = FileId { name, sha256: format!("{:x}", Sha256::digest(&report)) };
    Ok(Input { id, key, archive: Some((row.file_name, member)), size_bytes: report.len() as u64, written_at_ms })
}

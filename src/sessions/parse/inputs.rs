//! The reports of a parse: raw files, and members of raw archives, each content once.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::Parse;
use crate::error::{Context, Result};
use crate::sessions::UnreadableFile;
use crate::sessions::intake::{self, archive_limits};
use crate::sessions::raw;
use crate::sessions::reading::{self, Archives, Input};
use crate::state::AppState;
use hvac_frame::column::Warning;
use hvac_report::job::read::FileId;
use hvac_report::{ReadError, archive};
use hvac_store::entity::source_file;

/// The reports of a parse.
pub(super) struct Inputs {
    /// Each content once.
    pub inputs: Vec<Input>,
    /// Those that are there already.
    pub duplicates: Vec<Warning>,
    /// Members of archives that cannot be unpacked, where such are left out.
    pub unreadable: Vec<UnreadableFile>,
}

impl Parse {
    /// Every report once, by the hash of its own bytes. Opens each file that was there before, so that one that is
    /// missing is said before anything is done.
    pub(super) async fn inputs(&self) -> Result<Inputs> {
        let staged: BTreeMap<String, String> =
            self.intake.arrived.iter().map(|a| (a.staged.sha256.clone(), a.staged.key().to_owned())).collect();
        let (state, rows, skip) = (self.state.clone(), self.rows.clone(), self.request.skip_unreadable);
        let work = move || {
            let mut inputs = Vec::with_capacity(rows.len());
            let (mut duplicates, mut unreadable) = (Vec::new(), Vec::new());
            let mut seen: BTreeMap<String, String> = BTreeMap::new();
            let archives = Archives::default();
            for row in rows {
                // A member's row has the hash of its archive.
                let key = staged.get(&row.sha256);
                let input = match input(&state, row, key, &archives)? {
                    Ok(input) => input,
                    Err(error) if skip => {
                        unreadable.push(error.into());
                        continue;
                    }
                    Err(error) => return Err(reading::unreadable(&[error], 1)),
                };
                match seen.insert(input.id.sha256.clone(), input.id.name.clone()) {
                    Some(first) => duplicates.push(intake::duplicate(&input.id.name, &first)),
                    None => inputs.push(input),
                }
            }
            Ok(Inputs { inputs, duplicates, unreadable })
        };
        tokio::task::spawn_blocking(work).await.internal("opening raw files")?
    }
}

/// A raw file, or a member of a raw archive, as a report to read; `staged` is where it is until it is published.
fn input(
    state: &AppState,
    row: source_file::Model,
    staged: Option<&String>,
    archives: &Archives,
) -> Result<Result<Input, ReadError>> {
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
        return Ok(Ok(Input { id, key, archive: None, size_bytes, written_at_ms }));
    };
    // Its bytes may be gone, or they may be no archive.
    let open = || {
        let bytes = state.store.objects.open_bytes(&key).map_err(Err)?.to_bytes();
        archive::Archive::open(&row.file_name, bytes).map_err(Ok)
    };
    let extracted =
        archives.get(&key, open).and_then(|archive| archive.extract(&member, &archive_limits(state)).map_err(Ok));
    let report = match extracted {
        Ok(report) => report,
        Err(Ok(error)) => return Ok(Err(error)),
        Err(Err(error)) => return Err(error),
    };
    let name = format!("{}/{member}", row.file_name);
    let id = FileId { name, sha256: format!("{:x}", Sha256::digest(&report)) };
    let archive = Some((row.file_name, member));
    Ok(Ok(Input { id, key, archive, size_bytes: report.len() as u64, written_at_ms }))
}

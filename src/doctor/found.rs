//! What a rebuild finds: its account in the end, and what its parts read of folders.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::error::{Context, Result, codes};
use crate::sessions::manifest::{self, Manifest};
use crate::sessions::snapshot::Snapshot;
use hvac_frame::names::TIMESTAMP;
use hvac_frame::parquet_file::ParquetReader;
use hvac_store::entity::{ArtefactKind, VersionState};
use hvac_store::versions::Series;
use hvac_store::{Store, paths};

/// What came back.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Rebuilt {
    /// Sessions that were brought back.
    pub sessions: u64,
    /// Of those, the ones that had no readable `session.json`. Without any, nobody was ever told of them: they are
    /// `unconfirmed`.
    pub from_footers: u64,
    /// Sessions the catalogue had already.
    pub kept: u64,
    /// Models whose rows no session had, brought back from what their files say.
    pub models: u64,
    /// Folders nothing could be learnt from.
    pub unreadable: Vec<String>,
    /// Files of versions of which no answer ever told, since the `session.json` beside them does not: left as they are,
    /// and not in the catalogue.
    pub unacknowledged: Vec<String>,
    /// What in `session.json` files could not be read.
    pub notes: Vec<String>,
}

/// The `session.json` of a session, if there is one.
///
/// # Errors
/// In words, when it is no such document.
pub(super) fn read_manifest(store: &Store, session_id: &str) -> std::result::Result<Option<Manifest>, String> {
    match store.objects.open_bytes(&paths::session_json(session_id)) {
        Err(error) if error.code == codes::FILE_MISSING => Ok(None),
        Err(error) => Err(error.message),
        Ok(bytes) => manifest::read(session_id, &bytes).map(Some),
    }
}

/// A number that a file has of which nobody was told is not given again.
pub(super) fn give_up(snapshot: &mut Snapshot, kind: ArtefactKind, version: i32) {
    if snapshot.versions.iter().any(|known| known.kind == kind && known.version == version) {
        return;
    }
    let series = if kind == ArtefactKind::Parsed { Series::Parsed } else { Series::Cleaned };
    snapshot.versions.push(series(&snapshot.session.id).number(version, VersionState::Abandoned));
}

/// First and last time of a stored frame.
pub(super) fn span(reader: &ParquetReader) -> Result<(Option<DateTime<Utc>>, Option<DateTime<Utc>>)> {
    let time_at = |row: u64| -> Result<Option<DateTime<Utc>>> {
        let frame = reader.read_rows(Some(&[TIMESTAMP.to_owned()]), row, 1)?;
        let times = frame.column(TIMESTAMP).internal("reading a time")?;
        let at_ms = times.datetime().internal("reading a time")?.physical().iter().next().flatten();
        Ok(at_ms.and_then(DateTime::from_timestamp_millis))
    };
    Ok((time_at(0)?, time_at(reader.footer().row_count().saturating_sub(1))?))
}

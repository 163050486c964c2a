//! The catalogue from the folders alone: `session.json` first, then what the Parquet files say of themselves.
//!
//! Only adds: a session the catalogue has stays as it is, and no file is touched.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel};
use serde::{Deserialize, Serialize};

use super::{cleaned, models};
use crate::error::{Context, Result};
use crate::etl::column::ColumnMeta;
use crate::etl::names::TIMESTAMP;
use crate::sessions::snapshot::Snapshot;
use crate::sessions::store::raw_file;
use crate::store::entity::{
    ArtefactKind, Columns, FreeMetadata, Integrity, ReportText, Status, VersionState, artefact_version, cleaning_job,
    parsed_dataset, session, site_override, source_file,
};
use crate::store::frames::{self, FrameReader};
use crate::store::{Store, new_id, now, paths};

/// What came back.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Rebuilt {
    /// Sessions that were brought back.
    pub sessions: u64,
    /// Of those, the ones that had no readable `session.json`.
    pub from_footers: u64,
    /// Sessions the catalogue had already.
    pub kept: u64,
    /// Models whose files no session knew of, brought back from what they say.
    pub models: u64,
    /// Folders nothing could be learnt from.
    pub unreadable: Vec<String>,
}

/// Brings every session folder into the catalogue that is not in it.
pub(super) async fn rebuild(store: &Store) -> Result<Rebuilt> {
    let mut rebuilt = Rebuilt::default();
    for session_id in store.objects.session_folders()? {
        let known =
            session::Entity::find_by_id(&session_id).one(store.db.read()).await.internal("looking up a session")?;
        if known.is_some() {
            rebuilt.kept += 1;
            continue;
        }
        let snapshot = read_snapshot(store, &session_id);
        rebuilt.from_footers += u64::from(snapshot.is_none());
        let Some(snapshot) = complete(store, &session_id, snapshot).await? else {
            rebuilt.from_footers = rebuilt.from_footers.saturating_sub(1);
            rebuilt.unreadable.push(session_id);
            continue;
        };
        let txn = store.db.begin().await?;
        insert(&txn, snapshot).await?;
        txn.commit().await.internal("committing a rebuilt session")?;
        rebuilt.sessions += 1;
    }
    rebuilt.models = models::rebuild(store).await?;
    Ok(rebuilt)
}

fn read_snapshot(store: &Store, session_id: &str) -> Option<Snapshot> {
    let bytes = store.objects.open_bytes(&paths::session_json(session_id)).ok()?;
    let snapshot: Snapshot = serde_json::from_slice(&bytes).ok()?;
    (snapshot.session.id == session_id).then_some(snapshot)
}

/// A source as the Parquet file names it.
#[derive(Deserialize)]
struct Source {
    file_name: String,
    sha256: String,
}

/// The snapshot with the parsed versions it does not know yet; made from the footers alone when there is none.
async fn complete(store: &Store, session_id: &str, snapshot: Option<Snapshot>) -> Result<Option<Snapshot>> {
    let mut found = Vec::new();
    for object in store.objects.list(&paths::session_dir(session_id)).await? {
        let name = object.key.rsplit('/').next().unwrap_or_default();
        let version =
            name.strip_prefix("parsed-v").and_then(|n| n.strip_suffix(".parquet")).and_then(|n| n.parse::<i32>().ok());
        if let Some(version) = version {
            found.push((version, object));
        }
    }
    found.sort_by_key(|(version, _)| *version);
    let mut snapshot = snapshot;
    for (version, object) in found {
        if snapshot.as_ref().is_some_and(|s| s.parsed_datasets.iter().any(|d| d.version == version)) {
            continue;
        }
        let Ok(reader) = store.objects.open_bytes(&object.key).and_then(|bytes| FrameReader::open(bytes.to_bytes()))
        else {
            continue;
        };
        let footer = reader.footer();
        let said = |key: &str| footer.key_value(key).map(str::to_owned);
        if said(frames::KEY_SESSION_ID).as_deref() != Some(session_id) {
            continue;
        }
        let columns: Vec<ColumnMeta> =
            said(frames::KEY_COLUMNS).and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
        let sources: Vec<Source> =
            said(frames::KEY_SOURCES).and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
        let snapshot = match &mut snapshot {
            Some(snapshot) => snapshot,
            none => none.insert(nothing_known(store, session_id, &sources, &said).await?),
        };
        let (start_at, end_at) = span(&reader)?;
        snapshot.parsed_datasets.push(parsed_dataset::Model {
            id: said(frames::KEY_DATASET_ID).unwrap_or_else(new_id),
            session_id: session_id.to_owned(),
            version,
            sha256: store.objects.sha256(&object.key).await?,
            file_path: object.key,
            size_bytes: i64::try_from(object.size_bytes).unwrap_or(i64::MAX),
            row_count: i64::try_from(footer.row_count()).unwrap_or(i64::MAX),
            column_count: i32::try_from(columns.len() + 1).unwrap_or(i32::MAX),
            columns: Columns(columns),
            start_at,
            end_at,
            parser_version: said(frames::KEY_PARSER_VERSION).unwrap_or_default(),
            request_key: said(frames::KEY_REQUEST_KEY).unwrap_or_default(),
            options: said(frames::KEY_OPTIONS).and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default(),
            report: ReportText::default(),
            integrity: Integrity::Ok,
            created_at: said(frames::KEY_CREATED_AT).and_then(|at| at.parse().ok()).unwrap_or_else(now),
        });
        snapshot.versions.retain(|v| v.kind != ArtefactKind::Parsed || v.version != version);
        snapshot.versions.push(artefact_version::Model {
            id: new_id(),
            session_id: session_id.to_owned(),
            kind: ArtefactKind::Parsed,
            version,
            state: VersionState::Published,
            owner: None,
            lease_until: None,
            created_at: now(),
        });
        snapshot.session.total_rows = i64::try_from(footer.row_count()).unwrap_or(i64::MAX);
        if snapshot.session.status != Status::Cleaned {
            snapshot.session.status = Status::Parsed;
        }
    }
    if let Some(snapshot) = &mut snapshot {
        cleaned::complete(store, session_id, snapshot).await?;
    }
    Ok(snapshot)
}

/// First and last time of a stored frame.
pub(super) fn span(reader: &FrameReader) -> Result<(Option<DateTime<Utc>>, Option<DateTime<Utc>>)> {
    let time_at = |row: u64| -> Result<Option<DateTime<Utc>>> {
        let frame = reader.read_rows(Some(&[TIMESTAMP.to_owned()]), row, 1)?;
        let times = frame.column(TIMESTAMP).internal("reading a time")?;
        let at_ms = times.datetime().internal("reading a time")?.physical().iter().next().flatten();
        Ok(at_ms.and_then(DateTime::from_timestamp_millis))
    };
    Ok((time_at(0)?, time_at(reader.footer().row_count().saturating_sub(1))?))
}

/// A session of which only a Parquet file and the raw folder tell.
async fn nothing_known(
    store: &Store,
    session_id: &str,
    sources: &[Source],
    said: &dyn Fn(&str) -> Option<String>,
) -> Result<Snapshot> {
    let names: BTreeMap<&str, &str> = sources.iter().map(|s| (s.sha256.as_str(), s.file_name.as_str())).collect();
    let mut source_files = Vec::new();
    for object in store.objects.list(&paths::raw_dir(session_id)).await? {
        let sha256 = store.objects.sha256(&object.key).await?;
        let stored = object.key.rsplit('/').next().unwrap_or_default();
        let own_name = stored.split_once('-').map_or(stored, |(_, name)| name);
        let file_name = names.get(sha256.as_str()).copied().unwrap_or(own_name).to_owned();
        source_files.push(raw_file(session_id, &file_name, object.key, sha256, object.size_bytes));
    }
    let session = session::Model {
        id: session_id.to_owned(),
        name: said(frames::KEY_SESSION_NAME).filter(|n| !n.is_empty()).unwrap_or_else(|| session_id.to_owned()),
        site: said(frames::KEY_SITE).filter(|s| !s.is_empty()),
        timezone: said(frames::KEY_ZONE),
        subfolder: None,
        files_count: i32::try_from(source_files.len()).unwrap_or(i32::MAX),
        total_rows: 0,
        status: Status::Uploaded,
        metadata: FreeMetadata::default(),
        created_at: now(),
        updated_at: now(),
        deleted_at: None,
        parsed_over_http_at: None,
    };
    Ok(Snapshot {
        format_version: crate::sessions::snapshot::FORMAT_VERSION,
        session,
        source_files,
        parsed_datasets: Vec::new(),
        cleaning_jobs: Vec::new(),
        trained_models: Vec::new(),
        model_aliases: Vec::new(),
        versions: Vec::new(),
        site_overrides: Vec::new(),
    })
}

async fn insert(txn: &impl ConnectionTrait, mut snapshot: Snapshot) -> Result<()> {
    let doing = "storing a rebuilt session";
    session::Entity::insert(snapshot.session.clone().into_active_model().reset_all())
        .exec_without_returning(txn)
        .await
        .internal(doing)?;
    for row in std::mem::take(&mut snapshot.source_files) {
        source_file::Entity::insert(row.into_active_model().reset_all())
            .exec_without_returning(txn)
            .await
            .internal(doing)?;
    }
    for row in std::mem::take(&mut snapshot.versions) {
        artefact_version::Entity::insert(row.into_active_model().reset_all())
            .exec_without_returning(txn)
            .await
            .internal(doing)?;
    }
    for row in std::mem::take(&mut snapshot.parsed_datasets) {
        parsed_dataset::Entity::insert(row.into_active_model().reset_all())
            .exec_without_returning(txn)
            .await
            .internal(doing)?;
    }
    for row in std::mem::take(&mut snapshot.cleaning_jobs) {
        cleaning_job::Entity::insert(row.into_active_model().reset_all())
            .exec_without_returning(txn)
            .await
            .internal(doing)?;
    }
    models::restore(txn, &snapshot).await?;
    for row in snapshot.site_overrides {
        let key = (row.site.clone(), row.original_name.clone());
        if site_override::Entity::find_by_id(key).one(txn).await.internal(doing)?.is_none() {
            site_override::Entity::insert(row.into_active_model().reset_all())
                .exec_without_returning(txn)
                .await
                .internal(doing)?;
        }
    }
    Ok(())
}

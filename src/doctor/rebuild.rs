//! The catalogue from the folders alone: `session.json` first, then what the Parquet files say of themselves.
//!
//! `session.json` is on the disk before anything is acknowledged, so what only a Parquet file tells of was never: a
//! session without one comes back unconfirmed, and a version that it does not tell of is named and left alone. Only
//! adds: a session the catalogue has stays as it is, and no file is touched.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use serde::Deserialize;

use super::found::{Rebuilt, give_up, read_manifest, span};
use super::rows::{self, Shared};
use super::{cleaned, models};
use crate::error::{Context, Result, codes};
use crate::sessions::manifest::Manifest;
use crate::sessions::snapshot::{Snapshot, blank};
use crate::sessions::store::raw_file;
use hvac_frame::parquet_file::ParquetReader;
use hvac_store::entity::{
    ArtefactKind, Columns, Integrity, Status, VersionState, cleaning_job, parsed_dataset, session, trained_model,
};
use hvac_store::frames;
use hvac_store::integrity::StoredFile;
use hvac_store::objects::ObjectBytes;
use hvac_store::versions::Series;
use hvac_store::{Store, new_id, now, paths};

/// Brings every session folder into the catalogue that is not in it.
pub(super) async fn rebuild(store: &Store) -> Result<Rebuilt> {
    let mut rebuilt = Rebuilt::default();
    let purged: BTreeSet<String> = store.remove_all_purged().await?.into_iter().map(|left| left.path).collect();
    rebuilt
        .notes
        .extend(purged.iter().map(|path| format!("{path} is purged and cannot be removed yet; it is left out")));
    let mut shared = Shared::default();
    for session_id in store.objects.session_folders()?.into_iter().filter(|id| !purged.contains(id)) {
        let known =
            session::Entity::find_by_id(&session_id).one(store.db.read()).await.internal("looking up a session")?;
        if known.is_some() {
            refill(store, &session_id).await?;
            rebuilt.kept += 1;
            continue;
        }
        let told = match read_manifest(store, &session_id) {
            Ok(Some(manifest)) => {
                if !manifest.notes.is_empty() {
                    keep(store, &session_id, &mut rebuilt).await?;
                }
                Told::All(Box::new(manifest))
            }
            Ok(None) => Told::Nothing,
            Err(note) => {
                keep(store, &session_id, &mut rebuilt).await?;
                rebuilt.notes.push(format!("{session_id}: {note}; what the Parquet files say is taken instead"));
                Told::Something
            }
        };
        let is_from_footers = !matches!(told, Told::All(_));
        let Some(snapshot) = complete(store, &session_id, told, &mut rebuilt).await? else {
            rebuilt.unreadable.push(session_id);
            continue;
        };
        rebuilt.from_footers += u64::from(is_from_footers);
        let txn = store.db.begin().await?;
        rows::insert(&txn, snapshot, &mut shared).await?;
        txn.commit().await.internal("committing a rebuilt session")?;
        rebuilt.sessions += 1;
    }
    let txn = store.db.begin().await?;
    rows::insert_shared(&txn, shared).await?;
    txn.commit().await.internal("committing what rebuilt sessions share")?;
    models::rebuild(store, &purged, &mut rebuilt).await?;
    Ok(rebuilt)
}

/// Keeps a `session.json` of which something could not be read as it is: the next change of its session replaces it.
async fn keep(store: &Store, session_id: &str, rebuilt: &mut Rebuilt) -> Result<()> {
    let key = paths::session_json(session_id);
    // What cannot be opened is no file that can be kept.
    let Ok(bytes) = store.objects.open_bytes(&key) else { return Ok(()) };
    let kept = paths::trash(now(), 0, &key);
    store.objects.put_atomic(&kept, bytes.to_bytes()).await?;
    rebuilt.notes.push(format!("{key} is kept as {kept}"));
    Ok(())
}

/// What there is beside the Parquet files of a session.
enum Told {
    /// A `session.json`: of what it does not tell, nobody was told.
    All(Box<Manifest>),
    /// One that cannot be read.
    Something,
    /// None: nobody was ever told of this session.
    Nothing,
}

/// A source as the Parquet file names it.
#[derive(Deserialize)]
struct Source {
    file_name: String,
    sha256: String,
}

/// The snapshot with the versions that it was told of and has no row of; made from the footers alone when there is none.
async fn complete(store: &Store, session_id: &str, told: Told, rebuilt: &mut Rebuilt) -> Result<Option<Snapshot>> {
    let is_confirmed = !matches!(told, Told::Nothing);
    let (mut snapshot, versions) = match told {
        Told::All(manifest) => {
            let Manifest { snapshot, versions, notes, .. } = *manifest;
            rebuilt.notes.extend(notes.into_iter().map(|note| format!("{session_id}/session.json: {note}")));
            (Some(snapshot), Some(versions))
        }
        _ => (None, None),
    };
    let was_told =
        |kind: ArtefactKind, version| versions.as_ref().is_none_or(|told| told.contains(&(kind.as_str(), version)));
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
    for (version, object) in found {
        if let Some(snapshot) = &mut snapshot {
            if snapshot.parsed_datasets.iter().any(|dataset| dataset.version == version) {
                continue;
            }
            if !was_told(ArtefactKind::Parsed, version) {
                give_up(snapshot, ArtefactKind::Parsed, version);
                rebuilt.unacknowledged.push(object.key);
                continue;
            }
        }
        let opened = store.objects.open_bytes(&object.key);
        let reader = match opened.and_then(|bytes| Ok(ParquetReader::open(bytes.to_bytes())?)) {
            Ok(reader) => reader,
            Err(error) => {
                if error.code == codes::NEWER_FILE {
                    rebuilt.notes.push(format!("{}: {}", object.key, error.message));
                }
                continue;
            }
        };
        let footer = reader.footer();
        let said = |key: &str| footer.key_value(key).map(str::to_owned);
        if said(frames::KEY_SESSION_ID).as_deref() != Some(session_id) {
            continue;
        }
        let sources: Vec<Source> =
            said(frames::KEY_SOURCES).and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
        let snapshot = match &mut snapshot {
            Some(snapshot) => snapshot,
            none => none.insert(nothing_known(store, session_id, &sources, &said).await?),
        };
        let (columns, options) = rows::told_of_parse(&said);
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
            options,
            integrity: Integrity::Ok,
            created_at: said(frames::KEY_CREATED_AT).and_then(|at| at.parse().ok()).unwrap_or_else(now),
        });
        snapshot.versions.retain(|v| v.kind != ArtefactKind::Parsed || v.version != version);
        snapshot.versions.push(Series::Parsed(session_id).number(version, VersionState::Published));
        snapshot.session.total_rows = i64::try_from(footer.row_count()).unwrap_or(i64::MAX);
        if snapshot.session.status != Status::Cleaned {
            snapshot.session.status = Status::Parsed;
        }
    }
    if let Some(snapshot) = &mut snapshot {
        let unread = rows::fill(snapshot, &published(store)).into_iter();
        rebuilt.notes.extend(unread.map(|path| {
            format!(
                "{path} cannot be read, and so what it says of itself is not known: bring it back, then rebuild again"
            )
        }));
        rebuilt.unacknowledged.extend(cleaned::complete(store, session_id, snapshot, &was_told).await?);
        snapshot.session.unconfirmed |= !is_confirmed;
    }
    Ok(snapshot)
}

/// Fills the rows of sessions that the catalogue has, whose files could not be read when they were brought back.
async fn refill(store: &Store, session_id: &str) -> Result<()> {
    let doing = "filling a rebuilt session";
    let is = |column, text: &str| sea_orm::sea_query::ExprTrait::eq(column, text);
    let db = store.db.read();
    let datasets = parsed_dataset::Entity::find()
        .filter(parsed_dataset::Column::SessionId.eq(session_id))
        .filter(is(Expr::col(parsed_dataset::Column::Columns), "[]"))
        .all(db);
    let datasets = datasets.await.internal(doing)?;
    let jobs = cleaning_job::Entity::find()
        .filter(cleaning_job::Column::SessionId.eq(session_id))
        .filter(is(Expr::col(cleaning_job::Column::Parameters), "null"))
        .all(db);
    let jobs = jobs.await.internal(doing)?;
    let of_session = trained_model::Entity::find()
        .filter(trained_model::Column::SessionId.eq(session_id))
        .filter(is(Expr::col(trained_model::Column::Lineage), "null"))
        .all(db);
    let of_session = of_session.await.internal(doing)?;
    if datasets.is_empty() && jobs.is_empty() && of_session.is_empty() {
        return Ok(());
    }
    let session = session::Entity::find_by_id(session_id).one(db).await.internal(doing)?;
    let Some(session) = session else { return Ok(()) };
    let mut rows = Snapshot {
        parsed_datasets: datasets,
        cleaning_jobs: jobs,
        trained_models: of_session,
        ..Snapshot::of(session)
    };
    rows::fill(&mut rows, &published(store));
    let txn = store.db.begin().await?;
    for row in rows.parsed_datasets.into_iter().filter(|row| !row.columns.0.is_empty()) {
        row.into_active_model().reset_all().update(&txn).await.internal(doing)?;
    }
    for row in rows.cleaning_jobs.into_iter().filter(|row| !row.parameters.is_null()) {
        row.into_active_model().reset_all().update(&txn).await.internal(doing)?;
    }
    for row in rows.trained_models.into_iter().filter(|row| !row.lineage.is_null()) {
        row.into_active_model().reset_all().update(&txn).await.internal(doing)?;
    }
    txn.commit().await.internal(doing)
}

/// The bytes of published files that are what was published.
fn published(store: &Store) -> impl Fn(&StoredFile) -> Option<ObjectBytes> + '_ {
    |file| {
        let objects = store.root(file.root);
        objects.verify(&file.path, &file.sha256, file.size_bytes).ok()?.ok()?;
        objects.open_bytes(&file.path).ok()
    }
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
        name: said(frames::KEY_SESSION_NAME).filter(|n| !n.is_empty()).unwrap_or_else(|| session_id.to_owned()),
        site: said(frames::KEY_SITE).filter(|s| !s.is_empty()),
        timezone: said(frames::KEY_ZONE),
        files_count: i32::try_from(source_files.len()).unwrap_or(i32::MAX),
        ..blank(session_id)
    };
    Ok(Snapshot { source_files, ..Snapshot::of(session) })
}

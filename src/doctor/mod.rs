//! Is every stored file what it was? Reports, and repairs what can be repaired without deciding anything.
//!
//! A file that is gone or another is marked in the catalogue, so that requests for it get a clear 409; it is
//! never deleted. A published file that no row knows of is reported and left alone: the database may be the
//! one that is wrong. [`rebuild`] makes the catalogue anew from the folders.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use serde::Serialize;

use crate::config::Config;
use crate::error::{Context, Result};
use crate::sessions::snapshot;
use crate::state::AppState;
use crate::store::entity::{Integrity, WorkStatus, cleaning_job, parsed_dataset, session, source_file};
use crate::store::objects::{Object, Objects};
use crate::store::{Store, paths};

mod cleaned;
mod models;
pub mod rebuild;

/// What was found, and what was done about it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Files that are gone, or not what they were.
    pub damaged: Vec<Finding>,
    /// Files that no row knows of, relative to the storage folder; those of models begin with `models/`.
    pub orphans: Vec<String>,
    /// Files looked at.
    pub checked: u64,
    /// Things put right: marks taken back, snapshots rewritten, leftovers of a crash removed, sessions
    /// brought back into the catalogue.
    pub repaired: u64,
    /// `session.json` files that do not say what the catalogue knows; `--repair` rewrites them.
    pub outdated_snapshots: Vec<String>,
}

/// One damaged file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Relative to the storage folder; a model file, relative to `MODELS_PATH`, begins with `models/`.
    pub path: String,
    /// The session it belongs to, or was made from.
    pub session_id: String,
    /// `missing` or `damaged`.
    pub integrity: &'static str,
    /// In words.
    pub message: String,
}

/// How closely to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Is it there, and as large as it was?
    Size,
    /// Are its bytes what they were?
    Hash,
}

/// A file the catalogue refers to, once.
struct Expected {
    session_id: String,
    sha256: String,
    size_bytes: u64,
    integrity: Integrity,
}

/// Looks at every file of the catalogue, and marks what is not as it was.
///
/// With `repair` it also rewrites outdated `session.json` files; what a crash left in staging was removed
/// when the store was opened, if nobody else was at work.
///
/// # Errors
/// When the database or the folder cannot be read.
pub async fn check(state: &AppState, depth: Depth, repair: bool) -> Result<Report> {
    let store = &state.store;
    let expected = expected(store.db.read()).await?;
    let mut report = Report { repaired: store.recovered.staging_removed, ..Report::default() };
    for (path, file) in &expected {
        report.checked += 1;
        let (found, message) = look(&store.objects, path, file, depth).await?;
        if found != file.integrity {
            mark(store, path, found).await?;
            report.repaired += u64::from(found == Integrity::Ok);
        }
        if found != Integrity::Ok {
            let session_id = file.session_id.clone();
            report.damaged.push(Finding { path: path.clone(), session_id, integrity: found.as_str(), message });
        }
    }
    report.orphans = orphans(store, &expected).await?;
    models::check(store, depth, &mut report).await?;
    if depth == Depth::Hash {
        report.outdated_snapshots = outdated_snapshots(state).await?;
    }
    if repair {
        for session_id in std::mem::take(&mut report.outdated_snapshots) {
            snapshot::write(state, &session_id).await;
            report.repaired += 1;
        }
    }
    Ok(report)
}

/// Looks at existence and size of everything in the background of a start, and logs what is wrong.
pub async fn check_at_start(state: AppState) {
    match check(&state, Depth::Size, false).await {
        Ok(report) if report.damaged.is_empty() && report.orphans.is_empty() => {
            tracing::info!(checked = report.checked, "all stored files are there");
        }
        Ok(report) => {
            for finding in &report.damaged {
                tracing::warn!(
                    path = finding.path,
                    session_id = finding.session_id,
                    integrity = finding.integrity,
                    "a stored file is not what it was; `hvac-analytics doctor` says more"
                );
            }
            if !report.orphans.is_empty() {
                tracing::warn!(
                    count = report.orphans.len(),
                    "stored files that the catalogue does not know; `hvac-analytics doctor` lists them"
                );
            }
        }
        Err(error) => tracing::warn!(%error, "the stored files could not be checked"),
    }
}

/// Opens the store of this configuration and makes the catalogue anew from its folders.
///
/// # Errors
/// When another process has the store open, or database and folder belong to different stores.
pub async fn rebuild(config: &Config) -> Result<rebuild::Rebuilt> {
    let store = Store::open_for_rebuild(config).await?;
    let rebuilt = rebuild::rebuild(&store).await;
    store.close().await?;
    rebuilt
}

async fn expected(db: &impl ConnectionTrait) -> Result<BTreeMap<String, Expected>> {
    let mut expected = BTreeMap::new();
    // Only what is looked at: the rest of these rows is large.
    type Row = (String, String, String, i64, Integrity);
    let sources: Vec<Row> = source_file::Entity::find()
        .select_only()
        .columns([
            source_file::Column::Path,
            source_file::Column::SessionId,
            source_file::Column::Sha256,
            source_file::Column::SizeBytes,
            source_file::Column::Integrity,
        ])
        .into_tuple()
        .all(db)
        .await
        .internal("listing raw files")?;
    let datasets: Vec<Row> = parsed_dataset::Entity::find()
        .select_only()
        .columns([
            parsed_dataset::Column::FilePath,
            parsed_dataset::Column::SessionId,
            parsed_dataset::Column::Sha256,
            parsed_dataset::Column::SizeBytes,
            parsed_dataset::Column::Integrity,
        ])
        .into_tuple()
        .all(db)
        .await
        .internal("listing datasets")?;
    for (path, session_id, sha256, size_bytes, integrity) in sources.into_iter().chain(datasets) {
        let size_bytes = u64::try_from(size_bytes).unwrap_or_default();
        expected.insert(path, Expected { session_id, sha256, size_bytes, integrity });
    }
    let cleanings = cleaning_job::Entity::find().filter(cleaning_job::Column::Status.eq(WorkStatus::Completed));
    for file in cleanings.all(db).await.internal("listing cleanings")? {
        if let Some(sha256) = file.events_sha256 {
            let size_bytes = file.events_size_bytes.and_then(|n| u64::try_from(n).ok()).unwrap_or_default();
            let events = paths::cleaned_events(&file.session_id, file.version);
            let session_id = file.session_id.clone();
            expected.insert(events, Expected { session_id, sha256, size_bytes, integrity: file.events_integrity });
        }
        let (Some(path), Some(sha256)) = (file.output_path, file.sha256) else { continue };
        let size_bytes = file.size_bytes.and_then(|n| u64::try_from(n).ok()).unwrap_or_default();
        expected.insert(path, Expected { session_id: file.session_id, sha256, size_bytes, integrity: file.integrity });
    }
    Ok(expected)
}

async fn look(objects: &Objects, path: &str, file: &Expected, depth: Depth) -> Result<(Integrity, String)> {
    let size = match objects.size(path).await {
        Ok(size) => size,
        Err(error) if error.code == "file_missing" => {
            return Ok((Integrity::Missing, "the file is not there: bring it back from a backup".to_owned()));
        }
        Err(error) => return Err(error),
    };
    if size != file.size_bytes {
        let message =
            format!("the file has {size} bytes where {} were published: bring it back from a backup", file.size_bytes);
        return Ok((Integrity::Damaged, message));
    }
    // A file that was found damaged once must prove itself by its hash.
    if depth == Depth::Size && file.integrity == Integrity::Ok {
        return Ok((Integrity::Ok, String::new()));
    }
    let sha256 = objects.sha256(path).await?;
    if sha256 == file.sha256 {
        Ok((Integrity::Ok, String::new()))
    } else {
        Ok((
            Integrity::Damaged,
            "the file's bytes are not those that were published: bring it back from a backup".to_owned(),
        ))
    }
}

async fn mark(store: &Store, path: &str, integrity: Integrity) -> Result<()> {
    let txn = store.db.begin().await?;
    source_file::Entity::update_many()
        .col_expr(source_file::Column::Integrity, Expr::value(integrity))
        .filter(source_file::Column::Path.eq(path))
        .exec(&txn)
        .await
        .internal("marking a raw file")?;
    parsed_dataset::Entity::update_many()
        .col_expr(parsed_dataset::Column::Integrity, Expr::value(integrity))
        .filter(parsed_dataset::Column::FilePath.eq(path))
        .exec(&txn)
        .await
        .internal("marking a dataset")?;
    cleaning_job::Entity::update_many()
        .col_expr(cleaning_job::Column::Integrity, Expr::value(integrity))
        .filter(cleaning_job::Column::OutputPath.eq(path))
        .exec(&txn)
        .await
        .internal("marking a cleaned version")?;
    if let Some(cleaned) = events_of(path) {
        cleaning_job::Entity::update_many()
            .col_expr(cleaning_job::Column::EventsIntegrity, Expr::value(integrity))
            .filter(cleaning_job::Column::OutputPath.eq(cleaned))
            .exec(&txn)
            .await
            .internal("marking a file of events")?;
    }
    txn.commit().await.internal("marking a file")
}

/// The cleaned version that a file of events belongs to.
fn events_of(key: &str) -> Option<String> {
    key.strip_suffix(".events.parquet").map(|stem| format!("{stem}.parquet"))
}

/// Published files that no row refers to.
async fn orphans(store: &Store, expected: &BTreeMap<String, Expected>) -> Result<Vec<String>> {
    let sessions: BTreeSet<String> = session_ids(store).await?.into_iter().collect();
    let known = |key: &str| {
        let of_session = key.split('/').next().is_some_and(|id| sessions.contains(id));
        expected.contains_key(key)
            || events_of(key).is_some_and(|cleaned| expected.contains_key(&cleaned))
            || (of_session && key.ends_with("/session.json"))
            || [paths::STORE_JSON, paths::STORE_LOCK].contains(&key)
            || paths::is_staging(key)
    };
    let objects: Vec<Object> = store.objects.list("").await?;
    let mut orphans: Vec<String> = objects.into_iter().map(|o| o.key).filter(|key| !known(key)).collect();
    orphans.sort();
    Ok(orphans)
}

async fn session_ids(store: &Store) -> Result<Vec<String>> {
    let ids = session::Entity::find().select_only().column(session::Column::Id).into_tuple().all(store.db.read());
    ids.await.internal("listing sessions")
}

async fn outdated_snapshots(state: &AppState) -> Result<Vec<String>> {
    let mut outdated = Vec::new();
    for session_id in session_ids(&state.store).await? {
        let known = snapshot::of(state, &session_id).await?;
        let written = state.store.objects.open_bytes(&paths::session_json(&session_id));
        let same = written.ok().and_then(|bytes| serde_json::from_slice::<snapshot::Snapshot>(&bytes).ok());
        if same.as_ref() != Some(&known) {
            outdated.push(session_id);
        }
    }
    Ok(outdated)
}

//! Is every stored file what it was? Reports, and repairs what can be repaired without deciding anything.
//!
//! A file that is gone or another is marked in the catalogue, so that requests for it get a clear 409; it is
//! never deleted. A published file that no row knows of is reported and left alone: the database may be the
//! one that is wrong. [`rebuild`] makes the catalogue anew from the folders, [`sweep`] sets aside what nobody knows.

use std::collections::BTreeSet;
use std::time::Duration;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Serialize;

use self::files::{KnownFile, KnownFiles};
use self::sweep::Orphan;
use crate::config::Config;
use crate::error::{Context, Result, codes};
use crate::sessions::{manifest, search, snapshot};
use crate::state::AppState;
use hvac_store::entity::{Integrity, session};
use hvac_store::integrity::Root;
use hvac_store::objects::Object;
use hvac_store::{Store, paths};

mod checks;
mod cleaned;
mod files;
pub mod found;
mod models;
mod rebuild;
pub(crate) mod rows;
mod scrub;
pub mod sweep;

/// Pause between two looks for `session.json` files that are behind.
const CATCHING_UP: Duration = Duration::from_secs(10);

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
    /// Sessions that a rebuild has found without a `session.json`, so that no answer ever told of them.
    pub unconfirmed: Vec<String>,
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

/// Looks at every file of the catalogue, and marks what is not as it was.
///
/// With `repair` it also rewrites outdated `session.json` files; what a crash left in staging was removed
/// when the store was opened, if nobody else was at work.
///
/// # Errors
/// When the database or the folder cannot be read.
pub async fn check(state: &AppState, depth: Depth, repair: bool) -> Result<Report> {
    let store = &state.store;
    let known = files::known(store.db.read()).await?;
    let mut report = Report { repaired: store.recovered.staging_removed, ..Report::default() };
    let mut hashed = Vec::new();
    for ((root, path), file) in &known {
        report.checked += 1;
        let (found, message) = look(store, file, depth).await?;
        if found != file.integrity {
            match found {
                Integrity::Ok => report.repaired += store.mark(*root, path, found).await?.min(1),
                _ => store.found(&file.file, found).await,
            }
        }
        if found != Integrity::Ok {
            let (path, session_id) = (files::shown(*root, path), file.session_id.clone());
            report.damaged.push(Finding { path, session_id, integrity: found.as_str(), message });
        }
        hashed.push((*root, path.clone()));
    }
    let orphans = orphans(store, &known).await?;
    report.orphans = orphans.iter().map(|orphan| files::shown(orphan.root, &orphan.path)).collect();
    report.unconfirmed = unconfirmed(store).await?;
    if depth == Depth::Hash {
        checks::note(store, &hashed).await?;
        report.outdated_snapshots = outdated_snapshots(state).await?;
    }
    if repair {
        for session_id in std::mem::take(&mut report.outdated_snapshots) {
            manifest::rewrite(state, &session_id).await?;
            report.repaired += 1;
        }
    }
    Ok(report)
}

/// What is done beside a server, for ever: a look at existence and size of everything, then the scrub; `session.json`
/// files that could not be written when they should have been, and purged files that could not be removed.
pub async fn keep(state: AppState) {
    let catching_up = async {
        loop {
            if let Err(error) = search::catch_up(&state).await {
                tracing::warn!(%error, "what sessions are found by could not be gathered; it is tried again");
            }
            tokio::time::sleep(CATCHING_UP).await;
            if let Err(error) = manifest::catch_up(&state).await {
                tracing::warn!(%error, "the session.json files could not be brought up to date; it is tried again");
            }
            if let Err(error) = state.store.remove_all_purged().await {
                tracing::warn!(%error, "what was purged could not be removed; it is tried again");
            }
        }
    };
    let looking = async {
        check_at_start(&state).await;
        scrub::run(state.clone()).await;
    };
    tokio::join!(catching_up, looking);
}

/// Looks at existence and size of everything, and logs what is wrong.
async fn check_at_start(state: &AppState) {
    match check(state, Depth::Size, false).await {
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
pub async fn rebuild(config: &Config) -> Result<found::Rebuilt> {
    let store = Store::open_for_rebuild(&config.store).await?;
    let rebuilt = rebuild::rebuild(&store).await;
    store.close().await?;
    rebuilt
}

/// How a file is, and in words what is wrong with it.
async fn look(store: &Store, known: &KnownFile, depth: Depth) -> Result<(Integrity, String)> {
    let (objects, file) = (store.root(known.file.root).clone(), known.file.clone());
    let size = match objects.size(&file.path).await {
        Ok(size) => size,
        Err(error) if error.code == codes::FILE_MISSING => {
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
    if depth == Depth::Size && known.integrity == Integrity::Ok {
        return Ok((Integrity::Ok, String::new()));
    }
    let hashing = move || objects.verify_on_disk(&file.path, &file.sha256, file.size_bytes, &mut |_| Ok(()));
    match tokio::task::spawn_blocking(hashing).await.internal("hashing a stored file")?? {
        Ok(_) => Ok((Integrity::Ok, String::new())),
        Err(found) => {
            Ok((found, "the file's bytes are not those that were published: bring it back from a backup".to_owned()))
        }
    }
}

/// Published files that no row refers to.
async fn orphans(store: &Store, known: &KnownFiles) -> Result<Vec<Orphan>> {
    let sessions: BTreeSet<String> = session_ids(store).await?.into_iter().collect();
    let is_known = |root: Root, key: &str| known.contains_key(&(root, key.to_owned()));
    let ours = |key: &str| {
        let of_session = key.split('/').next().is_some_and(|id| sessions.contains(id));
        is_known(Root::Sessions, key)
            || paths::cleaned_of_events(key).is_some_and(|cleaned| is_known(Root::Sessions, &cleaned))
            || (of_session && key.ends_with("/session.json"))
            || [paths::STORE_JSON, paths::STORE_LOCK].contains(&key)
    };
    let objects: Vec<Object> = store.objects.list("").await?;
    let of_sessions = objects.into_iter().filter(|object| !ours(&object.key));
    let mut orphans: Vec<Orphan> =
        of_sessions.map(|object| Orphan { root: Root::Sessions, path: object.key, is_ours: true }).collect();
    for file in store.models.list("").await? {
        if paths::model_of(&file.key).is_some() && !is_known(Root::Models, &file.key) {
            let is_ours = models::is_ours(store, &file.key).await?;
            orphans.push(Orphan { root: Root::Models, path: file.key, is_ours });
        }
    }
    Ok(orphans)
}

/// Sessions that a rebuilt catalogue has found, and of which nobody was ever told.
async fn unconfirmed(store: &Store) -> Result<Vec<String>> {
    let found = session::Entity::find().select_only().column(session::Column::Id);
    let found = found.filter(session::Column::Unconfirmed.eq(true)).order_by_asc(session::Column::Id);
    found.into_tuple().all(store.db.read()).await.internal("listing unconfirmed sessions")
}

async fn session_ids(store: &Store) -> Result<Vec<String>> {
    let ids = session::Entity::find().select_only().column(session::Column::Id).into_tuple().all(store.db.read());
    ids.await.internal("listing sessions")
}

async fn outdated_snapshots(state: &AppState) -> Result<Vec<String>> {
    let mut outdated = Vec::new();
    for session_id in session_ids(&state.store).await? {
        let known = manifest::written(&snapshot::of(state, &session_id).await?);
        let written = state.store.objects.open_bytes(&paths::session_json(&session_id));
        if written.ok().and_then(|bytes| manifest::told(&bytes)).as_ref() != Some(&known) {
            outdated.push(session_id);
        }
    }
    Ok(outdated)
}

//! A bundle into this store: unpacked into staging and compared, then published with all its rows, or not at all.
//!
//! The order of things: seal, directory, manifest → unpack, sync and hash each file under a staging name → compare what
//! the files say of themselves → one transaction with every row, in which the files get their names, so that nobody can
//! come between → `session.json`. What fails before the commit leaves nothing that a catalogue knows of; a kill leaves at
//! most files under their names, which the next import of the bundle takes.

use std::collections::BTreeMap;
use std::fs::File;

use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};

use super::contents::BundleFile;
use super::opened::{self, Opened, damaged};
use super::{Imported, agree, known, taken};
use crate::audit::{self, Act};
use crate::doctor::rows::{self, Shared};
use crate::error::{Context, Error, Result, codes};
use crate::sessions::snapshot::Snapshot;
use crate::sessions::store as sessions;
use crate::sessions::{manifest, snapshot};
use crate::state::AppState;
use hvac_store::copied::publish_all;
use hvac_store::entity::{VersionState, manifest as manifest_row, session};
use hvac_store::integrity::{Root, StoredFile};
use hvac_store::objects::ObjectBytes;
use hvac_store::staged::Finished;
use hvac_store::{crash, now, objects, paths};

/// Files of a bundle that are unpacked and durable, by root and key.
type StagedFiles = BTreeMap<(Root, String), Finished>;

/// Brings the session of a bundle into this store; of one that is here already, nothing changes. `most_bytes` bounds what
/// it may unpack to.
///
/// # Errors
/// 422 for a bundle that is damaged or contradicts itself, 409 for one of a newer program, of a session that is here with
/// other contents or deleted, and for models whose names are taken; 503 for a full disk. Then nothing is stored.
#[tracing::instrument(level = "debug", name = "import_bundle", skip_all)]
pub async fn bundle(state: &AppState, file: File, most_bytes: u64) -> Result<Imported> {
    let opening = tokio::task::spawn_blocking(move || opened::open(file));
    let opened = opening.await.internal("reading a bundle")??;
    agree::check_manifest(&opened.snapshot)?;
    let sizes = opened.files.iter().map(|file| file.file.size_bytes).fold(0, u64::saturating_add);
    if sizes > most_bytes {
        let message = format!("the bundle unpacks to {sizes} bytes, {most_bytes} are allowed: raise MAX_UPLOAD_BYTES");
        return Err(Error::new(codes::UPLOAD_TOO_LARGE, message));
    }
    state.store.objects.check_free_space(sizes)?;
    let (opened, staged) = unpack(state, opened).await?;
    let Opened { manifest, snapshot: told, files, .. } = opened;
    crash::point("import.staged");
    let checking = {
        let mut snapshot = told.clone();
        let bytes: BTreeMap<(Root, String), ObjectBytes> =
            staged.iter().map(|(key, file)| Ok((key.clone(), file.open_bytes()?))).collect::<Result<_>>()?;
        move || {
            let of = |root: Root, path: &str| bytes.get(&(root, path.to_owned())).cloned();
            let found = |root: Root, path: &str| of(root, path).ok_or_else(objects::file_missing);
            agree::check_files(&snapshot, &|path| found(Root::Sessions, path), &|path| found(Root::Models, path))?;
            let unread = rows::fill(&mut snapshot, &|file: &StoredFile| of(file.root, &file.path));
            match unread.first() {
                Some(path) => Err(opened::contradicts(format!("{path} does not say what it is"))),
                None => Ok(snapshot),
            }
        }
    };
    let snapshot = tokio::task::spawn_blocking(checking).await.internal("comparing a bundle")??;
    let size_bytes = sizes + manifest.len() as u64;
    let (imported, notes) = store(state, snapshot, &told, manifest, staged).await?;
    Ok(Imported {
        session_id: told.session.id.clone(),
        imported,
        name: told.session.name.clone(),
        files: files.len() as u64 + 1,
        size_bytes,
        versions: versions(&told),
        models: told.trained_models.iter().map(|model| format!("{}:v{}", model.name, model.version)).collect(),
        notes,
    })
}

fn versions(snapshot: &Snapshot) -> Vec<String> {
    let mut parsed: Vec<i32> = snapshot.parsed_datasets.iter().map(|row| row.version).collect();
    let mut cleaned: Vec<i32> = snapshot.cleaning_jobs.iter().map(|row| row.version).collect();
    parsed.sort_unstable();
    cleaned.sort_unstable();
    let parsed = parsed.iter().map(|version| format!("parsed-v{version}"));
    parsed.chain(cleaned.iter().map(|version| format!("cleaned-v{version}"))).collect()
}

/// Unpacks each file into staging, hashed on the way.
async fn unpack(state: &AppState, mut opened: Opened) -> Result<(Opened, StagedFiles)> {
    let mut staged = StagedFiles::new();
    for file in opened.files.clone() {
        let BundleFile { file: StoredFile { root, path, sha256, .. }, name, .. } = file.clone();
        let folder = path.rsplit_once('/').map(|(folder, _)| folder).unwrap_or_default();
        let mut writer = state.store.root(root).stage(folder).await?.into_sync();
        let unpacking = tokio::task::spawn_blocking(move || {
            opened.unpack(&file, &mut writer)?;
            Ok::<_, Error>((opened, writer.into_staged()?))
        });
        let (back, written) = unpacking.await.internal("unpacking a bundle")??;
        opened = back;
        let finished = written.finish().await?;
        if finished.sha256 != sha256 {
            return Err(damaged(format!("{name} has other bytes than its session.json says")));
        }
        staged.insert((root, path), finished);
    }
    Ok((opened, staged))
}

/// Publishes files and rows; whether anything was stored, and what a user should know.
async fn store(
    state: &AppState,
    mut snapshot: Snapshot,
    told: &Snapshot,
    manifest: Vec<u8>,
    staged: StagedFiles,
) -> Result<(bool, Vec<String>)> {
    let (store, id) = (&state.store, told.session.id.clone());
    refuse_while_removed(state, told).await?;
    let folder = paths::session_dir(&id);
    let mut document = store.objects.stage(&folder).await?;
    document.write(manifest.clone().into()).await?;
    let document = document.finish().await?;
    let txn = store.db.begin().await?;
    let here = session::Entity::find_by_id(&id).one(&txn).await.internal("looking up a session")?;
    if let Some(here) = here {
        drop(txn);
        refuse_unseen(state, &id).await?;
        return is_known(state, &here, told).await.map(|notes| (false, notes));
    }
    taken::refuse(&txn, state, told).await?;
    snapshot.session.owner_id = state.principal().account_id().map(str::to_owned);
    let notes = taken::leave_out(&txn, &mut snapshot).await?;
    let others = taken::others_of_site(&txn, &snapshot).await?;
    for row in snapshot.versions.iter_mut().filter(|row| row.state == VersionState::Reserved) {
        // Whoever held it is on the other machine.
        (row.state, row.owner, row.lease_until) = (VersionState::Abandoned, None, None);
    }
    let mut shared = Shared::default();
    audit::note(&txn, state.principal(), Act::on_session("session.import", &id)).await?;
    rows::insert(&txn, snapshot, &mut shared).await?;
    rows::insert_shared(&txn, shared).await?;
    taken::number(&txn, told).await?;
    let is_as_told = settle_revision(&txn, &id, told, &manifest).await?;
    crash::point("import.before_publish");
    let mut named = Vec::new();
    let stored = async {
        publish(staged, &mut named).await?;
        crash::point("import.published");
        txn.commit().await.internal("committing an import")
    };
    if let Err(error) = stored.await {
        take_back(state, &id, named).await;
        return Err(error);
    }
    crash::point("import.committed");
    // Byte for byte as it came, unless something is known otherwise here.
    if is_as_told {
        match document.publish(&paths::session_json(&id)).await {
            Err(error) if error.code != codes::ALREADY_PUBLISHED => {
                tracing::warn!(session_id = id, %error, "session.json of an import could not be published; it is written anew");
            }
            _ => {}
        }
    } else {
        drop(document);
    }
    manifest::write(state, &id).await?;
    for other in others {
        manifest::rewrite(state, &other).await?;
    }
    Ok((true, notes))
}

/// Of a session that is not seen, no more is told than that its id is taken.
async fn refuse_unseen(state: &AppState, id: &str) -> Result<()> {
    match sessions::session(state.store.db.read(), state.principal(), id).await {
        Err(error) if error.code == codes::UNKNOWN_SESSION => {
            let message = format!("the bundle's session {id} is here already, and another's");
            Err(Error::new(codes::SESSION_DIFFERS, message))
        }
        seen => seen.map(drop),
    }
}

/// The revision that `session.json` tells, where the catalogue knows nothing else of the session; then true.
async fn settle_revision(txn: &impl ConnectionTrait, id: &str, told: &Snapshot, manifest: &[u8]) -> Result<bool> {
    let known = snapshot::read(txn, id).await?;
    let is_as_told = told.revision > 0 && manifest::told(manifest).as_ref() == Some(&manifest::written(&known));
    let revision = if is_as_told { told.revision } else { now().timestamp_millis().max(told.revision + 1) };
    let row = manifest_row::Model { session_id: id.to_owned(), revision, written: 0 };
    let there = manifest_row::Entity::find_by_id(id).one(txn).await.internal("looking up a session's revision")?;
    let row = row.into_active_model().reset_all();
    let saved = if there.is_some() { row.update(txn).await } else { row.insert(txn).await };
    saved.internal("noting a session's revision")?;
    Ok(is_as_told)
}

/// The notes for a session that is here already.
///
/// # Errors
/// 409 when it is deleted, nobody was told of it, or it lacks something that the bundle has.
async fn is_known(state: &AppState, here: &session::Model, bundle: &Snapshot) -> Result<Vec<String>> {
    let id = &here.id;
    if here.deleted_at.is_some() {
        let message = format!(
            "session '{id}' is here and deleted: POST /api/sessions/{id}/restore brings it back; purge it first to take \
             the bundle in"
        );
        return Err(Error::new(codes::SESSION_DELETED, message));
    }
    if here.unconfirmed {
        let message = format!(
            "session '{id}' is here as a rebuilt catalogue found it, and nobody was ever told of it: POST \
             /api/sessions/{id}/restore confirms it; purge it first to take the bundle in"
        );
        return Err(Error::new(codes::SESSION_DIFFERS, message));
    }
    let known = snapshot::of(state, id).await?;
    let differences = known::differences(&known, bundle);
    if differences.is_empty() {
        return Ok(known::kept(&known, bundle));
    }
    let more = if differences.len() > 3 { format!(" and {} more", differences.len() - 3) } else { String::new() };
    let first: Vec<&str> = differences.iter().take(3).map(String::as_str).collect();
    let message = format!(
        "session '{id}' is here already, with other contents: {}{more}. Nothing was changed; purge the one here first to \
         take the bundle in",
        first.join("; ")
    );
    let details = differences.into_iter().take(20);
    Err(details.fold(Error::new(codes::SESSION_DIFFERS, message), |error, message| {
        error.with_detail(crate::error::Detail { message, ..crate::error::Detail::default() })
    }))
}

/// What was purged and could not be removed yet would take the new files with it.
async fn refuse_while_removed(state: &AppState, told: &Snapshot) -> Result<()> {
    let left = state.store.remove_all_purged().await?;
    let is_ours = |root: &str, path: &str| {
        (root == Root::Sessions.as_str() && path == paths::session_dir(&told.session.id))
            || told
                .trained_models
                .iter()
                .any(|model| root == Root::Models.as_str() && model.model_file_path.as_deref() == Some(path))
    };
    match left.iter().find(|left| is_ours(&left.root, &left.path)) {
        Some(left) => {
            let message =
                format!("{} was purged and its files could not be removed yet: try again when they are", left.path);
            Err(Error::new(codes::FILES_NOT_REMOVED, message).with_retry_after(10))
        }
        None => Ok(()),
    }
}

/// Gives the files their names; `named` tells those that have got one.
async fn publish(staged: StagedFiles, named: &mut Vec<(Root, String)>) -> Result<()> {
    let (mut raw, mut others) = (Vec::new(), Vec::new());
    for ((root, path), file) in staged {
        match root {
            Root::Models => match file.publish(&path).await {
                Ok(_) => named.push((root, path)),
                // The same file, as it was found before the rows were written.
                Err(error) if error.code == codes::ALREADY_PUBLISHED => {}
                Err(error) => return Err(error),
            },
            Root::Sessions => {
                named.push((root, path.clone()));
                let is_raw = path.rsplit('/').nth(1) == Some("raw");
                if is_raw { raw.push((file, path)) } else { others.push((file, path)) }
            }
        }
    }
    publish_all(raw).await?;
    publish_all(others).await?;
    Ok(())
}

/// Removes the files of rows that did not come to be.
async fn take_back(state: &AppState, id: &str, named: Vec<(Root, String)>) {
    let db = state.store.db.read();
    let stored = session::Entity::find().filter(session::Column::Id.eq(id)).one(db).await;
    // Where even that cannot be told, files without rows harm nobody.
    if !matches!(stored, Ok(None)) {
        return;
    }
    for (root, path) in named {
        if let Err(error) = state.store.take_back(root, &path).await {
            tracing::warn!(path, %error, "a file of an import that came to nothing could not be removed");
        }
    }
}

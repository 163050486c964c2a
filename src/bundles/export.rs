//! A session as a bundle: what its manifest tells of, each file compared with its hash before it goes out.

use std::io::Write;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::contents::{self, BundleFile, README, README_TEXT, manifest_name};
use super::pack::{Packer, checksums};
use crate::error::{Context, Error, Result, codes};
use crate::sessions::{manifest, snapshot, store};
use crate::state::AppState;
use hvac_store::download::{ByteStream, Download, on_the_way};
use hvac_store::entity::Integrity;
use hvac_store::made::{MadeKey, Recipe};
use hvac_store::objects::hex;
use hvac_store::{Store, paths};

/// A session's bundle.
pub struct Bundle {
    /// Its bytes.
    pub download: Download,
    /// What tells them from all others, hex.
    pub tag: String,
    /// The session's name.
    pub session_name: String,
    /// Files in it, without the text for people.
    pub files: usize,
}

impl Bundle {
    /// All bytes, made on their way.
    #[must_use]
    pub fn stream(&self) -> ByteStream {
        match &self.download {
            Download::Made { recipe, .. } => on_the_way(recipe, 0..u64::MAX),
            other => other.whole().0,
        }
    }
}

/// The bundle of a session.
///
/// # Errors
/// 404 and 409 for a session that is not there or deleted; 409 when one of its files is missing or damaged: found before
/// the first byte.
#[tracing::instrument(level = "debug", name = "export_bundle", skip_all)]
pub async fn bundle(state: &AppState, session_id: &str) -> Result<Bundle> {
    let session = store::live_session(state.store.db.read(), state.principal(), session_id).await?;
    let (snapshot, document) = stored_manifest(state, session_id).await?;
    let files = contents::of(&snapshot).map_err(Error::internal)?;
    for file in &files {
        let integrity = match file.integrity {
            Integrity::Ok => state.store.verify(&file.file).await?.err(),
            known => Some(known),
        };
        if let Some(integrity) = integrity {
            return Err(unusable(file, integrity));
        }
    }
    let mut hasher = Sha256::new();
    hasher.update(Sha256::digest(README_TEXT));
    hasher.update(Sha256::digest(&document));
    for file in &files {
        hasher.update(format!("{} {}\n", file.file.sha256, file.name));
    }
    let key = MadeKey::new(&hex(&hasher.finalize()), "bundle");
    let tag = key.name().to_owned();
    let (count, store, id) = (files.len() + 1, state.store.clone(), session_id.to_owned());
    let recipe: Recipe = Arc::new(move |out| write(out, &store, &id, &document, &files));
    let download = Download::Made { files: state.store.made.clone(), key, recipe };
    Ok(Bundle { download, tag, session_name: session.name, files: count })
}

fn unusable(file: &BundleFile, integrity: Integrity) -> Error {
    let (code, how) = match integrity {
        Integrity::Missing => (codes::FILE_MISSING, "is missing"),
        _ => (codes::FILE_DAMAGED, "is damaged"),
    };
    let message = format!(
        "{} {how}, and a bundle without it would not be the session: put it back from a backup and run `hvac-analytics \
         doctor`, which says more",
        file.name
    );
    Error::new(code, message)
}

/// The session's `session.json` as it is stored, and what it tells; brought up to date first where it is not.
async fn stored_manifest(state: &AppState, session_id: &str) -> Result<(snapshot::Snapshot, Vec<u8>)> {
    for is_again in [false, true] {
        if is_again {
            manifest::rewrite(state, session_id).await?;
        } else if !state.store.is_read_only() {
            manifest::write(state, session_id).await?;
        }
        let snapshot = snapshot::of(state, session_id).await?;
        let stored = state.store.objects.open_bytes(&paths::session_json(session_id));
        if let Ok(bytes) = stored
            && manifest::told(&bytes).as_ref() == Some(&manifest::written(&snapshot))
        {
            return Ok((snapshot, bytes.to_vec()));
        }
    }
    let message = format!("session {session_id} is being changed at this moment: ask for its bundle again");
    Err(Error::new(codes::FILE_CHANGING, message).with_retry_after(1))
}

/// Writes the bundle: each file is read twice, first for its checksums, so that none goes out that is not what it was.
fn write(out: &mut dyn Write, store: &Store, session_id: &str, document: &[u8], files: &[BundleFile]) -> Result<()> {
    let doing = "writing a bundle";
    let mut packer = Packer::new(out);
    // By name: README.txt, models/…, sessions/… with session.json among its files.
    let small = |packer: &mut Packer<'_>, name: &str, bytes: &[u8]| {
        let (crc32, _, size_bytes) = checksums(bytes)?;
        packer.add(name, crc32, size_bytes, bytes)
    };
    small(&mut packer, README, README_TEXT.as_bytes()).internal(doing)?;
    let manifest_name = manifest_name(session_id);
    let mut is_told = false;
    for file in files {
        if !is_told && file.name > manifest_name {
            small(&mut packer, &manifest_name, document).internal(doing)?;
            is_told = true;
        }
        let objects = store.root(file.file.root);
        let (crc32, sha256, size_bytes) = checksums(objects.file(&file.file.path)?).internal(doing)?;
        if sha256 != file.file.sha256 || size_bytes != file.file.size_bytes {
            // Whoever asks next has it looked at, and marked.
            objects.forget(&file.file.path);
            return Err(unusable(file, Integrity::Damaged));
        }
        packer.add(&file.name, crc32, size_bytes, objects.file(&file.file.path)?).internal(doing)?;
    }
    if !is_told {
        small(&mut packer, &manifest_name, document).internal(doing)?;
    }
    packer.finish().internal(doing)
}

//! Many files of this machine on their way into the store: copied, hashed, synced and named together.
//!
//! One by one, each file would wait for the disk four times: for its bytes, and for its folder at each of its
//! names. Here a copy is read, hashed and written in small pieces that stay in the processor's cache;
//! [`Syncing`] waits for the disk while the copies are read; and [`publish_all`] gives all names before it syncs
//! their folder once. The promise is the same: what is published is on the disk under its name, and never changes.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;

use super::objects::{Objects, hex, storage_error};
use super::staged::{Finished, Published, rename_new};
use super::{crash, paths};
use crate::error::{Context, Error, Result};

/// Bytes read, hashed and written at a time: half as many would take the file system a fifth longer, more save nothing.
const PIECE_BYTES: usize = 128 * 1024;
/// Files synced at a time: each waits for the disk, none needs the processor.
const SYNCS_AT_ONCE: usize = 4;

/// A copy that failed.
pub enum CopyError {
    /// Reading the file to be copied.
    Source(io::Error),
    /// Writing the copy.
    Store(Error),
}

/// Copies the rest of `source` into a folder, under a staging name. Blocks. The file must be synced ([`Syncing`])
/// before it is published. What `piece` holds does not matter: it lends its memory.
///
/// # Errors
/// When the source cannot be read; `disk_full`, or internal when the copy cannot be written.
pub fn copy_in(
    objects: &Objects,
    folder: &str,
    source: &mut File,
    piece: &mut Vec<u8>,
) -> Result<(Finished, File), CopyError> {
    let key = paths::staging(folder);
    let store = |error: io::Error| CopyError::Store(storage_error("copying a file", error));
    let path = objects.path(&key).map_err(CopyError::Store)?;
    let mut file = create(&path).map_err(store)?;
    // From here on it removes itself when it is dropped.
    let mut copy = Finished { objects: objects.clone(), key, size_bytes: 0, sha256: String::new() };
    crash::point("stage.opened");
    let mut hasher = Sha256::new();
    piece.resize(PIECE_BYTES, 0);
    loop {
        let length = match source.read(piece) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(CopyError::Source(error)),
        };
        let bytes = piece.get(..length).unwrap_or_default();
        hasher.update(bytes);
        file.write_all(bytes).map_err(store)?;
        copy.size_bytes += bytes.len() as u64;
    }
    crash::point("stage.written");
    copy.sha256 = hex(&hasher.finalize());
    Ok((copy, file))
}

fn create(path: &Path) -> io::Result<File> {
    match File::create_new(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            std::fs::create_dir_all(path.parent().unwrap_or(path))?;
            File::create_new(path)
        }
        created => created,
    }
}

/// Copies on their way to the disk, while something else is done with them.
#[derive(Debug, Default)]
pub struct Syncing(Vec<JoinHandle<io::Result<()>>>);

impl Syncing {
    /// Begins to sync files. Call it within the runtime.
    #[must_use]
    pub fn start(mut files: Vec<File>) -> Self {
        let share = files.len().div_ceil(SYNCS_AT_ONCE).max(1);
        let mut tasks = Vec::new();
        while !files.is_empty() {
            let some = files.split_off(files.len().saturating_sub(share));
            tasks.push(tokio::task::spawn_blocking(move || some.iter().try_for_each(File::sync_all)));
        }
        Self(tasks)
    }

    /// Waits until all of them are on the disk.
    ///
    /// # Errors
    /// `disk_full`; internal when the disk refuses.
    pub async fn wait(&mut self) -> Result<()> {
        for task in self.0.drain(..) {
            task.await.internal("waiting for the disk")?.map_err(|error| storage_error("copying a file", error))?;
        }
        crash::point("stage.synced");
        Ok(())
    }
}

/// Gives synced files of one folder their names, durably: each with the key it gets, in that folder, which nobody else
/// has a right to. A file that is there already with the same bytes is taken, any other set aside.
///
/// # Errors
/// When the disk refuses.
pub async fn publish_all(files: Vec<(Finished, String)>) -> Result<Vec<Published>> {
    let naming = tokio::task::spawn_blocking(move || {
        let mut published = Vec::with_capacity(files.len());
        let mut files = files.into_iter();
        let mut folder = None;
        let mut otherwise = None;
        for (mut file, key) in files.by_ref() {
            let (from, to) = (file.objects.path(&file.key)?, file.objects.path(&key)?);
            match rename_new(&from, &to) {
                Ok(()) => {
                    // It has no staging name any more to remove.
                    file.key.clear();
                    file.objects.remember(&key, &file.sha256);
                    folder = Some((file.objects.clone(), key.clone()));
                    published.push(Published { path: key, size_bytes: file.size_bytes, sha256: file.sha256.clone() });
                    crash::point("publish.renamed");
                }
                // A process that died in between left it: the key has the hash of the bytes in it.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    folder = Some((file.objects.clone(), key.clone()));
                    published.push(file.take_place(&key)?);
                }
                // Not on this system, or this file system (exFAT, some network drives): one by one.
                Err(_) => {
                    otherwise = Some((file, key));
                    break;
                }
            }
        }
        if let Some((objects, key)) = folder {
            objects.sync_folders(&key).map_err(|error| storage_error("publishing files", error))?;
        }
        Ok::<_, Error>((published, otherwise.into_iter().chain(files).collect::<Vec<_>>()))
    });
    let (mut published, others) = naming.await.internal("publishing files")??;
    for (file, key) in others {
        published.push(file.publish_held(&key).await?);
    }
    Ok(published)
}

//! A file on its way into the store: [`Staged`] is being written, [`Finished`] is complete and durable,
//! [`Published`] has its name. What is dropped before it is published removes itself.
//!
//! Many files of this machine go a shorter way ([`super::copied`]): each is durable when it is published, not before.

use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};

use bytes::Bytes;
use object_store::path::Path as Key;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload, RenameOptions, RenameTargetMode};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::objects::{Objects, failed, hex, storage_error};
use super::{crash, paths};
use crate::error::{Context, Error, Result, codes};

/// Bytes collected before they are written.
const PART_BYTES: usize = 1024 * 1024;
/// Parts that wait to be written while more are made.
const PARTS_AHEAD: usize = 2;

/// A file being written under a staging name; hashed and counted on the way. Holds at most one part in memory.
pub struct Staged {
    objects: Objects,
    key: String,
    upload: Option<Box<dyn MultipartUpload>>,
    hasher: Sha256,
    size_bytes: u64,
    pending: Vec<Bytes>,
    pending_bytes: usize,
}

impl Objects {
    /// Begins a file in a folder, under a staging name.
    ///
    /// # Errors
    /// `disk_full`; internal when the folder cannot be written.
    pub async fn stage(&self, folder: &str) -> Result<Staged> {
        Staged::begin(self.clone(), paths::staging(folder)).await
    }
}

impl Staged {
    pub(super) async fn begin(objects: Objects, key: String) -> Result<Self> {
        let path = Key::parse(&key).internal("reading a staging key")?;
        let upload = objects.files.put_multipart(&path).await.map_err(failed("creating a staging file"))?;
        crash::point("stage.opened");
        Ok(Self {
            objects,
            key,
            upload: Some(upload),
            hasher: Sha256::new(),
            size_bytes: 0,
            pending: Vec::new(),
            pending_bytes: 0,
        })
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// `disk_full`; internal when they cannot be written. The file is lost then.
    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.hasher.update(&bytes);
        self.size_bytes += bytes.len() as u64;
        self.pending_bytes += bytes.len();
        self.pending.push(bytes);
        if self.pending_bytes >= PART_BYTES { self.flush().await } else { Ok(()) }
    }

    /// Bytes written so far.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    async fn flush(&mut self) -> Result<()> {
        let Some(upload) = self.upload.as_mut().filter(|_| self.pending_bytes > 0) else { return Ok(()) };
        self.pending_bytes = 0;
        let part: PutPayload = std::mem::take(&mut self.pending).into_iter().collect();
        upload.put_part(part).await.map_err(failed("writing a staging file"))
    }

    /// The same file for code that writes without `async`, inside `spawn_blocking` (or any thread that is not
    /// one of the runtime's own). Call it within the runtime.
    #[must_use]
    pub fn into_sync(self) -> StagedWriter {
        let runtime = tokio::runtime::Handle::current();
        let (parts, mut ready) = mpsc::channel(PARTS_AHEAD);
        let (give_back, written) = sync_channel(1);
        let mut staged = self;
        tokio::task::spawn_blocking(move || {
            let mut write_all = || -> Result<()> {
                while let Some(part) = ready.blocking_recv() {
                    runtime.block_on(staged.write(part))?;
                }
                Ok(())
            };
            // Nobody waits for it if the writer is gone.
            let _ = give_back.send(write_all().map(|()| staged));
        });
        StagedWriter { parts: Some(parts), written, buffer: Vec::with_capacity(PART_BYTES) }
    }

    /// Completes the file: all bytes on the disk.
    ///
    /// # Errors
    /// `disk_full`; internal when it cannot be written.
    #[tracing::instrument(level = "debug", name = "store.finish_file", skip_all)]
    pub async fn finish(mut self) -> Result<Finished> {
        self.flush().await?;
        crash::point("stage.written");
        if let Some(mut upload) = self.upload.take() {
            upload.complete().await.map_err(failed("completing a staging file"))?;
        }
        crash::point("stage.synced");
        Ok(Finished {
            objects: self.objects.clone(),
            key: std::mem::take(&mut self.key),
            size_bytes: self.size_bytes,
            sha256: hex(&self.hasher.finalize_reset()),
        })
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        let Some(mut upload) = self.upload.take() else { return };
        let (objects, key) = (self.objects.clone(), std::mem::take(&mut self.key));
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move {
                    let _ = upload.abort().await;
                    objects.remove_empty_folders(&key);
                });
            }
            // Without a runtime the upload removes its file in place.
            Err(_) => {
                drop(upload);
                objects.remove_empty_folders(&key);
            }
        }
    }
}

/// A [`Staged`] as `std::io::Write`: hashed and written on a thread of its own. Blocks: not for the runtime's threads.
pub struct StagedWriter {
    /// None when there are no more.
    parts: Option<mpsc::Sender<Bytes>>,
    /// The file, or why it could not be written.
    written: Receiver<Result<Staged>>,
    buffer: Vec<u8>,
}

impl StagedWriter {
    /// Back again, with everything that was written.
    ///
    /// # Errors
    /// `disk_full`; internal when the rest cannot be written.
    pub fn into_staged(mut self) -> Result<Staged> {
        self.pass_on()?;
        self.end()
    }

    fn pass_on(&mut self) -> Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let bytes = std::mem::replace(&mut self.buffer, Vec::with_capacity(PART_BYTES));
        match self.parts.as_ref().map(|parts| parts.blocking_send(Bytes::from(bytes))) {
            Some(Ok(())) => Ok(()),
            // Nobody takes parts any more: writing failed.
            _ => self.end().map(drop),
        }
    }

    fn end(&mut self) -> Result<Staged> {
        self.parts = None;
        self.written.recv().internal("writing a staging file")?
    }
}

/// What was begun is removed here, not some time later by the thread that wrote it.
impl Drop for StagedWriter {
    fn drop(&mut self) {
        drop(self.end());
    }
}

impl io::Write for StagedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PART_BYTES {
            self.pass_on().map_err(|error| {
                let kind =
                    if error.code == codes::DISK_FULL { io::ErrorKind::StorageFull } else { io::ErrorKind::Other };
                io::Error::new(kind, error)
            })?;
        }
        Ok(bytes.len())
    }

    /// Nothing: a staging file is durable when it is finished.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A complete and durable file without a name yet.
#[derive(Debug)]
pub struct Finished {
    pub(super) objects: Objects,
    pub(super) key: String,
    /// Bytes.
    pub size_bytes: u64,
    /// Of the bytes, hex.
    pub sha256: String,
}

/// A file that has its name: what a row may refer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its key.
    pub path: String,
    /// Bytes.
    pub size_bytes: u64,
    /// Of the bytes, hex.
    pub sha256: String,
}

impl Finished {
    /// Gives the file its name, durably; `key` lies in the folder it was staged in.
    ///
    /// # Errors
    /// `already_published` when there is a file of that name, which stays as it is.
    #[tracing::instrument(level = "debug", name = "store.publish_file", skip_all)]
    pub async fn publish(mut self, key: &str) -> Result<Published> {
        let from = Key::parse(&self.key).internal("reading a staging key")?;
        let to = Key::parse(key).internal("reading an object's key")?;
        let create = RenameOptions::new().with_target_mode(RenameTargetMode::Create);
        match self.objects.files.rename_opts(&from, &to, create).await {
            Ok(()) => {}
            Err(object_store::Error::AlreadyExists { .. }) => return Err(already_published(key)),
            // No hard links here (exFAT, some network drives): look, then rename.
            Err(error) if self.objects.size(&self.key).await.is_ok() => {
                match self.objects.files.head(&to).await {
                    Err(object_store::Error::NotFound { .. }) => {}
                    // Its own link, most likely: the folder could not be synced.
                    Ok(found) if found.size == self.size_bytes => {
                        return Err(storage_error("publishing a file", error));
                    }
                    Ok(_) => return Err(already_published(key)),
                    Err(_) => return Err(storage_error("publishing a file", error)),
                }
                self.objects.files.rename(&from, &to).await.map_err(failed("publishing a file"))?;
            }
            Err(error) => return Err(storage_error("publishing a file", error)),
        }
        self.key.clear();
        self.objects.remember(key, &self.sha256);
        crash::point("publish.renamed");
        Ok(Published { path: key.to_owned(), size_bytes: self.size_bytes, sha256: std::mem::take(&mut self.sha256) })
    }

    /// As [`publish`](Self::publish), under a name that only whoever publishes has a right to: a version number that his
    /// job holds. What an earlier attempt has left under it is taken if it has the same bytes; any other is set aside.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn publish_held(self, key: &str) -> Result<Published> {
        let objects = self.objects.clone();
        if matches!(objects.length(key), Err(error) if error.code == codes::FILE_MISSING) {
            return self.publish(key).await;
        }
        let key = key.to_owned();
        let taking = tokio::task::spawn_blocking(move || {
            let published = self.take_place(&key)?;
            objects.sync_folders(&key).map_err(|error| storage_error("publishing a file", error))?;
            Ok(published)
        });
        taking.await.internal("publishing a file")?
    }

    /// Takes a name that is taken. The caller syncs the folder. Blocks.
    pub(super) fn take_place(mut self, key: &str) -> Result<Published> {
        let is_same = self.objects.length(key)? == self.size_bytes && self.objects.hash(key)? == self.sha256;
        if !is_same {
            let trash = self.objects.trash(key)?;
            tracing::warn!(key, trash, "a stored file that nothing refers to was in the way; it is set aside");
            let (from, to) = (self.objects.path(&self.key)?, self.objects.path(key)?);
            std::fs::create_dir_all(to.parent().unwrap_or(&to)).internal("publishing a file")?;
            rename_new_or_look(&from, &to).map_err(|error| storage_error("publishing a file", error))?;
            self.key.clear();
            crash::point("publish.renamed");
        }
        Ok(Published { path: key.to_owned(), size_bytes: self.size_bytes, sha256: std::mem::take(&mut self.sha256) })
    }

    /// Its key until it is published.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The staged bytes, to look at before publishing.
    ///
    /// # Errors
    /// When the staging file is gone.
    pub fn open_bytes(&self) -> Result<super::objects::ObjectBytes> {
        self.objects.open_bytes(&self.key)
    }
}

/// Renames a file unless there is one of the new name.
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
pub(super) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?)
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
pub(super) fn rename_new(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Renames a file unless there is one of the new name, on any file system.
pub(super) fn rename_new_or_look(from: &Path, to: &Path) -> io::Result<()> {
    match rename_new(from, to) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists || error.kind() == io::ErrorKind::NotFound => {
            Err(error)
        }
        // Not on this system, or this file system: look, then rename.
        Err(_) if to.try_exists()? => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => std::fs::rename(from, to),
        renamed => renamed,
    }
}

fn already_published(key: &str) -> Error {
    let name = key.rsplit('/').next().unwrap_or(key);
    Error::new(codes::ALREADY_PUBLISHED, format!("There is already a stored file '{name}'; it was left as it is."))
}

impl Drop for Finished {
    fn drop(&mut self) {
        if self.key.is_empty() {
            return;
        }
        if let Ok(path) = self.objects.path(&self.key) {
            let _ = std::fs::remove_file(path);
            self.objects.remove_empty_folders(&self.key);
        }
    }
}

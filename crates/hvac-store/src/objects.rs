//! Files behind an object store: staged, synced, published under a name that never changes, read.
//!
//! A file is written under a staging name, made durable, and only then given its name; a reader never
//! sees half of one. What is published is immutable, which is what makes it safe to map into memory and to
//! cache by hash. Only [`Objects::delete_folder`] and [`Objects::delete_file`] remove published files, and only
//! `purge` (of a session, of a model) calls them; what is in the way is set aside (`trash.rs`). Messages name no path of this machine; the log has it in the cause.

use std::error::Error as StdError;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::ops::{Deref, Range};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt, stream};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use sha2::{Digest, Sha256};

use super::file_stamp::Verified;
use super::paths;

use crate::error::machine::too_little_space;
use crate::error::{Context, Error, Result, codes};

/// Bytes of one read of a stream: big enough to keep a disk busy, small enough for many clients.
const READ_BYTES: u64 = 256 * 1024;
/// What stays free beside the bytes a caller needs: the database and `session.json` need some too.
const RESERVE_BYTES: u64 = 16 * 1024 * 1024;

/// Files below one root. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Objects {
    pub(super) files: Arc<LocalFileSystem>,
    root: Arc<PathBuf>,
    pub(super) verified: Verified,
}

/// A published file and its size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its key.
    pub key: String,
    /// Bytes.
    pub size_bytes: u64,
}

/// The bytes of a published file, mapped into memory. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ObjectBytes(Bytes);

impl Deref for ObjectBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl ObjectBytes {
    /// The same bytes, without a copy.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        self.0.clone()
    }
}

impl Objects {
    /// Opens a root, creating the folder; `setting` is the one that names it.
    ///
    /// # Errors
    /// When the folder cannot be created or is none.
    pub fn open(root: &Path, setting: &str) -> Result<Self> {
        let doing = format!("opening a storage folder; check {setting} and its rights");
        std::fs::create_dir_all(root).internal(&doing)?;
        let root = std::fs::canonicalize(root).internal(&doing)?;
        let files = LocalFileSystem::new_with_prefix(&root).internal(&doing)?.with_fsync(true);
        Ok(Self { files: Arc::new(files), root: Arc::new(root), verified: Verified::default() })
    }

    /// The root on this machine: for `doctor`'s messages to whoever runs it, never for an answer over HTTP.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Refuses early what would not fit.
    ///
    /// # Errors
    /// `disk_full` when fewer than `needed_bytes` (and a reserve) are free. Where the platform cannot say, nothing.
    pub fn check_free_space(&self, needed_bytes: u64) -> Result<()> {
        match fs4::available_space(&*self.root) {
            Ok(free) if free < needed_bytes.saturating_add(RESERVE_BYTES) => {
                Err(too_little_space(free, needed_bytes, RESERVE_BYTES))
            }
            _ => Ok(()),
        }
    }

    /// Bytes that are free where the files lie; none where the platform cannot say.
    #[must_use]
    pub fn free_bytes(&self) -> Option<u64> {
        fs4::available_space(&*self.root).ok()
    }

    /// Replaces a small file at once and durably: readers see the old or the new one. Only for
    /// `session.json` and `store.json`; everything else is published once.
    ///
    /// # Errors
    /// `disk_full`; internal when it cannot be written.
    pub async fn put_atomic(&self, key: &str, bytes: impl Into<Bytes>) -> Result<()> {
        let payload = PutPayload::from_bytes(bytes.into());
        self.files.put(&parse(key)?, payload).await.map_err(failed("rewriting a file"))?;
        Ok(())
    }

    /// All bytes of a published file, mapped into memory: opening costs nothing, pages are read when touched.
    ///
    /// # Errors
    /// `file_missing`; internal when it cannot be read.
    pub fn open_bytes(&self, key: &str) -> Result<ObjectBytes> {
        map(&self.file(key)?)
    }

    /// A published file, open for reading.
    ///
    /// # Errors
    /// `file_missing`; internal when it cannot be opened.
    pub fn file(&self, key: &str) -> Result<File> {
        File::open(self.path(key)?).map_err(|e| storage_error("opening a stored file", e))
    }

    /// Bytes of a published file that is there.
    ///
    /// # Errors
    /// `file_missing`; internal when it cannot be looked at.
    pub fn length(&self, key: &str) -> Result<u64> {
        let metadata = std::fs::metadata(self.path(key)?);
        metadata.map(|metadata| metadata.len()).map_err(|e| storage_error("looking at a stored file", e))
    }

    /// A part of a published file, read piece by piece; of one file, whatever takes its name meanwhile.
    pub fn stream(&self, key: &str, range: Range<u64>) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
        stream::try_unfold((self.file(key), range), move |(file, range)| async move {
            let mut file = file?;
            if range.is_empty() {
                return Ok(None);
            }
            let length = READ_BYTES.min(range.end - range.start);
            let reading = tokio::task::spawn_blocking(move || {
                let mut piece = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
                file.seek(io::SeekFrom::Start(range.start))?;
                (&mut file).take(length).read_to_end(&mut piece)?;
                io::Result::Ok((piece, file))
            });
            let read = reading.await.internal("reading a stored file")?;
            let (piece, file) = read.map_err(|e| storage_error("reading a stored file", e))?;
            if piece.is_empty() {
                return Err(damaged());
            }
            let start = range.start + piece.len() as u64;
            Ok(Some((Bytes::from(piece), (Ok(file), start..range.end))))
        })
    }

    /// Bytes of a published file.
    ///
    /// # Errors
    /// `file_missing`; internal when it cannot be looked at.
    pub async fn size(&self, key: &str) -> Result<u64> {
        let found = self.files.head(&parse(key)?).await.map_err(failed("looking at a stored file"))?;
        Ok(found.size)
    }

    /// Sha256 of a published file's bytes, hex; memory does not grow with it.
    ///
    /// # Errors
    /// `file_missing`; internal when it cannot be read.
    pub async fn sha256(&self, key: &str) -> Result<String> {
        let (objects, key) = (self.clone(), key.to_owned());
        tokio::task::spawn_blocking(move || objects.hash(&key)).await.internal("hashing a stored file")?
    }

    /// As [`Self::sha256`]. Blocks.
    pub(super) fn hash(&self, key: &str) -> Result<String> {
        hash(&mut self.file(key)?, &mut |_| Ok(())).map_err(|e| storage_error("hashing a stored file", e))
    }

    /// All published files below a folder (empty: all there are, but for what is set aside), by key.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub async fn list(&self, folder: &str) -> Result<Vec<Object>> {
        let prefix = if folder.is_empty() { None } else { Some(parse(folder)?) };
        let mut found: Vec<Object> = self
            .files
            .list(prefix.as_ref())
            .map_ok(|meta| Object { key: meta.location.to_string(), size_bytes: meta.size })
            .try_filter(|object| std::future::ready(!paths::is_staging(&object.key) && !paths::is_trash(&object.key)))
            .try_collect()
            .await
            .map_err(failed("listing stored files"))?;
        found.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(found)
    }

    /// Names of the folders directly below the root that are not staging: the sessions.
    ///
    /// # Errors
    /// When the root cannot be read.
    pub fn session_folders(&self) -> Result<Vec<String>> {
        let doing = "listing the storage folder";
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&*self.root).internal(doing)? {
            let entry = entry.internal(doing)?;
            if let Some(name) = entry.file_name().to_str()
                && uuid::Uuid::try_parse(name).is_ok()
                && entry.file_type().internal(doing)?.is_dir()
            {
                found.push(name.to_owned());
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Removes a session's folder for ever. **Only `purge` may call it**, after the rows are gone. The folder
    /// first gets a staging name, so a crash in the middle leaves nothing that looks like a session.
    ///
    /// # Errors
    /// When it cannot be removed; `folder` is a session's (no `/` in it).
    pub(crate) async fn delete_folder(&self, folder: &str) -> Result<()> {
        if folder.is_empty() || folder.contains('/') {
            return Err(Error::internal(format!("'{folder}' is no session's folder")));
        }
        let (objects, folder) = (self.clone(), folder.to_owned());
        let from = self.path(&folder)?;
        let to = self.path(&paths::staging(""))?;
        let removing = tokio::task::spawn_blocking(move || {
            // Whoever writes into it at this moment ends first, and does not make it anew.
            let _lock = objects.lock_folder(&folder);
            match std::fs::rename(&from, &to) {
                // Else a power cut brings it back.
                Ok(()) => objects.sync_folders(&folder).and_then(|()| std::fs::remove_dir_all(&to)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                Err(error) => Err(error),
            }
        });
        removing.await.internal("removing a session's folder")?.internal("removing a session's folder")
    }

    /// Removes one published file for ever, and its folder if nothing else is in it. **Only the purge of a model may
    /// call it**, after the row is gone, and who gave the file its name for rows that did not come to be. A file that is gone already is no failure.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub(crate) async fn delete_file(&self, key: &str) -> Result<()> {
        match self.files.delete(&parse(key)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(storage_error("removing a file", error)),
        }
        let synced = self.sync_folders(key);
        self.remove_empty_folders(key);
        match synced {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(storage_error("removing a file", error)),
            _ => Ok(()),
        }
    }

    /// Removes what crashes left under staging names, and folders that are empty then. Only while no other
    /// process has the store open. Answers how many files and folders were removed.
    ///
    /// # Errors
    /// When a folder cannot be read; a leftover that cannot be removed is left.
    pub(crate) fn sweep_staging(&self) -> Result<u64> {
        sweep(&self.root, 0).internal("sweeping staging leftovers")
    }

    /// Keeps other processes from doing something of which only one may be done at a time in a folder, until it is
    /// dropped. None where there is no folder, or no such lock. Blocks.
    #[must_use]
    pub fn lock_folder(&self, folder: &str) -> Option<File> {
        // Windows has no handle of a folder to lock.
        let folder = File::open(self.path(folder).ok()?).ok().filter(|_| cfg!(unix))?;
        folder.lock().ok().map(|()| folder)
    }

    /// Where a key lies on this machine.
    ///
    /// # Errors
    /// When it is no key.
    pub fn path(&self, key: &str) -> Result<PathBuf> {
        let key = parse(key)?;
        Ok(key.parts().fold(self.root.to_path_buf(), |path, part| path.join(part.as_ref())))
    }

    /// Makes the names in a file's folder durable, and those of the folders down to it.
    pub(super) fn sync_folders(&self, key: &str) -> io::Result<()> {
        let Ok(path) = self.path(key) else { return Ok(()) };
        // Windows has no handle of a folder to sync.
        if cfg!(unix) {
            for folder in path.ancestors().skip(1).take_while(|folder| folder.starts_with(self.root.as_path())) {
                File::open(folder)?.sync_all()?;
            }
        }
        Ok(())
    }

    /// Removes a staging file's folders as far as they are empty, never the root.
    pub(super) fn remove_empty_folders(&self, key: &str) {
        let Ok(path) = self.path(key) else { return };
        for folder in path.ancestors().skip(1).take_while(|f| *f != self.root.as_path()) {
            if std::fs::remove_dir(folder).is_err() {
                return;
            }
        }
    }
}

/// The bytes of an open file, mapped into memory.
pub(super) fn map(file: &File) -> Result<ObjectBytes> {
    if file.metadata().internal("looking at a stored file")?.len() == 0 {
        return Ok(ObjectBytes(Bytes::new()));
    }
    // SAFETY: the mapping is read-only and the file does not change under it. A published file is
    // never written again: it got its name by a rename after its last write, publishing refuses to
    // overwrite, and `purge` unlinks names, which leaves an open mapping's pages alive. Truncating a
    // file of the storage folder from outside breaks this, as it breaks every memory-mapped database.
    #[expect(unsafe_code, reason = "mapping an immutable file; see above")]
    let map = unsafe { memmap2::Mmap::map(file) }.internal("mapping a stored file")?;
    Ok(ObjectBytes(Bytes::from_owner(map)))
}

/// `store.json` and sessions are at depth 0, `raw` at 1; nothing of ours is deeper than 2.
fn sweep(folder: &Path, depth: u32) -> io::Result<u64> {
    let mut removed = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let is_folder = entry.file_type()?.is_dir();
        if depth == 0 && entry.file_name() == paths::TRASH {
            continue;
        }
        if entry.file_name().to_str().is_some_and(paths::is_staging) {
            let gone = if is_folder { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
            removed += u64::from(gone.is_ok());
        } else if is_folder && depth < 2 {
            let below = sweep(&path, depth + 1)?;
            if below > 0 {
                // An upload that was cut off leaves not even its folder; one with a file in it stays.
                let _ = std::fs::remove_dir(&path);
            }
            removed += below;
        }
    }
    Ok(removed)
}

/// Sha256 of the rest of a file, hex; `read` is told of the bytes of each piece, and may end it.
pub(super) fn hash(file: &mut File, read: &mut dyn FnMut(usize) -> io::Result<()>) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut piece = vec![0; 1024 * 1024];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(hex(&hasher.finalize())),
            Ok(length) => {
                hasher.update(piece.get(..length).unwrap_or_default());
                read(length)?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn parse(key: &str) -> Result<Key> {
    Key::parse(key).internal("reading an object's key")
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from(if half < 10 { b'0' + half } else { b'a' - 10 + half });
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// A file that a row refers to is not there.
#[must_use]
pub fn file_missing() -> Error {
    Error::new(
        codes::FILE_MISSING,
        "A stored file of this session is missing. Run 'hvac-analytics doctor' to see which, and put it back from a \
         backup.",
    )
}

/// A file is not what was published.
#[must_use]
pub fn damaged() -> Error {
    Error::new(
        codes::FILE_DAMAGED,
        "A stored file of this session is damaged. Run 'hvac-analytics doctor' to see which, and put it back from a \
         backup.",
    )
}

pub(super) fn failed(doing: &'static str) -> impl FnOnce(object_store::Error) -> Error {
    move |error| storage_error(doing, error)
}

/// What a failure of the storage means to a user: a file that is not there is `file_missing`, the rest is said by
/// [`Context::internal`].
pub(crate) fn storage_error(doing: &str, error: impl StdError + Send + Sync + 'static) -> Error {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&error);
    while let Some(e) = cause {
        if e.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::NotFound) {
            return file_missing().with_source(error);
        }
        cause = e.source();
    }
    Error::while_doing(doing, error)
}

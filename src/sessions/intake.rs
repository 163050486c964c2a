//! Raw files on their way into a session: staged in its folder and hashed, published with it or not at all.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use super::progress::Progress;
use super::{reading, store};
use crate::error::{Context, Detail, Error, Result, codes};
use crate::state::AppState;
use hvac_frame::column::Warning;
use hvac_report::archive;
use hvac_store::copied::{self, CopyError, Syncing};
use hvac_store::entity::source_file;
use hvac_store::staged::Finished;
use hvac_store::{new_id, paths};

/// Files copied at the same time, one a core: what is slow is their hashing.
const MOST_COPIES_AT_ONCE: usize = 4;

/// A raw file that is staged.
pub struct Arrived {
    /// As the user named it.
    pub file_name: String,
    /// The staged bytes.
    pub staged: Finished,
}

/// The new raw files of one session. Dropped unpublished, it leaves nothing.
pub struct Intake {
    state: AppState,
    session_id: String,
    /// Each content once.
    pub arrived: Vec<Arrived>,
    /// Identical files, members of archives that are no reports.
    pub warnings: Vec<Warning>,
    /// By hash: the name of the first file with those bytes.
    names: HashMap<String, String>,
    bytes: u64,
    syncing: Syncing,
}

impl Intake {
    /// For the session of that id, which need not exist yet.
    pub fn new(state: &AppState, session_id: &str) -> Self {
        Self {
            state: state.clone(),
            session_id: session_id.to_owned(),
            arrived: Vec::new(),
            warnings: Vec::new(),
            names: HashMap::new(),
            bytes: 0,
            syncing: Syncing::default(),
        }
    }

    /// The session's id.
    pub fn session_id(&self) -> &str {
        &self.session_id
    }

    /// Streams one file to staging; memory does not grow with it.
    ///
    /// # Errors
    /// When the body breaks off, the files grow over `MAX_UPLOAD_BYTES`, or the disk is full.
    pub async fn stream<E>(
        &mut self,
        file_name: &str,
        mut body: impl Stream<Item = Result<Bytes, E>> + Unpin + Send,
    ) -> Result<()>
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        let limit = self.state.config.max_upload_bytes;
        let mut staged = self.state.store.objects.stage(&paths::raw_dir(&self.session_id)).await?;
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|source| {
                Error::new(
                    codes::BROKEN_UPLOAD,
                    format!("the upload broke off within '{file_name}': nothing was stored, send it again"),
                )
                .with_source(source)
            })?;
            self.bytes += chunk.len() as u64;
            if self.bytes > limit {
                let message = format!(
                    "the files are larger than {limit} bytes together, at '{file_name}': nothing was stored; raise MAX_UPLOAD_BYTES or send fewer at a time"
                );
                return Err(Error::new(codes::UPLOAD_TOO_LARGE, message));
            }
            staged.write(chunk).await?;
        }
        let finished = staged.finish().await?;
        self.take(Arrived { file_name: file_name.to_owned(), staged: finished });
        Ok(())
    }

    /// Copies files of this machine, several at a time.
    ///
    /// # Errors
    /// When one cannot be read, or the disk is full.
    pub async fn copy(&mut self, files: Vec<(String, PathBuf)>, progress: &Progress) -> Result<()> {
        let sizes = files.iter().filter_map(|(_, path)| path.metadata().ok()).map(|m| m.len());
        self.state.store.objects.check_free_space(sizes.sum::<u64>().saturating_mul(2))?;
        let copying = Arc::new(Copying {
            state: self.state.clone(),
            folder: paths::raw_dir(&self.session_id),
            files,
            next: AtomicUsize::new(0),
            done: AtomicU64::new(0),
            progress: progress.clone(),
        });
        // Whoever waits for them may go away.
        let _stop = Stop(Arc::clone(&copying));
        let at_once = std::thread::available_parallelism().map_or(1, usize::from).clamp(1, MOST_COPIES_AT_ONCE);
        let work = |_| {
            tokio::task::spawn_blocking({
                let copying = Arc::clone(&copying);
                move || copying.work()
            })
        };
        let mut copied = Vec::new();
        for worker in (0..at_once).map(work).collect::<Vec<_>>() {
            copied.extend(worker.await.internal("copying files")?);
        }
        copied.sort_unstable_by_key(|(index, _)| *index);
        let mut synced = Vec::with_capacity(copied.len());
        for (_, copied) in copied {
            let (arrived, file) = copied?;
            self.take(arrived);
            synced.push(file);
        }
        self.syncing = Syncing::start(synced);
        Ok(())
    }

    fn take(&mut self, arrived: Arrived) {
        match self.names.entry(arrived.staged.sha256.clone()) {
            Entry::Occupied(first) => self.warnings.push(duplicate(&arrived.file_name, first.get())),
            Entry::Vacant(entry) => {
                entry.insert(arrived.file_name.clone());
                self.arrived.push(arrived);
            }
        }
    }

    /// Leaves out what the session has already, by content.
    pub fn leave_out(&mut self, known: &BTreeMap<String, String>) {
        let (warnings, arrived) = (&mut self.warnings, &mut self.arrived);
        arrived.retain(|a| match known.get(&a.staged.sha256) {
            Some(first) => {
                warnings.push(duplicate(&a.file_name, first));
                false
            }
            None => true,
        });
    }

    /// The rows of the staged files under the names they will be published: one a file, or one a member of
    /// an archive that may be a report.
    ///
    /// # Errors
    /// 415 and 422 for an archive that cannot be read or is not safe to unpack.
    pub fn rows(&mut self) -> Result<Vec<source_file::Model>> {
        let limits = archive_limits(&self.state);
        let mut rows = Vec::new();
        for arrived in &self.arrived {
            let row = self.row(arrived);
            if !archive::is_archive(&arrived.file_name) {
                rows.push(row);
                continue;
            }
            let bytes = arrived.staged.open_bytes()?.to_bytes();
            let contents = archive::Archive::open(&arrived.file_name, bytes)
                .and_then(|archive| archive.members(&limits))
                .map_err(reading::not_taken)?;
            self.warnings.extend(contents.warnings);
            for member in contents.members {
                rows.push(source_file::Model { id: new_id(), archive_member: Some(member.name), ..row.clone() });
            }
        }
        Ok(rows)
    }

    fn row(&self, arrived: &Arrived) -> source_file::Model {
        let Finished { sha256, size_bytes, .. } = &arrived.staged;
        let path = paths::raw(&self.session_id, sha256, &arrived.file_name);
        store::raw_file(&self.session_id, &arrived.file_name, path, sha256.clone(), *size_bytes)
    }

    /// Publishes the staged files under their final names.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub async fn publish(&mut self) -> Result<()> {
        self.syncing.wait().await?;
        let named = |arrived: Arrived| {
            let key = paths::raw(&self.session_id, &arrived.staged.sha256, &arrived.file_name);
            (arrived.staged, key)
        };
        copied::publish_all(self.arrived.drain(..).map(named).collect()).await?;
        Ok(())
    }
}

/// What an archive may unpack to.
pub fn archive_limits(state: &AppState) -> archive::Limits {
    archive::Limits { total_bytes: state.config.max_upload_bytes, ..archive::Limits::default() }
}

/// Files that are being copied, by several threads that take one after the other.
struct Copying {
    state: AppState,
    folder: String,
    files: Vec<(String, PathBuf)>,
    next: AtomicUsize,
    done: AtomicU64,
    progress: Progress,
}

/// Copies no further file when it is dropped.
struct Stop(Arc<Copying>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.next.store(self.0.files.len(), Ordering::Relaxed);
    }
}

impl Copying {
    /// Copies files until none is left, or one fails: each with its place among them. All before it are being copied,
    /// so it is always the first failure that is told.
    fn work(&self) -> Vec<(usize, Result<(Arrived, File)>)> {
        let (mut copied, mut piece) = (Vec::new(), Vec::new());
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let Some((name, path)) = self.files.get(index) else { return copied };
            let one = copy_one(&self.state, &self.folder, name, path, &mut piece);
            match one {
                Ok(_) => self.progress.copied(self.done.fetch_add(1, Ordering::Relaxed) + 1, self.files.len() as u64),
                Err(_) => self.next.store(self.files.len(), Ordering::Relaxed),
            }
            copied.push((index, one));
        }
    }
}

fn copy_one(state: &AppState, folder: &str, name: &str, path: &Path, piece: &mut Vec<u8>) -> Result<(Arrived, File)> {
    let unreadable = |source: std::io::Error| cannot_read(name, path, source);
    let mut source = File::open(path).map_err(unreadable)?;
    match copied::copy_in(&state.store.objects, folder, &mut source, piece) {
        Ok((staged, file)) => Ok((Arrived { file_name: name.to_owned(), staged }, file)),
        Err(CopyError::Source(error)) => Err(unreadable(error)),
        Err(CopyError::Store(error)) => Err(error),
    }
}

fn cannot_read(name: &str, path: &Path, source: std::io::Error) -> Error {
    let reason = match source.kind() {
        std::io::ErrorKind::NotFound => "there is no such file",
        std::io::ErrorKind::PermissionDenied => "this program may not read it",
        std::io::ErrorKind::IsADirectory => "it is a folder",
        _ => "reading it failed",
    };
    let message = format!("{name}: {reason}; nothing was stored");
    tracing::debug!(path = %path.display(), %source, "a report cannot be read");
    Error::new(codes::UNREADABLE_FILE, message.clone())
        .with_detail(Detail { file: Some(name.to_owned()), message, ..Detail::default() })
        .with_source(source)
}

pub(super) fn duplicate(file: &str, first: &str) -> Warning {
    Warning {
        code: "duplicate_file".to_owned(),
        file: file.to_owned(),
        line: None,
        column: None,
        count: 1,
        message: format!("{file} has the same bytes as {first} and counts once"),
    }
}

//! Files that are made from published ones when somebody asks (CSV, Arrow IPC, a scoring table), kept for a while.
//!
//! They lie in one staging folder of this process, which goes with it (or is swept by the next one that opens the
//! store), named by the artefact's sha256 and the canonical request; the least recently used go first. A file is made
//! by one thread at its own pace, and everybody who wants it reads behind the writer, so a slow client keeps nobody
//! waiting. Nothing here fails an answer: where the folder has no room, the bytes are made anew for each client, on
//! their way ([`super::download`]), which only takes away what needs the whole file first: its length and its parts.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::sync::{Semaphore, watch};

use super::objects::{Objects, hex};
use super::paths;
use crate::error::{Context, Result};

/// Writes a made file; the same bytes each time.
pub type Recipe = Arc<dyn Fn(&mut (dyn Write + Send)) -> Result<()> + Send + Sync>;

/// Goes up when the same request is answered with other bytes than before.
const FORMAT: u32 = 1;
/// Bytes of a chunk, about.
pub(super) const CHUNK_BYTES: usize = 128 * 1024;
/// Files that are made at once: each holds a batch of rows, and more would only make all of them late.
static MAKING: Semaphore = Semaphore::const_new(4);
/// Keys of files that are too big which are remembered.
const TOO_BIG_KEYS: usize = 1024;

/// The files of this process. Cheap to clone.
#[derive(Clone)]
pub struct MadeFiles(Arc<Inner>);

struct Inner {
    objects: Objects,
    folder: PathBuf,
    max_bytes: u64,
    /// Bytes of all files, until the last reader of one that was dropped has left.
    used: Arc<AtomicU64>,
    shelf: Mutex<Shelf>,
}

#[derive(Default)]
struct Shelf {
    files: HashMap<MadeKey, Arc<MadeFile>>,
    too_big: HashSet<MadeKey>,
    turn: u64,
}

/// What a made file goes by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MadeKey(Arc<str>);

impl MadeKey {
    /// Of an artefact and a request that says everything else the bytes depend on.
    #[must_use]
    pub fn new(artefact_sha256: &str, request: &str) -> Self {
        let program = env!("CARGO_PKG_VERSION");
        let text = format!("{FORMAT} {program} {artefact_sha256} {request}");
        Self(hex(&Sha256::digest(text.as_bytes())).into())
    }

    /// 64 hexadecimal digits that tell the bytes from all others: good for a strong `ETag`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// One file; gone from the disk with its last owner.
struct MadeFile {
    used: Arc<AtomicU64>,
    path: PathBuf,
    size_bytes: AtomicU64,
    last_used: AtomicU64,
    progress: watch::Sender<Progress>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// So many bytes can be read.
    Writing(u64),
    /// All of them, so many.
    Whole(u64),
    /// There will be no more.
    GivenUp,
}

impl Drop for MadeFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
        self.used.fetch_sub(*self.size_bytes.get_mut(), Ordering::Relaxed);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl MadeFiles {
    /// Of at most `max_bytes` in all, in a folder of its own that is created when it is needed; 0 keeps none.
    ///
    /// # Errors
    /// Never: a staging name is a key.
    pub fn new(objects: &Objects, max_bytes: u64) -> Result<Self> {
        let folder = objects.path(&paths::staging(""))?;
        let (used, shelf) = (Arc::default(), Mutex::default());
        Ok(Self(Arc::new(Inner { objects: objects.clone(), folder, max_bytes, used, shelf })))
    }

    /// Bytes of all files.
    #[cfg(test)]
    fn used_bytes(&self) -> u64 {
        self.0.used.load(Ordering::Relaxed)
    }

    /// Drops all files: something that they may have been made of is no more.
    pub fn clear(&self) {
        self.0.shelf().files.clear();
    }

    /// The file, being made or made; none when it cannot be kept.
    pub(super) fn open(&self, key: &MadeKey, recipe: &Recipe) -> Option<Reading> {
        let mut shelf = self.0.shelf();
        shelf.turn += 1;
        let turn = shelf.turn;
        if let Some(made) = shelf.files.get(key) {
            made.last_used.store(turn, Ordering::Relaxed);
            return Reading::begin(made);
        }
        if self.0.max_bytes == 0 || shelf.too_big.contains(key) {
            return None;
        }
        let path = self.0.folder.join(key.name());
        let file = std::fs::create_dir_all(&self.0.folder).and_then(|()| File::create(&path));
        let file = file.inspect_err(|error| tracing::debug!(%error, "a made file cannot be kept")).ok()?;
        let made = Arc::new(MadeFile {
            used: Arc::clone(&self.0.used),
            path,
            size_bytes: AtomicU64::new(0),
            last_used: AtomicU64::new(turn),
            progress: watch::Sender::new(Progress::Writing(0)),
        });
        let reading = Reading::begin(&made)?;
        shelf.files.insert(key.clone(), Arc::clone(&made));
        drop(shelf);
        let making = Making { files: Arc::clone(&self.0), key: key.clone(), made: Some(made), file, is_whole: false };
        let recipe = Arc::clone(recipe);
        tokio::spawn(async move {
            let _turn = MAKING.acquire().await;
            tokio::task::spawn_blocking(move || making.run(&recipe)).await.is_ok()
        });
        Some(reading)
    }
}

impl Inner {
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much all files may take now: never more than a quarter of what would be free without them.
    fn bound(&self, used: u64) -> u64 {
        let free = fs4::available_space(self.objects.root()).unwrap_or(u64::MAX);
        self.max_bytes.min(free.saturating_add(used) / 4)
    }

    /// Makes room for more bytes of a file that is being written, by dropping what nobody reads.
    fn reserve(&self, more: u64) -> io::Result<()> {
        let used = self.used.fetch_add(more, Ordering::Relaxed) + more;
        let bound = self.bound(used - more);
        if used <= bound {
            return Ok(());
        }
        let mut shelf = self.shelf();
        while self.used.load(Ordering::Relaxed) > bound {
            // Only the shelf has it: nobody can take it up while the shelf is held.
            let idle = shelf.files.iter().filter(|(_, made)| Arc::strong_count(made) == 1);
            let oldest = idle.min_by_key(|(_, made)| made.last_used.load(Ordering::Relaxed));
            let Some(key) = oldest.map(|(key, _)| key.clone()) else {
                self.used.fetch_sub(more, Ordering::Relaxed);
                return Err(io::ErrorKind::StorageFull.into());
            };
            shelf.files.remove(&key);
        }
        Ok(())
    }
}

/// A file on its way; what is dropped before it is whole is taken from the shelf, and its readers are told.
struct Making {
    files: Arc<Inner>,
    key: MadeKey,
    /// Until it is done.
    made: Option<Arc<MadeFile>>,
    file: File,
    is_whole: bool,
}

impl Making {
    fn run(mut self, recipe: &Recipe) {
        let mut out = io::BufWriter::with_capacity(CHUNK_BYTES, &mut self);
        let done = recipe(&mut out).and_then(|()| out.flush().internal("writing a made file"));
        // Whatever is left in the buffer of a file that was given up is of no use.
        drop(out.into_parts());
        match done {
            Ok(()) => self.is_whole = true,
            Err(error) => tracing::debug!(error = &error as &dyn std::error::Error, "a made file is not kept"),
        }
    }
}

impl Write for Making {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (Some(made), files) = (&self.made, &self.files) else { return Err(io::ErrorKind::BrokenPipe.into()) };
        if made.progress.receiver_count() == 0 {
            // Everybody has gone.
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let more = bytes.len() as u64;
        let size = made.size_bytes.load(Ordering::Relaxed) + more;
        if size > files.max_bytes {
            let mut shelf = files.shelf();
            if shelf.too_big.len() >= TOO_BIG_KEYS {
                shelf.too_big.clear();
            }
            shelf.too_big.insert(self.key.clone());
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        files.reserve(more)?;
        made.size_bytes.store(size, Ordering::Relaxed);
        self.file.write_all(bytes)?;
        made.progress.send_replace(Progress::Writing(size));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        let Some(made) = self.made.take() else { return };
        let (progress, size) = (made.progress.clone(), made.size_bytes.load(Ordering::Relaxed));
        if !self.is_whole {
            self.files.shelf().files.remove(&self.key);
        }
        // Whoever is told may want its place at once.
        drop(made);
        progress.send_replace(if self.is_whole { Progress::Whole(size) } else { Progress::GivenUp });
    }
}

/// Somebody who reads a file, perhaps behind its writer.
pub(super) struct Reading {
    file: File,
    progress: watch::Receiver<Progress>,
    _made: Arc<MadeFile>,
}

impl Reading {
    /// Call it while the shelf is held.
    fn begin(made: &Arc<MadeFile>) -> Option<Self> {
        let file = File::open(&made.path).ok()?;
        Some(Self { file, progress: made.progress.subscribe(), _made: Arc::clone(made) })
    }

    /// All bytes there are, if it is whole by now.
    pub(super) fn known_size(&self) -> Option<u64> {
        match *self.progress.borrow() {
            Progress::Whole(size) => Some(size),
            _ => None,
        }
    }

    /// All bytes there will be, once it is known.
    pub(super) async fn size(&mut self) -> Option<u64> {
        self.progress.wait_for(|progress| !matches!(progress, Progress::Writing(_))).await.ok()?;
        self.known_size()
    }

    /// The next bytes from `at` on and before `end`, empty at the end of all; none when the file was given up there.
    pub(super) async fn next(&mut self, at: u64, end: u64) -> Option<io::Result<Bytes>> {
        let readable = loop {
            match *self.progress.borrow_and_update() {
                Progress::Writing(size) if size > at => break size,
                Progress::Whole(size) => break size,
                Progress::GivenUp => return None,
                Progress::Writing(_) => {}
            }
            self.progress.changed().await.ok()?;
        };
        let wanted = readable.min(end).saturating_sub(at).min(CHUNK_BYTES as u64);
        if wanted == 0 {
            return Some(Ok(Bytes::new()));
        }
        let mut file = match self.file.try_clone() {
            Ok(file) => file,
            Err(error) => return Some(Err(error)),
        };
        let reading = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(at))?;
            file.take(wanted).read_to_end(&mut bytes)?;
            Ok(Bytes::from(bytes))
        });
        Some(reading.await.unwrap_or_else(|error| Err(io::Error::other(error))))
    }
}

#[cfg(test)]
mod tests;

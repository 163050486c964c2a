//! Files that are made from published ones when somebody asks (CSV, Arrow IPC, a scoring table), kept for a while.
//!
//! They lie in one staging folder of this process, which goes with it (or is swept by the next one that opens the
//! store), named by the artefact's sha256 and the canonical request; the least recently used go first. A file is made
//! by one thread at its own pace, and everybody who wants it reads behind the writer, so a slow client keeps nobody
//! waiting. Nothing here fails an answer: where the folder has no room, the bytes are made anew for each client, on
//! their way, which only takes away what needs the whole file first: its length and its parts.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use sha2::{Digest, Sha256};
use tokio::sync::{Semaphore, mpsc, watch};

use super::objects::{Objects, hex};
use super::paths;
use crate::error::{Context, Result};

/// Bytes on their way to the client.
pub type ByteStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// Writes a made file; the same bytes each time.
pub type Recipe = Arc<dyn Fn(&mut dyn Write) -> Result<()> + Send + Sync>;

/// Goes up when the same request is answered with other bytes than before.
const FORMAT: u32 = 1;
/// Bytes of a chunk, about.
const CHUNK_BYTES: usize = 128 * 1024;
/// Chunks that wait for a client whose bytes are made on the way.
const CHUNKS_AHEAD: usize = 4;
/// Files that are made at once: each holds a batch of rows, and more would only make all of them late.
static MAKING: Semaphore = Semaphore::const_new(4);
/// Clients whose bytes are made on the way at once, each at the client's pace.
static ON_THE_WAY: Semaphore = Semaphore::const_new(16);
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
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.0.used.load(Ordering::Relaxed)
    }

    /// Drops all files: something that they may have been made of is no more.
    pub fn clear(&self) {
        self.0.shelf().files.clear();
    }

    /// The file, being made or made; none when it cannot be kept.
    fn open(&self, key: &MadeKey, recipe: &Recipe) -> Option<Reading> {
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
struct Reading {
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

    /// All bytes there will be, once it is known.
    async fn size(&mut self) -> Option<u64> {
        let end = self.progress.wait_for(|progress| !matches!(progress, Progress::Writing(_))).await.ok()?;
        match *end {
            Progress::Whole(size) => Some(size),
            _ => None,
        }
    }

    /// The next bytes from `at` on and before `end`, empty at the end of all; none when the file was given up there.
    async fn next(&mut self, at: u64, end: u64) -> Option<io::Result<Bytes>> {
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

/// Bytes that can be asked for whole, in parts, or by their length alone.
pub enum Download {
    /// A published file.
    Stored {
        /// Where it lies.
        objects: Objects,
        /// Its key.
        key: String,
        /// Its length.
        size_bytes: u64,
    },
    /// Bytes that are at hand.
    Held(Bytes),
    /// Made when asked for.
    Made {
        /// Where it is kept.
        files: MadeFiles,
        /// What it goes by.
        key: MadeKey,
        /// What makes it.
        recipe: Recipe,
    },
}

impl Download {
    /// The length; of a made one when it is made, and none when it cannot be kept.
    pub async fn size(&self) -> Option<u64> {
        match self {
            Self::Stored { size_bytes, .. } => Some(*size_bytes),
            Self::Held(bytes) => Some(bytes.len() as u64),
            Self::Made { files, key, recipe } => {
                let size = files.open(key, recipe)?.size().await;
                // Those who had begun it may have gone just before this one came.
                if size.is_some() { size } else { files.open(key, recipe)?.size().await }
            }
        }
    }

    /// All bytes, at once, and their length where it is known already.
    #[must_use]
    pub fn whole(&self) -> (ByteStream, Option<u64>) {
        match self {
            Self::Stored { size_bytes, .. } => (self.part(0..*size_bytes), Some(*size_bytes)),
            Self::Held(bytes) => (self.part(0..bytes.len() as u64), Some(bytes.len() as u64)),
            Self::Made { files, key, recipe } => match files.open(key, recipe) {
                Some(reading) => {
                    let size = match *reading.progress.borrow() {
                        Progress::Whole(size) => Some(size),
                        _ => None,
                    };
                    (behind(reading, 0..u64::MAX, recipe), size)
                }
                None => (on_the_way(recipe, 0..u64::MAX), None),
            },
        }
    }

    /// All bytes in memory, and nothing kept: of small files.
    ///
    /// # Errors
    /// When they cannot be read or made.
    pub async fn read(&self) -> Result<Bytes> {
        let mut chunks = match self {
            Self::Made { recipe, .. } => on_the_way(recipe, 0..u64::MAX),
            Self::Stored { .. } | Self::Held(_) => self.whole().0,
        };
        let mut bytes = Vec::new();
        while let Some(chunk) = chunks.next().await {
            bytes.extend_from_slice(&chunk.internal("reading a file to its end")?);
        }
        Ok(bytes.into())
    }

    /// Some of the bytes; `range` lies within them.
    #[must_use]
    pub fn part(&self, range: Range<u64>) -> ByteStream {
        match self {
            Self::Stored { objects, key, .. } => {
                Box::pin(objects.stream(key, range).map(|chunk| chunk.map_err(io::Error::other)))
            }
            Self::Held(bytes) => {
                let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(bytes.len());
                let part = bytes.slice(at(range.start)..at(range.end));
                Box::pin(stream::once(std::future::ready(Ok(part))))
            }
            Self::Made { files, key, recipe } => match files.open(key, recipe) {
                Some(reading) => behind(reading, range, recipe),
                // It was dropped just now.
                None => on_the_way(recipe, range),
            },
        }
    }
}

/// What a file's reader gets; where the file is given up, the rest is made on the way.
fn behind(reading: Reading, range: Range<u64>, recipe: &Recipe) -> ByteStream {
    enum From {
        File(Reading),
        Recipe(ByteStream),
    }
    let recipe = Arc::clone(recipe);
    Box::pin(stream::unfold((From::File(reading), range), move |(mut from, range)| {
        let recipe = Arc::clone(&recipe);
        async move {
            let chunk = match &mut from {
                From::File(reading) => match reading.next(range.start, range.end).await {
                    Some(Ok(chunk)) if chunk.is_empty() => None,
                    Some(chunk) => Some(chunk),
                    None => {
                        let mut rest = on_the_way(&recipe, range.clone());
                        let chunk = rest.next().await;
                        from = From::Recipe(rest);
                        chunk
                    }
                },
                From::Recipe(rest) => rest.next().await,
            }?;
            let read = chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
            Some((chunk, (from, range.start + read..range.end)))
        }
    }))
}

/// What a recipe writes, made on a blocking thread and handed over in chunks through a short channel: memory does not
/// grow with it, and a client that goes away ends the work.
#[must_use]
pub fn on_the_way(recipe: &Recipe, range: Range<u64>) -> ByteStream {
    let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
    let recipe = Arc::clone(recipe);
    let making = move || {
        let mut out = Chunks { sender, buffer: Vec::new(), skip: range.start, left: range.end - range.start };
        let made = recipe(&mut out).and_then(|()| out.send().internal("handing over the last bytes"));
        if let Err(error) = made
            && out.left > 0
            && !out.sender.is_closed()
        {
            // The client gets to see that the stream broke off; the log says why.
            tracing::error!(error = &error as &dyn std::error::Error, "a made file broke off");
            let _ = out.sender.blocking_send(Err(io::Error::other(error)));
        }
    };
    tokio::spawn(async move {
        let _turn = ON_THE_WAY.acquire().await;
        tokio::task::spawn_blocking(making).await.is_ok()
    });
    Box::pin(stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|chunk| (chunk, receiver)) }))
}

/// Collects what is written, but for what lies outside of a range, into chunks and sends them.
struct Chunks {
    sender: mpsc::Sender<io::Result<Bytes>>,
    buffer: Vec<u8>,
    skip: u64,
    left: u64,
}

impl Chunks {
    fn send(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::take(&mut self.buffer);
        self.sender.blocking_send(Ok(chunk.into())).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let places = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(bytes.len());
        let skipped = places(self.skip);
        self.skip -= skipped as u64;
        let wanted = bytes.get(skipped..).unwrap_or_default();
        let wanted = wanted.get(..places(self.left).min(wanted.len())).unwrap_or_default();
        self.left -= wanted.len() as u64;
        self.buffer.extend_from_slice(wanted);
        if self.buffer.len() >= CHUNK_BYTES || self.left == 0 {
            self.send()?;
        }
        if self.left == 0 {
            // Nobody wants more.
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(bytes.len())
    }

    /// Only whole chunks are sent on the way.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::Duration;

    use super::*;
    use crate::error::Error;

    const MIB: usize = 1 << 20;

    struct Folder {
        files: MadeFiles,
        folder: tempfile::TempDir,
    }

    fn folder(max_bytes: usize) -> Folder {
        let folder = tempfile::tempdir().unwrap();
        let objects = Objects::open(folder.path(), "X").unwrap();
        Folder { files: MadeFiles::new(&objects, max_bytes as u64).unwrap(), folder }
    }

    impl Folder {
        fn made(&self, name: &str, recipe: Recipe) -> Download {
            Download::Made { files: self.files.clone(), key: MadeKey::new(name, "x"), recipe }
        }

        /// Bytes on the disk.
        fn on_disk(&self) -> u64 {
            let folder = std::fs::read_dir(&self.files.0.folder).into_iter().flatten();
            folder.map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
        }

        async fn becomes_empty(&self) {
            for _ in 0..500 {
                if self.on_disk() == 0 && self.files.used_bytes() == 0 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            panic!("{} bytes are left, {} on the disk", self.files.used_bytes(), self.on_disk());
        }
    }

    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect()
    }

    /// Writes them in pieces, and counts how often.
    fn recipe(length: usize) -> (Recipe, Arc<AtomicUsize>) {
        let times = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&times);
        let write = move |out: &mut dyn Write| {
            counted.fetch_add(1, Ordering::SeqCst);
            bytes(length).chunks(10_007).try_for_each(|piece| out.write_all(piece)).internal("writing")
        };
        (Arc::new(write), times)
    }

    /// Writes a piece of 200 000 bytes for each turn it is given, until there are no more turns.
    fn by_turns() -> (Recipe, Sender<()>) {
        let (give, turns): (Sender<()>, Receiver<()>) = channel();
        let turns = Mutex::new(turns);
        let write = move |out: &mut dyn Write| {
            let turns = turns.lock().unwrap();
            while turns.recv().is_ok() {
                out.write_all(&bytes(200_000)).internal("writing")?;
            }
            Ok(())
        };
        (Arc::new(write), give)
    }

    async fn all(mut stream: ByteStream) -> Vec<u8> {
        let mut all = Vec::new();
        while let Some(chunk) = stream.next().await {
            all.extend_from_slice(&chunk.unwrap());
        }
        all
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_who_want_one_file_have_it_made_once() {
        let at = folder(64 * MIB);
        let (recipe, times) = recipe(3 * MIB);
        let made = Arc::new(at.made("a", recipe));
        let asking = (0..20).map(|n| {
            let made = Arc::clone(&made);
            tokio::spawn(async move {
                match n % 3 {
                    0 => assert_eq!(made.size().await, Some(3 * MIB as u64)),
                    1 => assert_eq!(all(made.whole().0).await, bytes(3 * MIB)),
                    _ => assert_eq!(all(made.part(1_000_000..2_000_000)).await, bytes(3 * MIB)[1_000_000..2_000_000]),
                }
            })
        });
        for asked in asking.collect::<Vec<_>>() {
            asked.await.unwrap();
        }
        assert_eq!(times.load(Ordering::SeqCst), 1);
        assert_eq!((at.on_disk(), at.files.used_bytes()), (3 * MIB as u64, 3 * MIB as u64));
        assert_eq!(made.whole().1, Some(3 * MIB as u64), "its length is known now");
        let Folder { files, folder } = at;
        drop((made, files));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the folder goes with its owner");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn it_streams_while_it_is_made_and_a_slow_reader_keeps_nobody_waiting() {
        let at = folder(64 * MIB);
        let (recipe, give) = by_turns();
        let made = at.made("a", recipe);
        let (mut slow, size) = made.whole();
        assert_eq!(size, None);
        give.send(()).unwrap();
        let first = slow.next().await.unwrap().unwrap();
        assert!(!first.is_empty(), "the first bytes come before the last are made");
        let quick = made.whole().0;
        for _ in 0..19 {
            give.send(()).unwrap();
        }
        drop(give);
        assert_eq!(all(quick).await.len(), 20 * 200_000);
        assert_eq!(made.size().await, Some(20 * 200_000));
        assert_eq!(first.len() + all(slow).await.len(), 20 * 200_000);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_nobody_waits_for_any_more_leaves_nothing() {
        let at = folder(64 * MIB);
        let (recipe, give) = by_turns();
        let mut stream = at.made("a", recipe).whole().0;
        give.send(()).unwrap();
        stream.next().await.unwrap().unwrap();
        drop(stream);
        give.send(()).unwrap();
        at.becomes_empty().await;
        assert!(at.files.0.shelf().files.is_empty());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_recipe_that_fails_or_panics_leaves_nothing_and_is_told() {
        let at = folder(64 * MIB);
        let fails: Recipe = Arc::new(|out| {
            out.write_all(&bytes(MIB)).internal("writing")?;
            Err(Error::internal("no more"))
        });
        let panics: Recipe = Arc::new(|_| panic!("on purpose"));
        for recipe in [fails, panics] {
            let made = at.made("a", recipe);
            assert_eq!(made.size().await, None);
            let last = made.whole().0.collect::<Vec<_>>().await.pop();
            assert!(last.is_none_or(|chunk| chunk.is_err()));
            at.becomes_empty().await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_least_recently_used_go_first() {
        let at = folder(2 * MIB + MIB / 2);
        let (recipe, times) = recipe(MIB);
        let [a, b, c] = ["a", "b", "c"].map(|name| at.made(name, Arc::clone(&recipe)));
        for made in [&a, &b, &a, &c, &a] {
            assert_eq!(made.size().await, Some(MIB as u64));
            assert!(at.on_disk() <= (2 * MIB + MIB / 2) as u64);
        }
        assert_eq!(times.load(Ordering::SeqCst), 3, "a is still there");
        assert_eq!(b.size().await, Some(MIB as u64));
        assert_eq!(times.load(Ordering::SeqCst), 4, "b went for c");
        at.files.clear();
        assert_eq!((at.on_disk(), at.files.used_bytes()), (0, 0));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_too_big_is_made_on_the_way_and_not_tried_again() {
        let at = folder(MIB);
        let (recipe, times) = recipe(3 * MIB);
        let made = at.made("a", recipe);
        let (stream, size) = made.whole();
        assert_eq!((all(stream).await, size), (bytes(3 * MIB), None));
        assert_eq!(times.load(Ordering::SeqCst), 2, "once for the folder, once for the client");
        assert_eq!(made.size().await, None);
        assert_eq!(all(made.whole().0).await, bytes(3 * MIB));
        assert_eq!(times.load(Ordering::SeqCst), 3);
        at.becomes_empty().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_folder_that_cannot_be_written_fails_no_download() {
        let at = folder(64 * MIB);
        // A file where the folder should be: root may write anywhere.
        std::fs::write(&at.files.0.folder, "").unwrap();
        let made = at.made("a", recipe(MIB).0);
        assert_eq!(made.size().await, None);
        assert_eq!(all(made.whole().0).await, bytes(MIB));
        assert_eq!(all(made.part(10..20)).await, bytes(MIB)[10..20]);
    }
}

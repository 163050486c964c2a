//! Bytes for a client: of a published file, at hand, or made for the asking; whole, in parts, or their length alone.
//!
//! What is made is read from the folder of made files ([`super::made`]) where it can be kept there, else made on its
//! way. A stream that cannot be ended as it should ends in an error, never as if it were whole.

use std::io::{self, Write};
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore};
use tokio::sync::{Semaphore, mpsc};

use super::made::{CHUNK_BYTES, MadeFiles, MadeKey, Reading, Recipe};
use super::objects::Objects;
use crate::error::{Context, Result};

/// Bytes on their way to the client.
pub type ByteStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// Chunks that wait for a client whose bytes are made on the way.
const CHUNKS_AHEAD: usize = 4;
/// Clients whose bytes are made on the way at once, each at the client's pace.
static ON_THE_WAY: Semaphore = Semaphore::const_new(16);

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
    /// A file that was handed over.
    Kept {
        /// Where it lies.
        objects: Arc<dyn ObjectStore>,
        /// Its path there.
        place: Path,
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
            Self::Stored { size_bytes, .. } | Self::Kept { size_bytes, .. } => Some(*size_bytes),
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
            Self::Stored { size_bytes, .. } | Self::Kept { size_bytes, .. } => {
                (self.part(0..*size_bytes), Some(*size_bytes))
            }
            Self::Held(bytes) => (self.part(0..bytes.len() as u64), Some(bytes.len() as u64)),
            Self::Made { files, key, recipe } => match files.open(key, recipe) {
                Some(reading) => {
                    let size = reading.known_size();
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
            Self::Stored { .. } | Self::Kept { .. } | Self::Held(_) => self.whole().0,
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
            Self::Kept { objects, place, .. } => kept(Arc::clone(objects), place.clone(), range),
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

/// A part of a file that was handed over.
fn kept(objects: Arc<dyn ObjectStore>, place: Path, range: Range<u64>) -> ByteStream {
    if range.is_empty() {
        return Box::pin(stream::empty());
    }
    let begun = async move {
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        let found = objects.get_opts(&place, options).await.map_err(io::Error::other)?;
        Ok::<_, io::Error>(found.into_stream().map_err(io::Error::other))
    };
    Box::pin(stream::once(begun).try_flatten())
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
    let (recipe, told) = (Arc::clone(recipe), sender.clone());
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
        if let Err(panicked) = tokio::task::spawn_blocking(making).await {
            // Else what came so far would look like all of it.
            let _ = told.send(Err(io::Error::other(panicked))).await;
        }
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

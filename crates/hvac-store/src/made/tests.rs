//! What a made file does for those who want it at once, late, in parts, or not any more.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use futures_util::StreamExt;

use super::*;
use crate::download::{ByteStream, Download};
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
    let write = move |out: &mut (dyn Write + Send)| {
        counted.fetch_add(1, Ordering::SeqCst);
        bytes(length).chunks(10_007).try_for_each(|piece| out.write_all(piece)).internal("writing")
    };
    (Arc::new(write), times)
}

/// Writes a piece of 200 000 bytes for each turn it is given, until there are no more turns.
fn by_turns() -> (Recipe, Sender<()>) {
    let (give, turns): (Sender<()>, Receiver<()>) = channel();
    let turns = Mutex::new(turns);
    let write = move |out: &mut (dyn Write + Send)| {
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
        assert!(last.is_some_and(|chunk| chunk.is_err()), "what came so far does not look like all of it");
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

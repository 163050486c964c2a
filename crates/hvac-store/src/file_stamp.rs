//! What a file looks like from outside, and which looks this process remembers.

use std::fs::Metadata;
use std::sync::{Arc, Mutex};

use moka::sync::Cache;

/// Files that are remembered.
const REMEMBERED: u64 = 100_000;

/// What a file looks like from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStamp {
    pub(super) size_bytes: u64,
    /// Device and inode, times of the last write and of the last change of anything, ns.
    #[cfg(unix)]
    place_and_times: (u64, u64, i128, i128),
    #[cfg(not(unix))]
    modified: Option<std::time::SystemTime>,
}

impl FileStamp {
    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        let ns = |seconds: i64, ns: i64| i128::from(seconds) * 1_000_000_000 + i128::from(ns);
        let (written, changed) =
            (ns(metadata.mtime(), metadata.mtime_nsec()), ns(metadata.ctime(), metadata.ctime_nsec()));
        Self { size_bytes: metadata.len(), place_and_times: (metadata.dev(), metadata.ino(), written, changed) }
    }

    #[cfg(not(unix))]
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self { size_bytes: metadata.len(), modified: metadata.modified().ok() }
    }
}

/// The memory of one root. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Verified {
    pub(super) files: Cache<String, (Arc<str>, FileStamp)>,
    /// Held while a file is hashed: two who read a new file should not read it twice.
    pub(super) turns: Cache<String, Arc<Mutex<()>>>,
}

impl Default for Verified {
    fn default() -> Self {
        Self { files: Cache::new(REMEMBERED), turns: Cache::new(1024) }
    }
}

//! How far a parse has come, for whoever watches: a progress bar, later a job's row.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A step of a parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Files copied into the session, of so many.
    Copied(u64, u64),
    /// Files read, of so many.
    Read(u64, u64),
    /// Rows merged and handed to the writer, of so many.
    Wrote(u64, u64),
}

/// Tells a watcher, who may be nobody. Cheap to clone.
#[derive(Clone)]
pub struct Progress {
    tell: Arc<dyn Fn(Step) + Send + Sync>,
    read: Arc<AtomicU64>,
}

impl Progress {
    /// Calls `tell` after every step, from any thread.
    pub fn new(tell: impl Fn(Step) + Send + Sync + 'static) -> Self {
        Self { tell: Arc::new(tell), read: Arc::new(AtomicU64::new(0)) }
    }

    /// Nobody watches.
    #[must_use]
    pub fn none() -> Self {
        Self::new(|_| ())
    }

    pub(super) fn copied(&self, files: u64, total: u64) {
        (self.tell)(Step::Copied(files, total));
    }

    pub(super) fn read_one(&self, total: u64) {
        let files = self.read.fetch_add(1, Ordering::Relaxed) + 1;
        (self.tell)(Step::Read(files, total));
    }

    pub(super) fn wrote(&self, rows: u64, total: u64) {
        (self.tell)(Step::Wrote(rows, total));
    }
}

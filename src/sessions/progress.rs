//! How far a parse has come, for whoever watches (a progress bar, a job's row), and whether to go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Result;

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
    go_on: Arc<dyn Fn() -> Result<()> + Send + Sync>,
    read: Arc<AtomicU64>,
}

impl Progress {
    /// Calls `tell` after every step, from any thread.
    pub fn new(tell: impl Fn(Step) + Send + Sync + 'static) -> Self {
        Self { tell: Arc::new(tell), go_on: Arc::new(|| Ok(())), read: Arc::new(AtomicU64::new(0)) }
    }

    /// Nobody watches.
    #[must_use]
    pub fn none() -> Self {
        Self::new(|_| ())
    }

    /// Asks `go_on` between steps, from any thread: the parse ends with its error.
    #[must_use]
    pub fn until(self, go_on: impl Fn() -> Result<()> + Send + Sync + 'static) -> Self {
        Self { go_on: Arc::new(go_on), ..self }
    }

    pub(super) fn go_on(&self) -> Result<()> {
        (self.go_on)()
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

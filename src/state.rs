//! The handles that features and transport share, and nothing else. Built once, by `app.rs`.

use std::sync::Arc;

use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::jobs::Jobs;
use crate::store::Store;

/// Cheap to clone: every field is a handle.
#[derive(Clone)]
pub struct AppState {
    /// The settings the program started with.
    pub config: Arc<Config>,
    /// Metadata, files and cache.
    pub store: Store,
    /// Durable work.
    pub jobs: Jobs,
    /// When this process started, for health answers.
    pub started_at: chrono::DateTime<chrono::Utc>,
    /// Work that goes on when its client disconnects; a shutdown waits for it.
    pub tasks: TaskTracker,
}

//! The handles that features and transport share, and nothing else. Built once, by `app.rs`.

use std::ops::Deref;
use std::sync::Arc;

use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::credentials::Credentials;
use crate::events::Events;
use crate::guessing::Guesses;
use crate::jobs::Jobs;
use crate::memory::Memory;
use crate::principal::Principal;
use crate::records::Records;
use crate::storage::Storage;
use crate::tls::Tls;
use hvac_store::Store;

/// All handles, behind one, and who asks: every request clones it several times.
#[derive(Clone)]
pub struct AppState {
    handles: Arc<Handles>,
    principal: Arc<Principal>,
}

impl AppState {
    /// Of its handles, for whoever owns the machine.
    #[must_use]
    pub fn new(handles: Handles) -> Self {
        Self { handles: Arc::new(handles), principal: Arc::new(Principal::program()) }
    }

    /// The same stores under other settings.
    #[must_use]
    pub fn with_config(&self, config: Config) -> Self {
        let handles = Handles { config: Arc::new(config), ..Handles::clone(self) };
        Self { handles: Arc::new(handles), principal: Arc::clone(&self.principal) }
    }

    /// The same for somebody else.
    #[must_use]
    pub fn asked_by(&self, principal: Arc<Principal>) -> Self {
        Self { handles: Arc::clone(&self.handles), principal }
    }

    /// Who asks.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The same, for work that goes on without the request.
    #[must_use]
    pub fn shared_principal(&self) -> Arc<Principal> {
        Arc::clone(&self.principal)
    }
}

impl Deref for AppState {
    type Target = Handles;

    fn deref(&self) -> &Handles {
        &self.handles
    }
}

impl std::fmt::Debug for AppState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AppState")
    }
}

/// What features and transport share.
#[derive(Clone)]
pub struct Handles {
    /// The settings the program started with.
    pub config: Arc<Config>,
    /// Metadata, files and cache.
    pub store: Store,
    /// What happened, for whoever follows it.
    pub events: Events,
    /// Durable work.
    pub jobs: Jobs,
    /// What work may hold.
    pub memory: Memory,
    /// Declared collections.
    pub records: Records,
    /// Files that were handed over.
    pub storage: Arc<Storage>,
    /// What this process keeps of who shows what.
    pub credentials: Arc<Credentials>,
    /// The certificate that clients are met with, where there is one.
    pub tls: Option<Tls>,
    /// Passwords and keys that were wrong.
    pub guesses: Guesses,
    /// Carries statements out; made when the first one comes.
    #[cfg(feature = "sql")]
    pub queries: Arc<std::sync::OnceLock<Arc<hvac_query::Engine>>>,
    /// When this process started, for health answers.
    pub started_at: chrono::DateTime<chrono::Utc>,
    /// Work that goes on when its client disconnects; a shutdown waits for it.
    pub tasks: TaskTracker,
}

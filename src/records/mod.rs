//! Records: small structured things that other programs hand over – a work order, a staging event, a translation task.
//!
//! Nobody writes code for a new kind of record: a collection is declared in a file, and the declaration alone makes its
//! routes, its table, its part of the API document and its name in SQL. What is acknowledged is durable: a write is
//! answered after the commit that holds it, in the collection's own table or, where another server keeps it, in the outbox.
//!
//! `declaration` reads files, `registry` and `apply` bring them into force; `record` and `list` check what a request says;
//! `writer` commits, `outbox` hands over to other servers, and `backend` is what keeps.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use chrono_tz::Tz;
use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::backend::Backends;
use self::collection::BackendKind;
use self::embedded::Embedded;
use self::layouts::Layouts;
use self::outbox::Outbox;
use self::source::{Source, Stamp};
use self::writer::Writer;
use crate::error::{Context, Result};
use crate::events::Events;
use hvac_store::db::Db;

mod announce;
mod apply;
pub mod backend;
pub mod change;
mod closest;
pub mod collection;
pub mod declaration;
pub mod embedded;
mod expiry;
pub mod export;
mod layouts;
pub mod list;
pub mod outbox;
pub mod read;
pub mod record;
pub mod recovery;
pub mod redis;
pub mod registry;
mod remembered;
pub mod routes;
pub mod search;
pub mod server;
pub mod servers;
pub mod several;
pub mod shown;
pub mod source;
pub mod sql;
pub mod tables;
pub mod write;
pub mod writer;

pub use outbox::OutboxLimits;
pub use registry::{Registry, Reserved};

/// How often it is looked whether declarations changed.
const LOOKED_EVERY: Duration = Duration::from_secs(1);
/// After how many looks one that was refused is tried again.
const AGAIN_EVERY: u32 = 30;
/// How often words of what changed are gathered.
const GATHERED_EVERY: Duration = Duration::from_secs(5);
/// How long writers are let be between.
const GATHERED_BREATH: Duration = Duration::from_millis(20);
/// How often it is looked whether a queue is to be handed over.
const DUE_EVERY: Duration = Duration::from_millis(250);
/// How long a shutdown waits for other servers to take what waits for them; what they do not take stays in the outbox.
const LAST_FLUSH: Duration = Duration::from_secs(10);

/// All declared collections, and what keeps them. Cheap to clone.
#[derive(Clone)]
pub struct Records(Arc<Inner>);

struct Inner {
    db: Db,
    backends: Backends,
    outbox: Arc<Outbox>,
    writer: Writer,
    events: Events,
    layouts: Layouts,
    registry: RwLock<Arc<Registry>>,
    source: Source,
    /// Its files as they were when they were read last.
    read: Mutex<Stamp>,
    reserved: Reserved,
    zone: Tz,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// What records are opened with.
#[derive(Debug)]
pub struct RecordSettings {
    /// A folder of declarations, or one file; none: the built-in ones alone.
    pub declarations: Option<PathBuf>,
    /// How much may wait for other servers.
    pub outbox: OutboxLimits,
    /// The site's zone.
    pub zone: Tz,
    /// Names that no declaration may take.
    pub reserved: Reserved,
    /// Other servers that keep records.
    pub backends: Backends,
}

impl Records {
    /// Opens what is stored, and takes the declarations over.
    ///
    /// # Errors
    /// When the database cannot be asked. A declaration that is wrong fails nothing: it is told.
    pub async fn open(db: Db, settings: RecordSettings, events: Events) -> Result<Self> {
        let RecordSettings { declarations, outbox, zone, reserved, backends } = settings;
        let backends = backends.with(BackendKind::Sqlite, Arc::new(Embedded::new(db.clone())));
        let outbox = Arc::new(Outbox::open(db.clone(), outbox).await?);
        let layouts = Layouts::of(apply::stored(db.read()).await?);
        let writer = Writer::start(db.clone(), Arc::clone(&outbox), layouts.clone(), events.clone());
        let inner = Inner {
            db,
            backends,
            outbox,
            writer,
            events,
            layouts,
            registry: RwLock::default(),
            source: Source::new(declarations),
            read: Mutex::default(),
            reserved,
            zone,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        // Whoever waits for all of this is no deeper for it.
        inner.reload().boxed().await?;
        Ok(Self(Arc::new(inner)))
    }

    /// The collections in force.
    #[must_use]
    pub fn registry(&self) -> Arc<Registry> {
        self.0.registry()
    }

    /// What waits for other servers, by server, and in memory.
    #[must_use]
    pub fn waiting(&self) -> (BTreeMap<BackendKind, outbox::Waiting>, u64) {
        (self.0.outbox.waiting(), self.0.writer.waiting())
    }

    /// Works on its own from now on: looks for changed declarations, hands over what waits, removes what is too old.
    pub fn start(&self) {
        let inner = &self.0;
        inner.tasks.spawn(keep_declared(Arc::clone(inner)));
        inner.tasks.spawn(expiry::keep(Arc::clone(inner)));
        inner.tasks.spawn(keep_searched(Arc::clone(inner)));
        for (kind, _) in inner.backends.iter().filter(|(kind, _)| *kind != BackendKind::Sqlite) {
            inner.tasks.spawn(keep_flushed(Arc::clone(inner), kind));
        }
    }

    /// Ends its own work, and hands over what waits as far as other servers take it.
    pub async fn stop(&self) {
        self.0.stop.cancel();
        self.0.tasks.close();
        // One that hands over to a server that hangs is left behind: what it has stays in the outbox.
        let _ = tokio::time::timeout(LAST_FLUSH, self.0.tasks.wait()).await;
        let kinds = self.0.outbox.waiting().into_iter().filter(|(_, waiting)| waiting.rows > 0).map(|(kind, _)| kind);
        let flushing = kinds.map(|kind| async move {
            match tokio::time::timeout(LAST_FLUSH, self.0.flush_kind(kind, true)).await {
                Ok(Ok(_)) => {}
                _ => tracing::warn!(backend = kind.word(), "records stay in the outbox: their server takes none"),
            }
        });
        futures_util::future::join_all(flushing).boxed().await;
    }
}

impl Inner {
    fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.registry.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the declarations over as they are now.
    async fn reload(&self) -> Result<()> {
        let source = self.source.clone();
        // First how they are: one that is changed while it is read is read again.
        let reading = tokio::task::spawn_blocking(move || (source.stamp(), source.files()));
        let (stamp, files) = reading.await.internal("reading declarations")?;
        let before = self.registry();
        let kinds = apply::changed_kinds(self, &files, &before).await?;
        let away = apply::away(self, &kinds).boxed().await;
        // Whoever reads and writes what these keep waits from here on: for no server that is away.
        let turns = self.outbox.turns(&kinds).await;
        let alone = self.layouts.change(&kinds).await;
        let servers = apply::Servers { away, turns };
        let (registry, layout) = apply::taken_over(self, &files, &before, servers).boxed().await?;
        for state in &registry.files {
            let was = before.files.iter().find(|was| was.file == state.file);
            if let Some(error) = &state.error
                && was.is_none_or(|was| was.error.as_ref() != Some(error))
            {
                tracing::warn!("a declaration is refused, what was declared before goes on: {error}");
            }
        }
        if before.generation > 0 {
            tracing::info!(collections = registry.collections.len(), "declarations were read again");
        }
        for (kind, mut own) in alone {
            let of_kind = layout.iter().filter(|(_, collection)| collection.backend == kind);
            *own = of_kind.map(|(name, collection)| (name.clone(), Arc::clone(collection))).collect();
        }
        announce::declare(&self.events, &registry);
        *self.registry.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(registry);
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = stamp;
        Ok(())
    }

    /// Hands over what waits for a server; nothing waits for the embedded database.
    async fn flush_kind(&self, kind: BackendKind, by_hand: bool) -> Result<u64> {
        let Some((_, backend)) = self.backends.iter().find(|(other, _)| *other == kind) else { return Ok(0) };
        if kind == BackendKind::Sqlite {
            return Ok(0);
        }
        // Nobody waits for the turn of whoever changes tables for long.
        drop(self.layouts.hold(kind).await?);
        let mut flushed = 0;
        loop {
            // A turn for each part: whoever changes tables has his between two of them, and holds it until he is done.
            let Some(mut turn) = self.outbox.turn(kind).await else { return Ok(flushed) };
            if !by_hand && turn.rests() {
                return Ok(flushed);
            }
            // Those that are declared no more too.
            let known: Vec<_> = self.layouts.hold(kind).await?.all().cloned().collect();
            match self.outbox.hand_over(&mut turn, &**backend, &known).boxed().await? {
                0 => return Ok(flushed),
                rows => flushed += rows,
            }
        }
    }
}

/// Takes declarations over whenever their files changed.
async fn keep_declared(inner: Arc<Inner>) {
    let mut turn = 0_u32;
    loop {
        tokio::select! {
            () = inner.stop.cancelled() => return,
            () = tokio::time::sleep(LOOKED_EVERY) => {}
        }
        let changed = inner.source.stamp() != *inner.read.lock().unwrap_or_else(PoisonError::into_inner);
        turn = turn.wrapping_add(1);
        // What was refused because a server was away is not so for ever.
        let again = turn.is_multiple_of(AGAIN_EVERY) && inner.registry().files.iter().any(|file| file.error.is_some());
        if (changed || again)
            && let Err(error) = inner.reload().await
        {
            tracing::warn!(%error, "declarations could not be read again: it is tried again");
        }
    }
}

/// Gathers the words of what changed in the metadata database.
async fn keep_searched(inner: Arc<Inner>) {
    loop {
        tokio::select! {
            () = inner.stop.cancelled() => return,
            () = tokio::time::sleep(GATHERED_EVERY) => {}
        }
        let names: Vec<String> = inner.registry().collections.iter().map(|own| own.name.clone()).collect();
        for name in names.iter().filter(|_| !inner.db.is_read_only()) {
            while !inner.stop.is_cancelled() {
                let Ok(layout) = inner.layouts.hold(BackendKind::Sqlite).await else { break };
                let Some(collection) = layout.get(name) else { break };
                // Whoever searches is told why it fails.
                if !search::gather(&inner.db, collection).await.unwrap_or(false) {
                    break;
                }
                drop(layout);
                tokio::time::sleep(GATHERED_BREATH).await;
            }
        }
    }
}

/// Hands a server's queue over whenever it is due.
async fn keep_flushed(inner: Arc<Inner>, kind: BackendKind) {
    loop {
        tokio::select! {
            () = inner.stop.cancelled() => return,
            () = tokio::time::sleep(DUE_EVERY) => {}
        }
        if inner.outbox.is_due(kind) {
            // Why it failed is told by the outbox.
            let _ = inner.flush_kind(kind, false).await;
        }
    }
}

//! Whether the server lives, and whether it can work: the first looks at every store, the second writes to them.

use std::future::Future;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::error::{Detail, Error, ErrorKind, Result, codes};
use crate::events::{self, Audience, NewEvent};
use crate::principal::Role;
use crate::state::AppState;
use hvac_store::cache::CacheStats;

/// How one store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// It answered.
    Ok,
    /// It did not; the log says why.
    Failed,
    /// It can be read, but nothing can be written where it lies.
    ReadOnly,
}

/// `GET /api/health`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Health {
    /// `ok` while the process answers.
    #[schema(example = "ok")]
    pub status: &'static str,
    /// Now, UTC.
    #[schema(example = "2026-11-20T08:00:00.000Z")]
    pub timestamp: String,
    /// Of this program.
    #[schema(example = "0.1.0")]
    pub version: &'static str,
    /// Seconds since the start.
    pub uptime_s: i64,
    /// What the process can reach.
    pub checks: Checks,
    /// Records of collections that wait to be written.
    pub buffer: Buffer,
}

/// Records of collections that wait to be written.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Buffer {
    /// Records that wait in memory for the next commit: not acknowledged yet.
    pub in_memory: u64,
    /// Records that are acknowledged, and wait in the outbox for the servers that keep them.
    pub waiting: u64,
    /// Their bytes, about.
    pub waiting_bytes: u64,
    /// By server.
    pub backends: Vec<BufferOfBackend>,
}

/// What waits for one server.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BufferOfBackend {
    /// What kind of server.
    #[schema(example = "postgres")]
    pub backend: &'static str,
    /// Records.
    pub waiting: u64,
    /// Since when the first of them waits, UTC.
    pub since: Option<String>,
    /// When it last took some, UTC.
    pub flushed_at: Option<String>,
    /// Whether it did not take them the last time.
    pub failing: bool,
}

/// What the process can reach.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Checks {
    /// The metadata database answers, and its schema is this program's.
    pub database: Check,
    /// Session folders can be written.
    pub storage: Check,
    /// Counts of this process' writing to the database since the start.
    pub writer: WriterCounts,
    /// Counts of the cache since the start: of answers and of what they are made from.
    pub cache: CacheCounts,
    /// SQL statements now.
    pub queries: QueryCounts,
}

/// SQL statements now.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct QueryCounts {
    /// Under way, also those that wait for their turn.
    pub running: u64,
    /// Bytes that they hold.
    pub held_bytes: u64,
}

/// Counts of this process' writing to the database since the start.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WriterCounts {
    /// Transactions that were committed.
    pub commits: u64,
    /// Transactions that failed: could not be begun, in the middle, or at the end.
    pub failures: u64,
    /// Connections that were thrown away because a transaction of theirs might not have ended.
    pub connections_discarded: u64,
}

/// Counts of the cache since the start: of answers and of what they are made from.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CacheCounts {
    /// Found in memory.
    pub hits_memory: u64,
    /// Found in Redis.
    pub hits_redis: u64,
    /// Made.
    pub misses: u64,
    /// Failures of Redis; they fail no request.
    pub errors: u64,
    /// Entries in memory.
    pub entries: u64,
    /// Bytes in memory.
    pub bytes: u64,
    /// Whether Redis answers; null when there is none.
    pub redis_up: Option<bool>,
}

/// `GET /api/ready`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Ready {
    /// `ready`.
    #[schema(example = "ready")]
    pub status: &'static str,
    /// What was tried.
    pub checks: Checks,
}

/// Longest time a check may take: a store that is slower is as good as gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// What looking at every store, or writing to it, came to.
struct Outcomes {
    database: Result<()>,
    storage: Result<()>,
}

impl Outcomes {
    async fn checks(&self, state: &AppState) -> Checks {
        let writer = state.store.db.writer_stats();
        let CacheStats { hits_memory, hits_redis, misses, errors, entries, bytes, redis_up, .. } =
            state.store.cache.stats().await;
        Checks {
            database: check("database", &self.database),
            storage: check("storage", &self.storage),
            writer: WriterCounts {
                commits: writer.commits,
                failures: writer.failures,
                connections_discarded: writer.discarded,
            },
            cache: CacheCounts { hits_memory, hits_redis, misses, errors, entries, bytes, redis_up },
            queries: queries(state),
        }
    }
}

#[cfg(feature = "sql")]
fn queries(state: &AppState) -> QueryCounts {
    let (running, held_bytes) = crate::query::load(state);
    QueryCounts { running, held_bytes }
}

#[cfg(not(feature = "sql"))]
fn queries(_: &AppState) -> QueryCounts {
    QueryCounts::default()
}

fn check(what: &str, outcome: &Result<()>) -> Check {
    match outcome {
        Ok(()) => Check::Ok,
        Err(error) if error.code == codes::READ_ONLY => Check::ReadOnly,
        Err(error) => {
            tracing::warn!(what, error = %error, cause = ?std::error::Error::source(error), "a check failed");
            Check::Failed
        }
    }
}

async fn in_time(trial: impl Future<Output = Result<()>>) -> Result<()> {
    let slow = |_| Err(Error::internal(format!("a check took longer than {} s", PATIENCE.as_secs())));
    tokio::time::timeout(PATIENCE, trial).await.unwrap_or_else(slow)
}

/// Looks only.
async fn look(state: &AppState) -> Outcomes {
    let store = &state.store;
    let database = in_time(async {
        Box::pin(store.db.ping()).await?;
        match store.db.migrations_pending().await? {
            0 => store.db.check_writable(),
            pending => Err(Error::internal(format!("{pending} migrations are pending"))),
        }
    });
    let storage = in_time(async {
        store.check_storage()?;
        store.objects.check_free_space(0)
    });
    let (database, storage) = tokio::join!(database, storage);
    Outcomes { database, storage }
}

/// How often it is looked whether the service is as it was.
const LOOKED_EVERY: Duration = Duration::from_secs(5);

/// Tells whenever the service is not as it was; the first time, how it is.
pub async fn watch(state: AppState) {
    let word = |outcome: &Result<()>| match outcome {
        Ok(()) => Check::Ok,
        Err(error) if error.code == codes::READ_ONLY => Check::ReadOnly,
        Err(_) => Check::Failed,
    };
    let mut told = None;
    loop {
        let outcomes = look(&state).await;
        let (database, storage) = (word(&outcomes.database), word(&outcomes.storage));
        let redis_up = state.store.cache.redis_is_up();
        let is = (database, storage, redis_up);
        if told != Some(is) {
            let works = [database, storage].iter().all(|check| *check == Check::Ok) && redis_up != Some(false);
            let data = json!({
                "status": if works { "ok" } else { "degraded" }, "database": database, "storage": storage,
                "redis_up": redis_up, "version": env!("CARGO_PKG_VERSION"), "started_at": state.started_at,
            });
            state.events.publish(NewEvent::new(events::SYSTEM_STATUS, Audience::Least(Role::Viewer), &data));
            told = Some(is);
        }
        tokio::time::sleep(LOOKED_EVERY).await;
    }
}

/// The process lives, and what it can reach.
pub async fn health(state: &AppState) -> Health {
    let now = chrono::Utc::now();
    Health {
        status: "ok",
        timestamp: crate::times::utc(now),
        version: env!("CARGO_PKG_VERSION"),
        uptime_s: (now - state.started_at).num_seconds(),
        checks: look(state).await.checks(state).await,
        buffer: buffer(state),
    }
}

fn buffer(state: &AppState) -> Buffer {
    let (backends, in_memory) = state.records.waiting();
    let time = |at: Option<i64>| at.map(crate::times::text_of);
    Buffer {
        in_memory,
        waiting: backends.values().map(|waiting| waiting.rows).sum(),
        waiting_bytes: backends.values().map(|waiting| waiting.bytes).sum(),
        backends: backends
            .into_iter()
            .map(|(kind, waiting)| BufferOfBackend {
                backend: kind.word(),
                waiting: waiting.rows,
                since: time(waiting.since_ms),
                flushed_at: time(waiting.flushed_at_ms),
                failing: waiting.failure.is_some(),
            })
            .collect(),
    }
}

/// Everything that work needs is usable, as writing to it proves.
///
/// # Errors
/// 503, naming what is not: `read_only`, `not_ready`.
pub async fn ready(state: &AppState) -> Result<Ready> {
    let (database, storage) = tokio::join!(state.store.prove_database(), state.store.prove_storage());
    let outcomes = Outcomes { database, storage };
    let checks = outcomes.checks(state).await;
    let failed: Vec<(&str, Error)> = [("database", outcomes.database), ("storage", outcomes.storage)]
        .into_iter()
        .filter_map(|(name, outcome)| Some((name, outcome.err()?)))
        .collect();
    let Some((_, first)) = failed.first() else { return Ok(Ready { status: "ready", checks }) };
    let (code, message) = match first.kind() {
        // What is mended outside says how.
        ErrorKind::Unavailable => (first.code, first.message.clone()),
        _ => {
            let names: Vec<&str> = failed.iter().map(|(name, _)| *name).collect();
            (codes::NOT_READY, format!("Not ready: {} cannot be used; the log says why.", names.join(" and ")))
        }
    };
    let error = Error::new(code, message).with_retry_after(5);
    Err(failed.into_iter().fold(error, |error, (name, why)| {
        let message = match why.kind() {
            ErrorKind::Internal => format!("{name} cannot be used"),
            _ => why.message,
        };
        error.with_detail(Detail { field: Some(name.to_owned()), message, ..Detail::default() })
    }))
}

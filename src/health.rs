//! Whether the server lives and whether it can work: looks at every store, changes none.

use std::future::Future;
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{Context, Detail, Error, ErrorKind, Result};
use crate::state::AppState;
use crate::store::cache::CacheStats;

/// How one store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// It answered.
    Ok,
    /// It did not; the log says why.
    Failed,
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
}

/// What the process can reach.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Checks {
    /// The metadata database answers, and its schema is this program's.
    pub database: Check,
    /// Session folders can be written.
    pub storage: Check,
    /// Counts of the cache since the start.
    pub cache: CacheCounts,
}

/// Counts of the cache since the start.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CacheCounts {
    /// Answered from memory.
    pub hits_memory: u64,
    /// Answered by Redis.
    pub hits_redis: u64,
    /// Computed.
    pub misses: u64,
    /// Failures of Redis; they fail no request.
    pub errors: u64,
    /// Answers in memory.
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

/// Looks at every store; `write` tries to write a file too, which is dropped at once.
async fn checks(state: &AppState, write: bool) -> Checks {
    let store = &state.store;
    let database = async {
        store.db.ping().await?;
        match store.db.migrations_pending().await? {
            0 => Ok(()),
            pending => Err(Error::internal(format!("{pending} migrations are pending"))),
        }
    };
    let storage = async {
        let metadata = tokio::fs::metadata(store.objects.root()).await.internal("looking at the storage folder")?;
        if !metadata.is_dir() {
            return Err(Error::internal("the storage folder is no folder"));
        }
        store.objects.check_free_space(0)?;
        if write {
            drop(store.objects.stage("").await?);
        }
        Ok(())
    };
    let (database, storage) = tokio::join!(check("database", database), check("storage", storage));
    let CacheStats { hits_memory, hits_redis, misses, errors, entries, bytes, redis_up } = store.cache.stats();
    let cache = CacheCounts { hits_memory, hits_redis, misses, errors, entries, bytes, redis_up };
    Checks { database, storage, cache }
}

async fn check(what: &str, trial: impl Future<Output = Result<()>>) -> Check {
    match tokio::time::timeout(PATIENCE, trial).await {
        Ok(Ok(())) => Check::Ok,
        Ok(Err(error)) => {
            tracing::warn!(what, error = %error, cause = ?std::error::Error::source(&error), "a check failed");
            Check::Failed
        }
        Err(_) => {
            tracing::warn!(what, "a check took longer than {} s", PATIENCE.as_secs());
            Check::Failed
        }
    }
}

/// The process lives, and what it can reach.
pub async fn health(state: &AppState) -> Health {
    let now = chrono::Utc::now();
    Health {
        status: "ok",
        timestamp: now.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        version: env!("CARGO_PKG_VERSION"),
        uptime_s: (now - state.started_at).num_seconds(),
        checks: checks(state, false).await,
    }
}

/// Everything that work needs is usable.
///
/// # Errors
/// 503, naming what is not.
pub async fn ready(state: &AppState) -> Result<Ready> {
    let checks = checks(state, true).await;
    let failed: Vec<&str> = [("database", checks.database), ("storage", checks.storage)]
        .into_iter()
        .filter(|(_, check)| *check == Check::Failed)
        .map(|(name, _)| name)
        .collect();
    if failed.is_empty() {
        return Ok(Ready { status: "ready", checks });
    }
    let message = format!("Not ready: {} cannot be used; the log says why.", failed.join(" and "));
    let error = Error::new(ErrorKind::Unavailable, "not_ready", message).with_retry_after(5);
    Err(failed.into_iter().fold(error, |error, name| {
        error.with_detail(Detail {
            field: Some(name.to_owned()),
            message: format!("{name} cannot be used"),
            ..Detail::default()
        })
    }))
}

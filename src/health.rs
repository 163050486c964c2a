//! Whether the server lives and whether it can work: looks at every store, changes none.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{Detail, Error, ErrorKind, Result};
use crate::state::AppState;

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
    /// Counts of the cache.
    pub cache: BTreeMap<String, u64>,
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

/// Looks at every store.
async fn checks(state: &AppState) -> Checks {
    let _ = state;
    todo!()
}

/// The process lives, and what it can reach.
pub async fn health(state: &AppState) -> Health {
    let now = chrono::Utc::now();
    Health {
        status: "ok",
        timestamp: now.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        version: env!("CARGO_PKG_VERSION"),
        uptime_s: (now - state.started_at).num_seconds(),
        checks: checks(state).await,
    }
}

/// Everything that work needs is usable.
///
/// # Errors
/// 503, naming what is not.
pub async fn ready(state: &AppState) -> Result<Ready> {
    let checks = checks(state).await;
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

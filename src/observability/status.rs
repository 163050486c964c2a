//! How the service is, in short: for people, and for programs that need no more than a word and a few numbers.

use chrono::Utc;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::Result;
use crate::health::{self, Check};
use crate::jobs::{JobStatus, OpenJobs};
use crate::state::AppState;
use crate::times::utc;

/// How the service is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ServiceStatus {
    /// `ok`; `read_only` when nothing can be written; `degraded` when a store does not answer.
    #[schema(example = "ok")]
    pub status: &'static str,
    /// Of this program.
    #[schema(example = "0.1.0")]
    pub version: &'static str,
    /// Which of several processes this is: the setting INSTANCE, else the machine's name.
    #[schema(example = "plant-server")]
    pub instance: String,
    /// UTC.
    #[schema(example = "2026-11-20T08:00:00.000Z")]
    pub started_at: String,
    /// Seconds since then.
    pub uptime_s: i64,
    /// The metadata database.
    pub database: Check,
    /// Where sessions are stored.
    pub storage: Check,
    /// Sessions that are not deleted.
    pub sessions: u64,
    /// Jobs that wait for a worker.
    pub jobs_queued: u64,
    /// Jobs that have one.
    pub jobs_running: u64,
    /// Bytes of published files; a minute old at most.
    pub stored_bytes: u64,
    /// The same by what they are.
    pub stored: StoredBytes,
    /// Bytes that are free there; null where the system cannot say.
    pub free_bytes: Option<u64>,
}

/// Bytes of published files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct StoredBytes {
    /// Reports as they came.
    pub raw: u64,
    /// Parsed versions.
    pub parsed: u64,
    /// Cleaned versions with their quality events.
    pub cleaned: u64,
    /// Models.
    pub models: u64,
}

/// How the service is.
///
/// # Errors
/// When the catalogue cannot be read.
pub async fn status(state: &AppState) -> Result<ServiceStatus> {
    let health::Health { version, uptime_s, checks, .. } = health::health(state).await;
    let status = match (checks.database, checks.storage) {
        (Check::Ok, Check::Ok) => "ok",
        (Check::Failed, _) | (_, Check::Failed) => "degraded",
        _ => "read_only",
    };
    let (sizes, open) = (state.store.sizes().await?, state.jobs.open().await?);
    let jobs =
        |status: JobStatus| open.iter().filter(|jobs| jobs.status == status).map(|jobs: &OpenJobs| jobs.count).sum();
    Ok(ServiceStatus {
        status,
        version,
        instance: state.config.instance.clone(),
        started_at: utc(state.started_at.with_timezone(&Utc)),
        uptime_s,
        database: checks.database,
        storage: checks.storage,
        sessions: sizes.sessions,
        jobs_queued: jobs(JobStatus::Queued),
        jobs_running: jobs(JobStatus::Running),
        stored_bytes: sizes.bytes(),
        stored: StoredBytes {
            raw: sizes.raw_bytes,
            parsed: sizes.parsed_bytes,
            cleaned: sizes.cleaned_bytes,
            models: sizes.model_bytes,
        },
        free_bytes: state.store.objects.free_bytes(),
    })
}

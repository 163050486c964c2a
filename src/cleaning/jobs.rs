//! One cleaning, whatever became of it.

use super::{CleaningJob, store};
use crate::error::{Result, codes};
use crate::sessions::store as sessions;
use crate::state::AppState;
use crate::times::utc;
use hvac_store::entity::WorkStatus;

/// The cleaning of that id.
///
/// # Errors
/// 404 when there is none.
pub async fn get(state: &AppState, id: &str) -> Result<CleaningJob> {
    let row = store::get(state.store.db.read(), id).await?;
    let seen = sessions::session(state.store.db.read(), state.principal(), &row.session_id).await;
    seen.map_err(|error| if error.code == codes::UNKNOWN_SESSION { store::unknown(id) } else { error })?;
    let count = |n: Option<i64>| n.and_then(|n| u64::try_from(n).ok());
    Ok(CleaningJob {
        version: format!("cleaned-v{}", row.version),
        version_number: row.version.unsigned_abs(),
        status: row.status.as_str().to_owned(),
        original_rows: count(row.original_rows),
        cleaned_rows: count(row.cleaned_rows),
        size_bytes: count(row.size_bytes),
        events_count: count(row.events_count),
        integrity: row.integrity.as_str().to_owned(),
        report: Some(row.report).filter(|_| row.status == WorkStatus::Completed),
        created_at: utc(row.created_at),
        started_at: row.started_at.map(utc),
        finished_at: row.finished_at.map(utc),
        job_id: row.id,
        session_id: row.session_id,
        dataset_id: row.dataset_id,
        parameters: row.parameters,
        retention_rate: row.retention_rate,
        sha256: row.sha256,
        cleaner_version: row.cleaner_version,
        error: row.error,
    })
}

//! `session.json`: what the catalogue knows of a session, beside its files.
//!
//! Rewritten after every commit, so that `doctor --rebuild` can make the catalogue from the folders alone.
//! The database is the truth while it is there; a snapshot that could not be written is only reported.

use serde::{Deserialize, Serialize};

use super::store;
use crate::error::{Context, Result};
use crate::state::AppState;
use crate::store::entity::{
    WorkStatus, artefact_version, cleaning_job, model_alias, parsed_dataset, session, site_override, source_file,
    trained_model,
};
use crate::store::paths;

/// Version of the format below; fields are only ever added.
pub const FORMAT_VERSION: u32 = 1;

/// Everything the catalogue knows of one session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The session.
    pub session: session::Model,
    /// Its raw files.
    pub source_files: Vec<source_file::Model>,
    /// Its parsed datasets.
    pub parsed_datasets: Vec<parsed_dataset::Model>,
    /// Its cleaned versions.
    #[serde(default)]
    pub cleaning_jobs: Vec<cleaning_job::Model>,
    /// Models that were made from its data; their files lie below `MODELS_PATH`.
    #[serde(default)]
    pub trained_models: Vec<trained_model::Model>,
    /// Aliases that stand for them.
    #[serde(default)]
    pub model_aliases: Vec<model_alias::Model>,
    /// Its version numbers, used or not.
    #[serde(default)]
    pub versions: Vec<artefact_version::Model>,
    /// What users said of its site's points.
    #[serde(default)]
    pub site_overrides: Vec<site_override::Model>,
}

/// What the catalogue knows now.
///
/// # Errors
/// 404 when there is no such session.
pub async fn of(state: &AppState, session_id: &str) -> Result<Snapshot> {
    let db = state.store.db.read();
    let session = store::session(db, session_id).await?;
    let site_overrides = match &session.site {
        Some(site) => store::override_rows(db, site).await?,
        None => Vec::new(),
    };
    Ok(Snapshot {
        format_version: FORMAT_VERSION,
        source_files: store::source_files(db, session_id).await?,
        parsed_datasets: store::parsed_datasets(db, session_id).await?,
        cleaning_jobs: completed(store::cleaning_jobs(db, session_id).await?),
        trained_models: store::models(db, session_id, &[WorkStatus::Completed]).await?,
        model_aliases: store::model_aliases(db, session_id).await?,
        versions: store::versions(db, session_id).await?,
        session,
        site_overrides,
    })
}

/// Those that made a version: the others are no data, and a rebuilt catalogue has no job that would go on with them.
fn completed(mut jobs: Vec<cleaning_job::Model>) -> Vec<cleaning_job::Model> {
    jobs.retain(|job| job.status == WorkStatus::Completed);
    jobs
}

/// Rewrites the session's `session.json`, one at a time so that an older state never replaces a newer one.
pub async fn write(state: &AppState, session_id: &str) {
    static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _guard = ONE_AT_A_TIME.lock().await;
    let written = async {
        let snapshot = of(state, session_id).await?;
        let json = serde_json::to_vec(&snapshot).internal("writing session.json")?;
        state.store.objects.put_atomic(&paths::session_json(session_id), json).await
    };
    if let Err(error) = written.await {
        tracing::warn!(session_id, %error, "session.json was not rewritten; `doctor --repair` does it");
    }
}

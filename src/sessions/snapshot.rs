//! `session.json`: what the catalogue knows of a session, beside its files.
//!
//! Rewritten after every commit, so that `doctor --rebuild` can make the catalogue from the folders alone.
//! The database is the truth while it is there; a snapshot that could not be written is only reported.

use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};

use super::store;
use crate::error::{Context, Error, Result};
use crate::state::AppState;
use crate::store::entity::{
    WorkStatus, artefact_version, cleaning_job, model_alias, parsed_dataset, session, site_override, source_file,
    trained_model,
};
use crate::store::paths;
use crate::store::staged::Finished;

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
    Ok(Snapshot {
        format_version: FORMAT_VERSION,
        site_overrides: site_overrides(db, &session).await?,
        source_files: store::source_files(db, session_id).await?,
        parsed_datasets: store::parsed_datasets(db, session_id).await?,
        cleaning_jobs: completed(store::cleaning_jobs(db, session_id).await?),
        trained_models: store::models(db, session_id, &[WorkStatus::Completed]).await?,
        model_aliases: store::model_aliases(db, session_id).await?,
        versions: store::versions(db, session_id).await?,
        session,
    })
}

async fn site_overrides(db: &impl ConnectionTrait, session: &session::Model) -> Result<Vec<site_override::Model>> {
    match &session.site {
        Some(site) => store::override_rows(db, site).await,
        None => Ok(Vec::new()),
    }
}

/// Those that made a version: the others are no data, and a rebuilt catalogue has no job that would go on with them.
fn completed(mut jobs: Vec<cleaning_job::Model>) -> Vec<cleaning_job::Model> {
    jobs.retain(|job| job.status == WorkStatus::Completed);
    jobs
}

/// What the catalogue is going to know of a session that nobody else knows yet: the rows of its first parse.
///
/// # Errors
/// When the database cannot be read.
pub async fn first(
    txn: &impl ConnectionTrait,
    session: session::Model,
    mut source_files: Vec<source_file::Model>,
    dataset: parsed_dataset::Model,
    version: artefact_version::Model,
) -> Result<Snapshot> {
    source_files.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    Ok(Snapshot {
        format_version: FORMAT_VERSION,
        site_overrides: site_overrides(txn, &session).await?,
        session,
        source_files,
        parsed_datasets: vec![dataset],
        cleaning_jobs: Vec::new(),
        trained_models: Vec::new(),
        model_aliases: Vec::new(),
        versions: vec![version],
    })
}

/// The `session.json` of such a session, durable, but without its name until the session is committed.
pub struct Prepared {
    session_id: String,
    staged: Result<Finished>,
}

/// Writes what the catalogue is going to know.
pub async fn prepare(state: &AppState, snapshot: &Snapshot) -> Prepared {
    let session_id = snapshot.session.id.clone();
    let staging = async {
        let json = serde_json::to_vec(snapshot).internal("writing session.json")?;
        let mut staged = state.store.objects.stage(&paths::session_dir(&session_id)).await?;
        staged.write(json.into()).await?;
        staged.finish().await
    };
    let staged = staging.await;
    Prepared { session_id, staged }
}

impl Prepared {
    /// Gives it its name. One that is there already is newer, and stays.
    pub async fn publish(self) {
        let key = paths::session_json(&self.session_id);
        let published = async { self.staged?.publish(&key).await };
        if let Err(error) = published.await
            && error.code != "already_published"
        {
            not_written(&self.session_id, &error);
        }
    }
}

fn not_written(session_id: &str, error: &Error) {
    tracing::warn!(session_id, %error, "session.json was not rewritten; `doctor --repair` does it");
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
        not_written(session_id, &error);
    }
}

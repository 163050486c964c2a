//! `session.json`: what the catalogue knows of a session, beside its files.
//!
//! Rewritten after every commit and before the answer, so that `doctor --rebuild` can make the catalogue from the folders
//! alone: what it does not know was never acknowledged. It tells its revision, which the database raises with each
//! change; where the two differ (a crash, a full disk), [`catch_up`] rewrites it. The database is the truth while it is
//! there, unless the file is of a later revision: then it is the database that is old, and nothing is rewritten unasked.

use std::collections::BTreeMap;
use std::io::Read;

use super::{manifest, revisions, store};
use crate::error::{Context, Error, ErrorKind, Result, codes};
use crate::principal::Principal;
use crate::state::AppState;
use hvac_store::entity::{
    ReportText, cleaning_job, energy_price, model_alias, parsed_dataset, report_override, session, site_override,
    source_file, trained_model, version,
};
use hvac_store::objects::Objects;
use hvac_store::staged::Finished;
use hvac_store::{paths, versions};
use sea_orm::ConnectionTrait;

/// Files that are found up to date before that is noted: noting waits for the disk.
const NOTED_AT_ONCE: usize = 32;

/// The rows of one session that its `session.json` is made of, and that a catalogue is made of again: what is large and
/// stands in a file beside it is left out ([`manifest::document`]).
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The catalogue's when this was read.
    pub revision: i64,
    /// The session.
    pub session: session::Model,
    /// Its raw files.
    pub source_files: Vec<source_file::Model>,
    /// Its parsed datasets, without columns and options where their files tell them.
    pub parsed_datasets: Vec<parsed_dataset::Model>,
    /// By dataset: what a parse found whose file does not tell it.
    pub reports: BTreeMap<String, ReportText>,
    /// Its cleaned versions, likewise.
    pub cleaning_jobs: Vec<cleaning_job::Model>,
    /// Models that were made from its data, likewise.
    pub trained_models: Vec<trained_model::Model>,
    /// Aliases that stand for them.
    pub model_aliases: Vec<model_alias::Model>,
    /// Its version numbers, all of them or those that stand for no version.
    pub versions: Vec<version::Model>,
    /// What users said of its site's points.
    pub site_overrides: Vec<site_override::Model>,
    /// What users said of its site's reports.
    pub report_overrides: Vec<report_override::Model>,
    /// What users said that electricity costs at its site.
    pub energy_price: Option<energy_price::Model>,
}

impl Snapshot {
    /// Of a session of which nothing else is known.
    #[must_use]
    pub fn of(session: session::Model) -> Self {
        Self {
            revision: 0,
            session,
            source_files: Vec::new(),
            parsed_datasets: Vec::new(),
            reports: BTreeMap::new(),
            cleaning_jobs: Vec::new(),
            trained_models: Vec::new(),
            model_aliases: Vec::new(),
            versions: Vec::new(),
            site_overrides: Vec::new(),
            report_overrides: Vec::new(),
            energy_price: None,
        }
    }
}

/// What the catalogue knows now.
///
/// # Errors
/// 404 when there is no such session.
pub async fn of(state: &AppState, session_id: &str) -> Result<Snapshot> {
    read(state.store.db.read(), session_id).await
}

/// What a catalogue knows, by that connection or within that transaction.
///
/// # Errors
/// As [`of`].
pub async fn read(db: &impl ConnectionTrait, session_id: &str) -> Result<Snapshot> {
    // Before the rest: what is committed meanwhile has a later one, and its own writer.
    let revision = revisions::of(db, session_id).await?;
    let session = store::session(db, &Principal::program(), session_id).await?;
    Ok(Snapshot {
        revision,
        site_overrides: site_overrides(db, &session).await?,
        report_overrides: report_overrides(db, &session).await?,
        energy_price: energy_price(db, &session).await?,
        source_files: store::source_files(db, session_id).await?,
        parsed_datasets: store::slim::parsed_datasets(db, session_id).await?,
        reports: store::slim::reports(db, session_id).await?,
        cleaning_jobs: store::slim::completed_cleanings(db, session_id).await?,
        trained_models: store::slim::completed_models(db, session_id).await?,
        model_aliases: store::model_aliases(db, session_id).await?,
        versions: versions::without_version(db, session_id).await?,
        session,
    })
}

async fn site_overrides(db: &impl ConnectionTrait, session: &session::Model) -> Result<Vec<site_override::Model>> {
    match &session.site {
        Some(site) => store::override_rows(db, site).await,
        None => Ok(Vec::new()),
    }
}

async fn report_overrides(db: &impl ConnectionTrait, session: &session::Model) -> Result<Vec<report_override::Model>> {
    match &session.site {
        Some(site) => store::remembered::rows(db, site).await,
        None => Ok(Vec::new()),
    }
}

async fn energy_price(db: &impl ConnectionTrait, session: &session::Model) -> Result<Option<energy_price::Model>> {
    match &session.site {
        Some(site) => store::prices::of(db, site).await,
        None => Ok(None),
    }
}

/// What the catalogue is going to know of a session that nobody else knows yet: the rows of its first parse, all but
/// that of the dataset written already.
///
/// # Errors
/// When the database cannot be read.
pub async fn first(
    txn: &impl ConnectionTrait,
    session: session::Model,
    mut source_files: Vec<source_file::Model>,
    dataset: parsed_dataset::Model,
    version: version::Model,
) -> Result<Snapshot> {
    source_files.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    Ok(Snapshot {
        revision: revisions::of(txn, &session.id).await?,
        site_overrides: site_overrides(txn, &session).await?,
        report_overrides: report_overrides(txn, &session).await?,
        energy_price: energy_price(txn, &session).await?,
        source_files,
        parsed_datasets: vec![dataset],
        versions: vec![version],
        ..Snapshot::of(session)
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
        let json = serde_json::to_vec(&manifest::written(snapshot)).internal("writing session.json")?;
        let mut staged = state.store.objects.stage(&paths::session_dir(&session_id)).await?;
        staged.write(json.into()).await?;
        staged.finish().await
    };
    let staged = staging.await;
    Prepared { session_id, staged }
}

impl Prepared {
    /// Gives it its name. One that is there already is newer, and stays.
    ///
    /// # Errors
    /// As [`write`].
    pub async fn publish(self) -> Result<()> {
        let key = paths::session_json(&self.session_id);
        match async { self.staged?.publish(&key).await }.await {
            Err(error) if error.code != codes::ALREADY_PUBLISHED => Err(not_written(&self.session_id, error)),
            _ => Ok(()),
        }
    }
}

/// The change is committed, so this is no failure of it; but nobody is told that it lasts before it does.
fn not_written(session_id: &str, error: Error) -> Error {
    tracing::warn!(session_id, %error, "session.json was not rewritten; it is tried again");
    let code = if error.kind() == ErrorKind::Internal { codes::MANIFEST_NOT_WRITTEN } else { error.code };
    let message = format!(
        "The change is made, but session.json in the folder of session {session_id} could not be rewritten: {}. It is \
         tried again by itself; see to the disk and the rights of DATA_STORAGE_PATH.",
        error.message.trim_end_matches('.')
    );
    Error::new(code, message).with_retry_after(10).with_source(error)
}

/// Makes sure that the session's `session.json` says, durably, what the catalogue knows.
///
/// # Errors
/// 503 when it cannot be written; the change that it is about stays, and it is tried again.
pub async fn write(state: &AppState, session_id: &str) -> Result<()> {
    put(state, session_id, false).await.map_err(|error| not_written(session_id, error))
}

/// As [`write`], where the work has failed already, or been answered: what cannot be written is tried again later.
pub async fn write_soon(state: &AppState, session_id: &str) {
    // The log has it.
    let _ = write(state, session_id).await;
}

/// Rewrites the session's `session.json`, whatever it says of itself.
///
/// # Errors
/// As [`write`].
pub async fn rewrite(state: &AppState, session_id: &str) -> Result<()> {
    put(state, session_id, true).await.map_err(|error| not_written(session_id, error))
}

/// One at a time in this process, and for one session among all: an older state never replaces a newer one.
async fn put(state: &AppState, session_id: &str, anew: bool) -> Result<()> {
    static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _guard = ONE_AT_A_TIME.lock().await;
    let (objects, key) = (state.store.objects.clone(), paths::session_json(session_id));
    let folder = paths::session_dir(session_id);
    let looking = tokio::task::spawn_blocking(move || (objects.lock_folder(&folder), written_revision(&objects, &key)));
    let (_lock, written) = looking.await.internal("looking at session.json")?;
    let revision = revisions::of(state.store.db.read(), session_id).await?;
    if !anew && revision > 0 && written == Some(revision) {
        return Ok(());
    }
    let snapshot = match of(state, session_id).await {
        // Purged meanwhile.
        Err(error) if error.code == codes::UNKNOWN_SESSION => return Ok(()),
        snapshot => snapshot?,
    };
    let key = paths::session_json(session_id);
    if written.is_some_and(|written| written > snapshot.revision) {
        let (objects, key) = (state.store.objects.clone(), key.clone());
        let trash =
            tokio::task::spawn_blocking(move || objects.trash(&key)).await.internal("setting a file aside")??;
        tracing::warn!(session_id, trash, "session.json was of a later revision than the database; it is set aside");
    }
    let json = serde_json::to_vec(&manifest::written(&snapshot)).internal("writing session.json")?;
    state.store.objects.put_atomic(&key, json).await
}

/// The revision that the file says it is of; none when there is no file, 0 when it does not say.
fn written_revision(objects: &Objects, key: &str) -> Option<i64> {
    let mut head = Vec::with_capacity(64);
    objects.file(key).ok()?.take(64).read_to_end(&mut head).ok()?;
    let head = String::from_utf8_lossy(&head);
    let told = head.strip_prefix("{\"format_version\":").and_then(|rest| rest.split_once(",\"revision\":"));
    let digits = told.and_then(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next());
    Some(digits.and_then(|digits| digits.parse().ok()).unwrap_or_default())
}

/// Rewrites the `session.json` files that are behind the catalogue: of a process that died between a commit and the
/// file, or could not write it. Files are asked first: that they are of the last revision is noted here, some time
/// later, since no answer waits for that.
///
/// # Errors
/// When the database cannot be read. What cannot be written is logged, and stays to be done.
pub async fn catch_up(state: &AppState) -> Result<()> {
    let behind = revisions::behind(state.store.db.read()).await?;
    let mut settled = Vec::new();
    for (session_id, revision) in behind {
        let written = written_revision(&state.store.objects, &paths::session_json(&session_id));
        if written.is_some_and(|written| written > revision) {
            tracing::warn!(
                session_id,
                "session.json knows more than the database: was an older database put back? It is left as it is; \
                 `doctor --repair` makes it say what the database knows"
            );
        } else if written == Some(revision) || write(state, &session_id).await.is_ok() {
            settled.push((session_id, revision));
        }
    }
    // A few cost less to look at again than to note.
    if settled.len() < NOTED_AT_ONCE {
        return Ok(());
    }
    let txn = state.store.db.begin().await?;
    revisions::note_written(&txn, &settled).await?;
    txn.commit().await.internal("noting which session.json files are up to date")
}

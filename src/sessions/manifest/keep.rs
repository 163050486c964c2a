//! Keeping `session.json` in step with the catalogue.
//!
//! Rewritten after every commit and before the answer, so that `doctor --rebuild` can make the catalogue from the folders
//! alone: what it does not know was never acknowledged. It tells its revision, which the database raises with each
//! change; where the two differ (a crash, a full disk), [`catch_up`] rewrites it. The database is the truth while it is
//! there, unless the file is of a later revision: then it is the database that is old, and nothing is rewritten unasked.

use std::io::Read;

use super::written;
use crate::error::{Context, Error, ErrorKind, Result, codes};
use crate::sessions::revisions;
use crate::sessions::snapshot::{self, Snapshot};
use crate::state::AppState;
use hvac_store::objects::Objects;
use hvac_store::paths;
use hvac_store::staged::Finished;

/// Files that are found up to date before that is noted: noting waits for the disk.
const NOTED_AT_ONCE: usize = 32;

/// The `session.json` of such a session, durable, but without its name until the session is committed.
pub struct Prepared {
    session_id: String,
    staged: Result<Finished>,
}

/// Writes what the catalogue is going to know.
pub async fn prepare(state: &AppState, snapshot: &Snapshot) -> Prepared {
    let session_id = snapshot.session.id.clone();
    let staging = async {
        let json = serde_json::to_vec(&written(snapshot)).internal("writing session.json")?;
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
    let (_lock, told) = looking.await.internal("looking at session.json")?;
    let revision = revisions::of(state.store.db.read(), session_id).await?;
    if !anew && revision > 0 && told == Some(revision) {
        return Ok(());
    }
    let snapshot = match snapshot::of(state, session_id).await {
        // Purged meanwhile.
        Err(error) if error.code == codes::UNKNOWN_SESSION => return Ok(()),
        snapshot => snapshot?,
    };
    let key = paths::session_json(session_id);
    if told.is_some_and(|told| told > snapshot.revision) {
        let (objects, key) = (state.store.objects.clone(), key.clone());
        let trash =
            tokio::task::spawn_blocking(move || objects.trash(&key)).await.internal("setting a file aside")??;
        tracing::warn!(session_id, trash, "session.json was of a later revision than the database; it is set aside");
    }
    let json = serde_json::to_vec(&written(&snapshot)).internal("writing session.json")?;
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
        let told = written_revision(&state.store.objects, &paths::session_json(&session_id));
        if told.is_some_and(|told| told > revision) {
            tracing::warn!(
                session_id,
                "session.json knows more than the database: was an older database put back? It is left as it is; \
                 `doctor --repair` makes it say what the database knows"
            );
        } else if told == Some(revision) || write(state, &session_id).await.is_ok() {
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

//! The reservation of a version while it is made: a database lease, since another process may ask too.

use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::store;
use crate::error::{Context, Result};
use crate::state::AppState;
use crate::store::db::Transaction;
use crate::store::entity::{ArtefactKind, VersionState, artefact_version};

/// The code of the error that says so.
pub(super) const UNDER_WAY: &str = "parse_under_way";

/// Reservations that were given up while nothing could be written, a full disk for instance: whoever reserves next says
/// so first. Other processes wait for their leases to lapse.
static UNRELEASED: Mutex<Vec<artefact_version::Model>> = Mutex::new(Vec::new());

fn unreleased() -> MutexGuard<'static, Vec<artefact_version::Model>> {
    UNRELEASED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reserves the next version. A job that is begun again keeps the number it had reserved before its process died.
pub(super) async fn reserve(state: &AppState, session_id: &str, job: Option<&str>) -> Result<artefact_version::Model> {
    let owner = job.map_or_else(|| format!("process {}", std::process::id()), store::owner_job);
    let given_up = unreleased().clone();
    let txn = state.store.db.begin().await?;
    // It may have been deleted or purged since the parse began.
    store::live_session(&txn, session_id).await?;
    for reservation in given_up.iter().filter(|r| r.session_id == session_id) {
        store::settle(&txn, reservation.clone(), VersionState::Abandoned).await?;
    }
    let reserved = store::reserve(&txn, session_id, ArtefactKind::Parsed, &owner).await?;
    txn.commit().await.internal("reserving a version")?;
    unreleased().retain(|r| r.session_id != session_id || given_up.iter().all(|gone| gone.id != r.id));
    crate::store::crash::point("parse.reserved");
    Ok(reserved)
}

pub(super) async fn release(state: &AppState, reserved: artefact_version::Model) {
    let released = async {
        let txn = state.store.db.begin().await?;
        store::settle(&txn, reserved.clone(), VersionState::Abandoned).await?;
        txn.commit().await.internal("releasing a version")
    };
    if let Err(error) = released.await {
        tracing::warn!(%error, "a reservation was not released; the next parse of the session does it, or it lapses by itself");
        unreleased().push(reserved);
    }
}

/// What holds a reservation for another lease, in a transaction.
pub(crate) type Beat<'a> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

/// Holds a reservation while the work goes on; stops when dropped.
pub(crate) struct Heartbeat(tokio::task::JoinHandle<()>);

impl Heartbeat {
    pub(crate) fn start(state: &AppState, reservation_id: &str) -> Self {
        let id = reservation_id.to_owned();
        Self::of(state, move |txn| {
            let id = id.clone();
            Box::pin(async move { store::heartbeat(txn, &id).await })
        })
    }

    /// The same for a reservation of another table.
    pub(crate) fn of(
        state: &AppState,
        beat: impl for<'a> Fn(&'a Transaction) -> Beat<'a> + Send + Sync + 'static,
    ) -> Self {
        let state = state.clone();
        let every = (store::LEASE / 4).to_std().unwrap_or_default();
        Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                let held = async {
                    let txn = state.store.db.begin().await?;
                    beat(&txn).await?;
                    txn.commit().await.internal("holding a reservation")
                };
                if let Err(error) = held.await {
                    tracing::warn!(%error, "a reservation could not be held");
                }
            }
        }))
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.0.abort();
    }
}

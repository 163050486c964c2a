//! Who does the jobs: the loops that take them from the queue, and the one match from a job's kind to its feature.

use std::sync::Arc;

use crate::accounts;
use crate::cleaning;
use crate::error::{Error, Result};
#[cfg(debug_assertions)]
use crate::jobs::probe::Probe;
use crate::jobs::{Claimed, Ended, Job, JobContext, JobKind, POLL, Transaction};
use crate::sessions;
use crate::state::AppState;
use crate::training;

/// Jobs at once: two, so that a long one keeps no short one waiting; each may use all cores and its own memory bound.
const WORKERS: usize = 2;

/// The one match: does a job.
async fn work(state: &AppState, job: &Job, context: &JobContext) -> Result<()> {
    match JobKind::of(&job.kind)? {
        JobKind::Parse => sessions::job::run(state, job.payload()?, context).await,
        JobKind::Clean => cleaning::run::run(state, context).await,
        JobKind::Train => training::run::run(state, context).await,
        #[cfg(debug_assertions)]
        JobKind::Probe => job.payload::<Probe>()?.run(&state.store, context).await,
    }
}

/// The other half of it: a job has ended (completed, failed, cancelled, also while queued, also because its process
/// died too often). In the transaction that says so, where a feature that keeps a row for the job keeps it in step.
pub const ENDED: Ended = |txn, job| Box::pin(ended(txn, job));

async fn ended(txn: &Transaction, job: &Job) -> Result<()> {
    // A kind of another version of this program is not ours to keep in step.
    let Ok(kind) = JobKind::of(&job.kind) else { return Ok(()) };
    match kind {
        // A parse has no row before it is done.
        JobKind::Parse => Ok(()),
        JobKind::Clean => cleaning::run::ended(txn, job).await,
        JobKind::Train => training::run::ended(txn, job).await,
        #[cfg(debug_assertions)]
        JobKind::Probe => Ok(()),
    }
}

/// Starts this process' workers; they end when `state.jobs` is stopped. None where nothing can be written.
pub fn start(state: &AppState) {
    if state.store.is_read_only() {
        return;
    }
    for _ in 0..WORKERS {
        let state = state.clone();
        state.tasks.clone().spawn(async move {
            while let Some(claimed) = state.jobs.next().await {
                carry_out(&state, claimed).await;
            }
        });
    }
}

async fn carry_out(state: &AppState, claimed: Claimed) {
    let state_of_work = state.clone();
    let doing = |job: Job, context: JobContext| async move {
        // It sees what its asker sees.
        let asker = accounts::known::asker(&state_of_work, job.account_id.as_deref()).await?;
        work(&state_of_work.asked_by(Arc::new(asker)), &job, &context).await
    };
    state.jobs.carry_out(claimed, doing).await;
}

/// Does that very job in this process, for a command without a server; waits for it if another process was faster.
/// `watched` sees the job whenever it changed. Ctrl-C cancels it; a second one ends the process.
///
/// # Errors
/// 404 when there is no such job; when the database cannot be used. How the job ended is in the job.
pub async fn run_here(state: &AppState, id: &str, mut watched: impl FnMut(&Job)) -> Result<Job> {
    let doing = async {
        loop {
            if let Some(claimed) = state.jobs.claim(Some(id)).await? {
                carry_out(state, claimed).await;
            }
            let job = state.jobs.get(id).await?;
            if job.has_ended() {
                return Ok::<Job, Error>(job);
            }
            // It is tried again later, or another process has it.
            tokio::time::sleep(POLL).await;
        }
    };
    let watching = async {
        let mut watch = state.jobs.watch(id);
        loop {
            watch.changed().await;
            if let Ok(job) = state.jobs.get(id).await {
                watched(&job);
            }
        }
    };
    tokio::select! {
        job = doing => job,
        () = watching => state.jobs.get(id).await,
        () = cancel_on_ctrl_c(state, id) => state.jobs.get(id).await,
    }
}

async fn cancel_on_ctrl_c(state: &AppState, id: &str) {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
    if let Err(error) = state.jobs.cancel(state.principal(), id).await {
        tracing::warn!(%error, "the job was not cancelled");
    }
    let _ = tokio::signal::ctrl_c().await;
    // 128 + SIGINT, as a shell expects.
    std::process::exit(130);
}

//! What a feature gets while it does a job: where to tell how far it is, and whether to go on.
//!
//! Everything a feature calls here is cheap and works from any thread; the database is written by
//! `run.rs` beside the work.

use std::sync::{Arc, OnceLock};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Job;
use super::store::{self, Held};
use crate::error::{Error, Result, codes};
use hvac_store::db::Transaction;

/// Why work should stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// Somebody asked for it.
    Cancelled,
    /// The lease lapsed and somebody else has the job.
    Lost,
    /// This process is ending.
    Stopping,
}

/// How far a job has come, as it was told last: 0…1 and a few words.
pub(super) type Told = Option<(f64, String)>;

/// A job under way. Cheap to clone.
#[derive(Clone, Debug)]
pub struct JobContext(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    job_id: String,
    owner: String,
    stop: CancellationToken,
    why: OnceLock<Stop>,
    told: watch::Sender<Told>,
}

impl JobContext {
    pub(super) fn new(job: &Job, owner: String) -> (Self, watch::Receiver<Told>) {
        let (told, latest) = watch::channel(None);
        let inner = Inner { job_id: job.id.clone(), owner, stop: CancellationToken::new(), why: OnceLock::new(), told };
        (Self(Arc::new(inner)), latest)
    }

    /// The job's id, which is also that of what it makes.
    #[must_use]
    pub fn job_id(&self) -> &str {
        &self.0.job_id
    }

    /// Tells how far the work has come (0…1) and what it is doing. May be called as often as wanted: a few a second
    /// are written, the last one always.
    pub fn progress(&self, fraction: f64, message: impl Into<String>) {
        let fraction = if fraction.is_finite() { fraction.clamp(0.0, 1.0) } else { 0.0 };
        self.0.told.send_replace(Some((fraction, message.into())));
    }

    /// Whether the work should stop at its next step: cancelled, taken over by somebody else, or the process ends.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.stop.is_cancelled()
    }

    /// Ready when [`is_cancelled`](Self::is_cancelled).
    pub async fn cancelled(&self) {
        self.0.stop.cancelled().await;
    }

    /// `context.check()?` between two steps.
    ///
    /// # Errors
    /// 409 `job_cancelled` when the work should stop.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(cancelled()) } else { Ok(()) }
    }

    /// Whether the job is still this worker's and wanted. In the transaction that publishes the outcome: then nobody
    /// who took the job over can publish it too.
    ///
    /// # Errors
    /// 409 `job_cancelled`, also when the lease was lost; when the database cannot be read.
    pub async fn confirm(&self, txn: &Transaction) -> Result<()> {
        match store::held(txn, &self.0.job_id, &self.0.owner).await? {
            Held::Yes => Ok(()),
            Held::CancelRequested => {
                self.stop(Stop::Cancelled);
                Err(cancelled())
            }
            Held::No => {
                self.stop(Stop::Lost);
                Err(cancelled())
            }
        }
    }

    pub(super) fn owner(&self) -> &str {
        &self.0.owner
    }

    /// The first reason counts.
    pub(super) fn stop(&self, why: Stop) {
        let _ = self.0.why.set(why);
        self.0.stop.cancel();
    }

    pub(super) fn why_stopped(&self) -> Option<Stop> {
        self.0.why.get().copied()
    }
}

pub(super) fn cancelled() -> Error {
    Error::new(codes::JOB_CANCELLED, "the job was asked to stop and did")
}

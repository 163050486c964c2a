//! Durable work: a queue in the metadata database. Knows no feature; `worker.rs` does.
//!
//! A job is a row, enqueued in its caller's transaction, so that work and what it is about exist together or
//! not at all. Whoever works on it holds it by a lease (a token and a time, renewed by a heartbeat), never by
//! an open transaction, which would block every writer of SQLite. Servers and commands share the database, so
//! everything goes through it; within a process, waiters are woken at once, else they look every [`POLL`].
//!
//! A job may be carried out more than once (a process can die after the work and before saying so): a feature
//! makes its outcome idempotent by the job's id, and asks [`JobContext::confirm`] before it commits.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

use crate::audit::{self, Act};
use crate::error::{Context, Error, Result, codes};
use crate::events::Events;
use crate::limits::Paging;
use crate::principal::Principal;
pub use hvac_store::db::Transaction;
pub use hvac_store::entity::{JobEventKind, WorkStatus as JobStatus};
use hvac_store::{Store, new_id, now};

pub mod context;
pub mod failure;
mod metrics;
#[cfg(debug_assertions)]
pub mod probe;
mod publish;
mod run;
mod store;

pub use context::JobContext;
pub(crate) use metrics::begin_at_zero;
pub use store::enqueue;

/// How long a worker holds a job without a heartbeat: long enough for a machine that swaps, short enough for a
/// user who waits for a job whose process was killed beside another.
pub const LEASE: TimeDelta = TimeDelta::seconds(30);
/// How often waiters and idle workers look for what other processes did.
pub const POLL: Duration = Duration::from_secs(1);
/// How often a job is begun before it is given up.
pub const ATTEMPTS: i32 = 3;
/// Pauses before the second and the third attempt: a busy database is free in a second, a full disk or a lost
/// network drive sometimes in a few.
pub const BACKOFF: [TimeDelta; 2] = [TimeDelta::seconds(1), TimeDelta::seconds(4)];
/// Least time between two progress events of a job: five a second move a bar, and each is a durable commit.
pub const PROGRESS_PAUSE: Duration = Duration::from_millis(200);
/// Events beyond this many are forgotten, the oldest first, once their job has ended.
pub const EVENTS_KEPT: i64 = 50_000;

/// Which work. A closed list; `worker.rs` has the one match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobKind {
    /// Reports become a dataset.
    Parse,
    /// A dataset becomes a cleaned version.
    Clean,
    /// A dataset becomes a model.
    Train,
    /// Sleeps, fails or dies as its payload says. For tests: not in a release build.
    #[cfg(debug_assertions)]
    Probe,
}

impl JobKind {
    /// All of this build.
    pub const ALL: &[Self] = &[
        Self::Parse,
        Self::Clean,
        Self::Train,
        #[cfg(debug_assertions)]
        Self::Probe,
    ];

    /// The word as it stands in the database and in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Parse => "parse",
            Self::Clean => "clean",
            Self::Train => "train",
            #[cfg(debug_assertions)]
            Self::Probe => "probe",
        }
    }

    /// The kind of that name.
    ///
    /// # Errors
    /// 422 naming those there are.
    pub fn of(word: &str) -> Result<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|kind| kind.as_str()).collect();
            let message = format!("kind: '{word}' is no kind of job; there are {}", known.join(", "));
            Error::invalid("kind", codes::UNKNOWN_JOB_KIND, message)
        })
    }
}

/// Work to be done.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// UUID v7, given by the caller: also the id of what the job makes.
    pub id: String,
    /// Which work.
    pub kind: JobKind,
    /// What it needs to know.
    pub payload: Value,
    /// Which session it is about.
    pub session_id: Option<String>,
    /// Whose it is.
    pub account_id: Option<String>,
}

/// A job as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// UUID v7.
    pub id: String,
    /// A [`JobKind`]'s word; another program's jobs may have others.
    pub kind: String,
    /// What it needs to know.
    pub payload: Value,
    /// How far it has come.
    pub status: JobStatus,
    /// How often it was begun.
    pub attempts: u32,
    /// 0…1.
    pub progress: f64,
    /// What it is doing, or did last.
    pub message: Option<String>,
    /// Whether somebody asked for its end.
    pub cancel_requested: bool,
    /// Why it failed.
    pub failure: Option<failure::Failure>,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
    /// When it was first begun.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Whose it is; none: everyone's.
    pub account_id: Option<String>,
    /// Which session it is about.
    pub session_id: Option<String>,
}

impl Job {
    /// What it needs to know, typed.
    ///
    /// # Errors
    /// Internal when it is of another shape.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_value(self.payload.clone()).internal("reading a job's payload")
    }

    /// Whether nothing will change any more.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.status, JobStatus::Completed | JobStatus::Failed | JobStatus::Cancelled)
    }

    /// What an ended job came to: for callers that answer with its result.
    ///
    /// # Errors
    /// The error it failed with, as it was; 409 `job_cancelled`.
    pub fn outcome(&self) -> Result<()> {
        match (self.status, &self.failure) {
            (JobStatus::Failed, Some(failure)) => Err(failure.to_error()),
            (JobStatus::Failed, None) => Err(Error::internal(format!("job {} failed", self.id))),
            (JobStatus::Cancelled, _) => {
                Err(Error::new(codes::JOB_CANCELLED, "the job was cancelled; ask again to do it"))
            }
            _ => Ok(()),
        }
    }
}

/// A change of a job's status, or how far it had come.
#[derive(Debug, Clone, PartialEq)]
pub struct JobEvent {
    /// Grows; none for one that is told from the job's row.
    pub id: Option<i64>,
    /// When.
    pub at: DateTime<Utc>,
    /// Which of the two.
    pub event: JobEventKind,
    /// The job's status since.
    pub status: JobStatus,
    /// 0…1.
    pub progress: f64,
    /// What it was doing, or why it changed.
    pub message: Option<String>,
}

/// Jobs of a kind that wait for a worker, or have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenJobs {
    /// A [`JobKind`]'s word.
    pub kind: String,
    /// `queued` or `running`.
    pub status: JobStatus,
    /// How many.
    pub count: u64,
}

/// Which jobs to list.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// Only these.
    pub status: Option<JobStatus>,
    /// Only these.
    pub kind: Option<JobKind>,
}

/// Called in the transaction that ends a job, however it ends: where a feature keeps its own row in step.
pub type Ended = for<'a> fn(&'a Transaction, &'a Job) -> Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

/// A job that this process holds by a lease.
#[derive(Debug)]
pub struct Claimed {
    job: Job,
    owner: String,
}

/// The queue. Cheap to clone.
#[derive(Clone)]
pub struct Jobs {
    store: Store,
    ended: Ended,
    work: Arc<Notify>,
    changed: broadcast::Sender<Arc<str>>,
    stopping: CancellationToken,
    events: Events,
}

impl Jobs {
    /// The queue in that store.
    #[must_use]
    pub fn new(store: Store, ended: Ended, events: Events) -> Self {
        let (changed, _) = broadcast::channel(256);
        Self { store, ended, work: Arc::new(Notify::new()), changed, stopping: CancellationToken::new(), events }
    }

    /// Tells this process' workers that there is work; call it after the commit of [`enqueue`].
    pub fn wake(&self) {
        self.work.notify_one();
    }

    /// No worker takes another job; those at work get a while to end, then the job goes back to the queue.
    pub fn stop(&self) {
        self.stopping.cancel();
    }

    /// Ready once [`stop`](Self::stop) was called.
    pub async fn stopped(&self) {
        self.stopping.cancelled().await;
    }

    /// The job, if it is seen: its own asker sees it, and whoever sees the session that it is about.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn seen(&self, principal: &Principal, id: &str) -> Result<Job> {
        store::seen(self.store.db.read(), principal, id).await
    }

    /// The job.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn get(&self, id: &str) -> Result<Job> {
        store::get(self.store.db.read(), id).await
    }

    /// How many match and are seen, and one page of them, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn list(&self, principal: &Principal, filter: &JobFilter, paging: Paging) -> Result<(u64, Vec<Job>)> {
        store::list(self.store.db.read(), principal, filter, paging).await
    }

    /// How many jobs wait for a worker or have one, of all processes on the store.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn open(&self) -> Result<Vec<OpenJobs>> {
        store::open(self.store.db.read()).await
    }

    /// What became of the job after that event, oldest first, at most 500.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn events(&self, id: &str, after: i64) -> Result<Vec<JobEvent>> {
        store::events(self.store.db.read(), id, after).await
    }

    /// Ends a queued job at once; asks a running one to stop at its next step. Twice is as good as once.
    ///
    /// # Errors
    /// 404 when there is none; 409 when it has completed or failed.
    pub async fn cancel(&self, principal: &Principal, id: &str) -> Result<Job> {
        let txn = self.store.db.begin().await?;
        let job = store::seen(&txn, principal, id).await?;
        let mut ended = None;
        match job.status {
            JobStatus::Queued => ended = Some(self.end(&txn, store::End::of(job, JobStatus::Cancelled)).await?),
            JobStatus::Running => store::request_cancel(&txn, id).await?,
            JobStatus::Cancelled => {}
            JobStatus::Completed | JobStatus::Failed => {
                let message = format!("job '{id}' has {} already: there is nothing to cancel", job.status.as_str());
                return Err(Error::new(codes::JOB_ENDED, message));
            }
        }
        let job = store::get(&txn, id).await?;
        audit::note(&txn, principal, Act::on("job.cancel", "job", id)).await?;
        txn.commit().await.internal("cancelling a job")?;
        ended.iter().for_each(|job| self.has_ended(job));
        self.tell(id);
        Ok(job)
    }

    /// Waits until the job has ended, and gives it.
    ///
    /// # Errors
    /// 404 when there is none; 503 when this process stops before: the job goes on with the next start.
    pub async fn wait(&self, id: &str) -> Result<Job> {
        let mut watch = self.watch(id);
        loop {
            let job = self.get(id).await?;
            if job.has_ended() {
                return Ok(job);
            }
            if self.stopping.is_cancelled() && job.status == JobStatus::Queued {
                let message = format!("The server is stopping; job {id} is kept and goes on when it starts again.");
                return Err(Error::new(codes::STOPPING, message).with_retry_after(5));
            }
            watch.changed().await;
        }
    }

    /// Tells of changes of that job from now on.
    #[must_use]
    pub fn watch(&self, id: &str) -> Watch {
        Watch { id: id.to_owned(), changed: self.changed.subscribe() }
    }

    fn tell(&self, id: &str) {
        // Nobody listening is no failure.
        let _ = self.changed.send(Arc::from(id));
    }

    /// Waits for the next job to work on; none when this process stops.
    pub async fn next(&self) -> Option<Claimed> {
        while !self.stopping.is_cancelled() {
            match self.claim(None).await {
                Ok(Some(claimed)) => return Some(claimed),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "the job queue could not be read; it is tried again"),
            }
            tokio::select! {
                () = self.work.notified() => {}
                () = tokio::time::sleep(POLL) => {}
                () = self.stopping.cancelled() => {}
            }
        }
        None
    }

    /// Takes the oldest job that is due, or that very one; none when there is none, or somebody else has it.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub async fn claim(&self, id: Option<&str>) -> Result<Option<Claimed>> {
        // An idle worker takes no write lock.
        if !store::anything_to_do(self.store.db.read(), now()).await? {
            return Ok(None);
        }
        self.take_up_lapsed().await?;
        let owner = new_id();
        let txn = self.store.db.begin().await?;
        let claimed = store::claim(&txn, id, &owner).await?;
        txn.commit().await.internal("claiming a job")?;
        if let Some(job) = &claimed {
            self.publish(job);
            self.tell(&job.id);
        }
        Ok(claimed.map(|job| Claimed { job, owner }))
    }

    /// Jobs whose worker is gone go back to the queue, or fail if they killed it too often. Each in a transaction of
    /// its own: one that cannot be taken up keeps no other waiting.
    async fn take_up_lapsed(&self) -> Result<()> {
        for job in store::lapsed(self.store.db.read(), now(), None).await? {
            match self.take_up(&job.id).await {
                Ok(true) => {
                    tracing::warn!(job_id = job.id, kind = job.kind, attempts = job.attempts, "a job's worker is gone")
                }
                Ok(false) => {}
                Err(error) => tracing::error!(job_id = job.id, %error, "a job whose worker is gone was not taken up"),
            }
            self.tell(&job.id);
        }
        Ok(())
    }

    /// False when another process was faster.
    async fn take_up(&self, id: &str) -> Result<bool> {
        let txn = self.store.db.begin().await?;
        let Some(job) = store::lapsed(&txn, now(), Some(id)).await?.pop() else { return Ok(false) };
        let (mut ended, mut requeued) = (None, None);
        if job.cancel_requested {
            ended = Some(self.end(&txn, store::End::of(job, JobStatus::Cancelled)).await?);
        } else if i32::try_from(job.attempts).unwrap_or(i32::MAX) >= ATTEMPTS {
            let failure = failure::Failure::poisoned(job.attempts);
            let end = store::End { failure: Some(failure), ..store::End::of(job, JobStatus::Failed) };
            ended = Some(self.end(&txn, end).await?);
        } else {
            let why = "the process that did this ended before it was done; it is begun again";
            store::requeue(&txn, &job, None, why, true).await?;
            requeued = Some(store::get(&txn, &job.id).await?);
        }
        txn.commit().await.internal("taking up a job")?;
        ended.iter().for_each(|job| self.has_ended(job));
        requeued.iter().for_each(|job| self.publish(job));
        Ok(true)
    }

    /// Counts and tells a job's end, once it is committed.
    fn has_ended(&self, job: &Job) {
        metrics::count_end(job);
        self.publish(job);
    }

    /// Writes the end of a job, and lets its feature keep in step. Gives the job, to be counted when that is committed.
    async fn end(&self, txn: &Transaction, end: store::End) -> Result<Job> {
        let id = end.job.id.clone();
        store::end(txn, end).await?;
        let job = store::get(txn, &id).await?;
        (self.ended)(txn, &job).await?;
        store::forget_old_events(txn).await?;
        Ok(job)
    }
}

/// Waits for changes of one job.
pub struct Watch {
    id: String,
    changed: broadcast::Receiver<Arc<str>>,
}

impl Watch {
    /// Ready when the job has changed in this process, or after [`POLL`]: look at it then.
    pub async fn changed(&mut self) {
        let told = async {
            loop {
                match self.changed.recv().await {
                    Ok(id) if *id != *self.id => {}
                    // Lagging behind: it may have been among those missed.
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return,
                    Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        let _ = tokio::time::timeout(POLL, told).await;
    }
}

//! Carrying out a claimed job: the work on a task of its own, the heartbeat beside it, and what to make of its end.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::future::Future;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use super::context::{JobContext, Stop, Told, cancelled};
use super::failure::Failure;
use super::store::{self, End, Held};
use super::{ATTEMPTS, BACKOFF, Claimed, Job, JobStatus, Jobs, LEASE, POLL, PROGRESS_PAUSE};
use crate::error::{Context, Error, ErrorKind, Result, codes};
use hvac_store::db::Transaction;

/// How long a stopping process lets a job end by itself, and then again lets it stop.
const GRACE: Duration = Duration::from_secs(10);

/// What to make of the end of a job's work.
#[derive(Debug, PartialEq)]
enum Verdict {
    Complete,
    Cancel,
    /// Into the queue again, as if it had not been begun.
    HandBack,
    /// Into the queue again, after a pause.
    Retry(TimeDelta),
    Fail,
}

/// What became of a job whose work is over.
enum Settled {
    Ended(Box<Job>),
    Queued(Box<Job>),
    /// It is somebody else's by now.
    Lost,
}

/// Unavailable and internal failures may pass; what is wrong with the request stays wrong.
fn verdict(result: &Result<()>, stopped: Option<Stop>, attempts: u32) -> Verdict {
    let error = match (result, stopped) {
        (Ok(()), _) => return Verdict::Complete,
        (Err(_), Some(Stop::Cancelled)) => return Verdict::Cancel,
        (Err(error), Some(Stop::Stopping | Stop::Lost)) if error.code == codes::JOB_CANCELLED => {
            return Verdict::HandBack;
        }
        (Err(error), _) => error,
    };
    let may_pass = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Internal);
    let done = usize::try_from(attempts).unwrap_or(usize::MAX);
    match BACKOFF.get(done.saturating_sub(1)) {
        Some(pause) if may_pass && i32::try_from(attempts).is_ok_and(|attempts| attempts < ATTEMPTS) => {
            Verdict::Retry(*pause)
        }
        _ => Verdict::Fail,
    }
}

impl Jobs {
    /// Does a claimed job to its end, whatever that is, and writes it.
    pub async fn carry_out<F>(&self, claimed: Claimed, work: impl FnOnce(Job, JobContext) -> F)
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let Claimed { job, owner } = claimed;
        let span = tracing::info_span!("job", job_id = job.id, kind = job.kind, attempt = job.attempts);
        let (context, mut told) = JobContext::new(&job, owner);
        let doing = tokio::spawn(work(job.clone(), context.clone()).instrument(span.clone()));
        let mut doing = AbortOnDropHandle::new(doing);
        let began = Instant::now();
        let beside = async {
            let result = tokio::select! {
                done = &mut doing => done.unwrap_or_else(|why| Err(Error::internal("the job's work panicked").with_source(why))),
                never = self.keep(&job, &context, &mut told) => match never {},
                () = self.wind_down(&context) => Err(cancelled()),
            };
            drop(doing);
            let duration_ms = began.elapsed().as_millis();
            match &result {
                Ok(()) => tracing::info!(duration_ms, "the job is done"),
                Err(error) if error.code == codes::JOB_CANCELLED => tracing::info!(duration_ms, "the job was stopped"),
                Err(error) => {
                    tracing::error!(
                        duration_ms,
                        code = error.code.name,
                        error = error as &(dyn StdError + 'static),
                        "the job failed"
                    );
                }
            }
            self.settle(&job, &context, &result, &mut told).await;
        };
        beside.instrument(span).await;
        self.tell(context.job_id());
    }

    /// Holds the lease, writes what was told, and sees whether somebody wants the job to stop.
    async fn keep(&self, job: &Job, context: &JobContext, told: &mut watch::Receiver<Told>) -> Infallible {
        let mut watch = self.watch(context.job_id());
        let every = (LEASE / 4).to_std().unwrap_or(POLL);
        let (mut beaten, mut looked) = (Instant::now(), Instant::now());
        loop {
            let changed = tokio::select! {
                () = tokio::time::sleep(PROGRESS_PAUSE) => false,
                () = watch.changed() => true,
            };
            let news = told.has_changed().unwrap_or(false) && beaten.elapsed() >= PROGRESS_PAUSE;
            let held = if news || beaten.elapsed() >= every {
                beaten = Instant::now();
                let latest = if news { told.borrow_and_update().clone() } else { None };
                let held = self.beat(context, latest.clone()).await;
                if let (Ok(Held::Yes | Held::CancelRequested), Some((progress, message))) = (&held, latest) {
                    self.publish(&Job { progress, message: Some(message), ..job.clone() });
                }
                held
            } else if changed || looked.elapsed() >= POLL {
                store::held(self.store.db.read(), context.job_id(), context.owner()).await
            } else {
                continue;
            };
            looked = Instant::now();
            match held {
                Ok(Held::Yes) => {}
                Ok(Held::CancelRequested) => context.stop(Stop::Cancelled),
                Ok(Held::No) => context.stop(Stop::Lost),
                Err(error) => tracing::warn!(%error, "a job's lease could not be held; it is tried again"),
            }
            if news {
                self.tell(context.job_id());
            }
        }
    }

    async fn beat(&self, context: &JobContext, told: Told) -> Result<Held> {
        let txn = self.store.db.begin().await?;
        let told = told.as_ref().map(|(fraction, message)| (*fraction, message.as_str()));
        let held = store::heartbeat(&txn, context.job_id(), context.owner(), told).await?;
        txn.commit().await.internal("holding a job")?;
        Ok(held)
    }

    /// Ready when this process stops and the job has had its time.
    async fn wind_down(&self, context: &JobContext) {
        self.stopped().await;
        tokio::time::sleep(GRACE).await;
        context.stop(Stop::Stopping);
        tokio::time::sleep(GRACE).await;
    }

    /// Writes what came of the work. If that fails for good, the lease lapses and the job is begun again.
    async fn settle(&self, job: &Job, context: &JobContext, result: &Result<()>, told: &mut watch::Receiver<Told>) {
        let unwritten = told.has_changed().unwrap_or(false);
        let latest = told.borrow_and_update().clone();
        for patience in [1, 5, 0_u64] {
            let written = async {
                let txn = self.store.db.begin().await?;
                let settled = self.settle_in(&txn, job, context, result, (latest.clone(), unwritten)).await?;
                txn.commit().await.internal("writing a job's end")?;
                match &settled {
                    Settled::Ended(job) => self.has_ended(job),
                    Settled::Queued(job) => self.publish(job),
                    Settled::Lost => {}
                }
                Ok::<bool, Error>(!matches!(settled, Settled::Lost))
            };
            match written.await {
                Ok(true) => return,
                Ok(false) => {
                    tracing::warn!("the lease of this job had lapsed; what came of it is not recorded");
                    return;
                }
                Err(error) => {
                    tracing::error!(error = &error as &(dyn StdError + 'static), "a job's end was not written")
                }
            }
            tokio::time::sleep(Duration::from_secs(patience)).await;
        }
    }

    async fn settle_in(
        &self,
        txn: &Transaction,
        job: &Job,
        context: &JobContext,
        result: &Result<()>,
        (latest, unwritten): (Told, bool),
    ) -> Result<Settled> {
        let held = store::held(txn, &job.id, context.owner()).await?;
        let mut verdict = verdict(result, context.why_stopped(), job.attempts);
        if held == Held::No {
            return Ok(Settled::Lost);
        }
        if held == Held::CancelRequested && matches!(verdict, Verdict::Retry(_) | Verdict::HandBack) {
            verdict = Verdict::Cancel;
        }
        // The row as it is now: with the progress that was written meanwhile.
        let job = store::get(txn, &job.id).await?;
        let told = latest.filter(|_| unwritten);
        let end = match verdict {
            Verdict::Complete => End { told, ..End::of(job, JobStatus::Completed) },
            Verdict::Cancel => End { told, ..End::of(job, JobStatus::Cancelled) },
            Verdict::HandBack => {
                let why = "the server stopped; the job goes on when it starts again";
                store::requeue(txn, &job, None, why, false).await?;
                return Ok(Settled::Queued(Box::new(store::get(txn, &job.id).await?)));
            }
            Verdict::Retry(pause) => {
                let failure = result.as_ref().err().map(|error| Failure::of(&job.id, error).message);
                let why = format!("tried again in {} s: {}", pause.num_seconds(), failure.unwrap_or_default());
                store::requeue(txn, &job, Some(pause), &why, true).await?;
                return Ok(Settled::Queued(Box::new(store::get(txn, &job.id).await?)));
            }
            Verdict::Fail => {
                let failure = result.as_ref().err().map(|error| Failure::of(&job.id, error));
                End { told, failure, ..End::of(job, JobStatus::Failed) }
            }
        };
        Ok(Settled::Ended(Box::new(self.end(txn, end).await?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn of(code: &'static Code) -> Result<()> {
        Err(Error::new(code, "some words"))
    }

    #[test]
    fn what_may_pass_is_tried_again_and_what_is_wrong_is_not() {
        for code in [codes::TIMEOUT, codes::INTERNAL] {
            assert_eq!(verdict(&of(code), None, 1), Verdict::Retry(TimeDelta::seconds(1)));
            assert_eq!(verdict(&of(code), None, 2), Verdict::Retry(TimeDelta::seconds(4)));
            assert_eq!(verdict(&of(code), None, 3), Verdict::Fail);
        }
        for code in [codes::INVALID_FIELD, codes::FILE_MISSING, codes::UNKNOWN_SESSION, codes::BODY_TOO_LARGE] {
            assert_eq!(verdict(&of(code), None, 1), Verdict::Fail);
        }
    }

    #[test]
    fn work_that_was_done_counts_and_work_that_was_stopped_is_no_failure() {
        assert_eq!(verdict(&Ok(()), Some(Stop::Cancelled), 1), Verdict::Complete);
        assert_eq!(verdict(&Err(cancelled()), Some(Stop::Cancelled), 1), Verdict::Cancel);
        assert_eq!(verdict(&of(codes::INTERNAL), Some(Stop::Cancelled), 1), Verdict::Cancel);
        assert_eq!(verdict(&Err(cancelled()), Some(Stop::Stopping), 3), Verdict::HandBack);
        assert_eq!(verdict(&of(codes::INVALID_FIELD), Some(Stop::Stopping), 1), Verdict::Fail);
    }
}

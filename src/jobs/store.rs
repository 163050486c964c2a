//! The queries of jobs: every statement about `jobs` and `job_events`.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, NotSet, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, Set,
};

use super::failure::Failure;
use super::{EVENTS_KEPT, Job, JobEvent, JobEventKind, JobFilter, JobKind, JobStatus, LEASE, NewJob, OpenJobs};
use crate::error::{Context, Error, Result, codes};
use crate::limits::Paging;
use crate::principal::Principal;
use hvac_store::db::Transaction;
use hvac_store::entity::{job, job_event};
use hvac_store::now;

/// Most events read at once.
const EVENTS_AT_ONCE: u64 = 500;

/// Puts a job into the queue, in the caller's transaction; [`super::Jobs::wake`] after its commit.
///
/// # Errors
/// When there is a job of that id already.
pub async fn enqueue(txn: &Transaction, new: NewJob) -> Result<()> {
    let row = job::ActiveModel {
        id: Set(new.id.clone()),
        kind: Set(new.kind.as_str().to_owned()),
        payload: Set(new.payload),
        status: Set(JobStatus::Queued),
        attempts: Set(0),
        progress: Set(0.0),
        message: Set(None),
        owner: Set(None),
        lease_until: Set(None),
        run_after: Set(None),
        cancel_requested: Set(false),
        created_at: Set(now()),
        started_at: Set(None),
        finished_at: Set(None),
        error: Set(None),
        failure: Set(None),
        account_id: Set(new.account_id),
        session_id: Set(new.session_id),
    };
    row.insert(txn).await.internal("enqueueing a job")?;
    add_event(txn, &new.id, JobEventKind::Status, JobStatus::Queued, 0.0, None).await
}

/// The job.
pub async fn get(db: &impl ConnectionTrait, id: &str) -> Result<Job> {
    let found = job::Entity::find_by_id(id).one(db).await.internal("looking up a job")?;
    found.map(of).ok_or_else(|| unknown(id))
}

/// How many wait for a worker or have one, by kind.
pub async fn open(db: &impl ConnectionTrait) -> Result<Vec<OpenJobs>> {
    let found = job::Entity::find()
        .select_only()
        .column(job::Column::Kind)
        .column(job::Column::Status)
        .column_as(job::Column::Id.count(), "count")
        .filter(job::Column::Status.is_in([JobStatus::Queued, JobStatus::Running]))
        .group_by(job::Column::Kind)
        .group_by(job::Column::Status)
        .into_tuple::<(String, JobStatus, i64)>()
        .all(db);
    let rows = found.await.internal("counting open jobs")?;
    let of = |(kind, status, count): (String, JobStatus, i64)| OpenJobs { kind, status, count: count.unsigned_abs() };
    Ok(rows.into_iter().map(of).collect())
}

fn unknown(id: &str) -> Error {
    Error::new(codes::UNKNOWN_JOB, format!("there is no job '{id}'; GET /api/jobs lists them"))
}

/// Which jobs somebody sees: his own, those of sessions that he sees, and those of nobody and no session.
fn seen_by(principal: &Principal) -> Condition {
    let Some(sees) = principal.sees_of("\"jobs\".\"session_id\"") else { return Condition::all() };
    let mut any = Condition::any().add(Expr::cust(sees));
    any = any.add(job::Column::AccountId.is_null().and(job::Column::SessionId.is_null()));
    any.add_option(principal.account_id().map(|id| job::Column::AccountId.eq(id)))
}

/// The job, if it is seen.
pub async fn seen(db: &impl ConnectionTrait, principal: &Principal, id: &str) -> Result<Job> {
    let found = job::Entity::find_by_id(id).filter(seen_by(principal)).one(db).await.internal("looking up a job")?;
    found.map(of).ok_or_else(|| unknown(id))
}

/// How many match and are seen, and one page of them, newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    principal: &Principal,
    filter: &JobFilter,
    paging: Paging,
) -> Result<(u64, Vec<Job>)> {
    let condition = seen_by(principal)
        .add_option(filter.status.map(|status| job::Column::Status.eq(status)))
        .add_option(filter.kind.map(|kind| job::Column::Kind.eq(kind.as_str())));
    let matching = job::Entity::find().filter(condition);
    let total = matching.clone().count(db).await.internal("counting jobs")?;
    let jobs = matching
        .order_by_desc(job::Column::CreatedAt)
        .order_by_desc(job::Column::Id)
        .offset((paging.page - 1) * paging.page_size)
        .limit(paging.page_size)
        .all(db)
        .await
        .internal("listing jobs")?;
    Ok((total, jobs.into_iter().map(of).collect()))
}

/// Whether a job is due, or one's worker is gone.
pub async fn anything_to_do(db: &impl ConnectionTrait, at: DateTime<Utc>) -> Result<bool> {
    let found = job::Entity::find().filter(Condition::any().add(is_due(at)).add(has_lapsed(at))).limit(1).one(db);
    Ok(found.await.internal("looking for work")?.is_some())
}

/// Queued, of a kind this program knows, and not to be tried later.
fn is_due(at: DateTime<Utc>) -> Condition {
    Condition::all()
        .add(job::Column::Status.eq(JobStatus::Queued))
        .add(job::Column::Kind.is_in(JobKind::ALL.iter().map(|kind| kind.as_str())))
        .add(Condition::any().add(job::Column::RunAfter.is_null()).add(job::Column::RunAfter.lte(at)))
}

fn has_lapsed(at: DateTime<Utc>) -> Condition {
    Condition::all()
        .add(job::Column::Status.eq(JobStatus::Running))
        .add(Condition::any().add(job::Column::LeaseUntil.is_null()).add(job::Column::LeaseUntil.lt(at)))
}

/// Running jobs whose worker is gone, or that very one if its is.
pub async fn lapsed(db: &impl ConnectionTrait, at: DateTime<Utc>, id: Option<&str>) -> Result<Vec<Job>> {
    let gone = has_lapsed(at).add_option(id.map(|id| job::Column::Id.eq(id)));
    let found = job::Entity::find().filter(gone).order_by_asc(job::Column::CreatedAt).all(db);
    Ok(found.await.internal("looking for jobs whose worker is gone")?.into_iter().map(of).collect())
}

/// Gives the oldest job that is due, or that very one, to `owner`.
pub async fn claim(txn: &impl ConnectionTrait, id: Option<&str>, owner: &str) -> Result<Option<Job>> {
    let at = now();
    let due = is_due(at).add_option(id.map(|id| job::Column::Id.eq(id)));
    let oldest = job::Entity::find().filter(due).order_by_asc(job::Column::CreatedAt).order_by_asc(job::Column::Id);
    let Some(found) = oldest.one(txn).await.internal("looking for a job")? else { return Ok(None) };
    let taken = job::Entity::update_many()
        .col_expr(job::Column::Status, Expr::value(JobStatus::Running))
        .col_expr(job::Column::Owner, Expr::value(owner))
        .col_expr(job::Column::LeaseUntil, Expr::value(at + LEASE))
        .col_expr(job::Column::Attempts, Expr::value(found.attempts + 1))
        .col_expr(job::Column::Progress, Expr::value(0.0))
        .col_expr(job::Column::Message, Expr::value(Option::<String>::None))
        .col_expr(job::Column::RunAfter, Expr::value(Option::<DateTime<Utc>>::None))
        .col_expr(job::Column::StartedAt, Expr::value(found.started_at.unwrap_or(at)))
        .filter(job::Column::Id.eq(&found.id))
        .filter(job::Column::Status.eq(JobStatus::Queued))
        .exec(txn)
        .await
        .internal("claiming a job")?;
    if taken.rows_affected == 0 {
        return Ok(None);
    }
    add_event(txn, &found.id, JobEventKind::Status, JobStatus::Running, 0.0, None).await?;
    get(txn, &found.id).await.map(Some)
}

/// What a heartbeat found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// Ours, for another lease.
    Yes,
    /// Ours, but somebody asked for its end.
    CancelRequested,
    /// Somebody else's by now.
    No,
}

/// Whether the job is still this owner's.
pub async fn held(db: &impl ConnectionTrait, id: &str, owner: &str) -> Result<Held> {
    let found = job::Entity::find_by_id(id).one(db).await.internal("looking up a job's lease")?;
    Ok(match found {
        Some(job) if job.owner.as_deref() != Some(owner) || job.status != JobStatus::Running => Held::No,
        Some(job) if job.cancel_requested => Held::CancelRequested,
        Some(_) => Held::Yes,
        None => Held::No,
    })
}

/// Holds the job for another lease and, if there is something to tell, writes how far it has come.
pub async fn heartbeat(txn: &impl ConnectionTrait, id: &str, owner: &str, told: Option<(f64, &str)>) -> Result<Held> {
    let mut update = job::Entity::update_many().col_expr(job::Column::LeaseUntil, Expr::value(now() + LEASE));
    if let Some((progress, message)) = told {
        update = update
            .col_expr(job::Column::Progress, Expr::value(progress))
            .col_expr(job::Column::Message, Expr::value(message));
    }
    let held_by = update.filter(job::Column::Id.eq(id)).filter(job::Column::Owner.eq(owner));
    held_by.filter(job::Column::Status.eq(JobStatus::Running)).exec(txn).await.internal("holding a job")?;
    let held = held(txn, id, owner).await?;
    if let (Some((progress, message)), true) = (told, held != Held::No) {
        add_event(txn, id, JobEventKind::Progress, JobStatus::Running, progress, Some(message)).await?;
    }
    Ok(held)
}

/// Asks a running job to stop.
pub async fn request_cancel(txn: &impl ConnectionTrait, id: &str) -> Result<()> {
    job::Entity::update_many()
        .col_expr(job::Column::CancelRequested, Expr::value(true))
        .filter(job::Column::Id.eq(id))
        .exec(txn)
        .await
        .internal("cancelling a job")?;
    Ok(())
}

/// Puts a running job back into the queue, until `pause` is over; `counted` says whether it was an attempt.
pub async fn requeue(
    txn: &impl ConnectionTrait,
    job: &Job,
    pause: Option<TimeDelta>,
    why: &str,
    counted: bool,
) -> Result<()> {
    let attempts = i32::try_from(job.attempts).unwrap_or(i32::MAX);
    let attempts = if counted { attempts } else { attempts.saturating_sub(1) };
    job::Entity::update_many()
        .col_expr(job::Column::Status, Expr::value(JobStatus::Queued))
        .col_expr(job::Column::Owner, Expr::value(Option::<String>::None))
        .col_expr(job::Column::LeaseUntil, Expr::value(Option::<DateTime<Utc>>::None))
        .col_expr(job::Column::RunAfter, Expr::value(pause.map(|pause| now() + pause)))
        .col_expr(job::Column::Attempts, Expr::value(attempts))
        .col_expr(job::Column::Message, Expr::value(why))
        .filter(job::Column::Id.eq(&job.id))
        .exec(txn)
        .await
        .internal("putting a job back into the queue")?;
    add_event(txn, &job.id, JobEventKind::Status, JobStatus::Queued, job.progress, Some(why)).await
}

/// How a job ends.
pub struct End {
    /// The job before.
    pub job: Job,
    /// A final one.
    pub status: JobStatus,
    /// Why, if it failed.
    pub failure: Option<Failure>,
    /// What it told last, if that is not written yet.
    pub told: Option<(f64, String)>,
}

impl End {
    /// In that status, with nothing more to tell.
    pub fn of(job: Job, status: JobStatus) -> Self {
        Self { job, status, failure: None, told: None }
    }
}

/// Writes the end of a job.
pub async fn end(txn: &impl ConnectionTrait, end: End) -> Result<()> {
    let End { job, status, failure, told } = end;
    if let Some((progress, message)) = &told {
        add_event(txn, &job.id, JobEventKind::Progress, JobStatus::Running, *progress, Some(message)).await?;
    }
    let (progress, message) = told.map_or((job.progress, job.message), |(progress, said)| (progress, Some(said)));
    let progress = if status == JobStatus::Completed { 1.0 } else { progress };
    let document = failure.as_ref().map(serde_json::to_value).transpose().internal("writing why a job failed")?;
    let error = failure.map(|failure| failure.message);
    job::Entity::update_many()
        .col_expr(job::Column::Status, Expr::value(status))
        .col_expr(job::Column::Owner, Expr::value(Option::<String>::None))
        .col_expr(job::Column::LeaseUntil, Expr::value(Option::<DateTime<Utc>>::None))
        .col_expr(job::Column::RunAfter, Expr::value(Option::<DateTime<Utc>>::None))
        .col_expr(job::Column::Progress, Expr::value(progress))
        .col_expr(job::Column::Message, Expr::value(message.clone()))
        .col_expr(job::Column::Error, Expr::value(error.clone()))
        .col_expr(job::Column::Failure, Expr::value(document))
        .col_expr(job::Column::FinishedAt, Expr::value(now()))
        .filter(job::Column::Id.eq(&job.id))
        .exec(txn)
        .await
        .internal("ending a job")?;
    let said = error.or(message);
    add_event(txn, &job.id, JobEventKind::Status, status, progress, said.as_deref()).await
}

async fn add_event(
    txn: &impl ConnectionTrait,
    job_id: &str,
    event: JobEventKind,
    status: JobStatus,
    progress: f64,
    message: Option<&str>,
) -> Result<()> {
    let row = job_event::ActiveModel {
        id: NotSet,
        job_id: Set(job_id.to_owned()),
        at: Set(now()),
        event: Set(event),
        status: Set(status),
        progress: Set(progress),
        message: Set(message.map(str::to_owned)),
    };
    let added = job_event::Entity::insert(row).exec_without_returning(txn).await;
    added.internal("writing a job's event")?;
    Ok(())
}

/// What became of a job after that event, oldest first.
pub async fn events(db: &impl ConnectionTrait, job_id: &str, after: i64) -> Result<Vec<JobEvent>> {
    let rows = job_event::Entity::find()
        .filter(job_event::Column::JobId.eq(job_id))
        .filter(job_event::Column::Id.gt(after))
        .order_by_asc(job_event::Column::Id)
        .limit(EVENTS_AT_ONCE)
        .all(db)
        .await
        .internal("reading a job's events")?;
    let of = |row: job_event::Model| JobEvent {
        id: Some(row.id),
        at: row.at,
        event: row.event,
        status: row.status,
        progress: row.progress,
        message: row.message,
    };
    Ok(rows.into_iter().map(of).collect())
}

/// Forgets the oldest events of jobs that have ended.
pub async fn forget_old_events(txn: &impl ConnectionTrait) -> Result<()> {
    let newest = job_event::Entity::find()
        .select_only()
        .column(job_event::Column::Id)
        .order_by_desc(job_event::Column::Id)
        .limit(1)
        .into_tuple::<i64>()
        .one(txn);
    let Some(newest) = newest.await.internal("looking for the newest event")? else { return Ok(()) };
    let ended = Query::select()
        .column(job::Column::Id)
        .from(job::Entity)
        .and_where(job::Column::FinishedAt.is_not_null())
        .to_owned();
    job_event::Entity::delete_many()
        .filter(job_event::Column::Id.lte(newest - EVENTS_KEPT))
        .filter(job_event::Column::JobId.in_subquery(ended))
        .exec(txn)
        .await
        .internal("forgetting old events")?;
    Ok(())
}

fn of(row: job::Model) -> Job {
    Job {
        id: row.id,
        kind: row.kind,
        payload: row.payload,
        status: row.status,
        attempts: u32::try_from(row.attempts).unwrap_or_default(),
        progress: row.progress,
        message: row.message,
        cancel_requested: row.cancel_requested,
        failure: row.failure.and_then(|failure| serde_json::from_value(failure).ok()),
        created_at: row.created_at,
        started_at: row.started_at,
        finished_at: row.finished_at,
        account_id: row.account_id,
        session_id: row.session_id,
    }
}

//! The queries of cleanings: every statement about `cleaning_jobs`.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, Set,
};

use crate::error::{Context, Error, Result, codes};
use crate::principal::Principal;
use crate::sessions::store as sessions;
use hvac_store::entity::{Integrity, Status, WorkStatus, cleaning_job, parsed_dataset, session, version};
use hvac_store::now;
use hvac_store::versions::{self, Owner, Series};

/// The cleaning of that id.
///
/// # Errors
/// 404 when there is none.
pub async fn get(db: &impl ConnectionTrait, id: &str) -> Result<cleaning_job::Model> {
    let found = cleaning_job::Entity::find_by_id(id).one(db).await.internal("looking up a cleaning")?;
    found.ok_or_else(|| unknown(id))
}

/// There is no such cleaning.
pub fn unknown(id: &str) -> Error {
    let message = format!("there is no cleaning '{id}'; GET /api/sessions/{{id}} lists a session's cleaned versions");
    Error::new(codes::UNKNOWN_CLEANING_JOB, message)
}

/// The newest cleaning by the same request that is done, or under way.
pub async fn same_request(
    db: &impl ConnectionTrait,
    dataset_id: &str,
    request_key: &str,
) -> Result<Option<cleaning_job::Model>> {
    let done = Condition::all()
        .add(cleaning_job::Column::Status.eq(WorkStatus::Completed))
        .add(cleaning_job::Column::Integrity.eq(Integrity::Ok));
    let under_way = cleaning_job::Column::Status.is_in([WorkStatus::Queued, WorkStatus::Running]);
    cleaning_job::Entity::find()
        .filter(cleaning_job::Column::DatasetId.eq(dataset_id))
        .filter(cleaning_job::Column::RequestKey.eq(request_key))
        .filter(Condition::any().add(done).add(under_way))
        .order_by_desc(cleaning_job::Column::Version)
        .one(db)
        .await
        .internal("looking for the same cleaning")
}

/// The number of the session's newest completed cleaning of that dataset.
pub async fn newest_version(db: &impl ConnectionTrait, dataset_id: &str) -> Result<Option<i32>> {
    cleaning_job::Entity::find()
        .select_only()
        .column(cleaning_job::Column::Version)
        .filter(cleaning_job::Column::DatasetId.eq(dataset_id))
        .filter(cleaning_job::Column::Status.eq(WorkStatus::Completed))
        .order_by_desc(cleaning_job::Column::Version)
        .into_tuple()
        .one(db)
        .await
        .internal("looking for the newest cleaned version")
}

/// A cleaning that is asked for.
pub struct NewCleaning {
    /// Its job's id.
    pub id: String,
    pub session_id: String,
    pub dataset_id: String,
    pub original_rows: u64,
    pub parameters: serde_json::Value,
    pub request_key: String,
}

/// Notes a cleaning that is asked for, with a number of its own.
pub async fn insert(txn: &impl ConnectionTrait, new: NewCleaning) -> Result<()> {
    let reserved = versions::reserve(txn, Series::Cleaned(&new.session_id), Owner::Job(&new.id), 0).await?;
    let row = cleaning_job::Model {
        id: new.id,
        session_id: new.session_id,
        dataset_id: new.dataset_id,
        version: reserved.version,
        parameters: new.parameters,
        original_rows: i64::try_from(new.original_rows).ok(),
        cleaned_rows: None,
        retention_rate: None,
        output_path: None,
        sha256: None,
        size_bytes: None,
        request_key: new.request_key,
        cleaner_version: None,
        column_count: None,
        start_at: None,
        end_at: None,
        events_count: None,
        events_sha256: None,
        events_size_bytes: None,
        events_integrity: Integrity::Ok,
        report: serde_json::json!({}),
        status: WorkStatus::Queued,
        error: None,
        integrity: Integrity::Ok,
        created_at: now(),
        started_at: None,
        finished_at: None,
    };
    row.into_active_model().reset_all().insert(txn).await.internal("noting a cleaning")?;
    Ok(())
}

/// Begins a cleaning, or begins it again, under the number that it was given when it was asked for.
pub async fn begin(txn: &impl ConnectionTrait, job: &cleaning_job::Model) -> Result<version::Model> {
    let number = versions::take_up(txn, Series::Cleaned(&job.session_id), &job.id, 0).await?;
    cleaning_job::Entity::update_many()
        .col_expr(cleaning_job::Column::Status, Expr::value(WorkStatus::Running))
        .col_expr(cleaning_job::Column::Version, Expr::value(number.version))
        .col_expr(cleaning_job::Column::StartedAt, Expr::value(job.started_at.unwrap_or_else(now)))
        .filter(cleaning_job::Column::Id.eq(&job.id))
        .exec(txn)
        .await
        .internal("beginning a cleaning")?;
    Ok(number)
}

/// Writes what a cleaning made.
///
/// # Errors
/// 404 when the session was purged meanwhile.
pub async fn complete(txn: &impl ConnectionTrait, done: cleaning_job::Model) -> Result<()> {
    let (id, session_id, dataset_id) = (done.id, done.session_id, done.dataset_id);
    let made = cleaning_job::ActiveModel {
        version: Set(done.version),
        cleaned_rows: Set(done.cleaned_rows),
        retention_rate: Set(done.retention_rate),
        output_path: Set(done.output_path),
        sha256: Set(done.sha256),
        size_bytes: Set(done.size_bytes),
        cleaner_version: Set(done.cleaner_version),
        column_count: Set(done.column_count),
        start_at: Set(done.start_at),
        end_at: Set(done.end_at),
        events_count: Set(done.events_count),
        events_sha256: Set(done.events_sha256),
        events_size_bytes: Set(done.events_size_bytes),
        report: Set(done.report),
        status: Set(done.status),
        error: Set(None),
        started_at: Set(done.started_at),
        finished_at: Set(done.finished_at),
        ..Default::default()
    };
    let written = cleaning_job::Entity::update_many()
        .set(made)
        .filter(cleaning_job::Column::Id.eq(&id))
        .filter(cleaning_job::Column::Status.eq(WorkStatus::Running))
        .exec(txn)
        .await
        .internal("storing a cleaned version")?;
    if written.rows_affected == 0 {
        let status = get(txn, &id).await?.status;
        let message = format!("this cleaning is {} already: nothing was stored", status.as_str());
        return Err(Error::new(codes::JOB_ENDED, message));
    }
    let newest = parsed_dataset::Entity::find()
        .filter(parsed_dataset::Column::SessionId.eq(&session_id))
        .order_by_desc(parsed_dataset::Column::Version)
        .select_only()
        .column(parsed_dataset::Column::Id)
        .into_tuple::<String>()
        .one(txn)
        .await
        .internal("looking for the newest dataset")?;
    let mut session = session::ActiveModel { updated_at: Set(now()), ..Default::default() };
    if newest.as_deref() == Some(&dataset_id) {
        session.status = Set(Status::Cleaned);
    }
    sessions::change_live(txn, &Principal::program(), &session_id, session).await
}

/// A job that ended without a version: its row says so, and its number is given up.
pub async fn end(txn: &impl ConnectionTrait, job_id: &str, status: WorkStatus, error: Option<String>) -> Result<()> {
    cleaning_job::Entity::update_many()
        .col_expr(cleaning_job::Column::Status, Expr::value(status))
        .col_expr(cleaning_job::Column::Error, Expr::value(error))
        .col_expr(cleaning_job::Column::FinishedAt, Expr::value(now()))
        .filter(cleaning_job::Column::Id.eq(job_id))
        .filter(cleaning_job::Column::Status.ne(WorkStatus::Completed))
        .exec(txn)
        .await
        .internal("ending a cleaning")?;
    versions::give_up(txn, job_id).await
}

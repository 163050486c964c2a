//! The queries of sessions: every statement about sessions, their files, versions and overrides.

pub mod list;
pub mod prices;
pub mod remembered;
pub mod several;
pub mod slim;
pub mod texts;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, Set, Unchanged,
};

use crate::error::{Context, Error, Result, codes};
use crate::principal::Principal;
use hvac_report::job::plan::Override;
use hvac_report::{FilePlan, Format};
use hvac_store::entity::{
    Integrity, Status, Warnings, WorkStatus, cleaning_job, model_alias, parsed_dataset, session, site_override,
    source_file, trained_model,
};
use hvac_store::{new_id, now};

/// The session, deleted or not, if it is seen.
pub async fn session(db: &impl ConnectionTrait, principal: &Principal, session_id: &str) -> Result<session::Model> {
    let found = session::Entity::find_by_id(session_id).filter(principal.seen_sessions()).one(db).await;
    found.internal("looking up a session")?.ok_or_else(|| {
        Error::new(codes::UNKNOWN_SESSION, format!("there is no session '{session_id}'; GET /api/sessions lists them"))
    })
}

/// What cannot be taken back, and who sees a session, is its owner's to say.
///
/// # Errors
/// 403 for others.
pub fn dispose(principal: &Principal, session: &session::Model) -> Result<()> {
    if principal.disposes_of(session.owner_id.as_deref()) {
        return Ok(());
    }
    let message = format!("session '{}' is shared with you: only its owner or an admin may do this", session.id);
    Err(Error::new(codes::FORBIDDEN, message))
}

/// The session, if it is seen and not deleted.
#[tracing::instrument(level = "debug", name = "store.live_session", skip_all)]
pub async fn live_session(
    db: &impl ConnectionTrait,
    principal: &Principal,
    session_id: &str,
) -> Result<session::Model> {
    let session = session(db, principal, session_id).await?;
    match session.deleted_at {
        None => Ok(session),
        Some(_) => Err(Error::new(
            codes::SESSION_DELETED,
            format!("session '{session_id}' is deleted; POST /api/sessions/{session_id}/restore brings it back"),
        )),
    }
}

/// The session's raw files, in the order they came.
#[tracing::instrument(level = "debug", name = "store.source_files", skip_all)]
pub async fn source_files(db: &impl ConnectionTrait, session_id: &str) -> Result<Vec<source_file::Model>> {
    source_file::Entity::find()
        .filter(source_file::Column::SessionId.eq(session_id))
        .order_by_asc(source_file::Column::Id)
        .all(db)
        .await
        .internal("listing a session's files")
}

/// How many raw files the session has now.
pub async fn count_files(db: &impl ConnectionTrait, session_id: &str) -> Result<usize> {
    let of_session = source_file::Entity::find().filter(source_file::Column::SessionId.eq(session_id));
    let count = of_session.count(db).await.internal("counting a session's files")?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// The row of a raw file of which nothing but its bytes is known yet.
pub fn raw_file(
    session_id: &str,
    file_name: &str,
    path: String,
    sha256: String,
    size_bytes: u64,
) -> source_file::Model {
    source_file::Model {
        id: new_id(),
        session_id: session_id.to_owned(),
        file_name: file_name.to_owned(),
        archive_member: None,
        path,
        sha256,
        size_bytes: i64::try_from(size_bytes).unwrap_or(i64::MAX),
        format: None,
        encoding: None,
        row_count: None,
        point_count: None,
        first_at: None,
        last_at: None,
        warnings: Warnings::default(),
        integrity: Integrity::Ok,
        created_at: now(),
    }
}

/// The session's parsed datasets, newest first.
pub async fn parsed_datasets(db: &impl ConnectionTrait, session_id: &str) -> Result<Vec<parsed_dataset::Model>> {
    parsed_dataset::Entity::find()
        .filter(parsed_dataset::Column::SessionId.eq(session_id))
        .order_by_desc(parsed_dataset::Column::Version)
        .all(db)
        .await
        .internal("listing a session's datasets")
}

/// The session's cleanings, newest first.
pub async fn cleaning_jobs(db: &impl ConnectionTrait, session_id: &str) -> Result<Vec<cleaning_job::Model>> {
    cleaning_job::Entity::find()
        .filter(cleaning_job::Column::SessionId.eq(session_id))
        .order_by_desc(cleaning_job::Column::Version)
        .all(db)
        .await
        .internal("listing a session's cleanings")
}

/// The models of that status that were made from the session's data, oldest first.
pub async fn models(
    db: &impl ConnectionTrait,
    session_id: &str,
    status: &[WorkStatus],
) -> Result<Vec<trained_model::Model>> {
    trained_model::Entity::find()
        .filter(trained_model::Column::SessionId.eq(session_id))
        .filter(trained_model::Column::Status.is_in(status.iter().copied()))
        .order_by_asc(trained_model::Column::CreatedAt)
        .order_by_asc(trained_model::Column::Id)
        .all(db)
        .await
        .internal("listing a session's models")
}

/// The aliases that stand for those models.
pub async fn model_aliases(db: &impl ConnectionTrait, session_id: &str) -> Result<Vec<model_alias::Model>> {
    let models = Query::select()
        .column(trained_model::Column::Id)
        .from(trained_model::Entity)
        .and_where(trained_model::Column::SessionId.eq(session_id))
        .to_owned();
    model_alias::Entity::find()
        .filter(model_alias::Column::ModelId.in_subquery(models))
        .order_by_asc(model_alias::Column::Name)
        .order_by_asc(model_alias::Column::Alias)
        .all(db)
        .await
        .internal("listing the aliases of a session's models")
}

/// Removes what is left of trainings that came to nothing; they keep no session.
pub async fn forget_failed_trainings(txn: &impl ConnectionTrait, session_id: &str) -> Result<()> {
    trained_model::Entity::delete_many()
        .filter(trained_model::Column::SessionId.eq(session_id))
        .filter(trained_model::Column::Status.is_in([WorkStatus::Failed, WorkStatus::Cancelled]))
        .exec(txn)
        .await
        .internal("forgetting trainings that failed")?;
    Ok(())
}

/// The newest stored answer to the same request, among sessions that are seen and not deleted.
#[tracing::instrument(level = "debug", name = "store.same_request", skip_all)]
pub async fn same_request(
    db: &impl ConnectionTrait,
    principal: &Principal,
    request_key: &str,
    session_id: Option<&str>,
) -> Result<Option<(parsed_dataset::Model, session::Model)>> {
    let mut query = parsed_dataset::Entity::find()
        .find_also_related(session::Entity)
        .filter(parsed_dataset::Column::RequestKey.eq(request_key))
        .filter(parsed_dataset::Column::Integrity.eq(Integrity::Ok))
        .filter(session::Column::DeletedAt.is_null())
        .filter(session::Column::Unconfirmed.eq(false))
        .filter(principal.seen_sessions());
    if let Some(session_id) = session_id {
        query = query.filter(parsed_dataset::Column::SessionId.eq(session_id));
    }
    let found =
        query.order_by_desc(parsed_dataset::Column::Id).one(db).await.internal("looking for the same request")?;
    Ok(found.and_then(|(dataset, session)| Some((dataset, session?))))
}

/// Whether there is a dataset of that id.
pub async fn has_dataset(db: &impl ConnectionTrait, dataset_id: &str) -> Result<bool> {
    let found = parsed_dataset::Entity::find_by_id(dataset_id).one(db).await.internal("looking up a dataset")?;
    Ok(found.is_some())
}

/// A raw file's row with what reading has found.
pub fn described(row: source_file::Model, plan: &FilePlan) -> source_file::Model {
    source_file::Model {
        format: Some(format_word(plan.format.value).to_owned()),
        encoding: Some(plan.encoding.value.clone()),
        row_count: i64::try_from(plan.rows).ok(),
        point_count: i64::try_from(plan.points.len()).ok(),
        first_at: plan.first_at_ms.and_then(DateTime::from_timestamp_millis),
        last_at: plan.last_at_ms.and_then(DateTime::from_timestamp_millis),
        warnings: Warnings(plan.warnings.clone()),
        ..row
    }
}

/// Writes what reading has found into a raw file's row.
pub async fn tell_file(txn: &impl ConnectionTrait, file_id: &str, plan: &FilePlan) -> Result<()> {
    let row = source_file::ActiveModel {
        id: Unchanged(file_id.to_owned()),
        format: Set(Some(format_word(plan.format.value).to_owned())),
        encoding: Set(Some(plan.encoding.value.clone())),
        row_count: Set(i64::try_from(plan.rows).ok()),
        point_count: Set(i64::try_from(plan.points.len()).ok()),
        first_at: Set(plan.first_at_ms.and_then(DateTime::from_timestamp_millis)),
        last_at: Set(plan.last_at_ms.and_then(DateTime::from_timestamp_millis)),
        warnings: Set(Warnings(plan.warnings.clone())),
        ..Default::default()
    };
    row.update(txn).await.internal("describing a raw file")?;
    Ok(())
}

/// Writes what a user should know of a raw file into its row.
pub async fn warn_of_file(txn: &impl ConnectionTrait, file_id: &str, warnings: Warnings) -> Result<()> {
    let row =
        source_file::ActiveModel { id: Unchanged(file_id.to_owned()), warnings: Set(warnings), ..Default::default() };
    row.update(txn).await.internal("describing a raw file")?;
    Ok(())
}

/// What a request says of its session; what is left out stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// Name for people.
    pub name: Option<String>,
    /// Site.
    pub site: Option<String>,
}

/// Writes what a parse found into the row of its session, and nothing else: others may have changed it since the parse
/// began.
///
/// # Errors
/// 404 or 409 when it was purged or deleted meanwhile.
#[tracing::instrument(level = "debug", name = "store.record_parse", skip_all)]
pub async fn record_parse(
    txn: &impl ConnectionTrait,
    principal: &Principal,
    parsed: &session::Model,
    said: &Said,
    over_http: bool,
) -> Result<()> {
    let mut row = session::ActiveModel {
        status: Set(parsed.status),
        total_rows: Set(parsed.total_rows),
        files_count: Set(parsed.files_count),
        timezone: Set(parsed.timezone.clone()),
        updated_at: Set(parsed.updated_at),
        ..Default::default()
    };
    if over_http {
        row.parsed_over_http_at = Set(parsed.parsed_over_http_at);
    }
    if let Some(name) = &said.name {
        row.name = Set(name.clone());
    }
    if said.site.is_some() {
        row.site = Set(said.site.clone());
    }
    change_live(txn, principal, &parsed.id, row).await
}

/// Changes those columns of a session that is seen and not deleted. Its site says who sees it: that is its owner's to change.
///
/// # Errors
/// 404 when there is none, 409 when it is deleted; 403 for another site of a session that is another's.
pub async fn change_live(
    txn: &impl ConnectionTrait,
    principal: &Principal,
    session_id: &str,
    row: session::ActiveModel,
) -> Result<()> {
    if let Set(site) = &row.site {
        let session = live_session(txn, principal, session_id).await?;
        if session.site != *site {
            dispose(principal, &session)?;
        }
    }
    let changed = session::Entity::update_many()
        .set(row)
        .filter(session::Column::Id.eq(session_id))
        .filter(principal.seen_sessions())
        .filter(session::Column::DeletedAt.is_null())
        .exec(txn)
        .await
        .internal("changing a session")?;
    if changed.rows_affected == 0 {
        live_session(txn, principal, session_id).await?;
        return Err(Error::internal(format!("session {session_id} is there, and was not changed")));
    }
    Ok(())
}

/// Counts more raw files of a session, and writes what is said of it; one whose reports could not be read may be read with
/// them. Gives its status.
///
/// # Errors
/// As [`change_live`].
pub async fn add_files(
    txn: &impl ConnectionTrait,
    principal: &Principal,
    session_id: &str,
    more: usize,
    said: &Said,
    timezone: Option<String>,
) -> Result<Status> {
    let session = live_session(txn, principal, session_id).await?;
    let status = if session.status == Status::Failed { Status::Uploaded } else { session.status };
    let mut row = session::ActiveModel {
        status: Set(status),
        files_count: Set(session.files_count.saturating_add(i32::try_from(more).unwrap_or(i32::MAX))),
        updated_at: Set(now()),
        ..Default::default()
    };
    if let Some(name) = &said.name {
        row.name = Set(name.clone());
    }
    if said.site.is_some() {
        row.site = Set(said.site.clone());
    }
    if timezone.is_some() {
        row.timezone = Set(timezone);
    }
    change_live(txn, principal, session_id, row).await?;
    Ok(status)
}

/// Makes the session the one that requests without `session_id` mean.
pub async fn touch_default(txn: &impl ConnectionTrait, session_id: &str) -> Result<()> {
    let row = session::ActiveModel {
        id: Unchanged(session_id.to_owned()),
        parsed_over_http_at: Set(Some(now())),
        ..Default::default()
    };
    row.update(txn).await.internal("marking the default session")?;
    Ok(())
}

/// `failed`, if the session is still only `uploaded`.
pub async fn mark_failed(txn: &impl ConnectionTrait, session_id: &str) -> Result<()> {
    session::Entity::update_many()
        .col_expr(session::Column::Status, Expr::value(Status::Failed))
        .col_expr(session::Column::UpdatedAt, Expr::value(now()))
        .filter(session::Column::Id.eq(session_id))
        .filter(session::Column::Status.eq(Status::Uploaded))
        .exec(txn)
        .await
        .internal("marking a session as failed")?;
    Ok(())
}

/// What users said of a site's points, by original name.
pub async fn overrides(db: &impl ConnectionTrait, site: &str) -> Result<BTreeMap<String, Override>> {
    let of = |row: site_override::Model| Override { name: row.name, kind: row.kind.map(Into::into), unit: row.unit };
    Ok(override_rows(db, site).await?.into_iter().map(|row| (row.original_name.clone(), of(row))).collect())
}

/// The same as rows.
pub async fn override_rows(db: &impl ConnectionTrait, site: &str) -> Result<Vec<site_override::Model>> {
    site_override::Entity::find()
        .filter(site_override::Column::Site.eq(site))
        .all(db)
        .await
        .internal("looking up a site's overrides")
}

/// Remembers what a user said of a site's point; what is left out stays as it was.
pub async fn remember(txn: &impl ConnectionTrait, site: &str, original_name: &str, said: &Override) -> Result<()> {
    let key = (site.to_owned(), original_name.to_owned());
    let known = site_override::Entity::find_by_id(key).one(txn).await.internal("looking up an override")?;
    let new = known.is_none();
    let known = known.unwrap_or_else(|| site_override::Model {
        site: site.to_owned(),
        original_name: original_name.to_owned(),
        name: None,
        unit: None,
        kind: None,
    });
    let merged = site_override::Model {
        name: said.name.clone().or(known.name),
        unit: said.unit.clone().or(known.unit),
        kind: said.kind.map(Into::into).or(known.kind),
        ..known
    };
    let row = merged.into_active_model().reset_all();
    let saved = if new { row.insert(txn).await } else { row.update(txn).await };
    saved.internal("remembering an override")?;
    Ok(())
}

/// What a list shows of a session's data: of its newest parsed dataset, and how much there is of all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extent {
    /// First time.
    pub start_at: Option<DateTime<Utc>>,
    /// Last time.
    pub end_at: Option<DateTime<Utc>>,
    /// Columns with `timestamp`.
    pub column_count: i32,
    /// Bytes of all files of the session.
    pub size_bytes: u64,
}

/// The extent of each of these sessions.
pub async fn extents(db: &impl ConnectionTrait, session_ids: &[String]) -> Result<BTreeMap<String, Extent>> {
    type Row = (String, i32, Option<DateTime<Utc>>, Option<DateTime<Utc>>);
    let rows: Vec<Row> = parsed_dataset::Entity::find()
        .select_only()
        .column(parsed_dataset::Column::SessionId)
        .column(parsed_dataset::Column::ColumnCount)
        .column(parsed_dataset::Column::StartAt)
        .column(parsed_dataset::Column::EndAt)
        .filter(parsed_dataset::Column::SessionId.is_in(session_ids))
        .order_by_asc(parsed_dataset::Column::Version)
        .into_tuple()
        .all(db)
        .await
        .internal("looking up time ranges")?;
    let newest: BTreeMap<String, (i32, Option<DateTime<Utc>>, Option<DateTime<Utc>>)> =
        rows.into_iter().map(|(id, column_count, start_at, end_at)| (id, (column_count, start_at, end_at))).collect();
    let sizes = list::sizes(db, session_ids).await?;
    let of = |id: &String| {
        let (column_count, start_at, end_at) = newest.get(id).copied().unwrap_or_default();
        let size_bytes = sizes.get(id).copied().unwrap_or_default();
        (id.clone(), Extent { start_at, end_at, column_count, size_bytes })
    };
    Ok(session_ids.iter().map(of).collect())
}

/// The sessions that `text` may mean, deleted ones too: the one of that id, else those whose id begins so or whose
/// name it is; `limit` of them, the oldest first.
#[tracing::instrument(level = "debug", name = "store.find", skip_all)]
pub async fn find(
    db: &impl ConnectionTrait,
    principal: &Principal,
    text: &str,
    limit: u64,
) -> Result<Vec<session::Model>> {
    let by = |condition: Condition| {
        session::Entity::find()
            .filter(principal.seen_sessions())
            .filter(condition)
            .order_by_asc(session::Column::Id)
            .limit(limit)
            .all(db)
    };
    let exact = by(Condition::all().add(session::Column::Id.eq(text))).await.internal("looking up a session")?;
    if !exact.is_empty() || text.is_empty() {
        return Ok(exact);
    }
    // Ids are of digits, small letters and '-': a range of the key, not a pattern for every row.
    let beginning = Condition::all().add(session::Column::Id.gte(text)).add(session::Column::Id.lt(format!("{text}~")));
    by(Condition::any().add(session::Column::Name.eq(text)).add(beginning)).await.internal("looking up a session")
}

fn format_word(format: Format) -> &'static str {
    match format {
        Format::Apogee => "apogee",
        Format::Wide => "wide",
        Format::Narrow => "narrow",
        Format::SinglePoint => "single_point",
        Format::Toa5 => "toa5",
    }
}

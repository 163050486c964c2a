//! The queries of this room: which sessions and versions there are, without their heavy documents.
//!
//! Versions are looked up in an index that holds all that is asked for: SQLite reads the whole document to come to a
//! column behind it.

use sea_orm::sea_query::{ExprTrait, SimpleExpr};
use sea_orm::{ColumnTrait, DerivePartialModel, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::error::{Context, Result};
use crate::principal::Principal;
use hvac_store::db::Db;
use hvac_store::entity::{ArtefactKind, Integrity, WorkStatus, cleaning_job, parsed_dataset, session};

/// What is asked of a session here.
#[derive(Debug, Clone, DerivePartialModel)]
#[sea_orm(entity = "session::Entity")]
pub struct SessionRow {
    pub id: String,
    pub name: String,
    pub timezone: Option<String>,
    pub deleted_at: Option<sea_orm::prelude::DateTimeUtc>,
}

#[derive(Debug, DerivePartialModel)]
#[sea_orm(entity = "parsed_dataset::Entity")]
struct ParsedRow {
    id: String,
    session_id: String,
    version: i32,
    file_path: String,
    sha256: String,
    size_bytes: i64,
    integrity: Integrity,
}

#[derive(Debug, DerivePartialModel)]
#[sea_orm(entity = "cleaning_job::Entity")]
struct CleanedRow {
    id: String,
    session_id: String,
    version: i32,
    output_path: Option<String>,
    sha256: Option<String>,
    size_bytes: Option<i64>,
    integrity: Integrity,
}

/// A published Parquet file as the catalogue knows it.
#[derive(Debug, Clone)]
pub struct VersionRow {
    pub kind: ArtefactKind,
    pub id: String,
    pub session_id: String,
    pub version: i32,
    pub path: String,
    pub sha256: String,
    pub size_bytes: i64,
    pub integrity: Integrity,
}

impl From<ParsedRow> for VersionRow {
    fn from(row: ParsedRow) -> Self {
        Self {
            kind: ArtefactKind::Parsed,
            id: row.id,
            session_id: row.session_id,
            version: row.version,
            path: row.file_path,
            sha256: row.sha256,
            size_bytes: row.size_bytes,
            integrity: row.integrity,
        }
    }
}

impl VersionRow {
    /// None while the job has published nothing.
    fn of_cleaned(row: CleanedRow) -> Option<Self> {
        Some(Self {
            kind: ArtefactKind::Cleaned,
            id: row.id,
            session_id: row.session_id,
            version: row.version,
            path: row.output_path?,
            sha256: row.sha256?,
            size_bytes: row.size_bytes?,
            integrity: row.integrity,
        })
    }
}

/// The session of that id, if it is seen; deleted ones too.
#[tracing::instrument(level = "debug", name = "store.session", skip_all)]
pub async fn session(db: &Db, principal: &Principal, id: &str) -> Result<Option<SessionRow>> {
    let query = session::Entity::find_by_id(id).filter(principal.seen_sessions()).into_partial_model();
    query.one(db.read()).await.internal("looking for a session")
}

/// The session last parsed over HTTP that is seen and not deleted.
#[tracing::instrument(level = "debug", name = "store.last_parsed", skip_all)]
pub async fn last_parsed_over_http(db: &Db, principal: &Principal) -> Result<Option<SessionRow>> {
    let query = session::Entity::find()
        .filter(principal.seen_sessions())
        .filter(session::Column::DeletedAt.is_null())
        .filter(session::Column::ParsedOverHttpAt.is_not_null())
        .order_by_desc(session::Column::ParsedOverHttpAt)
        .order_by_desc(session::Column::Id)
        .into_partial_model();
    query.one(db.read()).await.internal("looking for the session last parsed")
}

/// The session's parsed dataset of that version, or the newest.
#[tracing::instrument(level = "debug", name = "store.parsed", skip_all)]
pub async fn parsed(db: &Db, session_id: &str, version: Option<i32>) -> Result<Option<VersionRow>> {
    let mut query = parsed_dataset::Entity::find().filter(parsed_dataset::Column::SessionId.eq(session_id));
    if let Some(version) = version {
        query = query.filter(calculated(parsed_dataset::Column::Version).eq(version));
    }
    let query = query.order_by_desc(parsed_dataset::Column::Version).into_partial_model::<ParsedRow>();
    Ok(query.one(db.read()).await.internal("looking for a parsed dataset")?.map(Into::into))
}

/// The session's completed cleaned version of that number, or the newest; of one parsed dataset only, if given.
#[tracing::instrument(level = "debug", name = "store.cleaned", skip_all)]
pub async fn cleaned(
    db: &Db,
    session_id: &str,
    version: Option<i32>,
    dataset_id: Option<&str>,
) -> Result<Option<VersionRow>> {
    let mut query = cleaning_job::Entity::find()
        .filter(cleaning_job::Column::SessionId.eq(session_id))
        .filter(cleaning_job::Column::Status.eq(WorkStatus::Completed));
    if let Some(version) = version {
        query = query.filter(calculated(cleaning_job::Column::Version).eq(version));
    }
    if let Some(dataset_id) = dataset_id {
        query = query.filter(cleaning_job::Column::DatasetId.eq(dataset_id));
    }
    let query = query.order_by_desc(cleaning_job::Column::Version).into_partial_model::<CleanedRow>();
    let row = query.one(db.read()).await.internal("looking for a cleaned version")?;
    Ok(row.and_then(VersionRow::of_cleaned))
}

/// A column's value that SQLite does not look up: it would take the narrow unique index, and then the row.
fn calculated(column: impl ColumnTrait) -> SimpleExpr {
    column.into_expr().add(0)
}

/// The version of that id, parsed or cleaned.
#[tracing::instrument(level = "debug", name = "store.version", skip_all)]
pub async fn by_id(db: &Db, id: &str) -> Result<Option<VersionRow>> {
    let doing = "looking for a version by its id";
    let parsed = parsed_dataset::Entity::find_by_id(id)
        .select_only()
        .columns([parsed_dataset::Column::SessionId, parsed_dataset::Column::Version])
        .into_tuple::<(String, i32)>();
    if let Some((session_id, version)) = parsed.one(db.read()).await.internal(doing)? {
        return self::parsed(db, &session_id, Some(version)).await;
    }
    let cleaned = cleaning_job::Entity::find_by_id(id)
        .select_only()
        .columns([cleaning_job::Column::SessionId, cleaning_job::Column::Version])
        .into_tuple::<(String, i32)>();
    match cleaned.one(db.read()).await.internal(doing)? {
        Some((session_id, version)) => self::cleaned(db, &session_id, Some(version), None).await,
        None => Ok(None),
    }
}

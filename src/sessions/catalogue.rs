//! List, look at, rename, delete, restore and purge sessions.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, Order, Set, Unchanged};

use super::search::Asked;
use super::store::Extent;
use super::store::list::ListQuery;
use super::{
    DatasetVersion, Page, SessionDetail, SessionFilter, SessionPatch, SessionSummary, SourceFile, Status, manifest,
    search, store,
};
use crate::audit::{self, Act};
use crate::datasets::clock;
use crate::error::{Context, Detail, Error, Result, codes};
use crate::limits::{self, Paging};
use crate::state::AppState;
use crate::times::utc;
use hvac_store::entity::{FreeMetadata, VersionState, WorkStatus, cleaning_job, parsed_dataset, session, source_file};
use hvac_store::integrity::Root;
use hvac_store::{now, paths, removals, versions};

/// Sessions on a page when nobody says otherwise.
const PAGE_SIZE: u64 = 20;

/// One page of the sessions that match.
///
/// # Errors
/// 422 for a page, size, sort, order or time that cannot be.
#[tracing::instrument(level = "debug", name = "list_sessions", skip_all)]
pub async fn list(state: &AppState, filter: &SessionFilter) -> Result<Page<SessionSummary>> {
    let zone = state.config.site_timezone;
    let time = |field, text: &Option<String>| match text.as_deref().filter(|t| !t.trim().is_empty()) {
        Some(text) => clock::parse(field, text, zone).map(DateTime::from_timestamp_millis),
        None => Ok(None),
    };
    let paging = Paging::asked(filter.page, filter.page_size, PAGE_SIZE)?;
    let Paging { page, page_size } = paging;
    for (field, text) in [("site", &filter.site), ("metadata", &filter.metadata)] {
        limits::given_name(field, text.as_deref())?;
    }
    if filter.status_at_least == Some(Status::Failed) {
        let message = "status_at_least: failed is no step on the way of a session: give uploaded, parsed or cleaned";
        return Err(Error::invalid("status_at_least", codes::OUT_OF_RANGE, message));
    }
    let asked = Asked::of(filter)?;
    let texts = asked.condition();
    if texts.is_some() {
        search::catch_up(state).await?;
    }
    let query = ListQuery {
        filter,
        principal: state.principal(),
        texts,
        from: time("from", &filter.from)?,
        to: time("to", &filter.to)?,
        created_from: time("created_from", &filter.created_from)?,
        created_to: time("created_to", &filter.created_to)?,
        sort: sort_column(filter.sort.as_deref())?,
        order: order(filter.order.as_deref())?,
        page: page - 1,
        page_size,
    };
    let db = state.store.db.read();
    let (total, sessions) = store::list::page(db, &query).await?;
    let ids: Vec<String> = sessions.iter().map(|s| s.id.clone()).collect();
    let extents = store::extents(db, &ids).await?;
    let mut found = asked.found(state, &ids).await?;
    let items = sessions
        .into_iter()
        .map(|session| {
            let extent = extents.get(&session.id).copied().unwrap_or_default();
            let found = found.remove(&session.id).unwrap_or_default();
            SessionSummary { found, ..summary(state, session, extent) }
        })
        .collect();
    Ok(Page::of(paging, total, items))
}

fn sort_column(sort: Option<&str>) -> Result<session::Column> {
    match sort.unwrap_or("created_at") {
        "created_at" => Ok(session::Column::CreatedAt),
        "updated_at" => Ok(session::Column::UpdatedAt),
        "name" => Ok(session::Column::Name),
        "site" => Ok(session::Column::Site),
        "total_rows" => Ok(session::Column::TotalRows),
        "status" => Ok(session::Column::Status),
        other => {
            let message = format!("sort='{other}' is none of created_at, updated_at, name, site, total_rows, status");
            Err(Error::invalid("sort", codes::UNKNOWN_SORT, message))
        }
    }
}

fn order(order: Option<&str>) -> Result<Order> {
    match order.unwrap_or("desc") {
        "asc" => Ok(Order::Asc),
        "desc" => Ok(Order::Desc),
        other => Err(Error::invalid("order", codes::UNKNOWN_ORDER, format!("order='{other}' is neither asc nor desc"))),
    }
}

/// One session, deleted ones too.
///
/// # Errors
/// 404 when there is no such session.
#[tracing::instrument(level = "debug", name = "get_session", skip_all)]
pub async fn get(state: &AppState, session_id: &str) -> Result<SessionDetail> {
    let db = state.store.db.read();
    let session = store::session(db, state.principal(), session_id).await?;
    let files = store::source_files(db, session_id).await?;
    let parsed = store::parsed_datasets(db, session_id).await?;
    let cleaned = store::cleaning_jobs(db, session_id).await?;
    let zone = zone_of(state, &session);
    let extent = parsed.first().map(|newest| Extent {
        start_at: newest.start_at,
        end_at: newest.end_at,
        column_count: newest.column_count,
        size_bytes: 0,
    });
    let size_bytes = store::list::sizes(db, std::slice::from_ref(&session.id)).await?.into_values().sum();
    let (metadata, notes) = (session.metadata.0.clone(), session.notes.clone());
    let versions = cleaned
        .iter()
        .filter_map(|job| cleaned_version(job, &parsed, zone))
        .chain(parsed.iter().map(|dataset| parsed_version(dataset, zone)))
        .collect();
    Ok(SessionDetail {
        summary: summary(state, session, Extent { size_bytes, ..extent.unwrap_or_default() }),
        metadata,
        notes,
        files: files.into_iter().map(|file| source(file, zone)).collect(),
        versions,
    })
}

/// Those of these sessions that are seen, by id.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_ids(state: &AppState, ids: &[String]) -> Result<BTreeMap<String, SessionSummary>> {
    let db = state.store.db.read();
    let sessions = store::several::sessions(db, state.principal(), ids).await?;
    let extents = store::extents(db, ids).await?;
    let of = |session: session::Model| {
        let extent = extents.get(&session.id).copied().unwrap_or_default();
        (session.id.clone(), summary(state, session, extent))
    };
    Ok(sessions.into_iter().map(of).collect())
}

/// The stored versions of those of these sessions that are seen, newest first, by the session's id.
///
/// # Errors
/// When the database cannot be read.
pub async fn versions_of(state: &AppState, ids: &[String]) -> Result<BTreeMap<String, Vec<DatasetVersion>>> {
    let db = state.store.db.read();
    let sessions = store::several::sessions(db, state.principal(), ids).await?;
    let seen: Vec<String> = sessions.iter().map(|session| session.id.clone()).collect();
    let parsed = store::several::parsed(db, &seen).await?;
    let cleaned = store::several::cleaned(db, &seen).await?;
    let mut versions: BTreeMap<String, Vec<DatasetVersion>> = BTreeMap::new();
    for session in &sessions {
        let zone = zone_of(state, session);
        let of_cleaned = cleaned.iter().filter(|job| job.session_id == session.id);
        let of_parsed = parsed.iter().filter(|dataset| dataset.session_id == session.id);
        let all = of_cleaned
            .filter_map(|job| cleaned_version(job, &parsed, zone))
            .chain(of_parsed.map(|dataset| parsed_version(dataset, zone)));
        versions.insert(session.id.clone(), all.collect());
    }
    Ok(versions)
}

/// Sessions that are told when a name may mean several.
const CANDIDATES: usize = 10;

/// The one session that `text` means: an id, the beginning of one, or a name. Deleted sessions count like others: which
/// one is meant is never guessed.
///
/// # Errors
/// 404 when there is none, 409 with each of them when there are several.
pub async fn find(state: &AppState, text: &str) -> Result<String> {
    let found = store::find(state.store.db.read(), state.principal(), text, CANDIDATES as u64 + 1).await?;
    match found.as_slice() {
        [] => Err(Error::new(
            codes::UNKNOWN_SESSION,
            format!("there is no session '{text}'; `hvac-analytics sessions` lists them"),
        )),
        [one] => Ok(one.id.clone()),
        several => {
            let count = if several.len() > CANDIDATES { "more than 10".to_owned() } else { several.len().to_string() };
            let message = format!("'{text}' may mean {count} sessions: say which by its id");
            let error = Error::new(codes::AMBIGUOUS_SESSION, message);
            Err(several.iter().take(CANDIDATES).fold(error, |error, session| {
                error.with_detail(Detail { message: told_apart(session), ..Detail::default() })
            }))
        }
    }
}

/// What tells a session from others of its name.
fn told_apart(session: &session::Model) -> String {
    let site = session.site.as_ref().map(|site| format!(", site {site}")).unwrap_or_default();
    let state = session.deleted_at.map_or_else(|| "not deleted".to_owned(), |at| format!("deleted {}", utc(at)));
    format!("{} '{}'{site}, made {}, {state}", session.id, session.name, utc(session.created_at))
}

/// Renames a session, or changes its site, tags, notes or free data.
///
/// # Errors
/// 404; 409 for a deleted session; 422 for an empty name, or a text that cannot be.
#[tracing::instrument(level = "debug", name = "update_session", skip_all)]
pub async fn update(state: &AppState, session_id: &str, patch: SessionPatch) -> Result<SessionDetail> {
    let mut session = session::ActiveModel { updated_at: Set(now()), ..Default::default() };
    if let Some(name) = patch.name {
        if name.trim().is_empty() {
            return Err(Error::invalid("name", codes::EMPTY_NAME, "name must not be empty: leave it out to keep it"));
        }
        limits::name("name", name.trim())?;
        session.name = Set(name.trim().to_owned());
    }
    if let Some(site) = patch.site {
        limits::name("site", site.trim())?;
        session.site = Set(Some(site.trim().to_owned()).filter(|s| !s.is_empty()));
    }
    if let Some(metadata) = patch.metadata {
        check_size(&metadata)?;
        session.metadata = Set(FreeMetadata(metadata));
    }
    if let Some(tags) = patch.tags {
        session.tags = Set(search::tags(&tags)?);
    }
    if let Some(notes) = patch.notes {
        limits::lines("notes", &notes)?;
        session.notes = Set(notes.trim().to_owned());
    }
    let txn = state.store.db.begin().await?;
    store::change_live(&txn, state.principal(), session_id, session).await?;
    audit::note(&txn, state.principal(), Act::on_session("session.change", session_id)).await?;
    txn.commit().await.internal("committing a change")?;
    hvac_store::crash::point("rename.committed");
    manifest::write(state, session_id).await?;
    get(state, session_id).await
}

/// Free data stand in every answer about the session, and in its folder.
///
/// # Errors
/// 422 for more bytes than are kept.
pub fn check_size(metadata: &BTreeMap<String, serde_json::Value>) -> Result<()> {
    let bytes = serde_json::to_vec(metadata).internal("writing a session's free data")?.len();
    if bytes <= limits::MOST_METADATA_BYTES {
        return Ok(());
    }
    let message = format!("metadata: it has {bytes} bytes as JSON; at most {} are kept", limits::MOST_METADATA_BYTES);
    Err(Error::invalid("metadata", codes::METADATA_TOO_LARGE, message))
}

/// Deletes softly: `restore` brings it back. Deleting again changes nothing.
///
/// # Errors
/// 404 when there is no such session.
#[tracing::instrument(level = "debug", name = "delete_session", skip_all)]
pub async fn delete(state: &AppState, session_id: &str) -> Result<()> {
    set_deleted(state, session_id, Some(now())).await
}

/// Brings a deleted session back, or confirms one that nobody was told of.
///
/// # Errors
/// 404 when there is no such session.
#[tracing::instrument(level = "debug", name = "restore_session", skip_all)]
pub async fn restore(state: &AppState, session_id: &str) -> Result<SessionDetail> {
    set_deleted(state, session_id, None).await?;
    get(state, session_id).await
}

async fn set_deleted(state: &AppState, session_id: &str, at: Option<DateTime<Utc>>) -> Result<()> {
    let txn = state.store.db.begin().await?;
    let session = store::session(&txn, state.principal(), session_id).await?;
    let confirms = at.is_none() && session.unconfirmed;
    if session.deleted_at.is_some() == at.is_some() && !confirms {
        drop(txn);
        // Whoever asked before may have been told that the file could not be written.
        return manifest::write(state, session_id).await;
    }
    let changed = session::ActiveModel {
        id: Unchanged(session.id),
        deleted_at: Set(at),
        unconfirmed: Set(session.unconfirmed && !confirms),
        updated_at: Set(now()),
        ..Default::default()
    };
    changed.update(&txn).await.internal("deleting or restoring a session")?;
    audit::note(
        &txn,
        state.principal(),
        Act::on_session(if at.is_some() { "session.delete" } else { "session.restore" }, session_id),
    )
    .await?;
    txn.commit().await.internal("committing a deletion")?;
    hvac_store::crash::point("delete.committed");
    manifest::write(state, session_id).await
}

/// Removes rows and files for ever, also on a full disk: it is what makes room there. Rows go first: what a crash leaves then
/// is removed at the next start.
///
/// # Errors
/// 404; 503 when the files cannot be removed yet; 409 while it is being parsed or cleaned, and while there are models that were made from its data.
#[tracing::instrument(level = "debug", name = "purge_session", skip_all)]
pub async fn purge(state: &AppState, session_id: &str) -> Result<()> {
    let db = &state.store.db;
    match remove(state, session_id).await {
        Err(error) if error.code == codes::DISK_FULL && db.give_up_spare() => {
            let done = remove(state, session_id).await;
            db.keep_spare().await;
            done
        }
        done => done,
    }
}

async fn remove(state: &AppState, session_id: &str) -> Result<()> {
    let txn = state.store.db.begin().await?;
    let session = store::session(&txn, state.principal(), session_id).await?;
    store::dispose(state.principal(), &session)?;
    let versions = versions::without_version(&txn, session_id).await?;
    let held = |v: &hvac_store::entity::version::Model| {
        v.state == VersionState::Reserved && v.lease_until.is_some_and(|until| until > now())
    };
    if versions.iter().any(held) {
        let message = format!("session '{session_id}' is being parsed or cleaned: purge it when that is done");
        return Err(Error::new(codes::PARSE_UNDER_WAY, message).with_retry_after(5));
    }
    refuse_with_models(&txn, session_id).await?;
    store::forget_failed_trainings(&txn, session_id).await?;
    session::Entity::delete_by_id(session_id).exec(&txn).await.internal("purging a session")?;
    let folder = paths::session_dir(session_id);
    removals::note(&txn, Root::Sessions, &folder).await?;
    audit::note(&txn, state.principal(), Act::on_session("session.purge", session_id)).await?;
    txn.commit().await.internal("committing a purge")?;
    hvac_store::crash::point("purge.committed");
    state.store.made.clear();
    state.store.remove_purged(Root::Sessions, &folder).await
}

/// A model outlives nothing it was made from: what it predicts could not be traced any more.
async fn refuse_with_models(txn: &impl ConnectionTrait, session_id: &str) -> Result<()> {
    let lasting = [WorkStatus::Queued, WorkStatus::Running, WorkStatus::Completed];
    let models = store::models(txn, session_id, &lasting).await?;
    if models.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = models.iter().take(5).map(|model| format!("{}:v{}", model.name, model.version)).collect();
    let more = if models.len() > 5 { format!(" and {} more", models.len() - 5) } else { String::new() };
    let message = format!(
        "session '{session_id}' cannot be purged: its data made {}{more}; delete the models first (DELETE \
         /api/models/{{id}}, `hvac-analytics models delete`)",
        names.join(", ")
    );
    Err(Error::new(codes::SESSION_HAS_MODELS, message))
}

fn zone_of(state: &AppState, session: &session::Model) -> Tz {
    session.timezone.as_deref().and_then(|zone| zone.parse().ok()).unwrap_or(state.config.site_timezone)
}

fn summary(state: &AppState, session: session::Model, newest: Extent) -> SessionSummary {
    let zone = zone_of(state, &session);
    SessionSummary {
        session_id: session.id,
        name: session.name,
        site: session.site,
        timezone: zone.name().to_owned(),
        status: session.status.into(),
        tags: session.tags.0,
        files_count: u64::try_from(session.files_count).unwrap_or_default(),
        total_rows: u64::try_from(session.total_rows).unwrap_or_default(),
        column_count: u64::try_from(newest.column_count).unwrap_or_default(),
        start_at: local(newest.start_at, zone),
        end_at: local(newest.end_at, zone),
        size_bytes: newest.size_bytes,
        created_at: utc(session.created_at),
        updated_at: utc(session.updated_at),
        deleted_at: session.deleted_at.map(utc),
        unconfirmed: session.unconfirmed,
        found: Vec::new(),
    }
}

fn source(file: source_file::Model, zone: Tz) -> SourceFile {
    SourceFile {
        id: file.id,
        file_name: file.file_name,
        archive_member: file.archive_member,
        size_bytes: u64::try_from(file.size_bytes).unwrap_or_default(),
        sha256: file.sha256,
        format: file.format,
        encoding: file.encoding,
        row_count: file.row_count.and_then(|n| u64::try_from(n).ok()),
        point_count: file.point_count.and_then(|n| u64::try_from(n).ok()),
        first_at: local(file.first_at, zone),
        last_at: local(file.last_at, zone),
        integrity: file.integrity.as_str().to_owned(),
        warnings: file.warnings.0,
    }
}

fn parsed_version(dataset: &parsed_dataset::Model, zone: Tz) -> DatasetVersion {
    DatasetVersion {
        id: dataset.id.clone(),
        version: format!("parsed-v{}", dataset.version),
        version_number: u32::try_from(dataset.version).unwrap_or_default(),
        row_count: u64::try_from(dataset.row_count).unwrap_or_default(),
        column_count: u64::try_from(dataset.column_count).unwrap_or_default(),
        size_bytes: u64::try_from(dataset.size_bytes).unwrap_or_default(),
        sha256: dataset.sha256.clone(),
        integrity: dataset.integrity.as_str().to_owned(),
        start_at: local(dataset.start_at, zone),
        end_at: local(dataset.end_at, zone),
        parser_version: dataset.parser_version.clone(),
        cleaned_from: None,
        parameters: None,
        retention_rate: None,
        events_count: None,
        events_integrity: None,
        created_at: utc(dataset.created_at),
    }
}

/// A completed cleaning as a version.
fn cleaned_version(job: &cleaning_job::Model, parsed: &[parsed_dataset::Model], zone: Tz) -> Option<DatasetVersion> {
    let dataset = parsed.iter().find(|d| d.id == job.dataset_id)?;
    if job.status != WorkStatus::Completed {
        return None;
    }
    Some(DatasetVersion {
        id: job.id.clone(),
        version: format!("cleaned-v{}", job.version),
        version_number: u32::try_from(job.version).unwrap_or_default(),
        row_count: job.cleaned_rows.and_then(|n| u64::try_from(n).ok()).unwrap_or_default(),
        column_count: job.column_count.and_then(|n| u64::try_from(n).ok()).unwrap_or_default(),
        start_at: local(job.start_at, zone),
        end_at: local(job.end_at, zone),
        cleaned_from: Some(job.dataset_id.clone()),
        parameters: Some(job.parameters.clone()),
        retention_rate: job.retention_rate,
        events_count: job.events_count.and_then(|n| u64::try_from(n).ok()),
        events_integrity: job.events_sha256.as_ref().map(|_| job.events_integrity.as_str().to_owned()),
        size_bytes: job.size_bytes.and_then(|n| u64::try_from(n).ok()).unwrap_or_default(),
        sha256: job.sha256.clone().unwrap_or_default(),
        integrity: job.integrity.as_str().to_owned(),
        created_at: utc(job.created_at),
        ..parsed_version(dataset, zone)
    })
}

fn local(at: Option<DateTime<Utc>>, zone: Tz) -> Option<String> {
    at.map(|at| clock::iso(zone, at.timestamp_millis()))
}

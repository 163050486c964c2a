//! Cleaned versions from what their files say of themselves.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::found::{give_up, span};
use crate::error::{ErrorKind, Result};
use crate::sessions::snapshot::Snapshot;
use hvac_frame::column::ColumnMeta;
use hvac_frame::parquet_file::{ParquetReader, read_events};
use hvac_store::entity::{ArtefactKind, Integrity, Status, VersionState, WorkStatus, cleaning_job};
use hvac_store::frames;
use hvac_store::objects::Object;
use hvac_store::versions::Series;
use hvac_store::{Store, now, paths};

/// Adds the cleaned versions that the snapshot has no row of, where it knows the dataset they were made from and
/// `was_told` that there is such a version; gives the files of the others.
pub(super) async fn complete(
    store: &Store,
    session_id: &str,
    snapshot: &mut Snapshot,
    was_told: &dyn Fn(ArtefactKind, i32) -> bool,
) -> Result<Vec<String>> {
    let mut unacknowledged = Vec::new();
    for object in store.objects.list(&paths::session_dir(session_id)).await? {
        let name = object.key.rsplit('/').next().unwrap_or_default();
        let number = name.strip_prefix("cleaned-v").and_then(|n| n.strip_suffix(".parquet"));
        let Some(version) = number.and_then(|n| n.parse::<i32>().ok()) else { continue };
        if snapshot.cleaning_jobs.iter().any(|job| job.version == version) {
            continue;
        }
        if !was_told(ArtefactKind::Cleaned, version) {
            give_up(snapshot, ArtefactKind::Cleaned, version);
            unacknowledged.push(object.key);
            continue;
        }
        let Some(job) = read(store, session_id, version, object).await? else { continue };
        let Some(newest) = snapshot.parsed_datasets.iter().max_by_key(|dataset| dataset.version) else { continue };
        let is_known = |job: &cleaning_job::Model| snapshot.parsed_datasets.iter().any(|d| d.id == job.dataset_id);
        if !is_known(&job) || snapshot.cleaning_jobs.iter().any(|known| known.id == job.id) {
            continue;
        }
        if newest.id == job.dataset_id {
            snapshot.session.status = Status::Cleaned;
        }
        snapshot.versions.retain(|v| v.kind != ArtefactKind::Cleaned || v.version != version);
        snapshot.versions.push(Series::Cleaned(session_id).number(version, VersionState::Published));
        snapshot.cleaning_jobs.push(job);
    }
    Ok(unacknowledged)
}

/// Parameters and report, as a cleaned file tells them.
pub(super) fn told(said: &dyn Fn(&str) -> Option<String>) -> (Value, Value) {
    let document = |key| said(key).and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
    (document(frames::KEY_PARAMETERS), document(frames::KEY_REPORT))
}

/// None for a file that does not say what it is.
async fn read(store: &Store, session_id: &str, version: i32, object: Object) -> Result<Option<cleaning_job::Model>> {
    let Ok(reader) = store.objects.open_bytes(&object.key).and_then(|bytes| Ok(ParquetReader::open(bytes.to_bytes())?))
    else {
        return Ok(None);
    };
    let footer = reader.footer();
    let said = |key: &str| footer.key_value(key).map(str::to_owned);
    let (Some(id), Some(dataset_id)) = (said(frames::KEY_DATASET_ID), said(frames::KEY_SOURCE_DATASET_ID)) else {
        return Ok(None);
    };
    if said(frames::KEY_SESSION_ID).as_deref() != Some(session_id) {
        return Ok(None);
    }
    let columns: Vec<ColumnMeta> =
        said(frames::KEY_COLUMNS).and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
    let (parameters, report) = told(&said);
    let (start_at, end_at) = span(&reader)?;
    let made_at: DateTime<Utc> = said(frames::KEY_CREATED_AT).and_then(|at| at.parse().ok()).unwrap_or_else(now);
    let events = paths::cleaned_events(session_id, version);
    let events = match store.objects.size(&events).await {
        Ok(size) => {
            let bytes = store.objects.open_bytes(&events)?;
            let count = read_events(bytes.to_bytes()).ok().map(|events| events.len());
            Some((store.objects.sha256(&events).await?, size, count))
        }
        Err(error) if error.kind() == ErrorKind::Conflict => None,
        Err(error) => return Err(error),
    };
    let size = |bytes: u64| i64::try_from(bytes).ok();
    Ok(Some(cleaning_job::Model {
        id,
        session_id: session_id.to_owned(),
        dataset_id,
        version,
        parameters,
        original_rows: report.pointer("/rows/parsed").and_then(Value::as_i64),
        cleaned_rows: size(footer.row_count()),
        retention_rate: report.get("retention_rate").and_then(Value::as_f64),
        sha256: Some(store.objects.sha256(&object.key).await?),
        output_path: Some(object.key),
        size_bytes: size(object.size_bytes),
        request_key: said(frames::KEY_REQUEST_KEY).unwrap_or_default(),
        cleaner_version: said(frames::KEY_CLEANER_VERSION),
        column_count: i32::try_from(columns.len() + 1).ok(),
        start_at,
        end_at,
        events_count: events.as_ref().and_then(|(_, _, count)| i64::try_from((*count)?).ok()),
        events_sha256: events.as_ref().map(|(sha256, _, _)| sha256.clone()),
        events_size_bytes: events.as_ref().and_then(|(_, bytes, _)| size(*bytes)),
        events_integrity: Integrity::Ok,
        report,
        status: WorkStatus::Completed,
        error: None,
        integrity: Integrity::Ok,
        created_at: made_at,
        started_at: None,
        finished_at: Some(made_at),
    }))
}

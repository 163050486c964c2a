//! The job of a cleaning: read → clean → publish both files → one transaction with the row → `session.json`.
//!
//! What fails before the transaction leaves nothing that the catalogue knows of. A job that is begun again makes the
//! same bytes under the same number, so it takes the files that it had published by then; those of a job that is given
//! up stay, unreferred to, under a number that is not used again, and `doctor` lists them.

use std::ops::ControlFlow;
use std::sync::Arc;

use chrono::DateTime;
use hvac_frame::names::TIMESTAMP;
use hvac_frame::parquet_file::{ColumnType, Encodings, ParquetWriter, ROW_GROUP_ROWS, write_events};
use polars::prelude::{DataFrame, DataType};
use serde_json::json;

use super::ask::refused;
use super::{Parameters, events, store};
use crate::datasets::DatasetSelector;
use crate::datasets::opened::{self, Frame};
use crate::datasets::resolved::Resolved;
use crate::datasets::version::resolve;
use crate::error::{Context, Result};
use crate::events::{self as bus, NewEvent};
use crate::jobs::{Job, JobContext, JobStatus};
use crate::sessions::manifest;
use crate::state::AppState;
use hvac_cleaning::{self as clean, CLEANER_VERSION, Cleaned};
use hvac_store::crash;
use hvac_store::db::Transaction;
use hvac_store::entity::{WorkStatus, cleaning_job};
use hvac_store::frames;
use hvac_store::staged::{Published, Staged, StagedWriter};
use hvac_store::versions::Held;
use hvac_store::{now, paths};

/// Where reading, cleaning and writing begin and end, as shares of the whole.
const READ: f64 = 0.1;
const CLEANED: f64 = 0.8;

/// Does a cleaning's job. Done twice, it makes one version.
///
/// # Errors
/// 409 when the dataset's file is not what it was, or the job was cancelled; what only the values can tell (422);
/// `disk_full`.
#[tracing::instrument(level = "debug", name = "clean", skip_all)]
pub async fn run(state: &AppState, context: &JobContext) -> Result<()> {
    let job = store::get(state.store.db.read(), context.job_id()).await?;
    if job.status == WorkStatus::Completed {
        // The process died between the commit and what follows it.
        return manifest::write(state, &job.session_id).await;
    }
    let held = begin(state, &job, context).await?;
    let made = make(state, &job, held.number.version, context).await?;
    let session_id = job.session_id.clone();
    let message = commit(state, job, &held, made, context).await?;
    drop(held);
    manifest::write(state, &session_id).await?;
    context.progress(1.0, message);
    Ok(())
}

async fn begin(state: &AppState, job: &cleaning_job::Model, context: &JobContext) -> Result<Held> {
    let txn = state.store.db.begin().await?;
    context.confirm(&txn).await?;
    let number = store::begin(&txn, job).await?;
    txn.commit().await.internal("beginning a cleaning")?;
    Ok(Held::new(&state.store.db, number))
}

/// A cleaning whose files are published, but not yet known to the catalogue.
struct Made {
    frame: Published,
    events: Published,
    result: Summary,
}

/// What the row says of a cleaning.
struct Summary {
    report: serde_json::Value,
    message: String,
    cleaned_rows: u64,
    retention_rate: f64,
    column_count: usize,
    span_ms: Option<(i64, i64)>,
    events_count: usize,
}

async fn make(state: &AppState, job: &cleaning_job::Model, version: i32, context: &JobContext) -> Result<Made> {
    let dataset = source(state, job).await?;
    // As much again is far more than a cleaned version takes.
    state.store.objects.check_free_space(dataset.size_bytes)?;
    let parameters: Parameters =
        serde_json::from_value(job.parameters.clone()).internal("reading a cleaning's parameters")?;
    let folder = paths::session_dir(&job.session_id);
    let target = Target {
        frame: state.store.objects.stage(&folder).await?.into_sync(),
        events: state.store.objects.stage(&folder).await?.into_sync(),
    };
    let about = About { job: job.clone(), version };
    let work = {
        let (state, context) = (state.clone(), context.clone());
        move || write(&state, &dataset, &parameters, target, &about, &context)
    };
    let (result, frame, events) = tokio::task::spawn_blocking(work).await.internal("waiting for a cleaning")??;
    let (frame, events) = (frame.finish().await?, events.finish().await?);
    context.check()?;
    // Nobody can take the job over while its files take their names.
    let txn = state.store.db.begin().await?;
    context.confirm(&txn).await?;
    // The events first: a cleaned file is never without them.
    let events = events.publish_held(&paths::cleaned_events(&job.session_id, version)).await?;
    crash::point("clean.events_published");
    let frame = frame.publish_held(&paths::cleaned(&job.session_id, version)).await?;
    drop(txn);
    crash::point("clean.published");
    Ok(Made { frame, events, result })
}

/// The dataset, its bytes hashed now: a version lasts, so it is made from nothing but what was published.
async fn source(state: &AppState, job: &cleaning_job::Model) -> Result<Resolved> {
    let session_id = Some(job.session_id.clone());
    let selector = DatasetSelector { session_id, version: Some(job.dataset_id.clone()) };
    let dataset = resolve(state, &selector).await?;
    opened::forget(state, &dataset);
    resolve(state, &selector).await
}

struct Target {
    frame: StagedWriter,
    events: StagedWriter,
}

struct About {
    job: cleaning_job::Model,
    version: i32,
}

/// Cleans and writes both files. Blocks.
fn write(
    state: &AppState,
    dataset: &Resolved,
    parameters: &Parameters,
    target: Target,
    about: &About,
    context: &JobContext,
) -> Result<(Summary, Staged, Staged)> {
    context.progress(0.0, "reading the dataset");
    let plan = clean::check(&dataset.columns, parameters).map_err(refused)?;
    let stored = Frame::open(state, dataset)?;
    let columns: Vec<String> = stored.column_names().map(str::to_owned).collect();
    let frame = stored.cells(&columns, 0..dataset.row_count)?;
    let source_says = stored.key_values();
    drop(stored);
    context.check()?;
    let progress = |share: f64, doing: &str| {
        context.progress(READ + (CLEANED - READ) * share.clamp(0.0, 1.0), doing);
        if context.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let columns = Arc::clone(&dataset.columns);
    let cleaned = clean::clean(frame, &columns, dataset.zone, &plan, &progress).map_err(refused)?;
    context.check()?;
    context.progress(CLEANED, format!("writing {} rows", cleaned.frame.height()));
    let result = summary(&cleaned)?;
    let said = describe(&source_says, dataset, &cleaned, &result, about)?;
    let frame = write_frame(target.frame, state.config.parquet_encodings, &cleaned.frame, said.clone())?;
    let events = write_events(target.events, &events::stored(cleaned.events), said)?;
    Ok((result, frame.into_staged()?, events.into_staged()?))
}

fn write_frame(
    sink: StagedWriter,
    encodings: Encodings,
    frame: &DataFrame,
    said: Vec<(String, String)>,
) -> Result<StagedWriter> {
    let types = frame.columns().iter().filter(|column| column.name() != TIMESTAMP).map(|column| {
        let is_text = matches!(column.dtype(), DataType::String);
        (column.name().to_string(), if is_text { ColumnType::Text } else { ColumnType::Float64 })
    });
    let mut writer = ParquetWriter::new(sink, &types.collect::<Vec<_>>())?.with_encodings(encodings);
    // In parts, so that its copy on the way to the file stays small.
    for offset in (0..frame.height()).step_by(ROW_GROUP_ROWS) {
        let offset_rows = i64::try_from(offset).internal("counting rows")?;
        writer.write_window(&frame.slice(offset_rows, ROW_GROUP_ROWS))?;
    }
    Ok(writer.finish(said)?.0)
}

fn summary(cleaned: &Cleaned) -> Result<Summary> {
    let doing = "reading the times of a cleaned frame";
    let times = cleaned.frame.column(TIMESTAMP).internal(doing)?.datetime().internal(doing)?.physical();
    Ok(Summary {
        report: serde_json::to_value(&cleaned.report).internal("writing a cleaning's report")?,
        message: cleaned.report.message.clone(),
        cleaned_rows: cleaned.frame.height() as u64,
        retention_rate: cleaned.report.retention_rate,
        column_count: cleaned.frame.width(),
        // `first` and `last` of no rows panic.
        span_ms: if times.is_empty() { None } else { times.first().zip(times.last()) },
        events_count: cleaned.events.len(),
    })
}

/// What both files say of themselves: what the source says, and what is new.
fn describe(
    source_says: &[(String, String)],
    dataset: &Resolved,
    cleaned: &Cleaned,
    result: &Summary,
    about: &About,
) -> Result<Vec<(String, String)>> {
    let kept = [
        frames::KEY_SESSION_ID,
        frames::KEY_SESSION_NAME,
        frames::KEY_SITE,
        frames::KEY_ZONE,
        frames::KEY_PARSER_VERSION,
        frames::KEY_SOURCES,
    ];
    let new = [
        (frames::KEY_DATASET_ID, about.job.id.clone()),
        (frames::KEY_VERSION, format!("cleaned-v{}", about.version)),
        (frames::KEY_COLUMNS, serde_json::to_string(&cleaned.columns).internal("writing the columns")?),
        (frames::KEY_REQUEST_KEY, about.job.request_key.clone()),
        (frames::KEY_PARAMETERS, about.job.parameters.to_string()),
        (frames::KEY_CLEANER_VERSION, CLEANER_VERSION.to_owned()),
        (frames::KEY_SOURCE_DATASET_ID, dataset.label.dataset_id.clone()),
        (frames::KEY_SOURCE_SHA256, dataset.sha256.clone()),
        (frames::KEY_REPORT, result.report.to_string()),
        // Not the time of now: made again, the file has the same bytes.
        (frames::KEY_CREATED_AT, about.job.created_at.to_rfc3339()),
    ];
    let kept = source_says.iter().filter(|(key, _)| kept.contains(&key.as_str())).cloned();
    Ok(kept.chain(new.map(|(key, value)| (key.to_owned(), value))).collect())
}

/// Makes the files a version; gives the report's message.
async fn commit(
    state: &AppState,
    job: cleaning_job::Model,
    held: &Held,
    made: Made,
    context: &JobContext,
) -> Result<String> {
    let Made { frame, events, result } = made;
    let time = |at_ms: Option<i64>| at_ms.and_then(DateTime::from_timestamp_millis);
    let begun = job.started_at.unwrap_or_else(now);
    let done = cleaning_job::Model {
        version: held.number.version,
        cleaned_rows: i64::try_from(result.cleaned_rows).ok(),
        retention_rate: Some(result.retention_rate),
        output_path: Some(frame.path.clone()),
        sha256: Some(frame.sha256.clone()),
        size_bytes: i64::try_from(frame.size_bytes).ok(),
        cleaner_version: Some(CLEANER_VERSION.to_owned()),
        column_count: i32::try_from(result.column_count).ok(),
        start_at: time(result.span_ms.map(|(first, _)| first)),
        end_at: time(result.span_ms.map(|(_, last)| last)),
        events_count: i64::try_from(result.events_count).ok(),
        events_sha256: Some(events.sha256.clone()),
        events_size_bytes: i64::try_from(events.size_bytes).ok(),
        report: result.report,
        status: WorkStatus::Completed,
        error: None,
        started_at: Some(begun),
        finished_at: Some(now()),
        ..job
    };
    let data = json!({
        "session_id": done.session_id, "job_id": done.id, "version": format!("cleaned-v{}", done.version),
        "dataset_id": done.dataset_id, "original_rows": done.original_rows, "cleaned_rows": done.cleaned_rows,
        "retention_rate": done.retention_rate, "quality_events": done.events_count, "message": result.message,
    });
    let event = NewEvent::of_session(bus::SESSION_CLEANED, &done.session_id, &data);
    let txn = state.store.db.begin().await?;
    context.confirm(&txn).await?;
    store::complete(&txn, done).await?;
    held.publish(&txn).await?;
    crash::point("clean.before_commit");
    // A commit that fails may have happened all the same: the files stay, and the job looks again.
    txn.commit().await.internal("committing a cleaning")?;
    crash::point("clean.committed");
    state.events.publish(event);
    Ok(result.message)
}

/// In the transaction that ends the job, however it ends: its row says the same.
///
/// # Errors
/// When the database cannot be written.
pub async fn ended(txn: &Transaction, job: &Job) -> Result<()> {
    let status = match job.status {
        JobStatus::Failed => WorkStatus::Failed,
        JobStatus::Cancelled => WorkStatus::Cancelled,
        _ => return Ok(()),
    };
    store::end(txn, &job.id, status, job.failure.as_ref().map(|failure| failure.message.clone())).await
}

//! Reports → frame → Parquet: the computing part of a parse, on blocking threads, knowing no database.
//!
//! Reading, merging and writing overlap: while one window is written as row groups, the next is merged. Of the
//! memory allowed, three quarters are for the cells of all reports at rest, the rest is for the windows under way.

use std::collections::BTreeMap;
use std::sync::mpsc::sync_channel;

use super::reading::{Job, load, unreadable};
use super::verdict::{self, ReadBy, Sketch, Verdict};
use super::{OnConflict, Progress, UnreadableFile, marked, warned};
use crate::datasets::{Row, rows};
use crate::error::{Context, Detail, Error, Result, codes, machine};
use hvac_frame::align::Keep;
use hvac_frame::column::{ColumnMeta, Warning};
use hvac_frame::kinds::Reading;
use hvac_frame::parquet_file::{ColumnType, ParquetWriter, QualityEvent};
use hvac_frame::tally::Tally;
use hvac_frame::window::AlignedWindow;
use hvac_report::FilePlan;
use hvac_report::job::describe;
use hvac_report::job::loss::Loss;
use hvac_report::job::plan::{Plan, PlanError};
use hvac_report::job::read::{FileId, Load, ReadFile, read_each};
use hvac_report::job::tables::merged_tables;
use hvac_report::job::window::align_window;
use hvac_store::staged::{Staged, StagedWriter};

/// What came of it.
pub struct Built {
    /// What each file gave, in canonical order, with its hash and size.
    pub files: Vec<(FileId, u64, FilePlan)>,
    /// The columns but for `timestamp`.
    pub columns: Vec<ColumnMeta>,
    /// Reports that were left out.
    pub unreadable: Vec<UnreadableFile>,
    /// What concerns several files or the frame.
    pub warnings: Vec<Warning>,
    /// Rows of the frame.
    pub row_count: u64,
    /// First and last time, UTC ms.
    pub span_ms: Option<(i64, i64)>,
    /// First 10 rows.
    pub preview: Vec<Row>,
    /// Cells of the same point and time with different values.
    pub conflicts: u64,
    /// What the systems say of their own readings.
    pub events: Vec<QualityEvent>,
    /// Of a dry run.
    pub verdict: Option<Verdict>,
    /// By the file's hash: its shape, where the files' shapes were asked for.
    pub shapes: BTreeMap<String, String>,
}

/// Where the frame goes, and what the file says of itself.
pub struct Target<'a> {
    /// The staged file.
    pub writer: StagedWriter,
    /// The file's own metadata, once everything is known.
    pub describe: &'a (dyn Fn(&Built) -> Result<Vec<(String, String)>> + Sync),
}

/// Rows that an answer to a parse shows.
const PREVIEW_ROWS: usize = 10;
/// Columns of the widest frame that is made.
const MOST_COLUMNS: usize = 20_000;

/// Reads and merges the reports, and writes the frame if there is a target; gives the staged file back.
///
/// # Errors
/// 415 and 422 with file, line and column for reports that cannot be read, or contradict each other under
/// `error`; 503 when the disk is full.
pub fn build(job: &Job, target: Option<Target<'_>>, progress: &Progress) -> Result<(Built, Option<Staged>)> {
    let load = |index: usize| load(job, index);
    let total = job.files.len();
    let done = || progress.read_one(total as u64);
    let (read, errors) = read_each(&job.files, &load, job.wants_shapes, job.memory_bytes / 4 * 3, &done);
    // What is the machine's fault may pass, and is no report's.
    let are_left_out =
        job.skip_unreadable && !read.is_empty() && errors.iter().all(|e| machine::of_code(e.code).is_none());
    if !(errors.is_empty() || are_left_out) {
        return Err(unreadable(&errors, total));
    }
    let left_out: Vec<UnreadableFile> =
        job.unreadable.iter().cloned().chain(errors.into_iter().map(Into::into)).collect();
    progress.go_on()?;
    let told = warned::before_planning(job, &read);
    let shapes = read.iter().map(|file| (file.id.sha256.clone(), file.shape.clone())).collect();
    let mut plan = Plan::new(read, &job.stated, &job.remembered).map_err(refused)?;
    if plan.columns.len() > MOST_COLUMNS {
        let message = format!(
            "the files hold {} points together, and at most {MOST_COLUMNS} make a session: parse them in several",
            plan.columns.len()
        );
        return Err(Error::new(codes::TOO_MANY_POINTS, message));
    }
    if plan.axis_ms.is_empty() {
        return Err(Error::new(codes::NO_ROWS, "the files hold no data row: no version was made"));
    }
    let Some(Target { writer, describe }) = target else {
        let edges = verdict::edges(&plan, &load, job.zone)?;
        let mut sketch = Sketch::of(&plan);
        let mut sink = |axis_ms: &[i64], window: AlignedWindow| {
            sketch.take(axis_ms, &window);
            Ok(())
        };
        let (tallies, preview) = windows(job, &mut plan, &load, &mut sink, progress)?;
        let loss = Loss::of(&plan, &tallies, job.accept_conflicts);
        let readings: Vec<Reading> = plan.columns.iter().map(|column| column.reading.clone()).collect();
        let options = read_by(&plan);
        let kept = tallies.clone();
        let mut built = built(job, plan, tallies, preview, (told, shapes, left_out));
        let files = verdict::files(job, &options, &built.files, edges, &load);
        built.verdict =
            Some(verdict::verdict(files, &sketch, &built.columns, &readings, &kept, (&loss, job.accept_loss)));
        return Ok((built, None));
    };
    let schema: Vec<(String, ColumnType)> =
        plan.columns.iter().map(|c| (c.name.clone(), column_type(&c.reading))).collect();
    let mut frames = ParquetWriter::new(writer, &schema)?.with_encodings(job.encodings);
    let (sender, receiver) = sync_channel::<AlignedWindow>(1);
    std::thread::scope(|scope| {
        let writing = scope.spawn(move || -> Result<ParquetWriter<StagedWriter>> {
            for window in receiver {
                frames.write_columns(&window)?;
            }
            Ok(frames)
        });
        // A writer that fails hangs up; its own error is the one that counts.
        let hung_up = |_| Error::internal("the writer of the Parquet file stopped");
        let mut sink = |_: &[i64], window| sender.send(window).map_err(hung_up);
        let merged = windows(job, &mut plan, &load, &mut sink, progress);
        drop(sender);
        let written = writing.join().map_err(|_| Error::internal("the writer of the Parquet file panicked"))?;
        let (frames, (tallies, preview)) = (written?, merged?);
        refuse_loss(job, &plan, &tallies)?;
        let built = built(job, plan, tallies, preview, (told, shapes, left_out));
        let (writer, _) = frames.finish(describe(&built)?)?;
        Ok((built, Some(writer.into_staged()?)))
    })
}

fn column_type(reading: &Reading) -> ColumnType {
    match reading {
        Reading::Text => ColumnType::Text,
        _ => ColumnType::Float64,
    }
}

/// Merges window after window; gives the tallies and the first rows.
fn windows(
    job: &Job,
    plan: &mut Plan,
    load: &Load<'_>,
    sink: &mut dyn FnMut(&[i64], AlignedWindow) -> Result<()>,
    progress: &Progress,
) -> Result<(Vec<Tally>, Vec<Row>)> {
    let keep = if job.on_conflict == OnConflict::First { Keep::First } else { Keep::Last };
    let mut tallies = vec![Tally::default(); plan.columns.len()];
    let mut preview = Vec::new();
    for window in plan.windows(plan.window_rows(job.memory_bytes / 4)) {
        progress.go_on()?;
        let segments = plan.read_window(&window, load).map_err(|error| unreadable(&[error], 1))?;
        let (merged, found) = align_window(plan, &window, segments, keep)?;
        if preview.is_empty() {
            let head = merged.head(plan.names(), PREVIEW_ROWS).internal("merging a window")?;
            preview = rows::maps(&head, job.zone)?;
        }
        for (tally, next) in tallies.iter_mut().zip(found) {
            tally.absorb(next);
        }
        if job.on_conflict == OnConflict::Error {
            refuse_conflicts(plan, &tallies)?;
        }
        sink(plan.axis_ms.get(window.clone()).unwrap_or_default(), merged)?;
        progress.wrote(window.end as u64, plan.axis_ms.len() as u64);
    }
    Ok((tallies, preview))
}

fn built(
    job: &Job,
    mut plan: Plan,
    tallies: Vec<Tally>,
    preview: Vec<Row>,
    (told, shapes, unreadable): (Vec<Warning>, BTreeMap<String, String>, Vec<UnreadableFile>),
) -> Built {
    let conflicts = tallies.iter().map(|t| t.conflicts).sum();
    let (columns, found) = describe::describe(&plan, tallies);
    let (events, untold) = marked::events(&mut plan);
    let Plan { files, axis_ms, mut warnings, .. } = plan;
    warnings.extend(found);
    warnings.extend(untold);
    warnings.extend(told);
    warnings.extend(unreadable.iter().map(warned::left_out));
    let size_of = |index: usize| job.inputs.get(index).map_or(0, |input| input.size_bytes);
    let files = merged_tables(files).into_iter().map(|(index, id, plan)| (id, size_of(index), plan)).collect();
    Built {
        files,
        columns,
        unreadable,
        warnings,
        row_count: axis_ms.len() as u64,
        span_ms: axis_ms.first().copied().zip(axis_ms.last().copied()),
        preview,
        conflicts,
        events,
        verdict: None,
        shapes,
    }
}

/// How each file was read, by index for loading.
fn read_by(plan: &Plan) -> BTreeMap<usize, ReadBy> {
    let entry =
        |file: &ReadFile| (file.index, ReadBy { options: file.options.clone(), recalled: file.recalled.clone() });
    plan.files.iter().map(entry).collect()
}

fn refuse_loss(job: &Job, plan: &Plan, tallies: &[Tally]) -> Result<()> {
    let loss = Loss::of(plan, tallies, job.accept_conflicts);
    let Some(why) = loss.refusal().filter(|_| !job.accept_loss) else { return Ok(()) };
    let message = format!(
        "{why}; no version was made (accept_loss or --accept-loss goes on; a stated on_conflict accepts conflicts)"
    );
    let reasons = loss.lost.iter().map(|(reason, count)| Detail {
        field: Some(reason.clone()),
        message: format!("{count} of {} readings", loss.readings),
        ..Detail::default()
    });
    let rows = (loss.unknown_rows > 0).then(|| Detail {
        field: Some("unknown_rows".to_owned()),
        message: format!("{} with readings, of no known kind", loss.unknown_rows),
        ..Detail::default()
    });
    let error = Error::new(codes::WOULD_LOSE_READINGS, message);
    Err(reasons.chain(rows).fold(error, Error::with_detail))
}

fn refuse_conflicts(plan: &Plan, tallies: &[Tally]) -> Result<()> {
    let conflicts: u64 = tallies.iter().map(|t| t.conflicts).sum();
    if conflicts == 0 {
        return Ok(());
    }
    let message = format!(
        "{conflicts} cells have two different values for the same time: no version was made; parse with on_conflict=last or first, or leave one of the files out"
    );
    let mut error = Error::new(codes::CONFLICTING_VALUES, message);
    for (column, conflict) in
        plan.columns.iter().zip(tallies).filter_map(|(c, t)| Some((c, t.first_conflict.as_ref()?))).take(20)
    {
        error = error.with_detail(Detail {
            file: plan.files.get(conflict.file).map(|f| f.id.name.clone()),
            column: Some(column.original_name.clone()),
            message: describe::conflict_text(plan, column, conflict),
            ..Detail::default()
        });
    }
    Err(error)
}

fn refused(error: PlanError) -> Error {
    Error::invalid("columns", codes::BAD_COLUMN_OVERRIDE, error.message).with_detail(Detail {
        column: Some(error.column),
        message: "the override cannot be followed".to_owned(),
        ..Detail::default()
    })
}

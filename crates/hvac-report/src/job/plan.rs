//! What a set of reports holds together: columns, time axis, windows.
//!
//! [`read_all`] reads every report once, in parallel, and keeps the cells, encoded, while they fit into the memory
//! it is given; [`Plan::new`] puts the files into their canonical order and settles columns and axis;
//! [`Plan::windows`] cuts the axis so that one window's frame fits too, and [`Plan::read_window`] gathers
//! the cells of a window, reading again what was not kept. So a small job is one pass and one window, and
//! a job of any size needs no more than its memory.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use rayon::prelude::*;

use hvac_frame::builder::SegmentBuilder;
use hvac_frame::column::{Kind, Warning};
use hvac_frame::encoded::EncodedSegment;
use hvac_frame::kinds::{self, Reading};
use hvac_frame::names;

use super::super::{Chosen, Chunk, FilePlan, PointPlan, ReadError, ReadOptions, Reader, Source};
use super::naming::name_series;

/// Gives the bytes of the file with that index, which are let go as soon as they are read; called again when a
/// file's cells were not kept.
pub type Load<'a> = dyn Fn(usize) -> Result<Bytes, ReadError> + Sync + 'a;

/// A report's name and the hash of its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileId {
    /// As the user knows it.
    pub name: String,
    /// Of the raw bytes, hex; settles the order of files that end at the same time.
    pub sha256: String,
}

/// A table of a report that was read: its plan, its times, and its cells unless there was no room.
#[derive(Debug)]
pub struct ReadFile {
    /// Index for [`Load`].
    pub index: usize,
    /// Which of the report's tables.
    table: usize,
    /// Name and hash.
    pub id: FileId,
    /// What it holds.
    pub plan: FilePlan,
    /// Times of each chunk, UTC ms, ascending.
    times_ms: Vec<Arc<[i64]>>,
    /// One entry a chunk; none when it has to be read again.
    segments: Vec<Option<Arc<EncodedSegment>>>,
}

/// Rows of one file's segment that lie in a window.
#[derive(Debug)]
pub struct Taken {
    /// Index into [`Plan::files`].
    pub file: usize,
    /// The cells.
    pub segment: Arc<EncodedSegment>,
    /// Which of its rows.
    pub rows: Range<usize>,
}

/// What a user says of one column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Override {
    /// Name to store it under.
    pub name: Option<String>,
    /// Kind.
    pub kind: Option<Kind>,
    /// Unit.
    pub unit: Option<String>,
}

/// A column of the frame to come.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedColumn {
    /// Name in the frame.
    pub name: String,
    /// Name in the reports.
    pub original_name: String,
    /// How its cells become values.
    pub reading: Reading,
    /// Unit of the values.
    pub unit: Option<Chosen<String>>,
    /// From the first report that has one.
    pub trend_definition: Option<String>,
    /// From the first report that has one, s.
    pub native_interval_s: Option<u32>,
    /// Whether every report gives its rows intervals in place of times.
    pub of_intervals: bool,
    /// What the user said.
    pub stated: Override,
    /// Where its cells come from, in canonical order.
    pub parts: Vec<Part>,
}

/// One file's share of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Index into [`Plan::files`].
    pub file: usize,
    /// Index into the file's points.
    pub point: usize,
    /// Whether its numbers are in another unit than the column's.
    pub other_unit: bool,
}

/// The whole job, settled.
#[derive(Debug)]
pub struct Plan {
    /// The tables of all reports in canonical order: by last time, then by hash, then as they stand in the report.
    pub files: Vec<ReadFile>,
    /// The frame's columns but for `timestamp`, in order of first appearance.
    pub columns: Vec<PlannedColumn>,
    /// The frame's times, UTC ms, ascending, distinct.
    pub axis_ms: Vec<i64>,
    /// What concerns several files.
    pub warnings: Vec<Warning>,
}

/// An override that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanError {
    /// The column it is about.
    pub column: String,
    /// One sentence.
    pub message: String,
}

/// Reads every file once, in parallel, keeping cells up to `memory_bytes`; `done` hears of each. A file has an entry a table.
///
/// # Errors
/// All files that cannot be read, in the order given.
pub fn read_all(
    files: &[FileId],
    load: &Load<'_>,
    options: &ReadOptions,
    memory_bytes: u64,
    done: &(dyn Fn() + Sync),
) -> Result<Vec<ReadFile>, Vec<ReadError>> {
    let kept_bytes = AtomicU64::new(0);
    let read: Vec<Result<Vec<ReadFile>, ReadError>> = files
        .par_iter()
        .enumerate()
        .map_init(SegmentBuilder::default, |builder, (index, id)| {
            let tables = read_one(index, id, load, options, memory_bytes, &kept_bytes, builder)?;
            done();
            Ok(tables)
        })
        .collect();
    let (good, bad): (Vec<_>, Vec<_>) = read.into_iter().partition(Result::is_ok);
    if bad.is_empty() {
        Ok(good.into_iter().flatten().flatten().collect())
    } else {
        Err(bad.into_iter().filter_map(Result::err).collect())
    }
}

fn read_one(
    index: usize,
    id: &FileId,
    load: &Load<'_>,
    options: &ReadOptions,
    memory_bytes: u64,
    kept_bytes: &AtomicU64,
    builder: &mut SegmentBuilder,
) -> Result<Vec<ReadFile>, ReadError> {
    let bytes = load(index)?;
    let tables = Reader::open(Source { name: &id.name, bytes: &bytes }, options)?;
    let read = tables.iter().enumerate().map(|(table, reader)| {
        let (plan, times_ms, segments) = read_table(reader, memory_bytes, kept_bytes, builder)?;
        Ok(ReadFile { index, table, id: id.clone(), plan, times_ms, segments })
    });
    read.collect()
}

/// The plan of a table, the times of its chunks, and their cells as far as there is room.
type Kept = (FilePlan, Vec<Arc<[i64]>>, Vec<Option<Arc<EncodedSegment>>>);

fn read_table(
    reader: &Reader<'_>,
    memory_bytes: u64,
    kept_bytes: &AtomicU64,
    builder: &mut SegmentBuilder,
) -> Result<Kept, ReadError> {
    let mut times_ms = Vec::new();
    let mut segments = Vec::new();
    let plan = reader.plan(builder, &mut |_, segment| {
        times_ms.push(segment.at_ms.clone());
        let size = segment.size_bytes();
        let fits = kept_bytes.fetch_add(size, Ordering::Relaxed) + size <= memory_bytes;
        if !fits {
            kept_bytes.fetch_sub(size, Ordering::Relaxed);
        }
        segments.push(fits.then(|| Arc::new(segment)));
    })?;
    Ok((plan, times_ms, segments))
}

impl Plan {
    /// Puts the files into canonical order and settles columns and axis.
    ///
    /// `stated` is by original name or by the name the column gets without any override; so is `remembered`,
    /// whose entries may concern columns that are not here.
    ///
    /// # Errors
    /// When a stated override names no column, or asks for what cannot be.
    pub fn new(
        mut files: Vec<ReadFile>,
        stated: &BTreeMap<String, Override>,
        remembered: &BTreeMap<String, Override>,
    ) -> Result<Self, PlanError> {
        files.sort_by(|a, b| {
            (a.plan.last_at_ms, &a.id.sha256, a.table).cmp(&(b.plan.last_at_ms, &b.id.sha256, b.table))
        });
        name_series(&mut files);
        let times = files.iter_mut().flat_map(|file| std::mem::take(&mut file.times_ms)).collect();
        let mut warnings = Vec::new();
        let (axis_ms, mut columns) = rayon::join(|| union(times), || columns(&files, &mut warnings));
        name_columns(&mut columns, stated, remembered)?;
        Ok(Self { files, columns, axis_ms, warnings })
    }

    /// Names of the columns, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// Rows whose frame fits into `memory_bytes` while it is merged, waits, and is written: 1 024 to 16 384.
    ///
    /// More would only take more memory: windows of this size cost the least.
    #[must_use]
    pub fn window_rows(&self, memory_bytes: u64) -> usize {
        // Three frames of nine bytes a cell: merged, handed over, and written.
        let row_bytes = 8 + 27 * self.columns.len() as u64;
        usize::try_from(memory_bytes / row_bytes).unwrap_or(usize::MAX).clamp(1024, 16 * 1024)
    }

    /// Cuts the axis into windows of that many rows; one for an empty axis.
    #[must_use]
    pub fn windows(&self, rows: usize) -> Vec<Range<usize>> {
        let mut windows = Vec::new();
        let mut start = 0_usize;
        loop {
            let end = self.axis_ms.len().min(start.saturating_add(rows.max(1)));
            windows.push(start..end);
            start = end;
            if start >= self.axis_ms.len() {
                return windows;
            }
        }
    }

    /// The cells of one window in canonical order; what ends in it is given away, so windows must be asked for in
    /// their order.
    ///
    /// # Errors
    /// When a file that was not kept can no longer be read.
    pub fn read_window(
        &mut self,
        window: &Range<usize>,
        load: &Load<'_>,
        options: &ReadOptions,
    ) -> Result<Vec<Taken>, ReadError> {
        let Some((&first_ms, &last_ms)) = self.axis_ms.get(window.clone()).and_then(|w| w.first().zip(w.last())) else {
            return Ok(Vec::new());
        };
        let gathered: Vec<Result<Vec<Taken>, ReadError>> = self
            .files
            .par_iter_mut()
            .enumerate()
            .map(|(position, file)| {
                let segments = file.segments_between(first_ms, last_ms, load, options)?;
                let taken = segments.into_iter().map(|segment| {
                    let rows = segment.rows_between(first_ms, last_ms);
                    Taken { file: position, segment, rows }
                });
                Ok(taken.collect())
            })
            .collect();
        Ok(gathered.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }
}

impl ReadFile {
    fn segments_between(
        &mut self,
        first_ms: i64,
        last_ms: i64,
        load: &Load<'_>,
        options: &ReadOptions,
    ) -> Result<Vec<Arc<EncodedSegment>>, ReadError> {
        let touches = |c: &Chunk| c.rows > 0 && c.first_at_ms <= last_ms && c.last_at_ms >= first_ms;
        let mut found = Vec::new();
        let mut missing = Vec::new();
        for (position, (chunk, kept)) in self.plan.chunks.iter().zip(&mut self.segments).enumerate() {
            match kept {
                _ if !touches(chunk) => {}
                Some(_) if chunk.last_at_ms <= last_ms => found.extend(kept.take().map(|segment| (position, segment))),
                Some(segment) => found.push((position, segment.clone())),
                None => missing.push(position),
            }
        }
        if !missing.is_empty() {
            let bytes = load(self.index)?;
            let tables = Reader::open(Source { name: &self.id.name, bytes: &bytes }, options)?;
            let changed = || ReadError {
                code: "report_changed",
                file: self.id.name.clone(),
                line: None,
                column: None,
                message: "the report's bytes are not those that were planned: parse it again".to_owned(),
            };
            let reader = tables.get(self.table).ok_or_else(changed)?;
            for position in missing {
                found.push((position, Arc::new(reader.read(&self.plan, position)?)));
            }
            found.sort_by_key(|(position, _)| *position);
        }
        Ok(found.into_iter().map(|(_, segment)| segment).collect())
    }
}

/// All distinct times of ascending lists.
fn union(mut lists: Vec<Arc<[i64]>>) -> Vec<i64> {
    // Files of one period share their times: equal lists count once, if they are found side by side.
    lists.sort_unstable_by_key(|times| (times.first().copied(), times.last().copied(), times.len()));
    lists.dedup();
    let mut axis = lists.concat();
    drop(lists);
    // Made of ascending runs, which this sort merges.
    axis.sort();
    axis.dedup();
    axis.shrink_to_fit();
    axis
}

fn columns(files: &[ReadFile], warnings: &mut Vec<Warning>) -> Vec<PlannedColumn> {
    let mut named: Vec<(&str, Vec<Part>)> = Vec::new();
    let mut index: HashMap<(&str, u32), usize> = HashMap::new();
    for (file, read) in files.iter().enumerate() {
        for (point, plan) in read.plan.points.iter().enumerate() {
            let name = plan.original_name.as_str();
            let part = Part { file, point, other_unit: false };
            match index.entry((name, plan.occurrence)) {
                Entry::Occupied(at) => named.get_mut(*at.get()).into_iter().for_each(|(_, parts)| parts.push(part)),
                Entry::Vacant(new) => {
                    new.insert(named.len());
                    named.push((name, vec![part]));
                }
            }
        }
    }
    named.into_iter().map(|(name, parts)| column(files, name, parts, warnings)).collect()
}

fn column(files: &[ReadFile], original_name: &str, mut parts: Vec<Part>, warnings: &mut Vec<Warning>) -> PlannedColumn {
    let plans: Vec<&PointPlan> = parts.iter().filter_map(|p| files.get(p.file)?.plan.points.get(p.point)).collect();
    let numbers = plans.iter().map(|p| p.numbers).sum();
    let tokens = plans.iter().flat_map(|p| p.tokens.iter().map(|(token, count)| (token.as_str(), *count)));
    let reading = kinds::reading(numbers, tokens);
    let unit = plans.iter().find_map(|p| p.unit.clone());
    for (part, plan) in parts.iter_mut().zip(&plans) {
        let (Some(unit), Some(own)) = (&unit, &plan.unit) else { continue };
        if own.value != unit.value {
            part.other_unit = true;
            warnings.push(Warning {
                code: "unit_mismatch".to_owned(),
                file: files.get(part.file).map(|f| f.id.name.clone()).unwrap_or_default(),
                line: None,
                column: Some(original_name.to_owned()),
                count: plan.numbers,
                message: format!(
                    "this file has {original_name} in {} ({}), others in {} ({}): its cells are null (unit_mismatch); parse it as a session of its own",
                    own.value, own.evidence, unit.value, unit.evidence
                ),
            });
        }
    }
    PlannedColumn {
        name: String::new(),
        original_name: original_name.to_owned(),
        reading,
        unit,
        trend_definition: plans.iter().find_map(|p| p.trend_definition.clone()),
        native_interval_s: plans.iter().find_map(|p| p.native_interval_s),
        of_intervals: plans.iter().all(|p| p.of_intervals),
        stated: Override::default(),
        parts,
    }
}

fn name_columns(
    columns: &mut [PlannedColumn],
    stated: &BTreeMap<String, Override>,
    remembered: &BTreeMap<String, Override>,
) -> Result<(), PlanError> {
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    let mut originals: Vec<(&str, u32)> = Vec::with_capacity(columns.len());
    for column in &*columns {
        let occurrence = seen.entry(&column.original_name).or_insert(0);
        originals.push((&column.original_name, *occurrence));
        *occurrence += 1;
    }
    let overrides = placed(&originals, stated, remembered)?;
    let mut given: BTreeMap<usize, String> = BTreeMap::new();
    for (position, value) in &overrides {
        let Some(name) = &value.name else { continue };
        if names::normalised(name) != *name || name == names::TIMESTAMP || given.values().any(|n| n == name) {
            let message = format!("'{name}' cannot be a column's name: use letters, digits and _, each name once");
            return Err(PlanError { column: name.clone(), message });
        }
        given.insert(*position, name.clone());
    }
    let named = names::unique(&originals, &given);
    for (position, (column, name)) in columns.iter_mut().zip(named).enumerate() {
        column.name = name;
        if let Some(stated) = overrides.get(&position) {
            follow(column, stated)?;
        }
    }
    Ok(())
}

/// Which column each override is about; what is stated wins over what is remembered.
fn placed(
    originals: &[(&str, u32)],
    stated: &BTreeMap<String, Override>,
    remembered: &BTreeMap<String, Override>,
) -> Result<BTreeMap<usize, Override>, PlanError> {
    let plain = names::unique(originals, &BTreeMap::new());
    let first = |(at, (name, occurrence)): (usize, &(_, u32))| (*occurrence == 0).then_some((*name, at));
    let by_original: HashMap<&str, usize> = originals.iter().enumerate().filter_map(first).collect();
    let by_name: HashMap<&str, usize> = plain.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
    let position_of = |key: &String| by_original.get(key.as_str()).or_else(|| by_name.get(key.as_str())).copied();
    let mut overrides: BTreeMap<usize, Override> = BTreeMap::new();
    for (key, value) in remembered {
        if let Some(position) = position_of(key) {
            overrides.insert(position, value.clone());
        }
    }
    for (key, value) in stated {
        let position = position_of(key).ok_or_else(|| PlanError {
            column: key.clone(),
            message: format!("no report has a column '{key}'; a dry run lists the columns there are"),
        })?;
        let old = overrides.remove(&position).unwrap_or_default();
        let merged = Override {
            name: value.name.clone().or(old.name),
            kind: value.kind.or(old.kind),
            unit: value.unit.clone().or(old.unit),
        };
        overrides.insert(position, merged);
    }
    Ok(overrides)
}

fn follow(column: &mut PlannedColumn, stated: &Override) -> Result<(), PlanError> {
    match stated.kind {
        Some(Kind::Text) => column.reading = Reading::Text,
        Some(Kind::Instantaneous | Kind::Counter | Kind::IntervalTotal) => column.reading = Reading::Numbers,
        Some(Kind::Status) if column.reading == Reading::Text => {
            let message =
                format!("'{}' cannot be a status: its texts are no known pair of states", column.original_name);
            return Err(PlanError { column: column.original_name.clone(), message });
        }
        Some(Kind::Status) | None => {}
    }
    if let Some(unit) = &stated.unit {
        column.unit = Some(Chosen { value: unit.clone(), evidence: "stated by the user".to_owned() });
    }
    column.stated = stated.clone();
    Ok(())
}

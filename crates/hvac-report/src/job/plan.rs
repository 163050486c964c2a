//! What a set of reports holds together: columns, time axis, windows.
//!
//! [`read_all`](super::read::read_all) reads every report once, in parallel, and keeps the cells, encoded, while they fit
//! into the memory it is given; [`Plan::new`] puts the files into their canonical order and settles columns and axis;
//! [`Plan::windows`] cuts the axis so that one window's frame fits too, and [`Plan::read_window`] gathers
//! the cells of a window, reading again what was not kept. So a small job is one pass and one window, and
//! a job of any size needs no more than its memory.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use hvac_frame::column::{Kind, Warning};
use hvac_frame::encoded::EncodedSegment;
use hvac_frame::kinds::{self, Reading};
use hvac_frame::names;

use super::super::{Chosen, PointPlan, ReadError};
use super::naming::name_series;
use super::read::{Load, ReadFile};

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
    pub fn read_window(&mut self, window: &Range<usize>, load: &Load<'_>) -> Result<Vec<Taken>, ReadError> {
        let Some((&first_ms, &last_ms)) = self.axis_ms.get(window.clone()).and_then(|w| w.first().zip(w.last())) else {
            return Ok(Vec::new());
        };
        let gathered: Vec<Result<Vec<Taken>, ReadError>> = self
            .files
            .par_iter_mut()
            .enumerate()
            .map(|(position, file)| {
                let segments = file.segments_between(first_ms, last_ms, load)?;
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
    let tokens = || plans.iter().flat_map(|p| p.tokens.iter().map(|(token, count)| (token.as_str(), *count)));
    let reading = kinds::reading(numbers, tokens());
    if let (Reading::Text, 1.., Some((text, _))) = (&reading, numbers, tokens().next()) {
        let all = numbers + tokens().map(|(_, count)| count).sum::<u64>();
        warnings.push(Warning {
            code: "numbers_among_texts".to_owned(),
            file: String::new(),
            line: None,
            column: Some(original_name.to_owned()),
            count: numbers,
            message: format!(
                "{numbers} of {all} cells of {original_name} are numbers, and the others several texts (first '{}'): the column is kept as text",
                text.chars().take(60).collect::<String>()
            ),
        });
    }
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

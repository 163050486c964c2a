//! What a dry run says at its end: what was seen, why, and how else it may be meant, for a person to check at a glance.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono_tz::Tz;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::Kind;
use super::reading::{Job, unreadable};
use crate::datasets::clock;
use crate::error::Result;
use hvac_frame::column::ColumnMeta;
use hvac_frame::kinds::Reading;
use hvac_frame::tally::Tally;
use hvac_frame::window::{AlignedColumn, AlignedWindow};
use hvac_report::job::edges::{CellAsRead, RowAsRead};
use hvac_report::job::loss::Loss;
use hvac_report::job::others::{OtherReading, other_readings};
use hvac_report::job::plan::Plan;
use hvac_report::job::read::{FileId, Load, Recalled};
use hvac_report::{FilePlan, ReadOptions, Source};

/// Rows that are shown of each end of a table.
const ROWS: usize = 2;
/// Tables whose rows are shown, and files whose other readings are looked for.
const MOST_FILES: usize = 20;
/// Cells of a row that are shown.
const MOST_CELLS: usize = 50;
/// Characters of a sparkline.
const BINS: usize = 24;
/// States that are counted by name.
const MOST_STATES: usize = 8;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What would become of the reports.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct Verdict {
    /// Whether the same request without `dry_run` would store something.
    pub accepted: bool,
    /// Why not, in a sentence.
    pub refusal: Option<String>,
    /// Readings of the reports: numbers and states.
    pub readings: u64,
    /// Those that would end in no cell, by reason.
    pub lost: BTreeMap<String, u64>,
    /// Each report.
    pub files: Vec<FileVerdict>,
    /// Each column but `timestamp`.
    pub points: Vec<PointVerdict>,
}

/// How one report was read.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct FileVerdict {
    /// As the user named it.
    pub file_name: String,
    /// What was chosen, and what it was told by.
    pub seen: Vec<Seen>,
    /// Its tables, where it has several.
    pub tables: Vec<String>,
    /// What is remembered of reports of its shape and was followed: `date_format=DMY, from may.csv`.
    pub remembered: Option<String>,
    /// Its first rows as read.
    pub first_rows: Vec<RowShown>,
    /// Its last rows as read.
    pub last_rows: Vec<RowShown>,
    /// Rows and sheets that were left out, by reason.
    pub left_out: BTreeMap<String, u64>,
    /// How else it may be meant, the likeliest first.
    pub other_readings: Vec<OtherReading>,
}

/// A row of a report.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct RowShown {
    /// Its time, on the site's clock with the offset.
    pub timestamp: String,
    /// Its first cells, in the report's order.
    pub cells: Vec<CellShown>,
}

/// A cell of it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CellShown {
    /// The point, by its name in the report.
    pub point: String,
    /// A number, a text, or null.
    #[schema(value_type = Option<Value>)]
    pub value: Value,
}

/// A choice and its reason.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Seen {
    /// `format`, `header`, `time`, `dates`, `zone`, …
    pub what: String,
    /// The choice.
    pub value: String,
    /// What it was told by.
    pub evidence: String,
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PointVerdict {
    /// Name of the column.
    pub name: String,
    /// Name in the reports.
    pub original_name: String,
    /// Kind.
    pub kind: Kind,
    /// Unit, when known.
    pub unit: Option<String>,
    /// Cells with a value.
    pub count: u64,
    /// Least number.
    pub min: Option<f64>,
    /// Largest number.
    pub max: Option<f64>,
    /// Its course in time, at most 24 characters; `·` where it has no value. None of texts and states.
    pub sparkline: Option<String>,
    /// Cells by state or text, the most frequent ones.
    pub states: BTreeMap<String, u64>,
}

/// The first and last rows of the tables, of the files in the plan's order, by index for loading.
pub struct Edges(Vec<(usize, Vec<RowShown>, Vec<RowShown>)>);

/// Looks at the ends of the tables; before any window is read.
pub fn edges(plan: &Plan, load: &Load<'_>, zone: Tz) -> Result<Edges> {
    let mut edges = Vec::new();
    for (position, file) in plan.files.iter().enumerate().take(MOST_FILES) {
        let [first, last] = plan.edges(position, ROWS, load).map_err(|error| unreadable(&[error], 1))?;
        let shown = |rows: Vec<RowAsRead>| rows.into_iter().map(|row| shown(&file.plan, row, zone)).collect();
        edges.push((file.index, shown(first), shown(last)));
    }
    Ok(Edges(edges))
}

fn shown(plan: &FilePlan, row: RowAsRead, zone: Tz) -> RowShown {
    let mut cells = Vec::new();
    for (point, cell) in plan.points.iter().zip(row.cells).take(MOST_CELLS) {
        let value = match cell {
            CellAsRead::Number(number) => json!(number),
            CellAsRead::Text(text) => text.into(),
            CellAsRead::Nothing(_) => Value::Null,
        };
        let again = if point.occurrence > 0 { format!(" ({})", point.occurrence + 1) } else { String::new() };
        cells.push(CellShown { point: format!("{}{again}", point.original_name), value });
    }
    RowShown { timestamp: clock::iso(zone, row.at_ms), cells }
}

/// The course of the columns, window by window.
pub struct Sketch {
    first_ms: i64,
    span_ms: i64,
    bins: usize,
    courses: Vec<Course>,
}

#[derive(Clone, Default)]
struct Course {
    bins: Vec<(f64, u32)>,
    min: Option<f64>,
    max: Option<f64>,
    ones: u64,
    zeros: u64,
}

impl Sketch {
    /// Of a plan's columns.
    pub fn of(plan: &Plan) -> Self {
        let first_ms = plan.axis_ms.first().copied().unwrap_or_default();
        let last_ms = plan.axis_ms.last().copied().unwrap_or_default();
        let bins = plan.axis_ms.len().clamp(1, BINS);
        let course = Course { bins: vec![(0.0, 0); bins], ..Course::default() };
        let courses = vec![course; plan.columns.len()];
        Self { first_ms, span_ms: (last_ms - first_ms).max(1), bins, courses }
    }

    /// Takes in a window, whose times are given.
    pub fn take(&mut self, axis_ms: &[i64], window: &AlignedWindow) {
        let (first_ms, span_ms, bins) = (self.first_ms, self.span_ms, self.bins);
        let bin_of = |at_ms: i64| {
            let share = (at_ms - first_ms) as f64 / span_ms as f64;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 24")]
            let bin = (share * bins as f64) as usize;
            bin.min(bins - 1)
        };
        for (column, course) in window.others.iter().zip(&mut self.courses) {
            match column {
                AlignedColumn::Referenced(counts) => {
                    let cells = axis_ms.iter().zip(counts.cells(0..axis_ms.len()));
                    cells.for_each(|(at, value)| course.add(bin_of(*at), value));
                }
                AlignedColumn::Series(series) => {
                    let Ok(numbers) = series.f64() else { continue };
                    axis_ms.iter().zip(numbers.iter()).for_each(|(at, value)| course.add(bin_of(*at), value));
                }
            }
        }
    }
}

impl Course {
    fn add(&mut self, bin: usize, value: Option<f64>) {
        let Some(value) = value else { return };
        if let Some((sum, count)) = self.bins.get_mut(bin) {
            *sum += value;
            *count += 1;
        }
        self.min = Some(self.min.map_or(value, |min| min.min(value)));
        self.max = Some(self.max.map_or(value, |max| max.max(value)));
        self.zeros += u64::from(value == 0.0);
        self.ones += u64::from(value == 1.0);
    }

    fn sparkline(&self) -> Option<String> {
        let means = || self.bins.iter().map(|(sum, count)| (*count > 0).then(|| sum / f64::from(*count)));
        let least = means().flatten().reduce(f64::min)?;
        let most = means().flatten().reduce(f64::max)?;
        let bar = |mean: Option<f64>| {
            let Some(mean) = mean else { return '·' };
            if most <= least {
                return BARS[3];
            }
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 7")]
            let step = ((mean - least) / (most - least) * 7.0).round() as usize;
            BARS.get(step).copied().unwrap_or('█')
        };
        Some(means().map(bar).collect())
    }
}

/// How a file was read.
pub struct ReadBy {
    /// By these options.
    pub options: Arc<ReadOptions>,
    /// What became of what is remembered of its shape.
    pub recalled: Recalled,
}

/// What is known of the files before their plan is taken apart.
pub struct Files(Vec<FileVerdict>);

/// What was seen in each file; the plan's tables are told of by `edges`.
pub fn files(
    job: &Job,
    read_by: &BTreeMap<usize, ReadBy>,
    merged: &[(FileId, u64, FilePlan)],
    edges: Edges,
    load: &Load<'_>,
) -> Files {
    let verdict = |(number, (id, _, file)): (usize, &(FileId, u64, FilePlan))| {
        let index = &job.files.iter().position(|known| known.id == *id).unwrap_or(usize::MAX);
        let read = read_by.get(index);
        let rows = |which: fn(&(usize, Vec<RowShown>, Vec<RowShown>)) -> &Vec<RowShown>| {
            edges.0.iter().filter(|(of, ..)| of == index).flat_map(which).cloned().collect::<Vec<_>>()
        };
        let options = read.map(|read| read.options.clone());
        let other_readings = match (number < MOST_FILES, &options, load(*index)) {
            (true, Some(options), Ok(bytes)) => {
                other_readings(Source { name: &file.file_name, bytes: &bytes }, options, file)
            }
            _ => Vec::new(),
        };
        let applied = read.is_some_and(|read| read.recalled == Recalled::Applied);
        FileVerdict {
            file_name: file.file_name.clone(),
            seen: seen(file, options.as_deref(), job.zone),
            tables: file
                .parts
                .iter()
                .map(|part| format!("{}: {} rows, {} points", part.name, part.rows, part.points.len()))
                .collect(),
            remembered: job.remembered_of.get(*index).cloned().flatten().filter(|_| applied),
            first_rows: rows(|(_, first, _)| first),
            last_rows: rows(|(_, _, last)| last),
            left_out: file.dropped_rows.clone(),
            other_readings,
        }
    };
    Files(merged.iter().enumerate().map(verdict).collect())
}

fn word(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn seen(file: &FilePlan, options: Option<&ReadOptions>, zone: Tz) -> Vec<Seen> {
    let of = |what: &str, value: String, evidence: &str| Seen {
        what: what.to_owned(),
        value,
        evidence: evidence.to_owned(),
    };
    let mut seen = vec![of("format", word(&file.format.value), &file.format.evidence)];
    if let Some(line) = file.header_line {
        let stated = options.is_some_and(|options| options.header_row.is_some());
        seen.push(of("header", format!("line {line}"), if stated { "stated" } else { "found by the rows below it" }));
    }
    if let Some(column) = &file.time_column {
        let stated = options.is_some_and(|options| options.time_column.is_some());
        seen.push(of("time", column.clone(), if stated { "stated" } else { "its cells are times" }));
    }
    if let Some(order) = &file.date_order {
        seen.push(of("dates", word(&order.value).to_uppercase(), &order.evidence));
    }
    let zone = options.map_or(zone, |options| options.zone);
    let stated = options.is_some_and(|options| options.zone_stated);
    let evidence = match (file.local_time_rows, stated) {
        (0, _) => "its times say their offset or are epochs".to_owned(),
        (rows, true) => format!("stated for the {rows} rows with local times"),
        (rows, false) => format!("not stated: assumed for the {rows} rows with local times"),
    };
    seen.push(of("zone", zone.name().to_owned(), &evidence));
    if let Some(mark) = &file.decimal {
        seen.push(of("decimal", mark.value.to_string(), &mark.evidence));
    }
    seen.push(of("delimiter", file.delimiter.value.escape_default().to_string(), &file.delimiter.evidence));
    seen.push(of("encoding", file.encoding.value.clone(), &file.encoding.evidence));
    let units: Vec<String> = file
        .points
        .iter()
        .filter_map(|point| point.unit.as_ref().map(|unit| format!("{} {}", point.original_name, unit.value)))
        .collect();
    if !units.is_empty() {
        let first = units.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
        let evidence = file.points.iter().find_map(|point| point.unit.as_ref()).map_or("", |unit| &unit.evidence);
        seen.push(of("units", format!("{} of {} points: {first}", units.len(), file.points.len()), evidence));
    }
    seen
}

/// The verdict on all of it.
pub fn verdict(
    files: Files,
    sketch: &Sketch,
    columns: &[ColumnMeta],
    readings: &[Reading],
    tallies: &[Tally],
    (loss, accepted): (&Loss, bool),
) -> Verdict {
    let points = columns.iter().zip(&sketch.courses).zip(readings.iter().zip(tallies));
    let point = |((meta, course), (reading, tally)): ((&ColumnMeta, &Course), (&Reading, &Tally))| {
        let states = match reading {
            Reading::Numbers => BTreeMap::new(),
            Reading::States { zero, one } => [(*zero, course.zeros), (*one, course.ones)]
                .into_iter()
                .map(|(word, count)| (word.to_owned(), count))
                .collect(),
            Reading::Text => {
                let mut texts: Vec<(&String, &u64)> = tally.texts.iter().collect();
                texts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
                texts.into_iter().take(MOST_STATES).map(|(text, count)| (text.clone(), *count)).collect()
            }
        };
        let numbers = *reading == Reading::Numbers;
        PointVerdict {
            name: meta.name.clone(),
            original_name: meta.original_name.clone(),
            kind: meta.kind,
            unit: meta.unit.clone(),
            count: meta.count,
            min: course.min.filter(|_| numbers),
            max: course.max.filter(|_| numbers),
            sparkline: course.sparkline().filter(|_| numbers),
            states,
        }
    };
    let refusal = loss.refusal().filter(|_| !accepted);
    Verdict {
        accepted: refusal.is_none(),
        refusal,
        readings: loss.readings,
        lost: loss.lost.clone(),
        files: files.0,
        points: points.map(point).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_course_is_drawn_from_its_least_to_its_largest() {
        let of = |values: &[Option<f64>]| {
            let mut course = Course { bins: vec![(0.0, 0); values.len()], ..Course::default() };
            values.iter().enumerate().for_each(|(bin, value)| course.add(bin, *value));
            course.sparkline()
        };
        assert_eq!(of(&[Some(0.0), Some(7.0), None, Some(3.0)]).as_deref(), Some("▁█·▄"));
        assert_eq!(of(&[Some(5.0), Some(5.0)]).as_deref(), Some("▄▄"));
        assert_eq!(of(&[Some(-1.0), Some(-2.0)]).as_deref(), Some("█▁"));
        assert_eq!(of(&[None]), None);
    }
}

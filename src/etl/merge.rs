//! One frame on one time axis from the segments of many reports.
//!
//! Cells are merged one by one: a value beats a null, equal values are one, and of two different values
//! the policy keeps one and counts a conflict. Files come in their canonical order, so the answer does not
//! depend on the order in which they were given.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use polars::prelude::{
    Column, DataFrame, Float64Chunked, Int64Chunked, IntoColumn, IntoSeries, NewChunkedArray, PolarsResult,
    StringChunked, TimeUnit, TimeZone,
};
use polars_arrow::bitmap::Bitmap;
use rayon::prelude::*;

use super::column::{Cells, NullReason, TEXT, VALUE};
use super::counted::{self, Counts};
use super::kinds::{self, Reading};
use super::names::TIMESTAMP;
use super::packed::{Packed, PackedSegment};
use super::plan::{Part, Plan, PlannedColumn, Taken};
use super::tally::Tally;

/// A window's columns, as they are written.
#[derive(Debug)]
pub struct Columns {
    /// `timestamp`: Datetime ms, UTC; rows as in the axis.
    pub timestamp: Column,
    /// The others, in the plan's order.
    pub others: Vec<Merged>,
}

/// The cells of one column in a window.
#[derive(Debug)]
pub enum Merged {
    /// Numbers, as counts.
    Counts(Counts),
    /// Float64 or String.
    Series(Column),
}

impl Columns {
    /// The first rows as a frame, whose columns are named as in `plan`.
    ///
    /// # Errors
    /// When polars refuses the columns, which would be a defect.
    pub fn head(&self, plan: &Plan, rows: usize) -> PolarsResult<DataFrame> {
        let rows = rows.min(self.timestamp.len());
        let others = plan.columns.iter().zip(&self.others).map(|(column, merged)| match merged {
            Merged::Series(series) => series.head(Some(rows)),
            Merged::Counts(counts) => {
                Float64Chunked::from_iter_options(column.name.as_str().into(), counts.cells(0..rows)).into_column()
            }
        });
        DataFrame::new(rows, std::iter::once(self.timestamp.head(Some(rows))).chain(others).collect())
    }
}

/// Which of two different values for the same point and time stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// That of the later file in canonical order; within a file, of the later row.
    Last,
    /// That of the earlier.
    First,
}

/// A window's rows.
#[derive(Debug)]
pub struct Window {
    /// `timestamp` (Datetime ms, UTC), then the columns: Float64 or String; rows as in the axis.
    pub frame: DataFrame,
    /// One entry a column but `timestamp`.
    pub tallies: Vec<Tally>,
}

/// Cells that are looked at together: they stay in the processor's nearest cache.
const BLOCK: usize = 1024;

/// The cells of one column on the axis while they are gathered.
struct Gathered {
    cells: Cells,
    texts: Texts,
    tally: Tally,
}

/// The distinct texts of a text column: cells hold indices.
#[derive(Default)]
struct Texts {
    all: Vec<String>,
    index: HashMap<String, usize>,
}

impl Texts {
    fn id(&mut self, text: &str) -> f64 {
        let id = self.index.get(text).copied().unwrap_or_else(|| {
            self.all.push(text.to_owned());
            self.index.insert(text.to_owned(), self.all.len() - 1);
            self.all.len() - 1
        });
        id as f64
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "made by `id` from an index")]
    fn text(&self, id: f64) -> &str {
        self.all.get(id as usize).map_or("", String::as_str)
    }
}

/// Merges the segments of a window (in canonical order) into its frame.
///
/// # Errors
/// When polars refuses the columns, which would be a defect.
pub fn merge(plan: &Plan, window: &Range<usize>, segments: Vec<Taken>, keep: Keep) -> PolarsResult<Window> {
    let (columns, tallies) = merge_columns(plan, window, segments, keep);
    Ok(Window { frame: columns.head(plan, usize::MAX)?, tallies })
}

/// Merges the segments of a window (in canonical order) into its columns; a tally for each but `timestamp`.
#[must_use]
pub fn merge_columns(plan: &Plan, window: &Range<usize>, segments: Vec<Taken>, keep: Keep) -> (Columns, Vec<Tally>) {
    let axis = plan.axis_ms.get(window.clone()).unwrap_or_default();
    let place = |Taken { file, segment, rows }| {
        let places = Rows::of(axis, segment.at_ms.get(rows.clone()).unwrap_or_default());
        Placed { file, places, segment, rows }
    };
    let placed: Vec<Placed> = segments.into_iter().map(place).collect();
    let mut by_file: Vec<Vec<&Placed>> = vec![Vec::new(); plan.files.len()];
    for segment in &placed {
        if let Some(list) = by_file.get_mut(segment.file) {
            list.push(segment);
        }
    }
    let merged = plan.columns.par_iter().map(|column| match count(plan, column, axis, &by_file, keep) {
        Some((counts, tally)) => (Merged::Counts(counts), tally),
        None => {
            let (series, tally) = gather(plan, column, axis, &by_file, keep).finish(column);
            (Merged::Series(series), tally)
        }
    });
    let (others, tallies) = merged.unzip();
    let timestamp =
        Int64Chunked::from_slice(TIMESTAMP.into(), axis).into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC));
    (Columns { timestamp: timestamp.into_column(), others }, tallies)
}

/// A segment whose rows have found their place on the axis.
struct Placed {
    file: usize,
    places: Rows,
    segment: Arc<PackedSegment>,
    rows: Range<usize>,
}

/// Where a segment's rows stand on the axis.
enum Rows {
    /// One after the other from here.
    Run(usize),
    /// Each where it says.
    Each(Vec<u32>),
}

impl Rows {
    /// `at_ms` is ascending and all of it is on the axis.
    fn of(axis: &[i64], at_ms: &[i64]) -> Self {
        let start = at_ms.first().map_or(0, |first| axis.partition_point(|at| at < first));
        if axis.get(start..start + at_ms.len()) == Some(at_ms) {
            return Self::Run(start);
        }
        let mut row = start;
        let mut place = |at: &i64| {
            while axis.get(row).is_some_and(|on_axis| on_axis < at) {
                row += 1;
            }
            u32::try_from(row).unwrap_or(u32::MAX)
        };
        Self::Each(at_ms.iter().map(&mut place).collect())
    }

    fn place(&self, row: usize) -> usize {
        match self {
            Self::Run(start) => start + row,
            Self::Each(rows) => rows.get(row).map_or(usize::MAX, |r| *r as usize),
        }
    }
}

/// The pieces of a column in canonical order.
fn pieces<'p>(
    column: &'p PlannedColumn,
    by_file: &'p [Vec<&'p Placed>],
) -> impl Iterator<Item = (Part, &'p Placed, &'p Packed)> {
    column.parts.iter().flat_map(|part| {
        let placed = by_file.get(part.file).map_or(&[][..], Vec::as_slice);
        placed.iter().filter_map(|placed| {
            let packed = placed.segment.columns.get(part.point).filter(|packed| !packed.is_empty())?;
            Some((*part, *placed, packed))
        })
    })
}

fn tokens(plan: &Plan, part: Part) -> &[(String, u64)] {
    let point = plan.files.get(part.file).and_then(|file| file.plan.points.get(part.point));
    point.map_or(&[], |point| &point.tokens)
}

/// Gathers a column as counts; none when it is none, or would not be the same.
fn count(
    plan: &Plan,
    column: &PlannedColumn,
    axis: &[i64],
    by_file: &[Vec<&Placed>],
    keep: Keep,
) -> Option<(Counts, Tally)> {
    let mut frame = counted::Frame::default();
    for (part, placed, packed) in pieces(column, by_file) {
        let taken = match (&column.reading, packed) {
            (Reading::States { .. }, Packed::Texts(_)) => frame.take_in_states(),
            (Reading::States { .. }, packed) => packed.numbers() == 0 && frame.take_in(packed, placed.rows.clone()),
            (Reading::Numbers, packed) => {
                !part.other_unit && tokens(plan, part).is_empty() && frame.take_in(packed, placed.rows.clone())
            }
            _ => false,
        };
        if !taken {
            return None;
        }
    }
    let (mut counts, mut tally) = (frame.counts(axis.len()), Tally::default());
    let fill = |counts: &mut Counts, end: usize| {
        if end > counts.offsets.len() {
            counts.offsets.resize(end, Counts::ABSENT | NOT_COVERED);
        }
    };
    for (part, placed, packed) in pieces(column, by_file) {
        let state = |(token, _): &(String, u64)| counts.state(state_of(&column.reading, token));
        let states: Vec<u16> = tokens(plan, part).iter().map(state).collect();
        let begin = counts.offsets.len();
        if let Rows::Run(start) = placed.places
            && start >= begin
        {
            // Beyond all that was gathered: nothing to compare with.
            fill(&mut counts, start);
            counts.push(packed, placed.rows.clone(), &states);
            continue;
        }
        counts.push(packed, placed.rows.clone(), &states);
        let offsets = counts.offsets.split_off(begin);
        let end = placed.places.place(offsets.len().saturating_sub(1)).saturating_add(1);
        fill(&mut counts, end.min(axis.len()));
        for (row, offset) in offsets.into_iter().enumerate() {
            tally.put_count(&mut counts, axis, placed.places.place(row), offset, keep, part.file);
        }
    }
    fill(&mut counts, axis.len());
    tally.count = counts.present();
    tally.nulls = nulls(counts.offsets.len() as u64 - tally.count, |reason| counts.count_of(reason as u8));
    counts.run(tally.count, &mut tally.course);
    Some((counts, tally))
}

const NOT_COVERED: u16 = NullReason::NotCovered as u16;

/// A state's word as a value; a word that is none is a null.
fn state_of(reading: &Reading, token: &str) -> (f64, u8) {
    let state = match reading {
        Reading::States { zero, one } => kinds::state_value(token, zero, one),
        _ => None,
    };
    state.map_or((0.0, NullReason::Unreadable as u8), |value| (value, VALUE))
}

/// So many nulls by reason.
fn nulls(mut nulls: u64, count_of: impl Fn(NullReason) -> u64) -> BTreeMap<NullReason, u64> {
    let mut found = BTreeMap::new();
    for reason in NullReason::ALL {
        if nulls == 0 {
            break;
        }
        let count = count_of(reason);
        if count > 0 {
            found.insert(reason, count);
        }
        nulls -= count;
    }
    found
}

fn gather(plan: &Plan, column: &PlannedColumn, axis: &[i64], by_file: &[Vec<&Placed>], keep: Keep) -> Gathered {
    let mut gathered = Gathered {
        cells: Cells { values: Vec::with_capacity(axis.len()), codes: Vec::with_capacity(axis.len()) },
        texts: Texts::default(),
        tally: Tally::default(),
    };
    for (part, placed, packed) in pieces(column, by_file) {
        match &placed.places {
            // Beyond all that was gathered: nothing to compare with.
            Rows::Run(start) if *start >= gathered.cells.codes.len() => {
                gathered.fill(*start);
                packed.unpack_onto(placed.rows.clone(), &mut gathered.cells);
                gathered.settle(plan, column, part, *start);
            }
            places => {
                let begin = gathered.cells.codes.len();
                packed.unpack_onto(placed.rows.clone(), &mut gathered.cells);
                gathered.settle(plan, column, part, begin);
                let (values, codes) = (gathered.cells.values.split_off(begin), gathered.cells.codes.split_off(begin));
                let end = places.place(codes.len().saturating_sub(1)).saturating_add(1);
                gathered.fill(end.min(axis.len()));
                for (row, (value, code)) in values.into_iter().zip(codes).enumerate() {
                    gathered.put(axis, places.place(row), value, code, keep, part.file);
                }
            }
        }
    }
    gathered.fill(axis.len());
    gathered
}

impl Gathered {
    /// Turns a file's cells, which begin at `begin`, into the column's: texts to states, indices or nulls.
    fn settle(&mut self, plan: &Plan, column: &PlannedColumn, part: Part, begin: usize) {
        let tokens = tokens(plan, part);
        if tokens.is_empty() && column.reading == Reading::Numbers && !part.other_unit {
            return;
        }
        let settled: Vec<(f64, u8)> = tokens.iter().map(|(token, _)| self.settle_token(column, token)).collect();
        let values = self.cells.values.get_mut(begin..).unwrap_or_default();
        for (value, code) in values.iter_mut().zip(self.cells.codes.get_mut(begin..).unwrap_or_default()) {
            if *code == TEXT {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the reader's index")]
                let token = settled.get(*value as usize).copied();
                (*value, *code) = token.unwrap_or((0.0, NullReason::Unreadable as u8));
            } else if *code == VALUE {
                match &column.reading {
                    Reading::Numbers if part.other_unit => *code = NullReason::UnitMismatch as u8,
                    Reading::States { .. } if *value != 0.0 && *value != 1.0 => *code = NullReason::Unreadable as u8,
                    Reading::Text => *value = self.texts.id(&value.to_string()),
                    _ => {}
                }
            }
        }
    }

    fn settle_token(&mut self, column: &PlannedColumn, token: &str) -> (f64, u8) {
        match &column.reading {
            Reading::Text => (self.texts.id(token), VALUE),
            Reading::States { .. } => state_of(&column.reading, token),
            Reading::Numbers => {
                self.tally.unreadable.get_or_insert_with(|| token.to_owned());
                (0.0, NullReason::Unreadable as u8)
            }
        }
    }

    /// Rows that no file has a cell for, up to `end` (exclusive).
    fn fill(&mut self, end: usize) {
        if end > self.cells.codes.len() {
            self.cells.values.resize(end, 0.0);
            self.cells.codes.resize(end, NullReason::NotCovered as u8);
        }
    }

    fn put(&mut self, axis: &[i64], row: usize, value: f64, code: u8, keep: Keep, file: usize) {
        let Cells { values, codes } = &mut self.cells;
        let (Some(old_value), Some(old_code)) = (values.get_mut(row), codes.get_mut(row)) else { return };
        if code != VALUE {
            if *old_code == NullReason::NotCovered as u8 {
                *old_code = code;
            }
            return;
        }
        if *old_code == VALUE && *old_value != value {
            let show = |v: f64| if self.texts.all.is_empty() { v.to_string() } else { self.texts.text(v).to_owned() };
            self.tally.conflict(axis, row, file, || (show(*old_value), show(value)));
            if keep == Keep::First {
                return;
            }
        }
        (*old_value, *old_code) = (value, VALUE);
    }

    fn finish(self, column: &PlannedColumn) -> (Column, Tally) {
        let Self { cells: Cells { values, codes }, texts, mut tally } = self;
        // Counted in bytes, many at a time.
        let count_in = |some: &[u8], wanted: u8| some.iter().map(|code| u8::from(*code == wanted)).sum::<u8>();
        let count_of = |wanted: u8| codes.chunks(255).map(|some| u64::from(count_in(some, wanted))).sum::<u64>();
        tally.count = count_of(VALUE);
        tally.nulls = nulls(codes.len() as u64 - tally.count, |reason| count_of(reason as u8));
        let name = column.name.as_str().into();
        let series = if column.reading == Reading::Text {
            let cells = values.iter().zip(&codes).map(|(value, code)| (*code == VALUE).then_some(*value));
            for id in cells.clone().flatten() {
                *tally.texts.entry(texts.text(id).to_owned()).or_insert(0) += 1;
            }
            StringChunked::from_iter_options(name, cells.map(|id| id.map(|id| texts.text(id)))).into_series()
        } else if tally.count == codes.len() as u64 {
            values.chunks(BLOCK).for_each(|block| tally.course.extend(block));
            Float64Chunked::from_vec(name, values).into_series()
        } else {
            let mut present = Vec::with_capacity(BLOCK);
            for (values, codes) in values.chunks(BLOCK).zip(codes.chunks(BLOCK)) {
                present.clear();
                present.extend(values.iter().zip(codes).filter(|(_, code)| **code == VALUE).map(|(value, _)| *value));
                tally.course.extend(&present);
            }
            let validity: Bitmap = codes.iter().map(|code| *code == VALUE).collect();
            Float64Chunked::from_vec_validity(name, values, Some(validity)).into_series()
        };
        (series.into(), tally)
    }
}

impl Tally {
    /// As [`Gathered::put`].
    fn put_count(&mut self, counts: &mut Counts, axis: &[i64], row: usize, offset: u16, keep: Keep, file: usize) {
        let Some(old) = counts.offsets.get(row).copied() else { return };
        if offset >= Counts::ABSENT && old != Counts::ABSENT | NOT_COVERED {
            return;
        }
        if old < Counts::ABSENT && old != offset {
            let show = |offset: u16| counts.value(offset).to_string();
            self.conflict(axis, row, file, || (show(old), show(offset)));
            if keep == Keep::First {
                return;
            }
        }
        if let Some(cell) = counts.offsets.get_mut(row) {
            *cell = offset;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use bytes::Bytes;
    use chrono_tz::Tz;
    use polars::prelude::AnyValue;
    use proptest::prelude::*;

    use super::super::column::{ColumnMeta, Kind, Warning};
    use super::super::plan::{FileId, Override, read_all};
    use super::super::report::ReadOptions;
    use super::super::tally::describe;
    use super::*;

    const UTC: ReadOptions =
        ReadOptions { zone: Tz::UTC, format: None, date_order: None, delimiter: None, encoding: None };

    struct Merged {
        frame: DataFrame,
        columns: Vec<ColumnMeta>,
        warnings: Vec<Warning>,
        conflicts: u64,
    }

    /// `files` as (name, hash, text), keeping `memory` bytes, in windows of `rows` rows.
    fn merged(
        files: &[(&str, &str, &str)],
        keep: Keep,
        memory: u64,
        rows: usize,
        stated: &BTreeMap<String, Override>,
    ) -> Merged {
        let ids: Vec<FileId> =
            files.iter().map(|(name, hash, _)| FileId { name: (*name).into(), sha256: (*hash).into() }).collect();
        let load = |index: usize| Ok(Bytes::copy_from_slice(files[index].2.as_bytes()));
        let read = read_all(&ids, &load, &UTC, memory, &|_| ()).unwrap();
        let mut plan = Plan::new(read, stated, &BTreeMap::new()).unwrap();
        let mut tallies = vec![Tally::default(); plan.columns.len()];
        let mut frame: Option<DataFrame> = None;
        for window in plan.windows(rows) {
            let segments = plan.read_window(&window, &load, &UTC).unwrap();
            let merged = merge(&plan, &window, segments, keep).unwrap();
            tallies.iter_mut().zip(merged.tallies).for_each(|(tally, next)| tally.absorb(next));
            frame = Some(match frame {
                None => merged.frame,
                Some(frame) => frame.vstack(&merged.frame).unwrap(),
            });
        }
        let conflicts = tallies.iter().map(|t| t.conflicts).sum();
        let (columns, warnings) = describe(&plan, tallies);
        Merged { frame: frame.unwrap(), columns, warnings, conflicts }
    }

    fn simply(files: &[(&str, &str, &str)], keep: Keep) -> Merged {
        merged(files, keep, 1 << 30, 1 << 20, &BTreeMap::new())
    }

    fn numbers(merged: &Merged, column: &str) -> Vec<Option<f64>> {
        merged.frame.column(column).unwrap().f64().unwrap().iter().collect()
    }

    const A: &str = "time,x,y\n2020-01-01 00:00,1,10\n2020-01-01 00:15,2,\n2020-01-01 00:30,3,30\n";
    const B: &str = "time,y,z\n2020-01-01 00:15,21,ON\n2020-01-01 00:30,31,OFF\n2020-01-01 00:45,41,ON\n";

    #[test]
    fn groups_are_joined_on_time_and_a_value_beats_a_null() {
        let merged = simply(&[("a.csv", "a", A), ("b.csv", "b", B)], Keep::Last);
        assert_eq!(merged.frame.shape(), (4, 4));
        assert_eq!(numbers(&merged, "x"), [Some(1.0), Some(2.0), Some(3.0), None]);
        // 00:15 is empty in a, so b's 21 is no conflict; 00:30 has 30 and 31: b ends later and is last.
        assert_eq!(numbers(&merged, "y"), [Some(10.0), Some(21.0), Some(31.0), Some(41.0)]);
        assert_eq!(numbers(&merged, "z"), [None, Some(1.0), Some(0.0), Some(1.0)]);
        assert_eq!(merged.conflicts, 1);
        let x = merged.columns.iter().find(|c| c.name == "x").unwrap();
        assert_eq!((x.count, x.nulls.clone()), (3, BTreeMap::from([(NullReason::NotCovered, 1)])));
        let z = merged.columns.iter().find(|c| c.name == "z").unwrap();
        assert_eq!((z.kind, z.states.clone().unwrap()), (Kind::Status, vec!["OFF".to_owned(), "ON".to_owned()]));
        let conflict = merged.warnings.iter().find(|w| w.code == "conflict").unwrap();
        assert_eq!(
            conflict.message,
            "y: 31 at 2020-01-01T00:30:00+00:00 in b.csv, where an earlier row or file has 30"
        );
    }

    #[test]
    fn first_keeps_the_value_of_the_file_that_ends_earlier() {
        let merged = simply(&[("b.csv", "b", B), ("a.csv", "a", A)], Keep::First);
        assert_eq!(numbers(&merged, "y"), [Some(10.0), Some(21.0), Some(30.0), Some(41.0)]);
    }

    #[test]
    fn a_column_is_typed_from_all_its_cells() {
        let floats_after_integers = "time,x\n2020-01-01,1\n2020-01-02,2.5\n2020-01-03,oops\n2020-01-04, -0.2\n";
        let merged = simply(&[("a.csv", "a", floats_after_integers)], Keep::Last);
        assert_eq!(numbers(&merged, "x"), [Some(1.0), Some(2.5), None, Some(-0.2)]);
        assert_eq!(merged.columns[0].nulls, BTreeMap::from([(NullReason::Unreadable, 1)]));
        assert!(merged.warnings.iter().any(|w| w.code == "unreadable_cells" && w.message.contains("'oops'")));
    }

    #[test]
    fn more_states_than_two_stay_texts() {
        let modes = "time,mode\n2020-01-01,COOL\n2020-01-02,HEAT\n2020-01-03,2\n2020-01-04,COOL\n";
        let merged = simply(&[("a.csv", "a", modes)], Keep::Last);
        let cells: Vec<AnyValue<'_>> = (0..4).map(|i| merged.frame.column("mode").unwrap().get(i).unwrap()).collect();
        assert_eq!(cells, ["COOL", "HEAT", "2", "COOL"].map(AnyValue::String));
    }

    #[test]
    fn files_in_different_units_are_not_mixed() {
        let celsius = "time,T [°C]\n2020-01-01 00:00,20\n";
        let fahrenheit = "time,T [°C]\n2020-01-01 01:00,68 F\n";
        let merged = simply(&[("c.csv", "c", celsius), ("f.csv", "f", fahrenheit)], Keep::Last);
        assert_eq!(merged.columns[0].unit.as_deref(), Some("°C"));
        assert_eq!(merged.columns[0].nulls, BTreeMap::from([(NullReason::UnitMismatch, 1)]));
    }

    #[test]
    fn the_user_knows_better() {
        let said = Override { name: Some("outdoor".into()), kind: Some(Kind::Text), unit: Some("code".into()) };
        let stated = BTreeMap::from([("x".to_owned(), said)]);
        let merged = merged(&[("a.csv", "a", A)], Keep::Last, 1 << 30, 1 << 20, &stated);
        let column = merged.columns.iter().find(|c| c.name == "outdoor").unwrap();
        assert_eq!((column.kind, column.unit.as_deref()), (Kind::Text, Some("code")));
        assert_eq!(merged.frame.column("outdoor").unwrap().get(0).unwrap(), AnyValue::String("1"));
    }

    /// Three files of two groups over a few overlapping quarter-hours; a cell is a number, a marker or nothing.
    fn reports() -> impl Strategy<Value = Vec<String>> {
        let cell = prop_oneof![
            4 => (-5..5_i32).prop_map(|n| n.to_string()),
            1 => Just("No Data".to_owned()),
            1 => Just(String::new())
        ];
        let rows = prop::collection::vec((0..40_u32, cell.clone(), cell), 1..30);
        let file = (rows, 0..2_usize).prop_map(|(rows, group)| {
            let names = [("p", "q"), ("q", "r")][group];
            let mut text = format!("time,{},{}\n", names.0, names.1);
            for (quarter, a, b) in rows {
                text += &format!("2020-01-01 {:02}:{:02},{a},{b}\n", quarter / 4, quarter % 4 * 15);
            }
            text
        });
        prop::collection::vec(file, 3)
    }

    proptest! {
        #[test]
        fn neither_the_order_of_files_nor_the_windows_change_the_frame(texts in reports(), keep_last in any::<bool>()) {
            let keep = if keep_last { Keep::Last } else { Keep::First };
            let files: Vec<(&str, &str, &str)> =
                ["0", "1", "2"].into_iter().zip(&texts).map(|(n, text)| (n, n, text.as_str())).collect();
            let whole = simply(&files, keep);
            let turned: Vec<_> = files.iter().rev().copied().collect();
            let turned = simply(&turned, keep);
            prop_assert!(whole.frame.equals_missing(&turned.frame));
            prop_assert_eq!(&whole.columns, &turned.columns);
            prop_assert_eq!(whole.conflicts, turned.conflicts);
            let windowed = merged(&files, keep, 0, 3, &BTreeMap::new());
            prop_assert!(whole.frame.equals_missing(&windowed.frame));
            prop_assert_eq!(&whole.columns, &windowed.columns);
        }

        #[test]
        fn every_cell_is_a_value_or_a_null_with_a_reason(texts in reports()) {
            let files: Vec<(&str, &str, &str)> =
                ["0", "1", "2"].into_iter().zip(&texts).map(|(n, text)| (n, n, text.as_str())).collect();
            let merged = simply(&files, Keep::Last);
            for column in &merged.columns {
                let nulls: u64 = column.nulls.values().sum();
                prop_assert_eq!(column.count + nulls, merged.frame.height() as u64);
                let stored = merged.frame.column(&column.name).unwrap().null_count() as u64;
                prop_assert_eq!(stored, nulls);
            }
        }
    }
}

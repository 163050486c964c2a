//! The engine for long reports: one row a reading of a series. Series come in order of first appearance.
//!
//! A segment has one row a time (a further one where a point stands twice at one time) and columns up to
//! the last point that has a cell in it, so it comes out the same whether later points are known or not.

use std::collections::HashMap;
use std::ops::Range;

use super::engine::{Engine, Limit};
use super::fields::{Cursor, Field};
use super::layout::{Role, point};
use super::row_time::{Place, RowTime, TimeFields};
use super::{Chosen, Dimension, PointPlan, ReadError, marker, words};
use hvac_frame::column::{DecodedColumn, NullReason, Segment, VALUE};
use hvac_points::units;

/// Series of the longest report that is read.
pub(crate) const MAX_SERIES: usize = 5_000;
/// Between the texts that tell a series.
const BETWEEN: char = '\u{1f}';

/// The series of a long report, as they appear, and their points: one a column of values.
#[derive(Debug, Default)]
pub(crate) struct Series {
    /// What is known of each point; those of a series stand together.
    pub plans: Vec<PointPlan>,
    /// The texts of each series, joined.
    keys: Vec<String>,
    index: HashMap<String, usize>,
    /// What the unit column said of each first.
    units: Vec<String>,
    /// Latest time of each, which tells rows that stand out of order.
    latest: Vec<i64>,
    /// UTC ms of the last row of each, which tells the passes of a repeated hour apart.
    pub previous: Vec<Option<i64>>,
    last: usize,
    /// Rows of each.
    rows: Vec<u64>,
    /// Points of one series.
    values: usize,
}

impl Series {
    /// Those that were met in the first reading, of a report with so many columns of values.
    pub(crate) fn again(plans: &[PointPlan], values: usize) -> Self {
        let values = values.max(1);
        let mut series = Self { plans: plans.to_vec(), values, ..Self::default() };
        for plan in plans.iter().step_by(values) {
            let texts: Vec<&str> = plan.dimensions.iter().map(|d| d.value.as_str()).collect();
            // Of several values the last text is the value's own name.
            let own = texts.len() - usize::from(plan.value_named).min(texts.len());
            series.number(&texts.get(..own).unwrap_or_default().join(&String::from(BETWEEN)));
            series.units.push(plan.unit.as_ref().map(|unit| unit.value.clone()).unwrap_or_default());
        }
        series
    }

    /// Reports mostly repeat their series in turn, or stay with one.
    fn find(&mut self, key: &str) -> Option<usize> {
        let is = |at: usize| self.keys.get(at).is_some_and(|known| known == key);
        let next = if self.last + 1 < self.keys.len() { self.last + 1 } else { 0 };
        let found = if is(next) {
            Some(next)
        } else if is(self.last) {
            Some(self.last)
        } else {
            self.index.get(key).copied()
        };
        self.last = found.unwrap_or(self.last);
        found
    }

    fn number(&mut self, key: &str) -> usize {
        let at = self.keys.len();
        self.keys.push(key.to_owned());
        self.index.insert(key.to_owned(), at);
        self.latest.push(i64::MIN);
        self.previous.push(None);
        self.rows.push(0);
        self.last = at;
        at
    }
}

/// One cell of a chunk, in the file's order.
struct Entry {
    at: i64,
    point: usize,
    cell: (f64, u8),
}

/// A value of a row: a number, or a text to be judged.
type Value<'t> = Option<Result<f64, Field<'t>>>;

/// The fields of one row that matter.
#[derive(Default)]
struct Row<'t> {
    stamp: Option<Field<'t>>,
    clock: Option<Field<'t>>,
    offset: Option<Field<'t>>,
    unit: Option<Field<'t>>,
    value: Value<'t>,
    /// Of further columns of values.
    more: Vec<Value<'t>>,
    /// What the system says of the values: of all, or of one column.
    statuses: Vec<(Role, usize, Field<'t>)>,
    keyed: bool,
    /// Cells beyond the last column.
    extra: u64,
    fields: usize,
    cut: bool,
    open: bool,
}

impl Row<'_> {
    fn has_value(&self) -> bool {
        self.value.is_some() || self.more.iter().any(Option::is_some)
    }

    /// Whether a value is a number or a state.
    fn has_reading(&self) -> bool {
        let is_reading = |value: &Result<f64, Field<'_>>| {
            value.as_ref().err().is_none_or(|field| marker::reason(&field.text).is_none())
        };
        std::iter::once(&self.value).chain(&self.more).flatten().any(is_reading)
    }
}

impl Engine<'_> {
    /// Reads rows up to `limit`. The segment is sorted by time.
    pub(crate) fn long_chunk(
        &mut self,
        series: &mut Series,
        cursor: &mut Cursor<'_>,
        limit: Limit,
    ) -> Result<Segment, ReadError> {
        let mut entries: Vec<Entry> = Vec::new();
        let (mut times, mut present, mut before) = (0usize, Present::default(), None);
        while !cursor.at_end()
            && (entries.is_empty() || cursor.pos() < limit.byte && times.saturating_mul(present.count) < limit.cells)
        {
            if cursor.blank_line() {
                self.seen.drop("blank");
                continue;
            }
            let (start, known) = (cursor.pos(), entries.len());
            self.long_row(series, cursor, &mut entries)?;
            for entry in entries.get(known..).unwrap_or_default() {
                times += usize::from(before != Some(entry.at));
                before = Some(entry.at);
                present.add(entry.point);
            }
            self.check_line(start, cursor)?;
        }
        Ok(assemble(entries))
    }

    fn long_row(
        &mut self,
        series: &mut Series,
        cursor: &mut Cursor<'_>,
        entries: &mut Vec<Entry>,
    ) -> Result<(), ReadError> {
        let (start, line) = (cursor.pos(), cursor.lines() + 1);
        let mut key = std::mem::take(&mut self.key);
        let row = self.long_fields(cursor, line, &mut key);
        let done = row.and_then(|row| self.long_cells(series, row, &key, start..cursor.pos(), line, entries));
        self.key = key;
        done
    }

    fn long_cells(
        &mut self,
        series: &mut Series,
        row: Row<'_>,
        key: &str,
        bytes: Range<usize>,
        line: u64,
        entries: &mut Vec<Entry>,
    ) -> Result<(), ReadError> {
        let (start, raw) = (bytes.start, self.text.get(bytes).unwrap_or_default());
        let stamp = row.stamp.as_ref().map_or("", |field| &field.text);
        // A row that ends with the file within its time or its series' name has neither.
        let broken = (row.open || row.cut) && !row.has_value();
        let [clock, offset] = [&row.clock, &row.offset].map(|field| field.as_ref().map(|field| &*field.text));
        let fields = TimeFields { stamp, clock, offset };
        let place = Place { line, byte: start, alone: row.fields == 1 };
        let written = if broken { None } else { self.times.written(fields, place)? };
        let Some(written) = written else {
            if broken {
                self.seen.truncated = Some(line);
            }
            return self.drop_row(raw, stamp, line);
        };
        if !row.keyed {
            self.seen.nameless.add(line);
            self.seen.drop("no_point");
            self.seen.lose("no_point", u64::from(row.has_reading()));
            return Ok(());
        }
        let unit = row.unit.as_ref().map_or("", |field| &*field.text);
        let number = self.long_series(series, key, unit, line)?;
        let previous = series.previous.get(number).copied().flatten();
        let at = match self.times.instant(written, fields, place, previous)? {
            RowTime::At(at) => at,
            RowTime::Missing(error) if row.has_reading() => return Err(*error),
            RowTime::Missing(_) => {
                self.times.missing.add(line);
                self.seen.drop("nonexistent_hour");
                return Ok(());
            }
            RowTime::Unreadable => return self.drop_row(raw, stamp, line),
        };
        if let Some(previous) = series.previous.get_mut(number) {
            *previous = Some(at);
        }
        if let Some(rows) = series.rows.get_mut(number) {
            *rows += 1;
            self.cells.begin_row(*rows, at);
        }
        if let Some(latest) = series.latest.get_mut(number) {
            self.seen.out_of_order += u64::from(at < *latest);
            *latest = at.max(*latest);
        }
        let other_unit = !unit.is_empty()
            && series.units.get(number).is_some_and(|known| known != unit && units::known(known) != units::known(unit));
        let first = number * series.values;
        let values = std::iter::once(row.value).chain(row.more);
        for (value, point) in values.zip(first..first + series.values) {
            let cell = match value {
                _ if other_unit => {
                    self.seen.other_units.add(line);
                    (0.0, NullReason::UnitMismatch as u8)
                }
                Some(Err(field)) if field.open => {
                    self.seen.truncated = Some(line);
                    (0.0, NullReason::MissingCell as u8)
                }
                // Which cell belongs where cannot be told.
                Some(_) if row.extra > 0 => (0.0, NullReason::Unreadable as u8),
                Some(Ok(value)) => (value, VALUE),
                Some(Err(field)) => self.cells.read(point, &field.text, line),
                None => {
                    self.seen.short.add(line);
                    (0.0, NullReason::MissingCell as u8)
                }
            };
            let cell = self.long_judged(point, point - first, cell, &row.statuses, line);
            entries.push(Entry { at, point, cell });
        }
        self.seen.rows += 1;
        Ok(())
    }

    /// A cell, after what the statuses of its row say of it.
    fn long_judged(
        &mut self,
        point: usize,
        value: usize,
        cell: (f64, u8),
        statuses: &[(Role, usize, Field<'_>)],
        line: u64,
    ) -> (f64, u8) {
        let of_value = |role: Role| role == Role::Status || role == Role::StatusOf(value);
        statuses.iter().filter(|(role, _, _)| of_value(*role)).fold(cell, |cell, (_, column, status)| {
            let meaning = self.said(*column, &status.text);
            self.cells.judged(point, cell, &status.text, meaning, line)
        })
    }

    /// The fields of a row; the texts that tell its series go into `key`.
    fn long_fields<'t>(&mut self, cursor: &mut Cursor<'t>, line: u64, key: &mut String) -> Result<Row<'t>, ReadError> {
        let mut row = Row::default();
        key.clear();
        for role in &self.layout.roles {
            row.fields += 1;
            if let Role::Value(at) = role
                && !self.cells.has_loss_numbers()
                && let Some((value, last)) = cursor.number()
            {
                row.set(*at, Ok(value.value()));
                if last {
                    return Ok(row);
                }
                continue;
            }
            let field = cursor.field().map_err(|flaw| self.source.flaw(flaw))?;
            let last = field.last;
            (row.cut, row.open) = (field.cut, field.open);
            match role {
                Role::Stamp => row.stamp = Some(field),
                Role::Clock => row.clock = Some(field),
                Role::Offset => row.offset = Some(field),
                Role::Key(at) => {
                    if *at > 0 {
                        key.push(BETWEEN);
                    }
                    row.keyed |= !field.text.is_empty();
                    key.push_str(&field.text);
                }
                Role::Unit => row.unit = Some(field),
                Role::Value(at) => row.set(*at, Err(field)),
                Role::Status | Role::StatusOf(_) => row.statuses.push((*role, row.fields - 1, field)),
                _ => {}
            }
            if last {
                return Ok(row);
            }
        }
        let beyond = cursor.pos();
        let extra = cursor.skip_row().map_err(|flaw| self.source.flaw(flaw))?;
        let rest = cursor.slice(beyond..cursor.pos()).trim_end();
        if let Some(value) = self.layout.roles.last().and_then(|role| row.number(*role))
            && extra == 1
            && self.layout.dialect.delimiter == b','
            && value.abs() < 1000.0
            && value.fract() == 0.0
            && is_group_of_thousands(rest)
        {
            let words = format!(
                "'{value},{rest}' is one cell more than the header has: a number with a thousands mark, perhaps, in a file whose fields commas part. Export such numbers in quotes, or with semicolons or tabs between the fields"
            );
            return Err(self.source.error("more_cells_than_header", Some(line), words));
        }
        self.seen.extra.add_all(extra, line);
        self.seen.wide_rows += u64::from(extra > 0);
        self.seen.lose("extra_cells", extra);
        row.extra = extra;
        Ok(row)
    }

    fn long_series(&mut self, series: &mut Series, key: &str, unit: &str, line: u64) -> Result<usize, ReadError> {
        if let Some(found) = series.find(key) {
            return Ok(found);
        }
        if series.keys.len() >= MAX_SERIES {
            let words = format!(
                "more than {MAX_SERIES} series told apart by {}, and no more are read from one report: split it, or see whether one of these columns tells no series apart",
                self.layout.keys.iter().map(|key| format!("'{key}'")).collect::<Vec<_>>().join(", ")
            );
            return Err(self.source.error("too_many_points", Some(line), words));
        }
        let number = series.number(key);
        series.units.push(unit.to_owned());
        let stated = (!unit.is_empty()).then(|| Chosen {
            value: units::known(unit).unwrap_or(unit).to_owned(),
            evidence: format!("line {line}: the unit column"),
        });
        let texts = key.split(BETWEEN);
        let dimensions: Vec<Dimension> = self
            .layout
            .keys
            .iter()
            .zip(texts)
            .map(|(name, value)| Dimension { name: name.clone(), value: value.to_owned() })
            .collect();
        let several = self.layout.values.len() > 1;
        for (name, unit) in &self.layout.values {
            let named = several
                || units::of_name(name).or_else(|| units::known(name)).is_some() && !words::is_value_beside_point(name);
            let own = named.then(|| Dimension { name: "value".to_owned(), value: name.clone() });
            let dimensions: Vec<Dimension> = dimensions.iter().cloned().chain(own).collect();
            let words: Vec<&str> =
                dimensions.iter().map(|d| d.value.as_str()).filter(|text| !text.is_empty()).collect();
            let mut plan = point(&words.join(" "), 0);
            // What the name ends with is a unit only where it is the name of one point.
            let of_name = plan.unit.take().filter(|_| dimensions.len() == 1);
            let unit = stated.clone().or_else(|| unit.clone()).or(of_name);
            (plan.dimensions, plan.value_named) = (dimensions, named);
            self.cells.add_point(unit);
            series.plans.push(plan);
        }
        Ok(number)
    }
}

/// `070`, `070.39`: what stands behind a thousands mark.
fn is_group_of_thousands(text: &str) -> bool {
    let (group, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    group.len() == 3 && digits(group) && digits(fraction)
}

impl<'t> Row<'t> {
    /// The number of a column of values.
    fn number(&self, role: Role) -> Option<f64> {
        let Role::Value(at) = role else { return None };
        let value = at.checked_sub(1).map_or(Some(&self.value), |further| self.more.get(further))?;
        value.as_ref()?.as_ref().ok().copied()
    }

    fn set(&mut self, at: usize, value: Result<f64, Field<'t>>) {
        match at.checked_sub(1) {
            None => self.value = Some(value),
            Some(further) => {
                if self.more.len() <= further {
                    self.more.resize_with(further + 1, || None);
                }
                if let Some(slot) = self.more.get_mut(further) {
                    *slot = Some(value);
                }
            }
        }
    }
}

/// Points that have a cell in a chunk.
#[derive(Default)]
struct Present {
    seen: Vec<bool>,
    count: usize,
}

impl Present {
    fn add(&mut self, point: usize) {
        if self.seen.len() <= point {
            self.seen.resize(point + 1, false);
        }
        if let Some(seen) = self.seen.get_mut(point)
            && !*seen
        {
            *seen = true;
            self.count += 1;
        }
    }
}

/// Rows of times from cells: a cell goes into the first row of its time that its point has not filled.
fn assemble(mut entries: Vec<Entry>) -> Segment {
    entries.sort_by_key(|entry| entry.at);
    let width = entries.iter().map(|entry| entry.point + 1).max().unwrap_or(0);
    let mut next_row = vec![0usize; width];
    let mut segment = Segment { at_ms: Vec::new(), columns: vec![DecodedColumn::default(); width] };
    let mut rows = Vec::with_capacity(entries.len());
    let mut group = 0;
    for entry in &entries {
        if segment.at_ms.last() != Some(&entry.at) {
            group = segment.at_ms.len();
        }
        let Some(next) = next_row.get_mut(entry.point) else { continue };
        let row = (*next).max(group);
        *next = row + 1;
        if row >= segment.at_ms.len() {
            segment.at_ms.push(entry.at);
        }
        rows.push(row);
    }
    let total = segment.at_ms.len();
    for (entry, row) in entries.iter().zip(rows) {
        let Some(cells) = segment.columns.get_mut(entry.point) else { continue };
        if cells.codes.is_empty() {
            cells.values = vec![0.0; total];
            cells.codes = vec![NullReason::NotCovered as u8; total];
        }
        if let (Some(value), Some(code)) = (cells.values.get_mut(row), cells.codes.get_mut(row)) {
            (*value, *code) = entry.cell;
        }
    }
    segment
}

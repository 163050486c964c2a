//! The engine for narrow reports: one row a cell. Points come in order of first appearance.
//!
//! A segment has one row a time (a further one where a point stands twice at one time) and columns up to
//! the last point that has a cell in it, so it comes out the same whether later points are known or not.

use std::collections::HashMap;

use super::engine::{Engine, Limit, is_ok};
use super::fields::{Cursor, Field};
use super::layout::{MAX_POINTS, Role, point};
use super::{Chosen, PointPlan, ReadError};
use hvac_frame::column::{DecodedColumn, NullReason, Segment, VALUE};
use hvac_points::units;

/// The points of a narrow report, as they appear.
#[derive(Debug, Default)]
pub struct Points {
    /// What is known of each.
    pub plans: Vec<PointPlan>,
    index: HashMap<String, usize>,
    /// Latest time of each, which tells rows that stand out of order.
    latest: Vec<i64>,
    last: usize,
}

impl Points {
    /// Those that were met in the first reading.
    pub fn again(plans: &[PointPlan]) -> Self {
        let index = plans.iter().enumerate().map(|(at, plan)| (plan.original_name.clone(), at)).collect();
        Self { plans: plans.to_vec(), index, latest: vec![i64::MIN; plans.len()], last: 0 }
    }

    /// Reports mostly repeat their points in turn, or stay with one.
    fn find(&mut self, name: &str) -> Option<usize> {
        let is = |at: usize| self.plans.get(at).is_some_and(|plan| plan.original_name == name);
        let next = if self.last + 1 < self.plans.len() { self.last + 1 } else { 0 };
        let found = if is(next) {
            Some(next)
        } else if is(self.last) {
            Some(self.last)
        } else {
            self.index.get(name).copied()
        };
        self.last = found.unwrap_or(self.last);
        found
    }

    fn add(&mut self, name: &str) -> usize {
        let at = self.plans.len();
        self.plans.push(point(name, 0));
        self.index.insert(name.to_owned(), at);
        self.latest.push(i64::MIN);
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

/// The fields of one row that matter.
#[derive(Default)]
struct Row<'t> {
    stamp: Option<Field<'t>>,
    clock: Option<Field<'t>>,
    name: Option<Field<'t>>,
    unit: Option<Field<'t>>,
    value: Option<Result<f64, Field<'t>>>,
    fields: usize,
    cut: bool,
    open: bool,
}

impl Engine<'_> {
    /// Reads rows up to `limit`. The segment is sorted by time.
    pub fn long_chunk(
        &mut self,
        points: &mut Points,
        cursor: &mut Cursor<'_>,
        limit: Limit,
    ) -> Result<Segment, ReadError> {
        let mut entries: Vec<Entry> = Vec::new();
        let (mut times, mut present) = (0usize, Present::default());
        while !cursor.at_end()
            && (entries.is_empty() || cursor.pos() < limit.byte && times.saturating_mul(present.count) < limit.cells)
        {
            if cursor.blank_line() {
                self.seen.drop("blank");
                continue;
            }
            let start = cursor.pos();
            if let Some(entry) = self.long_row(points, cursor)? {
                times += usize::from(entries.last().is_none_or(|before| before.at != entry.at));
                present.add(entry.point);
                entries.push(entry);
            }
            self.check_line(start, cursor)?;
        }
        Ok(assemble(entries))
    }

    fn long_row(&mut self, points: &mut Points, cursor: &mut Cursor<'_>) -> Result<Option<Entry>, ReadError> {
        let (start, line) = (cursor.pos(), cursor.lines() + 1);
        let row = self.long_fields(cursor, line)?;
        let text = |field: &Option<Field<'_>>| field.as_ref().map(|field| field.text.to_string()).unwrap_or_default();
        let stamp = row.stamp.as_ref().map_or("", |field| &field.text);
        // A row that ends with the file within its time or its point's name has neither.
        let broken = (row.open || row.cut) && row.value.is_none();
        let clock = row.clock.as_ref().map(|field| &*field.text);
        let at = if broken { None } else { self.times.read(stamp, clock, line, row.fields == 1)? };
        let Some(at) = at else {
            if broken {
                self.seen.truncated = Some(line);
            }
            self.drop_row(cursor.slice(start..cursor.pos()), stamp, line)?;
            return Ok(None);
        };
        let name = row.name.as_ref().map_or("", |field| &field.text);
        if name.is_empty() {
            self.seen.nameless.add(line);
            self.seen.drop("no_point");
            return Ok(None);
        }
        let point = self.long_point(points, name, &text(&row.unit), line)?;
        if let Some(latest) = points.latest.get_mut(point) {
            self.seen.out_of_order += u64::from(at < *latest);
            *latest = at.max(*latest);
        }
        let cell = match row.value {
            Some(Ok(value)) => (value, VALUE),
            Some(Err(field)) if field.open => {
                self.seen.truncated = Some(line);
                (0.0, NullReason::MissingCell as u8)
            }
            Some(Err(field)) => self.cells.read(point, &field.text, line),
            None => {
                self.seen.short.add(line);
                (0.0, NullReason::MissingCell as u8)
            }
        };
        self.seen.rows += 1;
        Ok(Some(Entry { at, point, cell }))
    }

    fn long_fields<'t>(&mut self, cursor: &mut Cursor<'t>, line: u64) -> Result<Row<'t>, ReadError> {
        let mut row = Row::default();
        for role in &self.layout.roles {
            row.fields += 1;
            if *role == Role::Value
                && let Some((value, last)) = cursor.number()
            {
                row.value = Some(Ok(value.value()));
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
                Role::Name => row.name = Some(field),
                Role::Unit => row.unit = Some(field),
                Role::Value => row.value = Some(Err(field)),
                Role::Status if !is_ok(&field.text) => self.seen.verdicts.add(line),
                _ => {}
            }
            if last {
                return Ok(row);
            }
        }
        let extra = cursor.skip_row().map_err(|flaw| self.source.flaw(flaw))?;
        self.seen.extra.add_all(extra, line);
        Ok(row)
    }

    fn long_point(&mut self, points: &mut Points, name: &str, unit: &str, line: u64) -> Result<usize, ReadError> {
        if let Some(found) = points.find(name) {
            return Ok(found);
        }
        if points.plans.len() >= MAX_POINTS {
            let words = format!("more than {MAX_POINTS} points, and no more are read from one report: split it");
            return Err(self.source.error("too_many_points", Some(line), words));
        }
        let at = points.add(name);
        let named = points.plans.get(at).and_then(|plan| plan.unit.clone());
        let stated = (!unit.is_empty()).then(|| Chosen {
            value: units::known(unit).unwrap_or(unit).to_owned(),
            evidence: format!("line {line}: the unit column"),
        });
        self.cells.add_point(stated.or(named));
        Ok(at)
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

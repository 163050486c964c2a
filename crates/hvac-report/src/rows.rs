//! The engine for reports with one row a time: APOGEE, wide tables, TOA5, histories of one point.
//!
//! One pass: the fast way of a cell is [`Cursor::short`], which finds the field's end in a word of eight bytes, where a
//! number is read all at once and a state is told by the word itself; then [`Cursor::number`]; all else is looked at as
//! text.

use std::borrow::Cow;
use std::collections::HashMap;

use super::cells::Met;
use super::engine::{Engine, Limit};
use super::fields::{Cursor, Field, Short};
use super::layout::Role;
use super::number;
use super::row_time::{Place, RowTime, TimeFields};
use super::{ReadError, marker, status};
use hvac_frame::builder::{ColumnBuilder, SegmentBuilder};
use hvac_frame::column::{NullReason, TEXT, VALUE};

/// What the rows of a layout have in common.
#[derive(Debug)]
pub(crate) struct Shape<'r> {
    roles: &'r [Role],
    /// Fields up to the last one of the time.
    times: usize,
    /// No point stands left of the time: a row is read in one go.
    direct: bool,
    points: usize,
    /// So many points stand right behind the time, in their order.
    run: usize,
    /// Columns that say what the system thinks of the row's values; of one point's, by the point.
    statuses: Vec<usize>,
    statuses_of: HashMap<usize, Vec<usize>>,
}

impl<'r> Shape<'r> {
    /// Of rows whose fields have these roles.
    pub(crate) fn new(roles: &'r [Role], points: usize) -> Self {
        let times = roles
            .iter()
            .rposition(|role| matches!(role, Role::Stamp | Role::Clock | Role::Offset))
            .map_or(0, |at| at + 1);
        let direct = roles
            .iter()
            .take(times)
            .all(|role| matches!(role, Role::Stamp | Role::Clock | Role::Offset | Role::Ignore));
        let behind = roles.iter().skip(times).enumerate();
        let run = behind.take_while(|(at, role)| direct && **role == Role::Point(*at)).count();
        let (mut statuses, mut statuses_of) = (Vec::new(), HashMap::<usize, Vec<usize>>::new());
        for (at, role) in roles.iter().enumerate() {
            match role {
                Role::Status => statuses.push(at),
                Role::StatusOf(point) => statuses_of.entry(*point).or_default().push(at),
                _ => {}
            }
        }
        Self { roles, times, direct, points, run, statuses, statuses_of }
    }
}

/// A cell that its row does not have.
const MISSING: (f64, u8) = (0.0, NullReason::MissingCell as u8);

/// The time of a row, read.
struct Timed {
    at: Option<i64>,
    /// The row ended with its time.
    last: bool,
}

impl<'r> Engine<'r> {
    /// Reads rows up to `limit`, in the file's order.
    pub(crate) fn wide_chunk(
        &mut self,
        shape: &Shape<'_>,
        cursor: &mut Cursor<'r>,
        limit: Limit,
        builder: &mut SegmentBuilder,
    ) -> Result<(), ReadError> {
        builder.begin(shape.points);
        while !cursor.at_end()
            && (builder.at_ms.is_empty()
                || cursor.pos() < limit.byte && builder.at_ms.len() * shape.points < limit.cells)
        {
            if cursor.blank_line() {
                self.seen.drop("blank");
                continue;
            }
            let start = cursor.pos();
            if !self.layout.totals.is_empty() && self.layout.totals.contains(&start) {
                cursor.skip_row().map_err(|flaw| self.source.flaw(flaw))?;
                self.seen.drop("total");
                continue;
            }
            self.wide_row(shape, cursor, builder)?;
            self.check_line(start, cursor)?;
        }
        Ok(())
    }

    fn wide_row(
        &mut self,
        shape: &Shape<'_>,
        cursor: &mut Cursor<'r>,
        builder: &mut SegmentBuilder,
    ) -> Result<(), ReadError> {
        let (row, line) = (cursor.clone(), cursor.lines() + 1);
        let timed = self.row_time(shape, cursor, line)?;
        let Some(at) = timed.at else { return Ok(()) };
        builder.at_ms.push(at);
        self.cells.begin_row(self.seen.rows, at);
        if !(shape.statuses.is_empty() && shape.statuses_of.is_empty()) || self.cells.has_loss_numbers() {
            *cursor = row;
            return self.judged_row(shape, cursor, line, builder);
        }
        let (mut from, mut last) = (shape.times, timed.last);
        if !shape.direct {
            *cursor = row;
            (from, last) = (0, false);
        } else if !last {
            let columns = builder.columns.get_mut(..shape.run).unwrap_or_default();
            let (read, ended) = self.short_cells(cursor, columns);
            (from, last) = (from + read, ended);
        }
        let mut roles = shape.roles.get(from..).unwrap_or_default().iter();
        while !last && let Some(role) = roles.next() {
            last = match role {
                Role::Point(point) => match builder.columns.get_mut(*point) {
                    Some(column) => self.cell(*point, column, cursor, line, roles.as_slice())?,
                    None => break,
                },
                _ => self.other_field(*role, cursor, line)?,
            };
        }
        if last {
            self.fill_row(roles.as_slice(), cursor, line, builder);
        } else {
            self.beyond(cursor, line, builder)?;
        }
        self.seen.rows += 1;
        Ok(())
    }

    /// Cells beyond the last column: which of the row's cells belongs where cannot be told, so none is kept.
    fn beyond(&mut self, cursor: &mut Cursor<'r>, line: u64, builder: &mut SegmentBuilder) -> Result<(), ReadError> {
        let extra = cursor.skip_row().map_err(|flaw| self.source.flaw(flaw))?;
        if extra == 0 {
            return Ok(());
        }
        self.seen.extra.add_all(extra, line);
        self.seen.wide_rows += 1;
        self.seen.lose("extra_cells", extra);
        for (point, column) in builder.columns.iter_mut().enumerate() {
            let Some((value, code)) = column.take_back() else { continue };
            if code == TEXT {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "an index of the reader's"
                )]
                self.cells.forget(point, value as usize);
            }
            let lost = code == VALUE || code == TEXT;
            column.push((0.0, if lost { NullReason::Unreadable as u8 } else { code }));
        }
        Ok(())
    }

    /// Reads cells of one point after the other as long as they are short; how many, and whether the row is over.
    fn short_cells(&mut self, cursor: &mut Cursor<'r>, columns: &mut [ColumnBuilder]) -> (usize, bool) {
        // A copy of its own, which stays in registers.
        let mut at = cursor.clone();
        let (mut read, mut last) = (0, false);
        for column in columns {
            let Some(short) = at.short() else { break };
            if !self.short_cell(read, short, column) {
                break;
            }
            read += 1;
            last = at.pass(short);
            if last {
                break;
            }
        }
        *cursor = at;
        (read, last)
    }

    /// A number, or the text that the point had last; whether it was one of them.
    #[inline(always)]
    fn short_cell(&mut self, point: usize, short: Short, column: &mut ColumnBuilder) -> bool {
        let dialect = self.layout.dialect;
        if let Some((count, decimals)) = number::short(short.word, short.length, dialect.decimal) {
            column.push_short(count, decimals);
        } else if let Some(met) = self.cells.same_again(point, short.word) {
            match met {
                Met::Text(at) => column.push_text(at),
                Met::Marker(reason) => column.push_null(reason),
            }
        } else {
            return false;
        }
        true
    }

    /// Reads one cell; whether it is its row's last.
    fn cell(
        &mut self,
        point: usize,
        column: &mut ColumnBuilder,
        cursor: &mut Cursor<'r>,
        line: u64,
        rest: &[Role],
    ) -> Result<bool, ReadError> {
        if let Some(short) = cursor.short()
            && self.short_cell(point, short, column)
        {
            return Ok(cursor.pass(short));
        }
        if let Some((number, last)) = cursor.number() {
            column.push_decimal(number);
            return Ok(last);
        }
        let field = cursor.field().map_err(|flaw| self.source.flaw(flaw))?;
        if field.open || field.cut && has_point(rest) {
            // What is left of a cell where the file was cut off may be half a number.
            self.seen.truncated = Some(line);
            column.push(MISSING);
        } else {
            column.push(self.cells.read(point, &field.text, line));
        }
        Ok(field.last)
    }

    /// The row is over; the points of `rest` have no cell in it.
    fn fill_row(&mut self, rest: &[Role], cursor: &Cursor<'_>, line: u64, builder: &mut SegmentBuilder) {
        if !has_point(rest) {
            return;
        }
        for role in rest {
            if let Role::Point(point) = role
                && let Some(column) = builder.columns.get_mut(*point)
            {
                column.push(MISSING);
            }
        }
        if cursor.at_end() && self.text.as_bytes().last() != Some(&self.layout.dialect.eol) {
            self.seen.truncated = Some(line);
        } else {
            self.seen.short.add(line);
        }
    }

    /// Reads the fields up to the time's last one. A row without a time is passed and counted.
    fn row_time(&mut self, shape: &Shape<'_>, cursor: &mut Cursor<'r>, line: u64) -> Result<Timed, ReadError> {
        let start = cursor.pos();
        let lines = cursor.lines();
        let (mut stamp, mut clock, mut offset, mut last, mut cut, mut fields) = (None, None, None, false, false, 0);
        for role in shape.roles.iter().take(shape.times) {
            if *role == Role::Stamp && cursor.pass_same(self.day.0) {
                (stamp, fields) = (Some(Cow::Borrowed(self.day.1)), fields + 1);
                continue;
            }
            let begin = cursor.pos();
            let field = cursor.field().map_err(|flaw| self.source.flaw(flaw))?;
            (last, cut, fields) = (field.last, field.cut, fields + 1);
            match role {
                Role::Stamp => {
                    if let Cow::Borrowed(text) = field.text
                        && !last
                        && cursor.lines() + 1 == line
                    {
                        self.day = (cursor.slice(begin..cursor.pos()), text);
                    }
                    stamp = Some(field.text);
                }
                Role::Clock => clock = Some(field.text),
                Role::Offset => offset = Some(field.text),
                _ => {}
            }
            if last {
                break;
            }
        }
        let stamp_text = stamp.as_deref().unwrap_or_default();
        let whole = fields == shape.times && !(cut && shape.times < shape.roles.len());
        let place = Place { line, byte: start, alone: last && fields == 1 };
        let time = TimeFields { stamp: stamp_text, clock: clock.as_deref(), offset: offset.as_deref() };
        let at = match if whole { self.times.read(time, place)? } else { RowTime::Unreadable } {
            RowTime::At(at) => Some(at),
            RowTime::Unreadable => None,
            RowTime::Missing(error) => {
                let mut row = Cursor::new(self.text, self.layout.dialect, start, lines);
                let cells = row.row(shape.roles.len()).map_err(|flaw| self.source.flaw(flaw))?;
                let mut readings = cells.iter().zip(shape.roles).filter(|(_, role)| matches!(role, Role::Point(_)));
                if readings.any(|(cell, _)| marker::reason(cell.trim()).is_none()) {
                    return Err(*error);
                }
                self.times.missing.add(line);
                self.seen.drop("nonexistent_hour");
                *cursor = row;
                return Ok(Timed { at: None, last });
            }
        };
        if at.is_none() {
            if cut {
                self.seen.truncated = Some(line);
            }
            if !last {
                cursor.skip_row().map_err(|flaw| self.source.flaw(flaw))?;
            }
            let raw = cursor.slice(start..cursor.pos());
            self.drop_row(raw, stamp_text, line)?;
        }
        Ok(Timed { at, last })
    }

    /// A row whose values the system has an opinion of: all fields first, since a status stands behind its value.
    fn judged_row(
        &mut self,
        shape: &Shape<'_>,
        cursor: &mut Cursor<'r>,
        line: u64,
        builder: &mut SegmentBuilder,
    ) -> Result<(), ReadError> {
        let mut fields = Vec::with_capacity(shape.roles.len());
        while fields.len() < shape.roles.len() && fields.last().is_none_or(|field: &Field<'_>| !field.last) {
            fields.push(cursor.field().map_err(|flaw| self.source.flaw(flaw))?);
        }
        let over = fields.last().is_some_and(|field| field.last);
        for (at, (role, field)) in shape.roles.iter().zip(&fields).enumerate() {
            let Role::Point(point) = role else { continue };
            let half = field.cut && has_point(shape.roles.get(at + 1..).unwrap_or_default());
            let mut cell = if field.open || half { MISSING } else { self.cells.read(*point, &field.text, line) };
            let own = shape.statuses_of.get(point).map_or(&[][..], Vec::as_slice);
            for (column, status) in shape.statuses.iter().chain(own).filter_map(|at| Some((*at, fields.get(*at)?))) {
                if status.cut && status::meaning(&status.text).is_none() {
                    // Half a word: what the system said of the value cannot be known.
                    self.seen.truncated = Some(line);
                    cell = MISSING;
                }
                let meaning = self.said(column, &status.text);
                cell = self.cells.judged(*point, cell, &status.text, meaning, line);
            }
            if let Some(column) = builder.columns.get_mut(*point) {
                column.push(cell);
            }
        }
        if over {
            self.fill_row(shape.roles.get(fields.len()..).unwrap_or_default(), cursor, line, builder);
        } else {
            self.beyond(cursor, line, builder)?;
        }
        self.seen.rows += 1;
        Ok(())
    }

    fn other_field(&mut self, role: Role, cursor: &mut Cursor<'r>, line: u64) -> Result<bool, ReadError> {
        let field = cursor.field().map_err(|flaw| self.source.flaw(flaw))?;
        if role == Role::Extra && !field.text.is_empty() {
            self.seen.extra.add(line);
            self.seen.lose("extra_cells", 1);
        }
        Ok(field.last)
    }
}

fn has_point(roles: &[Role]) -> bool {
    roles.iter().any(|role| matches!(role, Role::Point(_)))
}

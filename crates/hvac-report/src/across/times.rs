//! A point a row, a time a column: `Point,Unit,2024-05-13 00:00,2024-05-13 00:15,…`, as tables are turned in spreadsheets.
//!
//! Told by a header whose fields are times, or months, from some column on, and by rows below in which no field is one. Each
//! cell becomes a row of its own.

use std::collections::BTreeSet;

use super::MAX_FIELDS;
use crate::Chosen;
use crate::Format;
use crate::ReadError;
use crate::ReadOptions;
use crate::Source;
use crate::fields::{Cursor, Dialect};
use crate::layout::{Layout, Record, Role, TimeColumn, warning};
use crate::months;
use crate::number;
use crate::rewritten::{Told, Writer};
use crate::time;
use crate::words;

/// Of a series whose column has no name.
const POINT: &str = "Point";
const MIDNIGHT: &str = "00:00";

/// A column of readings of one time.
struct Time {
    column: usize,
    date: String,
    clock: String,
}

/// The columns of the report.
struct Shape {
    times: Vec<Time>,
    keys: Vec<usize>,
    units: Option<usize>,
    left_out: Vec<usize>,
}

/// A row of the report.
struct Row {
    line: u64,
    fields: Vec<String>,
}

impl Row {
    fn field(&self, at: usize) -> &str {
        self.fields.get(at).map_or("", String::as_str)
    }
}

/// The report as a long table, if it has a time a column.
///
/// # Errors
/// `unread_time_form` where the header's months may be days, `more_cells_than_header`.
pub(crate) fn rewritten(
    source: Source<'_>,
    text: &str,
    head: &[Record],
    dialect: Dialect,
    delimiter: &Chosen<char>,
    options: &ReadOptions,
) -> Result<Option<(Layout, String)>, ReadError> {
    if !matches!(options.format, None | Some(Format::Narrow)) {
        return Ok(None);
    }
    let below = options.skip_rows.unwrap_or(0);
    let wanted = |row: &&Record| options.header_row.map_or(row.line > below, |line| row.line == line);
    let found = head.iter().filter(wanted).find_map(|row| Some((row, columns_of_times(row)?)));
    let Some((header, columns)) = found else { return Ok(None) };
    let (mut rows, mut others) = (Vec::new(), Vec::new());
    let mut cursor = Cursor::new(text, dialect, header.end, header.end_lines);
    while !cursor.at_end() {
        let (start, line) = (cursor.pos(), cursor.lines() + 1);
        let fields = cursor.row(MAX_FIELDS).map_err(|flaw| source.flaw(flaw))?;
        if fields.iter().any(|field| is_time(field)) {
            // Times in a preamble, above a table of another shape.
            return Ok(None);
        }
        let row = Row { line, fields };
        let is_series = (0..columns.start).any(|at| !row.field(at).is_empty());
        if is_series && columns.clone().any(|at| !row.field(at).is_empty()) {
            rows.push(row);
        } else {
            others.push((line, start..cursor.pos()));
        }
    }
    let measures = |row: &Row| columns.clone().any(|at| number::read(row.field(at), dialect.decimal, b';').is_some());
    if !rows.iter().any(measures) {
        return Ok(None);
    }
    let beyond = |row: &&Row| row.fields.iter().skip(header.fields.len()).any(|cell| !cell.is_empty());
    if let Some(row) = rows.iter().find(beyond) {
        let words = format!(
            "the row has more cells than the {} columns of the header, so that none is that of a time for certain",
            header.fields.len()
        );
        return Err(source.error("more_cells_than_header", Some(row.line), words));
    }
    let Some(times) = times(source, header, columns, options)? else { return Ok(None) };
    let shape = Shape::of(header, times, &rows);
    if shape.keys.is_empty() {
        return Ok(None);
    }
    let mut writer = Writer::new(source, dialect, text.get(..header.end).unwrap_or_default(), header.end_lines);
    for row in &rows {
        shape.write(&mut writer, row)?;
    }
    for (line, bytes) in others {
        writer.made_of(line)?;
        // A total, a footer: the reader of rows says what becomes of it.
        writer.as_it_stands(text.get(bytes).unwrap_or_default());
    }
    Ok(Some(shape.finish(source, header, writer, delimiter.clone())))
}

fn is_time(field: &str) -> bool {
    time::is_stamp(field) || months::is_month(field)
}

/// The columns of a header that are times, each another one: from one behind the first to the last, but for totals behind.
fn columns_of_times(header: &Record) -> Option<std::ops::Range<usize>> {
    let fields = &header.fields;
    let from = fields.iter().position(|field| is_time(field)).filter(|from| *from > 0)?;
    let count = fields.iter().skip(from).take_while(|field| is_time(field)).count();
    let behind = fields.iter().skip(from + count);
    let different: BTreeSet<&String> = fields.iter().skip(from).take(count).collect();
    let settled = count > 1 && different.len() == count;
    (settled && behind.into_iter().all(|name| name.is_empty() || words::is_summary(name))).then_some(from..from + count)
}

/// The header's times; none where one has its date behind its clock.
fn times(
    source: Source<'_>,
    header: &Record,
    columns: std::ops::Range<usize>,
    options: &ReadOptions,
) -> Result<Option<Vec<Time>>, ReadError> {
    let fields: Vec<&str> = columns.clone().map(|at| header.field(at)).collect();
    if fields.iter().all(|field| months::is_month(field)) {
        let days = months::first_days(source, &fields, header.field(0), header.line, options)?;
        let of = |(column, date): (usize, String)| Time { column, date, clock: MIDNIGHT.to_owned() };
        return Ok(days.map(|days| columns.zip(days).map(of).collect()));
    }
    let split = |(column, field): (usize, &str)| {
        let date_bytes = time::in_any_order(field)?.date_bytes;
        let (date, clock) = field.split_at_checked(date_bytes)?;
        let clock = clock.trim_start().trim_start_matches('T');
        let clock = if clock.is_empty() { MIDNIGHT } else { clock };
        time::clock_only(clock).map(|_| Time { column, date: date.to_owned(), clock: clock.to_owned() })
    };
    Ok(columns.zip(fields).map(split).collect())
}

impl Shape {
    fn of(header: &Record, times: Vec<Time>, rows: &[Row]) -> Self {
        let from = times.first().map_or(0, |time| time.column);
        let until = times.last().map_or(0, |time| time.column + 1);
        let mut shape = Self { times, keys: Vec::new(), units: None, left_out: Vec::new() };
        for at in (0..from).chain(until..header.fields.len()) {
            let cells = || rows.iter().map(|row| row.field(at)).filter(|cell| !cell.is_empty());
            let name = header.field(at);
            if cells().next().is_none() {
                // Nothing is lost with it.
            } else if words::is_unit_name(name) && at < from {
                shape.units = Some(at);
            } else if words::is_row_number(name) || at >= until {
                shape.left_out.push(at);
            } else {
                shape.keys.push(at);
            }
        }
        shape
    }

    fn write(&self, writer: &mut Writer<'_>, row: &Row) -> Result<(), ReadError> {
        for time in &self.times {
            writer.made_of(row.line)?;
            writer.field(&time.date);
            writer.next();
            writer.field(&time.clock);
            for column in self.keys.iter().copied().chain(self.units) {
                writer.next();
                writer.field(row.field(column));
            }
            writer.next();
            writer.field(row.field(time.column));
            writer.end();
        }
        Ok(())
    }

    fn finish(
        &self,
        source: Source<'_>,
        header: &Record,
        writer: Writer<'_>,
        delimiter: Chosen<char>,
    ) -> (Layout, String) {
        let ends = |at: Option<&Time>| at.map_or("", |time| header.field(time.column));
        let (first, last) = (ends(self.times.first()), ends(self.times.last()));
        let named = |at: &usize| Some(header.field(*at)).filter(|name| !name.is_empty()).unwrap_or(POINT).to_owned();
        let mut roles: Vec<Role> = (0..self.keys.len()).map(Role::Key).collect();
        roles.extend(self.units.map(|_| Role::Unit));
        roles.push(Role::Value(0));
        let (mut layout, text) = writer.finish(Told {
            evidence: format!(
                "line {} names {} times, '{first}' to '{last}', and no row below has one: a time a column",
                header.line,
                self.times.len()
            ),
            delimiter,
            header_line: header.line,
            times_from: first,
            times: TimeColumn::of(false, []),
            keys: self.keys.iter().map(named).collect(),
            roles,
            point: None,
        });
        for at in &self.left_out {
            let name = header.field(*at);
            let words = format!("column '{name}' is not kept: the report is read as series and times");
            layout.warnings.push(warning(source, "ignored_column", Some(header.line), Some(name), 1, words));
        }
        (layout, text)
    }
}

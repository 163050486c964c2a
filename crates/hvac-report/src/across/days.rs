//! A day a column, a clock time a row: `Hour,2024-05-01,2024-05-02,…`, with columns of meters and units beside.
//!
//! Told by a header of dates and, right below, a column of clock times (or of ranges of them). Each cell becomes a row of its
//! own, day after day. As in a report with a day a row, 24:00 is the next day's 00:00, and so is 00:00 behind the others;
//! hours that are only numbered are refused, and so are clock times that stand twice.

use super::header::{Interval, label, put_back};
use super::{MAX_FIELDS, day_of};
use crate::Chosen;
use crate::Format;
use crate::ReadError;
use crate::ReadOptions;
use crate::Source;
use crate::fields::{Cursor, Dialect};
use crate::layout::{Layout, Record, Role, TimeColumn, warning};
use crate::number;
use crate::rewritten::{Told, Writer};
use crate::time;
use crate::wide;
use crate::words;
use hvac_points::units;

/// The columns of the report.
struct Shape {
    clock: usize,
    days: Vec<usize>,
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

/// The report as a long table, if it has a day a column.
///
/// # Errors
/// `unread_time_form` when its clock times say too little, `more_cells_than_header`.
pub(crate) fn rewritten(
    source: Source<'_>,
    text: &str,
    head: &[Record],
    dialect: Dialect,
    delimiter: &Chosen<char>,
    options: &ReadOptions,
) -> Result<Option<(Layout, String)>, ReadError> {
    if !matches!(options.format, None | Some(Format::Narrow | Format::SinglePoint)) {
        return Ok(None);
    }
    let below = options.skip_rows.unwrap_or(0);
    let wanted = |row: &Record| options.header_row.map_or(row.line > below, |line| row.line == line);
    let found = head.iter().enumerate().filter(|(_, row)| wanted(row)).find_map(|(at, row)| {
        let days = days(row)?;
        let next = head.get(at + 1)?;
        let others = (0..next.fields.len()).filter(|at| !days.contains(at));
        let clock = others.into_iter().find(|at| label(next.field(*at)).is_some() || is_hour(next.field(*at)))?;
        Some((row, days, clock, next))
    });
    let Some((header, days, clock, first)) = found else { return Ok(None) };
    let numbered = label(first.field(clock)).is_none();
    if numbered && days.len() < 2 {
        return Ok(None);
    }
    let (mut rows, mut others) = (Vec::new(), Vec::new());
    let mut cursor = Cursor::new(text, dialect, header.end, header.end_lines);
    while !cursor.at_end() {
        let (start, line) = (cursor.pos(), cursor.lines() + 1);
        let fields = cursor.row(MAX_FIELDS).map_err(|flaw| source.flaw(flaw))?;
        if fields.iter().any(|field| time::is_stamp(field)) {
            // Dates in a preamble, above a table of another shape.
            return Ok(None);
        }
        let cell = fields.get(clock).map_or("", String::as_str);
        if label(cell).is_some() || numbered && is_hour(cell) {
            rows.push(Row { line, fields });
        } else {
            others.push((line, start..cursor.pos()));
        }
    }
    if numbered && rows.len() < 23 {
        return Ok(None);
    }
    if numbered {
        let words = format!(
            "the rows of '{}' number the hours of a day, which does not say whether a number is the beginning or the end of its hour: write clock times such as 00:00 or 00:00-01:00",
            header.field(clock)
        );
        return Err(source.error("unread_time_form", rows.first().map(|row| row.line), words));
    }
    let beyond = |row: &&Row| row.fields.iter().skip(header.fields.len()).any(|cell| !cell.is_empty());
    if let Some(row) = rows.iter().find(beyond) {
        let words = format!(
            "the row has more cells than the {} columns of the header, so that none is that of a day for certain",
            header.fields.len()
        );
        return Err(source.error("more_cells_than_header", Some(row.line), words));
    }
    let shape = Shape::of(header, days, clock, &rows);
    if shape.left_out.iter().any(|at| header.field(*at).is_empty()) {
        // A date above a table, and no header of one.
        return Ok(None);
    }
    let mut writer = Writer::new(source, dialect, text.get(..header.end).unwrap_or_default(), header.end_lines);
    for series in shape.series(&rows) {
        shape.write(&mut writer, header, &series, &shape.intervals(source, header, &series)?)?;
    }
    for (line, bytes) in others {
        writer.made_of(line)?;
        // A total, a footer, the header again: the reader of rows says what becomes of it.
        writer.as_it_stands(text.get(bytes).unwrap_or_default());
    }
    Ok(Some(shape.finish(source, header, writer, delimiter.clone())))
}

/// The columns of a header that are days.
fn days(row: &Record) -> Option<Vec<usize>> {
    let days: Vec<usize> =
        row.fields.iter().enumerate().filter(|(_, field)| day_of(field).is_some()).map(|(at, _)| at).collect();
    (!days.is_empty()).then_some(days)
}

/// `7`, `07`, `H7`: an hour that is only numbered.
fn is_hour(cell: &str) -> bool {
    let digits = cell.trim_start_matches(|c: char| c.is_alphabetic() || c == ' ');
    (1..=2).contains(&digits.len()) && cell.len() <= 8 && digits.parse().is_ok_and(|hour: u32| hour <= 25)
}

impl Shape {
    fn of(header: &Record, days: Vec<usize>, clock: usize, rows: &[Row]) -> Self {
        let mut shape = Self { clock, days, keys: Vec::new(), units: None, left_out: Vec::new() };
        for at in (0..header.fields.len()).filter(|at| *at != clock) {
            let cells = || rows.iter().map(|row| row.field(at)).filter(|cell| !cell.is_empty());
            let name = header.field(at);
            if shape.days.contains(&at) || cells().next().is_none() {
                // Nothing is lost with it.
            } else if words::is_unit_name(name) && cells().all(|cell| units::known(cell).is_some()) {
                shape.units = Some(at);
            } else if words::key_rank(name) > 0 || cells().all(|cell| number::read(cell, b'.', b';').is_none()) {
                shape.keys.push(at);
            } else {
                shape.left_out.push(at);
            }
        }
        shape
    }

    /// The rows of each series, in the order of their first ones.
    fn series<'r>(&self, rows: &'r [Row]) -> Vec<Vec<&'r Row>> {
        let mut series: Vec<(Vec<&str>, Vec<&Row>)> = Vec::new();
        for row in rows {
            let key: Vec<&str> = self.keys.iter().map(|at| row.field(*at)).collect();
            match series.iter_mut().find(|(known, _)| *known == key) {
                Some((_, rows)) => rows.push(row),
                None => series.push((key, vec![row])),
            }
        }
        series.into_iter().map(|(_, rows)| rows).collect()
    }

    /// The intervals that the rows of a series name.
    fn intervals(&self, source: Source<'_>, header: &Record, rows: &[&Row]) -> Result<Vec<Interval>, ReadError> {
        let interval = |(column, row): (usize, &&Row)| {
            label(row.field(self.clock)).map(|(from_ms, width_ms, _)| Interval { column, from_ms, width_ms })
        };
        let mut intervals: Vec<Interval> = rows.iter().enumerate().filter_map(interval).collect();
        let Some((_, again)) = put_back(&mut intervals) else { return Ok(intervals) };
        let row = rows.get(again.column);
        let words = format!(
            "'{}' in '{}' stands behind a later clock time or one that is the same: the rows of a day must run from its first clock time to its last, each once; call the columns that tell series apart Meter or Point, or export a row a time",
            row.map_or("", |row| row.field(self.clock)),
            header.field(self.clock)
        );
        Err(source.error("unread_time_form", row.map(|row| row.line), words))
    }

    fn write(
        &self,
        writer: &mut Writer<'_>,
        header: &Record,
        rows: &[&Row],
        intervals: &[Interval],
    ) -> Result<(), ReadError> {
        for at in &self.days {
            let day = day_of(header.field(*at)).unwrap_or_default();
            for (row, interval) in rows.iter().zip(intervals) {
                writer.made_of(row.line)?;
                writer.field(day);
                writer.next();
                writer.field(&interval.spelled());
                for column in self.keys.iter().copied().chain(self.units) {
                    writer.next();
                    writer.field(row.field(column));
                }
                if let Some(cell) = row.fields.get(*at) {
                    writer.next();
                    writer.field(cell);
                }
                writer.end();
            }
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
        let ends = |at: Option<&usize>| at.map_or("", |at| header.field(*at));
        let clock = header.field(self.clock);
        let evidence = format!(
            "line {} names {} days, '{}' to '{}', beside the clock times in '{clock}': a day a column",
            header.line,
            self.days.len(),
            ends(self.days.first()),
            ends(self.days.last()),
        );
        let mut roles: Vec<Role> = (0..self.keys.len()).map(Role::Key).collect();
        roles.extend(self.units.map(|_| Role::Unit));
        roles.push(Role::Value(0));
        let keyless = self.keys.is_empty() && self.units.is_none();
        let (mut layout, text) = writer.finish(Told {
            evidence,
            delimiter,
            header_line: header.line,
            times_from: clock,
            times: TimeColumn::of(false, [clock]),
            keys: self.keys.iter().map(|at| header.field(*at).to_owned()).collect(),
            roles,
            point: keyless.then(|| (wide::stem(source.name), None)),
        });
        for at in &self.left_out {
            let name = header.field(*at);
            let words = format!("column '{name}' is not kept: the report is read as days, series and clock times");
            layout.warnings.push(warning(source, "ignored_column", Some(header.line), Some(name), 1, words));
        }
        (layout, text)
    }
}

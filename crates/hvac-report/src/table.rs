//! The header and the time columns of a table that says nothing of itself, told by its content.
//!
//! A row of data is a row with a time in a column where most rows have one; the header is the nearest row
//! above the first of them that is names and not numbers. What stands above the header is a preamble.

use super::dialect::is_time;
use super::layout::{Layout, Record, records, warning};
use super::{Chosen, Format, ReadError, Source};
use crate::fields::Dialect;
use crate::time;
use hvac_frame::column::Warning;
use hvac_points::units;

/// Rows of the head that are looked at, and bytes they may take.
const SAMPLE: usize = 200;
const SAMPLE_BYTES: usize = 4 * 1024 * 1024;
/// A time column stands among the first of a row.
const LEFT: usize = 64;

/// A header, its columns of time, and the rows below that were looked at.
#[derive(Debug)]
pub struct Table {
    /// Rows above the header.
    pub preamble: Vec<Record>,
    /// The names.
    pub header: Record,
    /// The line of units below the header, where there is one.
    pub units: Option<Record>,
    /// First rows of data.
    pub rows: Vec<Record>,
    /// Column of the date, or of date and time.
    pub stamp: usize,
    /// Column of the clock time, where it stands apart.
    pub clock: Option<usize>,
    /// Times are seconds or ms since 1970.
    pub epoch: bool,
    /// Further columns of time, which are no points.
    pub extra_times: Vec<usize>,
}

/// Finds header and time columns.
pub fn find(source: Source<'_>, text: &str, dialect: Dialect) -> Result<Table, ReadError> {
    let window = 0..text.len().min(SAMPLE_BYTES);
    let head = records(text, dialect, window, 0, SAMPLE).map_err(|flaw| source.flaw(flaw))?;
    let Some((first_data, column, epoch)) = first_data(&head) else { return Err(no_times(source, &head)) };
    let names = |record: &Record| {
        let filled = record.fields.iter().filter(|field| !field.is_empty()).count();
        let numbers = record.fields.iter().filter(|field| looks_measured(field)).count();
        let named = names_time(record.field(column)) && !is_time(record.field(column));
        record.fields.len() > 1 && (named || filled > 0 && numbers * 2 < filled && !record.field(column).is_empty())
    };
    let (before, data) = head.split_at_checked(first_data).unwrap_or((&head, &[]));
    let mut above = before.iter().rposition(&names);
    if let Some(unit_line) = above.filter(|at| *at > 0 && is_units_line(before.get(*at), column))
        && before.get(unit_line - 1).is_some_and(names)
    {
        above = Some(unit_line - 1);
    }
    let Some(at) = above else {
        let line = head.first().map_or(1, |record| record.line);
        let words = "there is no header: this line is already data. Put a line above it that names the columns, such as Time,CHWS_TEMP,CHWR_TEMP";
        return Err(source.error("no_header", Some(line), words));
    };
    let units = (before.iter().rposition(&names) != above
        || before.get(at + 1).is_some_and(|r| is_units_line(Some(r), column)))
    .then(|| before.get(at + 1).cloned())
    .flatten();
    let header = before.get(at).cloned().ok_or_else(|| source.error("no_header", Some(1), "there is no header"))?;
    let rows = data.to_vec();
    let preamble = before.get(..at).unwrap_or_default().to_vec();
    let mut table = Table { preamble, header, units, rows, stamp: column, clock: None, epoch, extra_times: Vec::new() };
    table.settle_times(source)?;
    Ok(table)
}

/// Index of the first row of data, a column in which it has a time, and whether that is an epoch.
fn first_data(head: &[Record]) -> Option<(usize, usize, bool)> {
    let by = |is: &dyn Fn(&str) -> bool| {
        let width = head.iter().map(|r| r.fields.len()).max().unwrap_or(0).min(LEFT);
        let hits = |column: usize| head.iter().filter(|r| r.fields.len() > 1 && is(r.field(column))).count();
        let (_, column) = (0..width).map(|c| (hits(c), std::cmp::Reverse(c))).max()?;
        let column = column.0;
        let hit = |at: usize| head.get(at).is_some_and(|r| r.fields.len() > 1 && is(r.field(column)));
        // Two rows with a time in a row are data; a single one above them may be the date of a preamble.
        let first = (0..head.len()).find(|at| hit(*at) && hit(at + 1)).or_else(|| (0..head.len()).find(|at| hit(*at)));
        first.map(|at| (at, column))
    };
    let text = by(&is_time).map(|(at, column)| (at, column, false));
    text.or_else(|| by(&|field| time::epoch(field).is_some()).map(|(at, column)| (at, column, true)))
}

fn no_times(source: Source<'_>, head: &[Record]) -> ReadError {
    match head {
        [] => source.error("empty_file", None, "the file holds only blank lines: export the report again"),
        [header] if !header.fields.iter().any(|field| looks_measured(field)) => source.error(
            "no_rows",
            Some(header.line),
            "the file has a header and no rows below it: export the report again",
        ),
        [first, second, ..] => {
            let words = format!(
                "no column holds dates or times this program reads (line {} has '{}', '{}'): a report has a column of times such as 2024-01-31 13:45",
                second.line,
                second.field(0),
                second.field(1)
            );
            source.error("no_readable_time", Some(first.line), words)
        }
        [only] => source.error(
            "no_header",
            Some(only.line),
            "there is no header and no time column: a report has a line of names and rows of a time and values",
        ),
    }
}

fn looks_measured(field: &str) -> bool {
    let digits = field.bytes().filter(u8::is_ascii_digit).count();
    digits > 0 && (field.parse::<f64>().is_ok() || is_time(field) || super::number::read(field, b'.', b';').is_some())
}

/// A line such as `,°C,kW,%`: units and nothing else besides the time column.
fn is_units_line(record: Option<&Record>, time_column: usize) -> bool {
    let Some(record) = record else { return false };
    let mut others =
        record.fields.iter().enumerate().filter(|(at, field)| *at != time_column && !field.is_empty()).peekable();
    others.peek().is_some() && others.all(|(_, field)| units::known(field.trim_matches(['[', ']', '(', ')'])).is_some())
}

/// Whether a name is one that columns of time have.
pub fn names_time(name: &str) -> bool {
    let name = name.to_lowercase();
    let words = ["time", "date", "stamp", "zeit", "datum", "epoch", "heure", "fecha", "hora"];
    matches!(name.as_str(), "ts" | "dt")
        || words.iter().any(|word| name.contains(word))
        || name.contains('時')
        || name.contains('日')
}

/// What the rows hold in one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Times {
    Full,
    Date,
    Clock,
}

impl Table {
    fn width(&self) -> usize {
        self.rows.iter().map(|row| row.fields.len()).max().unwrap_or(0).max(self.header.fields.len())
    }

    /// Cells of a column that are not empty, in the rows that were looked at.
    pub fn cells(&self, column: usize) -> impl Iterator<Item = &str> {
        self.rows.iter().map(move |row| row.field(column)).filter(|cell| !cell.is_empty())
    }

    fn times_in(&self, column: usize) -> Option<Times> {
        let (mut filled, mut stamps, mut full, mut clocks) = (0, 0, 0, 0);
        for cell in self.cells(column) {
            filled += 1;
            let orders = [super::DateOrder::Mdy, super::DateOrder::Dmy, super::DateOrder::Ymd];
            if let Some(stamp) = orders.iter().find_map(|order| time::stamp(cell, *order)) {
                stamps += 1;
                full += usize::from(stamp.has_clock);
            } else if time::clock_only(cell).is_some() {
                clocks += 1;
            }
        }
        if stamps * 2 > filled {
            Some(if full > 0 { Times::Full } else { Times::Date })
        } else {
            (clocks > 0 && clocks * 2 > filled).then_some(Times::Clock)
        }
    }

    fn settle_times(&mut self, source: Source<'_>) -> Result<(), ReadError> {
        let named = |at: &usize| names_time(self.header.field(*at));
        let mut others = Vec::new();
        if self.epoch {
            let epochs: Vec<usize> = (0..self.width().min(LEFT))
                .filter(|at| {
                    self.cells(*at).next().is_some() && self.cells(*at).all(|cell| time::epoch(cell).is_some())
                })
                .collect();
            self.stamp = epochs.iter().copied().find(named).or(epochs.first().copied()).unwrap_or(self.stamp);
            others = epochs.into_iter().filter(|at| *at != self.stamp && named(at)).collect();
        } else {
            let found: Vec<(usize, Times)> =
                (0..self.width().min(LEFT)).filter_map(|at| Some((at, self.times_in(at)?))).collect();
            let of = |kind: Times| found.iter().filter(move |(_, k)| *k == kind).map(|(at, _)| *at);
            let best = |kind: Times| of(kind).find(named).or_else(|| of(kind).next());
            let date = best(Times::Date);
            self.stamp = best(Times::Full).or(date).unwrap_or(self.stamp);
            if best(Times::Full).is_none() {
                // A clock beside the date: the first one after it, or the first of all.
                self.clock = of(Times::Clock).find(|at| *at > self.stamp).or_else(|| of(Times::Clock).next());
            }
            for (at, _) in &found {
                if *at != self.stamp && Some(*at) != self.clock && named(at) {
                    others.push(*at);
                }
            }
        }
        self.extra_times = others;
        if self.cells(self.stamp).next().is_none() {
            return Err(source.error("no_rows", Some(self.header.line), "there are no rows below the header"));
        }
        Ok(())
    }

    /// A sentence on the time columns that were left out.
    pub fn extra_time_warnings(&self, source: Source<'_>) -> Vec<Warning> {
        let chosen = self.header.field(self.stamp);
        let say = |at: &usize| {
            let name = self.header.field(*at);
            let words = format!("times are read from '{chosen}'; '{name}' holds times too and is not kept as a point");
            warning(source, "extra_time_column", Some(self.header.line), Some(name), 1, words)
        };
        self.extra_times.iter().map(say).collect()
    }

    /// A layout with this header and times, and no columns yet.
    pub fn layout(&self, format: Format, evidence: String, dialect: Dialect, delimiter: Chosen<char>) -> Layout {
        let below = self.units.as_ref().unwrap_or(&self.header);
        Layout {
            format: Chosen { value: format, evidence },
            delimiter,
            dialect,
            header_line: self.header.line,
            body: below.end,
            body_lines: below.end_lines,
            roles: Vec::new(),
            times_from: self.header.field(self.stamp).to_owned(),
            epoch: self.epoch,
            points: Vec::new(),
            date_range: None,
            time_interval_s: None,
            warnings: Vec::new(),
        }
    }
}

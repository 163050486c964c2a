//! Where the table of a report begins, and which of its columns hold times, told by its content.
//!
//! A row of data is a row with a time in the column where most rows have one. Rows of data below one header are a block;
//! the table is the block with most cells, so that dates of a preamble are no table. What stands above its header is the
//! preamble.

use std::ops::Range;

use super::fields::Dialect;
use super::header::{Header, looks_measured, may_be_names};
use super::layout::{Layout, RawLines, Record, Role, TimeColumn, records, warning};
use super::time_columns::{TimeColumns, TimeKind, plausible};
use super::{Chosen, Format, ReadError, ReadOptions, Source, status, zones};
use hvac_frame::column::Warning;

/// Rows of the head that are looked at, and bytes they may take.
const SAMPLE: usize = 200;
const SAMPLE_BYTES: usize = 4 * 1024 * 1024;
/// Places further down that are looked at, and rows of each.
const PLACES: usize = 4;
const PLACE_ROWS: usize = 40;
/// A time column stands among the first of a row.
pub(crate) const LEFT: usize = 64;
/// Dates that a preamble may have.
const PREAMBLE_DATES: usize = 4;
/// Rows between a header and the one that may follow it in the head for it to be a table of its own.
const OWN_TABLE: usize = 3;

/// A header, its columns of time, and the rows below that were looked at.
#[derive(Debug)]
pub(crate) struct Table {
    /// Rows above the header.
    pub preamble: Vec<Record>,
    /// The names.
    pub header: Header,
    /// First rows of data.
    pub rows: Vec<Record>,
    /// Rows further down, a few of each place, ending with the last ones.
    pub further: Vec<Vec<Record>>,
    /// Which columns are times.
    pub times: TimeColumns,
}

/// Rows of data below one header.
#[derive(Debug)]
struct Block {
    /// Rows between the data before and its own.
    above: Range<usize>,
    data: Range<usize>,
    cells: usize,
}

/// Finds the header and the first column of times.
pub(crate) fn find(
    source: Source<'_>,
    text: &str,
    dialect: Dialect,
    options: &ReadOptions,
) -> Result<Table, ReadError> {
    let (from, lines) = below_lines(text, dialect, options.skip_rows.unwrap_or(0));
    let window = from..text.len().min(from.saturating_add(SAMPLE_BYTES));
    let head = records(text, dialect, window, lines, SAMPLE).map_err(|flaw| source.flaw(flaw))?;
    let Some((column, kind)) = time_column(&head) else { return Err(no_times(source, &head)) };
    let is_data = |record: &Record| record.fields.len() > 1 && kind.holds(record.field(column));
    let blocks = match options.header_row {
        Some(line) => vec![stated(source, &head, line, &is_data)?],
        None => blocks(&head, column, &is_data),
    };
    let most = blocks.iter().enumerate().max_by_key(|(at, block)| (block.cells, std::cmp::Reverse(*at)));
    let Some((chosen, block)) = most else { return Err(no_times(source, &head)) };
    refuse_other_tables(source, &head, &blocks, chosen)?;
    let above = head.get(block.above.clone()).unwrap_or_default();
    let header = match options.header_row {
        Some(_) => Header::stated(above),
        None => Header::of(above, column),
    };
    let Some(header) = header else {
        let line = head.get(block.data.start).map_or(1, |record| record.line);
        let words = "there is no header: this line is already data. Put a line above it that names the columns, such as Time,CHWS_TEMP,CHWR_TEMP";
        return Err(source.error("no_header", Some(line), words));
    };
    let preamble = head.get(..block.above.start + header.first).unwrap_or_default().to_vec();
    let rows: Vec<Record> =
        head.get(block.data.clone()).unwrap_or_default().iter().filter(|r| is_data(r)).cloned().collect();
    let further = further(text, dialect, rows.last().map_or(header.end, |row| row.end));
    Ok(Table { preamble, header, rows, further, times: TimeColumns { stamp: column, kind, ..TimeColumns::default() } })
}

/// Where the line after the first `count` begins, and line ends before it.
fn below_lines(text: &str, dialect: Dialect, count: u64) -> (usize, u64) {
    let mut ends = memchr::memchr_iter(dialect.eol, text.as_bytes());
    match count.checked_sub(1).map(|last| usize::try_from(last).unwrap_or(usize::MAX)) {
        None => (0, 0),
        Some(last) => ends.nth(last).map_or((text.len(), count), |at| (at + 1, count)),
    }
}

/// The column in which most rows have a time, and the kind of it.
fn time_column(head: &[Record]) -> Option<(usize, TimeKind)> {
    let width = head.iter().map(|r| r.fields.len()).max().unwrap_or(0).min(LEFT);
    let by = |kind: TimeKind| {
        let hits = |column: usize| head.iter().filter(|r| r.fields.len() > 1 && kind.holds(r.field(column))).count();
        let (most, column) = (0..width).map(|c| (hits(c), std::cmp::Reverse(c))).max()?;
        (most > 0).then_some((column.0, kind, most))
    };
    let written = by(TimeKind::Written);
    // A date or two above times of another kind are a preamble's.
    let few = written.is_none_or(|(_, _, most)| most <= PREAMBLE_DATES && most * 2 < head.len());
    let others = [TimeKind::Epoch, TimeKind::Serial, TimeKind::Yearless].into_iter().filter(|_| few).filter_map(by);
    let more = |found: &(usize, TimeKind, usize)| {
        written.is_none_or(|(_, _, most)| found.2 > most) && plausible(head, found.0, found.1)
    };
    others.into_iter().find(more).or(written).map(|(column, kind, _)| (column, kind))
}

/// Rows of data with the same header above them. Within a block may stand its header again, and rows that are neither.
fn blocks(head: &[Record], column: usize, is_data: &dyn Fn(&Record) -> bool) -> Vec<Block> {
    let filled = |record: &Record| record.fields.iter().filter(|field| !field.is_empty()).count();
    let mut blocks: Vec<Block> = Vec::new();
    let (mut header, mut reached): (Option<&Record>, usize) = (None, 0);
    for (at, record) in head.iter().enumerate().filter(|(_, record)| is_data(record)) {
        let between = head.get(reached..at).unwrap_or_default();
        let names = between.iter().rev().find(|row| may_be_names(row, column));
        // A remark between rows of data is no header.
        let weighty = |row: &&Record| filled(row) > 1 && filled(row) * 2 >= filled(record);
        let another = names.filter(weighty).is_some_and(|row| header.is_none_or(|known| known.fields != row.fields));
        match blocks.last_mut() {
            Some(block) if !another => {
                block.data.end = at + 1;
                block.cells += filled(record);
            }
            _ => {
                header = names;
                blocks.push(Block { above: reached..at, data: at..at + 1, cells: filled(record) });
            }
        }
        reached = at + 1;
    }
    blocks
}

/// The header that was asked for, and the rows below it.
fn stated(
    source: Source<'_>,
    head: &[Record],
    line: u64,
    is_data: &dyn Fn(&Record) -> bool,
) -> Result<Block, ReadError> {
    let Some(at) = head.iter().position(|record| record.line == line) else {
        let words = format!(
            "line {line} was named as the header, and it is blank or not among the first rows: header_row counts lines from 1"
        );
        return Err(source.error("no_header", Some(line), words));
    };
    let first = head.iter().enumerate().skip(at + 1).find(|(_, record)| is_data(record)).map(|(at, _)| at);
    let Some(first) = first else {
        return Err(source.error(
            "no_rows",
            Some(line),
            "there are no rows with a time below the header that was named",
        ));
    };
    Ok(Block { above: at..first, data: first..head.len(), cells: 1 })
}

/// Rows of data above the table that are too many for a preamble: they would be lost.
fn refuse_other_tables(source: Source<'_>, head: &[Record], blocks: &[Block], chosen: usize) -> Result<(), ReadError> {
    let rows = |block: &Block| block.data.len();
    let another = blocks.iter().enumerate().find(|(at, block)| *at != chosen && rows(block) >= OWN_TABLE);
    let Some((at, other)) = another else { return Ok(()) };
    let first = if at < chosen { blocks.get(chosen) } else { Some(other) };
    let line = first.and_then(|block| head.get(block.data.start)).map(|record| record.line);
    let words = "two tables with different headers stand in this file, and the second begins about here: split the file, or name the header with header_row and leave out what stands before with skip_rows";
    Err(source.error("second_table", line, words))
}

/// Rows of a few places below `from`, the last of them at the end.
fn further(text: &str, dialect: Dialect, from: usize) -> Vec<Vec<Record>> {
    let length = text.len().saturating_sub(from);
    let mut places = Vec::new();
    let mut reached = from;
    for place in 1..=PLACES {
        // The last place begins some rows before the end.
        let wanted =
            if place == PLACES { text.len().saturating_sub(PLACE_ROWS * 64) } else { from + length / PLACES * place };
        let at = wanted.max(reached);
        let Some(skipped) = text.as_bytes().get(at..).and_then(|rest| memchr::memchr(dialect.eol, rest)) else {
            continue;
        };
        let begin = if at == from { from } else { at + skipped + 1 };
        let end = text.len().min(begin.saturating_add(SAMPLE_BYTES / PLACES));
        let Ok(rows) = records(text, dialect, begin..end, 0, PLACE_ROWS) else { continue };
        reached = rows.last().map_or(reached, |row| row.end);
        if !rows.is_empty() {
            places.push(rows);
        }
    }
    places
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
            let shown = head.iter().find(|row| row.fields.iter().any(|field| looks_measured(field))).unwrap_or(second);
            let words = format!(
                "no column holds dates or times this program reads (line {} has '{}', '{}'): a report has a column of times such as 2024-01-31 13:45",
                shown.line,
                shown.field(0),
                shown.field(1)
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

impl Table {
    /// Columns of the header and the rows that were looked at.
    pub(crate) fn width(&self) -> usize {
        self.rows.iter().map(|row| row.fields.len()).max().unwrap_or(0).max(self.header.names.len())
    }

    /// All rows that were looked at.
    pub(crate) fn sample(&self) -> impl Iterator<Item = &Record> {
        self.rows.iter().chain(self.further.iter().flatten())
    }

    /// Cells of a column that are not empty, in the first rows.
    pub(crate) fn cells(&self, column: usize) -> impl Iterator<Item = &str> {
        self.rows.iter().map(move |row| row.field(column)).filter(|cell| !cell.is_empty())
    }

    /// Columns that hold no times.
    pub(crate) fn others(&self) -> impl Iterator<Item = usize> {
        (0..self.width()).filter(|at| !self.times.holds(*at))
    }

    /// Whether the columns of statuses hold qualities of OPC.
    pub(crate) fn has_opc(&self, roles: &[Role]) -> bool {
        let mut columns = roles.iter().enumerate().filter(|(_, role)| matches!(role, Role::Status | Role::StatusOf(_)));
        columns.any(|(at, _)| status::is_opc(self.sample().map(|row| row.field(at))))
    }

    /// The role of a column of times.
    pub(crate) fn time_role(&self, at: usize) -> Role {
        if at == self.times.stamp {
            Role::Stamp
        } else if Some(at) == self.times.clock {
            Role::Clock
        } else if Some(at) == self.times.offset {
            Role::Offset
        } else {
            Role::Ignore
        }
    }

    /// A sentence on the time columns that were left out.
    pub(crate) fn extra_time_warnings(&self, source: Source<'_>) -> Vec<Warning> {
        let chosen = self.header.name(self.times.stamp);
        let say = |at: &usize| {
            let name = self.header.name(*at);
            let words = format!("times are read from '{chosen}'; '{name}' holds times too and is not kept as a point");
            warning(source, "extra_time_column", Some(self.header.line), Some(name), 1, words)
        };
        self.times.extra.iter().map(say).collect()
    }

    /// What the times are read from, in words.
    pub(crate) fn time_words(&self) -> String {
        let (line, stamp) = (self.header.line, self.header.name(self.times.stamp));
        match (self.times.clock, self.times.until) {
            (Some(clock), _) => {
                format!("columns '{stamp}' and '{}' of line {line} hold dates and times", self.header.name(clock))
            }
            (None, Some(until)) => {
                format!(
                    "columns '{stamp}' and '{}' of line {line} hold intervals, labelled by their beginnings",
                    self.header.name(until)
                )
            }
            (None, None) => format!("column '{stamp}' of line {line} holds times"),
        }
    }

    /// What header and preamble say of the times.
    fn time_column(&self) -> TimeColumn {
        let names = [Some(self.times.stamp), self.times.clock].into_iter().flatten().map(|at| self.header.name(at));
        let by_header = TimeColumn::of(self.times.kind == TimeKind::Serial, names);
        let of_row = |row: &Record| zones::zone_of_preamble(&row.fields);
        TimeColumn { zone: by_header.zone.or_else(|| self.preamble.iter().find_map(of_row)), ..by_header }
    }

    /// A layout with this header and times, and no columns yet.
    pub(crate) fn layout(&self, format: Format, evidence: String, dialect: Dialect, delimiter: Chosen<char>) -> Layout {
        let evidence = match self.header.rows {
            1 => evidence,
            n => format!("{evidence}; names are made of {n} header rows"),
        };
        Layout {
            format: Chosen { value: format, evidence },
            delimiter,
            dialect,
            decimal: None,
            header_line: self.header.line,
            body: self.header.end,
            body_lines: self.header.end_lines,
            roles: Vec::new(),
            opc: false,
            yes_no: Vec::new(),
            times_from: self.header.name(self.times.stamp).to_owned(),
            epoch: self.times.kind == TimeKind::Epoch,
            times: self.time_column(),
            points: Vec::new(),
            keys: Vec::new(),
            values: Vec::new(),
            date_range: None,
            of_intervals: self.times.until.is_some(),
            totals: Vec::new(),
            lines: RawLines::default(),
            time_interval_s: None,
            warnings: Vec::new(),
        }
    }
}

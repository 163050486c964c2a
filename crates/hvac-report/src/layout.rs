//! Where everything stands in one report: what detection settles and the reading engines go by.

use std::ops::Range;

use super::fields::{Cursor, Dialect, Flaw};
use super::zones::{self, StatedZone};
use super::{Chosen, Format, PointPlan, ReadError, Source};
use hvac_frame::column::Warning;
use hvac_points::units;

/// Points of the widest report that is read.
pub(crate) const MAX_POINTS: usize = 20_000;

/// What a field of a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Date, or date and time.
    Stamp,
    /// Clock time beside a date.
    Clock,
    /// Zone of the time, in a column of its own: `+08:00`, `EST`, `America/New_York`.
    Offset,
    /// A cell of the point with this index.
    Point(usize),
    /// Long: the text that tells series apart with this index.
    Key(usize),
    /// Long: the value with this index.
    Value(usize),
    /// The system's verdict on the values of the row.
    Status,
    /// The system's verdict on the value of the point (long: the value) with this index.
    StatusOf(usize),
    /// Long: the value's unit.
    Unit,
    /// Known, and no point.
    Ignore,
    /// Nameless and empty: a cell in it is an extra cell.
    Extra,
}

/// What the head of a report says of its times.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TimeColumn {
    /// The zone that the header of the times names, which counts where a row names none.
    pub zone: Option<StatedZone>,
    /// Times are days as a spreadsheet counts them, with fractions.
    pub serial: bool,
}

impl TimeColumn {
    /// Of times whose columns have these names, and whether they are days of a spreadsheet.
    pub(crate) fn of<'t>(serial: bool, names: impl IntoIterator<Item = &'t str>) -> Self {
        Self { zone: names.into_iter().find_map(zones::zone_of_header), serial }
    }
}

/// The settled shape of one report.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// Shape.
    pub format: Chosen<Format>,
    /// Field delimiter.
    pub delimiter: Chosen<char>,
    /// How rows and fields are told apart.
    pub dialect: Dialect,
    /// Decimal mark, where it was told by the table.
    pub decimal: Option<Chosen<char>>,
    /// Line of the header, counted from 1.
    pub header_line: u64,
    /// Where the first row below the header begins.
    pub body: usize,
    /// Line ends before it.
    pub body_lines: u64,
    /// One entry a field of a row.
    pub roles: Vec<Role>,
    /// Its columns of statuses hold qualities of OPC, where 0 is bad.
    pub opc: bool,
    /// Its columns of statuses that hold yes and no, and whether yes is good.
    pub yes_no: Vec<(usize, bool)>,
    /// The column of its times, by its name.
    pub times_from: String,
    /// Times are seconds or milliseconds since 1970.
    pub epoch: bool,
    /// What else the head says of the times.
    pub times: TimeColumn,
    /// The points that the header names; none yet for a long report.
    pub points: Vec<PointPlan>,
    /// Long: the columns whose texts tell series apart, by their names.
    pub keys: Vec<String>,
    /// Long: the columns of values, by their names, with the units that these tell.
    pub values: Vec<(String, Option<Chosen<String>>)>,
    /// `Date Range:` of the report's head.
    pub date_range: Option<(String, String)>,
    /// `Time Interval:` of the report's head, s.
    pub time_interval_s: Option<u32>,
    /// Rows are intervals, with a column for either end.
    pub of_intervals: bool,
    /// Where rows begin that sum up the others.
    pub totals: Vec<usize>,
    /// The report's lines.
    pub lines: RawLines,
    /// What detection has to say.
    pub warnings: Vec<Warning>,
}

/// The line of the report that each line of a text was made of, where it was written anew; else they are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct RawLines(Vec<(u64, u64)>);

impl RawLines {
    /// From this line of the text on, lines are made of that one of the report.
    pub(crate) fn add(&mut self, line: u64, raw: u64) {
        self.0.push((line, raw));
    }

    /// Lines are the report's own.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The report's line.
    pub(crate) fn of(&self, line: u64) -> u64 {
        let after = self.0.partition_point(|(first, _)| *first <= line);
        after.checked_sub(1).and_then(|at| self.0.get(at)).map_or(line, |(_, raw)| *raw)
    }

    /// A refusal, with the report's line.
    pub(crate) fn error(&self, error: ReadError) -> ReadError {
        ReadError { line: error.line.map(|line| self.of(line)), ..error }
    }

    /// Warnings, with the report's lines.
    pub(crate) fn warnings(&self, warnings: &mut [Warning]) {
        for warning in warnings {
            warning.line = warning.line.map(|line| self.of(line));
        }
    }
}

/// One row of the head.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// Its line, counted from 1.
    pub line: u64,
    /// Where it begins.
    pub start: usize,
    /// Its fields, trimmed.
    pub fields: Vec<String>,
    /// Where it ends, and line ends up to there.
    pub end: usize,
    /// Line ends up to `end`.
    pub end_lines: u64,
}

impl Record {
    /// A field's text; empty when the row is shorter.
    pub(crate) fn field(&self, at: usize) -> &str {
        self.fields.get(at).map_or("", String::as_str)
    }
}

/// The rows of `range` that are not blank, at most `max` of them.
pub(crate) fn records(
    text: &str,
    dialect: Dialect,
    range: Range<usize>,
    lines: u64,
    max: usize,
) -> Result<Vec<Record>, Flaw> {
    let mut cursor = Cursor::new(text, dialect, range.start, lines);
    let mut records = Vec::new();
    while !cursor.at_end() && cursor.pos() < range.end && records.len() < max {
        if cursor.blank_line() {
            continue;
        }
        let (line, start) = (cursor.lines() + 1, cursor.pos());
        let fields = cursor.row(MAX_POINTS + 64)?;
        if fields.iter().any(|field| !field.is_empty()) {
            records.push(Record { line, start, fields, end: cursor.pos(), end_lines: cursor.lines() });
        }
    }
    Ok(records)
}

/// Points and roles of named columns, gathered one by one.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    /// One entry a field.
    pub roles: Vec<Role>,
    /// The points so far.
    pub points: Vec<PointPlan>,
}

impl Columns {
    /// A column that is no point.
    pub(crate) fn other(&mut self, role: Role) {
        self.roles.push(role);
    }

    /// A column of a point, its unit told by its name if it tells one.
    pub(crate) fn point(&mut self, name: &str, header_line: u64) -> &mut PointPlan {
        self.roles.push(Role::Point(self.points.len()));
        self.points.push(point(name, header_line));
        let last = self.points.len() - 1;
        #[expect(clippy::indexing_slicing, reason = "just pushed")]
        &mut self.points[last]
    }

    /// Numbers the points that share a name; refuses more points than the limit.
    pub(crate) fn settle(&mut self, source: Source<'_>, header_line: u64) -> Result<(), ReadError> {
        if self.points.len() > MAX_POINTS {
            let words =
                format!("{} points, and at most {MAX_POINTS} are read from one report: split it", self.points.len());
            return Err(source.error("too_many_points", Some(header_line), words));
        }
        let mut seen = std::collections::HashMap::new();
        for point in &mut self.points {
            let next = seen.entry(point.original_name.clone()).or_insert(0u32);
            point.occurrence = *next;
            *next += 1;
        }
        Ok(())
    }
}

/// A point that is known by its name alone.
pub(crate) fn point(name: &str, header_line: u64) -> PointPlan {
    let unit = units::of_name(name).map(|unit| Chosen {
        value: unit.to_owned(),
        evidence: format!("line {header_line}: the column's name ends with it"),
    });
    PointPlan {
        original_name: name.to_owned(),
        occurrence: 0,
        unit,
        trend_definition: None,
        native_interval_s: None,
        dimensions: Vec::new(),
        value_named: false,
        numbers: 0,
        tokens: Vec::new(),
        of_intervals: false,
        marked: Vec::new(),
    }
}

/// A warning about one file.
pub(crate) fn warning(
    source: Source<'_>,
    code: &str,
    line: Option<u64>,
    column: Option<&str>,
    count: u64,
    message: impl Into<String>,
) -> Warning {
    Warning {
        code: code.into(),
        file: source.name.into(),
        line,
        column: column.map(Into::into),
        count,
        message: message.into(),
    }
}

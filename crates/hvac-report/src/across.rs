//! A day a row, an interval a column: `Date,00:00,00:15,…,23:45`, with columns of meters, units and statuses beside.
//!
//! Told by a header of clock times (or of ranges of them) and, below, a column of dates without clock times. Each cell
//! becomes a row of its own, its time that which its column names: a range its beginning, 24:00 the next day's 00:00. Hours
//! that are only numbered say neither whether 1 begins or ends at 01:00, and are refused, as is a header in which a clock time
//! stands twice.

pub(crate) mod days;
mod header;
pub(crate) mod times;

use std::collections::{BTreeMap, BTreeSet};

use self::header::{Interval, label, named_intervals};

use super::fields::{Cursor, Dialect};
use super::layout::{Layout, Record, Role, TimeColumn, records, warning};
use super::rewritten::{Told, Writer};
use super::time::{self, DAY_MS};
use super::{Chosen, DateOrder, Format, ReadError, ReadOptions, Source, calendar, number, status, wide, words};
use hvac_points::units;

/// Rows of the head in which the header is looked for, and bytes they may take.
const HEAD: usize = 60;
const HEAD_BYTES: usize = 1 << 20;
/// Rows by which the columns beside the intervals are told.
const SAMPLE: usize = 4_000;
/// Most fields of a row.
const MAX_FIELDS: usize = 4_096;

/// The columns of the report.
struct Shape {
    header: Record,
    date: usize,
    intervals: Vec<Interval>,
    /// Unit that the names of the intervals end with.
    unit: Option<&'static str>,
    keys: Vec<usize>,
    units: Option<usize>,
    status: Option<usize>,
    left_out: Vec<usize>,
}

/// The report as a long table, if it is one of days.
///
/// # Errors
/// `unread_time_form` when its header says too little of its intervals, `no_points` when nothing tells its rows apart.
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
    let Some(shape) = shape(source, text, head, dialect, options)? else { return Ok(None) };
    let header = &shape.header;
    let body = header.end;
    let mut writer = Writer::new(source, dialect, text.get(..body).unwrap_or_default(), header.end_lines);
    let clocks: Vec<String> = shape.intervals.iter().map(Interval::spelled).collect();
    let mut cursor = Cursor::new(text, dialect, body, header.end_lines);
    while !cursor.at_end() {
        let (start, line) = (cursor.pos(), cursor.lines() + 1);
        let fields = cursor.row(MAX_FIELDS).map_err(|flaw| source.flaw(flaw))?;
        writer.made_of(line)?;
        match fields.get(shape.date).and_then(|cell| day_of(cell)) {
            Some(day) => shape.write_day(&mut writer, day, &fields, &clocks),
            // A total, a footer, the header again: the reader of rows says what becomes of it.
            None => writer.as_it_stands(text.get(start..cursor.pos()).unwrap_or_default()),
        }
    }
    Ok(Some(shape.finish(source, writer, delimiter.clone())))
}

impl Shape {
    fn write_day(&self, writer: &mut Writer<'_>, day: &str, fields: &[String], clocks: &[String]) {
        let field = |at: usize| fields.get(at).map_or("", String::as_str);
        let beyond = fields.get(self.header.fields.len()..).unwrap_or_default();
        // Which cell is that of which column cannot be told in such a row.
        let beyond = beyond.iter().find(|cell| !cell.is_empty());
        for (interval, clock) in self.intervals.iter().zip(clocks) {
            writer.field(day);
            writer.next();
            writer.field(clock);
            for column in self.keys.iter().copied().chain(self.units).chain(self.status) {
                writer.next();
                writer.field(field(column));
            }
            if let Some(cell) = fields.get(interval.column).filter(|_| beyond.is_none() || self.keys.is_empty()) {
                writer.next();
                writer.field(cell);
            }
            if let Some(extra) = beyond.filter(|_| self.keys.is_empty()) {
                writer.next();
                writer.field(extra);
            }
            writer.end();
        }
    }

    fn finish(&self, source: Source<'_>, writer: Writer<'_>, delimiter: Chosen<char>) -> (Layout, String) {
        let header = &self.header;
        let date = header.field(self.date);
        let ends = |at: Option<&Interval>| at.map_or("", |interval| header.field(interval.column));
        let evidence = format!(
            "line {} names {} intervals, '{}' to '{}', beside the dates in '{date}': a day a row; a row's times are those that its columns name",
            header.line,
            self.intervals.len(),
            ends(self.intervals.first()),
            ends(self.intervals.last()),
        );
        let mut roles: Vec<Role> = (0..self.keys.len()).map(Role::Key).collect();
        roles.extend(self.units.map(|_| Role::Unit));
        roles.extend(self.status.map(|_| Role::Status));
        roles.push(Role::Value(0));
        let unit = self.unit.map(|unit| Chosen {
            value: unit.to_owned(),
            evidence: format!("line {}: the names of the intervals end with it", header.line),
        });
        // With units in a column the series tells its own.
        let keyless = self.keys.is_empty() && self.units.is_none();
        let name = wide::stem(source.name);
        let keys = self.keys.iter().map(|at| header.field(*at).to_owned()).collect();
        let (mut layout, text) = writer.finish(Told {
            evidence,
            delimiter,
            header_line: header.line,
            times_from: date,
            times: TimeColumn::of(false, [date]),
            keys,
            roles,
            point: keyless.then(|| (name, unit.clone())),
        });
        if let Some(value) = layout.values.first_mut() {
            value.1 = unit;
        }
        for at in &self.left_out {
            let name = header.field(*at);
            let shown = if name.is_empty() { format!("{}", at + 1) } else { format!("'{name}'") };
            let words = format!("column {shown} is not kept: the report is read as days, series and intervals");
            layout.warnings.push(warning(source, "ignored_column", Some(header.line), Some(name), 1, words));
        }
        (layout, text)
    }
}

/// The rows in which a header of days or of clock times is looked for; none where they cannot be told apart.
pub(crate) fn head(text: &str, dialect: Dialect) -> Vec<Record> {
    records(text, dialect, 0..text.len().min(HEAD_BYTES), 0, HEAD).unwrap_or_default()
}

fn shape(
    source: Source<'_>,
    text: &str,
    head: &[Record],
    dialect: Dialect,
    options: &ReadOptions,
) -> Result<Option<Shape>, ReadError> {
    let below = options.skip_rows.unwrap_or(0);
    let wanted = |row: &&Record| match options.header_row {
        Some(line) => row.line == line,
        None => row.line > below,
    };
    let found = head.iter().filter(wanted).find_map(|row| Some((row, named_intervals(row)?)));
    let Some((header, named)) = found else { return Ok(None) };
    let Ok(rows) = records(text, dialect, header.end..text.len(), header.end_lines, SAMPLE) else { return Ok(None) };
    let columns: BTreeSet<usize> = named.columns().collect();
    let others = || (0..header.fields.len()).filter(|at| !columns.contains(at));
    let days = |at: &usize| rows.iter().filter(|row| day_of(row.field(*at)).is_some()).count();
    let zoned = |at: &usize| rows.iter().find(|row| has_zone(row.field(*at)));
    if let Some((at, row)) = others().find_map(|at| Some((at, zoned(&at)?))) {
        let words = format!(
            "'{}' is a day with an offset from UTC, which may differ from that of its intervals: write dates alone, and state the timezone",
            row.field(at)
        );
        return Err(source.error("unread_time_form", Some(row.line), words));
    }
    let Some(date) = others().max_by_key(|at| (days(at), std::cmp::Reverse(*at))).filter(|at| days(at) > 0) else {
        return Ok(None);
    };
    // A time a row, of points that are called so.
    if rows.iter().any(|row| day_of(row.field(date)).is_none() && time::is_stamp(row.field(date))) {
        return Ok(None);
    }
    let (intervals, unit) = named.settled(source, header)?;
    let mut shape = Shape {
        header: header.clone(),
        date,
        intervals,
        unit,
        keys: Vec::new(),
        units: None,
        status: None,
        left_out: Vec::new(),
    };
    let above = head.iter().rev().find(|row| row.line < header.line);
    shape.unit = shape.unit.or_else(|| above.and_then(|row| shape.units_of(row)));
    for row in rows.iter().take_while(|row| day_of(row.field(date)).is_none()) {
        shape.read_below(row);
    }
    let rows: Vec<&Record> = rows.iter().filter(|row| day_of(row.field(date)).is_some()).collect();
    let beyond =
        |row: &&&Record| row.fields.get(header.fields.len()..).is_some_and(|more| more.iter().any(|c| !c.is_empty()));
    if rows.iter().filter(beyond).count() * 2 > rows.len() {
        let words = format!(
            "most rows have more cells than the {} columns of the header: numbers with a comma in them, perhaps (21,5), in a file whose fields commas part. Export it with semicolons or tabs between the fields, or with decimal points",
            header.fields.len()
        );
        return Err(source.error("more_cells_than_header", rows.iter().find(beyond).map(|row| row.line), words));
    }
    for at in others().filter(|at| *at != date) {
        shape.place(at, &rows);
    }
    let within = columns.first().zip(columns.last());
    let stranger = shape.left_out.iter().find(|at| within.is_some_and(|(first, last)| (first..last).contains(at)));
    if let Some(at) = stranger {
        let words = format!(
            "column {} ('{}') stands among the intervals of a day and names no clock time: where the clocks are put back, leave one pass of the hour or export a row a time",
            at + 1,
            header.field(*at)
        );
        return Err(source.error("unread_time_form", Some(header.line), words));
    }
    shape.tell_apart(source, &rows)?;
    Ok(Some(shape))
}

impl Shape {
    /// The unit that a row above or below the header gives all intervals.
    fn units_of(&self, row: &Record) -> Option<&'static str> {
        let mut units = self.intervals.iter().map(|interval| units::known(row.field(interval.column)));
        let first = units.next()??;
        units.all(|unit| unit == Some(first)).then_some(first)
    }

    /// A row between the header and the days: the units, or the ends of the intervals.
    fn read_below(&mut self, row: &Record) {
        let ends: Vec<Option<i64>> = self
            .intervals
            .iter()
            .map(|from| {
                let (to, None, _) = label(row.field(from.column))? else { return None };
                Some((to - from.from_ms).rem_euclid(DAY_MS)).filter(|width| *width > 0)
            })
            .collect();
        let known = if let Some(unit) = self.units_of(row) {
            self.unit = Some(unit);
            true
        } else {
            ends.iter().all(Option::is_some)
        };
        for (interval, width) in self.intervals.iter_mut().zip(&ends).filter(|_| ends.iter().all(Option::is_some)) {
            interval.width_ms = *width;
        }
        if known {
            (self.header.end, self.header.end_lines) = (row.end, row.end_lines);
        }
    }

    /// Says what a column beside the intervals is.
    fn place(&mut self, at: usize, rows: &[&Record]) {
        let name = self.header.field(at);
        let cells: Vec<&str> = rows.iter().map(|row| row.field(at)).filter(|cell| !cell.is_empty()).collect();
        if cells.is_empty() {
            // Nothing is lost with it.
        } else if words::is_unit_name(name) && self.units.is_none() {
            self.units = Some(at);
        } else if words::is_verdict(name) && self.status.is_none() && cells.iter().all(|c| status::meaning(c).is_some())
        {
            self.status = Some(at);
        } else if !name.is_empty() && self.is_key(at, &cells, rows) {
            self.keys.push(at);
        } else {
            self.left_out.push(at);
        }
    }

    /// Whether a column's texts tell series apart: it is called so, or says one thing, or several of one day, or the
    /// series stand one below the other. Days of the week do none of these.
    fn is_key(&self, at: usize, cells: &[&str], rows: &[&Record]) -> bool {
        let name = self.header.field(at);
        let numbers = cells.iter().filter(|cell| number::read(cell, b'.', b';').is_some()).count() * 2 > cells.len();
        let ids = cells.iter().all(|cell| number::is_id(cell));
        let distinct: BTreeSet<&str> = cells.iter().copied().collect();
        // A number of its own for each row is one of rows.
        let recurs = distinct.len() == 1 || distinct.len() * 2 <= cells.len();
        let named = words::key_rank(name) > 1 || is_meter(name) || is_numbered(name) && recurs;
        if words::is_summary(name) || words::is_row_number(name) && !named || is_calendar(name, cells) {
            return false;
        }
        if named || ids {
            return true;
        }
        let changes = cells.windows(2).filter(|pair| matches!(pair, [a, b] if a != b)).count();
        !numbers && (distinct.len() == 1 || self.differs_within_a_day(at, rows) || changes * 10 <= cells.len())
    }

    fn differs_within_a_day(&self, at: usize, rows: &[&Record]) -> bool {
        let mut of_day: BTreeMap<&str, &str> = BTreeMap::new();
        rows.iter().any(|row| {
            let text = row.field(at);
            *of_day.entry(row.field(self.date)).or_insert(text) != text
        })
    }

    /// Refuses days that stand in several rows with nothing that says whose they are.
    fn tell_apart(&mut self, source: Source<'_>, rows: &[&Record]) -> Result<(), ReadError> {
        let series = |keys: &[usize], row: &Record| {
            keys.iter().chain([&self.date]).map(|at| row.field(*at).to_owned()).collect::<Vec<_>>()
        };
        let again = |keys: &[usize]| {
            let mut seen = BTreeSet::new();
            rows.iter().filter(|row| !seen.insert(series(keys, row))).count()
        };
        if let Some(unit) = self.units
            && again(&self.keys) > 0
            && self.differs_within_a_day(unit, rows)
        {
            let keys: Vec<usize> = self.keys.iter().copied().chain([unit]).collect();
            if again(&keys) < again(&self.keys) {
                self.keys = keys;
            }
        }
        let differs = |at: &usize| self.differs_within_a_day(*at, rows);
        // A few rows may stand twice, as where a file was appended to itself.
        if again(&self.keys) * 20 <= rows.len() || !self.left_out.iter().any(differs) {
            return Ok(());
        }
        let line = rows.first().map(|row| row.line);
        let left_out: Vec<String> =
            self.left_out.iter().filter(|at| differs(at)).map(|at| format!("'{}'", self.header.field(*at))).collect();
        let words = format!(
            "a day stands in several rows, and nothing says whose they are: call the column that does (one of {}) Meter or Point",
            left_out.join(", ")
        );
        Err(source.error("no_points", line, words))
    }
}

/// A date and no clock time (but 00:00:00, as spreadsheets write it): the text of the date.
fn day_of(cell: &str) -> Option<&str> {
    let digits = cell.bytes().any(|b| b.is_ascii_digit());
    let orders = [DateOrder::Ymd, DateOrder::Mdy, DateOrder::Dmy];
    let stamp = orders.iter().filter(|_| digits).find_map(|order| time::stamp(cell, *order))?;
    if stamp.zone.is_some() || stamp.width_ms.is_some() || stamp.clock_ms != 0 {
        return None;
    }
    if stamp.has_clock { cell.get(..stamp.date_bytes) } else { Some(cell) }
}

/// A midnight with a zone.
fn has_zone(cell: &str) -> bool {
    time::stamp(cell, DateOrder::Ymd).is_some_and(|stamp| stamp.zone.is_some() && stamp.clock_ms == 0)
}

/// A column that is called a meter's.
fn is_meter(name: &str) -> bool {
    let bare = words::bare(name);
    ["meter", "nmi", "mpan", "mprn", "serial", "zähler", "compteur", "contador", "電表", "电表"]
        .iter()
        .any(|word| bare.contains(word))
        || ["ean", "pod", "esiid", "account", "suffix", "register", "obis", "feeder", "circuit", "line", "load"]
            .contains(&bare.as_str())
}

/// A column of numbers that tell something apart: `Site ID`, `Account No`.
fn is_numbered(name: &str) -> bool {
    let bare = words::bare(name);
    ["id", "number", "code", "no", "nr"].iter().any(|word| bare.ends_with(word))
}

/// Days of the week, months, seasons, kinds of day: they tell days apart, and no series.
fn is_calendar(name: &str, cells: &[&str]) -> bool {
    let bare = words::bare(name);
    let named = [
        "weekday",
        "dow",
        "dayofweek",
        "daytype",
        "week",
        "month",
        "season",
        "year",
        "quarter",
        "holiday",
        "wochentag",
        "monat",
        "jour",
        "mois",
        "dia",
        "mes",
        "weekend",
        "星期",
        "day",
    ];
    let is_said = |cell: &&str| ["y", "n", "yes", "no", "true", "false"].contains(&cell.to_lowercase().as_str());
    let is_day = |cell: &&str| {
        calendar::behind_weekday(format!("{cell}, ").as_bytes()).is_empty()
            || calendar::month(cell.as_bytes()).is_some_and(|(_, rest)| rest.is_empty())
    };
    named.contains(&bare.as_str()) || cells.iter().all(is_day) || cells.iter().all(is_said)
}

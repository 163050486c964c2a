//! A day a row, an interval a column: `Date,00:00,00:15,…,23:45`, with columns of meters, units and statuses beside.
//!
//! Told by a header of clock times (or of ranges of them) and, below, a column of dates without clock times. Each cell
//! becomes a row of its own, its time that which its column names: a range its beginning, 24:00 the next day's 00:00. Hours
//! that are only numbered say neither whether 1 begins or ends at 01:00, and are refused, as is a header in which a clock time
//! stands twice.

use std::collections::{BTreeMap, BTreeSet};

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

/// A column of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Interval {
    column: usize,
    from_ms: i64,
    width_ms: Option<i64>,
}

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
pub fn rewritten(
    source: Source<'_>,
    text: &str,
    dialect: Dialect,
    delimiter: &Chosen<char>,
    options: &ReadOptions,
) -> Result<Option<(Layout, String)>, ReadError> {
    if !matches!(options.format, None | Some(Format::Narrow | Format::SinglePoint)) {
        return Ok(None);
    }
    let Some(shape) = shape(source, text, dialect, options)? else { return Ok(None) };
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

fn shape(source: Source<'_>, text: &str, dialect: Dialect, options: &ReadOptions) -> Result<Option<Shape>, ReadError> {
    let window = 0..text.len().min(HEAD_BYTES);
    let Ok(head) = records(text, dialect, window, 0, HEAD) else { return Ok(None) };
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
    let Some(date) = others().max_by_key(|at| (days(at), std::cmp::Reverse(*at))).filter(|at| days(at) > 0) else {
        return Ok(None);
    };
    // A time a row, of points that are called so.
    if rows.iter().any(|row| day_of(row.field(date)).is_none() && time::is_stamp(row.field(date))) {
        return Ok(None);
    }
    let (intervals, unit) = named.settled(source, header)?;
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
    for at in others().filter(|at| *at != date) {
        shape.place(at, &rows);
    }
    shape.tell_apart(source, &rows)?;
    Ok(Some(shape))
}

impl Shape {
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
        let named = words::key_rank(name) > 1 || is_meter(name);
        let numbers = cells.iter().filter(|cell| number::read(cell, b'.', b';').is_some()).count() * 2 > cells.len();
        let ids = cells.iter().all(|cell| number::is_id(cell));
        if words::is_summary(name) || words::is_row_number(name) && !named || is_calendar(name, cells) {
            return false;
        }
        if named || ids {
            return true;
        }
        let distinct: BTreeSet<&str> = cells.iter().copied().collect();
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

/// What the fields of a header that name intervals say.
enum Named {
    Clocks(Vec<Interval>, Option<&'static str>),
    /// Hours, half hours or quarters that are only numbered.
    Numbers(Vec<usize>),
}

impl Named {
    fn columns(&self) -> Box<dyn Iterator<Item = usize> + '_> {
        match self {
            Self::Clocks(intervals, _) => Box::new(intervals.iter().map(|interval| interval.column)),
            Self::Numbers(columns) => Box::new(columns.iter().copied()),
        }
    }

    /// The intervals, if they can only be meant in one way.
    fn settled(self, source: Source<'_>, header: &Record) -> Result<(Vec<Interval>, Option<&'static str>), ReadError> {
        let refuse = |words: String| Err(source.error("unread_time_form", Some(header.line), words));
        let (mut intervals, unit) = match self {
            Self::Clocks(intervals, unit) => (intervals, unit),
            Self::Numbers(columns) => {
                let [first, last] = [columns.first(), columns.last()].map(|at| at.map_or("", |at| header.field(*at)));
                return refuse(format!(
                    "the columns '{first}' to '{last}' number the intervals of a day, which does not say whether a number is the beginning or the end of its interval: name them by clock times such as 00:00 or 00:00-01:00, or state format wide if they are points"
                ));
            }
        };
        if let [rest @ .., last] = intervals.as_mut_slice()
            && last.from_ms == 0
            && rest.first().is_some_and(|first| first.from_ms > 0)
            && rest.is_sorted_by_key(|interval| interval.from_ms)
        {
            last.from_ms = DAY_MS;
        }
        let mut pairs = intervals.iter().zip(intervals.iter().skip(1));
        let falls = |(a, b): (&Interval, &Interval)| a.from_ms > b.from_ms;
        let newest_first = pairs.clone().all(falls);
        let back = pairs.find(|(a, b)| b.from_ms <= a.from_ms).filter(|_| !newest_first);
        match back {
            None => Ok((intervals, unit)),
            Some((before, at)) => refuse(format!(
                "column {} ('{}') stands behind '{}': the columns of a day must run from its first clock time to its last, each once; where the clocks are put back, leave one pass of the hour or export a row a time",
                at.column + 1,
                header.field(at.column),
                header.field(before.column)
            )),
        }
    }
}

impl Interval {
    fn spelled(&self) -> String {
        let clock = |ms: i64| {
            let s = ms / 1000;
            format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
        };
        match self.width_ms {
            None => clock(self.from_ms),
            Some(width) => {
                let to = self.from_ms + width;
                format!("{}-{}", clock(self.from_ms), clock(if to > DAY_MS { to - DAY_MS } else { to }))
            }
        }
    }
}

/// The intervals that a row names, if it may be such a header.
fn named_intervals(row: &Record) -> Option<Named> {
    let mut unit: Option<Option<&'static str>> = None;
    let mut clocks = Vec::new();
    for (column, field) in row.fields.iter().enumerate() {
        if let Some((from_ms, width_ms, own)) = label(field) {
            unit = Some(unit.map_or(own, |known| known.filter(|known| own == Some(*known))));
            clocks.push(Interval { column, from_ms, width_ms });
        } else if time::is_stamp(field) {
            return None;
        }
    }
    let halves = matches!(clocks.as_slice(), [a, b] if (b.from_ms - a.from_ms).abs() == DAY_MS / 2);
    if clocks.len() < 3 && !halves {
        return four_digits(row).or_else(|| numbered(row));
    }
    let widths = clocks.iter().filter(|interval| interval.width_ms.is_some()).count();
    (widths == 0 || widths == clocks.len()).then_some(Named::Clocks(clocks, unit.flatten()))
}

/// A clock time or a range of two, and a unit beside it: `00:15`, `00:00 - 00:15`, `00:15 [kWh]`, `kWh 00:15`.
fn label(field: &str) -> Option<(i64, Option<i64>, Option<&'static str>)> {
    if !field.bytes().any(|b| b.is_ascii_digit()) || field.len() > 40 {
        return None;
    }
    let read = |text: &str| {
        let clock = time::clock_only(text.trim())?;
        clock.zone.is_none().then_some((clock.ms, clock.width_ms))
    };
    if let Some((ms, width)) = read(field) {
        return Some((ms, width, None));
    }
    let (first, rest) = field.split_once(char::is_whitespace)?;
    let (before, last) = field.rsplit_once(char::is_whitespace)?;
    let unit = |text: &str| units::known(text.trim_matches(['[', ']', '(', ')', ',']));
    [(before, last), (rest, first)].into_iter().find_map(|(clock, word)| {
        let unit = unit(word)?;
        read(clock).map(|(ms, width)| (ms, width, Some(unit)))
    })
}

/// `0000,0015,…,2345`: as many as make a day of hours, half hours or quarters.
fn four_digits(row: &Record) -> Option<Named> {
    let read = |field: &String| {
        let (hours, minutes) = field.split_at_checked(2).filter(|_| field.len() == 4)?;
        let digits = field.bytes().all(|b| b.is_ascii_digit());
        let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
        let ms = (hours * 60 + minutes) * 60_000;
        (digits && minutes < 60 && ms <= DAY_MS).then_some(ms)
    };
    let found = row.fields.iter().enumerate().filter_map(|(column, field)| Some((column, read(field)?)));
    let clocks: Vec<Interval> = found.map(|(column, from_ms)| Interval { column, from_ms, width_ms: None }).collect();
    (clocks.len() >= 24).then_some(Named::Clocks(clocks, None))
}

/// `1…24`, `H1…H24`, `Hour 1…`, `HH01…HH48`.
fn numbered(row: &Record) -> Option<Named> {
    const BEFORE: &[&str] = &[
        "",
        "h",
        "hr",
        "hour",
        "he",
        "hh",
        "hourending",
        "q",
        "qh",
        "quarter",
        "p",
        "period",
        "interval",
        "int",
        "sp",
        "settlementperiod",
        "stunde",
        "heure",
        "hora",
        "uur",
        "viertelstunde",
        "value",
        "v",
        "時",
    ];
    let read = |field: &String| {
        let word = words::bare(field);
        let digits = word.trim_start_matches(|c: char| !c.is_ascii_digit());
        let before = word.get(..word.len() - digits.len())?;
        let number: u32 = digits.parse().ok()?;
        (BEFORE.contains(&before) && number <= 100).then(|| (before.to_owned(), number))
    };
    let mut columns: Vec<usize> = Vec::new();
    let mut last: Option<(String, u32)> = None;
    for (at, field) in row.fields.iter().enumerate() {
        let own = read(field);
        let follows = own.as_ref().zip(last.as_ref()).is_some_and(|(a, b)| a.0 == b.0 && a.1 == b.1 + 1);
        if columns.len() >= 23 && !follows {
            break;
        }
        if !follows {
            columns.clear();
        }
        if follows || own.as_ref().is_some_and(|(_, number)| *number <= 1) {
            columns.push(at);
        }
        last = own;
    }
    matches!(columns.len(), 23..=25 | 46 | 48 | 50 | 92 | 96 | 100).then_some(Named::Numbers(columns))
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

/// A column that is called a meter's.
fn is_meter(name: &str) -> bool {
    let bare = words::bare(name);
    ["meter", "nmi", "mpan", "mprn", "serial", "zähler", "compteur", "contador", "電表", "电表"]
        .iter()
        .any(|word| bare.contains(word))
        || ["ean", "pod", "esiid", "account", "suffix", "register", "obis", "feeder", "circuit", "line", "load"]
            .contains(&bare.as_str())
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
    let is_day = |cell: &&str| {
        calendar::behind_weekday(format!("{cell}, ").as_bytes()).is_empty()
            || calendar::month(cell.as_bytes()).is_some_and(|(_, rest)| rest.is_empty())
    };
    named.contains(&bare.as_str()) || cells.iter().all(is_day)
}

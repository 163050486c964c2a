//! Clock times as plain numbers – `8`, `0830`, `83000`, `08.30` –, and as words, in a column beside dates. Written anew as
//! `08:30:00`.
//!
//! A number is no clock time by itself: it is one in a column that is called so, where the dates have no clock times. Such
//! a column is never taken for a point: what cannot be read is refused, with the way out.

use std::collections::BTreeMap;

use super::fields::Dialect;
use super::layout::{Record, warning};
use super::parted::Part;
use super::respelled::{each_row, respelled};
use super::scan::{blanks, number};
use super::table::{LEFT, Table};
use super::time_columns::TimeKind;
use super::{ReadError, Source, words};
use crate::time;
use hvac_frame::column::Warning;

/// Different cells that a column of clock times may have: more than seconds of a day are none.
const MOST_CELLS: usize = 90_000;
const MIDNIGHT: u32 = 24;
/// Of a cell that cannot be one.
const NONE: &str = "is no clock time";

/// How sure a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    /// It is called a clock time.
    Clock,
    /// It is short for a clock time, and for other things: a column that is none is a point.
    Short,
    /// It may also be hours that something ran.
    Perhaps,
}

/// How the cells are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Hours,
    HoursMinutes,
    HoursMinutesSeconds,
    Dotted,
    Spoken,
}

/// The column, and those of minutes and seconds right of it.
struct ClockColumn<'t> {
    at: usize,
    name: &'t str,
    named: Named,
    /// Further columns: of minutes, then of seconds.
    parts: Vec<usize>,
}

/// The text with clock times that can be read, and what to say of it; none where nothing is to be done.
///
/// # Errors
/// `unread_time_form` when a column is called a clock time and its cells do not say which.
pub(crate) fn whole(
    source: Source<'_>,
    text: &str,
    table: &Table,
    dialect: Dialect,
) -> Result<Option<(String, Warning)>, ReadError> {
    let times = &table.times;
    let apart =
        times.kind == TimeKind::Written && times.own.is_empty() && times.clock.is_none() && times.until.is_none();
    let bare = |row: &Record| time::in_any_order(row.field(times.stamp)).is_none_or(|stamp| stamp.clock_ms == 0);
    if !apart || !table.sample().all(bare) {
        return Ok(None);
    }
    let Some(column) = ClockColumn::of(table) else { return Ok(None) };
    let from = (table.header.end, table.header.end_lines);
    let width = column.width().max(times.stamp + 1);
    let (mut cells, mut counts, mut at_midnight) = (BTreeMap::new(), (0u64, 0u64), true);
    let mut before = String::new();
    each_row(source, text, dialect, from, width, |row| {
        let stamp = row.field(times.stamp);
        let Some(read) = time::in_any_order(stamp) else { return };
        at_midnight &= read.clock_ms == 0;
        counts = (counts.0 + 1, counts.1 + u64::from(before == stamp));
        stamp.clone_into(&mut before);
        if cells.len() < MOST_CELLS && !cells.contains_key(row.field(column.at)) {
            cells.insert(row.field(column.at).to_owned(), row.line);
        }
    })?;
    cells.retain(|cell, _| cell.bytes().any(|b| b.is_ascii_digit()));
    if !at_midnight || cells.is_empty() || column.named == Named::Perhaps && counts.1 == 0 {
        return Ok(None);
    }
    let form = match form(&cells, column.name) {
        Ok(form) => form,
        Err(_) if column.named == Named::Perhaps => return Ok(None),
        Err(flaw) if column.named == Named::Short && flaw.why == NONE => return Ok(None),
        Err(flaw) => return Err(column.refusal(source, flaw)),
    };
    let header = table.header.line;
    let whole = respelled(source, text, dialect, (0, 0), width, |row| {
        if row.line == header && !column.parts.is_empty() {
            return column.parts.iter().map(|at| (*at, String::new())).collect();
        }
        if row.line <= from.1 || time::in_any_order(row.field(times.stamp)).is_none() {
            return Vec::new();
        }
        let Some((hour, minute, second)) = form.read(row.field(column.at)) else { return Vec::new() };
        let part = |at: usize| column.parts.get(at).map(|at| row.field(*at).parse::<u32>().ok());
        let (Some(minute), Some(second)) = (part(0).unwrap_or(Some(minute)), part(1).unwrap_or(Some(second))) else {
            return Vec::new();
        };
        let clock = (column.at, format!("{hour:02}:{minute:02}:{second:02}"));
        std::iter::once(clock).chain(column.parts.iter().map(|at| (*at, String::new()))).collect()
    })?;
    let (example, line) = cells.first_key_value().map_or(("", header), |(cell, line)| (cell.as_str(), *line));
    let (hour, minute, second) = form.read(example).unwrap_or_default();
    let words = format!(
        "column '{}' holds clock times without colons: '{example}' is read as {hour:02}:{minute:02}:{second:02}",
        column.name
    );
    Ok(Some((whole, warning(source, "clock_numbers", Some(line), Some(column.name), counts.0, words))))
}

impl<'t> ClockColumn<'t> {
    /// The first such column that holds numbers: right of the dates, or any.
    fn of(table: &'t Table) -> Option<Self> {
        let candidates = (0..table.width().min(LEFT)).filter(|at| !table.times.holds(*at)).filter_map(|at| {
            let name = table.header.name(at);
            let named = named(name)?;
            let begins = |cell: &str| cell.bytes().next().is_some_and(|b| b.is_ascii_digit());
            let (all, digits) = (table.cells(at).count(), table.cells(at).filter(|cell| begins(cell)).count());
            (digits * 2 > all).then_some((at, name, named))
        });
        let candidates: Vec<_> = candidates.collect();
        let sure = |named: Named| move |found: &&(usize, &str, Named)| found.2 == named;
        let (at, name, named) = [Named::Clock, Named::Short, Named::Perhaps]
            .into_iter()
            .find_map(|named| candidates.iter().find(sure(named)).copied())?;
        let small = |at: usize| table.cells(at).all(|cell| cell.parse::<u32>().is_ok_and(|n| n < 60));
        let called = |at: usize, part: Part| match Part::of(table.header.name(at)) {
            Some(named) => named == part,
            // `mm` alone may be months.
            None => part == Part::Minute && words::bare(table.header.name(at)) == "mm",
        };
        let is = |at: usize, part: Part| called(at, part) && small(at);
        let parts = [Part::Minute, Part::Second].into_iter().zip(at + 1..).take_while(|(part, at)| is(*at, *part));
        let parts = if Part::of(name) == Some(Part::Hour) { parts.map(|(_, at)| at).collect() } else { Vec::new() };
        Some(Self { at, name, named, parts })
    }

    fn width(&self) -> usize {
        self.parts.last().unwrap_or(&self.at) + 1
    }

    fn refusal(&self, source: Source<'_>, flaw: Flaw<'_>) -> ReadError {
        let words = format!(
            "column '{}' stands beside dates without clock times, and '{}' in it {}: write clock times such as 13:45, or, if the column is a point, give it a name that is not one of a time",
            self.name, flaw.cell, flaw.why
        );
        source.error("unread_time_form", Some(flaw.line), words)
    }
}

/// Whether a name is one of clock times, and of nothing else.
pub(crate) fn is_clock(name: &str) -> bool {
    named(name) == Some(Named::Clock)
}

/// Whether a name is one of clock times.
fn named(name: &str) -> Option<Named> {
    let stem = name.split(['(', '[']).next().unwrap_or_default();
    let bare = words::bare(stem);
    match bare.as_str() {
        "time" | "clock" | "clocktime" | "localtime" | "timeofday" | "hour" | "hourofday" | "hourending"
        | "hourend" | "hourbeginning" | "hourbegin" | "hourstarting" | "hourstart" | "endinghour" | "hhmm"
        | "hhmmss" | "timehhmm" | "timehhmmss" | "uhrzeit" | "zeit" | "uhr" | "stunde" | "heure" | "hora" | "ora"
        | "orario" | "tijd" | "uur" | "時間" | "時刻" | "時" | "时间" | "时刻" | "时" | "小時" | "小时" | "시간"
        | "시각" | "시" => Some(Named::Clock),
        "hr" | "hh" => Some(Named::Short),
        "hours" | "hrs" | "std" | "stunden" | "heures" | "horas" | "ore" | "he" | "hb" => Some(Named::Perhaps),
        _ => None,
    }
}

/// A cell that is no clock time, or does not say which.
struct Flaw<'c> {
    cell: &'c str,
    line: u64,
    why: &'static str,
}

/// How the different cells of a column are written; each with its first line.
fn form<'c>(cells: &'c BTreeMap<String, u64>, name: &str) -> Result<Form, Flaw<'c>> {
    let first = |why, is: &dyn Fn(&str) -> bool| {
        let found = cells.iter().find(|(cell, _)| is(cell)).or_else(|| cells.iter().next());
        let (cell, line) = found.map_or(("", 1), |(cell, line)| (cell.as_str(), *line));
        Flaw { cell, line, why }
    };
    let all = |form: Form| cells.keys().all(|cell| form.read(cell).is_some());
    let whole = || cells.keys().filter_map(|cell| whole_number(cell));
    let wide = |digits: usize| cells.keys().all(|cell| cell.len() == digits);
    let most = whole().map(|(value, _)| value).max().unwrap_or(0);
    let bare = words::bare(name);
    if cells.keys().all(|cell| whole_number(cell).is_some()) {
        let form = if bare.contains("hhmmss") || wide(6) || most > 2400 {
            Form::HoursMinutesSeconds
        } else if bare.contains("hhmm") || wide(4) || most > MIDNIGHT {
            Form::HoursMinutes
        } else {
            Form::Hours
        };
        let hours = || cells.keys().filter_map(|cell| form.read(cell)).map(|(hour, ..)| hour);
        return if !all(form) || most > MIDNIGHT && hours().all(|hour| hour == 0) && !wide(4) && !wide(6) {
            Err(first(NONE, &|cell| form.read(cell).is_none()))
        } else if form == Form::Hours
            && (numbered(&bare) || hours().any(|hour| hour == MIDNIGHT) && hours().all(|hour| hour > 0))
        {
            let why = "is an hour of a day that is numbered from 1 to 24, which does not say whether 1 is the hour from 00:00 or the one that begins at 01:00";
            Err(first(why, &|cell| form.read(cell).is_some_and(|(hour, ..)| hour == MIDNIGHT)))
        } else {
            Ok(form)
        };
    }
    if all(Form::Dotted) {
        let minutes = || cells.keys().filter_map(|cell| Form::Dotted.read(cell)).map(|(_, minute, _)| minute);
        let parts = |minute: u32| [0, 25, 50].contains(&minute);
        return if minutes().all(parts) && minutes().any(|minute| minute > 0) {
            let why = "may be a clock time or hours and a part of one";
            Err(first(why, &|cell| Form::Dotted.read(cell).is_some_and(|(_, minute, _)| minute > 0)))
        } else {
            Ok(Form::Dotted)
        };
    }
    if all(Form::Spoken) {
        return Ok(Form::Spoken);
    }
    let read = [Form::Hours, Form::HoursMinutes, Form::HoursMinutesSeconds, Form::Dotted, Form::Spoken];
    let most = read.into_iter().max_by_key(|form| cells.keys().filter(|cell| form.read(cell).is_some()).count());
    Err(first(NONE, &|cell| most.is_some_and(|form| form.read(cell).is_none())))
}

/// Whether a name says that hours are counted by their ends.
fn numbered(bare: &str) -> bool {
    ["hourending", "hourend", "endinghour", "he"].contains(&bare)
}

/// `8`, `08`, `8.0`: its value and its digits.
fn whole_number(cell: &str) -> Option<(u32, usize)> {
    match number(cell.strip_suffix(".0").unwrap_or(cell).as_bytes()) {
        Some((value, digits @ 1..=6, [])) => Some((value, digits)),
        _ => None,
    }
}

impl Form {
    /// Hour, minute and second.
    fn read(self, cell: &str) -> Option<(u32, u32, u32)> {
        let parts = match self {
            Self::Hours => whole_number(cell).map(|(value, _)| (value, 0, 0)),
            Self::HoursMinutes => whole_number(cell).map(|(value, _)| (value / 100, value % 100, 0)),
            Self::HoursMinutesSeconds => {
                whole_number(cell).map(|(value, _)| (value / 10_000, value / 100 % 100, value % 100))
            }
            Self::Dotted => match number(cell.as_bytes())? {
                (hour, 1 | 2, [b'.' | b',', minute @ ..]) => match number(minute)? {
                    (minute, 2, []) => Some((hour, minute, 0)),
                    _ => None,
                },
                _ => None,
            },
            Self::Spoken => spoken(cell),
        };
        let (hour, minute, second) = parts?;
        let possible = hour < MIDNIGHT && minute < 60 && second < 60 || (hour, minute, second) == (MIDNIGHT, 0, 0);
        possible.then_some((hour, minute, second))
    }
}

/// `8h`, `8h30`, `8 Uhr`, `8時30分`.
fn spoken(cell: &str) -> Option<(u32, u32, u32)> {
    let text = cell.to_lowercase();
    let part = |text: &'_ str, marks: &[&str]| -> Option<(u32, usize)> {
        let (value, 1 | 2, rest) = number(text.as_bytes())? else { return None };
        let rest = text.get(text.len() - blanks(rest).len()..)?;
        let behind = marks.iter().find_map(|mark| rest.strip_prefix(mark))?.trim_start();
        Some((value, text.len() - behind.len()))
    };
    let (hour, passed) = part(&text, &["hrs", "hr", "h", "uhr", "u", "時", "时", "點", "点", "시"])?;
    let rest = text.get(passed..)?;
    if rest.is_empty() {
        return Some((hour, 0, 0));
    }
    let (minute, passed) = part(rest, &["min", "m", "分", "분", ""])?;
    let rest = rest.get(passed..)?;
    if rest.is_empty() {
        return Some((hour, minute, 0));
    }
    let (second, passed) = part(rest, &["sec", "s", "秒", "초", ""])?;
    (passed == rest.len()).then_some((hour, minute, second))
}

//! NEM12, the interval meter data of the Australian market, in records of types: 100 begins the file, 200 names a meter's
//! data stream, 300 holds a day of it, 400 the qualities of a day that has several (V), 500 reads of the register, 900 ends
//! the file.
//!
//! Read as a long table: NMI and suffix tell series apart. An interval's time is its beginning; the market's clock is
//! UTC+10 all year, in every state. Of the qualities, N (no data) is no reading; F and S (substituted) and E (estimated)
//! are kept and counted. Whatever does not fit the form is refused by its line, for a value in a wrong interval looks right.

use super::fields::{Cursor, Dialect};
use super::layout::{Layout, Role, TimeColumn};
use super::rewritten::{Told, Writer};
use super::zones::StatedZone;
use super::{Chosen, Format, ReadError, ReadOptions, Source, calendar};

/// Minutes that the market's clock is ahead of UTC.
const MARKET_MIN: u32 = 10 * 60;
const DAY_MIN: u32 = 24 * 60;
/// Fields of a record: a day of minutes, and what stands around them.
const MAX_FIELDS: usize = 1_600;

/// The stream that days follow.
struct Stream {
    nmi: String,
    suffix: String,
    unit: String,
    minutes: u32,
    intervals: usize,
}

/// A day whose qualities are still to come.
struct Day {
    line: u64,
    day: i32,
    values: Vec<String>,
    /// One an interval; empty where none is told yet.
    qualities: Vec<String>,
    /// Whether 400 records tell them.
    varies: bool,
}

/// Reads records.
struct Records<'s> {
    source: Source<'s>,
    writer: Writer<'s>,
    stream: Option<Stream>,
    day: Option<Day>,
}

/// The layout and text of a long table, if the report is one of such records.
///
/// # Errors
/// `not_a_table` for other files of the kind, `bad_record` for a record that does not fit the form.
pub(crate) fn rewritten(
    source: Source<'_>,
    text: &str,
    dialect: Dialect,
    delimiter: &Chosen<char>,
    options: &ReadOptions,
) -> Result<Option<(Layout, String)>, ReadError> {
    let asked = matches!(options.format, None | Some(Format::Narrow));
    let Some(form) = form(text).filter(|_| asked) else { return Ok(None) };
    if form != "NEM12" {
        let words = format!(
            "this is a file of {form} records, which are not read: NEM12 (interval meter data) is; ask for that, or export a table of time and value"
        );
        return Err(source.error("not_a_table", Some(1), words));
    }
    let dialect = Dialect { delimiter: b',', decimal: b'.', ..dialect };
    let writer = Writer::new(source, dialect, "", 0);
    let mut records = Records { source, writer, stream: None, day: None };
    let (mut cursor, mut ended, mut line) = (Cursor::new(text, dialect, 0, 0), false, 0);
    while !cursor.at_end() {
        if cursor.blank_line() {
            continue;
        }
        line = cursor.lines() + 1;
        let fields = cursor.row(MAX_FIELDS).map_err(|flaw| source.flaw(flaw))?;
        let field = |at: usize| fields.get(at).map_or("", String::as_str);
        match field(0) {
            // Files may be put together, each with its beginning and its end.
            "100" if field(1) == "NEM12" => ended = false,
            "200" if !ended => records.stream(&fields, line)?,
            "300" if !ended => records.day(&fields, line)?,
            "400" if !ended => records.quality(&fields, line)?,
            "500" if !ended => records.settle()?,
            "900" if !ended => {
                records.settle()?;
                ended = true;
            }
            other => {
                let words = format!(
                    "'{other}' is no record that is read at this place of a NEM12 file (100, 200, 300, 400, 500, 900): take the line out, or ask for the file again"
                );
                return Err(source.error("bad_record", Some(line), words));
            }
        }
    }
    if !ended {
        let words = "the file ends without its last record (900): it is cut off; ask for it again, or put a line of 900 at its end if nothing is missing";
        return Err(source.error("bad_record", Some(line), words));
    }
    let delimiter = Chosen { value: ',', evidence: delimiter.evidence.clone() };
    Ok(Some(records.writer.finish(Told {
        evidence: "the records of NEM12: 200 names a meter's stream, 300 holds a day of its intervals; times are the beginnings of intervals, market time (UTC+10)".to_owned(),
        delimiter,
        header_line: 1,
        times_from: "IntervalDate",
        times: TimeColumn { zone: Some(StatedZone::Offset(0)), serial: false },
        keys: ["NMI", "NMISuffix"].map(str::to_owned).to_vec(),
        roles: vec![Role::Key(0), Role::Key(1), Role::Unit, Role::Status, Role::Value(0)],
        point: None,
    })))
}

/// The form that the first record names; NEM12 where a stream and its day stand first.
fn form(text: &str) -> Option<&str> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let fields =
        |line: &'_ str| line.split(',').take(2).map(|f| f.trim_matches([' ', '"']).to_owned()).collect::<Vec<_>>();
    let first = lines.next()?;
    match fields(first).as_slice() {
        [record, form] if record == "100" && form.starts_with("NEM") => {
            first.split(',').nth(1).map(|form| form.trim_matches([' ', '"']))
        }
        [record, nmi] if record == "200" && matches!(nmi.len(), 10 | 11) => {
            fields(lines.next()?).first().is_some_and(|record| record == "300").then_some("NEM12")
        }
        _ => None,
    }
}

impl Records<'_> {
    fn error(&self, line: u64, words: String) -> ReadError {
        self.source.error("bad_record", Some(line), words + "; ask for the file again")
    }

    /// 200, NMI, configuration, register, suffix, data stream, meter, unit, minutes, next read.
    fn stream(&mut self, fields: &[String], line: u64) -> Result<(), ReadError> {
        self.settle()?;
        let field = |at: usize| fields.get(at).map_or("", String::as_str);
        let minutes = field(8).parse().ok().filter(|m: &u32| *m > 0 && DAY_MIN.is_multiple_of(*m));
        let Some(minutes) = minutes.filter(|_| !field(1).is_empty()) else {
            let words = format!(
                "record 200 names NMI '{}' and intervals of '{}' minutes: a NEM12 file has an NMI and 5, 15 or 30 there",
                field(1),
                field(8)
            );
            return Err(self.error(line, words));
        };
        let intervals = usize::try_from(DAY_MIN / minutes).unwrap_or(usize::MAX);
        let [nmi, suffix, unit] = [field(1), field(4), field(7)].map(str::to_owned);
        self.stream = Some(Stream { nmi, suffix, unit, minutes, intervals });
        Ok(())
    }

    /// 300, date, a value an interval, quality, reason, description, updated, loaded.
    fn day(&mut self, fields: &[String], line: u64) -> Result<(), ReadError> {
        self.settle()?;
        let Some(stream) = &self.stream else {
            return Err(self.error(line, "record 300 stands before any record 200, which says whose it is".to_owned()));
        };
        let date = fields.get(1).map_or("", String::as_str);
        let Some(day) = day_of(date) else {
            return Err(self.error(line, format!("'{date}' is no date of a record 300, such as 20240131")));
        };
        let values = fields.get(2..2 + stream.intervals).unwrap_or_default();
        let quality = fields.get(2 + stream.intervals).map_or("", String::as_str);
        // Another number of values puts a number, or nothing, where the quality stands.
        let Some(flag) = flag(quality).filter(|_| values.len() == stream.intervals) else {
            let words = format!(
                "record 300 does not have {} values of {} minutes and a quality (A, E, F, N, S or V) behind them, but '{quality}'",
                stream.intervals, stream.minutes
            );
            return Err(self.error(line, words));
        };
        let varies = flag == 'V';
        let quality = if varies { String::new() } else { quality.to_owned() };
        self.day = Some(Day { line, day, values: values.to_vec(), qualities: vec![quality; stream.intervals], varies });
        Ok(())
    }

    /// 400, first interval, last interval, quality, reason, description.
    fn quality(&mut self, fields: &[String], line: u64) -> Result<(), ReadError> {
        let field = |at: usize| fields.get(at).map_or("", String::as_str);
        let number = |at: usize| field(at).parse::<usize>().ok();
        let Some(day) = &mut self.day else {
            return Err(self.error(line, "record 400 does not follow the record 300 that it is about".to_owned()));
        };
        let (first, last) = (number(1).unwrap_or(0), number(2).unwrap_or(0));
        let range = first.checked_sub(1).filter(|_| flag(field(3)).is_some_and(|flag| flag != 'V'));
        let Some(of) = range.and_then(|first| day.qualities.get_mut(first..last)) else {
            let words = format!(
                "record 400 gives intervals '{}' to '{}' the quality '{}': there are {} of them, and qualities are A, E, F, N, S",
                field(1),
                field(2),
                field(3),
                day.qualities.len()
            );
            return Err(self.error(line, words));
        };
        // On a day with one quality they repeat it.
        if day.varies {
            of.fill(field(3).to_owned());
        }
        Ok(())
    }

    /// A day is over: writes it.
    fn settle(&mut self) -> Result<(), ReadError> {
        let (Some(day), Some(stream)) = (self.day.take(), &self.stream) else { return Ok(()) };
        if let Some(at) = day.qualities.iter().position(String::is_empty) {
            let words =
                format!("the quality of this day is V, and no record 400 below gives that of interval {}", at + 1);
            return Err(self.error(day.line, words));
        }
        self.writer.made_of(day.line)?;
        let mut minute: u32 = 0;
        let [yesterday, today] = [day.day - 1, day.day].map(spelled);
        for (value, quality) in day.values.iter().zip(&day.qualities) {
            let (date, from) = match minute.checked_sub(MARKET_MIN) {
                Some(from) => (&today, from),
                None => (&yesterday, minute + DAY_MIN - MARKET_MIN),
            };
            let clock = |minute: u32| format!("{:02}:{:02}:00", minute / 60, minute % 60);
            self.writer.field(date);
            self.writer.next();
            let to = from + stream.minutes;
            let to = if to > DAY_MIN { to - DAY_MIN } else { to };
            self.writer.field(&format!("{}-{}", clock(from), clock(to)));
            let status = match flag(quality) {
                Some('A') => "",
                Some('E') => "estimated",
                Some('N') => "missing",
                _ => "substituted",
            };
            for text in [stream.nmi.as_str(), &stream.suffix, &stream.unit, status, value] {
                self.writer.next();
                self.writer.field(text);
            }
            self.writer.end();
            minute += stream.minutes;
        }
        Ok(())
    }
}

/// The first letter of a quality and method: `A`, `S14`, `E52`.
fn flag(quality: &str) -> Option<char> {
    let mut letters = quality.chars();
    let flag = letters.next().filter(|flag| "AEFNSV".contains(*flag))?;
    letters.all(|c| c.is_ascii_digit()).then_some(flag)
}

/// The day of a date such as 20240131.
fn day_of(date: &str) -> Option<i32> {
    let part = |range: std::ops::Range<usize>| date.get(range)?.parse::<u32>().ok();
    let whole = date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit());
    calendar::days(part(0..4).filter(|_| whole)?, part(4..6)?, part(6..8)?)
}

/// A day since 1970, as 2024-01-31.
fn spelled(day: i32) -> String {
    let at = chrono::DateTime::from_timestamp(i64::from(day) * 86_400, 0).unwrap_or_default();
    at.format("%Y-%m-%d").to_string()
}

//! Dates, clocks and zones as reports write them.
//!
//! Reads one text at a time and never guesses between month-first and day-first: the caller says the
//! order, and settles it for a whole file (`report::dates`). Local times become UTC by the zone's rules;
//! a time that exists twice is told apart by the row before it, one that does not exist is the caller's error.

use chrono::{DateTime, Datelike, NaiveDate, Offset, TimeZone};
use chrono_tz::Tz;

use super::DateOrder;

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// Days from 0001-01-01 to 1970-01-01, plus one (chrono counts from day 1).
const UNIX_DAY_CE: i32 = 719_163;

/// How a date is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DateForm {
    /// The year stands first with four digits.
    #[default]
    YearFirst,
    /// The month is a word.
    Named,
    /// Numbers only, the year last with four digits: the order is in doubt.
    YearLast,
    /// Numbers only, no number has four digits: the order is in doubt.
    ShortYear,
}

/// A time as it stands in a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stamp {
    /// Days since 1970.
    pub day: i32,
    /// Since the day's 00:00, 0..=[`DAY_MS`] (24:00 is the next day's 00:00).
    pub clock_ms: i64,
    /// Whether a clock time was written at all.
    pub has_clock: bool,
    /// Offset from UTC when written, s.
    pub offset_s: Option<i32>,
    /// A zone abbreviation was written, and ignored.
    pub abbreviation: bool,
    /// How the date is written.
    pub form: DateForm,
    /// Bytes of the text that are the date.
    pub date_bytes: usize,
}

impl Stamp {
    /// Local time, ms since 1970-01-01 00:00 local.
    #[must_use]
    pub fn local_ms(&self) -> i64 {
        i64::from(self.day) * DAY_MS + self.clock_ms
    }
}

/// Reads a date, or a date and a clock time, and a zone; all of `text` must be used up.
///
/// `order` decides where only numbers stand; with [`DateOrder::Ymd`] a date whose year stands last is not read.
#[must_use]
pub fn stamp(text: &str, order: DateOrder) -> Option<Stamp> {
    let text = text.trim().as_bytes();
    let (day, form, rest) = date(text, order)?;
    let date_bytes = text.len() - rest.len();
    with_clock(Stamp { day, date_bytes, form, ..Stamp::default() }, rest)
}

/// Whether a text is a time in any order of its numbers.
#[must_use]
pub fn is_stamp(text: &str) -> bool {
    [DateOrder::Mdy, DateOrder::Dmy, DateOrder::Ymd].iter().any(|order| stamp(text, *order).is_some())
}

/// Reads a text (trimmed) that begins with the same date as one read before; none when it does not, or when
/// it is no time.
#[must_use]
pub fn same_date(before: &str, stamp: &Stamp, text: &str) -> Option<Stamp> {
    let (date, rest) = text.as_bytes().split_at_checked(stamp.date_bytes)?;
    if before.as_bytes().get(..stamp.date_bytes) != Some(date) || !matches!(rest.first(), Some(b' ' | b'T')) {
        return None;
    }
    with_clock(Stamp { day: stamp.day, date_bytes: stamp.date_bytes, form: stamp.form, ..Stamp::default() }, rest)
}

/// What stands behind a date: nothing, or a clock time and a zone.
fn with_clock(mut stamp: Stamp, rest: &[u8]) -> Option<Stamp> {
    let rest = match rest {
        [] => return Some(stamp),
        [b'T' | b't' | b'_', tail @ ..] => tail,
        [b',', tail @ ..] | [b' ', tail @ ..] => blanks(tail),
        [b'0'..=b'9', ..] => rest,
        _ => return None,
    };
    if rest.is_empty() {
        return Some(stamp);
    }
    let (clock_ms, rest) = clock(rest)?;
    (stamp.clock_ms, stamp.has_clock) = (clock_ms, true);
    (stamp.offset_s, stamp.abbreviation) = zone(rest)?;
    Some(stamp)
}

/// Reads a text that is a clock time only, with a colon in it: ms since 00:00, and its offset from UTC when written.
#[must_use]
pub fn clock_only(text: &str) -> Option<(i64, Option<i32>)> {
    // As most are.
    if let [
        h @ b'0'..=b'9',
        i @ b'0'..=b'9',
        b':',
        m @ b'0'..=b'5',
        n @ b'0'..=b'9',
        b':',
        s @ b'0'..=b'5',
        t @ b'0'..=b'9',
    ] = text.as_bytes()
    {
        let pair = |tens: u8, ones: u8| i64::from(tens - b'0') * 10 + i64::from(ones - b'0');
        let ms = (pair(*h, *i) * 3600 + pair(*m, *n) * 60 + pair(*s, *t)) * 1000;
        return (ms <= DAY_MS).then_some((ms, None));
    }
    if !text.contains(':') {
        return None;
    }
    let (clock_ms, rest) = clock(text.trim().as_bytes())?;
    let (offset_s, _) = zone(rest)?;
    Some((clock_ms, offset_s))
}

/// Seconds (1e9…1e10) or milliseconds (1e12…1e13) since 1970, as ms; a fraction is kept to the ms.
#[must_use]
pub fn epoch(text: &str) -> Option<i64> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    if !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    match whole.len() {
        10 => {
            let ms: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
            Some(whole.parse::<i64>().ok()? * 1000 + ms)
        }
        13 => whole.parse().ok(),
        _ => None,
    }
}

/// A day in words a user can compare: `6 May 2017`.
#[must_use]
pub fn spell_day(day: i32) -> String {
    NaiveDate::from_num_days_from_ce_opt(day.saturating_add(UNIX_DAY_CE))
        .map_or_else(|| "?".to_owned(), |date| date.format("%-d %B %Y").to_string())
}

fn blanks(mut rest: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', tail @ ..] = rest {
        rest = tail;
    }
    rest
}

/// A number of at most nine digits: value, digits, rest.
fn number(text: &[u8]) -> Option<(u32, usize, &[u8])> {
    let (mut value, mut digits, mut rest) = (0u32, 0usize, text);
    while let [digit @ b'0'..=b'9', tail @ ..] = rest {
        if digits == 9 {
            return None;
        }
        (value, digits, rest) = (value * 10 + u32::from(digit - b'0'), digits + 1, tail);
    }
    (digits > 0).then_some((value, digits, rest))
}

/// A month's English name or its first three letters.
fn month(text: &[u8]) -> Option<(u32, &[u8])> {
    const NAMES: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let letters = text.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let (word, rest) = text.split_at_checked(letters)?;
    let word = std::str::from_utf8(word).ok()?.to_ascii_lowercase();
    let found = NAMES
        .iter()
        .position(|name| word.len() >= 3 && name.starts_with(&word) || word == "sept" && *name == "september")?;
    let rest = rest.strip_prefix(b".").unwrap_or(rest);
    Some((u32::try_from(found).ok()? + 1, rest))
}

fn separator(text: &[u8]) -> Option<&[u8]> {
    match text {
        [b'/' | b'-' | b'.', tail @ ..] => Some(tail),
        [b' ', tail @ ..] | [b',', b' ', tail @ ..] => Some(blanks(tail)),
        _ => text.strip_prefix("年".as_bytes()).or_else(|| text.strip_prefix("月".as_bytes())),
    }
}

fn date(text: &[u8], order: DateOrder) -> Option<(i32, DateForm, &[u8])> {
    let text = weekday(text);
    if text.first()?.is_ascii_alphabetic() {
        let (month, rest) = month(text)?;
        let (day, _, rest) = number(separator(rest)?)?;
        let (year, digits, rest) = number(separator(rest)?)?;
        return Some((days(full_year(year, digits)?, month, day)?, DateForm::Named, rest));
    }
    if let Some(compact) = compact_date(text) {
        return Some(compact);
    }
    let (a, a_digits, rest) = number(text)?;
    let rest = separator(rest)?;
    if rest.first()?.is_ascii_alphabetic() {
        let (month, rest) = month(rest)?;
        let (c, c_digits, rest) = number(separator(rest)?)?;
        let (year, digits, day) = if a_digits == 4 { (a, a_digits, c) } else { (c, c_digits, a) };
        return Some((days(full_year(year, digits)?, month, day)?, DateForm::Named, rest));
    }
    let (b, b_digits, rest) = number(rest)?;
    let (c, c_digits, rest) = number(separator(rest)?)?;
    if b_digits > 2 {
        return None;
    }
    let rest = rest.strip_prefix("日".as_bytes()).unwrap_or(rest);
    let (form, [year, month, day], digits) = match (a_digits, c_digits, order) {
        (4, 1 | 2, _) => (DateForm::YearFirst, [a, b, c], 4),
        (1 | 2, 4, DateOrder::Mdy) => (DateForm::YearLast, [c, a, b], 4),
        (1 | 2, 4, DateOrder::Dmy) => (DateForm::YearLast, [c, b, a], 4),
        (1 | 2, 2, DateOrder::Mdy) => (DateForm::ShortYear, [c, a, b], 2),
        (1 | 2, 2, DateOrder::Dmy) => (DateForm::ShortYear, [c, b, a], 2),
        (2, 1 | 2, DateOrder::Ymd) => (DateForm::ShortYear, [a, b, c], 2),
        _ => return None,
    };
    Some((days(full_year(year, digits)?, month, day)?, form, rest))
}

/// `20240131`, alone, before `T` or a blank, or before `hhmmss`.
fn compact_date(text: &[u8]) -> Option<(i32, DateForm, &[u8])> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    if !matches!(digits, 8 | 14) {
        return None;
    }
    let (date, rest) = text.split_at_checked(8)?;
    let (value, _, _) = number(date)?;
    Some((days(full_year(value / 10_000, 4)?, value / 100 % 100, value % 100)?, DateForm::YearFirst, rest))
}

fn weekday(text: &[u8]) -> &[u8] {
    const NAMES: [&[u8]; 7] = [b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"];
    let letters = text.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let Some((word, rest)) = text.split_at_checked(letters) else { return text };
    let short = word.get(..3).unwrap_or_default().to_ascii_lowercase();
    if letters > 9 || !NAMES.contains(&short.as_slice()) {
        return text;
    }
    blanks(rest.strip_prefix(b",").unwrap_or(rest))
}

/// Two digits are 2000–2068 or 1969–1999; four must be 1900–2199.
fn full_year(year: u32, digits: usize) -> Option<u32> {
    match (digits, year) {
        (2, 0..=68) => Some(2000 + year),
        (2, _) => Some(1900 + year),
        (4, 1900..=2199) => Some(year),
        _ => None,
    }
}

fn days(year: u32, month: u32, day: u32) -> Option<i32> {
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    Some(date.num_days_from_ce() - UNIX_DAY_CE)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Am,
    Pm,
}

fn half(text: &[u8]) -> Option<(Half, &[u8])> {
    let (half, rest) = if let Some(rest) = text.strip_prefix("上午".as_bytes()) {
        (Half::Am, rest)
    } else if let Some(rest) = text.strip_prefix("下午".as_bytes()) {
        (Half::Pm, rest)
    } else {
        match text {
            [b'A' | b'a', b'M' | b'm', rest @ ..] | [b'a' | b'A', b'.', b'm' | b'M', b'.', rest @ ..] => {
                (Half::Am, rest)
            }
            [b'P' | b'p', b'M' | b'm', rest @ ..] | [b'p' | b'P', b'.', b'm' | b'M', b'.', rest @ ..] => {
                (Half::Pm, rest)
            }
            _ => return None,
        }
    };
    (!rest.first().is_some_and(u8::is_ascii_alphabetic)).then_some((half, rest))
}

/// `h:mm`, `hh:mm:ss`, `hh:mm:ss.fff`, with AM or PM before or after; `hhmmss`; `24:00`. ms since 00:00.
fn clock(text: &[u8]) -> Option<(i64, &[u8])> {
    let (before, text) = half(text).map_or((None, text), |(half, rest)| (Some(half), blanks(rest)));
    let (hour, digits, rest) = number(text)?;
    let (hour, minute, second_ms, rest) = match (digits, rest) {
        (1 | 2, [b':', tail @ ..]) => {
            let (minute, rest) = two_digits(tail)?;
            let (second_ms, rest) = seconds(rest)?;
            (hour, minute, second_ms, rest)
        }
        (4, _) => (hour / 100, hour % 100, 0, rest),
        (6, _) => (hour / 10_000, hour / 100 % 100, i64::from(hour % 100) * 1000, rest),
        (1 | 2, _) if before.is_some() || half(blanks(rest)).is_some() => (hour, 0, 0, rest),
        _ => return None,
    };
    let (half, rest) = match before {
        Some(half) => (Some(half), rest),
        None => half(blanks(rest)).map_or((None, rest), |(half, rest)| (Some(half), rest)),
    };
    let hour = match (half, hour) {
        (Some(Half::Am), 12) => 0,
        (Some(Half::Pm), 1..=11) => hour + 12,
        (Some(Half::Am), 13..) => return None,
        _ => hour,
    };
    let ms = i64::from(hour) * 3_600_000 + i64::from(minute) * 60_000 + second_ms;
    (minute < 60 && second_ms < 60_000 && ms <= DAY_MS).then_some((ms, rest))
}

fn two_digits(text: &[u8]) -> Option<(u32, &[u8])> {
    match text {
        [a @ b'0'..=b'9', b @ b'0'..=b'9', rest @ ..] => Some((u32::from(a - b'0') * 10 + u32::from(b - b'0'), rest)),
        _ => None,
    }
}

/// `:ss` and a fraction, if they stand there: ms.
fn seconds(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some(rest) = text.strip_prefix(b":") else {
        return (!text.first().is_some_and(u8::is_ascii_digit)).then_some((0, text));
    };
    let (second, rest) = two_digits(rest)?;
    let (mut ms, mut scale, mut rest) = (i64::from(second) * 1000, 100, rest);
    if let [b'.' | b',', tail @ ..] = rest
        && tail.first().is_some_and(u8::is_ascii_digit)
    {
        rest = tail;
        while let [digit @ b'0'..=b'9', tail @ ..] = rest {
            (ms, scale, rest) = (ms + i64::from(digit - b'0') * scale, scale / 10, tail);
        }
    }
    (!rest.first().is_some_and(u8::is_ascii_digit)).then_some((ms, rest))
}

/// What may follow a clock time: nothing, `Z`, `UTC`, `±hh[:mm]`, or a zone abbreviation (which is ignored).
fn zone(text: &[u8]) -> Option<(Option<i32>, bool)> {
    let rest = blanks(text);
    match rest {
        [] => return Some((None, false)),
        [b'Z' | b'z'] | [b'U', b'T', b'C'] | [b'G', b'M', b'T'] => return Some((Some(0), false)),
        _ => {}
    }
    let rest = rest.strip_prefix(b"UTC").or_else(|| rest.strip_prefix(b"GMT")).unwrap_or(rest);
    if let [sign @ (b'+' | b'-'), tail @ ..] = rest {
        let (value, digits, tail) = number(tail)?;
        let (hours, minutes) = match (digits, tail) {
            (1 | 2, []) => (value, 0),
            (4, []) => (value / 100, value % 100),
            (1 | 2, [b':', tail @ ..]) => match two_digits(tail)? {
                (minutes, []) => (value, minutes),
                _ => return None,
            },
            _ => return None,
        };
        let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
        return (hours <= 18 && minutes < 60).then_some((Some(if *sign == b'-' { -seconds } else { seconds }), false));
    }
    let abbreviation = (2..=5).contains(&rest.len()) && rest.iter().all(u8::is_ascii_uppercase);
    abbreviation.then_some((None, true))
}

/// A local time's place in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Local {
    /// UTC ms.
    Once(i64),
    /// The local time exists twice; UTC ms of the pass that the row before it speaks for.
    Repeated(i64),
    /// The clocks are put forward over it.
    Missing,
}

/// Local times of one zone to UTC, with the offset of the last day kept.
#[derive(Debug, Clone)]
pub struct ZoneClock {
    zone: Tz,
    newest_first: bool,
    day: i64,
    /// Offset of all of `day`, ms; none where it changes within the day.
    offset_ms: Option<i64>,
}

impl ZoneClock {
    /// A clock of `zone` for rows that are written oldest first, or newest first.
    #[must_use]
    pub fn new(zone: Tz, newest_first: bool) -> Self {
        Self { zone, newest_first, day: i64::MIN, offset_ms: None }
    }

    /// UTC of a local time (ms since 1970-01-01 00:00 local). A repeated hour is told apart by `previous`,
    /// the UTC ms of the row before: the first pass unless that would go back in time.
    pub fn utc(&mut self, local_ms: i64, previous: Option<i64>) -> Local {
        let day = local_ms.div_euclid(DAY_MS);
        if day != self.day {
            self.day = day;
            self.offset_ms = self.whole_day(day);
        }
        if let Some(offset_ms) = self.offset_ms {
            return Local::Once(local_ms - offset_ms);
        }
        let (first, second) = match self.offsets(local_ms) {
            None => return Local::Missing,
            Some((first, second)) if first == second => return Local::Once(local_ms - first),
            Some((first, second)) => (local_ms - first, local_ms - second),
        };
        let second_pass = match previous {
            Some(previous) if self.newest_first => second <= previous,
            Some(previous) => first < previous,
            None => self.newest_first,
        };
        Local::Repeated(if second_pass { second } else { first })
    }

    fn whole_day(&self, day: i64) -> Option<i64> {
        let (first, last) = (self.offsets(day * DAY_MS)?, self.offsets(day * DAY_MS + DAY_MS - 1)?);
        (first == last && first.0 == first.1).then_some(first.0)
    }

    /// Offsets (ms) of the first and second pass of a local time: equal when it exists once.
    fn offsets(&self, local_ms: i64) -> Option<(i64, i64)> {
        let local = DateTime::from_timestamp_millis(local_ms)?.naive_utc();
        let offset = |offset: <Tz as TimeZone>::Offset| i64::from(offset.fix().local_minus_utc()) * 1000;
        match self.zone.offset_from_local_datetime(&local) {
            chrono::MappedLocalTime::Single(only) => Some((offset(only), offset(only))),
            chrono::MappedLocalTime::Ambiguous(a, b) => Some((offset(a).max(offset(b)), offset(a).min(offset(b)))),
            chrono::MappedLocalTime::None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
    use super::*;

    /// Expected values: `date -u -d '…' +%s`.
    fn utc(text: &str, order: DateOrder) -> Option<i64> {
        stamp(text, order).map(|s| s.local_ms() - i64::from(s.offset_s.unwrap_or(0)) * 1000)
    }

    #[test]
    fn reads_the_forms_that_reports_use() {
        let at = 1_725_235_200_000; // 2024-09-02 00:00:00 UTC
        for (text, order, expected) in [
            ("2024-09-02", DateOrder::Mdy, at),
            ("2024/9/2 00:00", DateOrder::Dmy, at),
            ("20240902", DateOrder::Dmy, at),
            ("20240902T001500Z", DateOrder::Dmy, at + 900_000),
            ("20240902001500", DateOrder::Dmy, at + 900_000),
            ("2024-09-02T08:00:00+08:00", DateOrder::Mdy, at),
            ("2024-09-02T08:00:00.250+0800", DateOrder::Mdy, at + 250),
            ("2024-09-01 19:00:00-05", DateOrder::Mdy, at),
            ("9/2/2024 12:15 AM", DateOrder::Mdy, at + 900_000),
            ("2/9/2024 12:15 p.m.", DateOrder::Dmy, at + 44_100_000),
            ("02-Sep-24 12:00 AM SGT", DateOrder::Dmy, at),
            ("2 September 2024 00:00:00", DateOrder::Mdy, at),
            ("Sep 2, 2024 12:00:00 AM", DateOrder::Dmy, at),
            ("Mon, 2 Sep 2024 00:00:00 GMT", DateOrder::Dmy, at),
            ("2024/9/2 上午 12:15:00", DateOrder::Ymd, at + 900_000),
            ("2024/9/2 下午 03:00", DateOrder::Ymd, at + 54_000_000),
            ("2024年9月2日 00:15", DateOrder::Ymd, at + 900_000),
            ("2.9.2024 0:15", DateOrder::Dmy, at + 900_000),
            ("24/9/2", DateOrder::Ymd, at),
            ("2024-09-01 24:00:00", DateOrder::Ymd, at),
        ] {
            assert_eq!(utc(text, order), Some(expected), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "12.5",
            "100",
            "2024-13-01",
            "2024-02-30",
            "2024-01-01 25:00",
            "2024-01-01 24:01",
            "2024-01-01 10:60",
            "2024-01-01 1",
            "2024-01-01 00:1",
            "31/12/2024",
            "1.2.3.4",
            "2024-01-01x",
            "105/10/10",
            "Point_1",
            "2024-01-01 13:00 AM",
            "2024-01-01 10:00:00 Taipei",
        ] {
            assert_eq!(stamp(text, DateOrder::Mdy), None, "{text}");
        }
        assert_eq!(stamp("6/5/2017", DateOrder::Ymd), None);
    }

    #[test]
    fn two_digit_years_turn_at_68() {
        assert_eq!(stamp("1/1/68", DateOrder::Mdy).map(|s| spell_day(s.day)).as_deref(), Some("1 January 2068"));
        assert_eq!(stamp("1/1/69", DateOrder::Mdy).map(|s| spell_day(s.day)).as_deref(), Some("1 January 1969"));
    }

    #[test]
    fn epochs_by_magnitude() {
        assert_eq!(epoch("1725235200"), Some(1_725_235_200_000));
        assert_eq!(epoch("1725235200.5"), Some(1_725_235_200_500));
        assert_eq!(epoch("1725235200250"), Some(1_725_235_200_250));
        assert_eq!(epoch("172523520"), None);
        assert_eq!(epoch("-1725235200"), None);
    }

    /// New York put its clocks back on 2024-11-03 at 06:00 UTC and forward on 2024-03-10 at 07:00 UTC.
    #[test]
    fn the_repeated_hour_is_told_apart_by_row_order() {
        let ms = |text: &str| stamp(text, DateOrder::Ymd).unwrap().local_ms();
        let zone: Tz = "America/New_York".parse().unwrap();
        let mut clock = ZoneClock::new(zone, false);
        let mut previous = None;
        let mut got = Vec::new();
        for text in ["00:30", "01:00", "01:30", "01:00", "01:00", "01:30", "02:00"] {
            let at = match clock.utc(ms(&format!("2024-11-03 {text}")), previous) {
                Local::Once(at) | Local::Repeated(at) => at,
                Local::Missing => panic!("{text}"),
            };
            previous = Some(at);
            got.push(at);
        }
        let expected: Vec<i64> = ["04:30", "05:00", "05:30", "06:00", "06:00", "06:30", "07:00"]
            .map(|t| ms(&format!("2024-11-03 {t}")))
            .into();
        assert_eq!(got, expected);

        let mut clock = ZoneClock::new(zone, true);
        let mut previous = None;
        let mut got = Vec::new();
        for text in ["02:00", "01:30", "01:00", "01:30", "01:00", "00:30"] {
            let at = match clock.utc(ms(&format!("2024-11-03 {text}")), previous) {
                Local::Once(at) | Local::Repeated(at) => at,
                Local::Missing => panic!("{text}"),
            };
            previous = Some(at);
            got.push(at);
        }
        let expected: Vec<i64> =
            ["07:00", "06:30", "06:00", "05:30", "05:00", "04:30"].map(|t| ms(&format!("2024-11-03 {t}"))).into();
        assert_eq!(got, expected);
        assert_eq!(clock.utc(ms("2024-03-10 02:30"), None), Local::Missing);
        assert_eq!(clock.utc(ms("2024-03-10 03:00"), None), Local::Once(ms("2024-03-10 07:00")));
    }
}

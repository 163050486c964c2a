//! Dates, clocks and zones as reports write them, one text at a time.
//!
//! Never guesses between month-first and day-first: the caller says the order, and settles it for a whole file
//! (`dates`). Dates stand in `calendar`, clocks in `clock`, zones in `zones`, plain numbers in `epoch`.

use super::DateOrder;
pub(crate) use super::calendar::spell_day;
use super::calendar::{self, Date, DateForm};
use super::clock::{self, behind_to, clock, dotted_clock};
pub(crate) use super::clock::{DAY_MS, clock_ms, clock_only, past_midnight};
pub(crate) use super::epoch::epoch;
use super::scan::{blanks, number, word};
use super::zones::{self, StatedZone};

/// Every order that dates are written in.
pub(crate) const ORDERS: [DateOrder; 3] = [DateOrder::Mdy, DateOrder::Dmy, DateOrder::Ymd];

/// How the times of a file are written, as far as one text alone does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    /// Decides where only numbers stand; with [`DateOrder::Ymd`] a date whose year stands last is not read.
    pub order: DateOrder,
    /// Dates have no year.
    pub yearless: bool,
    /// Times are from–to: `05:00-06:00` is an hour, not a time at UTC-6.
    pub from_to: bool,
}

/// A time as it stands in a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Stamp {
    /// Days since 1970; a date without a year is a day of [`calendar::LEAP_YEAR`].
    pub day: i32,
    /// Since the day's 00:00, 0..=[`DAY_MS`] (24:00 is the next day's 00:00).
    pub clock_ms: i64,
    /// Whether a clock time was written at all.
    pub has_clock: bool,
    /// Its zone, when written.
    pub zone: Option<StatedZone>,
    /// From beginning to end, ms, when both are written; the time is the beginning.
    pub width_ms: Option<i64>,
    /// How the date is written.
    pub form: DateForm,
    /// The date's numbers are parted by dots.
    pub dotted: bool,
    /// Bytes of the text that are the date; more than there are where the date does not stand first.
    pub date_bytes: usize,
}

impl Stamp {
    fn of(text: &[u8], date: Date<'_>) -> Self {
        let Date { day, form, dotted, rest } = date;
        Self { day, form, dotted, date_bytes: text.len() - rest.len(), ..Self::default() }
    }

    /// Local time, ms since 1970-01-01 00:00 local.
    #[must_use]
    pub(crate) fn local_ms(&self) -> i64 {
        i64::from(self.day) * DAY_MS + self.clock_ms
    }
}

/// Reads a date with its year, or a date and a clock time, and a zone, or two such times, from and to; all of `text`
/// must be used up.
#[must_use]
pub(crate) fn stamp(text: &str, order: DateOrder) -> Option<Stamp> {
    read(text, Form { order, yearless: false, from_to: false })
}

/// Reads a time that is written in a form.
#[must_use]
pub(crate) fn read(text: &str, form: Form) -> Option<Stamp> {
    let text = text.trim().as_bytes();
    let date =
        |text| if form.yearless { calendar::yearless_date(text, form.order) } else { calendar::date(text, form.order) };
    if form.from_to
        && let Some(stamp) = from_to(text, &date)
    {
        return Some(stamp);
    }
    let plain = plain(text, &date).or_else(|| if form.yearless { None } else { year_at_end(text) });
    plain.or_else(|| clock_first(text, &date)).or_else(|| from_to(text, &date))
}

/// A time in the first order of its numbers that it can be read in.
#[must_use]
pub(crate) fn in_any_order(text: &str) -> Option<Stamp> {
    ORDERS.iter().find_map(|order| stamp(text, *order))
}

/// Whether a text is a time under any order of dates: with its year, with or without a clock time and a zone, alone or
/// from–to. A number is none ([`epoch`], [`super::epoch::is_epoch_column`]), nor is a date without a year
/// ([`is_yearless`]) or a clock time ([`clock_only`]).
#[must_use]
pub(crate) fn is_stamp(text: &str) -> bool {
    in_any_order(text).is_some()
}

/// Whether a text is a time but for its year: `07/21 24:00:00`, `Jan 5 13:00`, `January`. Two numbers alone, such as
/// `7/21`, are none. Ask only where no column holds whole times: `May` is a word too.
#[must_use]
pub(crate) fn is_yearless(text: &str) -> bool {
    let tells = |stamp: Stamp| stamp.has_clock || stamp.form == DateForm::Named;
    [DateOrder::Mdy, DateOrder::Dmy]
        .iter()
        .any(|order| read(text, Form { order: *order, yearless: true, from_to: false }).is_some_and(tells))
}

/// What kind of time a text is that this program does not read, in words; none when it is no such time.
#[must_use]
pub(crate) fn unread_form(text: &str) -> Option<&'static str> {
    let text = text.trim().as_bytes();
    if let Some(Date { rest, .. }) = calendar::date(text, DateOrder::Ymd)
        && let [b' ' | b'T', hour @ ..] = rest
        && matches!(number(hour), Some((0..=24, 1 | 2, [])))
    {
        return Some("an hour without minutes");
    }
    if let Some(Date { rest, .. }) = calendar::date(text, DateOrder::Ymd)
        && let [b' ' | b'T', clock @ ..] = rest
        && std::str::from_utf8(clock).is_ok_and(|clock| past_midnight(clock).is_some())
    {
        return Some("a clock time beyond 24:00");
    }
    let alphabetic = text.first()?.is_ascii_alphabetic();
    if let Some((_, [b'-' | b' ' | b'/' | b'\'', year @ ..])) = calendar::month(text).filter(|_| alphabetic)
        && matches!(number(year.strip_prefix(b"'").unwrap_or(year)), Some((_, 2, [])))
    {
        return Some("a month and either a day or a year of two digits");
    }
    let (_, 4, rest) = number(text)? else { return None };
    let digits = |rest: &[u8]| number(rest).map_or(0, |(_, digits, _)| digits);
    match rest {
        [b'-', b'W', tail @ ..] | [b'W', tail @ ..] if digits(tail) >= 2 => Some("a year and a week (ISO 8601)"),
        [b'-', tail @ ..] if digits(tail) == 3 => Some("a year and a day of the year (ISO 8601)"),
        _ => None,
    }
}

/// Reads a text (trimmed) that begins with the same date as one read before; none when it does not, or when
/// it is no time.
#[must_use]
pub(crate) fn same_date(before: &str, stamp: &Stamp, text: &str) -> Option<Stamp> {
    let (date, rest) = text.as_bytes().split_at_checked(stamp.date_bytes)?;
    if before.as_bytes().get(..stamp.date_bytes) != Some(date) || !matches!(rest.first(), Some(b' ' | b'T')) {
        return None;
    }
    with_clock(Stamp { clock_ms: 0, has_clock: false, zone: None, width_ms: None, ..*stamp }, rest)
}

fn plain<'t>(text: &'t [u8], date: &impl Fn(&'t [u8]) -> Option<Date<'t>>) -> Option<Stamp> {
    let date = date(text)?;
    let stamp = Stamp::of(text, date);
    let clock = date.rest.strip_prefix(b":").filter(|_| date.form == DateForm::Named);
    match clock.filter(|_| four_digits_end(text, stamp.date_bytes)) {
        Some(clock) => with_clock(stamp, clock), // 02/Sep/2024:08:00:00
        None => with_clock(stamp, date.rest),
    }
}

fn four_digits_end(text: &[u8], end: usize) -> bool {
    end.checked_sub(4).and_then(|from| text.get(from..end)).is_some_and(|year| year.iter().all(u8::is_ascii_digit))
}

/// What stands behind a date: nothing, or a clock time and a zone.
fn with_clock(mut stamp: Stamp, rest: &[u8]) -> Option<Stamp> {
    let rest = match rest {
        [] => return Some(stamp),
        [b'T' | b't' | b'_', tail @ ..] => tail,
        [b' ', ..] => blanks(rest),
        [b',', tail @ ..] => blanks(tail),
        [b'0'..=b'9' | b'(' | 0x80.., ..] => rest,
        _ => return None,
    };
    if rest.is_empty() {
        return Some(stamp);
    }
    let (clock_ms, rest) = clock(rest).or_else(|| clock(behind_remark(rest)?)).or_else(|| dotted_clock(rest))?;
    (stamp.clock_ms, stamp.has_clock) = (clock_ms, true);
    stamp.zone = zones::behind_clock(rest)?;
    Some(stamp)
}

/// What stands behind a word between date and clock: `at`, `um`, `(Fri)`, `(五)`.
fn behind_remark(rest: &[u8]) -> Option<&[u8]> {
    if let [b'(', inner @ ..] = rest {
        let end = inner.iter().take(16).position(|b| *b == b')')?;
        let (day, rest) = inner.split_at_checked(end)?;
        let day = std::str::from_utf8(day).ok()?;
        let is_day = day.chars().all(|c| "一二三四五六日月火水木金土週周星期曜월화수목금토일".contains(c))
            || calendar::behind_weekday(format!("{day}, ").as_bytes()).is_empty();
        return is_day.then(|| blanks(rest.get(1..).unwrap_or_default()));
    }
    let (word, tail) = word(rest)?;
    ["at", "um", "a", "alle"].contains(&word.as_str()).then(|| blanks(tail))
}

/// `Mon Feb  5 14:00:00 2024`, `Mon Feb 5 14:00:00 EST 2024`.
fn year_at_end(text: &[u8]) -> Option<Stamp> {
    let (month, rest) = calendar::month(calendar::behind_weekday(text))?;
    let (day, _, rest) = number(blanks(rest))?;
    let (clock_ms, rest) = clock(rest.strip_prefix(b" ").map(blanks)?)?;
    let (rest, year) = rest.split_at_checked(rest.len().checked_sub(4)?)?;
    let (year, digits, []) = number(year)? else { return None };
    let zone = zones::behind_clock(rest.strip_suffix(b" ")?.trim_ascii_end())?;
    let day = calendar::days(calendar::full_year(year, digits)?, month, day)?;
    let form = DateForm::Named;
    Some(Stamp { day, clock_ms, has_clock: true, zone, form, date_bytes: usize::MAX, ..Stamp::default() })
}

/// `14:00:00 05/02/2024`, `2:00 PM Feb 5, 2024`.
fn clock_first<'t>(text: &'t [u8], date: &impl Fn(&'t [u8]) -> Option<Date<'t>>) -> Option<Stamp> {
    let (clock_ms, rest) = text.contains(&b':').then(|| clock(text))??;
    let rest = match rest {
        [b' ', ..] => blanks(rest),
        [b',', tail @ ..] => blanks(tail),
        _ => return None,
    };
    let date = date(rest)?;
    let stamp = Stamp { clock_ms, has_clock: true, date_bytes: usize::MAX, ..Stamp::of(rest, date) };
    Some(Stamp { date_bytes: usize::MAX, zone: zones::behind_clock(date.rest)?, ..stamp })
}

/// Clocks are put back by it, ms.
const PUT_BACK_MS: i64 = 3_600_000;

/// `2024-05-01 00:00 to 2024-05-01 00:15`, `2024-05-01 00:00 - 00:15`, `2024-05-01T00:00Z/PT15M`: the beginning, and
/// how long it is to the end.
fn from_to<'t>(text: &'t [u8], date: &impl Fn(&'t [u8]) -> Option<Date<'t>>) -> Option<Stamp> {
    let Date { rest, .. } = date(text)?;
    let date_bytes = text.len() - rest.len();
    (date_bytes..text.len()).find_map(|at| {
        let (from, rest) = text.split_at_checked(at)?;
        let to = behind_to(rest)?;
        let from = plain(from.trim_ascii_end(), date)?;
        let width = if let Some(to) = plain(to, date) {
            let utc = |stamp: &Stamp| match (from.zone, to.zone, stamp.zone) {
                (Some(_), Some(_), Some(StatedZone::Offset(seconds))) => stamp.local_ms() - i64::from(seconds) * 1000,
                _ => stamp.local_ms(),
            };
            utc(&to) - utc(&from)
        } else if let Some((to, [])) = clock(to).filter(|_| from.has_clock) {
            clock::width(from.clock_ms, to)?
        } else {
            duration(to)?
        };
        // What follows the date is not what follows it in the next row.
        // Where the clocks are put back an interval ends at once, or 45 minutes before it begins.
        let put_back = |width: i64| width > -PUT_BACK_MS && PUT_BACK_MS % (PUT_BACK_MS + width) == 0;
        let possible = width > 0 || put_back(width);
        possible.then_some(Stamp { width_ms: Some(width).filter(|ms| *ms > 0), date_bytes: usize::MAX, ..from })
    })
}

/// `PT15M`, `PT1H`, `P1D`: ms.
fn duration(text: &[u8]) -> Option<i64> {
    let text = text.strip_prefix(b"P")?;
    let (clock, text) = text.strip_prefix(b"T").map_or((false, text), |rest| (true, rest));
    let (value, _, unit) = number(text)?;
    let unit = match (clock, unit) {
        (false, b"D") => DAY_MS,
        (true, b"H") => 3_600_000,
        (true, b"M") => 60_000,
        (true, b"S") => 1000,
        _ => return None,
    };
    Some(i64::from(value) * unit)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// 2024-09-02 00:00:00 UTC: `date -u -d '…' +%s`.
    const AT: i64 = 1_725_235_200_000;
    const HOUR: i64 = 3_600_000;

    fn utc(text: &str, order: DateOrder) -> Option<i64> {
        stamp(text, order).map(|s| match s.zone {
            Some(StatedZone::Offset(seconds)) => s.local_ms() - i64::from(seconds) * 1000,
            _ => s.local_ms(),
        })
    }

    #[test]
    fn reads_the_forms_that_reports_use() {
        use DateOrder::{Dmy, Mdy, Ymd};
        for (text, order, expected) in [
            ("2024-09-02", Mdy, AT),
            ("2024/9/2 00:00", Dmy, AT),
            ("20240902", Dmy, AT),
            ("20240902T001500Z", Dmy, AT + 900_000),
            ("20240902001500", Dmy, AT + 900_000),
            ("202409020015", Dmy, AT + 900_000),
            ("20240902 0815", Dmy, AT + 8 * HOUR + 900_000),
            ("2024-09-02T08:00:00+08:00", Mdy, AT),
            ("2024-09-02T08:00:00.250+0800", Mdy, AT + 250),
            ("2024-09-02T08:00:00,250", Mdy, AT + 8 * HOUR + 250),
            ("2024-09-01 19:00:00-05", Mdy, AT),
            ("2024-09-01T20:00:00-04:00 New_York", Mdy, AT),
            ("2024-09-01T20:00:00-04:00[America/New_York]", Mdy, AT),
            ("2024-09-02T00:00:00Z UTC", Mdy, AT),
            ("9/2/2024 12:15 AM", Mdy, AT + 900_000),
            ("9/2/2024 12:15AM", Mdy, AT + 900_000),
            ("9/2/2024, 12:15:00\u{202f}AM", Mdy, AT + 900_000),
            ("2/9/2024 12:15 p.m.", Dmy, AT + 44_100_000),
            ("2/9/2024 12:15 p. m.", Dmy, AT + 44_100_000),
            ("2/9/2024 12:15:00 a.\u{a0}m.", Dmy, AT + 900_000),
            ("2/9/2024 8 AM", Dmy, AT + 8 * HOUR),
            ("02-Sep-24 12:00 AM", Dmy, AT),
            ("2 September 2024 00:00:00", Mdy, AT),
            ("Sep 2, 2024 12:00:00 AM", Dmy, AT),
            ("Sep 2, 2024 at 12:15 AM", Dmy, AT + 900_000),
            ("September 2024", Dmy, AT - 24 * HOUR),
            ("Mon, 2 Sep 2024 00:00:00 GMT", Dmy, AT),
            ("Mon Sep  2 00:15:00 2024", Dmy, AT + 900_000),
            ("Mon Sep 2 00:15:00 UTC 2024", Dmy, AT + 900_000),
            ("Mon Sep 02 2024 08:00:00 GMT+0800 (Taipei Standard Time)", Dmy, AT),
            ("02/Sep/2024:08:00:00 +0800", Dmy, AT),
            ("2024/9/2 上午 12:15:00", Ymd, AT + 900_000),
            ("2024/9/2 上午 8:00", Ymd, AT + 8 * HOUR),
            ("2024/9/2 下午 03:00", Ymd, AT + 54_000_000),
            ("2024年9月2日 00:15", Ymd, AT + 900_000),
            ("2024/09/02 (月) 00:15", Ymd, AT + 900_000),
            ("2024/09/02(Mon) 00:15", Ymd, AT + 900_000),
            ("2024. 9. 2. 오전 8:00", Ymd, AT + 8 * HOUR),
            ("2.9.2024 0:15", Dmy, AT + 900_000),
            ("2.9.2024 14.30.00", Dmy, AT + 14 * HOUR + 1_800_000),
            ("02.09.2024 00:15 Uhr", Dmy, AT + 900_000),
            ("02/09/2024 00h15", Dmy, AT + 900_000),
            ("02.09.2024 00.15", Dmy, AT + 900_000),
            ("2.9.2024 8.15 Uhr", Dmy, AT + 8 * HOUR + 900_000),
            ("9/2/2024 12:15:00a", Mdy, AT + 900_000),
            ("9/2/2024 1:30p", Mdy, AT + 13 * HOUR + 1_800_000),
            ("113/09/02", Dmy, AT),
            ("113-9-2 00:15", Mdy, AT + 900_000),
            ("113.09.02 00:15", Dmy, AT + 900_000),
            ("民國113年9月2日", Dmy, AT),
            ("中華民國113年9月2日", Dmy, AT),
            ("113年9月2日 上午 12:15", Ymd, AT + 900_000),
            ("00:15:00 02/09/2024", Dmy, AT + 900_000),
            ("12:15 AM Sep 2, 2024", Dmy, AT + 900_000),
            ("24/9/2", Ymd, AT),
            ("2024-09-01 24:00:00", Ymd, AT),
        ] {
            assert_eq!(utc(text, order), Some(expected), "{text}");
            assert!(is_stamp(text), "{text}");
        }
    }

    #[test]
    fn months_in_the_languages_of_the_trade() {
        for text in [
            "2. September 2024",
            "Mo, 2. Sept. 2024",
            "2 septembre 2024",
            "lun. 2 sept. 2024",
            "2 de septiembre de 2024",
            "2 set 2024",
            "2 settembre 2024",
            "lunedì 2 settembre 2024",
            "2-sep-2024",
            "2 de setembro de 2024",
            "maandag 2 september 2024",
            "2 września 2024",
            "2 Eylül 2024",
            "2. září 2024",
        ] {
            assert_eq!(utc(text, DateOrder::Ymd), Some(AT), "{text}");
        }
        for (month, words) in [
            (1, "Jänner janv. ene gen januari janeiro"),
            (2, "Februar févr. feb Fevereiro febbraio"),
            (3, "März Mrz Mär mars marzo maart mrt março mar."),
            (4, "April avr. abr aprile"),
            (5, "Mai mayo mag mei maio may"),
            (6, "Juni juin junio giu junho"),
            (7, "Juli juil. julio lug julho"),
            (8, "Aug. août ago agosto augustus"),
            (10, "Okt. oct. octubre ott out OKTOBER"),
            (12, "Dez. déc. dic dicembre dezembro DÉCEMBRE"),
        ] {
            for word in words.split(' ') {
                let read = stamp(&format!("5 {word} 2024"), DateOrder::Dmy).map(|s| calendar::year_and_month(s.day));
                assert_eq!(read, Some((2024, month)), "{word}");
            }
        }
        assert_eq!(stamp("5 jui 2024", DateOrder::Dmy), None);
        assert_eq!(utc("mar. 3 sept. 2024", DateOrder::Dmy), Some(AT + 24 * HOUR));
    }

    #[test]
    fn intervals_are_their_beginning_and_a_width() {
        for (text, width) in [
            ("2024-09-02 00:15:00 to 2024-09-02 00:30:00", 900_000),
            ("2024-09-02 00:15 - 2024-09-02 00:30", 900_000),
            ("2024-09-02 00:15 – 00:30", 900_000),
            ("2024-09-02 00:15-00:30", 900_000),
            ("2024-09-02T00:15/2024-09-02T01:15", HOUR),
            ("2024-09-02T00:15:00Z/2024-09-02T00:30:00Z", 900_000),
            ("2024-09-02T00:15:00Z/PT15M", 900_000),
            ("02.09.2024 00:15 bis 02.09.2024 00:30", 900_000),
            ("09/02/2024 12:15 AM - 09/02/2024 12:45 AM", 1_800_000),
        ] {
            let order = if text.contains('.') { DateOrder::Dmy } else { DateOrder::Mdy };
            let read = stamp(text, order).unwrap();
            assert_eq!((read.local_ms(), read.width_ms), (AT + 900_000, Some(width)), "{text}");
            assert!(is_stamp(text), "{text}");
        }
        assert_eq!(stamp("2024-09-02 00:30 to 2024-09-02 00:15", DateOrder::Mdy), None);
        let form = Form { order: DateOrder::Ymd, yearless: false, from_to: true };
        assert_eq!(read("2024-09-02 05:00-06:00", form).unwrap().width_ms, Some(HOUR));
        for (text, from, width) in [
            ("00:00 - 00:15", 0, 900_000),
            ("23:45-00:00", 23 * HOUR + 2_700_000, 900_000),
            ("05:00–06:00", 5 * HOUR, HOUR),
        ] {
            let read = clock_only(text).unwrap();
            assert_eq!((read.ms, read.width_ms), (from, Some(width)), "{text}");
        }
        assert_eq!(clock_only("05:00:00-05:00").unwrap().width_ms, None);
    }

    #[test]
    fn dates_without_a_year() {
        let read = |text: &str, order| read(text, Form { order, yearless: true, from_to: false });
        for (text, order) in [
            (" 07/21  24:00:00", DateOrder::Mdy),
            ("21.07. 24:00", DateOrder::Dmy),
            ("Jul 21 24:00", DateOrder::Ymd),
            ("21. Juli 24:00", DateOrder::Ymd),
        ] {
            let stamp = read(text, order).unwrap();
            assert_eq!((spell_day(stamp.day).as_str(), stamp.clock_ms), ("21 July 2000", DAY_MS), "{text}");
            assert!(is_yearless(text) && !is_stamp(text), "{text}");
        }
        assert_eq!(read("January", DateOrder::Ymd).map(|s| spell_day(s.day)).as_deref(), Some("1 January 2000"));
        for text in ["7/21", "21.5", "12:00", "On", "2024-01-01", "Point_1", "1-2", "5"] {
            assert!(!is_yearless(text), "{text}");
        }
    }

    #[test]
    fn forms_that_are_not_read_have_a_name() {
        for (text, words) in [
            ("2024-W05-1", "week"),
            ("2024W051", "week"),
            ("2024-036", "day of the year"),
            ("2024-036T08:00", "day of the year"),
            ("2024-02-05 8", "hour"),
            ("Jan-24", "month"),
            ("Feb '24", "month"),
        ] {
            assert!(unread_form(text).unwrap_or_default().contains(words), "{text}");
            assert_eq!(stamp(text, DateOrder::Ymd), None, "{text}");
        }
        for text in ["2024-02-05 08:00", "12.5", "On", "", "2024", "100"] {
            assert_eq!(unread_form(text), None, "{text}");
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
            "213/10/10",
            "Point_1",
            "2024-01-01 13:00 AM",
            "2024-01-01 10:00:00 Nowhere",
            "1200 KW",
            "12345/67890",
            "Mon",
            "May",
        ] {
            assert_eq!(stamp(text, DateOrder::Mdy), None, "{text}");
            assert_eq!(clock_only(text), None, "{text}");
        }
        assert_eq!(stamp("6/5/2017", DateOrder::Ymd), None);
    }

    #[test]
    fn two_digit_years_turn_at_68() {
        assert_eq!(stamp("1/1/68", DateOrder::Mdy).map(|s| spell_day(s.day)).as_deref(), Some("1 January 2068"));
        assert_eq!(stamp("1/1/69", DateOrder::Mdy).map(|s| spell_day(s.day)).as_deref(), Some("1 January 1969"));
    }
}

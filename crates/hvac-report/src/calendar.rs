//! Dates as reports write them: with numbers, with the month's name in the languages of the trade, with no year.
//!
//! Never guesses between month-first and day-first: the caller says the order.

use chrono::{Datelike, NaiveDate};

use super::DateOrder;
use super::scan::{blanks, number, word};

/// Days from 0001-01-01 to 1970-01-01, plus one (chrono counts from day 1).
const UNIX_DAY_CE: i32 = 719_163;

/// How a date is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum DateForm {
    /// The year stands first with four digits.
    #[default]
    YearFirst,
    /// The month is a word.
    Named,
    /// Numbers only, the year last with four digits: the order is in doubt.
    YearLast,
    /// Numbers only, no number has four digits: the order is in doubt.
    ShortYear,
    /// Month and day as numbers, and no year: the order is in doubt.
    NoYear,
}

/// A date, and the text behind it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Date<'t> {
    /// Days since 1970.
    pub day: i32,
    /// How it is written.
    pub form: DateForm,
    /// Its numbers are parted by dots.
    pub dotted: bool,
    /// What follows it.
    pub rest: &'t [u8],
}

/// What months are called, without accents, in languages of reports: each name belongs to one month in all of them.
const MONTHS: [&str; 12] = [
    "january januar janner jaenner janvier enero gennaio januari janeiro stycznia ocak ledna",
    "february februar feber fevrier febrero febbraio februari fevereiro lutego subat unora",
    "march marz maerz mrz mars marzo maart mrt marco marca marts mart brezna marcius",
    "april avril abril aprile kwietnia nisan dubna aprilis",
    "may mai mayo maggio mei maio maja maj mayis kvetna majus",
    "june juni juin junio giugno junho czerwca haziran cervna junius",
    "july juli juillet julio luglio julho lipca temmuz cervence julius",
    "august aout agosto augustus sierpnia augusti agustos srpna augusztus",
    "september septembre septiembre setiembre settembre setembro wrzesnia eylul szeptember zari",
    "october oktober octobre octubre ottobre outubro pazdziernika ekim rijna",
    "november novembre noviembre novembro listopada kasim listopadu",
    "december dezember decembre diciembre dicembre dezembro grudnia desember aralik prosince",
];

/// Days of the week that stand before a date, in full or as they are shortened; `mar` is March first.
const WEEKDAYS: &[&str] = &[
    "mon",
    "tue",
    "tues",
    "wed",
    "thu",
    "thur",
    "thurs",
    "fri",
    "sat",
    "sun",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "mo",
    "di",
    "mi",
    "do",
    "fr",
    "sa",
    "so",
    "montag",
    "dienstag",
    "mittwoch",
    "donnerstag",
    "freitag",
    "samstag",
    "sonnabend",
    "sonntag",
    "lun",
    "mer",
    "jeu",
    "ven",
    "sam",
    "dim",
    "lundi",
    "mardi",
    "mercredi",
    "jeudi",
    "vendredi",
    "samedi",
    "dimanche",
    "mie",
    "jue",
    "vie",
    "sab",
    "dom",
    "lunes",
    "martes",
    "miercoles",
    "jueves",
    "viernes",
    "sabado",
    "domingo",
    "gio",
    "lunedi",
    "martedi",
    "mercoledi",
    "giovedi",
    "venerdi",
    "sabato",
    "domenica",
    "ma",
    "wo",
    "vr",
    "za",
    "zo",
    "maandag",
    "dinsdag",
    "woensdag",
    "donderdag",
    "vrijdag",
    "zaterdag",
    "zondag",
    "seg",
    "ter",
    "qua",
    "qui",
    "sex",
    "segunda",
    "terca",
    "quarta",
    "quinta",
    "sexta",
];

/// A day in words a user can compare: `6 May 2017`.
#[must_use]
pub(crate) fn spell_day(day: i32) -> String {
    at(day).map_or_else(|| "?".to_owned(), |date| date.format("%-d %B %Y").to_string())
}

/// Year and month of a day since 1970.
#[must_use]
pub(crate) fn year_and_month(day: i32) -> (i32, u32) {
    at(day).map_or((0, 0), |date| (date.year(), date.month()))
}

/// The same day and month of another year; none for 29 February where that year has none.
#[must_use]
pub(crate) fn in_year(day: i32, year: i32) -> Option<i32> {
    let date = at(day)?;
    Some(NaiveDate::from_ymd_opt(year, date.month(), date.day())?.num_days_from_ce() - UNIX_DAY_CE)
}

fn at(day: i32) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(day.saturating_add(UNIX_DAY_CE))
}

/// Days since 1970.
pub(crate) fn days(year: u32, month: u32, day: u32) -> Option<i32> {
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    Some(date.num_days_from_ce() - UNIX_DAY_CE)
}

/// Two digits are 2000–2068 or 1969–1999; four must be 1900–2199.
pub(crate) fn full_year(year: u32, digits: usize) -> Option<u32> {
    match (digits, year) {
        (2, 0..=68) => Some(2000 + year),
        (2, _) => Some(1900 + year),
        (4, 1900..=2199) => Some(year),
        _ => None,
    }
}

/// A month's name or the beginning of one, three letters at least, that only one month has.
pub(crate) fn month(text: &[u8]) -> Option<(u32, &[u8])> {
    let (word, rest) = word(text)?;
    if word.len() < 3 {
        return None;
    }
    let mut found = (1..).zip(MONTHS).filter(|(_, names)| names.split(' ').any(|name| name.starts_with(&word)));
    let (month, _) = found.next()?;
    let rest = rest.strip_prefix(b".").unwrap_or(rest);
    found.next().is_none().then_some((month, rest))
}

fn separator(text: &[u8]) -> Option<&[u8]> {
    let rest = match text {
        [b'/' | b'-', tail @ ..] => return Some(tail),
        [b'.', tail @ ..] => return Some(blanks(tail)),
        [b' ' | 0xC2, ..] => blanks(text),
        [b',', b' ', tail @ ..] => blanks(tail),
        _ => return text.strip_prefix("年".as_bytes()).or_else(|| text.strip_prefix("月".as_bytes())),
    };
    // 5 de enero de 2024
    Some(rest.strip_prefix(b"de ").map_or(rest, blanks))
}

/// What stands behind the day of the week; the text itself where none stands before the date.
pub(crate) fn behind_weekday(text: &[u8]) -> &[u8] {
    if text.first().is_some_and(u8::is_ascii_digit) {
        return text;
    }
    let Some((day, rest)) = word(text) else { return text };
    // mar. 5 mars 2024 is a Tuesday; mar. 5, 2024 is in March.
    let tuesday = || day == "mar" && month_behind_day(rest);
    if !WEEKDAYS.contains(&day.as_str()) && !tuesday() {
        return text;
    }
    let rest = rest.strip_prefix(b"-feira").unwrap_or(rest);
    match rest {
        [b',' | b'.', tail @ ..] => blanks(tail.strip_prefix(b",").unwrap_or(tail)),
        [b' ', tail @ ..] => blanks(tail),
        _ => text,
    }
}

fn month_behind_day(rest: &[u8]) -> bool {
    let rest = blanks(rest.strip_prefix(b".").unwrap_or(rest));
    number(rest).and_then(|(_, _, rest)| month(separator(rest)?)).is_some()
}

/// Years of the Republic of China that stand without its name: 2011 to 2060. Those of two digits may be others.
const MINGUO: std::ops::RangeInclusive<u32> = 100..=149;
/// Year 1 of the Republic is 1912.
const BEFORE_MINGUO: u32 = 1911;

/// What stands behind the Republic's name, which Taiwanese dates may begin with.
fn behind_minguo(text: &[u8]) -> Option<&[u8]> {
    ["中華民國", "民國", "民国"].iter().find_map(|name| text.strip_prefix(name.as_bytes())).map(blanks)
}

/// Whether a text begins with a date whose year is one of the Republic of China: `113/05/13`, `民國113年5月13日`.
pub(crate) fn is_minguo(text: &str) -> bool {
    let text = behind_weekday(text.trim().as_bytes());
    let counted = behind_minguo(text).is_some() || matches!(number(text), Some((_, 3, _)));
    counted && date(text, DateOrder::Ymd).is_some()
}

/// A date with its year at the beginning of `text`.
pub(crate) fn date(text: &[u8], order: DateOrder) -> Option<Date<'_>> {
    let text = behind_weekday(text);
    if let Some(rest) = behind_minguo(text) {
        let (year, 1..=3, rest) = number(rest)? else { return None };
        return year_first(year.checked_add(BEFORE_MINGUO)?, separator(rest)?);
    }
    if let Some((year, 3, rest)) = number(text) {
        return if MINGUO.contains(&year) { year_first(year + BEFORE_MINGUO, separator(rest)?) } else { None };
    }
    let named = |year, digits, month, day, rest| {
        let day = days(full_year(year, digits)?, month, day)?;
        Some(Date { day, form: DateForm::Named, dotted: false, rest })
    };
    if !text.first()?.is_ascii_digit() {
        let (month, rest) = month(text)?;
        let (first, first_digits, rest) = number(separator(rest)?)?;
        if first_digits == 4 {
            return named(first, 4, month, 1, rest); // January 2024
        }
        let (year, digits, rest) = number(separator(rest)?)?;
        return named(year, digits, month, first, rest);
    }
    if let Some(compact) = compact_date(text) {
        return Some(compact);
    }
    let (a, a_digits, rest) = number(text)?;
    let dot = rest.first() == Some(&b'.');
    let rest = separator(rest)?;
    if !rest.first()?.is_ascii_digit() {
        let (month, rest) = month(rest)?;
        let (c, c_digits, rest) = number(separator(rest)?)?;
        let (year, digits, day) = if a_digits == 4 { (a, a_digits, c) } else { (c, c_digits, a) };
        return named(year, digits, month, day, rest);
    }
    let (b, b_digits, rest) = number(rest)?;
    let dotted = dot && rest.first() == Some(&b'.');
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
    // 2024. 1. 5.
    let rest = if dotted && form == DateForm::YearFirst { rest.strip_prefix(b".").unwrap_or(rest) } else { rest };
    Some(Date { day: days(full_year(year, digits)?, month, day)?, form, dotted, rest })
}

/// A date whose year stood first, from its month on.
fn year_first(year: u32, text: &[u8]) -> Option<Date<'_>> {
    let (month, 1 | 2, rest) = number(text)? else { return None };
    let dot = rest.first() == Some(&b'.');
    let (day, 1 | 2, rest) = number(separator(rest)?)? else { return None };
    let rest = rest.strip_prefix("日".as_bytes()).unwrap_or(rest);
    Some(Date { day: days(full_year(year, 4)?, month, day)?, form: DateForm::YearFirst, dotted: dot, rest })
}

/// `20240131`, alone, before `T` or a blank, or before `hhmm` or `hhmmss`.
fn compact_date(text: &[u8]) -> Option<Date<'_>> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    if !matches!(digits, 8 | 12 | 14) {
        return None;
    }
    let (date, rest) = text.split_at_checked(8)?;
    let (value, _, _) = number(date)?;
    let day = days(full_year(value / 10_000, 4)?, value / 100 % 100, value % 100)?;
    Some(Date { day, form: DateForm::YearFirst, dotted: false, rest })
}

/// A leap year, so that 29 February is a day of it: dates without a year are read as its days.
pub(crate) const LEAP_YEAR: u32 = 2000;

/// A date without a year at the beginning of `text`: `07/21`, `21.07.`, `Jul 21`, `21. Juli`, `July` (its first
/// day). Read as a day of [`LEAP_YEAR`].
pub(crate) fn yearless_date(text: &[u8], order: DateOrder) -> Option<Date<'_>> {
    let text = behind_weekday(text);
    let named =
        |month, day, rest| Some(Date { day: days(LEAP_YEAR, month, day)?, form: DateForm::Named, dotted: false, rest });
    if !text.first()?.is_ascii_digit() {
        let (month, rest) = month(text)?;
        if rest.is_empty() {
            return named(month, 1, rest);
        }
        let (day, digits, rest) = number(separator(rest)?)?;
        return if digits <= 2 { named(month, day, rest) } else { None };
    }
    let (a, a_digits, rest) = number(text)?;
    let dotted = rest.first() == Some(&b'.');
    let rest = separator(rest)?;
    if a_digits > 2 {
        return None;
    }
    if !rest.first()?.is_ascii_digit() {
        let (month, rest) = month(rest)?;
        return named(month, a, rest);
    }
    let (b, b_digits, rest) = number(rest)?;
    let rest = if dotted { rest.strip_prefix(b".").unwrap_or(rest) } else { rest };
    let (month, day) = match order {
        DateOrder::Mdy => (a, b),
        DateOrder::Dmy => (b, a),
        DateOrder::Ymd => return None,
    };
    let day = days(LEAP_YEAR, month, day)?;
    (b_digits <= 2).then_some(Date { day, form: DateForm::NoYear, dotted, rest })
}

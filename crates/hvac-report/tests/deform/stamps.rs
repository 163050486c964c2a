//! Times as systems write them.

use chrono::{NaiveDateTime, Timelike};
use chrono_tz::Tz;

use super::original::{Original, utc};
use super::writing::{Clock, Dates, Offset, TimeColumns, Writing};

/// The fields of a row that say its time.
pub(crate) fn fields(original: &Original, writing: &Writing, at_ms: i64) -> Vec<String> {
    let one = |at_ms| stamp(original, writing, at_ms);
    let to = at_ms + original.step_s * 1000;
    let mut fields = match writing.time_columns {
        TimeColumns::One => vec![one(at_ms)],
        TimeColumns::DateAndClock => {
            let local = on_clock(original, writing, at_ms);
            vec![date(writing.dates, local), clock(writing.clock, local) + &offset(original, writing, at_ms)]
        }
        TimeColumns::FromTo => vec![one(at_ms), one(to)],
        TimeColumns::Interval => vec![format!("{} to {}", one(at_ms), one(to))],
        TimeColumns::Parted => {
            let local = on_clock(original, writing, at_ms);
            ["%Y", "%-m", "%-d", "%-H", "%-M"].iter().map(|form| local.format(form).to_string()).collect()
        }
    };
    if writing.offset == Offset::Column {
        fields.push(colon(original.offset_s(at_ms)));
    }
    fields
}

/// Names of the columns that [`fields`] fills.
pub(crate) fn names(original: &Original, writing: &Writing) -> Vec<String> {
    let zone = match writing.offset {
        Offset::HeaderGmt => format!(" (GMT{})", colon(original.offset_s(original.at_ms[0]))),
        Offset::HeaderUtc => " (UTC)".to_owned(),
        _ => String::new(),
    };
    let names: &[&str] = match writing.time_columns {
        TimeColumns::One => &["Time"],
        TimeColumns::DateAndClock => &["Date", "Time"],
        TimeColumns::FromTo => &["From", "To"],
        TimeColumns::Interval => &["Interval"],
        TimeColumns::Parted => &["Year", "Month", "Day", "Hour", "Minute"],
    };
    let mut names: Vec<String> = names.iter().map(|name| format!("{name}{zone}")).collect();
    if writing.offset == Offset::Column {
        names.push("UTC Offset".to_owned());
    }
    names
}

/// One text for a time.
pub(crate) fn stamp(original: &Original, writing: &Writing, at_ms: i64) -> String {
    match writing.dates {
        Dates::EpochS => return (at_ms / 1000).to_string(),
        Dates::EpochMs => return at_ms.to_string(),
        _ => {}
    }
    let local = on_clock(original, writing, at_ms);
    match writing.dates {
        Dates::Ctime => local.format("%a %b %e %H:%M:%S %Y").to_string(),
        Dates::Compact => local.format("%Y%m%d%H%M%S").to_string(),
        dates => {
            let between = if dates == Dates::IsoT { "T" } else { " " };
            let clock = clock(writing.clock, local);
            format!("{}{between}{clock}{}", date(dates, local), offset(original, writing, at_ms))
        }
    }
}

fn on_clock(original: &Original, writing: &Writing, at_ms: i64) -> NaiveDateTime {
    match writing.offset {
        Offset::Z | Offset::HeaderUtc => utc(at_ms).naive_utc(),
        _ => original.local(at_ms),
    }
}

pub(crate) fn date(dates: Dates, local: NaiveDateTime) -> String {
    let form = match dates {
        Dates::Slash => "%Y/%-m/%-d",
        Dates::Mdy => "%-m/%-d/%Y",
        Dates::Dmy => "%d/%m/%Y",
        Dates::Dotted => "%d.%m.%Y",
        Dates::ShortDmy => "%d/%m/%y",
        Dates::ShortMdy => "%-m/%-d/%y",
        Dates::ShortYmd => "%y/%m/%d",
        Dates::Named => "%d-%b-%y",
        Dates::Month => "%B %-d, %Y",
        _ => "%Y-%m-%d",
    };
    local.format(form).to_string()
}

fn clock(clock: Clock, local: NaiveDateTime) -> String {
    let half = if local.hour() < 12 { "a" } else { "p" };
    match clock {
        Clock::Minutes => local.format("%H:%M").to_string(),
        Clock::Seconds => local.format("%H:%M:%S").to_string(),
        Clock::Compact => local.format("%H%M").to_string(),
        Clock::AmPm => local.format("%-I:%M:%S %p").to_string(),
        Clock::Dotted => format!("{} {half}. m.", local.format("%-I:%M")),
    }
}

fn offset(original: &Original, writing: &Writing, at_ms: i64) -> String {
    let east = original.offset_s(at_ms);
    match writing.offset {
        Offset::Colon => colon(east),
        Offset::Compact => format!(" {}", colon(east).replace(':', "")),
        Offset::Z => "Z".to_owned(),
        Offset::Abbreviation => format!(" {}", abbreviation(original.zone, east)),
        Offset::Bracket => format!("{}[{}]", colon(east), original.zone.name()),
        _ => String::new(),
    }
}

fn abbreviation(zone: Tz, east: i64) -> &'static str {
    match (zone, east / 3600) {
        (Tz::America__New_York, -5) => "EST",
        (Tz::America__New_York, _) => "EDT",
        (_, 1) => "CET",
        _ => "CEST",
    }
}

/// `+08:00`
pub(crate) fn colon(east_s: i64) -> String {
    let sign = if east_s < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", east_s.abs() / 3600, east_s.abs() / 60 % 60)
}

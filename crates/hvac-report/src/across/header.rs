//! The header of a report with a day a row: which of its columns are intervals, and when these are.

use crate::ReadError;
use crate::Source;
use crate::layout::Record;
use crate::time::{self, DAY_MS};
use crate::words;
use hvac_points::units;

/// A column of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interval {
    /// Its index.
    pub column: usize,
    /// Its clock time, or where its range begins.
    pub from_ms: i64,
    /// From there to its end, where it names both.
    pub width_ms: Option<i64>,
}

/// What the fields of a header that name intervals say.
pub(super) enum Named {
    /// Clock times, and the unit that all names tell.
    Clocks(Vec<Interval>, Option<&'static str>),
    /// Hours, half hours or quarters that are only numbered.
    Numbers(Vec<usize>),
}

impl Named {
    /// Their columns.
    pub(super) fn columns(&self) -> Box<dyn Iterator<Item = usize> + '_> {
        match self {
            Self::Clocks(intervals, _) => Box::new(intervals.iter().map(|interval| interval.column)),
            Self::Numbers(columns) => Box::new(columns.iter().copied()),
        }
    }

    /// The intervals, if they can only be meant in one way.
    pub(super) fn settled(
        self,
        source: Source<'_>,
        header: &Record,
    ) -> Result<(Vec<Interval>, Option<&'static str>), ReadError> {
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
        match put_back(&mut intervals) {
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

/// Settles that 00:00 behind the others is 24:00; gives the first interval that does not follow the one before it, where
/// they do not all run backwards.
pub(super) fn put_back(intervals: &mut [Interval]) -> Option<(Interval, Interval)> {
    if let [rest @ .., last] = intervals
        && last.from_ms == 0
        && rest.first().is_some_and(|first| first.from_ms > 0)
        && rest.is_sorted_by_key(|interval| interval.from_ms)
    {
        last.from_ms = DAY_MS;
    }
    let mut pairs = intervals.iter().copied().zip(intervals.iter().copied().skip(1));
    let newest_first = pairs.clone().all(|(a, b)| a.from_ms > b.from_ms);
    pairs.find(|(a, b)| b.from_ms <= a.from_ms).filter(|_| !newest_first)
}

impl Interval {
    /// As a cell of clock times has it.
    pub(super) fn spelled(&self) -> String {
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
pub(super) fn named_intervals(row: &Record) -> Option<Named> {
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
pub(super) fn label(field: &str) -> Option<(i64, Option<i64>, Option<&'static str>)> {
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
    let unit = |text: &str| units::known(text.trim_matches(['[', ']', '(', ')', ',', '_']).trim());
    let (clock, unit) = match field.rsplit_once(char::is_whitespace) {
        Some((clock, last)) if read(clock).is_some() => (clock, unit(last)?),
        // Whatever stands before a clock time, as `kWh`, `Interval`, `T`.
        _ => {
            let (before, clock) = field.split_at(field.find(|c: char| c.is_ascii_digit())?);
            let (ms, width) = read(clock).filter(|_| clock.contains(':') && !before.is_empty())?;
            return Some((ms, width, unit(before)));
        }
    };
    read(clock).map(|(ms, width)| (ms, width, Some(unit)))
}

/// `0000,0015,…,2345`, with the same letters before (`T0015`) or none: as many as make a day.
fn four_digits(row: &Record) -> Option<Named> {
    let read = |field: &str| {
        let (before, digits) = field.split_at(field.find(|c: char| c.is_ascii_digit())?);
        let (hours, minutes) = digits.split_at_checked(2).filter(|_| digits.len() == 4)?;
        let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
        let ms = (hours * 60 + minutes) * 60_000;
        (minutes < 60 && ms <= DAY_MS).then(|| (before.to_owned(), ms))
    };
    let found = row.fields.iter().enumerate().filter_map(|(column, field)| Some((column, read(field)?)));
    let found: Vec<(usize, (String, i64))> = found.collect();
    let ([(_, first), (_, second), ..], Some((_, last))) = (found.as_slice(), found.last()) else { return None };
    let count = i64::try_from(found.len()).ok().filter(|count| *count >= 24)?;
    let whole = (second.1 - first.1) * count == DAY_MS && (last.1 - first.1) * count == DAY_MS * (count - 1);
    let unit = units::known(first.0.trim_matches(['_', ' ']));
    let alike = whole && found.iter().all(|(_, (before, _))| *before == first.0);
    let interval = |(column, (_, from_ms)): &(usize, (String, i64))| Interval {
        column: *column,
        from_ms: *from_ms,
        width_ms: None,
    };
    alike.then(|| Named::Clocks(found.iter().map(interval).collect(), unit))
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

//! Numbers that are times: days since 1900 (or 1904) in cells that do not say so, and fractions of a day beside dates.

use super::super::Source;
use super::RawSheet;
use super::columns::{Column, Numbers};
use super::mend::Repairs;
use crate::words::names_time;

/// 1970-01-01 and 2100-01-01, days since 1900.
const PLAUSIBLE: (f64, f64) = (25_569.0, 73_050.0);
/// Days from 1900 to 1904.
const DAYS_TO_1904: f64 = 1462.0;
/// Words of names that hold `time` and say how long something took.
const LONG: [&str; 9] = ["run", "elapsed", "hour", "hrs", "duration", "laufzeit", "betrieb", "operating", "[h]"];

/// Settles which columns of numbers are dates, and which times of day.
pub(super) fn settle(source: Source<'_>, sheet: &RawSheet, repairs: &mut Repairs) {
    let columns = &sheet.text.columns;
    let shift = if repairs.is_1904 { DAYS_TO_1904 } else { 0.0 };
    let mut found = Vec::new();
    // Cells of a column of dates that lost their format.
    for (at, column) in columns.iter().enumerate() {
        if let (Some((first, last)), Some((low, high))) = (column.dates.range, column.numbers.range)
            && column.numbers.count <= column.dates.count
            && low > first - 366.0
            && high < last + 366.0
        {
            found.push(at);
        }
    }
    // A column that stands for the times, where no other does.
    let candidate = |column: &Column| {
        let numbers = &column.numbers;
        numbers.count > 0 && sheet.times() * 2 < numbers.count && is_calendar(numbers, shift) && is_named(column)
    };
    if let Some(first) = columns.iter().position(candidate) {
        found.push(first);
        let span = |at: usize| columns.get(at).and_then(|column| column.numbers.range);
        if let Some((low, high)) = span(first) {
            // From and to.
            let close = |(l, h): (f64, f64)| (l - low).abs() <= 1.0 && (h - high).abs() <= 1.0;
            found.extend(
                (first + 1..columns.len())
                    .filter(|at| span(*at).is_some_and(close) && columns.get(*at).is_some_and(candidate)),
            );
        }
    }
    let only_days = |column: &Column| {
        let (dates, dated) = (&column.dates, &column.dated);
        dates.count + dated.count > 0 && dates.with_clock + dated.with_clock == 0
    };
    let days = found.iter().filter_map(|at| columns.get(*at)).find(|c| c.numbers.whole == c.numbers.count);
    let days = days.or_else(|| columns.iter().find(|column| only_days(column)));
    if let Some(days) = days
        && columns.iter().all(|column| column.clocks == 0 && column.dates.with_clock == 0)
    {
        let rows = days.numbers.count.max(days.dates.count + days.dated.count);
        let clock = |column: &Column| {
            let numbers = &column.numbers;
            numbers.count * 2 > rows && numbers.fractions == numbers.count && numbers.up > 0 && is_named(column)
        };
        found.extend(columns.iter().position(clock));
    }
    for at in found {
        let Some(column) = columns.get(at) else { continue };
        let from = column.from.unwrap_or(0);
        repairs.serials.push((at, from));
        let count = column.numbers.count;
        let words = format!(
            "{count} cells of '{}' are numbers and no dates; read as days that spreadsheets count from {} on",
            column.name(),
            if repairs.is_1904 { 1904 } else { 1900 }
        );
        repairs.warnings.push(sheet.warning(source, "serial_times", from, Some(column.name()), count, &words));
    }
}

/// Whether all numbers are days of this time, in the order of a report's rows.
fn is_calendar(numbers: &Numbers, shift: f64) -> bool {
    let ordered = numbers.up * 10 >= numbers.down * 90 || numbers.down * 10 >= numbers.up * 90;
    ordered && numbers.range.is_some_and(|(low, high)| low + shift >= PLAUSIBLE.0 && high + shift <= PLAUSIBLE.1)
}

fn is_named(column: &Column) -> bool {
    let names_no_length = |name: &str| LONG.iter().all(|word| !name.contains(word));
    column.above.iter().any(|name| names_time(name) && names_no_length(&name.to_lowercase()))
}

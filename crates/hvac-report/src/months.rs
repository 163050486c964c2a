//! Times that are months – `Jan-24`, `2024-01`, `01/2024` –, as monthly reports have them. Written anew as the first day of
//! each, 00:00: the beginning of what the row is about.
//!
//! A month's name and two digits may be a day as well. They are a year where the rows say so: where the number rises with
//! December, or is no day, or the column is called after months, or the year is stated or stands in the file's name. Where
//! nothing tells, the report is refused.

use super::calendar;
use super::fields::{Cursor, Dialect};
use super::layout::Record;
use super::scan::number;
use super::time;
use super::{ReadError, ReadOptions, Source, words};

/// Months of two rows that follow each other are at most so far apart; those of days in one month are a year.
const LARGEST_STEP: i64 = 6;

/// A month as a cell names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Month {
    year: u32,
    /// 1 to 12.
    month: u32,
    /// Two digits that may be a day.
    doubtful: Option<u32>,
}

impl Month {
    fn of(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if !(6..=14).contains(&bytes.len()) || !bytes.last().is_some_and(|b| b.is_ascii_digit() || *b >= 0x80) {
            return None;
        }
        let whole = |year: u32, month: u32| {
            let possible = (1900..2200).contains(&year) && (1..=12).contains(&month);
            possible.then_some(Self { year, month, doubtful: None })
        };
        match number(bytes) {
            Some((year, 4, [b'-' | b'/', rest @ ..])) => match number(rest)? {
                (month, 1 | 2, []) => whole(year, month),
                _ => None,
            },
            Some((month, 1 | 2, [b'-' | b'/', rest @ ..])) => match number(rest)? {
                (year, 4, []) => whole(year, month),
                _ => None,
            },
            Some((year, 4, rest)) => match number(rest.strip_prefix("年".as_bytes())?)? {
                (month, 1 | 2, rest) if rest == "月".as_bytes() => whole(year, month),
                _ => None,
            },
            Some(_) => None,
            None => {
                let (month, rest) = calendar::month(bytes)?;
                let [b'-' | b' ' | b'/', rest @ ..] = rest else { return None };
                let marked = rest.strip_prefix(b"'").or_else(|| rest.strip_prefix("’".as_bytes()));
                let (digits, 2, []) = number(marked.unwrap_or(rest))? else { return None };
                let may_be_day = marked.is_none() && (1..=31).contains(&digits);
                let year = calendar::full_year(digits, 2)?;
                Some(Self { year, month, doubtful: may_be_day.then_some(digits) })
            }
        }
    }

    fn first_day(self) -> String {
        format!("{:04}-{:02}-01", self.year, self.month)
    }

    /// Months since year 0.
    fn index(self) -> i64 {
        i64::from(self.year) * 12 + i64::from(self.month) - 1
    }
}

/// Whether a text is a month that is not read as a time anywhere else.
pub(crate) fn is_month(text: &str) -> bool {
    Month::of(text).is_some()
}

/// The first days of months that stand side by side, if they are months of years; `name` is what they are called.
///
/// # Errors
/// `unread_time_form` where nothing tells months and years from months and days.
pub(crate) fn first_days(
    source: Source<'_>,
    months: &[&str],
    name: &str,
    line: u64,
    options: &ReadOptions,
) -> Result<Option<Vec<String>>, ReadError> {
    let months: Vec<Month> = months.iter().filter_map(|text| Month::of(text)).collect();
    let are_months = settled(source, &months, name, Some(line), options)?;
    Ok(are_months.then(|| months.iter().map(|month| month.first_day()).collect()))
}

/// The report with its months written as days, if its times are months.
///
/// # Errors
/// `unread_time_form` where nothing tells months and years from months and days.
pub(crate) fn whole(
    source: Source<'_>,
    text: &str,
    head: &[Record],
    dialect: Dialect,
    options: &ReadOptions,
) -> Result<Option<String>, ReadError> {
    let Some((first, at)) = column(head) else { return Ok(None) };
    let name = head.get(first.wrapping_sub(1)).map_or("", |row| row.field(at));
    let begin = head.get(first).map_or(0, |row| row.start);
    let mut whole = text.get(..begin).unwrap_or_default().to_owned();
    let mut cursor = Cursor::new(text, dialect, begin, 0);
    let mut months: Vec<Month> = Vec::new();
    while !cursor.at_end() {
        let start = cursor.pos();
        let (mut cell, mut found) = (start..start, None);
        for field_at in 0..=at {
            let from = cursor.pos();
            let field = cursor.field().map_err(|flaw| source.flaw(flaw))?;
            if field_at == at {
                (cell, found) = (from..cursor.pos(), Month::of(&field.text).map(|month| (month, field.last)));
            }
            if field.last {
                break;
            }
        }
        match found {
            None => {}
            // Nothing but its time.
            Some((_, true)) => return Ok(None),
            Some((month, false)) => {
                months.push(month);
                whole.push_str(cursor.slice(start..cell.start));
                whole.push_str(&month.first_day());
                whole.push(char::from(dialect.delimiter));
                cell.start = cell.end;
            }
        }
        let rest = if found.is_some() { cell.end } else { start };
        if cursor.pos() == cell.end && !(found.is_none() && ended(text, cursor.pos(), dialect)) {
            cursor.skip_row().map_err(|flaw| source.flaw(flaw))?;
        }
        whole.push_str(cursor.slice(rest..cursor.pos()));
    }
    let line = head.get(first).map(|row| row.line);
    settled(source, &months, name, line, options).map(|months| months.then_some(whole))
}

/// Whether a row ends before that place.
fn ended(text: &str, at: usize, dialect: Dialect) -> bool {
    at >= text.len() || at.checked_sub(1).and_then(|at| text.as_bytes().get(at)) == Some(&dialect.eol)
}

/// The first row and the column of months, where no other column holds times.
fn column(head: &[Record]) -> Option<(usize, usize)> {
    let is_month = |field: &String| Month::of(field).is_some();
    let (first, row) = head.iter().enumerate().find(|(_, row)| row.fields.iter().any(is_month))?;
    let at = row.fields.iter().position(is_month)?;
    let below = || head.iter().skip(first).filter(|row| !row.field(at).is_empty());
    let months = below().filter(|row| Month::of(row.field(at)).is_some());
    let timed = |row: &Record| {
        let others = row.fields.iter().enumerate().filter(|(other, _)| *other != at).take(8);
        others.into_iter().any(|(_, field)| time::is_stamp(field) || time::epoch(field).is_some() || clock(field))
    };
    let (all, named) = (below().count(), months.clone().count());
    (named >= 2 && named * 3 >= all * 2 && !months.clone().any(timed)).then_some((first, at))
}

fn clock(field: &str) -> bool {
    field.contains(':') && time::clock_only(field).is_some()
}

/// Whether these are months of years; refuses what may be days as well.
fn settled(
    source: Source<'_>,
    months: &[Month],
    name: &str,
    line: Option<u64>,
    options: &ReadOptions,
) -> Result<bool, ReadError> {
    let Some((first, doubtful)) = months.iter().find_map(|month| Some((*month, month.doubtful?))) else {
        return Ok(true);
    };
    let steps = || months.iter().zip(months.iter().skip(1)).filter(|(_, b)| **b != first);
    if steps().any(|(a, b)| (b.index() - a.index()).abs() > LARGEST_STEP) {
        // Days of one month after another.
        return Ok(false);
    }
    let turns = steps().any(|(a, b)| a.year.abs_diff(b.year) == 1 && (b.index() - a.index()).abs() == 1);
    let year = i32::try_from(first.year).unwrap_or_default();
    let stated = options.year.map(|stated| stated == year);
    let in_name = || wide_name_has(source.name, year);
    if turns
        || months.iter().any(|month| month.doubtful.is_none())
        || names_months(name)
        || stated == Some(true)
        || in_name()
    {
        return Ok(true);
    }
    if stated == Some(false) || steps().all(|(a, b)| a == b) {
        return Ok(false);
    }
    let words = format!(
        "the times are a month and {doubtful}, which may be a day or the year {year}, and nothing tells: call the column Month, or write them as 2024-01"
    );
    Err(source.error("unread_time_form", line, words))
}

fn wide_name_has(name: &str, year: i32) -> bool {
    name.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() == 4 && digits.parse() == Ok(year))
}

/// Whether a column is called after months.
fn names_months(name: &str) -> bool {
    let bare = words::bare(name);
    ["month", "monat", "mois", "maand", "月"].iter().any(|word| bare.contains(word))
        || ["mes", "mese", "mês", "period", "periode", "période", "periodo"].contains(&bare.as_str())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::layout::records;

    fn read(name: &str, text: &str) -> Result<Option<String>, ReadError> {
        let dialect = Dialect { delimiter: b',', eol: b'\n', decimal: b'.' };
        let head = records(text, dialect, 0..text.len(), 0, 60).unwrap();
        whole(Source { name, bytes: text.as_bytes() }, text, &head, dialect, &ReadOptions::of(chrono_tz::UTC))
    }

    fn first_days(text: &str) -> String {
        read("a.csv", text).unwrap().unwrap()
    }

    #[test]
    fn months_become_their_first_days() {
        let expected = "Month,kWh\n2024-01-01,1\n2024-02-01,2\nTotal,3\n";
        for (one, two) in [
            ("Jan-24", "Feb-24"),
            ("2024-01", "2024-02"),
            ("01/2024", "02/2024"),
            ("Jan '24", "Feb '24"),
            ("2024年1月", "2024年2月"),
        ] {
            assert_eq!(first_days(&format!("Month,kWh\n{one},1\n{two},2\nTotal,3\n")), expected, "{one}");
        }
        let turning = "Plant 3\nkWh,When,RT\n5,Nov-23,1\n6,Dec-23,1\n7,Jan-24,2\n";
        assert_eq!(first_days(turning), "Plant 3\nkWh,When,RT\n5,2023-11-01,1\n6,2023-12-01,1\n7,2024-01-01,2\n");
        // A meter after the other.
        let long = "Meter,Month,kWh\nA,Jan-24,1\nA,Feb-24,2\nB,Jan-24,3\nB,Feb-24,4\n";
        assert!(first_days(long).contains("B,2024-01-01,3\nB,2024-02-01,4"));
    }

    #[test]
    fn what_may_be_days_is_refused_or_left() {
        let dated = "Date,kWh\nJan-24,1\nFeb-24,2\nMar-24,3\n";
        assert_eq!(read("a.csv", dated).unwrap_err().code, "unread_time_form");
        assert!(read("energy_2024.csv", dated).unwrap().is_some());
        assert_eq!(read("energy_2025.csv", dated).unwrap_err().code, "unread_time_form");
        assert!(read("a.csv", &dated.replace("-24", "-99")).unwrap().unwrap().contains("1999-01-01"));
        for text in [
            "Date,kWh\nJan-24,1\nJan-25,2\nJan-26,3\n",
            "Month,kWh\nJan-30,1\nJan-31,2\nFeb-01,3\n",
            "Time,Month,kWh\n2024-01-05 00:00,2024-01,1\n2024-01-06 00:00,2024-01,1\n",
            "Time,kWh\n2024-01-05 00:00,1\n",
        ] {
            assert_eq!(read("a.csv", text).unwrap(), None, "{text}");
        }
    }
}

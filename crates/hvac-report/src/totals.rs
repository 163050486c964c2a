//! Rows that sum up the others: they have a time like any row, and are no readings.
//!
//! Looked for at the table's beginning and end only. An interval that covers the others is a total; so is a row each of
//! whose numbers is the sum, or the mean, of its column.

use super::fields::Dialect;
use super::layout::{Record, records};
use super::number;
use super::table::Table;
use super::time_columns::{TimeKind, instant};
use crate::DateOrder;
use crate::time;

/// Bytes of the longest table whose columns are summed.
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// Rows beside it, and digits of its numbers, below which a sum is chance.
const FEW: usize = 4;
const DIGITS: usize = 6;
/// How many times longer than the usual an interval is that covers others.
const LONGER: i64 = 2;

/// A row that sums up others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Total {
    /// Where it begins.
    pub start: usize,
    /// Its line, counted from 1; none where it stands far below.
    pub line: Option<u64>,
    /// What it was told by.
    pub evidence: &'static str,
}

/// The rows at the beginning and the end of a table that sum up the others.
pub(crate) fn found(table: &Table, text: &str, dialect: Dialect) -> Vec<Total> {
    let last = table.further.last().and_then(|rows| rows.last()).or(table.rows.last());
    let candidates = [table.rows.first(), last];
    let mut found: Vec<Total> = Vec::new();
    for row in candidates.into_iter().flatten() {
        let evidence = if covers(table, row) {
            Some("its interval covers the others")
        } else if sums_up(table, row, text, dialect) {
            Some("its numbers are the sums or means of the others")
        } else {
            None
        };
        if let Some(evidence) = evidence.filter(|_| found.iter().all(|known| known.start != row.start)) {
            let line = (row.line > table.header.line).then_some(row.line);
            found.push(Total { start: row.start, line, evidence });
        }
    }
    found
}

/// Whether a row's interval is much longer than the usual one and begins with the first and ends with the last.
fn covers(table: &Table, row: &Record) -> bool {
    let Some(until) = table.times.until else { return false };
    time::ORDERS.iter().any(|order| covers_in(*order, table, until, row))
}

fn covers_in(order: DateOrder, table: &Table, until: usize, row: &Record) -> bool {
    let at = |row: &Record, column: usize| instant(row.field(column), TimeKind::Written, order);
    let span = |row: &Record| at(row, table.times.stamp).zip(at(row, until));
    let Some((from, to)) = span(row) else { return false };
    let timed = |row: &&Record| time::is_stamp(row.field(table.times.stamp)) && time::is_stamp(row.field(until));
    let others: Option<Vec<(i64, i64)>> =
        table.sample().filter(|other| other.start != row.start).filter(timed).map(span).collect();
    let Some(others) = others else { return false };
    let mut widths: Vec<i64> = others.iter().map(|(from, to)| to - from).collect();
    widths.sort_unstable();
    let usual = widths.get(widths.len() / 2).copied().unwrap_or(i64::MAX);
    others.len() > 1
        && to - from >= usual.saturating_mul(LONGER)
        && others.iter().all(|(other_from, other_to)| from <= *other_from && *other_to <= to)
}

/// Whether each number of a row is the sum of its column, or the mean.
fn sums_up(table: &Table, row: &Record, text: &str, dialect: Dialect) -> bool {
    let read = |field: &str| number::read(field, dialect.decimal, dialect.delimiter);
    let numbers: Vec<(usize, f64)> = table.others().filter_map(|at| Some((at, read(row.field(at))?))).collect();
    // Hardly any last row is above all rows nearby in every column that only grows or stands.
    let near: Vec<&Record> = table.sample().filter(|other| other.start != row.start).collect();
    let most = |at: usize| near.iter().filter_map(|row| read(row.field(at))).fold(f64::NEG_INFINITY, f64::max);
    let sum_like = numbers.iter().filter(|(at, number)| *number > 1.5 * most(*at) && most(*at) > 0.0).count();
    // 3 after 1 and 2 says nothing.
    let digits: usize = numbers.iter().map(|(at, _)| row.field(*at).bytes().filter(u8::is_ascii_digit).count()).sum();
    if near.len() < FEW || digits < DIGITS || sum_like == 0 || text.len() > MAX_BYTES {
        return false;
    }
    let Ok(all) = records(text, dialect, table.header.end..text.len(), table.header.end_lines, usize::MAX) else {
        return false;
    };
    numbers.iter().all(|(at, number)| {
        let others: Vec<f64> =
            all.iter().filter(|other| other.start != row.start).filter_map(|other| read(other.field(*at))).collect();
        let sum: f64 = others.iter().sum();
        #[expect(clippy::cast_precision_loss, reason = "rows of a table in memory")]
        let mean = sum / others.len().max(1) as f64;
        // As far as it is rounded, and a little for sums of rounded numbers.
        let decimals = row.field(*at).rsplit_once(char::from(dialect.decimal)).map_or(0, |(_, f)| f.len().min(12));
        #[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "at most 12")]
        let step = 10_f64.powi(-(decimals as i32));
        let equal = |wanted: f64| (number - wanted).abs() <= step.max(wanted.abs() * 1e-9);
        equal(sum) || equal(mean)
    })
}

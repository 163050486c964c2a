//! Whether dates of two digits each – `24/05/13` – begin with their year.
//!
//! What the rows tell goes first: they run one way, new days do not leap from year to year, months begin with their first
//! day. Where they tell nothing, two-digit years stand last in most of the world: they are read so when the dates are
//! then years nearer to now. The other way round – year first would be the nearer one – is not settled by that: a report
//! of 2013 would be read as one of 2024.

use super::DateOrder;
use super::date_reading::Reading;

/// The first year in which no trend lies yet. The crate reads no clock: to be raised as years go by.
const FUTURE_YEAR: i32 = 2028;
/// Years before [`FUTURE_YEAR`] in which a report must lie to be preferred to one that lies behind it.
const RECENT_YEARS: i32 = 14;
/// Years by which one reading must be nearer to now than another.
const NEARER_YEARS: i32 = 10;
/// Dates with dots have the year last unless it would be so much farther from now.
const DOTTED_YEARS: i32 = 3;

/// Where the year stands, and what tells it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum YearFirst {
    /// First.
    Yes(&'static str),
    /// Last.
    No(&'static str),
    /// Nothing tells.
    Open,
}

/// Judges readings that every date allows, of which one is year first and at least one is not.
pub(crate) fn judge(readings: &[Reading], dotted: bool) -> YearFirst {
    let (first, last): (Vec<&Reading>, Vec<&Reading>) =
        readings.iter().partition(|reading| reading.form.order == DateOrder::Ymd);
    let ([first], [any_last, ..]) = (first.as_slice(), last.as_slice()) else { return YearFirst::Open };
    by_rows(first, &last).or_else(|| by_years(first.years(), any_last.years(), dotted)).unwrap_or(YearFirst::Open)
}

/// What the rows tell.
fn by_rows(first: &Reading, last: &[&Reading]) -> Option<YearFirst> {
    let even = |reading: &Reading| (reading.steady() || reading.steady_back()) && !reading.leaps();
    // A row a month – or a year – is on the first or last day of it.
    let edges = (first.on_edges_of_months(), last.iter().any(|reading| reading.on_edges_of_months()));
    match (even(first), last.iter().any(|reading| even(reading))) {
        (true, false) if !edges.1 || edges.0 => {
            return Some(YearFirst::Yes("read any other way, dates would leap from year to year"));
        }
        (false, true) if !edges.0 || edges.1 => {
            return Some(YearFirst::No("read year first, dates would leap from year to year"));
        }
        (true, false) | (false, true) => return None,
        _ => {}
    }
    match (first.leaps(), last.iter().all(|reading| reading.leaps())) {
        (false, true) if first.new_days > 0 => {
            return Some(YearFirst::Yes("read any other way, dates would leap from year to year"));
        }
        (true, false) => return Some(YearFirst::No("read year first, dates would leap from year to year")),
        _ => {}
    }
    match edges {
        (true, false) => {
            return Some(YearFirst::Yes("only read year first, dates are the first or last of their months"));
        }
        (false, true) => {
            return Some(YearFirst::No("dates are the first or last of their months, but not read year first"));
        }
        _ => {}
    }
    match (first.in_range(), last.iter().any(|reading| reading.in_range())) {
        (true, false) if first.has_range() => {
            Some(YearFirst::Yes("the report's date range agrees only when read year first"))
        }
        (false, true) => Some(YearFirst::No("the report's date range does not agree when read year first")),
        _ => None,
    }
}

/// What the years tell: of the first and last date each, with the year first and with the year last.
fn by_years(first: (i32, i32), last: (i32, i32), dotted: bool) -> Option<YearFirst> {
    let past = last.1 < FUTURE_YEAR;
    if past && first.1 >= FUTURE_YEAR && last.0 >= FUTURE_YEAR - RECENT_YEARS {
        Some(YearFirst::No("read year first, dates would lie in the future"))
    } else if past && last.0 - first.1 >= NEARER_YEARS {
        Some(YearFirst::No("read year first, dates would be many years older"))
    } else if past && dotted && last.0 + DOTTED_YEARS >= first.1 {
        Some(YearFirst::No("dates with dots are written day first"))
    } else {
        None
    }
}

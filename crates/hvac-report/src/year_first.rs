//! Whether dates of two digits each – `24/05/13` – begin with their year.
//!
//! The rows tell: they run one way, new days do not leap from year to year, months begin with their first day. Where they tell
//! nothing, only dots do, behind which years stand. How far a date lies from now tells nothing: a report of 2013 would be
//! read as one of 2024.

use super::DateOrder;
use super::date_reading::Reading;

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
    let [first] = first.as_slice() else { return YearFirst::Open };
    let custom = || dotted.then_some(YearFirst::No("dates with dots are written day first"));
    by_rows(first, &last).or_else(custom).unwrap_or(YearFirst::Open)
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

//! Dates that stand in the first row of each day only, as merged cells are exported: written into the rows below.
//!
//! Told by a row with a date and a clock time, and two below it with a clock time and an empty field for the date. The clock must
//! run on until the next date.

use super::fields::Dialect;
use super::layout::{Record, warning};
use super::respelled::respelled;
use super::{ReadError, Source};
use crate::time;
use hvac_frame::column::Warning;

/// The text with a date in each row, and what to say of it; none where each row has its own.
///
/// # Errors
/// `unread_time_form` where the clock runs back without another date.
pub(crate) fn whole(
    source: Source<'_>,
    text: &str,
    head: &[Record],
    dialect: Dialect,
) -> Result<Option<(String, Warning)>, ReadError> {
    let Some((first, date, clock)) = columns(head) else { return Ok(None) };
    let (mut day, mut last_ms, mut filled, mut back) = (String::new(), 0, 0, None);
    let from = (first.start, first.line.saturating_sub(1));
    let whole = respelled(source, text, dialect, from, date.max(clock) + 1, |row| {
        let Some(at_ms) = time::clock_ms(row.field(clock)) else { return Vec::new() };
        if !row.field(date).is_empty() {
            (day, last_ms) = (row.field(date).to_owned(), at_ms);
            return Vec::new();
        }
        if at_ms < last_ms && back.is_none() {
            back = Some((row.line, row.field(clock).to_owned()));
        }
        (last_ms, filled) = (at_ms, filled + 1);
        vec![(date, day.clone())]
    })?;
    if let Some((line, clock)) = back {
        let words = format!(
            "rows without a date of their own have that of the row above, but at '{clock}' the clock runs back without another date: export the report with a date in each row"
        );
        return Err(source.error("unread_time_form", Some(line), words));
    }
    let words = format!(
        "{filled} rows have no date of their own: each is read with that of the row above (first '{}')",
        first.field(date)
    );
    Ok(Some((whole, warning(source, "dates_filled_down", Some(first.line), None, filled, words))))
}

/// The first row of the table, and its columns of dates and of clock times.
fn columns(head: &[Record]) -> Option<(&Record, usize, usize)> {
    head.windows(3).skip(1).find_map(|rows| {
        let [first, below @ ..] = rows else { return None };
        let fields = || 0..first.fields.len();
        let is_date = |at: &usize| time::in_any_order(first.field(*at)).is_some_and(|stamp| !stamp.has_clock);
        let date = fields().find(is_date)?;
        let is_clock = |row: &Record, at: usize| time::clock_only(row.field(at)).is_some();
        let clock = fields().find(|at| *at != date && is_clock(first, *at))?;
        let is_left_out = |row: &Record| row.field(date).is_empty() && is_clock(row, clock);
        below.iter().all(is_left_out).then_some((first, date, clock))
    })
}

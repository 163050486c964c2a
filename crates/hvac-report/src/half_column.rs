//! AM and PM in a column of their own: put behind the clock times beside it.

use super::fields::Dialect;
use super::respelled::respelled;
use super::table::{LEFT, Table};
use super::time_columns::TimeKind;
use super::{ReadError, Source};
use crate::time;

const HOUR_MS: i64 = 3_600_000;

/// The text with AM and PM behind its clock times; none where no column holds them.
pub(crate) fn whole(
    source: Source<'_>,
    text: &str,
    table: &Table,
    dialect: Dialect,
) -> Result<Option<String>, ReadError> {
    let times = &table.times;
    if times.kind != TimeKind::Written || !times.own.is_empty() || times.until.is_some() {
        return Ok(None);
    }
    let clock = times.clock.unwrap_or(times.stamp);
    let halves = |at: &usize| table.cells(*at).next().is_some() && table.cells(*at).all(is_half);
    let Some(half) = (0..table.width().min(LEFT)).filter(|at| !times.holds(*at)).find(halves) else { return Ok(None) };
    let (header, below) = (table.header.line, table.header.end_lines);
    let whole = respelled(source, text, dialect, (0, 0), clock.max(half) + 1, |row| {
        let (cell, word) = (row.field(clock), row.field(half));
        let blank = (half, String::new());
        if row.line == header {
            return vec![blank];
        }
        if row.line <= below || cell.is_empty() || !is_half(word) {
            return Vec::new();
        }
        let mut changes = vec![(clock, format!("{cell} {word}")), blank];
        changes.sort_unstable_by_key(|(at, _)| *at);
        changes
    })?;
    Ok(Some(whole))
}

/// Whether a text is AM or PM, in any language in which clock times have them.
fn is_half(text: &str) -> bool {
    let at = |clock: &str| time::clock_only(&format!("{clock} {text}")).filter(|read| read.zone.is_none());
    let is = |hour: i64| at("1:00").is_some_and(|read| read.ms == hour * HOUR_MS);
    !text.is_empty() && text.len() <= 16 && (is(13) || is(1) && at("13:00").is_none())
}

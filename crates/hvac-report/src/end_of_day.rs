//! Rows of a day's end that carry that day's own date: 00:15 … 23:45, and 00:00 of the same date behind them. Written anew
//! as 24:00.
//!
//! Told by the rows: each series has such a row at 00:00 behind the others of its date, one step after the last of them, and
//! none before them. Where some dates begin with 00:00 and others end with it, the report is refused: which is meant
//! cannot be told for those that have no other rows.

use std::collections::HashMap;

use super::dates::{self, Dated};
use super::fields::Dialect;
use super::layout::{Layout, Role, warning};
use super::respelled::respelled;
use super::{Format, ReadError, Source};
use crate::time::{self, DAY_MS};
use hvac_frame::column::Warning;

/// Rows in which the first such row must stand.
const NEAR: usize = 20_000;
/// Between the last row of a day and its end, ms.
const LONGEST_STEP_MS: i64 = 3 * 3_600_000;

/// The text with 24:00 where a date's rows end with 00:00, and what to say of it; none where no date's do.
///
/// # Errors
/// `unread_time_form` when some dates begin with 00:00 and others end with it.
pub(crate) fn whole(
    source: Source<'_>,
    text: &str,
    layout: &Layout,
    dialect: Dialect,
) -> Result<Option<(String, Warning)>, ReadError> {
    let written = !layout.epoch && !layout.times.serial && layout.format.value != Format::Toa5;
    if !written || !ends_with_midnight(text, layout) {
        return Ok(None);
    }
    let (mut days, mut ends, mut begins) = (Days::default(), (0, 0), None);
    for dated in dates::all(text, layout) {
        match days.see(&dated) {
            Some(Midnight::Ends) => ends = (ends.0 + 1, if ends.0 == 0 { dated.line } else { ends.1 }),
            Some(Midnight::Begins) => begins = begins.or(Some(dated.line)),
            _ => {}
        }
    }
    if let Some(line) = begins {
        let words = format!(
            "the rows of some dates end with 00:00 of the same date (line {}), as if it were 24:00, and those of others begin with it: export the report with 24:00, or with the next day's date, at the end of days",
            ends.1
        );
        return Err(source.error("unread_time_form", Some(line), words));
    }
    let column = |wanted: Role| layout.roles.iter().position(|role| *role == wanted);
    let Some(stamp) = column(Role::Stamp) else { return Ok(None) };
    let clock = column(Role::Clock);
    let width = clock.unwrap_or(0).max(stamp) + 1;
    let mut count = 0;
    let whole = respelled(source, text, dialect, (layout.body, layout.body_lines), width, |row| {
        let beside = clock.map_or("", |at| row.field(at));
        let Some(parts) = Parts::of(row.field(stamp), beside).filter(|parts| parts.clock_ms == 0) else {
            return Vec::new();
        };
        count += 1;
        match clock {
            Some(at) => vec![(at, "24:00".to_owned())],
            None => vec![(stamp, format!("{} 24:00", parts.date))],
        }
    })?;
    let words = format!("the rows of each date end with 00:00 of the same date: {count} such times are read as 24:00");
    Ok(Some((whole, warning(source, "midnight_ends_day", Some(ends.1), None, count, words))))
}

/// Whether the first row at 00:00 that tells says that it ends its day.
fn ends_with_midnight(text: &str, layout: &Layout) -> bool {
    let mut days = Days::default();
    for dated in dates::all(text, layout).take(NEAR) {
        match days.see(&dated) {
            Some(Midnight::Ends) => return true,
            Some(Midnight::Begins | Midnight::Unlike) => return false,
            None => {}
        }
    }
    false
}

/// What a row says of 00:00.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Midnight {
    /// It is at 00:00, behind the others of its date.
    Ends,
    /// It follows 00:00 of its date.
    Begins,
    /// It has a zone, or no clock time that stands behind the date.
    Unlike,
}

/// The last row of each series.
#[derive(Debug, Default)]
struct Days {
    last: HashMap<String, Last>,
}

#[derive(Debug)]
struct Last {
    date: String,
    clock_ms: i64,
    /// From the row before, of the same date.
    step_ms: i64,
    /// It follows 00:00 of its date and stands near the date's end: rows that run backward tell by the next one.
    open: bool,
}

impl Days {
    fn see(&mut self, dated: &Dated<'_>) -> Option<Midnight> {
        time::in_any_order(&dated.text)?;
        let Some(Parts { date, clock_ms }) = Parts::of(&dated.text, &dated.clock) else {
            return Some(Midnight::Unlike);
        };
        let Some(last) = self.last.get_mut(dated.name.as_ref()) else {
            let last = Last { date: date.to_owned(), clock_ms, step_ms: 0, open: false };
            self.last.insert(dated.name.clone().into_owned(), last);
            return None;
        };
        let (same, step_ms) = (last.date == date, clock_ms - last.clock_ms);
        let ends = |at_ms: i64, step_ms: i64| DAY_MS - at_ms == step_ms && step_ms <= LONGEST_STEP_MS;
        let was_open = std::mem::take(&mut last.open);
        let said = match (same, last.clock_ms, clock_ms) {
            (true, before, now) if was_open => {
                Some(if ends(before, before - now) { Midnight::Ends } else { Midnight::Begins })
            }
            (true, 0, 1..) if DAY_MS - clock_ms <= LONGEST_STEP_MS => {
                last.open = true;
                None
            }
            (true, 0, 1..) => Some(Midnight::Begins),
            (true, before @ 1.., 0) if ends(before, last.step_ms) => Some(Midnight::Ends),
            _ => None,
        };
        if !same {
            date.clone_into(&mut last.date);
        }
        (last.clock_ms, last.step_ms) = (clock_ms, if same { step_ms } else { 0 });
        said
    }
}

/// A time's date as it is written, and its clock time.
pub(crate) struct Parts<'t> {
    /// As it is written.
    pub date: &'t str,
    /// Since 00:00.
    pub clock_ms: i64,
}

impl<'t> Parts<'t> {
    /// None of a time with a zone or an end, or whose date does not stand first.
    pub(crate) fn of(stamp: &'t str, clock: &str) -> Option<Self> {
        let text = stamp.trim();
        let read = time::in_any_order(text)?;
        let date = text.get(..read.date_bytes)?;
        if read.zone.is_some() || read.width_ms.is_some() {
            return None;
        }
        if clock.is_empty() {
            return read.has_clock.then_some(Self { date, clock_ms: read.clock_ms });
        }
        let beside = time::clock_only(clock).filter(|beside| beside.zone.is_none() && beside.width_ms.is_none())?;
        Some(Self { date, clock_ms: beside.ms })
    }
}

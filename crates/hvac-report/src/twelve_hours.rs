//! Clock times of twelve hours whose AM and PM were lost on the way: 12:45 and then 01:00 of one date.

use std::collections::HashMap;

use super::dates;
use super::end_of_day::Parts;
use super::layout::Layout;
use super::{ReadError, Source};

/// Rows that are looked at: a day of a trend is among them.
const NEAR: usize = 20_000;
const HOUR_MS: i64 = 3_600_000;

/// Refuses a report in which the hour after 12 is 1 of the same date, and none is 0 or beyond 12.
pub(crate) fn refuse(source: Source<'_>, text: &str, layout: &Layout) -> Result<(), ReadError> {
    if layout.epoch || layout.times.serial {
        return Ok(());
    }
    let (mut last, mut found): (HashMap<String, (String, i64)>, Option<(u64, String)>) = (HashMap::new(), None);
    for dated in dates::all(text, layout).take(NEAR) {
        let Some(Parts { date, clock_ms }) = Parts::of(&dated.text, &dated.clock) else { return Ok(()) };
        let hour = clock_ms / HOUR_MS;
        if !(1..=12).contains(&hour) {
            return Ok(());
        }
        let before = last.insert(dated.name.clone().into_owned(), (date.to_owned(), hour));
        let turns = before.is_some_and(|(day, before)| day == date && before == 12 && hour == 1);
        if turns && found.is_none() {
            found = Some((dated.line, format!("{} {}", dated.text, dated.clock).trim().to_owned()));
        }
    }
    let Some((line, text)) = found else { return Ok(()) };
    let words = format!(
        "'{text}' follows a time after 12:00 of the same date, and no time is before 01:00 or after 12:59: AM and PM were lost. Export the report with them, or with 24 hours"
    );
    Err(source.error("unread_time_form", Some(line), words))
}

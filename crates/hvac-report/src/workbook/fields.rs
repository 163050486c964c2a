//! The fields of a sheet's text: how cells that are dates are written, and read again.

use calamine::ExcelDateTime;

use crate::DateOrder;
use crate::time;

/// Days below which a date is a time that went on beyond 24 h: no report is of the year 1900.
const LONGEST_TIME: f64 = 366.0;

/// A date as ISO 8601, a time of day or a duration as `hh:mm:ss`. Excel counts days in binary fractions, so a
/// time within 100 ms of a second is that second.
pub(super) fn spell(value: &ExcelDateTime) -> String {
    let words = |ms: i64| {
        let whole = format!("{:02}:{:02}:{:02}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
        if ms % 1000 == 0 { whole } else { format!("{whole}.{:03}", ms % 1000) }
    };
    let days = value.as_f64();
    if is_time(value) {
        #[expect(clippy::cast_possible_truncation, reason = "saturates, and no report has such a duration")]
        return words(snap((days.max(0.0) * 86_400_000.0).round() as i64));
    }
    let (year, month, day, hour, minute, second, milli) = value.to_ymd_hms_milli();
    let clock = i64::from(hour) * 3_600_000 + i64::from(minute) * 60_000 + i64::from(second) * 1000 + i64::from(milli);
    let clock = snap(clock);
    // A clock of 24:00 is read as the next day's 00:00.
    let date = format!("{year:04}-{month:02}-{day:02}");
    if clock == 0 { date } else { format!("{date} {}", words(clock)) }
}

/// Whether a value is a time of day or a duration, and no date.
pub(super) fn is_time(value: &ExcelDateTime) -> bool {
    value.is_duration() && value.as_f64() < 25_569.0 || (0.0..LONGEST_TIME).contains(&value.as_f64())
}

fn snap(ms: i64) -> i64 {
    let second = (ms + 500).div_euclid(1000) * 1000;
    if (ms - second).abs() <= 100 { second } else { ms }
}

/// Whether a text begins as `2024-01-31`, as cells that are dates are written.
pub(super) fn is_iso(text: &str) -> bool {
    let bytes = text.as_bytes();
    matches!(bytes, [_, _, _, _, b'-', _, _, b'-', _, _, ..])
        && bytes.iter().take(10).filter(|b| b.is_ascii_digit()).count() == 8
        && !text.contains(['"', ','])
}

/// The fields of one line, quotes and all.
pub(super) fn fields(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let mut quoted = false;
        let end = line.bytes().position(|byte| {
            quoted ^= byte == b'"';
            byte == b',' && !quoted
        });
        let field = end.map_or(line, |end| line.get(..end).unwrap_or(line));
        rest = end.and_then(|end| line.get(end + 1..));
        Some(field)
    })
}

/// The text between a field's quotes; none for a field that is no text.
pub(super) fn quoted(field: &str) -> Option<&str> {
    field.strip_prefix('"')?.strip_suffix('"')
}

/// The date of a field, as ms on the site's clock; and the same with day and month swapped, for a cell that is a date.
pub(super) fn local_ms(field: &str, order: DateOrder) -> Option<(i64, i64)> {
    match quoted(field) {
        Some(text) => time::stamp(text, order).map(|stamp| (stamp.local_ms(), stamp.local_ms())),
        None if is_iso(field) => {
            let at = time::stamp(field, DateOrder::Ymd)?.local_ms();
            let swapped = put_right(field, order);
            Some((
                at,
                swapped.and_then(|field| time::stamp(&field, DateOrder::Ymd)).map_or(at, |stamp| stamp.local_ms()),
            ))
        }
        None => None,
    }
}

/// A date with day and month swapped, and a text in the same form, so that a column has one; none for other fields.
pub(super) fn put_right(field: &str, order: DateOrder) -> Option<String> {
    if let Some(text) = quoted(field) {
        let text = text.trim();
        let date = time::stamp(text, order)?;
        let day = chrono::DateTime::from_timestamp(i64::from(date.day) * 86_400, 0)?.format("%Y-%m-%d");
        let clock = text.get(date.date_bytes..)?;
        return Some(format!("\"{day}{clock}\""));
    }
    if !is_iso(field) {
        return None;
    }
    let (year, month, day, rest) = (field.get(..5)?, field.get(5..7)?, field.get(8..10)?, field.get(10..)?);
    (day <= "12").then(|| format!("{year}{day}-{month}{rest}"))
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType::{DateTime, TimeDelta};

    use super::*;

    /// Serials as Excel shows them: 45292 is 2024-01-01.
    #[test]
    fn serials_are_times() {
        let spelled = |value, kind| spell(&ExcelDateTime::new(value, kind, false));
        assert_eq!(spelled(45_292.0, DateTime), "2024-01-01");
        assert_eq!(spelled(45_292.010_416, DateTime), "2024-01-01 00:15:00");
        assert_eq!(spelled(45_292.999_999_999, DateTime), "2024-01-02");
        assert_eq!(spelled(0.5, DateTime), "12:00:00");
        assert_eq!(spelled(1.0, DateTime), "24:00:00");
        assert_eq!(spelled(1.5, TimeDelta), "36:00:00");
        // A date that is shown as hours since 1900.
        assert_eq!(spelled(45_292.5, TimeDelta), "2024-01-01 12:00:00");
        assert_eq!(spell(&ExcelDateTime::new(43_830.25, DateTime, true)), "2024-01-01 06:00:00");
    }

    #[test]
    fn dates_are_put_right() {
        assert_eq!(put_right("2024-02-01 08:15:00", DateOrder::Dmy).as_deref(), Some("2024-01-02 08:15:00"));
        assert_eq!(put_right("\"13/02/2024 8:15 PM\"", DateOrder::Dmy).as_deref(), Some("\"2024-02-13 8:15 PM\""));
        assert_eq!(put_right("\"02/13/24 00:15\"", DateOrder::Mdy).as_deref(), Some("\"2024-02-13 00:15\""));
        assert_eq!(put_right("12.5", DateOrder::Mdy), None);
    }
}

//! Times as answers have them: UTC to the millisecond, as a number and as a text whose order is that of the times. PURE.

use chrono::{DateTime, Datelike, SecondsFormat, Utc};

/// `2026-01-01T00:00:00.000Z`.
#[must_use]
pub fn utc(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// As [`utc`], of ms since 1970.
#[must_use]
pub fn text_of(at_ms: i64) -> String {
    utc(DateTime::from_timestamp_millis(at_ms).unwrap_or_default())
}

/// The UTC ms of a time with its offset, in the years 0000 to 9999: years of other lengths have another order as texts.
#[must_use]
pub fn ms_of(text: &str) -> Option<i64> {
    let at = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    (0..=9999).contains(&at.year()).then(|| at.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_the_same_both_ways() {
        // By `date -d 2016-10-10T00:00:00+08:00 +%s`.
        assert_eq!(ms_of("2016-10-10T00:00:00+08:00"), Some(1_476_028_800_000));
        assert_eq!(text_of(1_476_028_800_000), "2016-10-09T16:00:00.000Z");
        assert_eq!(ms_of("2016-10-09T16:00:00.1239Z").map(text_of).as_deref(), Some("2016-10-09T16:00:00.123Z"));
        for none in ["", "2016-10-10", "2016-10-10T00:00:00", "2016-13-01T00:00:00Z", "now"] {
            assert_eq!(ms_of(none), None, "{none}");
        }
    }
}

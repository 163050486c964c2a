//! Times as users write and read them: ISO 8601 on the site's clock. PURE.

use chrono::{
    DateTime, Datelike, MappedLocalTime, NaiveDate, NaiveDateTime, Offset, SecondsFormat, TimeZone, Timelike,
};
use chrono_tz::Tz;

use crate::error::{Error, Result};

/// `2016-10-10T00:00:00+08:00`; fractions of a second only where there are any.
#[must_use]
pub fn iso(zone: Tz, at_ms: i64) -> String {
    let at = DateTime::from_timestamp_millis(at_ms).map(|at| at.with_timezone(&zone));
    at.map(|at| plain(&at).unwrap_or_else(|| at.to_rfc3339_opts(SecondsFormat::AutoSi, false))).unwrap_or_default()
}

/// A time of whole seconds in a year of four digits with an offset of whole minutes, digit by digit: chrono's own
/// formatter takes ten times as long.
fn plain(at: &DateTime<Tz>) -> Option<String> {
    let (local, offset) = (at.naive_local(), at.offset().fix().local_minus_utc());
    let (year, away) = (u32::try_from(local.year()).ok()?, offset.unsigned_abs());
    if local.nanosecond() != 0 || year > 9999 || away % 60 != 0 {
        return None;
    }
    let mut text = String::with_capacity(25);
    let mut two = |before: &str, number: u32| {
        text.push_str(before);
        text.extend([number / 10, number % 10].iter().filter_map(|digit| char::from_digit(*digit, 10)));
    };
    two("", year / 100);
    two("", year % 100);
    two("-", local.month());
    two("-", local.day());
    two("T", local.hour());
    two(":", local.minute());
    two(":", local.second());
    two(if offset < 0 { "-" } else { "+" }, away / 3600);
    two(":", away / 60 % 60);
    Some(text)
}

/// The UTC ms of a time a user wrote; without an offset it is on the site's clock.
///
/// A `+` that a URL decoder turned into a blank (`2016-10-10T00:00:00 08:00`) is understood. Of a repeated
/// hour the first pass is meant.
///
/// # Errors
/// 422 with the field's name for anything else, and for a local time that does not exist.
pub fn parse(field: &'static str, text: &str, zone: Tz) -> Result<i64> {
    let text = text.trim();
    let with_plus = text.contains('T').then(|| text.replacen(' ', "+", 1));
    let offset_time = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_rfc3339(with_plus.as_deref().unwrap_or(text)))
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M%#z"));
    if let Ok(at) = offset_time {
        return Ok(at.timestamp_millis());
    }
    let local = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|pattern| NaiveDateTime::parse_from_str(text, pattern).ok())
        .or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0))
        .ok_or_else(|| {
            Error::invalid(
                field,
                "bad_time",
                format!("{field}: '{text}' is no time; write it like 2016-10-10T00:00:00+08:00 or 2016-10-10 00:00"),
            )
        })?;
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => Ok(at.timestamp_millis()),
        MappedLocalTime::None => Err(Error::invalid(
            field,
            "nonexistent_local_time",
            format!("{field}: {local} does not exist in {zone} (clocks were put forward); write it with its offset"),
        )),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TAIPEI: Tz = chrono_tz::Asia::Taipei;
    /// 2016-10-10 00:00:00 +08:00, by `date -d … +%s`.
    const DOUBLE_TEN_MS: i64 = 1_476_028_800_000;

    #[test]
    fn times_carry_the_sites_offset() {
        assert_eq!(iso(TAIPEI, DOUBLE_TEN_MS), "2016-10-10T00:00:00+08:00");
        assert_eq!(iso(chrono_tz::UTC, DOUBLE_TEN_MS + 250), "2016-10-09T16:00:00.250+00:00");
        assert_eq!(iso(chrono_tz::Europe::Berlin, DOUBLE_TEN_MS), "2016-10-09T18:00:00+02:00");
    }

    #[test]
    fn every_time_is_written_as_chrono_writes_it() {
        use chrono_tz::{America, Asia, Australia};
        // From the year -20 to 10 080, in steps that meet all fields; zones once had offsets with seconds.
        for (zone, step) in
            [(TAIPEI, 1), (Asia::Kathmandu, 7), (America::St_Johns, 250), (Australia::Lord_Howe, 60_000)]
        {
            for n in 0..20_000_i64 {
                let at_ms = -62_800_000_000_000 + n * 16_000_000_000 + n * step;
                let at = DateTime::from_timestamp_millis(at_ms).unwrap().with_timezone(&zone);
                assert_eq!(iso(zone, at_ms), at.to_rfc3339_opts(SecondsFormat::AutoSi, false));
            }
        }
        assert_eq!(iso(TAIPEI, i64::MIN), "");
    }

    #[test]
    fn users_write_times_in_several_ways() {
        for text in [
            "2016-10-10T00:00:00+08:00",
            "2016-10-10T00:00:00 08:00",
            "2016-10-09T16:00:00Z",
            "2016-10-10",
            "2016-10-10 00:00",
            " 2016-10-10T00:00:00.000 ",
            "2016-10-10T00:00+08:00",
        ] {
            assert_eq!(parse("from", text, TAIPEI).unwrap(), DOUBLE_TEN_MS, "{text}");
        }
        assert_eq!(parse("from", "10/10/2016", TAIPEI).unwrap_err().code, "bad_time");
    }

    #[test]
    fn a_skipped_hour_is_refused_and_a_repeated_one_is_its_first_pass() {
        let berlin = chrono_tz::Europe::Berlin;
        assert_eq!(parse("to", "2024-03-31 02:30", berlin).unwrap_err().code, "nonexistent_local_time");
        let first = parse("to", "2024-10-27 02:30", berlin).unwrap();
        assert_eq!(iso(berlin, first), "2024-10-27T02:30:00+02:00");
    }
}

//! Times as users write and read them: ISO 8601 on the site's clock. PURE.

use chrono::{
    DateTime, Datelike, MappedLocalTime, NaiveDate, NaiveDateTime, Offset, SecondsFormat, TimeZone, Timelike,
};
use chrono_tz::Tz;

use crate::error::{Error, Result, codes};

/// `2016-10-10T00:00:00+08:00`; fractions of a second only where there are any.
#[must_use]
pub fn iso(zone: Tz, at_ms: i64) -> String {
    if let Some([_, text @ .., _]) = quoted(zone, at_ms) {
        return text.iter().copied().map(char::from).collect();
    }
    let at = DateTime::from_timestamp_millis(at_ms).map(|at| at.with_timezone(&zone));
    at.map(|at| at.to_rfc3339_opts(SecondsFormat::AutoSi, false)).unwrap_or_default()
}

/// As [`iso`], in quotes; only a time of whole seconds in a year of four digits with an offset of whole minutes. Digit by
/// digit: chrono's own formatter takes ten times as long.
#[must_use]
pub fn quoted(zone: Tz, at_ms: i64) -> Option<[u8; 27]> {
    let at = DateTime::from_timestamp_millis(at_ms)?.with_timezone(&zone);
    let (local, offset) = (at.naive_local(), at.offset().fix().local_minus_utc());
    let (year, away) = (u32::try_from(local.year()).ok()?, offset.unsigned_abs());
    if local.nanosecond() != 0 || year > 9999 || away % 60 != 0 {
        return None;
    }
    let mut text = *b"\"0000-00-00T00:00:00+00:00\"";
    let mut two = |at: usize, number: u32| {
        for (place, digit) in text.iter_mut().skip(at).zip([number / 10, number % 10]) {
            *place += u8::try_from(digit).unwrap_or_default();
        }
    };
    two(1, year / 100);
    two(3, year % 100);
    two(6, local.month());
    two(9, local.day());
    two(12, local.hour());
    two(15, local.minute());
    two(18, local.second());
    two(21, away / 3600);
    two(24, away / 60 % 60);
    if offset < 0 {
        text[20] = b'-';
    }
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
    let at_ms = parse_any(field, text.trim(), zone)?;
    // Times of other years are written with a sign and more digits, which nobody sorts or reads.
    if DateTime::from_timestamp_millis(at_ms).is_none_or(|at| !(0..=9999).contains(&at.year())) {
        let message = format!("{field}: '{}' lies outside the years 0000 to 9999", text.trim());
        return Err(Error::invalid(field, codes::BAD_TIME, message));
    }
    Ok(at_ms)
}

/// The UTC ms between which a user asks for something; what is empty or left out is open.
///
/// # Errors
/// 422 as [`parse`], and for an end that is not later than the beginning.
pub fn window(from: Option<&str>, to: Option<&str>, zone: Tz) -> Result<(Option<i64>, Option<i64>)> {
    let time = |field, text: Option<&str>| {
        text.filter(|text| !text.trim().is_empty()).map(|text| parse(field, text, zone)).transpose()
    };
    let (from_ms, to_ms) = (time("from", from)?, time("to", to)?);
    if from_ms.zip(to_ms).is_some_and(|(from, to)| from >= to) {
        return Err(Error::invalid("to", codes::BAD_TIME_RANGE, "to: it must be later than from"));
    }
    Ok((from_ms, to_ms))
}

fn parse_any(field: &'static str, text: &str, zone: Tz) -> Result<i64> {
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
                codes::BAD_TIME,
                format!("{field}: '{text}' is no time; write it like 2016-10-10T00:00:00+08:00 or 2016-10-10 00:00"),
            )
        })?;
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => Ok(at.timestamp_millis()),
        MappedLocalTime::None => Err(Error::invalid(
            field,
            codes::NONEXISTENT_LOCAL_TIME,
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
        assert_eq!(quoted(TAIPEI, DOUBLE_TEN_MS).as_ref(), Some(b"\"2016-10-10T00:00:00+08:00\""));
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
                let text = at.to_rfc3339_opts(SecondsFormat::AutoSi, false);
                assert_eq!(iso(zone, at_ms), text);
                if let Some(quoted) = quoted(zone, at_ms) {
                    assert_eq!(std::str::from_utf8(&quoted).unwrap(), format!("\"{text}\""));
                }
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
        for bad in ["10/10/2016", "+262142-12-31", "-0001-01-01", "10000-01-01"] {
            assert_eq!(parse("from", bad, TAIPEI).unwrap_err().code.name, "bad_time", "{bad}");
        }
    }

    #[test]
    fn a_skipped_hour_is_refused_and_a_repeated_one_is_its_first_pass() {
        let berlin = chrono_tz::Europe::Berlin;
        assert_eq!(parse("to", "2024-03-31 02:30", berlin).unwrap_err().code.name, "nonexistent_local_time");
        let first = parse("to", "2024-10-27 02:30", berlin).unwrap();
        assert_eq!(iso(berlin, first), "2024-10-27T02:30:00+02:00");
    }
}

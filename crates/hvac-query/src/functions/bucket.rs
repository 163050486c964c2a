//! `time_bucket(interval, time)`: when the bucket began that a time falls into, on the site's clock.
//!
//! Buckets of months are counted from 2000-01-01, others from Monday 2000-01-03, 00:00 on the clock, as DuckDB and
//! TimescaleDB count them. A bucket of days begins at the first moment of its day there; one of hours or less within
//! the hour that a clock repeats stays on its side of it.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMillisecondType;
use arrow_array::{ArrayRef, TimestampMillisecondArray};
use arrow_schema::{DataType, IntervalUnit, TimeUnit};
use chrono::{DateTime, Datelike, Duration, LocalResult, NaiveDate, NaiveDateTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

const DAY_MS: i64 = 86_400_000;
/// 2000-01-03 00:00, a Monday, ms since 1970.
const MONDAY_MS: i64 = 946_857_600_000;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct TimeBucket(Signature);

impl TimeBucket {
    pub(super) fn new() -> Self {
        Self(Signature::user_defined(Volatility::Immutable))
    }
}

/// How wide a bucket is.
#[derive(Clone, Copy)]
enum Width {
    Months(i32),
    Millis(i64),
}

impl ScalarUDFImpl for TimeBucket {
    fn name(&self) -> &str {
        "time_bucket"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn coerce_types(&self, kinds: &[DataType]) -> Result<Vec<DataType>> {
        let interval = DataType::Interval(IntervalUnit::MonthDayNano);
        match kinds {
            [_, DataType::Timestamp(_, zone)] => {
                Ok(vec![interval, DataType::Timestamp(TimeUnit::Millisecond, zone.clone())])
            }
            [_, DataType::Date32 | DataType::Date64 | DataType::Utf8 | DataType::Utf8View | DataType::Null] => {
                Ok(vec![interval, DataType::Timestamp(TimeUnit::Millisecond, None)])
            }
            _ => plan_err!("time_bucket(interval, time): such as time_bucket(INTERVAL '1 hour', timestamp)"),
        }
    }

    fn return_type(&self, kinds: &[DataType]) -> Result<DataType> {
        match kinds {
            [_, time] => Ok(time.clone()),
            _ => plan_err!("time_bucket takes an interval and a time"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [ColumnarValue::Scalar(ScalarValue::IntervalMonthDayNano(Some(interval))), times] = args.args.as_slice()
        else {
            return exec_err!("time_bucket: its interval is one interval, such as INTERVAL '15 minutes'");
        };
        let width = match (interval.months, interval.days, interval.nanoseconds) {
            (months, 0, 0) if months > 0 => Width::Months(months),
            (0, days, nanos) if nanos % 1_000_000 == 0 && i64::from(days) * DAY_MS + nanos / 1_000_000 > 0 => {
                Width::Millis(i64::from(days) * DAY_MS + nanos / 1_000_000)
            }
            _ => {
                return exec_err!(
                    "time_bucket: an interval of months alone, or of days, hours, minutes and seconds; longer than 0"
                );
            }
        };
        let times = times.to_array(args.number_rows)?;
        let zone = match times.data_type() {
            DataType::Timestamp(_, Some(zone)) => Some(zone.parse::<Tz>().unwrap_or(Tz::UTC)),
            _ => None,
        };
        let times = times.as_primitive::<TimestampMillisecondType>();
        let buckets: TimestampMillisecondArray =
            times.iter().map(|at| bucket(at?, width, zone.unwrap_or(Tz::UTC))).collect();
        let buckets: ArrayRef = match times.timezone() {
            Some(zone) => Arc::new(buckets.with_timezone(zone)),
            None => Arc::new(buckets),
        };
        Ok(ColumnarValue::Array(buckets))
    }
}

/// When a bucket begins, UTC ms; none for a time that no calendar has.
fn bucket(at_ms: i64, width: Width, zone: Tz) -> Option<i64> {
    let at = DateTime::<Utc>::from_timestamp_millis(at_ms)?;
    let offset_ms = i64::from(zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc()) * 1000;
    let local_ms = at_ms + offset_ms;
    match width {
        Width::Months(months) => {
            let local = DateTime::<Utc>::from_timestamp_millis(local_ms)?.date_naive();
            let since = (local.year() - 2000) * 12 + i32::try_from(local.month0()).ok()?;
            let first = since.div_euclid(months) * months;
            let month = u32::try_from(first.rem_euclid(12)).ok()? + 1;
            let day = NaiveDate::from_ymd_opt(2000 + first.div_euclid(12), month, 1)?;
            begins(day.and_hms_opt(0, 0, 0)?, zone)
        }
        Width::Millis(width) => {
            let local_begin = (local_ms - MONDAY_MS).div_euclid(width) * width + MONDAY_MS;
            if width < DAY_MS {
                return Some(local_begin - offset_ms);
            }
            begins(DateTime::<Utc>::from_timestamp_millis(local_begin)?.naive_utc(), zone)
        }
    }
}

/// When a clock first shows that time or, where it skips it, a later one.
fn begins(local: NaiveDateTime, zone: Tz) -> Option<i64> {
    (0..8).find_map(|quarters| match zone.from_local_datetime(&(local + Duration::minutes(30 * quarters))) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at.timestamp_millis()),
        LocalResult::None => None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
    }

    fn begun(text: &str, width: Width, zone: Tz) -> String {
        let begin = DateTime::<Utc>::from_timestamp_millis(bucket(at(text), width, zone).unwrap()).unwrap();
        begin.with_timezone(&zone).to_rfc3339()
    }

    #[test]
    fn buckets_are_of_the_sites_clock() {
        let taipei = chrono_tz::Asia::Taipei;
        assert_eq!(begun("2016-10-10T23:30:00+08:00", Width::Millis(DAY_MS), taipei), "2016-10-10T00:00:00+08:00");
        assert_eq!(begun("2016-10-10T00:14:59+08:00", Width::Millis(900_000), taipei), "2016-10-10T00:00:00+08:00");
        assert_eq!(begun("2016-10-31T23:59:59+08:00", Width::Months(1), taipei), "2016-10-01T00:00:00+08:00");
        assert_eq!(begun("1999-12-31T12:00:00+08:00", Width::Months(3), taipei), "1999-10-01T00:00:00+08:00");
        // 2016-10-12 was a Wednesday.
        assert_eq!(begun("2016-10-12T05:00:00+08:00", Width::Millis(7 * DAY_MS), taipei), "2016-10-10T00:00:00+08:00");
    }

    /// On 2024-11-03 New York shows 1:30 twice; on 2024-03-10 it goes from 2:00 to 3:00, and the day has 23 hours.
    #[test]
    fn the_hour_that_a_clock_repeats_is_two() {
        let york = chrono_tz::America::New_York;
        let hour = Width::Millis(3_600_000);
        assert_eq!(begun("2024-11-03T01:30:00-04:00", hour, york), "2024-11-03T01:00:00-04:00");
        assert_eq!(begun("2024-11-03T01:30:00-05:00", hour, york), "2024-11-03T01:00:00-05:00");
        assert_eq!(begun("2024-11-03T23:30:00-05:00", Width::Millis(DAY_MS), york), "2024-11-03T00:00:00-04:00");
        assert_eq!(begun("2024-03-10T12:00:00-04:00", Width::Millis(DAY_MS), york), "2024-03-10T00:00:00-05:00");
    }
}

//! Rows as PostgreSQL's protocol carries them: each cell as text or in binary.

use std::fmt::Write as _;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType,
    DurationSecondType, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, IntervalMonthDayNanoType,
    TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use datafusion::arrow::compute::cast;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};

use super::types::PgType;
use crate::error::QueryError;

/// Days from 1970-01-01 to 2000-01-01, where PostgreSQL counts from.
const EPOCH_DAYS: i32 = 10_957;
/// The same in microseconds.
const EPOCH_MICROS: i64 = EPOCH_DAYS as i64 * 86_400_000_000;

/// How cells are to be written.
#[derive(Debug, Clone)]
pub struct CellFormat {
    /// What each column is.
    pub kind: PgType,
    /// In binary, else as text.
    pub binary: bool,
}

/// Writes rows as messages of the protocol (`DataRow`), those from `from` on, until `out` has `full` bytes; answers how many.
///
/// # Errors
/// [`QueryError::Invalid`] for a value that the type it was announced as cannot hold.
pub fn write_rows(
    batch: &RecordBatch,
    formats: &[CellFormat],
    clock: Option<Tz>,
    from: usize,
    most: usize,
    full: usize,
    out: &mut Vec<u8>,
) -> Result<usize, QueryError> {
    let columns: Vec<Cells> = batch
        .columns()
        .iter()
        .zip(batch.schema_ref().fields())
        .zip(formats)
        .map(|((column, field), format)| Cells::new(column, field.data_type(), format, clock))
        .collect::<Result<_, _>>()?;
    let count = i16::try_from(columns.len()).map_err(|_| too_much("columns"))?;
    let mut rows = 0;
    for row in (from..batch.num_rows()).take(most) {
        if out.len() >= full {
            break;
        }
        out.push(b'D');
        let begun = out.len();
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&count.to_be_bytes());
        for column in &columns {
            let cell = out.len();
            if column.array.is_null(row) {
                out.extend_from_slice(&(-1_i32).to_be_bytes());
                continue;
            }
            out.extend_from_slice(&[0; 4]);
            column.write(row, out)?;
            let bytes = i32::try_from(out.len() - cell - 4).map_err(|_| too_much("bytes in a cell"))?;
            put(out, cell, bytes);
        }
        let bytes = i32::try_from(out.len() - begun).map_err(|_| too_much("bytes in a row"))?;
        put(out, begun, bytes);
        rows += 1;
    }
    Ok(rows)
}

fn too_much(what: &str) -> QueryError {
    QueryError::Invalid(format!("there are too many {what} for PostgreSQL's protocol"))
}

fn put(out: &mut [u8], at: usize, value: i32) {
    if let Some(place) = out.get_mut(at..at + 4) {
        place.copy_from_slice(&value.to_be_bytes());
    }
}

/// A column on its way out.
struct Cells {
    array: ArrayRef,
    kind: PgType,
    binary: bool,
    /// Whose clock times with a zone are shown on.
    clock: Tz,
}

impl Cells {
    fn new(column: &ArrayRef, kind: &DataType, format: &CellFormat, clock: Option<Tz>) -> Result<Self, QueryError> {
        let own = match kind {
            DataType::Timestamp(_, Some(zone)) => zone.parse().ok(),
            _ => None,
        };
        let wanted = match format.kind {
            PgType::Numeric => match kind {
                DataType::Decimal128(precision, scale) => DataType::Decimal128(*precision, *scale),
                _ => PgType::Numeric.read_as(),
            },
            kind => kind.read_as(),
        };
        let array = match kind {
            DataType::Duration(_) => std::sync::Arc::clone(column),
            _ if *column.data_type() == wanted => std::sync::Arc::clone(column),
            _ if format.kind == PgType::Text && kind.is_nested() => shown(column)?,
            _ => cast(column, &wanted).map_err(|error| QueryError::Invalid(error.to_string()))?,
        };
        // A cast makes null of what does not fit.
        if array.null_count() > column.logical_null_count() {
            let message = format!("a value is too large for {}", format.kind.sql_name());
            return Err(QueryError::Invalid(message));
        }
        Ok(Self { array, kind: format.kind, binary: format.binary, clock: clock.or(own).unwrap_or(Tz::UTC) })
    }

    fn write(&self, row: usize, out: &mut Vec<u8>) -> Result<(), QueryError> {
        let array = self.array.as_ref();
        let mut text = String::new();
        match (self.kind, self.binary) {
            (PgType::Bool, true) => out.push(u8::from(array.as_boolean().value(row))),
            (PgType::Bool, false) => out.push(if array.as_boolean().value(row) { b't' } else { b'f' }),
            (PgType::Bytes, true) => out.extend_from_slice(array.as_binary::<i64>().value(row)),
            (PgType::Bytes, false) => {
                text.push_str("\\x");
                array.as_binary::<i64>().value(row).iter().for_each(|byte| text.push_str(&format!("{byte:02x}")));
            }
            (PgType::Text, _) => out.extend_from_slice(array.as_string::<i64>().value(row).as_bytes()),
            (PgType::Int2, true) => out.extend(array.as_primitive::<Int16Type>().value(row).to_be_bytes()),
            (PgType::Int2, false) => text = array.as_primitive::<Int16Type>().value(row).to_string(),
            (PgType::Int4, true) => out.extend(array.as_primitive::<Int32Type>().value(row).to_be_bytes()),
            (PgType::Int4, false) => text = array.as_primitive::<Int32Type>().value(row).to_string(),
            (PgType::Int8, true) => out.extend(array.as_primitive::<Int64Type>().value(row).to_be_bytes()),
            (PgType::Int8, false) => text = array.as_primitive::<Int64Type>().value(row).to_string(),
            (PgType::Float4, true) => out.extend(array.as_primitive::<Float32Type>().value(row).to_be_bytes()),
            (PgType::Float4, false) => {
                let value = array.as_primitive::<Float32Type>().value(row);
                number(f64::from(value), &value.to_string(), &format!("{value:e}"), &mut text);
            }
            (PgType::Float8, true) => out.extend(array.as_primitive::<Float64Type>().value(row).to_be_bytes()),
            (PgType::Float8, false) => {
                let value = array.as_primitive::<Float64Type>().value(row);
                number(value, &value.to_string(), &format!("{value:e}"), &mut text);
            }
            (PgType::Date, binary) => {
                let days = array.as_primitive::<Date32Type>().value(row);
                if binary {
                    out.extend((days - EPOCH_DAYS).to_be_bytes());
                } else {
                    day(Date32Type::to_naive_date_opt(days).ok_or_else(out_of_range)?, &mut text);
                }
            }
            (PgType::Time, binary) => {
                let micros = array.as_primitive::<arrow_array::types::Time64MicrosecondType>().value(row);
                if binary { out.extend(micros.to_be_bytes()) } else { time_of_day(micros, &mut text) }
            }
            (PgType::Timestamp | PgType::TimestampTz, binary) => {
                let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
                if binary {
                    out.extend(micros.saturating_sub(EPOCH_MICROS).to_be_bytes());
                } else {
                    let at = DateTime::<Utc>::from_timestamp_micros(micros).ok_or_else(out_of_range)?;
                    if self.kind == PgType::TimestampTz {
                        let local = self.clock.from_utc_datetime(&at.naive_utc());
                        time(local.naive_local(), &mut text);
                        offset(local.offset().fix().local_minus_utc(), &mut text);
                    } else {
                        time(at.naive_utc(), &mut text);
                    }
                }
            }
            (PgType::Interval, binary) => {
                let (months, days, micros) = self.interval(row)?;
                if binary {
                    out.extend(micros.to_be_bytes());
                    out.extend(days.to_be_bytes());
                    out.extend(months.to_be_bytes());
                } else {
                    interval(months, days, micros, &mut text);
                }
            }
            (PgType::Numeric, binary) => {
                let DataType::Decimal128(_, scale) = array.data_type() else { return Err(out_of_range()) };
                let (value, scale) = (array.as_primitive::<Decimal128Type>().value(row), *scale);
                if binary { numeric(value, scale, out) } else { decimal(value, scale, &mut text) }
            }
        }
        out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    /// Months, days, microseconds.
    fn interval(&self, row: usize) -> Result<(i32, i32, i64), QueryError> {
        let array = self.array.as_ref();
        let micros = match array.data_type() {
            DataType::Duration(TimeUnit::Second) => {
                array.as_primitive::<DurationSecondType>().value(row).checked_mul(1_000_000)
            }
            DataType::Duration(TimeUnit::Millisecond) => {
                array.as_primitive::<DurationMillisecondType>().value(row).checked_mul(1000)
            }
            DataType::Duration(TimeUnit::Microsecond) => {
                Some(array.as_primitive::<DurationMicrosecondType>().value(row))
            }
            DataType::Duration(TimeUnit::Nanosecond) => {
                Some(array.as_primitive::<DurationNanosecondType>().value(row) / 1000)
            }
            _ => {
                let value = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
                return Ok((value.months, value.days, value.nanoseconds / 1000));
            }
        };
        Ok((0, 0, micros.ok_or_else(out_of_range)?))
    }
}

fn out_of_range() -> QueryError {
    QueryError::Invalid("a value is out of the range that can be written".to_owned())
}

/// Lists and records as text.
fn shown(column: &ArrayRef) -> Result<ArrayRef, QueryError> {
    let options = FormatOptions::default();
    let failed = |error: datafusion::arrow::error::ArrowError| QueryError::Invalid(error.to_string());
    let formatter = ArrayFormatter::try_new(column.as_ref(), &options).map_err(failed)?;
    let mut cells = arrow_array::builder::LargeStringBuilder::new();
    for row in 0..column.len() {
        if column.is_null(row) {
            cells.append_null();
        } else {
            cells.append_value(formatter.value(row).try_to_string().map_err(failed)?);
        }
    }
    Ok(std::sync::Arc::new(cells.finish()))
}

/// The shortest text that reads back as the same number, with an exponent where PostgreSQL writes one.
fn number(value: f64, plain: &str, exponential: &str, text: &mut String) {
    if value.is_nan() {
        text.push_str("NaN");
    } else if value.is_infinite() {
        text.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    } else if value == 0.0 || (1e-4..1e15).contains(&value.abs()) {
        text.push_str(plain);
    } else {
        let (digits, exponent) = exponential.split_once('e').unwrap_or((exponential, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
        let _ = write!(text, "{digits}e{sign}{exponent:0>2}");
    }
}

fn day(date: NaiveDate, text: &mut String) {
    let _ = write!(text, "{:04}-{:02}-{:02}", date.year(), date.month(), date.day());
}

fn fraction(micros: i64, text: &mut String) {
    if micros != 0 {
        let digits = format!("{micros:06}");
        let _ = write!(text, ".{}", digits.trim_end_matches('0'));
    }
}

fn time_of_day(micros: i64, text: &mut String) {
    let seconds = micros / 1_000_000;
    let _ = write!(text, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    fraction(micros % 1_000_000, text);
}

fn time(at: NaiveDateTime, text: &mut String) {
    day(at.date(), text);
    let since_midnight = TimeDelta::seconds(i64::from(at.time().num_seconds_from_midnight()));
    text.push(' ');
    time_of_day(
        since_midnight.num_microseconds().unwrap_or(0) + i64::from(at.and_utc().timestamp_subsec_micros()),
        text,
    );
}

fn offset(seconds: i32, text: &mut String) {
    let sign = if seconds < 0 { '-' } else { '+' };
    let seconds = seconds.abs();
    let _ = write!(text, "{sign}{:02}", seconds / 3600);
    if seconds % 3600 != 0 {
        let _ = write!(text, ":{:02}", seconds / 60 % 60);
    }
    if seconds % 60 != 0 {
        let _ = write!(text, ":{:02}", seconds % 60);
    }
}

/// As PostgreSQL's style `postgres`: `1 year 2 mons 3 days 04:05:06`.
fn interval(months: i32, days: i32, micros: i64, text: &mut String) {
    let plural = |n: i32| if n == 1 { "" } else { "s" };
    let (years, months) = (months / 12, months % 12);
    for (n, unit) in [(years, "year"), (months, "mon"), (days, "day")] {
        if n != 0 {
            let _ = write!(text, "{n} {unit}{} ", plural(n));
        }
    }
    if micros != 0 || text.is_empty() {
        if micros < 0 {
            text.push('-');
        }
        time_of_day(micros.saturating_abs(), text);
    } else {
        text.truncate(text.trim_end().len());
    }
}

fn decimal(value: i128, scale: i8, text: &mut String) {
    let scale = usize::try_from(scale).unwrap_or(0);
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, part) = digits.split_at(digits.len() - scale);
    if value < 0 {
        text.push('-');
    }
    text.push_str(whole);
    if scale > 0 {
        let _ = write!(text, ".{part}");
    }
}

/// In groups of four digits, as `numeric` is sent.
fn numeric(value: i128, scale: i8, out: &mut Vec<u8>) {
    let scale = usize::try_from(scale).unwrap_or(0);
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, part) = digits.split_at(digits.len() - scale);
    let whole = format!("{:0>width$}", whole, width = whole.len().div_ceil(4) * 4);
    let part = format!("{:0<width$}", part, width = part.len().div_ceil(4) * 4);
    let group = |digits: &[u8]| digits.iter().fold(0_i16, |sum, digit| sum * 10 + i16::from(digit - b'0'));
    let groups: Vec<i16> = [whole.as_bytes(), part.as_bytes()].concat().chunks(4).map(group).collect();
    let short = |n: usize| i16::try_from(n).unwrap_or(i16::MAX);
    for head in [short(groups.len()), short(whole.len() / 4) - 1, if value < 0 { 0x4000 } else { 0 }, short(scale)] {
        out.extend(head.to_be_bytes());
    }
    groups.iter().for_each(|group| out.extend(group.to_be_bytes()));
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn of(write: impl Fn(&mut String)) -> String {
        let mut text = String::new();
        write(&mut text);
        text
    }

    #[test]
    fn values_are_written_as_postgresql_writes_them() {
        let float = |value: f64| of(|text| number(value, &value.to_string(), &format!("{value:e}"), text));
        assert_eq!(float(0.1), "0.1");
        assert_eq!(float(-2.0), "-2");
        assert_eq!(float(1e15), "1e+15");
        assert_eq!(float(1.5e-5), "1.5e-05");
        assert_eq!(float(f64::NEG_INFINITY), "-Infinity");
        assert_eq!(of(|text| interval(14, 3, 14_706_500_000, text)), "1 year 2 mons 3 days 04:05:06.5");
        assert_eq!(of(|text| interval(0, 1, 0, text)), "1 day");
        assert_eq!(of(|text| interval(0, 0, -60_000_000, text)), "-00:01:00");
        assert_eq!(of(|text| offset(-12_600, text)), "-03:30");
        assert_eq!(of(|text| offset(28_800, text)), "+08");
        assert_eq!(of(|text| decimal(-5, 2, text)), "-0.05");
        // 12345.67 is the groups 1, 2345, 6700 of weight 1 and scale 2.
        let mut bytes = Vec::new();
        numeric(1_234_567, 2, &mut bytes);
        let words: Vec<i16> = bytes.chunks(2).map(|pair| i16::from_be_bytes([pair[0], pair[1]])).collect();
        assert_eq!(words, [3, 1, 0, 2, 1, 2345, 6700]);
    }
}

//! Prints Siemens APOGEE trend reports (HVAC.md §2): key, interval, range, header, rows, footer.
//!
//! Every field quoted, CRLF, dates `YYYY/M/D` without leading zeros, negatives behind a leading blank. Rows
//! are written without the formatting machinery: the reference job has fifteen million cells.

use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};

use super::sensors::Reading;

/// Everything above the rows; of each point its name and its trend definition. `until` is the last day covered.
pub fn begin<'a>(
    out: &mut Vec<u8>,
    points: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    interval_minutes: u32,
    from: NaiveDate,
    until: NaiveDate,
) {
    line(out, "\"Key            Name:Suffix                                Trend Definitions Used\"");
    for (number, (name, trend_definition)) in (1_u32..).zip(points.clone()) {
        line(out, &format!("\"Point_{number}:\",\"{name}\",\"\",\"{trend_definition}\""));
    }
    line(out, &format!("\"Time Interval:\",\"{interval_minutes} Minutes\""));
    let (from, until) = (date(from), date(until));
    line(out, &format!("\"Date Range:\",\"{from} 00:00:00 - {until} 23:59:59\""));
    line(out, "\"Report Timings:\",\"All Hours\"");
    line(out, "\"\"");
    out.extend_from_slice(b"\"<>Date\",\"Time\"");
    for (number, _) in (1_u32..).zip(points) {
        out.extend_from_slice(format!(",\"Point_{number}\"").as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

/// One row.
pub fn row(out: &mut Vec<u8>, at: NaiveDateTime, readings: impl Iterator<Item = Reading>) {
    out.push(b'"');
    integer(out, at.year().unsigned_abs().into());
    out.push(b'/');
    integer(out, at.month().into());
    out.push(b'/');
    integer(out, at.day().into());
    out.extend_from_slice(b"\",\"");
    two_digits(out, at.hour());
    out.push(b':');
    two_digits(out, at.minute());
    out.push(b':');
    two_digits(out, at.second());
    out.push(b'"');
    for reading in readings {
        out.extend_from_slice(b",\"");
        cell(out, reading);
        out.push(b'"');
    }
    out.extend_from_slice(b"\r\n");
}

/// The footer.
pub fn end(out: &mut Vec<u8>) {
    line(out, "\" ******************************** End of Report *********************************\"");
}

fn cell(out: &mut Vec<u8>, reading: Reading) {
    match reading {
        Reading::Number { digits, decimals } => {
            if digits < 0 {
                out.extend_from_slice(b" -");
            }
            let scale = 10_u64.pow(decimals.into());
            integer(out, digits.unsigned_abs() / scale);
            if decimals > 0 {
                out.push(b'.');
                // The leading 1 keeps the zeros behind the point.
                let at = out.len();
                integer(out, scale + digits.unsigned_abs() % scale);
                out.remove(at);
            }
        }
        Reading::State(on) => out.extend_from_slice(if on { b"ON" } else { b"OFF" }),
        Reading::Marker(marker) => out.extend_from_slice(marker.as_bytes()),
    }
}

fn line(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn date(day: NaiveDate) -> String {
    format!("{}/{}/{}", day.year(), day.month(), day.day())
}

fn two_digits(out: &mut Vec<u8>, value: u32) {
    if value < 10 {
        out.push(b'0');
    }
    integer(out, value.into());
}

fn integer(out: &mut Vec<u8>, mut value: u64) {
    let start = out.len();
    loop {
        out.push(b'0' + (value % 10) as u8);
        value /= 10;
        if value == 0 {
            break;
        }
    }
    if let Some(digits) = out.get_mut(start..) {
        digits.reverse();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

    use super::*;

    /// Written by hand after the shape in HVAC.md §2.
    #[test]
    fn prints_a_report_byte_for_byte() {
        let points = [("MMCB.KW", "5 minutes"), ("CH-1.S", "COV         15 minutes")];
        let day = NaiveDate::from_ymd_opt(2016, 10, 9).unwrap();
        let until = NaiveDate::from_ymd_opt(2016, 12, 10).unwrap();
        let mut out = Vec::new();
        begin(&mut out, points.into_iter(), 15, day, until);
        let at = |h, m| day.and_hms_opt(h, m, 0).unwrap();
        let number = |digits, decimals| Reading::Number { digits, decimals };
        row(&mut out, at(0, 0), [number(4583, 0), Reading::State(true)].into_iter());
        row(&mut out, at(9, 5), [number(-2, 1), Reading::State(false)].into_iter());
        row(&mut out, at(23, 45), [number(100_407, 2), Reading::Marker("Data Loss")].into_iter());
        row(&mut out, at(23, 50), [number(5, 3), number(0, 1)].into_iter());
        end(&mut out);
        let expected = concat!(
            "\"Key            Name:Suffix                                Trend Definitions Used\"\r\n",
            "\"Point_1:\",\"MMCB.KW\",\"\",\"5 minutes\"\r\n",
            "\"Point_2:\",\"CH-1.S\",\"\",\"COV         15 minutes\"\r\n",
            "\"Time Interval:\",\"15 Minutes\"\r\n",
            "\"Date Range:\",\"2016/10/9 00:00:00 - 2016/12/10 23:59:59\"\r\n",
            "\"Report Timings:\",\"All Hours\"\r\n",
            "\"\"\r\n",
            "\"<>Date\",\"Time\",\"Point_1\",\"Point_2\"\r\n",
            "\"2016/10/9\",\"00:00:00\",\"4583\",\"ON\"\r\n",
            "\"2016/10/9\",\"09:05:00\",\" -0.2\",\"OFF\"\r\n",
            "\"2016/10/9\",\"23:45:00\",\"1004.07\",\"Data Loss\"\r\n",
            "\"2016/10/9\",\"23:50:00\",\"0.005\",\"0.0\"\r\n",
            "\" ******************************** End of Report *********************************\"\r\n",
        );
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}

//! Excel workbooks: the sheet with most rows becomes delimited text and is read like any other report.
//!
//! Cells are streamed, never laid out as a rectangle, because a workbook may claim a cell at XFD1048576;
//! its parts are unpacked once against a limit before anything believes their sizes. Row n of the sheet is
//! line n of the text.

use std::fmt::Write;
use std::io::{self, Cursor, Read as _};

use calamine::{DataRef, ExcelDateTime, Reader as _, Xlsx, XlsxError};
use zip::ZipArchive;

use super::{Chosen, ReadError, Source};

/// Bytes that a workbook may hold, unpacked, and that its text may have.
const MAX_BYTES: u64 = 1 << 30;
/// Columns of the widest sheet that is read.
const MAX_COLUMNS: u32 = 10_100;

/// A workbook's table as comma-separated text.
#[derive(Debug)]
pub struct Sheet {
    /// One line a row of the sheet.
    pub text: String,
    /// `xlsx`, and which sheet was taken.
    pub encoding: Chosen<String>,
}

/// Whether the bytes are a zip archive that holds a workbook.
pub fn is_workbook(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") && memchr::memmem::find(bytes, b"xl/workbook.xml").is_some()
}

/// Turns the sheet with most rows into text.
pub fn read(source: Source<'_>) -> Result<Sheet, ReadError> {
    check_size(source)?;
    let broken = |error: XlsxError| {
        source.error(
            "not_a_table",
            None,
            format!("the workbook cannot be read ({error}): save it again, or export CSV"),
        )
    };
    let mut book = Xlsx::new(Cursor::new(source.bytes)).map_err(broken)?;
    let names = book.sheet_names();
    let mut best: Option<(u32, &str, String)> = None;
    for name in &names {
        let mut cells = match book.worksheet_cells_reader(name) {
            Ok(cells) => cells,
            // A sheet of charts has no cells.
            Err(XlsxError::WorksheetNotFound(_) | XlsxError::NotAWorksheet(_)) => continue,
            Err(error) => return Err(broken(error)),
        };
        let mut text = Text::default();
        while let Some(cell) = cells.next_cell().map_err(broken)? {
            text.cell(source, cell.get_position(), cell.get_value())?;
        }
        if text.rows > best.as_ref().map_or(0, |(rows, _, _)| *rows) {
            best = Some((text.rows, name, text.finish()));
        }
    }
    let Some((rows, name, text)) = best else {
        return Err(source.error("empty_file", None, "no sheet of the workbook has a cell with a value"));
    };
    let evidence = match names.len() {
        1 => format!("an Excel workbook with the sheet '{name}'"),
        n => format!("an Excel workbook; of its {n} sheets '{name}' has the most rows ({rows})"),
    };
    Ok(Sheet { text, encoding: Chosen { value: "xlsx".to_owned(), evidence } })
}

/// Unpacks all parts into nothing, and refuses a workbook that would fill the memory.
fn check_size(source: Source<'_>) -> Result<(), ReadError> {
    let broken =
        || source.error("not_a_table", None, "the workbook is damaged or encrypted: save it again without a password");
    let mut parts = ZipArchive::new(Cursor::new(source.bytes)).map_err(|_| broken())?;
    let mut total = 0;
    for index in 0..parts.len() {
        let part = parts.by_index(index).map_err(|_| broken())?;
        total += io::copy(&mut part.take(MAX_BYTES + 1 - total), &mut io::sink()).map_err(|_| broken())?;
        if total > MAX_BYTES {
            return Err(too_large(source));
        }
    }
    Ok(())
}

fn too_large(source: Source<'_>) -> ReadError {
    source.error("too_large", None, "the workbook holds more than 1 GiB: split it, or export CSV")
}

/// The text of one sheet, row by row.
#[derive(Default)]
struct Text {
    text: String,
    line: u32,
    column: u32,
    /// Rows that have a value.
    rows: u32,
    /// The last of them.
    filled: Option<u32>,
    /// Last column of the widest row so far: a row ends where the header does, its empty cells are empty.
    width: u32,
}

impl Text {
    fn cell(&mut self, source: Source<'_>, (row, column): (u32, u32), value: &DataRef<'_>) -> Result<(), ReadError> {
        if matches!(value, DataRef::Empty) || row < self.line {
            return Ok(());
        }
        if column > MAX_COLUMNS {
            let words =
                format!("a cell stands in column {}, and at most 10000 points are read from one report", column + 1);
            return Err(source.error("too_many_points", Some(u64::from(row) + 1), words));
        }
        while self.line < row {
            self.end_row();
        }
        while self.column < column {
            self.text.push(',');
            self.column += 1;
        }
        if self.filled != Some(row) {
            (self.filled, self.rows) = (Some(row), self.rows + 1);
        }
        write_value(&mut self.text, value);
        if self.text.len() as u64 > MAX_BYTES { Err(too_large(source)) } else { Ok(()) }
    }

    fn end_row(&mut self) {
        if self.filled == Some(self.line) {
            self.width = self.width.max(self.column);
            (self.column..self.width).for_each(|_| self.text.push(','));
        }
        self.text.push('\n');
        (self.line, self.column) = (self.line + 1, 0);
    }

    fn finish(mut self) -> String {
        self.end_row();
        self.text
    }
}

fn write_value(text: &mut String, value: &DataRef<'_>) {
    // Writing to a string cannot fail.
    let _ = match value {
        DataRef::Int(value) => write!(text, "{value}"),
        DataRef::Float(value) => write!(text, "{value}"),
        DataRef::Bool(value) => write!(text, "{}", if *value { "TRUE" } else { "FALSE" }),
        DataRef::Error(error) => write!(text, "{error}"),
        DataRef::DateTime(value) => write!(text, "{}", spell(value)),
        DataRef::String(value) | DataRef::DateTimeIso(value) | DataRef::DurationIso(value) => quote(text, value),
        DataRef::SharedString(value) => quote(text, value),
        DataRef::Empty => Ok(()),
    };
}

/// A text as one field on one line.
fn quote(text: &mut String, value: &str) -> std::fmt::Result {
    let line = value.replace(['\r', '\n'], " ");
    write!(text, "\"{}\"", line.trim_end_matches("_x000D_").replace('"', "\"\""))
}

/// A date as ISO 8601, a time of day or a duration as `hh:mm:ss`. Excel counts days in binary fractions, so a
/// time within 100 ms of a second is that second.
fn spell(value: &ExcelDateTime) -> String {
    let words = |ms: i64| {
        let whole = format!("{:02}:{:02}:{:02}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
        if ms % 1000 == 0 { whole } else { format!("{whole}.{:03}", ms % 1000) }
    };
    let days = value.as_f64();
    if value.is_duration() || (0.0..1.0).contains(&days) {
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

fn snap(ms: i64) -> i64 {
    let second = (ms + 500).div_euclid(1000) * 1000;
    if (ms - second).abs() <= 100 { second } else { ms }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
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
        assert_eq!(spelled(1.5, TimeDelta), "36:00:00");
        assert_eq!(spell(&ExcelDateTime::new(43_830.25, DateTime, true)), "2024-01-01 06:00:00");
    }

    #[test]
    fn a_cell_at_the_far_corner_costs_nothing() {
        let source = Source { name: "b.xlsx", bytes: b"" };
        let mut text = Text::default();
        text.cell(source, (0, 0), &DataRef::Int(1)).unwrap();
        text.cell(source, (1_048_575, 0), &DataRef::Int(2)).unwrap();
        assert_eq!((text.rows, text.text.len()), (2, 1_048_575 + 2));
        assert_eq!(text.cell(source, (1_048_575, 16_383), &DataRef::Int(3)).unwrap_err().code, "too_many_points");
    }
}

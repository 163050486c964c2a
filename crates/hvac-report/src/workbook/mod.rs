//! Excel workbooks: every sheet that is seen and holds values becomes comma-separated text, read like any other report.
//!
//! Row n of a sheet is line n of its text. Cells are streamed, never laid out as a rectangle, because a workbook may
//! claim a cell at XFD1048576; its parts are unpacked once against a limit before anything believes their sizes. What
//! only the whole sheet tells – decimal commas in texts, serials that are times, dates whose day and month a spreadsheet
//! swapped – is counted on the way ([`columns`]) and put right in a second pass over the text ([`mend`]), which most
//! workbooks do not need. Old `.xls`, `.xlsb` and `.ods` are refused by name: the crate that would read them lays every
//! sheet out as a rectangle, which a small file can make as large as it likes.

mod columns;
mod commas;
mod fields;
mod mend;
mod percent;
mod sheets;
mod swapped;
mod text;
mod times;

use std::io::{self, Cursor, Read as _, Write};

use calamine::{Dimensions, Reader as _, Xlsx, XlsxError};
use zip::ZipArchive;

use self::mend::Repairs;
use self::percent::Percents;
use self::text::Text;
use super::{Chosen, ReadError, ReadOptions, Source};
use hvac_frame::column::Warning;

/// Bytes that a workbook may hold, unpacked, and that the texts of its sheets may have together.
const MAX_BYTES: u64 = 1 << 30;

/// A workbook's tables as comma-separated text.
#[derive(Debug)]
pub(crate) struct Book {
    /// Those that are read, in the workbook's order; at least one.
    pub sheets: Vec<Sheet>,
    /// Which sheets are left out, and why.
    pub left_out: Vec<Warning>,
    /// `xlsx`, and which sheets were taken.
    pub encoding: Chosen<String>,
}

/// One sheet.
#[derive(Debug)]
pub(crate) struct Sheet {
    /// As its tab says.
    pub name: String,
    /// One line a row of the sheet. Texts stand in quotes, all else does not.
    pub text: String,
    /// The decimal sign of numbers that stand as texts; cells that are numbers are written with a point.
    pub decimal: u8,
    /// What was put right, and what a user should know.
    pub warnings: Vec<Warning>,
}

/// Whether the bytes are a zip archive that holds a workbook.
pub(crate) fn is_workbook(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") && memchr::memmem::find(bytes, b"xl/workbook.xml").is_some()
}

/// Turns the sheets, or the one that is asked for, into text.
///
/// # Errors
/// `unknown_sheet`; `empty_file` when none that is seen has a value; `swapped_dates` and `ambiguous_decimal` when the
/// cells can be read in two ways and nothing tells which; `not_a_table` and `too_large` for what cannot be opened.
pub(crate) fn read(source: Source<'_>, options: &ReadOptions) -> Result<Book, ReadError> {
    let merged = check_parts(source)?;
    let mut book = Xlsx::new(Cursor::new(source.bytes)).map_err(|error| broken(source, &error))?;
    let sheets::Choice { names, hidden, charts } = sheets::choose(source, &book, options.sheet.as_deref())?;
    let (mut raw, mut empty, mut room) = (Vec::new(), Vec::new(), MAX_BYTES);
    for name in names {
        let merges = if merged { book.merge_cells_by_sheet_name(&name).unwrap_or_default() } else { Vec::new() };
        let percents = Percents::of(source, &mut book, &name)?;
        let text = text_of(source, &mut book, &name, room, &percents)?;
        room = room.saturating_sub(text.text.len() as u64);
        if text.rows == 0 { empty.push(name) } else { raw.push(RawSheet { name, text, merges }) }
    }
    if raw.is_empty() {
        return Err(sheets::nothing(source, &hidden));
    }
    let notes: Vec<String> = match raw.len() {
        1 => Vec::new(),
        _ => raw.extract_if(.., |sheet| sheets::is_notes(sheet)).map(|sheet| sheet.name).collect(),
    };
    let is_1904 = book.has_1904_epoch();
    let mut repairs: Vec<Repairs> = raw.iter().map(|sheet| Repairs::new(sheet, is_1904)).collect();
    for (sheet, repairs) in raw.iter().zip(&mut repairs) {
        times::settle(source, sheet, repairs);
    }
    commas::settle(source, &raw, options.decimal, &mut repairs)?;
    swapped::settle(source, &raw, &mut repairs)?;
    let encoding = Chosen { value: "xlsx".to_owned(), evidence: sheets::evidence(&raw, &repairs) };
    let sheets = raw.into_iter().zip(repairs).map(|(sheet, repairs)| {
        let mut warnings = sheet.warnings(source);
        warnings.extend(repairs.warnings.iter().cloned());
        Sheet { text: mend::mend(sheet.text.text, &repairs), name: sheet.name, decimal: b'.', warnings }
    });
    Ok(Book {
        sheets: sheets.collect(),
        left_out: sheets::left_out(source, &hidden, &charts, &empty, &notes),
        encoding,
    })
}

/// A sheet as it was streamed.
struct RawSheet {
    name: String,
    text: Text,
    merges: Vec<Dimensions>,
}

impl RawSheet {
    /// A warning of this sheet; `words` go on after the sheet's name.
    fn warning(
        &self,
        source: Source<'_>,
        code: &str,
        line: u32,
        column: Option<&str>,
        count: u64,
        words: &str,
    ) -> Warning {
        Warning {
            code: code.to_owned(),
            file: source.name.to_owned(),
            line: Some(u64::from(line) + 1),
            column: column.map(str::to_owned),
            count,
            message: format!("sheet '{}': {words}", self.name),
        }
    }

    /// Dates of the column that has most, cells and texts.
    fn times(&self) -> u64 {
        self.text.columns.iter().map(|column| column.dates.count + column.dated.count).max().unwrap_or(0)
    }

    fn warnings(&self, source: Source<'_>) -> Vec<Warning> {
        let Some((line, column)) = self.text.first_unknown else { return Vec::new() };
        let count = self.text.unknown;
        let words = format!(
            "{count} cells (first {}) hold formulas whose values are not in the file, and are empty: open the workbook in a spreadsheet, let it calculate, and save it",
            cell_name(line, column)
        );
        vec![self.warning(source, "formula_without_value", line, None, count, &words)]
    }
}

/// A cell as spreadsheets call it: `AB12`.
fn cell_name(line: u32, column: u32) -> String {
    let (mut letters, mut rest) = (String::new(), column + 1);
    while rest > 0 {
        letters.insert(0, char::from(b'A' + u8::try_from((rest - 1) % 26).unwrap_or(0)));
        rest = (rest - 1) / 26;
    }
    format!("{letters}{}", line + 1)
}

/// The text of one sheet; of none for a sheet that has no cells.
fn text_of(
    source: Source<'_>,
    book: &mut Xlsx<Cursor<&[u8]>>,
    name: &str,
    room: u64,
    percents: &Percents,
) -> Result<Text, ReadError> {
    let mut text = Text::with_room(room);
    let mut cells = match book.worksheet_cells_reader(name) {
        Ok(cells) => cells,
        Err(XlsxError::WorksheetNotFound(_) | XlsxError::NotAWorksheet(_)) => return Ok(text),
        Err(error) => return Err(broken(source, &error)),
    };
    while let Some(cell) = cells.next_cell_with_formula_metadata().map_err(|error| broken(source, &error))? {
        text.cell(source, cell.pos, &cell.value, cell.formula.is_some(), percents.hold(cell.pos))?;
    }
    text.finish();
    Ok(text)
}

fn broken(source: Source<'_>, error: &XlsxError) -> ReadError {
    source.error("not_a_table", None, format!("the workbook cannot be read ({error}): save it again, or export CSV"))
}

/// Unpacks all parts into nothing, and refuses a workbook that would fill the memory. Whether any cells are merged.
fn check_parts(source: Source<'_>) -> Result<bool, ReadError> {
    let broken =
        || source.error("not_a_table", None, "the workbook is damaged or encrypted: save it again without a password");
    let mut parts = ZipArchive::new(Cursor::new(source.bytes)).map_err(|_| broken())?;
    let (mut total, mut merged) = (0, false);
    for index in 0..parts.len() {
        let part = parts.by_index(index).map_err(|_| broken())?;
        let mut search = Search::default();
        total += io::copy(&mut part.take(MAX_BYTES + 1 - total), &mut search).map_err(|_| broken())?;
        merged |= search.found;
        if total > MAX_BYTES {
            return Err(too_large(source));
        }
    }
    Ok(merged)
}

/// Looks for merged cells in what is written to it.
#[derive(Default)]
struct Search {
    /// The last bytes, in which the word may have begun.
    tail: Vec<u8>,
    found: bool,
}

impl Write for Search {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        const WORD: &[u8] = b"mergeCells";
        if !self.found {
            self.tail.extend_from_slice(bytes);
            self.found = memchr::memmem::find(&self.tail, WORD).is_some();
            self.tail.drain(..self.tail.len().saturating_sub(WORD.len()));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn too_large(source: Source<'_>) -> ReadError {
    source.error("too_large", None, "the workbook holds more than 1 GiB: split it, or export CSV")
}

#[cfg(test)]
mod tests;

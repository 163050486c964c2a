//! The cells of one sheet as comma-separated text, row by row, and what is counted of them on the way.

use std::fmt::Write;

use calamine::{CellErrorType, DataRef};

use super::super::{ReadError, Source};
use super::columns::Column;
use super::fields::{is_iso, spell};
use super::percent::in_percent;
use super::{cell_name, too_large};

/// Columns of the widest sheet that is read.
const MAX_COLUMNS: u32 = 20_100;

/// The text of one sheet.
#[derive(Default)]
pub(super) struct Text {
    /// One line a row.
    pub text: String,
    /// Rows that have a value.
    pub rows: u32,
    /// What each column holds.
    pub columns: Vec<Column>,
    /// Cells with a formula and without its value, and where the first one is.
    pub unknown: u64,
    /// Row and column, counted from 0.
    pub first_unknown: Option<(u32, u32)>,
    line: u32,
    column: u32,
    /// The last row that has a value.
    filled: Option<u32>,
    /// Last column of the widest row so far: a row ends where the header does, its empty cells are empty.
    width: u32,
    room: u64,
}

impl Text {
    /// For at most `room` bytes.
    pub(super) fn with_room(room: u64) -> Self {
        Self { room, ..Self::default() }
    }

    /// The next cell; those of one row come from left to right, and rows from top to bottom.
    pub(super) fn cell(
        &mut self,
        source: Source<'_>,
        (row, column): (u32, u32),
        value: &DataRef<'_>,
        formula: bool,
        percent: bool,
    ) -> Result<(), ReadError> {
        if is_empty(value) {
            if formula && matches!(value, DataRef::Empty) {
                self.unknown += 1;
                self.first_unknown.get_or_insert((row, column));
            }
            return Ok(());
        }
        if row < self.line || self.filled == Some(row) && column <= self.column {
            let words = format!(
                "the cell {} stands behind a later one: open the workbook in a spreadsheet and save it again",
                cell_name(row, column)
            );
            return Err(source.error("not_a_table", Some(u64::from(row) + 1), words));
        }
        if column > MAX_COLUMNS {
            let words =
                format!("a cell stands in column {}, and at most 20000 columns are read from one sheet", column + 1);
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
        let at = column as usize;
        if self.columns.len() <= at {
            self.columns.resize_with(at + 1, Column::default);
        }
        if let Some(column) = self.columns.get_mut(at) {
            column.see(row, value);
        }
        match value {
            DataRef::Int(value) if percent => self.text.push_str(&in_percent(&value.to_string())),
            DataRef::Float(value) if percent => self.text.push_str(&in_percent(&value.to_string())),
            _ => write_value(&mut self.text, value),
        }
        if self.text.len() as u64 > self.room { Err(too_large(source)) } else { Ok(()) }
    }

    fn end_row(&mut self) {
        if self.filled == Some(self.line) {
            self.width = self.width.max(self.column);
            (self.column..self.width).for_each(|_| self.text.push(','));
        }
        self.text.push('\n');
        (self.line, self.column) = (self.line + 1, 0);
    }

    /// Ends the last row.
    pub(super) fn finish(&mut self) {
        self.end_row();
    }
}

fn is_empty(value: &DataRef<'_>) -> bool {
    match value {
        DataRef::Empty => true,
        DataRef::String(text) => text.is_empty(),
        DataRef::SharedString(text) => text.is_empty(),
        _ => false,
    }
}

fn write_value(text: &mut String, value: &DataRef<'_>) {
    // Writing to a string cannot fail.
    let _ = match value {
        DataRef::Int(value) => write!(text, "{value}"),
        DataRef::Float(value) => write!(text, "{value}"),
        DataRef::Bool(value) => write!(text, "{}", if *value { "TRUE" } else { "FALSE" }),
        // What was being fetched is not there.
        DataRef::Error(CellErrorType::GettingData) => write!(text, "#N/A"),
        DataRef::Error(error) => write!(text, "{error}"),
        DataRef::DateTime(value) => write!(text, "{}", spell(value)),
        DataRef::DateTimeIso(value) if is_iso(value) => write!(text, "{value}"),
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SOURCE: Source<'_> = Source { name: "b.xlsx", bytes: b"" };

    fn code(text: &mut Text, at: (u32, u32)) -> Option<&'static str> {
        text.cell(SOURCE, at, &DataRef::Int(3), false, false).err().map(|error| error.code)
    }

    #[test]
    fn a_cell_at_the_far_corner_costs_nothing() {
        let mut text = Text::with_room(2 << 20);
        assert_eq!(code(&mut text, (0, 0)), None);
        assert_eq!(code(&mut text, (1_048_575, 0)), None);
        assert_eq!((text.rows, text.text.len()), (2, 1_048_575 + 2));
        assert_eq!(code(&mut text, (1_048_575, 20_101)), Some("too_many_points"));
    }

    #[test]
    fn cells_out_of_order_and_too_many_are_refused() {
        let mut text = Text::with_room(10);
        assert_eq!(code(&mut text, (1, 1)), None);
        for at in [(1, 1), (1, 0), (0, 5)] {
            assert_eq!(code(&mut text, at), Some("not_a_table"));
        }
        assert_eq!(code(&mut text, (9, 0)), Some("too_large"));
    }
}

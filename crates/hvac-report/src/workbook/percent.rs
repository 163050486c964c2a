//! Cells that are shown in percent: their number is a part of one, and a spreadsheet writes it into text as `50%`.

use std::collections::HashMap;
use std::io::Cursor;
use std::ops::RangeInclusive;

use calamine::Xlsx;

use super::super::{ReadError, Source};
use super::broken;

/// Where such cells stand: by column, the rows from above to below.
#[derive(Debug, Default)]
pub(super) struct Percents(HashMap<u32, Vec<RangeInclusive<u32>>>);

impl Percents {
    /// Of one sheet. Only where the workbook has a format of percent its cells are gone through for it.
    pub(super) fn of(source: Source<'_>, book: &mut Xlsx<Cursor<&[u8]>>, name: &str) -> Result<Self, ReadError> {
        let mut percents = Self::default();
        // A sheet that cannot be opened is told where its cells are read.
        let Ok(mut cells) = book.worksheet_cells_reader(name) else { return Ok(percents) };
        let styles = cells.styles().iter();
        let shown = styles.map(|style| style.number_format.as_ref().is_some_and(|f| is_percent(&f.format_code)));
        let shown: Vec<bool> = shown.collect();
        if !shown.contains(&true) {
            return Ok(percents);
        }
        while let Some((row, column, style)) = cells.next_style_id().map_err(|error| broken(source, &error))? {
            if shown.get(style) == Some(&true) {
                percents.add(row, column);
            }
        }
        Ok(percents)
    }

    fn add(&mut self, row: u32, column: u32) {
        let runs = self.0.entry(column).or_default();
        match runs.last_mut() {
            Some(run) if *run.end() + 1 == row => *run = *run.start()..=row,
            _ => runs.push(row..=row),
        }
    }

    /// Whether the cell is shown in percent.
    pub(super) fn hold(&self, (row, column): (u32, u32)) -> bool {
        let Some(runs) = self.0.get(&column) else { return false };
        let after = runs.partition_point(|run| *run.start() <= row);
        after.checked_sub(1).and_then(|at| runs.get(at)).is_some_and(|run| run.contains(&row))
    }
}

/// Whether a number format shows a number in percent: a `%` that is no text in quotes and stands behind no backslash.
fn is_percent(code: &str) -> bool {
    let (mut quoted, mut escaped) = (false, false);
    code.chars().any(|c| {
        let shown = c == '%' && !quoted && !escaped;
        quoted ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        shown
    })
}

/// A number as written with a point, a hundred times as large, and the sign of percent. Its digits stay as they are.
pub(super) fn in_percent(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let padded = format!("{fraction:0<2}");
    let (moved, rest) = padded.split_at_checked(2).unwrap_or((&padded, ""));
    let all = format!("{whole}{moved}");
    let trimmed = all.trim_start_matches('0');
    let whole = if trimmed.is_empty() { "0" } else { trimmed };
    let point = if rest.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{rest} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_times_as_large_digit_by_digit() {
        for (number, expected) in [
            ("0.5", "50 %"),
            ("0.07", "7 %"),
            ("0.0725", "7.25 %"),
            ("-0.001", "-0.1 %"),
            ("1", "100 %"),
            ("0", "0 %"),
            ("12.345678", "1234.5678 %"),
            ("0.29", "29 %"),
        ] {
            assert_eq!(in_percent(number), expected, "{number}");
        }
    }

    #[test]
    fn formats_that_show_percent() {
        for code in ["0%", "0.00%", "#,##0.0 %", "0%;[Red]-0%"] {
            assert!(is_percent(code), "{code}");
        }
        for code in ["General", "0.0", "0.0\"%\"", "0\\%", "yyyy-mm-dd"] {
            assert!(!is_percent(code), "{code}");
        }
    }
}

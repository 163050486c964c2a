//! Numbers that stand as texts: whether their comma is the decimal sign.
//!
//! `0,5` can be nothing else, `1,234.5` and `12.5` say the contrary, and `1,234` alone tells nothing: such cells follow
//! their column, else their sheet, else the workbook, and are refused when none tells.

use super::super::{ReadError, Source};
use super::RawSheet;
use super::columns::Column;
use super::mend::Repairs;
use crate::decimal::Commas;

/// What several columns hold.
fn sum<'a>(columns: impl Iterator<Item = &'a Column>) -> Commas {
    columns.fold(Commas::default(), |sum, Column { commas, .. }| Commas {
        comma: sum.comma + commas.comma,
        point: sum.point + commas.point,
        ..sum
    })
}

/// Settles which columns have numbers with a decimal comma.
pub(super) fn settle(
    source: Source<'_>,
    sheets: &[RawSheet],
    asked: Option<char>,
    repairs: &mut [Repairs],
) -> Result<(), ReadError> {
    let of_book = sum(sheets.iter().flat_map(|sheet| &sheet.text.columns)).verdict();
    for (sheet, repairs) in sheets.iter().zip(repairs) {
        let of_sheet = sum(sheet.text.columns.iter());
        let of_sheet = if of_sheet.comma + of_sheet.point > 0 { of_sheet.verdict() } else { of_book };
        for (at, column) in sheet.text.columns.iter().enumerate() {
            let commas = &column.commas;
            if asked == Some('.') || commas.comma + commas.doubtful == 0 {
                continue;
            }
            let told = commas.verdict().or(of_sheet).or(commas.are_thousands().then_some(false));
            let all = if asked == Some(',') { Some(true) } else { told };
            match all {
                Some(true) => repairs.commas.push((at, true)),
                _ if commas.comma > 0 => repairs.commas.push((at, false)),
                _ => {}
            }
            if let (None, Some((row, example))) = (all, &commas.first)
                && sheet.times() * 2 >= commas.doubtful
            {
                return Err(refusal(source, sheet, column, *row, example));
            }
        }
    }
    Ok(())
}

fn refusal(source: Source<'_>, sheet: &RawSheet, column: &Column, row: u32, example: &str) -> ReadError {
    let words = format!(
        "sheet '{}': {} texts such as '{example}' in column '{}' may be thousands or have a decimal comma, and nothing else tells: say which sign is decimal (decimal . or ,)",
        sheet.name,
        column.commas.doubtful,
        column.name()
    );
    let mut error = source.error("ambiguous_decimal", Some(u64::from(row) + 1), words);
    error.column = Some(column.name().to_owned());
    error
}

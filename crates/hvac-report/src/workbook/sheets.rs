//! Which sheets of a workbook are read, and what is said of the others.

use std::io::{Read, Seek};

use calamine::{Reader as _, SheetType, SheetVisible, Xlsx};

use super::super::{ReadError, Source};
use super::RawSheet;
use super::columns::Column;
use super::mend::Repairs;
use crate::words::names_time;
use hvac_frame::column::Warning;

/// Names that a message lists at most.
const LISTED: usize = 12;

/// The sheets of a workbook, by what becomes of them.
pub(super) struct Choice {
    /// To be read, in the workbook's order.
    pub names: Vec<String>,
    /// Left out because their author hid them.
    pub hidden: Vec<String>,
    /// Left out because they hold a chart, a dialog or macros.
    pub charts: Vec<String>,
}

/// All worksheets that are seen, or the one that is asked for, hidden or not.
pub(super) fn choose<R: Read + Seek>(
    source: Source<'_>,
    book: &Xlsx<R>,
    asked: Option<&str>,
) -> Result<Choice, ReadError> {
    let all = book.sheets_metadata();
    let mut choice = Choice { names: Vec::new(), hidden: Vec::new(), charts: Vec::new() };
    if let Some(asked) = asked {
        let exact = all.iter().find(|sheet| sheet.name == asked);
        let alike = || all.iter().find(|sheet| sheet.name.trim().to_lowercase() == asked.trim().to_lowercase());
        let Some(sheet) = exact.or_else(alike) else {
            let names: Vec<String> = all.iter().map(|sheet| sheet.name.clone()).collect();
            let words = format!("the workbook has no sheet '{asked}': name one of {}", list(&names));
            return Err(source.error("unknown_sheet", None, words));
        };
        choice.names.push(sheet.name.clone());
        return Ok(choice);
    }
    for sheet in all {
        let of = match (sheet.typ, sheet.visible) {
            (SheetType::WorkSheet, SheetVisible::Visible) => &mut choice.names,
            (SheetType::WorkSheet, _) => &mut choice.hidden,
            _ => &mut choice.charts,
        };
        of.push(sheet.name.clone());
    }
    Ok(choice)
}

/// The refusal of a workbook without a value.
pub(super) fn nothing(source: Source<'_>, hidden: &[String]) -> ReadError {
    let words = match hidden {
        [] => "no sheet of the workbook has a cell with a value".to_owned(),
        _ => format!(
            "no sheet of the workbook that is seen has a cell with a value; hidden are {}: name one as the sheet to read, or show it and save the workbook",
            list(hidden)
        ),
    };
    source.error("empty_file", None, words)
}

/// One warning a reason.
pub(super) fn left_out(
    source: Source<'_>,
    hidden: &[String],
    charts: &[String],
    empty: &[String],
    notes: &[String],
) -> Vec<Warning> {
    let say = |code: &str, names: &[String], why: &str| {
        (!names.is_empty()).then(|| Warning {
            code: code.to_owned(),
            file: source.name.to_owned(),
            line: None,
            column: None,
            count: names.len() as u64,
            message: format!("{} left out: {}, {why}", sheets(names.len()), list(names)),
        })
    };
    let reasons = [
        say("hidden_sheet", hidden, "hidden in the workbook; to read one, name it as the sheet to read"),
        say("sheet_without_cells", charts, "no worksheet (a chart, a dialog or macros)"),
        say("sheet_without_cells", empty, "without a cell that has a value"),
        say("sheet_left_out", notes, "with a date but no rows of times"),
    ];
    reasons.into_iter().flatten().collect()
}

/// Whether a sheet, one of several, holds dates and none that rows of readings would have: `Created | 2024-01-31`.
pub(super) fn is_notes(sheet: &RawSheet) -> bool {
    let dates = |column: &Column| column.dates.count + column.dated.count;
    let of_rows = |column: &Column| {
        let named = column.above.iter().any(|name| names_time(name));
        dates(column) > column.numbers.count && (named || dates(column) >= 3) || named && column.numbers.count >= 3
    };
    let columns = &sheet.text.columns;
    columns.iter().any(|column| dates(column) > 0) && !columns.iter().any(of_rows)
}

/// Which sheets were read and how, in words.
pub(super) fn evidence(read: &[RawSheet], repairs: &[Repairs]) -> String {
    let names: Vec<String> = read.iter().map(|sheet| sheet.name.clone()).collect();
    let commas = read.iter().zip(repairs).filter(|(_, repairs)| !repairs.commas.is_empty());
    let commas: Vec<String> = commas.map(|(sheet, _)| sheet.name.clone()).collect();
    let commas = match commas.as_slice() {
        [] => String::new(),
        commas => format!("; numbers in texts have a decimal comma in {}", list(commas)),
    };
    format!(
        "an Excel workbook with {} {}{commas}",
        if read.len() == 1 { "the sheet" } else { "the sheets" },
        list(&names)
    )
}

fn sheets(count: usize) -> String {
    if count == 1 { "1 sheet is".to_owned() } else { format!("{count} sheets are") }
}

fn list(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().take(LISTED).map(|name| format!("'{name}'")).collect();
    let more = if names.len() > LISTED { format!(" and {} more", names.len() - LISTED) } else { String::new() };
    quoted.join(", ") + &more
}

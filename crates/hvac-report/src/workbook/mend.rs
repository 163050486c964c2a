//! The second pass over a sheet's text: what the whole sheet settled is put right, field by field.
//!
//! Texts are told from all else by their quotes, dates by their form: the text was written by [`text`](super::text).

use std::borrow::Cow;
use std::collections::BTreeMap;

use calamine::{ExcelDateTime, ExcelDateTimeType};

use super::RawSheet;
use super::fields::{self, fields, is_iso, quoted};
use crate::DateOrder;
use crate::decimal::{self, Form};
use hvac_frame::column::Warning;

/// What is to be put right in one sheet.
#[derive(Default)]
pub(super) struct Repairs {
    /// Days are counted from 1904.
    pub is_1904: bool,
    /// Columns of numbers that are dates, or times of day, and the row from which on.
    pub serials: Vec<(usize, u32)>,
    /// Columns of texts whose comma is the decimal sign, and whether it is in those too that may be thousands.
    pub commas: Vec<(usize, bool)>,
    /// Columns of dates whose day and month are swapped, the row from which on, and the order of their texts.
    pub swapped: Vec<(usize, u32, DateOrder)>,
    /// By row: the columns over which its texts go on to the right, and the rows down to which they hold.
    merges: BTreeMap<u32, Vec<Merge>>,
    /// What a user should know of it.
    pub warnings: Vec<Warning>,
}

/// Cells that are one, by their first.
struct Merge {
    first: usize,
    /// The last column that is to get the same text.
    last: usize,
    /// The last row that is.
    down_to: u32,
}

impl Repairs {
    /// With the merged cells of a sheet.
    pub(super) fn new(sheet: &RawSheet, is_1904: bool) -> Self {
        let mut repairs = Self { is_1904, ..Self::default() };
        let columns = &sheet.text.columns;
        let begin = columns.iter().position(|column| column.from.is_some() || !column.above.is_empty()).unwrap_or(0);
        // Rows of data begin where the column with most dates does.
        let body = columns.iter().max_by_key(|column| column.dates.count + column.dated.count).and_then(|c| c.from);
        for merge in &sheet.merges {
            let [first, last] = [merge.start.1, merge.end.1].map(|column| column as usize);
            let in_body = body.is_some_and(|body| merge.start.0 >= body);
            // What stands over the first column too is a title, and no name of a group.
            let last = if first > begin || in_body { last.min(columns.len().saturating_sub(1)) } else { first };
            let down_to = if in_body { merge.end.0 } else { merge.start.0 };
            if last > first || down_to > merge.start.0 {
                repairs.merges.entry(merge.start.0).or_default().push(Merge { first, last, down_to });
            }
        }
        repairs
    }

    fn is_nothing(&self) -> bool {
        self.serials.is_empty() && self.commas.is_empty() && self.swapped.is_empty() && self.merges.is_empty()
    }
}

/// A sheet's text with everything put right.
pub(super) fn mend(text: String, repairs: &Repairs) -> String {
    if repairs.is_nothing() {
        return text;
    }
    let mut mended = String::with_capacity(text.len() + text.len() / 8);
    let mut down: Vec<(usize, u32, String)> = Vec::new();
    for (row, line) in (0_u32..).zip(text.split_terminator('\n')) {
        let mut cells: Vec<Cow<'_, str>> = fields(line).map(Cow::Borrowed).collect();
        // Before texts are filled in, so that each is put right once where it stands.
        for &(column, _) in repairs.serials.iter().filter(|(_, from)| row >= *from) {
            change(&mut cells, column, |field| date_of(field, repairs.is_1904));
        }
        for &(column, all) in &repairs.commas {
            change(&mut cells, column, |field| number_of(field, all));
        }
        for &(column, _, order) in repairs.swapped.iter().filter(|(_, from, _)| row >= *from) {
            change(&mut cells, column, |field| fields::put_right(field, order));
        }
        down.retain(|(_, last, _)| *last >= row);
        for (column, _, held) in &down {
            change(&mut cells, *column, |field| field.is_empty().then(|| held.clone()));
        }
        for merge in repairs.merges.get(&row).into_iter().flatten() {
            let Some(held) = cells.get(merge.first).filter(|cell| cell.starts_with('"') || is_iso(cell)) else {
                continue;
            };
            let held = held.clone().into_owned();
            if merge.last > merge.first && cells.len() <= merge.last {
                cells.resize(merge.last + 1, Cow::Borrowed(""));
            }
            for column in merge.first + 1..=merge.last {
                change(&mut cells, column, |field| field.is_empty().then(|| held.clone()));
            }
            if merge.down_to > row {
                (merge.first..=merge.last).for_each(|column| down.push((column, merge.down_to, held.clone())));
            }
        }
        for (at, cell) in cells.iter().enumerate() {
            if at > 0 {
                mended.push(',');
            }
            mended.push_str(cell);
        }
        mended.push('\n');
    }
    mended
}

fn change(cells: &mut [Cow<'_, str>], column: usize, into: impl FnOnce(&str) -> Option<String>) {
    if let Some(cell) = cells.get_mut(column)
        && let Some(new) = into(cell)
    {
        *cell = Cow::Owned(new);
    }
}

/// A number as the date or the time of day that it stands for.
fn date_of(field: &str, is_1904: bool) -> Option<String> {
    let days: f64 = field.parse().ok()?;
    Some(fields::spell(&ExcelDateTime::new(days, ExcelDateTimeType::DateTime, is_1904)))
}

/// A text that is a number with a decimal comma, with a point; `all`: even when it may be thousands.
fn number_of(field: &str, all: bool) -> Option<String> {
    let number = quoted(field)?.trim();
    let wanted = match decimal::form(number)? {
        Form::Comma => true,
        Form::Doubtful | Form::Grouped => all,
        _ => false,
    };
    wanted.then(|| format!("\"{}\"", decimal::with_point(number)))
}

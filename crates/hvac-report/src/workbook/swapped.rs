//! Dates whose day and month a spreadsheet swapped when it opened a CSV of another country.
//!
//! It takes `05/04/2024` for a date in its own order and leaves `13/04/2024`, which is none in it, a text: cells that are
//! dates, all of days up to 12, beside texts of days from 13 on. Whether they were swapped the order of the rows tells:
//! it is put right when the rows run forward then and do not without, left when it is the other way round, and refused
//! when neither is better. Sheets that call the column by the same name are judged one by one, and together where one
//! alone does not tell (a sheet a day).

use std::collections::BTreeMap;

use super::super::{ReadError, Source};
use super::RawSheet;
use super::columns::Column;
use super::fields::{fields, is_iso, local_ms, put_right};
use super::mend::Repairs;
use crate::DateOrder;
use crate::time::DAY_MS;

const HOUR_MS: i64 = 3_600_000;

/// What the order of the rows says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Dates are as they stand.
    Right,
    Swapped,
    /// Nothing tells.
    Open,
}

/// A column of dates of one sheet.
struct Suspect {
    sheet: usize,
    column: usize,
    /// In the order of the rows: as they stand, and swapped.
    times: Vec<(i64, i64)>,
    verdict: Verdict,
}

/// Settles which columns have swapped dates.
pub(super) fn settle(source: Source<'_>, sheets: &[RawSheet], repairs: &mut [Repairs]) -> Result<(), ReadError> {
    let mut named: BTreeMap<String, Vec<(usize, usize)>> = BTreeMap::new();
    for (sheet, raw) in sheets.iter().enumerate() {
        for (at, column) in raw.text.columns.iter().enumerate() {
            if column.dates.count + column.dated.count > 0 {
                named.entry(column.name().to_lowercase()).or_default().push((sheet, at));
            }
        }
    }
    for places in named.values() {
        let columns = || places.iter().filter_map(|(sheet, at)| sheets.get(*sheet)?.text.columns.get(*at));
        let Some(order) = order(columns()) else {
            suspicions(source, sheets, places, repairs);
            continue;
        };
        let mut suspects: Vec<Suspect> = places.iter().filter_map(|place| suspect(sheets, *place, order)).collect();
        let together: Vec<(i64, i64)> = suspects.iter().flat_map(|suspect| suspect.times.iter().copied()).collect();
        let verdict = judge(&together);
        for suspect in suspects.iter_mut().filter(|suspect| suspect.verdict == Verdict::Open) {
            suspect.verdict = verdict;
        }
        let any = suspects.iter().any(|suspect| suspect.verdict == Verdict::Swapped);
        for suspect in &suspects {
            let (Some(sheet), Some(repairs)) = (sheets.get(suspect.sheet), repairs.get_mut(suspect.sheet)) else {
                continue;
            };
            let Some(column) = sheet.text.columns.get(suspect.column) else { continue };
            match suspect.verdict {
                // Texts in the order that the others have: alone they might be read in another.
                Verdict::Right if column.dates.count == 0 && (any || column.dated.order().is_none()) => {
                    repairs.swapped.push((suspect.column, column.from.unwrap_or(0), order));
                }
                Verdict::Right => {}
                Verdict::Swapped => swap(source, sheet, column, suspect, order, repairs),
                Verdict::Open if column.dated.order().is_some() && column.dates.late == 0 => {
                    return Err(refusal(source, sheet, column, order));
                }
                Verdict::Open => {}
            }
        }
    }
    Ok(())
}

/// The order in which the texts of the columns can be read, when some can be read in no other.
fn order<'a>(columns: impl Iterator<Item = &'a Column> + Clone) -> Option<DateOrder> {
    // No spreadsheet had a hand in texts alone, and their years may stand first.
    if columns.clone().all(|column| column.dates.count == 0 && column.dated.year_first == column.dated.count) {
        return None;
    }
    let orders: Vec<DateOrder> = columns.filter_map(|column| column.dated.order()).collect();
    let first = *orders.first()?;
    orders.iter().all(|order| *order == first).then_some(first)
}

/// A column in which cells that are dates may be swapped, all of days up to 12 as they are; or one of texts only, which
/// is part of what runs forward.
fn suspect(sheets: &[RawSheet], (sheet, column): (usize, usize), order: DateOrder) -> Option<Suspect> {
    let raw = sheets.get(sheet)?;
    let dates = raw.text.columns.get(column)?;
    let from = dates.from?;
    // A footer may say when the report was written.
    if dates.dates.late > 1 && dates.dates.late * 50 > dates.dates.count {
        return None;
    }
    let field = |line| fields(line).nth(column);
    let lines = raw.text.text.split_terminator('\n').skip(from as usize);
    let times: Vec<(i64, i64)> = lines.filter_map(field).filter_map(|field| local_ms(field, order)).collect();
    let verdict = if dates.dates.count == 0 { Verdict::Right } else { judge(&times) };
    Some(Suspect { sheet, column, times, verdict })
}

/// Warns of cells that run in days when they are swapped, several rows a day, and in months as they stand, where no text
/// shows that a spreadsheet had a hand in it.
fn suspicions(source: Source<'_>, sheets: &[RawSheet], places: &[(usize, usize)], repairs: &mut [Repairs]) {
    for place in places {
        let Some(suspect) = suspect(sheets, *place, DateOrder::Dmy) else { continue };
        let several =
            suspect.times.windows(2).any(|pair| matches!(pair, [a, b] if a != b && a.0 / DAY_MS == b.0 / DAY_MS));
        let (sheet, column) = (sheets.get(suspect.sheet), repairs.get_mut(suspect.sheet));
        if let (Verdict::Swapped, true, Some(sheet), Some(repairs)) = (suspect.verdict, several, sheet, column)
            && let Some(column) = sheet.text.columns.get(suspect.column)
        {
            let words = format!(
                "the dates of '{}' leap from month to month, and would be days in a row if day and month were swapped: compare them with the system that wrote them, or export CSV",
                column.name()
            );
            let (row, count) = (column.from.unwrap_or(0), column.dates.count);
            repairs.warnings.push(sheet.warning(
                source,
                "dates_may_be_swapped",
                row,
                Some(column.name()),
                count,
                &words,
            ));
        }
    }
}

/// Compares how the rows run as they stand and swapped.
fn judge(times: &[(i64, i64)]) -> Verdict {
    let (back, gaps) = course(times.iter().map(|(stands, _)| *stands));
    let (swapped_back, swapped_gaps) = course(times.iter().map(|(_, swapped)| *swapped));
    match () {
        () if times.iter().all(|(stands, swapped)| stands == swapped) => Verdict::Right,
        () if swapped_back * 2 <= back && swapped_back < back => Verdict::Swapped,
        () if back * 2 <= swapped_back && back < swapped_back => Verdict::Right,
        () if back != swapped_back => Verdict::Open,
        () if swapped_gaps * 2 <= gaps && swapped_gaps < gaps => Verdict::Swapped,
        () if gaps * 2 <= swapped_gaps && gaps < swapped_gaps => Verdict::Right,
        () => Verdict::Open,
    }
}

/// Steps against the direction in which most rows go (an hour that clocks are put back is none), and steps of more than
/// a day and a half.
fn course(times: impl Iterator<Item = i64> + Clone) -> (u64, u64) {
    let steps = || times.clone().zip(times.clone().skip(1)).map(|(one, next)| next - one);
    let (mut down, mut up, mut gaps) = (0_u64, 0_u64, 0_u64);
    for step in steps() {
        up += u64::from(step > 2 * HOUR_MS);
        down += u64::from(step < -2 * HOUR_MS);
        gaps += u64::from(step.abs() > 36 * HOUR_MS);
    }
    let falling = steps().filter(|step| *step < 0).count() > steps().filter(|step| *step > 0).count();
    (if falling { up } else { down }, gaps)
}

fn swap(
    source: Source<'_>,
    sheet: &RawSheet,
    column: &Column,
    suspect: &Suspect,
    order: DateOrder,
    repairs: &mut Repairs,
) {
    let from = column.from.unwrap_or(0);
    repairs.swapped.push((suspect.column, from, order));
    let mut lines = (from..).zip(sheet.text.text.split_terminator('\n').skip(from as usize));
    let first = lines.find_map(|(row, line)| {
        let field = fields(line).nth(suspect.column)?;
        let right = put_right(field, order).filter(|right| right.as_str() != field && is_iso(field))?;
        Some((row, field.get(..10)?.to_owned(), right.get(..10)?.to_owned()))
    });
    let Some((row, field, right)) = first else { return };
    let count = column.dates.count;
    let beside = match column.dated.count {
        0 => "while other sheets have such dates as texts".to_owned(),
        texts => format!("beside {texts} dates that are texts, {}", words(order)),
    };
    let words = format!(
        "a spreadsheet had swapped day and month of the {count} cells of '{}' that are dates (the first is {field} for {right}), {beside}: put right, since the rows run forward then",
        column.name()
    );
    repairs.warnings.push(sheet.warning(source, "swapped_dates", row, Some(column.name()), count, &words));
}

fn refusal(source: Source<'_>, sheet: &RawSheet, column: &Column, order: DateOrder) -> ReadError {
    let words = format!(
        "sheet '{}', column '{}': {} cells are dates of days up to 12 beside {} dates that are texts, {}; a spreadsheet may have swapped day and month of the former, and the order of the rows does not tell: export the report again as CSV without opening it in a spreadsheet, or write all dates as 2024-01-31",
        sheet.name,
        column.name(),
        column.dates.count,
        column.dated.count,
        words(order)
    );
    let mut error = source.error("swapped_dates", column.from.map(|row| u64::from(row) + 1), words);
    error.column = Some(column.name().to_owned());
    error
}

fn words(order: DateOrder) -> &'static str {
    match order {
        DateOrder::Mdy => "month first",
        _ => "day first",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_tell() {
        let days =
            |days: &[(i64, i64)]| days.iter().map(|(a, b)| (a * 24 * HOUR_MS, b * 24 * HOUR_MS)).collect::<Vec<_>>();
        // 1 to 3 February as cells of 2 January, 2 February and 2 March (days of the year), then 13 February.
        assert_eq!(judge(&days(&[(2, 32), (33, 33), (62, 34), (44, 44)])), Verdict::Swapped);
        // 1 to 3 January, as they stand.
        assert_eq!(judge(&days(&[(1, 1), (2, 32), (3, 60), (13, 13)])), Verdict::Right);
        // Both run forward; swapped they are days, and as they stand months.
        assert_eq!(judge(&days(&[(3, 3), (34, 4), (63, 5)])), Verdict::Swapped);
        // Newest first.
        assert_eq!(judge(&days(&[(44, 44), (62, 34), (33, 33), (2, 32)])), Verdict::Swapped);
        // One row.
        assert_eq!(judge(&days(&[(2, 32)])), Verdict::Open);
    }
}

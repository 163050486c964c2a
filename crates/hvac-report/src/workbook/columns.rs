//! What the columns of a sheet hold, counted while its cells pass by.

use calamine::{DataRef, ExcelDateTime};

use super::fields::{is_iso, is_time};
use crate::DateOrder;
use crate::calendar::DateForm;
use crate::decimal::{self, Commas};
use crate::time::{self, Stamp};

/// What is counted of one column.
#[derive(Debug, Default)]
pub(super) struct Column {
    /// The last texts before its first value, the lowest last: at most two.
    pub above: Vec<String>,
    /// Row of its first value below a text.
    pub from: Option<u32>,
    /// Cells that are dates.
    pub dates: Dates,
    /// Texts that are dates.
    pub dated: Dated,
    /// Cells and texts that are times of day.
    pub clocks: u64,
    /// Cells that are numbers.
    pub numbers: Numbers,
    /// Texts that are numbers.
    pub commas: Commas,
}

/// Cells that are dates.
#[derive(Debug, Default)]
pub(super) struct Dates {
    /// All.
    pub count: u64,
    /// Those of a day that is no month.
    pub late: u64,
    /// Those with a time of day.
    pub with_clock: u64,
    /// The earliest and latest, days as the workbook counts them.
    pub range: Option<(f64, f64)>,
}

/// Texts that are dates of numbers only, with the year last.
#[derive(Debug, Default)]
pub(super) struct Dated {
    /// All texts that are dates, those with the year first or a month's name too.
    pub count: u64,
    /// Those with a time of day.
    pub with_clock: u64,
    /// That can be read month first only.
    pub month_first: u64,
    /// That can be read day first only.
    pub day_first: u64,
    /// That can be read both ways.
    pub doubtful: u64,
    /// Whose first number, of two digits, may be the year.
    pub year_first: u64,
}

impl Dated {
    /// The one order in which all can be read, when some can be read in no other.
    pub(super) fn order(&self) -> Option<DateOrder> {
        match (self.month_first, self.day_first) {
            (1.., 0) => Some(DateOrder::Mdy),
            (0, 1..) => Some(DateOrder::Dmy),
            _ => None,
        }
    }
}

/// Cells that are numbers, as days of a calendar.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// All.
    pub count: u64,
    /// Those from 0 to below 1.
    pub fractions: u64,
    /// Those that differ from the one before, upwards and downwards.
    pub up: u64,
    /// See `up`.
    pub down: u64,
    /// Without a fraction.
    pub whole: u64,
    /// The least and the greatest.
    pub range: Option<(f64, f64)>,
    last: f64,
}

impl Column {
    /// Counts the cell in that row.
    pub(super) fn see(&mut self, row: u32, value: &DataRef<'_>) {
        match value {
            DataRef::DateTime(value) if is_time(value) => {
                self.clocks += u64::from(self.is_below(row));
            }
            DataRef::DateTime(value) if self.is_below(row) => self.dates.see(value),
            #[expect(clippy::cast_precision_loss, reason = "a date or a time is no number so large")]
            DataRef::Int(value) => self.number(row, *value as f64),
            DataRef::Float(value) => self.number(row, *value),
            DataRef::String(text) => self.text(row, text),
            DataRef::SharedString(text) => self.text(row, text),
            DataRef::DateTimeIso(text) => match time::stamp(text, DateOrder::Ymd).filter(|_| is_iso(text)) {
                Some(stamp) if self.is_below(row) => {
                    self.dates.count += 1;
                    self.dates.late += u64::from(text.get(8..10).and_then(|d| d.parse().ok()) > Some(12));
                    self.dates.with_clock += u64::from(stamp.clock_ms > 0);
                }
                _ => {}
            },
            _ => {}
        }
    }

    /// Whether a value in that row is below a text, and so one of a table's.
    fn is_below(&mut self, row: u32) -> bool {
        if self.from.is_none() && !self.above.is_empty() {
            self.from = Some(row);
        }
        self.from.is_some()
    }

    fn number(&mut self, row: u32, value: f64) {
        if self.is_below(row) {
            self.numbers.see(value);
        }
    }

    fn text(&mut self, row: u32, text: &str) {
        let text = text.trim();
        if text.bytes().next().is_some_and(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b',' | 0xe2)) {
            if let Some((stamp, order)) = dated(text) {
                if self.is_below(row) {
                    let year_first = stamp.form == DateForm::ShortYear && time::stamp(text, DateOrder::Ymd).is_some();
                    self.dated.see(&stamp, order, year_first);
                }
                return;
            }
            if time::clock_only(text).is_some() {
                self.clocks += u64::from(self.is_below(row));
                return;
            }
            if let Some(form) = decimal::form(text) {
                if self.is_below(row) {
                    self.commas.see(form, row, text);
                }
                return;
            }
        }
        // A date or two above a text belong to what stands above the table: when it was written.
        if (1..=2).contains(&(self.dates.count + self.dated.count)) {
            let above = std::mem::take(&mut self.above);
            *self = Self { above, ..Self::default() };
        }
        if self.from.is_none() {
            if self.above.len() > 1 {
                self.above.remove(0);
            }
            self.above.push(text.chars().take(100).collect());
        }
    }

    /// The name above its values.
    pub(super) fn name(&self) -> &str {
        self.above.last().map_or("", String::as_str)
    }
}

impl Dates {
    fn see(&mut self, value: &ExcelDateTime) {
        let (_, _, day, hour, minute, second, _) = value.to_ymd_hms_milli();
        self.count += 1;
        self.late += u64::from(day > 12);
        self.with_clock += u64::from((hour, minute, second) != (0, 0, 0));
        widen(&mut self.range, value.as_f64());
    }
}

/// A text that is a date, and whether it can be read month first and day first, where its numbers leave that open.
fn dated(text: &str) -> Option<(Stamp, (bool, bool))> {
    let [mdy, dmy] = [DateOrder::Mdy, DateOrder::Dmy].map(|order| time::stamp(text, order));
    let order = (mdy.is_some(), dmy.is_some());
    let stamp = mdy.or(dmy).or_else(|| time::stamp(text, DateOrder::Ymd))?;
    let open = matches!(stamp.form, DateForm::YearLast | DateForm::ShortYear);
    Some((stamp, if open { order } else { (false, false) }))
}

impl Dated {
    fn see(&mut self, stamp: &Stamp, order: (bool, bool), year_first: bool) {
        self.count += 1;
        self.with_clock += u64::from(stamp.has_clock);
        self.year_first += u64::from(year_first);
        match order {
            (true, true) => self.doubtful += 1,
            (true, false) => self.month_first += 1,
            (false, true) => self.day_first += 1,
            (false, false) => {}
        }
    }
}

impl Numbers {
    fn see(&mut self, value: f64) {
        if self.count > 0 {
            self.up += u64::from(value > self.last);
            self.down += u64::from(value < self.last);
        }
        self.count += 1;
        self.last = value;
        self.fractions += u64::from((0.0..1.0).contains(&value));
        self.whole += u64::from(value.fract() == 0.0);
        widen(&mut self.range, value);
    }
}

fn widen(range: &mut Option<(f64, f64)>, value: f64) {
    *range = Some(range.map_or((value, value), |(low, high)| (low.min(value), high.max(value))));
}

//! Columns of times: which they are, how they are written, and whether a column can be one.

use super::layout::Record;
use super::words;
use crate::DateOrder;
use crate::epoch::{excel_serial, is_serial_column};
use crate::time;

/// The columns of a table's times.
#[derive(Debug, Clone, Default)]
pub(crate) struct TimeColumns {
    /// Of the date, or of date and time.
    pub stamp: usize,
    /// Of the clock time, where it stands apart.
    pub clock: Option<usize>,
    /// Of the interval's end.
    pub until: Option<usize>,
    /// Of the offset from UTC.
    pub offset: Option<usize>,
    /// How the times are written.
    pub kind: TimeKind,
    /// Further columns of time, which are no points.
    pub extra: Vec<usize>,
    /// Where every point, or some together, have a column of times of their own: all of them.
    pub own: Vec<usize>,
}

/// How a column of times is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum TimeKind {
    /// As dates.
    #[default]
    Written,
    /// Counted since 1970.
    Epoch,
    /// A spreadsheet's days.
    Serial,
    /// As dates without a year.
    Yearless,
}

impl TimeKind {
    /// Whether a text may be a time of this kind.
    pub(crate) fn holds(self, text: &str) -> bool {
        match self {
            Self::Written => time::is_stamp(text),
            Self::Epoch => time::epoch(text).is_some(),
            Self::Serial => excel_serial(text).is_some(),
            Self::Yearless => time::is_yearless(text),
        }
    }
}

impl TimeColumns {
    /// Whether a column holds times.
    pub(crate) fn holds(&self, at: usize) -> bool {
        at == self.stamp
            || [self.clock, self.until, self.offset].contains(&Some(at))
            || self.extra.contains(&at)
            || self.own.contains(&at)
    }
}

/// A time read in an order, ms since 1970 on whatever clock. Times of several rows are compared in one order each: 30/04 and
/// 01/05 are a day apart, and months where the second is read as one of January.
pub(crate) fn instant(cell: &str, kind: TimeKind, order: DateOrder) -> Option<i64> {
    match kind {
        TimeKind::Epoch => return time::epoch(cell),
        TimeKind::Serial => return excel_serial(cell),
        _ => {}
    }
    time::stamp(cell, order).map(|stamp| stamp.local_ms())
}

/// Whether a column holds times of a kind, and no other quantity that looks like them.
pub(crate) fn plausible(rows: &[Record], column: usize, kind: TimeKind) -> bool {
    let named = || rows.iter().take(8).any(|row| words::names_time(row.field(column)));
    let cells = || rows.iter().filter(|r| r.fields.len() > 1).map(|r| r.field(column)).filter(|cell| !cell.is_empty());
    match kind {
        TimeKind::Written => true,
        TimeKind::Epoch => plausible_epochs(rows, column),
        TimeKind::Serial => named() && is_serial_column(cells().filter(|cell| kind.holds(cell))),
        TimeKind::Yearless => named() && cells().filter(|cell| kind.holds(cell)).count() > 1,
    }
}

/// Whether all cells of a column are counts since 1970 that a trend may have, and no other quantity of that size.
fn plausible_epochs(rows: &[Record], column: usize) -> bool {
    let cells: Vec<&str> =
        rows.iter().filter(|r| r.fields.len() > 1).map(|r| r.field(column)).filter(|cell| !cell.is_empty()).collect();
    let read: Vec<i64> = cells.iter().filter_map(|cell| time::epoch(cell)).collect();
    // All but what stands above them, an end, and a header that is repeated.
    let below = cells.iter().skip_while(|cell| time::epoch(cell).is_none()).count();
    let all = read.len() + 2 >= below && read.len() * 2 > below || read.len() * 5 >= below * 4;
    // 2405130015 is a quarter past midnight of 2024-05-13 at least as likely as a second of 2046.
    if read.len() > 1 && cells.iter().filter(|cell| time::epoch(cell).is_some()).all(|cell| is_date_and_clock(cell)) {
        return false;
    }
    let within = read.iter().all(|at| (631_152_000_000..2_840_140_800_000).contains(at));
    let forward = read.windows(2).filter(|pair| matches!(pair, [a, b] if b >= a)).count();
    let backward = read.windows(2).filter(|pair| matches!(pair, [a, b] if b <= a)).count();
    let one_way = forward.max(backward) * 10 >= read.len().saturating_sub(1) * 8;
    let named = rows.iter().take(8).any(|row| words::names_time(row.field(column)));
    all && within && (named || one_way && column == 0)
}

/// Whether ten digits may be a date of two digits each and a clock time: `2405130015`.
fn is_date_and_clock(cell: &str) -> bool {
    let two = |at: usize| cell.get(at..at + 2).and_then(|two| two.parse::<u32>().ok());
    let (Some(a), Some(b), Some(c), Some(hour), Some(minute)) = (two(0), two(2), two(4), two(6), two(8)) else {
        return false;
    };
    let possible = |month: u32, day: u32| (1..=12).contains(&month) && (1..=31).contains(&day);
    cell.len() == 10 && hour < 24 && minute < 60 && (possible(b, c) || possible(b, a) || possible(a, b))
}

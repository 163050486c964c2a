//! Which columns of a table hold its times: a stamp, a date and a clock, an interval's two ends, an offset, or a stamp for
//! every point.

use super::layout::Record;
use super::table::{LEFT, Table};
use super::{DateOrder, ReadError, Source, words};
use crate::epoch::{excel_serial, is_serial_column};
use crate::time;

/// The columns of a table's times.
#[derive(Debug, Clone, Default)]
pub struct TimeColumns {
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
pub enum TimeKind {
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
    pub fn holds(self, text: &str) -> bool {
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
    pub fn holds(&self, at: usize) -> bool {
        at == self.stamp
            || [self.clock, self.until, self.offset].contains(&Some(at))
            || self.extra.contains(&at)
            || self.own.contains(&at)
    }
}

/// What the rows hold in one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Times {
    Full,
    Date,
    Clock,
}

/// A time read in any order, ms since 1970 on whatever clock.
pub fn instant(cell: &str, kind: TimeKind) -> Option<i64> {
    match kind {
        TimeKind::Epoch => return time::epoch(cell),
        TimeKind::Serial => return excel_serial(cell),
        _ => {}
    }
    let orders = [DateOrder::Mdy, DateOrder::Dmy, DateOrder::Ymd];
    orders.iter().find_map(|order| time::stamp(cell, *order)).map(|stamp| stamp.local_ms())
}

/// Whether a column holds times of a kind, and no other quantity that looks like them.
pub fn plausible(rows: &[Record], column: usize, kind: TimeKind) -> bool {
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
    // All but what stands above them, and an end.
    let below = cells.iter().skip_while(|cell| time::epoch(cell).is_none()).count();
    let all = read.len() + 2 >= below && read.len() * 2 > below;
    let within = read.iter().all(|at| (631_152_000_000..2_840_140_800_000).contains(at));
    let forward = read.windows(2).filter(|pair| matches!(pair, [a, b] if b >= a)).count();
    let backward = read.windows(2).filter(|pair| matches!(pair, [a, b] if b <= a)).count();
    let one_way = forward.max(backward) * 10 >= read.len().saturating_sub(1) * 8;
    let named = rows.iter().take(8).any(|row| words::names_time(row.field(column)));
    all && within && (named || one_way && column == 0)
}

/// Settles the columns of time of a table whose first one is known.
pub fn settle(source: Source<'_>, table: &mut Table) -> Result<(), ReadError> {
    let times = match table.times.kind {
        TimeKind::Written => of_texts(table),
        kind => of_kind(table, kind),
    };
    table.times = times;
    if table.cells(table.times.stamp).next().is_none() {
        return Err(source.error("no_rows", Some(table.header.line), "there are no rows below the header"));
    }
    Ok(())
}

fn of_kind(table: &Table, kind: TimeKind) -> TimeColumns {
    let named = |at: &usize| words::names_time(table.header.name(*at));
    let epochs: Vec<usize> = (0..table.width().min(LEFT))
        .filter(|at| table.cells(*at).next().is_some() && table.cells(*at).all(|cell| kind.holds(cell)))
        .collect();
    let first = epochs.first().copied().filter(|_| kind == TimeKind::Epoch);
    let stamp = epochs.iter().copied().find(named).or(first).unwrap_or(table.times.stamp);
    let others: Vec<usize> = epochs.iter().copied().filter(|at| *at != stamp && named(at)).collect();
    let mut times = TimeColumns { stamp, kind, ..TimeColumns::default() };
    let all: Vec<usize> = std::iter::once(stamp).chain(others.iter().copied()).collect();
    times.own = own_times(table, &all, kind);
    if times.own.is_empty() {
        times.extra = others;
    }
    times
}

fn of_texts(table: &Table) -> TimeColumns {
    let named = |at: &usize| words::names_time(table.header.name(*at));
    let width = table.width();
    let all: Vec<(usize, Times)> = (0..width).filter_map(|at| Some((at, times_in(table, at, at < LEFT)?))).collect();
    let of = |kind: Times| all.iter().filter(move |(_, k)| *k == kind).map(|(at, _)| *at);
    let full: Vec<usize> = of(Times::Full).collect();
    let own = own_times(table, &full, TimeKind::Written);
    if !own.is_empty() {
        return TimeColumns { stamp: own.first().copied().unwrap_or_default(), own, ..TimeColumns::default() };
    }
    let offset = (0..width.min(LEFT)).find(|at| is_offset(table, *at));
    let measured = |at: &usize| !words::names_bookkeeping(table.header.name(*at));
    let best = |kind: Times| {
        let from = of(kind).find(|at| words::names_from(table.header.name(*at)));
        from.or_else(|| of(kind).filter(measured).find(named))
            .or_else(|| of(kind).find(named))
            .or_else(|| of(kind).next())
    };
    let stamp = best(Times::Full).or_else(|| best(Times::Date)).unwrap_or(table.times.stamp);
    let mut times = TimeColumns { stamp, offset, ..TimeColumns::default() };
    if best(Times::Full).is_none() {
        // A clock beside the date: the first one after it, or the first of all.
        let clocks = || of(Times::Clock).filter(|at| !words::names_until(table.header.name(*at)));
        times.clock = clocks().find(|at| *at > stamp).or_else(|| clocks().next()).or_else(|| of(Times::Clock).next());
    }
    let others = all.iter().map(|(at, _)| *at).filter(|at| *at != stamp && Some(*at) != times.clock);
    for at in others {
        let name = table.header.name(at);
        if words::names_until(name) && times.until.is_none() {
            times.until = Some(at);
        } else if (named(&at) || !measured(&at) || times.until == Some(at)) && at < LEFT {
            times.extra.push(at);
        }
    }
    times
}

/// What the rows hold in a column; of columns far to the right the first rows are enough.
fn times_in(table: &Table, column: usize, near: bool) -> Option<Times> {
    let (mut filled, mut stamps, mut full, mut clocks) = (0, 0, 0, 0);
    for cell in table.cells(column).take(if near { usize::MAX } else { 12 }) {
        filled += 1;
        let orders = [DateOrder::Mdy, DateOrder::Dmy, DateOrder::Ymd];
        if let Some(stamp) = orders.iter().find_map(|order| time::stamp(cell, *order)) {
            stamps += 1;
            full += usize::from(stamp.has_clock);
        } else if time::clock_only(cell).is_some() {
            clocks += 1;
        }
    }
    if stamps * 2 > filled {
        Some(if full > 0 { Times::Full } else { Times::Date })
    } else {
        (clocks > 0 && clocks * 2 > filled).then_some(Times::Clock)
    }
}

/// A column of `+08:00`, `-0500`, `Europe/Berlin` beside the times.
fn is_offset(table: &Table, at: usize) -> bool {
    let is = |cell: &str| {
        let digits = cell.trim_start_matches("UTC").trim_start_matches("GMT");
        let signed = digits
            .strip_prefix(['+', '-'])
            .is_some_and(|rest| (2..=5).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_digit() || b == b':'));
        signed || cell.parse::<chrono_tz::Tz>().is_ok() || matches!(cell, "Z" | "UTC")
    };
    words::names_offset(table.header.name(at)) && table.cells(at).next().is_some() && table.cells(at).all(is)
}

/// The columns of times, when each is that of the points right of it: told by names that repeat or are the points' names, or
/// by times that run independently.
fn own_times(table: &Table, stamps: &[usize], kind: TimeKind) -> Vec<usize> {
    let [first, rest @ ..] = stamps else { return Vec::new() };
    let last = table.width();
    let ends = rest.iter().copied().chain(std::iter::once(last));
    let governs = stamps.iter().zip(ends).all(|(at, end)| {
        (at + 1..end).any(|point| table.cells(point).next().is_some() || !table.header.name(point).is_empty())
    });
    if rest.is_empty() || !governs {
        return Vec::new();
    }
    let name = |at: usize| table.header.name(at);
    let repeat = rest.iter().all(|at| {
        words::bare(name(*at)).trim_end_matches(|c: char| c.is_numeric())
            == words::bare(name(*first)).trim_end_matches(|c: char| c.is_numeric())
    });
    let of_its_point = |at: &usize| {
        let point = words::stem(name(at + 1));
        point.len() > 1 && name(*at).len() > point.len() && name(*at).starts_with(point)
    };
    let other_use = |at: &usize| words::names_bookkeeping(name(*at)) || words::names_until(name(*at));
    let mut independent = false;
    for at in rest {
        let distances: std::collections::BTreeSet<i64> = table
            .rows
            .iter()
            .filter_map(|row| Some(instant(row.field(*at), kind)? - instant(row.field(*first), kind)?))
            .collect();
        independent |= distances.len() > 2;
    }
    let told = repeat || stamps.iter().all(of_its_point) || independent;
    if told && !rest.iter().any(other_use) { stamps.to_vec() } else { Vec::new() }
}

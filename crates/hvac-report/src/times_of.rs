//! Which columns of a table hold its times: a stamp, a date and a clock, an interval's two ends, an offset, or a stamp for
//! every point.

use std::collections::BTreeSet;

use super::fields::Dialect;
use super::table::{self, LEFT, Table};
use super::time_columns::{TimeColumns, TimeKind, instant};
use super::{DateOrder, ReadError, ReadOptions, Source, clock_column, words};
use crate::layout::Record;
use crate::time;

/// What the rows hold in one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Times {
    Full,
    Date,
    Clock,
}

/// The table of a text, with all its columns of time.
pub(crate) fn table(
    source: Source<'_>,
    text: &str,
    dialect: Dialect,
    options: &ReadOptions,
) -> Result<Table, ReadError> {
    let mut table = table::find(source, text, dialect, options)?;
    settle(source, &mut table)?;
    Ok(table)
}

/// Settles the columns of time of a table whose first one is known.
fn settle(source: Source<'_>, table: &mut Table) -> Result<(), ReadError> {
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
    let mut all: Vec<(usize, Times)> =
        (0..width).filter_map(|at| Some((at, times_in(table, at, at < LEFT)?))).collect();
    // Spreadsheets write dates with 00:00:00 behind them.
    if all.iter().any(|(at, kind)| *kind == Times::Clock && clock_column::is_clock(table.header.name(*at))) {
        let dates = all.iter_mut().filter(|(at, kind)| *kind == Times::Full && at_midnight(table, *at));
        dates.for_each(|(_, kind)| *kind = Times::Date);
    }
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
            .or_else(|| of(kind).find(measured))
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

/// Whether all times of a column are at 00:00.
fn at_midnight(table: &Table, column: usize) -> bool {
    let mut times = table.sample().filter_map(|row| time::in_any_order(row.field(column)));
    times.all(|stamp| stamp.clock_ms == 0 && stamp.zone.is_none() && stamp.width_ms.is_none())
}

/// What the rows hold in a column; of columns far to the right the first rows are enough.
fn times_in(table: &Table, column: usize, near: bool) -> Option<Times> {
    let (mut filled, mut stamps, mut full, mut clocks, mut counted_on) = (0, 0, 0, 0, 0);
    for cell in table.cells(column).take(if near { usize::MAX } else { 12 }) {
        filled += 1;
        if let Some(stamp) = time::in_any_order(cell) {
            stamps += 1;
            full += usize::from(stamp.has_clock);
        } else if time::clock_only(cell).is_some() {
            clocks += 1;
        } else if time::past_midnight(cell).is_some() {
            counted_on += 1;
        }
    }
    if stamps * 2 > filled {
        Some(if full > 0 { Times::Full } else { Times::Date })
    } else {
        (clocks > 0 && (clocks + counted_on) * 2 > filled).then_some(Times::Clock)
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
    let name = table.header.name(at);
    // Hours or minutes from UTC, or what else is no zone: whoever reads the times refuses it.
    let number = |cell: &str| words::names_offset_from_utc(name) && cell.parse::<f64>().is_ok();
    let holds = |cell: &str| is(cell) || number(cell);
    words::names_offset(name) && table.cells(at).next().is_some() && table.cells(at).all(holds)
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
        let distances = |order: &DateOrder| {
            let between =
                |row: &Record| Some(instant(row.field(*at), kind, *order)? - instant(row.field(*first), kind, *order)?);
            let distances: BTreeSet<i64> = table.rows.iter().filter_map(between).collect();
            Some(distances.len()).filter(|count| *count > 0)
        };
        independent |= time::ORDERS.iter().filter_map(distances).min().is_some_and(|count| count > 2);
    }
    let told = repeat || stamps.iter().all(of_its_point) || independent;
    if told && !rest.iter().any(other_use) { stamps.to_vec() } else { Vec::new() }
}

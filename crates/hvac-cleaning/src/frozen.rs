//! Frozen: a sensor whose value stands still while its equipment runs (HVAC.md §4).
//!
//! A run of cells counts when their standard deviation is below `frozen_std` (0.001 of the column's unit; the
//! range is held to twice that, which guarantees it: σ ≤ (max − min)/2, Popoviciu 1935) and it lasts for
//!
//! - `frozen_samples` (6) native samples – the column's own interval, not the report's: a point recorded every
//!   hour repeats four times in a 15-minute report without being frozen – and
//! - `frozen_habit` (3) times as long as 99 % of the column's own runs (95 % while there are fewer than 100 of
//!   them): a coarse sensor holds its value by habit, and a point that is written hourly into a 10-minute table
//!   shows it there when no report says so. Of runs with geometric lengths one in a million lasts so long. With fewer
//!   than 20 runs it is 1.25 times that of the mean of the others, a day at least where there are not three others, and
//!   asked only where something else says that the value should move; a point that is recorded on change of value is
//!   not judged without a habit, for standing still is what it looks like when nothing happens.
//!
//! It takes knowledge to call a value stuck. What is known decides what is done ([`Knowledge`]):
//!
//! | known | cells | what is hit |
//! |---|---|---|
//! | the weather moves | all, when it lasts half an hour: it turns slowly at dawn and in the afternoon | nulled |
//! | its machine, or the plant, runs | those while it is known to run: unknown is not running | nulled |
//! | its own value says that it runs (a power, flow or load above its idle floor) | those above the floor | nulled |
//! | nothing | all, when it lasts three days: whatever stands over a weekend would have run | reported, never nulled |
//!
//! Never frozen are the idle floor of a meter (up to 2 % of its usual span above its usual least value), a relative
//! humidity of 100 %, what only rises (a register by its values), and **levels**: a sensor sticks where it happens to
//! be, so a value on which a column comes to rest again and again – three times, or twice at its least or greatest
//! value – is a set-point, an end position or a fixed speed. What is set rather than measured is not judged at all.
//!
//! An outage does not break a run that goes on with the same value, unless it is longer than the run would have
//! to be; it does not count for its length. Equipment that stands breaks it.

use std::ops::Range;

use super::machines::Knowledge;
use super::parameters::Thresholds;
use super::run_lengths::{RunLengths, Sensor, StandstillScan, look};
use super::sampling::GAP_FACTOR;
use super::{CleanError, internal};

/// Runs that are needed to know a column's habit, and the quantile that they are asked for then.
const HABITS: [(usize, f64); 2] = [(100, 0.99), (20, 0.95)];
/// Of fewer runs, how much more than `frozen_habit` times their mean.
const FEW: f64 = 1.25;
/// What a run must last that has fewer than [`OTHERS`] beside it, ms.
const ALONE_MS: f64 = 24.0 * 3.6e6;
/// What it must last where nothing says that it should move: whatever stands over a weekend would have run, ms.
const UNKNOWN_MS: f64 = 72.0 * 3.6e6;
/// What it must last of the weather, which turns slowly at dawn and in the afternoon: half an hour, ms.
const WEATHER_MS: f64 = 29.0 * 60_000.0;
/// Runs that make a mean.
const OTHERS: usize = 3;
/// Times that a column comes to rest on a value that is a level of it, and on its least or greatest value.
const LEVEL: (usize, usize) = (3, 2);
/// Rises that tell a register, and how many of them there are for each fall.
const RISES: (u64, u64) = (48, 50);

/// A run of one value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct FrozenRun {
    /// First row.
    pub(crate) first: usize,
    /// Last row.
    pub(crate) last: usize,
    /// Time of the first row, UTC ms.
    pub(crate) start_ms: i64,
    /// Time of the last row, UTC ms.
    pub(crate) end_ms: i64,
    /// Rows with a value.
    pub(crate) rows: u64,
    /// Least value.
    pub(crate) min: f64,
    /// Greatest value.
    pub(crate) max: f64,
    /// Time between its rows that no row covers, ms.
    outages_ms: f64,
}

/// What was found in a column.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct FrozenScan {
    /// Frozen runs.
    pub(crate) runs: Vec<FrozenRun>,
    /// Cells that could be judged.
    pub(crate) judged: u64,
    /// Why standstills are not in `runs`, or the column was not judged, in words.
    pub(crate) notes: Vec<String>,
}

/// The frozen runs, and the cells that could be judged.
///
/// # Errors
/// `internal` when a stretch has rows that are not there.
pub(crate) fn frozen(sensor: &Sensor<'_>, known: Knowledge, thresholds: &Thresholds) -> Result<FrozenScan, CleanError> {
    let range = 2.0 * thresholds.frozen_std;
    // Half a sample of tolerance for clocks that are a second early.
    let least = (f64::from(thresholds.frozen_samples) - 0.5) * sensor.interval_ms;
    let StandstillScan { mut holds, judged, stretches } = look(sensor, range, least);
    let count = holds.len();
    let habit = HABITS.iter().find(|(runs, _)| count >= *runs);
    if habit.is_none() && sensor.on_change {
        return Ok(FrozenScan::default());
    }
    if habit.is_none() && count > 0 && !matches!(known, Knowledge::Moves | Knowledge::Runs) {
        let note = format!("it changed fewer than {} times, and nothing says that it should have moved", HABITS[1].0);
        return Ok(FrozenScan { notes: vec![note], ..FrozenScan::default() });
    }
    if stretches.is_empty() {
        return Ok(FrozenScan { judged, ..FrozenScan::default() });
    }
    let required = match habit {
        Some((_, q)) => holds.quantile(*q, |hold_ms| hold_ms as f64 + sensor.seen_ms).unwrap_or(0.0),
        None => few(&holds, sensor.seen_ms),
    };
    let least = match known {
        Knowledge::Nothing => least.max(UNKNOWN_MS),
        Knowledge::Moves => least.max(WEATHER_MS),
        Knowledge::Runs | Knowledge::Itself => least,
    };
    let required = least.max(thresholds.frozen_habit * required);
    let mut runs_found = Vec::new();
    for rows in stretches {
        let lasting = runs(sensor, rows, range, required)?.into_iter();
        runs_found.extend(lasting.filter(|run| run.rows > 1 && run.lasts_ms(sensor.seen_ms) >= required));
    }
    let mut scan = FrozenScan { runs: runs_found, judged, notes: Vec::new() };
    if !scan.runs.is_empty() && known != Knowledge::Moves {
        scan.leave_levels(sensor, range);
    }
    Ok(scan)
}

/// What stands for the habit of a column with so few runs: the mean of all but the longest.
fn few(holds: &RunLengths, seen_ms: f64) -> f64 {
    let others = holds.len().saturating_sub(1);
    let rest_ms = holds.sum() - holds.longest().unwrap_or(0);
    let mean = if others == 0 { 0.0 } else { FEW * (rest_ms as f64 / others as f64 + seen_ms) };
    if others < OTHERS { mean.max(ALONE_MS / 3.0) } else { mean }
}

impl FrozenScan {
    /// Takes out the runs in which the column came to rest on a level, and those of a register.
    fn leave_levels(&mut self, sensor: &Sensor<'_>, range: f64) {
        let (mut last, mut rises, mut falls) = (f64::NAN, 0_u64, 0_u64);
        let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in sensor.values.iter().copied().filter(|value| !value.is_nan()) {
            (rises, falls) = (rises + u64::from(value > last), falls + u64::from(value < last));
            (last, min, max) = (value, min.min(value), max.max(value));
        }
        let (least, each) = RISES;
        if rises >= least && falls * each <= rises {
            self.notes.push(format!("it rises {rises} times and falls {falls} times, as a register does"));
            self.runs.clear();
            return;
        }
        let mut by_level: Vec<usize> = (0..self.runs.len()).collect();
        let at = |index: &usize| self.runs.get(*index);
        let level = |index: &usize| at(index).map_or(f64::NAN, |run| run.min);
        by_level.sort_by(|a, b| level(a).total_cmp(&level(b)).then(a.cmp(b)));
        let (mut rests, mut levels) = (vec![false; self.runs.len()], Vec::new());
        for same in by_level.chunk_by(|a, b| (level(b) - level(a)).abs() <= range) {
            let mut same: Vec<usize> = same.to_vec();
            same.sort_unstable();
            // It was elsewhere between two of them.
            let left = same.iter().filter_map(at).zip(same.iter().skip(1).filter_map(at)).filter(|(a, b)| {
                let between = sensor.values.get(a.last + 1..b.first).unwrap_or_default();
                between.iter().any(|value| !value.is_nan() && (value - a.min).abs() > range)
            });
            let times = 1 + left.count();
            let Some(first) = same.first().and_then(at) else { continue };
            let at_end = first.min - min <= range || max - first.max <= range;
            if times >= if at_end { LEVEL.1 } else { LEVEL.0 } {
                levels.push((first.min, times));
                same.iter().for_each(|index| rests.get_mut(*index).into_iter().for_each(|rests| *rests = true));
            }
        }
        let mut rests = rests.into_iter();
        self.runs.retain(|_| !rests.next().unwrap_or(false));
        if let Some((level, times)) = levels.first() {
            let more = match levels.len() {
                1 => String::new(),
                n => format!(", and on {} more values likewise", n - 1),
            };
            let level = super::sampling::number(*level);
            self.notes.push(format!("it came to rest on {level} {times} times{more}: levels, not a stuck sensor"));
        }
    }
}

impl FrozenRun {
    /// How long it lasts without its outages, ms.
    fn lasts_ms(&self, seen_ms: f64) -> f64 {
        (self.end_ms - self.start_ms) as f64 + seen_ms - self.outages_ms
    }
}

/// The runs of values that stay within `range`, whose rows are at most `bridge_ms` apart, in a stretch.
fn runs(sensor: &Sensor<'_>, stretch: Range<usize>, range: f64, bridge_ms: f64) -> Result<Vec<FrozenRun>, CleanError> {
    let mut done: Vec<FrozenRun> = Vec::new();
    let (at_ms, values) = (sensor.at_ms.get(stretch.clone()), sensor.values.get(stretch.clone()));
    let (at_ms, values) = at_ms.zip(values).ok_or_else(|| internal("a stretch goes beyond its column"))?;
    for (row, (at, value)) in stretch.zip(at_ms.iter().zip(values)).filter(|(_, (_, value))| !value.is_nan()) {
        match done.last_mut() {
            Some(run)
                if (at - run.end_ms) as f64 <= bridge_ms && run.max.max(*value) - run.min.min(*value) <= range =>
            {
                let step = (at - run.end_ms) as f64;
                run.outages_ms += if step > GAP_FACTOR * sensor.interval_ms { step - sensor.seen_ms } else { 0.0 };
                (run.last, run.end_ms, run.rows) = (row, *at, run.rows + 1);
                (run.min, run.max) = (run.min.min(*value), run.max.max(*value));
            }
            _ => done.push(FrozenRun {
                first: row,
                last: row,
                start_ms: *at,
                end_ms: *at,
                rows: 1,
                min: *value,
                max: *value,
                outages_ms: 0.0,
            }),
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests;

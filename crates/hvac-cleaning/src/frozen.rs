//! Frozen: a sensor whose value stands still while its equipment runs (HVAC.md §4).
//!
//! A run of cells counts when their standard deviation is below `frozen_std` (0.001 of the column's unit; the
//! range is held to twice that, which guarantees it: σ ≤ (max − min)/2, Popoviciu 1935) and it lasts for
//!
//! - `frozen_samples` (6) native samples – the column's own interval, not the report's: a point recorded every
//!   hour repeats four times in a 15-minute report without being frozen – and
//! - `frozen_habit` (3) times as long as 99 % of the column's own runs (95 % while there are fewer than 100 of
//!   them): a coarse sensor holds its value by habit, and a point that is written hourly into a 10-minute table
//!   shows it there when no report says so. Of runs with geometric lengths one in a million lasts so long –
//!   and longer than one column in 5000 holds a value by chance: a sensor of coarse steps repeats it with some
//!   probability p, and of n runs of m samples n·pᴸ⁻ᵐ last for L ([`RunLengths::by_chance`]). With fewer
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
//! humidity of 100 %, and – but for the weather – what is usual for the value at which it stands: see
//! [`super::levels`]. What is set rather than measured is not judged at all.
//!
//! An outage does not break a run that goes on with the same value, unless it is longer than the run would have
//! to be; it does not count for its length. Equipment that stands breaks it.

use std::ops::Range;

use super::levels::{Levels, Standstill};
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
    let mut scan = standstills(sensor, known, thresholds)?;
    if !scan.runs.is_empty() && known != Knowledge::Moves {
        let spans = scan.runs.iter().map(|run| run.span(sensor.seen_ms)).collect();
        let levels = Levels::of(sensor, spans, 2.0 * thresholds.frozen_std, thresholds.frozen_habit);
        let mut usual = levels.usual.into_iter();
        scan.runs.retain(|_| !usual.next().unwrap_or(false));
        scan.notes = levels.notes;
    }
    Ok(scan)
}

/// The runs that last longer than the column's own do, and the cells that could be judged.
fn standstills(sensor: &Sensor<'_>, known: Knowledge, thresholds: &Thresholds) -> Result<FrozenScan, CleanError> {
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
    let by_chance = thresholds.frozen_habit > 0.0 && habit.is_some() && holds.goes_on_by_chance();
    let chance = if by_chance { holds.by_chance(sensor.seen_ms) } else { 0.0 };
    let required = least.max(thresholds.frozen_habit * required).max(chance);
    let mut runs_found = Vec::new();
    for rows in stretches {
        let lasting = runs(sensor, rows, range, required)?.into_iter();
        runs_found.extend(lasting.filter(|run| run.rows > 1 && run.lasts_ms(sensor.seen_ms) >= required));
    }
    Ok(FrozenScan { runs: runs_found, judged, notes: Vec::new() })
}

/// What stands for the habit of a column with so few runs: the mean of all but the longest.
fn few(holds: &RunLengths, seen_ms: f64) -> f64 {
    let others = holds.len().saturating_sub(1);
    let rest_ms = holds.sum() - holds.longest().unwrap_or(0);
    let mean = if others == 0 { 0.0 } else { FEW * (rest_ms as f64 / others as f64 + seen_ms) };
    if others < OTHERS { mean.max(ALONE_MS / 3.0) } else { mean }
}

impl FrozenRun {
    /// As levels are told by.
    fn span(&self, seen_ms: f64) -> Standstill {
        Standstill {
            first: self.first,
            last: self.last,
            level: self.min,
            top: self.max,
            lasts_ms: self.lasts_ms(seen_ms),
        }
    }

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

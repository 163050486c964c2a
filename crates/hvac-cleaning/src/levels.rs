//! Levels: values at which it is usual for a column to stand still.
//!
//! A sensor sticks where it happens to be. So a standstill is no sign of a stuck sensor where the column
//!
//! - comes to rest on the same value again and again: three times, or twice when it is its least or greatest value – a
//!   set-point, the end of a valve, a fixed speed;
//! - has that value at a tenth of all other times, too: a fan at its one speed, read by a coarse meter;
//! - stands as long around there: 3 times (`frozen_habit`) as long as 95 % of its runs on that value, of fewer than 20 of
//!   them 3.75 times their mean, of fewer than 5 the same within 5 % of its usual span – a fan's power is flat at low
//!   speed, and a controlled value is still at its set-point –, or as long as the runs within that by chance do;
//! - stands still with the speed of its machine: from where that comes to within 1 % until it leaves;
//! - stands still while that speed does, and at that speed repeats its value so often at other times that one in 5000 columns
//!   ([`CHANCE`]) or more would by chance: a fan at its least speed moves its meter by less than that can show;
//! - only rises, 48 times and 50 times for each fall: a register by its values.

use std::cell::LazyCell;

use super::run_lengths::{CHANCE, RunLengths, Sensor};
use super::sampling::{UsualSpan, number, quantile};

/// Times that a column comes to rest on a value that is a level of it, and on its least or greatest value.
const TIMES: (usize, usize) = (3, 2);
/// Share of the values outside of its standstills that a level has, too.
const USUAL: f64 = 0.1;
/// Half the width of what is around a level, as a share of the usual span.
const AROUND: f64 = 0.05;
/// Runs on a value itself that tell how long the column stands there.
const ON_IT: usize = 5;
/// Runs around a level that tell how long one lasts by chance.
const ENOUGH: usize = 100;
/// Runs around a level that make a mean, those that make a quantile, and which, and how many times the mean stands for it.
const RUNS: (usize, usize, f64, f64) = (3, 20, 0.95, 1.25);
/// A speed that stays within this share of itself stands still.
const STILL_SPEED: f64 = 0.01;
/// Rows at that speed that tell what the meter does there.
const AT_SPEED: usize = 5;
/// Rises that tell a register, and how many of them there are for each fall.
const RISES: (u64, u64) = (48, 50);

/// A run that may be a stuck sensor's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Standstill {
    /// First row.
    pub(crate) first: usize,
    /// Last row.
    pub(crate) last: usize,
    /// Least value.
    pub(crate) level: f64,
    /// Greatest value.
    pub(crate) top: f64,
    /// How long it lasts, ms.
    pub(crate) lasts_ms: f64,
}

/// What is usual.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Levels {
    /// Of each standstill, whether it is.
    pub(crate) usual: Vec<bool>,
    /// What to say of those that are.
    pub(crate) notes: Vec<String>,
}

impl Levels {
    /// Judges `runs`, which are in order of time; `range` is how far values on one level lie apart.
    #[must_use]
    pub(crate) fn of(sensor: &Sensor<'_>, runs: Vec<Standstill>, range: f64, habit: f64) -> Self {
        let (mut last, mut rises, mut falls) = (f64::NAN, 0_u64, 0_u64);
        let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
        for (row, value) in sensor.values.iter().copied().enumerate().filter(|(_, value)| !value.is_nan()) {
            (rises, falls) = (rises + u64::from(value > last), falls + u64::from(value < last));
            last = value;
            if !sensor.idle(row, value) {
                (min, max) = (min.min(value), max.max(value));
            }
        }
        let (least, each) = RISES;
        if rises >= least && falls * each <= rises {
            let note = format!("it rises {rises} times and falls {falls} times, as a register does");
            return Self { usual: vec![true; runs.len()], notes: vec![note] };
        }
        let mut by_level: Vec<(usize, Standstill)> = runs.iter().copied().enumerate().collect();
        by_level.sort_by(|(a, one), (b, other)| one.level.total_cmp(&other.level).then(a.cmp(b)));
        let groups: Vec<&[(usize, Standstill)]> =
            by_level.chunk_by(|(_, a), (_, b)| (b.level - a.level).abs() <= range).collect();
        let shares = shares(sensor, range, &runs, &groups);
        // Most standstills are told without a look at all other runs.
        let holds = LazyCell::new(|| Holds::of(sensor, range));
        let (mut usual, mut levels) = (vec![false; runs.len()], Vec::new());
        for (group, share) in groups.into_iter().zip(shares) {
            let mut same = group.to_vec();
            same.sort_unstable_by_key(|(index, _)| *index);
            let Some((_, one)) = same.first().copied() else { continue };
            // It was elsewhere between two of them.
            let left = same.iter().zip(same.iter().skip(1)).filter(|((_, a), (_, b))| {
                let between = sensor.values.get(a.last + 1..b.first).unwrap_or_default();
                between.iter().any(|value| !value.is_nan() && (value - a.level).abs() > range)
            });
            let times = 1 + left.count();
            let at_end = one.level - min <= range || max - one.top <= range;
            let is_level = share >= USUAL || times >= if at_end { TIMES.1 } else { TIMES.0 };
            let mut rested = false;
            for (index, run) in same {
                let by_habit = || {
                    let usual = holds.usual_ms(&run).is_some_and(|usual_ms| run.lasts_ms < habit * usual_ms);
                    usual || (habit > 0.0 && run.lasts_ms < holds.by_chance_ms(&run))
                };
                let at_speed = || habit > 0.0 && repeats_at_speed(sensor, &run, range);
                if is_level || stands_with_speed(sensor, &run) || by_habit() || at_speed() {
                    rested = true;
                    usual.get_mut(index).into_iter().for_each(|usual| *usual = true);
                }
            }
            levels.extend(rested.then_some(one.level));
        }
        let more = match levels.len() {
            0 | 1 => String::new(),
            n => format!(" and {} other values", n - 1),
        };
        let note = |level: &f64| format!("it stands at {}{more} by habit: no stuck sensor", number(*level));
        Self { usual, notes: levels.first().map(note).into_iter().collect() }
    }
}

/// Between which values the machine's speed is during a standstill; none where it moves, or is not known.
fn still_speed(sensor: &Sensor<'_>, run: &Standstill) -> Option<(f64, f64)> {
    let here = sensor.speed?.get(run.first..=run.last)?.iter().filter(|speed| !speed.is_nan());
    let (min, max) =
        here.fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), speed| (min.min(*speed), max.max(*speed)));
    (max >= min && max - min <= STILL_SPEED * max).then_some((min, max))
}

/// Whether a standstill is that of its machine's speed: the speed is still for as long, and moves at its ends, of which one
/// may be where the machine starts or stops, or the record ends.
fn stands_with_speed(sensor: &Sensor<'_>, run: &Standstill) -> bool {
    let (Some(speeds), Some((min, max))) = (sensor.speed, still_speed(sensor, run)) else { return false };
    // Whether the speed is another at the next row that was judged; none where there is no such row before it stands.
    let moves = |rows: &mut dyn Iterator<Item = usize>| {
        for row in rows {
            let (Some((_, value)), Some(speed)) = (sensor.row(row), speeds.get(row)) else { return None };
            if value.is_nan() || speed.is_nan() {
                continue;
            }
            return (!sensor.idle(row, value)).then_some(*speed < min || *speed > max);
        }
        None
    };
    let ends = [moves(&mut (0..run.first).rev()), moves(&mut (run.last + 1..sensor.values.len()))];
    ends.contains(&Some(true)) && !ends.contains(&Some(false))
}

/// Whether a standstill is what the meter does at its machine's speed, which is still meanwhile: of n other rows at that speed
/// a share p has the value of the standstill, and n·pᴸ⁻¹ runs of its L samples are no rarer than [`CHANCE`].
fn repeats_at_speed(sensor: &Sensor<'_>, run: &Standstill, range: f64) -> bool {
    let (Some(speeds), Some((min, max))) = (sensor.speed, still_speed(sensor, run)) else { return false };
    let near = (min - STILL_SPEED * max)..=(max + STILL_SPEED * max);
    let (mut rows, mut same) = (0_usize, 0_usize);
    for (row, (value, speed)) in sensor.values.iter().zip(speeds).enumerate() {
        let of_run = (run.first..=run.last).contains(&row);
        if of_run || value.is_nan() || !near.contains(speed) || sensor.idle(row, *value) {
            continue;
        }
        (rows, same) = (rows + 1, same + usize::from((value - run.level).abs() <= range));
    }
    let samples = run.lasts_ms / sensor.interval_ms;
    let repeats = same as f64 / rows.max(1) as f64;
    rows >= AT_SPEED && rows as f64 * repeats.powf(samples - 1.0) >= CHANCE
}

/// Of each group of runs on one level, which share of the judged values outside of all runs is on it too.
fn shares(sensor: &Sensor<'_>, range: f64, runs: &[Standstill], groups: &[&[(usize, Standstill)]]) -> Vec<f64> {
    let levels: Vec<f64> = groups.iter().map(|group| group.first().map_or(f64::NAN, |(_, run)| run.level)).collect();
    let (mut counts, mut judged) = (vec![0_u64; levels.len()], 0_u64);
    let mut runs = runs.iter().peekable();
    for (row, value) in sensor.values.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
        while runs.next_if(|run| run.last < row).is_some() {}
        if runs.peek().is_some_and(|run| run.first <= row) || sensor.idle(row, *value) {
            continue;
        }
        judged += 1;
        let place = levels.partition_point(|level| *level < value - range);
        if levels.get(place).is_some_and(|level| (level - value).abs() <= range) {
            counts.get_mut(place).into_iter().for_each(|count| *count += 1);
        }
    }
    counts.into_iter().map(|count| if judged == 0 { 0.0 } else { count as f64 / judged as f64 }).collect()
}

/// All runs of a column by their values.
struct Holds {
    /// Value, time that it was held, first row; by value.
    runs: Vec<(f64, f64, usize)>,
    /// How far values of one level, and those around it, lie apart.
    range: f64,
    around: f64,
    /// Median step between rows, ms.
    seen_ms: f64,
}

impl Holds {
    fn of(sensor: &Sensor<'_>, range: f64) -> Self {
        let mut runs: Vec<(f64, f64, usize)> = Vec::new();
        let mut open: Option<(f64, i64, i64, usize)> = None;
        let mut close = |open: Option<(f64, i64, i64, usize)>| {
            runs.extend(open.map(|(value, since, until, row)| (value, (until - since) as f64 + sensor.seen_ms, row)));
        };
        for (row, (at, value)) in sensor.at_ms.iter().zip(sensor.values).enumerate().filter(|(_, (_, v))| !v.is_nan()) {
            if sensor.idle(row, *value) {
                close(open.take());
                continue;
            }
            open = match open {
                Some((held, since, _, first)) if (held - value).abs() <= range => Some((held, since, *at, first)),
                before => {
                    close(before);
                    Some((*value, *at, *at, row))
                }
            };
        }
        close(open);
        runs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let span = UsualSpan::of(sensor.values).map_or(0.0, |usual| usual.high - usual.low);
        Self { runs, range, around: range.max(AROUND * span), seen_ms: sensor.seen_ms }
    }

    /// How long the column usually stands around the value of `run`, that one left out; none when it hardly is there.
    fn usual_ms(&self, run: &Standstill) -> Option<f64> {
        let mut lasting = self.within(self.range, run);
        if lasting.len() < ON_IT {
            lasting = self.within(self.around, run);
        }
        let (mean_of, quantile_of, q, times) = RUNS;
        match lasting.len() {
            few if few < mean_of => None,
            few if few < quantile_of => Some(times * lasting.iter().sum::<f64>() / few as f64),
            _ => quantile(&mut lasting, q),
        }
    }

    /// How long the column may stand around the value of `run` by chance: a fan at its least speed is less restless.
    fn by_chance_ms(&self, run: &Standstill) -> f64 {
        let near = self.within(self.around, run);
        if near.len() < ENOUGH {
            return 0.0;
        }
        let mut runs = RunLengths::default();
        #[expect(clippy::cast_possible_truncation, reason = "ms")]
        for lasts_ms in near.into_iter().chain([run.lasts_ms]) {
            let longer_ms = (lasts_ms - self.seen_ms) as i64;
            if longer_ms > 0 { runs.longer.push(longer_ms) } else { runs.single += 1 }
        }
        runs.by_chance(self.seen_ms)
    }

    /// Times of the other runs whose value is no further than `around` from that of `run`.
    fn within(&self, around: f64, run: &Standstill) -> Vec<f64> {
        let from = self.runs.partition_point(|(value, ..)| *value < run.level - around);
        let near = self.runs.iter().skip(from).take_while(|(value, ..)| *value <= run.top + around);
        near.filter(|(_, _, row)| !(run.first..=run.last).contains(row)).map(|(_, lasts_ms, _)| *lasts_ms).collect()
    }
}

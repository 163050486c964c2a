//! How long a column's values stand still: what [`super::frozen`] asks of every cell.
//!
//! Most rows have a value, and most runs are short. So rows are taken 64 at a time: where all of them have a value,
//! those that stand still are the ones of a word, and short runs are counted without a look at their rows.

use std::ops::Range;

use super::machines::MachineState;
use super::sampling::GAP_FACTOR;

/// A column as it is judged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sensor<'a> {
    /// UTC ms, ascending.
    pub(crate) at_ms: &'a [i64],
    /// NaN without a value.
    pub(crate) values: &'a [f64],
    /// Whether its equipment runs; none when nothing could ever tell.
    pub(crate) running: Option<&'a [MachineState]>,
    /// The speed of its machine, row by row, where there is one.
    pub(crate) speed: Option<&'a [f64]>,
    /// A value of 0 stands for a standstill.
    pub(crate) zero_stands: bool,
    /// A value up to here is its idle floor.
    pub(crate) floor: Option<f64>,
    /// A value from here on is a bound that real values keep for hours.
    pub(crate) bound: Option<f64>,
    /// It is recorded when its value changes.
    pub(crate) on_change: bool,
    /// Its own interval, ms.
    pub(crate) interval_ms: f64,
    /// Median step between its rows, ms.
    pub(crate) seen_ms: f64,
    /// Least step between rows, whether it has a value there or not, ms.
    pub(crate) least_step_ms: i64,
}

impl Sensor<'_> {
    /// Time and value of a row.
    pub(super) fn row(&self, row: usize) -> Option<(i64, f64)> {
        Some((*self.at_ms.get(row)?, *self.values.get(row)?))
    }

    /// Whether nothing is known to have run, there was nothing to measure, or nothing that could have moved.
    pub(super) fn idle(&self, row: usize, value: f64) -> bool {
        self.running.is_some_and(|running| running.get(row) != Some(&MachineState::On))
            || (self.zero_stands && value == 0.0)
            || self.floor.is_some_and(|floor| value <= floor)
            || self.bound.is_some_and(|bound| value >= bound)
    }
}

/// Runs of a column that may be taken for frozen by chance: a site has some hundred columns.
pub(super) const CHANCE: f64 = 0.0002;
/// Runs that tell how often the longer ones go on, and most samples by which one of them counts.
const TAIL: usize = 30;
const MOST_EXCESS: f64 = 6.0;

/// What one look at a column tells.
#[derive(Debug, Default)]
pub(crate) struct StandstillScan {
    /// Of all runs of values within the range whose rows are no gap apart.
    pub(crate) holds: RunLengths,
    /// Cells that could be judged.
    pub(crate) judged: u64,
    /// Rows in which each value is within the range of the one before it, over any gap, for as long as a frozen run
    /// must be: there is none elsewhere.
    pub(crate) stretches: Vec<Range<usize>>,
}

/// Times from the first to the last row of runs, ms; those of one row, which are most, only counted.
#[derive(Debug, Default)]
pub(crate) struct RunLengths {
    /// Runs of one row.
    pub(crate) single: usize,
    /// The others.
    pub(crate) longer: Vec<i64>,
}

impl RunLengths {
    /// All runs.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.single + self.longer.len()
    }

    /// The longest, ms from the first to the last row; none without any.
    #[must_use]
    pub(crate) fn longest(&self) -> Option<i64> {
        self.longer.iter().max().copied().or((self.single > 0).then_some(0))
    }

    /// Sum of all, ms from the first to the last row.
    #[must_use]
    pub(crate) fn sum(&self) -> i64 {
        self.longer.iter().sum()
    }

    /// As [`super::sampling::quantile`] of what `lasts`, which must not fall, makes of each.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a floor between 0 and the length")]
    pub(crate) fn quantile(&mut self, q: f64, lasts: impl Fn(i64) -> f64) -> Option<f64> {
        let place = self.len().checked_sub(1)? as f64 * q;
        let rank = place.floor() as usize;
        let (low, high) = match rank.checked_sub(self.single) {
            Some(rank) => {
                let (_, low, above) = self.longer.select_nth_unstable(rank);
                (*low, above.iter().min().copied().unwrap_or(*low))
            }
            None if rank + 1 == self.single => (0, self.longer.iter().min().copied().unwrap_or(0)),
            None => (0, 0),
        };
        let (low, high, part) = (lasts(low), lasts(high), place.fract());
        Some(if part > 0.0 { low + (high - low) * part } else { low })
    }
}

impl RunLengths {
    /// Whether runs go on, and no more often than not: where most values are repeated, the point is recorded more rarely than
    /// its rows stand, and what its runs last says nothing of chance.
    #[must_use]
    pub(crate) fn goes_on_by_chance(&self) -> bool {
        let goes_on = 1.0 - self.single as f64 / self.len() as f64;
        goes_on > 0.0 && goes_on <= 0.5
    }

    /// How long a run must last so that a sensor of that resolution has none by chance, ms: a value is repeated with some
    /// probability p, so of n runs of m samples or more n·pᴸ⁻ᵐ last for L. Noise is not the same at all times – at a steady
    /// load a value is repeated more often –, so p is that of the longer runs: m is the most that [`TAIL`] of them reach, and
    /// p = e / (n + e) where e is by how many samples they last longer (geometric lengths; each counted up to
    /// [`MOST_EXCESS`], or a sensor that is stuck would hide itself). The longest run is the one that is judged and tells
    /// nothing.
    #[must_use]
    pub(crate) fn by_chance(&self, seen_ms: f64) -> f64 {
        let mut samples: Vec<f64> = self.longer.iter().map(|lasts_ms| 1.0 + *lasts_ms as f64 / seen_ms).collect();
        samples.sort_by(|a, b| b.total_cmp(a));
        let others = samples.get(1..).unwrap_or_default();
        let least = others.get(TAIL - 1).map_or(1.0, |samples| samples.round());
        let tail = others.iter().take_while(|samples| **samples >= least - 0.5);
        let (mut count, mut excess) = (if least < 2.0 { self.single as f64 } else { 0.0 }, 0.0);
        for samples in tail {
            (count, excess) = (count + 1.0, excess + (samples - least).clamp(0.0, MOST_EXCESS));
        }
        let repeats = (excess + 1.0) / (excess + count + 1.0);
        // Half a sample of tolerance for clocks that are a second early.
        (least - 0.5 + (count / CHANCE).ln() / -repeats.ln()) * seen_ms
    }
}

/// Looks at a column once: `range` is that of a run, `least_ms` what a frozen one lasts at least.
#[must_use]
pub(crate) fn look(sensor: &Sensor<'_>, range: f64, least_ms: f64) -> StandstillScan {
    let gap_ms = GAP_FACTOR * sensor.interval_ms;
    let mut walk = StandstillWalk {
        sensor,
        range,
        gap_ms,
        // Rows that are rarer than their interval is said to be make outages that count for a run, not against it.
        least_ms: if sensor.seen_ms > gap_ms { 0.0 } else { least_ms },
        last: JudgedRow { row: 0, at_ms: 0, value: f64::NAN },
        open: None,
        judged: 0,
        in_longer: 0,
        longer: Vec::new(),
        short: [0; SHORT],
        stretches: Vec::new(),
    };
    for start in (0..sensor.values.len()).step_by(WORD) {
        match RowWord::of(sensor, start, range) {
            Some(word) => walk.word(start, &word),
            None => walk.rows(start..start + WORD),
        }
    }
    walk.seen()
}

/// Rows that are looked at together, a bit each, the first one lowest.
const WORD: usize = 64;
/// Most bits of a run that is counted without a look at its rows.
const SHORT: usize = 4;

/// A word of rows that all have a value, each beside the one before it.
struct RowWord {
    /// The rows whose value is within the range of the one before.
    near: u64,
    /// Whether one of these differs from it all the same.
    drifts: bool,
    /// The rows that are not judged.
    idle: u64,
}

impl RowWord {
    /// Of the word that begins with row `start`; none where a row, or one before, is not there.
    fn of(sensor: &Sensor<'_>, start: usize, range: f64) -> Option<Self> {
        let values: &[f64; WORD] = sensor.values.get(start..)?.first_chunk()?;
        let before: &[f64; WORD] = sensor.values.get(start.checked_sub(1)?..)?.first_chunk()?;
        let (zero, bound) = (if sensor.zero_stands { 0.0 } else { f64::NAN }, sensor.bound.unwrap_or(f64::NAN));
        let floor = sensor.floor.unwrap_or(f64::NAN);
        let rests = |value: f64| (value == zero) | (value <= floor) | (value >= bound);
        let (mut near, mut drifts, mut missing, mut stands) = (0, false, false, false);
        // No branch a row: the compiler takes several at once.
        for (row, (value, before)) in values.iter().zip(before).enumerate() {
            let step = (value - before).abs();
            near |= if step <= range { 1 << row } else { 0 };
            drifts |= (step <= range) & (step != 0.0);
            missing |= value.is_nan();
            stands |= rests(*value);
        }
        let mut idle = 0;
        if stands {
            let values = values.iter().enumerate();
            idle = values.fold(0, |bits, (row, value)| bits | u64::from(rests(*value)) << row);
        }
        let running: Option<&[MachineState; WORD]> =
            sensor.running.and_then(|running| running.get(start..)?.first_chunk());
        for (row, state) in running.into_iter().flatten().enumerate() {
            idle |= u64::from(*state != MachineState::On) << row;
        }
        (!missing).then_some(Self { near: near & !idle & !(idle << 1), drifts, idle })
    }
}

/// How many runs of ones have one bit at least, two at least, and so on; none when one has more than [`SHORT`].
fn run_lengths(bits: u64) -> Option<[u32; SHORT]> {
    let mut firsts = bits & !(bits << 1);
    let mut counts = [0; SHORT];
    for (length, count) in (1..).zip(&mut counts) {
        *count = firsts.count_ones();
        firsts &= bits >> length;
    }
    (firsts == 0).then_some(counts)
}

/// A judged row.
#[derive(Clone, Copy)]
struct JudgedRow {
    row: usize,
    at_ms: i64,
    /// NaN when there is nothing to go on from.
    value: f64,
}

/// A stretch of two rows or more, and the run that its last row is in.
struct OpenStretch {
    first: JudgedRow,
    run_ms: i64,
    run_rows: usize,
    min: f64,
    max: f64,
}

/// A look at a column from its first row to its last.
struct StandstillWalk<'a> {
    sensor: &'a Sensor<'a>,
    range: f64,
    gap_ms: f64,
    least_ms: f64,
    /// The judged row before.
    last: JudgedRow,
    open: Option<OpenStretch>,
    judged: usize,
    in_longer: usize,
    longer: Vec<i64>,
    /// Runs of one value that go on for at least one least step, for at least two, and so on.
    short: [usize; SHORT],
    stretches: Vec<Range<usize>>,
}

impl StandstillWalk<'_> {
    /// Rows of any kind, one by one.
    fn rows(&mut self, rows: Range<usize>) {
        for row in rows {
            let Some((at_ms, value)) = self.sensor.row(row).filter(|(_, value)| !value.is_nan()) else { continue };
            if self.sensor.idle(row, value) {
                self.end();
                self.last.value = f64::NAN;
                continue;
            }
            self.judged += 1;
            if (value - self.last.value).abs() <= self.range {
                self.goes_on(JudgedRow { row, at_ms, value });
            } else {
                self.end();
                self.last = JudgedRow { row, at_ms, value };
            }
        }
    }

    /// A word, its first row being `start`.
    fn word(&mut self, start: usize, word: &RowWord) {
        let first = self.sensor.row(start).filter(|_| word.idle & 1 == 0);
        let near = first.is_some_and(|(_, value)| (value - self.last.value).abs() <= self.range);
        let near = word.near & !1 | u64::from(near);
        let ends_ms = self.sensor.row(start + WORD - 1).map(|(at_ms, _)| at_ms - self.last.at_ms);
        // No step is less than the least.
        let regular = ends_ms == Some(64 * self.sensor.least_step_ms);
        self.judged += (!word.idle).count_ones() as usize;
        // Runs at the word's ends go on in its neighbours.
        let (lead, tail) = (near.trailing_ones() as usize, near.leading_ones() as usize);
        if lead == 0 {
            self.end();
        }
        self.near(start..start + lead);
        if lead == WORD {
            return;
        }
        if lead > 0 {
            self.end();
        }
        let mut inner = near >> lead << lead << tail >> tail;
        if regular
            && !word.drifts
            && self.counts_short()
            && let Some(counts) = run_lengths(inner)
        {
            self.short.iter_mut().zip(counts).for_each(|(all, here)| *all += here as usize);
            inner = 0;
        }
        while inner != 0 {
            let first = inner.trailing_zeros() as usize;
            let end = first + (inner >> first).trailing_ones() as usize;
            self.begins_after(start + first - 1);
            self.near(start + first..start + end);
            self.end();
            inner &= u64::MAX << end;
        }
        self.begins_after(start + WORD - tail - 1);
        self.near(start + WORD - tail..start + WORD);
        if word.idle.leading_ones() > 0 {
            self.last.value = f64::NAN;
        }
    }

    /// Whether short runs of rows that are one least step apart are runs, and too short for a stretch.
    fn counts_short(&self) -> bool {
        let step_ms = self.sensor.least_step_ms as f64;
        step_ms <= self.gap_ms && SHORT as f64 * step_ms + self.sensor.seen_ms < self.least_ms
    }

    fn begins_after(&mut self, row: usize) {
        if let Some((at_ms, value)) = self.sensor.row(row) {
            self.last = JudgedRow { row, at_ms, value };
        }
    }

    /// Judged rows, each within the range of the one before it.
    fn near(&mut self, rows: Range<usize>) {
        for row in rows {
            if let Some((at_ms, value)) = self.sensor.row(row) {
                self.goes_on(JudgedRow { row, at_ms, value });
            }
        }
    }

    fn goes_on(&mut self, now: JudgedRow) {
        let JudgedRow { at_ms, value, .. } = now;
        let (first, before) = (self.last, self.last.value);
        let begin = || OpenStretch { first, run_ms: first.at_ms, run_rows: 1, min: before, max: before };
        let mut stretch = self.open.take().unwrap_or_else(begin);
        let (min, max) = (stretch.min.min(value), stretch.max.max(value));
        if (at_ms - self.last.at_ms) as f64 <= self.gap_ms && max - min <= self.range {
            (stretch.run_rows, stretch.min, stretch.max) = (stretch.run_rows + 1, min, max);
        } else {
            self.end_run(&stretch);
            (stretch.run_ms, stretch.run_rows, stretch.min, stretch.max) = (at_ms, 1, value, value);
        }
        self.open = Some(stretch);
        self.last = now;
    }

    /// The stretch ends with the judged row before.
    fn end(&mut self) {
        let Some(stretch) = self.open.take() else { return };
        self.end_run(&stretch);
        if (self.last.at_ms - stretch.first.at_ms) as f64 + self.sensor.seen_ms >= self.least_ms {
            self.stretches.push(stretch.first.row..self.last.row + 1);
        }
    }

    fn end_run(&mut self, stretch: &OpenStretch) {
        if stretch.run_rows > 1 {
            self.in_longer += stretch.run_rows;
            self.longer.push(self.last.at_ms - stretch.run_ms);
        }
    }

    fn seen(mut self) -> StandstillScan {
        self.end();
        let longer = self.short.into_iter().skip(1).chain([0]);
        for ((steps, at_least), longer) in (1..).zip(self.short).zip(longer) {
            self.longer.extend(std::iter::repeat_n(steps * self.sensor.least_step_ms, at_least - longer));
        }
        // Its first row, and one a step.
        let [begun, ..] = self.short;
        self.in_longer += begun + self.short.iter().sum::<usize>();
        let holds = RunLengths { single: self.judged - self.in_longer, longer: self.longer };
        StandstillScan { holds, judged: self.judged as u64, stretches: self.stretches }
    }
}

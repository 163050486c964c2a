//! The past of a column, strictly before each row and by time: what is missing stays missing.

/// The index of the row at `time − past_ms`: the nearest within less than half an interval; none in a gap.
struct Lookup<'t> {
    times_ms: &'t [i64],
    tolerance_ms: i64,
    next: usize,
}

impl Lookup<'_> {
    /// `wanted_ms` must not fall from call to call.
    fn at(&mut self, wanted_ms: i64) -> Option<usize> {
        let after = |next: usize| self.times_ms.get(next).is_some_and(|time| *time < wanted_ms);
        while after(self.next) {
            self.next += 1;
        }
        let off = |index: usize| self.times_ms.get(index).map(|time| ((time - wanted_ms).abs(), index));
        let before = self.next.checked_sub(1).and_then(off);
        let nearest = [before, off(self.next)].into_iter().flatten().min()?;
        (nearest.0.saturating_mul(2) < self.tolerance_ms).then_some(nearest.1)
    }
}

/// The cell that many seconds before each row; NaN in a gap and before the beginning. Ascending times.
#[must_use]
pub fn lag(times_ms: &[i64], interval_ms: i64, values: &[f64], seconds: i64) -> Vec<f64> {
    let mut lookup = Lookup { times_ms, tolerance_ms: interval_ms.max(1), next: 0 };
    let past_ms = seconds.saturating_mul(1000);
    let cell = |time: &i64| {
        // Also on an axis that skips about: never the row itself.
        let index = lookup.at(time.saturating_sub(past_ms))?;
        values.get(index).filter(|_| times_ms.get(index) < Some(time)).copied()
    };
    times_ms.iter().map(cell).map(|value| value.unwrap_or(f64::NAN)).collect()
}

/// Mean of the finite cells in `[time − seconds, time)`; NaN when fewer than half of the cells that a full window
/// has are there (pandas' `rolling(seconds, closed="left", min_periods=half).mean()`). Ascending times.
#[must_use]
pub fn rolling_mean(times_ms: &[i64], interval_ms: i64, values: &[f64], seconds: i64) -> Vec<f64> {
    let past_ms = seconds.saturating_mul(1000);
    let least = (past_ms / interval_ms.max(1)).max(1).unsigned_abs().div_ceil(2);
    // Sums and counts of everything before each row, so that a window is a difference; nothing at or after a row is
    // in its own window.
    let mut before = Vec::with_capacity(values.len() + 1);
    before.push(Sum::default());
    let mut all = Sum::default();
    for value in values {
        all.add(*value);
        before.push(all);
    }
    let mut first = 0;
    let mut mean = |(row, time): (usize, &i64)| {
        while times_ms.get(first).is_some_and(|earlier| *earlier < time.saturating_sub(past_ms)) {
            first += 1;
        }
        let (until, from) = (before.get(row)?, before.get(first)?);
        let count = until.count - from.count;
        (count >= least).then(|| until.since(from) / count as f64)
    };
    let means = times_ms.iter().enumerate().map(|row| mean(row).unwrap_or(f64::NAN));
    means.collect()
}

/// A sum to twice the precision of a double, so that differences of long sums keep their digits.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    high: f64,
    low: f64,
    count: u64,
}

impl Sum {
    /// Knuth's two-sum; what is not finite is missing.
    fn add(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        let sum = self.high + value;
        let shadow = sum - self.high;
        self.low += (self.high - (sum - shadow)) + (value - shadow);
        self.high = sum;
        self.count += 1;
    }

    fn since(&self, earlier: &Self) -> f64 {
        (self.high - earlier.high) + (self.low - earlier.low)
    }
}

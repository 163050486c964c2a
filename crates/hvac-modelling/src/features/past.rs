//! The past of a column, strictly before each row and by time: what is missing stays missing. Rows in which the column has
//! no value, such as those of another file, are as if they were not there.

/// The index of the reading at `time − past_ms`: the nearest within less than half an interval; none in a gap.
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
pub(crate) fn lag(times_ms: &[i64], interval_ms: i64, values: &[f64], seconds: i64) -> Vec<f64> {
    let readings = times_ms.iter().copied().zip(values.iter().copied()).filter(|(_, value)| value.is_finite());
    let (read_ms, readings): (Vec<i64>, Vec<f64>) = readings.unzip();
    let mut lookup = Lookup { times_ms: &read_ms, tolerance_ms: interval_ms.max(1), next: 0 };
    let past_ms = seconds.saturating_mul(1000);
    let cell = |time: &i64| {
        // Also on an axis that skips about: never the row itself.
        let index = lookup.at(time.saturating_sub(past_ms))?;
        readings.get(index).filter(|_| read_ms.get(index) < Some(time)).copied()
    };
    times_ms.iter().map(cell).map(|value| value.unwrap_or(f64::NAN)).collect()
}

/// Mean of the finite cells in `[time − seconds, time)`; NaN when fewer than half of the cells that a full window
/// has are there (pandas' `rolling(seconds, closed="left", min_periods=half).mean()`). Ascending times.
#[must_use]
pub(crate) fn rolling_mean(times_ms: &[i64], interval_ms: i64, values: &[f64], seconds: i64) -> Vec<f64> {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

    use proptest::prelude::*;

    use super::*;

    const MINUTE: i64 = 60_000;
    const NAN: f64 = f64::NAN;

    fn same(ours: &[f64], theirs: &[f64]) {
        let close = |a: &f64, b: &f64| a.is_nan() && b.is_nan() || (a - b).abs() < 1e-12 * b.abs();
        assert!(ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| close(a, b)), "{ours:?} {theirs:?}");
    }

    fn series() -> (Vec<i64>, [f64; 9]) {
        let times = [0, 10, 20, 30, 60, 70, 80, 90, 100].map(|minute| minute * MINUTE);
        (times.to_vec(), [1.0, 2.0, 4.0, NAN, 16.0, 32.0, 64.0, 128.0, 256.0])
    }

    /// pandas 3: `s.reindex(s.index - pd.Timedelta(minutes=k))`.
    #[test]
    fn lags_agree_with_pandas() {
        let (times, values) = series();
        let of = |minutes: i64| lag(&times, 10 * MINUTE, &values, minutes * 60);
        same(&of(10), &[NAN, 1.0, 2.0, 4.0, NAN, 16.0, 32.0, 64.0, 128.0]);
        same(&of(20), &[NAN, NAN, 1.0, 2.0, NAN, NAN, 16.0, 32.0, 64.0]);
        same(&of(30), &[NAN, NAN, NAN, 1.0, NAN, NAN, NAN, 16.0, 32.0]);
        same(&of(200), &[NAN; 9]);
    }

    /// pandas 3: `s.rolling("30min", closed="left", min_periods=2).mean()`; for 10 and 20 minutes `min_periods=1`, for 40
    /// `min_periods=2`.
    #[test]
    fn rolling_means_agree_with_pandas() {
        let (times, values) = series();
        let of = |minutes: i64| rolling_mean(&times, 10 * MINUTE, &values, minutes * 60);
        same(&of(10), &[NAN, 1.0, 2.0, 4.0, NAN, 16.0, 32.0, 64.0, 128.0]);
        same(&of(20), &[NAN, 1.0, 1.5, 3.0, NAN, 16.0, 24.0, 48.0, 96.0]);
        same(&of(30), &[NAN, NAN, 1.5, 7.0 / 3.0, NAN, NAN, 24.0, 112.0 / 3.0, 224.0 / 3.0]);
        same(&of(40), &[NAN, NAN, 1.5, 7.0 / 3.0, NAN, NAN, 24.0, 112.0 / 3.0, 60.0]);
    }

    /// A logger whose clock drifts by seconds: the row an hour before is the one nearest to an hour before.
    #[test]
    fn a_clock_that_drifts_keeps_its_lags() {
        let times = [0, 600_000, 1_201_000, 1_801_000, 2_402_000];
        same(&lag(&times, 600_000, &[1.0, 2.0, 3.0, 4.0, 5.0], 1200), &[NAN, NAN, 1.0, 2.0, 3.0]);
        // Half an interval off is neither row.
        same(&lag(&[0, 900_000], 600_000, &[1.0, 2.0], 600), &[NAN, NAN]);
    }

    /// Sums of a register keep their digits: 10^12 + 0.25·i over a hundred thousand rows, last four.
    #[test]
    fn long_sums_keep_their_digits() {
        let times: Vec<i64> = (0..100_000).map(|i| i * MINUTE).collect();
        let values: Vec<f64> = times.iter().map(|time| 1e12 + 0.25 * (time / MINUTE) as f64).collect();
        let means = rolling_mean(&times, MINUTE, &values, 240);
        assert_eq!(means[99_999], 1e12 + 0.25 * (99_995.0 + 99_998.0) / 2.0);
    }

    proptest! {
        /// The law of the past: changing every value at or after a time changes nothing at or before it.
        #[test]
        fn what_comes_changes_nothing_that_was(
            steps in prop::collection::vec(1i64..5, 2..60),
            values in prop::collection::vec(prop_oneof![4 => -1e6..1e6f64, 1 => Just(f64::NAN)], 60),
            others in prop::collection::vec(prop_oneof![4 => -1e15..1e15f64, 1 => Just(f64::NAN), 1 => Just(f64::INFINITY)], 60),
            from in 0usize..60,
            seconds in (1i64..20).prop_map(|steps| steps * 60),
        ) {
            let times: Vec<i64> = steps.iter().scan(0, |at, step| { *at += step * MINUTE; Some(*at) }).collect();
            let before = &values[..times.len()];
            let from = from % times.len();
            let after: Vec<f64> = before[..from].iter().chain(&others[from..times.len()]).copied().collect();
            for past in [lag, rolling_mean] {
                let (one, other) = (past(&times, MINUTE, before, seconds), past(&times, MINUTE, &after, seconds));
                let bits = |values: &[f64]| values[..=from].iter().map(|value| value.to_bits()).collect::<Vec<_>>();
                prop_assert_eq!(bits(&one), bits(&other));
            }
        }
    }
}

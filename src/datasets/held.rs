//! How long the samples of a column hold, so that irregular ones are weighted by time. PURE.

/// Two samples further apart than this many intervals have a gap between them: the one before it holds for an interval.
const GAP_FACTOR: f64 = 1.5;
/// What is recorded on change holds no longer than this: then its recorder is taken for dead.
const LONGEST_MS: f64 = 24.0 * 3_600_000.0;

/// For each sample (rows with a value, by their times, UTC ms ascending) how long it holds, ms: until the next one; before
/// a gap, and at the end, for `interval_ms`. Without an interval it is recorded on change: until the next, for a day at most,
/// and the last for no time.
pub fn held_ms(at_ms: &[i64], interval_ms: Option<f64>) -> impl Iterator<Item = f64> {
    at_ms.iter().enumerate().map(move |(place, at)| {
        let next_ms = at_ms.get(place + 1).map(|next| (next - at) as f64);
        match (next_ms, interval_ms) {
            (Some(next), Some(interval)) if next > GAP_FACTOR * interval => interval,
            (Some(next), Some(_)) => next,
            (Some(next), None) => next.min(LONGEST_MS),
            (None, interval) => interval.unwrap_or_default(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Minutes 0, 5, 12 and 40 of a 5-minute point: 5, 7 (within 1.5 intervals), then a gap, then the end.
    #[test]
    fn samples_hold_until_the_next() {
        let at = [0, 5, 12, 40].map(|minute| minute * 60_000);
        let minutes = |interval: Option<f64>| -> Vec<f64> {
            held_ms(&at, interval.map(|minutes| minutes * 60_000.0)).map(|ms| ms / 60_000.0).collect()
        };
        assert_eq!(minutes(Some(5.0)), [5.0, 7.0, 5.0, 5.0]);
        assert_eq!(minutes(None), [5.0, 7.0, 28.0, 0.0]);
        assert_eq!(held_ms(&[0, 48 * 3_600_000], None).next(), Some(24.0 * 3_600_000.0));
    }
}

//! How a server's queue is handed over: how much at once, and how long a server that failed is left alone. PURE.

use std::time::{Duration, Instant};

/// Fewest and most rows that are handed over at once: between them by how long the last took.
const FEWEST: u64 = 500;
const MOST: u64 = 5000;
/// With how many it begins.
const FIRST: u64 = 1000;
/// A hand-over that took less asks for more at once, and one that took longer for fewer.
const QUICK: Duration = Duration::from_millis(250);
const SLOW: Duration = Duration::from_secs(1);
/// Longest a server that failed is left alone.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How a server's queue is handed over.
#[derive(Debug)]
pub(super) struct Pace {
    /// Rows at once.
    pub(super) rows: u64,
    failures: u32,
    not_before: Option<Instant>,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { rows: FIRST, failures: 0, not_before: None }
    }

    /// Whether the server is left alone at that moment.
    pub(super) fn rests(&self, at: Instant) -> bool {
        self.not_before.is_some_and(|not_before| at < not_before)
    }

    /// A part was taken in that time.
    pub(super) fn succeeded(&mut self, took: Duration) {
        (self.failures, self.not_before) = (0, None);
        if took < QUICK {
            self.rows = (self.rows * 2).min(MOST);
        } else if took > SLOW {
            self.rows = (self.rows / 2).max(FEWEST);
        }
    }

    /// A part was not taken: each time the server is left alone for twice as long.
    pub(super) fn failed(&mut self, at: Instant) {
        let pause = Duration::from_secs(1 << self.failures.min(6)).min(LONGEST_PAUSE);
        (self.failures, self.not_before) = (self.failures.saturating_add(1), Some(at + pause));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quick_servers_get_more_and_failing_ones_longer_pauses() {
        let mut pace = Pace::new();
        for wanted in [2000, 4000, 5000, 5000] {
            pace.succeeded(Duration::from_millis(1));
            assert_eq!(pace.rows, wanted);
        }
        for wanted in [2500, 1250, 625, 500, 500] {
            pace.succeeded(Duration::from_secs(2));
            assert_eq!(pace.rows, wanted);
        }
        let begun = Instant::now();
        for wanted_s in [1, 2, 4, 8, 16, 32, 60, 60] {
            pace.failed(begun);
            assert!(pace.rests(begun + Duration::from_secs(wanted_s) - Duration::from_millis(1)));
            assert!(!pace.rests(begun + Duration::from_secs(wanted_s)));
        }
        pace.succeeded(Duration::from_millis(500));
        assert!(!pace.rests(begun) && pace.rows == 500);
    }
}

//! So much a minute for each: the generic cell rate algorithm (ITU-T I.371), which keeps one time a key.
//!
//! Whoever asked for nothing may ask for all of it at once; then it comes back bit by bit. The table is bounded: where more
//! keys are under way than it has places for, those that it does not know share one allowance, so that many addresses fill
//! no memory and gain nothing.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What is allowed, comes back in this time.
const WINDOW: Duration = Duration::from_secs(60);
/// Keys that are told apart at once, of 16 bytes each.
const MOST_KEYS: usize = 1 << 16;
/// How often at most a full table is searched for keys that may go.
const TIDIED_EVERY: Duration = Duration::from_secs(1);

/// So much a minute for each key.
pub struct Allowance {
    per_minute: u32,
    most_keys: usize,
    begun: Instant,
    hasher: RandomState,
    taken: Mutex<Taken>,
}

/// Times are counted from the beginning.
#[derive(Default)]
struct Taken {
    /// When each will have all of it again. A hash stands for a key: its seed is this process's secret.
    restored_at: HashMap<u64, Duration>,
    /// Of all that found no place.
    others: Duration,
    tidied: Duration,
}

/// Where one stands after having asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// What is allowed a minute.
    pub limit: u32,
    /// What is left of it now.
    pub remaining: u32,
    /// Until all of it is there again.
    pub reset: Duration,
    /// How long to wait; none when it was given.
    pub wait: Option<Duration>,
}

impl Allowance {
    /// So much a minute; 0 sets no bound.
    #[must_use]
    pub fn new(per_minute: u32) -> Self {
        Self {
            per_minute,
            most_keys: MOST_KEYS,
            begun: Instant::now(),
            hasher: RandomState::new(),
            taken: Mutex::default(),
        }
    }

    /// Takes one of what the key has; none where there is no bound.
    pub fn take(&self, key: &impl Hash) -> Option<Standing> {
        self.take_part(key, 1)
    }

    /// Takes so small a part of one, such as a tenth.
    pub fn take_part(&self, key: &impl Hash, of: u32) -> Option<Standing> {
        self.take_part_at(key, of, self.begun.elapsed())
    }

    #[cfg(test)]
    fn take_at(&self, key: &impl Hash, now: Duration) -> Option<Standing> {
        self.take_part_at(key, 1, now)
    }

    fn take_part_at(&self, key: &impl Hash, of: u32, now: Duration) -> Option<Standing> {
        let interval = WINDOW.checked_div(self.per_minute)?;
        let window = interval * self.per_minute;
        let key = self.hasher.hash_one(key);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let restored_at = taken.of(key, now, self.most_keys);
        let before = restored_at.saturating_sub(now);
        let after = before + interval / of.max(1);
        let limit = self.per_minute;
        if after > window {
            return Some(Standing { limit, remaining: 0, reset: before, wait: Some(after - window) });
        }
        *restored_at = now + after;
        let left = (window - after).as_nanos() / interval.as_nanos();
        Some(Standing { limit, remaining: u32::try_from(left).unwrap_or(limit), reset: after, wait: None })
    }
}

impl Taken {
    /// The time of a key, or of all that find no place.
    fn of(&mut self, key: u64, now: Duration, most: usize) -> &mut Duration {
        let is_full = self.restored_at.len() >= most && !self.restored_at.contains_key(&key);
        if is_full && now >= self.tidied + TIDIED_EVERY {
            self.tidied = now;
            self.restored_at.retain(|_, restored_at| *restored_at > now);
        }
        if is_full && self.restored_at.len() >= most {
            return &mut self.others;
        }
        self.restored_at.entry(key).or_default()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn all_of_it_at_once_then_bit_by_bit() {
        let allowance = Allowance::new(3);
        let standing = |now| allowance.take_at(&"a", seconds(now)).unwrap();
        let given = |remaining, reset| Standing { limit: 3, remaining, reset: seconds(reset), wait: None };
        assert_eq!((standing(100), standing(100), standing(100)), (given(2, 20), given(1, 40), given(0, 60)));
        let refused = Standing { limit: 3, remaining: 0, reset: seconds(60), wait: Some(seconds(20)) };
        assert_eq!(standing(100), refused);
        assert_eq!(standing(119).wait, Some(seconds(1)), "a refusal costs nothing");
        assert_eq!(standing(120), given(0, 60));
        assert_eq!(standing(1000), given(2, 20));
        assert_eq!(allowance.take_at(&"b", seconds(100)).unwrap(), given(2, 20), "each has its own");
    }

    #[test]
    fn over_a_long_time_no_more_is_given_than_is_allowed() {
        for per_minute in [1, 7, 100, 1_000_000] {
            let allowance = Allowance::new(per_minute);
            let asked_every = WINDOW / (per_minute * 2).min(6000);
            let times = (0..).map(|turn| asked_every * turn).take_while(|now| *now < seconds(600));
            let given = times.filter(|now| allowance.take_at(&(), *now).unwrap().wait.is_none()).count();
            // Ten minutes, and what was there at the beginning.
            let most = usize::try_from(per_minute).unwrap() * 11;
            assert!(given <= most, "{per_minute}: {given}");
            assert!(per_minute > 3000 || given >= most - 1, "{per_minute}: {given}");
        }
    }

    #[test]
    fn zero_sets_no_bound() {
        assert_eq!(Allowance::new(0).take(&"a"), None);
    }

    #[test]
    fn many_keys_fill_no_memory_and_gain_nothing() {
        let mut allowance = Allowance::new(10);
        allowance.most_keys = 100;
        let known = allowance.take_at(&"known", seconds(0)).unwrap();
        assert_eq!(known.remaining, 9);
        let given = (0..10_000).filter(|key| allowance.take_at(key, seconds(0)).unwrap().wait.is_none()).count();
        assert_eq!(given, 99 + 10, "those with a place, and the allowance that all others share");
        assert_eq!(allowance.taken.lock().unwrap().restored_at.len(), 100);
        assert_eq!(
            allowance.take_at(&"known", seconds(0)).unwrap().remaining,
            8,
            "whoever was there before is not put out"
        );
        // What is restored makes room.
        assert_eq!(allowance.take_at(&10_001, seconds(13)).unwrap().remaining, 9);
        assert_eq!(allowance.taken.lock().unwrap().restored_at.len(), 1);
    }
}

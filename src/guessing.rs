//! Whoever guesses passwords and keys is stopped: after ten wrong ones within a quarter of an hour, from one address or for
//! one name, no further one is looked at for a quarter of an hour.
//!
//! [`Guesses::check`] comes before what is shown is looked at, [`Guesses::failed`] or [`Guesses::succeeded`] after. The
//! latter may say no: of many guesses that were sent at once, those that end after the lock tell nothing, the right one
//! neither. Names that nobody has are counted like others, so that a lock tells nothing of who there is. A right one
//! clears its name, never its address, or whoever has an account of his own could guess those of others for ever.
//!
//! Both tables are bounded: where one is full, what is farthest from a lock makes room.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, Result, codes};
use crate::subscriber::subscriber;

/// Wrong ones that lock.
const MOST_WRONG: usize = 10;
/// In which they come, and for how long is locked.
const QUARTER: Duration = Duration::from_secs(15 * 60);
/// Addresses, and names, that are remembered at once.
const MOST_KEPT: usize = 10_000;

/// What was guessed wrongly. Cheap to clone: one for all doors of the process.
#[derive(Clone, Default)]
pub struct Guesses(Arc<Inner>);

struct Inner {
    begun: Instant,
    hasher: RandomState,
    tables: Mutex<Tables>,
}

impl Default for Inner {
    fn default() -> Self {
        Self { begun: Instant::now(), hasher: RandomState::new(), tables: Mutex::default() }
    }
}

#[derive(Default)]
struct Tables {
    addresses: Table,
    names: Table,
}

/// By a hash of what it is about: its seed is this process's secret, and a name of any length has 8 bytes.
#[derive(Default)]
struct Table(HashMap<u64, Wrong>);

/// What went wrong of late. Times are counted from the beginning.
#[derive(Default)]
struct Wrong {
    /// Of the last few, in order.
    times: Vec<Duration>,
    locked_until: Duration,
}

impl Guesses {
    /// Whether one more is looked at: from the address, and for the name where one is given.
    ///
    /// # Errors
    /// 429 when it is locked, with the time until it is not.
    pub fn check(&self, address: IpAddr, name: Option<&str>) -> Result<()> {
        self.check_at(address, name, self.now())
    }

    /// It was wrong.
    pub fn failed(&self, address: IpAddr, name: Option<&str>) {
        self.failed_at(address, name, self.now());
    }

    /// It was right. What follows from that must wait for this to say so.
    ///
    /// # Errors
    /// As [`Self::check`]: it was locked meanwhile.
    pub fn succeeded(&self, address: IpAddr, name: Option<&str>) -> Result<()> {
        self.succeeded_at(address, name, self.now())
    }

    fn now(&self) -> Duration {
        self.0.begun.elapsed()
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keys(&self, address: IpAddr, name: Option<&str>) -> (u64, Option<u64>) {
        let key = |of: &dyn Fn(&mut std::hash::DefaultHasher)| {
            let mut hasher = self.0.hasher.build_hasher();
            of(&mut hasher);
            std::hash::Hasher::finish(&hasher)
        };
        let name = name.map(|name| name.trim().to_lowercase());
        (key(&|hasher| subscriber(address).hash(hasher)), name.map(|name| key(&|hasher| name.hash(hasher))))
    }

    fn check_at(&self, address: IpAddr, name: Option<&str>, now: Duration) -> Result<()> {
        let (address, name) = self.keys(address, name);
        self.tables().check(address, name, now)
    }

    fn failed_at(&self, address: IpAddr, name: Option<&str>, now: Duration) {
        let (address, name) = self.keys(address, name);
        let mut tables = self.tables();
        tables.addresses.failed(address, now);
        if let Some(name) = name {
            tables.names.failed(name, now);
        }
    }

    fn succeeded_at(&self, address: IpAddr, name: Option<&str>, now: Duration) -> Result<()> {
        let (address, name) = self.keys(address, name);
        let mut tables = self.tables();
        tables.check(address, name, now)?;
        if let Some(name) = name {
            tables.names.0.remove(&name);
        }
        Ok(())
    }
}

impl Tables {
    fn check(&self, address: u64, name: Option<u64>, now: Duration) -> Result<()> {
        let of_name = name.map_or(Duration::ZERO, |name| self.names.locked_for(name, now));
        let left = self.addresses.locked_for(address, now).max(of_name);
        if left.is_zero() {
            return Ok(());
        }
        let seconds = u32::try_from(left.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
        let message = format!(
            "There were {MOST_WRONG} wrong passwords or keys from here or for this name; the next one is looked at in {seconds} s."
        );
        Err(Error::new(codes::LOCKED_OUT, message).with_retry_after(seconds))
    }
}

impl Table {
    fn locked_for(&self, key: u64, now: Duration) -> Duration {
        self.0.get(&key).map_or(Duration::ZERO, |wrong| wrong.locked_until.saturating_sub(now))
    }

    fn failed(&mut self, key: u64, now: Duration) {
        if self.0.len() >= MOST_KEPT && !self.0.contains_key(&key) {
            self.make_room(now);
        }
        let wrong = self.0.entry(key).or_default();
        // What was under way when it was locked makes it no longer.
        if wrong.locked_until > now {
            return;
        }
        wrong.times.retain(|at| *at + QUARTER > now);
        wrong.times.push(now);
        if wrong.times.len() >= MOST_WRONG {
            *wrong = Wrong { times: Vec::new(), locked_until: now + QUARTER };
        }
    }

    fn make_room(&mut self, now: Duration) {
        self.0.retain(|_, wrong| wrong.locked_until > now || wrong.times.last().is_some_and(|at| *at + QUARTER > now));
        if self.0.len() >= MOST_KEPT {
            let distance = |wrong: &Wrong| (wrong.locked_until, wrong.times.len(), wrong.times.last().copied());
            let farthest = self.0.iter().min_by_key(|(_, wrong)| distance(wrong)).map(|(key, _)| *key);
            farthest.map(|key| self.0.remove(&key));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn address(last: u32) -> IpAddr {
        IpAddr::V4(std::net::Ipv4Addr::from_bits(0x0a00_0000 + last))
    }

    fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(minutes * 60)
    }

    fn is_open(guesses: &Guesses, from: u32, name: Option<&str>, now: Duration) -> bool {
        guesses.check_at(address(from), name, now).is_ok()
    }

    #[test]
    fn ten_wrong_ones_of_an_address_lock_it_whatever_the_name() {
        let guesses = Guesses::default();
        for turn in 0..10 {
            assert!(is_open(&guesses, 1, Some("ann"), minutes(turn)));
            guesses.failed_at(address(1), Some(&format!("name {turn}")), minutes(turn));
        }
        let refused = guesses.check_at(address(1), Some("ann"), minutes(9)).unwrap_err();
        assert_eq!((refused.code.name, refused.retry_after_s), ("locked_out", Some(900)));
        assert!(!is_open(&guesses, 1, None, minutes(24) - Duration::from_nanos(1)));
        assert!(is_open(&guesses, 1, None, minutes(24)) && is_open(&guesses, 2, Some("ann"), minutes(9)));
    }

    #[test]
    fn ten_wrong_ones_for_a_name_lock_it_wherever_they_come_from() {
        let guesses = Guesses::default();
        (0..10).for_each(|from| guesses.failed_at(address(from), Some("Ann "), minutes(0)));
        assert!(!is_open(&guesses, 99, Some("ann"), minutes(14)) && is_open(&guesses, 99, Some("bob"), minutes(14)));
        assert!(is_open(&guesses, 99, Some("ann"), minutes(15)));
        // Afterwards it takes ten again.
        (0..9).for_each(|from| guesses.failed_at(address(from), Some("ann"), minutes(15)));
        assert!(is_open(&guesses, 99, Some("ann"), minutes(15)));
    }

    #[test]
    fn whoever_is_wrong_now_and_then_is_not_locked_out() {
        let guesses = Guesses::default();
        for turn in 0..100 {
            assert!(is_open(&guesses, 1, Some("ann"), minutes(2 * turn)), "{turn}");
            guesses.failed_at(address(1), Some("ann"), minutes(2 * turn));
        }
    }

    #[test]
    fn a_right_one_clears_its_name_and_not_the_address() {
        let guesses = Guesses::default();
        let wrong = |name: &str| (0..9).for_each(|_| guesses.failed_at(address(1), Some(name), minutes(0)));
        wrong("ann");
        guesses.succeeded_at(address(1), Some("ann"), minutes(1)).unwrap();
        guesses.failed_at(address(2), Some("ann"), minutes(1));
        assert!(is_open(&guesses, 2, Some("ann"), minutes(1)), "its name begins anew");
        guesses.failed_at(address(1), Some("bob"), minutes(1));
        assert!(!is_open(&guesses, 1, Some("ann"), minutes(1)), "its address does not");
    }

    #[test]
    fn of_many_at_once_the_right_one_is_not_told_after_the_lock() {
        let guesses = Guesses::default();
        (0..50).for_each(|_| guesses.check_at(address(1), Some("ann"), minutes(0)).unwrap());
        (0..49).for_each(|_| guesses.failed_at(address(1), Some("ann"), minutes(0)));
        assert_eq!(guesses.succeeded_at(address(1), Some("ann"), minutes(1)).unwrap_err().code.name, "locked_out");
        assert!(is_open(&guesses, 1, Some("ann"), minutes(15)), "and what came late locks no longer");
    }

    #[test]
    fn one_subscribers_addresses_are_one() {
        let guesses = Guesses::default();
        for last in 0..10 {
            guesses.failed_at(format!("2001:db8::{last}").parse().unwrap(), None, minutes(0));
        }
        assert!(guesses.check_at("2001:db8::ffff".parse().unwrap(), None, minutes(1)).is_err());
        assert!(guesses.check_at("2001:db8:0:1::".parse().unwrap(), None, minutes(1)).is_ok());
    }

    #[test]
    fn a_flood_fills_no_memory_and_opens_no_lock() {
        let guesses = Guesses::default();
        (0..10).for_each(|_| guesses.failed_at(address(0), Some("ann"), minutes(0)));
        for from in 0..20_000 {
            guesses.failed_at(address(1 + from), Some(&format!("name {from}")), minutes(1));
        }
        assert!(!is_open(&guesses, 0, None, minutes(2)) && !is_open(&guesses, 30_000, Some("ann"), minutes(2)));
        let tables = guesses.tables();
        assert!(tables.names.0.len() <= MOST_KEPT && tables.addresses.0.len() <= MOST_KEPT);
        drop(tables);
        guesses.failed_at(address(40_000), None, minutes(60));
        assert_eq!(guesses.tables().addresses.0.len(), 1, "what is over is forgotten");
    }
}

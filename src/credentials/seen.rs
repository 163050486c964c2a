//! Which credentials this process has seen lately, so that not every request has to ask the database.
//!
//! What was seen holds for three seconds, and until anything is committed in this process: then the next request asks again.
//! So what was ended here holds at once, and what another process ended soon. That a credential was used is written down
//! once a minute, beside the requests.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use moka::sync::Cache;

use crate::principal::{Principal, Role, Via};

/// How long another process' changes may stay unseen.
const KEPT: Duration = Duration::from_secs(3);
/// Most that are kept.
const MOST: u64 = 10_000;
/// How often a use is written down.
const NOTED_EVERY: TimeDelta = TimeDelta::seconds(60);

/// Whose a credential is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The row it is known by; none of a token.
    pub id: Option<String>,
    /// What it is.
    pub via: Via,
    /// Whose it is.
    pub account_id: String,
    /// The account's name.
    pub name: String,
    /// What may be done with it.
    pub role: Role,
    /// When it ends.
    pub ends_at: Option<DateTime<Utc>>,
    /// When it ends at the latest, though it be used.
    pub ends_at_last: Option<DateTime<Utc>>,
    /// When it was last used, as far as that was written down.
    pub last_used_at: Option<DateTime<Utc>>,
}

impl Known {
    /// Who asks by it.
    #[must_use]
    pub fn principal(&self) -> Principal {
        Principal::account(self.account_id.clone(), self.name.clone(), self.role, self.via)
    }

    /// Whether it has ended by that time.
    #[must_use]
    pub fn has_ended(&self, at: DateTime<Utc>) -> bool {
        self.ends_at.is_some_and(|ends_at| ends_at <= at)
    }
}

/// A use that is to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// What was used.
    pub via: Via,
    /// The row it is known by.
    pub id: String,
    /// When.
    pub at: DateTime<Utc>,
    /// When it ends at the latest, though it be used.
    pub ends_at_last: Option<DateTime<Utc>>,
}

/// What was seen lately.
pub struct Seen {
    entries: Cache<[u8; 32], Entry>,
    hits: AtomicU64,
    misses: AtomicU64,
    uses: Mutex<Uses>,
}

#[derive(Clone)]
struct Entry {
    /// Of the database, taken before it was asked.
    stamp: u64,
    known: Arc<Known>,
}

#[derive(Default)]
struct Uses {
    waiting: Vec<Use>,
    noted_at: HashMap<String, DateTime<Utc>>,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            entries: Cache::builder().max_capacity(MOST).time_to_live(KEPT).build(),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            uses: Mutex::default(),
        }
    }
}

impl Seen {
    fn uses(&self) -> MutexGuard<'_, Uses> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose a credential is, by its digest; none when the database has to be asked.
    #[must_use]
    pub fn get(&self, digest: &[u8; 32], stamp: u64) -> Option<Arc<Known>> {
        let found = self.entries.get(digest).filter(|entry| entry.stamp == stamp);
        let count = if found.is_some() { &self.hits } else { &self.misses };
        count.fetch_add(1, Ordering::Relaxed);
        found.map(|entry| entry.known)
    }

    /// How often the database had not to be asked, and how often it had.
    #[must_use]
    pub fn hits_and_misses(&self) -> (u64, u64) {
        (self.hits.load(Ordering::Relaxed), self.misses.load(Ordering::Relaxed))
    }

    /// Keeps what the database said; `stamp` was taken before.
    pub fn keep(&self, digest: [u8; 32], stamp: u64, known: Arc<Known>) {
        self.entries.insert(digest, Entry { stamp, known });
    }

    /// Notes a use that is to be written down. True for the first of several: whoever gets that has them written.
    #[must_use]
    pub fn note_use(&self, known: &Known, at: DateTime<Utc>) -> bool {
        let Some(id) = &known.id else { return false };
        let is_recent = |noted_at: DateTime<Utc>| at - noted_at < NOTED_EVERY;
        if known.last_used_at.is_some_and(is_recent) {
            return false;
        }
        let Uses { waiting, noted_at } = &mut *self.uses();
        if noted_at.get(id).copied().is_some_and(is_recent) {
            return false;
        }
        noted_at.insert(id.clone(), at);
        waiting.push(Use { via: known.via, id: id.clone(), at, ends_at_last: known.ends_at_last });
        waiting.len() == 1
    }

    /// The uses that are to be written down.
    #[must_use]
    pub fn take_uses(&self, at: DateTime<Utc>) -> Vec<Use> {
        let mut uses = self.uses();
        uses.noted_at.retain(|_, noted_at| at - *noted_at < NOTED_EVERY);
        std::mem::take(&mut uses.waiting)
    }
}

//! Work that several want at once and one does.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// Who is at work on which key.
pub(super) struct Flights<K>(Mutex<HashMap<K, Turn>>);

/// Whoever holds it works; the others wait and look again.
type Turn = Arc<tokio::sync::Mutex<()>>;

impl<K> Default for Flights<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Clone + Eq + Hash> Flights<K> {
    /// Takes a place among those who want `key`.
    pub fn join(&self, key: &K) -> Flight<'_, K> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = all.entry(key.clone()).or_default().clone();
        Flight { flights: self, key: key.clone(), turn }
    }

    /// Whether anybody wants `key`.
    #[cfg(test)]
    pub fn has(&self, key: &K) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(key)
    }
}

/// Somebody's place among those who want the same key; the last one takes the entry away.
pub(super) struct Flight<'a, K: Clone + Eq + Hash> {
    flights: &'a Flights<K>,
    key: K,
    pub turn: Turn,
}

impl<K: Clone + Eq + Hash> Drop for Flight<'_, K> {
    fn drop(&mut self) {
        let mut all = self.flights.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The map's and ours: nobody else has one, and nobody can get one while the map is locked.
        if Arc::strong_count(&self.turn) <= 2 {
            all.remove(&self.key);
        }
    }
}

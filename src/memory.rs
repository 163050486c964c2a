//! How much memory work may hold: whoever will hold much waits for its turn first, so that many at once take longer and
//! not more.
//!
//! Three budgets that never wait for one another: what clients send, what is computed for them and on its way to them,
//! and what parses hold. What holds little asks for nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Config;
use crate::error::{Error, Result, codes};

/// What is not worth asking for.
pub const LITTLE: u64 = 1024 * 1024;
/// Bytes of a unit.
const UNIT: u64 = 4096;
/// How long one waits for a turn before it is told to come back.
const PATIENCE: Duration = Duration::from_secs(20);

/// The budgets of this process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Memory {
    /// Requests on their way in.
    pub bodies: Budget,
    /// Answers being computed, and large ones on their way out.
    pub answers: Budget,
    /// Parses.
    pub parses: Budget,
}

impl Memory {
    /// Of the settings.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            bodies: Budget::new(config.work_memory_bytes),
            answers: Budget::new(config.work_memory_bytes),
            parses: Budget::new(config.parse_memory_bytes),
        }
    }
}

/// So many bytes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Budget {
    units: Arc<Semaphore>,
    all: u32,
    waiters: Arc<AtomicU64>,
}

/// How much of a budget is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// All there are.
    pub bytes: u64,
    /// Held by work.
    pub held_bytes: u64,
    /// Who waits for more.
    pub waiters: u64,
}

/// Bytes of a budget, until they are dropped.
#[derive(Debug)]
pub struct Held(OwnedSemaphorePermit);

impl Budget {
    fn new(bytes: u64) -> Self {
        let all = u32::try_from(bytes / UNIT).unwrap_or(u32::MAX).clamp(1, 1 << 28);
        let units = Arc::new(Semaphore::new(usize::try_from(all).unwrap_or(usize::MAX)));
        Self { units, all, waiters: Arc::default() }
    }

    /// How much of it is in use now.
    #[must_use]
    pub fn load(&self) -> Load {
        let (bytes, left) = (u64::from(self.all) * UNIT, self.units.available_permits() as u64 * UNIT);
        Load { bytes, held_bytes: bytes.saturating_sub(left), waiters: self.waiters.load(Ordering::Relaxed) }
    }

    /// So many bytes, or all there are if that is more than there are; first come, first served. None for little.
    ///
    /// # Errors
    /// `overloaded` when they are not there in time.
    pub async fn hold(&self, bytes: u64) -> Result<Option<Held>> {
        match tokio::time::timeout(PATIENCE, self.wait(bytes)).await {
            Ok(held) => Ok(held),
            Err(_) => Err(Error::new(
                codes::OVERLOADED,
                "The server is busy with as much as its memory allows; try again soon, or ask for less at once.",
            )
            .with_retry_after(5)),
        }
    }

    /// As [`Self::hold`], for who has all the time it takes.
    pub async fn wait(&self, bytes: u64) -> Option<Held> {
        if bytes < LITTLE {
            return None;
        }
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).min(self.all);
        let _waiting = Waiting::of(&self.waiters);
        // It is never closed.
        Arc::clone(&self.units).acquire_many_owned(units).await.ok().map(Held)
    }
}

/// One who waits, until it is dropped: it may go away before its turn.
struct Waiting<'b>(&'b AtomicU64);

impl<'b> Waiting<'b> {
    fn of(waiters: &'b AtomicU64) -> Self {
        waiters.fetch_add(1, Ordering::Relaxed);
        Self(waiters)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Held {
    /// Gives back what is more than `bytes`.
    pub fn shrink(&mut self, bytes: u64) {
        let units = usize::try_from(bytes.div_ceil(UNIT)).unwrap_or(usize::MAX);
        drop(self.0.split(self.0.num_permits().saturating_sub(units)));
    }

    /// The bytes, held until the last of them is dropped.
    #[must_use]
    pub fn with(self, bytes: Bytes) -> Bytes {
        struct Owner(Bytes, #[expect(dead_code, reason = "held, not read")] Held);
        impl AsRef<[u8]> for Owner {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }
        Bytes::from_owner(Owner(bytes, self))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_held_comes_back_with_the_last_byte() {
        let budget = Budget::new(8 * LITTLE);
        let left = || budget.load().bytes - budget.load().held_bytes;
        assert!(budget.hold(LITTLE - 1).await.unwrap().is_none());
        let mut most = budget.hold(100 * LITTLE).await.unwrap().unwrap();
        assert_eq!(left(), 0, "more than there is means all of it");
        most.shrink(3 * LITTLE);
        assert_eq!(left(), 5 * LITTLE);
        let bytes = most.with(Bytes::from(vec![7; 1000]));
        let part = bytes.slice(10..20);
        drop(bytes);
        assert_eq!((left(), &*part), (5 * LITTLE, &[7; 10][..]));
        let next = tokio::spawn({
            let budget = budget.clone();
            async move { budget.hold(8 * LITTLE).await.unwrap().is_some() }
        });
        tokio::task::yield_now().await;
        assert!(!next.is_finished(), "it waits");
        assert_eq!(budget.load().waiters, 1);
        drop(part);
        assert!(next.await.unwrap());
        assert_eq!(budget.load().waiters, 0);
        assert_eq!(left(), 8 * LITTLE);
    }
}

//! Answers computed from immutable files, kept in memory and, when there is a Redis, there too.
//!
//! Keys carry the artefact's sha256, so an answer is never stale; only what was made of an artefact that turns out to be
//! damaged is forgotten. The first
//! level is bounded by bytes and time. The second ([`redis`]) never makes a request fail or wait: see there.
//! Half of the bytes are for [`blocks`] of rows, which other answers are made from.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use self::blocks::Blocks;
use self::flights::Flights;
use super::objects::hex;
use crate::error::Result;

pub mod blocks;
mod flights;
mod redis;

pub use redis::check_url as check_redis_url;

/// Goes up when an answer's bytes change their shape: older ones are not found any more.
const FORMAT: u32 = 1;
/// What moka takes at most.
const LONGEST_TTL: Duration = Duration::from_secs(10 * 365 * 86_400);

/// How long unpacked rows stay that nobody asks for.
const ROWS_IDLE: Duration = Duration::from_secs(60);
/// Turns of [`Cache::tidy`] without a question after which the cache keeps only what is small.
const QUIET_TURNS: u32 = 6;
/// Longest answer that is kept then, and bytes of all.
const SMALL_BYTES: usize = 64 * 1024;
const SMALL_BYTES_IN_ALL: u64 = 32 * 1024 * 1024;

/// Two-level cache. Cheap to clone.
#[derive(Clone)]
pub struct Cache(Arc<Inner>);

struct Inner {
    memory: moka::sync::Cache<CacheKey, Bytes>,
    redis: Option<redis::Redis>,
    flights: Flights<CacheKey>,
    blocks: Blocks,
    hits_memory: AtomicU64,
    hits_redis: AtomicU64,
    misses: AtomicU64,
    /// Of all three, at the last [`Cache::tidy`].
    asked: AtomicU64,
    quiet_turns: AtomicU32,
}

/// What an answer is kept under.
#[derive(Debug, Clone, Eq)]
pub struct CacheKey(Arc<str>);

impl CacheKey {
    /// A key from the sha256 of the artefact and the canonical request: everything else that the answer
    /// depends on (what is asked, its parameters in one order, zone, mapping).
    #[must_use]
    pub fn new(artefact_sha256: &str, request: &str) -> Self {
        let request = hex(&Sha256::digest(request.as_bytes()));
        Self(format!("hvac:{FORMAT}:{artefact_sha256}:{request}").into())
    }

    /// The key as it stands in Redis.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for CacheKey {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Hash for CacheKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

/// Counts since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Answered by level 1.
    pub hits_memory: u64,
    /// Answered by level 2.
    pub hits_redis: u64,
    /// Answered by neither.
    pub misses: u64,
    /// Failures of level 2.
    pub errors: u64,
    /// Answers in level 1.
    pub entries: u64,
    /// Bytes in level 1.
    pub bytes: u64,
    /// Whether level 2 is in use; none when there is none.
    pub redis_up: Option<bool>,
}

impl Cache {
    /// A cache; `redis_url` adds the second level, which is connected to in the background. Call it within
    /// the runtime.
    ///
    /// # Errors
    /// `bad_setting` when `redis_url` cannot be read. An absent server is no error.
    pub fn new(max_bytes: u64, ttl: Duration, redis_url: Option<&str>) -> Result<Self> {
        let ttl = ttl.min(LONGEST_TTL);
        let weigh = |key: &CacheKey, value: &Bytes| u32::try_from(key.0.len() + value.len()).unwrap_or(u32::MAX);
        let half = max_bytes / 2;
        let memory = moka::sync::Cache::builder().max_capacity(half).weigher(weigh).time_to_live(ttl).build();
        let redis = redis_url.map(|url| redis::Redis::new(url, ttl)).transpose()?;
        Ok(Self(Arc::new(Inner {
            memory,
            redis,
            flights: Flights::default(),
            blocks: Blocks::new(max_bytes - half),
            hits_memory: AtomicU64::new(0),
            hits_redis: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            asked: AtomicU64::new(0),
            quiet_turns: AtomicU32::new(0),
        })))
    }

    /// Rows of files, unpacked.
    #[must_use]
    pub fn blocks(&self) -> &Blocks {
        &self.0.blocks
    }

    /// The answer, if level 1 has it.
    pub fn get_in_memory(&self, key: &CacheKey) -> Option<Bytes> {
        self.look(key).inspect(|_| count(&self.0.hits_memory))
    }

    /// As [`Self::get_in_memory`], uncounted.
    fn look(&self, key: &CacheKey) -> Option<Bytes> {
        self.0.memory.get(key)
    }

    /// The answer, if it is kept. Waits at most 30 ms, for level 2.
    pub async fn get(&self, key: &CacheKey) -> Option<Bytes> {
        if let Some(value) = self.get_in_memory(key) {
            return Some(value);
        }
        self.get_beyond(key).await
    }

    async fn get_beyond(&self, key: &CacheKey) -> Option<Bytes> {
        if let Some(redis) = &self.0.redis
            && let Some(value) = redis.get(key).await
        {
            count(&self.0.hits_redis);
            self.0.memory.insert(key.clone(), value.clone());
            return Some(value);
        }
        count(&self.0.misses);
        None
    }

    /// Keeps an answer; never waits.
    pub fn put(&self, key: &CacheKey, value: Bytes) {
        if let Some(redis) = &self.0.redis {
            redis.put(key.clone(), value.clone());
        }
        self.0.memory.insert(key.clone(), value);
    }

    /// The answer that is kept, or the one that `compute` makes: at most once at a time for one key. A failure
    /// is not kept, and whoever waited computes for himself.
    ///
    /// # Errors
    /// That of `compute`.
    pub async fn get_or_compute<F, T>(&self, key: &CacheKey, compute: F) -> Result<Bytes>
    where
        F: FnOnce() -> T + Send,
        T: Future<Output = Result<Bytes>> + Send,
    {
        match self.get_in_memory(key) {
            Some(value) => Ok(value),
            None => self.get_or_make(key, compute).await,
        }
    }

    /// As [`Self::get_or_compute`], for whoever has looked in memory.
    ///
    /// # Errors
    /// That of `compute`.
    pub async fn get_or_make<F, T>(&self, key: &CacheKey, compute: F) -> Result<Bytes>
    where
        F: FnOnce() -> T + Send,
        T: Future<Output = Result<Bytes>> + Send,
    {
        if let Some(value) = self.get_beyond(key).await {
            return Ok(value);
        }
        let flight = self.0.flights.join(key);
        let _turn = flight.turn.lock().await;
        if let Some(value) = self.look(key) {
            return Ok(value);
        }
        let value = compute().await?;
        self.put(key, value.clone());
        Ok(value)
    }

    /// Forgets everything that was made of an artefact: its bytes are not what they were, who knows since when.
    pub fn forget(&self, artefact_sha256: &str) {
        let prefix = format!("hvac:{FORMAT}:{artefact_sha256}:");
        for (key, _) in self.0.memory.iter().filter(|(key, _)| key.0.starts_with(&prefix)) {
            self.0.memory.invalidate(&*key);
        }
        self.0.blocks.forget(artefact_sha256);
        if let Some(redis) = &self.0.redis {
            redis.forget(prefix);
        }
    }

    /// Gives back what is too old, which otherwise waits for the next who asks; and, when nobody has asked for a while,
    /// what is large: it is soon made again. To be called every ten seconds or so.
    pub fn tidy(&self) {
        let inner = &self.0;
        inner.memory.run_pending_tasks();
        inner.blocks.tidy();
        let asked =
            [&inner.hits_memory, &inner.hits_redis, &inner.misses].map(|n| n.load(Ordering::Relaxed)).iter().sum();
        if inner.asked.swap(asked, Ordering::Relaxed) != asked {
            inner.quiet_turns.store(0, Ordering::Relaxed);
        } else if inner.quiet_turns.fetch_add(1, Ordering::Relaxed) == QUIET_TURNS {
            self.keep_what_is_small();
        }
    }

    fn keep_what_is_small(&self) {
        let memory = &self.0.memory;
        for (key, value) in memory {
            if value.len() > SMALL_BYTES {
                memory.invalidate(&*key);
            }
        }
        memory.run_pending_tasks();
        if memory.weighted_size() > SMALL_BYTES_IN_ALL {
            memory.invalidate_all();
            memory.run_pending_tasks();
        }
    }

    /// Counts since the start.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        self.0.memory.run_pending_tasks();
        CacheStats {
            hits_memory: self.0.hits_memory.load(Ordering::Relaxed),
            hits_redis: self.0.hits_redis.load(Ordering::Relaxed),
            misses: self.0.misses.load(Ordering::Relaxed),
            errors: self.0.redis.as_ref().map_or(0, redis::Redis::errors),
            entries: self.0.memory.entry_count(),
            bytes: self.0.memory.weighted_size(),
            redis_up: self.0.redis.as_ref().map(redis::Redis::is_up),
        }
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::error::Error;

    fn memory(max_bytes: u64) -> Cache {
        Cache::new(max_bytes, Duration::from_secs(60), None).unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_who_want_one_answer_compute_it_once() {
        let cache = memory(1 << 20);
        let key = CacheKey::new("aa", "preview");
        let computed = Arc::new(AtomicU32::new(0));
        let asking = (0..50).map(|_| {
            let (cache, key, computed) = (cache.clone(), key.clone(), computed.clone());
            tokio::spawn(async move {
                let compute = || async {
                    computed.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    Ok(Bytes::from_static(b"answer"))
                };
                cache.get_or_compute(&key, compute).await.unwrap()
            })
        });
        for task in asking.collect::<Vec<_>>() {
            assert_eq!(task.await.unwrap(), "answer");
        }
        assert_eq!(computed.load(Ordering::SeqCst), 1);
        assert!(!cache.0.flights.has(&CacheKey::new("aa", "preview")));
    }

    #[tokio::test]
    async fn what_is_large_goes_when_nobody_has_asked_for_a_while() {
        let cache = memory(256 << 20);
        let (small, large) = (CacheKey::new("aa", "small"), CacheKey::new("aa", "large"));
        cache.put(&small, Bytes::from(vec![0; SMALL_BYTES]));
        cache.put(&large, Bytes::from(vec![0; SMALL_BYTES + 1]));
        let turns = || (0..=QUIET_TURNS).for_each(|_| cache.tidy());
        (0..3).for_each(|_| {
            assert!(cache.get_in_memory(&large).is_some(), "asked for, it stays");
            (1..QUIET_TURNS).for_each(|_| cache.tidy());
        });
        turns();
        assert_eq!((cache.look(&small).is_some(), cache.look(&large).is_some()), (true, false));
        for number in 0..700 {
            cache.put(&CacheKey::new("bb", &number.to_string()), Bytes::from(vec![0; SMALL_BYTES]));
        }
        assert!(cache.get_in_memory(&small).is_some());
        turns();
        turns();
        assert_eq!(cache.stats().bytes, 0, "many small ones are large too");
    }

    #[tokio::test]
    async fn a_failure_is_not_kept() {
        let cache = memory(1 << 20);
        let key = CacheKey::new("aa", "preview");
        let failed = cache.get_or_compute(&key, || async { Err(Error::internal("no")) }).await;
        assert!(failed.is_err());
        let value = cache.get_or_compute(&key, || async { Ok(Bytes::from_static(b"yes")) }).await;
        assert_eq!(value.unwrap(), "yes");
    }

    #[tokio::test]
    async fn memory_stays_within_its_bound() {
        let cache = memory(200_000);
        for i in 0..100 {
            cache.put(&CacheKey::new("aa", &format!("request {i}")), Bytes::from(vec![0; 10_000]));
        }
        let stats = cache.stats();
        assert!(stats.bytes <= 100_000 && stats.entries >= 5, "{stats:?}");
    }

    #[tokio::test]
    async fn answers_are_kept_for_their_time_and_under_their_key() {
        let cache = Cache::new(1 << 20, Duration::from_millis(50), None).unwrap();
        let key = CacheKey::new("aa", "rows=50");
        cache.put(&key, Bytes::from_static(b"x"));
        assert_eq!(cache.get(&key).await.unwrap(), "x");
        assert_eq!(cache.get(&CacheKey::new("aa", "rows=51")).await, None);
        assert_eq!(cache.get(&CacheKey::new("ab", "rows=50")).await, None);
        tokio::time::sleep(Duration::from_millis(80)).await;
        assert_eq!(cache.get(&key).await, None);
        let stats = cache.stats();
        assert_eq!((stats.hits_memory, stats.misses, stats.redis_up), (1, 3, None));
    }

    #[tokio::test]
    async fn only_an_unreadable_redis_url_is_refused() {
        let ttl = Duration::from_secs(1);
        assert_eq!(Cache::new(1, ttl, Some("not a url")).err().unwrap().code.name, "bad_setting");
        let absent = Cache::new(1 << 20, ttl, Some("redis://127.0.0.1:1")).unwrap();
        let key = CacheKey::new("aa", "r");
        absent.put(&key, Bytes::from_static(b"x"));
        assert_eq!(absent.get(&key).await.unwrap(), "x");
        assert_eq!(absent.stats().redis_up, Some(false));
    }
}

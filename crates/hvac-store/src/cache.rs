//! What was made of immutable files, kept in memory within one bound: answers, unpacked rows, footers and model
//! documents. Answers are kept in a Redis too, when there is one.
//!
//! Keys carry the artefact's sha256, so an entry is never stale; only what was made of an artefact that turns out to be
//! damaged is forgotten. The least recently used go first: a scan must not be kept out by what was popular before it.
//! An entry is made once however many want it. The second level ([`redis`]) never makes a request fail or wait: see there.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use moka::policy::EvictionPolicy;
use sha2::{Digest, Sha256};

use super::objects::hex;
use crate::error::{Error, Result};

mod redis;

pub use redis::{check_url as check_redis_url, client as redis_client};

/// Goes up when an answer's bytes change their shape: older ones are not found any more.
const FORMAT: u32 = 1;
/// Longest life of an answer.
const LONGEST_TTL: Duration = Duration::from_secs(10 * 365 * 86_400);

/// How long records of another server are kept, and in Redis.
const RECORDS_LIFE: Duration = Duration::from_secs(10);
const RECORDS_LIFE_BEYOND: Duration = Duration::from_secs(60);
/// How long rows stay that nobody asks for.
const ROWS_IDLE: Duration = Duration::from_secs(60);
/// Turns of [`Cache::tidy`] without a question after which the cache keeps only what is small.
const QUIET_TURNS: u32 = 6;
/// Largest entry that is kept then, and bytes of all.
const SMALL_BYTES: u64 = 64 * 1024;
const SMALL_BYTES_IN_ALL: u64 = 32 * 1024 * 1024;
/// How many entries of one size have to fit to be worth keeping.
const SEVERAL: u64 = 8;

/// Two-level cache. Cheap to clone.
#[derive(Clone)]
pub struct Cache(Arc<Inner>);

struct Inner {
    memory: moka::future::Cache<CacheKey, Entry>,
    max_bytes: u64,
    redis: Option<redis::Redis>,
    hits_memory: AtomicU64,
    hits_redis: AtomicU64,
    misses: AtomicU64,
    misses_redis: AtomicU64,
    /// Of all three, at the last [`Cache::tidy`].
    asked: AtomicU64,
    quiet_turns: AtomicU32,
}

/// What is kept, and the bytes that it takes.
#[derive(Clone)]
struct Entry {
    value: Arc<dyn Any + Send + Sync>,
    bytes: u64,
}

/// What kind of thing an entry is: each has one type, and its time to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Bytes for a client; Redis has them too.
    Answer,
    /// Records of another server, as bytes; Redis has them too, longer.
    Records,
    /// Rows of a file, unpacked.
    Rows,
    /// What a file says of itself.
    Footer,
    /// A model file, read.
    Model,
}

/// What an entry is kept under.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CacheKey {
    kind: Kind,
    sha256: Arc<str>,
    request: Arc<str>,
}

impl CacheKey {
    /// A key from the sha256 of the artefact and the canonical request: everything else that
    /// the entry depends on (what is asked, its parameters in one order, zone, mapping).
    #[must_use]
    pub fn new(kind: Kind, artefact_sha256: impl Into<Arc<str>>, request: impl Into<Arc<str>>) -> Self {
        Self { kind, sha256: artefact_sha256.into(), request: request.into() }
    }

    /// What an admin calls it: `answer/{sha256}/{request}`, `records/{collection}/…`, `rows/…`, `footer/…`, `model/…`.
    #[must_use]
    pub fn name(&self) -> String {
        let kind = match self.kind {
            Kind::Answer => "answer",
            Kind::Records => "records",
            Kind::Rows => "rows",
            Kind::Footer => "footer",
            Kind::Model => "model",
        };
        format!("{kind}/{}/{}", self.sha256, self.request)
    }

    /// The key as it stands in Redis.
    fn in_redis(&self) -> String {
        let hash = hex(&Sha256::digest(self.request.as_bytes()));
        match self.kind {
            Kind::Records => format!("{}{}:{hash}", records_prefix(), self.sha256),
            _ => format!("{}{hash}", prefix(&self.sha256)),
        }
    }
}

/// How the keys in Redis begin of what was made of an artefact.
fn prefix(sha256: &str) -> String {
    format!("hvac:{FORMAT}:{sha256}:")
}

/// How the keys in Redis begin of records: no answer's begins so.
fn records_prefix() -> String {
    format!("hvac:remembered:{FORMAT}:")
}

/// What is forgotten in Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beyond {
    /// Answers that were made of artefacts whose sha256 is like that pattern.
    Answers(String),
    /// Records of collections whose name is like that pattern.
    Records(String),
}

impl Beyond {
    /// The keys, as Redis writes a pattern of them.
    fn pattern(&self) -> String {
        match self {
            Self::Answers(sha256) => format!("{}*", prefix(sha256)),
            Self::Records(collection) => format!("{}{collection}/*", records_prefix()),
        }
    }
}

/// How long entries live.
struct Lives {
    answers: Duration,
}

impl moka::Expiry<CacheKey, Entry> for Lives {
    fn expire_after_create(&self, key: &CacheKey, _: &Entry, _: Instant) -> Option<Duration> {
        match key.kind {
            Kind::Answer => Some(self.answers),
            Kind::Records => Some(RECORDS_LIFE),
            Kind::Rows => Some(ROWS_IDLE),
            Kind::Footer | Kind::Model => None,
        }
    }

    fn expire_after_read(
        &self,
        key: &CacheKey,
        entry: &Entry,
        now: Instant,
        left: Option<Duration>,
        _: Instant,
    ) -> Option<Duration> {
        if key.kind == Kind::Rows { self.expire_after_create(key, entry, now) } else { left }
    }

    fn expire_after_update(
        &self,
        key: &CacheKey,
        entry: &Entry,
        now: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        self.expire_after_create(key, entry, now)
    }
}

/// Counts since the start, of every kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Found in level 1.
    pub hits_memory: u64,
    /// Found in level 2.
    pub hits_redis: u64,
    /// Found in neither.
    pub misses: u64,
    /// Asked of level 2, and not found there.
    pub misses_redis: u64,
    /// Failures of level 2.
    pub errors: u64,
    /// Entries in level 1.
    pub entries: u64,
    /// Bytes in level 1.
    pub bytes: u64,
    /// Whether level 2 is in use; none when there is none.
    pub redis_up: Option<bool>,
}

impl Cache {
    /// A cache; a Redis adds the second level, which is connected to in the background.
    ///
    /// # Errors
    /// When it is called outside the runtime. An absent server is no error.
    pub fn new(max_bytes: u64, ttl: Duration, redis: Option<::redis::Client>) -> Result<Self> {
        let ttl = ttl.min(LONGEST_TTL);
        let weigh = |key: &CacheKey, entry: &Entry| {
            let key_bytes = (key.sha256.len() + key.request.len()) as u64;
            u32::try_from(entry.bytes.saturating_add(key_bytes)).unwrap_or(u32::MAX)
        };
        let memory = moka::future::Cache::builder().max_capacity(max_bytes).weigher(weigh);
        let memory = memory.eviction_policy(EvictionPolicy::lru()).expire_after(Lives { answers: ttl }).build();
        let redis = redis.map(|client| redis::Redis::new(client, ttl)).transpose()?;
        Ok(Self(Arc::new(Inner {
            memory,
            max_bytes,
            redis,
            hits_memory: AtomicU64::new(0),
            hits_redis: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            misses_redis: AtomicU64::new(0),
            asked: AtomicU64::new(0),
            quiet_turns: AtomicU32::new(0),
        })))
    }

    /// Whether entries of so many bytes are worth keeping: several have to fit.
    #[must_use]
    pub fn fits(&self, bytes: u64) -> bool {
        bytes.saturating_mul(SEVERAL) <= self.0.max_bytes
    }

    /// The entry that is kept, or the one that `make` makes, with the bytes that it takes: at most once at a time for one
    /// key. A failure is not kept; it reaches all who waited. If whoever makes it goes away, another begins anew.
    ///
    /// # Errors
    /// That of `make`.
    pub async fn get_or_make<T, W>(&self, key: &CacheKey, make: W) -> Result<Arc<T>>
    where
        T: Any + Send + Sync,
        W: Future<Output = Result<(T, u64)>> + Send,
    {
        if let Some(value) = self.look(key).await {
            return Ok(value);
        }
        let making = async {
            count(&self.0.misses);
            make.await
        };
        self.once(key, making).await
    }

    /// An entry that memory has.
    async fn look<T: Any + Send + Sync>(&self, key: &CacheKey) -> Option<Arc<T>> {
        let value = self.0.memory.get(key).await?.value.downcast().ok()?;
        count(&self.0.hits_memory);
        Some(value)
    }

    /// What `making` makes, unless somebody else does or has just done so.
    async fn once<T, W>(&self, key: &CacheKey, making: W) -> Result<Arc<T>>
    where
        T: Any + Send + Sync,
        W: Future<Output = Result<(T, u64)>> + Send,
    {
        // Who makes it gets the cause of a failure too, for the log.
        let mut failed = None;
        let making = async {
            let made = making.await;
            let made = made.map(|(value, bytes)| Entry { value: Arc::new(value), bytes });
            made.map_err(|error| failed.insert(error).again())
        };
        // Seldom, and so big that every request would have to carry it.
        let entry = Box::pin(self.0.memory.try_get_with_by_ref(key, making)).await;
        let entry = entry.map_err(|error: Arc<Error>| failed.unwrap_or_else(|| error.again()))?;
        entry.value.downcast().map_err(|_| Error::internal("the cache keeps two types as one kind"))
    }

    /// The answer, if memory has it.
    pub async fn get_in_memory(&self, key: &CacheKey) -> Option<Bytes> {
        self.look::<Bytes>(key).await.map(|value| Bytes::clone(&value))
    }

    /// The answer, if it is kept. Waits at most 30 ms, for level 2.
    pub async fn get(&self, key: &CacheKey) -> Option<Bytes> {
        if let Some(value) = self.get_in_memory(key).await {
            return Some(value);
        }
        let value = self.get_beyond(key).await?;
        self.keep(key, &value).await;
        Some(value)
    }

    async fn get_beyond(&self, key: &CacheKey) -> Option<Bytes> {
        let value = match &self.0.redis {
            Some(redis) => redis.get(key).await,
            None => None,
        };
        count(if value.is_some() { &self.0.hits_redis } else { &self.0.misses });
        if self.0.redis.is_some() && value.is_none() {
            count(&self.0.misses_redis);
        }
        value
    }

    /// Keeps an answer; never waits.
    pub async fn put(&self, key: &CacheKey, value: Bytes) {
        self.keep(key, &value).await;
        self.put_beyond(key, &value);
    }

    async fn keep(&self, key: &CacheKey, value: &Bytes) {
        let entry = Entry { value: Arc::new(value.clone()), bytes: value.len() as u64 };
        self.0.memory.insert(key.clone(), entry).await;
    }

    fn put_beyond(&self, key: &CacheKey, value: &Bytes) {
        if let Some(redis) = &self.0.redis {
            redis.put(key, value);
        }
    }

    /// As [`Self::get_or_make`], of an answer: level 2 may have it.
    ///
    /// # Errors
    /// That of `compute`.
    pub async fn get_or_compute<W>(&self, key: &CacheKey, compute: W) -> Result<Bytes>
    where
        W: Future<Output = Result<Bytes>> + Send,
    {
        if let Some(value) = self.get_in_memory(key).await {
            return Ok(value);
        }
        let making = async {
            let value = match self.get_beyond(key).await {
                Some(value) => value,
                None => compute.await.inspect(|value| self.put_beyond(key, value))?,
            };
            let bytes = value.len() as u64;
            Ok((value, bytes))
        };
        self.once::<Bytes, _>(key, making).await.map(|value| Bytes::clone(&value))
    }

    /// Forgets everything that was made of an artefact: its bytes are not what they were, who knows since when.
    pub async fn forget(&self, artefact_sha256: &str) {
        self.forget_those(|key, _| &*key.sha256 == artefact_sha256).await;
        if let Some(redis) = &self.0.redis {
            redis.forget(&prefix(artefact_sha256));
        }
    }

    /// Forgets the entries of memory whose [`CacheKey::name`] is wanted, and what is said of Redis (patterns with `*` and
    /// `?`). How many of memory, and of Redis where it answers and anything is said of it.
    pub async fn invalidate(&self, wanted: impl Fn(&str) -> bool, beyond: &[Beyond]) -> (u64, Option<u64>) {
        // First what memory would be filled from again.
        let mut of_redis = None;
        if let Some(redis) = &self.0.redis {
            for part in beyond {
                match redis.invalidate(&part.pattern()).await {
                    Some(removed) => of_redis = Some(of_redis.unwrap_or_default() + removed),
                    None => {
                        of_redis = None;
                        break;
                    }
                }
            }
        }
        (self.forget_those(|key, _| wanted(&key.name())).await, of_redis)
    }

    async fn forget_those(&self, which: impl Fn(&CacheKey, &Entry) -> bool) -> u64 {
        let all = self.0.memory.iter();
        let keys: Vec<_> = all.filter(|(key, entry)| which(key, entry)).map(|(key, _)| key).collect();
        for key in &keys {
            self.0.memory.invalidate(&**key).await;
        }
        keys.len() as u64
    }

    /// Gives back what is too old, which otherwise waits for the next who asks; and, when nobody has asked for a while,
    /// what is large: it is soon made again. To be called every ten seconds or so.
    pub async fn tidy(&self) {
        let inner = &self.0;
        inner.memory.run_pending_tasks().await;
        let asked =
            [&inner.hits_memory, &inner.hits_redis, &inner.misses].map(|n| n.load(Ordering::Relaxed)).iter().sum();
        if inner.asked.swap(asked, Ordering::Relaxed) != asked {
            inner.quiet_turns.store(0, Ordering::Relaxed);
        } else if inner.quiet_turns.fetch_add(1, Ordering::Relaxed) == QUIET_TURNS {
            self.keep_what_is_small().await;
        }
    }

    async fn keep_what_is_small(&self) {
        let memory = &self.0.memory;
        self.forget_those(|_, entry| entry.bytes > SMALL_BYTES).await;
        memory.run_pending_tasks().await;
        if memory.weighted_size() > SMALL_BYTES_IN_ALL {
            memory.invalidate_all();
            memory.run_pending_tasks().await;
        }
    }

    /// Whether level 2 answers; none when there is none.
    #[must_use]
    pub fn redis_is_up(&self) -> Option<bool> {
        self.0.redis.as_ref().map(redis::Redis::is_up)
    }

    /// Counts since the start.
    pub async fn stats(&self) -> CacheStats {
        self.0.memory.run_pending_tasks().await;
        CacheStats {
            hits_memory: self.0.hits_memory.load(Ordering::Relaxed),
            hits_redis: self.0.hits_redis.load(Ordering::Relaxed),
            misses: self.0.misses.load(Ordering::Relaxed),
            misses_redis: self.0.misses_redis.load(Ordering::Relaxed),
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
mod tests;

//! Answers computed from immutable files.

use std::time::Duration;

use bytes::Bytes;

use crate::error::Result;

/// Two-level cache. Cheap to clone.
#[derive(Clone)]
pub struct Cache;

/// What an answer is kept under.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CacheKey(std::sync::Arc<str>);

impl CacheKey {
    /// A key from the sha256 of the artefact and the canonical request (with zone and all parameters).
    #[must_use]
    pub fn new(artefact_sha256: &str, request: &str) -> Self {
        Self(format!("hvac:1:{artefact_sha256}:{request}").into())
    }
}

/// Counts since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Answered by level 1.
    pub hits_memory: u64,
    /// Answered by level 2.
    pub hits_redis: u64,
    /// Computed.
    pub misses: u64,
    /// Failures of level 2.
    pub errors: u64,
    /// Answers in level 1.
    pub entries: u64,
    /// Bytes in level 1.
    pub bytes: u64,
    /// Whether level 2 answers; none when there is none.
    pub redis_up: Option<bool>,
}

impl Cache {
    /// A cache; `redis_url` adds the second level.
    ///
    /// # Errors
    /// `bad_setting` when `redis_url` cannot be read. An absent server is no error.
    pub fn new(max_bytes: u64, ttl: Duration, redis_url: Option<&str>) -> Result<Self> {
        let _ = (max_bytes, ttl, redis_url);
        Ok(Self)
    }

    /// The answer, if it is kept. Waits at most 30 ms for level 2.
    pub async fn get(&self, key: &CacheKey) -> Option<Bytes> {
        let _ = key;
        None
    }

    /// Keeps an answer; never waits.
    pub fn put(&self, key: &CacheKey, value: Bytes) {
        let _ = (key, value);
    }

    /// The answer that is kept, or the one that `compute` makes: at most once at a time for one key.
    ///
    /// # Errors
    /// That of `compute`.
    pub async fn get_or_compute<F, T>(&self, key: &CacheKey, compute: F) -> Result<Bytes>
    where
        F: FnOnce() -> T + Send,
        T: Future<Output = Result<Bytes>> + Send,
    {
        let _ = key;
        compute().await
    }

    /// Counts since the start.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        CacheStats::default()
    }
}

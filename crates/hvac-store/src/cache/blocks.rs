//! Unpacked rows of published files, so that whoever scrolls does not unpack the same pages for every screen.
//!
//! Keyed by content, so never stale. The least recently used go first: a scan must not be kept out by what was
//! popular before it. A block is unpacked once however many want it.

use std::sync::Arc;

use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use polars::prelude::DataFrame;

use crate::error::{Context, Error, Result};

/// The file's sha256 and the block's first row.
pub type BlockKey = (Arc<str>, u64);

/// The blocks that are kept: rows of all columns. Cheap to clone.
#[derive(Clone)]
pub struct Blocks {
    kept: Cache<BlockKey, Arc<DataFrame>>,
    max_bytes: u64,
}

impl Blocks {
    pub(super) fn new(max_bytes: u64) -> Self {
        let weigh = |_: &BlockKey, block: &Arc<DataFrame>| u32::try_from(block.estimated_size()).unwrap_or(u32::MAX);
        let kept = Cache::builder().eviction_policy(EvictionPolicy::lru()).time_to_idle(super::ROWS_IDLE);
        Self { kept: kept.max_capacity(max_bytes).weigher(weigh).build(), max_bytes }
    }

    pub(super) fn tidy(&self) {
        self.kept.run_pending_tasks();
    }

    /// Whether blocks of so many bytes are worth keeping: several have to fit.
    #[must_use]
    pub fn fits(&self, bytes: u64) -> bool {
        bytes.saturating_mul(4) <= self.max_bytes
    }

    /// The block that is kept, or the one that `unpack` makes on a blocking thread: once, however many want it.
    ///
    /// # Errors
    /// That of `unpack`, which is not kept.
    pub async fn get_or_unpack<F>(&self, key: BlockKey, unpack: F) -> Result<Arc<DataFrame>>
    where
        F: FnOnce() -> Result<DataFrame> + Send + 'static,
    {
        if let Some(block) = self.kept.get(&key) {
            return Ok(block);
        }
        let kept = self.kept.clone();
        let unpacking = tokio::task::spawn_blocking(move || kept.try_get_with(key, || unpack().map(Arc::new)));
        unpacking.await.internal("unpacking rows")?.map_err(|error: Arc<Error>| error.again())
    }

    /// Forgets everything that was unpacked from a file.
    pub(super) fn forget(&self, sha256: &str) {
        for (key, _) in self.kept.iter().filter(|(key, _)| &*key.0 == sha256) {
            self.kept.invalidate(&*key);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::atomic::{AtomicU32, Ordering};

    use polars::prelude::Column;

    use super::*;

    fn block(rows: usize) -> DataFrame {
        DataFrame::new(rows, vec![Column::new("x".into(), vec![0.0; rows])]).unwrap()
    }

    fn key(row: u64) -> BlockKey {
        ("aa".into(), row)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_who_want_one_block_unpack_it_once() {
        let blocks = Blocks::new(1 << 20);
        let unpacked = Arc::new(AtomicU32::new(0));
        let asking = (0..50).map(|_| {
            let (blocks, unpacked) = (blocks.clone(), unpacked.clone());
            tokio::spawn(async move {
                let unpack = move || {
                    unpacked.fetch_add(1, Ordering::SeqCst);
                    std::thread::sleep(std::time::Duration::from_millis(20));
                    Ok(block(10))
                };
                blocks.get_or_unpack(key(0), unpack).await.unwrap();
            })
        });
        for task in asking.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        assert_eq!(unpacked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_scan_stays_within_the_bound_and_keeps_what_it_has_just_seen() {
        let blocks = Blocks::new(100_000);
        for row in 0..50 {
            blocks.get_or_unpack(key(row), || Ok(block(1000))).await.unwrap();
            blocks.tidy();
            assert!(blocks.kept.contains_key(&key(row)), "block {row}");
        }
        assert!(blocks.kept.weighted_size() <= 100_000);
        assert!(blocks.kept.contains_key(&key(45)) && !blocks.kept.contains_key(&key(0)));
        assert!(blocks.fits(25_000) && !blocks.fits(25_001));
    }

    #[tokio::test]
    async fn a_failure_is_not_kept() {
        let blocks = Blocks::new(1 << 20);
        assert!(blocks.get_or_unpack(key(0), || Err(Error::internal("no"))).await.is_err());
        assert!(blocks.get_or_unpack(key(0), || Ok(block(1))).await.is_ok());
    }
}

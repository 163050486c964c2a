//! Unpacked rows of published files, so that whoever scrolls does not unpack the same pages for every screen.
//!
//! Keyed by content, so never stale. The least recently used go first: a scan must not be kept out by what was
//! popular before it. A block is unpacked once however many want it, and only as many at once as there are cores,
//! first come, first served: more would only make all of them late.
//!
//! Most columns have few values, again and again: their cells stay two bytes each, as places in a list of the texts
//! of those values, which all blocks of a row group share.

use std::sync::Arc;

use polars::prelude::{Column, DataFrame, DataType, StringChunked, TimeUnit};
use tokio::sync::Semaphore;

use super::flights::Flights;
use crate::error::{Context, Error, Result};
use hvac_frame::parquet_file::Stored;

/// The file's sha256 and the first row, of a block or of the row group of lists.
pub type BlockKey = (Arc<str>, u64);

/// A value as it is shown, of at most fifteen bytes, and in the last byte how many: copying all of it is a move.
pub type Word = [u8; 16];

/// The values of a row group, an entry a column: as they are shown, and behind them what is shown where there is none.
pub type Lists = Vec<Option<Arc<[Word]>>>;

/// Some rows of all columns of a frame.
#[derive(Debug)]
pub struct Block {
    /// In the frame's order, equally long.
    pub columns: Vec<Cells>,
}

/// The cells of a column.
#[derive(Debug)]
pub enum Cells {
    /// UTC ms.
    Times(Vec<i64>),
    /// NaN where there is no value.
    Numbers(Vec<f64>),
    /// Places in a list, none of them behind its end.
    Places(Vec<u16>, Arc<[Word]>),
    /// Texts.
    Texts(StringChunked),
}

impl Block {
    /// Of a stored frame: one `Datetime` axis, `Float64` and `String` columns.
    ///
    /// # Errors
    /// When a column has another type: then it is no frame of this program.
    pub fn of(frame: &DataFrame) -> Result<Self> {
        Ok(Self { columns: frame.columns().iter().map(Cells::of).collect::<Result<_>>()? })
    }

    /// Of columns as they are stored, and the lists of their row group.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn of_stored(stored: Vec<Stored>, lists: &Lists) -> Result<Self> {
        let cells = |(stored, list): (Stored, &Option<Arc<[Word]>>)| match (stored, list) {
            (Stored::Places(places), Some(list)) => Ok(Cells::Places(places, Arc::clone(list))),
            (Stored::Column(column), _) => Cells::of(&column),
            (Stored::Places(_), None) => Err(Error::internal("places in a list that there is not")),
        };
        Ok(Self { columns: stored.into_iter().zip(lists).map(cells).collect::<Result<_>>()? })
    }

    fn bytes(&self) -> usize {
        let of = |cells: &Cells| match cells {
            Cells::Times(times) => times.len() * size_of::<i64>(),
            Cells::Numbers(numbers) => numbers.len() * size_of::<f64>(),
            // A list is counted with each block that has it: the last of them may outlive the list's own place.
            Cells::Places(places, list) => places.len() * size_of::<u16>() + list.len() * size_of::<Word>(),
            // A view each, and what does not fit into it.
            Cells::Texts(texts) => texts.len() * 16 + texts.iter().flatten().map(str::len).sum::<usize>(),
        };
        self.columns.iter().map(of).sum()
    }
}

impl Cells {
    fn of(column: &Column) -> Result<Self> {
        let doing = || format!("reading column {}", column.name());
        let series = column.as_materialized_series().rechunk();
        match series.dtype() {
            DataType::Float64 => {
                let numbers = series.f64().internal(&doing())?;
                let mut cells = Vec::with_capacity(numbers.len());
                for chunk in numbers.downcast_iter() {
                    let start = cells.len();
                    cells.extend_from_slice(chunk.values());
                    let Some(nulls) = chunk.validity().map(|valid| !valid) else { continue };
                    for at in nulls.true_idx_iter() {
                        if let Some(cell) = cells.get_mut(start + at) {
                            *cell = f64::NAN;
                        }
                    }
                }
                Ok(Self::Numbers(cells))
            }
            DataType::String => Ok(Self::Texts(series.str().internal(&doing())?.clone())),
            DataType::Datetime(TimeUnit::Milliseconds, _) => {
                let times = series.datetime().internal(&doing())?.physical().iter();
                Ok(Self::Times(times.map(|at| at.unwrap_or(i64::MIN)).collect()))
            }
            other => Err(Error::internal(format!("column {} has the type {other}", column.name()))),
        }
    }
}

/// The blocks that are kept. Cheap to clone.
#[derive(Clone)]
pub struct Blocks(Arc<Inner>);

struct Inner {
    kept: moka::sync::Cache<BlockKey, Arc<Block>>,
    lists: moka::sync::Cache<BlockKey, Arc<Lists>>,
    flights: Flights<BlockKey>,
    turns: Arc<Semaphore>,
    max_bytes: u64,
}

impl Blocks {
    pub(super) fn new(max_bytes: u64) -> Self {
        let weigh = |_: &BlockKey, block: &Arc<Block>| u32::try_from(block.bytes()).unwrap_or(u32::MAX);
        let lists_bytes = max_bytes / 4;
        let max_bytes = max_bytes - lists_bytes;
        let lru = moka::policy::EvictionPolicy::lru;
        let kept = moka::sync::Cache::builder().eviction_policy(lru()).time_to_idle(super::ROWS_IDLE);
        let kept = kept.max_capacity(max_bytes).weigher(weigh).build();
        let weigh = |_: &BlockKey, lists: &Arc<Lists>| {
            let words = lists.iter().flatten().map(|list| list.len()).sum::<usize>();
            u32::try_from(words * size_of::<Word>()).unwrap_or(u32::MAX)
        };
        let lists = moka::sync::Cache::builder().eviction_policy(lru()).time_to_idle(super::ROWS_IDLE);
        let lists = lists.max_capacity(lists_bytes).weigher(weigh).build();
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let (flights, turns) = (Flights::default(), Arc::new(Semaphore::new(cores)));
        Self(Arc::new(Inner { kept, lists, flights, turns, max_bytes }))
    }

    pub(super) fn tidy(&self) {
        self.0.kept.run_pending_tasks();
        self.0.lists.run_pending_tasks();
    }

    /// Whether blocks of so many bytes are worth keeping: several have to fit.
    #[must_use]
    pub fn fits(&self, bytes: u64) -> bool {
        bytes.saturating_mul(4) <= self.0.max_bytes
    }

    /// The block that is kept, or the one that `unpack` makes on a blocking thread: once, however many want it.
    ///
    /// # Errors
    /// That of `unpack`, which is not kept.
    pub async fn get_or_unpack<F>(&self, key: &BlockKey, unpack: F) -> Result<Arc<Block>>
    where
        F: FnOnce() -> Result<Block> + Send + 'static,
    {
        if let Some(block) = self.0.kept.get(key) {
            return Ok(block);
        }
        let flight = self.0.flights.join(key);
        let _turn = flight.turn.lock().await;
        if let Some(block) = self.0.kept.get(key) {
            return Ok(block);
        }
        let place = Arc::clone(&self.0.turns).acquire_owned().await.internal("waiting to unpack rows")?;
        let (inner, key) = (Arc::clone(&self.0), key.clone());
        let unpacking = tokio::task::spawn_blocking(move || {
            let block = Arc::new(unpack()?);
            inner.kept.insert(key, Arc::clone(&block));
            drop(place);
            Ok(block)
        });
        unpacking.await.internal("unpacking rows")?
    }

    /// Words of a row group's lists at most: those of several groups have to fit.
    #[must_use]
    pub fn most_words(&self) -> usize {
        let bytes = self.0.lists.policy().max_capacity().unwrap_or_default() / 4;
        usize::try_from(bytes).unwrap_or(usize::MAX) / size_of::<Word>()
    }

    /// The lists that are kept, or those that `make` makes: once, however many want them. Blocks.
    pub fn get_or_list(&self, key: BlockKey, make: impl FnOnce() -> Lists) -> Arc<Lists> {
        self.0.lists.get_with(key, || Arc::new(make()))
    }

    /// Forgets everything that was unpacked from a file.
    pub(super) fn forget(&self, sha256: &str) {
        for (key, _) in self.0.kept.iter().filter(|(key, _)| &*key.0 == sha256) {
            self.0.kept.invalidate(&*key);
        }
        for (key, _) in self.0.lists.iter().filter(|(key, _)| &*key.0 == sha256) {
            self.0.lists.invalidate(&*key);
        }
    }

    /// Whether it is kept.
    #[must_use]
    pub fn has(&self, key: &BlockKey) -> bool {
        self.0.kept.contains_key(key)
    }

    /// Whether it is kept or will be in a moment.
    #[must_use]
    pub fn expects(&self, key: &BlockKey) -> bool {
        self.has(key) || self.0.flights.has(key)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn block(rows: usize) -> Block {
        Block { columns: vec![Cells::Numbers(vec![0.0; rows])] }
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
                blocks.get_or_unpack(&key(0), unpack).await.unwrap();
            })
        });
        for task in asking.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        assert_eq!(unpacked.load(Ordering::SeqCst), 1);
        assert!(blocks.has(&key(0)) && !blocks.expects(&key(1)));
    }

    #[tokio::test]
    async fn a_scan_stays_within_the_bound_and_keeps_what_it_has_just_seen() {
        // A quarter is for lists.
        let blocks = Blocks::new(133_333);
        for row in 0..50 {
            blocks.get_or_unpack(&key(row), || Ok(block(1000))).await.unwrap();
            blocks.0.kept.run_pending_tasks();
            assert!(blocks.has(&key(row)), "block {row}");
        }
        assert!(blocks.0.kept.weighted_size() <= 100_000);
        assert!(blocks.has(&key(45)) && !blocks.has(&key(0)));
        assert!(blocks.fits(25_000) && !blocks.fits(25_001));
    }

    #[tokio::test]
    async fn a_failure_is_not_kept() {
        let blocks = Blocks::new(1 << 20);
        assert!(blocks.get_or_unpack(&key(0), || Err(Error::internal("no"))).await.is_err());
        assert!(blocks.get_or_unpack(&key(0), || Ok(block(1))).await.is_ok());
    }

    #[test]
    fn nulls_are_no_numbers_and_other_types_are_refused() {
        let frame = DataFrame::new(2, vec![Column::new("x".into(), [Some(1.5), None])]).unwrap();
        let cells = Block::of(&frame).unwrap();
        assert!(
            matches!(cells.columns.as_slice(), [Cells::Numbers(x)] if matches!(x.as_slice(), [1.5, none] if none.is_nan()))
        );
        assert_eq!(cells.bytes(), 16);
        let list: Arc<[Word]> = [[0; 16]; 3].into();
        assert_eq!(Block { columns: vec![Cells::Places(vec![0, 2], list)] }.bytes(), 4 + 48);
        let odd = DataFrame::new(1, vec![Column::new("x".into(), [1_i32])]).unwrap();
        assert!(Block::of(&odd).is_err());
    }
}

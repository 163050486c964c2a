//! Frames ⇄ Parquet, by way of the `parquet` crate: [`ParquetWriter`] and [`ParquetReader`].
//!
//! The file's shape: `timestamp` first, `Timestamp(ms, UTC)`, sorted, unique, never null; sensors Float64; states of
//! more than two values text. What a file says of itself (its key-value metadata) is its maker's business. No polars
//! `parquet` feature: it would cost ten minutes of building.

mod chunk;
mod decode;
mod dictionary;
mod encode;
mod error;
mod events;
mod page_header;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use events::{QualityEvent, read_events, write_events};
pub use read::{Footer, ParquetReader};
pub use write::ParquetWriter;

/// The newest format of files that is read. A file of the first one does not say so.
const FORMAT_VERSION: u32 = 1;
/// Rows of a full row group; a time range touches few of them.
pub const ROW_GROUP_ROWS: usize = 65_536;
/// Cells of a row group at most, so that thousands of columns do not grow the memory; 512 columns fill one.
pub const ROW_GROUP_CELLS: usize = 512 * ROW_GROUP_ROWS;
/// zstd level: 1 is 5 % bigger, 6 twice as slow.
const ZSTD_LEVEL: i32 = 3;
/// Rows of a page, and so what a preview has to unpack.
const PAGE_ROWS: usize = 4096;
/// Which encodings a file may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encodings {
    /// BYTE_STREAM_SPLIT too, for columns of numbers that it makes at least 5 % smaller.
    #[default]
    All,
    /// None that Spark before 4 and fastparquet cannot read.
    Plain,
}

/// What a column's cells are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Readings, counters, two-valued states.
    Float64,
    /// States of more than two values, free text.
    Text,
}

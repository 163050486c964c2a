//! Reading: all of a file, some columns, some rows, a range of time, or batch by batch.

use std::ops::Range;

use arrow_array::RecordBatch;
use bytes::Bytes;
use polars::prelude::DataFrame;

use crate::error::Result;

/// A file's parsed footer. Cheap to clone, so it can be kept for a file that is read again.
#[derive(Clone)]
pub struct Footer;

impl Footer {
    /// Parses the footer (with its page index).
    ///
    /// # Errors
    /// `file_damaged` when the bytes are no Parquet file.
    pub fn parse(bytes: &Bytes) -> Result<Self> {
        let _ = bytes;
        todo!()
    }

    /// Rows of the file.
    #[must_use]
    pub fn row_count(&self) -> u64 {
        todo!()
    }

    /// Names of all columns, `timestamp` first.
    pub fn column_names(&self) -> impl Iterator<Item = &str> {
        std::iter::empty()
    }

    /// The value of a key (`KEY_…`), if the file has it.
    #[must_use]
    pub fn key_value(&self, key: &str) -> Option<&str> {
        let _ = key;
        todo!()
    }

    /// Bytes it takes in memory, for a cache's bound.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        todo!()
    }
}

/// Reads one file. Everything here blocks and uses all cores: call it in `spawn_blocking`.
///
/// `columns` names the columns wanted, in the order wanted (`timestamp` only when it is named); none means all.
pub struct FrameReader {
    bytes: Bytes,
    footer: Footer,
}

impl FrameReader {
    /// Opens a file from its bytes ([`super::super::objects::ObjectBytes::to_bytes`]).
    ///
    /// # Errors
    /// `file_damaged` when the bytes are no Parquet file.
    pub fn open(bytes: Bytes) -> Result<Self> {
        let footer = Footer::parse(&bytes)?;
        Ok(Self { bytes, footer })
    }

    /// Opens a file whose footer is known.
    #[must_use]
    pub fn with_footer(bytes: Bytes, footer: Footer) -> Self {
        Self { bytes, footer }
    }

    /// The footer.
    #[must_use]
    pub fn footer(&self) -> &Footer {
        &self.footer
    }

    /// All rows.
    ///
    /// # Errors
    /// `file_damaged`; internal for a column that is not there.
    pub fn read(&self, columns: Option<&[String]>) -> Result<DataFrame> {
        self.read_rows(columns, 0, self.footer.row_count())
    }

    /// Up to `rows` rows from `offset` on; only their pages are read.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_rows(&self, columns: Option<&[String]>, offset: u64, rows: u64) -> Result<DataFrame> {
        let _ = (&self.bytes, columns, offset, rows);
        todo!()
    }

    /// Which rows have a time in `from_ms..to_ms` (UTC, ms since 1970).
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn rows_between(&self, from_ms: i64, to_ms: i64) -> Result<Range<u64>> {
        let _ = (from_ms, to_ms);
        todo!()
    }

    /// The rows with a time in `from_ms..to_ms` (UTC, ms since 1970).
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_between(&self, columns: Option<&[String]>, from_ms: i64, to_ms: i64) -> Result<DataFrame> {
        let rows = self.rows_between(from_ms, to_ms)?;
        self.read_rows(columns, rows.start, rows.end.saturating_sub(rows.start))
    }

    /// All rows in batches of at most 8 192, for exports in bounded memory.
    ///
    /// # Errors
    /// As [`Self::read`]; each batch may fail by itself.
    pub fn batches(
        &self,
        columns: Option<&[String]>,
    ) -> Result<impl Iterator<Item = Result<RecordBatch>> + Send + 'static> {
        let _ = columns;
        Ok(std::iter::empty())
    }
}

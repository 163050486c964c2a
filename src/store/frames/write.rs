//! Writing: windows of a frame → row groups.

use std::io::Write;

use polars::prelude::DataFrame;

use super::ColumnType;
use crate::error::Result;

/// Writes windows of a frame, in time order, as one Parquet file.
pub struct FrameWriter<W: Write + Send> {
    sink: W,
}

impl<W: Write + Send> FrameWriter<W> {
    /// A writer of `timestamp` and the columns of `schema`, in that order.
    ///
    /// # Errors
    /// When the columns cannot make a file (two of one name).
    pub fn new(sink: W, schema: &[(String, ColumnType)]) -> Result<Self> {
        let _ = schema;
        Ok(Self { sink })
    }

    /// Appends a window: `timestamp` (Datetime, ms) and every column of the schema, by name, in any order.
    ///
    /// # Errors
    /// `disk_full` and other failures of the sink; internal when a column is missing or of another type.
    pub fn write_window(&mut self, window: &DataFrame) -> Result<()> {
        let _ = window;
        todo!()
    }

    /// Rows written so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        0
    }

    /// Ends the file with its key-value metadata; answers the sink and the number of rows.
    ///
    /// # Errors
    /// Failures of the sink.
    pub fn finish(self, key_values: Vec<(String, String)>) -> Result<(W, u64)> {
        let _ = key_values;
        Ok((self.sink, 0))
    }
}

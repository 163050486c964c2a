//! A stored frame, opened: its columns read one by one. What cannot be read is hashed on the spot, so that it is damaged
//! for all who ask.

use std::ops::Range;

use arrow_array::RecordBatch;
use polars::prelude::{Column, DataFrame, StringChunked};

use super::names::TIMESTAMP;
use super::resolved::{Resolved, unusable};
use crate::error::{Context, Result};
use crate::state::AppState;
use hvac_frame::error::FrameError;
use hvac_frame::parquet_file::ParquetReader;
use hvac_store::integrity::StoredFile;

/// A stored frame whose columns can be read. Everything here blocks.
pub struct Frame {
    reader: ParquetReader,
    /// Rows.
    pub row_count: u64,
    state: AppState,
    file: StoredFile,
}

impl Frame {
    /// Opens a settled frame.
    ///
    /// # Errors
    /// 409 when its file is not what it was by now.
    pub fn open(state: &AppState, dataset: &Resolved) -> Result<Self> {
        let file = dataset.file();
        let bytes = match state.store.objects.open_unchanged(&file.path, dataset.stamp) {
            Ok(Some(bytes)) => bytes,
            // Gone, another, or only touched.
            _ => match state.store.open_verified(&file)? {
                Ok(bytes) => bytes,
                Err(integrity) => return Err(unusable(&dataset.label, integrity)),
            },
        };
        let reader = ParquetReader::with_footer(bytes.to_bytes(), dataset.known.footer.clone());
        Ok(Self { row_count: reader.footer().row_count(), reader, state: state.clone(), file })
    }

    /// What was read; bytes that cannot be are looked at by their hash, so that all know.
    fn told<T>(&self, read: Result<T, FrameError>) -> Result<T> {
        if let Err(FrameError::Damaged(_)) = &read
            && let Err(error) = self.state.store.suspect(&self.file)
        {
            tracing::warn!(%error, path = self.file.path, "a file that could not be read could not be looked at");
        }
        Ok(read?)
    }

    /// Some rows of all columns, on one core: rows that are unpacked together.
    ///
    /// # Errors
    /// 409 when the file is damaged.
    pub fn block(&self, rows: Range<u64>) -> Result<DataFrame> {
        self.told(self.reader.read_rows(None, rows.start, rows.end.saturating_sub(rows.start)))
    }

    /// Some columns of some rows.
    ///
    /// # Errors
    /// 409 when the file is damaged.
    pub fn cells(&self, columns: &[String], rows: Range<u64>) -> Result<DataFrame> {
        self.told(self.reader.read_rows(Some(columns), rows.start, rows.end.saturating_sub(rows.start)))
    }

    /// Rows with a time from `from_ms` on and before `to_ms` (UTC); none means no bound.
    ///
    /// # Errors
    /// 409 when the file is damaged.
    pub fn rows_between(&self, from_ms: Option<i64>, to_ms: Option<i64>) -> Result<Range<u64>> {
        match (from_ms, to_ms) {
            (None, None) => Ok(0..self.row_count),
            (from, to) => self.told(self.reader.rows_between(from.unwrap_or(i64::MIN), to.unwrap_or(i64::MAX))),
        }
    }

    /// Some of the time axis, UTC ms, ascending.
    ///
    /// # Errors
    /// 409 when the file is damaged.
    pub fn axis(&self, rows: Range<u64>) -> Result<Vec<i64>> {
        let column = self.column(TIMESTAMP, rows)?;
        let times = column.datetime().internal("reading the time axis")?;
        Ok(times.physical().iter().flatten().collect())
    }

    /// All cells of a column of numbers.
    ///
    /// # Errors
    /// 409 when the file is damaged.
    pub fn numbers(&self, name: &str) -> Result<Vec<Option<f64>>> {
        self.numbers_of(name, 0..self.row_count)
    }

    /// Some cells of a column of numbers.
    ///
    /// # Errors
    /// 409 when the file is damaged.
    pub fn numbers_of(&self, name: &str, rows: Range<u64>) -> Result<Vec<Option<f64>>> {
        let column = self.column(name, rows)?;
        let numbers = column.f64().internal("reading a column of numbers")?;
        Ok(numbers.iter().map(|number| number.filter(|n| n.is_finite())).collect())
    }

    /// All cells of a column of texts.
    ///
    /// # Errors
    /// 409 when the file is damaged.
    pub fn texts(&self, name: &str) -> Result<StringChunked> {
        let column = self.column(name, 0..self.row_count)?;
        Ok(column.str().internal("reading a column of texts")?.clone())
    }

    /// What the file says of itself: keys and values.
    pub fn key_values(&self) -> Vec<(String, String)> {
        self.reader.footer().key_values().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    /// Names of all columns, `timestamp` first.
    pub fn column_names(&self) -> impl Iterator<Item = &str> {
        self.reader.footer().column_names()
    }

    /// All rows and columns, batch by batch.
    ///
    /// # Errors
    /// 409 when the file is damaged.
    pub fn batches(&self) -> Result<impl Iterator<Item = Result<RecordBatch>> + Send> {
        let batches = self.told(self.reader.batches(None))?;
        Ok(batches.map(|batch| self.told(batch)))
    }

    fn column(&self, name: &str, rows: Range<u64>) -> Result<Column> {
        let frame = self.cells(&[name.to_owned()], rows)?;
        frame.column(name).cloned().internal("reading a column")
    }
}

/// Whether the file is still what it was: for answers that are made of what is kept of it, and for its bytes.
///
/// # Errors
/// 409 when it is not by now.
pub async fn look(state: &AppState, dataset: &Resolved) -> Result<()> {
    match state.store.objects.stamp(&dataset.path) {
        Ok(stamp) if stamp == dataset.stamp => return Ok(()),
        _ => {}
    }
    match state.store.verify(&dataset.file()).await? {
        Ok(_) => Ok(()),
        Err(integrity) => Err(unusable(&dataset.label, integrity)),
    }
}

/// Has the next request hash the file again.
pub fn forget(state: &AppState, dataset: &Resolved) {
    state.store.objects.forget(&dataset.path);
    state.store.db.touch();
}

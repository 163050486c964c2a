//! A stored frame, opened: checked against the catalogue, its footer kept, its columns read one by one.
//!
//! Published files never change, so a file's hash is verified when this process first opens it, and again when it looks
//! otherwise (`store::verified`); what its footer says is kept by content, so nothing there can be stale. What cannot be
//! read is hashed on the spot, so that it is damaged for all who ask.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;
use polars::prelude::{Column, DataFrame, StringChunked};

use super::answer::blocking;
use super::names::TIMESTAMP;
use super::store::VersionRow;
use super::version::{Resolved, unusable};
use crate::error::{Context, Error, Result, codes};
use crate::state::AppState;
use hvac_frame::column::ColumnMeta;
use hvac_frame::error::FrameError;
use hvac_frame::parquet_file::{Footer, ParquetReader};
use hvac_store::cache::{CacheKey, Kind};
use hvac_store::entity::Integrity;
use hvac_store::frames::KEY_COLUMNS;
use hvac_store::integrity::{Root, StoredFile};
use hvac_store::objects;
use hvac_store::verified::FileStamp;

/// What a file's footer says.
#[derive(Debug)]
pub struct Known {
    /// Of the file.
    pub sha256: Arc<str>,
    footer: Footer,
    /// Everything but `timestamp`, in the file's order.
    pub columns: Arc<Vec<ColumnMeta>>,
}

impl Known {
    /// Rows of the file.
    #[must_use]
    pub fn row_count(&self) -> u64 {
        self.footer.row_count()
    }

    /// What the file says under that key.
    #[must_use]
    pub fn says(&self, key: &str) -> Option<&str> {
        self.footer.key_value(key)
    }

    /// The rows that are unpacked together with `row`; empty for one that is not there.
    #[must_use]
    pub fn block(&self, row: u64) -> Range<u64> {
        self.footer.block(row)
    }
}

/// The file of a version.
pub fn file_of(row: &VersionRow) -> StoredFile {
    StoredFile {
        root: Root::Sessions,
        path: row.path.clone(),
        sha256: row.sha256.clone(),
        size_bytes: row.size_bytes.unsigned_abs(),
    }
}

impl Resolved {
    fn file(&self) -> StoredFile {
        StoredFile {
            root: Root::Sessions,
            path: self.path.clone(),
            sha256: self.sha256.clone(),
            size_bytes: self.size_bytes,
        }
    }
}

/// What a published file holds and what it looks like, or what is wrong with it; then it is marked.
///
/// # Errors
/// When it cannot be read at all.
pub async fn open(
    state: &AppState,
    row: &VersionRow,
) -> Result<std::result::Result<(Arc<Known>, FileStamp), Integrity>> {
    let stamp = match state.store.verify(&file_of(row)).await? {
        Ok(stamp) => stamp,
        Err(integrity) => return Ok(Err(integrity)),
    };
    match known(state, &row.path, &row.sha256).await {
        Err(error) if error.code == codes::FILE_MISSING => Ok(Err(Integrity::Missing)),
        Err(error) if error.code == codes::FILE_DAMAGED => Ok(Err(Integrity::Damaged)),
        other => Ok(Ok((other?, stamp))),
    }
}

async fn known(state: &AppState, path: &str, sha256: &str) -> Result<Arc<Known>> {
    let (objects, path, sha256) = (state.store.objects.clone(), path.to_owned(), Arc::<str>::from(sha256));
    let key = CacheKey::new(Kind::Footer, Arc::clone(&sha256), "");
    let parsing = blocking(move || {
        let known = parse(sha256, Footer::parse(&objects.open_bytes(&path)?.to_bytes())?)?;
        let bytes = 2 * known.footer.memory_bytes() as u64;
        Ok((known, bytes))
    });
    state.store.cache.get_or_make(&key, parsing).await
}

fn parse(sha256: Arc<str>, footer: Footer) -> Result<Known> {
    let columns: Vec<ColumnMeta> =
        footer.key_value(KEY_COLUMNS).and_then(|json| serde_json::from_str(json).ok()).ok_or_else(|| {
            Error::internal("a stored file does not describe its columns").with_source(objects::damaged())
        })?;
    Ok(Known { sha256, footer, columns: Arc::new(columns) })
}

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

//! How much is stored, by the catalogue: sums over its rows, looked up seldom.
//!
//! A catalogue of two million raw files takes a second to add up, so the figures are kept for [`HOLDS`], and for [`SHARE`]
//! times as long as they took, whoever asks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sea_orm::{DbBackend, FromQueryResult, Statement};
use tokio::sync::Mutex;

use super::Store;
use crate::error::{Context, Error, Result};

/// How long figures are good.
const HOLDS: Duration = Duration::from_secs(60);
/// How much longer than it took to look them up.
const SHARE: u32 = 50;

/// The members of an archive are rows that name its file, and its size, each.
const LOOK_UP: &str = "SELECT \
    (SELECT count(*) FROM upload_sessions WHERE deleted_at IS NULL) AS sessions, \
    (SELECT sum(size_bytes) FROM source_files WHERE archive_member IS NULL) AS files, \
    (SELECT sum(size_bytes) FROM (SELECT DISTINCT path, size_bytes FROM source_files WHERE archive_member IS NOT NULL)) \
        AS archives, \
    (SELECT sum(size_bytes) FROM parsed_datasets) AS parsed, \
    (SELECT sum(size_bytes) + coalesce(sum(events_size_bytes), 0) FROM cleaning_jobs WHERE status = 'completed') AS cleaned, \
    (SELECT sum(size_bytes) FROM trained_models WHERE status = 'completed') AS models";

#[derive(FromQueryResult)]
struct Row {
    sessions: i64,
    files: Option<i64>,
    archives: Option<i64>,
    parsed: Option<i64>,
    cleaned: Option<i64>,
    models: Option<i64>,
}

/// Sessions, and bytes of published files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Sessions that are not deleted.
    pub sessions: u64,
    /// Uploaded reports.
    pub raw_bytes: u64,
    /// Parsed versions.
    pub parsed_bytes: u64,
    /// Cleaned versions with their quality events.
    pub cleaned_bytes: u64,
    /// Model files.
    pub model_bytes: u64,
}

impl Sizes {
    /// Of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.raw_bytes + self.parsed_bytes + self.cleaned_bytes + self.model_bytes
    }
}

/// The figures that were looked up last, and until when they are good.
pub(super) type KeptSizes = Arc<Mutex<Option<(Instant, Sizes)>>>;

impl Store {
    /// How much is stored, as it was a minute ago at most.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn sizes(&self) -> Result<Sizes> {
        let mut kept = self.sizes.lock().await;
        let begun = Instant::now();
        if let Some((until, sizes)) = &*kept
            && begun < *until
        {
            return Ok(*sizes);
        }
        let statement = Statement::from_string(DbBackend::Sqlite, LOOK_UP);
        let row = Row::find_by_statement(statement).one(self.db.read()).await.internal("adding up what is stored")?;
        let row = row.ok_or_else(|| Error::internal("a sum gave no row"))?;
        let bytes = |sum: Option<i64>| sum.unwrap_or_default().unsigned_abs();
        let sizes = Sizes {
            sessions: row.sessions.unsigned_abs(),
            raw_bytes: bytes(row.files) + bytes(row.archives),
            parsed_bytes: bytes(row.parsed),
            cleaned_bytes: bytes(row.cleaned),
            model_bytes: bytes(row.models),
        };
        *kept = Some((Instant::now() + HOLDS.max(begun.elapsed() * SHARE), sizes));
        Ok(sizes)
    }
}

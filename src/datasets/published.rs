//! A published file as its footer tells it: checked against the catalogue, its footer kept.
//!
//! Published files never change, so a file's hash is verified when this process first opens it, and again when it looks
//! otherwise (`store::verified`); what its footer says is kept by content, so nothing there can be stale.

use std::ops::Range;
use std::sync::Arc;

use super::blocking::blocking;
use super::store::VersionRow;
use crate::error::{Error, Result, codes};
use crate::state::AppState;
use hvac_frame::column::ColumnMeta;
use hvac_frame::parquet_file::Footer;
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
    pub(super) footer: Footer,
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

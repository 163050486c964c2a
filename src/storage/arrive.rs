//! A file on its way in: streamed to where it will lie, hashed, and there at once or not at all.

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::files::{self, KeptFile, NEVER};
use super::{failed, path, sweep};
use crate::audit::{self, Act};
use crate::error::{Context, Error, Result, codes};
use crate::limits;
use crate::records::backend::Record;
use crate::records::sql;
use crate::state::AppState;
use crate::times::text_of;
use hvac_store::objects::hex;
use hvac_store::{crash, new_id, now};

/// Bytes of a part: an S3 server takes 10 000 of them, and none but the last that is much smaller.
pub const PART_BYTES: usize = 8 * 1024 * 1024;
/// Longest that a file may be kept before it is removed by itself, hours.
pub const MOST_HOURS: u32 = 10 * 366 * 24;

/// A file that arrives. Dropped before [`Self::commit`] has done its work, it leaves nothing.
pub struct Arriving {
    state: AppState,
    id: String,
    name: String,
    content_type: Option<String>,
    begun_ms: i64,
    hasher: Sha256,
    size_bytes: u64,
    pending: Vec<Bytes>,
    pending_bytes: usize,
    upload: Option<Box<dyn MultipartUpload>>,
    is_stored: bool,
}

impl Arriving {
    /// Begins a file.
    ///
    /// # Errors
    /// 422 for a name that cannot be; when the database cannot be written.
    pub async fn begin(state: &AppState, name: &str, content_type: Option<&str>) -> Result<Self> {
        limits::path("name", name)?;
        if name.is_empty() {
            return Err(Error::invalid("name", codes::NO_FILE_NAME, "name: it is empty; give the file a name"));
        }
        let arriving = Self {
            state: state.clone(),
            id: new_id(),
            name: name.to_owned(),
            content_type: content_type.map(limits::to_name),
            begun_ms: now().timestamp_millis(),
            hasher: Sha256::new(),
            size_bytes: 0,
            pending: Vec::new(),
            pending_bytes: 0,
            upload: None,
            is_stored: false,
        };
        let row = arriving.row("arriving", NEVER.to_owned(), None);
        let txn = state.store.db.begin().await?;
        sql::write(&txn, &state.storage.files, &[row]).await.internal("noting a file that arrives")?;
        txn.commit().await?;
        crash::point("file.noted");
        Ok(arriving)
    }

    /// Takes all bytes in; memory does not grow with them.
    ///
    /// # Errors
    /// When the body breaks off, the file grows over `MAX_UPLOAD_BYTES`, or it cannot be written.
    pub async fn take<E>(&mut self, mut body: impl Stream<Item = Result<Bytes, E>> + Unpin + Send) -> Result<()>
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        let limit = self.state.config.max_upload_bytes;
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|source| {
                Error::new(codes::BODY_BROKE_OFF, "The upload broke off; nothing was stored.").with_source(source)
            })?;
            self.size_bytes += chunk.len() as u64;
            if self.size_bytes > limit {
                let message =
                    format!("The file has more than {limit} bytes; raise MAX_UPLOAD_BYTES or send a smaller one.");
                return Err(Error::new(codes::UPLOAD_TOO_LARGE, message));
            }
            self.hasher.update(&chunk);
            self.pending_bytes += chunk.len();
            self.pending.push(chunk);
            if self.pending_bytes >= PART_BYTES {
                self.pass_on().await?;
            }
        }
        Ok(())
    }

    async fn pass_on(&mut self) -> Result<()> {
        let (objects, place) = (&self.state.storage.objects, self.state.storage.place_of(&self.id));
        let upload = match &mut self.upload {
            Some(upload) => upload,
            none => none.insert(objects.put_multipart(&path(&place)?).await.map_err(failed("beginning a file"))?),
        };
        self.pending_bytes = 0;
        let part: PutPayload = std::mem::take(&mut self.pending).into_iter().collect();
        upload.put_part(part).await.map_err(failed("writing a file"))
    }

    /// Has it there: bytes first, then its row, then the answer.
    ///
    /// # Errors
    /// 422 for an end that cannot be; when it cannot be written.
    pub async fn commit(mut self, hours: Option<u32>) -> Result<KeptFile> {
        let ends_at = match hours {
            None => NEVER.to_owned(),
            Some(hours) if (1..=MOST_HOURS).contains(&hours) => {
                text_of(now().timestamp_millis() + i64::from(hours) * 3_600_000)
            }
            Some(hours) => {
                let message =
                    format!("expires_in_hours: {hours} is no time for a file; give 1…{MOST_HOURS}, or leave it out");
                return Err(Error::invalid("expires_in_hours", codes::OUT_OF_RANGE, message));
            }
        };
        let state = self.state.clone();
        let place = path(&state.storage.place_of(&self.id))?;
        if self.upload.is_some() {
            if self.pending_bytes > 0 {
                self.pass_on().await?;
            }
            if let Some(upload) = &mut self.upload {
                upload.complete().await.map_err(failed("completing a file"))?;
            }
            self.upload = None;
        } else {
            let all: PutPayload = std::mem::take(&mut self.pending).into_iter().collect();
            state.storage.objects.put(&place, all).await.map_err(failed("writing a file"))?;
        }
        let there = state.storage.objects.head(&place).await.map_err(failed("looking at a file"))?;
        if there.size != self.size_bytes {
            return Err(Error::internal(format!(
                "{} bytes were written, and {} are there",
                self.size_bytes, there.size
            )));
        }
        crash::point("file.written");
        let sha256 = hex(&self.hasher.finalize_reset());
        let row = self.row("stored", ends_at, Some(sha256));
        let txn = state.store.db.begin().await?;
        let written = sql::write(&txn, &state.storage.files, std::slice::from_ref(&row)).await;
        if written.internal("storing a file's row")? == 0 {
            return Err(Error::internal("a file's row is later than the file"));
        }
        let act = Act::on("file.upload", "file", &self.id).with(json!({"size_bytes": self.size_bytes}));
        audit::note(&txn, state.principal(), act).await?;
        txn.commit().await?;
        self.is_stored = true;
        crash::point("file.stored");
        files::told(&row)
    }

    fn row(&self, word: &str, ends_at: String, sha256: Option<String>) -> Record {
        let mut fields = Map::new();
        let mut set = |name: &str, value: Value| {
            if !value.is_null() {
                fields.insert(name.to_owned(), value);
            }
        };
        let principal = self.state.principal();
        set("name", self.name.clone().into());
        set("content_type", self.content_type.clone().into());
        set("size_bytes", sha256.is_some().then_some(self.size_bytes).into());
        set("sha256", sha256.into());
        set("state", word.into());
        set("ends_at", ends_at.into());
        set("uploaded_by", principal.account_id().map(|_| principal.name().to_owned()).into());
        set("place", self.state.storage.place_of(&self.id).into());
        let updated_at_ms = now().timestamp_millis().max(self.begun_ms);
        Record { key: self.id.clone(), created_at_ms: self.begun_ms, updated_at_ms, fields }
    }
}

/// What was begun goes, as soon as may be; what of it is left when the process ends is swept.
impl Drop for Arriving {
    fn drop(&mut self) {
        let (false, Ok(runtime)) = (self.is_stored, tokio::runtime::Handle::try_current()) else { return };
        let row = self.row("leaving", NEVER.to_owned(), None);
        let (state, upload) = (self.state.clone(), self.upload.take());
        runtime.spawn(async move {
            if let Some(mut upload) = upload {
                let _ = upload.abort().await;
            }
            if let Err(error) = sweep::removed(&state, &row).await {
                tracing::warn!(%error, "what a file left that never arrived is removed later");
            }
        });
    }
}

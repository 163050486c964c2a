//! Upload: bytes stream into staging, and become a session at once or not at all.

use bytes::Bytes;
use futures_util::Stream;

use super::Uploaded;
use crate::error::Result;
use crate::state::AppState;

/// An upload under way. Dropped without [`commit`](Self::commit), it leaves nothing.
pub struct Upload {
    _state: AppState,
}

/// What the user says of the session.
#[derive(Debug, Clone, Default)]
pub struct UploadFields {
    /// Name for people; made from the files' names when left out.
    pub name: Option<String>,
    /// Site.
    pub site: Option<String>,
    /// IANA zone.
    pub timezone: Option<String>,
}

impl Upload {
    /// Begins an upload.
    ///
    /// # Errors
    /// When the store has no space left.
    pub async fn begin(state: &AppState) -> Result<Self> {
        Ok(Self { _state: state.clone() })
    }

    /// Streams one file to staging; memory does not grow with it.
    ///
    /// # Errors
    /// When the body breaks off, the upload grows over `MAX_UPLOAD_BYTES`, or the disk is full.
    pub async fn add_file<E>(
        &mut self,
        file_name: &str,
        body: impl Stream<Item = Result<Bytes, E>> + Unpin + Send,
    ) -> Result<()>
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        let _ = (file_name, body);
        todo!()
    }

    /// Publishes the files and makes the session.
    ///
    /// # Errors
    /// When there is no file, or the zone is unknown.
    pub async fn commit(self, fields: UploadFields) -> Result<Uploaded> {
        let _ = fields;
        todo!()
    }
}

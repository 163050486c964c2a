//! Multipart forms with files, as every route reads them that takes one: piece by piece, and to their end also when they are
//! refused.

use std::io;
use std::time::Duration;

use axum::extract::multipart::{Field, Multipart, MultipartError, MultipartRejection};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use super::answer::header_text;
use crate::config::Config;
use crate::error::{Error, Result, codes};

/// Longest text of a field that is no file.
const LONGEST_TEXT_BYTES: usize = 4096;
/// What multipart framing may add to the files before `Content-Length` alone proves an upload too long.
const FRAMING_BYTES: u64 = 1024 * 1024;
/// What one upload holds in memory while it is received.
pub(super) const HELD_BYTES: u64 = 3 * 1024 * 1024;
/// How long a refused upload is still read, so that the client gets to read the answer.
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// The form of a request; `example` is what curl would send.
pub(super) fn opened(form: std::result::Result<Multipart, MultipartRejection>, example: &str) -> Result<Multipart> {
    form.map_err(|rejection| {
        let message = format!("This route reads a multipart form: curl -F {example} does it.");
        Error::new(codes::NOT_MULTIPART, message).with_source(rejection)
    })
}

/// Refuses what says of itself that it is longer than an upload may be.
pub(super) fn check_length(headers: &HeaderMap, config: &Config, way_out: &str) -> Result<()> {
    let limit = config.max_upload_bytes;
    let announced = header_text(headers, header::CONTENT_LENGTH).and_then(|text| text.parse::<u64>().ok());
    match announced.filter(|length| *length > limit.saturating_add(FRAMING_BYTES)) {
        None => Ok(()),
        Some(length) => {
            let message =
                format!("The upload has {length} bytes, {limit} are allowed; raise MAX_UPLOAD_BYTES or {way_out}.");
            Err(Error::new(codes::UPLOAD_TOO_LARGE, message))
        }
    }
}

/// The chunks of one file.
pub(super) fn chunks(field: Field<'_>) -> impl Stream<Item = io::Result<Bytes>> + Send {
    field.map(|chunk| chunk.map_err(|error| io::Error::new(io::ErrorKind::UnexpectedEof, error)))
}

/// A short text; none when it is blank.
pub(super) async fn text(field: Field<'_>, name: &str) -> Result<Option<String>> {
    let mut bytes = Vec::new();
    let mut chunks = Box::pin(chunks(field));
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|source| {
            Error::new(codes::BODY_BROKE_OFF, "The upload broke off; nothing was stored.").with_source(source)
        })?;
        bytes.extend_from_slice(&chunk);
        if bytes.len() > LONGEST_TEXT_BYTES {
            let message = format!("{name}: longer than {LONGEST_TEXT_BYTES} bytes");
            return Err(Error::invalid(name, codes::TEXT_TOO_LONG, message));
        }
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| Error::invalid(name, codes::NOT_UTF8, format!("{name}: no UTF-8 text")))?;
    Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
}

pub(super) fn broken_form(error: MultipartError) -> Error {
    let message = "The multipart form cannot be read to its end; nothing was stored.";
    Error::new(codes::BROKEN_MULTIPART, message).with_source(error)
}

/// Reads on for a moment: a connection closed with unread bytes would lose the answer on its way.
pub(super) async fn drain(form: &mut Multipart) {
    let read_on = async {
        while let Ok(Some(mut field)) = form.next_field().await {
            while let Ok(Some(_)) = field.chunk().await {}
        }
    };
    let _ = tokio::time::timeout(DRAIN_TIME, read_on).await;
}

//! One answer for everything that is a file, stored or made: its length, its parts (RFC 9110 §14), its strong `ETag`,
//! what a client has already (§13), its name. Never compressed: the `ETag`, the length and the parts are of these bytes.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use serde::Deserialize;
use utoipa::IntoParams;

use super::answer::header_text;
use super::conditional::{RangeAsked, if_range_holds, match_holds, none_match_holds, range_asked};
use super::problem;
use crate::datasets::export::{ByteStream, Download};

/// A file, and what is said of it.
pub struct DownloadAnswer {
    /// Its bytes.
    pub download: Download,
    /// What tells these bytes from all others: the strong `ETag` without its quotes.
    pub tag: String,
    /// What it is.
    pub content_type: &'static str,
    /// Name for a download.
    pub file_name: String,
}

/// What a client may say about a file that it wants; describes it only.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes the headers")]
pub struct DownloadHeaders {
    /// One range of bytes; of several, all bytes are answered.
    #[serde(rename = "Range")]
    #[param(example = "bytes=0-7")]
    range: Option<String>,
    /// The `ETag` that the range is of; with another one, all bytes are answered.
    #[serde(rename = "If-Range")]
    if_range: Option<String>,
    /// `ETag`s that the client has.
    #[serde(rename = "If-None-Match")]
    if_none_match: Option<String>,
}

/// The answer to GET or HEAD.
pub async fn answer(method: &Method, request: &HeaderMap, file: DownloadAnswer) -> Response {
    let etag = format!("\"{}\"", file.tag);
    let asked = |name| header_text(request, name);
    if !match_holds(asked(header::IF_MATCH), &etag) {
        return problem::precondition_failed();
    }
    if none_match_holds(asked(header::IF_NONE_MATCH), &etag) {
        return described(StatusCode::NOT_MODIFIED, Body::empty(), &file, &etag, None);
    }
    if method == Method::HEAD {
        let size = file.download.size().await;
        return described(StatusCode::OK, without_bytes(), &file, &etag, size);
    }
    let range = asked(header::RANGE).filter(|_| if_range_holds(asked(header::IF_RANGE), &etag));
    // Of a made file, the length is known when it is made: nobody waits for it who did not ask for a part.
    if range.is_some_and(|range| range_asked(Some(range), u64::MAX) != RangeAsked::Whole)
        && let Some(size) = file.download.size().await
    {
        match range_asked(range, size) {
            RangeAsked::Whole => {}
            RangeAsked::Unsatisfiable => return problem::range_not_satisfiable(size),
            RangeAsked::Part(part) => {
                let said = format!("bytes {}-{}/{size}", part.start, part.end - 1);
                let body = body(file.download.part(part.clone()));
                let length = part.end - part.start;
                let mut response = described(StatusCode::PARTIAL_CONTENT, body, &file, &etag, Some(length));
                if let Ok(said) = HeaderValue::from_str(&said) {
                    response.headers_mut().insert(header::CONTENT_RANGE, said);
                }
                return response;
            }
        }
    }
    let (bytes, size) = file.download.whole();
    described(StatusCode::OK, body(bytes), &file, &etag, size)
}

/// Fused, because a layer may ask again after the end.
fn body(bytes: ByteStream) -> Body {
    Body::from_stream(bytes.fuse())
}

/// Of a HEAD: empty, but unlike [`Body::empty`] not known to be, for that would be told as the file's length.
fn without_bytes() -> Body {
    Body::from_stream(futures_util::stream::empty::<Result<bytes::Bytes, std::convert::Infallible>>())
}

/// `length` is the body's; without one no parts can be asked for either, as far as is known.
fn described(status: StatusCode, body: Body, file: &DownloadAnswer, etag: &str, length: Option<u64>) -> Response {
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if let Some(length) = length {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    }
    for (header, value) in [(header::ETAG, etag.to_owned()), (header::CONTENT_DISPOSITION, attachment(&file.file_name))]
    {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(header, value);
        }
    }
    response
}

/// `Content-Disposition` (RFC 6266): an ASCII name that is safe everywhere, and the full one in UTF-8.
fn attachment(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let ascii: String = name.chars().map(|c| if plain(c) { c } else { '_' }).collect();
    let mut encoded = String::new();
    for c in name.chars().map(|c| if c.is_control() || matches!(c, '/' | '\\') { '_' } else { c }) {
        if plain(c) {
            encoded.push(c);
        } else {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                encoded.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_downloads_are_safe() {
        assert_eq!(attachment("a-v1.csv"), "attachment; filename=\"a-v1.csv\"; filename*=UTF-8''a-v1.csv");
        assert_eq!(
            attachment("溫 \"x\"/\r\n.csv"),
            "attachment; filename=\"___x____.csv\"; filename*=UTF-8''%E6%BA%AB%20%22x%22___.csv"
        );
    }
}

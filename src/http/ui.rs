//! The embedded page for plant operators: `/`, `/login` and the files they need below `/web`, all from the binary; and what
//! browsers are told of it and of `/docs`: to load, to run and to be framed by nothing else.
//!
//! The files' addresses have the digest of all of them, so that browsers keep them for ever, and a page of another build
//! finds none of them instead of half of its own. No address begins with a slash: a proxy may serve all this below a path.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};

use super::answer::header_text;
use super::conditional::none_match_holds;
use super::problem;
use crate::state::AppState;

/// The page may load from its own server only, run no inline script and be framed by nobody.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The style that swagger-ui writes into its page: its logo's letters.
const LOGO_STYLE: &str = ".logo_small_svg__cls-2{fill:#fff}.logo_small_svg__cls-3{fill:#85ea2d}";

/// As the page's; but swagger-ui has its icons within its style sheet, and that one style within its script.
static DOCS_SECURITY_POLICY: LazyLock<Option<HeaderValue>> = LazyLock::new(|| {
    let style = base64::prelude::BASE64_STANDARD.encode(Sha256::digest(LOGO_STYLE));
    let policy = CONTENT_SECURITY_POLICY
        .replace("style-src 'self'", &format!("style-src 'self' 'sha256-{style}'"))
        .replace("img-src 'self'", "img-src 'self' data:");
    HeaderValue::from_str(&policy).ok()
});

/// The page's files; each is part of the program.
static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/web");
/// The pages, which stand at addresses of their own.
const PAGES: [&str; 2] = ["index.html", "login.html"];
/// How the pages name the folder of all other files, which is put in when they are served.
const FOLDER_IN_PAGES: &str = "web/0/";
/// A file's address changes with the program, so its bytes never do.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_EACH_TIME: HeaderValue = HeaderValue::from_static("no-cache");

/// A file of the page.
struct Asset {
    content_type: &'static str,
    bytes: Cow<'static, [u8]>,
    /// Weak, because it may be sent compressed.
    etag: String,
}

/// The page as it is served.
struct Site {
    /// Of all files: stands in the addresses of those that the pages name.
    digest: String,
    /// By their path below `src/web`.
    assets: BTreeMap<String, Asset>,
}

static SITE: LazyLock<Site> = LazyLock::new(|| {
    let files: BTreeMap<String, &'static [u8]> = files_below(&FILES).collect();
    let mut hash = Sha256::new();
    for (path, bytes) in &files {
        hash.update(Sha256::digest(path));
        hash.update(Sha256::digest(bytes));
    }
    let digest: String = format!("{:x}", hash.finalize()).chars().take(16).collect();
    let folder = format!("web/{digest}/");
    let asset = |(path, bytes): (String, &'static [u8])| {
        let bytes = match std::str::from_utf8(bytes).ok().filter(|_| PAGES.contains(&path.as_str())) {
            Some(page) => Cow::Owned(page.replace(FOLDER_IN_PAGES, &folder).into_bytes()),
            None => Cow::Borrowed(bytes),
        };
        let etag = format!("W/\"{:x}\"", Sha256::digest(&bytes));
        let content_type = content_type(&path);
        (path, Asset { content_type, bytes, etag })
    };
    Site { assets: files.into_iter().map(asset).collect(), digest }
});

/// Every file but those that explain the folder, with `/` in its path wherever the program was built.
fn files_below(folder: &'static Dir<'static>) -> Box<dyn Iterator<Item = (String, &'static [u8])>> {
    let own = folder.files().map(|file| (file.path().to_string_lossy().replace('\\', "/"), file.contents()));
    let own = own.filter(|(path, _)| !path.ends_with(".md"));
    Box::new(own.chain(folder.dirs().flat_map(files_below)))
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.') {
        Some((_, "html")) => "text/html; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "json")) => "application/json",
        Some((_, "svg")) => "image/svg+xml",
        Some((_, "png")) => "image/png",
        _ => "text/plain; charset=utf-8",
    }
}

pub fn routes() -> Router<AppState> {
    let index = async |headers: HeaderMap| serve(&headers, "index.html", ASK_EACH_TIME).await;
    let login = async |headers: HeaderMap| serve(&headers, "login.html", ASK_EACH_TIME).await;
    let file = async |headers: HeaderMap, Path((digest, path)): Path<(String, String)>| {
        if digest != SITE.digest || PAGES.contains(&path.as_str()) {
            return problem::no_such_route().await.into_response();
        }
        serve(&headers, &path, FOR_EVER).await
    };
    Router::new().route("/", get(index)).route("/login", get(login)).route("/web/{digest}/{*path}", get(file))
}

/// The same routes, those of `/docs`, with their policy on each answer.
pub fn docs(routes: Router<AppState>) -> Router<AppState> {
    routes.layer(map_response(async |mut response: Response| {
        let headers = response.headers_mut();
        protect(headers, DOCS_SECURITY_POLICY.clone());
        if headers.contains_key(header::LOCATION) {
            headers.insert(header::LOCATION, HeaderValue::from_static("docs/"));
        }
        response
    }))
}

fn protect(headers: &mut HeaderMap, policy: Option<HeaderValue>) {
    // Without its own policy a page may do nothing.
    let policy = policy.unwrap_or(HeaderValue::from_static("default-src 'none'"));
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
}

async fn serve(request: &HeaderMap, path: &str, kept: HeaderValue) -> Response {
    let Some(asset) = SITE.assets.get(path) else {
        return problem::no_such_route().await.into_response();
    };
    let mut response = if none_match_holds(header_text(request, header::IF_NONE_MATCH), &asset.etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        asset.bytes.as_ref().into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(header::CACHE_CONTROL, kept);
    protect(headers, Some(HeaderValue::from_static(CONTENT_SECURITY_POLICY)));
    if let Ok(etag) = HeaderValue::from_str(&asset.etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}

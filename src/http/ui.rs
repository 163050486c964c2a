//! The embedded page for plant operators: `/`, `/login` and the files they need below `/web`, all from the binary; and what
//! browsers are told of it and of `/docs`: to load, to run and to be framed by nothing else.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
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

/// A file of the page.
struct Asset {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
    /// Weak, because it may be sent compressed.
    etag: String,
}

fn asset(name: &'static str, bytes: &'static [u8]) -> Asset {
    let content_type = match name.rsplit_once('.') {
        Some((_, "html")) => "text/html; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    };
    Asset { name, content_type, bytes, etag: format!("W/\"{:x}\"", Sha256::digest(bytes)) }
}

static ASSETS: LazyLock<[Asset; 10]> = LazyLock::new(|| {
    [
        asset("index.html", include_bytes!("../web/index.html")),
        asset("login.html", include_bytes!("../web/login.html")),
        asset("login.js", include_bytes!("../web/login.js")),
        asset("style.css", include_bytes!("../web/style.css")),
        asset("app.js", include_bytes!("../web/app.js")),
        asset("models.js", include_bytes!("../web/models.js")),
        asset("icon.svg", include_bytes!("../web/icon.svg")),
        asset("uPlot.esm.js", include_bytes!("../web/vendor/uplot-1.6.32/uPlot.esm.js")),
        asset("uPlot.min.css", include_bytes!("../web/vendor/uplot-1.6.32/uPlot.min.css")),
        asset("uPlot.LICENSE", include_bytes!("../web/vendor/uplot-1.6.32/LICENSE")),
    ]
});

pub fn routes() -> Router<AppState> {
    let index = async |headers: HeaderMap| serve(&headers, "index.html").await;
    let file = async |headers: HeaderMap, Path(name): Path<String>| serve(&headers, &name).await;
    let login = async |headers: HeaderMap| serve(&headers, "login.html").await;
    Router::new().route("/", get(index)).route("/login", get(login)).route("/web/{file}", get(file))
}

/// The same routes, those of `/docs`, with their policy on each answer.
pub fn docs(routes: Router<AppState>) -> Router<AppState> {
    routes.layer(map_response(async |mut response: Response| {
        protect(response.headers_mut(), DOCS_SECURITY_POLICY.clone());
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

async fn serve(request: &HeaderMap, name: &str) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return problem::no_such_route().await.into_response();
    };
    let mut response = if none_match_holds(header_text(request, header::IF_NONE_MATCH), &asset.etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        asset.bytes.into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    protect(headers, Some(HeaderValue::from_static(CONTENT_SECURITY_POLICY)));
    if let Ok(etag) = HeaderValue::from_str(&asset.etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}

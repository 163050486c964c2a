//! `/api/login`, `/api/logout`, `/api/setup`, `/api/account`: who is here.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::header_text;
use super::client::Client;
use super::extract::{Json as Body, State};
use super::problem::{Failed, Result};
use super::responses::{CredentialsWrong, NoSuchAccount, SetUpAlready};
use crate::accounts::logins::{self, Begun, LoginRequest};
use crate::accounts::people::{self, PasswordChange};
use crate::accounts::preferences::{self, Preferences};
use crate::accounts::setup::{self, SetupRequest};
use crate::accounts::{Account, AccountKind};
use crate::error::Context;
use crate::principal::{Role, Via};
use crate::state::AppState;

/// Longest body with names and passwords: anybody may send one.
const SHORT: usize = 16 * 1024;

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(post_login))
        .routes(routes!(post_logout))
        .routes(routes!(post_setup))
        .routes(routes!(get_account))
        .routes(routes!(post_password))
}

/// What a browser sends besides its request.
pub struct Browser {
    /// The secret of its login.
    login: Option<String>,
    user_agent: Option<String>,
    /// Whether it came over TLS.
    is_secure: bool,
}

impl Browser {
    /// The secret of its login.
    pub fn login(&self) -> Option<&str> {
        self.login.as_deref()
    }

    fn of(headers: &HeaderMap, is_secure: bool) -> Self {
        let text = |name| header_text(headers, name).map(str::to_owned);
        let cookie = text(header::COOKIE);
        Self {
            login: logins::cookie(cookie.as_deref(), is_secure).map(str::to_owned),
            user_agent: text(header::USER_AGENT),
            is_secure,
        }
    }

    /// A header `Set-Cookie` for a login that lasts so long; 0 forgets it.
    fn set_cookie(&self, secret: &str, seconds: u64) -> Result<HeaderValue> {
        let (name, secure) = (logins::cookie_name(self.is_secure), if self.is_secure { "; Secure" } else { "" });
        let cookie = format!("{name}={secret}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        Ok(HeaderValue::from_str(&cookie).internal("writing a cookie")?)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Browser {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self> {
        let is_secure = parts.extensions.get::<Client>().is_some_and(|client| client.secure);
        Ok(Self::of(&parts.headers, is_secure))
    }
}

/// Whoever has logged in.
#[derive(Serialize, ToSchema)]
struct LoggedIn {
    account: Account,
    /// What requests of this login that change something have to show as the header `X-CSRF-Token`.
    csrf_token: String,
}

/// Logs a browser in
///
/// Sets a cookie that its scripts cannot read; it ends when it is not used for LOGIN_IDLE_HOURS, and after LOGIN_DAYS.
/// A name that is not there is refused as a wrong password is. Programs use keys instead.
#[utoipa::path(
    post,
    path = "/login",
    tag = "accounts",
    request_body(content = LoginRequest, example = json!({"name": "chen", "password": "correct horse battery"})),
    responses((status = 200, body = LoggedIn), CredentialsWrong)
)]
async fn post_login(
    State(state): State,
    browser: Browser,
    Body(request): Body<LoginRequest, SHORT>,
) -> Result<Response> {
    let Begun { secret, account } = logins::begin(&state, request, browser.user_agent.as_deref()).await?;
    let cookie = browser.set_cookie(&secret, state.config.login_longest.as_secs())?;
    let answer = Json(LoggedIn { account, csrf_token: logins::csrf_token(&secret) });
    Ok(([(header::SET_COOKIE, cookie), (header::CACHE_CONTROL, NO_STORE)], answer).into_response())
}

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Logs the browser out
///
/// One that is not logged in stays so.
#[utoipa::path(post, path = "/logout", tag = "accounts", responses((status = 204, description = "It is logged out")))]
async fn post_logout(State(state): State, browser: Browser) -> Result<Response> {
    if let Some(secret) = browser.login() {
        logins::end(&state, secret).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, browser.set_cookie("", 0)?)]).into_response())
}

/// Makes the first admin
///
/// With the one-time token that the terminal of the server shows while there is none.
#[utoipa::path(
    post,
    path = "/setup",
    tag = "accounts",
    request_body(content = SetupRequest, example = json!({"token": "…", "name": "chen", "password": "correct horse battery"})),
    responses((status = 201, body = Account), SetUpAlready, CredentialsWrong)
)]
async fn post_setup(
    State(state): State,
    Body(request): Body<SetupRequest, SHORT>,
) -> Result<(StatusCode, Json<Account>)> {
    Ok((StatusCode::CREATED, Json(setup::make(&state, request).await?)))
}

/// Whoever asks.
#[derive(Serialize, ToSchema)]
struct Asker {
    /// Its account; null for who has none.
    id: Option<String>,
    /// The account's name, or `anonymous`.
    name: String,
    /// A person or a service; null for who has no account.
    kind: Option<AccountKind>,
    /// What it may do.
    role: Role,
    /// By what it is known: `nothing`, `key`, `login` or `token`.
    via: &'static str,
    /// What requests of this login that change something have to show as the header `X-CSRF-Token`; null but for logins.
    csrf_token: Option<String>,
    /// How it likes the page; null for who has no account.
    preferences: Option<Preferences>,
}

/// Who asks, and what it may do
#[utoipa::path(get, path = "/account", tag = "accounts", responses((status = 200, body = Asker)))]
async fn get_account(State(state): State, browser: Browser) -> Result<Response> {
    let principal = state.principal();
    let (kind, preferences) = match principal.account_id() {
        Some(id) => (Some(people::get(&state, id).await?.kind), Some(preferences::get(&state, id).await?)),
        None => (None, None),
    };
    let answer = Asker {
        id: principal.account_id().map(str::to_owned),
        name: principal.name().to_owned(),
        kind,
        role: principal.role,
        via: principal.via.as_str(),
        csrf_token: browser.login().filter(|_| principal.via == Via::Login).map(logins::csrf_token),
        preferences,
    };
    Ok(([(header::CACHE_CONTROL, NO_STORE)], Json(answer)).into_response())
}

/// Changes one's own password
///
/// All logins of the account end but the one that asks.
#[utoipa::path(
    post,
    path = "/account/password",
    tag = "accounts",
    request_body(content = PasswordChange, example = json!({"old": "correct horse battery", "new": "another good password"})),
    responses((status = 204, description = "It is changed"), NoSuchAccount, CredentialsWrong)
)]
async fn post_password(
    State(state): State,
    browser: Browser,
    Body(change): Body<PasswordChange, SHORT>,
) -> Result<StatusCode> {
    people::change_own_password(&state, change, browser.login()).await?;
    Ok(StatusCode::NO_CONTENT)
}

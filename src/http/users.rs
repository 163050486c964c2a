//! `/api/users`: accounts, how they like the page, and where they are logged in.

use axum::Json;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Json as Body, Path, Path2, Query, State};
use super::login::Browser;
use super::problem::Result;
use super::responses::{AccountTaken, NoSuchAccount};
use crate::accounts::Account;
use crate::accounts::logins::{self, Logins};
use crate::accounts::people::{self, AccountFilter, AccountPatch, AccountRequest};
use crate::accounts::preferences::{self, Preferences};
use crate::limits::Page;
use crate::state::AppState;

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_users, post_user))
        .routes(routes!(get_user, patch_user))
        .routes(routes!(get_preferences, put_preferences))
        .routes(routes!(list_logins, delete_logins))
        .routes(routes!(delete_login))
}

/// Accounts by name, page by page
///
/// Those of services too, and those that are disabled.
#[utoipa::path(get, path = "/users", tag = "accounts", params(AccountFilter), responses((status = 200, body = Page<Account>)))]
async fn list_users(State(state): State, Query(filter): Query<AccountFilter>) -> Result<Json<Page<Account>>> {
    Ok(Json(people::list(&state, &filter).await?))
}

/// Makes a person's account
///
/// Services get theirs with their first key.
#[utoipa::path(
    post,
    path = "/users",
    tag = "accounts",
    request_body(content = AccountRequest, example = json!({"name": "chen", "role": "operator", "password": "correct horse battery"})),
    responses((status = 201, body = Account), AccountTaken)
)]
async fn post_user(State(state): State, Body(request): Body<AccountRequest>) -> Result<(StatusCode, Json<Account>)> {
    Ok((StatusCode::CREATED, Json(people::create(&state, request).await?)))
}

/// One account
#[utoipa::path(get, path = "/users/{id}", tag = "accounts", params(("id" = String, Path, description = "The account")), responses((status = 200, body = Account), NoSuchAccount))]
async fn get_user(State(state): State, Path(id): Path) -> Result<Json<Account>> {
    Ok(Json(people::get(&state, &id).await?))
}

/// Changes an account's role or password, disables or enables it
///
/// What it may do no more holds from the next request on. Disabling ends its logins, keys and links for good. The last admin
/// stays. What is left out stays.
#[utoipa::path(
    patch,
    path = "/users/{id}",
    tag = "accounts",
    params(("id" = String, Path, description = "The account")),
    request_body(content = AccountPatch, example = json!({"disabled": true})),
    responses((status = 200, body = Account), NoSuchAccount)
)]
async fn patch_user(State(state): State, Path(id): Path, Body(patch): Body<AccountPatch>) -> Result<Json<Account>> {
    Ok(Json(people::change(&state, &id, patch).await?))
}

/// How somebody likes the page
#[utoipa::path(get, path = "/users/{id}/preferences", tag = "accounts", params(("id" = String, Path, description = "The account")), responses((status = 200, body = Preferences), NoSuchAccount))]
async fn get_preferences(State(state): State, Path(id): Path) -> Result<Json<Preferences>> {
    Ok(Json(preferences::get(&state, &id).await?))
}

/// States how somebody likes the page
///
/// In place of all that was stated before.
#[utoipa::path(
    put,
    path = "/users/{id}/preferences",
    tag = "accounts",
    params(("id" = String, Path, description = "The account")),
    request_body(content = Preferences, example = json!({"language": "zh-Hant", "units": "SI", "theme": "dark"})),
    responses((status = 200, body = Preferences), NoSuchAccount)
)]
async fn put_preferences(
    State(state): State,
    Path(id): Path,
    Body(preferences): Body<Preferences>,
) -> Result<Json<Preferences>> {
    Ok(Json(preferences::put(&state, &id, preferences).await?))
}

/// Where somebody is logged in
#[utoipa::path(get, path = "/users/{id}/sessions", tag = "accounts", params(("id" = String, Path, description = "The account")), responses((status = 200, body = Logins), NoSuchAccount))]
async fn list_logins(State(state): State, Path(id): Path, browser: Browser) -> Result<Json<Logins>> {
    Ok(Json(logins::list(&state, &id, browser.login()).await?))
}

/// Ends all logins of an account
#[utoipa::path(delete, path = "/users/{id}/sessions", tag = "accounts", params(("id" = String, Path, description = "The account")), responses((status = 204, description = "They have ended"), NoSuchAccount))]
async fn delete_logins(State(state): State, Path(id): Path) -> Result<StatusCode> {
    logins::end_of(&state, &id, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends one login of an account
#[utoipa::path(
    delete,
    path = "/users/{id}/sessions/{login}",
    tag = "accounts",
    params(("id" = String, Path, description = "The account"), ("login" = String, Path, description = "The login's id")),
    responses((status = 204, description = "It has ended"), NoSuchAccount)
)]
async fn delete_login(State(state): State, Path2(id, login): Path2) -> Result<StatusCode> {
    logins::end_of(&state, &id, Some(&login)).await?;
    Ok(StatusCode::NO_CONTENT)
}

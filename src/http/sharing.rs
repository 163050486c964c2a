//! `/api/sessions/{id}/sharing` and `/links`, `/api/sites/{id}/sharing`: who sees what.

use axum::Json;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Json as Body, Path, Path2, State};
use super::problem::Result;
use super::responses::{NoSuchAccount, NoSuchSession};
use super::sites::{SiteName, SiteQuery};
use crate::accounts::links::{LinkRequest, Links, NewLink};
use crate::sessions::links;
use crate::sessions::sharing::{self, Sharing, SharingRequest, SiteSharing, SiteSharingRequest};
use crate::state::AppState;

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(get_sharing, put_sharing))
        .routes(routes!(get_site_sharing, put_site_sharing))
        .routes(routes!(list_links, post_link))
        .routes(routes!(delete_link))
}

/// Whose a session is, and who else sees it
#[utoipa::path(get, path = "/sessions/{id}/sharing", tag = "sessions", params(("id" = String, Path, description = "The session")), responses((status = 200, body = Sharing), NoSuchSession))]
async fn get_sharing(State(state): State, Path(id): Path) -> Result<Json<Sharing>> {
    Ok(Json(sharing::of(&state, &id).await?))
}

/// Shares a session, or gives it away
///
/// Its owner's and the admins'. Whoever it is shared with may do there what his role allows.
#[utoipa::path(
    put,
    path = "/sessions/{id}/sharing",
    tag = "sessions",
    params(("id" = String, Path, description = "The session")),
    request_body(content = SharingRequest, example = json!({"everyone": false, "people": ["anna"]})),
    responses((status = 200, body = Sharing), NoSuchSession)
)]
async fn put_sharing(
    State(state): State,
    Path(id): Path,
    Body(request): Body<SharingRequest>,
) -> Result<Json<Sharing>> {
    Ok(Json(sharing::put(&state, &id, request).await?))
}

/// Who sees all sessions of a site
#[utoipa::path(get, path = "/sites/{id}/sharing", tag = "sessions", params(("id" = String, Path, description = "The site"), SiteQuery), responses((status = 200, body = SiteSharing)))]
async fn get_site_sharing(State(state): State, SiteName(site): SiteName) -> Result<Json<SiteSharing>> {
    Ok(Json(sharing::of_a_site(&state, &site).await?))
}

/// Shares all sessions of a site
///
/// Those to come too.
#[utoipa::path(
    put,
    path = "/sites/{id}/sharing",
    tag = "sessions",
    params(("id" = String, Path, description = "The site"), SiteQuery),
    request_body(content = SiteSharingRequest, example = json!({"people": ["anna"]})),
    responses((status = 200, body = SiteSharing), NoSuchAccount)
)]
async fn put_site_sharing(
    State(state): State,
    SiteName(site): SiteName,
    Body(request): Body<SiteSharingRequest>,
) -> Result<Json<SiteSharing>> {
    Ok(Json(sharing::put_site(&state, &site, request).await?))
}

/// Links to a session
///
/// Those that one made oneself; an admin sees all. Their secrets are kept nowhere.
#[utoipa::path(get, path = "/sessions/{id}/links", tag = "sessions", params(("id" = String, Path, description = "The session")), responses((status = 200, body = Links), NoSuchSession))]
async fn list_links(State(state): State, Path(id): Path) -> Result<Json<Links>> {
    Ok(Json(links::list(&state, &id).await?))
}

/// Makes a link to a session
///
/// For tools that send no headers: `?link=…` in the query of an address that reads the session is as good as a key for
/// that. It ends with its time, when it is revoked, and when its maker is disabled or does not see the session any more.
#[utoipa::path(
    post,
    path = "/sessions/{id}/links",
    tag = "sessions",
    params(("id" = String, Path, description = "The session")),
    request_body(content = LinkRequest, example = json!({"hours": 24, "note": "for the monthly notebook"})),
    responses((status = 201, body = NewLink), NoSuchSession)
)]
async fn post_link(
    State(state): State,
    Path(id): Path,
    Body(request): Body<LinkRequest>,
) -> Result<(StatusCode, Json<NewLink>)> {
    Ok((StatusCode::CREATED, Json(links::make(&state, &id, request).await?)))
}

/// Ends a link
#[utoipa::path(
    delete,
    path = "/sessions/{id}/links/{link}",
    tag = "sessions",
    params(("id" = String, Path, description = "The session"), ("link" = String, Path, description = "The link's id")),
    responses((status = 204, description = "It has ended"), NoSuchSession)
)]
async fn delete_link(State(state): State, Path2(id, link): Path2) -> Result<StatusCode> {
    links::revoke(&state, &id, &link).await?;
    Ok(StatusCode::NO_CONTENT)
}

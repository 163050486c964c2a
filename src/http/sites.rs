//! `/api/sites/{site}`: a site's settings, and what is remembered of its reports and points. A name that a path cannot carry
//! everywhere, such as one with a slash behind a proxy that unescapes paths, stands in the query: `/api/sites/-?site=A%2FB`.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Json as Body, Path, Query, State};
use super::problem::{Failed, Result};
use super::responses::NoSuchSession;
use crate::sessions::ColumnOverride;
use crate::sessions::prices::{self, SiteSettings, StatedSettings};
use crate::sessions::sites::{self, SiteOverrides};
use crate::state::AppState;

/// A site's name where the path cannot carry it.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SiteQuery {
    /// The site, in place of the one in the path, which then is any word: for names with a slash behind a proxy that
    /// unescapes paths.
    site: Option<String>,
}

/// Which site is meant: the one in the query, else the one in the path.
pub struct SiteName(pub String);

impl<S: Send + Sync> FromRequestParts<S> for SiteName {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failed> {
        let Query(SiteQuery { site }) = Query::from_request_parts(parts, state).await?;
        match site {
            Some(site) => Ok(Self(site)),
            None => Path::from_request_parts(parts, state).await.map(|Path(site)| Self(site)),
        }
    }
}

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(get_overrides, put_override, delete_overrides))
        .routes(routes!(get_site, put_site))
}

/// A site's settings
///
/// Of a site of any name; what nobody stated is null.
#[utoipa::path(get, path = "/sites/{id}", tag = "sessions", params(("id" = String, Path, description = "The site"), SiteQuery), responses((status = 200, body = SiteSettings)))]
async fn get_site(State(state): State, SiteName(site): SiteName) -> Result<Json<SiteSettings>> {
    Ok(Json(prices::of(&state, &site).await?))
}

/// States a site's settings
///
/// What electricity costs there: findings of its sessions then tell wasted energy in money too.
#[utoipa::path(
    put,
    path = "/sites/{id}",
    tag = "sessions",
    params(("id" = String, Path, description = "The site"), SiteQuery),
    request_body(content = StatedSettings, example = json!({"energy_price": {"currency": "TWD", "per_kwh": 3.5}})),
    responses((status = 200, body = SiteSettings))
)]
async fn put_site(
    State(state): State,
    SiteName(site): SiteName,
    Body(stated): Body<StatedSettings>,
) -> Result<Json<SiteSettings>> {
    Ok(Json(prices::put(&state, &site, stated).await?))
}

/// What is remembered of a site
///
/// How its reports are read, by their shape, and what is known better of its points: stated with a parse, followed by
/// later ones unless they state otherwise.
#[utoipa::path(get, path = "/sites/{id}/overrides", tag = "sessions", params(("id" = String, Path, description = "The site"), SiteQuery), responses((status = 200, body = SiteOverrides)))]
async fn get_overrides(State(state): State, SiteName(site): SiteName) -> Result<Json<SiteOverrides>> {
    Ok(Json(sites::overrides(&state, &site).await?))
}

/// States a point's unit, kind or name
///
/// In place of what was stated of it before. Parses of the site follow it from now on; versions there are keep theirs.
#[utoipa::path(
    put,
    path = "/sites/{id}/overrides",
    tag = "sessions",
    params(("id" = String, Path, description = "The site"), SiteQuery),
    request_body(content = ColumnOverride, example = json!({"column": "OAT", "unit": "°C"})),
    responses((status = 200, body = SiteOverrides))
)]
async fn put_override(
    State(state): State,
    SiteName(site): SiteName,
    Body(said): Body<ColumnOverride>,
) -> Result<Json<SiteOverrides>> {
    Ok(Json(sites::state_column(&state, &site, said).await?))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ForgetQuery {
    /// Only what is remembered of reports of this shape.
    report: Option<String>,
    /// Only what is remembered of this point, by its name in the reports.
    column: Option<String>,
}

/// Forgets what is remembered of a site
///
/// All of it, unless a report's shape or a column is named. Datasets stay as they are.
#[utoipa::path(
    delete,
    path = "/sites/{id}/overrides",
    tag = "sessions",
    params(("id" = String, Path, description = "The site"), SiteQuery, ForgetQuery),
    responses((status = 204, description = "It is forgotten"), NoSuchSession)
)]
async fn delete_overrides(
    State(state): State,
    SiteName(site): SiteName,
    Query(query): Query<ForgetQuery>,
) -> Result<StatusCode> {
    sites::forget(&state, &site, query.report.as_deref(), query.column.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

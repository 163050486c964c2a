//! `GET /api/data/…`: looking at a stored frame.

use axum::http::HeaderMap;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::respond;
use super::extract::{Query, State};
use super::problem::Result;
use super::responses::NoSuchData;
use crate::cleaning::reasons;
use crate::datasets::window::WindowQuery;
use crate::datasets::{
    AllStats, Correlation, CorrelationQuery, DatasetSelector, OneStats, Preview, PreviewQuery, Quality, SeriesAnswer,
    SeriesQuery, StatsQuery, correlation, preview, quality, series, stats,
};
use crate::error::{Error, codes};
use crate::state::AppState;

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(get_preview))
        .routes(routes!(get_stats))
        .routes(routes!(get_series))
        .routes(routes!(get_quality))
        .routes(routes!(get_correlation))
}

/// Rows as a table shows them
#[utoipa::path(get, path = "/data/preview", tag = "data", params(DatasetSelector, PreviewQuery, WindowQuery), responses((status = 200, body = Preview), NoSuchData))]
async fn get_preview(
    State(state): State,
    headers: HeaderMap,
    Query(selector): Query<DatasetSelector>,
    Query(query): Query<PreviewQuery>,
    Query(window): Query<WindowQuery>,
) -> Result<Response> {
    if query.reasons == Some(true) {
        return Ok(respond(&headers, reasons::preview(&state, &selector, &query, &window).await?));
    }
    Ok(respond(&headers, preview::preview(&state, &selector, &query, &window).await?))
}

/// Either answer of the statistics route; describes it only.
#[derive(serde::Serialize, utoipa::ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes the answer")]
enum Stats {
    /// With `column`.
    One(Box<OneStats>),
    /// Without.
    All(Box<AllStats>),
}

/// Statistics of one column, or of all of them
#[utoipa::path(get, path = "/data/stats", tag = "data", params(DatasetSelector, StatsQuery, WindowQuery), responses((status = 200, body = Stats), NoSuchData))]
async fn get_stats(
    State(state): State,
    headers: HeaderMap,
    Query(selector): Query<DatasetSelector>,
    Query(query): Query<StatsQuery>,
    Query(window): Query<WindowQuery>,
) -> Result<Response> {
    Ok(match query.column.as_deref().filter(|name| !name.is_empty()) {
        Some(_) if query.columns.as_deref().is_some_and(|list| !list.trim().is_empty()) => {
            let message = "columns: give column for one, or columns for several, not both";
            return Err(Error::invalid("columns", codes::BAD_COLUMNS, message).into());
        }
        Some(column) => respond(&headers, stats::one(&state, &selector, column, &window).await?),
        None => respond(&headers, stats::all(&state, &selector, query.columns.as_deref(), &window).await?),
    })
}

/// Points of a plot
///
/// Down-sampled without losing extremes.
#[utoipa::path(get, path = "/data/series", tag = "data", params(DatasetSelector, SeriesQuery, WindowQuery), responses((status = 200, body = SeriesAnswer), NoSuchData))]
async fn get_series(
    State(state): State,
    headers: HeaderMap,
    Query(selector): Query<DatasetSelector>,
    Query(query): Query<SeriesQuery>,
    Query(window): Query<WindowQuery>,
) -> Result<Response> {
    Ok(respond(&headers, series::series(&state, &selector, &query, &window).await?))
}

/// Null reasons, gaps and frozen runs
#[utoipa::path(get, path = "/data/quality", tag = "data", params(DatasetSelector), responses((status = 200, body = Quality), NoSuchData))]
async fn get_quality(
    State(state): State,
    headers: HeaderMap,
    Query(selector): Query<DatasetSelector>,
) -> Result<Response> {
    Ok(respond(&headers, quality::quality(&state, &selector).await?))
}

/// Correlation of columns
#[utoipa::path(get, path = "/data/correlation", tag = "data", params(DatasetSelector, CorrelationQuery, WindowQuery), responses((status = 200, body = Correlation), NoSuchData))]
async fn get_correlation(
    State(state): State,
    headers: HeaderMap,
    Query(selector): Query<DatasetSelector>,
    Query(query): Query<CorrelationQuery>,
    Query(window): Query<WindowQuery>,
) -> Result<Response> {
    Ok(respond(&headers, correlation::correlation(&state, &selector, &query, &window).await?))
}

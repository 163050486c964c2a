//! `GET /api/data/…`: the shape of a stored frame: how often, when, how much of it, and how well the plant did.

use axum::http::HeaderMap;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::respond;
use super::extract::{Query, State};
use super::problem::Result;
use super::responses::NoSuchData;
use crate::datasets::DatasetSelector;
use crate::datasets::coverage::{self, CoverageQuery, PointCoverage};
use crate::datasets::duration::{self, DurationCurve, DurationQuery};
use crate::datasets::efficiency::{self, Efficiency, EfficiencyQuery};
use crate::datasets::histogram::{self, Histogram, HistogramQuery};
use crate::datasets::profile::{self, Profile, ProfileQuery};
use crate::datasets::strip::{self, CoverageStrip, StripQuery};
use crate::datasets::window::WindowQuery;
use crate::state::AppState;

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(get_histogram))
        .routes(routes!(get_profile))
        .routes(routes!(get_coverage))
        .routes(routes!(get_coverage_strip))
        .routes(routes!(get_efficiency))
        .routes(routes!(get_duration))
}

/// How often which values occur
///
/// Bins by Freedman and Diaconis unless their number is said; what lies beyond the edges is counted beside.
#[utoipa::path(get, path = "/data/histogram", tag = "data", params(DatasetSelector, HistogramQuery, WindowQuery), responses((status = 200, body = Histogram), NoSuchData))]
async fn get_histogram(
    State(state): State,
    headers: HeaderMap,
    Query(selector): Query<DatasetSelector>,
    Query(query): Query<HistogramQuery>,
    Query(window): Query<WindowQuery>,
) -> Result<Response> {
    Ok(respond(&headers, histogram::histogram(&state, &selector, &query, &window).await?))
}

/// A usual day, week or year
///
/// Count, mean, quantiles and extremes of each column by hour, weekday or month of the site's clock.
#[utoipa::path(get, path = "/data/profile", tag = "data", params(DatasetSelector, ProfileQuery, WindowQuery), responses((status = 200, body = Profile), NoSuchData))]
async fn get_profile(
    State(state): State,
    headers: HeaderMap,
    Query(selector): Query<DatasetSelector>,
    Query(query): Query<ProfileQuery>,
    Query(window): Query<WindowQuery>,
) -> Result<Response> {
    Ok(respond(&headers, profile::profile(&state, &selector, &query, &window).await?))
}

/// How much of each point is there, day by day
///
/// Share of the samples that should be there by the point's own interval; null where that cannot be known.
#[utoipa::path(get, path = "/data/coverage", tag = "data", params(DatasetSelector, CoverageQuery, WindowQuery), responses((status = 200, body = PointCoverage), NoSuchData))]
async fn get_coverage(
    State(state): State,
    headers: HeaderMap,
    Query(selector): Query<DatasetSelector>,
    Query(query): Query<CoverageQuery>,
    Query(window): Query<WindowQuery>,
) -> Result<Response> {
    Ok(respond(&headers, coverage::coverage(&state, &selector, &query, &window).await?))
}

/// How full a version is, at a glance
///
/// The mean over its points of the share of samples that should be there and are, in equal parts of its time.
#[utoipa::path(get, path = "/data/coverage-strip", tag = "data", params(DatasetSelector, StripQuery), responses((status = 200, body = CoverageStrip), NoSuchData))]
async fn get_coverage_strip(
    State(state): State,
    headers: HeaderMap,
    Query(selector): Query<DatasetSelector>,
    Query(query): Query<StripQuery>,
) -> Result<Response> {
    Ok(respond(&headers, strip::strip(&state, &selector, &query).await?))
}

/// The plant's power against its load
///
/// kW/RT by part load, and energy over cooling of all; rows that cannot be are left out and counted.
#[utoipa::path(get, path = "/data/efficiency", tag = "data", params(DatasetSelector, EfficiencyQuery, WindowQuery), responses((status = 200, body = Efficiency), NoSuchData))]
async fn get_efficiency(
    State(state): State,
    headers: HeaderMap,
    Query(selector): Query<DatasetSelector>,
    Query(query): Query<EfficiencyQuery>,
    Query(window): Query<WindowQuery>,
) -> Result<Response> {
    Ok(respond(&headers, efficiency::efficiency(&state, &selector, &query, &window).await?))
}

/// A duration curve
///
/// For which share of the time each value is reached or exceeded, samples weighted by how long they hold.
#[utoipa::path(get, path = "/data/duration", tag = "data", params(DatasetSelector, DurationQuery, WindowQuery), responses((status = 200, body = DurationCurve), NoSuchData))]
async fn get_duration(
    State(state): State,
    headers: HeaderMap,
    Query(selector): Query<DatasetSelector>,
    Query(query): Query<DurationQuery>,
    Query(window): Query<WindowQuery>,
) -> Result<Response> {
    Ok(respond(&headers, duration::duration(&state, &selector, &query, &window).await?))
}

//! `/api/sessions/{id}/findings`: faults of machines.

use axum::Json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Path, Query, State};
use super::problem::Result;
use super::responses::NoSuchData;
use crate::findings::{self, DiagnosticLimits, FindingPage, FindingQuery};
use crate::phrases::Said;
use crate::state::AppState;

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_findings))
}

/// Faults of machines in a stored version, page by page
///
/// Each of one machine on one day: a quality event of kind `fault` with its evidence, the energy above the machine's own
/// best decile, and how sure it is. Judged on demand, on any version; `coverage` says what could not be judged and why.
/// Limits are parameters. Money only where the site has an energy price (`PUT /api/sites/{site}`).
#[utoipa::path(get, path = "/sessions/{id}/findings", tag = "cleaning", params(("id" = String, Path, description = "The session"), FindingQuery, DiagnosticLimits), responses((status = 200, body = Said<FindingPage>), NoSuchData))]
async fn list_findings(
    State(state): State,
    Path(id): Path,
    Query(query): Query<FindingQuery>,
    Query(limits): Query<DiagnosticLimits>,
) -> Result<Json<Said<FindingPage>>> {
    Ok(Json(Said::of(findings::list(&state, id, &query, &limits).await?)))
}

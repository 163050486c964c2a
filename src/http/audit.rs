//! `/api/audit`: who did what.

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Query, State};
use super::problem::Result;
use crate::accounts::audit_log::{self, AuditExport, AuditFormat};
use crate::audit::{AuditFilter, AuditPage, AuditPaging, Verified};
use crate::state::AppState;

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_audit)).routes(routes!(export_audit)).routes(routes!(verify_audit))
}

/// Who did what, the newest first, page by page
///
/// Everything that changed something, in the transaction that changed it; and what was refused.
#[utoipa::path(get, path = "/audit", tag = "accounts", params(AuditFilter, AuditPaging), responses((status = 200, body = AuditPage)))]
async fn list_audit(
    State(state): State,
    Query(filter): Query<AuditFilter>,
    Query(page): Query<AuditPaging>,
) -> Result<Json<AuditPage>> {
    Ok(Json(audit_log::list(&state, &filter, &page).await?))
}

#[derive(Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct FormatQuery {
    /// `ndjson` (default) or `csv`.
    #[param(inline)]
    format: AuditFormat,
}

/// All of it that matches, the oldest first, as a file
#[utoipa::path(
    get,
    path = "/audit/export",
    tag = "accounts",
    params(AuditFilter, FormatQuery),
    responses((status = 200, description = "The entries", content((String = "application/x-ndjson"), (String = "text/csv"))))
)]
async fn export_audit(
    State(state): State,
    Query(filter): Query<AuditFilter>,
    Query(query): Query<FormatQuery>,
) -> Result<Response> {
    let mut written = AuditExport::new(&state, filter, query.format);
    // What is wrong with the filter is told as everywhere; what goes wrong later breaks the answer off.
    let first = written.next().await?;
    let rest = stream::try_unfold(written, |mut written| async move {
        match written.next().await {
            Ok(piece) => Ok(piece.map(|piece| (Bytes::from(piece), written))),
            Err(error) => Err(std::io::Error::other(error)),
        }
    });
    let body = Body::from_stream(stream::iter(first.map(|piece| Ok(Bytes::from(piece)))).chain(rest));
    let (media_type, name) = match query.format {
        AuditFormat::Ndjson => ("application/x-ndjson", "attachment; filename=\"audit.ndjson\""),
        AuditFormat::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"audit.csv\""),
    };
    let mut response = body.into_response();
    let headers =
        [(header::CONTENT_TYPE, media_type), (header::CONTENT_DISPOSITION, name), (header::CACHE_CONTROL, "no-store")];
    for (header, value) in headers {
        response.headers_mut().insert(header, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// Whether every entry is what was noted
///
/// Each entry's hash follows from it and the hash before it.
#[utoipa::path(get, path = "/audit/verify", tag = "accounts", responses((status = 200, body = Verified)))]
async fn verify_audit(State(state): State) -> Result<Json<Verified>> {
    Ok(Json(audit_log::verify(&state).await?))
}

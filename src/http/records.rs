//! Routes of declared collections, and `/api/collections`, which says what is declared.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State as AxumState};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::endpoint::{DeclaredRoute, OtherMethods};
use super::extract::{self, JSON_LIMIT_BYTES, State};
use super::middleware::MEMORY_PER_JSON_BYTE;
use super::problem::{self, Failed, Result};
use super::{answer, contract, operation, pairs};
use crate::error::{Error, codes};
use crate::records::collection::Collection;
use crate::records::list::FORMAT;
use crate::records::read::RecordPage;
use crate::records::routes::{Action, RecordRoute};
use crate::records::shown::Collections;
use crate::state::AppState;

/// Longest body of a batch.
const BATCH_LIMIT_BYTES: usize = 16 * 1024 * 1024;

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_collections))
}

/// What is declared, and what became of each file of declarations
///
/// Collections that whoever asks may read.
#[utoipa::path(get, path = "/collections", tag = "records", responses((status = 200, body = Collections)))]
async fn list_collections(State(state): State) -> Json<Collections> {
    Json(state.records.collections(state.principal()))
}

/// Answers a declared route; what is none is no route at all.
pub async fn answer_declared(
    AxumState(state): AxumState<AppState>,
    declared: Option<Extension<Arc<DeclaredRoute>>>,
    other: Option<Extension<OtherMethods>>,
    request: Request,
) -> Response {
    if let Some(Extension(OtherMethods(methods))) = other {
        let mut response = problem::method_not_allowed().await.into_response();
        if let Ok(allowed) = HeaderValue::from_str(&methods.join(",")) {
            response.headers_mut().insert(header::ALLOW, allowed);
        }
        return response;
    }
    let Some(Extension(declared)) = declared else {
        return match state.records.registry().routes.meant(request.uri().path()) {
            Some(meant) => {
                let message = format!("There is no collection at this path; did you mean /api/{meant}?");
                Failed(Error::new(codes::UNKNOWN_COLLECTION, message)).into_response()
            }
            None => problem::no_such_route().await.into_response(),
        };
    };
    let limit = state.config.request_timeout;
    match tokio::time::timeout(limit, carried_out(state, &declared, request)).await {
        Ok(Ok(response)) => response,
        Ok(Err(failed)) => failed.into_response(),
        Err(_) => {
            let message = format!("This took longer than {} s; try again, or ask for less at once.", limit.as_secs());
            Failed(Error::new(codes::TIMEOUT, message).with_retry_after(5)).into_response()
        }
    }
}

/// A route that takes a body: it writes.
async fn written(
    state: &AppState,
    route: &RecordRoute,
    query: &[(String, String)],
    request: Request,
) -> Result<Response> {
    let (records, collection) = (&state.records, &route.collection);
    let answer = if route.action == Action::WriteBatch {
        operation::only(query, &["partial"])?;
        let partial = pairs::flag(query, "partial")?.unwrap_or(false);
        let body = body_of(state, request, BATCH_LIMIT_BYTES).await?;
        records.write_batch(collection, &body, partial).await?
    } else {
        operation::only(query, &[])?;
        let body = body_of(state, request, JSON_LIMIT_BYTES).await?;
        records.write_one(collection, &Value::Object(body)).await?
    };
    Ok((StatusCode::ACCEPTED, Json(answer)).into_response())
}

async fn carried_out(state: AppState, declared: &DeclaredRoute, request: Request) -> Result<Response> {
    let (mut parts, body) = request.into_parts();
    let State(state) = State::from_request_parts(&mut parts, &state).await?;
    let query = pairs::of(&parts.uri)?;
    let request = Request::from_parts(parts, body);
    let (records, collection) = (&state.records, &declared.route.collection);
    let id = extract::decoded(declared.id.as_deref().unwrap_or_default())?;
    let system = collection.system.as_str();
    if matches!(declared.route.action, Action::Write | Action::WriteBatch) {
        return written(&state, &declared.route, &query, request).await;
    }
    contract::no_body(request).await?;
    Ok(match declared.route.action {
        Action::Write | Action::WriteBatch => return Err(Error::internal("a route that writes takes a body").into()),
        Action::List => list(&state, collection, None, query).await?,
        Action::Children => list(&state, collection, Some(&id), query).await?,
        Action::Incomplete => page(&records.incomplete(collection, &query).await?),
        Action::Read => {
            operation::only(&query, &[])?;
            Json(records.get(collection, &id, state.principal().role).await?).into_response()
        }
        Action::Delete => {
            operation::only(&query, &[])?;
            records.delete(collection, &id, state.shared_principal()).await?;
            StatusCode::NO_CONTENT.into_response()
        }
        Action::Restore => {
            operation::only(&query, &[])?;
            Json(records.restore(system, &id).await?).into_response()
        }
        Action::Flush => {
            operation::only(&query, &[])?;
            Json(records.flush(system).await?).into_response()
        }
        Action::Rejected => {
            operation::only(&query, &["page", "page_size"])?;
            let number = |word| pairs::number(&query, word);
            Json(records.rejected(system, number("page")?, number("page_size")?).await?).into_response()
        }
    })
}

/// A body, once there is memory for it.
async fn body_of(state: &AppState, request: Request, limit: usize) -> Result<serde_json::Map<String, Value>> {
    let length = answer::header_text(request.headers(), header::CONTENT_LENGTH);
    let bytes = length.and_then(|text| text.parse::<u64>().ok()).unwrap_or(JSON_LIMIT_BYTES as u64);
    let _held = state.memory.bodies.hold(bytes.saturating_mul(MEMORY_PER_JSON_BYTE)).await?;
    Ok(extract::object_body(request, limit).await?)
}

/// A list: a page of it, or with `format=ndjson` all of it.
async fn list(
    state: &AppState,
    collection: &Arc<Collection>,
    parent: Option<&str>,
    mut query: Vec<(String, String)>,
) -> Result<Response> {
    let formats: Vec<String> = query.extract_if(.., |(name, _)| name == FORMAT).map(|(_, format)| format).collect();
    match formats.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] | ["json"] => Ok(page(&state.records.list(collection, parent, &query).await?)),
        ["ndjson"] => {
            let mut export = state.records.export(collection, parent, &query).await?;
            // What is wrong with the question is told as everywhere; what goes wrong later breaks the answer off.
            let first = export.next().await?;
            let rest = stream::try_unfold(export, |mut export| async move {
                match export.next().await {
                    Ok(piece) => Ok(piece.map(|piece| (Bytes::from(piece), export))),
                    Err(error) => Err(std::io::Error::other(error)),
                }
            });
            let body = Body::from_stream(stream::iter(first.map(|piece| Ok(Bytes::from(piece)))).chain(rest));
            Ok(([(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "no-store")], body)
                .into_response())
        }
        [_, _, ..] => {
            let message = format!("{FORMAT}: it is given more than once; give it once");
            Err(Error::invalid(FORMAT, codes::REPEATED_PARAMETER, message).into())
        }
        [other] => {
            let message = format!("{FORMAT}: '{other}' is neither json nor ndjson");
            Err(Error::invalid(FORMAT, codes::INVALID_FIELD, message).into())
        }
    }
}

/// A page; one that looked at every record says so.
fn page(page: &RecordPage) -> Response {
    let mut response = Json(page).into_response();
    if !page.scanned.is_empty() {
        let fields = page.scanned.join(", ");
        let said = format!("199 - \"{fields}: no index helps here, every record was looked at\"");
        if let Ok(value) = HeaderValue::from_str(&said) {
            response.headers_mut().insert(header::WARNING, value);
        }
    }
    response
}

//! `POST /api/parse`: reports become a dataset; `POST /api/demo`: the samples do.

use axum::Json;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::accepted;
use super::extract::{Json as Body, State};
use super::problem::Result;
use super::responses::NoSuchSession;
use crate::demo;
use crate::error::Context;
use crate::phrases::Said;
use crate::sessions::job::{self, QueuedJob};
use crate::sessions::parse::{Caller, parse};
use crate::sessions::{ParseRequest, Parsed};
use crate::state::AppState;

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(post_parse)).routes(routes!(post_demo))
}

/// Parses reports into a session
///
/// Either server-side files (`files`, `subfolder`; makes a session) or an uploaded session (`session_id`). The files are
/// joined on time; every cell becomes a value or a null with a reason. Nothing is stored when a file cannot be read.
/// The work goes on when the client disconnects; with `wait: false` it is a job, to be followed at `/api/jobs/{id}`.
#[utoipa::path(
    post,
    path = "/parse",
    tag = "sessions",
    request_body(content = ParseRequest, example = json!({"subfolder": "kmuh", "name": "KMUH autumn", "site": "KMUH", "timezone": "Asia/Taipei"})),
    responses(
        (status = 200, body = Said<Parsed>),
        (status = 202, body = QueuedJob, description = "With `wait: false`", headers(("Location" = String, description = "The job"))),
        NoSuchSession,
    )
)]
async fn post_parse(State(state): State, Body(request): Body<ParseRequest>) -> Result<Response> {
    if request.wait == Some(false) {
        let queued = job::enqueue(&state, request).await?;
        return Ok(accepted(&queued));
    }
    let tasks = state.tasks.clone();
    let work = async move { parse(&state, request, Caller::Http).await };
    Ok(Json(Said::of(tasks.spawn(work.in_current_span()).await.internal("parsing")??)).into_response())
}

/// Makes the demo session, or answers the one there is
///
/// Of reports that are part of the program: two weeks of an invented plant.
#[utoipa::path(post, path = "/demo", tag = "sessions", responses((status = 200, body = Said<Parsed>)))]
async fn post_demo(State(state): State) -> Result<Json<Said<Parsed>>> {
    let tasks = state.tasks.clone();
    let work = async move { demo::make(&state, Caller::Http).await };
    Ok(Json(Said::of(tasks.spawn(work.in_current_span()).await.internal("making the demo")??)))
}

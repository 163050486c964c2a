//! `GET /api/files`: reports that lie on the server.

use axum::Json;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Query, State};
use super::problem::Result;
use crate::error::Context;
use crate::sessions::{FolderListing, folders};
use crate::state::AppState;

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_files))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct FilesQuery {
    /// Below `DATA_DIR`; `data` is its root.
    #[param(example = "data")]
    data_dir: Option<String>,
    /// Below `data_dir`.
    #[param(example = "kmuh")]
    subfolder: Option<String>,
}

/// Reports that lie on the server
///
/// Without `subfolder` the folders and how many reports each has; with it the reports in it. A folder that does not
/// exist is an empty list with an `error` text.
#[utoipa::path(get, path = "/files", tag = "files", params(FilesQuery), responses((status = 200, body = FolderListing)))]
async fn list_files(State(state): State, Query(query): Query<FilesQuery>) -> Result<Json<FolderListing>> {
    let look = move || folders::list(&state, query.data_dir.as_deref(), query.subfolder.as_deref());
    Ok(Json(tokio::task::spawn_blocking(look).await.internal("listing a folder")??))
}

//! All routes under one roof, and what every request passes on its way to them.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::http::HeaderValue;
use axum::http::header;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::{Config as DocsConfig, SwaggerUi};

use super::contract::{self, Gate, keep};
use super::declared_document::Documents;
use super::endpoint::find;
use super::hosts::{Door, guard};
use super::middleware::{compressible, cors, hold_body, observe, time_out};
use super::rates::{Rates, count};
use super::{
    access, audit, bundles, cleaning, data, events, export, files, findings, health, jobs, keys, login, models,
    openapi, optimize, parse, problem, raw_files, records, sessions, shape, sharing, sites, storage, system, ui,
    uploads, users,
};
use crate::config::Config;
use crate::observability::requests::RequestMetrics;
use crate::state::AppState;

const DOCUMENT: &str = "/api/openapi.json";

/// Every route, twice: below `/api` and below `/api/v1`; the documents and the page beside them.
pub fn router(state: AppState) -> Router {
    let api = api(&state);
    let (versioned, _) = api.clone().split_for_parts();
    let (routes, document) = documented(&state, api).split_for_parts();
    let gate = contract::gate(move || openapi::finished(&document));
    let document = serve_document(&gate, &state);
    // As the page at `/docs/` names it, wherever a proxy serves it.
    let docs = DocsConfig::from("../api/openapi.json").validator_url("none").try_it_out_enabled(true);

    let routes = routes
        .nest("/api/v1", versioned)
        .route(DOCUMENT, get(document.clone()))
        .route("/api/v1/openapi.json", get(document))
        .merge(ui::docs(SwaggerUi::new("/docs").config(docs).into()))
        .merge(ui::routes())
        .fallback(records::answer_declared)
        .layer(from_fn_with_state(gate, keep))
        .layer(from_fn(access::enforce))
        .layer(from_fn_with_state(Arc::new(Rates::of(&state.config)), count))
        .layer(from_fn_with_state(state.clone(), access::identify));
    let found = from_fn_with_state(state.records.clone(), find);
    surround(routes, &state.config).layer(found).with_state(state)
}

/// What every answer passes, those of no route and of a panic too.
fn surround<S: Clone + Send + Sync + 'static>(routes: Router<S>, config: &Config) -> Router<S> {
    let around = ServiceBuilder::new()
        .layer(from_fn_with_state(Arc::new(RequestMetrics::default()), observe))
        .layer(cors(&config.cors_allowed_origins))
        .layer(CompressionLayer::new().gzip(true).compress_when(compressible()))
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(from_fn_with_state(Arc::new(Door::of(config)), guard));
    routes.method_not_allowed_fallback(problem::method_not_allowed).layer(around)
}

fn documented(state: &AppState, api: OpenApiRouter<AppState>) -> OpenApiRouter<AppState> {
    let beside = health::root_routes().merge(system::root_routes());
    #[cfg(feature = "graphql")]
    let beside = beside.merge(
        super::graphql::root_routes()
            .layer(from_fn_with_state(state.config.request_timeout, time_out))
            .layer(from_fn_with_state(state.clone(), hold_body)),
    );
    #[cfg(not(feature = "graphql"))]
    let _ = state;
    OpenApiRouter::with_openapi(openapi::Document::openapi()).nest("/api", api).merge(beside)
}

/// Uploads, parses and data files take the time they need; all else is under the time-out.
fn api(state: &AppState) -> OpenApiRouter<AppState> {
    let quick = OpenApiRouter::new()
        .merge(health::routes())
        .merge(system::routes())
        .merge(files::routes())
        .merge(records::routes())
        .merge(storage::routes())
        .merge(sessions::routes())
        .merge(sites::routes())
        .merge(sharing::routes())
        .merge(audit::routes())
        .merge(login::routes())
        .merge(users::routes())
        .merge(keys::routes())
        .merge(data::routes())
        .merge(shape::routes())
        .merge(jobs::routes())
        .merge(events::routes())
        .merge(cleaning::routes())
        .merge(findings::routes())
        .merge(models::routes())
        .merge(optimize::routes());
    #[cfg(feature = "graphql")]
    let quick = quick.merge(super::graphql::routes());
    let quick = quick.layer(from_fn_with_state(state.config.request_timeout, time_out));
    let slow = OpenApiRouter::new()
        .merge(uploads::routes())
        .merge(parse::routes())
        .merge(cleaning::slow_routes())
        .merge(models::slow_routes())
        .merge(export::routes())
        .merge(raw_files::routes());
    #[cfg(feature = "sql")]
    let slow = slow.merge(super::query::routes());
    // What is streamed to the disk is not held in memory.
    quick
        .merge(slow)
        .layer(from_fn_with_state(state.clone(), hold_body))
        .merge(bundles::routes())
        .merge(storage::slow_routes())
}

/// The program's own routes, and those that are declared at that moment.
fn serve_document(gate: &Arc<Gate>, state: &AppState) -> impl Handler<((),), AppState> {
    let documents = Arc::new(Documents::new(Arc::clone(gate), state.records.clone()));
    move || async move { ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], documents.text()) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_problem_without_internals() {
        async fn breaks() -> &'static str {
            let secret = "/srv/secret";
            panic!("broken at {secret}")
        }
        let origin = "http://localhost:3000";
        let config = Config::from_values(|_| None).unwrap();
        let routes = surround(Router::<()>::new().route("/boom", get(breaks)), &config);
        let request =
            Request::get("/boom").header("host", "localhost").header("origin", origin).body(Body::empty()).unwrap();
        let response = routes.oneshot(request).await.unwrap();
        assert_eq!(response.status().as_u16(), 500);
        assert_eq!(response.headers()["access-control-allow-origin"], origin);
        let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&problem["code"], &problem["request_id"]), (&"internal".into(), &id.into()));
        assert!(!problem.to_string().contains("secret"), "{problem}");
    }
}

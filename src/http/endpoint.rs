//! Where a request goes: a built-in route, or one that a declaration makes.
//!
//! The router knows the built-in ones. The others change while the server runs: [`find`] looks each request up before
//! everything else, and whatever asks where a request goes asks [`Endpoint::of`].

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Extensions;
use axum::middleware::Next;
use axum::response::Response;

use crate::records::Records;
use crate::records::routes::{Meant, RecordRoute};

/// Where a request goes.
#[derive(Debug, Clone)]
pub enum Endpoint {
    /// A route of the program.
    BuiltIn(MatchedPath),
    /// A route of a declaration.
    Declared(Arc<DeclaredRoute>),
}

/// A route of a declaration, as a request asked for it.
#[derive(Debug)]
pub struct DeclaredRoute {
    /// What it does.
    pub route: Arc<RecordRoute>,
    /// What stands where its path has `{id}`, as it was sent.
    pub id: Option<String>,
    /// Its whole path, such as `/api/v1/work-orders/{id}`.
    pub path: String,
}

/// Methods of a declared path that was asked for by another.
#[derive(Debug, Clone)]
pub struct OtherMethods(pub Vec<&'static str>);

impl Endpoint {
    /// Of a request; none when there is no such route.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<Self> {
        match extensions.get::<MatchedPath>() {
            Some(path) => Some(Self::BuiltIn(path.clone())),
            None => extensions.get::<Arc<DeclaredRoute>>().cloned().map(Self::Declared),
        }
    }

    /// Its path as the router or the declaration has it, never as the client wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::BuiltIn(path) => path.as_str(),
            Self::Declared(route) => &route.path,
        }
    }
}

/// Looks whether a request is for a declared route, and leaves that in it.
pub async fn find(State(records): State<Records>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let prefix = ["/api/v1", "/api"]
        .into_iter()
        .find(|prefix| path.strip_prefix(*prefix).is_some_and(|below| below.starts_with('/')));
    let Some(prefix) = prefix else { return next.run(request).await };
    let below = path.get(prefix.len()..).unwrap_or_default();
    match records.registry().routes.find(request.method().as_str(), below) {
        Some(Meant::Route(route, id)) => {
            let path = format!("{prefix}{}", route.path);
            request.extensions_mut().insert(Arc::new(DeclaredRoute { route, id, path }));
        }
        Some(Meant::Methods(methods)) => drop(request.extensions_mut().insert(OtherMethods(methods))),
        None => {}
    }
    next.run(request).await
}

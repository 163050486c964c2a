//! The API document as the gatekeeper: what it does not name, no route takes.
//!
//! Built once from the document itself, so that a new route cannot forget it, and beside the start, since the first
//! requests hardly need it: [`keep`] stands before every route below
//! `/api` and refuses query parameters that the document does not have, or that come twice; the body's extractors ask
//! the [`Operation`] that it leaves in the request for the names of fields. A path below `/api` that the document does
//! not have takes no parameter at all.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use axum::body::{Body, HttpBody};
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::operation::{Operation, detail, refused};
use super::problem::Failed;
use super::{extract, pairs};
use crate::error::{Error, Result, codes};

/// Longest body of a route that takes none: enough for `{}` and blanks, or for one field to be named.
const UNASKED_BODY_BYTES: usize = 64 * 1024;

/// What each route takes.
pub struct Contract {
    /// By the router's path, `/api/v1` too.
    routes: HashMap<String, HashMap<Method, Arc<Operation>>>,
    /// Of a route that the document does not have.
    nothing: Arc<Operation>,
    /// The document's text.
    pub text: String,
}

/// A contract that is being made, or is there.
pub type Gate = LazyLock<Contract, Box<dyn FnOnce() -> Contract + Send>>;

/// Has a contract made by a thread of its own; whoever needs it before it is there makes it, or waits.
pub fn gate(document: impl FnOnce() -> Value + Send + 'static) -> Arc<Gate> {
    let gate: Arc<Gate> = Arc::new(LazyLock::new(Box::new(move || Contract::of(&document()))));
    let making = Arc::clone(&gate);
    // Without a thread the first who needs it makes it.
    let _ = std::thread::Builder::new().name("contract".to_owned()).spawn(move || {
        LazyLock::force(&making);
    });
    gate
}

impl Contract {
    /// What a finished document says.
    pub fn of(document: &Value) -> Self {
        let mut routes: HashMap<String, HashMap<Method, Arc<Operation>>> = HashMap::new();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            let operation = |(method, operation): (&String, &Value)| {
                let method = method.to_uppercase().parse().ok()?;
                Some((method, Arc::new(Operation::of(document, operation))))
            };
            let methods: HashMap<_, _> = item.as_object().into_iter().flatten().filter_map(operation).collect();
            if let Some(rest) = path.strip_prefix("/api/") {
                routes.insert(format!("/api/v1/{rest}"), methods.clone());
            }
            routes.insert(path.clone(), methods);
        }
        Self { routes, nothing: Arc::default(), text: document.to_string() }
    }

    /// What a request may say; none when it is not the document's affair: a page, or a method that will be refused.
    fn operation(&self, path: &str, method: &Method) -> Option<&Arc<Operation>> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        match self.routes.get(path) {
            Some(methods) => methods.get(method),
            None => path.starts_with("/api/").then_some(&self.nothing),
        }
    }
}

/// Refuses what the document does not name, and tells the route what it does.
pub async fn keep(State(contract): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    let says_nothing = request.uri().query().is_none_or(str::is_empty) && request.body().is_end_stream();
    if says_nothing && matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    let matched = request.extensions().get::<MatchedPath>();
    let Some(operation) = matched.and_then(|path| contract.operation(path.as_str(), request.method())) else {
        return next.run(request).await;
    };
    if request.uri().query().is_some_and(|query| !query.is_empty())
        && let Err(error) = pairs::of(request.uri()).and_then(|query| operation.check_query(&query))
    {
        return Failed(error).into_response();
    }
    if operation.has_body() {
        let operation = Arc::clone(operation);
        request.extensions_mut().insert(operation);
    } else if !request.body().is_end_stream() {
        let (parts, body) = request.into_parts();
        if let Err(error) = no_body(Request::from_parts(parts.clone(), body)).await {
            return Failed(error).into_response();
        }
        request = Request::from_parts(parts, Body::empty());
    }
    next.run(request).await
}

/// A route that takes no body is sent one by many clients: nothing, blanks, `{}` or `null` are as good as none.
pub async fn no_body(request: Request) -> Result<()> {
    let bytes = extract::read_body(request, UNASKED_BODY_BYTES).await?;
    let text = bytes.trim_ascii();
    if text.is_empty() {
        return Ok(());
    }
    match serde_json::from_slice::<Value>(text) {
        Ok(Value::Null) => Ok(()),
        Ok(Value::Object(fields)) => {
            let wrong =
                |name: &String| detail(name, format!("{name}: there is no such field; this route takes no body"));
            refused(codes::UNKNOWN_FIELD, fields.keys().map(wrong).collect())
        }
        _ => Err(Error::new(codes::UNEXPECTED_BODY, "This route takes no body; send none.")),
    }
}

//! The catalogue and what happens as a graph (feature `graphql`): what REST answers, asked for by field, and what hangs on
//! it in one go. It reads only.
//!
//! The schema is made when the program runs ([`async_graphql::dynamic`]). Every field goes through the use cases of REST, for
//! whoever asks; what hangs on many things is looked up at once ([`loaders`]); what a query may answer at most is counted
//! before it is carried out ([`cost`]).

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::dynamic::{Object, Scalar, Schema, SchemaError};
use async_graphql::futures_util::stream::{self, BoxStream, StreamExt};
use async_graphql::{Data, Executor, Request, Response};

use crate::error::{Error, Result};
use crate::records::Registry;
use crate::state::AppState;

mod catalogue;
mod collections;
mod cost;
mod failure;
mod loaders;
mod row;
mod subscription;

use cost::Lists;
use failure::failed;
use row::{JSON, LONG};

/// Fields of the catalogue that are pages, and lists that hang on its things.
const PAGES: [&str; 3] = ["sessions", "models", "optimizations"];
const LISTS: [&str; 2] = ["versions", "models_made"];

/// A schema by the declarations in force, and the lists that it has.
#[derive(Clone)]
struct Drawn {
    registry: Arc<Registry>,
    schema: Schema,
    lists: Arc<Lists>,
}

/// The schema as it was made last; it holds nobody's data.
#[derive(Default)]
pub struct Schemas(Mutex<Option<Drawn>>);

impl Schemas {
    /// By the declarations in force; made anew when they are others.
    fn of(&self, state: &AppState) -> Result<Drawn> {
        let registry = state.records.registry();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(drawn) = kept.as_ref().filter(|drawn| Arc::ptr_eq(&drawn.registry, &registry)) {
            return Ok(drawn.clone());
        }
        let drawn = draw(&registry).or_else(|error| {
            tracing::warn!(%error, "the graph is without declared collections: a declaration has a name that it has itself");
            draw(&Registry::default())
        });
        let contradiction = |error: SchemaError| Error::internal(format!("the schema contradicts itself: {error}"));
        let (schema, lists) = drawn.map_err(contradiction)?;
        let drawn = Drawn { registry, schema, lists: Arc::new(lists) };
        *kept = Some(drawn.clone());
        Ok(drawn)
    }
}

fn draw(registry: &Registry) -> std::result::Result<(Schema, Lists), SchemaError> {
    let whole = Scalar::new(LONG).description("A whole number of any size");
    let free = Scalar::new(JSON).description("Whatever JSON has");
    let taken: Vec<String> =
        PAGES.iter().chain(&["session", "model", "optimization"]).map(|name| (*name).to_owned()).collect();
    let query = collections::queries(catalogue::queries(Object::new("Query")), registry, &taken);
    let schema = Schema::build("Query", None, Some("Subscription")).register(whole).register(free);
    let schema = subscription::register(catalogue::register(schema));
    let schema = collections::register(schema, registry, &taken).register(query).finish()?;
    // A collection's name is a page of it, and the list of a parent's: which is meant is not known before.
    let names: Vec<&str> = collections::shown(registry, &taken).map(|collection| collection.name.as_str()).collect();
    Ok((schema, cost::lists(PAGES.into_iter().chain(names), LISTS.into_iter())))
}

/// The graph for whoever asks.
#[derive(Clone)]
pub struct Graph {
    schema: Schema,
    lists: Arc<Lists>,
    state: AppState,
    open: subscription::Open,
}

impl Graph {
    /// For whoever that state is of.
    ///
    /// # Errors
    /// Internal when the schema contradicts itself.
    pub fn new(state: &AppState, schemas: &Schemas) -> Result<Self> {
        let Drawn { schema, lists, .. } = schemas.of(state)?;
        Ok(Self { schema, lists, state: state.clone(), open: subscription::Open::default() })
    }

    /// Its types, in GraphQL's own language.
    #[must_use]
    pub fn sdl(&self) -> String {
        self.schema.sdl()
    }

    /// The request with what its fields need, unless it asks for too much.
    fn admitted(&self, mut request: Request) -> std::result::Result<Request, Box<Response>> {
        let (operation, variables) = (request.operation_name.clone(), request.variables.clone());
        let document = request.parsed_query().map_err(|error| Box::new(Response::from_errors(vec![error])))?;
        cost::check(document, operation.as_deref(), &variables, &self.lists).map_err(|error| {
            Box::new(Response::from_errors(vec![failed(&error).into_server_error(Default::default())]))
        })?;
        Ok(request.data(self.state.clone()).data(loaders::new(&self.state)).data(self.open.clone()))
    }
}

impl Executor for Graph {
    async fn execute(&self, request: Request) -> Response {
        match self.admitted(request) {
            Ok(request) => self.schema.execute(request).await,
            Err(refusal) => *refusal,
        }
    }

    fn execute_stream(&self, request: Request, data: Option<Arc<Data>>) -> BoxStream<'static, Response> {
        match self.admitted(request) {
            Ok(request) => self.schema.execute_stream_with_session_data(request, data.unwrap_or_default()),
            Err(refusal) => stream::once(async { *refusal }).boxed(),
        }
    }
}

impl std::fmt::Debug for Graph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Graph")
    }
}

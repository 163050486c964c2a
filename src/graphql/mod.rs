//! The catalogue and what happens as a graph (feature `graphql`): what REST answers, asked for by field, and what hangs on
//! it in one go. It reads only.
//!
//! The schema is made when the program runs ([`async_graphql::dynamic`]). Every field goes through the use cases of REST, for
//! whoever asks; what hangs on many things is looked up at once ([`loaders`]); what a query may answer at most is counted
//! before it is carried out ([`cost`]).

use std::sync::{Arc, LazyLock};

use async_graphql::dynamic::{Object, Scalar, Schema, SchemaError};
use async_graphql::futures_util::stream::{self, BoxStream, StreamExt};
use async_graphql::{Data, Executor, Request, Response};

use crate::error::{Error, Result};
use crate::state::AppState;

mod catalogue;
mod cost;
mod failure;
mod loaders;
mod row;
mod subscription;

pub use catalogue::PAGES;

use failure::failed;
use row::{JSON, LONG};

/// Of all who ask: it holds nobody's data.
static SCHEMA: LazyLock<std::result::Result<Schema, SchemaError>> = LazyLock::new(|| {
    let whole = Scalar::new(LONG).description("A whole number of any size");
    let free = Scalar::new(JSON).description("Whatever JSON has");
    let schema = Schema::build("Query", None, Some("Subscription")).register(whole).register(free);
    let schema = subscription::register(catalogue::register(schema));
    schema.register(catalogue::queries(Object::new("Query"))).finish()
});

/// The graph for whoever asks.
#[derive(Clone)]
pub struct Graph {
    schema: Schema,
    state: AppState,
    open: subscription::Open,
}

impl Graph {
    /// For whoever that state is of.
    ///
    /// # Errors
    /// Internal when the schema contradicts itself.
    pub fn new(state: &AppState) -> Result<Self> {
        match &*SCHEMA {
            Ok(schema) => {
                Ok(Self { schema: schema.clone(), state: state.clone(), open: subscription::Open::default() })
            }
            Err(error) => Err(Error::internal(format!("the schema of the graph contradicts itself: {error}"))),
        }
    }

    /// Its types, in GraphQL's own language.
    #[must_use]
    pub fn sdl(&self) -> String {
        self.schema.sdl()
    }

    /// The request with what its fields need, unless it asks for too much.
    fn admitted(&self, mut request: Request) -> std::result::Result<Request, Response> {
        let (operation, variables) = (request.operation_name.clone(), request.variables.clone());
        let document = request.parsed_query().map_err(|error| Response::from_errors(vec![error]))?;
        cost::check(document, operation.as_deref(), &variables)
            .map_err(|error| Response::from_errors(vec![failed(&error).into_server_error(Default::default())]))?;
        Ok(request.data(self.state.clone()).data(loaders::new(&self.state)).data(self.open.clone()))
    }
}

impl Executor for Graph {
    async fn execute(&self, request: Request) -> Response {
        match self.admitted(request) {
            Ok(request) => self.schema.execute(request).await,
            Err(refusal) => refusal,
        }
    }

    fn execute_stream(&self, request: Request, data: Option<Arc<Data>>) -> BoxStream<'static, Response> {
        match self.admitted(request) {
            Ok(request) => self.schema.execute_stream_with_session_data(request, data.unwrap_or_default()),
            Err(refusal) => stream::once(async { refusal }).boxed(),
        }
    }
}

impl std::fmt::Debug for Graph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Graph")
    }
}

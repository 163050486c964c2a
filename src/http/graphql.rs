//! `/graphql`: the graph; queries by POST, subscriptions by a WebSocket that speaks `graphql-transport-ws`.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::http::{WebSocket as GraphSocket, WebSocketProtocols as Protocols, WsMessage};
use async_graphql::{Data, Executor, Request as GraphRequest, Variables};
use axum::body::Bytes;
use axum::extract::Request;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::{Extension, Json as Answer};
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::allowance::Allowance;
use super::extract::{Json, State};
use super::lasting::LastingCaller;
use super::problem::Result;
use crate::error::{Error, codes};
use crate::graphql::{Graph, Schemas};
use crate::state::AppState;

/// Longest request: a query is short.
const REQUEST_BYTES: usize = 64 * 1024;
/// What is read and written at once.
const BUFFER_BYTES: usize = 4 * 1024;
/// Messages a minute.
const MESSAGES_PER_MINUTE: u32 = 120;
/// Messages that wait for the graph to take them.
const MESSAGES_AT_ONCE: usize = 64;
/// How often it is looked whether whoever follows still may, when nothing happens.
const LOOKED_EVERY: Duration = Duration::from_secs(2);
/// How often a client that is silent is asked whether it is there.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often until it is taken for gone.
const SILENT_BEATS: u32 = 3;
/// How long a client may keep us waiting to take what is sent.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it may take to hear why it is cut off.
const LAST_WORD: Duration = Duration::from_secs(1);
/// The protocol that is spoken.
const PROTOCOL: &str = "graphql-transport-ws";

pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(post_graphql))
        .routes(routes!(get_graphql))
        .layer(Extension(Arc::<Schemas>::default()))
}

/// The same at the root, where clients look for it.
pub fn root_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(post_root_graphql))
        .routes(routes!(get_root_graphql))
        .layer(Extension(Arc::<Schemas>::default()))
}

/// A query.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"query": "{ sessions(status: \"parsed\", page_size: 5) { total items { name versions { version row_count } } } }"}))]
struct GraphQuery {
    /// In GraphQL.
    query: String,
    /// What its variables are.
    #[serde(default)]
    #[schema(value_type = Option<Object>, additional_properties)]
    variables: Option<Value>,
    /// Which of its operations, where there are several.
    #[serde(default, rename = "operationName")]
    operation_name: Option<String>,
    /// Is taken, as clients send it, and means nothing here.
    #[serde(default, rename = "extensions")]
    #[schema(value_type = Option<Object>, additional_properties)]
    _extensions: Option<Value>,
}

/// What was found; describes it only.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the answer")]
#[schema(example = json!({"data": {"sessions": {"total": 1, "items": [{"name": "Plant", "versions": [{"version": "parsed-v1", "row_count": 96}]}]}}}))]
struct GraphAnswer {
    /// By the query's names; null where nothing could be answered.
    #[schema(value_type = Option<Object>)]
    data: Value,
    /// What went wrong: a sentence, where in the query, and the code in `extensions`.
    #[schema(value_type = Option<Vec<Object>>)]
    errors: Value,
}

/// Asks the graph
///
/// Sessions, versions of their data, models and recommendations, as far as one sees them: by the fields and filters of REST.
/// What goes wrong with a field stands in `errors`, with its code in `extensions`; the status is 200 then too.
#[utoipa::path(post, path = "/graphql", tag = "graphql", request_body = GraphQuery, responses((status = 200, body = GraphAnswer)))]
async fn post_graphql(
    State(state): State,
    Extension(schemas): Extension<Arc<Schemas>>,
    Json(asked): Json<GraphQuery, REQUEST_BYTES>,
) -> Result<Answer<async_graphql::Response>> {
    let GraphQuery { query, variables, operation_name, .. } = asked;
    let mut request = GraphRequest::new(query).variables(Variables::from_json(variables.unwrap_or_default()));
    request.operation_name = operation_name;
    Ok(Answer(Graph::new(&state, &schemas)?.execute(request).await))
}

/// Asks the graph
///
/// The same as `/api/graphql`.
#[utoipa::path(post, path = "/graphql", tag = "graphql", operation_id = "post_root_graphql", request_body = GraphQuery, responses((status = 200, body = GraphAnswer)))]
async fn post_root_graphql(
    state: State,
    schemas: Extension<Arc<Schemas>>,
    asked: Json<GraphQuery, REQUEST_BYTES>,
) -> Result<Answer<async_graphql::Response>> {
    post_graphql(state, schemas, asked).await
}

/// Follows what happens, by the graph
///
/// A WebSocket that speaks `graphql-transport-ws`: `subscription { events(types: ["session_parsed"]) { type seq data } }`.
#[utoipa::path(get, path = "/graphql", tag = "graphql", responses((status = 101, description = "The connection is a WebSocket")))]
async fn get_graphql(
    State(state): State,
    Extension(schemas): Extension<Arc<Schemas>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: Request,
) -> Result<Response> {
    let upgrade = upgrade.map_err(|rejection| {
        let message = "Queries of the graph are sent by POST; here is its WebSocket for subscriptions.";
        Error::new(codes::NO_WEBSOCKET, message).with_source(rejection)
    })?;
    let upgrade = upgrade.protocols([PROTOCOL]);
    if upgrade.selected_protocol().is_none() {
        let message = format!("The WebSocket of the graph speaks {PROTOCOL}: say so in Sec-WebSocket-Protocol.");
        return Err(Error::new(codes::NO_WEBSOCKET, message).into());
    }
    let caller = LastingCaller::of(&state, &request.into_parts().0, "graphql")?;
    let graph = Graph::new(&state, &schemas)?;
    let task = state.tasks.token();
    let upgrade = upgrade.max_message_size(REQUEST_BYTES).max_frame_size(REQUEST_BYTES);
    let upgrade = upgrade.read_buffer_size(BUFFER_BYTES).write_buffer_size(BUFFER_BYTES);
    Ok(upgrade.on_upgrade(move |socket| async move {
        talk(socket, caller, graph).await;
        drop(task);
    }))
}

/// Follows what happens, by the graph
///
/// The same as `/api/graphql`.
#[utoipa::path(get, path = "/graphql", tag = "graphql", operation_id = "get_root_graphql", responses((status = 101, description = "The connection is a WebSocket")))]
async fn get_root_graphql(
    state: State,
    schemas: Extension<Arc<Schemas>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: Request,
) -> Result<Response> {
    get_graphql(state, schemas, upgrade, request).await
}

/// Why a connection ends.
struct End(u16, &'static str, String);

/// Carries messages between the client and the graph, until either side ends it.
async fn talk(mut socket: WebSocket, mut caller: LastingCaller, graph: Graph) {
    let (said, hears) = mpsc::channel::<Bytes>(MESSAGES_AT_ONCE);
    let messages = stream::unfold(hears, |mut hears| async { hears.recv().await.map(|text| (text, hears)) });
    let mut answers =
        Box::pin(GraphSocket::new(graph, messages, Protocols::GraphQLWS).connection_data(Data::default()));
    let allowance = Allowance::new(MESSAGES_PER_MINUTE);
    let before = caller.state().principal().clone();
    let (mut heard, mut beat) = (Instant::now(), Instant::now() + HEARTBEAT);
    let end = loop {
        let wake = beat.min(Instant::now() + LOOKED_EVERY);
        let frame = tokio::select! {
            biased;
            () = caller.state().jobs.stopped() => break End(1001, "stopping", "the server stops; come again".to_owned()),
            message = socket.recv() => {
                heard = Instant::now();
                match message {
                    Some(Ok(Frame::Text(text))) => {
                        if allowance.take(&()).is_some_and(|standing| standing.wait.is_some()) {
                            let words = format!("more than {MESSAGES_PER_MINUTE} messages a minute");
                            break End(1008, "too_many_messages", words);
                        }
                        if said.try_send(Bytes::from(text)).is_err() {
                            break End(1008, "too_many_messages", "more messages than are taken at once".to_owned());
                        }
                    }
                    Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => {}
                    Some(Ok(Frame::Binary(_))) => break End(1003, "failed", "messages are texts".to_owned()),
                    Some(Ok(Frame::Close(_)) | Err(_)) | None => return,
                }
                None
            }
            answer = answers.next() => match answer {
                Some(WsMessage::Text(text)) => Some(Frame::Text(text.into())),
                Some(WsMessage::Close(code, words)) => break End(code, "failed", words),
                None => return,
            },
            () = sleep_until(wake) => None,
        };
        match caller.renewed().await {
            Ok(None) => {}
            Ok(Some(now)) if now.sight() == before.sight() && now.role == before.role => {}
            Ok(Some(_)) => {
                break End(1008, "not_allowed", "what the account may has changed; connect again".to_owned());
            }
            Err(error) => break End(1008, "not_allowed", error.message),
        }
        let frame = match frame {
            Some(frame) => frame,
            None if Instant::now() < beat => continue,
            None if heard.elapsed() > HEARTBEAT * SILENT_BEATS => {
                break End(1008, "silent", "no sign of the client".to_owned());
            }
            None => {
                beat = Instant::now() + HEARTBEAT;
                Frame::Ping(Bytes::new())
            }
        };
        match timeout(PATIENCE, socket.send(frame)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return,
            Err(_) => {
                caller.cut("slow");
                return;
            }
        }
    };
    let End(code, reason, words) = end;
    if reason != "stopping" {
        caller.cut(reason);
    }
    let closing = async {
        let words: String = words.chars().take(60).collect();
        if socket.send(Frame::Close(Some(CloseFrame { code, reason: words.into() }))).await.is_ok() {
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    let _ = timeout(LAST_WORD, closing).await;
}

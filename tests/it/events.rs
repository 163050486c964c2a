//! What happens, as it happens: in order, without loss, to whoever sees it and nobody else.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hvac_analytics::events::{Audience, NewEvent};
use hvac_analytics::principal::Role;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::helpers::TestApp;

mod happened;
mod limits;
mod messages;
mod order;
mod privacy;
mod records;
mod thousand;

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long it waits for what must not.
const QUIET: Duration = Duration::from_millis(400);

/// A WebSocket of a client.
struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn try_open(app: &TestApp, path: &str, headers: &[(&'static str, &str)]) -> Result<Self, Error> {
        let mut request = format!("ws://{}{path}", app.address).into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        Ok(Self(tokio_tungstenite::connect_async(request).await?.0))
    }

    async fn open(app: &TestApp, headers: &[(&'static str, &str)]) -> Self {
        Self::try_open(app, "/api/v1/events", headers).await.unwrap()
    }

    async fn say(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// The next document; its closing frame where there is none.
    async fn next(&mut self) -> Result<Value, Option<CloseFrame>> {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("nothing came");
            match next {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => return Err(frame),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    async fn got(&mut self) -> Value {
        self.next().await.expect("it was closed")
    }

    /// The next document of that type; others are passed over.
    async fn of(&mut self, kind: &str) -> Value {
        loop {
            let document = self.got().await;
            if document["type"] == kind {
                return document;
            }
        }
    }

    async fn subscribe(&mut self, filter: Value) -> Value {
        let mut message = filter;
        message["action"] = json!("subscribe");
        self.say(&message).await;
        self.of("subscribed").await
    }

    /// Nothing comes for a while.
    async fn is_quiet(&mut self) {
        if let Ok(next) = tokio::time::timeout(QUIET, self.0.next()).await {
            panic!("{next:?}");
        }
    }

    /// Why it was closed; what comes before is passed over.
    async fn closed(&mut self) -> CloseFrame {
        loop {
            match self.next().await {
                Ok(_) => {}
                Err(frame) => return frame.expect("no reason was given"),
            }
        }
    }
}

/// Server-sent events of a client.
struct Stream {
    response: reqwest::Response,
    text: String,
}

#[derive(Debug, Clone, PartialEq)]
struct Sent {
    id: u64,
    event: String,
    data: Value,
}

impl Stream {
    async fn open(app: &TestApp, path: &str, headers: &[(&'static str, &str)]) -> Self {
        let mut request = app.client.get(app.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    /// The next event; none at the end.
    async fn next(&mut self) -> Option<Sent> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let of = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                let found = (of("id: "), of("event: "), of("data: "));
                self.text = rest.to_owned();
                if let (Some(id), Some(event), Some(data)) = found {
                    return Some(Sent { id: id.parse().unwrap(), event, data: serde_json::from_str(&data).unwrap() });
                }
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await.expect("nothing came");
            self.text += std::str::from_utf8(&chunk.ok()??).unwrap();
        }
    }

    async fn got(&mut self) -> Sent {
        self.next().await.expect("it ended")
    }
}

/// Waits until it is told how the service is, as it is once after each start: it would come in between.
async fn status_is_told(app: &TestApp) {
    let before = u64::try_from(app.state.started_at.timestamp_micros()).unwrap() - 1_000_000;
    let path = format!("/api/events?types=system_status_update&since={}", app.state.events.latest().min(before));
    let mut stream = Stream::open(app, &path, &[]).await;
    while stream.got().await.event != "system_status_update" {}
}

/// Publishes numbers for everyone, as records do that are written.
fn publish(app: &TestApp, numbers: std::ops::Range<u64>, padding: usize) {
    let padding = "x".repeat(padding);
    let event = |n| NewEvent::new("tick", Audience::Least(Role::Viewer), &json!({"n": n, "padding": padding}));
    app.state.events.publish_all(numbers.map(event));
}

/// Has a collection declared that raises such events.
fn declare(app: &TestApp) {
    app.state.events.declare(vec![("ticks".to_owned(), "tick".to_owned())]);
}

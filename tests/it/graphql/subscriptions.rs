//! What happens, followed by the graph: `graphql-transport-ws`.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn try_open(app: &TestApp, headers: &[(&'static str, &str)]) -> Result<Self, Error> {
        let mut request = format!("ws://{}/graphql", app.address).into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        Ok(Self(tokio_tungstenite::connect_async(request).await?.0))
    }

    async fn open(app: &TestApp, headers: &[(&'static str, &str)]) -> Self {
        let all: Vec<_> = headers.iter().copied().chain([("sec-websocket-protocol", "graphql-transport-ws")]).collect();
        let mut socket = Self::try_open(app, &all).await.unwrap();
        socket.say(json!({"type": "connection_init"})).await;
        assert_eq!(socket.got().await["type"], "connection_ack");
        socket
    }

    async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// The next message; the code and words of its closing frame where there is none.
    async fn next(&mut self) -> Result<Value, (u16, String)> {
        loop {
            match tokio::time::timeout(PATIENCE, self.0.next()).await.expect("nothing came") {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(Some(frame)))) => return Err((frame.code.into(), frame.reason.to_string())),
                Some(Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn got(&mut self) -> Value {
        self.next().await.unwrap()
    }
}

#[tokio::test]
async fn a_subscription_gets_events_from_where_it_says() {
    let app = TestApp::start().await;
    let start = app.state.events.latest();
    let event = |n: u64| NewEvent::new("recommendation", Audience::Least(Role::Viewer), &json!({"n": n}));
    app.state.events.publish_all((0..3).map(event));
    let mut socket = Socket::open(&app, &[]).await;
    let query =
        format!("subscription {{ events(types: [\"recommendation\"], since: {start}) {{ type seq at data }} }}");
    socket.say(json!({"id": "1", "type": "subscribe", "payload": {"query": query}})).await;
    app.state.events.publish(event(3));
    for n in 0..4 {
        let next = socket.got().await;
        let event = &next["payload"]["data"]["events"];
        assert_eq!((&next["type"], &next["id"]), (&json!("next"), &json!("1")));
        assert_eq!((&event["data"]["n"], &event["type"]), (&json!(n), &json!("recommendation")), "{next}");
        assert!(event["seq"].as_u64().unwrap() > start && event["at"].is_string(), "{next}");
    }
    // Queries, too; and what is wrong is said under its id.
    socket.say(json!({"id": "2", "type": "subscribe", "payload": {"query": "{ sessions { total } }"}})).await;
    assert_eq!(socket.got().await["payload"]["data"]["sessions"]["total"], 0);
    assert_eq!(socket.got().await["type"], "complete");
    socket.say(json!({"id": "3", "type": "subscribe", "payload": {"query": "subscription { events(types: [\"recomendation\"]) { seq } }"}})).await;
    let refused = socket.got().await;
    let error = &refused["payload"]["errors"][0];
    assert_eq!(error["extensions"]["code"], "unknown_event_type", "{refused}");
    assert!(error["message"].as_str().unwrap().contains("did you mean recommendation?"), "{refused}");
}

#[tokio::test]
async fn a_subscription_is_for_who_sees_it_and_ends_with_its_key() {
    let guarded = Guarded::start().await;
    let anna = guarded.service("anna", "operator").await;
    let made =
        guarded.post(&guarded.admin, "/api/keys", &json!({"name": "bert", "role": "operator"})).await.expect(201);
    let (bert, key_id) = (made["key"].as_str().unwrap(), made["id"].as_str().unwrap());
    let (hers, his) = (format!("Bearer {anna}"), format!("Bearer {bert}"));
    let mut hers = Socket::open(&guarded.app, &[("authorization", &hers)]).await;
    let mut his = Socket::open(&guarded.app, &[("authorization", &his)]).await;
    for socket in [&mut hers, &mut his] {
        let query = "subscription { events(types: [\"session_parsed\"]) { data } }";
        socket.say(json!({"id": "1", "type": "subscribe", "payload": {"query": query}})).await;
        socket.say(json!({"type": "ping"})).await;
        assert_eq!(socket.got().await["type"], "pong");
    }
    let id = guarded.session(&anna, "secret", "S1").await;
    assert_eq!(hers.got().await["payload"]["data"]["events"]["data"]["session_id"], id);
    guarded.ask(Some(&guarded.admin), reqwest::Method::DELETE, &format!("/api/keys/{key_id}"), None).await;
    let (code, words) = his.next().await.unwrap_err();
    assert_eq!(code, 1008, "{words}");
}

#[tokio::test]
async fn another_protocol_and_another_origin_are_refused() {
    let app = TestApp::start().await;
    let protocol = ("sec-websocket-protocol", "graphql-transport-ws");
    for (headers, status) in [
        (vec![], 400),
        (vec![("sec-websocket-protocol", "graphql-ws")], 400),
        (vec![protocol, ("origin", "http://evil.example")], 403),
    ] {
        match Socket::try_open(&app, &headers).await {
            Err(Error::Http(response)) => assert_eq!(response.status().as_u16(), status, "{headers:?}"),
            other => panic!("{headers:?}: {}", other.is_ok()),
        }
    }
    // A stranger is let in by neither door.
    let guarded = Guarded::start().await;
    match Socket::try_open(&guarded.app, &[protocol]).await {
        Err(Error::Http(response)) => assert_eq!(response.status().as_u16(), 401),
        other => panic!("{}", other.is_ok()),
    }
    let introspection = json!({"query": "{ __schema { types { name } } }"});
    guarded.app.post("/graphql", &introspection).await.expect_problem(401, "no_credentials");
    let mut socket = Socket::open(&app, &[]).await;
    let stopping = tokio::spawn(app.stop());
    assert_eq!(socket.next().await.unwrap_err().0, 1001);
    stopping.await.unwrap();
}

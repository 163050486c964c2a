//! What a client may say on a WebSocket, and what it is told when that is wrong.

use super::*;

#[tokio::test]
async fn a_wrong_message_is_answered_and_the_connection_stays() {
    let app = TestApp::start().await;
    declare(&app);
    let mut socket = Socket::open(&app, &[]).await;
    let nobody = "019aa0de-0000-7000-8000-000000000000";
    for (message, code, field, says) in [
        ("subscribe", "broken_message", Value::Null, "no JSON"),
        ("[]", "broken_message", Value::Null, "is an object"),
        ("{}", "invalid_field", json!("action"), "subscribe, unsubscribe or ping"),
        (r#"{"action":"subscrib"}"#, "unknown_action", json!("action"), "did you mean subscribe?"),
        (r#"{"action":7}"#, "invalid_field", json!("action"), "a text is expected"),
        (r#"{"action":"subscribe","type":["tick"]}"#, "unknown_field", json!("type"), "did you mean types?"),
        (r#"{"action":"subscribe","types":"tick"}"#, "invalid_field", json!("types"), "a list of types"),
        (r#"{"action":"subscribe","types":["tick",7]}"#, "invalid_field", json!("types[1]"), "a text is expected"),
        (
            r#"{"action":"subscribe","types":["session_pased"]}"#,
            "unknown_event_type",
            json!("types"),
            "did you mean session_parsed?",
        ),
        (r#"{"action":"subscribe","types":["tik"]}"#, "unknown_event_type", json!("types"), "did you mean tick?"),
        (
            r#"{"action":"subscribe","collection":"tick"}"#,
            "unknown_collection",
            json!("collection"),
            "did you mean ticks?",
        ),
        (r#"{"action":"subscribe","since":-1}"#, "invalid_field", json!("since"), "the seq of the last event"),
        (r#"{"action":"subscribe","since":"now"}"#, "invalid_field", json!("since"), "the seq of the last event"),
        (
            r#"{"action":"unsubscribe","types":["tick"]}"#,
            "no_such_subscription",
            Value::Null,
            "as it was subscribed to",
        ),
        (r#"{"action":"ping","since":1}"#, "unknown_field", json!("since"), "there are action"),
    ] {
        socket.0.send(Message::text(message)).await.unwrap();
        let answer = socket.got().await;
        assert_eq!(
            (&answer["type"], &answer["data"]["code"], &answer["data"]["field"]),
            (&json!("error"), &json!(code), &field),
            "{message}: {answer}"
        );
        let said = answer["data"]["message"].as_str().unwrap();
        assert!(said.contains(says), "{message}: {said}");
        assert!(answer["seq"].is_u64() && answer["at"].is_string(), "{answer}");
    }
    socket.say(&json!({"action": "subscribe", "session_id": nobody})).await;
    assert_eq!(socket.got().await["data"]["code"], "unknown_session");
    socket.0.send(Message::binary(&b"{}"[..])).await.unwrap();
    assert_eq!(socket.got().await["data"]["code"], "broken_message");
    socket.say(&json!({"action": "ping"})).await;
    assert_eq!(socket.got().await["type"], "pong");
    socket.subscribe(json!({"types": ["tick"]})).await;
    publish(&app, 0..1, 0);
    assert_eq!(socket.got().await["type"], "tick");
}

#[tokio::test]
async fn the_query_subscribes_too_and_is_refused_as_a_problem() {
    let app = TestApp::start().await;
    declare(&app);
    let start = app.state.events.latest();
    publish(&app, 0..2, 0);
    let mut socket = Socket::try_open(&app, &format!("/api/events?types=tick&since={start}"), &[]).await.unwrap();
    assert_eq!(socket.got().await["type"], "subscribed");
    assert_eq!(
        (socket.got().await["data"]["n"].clone(), socket.got().await["data"]["n"].clone()),
        (json!(0), json!(1))
    );
    for (query, status, code) in [
        ("types=session_pased", 422, "unknown_event_type"),
        ("collection=none", 404, "unknown_collection"),
        ("session_id=019aa0de-0000-7000-8000-000000000000", 404, "unknown_session"),
        ("since=soon", 422, "invalid_field"),
        ("type=tick", 422, "unknown_parameter"),
    ] {
        let path = format!("/api/events?{query}");
        app.get(&path).await.expect_problem(status, code);
        match Socket::try_open(&app, &path, &[]).await {
            Err(Error::Http(response)) => assert_eq!(response.status().as_u16(), status, "{query}"),
            other => panic!("{query}: {}", other.is_ok()),
        }
    }
    let half = [("connection", "upgrade"), ("upgrade", "websocket")];
    app.get_with("/api/events", &half).await.expect_problem(400, "no_websocket");
}

#[tokio::test]
async fn messages_have_a_longest_and_a_rate() {
    let app = TestApp::start().await;
    let mut socket = Socket::open(&app, &[]).await;
    socket.say(&json!({"action": "ping", "padding": "x".repeat(20_000)})).await;
    assert!(socket.next().await.is_err());
    let mut socket = Socket::open(&app, &[]).await;
    for _ in 0..200 {
        if socket.0.send(Message::text(r#"{"action":"ping"}"#)).await.is_err() {
            break;
        }
    }
    let frame = socket.closed().await;
    assert_eq!((u16::from(frame.code), frame.reason.as_str()), (1008, "more than 120 messages a minute"));
}

#[tokio::test]
async fn a_shutdown_says_so_to_all_who_follow() {
    let app = TestApp::start().await;
    let mut socket = Socket::open(&app, &[]).await;
    socket.subscribe(json!({})).await;
    let mut stream = Stream::open(&app, "/api/events", &[]).await;
    let began = std::time::Instant::now();
    let stopping = tokio::spawn(app.stop());
    let frame = socket.closed().await;
    assert_eq!((u16::from(frame.code), frame.reason.contains("the server stops")), (1001, true), "{frame:?}");
    let mut last = None;
    while let Some(event) = stream.next().await {
        last = Some(event);
    }
    let last = last.unwrap();
    assert_eq!((last.event.as_str(), &last.data["data"]["code"]), ("end", &json!("stopping")));
    drop(socket);
    stopping.await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

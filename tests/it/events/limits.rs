//! How many streams one client has, and that they hold their connections.

use super::*;

#[tokio::test]
async fn a_client_has_so_many_streams() {
    let settings = [("TRUSTED_PROXIES", "127.0.0.1"), ("ANONYMOUS_ROLE", "admin"), ("MAX_STREAMS_PER_CLIENT", "2")];
    let app = TestApp::start_with(&settings).await;
    let (from, other) = ([("x-forwarded-for", "203.0.113.9")], [("x-forwarded-for", "203.0.113.10")]);
    let first = Socket::open(&app, &from).await;
    let second = Stream::open(&app, "/api/events", &from).await;
    app.get_with("/api/events", &from).await.expect_problem(429, "too_many_streams");
    match Socket::try_open(&app, "/api/events", &from).await {
        Err(Error::Http(response)) => assert_eq!(response.status().as_u16(), 429),
        other => panic!("{}", other.is_ok()),
    }
    let others = Socket::open(&app, &other).await;
    drop(first);
    let patience = std::time::Instant::now() + PATIENCE;
    let again = loop {
        match Socket::try_open(&app, "/api/events", &from).await {
            Ok(socket) => break socket,
            Err(_) => assert!(std::time::Instant::now() < patience, "its place never came back"),
        }
    };
    drop((second, others, again));
    // A program of this machine that comes by itself is not counted.
    let mut many = Vec::new();
    for _ in 0..5 {
        many.push(Socket::open(&app, &[]).await);
    }
}

#[tokio::test]
async fn a_socket_counts_as_a_connection_for_as_long_as_it_is_open() {
    let app = TestApp::start_with(&[("MAX_CONNECTIONS", "3")]).await;
    let mut sockets = Vec::new();
    for _ in 0..3 {
        let mut socket = Socket::open(&app, &[]).await;
        socket.subscribe(json!({})).await;
        sockets.push(socket);
    }
    // They are silent, and make no room for others all the same.
    let refused = app.client.get(app.url("/api/health")).send().await;
    assert!(refused.is_err() || refused.unwrap().status() == 503);
    for socket in &mut sockets {
        socket.say(&json!({"action": "ping"})).await;
        socket.of("pong").await;
    }
    drop(sockets.pop());
    let patience = std::time::Instant::now() + PATIENCE;
    loop {
        if let Ok(answer) = app.client.get(app.url("/api/health")).send().await
            && answer.status() == 200
        {
            break;
        }
        assert!(std::time::Instant::now() < patience, "its place never came back");
    }
}

//! Every event once, in order, whoever is slow or comes back.

use super::*;

#[tokio::test]
async fn a_client_that_comes_back_at_any_time_loses_nothing() {
    const ALL: u64 = 3000;
    let app = TestApp::start().await;
    declare(&app);
    let start = app.state.events.latest();
    let publishing = async {
        for n in (0..ALL).step_by(10) {
            publish(&app, n..n + 10, 20);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    // One by WebSocket with since, one by Last-Event-ID; both leave after a while, again and again.
    let by_socket = async {
        let (mut got, mut since, mut visits) = (Vec::new(), start, 0);
        while (got.len() as u64) < ALL {
            let mut socket = Socket::open(&app, &[]).await;
            socket.subscribe(json!({"types": ["tick"], "since": since})).await;
            for _ in 0..40 + visits * 17 % 90 {
                if got.len() as u64 == ALL {
                    break;
                }
                let event = socket.of("tick").await;
                since = event["seq"].as_u64().unwrap();
                got.push(event["data"]["n"].as_u64().unwrap());
            }
            visits += 1;
        }
        (got, visits)
    };
    let by_stream = async {
        let (mut got, mut since, mut visits) = (Vec::new(), start.to_string(), 0);
        while (got.len() as u64) < ALL {
            // The address stays as it was; the header is the browser's.
            let path = format!("/api/events?types=tick&since={start}");
            let mut stream = Stream::open(&app, &path, &[("last-event-id", &since)]).await;
            for _ in 0..30 + visits * 29 % 110 {
                if got.len() as u64 == ALL {
                    break;
                }
                let event = stream.got().await;
                since = event.id.to_string();
                got.push(event.data["data"]["n"].as_u64().unwrap());
            }
            visits += 1;
        }
        (got, visits)
    };
    let ((), socket, stream) = tokio::join!(publishing, by_socket, by_stream);
    let all: Vec<u64> = (0..ALL).collect();
    assert!(socket.0 == all && socket.1 > 10, "{} visits", socket.1);
    assert!(stream.0 == all && stream.1 > 10, "{} visits", stream.1);
}

#[tokio::test]
async fn what_is_gone_is_told_of() {
    let app = TestApp::start_with(&[("EVENTS_KEPT", "100")]).await;
    declare(&app);
    status_is_told(&app).await;
    let start = app.state.events.latest();
    publish(&app, 0..250, 0);
    let latest = app.state.events.latest();
    let oldest = latest - 99;
    let mut socket = Socket::open(&app, &[]).await;
    assert_eq!(socket.subscribe(json!({"types": ["tick"], "since": start})).await["seq"], oldest - 1);
    let gap = socket.got().await;
    assert_eq!(
        (&gap["type"], &gap["data"]["since"], &gap["data"]["from"]),
        (&json!("gap"), &json!(start), &json!(oldest - 1))
    );
    for seq in oldest..=latest {
        assert_eq!(socket.got().await["seq"], seq);
    }
    // What is just there is no gap.
    let mut exact = Socket::open(&app, &[]).await;
    exact.subscribe(json!({"types": ["tick"], "since": oldest - 1})).await;
    assert_eq!(exact.got().await["seq"], oldest);
    // By the header, and of a number that is yet to come.
    for since in [start, latest + 1_000_000] {
        let mut stream = Stream::open(&app, "/api/events?types=tick", &[("last-event-id", &since.to_string())]).await;
        let gap = stream.got().await;
        assert_eq!((gap.event.as_str(), &gap.data["data"]["since"]), ("gap", &json!(since)));
        publish(&app, 0..1, 0);
        let next = stream.got().await;
        assert!(next.event == "tick" && next.id > gap.id, "{next:?}");
    }
}

#[tokio::test]
async fn numbers_rise_over_restarts_and_what_was_before_is_told_to_be_gone() {
    let app = TestApp::start().await;
    declare(&app);
    publish(&app, 0..50, 0);
    let before = app.state.events.latest();
    let app = app.restart().await;
    declare(&app);
    publish(&app, 0..1, 0);
    let mut socket = Socket::open(&app, &[]).await;
    socket.subscribe(json!({"types": ["tick"], "since": before})).await;
    let gap = socket.got().await;
    assert_eq!((&gap["type"], &gap["data"]["since"]), (&json!("gap"), &json!(before)));
    let next = socket.of("tick").await;
    assert!(next["seq"].as_u64().unwrap() > before, "{next} {before}");
}

#[tokio::test]
async fn a_slow_client_is_cut_off_with_a_reason_and_keeps_nobody_waiting() {
    const ALL: u64 = 4000;
    let app = TestApp::start_with(&[("EVENTS_KEPT", "200")]).await;
    declare(&app);
    let (mut slow, mut quick) = (Socket::open(&app, &[]).await, Socket::open(&app, &[]).await);
    let mut slow_stream = Stream::open(&app, "/api/events?types=tick", &[]).await;
    slow.subscribe(json!({"types": ["tick"]})).await;
    quick.subscribe(json!({"types": ["tick"]})).await;
    let mut longest = Duration::ZERO;
    for n in 0..ALL {
        // 40 MB in all: more than the system's buffers take for those that read nothing.
        publish(&app, n..n + 1, 10_000);
        let sent = std::time::Instant::now();
        assert_eq!(quick.of("tick").await["data"]["n"], n);
        longest = longest.max(sent.elapsed());
    }
    assert!(longest < Duration::from_secs(2), "{longest:?}");
    // They read at last: what was on its way, then why there is no more.
    let mut expected = 0;
    let frame = loop {
        match slow.next().await {
            Ok(event) => {
                assert_eq!(event["data"]["n"], expected, "no event is left out without a word");
                expected += 1;
            }
            Err(frame) => break frame.expect("no reason was given"),
        }
    };
    assert!(expected < ALL, "it was not slow");
    assert_eq!((u16::from(frame.code), frame.reason.contains("too far behind")), (1013, true), "{frame:?}");
    let mut last = None;
    while let Some(event) = slow_stream.next().await {
        last = Some(event);
    }
    let last = last.unwrap();
    assert_eq!((last.event.as_str(), &last.data["data"]["code"]), ("end", &json!("too_slow")));
    // It goes on where it was, and is told what it missed.
    let mut again = Stream::open(&app, "/api/events?types=tick", &[("last-event-id", &last.id.to_string())]).await;
    assert_eq!(again.got().await.event, "gap");
    let figures = app.get("/metrics").await.text();
    assert!(figures.contains(r#"hvac_event_streams_cut_total{reason="slow"}"#), "{figures}");
}

#[tokio::test]
async fn each_subscription_begins_where_it_was_asked_for() {
    let app = TestApp::start().await;
    declare(&app);
    let start = app.state.events.latest();
    publish(&app, 0..3, 0);
    let mut socket = Socket::open(&app, &[]).await;
    let other = NewEvent::new("job_progress", Audience::Least(Role::Viewer), &json!({"n": 3}));
    app.state.events.publish(other.clone());
    socket.subscribe(json!({"types": ["job_progress"], "since": start})).await;
    assert_eq!(socket.got().await["type"], "job_progress");
    // The first is not sent again for the sake of the second.
    socket.subscribe(json!({"types": ["tick"], "since": start})).await;
    app.state.events.publish(other);
    let told: Vec<Value> = [socket.got().await, socket.got().await, socket.got().await, socket.got().await].to_vec();
    let kinds: Vec<&str> = told.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["tick", "tick", "tick", "job_progress"]);
    socket.say(&json!({"action": "unsubscribe", "types": ["tick"]})).await;
    assert_eq!(socket.of("unsubscribed").await["data"]["subscriptions"], 1);
    publish(&app, 4..5, 0);
    socket.is_quiet().await;
    socket.say(&json!({"action": "unsubscribe"})).await;
    assert_eq!(socket.of("unsubscribed").await["data"]["subscriptions"], 0);
}

//! Writes of records, told by the type that their collection declares: to whoever may read it.

use super::*;
use crate::access::Guarded;

#[tokio::test]
async fn a_write_is_told_of_record_by_record_and_a_deletion_by_its_key() {
    let app = TestApp::start().await;
    let mut orders = Socket::open(&app, &[]).await;
    orders.subscribe(json!({"collection": "work_orders"})).await;
    let mut stream = Stream::open(&app, "/api/events?types=work_order,staging_event", &[]).await;
    let start = app.state.events.latest();
    let order = |n: u32| json!({"work_order_id": format!("W{n}"), "title": format!("Work {n}"), "cost": n});
    let batch = json!({"work_orders": (0..3).map(order).collect::<Vec<_>>()});
    assert_eq!(app.post("/api/v1/work-orders/batch", &batch).await.status, 202);
    for n in 0..3 {
        let event = orders.got().await;
        assert_eq!(event["type"], "work_order");
        assert_eq!(event["data"], app.get(&format!("/api/work-orders/W{n}")).await.expect(200), "as it is answered");
        assert_eq!(stream.got().await.data, event);
    }
    // What is older than what is there is no write.
    let older =
        json!({"work_orders": [{"work_order_id": "W0", "title": "Older", "updated_at": "2020-01-01T00:00:00Z"}]});
    assert_eq!(app.post("/api/v1/work-orders/batch", &older).await.status, 202);
    assert_eq!(app.delete("/api/v1/work-orders/W1").await.status, 204);
    let event = orders.got().await;
    assert_eq!(
        (&event["type"], &event["data"]),
        (&json!("work_order"), &json!({"work_order_id": "W1", "deleted": true}))
    );
    let machine = json!({"staging_events": [{"event_id": "E1", "equipment_id": "CH-1", "at": "2026-01-01T00:00:00Z", "action": "on"}]});
    assert_eq!(app.post("/api/v1/staging-events/batch", &machine).await.status, 202);
    stream.got().await;
    let staged = stream.got().await;
    assert_eq!((staged.event.as_str(), &staged.data["data"]["equipment_id"]), ("staging_event", &json!("CH-1")));
    orders.is_quiet().await;
    // Whoever comes later reads them all the same.
    let mut late = Stream::open(&app, &format!("/api/events?collection=work_orders&since={start}"), &[]).await;
    for _ in 0..4 {
        assert_eq!(late.got().await.event, "work_order");
    }
}

#[tokio::test]
async fn a_satellite_system_is_followed_by_its_own_words() {
    let folder = tempfile::TempDir::new().unwrap();
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/collections/satellite.toml");
    std::fs::copy(committed, folder.path().join("satellite.toml")).unwrap();
    let path = folder.path().display().to_string();
    let app = TestApp::start_with(&[("COLLECTIONS_PATH", &path)]).await;
    let mut socket = Socket::open(&app, &[]).await;
    socket.subscribe(json!({"types": ["satellite_pool_update", "handover_event", "signal_quality_change"]})).await;
    for (route, list, record, event) in [
        (
            "satellite-pools",
            "satellite_pools",
            json!({"pool_id": "P1", "constellation": "starlink"}),
            "satellite_pool_update",
        ),
        (
            "handover-events",
            "handover_events",
            json!({"event_id": "H1", "pool_id": "P1", "at": "2026-01-01T00:00:00Z", "to_satellite": "S2"}),
            "handover_event",
        ),
        (
            "signal-quality",
            "signal_quality",
            json!({"sample_id": "Q1", "pool_id": "P1", "satellite_id": "S2", "at": "2026-01-01T00:00:00Z", "quality": "good"}),
            "signal_quality_change",
        ),
    ] {
        let answer = app.post(&format!("/api/v1/{route}/batch"), &json!({list: [record]})).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
        let told = socket.got().await;
        assert_eq!(told["type"], event);
        for (name, value) in record.as_object().unwrap().iter().filter(|(name, _)| *name != "at") {
            assert_eq!(&told["data"][name], value, "{name}");
        }
    }
    socket.say(&json!({"action": "subscribe", "types": ["handover"]})).await;
    assert!(socket.of("error").await["data"]["message"].as_str().unwrap().contains("did you mean handover_event?"));
}

#[tokio::test]
async fn records_are_told_to_who_may_read_them() {
    let folder = tempfile::TempDir::new().unwrap();
    let declaration = "[[collection]]\nname = \"secrets\"\nkey = \"secret_id\"\nread = \"operator\"\nevent = \"secret\"\n[collection.fields]\nsecret_id = { type = \"text\" }\n";
    std::fs::write(folder.path().join("plant.toml"), declaration).unwrap();
    let guarded = Guarded::start_with(&[("COLLECTIONS_PATH", folder.path().display().to_string())]).await;
    let (looks, works) = (guarded.service("looks", "viewer").await, guarded.service("works", "operator").await);
    let mut sockets = Vec::new();
    for key in [&looks, &works] {
        let mut socket = Socket::open(&guarded.app, &[("x-api-key", key)]).await;
        socket.subscribe(json!({"types": ["secret"]})).await;
        sockets.push(socket);
    }
    let answer = guarded.post(&works, "/api/v1/secrets/batch", &json!({"secrets": [{"secret_id": "S1"}]})).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(sockets[1].got().await["data"]["secret_id"], "S1");
    sockets[0].is_quiet().await;
}

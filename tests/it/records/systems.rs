//! The three systems that are committed, each driven end to end by its own routes.

use super::*;

/// `translation.toml`: sessions and their tasks, what is not done, and how to go on.
#[tokio::test]
async fn a_translation_system() {
    let app = declared(&[("translation.toml", &committed("translation.toml"))]).await;
    let sessions = json!({"sessions": [
        {"session_id": "s1", "status": "active", "source_language": "en", "target_language": "zh-TW", "document": "manual.docx",
         "created_at": "2026-01-01T08:00:00Z", "metadata": {"client": "acme"}},
        {"session_id": "s2", "status": "completed", "created_at": "2026-01-02T08:00:00Z"},
        {"session_id": "s3", "created_at": "2026-01-03T08:00:00Z"},
    ]});
    let answer = app.post("/api/v1/translation/sessions/batch", &sessions).await.expect(202);
    assert_eq!((&answer["status"], &answer["count"]), (&json!("accepted"), &json!(3)), "{answer}");
    let tasks: Vec<Value> = ["pending", "processing", "completed", "failed"]
        .into_iter()
        .enumerate()
        .map(|(at, status)| json!({"task_id": format!("t{at}"), "session_id": "s1", "status": status, "position": at}))
        .chain([json!({"task_id": "t9", "session_id": "s2", "status": "completed"})])
        .collect();
    app.post("/api/v1/translation/tasks/batch", &json!({"tasks": tasks})).await.expect(202);
    let flushed = app.post("/api/v1/translation/flush", &json!({})).await.expect(200);
    assert_eq!(flushed["waiting"], 0, "{flushed}");

    let page = app.get("/api/v1/translation/sessions").await.expect(200);
    assert_eq!(ids(&page, "session_id"), ["s3", "s2", "s1"], "the newest first");
    assert_eq!((&page["total"], &page["page"], &page["total_pages"]), (&json!(3), &json!(1), &json!(1)));
    for (query, found) in [
        ("status=active", vec!["s1"]),
        ("from=2026-01-02T00:00:00Z&to=2026-01-03T00:00:00Z", vec!["s2"]),
        ("sort_by=created_at&order=asc&page=2&page_size=2", vec!["s3"]),
        ("status=active&from=2026-01-02T00:00:00Z", vec![]),
    ] {
        let page = app.get(&format!("/api/v1/translation/sessions?{query}")).await.expect(200);
        assert_eq!(ids(&page, "session_id"), found, "{query}");
    }

    let session = app.get("/api/v1/translation/sessions/s1").await.expect(200);
    assert_eq!(session["metadata"], json!({"client": "acme"}));
    let tasks = &session["counts"]["tasks"];
    assert_eq!(tasks["total"], 4, "{session}");
    assert_eq!(
        tasks["by_status"],
        json!({"pending": 1, "processing": 1, "retrying": 0, "completed": 1, "failed": 1, "cancelled": 0})
    );
    let of_session = app.get("/api/v1/translation/sessions/s1/tasks?sort_by=position&order=desc").await.expect(200);
    assert_eq!(ids(&of_session, "task_id"), ["t3", "t2", "t1", "t0"]);
    let all = app.get("/api/v1/translation/tasks?status=completed&sort_by=task_id").await.expect(200);
    assert_eq!(ids(&all, "task_id"), ["t2", "t9"]);
    assert_eq!(app.get("/api/v1/translation/tasks/t1").await.expect(200)["attempts"], 0, "a default");

    let incomplete = app.get("/api/v1/translation/recovery/incomplete-sessions").await.expect(200);
    assert_eq!(ids(&incomplete, "session_id"), ["s3", "s1"]);
    let restored = app.post("/api/v1/translation/recovery/restore/s1", &json!({})).await.expect(200);
    assert_eq!(restored["session"]["session_id"], "s1");
    let open: Vec<&str> =
        restored["tasks"].as_array().unwrap().iter().map(|task| task["task_id"].as_str().unwrap()).collect();
    assert_eq!(open, ["t0", "t1"], "all that are not done, and no other");
    assert!(restored["restored_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{restored}");
    app.post("/api/v1/translation/recovery/restore/s7", &json!({})).await.expect_problem(404, "unknown_record");
    let rejected = app.get("/api/v1/translation/rejected").await.expect(200);
    assert_eq!((&rejected["total"], &rejected["items"]), (&json!(0), &json!([])));

    // All of it is there after a restart.
    let app = app.restart().await;
    assert_eq!(app.get("/api/translation/sessions/s1").await.expect(200), session);
}

/// `satellite.toml`: pools, and what an animation of one shows.
#[tokio::test]
async fn a_satellite_system() {
    let app = declared(&[("satellite.toml", &committed("satellite.toml"))]).await;
    let pools = json!({"satellite_pools": [
        {"pool_id": "starlink-taipei", "constellation": "starlink", "observer_latitude": 24.9438, "observer_longitude": 121.3708},
        {"pool_id": "oneweb-taipei", "constellation": "oneweb"},
    ]});
    app.post("/api/v1/satellite-pools/batch", &pools).await.expect(202);
    let positions: Vec<Value> = (0..3)
        .map(|step| json!({
            "position_id": format!("starlink-taipei/44713/{step}"), "pool_id": "starlink-taipei", "satellite_id": "44713",
            "at": format!("2026-01-01T00:0{step}:00Z"), "elevation": 10.5 + f64::from(step), "visible": true,
        }))
        .collect();
    app.post("/api/v1/satellite-positions/batch", &json!({"satellite_positions": positions})).await.expect(202);
    let handover = json!({
        "event_id": "h1", "pool_id": "starlink-taipei", "at": "2026-01-01T00:01:30Z", "from_satellite": "44713",
        "to_satellite": "44714", "trigger": "elevation", "latency_ms": 42.5,
    });
    app.post("/api/v1/handover-events", &handover).await.expect(202);

    let page = app.get("/api/v1/satellite-pools?constellation=starlink").await.expect(200);
    assert_eq!(ids(&page, "pool_id"), ["starlink-taipei"]);
    let pool = app.get("/api/v1/satellite-pools/starlink-taipei").await.expect(200);
    assert_eq!(pool["observer_longitude"], 121.3708);
    assert_eq!(pool["counts"]["handover_events"]["total"], 1, "{pool}");
    for path in ["starlink-taipei/animation-data", "animation-data"] {
        let animation = app.get(&format!("/api/v1/satellite-pools/{path}?order=asc")).await.expect(200);
        let elevations: Vec<&Value> =
            animation["items"].as_array().unwrap().iter().map(|item| &item["elevation"]).collect();
        assert_eq!(elevations, [&json!(10.5), &json!(11.5), &json!(12.5)], "{path}");
    }
    for path in ["starlink-taipei/handover-events", "handover-events"] {
        let handovers = app.get(&format!("/api/v1/satellite-pools/{path}")).await.expect(200);
        assert_eq!(handovers["items"][0]["to_satellite"], "44714", "{path}");
    }
    assert_eq!(app.get("/api/v1/satellite-pools/oneweb-taipei/handover-events").await.expect(200)["total"], 0);
    app.get("/api/v1/satellite-pools/none/animation-data").await.expect_problem(404, "unknown_record");
    // A key may have anything in it but what no path can say.
    let position = app.get("/api/v1/satellite-positions/starlink-taipei%2F44713%2F1").await.expect(200);
    assert_eq!(position["at"], "2026-01-01T00:01:00.000Z");
    // A word of the routes is no key.
    let taken = json!({"pool_id": "animation-data", "constellation": "other"});
    let problem = app.post("/api/v1/satellite-pools", &taken).await.expect_problem(422, "invalid_records");
    assert_eq!(problem["errors"][0]["field"], "pool_id");
}

/// `hvac.toml`, which is on by default: machines, their staging, and the work on them.
#[tokio::test]
async fn a_plant() {
    let app = TestApp::start().await;
    let write = async |path: &str, list: &str, records: Value| {
        app.post(&format!("/api/v1/{path}/batch"), &json!({list: records})).await.expect(202);
    };
    write(
        "equipment-groups",
        "equipment_groups",
        json!([{"group_id": "chillers", "name": "Chillers", "site": "KMUH"}]),
    )
    .await;
    write("equipment", "equipment", json!([
        {"equipment_id": "CH-1", "group_id": "chillers", "name": "Chiller 1", "kind": "chiller", "rated_capacity_rt": 500},
        {"equipment_id": "CH-2", "group_id": "chillers", "name": "Chiller 2", "kind": "chiller", "rated_capacity_rt": 500},
        {"equipment_id": "CT-1", "name": "Tower 1", "kind": "cooling_tower"},
    ])).await;
    let recently = |minutes| (chrono::Utc::now() - chrono::TimeDelta::minutes(minutes)).to_rfc3339();
    write("staging-events", "staging_events", json!([
        {"event_id": "e1", "equipment_id": "CH-2", "at": recently(90), "action": "on", "reason": "load", "load_rt": 480.0},
        {"event_id": "e2", "equipment_id": "CH-2", "at": recently(30), "action": "off"},
    ])).await;
    write(
        "work-orders",
        "work_orders",
        json!([
            {"work_order_id": "W-1", "equipment_id": "CH-2", "title": "Clean the condenser", "priority": "high"},
            {"work_order_id": "W-2", "equipment_id": "CH-2", "title": "Replace the filter", "status": "done"},
        ]),
    )
    .await;
    let group = app.get("/api/v1/equipment-groups/chillers").await.expect(200);
    assert_eq!(group["counts"]["equipment"]["total"], 2, "{group}");
    let machine = app.get("/api/v1/equipment/CH-2").await.expect(200);
    assert_eq!(machine["counts"]["work_orders"]["by_status"]["open"], 1, "a default, counted: {machine}");
    let staged = app.get("/api/v1/equipment/CH-2/staging-events").await.expect(200);
    assert_eq!(ids(&staged, "event_id"), ["e2", "e1"], "the last first");
    assert_eq!(staged["items"][0]["reason"], "unknown");
    let open = app.get("/api/v1/hvac/recovery/incomplete-work-orders").await.expect(200);
    assert_eq!(ids(&open, "work_order_id"), ["W-1"]);
    app.delete("/api/v1/work-orders/W-1").await.expect(204);
    app.get("/api/v1/work-orders/W-1").await.expect_problem(404, "unknown_record");
    app.delete("/api/v1/work-orders/W-1").await.expect_problem(404, "unknown_record");
    let audit = app.get("/api/v1/audit?action=record.delete").await.expect(200);
    assert_eq!(audit["items"][0]["object_id"], "W-1", "{audit}");
}

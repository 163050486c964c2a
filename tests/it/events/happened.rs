//! What is told of the program's own work: after its commit, in the order in which it happened.

use super::*;

const REPORT: &[u8] = b"time,kw\n2020-01-01 00:00,1.5\n2020-01-01 00:15,2.5\n2020-01-01 00:30,3.5\n";

#[tokio::test]
async fn a_session_is_told_of_from_its_parse_on() {
    let app = TestApp::start().await;
    let mut stream =
        Stream::open(&app, "/api/events?types=session_parsed,session_cleaned,job_progress,error_notification", &[])
            .await;
    let mut socket = Socket::open(&app, &[]).await;
    let parsed = app.parsed(&[("plant.csv", REPORT)], &[("timezone", "UTC"), ("name", "Plant"), ("site", "S1")]).await;
    let id = parsed["session_id"].as_str().unwrap();
    let event = stream.got().await;
    assert_eq!((event.event.as_str(), &event.data["type"]), ("session_parsed", &json!("session_parsed")));
    assert_eq!(event.data["seq"], event.id);
    let data = &event.data["data"];
    assert_eq!(
        (&data["session_id"], &data["dataset_id"], &data["version"], &data["row_count"], &data["name"], &data["site"]),
        (&json!(id), &parsed["dataset_id"], &json!("parsed-v1"), &json!(3), &json!("Plant"), &json!("S1"))
    );
    // It can be asked for by then.
    app.get(&format!("/api/data/preview?session_id={id}")).await.expect(200);

    socket.subscribe(json!({"session_id": id})).await;
    let cleaned = app.post("/api/clean", &json!({"session_id": id})).await.expect(200);
    let mut told = Vec::new();
    loop {
        let event = stream.got().await;
        let is_last = event.data["data"]["status"] == "completed";
        assert_eq!(socket.of(&event.event).await, event.data, "both doors say the same");
        told.push(event);
        if is_last {
            break;
        }
    }
    assert!(told.windows(2).all(|pair| pair[0].id < pair[1].id), "{told:?}");
    let place = |kind: &str, status: Value| {
        told.iter()
            .position(|e| e.event == kind && e.data["data"]["status"] == status)
            .unwrap_or_else(|| panic!("{told:?}"))
    };
    let (running, version, completed) = (
        place("job_progress", json!("running")),
        place("session_cleaned", Value::Null),
        place("job_progress", json!("completed")),
    );
    assert!(running < version && version < completed, "{told:?}");
    let data = &told[version].data["data"];
    assert_eq!(
        (&data["session_id"], &data["job_id"], &data["version"]),
        (&json!(id), &cleaned["job_id"], &json!("cleaned-v1"))
    );
    assert_eq!((&data["original_rows"], &data["cleaned_rows"]), (&cleaned["original_rows"], &cleaned["cleaned_rows"]));
    assert_eq!(told[completed].data["data"]["job_id"], cleaned["job_id"]);
    assert_eq!(told[completed].data["data"]["session_id"], id);
}

#[tokio::test]
async fn a_parse_that_fails_as_a_job_is_told_of_with_its_error() {
    let app = TestApp::start().await;
    let id = app.uploaded(&[("notes.csv", b"nothing\nof a report\n")], &[("timezone", "UTC")]).await;
    let mut stream = Stream::open(&app, &format!("/api/events?session_id={id}"), &[]).await;
    let job = app.post("/api/parse", &json!({"session_id": id, "wait": false})).await.expect(202);
    let mut seen = Vec::new();
    let failed = loop {
        let event = stream.got().await;
        seen.push(event.event.clone());
        if event.event == "error_notification" {
            break event;
        }
    };
    assert!(!seen.contains(&"session_parsed".to_owned()), "{seen:?}");
    let job = app.get(&format!("/api/jobs/{}", job["job_id"].as_str().unwrap())).await.expect(200);
    let data = &failed.data["data"];
    assert_eq!((&data["job_id"], &data["code"], &data["message"]), (&job["job_id"], &job["error_code"], &job["error"]));
}

#[tokio::test]
async fn how_the_service_is_is_told_when_it_changes() {
    let app = TestApp::start().await;
    let start =
        app.state.events.latest().min(u64::try_from(app.state.started_at.timestamp_micros()).unwrap() - 1_000_000);
    let since = start.to_string();
    let mut stream = Stream::open(&app, &format!("/api/events?types=system_status_update&since={since}"), &[]).await;
    let status = async |stream: &mut Stream| loop {
        let event = stream.got().await;
        if event.event == "system_status_update" {
            break event.data["data"].clone();
        }
    };
    let first = status(&mut stream).await;
    assert_eq!((&first["status"], &first["database"], &first["storage"]), (&json!("ok"), &json!("ok"), &json!("ok")));
    let away = app.folder.path().join("away");
    std::fs::rename(app.storage(), &away).unwrap();
    let second = status(&mut stream).await;
    assert_eq!((&second["status"], &second["storage"]), (&json!("degraded"), &json!("failed")));
    std::fs::rename(&away, app.storage()).unwrap();
    assert_eq!(status(&mut stream).await["status"], "ok");
}

/// A plant whose power is a formula, so that a model of it is learnt in a moment.
fn plant() -> String {
    let mut text = "time,CH1_RT,CH1_kW,CT1_Hz,OA_WB\n".to_owned();
    for n in 0..600_u32 {
        let (day, minute) = (n / 96 + 1, n % 96 * 15);
        let (load, hz, wet) =
            (100.0 + f64::from(n * 37 % 200), 30.0 + f64::from(n * 13 % 25), 18.0 + f64::from(n * 7 % 9));
        let kw = 0.5 * load * (1.0 + 0.01 * (wet - 20.0)) * (60.0 / hz) * 0.6 + 40.0 * (hz / 60.0_f64).powi(3);
        text += &format!("2024-07-{day:02} {:02}:{:02},{load},{kw:.3},{hz},{wet}\n", minute / 60, minute % 60);
    }
    text
}

#[tokio::test]
async fn a_model_and_a_recommendation_of_it_are_told_of() {
    let app = TestApp::start().await;
    let parsed = app.parsed(&[("plant.csv", plant().as_bytes())], &[("timezone", "UTC")]).await;
    let id = parsed["session_id"].as_str().unwrap();
    let mut socket = Socket::open(&app, &[]).await;
    socket.subscribe(json!({"types": ["model_trained", "recommendation"], "session_id": id})).await;
    let request = json!({
        "model_name": "plant", "session_id": id, "algorithm": "gbdt", "wait": true,
        "feature_mapping": {"target_col": "CH1_kW", "load_cols": ["CH1_RT"], "ct_hz_cols": ["CT1_Hz"], "environment_cols": ["OA_WB"]},
    });
    let answer = app.post("/api/models/train", &request).await;
    assert!([200, 202].contains(&answer.status), "{}", answer.text());
    let trained = socket.of("model_trained").await;
    assert_eq!((&trained["data"]["model_name"], &trained["data"]["version"]), (&json!("plant"), &json!("v1")));
    assert_eq!(
        (&trained["data"]["model_id"], &trained["data"]["session_id"]),
        (&answer.json()["model_id"], &json!(id))
    );
    let asked = json!({"model_name": "plant", "input_data": {"CH1_RT": 200, "OA_WB": 22, "CT1_Hz": 50}});
    let answer = app.post("/api/optimize", &asked).await.expect(200);
    let told = socket.of("recommendation").await;
    for field in
        ["run_id", "model_id", "model_name", "predicted_power", "baseline_power", "savings_kw", "recommendations"]
    {
        assert_eq!(told["data"][field], answer[field], "{field}");
    }
}

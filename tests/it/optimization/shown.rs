//! What a page shows before a recommendation: the latest state and its limits; and how a model did on rows not seen.

use std::collections::BTreeMap;

use super::*;

/// Of [`LATEST`] the last quarter of an hour that is steady: 301 and 300 RT; then the load leaps.
#[tokio::test]
async fn a_recommendation_begins_with_the_latest_steady_state() {
    let app = TestApp::start().await;
    let (session_id, model_id) = trained(&app).await;
    let shown = app.get("/api/optimize/conditions?model=plant").await.expect(200);
    assert_eq!((&shown["model_id"], &shown["can_optimize"]), (&json!(model_id), &json!(true)));
    assert_eq!((&shown["session_id"], &shown["at"]), (&json!(session_id), &json!("2024-07-22T00:45:00+00:00")));
    let input = |name: &str| {
        let inputs = shown["inputs"].as_array().unwrap();
        inputs.iter().find(|input| input["name"] == name).unwrap_or_else(|| panic!("{name}: {shown}"))
    };
    let (load, air, fan) = (input("CH_1_RT"), input("WBT"), input("CT_1_HZ"));
    near(&load["value"], 300.5, 1e-9);
    near(&air["value"], 25.0, 1e-9);
    near(&fan["value"], 57.0, 1e-9);
    assert_eq!((&load["role"], &load["is_control"], &load["max"]), (&json!("load_rt"), &json!(false), &Value::Null));
    assert_eq!((&fan["role"], &fan["is_control"]), (&json!("ct_fan_hz"), &json!(true)));
    assert_eq!((&fan["min"], &fan["max"], &fan["step"]), (&json!(30.0), &json!(60.0), &json!(0.5)));
    // The history spreads 180 to 360 RT and 34 to 59 Hz evenly.
    for (input, least, middle, most) in [(load, 180.0, 270.0, 360.0), (fan, 34.0, 46.5, 59.0)] {
        near(&input["seen"]["min"], least, 0.5);
        near(&input["seen"]["median"], middle, 1.0);
        near(&input["seen"]["max"], most, 0.5);
    }
    assert_eq!(app.get("/api/optimizations").await.expect(200)["total"], 0, "nothing is stored");

    // What is shown is what a recommendation takes.
    let answer = optimize(&app, json!({"model": "plant"})).await;
    near(&answer["recommendations"][0]["current"], 57.0, 1e-9);
    app.get("/api/optimize/conditions?model=nobody").await.expect_problem(404, "unknown_model");
    app.get("/api/optimize/conditions?model=").await.expect_problem(422, "model_required");
    let lost = format!("/api/optimize/conditions?model=plant&session_id={}", uuid(7));
    app.get(&lost).await.expect_problem(404, "unknown_session");
    app.delete(&format!("/api/sessions/{session_id}")).await;
    let without = app.get("/api/optimize/conditions?model=plant").await;
    // A model of a deleted session is still there, or goes with it: never half of an answer.
    assert!(without.status == 404 || without.json()["inputs"][0]["value"].is_null(), "{}", without.text());
}

fn uuid(last: u8) -> String {
    format!("019aa0de-0000-7000-8000-00000000000{last}")
}

#[tokio::test]
async fn predicted_stands_beside_measured_on_rows_not_seen() {
    let app = TestApp::start().await;
    let (_, model_id) = trained(&app).await;
    let told = app.get("/api/models/plant:v1/evaluation").await.expect(200);
    assert_eq!((&told["model_id"], &told["version"]), (&json!(model_id), &json!("v1")));
    let rows = told["rows"].as_array().unwrap();
    assert_eq!(rows.len() as u64, told["metrics"]["holdout"]["test_rows"].as_u64().unwrap());
    // What was measured is what the report says of that time.
    let report = String::from_utf8(plant()).unwrap();
    let lines = report.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    let measured: BTreeMap<String, (f64, f64)> = lines
        .map(|cells| (cells[0].replace(' ', "T"), (cells[1].parse().unwrap(), cells[4].parse().unwrap())))
        .collect();
    let mut squares = 0.0;
    for row in rows {
        let (load, kw) = measured[&row["timestamp"].as_str().unwrap()[..16]];
        near(&row["actual"], kw, 1e-9);
        near(&row["load"], load, 1e-9);
        squares += (kw - row["predicted"].as_f64().unwrap()).powi(2);
    }
    near(&told["metrics"]["time_ordered"]["rmse"], (squares / rows.len() as f64).sqrt(), 1e-9);
    let days = told["days"].as_array().unwrap();
    assert_eq!(days.iter().map(|day| day["rows"].as_u64().unwrap()).sum::<u64>(), rows.len() as u64);
    assert!(days.windows(2).all(|two| two[0]["day"].as_str() < two[1]["day"].as_str()), "{days:?}");
    // It is in the file: another process tells the same.
    let app = app.restart().await;
    assert_eq!(app.get("/api/models/plant/evaluation").await.expect(200), told);
    app.get("/api/models/nobody/evaluation").await.expect_problem(404, "unknown_model");
}

//! Recommendations through the doors a user uses, on plants whose power is a formula with a known optimum.

use chrono::{DateTime, Utc};
use hvac_store::entity::{Integrity, WorkStatus, trained_model};
use sea_orm::{ActiveModelTrait, IntoActiveModel};
use serde_json::{Value, json};

use crate::helpers::{Process, TestApp};

mod runs;
mod savings;
mod shown;
mod standing;

/// A stored version of a model of which only the row exists.
async fn model_row(app: &TestApp, name: &str, version: i32) -> String {
    let parsed = app.parsed(&[(&format!("{name}{version}.csv"), b"time,A\n2024-07-01 00:00,1\n")], &[]).await;
    let text = |key: &str| parsed[key].as_str().unwrap().to_owned();
    let row = trained_model::Model {
        id: hvac_store::new_id(),
        name: name.to_owned(),
        version,
        dataset_id: text("dataset_id"),
        cleaning_job_id: None,
        session_id: text("session_id"),
        site: None,
        request_key: format!("{name} {version}"),
        options: json!({}),
        algorithm: "physics".to_owned(),
        feature_mapping: json!({}),
        training_metrics: json!({}),
        lineage: json!({}),
        feature_count: Some(4),
        model_file_path: Some(format!("default/{name}-v{version}.json")),
        sha256: Some("00".repeat(32)),
        size_bytes: Some(1),
        trainer_version: Some("1".to_owned()),
        status: WorkStatus::Completed,
        error: None,
        integrity: Integrity::Ok,
        created_at: Utc::now(),
        started_at: None,
        finished_at: None,
    };
    let id = row.id.clone();
    let txn = app.state.store.db.begin().await.unwrap();
    row.into_active_model().reset_all().insert(&txn).await.unwrap();
    txn.commit().await.unwrap();
    id
}

#[tokio::test]
async fn what_cannot_be_answered_says_why() {
    let app = TestApp::start().await;
    let ask = async |body: Value| app.post("/api/optimize", &body).await;
    let field = |problem: &Value| problem["errors"][0]["field"].as_str().unwrap_or_default().to_owned();
    let problem = ask(json!({"input_data": {"load_rt": 3}})).await.expect_problem(422, "model_required");
    assert_eq!(field(&problem), "model");
    let problem =
        ask(json!({"model_name": "m", "input_data": {"RT": "lots"}})).await.expect_problem(422, "invalid_field");
    assert_eq!(field(&problem), "input_data.RT");
    ask(json!({"model_name": "nobody", "input_data": {}})).await.expect_problem(404, "unknown_model");
    model_row(&app, "gone", 1).await;
    let problem = ask(json!({"model_name": "gone"})).await.expect_problem(409, "file_missing");
    assert!(!problem.to_string().contains(app.folder.path().to_str().unwrap()), "{problem}");
    assert_eq!(app.get("/api/optimizations").await.expect(200)["total"], 0, "no run without an answer");
}

/// Power of the plant below, kW: a chiller whose water gets warmer with less air (60/f), and fans (f³).
/// ∂P/∂f = 0 at f* = 60·(0.12·load / (3·40))^¼: 44.407 Hz at 300 RT, 40.1 Hz at 200 RT.
fn power_kw(load_rt: f64, wet_bulb_c: f64, fan_hz: f64) -> f64 {
    let air = fan_hz / 60.0;
    let chiller = 60.0 + 0.3 * load_rt + 4e-4 * load_rt.powi(2) + 0.01 * load_rt * (wet_bulb_c - 24.0);
    chiller + 0.12 * load_rt / air + 40.0 * air.powi(3)
}

fn best_hz(load_rt: f64) -> f64 {
    60.0 * (0.12 * load_rt / (3.0 * 40.0)).powf(0.25)
}

/// What is written behind the history: the plant stands at 300 RT, 25 °C and 57 Hz for an hour, then the load leaps.
const LATEST: [(f64, f64, f64); 6] = [
    (299.0, 25.0, 57.0),
    (300.0, 25.0, 57.0),
    (301.0, 25.0, 57.0),
    (300.0, 25.0, 57.0),
    (330.0, 25.0, 50.0),
    (250.0, 25.0, 50.0),
];

/// Three weeks of quarter-hours that show every load with every speed, and then [`LATEST`]. Times are UTC.
fn plant() -> Vec<u8> {
    let mut text = "time,CH_1_RT,WBT,CT_1_HZ,TOTAL_KW\n".to_owned();
    let start = DateTime::parse_from_rfc3339("2024-07-01T00:00:00Z").unwrap();
    // A sequence that fills a cube evenly: no two of the three go together.
    let history = (0..2016_u32).map(|row| {
        let spread = |step: f64| (f64::from(row) * step).fract();
        (180.0 + 180.0 * spread(0.819_172_5), 20.0 + 8.0 * spread(0.671_043_6), 34.0 + 25.0 * spread(0.549_700_5))
    });
    for (row, (load, wet_bulb, hz)) in history.chain(LATEST).enumerate() {
        let at = start + chrono::TimeDelta::minutes(15 * row as i64);
        let kw = power_kw(load, wet_bulb, hz);
        text += &format!("{},{load:.3},{wet_bulb:.3},{hz:.3},{kw:.4}\n", at.format("%Y-%m-%d %H:%M"));
    }
    text.into_bytes()
}

fn mapping() -> Value {
    json!({
        "target_col": "TOTAL_KW", "chiller_cols": ["CH_1_RT"], "environment_cols": ["WBT"],
        "cooling_tower_cols": ["CT_1_HZ"],
    })
}

/// The plant's session, and its model's id.
async fn trained(app: &TestApp) -> (String, String) {
    let parsed = app.parsed(&[("plant.csv", &plant())], &[("timezone", "UTC"), ("name", "Plant")]).await;
    let session_id = parsed["session_id"].as_str().unwrap().to_owned();
    let model = train(app, &session_id, "plant", mapping()).await;
    (session_id, model)
}

async fn train(app: &TestApp, session_id: &str, name: &str, mapping: Value) -> String {
    let request = json!({
        "model_name": name, "session_id": session_id, "feature_mapping": mapping, "algorithm": "physics", "wait": true,
    });
    let trained = app.post("/api/models/train", &request).await.expect(200);
    trained["model_id"].as_str().unwrap().to_owned()
}

async fn optimize(app: &TestApp, body: Value) -> Value {
    app.post("/api/optimize", &body).await.expect(200)
}

fn near(value: &Value, expected: f64, within: f64) {
    let value = value.as_f64().unwrap();
    assert!((value - expected).abs() <= within, "{value} is not within {within} of {expected}");
}

/// The answer recommends the best speed for that load, and saves what the formula says.
fn assert_best(answer: &Value, load_rt: f64, wet_bulb_c: f64, from_hz: f64) {
    assert_eq!((&answer["success"], &answer["change"]), (&json!(true), &json!(true)), "{answer}");
    let one = &answer["recommendations"][0];
    near(&one["value"], best_hz(load_rt), 0.5);
    assert_eq!((&one["parameter"], &one["unit"]), (&json!("ct_fan_hz"), &json!("Hz")));
    near(&one["current"], from_hz, 1e-9);
    let (before, after) = (power_kw(load_rt, wet_bulb_c, from_hz), power_kw(load_rt, wet_bulb_c, best_hz(load_rt)));
    near(&answer["baseline_power"], before, 0.3);
    near(&answer["predicted_power"], after, 0.3);
    near(&answer["savings_kw"], before - after, 0.3);
    near(&answer["savings_percent"], 100.0 * (before - after) / before, 0.2);
    near(&one["savings"], before - after, 0.3);
    assert!(!one["reason"].as_str().unwrap().is_empty() && !answer["message"].as_str().unwrap().is_empty());
    assert_eq!(answer["constraint_violations"], json!([]));
    let confidence = answer["confidence"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&confidence) && confidence > 0.0, "{answer}");
}

#[tokio::test]
async fn the_best_speed_of_a_known_plant_is_found() {
    let app = TestApp::start().await;
    let (_, model_id) = trained(&app).await;
    // The frontend's call, as a form sends it.
    let flat =
        json!({"model_name": "plant", "input_data": {"CH_1_RT": "300", "WBT": 25, "CT_1_HZ": "57.0", "note": ""}});
    let first = optimize(&app, flat).await;
    assert_best(&first, 300.0, 25.0, 57.0);
    assert_eq!((&first["model_id"], &first["model_version"]), (&json!(model_id), &json!("v1")));
    assert_eq!((&first["assumptions"], &first["session_id"]), (&json!([]), &Value::Null));
    let by_role = json!({
        "model": "plant:v1", "conditions": {"load_rt": 200, "wet_bulb": 22}, "current": {"ct_fan_hz": 52},
        "variables": [{"name": "ct_fan_hz"}], "method": "grid",
    });
    assert_best(&optimize(&app, by_role.clone()).await, 200.0, 22.0, 52.0);
    let mut by_chance = by_role;
    by_chance["method"] = json!("de");
    by_chance["seed"] = json!(7);
    let (one, two) = (optimize(&app, by_chance.clone()).await, optimize(&app, by_chance).await);
    assert_best(&one, 200.0, 22.0, 52.0);
    assert_eq!((&one["method"], &one["recommendations"]), (&json!("de"), &two["recommendations"]));
    assert_ne!(one["run_id"], two["run_id"]);

    // Every run is there, as it was answered, also for the next process.
    let app = app.restart().await;
    let runs = app.get("/api/optimizations?model=plant").await.expect(200);
    assert_eq!((&runs["total"], &runs["items"][0]["run_id"]), (&json!(4), &two["run_id"]));
    let run = app.get(&format!("/api/optimizations/{}", first["run_id"].as_str().unwrap())).await.expect(200);
    for (field, value) in first.as_object().unwrap().iter().filter(|(field, _)| *field != "unit") {
        assert_eq!(&run[field], value, "{field}");
    }
    assert_eq!(run["input_data"]["current"], json!({"CT_1_HZ": 57.0}));
    assert_eq!(run["input_data"]["conditions"], json!({"CH_1_RT": 300.0, "WBT": 25.0}));
    let savings = app.get("/api/optimizations/summary").await.expect(200);
    assert_eq!((&savings["runs"], &savings["runs_with_change"]), (&json!(4), &json!(4)));
}

#[tokio::test]
async fn limits_are_kept_and_what_cannot_be_is_refused() {
    let app = TestApp::start().await;
    let (session_id, model_id) = trained(&app).await;
    let ask = |more: Value| {
        let mut body = json!({
            "model": "plant", "conditions": {"load_rt": 300, "wet_bulb": 25}, "current": {"ct_fan_hz": 57},
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    // Above the best speed power only rises, so the nearest that is allowed is best.
    for (more, hz) in [
        (json!({"constraints": [{"name": "ct_fan_hz", "min": 50}]}), 50.0),
        (json!({"constraints": ["CT_1_HZ >= 50"]}), 50.0),
        (json!({"variables": [{"name": "ct_fan_hz", "min": "48.0"}]}), 48.0),
        (json!({"variables": [{"name": "ct_fan_hz", "max_change": 3}]}), 54.0),
        (json!({"variables": [{"name": "ct_fan_hz", "min": 45, "step": 5}]}), 45.0),
    ] {
        let answer = optimize(&app, ask(more.clone())).await;
        near(&answer["recommendations"][0]["value"], hz, 1e-9);
        near(&answer["savings_kw"], power_kw(300.0, 25.0, 57.0) - power_kw(300.0, 25.0, hz), 0.3);
    }
    let broken = optimize(&app, ask(json!({"constraints": ["ct_fan_hz<=50"]}))).await;
    assert!(broken["constraint_violations"][0].as_str().unwrap().contains("ct_fan_hz"), "{broken}");
    assert!(broken["recommendations"][0]["value"].as_f64().unwrap() <= 50.0);

    let best = optimize(&app, ask(json!({"current": {"ct_fan_hz": 44.5}}))).await;
    assert_eq!((&best["change"], &best["savings_kw"]), (&json!(false), &json!(0.0)), "{best}");
    assert_eq!(best["recommendations"][0]["value"], 44.5);
    let beyond = optimize(&app, ask(json!({"conditions": {"load_rt": 1500, "wet_bulb": 25}}))).await;
    assert_eq!((&beyond["change"], &beyond["savings_kw"]), (&json!(false), &json!(0.0)));
    assert!(!beyond["extrapolating"].as_array().unwrap().is_empty(), "{beyond}");
    // Nobody knows how far off that may be, and without a load nothing runs.
    assert_eq!((&beyond["lower"], &beyond["upper"]), (&Value::Null, &Value::Null), "{beyond}");
    let standing = optimize(&app, ask(json!({"conditions": {"load_rt": -0.2, "wet_bulb": 25}}))).await;
    assert_eq!((&standing["change"], &standing["predicted_power"]), (&json!(false), &json!(0.0)), "{standing}");
    assert!(!standing.to_string().contains("-0 ") && !standing.to_string().contains("-0.0"), "{standing}");

    let refused = async |more: Value, code: &str| app.post("/api/optimize", &ask(more)).await.expect_problem(422, code);
    let both = json!({"constraints": ["ct_fan_hz>=50", "ct_fan_hz<=45"]});
    let problem = refused(both, "infeasible").await;
    let named = problem.to_string();
    assert!(named.contains("50") && named.contains("45") && named.contains("ct_fan_hz"), "{problem}");
    let problem = refused(json!({"variables": ["chw_pump_hz"]}), "wrong_features").await;
    assert_eq!(problem["errors"][0]["field"], "variables[0].name");
    let problem = refused(json!({"conditions": {"load_rtt": 300}}), "wrong_features").await;
    assert!(problem["errors"][0]["message"].as_str().unwrap().contains("load_rt"), "{problem}");
    let flat = json!({"model": "plant", "input_data": {"CT_2_HZ": 50}});
    let problem = app.post("/api/optimize", &flat).await.expect_problem(422, "wrong_features");
    assert_eq!(problem["errors"][0]["field"], "input_data.CT_2_HZ");
    let no_step = ask(json!({"variables": [{"name": "ct_fan_hz", "step": 0}]}));
    let problem = app.post("/api/optimize", &no_step).await.expect(422);
    assert_eq!(problem["errors"][0]["field"], "variables[0].step");
    app.post("/api/optimize", &json!({"model": "plnt"})).await.expect_problem(404, "unknown_model");
    app.post("/api/optimize", &json!({"model": "plant:v9"})).await.expect_problem(404, "unknown_model_version");
    let elsewhere = ask(json!({"session_id": "00000000-0000-7000-8000-000000000000"}));
    app.post("/api/optimize", &elsewhere).await.expect_problem(404, "unknown_session");

    let idle = json!({"target_col": "TOTAL_KW", "chiller_cols": ["CH_1_RT"], "environment_cols": ["WBT"]});
    let request = json!({
        "model_name": "idle", "session_id": session_id, "feature_mapping": idle, "algorithm": "gbdt", "wait": true,
    });
    app.post("/api/models/train", &request).await.expect(200);
    let problem = app.post("/api/optimize", &json!({"model": "idle"})).await.expect_problem(422, "no_control");
    assert!(problem["detail"].as_str().unwrap().contains("train again"), "{problem}");

    // Runs go with their model, and only by force.
    let path = format!("/api/models/{model_id}");
    assert_eq!(app.delete(&path).await.status, 409);
    let forced = app.delete(&format!("{path}?force=true")).await;
    assert!(forced.status < 300, "{}", forced.text());
    assert_eq!(app.get("/api/optimizations").await.expect(200)["total"], 0);
    assert_eq!(app.get("/api/optimizations/summary").await.expect(200)["runs"], 0);
}

#[tokio::test]
async fn what_nobody_gave_comes_from_the_latest_steady_rows() {
    let app = TestApp::start().await;
    let (session_id, _) = trained(&app).await;
    let answer = optimize(&app, json!({"model_name": "plant", "input_data": {}})).await;
    assert_best(&answer, 300.5, 25.0, 57.0);
    assert_eq!(answer["session_id"], json!(session_id));
    let assumed = answer["assumptions"].as_array().unwrap();
    let of = |name: &str| assumed.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("{name}: {answer}"));
    // 301 and 300 RT lie a quarter of an hour apart; 330 is 10 % more.
    assert_eq!(
        (&of("CH_1_RT")["value"], &of("WBT")["value"], &of("CT_1_HZ")["value"]),
        (&json!(300.5), &json!(25.0), &json!(57.0))
    );
    assert_eq!(assumed.len(), 3);
    // 2016 rows from 1 July make 21 days; the rows taken are the third and fourth behind them.
    let source = of("WBT")["source"].as_str().unwrap();
    for part in [session_id.as_str(), "parsed-v1", "2024-07-22T00:30:00+00:00", "2024-07-22T00:45:00+00:00"] {
        assert!(source.contains(part), "{part}: {source}");
    }
    let run = app.get(&format!("/api/optimizations/{}", answer["run_id"].as_str().unwrap())).await.expect(200);
    assert_eq!((&run["session_id"], &run["input_data"]["current"]), (&json!(session_id), &json!({})));

    assert_eq!(answer["missing"].as_array().unwrap().len(), 3, "{answer}");

    // Only what is lacking is filled in.
    let partly = json!({"model": "plant", "conditions": {"load_rt": 290}, "current": {"ct_fan_hz": 52}});
    let answer = optimize(&app, partly).await;
    assert_best(&answer, 290.0, 25.0, 52.0);
    let names: Vec<&Value> = answer["assumptions"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!((&names[..], &answer["missing"]), (&[&json!("WBT")][..], &json!(["WBT"])));

    // 200 RT are another state of the plant than that of 300.5: its air is not taken for that of then, but what the air
    // was at such loads in history, which was 24 °C in the middle whatever the load.
    let elsewhere = json!({"model_name": "plant", "input_data": {"CH_1_RT": 200, "CT_1_HZ": 52}});
    let answer = optimize(&app, elsewhere).await;
    let wet_bulb = &answer["assumptions"][0];
    near(&wet_bulb["value"], 24.0, 0.5);
    assert_best(&answer, 200.0, wet_bulb["value"].as_f64().unwrap(), 52.0);
    assert_eq!((&answer["missing"], &answer["session_id"]), (&json!(["wet_bulb"]), &Value::Null));
    assert!(wet_bulb["source"].as_str().unwrap().contains("training rows with load_rt 180–220"), "{wet_bulb}");
    assert!(answer["message"].as_str().unwrap().contains("load_rt is 200.0 and was 300.5"), "{answer}");

    // Another session, by its newest version; what it lacks is the median of training rows like it.
    let other = "time,CH_1_RT,CT_1_HZ\n2024-08-01 00:00,220,50\n2024-08-01 00:15,220,50\n2024-08-01 00:30,220,50\n";
    let parsed = app.parsed(&[("other.csv", other.as_bytes())], &[("timezone", "UTC")]).await;
    let other = parsed["session_id"].as_str().unwrap().to_owned();
    let answer = optimize(&app, json!({"model": "plant", "session_id": other})).await;
    assert_eq!(answer["session_id"], json!(other));
    let assumed = answer["assumptions"].as_array().unwrap();
    let wet_bulb = assumed.iter().find(|one| one["name"] != "CH_1_RT" && one["name"] != "CT_1_HZ").unwrap();
    near(&wet_bulb["value"], 24.0, 0.5);
    assert!(wet_bulb["source"].as_str().unwrap().contains("training rows with load_rt 198–242"), "{wet_bulb}");
    assert_best(&answer, 220.0, wet_bulb["value"].as_f64().unwrap(), 50.0);

    // A session that is gone helps nobody, and does not keep the answer away.
    app.delete(&format!("/api/sessions/{session_id}")).await.expect(204);
    let answer = optimize(&app, json!({"model": "plant", "current": {"ct_fan_hz": 52}})).await;
    assert_eq!(answer["session_id"], Value::Null);
    assert!(answer["message"].as_str().unwrap().contains("cannot be used"), "{answer}");
    assert!(!answer["assumptions"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_damaged_model_recommends_nothing() {
    let app = TestApp::start().await;
    trained(&app).await;
    let models = app.folder.path().join("models");
    let folder = std::fs::read_dir(models).unwrap().map(Result::unwrap).find(|entry| entry.path().is_dir()).unwrap();
    let file = std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap).next().unwrap().path();
    assert_eq!(file.extension().unwrap(), "json");
    let text = std::fs::read_to_string(&file).unwrap();
    let stores = app.stop().await;
    std::fs::write(&file, text.replacen('1', "2", 1)).unwrap();
    // Another process: this one has read the file already, and keeps what it read.
    let (done, _, err) = command(stores.path(), &["optimize", "plant"]);
    assert!(!done && err.contains("is not what was published"), "{err}");
    std::fs::remove_file(&file).unwrap();
    let (done, _, err) = command(stores.path(), &["optimize", "plant"]);
    assert!(!done && err.contains("is not what was published"), "it was marked: {err}");
    let app = TestApp::start_in(stores, Vec::new()).await.unwrap();
    app.post("/api/optimize", &json!({"model": "plant"})).await.expect_problem(409, "file_damaged");
    assert_eq!(app.get("/api/optimizations").await.expect(200)["total"], 0);
}

/// A command on stores of its own: exit status, standard output, standard error.
fn command(folder: &std::path::Path, arguments: &[&str]) -> (bool, String, String) {
    let done = Process::command(folder, arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.success(), text(done.stdout), text(done.stderr))
}

#[test]
fn the_command_line_does_the_same_also_straight_from_a_csv() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plant.csv"), plant()).unwrap();
    let straight = ["--json", "optimize", "--from", "plant.csv", "--target", "TOTAL_KW", "--timezone", "UTC"];
    let (done, out, err) = command(folder.path(), &straight);
    assert!(done, "{err}");
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_best(&answer, 300.5, 25.0, 57.0);
    assert_eq!((&answer["model_name"], &answer["model_version"]), (&json!("plant"), &json!("v1")));
    // What was made the first time stands.
    let (done, out, err) = command(folder.path(), &straight);
    assert!(done, "{err}");
    let again: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&again["model_id"], &again["recommendations"]), (&answer["model_id"], &answer["recommendations"]));

    let asked = [
        "optimize",
        "plant:v1",
        "--set",
        "load_rt=300",
        "--set",
        "wet_bulb=25",
        "--current",
        "ct_fan_hz=57",
        "--vary",
        "ct_fan_hz:30:60:0.5:3",
        "--constraint",
        "ct_fan_hz>=50",
    ];
    let (done, out, err) = command(folder.path(), &asked);
    assert!(done, "{err}");
    let line = out.lines().nth(1).unwrap();
    let cells: Vec<&str> = line.split_whitespace().take(4).collect();
    assert_eq!(cells, ["ct_fan_hz", "57", "54", "Hz"], "{out}");
    let saved = power_kw(300.0, 25.0, 57.0) - power_kw(300.0, 25.0, 54.0);
    assert!(out.contains(&format!("saves {saved:.1} kW")), "{saved}: {out}");
    assert!(out.contains("with plant v1"), "{out}");

    for (arguments, says) in [
        (&["optimize", "nobody"][..], "there is no model 'nobody'"),
        (&["optimize", "plant", "--set", "load_rt=much"], "'much' is no number"),
        (&["optimize", "plant", "--vary", "a:1:2:3:4:5"], "NAME:MIN:MAX:STEP:MAX_CHANGE"),
        (&["optimize", "plant", "--constraint", "ct_fan_hz=50"], "is no limit"),
        (&["optimize", "plant", "--method", "luck"], "none of auto, grid, de"),
        (&["optimize", "plant", "--session", "elsewhere"], "there is no session"),
        (&["optimize", "--from", "none.csv"], "no such file"),
        (&["optimize"], "<MODEL>"),
    ] {
        let (done, _, err) = command(folder.path(), arguments);
        assert!(!done && err.contains(says), "{arguments:?}: {err}");
    }
}

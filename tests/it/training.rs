//! Training through the doors a user uses, on a small plant whose power is known: a law of load, wet-bulb and speeds.

use std::path::Path;
use std::time::Duration;

use hvac_store::objects::hex;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::helpers::TestApp;

mod commands;
mod crash;
mod keeping;
mod real;
mod suggested;

/// Half-hours of a plant from 2024-07-01 00:00 UTC on.
///
/// Power is 60 + 0.55·RT + 0.0004·RT² + 1.5·(WBT − 24) + 30·(CHP/50)³ + 18·(CT/50)³ kW, to 0.1. `CH_1_KW` is 70 % of
/// it, `MODE` a text, `CH_1_S` a state.
fn plant(rows: u32) -> Vec<u8> {
    let mut text = "time,CH_SYS_RT,CHWST,WBT_C,CHP_HZ,CT_HZ,CH_1_KW,CH_1_S,MODE,CH_SYS_TOTAL_KW\n".to_owned();
    // Numerical Recipes' generator: the same everywhere.
    let mut state = 7_u32;
    let mut noise = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 16) / 65_536.0
    };
    for row in 0..rows {
        let hour = f64::from(row % 48) / 2.0;
        let day = (1.0 - ((hour - 14.0) / 7.0).powi(2)).max(0.0);
        let rt = 120.0 + 180.0 * day + 40.0 * noise();
        let wbt = 22.0 + 3.0 * day + 2.0 * noise();
        let chwst = 6.5 + 1.5 * noise();
        let (chp, ct) = (38.0 + 12.0 * noise(), 35.0 + 15.0 * noise());
        let cube = |hz: f64| (hz / 50.0).powi(3);
        let kw = 60.0 + 0.55 * rt + 0.0004 * rt * rt + 1.5 * (wbt - 24.0) + 30.0 * cube(chp) + 18.0 * cube(ct);
        let (date, minute) = (row / 48, row % 48 * 30);
        let at = format!("2024-{:02}-{:02} {:02}:{:02}", 7 + date / 28, 1 + date % 28, minute / 60, minute % 60);
        let (on, mode) = (if rt > 200.0 { "ON" } else { "OFF" }, ["COOL", "IDLE", "HEAT"][(row % 3) as usize]);
        text += &format!("{at},{rt:.1},{chwst:.2},{wbt:.2},{chp:.1},{ct:.1},{:.1},{on},{mode},{kw:.1}\n", kw * 0.7);
    }
    text.into_bytes()
}

/// Power by the law above.
fn law(rt: f64, wbt: f64, chp: f64, ct: f64) -> f64 {
    60.0 + 0.55 * rt + 0.0004 * rt * rt + 1.5 * (wbt - 24.0) + 30.0 * (chp / 50.0).powi(3) + 18.0 * (ct / 50.0).powi(3)
}

fn mapping() -> Value {
    json!({
        "chiller_cols": ["CH_SYS_RT"], "chw_pump_cols": ["CHP_HZ"], "cooling_tower_cols": ["CT_HZ"],
        "chw_temp_cols": ["CHWST"], "environment_cols": ["WBT_C"], "target_col": "CH_SYS_TOTAL_KW"
    })
}

/// What most tests ask for: physics is fitted in no time.
fn request(session_id: &str) -> Value {
    json!({
        "model_name": "plant", "session_id": session_id, "feature_mapping": mapping(), "algorithm": "physics",
        "features": {"calendar": false}
    })
}

fn with(mut request: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

async fn session(app: &TestApp) -> String {
    let fields = [("timezone", "UTC"), ("name", "Plant"), ("site", "KMUH")];
    app.parsed(&[("plant.csv", &plant(600))], &fields).await["session_id"].as_str().unwrap().to_owned()
}

/// Trains and waits.
async fn trained(app: &TestApp, request: &Value) -> Value {
    let answer = app.post("/api/models/train", &with(request.clone(), &json!({"wait": true}))).await.expect(200);
    assert_eq!(answer["status"], "completed", "{answer}");
    answer
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("{field} of {value}"))
}

fn file(app: &TestApp, name: &str) -> std::path::PathBuf {
    app.folder.path().join("models/KMUH").join(name)
}

/// A model that is asked for without waiting: queued, followed, listed, looked at, downloaded.
#[tokio::test]
async fn a_model_is_trained_as_a_job_and_kept() {
    let app = TestApp::start().await;
    let id = session(&app).await;
    let response = app.post("/api/models/train", &request(&id)).await;
    let queued = response.expect(202);
    let model_id = text(&queued, "model_id").to_owned();
    assert_eq!((&queued["status"], &queued["model_name"]), (&json!("training"), &json!("plant")));
    assert_eq!((&queued["job_id"], &queued["version"]), (&queued["model_id"], &json!("v1")));
    assert_eq!((&queued["reused"], &queued["mapping_suggested"]), (&json!(false), &json!(false)));
    assert_eq!((&queued["session_id"], &queued["dataset_version"]), (&json!(id), &json!("parsed-v1")));
    assert!(!text(&queued, "message").is_empty());
    assert_eq!(response.header("location"), format!("/api/v1/jobs/{model_id}"));
    assert_eq!(response.header("deprecation"), "");
    let events = app.get(&format!("/api/jobs/{model_id}/events")).await.text();
    assert!(events.contains("completed"), "{events}");
    let job = app.get(&format!("/api/jobs/{model_id}")).await.expect(200);
    assert_eq!((&job["kind"], &job["status"]), (&json!("train"), &json!("completed")));

    let list = app.get("/api/models").await.expect(200);
    assert_eq!((&list["folders"], &list["folder_counts"]), (&json!(["KMUH"]), &json!({"KMUH": 1})));
    assert_eq!((&list["total_models"], &list["directory"], &list["total"]), (&json!(1), &json!("."), &json!(1)));
    let listed = &list["models"][0];
    assert_eq!(
        (&listed["id"], &listed["name"], &listed["status"]),
        (&json!(model_id), &json!("plant"), &json!("completed"))
    );
    assert_eq!((&listed["version"], &listed["algorithm"]), (&json!("v1"), &json!("physics")));
    assert_eq!((&listed["feature_count"], &listed["target_col"]), (&json!(5), &json!("CH_SYS_TOTAL_KW")));
    assert!(
        listed["mape"].as_f64().unwrap() < 5.0 && listed["r2"].as_f64().unwrap() > 0.9,
        "the law is simple: {listed}"
    );
    assert!(listed["created_at"].is_string());
    assert_eq!(app.get("/api/models?subfolder=KMUH").await.expect(200)["models"][0]["id"], json!(model_id));
    assert_eq!(app.get("/api/models?subfolder=default").await.expect(200)["models"], json!([]));

    let model = app.get(&format!("/api/models/{model_id}")).await.expect(200);
    assert_eq!(model["lineage"]["session_id"], json!(id));
    assert_eq!((&model["lineage"]["rows"], &model["lineage"]["interval_s"]), (&json!(600), &json!(1800)));
    assert_eq!(model["lineage"]["start_ms"], 1_719_792_000_000_i64, "2024-07-01T00:00Z by `date -d`");
    assert_eq!(model["metrics"]["time_ordered"]["mape"], listed["mape"]);
    assert_eq!((&model["options"]["algorithm"], &model["interval"]), (&json!("physics"), &Value::Null));
    let names: Vec<&str> = model["features"].as_array().unwrap().iter().map(|feature| text(feature, "name")).collect();
    for name in ["CH_SYS_RT", "CHP_HZ", "CT_HZ", "CHWST", "WBT_C"] {
        assert!(names.contains(&name), "{names:?}");
    }
    let named = app.get("/api/models/by-name/plant").await.expect(200);
    assert_eq!((&named["id"], &named["versions"][0]["version"]), (&json!(model_id), &json!("v1")));

    let stored = std::fs::read(file(&app, "plant-v1.json")).unwrap();
    assert_eq!(
        (hex(&Sha256::digest(&stored)), stored.len() as u64),
        (text(&model, "sha256").to_owned(), model["size_bytes"].as_u64().unwrap())
    );
    let download = app.get("/api/models/plant:v1/file").await;
    assert_eq!((download.status, &download.body[..]), (200, &stored[..]));
    let etag = format!("\"{}\"", text(&model, "sha256"));
    assert_eq!((download.header("etag"), download.header("content-type")), (etag.as_str(), "application/json"));
    let again = app.get_with("/api/models/plant/file", &[("if-none-match", &etag)]).await;
    assert_eq!(again.status, 304);
    let inside: Value = serde_json::from_slice(&stored).unwrap();
    assert_eq!(inside["lineage"]["dataset_sha256"], model["lineage"]["dataset_sha256"]);
    assert!(!String::from_utf8_lossy(&stored).contains(&*app.folder.path().to_string_lossy()), "no path of the host");
    let table = app.get("/api/models/plant/scoring-table.csv").await;
    assert_eq!((table.status, table.header("content-type")), (200, "text/csv; charset=utf-8"));
    assert!(table.text().lines().count() > 2, "{}", table.text());

    let lineage = app.get(&format!("/api/sessions/{id}/lineage")).await.expect(200);
    let node = lineage["nodes"].as_array().unwrap().iter().find(|node| node["kind"] == "model").unwrap();
    assert_eq!((&node["id"], &node["label"]), (&json!(model_id), &json!("plant:v1")));
    assert_eq!(node["made_from"], json!([queued["dataset_id"]]));
    assert_eq!(node["sha256"], model["sha256"]);
}

#[tokio::test]
async fn the_same_request_answers_the_model_it_made_and_makes_the_same_bytes() {
    let app = TestApp::start().await;
    let id = session(&app).await;
    let first = trained(&app, &request(&id)).await;
    let again = app.post("/api/models/train", &request(&id)).await.expect(200);
    assert_eq!((&again["reused"], &again["model_id"]), (&json!(true), &first["model_id"]));
    assert_eq!((&again["status"], &again["model"]["mape"]), (&json!("completed"), &first["model"]["mape"]));
    let forced = trained(&app, &with(request(&id), &json!({"force": true}))).await;
    assert_eq!((&forced["reused"], &forced["version"]), (&json!(false), &json!("v2")));
    assert_eq!(forced["model"]["sha256"], first["model"]["sha256"], "the same inputs, the same file");
    assert!(file(&app, "plant-v1.json").exists() && file(&app, "plant-v2.json").exists());
    let other = trained(&app, &with(request(&id), &json!({"holdout": "each_month"}))).await;
    assert_eq!((&other["reused"], &other["version"]), (&json!(false), &json!("v3")));
    let name = trained(&app, &with(request(&id), &json!({"model_name": "Anlage_2"}))).await;
    assert_eq!((&name["reused"], &name["version"]), (&json!(false), &json!("v1")));
    // A job that waits already is joined, not doubled.
    let joint = with(request(&id), &json!({"model_name": "joint", "wait": true}));
    let answers = futures_util::future::join_all((0..3).map(|_| app.post("/api/models/train", &joint))).await;
    let versions: Vec<Value> = answers.iter().map(|answer| answer.expect(200)["version"].clone()).collect();
    assert_eq!(versions, vec![json!("v1"); 3]);
    let list = app.get("/api/models?page_size=2").await.expect(200);
    assert_eq!((&list["total_models"], &list["total_pages"]), (&json!(3), &json!(2)));
    assert_eq!(list["models"][0]["name"], "joint", "newest first");
    let plant = app.get("/api/models?q=PLANT").await.expect(200);
    assert_eq!((&plant["total"], &plant["models"][0]["version"]), (&json!(1), &json!("v3")));
    assert_eq!(plant["models"][0]["versions_count"], 3);
    app.get("/api/models?page_size=0").await.expect_problem(422, "out_of_range");
}

/// 600 half-hours from midnight on are 300 hours; the mean of a state's hour is its maximum, of a reading its mean.
#[tokio::test]
async fn rows_are_resampled_before_training_when_asked() {
    let app = TestApp::start().await;
    let id = session(&app).await;
    let hourly = trained(&app, &with(request(&id), &json!({"interval": "1h"}))).await;
    let lineage = &hourly["model"]["lineage"];
    assert_eq!((&lineage["rows"], &lineage["interval_s"]), (&json!(300), &json!(3600)));
    assert_eq!(hourly["model"]["interval"], "1h");
    let range = |model: &Value| {
        let features = model["features"].as_array().unwrap();
        features.iter().find(|feature| feature["name"] == "CH_SYS_RT").unwrap()["range"]["max"].as_f64().unwrap()
    };
    let rows: Vec<f64> = String::from_utf8(plant(600))
        .unwrap()
        .lines()
        .skip(1)
        .map(|l| l.split(',').nth(1).unwrap().parse().unwrap())
        .collect();
    let highest = rows.chunks(2).map(|pair| (pair[0] + pair[1]) / 2.0).fold(0.0, f64::max);
    assert!((range(&hourly["model"]) - highest).abs() < 1e-9, "the greatest mean of two half-hours: {highest}");

    // A cleaned version can be trained on, and is what `latest` means then.
    app.post("/api/clean", &json!({"session_id": id, "resample_interval": "30m", "detect_frozen": false}))
        .await
        .expect(200);
    let cleaned = trained(&app, &request(&id)).await;
    assert_eq!((&cleaned["dataset_version"], &cleaned["version"]), (&json!("cleaned-v1"), &json!("v2")));
    assert_eq!(cleaned["model"]["lineage"]["dataset_id"], cleaned["dataset_id"]);
    let parsed = trained(&app, &with(request(&id), &json!({"version": "parsed"}))).await;
    assert_eq!(parsed["dataset_version"], "parsed-v1");
    let problem = app.post("/api/models/train", &with(request(&id), &json!({"interval": "7m"}))).await;
    assert!(text(&problem.expect_problem(422, "invalid_field"), "detail").contains("30m"));
}

/// Without a mapping the columns' names suggest one, without those that would leak the target.
#[tokio::test]
async fn names_suggest_a_mapping_when_there_is_none() {
    let app = TestApp::start().await;
    let id = session(&app).await;
    for body in [
        json!({"model_name": "a", "session_id": id, "algorithm": "physics"}),
        json!({"model_name": "b", "session_id": id, "algorithm": "physics", "feature_mapping": {}}),
        json!({"model_name": "c", "session_id": id, "algorithm": "physics", "feature_mapping": {"chiller_cols": []}}),
    ] {
        let answer = trained(&app, &body).await;
        assert_eq!(answer["mapping_suggested"], true);
        assert!(text(&answer, "message").contains("columns' names suggest"), "{answer}");
        let mapping = &answer["feature_mapping"];
        assert_eq!(mapping["target_col"], "CH_SYS_TOTAL_KW");
        assert_eq!(
            (&mapping["chw_pump_cols"], &mapping["cooling_tower_cols"]),
            (&json!(["CHP_HZ"]), &json!(["CT_HZ"]))
        );
        assert!(!mapping.to_string().contains("CH_1_KW"), "{mapping}");
        let warned = answer["warnings"].to_string();
        assert!(warned.contains("CH_1_KW is left out"), "{warned}");
        assert_eq!(answer["model"]["mapping_suggested"], true);
    }
    // The request's own target stays.
    let body = json!({"model_name": "d", "session_id": id, "algorithm": "physics", "feature_mapping": {"target_col": "CH_SYS_RT"}});
    let answer = app.post("/api/models/train", &with(body, &json!({"wait": true}))).await;
    assert!(answer.status == 200 || answer.json()["code"] == "no_features", "{}", answer.text());
    // Nothing says what to predict.
    let csv = String::from_utf8(plant(600)).unwrap().replace("CH_SYS_TOTAL_KW", "P1").replace("CH_1_KW", "P2");
    let other = app.parsed(&[("other.csv", csv.as_bytes())], &[("timezone", "UTC")]).await;
    let body = json!({"model_name": "e", "session_id": other["session_id"]});
    let problem = app.post("/api/models/train", &body).await.expect_problem(422, "unknown_target");
    assert_eq!(problem["errors"][0]["field"], "feature_mapping.target_col");
}

#[tokio::test]
async fn the_session_may_be_left_out_for_now() {
    let app = TestApp::start().await;
    let id = session(&app).await;
    let mut body = request(&id);
    body.as_object_mut().unwrap().remove("session_id");
    let response = app.post("/api/models/train?wait=true", &body).await;
    assert_eq!(response.expect(200)["session_id"], json!(id));
    assert!(response.header("deprecation").starts_with('@') && response.header("warning").contains(&id));
}

#[tokio::test]
async fn what_cannot_be_trained_is_refused_before_any_work() {
    let app = TestApp::start().await;
    let id = session(&app).await;
    let refused = async |more: Value, code: &str, field: &str| {
        let problem = app.post("/api/models/train", &with(request(&id), &more)).await.expect_problem(422, code);
        let fields: Vec<&str> =
            problem["errors"].as_array().unwrap().iter().filter_map(|e| e["field"].as_str()).collect();
        assert!(fields.contains(&field), "{problem}");
        text(&problem, "detail").to_owned()
    };
    let name = refused(json!({"model_name": "my plant/1"}), "bad_name", "model_name").await;
    assert!(name.contains("a blank") && name.contains("'/'"), "{name}");
    refused(json!({"model_name": ""}), "bad_name", "model_name").await;
    let column = |name: &str| with(mapping(), &json!({"chw_pump_cols": [name]}));
    let unknown =
        refused(json!({"feature_mapping": column("CHP_HERTZ")}), "unknown_column", "feature_mapping.chw_pump_cols")
            .await;
    assert!(unknown.contains("CHP_HZ"), "the closest is named: {unknown}");
    let target = |name: &str| json!({"feature_mapping": with(mapping(), &json!({"target_col": name}))});
    let wrong = refused(target("CH_TOTAL_KW"), "unknown_target", "feature_mapping.target_col").await;
    assert!(wrong.contains("CH_SYS_TOTAL_KW"), "{wrong}");
    refused(target("MODE"), "target_not_numeric", "feature_mapping.target_col").await;
    refused(target("CH_1_S"), "target_not_numeric", "feature_mapping.target_col").await;
    refused(json!({"holdout_share": 0.9}), "bad_option", "holdout_share").await;
    refused(json!({"fit": {"budget": 0}}), "bad_option", "fit.budget").await;
    refused(json!({"features": {"lags": {"WBT_C": [-60]}}}), "bad_option", "features.lags.WBT_C").await;
    refused(json!({"features": {"lags": {"WBT": [3600]}}}), "unknown_column", "features.lags.WBT").await;
    refused(json!({"features": {"calender": true}}), "unknown_field", "features.calender").await;
    refused(json!({"algorithm": "magic"}), "invalid_field", "algorithm").await;
    refused(json!({"feature_mapping": {"chiler": ["A"]}}), "invalid_field", "feature_mapping").await;
    app.post("/api/models/train", &with(request(&id), &json!({"version": "cleaned"})))
        .await
        .expect_problem(404, "unknown_version");
    let nobody = request("0199f6a0-0000-7000-8000-000000000001");
    app.post("/api/models/train", &nobody).await.expect_problem(404, "unknown_session");
    assert_eq!(app.get("/api/models").await.expect(200)["total_models"], 0, "nothing was noted");

    refused(json!({"colour": "blue"}), "unknown_field", "colour").await;
    let allowed = with(request(&id), &json!({"feature_mapping": column("CH_1_KW"), "allow_leakage": true}));
    let allowed = trained(&app, &allowed).await;
    assert!(allowed["model"]["metrics"]["leaks"].to_string().contains("CH_1_KW"), "it is shown: {allowed}");
    app.delete(&format!("/api/sessions/{id}")).await;
    app.post("/api/models/train", &request(&id)).await.expect_problem(404, "deleted_session");
}

/// What only the values tell fails the job; the row says why, and the next training takes the next number.
#[tokio::test]
async fn a_training_that_fails_says_why() {
    let app = TestApp::start().await;
    let constant = String::from_utf8(plant(600)).unwrap();
    let constant: String = constant
        .lines()
        .enumerate()
        .map(|(row, line)| match line.rsplit_once(',') {
            Some((head, _)) if row > 0 => format!("{head},250\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let flat = app.parsed(&[("flat.csv", constant.as_bytes())], &[("timezone", "UTC")]).await["session_id"].clone();
    let few = app.parsed(&[("few.csv", &plant(60))], &[("timezone", "UTC")]).await["session_id"].clone();
    for (session, code) in [(flat, "constant_target"), (few, "too_few_rows")] {
        let mut body = request(session.as_str().unwrap());
        body["wait"] = json!(true);
        let problem = app.post("/api/models/train", &body).await.expect_problem(422, code);
        let models = app.get("/api/models/by-name/plant").await.expect(200);
        assert_eq!((&models["status"], &models["metrics"]), (&json!("failed"), &Value::Null));
        assert_eq!(models["error"], problem["detail"]);
        app.get("/api/models/plant/file").await.expect_problem(409, "model_not_ready");
    }
    let id = session(&app).await;
    let done = trained(&app, &request(&id)).await;
    assert_eq!(done["version"], "v3", "numbers are not used again");
    let named = app.get("/api/models/by-name/plant").await.expect(200);
    assert_eq!((&named["id"], &named["versions"].as_array().unwrap().len()), (&done["model_id"], &3));
    // What is left of trainings that came to nothing keeps no session.
    let failed = text(&named["versions"][1], "session_id").to_owned();
    assert_eq!(app.delete(&format!("/api/sessions/{failed}?purge=true")).await.status, 204);
    app.get("/api/models/plant:v2").await.expect_problem(404, "unknown_model_version");
}

#[tokio::test]
async fn rows_are_predicted_with_an_interval_and_what_lies_beyond() {
    let app = TestApp::start().await;
    let id = session(&app).await;
    let model = trained(&app, &request(&id)).await;
    let path = format!("/api/models/{}/predict", text(&model, "model_id"));
    let seen = json!({"CH_SYS_RT": 250, "CHWST": 7.0, "WBT_C": 24.5, "CHP_HZ": 45, "CT_HZ": 42, "timestamp": "2024-07-03T12:00"});
    let by_role = json!({"load_rt": 250, "chw_supply_temp": 7.0, "wet_bulb": 24.5, "chw_pump_hz": 45, "ct_fan_hz": 42});
    let beyond = with(seen.clone(), &json!({"CH_SYS_RT": 1500}));
    let answer = app.post(&path, &json!({"rows": [seen, by_role, beyond]})).await.expect(200);
    assert_eq!(
        (&answer["count"], &answer["model_name"], &answer["version"]),
        (&json!(3), &json!("plant"), &json!("v1"))
    );
    let predictions = answer["predictions"].as_array().unwrap();
    let kw = |index: usize, field: &str| predictions[index][field].as_f64().unwrap();
    let truth = law(250.0, 24.5, 45.0, 42.0);
    assert!((kw(0, "predicted_power") - truth).abs() < 0.05 * truth, "{answer}: by the law {truth}");
    assert!(kw(0, "lower") < kw(0, "predicted_power") && kw(0, "predicted_power") < kw(0, "upper"), "{answer}");
    assert_eq!(kw(0, "predicted_power"), kw(1, "predicted_power"), "a role is as good as a name");
    assert_eq!(
        (&predictions[0]["extrapolating"], &predictions[2]["extrapolating"]),
        (&json!([]), &json!(["CH_SYS_RT"]))
    );
    assert!(
        kw(2, "upper") - kw(2, "lower") > kw(0, "upper") - kw(0, "lower"),
        "wider where nothing was seen: {answer}"
    );

    let wrong = app
        .post(&path, &json!({"rows": [{"CH_SYS_RT": 1}, {"CH_SYS_RT": "250"}]}))
        .await
        .expect_problem(422, "not_a_number");
    assert_eq!(wrong["errors"][0]["field"], "rows[1].CH_SYS_RT");
    let unknown = app.post(&path, &json!({"rows": [{"CH_SYS_TR": 250}]})).await.expect_problem(422, "wrong_features");
    assert!(text(&unknown, "detail").contains("CH_SYS_RT"), "{unknown}");
    app.post(&path, &json!({"rows": []})).await.expect_problem(422, "out_of_range");
    app.post(&path, &json!({"rows": vec![json!({"load_rt": 250}); 10_001]})).await.expect_problem(422, "out_of_range");
    let many = app.post(&path, &json!({"rows": vec![json!({"load_rt": 250}); 10_000]})).await.expect(200);
    assert_eq!(many["predictions"].as_array().unwrap().len(), 10_000);
    app.post("/api/models/nobody/predict", &json!({"rows": [{"load_rt": 1}]}))
        .await
        .expect_problem(404, "unknown_model");
    let alike = app.get("/api/models/plnt").await.expect_problem(404, "unknown_model");
    assert!(text(&alike, "detail").contains("did you mean plant?"), "{alike}");
}

/// Trees and the choice between all three, once.
#[tokio::test]
async fn all_three_algorithms_are_tried_and_the_choice_is_explained() {
    let app = TestApp::start().await;
    let id = session(&app).await;
    let answer = trained(&app, &with(request(&id), &json!({"algorithm": "auto", "features": {}}))).await;
    let metrics = &answer["model"]["metrics"];
    assert_eq!(metrics["candidates"].as_array().unwrap().len(), 3, "{metrics}");
    let algorithm = text(&answer["model"], "algorithm");
    assert!(["gbdt", "physics", "hybrid"].contains(&algorithm) && !text(metrics, "choice").is_empty());
    assert_eq!(answer["model"]["options"]["algorithm"], "auto");
    for (scores, field) in [("time_ordered", "mape"), ("time_ordered", "cv_rmse"), ("random_split", "mape")] {
        assert!(metrics[scores][field].as_f64().is_some_and(|score| score < 10.0), "{scores}.{field}: {metrics}");
    }
    let rules: Vec<&str> = metrics["baselines"].as_array().unwrap().iter().map(|rule| text(rule, "rule")).collect();
    assert!(rules.contains(&"same_time_last_week"), "{rules:?}");
}

/// Waits until a job has ended, for one that was asked for without waiting.
async fn ended(app: &TestApp, job_id: &str) -> Value {
    loop {
        let job = app.get(&format!("/api/jobs/{job_id}")).await.expect(200);
        if ["completed", "failed", "cancelled"].contains(&text(&job, "status")) {
            return job;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = crate::helpers::Process::command(folder, arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// A command's `--json` answer.
fn json_of(folder: &Path, arguments: &[&str]) -> Value {
    let all: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
    let (code, stdout, stderr) = run(folder, &all);
    assert_eq!(code, Some(0), "{arguments:?}: {stdout}{stderr}");
    serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}"))
}

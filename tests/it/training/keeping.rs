//! Versions, aliases, deletion, damage, and what comes back after a loss.

use hvac_analytics::config::Config;
use hvac_analytics::training::{self, TrainRequest, ask};

use super::*;
use crate::helpers::settings;

#[tokio::test]
async fn an_alias_stands_for_a_version_until_it_is_moved() {
    let app = TestApp::start().await;
    let id = session(&app).await;
    let first = trained(&app, &request(&id)).await;
    let second = trained(&app, &with(request(&id), &json!({"force": true}))).await;
    let put = async |alias: &str, version: Value| {
        let path = format!("/api/models/by-name/plant/aliases/{alias}");
        app.request(reqwest::Method::PUT, &path, |request| request.json(&json!({"version": version}))).await
    };
    let set = put("production", json!("v1")).await.expect(200);
    assert_eq!(
        (&set["version"], &set["model_id"], &set["previous_version"]),
        (&json!("v1"), &first["model_id"], &Value::Null)
    );
    assert_eq!(app.get("/api/models/plant:production").await.expect(200)["id"], first["model_id"]);
    assert_eq!(app.get("/api/models/plant").await.expect(200)["id"], second["model_id"]);
    let named = app.get("/api/models/by-name/plant").await.expect(200);
    assert_eq!((&named["versions"][1]["aliases"], &named["aliases"]), (&json!(["production"]), &json!([])));
    let answer =
        app.post("/api/models/plant:production/predict", &json!({"rows": [{"load_rt": 200}]})).await.expect(200);
    assert_eq!(answer["version"], "v1");
    let moved = put("production", json!(2)).await.expect(200);
    assert_eq!((&moved["version"], &moved["previous_version"]), (&json!("v2"), &json!("v1")));
    assert_eq!(app.get("/api/models/plant:production").await.expect(200)["id"], second["model_id"]);

    put("v7", json!("v1")).await.expect_problem(422, "bad_name");
    put("latest", json!("v1")).await.expect_problem(422, "bad_name");
    put("production", json!("first")).await.expect_problem(422, "bad_version");
    put("production", json!("v9")).await.expect_problem(404, "unknown_model_version");
    let known = app.get("/api/models/plant:v9").await.expect_problem(404, "unknown_model_version");
    assert!(text(&known, "detail").contains("v2, v1, production"), "{known}");

    // The same function for everything that takes a model.
    let production = training::find(&app.state, "plant:production").await.unwrap();
    assert_eq!((production.row.id.as_str(), production.label().as_str()), (text(&second, "model_id"), "plant:v2"));
    let by_id = training::find(&app.state, text(&first, "model_id")).await.unwrap();
    assert_eq!(by_id.document.mapping.target_col, "CH_SYS_TOTAL_KW");

    assert_eq!(app.delete("/api/models/by-name/plant/aliases/production").await.status, 204);
    app.get("/api/models/plant:production").await.expect_problem(404, "unknown_model_version");
    app.delete("/api/models/by-name/plant/aliases/production").await.expect_problem(404, "unknown_model_version");
}

#[tokio::test]
async fn deleting_a_model_is_final_and_refused_while_it_is_used() {
    let app = TestApp::start().await;
    let id = session(&app).await;
    let model = trained(&app, &request(&id)).await;
    let model_id = text(&model, "model_id").to_owned();
    let purge = app.delete(&format!("/api/sessions/{id}?purge=true")).await.expect_problem(409, "session_has_models");
    assert!(text(&purge, "detail").contains("plant:v1"), "{purge}");

    let alias = json!({"version": "v1"});
    let path = "/api/models/by-name/plant/aliases/production";
    app.request(reqwest::Method::PUT, path, |request| request.json(&alias)).await.expect(200);
    let point = json!({"CH_SYS_RT": 220, "CHWST": 7.2, "WBT_C": 23.5, "CHP_HZ": 44, "CT_HZ": 42});
    app.post("/api/optimize", &json!({"model_name": "plant", "input_data": point})).await.expect(200);
    let used = app.delete("/api/models/plant:v1").await.expect_problem(409, "model_in_use");
    assert!(
        text(&used, "detail").contains("1 recommendation") && text(&used, "detail").contains("production"),
        "{used}"
    );
    assert_eq!(app.get("/api/models/plant").await.expect(200)["optimization_runs"], 1);
    assert!(file(&app, "plant-v1.json").exists());
    assert_eq!(app.delete("/api/models/plant:v1?force=true").await.status, 204);
    assert!(!file(&app, "plant-v1.json").exists());
    app.get(&format!("/api/models/{model_id}")).await.expect_problem(404, "unknown_model");
    app.delete(&format!("/api/models/{model_id}")).await.expect_problem(404, "unknown_model");
    let again = trained(&app, &request(&id)).await;
    assert_eq!((&again["version"], &again["reused"]), (&json!("v2"), &json!(false)), "v1 is not used again");
    assert_eq!(app.delete("/api/models/plant").await.status, 204);
    assert_eq!(app.delete(&format!("/api/sessions/{id}?purge=true")).await.status, 204);
    assert_eq!(app.get("/api/models").await.expect(200)["total_models"], 0);
    let (code, stdout, _) = run(app.folder.path(), &["doctor", "--json"]);
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &report["orphans"], &report["damaged"]), (Some(0), &json!([]), &json!([])));
}

#[tokio::test]
async fn a_damaged_or_missing_file_answers_409_and_comes_back_from_a_backup() {
    let app = TestApp::start().await;
    let id = session(&app).await;
    trained(&app, &request(&id)).await;
    let path = file(&app, "plant-v1.json");
    let whole = std::fs::read(&path).unwrap();
    let rows = json!({"rows": [{"load_rt": 200}]});
    for (damage, code, integrity) in [(true, "file_damaged", "damaged"), (false, "file_missing", "missing")] {
        let other = app.folder.path().join("other");
        if damage {
            let mut bytes = whole.clone();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(&path, bytes).unwrap();
        } else {
            std::fs::rename(&path, &other).unwrap();
        }
        let (exit, stdout, _) = run(app.folder.path(), &["doctor", "--json"]);
        let report: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!((exit, &report["damaged"][0]["path"]), (Some(1), &json!("models/KMUH/plant-v1.json")), "{report}");
        assert_eq!(
            (&report["damaged"][0]["integrity"], &report["damaged"][0]["session_id"]),
            (&json!(integrity), &json!(id))
        );
        let problem = app.post("/api/models/plant/predict", &rows).await.expect_problem(409, code);
        assert!(text(&problem, "detail").contains("doctor"), "{problem}");
        app.get("/api/models/plant/file").await.expect_problem(409, code);
        let model = app.get("/api/models/plant").await.expect(200);
        assert_eq!((&model["integrity"], &model["features"]), (&json!(integrity), &Value::Null));
        assert!(model["metrics"]["time_ordered"]["mape"].is_number(), "the rest is known all the same");
        std::fs::write(&path, &whole).unwrap();
        assert_eq!(run(app.folder.path(), &["doctor"]).0, Some(0));
        app.post("/api/models/plant/predict", &rows).await.expect(200);
    }
    // Found out by whoever reads it first.
    let folder = app.stop().await;
    std::fs::write(&path, b"{}").unwrap();
    let app = TestApp::start_in(folder, Vec::new()).await.unwrap();
    app.get("/api/models/plant/file").await.expect_problem(409, "file_damaged");
    assert_eq!(app.get("/api/models").await.expect(200)["models"][0]["integrity"], "damaged");
    assert_eq!(std::fs::read(&path).unwrap(), b"{}", "and never deleted");
}

#[tokio::test]
async fn a_model_file_that_changes_after_it_was_read_is_refused_by_all() {
    let app = TestApp::start().await;
    let id = session(&app).await;
    trained(&app, &request(&id)).await;
    let path = file(&app, "plant-v1.json");
    let whole = std::fs::read(&path).unwrap();
    let rows = json!({"rows": [{"load_rt": 200}]});
    for first in ["predict", "file", "scoring-table.csv"] {
        let ask = async |what: &str| match what {
            "predict" => app.post("/api/models/plant/predict", &rows).await,
            _ => app.get(&format!("/api/models/plant/{what}")).await,
        };
        for what in ["predict", "file", "scoring-table.csv"] {
            assert_eq!(ask(what).await.status, 200, "{what}");
        }
        let mut bytes = whole.clone();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        for what in [first, "predict", "file", "scoring-table.csv"] {
            ask(what).await.expect_problem(409, "file_damaged");
            assert_eq!(app.get("/api/models").await.expect(200)["models"][0]["integrity"], "damaged");
        }
        std::fs::write(&path, &whole).unwrap();
        assert_eq!(run(app.folder.path(), &["doctor"]).0, Some(0));
    }
    assert_eq!(app.post("/api/models/plant/predict", &rows).await.status, 200);
}

#[tokio::test]
async fn a_training_that_is_cancelled_gives_its_number_up() {
    let app = TestApp::start().await;
    let id = session(&app).await;
    let folder = app.stop().await;
    // A process without workers: what it enqueues waits.
    let values = settings(folder.path());
    let config = Config::from_values(|variable| values.get(variable).cloned()).unwrap();
    let state = hvac_analytics::app::build(config).await.unwrap();
    let body = request(&id).as_object().unwrap().clone();
    let asked = ask::ask(&state, TrainRequest::read(body.clone()).unwrap()).await.unwrap();
    state.jobs.cancel(state.principal(), &asked.job_id).await.unwrap();
    assert_eq!(ask::wait(&state, asked.clone()).await.unwrap_err().code.name, "job_cancelled");
    let again = ask::ask(&state, TrainRequest::read(body).unwrap()).await.unwrap();
    assert!(!again.reused && again.job_id != asked.job_id);
    let missing = training::find(&state, &again.job_id).await.unwrap_err();
    assert_eq!(missing.code.name, "model_not_ready");
    hvac_analytics::app::close(state).await.unwrap();
    let app = TestApp::start_in(folder, Vec::new()).await.unwrap();
    let model = app.get(&format!("/api/models/{}", asked.job_id)).await.expect(200);
    assert_eq!((&model["status"], &model["version"]), (&json!("cancelled"), &json!("v1")));
    assert_eq!(ended(&app, &again.job_id).await["status"], "completed", "it waited for a worker");
    assert_eq!(app.get("/api/models/plant").await.expect(200)["version"], "v2");
}

fn lose_catalogue(folder: &Path) {
    for name in ["hvac_analytics.db", "hvac_analytics.db-wal", "hvac_analytics.db-shm"] {
        let _ = std::fs::remove_file(folder.join("data").join(name));
    }
}

#[tokio::test]
async fn a_lost_catalogue_gets_its_models_back() {
    let app = TestApp::start().await;
    let id = session(&app).await;
    trained(&app, &request(&id)).await;
    trained(&app, &with(request(&id), &json!({"interval": "1h"}))).await;
    let alias = json!({"version": "v1"});
    let path = "/api/models/by-name/plant/aliases/production";
    app.request(reqwest::Method::PUT, path, |request| request.json(&alias)).await.expect(200);
    let before = app.get("/api/models/by-name/plant").await.expect(200);
    let folder = app.stop().await;
    for with_snapshot in [true, false] {
        lose_catalogue(folder.path());
        if !with_snapshot {
            std::fs::remove_file(folder.path().join(format!("data/sessions/{id}/session.json"))).unwrap();
        }
        let rebuilt = json_of(folder.path(), &["doctor", "--rebuild"]);
        assert_eq!((&rebuilt["damaged"], &rebuilt["orphans"]), (&json!([]), &json!([])), "{rebuilt}");
        assert_eq!(rebuilt["models"], json!(if with_snapshot { 0 } else { 2 }), "told by their files alone");
        let app = TestApp::start_in(folder.clone(), Vec::new()).await.unwrap();
        let after = app.get("/api/models/by-name/plant").await.expect(200);
        if with_snapshot {
            assert_eq!(after, before);
            let again = app.post("/api/models/train", &request(&id)).await.expect(200);
            assert_eq!((&again["reused"], &again["version"]), (&json!(true), &json!("v1")));
        } else {
            for field in
                ["version", "sha256", "metrics", "feature_mapping", "lineage", "algorithm", "folder", "feature_count"]
            {
                assert_eq!(after[field], before[field], "{field}");
            }
        }
        app.stop().await;
    }
    // Another catalogue beside the same models: their files stay, and its first version counts on from them.
    let fresh = [
        ("DATABASE_URL", format!("sqlite://{}", folder.path().join("new.db").display())),
        ("DATA_STORAGE_PATH", folder.path().join("new").display().to_string()),
    ];
    let stored = std::fs::read(folder.path().join("models/KMUH/plant-v1.json")).unwrap();
    let app = TestApp::start_in(folder, fresh.to_vec()).await.unwrap();
    let id = session(&app).await;
    assert_eq!(trained(&app, &request(&id)).await["version"], "v3");
    assert_eq!(std::fs::read(file(&app, "plant-v1.json")).unwrap(), stored);
}

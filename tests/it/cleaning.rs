//! Cleaning through the doors a user uses. Expected figures are worked by hand from the few rows below.

use std::path::Path;

use bytes::Bytes;
use hvac_analytics::cleaning::{CleanRequest, ask};
use hvac_analytics::config::Config;
use hvac_frame::parquet_file::read_events;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::helpers::{Client, Process, TestApp, settings};

mod known;
mod lasting;
mod rules;
mod tried;

/// A day of quarter-hours on a plant that runs throughout. Times are UTC.
///
/// `OAT` reads 99 at 06:00 and nothing (an empty cell) at 07:00; `CHWST` stands at 7.2 from 10:00 to 14:45 (20
/// samples); at 17:30 the measured load `RT` is twice what flow and ΔT make; everything else is true and moves.
fn plant() -> Vec<u8> {
    let mut text = "time,CHWST,CHWRT,GPM,RT,CH1_KW,OAT\n".to_owned();
    for row in 0..96_u32 {
        let wave = f64::from(row % 7) * 0.1;
        let supply = if (40..60).contains(&row) { 7.2 } else { 6.5 + wave + f64::from(row % 2) * 0.05 };
        let back = 12.0 + wave;
        // GPM that makes the measured load true: RT = gpm · ΔT[°F] / 24.
        let gpm = 1000.0 + f64::from(row % 5);
        let rt = gpm * (back - supply) * 1.8 / 24.0 * if row == 70 { 2.0 } else { 1.0 };
        let oat = match row {
            24 => "99".to_owned(),
            28 => String::new(),
            _ => format!("{:.2}", 28.0 + wave + f64::from(row) * 0.01),
        };
        let kw = 300.0 + f64::from(row % 11);
        text +=
            &format!("2024-07-01 {:02}:{:02},{supply:.2},{back:.2},{gpm},{rt:.3},{kw},{oat}\n", row / 4, row % 4 * 15);
    }
    text.into_bytes()
}

/// What the frontend sends when nobody touches its form.
fn default_call(session_id: &str) -> Value {
    json!({
        "session_id": session_id, "resample_interval": "5m", "detect_frozen": true, "apply_steady_state": false,
        "apply_heat_balance": false, "apply_affinity": false, "filter_invalid": false
    })
}

async fn parsed(app: &TestApp) -> (String, String) {
    let answer = app.parsed(&[("plant.csv", &plant())], &[("timezone", "UTC"), ("name", "Plant")]).await;
    let text = |key: &str| answer[key].as_str().unwrap().to_owned();
    (text("session_id"), text("dataset_id"))
}

async fn clean(app: &TestApp, request: &Value) -> Value {
    app.post("/api/clean", request).await.expect(200)
}

async fn preview(app: &TestApp, session_id: &str, query: &str) -> Value {
    app.get(&format!("/api/data/preview?session_id={session_id}&rows=10000{query}")).await.expect(200)
}

fn lose_catalogue(folder: &Path) {
    for name in ["hvac_analytics.db", "hvac_analytics.db-wal", "hvac_analytics.db-shm"] {
        let _ = std::fs::remove_file(folder.join("data").join(name));
    }
}

fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Process::command(folder, arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn the_frontends_default_call_makes_a_version() {
    let app = TestApp::start().await;
    let (id, dataset_id) = parsed(&app).await;
    let response = app.post("/api/clean", &default_call(&id)).await;
    let answer = response.expect(200);
    assert_eq!(response.header("deprecation"), "");
    assert_eq!((&answer["success"], &answer["reused"]), (&json!(true), &json!(false)));
    assert_eq!((&answer["session_id"], &answer["dataset_id"]), (&json!(id), &json!(dataset_id)));
    assert_eq!((&answer["version"], &answer["version_number"]), (&json!("cleaned-v1"), &json!(1)));
    assert_eq!((&answer["original_rows"], &answer["cleaned_rows"]), (&json!(96), &json!(96)));
    assert_eq!(answer["retention_rate"], 100.0);
    assert!(!answer["message"].as_str().unwrap().is_empty());
    conserved(&answer["report"]);

    let session = app.get(&format!("/api/sessions/{id}")).await.expect(200);
    assert_eq!(session["status"], "cleaned");
    let versions = session["versions"].as_array().unwrap();
    assert_eq!((&versions[0]["version"], &versions[1]["version"]), (&json!("cleaned-v1"), &json!("parsed-v1")));
    assert_eq!(versions[0]["parameters"]["resample_interval"], "5m");
    assert_eq!((&versions[0]["cleaned_from"], &versions[0]["id"]), (&json!(dataset_id), &answer["job_id"]));
    assert!(versions[1].get("parameters").is_none());
    let job = app.get(&format!("/api/cleaning-jobs/{}", answer["job_id"].as_str().unwrap())).await.expect(200);
    assert_eq!((&job["status"], &job["version"]), (&json!("completed"), &json!("cleaned-v1")));
    assert_eq!((&job["report"], &job["sha256"]), (&answer["report"], &versions[0]["sha256"]));
    assert_eq!(job["parameters"]["detect_frozen"], true);
    app.get("/api/cleaning-jobs/nobody").await.expect_problem(404, "unknown_cleaning_job");
}

/// Rows in = rows out + dropped by the first rule that hit; cells likewise, over all and column by column.
fn conserved(report: &Value) {
    let first = |hits: &Value| -> u64 {
        hits.as_object().map_or(0, |rules| rules.values().map(|hit| hit["first"].as_u64().unwrap()).sum())
    };
    let number = |at: &str| report.pointer(at).and_then(Value::as_u64).unwrap();
    assert_eq!(number("/rows/resampled"), number("/rows/cleaned") + first(&report["rows"]["dropped"]), "{report}");
    assert_eq!(number("/cells/before"), number("/cells/kept") + first(&report["cells"]["nulled"]), "{report}");
}

/// Preview and statistics answered 500 after any clean in the backend this replaces.
#[tokio::test]
async fn everything_answers_with_the_cleaned_version_unless_asked_otherwise() {
    let app = TestApp::start().await;
    let (id, _) = parsed(&app).await;
    clean(&app, &json!({"session_id": id, "resample_interval": "1h", "derive": true, "lenient": true})).await;
    let cleaned = preview(&app, &id, "").await;
    assert_eq!((&cleaned["version"], &cleaned["total_rows"]), (&json!("cleaned-v1"), &json!(24)));
    assert_eq!(cleaned["preview"][1]["timestamp"], "2024-07-01T01:00:00+00:00");
    let parsed = preview(&app, &id, "&version=parsed").await;
    assert_eq!((&parsed["version"], &parsed["total_rows"]), (&json!("parsed-v1"), &json!(96)));
    let columns = |answer: &Value| answer["columns"].as_array().unwrap().len();
    assert!(columns(&cleaned) > columns(&parsed), "derived columns are the cleaned version's own: {cleaned}");
    assert_eq!(columns(&parsed), 7);

    let stats = app.get(&format!("/api/data/stats?session_id={id}")).await.expect(200);
    assert_eq!((&stats["version"], &stats["total_rows"]), (&json!("cleaned-v1"), &json!(24)));
    assert_eq!(stats["columns"].as_array().unwrap().len(), columns(&cleaned));
    for column in stats["columns"].as_array().unwrap() {
        assert_eq!(column["count"].as_u64().unwrap() + column["null_count"].as_u64().unwrap(), 24, "{column}");
        let reasons: u64 = column["nulls"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
        assert_eq!(reasons, column["null_count"].as_u64().unwrap(), "every null has a reason: {column}");
    }
    // Hour 3 holds rows 12…15, whose GPM is 1002, 1003, 1004, 1000.
    assert_eq!(cleaned["preview"][3]["GPM"], (1002.0 + 1003.0 + 1004.0 + 1000.0) / 4.0);
    let series = app.get(&format!("/api/data/series?session_id={id}&columns=GPM")).await.expect(200);
    assert_eq!((&series["version"], &series["series"][0]["rows"]), (&json!("cleaned-v1"), &json!(24)));
    app.get(&format!("/api/data/quality?session_id={id}")).await.expect(200);
    app.get(&format!("/api/data/correlation?session_id={id}")).await.expect(200);
    let csv = app.get(&format!("/api/sessions/{id}/data.csv")).await;
    assert_eq!((csv.status, csv.text().lines().count()), (200, 25));
    let file = app.get(&format!("/api/sessions/{id}/data.parquet")).await;
    assert_eq!(file.body, std::fs::read(app.storage().join(&id).join("cleaned-v1.parquet")).unwrap());
    let raw = app.get(&format!("/api/sessions/{id}/data.parquet?version=parsed")).await;
    assert_eq!(raw.body, std::fs::read(app.storage().join(&id).join("parsed-v1.parquet")).unwrap());

    // A newer parse comes before an older cleaning, and the session is parsed again.
    app.post("/api/parse", &json!({"session_id": id, "force": true})).await.expect(200);
    assert_eq!(preview(&app, &id, "").await["version"], "parsed-v2");
    assert_eq!(app.get(&format!("/api/sessions/{id}")).await.expect(200)["status"], "parsed");
    let old = clean(&app, &json!({"session_id": id, "dataset_id": "parsed-v1", "resample_interval": "1d"})).await;
    assert_eq!(old["version"], "cleaned-v2");
    let status = &app.get(&format!("/api/sessions/{id}")).await.expect(200)["status"];
    assert_eq!(status, "parsed", "a cleaning of the older parse does not make the newer one cleaned");
}

#[tokio::test]
async fn the_same_request_answers_the_version_it_made() {
    let app = TestApp::start().await;
    let (id, _) = parsed(&app).await;
    let first = clean(&app, &default_call(&id)).await;
    let again = clean(&app, &json!({"session_id": id})).await;
    assert_eq!(
        (&again["version"], &again["reused"]),
        (&json!("cleaned-v1"), &json!(true)),
        "defaults are the frontend's"
    );
    assert_eq!((&again["job_id"], &again["report"]), (&first["job_id"], &first["report"]));
    let other = clean(&app, &json!({"session_id": id, "resample_interval": "30m"})).await;
    assert_eq!((&other["version"], &other["reused"]), (&json!("cleaned-v2"), &json!(false)));
    assert_eq!(other["cleaned_rows"], 48);
    assert_eq!(preview(&app, &id, "&version=cleaned-v1").await["total_rows"], 96, "version 1 stays");
    let older = clean(&app, &default_call(&id)).await;
    assert!(older["message"].as_str().unwrap().contains("The newest is cleaned-v2"), "{older}");
    let mut forced = default_call(&id);
    forced["force"] = json!(true);
    let forced = clean(&app, &forced).await;
    assert_eq!((&forced["version"], &forced["reused"]), (&json!("cleaned-v3"), &json!(false)));
    let hash = |version: &str| Sha256::digest(std::fs::read(app.storage().join(&id).join(version)).unwrap());
    assert_eq!(
        hash("cleaned-v1.events.parquet").len(),
        hash("cleaned-v3.events.parquet").len(),
        "both have their own file of events"
    );

    // A job that waits already is joined, not doubled.
    let request = json!({"session_id": id, "resample_interval": "10m"});
    let answers = futures_util::future::join_all((0..4).map(|_| app.post("/api/clean", &request))).await;
    let versions: Vec<Value> = answers.iter().map(|answer| answer.expect(200)["version"].clone()).collect();
    assert_eq!(versions, vec![json!("cleaned-v4"); 4]);

    let app = app.restart().await;
    let kept = clean(&app, &default_call(&id)).await;
    assert_eq!((&kept["version"], &kept["reused"]), (&json!("cleaned-v3"), &json!(true)), "a restart forgets nothing");
    let versions = app.get(&format!("/api/sessions/{id}")).await.expect(200)["versions"].clone();
    assert_eq!(versions.as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn without_waiting_the_job_can_be_followed() {
    let app = TestApp::start().await;
    let (id, _) = parsed(&app).await;
    for (path, body) in [
        ("/api/clean?wait=false", json!({"session_id": id, "resample_interval": "15m"})),
        ("/api/v1/clean", json!({"session_id": id, "resample_interval": "30m", "wait": false})),
    ] {
        let response = app.post(path, &body).await;
        let queued = response.expect(202);
        let job_id = queued["job_id"].as_str().unwrap();
        assert_eq!((&queued["status"], &queued["session_id"]), (&json!("queued"), &json!(id)));
        assert_eq!(response.header("location"), format!("/api/v1/jobs/{job_id}"));
        let events = app.get(&format!("/api/jobs/{job_id}/events")).await;
        assert_eq!(events.header("content-type"), "text/event-stream");
        let last = events.text().split("data:").last().unwrap().lines().next().unwrap().to_owned();
        assert_eq!(serde_json::from_str::<Value>(&last).unwrap()["status"], "completed", "{}", events.text());
        let job = app.get(&format!("/api/jobs/{job_id}")).await.expect(200);
        assert_eq!(
            (&job["kind"], &job["status"], &job["progress"]),
            (&json!("clean"), &json!("completed"), &json!(1.0))
        );
        let cleaning = app.get(&format!("/api/cleaning-jobs/{job_id}")).await.expect(200);
        assert_eq!(cleaning["status"], "completed");
        let done = app.post(path, &body).await.expect(200);
        assert_eq!((&done["reused"], &done["job_id"]), (&json!(true), &json!(job_id)), "what is done needs no waiting");
    }
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_with_its_field() {
    let app = TestApp::start().await;
    let (id, _) = parsed(&app).await;
    let refused = async |body: Value, code: &str, field: &str| {
        let problem = app.post("/api/clean", &body).await.expect_problem(422, code);
        let fields: Vec<&str> =
            problem["errors"].as_array().unwrap().iter().filter_map(|error| error["field"].as_str()).collect();
        assert!(fields.contains(&field), "{problem}");
        problem
    };
    for interval in ["bogus", "0m", "7m", ""] {
        let body = json!({"session_id": id, "resample_interval": interval});
        let problem = refused(body, "invalid_field", "resample_interval").await;
        assert!(problem["detail"].as_str().unwrap().contains("15m"), "it says what there is: {problem}");
    }
    refused(json!({"session_id": id, "filter_invalid": "yes"}), "invalid_field", "filter_invalid").await;
    refused(json!({"session_id": id, "thresholds": {"spike": 3}}), "unknown_field", "thresholds.spike").await;
    refused(json!({"session_id": id, "columns": {"lode": "RT"}}), "unknown_field", "columns.lode").await;
    app.post("/api/clean", &json!({"session_id": "0199f6a0-0000-7000-8000-000000000001"}))
        .await
        .expect_problem(404, "unknown_session");
    app.post("/api/clean", &json!({"session_id": id, "dataset_id": "parsed-v9"}))
        .await
        .expect_problem(404, "unknown_version");
    app.post("/api/clean", &json!([])).await.expect_problem(422, "invalid_body");
    refused(json!({"session_id": id, "colour": "blue"}), "unknown_field", "colour").await;
    clean(&app, &json!({"session_id": id, "columns": null})).await;
    refused(json!({"session_id": id, "dataset_id": "cleaned-v1"}), "not_a_parsed_dataset", "dataset_id").await;
    let uploaded = app.uploaded(&[("a.csv", b"time,a\n2024-01-01 00:00,1\n")], &[("timezone", "UTC")]).await;
    app.post("/api/clean", &json!({"session_id": uploaded})).await.expect_problem(404, "unknown_version");
    assert_eq!(app.get("/api/jobs").await.expect(200)["total"], 1, "what is refused makes no job");
}

#[tokio::test]
async fn without_a_session_the_one_last_parsed_is_cleaned_and_the_answer_says_so() {
    let app = TestApp::start().await;
    app.post("/api/clean", &json!({})).await.expect_problem(404, "no_session");
    let (id, _) = parsed(&app).await;
    for (path, status) in [("/api/clean", 200), ("/api/clean?wait=false", 202)] {
        let body = json!({"session_id": "", "force": status == 202});
        let response = app.post(path, &body).await;
        assert_eq!(response.expect(status)["session_id"], json!(id));
        assert!(response.header("warning").contains(&id) && !response.header("deprecation").is_empty());
    }
    let strict = TestApp::start_with(&[("REQUIRE_SESSION_ID", "true")]).await;
    strict.post("/api/clean", &json!({})).await.expect_problem(422, "session_id_required");
}

#[tokio::test]
async fn a_damaged_dataset_is_refused_with_the_doctors_advice() {
    let app = TestApp::start().await;
    let (id, _) = parsed(&app).await;
    clean(&app, &default_call(&id)).await;
    let path = app.storage().join(&id).join("parsed-v1.parquet");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[30] ^= 1; // As long as before, and opened before.
    std::fs::write(&path, &bytes).unwrap();
    let request = json!({"session_id": id, "resample_interval": "1h"});
    let problem = app.post("/api/clean", &request).await.expect_problem(409, "file_damaged");
    assert!(problem["detail"].as_str().unwrap().contains("hvac-analytics doctor"), "{problem}");
    assert_eq!(app.get("/api/jobs?status=failed").await.expect(200)["total"], 0, "no job is made of it");
    assert_eq!(preview(&app, &id, "&version=cleaned").await["total_rows"], 96, "what was made before stands");
    let versions = app.get(&format!("/api/sessions/{id}")).await.expect(200)["versions"].clone();
    assert_eq!(versions.as_array().unwrap().len(), 2, "{versions}");
}

#[tokio::test]
async fn a_damaged_file_of_events_is_found_by_its_readers_and_by_the_doctor() {
    let app = TestApp::start().await;
    let (id, _) = parsed(&app).await;
    clean(&app, &default_call(&id)).await;
    let path = app.storage().join(&id).join("cleaned-v1.events.parquet");
    let whole = std::fs::read(&path).unwrap();
    let file = app.get(&format!("/api/sessions/{id}/events.parquet")).await;
    assert_eq!(file.body, whole);
    let etag = file.header("etag").to_owned();
    let again = app.get_with(&format!("/api/sessions/{id}/events.parquet"), &[("if-none-match", &etag)]).await;
    assert_eq!(again.status, 304);
    let head = app.head_with(&format!("/api/sessions/{id}/events.parquet"), &[]).await;
    assert_eq!((head.status, head.header("content-length")), (200, whole.len().to_string().as_str()));
    let folder = app.stop().await;
    let doctor = |folder: &Path| -> Value {
        let output = Process::command(folder, &["doctor", "--json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let report = doctor(folder.path());
    assert_eq!((&report["damaged"], &report["orphans"]), (&json!([]), &json!([])), "{report}");
    assert_eq!(report["checked"], 4, "raw, parsed, cleaned, events");
    let mut harmed = whole.clone();
    harmed[10] ^= 1;
    std::fs::write(&path, &harmed).unwrap();
    let report = doctor(folder.path());
    assert_eq!(report["damaged"][0]["path"], format!("{id}/cleaned-v1.events.parquet"), "{report}");
    let app = TestApp::start_in(folder, Vec::new()).await.unwrap();
    for path in [format!("/api/data/events?session_id={id}"), format!("/api/sessions/{id}/events.parquet")] {
        app.get(&path).await.expect_problem(409, "file_damaged");
    }
    assert_eq!(preview(&app, &id, "").await["version"], "cleaned-v1", "the data themselves are whole");
    std::fs::write(&path, &whole).unwrap();
    assert_eq!(doctor(app.folder.path())["repaired"], 1);
    app.get(&format!("/api/data/events?session_id={id}")).await.expect(200);
}

#[tokio::test]
async fn a_purged_session_takes_its_cleanings_with_it() {
    let app = TestApp::start().await;
    let (id, _) = parsed(&app).await;
    let job_id = clean(&app, &default_call(&id)).await["job_id"].as_str().unwrap().to_owned();
    assert_eq!(app.delete(&format!("/api/sessions/{id}?purge=true")).await.status, 204);
    app.get(&format!("/api/cleaning-jobs/{job_id}")).await.expect_problem(404, "unknown_cleaning_job");
    assert!(!app.storage().join(&id).exists());
}

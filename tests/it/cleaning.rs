//! Cleaning through the doors a user uses. Expected figures are worked by hand from the few rows below.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use hvac_analytics::cleaning::{CleanRequest, ask};
use hvac_analytics::config::Config;
use hvac_analytics::store::frames::read_events;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::helpers::{Process, TestApp, settings};

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
    refused(json!({"session_id": id, "thresholds": {"spike": 3}}), "invalid_field", "thresholds.spike").await;
    refused(json!({"session_id": id, "columns": {"lode": "RT"}}), "invalid_field", "columns.lode").await;
    app.post("/api/clean", &json!({"session_id": "0199f6a0-0000-7000-8000-000000000001"}))
        .await
        .expect_problem(404, "unknown_session");
    app.post("/api/clean", &json!({"session_id": id, "dataset_id": "parsed-v9"}))
        .await
        .expect_problem(404, "unknown_version");
    app.post("/api/clean", &json!([])).await.expect_problem(422, "invalid_body");
    let done = clean(&app, &json!({"session_id": id, "columns": null, "colour": "blue"})).await;
    assert_eq!(done["ignored_fields"], json!(["colour"]));
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
    bytes[30] ^= 1; // As long as before, and opened before: only hashing it again can tell.
    std::fs::write(&path, &bytes).unwrap();
    let request = json!({"session_id": id, "resample_interval": "1h"});
    let problem = app.post("/api/clean", &request).await.expect_problem(409, "file_damaged");
    assert!(problem["detail"].as_str().unwrap().contains("hvac-analytics doctor"), "{problem}");
    let jobs = app.get("/api/jobs?status=failed").await.expect(200);
    assert_eq!(jobs["items"][0]["error_code"], "file_damaged");
    let failed =
        app.get(&format!("/api/cleaning-jobs/{}", jobs["items"][0]["job_id"].as_str().unwrap())).await.expect(200);
    assert_eq!((&failed["status"], &failed["report"]), (&json!("failed"), &Value::Null));
    assert!(failed["error"].as_str().unwrap().contains("not what was published"));
    // Now it is known, so no job is made of the next.
    app.post("/api/clean", &request).await.expect_problem(409, "file_damaged");
    assert_eq!(app.get("/api/jobs?status=failed").await.expect(200)["total"], 1);
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

/// What every rule finds in the rows above, when it may act.
fn strict_call(session_id: &str) -> Value {
    json!({
        "session_id": session_id, "resample_interval": "15m", "detect_frozen": true, "detect_out_of_range": true,
        "apply_heat_balance": true, "filter_invalid": true, "units": {"OAT": "°C"}
    })
}

#[tokio::test]
async fn rules_null_cells_and_drop_rows_and_the_report_conserves() {
    let app = TestApp::start().await;
    let (id, _) = parsed(&app).await;
    let answer = clean(&app, &strict_call(&id)).await;
    let report = &answer["report"];
    conserved(report);
    // 96 rows without that of 17:30; 6 columns of 96 cells but the empty one.
    assert_eq!((&answer["original_rows"], &answer["cleaned_rows"]), (&json!(96), &json!(95)), "{report}");
    assert!((answer["retention_rate"].as_f64().unwrap() - 9500.0 / 96.0).abs() < 1e-9);
    assert_eq!(report["rows"]["dropped"], json!({"heat_balance": {"first": 1, "all": 1}}));
    assert_eq!(report["cells"]["before"], 6 * 96 - 1);
    let nulled = json!({"out_of_range": {"first": 1, "all": 1}, "frozen": {"first": 20, "all": 20}});
    assert_eq!(report["cells"]["nulled"], nulled);
    let rows = preview(&app, &id, "").await["preview"].as_array().unwrap().clone();
    let at = |time: &str| rows.iter().find(|row| row["timestamp"].as_str().unwrap()[11..16] == *time);
    assert_eq!(at("17:30"), None);
    assert_eq!((&at("06:00").unwrap()["OAT"], &at("07:00").unwrap()["OAT"]), (&Value::Null, &Value::Null));
    assert_eq!((&at("10:00").unwrap()["CHWST"], &at("14:45").unwrap()["CHWST"]), (&Value::Null, &Value::Null));
    assert!(at("09:45").unwrap()["CHWST"].is_number() && at("15:00").unwrap()["CHWST"].is_number());
    let stats = app.get(&format!("/api/data/stats?session_id={id}&column=OAT")).await.expect(200);
    assert_eq!(stats["nulls"], json!({"empty": 1, "out_of_range": 1}), "every null says why");

    // Only flags: nothing is taken, the same is found.
    let mut flags = strict_call(&id);
    flags["filter_invalid"] = json!(false);
    let flagged = clean(&app, &flags).await;
    conserved(&flagged["report"]);
    assert_eq!((&flagged["cleaned_rows"], &flagged["retention_rate"]), (&json!(96), &json!(100.0)));
    assert_eq!(flagged["report"]["cells"]["flagged"], nulled);
    assert_eq!(flagged["report"]["cells"]["nulled"], json!({}));
    assert_eq!(flagged["report"]["rows"]["flagged"], json!({"heat_balance": {"first": 1, "all": 1}}));
    assert_eq!(flagged["events_count"], answer["events_count"]);

    let compared = app.get(&format!("/api/sessions/{id}/compare?a=cleaned-v1&b=cleaned-v2")).await.expect(200);
    assert_eq!(compared["parameters"], json!([{"field": "filter_invalid", "a": true, "b": false}]));
    assert_eq!(compared["rows"], json!({"both": 95, "only_a": 0, "only_b": 1}));
    assert_eq!(compared["dropped"], json!([{"rule": "heat_balance", "a": 1, "b": 0}]));
    assert_eq!(
        compared["cells"],
        json!([
            {"column": "CHWST", "rule": "frozen", "a": {"flagged": 20, "nulled": 20}, "b": {"flagged": 20, "nulled": 0}},
            {"column": "OAT", "rule": "out_of_range", "a": {"flagged": 1, "nulled": 1}, "b": {"flagged": 1, "nulled": 0}},
        ])
    );
    // One row less: every column has one value less, CHWST 20 and OAT 1 on top.
    let columns = compared["columns"].as_array().unwrap();
    let column = |name: &str| columns.iter().find(|column| column["column"] == name).unwrap();
    assert_eq!((&column("CHWST")["a"], &column("CHWST")["b"]), (&json!(75), &json!(96)));
    assert_eq!((&column("OAT")["a"], &column("OAT")["b"]), (&json!(93), &json!(95)));
    assert_eq!((&column("RT")["a"], &column("RT")["b"]), (&json!(95), &json!(96)));
    let with_parsed = app.get(&format!("/api/sessions/{id}/compare?a=parsed-v1&b=cleaned-v1")).await.expect(200);
    assert_eq!(with_parsed["rows"], json!({"both": 95, "only_a": 1, "only_b": 0}));
    for (query, status, code) in [
        ("a=cleaned-v1", 422, "version_required"),
        ("a=cleaned-v1&b=newest", 422, "bad_version"),
        ("a=cleaned-v1&b=cleaned-v9", 404, "unknown_version"),
    ] {
        app.get(&format!("/api/sessions/{id}/compare?{query}")).await.expect_problem(status, code);
    }
}

#[tokio::test]
async fn events_say_what_when_and_why() {
    let app = TestApp::start().await;
    let (id, _) = parsed(&app).await;
    let url = format!("/api/data/events?session_id={id}");
    app.get(&url).await.expect_problem(404, "not_cleaned");
    let answer = clean(&app, &strict_call(&id)).await;
    let all = app.get(&url).await.expect(200);
    assert_eq!((&all["version"], &all["total"]), (&json!("cleaned-v1"), &answer["events_count"]));
    assert_eq!((&all["page"], &all["page_size"], &all["total_pages"]), (&json!(1), &json!(20), &json!(1)));
    let found: Vec<(&str, &Value, &str, &str, u64)> = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            let text = |key: &str| event[key].as_str().unwrap();
            (text("rule"), &event["column"], text("start_at"), text("end_at"), event["rows"].as_u64().unwrap())
        })
        .collect();
    let (oat, chwst) = (json!("OAT"), json!("CHWST"));
    let expected = [
        ("out_of_range", &oat, "2024-07-01T06:00:00+00:00", "2024-07-01T06:00:00+00:00", 1),
        ("frozen", &chwst, "2024-07-01T10:00:00+00:00", "2024-07-01T14:45:00+00:00", 20),
        ("heat_balance", &found[2].1.clone(), "2024-07-01T17:30:00+00:00", "2024-07-01T17:30:00+00:00", 1),
    ];
    assert_eq!(found, expected);
    assert!(all["items"][1]["detail"].as_str().unwrap().contains("7.2"), "{all}");
    for (query, total) in [
        ("rule=frozen", 1),
        ("column=OAT", 1),
        ("rule=frozen&column=OAT", 0),
        ("from=2024-07-01T12:00&to=2024-07-01T13:00", 1),
        ("from=2024-07-01T14:45", 2),
        ("to=2024-07-01T06:00", 0),
        ("from=2024-07-02", 0),
        ("version=cleaned-v1&rule=", 3),
    ] {
        assert_eq!(app.get(&format!("{url}&{query}")).await.expect(200)["total"], total, "{query}");
    }
    let second = app.get(&format!("{url}&page=2&page_size=2")).await.expect(200);
    assert_eq!((&second["total"], &second["total_pages"]), (&json!(3), &json!(2)));
    assert_eq!(second["items"], json!([all["items"][2]]));
    for (query, code) in [
        ("rule=ice", "unknown_rule"),
        ("column=OATS", "unknown_column"),
        ("from=later", "bad_time"),
        ("from=2024-07-02&to=2024-07-01", "bad_time_range"),
        ("page=0", "out_of_range"),
        ("page_size=101", "out_of_range"),
    ] {
        app.get(&format!("{url}&{query}")).await.expect_problem(422, code);
    }
    app.get(&format!("{url}&version=parsed")).await.expect_problem(404, "not_cleaned");
    let file = app.get(&format!("/api/sessions/{id}/events.parquet")).await;
    assert_eq!(read_events(file.body).unwrap().len(), 3);
    let assumed = app.get("/api/data/events").await;
    assert_eq!(assumed.expect(200)["total"], 3);
    assert!(assumed.header("warning").contains(&id));
}

#[tokio::test]
async fn all_rows_rejected_is_a_result_that_names_the_rule() {
    let app = TestApp::start().await;
    let (id, _) = parsed(&app).await;
    // In L/min the flow makes about a quarter of the load: no row can hold. A row that lacks a value is not judged, so
    // no cell is nulled here.
    let mut request = strict_call(&id);
    (request["detect_frozen"], request["detect_out_of_range"]) = (json!(false), json!(false));
    request["units"] = json!({"GPM": "L/min", "OAT": "°C"});
    let answer = clean(&app, &request).await;
    assert_eq!((&answer["cleaned_rows"], &answer["retention_rate"]), (&json!(0), &json!(0.0)), "{answer}");
    assert_eq!(answer["report"]["rows"]["dropped"]["heat_balance"]["first"], 96);
    let message = answer["message"].as_str().unwrap();
    assert!(message.contains("heat_balance") || message.contains("heat balance"), "{message}");
    conserved(&answer["report"]);
    let session = app.get(&format!("/api/sessions/{id}")).await.expect(200);
    assert_eq!((&session["versions"][0]["row_count"], &session["versions"][0]["start_at"]), (&json!(0), &Value::Null));
    let shown = preview(&app, &id, "").await;
    assert_eq!((&shown["total_rows"], &shown["preview"]), (&json!(0), &json!([])));
    for path in ["data/stats?session_id=ID", "data/quality?session_id=ID", "data/series?session_id=ID&columns=RT"] {
        app.get(&format!("/api/{}", path.replace("ID", &id))).await.expect(200);
    }
    for path in ["data.csv", "data.arrow", "data.parquet", "events.parquet"] {
        assert_eq!(app.get(&format!("/api/sessions/{id}/{path}")).await.status, 200, "{path}");
    }
    let folder = app.stop().await;
    lose_catalogue(folder.path());
    std::fs::remove_file(folder.path().join(format!("data/sessions/{id}/session.json"))).unwrap();
    let (code, stdout, stderr) = run(folder.path(), &["doctor", "--rebuild"]);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let app = TestApp::start_in(folder, Vec::new()).await.unwrap();
    assert_eq!(preview(&app, &id, "").await["version"], "cleaned-v1", "no rows are no reason to lose it");
}

/// The frontend asks for 5 minutes where its sites record every 15.
#[tokio::test]
async fn an_interval_finer_than_the_data_is_said_and_changes_no_spacing() {
    let app = TestApp::start().await;
    let (id, _) = parsed(&app).await;
    let answer = clean(&app, &default_call(&id)).await;
    let report = &answer["report"]["resampling"];
    assert_eq!((&report["requested"], &report["data_interval_s"]), (&json!("5m"), &json!(900)), "{report}");
    assert_eq!(report["empty_bins"], 0);
    let message = answer["message"].as_str().unwrap();
    assert!(message.contains("5m") && message.contains("15"), "{message}");
    let times = |answer: &Value| -> Vec<Value> {
        answer["preview"].as_array().unwrap().iter().map(|row| row["timestamp"].clone()).collect()
    };
    assert_eq!(times(&preview(&app, &id, "").await), times(&preview(&app, &id, "&version=parsed").await));
}

#[tokio::test]
async fn a_rule_without_its_columns_is_refused_or_left_out_with_a_warning() {
    let app = TestApp::start().await;
    let report = b"time,OAT,SUPPLY_TEMP\n2024-07-01 00:00,28,7\n2024-07-01 00:15,28.5,7.1\n2024-07-01 00:30,28.1,7.2\n";
    let answer = app.parsed(&[("a.csv", report)], &[("timezone", "UTC")]).await;
    let id = answer["session_id"].as_str().unwrap();
    let mut request = json!({"session_id": id, "apply_heat_balance": true});
    let problem = app.post("/api/clean", &request).await.expect_problem(422, "missing_role");
    let fields: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert!(fields.iter().any(|field| field.starts_with("columns")), "{problem}");
    assert!(problem.to_string().contains("SUPPLY_TEMP"), "it names the closest columns: {problem}");
    assert_eq!(app.get("/api/jobs").await.expect(200)["total"], 0);
    request["lenient"] = json!(true);
    let done = clean(&app, &request).await;
    let warnings = done["report"]["warnings"].as_array().unwrap();
    assert!(warnings.iter().any(|w| w["message"].as_str().unwrap().contains("heat_balance")), "{warnings:?}");
    let bad = json!({"session_id": id, "columns": {"load": "NOPE"}});
    let problem = app.post("/api/clean", &bad).await.expect_problem(422, "unknown_column");
    assert_eq!(problem["errors"][0]["field"], "columns.load");
}

#[tokio::test]
async fn names_suggest_a_mapping_with_evidence() {
    let app = TestApp::start().await;
    let (id, _) = parsed(&app).await;
    let found = app.get(&format!("/api/feature-mapping/suggest?session_id={id}")).await.expect(200);
    assert_eq!(found["mapping"]["chw_temp_cols"], json!(["CHWST", "CHWRT"]), "{found}");
    assert_eq!(found["mapping"]["environment_cols"], json!(["OAT"]));
    assert_eq!(found["mapping"].as_object().unwrap().len(), 13);
    assert_eq!(found["target_col"], Value::Null);
    let role = |name: &str| found["roles"].as_array().unwrap().iter().find(|role| role["role"] == name).unwrap();
    assert_eq!((&role("load")["columns"], &role("flow")["columns"]), (&json!(["RT"]), &json!(["GPM"])));
    assert_eq!((&role("wet_bulb")["columns"], &role("wet_bulb")["confidence"]), (&json!([]), &json!(0.0)));
    let column = &found["columns"].as_array().unwrap().iter().find(|c| c["column"] == "CHWST").unwrap().clone();
    assert_eq!((&column["evidence"], &column["confidence"]), (&json!("CHWST matches *CHW*ST*"), &json!(0.95)));
    assert_eq!(found["mapping"]["chw_flow_cols"], json!(["GPM"]));
    assert_eq!(found["unmapped"], json!(["RT"]));
}

#[tokio::test]
async fn a_cleaning_that_is_cancelled_gives_its_number_up() {
    let app = TestApp::start().await;
    let (id, _) = parsed(&app).await;
    let folder = app.stop().await;
    // A process without workers: what it enqueues waits.
    let values = settings(folder.path());
    let config = Config::from_values(|variable| values.get(variable).cloned()).unwrap();
    let state = hvac_analytics::app::build(config).await.unwrap();
    let request = json!({"session_id": id}).as_object().unwrap().clone();
    let asked = ask::ask(&state, CleanRequest::read(request.clone()).unwrap()).await.unwrap();
    state.jobs.cancel(&asked.job_id).await.unwrap();
    let error = ask::wait(&state, asked.clone()).await.unwrap_err();
    assert_eq!(error.code, "job_cancelled");
    let again = ask::ask(&state, CleanRequest::read(request).unwrap()).await.unwrap();
    assert!(!again.reused && again.job_id != asked.job_id);
    hvac_analytics::app::close(state).await.unwrap();

    let app = TestApp::start_in(folder, Vec::new()).await.unwrap();
    let job = app.get(&format!("/api/cleaning-jobs/{}", asked.job_id)).await.expect(200);
    assert_eq!((&job["status"], &job["version"]), (&json!("cancelled"), &json!("cleaned-v1")));
    let done = clean(&app, &default_call(&id)).await;
    assert_eq!(
        (&done["job_id"], &done["version"]),
        (&json!(again.job_id), &json!("cleaned-v2")),
        "it waited for a worker"
    );
    assert_eq!(preview(&app, &id, "").await["version"], "cleaned-v2");
}

struct Client {
    base: String,
    client: reqwest::Client,
}

impl Client {
    fn of(server: &Process) -> Self {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().unwrap();
        Self { base: server.url(""), client }
    }

    async fn post(&self, path: &str, body: &Value) -> reqwest::Result<Value> {
        let request = self.client.post(format!("{}{path}", self.base)).json(body);
        request.send().await?.error_for_status()?.json().await
    }

    async fn get(&self, path: &str) -> Bytes {
        let response = self.client.get(format!("{}{path}", self.base)).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200, "{path}");
        response.bytes().await.unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        serde_json::from_slice(&self.get(path).await).unwrap()
    }

    async fn parsed(&self) -> String {
        let form = Form::new().text("timezone", "UTC").part("files", Part::bytes(plant()).file_name("plant.csv"));
        let upload = self.client.post(format!("{}/api/uploads", self.base)).multipart(form).send().await.unwrap();
        let upload: Value = upload.json().await.unwrap();
        let id = upload["session_id"].as_str().unwrap().to_owned();
        self.post("/api/parse", &json!({"session_id": id})).await.unwrap();
        id
    }
}

/// The process dies at each step of a cleaning. Started again, it goes on by itself and makes one version: whole, known
/// to the catalogue and to `session.json`.
#[tokio::test]
async fn killed_at_every_step_a_cleaning_makes_one_version() {
    for point in ["clean.enqueued", "clean.published", "clean.before_commit", "clean.committed"] {
        let folder = TempDir::new().unwrap();
        let server = Process::serve(folder.path(), &["--crash-at", point]);
        let client = Client::of(&server);
        let id = client.parsed().await;
        let request = json!({"session_id": id, "resample_interval": "1h"});
        assert!(client.post("/api/clean", &request).await.is_err(), "{point} was not reached");
        assert!(!server.wait().success(), "{point}");

        let server = Process::serve(folder.path(), &[]);
        let client = Client::of(&server);
        let job_id = client.json("/api/jobs?kind=clean").await["items"][0]["job_id"].as_str().unwrap().to_owned();
        let events = client.get(&format!("/api/jobs/{job_id}/events")).await;
        assert!(String::from_utf8_lossy(&events).contains("completed"), "{point}");
        let session = client.json(&format!("/api/sessions/{id}")).await;
        let cleaned: Vec<&Value> = session["versions"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|version| version["version"].as_str().unwrap().starts_with("cleaned"))
            .collect();
        assert_eq!((cleaned.len(), &session["status"]), (1, &json!("cleaned")), "{point}: {session}");
        assert_eq!((&cleaned[0]["id"], &cleaned[0]["row_count"]), (&json!(job_id), &json!(24)), "{point}");
        let file = client.get(&format!("/api/sessions/{id}/data.parquet?version=cleaned")).await;
        assert_eq!(hvac_analytics::store::objects::hex(&Sha256::digest(&file)), cleaned[0]["sha256"], "{point}");
        read_events(client.get(&format!("/api/sessions/{id}/events.parquet")).await).unwrap();
        let again = client.post("/api/clean", &request).await.unwrap();
        assert_eq!((&again["reused"], &again["job_id"]), (&json!(true), &json!(job_id)), "{point}");
        assert!(server.terminate().success());

        let output = Process::command(folder.path(), &["doctor", "--json"]).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&report["damaged"], &report["outdated_snapshots"]), (&json!([]), &json!([])), "{point}: {report}");
        let left = match point {
            "clean.published" | "clean.before_commit" => {
                json!([format!("{id}/cleaned-v1.events.parquet"), format!("{id}/cleaned-v1.parquet")])
            }
            _ => json!([]),
        };
        assert_eq!(report["orphans"], left, "{point}: what a crash left is named and not touched");
    }
}

#[tokio::test]
async fn a_lost_catalogue_gets_its_cleanings_back() {
    let app = TestApp::start().await;
    let (id, _) = parsed(&app).await;
    clean(&app, &default_call(&id)).await;
    clean(&app, &json!({"session_id": id, "resample_interval": "1h"})).await;
    let before = app.get(&format!("/api/sessions/{id}")).await.expect(200);
    let events = app.get(&format!("/api/data/events?session_id={id}&version=cleaned-v1")).await.expect(200);
    let folder = app.stop().await;
    for with_snapshot in [true, false] {
        lose_catalogue(folder.path());
        if !with_snapshot {
            std::fs::remove_file(folder.path().join(format!("data/sessions/{id}/session.json"))).unwrap();
        }
        let output = Process::command(folder.path(), &["doctor", "--rebuild", "--json"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let app = TestApp::start_in(folder.clone(), Vec::new()).await.unwrap();
        let after = app.get(&format!("/api/sessions/{id}")).await.expect(200);
        assert_eq!(after["status"], "cleaned");
        for (index, version) in ["cleaned-v2", "cleaned-v1", "parsed-v1"].into_iter().enumerate() {
            for field in ["version", "id", "sha256", "row_count", "column_count", "start_at", "end_at"] {
                let (was, is) = (&before["versions"][index][field], &after["versions"][index][field]);
                assert_eq!(was, is, "{version} {field}, with session.json: {with_snapshot}");
            }
            assert_eq!(before["versions"][index]["parameters"], after["versions"][index]["parameters"]);
        }
        let found = app.get(&format!("/api/data/events?session_id={id}&version=cleaned-v1")).await.expect(200);
        assert_eq!(found, events);
        let again = clean(&app, &default_call(&id)).await;
        assert_eq!((&again["reused"], &again["version"]), (&json!(true), &json!("cleaned-v1")));
        app.stop().await;
    }
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

#[test]
fn the_command_line_cleans_as_the_api_does() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("plant.csv"), plant()).unwrap();
    let (code, _, stderr) = run(folder.path(), &["parse", "plant.csv", "--name", "Plant", "--timezone", "UTC"]);
    assert_eq!(code, Some(0), "{stderr}");
    let strict = [
        "clean",
        "Plant",
        "--interval",
        "15m",
        "--out-of-range",
        "--heat-balance",
        "--filter-invalid",
        "--unit",
        "OAT=°C",
    ];
    let (code, stdout, stderr) = run(folder.path(), &strict);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let line = |start: &str| stdout.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{stdout}"));
    let cells = |start: &str| line(start).split_whitespace().skip(3).collect::<Vec<_>>();
    assert_eq!(cells("frozen"), ["20", "20", "0"], "{stdout}");
    assert_eq!(cells("out_of_range"), ["1", "1", "0"], "{stdout}");
    assert_eq!(cells("heat_balance"), ["1", "0", "1"], "{stdout}");
    assert!(stdout.contains("99.0 % of the rows left, 3 quality events"), "{stdout}");
    assert!(stdout.contains("cleaned-v1 of session"), "{stdout}");
    let mut json = strict.to_vec();
    json.push("--json");
    let (_, stdout, _) = run(folder.path(), &json);
    let again: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&again["reused"], &again["version"]), (&json!(true), &json!("cleaned-v1")));
    json.extend(["--force", "--threshold", "heat_balance=3"]);
    let (_, stdout, _) = run(folder.path(), &json);
    let forced: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&forced["version"], &forced["cleaned_rows"]), (&json!("cleaned-v2"), &json!(96)));
    let (_, stdout, _) = run(folder.path(), &["preview", "Plant", "--version", "cleaned-v1", "--rows", "1", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&stdout).unwrap()["total_rows"], 95);

    for (arguments, code, said) in [
        (&["clean", "Plant", "--interval", "7m"][..], 2, "15m"),
        (&["clean", "Plant", "--threshold", "heat_balance"], 2, "NAME=VALUE"),
        (&["clean", "Plant", "--threshold", "heat=1"], 1, "thresholds.heat"),
        (&["clean", "Plant", "--column", "load=NOPE"], 1, "NOPE"),
        (&["clean", "Nobody"], 1, "there is no session"),
    ] {
        let (found, stdout, stderr) = run(folder.path(), arguments);
        assert_eq!(found, Some(code), "{arguments:?}: {stdout}{stderr}");
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
    }
}

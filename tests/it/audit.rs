//! Who did what: each change leaves its entry, and no entry can be changed unseen.

use std::collections::BTreeSet;

use reqwest::Method;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use serde_json::{Value, json};

use crate::helpers::{Process, TestApp};

async fn entries(app: &TestApp, filter: &str) -> Vec<Value> {
    let page = app.get(&format!("/api/v1/audit?page_size=100&{filter}")).await.expect(200);
    page["items"].as_array().unwrap().clone()
}

/// The database as anybody who may write its file has it.
async fn database(app: &TestApp) -> DatabaseConnection {
    let path = app.folder.path().join("data/hvac_analytics.db");
    Database::connect(format!("sqlite://{}", path.display())).await.unwrap()
}

/// A small plant with load and power that a model can learn.
fn plant() -> Vec<u8> {
    let mut report = String::from("time,CHW_LOAD_RT,CH1_KW\n");
    for hour in 0..(24 * 14) {
        let (day, of_day) = (hour / 24 + 1, hour % 24);
        let load = 200.0 + 100.0 * f64::from(of_day) / 24.0 + f64::from(hour % 7);
        report.push_str(&format!("2020-01-{day:02} {of_day:02}:00,{load},{}\n", 0.6 * load + f64::from(hour % 5)));
    }
    report.into_bytes()
}

/// Every route that changes something, by its request's id.
#[tokio::test]
async fn each_change_leaves_an_entry_of_its_request() {
    let app = TestApp::start().await;
    let mut missing = BTreeSet::new();
    let mut noted = Vec::new();
    let uploaded = app.upload(&[("plant.csv", &plant())], &[("timezone", "UTC"), ("site", "S")]).await;
    let id = uploaded.expect(201)["session_id"].as_str().unwrap().to_owned();
    let mut answers = vec![("upload".to_owned(), uploaded)];
    let session = format!("/api/sessions/{id}");
    let model = json!({"model_name": "plant", "session_id": id, "interval": "1h", "wait": true, "feature_mapping": {"load_cols": ["CHW_LOAD_RT"], "target_col": "CH1_KW"}});
    let put = Method::PUT;
    let requests: Vec<(Method, String, Option<Value>)> = vec![
        (Method::POST, "/api/parse".into(), Some(json!({"session_id": id}))),
        (Method::POST, "/api/parse".into(), Some(json!({"session_id": id, "force": true, "wait": false}))),
        (Method::POST, "/api/clean".into(), Some(json!({"session_id": id}))),
        (Method::POST, "/api/models/train".into(), Some(model)),
        (put.clone(), "/api/models/by-name/plant/aliases/production".into(), Some(json!({"version": 1}))),
        (Method::DELETE, "/api/models/by-name/plant/aliases/production".into(), None),
        (put.clone(), "/api/queries/rows".into(), Some(json!({"sql": "SELECT 1 AS one"}))),
        (Method::DELETE, "/api/queries/rows".into(), None),
        (put.clone(), "/api/sites/S".into(), Some(json!({"energy_price": {"currency": "TWD", "per_kwh": 3.5}}))),
        (Method::PATCH, session.clone(), Some(json!({"name": "Renamed"}))),
        (put.clone(), format!("{session}/sharing"), Some(json!({"everyone": true}))),
        (put, "/api/sites/S/sharing".into(), Some(json!({"everyone": true}))),
        (Method::POST, format!("{session}/links"), Some(json!({}))),
        (Method::DELETE, "/api/models/plant?force=true".into(), None),
        (Method::DELETE, session.clone(), None),
        (Method::POST, format!("{session}/restore"), None),
        (Method::DELETE, format!("{session}?purge=true"), None),
    ];
    for (method, path, body) in requests {
        if path.ends_with("purge=true") {
            // The second parse goes on by itself.
            let jobs = app.get("/api/jobs?kind=parse").await.expect(200);
            for job in jobs["items"].as_array().unwrap() {
                app.state.jobs.wait(job["job_id"].as_str().unwrap()).await.unwrap();
            }
        }
        let what = format!("{method} {path}");
        let answer = app
            .request(method, &path, |request| match &body {
                Some(body) => request.json(body),
                None => request,
            })
            .await;
        answers.push((what, answer));
    }
    for (what, answer) in answers {
        assert!(answer.status < 300, "{what}: {} {}", answer.status, answer.text());
        let request_id = answer.header("x-request-id");
        let of_request = entries(&app, &format!("request_id={request_id}")).await;
        if of_request.is_empty() {
            missing.insert(what.clone());
        }
        for entry in &of_request {
            assert_eq!((&entry["result"], &entry["who"]), (&json!("done"), &json!("anonymous")), "{what}: {entry}");
        }
        noted.extend(of_request.into_iter().map(|entry| entry["action"].as_str().unwrap().to_owned()));
    }
    assert_eq!(missing, BTreeSet::new(), "changes without an entry; noted are {noted:?}");
    assert!(noted.contains(&"session.purge".to_owned()) && noted.contains(&"train.enqueue".to_owned()), "{noted:?}");
    let verified = app.get("/api/v1/audit/verify").await.expect(200);
    assert_eq!(verified["intact"], true, "{verified}");
    assert!(verified["entries"].as_u64().unwrap() >= noted.len() as u64);
}

/// What was refused is noted too, with the refusal's code; what failed before anything was done leaves no `done`.
#[tokio::test]
async fn a_refused_change_is_noted_as_refused() {
    let app = TestApp::start().await;
    let id = app.uploaded(&[("kw.csv", b"time,kW\n2020-01-01 00:00,1\n")], &[]).await;
    app.delete(&format!("/api/sessions/{id}")).await;
    let refused = app.patch(&format!("/api/sessions/{id}"), &json!({"name": "x"})).await;
    refused.expect_problem(409, "session_deleted");
    let noted = entries(&app, &format!("request_id={}", refused.header("x-request-id"))).await;
    assert_eq!(noted.len(), 1, "{noted:?}");
    assert_eq!(noted[0]["result"], "session_deleted");
    assert_eq!(noted[0]["action"], "PATCH /sessions/{id}");
    assert_eq!(noted[0]["object_id"], format!("/api/sessions/{id}"));
    assert_eq!(entries(&app, "result=refused").await.len(), 1);
    // What was only wrong, or read, is no affair of the list.
    app.patch(&format!("/api/sessions/{id}"), &json!({"nam": "x"})).await.expect_problem(422, "unknown_field");
    app.get(&format!("/api/sessions/{id}")).await.expect(200);
    assert_eq!(entries(&app, "result=refused").await.len(), 1);
}

/// The database refuses to change what was noted; and where somebody makes it, the chain tells, wherever he did it.
#[tokio::test]
async fn no_entry_is_changed_taken_out_or_put_between_unseen() {
    let app = TestApp::start().await;
    for n in 0..6 {
        app.uploaded(&[("kw.csv", format!("time,kW\n2020-01-01 00:00,{n}\n").as_bytes())], &[]).await;
    }
    let db = database(&app).await;
    let run = async |sql: &str| db.execute_unprepared(sql).await;
    for sql in [
        "UPDATE audit_entries SET who = 'nobody' WHERE seq = 2",
        "DELETE FROM audit_entries WHERE seq = 2",
        "DELETE FROM audit_entries",
    ] {
        let refused = run(sql).await.unwrap_err().to_string();
        assert!(refused.contains("what was done is"), "{sql}: {refused}");
    }
    let intact = app.get("/api/v1/audit/verify").await.expect(200);
    assert_eq!((&intact["intact"], &intact["entries"]), (&json!(true), &json!(6)), "{intact}");

    let before = app.get("/api/v1/audit?page_size=100").await.expect(200);
    run("DROP TRIGGER tr_audit_entries_update").await.unwrap();
    run("DROP TRIGGER tr_audit_entries_delete").await.unwrap();
    let columns =
        "at, account_id, who, via, action, object_kind, object_id, session_id, result, address, request_id, detail";
    for (column, value) in columns.split(", ").map(|column| (column, "'2020-01-01 00:00:00+00:00'")) {
        run(&format!("CREATE TABLE kept AS SELECT {column} AS was FROM audit_entries WHERE seq = 3")).await.unwrap();
        run(&format!("UPDATE audit_entries SET {column} = {value} WHERE seq = 3")).await.unwrap();
        let told = app.get("/api/v1/audit/verify").await.expect(200);
        assert_eq!((&told["intact"], &told["broken_at"]), (&json!(false), &json!(3)), "{column}: {told}");
        run(&format!("UPDATE audit_entries SET {column} = (SELECT was FROM kept) WHERE seq = 3")).await.unwrap();
        run("DROP TABLE kept").await.unwrap();
        assert_eq!(app.get("/api/v1/audit/verify").await.expect(200)["intact"], true, "{column}");
    }
    assert_eq!(app.get("/api/v1/audit?page_size=100").await.expect(200), before);
    run("CREATE TABLE kept AS SELECT * FROM audit_entries WHERE seq = 4").await.unwrap();
    run("DELETE FROM audit_entries WHERE seq = 4").await.unwrap();
    assert_eq!(app.get("/api/v1/audit/verify").await.expect(200)["broken_at"], 5);
    run("INSERT INTO audit_entries SELECT * FROM kept").await.unwrap();
    assert_eq!(app.get("/api/v1/audit/verify").await.expect(200)["intact"], true);
    // By command, with its exit code.
    run("UPDATE audit_entries SET who = 'nobody' WHERE seq = 5").await.unwrap();
    let folder = app.stop().await;
    let told = Process::command(folder.path(), &["audit", "verify"]).output().unwrap();
    let stderr = String::from_utf8_lossy(&told.stderr).into_owned();
    assert_eq!(told.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("entry 5 does not follow"), "{stderr}");
}

/// What is older than the settings say is let go, and the rest still follows from it.
#[tokio::test]
async fn old_entries_are_let_go_and_the_chain_goes_on() {
    let app = TestApp::start().await;
    for n in 0..4 {
        app.uploaded(&[("kw.csv", format!("time,kW\n2020-01-01 00:00,{n}\n").as_bytes())], &[]).await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let gone = hvac_analytics::audit::let_go(&app.state.store, chrono::TimeDelta::milliseconds(10)).await.unwrap();
    assert_eq!(gone, 4);
    app.uploaded(&[("kw.csv", b"time,kW\n2020-01-01 00:00,9\n")], &[]).await;
    let verified = app.get("/api/v1/audit/verify").await.expect(200);
    assert_eq!((&verified["intact"], &verified["entries"]), (&json!(true), &json!(1)), "{verified}");
    assert_eq!(entries(&app, "").await[0]["seq"], 5);
}

/// The list as files: each entry once, oldest first, with its own columns.
#[tokio::test]
async fn the_list_leaves_as_ndjson_and_csv() {
    let app = TestApp::start().await;
    let id = app.uploaded(&[("kw.csv", b"time,kW\n2020-01-01 00:00,1\n")], &[]).await;
    app.patch(&format!("/api/sessions/{id}"), &json!({"name": "=cmd()"})).await.expect(200);
    app.request(Method::PUT, "/api/queries/%3Dcmd", |r| r.json(&json!({"sql": "SELECT 1"}))).await.expect(200);
    let ndjson = app.get("/api/v1/audit/export").await;
    let lines: Vec<Value> = ndjson.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let actions: Vec<&str> = lines.iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["session.upload", "session.change", "query.save"]);
    let csv = app.get("/api/v1/audit/export?format=csv&action=query.*").await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    let mut rows = csv::Reader::from_reader(csv.body.as_ref());
    let header = rows.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = rows.records().map(|row| row.unwrap()).collect();
    let object = header.iter().position(|name| name == "object_id").unwrap();
    // A spreadsheet takes no text of it for a formula.
    assert_eq!(rows.iter().map(|row| row[object].to_owned()).collect::<Vec<_>>(), ["'=cmd"]);
    app.get("/api/v1/audit?from=yesterday").await.expect_problem(422, "bad_time");
}

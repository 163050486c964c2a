//! `doctor` and what a server does beside a wrong or damaged store: nothing is ever lost, and everything is said.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::helpers::{Process, TestApp};

const REPORT: &[u8] = b"time,kw\n2020-01-01 00:00,1\n2020-01-01 00:15,2\n";

async fn app_with_session(name: &str) -> (TestApp, String) {
    let app = TestApp::start().await;
    let fields = [("name", name), ("site", "KMUH"), ("timezone", "Asia/Taipei")];
    let id = app.parsed(&[("kw.csv", REPORT)], &fields).await["session_id"].as_str().unwrap().to_owned();
    (app, id)
}

fn doctor(folder: &Path, more: &[&str]) -> (Value, Option<i32>) {
    let all: Vec<&str> = ["doctor", "--json"].into_iter().chain(more.iter().copied()).collect();
    let output = Process::command(folder, &all).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let json = serde_json::from_str(&text).unwrap_or_else(|_| json!(String::from_utf8_lossy(&output.stderr)));
    (json, output.status.code())
}

fn database(folder: &Path) -> PathBuf {
    folder.join("data/hvac_analytics.db")
}

fn remove_database(folder: &Path) {
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{ending}", database(folder).display()));
    }
}

fn files_below(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else if !path.ends_with("store.lock") {
            files.push((path.clone(), std::fs::read(path).unwrap()));
        }
    }
    files.sort();
    files
}

#[tokio::test]
async fn a_healthy_store_is_said_to_be_one() {
    let (app, _) = app_with_session("Autumn").await;
    let (report, code) = doctor(app.folder.path(), &[]);
    assert_eq!((&report["damaged"], &report["orphans"], &report["checked"]), (&json!([]), &json!([]), &json!(2)));
    assert_eq!(code, Some(0));
}

#[tokio::test]
async fn a_damaged_file_is_marked_answered_with_409_and_never_deleted() {
    let (app, id) = app_with_session("Autumn").await;
    let folder = app.stop().await;
    let parquet = folder.path().join(format!("data/sessions/{id}/parsed-v1.parquet"));
    let whole = std::fs::read(&parquet).unwrap();
    let mut bytes = whole.clone();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    std::fs::write(&parquet, &bytes).unwrap();
    let (report, code) = doctor(folder.path(), &[]);
    assert_eq!(report["damaged"][0]["path"], format!("{id}/parsed-v1.parquet"), "{report}");
    assert_eq!(report["damaged"][0]["integrity"], "damaged");
    assert_eq!(code, Some(1));
    let app = TestApp::start_in(folder, Vec::new()).await.unwrap();
    let problem = app.get(&format!("/api/data/preview?session_id={id}")).await.expect_problem(409, "file_damaged");
    assert!(problem["detail"].as_str().unwrap().contains("doctor"));
    assert_eq!(std::fs::read(&parquet).unwrap(), bytes);
    // Put back from a backup, it is good again.
    let folder = app.stop().await;
    std::fs::write(&parquet, &whole).unwrap();
    let (report, code) = doctor(folder.path(), &[]);
    assert_eq!((&report["damaged"], &report["repaired"], code), (&json!([]), &json!(1), Some(0)));
    let app = TestApp::start_in(folder, Vec::new()).await.unwrap();
    app.get(&format!("/api/data/preview?session_id={id}")).await.expect(200);
}

#[tokio::test]
async fn a_file_that_changes_unseen_is_found_when_it_is_first_opened() {
    let (app, id) = app_with_session("Autumn").await;
    let folder = app.stop().await;
    let parquet = folder.path().join(format!("data/sessions/{id}/parsed-v1.parquet"));
    let mut bytes = std::fs::read(&parquet).unwrap();
    bytes[10] ^= 0xff;
    std::fs::write(&parquet, &bytes).unwrap();
    let app = TestApp::start_in(folder, Vec::new()).await.unwrap();
    app.get(&format!("/api/sessions/{id}/data.parquet")).await.expect_problem(409, "file_damaged");
    let session = app.get(&format!("/api/sessions/{id}")).await.expect(200);
    assert_eq!(session["versions"][0]["integrity"], "damaged");
}

#[tokio::test]
async fn a_missing_raw_file_is_reported_and_a_parse_of_it_refused() {
    let (app, id) = app_with_session("Autumn").await;
    let folder = app.stop().await;
    std::fs::remove_dir_all(folder.path().join(format!("data/sessions/{id}/raw"))).unwrap();
    let (report, code) = doctor(folder.path(), &[]);
    assert_eq!((&report["damaged"][0]["integrity"], code), (&json!("missing"), Some(1)));
    let app = TestApp::start_in(folder, Vec::new()).await.unwrap();
    app.post("/api/parse", &json!({"session_id": id, "force": true})).await.expect_problem(409, "file_missing");
    app.get(&format!("/api/data/preview?session_id={id}")).await.expect(200);
}

#[tokio::test]
async fn files_no_row_knows_are_reported_and_left() {
    let (app, id) = app_with_session("Autumn").await;
    let stray = app.storage().join(&id).join("parsed-v9.parquet");
    std::fs::write(&stray, b"not ours to judge").unwrap();
    let (report, code) = doctor(app.folder.path(), &["--repair"]);
    assert_eq!((&report["orphans"], code), (&json!([format!("{id}/parsed-v9.parquet")]), Some(0)), "{report}");
    assert!(stray.exists());
}

#[tokio::test]
async fn repair_rewrites_what_the_catalogue_knows_into_the_folder() {
    let (app, id) = app_with_session("Autumn").await;
    let snapshot = app.storage().join(&id).join("session.json");
    let before = std::fs::read(&snapshot).unwrap();
    let folder = app.stop().await;
    // One that is gone is written by whoever starts; this one says that it is up to date.
    let edited = String::from_utf8(before.clone()).unwrap().replace("Autumn", "Spring");
    std::fs::write(&snapshot, edited).unwrap();
    let (report, _) = doctor(folder.path(), &[]);
    assert_eq!(report["outdated_snapshots"], json!([id]));
    let (report, _) = doctor(folder.path(), &["--repair"]);
    assert_eq!((&report["outdated_snapshots"], &report["repaired"]), (&json!([]), &json!(1)));
    assert_eq!(std::fs::read(&snapshot).unwrap(), before);
}

#[tokio::test]
async fn an_empty_database_beside_full_folders_is_refused_and_loses_nothing() {
    let (app, _) = app_with_session("Autumn").await;
    let folder = app.stop().await;
    let before = files_below(&folder.path().join("data/sessions"));
    remove_database(folder.path());
    let refused = TestApp::start_in(folder.clone(), Vec::new()).await.err().unwrap();
    assert_eq!(refused.code.name, "store_empty_database");
    assert!(refused.message.contains("doctor --rebuild"), "{}", refused.message);
    assert_eq!(files_below(&folder.path().join("data/sessions")), before);
}

#[tokio::test]
async fn the_database_of_another_store_is_refused() {
    let (app, _) = app_with_session("Autumn").await;
    let (other, _) = app_with_session("Other").await;
    let (folder, other) = (app.stop().await, other.stop().await);
    let before = files_below(&folder.path().join("data/sessions"));
    remove_database(folder.path());
    std::fs::copy(database(other.path()), database(folder.path())).unwrap();
    let refused = TestApp::start_in(folder.clone(), Vec::new()).await.err().unwrap();
    assert_eq!(refused.code.name, "store_mismatch");
    assert_eq!(files_below(&folder.path().join("data/sessions")), before);
}

#[tokio::test]
async fn the_catalogue_is_rebuilt_from_the_folders_alone() {
    let (app, id) = app_with_session("Autumn").await;
    let renamed = json!({"name": "Winter", "metadata": {"ticket": 7}});
    app.patch(&format!("/api/sessions/{id}"), &renamed).await.expect(200);
    app.post("/api/parse", &json!({"session_id": id, "force": true})).await.expect(200);
    let deleted = app.parsed(&[("b.csv", b"time,x\n2021-01-01,3\n")], &[("name", "Gone")]).await["session_id"].clone();
    app.delete(&format!("/api/sessions/{}", deleted.as_str().unwrap())).await;
    let detail = app.get(&format!("/api/sessions/{id}")).await.json();
    let deleted_detail = app.get(&format!("/api/sessions/{}", deleted.as_str().unwrap())).await.json();
    let folder = app.stop().await;
    let before = files_below(&folder.path().join("data/sessions"));
    remove_database(folder.path());
    let (rebuilt, code) = doctor(folder.path(), &["--rebuild"]);
    assert_eq!((&rebuilt["repaired"], &rebuilt["damaged"], code), (&json!(2), &json!([]), Some(0)), "{rebuilt}");
    assert_eq!(files_below(&folder.path().join("data/sessions")), before);
    let app = TestApp::start_in(folder, Vec::new()).await.unwrap();
    assert_eq!(app.get(&format!("/api/sessions/{id}")).await.json(), detail);
    assert_eq!(app.get(&format!("/api/sessions/{}", deleted.as_str().unwrap())).await.json(), deleted_detail);
    // The next version goes on counting.
    let next = app.post("/api/parse", &json!({"session_id": id, "force": true})).await.expect(200);
    assert_eq!(next["version"], "parsed-v3");
}

#[tokio::test]
async fn the_parquet_file_alone_brings_a_session_back() {
    let (app, id) = app_with_session("Autumn").await;
    let detail = app.get(&format!("/api/sessions/{id}")).await.json();
    let folder = app.stop().await;
    remove_database(folder.path());
    std::fs::remove_file(folder.path().join(format!("data/sessions/{id}/session.json"))).unwrap();
    let (rebuilt, _) = doctor(folder.path(), &["--rebuild"]);
    assert_eq!((&rebuilt["repaired"], &rebuilt["outdated_snapshots"]), (&json!(1), &json!([id])), "{rebuilt}");
    let app = TestApp::start_in(folder, Vec::new()).await.unwrap();
    let found = app.get(&format!("/api/sessions/{id}")).await.json();
    for field in ["name", "site", "timezone", "status", "total_rows", "start_at", "end_at", "versions"] {
        assert_eq!(found[field], detail[field], "{field}");
    }
    assert_eq!(found["files"][0]["file_name"], "kw.csv");
    assert_eq!(found["files"][0]["sha256"], detail["files"][0]["sha256"]);
}

#[tokio::test]
async fn rebuild_waits_for_nobody() {
    let (app, _) = app_with_session("Autumn").await;
    let (message, code) = doctor(app.folder.path(), &["--rebuild"]);
    assert!(message["detail"].as_str().unwrap().contains("Another process"), "{message}");
    assert_eq!(code, Some(1));
}

//! `session.json` is true before an answer says so, and a catalogue that is made of it says nothing else.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::helpers::{Client, Process, TestApp};

const REPORT: &[u8] = b"time,kw\n2020-01-01 00:00,1\n2020-01-01 00:15,2\n";

fn doctor(folder: &Path, more: &[&str]) -> Value {
    let all: Vec<&str> = ["doctor", "--json"].into_iter().chain(more.iter().copied()).collect();
    let output = Process::command(folder, &all).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    serde_json::from_str(&text).unwrap_or_else(|_| json!(String::from_utf8_lossy(&output.stderr)))
}

fn database(folder: &Path) -> PathBuf {
    folder.join("data/hvac_analytics.db")
}

fn lose_database(folder: &Path) {
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{ending}", database(folder).display()));
    }
}

fn session_json(folder: &Path, id: &str) -> PathBuf {
    folder.join("data/sessions").join(id).join("session.json")
}

fn manifest(folder: &Path, id: &str) -> Value {
    serde_json::from_slice(&std::fs::read(session_json(folder, id)).unwrap()).unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

async fn json(client: &Client, path: &str) -> Value {
    let (status, body) = client.get(path).await;
    assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
    serde_json::from_slice(&body).unwrap()
}

/// The process dies between a commit and `session.json`. Started again, the file says what the catalogue does, and a
/// catalogue that is made of the files brings back neither an old name nor a deleted session.
#[tokio::test]
async fn a_manifest_that_a_crash_left_behind_is_written_at_the_next_start() {
    for point in ["rename.committed", "delete.committed", "upload.committed", "parse.committed"] {
        let folder = TempDir::new().unwrap();
        let server = Process::serve(folder.path(), &["--crash-at", point]);
        let client = Client::of(&server);
        let steps = async {
            let id = text(&client.upload("kw.csv", REPORT.to_vec()).await?["session_id"]);
            client.post("/api/parse", &json!({"session_id": id})).await?;
            let url = format!("{}/api/sessions/{id}", client.base);
            client.client.patch(&url).json(&json!({"name": "Winter"})).send().await?;
            client.client.delete(&url).send().await.map(drop)
        };
        assert!(steps.await.is_err(), "{point} was not reached");
        assert!(!server.wait().success(), "{point}");

        let server = Process::serve(folder.path(), &[]);
        let client = Client::of(&server);
        let deleted = point == "delete.committed";
        let listed = json(&client, &format!("/api/sessions?deleted={deleted}")).await;
        assert_eq!(listed["total"], 1, "{point}: {listed}");
        let id = text(&listed["items"][0]["session_id"]);
        let before = json(&client, &format!("/api/sessions/{id}")).await;
        let said = manifest(folder.path(), &id);
        assert_eq!(said["session"]["name"], before["name"], "{point}");
        assert_eq!(said["session"]["deleted_at"].is_string(), deleted, "{point}");
        assert!(server.terminate().success());

        assert_eq!(doctor(folder.path(), &[])["outdated_snapshots"], json!([]), "{point}");
        lose_database(folder.path());
        let rebuilt = doctor(folder.path(), &["--rebuild"]);
        assert_eq!((&rebuilt["sessions"], &rebuilt["unacknowledged"]), (&json!(1), &json!([])), "{point}: {rebuilt}");
        let server = Process::serve(folder.path(), &[]);
        assert_eq!(json(&Client::of(&server), &format!("/api/sessions/{id}")).await, before, "{point}");
    }
}

/// Nothing can take the place of this file.
fn block(file: &Path) {
    std::fs::remove_file(file).unwrap();
    std::fs::create_dir(file).unwrap();
    std::fs::write(file.join("in the way"), b"").unwrap();
}

#[tokio::test]
async fn nothing_is_acknowledged_whose_manifest_could_not_be_written() {
    let app = TestApp::start().await;
    let id = text(&app.parsed(&[("kw.csv", REPORT)], &[("name", "Autumn")]).await["session_id"]);
    let (path, file) = (format!("/api/sessions/{id}"), session_json(app.folder.path(), &id));
    block(&file);
    let rename = json!({"name": "Winter"});
    let problem = app.patch(&path, &rename).await.expect_problem(503, "manifest_not_written");
    assert!(text(&problem["detail"]).contains("The change is made"), "{problem}");
    assert_eq!(app.get(&path).await.expect(200)["name"], "Winter");
    std::fs::remove_dir_all(&file).unwrap();
    app.patch(&path, &rename).await.expect(200);
    assert_eq!(manifest(app.folder.path(), &id)["session"]["name"], "Winter");

    block(&file);
    for _ in 0..2 {
        app.delete(&path).await.expect_problem(503, "manifest_not_written");
    }
    // It is done by itself, at the latest when the program starts again.
    let folder = app.stop().await;
    std::fs::remove_dir_all(&file).unwrap();
    let app = TestApp::start_in(folder, Vec::new()).await.unwrap();
    assert!(manifest(app.folder.path(), &id)["session"]["deleted_at"].is_string());
    assert_eq!(app.delete(&path).await.status, 204);
    app.post(&format!("{path}/restore"), &json!({})).await.expect(200);
    assert!(manifest(app.folder.path(), &id)["session"]["deleted_at"].is_null());
}

#[tokio::test]
async fn a_running_server_writes_the_manifest_that_it_could_not_write() {
    let folder = TempDir::new().unwrap();
    let server = Process::serve(folder.path(), &[]);
    let client = Client::of(&server);
    let id = text(&client.upload("kw.csv", REPORT.to_vec()).await.unwrap()["session_id"]);
    let file = session_json(folder.path(), &id);
    block(&file);
    let answer = client.client.delete(format!("{}/api/sessions/{id}", client.base)).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 503);
    std::fs::remove_dir_all(&file).unwrap();
    for _ in 0..300 {
        if file.exists() {
            assert!(manifest(folder.path(), &id)["session"]["deleted_at"].is_string());
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("it was not written: {}", server.stderr());
}

/// A session that no answer told of, and a version that none told of.
#[tokio::test]
async fn what_nobody_was_told_of_comes_back_unconfirmed() {
    let folder = Arc::new(TempDir::new().unwrap());
    let server = Process::serve(folder.path(), &[]);
    let client = Client::of(&server);
    let told = text(&client.upload("kw.csv", REPORT.to_vec()).await.unwrap()["session_id"]);
    client.post("/api/parse", &json!({"session_id": told})).await.unwrap();
    server.kill_9();
    std::fs::write(folder.path().join("data/other.csv"), b"time,x\n2021-01-01,3\n").unwrap();
    for request in [json!({"files": ["other.csv"], "name": "Nobody knows"}), json!({"session_id": told, "force": true})]
    {
        let server = Process::serve(folder.path(), &["--crash-at", "parse.before_commit"]);
        assert!(Client::of(&server).post("/api/parse", &request).await.is_err());
        assert!(!server.wait().success());
    }
    lose_database(folder.path());
    let rebuilt = doctor(folder.path(), &["--rebuild"]);
    assert_eq!((&rebuilt["sessions"], &rebuilt["from_footers"]), (&json!(2), &json!(1)), "{rebuilt}");
    assert_eq!(rebuilt["unacknowledged"], json!([format!("{told}/parsed-v2.parquet")]));
    let never = text(&rebuilt["unconfirmed"][0]);
    assert_eq!(rebuilt["unconfirmed"], json!([never]));

    let app = TestApp::start_in(Arc::clone(&folder), Vec::new()).await.unwrap();
    let ids = async |query: &str| {
        let list = app.get(&format!("/api/sessions{query}")).await.expect(200);
        list["items"].as_array().unwrap().iter().map(|item| text(&item["session_id"])).collect::<Vec<_>>()
    };
    assert_eq!(ids("").await, std::slice::from_ref(&told));
    assert_eq!(ids("?unconfirmed=true").await, std::slice::from_ref(&never));
    let detail = app.get(&format!("/api/sessions/{never}")).await.expect(200);
    assert_eq!((&detail["unconfirmed"], &detail["name"]), (&json!(true), &json!("Nobody knows")));
    let versions = app.get(&format!("/api/sessions/{told}")).await.expect(200)["versions"].clone();
    assert_eq!((versions.as_array().unwrap().len(), &versions[0]["version"]), (1, &json!("parsed-v1")));
    // Asked for again, the same is made anew and acknowledged; the number that a file has is not given again.
    let again = app.post("/api/parse", &json!({"files": ["other.csv"], "name": "Nobody knows"})).await.expect(200);
    assert_eq!(again["reused"], false);
    assert_ne!(again["session_id"], never);
    let next = app.post("/api/parse", &json!({"session_id": told, "force": true})).await.expect(200);
    assert_eq!(next["version"], "parsed-v3");
    // Whoever wants it confirms it.
    let restored = app.post(&format!("/api/sessions/{never}/restore"), &json!({})).await.expect(200);
    assert_eq!(restored["unconfirmed"], false);
    assert!(ids("").await.contains(&never));
    assert_eq!(manifest(folder.path(), &never)["session"]["unconfirmed"], Value::Null);
}

/// A store that has nothing but this `session.json`.
fn store_of(name: &str) -> (Arc<TempDir>, String) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures").join(name);
    let bytes = std::fs::read(fixture).unwrap();
    let id = text(&serde_json::from_slice::<Value>(&bytes).unwrap()["session"]["id"]);
    let folder = TempDir::new().unwrap();
    let file = session_json(folder.path(), &id);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, bytes).unwrap();
    (Arc::new(folder), id)
}

#[tokio::test]
async fn a_manifest_of_an_earlier_version_and_one_with_an_unknown_word_are_read() {
    // What a file of version 2 leaves to the Parquet files, which are not there; and what could not be read is kept.
    for (name, notes) in [("session-v1.json", 0), ("session-v2.json", 2), ("session-v1-unknown-status.json", 2)] {
        let (folder, id) = store_of(name);
        let rebuilt = doctor(folder.path(), &["--rebuild"]);
        assert_eq!((&rebuilt["sessions"], &rebuilt["unconfirmed"]), (&json!(1), &json!([])), "{rebuilt}");
        assert_eq!(rebuilt["notes"].as_array().unwrap().len(), notes, "{rebuilt}");
        let kept = rebuilt["trash"]["files"].as_u64();
        assert_eq!(kept, Some(u64::from(name.contains("unknown"))), "{rebuilt}");
        let app = TestApp::start_in(folder, Vec::new()).await.unwrap();
        let session = app.get(&format!("/api/sessions/{id}")).await.expect(200);
        assert_eq!(
            (&session["name"], &session["site"], &session["metadata"]["ticket"], &session["status"]),
            (&json!("Roof plant 2019 audit"), &json!("NORTH"), &json!("HVAC-77"), &json!("cleaned"))
        );
        let versions: Vec<&Value> = session["versions"].as_array().unwrap().iter().map(|v| &v["version"]).collect();
        assert_eq!(versions, ["cleaned-v1", "parsed-v1"], "{name}");
    }
}

/// Brought back without its files, a session is whole again when they are: what they tell stands in them alone.
#[tokio::test]
async fn a_rebuilt_session_learns_the_rest_when_its_files_come_back() {
    let app = TestApp::start().await;
    let made = app.parsed(&[("kw.csv", REPORT)], &[("name", "Autumn")]).await;
    let id = text(&made["session_id"]);
    app.post("/api/clean", &json!({"session_id": id, "resample_interval": "30m"})).await.expect(200);
    let paths = [
        format!("/api/sessions/{id}"),
        format!("/api/sessions/{id}/lineage"),
        format!("/api/data/preview?session_id={id}"),
        format!("/api/data/stats?session_id={id}&version=parsed"),
    ];
    let answers = async |app: &TestApp| {
        let mut answers = Vec::new();
        for path in &paths {
            answers.push(app.get(path).await.expect(200));
        }
        answers.push(app.post("/api/parse", &json!({"session_id": id})).await.expect(200)["column_details"].clone());
        answers
    };
    let before = answers(&app).await;
    let folder = app.stop().await;
    lose_database(folder.path());
    // One is away; of the other the footer reads as well as before, and says something else.
    let stored = session_json(folder.path(), &id).parent().unwrap().to_owned();
    let whole =
        ["parsed-v1.parquet", "cleaned-v1.parquet"].map(|name| (name, std::fs::read(stored.join(name)).unwrap()));
    std::fs::remove_file(stored.join(whole[0].0)).unwrap();
    let mut damaged = whole[1].1.clone();
    let at = damaged.windows(4).rposition(|bytes| bytes == b"\"kw\"");
    damaged[at.unwrap() + 1] = b'K';
    std::fs::write(stored.join(whole[1].0), damaged).unwrap();
    let rebuilt = doctor(folder.path(), &["--rebuild"]);
    assert_eq!((&rebuilt["sessions"], rebuilt["notes"].as_array().unwrap().len()), (&json!(1), 2), "{rebuilt}");
    whole.iter().for_each(|(name, bytes)| std::fs::write(stored.join(name), bytes).unwrap());
    let again = doctor(folder.path(), &["--rebuild"]);
    assert_eq!((&again["kept"], &again["damaged"]), (&json!(1), &json!([])), "{again}");
    let app = TestApp::start_in(folder, Vec::new()).await.unwrap();
    assert_eq!(answers(&app).await, before);
}

#[tokio::test]
async fn of_what_sessions_share_the_last_word_comes_back() {
    let app = TestApp::start().await;
    for unit in ["kW", "W"] {
        let id = app.uploaded(&[(&format!("{unit}.csv"), REPORT)], &[("site", "KMUH"), ("name", unit)]).await;
        let columns = json!([{"column": "kw", "unit": unit}]);
        app.post("/api/parse", &json!({"session_id": id, "columns": columns, "force": true})).await.expect(200);
    }
    let folder = app.stop().await;
    lose_database(folder.path());
    doctor(folder.path(), &["--rebuild"]);
    let app = TestApp::start_in(folder, Vec::new()).await.unwrap();
    let parsed = app.parsed(&[("third.csv", b"time,kw\n2022-01-01,1\n")], &[("site", "KMUH")]).await;
    assert_eq!(parsed["column_details"][0]["unit"], "W", "{parsed}");
}

#[tokio::test]
async fn a_database_of_yesterday_does_not_undo_what_the_folder_knows() {
    let app = TestApp::start().await;
    let id = text(&app.parsed(&[("kw.csv", REPORT)], &[("name", "Autumn")]).await["session_id"]);
    let folder = app.stop().await;
    std::fs::copy(database(folder.path()), folder.path().join("yesterday.db")).unwrap();
    let app = TestApp::start_in(folder, Vec::new()).await.unwrap();
    app.patch(&format!("/api/sessions/{id}"), &json!({"name": "Winter"})).await.expect(200);
    let folder = app.stop().await;
    lose_database(folder.path());
    std::fs::copy(folder.path().join("yesterday.db"), database(folder.path())).unwrap();
    let app = TestApp::start_in(folder, Vec::new()).await.unwrap();
    assert_eq!(manifest(app.folder.path(), &id)["session"]["name"], "Winter");
    // A change writes the file, and what it said is kept.
    app.patch(&format!("/api/sessions/{id}"), &json!({"site": "KMUH"})).await.expect(200);
    assert_eq!(manifest(app.folder.path(), &id)["session"]["name"], "Autumn");
}

#[tokio::test]
async fn what_nobody_knows_is_set_aside_when_somebody_asks() {
    let app = TestApp::start().await;
    let id = text(&app.parsed(&[("kw.csv", REPORT)], &[]).await["session_id"]);
    let stray = app.storage().join(&id).join("parsed-v9.parquet");
    std::fs::write(&stray, b"whose?").unwrap();
    let unknown = app.storage().join("01a22673-127f-7365-98f4-35276d3ff669/raw/a.csv");
    std::fs::create_dir_all(unknown.parent().unwrap()).unwrap();
    std::fs::write(&unknown, b"time,x\n").unwrap();
    let refused = doctor(app.folder.path(), &["--sweep"]);
    assert!(refused["detail"].as_str().unwrap().contains("Another process"), "{refused}");
    let folder = app.stop().await;
    let report = doctor(folder.path(), &["--sweep"]);
    assert_eq!(
        (&report["orphans"], &report["damaged"], &report["trash"]["files"]),
        (&json!([]), &json!([]), &json!(2))
    );
    assert!(!stray.exists() && !unknown.exists());
    for swept in report["swept"].as_array().unwrap() {
        let (path, trash) = (text(&swept["path"]), text(&swept["trash"]));
        assert!(trash.starts_with("trash/2") && trash.ends_with(&path), "{swept}");
        let bytes = std::fs::read(folder.path().join("data/sessions").join(trash)).unwrap();
        assert!(bytes == b"whose?" || bytes == b"time,x\n");
    }
    let app = TestApp::start_in(folder, Vec::new()).await.unwrap();
    app.get(&format!("/api/data/preview?session_id={id}")).await.expect(200);
}

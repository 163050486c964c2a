//! What one reader finds damaged is damaged for all, at once; what is brought back is good again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hvac_store::db::Db;
use hvac_store::entity::file_check;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::helpers::{Client, Process, TestApp};

fn report(rows: u32) -> Vec<u8> {
    let mut text = "time,kw,oat\n".to_owned();
    for row in 0..rows {
        text += &format!("2020-01-{:02} {:02}:00,{},{}\n", row / 24 + 1, row % 24, row * 7, f64::from(row % 9) * 0.5);
    }
    text.into_bytes()
}

/// Flips one bit in place, leaving the time of the last write as it was when `unseen`.
fn flip(path: &Path, unseen: bool) {
    let written = std::fs::metadata(path).unwrap().modified().unwrap();
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).unwrap();
    if unseen {
        std::fs::File::options().write(true).open(path).unwrap().set_modified(written).unwrap();
    }
}

fn doctor(folder: &Path) -> (Value, Option<i32>) {
    let output = Process::command(folder, &["doctor", "--json"]).output().unwrap();
    (serde_json::from_slice(&output.stdout).unwrap(), output.status.code())
}

/// What one version says of its files, in the session's answer.
async fn integrity(app: &TestApp, id: &str, version: &str) -> (Value, Value) {
    let session = app.get(&format!("/api/sessions/{id}")).await.expect(200);
    let versions = session["versions"].as_array().unwrap();
    let version = versions.iter().find(|found| found["version"] == version).unwrap();
    (version["integrity"].clone(), version["events_integrity"].clone())
}

/// Each reader in turn is the first to meet a flipped bit after everything was read once and is kept.
#[tokio::test]
async fn a_flipped_bit_that_any_reader_meets_is_refused_by_all() {
    let app = TestApp::start().await;
    let id = app.parsed(&[("kw.csv", &report(96))], &[("timezone", "UTC")]).await["session_id"].clone();
    let id = id.as_str().unwrap().to_owned();
    app.post("/api/clean", &json!({"session_id": id, "resample_interval": "1h"})).await.expect(200);
    let of_frame = |version: &str| {
        let of_session = ["data.parquet", "data.csv", "data.arrow"]
            .map(|file| format!("/api/sessions/{id}/{file}?version={version}"));
        let of_data = ["preview?rows=20&", "preview?rows=5&columns=kw&", "stats?", "series?columns=kw&", "quality?"]
            .map(|what| format!("/api/data/{what}session_id={id}&version={version}"));
        of_session.into_iter().chain(of_data).collect::<Vec<_>>()
    };
    let of_events = vec![
        format!("/api/sessions/{id}/events.parquet?version=cleaned-v1"),
        format!("/api/data/events?session_id={id}&version=cleaned-v1"),
    ];
    let folder = app.storage().join(&id);
    for (file, readers, version) in [
        ("parsed-v1.parquet", of_frame("parsed-v1"), "parsed-v1"),
        ("cleaned-v1.parquet", of_frame("cleaned-v1"), "cleaned-v1"),
        ("cleaned-v1.events.parquet", of_events, "cleaned-v1"),
    ] {
        let path = folder.join(file);
        let whole = std::fs::read(&path).unwrap();
        for (index, first) in readers.iter().enumerate() {
            let mut before = Vec::new();
            for reader in &readers {
                before.push(app.get(reader).await.body.clone());
                assert_eq!(app.get(reader).await.status, 200, "{reader}");
            }
            flip(&path, index % 2 == 0);
            // Other processes' writes are seen within this time.
            tokio::time::sleep(Duration::from_millis(40)).await;
            app.get(first).await.expect_problem(409, "file_damaged");
            let (frame, events) = integrity(&app, &id, version).await;
            assert_eq!(if file.contains("events") { events } else { frame }, "damaged", "{first}");
            for reader in &readers {
                app.get(reader).await.expect_problem(409, "file_damaged");
            }
            let (report, code) = doctor(app.folder.path());
            assert_eq!((&report["damaged"][0]["path"], code), (&json!(format!("{id}/{file}")), Some(1)), "{report}");
            // Brought back from a backup, it is good when `doctor` has looked.
            std::fs::write(&path, &whole).unwrap();
            assert_eq!(doctor(app.folder.path()).1, Some(0));
            tokio::time::sleep(Duration::from_millis(40)).await;
            for (reader, before) in readers.iter().zip(&before) {
                let after = app.get(reader).await;
                assert_eq!((after.status, &after.body), (200, before), "{reader}");
            }
        }
    }
}

#[tokio::test]
async fn a_file_that_was_only_touched_is_as_good_as_before() {
    let app = TestApp::start().await;
    let id = app.parsed(&[("kw.csv", &report(48))], &[]).await["session_id"].as_str().unwrap().to_owned();
    let path = app.storage().join(&id).join("parsed-v1.parquet");
    let readers = [format!("/api/sessions/{id}/data.parquet"), format!("/api/data/preview?session_id={id}")];
    for _ in 0..2 {
        for reader in &readers {
            assert_eq!(app.get(reader).await.status, 200, "{reader}");
        }
        // Copied over itself, as a restore does: another inode, other times, the same bytes.
        let copy = path.with_extension("copy");
        std::fs::copy(&path, &copy).unwrap();
        std::fs::rename(&copy, &path).unwrap();
    }
    assert_eq!(integrity(&app, &id, "parsed-v1").await.0, "ok");
}

#[tokio::test]
async fn a_raw_file_that_changed_is_not_parsed() {
    let app = TestApp::start().await;
    let id = app.parsed(&[("kw.csv", &report(48))], &[]).await["session_id"].as_str().unwrap().to_owned();
    let raw: Vec<PathBuf> =
        std::fs::read_dir(app.storage().join(&id).join("raw")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let whole = std::fs::read(&raw[0]).unwrap();
    flip(&raw[0], true);
    let request = json!({"session_id": id, "force": true});
    let problem = app.post("/api/parse", &request).await.expect_problem(409, "file_damaged");
    assert!(problem["detail"].as_str().unwrap().contains("kw.csv"), "{problem}");
    assert_eq!(app.get(&format!("/api/sessions/{id}")).await.expect(200)["files"][0]["integrity"], "damaged");
    std::fs::write(&raw[0], whole).unwrap();
    assert_eq!(doctor(app.folder.path()).1, Some(0));
    assert_eq!(app.post("/api/parse", &request).await.expect(200)["version"], "parsed-v2");
}

async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..400 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never came: {what}");
}

/// Nobody reads it, and its times tell nothing to whoever does not look at its bytes.
#[tokio::test]
async fn the_scrub_finds_what_nobody_reads() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join(".env"), "SCRUB_DAYS=0.00001\n").unwrap();
    let server = Process::serve(folder.path(), &[]);
    let client = Client::of(&server);
    let id = client.upload("kw.csv", report(48)).await.unwrap()["session_id"].as_str().unwrap().to_owned();
    client.post("/api/parse", &json!({"session_id": id})).await.unwrap();
    let raw = std::fs::read_dir(folder.path().join("data/sessions").join(&id).join("raw")).unwrap().next();
    let raw = raw.unwrap().unwrap().path();
    let whole = std::fs::read(&raw).unwrap();
    let integrity = async || {
        let (_, body) = client.get(&format!("/api/sessions/{id}")).await;
        serde_json::from_slice::<Value>(&body).unwrap()["files"][0]["integrity"].clone()
    };
    flip(&raw, true);
    until("the mark", async || (integrity().await == "damaged").then_some(())).await;
    std::fs::write(&raw, whole).unwrap();
    until("its end", async || (integrity().await == "ok").then_some(())).await;
    assert!(server.terminate().success());
}

#[tokio::test]
async fn what_was_scrubbed_is_known_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let checks = async || {
        let url = format!("sqlite://{}/data/hvac_analytics.db", folder.path().display());
        let db = Db::open(&url).await.unwrap();
        let checks = file_check::Entity::find().all(db.read()).await.unwrap();
        db.close().await.unwrap();
        checks
    };
    let server = Process::serve(folder.path(), &[]);
    let client = Client::of(&server);
    let id = client.upload("kw.csv", report(48)).await.unwrap()["session_id"].as_str().unwrap().to_owned();
    client.post("/api/parse", &json!({"session_id": id})).await.unwrap();
    assert!(server.terminate().success());
    let server = Process::serve(folder.path(), &[]);
    let first = until("a check of each file", async || Some(checks().await).filter(|checks| checks.len() == 2)).await;
    // It hears of its end once it serves.
    assert_eq!(Client::of(&server).get("/api/health").await.0, 200);
    assert!(server.terminate().success());
    let server = Process::serve(folder.path(), &[]);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(checks().await, first);
    assert!(server.terminate().success());
    let refused = Process::command(folder.path(), &["serve"]).env("SCRUB_DAYS", "soon").output().unwrap();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("SCRUB_DAYS"));
}

//! Killed at every step of upload, parse and purge: whatever was acknowledged before is there afterwards, byte for byte.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::helpers::{Client, Process};

fn report(rows: u32) -> Vec<u8> {
    let mut text = "time,kw\n".to_owned();
    for row in 0..rows {
        text += &format!("2020-01-{:02} {:02}:00,{}\n", row / 24 + 1, row % 24, row * 7);
    }
    text.into_bytes()
}

impl Client {
    async fn parse(&self, session_id: &str) -> reqwest::Result<Value> {
        self.post("/api/parse", &json!({"session_id": session_id})).await
    }
}

/// A session whose upload was acknowledged, and perhaps its parse.
struct Acknowledged {
    id: String,
    raw: Vec<u8>,
    parsed: bool,
    /// Hash of the Parquet file, where it was looked at.
    parquet: Option<Vec<u8>>,
}

async fn make(client: &Client, raw: Vec<u8>) -> reqwest::Result<Acknowledged> {
    let id = client.upload("kw.csv", raw.clone()).await?["session_id"].as_str().unwrap().to_owned();
    client.parse(&id).await?;
    let (status, bytes) = client.get(&format!("/api/sessions/{id}/data.parquet")).await;
    assert_eq!(status, 200);
    Ok(Acknowledged { id, raw, parsed: true, parquet: Some(Sha256::digest(&bytes).to_vec()) })
}

/// Everything acknowledged is there; every session listed is whole; `doctor` finds nothing damaged.
async fn intact(folder: &Path, acknowledged: &[Acknowledged]) {
    let server = Process::serve(folder, &[]);
    let client = Client::of(&server);
    for session in acknowledged {
        let (status, body) = client.get(&format!("/api/sessions/{}", session.id)).await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        if session.parsed {
            let (status, bytes) = client.get(&format!("/api/sessions/{}/data.parquet", session.id)).await;
            assert_eq!(status, 200, "{}", String::from_utf8_lossy(&bytes));
            let hash = Sha256::digest(&bytes).to_vec();
            assert_eq!(session.parquet.as_ref().unwrap_or(&hash), &hash);
        }
        let raw = std::fs::read_dir(folder.join("data/sessions").join(&session.id).join("raw")).unwrap();
        let raw: Vec<Vec<u8>> = raw.map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect();
        assert_eq!(raw, std::slice::from_ref(&session.raw));
    }
    let (_, list) = client.get("/api/sessions?page_size=100").await;
    let list: Value = serde_json::from_slice(&list).unwrap();
    for item in list["items"].as_array().unwrap() {
        if item["status"] == "parsed" {
            let preview = format!("/api/data/preview?session_id={}", item["session_id"].as_str().unwrap());
            assert_eq!(client.get(&preview).await.0, 200);
        }
    }
    assert!(server.terminate().success());
    let doctor = Process::command(folder, &["doctor", "--json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&doctor.stdout).unwrap();
    assert_eq!(report["damaged"], json!([]), "{report}");
    assert!(doctor.status.success());
    assert_eq!(staging_leftovers(folder), Vec::<String>::new());
}

fn staging_leftovers(folder: &Path) -> Vec<String> {
    fn walk(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with(".staging") || name.contains('#') {
                found.push(name);
            } else if entry.path().is_dir() {
                walk(&entry.path(), found);
            }
        }
    }
    let mut found = Vec::new();
    walk(&folder.join("data/sessions"), &mut found);
    found
}

#[tokio::test]
async fn killed_at_every_step_of_upload_and_parse() {
    let folder = TempDir::new().unwrap();
    let server = Process::serve(folder.path(), &[]);
    let acknowledged = vec![make(&Client::of(&server), report(48)).await.unwrap()];
    server.kill_9();
    let points = [
        "stage.opened",
        "stage.written",
        "stage.synced",
        "publish.renamed",
        "upload.committed",
        "parse.reserved",
        "parse.published",
        "parse.before_commit",
        "parse.committed",
    ];
    for (index, point) in points.into_iter().enumerate() {
        let server = Process::serve(folder.path(), &["--crash-at", point]);
        let rows = 24 + u32::try_from(index).unwrap();
        let answer = make(&Client::of(&server), report(rows)).await;
        assert!(answer.is_err(), "{point} was not reached");
        assert!(!server.wait().success(), "{point}");
        intact(folder.path(), &acknowledged).await;
    }
}

#[tokio::test]
async fn an_interrupted_parse_can_be_repeated_at_once_and_its_number_is_not_used_again() {
    let folder = TempDir::new().unwrap();
    let server = Process::serve(folder.path(), &["--crash-at", "parse.published"]);
    let client = Client::of(&server);
    let id = client.upload("kw.csv", report(30)).await.unwrap()["session_id"].as_str().unwrap().to_owned();
    assert!(client.parse(&id).await.is_err());
    assert!(!server.wait().success());
    let server = Process::serve(folder.path(), &[]);
    let again = Client::of(&server).parse(&id).await.unwrap();
    assert_eq!((&again["version"], &again["row_count"]), (&json!("parsed-v2"), &json!(30)));
}

/// A parse as a job, of a session that is there and of server-side files, dies at each step: what it promised is made.
#[tokio::test]
async fn killed_at_every_step_a_parse_job_makes_what_was_promised() {
    for point in ["parse.reserved", "publish.renamed", "parse.published", "parse.before_commit", "parse.committed"] {
        for is_new in [false, true] {
            if is_new && point == "parse.reserved" {
                continue;
            }
            let folder = TempDir::new().unwrap();
            let server = Process::serve(folder.path(), &[]);
            let first = make(&Client::of(&server), report(48)).await.unwrap();
            server.kill_9();
            std::fs::write(folder.path().join("data/kw2.csv"), report(30)).unwrap();
            let server = Process::serve(folder.path(), &["--crash-at", point]);
            let request = if is_new {
                json!({"files": ["kw2.csv"], "timezone": "UTC", "wait": false})
            } else {
                json!({"session_id": first.id, "force": true, "wait": false})
            };
            let answer = Client::of(&server).post("/api/parse", &request).await;
            assert!(!server.wait().success(), "{point}");

            let server = Process::serve(folder.path(), &[]);
            let client = Client::of(&server);
            let job = async || {
                let (_, jobs) = client.get("/api/jobs?kind=parse").await;
                serde_json::from_slice::<Value>(&jobs).unwrap()["items"][0].clone()
            };
            let job_id = job().await["job_id"].as_str().unwrap().to_owned();
            client.get(&format!("/api/jobs/{job_id}/events")).await;
            assert_eq!(job().await["status"], "completed", "{point}, new: {is_new}: {}", job().await);
            let (session_id, version) = match (is_new, &answer) {
                (false, _) => (first.id.clone(), "parsed-v2"),
                (true, Ok(answer)) => (answer["session_id"].as_str().unwrap().to_owned(), "parsed-v1"),
                // It died before it could answer.
                (true, Err(_)) => {
                    let (_, list) = client.get("/api/sessions").await;
                    let list: Value = serde_json::from_slice(&list).unwrap();
                    (list["items"][0]["session_id"].as_str().unwrap().to_owned(), "parsed-v1")
                }
            };
            let (status, detail) = client.get(&format!("/api/sessions/{session_id}")).await;
            let detail: Value = serde_json::from_slice(&detail).unwrap();
            assert_eq!(status, 200, "{detail}");
            let newest = &detail["versions"][0];
            assert_eq!((&newest["version"], &newest["id"]), (&json!(version), &json!(job_id)), "{point}: {detail}");
            assert_eq!(detail["versions"].as_array().unwrap().len(), if is_new { 1 } else { 2 });
            assert_eq!(client.get(&format!("/api/sessions/{session_id}/data.parquet")).await.0, 200);
            assert!(server.terminate().success());
            let doctor = Process::command(folder.path(), &["doctor", "--json"]).output().unwrap();
            let report: Value = serde_json::from_slice(&doctor.stdout).unwrap();
            for list in ["damaged", "orphans", "outdated_snapshots"] {
                assert_eq!(report[list], json!([]), "{point}, new: {is_new}: {report}");
            }
        }
    }
}

#[tokio::test]
async fn killed_at_any_moment_under_load() {
    let folder = TempDir::new().unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..4_u32 {
        let server = Process::serve(folder.path(), &[]);
        let parses = Arc::new(AtomicU32::new(0));
        let workers: Vec<_> = (0..3)
            .map(|worker| {
                let (client, parses) = (Client::of(&server), parses.clone());
                tokio::spawn(async move {
                    let mut made = Vec::new();
                    for turn in 0.. {
                        let raw = report(40 + round * 97 + worker * 31 + turn);
                        let Ok(upload) = client.upload("kw.csv", raw.clone()).await else { return made };
                        let id = upload["session_id"].as_str().unwrap().to_owned();
                        let parsed = client.parse(&id).await.is_ok();
                        parses.fetch_add(u32::from(parsed), Ordering::Relaxed);
                        made.push(Acknowledged { id, raw, parsed, parquet: None });
                    }
                    made
                })
            })
            .collect();
        // Under way for certain, and then at another moment each time.
        while parses.load(Ordering::Relaxed) < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(u64::from(round) * 37)).await;
        server.kill_9();
        for worker in workers {
            acknowledged.extend(worker.await.unwrap());
        }
        intact(folder.path(), &acknowledged).await;
    }
    assert!(acknowledged.iter().filter(|s| s.parsed).count() >= 8);
}

/// A purge that was cut off between its rows and its files is ended at the next start: no catalogue that is made anew
/// brings back what somebody has seen to be gone.
#[tokio::test]
async fn a_purge_that_was_cut_off_is_carried_out_at_the_next_start() {
    let folder = TempDir::new().unwrap();
    let server = Process::serve(folder.path(), &["--crash-at", "purge.committed"]);
    let client = Client::of(&server);
    let kept = make(&client, report(24)).await.unwrap();
    let purged = make(&client, report(25)).await.unwrap();
    let path = format!("{}/api/sessions/{}?purge=true", client.base, purged.id);
    assert!(client.client.delete(path).send().await.is_err());
    assert!(!server.wait().success());
    let purged_folder = folder.path().join("data/sessions").join(&purged.id);
    assert!(purged_folder.exists(), "the crash came too late");
    intact(folder.path(), &[kept]).await;
    assert!(!purged_folder.exists());
    let doctor = |more: &[&str]| -> Value {
        let done = Process::command(folder.path(), &[&["doctor", "--json"], more].concat()).output().unwrap();
        serde_json::from_slice(&done.stdout).unwrap()
    };
    assert_eq!(doctor(&[])["orphans"], json!([]));
    for file in std::fs::read_dir(folder.path().join("data")).unwrap().flatten() {
        if file.file_name().to_string_lossy().contains(".db") {
            std::fs::remove_file(file.path()).unwrap();
        }
    }
    assert_eq!(doctor(&["--rebuild"])["sessions"], 1);
}

//! What the machine does to a running server: a database that is taken away, a disk that can only be read, one that is
//! full.

use std::process::Command;

use super::*;
use crate::helpers::{Client, Process, settings};

fn database(folder: &Path) -> std::path::PathBuf {
    folder.join("data/hvac_analytics.db")
}

async fn status_of(client: &Client, path: &str) -> (u16, Value) {
    let (status, body) = client.get(path).await;
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

async fn rename(client: &Client, id: &str, name: &str) -> (u16, Value) {
    let request = client.client.patch(format!("{}/api/sessions/{id}", client.base)).json(&json!({"name": name}));
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// `/api/ready` answers what it found within the last seconds.
async fn ready_after_a_while(client: &Client) -> (u16, Value) {
    tokio::time::sleep(Duration::from_millis(5100)).await;
    status_of(client, "/api/ready").await
}

#[tokio::test]
async fn a_database_that_is_taken_away_under_a_server_acknowledges_nothing_more() {
    let folder = tempfile::TempDir::new().unwrap();
    let server = Process::serve(folder.path(), &[]);
    let client = Client::of(&server);
    let id = client.upload("kw.csv", meter()).await.unwrap()["session_id"].as_str().unwrap().to_owned();
    assert_eq!(status_of(&client, "/api/ready").await.0, 200);
    let (here, away) = (database(folder.path()), folder.path().join("data/away.db"));

    std::fs::rename(&here, &away).unwrap();
    let (status, problem) = rename(&client, &id, "lost").await;
    assert_eq!((status, &problem["code"]), (503, &json!("database_replaced")), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("Put that very file back"), "{problem}");
    assert!(client.upload("more.csv", meter()).await.is_err());
    let (status, problem) = ready_after_a_while(&client).await;
    assert_eq!((status, &problem["code"]), (503, &json!("database_replaced")), "{problem}");
    assert_eq!(status_of(&client, "/api/health").await.1["checks"]["database"], "failed");

    // Another file in its place is no better.
    std::fs::copy(&away, &here).unwrap();
    let (status, problem) = rename(&client, &id, "lost").await;
    assert_eq!((status, &problem["code"]), (503, &json!("database_replaced")), "{problem}");

    // The very file is.
    std::fs::rename(&away, &here).unwrap();
    assert_eq!(rename(&client, &id, "kept").await.0, 200);
    assert_eq!(ready_after_a_while(&client).await.0, 200);
    server.kill_9();
    let server = Process::serve(folder.path(), &[]);
    assert_eq!(status_of(&Client::of(&server), &format!("/api/sessions/{id}")).await.1["name"], "kept");
}

#[tokio::test]
async fn a_storage_folder_that_is_taken_away_is_said() {
    let folder = tempfile::TempDir::new().unwrap();
    let server = Process::serve(folder.path(), &[]);
    let client = Client::of(&server);
    let sessions = folder.path().join("data/sessions");
    std::fs::rename(&sessions, folder.path().join("data/away")).unwrap();
    std::fs::create_dir(&sessions).unwrap();
    let (status, problem) = status_of(&client, "/api/ready").await;
    assert_eq!((status, &problem["code"]), (503, &json!("storage_replaced")), "{problem}");
    let health = status_of(&client, "/api/health").await;
    assert_eq!((health.0, &health.1["checks"]["storage"]), (200, &json!("failed")));
}

#[test]
fn a_database_that_is_damaged_says_how_to_make_it_anew() {
    let folder = tempfile::TempDir::new().unwrap();
    Process::serve(folder.path(), &["--demo"]).terminate();
    let file = database(folder.path());
    // A log that was not merged yet would hide the damage.
    for log in ["hvac_analytics.db-wal", "hvac_analytics.db-shm"] {
        let _ = std::fs::remove_file(folder.path().join("data").join(log));
    }
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[..64].fill(0x2a);
    std::fs::write(&file, bytes).unwrap();
    let output = Process::command(folder.path(), &["sessions"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("doctor --rebuild") && said.contains("away"), "{said}");
    // As it says.
    std::fs::remove_file(&file).unwrap();
    assert!(Process::command(folder.path(), &["doctor", "--rebuild"]).output().unwrap().status.success());
    let output = Process::command(folder.path(), &["sessions"]).output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("Demo plant"));
}

/// A file system of its own; unmounted when dropped.
struct Disk(std::path::PathBuf);

impl Disk {
    fn mount(at: &Path) -> Self {
        std::fs::create_dir_all(at).unwrap();
        let disk = Self(at.to_owned());
        disk.run("mount", &["-t", "tmpfs", "-o", "size=64m", "tmpfs"]);
        disk
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let done = Command::new(program).args(arguments).arg(&self.0).status().unwrap();
        assert!(done.success(), "this test mounts a file system, so it must run as root");
    }

    fn remount(&self, how: &str) {
        self.run("mount", &["-o", &format!("remount,{how}")]);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test]
#[ignore = "needs root, to mount a file system that can only be read"]
async fn a_full_disk_is_no_matter_to_a_store_that_is_only_read() {
    let folder = tempfile::TempDir::new().unwrap();
    let disk = Disk::mount(folder.path());
    Process::serve(folder.path(), &["--demo"]).terminate();
    // Once merged into the database, once left beside it by a kill.
    for left_a_log in [false, true] {
        if left_a_log {
            let server = Process::serve(folder.path(), &[]);
            let client = Client::of(&server);
            let list = status_of(&client, "/api/sessions").await.1;
            let id = list["items"][0]["session_id"].as_str().unwrap().to_owned();
            assert_eq!(rename(&client, &id, "in the log").await.0, 200);
            server.kill_9();
        }
        disk.remount("ro");
        let server = Process::serve(folder.path(), &[]);
        let client = Client::of(&server);
        let (status, health) = status_of(&client, "/api/health").await;
        assert_eq!((status, &health["checks"]["database"]), (200, &json!("read_only")), "{health}");
        let (status, problem) = status_of(&client, "/api/ready").await;
        assert_eq!((status, &problem["code"]), (503, &json!("read_only")), "{problem}");
        let list = status_of(&client, "/api/sessions").await.1;
        let id = list["items"][0]["session_id"].as_str().unwrap().to_owned();
        assert_eq!(list["items"][0]["name"], if left_a_log { "in the log" } else { "Demo plant" });
        let preview = status_of(&client, &format!("/api/data/preview?session_id={id}&rows=3")).await;
        assert_eq!((preview.0, preview.1["preview"].as_array().unwrap().len()), (200, 3), "{}", preview.1);
        let sql = json!({"sql": "SELECT count(*) AS n FROM all_readings"});
        let asked = client.client.post(format!("{}/api/query", client.base)).json(&sql).send().await.unwrap();
        assert_eq!(asked.status(), 200, "{}", asked.text().await.unwrap());
        let (status, csv) = client.get(&format!("/api/sessions/{id}/data.csv")).await;
        assert_eq!((status, csv.iter().filter(|byte| **byte == b'\n').count()), (200, 1345));
        for (what, (status, problem)) in [
            ("rename", rename(&client, &id, "no").await),
            ("parse", {
                let request = json!({"session_id": id, "force": true});
                let sent =
                    client.client.post(format!("{}/api/parse", client.base)).json(&request).send().await.unwrap();
                (sent.status().as_u16(), sent.json().await.unwrap())
            }),
        ] {
            assert_eq!(status, 503, "{what}: {problem}");
            let code = problem["code"].as_str().unwrap();
            assert!(["read_only", "storage_unavailable"].contains(&code), "{what}: {problem}");
        }
        server.terminate();
        for arguments in [&["sessions"][..], &["preview", &id, "--rows", "2"], &["doctor"], &["query", "SELECT 1"]] {
            let output = Process::command(folder.path(), arguments).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{arguments:?}: {said}");
        }
        disk.remount("rw");
    }
}

/// The database alone on a disk that fills up: the two or three that are answered 503 are undone, and what is
/// acknowledged when there is room again is there for others and after a kill.
#[tokio::test]
#[ignore = "needs root, to mount a small file system"]
async fn a_full_disk_under_the_database_poisons_nothing() {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::create_dir_all(folder.path().join("data")).unwrap();
    let disk = Disk::mount(&folder.path().join("db"));
    let url = format!("sqlite://{}/small.db", disk.0.display());
    let serve = || Process::serve(folder.path(), &["--database-url", &url]);
    let server = serve();
    let client = Client::of(&server);
    let id = client.upload("kw.csv", meter()).await.unwrap()["session_id"].as_str().unwrap().to_owned();
    let filler = disk.0.join("filler");
    for round in 0..3 {
        let mut file = std::fs::File::create(&filler).unwrap();
        while std::io::Write::write_all(&mut file, &[0_u8; 4096]).is_ok() {}
        drop(file);
        let mut refused = 0;
        for attempt in 0..40 {
            let long = json!({"metadata": {"text": format!("{attempt}").repeat(20_000)}});
            let path = format!("{}/api/sessions/{id}", client.base);
            let answer = client.client.patch(path).json(&long).send().await.unwrap();
            let status = answer.status().as_u16();
            if status != 200 {
                let problem: Value = answer.json().await.unwrap();
                assert_eq!((status, &problem["code"]), (503, &json!("disk_full")), "{problem}");
                refused += 1;
            }
            if refused == 3 {
                break;
            }
        }
        assert_eq!(refused, 3, "the disk was never full");
        std::fs::remove_file(&filler).unwrap();
        let name = format!("round {round}");
        assert_eq!(rename(&client, &id, &name).await.0, 200);
        let more = client.upload("more.csv", meter()).await.unwrap()["session_id"].as_str().unwrap().to_owned();
        let seen =
            Process::command(folder.path(), &["--database-url", &url, "sessions", "show", &id]).output().unwrap();
        let seen = String::from_utf8(seen.stdout).unwrap();
        assert!(seen.contains(&name), "another process sees it: {seen}");
        client.post("/api/parse", &json!({"session_id": more})).await.unwrap();
    }
    assert_eq!(ready_after_a_while(&client).await.0, 200);
    server.kill_9();
    let server = serve();
    let client = Client::of(&server);
    let list = status_of(&client, "/api/sessions").await.1;
    assert_eq!(list["total"], 4);
    assert_eq!(status_of(&client, &format!("/api/sessions/{id}")).await.1["name"], "round 2");
    assert!(settings(folder.path()).contains_key("DATABASE_URL"));
}

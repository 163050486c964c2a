//! Killed at every step of a training, and again when it goes on: it makes one version, of the number that was promised.

use super::*;
use crate::helpers::Process;

async fn get(server: &Process, path: &str) -> bytes::Bytes {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().unwrap();
    let response = client.get(server.url(path)).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200, "{path}");
    response.bytes().await.unwrap()
}

async fn look(server: &Process, path: &str) -> Value {
    serde_json::from_slice(&get(server, path).await).unwrap()
}

async fn train(server: &Process, body: &Value) -> reqwest::Result<Value> {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().unwrap();
    client.post(server.url("/api/models/train")).json(body).send().await?.error_for_status()?.json().await
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder.join("models/default")).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn killed_at_every_step_a_training_makes_one_version() {
    for point in [
        "train.enqueued",
        "stage.opened",
        "stage.written",
        "stage.synced",
        "publish.renamed",
        "train.published",
        "train.before_commit",
        "train.committed",
    ] {
        let folder = tempfile::TempDir::new().unwrap();
        std::fs::write(folder.path().join("plant.csv"), plant(200)).unwrap();
        let parsed = json_of(folder.path(), &["parse", "plant.csv", "--timezone", "UTC"]);
        let body = with(request(text(&parsed, "session_id")), &json!({"wait": true}));
        let server = Process::serve(folder.path(), &["--crash-at", point]);
        assert!(train(&server, &body).await.is_err(), "{point} was not reached");
        assert!(!server.wait().success(), "{point}");
        if point != "train.committed" {
            let again = Process::serve(folder.path(), &["--crash-at", "train.before_commit"]);
            assert!(!again.wait().success(), "{point}, begun again");
        }

        let server = Process::serve(folder.path(), &[]);
        let jobs = look(&server, "/api/jobs?kind=train").await;
        let job_id = text(&jobs["items"][0], "job_id").to_owned();
        let events = get(&server, &format!("/api/jobs/{job_id}/events")).await;
        assert!(String::from_utf8_lossy(&events).contains("completed"), "{point}");
        let model = look(&server, "/api/models/by-name/plant").await;
        assert_eq!((&model["id"], &model["status"]), (&json!(job_id), &json!("completed")), "{point}");
        assert_eq!(model["versions"].as_array().unwrap().len(), 1, "{point}");
        assert_eq!(model["version"], "v1", "{point}: the number that is answered when a training is asked for");
        let stored = get(&server, &format!("/api/models/{job_id}/file")).await;
        assert_eq!(hex(&Sha256::digest(&stored)), text(&model, "sha256"), "{point}");
        let again = train(&server, &body).await.unwrap();
        assert_eq!((&again["reused"], &again["model_id"]), (&json!(true), &json!(job_id)), "{point}");
        assert!(server.terminate().success());

        let report = json_of(folder.path(), &["doctor"]);
        assert_eq!((&report["damaged"], &report["outdated_snapshots"]), (&json!([]), &json!([])), "{point}: {report}");
        assert_eq!((&report["orphans"], &report["trash"]["files"]), (&json!([]), &json!(0)), "{point}");
        assert_eq!(files(folder.path()), ["plant-v1.json"], "{point}");
    }
}

/// What was purged and could not be removed is removed at the next start, and no rebuild brings it back.
#[tokio::test]
async fn a_purged_model_whose_file_could_not_be_removed_does_not_come_back() {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("plant.csv"), plant(200)).unwrap();
    let parsed = json_of(folder.path(), &["parse", "plant.csv", "--timezone", "UTC"]);
    let server = Process::serve(folder.path(), &[]);
    train(&server, &with(request(text(&parsed, "session_id")), &json!({"wait": true}))).await.unwrap();
    let file = folder.path().join("models/default/plant-v1.json");
    let bytes = std::fs::read(&file).unwrap();
    // A folder in its place cannot be removed as a file is.
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.delete(server.url("/api/models/plant:v1")).send().await.unwrap();
    assert_eq!(answer.status(), 503);
    let problem: Value = answer.json().await.unwrap();
    assert!(text(&problem, "detail").starts_with("It is purged, but its files"), "{problem}");
    assert_eq!(look(&server, "/api/models").await["models"], json!([]));
    assert!(server.terminate().success());

    let rebuilt = json_of(folder.path(), &["doctor", "--rebuild"]);
    assert!(rebuilt["notes"].to_string().contains("plant-v1.json is purged and cannot be removed yet"), "{rebuilt}");
    std::fs::remove_dir(&file).unwrap();
    std::fs::write(&file, bytes).unwrap();
    assert_eq!(json_of(folder.path(), &["doctor", "--rebuild"])["models"], 0);
    assert!(!file.exists());
}

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

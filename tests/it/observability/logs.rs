//! Lines of the log as a collector reads them.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::REPORT;
use crate::helpers::{Client, Process};

fn lines(log: &str) -> Vec<Value> {
    log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn access(log: &str, endpoint: &str) -> Option<Value> {
    lines(log).into_iter().find(|line| line["target"] == "access" && line["endpoint"] == endpoint)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_is_json_that_says_where_it_is_from_and_a_request_says_what_it_was() {
    let folder = TempDir::new().unwrap();
    let mut command = Process::command(folder.path(), &["serve"]);
    command.env("LOG_FORMAT", "json").env("INSTANCE", "plant-7");
    let server = Process::serve_by(folder.path(), command);
    let client = Client::of(&server);
    let session = client.upload("a.csv", REPORT.to_vec()).await.unwrap()["session_id"].as_str().unwrap().to_owned();
    client.post("/api/parse", &json!({"session_id": session})).await.unwrap();
    client.get(&format!("/api/data/preview?rows=2&session_id={session}")).await;
    client.get(&format!("/api/sessions/{session}/lineage")).await;
    client.get("/api/sessions?session_id=%3Cscript%3E").await;
    client.get("/api/no/such/thing").await;
    let log = server.stderr_after(|log| access(log, "-").is_some());
    for line in lines(&log) {
        let text = |name: &str| line[name].as_str().unwrap_or_else(|| panic!("{name} of {line}")).to_owned();
        chrono::DateTime::parse_from_rfc3339(&text("timestamp")).unwrap();
        assert!(["INFO", "WARN", "ERROR"].contains(&text("level").as_str()), "{line}");
        assert_eq!((text("service"), text("instance")), ("hvac-analytics".to_owned(), "plant-7".to_owned()));
    }
    // Named in the path, in the query, in the body.
    for (endpoint, method) in
        [("/api/sessions/{id}/lineage", "GET"), ("/api/data/preview", "GET"), ("/api/parse", "POST")]
    {
        let line = access(&log, endpoint).unwrap_or_else(|| panic!("{endpoint}: {log}"));
        assert_eq!(
            (&line["method"], &line["status"], &line["session_id"]),
            (&json!(method), &json!(200), &json!(session))
        );
        assert!(line["duration_ms"].as_f64().is_some_and(|ms| ms > 0.0 && ms < 60_000.0), "{line}");
        assert!(line["bytes"].as_u64().is_some_and(|bytes| bytes > 0), "{line}");
        assert_eq!(line["request_id"].as_str().unwrap().len(), 36, "{line}");
    }
    // What was done for a request on a task of its own is still the request's.
    let others = |endpoint: &str| {
        let of_it = |line: &Value| line["endpoint"] == endpoint && line["target"] != "access";
        lines(&log).into_iter().filter(of_it).collect::<Vec<_>>()
    };
    assert!(others("/api/parse").iter().all(|line| line["request_id"].is_string()));
    let refused = access(&log, "/api/sessions").unwrap();
    assert!(refused["status"] == 422 && refused.get("session_id").is_none(), "{refused}");
    assert!(!log.contains("no/such/thing"), "{log}");
}

/// A 500 or a warning is found by its request's id, whatever else is left out.
#[tokio::test(flavor = "multi_thread")]
async fn a_warning_has_its_request_also_where_only_warnings_are_wanted() {
    let folder = TempDir::new().unwrap();
    let mut command = Process::command(folder.path(), &["serve"]);
    command.env("LOG_FORMAT", "json").env("RUST_LOG", "warn");
    let server = Process::serve_by(folder.path(), command);
    let client = Client::of(&server);
    std::fs::rename(folder.path().join("data/hvac_analytics.db"), folder.path().join("elsewhere.db")).unwrap();
    client.get("/api/health").await;
    let log = server.stderr_after(|log| log.contains("a check failed"));
    let line = lines(&log).into_iter().find(|line| line["message"] == "a check failed").unwrap();
    assert_eq!((&line["endpoint"], &line["method"]), (&json!("/api/health"), &json!("GET")));
    assert_eq!(line["request_id"].as_str().unwrap().len(), 36, "{line}");
}

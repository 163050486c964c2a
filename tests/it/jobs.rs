//! The queue of durable work: done once, tried again, cancelled, followed, and not lost with its process.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hvac_analytics::config::Config;
use hvac_analytics::jobs::probe::{Ending, Probe};
use hvac_analytics::jobs::{self, JobKind, JobStatus, NewJob};
use hvac_analytics::state::AppState;
use hvac_analytics::{app, worker};
use hvac_store::new_id;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::helpers::{Process, TestApp, settings};

mod cancelling;
mod events;
mod parsing;
mod processes;

const METER: &[u8] = b"time,kw\n2020-01-01 00:00,1\n2020-01-01 01:00,2\n2020-01-01 02:00,4\n";

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(40);

async fn enqueue(state: &AppState, probe: &Probe) -> String {
    let id = new_id();
    let txn = state.store.db.begin().await.unwrap();
    let payload = serde_json::to_value(probe).unwrap();
    jobs::enqueue(&txn, NewJob { id: id.clone(), kind: JobKind::Probe, payload, session_id: None, account_id: None })
        .await
        .unwrap();
    txn.commit().await.unwrap();
    state.jobs.wake();
    id
}

fn probe(steps: u32, step_ms: u64) -> Probe {
    Probe { steps, step_ms, ..Probe::default() }
}

fn ending(ending: Ending) -> Probe {
    Probe { ending, ..Probe::default() }
}

/// The stores of that folder without a server: what a command has.
async fn stores(folder: &Path) -> AppState {
    let values = settings(folder);
    let config = Config::from_values(|variable| values.get(variable).cloned()).unwrap();
    std::fs::create_dir_all(&config.data_dir).unwrap();
    app::build(config).await.unwrap()
}

async fn sql(state: &AppState, statement: &str) {
    let txn = state.store.db.begin().await.unwrap();
    txn.execute_unprepared(statement).await.unwrap();
    txn.commit().await.unwrap();
}

/// Lines of a file, as far as it is there.
fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < end, "never came: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The job, once it is in that status.
async fn job_is(state: &AppState, id: &str, status: JobStatus) -> jobs::Job {
    until(status.as_str(), async || state.jobs.get(id).await.ok().filter(|job| job.status == status)).await
}

async fn get(server: &Process, path: &str) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.get(server.url(path)).send().await.unwrap().json().await.unwrap()
}

/// The job of another process, once it has ended.
async fn ended(server: &Process, id: &str) -> Value {
    until("its end", async || {
        let job = get(server, &format!("/api/jobs/{id}")).await;
        matches!(job["status"].as_str(), Some("completed" | "failed" | "cancelled")).then_some(job)
    })
    .await
}

#[derive(Debug, Clone, PartialEq)]
struct Sent {
    id: Option<i64>,
    event: String,
    data: Value,
}

/// The events of a stream, read to its end.
fn sent(text: &str) -> Vec<Sent> {
    let of = |block: &str| {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        Some(Sent {
            id: field("id:").map(|id| id.parse().unwrap()),
            event: field("event:")?.to_owned(),
            data: serde_json::from_str(field("data:")?).unwrap(),
        })
    };
    text.split("\n\n").filter_map(of).collect()
}

async fn events(app: &TestApp, id: &str) -> Vec<Sent> {
    let answer = app.get(&format!("/api/jobs/{id}/events")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/event-stream"));
    assert_eq!(answer.header("content-encoding"), "");
    sent(&answer.text())
}

fn statuses(events: &[Sent]) -> Vec<&str> {
    events.iter().filter(|e| e.event == "status").map(|e| e.data["status"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_job_is_done_and_listed() {
    let app = TestApp::start().await;
    let id = enqueue(&app.state, &probe(2, 10)).await;
    let done = app.state.jobs.wait(&id).await.unwrap();
    done.outcome().unwrap();
    let job = app.get(&format!("/api/jobs/{id}")).await.expect(200);
    assert_eq!((&job["job_id"], &job["kind"], &job["status"]), (&json!(id), &json!("probe"), &json!("completed")));
    assert_eq!((&job["progress"], &job["message"], &job["attempts"]), (&json!(1.0), &json!("step 2 of 2"), &json!(1)));
    assert_eq!(
        (&job["error"], &job["error_code"], &job["cancel_requested"]),
        (&Value::Null, &Value::Null, &json!(false))
    );
    let times = ["created_at", "started_at", "finished_at"].map(|name| job[name].as_str().unwrap().to_owned());
    assert!(times.is_sorted(), "{times:?}");

    let other = enqueue(&app.state, &ending(Ending::Invalid)).await;
    app.state.jobs.wait(&other).await.unwrap();
    let list = app.get("/api/jobs?page_size=1").await.expect(200);
    assert_eq!((&list["total"], &list["total_pages"], &list["page_size"]), (&json!(2), &json!(2), &json!(1)));
    assert_eq!(list["items"][0]["job_id"], other, "newest first");
    assert_eq!(app.get("/api/jobs?page_size=1&page=2").await.expect(200)["items"][0]["job_id"], id);
    let failed = app.get("/api/jobs?status=failed&kind=probe").await.expect(200);
    assert_eq!((&failed["total"], &failed["items"][0]["job_id"]), (&json!(1), &json!(other)));
    assert_eq!(app.get("/api/jobs?kind=parse").await.expect(200)["total"], 0);
}

/// Another version of the program has written why.
#[tokio::test]
async fn a_job_that_failed_with_a_code_of_another_version_is_no_defect() {
    let app = TestApp::start().await;
    let id = enqueue(&app.state, &ending(Ending::Invalid)).await;
    app.state.jobs.wait(&id).await.unwrap();
    let failure = r#"{"kind": "invalid", "code": "code_of_2031", "message": "the plant is on fire"}"#;
    sql(&app.state, &format!("UPDATE jobs SET failure = '{failure}' WHERE id = '{id}'")).await;
    assert_eq!(app.get(&format!("/api/jobs/{id}")).await.expect(200)["error_code"], "code_of_2031");
    let error = app.state.jobs.wait(&id).await.unwrap().outcome().unwrap_err();
    let problem = app::problem(&error);
    assert_eq!((&problem["status"], &problem["code"]), (&json!(409), &json!("job_failed")));
    assert_eq!(problem["detail"], "the plant is on fire (code_of_2031)");
}

#[tokio::test]
async fn a_request_that_cannot_be_is_told_why() {
    let app = TestApp::start().await;
    for path in ["/api/jobs/nobody", "/api/jobs/nobody/events"] {
        app.get(path).await.expect_problem(404, "unknown_job");
    }
    app.post("/api/jobs/nobody/cancel", &json!({})).await.expect_problem(404, "unknown_job");
    app.get("/api/jobs?kind=bake").await.expect_problem(422, "unknown_job_kind");
    app.get("/api/jobs?status=asleep").await.expect_problem(422, "invalid_field");
    app.get("/api/jobs?page=0").await.expect_problem(422, "out_of_range");
    app.get("/api/jobs?page_size=101").await.expect_problem(422, "out_of_range");
}

#[tokio::test]
async fn a_job_exists_with_its_transaction_or_not_at_all() {
    let app = TestApp::start().await;
    let txn = app.state.store.db.begin().await.unwrap();
    let new = NewJob { id: new_id(), kind: JobKind::Probe, payload: json!({}), session_id: None, account_id: None };
    jobs::enqueue(&txn, new).await.unwrap();
    drop(txn);
    app.state.jobs.wake();
    assert_eq!(app.get("/api/jobs").await.expect(200)["total"], 0);
}

#[tokio::test]
async fn a_long_job_keeps_no_short_one_waiting() {
    let app = TestApp::start().await;
    let long = enqueue(&app.state, &probe(100, 100)).await;
    let short = enqueue(&app.state, &probe(1, 1)).await;
    app.state.jobs.wait(&short).await.unwrap();
    assert_eq!(app.state.jobs.get(&long).await.unwrap().status, JobStatus::Running);
    app.state.jobs.cancel(app.state.principal(), &long).await.unwrap();
}

#[tokio::test]
async fn a_command_does_its_own_job_with_and_without_a_server_beside() {
    let folder = TempDir::new().unwrap();
    let state = stores(folder.path()).await;
    let id = enqueue(&state, &probe(4, 150)).await;
    let mut seen = Vec::new();
    let job = worker::run_here(&state, &id, |job| seen.push(job.progress)).await.unwrap();
    assert_eq!((job.status, job.attempts), (JobStatus::Completed, 1));
    assert!(seen.iter().any(|progress| *progress > 0.0 && *progress < 1.0), "{seen:?}");

    let server = Process::serve(folder.path(), &[]);
    for _ in 0..5 {
        let marks = folder.path().join(new_id());
        let id = enqueue(&state, &Probe { marks: Some(marks.clone()), ..probe(1, 50) }).await;
        let job = worker::run_here(&state, &id, |_| ()).await.unwrap();
        assert_eq!((job.status, job.attempts, lines(&marks).len()), (JobStatus::Completed, 1, 2));
    }
    assert!(server.terminate().success());
}

#[tokio::test]
async fn what_may_pass_is_tried_again_after_longer_and_longer_pauses() {
    let app = TestApp::start().await;
    let began = Instant::now();
    let unavailable = enqueue(&app.state, &ending(Ending::Unavailable)).await;
    let panic = enqueue(&app.state, &ending(Ending::Panic)).await;
    let pause = until("the first pause", async || {
        let job = app.state.jobs.get(&unavailable).await.unwrap();
        (job.status == JobStatus::Queued && job.attempts == 1).then_some(job)
    });
    assert_eq!(pause.await.message.unwrap(), "tried again in 1 s: the probe was told to be unavailable");
    for id in [&unavailable, &panic] {
        let job = app.state.jobs.wait(id).await.unwrap();
        assert_eq!((job.status, job.attempts), (JobStatus::Failed, 3));
        let told = events(&app, id).await;
        assert_eq!(statuses(&told), ["queued", "running", "queued", "running", "queued", "running", "failed"]);
    }
    // 1 s and 4 s.
    assert!(began.elapsed() >= Duration::from_secs(5), "{:?}", began.elapsed());
    let job = app.get(&format!("/api/jobs/{unavailable}")).await.expect(200);
    assert_eq!(
        (&job["error"], &job["error_code"]),
        (&json!("the probe was told to be unavailable"), &json!("probe_unavailable"))
    );
    let job = app.get(&format!("/api/jobs/{panic}")).await.expect(200);
    assert_eq!(job["error_code"], "internal");
    assert!(!job.to_string().contains("told to panic") && job["error"].as_str().unwrap().contains(&panic), "{job}");
}

#[tokio::test]
async fn what_is_wrong_fails_at_once_and_is_answered_as_it_was() {
    let app = TestApp::start().await;
    let id = enqueue(&app.state, &ending(Ending::Invalid)).await;
    let job = app.state.jobs.wait(&id).await.unwrap();
    assert_eq!((job.status, job.attempts), (JobStatus::Failed, 1));
    let error = job.outcome().unwrap_err();
    assert_eq!((error.code.name, error.message.as_str()), ("probe_invalid", "the probe was told to be invalid"));
    assert_eq!(error.details[0].field.as_deref(), Some("ending"));
    let job = app.get(&format!("/api/jobs/{id}")).await.expect(200);
    assert_eq!((&job["error_code"], &job["errors"][0]["field"]), (&json!("probe_invalid"), &json!("ending")));
}

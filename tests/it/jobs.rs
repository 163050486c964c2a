//! The queue of durable work: done once, tried again, cancelled, followed, and not lost with its process.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hvac_analytics::config::Config;
use hvac_analytics::jobs::probe::{Ending, Probe};
use hvac_analytics::jobs::{self, JobKind, JobStatus, NewJob};
use hvac_analytics::state::AppState;
use hvac_analytics::store::new_id;
use hvac_analytics::{app, worker};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::helpers::{Process, TestApp, settings};

const METER: &[u8] = b"time,kw\n2020-01-01 00:00,1\n2020-01-01 01:00,2\n2020-01-01 02:00,4\n";

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(40);

async fn enqueue(state: &AppState, probe: &Probe) -> String {
    let id = new_id();
    let txn = state.store.db.begin().await.unwrap();
    let payload = serde_json::to_value(probe).unwrap();
    jobs::enqueue(&txn, NewJob { id: id.clone(), kind: JobKind::Probe, payload }).await.unwrap();
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

// ---- doing

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
    let new = NewJob { id: new_id(), kind: JobKind::Probe, payload: json!({}) };
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
    app.state.jobs.cancel(&long).await.unwrap();
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

// ---- events

#[tokio::test]
async fn progress_is_told_now_and_then_and_the_last_of_it_always() {
    let app = TestApp::start().await;
    let id = enqueue(&app.state, &probe(200, 5)).await;
    // Read while it runs.
    let events = events(&app, &id).await;
    assert_eq!(statuses(&events), ["queued", "running", "completed"]);
    assert!(events.windows(2).all(|pair| pair[0].id < pair[1].id), "{events:?}");
    let told: Vec<f64> =
        events.iter().filter(|e| e.event == "progress").map(|e| e.data["progress"].as_f64().unwrap()).collect();
    assert!(told.is_sorted() && told.iter().all(|p| (0.0..=1.0).contains(p)), "{told:?}");
    // 200 steps in a second or more: at most five a second are written, and the last one.
    let job = app.state.jobs.get(&id).await.unwrap();
    let seconds = (job.finished_at.unwrap() - job.started_at.unwrap()).as_seconds_f64();
    assert!(told.len() >= 2 && (told.len() as f64) <= seconds * 5.0 + 2.0, "{} in {seconds} s", told.len());
    assert_eq!(told.last(), Some(&1.0));
    let last = events.last().unwrap();
    assert_eq!((&last.data["message"], &last.data["job_id"]), (&json!("step 200 of 200"), &json!(id)));
}

#[tokio::test]
async fn a_client_that_comes_again_gets_what_it_missed() {
    let app = TestApp::start().await;
    let id = enqueue(&app.state, &probe(4, 250)).await;
    let all = events(&app, &id).await;
    assert!(all.len() >= 5, "{all:?}");
    let path = format!("/api/jobs/{id}/events");
    for (seen, event) in all.iter().enumerate() {
        let after = event.id.unwrap().to_string();
        let answer = app.get_with(&path, &[("last-event-id", &after)]).await;
        // 204 tells an EventSource to stop asking.
        assert_eq!(answer.status, if seen + 1 == all.len() { 204 } else { 200 });
        assert_eq!(sent(&answer.text()), all[seen + 1..]);
    }
    assert_eq!(events(&app, &id).await, all);
    assert_eq!(sent(&app.get_with(&path, &[("last-event-id", "first")]).await.text()), all);
}

#[tokio::test]
async fn a_job_whose_events_are_forgotten_still_tells_its_end() {
    let app = TestApp::start().await;
    let id = enqueue(&app.state, &ending(Ending::Invalid)).await;
    app.state.jobs.wait(&id).await.unwrap();
    sql(
        &app.state,
        &format!("UPDATE job_events SET id = id + {} WHERE id = (SELECT max(id) FROM job_events)", jobs::EVENTS_KEPT),
    )
    .await;
    let kept = enqueue(&app.state, &probe(1, 1)).await;
    app.state.jobs.wait(&kept).await.unwrap();
    // Queued and running were more than the bound before the newest; failed was not.
    assert_eq!(statuses(&events(&app, &id).await), ["failed"]);
    assert_eq!(statuses(&events(&app, &kept).await), ["queued", "running", "completed"]);
    sql(&app.state, &format!("DELETE FROM job_events WHERE job_id = '{id}'")).await;
    let told = events(&app, &id).await;
    assert_eq!((told.len(), told[0].id, &told[0].data["status"]), (1, None, &json!("failed")));
    assert_eq!(told[0].data["error_code"], "probe_invalid");
}

#[tokio::test]
async fn events_of_another_process_come_too() {
    let app = TestApp::start().await;
    let busy = [enqueue(&app.state, &probe(1000, 20)).await, enqueue(&app.state, &probe(1000, 20)).await];
    for id in &busy {
        job_is(&app.state, id, JobStatus::Running).await;
    }
    let server = Process::serve(app.folder.path(), &[]);
    let marks = app.folder.path().join("marks");
    let id = enqueue(&app.state, &Probe { marks: Some(marks.clone()), ..probe(4, 400) }).await;
    let told = events(&app, &id).await;
    assert_eq!(lines(&marks)[0], format!("begin {}", server.id()));
    assert_eq!(statuses(&told), ["queued", "running", "completed"]);
    assert_eq!(told.iter().filter(|event| event.event == "progress").count(), 4);
    for id in &busy {
        app.state.jobs.cancel(id).await.unwrap();
    }
}

// ---- cancelling

#[tokio::test]
async fn a_queued_job_is_cancelled_at_once_and_never_begun() {
    let app = TestApp::start().await;
    let busy = [enqueue(&app.state, &probe(100, 50)).await, enqueue(&app.state, &probe(100, 50)).await];
    for id in &busy {
        job_is(&app.state, id, JobStatus::Running).await;
    }
    let id = enqueue(&app.state, &probe(1, 1)).await;
    let cancel = format!("/api/jobs/{id}/cancel");
    for _ in 0..2 {
        let job = app.post(&cancel, &json!({})).await.expect(200);
        assert_eq!(
            (&job["status"], &job["attempts"], &job["started_at"]),
            (&json!("cancelled"), &json!(0), &Value::Null)
        );
    }
    assert_eq!(statuses(&events(&app, &id).await), ["queued", "cancelled"]);
    assert_eq!(app.state.jobs.wait(&id).await.unwrap().outcome().unwrap_err().code, "job_cancelled");
    for id in &busy {
        app.state.jobs.cancel(id).await.unwrap();
    }
}

#[tokio::test]
async fn a_running_job_stops_at_its_next_step() {
    let app = TestApp::start().await;
    let marks = app.folder.path().join("marks");
    let id = enqueue(&app.state, &Probe { marks: Some(marks.clone()), ..probe(1000, 50) }).await;
    job_is(&app.state, &id, JobStatus::Running).await;
    let asked = Instant::now();
    let job = app.post(&format!("/api/jobs/{id}/cancel"), &json!({})).await.expect(200);
    assert_eq!((&job["status"], &job["cancel_requested"]), (&json!("running"), &json!(true)));
    assert_eq!(app.state.jobs.wait(&id).await.unwrap().status, JobStatus::Cancelled);
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    assert_eq!(lines(&marks).len(), 2);
    let job = app.get(&format!("/api/jobs/{id}")).await.expect(200);
    assert!(job["progress"].as_f64().unwrap() < 1.0 && job["error"].is_null(), "{job}");
}

#[tokio::test]
async fn a_job_of_another_process_can_be_cancelled() {
    let folder = TempDir::new().unwrap();
    let server = Process::serve(folder.path(), &[]);
    let state = stores(folder.path()).await;
    let id = enqueue(&state, &probe(1000, 50)).await;
    job_is(&state, &id, JobStatus::Running).await;
    state.jobs.cancel(&id).await.unwrap();
    assert_eq!(state.jobs.wait(&id).await.unwrap().status, JobStatus::Cancelled);
    assert!(server.terminate().success());
}

#[tokio::test]
async fn what_is_done_cannot_be_cancelled() {
    let app = TestApp::start().await;
    for probe in [probe(1, 1), ending(Ending::Invalid)] {
        let id = enqueue(&app.state, &probe).await;
        app.state.jobs.wait(&id).await.unwrap();
        app.post(&format!("/api/jobs/{id}/cancel"), &json!({})).await.expect_problem(409, "job_ended");
    }
    // Too late to stop: the work was done, and counts.
    let id = enqueue(&app.state, &Probe { deaf: true, ..probe(1, 500) }).await;
    job_is(&app.state, &id, JobStatus::Running).await;
    app.state.jobs.cancel(&id).await.unwrap();
    assert_eq!(app.state.jobs.wait(&id).await.unwrap().status, JobStatus::Completed);
    // Unless it asks before it commits.
    let marks = app.folder.path().join("marks");
    let asks = Probe { deaf: true, confirms: true, marks: Some(marks.clone()), ..probe(1, 500) };
    let id = enqueue(&app.state, &asks).await;
    job_is(&app.state, &id, JobStatus::Running).await;
    app.state.jobs.cancel(&id).await.unwrap();
    assert_eq!(app.state.jobs.wait(&id).await.unwrap().status, JobStatus::Cancelled);
    assert_eq!(lines(&marks).len(), 2, "it was not confirmed");
}

// ---- failing

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
    assert_eq!((error.code, error.message.as_str()), ("probe_invalid", "the probe was told to be invalid"));
    assert_eq!(error.details[0].field.as_deref(), Some("ending"));
    let job = app.get(&format!("/api/jobs/{id}")).await.expect(200);
    assert_eq!((&job["error_code"], &job["errors"][0]["field"]), (&json!("probe_invalid"), &json!("ending")));
}

// ---- processes that end

#[tokio::test]
async fn a_job_of_a_killed_process_is_begun_again_once_and_completed_once() {
    let folder = TempDir::new().unwrap();
    let marks = folder.path().join("marks");
    let server = Process::serve(folder.path(), &[]);
    let first = server.id();
    let state = stores(folder.path()).await;
    let id = enqueue(&state, &Probe { marks: Some(marks.clone()), ..probe(20, 100) }).await;
    until("its beginning", async || (!lines(&marks).is_empty()).then_some(())).await;
    app::close(state).await.unwrap();
    server.kill_9();

    let server = Process::serve(folder.path(), &[]);
    let second = server.id();
    let began = Instant::now();
    let job = ended(&server, &id).await;
    assert!(began.elapsed() < Duration::from_secs(15), "it waited for the lease to lapse");
    assert_eq!((&job["status"], &job["attempts"]), (&json!("completed"), &json!(2)));
    assert_eq!(lines(&marks), [format!("begin {first}"), format!("begin {second}"), format!("end {second}")]);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(lines(&marks).len(), 3);
    let text = reqwest::get(server.url(&format!("/api/jobs/{id}/events"))).await.unwrap().text().await.unwrap();
    assert_eq!(statuses(&sent(&text)), ["queued", "running", "queued", "running", "completed"]);
}

#[tokio::test]
async fn a_job_of_a_process_killed_beside_another_goes_on_when_its_lease_lapses() {
    let folder = Arc::new(TempDir::new().unwrap());
    let marks = folder.path().join("marks");
    let server = Process::serve(folder.path(), &[]);
    let state = stores(folder.path()).await;
    let id = enqueue(&state, &Probe { marks: Some(marks.clone()), ..probe(20, 50) }).await;
    until("its beginning", async || (!lines(&marks).is_empty()).then_some(())).await;
    server.kill_9();
    let app = TestApp::start_in(folder.clone(), Vec::new()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(app.state.jobs.get(&id).await.unwrap().attempts, 1, "nobody may take it while its lease holds");
    sql(&state, "UPDATE jobs SET lease_until = '2020-01-01T00:00:00+00:00'").await;
    let job = app.state.jobs.wait(&id).await.unwrap();
    assert_eq!((job.status, job.attempts, lines(&marks).len()), (JobStatus::Completed, 2, 3));
}

#[tokio::test]
async fn a_job_that_kills_its_process_each_time_is_given_up() {
    let folder = TempDir::new().unwrap();
    let state = stores(folder.path()).await;
    let poison = Probe { ending: Ending::Abort, ..probe(1, 400) };
    let id = enqueue(&state, &poison).await;
    app::close(state).await.unwrap();
    for attempt in 1..=3 {
        let server = Process::serve(folder.path(), &[]);
        assert!(!server.wait().success(), "attempt {attempt}");
    }
    let server = Process::serve(folder.path(), &[]);
    let job = ended(&server, &id).await;
    assert_eq!((&job["status"], &job["attempts"]), (&json!("failed"), &json!(3)));
    assert_eq!(job["error_code"], "job_poisoned");
    assert!(job["error"].as_str().unwrap().contains("each of the 3 times"), "{job}");
    assert!(server.terminate().success());
}

#[tokio::test]
async fn two_processes_never_do_one_job_at_once() {
    let folder = TempDir::new().unwrap();
    let servers = [Process::serve(folder.path(), &[]), Process::serve(folder.path(), &[])];
    let state = stores(folder.path()).await;
    let marks: Vec<PathBuf> = (0..16).map(|job| folder.path().join(format!("marks-{job}"))).collect();
    let txn = state.store.db.begin().await.unwrap();
    let mut ids = Vec::new();
    for marks in &marks {
        let payload = serde_json::to_value(Probe { marks: Some(marks.clone()), ..probe(3, 100) }).unwrap();
        let id = new_id();
        jobs::enqueue(&txn, NewJob { id: id.clone(), kind: JobKind::Probe, payload }).await.unwrap();
        ids.push(id);
    }
    txn.commit().await.unwrap();
    let mut workers = BTreeSet::new();
    for (id, marks) in ids.iter().zip(&marks) {
        let job = state.jobs.wait(id).await.unwrap();
        assert_eq!((job.status, job.attempts), (JobStatus::Completed, 1));
        let lines = lines(marks);
        let worker = lines[0].strip_prefix("begin ").unwrap().to_owned();
        assert_eq!(lines, [format!("begin {worker}"), format!("end {worker}")]);
        workers.insert(worker);
    }
    assert_eq!(workers, servers.iter().map(|server| server.id().to_string()).collect());
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_changes_nothing_any_more() {
    let app = TestApp::start().await;
    let marks = app.folder.path().join("marks");
    let deaf = Probe { deaf: true, confirms: true, marks: Some(marks.clone()), ..probe(1, 700) };
    let id = enqueue(&app.state, &deaf).await;
    job_is(&app.state, &id, JobStatus::Running).await;
    sql(&app.state, "UPDATE jobs SET owner = 'another', lease_until = '2999-01-01T00:00:00+00:00'").await;
    until("its end", async || (lines(&marks).len() == 2).then_some(())).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let job = app.state.jobs.get(&id).await.unwrap();
    assert_eq!((job.status, job.progress, job.finished_at), (JobStatus::Running, 0.0, None));
    sql(&app.state, "UPDATE jobs SET lease_until = '2020-01-01T00:00:00+00:00'").await;
    assert_eq!(app.state.jobs.wait(&id).await.unwrap().attempts, 2);
    let words: Vec<String> = lines(&marks).iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(words, ["begin", "end", "begin", "end", "confirmed"]);
}

#[tokio::test]
async fn a_server_that_stops_lets_a_job_end_or_hands_it_back() {
    let app = TestApp::start().await;
    let short = enqueue(&app.state, &probe(1, 800)).await;
    let long = enqueue(&app.state, &probe(150, 100)).await;
    for id in [&short, &long] {
        job_is(&app.state, id, JobStatus::Running).await;
    }
    let waiting = enqueue(&app.state, &probe(1, 1)).await;
    let wait = {
        let (jobs, id) = (app.state.jobs.clone(), waiting.clone());
        tokio::spawn(async move { jobs.wait(&id).await })
    };
    let stream = app.client.get(app.url(&format!("/api/jobs/{waiting}/events"))).send().await.unwrap();
    let folder = app.stop().await;
    assert_eq!(statuses(&sent(&stream.text().await.unwrap())), ["queued"]);
    assert_eq!(wait.await.unwrap().unwrap_err().code, "stopping");
    let state = stores(folder.path()).await;
    let job = state.jobs.get(&short).await.unwrap();
    assert_eq!((job.status, job.attempts), (JobStatus::Completed, 1));
    for (id, attempts) in [(&long, 0), (&waiting, 0)] {
        let job = state.jobs.get(id).await.unwrap();
        assert_eq!((job.status, job.attempts), (JobStatus::Queued, attempts), "{job:?}");
    }
    app::close(state).await.unwrap();
    let app = TestApp::start_in(folder, Vec::new()).await.unwrap();
    assert_eq!(app.state.jobs.wait(&waiting).await.unwrap().status, JobStatus::Completed);
    app.state.jobs.cancel(&long).await.unwrap();
}

// ---- a parse that nobody waits for

#[tokio::test]
async fn a_parse_can_be_a_job_of_an_uploaded_session() {
    let app = TestApp::start().await;
    let session = app.uploaded(&[("kw.csv", METER)], &[("timezone", "UTC")]).await;
    let answer = app.post("/api/parse", &json!({"session_id": session, "wait": false})).await;
    let queued = answer.expect(202);
    let job_id = queued["job_id"].as_str().unwrap();
    assert_eq!(queued, json!({"job_id": job_id, "session_id": session, "status": "queued"}));
    assert_eq!(app.get(answer.header("location")).await.expect(200)["kind"], "parse");
    app.state.jobs.wait(job_id).await.unwrap().outcome().unwrap();
    let detail = app.get(&format!("/api/sessions/{session}")).await.expect(200);
    assert_eq!((&detail["status"], &detail["versions"][0]["id"]), (&json!("parsed"), &json!(job_id)));
    assert_eq!(app.get("/api/data/preview").await.expect(200)["session_id"], session);
    let job = app.get(&format!("/api/jobs/{job_id}")).await.expect(200);
    assert_eq!(job["message"], "1 file → 3 rows × 1 points");
    // The same again stands, and makes no second version.
    let again = app.post("/api/parse", &json!({"session_id": session, "wait": false})).await.expect(202);
    app.state.jobs.wait(again["job_id"].as_str().unwrap()).await.unwrap().outcome().unwrap();
    let detail = app.get(&format!("/api/sessions/{session}")).await.expect(200);
    assert_eq!(detail["versions"].as_array().unwrap().len(), 1);
    // Waiting is the default, and can be said.
    assert_eq!(app.post("/api/parse", &json!({"session_id": session, "wait": true})).await.expect(200)["reused"], true);
}

#[tokio::test]
async fn a_parse_of_server_side_files_makes_the_session_it_promised() {
    let app = TestApp::start().await;
    app.place("kmuh/kw.csv", METER);
    let request = json!({"subfolder": "kmuh", "timezone": "UTC", "name": "KMUH", "wait": false});
    for _ in 0..2 {
        let queued = app.post("/api/parse", &request).await.expect(202);
        app.state.jobs.wait(queued["job_id"].as_str().unwrap()).await.unwrap().outcome().unwrap();
        let session = app.get(&format!("/api/sessions/{}", queued["session_id"].as_str().unwrap())).await.expect(200);
        assert_eq!((&session["name"], &session["total_rows"]), (&json!("KMUH"), &json!(3)));
        assert_eq!(session["versions"][0]["id"], queued["job_id"]);
    }
}

#[tokio::test]
async fn a_parse_that_cannot_be_is_refused_at_once_or_fails_with_its_reason() {
    let app = TestApp::start().await;
    app.place("bad/kw.csv", METER);
    app.place("bad/empty.csv", b"");
    let refused = [
        (json!({"session_id": "nobody"}), 404, "unknown_session"),
        (json!({"subfolder": "nowhere"}), 404, "unknown_folder"),
        (json!({"subfolder": "../.."}), 422, "path_outside_data_dir"),
        (json!({"subfolder": "bad", "timezone": "Mars"}), 422, "unknown_timezone"),
        (json!({"subfolder": "bad", "date_format": "american"}), 422, "bad_date_format"),
        (json!({"subfolder": "bad", "dry_run": true}), 422, "dry_run_waits"),
    ];
    for (mut request, status, code) in refused {
        request["wait"] = json!(false);
        app.post("/api/parse", &request).await.expect_problem(status, code);
    }
    assert_eq!(app.get("/api/jobs").await.expect(200)["total"], 0);
    let queued = app.post("/api/parse", &json!({"subfolder": "bad", "wait": false})).await.expect(202);
    app.state.jobs.wait(queued["job_id"].as_str().unwrap()).await.unwrap();
    let job = app.get(&format!("/api/jobs/{}", queued["job_id"].as_str().unwrap())).await.expect(200);
    assert_eq!(
        (&job["status"], &job["error_code"], &job["attempts"]),
        (&json!("failed"), &json!("empty_file"), &json!(1))
    );
    assert_eq!(job["errors"][0]["file"], "empty.csv");
    assert_eq!(app.get("/api/sessions").await.expect(200)["total"], 0);
}

#[tokio::test]
async fn a_parse_that_was_killed_at_any_step_makes_one_dataset() {
    for (point, version, attempts) in [
        ("parse.published", "parsed-v2", 2),
        ("parse.before_commit", "parsed-v2", 2),
        ("parse.committed", "parsed-v1", 2),
    ] {
        let folder = TempDir::new().unwrap();
        let server = Process::serve(folder.path(), &["--crash-at", point]);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let form = reqwest::multipart::Form::new()
            .text("timezone", "UTC")
            .part("files", reqwest::multipart::Part::bytes(METER).file_name("kw.csv"));
        let upload = client.post(server.url("/api/uploads")).multipart(form).send().await.unwrap();
        let session = upload.json::<Value>().await.unwrap()["session_id"].as_str().unwrap().to_owned();
        let request = json!({"session_id": session, "force": true, "wait": false});
        // The server may be dead before it has answered.
        let _ = client.post(server.url("/api/parse")).json(&request).send().await;
        assert!(!server.wait().success(), "{point}");

        let server = Process::serve(folder.path(), &[]);
        let list = get(&server, "/api/jobs").await;
        assert_eq!(list["total"], 1, "{point}");
        let job = ended(&server, list["items"][0]["job_id"].as_str().unwrap()).await;
        assert_eq!((&job["status"], &job["attempts"]), (&json!("completed"), &json!(attempts)), "{point}: {job}");
        let detail = get(&server, &format!("/api/sessions/{session}")).await;
        let versions = detail["versions"].as_array().unwrap();
        assert_eq!((versions.len(), &versions[0]["version"]), (1, &json!(version)), "{point}");
        assert_eq!(versions[0]["id"], job["job_id"], "{point}");
    }
}

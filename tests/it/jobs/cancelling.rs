//! Jobs that are cancelled, before they are begun and while they are done.

use super::*;

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
    assert_eq!(app.state.jobs.wait(&id).await.unwrap().outcome().unwrap_err().code.name, "job_cancelled");
    for id in &busy {
        app.state.jobs.cancel(app.state.principal(), id).await.unwrap();
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
    state.jobs.cancel(state.principal(), &id).await.unwrap();
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
    app.state.jobs.cancel(app.state.principal(), &id).await.unwrap();
    assert_eq!(app.state.jobs.wait(&id).await.unwrap().status, JobStatus::Completed);
    // Unless it asks before it commits.
    let marks = app.folder.path().join("marks");
    let asks = Probe { deaf: true, confirms: true, marks: Some(marks.clone()), ..probe(1, 500) };
    let id = enqueue(&app.state, &asks).await;
    job_is(&app.state, &id, JobStatus::Running).await;
    app.state.jobs.cancel(app.state.principal(), &id).await.unwrap();
    assert_eq!(app.state.jobs.wait(&id).await.unwrap().status, JobStatus::Cancelled);
    assert_eq!(lines(&marks).len(), 2, "it was not confirmed");
}

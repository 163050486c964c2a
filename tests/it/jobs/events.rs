//! Following a job: progress and its end, told once, told again to whoever comes later.

use super::*;

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
        app.state.jobs.cancel(app.state.principal(), id).await.unwrap();
    }
}

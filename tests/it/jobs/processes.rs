//! Processes that end, are killed, or work beside others.

use super::*;

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
        jobs::enqueue(
            &txn,
            NewJob { id: id.clone(), kind: JobKind::Probe, payload, session_id: None, account_id: None },
        )
        .await
        .unwrap();
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
    assert_eq!(wait.await.unwrap().unwrap_err().code.name, "stopping");
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
    app.state.jobs.cancel(app.state.principal(), &long).await.unwrap();
}

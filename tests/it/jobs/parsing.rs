//! A parse that nobody waits for.

use super::*;

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
async fn parses_of_one_session_that_were_all_answered_202_take_turns() {
    let app = TestApp::start().await;
    let report: String = (0..5000).map(|row| format!("{},{row}\n", 1_577_836_800 + row * 60)).collect();
    let session = app.uploaded(&[("kw.csv", format!("time,kw\n{report}").as_bytes())], &[("timezone", "UTC")]).await;
    let request = json!({"session_id": session, "wait": false, "force": true});
    let mut queued = Vec::new();
    for _ in 0..4 {
        queued.push(app.post("/api/parse", &request).await.expect(202)["job_id"].as_str().unwrap().to_owned());
    }
    for job_id in &queued {
        app.state.jobs.wait(job_id).await.unwrap().outcome().unwrap();
    }
    let detail = app.get(&format!("/api/sessions/{session}")).await.expect(200);
    let mut made: Vec<&str> =
        detail["versions"].as_array().unwrap().iter().map(|v| v["id"].as_str().unwrap()).collect();
    made.sort_unstable();
    queued.sort_unstable();
    assert_eq!(made, queued);
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
        ("parse.published", "parsed-v1", 2),
        ("parse.before_commit", "parsed-v1", 2),
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

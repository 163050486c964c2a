//! Cleanings that are cancelled, killed or lost to the catalogue; and the same from the command line.

use super::*;

#[tokio::test]
async fn a_cleaning_that_is_cancelled_gives_its_number_up() {
    let app = TestApp::start().await;
    let (id, _) = parsed(&app).await;
    let folder = app.stop().await;
    // A process without workers: what it enqueues waits.
    let values = settings(folder.path());
    let config = Config::from_values(|variable| values.get(variable).cloned()).unwrap();
    let state = hvac_analytics::app::build(config).await.unwrap();
    let request = json!({"session_id": id}).as_object().unwrap().clone();
    let asked = ask::ask(&state, CleanRequest::read(request.clone()).unwrap()).await.unwrap();
    state.jobs.cancel(state.principal(), &asked.job_id).await.unwrap();
    let error = ask::wait(&state, asked.clone()).await.unwrap_err();
    assert_eq!(error.code.name, "job_cancelled");
    let again = ask::ask(&state, CleanRequest::read(request).unwrap()).await.unwrap();
    assert!(!again.reused && again.job_id != asked.job_id);
    hvac_analytics::app::close(state).await.unwrap();

    let app = TestApp::start_in(folder, Vec::new()).await.unwrap();
    let job = app.get(&format!("/api/cleaning-jobs/{}", asked.job_id)).await.expect(200);
    assert_eq!((&job["status"], &job["version"]), (&json!("cancelled"), &json!("cleaned-v1")));
    let done = clean(&app, &default_call(&id)).await;
    assert_eq!(
        (&done["job_id"], &done["version"]),
        (&json!(again.job_id), &json!("cleaned-v2")),
        "it waited for a worker"
    );
    assert_eq!(preview(&app, &id, "").await["version"], "cleaned-v2");
}

impl Client {
    async fn whole(&self, path: &str) -> Bytes {
        let (status, bytes) = self.get(path).await;
        assert_eq!(status, 200, "{path}");
        bytes
    }

    async fn json(&self, path: &str) -> Value {
        serde_json::from_slice(&self.whole(path).await).unwrap()
    }

    async fn parsed(&self) -> String {
        let upload = self.upload("plant.csv", plant()).await.unwrap();
        let id = upload["session_id"].as_str().unwrap().to_owned();
        self.post("/api/parse", &json!({"session_id": id})).await.unwrap();
        id
    }
}

/// The process dies at each step of a cleaning, and once more when it goes on. Started again, it makes one version, of
/// the number that was reserved when it was asked for: whole, known to the catalogue and to `session.json`.
#[tokio::test]
async fn killed_at_every_step_a_cleaning_makes_one_version() {
    for point in
        ["clean.enqueued", "clean.events_published", "clean.published", "clean.before_commit", "clean.committed"]
    {
        let folder = TempDir::new().unwrap();
        let server = Process::serve(folder.path(), &["--crash-at", point]);
        let client = Client::of(&server);
        let id = client.parsed().await;
        let request = json!({"session_id": id, "resample_interval": "1h"});
        assert!(client.post("/api/clean", &request).await.is_err(), "{point} was not reached");
        assert!(!server.wait().success(), "{point}");
        if point != "clean.committed" {
            let again = Process::serve(folder.path(), &["--crash-at", "clean.before_commit"]);
            assert!(!again.wait().success(), "{point}, begun again");
        }

        let server = Process::serve(folder.path(), &[]);
        let client = Client::of(&server);
        let job_id = client.json("/api/jobs?kind=clean").await["items"][0]["job_id"].as_str().unwrap().to_owned();
        let events = client.whole(&format!("/api/jobs/{job_id}/events")).await;
        assert!(String::from_utf8_lossy(&events).contains("completed"), "{point}");
        let session = client.json(&format!("/api/sessions/{id}")).await;
        let cleaned: Vec<&Value> = session["versions"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|version| version["version"].as_str().unwrap().starts_with("cleaned"))
            .collect();
        assert_eq!((cleaned.len(), &session["status"]), (1, &json!("cleaned")), "{point}: {session}");
        assert_eq!(cleaned[0]["version"], "cleaned-v1", "{point}");
        assert_eq!((&cleaned[0]["id"], &cleaned[0]["row_count"]), (&json!(job_id), &json!(24)), "{point}");
        let file = client.whole(&format!("/api/sessions/{id}/data.parquet?version=cleaned")).await;
        assert_eq!(hvac_store::objects::hex(&Sha256::digest(&file)), cleaned[0]["sha256"], "{point}");
        read_events(client.whole(&format!("/api/sessions/{id}/events.parquet")).await).unwrap();
        let again = client.post("/api/clean", &request).await.unwrap();
        assert_eq!((&again["reused"], &again["job_id"]), (&json!(true), &json!(job_id)), "{point}");
        assert!(server.terminate().success());

        let output = Process::command(folder.path(), &["doctor", "--json"]).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&report["damaged"], &report["outdated_snapshots"]), (&json!([]), &json!([])), "{point}: {report}");
        assert_eq!((&report["orphans"], &report["trash"]["files"]), (&json!([]), &json!(0)), "{point}");
    }
}

/// What is in the way of a number that was promised is nothing that anybody was told of: it is set aside, and kept.
#[tokio::test]
async fn what_is_in_the_way_of_a_promised_version_is_set_aside() {
    let folder = TempDir::new().unwrap();
    let server = Process::serve(folder.path(), &["--crash-at", "clean.enqueued"]);
    let client = Client::of(&server);
    let id = client.parsed().await;
    assert!(client.post("/api/clean", &json!({"session_id": id})).await.is_err());
    assert!(!server.wait().success());
    let session = folder.path().join("data/sessions").join(&id);
    std::fs::write(session.join("cleaned-v1.parquet"), b"no file of that job").unwrap();

    let server = Process::serve(folder.path(), &[]);
    let client = Client::of(&server);
    let job_id = client.json("/api/jobs?kind=clean").await["items"][0]["job_id"].as_str().unwrap().to_owned();
    client.whole(&format!("/api/jobs/{job_id}/events")).await;
    let detail = client.json(&format!("/api/sessions/{id}")).await;
    assert_eq!(
        (&detail["versions"][0]["version"], &detail["versions"][0]["id"]),
        (&json!("cleaned-v1"), &json!(job_id))
    );
    client.whole(&format!("/api/sessions/{id}/data.parquet?version=cleaned-v1")).await;
    assert!(server.terminate().success());

    let doctor = |more: &[&str]| {
        let all: Vec<&str> = ["doctor", "--json"].into_iter().chain(more.iter().copied()).collect();
        let output = Process::command(folder.path(), &all).output().unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let report = doctor(&[]);
    assert_eq!((&report["damaged"], &report["orphans"]), (&json!([]), &json!([])), "{report}");
    assert_eq!(report["trash"], json!({"files": 1, "bytes": 19}));
    let times: Vec<_> = std::fs::read_dir(folder.path().join("data/sessions/trash")).unwrap().flatten().collect();
    let kept = times[0].path().join(&id).join("cleaned-v1.parquet");
    assert_eq!(std::fs::read(kept).unwrap(), b"no file of that job", "with the time, and where it was");
    assert_eq!(doctor(&["--empty-trash"])["emptied"], json!({"files": 1, "bytes": 19}));
    assert_eq!(doctor(&[])["trash"]["files"], 0);
}

#[tokio::test]
async fn a_lost_catalogue_gets_its_cleanings_back() {
    let app = TestApp::start().await;
    let (id, _) = parsed(&app).await;
    clean(&app, &default_call(&id)).await;
    clean(&app, &json!({"session_id": id, "resample_interval": "1h"})).await;
    let before = app.get(&format!("/api/sessions/{id}")).await.expect(200);
    let events = app.get(&format!("/api/data/events?session_id={id}&version=cleaned-v1")).await.expect(200);
    let folder = app.stop().await;
    for with_snapshot in [true, false] {
        lose_catalogue(folder.path());
        if !with_snapshot {
            std::fs::remove_file(folder.path().join(format!("data/sessions/{id}/session.json"))).unwrap();
        }
        let output = Process::command(folder.path(), &["doctor", "--rebuild", "--json"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let app = TestApp::start_in(folder.clone(), Vec::new()).await.unwrap();
        let after = app.get(&format!("/api/sessions/{id}")).await.expect(200);
        assert_eq!(after["status"], "cleaned");
        for (index, version) in ["cleaned-v2", "cleaned-v1", "parsed-v1"].into_iter().enumerate() {
            for field in ["version", "id", "sha256", "row_count", "column_count", "start_at", "end_at"] {
                let (was, is) = (&before["versions"][index][field], &after["versions"][index][field]);
                assert_eq!(was, is, "{version} {field}, with session.json: {with_snapshot}");
            }
            assert_eq!(before["versions"][index]["parameters"], after["versions"][index]["parameters"]);
        }
        let found = app.get(&format!("/api/data/events?session_id={id}&version=cleaned-v1")).await.expect(200);
        assert_eq!(found, events);
        let again = clean(&app, &default_call(&id)).await;
        assert_eq!((&again["reused"], &again["version"]), (&json!(true), &json!("cleaned-v1")));
        app.stop().await;
    }
}

#[test]
fn the_command_line_cleans_as_the_api_does() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("plant.csv"), plant()).unwrap();
    let (code, _, stderr) = run(folder.path(), &["parse", "plant.csv", "--name", "Plant", "--timezone", "UTC"]);
    assert_eq!(code, Some(0), "{stderr}");
    let strict = [
        "clean",
        "Plant",
        "--interval",
        "15m",
        "--out-of-range",
        "--heat-balance",
        "--filter-invalid",
        "--unit",
        "OAT=°C",
    ];
    let (code, stdout, stderr) = run(folder.path(), &strict);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let line = |start: &str| stdout.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{stdout}"));
    let cells = |start: &str| line(start).split_whitespace().skip(3).collect::<Vec<_>>();
    assert_eq!(cells("frozen"), ["20", "20", "0"], "{stdout}");
    assert_eq!(cells("out_of_range"), ["1", "1", "0"], "{stdout}");
    assert_eq!(cells("heat_balance"), ["1", "0", "1"], "{stdout}");
    // 96 rows but that of 17:30; 575 values but one of OAT and 20 of CHWST.
    let left = "99.0 % of the rows with a sample and 96.3 % of the values left (554 of 575), 3 quality events";
    assert!(stdout.contains(left), "{stdout}");
    let said = "1 of 96 rows with a sample dropped (heat_balance 1), 95 kept: 99.0 % retained; 21 of 575 cells with a value nulled (out_of_range 1, frozen 20), 554 kept.";
    assert!(stdout.contains(said), "{stdout}");
    assert!(stdout.contains("cleaned-v1 of session"), "{stdout}");
    let mut json = strict.to_vec();
    json.push("--json");
    let (_, stdout, _) = run(folder.path(), &json);
    let again: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&again["reused"], &again["version"]), (&json!(true), &json!("cleaned-v1")));
    json.extend(["--force", "--threshold", "heat_balance=3"]);
    let (_, stdout, _) = run(folder.path(), &json);
    let forced: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&forced["version"], &forced["cleaned_rows"]), (&json!("cleaned-v2"), &json!(96)));
    let (_, stdout, _) = run(folder.path(), &["preview", "Plant", "--version", "cleaned-v1", "--rows", "1", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&stdout).unwrap()["total_rows"], 95);

    for (arguments, code, said) in [
        (&["clean", "Plant", "--interval", "7m"][..], 2, "15m"),
        (&["clean", "Plant", "--threshold", "heat_balance"], 2, "NAME=VALUE"),
        (&["clean", "Plant", "--threshold", "heat=1"], 1, "thresholds.heat"),
        (&["clean", "Plant", "--column", "load=NOPE"], 1, "NOPE"),
        (&["clean", "Nobody"], 1, "there is no session"),
    ] {
        let (found, stdout, stderr) = run(folder.path(), arguments);
        assert_eq!(found, Some(code), "{arguments:?}: {stdout}{stderr}");
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
    }
}

//! Two who write at once: what either was told is true afterwards.

use super::*;

/// Enough rows that a debug build reads, cleans and trains on them for a while.
fn long_report(rows: u32) -> Vec<u8> {
    let mut text = "time,CH_SYS_RT,CHWST,WBT_C,CHP_HZ,CH_SYS_TOTAL_KW\n".to_owned();
    for row in 0..rows {
        let (rt, hz) = (150 + row % 97, 30 + row % 17);
        text += &format!("{},{rt}.5,7.{},24.{},{hz},{}\n", 1_704_067_200 + row * 60, row % 9, row % 7, rt + 2 * hz);
    }
    text.into_bytes()
}

/// Work that takes a while.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Long {
    Parse,
    Clean,
    Train,
}

/// What somebody else does meanwhile, in no time.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Short {
    Rename,
    Move,
    Delete,
    Restore,
    Purge,
    Alias,
}

const SHORT: [Short; 6] = [Short::Rename, Short::Move, Short::Delete, Short::Restore, Short::Purge, Short::Alias];

impl Long {
    async fn begin(self, app: &TestApp, id: &str) -> String {
        let answer = match self {
            Self::Parse => app.post("/api/parse", &json!({"session_id": id, "force": true, "wait": false})).await,
            Self::Clean => {
                let request = json!({"session_id": id, "resample_interval": "15m", "force": true, "wait": false});
                app.post("/api/clean", &request).await
            }
            Self::Train => {
                let request = json!({
                    "session_id": id, "model_name": format!("m-{id}"), "algorithm": "physics", "force": true,
                    "feature_mapping": {"chiller_cols": ["CH_SYS_RT"], "chw_pump_cols": ["CHP_HZ"],
                        "chw_temp_cols": ["CHWST"], "environment_cols": ["WBT_C"], "target_col": "CH_SYS_TOTAL_KW"},
                });
                app.post("/api/models/train", &request).await
            }
        };
        answer.expect(202)["job_id"].as_str().unwrap().to_owned()
    }
}

impl Short {
    async fn ask(self, app: &TestApp, id: &str) -> Response {
        let path = format!("/api/sessions/{id}");
        match self {
            Self::Rename => app.patch(&path, &json!({"name": "renamed"})).await,
            Self::Move => app.patch(&path, &json!({"site": "moved"})).await,
            Self::Delete => app.delete(&path).await,
            Self::Restore => app.post(&format!("{path}/restore"), &json!({})).await,
            Self::Purge => app.delete(&format!("{path}?purge=true")).await,
            Self::Alias => {
                let path = format!("/api/models/by-name/m-{id}/aliases/best");
                app.request(reqwest::Method::PUT, &path, |request| request.json(&json!({"version": 1}))).await
            }
        }
    }
}

/// What was acknowledged of these holds, in the answers of the server and in the database.
async fn holds(app: &TestApp, id: &str, acknowledged: &[Short], case: &str) {
    let session = app.get(&format!("/api/sessions/{id}")).await;
    if acknowledged.contains(&Short::Purge) {
        session.expect_problem(404, "unknown_session");
        assert!(!app.storage().join(id).exists(), "{case}: its folder is gone");
        return;
    }
    let session = session.expect(200);
    let is = |short: Short| acknowledged.contains(&short);
    assert_eq!(session["name"], if is(Short::Rename) { "renamed" } else { "before" }, "{case}");
    assert_eq!(session["site"], if is(Short::Move) { "moved" } else { "KMUH" }, "{case}");
    // The folder's own account says the same, for the day when the database is gone.
    let manifest = std::fs::read(app.storage().join(id).join("session.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["session"]["name"], session["name"], "{case}");
    assert_eq!(manifest["session"]["site"], session["site"], "{case}");
    assert_eq!(manifest["session"]["deleted_at"].is_null(), session["deleted_at"].is_null(), "{case}");
    if is(Short::Delete) != is(Short::Restore) {
        assert_eq!(session["deleted_at"].is_null(), is(Short::Restore), "{case}");
    }
    if is(Short::Alias) {
        let model = app.get(&format!("/api/models/m-{id}:best")).await.expect(200);
        assert_eq!(model["version_number"], 1, "{case}");
    }
}

/// Something short is acknowledged in the middle of something long: the end of the long one does not undo it.
#[tokio::test(flavor = "multi_thread")]
async fn work_that_ends_writes_back_nothing_that_changed_since_it_began() {
    let app = TestApp::start().await;
    let report = long_report(20_000);
    for long in [Long::Parse, Long::Clean, Long::Train] {
        for short in SHORT {
            let mut met = false;
            for _ in 0..40 {
                let fields = [("timezone", "UTC"), ("name", "before"), ("site", "KMUH")];
                let id =
                    app.parsed(&[("plant.csv", &report)], &fields).await["session_id"].as_str().unwrap().to_owned();
                if short == Short::Alias {
                    let first = Long::Train.begin(&app, &id).await;
                    app.state.jobs.wait(&first).await.unwrap().outcome().unwrap();
                }
                let job = long.begin(&app, &id).await;
                while app.get(&format!("/api/jobs/{job}")).await.expect(200)["status"] == "queued" {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                let mut acknowledged = Vec::new();
                if short == Short::Restore {
                    let deleted = Short::Delete.ask(&app, &id).await;
                    assert!(deleted.status < 300, "{}", deleted.text());
                    acknowledged.push(Short::Delete);
                }
                let answer = short.ask(&app, &id).await;
                let running = app.get(&format!("/api/jobs/{job}")).await.expect(200)["status"] == "running";
                let ended = app.state.jobs.wait(&job).await.unwrap();
                let case = format!("{short:?} during {long:?}: {} then {:?}", answer.status, ended.failure);
                if answer.status < 300 {
                    acknowledged.push(short);
                } else {
                    assert_eq!(answer.status, 409, "{case}: {}", answer.text());
                }
                holds(&app, &id, &acknowledged, &case).await;
                met |= running;
                if running {
                    break;
                }
            }
            assert!(met, "{short:?} never came in the middle of {long:?}");
        }
    }
    app.stop().await;
}

/// Any two short ones at once: both may be acknowledged, and then both hold.
#[tokio::test(flavor = "multi_thread")]
async fn two_changes_at_once_both_hold_or_one_is_refused() {
    let app = TestApp::start().await;
    for first in SHORT {
        for second in SHORT {
            if first == second || [first, second].contains(&Short::Alias) {
                continue;
            }
            for _ in 0..5 {
                let plant = Plant::new(&app).await;
                if [first, second].contains(&Short::Restore) {
                    app.delete(&plant.path()).await.expect(204);
                }
                let (a, b) = tokio::join!(first.ask(&app, &plant.id), second.ask(&app, &plant.id));
                let case = format!("{first:?} ({}) beside {second:?} ({})", a.status, b.status);
                let mut acknowledged = Vec::new();
                for (short, answer) in [(first, &a), (second, &b)] {
                    match answer.status {
                        200..300 => acknowledged.push(short),
                        // Deleted, or purged, before it came.
                        404 | 409 => {}
                        _ => panic!("{case}: {}", answer.text()),
                    }
                }
                assert!(!acknowledged.is_empty(), "{case}");
                holds(&app, &plant.id, &acknowledged, &case).await;
            }
        }
    }
    app.stop().await;
}

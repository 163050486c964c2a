//! Whole sessions from one store into another: the same ids, hashes, lineage, and the same bundle again.

use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use zip::write::{SimpleFileOptions, ZipWriter};
use zip::{CompressionMethod, ZipArchive};

use crate::helpers::{Client, Process, Response, TestApp};

mod damage;
mod raw;
mod tables;

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn samples() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/samples");
    ["TR_DEMO_PLANT_240701-240707.csv", "TR_DEMO_TEMP_240701-240707.csv", "TR_DEMO_METER_240701-240707.csv"]
        .map(|name| (name.to_owned(), std::fs::read(folder.join(name)).unwrap()))
        .to_vec()
}

/// A plant with a cleaned version and a model with an alias.
async fn plant(app: &TestApp) -> String {
    let files = samples();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let fields = [("timezone", "Asia/Taipei"), ("name", "Plant"), ("site", "KMUH")];
    let id = app.parsed(&files, &fields).await["session_id"].as_str().unwrap().to_owned();
    app.post("/api/clean", &json!({"session_id": id})).await.expect(200);
    let request =
        json!({"model_name": "plant", "session_id": id, "interval": "30m", "algorithm": "physics", "wait": true});
    app.post("/api/models/train", &request).await.expect(200);
    app.request(Method::PUT, "/api/models/by-name/plant/aliases/production", |r| r.json(&json!({"version": "1"})))
        .await
        .expect(200);
    id
}

/// A report of a few rows.
async fn small(app: &TestApp, name: &str, fields: &[(&str, &str)]) -> String {
    let report = format!("time,{name}\n2020-01-01 00:00,1\n2020-01-01 00:15,2\n");
    app.parsed(&[("kw.csv", report.as_bytes())], fields).await["session_id"].as_str().unwrap().to_owned()
}

async fn bundle(app: &TestApp, id: &str) -> Vec<u8> {
    let answer = app.get(&format!("/api/sessions/{id}/bundle.zip")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.body.to_vec()
}

async fn import(app: &TestApp, bytes: Vec<u8>) -> Response {
    app.request(Method::POST, "/api/sessions/import", |request| {
        request.header("content-type", "application/zip").body(bytes)
    })
    .await
}

/// Every file below a folder but the database's, the locks and what joins the two.
fn files(app: &TestApp) -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() { walk(&entry.path(), found) } else { found.push(entry.path()) }
        }
    }
    let mut found = Vec::new();
    walk(&app.storage(), &mut found);
    walk(&app.folder.path().join("models"), &mut found);
    found.retain(|path| !path.ends_with("store.json") && !path.ends_with("store.lock"));
    found
}

/// Nothing was stored, and nothing is left.
async fn nothing_left(app: &TestApp, before: &[PathBuf], total: u64) {
    assert_eq!(app.get("/api/sessions").await.expect(200)["total"], total);
    for _ in 0..200 {
        if files(app) == before {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(files(app), before);
}

/// What a client sees of a session: itself, its lineage, its models.
async fn seen(app: &TestApp, id: &str) -> Vec<Value> {
    let mut seen = Vec::new();
    for path in [format!("/api/sessions/{id}"), format!("/api/sessions/{id}/lineage"), "/api/models".to_owned()] {
        seen.push(app.get(&path).await.expect(200));
    }
    seen
}

/// Members of a bundle.
fn members(bundle: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut zip = ZipArchive::new(Cursor::new(bundle)).unwrap();
    (0..zip.len())
        .map(|index| {
            let mut entry = zip.by_index(index).unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (entry.name().unwrap().into_owned(), bytes)
        })
        .collect()
}

/// Packed anew by another program.
fn repacked(members: &[(String, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(name.as_str(), SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_travels_with_everything_that_was_made_of_it() {
    let (here, there) = (TestApp::start().await, TestApp::start().await);
    let id = plant(&here).await;
    let first = bundle(&here, &id).await;

    // Laid out as the folders are, told by name, sorted, with a text for people.
    let inside = members(&first);
    let names: Vec<&str> = inside.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.is_sorted(), "{names:?}");
    assert_eq!(names.len(), 3 + 1 + 2 + 1 + 1 + 1, "{names:?}");
    assert!(names[0] == "README.txt" && names.contains(&"models/KMUH/plant-v1.json"), "{names:?}");
    for (name, bytes) in inside.iter().filter(|(name, _)| name.starts_with("sessions/")) {
        let stored = std::fs::read(here.folder.path().join("data").join(name)).unwrap();
        assert!(stored == *bytes, "{name}");
    }

    let answer = import(&there, first.clone()).await;
    let imported = answer.expect(201);
    assert_eq!((&imported["session_id"], &imported["imported"]), (&json!(id), &json!(true)), "{imported}");
    assert_eq!(imported["versions"], json!(["parsed-v1", "cleaned-v1"]));
    assert_eq!((&imported["models"], &imported["notes"]), (&json!(["plant:v1"]), &json!([])));
    assert_eq!(answer.header("location"), format!("/api/v1/sessions/{id}"));
    assert_eq!(seen(&there, &id).await, seen(&here, &id).await);
    for path in ["data.parquet", "data.parquet?version=parsed", "events.parquet"] {
        let path = format!("/api/sessions/{id}/{path}");
        let (a, b) = (here.get(&path).await, there.get(&path).await);
        assert!(a.status == 200 && a.body == b.body && a.header("etag") == b.header("etag"), "{path}");
    }
    let (a, b) = (here.get("/api/models/plant/file").await, there.get("/api/models/plant/file").await);
    assert!(a.status == 200 && a.body == b.body);
    let question = json!({"rows": [{"CH_SYS_RT": 400.0}]});
    let (a, b) = (
        here.post("/api/models/plant:production/predict", &question).await,
        there.post("/api/models/plant:production/predict", &question).await,
    );
    assert_eq!((a.status, a.expect(200)), (200, b.expect(200)));

    // Again, byte for byte; and a catalogue that is made of the folders says the same.
    assert!(bundle(&there, &id).await == first);
    let before = seen(&there, &id).await;
    let folder = there.stop().await;
    let doctor = |more: &[&str]| {
        let all: Vec<&str> = ["doctor", "--json"].into_iter().chain(more.iter().copied()).collect();
        let output = Process::command(folder.path(), &all).output().unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let report = doctor(&[]);
    for nothing in ["damaged", "orphans", "outdated_snapshots", "unconfirmed"] {
        assert_eq!(report[nothing], json!([]), "{report}");
    }
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.path().join(format!("data/hvac_analytics.db{ending}")));
    }
    assert_eq!(doctor(&["--rebuild"])["sessions"], 1);
    let there = TestApp::start_in(folder, Vec::new()).await.unwrap();
    assert_eq!(seen(&there, &id).await, before);
    assert!(bundle(&there, &id).await == first);
    // It can be worked with.
    there.post("/api/clean", &json!({"session_id": id, "resample_interval": "1h"})).await.expect(200);
}

/// Export, import, export: the same bytes, whatever a session has.
#[tokio::test(flavor = "multi_thread")]
async fn export_import_export_is_the_same_bytes() {
    let (here, there) = (TestApp::start().await, TestApp::start().await);
    let report = b"time,kw\n2020-01-01 00:00,1\n2020-01-01 00:15,2\n";
    let mut ids = vec![
        here.uploaded(&[("kw.csv", report)], &[]).await,
        small(&here, "a", &[("timezone", "UTC"), ("name", "溫度 \"x\" / 記錄"), ("site", "北/棟 #1")]).await,
    ];
    // Strange names, the same name twice, the same rows twice, an archive.
    let other = b"time,kw\n2020-01-02 00:00,1\n2020-01-02 00:15,2\n".as_slice();
    let third = b"time,kw\n2020-01-03 00:00,1\n2020-01-03 00:15,2\n".as_slice();
    let long = format!("{}.csv", "溫".repeat(150));
    let archive = repacked(
        &[
            ("x/b.csv".to_owned(), b"time,kw\n2020-01-04 00:00,1\n2020-01-04 00:15,2\n".to_vec()),
            ("c.csv".to_owned(), b"time,kw\n2020-01-05 00:00,1\n2020-01-05 00:15,2\n".to_vec()),
        ],
        CompressionMethod::Deflated,
    );
    let strange: [(&str, &[u8]); 4] =
        [("a<b>c:?*.csv", report), ("a<b>c:?*.csv", other), (&long, third), ("all.zip", &archive)];
    let strange =
        here.parsed(&strange, &[("timezone", "Asia/Taipei")]).await["session_id"].as_str().unwrap().to_owned();
    here.post("/api/parse", &json!({"session_id": strange, "force": true})).await.expect(200);
    here.post("/api/clean", &json!({"session_id": strange})).await.expect(200);
    here.patch(
        &format!("/api/sessions/{strange}"),
        &json!({"name": "anders", "metadata": {"a": [1, {"b": 1.5e300}], "ü": null}}),
    )
    .await
    .expect(200);
    ids.push(strange);
    // What is known of a site, and a number that was given up.
    let site = small(&here, "b", &[("timezone", "UTC"), ("site", "S")]).await;
    let known = json!({"session_id": site, "columns": [{"column": "b", "unit": "kW"}], "year": 2020, "force": true});
    here.post("/api/parse", &known).await.expect(200);
    here.request(Method::PUT, "/api/sites/S", |r| {
        r.json(&json!({"energy_price": {"currency": "TWD", "per_kwh": 3.5}}))
    })
    .await
    .expect(200);
    here.post("/api/parse", &json!({"session_id": site, "timezone": "Asia/Tokyo"}))
        .await
        .expect_problem(422, "timezone_fixed");
    ids.push(site);
    ids.push(plant(&here).await);
    for id in &ids {
        let first = bundle(&here, id).await;
        assert!(bundle(&here, id).await == first);
        let imported = import(&there, first.clone()).await.expect(201);
        assert_eq!(imported["notes"], json!([]), "{imported}");
        assert!(bundle(&there, id).await == first, "{id}");
        assert_eq!(seen(&there, id).await[0], seen(&here, id).await[0]);
        // And from there to a third.
        let third = TestApp::start().await;
        import(&third, bundle(&there, id).await).await.expect(201);
        assert!(bundle(&third, id).await == first, "{id}");
    }
    assert_eq!(
        there.get("/api/sites/S/overrides").await.expect(200),
        here.get("/api/sites/S/overrides").await.expect(200)
    );
    assert_eq!(there.get("/api/sites/S").await.expect(200)["energy_price"]["per_kwh"], 3.5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_here_stays_as_it_is() {
    let (here, there) = (TestApp::start().await, TestApp::start().await);
    let id = small(&here, "a", &[("timezone", "UTC"), ("name", "One")]).await;
    let (path, first) = (format!("/api/sessions/{id}"), bundle(&here, &id).await);
    import(&there, first.clone()).await.expect(201);
    let (before, revision) = (seen(&there, &id).await, bundle(&there, &id).await);

    // The same again, by both ways; also where it came from.
    let form = Form::new().part("file", Part::bytes(first.clone()).file_name("x.zip"));
    let again =
        there.request(Method::POST, "/api/sessions/import", |request| request.multipart(form)).await.expect(200);
    assert_eq!((&again["imported"], &again["notes"]), (&json!(false), &json!([])));
    assert_eq!(import(&here, first.clone()).await.expect(200)["imported"], false);
    assert!(seen(&there, &id).await == before && bundle(&there, &id).await == revision);

    // More here than in the bundle, and another name: both stay, and are told.
    there.post("/api/clean", &json!({"session_id": id})).await.expect(200);
    there.patch(&path, &json!({"name": "Two"})).await.expect(200);
    let before = seen(&there, &id).await;
    let notes = import(&there, first.clone()).await.expect(200)["notes"].to_string();
    assert!(
        notes.contains("cleaned-v1 is here, and not in the bundle") && notes.contains("name is \\\"Two\\\" here"),
        "{notes}"
    );
    assert_eq!(seen(&there, &id).await, before);

    // Less here than in the bundle, or another version of that number.
    let more = bundle(&there, &id).await;
    let problem = import(&here, more.clone()).await.expect_problem(409, "session_differs");
    assert!(problem["detail"].as_str().unwrap().contains("cleaned-v1 is in the bundle, and not here"), "{problem}");
    here.post("/api/clean", &json!({"session_id": id, "resample_interval": "1h"})).await.expect(200);
    let problem = import(&here, more.clone()).await.expect_problem(409, "session_differs");
    assert_eq!(problem["errors"][0]["message"], "cleaned-v1 is another here than in the bundle", "{problem}");

    // Deleted here: neither brought back nor replaced unasked. Purged, it comes.
    assert_eq!(here.delete(&path).await.status, 204);
    let problem = import(&here, first.clone()).await.expect_problem(409, "session_deleted");
    assert!(problem["detail"].as_str().unwrap().contains("restore"), "{problem}");
    here.get(&format!("{path}/bundle.zip")).await.expect_problem(409, "session_deleted");
    assert_eq!(here.delete(&format!("{path}?purge=true")).await.status, 204);
    import(&here, more.clone()).await.expect(201);
    assert_eq!(seen(&here, &id).await[0], seen(&there, &id).await[0]);
    here.get("/api/sessions/nobody/bundle.zip").await.expect_problem(404, "unknown_session");
}

/// Names that others have here are not taken from them, and what is known of a site stays.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_here_is_moved() {
    let (here, there) = (TestApp::start().await, TestApp::start().await);
    let id = plant(&here).await;
    plant(&there).await;
    let first = bundle(&here, &id).await;
    let before = files(&there);
    let problem = import(&there, first.clone()).await.expect_problem(409, "model_taken");
    assert!(problem["detail"].as_str().unwrap().contains("plant:v1 is the model"), "{problem}");
    nothing_left(&there, &before, 1).await;

    // Another version of that name, and the alias: it stays with the other model.
    let request =
        json!({"model_name": "plant", "session_id": id, "interval": "1h", "algorithm": "physics", "wait": true});
    let second = here.post("/api/models/train", &request).await.expect(200);
    assert_eq!(second["version_number"], 2, "{second}");
    here.request(Method::PUT, "/api/models/by-name/plant/aliases/production", |r| r.json(&json!({"version": "2"})))
        .await
        .expect(200);
    let id_of = async |app: &TestApp, model: &str| {
        app.get(&format!("/api/models/{model}")).await.expect(200)["id"].as_str().unwrap().to_owned()
    };
    let model = id_of(&there, "plant:production").await;
    let third = TestApp::start().await;
    let first_id = id_of(&here, "plant:v1").await;
    assert_eq!(here.delete(&format!("/api/models/{first_id}?force=true")).await.status, 204);
    there
        .request(Method::PUT, "/api/sites/KMUH", |r| {
            r.json(&json!({"energy_price": {"currency": "EUR", "per_kwh": 0.3}}))
        })
        .await
        .expect(200);
    here.request(Method::PUT, "/api/sites/KMUH", |r| {
        r.json(&json!({"energy_price": {"currency": "TWD", "per_kwh": 3.5}}))
    })
    .await
    .expect(200);
    let bundle_2 = bundle(&here, &id).await;
    let notes = import(&there, bundle_2.clone()).await.expect(201)["notes"].to_string();
    assert!(
        notes.contains("alias plant:production stands for the model") && notes.contains("a kWh costs 0.3 EUR here"),
        "{notes}"
    );
    assert_eq!(id_of(&there, "plant:production").await, model);
    // What session.json says there is what is known there.
    assert!(bundle(&there, &id).await != bundle_2);
    assert_eq!(there.get("/api/sites/KMUH").await.expect(200)["energy_price"]["currency"], "EUR");
    let folder = there.stop().await;
    let output = Process::command(folder.path(), &["doctor", "--json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["outdated_snapshots"], &report["orphans"]), (&json!([]), &json!([])), "{report}");
    // A model that was deleted comes back with its number.
    import(&third, first.clone()).await.expect(201);
    let model = id_of(&third, "plant").await;
    assert_eq!(third.delete(&format!("/api/models/{model}?force=true")).await.status, 204);
    assert_eq!(third.delete(&format!("/api/sessions/{id}?purge=true")).await.status, 204);
    import(&third, first.clone()).await.expect(201);
    assert!(bundle(&third, &id).await == first);
    let again =
        json!({"model_name": "plant", "session_id": id, "interval": "1h", "algorithm": "physics", "wait": true});
    assert_eq!(third.post("/api/models/train", &again).await.expect(200)["version_number"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_is_a_file_like_others() {
    let app = TestApp::start().await;
    let id = small(&app, "a", &[("timezone", "UTC"), ("name", "溫 x")]).await;
    let path = format!("/api/sessions/{id}/bundle.zip");
    let whole = app.get(&path).await;
    let etag = whole.header("etag").to_owned();
    assert!(etag.starts_with('"') && whole.header("content-type") == "application/zip");
    assert!(whole.header("content-disposition").ends_with("filename*=UTF-8''%E6%BA%AB%20x-bundle.zip"));
    assert_eq!(whole.header("x-content-type-options"), "nosniff");
    let head = app.head_with(&path, &[]).await;
    assert_eq!(
        (head.header("content-length"), head.header("etag")),
        (whole.body.len().to_string().as_str(), etag.as_str())
    );
    let part = app.get_with(&path, &[("range", "bytes=-71")]).await;
    assert!(
        part.status == 206 && part.body == whole.body[whole.body.len() - 71..] && part.body.starts_with(b"sha256:")
    );
    assert_eq!(app.get_with(&path, &[("if-none-match", &etag)]).await.status, 304);
    // Whatever changes the session changes the tag; another session has another.
    app.patch(&format!("/api/sessions/{id}"), &json!({"name": "y"})).await.expect(200);
    assert!(app.head_with(&path, &[]).await.header("etag") != etag);
    app.get(&format!("{path}?verison=1")).await.expect_problem(422, "unknown_parameter");

    // A file that is not what it was is not handed on.
    let raw = std::fs::read_dir(app.storage().join(&id).join("raw")).unwrap().next().unwrap().unwrap().path();
    let bytes = std::fs::read(&raw).unwrap();
    std::fs::write(&raw, [&bytes[..bytes.len() - 2], b"3\n"].concat()).unwrap();
    app.get(&path).await.expect_problem(409, "file_damaged");
    std::fs::remove_file(&raw).unwrap();
    app.get(&path).await.expect_problem(409, "file_damaged");
}

/// What is known of a site stands in the `session.json` of each of its sessions.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_bundle_tells_of_a_site_is_known_to_its_other_sessions() {
    let (here, there) = (TestApp::start().await, TestApp::start().await);
    let id = small(&here, "b", &[("timezone", "UTC"), ("site", "S")]).await;
    let price = json!({"energy_price": {"currency": "TWD", "per_kwh": 3.5}});
    here.request(Method::PUT, "/api/sites/S", |request| request.json(&price)).await.expect(200);
    let other = small(&there, "c", &[("timezone", "UTC"), ("site", "S")]).await;
    import(&there, bundle(&here, &id).await).await.expect(201);
    let document = |id: &str| -> Value {
        serde_json::from_slice(&std::fs::read(there.storage().join(id).join("session.json")).unwrap()).unwrap()
    };
    for id in [&id, &other] {
        assert_eq!(document(id)["energy_price"]["per_kwh"], 3.5);
    }
    let folder = there.stop().await;
    let output = Process::command(folder.path(), &["doctor", "--json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["outdated_snapshots"], json!([]), "{report}");
}

/// Whoever comes second finds it here.
#[tokio::test(flavor = "multi_thread")]
async fn two_imports_at_once_make_one_session() {
    let (here, there) = (TestApp::start().await, TestApp::start().await);
    let id = small(&here, "a", &[("timezone", "UTC")]).await;
    let whole = bundle(&here, &id).await;
    let (a, b, c) =
        tokio::join!(import(&there, whole.clone()), import(&there, whole.clone()), import(&there, whole.clone()));
    let mut statuses = [a.status, b.status, c.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 201], "{} {} {}", a.text(), b.text(), c.text());
    assert!(bundle(&there, &id).await == whole);
}

/// On the command line, beside a running server.
#[tokio::test(flavor = "multi_thread")]
async fn bundles_are_written_and_brought_in_by_commands() {
    let (here, there) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (a, b) = (Process::serve(here.path(), &[]), Process::serve(there.path(), &[]));
    let client = Client::of(&a);
    let report = b"time,kw\n2020-01-01 00:00,1\n2020-01-01 00:15,2\n".to_vec();
    let id = client.upload("kw.csv", report).await.unwrap()["session_id"].as_str().unwrap().to_owned();
    client.post("/api/parse", &json!({"session_id": id})).await.unwrap();
    let file = here.path().join("kw.zip");
    let run = |folder: &Path, arguments: &[&str]| {
        let output = Process::command(folder, arguments).output().unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let shown = file.display().to_string();
    let (code, _, said) = run(here.path(), &["bundle", &id[..13], "-o", &shown]);
    assert!(code == 0 && said.contains("3 files"), "{said}");
    assert_eq!(std::fs::read(&file).unwrap(), client.get(&format!("/api/sessions/{id}/bundle.zip")).await.1);
    let (code, said, error) = run(there.path(), &["import", &shown]);
    assert!(code == 0 && said.contains(&id) && said.contains("brought in"), "{said}{error}");
    let (code, said, _) = run(there.path(), &["import", "--json", &shown]);
    let answer: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &answer[0]["imported"]), (0, &json!(false)));
    let copy = Client::of(&b).get(&format!("/api/sessions/{id}/bundle.zip")).await;
    assert_eq!((copy.0, copy.1.to_vec()), (200, std::fs::read(&file).unwrap()));
    let (code, _, error) = run(there.path(), &["import", "nowhere.zip"]);
    assert!(code != 0 && error.contains("there is no such file"), "{error}");
    let (code, _, error) = run(there.path(), &["import", &shown, "--name", "x"]);
    assert!(code != 0 && error.contains("leave name out"), "{error}");
}

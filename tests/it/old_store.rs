//! A whole store as an earlier program left it when it was killed at work (`tests/fixtures/old_store`, made with commit
//! 4d8430b): it is migrated and served as that program served it, and no byte of its files changes.
//!
//! `answers.json.zst` holds what that program answered, and the files' hashes by another reader.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::helpers::{Client, Process};

static SAID: LazyLock<Value> = LazyLock::new(|| serde_json::from_slice(&fixture("answers.json.zst")).unwrap());
static FILES: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(|| {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(fixture("store.zip.zst"))).unwrap();
    let mut files = BTreeMap::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        files.insert(file.name().unwrap().into_owned(), bytes);
    }
    files
});

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/old_store").join(name);
    zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap()
}

/// The store in a folder of its own, as the program left it.
fn left() -> Arc<TempDir> {
    let folder = TempDir::new().unwrap();
    for (name, bytes) in FILES.iter() {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    Arc::new(folder)
}

/// Where `now` does not say what `then` did; it may say more.
fn differences(then: &Value, now: &Value, at: &str, found: &mut Vec<String>) {
    match (then, now) {
        (Value::Object(then), Value::Object(now)) => {
            for (name, value) in then {
                differences(value, now.get(name).unwrap_or(&Value::Null), &format!("{at}.{name}"), found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (then, now)) in a.iter().zip(b).enumerate() {
                differences(then, now, &format!("{at}[{index}]"), found);
            }
        }
        _ if then == now => {}
        _ => found.push(format!("{at}: {} was {}", brief(now), brief(then))),
    }
}

fn brief(value: &Value) -> String {
    value.to_string().chars().take(200).collect()
}

async fn ask(client: &Client, path: &str) -> Value {
    let (status, body) = client.get(path).await;
    assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
    if path.contains("data.csv") { json!(hash(&body)) } else { serde_json::from_slice(&body).unwrap() }
}

fn hash(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// The one of `rows` that is the same thing as `row`.
fn same<'a>(row: &Value, rows: &'a Value) -> &'a Value {
    let id = ["job_id", "id", "session_id"].into_iter().find(|id| row[*id].is_string()).unwrap();
    let found = rows.as_array().unwrap().iter().find(|other| other[id] == row[id]);
    found.unwrap_or_else(|| panic!("{} is gone", row[id]))
}

/// Stands in that place now, whatever has come beside it.
fn pick(then: &Value, now: &Value, list: &str) -> Value {
    let kept: Vec<&Value> = then[list].as_array().unwrap().iter().map(|row| same(row, &now[list])).collect();
    let mut picked = now.clone();
    picked[list] = json!(kept);
    picked
}

async fn work_done(client: &Client) -> Value {
    let patience = Instant::now() + Duration::from_secs(20);
    loop {
        let jobs = ask(client, "/api/jobs").await;
        if jobs["items"].as_array().unwrap().iter().all(|job| job["finished_at"].is_string()) {
            return jobs;
        }
        assert!(Instant::now() < patience, "{jobs}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Everything is answered as it was, the work that was cut off is done, and nothing is damaged.
async fn expect_served(folder: &Path) {
    let server = Process::serve(folder, &[]);
    let client = Client::of(&server);
    // One ran, four waited; the others had ended.
    let jobs = work_done(&client).await;
    let attempts: Vec<&Value> = jobs["items"].as_array().unwrap().iter().map(|job| &job["attempts"]).collect();
    assert_eq!(
        (&jobs["total"], attempts),
        (
            &json!(10),
            vec![
                &json!(1),
                &json!(1),
                &json!(1),
                &json!(1),
                &json!(2),
                &json!(1),
                &json!(1),
                &json!(1),
                &json!(1),
                &json!(1)
            ]
        ),
        "{jobs}"
    );
    assert!(jobs["items"].as_array().unwrap().iter().all(|job| job["status"] == "completed"), "{jobs}");

    let plant = SAID["sessions"]["plant"].as_str().unwrap();
    let mut found = Vec::new();
    for (path, then) in SAID["answers"].as_object().unwrap() {
        let mut then = then.clone();
        let mut now = ask(&client, path).await;
        // The work that was cut off makes versions of this session.
        if path == "/api/sessions" {
            for answer in [&mut then, &mut now] {
                let rows = answer["items"].as_array_mut().unwrap().iter_mut();
                rows.filter(|row| row["session_id"] == plant).for_each(|row| row["updated_at"] = Value::Null);
            }
        } else if path == &format!("/api/sessions/{plant}") {
            now = pick(&then, &now, "versions");
            [&mut then, &mut now].into_iter().for_each(|answer| answer["updated_at"] = Value::Null);
        } else if path == &format!("/api/sessions/{plant}/lineage") {
            (now, then["edges"]) = (pick(&then, &now, "nodes"), Value::Null);
            now["edges"] = Value::Null;
        } else if path == "/api/jobs" {
            now = pick(&then, &now, "items");
            now["total"] = then["total"].clone();
        }
        differences(&then, &now, path, &mut found);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));

    // Its data and its model are worked with as any others.
    let request = json!({"model_name": "plant", "session_id": plant, "version": "cleaned-v1", "algorithm": "physics", "force": true, "wait": true});
    let trained = client.post("/api/models/train", &request).await.unwrap();
    assert_eq!((&trained["version"], &trained["status"]), (&json!("v3"), &json!("completed")), "{trained}");
    let run = &SAID["answers"]["/api/optimizations"]["items"][0];
    let conditions = json!({"CH_SYS_RT": 320, "OAT": 29, "CHP_VFD_OUT": 40, "CT_VFD_OUT": 40});
    let request = json!({"model_name": "plant:production", "input_data": conditions});
    let optimized = client.post("/api/optimize", &request).await.unwrap();
    assert!(run["predicted_power"].is_number());
    assert_eq!(optimized["predicted_power"], run["predicted_power"], "{optimized} {run}");

    // The version that was reserved is given up: its number is not given again.
    let cut = &SAID["sessions"]["cut"];
    let parsed = client.post("/api/parse", &json!({"session_id": cut, "force": true})).await.unwrap();
    assert_eq!(parsed["version"], "parsed-v3");
    assert!(server.terminate().success());

    for (name, sha256) in SAID["files"].as_object().unwrap() {
        let is_of_data = name.contains("/raw/") || name.ends_with(".parquet") || name.starts_with("models/plant");
        if is_of_data {
            assert_eq!(hash(&std::fs::read(folder.join(name)).unwrap()), sha256.as_str().unwrap(), "{name}");
        }
    }
    let output = Process::command(folder, &["doctor", "--json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["damaged"], &report["outdated_snapshots"]), (&json!([]), &json!([])), "{report}");
}

#[tokio::test]
async fn a_store_of_an_earlier_program_is_served_as_that_served_it() {
    expect_served(left().path()).await;
}

fn dies(folder: &Path, point: &str) {
    let output = Process::command(folder, &["serve", "--crash-at", point]).output().unwrap();
    assert!(!output.status.success() && output.stdout.is_empty(), "{point} was not reached");
}

/// What the database is of, read beside the program.
async fn newest_migration(folder: &Path) -> String {
    let db = opened(folder).await;
    let sql = "SELECT version FROM seaql_migrations ORDER BY version DESC LIMIT 1";
    let row = db.query_one_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap().unwrap();
    db.close().await.unwrap();
    row.try_get("", "version").unwrap()
}

async fn opened(folder: &Path) -> DatabaseConnection {
    let url = format!("sqlite://{}/data/hvac_analytics.db", folder.display());
    Database::connect(ConnectOptions::new(url).max_connections(1).to_owned()).await.unwrap()
}

/// Killed after each step of the migration, at moments that chance on whatever is done then, and when all is committed.
#[tokio::test]
async fn killed_in_the_middle_of_its_migration_a_store_is_served_as_it_was() {
    let folder = left();
    let before = "m000011_version_indexes";
    for point in [
        "m000012_manifests_and_checks",
        "m000013_parse_reports",
        "m000014_manifest_changes",
        "m000015_versions",
        "m000016_removals",
        "m000017_interval_totals",
        "m000018_report_overrides",
        "m000019_optimization_outcomes",
        "m000020_energy_prices",
        "m000021_search",
        "m000022_accounts",
        "m000023_records",
        "m000024_noted_words",
    ] {
        dies(folder.path(), point);
        assert_eq!(newest_migration(folder.path()).await, before, "{point}");
    }
    for delay_ms in [40, 70] {
        let folder = left();
        let mut child = Process::command(folder.path(), &["serve"]).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let newest = newest_migration(folder.path()).await;
        assert!(newest == before || newest == "m000024_noted_words", "{newest} after {delay_ms} ms");
        expect_served(folder.path()).await;
    }
    dies(folder.path(), "migrations.committed");
    assert_eq!(newest_migration(folder.path()).await, "m000024_noted_words");
    expect_served(folder.path()).await;
}

/// A step that fails undoes those before it.
#[tokio::test]
async fn a_migration_that_fails_leaves_the_database_as_it_was() {
    let folder = left();
    let db = opened(folder.path()).await;
    db.execute_unprepared("CREATE TABLE removals (x)").await.unwrap();
    db.close().await.unwrap();
    let output = Process::command(folder.path(), &["serve"]).output().unwrap();
    assert!(!output.status.success());
    assert_eq!(newest_migration(folder.path()).await, "m000011_version_indexes");
    let db = opened(folder.path()).await;
    db.execute_unprepared("DROP TABLE removals").await.unwrap();
    db.close().await.unwrap();
    expect_served(folder.path()).await;
}

/// Without its database: what the files tell is what was told before; and a model of a later program is named.
#[tokio::test]
async fn the_catalogue_of_an_old_store_is_made_of_its_files() {
    let folder = left();
    for file in ["hvac_analytics.db", "hvac_analytics.db-wal"] {
        std::fs::remove_file(folder.path().join("data").join(file)).unwrap();
    }
    let (name, model) = FILES.iter().find(|(name, _)| name.starts_with("models/") && name.contains("plant")).unwrap();
    let text = String::from_utf8(model.clone()).unwrap();
    let newer = text.replacen("\"format_version\":1", "\"format_version\":6", 1);
    assert_ne!(newer, text);
    std::fs::write(folder.path().join(name.replace("-v1.", "-v9.").replace("-v2.", "-v9.")), newer).unwrap();
    let output = Process::command(folder.path(), &["doctor", "--rebuild", "--json"]).output().unwrap();
    let rebuilt: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&rebuilt["sessions"], &rebuilt["unconfirmed"]), (&json!(6), &json!([])), "{rebuilt}");
    assert_eq!(rebuilt["damaged"], json!([]), "{rebuilt}");
    assert!(rebuilt["notes"].to_string().contains("-v9.json: The model file is of format 6"), "{}", rebuilt["notes"]);

    let server = Process::serve(folder.path(), &[]);
    let client = Client::of(&server);
    let mut found = Vec::new();
    for (path, then) in SAID["answers"].as_object().unwrap() {
        // Jobs and optimisations stand in the database alone.
        if !path.contains("/jobs") && !path.contains("/optimizations") {
            let (mut then, mut now) = (then.clone(), ask(&client, path).await);
            if path == "/api/models/plant:production" {
                [&mut then, &mut now].into_iter().for_each(|model| model["optimization_runs"] = Value::Null);
            }
            differences(&then, &now, path, &mut found);
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn refused(folder: &Path) -> String {
    let output = Process::command(folder, &["sessions"]).output().unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn a_newer_store_is_refused_by_name() {
    let folder = left();
    let json = folder.path().join("data/sessions/store.json");
    let today = std::fs::read_to_string(&json).unwrap();
    std::fs::write(&json, today.replace("\"format_version\": 1", "\"format_version\": 7")).unwrap();
    let said = refused(folder.path());
    assert!(said.contains("is of format 7 (store.json)") && said.contains("Use the newer program"), "{said}");
    std::fs::write(&json, today).unwrap();
    let db = opened(folder.path()).await;
    db.execute_unprepared("INSERT INTO seaql_migrations VALUES ('m000099_of_next_year', 0)").await.unwrap();
    db.close().await.unwrap();
    let said = refused(folder.path());
    assert!(said.contains("is of m000099_of_next_year") && said.contains("Use the newer program"), "{said}");
    let db = opened(folder.path()).await;
    db.execute_unprepared("DELETE FROM seaql_migrations WHERE applied_at = 0").await.unwrap();
    db.close().await.unwrap();
    expect_served(folder.path()).await;
}

//! Parquet files of every release that wrote them otherwise (`tests/fixtures/parquet`), brought into a store by
//! `doctor --rebuild` and read through it: the values are those that pyarrow finds in them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::DateTime;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::helpers::{Process, Response, TestApp};

/// A store that has nothing but the files of that release, the session's id, and what the rebuild said.
fn rebuilt(release: &Path, with_manifest: bool) -> (Arc<TempDir>, String, Value) {
    let manifest: Value = serde_json::from_slice(&std::fs::read(release.join("session.json")).unwrap()).unwrap();
    let id = manifest["session"]["id"].as_str().unwrap().to_owned();
    let folder = TempDir::new().unwrap();
    let to = folder.path().join("data/sessions").join(&id);
    std::fs::create_dir_all(&to).unwrap();
    for file in std::fs::read_dir(release).unwrap().map(|entry| entry.unwrap().path()) {
        let is_wanted = if with_manifest { file.ends_with("session.json") } else { false };
        if is_wanted || file.extension().is_some_and(|ending| ending == "parquet") {
            std::fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
        }
    }
    let output = Process::command(folder.path(), &["doctor", "--rebuild", "--json"]).output().unwrap();
    let rebuilt: Value = serde_json::from_slice(&output.stdout).unwrap();
    (Arc::new(folder), id, rebuilt)
}

/// As `file` would be if a later program had written it: of format 9, by the key in the parser version's place.
fn of_format_9(file: &Path) -> (Vec<u8>, Vec<u8>) {
    let before = std::fs::read(file).unwrap();
    let mut bytes = before.clone();
    let (key, new) = (b"hvac.parser_version", b"hvac.format_version");
    let at = bytes.windows(key.len()).position(|found| found == key).unwrap();
    bytes[at..at + key.len()].copy_from_slice(new);
    assert_eq!(&bytes[at + key.len()..at + key.len() + 3], b"\x18\x011", "its value is 1");
    bytes[at + key.len() + 2] = b'9';
    (before, bytes)
}

#[tokio::test]
async fn a_file_and_a_manifest_of_a_later_format_are_refused_by_name() {
    let release = releases().into_iter().find(|path| path.ends_with("2")).unwrap();
    let future = TempDir::new().unwrap();
    let mut manifest = std::fs::read_to_string(release.join("session.json")).unwrap();
    manifest = manifest.replacen("\"format_version\":2", "\"format_version\":3", 1);
    for name in ["cleaned-v1.parquet", "cleaned-v1.events.parquet"] {
        std::fs::copy(release.join(name), future.path().join(name)).unwrap();
    }
    let (before, after) = of_format_9(&release.join("parsed-v1.parquet"));
    std::fs::write(future.path().join("parsed-v1.parquet"), &after).unwrap();
    let sha256 = |bytes: &[u8]| format!("{:x}", Sha256::digest(bytes));
    std::fs::write(future.path().join("session.json"), manifest.replace(&sha256(&before), &sha256(&after))).unwrap();

    let (folder, id, rebuilt) = rebuilt(future.path(), true);
    let notes = rebuilt["notes"].to_string();
    assert!(notes.contains("it is of format 3") && notes.contains("session.json is kept as trash/"), "{notes}");
    assert!(notes.contains(&format!("{id}/parsed-v1.parquet cannot be read")), "{notes}");
    let app = TestApp::start_in(folder, Vec::new()).await.unwrap();
    let problem = app.get(&format!("/api/data/preview?session_id={id}&version=parsed-v1")).await;
    let problem = problem.expect_problem(409, "newer_file");
    assert!(problem["detail"].as_str().unwrap().contains("is of format 9"), "{problem}");
    assert_eq!(app.get(&format!("/api/sessions/{id}")).await.expect(200)["name"], "Kinds");
    app.get(&format!("/api/data/preview?session_id={id}&version=cleaned-v1")).await.expect(200);

    // Without a session.json its reason is told too.
    let (_, _, rebuilt) = self::rebuilt(future.path(), false);
    assert!(rebuilt["notes"].to_string().contains("parsed-v1.parquet: a Parquet file is of format 9"), "{rebuilt}");
}

/// A cell by what it says: its time, its number, or its text.
#[derive(Debug, PartialEq)]
enum Cell {
    Nothing,
    Number(f64),
    Text(String),
}

fn cells(csv: &str) -> Vec<Vec<Cell>> {
    let cell = |text: &str| match text.parse::<f64>() {
        _ if text.is_empty() => Cell::Nothing,
        Ok(number) => Cell::Number(number),
        Err(_) => match DateTime::parse_from_rfc3339(text) {
            Ok(time) => Cell::Number(time.timestamp_millis() as f64),
            Err(_) => Cell::Text(text.to_owned()),
        },
    };
    csv.lines().map(|line| line.split(',').map(cell).collect()).collect()
}

fn releases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/parquet");
    let all = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    all.collect()
}

#[tokio::test]
async fn files_of_every_release_are_read_as_another_reader_reads_them() {
    assert!(releases().len() >= 2);
    for release in releases() {
        for with_manifest in [true, false] {
            let (folder, id, rebuilt) = rebuilt(&release, with_manifest);
            assert_eq!((&rebuilt["sessions"], &rebuilt["unreadable"]), (&json!(1), &json!([])), "{rebuilt}");
            let app = TestApp::start_in(folder, Vec::new()).await.unwrap();
            let get = async |path: &str| -> Response { app.get(path).await };
            // What the reports' systems said of their readings was not kept then.
            get(&format!("/api/data/events?session_id={id}&version=parsed-v1")).await.expect_problem(404, "no_events");
            for version in ["parsed-v1", "cleaned-v1"] {
                let expected = cells(&std::fs::read_to_string(release.join(format!("{version}.csv"))).unwrap());
                let export = get(&format!("/api/sessions/{id}/data.csv?version={version}")).await;
                assert_eq!(export.status, 200, "{}", export.text());
                assert!(cells(&export.text()) == expected, "{}: {version}", release.display());
                let stats =
                    get(&format!("/api/data/stats?session_id={id}&version={version}&column=OAT")).await.expect(200);
                let at = expected[0].iter().position(|name| *name == Cell::Text("OAT".to_owned())).unwrap();
                let numbers = expected[1..].iter().filter_map(|row| match row[at] {
                    Cell::Number(number) => Some(number),
                    _ => None,
                });
                let (least, most) = numbers.fold((f64::MAX, f64::MIN), |(a, b), n| (a.min(n), b.max(n)));
                assert_eq!(
                    (&stats["count"], &stats["min"], &stats["max"]),
                    (&json!(960), &json!(least), &json!(most)),
                    "{stats}"
                );
                let preview =
                    get(&format!("/api/data/preview?session_id={id}&version={version}&rows=5")).await.expect(200);
                assert_eq!(preview["total_rows"], 960, "{preview}");
            }
            let events = get(&format!("/api/data/events?session_id={id}&version=cleaned-v1")).await.expect(200);
            let event = &events["items"][0];
            assert_eq!(
                (&events["total"], &event["rule"], &event["column"], &event["rows"]),
                (&json!(1), &json!("frozen"), &json!("CHWST"), &json!(60)),
                "{events}"
            );
            let cleaned = app
                .post("/api/clean", &json!({"session_id": id, "dataset_id": "parsed-v1", "resample_interval": "1h"}))
                .await
                .expect(200);
            assert_eq!(cleaned["version"], "cleaned-v2", "{cleaned}");
        }
    }
}

//! Everything that is a file, stored or made: its length, its parts, its tag, what is kept of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::helpers::{Client, Process, TestApp};

/// Two weeks of a plant, from the samples: a session with a cleaned version and a model.
struct Plant {
    id: String,
}

async fn plant(app: &TestApp) -> Plant {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/samples");
    let mut files = Vec::new();
    for name in ["TR_DEMO_PLANT_240701-240707.csv", "TR_DEMO_TEMP_240701-240707.csv", "TR_DEMO_METER_240701-240707.csv"]
    {
        files.push((name, std::fs::read(samples.join(name)).unwrap()));
    }
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    let id = app.parsed(&files, &[("timezone", "Asia/Taipei"), ("name", "Plant")]).await["session_id"].clone();
    let id = id.as_str().unwrap().to_owned();
    app.post("/api/clean", &json!({"session_id": id})).await.expect(200);
    let request = json!({
        "model_name": "plant", "session_id": id, "interval": "30m", "algorithm": "physics", "wait": true,
    });
    app.post("/api/models/train", &request).await.expect(200);
    Plant { id }
}

impl Plant {
    /// Path, content type, whether it is made.
    fn files(&self) -> Vec<(String, &'static str, bool)> {
        let session = format!("/api/sessions/{}", self.id);
        vec![
            (format!("{session}/data.parquet"), "application/vnd.apache.parquet", false),
            (format!("{session}/events.parquet"), "application/vnd.apache.parquet", false),
            ("/api/models/plant/file".to_owned(), "application/json", false),
            (format!("{session}/data.csv"), "text/csv; charset=utf-8", true),
            (format!("{session}/data.csv?version=parsed"), "text/csv; charset=utf-8", true),
            (format!("{session}/data.arrow"), "application/vnd.apache.arrow.file", true),
            ("/api/models/plant/scoring-table.csv".to_owned(), "text/csv; charset=utf-8", true),
        ]
    }
}

/// Bytes that are kept below the storage under staging names.
fn kept(storage: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    for folder in std::fs::read_dir(storage).unwrap().map(Result::unwrap) {
        if folder.file_name().to_string_lossy().starts_with(".staging-") {
            for file in std::fs::read_dir(folder.path()).into_iter().flatten().map(Result::unwrap) {
                found.push((file.path(), file.metadata().map_or(0, |m| m.len())));
            }
        }
    }
    found
}

#[tokio::test]
async fn every_file_has_a_length_parts_and_one_strong_tag() {
    let app = TestApp::start().await;
    let plant = plant(&app).await;
    let mut tags = Vec::new();
    for (path, content_type, _) in plant.files() {
        // Of a made one, this is the first that is heard of it.
        let head = app.head_with(&path, &[("accept-encoding", "gzip")]).await;
        let whole = app.get(&path).await;
        let size = whole.body.len();
        assert_eq!((head.status, head.header("content-length")), (200, size.to_string().as_str()), "{path}");
        assert!(size > 1000, "{path}");
        let tag = whole.header("etag").to_owned();
        assert!(tag.starts_with('"') && tag.len() == 66, "{path}: {tag}");
        for answer in [&head, &whole] {
            assert_eq!(answer.header("accept-ranges"), "bytes", "{path}");
            assert_eq!((answer.header("etag"), answer.header("content-type")), (tag.as_str(), content_type), "{path}");
            assert_eq!(answer.header("content-encoding"), "", "{path}");
            assert!(answer.header("content-disposition").starts_with("attachment; filename="), "{path}");
        }
        let packed = app.get_with(&path, &[("accept-encoding", "gzip")]).await;
        assert_eq!((&packed.body, packed.header("etag")), (&whole.body, tag.as_str()), "{path}");
        assert_eq!(
            (packed.header("content-encoding"), packed.header("content-length")),
            ("", size.to_string().as_str())
        );

        for (range, part) in [
            ("bytes=0-3".to_owned(), 0..4),
            ("bytes=-8".to_owned(), size - 8..size),
            ("bytes=10-".to_owned(), 10..size),
            ("bytes=4-999999999".to_owned(), 4..size),
            (format!("bytes={}-", size - 1), size - 1..size),
        ] {
            let answer = app.get_with(&path, &[("range", &range)]).await;
            assert_eq!((answer.status, &answer.body), (206, &whole.body.slice(part.clone())), "{path} {range}");
            let said = format!("bytes {}-{}/{size}", part.start, part.end - 1);
            assert_eq!(
                (answer.header("content-range"), answer.header("etag")),
                (said.as_str(), tag.as_str()),
                "{path}"
            );
            assert_eq!(answer.header("content-length"), part.len().to_string(), "{path} {range}");
        }
        for ignored in ["bytes=0-1,5-6", "bytes=9-1", "rows=0-1", "bytes=x-", "bytes="] {
            let answer = app.get_with(&path, &[("range", ignored)]).await;
            assert_eq!((answer.status, answer.body.len()), (200, size), "{path} {ignored}");
        }
        for beyond in [format!("bytes={size}-"), "bytes=-0".to_owned()] {
            let answer = app.get_with(&path, &[("range", &beyond)]).await;
            answer.expect_problem(416, "range_not_satisfiable");
            assert_eq!(answer.header("content-range"), format!("bytes */{size}"), "{path}");
        }
        let head = app.head_with(&path, &[("range", "bytes=0-3")]).await;
        assert_eq!((head.status, head.header("content-length")), (200, size.to_string().as_str()), "{path}");

        let weak = format!("W/{tag}");
        for (name, value, status) in [
            ("if-range", tag.as_str(), 206),
            ("if-range", "\"other\"", 200),
            ("if-range", weak.as_str(), 200),
            ("if-range", "Wed, 21 Oct 2015 07:28:00 GMT", 200),
            ("if-none-match", weak.as_str(), 304),
            ("if-none-match", "\"other\"", 206),
            ("if-match", tag.as_str(), 206),
            ("if-match", "*", 206),
            ("if-match", "\"other\"", 412),
        ] {
            let answer = app.get_with(&path, &[("range", "bytes=0-3"), (name, value)]).await;
            assert_eq!(answer.status, status, "{path} {name}: {value}");
            let length = match status {
                206 => 4,
                200 => size,
                304 => 0,
                _ => answer.body.len(),
            };
            assert_eq!(answer.body.len(), length, "{path} {name}: {value}");
        }
        tags.push(tag);
    }
    let count = tags.len();
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), count, "two files under one tag: {tags:?}");
}

#[tokio::test]
async fn what_cannot_be_kept_has_neither_length_nor_parts() {
    for bound in ["0", "500"] {
        let app = TestApp::start_with(&[("DOWNLOADS_MAX_BYTES", bound)]).await;
        let plant = plant(&app).await;
        for (path, _, made) in plant.files() {
            let (head, whole) = (app.head_with(&path, &[]).await, app.get(&path).await);
            let part = app.get_with(&path, &[("range", "bytes=0-3")]).await;
            assert_eq!((head.status, whole.status), (200, 200), "{path}");
            assert_eq!(part.status, if made { 200 } else { 206 }, "{path}");
            for answer in [&head, &whole, &part].iter().filter(|_| made) {
                assert_eq!(answer.headers.get("content-length"), None, "{path}");
                assert_eq!(answer.headers.get("accept-ranges"), None, "{path}");
            }
            assert!(whole.body.len() > 1000, "{path}");
            assert_eq!(part.body.len(), if made { whole.body.len() } else { 4 }, "{path}");
        }
        assert_eq!(kept(&app.storage()), [], "{bound}");
    }
}

#[tokio::test]
async fn made_files_are_the_same_each_time_and_however_they_are_made() {
    let kept = TestApp::start().await;
    let plant = plant(&kept).await;
    let made = plant.files().into_iter().filter_map(|(path, _, made)| made.then_some(path));
    let parts = ["parquet", "arrow", "csv"].map(|form| {
        format!("/api/sessions/{}/data.{form}?every=1h&from=2024-07-02&columns=CHWST,CH_1_S,CH_SYS_TOTAL_KWH", plant.id)
    });
    let paths: Vec<String> = made.chain(parts).collect();
    let mut bodies = Vec::new();
    for path in &paths {
        bodies.push(kept.get(path).await.body);
    }
    let unkept = TestApp::start_in(kept.stop().await, vec![("DOWNLOADS_MAX_BYTES", "0".to_owned())]).await.unwrap();
    for (path, body) in paths.iter().zip(bodies) {
        assert!(unkept.get(path).await.body == body, "{path}");
    }
}

#[tokio::test]
async fn the_folder_is_bounded_and_goes_with_the_server() {
    let app = TestApp::start_with(&[("DOWNLOADS_MAX_BYTES", "150000")]).await;
    let plant = plant(&app).await;
    let before = kept(&app.storage());
    assert_eq!(before, []);
    for _ in 0..2 {
        for (path, _, _) in plant.files() {
            let answer = app.get(&path).await;
            let length = app.head_with(&path, &[]).await.header("content-length").parse::<usize>().unwrap_or(0);
            assert!(length == 0 || length == answer.body.len(), "{path}");
            let bytes: u64 = kept(&app.storage()).iter().map(|(_, bytes)| bytes).sum();
            assert!(bytes <= 150_000, "{bytes} after {path}");
        }
    }
    assert!(!kept(&app.storage()).is_empty());
    // For ever: also what was made of it.
    app.delete("/api/models/plant?force=true").await.expect(204);
    app.delete(&format!("/api/sessions/{}?purge=true", plant.id)).await;
    assert_eq!(kept(&app.storage()), []);
    let folder = app.stop().await;
    let left: Vec<_> = std::fs::read_dir(folder.path().join("data/sessions")).unwrap().map(Result::unwrap).collect();
    assert!(left.iter().all(|entry| !entry.file_name().to_string_lossy().starts_with(".staging")), "{left:?}");
}

#[tokio::test]
async fn what_a_kill_leaves_is_swept_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::serve(folder.path(), &[]);
    let client = Client::of(&server);
    let uploaded = client.upload("a.csv", b"time,a\n2020-01-01 00:00,1\n2020-01-01 00:15,2\n".to_vec()).await.unwrap();
    let parsed = client.post("/api/parse", &json!({"session_id": uploaded["session_id"]})).await.unwrap();
    let id = parsed["session_id"].as_str().unwrap();
    let (status, csv) = client.get(&format!("/api/sessions/{id}/data.csv")).await;
    let storage = folder.path().join("data/sessions");
    assert_eq!((status, kept(&storage).len(), kept(&storage)[0].1), (200, 1, csv.len() as u64));
    server.kill_9();
    assert_eq!(kept(&storage).len(), 1);
    let server = Process::serve(folder.path(), &[]);
    assert_eq!(kept(&storage), []);
    let (_, again) = Client::of(&server).get(&format!("/api/sessions/{id}/data.csv")).await;
    assert_eq!(again, csv);
    let report = Process::command(folder.path(), &["doctor", "--json"]).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!((&report["damaged"], &report["orphans"]), (&json!([]), &json!([])), "{report}");
}

#[tokio::test]
async fn a_client_that_hangs_up_ends_the_work_and_leaves_nothing_half() {
    let app = TestApp::start().await;
    let mut report = "time,kw\n".to_owned();
    for minute in 0..200_000_u32 {
        report += &format!("{},{:.1}\n", 1_577_836_800 + minute * 60, f64::from(minute % 977) / 10.0);
    }
    let id = app.parsed(&[("long.csv", report.as_bytes())], &[("timezone", "UTC")]).await["session_id"].clone();
    let path = format!("/api/sessions/{}/data.csv", id.as_str().unwrap());
    let mut answer = app.client.get(app.url(&path)).send().await.unwrap();
    answer.chunk().await.unwrap().unwrap();
    drop(answer);
    tokio::time::sleep(Duration::from_millis(300)).await;
    // Either it was whole by then, or nothing is left of it: never a part under the file's name.
    let head = app.head_with(&path, &[]).await;
    let whole = app.get(&path).await.body;
    assert_eq!(head.header("content-length"), whole.len().to_string());
    assert_eq!(kept(&app.storage()).iter().map(|(_, bytes)| *bytes).collect::<Vec<_>>(), [whole.len() as u64]);
}

/// Whatever is compressed says so under a weak tag or none, and caches can tell the two apart.
#[tokio::test]
async fn no_strong_tag_is_of_two_encodings() {
    let app = TestApp::start().await;
    let plant = plant(&app).await;
    let id = &plant.id;
    let mut paths: Vec<String> = plant.files().into_iter().map(|(path, ..)| path).collect();
    paths.extend([
        "/".to_owned(),
        app.page_file("app.js").await,
        app.page_file("style.css").await,
        "/docs/swagger-ui.css".to_owned(),
        "/api/openapi.json".to_owned(),
        "/api/sessions".to_owned(),
        "/api/models/plant".to_owned(),
        format!("/api/data/preview?session_id={id}&rows=500"),
        format!("/api/data/stats?session_id={id}"),
        format!("/api/data/series?session_id={id}"),
        format!("/api/data/quality?session_id={id}"),
        format!("/api/data/correlation?session_id={id}"),
        format!("/api/data/preview?session_id={id}&rows=0"),
    ]);
    let mut compressed = 0;
    for path in paths {
        let (plain, packed) = (app.get(&path).await, app.get_with(&path, &[("accept-encoding", "gzip")]).await);
        let vary = |answer: &crate::helpers::Response| {
            answer.headers.get_all("vary").iter().any(|value| value.to_str().unwrap().contains("accept-encoding"))
        };
        let is_packed = packed.header("content-encoding") == "gzip";
        compressed += usize::from(is_packed);
        assert_eq!((vary(&plain), vary(&packed)), (is_packed, is_packed), "{path}");
        for answer in [&plain, &packed] {
            let tag = answer.header("etag");
            assert!(!is_packed || tag.is_empty() || tag.starts_with("W/"), "{path}: {tag}");
        }
        // HEAD says the length that GET sends, or none, and never 0.
        for encoding in ["identity", "gzip"] {
            let asked = [("accept-encoding", encoding)];
            let (head, get) = (
                app.head_with(&path, &asked).await,
                app.request(Method::GET, &path, |request| request.header("accept-encoding", encoding)).await,
            );
            assert_eq!(head.status, get.status, "{path}");
            let said = head.header("content-length");
            assert!(
                said.is_empty() || said == get.body.len().to_string(),
                "{path} {encoding}: {said}, {}",
                get.body.len()
            );
        }
    }
    assert!(compressed > 5, "{compressed}");
}

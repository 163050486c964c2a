//! Files that are handed over: stored, listed, read in parts, linked, deleted, gone by themselves; in a folder and in a
//! bucket of an S3 server of this process.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hyper_util::rt::TokioIo;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::helpers::{Client, Process, Response, TestApp};

const FILES: &str = "/api/v1/storage/files";
const SECRET: &str = "PLANTED-bucket-secret";

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes that no compression and no mistake of order leaves as they are.
fn bytes(count: usize) -> Vec<u8> {
    let mut random = 1_u64;
    let next = |_| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 56) as u8
    };
    (0..count).map(next).collect()
}

async fn handed_over(app: &TestApp, name: &str, bytes: &[u8], hours: Option<&str>) -> Response {
    let part = Part::bytes(bytes.to_vec()).file_name(name.to_owned()).mime_str("image/png").unwrap();
    let mut form = Form::new().part("file", part);
    if let Some(hours) = hours {
        form = form.text("expires_in_hours", hours.to_owned());
    }
    app.request(Method::POST, FILES, |request| request.multipart(form)).await
}

/// A bucket of a server of its own, which ends with the test.
struct Bucket {
    folder: TempDir,
    endpoint: String,
}

impl Bucket {
    async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("files")).unwrap();
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single("someone", SECRET));
        let service = builder.build();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let server = hyper::server::conn::http1::Builder::new();
                    let _ = server.serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
        Self { folder, endpoint }
    }

    fn settings(&self) -> Vec<(&'static str, &str)> {
        vec![
            ("FILES_S3_BUCKET", "files"),
            ("FILES_S3_ENDPOINT", &self.endpoint),
            ("FILES_S3_ACCESS_KEY_ID", "someone"),
            ("FILES_S3_SECRET_ACCESS_KEY", SECRET),
        ]
    }
}

/// Files below a folder, but for what the S3 server of the tests keeps for itself.
fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(below(&path));
        } else if !path.file_name().unwrap().to_string_lossy().starts_with('.') {
            found.push(path);
        }
    }
    found
}

async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Everything that is the same wherever files lie, which is below `place`.
async fn stores_files(app: &TestApp, place: &Path) {
    for size in [0, 1, 100_000, 9_000_001] {
        let content = bytes(size);
        let answer = handed_over(app, "fläche \"7\".png", &content, None).await;
        let stored = answer.expect(201);
        let id = stored["id"].as_str().unwrap();
        assert_eq!(answer.header("location"), format!("{FILES}/{id}"));
        assert_eq!((&stored["size_bytes"], &stored["sha256"]), (&json!(size), &json!(hex(&content))));
        assert_eq!((&stored["name"], &stored["content_type"]), (&json!("fläche \"7\".png"), &json!("image/png")));
        assert_eq!(stored["expires_at"], Value::Null);

        let path = format!("{FILES}/{id}");
        let whole = app.get(&path).await;
        assert_eq!((whole.status, whole.body == content), (200, true));
        let etag = format!("\"{}\"", hex(&content));
        assert_eq!((whole.header("etag"), whole.header("content-type")), (etag.as_str(), "application/octet-stream"));
        assert!(whole.header("content-disposition").starts_with("attachment;"));
        let head = app.head_with(&path, &[]).await;
        assert_eq!((head.status, head.header("content-length")), (200, size.to_string().as_str()));
        assert_eq!(app.get_with(&path, &[("if-none-match", &etag)]).await.status, 304);
        if size > 10 {
            let part = app.get_with(&path, &[("range", "bytes=-7")]).await;
            assert_eq!((part.status, part.body == content[size - 7..]), (206, true));
            let part = app.get_with(&path, &[("range", &format!("bytes=5-{}", size - 2))]).await;
            assert_eq!((part.status, part.body == content[5..size - 1]), (206, true));
        }
        app.get_with(&path, &[("range", &format!("bytes={size}-"))]).await.expect(416);
    }
    let list = app.get(&format!("{FILES}?sort_by=size_bytes&order=desc&page_size=2")).await.expect(200);
    let sizes: Vec<u64> =
        list["items"].as_array().unwrap().iter().map(|file| file["size_bytes"].as_u64().unwrap()).collect();
    assert_eq!((list["total"].as_u64(), sizes), (Some(4), vec![9_000_001, 100_000]));
    let by_bytes = app.get(&format!("{FILES}?sha256={}", hex(&bytes(1)))).await.expect(200);
    assert_eq!(by_bytes["total"], 1);
    assert_eq!(below(place).len(), 4);

    let id = by_bytes["items"][0]["id"].as_str().unwrap();
    app.delete(&format!("{FILES}/{id}")).await.expect(204);
    app.get(&format!("{FILES}/{id}")).await.expect_problem(404, "unknown_stored_file");
    app.delete(&format!("{FILES}/{id}")).await.expect_problem(404, "unknown_stored_file");
    assert_eq!((app.get(FILES).await.expect(200)["total"].as_u64(), below(place).len()), (Some(3), 3));

    // What is wrong is told, and leaves nothing.
    handed_over(app, "a", b"x", Some("0")).await.expect_problem(422, "out_of_range");
    handed_over(app, "a", b"x", Some("soon")).await.expect_problem(422, "out_of_range");
    let nothing = Form::new().text("expires_in_hours", "1");
    app.request(Method::POST, FILES, |request| request.multipart(nothing)).await.expect_problem(422, "no_files");
    let unnamed = Form::new().part("file", Part::bytes(&b"x"[..]));
    app.request(Method::POST, FILES, |request| request.multipart(unnamed)).await.expect_problem(422, "no_file_name");
    let two = || Part::bytes(&b"x"[..]).file_name("a");
    let twice = Form::new().part("file", two()).part("file", two());
    app.request(Method::POST, FILES, |request| request.multipart(twice)).await.expect_problem(422, "repeated_field");
    app.post(FILES, &json!({})).await.expect_problem(415, "not_multipart");
    app.get(&format!("{FILES}?nmae=x")).await.expect_problem(422, "unknown_parameter");
    app.get(&format!("{FILES}?sort_by=place")).await.expect_problem(422, "unknown_sort");
    app.get(&format!("{FILES}/..%2f..%2fdata%2fhvac_analytics.db")).await.expect_problem(404, "unknown_stored_file");
    until("what was refused left nothing", async || below(place).len() == 3).await;

    // By the audit list who did it can be told.
    let done = app.get("/api/v1/audit?page_size=100").await.expect(200).to_string();
    assert!(done.contains("file.upload") && done.contains("file.delete"), "{done}");
}

#[tokio::test]
async fn files_in_a_folder() {
    let app = TestApp::start().await;
    let folder = app.folder.path().join("files");
    stores_files(&app, &folder).await;
    let app = app.restart().await;
    assert_eq!(app.get(FILES).await.expect(200)["total"], 3);
    // Somebody takes the bytes away.
    let id = app.get(FILES).await.expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
    below(&folder).iter().filter(|path| path.ends_with(&id)).for_each(|path| std::fs::remove_file(path).unwrap());
    app.get(&format!("{FILES}/{id}")).await.expect_problem(409, "file_missing");
}

#[tokio::test]
async fn files_in_a_bucket() {
    let bucket = Bucket::start().await;
    let app = TestApp::start_with(&bucket.settings()).await;
    stores_files(&app, &bucket.folder.path().join("files")).await;
    assert!(below(&app.folder.path().join("files")).is_empty());
    // Its own pre-signed link: the bytes come from the bucket.
    let id = app.get(FILES).await.expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
    let link = app.post(&format!("{FILES}/{id}/links"), &json!({"minutes": 5})).await.expect(201);
    let url = link["url"].as_str().unwrap();
    assert!(url.starts_with(&bucket.endpoint) && url.contains("X-Amz-Signature=") && !url.contains(SECRET), "{url}");
    let answer = app.client.get(url).send().await.unwrap();
    let (status, linked) = (answer.status(), answer.bytes().await.unwrap());
    assert_eq!(
        (status.as_u16(), hex(&linked)),
        (200, app.get(FILES).await.expect(200)["items"][0]["sha256"].as_str().unwrap().to_owned())
    );
    let forged = app.client.get(url.replace("X-Amz-Expires=300", "X-Amz-Expires=301")).send().await.unwrap();
    assert_eq!(forged.status().as_u16(), 403);
    assert!(!app.get("/api/v1/system/config").await.text().contains(SECRET));
}

#[tokio::test]
async fn a_bucket_that_is_away_is_told_and_nothing_is_half_there() {
    let settings = [
        ("FILES_S3_BUCKET", "files"),
        ("FILES_S3_ENDPOINT", "http://127.0.0.1:1"),
        ("FILES_S3_ACCESS_KEY_ID", "someone"),
        ("FILES_S3_SECRET_ACCESS_KEY", SECRET),
    ];
    let app = TestApp::start_with(&settings).await;
    let answer = handed_over(&app, "a.png", b"abc", None).await;
    let problem = answer.expect_problem(503, "files_unavailable");
    assert!(!problem.to_string().contains("127.0.0.1:1") && !problem.to_string().contains(SECRET), "{problem}");
    assert_eq!(app.get(FILES).await.expect(200)["total"], 0);
}

#[tokio::test]
async fn a_link_opens_its_file_and_nothing_else() {
    let app = TestApp::start().await;
    let stored = |answer: Response| answer.expect(201)["id"].as_str().unwrap().to_owned();
    let (one, other) =
        (stored(handed_over(&app, "a", b"one", None).await), stored(handed_over(&app, "b", b"other", None).await));
    let link = app.post(&format!("{FILES}/{one}/links"), &json!({})).await.expect(201);
    let path = link["url"].as_str().unwrap();
    assert!(path.starts_with(&format!("{FILES}/{one}?link=hvacf_")), "{path}");
    assert_eq!(app.get(path).await.text(), "one");
    assert_eq!(app.head_with(path, &[]).await.status, 200);
    let secret = path.split_once("link=").unwrap().1;
    let with_link = |path: &str| format!("{path}?link={secret}");
    app.get(&with_link(&format!("{FILES}/{other}"))).await.expect_problem(403, "forbidden");
    app.get(&with_link(FILES)).await.expect_problem(403, "forbidden");
    app.get(&with_link("/api/v1/sessions")).await.expect_problem(403, "forbidden");
    app.delete(&with_link(&format!("{FILES}/{one}"))).await.expect_problem(403, "forbidden");
    app.get(&format!("{FILES}/{one}?link=hvacf_{}", "A".repeat(43))).await.expect_problem(401, "bad_link");
    app.post(&format!("{FILES}/{one}/links"), &json!({"minutes": 10_081})).await.expect_problem(422, "out_of_range");
    app.post(&format!("{FILES}/none/links"), &json!({})).await.expect_problem(404, "unknown_stored_file");
    // It ends with its file.
    app.delete(&format!("{FILES}/{one}")).await.expect(204);
    app.get(path).await.expect_problem(401, "bad_link");
    // Made-up ones are guesses: of many, none is looked at any more.
    for _ in 0..12 {
        app.get(&format!("{FILES}/{other}?link=hvacf_{}", "B".repeat(43))).await;
    }
    app.get(&format!("{FILES}/{other}?link=hvacf_{}", "B".repeat(43))).await.expect_problem(429, "locked_out");
}

#[tokio::test]
async fn a_file_that_is_too_long_or_breaks_off_leaves_nothing() {
    let app = TestApp::start_with(&[("MAX_UPLOAD_BYTES", "20000000")]).await;
    let folder = app.folder.path().join("files");
    handed_over(&app, "a", &bytes(20_000_001), None).await.expect_problem(413, "upload_too_large");
    // A client that goes away in the middle of the second part.
    let chunks = futures_util::stream::iter((0..12_u8).map(|number| match number {
        11 => Err(std::io::Error::other("gone")),
        number => Ok(vec![number; 1_000_000]),
    }));
    let part = Part::stream(reqwest::Body::wrap_stream(chunks)).file_name("b");
    let request = app.client.post(app.url(FILES)).multipart(Form::new().part("file", part));
    request.send().await.unwrap_err();
    until("nothing is left", async || below(&folder).is_empty()).await;
    assert_eq!(app.get(FILES).await.expect(200)["total"], 0);
}

/// Killed in the middle of uploads: what was acknowledged is there with all its bytes, and nothing else is.
#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_uploads_only_whole_files_are_there() {
    let folder = TempDir::new().unwrap();
    let content = bytes(9_000_000);
    let mut acknowledged = Vec::new();
    for round in 0..6_u64 {
        let server = Process::serve(folder.path(), &[]);
        let client = Client::of(&server);
        let uploads = (0..3).map(|number| {
            let (client, base, content) = (client.client.clone(), client.base.clone(), content.clone());
            async move {
                let mut done = Vec::new();
                for turn in 0..50 {
                    let size = if (turn + number) % 2 == 0 { content.len() } else { 1000 };
                    let part = Part::bytes(content[..size].to_vec()).file_name("f");
                    let sent =
                        client.post(format!("{base}{FILES}")).multipart(Form::new().part("file", part)).send().await;
                    let Ok(answer) = sent else { break };
                    let Ok(stored) = answer.json::<Value>().await else { break };
                    done.push((stored["id"].as_str().unwrap().to_owned(), size));
                }
                done
            }
        });
        let killer = async {
            tokio::time::sleep(Duration::from_millis(150 + round * 130)).await;
            server.kill_9();
        };
        let (done, ()) = tokio::join!(futures_util::future::join_all(uploads), killer);
        acknowledged.extend(done.into_iter().flatten());
    }
    let server = Process::serve(folder.path(), &[]);
    let client = Client::of(&server);
    assert!(acknowledged.len() > 3, "{}", acknowledged.len());
    for (id, size) in &acknowledged {
        let (status, got) = client.get(&format!("{FILES}/{id}")).await;
        assert_eq!((status, got == content[..*size]), (200, true), "{id}");
    }
    let total = async || {
        let (_, list) = client.get(FILES).await;
        serde_json::from_slice::<Value>(&list).unwrap()["total"].as_u64().unwrap() as usize
    };
    // Not answered, and stored all the same: a file whose answer was on its way.
    let there = total().await;
    assert!(there >= acknowledged.len() && there <= acknowledged.len() + 18, "{there} of {}", acknowledged.len());
    until("what was begun is swept", async || below(&folder.path().join("files")).len() == there).await;
    server.kill_9();
}

/// What is known of files is a table, which shows what the list does, joins records, and is read only.
#[cfg(feature = "sql")]
#[tokio::test]
async fn files_are_a_table() {
    let app = TestApp::start().await;
    let mut ids = Vec::new();
    for (name, size, hours) in [("a.png", 10, None), ("b.png", 20, Some("24")), ("c.png", 30, None)] {
        let stored = handed_over(&app, name, &bytes(size), hours).await.expect(201);
        ids.push(stored["id"].as_str().unwrap().to_owned());
    }
    app.delete(&format!("{FILES}/{}", ids[2])).await.expect(204);
    let sql = async |sql: &str| app.post("/api/v1/query", &json!({"sql": sql})).await;
    let answer = sql(
        "SELECT id, name, content_type, size_bytes, sha256, uploaded_by, expires_at IS NULL FROM stored_files ORDER BY name",
    );
    let answer = answer.await.expect(200);
    let by = app.get(FILES).await.expect(200)["items"][0]["uploaded_by"].clone();
    let row = |at: usize, name: &str, size: usize, lasts: bool| {
        json!([ids[at], name, "image/png", size, hex(&bytes(size)), by, lasts])
    };
    assert_eq!(answer["rows"], json!([row(0, "a.png", 10, true), row(1, "b.png", 20, false)]), "{answer}");
    // Nothing of where they lie, and nothing that the list has not.
    let all = sql("SELECT * FROM stored_files").await.expect(200);
    let mut columns: Vec<&str> =
        all["columns"].as_array().unwrap().iter().map(|column| column["name"].as_str().unwrap()).collect();
    columns.sort_unstable();
    let listed = app.get(FILES).await.expect(200)["items"][0].clone();
    let mut fields: Vec<&str> = listed.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(columns, fields);
    let order = json!({"work_order_id": "W", "title": "See the picture", "description": ids[1]});
    app.post("/api/v1/work-orders", &order).await.expect(202);
    let joined = sql("SELECT w.title, f.name FROM work_orders w JOIN stored_files f ON f.id = w.description").await;
    assert_eq!(joined.expect(200)["rows"], json!([["See the picture", "b.png"]]));
    for statement in ["DELETE FROM stored_files", "UPDATE stored_files SET name = 'x'", "DROP TABLE stored_files"] {
        let refused = sql(statement).await;
        assert!((400..500).contains(&refused.status), "{statement}: {}", refused.text());
    }
    assert_eq!(app.get(FILES).await.expect(200)["total"], 2);
}

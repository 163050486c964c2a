//! What every route has in common: problems, CORS, request ids, limits, versions, compression, ranges.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::helpers::{Process, TestApp};

const REPORT: &[u8] = b"time,kw,state\n2020-01-01 00:00,1.5,ON\n2020-01-01 00:15,2.5,OFF\n2020-01-01 00:30,,ON\n";
const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

async fn with_session(name: &str) -> (TestApp, String) {
    let app = TestApp::start().await;
    let id = parsed(&app, name).await;
    (app, id)
}

async fn parsed(app: &TestApp, name: &str) -> String {
    let answer = app.parsed(&[("plant.csv", REPORT)], &[("name", name), ("timezone", "Asia/Taipei")]).await;
    answer["session_id"].as_str().unwrap().to_owned()
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(files(&entry.path())),
            false => found.push(entry.path()),
        }
    }
    found.sort();
    found
}

/// Waits for what happens behind the answer's back.
async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(20);
    while !holds().await {
        assert!(Instant::now() < patience, "{what}: did not happen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

// ---- problems

#[tokio::test]
async fn every_family_of_errors_is_a_problem_document() {
    let (app, id) = with_session("Plant").await;
    let session = format!("/api/sessions/{id}");

    app.get("/api/nothing").await.expect_problem(404, "no_such_route");
    app.get("/nothing").await.expect_problem(404, "no_such_route");
    app.get(&format!("/api/sessions/{NOBODY}")).await.expect_problem(404, "unknown_session");
    app.get("/api/sessions/%ff").await.expect_problem(400, "broken_path");
    let problem = app.delete("/api/health").await;
    problem.expect_problem(405, "method_not_allowed");
    assert_eq!(problem.header("allow"), "GET,HEAD");

    let text =
        |body: &'static str| move |r: reqwest::RequestBuilder| r.header("content-type", "application/json").body(body);
    app.request(Method::POST, "/api/parse", text("{\"session_id\":")).await.expect_problem(400, "broken_json");
    app.request(Method::POST, "/api/parse", text("")).await.expect_problem(400, "broken_json");
    app.request(Method::POST, "/api/parse", text("[]")).await.expect_problem(422, "invalid_body");
    app.request(Method::POST, "/api/parse", |r| r.body("{}")).await.expect_problem(415, "not_json");
    app.post("/api/uploads", &json!({})).await.expect_problem(415, "not_multipart");

    assert_eq!(app.delete(&session).await.status, 204);
    app.patch(&session, &json!({"name": "Later"})).await.expect_problem(409, "session_deleted");
}

#[tokio::test]
async fn a_wrong_field_is_named() {
    let (app, id) = with_session("Plant").await;
    let field = |problem: Value| problem["errors"][0]["field"].as_str().unwrap_or("").to_owned();
    for (body, name) in [
        (json!({"files": "a.csv"}), "files"),
        (json!({"files": ["a.csv", 7]}), "files[1]"),
        (json!({"on_conflict": "newest"}), "on_conflict"),
        (json!({"dry_run": "yes"}), "dry_run"),
        (json!({"columns": [{"column": "kw", "kind": "wrong"}]}), "columns[0].kind"),
    ] {
        let problem = app.post("/api/parse", &body).await.expect_problem(422, "invalid_field");
        assert_eq!(field(problem), name, "{body}");
    }
    let patch = app.patch(&format!("/api/sessions/{id}"), &json!({"nom": "x"})).await;
    assert_eq!(field(patch.expect_problem(422, "unknown_field")), "nom");
    for (query, name) in
        [("page=one", "page"), ("status=lost", "status"), ("deleted=perhaps", "deleted"), ("page=0", "page")]
    {
        let problem = app.get(&format!("/api/sessions?{query}")).await.expect(422);
        assert_eq!(field(problem), name, "{query}");
    }
    for (query, name) in
        [("rows=-1", "rows"), ("rows=1000000000", "rows"), ("rows=all", "rows"), ("offset=-1", "offset")]
    {
        let problem = app.get(&format!("/api/data/preview?session_id={id}&{query}")).await.expect(422);
        assert_eq!(field(problem), name, "{query}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused() {
    let app = TestApp::start_with(&[("MAX_UPLOAD_BYTES", "100000")]).await;
    let before = files(&app.storage());
    let long = json!({"name": "x".repeat(3 << 20)});
    app.post("/api/parse", &long).await.expect_problem(413, "body_too_large");
    // More than the framing allows for, so that the announced length alone is enough.
    app.upload(&[("big.csv", &vec![b'1'; 3 << 20])], &[]).await.expect_problem(413, "upload_too_large");
    // Found out on the way.
    app.upload(&[("big.csv", &vec![b'1'; 200_000])], &[]).await.expect_problem(413, "upload_too_large");
    let name = "n".repeat(10_000);
    let problem = app.upload(&[], &[("name", &name)]).await.expect_problem(422, "text_too_long");
    assert_eq!(problem["errors"][0]["field"], "name");
    app.upload(&[("a.csv", REPORT)], &[("colour", "red")]).await.expect_problem(422, "unknown_field");
    assert_eq!(app.get("/api/sessions").await.expect(200)["total"], 0);
    assert_eq!(files(&app.storage()), before);
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_ended() {
    let app = TestApp::start_with(&[("REQUEST_TIMEOUT_SECONDS", "1")]).await;
    let address = app.address;
    let asking = move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let head = "POST /api/optimize HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{";
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let mut piece = [0; 4096];
        while !String::from_utf8_lossy(&answer).contains("\"request_id\"") {
            let read = stream.read(&mut piece).unwrap();
            assert!(read > 0, "{}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&piece[..read]);
        }
        String::from_utf8_lossy(&answer).into_owned()
    };
    let answer = tokio::task::spawn_blocking(asking).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("\"code\":\"timeout\""), "{answer}");
    assert!(answer.to_lowercase().contains("retry-after: 5\r\n"), "{answer}");
    // Uploads and parses take the time they need.
    let id = app.uploaded(&[("plant.csv", REPORT)], &[("timezone", "UTC")]).await;
    app.post("/api/parse", &json!({"session_id": id})).await.expect(200);
}

// ---- headers of every answer

#[tokio::test]
async fn every_answer_carries_cors_errors_too() {
    let app = TestApp::start().await;
    let frontend = "http://localhost:3000";
    for path in ["/api/health", "/api/nothing", "/api/data/preview?rows=x", "/health", "/"] {
        let answer = app.get_with(path, &[("origin", frontend)]).await;
        assert_eq!(answer.header("access-control-allow-origin"), frontend, "{path}");
        let exposed = answer.header("access-control-expose-headers").to_lowercase();
        for header in
            ["etag", "x-request-id", "deprecation", "warning", "content-range", "location", "content-disposition"]
        {
            assert!(exposed.split(',').any(|name| name.trim() == header), "{path}: {header} in {exposed}");
        }
    }
    let other = app.get_with("/api/health", &[("origin", "http://evil.example")]).await;
    assert_eq!(other.header("access-control-allow-origin"), "");

    let preflight = |r: reqwest::RequestBuilder| {
        r.header("origin", frontend)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type,x-request-id")
    };
    let answer = app.request(Method::OPTIONS, "/api/parse", preflight).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), frontend);
    assert!(answer.header("access-control-allow-methods").contains("POST"));
    assert_eq!(answer.header("access-control-allow-headers"), "content-type,x-request-id");
}

#[tokio::test]
async fn any_origin_can_be_allowed() {
    let app = TestApp::start_with(&[("CORS_ALLOWED_ORIGINS", "*")]).await;
    let answer = app.get_with("/api/health", &[("origin", "http://anything.example")]).await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("access-control-allow-credentials"), "");
}

#[tokio::test]
async fn request_ids_go_both_ways() {
    let app = TestApp::start().await;
    let answer = app.get_with("/api/nothing", &[("x-request-id", "from-the-client.1")]).await;
    assert_eq!(answer.header("x-request-id"), "from-the-client.1");
    assert_eq!(answer.expect(404)["request_id"], "from-the-client.1");
    assert_eq!(answer.json()["instance"], "/api/nothing");
    let made = app.get_with("/api/health", &[("x-request-id", "no <good> id")]).await.header("x-request-id").to_owned();
    assert_eq!((made.len(), made.as_bytes()[14]), (36, b'7'), "a UUID v7: {made}");
    assert_ne!(app.get("/api/health").await.header("x-request-id"), made);
}

#[tokio::test]
async fn both_mounts_answer_the_same() {
    let (app, id) = with_session("Plant").await;
    for path in
        ["sessions", &format!("sessions/{id}"), &format!("data/preview?session_id={id}"), "files", "openapi.json"]
    {
        let (current, first) = (app.get(&format!("/api/{path}")).await, app.get(&format!("/api/v1/{path}")).await);
        assert_eq!(current.expect(200), first.expect(200), "{path}");
    }
    assert_eq!(app.get("/health").await.expect(200)["status"], "ok");
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let (app, id) = with_session("Plant").await;
    for path in ["/api/health", "/api/sessions", &format!("/api/data/stats?session_id={id}"), "/docs/", "/"] {
        let (head, get) = (app.head_with(path, &[]).await, app.get(path).await);
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
    }
    app.head_with("/api/nothing", &[]).await.headers.get("x-request-id").unwrap();
}

#[tokio::test]
async fn texts_are_compressed_and_data_files_are_not() {
    let app = TestApp::start().await;
    let mut report = "time,kw\n".to_owned();
    for minute in 0..3000 {
        report += &format!("{},{}\n", 1_577_836_800 + minute * 60, minute % 7);
    }
    let id = app.parsed(&[("kw.csv", report.as_bytes())], &[("timezone", "UTC")]).await["session_id"].clone();
    let id = id.as_str().unwrap();
    let encoding = async |path: &str| {
        let answer = app.get_with(path, &[("accept-encoding", "gzip")]).await;
        assert_eq!(answer.status, 200, "{path}");
        answer.header("content-encoding").to_owned()
    };
    assert_eq!(encoding(&format!("/api/data/preview?session_id={id}&rows=1000")).await, "gzip");
    assert_eq!(encoding(&format!("/api/sessions/{id}/data.csv")).await, "");
    assert_eq!(encoding("/api/openapi.json").await, "gzip");
    assert_eq!(encoding(&format!("/api/sessions/{id}/data.parquet")).await, "");
    assert_eq!(encoding(&format!("/api/sessions/{id}/data.arrow")).await, "");
    assert_eq!(app.get("/api/openapi.json").await.header("content-encoding"), "");
}

// ---- health

#[tokio::test]
async fn ready_is_said_only_while_the_stores_are_usable() {
    let app = TestApp::start().await;
    let health = app.get("/api/health").await.expect(200);
    assert_eq!(health["checks"]["database"], "ok");
    assert_eq!(health["checks"]["storage"], "ok");
    assert_eq!(health["checks"]["cache"]["redis_up"], Value::Null);
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    assert!(chrono::DateTime::parse_from_rfc3339(health["timestamp"].as_str().unwrap()).is_ok());
    let before = files(&app.storage());
    app.get("/api/ready").await.expect(200);
    eventually("nothing is left of the trial", async || files(&app.storage()) == before).await;

    std::fs::rename(app.storage(), app.folder.path().join("elsewhere")).unwrap();
    // Who asks within five seconds shares an answer.
    app.get("/api/ready").await.expect(200);
    tokio::time::sleep(Duration::from_millis(5100)).await;
    let problem = app.get("/api/ready").await.expect_problem(503, "storage_replaced");
    assert_eq!(problem["errors"][0]["field"], "storage");
    assert!(!problem.to_string().contains(&app.folder.path().display().to_string()), "{problem}");
    assert_eq!(app.get("/api/health").await.expect(200)["checks"]["storage"], "failed");
}

// ---- stored files over HTTP

#[tokio::test]
async fn a_stored_file_is_served_in_parts_and_by_its_hash() {
    let (app, id) = with_session("溫度 \"A\"").await;
    let path = format!("/api/sessions/{id}/data.parquet");
    let stored = std::fs::read(app.storage().join(&id).join("parsed-v1.parquet")).unwrap();
    let size = stored.len();
    let etag = format!("\"{:x}\"", Sha256::digest(&stored));

    let whole = app.get(&path).await;
    assert_eq!((whole.status, &whole.body[..]), (200, &stored[..]));
    assert_eq!(whole.header("etag"), etag);
    assert_eq!(whole.header("accept-ranges"), "bytes");
    assert_eq!(whole.header("content-type"), "application/vnd.apache.parquet");
    assert_eq!(whole.header("content-length"), size.to_string());
    assert_eq!(
        whole.header("content-disposition"),
        "attachment; filename=\"____A_-parsed-v1.parquet\"; filename*=UTF-8''%E6%BA%AB%E5%BA%A6%20%22A%22-parsed-v1.parquet"
    );
    let head = app.head_with(&path, &[]).await;
    assert_eq!((head.status, head.body.len(), head.header("content-length")), (200, 0, whole.header("content-length")));
    assert_eq!(head.header("etag"), etag);

    for (range, part, said) in [
        ("bytes=0-3", 0..4, format!("bytes 0-3/{size}")),
        ("bytes=-8", size - 8..size, format!("bytes {}-{}/{size}", size - 8, size - 1)),
        ("bytes=10-", 10..size, format!("bytes 10-{}/{size}", size - 1)),
        ("bytes=4-999999999", 4..size, format!("bytes 4-{}/{size}", size - 1)),
    ] {
        let answer = app.get_with(&path, &[("range", range)]).await;
        assert_eq!((answer.status, &answer.body[..]), (206, &stored[part]), "{range}");
        assert_eq!(answer.header("content-range"), said);
        assert_eq!(answer.header("etag"), etag);
    }
    for ignored in ["bytes=0-1,5-6", "bytes=9-1", "rows=0-1", "bytes=x-"] {
        assert_eq!(app.get_with(&path, &[("range", ignored)]).await.status, 200, "{ignored}");
    }
    let beyond = app.get_with(&path, &[("range", &format!("bytes={size}-"))]).await;
    beyond.expect_problem(416, "range_not_satisfiable");
    assert_eq!(beyond.header("content-range"), format!("bytes */{size}"));

    let known = app.get_with(&path, &[("if-none-match", &etag), ("range", "bytes=0-3")]).await;
    assert_eq!((known.status, known.body.len(), known.header("etag")), (304, 0, etag.as_str()));
    assert_eq!(app.get_with(&path, &[("if-none-match", "\"other\"")]).await.status, 200);
    let part = [("range", "bytes=0-3"), ("if-range", etag.as_str())];
    assert_eq!(app.get_with(&path, &part).await.status, 206);
    assert_eq!(app.get_with(&path, &[("range", "bytes=0-3"), ("if-range", "\"other\"")]).await.status, 200);

    app.get(&format!("{path}?version=parsed-v9")).await.expect_problem(404, "unknown_version");
    app.get(&format!("/api/sessions/{NOBODY}/data.parquet")).await.expect_problem(404, "unknown_session");
}

#[tokio::test]
async fn csv_has_a_header_line_and_the_sites_time() {
    let (app, id) = with_session("Plant").await;
    let csv = app.get(&format!("/api/sessions/{id}/data.csv")).await.text();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "timestamp,kw,state");
    assert!(lines[1].starts_with("2020-01-01T00:00:00+08:00,1.5,"), "{}", lines[1]);
    assert_eq!(lines.len(), 4);
}

#[tokio::test]
async fn computed_answers_have_weak_tags() {
    let (app, id) = with_session("Plant").await;
    let path = format!("/api/data/preview?session_id={id}&rows=2");
    let answer = app.get(&path).await;
    let etag = answer.header("etag").to_owned();
    assert!(etag.starts_with("W/\""), "{etag}");
    let known = app.get_with(&path, &[("if-none-match", &etag)]).await;
    assert_eq!((known.status, known.body.len()), (304, 0));
    let other = app.get_with(&format!("/api/data/preview?session_id={id}&rows=3"), &[("if-none-match", &etag)]).await;
    assert_eq!(other.status, 200);
    assert_ne!(other.header("etag"), etag);
    assert_eq!((answer.header("deprecation"), answer.header("warning")), ("", ""));
}

#[tokio::test]
async fn a_session_that_was_left_out_is_named() {
    let (app, id) = with_session("Plant").await;
    let answer = app.get("/api/data/preview").await;
    assert_eq!(answer.expect(200)["session_id"], id);
    let since: i64 = answer.header("deprecation").strip_prefix('@').unwrap().parse().unwrap();
    assert!(since > 1_700_000_000);
    assert_eq!(answer.header("warning"), format!("299 - \"session_id was left out; used {id}\""));
}

// ---- connections that end early

/// Sends the beginning of a request and hangs up.
fn hang_up_after(app: &TestApp, request: &[u8]) {
    let mut stream = TcpStream::connect(app.address).unwrap();
    stream.write_all(request).unwrap();
    stream.flush().unwrap();
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let app = TestApp::start().await;
    let before = files(&app.storage());
    let part = "--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a.csv\"\r\n\r\n";
    let rows = "2020-01-01 00:00,1\n".repeat(200_000);
    for (announced, sent) in
        [(part.len() + rows.len() + 100, rows.len()), (part.len() + rows.len() + 7, rows.len()), (10_000_000, 0)]
    {
        let body = &rows[..sent];
        let request = format!(
            "POST /api/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: {announced}\r\n\r\n{part}{body}"
        );
        hang_up_after(&app, request.as_bytes());
    }
    // Long enough for the uploads to have begun; what they staged is gone again soon after.
    tokio::time::sleep(Duration::from_millis(200)).await;
    eventually("nothing is left", async || files(&app.storage()) == before).await;
    assert_eq!(app.get("/api/sessions").await.expect(200)["total"], 0);
}

#[tokio::test]
async fn a_parse_goes_on_when_its_client_hangs_up() {
    let app = TestApp::start().await;
    let mut report = "time,kw\n".to_owned();
    for minute in 0..100_000 {
        report += &format!("{},{minute}\n", 1_577_836_800 + minute * 60);
    }
    let id = app.uploaded(&[("kw.csv", report.as_bytes())], &[("timezone", "UTC")]).await;
    let body = json!({"session_id": id}).to_string();
    let request = format!(
        "POST /api/parse HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    hang_up_after(&app, request.as_bytes());
    let session = format!("/api/sessions/{id}");
    eventually("the parse", async || app.get(&session).await.expect(200)["status"] == "parsed").await;
    assert_eq!(app.get(&session).await.expect(200)["total_rows"], 100_000);
}

// ---- the process

#[test]
fn it_says_where_it_is_and_stops_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::serve(folder.path(), &["--log-format", "json"]);
    assert_eq!(server.stdout(), format!("HVAC Analytics is at http://{} (API: /docs)\n", server.address));
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream
        .write_all(
            b"GET /api/v1/sessions/x HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: abc\r\nConnection: close\r\n\r\n",
        )
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");

    let log = server.stderr_after(|log| log.contains("\"target\":\"access\""));
    let line: Value =
        log.lines().map(|l| serde_json::from_str(l).unwrap()).find(|l: &Value| l["target"] == "access").unwrap();
    assert_eq!(
        (&line["method"], &line["endpoint"], &line["status"]),
        (&json!("GET"), &json!("/api/v1/sessions/{id}"), &json!(404))
    );
    assert_eq!(line["request_id"], "abc");
    let body = answer.split("\r\n\r\n").nth(1).unwrap();
    assert_eq!(line["bytes"], body.len());

    assert!(server.terminate().success());
}

#[test]
fn a_port_in_use_is_said() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let folder = tempfile::tempdir().unwrap();
    let output = Process::command(folder.path(), &["serve", "--port", &port]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&format!("port {port}")) && said.contains("--port"), "{said}");
    assert!(files(folder.path()).is_empty(), "nothing was touched");
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, word) in [
        (&["serve", "--port", "eighty"][..], "PORT"),
        (&["serve", "--site-timezone", "Mars/Olympus"], "SITE_TIMEZONE"),
        (&["serve", "--log-format", "loud"], "LOG_FORMAT"),
        (&["serv"], "serv"),
        (&[], "Usage"),
    ] {
        let output = Process::command(folder.path(), arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(word), "{arguments:?}: {said}");
    }
}

//! Bad input through the API: a clear problem with file, line, column and a way out, and nothing half-stored.

use std::io::Write;

use serde_json::{Value, json};

use crate::helpers::TestApp;

const GOOD: &[u8] = b"time,kw\n2020-01-01 00:00,1\n2020-01-01 00:15,2\n";

/// Uploads one file, parses it, and answers the problem; the session must be `failed` and without data.
async fn refused(name: &str, bytes: &[u8], status: u16, code: &str) -> Value {
    let app = TestApp::start().await;
    let id = app.uploaded(&[(name, bytes)], &[("timezone", "Asia/Taipei")]).await;
    let problem = app.post("/api/parse", &json!({"session_id": id})).await.expect_problem(status, code);
    assert!(problem["detail"].as_str().unwrap().contains(name), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("no version was made"), "{problem}");
    assert_eq!(problem["errors"][0]["file"], name, "{problem}");
    let session = app.get(&format!("/api/sessions/{id}")).await.expect(200);
    assert_eq!((&session["status"], session["versions"].as_array().unwrap().len()), (&json!("failed"), 0));
    app.get(&format!("/api/data/preview?session_id={id}")).await.expect_problem(404, "not_parsed");
    problem
}

async fn accepted(name: &str, bytes: &[u8]) -> Value {
    let app = TestApp::start().await;
    app.parsed(&[(name, bytes)], &[("timezone", "Asia/Taipei")]).await
}

fn has_warning(answer: &Value, code: &str) -> bool {
    answer["warnings"].as_array().unwrap().iter().any(|w| w["code"] == code)
}

#[tokio::test]
async fn an_empty_file() {
    refused("empty.csv", b"", 422, "empty_file").await;
}

#[tokio::test]
async fn only_a_header() {
    refused("header.csv", b"time,kw\n", 422, "no_rows").await;
}

#[tokio::test]
async fn no_header() {
    let problem = refused("bare.csv", b"2020-01-01 00:00,1\n2020-01-01 00:15,2\n", 422, "no_header").await;
    assert_eq!(problem["errors"][0]["line"], 1);
}

#[tokio::test]
async fn a_picture_named_csv() {
    let png =
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89";
    refused("photo.csv", png, 415, "not_a_table").await;
}

#[tokio::test]
async fn prose_named_csv() {
    refused("letter.csv", b"Dear colleague,\nplease find attached the report.\nRegards\n", 422, "no_readable_time")
        .await;
}

#[tokio::test]
async fn nul_bytes_in_a_table() {
    let problem = refused("nul.csv", b"time,kw\n2020-01-01 00:00,1\n2020-01-01 00:15,\x002\n", 415, "nul_bytes").await;
    assert_eq!(problem["errors"][0]["line"], 3);
}

#[tokio::test]
async fn truncated_in_the_middle_of_a_row() {
    let answer = accepted("cut.csv", b"time,kw,kwh\n2020-01-01 00:00,1,10\n2020-01-01 00:15,2").await;
    assert_eq!(answer["row_count"], 2);
    assert_eq!(answer["column_details"][1]["nulls"], json!({"missing_cell": 1}));
    assert!(has_warning(&answer, "truncated_row"), "{}", answer["warnings"]);
}

#[tokio::test]
async fn dates_that_parse_both_ways() {
    let text = b"time,kw\n6/5/2017 00:00,1\n6/5/2017 00:15,2\n";
    let problem = refused("both.csv", text, 422, "ambiguous_dates").await;
    assert!(problem["detail"].as_str().unwrap().contains("date_format"), "{problem}");
    let app = TestApp::start().await;
    for (date_format, first) in [("MDY", "2017-06-05"), ("D/M/YYYY", "2017-05-06")] {
        let id = app.uploaded(&[("both.csv", text)], &[("timezone", "UTC")]).await;
        let answer = app.post("/api/parse", &json!({"session_id": id, "date_format": date_format})).await.expect(200);
        assert!(answer["preview"][0]["timestamp"].as_str().unwrap().starts_with(first), "{answer}");
    }
    let id = app.uploaded(&[("both.csv", text)], &[]).await;
    let wrong = json!({"session_id": id, "date_format": "sometimes"});
    app.post("/api/parse", &wrong).await.expect_problem(422, "bad_date_format");
}

#[tokio::test]
async fn a_time_that_goes_backwards_is_sorted_and_counted() {
    let answer = accepted("back.csv", b"time,kw\n2020-01-01 00:30,3\n2020-01-01 00:00,1\n2020-01-01 00:15,2\n").await;
    assert_eq!(answer["preview"][0]["kw"], 1.0);
    assert_eq!(answer["files"][0]["out_of_order_rows"], 2);
}

#[tokio::test]
async fn a_date_that_cannot_be_read_drops_its_row_and_says_so() {
    let app = TestApp::start().await;
    let text = b"time,kw\n2020-01-01 00:00,1\n2020-13-45 00:15,2\n2020-01-01 24:00:00,3\n";
    let id = app.uploaded(&[("dates.csv", text)], &[("timezone", "Asia/Taipei")]).await;
    let refused = app.post("/api/parse", &json!({"session_id": id})).await.expect_problem(422, "would_lose_readings");
    assert_eq!(refused["errors"][0], json!({"field": "unreadable_time", "message": "1 of 3 readings"}));
    let answer = app.post("/api/parse", &json!({"session_id": id, "accept_loss": true})).await.expect(200);
    assert_eq!(answer["files"][0]["dropped_rows"], json!({"unreadable_time": 1}));
    assert_eq!(answer["preview"][1]["timestamp"], "2020-01-02T00:00:00+08:00");
    let warning = answer["warnings"].as_array().unwrap().iter().find(|w| w["code"] == "unreadable_time").unwrap();
    assert_eq!((&warning["line"], &warning["count"]), (&json!(3), &json!(1)));
}

#[tokio::test]
async fn a_local_time_that_does_not_exist() {
    let app = TestApp::start().await;
    let text = b"time,kw\n2021-03-28 01:45,1\n2021-03-28 02:15,2\n2021-03-28 03:00,3\n";
    let id = app.uploaded(&[("dst.csv", text)], &[("timezone", "Europe/Berlin")]).await;
    let problem =
        app.post("/api/parse", &json!({"session_id": id})).await.expect_problem(422, "nonexistent_local_time");
    assert_eq!(problem["errors"][0]["line"], 3);
    assert!(problem["detail"].as_str().unwrap().contains("Etc/GMT"), "{problem}");
}

#[tokio::test]
async fn unknown_time_zones_are_refused_wherever_they_are_said() {
    let app = TestApp::start().await;
    let upload = app.upload(&[("kw.csv", GOOD)], &[("timezone", "Taipei/Asia")]).await;
    assert_eq!(upload.expect_problem(422, "unknown_timezone")["errors"][0]["field"], "timezone");
    let id = app.uploaded(&[("kw.csv", GOOD)], &[]).await;
    let wrong = json!({"session_id": id, "timezone": "Mars/Olympus"});
    app.post("/api/parse", &wrong).await.expect_problem(422, "unknown_timezone");
    assert_eq!(app.get("/api/sessions").await.expect(200)["total"], 1);
}

#[tokio::test]
async fn ten_thousand_columns() {
    let header: Vec<String> = (0..9_999).map(|i| format!("p{i}")).collect();
    let row: Vec<String> = (0..9_999).map(|i| i.to_string()).collect();
    let text = format!("time,{}\n2020-01-01 00:00,{}\n", header.join(","), row.join(","));
    let answer = accepted("wide.csv", text.as_bytes()).await;
    assert_eq!(answer["column_count"], 10_000);
    assert_eq!(answer["preview"][0]["p9998"], 9998.0);
}

#[tokio::test]
async fn a_line_of_a_megabyte() {
    let text = format!("time,kw\n2020-01-01 00:00,1\n2020-01-01 00:15,{}\n", "x".repeat(1 << 20));
    let problem = refused("long.csv", text.as_bytes(), 422, "line_too_long").await;
    assert_eq!(problem["errors"][0]["line"], 3);
}

#[tokio::test]
async fn a_path_that_leaves_the_data_folder() {
    let app = TestApp::start().await;
    app.place("site/kw.csv", GOOD);
    let outside = app.folder.path().join("secret.csv");
    std::fs::write(&outside, GOOD).unwrap();
    std::os::unix::fs::symlink(&outside, app.data_dir().join("site/link.csv")).unwrap();
    std::os::unix::fs::symlink(app.folder.path(), app.data_dir().join("way-out")).unwrap();
    let absolute = outside.to_str().unwrap();
    for request in [
        json!({"files": ["../../secret.csv"], "subfolder": "site"}),
        json!({"files": [absolute], "subfolder": "site"}),
        json!({"files": ["link.csv"], "subfolder": "site"}),
        json!({"files": ["secret.csv"], "subfolder": "way-out"}),
        json!({"files": ["secret.csv"], "subfolder": ".."}),
        json!({"files": ["secret.csv"], "data_dir": "../.."}),
        json!({"subfolder": "sessions", "files": ["store.json"]}),
    ] {
        let problem = app.post("/api/parse", &request).await.expect_problem(422, "path_outside_data_dir");
        let said_by_us = problem.to_string().replace(absolute, "");
        assert!(!said_by_us.contains(app.folder.path().to_str().unwrap()), "{problem}");
    }
    for query in ["data_dir=../..", "subfolder=../..", "subfolder=%2Fetc", "subfolder=way-out", "data_dir=%2Fetc"] {
        app.get(&format!("/api/files?{query}")).await.expect_problem(422, "path_outside_data_dir");
    }
    app.post("/api/parse", &json!({"files": ["no.csv"], "subfolder": "site"}))
        .await
        .expect_problem(404, "unknown_file");
    app.post("/api/parse", &json!({"subfolder": "nowhere"})).await.expect_problem(404, "unknown_folder");
}

fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[tokio::test]
async fn zips_that_are_not_safe_leave_nothing() {
    let app = TestApp::start_with(&[("MAX_UPLOAD_BYTES", "1000000")]).await;
    let bomb = vec![b'0'; 5_000_000];
    for (bytes, status, code) in [
        (zipped(&[("../kw.csv", GOOD)]), 422, "unsafe_archive"),
        (zipped(&[("photo.png", b"x")]), 415, "nothing_readable"),
        (zipped(&[("bomb.csv", &bomb)]), 422, "archive_too_large"),
        (b"no zip".to_vec(), 415, "not_a_table"),
    ] {
        app.upload(&[("pack.zip", &bytes)], &[]).await.expect_problem(status, code);
    }
    assert_eq!(app.get("/api/sessions").await.expect(200)["total"], 0);
    let folders = std::fs::read_dir(app.storage()).unwrap().flatten().filter(|e| e.path().is_dir()).count();
    assert_eq!(folders, 0);
}

#[tokio::test]
async fn two_parses_of_one_session_at_once() {
    let app = TestApp::start().await;
    let mut text = "time,a,b,c,d,e,f,g,h\n".to_owned();
    for row in 0..60_000 {
        text += &format!("{},1,2,3,4,5,6,7,8\n", 1_577_836_800 + row * 60);
    }
    let id = app.uploaded(&[("big.csv", text.as_bytes())], &[("timezone", "UTC")]).await;
    let request = json!({"session_id": id, "force": true});
    let answers = futures_util::future::join_all((0..4).map(|_| app.post("/api/parse", &request))).await;
    let (good, bad): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert!(!good.is_empty());
    for answer in &bad {
        answer.expect_problem(409, "parse_under_way");
        assert!(!answer.header("retry-after").is_empty());
    }
    let versions = app.get(&format!("/api/sessions/{id}")).await.expect(200)["versions"].as_array().unwrap().len();
    assert_eq!(versions, good.len());
}

#[tokio::test]
async fn other_files_fate_is_stated() {
    let app = TestApp::start().await;
    let files: [(&str, &[u8]); 4] =
        [("a.csv", GOOD), ("b.csv", b""), ("c.csv", b"time,x\n2020-01-01,1\n"), ("d.csv", b"time,kw\n")];
    let id = app.uploaded(&files, &[("timezone", "UTC")]).await;
    let problem = app.post("/api/parse", &json!({"session_id": id})).await.expect_problem(422, "unreadable_files");
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains("2 of 4 files cannot be read") && detail.contains("the other 2 files can be read"),
        "{detail}"
    );
    let named: Vec<&Value> = problem["errors"].as_array().unwrap().iter().map(|e| &e["file"]).collect();
    assert_eq!(named, ["b.csv", "d.csv"]);
}

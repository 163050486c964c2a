//! A session as a page makes it: files one by one, looked at before anything is made of them, a bad one among good ones.

use serde_json::{Value, json};

use crate::helpers::TestApp;

const JANUARY: &[u8] = b"time;Power (kW)\n31.01.2024 23:30;1,5\n31.01.2024 23:45;2,5\n";
const FEBRUARY: &[u8] = b"time;Power (kW)\n01.02.2024 00:00;3,5\n01.02.2024 00:15;No Data\n";
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01";

/// One more file for a session.
async fn add(app: &TestApp, id: &str, name: &str, bytes: &[u8]) -> crate::helpers::Response {
    let part = reqwest::multipart::Part::bytes(bytes.to_vec()).file_name(name.to_owned());
    let form = reqwest::multipart::Form::new().part("files", part);
    app.request(reqwest::Method::POST, &format!("/api/uploads?session_id={id}"), |request| request.multipart(form))
        .await
}

fn seen<'a>(file: &'a Value, what: &str) -> &'a Value {
    file["seen"].as_array().unwrap().iter().find(|seen| seen["what"] == what).unwrap()
}

#[tokio::test]
async fn good_files_are_read_and_the_bad_one_is_named() {
    let app = TestApp::start().await;
    let id = app.uploaded(&[("january.csv", JANUARY)], &[("timezone", "Europe/Berlin")]).await;
    let added = add(&app, &id, "picture.csv", PICTURE).await.expect(201);
    assert_eq!((&added["session_id"], &added["status"]), (&json!(id), &json!("uploaded")));
    add(&app, &id, "february.csv", FEBRUARY).await.expect(201);
    let again = add(&app, &id, "copy.csv", JANUARY).await.expect(201);
    assert_eq!((&again["files"], &again["warnings"][0]["code"]), (&json!([]), &json!("duplicate_file")));
    assert_eq!(app.get(&format!("/api/sessions/{id}")).await.expect(200)["files_count"], 3);

    // All or nothing, unless it is asked otherwise; the way out is said, and looking marks nothing as failed.
    let strict = app.post("/api/parse", &json!({"session_id": id, "dry_run": true})).await;
    let problem = strict.expect_problem(415, "not_a_table");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("picture.csv") && detail.contains("skip_unreadable"), "{detail}");
    assert_eq!(app.get(&format!("/api/sessions/{id}")).await.expect(200)["status"], "uploaded");

    let request = json!({"session_id": id, "dry_run": true, "skip_unreadable": true});
    let dry = app.post("/api/parse", &request).await.expect(200);
    assert_eq!((&dry["row_count"], &dry["dry_run"], &dry["version"]), (&json!(4), &json!(true), &json!("")));
    let bad = &dry["unreadable"];
    assert_eq!(
        (bad.as_array().unwrap().len(), &bad[0]["file_name"], &bad[0]["code"]),
        (1, &json!("picture.csv"), &json!("not_a_table"))
    );
    assert!(!bad[0]["message"].as_str().unwrap().is_empty());
    let verdict = &dry["verdict"];
    assert_eq!((&verdict["accepted"], verdict["files"].as_array().unwrap().len()), (&json!(true), 2));
    let first = &verdict["files"][0];
    assert_eq!((&first["file_name"], &seen(first, "dates")["value"]), (&json!("january.csv"), &json!("DMY")));
    assert_eq!((&seen(first, "delimiter")["value"], &seen(first, "time")["value"]), (&json!(";"), &json!("time")));
    assert_eq!(first["first_rows"][0]["timestamp"], "2024-01-31T23:30:00+01:00");
    assert_eq!(first["first_rows"][0]["cells"], json!([{"point": "Power (kW)", "value": 1.5}]));
    // The other way round: what is said of a file shows at once.
    let other = json!({"session_id": id, "dry_run": true, "skip_unreadable": true, "timezone": "UTC"});
    let other = app.post("/api/parse", &other).await.expect(200);
    assert_eq!(other["verdict"]["files"][0]["first_rows"][0]["timestamp"], "2024-01-31T23:30:00+00:00");
    assert_eq!(app.get(&format!("/api/sessions/{id}")).await.expect(200)["versions"], json!([]));

    let request = json!({"session_id": id, "skip_unreadable": true});
    let made = app.post("/api/parse", &request).await.expect(200);
    assert_eq!((&made["version"], &made["row_count"], &made["unreadable"]), (&json!("parsed-v1"), &json!(4), bad));
    let session = app.get(&format!("/api/sessions/{id}")).await.expect(200);
    assert_eq!((&session["status"], &session["total_rows"]), (&json!("parsed"), &json!(4)));
    let told = session["files"].as_array().unwrap().iter().find(|file| file["file_name"] == "picture.csv").unwrap();
    assert_eq!((&told["row_count"], &told["warnings"][0]["code"]), (&Value::Null, &json!("unreadable_file")));
    // The same again is answered from before, with what was left out.
    let again = app.post("/api/parse", &request).await.expect(200);
    assert_eq!((&again["reused"], &again["unreadable"]), (&json!(true), bad));
    let strict = app.post("/api/parse", &json!({"session_id": id})).await;
    strict.expect_problem(415, "not_a_table");
}

#[tokio::test]
async fn nothing_is_made_of_bad_files_alone() {
    let app = TestApp::start().await;
    let id = app.uploaded(&[("picture.csv", PICTURE)], &[]).await;
    let request = json!({"session_id": id, "skip_unreadable": true, "dry_run": true});
    app.post("/api/parse", &request).await.expect_problem(415, "not_a_table");
    // Given up: nothing is left of it.
    app.delete(&format!("/api/sessions/{id}?purge=true")).await.expect(204);
    assert_eq!(app.get("/api/sessions?deleted=true").await.expect(200)["total"], 0);
    assert_eq!(app.get("/api/sessions").await.expect(200)["total"], 0);
}

#[tokio::test]
async fn a_member_of_an_archive_is_left_out_by_its_name() {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in [("a/january.csv", JANUARY), ("a/picture.csv", PICTURE)] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut zip, bytes).unwrap();
    }
    let zip = zip.finish().unwrap().into_inner();
    let app = TestApp::start().await;
    let id = app.uploaded(&[("all.zip", &zip)], &[("timezone", "UTC")]).await;
    let request = json!({"session_id": id, "skip_unreadable": true});
    let made = app.post("/api/parse", &request).await.expect(200);
    assert_eq!((&made["row_count"], &made["unreadable"][0]["file_name"]), (&json!(2), &json!("all.zip/a/picture.csv")));
}

#[tokio::test]
async fn files_go_into_sessions_that_are_there() {
    let app = TestApp::start().await;
    let nobody = "019aa0de-0000-7000-8000-000000000000";
    add(&app, nobody, "january.csv", JANUARY).await.expect_problem(404, "unknown_session");
    let id = app.uploaded(&[("january.csv", JANUARY)], &[("timezone", "UTC")]).await;
    app.post("/api/parse", &json!({"session_id": id})).await.expect(200);
    let added = add(&app, &id, "february.csv", FEBRUARY).await.expect(201);
    assert_eq!(added["status"], "parsed", "what was made stands");
    let made = app.post("/api/parse", &json!({"session_id": id})).await.expect(200);
    assert_eq!((&made["version"], &made["row_count"]), (&json!("parsed-v2"), &json!(4)));
    // Restarted, it is still there.
    let app = app.restart().await;
    assert_eq!(app.get(&format!("/api/sessions/{id}")).await.expect(200)["files_count"], 2);
    app.delete(&format!("/api/sessions/{id}")).await;
    add(&app, &id, "january.csv", JANUARY).await.expect_problem(409, "session_deleted");
}

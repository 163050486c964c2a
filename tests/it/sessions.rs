//! Sessions through the API: list, search, rename, delete, restore, purge, lineage, and what survives a restart.

use serde_json::{Value, json};

use crate::helpers::TestApp;

fn report(value: u32) -> Vec<u8> {
    format!("time,kw\n2020-01-01 00:00,{value}\n2020-01-01 00:15,{}\n", value + 1).into_bytes()
}

async fn parsed(app: &TestApp, name: &str, site: &str, value: u32) -> String {
    let answer =
        app.parsed(&[("kw.csv", &report(value))], &[("name", name), ("site", site), ("timezone", "UTC")]).await;
    answer["session_id"].as_str().unwrap().to_owned()
}

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_paged() {
    let app = TestApp::start().await;
    for (index, (name, site)) in [("Autumn", "KMUH"), ("Spring", "KMUH"), ("Tower", "Farglory")].iter().enumerate() {
        parsed(&app, name, site, 10 * index as u32).await;
    }
    app.uploaded(&[("raw.csv", &report(99))], &[("name", "Raw")]).await;
    let app = &app;
    let list = |query: &'static str| async move { app.get(&format!("/api/sessions{query}")).await.expect(200) };
    let all = list("").await;
    assert_eq!(
        (&all["total"], &all["page"], &all["page_size"], &all["total_pages"]),
        (&json!(4), &json!(1), &json!(20), &json!(1))
    );
    assert_eq!(names(&all), ["Raw", "Tower", "Spring", "Autumn"]);
    assert_eq!(names(&list("?sort=name&order=asc").await), ["Autumn", "Raw", "Spring", "Tower"]);
    assert_eq!(names(&list("?site=KMUH&sort=name").await), ["Spring", "Autumn"]);
    assert_eq!(names(&list("?status=uploaded").await), ["Raw"]);
    assert_eq!(names(&list("?q=far").await), ["Tower"]);
    assert_eq!(names(&list("?q=raw.csv").await), ["Raw"]);
    let second = list("?page=2&page_size=3&sort=name&order=asc").await;
    assert_eq!((names(&second), &second["total_pages"]), (vec!["Tower"], &json!(2)));
    assert_eq!(list("?from=2020-01-01T00:00:00Z&to=2020-01-02").await["total"], 3);
    assert_eq!(list("?from=2020-02-01").await["total"], 0);
    for (query, code) in [
        ("?page=0", "out_of_range"),
        ("?page_size=101", "out_of_range"),
        ("?sort=size", "unknown_sort"),
        ("?order=up", "unknown_order"),
        ("?from=soon", "bad_time"),
    ] {
        app.get(&format!("/api/sessions{query}")).await.expect_problem(422, code);
    }
    // A quote or a wildcard in a search is a letter like any other.
    assert_eq!(list("?q=%25").await["total"], 0);
    assert_eq!(list("?q=%27").await["total"], 0);
}

#[tokio::test]
async fn a_session_is_renamed_deleted_restored_and_purged() {
    let app = TestApp::start().await;
    let id = parsed(&app, "Autumn", "KMUH", 1).await;
    let path = format!("/api/sessions/{id}");
    let changed = app.patch(&path, &json!({"name": "Winter", "metadata": {"ticket": 7}})).await.expect(200);
    assert_eq!(
        (&changed["name"], &changed["site"], &changed["metadata"]),
        (&json!("Winter"), &json!("KMUH"), &json!({"ticket": 7}))
    );
    app.patch(&path, &json!({"name": "  "})).await.expect_problem(422, "empty_name");
    assert!(app.delete(&path).await.status / 100 == 2);
    assert_eq!(app.get("/api/sessions").await.expect(200)["total"], 0);
    assert_eq!(names(&app.get("/api/sessions?deleted=true").await.expect(200)), ["Winter"]);
    assert!(app.get(&path).await.expect(200)["deleted_at"].is_string());
    assert_eq!(app.get(&format!("/api/data/preview?session_id={id}")).await.status, 404);
    app.patch(&path, &json!({"name": "x"})).await.expect_problem(409, "session_deleted");
    app.post(&format!("{path}/restore"), &json!({})).await.expect(200);
    assert_eq!(app.get(&format!("/api/data/preview?session_id={id}")).await.expect(200)["total_rows"], 2);
    assert!(app.storage().join(&id).is_dir());
    assert!(app.delete(&format!("{path}?purge=true")).await.status / 100 == 2);
    app.get(&path).await.expect_problem(404, "unknown_session");
    assert!(!app.storage().join(&id).exists());
}

#[tokio::test]
async fn everything_is_there_after_a_restart_byte_for_byte() {
    let app = TestApp::start().await;
    let id = parsed(&app, "Autumn", "KMUH", 5).await;
    let data = format!("/api/sessions/{id}/data.parquet");
    let (before, detail) = (app.get(&data).await, app.get(&format!("/api/sessions/{id}")).await.json());
    let app = app.restart().await;
    let after = app.get(&data).await;
    assert_eq!((before.body, before.headers["etag"].clone()), (after.body, after.headers["etag"].clone()));
    assert_eq!(app.get(&format!("/api/sessions/{id}")).await.json(), detail);
    let raw = std::fs::read_dir(app.storage().join(&id).join("raw")).unwrap().next().unwrap().unwrap();
    assert_eq!(std::fs::read(raw.path()).unwrap(), report(5));
}

#[tokio::test]
async fn lineage_leads_from_the_data_to_the_raw_bytes() {
    let app = TestApp::start().await;
    let id = parsed(&app, "Autumn", "KMUH", 5).await;
    let lineage = app.get(&format!("/api/sessions/{id}/lineage")).await.expect(200);
    let nodes = lineage["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 2);
    assert_eq!((&nodes[0]["kind"], &nodes[0]["label"]), (&json!("source_file"), &json!("kw.csv")));
    use sha2::Digest;
    assert_eq!(nodes[0]["sha256"], format!("{:x}", sha2::Sha256::digest(report(5))));
    assert_eq!(nodes[1]["made_from"], json!([nodes[0]["id"]]));
    assert_eq!((&nodes[1]["label"], &nodes[1]["made_by"]["options"]["timezone"]), (&json!("parsed-v1"), &json!("UTC")));
}

#[tokio::test]
async fn unknown_sessions_are_said_everywhere() {
    let app = TestApp::start().await;
    let id = "0199f6a0-0000-7000-8000-000000000001";
    for path in ["", "/lineage", "/data.parquet", "/data.csv", "/data.arrow"] {
        app.get(&format!("/api/sessions/{id}{path}")).await.expect_problem(404, "unknown_session");
    }
    app.delete(&format!("/api/sessions/{id}")).await.expect_problem(404, "unknown_session");
    app.post("/api/parse", &json!({"session_id": id})).await.expect_problem(404, "unknown_session");
}

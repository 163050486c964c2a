//! What a first screen shows of sessions: how full, how large; and a site's points as somebody knows them better.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::helpers::{Process, TestApp};

/// Four days of hours: `A` is whole, `B` ends after two days, `C` never had a value.
fn hours() -> Vec<u8> {
    let mut text = "time,A,B,C\n".to_owned();
    for hour in 0..96 {
        let b = if hour < 48 { hour.to_string() } else { String::new() };
        writeln!(text, "2024-07-{:02} {:02}:00,{},{b},", 1 + hour / 24, hour % 24, hour % 5).unwrap();
    }
    text.into_bytes()
}

/// Bytes of a folder's files but for `session.json`, which tells of them.
fn bytes_below(folder: &Path) -> u64 {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap() != "session.json")
        .map(|path| if path.is_dir() { bytes_below(&path) } else { path.metadata().unwrap().len() })
        .sum()
}

#[tokio::test]
async fn a_strip_says_how_full_a_session_is() {
    let app = TestApp::start().await;
    let answer = app.parsed(&[("hours.csv", &hours())], &[("timezone", "Asia/Taipei")]).await;
    let id = answer["session_id"].as_str().unwrap();
    let strip = async |query: &str| app.get(&format!("/api/data/coverage-strip?session_id={id}{query}")).await;
    let told = strip("&slices=2").await.expect(200);
    // (1 + 1 + 0) / 3, and (1 + 0 + 0) / 3.
    assert_eq!((&told["slices"], &told["percent"]), (&json!([66.7, 33.3]), &json!(50.0)));
    assert_eq!((&told["dead_points"], &told["start_at"]), (&json!(1), &json!("2024-07-01T00:00:00+08:00")));
    assert_eq!(told["version"], "parsed-v1");
    let four = strip("&slices=4").await.expect(200);
    assert_eq!(four["slices"], json!([66.7, 66.7, 33.3, 33.3]));
    assert_eq!(strip("").await.expect(200)["slices"].as_array().unwrap().len(), 48);
    let tag = strip("").await.header("etag").to_owned();
    let known = app.get_with(&format!("/api/data/coverage-strip?session_id={id}"), &[("if-none-match", &tag)]).await;
    assert_eq!(known.status, 304);
    for slices in ["0", "501", "-1"] {
        strip(&format!("&slices={slices}")).await.expect_problem(422, "out_of_range");
    }
}

/// A sample stands for the hour after it, however the parts lie between the samples.
#[tokio::test]
async fn what_is_whole_is_whole_in_any_number_of_parts() {
    let app = TestApp::start().await;
    let hour = |hour: u32| {
        format!("2024-07-{:02} {:02}:00,{hour},{}\n", 1 + hour / 24, hour % 24, if hour < 36 { "1" } else { "" })
    };
    let report = (0..72).map(hour).fold("time,A,B\n".to_owned(), |report, line| report + &line);
    let half = app.parsed(&[("hours.csv", report.as_bytes())], &[("timezone", "UTC")]).await;
    let whole: String = report.lines().map(|line| line.rsplit_once(',').unwrap().0.to_owned() + "\n").collect();
    let whole = app.parsed(&[("whole.csv", whole.as_bytes())], &[("timezone", "UTC")]).await;
    let strip = async |answer: &Value, slices: usize| {
        let id = answer["session_id"].as_str().unwrap();
        app.get(&format!("/api/data/coverage-strip?session_id={id}&slices={slices}")).await.expect(200)
    };
    for slices in [1, 2, 5, 7, 48, 72, 100, 500] {
        let told = strip(&whole, slices).await;
        assert_eq!((&told["percent"], &told["slices"]), (&json!(100.0), &json!(vec![100.0; slices])), "{slices}");
        // Of B the first half is there: three quarters of all.
        assert_eq!(strip(&half, slices).await["percent"], 75.0, "{slices}");
    }
}

#[tokio::test]
async fn a_list_says_what_sessions_take() {
    let app = TestApp::start().await;
    let answer = app.parsed(&[("hours.csv", &hours())], &[("timezone", "UTC")]).await;
    let id = answer["session_id"].as_str().unwrap().to_owned();
    app.post("/api/clean", &json!({"session_id": id})).await.expect(200);
    let other = app.uploaded(&[("few.csv", b"time,A\n2024-07-01 00:00,1\n")], &[]).await;
    let list = app.get("/api/sessions").await.expect(200);
    let size = |id: &str| {
        let items = list["items"].as_array().unwrap();
        items.iter().find(|item| item["session_id"] == id).unwrap()["size_bytes"].as_u64().unwrap()
    };
    let (whole, raw) = (bytes_below(&app.storage().join(&id)), bytes_below(&app.storage().join(&other)));
    assert_eq!((size(&id), size(&other)), (whole, raw));
    assert_eq!(app.get(&format!("/api/sessions/{id}")).await.expect(200)["size_bytes"], whole);
    let status = app.get("/api/status").await.expect(200);
    let stored = |of: &str| status["stored"][of].as_u64().unwrap();
    assert_eq!(stored("raw") + stored("parsed") + stored("cleaned") + stored("models"), whole + raw);
    assert_eq!((stored("raw"), stored("models")), (hours().len() as u64 + raw, 0));
}

#[tokio::test]
async fn what_is_stated_of_a_sites_point_holds_from_the_next_parse_on() {
    let app = TestApp::start().await;
    let fields = [("timezone", "UTC"), ("site", "NORTH")];
    let made = app.parsed(&[("hours.csv", &hours())], &fields).await;
    let id = made["session_id"].as_str().unwrap();
    let unit = |parsed: &Value, name: &str| {
        let columns = parsed["column_details"].as_array().unwrap();
        columns.iter().find(|column| column["original_name"] == name).unwrap()["unit"].clone()
    };
    assert_eq!(unit(&made, "A"), Value::Null);
    let path = "/api/sites/NORTH/overrides";
    let put = async |body: Value| app.request(reqwest::Method::PUT, path, |request| request.json(&body)).await;
    let told = put(json!({"column": "A", "unit": "kW", "name": "MAIN"})).await.expect(200);
    assert_eq!(told["columns"], json!([{"column": "A", "name": "MAIN", "kind": null, "unit": "kW"}]));
    // In place of what was stated before.
    let told = put(json!({"column": "A", "unit": " °C "})).await.expect(200);
    assert_eq!(told["columns"], json!([{"column": "A", "name": null, "kind": null, "unit": "°C"}]));
    assert_eq!(app.get(path).await.expect(200), told);

    // The version that is there keeps its own; the next one follows.
    let stats = app.get(&format!("/api/data/stats?session_id={id}&column=A")).await.expect(200);
    assert_eq!(stats["unit"], Value::Null);
    let next = app.post("/api/parse", &json!({"session_id": id})).await.expect(200);
    assert_eq!((&next["version"], unit(&next, "A")), (&json!("parsed-v2"), json!("°C")));
    // session.json has it: a lost catalogue gets it back.
    let manifest = std::fs::read_to_string(app.storage().join(id).join("session.json")).unwrap();
    assert!(manifest.contains("°C"), "{manifest}");
    for body in [json!({"column": "A"}), json!({"column": "", "unit": "kW"}), json!({"column": "A", "unit": " "})] {
        put(body).await.expect_problem(422, "bad_column_override");
    }
    let folder = app.stop().await;
    let run = |arguments: &[&str]| {
        let output = Process::command(folder.path(), arguments).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (done, said) = run(&["sessions", "overrides", "NORTH", "--column", "B:unit=kWh,kind=counter"]);
    assert!(done && said.contains("column B  unit=kWh, kind=counter") && said.contains("column A  unit=°C"), "{said}");
    let (done, said) = run(&["data", "strip", id, "--slices", "2", "--version", "parsed-v1"]);
    assert!(done && said.contains("▆▃") && said.contains("50.0 %") && said.contains("1 point without"), "{said}");
}

//! What a dry run says at its end, how a file is read otherwise, and what is refused because readings would be lost.

use serde_json::{Value, json};

use crate::helpers::TestApp;

/// Four quarter-hours of two points; the dates can be read both ways.
const MARCH: &str = "time,CHWST [°C],MODE\n01/03/2024 00:00,6.8,COOL\n01/03/2024 00:15,7.2,COOL\n02/03/2024 00:00,,OFF\n03/03/2024 00:15,8,OFF\n";

async fn uploaded(app: &TestApp, files: &[(&str, &str)]) -> String {
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    app.uploaded(&files, &[]).await
}

#[tokio::test]
async fn a_dry_run_ends_with_a_verdict() {
    let app = TestApp::start().await;
    let id = uploaded(&app, &[("march.csv", MARCH)]).await;
    let asked = json!({"session_id": id, "dry_run": true, "date_order": "dmy"});
    let answer = app.post("/api/parse", &asked).await.expect(200);
    let verdict = &answer["verdict"];
    assert_eq!((&verdict["accepted"], &verdict["readings"]), (&json!(true), &json!(7)));
    let file = &verdict["files"][0];
    let seen =
        |what: &str| file["seen"].as_array().unwrap().iter().find(|s| s["what"] == what).unwrap()["value"].clone();
    assert_eq!((seen("format"), seen("dates"), seen("zone")), (json!("wide"), json!("DMY"), json!("UTC")));
    assert_eq!(seen("decimal"), ".");
    assert_eq!(answer["files"][0]["decimal"]["value"], ".");
    let cells = |row: &Value| row["cells"].as_array().unwrap().iter().map(|c| c["value"].clone()).collect::<Vec<_>>();
    assert_eq!(file["first_rows"][0]["timestamp"], "2024-03-01T00:00:00+00:00");
    assert_eq!(cells(&file["first_rows"][0]), [json!(6.8), json!("COOL")]);
    assert_eq!(cells(&file["last_rows"][0]), [Value::Null, json!("OFF")]);
    assert_eq!(file["last_rows"][1]["timestamp"], "2024-03-03T00:15:00+00:00");
    let points = verdict["points"].as_array().unwrap();
    assert_eq!((&points[0]["min"], &points[0]["max"], &points[0]["unit"]), (&json!(6.8), &json!(8.0), &json!("°C")));
    // Quarters of 48 h 15 min: 6.8 and 7.2 (mean 7.0), nothing, nothing, 8.
    assert_eq!(points[0]["sparkline"], "▁··█");
    assert_eq!(points[1]["states"], json!({"COOL": 2, "OFF": 2}));
    let others = file["other_readings"].as_array().unwrap();
    assert_eq!(others[0]["flag"], "--timezone ZONE");
    assert!(
        answer["dataset_id"] == ""
            && app.post("/api/parse", &json!({"session_id": id, "date_format": "DMY"})).await.expect(200)["verdict"]
                .is_null()
    );
}

#[tokio::test]
async fn one_file_is_read_otherwise_than_the_others() {
    let app = TestApp::start().await;
    let rows = "2024-03-01 00:00;6,8\n2024-03-01 00:15;7,2\n";
    let first = format!("time;A\n{rows}");
    let second = format!("some words\nmore;words\nwhen;B\n{rows}");
    let id = uploaded(&app, &[("first.csv", &first), ("second.txt", &second)]).await;
    let unknown = json!({"session_id": id, "overrides": {"third*": {"header_row": 3}}});
    let problem = app.post("/api/parse", &unknown).await.expect_problem(422, "bad_override");
    assert_eq!(problem["detail"], "overrides[third*]: no file has this name; there are first.csv, second.txt");
    let wrong = json!({"session_id": id, "overrides": {"*.txt": {"decimal": "'"}}});
    let problem = app.post("/api/parse", &wrong).await.expect_problem(422, "bad_override");
    assert_eq!(problem["errors"][0]["field"], "overrides[*.txt].decimal");
    app.post("/api/parse", &json!({"session_id": id, "overrides": {"*.txt": {"heading": 3}}}))
        .await
        .expect_problem(422, "unknown_field");
    let right = json!({"session_id": id, "zone": "Asia/Taipei", "decimal": ",", "overrides": {"*.TXT": {"header_row": 3, "zone": "UTC"}}});
    let answer = app.post("/api/parse", &right).await.expect(200);
    assert_eq!(answer["columns"], json!(["timestamp", "A", "B"]));
    // 00:00 in Taipei is 16:00 UTC of the day before; the second file's is 08:00 in Taipei.
    assert_eq!(answer["preview"][0], json!({"timestamp": "2024-03-01T00:00:00+08:00", "A": 6.8, "B": null}));
    assert_eq!(answer["preview"][2], json!({"timestamp": "2024-03-01T08:00:00+08:00", "A": null, "B": 6.8}));
    assert_eq!(app.post("/api/parse", &right).await.expect(200)["reused"], true);
}

#[tokio::test]
async fn two_machines_with_the_same_names_are_told_and_kept_apart() {
    let app = TestApp::start().await;
    let (one, other) = (MARCH.to_owned(), MARCH.replace("6.8", "9.8").replace("7.2", "9.9").replace(",8,", ",12,"));
    let id = uploaded(&app, &[("AHU-1.csv", &one), ("AHU-2.csv", &other)]).await;
    let asked = |more: Value| {
        let mut asked = json!({"session_id": id, "date_format": "DMY", "timezone": "UTC"});
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        asked
    };
    let problem = app.post("/api/parse", &asked(json!({}))).await.expect_problem(422, "would_lose_readings");
    assert!(problem["detail"].as_str().unwrap().contains("conflict 3"), "{problem}");
    assert_eq!(app.get(&format!("/api/sessions/{id}")).await.expect(200)["status"], "uploaded");
    let dry = app.post("/api/parse", &asked(json!({"dry_run": true}))).await.expect(200);
    assert_eq!((&dry["verdict"]["accepted"], &dry["verdict"]["lost"]), (&json!(false), &json!({"conflict": 3})));
    let warned = dry["warnings"].as_array().unwrap().iter().find(|w| w["code"] == "files_disagree").unwrap();
    let message = warned["message"].as_str().unwrap();
    // 3 numbers differ; the 4 states are the same.
    assert!(
        message.contains("3 of the 3 cells that both have (100.0 %)") && message.contains("prefix_by"),
        "{message}"
    );
    let apart = app.post("/api/parse", &asked(json!({"prefix_by": "file"}))).await.expect(200);
    assert_eq!(apart["conflicts"], 0);
    let names: Vec<&Value> = apart["column_details"].as_array().unwrap().iter().map(|c| &c["original_name"]).collect();
    assert_eq!(names, ["AHU-1 CHWST [°C]", "AHU-1 MODE", "AHU-2 CHWST [°C]", "AHU-2 MODE"]);
    app.post("/api/parse", &asked(json!({"accept_loss": true}))).await.expect(200);
    app.post("/api/parse", &asked(json!({"on_conflict": "first", "force": true}))).await.expect(200);
}

#[tokio::test]
async fn rows_that_cannot_have_been_recorded_yet_are_counted() {
    let app = TestApp::start().await;
    let rows = (1..=9).map(|day| format!("2024-03-0{day} 00:00,{day}\n")).collect::<String>();
    let text = format!("time,A\n{rows}2097-01-01 00:00,1\n2024-02-01 00:00,5\n");
    let id = uploaded(&app, &[("a.csv", &text)]).await;
    let answer = app.post("/api/parse", &json!({"session_id": id, "timezone": "UTC"})).await.expect(200);
    let warning = |code: &str| {
        answer["warnings"].as_array().unwrap().iter().find(|w| w["code"] == code).unwrap()["message"].clone()
    };
    assert!(warning("times_after_writing").as_str().unwrap().starts_with("a.csv: 1 of 11 rows (9.1 %) are later"));
    assert!(
        warning("out_of_order").as_str().unwrap().starts_with("a.csv: 1 of 11 rows (9.1 %) stand after a later one")
    );
}

async fn parsed(app: &TestApp, name: &str, text: &str, asked: Value) -> Value {
    let id = app.uploaded(&[(name, text.as_bytes())], &[("site", "KMUH")]).await;
    let mut asked = asked;
    asked["session_id"] = id.into();
    app.post("/api/parse", &asked).await.expect(200)
}

#[tokio::test]
async fn what_was_stated_of_a_report_is_followed_by_the_next_of_its_shape() {
    let app = TestApp::start().await;
    let days = |days: [&str; 2]| format!("time,A\n{} 00:00,1\n{} 00:00,2\n", days[0], days[1]);
    let stated = json!({"date_format": "DMY", "timezone": "Asia/Taipei"});
    parsed(&app, "march.csv", &days(["01/03/2024", "02/03/2024"]), stated).await;
    let known = app.get("/api/sites/KMUH/overrides").await.expect(200);
    assert_eq!(known["reports"][0]["options"], json!({"timezone": "Asia/Taipei", "date_format": "DMY"}));
    assert_eq!(known["reports"][0]["file_name"], "march.csv");

    // The dates alone would be no help, and nobody says the zone.
    let april = parsed(&app, "april.csv", &days(["01/04/2024", "02/04/2024"]), json!({"dry_run": true})).await;
    assert_eq!(april["preview"][1]["timestamp"], "2024-04-02T00:00:00+08:00");
    let told = &april["verdict"]["files"][0]["remembered"];
    assert_eq!(told, "date_format=DMY, timezone=Asia/Taipei, from march.csv");
    // A report that cannot be of that order is read as it can be.
    let may = parsed(&app, "may.csv", &days(["05/13/2024", "05/14/2024"]), json!({"timezone": "UTC"})).await;
    assert_eq!(may["preview"][0]["timestamp"], "2024-05-13T00:00:00+00:00");
    let warned = may["warnings"].as_array().unwrap().iter().find(|w| w["code"] == "remembered_override_not_applied");
    assert!(warned.unwrap()["message"].as_str().unwrap().contains("may.csv contradicts"), "{may}");
    // What is stated wins, and another shape has nothing to follow.
    let june = parsed(
        &app,
        "june.csv",
        &days(["01/06/2024", "02/06/2024"]),
        json!({"date_format": "MDY", "timezone": "UTC", "dry_run": true}),
    )
    .await;
    assert_eq!(june["preview"][1]["timestamp"], "2024-02-06T00:00:00+00:00");
    let other = "time,B\n2024-03-01 00:00,1\n2024-03-02 00:00,2\n";
    let other = parsed(&app, "other.csv", other, json!({"dry_run": true})).await;
    assert_eq!(other["preview"][0]["timestamp"], "2024-03-01T00:00:00+00:00");

    let shape = known["reports"][0]["shape"].as_str().unwrap();
    let path = format!("/api/sites/KMUH/overrides?report={shape}");
    assert_eq!(app.delete(&path).await.status, 204);
    app.delete(&path).await.expect_problem(404, "unknown_override");
    assert_eq!(app.get("/api/sites/KMUH/overrides").await.expect(200)["reports"], json!([]));
}

//! Parsing through the API: what the replaced backend got wrong, and the settled meanings of versions, status and "the same again".

use serde_json::{Value, json};

use crate::helpers::TestApp;

/// Two quarter-hours of a meter, as an APOGEE trend report writes them.
const METER: &str = "\"Key            Name:Suffix                                Trend Definitions Used\"\r\n\
\"Point_1:\",\"M.KW\",\"\",\"5 minutes\"\r\n\
\"Point_2:\",\"M.KWH\",\"\",\"15 minutes\"\r\n\
\"Time Interval:\",\"15 Minutes\"\r\n\
\"Date Range:\",\"2016/10/10 00:00:00 - 2016/10/10 23:59:59\"\r\n\
\"Report Timings:\",\"All Hours\"\r\n\
\"\"\r\n\
\"<>Date\",\"Time\",\"Point_1\",\"Point_2\"\r\n\
\"2016/10/10\",\"00:00:00\",\"4583\",\"10725945\"\r\n\
\"2016/10/10\",\"00:15:00\",\"Data Loss\",\"10726055\"\r\n\
\" ******************************** End of Report *********************************\"\r\n";

/// The next quarter-hours of the same meter.
const METER_LATER: &str = "\"Key            Name:Suffix                                Trend Definitions Used\"\r\n\
\"Point_1:\",\"M.KW\",\"\",\"5 minutes\"\r\n\
\"Point_2:\",\"M.KWH\",\"\",\"15 minutes\"\r\n\
\"Time Interval:\",\"15 Minutes\"\r\n\
\"\"\r\n\
\"<>Date\",\"Time\",\"Point_1\",\"Point_2\"\r\n\
\"2016/10/10\",\"00:30:00\",\" -0.2\",\"10726165\"\r\n\
\" ******************************** End of Report *********************************\"\r\n";

/// A pump of the same site, trended over the same time.
const PUMP: &str = "\"Key            Name:Suffix                                Trend Definitions Used\"\r\n\
\"Point_1:\",\"P-1.S\",\"\",\"COV         15 minutes\"\r\n\
\"Time Interval:\",\"15 Minutes\"\r\n\
\"\"\r\n\
\"<>Date\",\"Time\",\"Point_1\"\r\n\
\"2016/10/10\",\"00:00:00\",\"OFF\"\r\n\
\"2016/10/10\",\"00:15:00\",\"ON\"\r\n\
\"2016/10/10\",\"00:30:00\",\"ON\"\r\n\
\" ******************************** End of Report *********************************\"\r\n";

const TAIPEI: [(&str, &str); 3] = [("name", "KMUH"), ("site", "kmuh"), ("timezone", "Asia/Taipei")];

fn row(answer: &Value, index: usize) -> &Value {
    &answer["preview"][index]
}

#[tokio::test]
async fn the_footer_is_no_row_and_the_first_row_is_the_first() {
    let app = TestApp::start().await;
    let answer = app.parsed(&[("meter.csv", METER.as_bytes())], &TAIPEI).await;
    assert_eq!(answer["row_count"], 2);
    assert_eq!(answer["columns"], json!(["timestamp", "M_KW", "M_KWH"]));
    assert_eq!(answer["column_count"], 3);
    assert_eq!(
        *row(&answer, 0),
        json!({"timestamp": "2016-10-10T00:00:00+08:00", "M_KW": 4583.0, "M_KWH": 10725945.0})
    );
    assert_eq!(*row(&answer, 1), json!({"timestamp": "2016-10-10T00:15:00+08:00", "M_KW": null, "M_KWH": 10726055.0}));
    assert_eq!(answer["files"][0]["dropped_rows"], json!({"footer": 1}));
    assert_eq!(answer["files"][0]["loss_markers"], json!({"Data Loss": 1}));
}

#[tokio::test]
async fn groups_are_joined_and_parts_of_a_group_follow_each_other() {
    let app = TestApp::start().await;
    let files: [(&str, &[u8]); 3] =
        [("pump.csv", PUMP.as_bytes()), ("later.csv", METER_LATER.as_bytes()), ("meter.csv", METER.as_bytes())];
    let answer = app.parsed(&files, &TAIPEI).await;
    assert_eq!(answer["row_count"], 3);
    let at = |index: usize| (&row(&answer, index)["M_KW"], &row(&answer, index)["P_1_S"]);
    assert_eq!(at(0), (&json!(4583.0), &json!(0.0)));
    assert_eq!(at(1), (&Value::Null, &json!(1.0)));
    assert_eq!(at(2), (&json!(-0.2), &json!(1.0)));
    let details = answer["column_details"].as_array().unwrap();
    let of = |name: &str| details.iter().find(|c| c["name"] == name).unwrap();
    assert_eq!(of("M_KW")["nulls"], json!({"data_loss": 1}));
    assert_eq!(of("M_KW")["original_name"], "M.KW");
    assert_eq!(of("M_KW")["native_interval_s"], 300);
    assert_eq!(of("M_KWH")["kind"], "counter");
    assert_eq!(of("P_1_S")["kind"], "status");
    assert_eq!(of("P_1_S")["states"], json!(["OFF", "ON"]));
}

/// A frame is merged a window of rows at a time; most of them have nothing of this file.
#[tokio::test]
async fn texts_of_a_few_minutes_stand_beside_weeks_of_numbers() {
    let app = TestApp::start().await;
    let minutes = (0..40_000).map(|minute| format!("{},{minute}\n", 1_476_028_800 + 60 * minute));
    let meter = format!("time,kwh\n{}", minutes.collect::<String>());
    let modes = "time,mode\n1476028800,COOL\n1476028860,HEAT\n1476028920,DRY\n";
    let files: [(&str, &[u8]); 2] = [("meter.csv", meter.as_bytes()), ("modes.csv", modes.as_bytes())];
    let answer = app.parsed(&files, &TAIPEI).await;
    assert_eq!(answer["row_count"], 40_000);
    let mode = answer["column_details"].as_array().unwrap().iter().find(|c| c["name"] == "mode").unwrap();
    assert_eq!((&mode["kind"], &mode["nulls"]), (&json!("text"), &json!({"not_covered": 39_997})));
    let id = answer["session_id"].as_str().unwrap();
    let cells = async |offset: u32| {
        let page = app.get(&format!("/api/data/preview?session_id={id}&rows=1&offset={offset}")).await.expect(200);
        (page["preview"][0]["kwh"].clone(), page["preview"][0]["mode"].clone())
    };
    assert_eq!(cells(2).await, (json!(2.0), json!("DRY")));
    assert_eq!(cells(20_000).await, (json!(20_000.0), Value::Null));
    assert_eq!(cells(39_999).await, (json!(39_999.0), Value::Null));
}

#[tokio::test]
async fn statistics_of_merged_columns_are_numbers() {
    let app = TestApp::start().await;
    let files: [(&str, &[u8]); 2] = [("meter.csv", METER.as_bytes()), ("later.csv", METER_LATER.as_bytes())];
    let id = app.parsed(&files, &TAIPEI).await["session_id"].as_str().unwrap().to_owned();
    let stats = app.get(&format!("/api/data/stats?session_id={id}&column=M_KW")).await.expect(200);
    // (4583 − 0.2) / 2
    assert_eq!(stats["mean"], 2291.4);
    assert_eq!((&stats["min"], &stats["max"]), (&json!(-0.2), &json!(4583.0)));
    assert_eq!((&stats["count"], &stats["null_count"]), (&json!(2), &json!(1)));
}

#[tokio::test]
async fn the_same_bytes_twice_count_once() {
    let app = TestApp::start().await;
    let files: [(&str, &[u8]); 2] = [("meter.csv", METER.as_bytes()), ("copy.csv", METER.as_bytes())];
    let upload = app.upload(&files, &TAIPEI).await.expect(201);
    assert_eq!(upload["files"].as_array().unwrap().len(), 1);
    assert_eq!(upload["warnings"][0]["code"], "duplicate_file");
    let answer = app.post("/api/parse", &json!({"session_id": upload["session_id"]})).await.expect(200);
    assert_eq!(answer["row_count"], 2);
}

#[tokio::test]
async fn the_order_of_the_files_changes_nothing() {
    let app = TestApp::start().await;
    let files: [(&str, &[u8]); 3] =
        [("meter.csv", METER.as_bytes()), ("later.csv", METER_LATER.as_bytes()), ("pump.csv", PUMP.as_bytes())];
    let mut turned = files;
    turned.reverse();
    let one = app.parsed(&files, &TAIPEI).await;
    let two = app.parsed(&turned, &TAIPEI).await;
    assert_eq!(one["columns"], two["columns"]);
    let csv = |answer: &Value| format!("/api/sessions/{}/data.csv", answer["session_id"].as_str().unwrap());
    assert_eq!(app.get(&csv(&one)).await.text(), app.get(&csv(&two)).await.text());
}

#[tokio::test]
async fn the_same_again_is_answered_from_before_unless_forced() {
    let app = TestApp::start().await;
    let first = app.parsed(&[("meter.csv", METER.as_bytes())], &TAIPEI).await;
    let again = json!({"session_id": first["session_id"]});
    let same = app.post("/api/parse", &again).await.expect(200);
    assert_eq!((&same["reused"], &same["dataset_id"]), (&json!(true), &first["dataset_id"]));
    assert_eq!(same["preview"], first["preview"]);
    assert_eq!(same["files"], first["files"]);
    let forced = json!({"session_id": first["session_id"], "force": true});
    let forced = app.post("/api/parse", &forced).await.expect(200);
    assert_eq!((&forced["reused"], &forced["version"]), (&json!(false), &json!("parsed-v2")));
    let other = json!({"session_id": first["session_id"], "on_conflict": "first"});
    assert_eq!(app.post("/api/parse", &other).await.expect(200)["version"], "parsed-v3");
}

#[tokio::test]
async fn server_side_files_make_a_session_and_the_same_ones_find_it_again() {
    let app = TestApp::start().await;
    app.place("kmuh/meter.csv", METER.as_bytes());
    app.place("kmuh/pump.csv", PUMP.as_bytes());
    // As the frontend asks.
    let request = json!({"files": ["meter.csv", "pump.csv"], "data_dir": "data", "subfolder": "kmuh"});
    let answer = app.post("/api/parse", &request).await.expect(200);
    assert_eq!(answer["success"], true);
    assert_eq!(answer["warnings"][0]["code"], "timezone_assumed");
    let same = app.post("/api/parse", &request).await.expect(200);
    assert_eq!((&same["session_id"], &same["reused"]), (&answer["session_id"], &json!(true)));
    let session = app.get(&format!("/api/sessions/{}", answer["session_id"].as_str().unwrap())).await.expect(200);
    assert_eq!(session["files"].as_array().unwrap().len(), 2);
    assert_eq!((&session["status"], &session["timezone"]), (&json!("parsed"), &json!("UTC")));
    assert_eq!(session["name"], "meter and 1 more");
}

#[tokio::test]
async fn a_failed_server_side_parse_leaves_no_session_and_no_file() {
    let app = TestApp::start().await;
    app.place("bad/meter.csv", METER.as_bytes());
    app.place("bad/empty.csv", b"");
    let problem = app.post("/api/parse", &json!({"subfolder": "bad"})).await.expect_problem(422, "empty_file");
    assert!(problem["detail"].as_str().unwrap().contains("the other file can be read"), "{problem}");
    assert_eq!(problem["errors"][0]["file"], "empty.csv");
    assert_eq!(app.get("/api/sessions").await.expect(200)["total"], 0);
    let folders = std::fs::read_dir(app.storage()).unwrap().flatten().filter(|e| e.path().is_dir()).count();
    assert_eq!(folders, 0);
}

#[tokio::test]
async fn an_upload_that_cannot_be_parsed_is_failed_and_one_with_a_dataset_stays_parsed() {
    let app = TestApp::start().await;
    let id = app.uploaded(&[("empty.csv", b"")], &TAIPEI).await;
    app.post("/api/parse", &json!({"session_id": id})).await.expect_problem(422, "empty_file");
    assert_eq!(app.get(&format!("/api/sessions/{id}")).await.expect(200)["status"], "failed");
    let good = app.parsed(&[("meter.csv", METER.as_bytes())], &TAIPEI).await["session_id"].as_str().unwrap().to_owned();
    app.place("more/empty.csv", b"");
    let more = json!({"session_id": good, "subfolder": "more"});
    app.post("/api/parse", &more).await.expect_problem(422, "empty_file");
    let session = app.get(&format!("/api/sessions/{good}")).await.expect(200);
    assert_eq!((&session["status"], session["files"].as_array().unwrap().len()), (&json!("parsed"), 1));
}

#[tokio::test]
async fn more_files_make_the_next_version() {
    let app = TestApp::start().await;
    let first = app.parsed(&[("meter.csv", METER.as_bytes())], &TAIPEI).await;
    app.place("more/later.csv", METER_LATER.as_bytes());
    let request = json!({"session_id": first["session_id"], "subfolder": "more"});
    let second = app.post("/api/parse", &request).await.expect(200);
    assert_eq!((&second["version"], &second["row_count"]), (&json!("parsed-v2"), &json!(3)));
    let id = first["session_id"].as_str().unwrap();
    let old = app.get(&format!("/api/data/preview?session_id={id}&version=parsed-v1")).await.expect(200);
    let new = app.get(&format!("/api/data/preview?session_id={id}")).await.expect(200);
    assert_eq!((&old["total_rows"], &new["total_rows"]), (&json!(2), &json!(3)));
    assert_eq!(new["version"], "parsed-v2");
}

#[tokio::test]
async fn a_dry_run_stores_nothing() {
    let app = TestApp::start().await;
    app.place("kmuh/meter.csv", METER.as_bytes());
    let answer = app.post("/api/parse", &json!({"subfolder": "kmuh", "dry_run": true})).await.expect(200);
    assert_eq!(
        (&answer["dry_run"], &answer["row_count"], &answer["dataset_id"]),
        (&json!(true), &json!(2), &json!(""))
    );
    assert_eq!(answer["files"][0]["format"]["value"], "apogee");
    assert_eq!(app.get("/api/sessions").await.expect(200)["total"], 0);
    let folders = std::fs::read_dir(app.storage()).unwrap().flatten().filter(|e| e.path().is_dir()).count();
    assert_eq!(folders, 0);
}

#[tokio::test]
async fn two_different_values_are_a_conflict_that_can_be_refused() {
    let app = TestApp::start().await;
    let other = METER.replace("\"4583\"", "\"4600\"");
    let files: [(&str, &[u8]); 2] = [("a.csv", METER.as_bytes()), ("b.csv", other.as_bytes())];
    let id = app.uploaded(&files, &TAIPEI).await;
    let strict = json!({"session_id": id, "on_conflict": "error"});
    let problem = app.post("/api/parse", &strict).await.expect_problem(422, "conflicting_values");
    assert_eq!(problem["errors"][0]["column"], "M.KW");
    let unsaid = app.post("/api/parse", &json!({"session_id": id})).await.expect_problem(422, "would_lose_readings");
    assert_eq!(unsaid["errors"][0], json!({"field": "conflict", "message": "1 of 4 readings"}));
    let last = app.post("/api/parse", &json!({"session_id": id, "on_conflict": "last"})).await.expect(200);
    assert_eq!(last["conflicts"], 1);
    let first = app.post("/api/parse", &json!({"session_id": id, "on_conflict": "first"})).await.expect(200);
    let kw = |answer: &Value| answer["preview"][0]["M_KW"].as_f64().unwrap();
    let mut both = [kw(&last), kw(&first)];
    both.sort_by(f64::total_cmp);
    assert_eq!(both, [4583.0, 4600.0]);
}

#[tokio::test]
async fn what_the_user_knows_better_is_followed_and_remembered_for_the_site() {
    let app = TestApp::start().await;
    let id = app.uploaded(&[("meter.csv", METER.as_bytes())], &TAIPEI).await;
    let columns = json!([{"column": "M.KW", "unit": "kW", "name": "main_kw"}]);
    let answer = app.post("/api/parse", &json!({"session_id": id, "columns": columns})).await.expect(200);
    assert_eq!(answer["columns"][1], "main_kw");
    assert_eq!(answer["column_details"][0]["unit"], "kW");
    assert_eq!(answer["column_details"][0]["unit_evidence"], "stated by the user");
    let next = app.parsed(&[("later.csv", METER_LATER.as_bytes())], &TAIPEI).await;
    assert_eq!((&next["columns"][1], &next["column_details"][0]["unit"]), (&json!("main_kw"), &json!("kW")));
    let elsewhere = app.parsed(&[("later.csv", METER_LATER.as_bytes())], &[("site", "other")]).await;
    assert_eq!(elsewhere["columns"][1], "M_KW");
    let unknown = json!({"session_id": id, "columns": [{"column": "M.XX", "unit": "kW"}]});
    app.post("/api/parse", &unknown).await.expect_problem(422, "bad_column_override");
}

#[tokio::test]
async fn the_zone_is_fixed_when_parsed() {
    let app = TestApp::start().await;
    let id = app.parsed(&[("meter.csv", METER.as_bytes())], &TAIPEI).await["session_id"].clone();
    let moved = json!({"session_id": id, "timezone": "Europe/Berlin"});
    app.post("/api/parse", &moved).await.expect_problem(422, "timezone_fixed");
}

#[tokio::test]
async fn without_a_session_the_one_last_parsed_over_http_is_meant_and_said() {
    let app = TestApp::start().await;
    app.get("/api/data/preview").await.expect_problem(404, "no_session");
    app.parsed(&[("pump.csv", PUMP.as_bytes())], &TAIPEI).await;
    let last = app.parsed(&[("meter.csv", METER.as_bytes())], &TAIPEI).await;
    let answer = app.get("/api/data/preview?rows=1").await;
    assert!(answer.header("warning").contains(last["session_id"].as_str().unwrap()));
    assert!(!answer.header("deprecation").is_empty());
    assert_eq!(answer.expect(200)["session_id"], last["session_id"]);
}

#[tokio::test]
async fn a_zone_is_only_assumed_where_a_report_has_local_times() {
    let app = TestApp::start().await;
    for (text, assumed) in [
        ("time,kw\n2020-01-01T00:00:00+08:00,1\n2020-01-01T00:15:00+08:00,2\n", false),
        ("time,kw\n1577836800,1\n1577837700,2\n", false),
        ("time,kw\n2020-01-01 00:00,1\n2020-01-01 00:15,2\n", true),
    ] {
        let answer = app.parsed(&[("kw.csv", text.as_bytes())], &[]).await;
        let warned = answer["warnings"].as_array().unwrap().iter().any(|w| w["code"] == "timezone_assumed");
        assert_eq!(warned, assumed, "{text}");
    }
}

/// A point's history, named by its file.
#[tokio::test]
async fn a_report_may_be_gzipped() {
    let app = TestApp::start().await;
    let bytes = include_bytes!("../fixtures/reports/CH1_KW.csv.gz");
    let answer = app.parsed(&[("CH1_KW.csv.gz", bytes)], &TAIPEI).await;
    assert_eq!(answer["files"][0]["file_name"], "CH1_KW.csv.gz/CH1_KW.csv");
    assert_eq!((&answer["column_details"][0]["name"], &answer["row_count"]), (&json!("CH1_KW"), &json!(2)));
    app.upload(&[("CH1_KW.csv.gz", &bytes[..bytes.len() - 4])], &[]).await.expect_problem(422, "broken_archive");
    app.upload(&[("logs.tar.gz", bytes)], &[]).await.expect_problem(422, "unsafe_archive");
}

#[tokio::test]
async fn a_kmuh_like_zip_is_read_member_by_member() {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in [("kmuh/meter.csv", METER), ("kmuh/pump.csv", PUMP)] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    let app = TestApp::start().await;
    let answer = app.parsed(&[("kmuh.zip", &bytes)], &TAIPEI).await;
    assert_eq!((&answer["row_count"], &answer["column_count"]), (&json!(3), &json!(4)));
    assert_eq!(answer["files"][0]["file_name"], "kmuh.zip/kmuh/meter.csv");
    let session = app.get(&format!("/api/sessions/{}", answer["session_id"].as_str().unwrap())).await.expect(200);
    let members: Vec<&Value> = session["files"].as_array().unwrap().iter().map(|f| &f["archive_member"]).collect();
    assert_eq!(members, ["kmuh/meter.csv", "kmuh/pump.csv"]);
}

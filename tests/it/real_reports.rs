//! The reports of real buildings, against counts and values that others found in them.
//!
//! They are not part of the project; `HVAC_REAL_DATA` says where they are.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::helpers::TestApp;

fn folder() -> PathBuf {
    let named = std::env::var_os("HVAC_REAL_DATA").map(PathBuf::from);
    named.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"))
}

async fn parsed(app: &TestApp, files: &[&str]) -> Value {
    let bytes: Vec<(String, Vec<u8>)> = files
        .iter()
        .map(|file| (file.rsplit('/').next().unwrap().to_owned(), std::fs::read(folder().join(file)).unwrap()))
        .collect();
    let files: Vec<(&str, &[u8])> = bytes.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    app.parsed(&files, &[("site", "real"), ("timezone", "Asia/Taipei")]).await
}

fn nulls(answer: &Value, reason: &str) -> u64 {
    answer["column_details"].as_array().unwrap().iter().filter_map(|c| c["nulls"][reason].as_u64()).sum()
}

const KMUH: [&str; 4] = [
    "apogee/kmuh/TR_KH_MMCB_161010-161210.csv",
    "apogee/kmuh/TR_KH_MMCB_161211-170210.csv",
    "apogee/kmuh/TR_KH_T_161110-161210.csv",
    "apogee/kmuh/TR_KH_ZWP_161010-161210.csv",
];

#[tokio::test]
#[ignore = "needs the real reports"]
async fn real_reports_have_the_counts_of_their_readme() {
    let app = TestApp::start().await;
    let meter = parsed(&app, &KMUH[..1]).await;
    assert_eq!((&meter["row_count"], nulls(&meter, "data_loss")), (&json!(5952), 520));
    let first = json!({"timestamp": "2016-10-10T00:00:00+08:00", "MMCB_KW": 4583.0, "MMCB_KWH": 10725945.0, "MMCB_RA": 3763.76, "MMCB_SA": 4141.07, "MMCB_TA": 3778.36});
    assert_eq!(meter["preview"][0], first);
    let temperatures = parsed(&app, &KMUH[2..3]).await;
    assert_eq!((&temperatures["row_count"], &temperatures["column_count"]), (&json!(2976), &json!(102)));
    let markers =
        json!({"No Data": 178_560, "TIME (-1)": 84, "TIME (-2)": 78, "TIME (5)": 12, "TIME (3)": 6, "TIME (4)": 6});
    assert_eq!(temperatures["files"][0]["loss_markers"], markers);
    assert_eq!((nulls(&temperatures, "no_data"), nulls(&temperatures, "time_error")), (178_560, 186));
    let pumps = parsed(&app, &KMUH[3..]).await;
    assert_eq!((&pumps["row_count"], &pumps["column_count"]), (&json!(5952), &json!(15)));
    assert_eq!((nulls(&pumps, "no_data"), nulls(&pumps, "data_loss")), (11_904, 2_940));
    for (file, rows, columns, counts) in [
        ("adv_ahu_01-19-18_09-51.csv", 96, 243, json!({"No Data": 672, "TIME (-1)": 2})),
        ("adv_air_temp_01-19-18_09-50.csv", 96, 29, json!({})),
        ("adv_air_kwh_01-19-18_09-46.csv", 14, 149, json!({})),
    ] {
        let answer = parsed(&app, &[&format!("apogee/farglory/{file}")]).await;
        assert_eq!((&answer["row_count"], &answer["column_count"]), (&json!(rows), &json!(columns)), "{file}");
        assert_eq!(answer["files"][0]["loss_markers"], counts, "{file}");
    }
}

#[tokio::test]
#[ignore = "needs the real reports"]
async fn real_reports_of_one_hospital_are_one_session() {
    let app = TestApp::start().await;
    let answer = parsed(&app, &KMUH).await;
    assert_eq!((&answer["row_count"], &answer["column_count"]), (&json!(11_904), &json!(121)));
    let id = answer["session_id"].as_str().unwrap();
    let csv = app.get(&format!("/api/sessions/{id}/data.csv")).await;
    let text = csv.text();
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let kw = header.iter().position(|name| *name == "MMCB_KW").unwrap();
    let stored: Vec<(String, String)> = lines
        .map(|line| line.split(',').collect::<Vec<_>>())
        .map(|cells| (cells[0].to_owned(), cells[kw].to_owned()))
        .collect();
    // Independently of the reader: the two meter files, line by line.
    let mut read = Vec::new();
    for file in &KMUH[..2] {
        for line in
            std::fs::read_to_string(folder().join(file)).unwrap().lines().filter(|line| line.starts_with("\"20"))
        {
            let cells: Vec<&str> = line.trim_matches('"').split("\",\"").collect();
            let at = format!(
                "{}T{}+08:00",
                cells[0].split('/').map(|n| format!("{n:0>2}")).collect::<Vec<_>>().join("-"),
                cells[1]
            );
            read.push((at, cells[2].trim().parse::<f64>().ok()));
        }
    }
    assert_eq!(stored.len(), 11_904);
    assert_eq!(read.len(), 11_904);
    for ((at, cell), (expected_at, expected)) in stored.iter().zip(&read) {
        assert_eq!((at, cell.parse::<f64>().ok()), (expected_at, *expected));
    }
    // One a quarter-hour, none twice.
    let times: Vec<i64> =
        stored.iter().map(|(at, _)| chrono::DateTime::parse_from_rfc3339(at).unwrap().timestamp()).collect();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] == 900));
}

#[tokio::test]
#[ignore = "needs the real reports"]
async fn real_reports_of_other_shapes_are_read() {
    let app = TestApp::start().await;
    let plant = parsed(&app, &["plant/TableData23_12.csv", "plant/TableData24_03.csv"]).await;
    // 4 441 and 4 436 lines behind the headers.
    assert_eq!((&plant["row_count"], &plant["column_count"]), (&json!(8877), &json!(31)));
    let logger = parsed(&app, &["plant/data23_12.csv"]).await;
    let details = logger["column_details"].as_array().unwrap();
    assert_eq!((&details[0]["unit"], &details[1]["unit"]), (&json!("%"), &json!("°C")));
    let unit = parsed(&app, &["formats/MZVAV-2-2.csv"]).await;
    assert_eq!((&unit["row_count"], &unit["column_count"]), (&json!(37_440), &json!(19)));
    let vav = parsed(&app, &["formats/DD03.csv"]).await;
    let of = |name: &str| vav["column_details"].as_array().unwrap().iter().find(|c| c["name"] == name).unwrap().clone();
    assert_eq!((&of("HeatCoolMode")["kind"], &of("STPTDIAL")["kind"]), (&json!("text"), &json!("status")));
    assert!(!vav["columns"].as_array().unwrap().contains(&json!("DateTime")));
    // Of other years: the texts of one stand beside nothing of the other.
    let both = parsed(&app, &["formats/DD03.csv", "formats/MZVAV-2-2.csv"]).await;
    assert_eq!((&both["row_count"], &both["column_count"]), (&json!(4147 + 37_440), &json!(35)));
    let toa5 = parsed(&app, &["apogee/bmon/CS_test_02.csv"]).await;
    assert_eq!((&toa5["files"][0]["format"]["value"], &toa5["row_count"]), (&json!("toa5"), &json!(28)));
}

#[tokio::test]
#[ignore = "needs the real reports"]
async fn real_reports_with_dates_that_read_both_ways_are_asked_about() {
    let app = TestApp::start().await;
    let bytes = std::fs::read(folder().join("apogee/bmon/siemens_sample.csv")).unwrap();
    let id = app.uploaded(&[("siemens_sample.csv", &bytes)], &[("timezone", "America/Anchorage")]).await;
    app.post("/api/parse", &json!({"session_id": id})).await.expect_problem(422, "ambiguous_dates");
    let answer = app.post("/api/parse", &json!({"session_id": id, "date_format": "M/D/YYYY"})).await.expect(200);
    assert_eq!(answer["preview"][0]["timestamp"], "2017-06-05T00:00:00-08:00");
    assert_eq!(answer["files"][0]["loss_markers"]["No Data"], 146);
}

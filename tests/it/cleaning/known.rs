//! What is nulled on knowledge, what is kept without it, and what a user is told. Counts are worked by hand from how the
//! rows below are made.

use super::*;

fn quarter(row: usize) -> String {
    format!("2024-07-{:02} {:02}:{:02}", 1 + row / 96, row / 4 % 24, row % 4 * 15)
}

/// A column of quarter-hours from 1 July 2024 on.
fn table(header: &str, rows: std::ops::Range<usize>, cells: impl Fn(usize) -> String) -> Vec<u8> {
    let lines = rows.map(|row| format!("{},{}\n", quarter(row), cells(row)));
    (format!("time,{header}\n") + &lines.collect::<String>()).into_bytes()
}

fn moves(row: usize) -> f64 {
    34.0 + (row * 7 % 30) as f64 / 10.0
}

/// The machine runs in the even fifties of rows.
fn runs(row: usize) -> bool {
    (row / 50).is_multiple_of(2)
}

fn warning<'a>(report: &'a Value, code: &str) -> &'a Value {
    report["warnings"].as_array().unwrap().iter().find(|warning| warning["code"] == code).unwrap_or(&Value::Null)
}

/// The chiller's flow sticks at 36.123 twice for 20 samples while it runs: once before its status was recorded, which is
/// not known then, and once after. At standstill its meter reads 0.2.
#[tokio::test]
async fn nothing_is_frozen_before_a_status_is_known() {
    let app = TestApp::start().await;
    let flow = table("CH_1_FLOW_GPM", 0..1000, |row| match row {
        210..230 | 610..630 => "36.123".to_owned(),
        row => format!("{:.1}", if runs(row) { moves(row) } else { 0.2 }),
    });
    let status = table("CH_1_S", 500..1000, |row| u8::from(runs(row)).to_string());
    let parsed = app.parsed(&[("flow.csv", &flow), ("status.csv", &status)], &[("timezone", "Asia/Taipei")]).await;
    let id = parsed["session_id"].as_str().unwrap();
    let answer = clean(&app, &json!({"session_id": id, "resample_interval": null, "filter_invalid": true})).await;
    let report = &answer["report"];
    conserved(report);
    assert_eq!(report["cells"]["nulled"], json!({"frozen": {"first": 20, "all": 20}}), "{report}");
    let said = "1000 rows; 20 of 1500 cells with a value nulled (frozen 20), 1480 kept.";
    assert_eq!((&answer["message"], answer["events_count"].as_u64()), (&json!(said), Some(1)));
    let warned = warning(report, "state_unknown");
    let why = "500 of 1000 cells of CH_1_FLOW_GPM were not judged, because it is not known whether CH_1 ran before \
               2024-07-06 05:00";
    assert!(warned["count"] == 500 && warned["message"].as_str().unwrap().contains(why), "{warned}");
    let left_out = &report["rules"][0]["left_out"];
    assert!(left_out.to_string().contains("500 of 1000 cells were not judged"), "{left_out}");
    // 250 of the 500 rows with a status run; the rest of the flow is not judged.
    assert_eq!(report["rules"][0]["judged"], 250);
}

/// A set-point, a valve at its ends, a meter in standby for half of the time and a room of half kelvins keep every cell; a
/// dead weather station loses them, by name and number.
#[test]
fn what_rightly_stands_still_keeps_its_cells_and_what_is_dead_is_named() {
    let folder = TempDir::new().unwrap();
    let header = "AHU_1_SAT_SP,AHU_1_CHW_VLV,MAIN_KW,ROOM_T,OAT";
    let rows = table(header, 0..480, |row| {
        let valve = if row / 60 % 2 == 0 { 0 } else { 100 };
        let main = if runs(row) { 1.3 } else { 80.0 + moves(row) };
        let room = [24.0, 24.5, 24.0, 23.5][row / 120];
        format!("13,{valve},{main:.1},{room},{:.1}", if row < 100 { moves(row) } else { 31.4 })
    });
    std::fs::write(folder.path().join("site.csv"), rows).unwrap();
    let (code, _, stderr) = run(folder.path(), &["parse", "site.csv", "--name", "Site", "--timezone", "UTC"]);
    assert_eq!(code, Some(0), "{stderr}");
    let (code, stdout, stderr) = run(folder.path(), &["clean", "Site", "--interval", "none", "--filter-invalid"]);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert!(stdout.contains("warning: OAT: 380 of 480 values nulled (frozen 380): 100 are left"), "{stdout}");
    let said = "480 rows; 380 of 2400 cells with a value nulled (frozen 380), 2020 kept.";
    assert!(stdout.contains(said), "{stdout}");
    let left = "100.0 % of the rows with a sample and 84.2 % of the values left (2020 of 2400), 1 quality event";
    assert!(stdout.contains(left), "{stdout}");
}

/// Two days of quarter-hours: 19 tens of rows make 95 each, and 5 and 12 are left: 1822.
#[tokio::test]
async fn what_falls_freely_is_no_register_even_when_it_is_called_one() {
    let app = TestApp::start().await;
    let meter = table("Library - Electricity (kWh)", 0..192, |row| (5 + row * 7 % 10).to_string());
    let parsed = app.parsed(&[("meter.csv", &meter)], &[("timezone", "UTC")]).await;
    let id = parsed["session_id"].as_str().unwrap();
    let name = parsed["column_details"][0]["name"].as_str().unwrap();
    let daily =
        json!({"session_id": id, "resample_interval": "1d", "derive": true, "lenient": true, "filter_invalid": true});
    let answer = clean(&app, &daily).await;
    let days = preview(&app, id, "&version=cleaned").await;
    let sum: f64 = days["preview"].as_array().unwrap().iter().map(|row| row[name].as_f64().unwrap()).sum();
    assert_eq!((sum, answer["report"]["counters"].as_array().unwrap().len()), (1822.0, 0), "{days}");
    assert!(answer["message"].as_str().unwrap().starts_with("192 rows became 2 at 1d"), "{answer}");

    let request = json!({"session_id": id, "columns": [{"column": name, "kind": "counter", "unit": "kWh"}]});
    let stated = app.post("/api/parse", &request).await.expect(200);
    let mut again = daily.clone();
    again["dataset_id"] = stated["version"].clone();
    let report = clean(&app, &again).await["report"].clone();
    let warned = warning(&report, "no_register");
    let said = warned["message"].as_str().unwrap();
    // Of ten steps it falls at seven, 191 steps in all: 19 · 7 and none of the last.
    assert!(said.contains("falls at 133 of 191 steps") && said.contains("interval_total fits"), "{warned}");
    assert_eq!((&report["counters"], events(&app, id).await), (&json!([]), 0), "no reset is made of it");
}

async fn events(app: &TestApp, id: &str) -> u64 {
    app.get(&format!("/api/data/events?session_id={id}")).await.expect(200)["total"].as_u64().unwrap()
}

//! Findings and energy prices through the doors a user uses. Expected figures are worked by hand.

use std::process::Output;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::helpers::{Process, TestApp};

/// Two days (a Monday and a Tuesday) of quarter-hours of an air handler. On Monday from 22:00 to 24:00 its fan runs at
/// 10 kW while its schedule is off, and from 10:00 to 12:00 both valves stand at 40 %; all else is as it should be.
fn air_handler() -> String {
    let mut text = "time,AH01.S,AH01.SCHED,AH01.CV [%],AH01.HV [%],AH01.KW\n".to_owned();
    for row in 0..192_u32 {
        let (day, hour, minute) = (1 + row / 96, row % 96 / 4, row % 4 * 15);
        let scheduled = (7..20).contains(&hour);
        let late = day == 1 && hour >= 22;
        let both = day == 1 && (10..12).contains(&hour);
        let on = |on: bool| if on { "ON" } else { "OFF" };
        let cooling = if scheduled { 40.0 + f64::from(row % 3) * f64::from(u8::from(!both)) } else { 0.0 };
        let heating = if both { 40 } else { 0 };
        let kw = if scheduled || late { 10.0 } else { 0.0 };
        text += &format!(
            "2024-07-0{day} {hour:02}:{minute:02},{},{},{cooling},{heating},{kw}\n",
            on(scheduled || late),
            on(scheduled)
        );
    }
    text
}

async fn parsed(app: &TestApp) -> String {
    let fields = [("timezone", "Asia/Taipei"), ("name", "Air"), ("site", "KMUH")];
    let answer = app.parsed(&[("air.csv", air_handler().as_bytes())], &fields).await;
    answer["session_id"].as_str().unwrap().to_owned()
}

/// The same two findings as over their own route.
#[tokio::test]
async fn findings_are_quality_events_too() {
    let app = TestApp::start().await;
    let id = parsed(&app).await;
    let path = format!("/api/data/events?session_id={id}&version=parsed&rule=fault");
    let events = app.get(&path).await.expect(200);
    assert_eq!(events["total"], 2, "{events}");
    let told = |event: &Value| (event["start_at"].clone(), event["rows"].clone(), event["column"].clone());
    let (both, late) = (&events["items"][0], &events["items"][1]);
    assert_eq!(told(both), (json!("2024-07-01T10:00:00+08:00"), json!(8), Value::Null));
    assert_eq!(told(late), (json!("2024-07-01T22:00:00+08:00"), json!(8), Value::Null));
    assert!(late["detail"].as_str().unwrap().starts_with("out_of_schedule of AH01: "), "{late}");
    assert_eq!(late["machine"], "AH01");
    assert_eq!((&events["rules"][0]["rule"], &events["rules"][0]["total"]), (&json!("fault"), &json!(2)), "{events}");
    let found = app.get(&format!("/api/sessions/{id}/findings?version=parsed")).await.expect(200);
    for one in found["summary"].as_array().unwrap() {
        let of = |item: &&Value| item["kind"] == one["kind"] && item["machine"] == one["machine"];
        let days: Vec<&Value> = found["items"].as_array().unwrap().iter().filter(of).collect();
        let surest = days.iter().filter_map(|day| day["confidence"].as_f64()).fold(0.0, f64::max);
        assert_eq!(
            (one["confidence"].as_f64(), &one["columns"]),
            (Some(surest), &days.last().unwrap()["columns"]),
            "{one}"
        );
    }
    let of_column = app.get(&format!("{path}&column=AH01_HV____")).await.expect(200);
    assert_eq!((&of_column["total"], &of_column["items"][0]["start_at"]), (&json!(1), &both["start_at"]));
    assert_eq!(app.get(&format!("{path}&from=2024-07-02")).await.expect(200)["total"], 0);
}

#[cfg(feature = "sql")]
#[tokio::test]
async fn findings_are_a_table_too() {
    let app = TestApp::start().await;
    parsed(&app).await;
    let price = json!({"energy_price": {"currency": "TWD", "per_kwh": 3.5}});
    app.request(reqwest::Method::PUT, "/api/sites/KMUH", |request| request.json(&price)).await.expect(200);
    let sql = "SELECT day, machine, kind, rows, currency FROM findings ORDER BY kind";
    let found = app.post("/api/query", &json!({"sql": sql})).await.expect(200);
    assert_eq!(
        found["rows"],
        json!([
            ["2024-07-01", "AH01", "out_of_schedule", 8, "TWD"],
            ["2024-07-01", "AH01", "simultaneous_heating_cooling", 8, null],
        ])
    );
    let one =
        app.post("/api/query", &json!({"sql": "SELECT count(*) FROM \"Air\".findings WHERE kind LIKE 'out%'"})).await;
    assert_eq!(one.expect(200)["rows"], json!([[1]]));
}

#[tokio::test]
async fn faults_are_found_with_their_evidence_and_cost_what_the_site_says() {
    let app = TestApp::start().await;
    let id = parsed(&app).await;
    let path = format!("/api/sessions/{id}/findings");
    let found = app.get(&path).await.expect(200);
    assert_eq!(
        (&found["version"], &found["total"], &found["energy_price"]),
        (&json!("parsed-v1"), &json!(2), &Value::Null)
    );
    let [late, both] = [&found["items"][1], &found["items"][0]];
    assert_eq!((&both["kind"], &both["rule"]), (&json!("simultaneous_heating_cooling"), &json!("fault")));
    assert_eq!(
        (&both["day"], &both["rows"], &both["energy_wasted_kwh"]),
        (&json!("2024-07-01"), &json!(8), &Value::Null)
    );
    assert_eq!(
        (&both["start_at"], &both["evidence"][0]),
        (&json!("2024-07-01T10:00:00+08:00"), &json!({"name": "hours_both_open", "value": 2.0, "unit": "h"}))
    );
    assert_eq!((&late["kind"], &late["machine"]), (&json!("out_of_schedule"), &json!("AH01")));
    assert_eq!(
        (&late["start_at"], &late["end_at"]),
        (&json!("2024-07-01T22:00:00+08:00"), &json!("2024-07-01T23:45:00+08:00"))
    );
    // 2 h at 10 kW.
    assert_eq!((&late["energy_wasted_kwh"], &late["cost"]), (&json!(20.0), &Value::Null));

    let price = json!({"energy_price": {"currency": "TWD", "per_kwh": 3.5}});
    let put = async |body: &Value| app.request(reqwest::Method::PUT, "/api/sites/KMUH", |r| r.json(body)).await;
    assert_eq!(put(&price).await.expect(200)["energy_price"], price["energy_price"]);
    let found = app.get(&format!("{path}?kind=out_of_schedule&machine=ah01")).await.expect(200);
    assert_eq!((&found["total"], &found["items"][0]["cost"]), (&json!(1), &json!({"amount": 70.0, "currency": "TWD"})));
    assert_eq!((&found["summary"][0]["days"], &found["summary"][0]["cost"]["amount"]), (&json!(1), &json!(70.0)));
    let app = app.restart().await;
    assert_eq!(app.get("/api/sites/KMUH").await.expect(200)["energy_price"], price["energy_price"]);
    let session = std::fs::read_to_string(app.storage().join(&id).join("session.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&session).unwrap()["energy_price"]["per_kwh"], 3.5);
    let put = async |body: &Value| app.request(reqwest::Method::PUT, "/api/sites/KMUH", |r| r.json(body)).await;
    assert_eq!(put(&json!({"energy_price": null})).await.expect(200)["energy_price"], Value::Null);

    // Pages, times and limits.
    let page = app.get(&format!("{path}?page=2&page_size=1")).await.expect(200);
    assert_eq!(
        (&page["total"], &page["total_pages"], &page["items"][0]["kind"]),
        (&json!(2), &json!(2), &json!("out_of_schedule"))
    );
    assert_eq!(app.get(&format!("{path}?from=2024-07-02")).await.expect(200)["total"], 0);
    assert_eq!(app.get(&format!("{path}?to=2024-07-01T20:00:00")).await.expect(200)["total"], 1);
    assert_eq!(app.get(&format!("{path}?out_of_schedule_hours=3")).await.expect(200)["total"], 1);
    let coverage = found["coverage"].as_array().unwrap();
    assert!(
        coverage.iter().any(|c| c["kind"] == "fouling" && c["days_judged"] == 0 && c["note"] != ""),
        "{coverage:?}"
    );
    for (query, code) in [
        ("kind=rust", "unknown_rule"),
        ("version=raw", "bad_version"),
        ("from=2024-07-02&to=2024-07-01", "bad_time_range"),
        ("habit_share=0.7", "out_of_range"),
        ("page=0", "out_of_range"),
        ("habit=0.1", "unknown_parameter"),
    ] {
        app.get(&format!("{path}?{query}")).await.expect_problem(422, code);
    }
    for bad in [json!({"currency": "NT$", "per_kwh": 3.5}), json!({"currency": "TWD", "per_kwh": -1})] {
        assert_eq!(put(&json!({"energy_price": bad})).await.status, 422);
    }
}

#[test]
fn the_command_line_says_the_same() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("air.csv"), air_handler()).unwrap();
    let run = |arguments: &[&str]| {
        let Output { status, stdout, stderr } = Process::command(folder.path(), arguments).output().unwrap();
        assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).unwrap()
    };
    run(&["parse", "air.csv", "--name", "Air", "--site", "KMUH", "--timezone", "Asia/Taipei"]);
    assert!(run(&["sites", "KMUH"]).contains("no energy price is stated"));
    assert!(run(&["sites", "KMUH", "--energy-price", "3.5 TWD"]).contains("1 kWh costs 3.5 TWD"));
    let text = run(&["findings", "Air"]);
    for part in
        ["out_of_schedule", "AH01", "20", "70.00 TWD", "heated and cooled at once for 2 h", "not judged: fouling"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    let found: Value =
        serde_json::from_str(&run(&["findings", "Air", "--json", "--limit", "overlap_hours=3"])).unwrap();
    assert_eq!((&found["total"], &found["items"][0]["cost"]["amount"]), (&json!(1), &json!(70.0)));
}

/// As many proxies pass it on, a slash in a path is one of the path: the name stands in the query then.
#[tokio::test]
async fn a_site_is_named_in_the_query_where_the_path_cannot() {
    let app = TestApp::start().await;
    let price = json!({"energy_price": {"currency": "TWD", "per_kwh": 3.5}});
    let put = |path: &'static str| app.request(reqwest::Method::PUT, path, |request| request.json(&price));
    put("/api/sites/-?site=North%2FSouth").await.expect(200);
    for path in ["/api/sites/North%2FSouth", "/api/sites/anything?site=North%2FSouth"] {
        let told = app.get(path).await.expect(200);
        assert_eq!((&told["site"], &told["energy_price"]), (&json!("North/South"), &price["energy_price"]), "{path}");
    }
    assert_eq!(app.get("/api/sites/-").await.expect(200)["energy_price"], Value::Null, "a site may be called so");
    let overrides = app.get("/api/sites/-/overrides?site=North%2FSouth").await.expect(200);
    assert_eq!((&overrides["site"], &overrides["columns"]), (&json!("North/South"), &json!([])));
}

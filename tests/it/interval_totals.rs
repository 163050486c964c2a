//! Amounts of intervals from the report to the cleaned version: told from registers, summed, never differenced. Sums
//! are added up by hand from the rows.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::helpers::{Process, TestApp};

/// A meter's quarter-hours: 01:15 has no row, 01:45 no value, and then most of two days is not there.
const LIBRARY: &str = "Timestamp,Library - Electricity (kWh)\n\
    2024-06-01 00:00,10\n2024-06-01 00:15,12\n2024-06-01 00:30,14\n2024-06-01 00:45,11\n\
    2024-06-01 01:00,13\n2024-06-01 01:30,12\n2024-06-01 01:45,\n\
    2024-06-01 02:00,9\n2024-06-01 02:15,10\n2024-06-01 02:30,8\n2024-06-01 02:45,7\n\
    2024-06-02 00:00,5\n2024-06-02 00:15,6\n2024-06-02 00:30,4\n2024-06-02 00:45,5\n";

/// Volumes, feed-in as negative numbers, the days' own energy – and a register that starts again.
const SITE: &str = "time,Cold water [m3],Grid feed-in (kWh),Consumption-Today(kWh),MAIN.KWH\n\
    2024-06-01 00:00,3,-0.5,11.8,900\n2024-06-01 06:00,2,-1.5,2.86,910\n\
    2024-06-01 12:00,4,-1,7.2,920\n2024-06-01 18:00,1,0,26.4,930\n\
    2024-06-02 00:00,2,-0.25,9.2,5\n2024-06-02 06:00,5,-2,8,15\n\
    2024-06-02 12:00,3,-1.25,8.5,25\n2024-06-02 18:00,1,0,7,35\n";

/// Four rows that happen to rise: by its values and its name it could be a register.
const RISING: &str =
    "time,kWh\n2024-06-01 00:00,0.25\n2024-06-01 00:15,0.26\n2024-06-01 00:30,0.27\n2024-06-01 00:45,0.28\n";

/// The column whose name in the report is that, of a parse or of a version.
fn column<'a>(answer: &'a Value, original_name: &str) -> &'a Value {
    let columns = answer["column_details"].as_array().unwrap();
    columns.iter().find(|column| column["original_name"] == original_name).unwrap()
}

/// Cleans by an interval; the report's warnings, and the rows of one column that are not null, by their times.
async fn cleaned(app: &TestApp, id: &str, request: &Value, name: &Value) -> (Value, Vec<(String, f64)>) {
    let mut asked = json!({"session_id": id, "dataset_id": "parsed-v1", "detect_frozen": true, "detect_spikes": true, "derive": true, "lenient": true});
    asked.as_object_mut().unwrap().extend(request.as_object().unwrap().clone());
    let answer = app.post("/api/clean", &asked).await.expect(200);
    let version = answer["version"].as_str().unwrap();
    let page = app.get(&format!("/api/data/preview?session_id={id}&rows=1000&version={version}")).await.expect(200);
    let rows = page["preview"].as_array().unwrap().iter();
    let cell = |row: &Value| Some((row["timestamp"].as_str()?[5..16].to_owned(), row[name.as_str()?].as_f64()?));
    (answer["report"].clone(), rows.filter_map(cell).collect())
}

fn partial(report: &Value, name: &Value) -> Option<(u64, String)> {
    let of = |w: &&Value| w["code"] == "partial_sums" && &w["column"] == name;
    let warning = report["warnings"].as_array().unwrap().iter().find(of)?;
    Some((warning["count"].as_u64().unwrap(), warning["message"].as_str().unwrap().to_owned()))
}

#[tokio::test]
async fn quarter_hours_are_added_up_and_what_is_missing_is_said() {
    let app = TestApp::start().await;
    let parsed = app.parsed(&[("library.csv", LIBRARY.as_bytes())], &[("timezone", "Europe/Amsterdam")]).await;
    let id = parsed["session_id"].as_str().unwrap();
    let library = column(&parsed, "Library - Electricity (kWh)");
    assert_eq!((&library["kind"], &library["unit"]), (&json!("interval_total"), &json!("kWh")), "{library}");
    assert!(library["kind_evidence"].as_str().unwrap().contains("fall at 7 of 13 steps"), "{library}");
    let name = &library["name"];

    let (report, hours) = cleaned(&app, id, &json!({"resample_interval": "1h"}), name).await;
    let expected = [("06-01T00:00", 47.0), ("06-01T01:00", 25.0), ("06-01T02:00", 34.0), ("06-02T00:00", 20.0)];
    assert_eq!(hours, expected.map(|(at, sum)| (at.to_owned(), sum)));
    let (bins, said) = partial(&report, name).unwrap();
    assert!(bins == 1 && said.contains("1 of 25 sums") && said.contains("lack 2 of its intervals of 15 min"), "{said}");
    assert_eq!(report["counters"], json!([]), "it is no register, and nothing is differenced: {report}");
    assert!(report["resampling"]["note"].as_str().unwrap().contains("sum of amounts"), "{report}");
    for rule in report["rules"].as_array().unwrap().iter().filter(|rule| rule["rule"] != "counter") {
        assert_eq!(rule["left_out"][0]["reason"], "it is the amount of an interval", "{rule}");
    }

    let (report, days) = cleaned(&app, id, &json!({"resample_interval": "1d"}), name).await;
    assert_eq!(days, [("06-01T00:00".to_owned(), 106.0), ("06-02T00:00".to_owned(), 20.0)]);
    // Ten of 96 quarter-hours, and four.
    let (bins, said) = partial(&report, name).unwrap();
    assert!(bins == 2 && said.contains("lack 178 of its intervals"), "{said}");

    // Rows that are left as they are: nothing is summed, nothing is missing in a sum.
    let (report, rows) = cleaned(&app, id, &json!({"resample_interval": null}), name).await;
    assert_eq!((rows.len(), rows.iter().map(|(_, kwh)| kwh).sum::<f64>()), (14, 126.0));
    assert_eq!(partial(&report, name), None);

    // What an interval can be at most, the user says: 14 is out.
    let limits = json!({"resample_interval": "1d", "detect_out_of_range": true, "filter_invalid": true, "thresholds": {"limits": {"Library - Electricity (kWh)": {"max": 13.0}}}});
    let (report, days) = cleaned(&app, id, &limits, name).await;
    assert_eq!(days[0].1, 92.0);
    assert!(partial(&report, name).unwrap().1.contains("lack 179"), "{report}");
}

#[tokio::test]
async fn volumes_feed_in_and_days_are_summed_and_a_register_beside_them_is_not() {
    let app = TestApp::start().await;
    let parsed = app.parsed(&[("site.csv", SITE.as_bytes())], &[("timezone", "Asia/Taipei")]).await;
    let id = parsed["session_id"].as_str().unwrap();
    let by_day = json!({"resample_interval": "1d"});
    for (original_name, kind, first, second) in [
        ("Cold water [m3]", "interval_total", 10.0, 11.0),
        ("Grid feed-in (kWh)", "interval_total", -3.0, -3.5),
        ("Consumption-Today(kWh)", "interval_total", 48.26, 32.7),
        ("MAIN.KWH", "counter", 930.0, 35.0),
    ] {
        let details = column(&parsed, original_name);
        assert_eq!(details["kind"], kind, "{details}");
        let (report, days) = cleaned(&app, id, &by_day, &details["name"]).await;
        assert!((days[0].1 - first).abs() < 1e-9 && (days[1].1 - second).abs() < 1e-9, "{original_name}: {days:?}");
        assert_eq!(partial(&report, &details["name"]), None, "every six hours are there");
        let registers: Vec<&Value> = report["counters"].as_array().unwrap().iter().map(|c| &c["column"]).collect();
        assert_eq!(registers, ["MAIN_KWH"]);
    }
    let answer = app.get(&format!("/api/data/stats?session_id={id}&version=cleaned")).await.expect(200);
    let of = |name: &str| answer["columns"].as_array().unwrap().iter().find(|c| c["column"] == name).unwrap().clone();
    assert_eq!(
        of("MAIN_KWH_consumption")["kind"],
        "interval_total",
        "what a register grew is an amount of its interval"
    );
    let water = of(column(&parsed, "Cold water [m3]")["name"].as_str().unwrap());
    assert_eq!((&water["kind"], &water["sum"]), (&json!("interval_total"), &json!(21.0)));
}

/// What a user knows of a site's meter holds for its next report, in the catalogue and in the session's own file.
#[tokio::test]
async fn a_user_knows_what_four_values_cannot_tell_and_it_is_remembered() {
    let app = TestApp::start().await;
    let fields = [("timezone", "UTC"), ("site", "north")];
    let parsed = app.parsed(&[("a.csv", RISING.as_bytes())], &fields).await;
    assert_eq!(column(&parsed, "kWh")["kind"], "counter", "{parsed}");
    let id = parsed["session_id"].as_str().unwrap();
    let request = json!({"session_id": id, "columns": [{"column": "kWh", "kind": "interval_total"}]});
    let stated = app.post("/api/parse", &request).await.expect(200);
    let told = column(&stated, "kWh");
    assert_eq!((&told["kind"], &told["kind_evidence"]), (&json!("interval_total"), &json!("stated by the user")));
    let (_, hours) =
        cleaned(&app, id, &json!({"dataset_id": stated["version"], "resample_interval": "1h"}), &json!("kWh")).await;
    assert_eq!(hours, [("06-01T00:00".to_owned(), 1.06)]);
    let session = std::fs::read_to_string(app.storage().join(id).join("session.json")).unwrap();
    assert!(session.contains("interval_total"), "{session}");
    let later = RISING.replace("2024-06-01", "2024-06-02");
    let next = app.parsed(&[("b.csv", later.as_bytes())], &fields).await;
    assert_eq!(column(&next, "kWh")["kind"], "interval_total", "{next}");

    let app = app.restart().await;
    let again = app.parsed(&[("c.csv", later.replace("0.28", "0.29").as_bytes())], &fields).await;
    assert_eq!(column(&again, "kWh")["kind"], "interval_total", "{again}");
}

#[test]
fn the_command_line_says_it_too() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("meter.csv"), RISING).unwrap();
    let run = |arguments: &[&str]| -> Value {
        let output = Process::command(folder.path(), arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let parsed =
        run(&["parse", "meter.csv", "--timezone", "UTC", "--column", "kWh:kind=interval_total,unit=kWh", "--json"]);
    assert_eq!(column(&parsed, "kWh")["kind"], "interval_total");
    let id = parsed["session_id"].as_str().unwrap();
    let cleaned = run(&["clean", id, "--interval", "1d", "--json"]);
    let kwh = &cleaned["report"]["columns"][0];
    assert_eq!((&kwh["column"], &kwh["after"]["mean"]), (&json!("kWh"), &json!(1.06)), "{cleaned}");
}

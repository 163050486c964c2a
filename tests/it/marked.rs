//! What the systems that wrote the reports say of their own readings: kept, and told as events of the parsed version.

use hvac_frame::parquet_file::read_events;
use serde_json::{Value, json};

use crate::helpers::TestApp;

const AHU: &str = "Time,SAT,DMP,FLW\n\
2024-05-01 00:00,55.1 °F {ok},100 % (Overridden),55.4*\n\
2024-05-01 00:15,55.2 °F {alarm},100 % (Overridden),55.5\n\
2024-05-01 00:30,55.3 °F {alarm},90 %,55.6*\n\
2024-05-01 00:45,0.0 °F {fault},100 % (Overridden),55\n\
2024-05-01 01:00,55.4 °F {ok},100 % (Overridden),55\n";

/// Statuses of BACnet and of a station, in a column of their own beside each reading of two points.
const LONG: &str = "ts,point,value,status\n\
2024-05-01 00:00,A,1,\"{true,false,false,false}\"\n\
2024-05-01 00:00,B,1,\"{ok,overridden}\"\n\
2024-05-01 00:15,A,2,\"{true,false,false,false}\"\n\
2024-05-01 00:15,B,2,{ok}\n\
2024-05-01 00:30,A,3,\"{false,false,false,false}\"\n\
2024-05-01 00:30,B,3,\"{ok,overridden}\"\n";

const UTC: [(&str, &str); 1] = [("timezone", "UTC")];

/// Of the events of a parsed version: rule, column, hours and minutes of begin and end, rows, detail.
async fn events(app: &TestApp, answer: &Value, more: &str) -> Vec<(String, String, String, String, u64, String)> {
    let id = answer["session_id"].as_str().unwrap();
    let found = app.get(&format!("/api/data/events?session_id={id}{more}")).await.expect(200);
    assert_eq!(
        (&found["version"], found["total"].as_u64()),
        (&json!("parsed-v1"), found["items"].as_array().map(|i| i.len() as u64))
    );
    let event = |event: &Value| {
        let text = |key: &str| event[key].as_str().unwrap().to_owned();
        let clock = |key: &str| text(key)[8..16].to_owned();
        (
            text("rule"),
            text("column"),
            clock("start_at"),
            clock("end_at"),
            event["rows"].as_u64().unwrap(),
            text("detail"),
        )
    };
    found["items"].as_array().unwrap().iter().map(event).collect()
}

fn event(
    rule: &str,
    column: &str,
    start: &str,
    end: &str,
    rows: u64,
    detail: &str,
) -> (String, String, String, String, u64, String) {
    let at = |clock: &str| format!("01T{clock}");
    (rule.to_owned(), column.to_owned(), at(start), at(end), rows, detail.to_owned())
}

#[tokio::test]
async fn marked_readings_are_kept_with_events() {
    let app = TestApp::start().await;
    let answer = app.parsed(&[("ahu.csv", AHU.as_bytes())], &UTC).await;
    let all = events(&app, &answer, "").await;
    let expected = [
        event("overridden", "DMP", "00:00", "00:15", 2, "ahu.csv, line 2: '(Overridden)', kept as values"),
        event("doubtful", "FLW", "00:00", "00:00", 1, "ahu.csv, line 2: '*', kept as values"),
        event("alarm", "SAT", "00:15", "00:30", 2, "ahu.csv, line 3: '{alarm}', kept as values"),
        event("doubtful", "FLW", "00:30", "00:30", 1, "ahu.csv, line 4: '*', kept as values"),
        event("overridden", "DMP", "00:45", "01:00", 2, "ahu.csv, line 5: '(Overridden)', kept as values"),
        event("bad_status", "SAT", "00:45", "00:45", 1, "ahu.csv, line 5: '{fault}', stored as null (bad_status)"),
    ];
    assert_eq!(all, expected);
    // They are values all the same.
    assert_eq!(answer["preview"][1]["SAT"], 55.2);
    assert_eq!(answer["preview"][1]["DMP"], 100.0);
    assert_eq!(answer["preview"][3]["SAT"], Value::Null);
    assert_eq!(events(&app, &answer, "&rule=alarm").await, expected[2..3]);
    assert_eq!(events(&app, &answer, "&column=DMP&from=2024-05-01T00:30").await, expected[4..5]);
    let id = answer["session_id"].as_str().unwrap();
    assert!(events(&app, &answer, "&rule=frozen").await.is_empty());
    let problem = app.get(&format!("/api/data/events?session_id={id}&rule=ice")).await;
    let problem = problem.expect_problem(422, "unknown_rule");
    assert!(problem["detail"].as_str().unwrap().contains("overridden, alarm, doubtful, bad_status"), "{problem}");
    let file = app.get(&format!("/api/sessions/{id}/events.parquet?version=parsed")).await;
    assert_eq!(read_events(file.body).unwrap().len(), 6);
    // What the rules of a cleaning find is another version's.
    app.post("/api/clean", &json!({"session_id": id})).await.expect(200);
    assert_eq!(events(&app, &answer, "&version=parsed").await, expected);
}

#[tokio::test]
async fn a_column_of_statuses_marks_the_readings_of_each_series() {
    let app = TestApp::start().await;
    let answer = app.parsed(&[("log.csv", LONG.as_bytes())], &UTC).await;
    let expected = [
        event("alarm", "A", "00:00", "00:15", 2, "log.csv, line 2: '{true,false,false,false}', kept as values"),
        event("overridden", "B", "00:00", "00:00", 1, "log.csv, line 3: '{ok,overridden}', kept as values"),
        event("overridden", "B", "00:30", "00:30", 1, "log.csv, line 7: '{ok,overridden}', kept as values"),
    ];
    assert_eq!(events(&app, &answer, "").await, expected);
}

#[tokio::test]
async fn a_state_that_goes_on_in_the_next_report_is_one_event() {
    let app = TestApp::start().await;
    let first = "Time,DMP\n2024-05-01 00:00,100 % (Overridden)\n2024-05-01 00:15,100 % (Overridden)\n";
    let next = "Time,DMP\n2024-05-01 00:30,100 % (Overridden)\n2024-05-01 00:45,90 %\n2024-05-01 01:00,90 %\n";
    // Newest first, and some of it twice.
    let again = "Time,DMP\n2024-05-01 00:15,100 % (Overridden)\n2024-05-01 00:00,100 % (Overridden)\n";
    let files = [("a.csv", first.as_bytes()), ("b.csv", next.as_bytes()), ("c.csv", again.as_bytes())];
    let answer = app.parsed(&files, &UTC).await;
    let all = events(&app, &answer, "").await;
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((all[0].2.as_str(), all[0].3.as_str(), all[0].4), ("01T00:00", "01T00:30", 3));
    assert!(["a.csv, line 2", "b.csv, line 2", "c.csv, line 2"].iter().all(|file| all[0].5.contains(file)), "{all:?}");
}

#[tokio::test]
async fn a_report_without_marks_has_no_events() {
    let app = TestApp::start().await;
    let answer = app.parsed(&[("plain.csv", b"Time,A\n2024-05-01 00:00,1\n2024-05-01 00:15,2\n")], &UTC).await;
    assert_eq!(events(&app, &answer, "").await, []);
    let id = answer["session_id"].as_str().unwrap();
    let file = app.get(&format!("/api/sessions/{id}/events.parquet")).await;
    assert_eq!(read_events(file.body).unwrap(), []);
}

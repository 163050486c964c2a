//! CSV out and in again: plain CSV brings the same frame back, and what is meant for a spreadsheet holds no formula.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::helpers::TestApp;

/// What a spreadsheet takes for a formula, or for a separator that hides one.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

type Cells = (Option<f64>, Option<String>, Option<String>);

/// Rows of a number and two states: anything that a report may hold, formulas and quotes among it.
fn rows() -> impl Strategy<Value = Vec<Cells>> {
    let number = prop::option::weighted(0.8, prop_oneof![-1e6..1e6f64, Just(-0.5), Just(0.0), Just(1e15)]);
    let state = || {
        let any = prop_oneof![
            "[-=+@'][A-Za-z0-9 ,;\"'().!|]{0,10}",
            "[A-Za-z0-9 ,;\"'%/冰é_-]{1,10}",
            Just("=HYPERLINK(\"http://x\",\"y\")".to_owned()),
            Just("@SUM(1+1)*cmd|' /C calc'!A0".to_owned()),
            Just("-2+3".to_owned()),
            Just("-7.5".to_owned()),
            Just("ON".to_owned()),
        ];
        prop::option::weighted(0.9, any)
    };
    prop::collection::vec((number, state(), state()), 4..16)
}

fn report(rows: &[Cells]) -> Vec<u8> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(["timestamp", "A", "S1", "S2"]).unwrap();
    for (at, (number, one, two)) in rows.iter().enumerate() {
        let at = format!("2024-07-01 {:02}:{:02}", at / 4, at % 4 * 15);
        let number = number.map(|n| format!("{n:?}")).unwrap_or_default();
        csv.write_record([&at, &number, one.as_deref().unwrap_or(""), two.as_deref().unwrap_or("")]).unwrap();
    }
    csv.into_inner().unwrap()
}

fn records(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)) && text.parse::<f64>().is_ok()
}

async fn session(app: &TestApp, csv: &[u8]) -> Value {
    // Texts that are no values of their column's kind are lost on purpose.
    let id = app.uploaded(&[("a.csv", csv)], &[("timezone", "UTC")]).await;
    app.post("/api/parse", &json!({"session_id": id, "accept_loss": true})).await.expect(200)
}

async fn csv_of(app: &TestApp, session: &Value, query: &str) -> String {
    let id = session["session_id"].as_str().unwrap();
    let answer = app.get(&format!("/api/sessions/{id}/data.csv{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text()
}

#[test]
fn plain_csv_parses_back_to_the_same_frame_and_a_spreadsheet_gets_no_formula() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let app = runtime.block_on(TestApp::start());
    let mut runner = TestRunner::new(Config { cases: 24, max_shrink_iters: 100, ..Config::default() });
    let law = |rows: Vec<Cells>| {
        runtime.block_on(async {
            let first = session(&app, &report(&rows)).await;
            let plain = csv_of(&app, &first, "").await;
            let second = session(&app, plain.as_bytes()).await;
            prop_assert_eq!(csv_of(&app, &second, "").await, plain.as_str(), "what came out went in again");
            prop_assert_eq!(&first["columns"], &second["columns"]);
            prop_assert_eq!(&first["preview"], &second["preview"]);

            let excel = records(&csv_of(&app, &first, "?for=excel").await);
            let plain = records(&plain);
            prop_assert_eq!(excel.len(), plain.len());
            for (cell, same) in excel.iter().flatten().zip(plain.iter().flatten()) {
                let guarded = same.starts_with(FORMULA) && !is_number(same);
                prop_assert_eq!(cell, &if guarded { format!("'{same}") } else { same.clone() });
                prop_assert!(!cell.starts_with(FORMULA) || is_number(cell), "{}", cell);
            }
            Ok(())
        })
    };
    runner.run(&rows(), law).unwrap();
}

#[tokio::test]
async fn a_spreadsheet_is_asked_for_by_name_and_the_page_does() {
    let app = TestApp::start().await;
    let made = session(&app, b"timestamp,A,S\n2024-07-01 00:00,-1.5,=1+1\n2024-07-01 00:15,2,OFF\n").await;
    let plain = csv_of(&app, &made, "").await;
    assert!(plain.contains(",-1.5,=1+1\r\n"), "{plain}");
    let excel = csv_of(&app, &made, "?for=excel").await;
    assert!(excel.contains(",-1.5,'=1+1\r\n") && excel.contains(",2.0,OFF\r\n"), "{excel}");
    let id = made["session_id"].as_str().unwrap();
    let etag = |answer: crate::helpers::Response| answer.header("etag").to_owned();
    let path = format!("/api/sessions/{id}/data.csv");
    let of_excel = etag(app.get(&format!("{path}?for=excel")).await);
    assert_ne!(etag(app.get(&path).await), of_excel, "other bytes");
    let known = app.get_with(&format!("{path}?for=excel"), &[("if-none-match", &of_excel)]).await;
    assert_eq!(known.status, 304);
    let refused = app.get(&format!("{path}?for=word")).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert!(refused.text().contains("excel"), "{}", refused.text());
    // Whoever saves a CSV on the page opens it with a spreadsheet.
    for module in ["chart", "table", "files/downloads"] {
        let text = app.get(&app.page_file(&format!("views/session/{module}.js")).await).await.text();
        let links: Vec<&str> = text.lines().filter(|line| line.contains("data.csv")).collect();
        assert!(!links.is_empty() && links.iter().all(|line| line.contains("for: \"excel\"")), "{links:?}");
    }
}

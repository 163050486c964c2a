//! Previews from what is kept in memory: never older than what was acknowledged, and the same wherever pages end.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::helpers::{Process, TestApp};

/// A report of minutes from 2024-01-01 00:00 on: `N` counts the rows from 0, `HALF` is half of it, every third row
/// of which has no value.
fn counted(rows: u32) -> Vec<u8> {
    let mut text = "time,N,HALF,MODE\n".to_owned();
    for row in 0..rows {
        let (day, minute) = (row / 1440, row % 1440);
        let half = if row % 3 == 0 { String::new() } else { (f64::from(row) / 2.0).to_string() };
        let mode = ["COOL", "HEAT", "OFF \\x", "自動"].get(row as usize % 4).unwrap();
        let date = chrono::NaiveDate::from_ymd_opt(2024, 1, 1).unwrap() + chrono::Days::new(day.into());
        writeln!(text, "{date} {:02}:{:02},{row},{half},{mode}", minute / 60, minute % 60).unwrap();
    }
    text.into_bytes()
}

async fn parsed(app: &TestApp, rows: u32) -> String {
    let answer = app.parsed(&[("counted.csv", &counted(rows))], &[("timezone", "UTC"), ("name", "Counted")]).await;
    answer["session_id"].as_str().unwrap().to_owned()
}

/// Asks for previews without a pause while something else goes on, so that whatever can be kept is.
async fn under_load<T>(app: &TestApp, session_id: &str, work: impl Future<Output = T>) -> T {
    let done = AtomicBool::new(false);
    let url = format!("/api/data/preview?session_id={session_id}&rows=1");
    let asking = join_all((0..4).map(|_| async {
        while !done.load(Ordering::Relaxed) {
            app.get(&url).await;
        }
    }));
    let working = async {
        let made = work.await;
        done.store(true, Ordering::Relaxed);
        made
    };
    tokio::join!(working, asking).0
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_shown_at_once() {
    let app = TestApp::start().await;
    let id = parsed(&app, 50).await;
    let url = format!("/api/data/preview?session_id={id}&rows=1");
    let session = format!("/api/sessions/{id}");
    under_load(&app, &id, async {
        for turn in 1..=20 {
            let request = json!({"session_id": id, "force": true, "resample_interval": "5m"});
            let cleaned = app.post("/api/clean", &request).await.expect(200);
            assert_eq!(cleaned["version"], format!("cleaned-v{turn}"));
            assert_eq!(app.get(&url).await.expect(200)["version"], cleaned["version"]);

            assert!(app.delete(&session).await.status / 100 == 2);
            app.get(&url).await.expect_problem(404, "deleted_session");
            app.post(&format!("{session}/restore"), &json!({})).await.expect(200);
            assert_eq!(app.get(&url).await.expect(200)["version"], cleaned["version"]);
        }
        let again = app.post("/api/parse", &json!({"session_id": id, "force": true})).await.expect(200);
        assert_eq!(app.get(&url).await.expect(200)["version"], again["version"]);
        assert!(app.delete(&format!("{session}?purge=true")).await.status / 100 == 2);
        app.get(&url).await.expect_problem(404, "unknown_session");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_has_gone_is_noticed_and_stays_marked() {
    let app = TestApp::start().await;
    let id = parsed(&app, 6000).await;
    let url = format!("/api/data/preview?session_id={id}");
    under_load(&app, &id, async {
        app.get(&url).await.expect(200);
        std::fs::remove_file(app.storage().join(&id).join("parsed-v1.parquet")).unwrap();
        // Its rows are in memory; but what is not there must not be answered from.
        app.get(&format!("{url}&offset=1")).await.expect_problem(409, "file_missing");
        for offset in 0..20 {
            app.get(&format!("{url}&offset={offset}")).await.expect_problem(409, "file_missing");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_wrote_is_shown_in_a_moment() {
    let app = TestApp::start().await;
    let id = parsed(&app, 50).await;
    let url = format!("/api/data/preview?session_id={id}&rows=1");
    under_load(&app, &id, async {
        assert_eq!(app.get(&url).await.expect(200)["version"], "parsed-v1");
        let mut clean = Process::command(app.folder.path(), &["clean", &id]);
        let cleaned = tokio::task::spawn_blocking(move || clean.output().unwrap()).await.unwrap();
        assert!(cleaned.status.success(), "{}", String::from_utf8_lossy(&cleaned.stderr));
        let ended = Instant::now();
        while app.get(&url).await.expect(200)["version"] != "cleaned-v1" {
            assert!(ended.elapsed() < Duration::from_secs(2), "still the version before");
        }
    })
    .await;
}

/// The rows are the ones asked for, whatever they are read from.
fn check(answer: &Value, offset: u32, rows: u32, columns: &[&str]) {
    let shown = answer["preview"].as_array().unwrap();
    assert_eq!(shown.len(), rows as usize);
    for (row, number) in shown.iter().zip(offset..) {
        let at = chrono::DateTime::from_timestamp(1_704_067_200 + i64::from(number) * 60, 0).unwrap();
        assert_eq!(row["timestamp"], at.format("%Y-%m-%dT%H:%M:%S+00:00").to_string());
        assert_eq!(row.as_object().unwrap().len(), columns.len() + 1);
        for column in columns {
            let expected = match *column {
                "N" => json!(f64::from(number)),
                "HALF" if number % 3 == 0 => Value::Null,
                "HALF" => json!(f64::from(number) / 2.0),
                _ => json!(["COOL", "HEAT", "OFF \\x", "自動"][number as usize % 4]),
            };
            assert_eq!(row[*column], expected, "row {number} of {column}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_the_same_wherever_pages_end() {
    const ROWS: u32 = 20_000;
    let app = TestApp::start().await;
    let id = parsed(&app, ROWS).await;
    // Scrolling, jumping, over the ends of pages, much at once; all columns, most, and few.
    let scrolling = (0..ROWS).step_by(997).map(|offset| (offset, 50));
    let jumping = [(4095, 2), (4090, 50), (8191, 1), (8192, 50), (19_999, 50), (20_000, 5), (0, 10_000), (4000, 4200)];
    for (offset, rows) in scrolling.chain(jumping) {
        for columns in [&["N", "HALF", "MODE"][..], &["HALF", "N"], &["MODE"]] {
            let list = if columns.len() == 3 { String::new() } else { format!("&columns={}", columns.join(",")) };
            let url = format!("/api/data/preview?session_id={id}&offset={offset}&rows={rows}{list}");
            let answer = app.get(&url).await.expect(200);
            check(&answer, offset, rows.min(ROWS - offset), columns);
            assert_eq!(answer["total_rows"], ROWS);
            let names: Vec<&str> = answer["columns"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            assert_eq!(names, [&["timestamp"], columns].concat());
        }
    }
    // Many at once who ask for different rows of the same pages.
    let asked = join_all((0..64).map(|i| {
        let (app, id) = (&app, &id);
        async move {
            let offset = 12_000 + i * 53;
            let url = format!("/api/data/preview?session_id={id}&offset={offset}");
            check(&app.get(&url).await.expect(200), offset, 50, &["N", "HALF", "MODE"]);
        }
    }));
    asked.await;
}

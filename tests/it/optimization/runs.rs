//! Runs that were noted, as they are listed and summed up.

use chrono::{DateTime, Utc};
use hvac_store::entity::optimization_run;
use sea_orm::{ActiveModelTrait, IntoActiveModel};
use serde_json::{Value, json};

use super::model_row;
use crate::helpers::TestApp;

/// A run that was noted at that time (the site's clock is Taipei's) and saved that much.
async fn run_row(app: &TestApp, model_id: &str, at: &str, savings: (f64, f64)) -> String {
    let created_at: DateTime<Utc> = DateTime::parse_from_rfc3339(at).unwrap().into();
    let row = optimization_run::Model {
        id: hvac_store::new_id(),
        model_id: model_id.to_owned(),
        session_id: None,
        input_data: json!({"conditions": {"load_rt": 300.0}}),
        method: "grid".to_owned(),
        predicted_power: 200.0 - savings.0,
        baseline_power: Some(200.0),
        savings_kw: savings.0,
        savings_percent: savings.1,
        is_change: savings.0 > 0.0,
        recommendations: json!([]),
        answer: json!({"message": "found", "confidence": 0.5}),
        local_date: created_at.with_timezone(&chrono_tz::Asia::Taipei).format("%Y-%m-%d").to_string(),
        duration_ms: 3,
        created_at,
    };
    let id = row.id.clone();
    let txn = app.state.store.db.begin().await.unwrap();
    row.into_active_model().reset_all().insert(&txn).await.unwrap();
    txn.commit().await.unwrap();
    id
}

#[tokio::test]
async fn runs_are_listed_newest_first_and_filtered() {
    let app = TestApp::start_with(&[("SITE_TIMEZONE", "Asia/Taipei")]).await;
    let (a1, a2, b) = (model_row(&app, "a", 1).await, model_row(&app, "a", 2).await, model_row(&app, "b", 1).await);
    let first = run_row(&app, &a1, "2026-11-01T03:00:00Z", (20.0, 10.0)).await;
    let second = run_row(&app, &a2, "2026-11-10T03:00:00Z", (0.0, 0.0)).await;
    let third = run_row(&app, &b, "2026-11-20T03:00:00Z", (10.0, 5.0)).await;

    let ids = |page: &Value| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|run| run["run_id"].as_str().unwrap().to_owned()).collect()
    };
    let these = |runs: &[&String]| -> Vec<String> { runs.iter().map(|run| (*run).clone()).collect() };
    let get = async |query: &str| app.get(&format!("/api/optimizations{query}")).await.expect(200);
    let all = get("").await;
    assert_eq!(ids(&all), these(&[&third, &second, &first]));
    assert_eq!(
        (&all["total"], &all["page"], &all["page_size"], &all["total_pages"]),
        (&json!(3), &json!(1), &json!(20), &json!(1))
    );
    let item = &all["items"][1];
    assert_eq!(
        (&item["model_name"], &item["model_version"], &item["change"]),
        (&json!("a"), &json!("v2"), &json!(false))
    );
    assert_eq!((&item["baseline_power"], &item["created_at"]), (&json!(200.0), &json!("2026-11-10T03:00:00.000Z")));
    let second_page = get("?page=2&page_size=2").await;
    assert_eq!((ids(&second_page), &second_page["total_pages"]), (these(&[&first]), &json!(2)));
    assert_eq!(ids(&get("?model=a").await), these(&[&second, &first]));
    assert_eq!(ids(&get(&format!("?model={a2}")).await), these(&[&second]));
    assert_eq!(ids(&get("?model=nobody").await), these(&[]));
    // 11:00 on the site's clock is 03:00 UTC.
    assert_eq!(ids(&get("?from=2026-11-10%2011:00&to=2026-11-20T03:00:00Z").await), these(&[&second]));
    assert_eq!(ids(&get("?from=2026-11-10%2011:01").await), these(&[&third]));

    let whole = app.get(&format!("/api/optimizations/{first}")).await.expect(200);
    assert_eq!((&whole["run_id"], &whole["success"], &whole["model_name"]), (&json!(first), &json!(true), &json!("a")));
    assert_eq!(whole["input_data"]["conditions"]["load_rt"], 300.0);
    assert_eq!(
        (&whole["message"], &whole["savings_kw"], &whole["predicted_power"]),
        (&json!("found"), &json!(20.0), &json!(180.0))
    );
    app.get("/api/optimizations/nobody").await.expect_problem(404, "unknown_optimization");
    app.get("/api/optimizations?page=0").await.expect_problem(422, "out_of_range");
    app.get("/api/optimizations?page_size=101").await.expect_problem(422, "out_of_range");
    app.get("/api/optimizations?from=yesterday").await.expect_problem(422, "bad_time");
    app.get("/api/optimizations?model=a:v9").await.expect_problem(404, "unknown_model_version");
}

/// 2026-11-15 is a Sunday. 17:00 UTC is 01:00 of the next day in Taipei.
#[tokio::test]
async fn savings_add_up_by_the_sites_days_weeks_and_months() {
    let app = TestApp::start_with(&[("SITE_TIMEZONE", "Asia/Taipei")]).await;
    let (a, b) = (model_row(&app, "a", 1).await, model_row(&app, "b", 1).await);
    let empty = app.get("/api/optimizations/summary").await.expect(200);
    assert_eq!((&empty["runs"], &empty["mean_savings_kw"], &empty["periods"]), (&json!(0), &Value::Null, &json!([])));
    run_row(&app, &a, "2026-10-31T12:00:00Z", (12.0, 6.0)).await;
    run_row(&app, &a, "2026-11-15T12:00:00Z", (20.0, 10.0)).await;
    run_row(&app, &a, "2026-11-15T17:00:00Z", (0.0, 0.0)).await;
    run_row(&app, &b, "2026-11-16T12:00:00Z", (8.0, 4.0)).await;

    let periods = async |query: &str| -> Vec<(String, u64, u64, f64, f64)> {
        let summary = app.get(&format!("/api/optimizations/summary{query}")).await.expect(200);
        let of = |p: &Value| {
            let number = |key: &str| p[key].as_u64().unwrap();
            let mean = |key: &str| p[key].as_f64().unwrap();
            let name = p["period"].as_str().unwrap().to_owned();
            (name, number("runs"), number("runs_with_change"), mean("mean_savings_kw"), mean("mean_savings_percent"))
        };
        summary["periods"].as_array().unwrap().iter().map(of).collect()
    };
    let row = |period: &str, runs, changes, kw, percent| (period.to_owned(), runs, changes, kw, percent);
    let days =
        [row("2026-10-31", 1, 1, 12.0, 6.0), row("2026-11-15", 1, 1, 20.0, 10.0), row("2026-11-16", 2, 1, 4.0, 2.0)];
    assert_eq!(periods("").await, days);
    let weeks =
        [row("2026-10-26", 1, 1, 12.0, 6.0), row("2026-11-09", 1, 1, 20.0, 10.0), row("2026-11-16", 2, 1, 4.0, 2.0)];
    assert_eq!(periods("?by=week").await, weeks);
    assert_eq!(periods("?by=month&from=2026-11-01").await, [row("2026-11-01", 3, 2, 28.0 / 3.0, 14.0 / 3.0)]);
    assert_eq!(periods("?by=month&model=b").await, [row("2026-11-01", 1, 1, 8.0, 4.0)]);
    let all = app.get("/api/optimizations/summary?by=month").await.expect(200);
    assert_eq!((&all["by"], &all["runs"], &all["mean_savings_kw"]), (&json!("month"), &json!(4), &json!(10.0)));
    app.get("/api/optimizations/summary?by=year").await.expect_problem(422, "unknown_period");
}

//! Lists: filters, order, pages, and what cannot be asked for.

use super::*;

#[tokio::test]
async fn what_has_no_index_is_found_and_said() {
    let app = TestApp::start().await;
    let records = json!({"work_orders": [
        {"work_order_id": "A", "title": "one", "cost": 12.5, "description": "x", "started_at": "2026-02-01T00:00:00+08:00"},
        {"work_order_id": "B", "title": "two", "cost": 7},
        {"work_order_id": "C", "title": "three"},
    ]});
    app.post("/api/v1/work-orders/batch", &records).await.expect(202);
    for (query, found, scanned) in [
        ("cost=12.5", vec!["A"], "cost"),
        ("cost=7", vec!["B"], "cost"),
        ("started_at=2026-01-31T16:00:00Z", vec!["A"], "started_at"),
        ("sort_by=cost&order=asc", vec!["C", "B", "A"], "cost"),
        ("sort_by=cost&order=desc", vec!["A", "B", "C"], "cost"),
    ] {
        let answer = app.get(&format!("/api/v1/work-orders?{query}")).await;
        let page = answer.expect(200);
        assert_eq!(ids(&page, "work_order_id"), found, "{query}");
        assert_eq!(page["scanned"], json!([scanned]), "{query}");
        assert!(answer.header("warning").contains("no index"), "{query}");
    }
    let indexed = app.get("/api/v1/work-orders?priority=normal&sort_by=work_order_id&order=asc").await;
    assert_eq!(ids(&indexed.expect(200), "work_order_id"), ["A", "B", "C"]);
    assert_eq!((indexed.header("warning"), &indexed.json()["scanned"]), ("", &Value::Null));
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused_with_the_closest() {
    let app = TestApp::start().await;
    for (query, code, says) in [
        ("prioritty=high", "unknown_parameter", "did you mean priority?"),
        ("priority=hihg", "invalid_field", "did you mean high?"),
        ("cost=cheap", "invalid_field", "a number is expected"),
        ("due_at=2026", "invalid_field", "such as 2026-01-31T13:45:00Z"),
        ("sort_by=titel", "unknown_sort", "did you mean title?"),
        ("order=up", "unknown_order", "asc nor desc"),
        ("page=0", "out_of_range", "page"),
        ("page_size=101", "out_of_range", "page_size"),
        ("page=x", "out_of_range", "no whole number"),
        ("from=2026-02-01&to=2026-01-01", "bad_time_range", "later than from"),
        ("from=never", "bad_time", "is no time"),
        ("status=open&status=done", "repeated_parameter", "more than once"),
    ] {
        let problem = app.get(&format!("/api/v1/work-orders?{query}")).await.expect_problem(422, code);
        assert!(problem["detail"].as_str().unwrap().contains(says), "{query}: {problem}");
    }
    app.get("/api/v1/work-orders/W?page=1").await.expect_problem(422, "unknown_parameter");
}

/// Without an index nobody looks at more than 100 000 records.
#[tokio::test]
async fn a_list_that_would_look_at_too_many_records_is_refused() {
    let many = "[[collection]]\nname = 'many'\nkey = 'id'\n[collection.fields]\nid = { type = 'text' }\n\
                n = { type = 'integer' }\nm = { type = 'integer', index = true }\n";
    let app = declared(&[("many.toml", many)]).await;
    for batch in 0..101 {
        let records: Vec<Value> =
            (0..1000).map(|at| json!({"id": format!("{batch}/{at}"), "n": at, "m": batch})).collect();
        app.post("/api/many/batch", &json!({"many": records})).await.expect(202);
        if batch == 99 {
            assert_eq!(app.get("/api/many?n=7").await.expect(200)["total"], 100);
        }
    }
    let problem = app.get("/api/many?n=7").await.expect_problem(422, "scan_too_large");
    assert!(problem["detail"].as_str().unwrap().contains("declare index = true"), "{problem}");
    app.get("/api/many?sort_by=n").await.expect_problem(422, "scan_too_large");
    assert_eq!(app.get("/api/many?m=7").await.expect(200)["total"], 1000);
}

/// What lived long enough is shown to nobody, before it is removed.
#[tokio::test]
async fn what_lived_long_enough_is_gone() {
    let short = "[[collection]]\nname = 'beats'\nkey = 'id'\nttl = '1h'\n[collection.fields]\nid = { type = 'text' }\n";
    let app = declared(&[("beats.toml", short)]).await;
    let ago = |minutes| (chrono::Utc::now() - chrono::TimeDelta::minutes(minutes)).to_rfc3339();
    let records = json!({"beats": [{"id": "old", "updated_at": ago(61)}, {"id": "young", "updated_at": ago(59)}]});
    app.post("/api/v1/beats/batch", &records).await.expect(202);
    assert_eq!(ids(&app.get("/api/v1/beats").await.expect(200), "id"), ["young"]);
    app.get("/api/v1/beats/old").await.expect_problem(404, "unknown_record");
    app.get("/api/v1/beats/young").await.expect(200);
}

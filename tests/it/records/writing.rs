//! Writing: what is accepted is there in its latest state, what is wrong is told by place and field.

use super::*;

const BATCH: &str = "/api/v1/work-orders/batch";

#[tokio::test]
async fn the_same_batch_twice_is_there_once_and_the_later_state_counts() {
    let app = TestApp::start().await;
    let at = |title: &str, updated_at: &str| json!({"work_order_id": "W", "title": title, "updated_at": updated_at});
    let write = async |record: Value| app.post("/api/v1/work-orders", &record).await.expect(202);
    let title = async || app.get("/api/v1/work-orders/W").await.expect(200)["title"].clone();
    write(at("second", "2026-01-02T00:00:00Z")).await;
    write(at("second", "2026-01-02T00:00:00Z")).await;
    assert_eq!(app.get("/api/v1/work-orders").await.expect(200)["total"], 1);
    write(at("first, late", "2026-01-01T00:00:00Z")).await;
    assert_eq!(title().await, "second", "the later `updated_at` counts");
    write(at("second, again", "2026-01-02T08:00:00+08:00")).await;
    assert_eq!(title().await, "second, again", "of the same time the later arrival");
    write(json!({"work_order_id": "W", "title": "now"})).await;
    assert_eq!(title().await, "now", "without a time it is that of arrival");
    write(at("old", "2026-01-03T00:00:00Z")).await;
    assert_eq!(title().await, "now");
    // Within one batch too.
    let batch = json!({"work_orders": [
        {"work_order_id": "X", "title": "b", "updated_at": "2026-01-02T00:00:00Z"},
        {"work_order_id": "X", "title": "a", "updated_at": "2026-01-01T00:00:00Z"},
        {"work_order_id": "Y", "title": "a", "updated_at": "2026-01-01T00:00:00Z"},
        {"work_order_id": "Y", "title": "b", "updated_at": "2026-01-01T00:00:00Z"},
    ]});
    app.post(BATCH, &batch).await.expect(202);
    for id in ["X", "Y"] {
        assert_eq!(app.get(&format!("/api/v1/work-orders/{id}")).await.expect(200)["title"], "b", "{id}");
    }
}

#[tokio::test]
async fn a_clock_that_is_far_ahead_is_refused() {
    let app = TestApp::start().await;
    let at = |seconds: i64| {
        let at = (chrono::Utc::now() + chrono::TimeDelta::seconds(seconds)).to_rfc3339();
        json!({"work_order_id": "W", "title": "x", "updated_at": at})
    };
    app.post("/api/v1/work-orders", &at(290)).await.expect(202);
    let problem = app.post("/api/v1/work-orders", &at(310)).await.expect_problem(422, "invalid_records");
    assert_eq!(problem["errors"][0]["field"], "updated_at", "{problem}");
}

#[tokio::test]
async fn a_wrong_record_is_named_and_nothing_of_its_batch_is_stored() {
    let app = TestApp::start().await;
    let batch = json!({"work_orders": [
        order("W-1", "open"),
        {"work_order_id": "W-2", "title": 7, "status": "opne"},
        {"title": "no key"},
        "no object",
        {"work_order_id": "k".repeat(201), "title": "x", "due_at": "tomorrow", "cost": "12"},
    ]});
    let problem = app.post(BATCH, &batch).await.expect_problem(422, "invalid_records");
    let errors: Vec<(String, String)> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["field"].as_str().unwrap().to_owned(), error["message"].as_str().unwrap().to_owned()))
        .collect();
    let said = |field: &str, part: &str| {
        let is_it = |(name, message): &&(String, String)| name == field && message.contains(part);
        assert!(errors.iter().any(|error| is_it(&error)), "{field}: {part}: {errors:?}");
    };
    said("work_orders[1].title", "a text is expected, and not 7");
    said("work_orders[1].status", "did you mean open?");
    said("work_orders[2].work_order_id", "it must be given");
    said("work_orders[3]", "it is no object");
    said("work_orders[4].work_order_id", "it has 201 characters; at most 200 are taken");
    said("work_orders[4].due_at", "such as 2026-01-31T13:45:00Z, and not \"tomorrow\"");
    said("work_orders[4].cost", "a number is expected");
    assert_eq!(app.get("/api/v1/work-orders").await.expect(200)["total"], 0);

    // A name that is no field's is told as it is everywhere.
    let misspelt = json!({"work_orders": [order("W-1", "open"), {"work_order_id": "W-2", "titel": "x"}]});
    let problem = app.post(BATCH, &misspelt).await.expect_problem(422, "unknown_field");
    assert_eq!(problem["errors"][0]["field"], "work_orders[1].titel", "{problem}");
    assert!(problem["errors"][0]["message"].as_str().unwrap().ends_with("did you mean title?"), "{problem}");

    let partly = app.post(&format!("{BATCH}?partial=true"), &batch).await.expect(202);
    assert_eq!(partly["count"], 1, "{partly}");
    assert!(partly["rejected"].as_array().unwrap().iter().any(|wrong| wrong["index"] == 3), "{partly}");
    assert_eq!(ids(&app.get("/api/v1/work-orders").await.expect(200), "work_order_id"), ["W-1"]);
}

#[tokio::test]
async fn a_thousand_records_at_once_and_no_more() {
    let app = TestApp::start().await;
    let batch = |count: usize| {
        let records: Vec<Value> = (0..count).map(|at| order(&format!("W-{at:04}"), "open")).collect();
        json!({"work_orders": records})
    };
    assert_eq!(app.post(BATCH, &batch(1000)).await.expect(202)["count"], 1000);
    let problem = app.post(BATCH, &batch(1001)).await.expect_problem(422, "too_many_records");
    assert!(problem["detail"].as_str().unwrap().contains("1001"), "{problem}");
    let page = app.get("/api/v1/work-orders?page=11&page_size=99&sort_by=work_order_id").await.expect(200);
    assert_eq!((page["total"].clone(), page["total_pages"].clone()), (json!(1000), json!(11)));
    assert_eq!(ids(&page, "work_order_id").last().unwrap(), "W-0999");
    let beyond = app.get("/api/v1/work-orders?page=12&page_size=99").await.expect(200);
    assert_eq!((&beyond["total"], &beyond["items"]), (&json!(1000), &json!([])));
}

#[tokio::test]
async fn a_body_of_another_shape_says_how_it_is_written() {
    let app = TestApp::start().await;
    for (body, code) in [
        (json!({}), "invalid_field"),
        (json!({"work_orders": {}}), "invalid_field"),
        (json!({"work_orders": []}), "invalid_field"),
        (json!({"work_order": []}), "unknown_field"),
        (json!([order("W", "open")]), "invalid_body"),
    ] {
        let problem = app.post(BATCH, &body).await.expect_problem(422, code);
        assert!(problem["detail"].as_str().unwrap().len() > 10, "{problem}");
    }
    let text = app.request(reqwest::Method::POST, BATCH, |request| request.body("{")).await;
    text.expect_problem(415, "not_json");
    app.post(&format!("{BATCH}?partail=true"), &json!({})).await.expect_problem(422, "unknown_parameter");
    app.post(&format!("{BATCH}?partial=perhaps"), &json!({})).await.expect_problem(422, "invalid_field");
    let two = declared(&[("translation.toml", &committed("translation.toml"))]).await;
    let body = json!({"tasks": [{"task_id": "T", "session_id": "S"}], "translation_tasks": [{"task_id": "U", "session_id": "S"}]});
    let problem = two.post("/api/v1/translation/tasks/batch", &body).await.expect_problem(422, "invalid_field");
    assert!(problem["detail"].as_str().unwrap().contains("means the same"), "{problem}");
    let other = app.patch(BATCH, &json!({})).await;
    other.expect_problem(405, "method_not_allowed");
    assert!(other.header("allow").contains("POST"), "{:?}", other.headers);
    for (path, meant) in [("/api/v1/work-ordres", "/api/work-orders?"), ("/api/equipmnet/batch", "/api/equipment?")] {
        let problem = app.get(path).await.expect_problem(404, "unknown_collection");
        assert!(problem["detail"].as_str().unwrap().ends_with(meant), "{problem}");
    }
    app.get("/api/v1/nothing").await.expect_problem(404, "no_such_route");
}

/// Many who write at once share commits, and each finds what it was told is written.
#[tokio::test(flavor = "multi_thread")]
async fn many_writers_at_once_share_their_commits() {
    let app = Arc::new(TestApp::start().await);
    let before = app.state.store.db.writer_stats().commits;
    let writing = (0..200).map(|at| {
        let app = Arc::clone(&app);
        tokio::spawn(async move {
            app.post("/api/v1/work-orders", &order(&format!("W-{at}"), "open")).await.expect(202);
            app.get(&format!("/api/v1/work-orders/W-{at}")).await.expect(200);
        })
    });
    for written in writing.collect::<Vec<_>>() {
        written.await.unwrap();
    }
    let commits = app.state.store.db.writer_stats().commits - before;
    assert!(commits < 150, "{commits} commits for 200 writes");
    assert_eq!(app.get("/api/v1/work-orders").await.expect(200)["total"], 200);
}

//! Records in the other rooms: SQL, the API document, roles, health, metrics.

use reqwest::Method;

use super::*;

/// `work_orders` joins readings: what a machine drew when its orders were made.
#[cfg(feature = "sql")]
#[tokio::test]
async fn a_collection_is_a_table_that_joins_readings() {
    let app = TestApp::start().await;
    let report = b"time,CH1_KW\n2026-01-01 00:00,100\n2026-01-01 00:15,120\n2026-01-01 00:30,140\n";
    let parsed = app.parsed(&[("kw.csv", report)], &[("timezone", "UTC")]).await;
    let session = parsed["session_id"].as_str().unwrap();
    let records: Vec<Value> = (0..1500)
        .map(|at| json!({
            "work_order_id": format!("W-{at:04}"), "title": "x", "session_id": session, "cost": at, "due_at": "2026-01-01T00:15:00Z",
        }))
        .collect();
    for part in records.chunks(1000) {
        app.post("/api/work-orders/batch", &json!({"work_orders": part})).await.expect(202);
    }
    let sql = "SELECT count(*), sum(w.cost), max(r.\"CH1_KW\"), min(w.status) FROM work_orders w \
               JOIN parsed r ON r.timestamp = w.due_at WHERE w.session_id IS NOT NULL";
    let answer = app.post("/api/query", &json!({"sql": sql, "session_id": session})).await.expect(200);
    // 0 + … + 1499.
    assert_eq!(answer["rows"][0], json!([1500, 1_124_250.0, 120.0, "open"]), "{answer}");
    let unknown = app.post("/api/query", &json!({"sql": "SELECT * FROM work_order"})).await;
    let problem = unknown.expect_problem(422, "unknown_table");
    assert!(problem["detail"].as_str().unwrap().contains("work_orders"), "{problem}");
}

#[tokio::test]
async fn the_document_has_what_is_declared_at_that_moment() {
    let app = declared(&[("translation.toml", &committed("translation.toml"))]).await;
    let document = app.get("/api/openapi.json").await.expect(200);
    let batch = &document["paths"]["/api/translation/tasks/batch"]["post"];
    assert_eq!(batch["operationId"], "post_translation_tasks_batch", "{batch}");
    let schema = &document["components"]["schemas"]["TranslationTasksRecord"];
    assert_eq!(schema["properties"]["status"]["default"], "pending", "{schema}");
    assert_eq!(schema["required"], json!(["task_id", "session_id"]));
    let get = &document["paths"]["/api/translation/sessions/{id}"]["get"];
    assert_eq!(
        (&get["x-role"], &get["responses"]["404"]["content"]["application/problem+json"]["example"]["code"]),
        (&json!("viewer"), &json!("unknown_record"))
    );
    std::fs::remove_file(app.folder.path().join("collections/translation.toml")).unwrap();
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let document = app.get("/api/v1/openapi.json").await.expect(200);
        if document["paths"]["/api/translation/tasks/batch"].is_null() {
            break;
        }
        assert!(std::time::Instant::now() < patience, "the document still has what is declared no more");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// Who may read and write is the declaration's to say; nobody else finds anything.
#[tokio::test]
async fn roles_are_those_of_the_declaration() {
    let secret = "[[collection]]\nname = 'secrets'\nkey = 'id'\nread = 'admin'\nwrite = 'admin'\n[collection.fields]\nid = { type = 'text' }\n";
    let app = declared(&[("secrets.toml", secret)]).await;
    let key = async |role: &str| {
        let answer = app.post("/api/v1/keys", &json!({"name": role, "role": role})).await.expect(201);
        answer["key"].as_str().unwrap().to_owned()
    };
    let (viewer, operator) = (key("viewer").await, key("operator").await);
    let ask = async |key: &str, method: Method, path: &str, body: Option<Value>| {
        app.request(method, path, |request| match &body {
            Some(body) => request.bearer_auth(key).json(body),
            None => request.bearer_auth(key),
        })
        .await
    };
    ask(&operator, Method::POST, "/api/v1/work-orders", Some(order("W", "open"))).await.expect(202);
    ask(&viewer, Method::GET, "/api/v1/work-orders/W", None).await.expect(200);
    for (method, path) in [
        (Method::POST, "/api/v1/work-orders"),
        (Method::POST, "/api/v1/work-orders/batch"),
        (Method::POST, "/api/v1/hvac/flush"),
        (Method::DELETE, "/api/work-orders/W"),
    ] {
        let body = (method == Method::POST).then(|| order("W", "done"));
        ask(&viewer, method, path, body).await.expect_problem(403, "forbidden");
    }
    for key in [&viewer, &operator] {
        ask(key, Method::GET, "/api/secrets", None).await.expect_problem(403, "forbidden");
        let collections = ask(key, Method::GET, "/api/collections", None).await.text();
        assert!(!collections.contains("\"name\":\"secrets\""), "{collections}");
        if cfg!(feature = "sql") {
            let sql = json!({"sql": "SELECT * FROM secrets"});
            ask(key, Method::POST, "/api/query", Some(sql)).await.expect_problem(422, "unknown_table");
        }
    }
    ask("hvac_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", Method::GET, "/api/work-orders", None)
        .await
        .expect_problem(401, "bad_credentials");
}

#[tokio::test]
async fn health_and_metrics_tell_of_records() {
    let app = TestApp::start().await;
    app.post("/api/work-orders", &order("W", "open")).await.expect(202);
    let health = app.get("/health").await.expect(200);
    assert_eq!(health["buffer"], json!({"in_memory": 0, "waiting": 0, "waiting_bytes": 0, "backends": []}), "{health}");
    let metrics = app.get("/metrics").await.text();
    let written = metrics.lines().find(|line| line.starts_with("hvac_records_total{operation=\"write\"}")).unwrap();
    assert!(written.rsplit(' ').next().unwrap().parse::<f64>().unwrap() >= 1.0, "{written}");
    assert!(metrics.contains("route=\"/api/work-orders\""), "routes as they are declared");
}

/// What somebody may not read is not counted, restored or shown as refused to him either.
#[tokio::test]
async fn children_that_one_may_not_read_are_not_told_of() {
    let text = "[[collection]]\nname = 'cases'\nkey = 'id'\nstates = { field = 'state', open = ['open'] }\n\
                [collection.fields]\nid = { type = 'text' }\nstate = { type = 'text', values = ['open', 'done'], default = 'open' }\n\
                [[collection]]\nname = 'remarks'\nkey = 'id'\nread = 'admin'\nparent = { collection = 'cases', field = 'case_id' }\n\
                [collection.fields]\nid = { type = 'text' }\ncase_id = { type = 'text' }\n";
    let app = declared(&[("desk.toml", text)]).await;
    app.post("/api/cases", &json!({"id": "C"})).await.expect(202);
    app.post("/api/remarks", &json!({"id": "R", "case_id": "C"})).await.expect(202);
    let made = app.post("/api/v1/keys", &json!({"name": "works", "role": "operator"})).await.expect(201);
    let operator = made["key"].as_str().unwrap();
    let ask =
        async |method: Method, path: &str| app.request(method, path, |request| request.bearer_auth(operator)).await;
    // Of this machine everything is open: an admin asks.
    assert_eq!(app.get("/api/cases/C").await.expect(200)["counts"]["remarks"]["total"], 1);
    assert_eq!(app.post("/api/desk/recovery/restore/C", &json!({})).await.expect(200)["remarks"][0]["id"], "R");
    let seen = ask(Method::GET, "/api/cases/C").await.expect(200);
    assert_eq!((&seen["state"], &seen["counts"]), (&json!("open"), &Value::Null), "{seen}");
    ask(Method::GET, "/api/cases/C/remarks").await.expect_problem(403, "forbidden");
    ask(Method::GET, "/api/desk/rejected").await.expect_problem(403, "forbidden");
    ask(Method::POST, "/api/desk/recovery/restore/C").await.expect_problem(403, "forbidden");
    ask(Method::POST, "/api/desk/flush").await.expect(200);
    ask(Method::GET, "/api/desk/recovery/incomplete-cases").await.expect(200);
}

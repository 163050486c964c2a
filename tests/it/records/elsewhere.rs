//! Collections that other servers keep, through HTTP: what waits, what comes back, what is refused.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::servers::{Kind, PASSWORD, Server};
use super::*;

const BATCH: &str = "/api/v1/work-orders/batch";

/// Work orders that this server keeps, and notes that the metadata database does.
fn declaration(word: &str) -> String {
    format!(
        r#"
[[collection]]
name = "work_orders"
key = "work_order_id"
backend = "{word}"
[collection.fields]
work_order_id = {{ type = "text" }}
title = {{ type = "text", required = true }}
cost = {{ type = "integer", index = true }}
equipment_id = {{ type = "text", index = true }}
more = {{ type = "json" }}

[[collection]]
name = "notes"
key = "id"
[collection.fields]
id = {{ type = "text" }}
"#
    )
}

async fn kept_by(server: &Server, more: &[(&'static str, &str)]) -> TestApp {
    let folder = Arc::new(TempDir::new().unwrap());
    let declarations = folder.path().join("collections");
    std::fs::create_dir_all(&declarations).unwrap();
    std::fs::write(declarations.join("hvac.toml"), declaration(server.word())).unwrap();
    let mut settings = vec![("COLLECTIONS_PATH", declarations.display().to_string()), server.setting()];
    settings.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    TestApp::start_in(folder, settings).await.unwrap()
}

fn orders(from: u64, to: u64, state: &str) -> Value {
    let order = |n: u64| json!({"work_order_id": format!("W-{n:04}"), "title": state, "cost": n, "equipment_id": format!("CH-{}", n % 3)});
    json!({"work_orders": (from..to).map(order).collect::<Vec<_>>()})
}

async fn waiting(app: &TestApp) -> u64 {
    let health = app.get("/health").await.json();
    health["buffer"]["waiting"].as_u64().unwrap_or_else(|| panic!("{health}"))
}

async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(90), "{what}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Written, seen before it is handed over, listed, changed, deleted, kept over a restart.
async fn is_used_like_any_other(server: &Server) {
    let app = kept_by(server, &[]).await;
    app.post(BATCH, &orders(0, 300, "new")).await.expect(202);
    assert_eq!(waiting(&app).await, 300, "it is acknowledged, and waits");
    assert_eq!(app.get("/api/v1/work-orders/W-0007").await.expect(200)["cost"].as_f64(), Some(7.0));
    let list = app.get("/api/v1/work-orders?equipment_id=CH-1&sort_by=cost&order=desc&page_size=3").await.expect(200);
    assert_eq!(
        (list["total"].as_u64(), ids(&list, "work_order_id")),
        (Some(100), vec!["W-0298".to_owned(), "W-0295".to_owned(), "W-0292".to_owned()])
    );
    assert_eq!(waiting(&app).await, 0, "a list has everything");
    app.post(BATCH, &orders(0, 1, "changed")).await.expect(202);
    assert_eq!(app.get("/api/v1/work-orders/W-0000").await.expect(200)["title"], "changed", "before it is there");
    app.delete("/api/v1/work-orders/W-0001").await.expect(204);
    app.get("/api/v1/work-orders/W-0001").await.expect_problem(404, "unknown_record");
    let app = app.restart().await;
    assert_eq!(waiting(&app).await, 0, "what waited was handed over at the end");
    let list = app.get("/api/v1/work-orders?sort_by=work_order_id&page_size=2").await.expect(200);
    assert_eq!(
        (list["total"].as_u64(), ids(&list, "work_order_id")),
        (Some(299), vec!["W-0000".to_owned(), "W-0002".to_owned()])
    );
    assert_eq!(list["items"][0]["title"], "changed");
    let refused = app.get("/api/v1/work-orders?title=new").await;
    if server.kind == Kind::Redis {
        let problem = refused.expect_problem(422, "backend_cannot");
        assert!(problem["detail"].as_str().unwrap().contains("redis"), "{problem}");
    } else {
        assert_eq!(refused.expect(200)["total"], 298);
    }
}

/// Its server is killed while records come: they are acknowledged and wait, others go on, and all of it arrives.
async fn goes_down_and_comes_back(server: &mut Server) {
    let app = kept_by(server, &[("OUTBOX_FLUSH_ROWS", "50"), ("OUTBOX_FLUSH_SECONDS", "1")]).await;
    let mut expected = BTreeMap::new();
    for round in 0..30_u64 {
        if round == 10 {
            server.down();
        }
        let state = format!("round {round}");
        app.post(BATCH, &orders(round * 20, round * 20 + 60, &state)).await.expect(202);
        (round * 20..round * 20 + 60).for_each(|n| drop(expected.insert(format!("W-{n:04}"), state.clone())));
        let begun = Instant::now();
        app.post("/api/v1/notes", &json!({"id": round.to_string()})).await.expect(202);
        assert_eq!(app.get("/api/v1/notes").await.expect(200)["total"], round + 1);
        assert!(begun.elapsed() < Duration::from_secs(2), "others wait for nobody");
    }
    assert!(waiting(&app).await > 0);
    app.get("/api/v1/work-orders").await.expect_problem(503, "backend_down");
    let seen = app.get("/api/v1/work-orders/W-0599").await.expect(200);
    assert_eq!(seen["title"], "round 29", "what waits is seen");
    // Also over a restart of this program.
    let app = app.restart().await;
    assert!(waiting(&app).await > 0);
    server.up();
    until("what waited is handed over", async || waiting(&app).await == 0).await;
    let mut found = BTreeMap::new();
    for page in 1..=7 {
        let path = format!("/api/v1/work-orders?page={page}&page_size=100&sort_by=work_order_id");
        for item in app.get(&path).await.expect(200)["items"].as_array().unwrap() {
            let text = |name: &str| item[name].as_str().unwrap().to_owned();
            assert!(found.insert(text("work_order_id"), text("title")).is_none(), "{item}");
        }
    }
    assert_eq!(found, expected);
    for said in [app.get("/api/v1/system/config").await, app.get("/health").await, app.get("/metrics").await] {
        assert!(!said.text().contains(PASSWORD), "{}", said.text());
    }
}

/// Nothing more is taken than may wait.
async fn refuses_what_may_not_wait(server: &mut Server) {
    let app = kept_by(server, &[("OUTBOX_MAX_ROWS", "1000")]).await;
    server.down();
    app.post(BATCH, &orders(0, 990, "x")).await.expect(202);
    let full = app.post(BATCH, &orders(990, 1010, "x")).await;
    full.expect_problem(503, "outbox_full");
    assert!(full.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
    app.post("/api/v1/notes", &json!({"id": "n"})).await.expect(202);
    app.get("/api/v1/work-orders/W-1000").await.expect_problem(503, "backend_down");
    server.up();
    until("what waited is handed over", async || app.post("/api/v1/hvac/flush", &json!({})).await.status == 200).await;
    assert_eq!(app.get("/api/v1/work-orders").await.expect(200)["total"], 990);
}

async fn each_server(kind: Kind) {
    let mut server = Server::start(kind);
    is_used_like_any_other(&server).await;
    drop(server);
    server = Server::start(kind);
    goes_down_and_comes_back(&mut server).await;
    drop(server);
    server = Server::start(kind);
    refuses_what_may_not_wait(&mut server).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs MariaDB"]
async fn collections_in_mariadb() {
    each_server(Kind::Mysql).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn collections_in_postgresql() {
    each_server(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs redis-server"]
async fn collections_in_redis() {
    each_server(Kind::Redis).await;
}

/// PostgreSQL keeps no zero byte in JSON: such a record goes aside with its reason, and those behind it go on.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_record_that_its_server_refuses_goes_aside() {
    let server = Server::start(Kind::Postgres);
    let app = kept_by(&server, &[]).await;
    let mut batch = orders(0, 200, "x");
    batch["work_orders"][77]["more"] = json!({"text": "zero \0 byte"});
    app.post(BATCH, &batch).await.expect(202);
    app.post("/api/v1/hvac/flush", &json!({})).await.expect(200);
    let rejected = app.get("/api/v1/hvac/rejected").await.expect(200);
    assert_eq!(rejected["total"], 1, "{rejected}");
    assert_eq!(rejected["items"][0]["key"], "W-0077", "{rejected}");
    assert!(rejected.to_string().contains("PostgreSQL refuses it"), "{rejected}");
    assert_eq!(app.get("/api/v1/work-orders").await.expect(200)["total"], 199);
}

async fn killed(kind: Kind) {
    let server = Server::start(kind);
    let folder = TempDir::new().unwrap();
    let declarations = folder.path().join("collections");
    std::fs::create_dir_all(&declarations).unwrap();
    std::fs::write(declarations.join("hvac.toml"), declaration(server.word())).unwrap();
    let environment = [
        ("COLLECTIONS_PATH", declarations.display().to_string()),
        ("OUTBOX_FLUSH_ROWS", "30".to_owned()),
        ("OUTBOX_FLUSH_SECONDS", "1".to_owned()),
        server.setting(),
    ];
    crash::killed_again_and_again(&folder, &environment).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs MariaDB"]
async fn killed_while_mariadb_keeps_records_nothing_is_lost() {
    killed(Kind::Mysql).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL"]
async fn killed_while_postgresql_keeps_records_nothing_is_lost() {
    killed(Kind::Postgres).await;
}

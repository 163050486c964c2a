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
    let (setting, url) = server.setting();
    kept_at((setting, &url), server.word(), more).await.unwrap()
}

/// With a server at that address.
pub(super) async fn kept_at(
    (setting, url): (&'static str, &str),
    word: &str,
    more: &[(&'static str, &str)],
) -> hvac_analytics::error::Result<TestApp> {
    let folder = Arc::new(TempDir::new().unwrap());
    let declarations = folder.path().join("collections");
    std::fs::create_dir_all(&declarations).unwrap();
    std::fs::write(declarations.join("hvac.toml"), declaration(word)).unwrap();
    let mut settings = vec![("COLLECTIONS_PATH", declarations.display().to_string()), (setting, url.to_owned())];
    settings.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    TestApp::start_in(folder, settings).await
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

/// What is wrong is refused by the same words wherever it would be kept.
async fn refuses_bad_input(app: &TestApp, finds_by_index_only: bool) {
    app.post(BATCH, &orders(0, 30, "x")).await.expect(202);
    let record = |more: Value| {
        let mut record = json!({"work_order_id": "W", "title": "x"});
        record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        record
    };
    let nested =
        |depth| (0..depth).fold(json!(1), |inner, n| if n % 2 == 0 { json!([inner]) } else { json!({"a": inner}) });
    for (more, code, says) in [
        (json!({"titel": "x"}), "unknown_field", "did you mean title?"),
        (json!({"work_order_id": "k".repeat(201)}), "invalid_records", "at most 200 are taken"),
        (json!({"work_order_id": ""}), "invalid_records", "must not be empty"),
        (json!({"title": 7}), "invalid_records", "a text is expected"),
        (json!({"title": null}), "invalid_records", "must be given"),
        (json!({"cost": 1.5}), "invalid_records", "a whole number"),
        (json!({"cost": u64::MAX}), "invalid_records", "at most 64 bits"),
        (json!({"more": "text"}), "invalid_records", "an object or a list"),
        (json!({"more": nested(31)}), "invalid_records", "at most 30 levels"),
        (json!({"more": ["x".repeat(65_536)]}), "invalid_records", "at most 65536 are taken"),
        (json!({"equipment_id": "e".repeat(201)}), "invalid_records", "at most 200 are taken"),
    ] {
        for (path, body) in
            [("/api/v1/work-orders", record(more.clone())), (BATCH, json!({"work_orders": [record(more.clone())]}))]
        {
            let problem = app.post(path, &body).await.expect_problem(422, code);
            assert!(problem["detail"].as_str().unwrap().contains(says), "{more}: {problem}");
        }
    }
    app.post(BATCH, &orders(0, 1001, "x")).await.expect_problem(422, "too_many_records");
    app.post(BATCH, &json!({"orders": []})).await.expect_problem(422, "unknown_field");
    app.post(BATCH, &json!([])).await.expect_problem(422, "invalid_body");
    for (query, code, says) in [
        ("titel=x", "unknown_parameter", "did you mean title?"),
        ("cost=cheap", "invalid_field", "a whole number"),
        ("sort_by=titel", "unknown_sort", "did you mean title?"),
        ("page=18446744073709551615&page_size=100", "out_of_range", "page"),
        ("more=x", "unknown_parameter", ""),
    ] {
        let problem = app.get(&format!("/api/v1/work-orders?{query}")).await.expect_problem(422, code);
        assert!(problem["detail"].as_str().unwrap().contains(says), "{query}: {problem}");
    }
    app.get("/api/v1/work-orders/none").await.expect_problem(404, "unknown_record");
    app.delete("/api/v1/work-orders/none").await.expect_problem(404, "unknown_record");
    let beyond = app.get("/api/v1/work-orders?page=3&page_size=20").await.expect(200);
    assert_eq!((&beyond["total"], &beyond["total_pages"], &beyond["items"]), (&json!(30), &json!(2), &json!([])));
    let deepest = json!({"work_order_id": "W-0000", "title": "x", "more": nested(30)});
    app.post("/api/v1/work-orders", &deepest).await.expect(202);
    app.post("/api/v1/hvac/flush", &json!({})).await.expect(200);
    assert_eq!(app.get("/api/v1/work-orders/W-0000").await.expect(200)["more"], deepest["more"]);
    assert_eq!(app.get("/api/v1/hvac/rejected").await.expect(200)["total"], 0);
    let scanned = app.get("/api/v1/work-orders?title=x").await;
    if finds_by_index_only {
        let problem = scanned.expect_problem(422, "backend_cannot");
        assert!(problem["detail"].as_str().unwrap().contains("redis"), "{problem}");
    } else {
        assert_eq!((&scanned.expect(200)["total"], &scanned.json()["scanned"]), (&json!(30), &json!(["title"])));
        assert!(scanned.header("warning").contains("no index"), "{}", scanned.header("warning"));
    }
}

#[tokio::test]
async fn bad_input_is_refused_in_the_metadata_database() {
    let app = declared(&[("hvac.toml", &declaration("sqlite"))]).await;
    refuses_bad_input(&app, false).await;
}

/// A declaration that changes: what is there, what waits and what comes have the new default, and the new index finds all.
async fn takes_a_new_declaration_over(server: &Server) {
    let app = kept_by(server, &[]).await;
    app.post(BATCH, &orders(0, 450, "old")).await.expect(202);
    app.post("/api/v1/hvac/flush", &json!({})).await.expect(200);
    app.post(BATCH, &orders(450, 460, "old")).await.expect(202);
    let text = declaration(server.word());
    let text = text.replace("more =", "done = { type = \"boolean\", default = false, index = true }\nmore =");
    let text = text.replace("title = { type = \"text\",", "title = { type = \"text\", max_length = 100, index = true,");
    let path = app.folder.path().join("collections/hvac.toml");
    let generation = app.state.records.registry().generation;
    std::fs::write(&path, &text).unwrap();
    until("it is read again", async || app.state.records.registry().generation > generation).await;
    let collections = app.get("/api/v1/collections").await.expect(200);
    assert!(collections["files"].as_array().unwrap().iter().all(|file| file["error"].is_null()), "{collections}");
    assert_eq!(app.get("/api/v1/work-orders/W-0455").await.expect(200)["done"], false, "it waits");
    app.post(BATCH, &orders(460, 470, "old")).await.expect(202);
    for query in ["done=false", "title=old", "done=false&title=old"] {
        let page = app.get(&format!("/api/v1/work-orders?{query}")).await.expect(200);
        assert_eq!((&page["total"], &page["scanned"]), (&json!(470), &Value::Null), "{query}");
    }
    // A field that records have a value of stays.
    std::fs::write(&path, text.replace("cost = { type = \"integer\", index = true }\n", "")).unwrap();
    until("it is refused", async || {
        let collections = app.get("/api/v1/collections").await.expect(200);
        let file = collections["files"].as_array().unwrap().iter().find(|file| file["file"] == "hvac.toml").cloned();
        file.unwrap()["error"].as_str().is_some_and(|error| error.contains("470 records have a value of it"))
    })
    .await;
    // Removed and put back.
    std::fs::write(&path, "collection = []\n").unwrap();
    until("its routes are hidden", async || app.get("/api/v1/work-orders/W-0000").await.status == 404).await;
    std::fs::write(&path, &text).unwrap();
    until("they are back", async || app.get("/api/v1/work-orders/W-0000").await.status == 200).await;
    assert_eq!(app.get("/api/v1/work-orders?done=false").await.expect(200)["total"], 470);
}

/// A change of a collection whose server is away is refused until it is back, and nobody else waits for it.
async fn changes_when_it_is_back(server: &mut Server) {
    let app = kept_by(server, &[]).await;
    app.post(BATCH, &orders(0, 10, "old")).await.expect(202);
    app.post("/api/v1/hvac/flush", &json!({})).await.expect(200);
    server.down();
    let text = declaration(server.word());
    let text = text.replace("more =", "done = { type = \"boolean\", default = false, index = true }\nmore =");
    let path = app.folder.path().join("collections/hvac.toml");
    std::fs::write(&path, &text).unwrap();
    let refused = async || {
        let collections = app.get("/api/v1/collections").await.expect(200);
        let file = collections["files"].as_array().unwrap().iter().find(|file| file["file"] == "hvac.toml").cloned();
        file.unwrap()["error"].as_str().map(str::to_owned)
    };
    let (begun, mut longest, mut written) = (Instant::now(), Duration::ZERO, 0);
    while begun.elapsed() < Duration::from_secs(8) {
        let asked = Instant::now();
        app.post("/api/v1/notes", &json!({"id": format!("n{written}")})).await.expect(202);
        longest = longest.max(asked.elapsed());
        written += 1;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(longest < Duration::from_secs(1), "{longest:?} of {written}");
    let error = refused().await.expect("it cannot be applied");
    assert!(error.contains("cannot be applied") && error.contains("cannot be used now"), "{error}");
    app.post(BATCH, &orders(10, 20, "old")).await.expect(202);
    server.up();
    std::fs::write(&path, text + "\n").unwrap();
    until("it is in force", async || refused().await.is_none()).await;
    assert_eq!(app.get("/api/v1/work-orders?done=false").await.expect(200)["total"], 20);
}

/// Somebody's transaction holds the table that is to be changed: the change is refused and says why, and nobody waits
/// meanwhile who has nothing to do with it.
async fn others_go_on_while_a_table_is_held(server: &Server) {
    let app = kept_by(server, &[]).await;
    app.post(BATCH, &orders(0, 10, "old")).await.expect(202);
    app.post("/api/v1/hvac/flush", &json!({})).await.expect(200);
    let elsewhere = sea_orm::Database::connect(server.url()).await.unwrap();
    let holds = sea_orm::TransactionTrait::begin(&elsewhere).await.unwrap();
    sea_orm::ConnectionTrait::execute_unprepared(&holds, "SELECT count(*) FROM records_work_orders").await.unwrap();

    let text = declaration(server.word()).replace("more =", "done = { type = \"boolean\", index = true }\nmore =");
    let path = app.folder.path().join("collections/hvac.toml");
    std::fs::write(&path, &text).unwrap();
    let refused = async || {
        let collections = app.get("/api/v1/collections").await.expect(200);
        collections["files"][0]["error"].as_str().map(str::to_owned)
    };
    let (begun, mut longest, mut busy) = (Instant::now(), Duration::ZERO, 0);
    while refused().await.is_none() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the change is refused");
        let asked = Instant::now();
        app.post("/api/v1/notes", &json!({"id": "n"})).await.expect(202);
        app.get("/api/v1/notes/n").await.expect(200);
        longest = longest.max(asked.elapsed());
        let order = app.get("/api/v1/work-orders/W-0001").await;
        if order.status != 200 {
            order.expect_problem(503, "records_busy");
            busy += 1;
        }
    }
    assert!(longest < Duration::from_secs(1), "{longest:?}");
    assert!(busy > 0, "whoever needs the table is told");
    let error = refused().await.unwrap();
    assert!(error.contains("cannot be applied") && error.contains("somebody works on its table"), "{error}");
    app.post(BATCH, &orders(10, 20, "old")).await.expect(202);

    holds.rollback().await.unwrap();
    std::fs::write(&path, text + "\n").unwrap();
    until("it is in force", async || refused().await.is_none()).await;
    app.post(BATCH, &json!({"work_orders": [{"work_order_id": "W-0003", "title": "new", "done": true}]}))
        .await
        .expect(202);
    assert_eq!(app.get("/api/v1/work-orders?done=true").await.expect(200)["total"], 1);
    assert_eq!(app.get("/api/v1/work-orders").await.expect(200)["total"], 20);
}

async fn each_server(kind: Kind) {
    let mut server = Server::start(kind);
    is_used_like_any_other(&server).await;
    drop(server);
    server = Server::start(kind);
    refuses_bad_input(&kept_by(&server, &[]).await, kind == Kind::Redis).await;
    drop(server);
    server = Server::start(kind);
    takes_a_new_declaration_over(&server).await;
    drop(server);
    server = Server::start(kind);
    changes_when_it_is_back(&mut server).await;
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

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs MariaDB"]
async fn a_table_that_is_held_in_mariadb() {
    others_go_on_while_a_table_is_held(&Server::start(Kind::Mysql)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_table_that_is_held_in_postgresql() {
    others_go_on_while_a_table_is_held(&Server::start(Kind::Postgres)).await;
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

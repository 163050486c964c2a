//! Words of records are found, and lists are written out whole.

use super::servers::{Kind, Server};
use super::*;

const BATCH: &str = "/api/v1/work-orders/batch";

fn titled(id: &str, title: &str, description: &str) -> Value {
    json!({"work_order_id": id, "title": title, "description": description, "equipment_id": "CH-1"})
}

fn declaration(word: &str) -> String {
    format!(
        "[[collection]]\nname = \"work_orders\"\nkey = \"work_order_id\"\nbackend = \"{word}\"\n[collection.fields]\n\
         work_order_id = {{ type = \"text\" }}\ntitle = {{ type = \"text\", search = true, index = true }}\n\
         description = {{ type = \"text\", search = true }}\nequipment_id = {{ type = \"text\", index = true }}\n"
    )
}

async fn kept_by(server: Option<&Server>) -> TestApp {
    let folder = Arc::new(TempDir::new().unwrap());
    let declarations = folder.path().join("collections");
    std::fs::create_dir_all(&declarations).unwrap();
    std::fs::write(declarations.join("hvac.toml"), declaration(server.map_or("sqlite", Server::word))).unwrap();
    let mut settings = vec![("COLLECTIONS_PATH", declarations.display().to_string())];
    settings.extend(server.map(Server::setting));
    TestApp::start_in(folder, settings).await.unwrap()
}

async fn found(app: &TestApp, q: &str) -> Vec<String> {
    let query: String = url::form_urlencoded::byte_serialize(q.as_bytes()).collect();
    let path = format!("/api/v1/work-orders?q={query}&sort_by=work_order_id&page_size=100");
    ids(&app.get(&path).await.expect(200), "work_order_id")
}

/// What beginnings of words find is found everywhere.
async fn words_are_found(app: &TestApp) {
    let orders = [
        titled("W-1", "Clean the condenser", "Approach rose by 1.2 K"),
        titled("W-2", "Replace a Sensor", "condenser water, leaving"),
        titled("W-3", "Look at pump 7", "It's 100% \"loud\" \\ and_warm"),
        titled("W-4", "Clean strainer", ""),
    ];
    app.post(BATCH, &json!({"work_orders": orders})).await.expect(202);
    for (q, expected) in [
        ("condenser", vec!["W-1", "W-2"]),
        ("CONDENS", vec!["W-1", "W-2"]),
        ("clean condenser", vec!["W-1"]),
        ("sensor leaving", vec!["W-2"]),
        ("chiller", vec![]),
        ("100", vec!["W-3"]),
        ("It's", vec!["W-3"]),
        ("it' OR clean", vec![]),
        ("  ", vec!["W-1", "W-2", "W-3", "W-4"]),
    ] {
        assert_eq!(found(app, q).await, expected, "{q}");
    }
    // What is changed is found by its new words only, what is deleted not at all.
    app.post(BATCH, &json!({"work_orders": [titled("W-1", "Paint the door", "")]})).await.expect(202);
    app.delete("/api/v1/work-orders/W-4").await.expect(204);
    assert_eq!(found(app, "clean").await, Vec::<String>::new());
    assert_eq!(found(app, "condenser").await, ["W-2"]);
    assert_eq!(found(app, "paint").await, ["W-1"]);
    let both = app.get("/api/v1/work-orders?q=look&equipment_id=CH-1").await.expect(200);
    assert_eq!(both["total"], 1);
    app.get(&format!("/api/v1/work-orders?q={}", "x".repeat(201))).await.expect_problem(422, "text_too_long");
}

#[tokio::test]
async fn words_in_the_embedded_database() {
    let app = kept_by(None).await;
    words_are_found(&app).await;
    // Anywhere in a text, in any script, and short ones too.
    app.post(BATCH, &json!({"work_orders": [titled("W-5", "清洗冷凝器", "Überdruck")]})).await.expect(202);
    for (q, expected) in [
        ("冷凝器", vec!["W-5"]),
        ("冷", vec!["W-5"]),
        ("ondense", vec!["W-2"]),
        ("üBERDRUCK", vec!["W-5"]),
        ("7", vec!["W-3"]),
    ] {
        assert_eq!(found(&app, q).await, expected, "{q}");
    }
    // What no index finds says so.
    for (q, scanned) in [("7", json!(["q"])), ("冷", json!(["q"])), ("冷凝器", Value::Null), ("7 pump", Value::Null)]
    {
        let query: String = url::form_urlencoded::byte_serialize(q.as_bytes()).collect();
        let page = app.get(&format!("/api/v1/work-orders?q={query}")).await.expect(200);
        assert_eq!(page["scanned"], scanned, "{q}");
    }
    // A field whose words are searched from now on, and one no more.
    let path = app.folder.path().join("collections/hvac.toml");
    let changed = declaration("sqlite").replace("search = true, index = true", "index = true");
    std::fs::write(&path, changed).unwrap();
    let begun = std::time::Instant::now();
    while found(&app, "paint").await != Vec::<String>::new() {
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "the declaration is taken over");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(found(&app, "condenser").await, ["W-2"], "the other field is searched still");
    let app = app.restart().await;
    assert_eq!(found(&app, "leaving").await, ["W-2"]);
}

/// More than are gathered at once: each is found by what it says now, and how many there are is right.
#[tokio::test]
async fn words_of_many_records() {
    let app = kept_by(None).await;
    let many = |words: &str, range: std::ops::Range<usize>| json!({"work_orders": range.map(|at| titled(&format!("W-{at:04}"), words, "")).collect::<Vec<_>>()});
    app.post(BATCH, &many("strainer", 0..730)).await.expect(202);
    app.post(BATCH, &many("bearing", 200..510)).await.expect(202);
    app.delete("/api/v1/work-orders/W-0729").await.expect(204);
    for (q, expected) in [("strainer", 730 - 310 - 1), ("bearing", 310)] {
        let page = app.get(&format!("/api/v1/work-orders?q={q}")).await.expect(200);
        assert_eq!(page["total"], expected, "{q}");
    }
}

/// As it was when triggers noted what changed: nothing that they noted is forgotten.
#[tokio::test]
async fn what_was_noted_by_triggers_is_found() {
    const AS_IT_WAS: &str = "
        DELETE FROM seaql_migrations WHERE version = 'm000024_noted_words';
        DROP TABLE records_work_orders__noted;
        CREATE TABLE records_work_orders__changed (record_key TEXT PRIMARY KEY) WITHOUT ROWID;
        CREATE TRIGGER records_work_orders_insert_words AFTER insert ON records_work_orders BEGIN
            INSERT INTO records_work_orders__changed SELECT new.work_order_id; END;
        INSERT INTO records_work_orders SELECT 'W-2', created_at, updated_at, _rest, 'Replace a sensor', equipment_id
            FROM records_work_orders;";
    let app = kept_by(None).await;
    app.post(BATCH, &json!({"work_orders": [titled("W-1", "Clean the condenser", "")]})).await.expect(202);
    assert_eq!(found(&app, "condenser").await, ["W-1"]);
    let txn = app.state.store.db.begin().await.unwrap();
    sea_orm::ConnectionTrait::execute_unprepared(&txn, AS_IT_WAS).await.unwrap();
    txn.commit().await.unwrap();
    let app = app.restart().await;
    assert_eq!(found(&app, "sensor").await, ["W-2"]);
    app.post(BATCH, &json!({"work_orders": [titled("W-2", "Paint the door", "")]})).await.expect(202);
    assert_eq!(found(&app, "sensor").await, Vec::<String>::new());
    assert_eq!(found(&app, "condenser").await, ["W-1"]);
}

#[tokio::test]
async fn a_collection_without_searched_fields_takes_no_words() {
    let text = "[[collection]]\nname = \"plain\"\nkey = \"id\"\n[collection.fields]\nid = { type = \"text\" }\n";
    let app = declared(&[("plain.toml", text)]).await;
    app.get("/api/v1/plain?q=x").await.expect_problem(422, "unknown_parameter");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn words_in_postgresql() {
    let server = Server::start(Kind::Postgres);
    words_are_found(&kept_by(Some(&server)).await).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs MariaDB and redis-server"]
async fn others_say_that_they_look_for_no_words() {
    for kind in [Kind::Mysql, Kind::Redis] {
        let server = Server::start(kind);
        let app = kept_by(Some(&server)).await;
        let problem = app.get("/api/v1/work-orders?q=x").await.expect_problem(422, "backend_cannot");
        assert!(problem["detail"].as_str().unwrap().contains(server.word()), "{problem}");
    }
}

#[tokio::test]
async fn a_list_is_written_out_whole() {
    let app = TestApp::start().await;
    for from in [0, 1000] {
        let orders: Vec<Value> =
            (from..from + 1000).map(|n| titled(&format!("W-{n:04}"), &format!("Order {}", n % 3), "")).collect();
        app.post(BATCH, &json!({"work_orders": orders})).await.expect(202);
    }
    let lines = async |query: &str| {
        let answer = app.get(&format!("/api/v1/work-orders?format=ndjson{query}")).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/x-ndjson"));
        let lines: Vec<Value> = answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        lines
    };
    let all = lines("").await;
    assert_eq!(all.len(), 2000);
    assert!(all.windows(2).all(|pair| pair[0]["work_order_id"].as_str() < pair[1]["work_order_id"].as_str()));
    let one = app.get("/api/v1/work-orders/W-0007").await.expect(200);
    assert_eq!(all[7]["title"], one["title"]);
    assert_eq!(lines("&equipment_id=CH-2").await.len(), 0);
    assert_eq!(lines("&q=%22Order%22+1&equipment_id=CH-1").await.len(), 0, "a quotation mark is a letter");
    assert_eq!(lines("&title=Order+1").await.len(), 667);
    app.get("/api/v1/work-orders?format=xml").await.expect_problem(422, "invalid_field");
    app.get("/api/v1/work-orders?format=ndjson&nmae=x").await.expect_problem(422, "unknown_parameter");
}

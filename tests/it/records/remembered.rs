//! What another server said is remembered for a moment, and no longer than it is true.

use super::servers::{Kind, Server};
use super::*;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn what_a_server_said_is_remembered_until_something_is_written() {
    let mut server = Server::start(Kind::Postgres);
    let folder = Arc::new(TempDir::new().unwrap());
    let declarations = folder.path().join("collections");
    std::fs::create_dir_all(&declarations).unwrap();
    let text = "[[collection]]\nname = \"notes\"\nkey = \"id\"\nbackend = \"postgres\"\n[collection.fields]\n\
                id = { type = \"text\" }\ntext = { type = \"text\" }\n";
    std::fs::write(declarations.join("notes.toml"), text).unwrap();
    let settings = vec![("COLLECTIONS_PATH", declarations.display().to_string()), server.setting()];
    let app = TestApp::start_in(folder, settings).await.unwrap();
    let write = async |text: &str| {
        app.post("/api/v1/notes", &json!({"id": "a", "text": text})).await.expect(202);
        app.post("/api/v1/notes/flush", &json!({})).await.expect(200);
    };
    let text = async || app.get("/api/v1/notes/a").await.expect(200)["text"].clone();
    let list = async || app.get("/api/v1/notes").await.expect(200)["items"][0]["text"].clone();
    for state in ["one", "two", "three"] {
        write(state).await;
        for _ in 0..3 {
            assert_eq!((text().await, list().await), (json!(state), json!(state)));
        }
    }
    let hits = async || app.get("/health").await.json()["checks"]["cache"]["hits_memory"].as_u64().unwrap();
    let before = hits().await;
    server.down();
    assert_eq!((text().await, list().await), (json!("three"), json!("three")), "remembered while it is away");
    assert_eq!(hits().await, before + 2);
    app.get("/api/v1/notes/b").await.expect_problem(503, "backend_down");
    tokio::time::sleep(std::time::Duration::from_secs(11)).await;
    app.get("/api/v1/notes/a").await.expect_problem(503, "backend_down");
}

/// Somebody changes the server beside this program, and an admin says so: neither memory nor Redis has the old state then.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and redis-server"]
async fn an_admin_has_forgotten_what_a_server_said() {
    let (server, redis) = (Server::start(Kind::Postgres), Server::start(Kind::Redis));
    let folder = Arc::new(TempDir::new().unwrap());
    let declarations = folder.path().join("collections");
    std::fs::create_dir_all(&declarations).unwrap();
    let of = |name: &str| {
        format!(
            "[[collection]]\nname = \"{name}\"\nkey = \"id\"\nbackend = \"postgres\"\n[collection.fields]\n\
             id = {{ type = \"text\" }}\ntext = {{ type = \"text\", index = true }}\n"
        )
    };
    std::fs::write(declarations.join("notes.toml"), of("notes") + &of("others")).unwrap();
    let settings =
        vec![("COLLECTIONS_PATH", declarations.display().to_string()), ("REDIS_URL", redis.url()), server.setting()];
    let app = TestApp::start_in(folder, settings).await.unwrap();
    let stats = async || app.state.store.cache.stats().await;
    while stats().await.redis_up != Some(true) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let seen = async |name: &str| app.get(&format!("/api/v1/{name}/a")).await.expect(200)["text"].clone();
    for name in ["notes", "others"] {
        app.post(&format!("/api/v1/{name}"), &json!({"id": "a", "text": "old"})).await.expect(202);
        app.post("/api/v1/notes/flush", &json!({})).await.expect(200);
        assert_eq!(seen(name).await, "old");
    }
    // It is written into Redis some time soon.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    server.sql("UPDATE records_notes SET text = 'new'; UPDATE records_others SET text = 'new'");
    assert_eq!((seen("notes").await, seen("others").await), (json!("old"), json!("old")), "remembered");
    let said = app.post("/api/v1/cache/invalidate", &json!({"pattern": "records/notes/*"})).await.expect(200);
    assert_eq!((&said["memory"], &said["redis"]), (&json!(1), &json!(1)), "{said}");
    assert_eq!((seen("notes").await, seen("others").await), (json!("new"), json!("old")));
    let said = app.post("/api/v1/cache/invalidate", &json!({"pattern": "answer/*"})).await.expect(200);
    assert_eq!((&said["memory"], &said["redis"]), (&json!(0), &json!(0)), "{said}");
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let said = app.post("/api/v1/cache/invalidate", &json!({"pattern": "*"})).await.expect(200);
    assert_eq!((&said["memory"], &said["redis"]), (&json!(2), &json!(2)), "{said}");
    assert_eq!(seen("others").await, "new");
}

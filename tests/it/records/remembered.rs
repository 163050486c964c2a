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

//! What was acknowledged stays, whatever failed before: a statement, a commit, the disk, a client, another writer.
//!
//! Statements are made to fail in SQLite itself, by triggers that a second connection creates: `RAISE(ROLLBACK)` ends
//! the transaction as a full disk does, behind the driver's back; `RAISE(ABORT)` undoes its statement only.

use std::path::Path;
use std::time::Duration;

use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use serde_json::{Value, json};

use crate::helpers::{Response, TestApp};

mod machine;
mod writers;

/// Twelve rows of a meter and of a point that the cleaning looks at.
fn meter() -> Vec<u8> {
    let mut text = "time,KW,CHWST\n".to_owned();
    for row in 0..12 {
        text += &format!("2024-07-01 0{}:{:02}:00,{}.5,7.{row}\n", row / 4, row % 4 * 15, 100 + row);
    }
    text.into_bytes()
}

/// Another process' connection, as it were.
async fn other(folder: &Path) -> DatabaseConnection {
    let url = format!("sqlite://{}", folder.join("data/hvac_analytics.db").display());
    let mut options = sea_orm::ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await.unwrap()
}

async fn texts(db: &DatabaseConnection, sql: &str) -> Vec<String> {
    let rows = db.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index::<String>(0).unwrap()).collect()
}

/// A session with a dataset, a cleaned version, a model and an alias, so that every kind of write has something to do.
struct Plant {
    id: String,
}

impl Plant {
    async fn new(app: &TestApp) -> Self {
        let fields = [("timezone", "UTC"), ("name", "before"), ("site", "KMUH")];
        let id = app.parsed(&[("kw.csv", &meter())], &fields).await["session_id"].as_str().unwrap().to_owned();
        Self { id }
    }

    fn path(&self) -> String {
        format!("/api/sessions/{}", self.id)
    }
}

/// A write through the user's door.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Write {
    Upload,
    Parse,
    ParseNew,
    Clean,
    Rename,
    Delete,
    Restore,
    Purge,
}

impl Write {
    const ALL: [Self; 8] = [
        Self::Upload,
        Self::Parse,
        Self::ParseNew,
        Self::Clean,
        Self::Rename,
        Self::Delete,
        Self::Restore,
        Self::Purge,
    ];

    async fn ask(self, app: &TestApp, plant: &Plant) -> Response {
        let id = plant.id.as_str();
        match self {
            Self::Upload => app.upload(&[("more.csv", &meter())], &[("name", "more")]).await,
            Self::Parse => app.post("/api/parse", &json!({"session_id": id, "force": true})).await,
            Self::ParseNew => {
                app.place("site/kw.csv", &meter());
                let request = json!({"subfolder": "site", "timezone": "UTC", "force": true, "name": "more"});
                app.post("/api/parse", &request).await
            }
            Self::Clean => {
                let request = json!({"session_id": id, "resample_interval": "1h", "force": true});
                app.post("/api/clean", &request).await
            }
            Self::Rename => app.patch(&plant.path(), &json!({"name": "after", "metadata": {"n": 1}})).await,
            Self::Delete => app.delete(&plant.path()).await,
            Self::Restore => app.post(&format!("{}/restore", plant.path()), &json!({})).await,
            Self::Purge => app.delete(&format!("{}?purge=true", plant.path())).await,
        }
    }

    /// What must be so before it makes sense.
    async fn prepare(self, app: &TestApp, plant: &Plant) {
        if self == Self::Restore {
            app.delete(&plant.path()).await.expect(204);
        }
    }
}

/// Everything that the sessions of a store say of themselves, without what changes by being asked again.
async fn everything(app: &TestApp) -> Vec<Value> {
    let mut found = Vec::new();
    for deleted in ["false", "true"] {
        let list = app.get(&format!("/api/sessions?page_size=100&deleted={deleted}")).await.expect(200);
        for item in list["items"].as_array().unwrap() {
            let path = format!("/api/sessions/{}", item["session_id"].as_str().unwrap());
            found.push(app.get(&path).await.expect(200));
        }
    }
    found
}

/// A store that took a write is one that any process can read and write, now.
async fn works(app: &TestApp, db: &DatabaseConnection, after: &str) {
    let name = format!("after {after}");
    let session = app.upload(&[("next.csv", &meter())], &[("name", &name)]).await.expect(201);
    let id = session["session_id"].as_str().unwrap();
    let seen = texts(db, &format!("SELECT name FROM upload_sessions WHERE id = '{id}'")).await;
    assert_eq!(seen, [name], "what was acknowledged is there for other processes too");
    db.execute_unprepared("BEGIN IMMEDIATE").await.expect("no write lock is held");
    db.execute_unprepared("ROLLBACK").await.unwrap();
    app.delete(&format!("/api/sessions/{id}?purge=true")).await.expect(204);
}

/// Which statements a write makes: the verb and the table of each row that it changes.
async fn statements(app: &TestApp, db: &DatabaseConnection, write: Write) -> Vec<(String, String)> {
    let plant = Plant::new(app).await;
    write.prepare(app, &plant).await;
    db.execute_unprepared("CREATE TABLE noted (what TEXT PRIMARY KEY)").await.unwrap();
    let tables = texts(
        db,
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'",
    )
    .await;
    let watched: Vec<_> = tables.iter().filter(|table| *table != "noted" && !table.starts_with("job")).collect();
    for table in &watched {
        for verb in ["INSERT", "UPDATE", "DELETE"] {
            let note = format!("INSERT OR IGNORE INTO noted VALUES ('{verb} {table}')");
            let trigger = format!("CREATE TRIGGER note_{verb}_{table} AFTER {verb} ON {table} BEGIN {note}; END");
            db.execute_unprepared(&trigger).await.unwrap();
        }
    }
    let answer = write.ask(app, &plant).await;
    assert!(answer.status < 300, "{write:?}: {}", answer.text());
    let noted = texts(db, "SELECT what FROM noted ORDER BY what").await;
    for table in watched {
        for verb in ["INSERT", "UPDATE", "DELETE"] {
            db.execute_unprepared(&format!("DROP TRIGGER note_{verb}_{table}")).await.unwrap();
        }
    }
    db.execute_unprepared("DROP TABLE noted").await.unwrap();
    noted.iter().map(|what| what.split_once(' ').unwrap()).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
}

/// Every statement of every write, failing in both ways: the write answers an error and nothing of it is there; then
/// everything works, for this process and for others.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_fails_undoes_all_of_its_write_and_nothing_else() {
    let app = TestApp::start().await;
    let db = other(app.folder.path()).await;
    let mut failed = 0;
    for write in Write::ALL {
        let statements = statements(&app, &db, write).await;
        assert!(!statements.is_empty(), "{write:?} writes nothing");
        for (verb, table) in statements {
            // That what is purged is removed too is noted behind the answer, and again until it can be.
            if (verb.as_str(), table.as_str()) == ("DELETE", "removals") {
                continue;
            }
            for way in ["ROLLBACK", "ABORT"] {
                let case = format!("{write:?} with {way} after {verb} on {table}");
                let plant = Plant::new(&app).await;
                write.prepare(&app, &plant).await;
                let before = everything(&app).await;
                let raise = format!("SELECT RAISE({way}, 'injected')");
                db.execute_unprepared(&format!("CREATE TRIGGER fault AFTER {verb} ON {table} BEGIN {raise}; END"))
                    .await
                    .unwrap();
                let mend = async {
                    // A cleaning is a job, which is tried again in a second.
                    tokio::time::sleep(Duration::from_millis(if write == Write::Clean { 400 } else { 60_000 })).await;
                    db.execute_unprepared("DROP TRIGGER fault").await.unwrap();
                };
                let answer = tokio::select! {
                    answer = write.ask(&app, &plant) => answer,
                    () = async { mend.await; std::future::pending().await } => unreachable!(),
                };
                db.execute_unprepared("DROP TRIGGER IF EXISTS fault").await.unwrap();
                if write == Write::Clean && answer.status < 300 {
                    let after = app.get(&plant.path()).await.expect(200);
                    assert_eq!(after["versions"].as_array().unwrap().len(), 2, "{case}: tried again, made once");
                } else {
                    assert!(answer.status >= 500, "{case}: {}", answer.text());
                    assert_eq!(everything(&app).await, before, "{case}: half of it was written");
                }
                failed += 1;
                works(&app, &db, &case).await;
                // Refused where not even a reservation could be given back: it lapses by itself.
                app.delete(&format!("{}?purge=true", plant.path())).await;
            }
        }
    }
    assert!(failed >= 40, "only {failed} statements failed");
    let writer = app.get("/api/health").await.expect(200)["checks"]["writer"].clone();
    assert!(writer["failures"].as_u64().unwrap() >= failed, "{writer}");
    assert!(writer["connections_discarded"].as_u64().unwrap() > 0, "no transaction ended behind the driver's back");
    db.close().await.unwrap();
    let before = everything(&app).await;
    let app = app.restart().await;
    assert_eq!(everything(&app).await, before, "something lived in an open transaction only");
    app.stop().await;
}

/// A client that goes away drops its request in the middle of a statement.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_in_a_transaction_leaves_none_open() {
    let app = TestApp::start().await;
    let db = other(app.folder.path()).await;
    let plant = Plant::new(&app).await;
    let slow = "CREATE TRIGGER slow BEFORE UPDATE ON upload_sessions BEGIN SELECT count(*) FROM (WITH RECURSIVE \
                c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 400000) SELECT x FROM c); END";
    db.execute_unprepared(slow).await.unwrap();
    for patience in [1, 5, 10, 20, 40, 80, 160, 320] {
        let url = app.url(&plant.path());
        let request = app.client.patch(url).json(&json!({"name": format!("after {patience} ms")}));
        let _ = request.timeout(Duration::from_millis(patience)).send().await;
    }
    db.execute_unprepared("DROP TRIGGER slow").await.unwrap();
    works(&app, &db, "clients that went away").await;
    app.patch(&plant.path(), &json!({"name": "after all"})).await.expect(200);
    assert_eq!(texts(&db, "SELECT name FROM upload_sessions").await, ["after all"]);
    app.stop().await;
}

/// Another process that writes for long is waited for, and then said; it leaves nothing behind.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_another_process_holds_is_busy_and_then_is_not() {
    let app = TestApp::start().await;
    let db = other(app.folder.path()).await;
    let plant = Plant::new(&app).await;
    db.execute_unprepared("BEGIN IMMEDIATE").await.unwrap();
    let renamed = app.patch(&plant.path(), &json!({"name": "too early"})).await;
    renamed.expect_problem(503, "database_busy");
    assert_eq!(renamed.header("retry-after"), "2");
    app.delete(&plant.path()).await.expect_problem(503, "database_busy");
    db.execute_unprepared("COMMIT").await.unwrap();
    works(&app, &db, "another process").await;
    assert_eq!(app.get(&plant.path()).await.expect(200)["name"], "before");
    app.stop().await;
}

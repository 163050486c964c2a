//! The schema goes up and down on a filled database, and its constraints really refuse.

use hvac_store::db::Db;
use hvac_store::entity::{ArtefactKind, VersionState, source_file, version};
use migration::{Migrator, MigratorTrait};
use sea_orm::sea_query::Value;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr, EntityTrait, IntoActiveModel, SqlErr,
    Statement,
};
use tempfile::TempDir;

use self::rows::{a_dataset, a_file, a_session, a_version, fill};

mod rows;

/// Those that one of them has taken the place of since.
const REPLACED: [&str; 2] = ["artefact_versions", "model_versions"];
/// Every table, with the step (counted from the last migration) that drops it.
const TABLES: [(&str, u32); 36] = [
    ("collections", 2),
    ("record_outbox", 2),
    ("record_rejected", 2),
    ("accounts", 3),
    ("api_keys", 3),
    ("audit_anchor", 3),
    ("audit_entries", 3),
    ("links", 3),
    ("logins", 3),
    ("shares", 3),
    ("saved_queries", 4),
    ("search_pending", 4),
    ("search_sessions", 4),
    ("search_texts", 4),
    ("session_texts", 4),
    ("energy_prices", 5),
    ("optimization_outcomes", 6),
    ("report_overrides", 7),
    ("removals", 9),
    ("versions", 10),
    ("parse_reports", 12),
    ("file_checks", 13),
    ("manifests", 13),
    ("model_aliases", 16),
    ("model_versions", 16),
    ("job_events", 18),
    ("optimization_runs", 19),
    ("trained_models", 19),
    ("cleaning_jobs", 20),
    ("jobs", 21),
    ("artefact_versions", 22),
    ("parsed_datasets", 22),
    ("site_overrides", 23),
    ("source_files", 23),
    ("upload_sessions", 23),
    ("store_identity", 24),
];

/// Searched records before the last step, which changes nothing else.
const SEARCHED: &str = "CREATE TABLE records_orders (order_id TEXT NOT NULL PRIMARY KEY, title TEXT);
    CREATE TABLE records_orders__changed (record_key TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TRIGGER records_orders_insert_words AFTER insert ON records_orders BEGIN
        INSERT INTO records_orders__changed VALUES (new.order_id); END;
    INSERT INTO records_orders VALUES ('O-1', 'Clean the condenser');";

async fn empty() -> (TempDir, DatabaseConnection) {
    let folder = tempfile::tempdir().unwrap();
    let mut options = ConnectOptions::new(format!("sqlite://{}/test.db?mode=rwc", folder.path().display()));
    options.max_connections(1).sqlx_logging(false);
    (folder, Database::connect(options).await.unwrap())
}

async fn tables(db: &DatabaseConnection) -> Vec<String> {
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
               AND name <> 'seaql_migrations' AND name NOT LIKE 'search_trigrams%' ORDER BY name";
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    rows.iter().map(|row| row.try_get("", "name").unwrap()).collect()
}

/// Every table and index as it was created.
async fn schema(db: &DatabaseConnection) -> Vec<String> {
    let sql = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'seaql_%' ORDER BY name";
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    rows.iter().map(|row| row.try_get("", "sql").unwrap()).collect()
}

async fn count(db: &impl ConnectionTrait, table: &str) -> i64 {
    let sql = format!("SELECT count(*) AS n FROM {table}");
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    row.unwrap().try_get("", "n").unwrap()
}

#[tokio::test]
async fn a_filled_database_goes_down_step_by_step_and_up_again() {
    let (_folder, db) = empty().await;
    assert!(tables(&db).await.is_empty());
    for _ in 0..2 {
        Migrator::up(&db, None).await.unwrap();
        fill(&db).await;
        for step in 0..=TABLES[TABLES.len() - 1].1 {
            if step > 0 {
                Migrator::down(&db, Some(1)).await.unwrap();
            }
            let is_there = |(name, gone): &&(&str, u32)| *gone > step && (step > 9 || !REPLACED.contains(name));
            let mut left: Vec<&str> = TABLES.iter().filter(is_there).map(|(name, _)| *name).collect();
            left.sort_unstable();
            assert_eq!(tables(&db).await, left, "after {step} steps down");
            for table in left {
                let rows = if table == "versions" { 2 } else { 1 };
                assert_eq!(count(&db, table).await, rows, "{table} after {step} steps down");
            }
        }
    }
    assert!(Migrator::get_applied_migrations(&db).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_a_parse_found_moves_out_of_its_row_and_back() {
    let (_folder, db) = empty().await;
    Migrator::up(&db, None).await.unwrap();
    fill(&db).await;
    let report = |sql: &'static str| {
        let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql));
        async { row.await.unwrap().unwrap().try_get::<String>("", "report").unwrap() }
    };
    let before = report("SELECT report FROM parse_reports WHERE dataset_id = 'd1'").await;
    Migrator::down(&db, Some(12)).await.unwrap();
    assert_eq!(report("SELECT report FROM parsed_datasets WHERE id = 'd1'").await, before);
    Migrator::up(&db, None).await.unwrap();
    assert_eq!(report("SELECT report FROM parse_reports WHERE dataset_id = 'd1'").await, before);
    assert!(before.contains("TIME (-1)"), "{before}");
}

/// Rows stay as they are; back, only the kind that is not known there goes.
#[tokio::test]
async fn the_kind_of_interval_totals_comes_and_goes_without_a_row() {
    let (_folder, db) = empty().await;
    Migrator::up(&db, Some(16)).await.unwrap();
    let run = |sql: &'static str| db.execute_unprepared(sql);
    run("INSERT INTO site_overrides VALUES ('KMUH', 'ZWP-1.F', NULL, 'Hz', 'instantaneous'), ('KMUH', 'X', 'Y', NULL, NULL)")
        .await
        .unwrap();
    let total = "INSERT INTO site_overrides VALUES ('KMUH', 'GAS', 'GAS_M3', 'm³', 'interval_total')";
    assert!(run(total).await.unwrap_err().to_string().contains("CHECK"));
    Migrator::up(&db, Some(1)).await.unwrap();
    run(total).await.unwrap();
    assert!(run("INSERT INTO site_overrides VALUES ('KMUH', 'W', NULL, NULL, 'meter')").await.is_err());
    assert!(run(total).await.is_err(), "its key is there too");
    let rows = || async {
        let sql = "SELECT group_concat(site || original_name || ifnull(name, '-') || ifnull(unit, '-') || ifnull(kind, '-'), ' ') \
                   AS rows FROM (SELECT * FROM site_overrides ORDER BY original_name)";
        let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await;
        row.unwrap().unwrap().try_get::<String>("", "rows").unwrap()
    };
    assert_eq!(rows().await, "KMUHGASGAS_M3m³interval_total KMUHXY-- KMUHZWP-1.F-Hzinstantaneous");
    Migrator::down(&db, Some(1)).await.unwrap();
    assert_eq!(rows().await, "KMUHGASGAS_M3m³- KMUHXY-- KMUHZWP-1.F-Hzinstantaneous");
}

#[tokio::test]
async fn each_single_step_goes_back_and_forth() {
    let (_folder, db) = empty().await;
    let steps = Migrator::migrations().len();
    for step in 1..=steps {
        if step == steps {
            db.execute_unprepared(SEARCHED).await.unwrap();
        }
        Migrator::up(&db, Some(1)).await.unwrap();
        let before = schema(&db).await;
        Migrator::down(&db, Some(1)).await.unwrap();
        assert_ne!(schema(&db).await, before);
        Migrator::up(&db, Some(1)).await.unwrap();
        assert_eq!(schema(&db).await, before);
    }
    fill(&db).await;
}

#[tokio::test]
async fn a_new_database_has_at_once_what_the_migrations_make() {
    let (_folder, step_by_step) = empty().await;
    Migrator::up(&step_by_step, None).await.unwrap();
    let sql = "SELECT group_concat(sql || ';' || char(10), '' ORDER BY rowid) AS sql FROM sqlite_master \
               WHERE sql IS NOT NULL AND name NOT LIKE 'seaql_%' AND name <> 'sqlite_sequence' AND name NOT LIKE 'search_trigrams_%'";
    let made = step_by_step.query_one_raw(Statement::from_string(step_by_step.get_database_backend(), sql)).await;
    let made: String = made.unwrap().unwrap().try_get("", "sql").unwrap();
    assert!(migration::SCHEMA == made, "migration/src/schema.sql has to be:\n{made}");

    let (_folder, at_once) = empty().await;
    Migrator::create(&at_once).await.unwrap();
    assert_eq!(schema(&at_once).await, schema(&step_by_step).await);
    assert!(Migrator::get_pending_migrations(&at_once).await.unwrap().is_empty());
    fill(&at_once).await;
    Migrator::down(&at_once, None).await.unwrap();
    assert!(tables(&at_once).await.is_empty());
}

async fn filled() -> (TempDir, Db) {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&format!("sqlite://{}/a/b/test.db", folder.path().display())).await.unwrap();
    let txn = db.begin().await.unwrap();
    txn.commit().await.unwrap();
    (folder, db)
}

/// Whether SQLite refuses, and why.
async fn refused(db: &Db, sql: &str) -> String {
    let txn = db.begin().await.unwrap();
    match txn.execute_unprepared(sql).await {
        Ok(_) => {
            txn.commit().await.unwrap();
            "nothing".to_owned()
        }
        Err(error) => match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => "unique".to_owned(),
            Some(SqlErr::ForeignKeyConstraintViolation(_)) => "foreign key".to_owned(),
            _ => error.to_string(),
        },
    }
}

async fn insert<A: sea_orm::ActiveModelTrait>(db: &Db, model: impl IntoActiveModel<A>) -> Result<(), DbErr> {
    let txn = db.begin().await.unwrap();
    A::Entity::insert(model.into_active_model()).exec_without_returning(&txn).await?;
    txn.commit().await.map_err(|error| DbErr::Custom(error.to_string()))
}

fn is_unique(result: Result<(), DbErr>) -> bool {
    matches!(result.unwrap_err().sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

#[tokio::test]
async fn version_numbers_are_unique_and_one_at_a_time_is_reserved() {
    let (_folder, db) = filled().await;
    insert(&db, a_session("s1")).await.unwrap();
    insert(&db, a_version("v1", 1, VersionState::Reserved)).await.unwrap();
    assert!(is_unique(insert(&db, a_version("v2", 2, VersionState::Reserved)).await));
    assert!(is_unique(insert(&db, a_version("v3", 1, VersionState::Abandoned)).await));
    for (id, version) in [("v4", 1), ("v6", 2)] {
        let cleaned = a_version(id, version, VersionState::Reserved);
        insert(&db, version::Model { kind: ArtefactKind::Cleaned, ..cleaned }).await.unwrap();
    }
    assert_eq!(refused(&db, "UPDATE versions SET state = 'abandoned' WHERE id = 'v1'").await, "nothing");
    insert(&db, a_version("v5", 2, VersionState::Reserved)).await.unwrap();
    let of_model = |id: &str, session_id: Option<&str>| version::Model {
        kind: ArtefactKind::Model,
        session_id: session_id.map(str::to_owned),
        model_name: Some("plant".to_owned()),
        ..a_version(id, 1, VersionState::Reserved)
    };
    insert(&db, of_model("v7", None)).await.unwrap();
    assert!(is_unique(insert(&db, of_model("v8", None)).await));
    assert!(insert(&db, of_model("v9", Some("s1"))).await.is_err(), "a model's number outlives every session");
}

#[tokio::test]
async fn the_same_bytes_count_once_in_a_session() {
    let (_folder, db) = filled().await;
    insert(&db, a_session("s1")).await.unwrap();
    insert(&db, a_session("s2")).await.unwrap();
    insert(&db, a_file("f1", "s1")).await.unwrap();
    insert(&db, a_file("f2", "s2")).await.unwrap();
    assert!(is_unique(insert(&db, a_file("f3", "s1")).await));
    for (id, member) in [("f4", "x.csv"), ("f5", "y.csv")] {
        let file = source_file::Model { archive_member: Some(member.to_owned()), ..a_file(id, "s1") };
        insert(&db, file).await.unwrap();
    }
}

#[tokio::test]
async fn rows_refer_to_rows_that_exist_and_go_with_their_session() {
    let (_folder, db) = filled().await;
    let orphan = insert(&db, a_file("f1", "nobody")).await.unwrap_err();
    assert!(matches!(orphan.sql_err(), Some(SqlErr::ForeignKeyConstraintViolation(_))));
    let orphan = insert(&db, a_dataset("d1", "nobody", 1)).await.unwrap_err();
    assert!(matches!(orphan.sql_err(), Some(SqlErr::ForeignKeyConstraintViolation(_))));
    insert(&db, a_session("s1")).await.unwrap();
    insert(&db, a_file("f1", "s1")).await.unwrap();
    insert(&db, a_version("v1", 1, VersionState::Published)).await.unwrap();
    insert(&db, a_dataset("d1", "s1", 1)).await.unwrap();
    assert!(is_unique(insert(&db, a_dataset("d2", "s1", 1)).await));
    assert_eq!(refused(&db, "DELETE FROM upload_sessions WHERE id = 's1'").await, "nothing");
    for table in ["source_files", "versions", "parsed_datasets"] {
        assert_eq!(count(db.read(), table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn data_that_a_model_was_made_from_stays() {
    let (_folder, db) = filled().await;
    insert(&db, a_session("s1")).await.unwrap();
    insert(&db, a_dataset("d1", "s1", 1)).await.unwrap();
    let model = "INSERT INTO trained_models (id, name, version, dataset_id, algorithm, status, created_at) \
                 VALUES ('m1', 'plant', 1, 'd1', 'gbdt', 'queued', '2026-01-01T00:00:00+00:00')";
    assert_eq!(refused(&db, model).await, "nothing");
    assert_eq!(refused(&db, "DELETE FROM upload_sessions WHERE id = 's1'").await, "foreign key");
    assert_eq!(refused(&db, "DELETE FROM trained_models").await, "nothing");
    assert_eq!(refused(&db, "DELETE FROM upload_sessions WHERE id = 's1'").await, "nothing");
}

#[tokio::test]
async fn words_outside_their_list_are_refused() {
    let (_folder, db) = filled().await;
    insert(&db, a_session("s1")).await.unwrap();
    insert(&db, a_file("f1", "s1")).await.unwrap();
    for sql in [
        "UPDATE upload_sessions SET status = 'done'",
        "UPDATE source_files SET integrity = 'fine'",
        "INSERT INTO store_identity VALUES (2, 'x', 1, '2026-01-01T00:00:00+00:00')",
        "INSERT INTO site_overrides VALUES ('a', 'b', NULL, NULL, 'sometimes')",
    ] {
        assert!(refused(&db, sql).await.contains("CHECK constraint failed"), "{sql}");
    }
}

#[tokio::test]
async fn readers_cannot_write_and_commits_are_durable() {
    let (_folder, db) = filled().await;
    let error = db.read().execute_unprepared("DELETE FROM upload_sessions").await.unwrap_err();
    assert!(error.to_string().contains("readonly"), "{error}");
    let txn = db.begin().await.unwrap();
    for (pragma, value) in [
        ("journal_mode", "wal".into()),
        ("synchronous", Value::from(2)),
        ("foreign_keys", 1.into()),
        ("busy_timeout", 5000.into()),
    ] {
        let row =
            txn.query_one_raw(Statement::from_string(txn.get_database_backend(), format!("PRAGMA {pragma}"))).await;
        let row = row.unwrap().unwrap();
        match value {
            Value::Int(Some(expected)) => assert_eq!(row.try_get_by_index::<i32>(0).unwrap(), expected, "{pragma}"),
            _ => assert_eq!(row.try_get_by_index::<String>(0).unwrap(), "wal", "{pragma}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_start_at_once_do_not_collide() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/new/test.db", folder.path().display());
    let opening = (0..8).map(|_| {
        let url = url.clone();
        tokio::spawn(async move { Db::open(&url).await })
    });
    for opened in opening.collect::<Vec<_>>() {
        let db = opened.await.unwrap().unwrap();
        assert_eq!(db.migrations_pending().await.unwrap(), 0);
        db.ping().await.unwrap();
        db.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_database_of_a_newer_program_and_what_is_no_database_are_refused() {
    let (folder, db) = filled().await;
    let txn = db.begin().await.unwrap();
    txn.execute_unprepared("INSERT INTO seaql_migrations VALUES ('m999999_future', 0)").await.unwrap();
    txn.commit().await.unwrap();
    db.close().await.unwrap();
    let url = format!("sqlite://{}/a/b/test.db", folder.path().display());
    assert_eq!(Db::open(&url).await.unwrap_err().code.name, "newer_database");
    for url in ["postgres://localhost/x", "sqlite::memory:", "sqlite://", "no url"] {
        assert_eq!(Db::open(url).await.unwrap_err().code.name, "bad_setting", "{url}");
    }
    std::fs::write(folder.path().join("noise.db"), [7; 4096]).unwrap();
    let noise = Db::open(&format!("sqlite://{}/noise.db", folder.path().display())).await.unwrap_err();
    assert!(!noise.message.contains("noise.db"), "{noise}");
}

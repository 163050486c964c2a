//! Tags and notes of sessions, saved queries, and the texts that sessions are found by.
//!
//! A text that many sessions have – a point's name, a site – is one row of `search_texts`, with an index of its trigrams
//! beside it. Which sessions' texts have to be gathered again is noted by triggers: no writer can forget it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::text;

use crate::columns::{document, string, string_null, text_null, time};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Tables, indexes and triggers that sea-query has no words for, in the order of their making.
const MADE: &[&str] = &[
    "CREATE TABLE \"search_texts\" ( \"id\" integer NOT NULL PRIMARY KEY, \"text\" text NOT NULL )",
    "CREATE UNIQUE INDEX \"ux_search_texts_text\" ON \"search_texts\" (\"text\")",
    "CREATE INDEX \"ix_search_texts_text_nocase\" ON \"search_texts\" (\"text\" COLLATE NOCASE)",
    "CREATE VIRTUAL TABLE \"search_trigrams\" USING fts5 (text, content = 'search_texts', content_rowid = 'id', tokenize = 'trigram')",
    "CREATE TRIGGER \"tr_search_texts_insert\" AFTER INSERT ON \"search_texts\" BEGIN INSERT INTO \"search_trigrams\" (rowid, text) VALUES (NEW.\"id\", NEW.\"text\"); END",
    "CREATE TRIGGER \"tr_search_texts_delete\" AFTER DELETE ON \"search_texts\" BEGIN INSERT INTO \"search_trigrams\" (\"search_trigrams\", rowid, text) VALUES ('delete', OLD.\"id\", OLD.\"text\"); END",
    "CREATE TABLE \"search_sessions\" ( \"id\" integer NOT NULL PRIMARY KEY, \"session_id\" varchar NOT NULL UNIQUE REFERENCES \"upload_sessions\" (\"id\") ON DELETE CASCADE )",
    "CREATE TABLE \"session_texts\" ( \"text_id\" integer NOT NULL REFERENCES \"search_texts\" (\"id\"), \"kind\" integer NOT NULL, \"session\" integer NOT NULL REFERENCES \"search_sessions\" (\"id\") ON DELETE CASCADE, PRIMARY KEY (\"text_id\", \"kind\", \"session\") ) WITHOUT ROWID",
    "CREATE INDEX \"ix_session_texts_session\" ON \"session_texts\" (\"session\")",
    "CREATE TRIGGER \"tr_session_texts_delete\" AFTER DELETE ON \"session_texts\" WHEN NOT EXISTS (SELECT 1 FROM \"session_texts\" WHERE \"text_id\" = OLD.\"text_id\") BEGIN DELETE FROM \"search_texts\" WHERE \"id\" = OLD.\"text_id\"; END",
    "CREATE TABLE \"search_pending\" ( \"session_id\" varchar NOT NULL PRIMARY KEY REFERENCES \"upload_sessions\" (\"id\") ON DELETE CASCADE ) WITHOUT ROWID",
];

/// What gives a session other texts.
const CHANGES: &[(&str, &str, &str)] = &[
    ("upload_sessions", "INSERT", "NEW.\"id\""),
    (
        "upload_sessions",
        "UPDATE OF \"name\", \"site\", \"tags\", \"notes\", \"files_count\", \"total_rows\", \"updated_at\"",
        "NEW.\"id\"",
    ),
    ("parsed_datasets", "INSERT", "NEW.\"session_id\""),
];

fn trigger(number: usize) -> String {
    format!("tr_search_pending_{number}")
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for mut column in [document("tags").default("[]").take(), text("notes").default("").take()] {
            manager.alter_table(Table::alter().table("upload_sessions").add_column(&mut column).take()).await?;
        }
        let queries = Table::create()
            .table("saved_queries")
            .col(string("name").primary_key())
            .col(text("sql"))
            .col(text_null("description"))
            .col(string_null("session_id"))
            .col(time("created_at"))
            .col(time("updated_at"))
            .take();
        manager.create_table(queries).await?;
        let db = manager.get_connection();
        for sql in MADE {
            db.execute_unprepared(sql).await?;
        }
        for (number, (table, event, session)) in CHANGES.iter().enumerate() {
            let trigger = trigger(number);
            let sql = format!(
                "CREATE TRIGGER \"{trigger}\" AFTER {event} ON \"{table}\" BEGIN INSERT INTO \"search_pending\" SELECT \
                 {session} WHERE {session} NOT IN (SELECT \"session_id\" FROM \"search_pending\"); END"
            );
            db.execute_unprepared(&sql).await?;
        }
        db.execute_unprepared("INSERT INTO \"search_pending\" SELECT \"id\" FROM \"upload_sessions\"").await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for number in 0..CHANGES.len() {
            db.execute_unprepared(&format!("DROP TRIGGER \"{}\"", trigger(number))).await?;
        }
        for trigger in ["tr_session_texts_delete", "tr_search_texts_delete", "tr_search_texts_insert"] {
            db.execute_unprepared(&format!("DROP TRIGGER \"{trigger}\"")).await?;
        }
        for table in
            ["search_pending", "session_texts", "search_sessions", "search_trigrams", "search_texts", "saved_queries"]
        {
            db.execute_unprepared(&format!("DROP TABLE \"{table}\"")).await?;
        }
        for column in ["notes", "tags"] {
            manager.alter_table(Table::alter().table("upload_sessions").drop_column(column).take()).await?;
        }
        Ok(())
    }
}

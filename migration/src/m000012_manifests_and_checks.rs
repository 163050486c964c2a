//! How far `session.json` is behind the catalogue, sessions that nobody acknowledged, and when each file was last hashed.
//!
//! A session's revision is raised by triggers, in the transaction of the change itself: no writer can forget it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::boolean;

use crate::columns::{big_integer, string, time};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Table, event, condition, and the session that is told of in `session.json` otherwise than before. A new dataset or
/// raw file comes with a change of its session's row.
const CHANGES: &[(&str, &str, &str, &str)] = &[
    ("upload_sessions", "INSERT", "", "NEW.\"id\""),
    ("upload_sessions", "UPDATE", "", "NEW.\"id\""),
    ("source_files", "UPDATE OF \"integrity\"", "", "NEW.\"session_id\""),
    ("parsed_datasets", "UPDATE OF \"integrity\"", "", "NEW.\"session_id\""),
    (
        "cleaning_jobs",
        "UPDATE OF \"status\", \"integrity\", \"events_integrity\"",
        "WHEN NEW.\"status\" = 'completed' ",
        "NEW.\"session_id\"",
    ),
    ("artefact_versions", "INSERT", "", "NEW.\"session_id\""),
    ("artefact_versions", "UPDATE OF \"state\"", "", "NEW.\"session_id\""),
    (
        "trained_models",
        "UPDATE OF \"status\", \"integrity\"",
        "WHEN NEW.\"status\" = 'completed' ",
        "NEW.\"session_id\"",
    ),
    ("trained_models", "DELETE", "WHEN OLD.\"status\" = 'completed' ", "OLD.\"session_id\""),
    ("model_aliases", "INSERT", "", "(SELECT \"session_id\" FROM \"trained_models\" WHERE \"id\" = NEW.\"model_id\")"),
    ("model_aliases", "UPDATE", "", "(SELECT \"session_id\" FROM \"trained_models\" WHERE \"id\" = NEW.\"model_id\")"),
    (
        "model_aliases",
        "UPDATE OF \"model_id\"",
        "",
        "(SELECT \"session_id\" FROM \"trained_models\" WHERE \"id\" = OLD.\"model_id\")",
    ),
    ("model_aliases", "DELETE", "", "(SELECT \"session_id\" FROM \"trained_models\" WHERE \"id\" = OLD.\"model_id\")"),
];

/// A revision is the time of the change, ms since 1970, or the next number: so a database of yesterday that is put back
/// never gives one that it gave before.
const NOW_MS: &str = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)";

fn trigger(number: usize) -> String {
    format!("tr_manifests_{number}")
}

/// What raises the revision of a session. No upsert: its way with conflicts would be that of every trigger below it.
pub(crate) fn raise(session: &str) -> String {
    format!(
        "UPDATE \"manifests\" SET \"revision\" = max(\"revision\" + 1, {NOW_MS}) WHERE \"session_id\" = {session}; \
         INSERT INTO \"manifests\" (\"session_id\", \"revision\", \"written\") SELECT \"id\", {NOW_MS}, 0 FROM \
         \"upload_sessions\" WHERE \"id\" = {session} AND \"id\" NOT IN (SELECT \"session_id\" FROM \"manifests\")"
    )
}

/// A trigger for each of the changes; `does` with their session what has to be done.
pub(crate) async fn create_triggers(manager: &SchemaManager<'_>, does: fn(&str) -> String) -> Result<(), DbErr> {
    for (number, (table, event, when, session)) in CHANGES.iter().enumerate() {
        let (trigger, does) = (trigger(number), does(session));
        let sql = format!("CREATE TRIGGER \"{trigger}\" AFTER {event} ON \"{table}\" {when}BEGIN {does}; END");
        manager.get_connection().execute_unprepared(&sql).await?;
    }
    Ok(())
}

pub(crate) async fn drop_triggers(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    for number in 0..CHANGES.len() {
        manager.get_connection().execute_unprepared(&format!("DROP TRIGGER \"{}\"", trigger(number))).await?;
    }
    Ok(())
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut unconfirmed = boolean("unconfirmed").default(false).take();
        manager.alter_table(Table::alter().table("upload_sessions").add_column(&mut unconfirmed).take()).await?;
        manager.create_table(manifests()).await?;
        manager.create_table(file_checks()).await?;
        create_triggers(manager, raise).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_triggers(manager).await?;
        for table in ["file_checks", "manifests"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        manager.alter_table(Table::alter().table("upload_sessions").drop_column("unconfirmed").take()).await
    }
}

/// `written` is a revision that is known to be in the file: behind `revision`, somebody has to look.
fn manifests() -> TableCreateStatement {
    Table::create()
        .table("manifests")
        .col(string("session_id").primary_key().take())
        .col(big_integer("revision"))
        .col(big_integer("written"))
        .foreign_key(
            ForeignKey::create()
                .name("fk_manifests_session")
                .from("manifests", "session_id")
                .to("upload_sessions", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

/// A file is not always told by one row, so it is told by its place.
fn file_checks() -> TableCreateStatement {
    Table::create()
        .table("file_checks")
        .col(string("root"))
        .col(string("path"))
        .col(time("checked_at"))
        .primary_key(Index::create().col("root").col("path"))
        .take()
}

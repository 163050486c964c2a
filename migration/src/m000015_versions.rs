//! One table of version numbers: those of a session's datasets, and those of a model's name.

use sea_orm_migration::prelude::*;

use crate::columns::{id, index, integer, of_session, string_null, time, time_null, word};
use crate::m000003_datasets::artefact_versions;
use crate::m000009_model_files::model_versions;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const STATES: &[&str] = &["reserved", "published", "abandoned"];
const COMMON: &str = "\"id\", \"version\", \"state\", \"owner\", \"lease_until\", \"created_at\"";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        manager.create_table(versions()).await?;
        for (kind, whose, table) in
            [("\"kind\"", "session_id", "artefact_versions"), ("'model'", "model_name", "model_versions")]
        {
            let own = if whose == "model_name" { "name" } else { whose };
            db.execute_unprepared(&format!(
                "INSERT INTO \"versions\" ({COMMON}, \"kind\", \"{whose}\") SELECT {COMMON}, {kind}, \"{own}\" FROM \"{table}\""
            ))
            .await?;
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        manager.create_index(index("versions", &["session_id", "kind", "version"]).unique().take()).await?;
        manager.create_index(index("versions", &["model_name", "version"]).unique().take()).await?;
        manager.create_index(index("versions", &["owner"])).await?;
        manager.create_index(one_parse_at_a_time("versions")).await?;
        db.execute_unprepared(&trigger("versions", "INSERT", 1, "WHEN NEW.\"session_id\" IS NOT NULL ")).await?;
        let changed = trigger("versions", "UPDATE OF \"state\"", 2, "WHEN NEW.\"session_id\" IS NOT NULL ");
        db.execute_unprepared(&changed).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        manager.create_table(artefact_versions()).await?;
        manager.create_table(model_versions()).await?;
        for (columns, from, table, kinds) in [
            ("\"kind\", \"session_id\"", "\"kind\", \"session_id\"", "artefact_versions", "<>"),
            ("\"name\"", "\"model_name\"", "model_versions", "="),
        ] {
            db.execute_unprepared(&format!(
                "INSERT INTO \"{table}\" ({COMMON}, {columns}) SELECT {COMMON}, {from} FROM \"versions\" WHERE \"kind\" {kinds} 'model'"
            ))
            .await?;
        }
        manager.drop_table(Table::drop().table("versions").take()).await?;
        manager.create_index(index("artefact_versions", &["session_id", "kind", "version"]).unique().take()).await?;
        manager.create_index(one_parse_at_a_time("artefact_versions")).await?;
        manager.create_index(index("model_versions", &["name", "version"]).unique().take()).await?;
        db.execute_unprepared(&trigger("artefact_versions", "INSERT", 5, "")).await?;
        db.execute_unprepared(&trigger("artefact_versions", "UPDATE OF \"state\"", 6, "")).await?;
        Ok(())
    }
}

/// As those that a change of any other row has.
fn trigger(table: &str, event: &str, number: u32, when: &str) -> String {
    let name = if table == "versions" { format!("tr_versions_{number}") } else { format!("tr_manifests_{number}") };
    format!(
        "CREATE TRIGGER \"{name}\" AFTER {event} ON \"{table}\" {when}BEGIN INSERT INTO \"manifest_changes\" \
         VALUES (NEW.\"session_id\"); END"
    )
}

fn one_parse_at_a_time(table: &'static str) -> IndexCreateStatement {
    index(table, &["session_id", "kind"])
        .name(format!("ux_{table}_reserved"))
        .unique()
        .and_where(Expr::col("state").eq("reserved").and(Expr::col("kind").eq("parsed")))
        .take()
}

/// Rows of a session stay as long as it, those of a model's name for ever: a number is never used twice.
fn versions() -> TableCreateStatement {
    Table::create()
        .table("versions")
        .col(id())
        .col(word("kind", &["parsed", "cleaned", "model"]))
        .col(string_null("session_id"))
        .col(string_null("model_name"))
        .col(integer("version"))
        .col(word("state", STATES))
        .col(string_null("owner"))
        .col(time_null("lease_until"))
        .col(time("created_at"))
        .check(Expr::cust("(\"kind\" = 'model') = (\"model_name\" IS NOT NULL)"))
        .check(Expr::cust("(\"kind\" = 'model') = (\"session_id\" IS NULL)"))
        .foreign_key(&mut of_session("versions"))
        .take()
}

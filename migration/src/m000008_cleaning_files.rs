//! What a cleaned version holds, its file of quality events, and the key that tells the same request again.
//!
//! Cleanings of one session may be under way side by side, each with its own number; parses still may not.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::integer_null;

use crate::columns::{big_integer_null, index, string, string_null, time_null, word};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const RESERVED: &str = "ux_artefact_versions_reserved";

/// SQLite adds and drops one column a statement.
fn added() -> [(&'static str, ColumnDef); 9] {
    [
        ("request_key", string("request_key").default("").take()),
        ("cleaner_version", string_null("cleaner_version")),
        ("column_count", integer_null("column_count")),
        ("start_at", time_null("start_at")),
        ("end_at", time_null("end_at")),
        ("events_count", big_integer_null("events_count")),
        ("events_sha256", string_null("events_sha256")),
        ("events_size_bytes", big_integer_null("events_size_bytes")),
        ("events_integrity", events_integrity()),
    ]
}

fn events_integrity() -> ColumnDef {
    word("events_integrity", &["ok", "missing", "damaged"]).default("ok").take()
}

fn one_at_a_time(condition: SimpleExpr) -> IndexCreateStatement {
    index("artefact_versions", &["session_id", "kind"]).name(RESERVED).unique().and_where(condition).take()
}

fn without_limit() -> IndexDropStatement {
    Index::drop().name(RESERVED).table("artefact_versions").to_owned()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (_, mut column) in added() {
            manager.alter_table(Table::alter().table("cleaning_jobs").add_column(&mut column).take()).await?;
        }
        manager.drop_index(without_limit()).await?;
        let parse = Expr::col("state").eq("reserved").and(Expr::col("kind").eq("parsed"));
        manager.create_index(one_at_a_time(parse)).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(without_limit()).await?;
        let given_up = Query::update()
            .table("artefact_versions")
            .value("state", "abandoned")
            .and_where(Expr::col("state").eq("reserved"))
            .and_where(Expr::col("kind").eq("cleaned"))
            .to_owned();
        manager.execute(given_up).await?;
        manager.create_index(one_at_a_time(Expr::col("state").eq("reserved"))).await?;
        for (name, _) in added().into_iter().rev() {
            manager.alter_table(Table::alter().table("cleaning_jobs").drop_column(name).take()).await?;
        }
        Ok(())
    }
}

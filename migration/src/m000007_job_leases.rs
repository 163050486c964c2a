//! Who holds a job, when it may be tried again, why it failed, and what became of it step by step.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_pk_auto, boolean, double, json_binary_null};

use crate::columns::{index, string, string_null, text_null, time, time_null, word};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// SQLite adds and drops one column a statement.
fn added() -> [ColumnDef; 4] {
    [
        string_null("owner"),
        time_null("run_after"),
        boolean("cancel_requested").default(false).take(),
        json_binary_null("failure"),
    ]
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for mut column in added() {
            manager.alter_table(Table::alter().table("jobs").add_column(&mut column).take()).await?;
        }
        manager.create_table(job_events()).await?;
        manager.create_index(index("job_events", &["job_id", "id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("job_events").take()).await?;
        for name in ["failure", "cancel_requested", "run_after", "owner"] {
            manager.alter_table(Table::alter().table("jobs").drop_column(name).take()).await?;
        }
        Ok(())
    }
}

/// Ids grow and are never used twice, so that a reader can ask for what came after the last it saw.
fn job_events() -> TableCreateStatement {
    Table::create()
        .table("job_events")
        .col(big_pk_auto("id"))
        .col(string("job_id"))
        .col(time("at"))
        .col(word("event", &["status", "progress"]))
        .col(word("status", &["queued", "running", "completed", "failed", "cancelled"]))
        .col(double("progress"))
        .col(text_null("message"))
        .foreign_key(
            ForeignKey::create()
                .name("fk_job_events_job")
                .from("job_events", "job_id")
                .to("jobs", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

//! What became of a recommendation: each statement is a row of its own, so that one that is corrected is not lost.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::boolean;

use crate::columns::{integer, string, string_null, text_null, time, time_null};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let outcomes = Table::create()
            .table("optimization_outcomes")
            .col(string("run_id"))
            // From 1; the highest holds.
            .col(integer("revision"))
            .col(boolean("applied"))
            .col(time_null("applied_at"))
            .col(time_null("applied_until"))
            .col(string_null("session_id"))
            .col(text_null("note"))
            .col(time("created_at"))
            .primary_key(Index::create().col("run_id").col("revision"))
            .foreign_key(
                ForeignKey::create()
                    .name("fk_optimization_outcomes_run")
                    .from("optimization_outcomes", "run_id")
                    .to("optimization_runs", "id")
                    .on_delete(ForeignKeyAction::Cascade),
            )
            .take();
        manager.create_table(outcomes).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("optimization_outcomes").take()).await
    }
}

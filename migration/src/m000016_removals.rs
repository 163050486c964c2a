//! What a purge has taken out of the catalogue and has still to take off the disk.

use sea_orm_migration::prelude::*;

use crate::columns::{string, time, word};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let removals = Table::create()
            .table("removals")
            .col(word("root", &["sessions", "models"]))
            .col(string("path"))
            .col(time("created_at"))
            .primary_key(Index::create().col("root").col("path"))
            .take();
        manager.create_table(removals).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("removals").take()).await
    }
}

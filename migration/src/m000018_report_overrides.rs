//! How reports of a shape are read that a site has had before, as users stated it.

use sea_orm_migration::prelude::*;

use crate::columns::{document, string, time};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let overrides = Table::create()
            .table("report_overrides")
            .col(string("site"))
            .col(string("shape"))
            .col(string("file_name"))
            .col(document("options"))
            .col(time("updated_at"))
            .primary_key(Index::create().col("site").col("shape"))
            .take();
        manager.create_table(overrides).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("report_overrides").take()).await
    }
}

//! Which storage folder this database belongs to.

use sea_orm_migration::prelude::*;

use crate::columns::{integer, string, time};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("store_identity")
                    // One row: its key can only be 1.
                    .col(integer("id").primary_key().check(Expr::col("id").eq(1)))
                    .col(string("store_id"))
                    .col(integer("format_version"))
                    .col(time("created_at"))
                    .take(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("store_identity").take()).await
    }
}

//! Durable work.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::double;

use crate::columns::{document, id, index, integer, string, text_null, time, time_null, word};

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
                    .table("jobs")
                    .col(id())
                    .col(string("kind"))
                    .col(document("payload").default("{}"))
                    .col(word("status", &["queued", "running", "completed", "failed", "cancelled"]))
                    .col(integer("attempts").default(0))
                    .col(double("progress").default(0.0))
                    .col(text_null("message"))
                    .col(time_null("lease_until"))
                    .col(time("created_at"))
                    .col(time_null("started_at"))
                    .col(time_null("finished_at"))
                    .col(text_null("error"))
                    .take(),
            )
            .await?;
        manager.create_index(index("jobs", &["status", "created_at"])).await?;
        manager.create_index(index("jobs", &["created_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("jobs").take()).await
    }
}

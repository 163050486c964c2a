//! Cleaned versions of a session's data.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::double_null;

use crate::columns::{
    big_integer_null, document, id, index, integer, integrity, of_session, string, string_null, text_null, time,
    time_null, word,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(cleaning_jobs()).await?;
        manager.create_index(index("cleaning_jobs", &["session_id", "version"]).unique().take()).await?;
        manager.create_index(index("cleaning_jobs", &["dataset_id"])).await?;
        manager.create_index(index("cleaning_jobs", &["status"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("cleaning_jobs").take()).await
    }
}

/// `id` is its job's id, without a foreign key: finished jobs may be tidied away, their results not.
fn cleaning_jobs() -> TableCreateStatement {
    Table::create()
        .table("cleaning_jobs")
        .col(id())
        .col(string("session_id"))
        .col(string("dataset_id"))
        .col(integer("version"))
        .col(document("parameters").default("{}"))
        .col(big_integer_null("original_rows"))
        .col(big_integer_null("cleaned_rows"))
        .col(double_null("retention_rate"))
        .col(string_null("output_path"))
        .col(string_null("sha256"))
        .col(big_integer_null("size_bytes"))
        .col(document("report").default("{}"))
        .col(word("status", &["queued", "running", "completed", "failed", "cancelled"]))
        .col(text_null("error"))
        .col(integrity())
        .col(time("created_at"))
        .col(time_null("started_at"))
        .col(time_null("finished_at"))
        .foreign_key(&mut of_session("cleaning_jobs"))
        .foreign_key(
            ForeignKey::create()
                .name("fk_cleaning_jobs_dataset")
                .from("cleaning_jobs", "dataset_id")
                .to("parsed_datasets", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

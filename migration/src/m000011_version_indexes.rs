//! Which file a version is, without its documents: they are megabytes, and `integrity` lies behind them.

use sea_orm_migration::prelude::*;

use crate::columns::index;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const PARSED: &str = "ix_parsed_datasets_file";
const CLEANED: &str = "ix_cleaning_jobs_file";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let parsed = ["session_id", "version", "file_path", "sha256", "size_bytes", "integrity", "id"];
        let cleaned =
            ["session_id", "version", "status", "dataset_id", "output_path", "sha256", "size_bytes", "integrity", "id"];
        manager.create_index(index("parsed_datasets", &parsed).name(PARSED).take()).await?;
        manager.create_index(index("cleaning_jobs", &cleaned).name(CLEANED).take()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name(CLEANED).table("cleaning_jobs").to_owned()).await?;
        manager.drop_index(Index::drop().name(PARSED).table("parsed_datasets").to_owned()).await
    }
}

//! Version numbers of a session's artefacts, and its parsed datasets.

use sea_orm_migration::prelude::*;

use crate::columns::{
    big_integer, document, id, index, integer, integrity, of_session, string, string_null, time, time_null, word,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(artefact_versions()).await?;
        manager.create_table(parsed_datasets()).await?;
        manager.create_index(index("artefact_versions", &["session_id", "kind", "version"]).unique().take()).await?;
        // One parse (or clean) of a session at a time.
        manager
            .create_index(
                index("artefact_versions", &["session_id", "kind"])
                    .name("ux_artefact_versions_reserved")
                    .unique()
                    .and_where(Expr::col("state").eq("reserved"))
                    .take(),
            )
            .await?;
        manager.create_index(index("parsed_datasets", &["session_id", "version"]).unique().take()).await?;
        manager.create_index(index("parsed_datasets", &["request_key"])).await?;
        manager.create_index(index("parsed_datasets", &["sha256"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["parsed_datasets", "artefact_versions"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}

/// Rows stay as long as their session, so that a number is never used twice.
pub(crate) fn artefact_versions() -> TableCreateStatement {
    Table::create()
        .table("artefact_versions")
        .col(id())
        .col(string("session_id"))
        .col(word("kind", &["parsed", "cleaned"]))
        .col(integer("version"))
        .col(word("state", &["reserved", "published", "abandoned"]))
        .col(string_null("owner"))
        .col(time_null("lease_until"))
        .col(time("created_at"))
        .foreign_key(&mut of_session("artefact_versions"))
        .take()
}

fn parsed_datasets() -> TableCreateStatement {
    Table::create()
        .table("parsed_datasets")
        .col(id())
        .col(string("session_id"))
        .col(integer("version"))
        .col(string("file_path"))
        .col(string("sha256"))
        .col(big_integer("size_bytes"))
        .col(big_integer("row_count"))
        .col(integer("column_count"))
        .col(document("columns"))
        .col(time_null("start_at"))
        .col(time_null("end_at"))
        .col(string("parser_version"))
        .col(string("request_key"))
        .col(document("options").default("{}"))
        .col(document("report").default("{}"))
        .col(integrity())
        .col(time("created_at"))
        .foreign_key(&mut of_session("parsed_datasets"))
        .take()
}

//! Sessions, their raw files, and what users know better about a site's points.

use sea_orm_migration::prelude::*;

use crate::columns::{
    big_integer, big_integer_null, document, id, index, integer, integrity, of_session, string, string_null, time,
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
        manager.create_table(upload_sessions()).await?;
        manager.create_table(source_files()).await?;
        manager.create_table(site_overrides()).await?;
        // Lists are of sessions that are not deleted, in each of these orders.
        for order in ["created_at", "updated_at", "name", "site", "status", "total_rows"] {
            manager.create_index(index("upload_sessions", &["deleted_at", order, "id"])).await?;
        }
        manager.create_index(index("upload_sessions", &["parsed_over_http_at"])).await?;
        manager.create_index(index("source_files", &["session_id"])).await?;
        manager.create_index(index("source_files", &["sha256"])).await?;
        // The same bytes count once; members of an archive share its file.
        manager
            .create_index(
                index("source_files", &["session_id", "sha256"])
                    .name("ux_source_files_session_id_sha256")
                    .unique()
                    .and_where(Expr::col("archive_member").is_null())
                    .take(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["site_overrides", "source_files", "upload_sessions"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}

fn upload_sessions() -> TableCreateStatement {
    Table::create()
        .table("upload_sessions")
        .col(id())
        .col(string("name"))
        .col(string_null("site"))
        .col(string_null("timezone"))
        .col(string_null("subfolder"))
        .col(integer("files_count").default(0))
        .col(big_integer("total_rows").default(0))
        .col(word("status", &["uploaded", "parsed", "cleaned", "failed"]))
        .col(document("metadata").default("{}"))
        .col(time("created_at"))
        .col(time("updated_at"))
        .col(time_null("deleted_at"))
        .col(time_null("parsed_over_http_at"))
        .take()
}

fn source_files() -> TableCreateStatement {
    Table::create()
        .table("source_files")
        .col(id())
        .col(string("session_id"))
        .col(string("file_name"))
        .col(string_null("archive_member"))
        .col(string("path"))
        .col(string("sha256"))
        .col(big_integer("size_bytes"))
        .col(string_null("format"))
        .col(string_null("encoding"))
        .col(big_integer_null("row_count"))
        .col(big_integer_null("point_count"))
        .col(time_null("first_at"))
        .col(time_null("last_at"))
        .col(document("warnings").default("[]"))
        .col(integrity())
        .col(time("created_at"))
        .foreign_key(&mut of_session("source_files"))
        .take()
}

fn site_overrides() -> TableCreateStatement {
    Table::create()
        .table("site_overrides")
        .col(string("site"))
        .col(string("original_name"))
        .col(string_null("name"))
        .col(string_null("unit"))
        .col(string_null("kind").check(Expr::col("kind").is_in(["instantaneous", "counter", "status", "text"])).take())
        .primary_key(Index::create().col("site").col("original_name"))
        .take()
}

//! What a model was made from and holds, the version numbers of each name, and the names that stand for a version.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer_null, integer_null};

use crate::columns::{document, id, index, integer, string, string_null, time, time_null, word};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// SQLite adds and drops one column a statement.
fn added() -> [(&'static str, ColumnDef); 9] {
    [
        ("session_id", string("session_id").default("").take()),
        ("site", string_null("site")),
        ("request_key", string("request_key").default("").take()),
        ("options", document("options").default("{}").take()),
        ("lineage", document("lineage").default("{}").take()),
        ("feature_count", integer_null("feature_count")),
        ("size_bytes", big_integer_null("size_bytes")),
        ("trainer_version", string_null("trainer_version")),
        ("started_at", time_null("started_at")),
    ]
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (_, mut column) in added() {
            manager.alter_table(Table::alter().table("trained_models").add_column(&mut column).take()).await?;
        }
        manager.create_index(index("trained_models", &["session_id"])).await?;
        manager.create_index(index("trained_models", &["request_key"])).await?;
        manager.create_table(model_versions()).await?;
        manager.create_index(index("model_versions", &["name", "version"]).unique().take()).await?;
        manager.create_table(model_aliases()).await?;
        manager.create_index(index("model_aliases", &["model_id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["model_aliases", "model_versions"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        for column in ["session_id", "request_key"] {
            let name = format!("ix_trained_models_{column}");
            manager.drop_index(Index::drop().name(name).table("trained_models").to_owned()).await?;
        }
        for (name, _) in added().into_iter().rev() {
            manager.alter_table(Table::alter().table("trained_models").drop_column(name).take()).await?;
        }
        Ok(())
    }
}

/// Rows outlive their models, so that a number is never used twice.
pub(crate) fn model_versions() -> TableCreateStatement {
    Table::create()
        .table("model_versions")
        .col(id())
        .col(string("name"))
        .col(integer("version"))
        .col(word("state", &["reserved", "published", "abandoned"]))
        .col(string_null("owner"))
        .col(time_null("lease_until"))
        .col(time("created_at"))
        .take()
}

fn model_aliases() -> TableCreateStatement {
    Table::create()
        .table("model_aliases")
        .col(string("name"))
        .col(string("alias"))
        .col(string("model_id"))
        .col(time("updated_at"))
        .primary_key(Index::create().col("name").col("alias"))
        .foreign_key(
            ForeignKey::create()
                .name("fk_model_aliases_model")
                .from("model_aliases", "model_id")
                .to("trained_models", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

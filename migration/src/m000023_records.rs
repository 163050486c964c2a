//! Declared collections: which there are, as they were applied; what waits to be written by another server, in its order;
//! and what such a server refused.
//!
//! The table of a collection itself is made from its declaration, by the program.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::text;

use crate::columns::{big_integer, document, index, integer, string, time, word};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const OPERATIONS: &[&str] = &["write", "delete"];

/// A number that only goes up.
fn sequence() -> ColumnDef {
    integer("seq").primary_key().auto_increment().take()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let collections = Table::create()
            .table("collections")
            .col(string("name").primary_key().take())
            .col(document("declaration"))
            .col(time("created_at"))
            .col(time("updated_at"))
            .take();
        let outbox = Table::create()
            .table("record_outbox")
            .col(sequence())
            .col(string("backend"))
            .col(string("collection"))
            .col(string("record_key"))
            .col(word("operation", OPERATIONS))
            .col(big_integer("created_at_ms"))
            .col(big_integer("updated_at_ms"))
            .col(document("fields"))
            .col(integer("bytes"))
            .col(big_integer("arrived_at_ms"))
            .take();
        let rejected = Table::create()
            .table("record_rejected")
            .col(sequence())
            .col(string("collection"))
            .col(string("record_key"))
            .col(word("operation", OPERATIONS))
            .col(document("record"))
            .col(text("reason"))
            .col(time("rejected_at"))
            .take();
        for table in [collections, outbox, rejected] {
            manager.create_table(table).await?;
        }
        for (table, columns) in [
            ("record_outbox", &["backend", "seq"] as &[_]),
            ("record_outbox", &["collection", "record_key", "seq"]),
            ("record_rejected", &["collection", "seq"]),
        ] {
            manager.create_index(index(table, columns)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["record_rejected", "record_outbox", "collections"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}

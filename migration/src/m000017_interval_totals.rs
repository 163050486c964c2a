//! A kind more that a user may know of a point: the amount of an interval. SQLite changes no CHECK, so the table is made
//! anew; it has no index but its key, and nothing refers to it.

use sea_orm_migration::prelude::*;

use crate::columns::{string, string_null};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const KINDS: &[&str] = &["instantaneous", "counter", "interval_total", "status", "text"];
const EARLIER_KINDS: &[&str] = &["instantaneous", "counter", "status", "text"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        remake(manager, KINDS, "\"kind\"").await
    }

    /// What an earlier program could not know is no longer known; the name and the unit stay.
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        remake(manager, EARLIER_KINDS, "nullif(\"kind\", 'interval_total')").await
    }
}

async fn remake(manager: &SchemaManager<'_>, kinds: &[&'static str], kind: &str) -> Result<(), DbErr> {
    let db = manager.get_connection();
    let remade = "site_overrides_remade";
    let kinds = Expr::col("kind").is_in(kinds.iter().copied());
    let table = Table::create()
        .table(remade)
        .col(string("site"))
        .col(string("original_name"))
        .col(string_null("name"))
        .col(string_null("unit"))
        .col(string_null("kind").check(kinds).take())
        .primary_key(Index::create().col("site").col("original_name"))
        .take();
    manager.create_table(table).await?;
    db.execute_unprepared(&format!(
        "INSERT INTO \"{remade}\" (\"site\", \"original_name\", \"name\", \"unit\", \"kind\") \
         SELECT \"site\", \"original_name\", \"name\", \"unit\", {kind} FROM \"site_overrides\""
    ))
    .await?;
    manager.drop_table(Table::drop().table("site_overrides").take()).await?;
    manager.rename_table(Table::rename().table(remade, "site_overrides").take()).await
}

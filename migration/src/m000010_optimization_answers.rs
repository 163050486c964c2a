//! What a recommendation saves, for lists and sums over time, and the whole answer.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{boolean, double};

use crate::columns::{document, index, string, string_null};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLE: &str = "optimization_runs";

/// SQLite adds and drops one column a statement.
fn added() -> [(&'static str, ColumnDef); 6] {
    [
        ("session_id", string_null("session_id")),
        ("savings_kw", double("savings_kw").default(0.0).take()),
        ("savings_percent", double("savings_percent").default(0.0).take()),
        ("is_change", boolean("is_change").default(false).take()),
        // The day on the site's clock, such as 2026-11-20: no database has to know time zones to sum by day.
        ("local_date", string("local_date").default("").take()),
        ("answer", document("answer").default("{}").take()),
    ]
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (_, mut column) in added() {
            manager.alter_table(Table::alter().table(TABLE).add_column(&mut column).take()).await?;
        }
        // Runs of before have no day of their own: the day in UTC is the closest there is.
        let day = Func::cust("substr").arg(Expr::col("created_at")).arg(1).arg(10);
        manager.execute(Query::update().table(TABLE).value("local_date", day).to_owned()).await?;
        manager.create_index(index(TABLE, &["local_date"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name("ix_optimization_runs_local_date").table(TABLE).to_owned()).await?;
        for (name, _) in added().into_iter().rev() {
            manager.alter_table(Table::alter().table(TABLE).drop_column(name).take()).await?;
        }
        Ok(())
    }
}

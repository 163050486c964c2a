//! What electricity costs at a site.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::double;

use crate::columns::{string, time};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let prices = Table::create()
            .table("energy_prices")
            .col(string("site").primary_key())
            .col(string("currency"))
            .col(double("per_kwh"))
            .col(time("updated_at"))
            .take();
        manager.create_table(prices).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("energy_prices").take()).await
    }
}

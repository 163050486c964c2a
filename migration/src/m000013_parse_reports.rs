//! What a parse found, beside the dataset's row: its file says it itself from now on, so no new one is stored, and no list
//! reads the old ones.

use sea_orm_migration::prelude::*;

use crate::columns::{document, string};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(parse_reports()).await?;
        let moved = "INSERT INTO \"parse_reports\" (\"dataset_id\", \"report\") \
                     SELECT \"id\", \"report\" FROM \"parsed_datasets\" WHERE \"report\" <> '{}'";
        manager.get_connection().execute_unprepared(moved).await?;
        manager.alter_table(Table::alter().table("parsed_datasets").drop_column("report").take()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut report = document("report").default("{}").take();
        manager.alter_table(Table::alter().table("parsed_datasets").add_column(&mut report).take()).await?;
        let moved = "UPDATE \"parsed_datasets\" SET \"report\" = \"parse_reports\".\"report\" \
                     FROM \"parse_reports\" WHERE \"dataset_id\" = \"id\"";
        manager.get_connection().execute_unprepared(moved).await?;
        manager.drop_table(Table::drop().table("parse_reports").take()).await
    }
}

fn parse_reports() -> TableCreateStatement {
    Table::create()
        .table("parse_reports")
        .col(string("dataset_id").primary_key().take())
        .col(document("report"))
        .foreign_key(
            ForeignKey::create()
                .name("fk_parse_reports_dataset")
                .from("parse_reports", "dataset_id")
                .to("parsed_datasets", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

//! Trained models and what was recommended with them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{double, double_null};

use crate::columns::{
    big_integer, document, id, index, integer, integrity, string, string_null, text_null, time, time_null, word,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(trained_models()).await?;
        manager.create_table(optimization_runs()).await?;
        manager.create_index(index("trained_models", &["name", "version"]).unique().take()).await?;
        manager.create_index(index("trained_models", &["dataset_id"])).await?;
        manager.create_index(index("trained_models", &["cleaning_job_id"])).await?;
        manager.create_index(index("trained_models", &["created_at"])).await?;
        manager.create_index(index("optimization_runs", &["model_id", "created_at"])).await?;
        manager.create_index(index("optimization_runs", &["created_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["optimization_runs", "trained_models"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}

/// A model outlives nothing it was made from: data that a model refers to cannot be purged before it.
fn trained_models() -> TableCreateStatement {
    Table::create()
        .table("trained_models")
        .col(id())
        .col(string("name"))
        .col(integer("version"))
        .col(string("dataset_id"))
        .col(string_null("cleaning_job_id"))
        .col(string("algorithm"))
        .col(document("feature_mapping").default("{}"))
        .col(document("training_metrics").default("{}"))
        .col(string_null("model_file_path"))
        .col(string_null("sha256"))
        .col(word("status", &["queued", "running", "completed", "failed", "cancelled"]))
        .col(text_null("error"))
        .col(integrity())
        .col(time("created_at"))
        .col(time_null("finished_at"))
        .foreign_key(
            ForeignKey::create()
                .name("fk_trained_models_dataset")
                .from("trained_models", "dataset_id")
                .to("parsed_datasets", "id")
                .on_delete(ForeignKeyAction::NoAction),
        )
        .foreign_key(
            ForeignKey::create()
                .name("fk_trained_models_cleaning_job")
                .from("trained_models", "cleaning_job_id")
                .to("cleaning_jobs", "id")
                .on_delete(ForeignKeyAction::NoAction),
        )
        .take()
}

fn optimization_runs() -> TableCreateStatement {
    Table::create()
        .table("optimization_runs")
        .col(id())
        .col(string("model_id"))
        .col(document("input_data").default("{}"))
        .col(string("method"))
        .col(double("predicted_power"))
        .col(double_null("baseline_power"))
        .col(document("recommendations").default("[]"))
        .col(big_integer("duration_ms"))
        .col(time("created_at"))
        .foreign_key(
            ForeignKey::create()
                .name("fk_optimization_runs_model")
                .from("optimization_runs", "model_id")
                .to("trained_models", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

//! The metadata schema, one file a migration.
//!
//! String names only and nothing from the program: a migration describes the schema of its own day and
//! must not change when an entity does. Published migrations are never edited; a change is a new file, and what it
//! makes of the whole in `schema.sql`.
//! Every migration goes up and down, each in a transaction of its own.

use std::time::{SystemTime, UNIX_EPOCH};

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::ActiveValue::Set;
use sea_orm_migration::sea_orm::{ConnectionTrait, EntityTrait};
use sea_orm_migration::seaql_migrations;

mod columns;
mod m000001_store_identity;
mod m000002_sessions;
mod m000003_datasets;
mod m000004_jobs;
mod m000005_cleaning;
mod m000006_models;
mod m000007_job_leases;
mod m000008_cleaning_files;
mod m000009_model_files;
mod m000010_optimization_answers;
mod m000011_version_indexes;
mod m000012_manifests_and_checks;
mod m000013_parse_reports;
mod m000014_manifest_changes;
mod m000015_versions;
mod m000016_removals;
mod m000017_interval_totals;
mod m000018_report_overrides;
mod m000019_optimization_outcomes;
mod m000020_energy_prices;
mod m000021_search;
mod m000022_accounts;
mod m000023_records;
mod m000024_noted_words;

/// All migrations, oldest first.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m000001_store_identity::Migration),
            Box::new(m000002_sessions::Migration),
            Box::new(m000003_datasets::Migration),
            Box::new(m000004_jobs::Migration),
            Box::new(m000005_cleaning::Migration),
            Box::new(m000006_models::Migration),
            Box::new(m000007_job_leases::Migration),
            Box::new(m000008_cleaning_files::Migration),
            Box::new(m000009_model_files::Migration),
            Box::new(m000010_optimization_answers::Migration),
            Box::new(m000011_version_indexes::Migration),
            Box::new(m000012_manifests_and_checks::Migration),
            Box::new(m000013_parse_reports::Migration),
            Box::new(m000014_manifest_changes::Migration),
            Box::new(m000015_versions::Migration),
            Box::new(m000016_removals::Migration),
            Box::new(m000017_interval_totals::Migration),
            Box::new(m000018_report_overrides::Migration),
            Box::new(m000019_optimization_outcomes::Migration),
            Box::new(m000020_energy_prices::Migration),
            Box::new(m000021_search::Migration),
            Box::new(m000022_accounts::Migration),
            Box::new(m000023_records::Migration),
            Box::new(m000024_noted_words::Migration),
        ]
    }
}

/// What all migrations together make of an empty database, as SQLite keeps it.
pub const SCHEMA: &str = include_str!("schema.sql");

impl Migrator {
    /// Gives an empty database the whole schema at once, as if every migration had been applied: SQLite would read its
    /// schema again after each column that one of them adds.
    ///
    /// # Errors
    /// When the database refuses a statement.
    pub async fn create(db: &impl ConnectionTrait) -> Result<(), DbErr> {
        Self::install(db).await?;
        db.execute_unprepared(SCHEMA).await?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let applied = Self::migrations().into_iter().map(|migration| seaql_migrations::ActiveModel {
            version: Set(migration.name().to_owned()),
            applied_at: Set(now.cast_signed()),
        });
        seaql_migrations::Entity::insert_many(applied).exec_without_returning(db).await?;
        Ok(())
    }
}

//! The triggers that raise a session's revision, in few words: every connection reads the whole schema.

use sea_orm_migration::prelude::*;

use crate::m000012_manifests_and_checks::{create_triggers, drop_triggers, raise};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_triggers(manager).await?;
        let db = manager.get_connection();
        // A view that holds nothing: what is inserted into it is done.
        db.execute_unprepared("CREATE VIEW \"manifest_changes\" AS SELECT \"session_id\" FROM \"manifests\" WHERE 0")
            .await?;
        let does = raise("NEW.\"session_id\"");
        let sql = format!(
            "CREATE TRIGGER \"tr_manifest_changes\" INSTEAD OF INSERT ON \"manifest_changes\" BEGIN {does}; END"
        );
        db.execute_unprepared(&sql).await?;
        create_triggers(manager, |session| format!("INSERT INTO \"manifest_changes\" VALUES ({session})")).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_triggers(manager).await?;
        manager.get_connection().execute_unprepared("DROP VIEW \"manifest_changes\"").await?;
        create_triggers(manager, raise).await
    }
}

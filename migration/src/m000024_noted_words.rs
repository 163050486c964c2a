//! What changed in searched records is noted by whoever writes them, many keys in a row, and no more by triggers key by key:
//! those took a quarter of the time of a write.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{DbBackend, Statement};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Names in the database that end in a word, without that word.
async fn before_word(manager: &SchemaManager<'_>, kind: &str, word: &str) -> Result<Vec<String>, DbErr> {
    let sql = "SELECT substr(name, 1, length(name) - length(?2)) FROM sqlite_master \
               WHERE type = ?1 AND name LIKE 'records\\_%' ESCAPE '\\' AND substr(name, -length(?2)) = ?2";
    let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, [kind.into(), word.into()]);
    let rows = manager.get_connection().query_all_raw(statement).await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for trigger in before_word(manager, "trigger", "_words").await? {
            db.execute_unprepared(&format!("DROP TRIGGER \"{trigger}_words\"")).await?;
        }
        for table in before_word(manager, "table", "__changed").await? {
            for sql in [
                format!("CREATE TABLE \"{table}__noted\" (number INTEGER PRIMARY KEY, record_keys TEXT NOT NULL)"),
                format!(
                    "INSERT INTO \"{table}__noted\" (record_keys) SELECT json_array(record_key) FROM \"{table}__changed\""
                ),
                format!("DROP TABLE \"{table}__changed\""),
            ] {
                db.execute_unprepared(&sql).await?;
            }
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for table in before_word(manager, "table", "__noted").await? {
            let key = format!("SELECT name FROM pragma_table_info('{table}') WHERE pk = 1");
            let row = db.query_one_raw(Statement::from_string(DbBackend::Sqlite, key)).await?;
            let key: String = row.ok_or_else(|| DbErr::Custom(format!("{table} has no key")))?.try_get_by_index(0)?;
            db.execute_unprepared(&format!(
                "CREATE TABLE \"{table}__changed\" (record_key TEXT PRIMARY KEY) WITHOUT ROWID; \
                 INSERT OR IGNORE INTO \"{table}__changed\" SELECT k.value FROM \"{table}__noted\", json_each(record_keys) k; \
                 DROP TABLE \"{table}__noted\""
            ))
            .await?;
            for (when, row) in [("insert", "new"), ("update", "new"), ("delete", "old")] {
                db.execute_unprepared(&format!(
                    "CREATE TRIGGER \"{table}_{when}_words\" AFTER {when} ON \"{table}\" BEGIN \
                     INSERT INTO \"{table}__changed\" SELECT {row}.\"{key}\" WHERE NOT EXISTS \
                     (SELECT 1 FROM \"{table}__changed\" WHERE record_key = {row}.\"{key}\"); END"
                ))
                .await?;
            }
        }
        Ok(())
    }
}

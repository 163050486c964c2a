//! What was committed is brought from the write-ahead log into the database while nobody waits for it.
//!
//! SQLite does that within the commit that makes the log long, which takes several times as long as others then. Here a
//! reader's connection does it soon after such a commit, beside those that write on; the writer's own limit is far off.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};

/// Pages of a log that is long: what SQLite itself would take.
const LONG_PAGES: i64 = 1_000;
/// Pages at which the writer does it after all (64 MiB).
pub(super) const WRITERS_PAGES: &str = "16384";
/// Least time between two looks at the log.
const REST: Duration = Duration::from_millis(200);

/// One look at a time.
#[derive(Debug, Default)]
pub(super) struct Checkpoints(AtomicBool);

impl Checkpoints {
    /// Looks at the log, unless it was just looked at.
    pub(super) fn look(self: &Arc<Self>, readers: &DatabaseConnection) {
        if self.0.swap(true, Ordering::Relaxed) {
            return;
        }
        let (own, readers) = (Arc::clone(self), readers.clone());
        tokio::spawn(async move {
            if let Err(error) = checkpoint(&readers).await {
                // Nothing is lost: all of it stays in the log.
                tracing::debug!(%error, "the database's log could not be looked at");
            }
            tokio::time::sleep(REST).await;
            own.0.store(false, Ordering::Relaxed);
        });
    }
}

async fn checkpoint(readers: &DatabaseConnection) -> Result<(), DbErr> {
    let asked = |mode: &str| Statement::from_string(DbBackend::Sqlite, format!("PRAGMA wal_checkpoint({mode})"));
    let Some(row) = readers.query_one_raw(asked("NOOP")).await? else { return Ok(()) };
    let (in_log, done): (i64, i64) = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
    if in_log - done >= LONG_PAGES {
        readers.query_one_raw(asked("PASSIVE")).await?;
    }
    Ok(())
}

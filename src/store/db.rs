//! Connections to the metadata database: SQLite with one writer and a small pool of readers.
//!
//! WAL, so readers never wait for the writer; `synchronous=FULL`, so a commit is on the disk before it is
//! acknowledged; writing transactions begin `IMMEDIATE`, so they wait for each other (also across
//! processes) at the start rather than fail at the end. [`Transaction`] is the only way to write, so that each
//! commit is known to whoever keeps what he has read ([`Db::stamp`]). No queries here.

use std::ops::Deref;
use std::path::Path;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use migration::{Migrator, MigratorTrait};
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnAcquireErr, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend,
    DbErr, ExecResult, QueryResult, RuntimeErr, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};

use super::objects::disk_full;
use crate::error::{Error, ErrorKind, Result};

/// How long a writer waits for another process' transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Queries at once; more wait.
const READERS: u32 = 4;

/// One writer and a pool of readers on one SQLite database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    writer: DatabaseConnection,
    readers: DatabaseConnection,
    stamp: Arc<Stamp>,
}

/// A number that goes up when something was written. No two databases of a process ever have the same.
#[derive(Debug)]
struct Stamp(AtomicU64);

impl Stamp {
    fn next() -> u64 {
        static LAST: AtomicU64 = AtomicU64::new(0);
        LAST.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn raise(&self) {
        self.0.fetch_max(Self::next(), Ordering::SeqCst);
    }
}

impl Db {
    /// Connects (creating folder and file), sets the pragmas and migrates.
    ///
    /// # Errors
    /// `bad_setting` when `url` is no SQLite file; `newer_database` when a newer version of this program
    /// made it; `database_busy`, `disk_full`; internal when it cannot be opened or migrated.
    pub async fn open(url: &str) -> Result<Self> {
        let file = sqlite_file(url)?;
        if let Some(folder) = file.parent().filter(|f| !f.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|e| {
                Error::internal("the folder of the database cannot be created: check DATABASE_URL and its rights")
                    .with_source(e)
            })?;
        }
        let writer = connect_patiently(url).await?;
        migrate(&writer).await?;
        let readers = connect(url, READERS, |options| options.pragma("query_only", "on"))
            .await
            .map_err(failed("opening the database for reading"))?;
        Ok(Self { writer, readers, stamp: Arc::new(Stamp(AtomicU64::new(Stamp::next()))) })
    }

    /// For queries only: writing through it is refused by SQLite.
    #[must_use]
    pub fn read(&self) -> &DatabaseConnection {
        &self.readers
    }

    /// A transaction that may write (`BEGIN IMMEDIATE`); dropped without commit it rolls back.
    ///
    /// # Errors
    /// `database_busy` when another process holds the write lock past the busy timeout.
    pub async fn begin(&self) -> Result<Transaction> {
        let begun = begin_immediate(&self.writer).await.map_err(failed("beginning a transaction"))?;
        Ok(Transaction { begun, stamp: Arc::clone(&self.stamp) })
    }

    /// Changes with every commit of this process before the commit is acknowledged: what was read after a stamp was
    /// taken holds as long as the stamp stays, but for what other processes write.
    #[must_use]
    pub fn stamp(&self) -> u64 {
        self.stamp.0.load(Ordering::SeqCst)
    }

    /// Changes the stamp without a commit: something beside the database is not what it was.
    pub fn touch(&self) {
        self.stamp.raise();
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<()> {
        self.readers.ping().await.map_err(failed("asking the database whether it is there"))
    }

    /// How many migrations this program has and the database has not.
    ///
    /// # Errors
    /// When the database cannot be read or is newer than this program.
    pub async fn migrations_pending(&self) -> Result<usize> {
        pending(&self.readers).await
    }

    /// Waits for what is under way and closes all connections.
    ///
    /// # Errors
    /// When the last checkpoint fails; nothing that was committed is lost then.
    pub async fn close(&self) -> Result<()> {
        self.readers.close_by_ref().await.map_err(failed("closing the database"))?;
        self.writer.close_by_ref().await.map_err(failed("closing the database"))
    }
}

/// A transaction that may write; dropped without [`Self::commit`] it rolls back.
#[derive(Debug)]
pub struct Transaction {
    begun: DatabaseTransaction,
    stamp: Arc<Stamp>,
}

impl Transaction {
    /// Makes everything durable and visible to all, and raises the [`Db::stamp`].
    ///
    /// # Errors
    /// When the disk is full or breaks; it is rolled back then.
    pub async fn commit(self) -> std::result::Result<(), DbErr> {
        // Also when it fails or nobody waits for it any more: then it is not known how far it came.
        struct Raise(Arc<Stamp>);
        impl Drop for Raise {
            fn drop(&mut self) {
                self.0.raise();
            }
        }
        let _raise = Raise(self.stamp);
        self.begun.commit().await
    }
}

impl Deref for Transaction {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &DatabaseTransaction {
        &self.begun
    }
}

/// What an `async fn` of [`ConnectionTrait`] is.
type Boxed<'f, T> = Pin<Box<dyn Future<Output = std::result::Result<T, DbErr>> + Send + 'f>>;

impl ConnectionTrait for Transaction {
    fn get_database_backend(&self) -> DbBackend {
        self.begun.get_database_backend()
    }

    fn execute_raw<'s: 'f, 'f>(&'s self, statement: Statement) -> Boxed<'f, ExecResult> {
        self.begun.execute_raw(statement)
    }

    fn execute_unprepared<'s: 'f, 't: 'f, 'f>(&'s self, sql: &'t str) -> Boxed<'f, ExecResult> {
        self.begun.execute_unprepared(sql)
    }

    fn query_one_raw<'s: 'f, 'f>(&'s self, statement: Statement) -> Boxed<'f, Option<QueryResult>> {
        self.begun.query_one_raw(statement)
    }

    fn query_all_raw<'s: 'f, 'f>(&'s self, statement: Statement) -> Boxed<'f, Vec<QueryResult>> {
        self.begun.query_all_raw(statement)
    }
}

/// Turns a database failure into ours: `.map_err(db::failed("reading the session"))`.
///
/// Busy and full databases become `database_busy` and `disk_full`; everything else is internal. Map a
/// constraint that a request can hit before this (`DbErr::sql_err`).
pub fn failed(doing: &str) -> impl FnOnce(DbErr) -> Error + '_ {
    move |source| match sqlite_code(&source) {
        _ if busy(&source) => {
            Error::new(ErrorKind::Unavailable, "database_busy", "The metadata database is busy; try again in a moment.")
                .with_retry_after(2)
                .with_source(source)
        }
        // SQLITE_FULL
        Some(13) => disk_full().with_source(source),
        _ => Error::internal(format!("failed while {doing}")).with_source(source),
    }
}

/// SQLITE_BUSY, SQLITE_LOCKED, or no connection came free in time.
fn busy(error: &DbErr) -> bool {
    matches!(sqlite_code(error), Some(5 | 6)) || matches!(error, DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))
}

/// SQLite's primary result code of a failure.
fn sqlite_code(error: &DbErr) -> Option<u32> {
    let (DbErr::Conn(RuntimeErr::SqlxError(source))
    | DbErr::Exec(RuntimeErr::SqlxError(source))
    | DbErr::Query(RuntimeErr::SqlxError(source))) = error
    else {
        return None;
    };
    let code: u32 = source.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

/// The file that `url` names.
fn sqlite_file(url: &str) -> Result<std::path::PathBuf> {
    let wrong = || {
        Error::invalid(
            "DATABASE_URL",
            "bad_setting",
            "DATABASE_URL must name an SQLite file, such as sqlite://data/hvac_analytics.db",
        )
    };
    if !url.starts_with("sqlite:") || url.contains(":memory:") || url.contains("mode=memory") {
        return Err(wrong());
    }
    let options = SqliteConnectOptions::from_str(url).map_err(|e| wrong().with_source(e))?;
    let file = options.get_filename();
    if file.as_os_str().is_empty() || file == Path::new("/") { Err(wrong()) } else { Ok(file.to_owned()) }
}

/// The writer. Switching a new file to WAL does not heed the busy timeout, so two processes that create
/// it at once would fail: the second tries again.
async fn connect_patiently(url: &str) -> Result<DatabaseConnection> {
    let started = Instant::now();
    loop {
        let connected = connect(url, 1, |options| {
            options
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .foreign_keys(true)
        })
        .await;
        match connected {
            Err(error) if sqlite_code(&error) == Some(5) && started.elapsed() < BUSY_TIMEOUT => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            other => return other.map_err(failed("opening the database; check DATABASE_URL and its rights")),
        }
    }
}

async fn connect(
    url: &str,
    connections: u32,
    pragmas: impl Fn(SqliteConnectOptions) -> SqliteConnectOptions + Send + Sync + 'static,
) -> std::result::Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(Duration::from_secs(30))
        .test_before_acquire(false)
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .map_sqlx_sqlite_opts(move |o| pragmas(o.busy_timeout(BUSY_TIMEOUT)));
    Database::connect(options).await
}

async fn begin_immediate(writer: &DatabaseConnection) -> std::result::Result<DatabaseTransaction, DbErr> {
    let immediate = SqliteTransactionMode::Immediate;
    writer
        .begin_with_options(TransactionOptions { sqlite_transaction_mode: Some(immediate), ..Default::default() })
        .await
}

async fn pending(db: &DatabaseConnection) -> Result<usize> {
    match Migrator::get_pending_migrations_read_only(db).await {
        Ok(pending) => Ok(pending.len()),
        Err(DbErr::Custom(message)) if message.starts_with("Migration file of version") => Err(Error::conflict(
            "newer_database",
            "The metadata database was made by a newer version of this program: use that version, or restore a backup \
             from before the upgrade.",
        )
        .with_source(DbErr::Custom(message))),
        Err(error) => Err(failed("reading which migrations were applied")(error)),
    }
}

/// All that is pending, each migration in a savepoint of one `IMMEDIATE` transaction: a second process
/// waits and finds nothing left to do, and a failure leaves the schema as it was. A new database gets all at once.
async fn migrate(writer: &DatabaseConnection) -> Result<()> {
    if pending(writer).await? == 0 {
        return Ok(());
    }
    let transaction = begin_immediate(writer).await.map_err(failed("locking the database for migration"))?;
    let tables = transaction.query_one_raw(Statement::from_string(DbBackend::Sqlite, "SELECT 1 FROM sqlite_master"));
    let is_new = tables.await.map_err(failed("looking for tables"))?.is_none();
    let migrated = if is_new { Migrator::create(&transaction).await } else { Migrator::up(&transaction, None).await };
    migrated.map_err(failed("migrating the database"))?;
    transaction.commit().await.map_err(failed("committing the migrations"))
}

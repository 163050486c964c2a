//! Connections to the metadata database: SQLite with one writer and a small pool of readers.
//!
//! WAL, so readers never wait for the writer; `synchronous=FULL`, so a commit is on the disk before it is
//! acknowledged; writing transactions begin `IMMEDIATE`, so they wait for each other (also across
//! processes) at the start rather than fail at the end. [`Transaction`] is the only way to write, so that each
//! commit is known to whoever keeps what he has read ([`Db::stamp`]). No queries here.
//!
//! A transaction that failed leaves nothing behind: SQLite ends some by itself (a full disk, a broken one), of which
//! the driver's count of open transactions knows nothing and would take the next ones for parts of one that never
//! ends. So a connection whose count is not 0 is thrown away when it is given back, and again before it is lent; a
//! [`Transaction`] does nothing more once a statement of it failed; and nothing is acknowledged while the file
//! at the database's path is not the one that is open.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use migration::{Migrator, MigratorTrait};
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sea_orm::sqlx::{self, Connection};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult,
    QueryResult, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use tracing::Instrument;

use super::crash;
use super::entity::version;
use super::opened_file::{OpenedFile, log_of};
use crate::error::machine::sqlite_code;
use crate::error::{Context, Error, Result, codes};

mod checkpoint;
mod measured;
mod spare;

use checkpoint::{Checkpoints, WRITERS_PAGES};
use measured::Hold;
pub use measured::Reader;

/// How long a writer waits for another process' transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request waits for a connection: for those before it.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);
/// Queries at once; more wait.
const READERS: u32 = 4;

/// One writer and a pool of readers on one SQLite database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    /// None: opened to be read.
    writer: Option<DatabaseConnection>,
    readers: Reader,
    file: Arc<OpenedFile>,
    stamp: Arc<Stamp>,
    counts: Arc<WriterCounts>,
    checkpoints: Arc<Checkpoints>,
    given_up: Arc<Mutex<Vec<version::Model>>>,
}

/// What became of this process' writing transactions, since the start.
#[derive(Debug, Default)]
struct WriterCounts {
    commits: AtomicU64,
    failures: AtomicU64,
    discarded: AtomicU64,
    /// Whether the writer's connection cannot write: where the file could not be opened for it at that moment (no room,
    /// no descriptor), SQLite opens it to be read, and says nothing.
    cannot_write: AtomicBool,
}

/// What became of this process' writing transactions, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriterStats {
    /// Committed.
    pub commits: u64,
    /// That could not be begun, in which a statement failed, or that could not be committed.
    pub failures: u64,
    /// Connections that were thrown away because a transaction might have been left open.
    pub discarded: u64,
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
    /// Connects (creating folder and file), sets the pragmas and migrates. Where nothing can be written, it is opened
    /// to be read: [`Self::is_read_only`].
    ///
    /// # Errors
    /// `bad_setting` when `url` is no SQLite file; `newer_database` when a newer version of this program
    /// made it; `read_only` when it should be migrated and cannot; `database_busy`, `disk_full`, `database_corrupt`;
    /// internal when it cannot be opened or migrated.
    pub async fn open(url: &str) -> Result<Self> {
        let path = sqlite_file(url)?;
        let read_only = super::opened_file::refuses_writing(&path);
        if !read_only {
            create(&path)?;
        }
        let counts = Arc::new(WriterCounts::default());
        let writer = if read_only { None } else { Some(connect_patiently(url, Arc::clone(&counts)).await?) };
        if let Some(writer) = &writer {
            migrate(writer).await?;
        }
        let immutable = read_only && !has_log(&path);
        let readers = connect(url, READERS, None, move |options| {
            options.pragma("query_only", "on").read_only(read_only).immutable(immutable)
        });
        let readers = readers.await.internal("opening the database for reading")?;
        if read_only && pending(&readers).await? > 0 {
            return Err(super::read_only(
                "an older version of this program made it, and it cannot be brought up to date where it lies",
            ));
        }
        let file = Arc::new(OpenedFile::of(path).internal("looking at the database's file")?);
        Ok(Self {
            writer,
            readers: Reader(readers),
            file,
            stamp: Arc::new(Stamp(AtomicU64::new(Stamp::next()))),
            counts,
            checkpoints: Arc::default(),
            given_up: Arc::default(),
        })
    }

    /// For queries only: writing through it is refused by SQLite.
    #[must_use]
    pub fn read(&self) -> &Reader {
        &self.readers
    }

    /// Whether the database was opened to be read: every [`Self::begin`] is refused then.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.writer.is_none()
    }

    /// Whether it was opened to be written.
    ///
    /// # Errors
    /// `read_only`.
    pub fn check_writable(&self) -> Result<()> {
        self.writer().map(|_| ())
    }

    fn writer(&self) -> Result<&DatabaseConnection> {
        self.writer.as_ref().ok_or_else(|| super::read_only("its disk or its rights let nothing be written"))
    }

    /// A transaction that may write (`BEGIN IMMEDIATE`); dropped without commit it rolls back.
    ///
    /// # Errors
    /// `database_busy` when another process holds the write lock past the busy timeout; `read_only`;
    /// `database_replaced`.
    pub async fn begin(&self) -> Result<Transaction> {
        let writer = self.writer()?;
        let counted = |error: Error| {
            self.counts.failures.fetch_add(1, Ordering::Relaxed);
            error
        };
        self.file.check().map_err(counted)?;
        let hold = Hold::asked();
        let mut begun = begin_immediate(writer).instrument(hold.span()).await;
        // SQLITE_READONLY
        if begun.as_ref().is_err_and(|error| sqlite_code(error).is_some_and(|code| code & 0xff == 8)) {
            self.counts.cannot_write.store(true, Ordering::Relaxed);
            begun = begin_immediate(writer).instrument(hold.span()).await;
        }
        let begun = begun.internal("beginning a transaction").map_err(counted)?;
        Ok(Transaction { begun, failed: AtomicBool::new(false), db: self.clone(), hold: hold.begun() })
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

    /// Numbers that were given up while nothing could be written, a full disk for instance: to be released with the next.
    pub(super) fn given_up(&self) -> MutexGuard<'_, Vec<version::Model>> {
        self.given_up.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What became of this process' writing transactions.
    #[must_use]
    pub fn writer_stats(&self) -> WriterStats {
        let WriterCounts { commits, failures, discarded, .. } = &*self.counts;
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        WriterStats { commits: of(commits), failures: of(failures), discarded: of(discarded) }
    }

    /// Whether the database answers, and its file is the one that was opened.
    ///
    /// # Errors
    /// When it does not; `database_replaced`.
    pub async fn ping(&self) -> Result<()> {
        self.file.check()?;
        Box::pin(self.readers.0.ping()).await.internal("asking the database whether it is there")
    }

    /// How many migrations this program has and the database has not.
    ///
    /// # Errors
    /// When the database cannot be read or is newer than this program.
    pub async fn migrations_pending(&self) -> Result<usize> {
        pending(&self.readers.0).await
    }

    /// Waits for what is under way and closes all connections.
    ///
    /// # Errors
    /// When the last checkpoint fails; nothing that was committed is lost then.
    pub async fn close(&self) -> Result<()> {
        self.readers.0.close_by_ref().await.internal("closing the database")?;
        match &self.writer {
            Some(writer) => writer.close_by_ref().await.internal("closing the database"),
            None => Ok(()),
        }
    }
}

/// A transaction that may write; dropped without [`Self::commit`] it rolls back. Once a statement of it has failed, it
/// does nothing more: SQLite may have ended it by then, and what followed would be committed by itself. (A constraint
/// that a row breaks is the exception: it undoes that statement only.)
#[derive(Debug)]
pub struct Transaction {
    begun: DatabaseTransaction,
    failed: AtomicBool,
    db: Db,
    hold: Hold,
}

impl Transaction {
    /// Makes everything durable and visible to all, and raises the [`Db::stamp`].
    ///
    /// # Errors
    /// When a statement failed before, the disk is full or breaks: it is rolled back then. `database_replaced` when the
    /// file it was written to is not the database's any more.
    pub async fn commit(self) -> Result<()> {
        // Also when it fails or nobody waits for it any more: then it is not known how far it came.
        struct Raise(Db);
        impl Drop for Raise {
            fn drop(&mut self) {
                self.0.stamp.raise();
            }
        }
        let Raise(db) = &Raise(self.db.clone());
        self.go_on().internal("committing")?;
        let committed = match self.begun.commit().instrument(self.hold.span()).await.internal("committing") {
            Ok(()) => db.file.check_written(),
            Err(error) => Err(error),
        };
        let count = if committed.is_ok() { &db.counts.commits } else { &db.counts.failures };
        count.fetch_add(1, Ordering::Relaxed);
        db.checkpoints.look(&db.readers.0);
        committed
    }

    fn go_on(&self) -> std::result::Result<(), DbErr> {
        if self.failed.load(Ordering::Relaxed) {
            return Err(DbErr::Custom("a statement of this transaction failed before".to_owned()));
        }
        Ok(())
    }

    /// Remembers a failure after which nothing more may be done.
    fn told<T>(&self, result: std::result::Result<T, DbErr>) -> std::result::Result<T, DbErr> {
        if let Err(error) = &result
            && !undoes_itself_only(error)
            && !self.failed.swap(true, Ordering::Relaxed)
        {
            self.db.counts.failures.fetch_add(1, Ordering::Relaxed);
        }
        result
    }
}

/// Whether a statement failed for a constraint (SQLITE_CONSTRAINT) that its row breaks, not one that a trigger raised.
fn undoes_itself_only(error: &DbErr) -> bool {
    const CONSTRAINT_TRIGGER: u32 = 1811;
    sqlite_code(error).is_some_and(|code| code & 0xff == 19 && code != CONSTRAINT_TRIGGER)
}

/// What an `async fn` of [`ConnectionTrait`] is.
type Boxed<'f, T> = Pin<Box<dyn Future<Output = std::result::Result<T, DbErr>> + Send + 'f>>;

impl ConnectionTrait for Transaction {
    fn get_database_backend(&self) -> DbBackend {
        self.begun.get_database_backend()
    }

    fn execute_raw<'s: 'f, 'f>(&'s self, statement: Statement) -> Boxed<'f, ExecResult> {
        Box::pin(async move {
            self.go_on()?;
            let span = self.hold.sql_span(&statement.sql);
            self.told(self.begun.execute_raw(statement).instrument(span).await)
        })
    }

    fn execute_unprepared<'s: 'f, 't: 'f, 'f>(&'s self, sql: &'t str) -> Boxed<'f, ExecResult> {
        Box::pin(async move {
            self.go_on()?;
            let span = self.hold.sql_span(sql);
            self.told(self.begun.execute_unprepared(sql).instrument(span).await)
        })
    }

    fn query_one_raw<'s: 'f, 'f>(&'s self, statement: Statement) -> Boxed<'f, Option<QueryResult>> {
        Box::pin(async move {
            self.go_on()?;
            let span = self.hold.sql_span(&statement.sql);
            self.told(self.begun.query_one_raw(statement).instrument(span).await)
        })
    }

    fn query_all_raw<'s: 'f, 'f>(&'s self, statement: Statement) -> Boxed<'f, Vec<QueryResult>> {
        Box::pin(async move {
            self.go_on()?;
            let span = self.hold.sql_span(&statement.sql);
            self.told(self.begun.query_all_raw(statement).instrument(span).await)
        })
    }
}

/// The file that `url` names.
fn sqlite_file(url: &str) -> Result<PathBuf> {
    let wrong = || {
        Error::invalid(
            "DATABASE_URL",
            codes::BAD_SETTING,
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

/// Makes folder and file, if they are not there. Connecting never does: a file that vanishes under a server must not
/// come back empty.
fn create(path: &Path) -> Result<()> {
    let doing = "creating the database's file: check DATABASE_URL and its rights";
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).internal(doing)?;
    }
    std::fs::OpenOptions::new().append(true).create(true).open(path).internal(doing)?;
    Ok(())
}

/// Whether there is a write-ahead log with something in it.
fn has_log(path: &Path) -> bool {
    std::fs::metadata(log_of(path)).is_ok_and(|log| log.len() > 0)
}

/// The writer. Switching a new file to WAL does not heed the busy timeout, so two processes that create
/// it at once would fail: the second tries again.
async fn connect_patiently(url: &str, counts: Arc<WriterCounts>) -> Result<DatabaseConnection> {
    let started = Instant::now();
    loop {
        let connected = connect(url, 1, Some(Arc::clone(&counts)), |options| {
            let durable = options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
            durable.pragma("wal_autocheckpoint", WRITERS_PAGES).foreign_keys(true)
        })
        .await;
        match connected {
            Err(error)
                if sqlite_code(&error).is_some_and(|code| code & 0xff == 5) && started.elapsed() < BUSY_TIMEOUT =>
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            other => return other.internal("opening the database; check DATABASE_URL and its rights"),
        }
    }
}

/// A pool; a writer's (with counts) lends no connection in which a transaction may be open.
async fn connect(
    url: &str,
    connections: u32,
    writer: Option<Arc<WriterCounts>>,
    pragmas: impl Fn(SqliteConnectOptions) -> SqliteConnectOptions + Send + Sync + 'static,
) -> std::result::Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .map_sqlx_sqlite_opts(move |o| pragmas(o.busy_timeout(BUSY_TIMEOUT).create_if_missing(false)));
    if let Some(counts) = writer {
        options.map_sqlx_sqlite_pool_opts(move |pool| {
            let (given_back, lent) = (Arc::clone(&counts), Arc::clone(&counts));
            pool.after_release(move |connection, _| Box::pin(nothing_open(connection, Arc::clone(&given_back))))
                .before_acquire(move |connection, _| Box::pin(nothing_open(connection, Arc::clone(&lent))))
        });
    }
    Box::pin(Database::connect(options)).await
}

/// Whether no transaction is open, as far as the driver knows, and the connection can write; false makes the pool close
/// it, which rolls back whatever is open.
async fn nothing_open(
    connection: &mut SqliteConnection,
    counts: Arc<WriterCounts>,
) -> std::result::Result<bool, sqlx::Error> {
    // A rollback that was begun by dropping is done before the ping.
    connection.ping().await?;
    let open = connection.is_in_transaction();
    if open {
        counts.discarded.fetch_add(1, Ordering::Relaxed);
        tracing::warn!("a connection to the database is thrown away: a transaction of it did not end");
    }
    Ok(!open & !counts.cannot_write.swap(false, Ordering::Relaxed))
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
        Err(DbErr::Custom(message)) if message.starts_with("Migration file of version") => {
            let applied = message.split('\'').nth(1).unwrap_or("one that is unknown here");
            let newest = Migrator::migrations().last().map(|migration| migration.name().to_owned()).unwrap_or_default();
            Err(Error::new(
                codes::NEWER_DATABASE,
                format!(
                    "The metadata database was made by a newer version of this program: its schema is of {applied}, and \
                     this program ({}) knows those up to {newest}. Use the newer program, or restore a backup from before \
                     the upgrade. Nothing was changed.",
                    env!("CARGO_PKG_VERSION")
                ),
            )
            .with_source(DbErr::Custom(message)))
        }
        Err(error) => Err(error).internal("reading which migrations were applied"),
    }
}

/// All that is pending, each migration in a savepoint of one `IMMEDIATE` transaction: a second process
/// waits and finds nothing left to do, and a failure leaves the schema as it was. A new database gets all at once.
async fn migrate(writer: &DatabaseConnection) -> Result<()> {
    if pending(writer).await? == 0 {
        return Ok(());
    }
    let transaction = begin_immediate(writer).await.internal("locking the database for migration")?;
    let tables = transaction.query_one_raw(Statement::from_string(DbBackend::Sqlite, "SELECT 1 FROM sqlite_master"));
    let is_new = tables.await.internal("looking for tables")?.is_none();
    if is_new {
        Migrator::create(&transaction).await.internal("migrating the database")?;
    } else {
        let pending =
            Migrator::get_pending_migrations(&transaction).await.internal("reading what has to be migrated")?;
        for migration in pending {
            Migrator::up(&transaction, Some(1)).await.internal("migrating the database")?;
            crash::point(migration.name());
        }
    }
    transaction.commit().await.internal("committing the migrations")?;
    crash::point("migrations.committed");
    Ok(())
}

//! A MySQL, MariaDB or PostgreSQL server as what keeps records, by the same statements as the metadata database.
//!
//! It is connected to when it is needed, so that it may be away when the program starts. Whatever it does not do in time is
//! given up and asked again: every write can be repeated. Nothing of its address stands in an answer; the log has the cause.

use std::future::Future;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sea_orm::{ConnAcquireErr, sqlx};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr, RuntimeErr, TransactionTrait};

use super::backend::{BackendFailure, Done, Filter, Found, Record, RecordBackend, RecordQuery};
use super::collection::{BackendKind, Collection};
use super::search::no_search;
use super::{sql, tables};
use crate::config::ServerAddress;
use crate::error::{Error, Result, codes};
use hvac_store::trust;

/// Connections at once: one is written through, the others are read through.
const CONNECTIONS: u32 = 8;
/// How long a connection is waited for.
const CONNECTING: Duration = Duration::from_secs(5);
/// How long a verb may take.
const ASKING: Duration = Duration::from_secs(30);
/// How long a table may take to be made or changed: all its rows may be written again.
const PREPARING: Duration = Duration::from_secs(600);
/// How long a table that is to be changed is waited for, where somebody else works on it.
const WAITING: Duration = Duration::from_secs(10);
/// How long a server may take to say that it is there.
const LOOKING: Duration = Duration::from_secs(2);

/// A server.
#[derive(Debug)]
pub struct SqlServer {
    db: DatabaseConnection,
    kind: BackendKind,
}

impl SqlServer {
    /// Of that address; connects later.
    ///
    /// # Errors
    /// `bad_setting` when the address cannot be used.
    pub async fn new(kind: BackendKind, address: &ServerAddress) -> Result<Self> {
        // The driver reads them with each connection.
        if let Some(path) = &address.authorities {
            trust::authorities(kind.setting(), path)?;
        }
        let mut options = ConnectOptions::new(address.url.expose());
        options
            .max_connections(CONNECTIONS)
            .min_connections(0)
            .acquire_timeout(CONNECTING)
            .connect_lazy(true)
            .sqlx_logging(false)
            .record_stmt_in_spans(false);
        #[cfg(feature = "mysql")]
        options.map_sqlx_mysql_pool_opts(|pool| {
            // What is too long is refused and not cut; texts are sorted by more than their first 1024 bytes.
            let session = "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'), max_sort_length = 65536";
            pool.after_connect(move |connection, _| {
                Box::pin(async move { sqlx::Executor::execute(connection, session).await.map(drop) })
            })
        });
        // The driver's own words could repeat the address with its password.
        let unusable = |_| {
            let variable = kind.setting();
            Error::invalid(variable, codes::BAD_SETTING, format!("{variable} is no address of {}", kind.server()))
        };
        Ok(Self { db: Database::connect(options).await.map_err(unusable)?, kind })
    }

    async fn write_once(&self, collection: &Collection, records: &[Record]) -> Done<()> {
        self.within(ASKING, async move {
            let txn = self.db.begin().await?;
            sql::write(&txn, collection, records).await?;
            txn.commit().await
        })
        .await
    }

    /// What becomes of a verb in its time.
    async fn within<T>(&self, time: Duration, doing: impl Future<Output = std::result::Result<T, DbErr>>) -> Done<T> {
        match tokio::time::timeout(time, doing).await {
            Ok(done) => done.map_err(|error| self.failure(error)),
            Err(_) => {
                let late = DbErr::Custom(format!("no answer within {} s", time.as_secs()));
                Err(self.failure(late))
            }
        }
    }

    fn failure(&self, error: DbErr) -> BackendFailure {
        let server = self.kind.server();
        match refusal(&error) {
            Some(why) => {
                let refused = Error::new(codes::BACKEND_REFUSED, format!("{server} refuses it: {why}"));
                BackendFailure::Refused(refused.with_source(error))
            }
            None => {
                let why = reason(&error);
                let message = format!("{server} cannot be used now ({why})");
                BackendFailure::Down(Error::new(codes::BACKEND_DOWN, message).with_retry_after(10).with_source(error))
            }
        }
    }
}

fn driver_error(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error),
        _ => None,
    }
}

/// Whether a table is not there (SQLSTATE of PostgreSQL and of MySQL).
fn is_without_table(failure: &BackendFailure) -> bool {
    let (BackendFailure::Down(error) | BackendFailure::Refused(error)) = failure;
    ["(SQLSTATE 42P01)", "(SQLSTATE 42S02)"].iter().any(|state| error.message.ends_with(state))
}

/// What is wrong about the data of a statement, in the server's words; none when the failure is nothing of the data's: only
/// what never can be written is refused.
fn refusal(error: &DbErr) -> Option<String> {
    let Some(sqlx::Error::Database(told)) = driver_error(error) else { return None };
    let state = told.code().unwrap_or_default();
    // Data that is no such data, constraints, limits of rows and indexes (SQLSTATE).
    let is_of_data = ["22", "23", "54"].iter().any(|class| state.starts_with(class));
    (is_of_data || is_of_data_in_mysql(&**told)).then(|| told.message().to_owned())
}

/// What MySQL's states do not tell: a text that is none, a value too long for a message, a row too long.
fn is_of_data_in_mysql(told: &dyn sqlx::error::DatabaseError) -> bool {
    #[cfg(feature = "mysql")]
    if let Some(told) = told.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return [1118, 1153, 1301, 1366, 3140, 4025].contains(&told.number());
    }
    let _ = told;
    false
}

/// Whether it waited for a table that somebody else works on.
fn is_held(told: &dyn sqlx::error::DatabaseError) -> bool {
    #[cfg(feature = "mysql")]
    if let Some(told) = told.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return told.number() == 1205;
    }
    told.code().as_deref() == Some("55P03")
}

/// A few words that tell nothing of the address.
fn reason(error: &DbErr) -> String {
    match driver_error(error) {
        Some(sqlx::Error::Database(told)) if is_held(&**told) => {
            "somebody works on its table: end that transaction".to_owned()
        }
        Some(sqlx::Error::Database(told)) => format!("SQLSTATE {}", told.code().unwrap_or_default()),
        Some(sqlx::Error::Io(error)) => trust::refused(error).map_or_else(|| error.kind().to_string(), str::to_owned),
        Some(sqlx::Error::PoolTimedOut) => "no connection".to_owned(),
        Some(sqlx::Error::Tls(error)) => trust::refused(&**error).map_or_else(|| error.to_string(), str::to_owned),
        _ => match error {
            DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) => "no connection".to_owned(),
            DbErr::Custom(why) => why.clone(),
            _ => "see the log".to_owned(),
        },
    }
}

impl RecordBackend for SqlServer {
    fn prepare<'a>(&'a self, collection: &'a Collection, before: Option<&'a Collection>) -> BoxFuture<'a, Done<()>> {
        self.within(PREPARING, async move {
            let txn = self.db.begin().await?;
            let patience = match self.kind {
                BackendKind::Postgres => format!("SET LOCAL lock_timeout = '{}s'", WAITING.as_secs()),
                _ => format!("SET SESSION lock_wait_timeout = {}", WAITING.as_secs()),
            };
            txn.execute_unprepared(&patience).await?;
            tables::prepare(&txn, collection, before).await?;
            txn.commit().await
        })
        .boxed()
    }

    fn check(&self, collection: &Collection, query: &RecordQuery) -> Result<()> {
        let searches = query.filters.iter().any(|filter| matches!(filter, Filter::Words(_)));
        if searches && self.kind == BackendKind::Mysql { Err(no_search(collection)) } else { Ok(()) }
    }

    fn write<'a>(&'a self, collection: &'a Collection, records: &'a [Record]) -> BoxFuture<'a, Done<()>> {
        async move {
            match self.write_once(collection, records).await {
                // Its database was set up anew since the table was made.
                Err(failure) if is_without_table(&failure) => {
                    self.prepare(collection, None).await?;
                    self.write_once(collection, records).await
                }
                done => done,
            }
        }
        .boxed()
    }

    fn read<'a>(&'a self, collection: &'a Collection, key: &'a str) -> BoxFuture<'a, Done<Option<Record>>> {
        self.within(ASKING, sql::read(&self.db, collection, key)).boxed()
    }

    fn query<'a>(&'a self, collection: &'a Collection, query: &'a RecordQuery) -> BoxFuture<'a, Done<Found>> {
        self.within(ASKING, sql::query(&self.db, collection, query)).boxed()
    }

    fn delete<'a>(
        &'a self,
        collection: &'a Collection,
        keys: &'a [String],
        before_ms: Option<i64>,
    ) -> BoxFuture<'a, Done<u64>> {
        self.within(ASKING, async move {
            let txn = self.db.begin().await?;
            let deleted = sql::delete(&txn, collection, keys, before_ms).await?;
            txn.commit().await?;
            Ok(deleted)
        })
        .boxed()
    }

    fn health(&self) -> BoxFuture<'_, Done<()>> {
        self.within(LOOKING, async move { self.db.execute_unprepared("SELECT 1").await.map(drop) }).boxed()
    }
}

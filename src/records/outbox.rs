//! What waits to be written by another server: rows of the metadata database, written with the acknowledgement, taken out
//! in their order once that server has them.
//!
//! Each server has a queue of its own: one that is away holds up no other. A record that its server refuses goes aside
//! with the reason, and those behind it go on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sea_orm::sea_query::{Expr, ExprTrait, Func, Order, Query, SelectStatement};
use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use serde_json::{Value, json};
use tokio::sync::MutexGuard;

use super::backend::{BackendFailure, Record, RecordBackend};
use super::collection::{BackendKind, Collection};
use super::record::{bytes_of, give_defaults};
use crate::error::{Context, Error, Result, codes};
use crate::times::text_of;
use hvac_store::db::Db;
use hvac_store::now;

mod pace;

use pace::Pace;

const TABLE: &str = "record_outbox";
const COLUMNS: [&str; 8] =
    ["seq", "collection", "record_key", "operation", "created_at_ms", "updated_at_ms", "fields", "bytes"];
/// Of records that their server refused.
pub(super) const REJECTED_COLUMNS: [&str; 6] =
    ["collection", "record_key", "operation", "record", "reason", "rejected_at"];
/// Rows of one statement.
const ROWS_AT_ONCE: usize = 128;

/// What is done with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// It is written.
    Write,
    /// It is deleted.
    Delete,
}

impl Operation {
    fn word(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Delete => "delete",
        }
    }
}

/// How much may wait, and when it is handed over.
#[derive(Debug, Clone, Copy)]
pub struct OutboxLimits {
    /// Most rows of all queues together.
    pub rows: u64,
    /// Most bytes of them.
    pub bytes: u64,
    /// Rows at which a queue is handed over.
    pub flush_rows: u64,
    /// Longest that a row waits.
    pub flush_after: Duration,
}

/// What waits for one server.
#[derive(Debug, Clone, Default)]
pub struct Waiting {
    /// Rows.
    pub rows: u64,
    /// Their bytes, about.
    pub bytes: u64,
    /// Since when the first of them waits.
    pub since_ms: Option<i64>,
    /// Why the last hand-over failed; none when it did not.
    pub failure: Option<String>,
    /// When it was last handed over.
    pub flushed_at_ms: Option<i64>,
    /// Rows that were handed over since the start.
    pub flushed: u64,
    /// Records that were refused since the start.
    pub rejected: u64,
}

/// All queues.
#[derive(Debug)]
pub struct Outbox {
    db: Db,
    limits: OutboxLimits,
    waiting: Mutex<BTreeMap<BackendKind, Waiting>>,
    /// One hand-over at a time for each server.
    paces: BTreeMap<BackendKind, tokio::sync::Mutex<Pace>>,
}

/// A row.
#[derive(Debug)]
struct Entry {
    seq: i64,
    collection: String,
    operation: Operation,
    record: Record,
}

/// The turn at a queue.
#[derive(Debug)]
pub struct Turn<'o> {
    kind: BackendKind,
    pace: MutexGuard<'o, Pace>,
}

impl Turn<'_> {
    /// Whether its server is left alone for a while, for it did not take the last part.
    #[must_use]
    pub fn rests(&self) -> bool {
        self.pace.rests(Instant::now())
    }
}

impl Outbox {
    /// With what waits since an earlier process.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn open(db: Db, limits: OutboxLimits) -> Result<Self> {
        let doing = "looking for what waits in the outbox";
        let mut query = Query::select();
        query.from(TABLE).column("backend").expr(Func::count(Expr::val(1))).expr(Func::sum(Expr::col("bytes")));
        query.expr(Func::min(Expr::col("arrived_at_ms"))).group_by_col("backend");
        let mut waiting = BTreeMap::new();
        for row in db.read().query_all(&query).await.internal(doing)? {
            let backend: String = row.try_get_by_index(0).internal(doing)?;
            let Some((_, kind)) = BackendKind::ALL.into_iter().find(|(word, _)| *word == backend) else { continue };
            let number = |index| row.try_get_by_index::<i64>(index).map(i64::unsigned_abs).internal(doing);
            let since_ms = row.try_get_by_index(3).internal(doing)?;
            waiting.insert(kind, Waiting { rows: number(1)?, bytes: number(2)?, since_ms, ..Waiting::default() });
        }
        let pace = || tokio::sync::Mutex::new(Pace::new());
        let paces = BackendKind::ALL.into_iter().map(|(_, kind)| (kind, pace())).collect();
        Ok(Self { db, limits, waiting: Mutex::new(waiting), paces })
    }

    /// What waits for each server.
    #[must_use]
    pub fn waiting(&self) -> BTreeMap<BackendKind, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What waits for one.
    fn with<T>(&self, kind: BackendKind, change: impl FnOnce(&mut Waiting) -> T) -> T {
        change(self.waiting.lock().unwrap_or_else(PoisonError::into_inner).entry(kind).or_default())
    }

    /// Whether so much more may wait.
    ///
    /// # Errors
    /// 503 with the time after which to try again.
    pub fn check_room(&self, rows: u64, bytes: u64) -> Result<()> {
        let all = self.waiting();
        let (mut waiting_rows, mut waiting_bytes) = (0, 0);
        for waiting in all.values() {
            (waiting_rows, waiting_bytes) = (waiting_rows + waiting.rows, waiting_bytes + waiting.bytes);
        }
        if waiting_rows + rows <= self.limits.rows && waiting_bytes + bytes <= self.limits.bytes {
            return Ok(());
        }
        let why = all.iter().find_map(|(kind, waiting)| Some((kind, waiting.failure.as_ref()?)));
        let why = why.map(|(kind, why)| format!(" ({}: {why})", kind.word())).unwrap_or_default();
        let message = format!(
            "{waiting_rows} records ({waiting_bytes} bytes) wait for the servers that keep them{why}, and no more may; \
             nothing of this was stored, try again when they are back"
        );
        Err(Error::new(codes::OUTBOX_FULL, message).with_retry_after(30))
    }

    /// Writes rows, in the transaction of the acknowledgement. Call [`Self::arrived`] after its commit.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn put(
        &self,
        db: &impl ConnectionTrait,
        collection: &Collection,
        operation: Operation,
        records: &[Arc<Record>],
    ) -> Result<(), DbErr> {
        let arrived = now().timestamp_millis();
        for part in records.chunks(ROWS_AT_ONCE) {
            let mut insert = Query::insert();
            insert.into_table(TABLE).columns([
                "backend",
                "collection",
                "record_key",
                "operation",
                "created_at_ms",
                "updated_at_ms",
                "fields",
                "bytes",
                "arrived_at_ms",
            ]);
            for record in part {
                let bytes = i64::try_from(bytes_of(record)).unwrap_or(i64::MAX);
                let row: [sea_orm::Value; 9] = [
                    collection.backend.word().into(),
                    collection.name.clone().into(),
                    record.key.clone().into(),
                    operation.word().into(),
                    record.created_at_ms.into(),
                    record.updated_at_ms.into(),
                    Value::Object(record.fields.clone()).into(),
                    bytes.into(),
                    arrived.into(),
                ];
                insert.values(row.map(Expr::val)).map_err(|error| DbErr::Custom(error.to_string()))?;
            }
            db.execute(&insert).await?;
        }
        Ok(())
    }

    /// Counts what was committed.
    pub fn arrived(&self, kind: BackendKind, rows: u64, bytes: u64) {
        let at = now().timestamp_millis();
        self.with(kind, |waiting| {
            waiting.rows += rows;
            waiting.bytes += bytes;
            waiting.since_ms.get_or_insert(at);
        });
    }

    /// What waits of a record: its newest state, or that it is deleted; none when nothing does.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn pending(&self, collection: &Collection, key: &str) -> Result<Option<(Operation, Record)>> {
        let mut query = select();
        query.and_where(Expr::col("collection").eq(collection.name.clone())).and_where(Expr::col("record_key").eq(key));
        let rows = self.db.read().query_all(&query).await.internal("reading the outbox")?;
        let mut newest: Option<(Operation, Record)> = None;
        for row in &rows {
            let mut entry = entry(row).internal("reading the outbox")?;
            if entry.operation == Operation::Write {
                give_defaults(collection, &mut entry.record);
            }
            let is_older = newest.as_ref().is_some_and(|(operation, record)| {
                *operation == Operation::Write
                    && entry.operation == Operation::Write
                    && record.updated_at_ms > entry.record.updated_at_ms
            });
            if !is_older {
                newest = Some((entry.operation, entry.record));
            }
        }
        Ok(newest)
    }

    /// Whether anything of a collection waits.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn waits_of(&self, collection: &Collection) -> Result<bool> {
        if self.with(collection.backend, |waiting| waiting.rows) == 0 {
            return Ok(false);
        }
        let mut query = Query::select();
        query.from(TABLE).expr(Expr::val(1)).and_where(Expr::col("collection").eq(collection.name.clone())).limit(1);
        Ok(self.db.read().query_one(&query).await.internal("reading the outbox")?.is_some())
    }

    /// Whether a queue is to be handed over now: it is long, or somebody in it waits long.
    #[must_use]
    pub fn is_due(&self, kind: BackendKind) -> bool {
        let waiting = self.with(kind, |waiting| waiting.clone());
        let waits_ms = waiting.since_ms.map_or(0, |since| now().timestamp_millis() - since);
        let longest_ms = i64::try_from(self.limits.flush_after.as_millis()).unwrap_or(i64::MAX);
        waiting.rows > 0 && (waiting.rows >= self.limits.flush_rows || waits_ms >= longest_ms)
    }

    /// The turn at a server's queue: nobody else hands anything of it over meanwhile.
    pub async fn turn(&self, kind: BackendKind) -> Option<Turn<'_>> {
        Some(Turn { kind, pace: self.paces.get(&kind)?.lock().await })
    }

    /// The turns at these queues.
    pub async fn turns(&self, kinds: &BTreeSet<BackendKind>) -> BTreeMap<BackendKind, Turn<'_>> {
        let mut all = BTreeMap::new();
        for (kind, pace) in self.paces.iter().filter(|(kind, _)| kinds.contains(kind)) {
            all.insert(*kind, Turn { kind: *kind, pace: pace.lock().await });
        }
        all
    }

    /// Hands over the next part of a queue. Answers how many rows went; 0 when nothing waits.
    ///
    /// # Errors
    /// Why the server does not take it: it waits.
    pub async fn hand_over(
        &self,
        turn: &mut Turn<'_>,
        backend: &dyn RecordBackend,
        known: &[Arc<Collection>],
    ) -> Result<u64> {
        let (kind, begun) = (turn.kind, Instant::now());
        match self.hand_over_part(kind, backend, known, turn.pace.rows).await {
            Ok(0) => {
                if self.with(kind, |waiting| waiting.failure.take()).is_some() {
                    tracing::info!(backend = kind.word(), "the server that keeps records takes them again");
                }
                Ok(0)
            }
            Ok(rows) => {
                turn.pace.succeeded(begun.elapsed());
                Ok(rows)
            }
            Err(error) => {
                turn.pace.failed(Instant::now());
                if self.with(kind, |waiting| waiting.failure.replace(error.message.clone())).is_none() {
                    tracing::warn!(backend = kind.word(), %error, "records wait: their server does not take them");
                }
                Err(error)
            }
        }
    }

    /// One part of a queue, from its beginning.
    async fn hand_over_part(
        &self,
        kind: BackendKind,
        backend: &dyn RecordBackend,
        known: &[Arc<Collection>],
        most: u64,
    ) -> Result<u64> {
        let mut query = select();
        query.and_where(Expr::col("backend").eq(kind.word())).limit(most);
        let rows = self.db.read().query_all(&query).await.internal("reading the outbox")?;
        let entries: Result<Vec<Entry>, DbErr> = rows.iter().map(entry).collect();
        let mut entries = entries.internal("reading the outbox")?;
        let Some(last) = entries.last().map(|entry| entry.seq) else {
            self.with(kind, |waiting| (waiting.rows, waiting.bytes, waiting.since_ms) = (0, 0, None));
            return Ok(0);
        };
        let bytes: u64 = entries.iter().map(|entry| bytes_of(&entry.record)).sum();
        for entry in entries.iter_mut().filter(|entry| entry.operation == Operation::Write) {
            if let Some(collection) = known.iter().find(|collection| collection.name == entry.collection) {
                give_defaults(collection, &mut entry.record);
            }
        }
        let count = entries.len() as u64;
        let mut rejected = Vec::new();
        for run in entries.chunk_by(|a, b| a.collection == b.collection && a.operation == b.operation) {
            let Some(first) = run.first() else { continue };
            // A collection that is hidden now was known when this was accepted.
            let Some(collection) = known.iter().find(|collection| collection.name == first.collection) else {
                rejected.extend(run.iter().map(|entry| (entry, "its collection is declared no more".to_owned())));
                continue;
            };
            self.carry_out(collection, backend, run, &mut rejected).await?;
        }
        self.taken(kind, last, &rejected).await?;
        let oldest = self.oldest(kind).await?;
        let went = now().timestamp_millis();
        self.with(kind, |waiting| {
            waiting.rows = waiting.rows.saturating_sub(count);
            waiting.bytes = waiting.bytes.saturating_sub(bytes);
            (waiting.since_ms, waiting.flushed_at_ms) = (oldest, Some(went));
            waiting.flushed += count;
            waiting.rejected += rejected.len() as u64;
        });
        Ok(count)
    }

    /// Neighbours of one collection that are all written, or all deleted.
    async fn carry_out<'e>(
        &self,
        collection: &Collection,
        backend: &dyn RecordBackend,
        run: &'e [Entry],
        rejected: &mut Vec<(&'e Entry, String)>,
    ) -> Result<()> {
        if run.first().is_some_and(|entry| entry.operation == Operation::Delete) {
            let keys: Vec<String> = run.iter().map(|entry| entry.record.key.clone()).collect();
            return match backend.delete(collection, &keys, None).await {
                Ok(_) => Ok(()),
                Err(BackendFailure::Down(error)) => Err(error),
                Err(BackendFailure::Refused(error)) => {
                    rejected.extend(run.iter().map(|entry| (entry, error.message.clone())));
                    Ok(())
                }
            };
        }
        let mut newest: BTreeMap<&str, &Entry> = BTreeMap::new();
        for entry in run {
            let there = newest.entry(&entry.record.key).or_insert(entry);
            if entry.record.updated_at_ms >= there.record.updated_at_ms {
                *there = entry;
            }
        }
        write_or_halve(collection, backend, newest.into_values().collect(), rejected).await
    }

    /// Takes what went out of the queue, and puts what was refused aside, with one commit.
    async fn taken(&self, kind: BackendKind, last: i64, rejected: &[(&Entry, String)]) -> Result<()> {
        let txn = self.db.begin().await?;
        for (entry, reason) in rejected {
            let record = &entry.record;
            let document = json!({
                "key": record.key, "fields": record.fields,
                "created_at": text_of(record.created_at_ms), "updated_at": text_of(record.updated_at_ms),
            });
            let mut insert = Query::insert();
            insert.into_table("record_rejected").columns(REJECTED_COLUMNS);
            let row: [sea_orm::Value; 6] = [
                entry.collection.clone().into(),
                record.key.clone().into(),
                entry.operation.word().into(),
                document.into(),
                reason.clone().into(),
                now().into(),
            ];
            insert.values(row.map(Expr::val)).internal("putting a refused record aside")?;
            txn.execute(&insert).await.internal("putting a refused record aside")?;
            tracing::warn!(collection = entry.collection, reason, "a record was refused by its server and put aside");
        }
        let mut delete = Query::delete();
        delete.from_table(TABLE).and_where(Expr::col("backend").eq(kind.word())).and_where(Expr::col("seq").lte(last));
        txn.execute(&delete).await.internal("emptying the outbox")?;
        txn.commit().await
    }

    /// Since when the first row of a queue waits.
    async fn oldest(&self, kind: BackendKind) -> Result<Option<i64>> {
        let mut query = Query::select();
        query.from(TABLE).column("arrived_at_ms").and_where(Expr::col("backend").eq(kind.word()));
        query.order_by("seq", Order::Asc).limit(1);
        let row = self.db.read().query_one(&query).await.internal("reading the outbox")?;
        row.map(|row| row.try_get_by_index(0).internal("reading the outbox")).transpose()
    }
}

/// Writes records; of those that are refused together each half by itself, down to the one that is.
fn write_or_halve<'a, 'e: 'a>(
    collection: &'a Collection,
    backend: &'a dyn RecordBackend,
    entries: Vec<&'e Entry>,
    rejected: &'a mut Vec<(&'e Entry, String)>,
) -> BoxFuture<'a, Result<()>> {
    async move {
        let records: Vec<Record> = entries.iter().map(|entry| entry.record.clone()).collect();
        match (backend.write(collection, &records).await, entries.as_slice()) {
            (Ok(()), _) => Ok(()),
            (Err(BackendFailure::Down(error)), _) => Err(error),
            (Err(BackendFailure::Refused(error)), [one]) => {
                rejected.push((one, error.message));
                Ok(())
            }
            (Err(BackendFailure::Refused(_)), _) => {
                let (first, second) = entries.split_at(entries.len() / 2);
                write_or_halve(collection, backend, first.to_vec(), rejected).await?;
                write_or_halve(collection, backend, second.to_vec(), rejected).await
            }
        }
    }
    .boxed()
}

fn select() -> SelectStatement {
    Query::select().from(TABLE).columns(COLUMNS).order_by("seq", Order::Asc).take()
}

fn entry(row: &QueryResult) -> Result<Entry, DbErr> {
    let operation: String = row.try_get_by_index(3)?;
    let Value::Object(fields) = row.try_get_by_index(6)? else {
        return Err(DbErr::Custom("what stands in the outbox is no object".to_owned()));
    };
    Ok(Entry {
        seq: row.try_get_by_index(0)?,
        collection: row.try_get_by_index(1)?,
        operation: if operation == "delete" { Operation::Delete } else { Operation::Write },
        record: Record {
            key: row.try_get_by_index(2)?,
            created_at_ms: row.try_get_by_index(4)?,
            updated_at_ms: row.try_get_by_index(5)?,
            fields,
        },
    })
}

//! The one who writes: takes what has arrived, writes it in one transaction, and answers all of it after the commit.
//!
//! While one transaction is waited for or written, the next requests gather, so the more arrive the fewer commits there
//! are. The turn at the database's writer is taken like anybody's: others write in between.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::announce::{Written, announce};
use super::backend::Record;
use super::collection::{BackendKind, Collection};
use super::layouts::{Held, Layouts};
use super::outbox::{Operation, Outbox};
use super::record::{bytes_of, give_defaults};
use super::{embedded, sql};
use crate::audit::{self, Act};
use crate::error::{Context, Error, Result, codes};
use crate::events::Events;
use crate::metric_names;
use crate::principal::Principal;
use hvac_store::db::{Db, Transaction};

/// Records that may wait in memory for their transaction.
const ROOM: usize = 20_000;
/// Records of one transaction, about: others wait for it.
const MOST_AT_ONCE: usize = 4_000;
/// How long a request waits for room.
const PATIENCE: Duration = Duration::from_secs(5);

/// What somebody wants to have written.
pub enum Change {
    /// These records.
    Write(Arc<Collection>, Vec<Arc<Record>>),
    /// No record of this key any more.
    Delete(Arc<Collection>, String, Arc<Principal>),
}

impl Change {
    fn collection(&self) -> &Arc<Collection> {
        match self {
            Self::Write(collection, _) | Self::Delete(collection, _, _) => collection,
        }
    }

    /// With the collection as its table is now: it may have changed since the request was checked.
    fn brought_up_to(self, layout: &Held) -> Result<Self> {
        let Some(now) = layout.get(&self.collection().name).filter(|now| *now != self.collection()) else {
            return Ok(self);
        };
        let now = Arc::clone(now);
        Ok(match self {
            Self::Write(_, records) => {
                let records = records.iter().map(|record| changed(&now, record)).collect::<Result<_>>()?;
                Self::Write(now, records)
            }
            Self::Delete(_, key, principal) => Self::Delete(now, key, principal),
        })
    }

    fn len(&self) -> usize {
        match self {
            Self::Write(_, records) => records.len(),
            Self::Delete(..) => 1,
        }
    }
}

struct Asked {
    changes: Vec<Change>,
    answer: oneshot::Sender<Result<()>>,
    /// Room in memory, until it is answered.
    room: OwnedSemaphorePermit,
    /// The tables that it is for stay as they are, until then.
    layouts: Vec<Held>,
}

impl Asked {
    /// Makes room, and answers; whoever asked may have left.
    fn answered(self, done: Result<()>) {
        drop((self.room, self.layouts));
        drop(self.answer.send(done));
    }
}

/// Takes changes in. Cheap to clone; the task ends with the last one.
#[derive(Clone)]
pub struct Writer {
    queue: mpsc::UnboundedSender<Asked>,
    room: Arc<Semaphore>,
    layouts: Layouts,
}

/// What the task works with.
struct Desk {
    db: Db,
    outbox: Arc<Outbox>,
    events: Events,
}

impl Writer {
    /// Starts the task.
    #[must_use]
    pub fn start(db: Db, outbox: Arc<Outbox>, layouts: Layouts, events: Events) -> Self {
        let (queue, asked) = mpsc::unbounded_channel();
        tokio::spawn(work(Desk { db, outbox, events }, asked));
        Self { queue, room: Arc::new(Semaphore::new(ROOM)), layouts }
    }

    /// Has changes written, all or none; answers after the commit.
    ///
    /// # Errors
    /// `records_busy` when there is no room in memory or its table is being changed, `outbox_full`, what was declared anew
    /// meanwhile, and what the database says.
    pub async fn write(&self, changes: Vec<Change>) -> Result<()> {
        let count: usize = changes.iter().map(Change::len).sum();
        if count == 0 {
            return Ok(());
        }
        let kinds: BTreeSet<BackendKind> = changes.iter().map(|change| change.collection().backend).collect();
        let mut layouts = Vec::with_capacity(kinds.len());
        for kind in kinds {
            layouts.push(self.layouts.hold(kind).await?);
        }
        let now = |change: Change| match layouts.iter().find(|held| held.get(&change.collection().name).is_some()) {
            Some(held) => change.brought_up_to(held),
            None => Ok(change),
        };
        let changes = changes.into_iter().map(now).collect::<Result<_>>()?;
        let permits = u32::try_from(count.min(ROOM)).unwrap_or(u32::MAX);
        let room = tokio::time::timeout(PATIENCE, Arc::clone(&self.room).acquire_many_owned(permits)).await;
        let busy = || {
            let message = "more records arrive than can be written; send them again in a moment, in larger batches";
            Error::new(codes::RECORDS_BUSY, message).with_retry_after(2)
        };
        let Ok(Ok(room)) = room else { return Err(busy()) };
        let (answer, answered) = oneshot::channel();
        let closed = || Error::internal("nobody writes records any more");
        self.queue.send(Asked { changes, answer, room, layouts }).map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }

    /// Records that wait in memory.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        ROOM.saturating_sub(self.room.available_permits()) as u64
    }
}

async fn work(desk: Desk, mut asked: mpsc::UnboundedReceiver<Asked>) {
    while let Some(first) = asked.recv().await {
        let begun = desk.db.begin().await;
        let mut group = vec![first];
        let mut count = records_of(&group);
        while count < MOST_AT_ONCE
            && let Ok(next) = asked.try_recv()
        {
            count += next.changes.iter().map(Change::len).sum::<usize>();
            group.push(next);
        }
        let committed = match begun {
            Ok(txn) => desk.commit(txn, &group).await,
            Err(error) => Err(error),
        };
        match committed {
            Ok(told) => {
                // Whoever wrote does not wait for what others hear.
                group.into_iter().for_each(|asked| asked.answered(Ok(())));
                announce(&desk.events, &told);
            }
            Err(error) if group.len() == 1 => {
                tracing::debug!(%error, "records were not written");
                group.into_iter().for_each(|asked| asked.answered(Err(error.again())));
            }
            // One of them may be what the others suffer for.
            Err(_) => {
                for asked in group {
                    let alone = std::slice::from_ref(&asked);
                    let done = match desk.db.begin().await {
                        Ok(txn) => desk.commit(txn, alone).await,
                        Err(error) => Err(error),
                    };
                    match done {
                        Ok(told) => {
                            asked.answered(Ok(()));
                            announce(&desk.events, &told);
                        }
                        Err(error) => asked.answered(Err(error)),
                    }
                }
            }
        }
    }
}

fn records_of(group: &[Asked]) -> usize {
    group.iter().flat_map(|asked| &asked.changes).map(Change::len).sum()
}

/// Neighbouring writes of one collection, each key once.
struct Run<'g> {
    collection: Arc<Collection>,
    records: BTreeMap<&'g str, Arc<Record>>,
}

impl Desk {
    /// Writes a group and commits it; gives what is to be told of it.
    async fn commit(&self, txn: Transaction, group: &[Asked]) -> Result<Vec<Written>> {
        let mut told = Vec::new();
        let mut arrived: BTreeMap<BackendKind, (u64, u64)> = BTreeMap::new();
        let mut runs: Vec<Run<'_>> = Vec::new();
        for change in group.iter().flat_map(|asked| &asked.changes) {
            match change {
                Change::Write(collection, records) => {
                    let run = match runs.iter_mut().position(|run| run.collection.name == collection.name) {
                        Some(at) => runs.get_mut(at),
                        None => {
                            runs.push(Run { collection: Arc::clone(collection), records: BTreeMap::new() });
                            runs.last_mut()
                        }
                    };
                    let Some(run) = run else { continue };
                    for record in records {
                        let there = run.records.get(record.key.as_str());
                        if there.is_some_and(|there| there.updated_at_ms > record.updated_at_ms) {
                            continue;
                        }
                        run.records.insert(&record.key, Arc::clone(record));
                    }
                }
                Change::Delete(collection, key, principal) => {
                    for run in std::mem::take(&mut runs) {
                        self.put(&txn, run, &mut told, &mut arrived).await?;
                    }
                    self.remove(&txn, collection, key, principal, &mut arrived).await?;
                    let records = Arc::new(vec![Arc::new(gone(key))]);
                    told.push(Written { collection: Arc::clone(collection), deleted: true, records });
                }
            }
        }
        for run in runs {
            self.put(&txn, run, &mut told, &mut arrived).await?;
        }
        txn.commit().await?;
        for (kind, (rows, bytes)) in arrived {
            self.outbox.arrived(kind, rows, bytes);
        }
        for written in &told {
            let operation = if written.deleted { "delete" } else { "write" };
            metrics::counter!(metric_names::RECORDS_WRITTEN, "operation" => operation)
                .increment(written.records.len() as u64);
        }
        Ok(told)
    }

    async fn put(
        &self,
        txn: &Transaction,
        run: Run<'_>,
        told: &mut Vec<Written>,
        arrived: &mut BTreeMap<BackendKind, (u64, u64)>,
    ) -> Result<()> {
        let Run { collection, records } = run;
        let mut records: Vec<Arc<Record>> = records.into_values().collect();
        if collection.backend == BackendKind::Sqlite {
            let written = embedded::put(txn, &collection, &records).await.internal("writing records")?;
            if written < records.len() as u64 {
                let later = sql::later(txn, &collection, &records).await.internal("reading what was there")?;
                records.retain(|record| !later.contains(&record.key));
            }
        } else {
            let bytes = records.iter().map(|record| bytes_of(record)).sum();
            self.outbox.check_room(records.len() as u64, bytes)?;
            let put = self.outbox.put(txn, &collection, Operation::Write, &records).await;
            put.internal("writing records into the outbox")?;
            let (rows, all_bytes) = arrived.entry(collection.backend).or_default();
            (*rows, *all_bytes) = (*rows + records.len() as u64, *all_bytes + bytes);
        }
        if !records.is_empty() {
            told.push(Written { collection, deleted: false, records: Arc::new(records) });
        }
        Ok(())
    }

    async fn remove(
        &self,
        txn: &Transaction,
        collection: &Collection,
        key: &str,
        principal: &Principal,
        arrived: &mut BTreeMap<BackendKind, (u64, u64)>,
    ) -> Result<()> {
        if collection.backend == BackendKind::Sqlite {
            let keys = [key.to_owned()];
            embedded::remove(txn, collection, &keys, None).await.internal("deleting a record")?;
        } else {
            let record = Arc::new(gone(key));
            let bytes = bytes_of(&record);
            self.outbox.check_room(1, bytes)?;
            let put = self.outbox.put(txn, collection, Operation::Delete, &[record]).await;
            put.internal("writing into the outbox")?;
            let (rows, all_bytes) = arrived.entry(collection.backend).or_default();
            (*rows, *all_bytes) = (*rows + 1, *all_bytes + bytes);
        }
        let act = Act::on("record.delete", "record", key).with(json!({"collection": collection.name}));
        audit::note(txn, principal, act).await
    }
}

/// A record that was checked before its collection was declared anew.
fn changed(collection: &Collection, record: &Record) -> Result<Arc<Record>> {
    if let Some(field) = record.fields.keys().find(|name| collection.field(name).is_none()) {
        let message = format!(
            "{field}: {} has no such field any more, its declaration was changed just now; nothing of this was stored",
            collection.name
        );
        return Err(Error::invalid(field, codes::UNKNOWN_FIELD, message));
    }
    let mut record = record.clone();
    give_defaults(collection, &mut record);
    Ok(Arc::new(record))
}

/// What is left of a record that is deleted.
fn gone(key: &str) -> Record {
    let at_ms = hvac_store::now().timestamp_millis();
    Record { key: key.to_owned(), created_at_ms: at_ms, updated_at_ms: at_ms, fields: serde_json::Map::new() }
}

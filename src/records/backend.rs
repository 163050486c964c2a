//! What keeps records: five verbs, and who carries them out for which collection.
//!
//! A backend knows nothing of requests, roles or events: it keeps what was checked, and answers what was made of a
//! query. The embedded one stands in the metadata database and is written by the group commit itself (`writer.rs`); all
//! others are written from the outbox, in order, and may be away for a while.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

use super::collection::{BackendKind, Collection};
use crate::error::{Error, Result, codes};

/// A record as it is kept: checked, with its defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Tells it apart within its collection.
    pub key: String,
    /// When it was first written, UTC ms. A later write of the same key does not change it.
    pub created_at_ms: i64,
    /// When its state is of, UTC ms: of two writes of a key the later one counts, of two of the same time the second.
    pub updated_at_ms: i64,
    /// Its declared fields but the key, by name; those that it has not are left out. Times are texts such as
    /// `2026-01-01T00:00:00.000Z`, so that their order is that of the texts.
    pub fields: Map<String, Value>,
}

/// Which records are asked for, and how many of them.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordQuery {
    /// All of them must hold.
    pub filters: Vec<Filter>,
    /// What they are sorted by: a field, the key, `created_at` or `updated_at`; then by the key, upwards.
    pub sort_by: String,
    /// Whether the last comes first. What has no value comes before all others, and behind them when this is set.
    pub descending: bool,
    /// How many are left out.
    pub offset: u64,
    /// How many are wanted; with 0 only their number is.
    pub limit: u64,
}

/// What a record must be like.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// A field, or the key, has one of these values (of the field's type; a time as [`Record::fields`] writes it).
    Is(String, Vec<Value>),
    /// A field has any value.
    Has(String),
    /// Its key comes behind this one: of the next page of a reading of all, whose total nobody asks for.
    KeyAfter(String),
    /// A time, declared or one of the two that every record has, is at or after `from` and before `to`, UTC ms.
    Between {
        /// Which.
        time: String,
        /// From when on.
        from_ms: Option<i64>,
        /// Until when.
        to_ms: Option<i64>,
    },
}

/// A part of what a query found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// All that match; any number where [`Filter::KeyAfter`] is asked for.
    pub total: u64,
    /// Those that were wanted.
    pub records: Vec<Record>,
}

/// Why a backend did not do something.
#[derive(Debug)]
pub enum BackendFailure {
    /// It cannot be reached, or cannot work for now: trying again makes sense.
    Down(Error),
    /// It will not: trying again makes no sense. Of a write of several records it is not said which one.
    Refused(Error),
}

impl From<BackendFailure> for Error {
    fn from(failure: BackendFailure) -> Self {
        match failure {
            BackendFailure::Down(error) | BackendFailure::Refused(error) => error,
        }
    }
}

/// What a verb gives.
pub type Done<T> = std::result::Result<T, BackendFailure>;

/// What keeps records of some collections.
pub trait RecordBackend: Send + Sync + Debug {
    /// Makes what a collection needs, or makes of what it needed (`before`, as it was applied) what it needs now. What is
    /// there already is no failure: it may have been made before a crash.
    fn prepare<'a>(&'a self, collection: &'a Collection, before: Option<&'a Collection>) -> BoxFuture<'a, Done<()>>;

    /// Whether it can answer that. A backend that keeps records by key alone refuses a filter on what it has no list of,
    /// with [`codes::BACKEND_CANNOT`], naming itself.
    ///
    /// # Errors
    /// When it cannot.
    fn check(&self, _collection: &Collection, _query: &RecordQuery) -> Result<()> {
        Ok(())
    }

    /// Writes records, all of them or none; each key stands there once. Of a key that is there already, what is kept
    /// stays when it is later ([`Record::updated_at_ms`]), and is taken the place of else.
    fn write<'a>(&'a self, collection: &'a Collection, records: &'a [Record]) -> BoxFuture<'a, Done<()>>;

    /// The record of a key.
    fn read<'a>(&'a self, collection: &'a Collection, key: &'a str) -> BoxFuture<'a, Done<Option<Record>>>;

    /// The records that match.
    fn query<'a>(&'a self, collection: &'a Collection, query: &'a RecordQuery) -> BoxFuture<'a, Done<Found>>;

    /// Deletes the records of these keys; with `before_ms` only those whose state is older. Answers how many there were.
    fn delete<'a>(
        &'a self,
        collection: &'a Collection,
        keys: &'a [String],
        before_ms: Option<i64>,
    ) -> BoxFuture<'a, Done<u64>>;

    /// Whether it answers.
    fn health(&self) -> BoxFuture<'_, Done<()>>;
}

/// Who keeps what.
#[derive(Debug, Default)]
pub struct Backends(BTreeMap<BackendKind, Arc<dyn RecordBackend>>);

impl Backends {
    /// With one more.
    #[must_use]
    pub fn with(mut self, kind: BackendKind, backend: Arc<dyn RecordBackend>) -> Self {
        self.0.insert(kind, backend);
        self
    }

    /// Who keeps a collection.
    ///
    /// # Errors
    /// `backend_not_set_up` when the settings name no server of that kind.
    pub fn of(&self, collection: &Collection) -> Result<&Arc<dyn RecordBackend>> {
        self.0.get(&collection.backend).ok_or_else(|| {
            let (name, kind) = (&collection.name, collection.backend.word());
            let message = format!("{name} is kept by {kind}, and the settings name no such server");
            Error::new(codes::BACKEND_NOT_SET_UP, message)
        })
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (BackendKind, &Arc<dyn RecordBackend>)> {
        self.0.iter().map(|(kind, backend)| (*kind, backend))
    }

    /// Whether there is one of that kind.
    #[must_use]
    pub fn has(&self, kind: BackendKind) -> bool {
        self.0.contains_key(&kind)
    }
}

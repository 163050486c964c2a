//! Reading: one record, a list of them, the children of one. What waits for another server is seen as if it were there.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::backend::{Filter, Record, RecordQuery};
use super::collection::{BackendKind, Collection};
use super::list::Asked;
use super::outbox::Operation;
use super::record::shown_record;
use super::{Records, expiry, list, routes};
use crate::error::{Error, Result, codes};
use crate::limits::Page;
use crate::principal::Role;

/// Records of a collection that are looked at, at most, for a list that no index helps with.
const MOST_SCANNED: u64 = 100_000;

/// A page of records.
#[derive(Debug, Clone, Serialize)]
pub struct RecordPage {
    /// The page.
    #[serde(flatten)]
    pub page: Page<Value>,
    /// Fields without an index that were looked for: every record was looked at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scanned: Vec<String>,
}

impl Records {
    /// The record of a key.
    ///
    /// # Errors
    /// 404 when there is none, or it lived long enough; 503 when its server is away.
    pub async fn record(&self, collection: &Collection, key: &str) -> Result<Record> {
        let inner = &self.0;
        let layout = inner.layouts.hold(collection.backend).await?;
        let collection = layout.get(&collection.name).map_or(collection, |own| own);
        let pending = match collection.backend {
            BackendKind::Sqlite => None,
            _ => inner.outbox.pending(collection, key).await?,
        };
        let found = match pending {
            Some((Operation::Delete, _)) => None,
            Some((Operation::Write, pending)) => {
                // What is there already may be later; when it cannot be asked, what waits is the latest that is known.
                let there = inner.backends.of(collection)?.read(collection, key).await.ok().flatten();
                there.filter(|there| there.updated_at_ms > pending.updated_at_ms).or(Some(pending))
            }
            None => inner.backends.of(collection)?.read(collection, key).await?,
        };
        let is_alive = |record: &Record| expiry::since(collection).is_none_or(|since| record.updated_at_ms >= since);
        found.filter(is_alive).ok_or_else(|| {
            let (name, item) = (&collection.name, &collection.item);
            let message = format!("{name} has no {item} '{key}'; GET /api/{} lists them", collection.route);
            Error::new(codes::UNKNOWN_RECORD, message)
        })
    }

    /// One record as it is shown, with how many children it has, by their state: of collections that this role may read.
    ///
    /// # Errors
    /// As [`Self::record`].
    pub async fn get(&self, collection: &Collection, key: &str, role: Role) -> Result<Value> {
        let record = self.record(collection, key).await?;
        let mut shown = shown_record(collection, &record);
        let registry = self.registry();
        let mut counts = Map::new();
        let may_read = |child: &&Arc<Collection>| role.may(child.read);
        for child in routes::children(&registry.collections, &collection.name).filter(may_read) {
            counts.insert(child.list.clone(), self.counts(child, key).await?);
        }
        if let Some(fields) = shown.as_object_mut().filter(|_| !counts.is_empty()) {
            fields.insert("counts".to_owned(), Value::Object(counts));
        }
        Ok(shown)
    }

    /// Children of a record: how many, and by their state.
    async fn counts(&self, child: &Collection, parent: &str) -> Result<Value> {
        let Some(of_parent) = of_parent(child, parent) else { return Ok(Value::Null) };
        let total = self.found(child, number_of(vec![of_parent.clone()], child)).await?.0;
        let Some(states) = &child.states else { return Ok(json!({"total": total})) };
        let mut by_state = Map::new();
        for state in child.all_states() {
            let of_state = Filter::Is(states.field.clone(), vec![state.clone().into()]);
            let (number, _) = self.found(child, number_of(vec![of_parent.clone(), of_state], child)).await?;
            by_state.insert(state.clone(), number.into());
        }
        let by = format!("by_{}", states.field);
        Ok(json!({"total": total, by: by_state}))
    }

    /// A page of a collection; of one parent's children, where there is one.
    ///
    /// # Errors
    /// 422 for what cannot be asked for, or would look at too many records; 404 for a parent that is not there.
    pub async fn list(
        &self,
        collection: &Collection,
        parent: Option<&str>,
        pairs: &[(String, String)],
    ) -> Result<RecordPage> {
        let mut asked = list::asked(collection, pairs, self.0.zone)?;
        asked.query.filters.extend(self.parent_filter(collection, parent).await?);
        self.page(collection, asked).await
    }

    /// What a list of these words filters by.
    pub(super) async fn filters(
        &self,
        collection: &Collection,
        parent: Option<&str>,
        pairs: &[(String, String)],
    ) -> Result<Vec<Filter>> {
        let mut filters = list::asked(collection, pairs, self.0.zone)?.query.filters;
        filters.extend(self.parent_filter(collection, parent).await?);
        Ok(filters)
    }

    async fn parent_filter(&self, collection: &Collection, parent: Option<&str>) -> Result<Option<Filter>> {
        let Some(parent) = parent else { return Ok(None) };
        self.parent_is_there(collection, parent).await?;
        Ok(of_parent(collection, parent))
    }

    pub(super) async fn page(&self, collection: &Collection, asked: Asked) -> Result<RecordPage> {
        let Asked { query, paging, scanned } = asked;
        if !scanned.is_empty() {
            let (all, _) = self.found(collection, number_of(Vec::new(), collection)).await?;
            if all > MOST_SCANNED {
                let fields = scanned.join(", ");
                let way_out = match scanned.as_slice() {
                    [one] if one == list::SEARCH => "look for words of three letters and more, or ask by a field",
                    _ => "declare index = true for it, or ask by another field",
                };
                let message = format!(
                    "{fields}: without an index this would look at all {all} records, and more than {MOST_SCANNED} are not; \
                     {way_out}"
                );
                return Err(Error::invalid(&fields, codes::SCAN_TOO_LARGE, message));
            }
        }
        let (total, records) = self.found(collection, query).await?;
        let items = records.iter().map(|record| shown_record(collection, record)).collect();
        Ok(RecordPage { page: Page::of(paging, total, items), scanned })
    }

    async fn parent_is_there(&self, child: &Collection, key: &str) -> Result<()> {
        let registry = self.registry();
        let parent = child.parent.as_ref().and_then(|parent| registry.collection(&parent.collection));
        match parent {
            Some(parent) => self.record(parent, key).await.map(drop),
            None => Ok(()),
        }
    }

    /// The next records behind a key in the order of keys, and the key to go on from; none behind the last.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn page_after(
        &self,
        collection: &Collection,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Record>, Option<String>)> {
        let filters = after.map(|after| Filter::KeyAfter(after.to_owned())).into_iter().collect();
        let sort_by = collection.key.clone();
        let query = RecordQuery { filters, sort_by, descending: false, offset: 0, limit: limit as u64 };
        let (_, records) = self.found(collection, query).await?;
        let last = records.last().filter(|_| records.len() == limit).map(|record| record.key.clone());
        Ok((records, last))
    }

    /// What matches, and how much there is of it: for whoever asks in other words than a list's, after he looked who asks.
    ///
    /// # Errors
    /// 422 for what the collection's backend cannot find; 503 when it is away.
    pub async fn found(&self, collection: &Collection, mut query: RecordQuery) -> Result<(u64, Vec<Record>)> {
        let inner = &self.0;
        if collection.backend != BackendKind::Sqlite && inner.outbox.waits_of(collection).await? {
            // Lists are made by the server alone: it has to have everything first.
            inner.flush_kind(collection.backend, true).await?;
        }
        let layout = inner.layouts.hold(collection.backend).await?;
        let collection = layout.get(&collection.name).map_or(collection, |own| own);
        query.filters.extend(expiry::alive(collection));
        let backend = inner.backends.of(collection)?;
        backend.check(collection, &query)?;
        let found = backend.query(collection, &query).await?;
        Ok((found.total, found.records))
    }
}

/// Which records are children of that one.
pub(super) fn of_parent(child: &Collection, parent: &str) -> Option<Filter> {
    child.parent.as_ref().map(|own| Filter::Is(own.field.clone(), vec![parent.into()]))
}

/// Only their number.
fn number_of(filters: Vec<Filter>, collection: &Collection) -> RecordQuery {
    RecordQuery { filters, sort_by: collection.key.clone(), descending: false, offset: 0, limit: 0 }
}

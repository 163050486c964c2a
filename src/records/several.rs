//! Records of several keys, or of several parents, at once.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Records;
use super::backend::{Filter, RecordQuery};
use super::collection::Collection;
use super::record::shown_record;
use crate::error::{Error, Result, codes};

/// Children that are looked up at once.
const MOST_CHILDREN: u64 = 2000;

impl Records {
    /// The records of these keys that there are, as they are shown, by key.
    ///
    /// # Errors
    /// When they cannot be asked for.
    pub async fn of_keys(&self, collection: &Collection, keys: &[String]) -> Result<BTreeMap<String, Value>> {
        let is_one = Filter::Is(collection.key.clone(), keys.iter().map(|key| key.as_str().into()).collect());
        let limit = keys.len() as u64;
        let query =
            RecordQuery { filters: vec![is_one], sort_by: collection.key.clone(), descending: false, offset: 0, limit };
        let (_, records) = self.found(collection, query).await?;
        Ok(records.into_iter().map(|record| (record.key.clone(), shown_record(collection, &record))).collect())
    }

    /// The children of these parents in a collection, as they are shown, the latest first, by parent.
    ///
    /// # Errors
    /// `query_too_costly` when there are more than are looked up at once; when they cannot be asked for.
    pub async fn of_parents(&self, child: &Collection, parents: &[String]) -> Result<BTreeMap<String, Vec<Value>>> {
        let Some(parent) = &child.parent else { return Ok(BTreeMap::new()) };
        let is_one = Filter::Is(parent.field.clone(), parents.iter().map(|key| key.as_str().into()).collect());
        let sort_by = child.time.clone();
        let query = RecordQuery { filters: vec![is_one], sort_by, descending: true, offset: 0, limit: MOST_CHILDREN };
        let (total, records) = self.found(child, query).await?;
        if total > MOST_CHILDREN {
            let name = &child.name;
            let message = format!(
                "{name}: there are {total} of those that are asked about, and at most {MOST_CHILDREN} are answered at once; ask \
                 for {name} by a page of their own"
            );
            return Err(Error::new(codes::QUERY_TOO_COSTLY, message));
        }
        let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for record in records {
            let of = record.fields.get(&parent.field).and_then(Value::as_str).unwrap_or_default().to_owned();
            found.entry(of).or_default().push(shown_record(child, &record));
        }
        Ok(found)
    }
}

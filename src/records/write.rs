//! Writing and deleting: what a request says is checked, written, and answered after the commit.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use super::Records;
use super::closest::advice;
use super::collection::{BackendKind, Collection};
use super::record::{Wrong, bytes_of, checked};
use super::writer::Change;
use crate::error::{Code, Detail, Error, Result, codes};
use crate::principal::Principal;
use hvac_store::now;

/// Most records of a batch.
pub const MOST_RECORDS: usize = 1000;
/// Most things that are told of what is wrong.
const MOST_NAMED: usize = 100;

/// What was accepted: it is durable.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Accepted {
    /// `accepted`.
    pub status: &'static str,
    /// Of which collection.
    pub collection: String,
    /// How many records.
    pub count: usize,
    /// Records that were not, where a part was asked for: which one, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<RejectedItem>,
}

/// A record of a batch that was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RejectedItem {
    /// Its place in the batch, counted from 0.
    pub index: usize,
    /// Its field; none when it is all of it.
    pub field: Option<String>,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl Records {
    /// Writes one record.
    ///
    /// # Errors
    /// 422 for what is wrong about it; 503 when it cannot be kept now.
    pub async fn write_one(&self, collection: &Arc<Collection>, given: &Value) -> Result<Accepted> {
        let reserved = self.registry().routes.reserved_keys(collection);
        let record = checked(collection, given, &reserved, now().timestamp_millis()).map_err(|wrong| {
            let message = wrong.first().map(|wrong| wrong.message.clone()).unwrap_or_default();
            let error = Error::new(code_of(&wrong), message);
            wrong.into_iter().take(MOST_NAMED).fold(error, |error, wrong| {
                error.with_detail(Detail { field: wrong.field, message: wrong.message, ..Detail::default() })
            })
        })?;
        self.accept(collection, vec![Arc::new(record)], Vec::new()).await
    }

    /// Writes a batch, `{"<list>": [ … ]}`: all of it or nothing, unless a part is wanted.
    ///
    /// # Errors
    /// 422 for a batch of another shape, of too many records, or with wrong ones, naming each by its place and field.
    pub async fn write_batch(
        &self,
        collection: &Arc<Collection>,
        body: &Map<String, Value>,
        partial: bool,
    ) -> Result<Accepted> {
        let (list, given) = batch_of(collection, body)?;
        if given.len() > MOST_RECORDS {
            let message = format!("{list}: it has {} records; send at most {MOST_RECORDS} at once", given.len());
            return Err(Error::invalid(list, codes::TOO_MANY_RECORDS, message));
        }
        let (now_ms, reserved) = (now().timestamp_millis(), self.registry().routes.reserved_keys(collection));
        let (mut records, mut rejected) = (Vec::with_capacity(given.len()), Vec::new());
        let mut code = codes::INVALID_RECORDS;
        for (index, given) in given.iter().enumerate() {
            match checked(collection, given, &reserved, now_ms) {
                Ok(record) => records.push(Arc::new(record)),
                Err(wrong) => {
                    if code == codes::INVALID_RECORDS {
                        code = code_of(&wrong);
                    }
                    rejected.extend(wrong.into_iter().map(|wrong| {
                        let message = format!("{list}[{index}]: {}", wrong.message);
                        RejectedItem { index, field: wrong.field, message }
                    }));
                }
            }
        }
        if let Some(first) = rejected.first().filter(|_| !partial) {
            let all = format!("{}; nothing of the batch was stored", first.message);
            let error = Error::new(code, all);
            return Err(rejected.into_iter().take(MOST_NAMED).fold(error, |error, wrong| {
                let place = match wrong.field {
                    Some(field) => format!("{list}[{}].{field}", wrong.index),
                    None => format!("{list}[{}]", wrong.index),
                };
                error.with_detail(Detail { field: Some(place), message: wrong.message, ..Detail::default() })
            }));
        }
        self.accept(collection, records, rejected).await
    }

    async fn accept(
        &self,
        collection: &Arc<Collection>,
        records: Vec<Arc<super::backend::Record>>,
        rejected: Vec<RejectedItem>,
    ) -> Result<Accepted> {
        let count = records.len();
        if collection.backend != BackendKind::Sqlite {
            self.0.outbox.check_room(count as u64, records.iter().map(|record| bytes_of(record)).sum())?;
        }
        if count > 0 {
            self.0.writer.write(vec![Change::Write(Arc::clone(collection), records)]).await?;
        }
        Ok(Accepted { status: "accepted", collection: collection.name.clone(), count, rejected })
    }

    /// Deletes a record; who did it is noted.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn delete(&self, collection: &Arc<Collection>, key: &str, principal: Arc<Principal>) -> Result<()> {
        self.record(collection, key).await?;
        self.0.writer.write(vec![Change::Delete(Arc::clone(collection), key.to_owned(), principal)]).await
    }
}

/// A name that is no field's is refused as it is everywhere.
fn code_of(wrong: &[Wrong]) -> &'static Code {
    if wrong.iter().any(|wrong| wrong.is_unknown) { codes::UNKNOWN_FIELD } else { codes::INVALID_RECORDS }
}

/// The records of a body, and the word that they stand under.
fn batch_of<'b>(collection: &Collection, body: &'b Map<String, Value>) -> Result<(&'b str, &'b [Value])> {
    let known = [collection.list.as_str(), collection.name.as_str()];
    let mut found = None;
    for (name, value) in body {
        if !known.contains(&name.as_str()) {
            let message = format!("{name}: there is no such field; {}", advice(name, [collection.list.as_str()]));
            return Err(Error::invalid(name, codes::UNKNOWN_FIELD, message));
        }
        if let Some((other, _)) = found.replace((name.as_str(), value)) {
            let message = format!("{name}: {other} means the same; send the records under one of the two");
            return Err(Error::invalid(name, codes::INVALID_FIELD, message));
        }
    }
    let list = &collection.list;
    let missing = || {
        let message = format!("{list}: a batch is written as {{\"{list}\": [ … ]}}");
        Error::invalid(list, codes::INVALID_FIELD, message)
    };
    let (name, value) = found.ok_or_else(missing)?;
    let records = value.as_array().ok_or_else(missing)?;
    if records.is_empty() {
        let message = format!("{name}: it has no record");
        return Err(Error::invalid(name, codes::INVALID_FIELD, message));
    }
    Ok((name, records))
}

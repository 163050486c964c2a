//! A Redis as what keeps records: whole records by key, and sorted sets by what they are found by.
//!
//! Of each declared index, the key and the two times there is a set whose members are a value and a key, in an order in
//! which bytes compare as the values do (`sortable`). So a list by key, by index or by time reads only what it shows; all
//! else is refused, and so is what would keep the Redis busy. Each verb is one script, which nobody else's comes between;
//! what has outlived its time is taken out of the sets before anything is looked for.

use std::time::Duration;

use ::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use ::redis::{ConnectionAddr, FromRedisValue, RedisError};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};

use super::backend::{BackendFailure, Done, Filter, Found, Record, RecordBackend, RecordQuery};
use super::collection::{CREATED_AT, Collection, Field, FieldType, UPDATED_AT};
use super::record::give_defaults;
use super::search::no_search;
use crate::config::ServerAddress;
use crate::error::{Context, Error, Result, codes};
use crate::times::ms_of;
use hvac_store::cache::redis_client;
use hvac_store::trust;

/// How long a script may take.
const ASKING: Duration = Duration::from_secs(10);
/// How long connecting may take.
const CONNECTING: Duration = Duration::from_secs(2);
/// Records of one script: what keeps everybody else waiting.
const AT_ONCE: usize = 200;
/// Keys of one script that looks at each: the same.
const LOOKED_AT: u64 = 50_000;
/// Between a value and its key in a member; no text has it.
const BETWEEN: char = '\0';
/// Before a value, and instead of one: what has none comes first.
const SOME: char = '\u{1}';
const NONE: char = '\0';

const WRITE: &str = include_str!("redis/write.lua");
const QUERY: &str = include_str!("redis/query.lua");
const DELETE: &str = include_str!("redis/delete.lua");

/// A Redis.
pub struct Redis {
    connection: ConnectionManager,
    by_tls: bool,
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redis")
    }
}

impl Redis {
    /// Of that address; connects later.
    ///
    /// # Errors
    /// `bad_setting` when the address cannot be used; it may hold a password, so it is not repeated.
    pub fn new(address: &ServerAddress) -> Result<Self> {
        let client = redis_client("RECORDS_REDIS_URL", address.url.expose(), address.authorities.as_deref())?;
        let by_tls = matches!(client.get_connection_info().addr(), ConnectionAddr::TcpTls { .. });
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECTING))
            .set_response_timeout(Some(ASKING))
            .set_number_of_retries(1);
        let connection = ConnectionManager::new_lazy_with_config(client, config).internal("opening a Redis")?;
        Ok(Self { connection, by_tls })
    }

    async fn ask<T: FromRedisValue>(&self, command: &::redis::Cmd) -> Done<T> {
        let mut connection = self.connection.clone();
        command.query_async(&mut connection).await.map_err(|error| self.failure(error))
    }

    fn failure(&self, error: RedisError) -> BackendFailure {
        // Its own words could tell the address.
        let why = match trust::refused(&error) {
            Some(why) => why,
            // One that waits for a whole line of what begins a handshake says nothing.
            None if self.by_tls && error.is_timeout() => "no answer in time; it may speak no TLS",
            None => error.code().unwrap_or_else(|| error.category()),
        };
        let message = format!("Redis cannot be used now ({why})");
        BackendFailure::Down(Error::new(codes::BACKEND_DOWN, message).with_retry_after(10).with_source(error))
    }

    async fn write_part(&self, collection: &Collection, records: &[Record]) -> Done<()> {
        let fields = indexed(collection);
        let mut command = ::redis::cmd("EVAL");
        command
            .arg(WRITE)
            .arg(0)
            .arg(prefix(collection))
            .arg(collection.ttl_s.unwrap_or_default().saturating_mul(1000));
        command.arg(json!(fields).to_string());
        for record in records {
            let values: Vec<String> = fields.iter().map(|field| member(collection, field, record)).collect();
            command
                .arg(&record.key)
                .arg(record.updated_at_ms)
                .arg(record.created_at_ms)
                .arg(Value::Object(record.fields.clone()).to_string())
                .arg(json!(values).to_string());
        }
        self.ask(&command).await
    }
}

/// How everything in the Redis begins that is a collection's: its braces keep it together where there are several.
fn prefix(collection: &Collection) -> String {
    format!("hvac:records:{{{}}}:", collection.name)
}

/// What there is a set of.
fn indexed(collection: &Collection) -> Vec<&str> {
    let own = collection.fields.iter().filter(|field| field.index && field.name != collection.key);
    let own = own.map(|field| field.name.as_str());
    [collection.key.as_str(), CREATED_AT, UPDATED_AT].into_iter().chain(own).collect()
}

/// A value as a text whose bytes compare as the values do; none when the field cannot have it.
fn sortable(kind: FieldType, value: &Value) -> Option<String> {
    Some(match kind {
        FieldType::Text | FieldType::Json => value.as_str()?.to_owned(),
        FieldType::Integer => sortable_integer(value.as_i64()?),
        FieldType::Time => sortable_integer(ms_of(value.as_str()?)?),
        FieldType::Boolean => u8::from(value.as_bool()?).to_string(),
        FieldType::Number => {
            // Both zeros are one.
            let bits = (value.as_f64()? + 0.0).to_bits();
            let ordered = if bits >> 63 == 0 { bits | 1 << 63 } else { !bits };
            format!("{ordered:016x}")
        }
    })
}

fn sortable_integer(number: i64) -> String {
    format!("{:016x}", number.cast_unsigned() ^ 1 << 63)
}

/// What stands in a set of a record, but its key.
fn member(collection: &Collection, field: &str, record: &Record) -> String {
    let value = if field == collection.key {
        Some(record.key.clone())
    } else if field == CREATED_AT {
        Some(sortable_integer(record.created_at_ms))
    } else if field == UPDATED_AT {
        Some(sortable_integer(record.updated_at_ms))
    } else {
        let kind = collection.field(field).map_or(FieldType::Text, |field| field.kind);
        record.fields.get(field).and_then(|value| sortable(kind, value))
    };
    value.map_or_else(|| format!("{NONE}{BETWEEN}"), |value| format!("{SOME}{value}{BETWEEN}"))
}

/// The members that a filter finds, as `ZRANGEBYLEX` writes them; of what there is no set of, the field.
fn stretches(collection: &Collection, filter: &Filter) -> Value {
    match filter {
        Filter::Is(field, values) => {
            let kind = collection.field(field).map_or(FieldType::Text, |field| field.kind);
            let mut values: Vec<String> = values.iter().filter_map(|value| sortable(kind, value)).collect();
            values.sort_unstable();
            values.dedup();
            let stretch = |value: &String| [format!("[{SOME}{value}{BETWEEN}"), format!("({SOME}{value}{SOME}")];
            json!({"set": field, "stretches": values.iter().map(stretch).collect::<Vec<_>>()})
        }
        Filter::Has(field) if indexed(collection).contains(&field.as_str()) => {
            json!({"set": field, "stretches": [[format!("[{SOME}"), "+"]]})
        }
        Filter::Has(field) => json!({"has": field}),
        // Refused before: no record has a field without a name.
        Filter::Words(_) => json!({"has": ""}),
        Filter::KeyAfter(key) => {
            json!({"set": collection.key, "stretches": [[format!("[{SOME}{key}{SOME}"), "+"]]})
        }
        Filter::Between { time, from_ms, to_ms } => {
            let from = from_ms.map(sortable_integer).unwrap_or_default();
            let to = to_ms.map_or_else(|| "+".to_owned(), |to| format!("({SOME}{}", sortable_integer(to)));
            json!({"set": time, "stretches": [[format!("[{SOME}{from}"), to]]})
        }
    }
}

/// Whether a filter leaves out only what has outlived its time, which is out of the sets already.
fn is_of_the_dead(collection: &Collection, filter: &Filter) -> bool {
    let Filter::Between { time, from_ms: Some(from_ms), to_ms: None } = filter else { return false };
    let lives_ms = collection.ttl_s.and_then(|ttl| i64::try_from(ttl.saturating_mul(1000)).ok());
    time == UPDATED_AT && lives_ms.is_some_and(|lives| *from_ms <= hvac_store::now().timestamp_millis() - lives)
}

fn damaged() -> BackendFailure {
    BackendFailure::Down(Error::internal("what stands in Redis under a record's name is no record of ours"))
}

/// A record of what a script answers.
fn record(key: String, updated: &str, created: &str, fields: &str) -> Done<Record> {
    let fields: Map<String, Value> = serde_json::from_str(fields).map_err(|_| damaged())?;
    let ms = |text: &str| text.parse::<i64>().map_err(|_| damaged());
    Ok(Record { key, created_at_ms: ms(created)?, updated_at_ms: ms(updated)?, fields })
}

/// Why a Redis does not find something.
fn cannot(collection: &Collection, what: &str) -> Error {
    let known = indexed(collection).join(", ");
    let message = format!(
        "{} is kept by redis, which does not find records by '{what}': it goes by {known}; declare the field with \
         index = true, or keep the collection in a database",
        collection.name
    );
    Error::invalid(what, codes::BACKEND_CANNOT, message)
}

impl RecordBackend for Redis {
    fn prepare<'a>(&'a self, collection: &'a Collection, before: Option<&'a Collection>) -> BoxFuture<'a, Done<()>> {
        async move {
            let Some(before) = before else { return Ok(()) };
            let (old, new) = (indexed(before), indexed(collection));
            for gone in old.iter().filter(|field| !new.contains(field)) {
                self.ask::<()>(::redis::cmd("UNLINK").arg(format!("{}i:{gone}", prefix(collection)))).await?;
            }
            let is_new_default = |field: &Field| field.default.is_some() && before.field(&field.name).is_none();
            let has_all_sets = new.iter().all(|field| old.contains(field));
            if has_all_sets && before.ttl_s == collection.ttl_s && !collection.fields.iter().any(is_new_default) {
                return Ok(());
            }
            // Written again, by the sets that there are now.
            let page = u64::try_from(AT_ONCE).unwrap_or(u64::MAX);
            let mut all = RecordQuery {
                filters: Vec::new(),
                sort_by: collection.key.clone(),
                descending: false,
                offset: 0,
                limit: page,
            };
            loop {
                let mut found = self.query(before, &all).await?;
                found.records.iter_mut().for_each(|record| give_defaults(collection, record));
                self.write(collection, &found.records).await?;
                if found.records.is_empty() {
                    return Ok(());
                }
                all.offset += page;
            }
        }
        .boxed()
    }

    fn check(&self, collection: &Collection, query: &RecordQuery) -> Result<()> {
        let known = indexed(collection);
        for filter in &query.filters {
            let field = match filter {
                Filter::Words(_) => return Err(no_search(collection)),
                Filter::Is(field, _) | Filter::Has(field) | Filter::Between { time: field, .. } => field,
                Filter::KeyAfter(_) => &collection.key,
            };
            if !known.contains(&field.as_str()) {
                return Err(cannot(collection, field));
            }
        }
        if known.contains(&query.sort_by.as_str()) { Ok(()) } else { Err(cannot(collection, &query.sort_by)) }
    }

    fn write<'a>(&'a self, collection: &'a Collection, records: &'a [Record]) -> BoxFuture<'a, Done<()>> {
        async move {
            for part in records.chunks(AT_ONCE) {
                self.write_part(collection, part).await?;
            }
            Ok(())
        }
        .boxed()
    }

    fn read<'a>(&'a self, collection: &'a Collection, key: &'a str) -> BoxFuture<'a, Done<Option<Record>>> {
        async move {
            let mut command = ::redis::cmd("HMGET");
            command.arg(format!("{}r:{key}", prefix(collection))).arg(&["u", "c", "j"]);
            let found: (Option<String>, Option<String>, Option<String>) = self.ask(&command).await?;
            match found {
                (Some(updated), Some(created), Some(fields)) => {
                    record(key.to_owned(), &updated, &created, &fields).map(Some)
                }
                _ => Ok(None),
            }
        }
        .boxed()
    }

    fn query<'a>(&'a self, collection: &'a Collection, query: &'a RecordQuery) -> BoxFuture<'a, Done<Found>> {
        async move {
            let mut command = ::redis::cmd("EVAL");
            command
                .arg(QUERY)
                .arg(0)
                .arg(prefix(collection))
                .arg(&query.sort_by)
                .arg(u8::from(query.descending))
                .arg(query.offset)
                .arg(query.limit)
                .arg(LOOKED_AT)
                .arg(&collection.key);
            for filter in query.filters.iter().filter(|filter| !is_of_the_dead(collection, filter)) {
                command.arg(stretches(collection, filter).to_string());
            }
            let answer: Vec<String> = self.ask(&command).await?;
            let (total, rest) = answer.split_first().ok_or_else(damaged)?;
            if total == "many" {
                let message = format!(
                    "redis would look at more than {LOOKED_AT} records of {} for that: ask by one field only, sorted by the \
                     same one, or for a shorter time",
                    collection.name
                );
                return Err(BackendFailure::Refused(Error::new(codes::SCAN_TOO_LARGE, message)));
            }
            let total = total.parse().map_err(|_| damaged())?;
            let mut records = Vec::with_capacity(rest.len() / 4);
            for part in rest.chunks_exact(4) {
                let [key, updated, created, fields] = part else { return Err(damaged()) };
                records.push(record(key.clone(), updated, created, fields)?);
            }
            Ok(Found { total, records })
        }
        .boxed()
    }

    fn delete<'a>(
        &'a self,
        collection: &'a Collection,
        keys: &'a [String],
        before_ms: Option<i64>,
    ) -> BoxFuture<'a, Done<u64>> {
        async move {
            let mut deleted = 0;
            for part in keys.chunks(AT_ONCE) {
                let mut command = ::redis::cmd("EVAL");
                let before = before_ms.map(|before| before.to_string()).unwrap_or_default();
                command.arg(DELETE).arg(0).arg(prefix(collection)).arg(before).arg(part);
                deleted += self.ask::<u64>(&command).await?;
            }
            Ok(deleted)
        }
        .boxed()
    }

    fn health(&self) -> BoxFuture<'_, Done<()>> {
        async move { self.ask(&::redis::cmd("PING")).await }.boxed()
    }
}

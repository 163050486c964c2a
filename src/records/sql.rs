//! Records in tables: the statements, made from the declaration for whichever database asks for them.
//!
//! A table has the key, the two times of every record and a column for each field that is looked for; all other fields
//! stand in one JSON column. Times are whole numbers, UTC ms, so that they compare the same everywhere. Whoever calls says
//! by which connection, within a transaction of his own where there is more than one statement.

use crate::times::{ms_of, text_of};
use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use sea_orm::sea_query::{Alias, Expr, ExprTrait, Func, NullOrdering, OnConflict, Order, Query, SelectStatement};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Value as SqlValue};
use serde_json::{Map, Value};

use super::backend::{Filter, Found, Record, RecordQuery};
use super::collection::{CREATED_AT, Collection, Field, FieldType, UPDATED_AT};
use super::record::bytes_of;
use super::search;

/// All fields without a column of their own.
pub(super) const REST: &str = "_rest";
/// Rows of one statement: few statements, and no text of one that is worth no keeping.
const ROWS_AT_ONCE: usize = 128;
/// Values of one statement, below what every database takes.
const VALUES_AT_ONCE: usize = 30_000;
/// Bytes of one statement, about, below what every server takes unless one record alone has more.
const BYTES_AT_ONCE: u64 = 2 << 20;
/// Texts of this database differ in each letter and each blank, and stand in the order of their code points, as everywhere
/// else; MariaDB and MySQL name that differently, and each passes over what is meant for the other.
pub(super) const AS_WRITTEN: &str = "/*M! COLLATE utf8mb4_nopad_bin */ /*!80017 COLLATE utf8mb4_0900_bin */";

/// The next records behind a key, in the order of keys.
///
/// # Errors
/// When the database cannot be asked.
pub async fn page_after(
    db: &impl ConnectionTrait,
    collection: &Collection,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Record>, DbErr> {
    let mut select = select(collection);
    if let Some(after) = after {
        select.and_where(Expr::col(collection.key.clone()).gt(after));
    }
    select.order_by(collection.key.clone(), Order::Asc).limit(limit);
    rows(db, collection, &select).await
}

/// Writes records, each key once; what is there and later stays. Answers how many were written, and MySQL a greater number.
///
/// # Errors
/// When the database refuses a statement.
pub async fn write<R: Borrow<Record>>(
    db: &impl ConnectionTrait,
    collection: &Collection,
    records: &[R],
) -> Result<u64, DbErr> {
    let columns: Vec<&Field> = collection.columns().collect();
    let at_once = ROWS_AT_ONCE.min(VALUES_AT_ONCE / (columns.len() + 4));
    let backend = db.get_database_backend();
    let mut written = 0;
    for part in parts(records, at_once.max(1)) {
        let mut insert = Query::insert();
        insert.into_table(collection.table());
        let names = columns.iter().map(|column| column.name.clone());
        let fixed = [collection.key.clone(), CREATED_AT.to_owned(), UPDATED_AT.to_owned(), REST.to_owned()];
        insert.columns(fixed.into_iter().chain(names));
        for record in part {
            insert.values(row(collection, &columns, record.borrow()).into_iter().map(Expr::val)).map_err(defect)?;
        }
        insert.on_conflict(newer_wins(collection, &columns, backend));
        written += db.execute(&insert).await?.rows_affected();
    }
    Ok(written)
}

/// Of these records' keys those whose state there is later.
///
/// # Errors
/// When the database cannot be asked.
pub async fn later<R: Borrow<Record>>(
    db: &impl ConnectionTrait,
    collection: &Collection,
    records: &[R],
) -> Result<BTreeSet<String>, DbErr> {
    let mut later = BTreeSet::new();
    for part in records.chunks(ROWS_AT_ONCE) {
        let part = part.iter().map(Borrow::borrow);
        let of_key: BTreeMap<&str, i64> = part.map(|record| (record.key.as_str(), record.updated_at_ms)).collect();
        let mut select = Query::select();
        select.from(collection.table()).columns([collection.key.clone(), UPDATED_AT.to_owned()]);
        select.and_where(Expr::col(collection.key.clone()).is_in(of_key.keys().copied()));
        for row in db.query_all(&select).await? {
            let (key, at_ms): (String, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            if of_key.get(key.as_str()).is_some_and(|own| at_ms > *own) {
                later.insert(key);
            }
        }
    }
    Ok(later)
}

/// Records in as many parts as statements are needed for them.
fn parts<R: Borrow<Record>>(records: &[R], most: usize) -> impl Iterator<Item = &[R]> {
    let mut rest = records;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = rest.iter().take(most).take_while(|record| {
            let is_first = bytes == 0;
            bytes += bytes_of(R::borrow(record));
            is_first || bytes <= BYTES_AT_ONCE
        });
        let (part, others) = rest.split_at(fits.count());
        rest = others;
        (!part.is_empty()).then_some(part)
    })
}

/// The record of a key.
///
/// # Errors
/// When the database cannot be asked.
pub async fn read(db: &impl ConnectionTrait, collection: &Collection, key: &str) -> Result<Option<Record>, DbErr> {
    let mut select = select(collection);
    select.and_where(Expr::col(collection.key.clone()).eq(key));
    Ok(rows(db, collection, &select).await?.pop())
}

/// The records that match, and how many there are.
///
/// # Errors
/// When the database cannot be asked.
pub async fn query(db: &impl ConnectionTrait, collection: &Collection, query: &RecordQuery) -> Result<Found, DbErr> {
    let backend = db.get_database_backend();
    let mut count = Query::select();
    count.from(collection.table()).expr(Func::count(Expr::val(1)));
    let mut select = select(collection);
    for filter in &query.filters {
        for condition in conditions(collection, filter, backend) {
            count.and_where(condition.clone());
            select.and_where(condition);
        }
    }
    // Whoever goes on from a key wants no number, which would be counted anew for each page.
    let goes_on = query.filters.iter().any(|filter| matches!(filter, Filter::KeyAfter(_)));
    let total: i64 = match if goes_on { None } else { db.query_one(&count).await? } {
        Some(row) => row.try_get_by_index(0)?,
        None => i64::MAX,
    };
    let total = u64::try_from(total).unwrap_or_default();
    if query.limit == 0 || query.offset >= total {
        return Ok(Found { total, records: Vec::new() });
    }
    let (order, nulls) = match query.descending {
        false => (Order::Asc, NullOrdering::First),
        true => (Order::Desc, NullOrdering::Last),
    };
    let by = value_of(collection, &query.sort_by, backend);
    match backend {
        // As the others do by themselves.
        DbBackend::Postgres => select.order_by_expr_with_nulls(by, order, nulls),
        _ => select.order_by_expr(by, order),
    };
    if query.sort_by != collection.key {
        select.order_by(collection.key.clone(), Order::Asc);
    }
    select.offset(query.offset).limit(query.limit);
    Ok(Found { total, records: rows(db, collection, &select).await? })
}

/// Deletes the records of these keys, with `before_ms` only those whose state is older; answers how many there were.
///
/// # Errors
/// When the database refuses a statement.
pub async fn delete(
    db: &impl ConnectionTrait,
    collection: &Collection,
    keys: &[String],
    before_ms: Option<i64>,
) -> Result<u64, DbErr> {
    let mut deleted = 0;
    for part in keys.chunks(ROWS_AT_ONCE) {
        let mut delete = Query::delete();
        delete.from_table(collection.table()).and_where(Expr::col(collection.key.clone()).is_in(part));
        if let Some(before_ms) = before_ms {
            delete.and_where(Expr::col(UPDATED_AT).lt(before_ms));
        }
        deleted += db.execute(&delete).await?.rows_affected();
    }
    Ok(deleted)
}

/// What stands in a row, in the order of the columns.
fn row(collection: &Collection, columns: &[&Field], record: &Record) -> Vec<SqlValue> {
    let mut rest = Map::new();
    for (name, value) in &record.fields {
        if !columns.iter().any(|column| column.name == *name) && *name != collection.key {
            rest.insert(name.clone(), value.clone());
        }
    }
    let mut values: Vec<SqlValue> = vec![
        record.key.clone().into(),
        record.created_at_ms.into(),
        record.updated_at_ms.into(),
        Value::Object(rest).into(),
    ];
    values.extend(columns.iter().map(|column| sql_value(column.kind, record.fields.get(&column.name))));
    values
}

/// A value as its column holds it.
fn sql_value(kind: FieldType, value: Option<&Value>) -> SqlValue {
    match kind {
        FieldType::Text => value.and_then(Value::as_str).map(str::to_owned).into(),
        FieldType::Integer => value.and_then(Value::as_i64).into(),
        FieldType::Number => value.and_then(Value::as_f64).into(),
        FieldType::Boolean => value.and_then(Value::as_bool).into(),
        FieldType::Time => value.and_then(Value::as_str).and_then(ms_of).into(),
        FieldType::Json => value.cloned().into(),
    }
}

/// Takes the place of what is there, unless that is later.
fn newer_wins(collection: &Collection, columns: &[&Field], backend: DbBackend) -> OnConflict {
    let mut conflict = OnConflict::column(collection.key.clone());
    let names = [REST.to_owned()].into_iter().chain(columns.iter().map(|column| column.name.clone()));
    if backend == DbBackend::MySql {
        // It assigns from left to right: the time comes last, for all others look at the one that was there.
        let later = format!("VALUES(`{UPDATED_AT}`) >= `{UPDATED_AT}`");
        conflict.values(names.chain([UPDATED_AT.to_owned()]).map(|name| {
            let taken = format!("IF({later}, VALUES(`{name}`), `{name}`)");
            (name, Expr::cust(taken))
        }));
        return conflict;
    }
    conflict.update_columns(names.chain([UPDATED_AT.to_owned()]));
    let there = Expr::col((collection.table(), UPDATED_AT));
    conflict.action_and_where(Expr::col((Alias::new("excluded"), UPDATED_AT)).gte(there));
    conflict
}

/// All columns of the records, in the order in which [`record`] reads them.
fn select(collection: &Collection) -> SelectStatement {
    let mut select = Query::select();
    let names = collection.columns().map(|column| column.name.clone());
    let fixed = [collection.key.clone(), CREATED_AT.to_owned(), UPDATED_AT.to_owned(), REST.to_owned()];
    select.from(collection.table()).columns(fixed.into_iter().chain(names));
    select
}

async fn rows(
    db: &impl ConnectionTrait,
    collection: &Collection,
    select: &SelectStatement,
) -> Result<Vec<Record>, DbErr> {
    db.query_all(select).await?.iter().map(|row| record(collection, row)).collect()
}

fn record(collection: &Collection, row: &QueryResult) -> Result<Record, DbErr> {
    let rest: Value = row.try_get_by_index(3)?;
    let Value::Object(mut fields) = rest else {
        return Err(DbErr::Custom("what stands in a record's column is no object".to_owned()));
    };
    for (index, column) in collection.columns().enumerate() {
        let at = index + 4;
        let value: Option<Value> = match column.kind {
            FieldType::Text => row.try_get_by_index::<Option<String>>(at)?.map(Into::into),
            FieldType::Integer => row.try_get_by_index::<Option<i64>>(at)?.map(Into::into),
            FieldType::Number => row.try_get_by_index::<Option<f64>>(at)?.map(Into::into),
            FieldType::Boolean => row.try_get_by_index::<Option<bool>>(at)?.map(Into::into),
            FieldType::Time => row.try_get_by_index::<Option<i64>>(at)?.map(|at| text_of(at).into()),
            FieldType::Json => row.try_get_by_index(at)?,
        };
        if let Some(value) = value {
            fields.insert(column.name.clone(), value);
        }
    }
    Ok(Record {
        key: row.try_get_by_index(0)?,
        created_at_ms: row.try_get_by_index(1)?,
        updated_at_ms: row.try_get_by_index(2)?,
        fields,
    })
}

fn conditions(collection: &Collection, filter: &Filter, backend: DbBackend) -> Vec<Expr> {
    match filter {
        Filter::Is(name, values) => {
            let kind = match collection.field(name).map_or(FieldType::Text, |field| field.kind) {
                // In the JSON column it is a text, in the order of the times.
                FieldType::Time if !is_column(collection, name) => FieldType::Text,
                kind => kind,
            };
            let values: Vec<SqlValue> = values.iter().map(|value| sql_value(kind, Some(value))).collect();
            vec![value_of(collection, name, backend).is_in(values)]
        }
        Filter::Words(words) => search::conditions(collection, words, backend),
        Filter::Has(name) => vec![value_of(collection, name, backend).is_not_null()],
        Filter::KeyAfter(key) => vec![Expr::col(collection.key.clone()).gt(key.as_str())],
        Filter::Between { time, from_ms, to_ms } => {
            let at = || value_of(collection, time, backend);
            let bound =
                |ms: i64| -> SqlValue { if is_column(collection, time) { ms.into() } else { text_of(ms).into() } };
            let from = from_ms.map(|from| at().gte(bound(from)));
            from.into_iter().chain(to_ms.map(|to| at().lt(bound(to)))).collect()
        }
    }
}

fn is_column(collection: &Collection, name: &str) -> bool {
    [CREATED_AT, UPDATED_AT, collection.key.as_str()].contains(&name)
        || collection.field(name).is_some_and(|field| field.column)
}

/// A field of a row, of its type, wherever it stands; null where there is none.
fn value_of(collection: &Collection, name: &str, backend: DbBackend) -> Expr {
    if is_column(collection, name) {
        return Expr::col((collection.table(), name.to_owned()));
    }
    let kind = collection.field(name).map_or(FieldType::Text, |field| field.kind);
    // Names of fields are letters, digits and underscores: the declaration sees to that.
    Expr::cust(match backend {
        DbBackend::Postgres => {
            let text = format!("\"{REST}\" ->> '{name}'");
            match kind {
                FieldType::Integer => format!("({text})::bigint"),
                FieldType::Number => format!("({text})::double precision"),
                FieldType::Boolean => format!("({text})::boolean"),
                FieldType::Text | FieldType::Time | FieldType::Json => format!("({text}) COLLATE \"C\""),
            }
        }
        DbBackend::MySql => {
            let text = format!("JSON_UNQUOTE(JSON_EXTRACT(`{REST}`, '$.{name}'))");
            match kind {
                FieldType::Integer => format!("CAST({text} AS SIGNED)"),
                FieldType::Number => format!("CAST({text} AS DOUBLE)"),
                FieldType::Boolean => format!("({text} = 'true')"),
                FieldType::Text | FieldType::Time | FieldType::Json => format!("({text} {AS_WRITTEN})"),
            }
        }
        _ => format!("json_extract(\"{REST}\", '$.{name}')"),
    })
}

fn defect(error: sea_orm::sea_query::error::Error) -> DbErr {
    DbErr::Custom(error.to_string())
}

//! Records in tables: the statements, made from the declaration for whichever database asks for them.
//!
//! A table has the key, the two times of every record and a column for each field that is looked for; all other fields
//! stand in one JSON column. Times are whole numbers, UTC ms, so that they compare the same everywhere. Whoever calls says
//! by which connection, within a transaction of his own where there is more than one statement.

use sea_orm::sea_query::{
    Alias, ColumnDef, Expr, ExprTrait, Func, Index, IndexCreateStatement, NullOrdering, OnConflict, Order, Query,
    SelectStatement, Table, TableCreateStatement,
};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Value as SqlValue};
use serde_json::{Map, Value};

use super::backend::{Filter, Found, Record, RecordQuery};
use super::collection::{CREATED_AT, Collection, Field, FieldType, LONGEST_KEY, UPDATED_AT};
use super::times::{ms_of, text_of};

/// All fields without a column of their own.
const REST: &str = "_rest";
/// Rows of one statement: few statements, and no text of one that is worth no keeping.
const ROWS_AT_ONCE: usize = 128;
/// Values of one statement, below what every database takes.
const VALUES_AT_ONCE: usize = 30_000;
/// Rows that are rewritten at once when a field gets a column.
const PAGE: u64 = 500;

/// Makes the table of a collection, or brings it from what it was (`before`) to what it is now.
///
/// # Errors
/// When the database refuses a statement.
pub async fn prepare(
    db: &impl ConnectionTrait,
    collection: &Collection,
    before: Option<&Collection>,
) -> Result<(), DbErr> {
    let Some(before) = before else {
        db.execute(&create_table(collection, db.get_database_backend())).await?;
        for index in indexes(collection) {
            db.execute(&create_index(collection, index, db.get_database_backend())).await?;
        }
        return Ok(());
    };
    let had = |name: &str| before.columns().any(|column| column.name == name);
    let added: Vec<&Field> = collection.columns().filter(|column| !had(&column.name)).collect();
    for field in &added {
        let mut column = column(field, db.get_database_backend());
        let mut table = Table::alter();
        table.table(collection.table());
        match db.get_database_backend() {
            DbBackend::Postgres => table.add_column_if_not_exists(&mut column),
            _ => table.add_column(&mut column),
        };
        db.execute(&table.take()).await?;
    }
    let is_defaulted = |field: &&Field| field.default.is_some() && before.field(&field.name).is_none();
    let defaulted: Vec<&Field> = collection.fields.iter().filter(is_defaulted).collect();
    if !added.is_empty() || !defaulted.is_empty() {
        rewrite(db, collection, before, &defaulted).await?;
    }
    let (old, new): (Vec<_>, Vec<_>) = (indexes(before).collect(), indexes(collection).collect());
    for gone in old.iter().filter(|index| !new.contains(index)) {
        let name = index_name(collection, gone);
        let mut drop = Index::drop();
        drop.name(name).table(collection.table());
        db.execute(&drop).await?;
    }
    let has = |name: &str| collection.field(name).is_some_and(|field| field.column);
    for field in before.columns().filter(|field| !has(&field.name)) {
        db.execute(&Table::alter().table(collection.table()).drop_column(field.name.clone()).take()).await?;
    }
    for index in new.iter().filter(|index| !old.contains(index)) {
        db.execute(&create_index(collection, index, db.get_database_backend())).await?;
    }
    Ok(())
}

/// Writes every record again, so that what is a column now stands in it, and what has a default now has it.
async fn rewrite(
    db: &impl ConnectionTrait,
    collection: &Collection,
    before: &Collection,
    defaulted: &[&Field],
) -> Result<(), DbErr> {
    let mut after: Option<String> = None;
    loop {
        let mut page = page_after(db, before, after.as_deref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.key.clone());
        for record in &mut page {
            let defaults = defaulted.iter().filter_map(|field| Some((field.name.clone(), field.default.clone()?)));
            record.fields.extend(defaults);
        }
        write(db, collection, &page).await?;
    }
}

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

/// Writes records, each key once; what is there and later stays. Of SQLite and PostgreSQL the keys of those are answered
/// that were written.
///
/// # Errors
/// When the database refuses a statement.
pub async fn write(
    db: &impl ConnectionTrait,
    collection: &Collection,
    records: &[Record],
) -> Result<Vec<String>, DbErr> {
    let columns: Vec<&Field> = collection.columns().collect();
    let at_once = ROWS_AT_ONCE.min(VALUES_AT_ONCE / (columns.len() + 4));
    let backend = db.get_database_backend();
    let mut written = Vec::with_capacity(records.len());
    for part in records.chunks(at_once.max(1)) {
        let mut insert = Query::insert();
        insert.into_table(collection.table());
        let names = columns.iter().map(|column| column.name.clone());
        let fixed = [collection.key.clone(), CREATED_AT.to_owned(), UPDATED_AT.to_owned(), REST.to_owned()];
        insert.columns(fixed.into_iter().chain(names));
        for record in part {
            insert.values(row(collection, &columns, record).into_iter().map(Expr::val)).map_err(defect)?;
        }
        insert.on_conflict(newer_wins(collection, &columns, backend));
        if backend == DbBackend::MySql {
            db.execute(&insert).await?;
            continue;
        }
        insert.returning_col(collection.key.clone());
        for row in db.query_all(&insert).await? {
            written.push(row.try_get_by_index(0)?);
        }
    }
    Ok(written)
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

fn create_table(collection: &Collection, backend: DbBackend) -> TableCreateStatement {
    let mut key = text_column(&collection.key, LONGEST_KEY, backend);
    key.not_null().primary_key();
    let mut table = Table::create();
    table
        .table(collection.table())
        .if_not_exists()
        .col(&mut key)
        .col(ColumnDef::new(CREATED_AT).big_integer().not_null())
        .col(ColumnDef::new(UPDATED_AT).big_integer().not_null())
        .col(ColumnDef::new(REST).json_binary().not_null());
    for field in collection.columns() {
        table.col(column(field, backend));
    }
    if backend == DbBackend::MySql {
        // Keys differ in each letter, as they do everywhere else.
        table.character_set("utf8mb4").collate("utf8mb4_bin");
    }
    table.take()
}

/// A text of so many characters, in the order of its code points.
fn text_column(name: &str, longest: u64, backend: DbBackend) -> ColumnDef {
    let mut column = ColumnDef::new(name.to_owned());
    column.string_len(u32::try_from(longest).unwrap_or(u32::MAX));
    if backend == DbBackend::Postgres {
        column.extra("COLLATE \"C\"");
    }
    column
}

fn column(field: &Field, backend: DbBackend) -> ColumnDef {
    let mut column = ColumnDef::new(field.name.clone());
    match field.kind {
        FieldType::Text => return text_column(&field.name, field.max_length, backend),
        FieldType::Integer | FieldType::Time => column.big_integer(),
        FieldType::Number => column.double(),
        FieldType::Boolean => column.boolean(),
        FieldType::Json => column.json_binary(),
    };
    column
}

/// Names of what has an index, but the key.
fn indexes(collection: &Collection) -> impl Iterator<Item = &str> {
    let own = collection.fields.iter().filter(|field| field.index && field.name != collection.key);
    let time = [CREATED_AT, UPDATED_AT]
        .into_iter()
        .filter(|time| *time == collection.time || (*time == UPDATED_AT && collection.ttl_s.is_some()));
    own.map(|field| field.name.as_str()).chain(time)
}

fn index_name(collection: &Collection, column: &str) -> String {
    format!("ix_{}_{column}", collection.table())
}

fn create_index(collection: &Collection, column: &str, backend: DbBackend) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(index_name(collection, column)).table(collection.table()).col(column.to_owned());
    // Lists that are sorted by it go on by the key.
    index.col(collection.key.clone());
    if backend != DbBackend::MySql {
        index.if_not_exists();
    }
    index.take()
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
                FieldType::Text | FieldType::Time | FieldType::Json => text,
            }
        }
        _ => format!("json_extract(\"{REST}\", '$.{name}')"),
    })
}

fn defect(error: sea_orm::sea_query::error::Error) -> DbErr {
    DbErr::Custom(error.to_string())
}

//! Tables of records: made from the declaration, and brought from what it was to what it is.

use sea_orm::sea_query::{ColumnDef, Index, IndexCreateStatement, Table, TableCreateStatement};
use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sha2::{Digest, Sha256};

use super::collection::{CREATED_AT, Collection, Field, FieldType, LONGEST_INDEXED, LONGEST_KEY, UPDATED_AT};
use super::search;
use super::sql::{AS_WRITTEN, REST, page_after, write};
use hvac_store::objects::hex;

/// Longest name of an index that every database takes.
const LONGEST_NAME: usize = 60;
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
    let backend = db.get_database_backend();
    let Some(before) = before else {
        db.execute(&create_table(collection, backend)).await?;
        for index in indexes(collection) {
            there_already(backend, db.execute(&create_index(collection, index, backend)).await)?;
        }
        return search::prepare(db, collection, None).await;
    };
    search::let_go(db, collection, Some(before)).await?;
    let had = |name: &str| before.columns().any(|column| column.name == name);
    let added: Vec<&Field> = collection.columns().filter(|column| !had(&column.name)).collect();
    for field in &added {
        let mut column = column(field, backend);
        let mut table = Table::alter();
        table.table(collection.table());
        match backend {
            DbBackend::Postgres => table.add_column_if_not_exists(&mut column),
            _ => table.add_column(&mut column),
        };
        there_already(backend, db.execute(&table.take()).await)?;
    }
    let is_defaulted = |field: &&Field| field.default.is_some() && before.field(&field.name).is_none();
    let defaulted: Vec<&Field> = collection.fields.iter().filter(is_defaulted).collect();
    if !added.is_empty() || !defaulted.is_empty() {
        rewrite(db, collection, &defaulted).await?;
    }
    let (old, new): (Vec<_>, Vec<_>) = (indexes(before).collect(), indexes(collection).collect());
    for gone in old.iter().filter(|index| !new.contains(index)) {
        let mut index = Index::drop();
        index.name(index_name(collection, gone)).table(collection.table());
        if backend != DbBackend::MySql {
            index.if_exists();
        }
        there_already(backend, db.execute(&index).await)?;
    }
    let has = |name: &str| collection.field(name).is_some_and(|field| field.column);
    for field in before.columns().filter(|field| !has(&field.name)) {
        let dropped = Table::alter().table(collection.table()).drop_column(field.name.clone()).take();
        there_already(backend, db.execute(&dropped).await)?;
    }
    if backend == DbBackend::MySql {
        // Without an index a text may be longer than one that has some.
        let is_long = |field: &Field| field.kind == FieldType::Text && field.max_length > LONGEST_INDEXED;
        for field in
            collection.columns().filter(|field| before.field(&field.name).is_some_and(|b| is_long(b) != is_long(field)))
        {
            let changed = Table::alter().table(collection.table()).modify_column(column(field, backend)).take();
            db.execute(&changed).await?;
        }
    }
    for index in new.iter().filter(|index| !old.contains(index)) {
        there_already(backend, db.execute(&create_index(collection, index, backend)).await)?;
    }
    search::prepare(db, collection, Some(before)).await
}

/// MySQL changes tables outside of transactions, so what is to be made or dropped may have been so before a crash.
fn there_already<T>(backend: DbBackend, done: Result<T, DbErr>) -> Result<(), DbErr> {
    // A column, an index that is there; one that is not.
    const MADE_BEFORE: [&str; 3] = ["1060 ", "1061 ", "1091 "];
    match done {
        Err(error) if backend == DbBackend::MySql => {
            let text = error.to_string();
            let is_made =
                MADE_BEFORE.iter().any(|number| text.contains(&format!("error returned from database: {number}")));
            if is_made { Ok(()) } else { Err(error) }
        }
        other => other.map(drop),
    }
}

/// Writes every record again, so that what is a column now stands in it, and what has a default now has it. Read by what
/// is to be, for a crash may have come when a part was written: a value stands in its new column, or still where it was.
async fn rewrite(db: &impl ConnectionTrait, collection: &Collection, defaulted: &[&Field]) -> Result<(), DbErr> {
    let mut after: Option<String> = None;
    loop {
        let mut page = page_after(db, collection, after.as_deref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.key.clone());
        for record in &mut page {
            for (field, default) in defaulted.iter().filter_map(|field| Some((field, field.default.clone()?))) {
                record.fields.entry(field.name.clone()).or_insert(default);
            }
        }
        write(db, collection, &page).await?;
    }
}

fn create_table(collection: &Collection, backend: DbBackend) -> TableCreateStatement {
    let mut key = text_column(&collection.key, LONGEST_KEY, backend);
    if backend == DbBackend::MySql {
        key.string_len(characters(LONGEST_KEY));
    }
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
        table.extra(format!("CHARACTER SET utf8mb4 {AS_WRITTEN}"));
    }
    table.take()
}

/// A text, in the order of its code points. Its length is checked before it comes here: so nothing has to be done when
/// another one is declared.
fn text_column(name: &str, longest: u64, backend: DbBackend) -> ColumnDef {
    let mut column = ColumnDef::new(name.to_owned());
    match backend {
        DbBackend::Postgres => column.text().extra("COLLATE \"C\""),
        // What has an index must have a length there.
        DbBackend::MySql if longest <= LONGEST_INDEXED => column.string_len(characters(LONGEST_INDEXED)),
        DbBackend::MySql => column.custom("LONGTEXT"),
        _ => column.string_len(characters(longest)),
    };
    column
}

fn characters(longest: u64) -> u32 {
    u32::try_from(longest).unwrap_or(u32::MAX)
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
    let name = format!("ix_{}_{column}", collection.table());
    if name.len() <= LONGEST_NAME {
        return name;
    }
    let mut digits = hex(&Sha256::digest(name.as_bytes()));
    digits.truncate(16);
    format!("ix_{digits}")
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

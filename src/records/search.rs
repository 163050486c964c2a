//! Words of records: an index over the fields that are declared with `search`.
//!
//! SQLite finds a word anywhere in a text (trigrams, FTS5), PostgreSQL the beginnings of words (its own text search,
//! without a dictionary); neither minds their case. Of several words a record has to have each. PostgreSQL keeps its index
//! with each write. In SQLite a trigram index costs ten times what the record does, so a write only notes which records
//! it changes; what is noted is gathered bit by bit when nobody waits for it, and before anybody searches.

use std::collections::BTreeSet;

use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use super::collection::{BackendKind, Collection, FieldType};
use crate::error::{Context, Error, Result, codes};
use hvac_store::db::Db;

/// Characters of a word from which on trigrams find it.
const TRIGRAM: usize = 3;
/// Records of a note, which are gathered at once: others wait to write meanwhile.
const AT_ONCE: usize = 50;

/// The words of what somebody looks for.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Whether these words alone have every record looked at: no index finds one that is so short.
#[must_use]
pub fn looks_at_all(collection: &Collection, words: &[String]) -> bool {
    let is_short = |word: &String| word.chars().count() < TRIGRAM;
    collection.backend == BackendKind::Sqlite && !words.is_empty() && words.iter().all(is_short)
}

/// All texts of a row that are searched, as one; none when no field is. `row` is what stands before its columns.
fn texts(collection: &Collection, row: &str, backend: DbBackend) -> Option<String> {
    let searched = collection.fields.iter().filter(|field| field.search && field.kind == FieldType::Text);
    let text = |name: &str, has_column: bool| match backend {
        // Names of fields are letters, digits and underscores: the declaration sees to that.
        _ if has_column => format!("coalesce({row}\"{name}\", '')"),
        DbBackend::Postgres => format!("coalesce({row}\"_rest\" ->> '{name}', '')"),
        _ => format!("coalesce(json_extract({row}\"_rest\", '$.{name}'), '')"),
    };
    let all: Vec<String> =
        searched.map(|field| text(&field.name, field.column || field.name == collection.key)).collect();
    let line_end = if backend == DbBackend::Postgres { "chr(10)" } else { "char(10)" };
    (!all.is_empty()).then(|| all.join(&format!(" || {line_end} || ")))
}

/// Whether the index has to be made anew.
fn changes(collection: &Collection, before: Option<&Collection>, backend: DbBackend) -> bool {
    before.and_then(|before| texts(before, "", backend)) != texts(collection, "", backend)
}

/// Takes the index away where it will be another, before the table is changed.
///
/// # Errors
/// When the database refuses a statement.
pub(super) async fn let_go(
    db: &impl ConnectionTrait,
    collection: &Collection,
    before: Option<&Collection>,
) -> std::result::Result<(), DbErr> {
    let backend = db.get_database_backend();
    if !changes(collection, before, backend) {
        return Ok(());
    }
    let table = collection.table();
    match backend {
        DbBackend::Sqlite => {
            for name in ["trigrams", "rows", "noted"] {
                db.execute_unprepared(&format!("DROP TABLE IF EXISTS \"{table}__{name}\"")).await?;
            }
        }
        DbBackend::Postgres => {
            db.execute_unprepared(&format!("DROP INDEX IF EXISTS \"{}\"", index_name(collection))).await?;
        }
        _ => {}
    }
    Ok(())
}

/// Makes the index where it is another, after the table was changed.
///
/// # Errors
/// When the database refuses a statement.
pub(super) async fn prepare(
    db: &impl ConnectionTrait,
    collection: &Collection,
    before: Option<&Collection>,
) -> std::result::Result<(), DbErr> {
    let backend = db.get_database_backend();
    let Some(all) = texts(collection, "", backend).filter(|_| changes(collection, before, backend)) else {
        return Ok(());
    };
    let (table, key) = (collection.table(), &collection.key);
    let statements = match backend {
        DbBackend::Sqlite => vec![
            // A row's number in the index is one that stays: `rowid` of the records' own table does not.
            format!(
                "CREATE TABLE IF NOT EXISTS \"{table}__rows\" (number INTEGER PRIMARY KEY, record_key TEXT NOT NULL UNIQUE)"
            ),
            format!(
                "CREATE TABLE IF NOT EXISTS \"{table}__noted\" (number INTEGER PRIMARY KEY, record_keys TEXT NOT NULL)"
            ),
            format!(
                "CREATE VIRTUAL TABLE IF NOT EXISTS \"{table}__trigrams\" USING fts5 (text, content = '', \
                 contentless_delete = 1, tokenize = 'trigram')"
            ),
            format!(
                "INSERT INTO \"{table}__noted\" (record_keys) SELECT json_group_array(record_key) FROM \
                 (SELECT \"{key}\" AS record_key, row_number() OVER (ORDER BY \"{key}\") / {AT_ONCE} AS note \
                 FROM \"{table}\") GROUP BY note"
            ),
        ],
        DbBackend::Postgres => vec![format!(
            "CREATE INDEX IF NOT EXISTS \"{}\" ON \"{table}\" USING GIN (to_tsvector('simple', {all}))",
            index_name(collection)
        )],
        _ => Vec::new(),
    };
    for statement in statements {
        db.execute_unprepared(&statement).await?;
    }
    Ok(())
}

/// Notes which records of the metadata database are written or deleted, in the same transaction.
///
/// # Errors
/// When the database refuses a statement.
pub(super) async fn note(
    db: &impl ConnectionTrait,
    collection: &Collection,
    keys: impl IntoIterator<Item = &str>,
) -> std::result::Result<(), DbErr> {
    if !collection.is_searched() {
        return Ok(());
    }
    let keys: Vec<&str> = BTreeSet::from_iter(keys).into_iter().collect();
    let mut insert = Query::insert();
    insert.into_table(format!("{}__noted", collection.table())).columns(["record_keys"]);
    for note in keys.chunks(AT_ONCE) {
        insert.values_panic([Expr::val(serde_json::json!(note).to_string())]);
    }
    if !keys.is_empty() {
        db.execute(&insert).await?;
    }
    Ok(())
}

/// Gathers the words of some records of the metadata database that changed; answers whether there were any. Nobody may
/// change the table meanwhile.
///
/// # Errors
/// When the database refuses a statement.
pub async fn gather(db: &Db, collection: &Collection) -> Result<bool> {
    let doing = "gathering the words of records";
    let Some(of_row) = texts(collection, "c.", DbBackend::Sqlite) else { return Ok(false) };
    let (table, key) = (collection.table(), &collection.key);
    let first = format!("SELECT number, record_keys FROM \"{table}__noted\" ORDER BY number LIMIT 1");
    let first = || Statement::from_string(DbBackend::Sqlite, first.clone());
    // Looking costs nobody's turn.
    if db.read().query_one_raw(first()).await.internal(doing)?.is_none() {
        return Ok(false);
    }
    let txn = db.begin().await?;
    let Some(noted) = txn.query_one_raw(first()).await.internal(doing)? else { return Ok(false) };
    let number: i64 = noted.try_get_by_index(0).internal(doing)?;
    let keys: String = noted.try_get_by_index(1).internal(doing)?;
    let of_note = "(SELECT value FROM json_each(?))";
    for sql in [
        format!("INSERT OR IGNORE INTO \"{table}__rows\" (record_key) SELECT value FROM json_each(?)"),
        format!(
            "DELETE FROM \"{table}__trigrams\" WHERE rowid IN \
             (SELECT number FROM \"{table}__rows\" WHERE record_key IN {of_note})"
        ),
        format!(
            "INSERT INTO \"{table}__trigrams\" (rowid, text) SELECT r.number, {of_row} FROM \"{table}__rows\" r \
             JOIN \"{table}\" c ON c.\"{key}\" = r.record_key WHERE r.record_key IN {of_note}"
        ),
        format!(
            "DELETE FROM \"{table}__rows\" WHERE record_key IN {of_note} \
             AND NOT EXISTS (SELECT 1 FROM \"{table}\" c WHERE c.\"{key}\" = record_key)"
        ),
    ] {
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, [keys.clone().into()]);
        txn.execute_raw(statement).await.internal(doing)?;
    }
    let done = format!("DELETE FROM \"{table}__noted\" WHERE number = ?");
    let done = Statement::from_sql_and_values(DbBackend::Sqlite, done, [number.into()]);
    txn.execute_raw(done).await.internal(doing)?;
    txn.commit().await?;
    Ok(true)
}

fn index_name(collection: &Collection) -> String {
    format!("words_{}", collection.table())
}

/// Records with each of these words.
pub(super) fn conditions(collection: &Collection, words: &[String], backend: DbBackend) -> Vec<Expr> {
    let Some(all) = texts(collection, "", backend) else { return vec![Expr::val(false)] };
    if backend == DbBackend::Postgres {
        let quoted = |word: &String| format!("'{}':*", word.replace('\\', "\\\\").replace('\'', "''"));
        let query = words.iter().map(quoted).collect::<Vec<_>>().join(" & ");
        let sql = format!("to_tsvector('simple', {all}) @@ to_tsquery('simple', $1)");
        return vec![Expr::cust_with_values(sql, [query])];
    }
    let (table, key) = (collection.table(), &collection.key);
    let one = |word: &String| {
        if word.chars().count() < TRIGRAM {
            let literal = word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            return Expr::cust_with_values(format!("({all}) LIKE ? ESCAPE '\\'"), [format!("%{literal}%")]);
        }
        let found = format!(
            "\"{key}\" IN (SELECT r.record_key FROM \"{table}__trigrams\" t JOIN \"{table}__rows\" r ON r.number = t.rowid \
             WHERE t.text MATCH ?)"
        );
        Expr::cust_with_values(found, [format!("\"{}\"", word.replace('"', "\"\""))])
    };
    words.iter().map(one).collect()
}

/// Why words are not looked for.
pub(super) fn no_search(collection: &Collection) -> Error {
    let message = format!(
        "{} is kept by {}, which looks for no words here: keep it in sqlite or postgres, or write GET …?format=ndjson \
         into a search engine",
        collection.name,
        collection.backend.word()
    );
    Error::invalid("q", codes::BACKEND_CANNOT, message)
}

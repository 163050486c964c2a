//! The queries of what sessions are found by: texts, each stored once with the index of its trigrams, and who has them.

use std::collections::BTreeSet;

use sea_orm::sea_query::{Expr, SimpleExpr, Value};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryResult, QuerySelect, Statement};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{Context, Result};
use hvac_store::entity::{Columns, Warnings, parsed_dataset, session, source_file};

/// Letters that the index of trigrams needs; shorter words are looked for in every text.
const TRIGRAM: usize = 3;

/// What a text is of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TextKind {
    /// Its name.
    Name = 1,
    /// Its site.
    Site,
    /// A tag.
    Tag,
    /// Its notes.
    Notes,
    /// A point's name, or the one that it had in its report.
    Point,
    /// A unit of points.
    Unit,
    /// A raw file's name, or that of a member of an archive.
    File,
    /// What a user was told of a file.
    Warning,
}

impl TextKind {
    const ALL: [Self; 8] =
        [Self::Name, Self::Site, Self::Tag, Self::Notes, Self::Point, Self::Unit, Self::File, Self::Warning];

    /// The number in the database.
    fn number(self) -> i32 {
        self as i32
    }
}

type Texts = BTreeSet<(i32, String)>;

fn statement(sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Sqlite, sql, values)
}

/// Sessions whose texts are to be gathered again, at most so many.
pub async fn pending(db: &impl ConnectionTrait, limit: u64) -> Result<Vec<String>> {
    let sql = "SELECT session_id FROM search_pending LIMIT ?";
    let rows = db.query_all_raw(statement(sql, [limit.into()])).await.internal("looking for changed sessions")?;
    rows.iter().map(|row| row.try_get_by_index(0).internal("looking for changed sessions")).collect()
}

/// Makes the stored texts of a session those that it has now.
pub async fn gather(txn: &impl ConnectionTrait, session_id: &str) -> Result<()> {
    let doing = "gathering what a session is found by";
    let run = async |sql: &str, values: Vec<Value>| txn.execute_raw(statement(sql, values)).await.internal(doing);
    let texts = texts(txn, session_id).await?;
    run("DELETE FROM search_pending WHERE session_id = ?", vec![session_id.into()]).await?;
    let sql = "SELECT t.kind, s.text FROM search_sessions o JOIN session_texts t ON t.session = o.id \
               JOIN search_texts s ON s.id = t.text_id WHERE o.session_id = ?";
    let rows = txn.query_all_raw(statement(sql, [session_id.into()])).await.internal(doing)?;
    let stored = rows.iter().map(kind_and_text).collect::<Result<Texts>>()?;
    let json = |texts: Vec<&(i32, String)>| serde_json::to_string(&texts).internal(doing);
    let new: Vec<_> = texts.difference(&stored).collect();
    if !new.is_empty() {
        let new = json(new)?;
        let sql = "INSERT INTO search_sessions (session_id) SELECT ?1 WHERE NOT EXISTS \
                   (SELECT 1 FROM search_sessions WHERE session_id = ?1)";
        run(sql, vec![session_id.into()]).await?;
        let sql = "INSERT INTO search_texts (text) SELECT DISTINCT value ->> 1 FROM json_each(?) \
                   WHERE NOT EXISTS (SELECT 1 FROM search_texts WHERE text = value ->> 1)";
        run(sql, vec![new.as_str().into()]).await?;
        let sql = "INSERT INTO session_texts SELECT s.id, value ->> 0, o.id FROM json_each(?) \
                   JOIN search_texts s ON s.text = value ->> 1 JOIN search_sessions o ON o.session_id = ?";
        run(sql, vec![new.into(), session_id.into()]).await?;
    }
    let gone: Vec<_> = stored.difference(&texts).collect();
    if !gone.is_empty() {
        let sql = "DELETE FROM session_texts WHERE session = (SELECT id FROM search_sessions WHERE session_id = ?) \
                   AND (text_id, kind) IN (SELECT s.id, value ->> 0 FROM json_each(?) JOIN search_texts s ON s.text = value ->> 1)";
        run(sql, vec![session_id.into(), json(gone)?.into()]).await?;
    }
    Ok(())
}

fn kind_and_text(row: &QueryResult) -> Result<(i32, String)> {
    let doing = "reading what a session is found by";
    Ok((row.try_get_by_index(0).internal(doing)?, row.try_get_by_index(1).internal(doing)?))
}

/// What a session is found by.
async fn texts(txn: &impl ConnectionTrait, session_id: &str) -> Result<Texts> {
    let doing = "gathering what a session is found by";
    let mut texts = Texts::new();
    let mut add = |kind: TextKind, text: &str| {
        let text = text.trim();
        if !text.is_empty() {
            texts.insert((kind.number(), text.to_owned()));
        }
    };
    let Some(session) = session::Entity::find_by_id(session_id).one(txn).await.internal(doing)? else {
        return Ok(texts);
    };
    add(TextKind::Name, &session.name);
    add(TextKind::Notes, &session.notes);
    session.site.iter().for_each(|site| add(TextKind::Site, site));
    session.tags.0.iter().for_each(|tag| add(TextKind::Tag, tag));
    let files: Vec<(String, Option<String>, Warnings)> = source_file::Entity::find()
        .select_only()
        .columns([source_file::Column::FileName, source_file::Column::ArchiveMember, source_file::Column::Warnings])
        .filter(source_file::Column::SessionId.eq(session_id))
        .into_tuple()
        .all(txn)
        .await
        .internal(doing)?;
    for (name, member, warnings) in &files {
        add(TextKind::File, name);
        member.iter().for_each(|member| add(TextKind::File, member));
        warnings.0.iter().for_each(|warning| add(TextKind::Warning, &warning.message));
    }
    let datasets: Vec<Columns> = parsed_dataset::Entity::find()
        .select_only()
        .column(parsed_dataset::Column::Columns)
        .filter(parsed_dataset::Column::SessionId.eq(session_id))
        .into_tuple()
        .all(txn)
        .await
        .internal(doing)?;
    for column in datasets.iter().flat_map(|columns| &columns.0) {
        add(TextKind::Point, &column.name);
        add(TextKind::Point, &column.original_name);
        column.unit.iter().for_each(|unit| add(TextKind::Unit, unit));
    }
    Ok(texts)
}

/// SQL for the ids of the texts that have the word somewhere, and its parameter.
fn having(word: &str) -> (&'static str, String) {
    if word.chars().count() >= TRIGRAM {
        let phrase = format!("\"{}\"", word.replace('"', "\"\""));
        ("SELECT rowid FROM search_trigrams WHERE search_trigrams MATCH ?", phrase)
    } else {
        ("SELECT id FROM search_texts WHERE text LIKE ? ESCAPE '\\'", format!("%{}%", literal(word)))
    }
}

/// A text within a pattern, taken letter by letter.
fn literal(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// Sessions that have one of the texts.
fn with_texts(texts: &str, parameter: String) -> SimpleExpr {
    let sql = format!(
        "\"upload_sessions\".\"id\" IN (SELECT session_id FROM search_sessions WHERE id IN \
         (SELECT session FROM session_texts WHERE {texts}))"
    );
    Expr::cust_with_values(sql, [parameter])
}

/// Sessions with the word in one of their texts.
pub fn with_word(word: &str) -> SimpleExpr {
    let (texts, parameter) = having(word);
    with_texts(&format!("text_id IN ({texts})"), parameter)
}

/// Sessions that have the text as one of that kind, whatever its case; `*` stands for any letters.
pub fn with_text(kind: TextKind, text: &str) -> SimpleExpr {
    let (is, parameter) = if text.contains('*') {
        ("LIKE ? ESCAPE '\\'", literal(text).replace('*', "%"))
    } else {
        ("= ? COLLATE NOCASE", text.to_owned())
    };
    let texts = format!("kind = {} AND text_id IN (SELECT id FROM search_texts WHERE text {is})", kind.number());
    with_texts(&texts, parameter)
}

/// The texts of these sessions that have one of the words: session, kind and text, in the order of kinds and texts.
pub async fn found(
    db: &impl ConnectionTrait,
    ids: &[String],
    words: &[String],
) -> Result<Vec<(String, TextKind, String)>> {
    let having: Vec<_> = words.iter().map(|word| having(word)).collect();
    let texts: Vec<String> = having.iter().map(|(sql, _)| format!("text_id IN ({sql})")).collect();
    let of = vec!["?"; ids.len()].join(", ");
    let sql = format!(
        "SELECT t.kind, s.text, o.session_id FROM search_sessions o JOIN session_texts t ON t.session = o.id \
         JOIN search_texts s ON s.id = t.text_id WHERE o.session_id IN ({of}) AND ({})",
        texts.join(" OR ")
    );
    let values = ids.iter().cloned().chain(having.into_iter().map(|(_, parameter)| parameter)).map(Value::from);
    let rows = db.query_all_raw(statement(&sql, values)).await.internal("telling why sessions were found")?;
    let mut found = Vec::new();
    for row in &rows {
        let (number, text) = kind_and_text(row)?;
        let session_id = row.try_get_by_index(2).internal("telling why sessions were found")?;
        found.extend(
            TextKind::ALL.into_iter().find(|kind| kind.number() == number).map(|kind| (session_id, kind, text)),
        );
    }
    found.sort_by(|a, b| (a.1, &a.2).cmp(&(b.1, &b.2)));
    Ok(found)
}

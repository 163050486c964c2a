//! Files that are stored: listed, told of, read, deleted.

use object_store::ObjectStoreExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::{failed, path, sweep};
use crate::audit::{self, Act};
use crate::error::{Context, Error, Result, codes};
use crate::limits::Page;
use crate::records::backend::{Filter, Found, Record, RecordQuery};
use crate::records::list::asked;
use crate::records::sql;
use crate::state::AppState;
use crate::times::{ms_of, text_of};
use hvac_store::download::Download;
use hvac_store::now;

/// When files end that do not.
pub(super) const NEVER: &str = "9999-12-31T23:59:59.999Z";

/// A file, as it is told of.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct KeptFile {
    /// What it is asked for by.
    pub id: String,
    /// As its sender called it.
    #[schema(example = "inspection.pdf")]
    pub name: String,
    /// As its sender said; it is handed out as plain bytes whatever this is.
    pub content_type: Option<String>,
    /// Bytes.
    pub size_bytes: u64,
    /// Of its bytes, hex.
    pub sha256: String,
    /// Who handed it over, if he said who he is.
    pub uploaded_by: Option<String>,
    /// UTC.
    pub created_at: String,
    /// When it is removed by itself, UTC; null: never.
    pub expires_at: Option<String>,
}

/// Which files are listed.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct FileFilter {
    /// Only those of that name.
    pub name: Option<String>,
    /// Only those of that type.
    pub content_type: Option<String>,
    /// Only those with these bytes, by their sha256.
    pub sha256: Option<String>,
    /// Only those stored at that time or later.
    pub from: Option<String>,
    /// Only those stored before.
    pub to: Option<String>,
    /// `created_at` (default), `name`, `size_bytes`, `content_type` or `sha256`.
    pub sort_by: Option<String>,
    /// `asc` or `desc`; times the latest first, unless it is said.
    pub order: Option<String>,
    /// From 1.
    pub page: Option<u64>,
    /// Items on a page: 20 unless said, at most 100.
    pub page_size: Option<u64>,
}

/// What a file can be sorted by.
pub const SORTABLE: [&str; 5] = ["created_at", "name", "size_bytes", "content_type", "sha256"];

/// A row as it is told.
pub(super) fn told(row: &Record) -> Result<KeptFile> {
    let text = |name: &str| row.fields.get(name).and_then(Value::as_str).map(str::to_owned);
    let absent = || Error::internal("a file's row has not all that it must have");
    Ok(KeptFile {
        id: row.key.clone(),
        name: text("name").ok_or_else(absent)?,
        content_type: text("content_type"),
        size_bytes: row.fields.get("size_bytes").and_then(Value::as_u64).ok_or_else(absent)?,
        sha256: text("sha256").ok_or_else(absent)?,
        uploaded_by: text("uploaded_by"),
        created_at: text_of(row.created_at_ms),
        expires_at: text("ends_at").filter(|at| at != NEVER),
    })
}

fn is_there(row: &Record) -> bool {
    let text = |name: &str| row.fields.get(name).and_then(Value::as_str);
    let ends = text("ends_at").and_then(ms_of).unwrap_or(i64::MAX);
    text("state") == Some("stored") && ends > now().timestamp_millis()
}

/// What [`is_there`] says, as it is asked for.
fn there() -> [Filter; 2] {
    let from_ms = Some(now().timestamp_millis() + 1);
    let lasts = Filter::Between { time: "ends_at".to_owned(), from_ms, to_ms: None };
    [Filter::Is("state".to_owned(), vec!["stored".into()]), lasts]
}

fn unknown(id: &str) -> Error {
    let message = format!("there is no file '{id}'; GET /api/v1/storage/files lists them");
    Error::new(codes::UNKNOWN_STORED_FILE, message)
}

/// The row of a file that is there.
pub(super) async fn row(state: &AppState, id: &str) -> Result<Record> {
    // A link shows one file, and says of no other whether there is one.
    if state.principal().only_file.as_deref().is_some_and(|only| only != id) {
        return Err(Error::new(codes::FORBIDDEN, "the link is of another file"));
    }
    let found = sql::read(state.store.db.read(), &state.storage.files, id).await.internal("looking up a file")?;
    found.filter(is_there).ok_or_else(|| unknown(id))
}

/// Files, page by page.
///
/// # Errors
/// 422 for what cannot be asked.
pub async fn list(state: &AppState, filter: FileFilter) -> Result<Page<KeptFile>> {
    if let Some(by) = filter.sort_by.as_deref().filter(|by| !SORTABLE.contains(by)) {
        let message = format!("sort_by: '{by}' is no field to sort by; there are {}", SORTABLE.join(", "));
        return Err(Error::invalid("sort_by", codes::UNKNOWN_SORT, message));
    }
    let number = |number: Option<u64>| number.map(|number| number.to_string());
    let pairs: Vec<(String, String)> = [
        ("name", filter.name),
        ("content_type", filter.content_type),
        ("sha256", filter.sha256.map(|digits| digits.to_lowercase())),
        ("from", filter.from),
        ("to", filter.to),
        ("sort_by", filter.sort_by),
        ("order", filter.order),
        ("page", number(filter.page)),
        ("page_size", number(filter.page_size)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect();
    let table = &state.storage.files;
    let mut asked = asked(table, &pairs, state.config.site_timezone)?;
    asked.query.filters.extend(there());
    let Found { total, records } =
        sql::query(state.store.db.read(), table, &asked.query).await.internal("listing files")?;
    Ok(Page::of(asked.paging, total, records.iter().map(told).collect::<Result<_>>()?))
}

/// Files in the order of their ids, from behind one on, and the last one's id where there may be more: for whoever reads
/// them all. Which ones there are is looked up for each page.
///
/// # Errors
/// When the database cannot be asked.
pub async fn page_after(
    state: &AppState,
    after: Option<String>,
    limit: u64,
) -> Result<(Vec<KeptFile>, Option<String>)> {
    let table = &state.storage.files;
    let filters = there().into_iter().chain(after.map(Filter::KeyAfter)).collect();
    let query = RecordQuery { filters, sort_by: table.key.clone(), descending: false, offset: 0, limit };
    let found = sql::query(state.store.db.read(), table, &query).await.internal("reading the table of files")?;
    let is_full = u64::try_from(found.records.len()).is_ok_and(|read| read == limit);
    let last = found.records.last().filter(|_| is_full).map(|row| row.key.clone());
    Ok((found.records.iter().map(told).collect::<Result<_>>()?, last))
}

/// A file's bytes, and what is told of it.
///
/// # Errors
/// 404 when there is no such file.
pub async fn download(state: &AppState, id: &str) -> Result<(KeptFile, Download)> {
    let row = row(state, id).await?;
    let file = told(&row)?;
    let place = row.fields.get("place").and_then(Value::as_str).unwrap_or_default();
    let (objects, place, size_bytes) = (state.storage.objects.clone(), path(place)?, file.size_bytes);
    // Before the answer begins: what is missing then breaks it off, and nobody is told why.
    let there = objects.head(&place).await.map_err(failed("looking for the bytes of a file"))?;
    if there.size != size_bytes {
        let message = format!("The file's bytes are not what was stored: {} of {size_bytes} are there.", there.size);
        return Err(Error::new(codes::FILE_DAMAGED, message));
    }
    Ok((file, Download::Kept { objects, place, size_bytes }))
}

/// Deletes a file, for ever.
///
/// # Errors
/// 404 when there is no such file.
pub async fn delete(state: &AppState, id: &str) -> Result<()> {
    let table = &state.storage.files;
    let txn = state.store.db.begin().await?;
    let found = sql::read(&txn, table, id).await.internal("looking up a file")?;
    let row = found.filter(is_there).ok_or_else(|| unknown(id))?;
    let leaving = sweep::leaving(&row);
    sql::write(&txn, table, std::slice::from_ref(&leaving)).await.internal("deleting a file")?;
    let name = row.fields.get("name").cloned().unwrap_or_default();
    audit::note(&txn, state.principal(), Act::on("file.delete", "file", id).with(json!({"name": name}))).await?;
    txn.commit().await?;
    // It is gone for everybody; what of its bytes cannot be removed now is swept.
    if let Err(error) = sweep::removed(state, &leaving).await {
        tracing::warn!(%error, "the bytes of a deleted file are removed later");
    }
    Ok(())
}

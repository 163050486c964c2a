//! What is removed by itself: files whose time is over, and what was begun and not ended.

use std::time::Duration;

use object_store::ObjectStoreExt;
use serde_json::Value;

use super::{failed, path};
use crate::error::{Context, Result};
use crate::records::backend::{Filter, Record, RecordQuery};
use crate::records::sql;
use crate::state::AppState;
use hvac_store::now;

/// How often it is looked for them.
const EVERY: Duration = Duration::from_secs(60);
/// How long a file may arrive.
const LONGEST_ARRIVAL_MS: i64 = 24 * 3_600_000;
/// Rows that are removed at once.
const AT_ONCE: u64 = 200;

/// The row of a file that is to go.
pub(super) fn leaving(row: &Record) -> Record {
    let mut leaving = row.clone();
    leaving.fields.insert("state".to_owned(), "leaving".into());
    leaving.updated_at_ms = now().timestamp_millis().max(row.updated_at_ms);
    leaving
}

/// Removes the bytes of a file whose row says that it goes, then the row and its links.
pub(super) async fn removed(state: &AppState, row: &Record) -> Result<()> {
    let storage = &state.storage;
    let place = path(row.fields.get("place").and_then(Value::as_str).unwrap_or_default())?;
    if let Some(folder) = &storage.folder {
        // As much of it as had come when the process ended: the library numbers what it has not named yet.
        for number in 1..=3 {
            let _ = tokio::fs::remove_file(folder.join(format!("{place}#{number}"))).await;
        }
    }
    match storage.objects.delete(&place).await {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
        Err(error) => return Err(failed("removing a file")(error)),
    }
    let of_file = RecordQuery {
        filters: vec![Filter::Is("file_id".to_owned(), vec![row.key.clone().into()])],
        sort_by: "sha256".to_owned(),
        descending: false,
        offset: 0,
        limit: 10_000,
    };
    let txn = state.store.db.begin().await?;
    let links = sql::query(&txn, &storage.links, &of_file).await.internal("looking up links")?;
    let links: Vec<String> = links.records.into_iter().map(|link| link.key).collect();
    sql::delete(&txn, &storage.links, &links, None).await.internal("removing links")?;
    sql::delete(&txn, &storage.files, std::slice::from_ref(&row.key), None).await.internal("removing a file's row")?;
    txn.commit().await
}

/// Sweeps again and again. What arrived when an earlier process ended arrives no more.
pub async fn keep(state: AppState) {
    if state.store.db.is_read_only() {
        return;
    }
    let mut arrived_before = if state.store.recovered.alone { state.started_at.timestamp_millis() } else { 0 };
    loop {
        arrived_before = arrived_before.max(now().timestamp_millis() - LONGEST_ARRIVAL_MS);
        match swept(&state, arrived_before).await {
            Ok(0) => {}
            Ok(files) => tracing::info!(files, "removed files whose time was over, or that never arrived"),
            Err(error) => tracing::warn!(%error, "files whose time is over are removed later"),
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Removes what is to go now.
///
/// # Errors
/// When the database or the place of the files cannot be used.
pub async fn swept(state: &AppState, arrived_before: i64) -> Result<u64> {
    let is = |word: &str| Filter::Is("state".to_owned(), vec![word.into()]);
    let before = |time: &str, ms: i64| Filter::Between { time: time.to_owned(), from_ms: None, to_ms: Some(ms) };
    let now_ms = now().timestamp_millis();
    let mut count = 0;
    for filters in [
        vec![is("leaving")],
        vec![is("arriving"), before("updated_at", arrived_before)],
        vec![is("stored"), before("ends_at", now_ms + 1)],
    ] {
        loop {
            let query = RecordQuery {
                filters: filters.clone(),
                sort_by: "id".to_owned(),
                descending: false,
                offset: 0,
                limit: AT_ONCE,
            };
            let found = sql::query(state.store.db.read(), &state.storage.files, &query).await;
            let rows = found.internal("looking for files to remove")?.records;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                let leaving = leaving(&row);
                let txn = state.store.db.begin().await?;
                sql::write(&txn, &state.storage.files, std::slice::from_ref(&leaving))
                    .await
                    .internal("removing a file")?;
                txn.commit().await?;
                removed(state, &leaving).await?;
                count += 1;
            }
        }
    }
    let over = RecordQuery {
        filters: vec![before("ends_at", now_ms)],
        sort_by: "sha256".to_owned(),
        descending: false,
        offset: 0,
        limit: 1000,
    };
    let links = sql::query(state.store.db.read(), &state.storage.links, &over).await.internal("looking for links")?;
    if !links.records.is_empty() {
        let keys: Vec<String> = links.records.into_iter().map(|link| link.key).collect();
        let txn = state.store.db.begin().await?;
        sql::delete(&txn, &state.storage.links, &keys, None).await.internal("removing links")?;
        txn.commit().await?;
    }
    Ok(count)
}

//! `all_readings`: the newest parsed version of every live session.

use std::sync::Arc;

use futures_util::FutureExt;
use hvac_query::{QueryError, Source, Table};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::catalogue;
use crate::datasets::DatasetSelector;
use crate::datasets::version::resolve;
use crate::error::{Context, Result};
use crate::principal::Principal;
use crate::state::AppState;
use hvac_frame::column::Kind;

/// Newest version a session. A damaged one is refused when it is read, never left out in silence.
fn sources_of(principal: &Principal) -> String {
    let seen = catalogue::seen(principal);
    format!(
        "SELECT s.id, s.name, s.site, s.timezone, d.id, d.file_path, d.size_bytes, d.row_count, d.column_count \
         FROM parsed_datasets d JOIN upload_sessions s ON s.id = d.session_id \
    WHERE s.deleted_at IS NULL AND NOT s.unconfirmed{seen} \
         AND d.version = (SELECT max(o.version + 0) FROM parsed_datasets o WHERE o.session_id = s.id) ORDER BY s.id"
    )
}

/// The table of all readings.
///
/// # Errors
/// When the database cannot be asked.
pub async fn all(state: &AppState) -> Result<Table> {
    let doing = "looking for the sessions of history";
    let rows = state
        .store
        .db
        .read()
        .query_all_raw(Statement::from_string(DbBackend::Sqlite, sources_of(state.principal())))
        .await
        .internal(doing)?;
    let mut sources = Vec::with_capacity(rows.len());
    for row in rows {
        let zone: Option<String> = row.try_get_by_index(3).internal(doing)?;
        let number = |index| row.try_get_by_index::<i64>(index).map(i64::unsigned_abs).internal(doing);
        sources.push(Source {
            session_id: row.try_get_by_index(0).internal(doing)?,
            session: row.try_get_by_index(1).internal(doing)?,
            site: row.try_get_by_index(2).internal(doing)?,
            zone: zone.and_then(|zone| zone.parse().ok()).unwrap_or(state.config.site_timezone),
            dataset_id: row.try_get_by_index(4).internal(doing)?,
            path: row.try_get_by_index(5).internal(doing)?,
            size_bytes: number(6)?,
            rows: number(7)?,
            points: number(8)?.saturating_sub(1),
        });
    }
    let state = state.clone();
    let columns = move |dataset_id: String| {
        let state = state.clone();
        async move { columns(&state, dataset_id).await.map_err(|error| QueryError::Given(Arc::new(error))) }.boxed()
    };
    Ok(Table::Readings { sources, columns: Arc::new(columns) })
}

/// Every column of a dataset but `timestamp`, whose file is what was published: its name, and whether it holds states.
async fn columns(state: &AppState, dataset_id: String) -> Result<Vec<(String, bool)>> {
    let dataset = resolve(state, &DatasetSelector { session_id: None, version: Some(dataset_id) }).await?;
    Ok(dataset.columns.iter().map(|meta| (meta.name.clone(), meta.kind == Kind::Text)).collect())
}

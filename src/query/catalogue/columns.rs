//! `columns`: every column of every parsed version, whose descriptions the database keeps packed.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use futures_util::StreamExt;
use hvac_query::{QueryError, Table};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement, TryGetable};

use crate::state::AppState;
use hvac_frame::column::ColumnMeta;
use hvac_store::entity::Columns;

/// Versions that are read at once.
const PAGE: usize = 50;

pub(super) fn table(state: &AppState) -> Table {
    let text = |name: &str, nullable| Field::new(name, DataType::Utf8, nullable);
    let whole = |name: &str| Field::new(name, DataType::Int64, false);
    let schema = Arc::new(Schema::new(vec![
        text("dataset_id", false),
        text("session_id", false),
        text("session", false),
        text("site", true),
        whole("version"),
        whole("position"),
        text("name", false),
        text("original_name", false),
        text("kind", false),
        text("unit", true),
    ]));
    let (state, made_of) = (state.clone(), Arc::clone(&schema));
    let rows = move || {
        let (state, schema) = (state.clone(), Arc::clone(&made_of));
        let pages = futures_util::stream::try_unfold(Some(String::new()), move |after| {
            let (state, schema) = (state.clone(), Arc::clone(&schema));
            async move {
                let Some(after) = after else { return Ok(None) };
                let failed = |error: DbErr| QueryError::Given(Arc::new(error));
                page(&state, &schema, &after).await.map(Some).map_err(failed)
            }
        });
        pages.boxed()
    };
    Table::Made { schema, rows: Arc::new(rows) }
}

/// A version as its columns' rows begin.
struct Version {
    labels: [Option<String>; 4],
    version: i32,
}

async fn page(state: &AppState, schema: &SchemaRef, after: &str) -> Result<(RecordBatch, Option<String>), DbErr> {
    let sql = format!(
        "SELECT d.id, d.session_id, s.name, s.site, d.version, d.columns \
         FROM parsed_datasets d JOIN upload_sessions s ON s.id = d.session_id \
         WHERE s.deleted_at IS NULL AND NOT s.unconfirmed{} AND d.id > ? ORDER BY d.id LIMIT {PAGE}",
        super::seen(state.principal())
    );
    let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, [after.into()]);
    let page = state.store.db.read().query_all_raw(statement).await?;
    let mut rows: Vec<(Version, i64, ColumnMeta)> = Vec::new();
    for row in &page {
        let columns = Columns::try_get_by(row, 5)?;
        for (position, meta) in (1..).zip(columns.0) {
            let label = |index: usize| row.try_get_by_index::<Option<String>>(index);
            let labels = [label(0)?, label(1)?, label(2)?, label(3)?];
            rows.push((Version { labels, version: row.try_get_by_index(4)? }, position, meta));
        }
    }
    let label = |index: usize| -> ArrayRef {
        Arc::new(rows.iter().map(|(of, _, _)| of.labels.get(index).cloned().flatten()).collect::<StringArray>())
    };
    let of_meta = |of: fn(&ColumnMeta) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(|(_, _, meta)| of(meta)).collect::<StringArray>())
    };
    let whole = |of: fn(&(Version, i64, ColumnMeta)) -> i64| -> ArrayRef {
        Arc::new(rows.iter().map(of).collect::<Int64Array>())
    };
    let columns = vec![
        label(0),
        label(1),
        label(2),
        label(3),
        whole(|(of, _, _)| i64::from(of.version)),
        whole(|(_, position, _)| *position),
        of_meta(|meta| Some(meta.name.clone())),
        of_meta(|meta| Some(meta.original_name.clone())),
        of_meta(|meta| Some(hvac_store::entity::PointKind::from(meta.kind).as_str().to_owned())),
        of_meta(|meta| meta.unit.clone()),
    ];
    let batch = RecordBatch::try_new(Arc::clone(schema), columns).map_err(|error| DbErr::Custom(error.to_string()))?;
    let next = match page.last() {
        Some(last) if page.len() == PAGE => Some(last.try_get_by_index::<String>(0)?),
        _ => None,
    };
    Ok((batch, next))
}

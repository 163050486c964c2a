//! `findings`: faults of machines in the latest version of each live session that has data, judged as they are asked for.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::types::Date32Type;
use arrow_array::{ArrayRef, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use futures_util::StreamExt;
use hvac_query::{QueryError, Table};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::datasets::DatasetLabel;
use crate::error::{Context, Result, codes};
use crate::findings::{self, FindingItem};
use crate::state::AppState;
use hvac_store::entity::session;

/// Of one session, or of all.
pub(super) fn table(state: &AppState, session_id: Option<String>) -> Table {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let number = |name: &str| Field::new(name, DataType::Float64, true);
    let schema = Arc::new(Schema::new(vec![
        text("session_id"),
        text("version"),
        Field::new("day", DataType::Date32, false),
        text("machine"),
        text("kind"),
        text("start_at"),
        text("end_at"),
        Field::new("rows", DataType::Int64, false),
        number("confidence"),
        number("energy_wasted_kwh"),
        number("cost"),
        text("currency"),
        text("detail"),
    ]));
    let (state, made_of) = (state.clone(), Arc::clone(&schema));
    let rows = move || {
        let (state, schema, one) = (state.clone(), Arc::clone(&made_of), session_id.clone());
        let of = state.clone();
        let sessions = futures_util::stream::once(async move {
            let ids = match one {
                Some(id) => Ok(vec![id]),
                None => live(&of).await,
            };
            ids.map_err(|error| QueryError::Given(Arc::new(error)))
        });
        let found = sessions.flat_map(move |ids| {
            let (state, schema) = (state.clone(), Arc::clone(&schema));
            let ids: Vec<Result<String, QueryError>> = match ids {
                Ok(ids) => ids.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            };
            futures_util::stream::iter(ids).then(move |id| {
                let (state, schema) = (state.clone(), Arc::clone(&schema));
                async move { batch(&state, &schema, &id?).await }
            })
        });
        found.boxed()
    };
    Table::Made { schema, rows: Arc::new(rows) }
}

/// Ids of the sessions that are not deleted.
async fn live(state: &AppState) -> Result<Vec<String>> {
    let query = session::Entity::find()
        .select_only()
        .column(session::Column::Id)
        .filter(session::Column::DeletedAt.is_null())
        .filter(session::Column::Unconfirmed.eq(false))
        .filter(state.principal().seen_sessions())
        .order_by_asc(session::Column::Id);
    query.into_tuple().all(state.store.db.read()).await.internal("listing sessions")
}

async fn batch(state: &AppState, schema: &SchemaRef, session_id: &str) -> Result<RecordBatch, QueryError> {
    let (label, items) = match findings::all(state, session_id).await {
        Ok(found) => found,
        // Nothing to judge yet.
        Err(error) if error.code == codes::NOT_PARSED => return Ok(RecordBatch::new_empty(Arc::clone(schema))),
        Err(error) => return Err(QueryError::Given(Arc::new(error))),
    };
    rows(schema, &label, &items).map_err(|error| QueryError::Internal(error.to_string()))
}

fn rows(
    schema: &SchemaRef,
    label: &DatasetLabel,
    items: &[FindingItem],
) -> Result<RecordBatch, arrow_schema::ArrowError> {
    let same = |text: &str| -> ArrayRef {
        let mut cells = StringBuilder::new();
        items.iter().for_each(|_| cells.append_value(text));
        Arc::new(cells.finish())
    };
    let texts = |of: &dyn Fn(&FindingItem) -> Option<String>| -> ArrayRef {
        Arc::new(items.iter().map(of).collect::<StringArray>())
    };
    let numbers =
        |of: fn(&FindingItem) -> Option<f64>| -> ArrayRef { Arc::new(items.iter().map(of).collect::<Float64Array>()) };
    let days = items.iter().map(|item| Date32Type::from_naive_date(item.day));
    let columns = vec![
        same(&label.session_id),
        same(&label.version),
        Arc::new(Date32Array::from_iter_values(days)) as ArrayRef,
        texts(&|item| Some(item.machine.clone())),
        texts(&|item| Some(item.kind.name().to_owned())),
        texts(&|item| Some(item.start_at.clone())),
        texts(&|item| Some(item.end_at.clone())),
        Arc::new(Int64Array::from_iter_values(items.iter().map(|item| i64::try_from(item.rows).unwrap_or(i64::MAX)))),
        numbers(|item| Some(item.confidence)),
        numbers(|item| item.energy_wasted_kwh),
        numbers(|item| item.cost.as_ref().map(|cost| cost.amount)),
        texts(&|item| item.cost.as_ref().map(|cost| cost.currency.clone())),
        texts(&|item| Some(item.detail.clone())),
    ];
    RecordBatch::try_new(Arc::clone(schema), columns)
}

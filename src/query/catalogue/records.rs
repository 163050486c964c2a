//! Declared collections as tables: `work_orders` joins readings. Whoever may not read a collection has no such table.

use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, Float64Builder, Int64Builder, StringBuilder, TimestampMillisecondBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field as ArrowField, Schema, SchemaRef, TimeUnit};
use futures_util::StreamExt;
use hvac_query::{QueryError, Rows, Table};
use serde_json::Value;

use crate::error::Error;
use crate::records::backend::Record;
use crate::records::collection::{CREATED_AT, Collection, FieldType, UPDATED_AT};
use crate::state::AppState;
use crate::times::ms_of;

/// Rows that are read at once.
const PAGE: usize = 1000;

/// Names of the collections that whoever asks may read.
pub fn names(state: &AppState) -> Vec<String> {
    let registry = state.records.registry();
    let may_read = registry.collections.iter().filter(|own| state.principal().role.may(own.read));
    may_read.map(|own| own.name.clone()).collect()
}

/// The table of that name.
pub(super) fn table(state: &AppState, name: &str) -> Option<Table> {
    let registry = state.records.registry();
    let collection = registry.collection(name).filter(|own| state.principal().role.may(own.read))?;
    let schema = schema(collection);
    let (state, collection, made_of) = (state.clone(), Arc::clone(collection), Arc::clone(&schema));
    let rows = move || rows(state.clone(), Arc::clone(&collection), Arc::clone(&made_of));
    Some(Table::Made { schema, rows: Arc::new(rows) })
}

fn schema(collection: &Collection) -> SchemaRef {
    let time = || DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    let kind = |kind: FieldType| match kind {
        FieldType::Text | FieldType::Json => DataType::Utf8,
        FieldType::Integer => DataType::Int64,
        FieldType::Number => DataType::Float64,
        FieldType::Boolean => DataType::Boolean,
        FieldType::Time => time(),
    };
    let own = collection.fields.iter().map(|field| ArrowField::new(&field.name, kind(field.kind), true));
    let times = [CREATED_AT, UPDATED_AT].map(|name| ArrowField::new(name, time(), true));
    Arc::new(Schema::new(own.chain(times).collect::<Vec<_>>()))
}

/// All rows, page by page in the order of their keys.
fn rows(state: AppState, collection: Arc<Collection>, schema: SchemaRef) -> Rows {
    let pages = futures_util::stream::try_unfold(Some(None::<String>), move |after| {
        let (state, collection, schema) = (state.clone(), Arc::clone(&collection), Arc::clone(&schema));
        async move {
            let Some(after) = after else { return Ok(None) };
            let failed = |error: Error| QueryError::Given(Arc::new(error));
            let (page, last) = state.records.page_after(&collection, after.as_deref(), PAGE).await.map_err(failed)?;
            let batch = batch(&collection, &page, schema);
            let batch = batch.map_err(|error| failed(Error::internal("making rows of records").with_source(error)))?;
            Ok(Some((batch, last.map(Some))))
        }
    });
    pages.boxed()
}

fn batch(collection: &Collection, page: &[Record], schema: SchemaRef) -> Result<RecordBatch, ArrowError> {
    let of = |name: &str, record: &'_ Record| -> Option<Value> {
        if name == collection.key { Some(record.key.as_str().into()) } else { record.fields.get(name).cloned() }
    };
    let mut columns: Vec<ArrayRef> = collection
        .fields
        .iter()
        .map(|field| column(field.kind, page.iter().map(|record| of(&field.name, record))))
        .collect();
    columns.push(times(page.iter().map(|record| Some(record.created_at_ms))));
    columns.push(times(page.iter().map(|record| Some(record.updated_at_ms))));
    RecordBatch::try_new(schema, columns)
}

fn column(kind: FieldType, values: impl Iterator<Item = Option<Value>>) -> ArrayRef {
    match kind {
        FieldType::Text | FieldType::Json => {
            let mut cells = StringBuilder::new();
            for value in values {
                cells.append_option(value.map(|value| match value {
                    Value::String(text) => text,
                    other => other.to_string(),
                }));
            }
            Arc::new(cells.finish())
        }
        FieldType::Integer => {
            let mut cells = Int64Builder::new();
            values.for_each(|value| cells.append_option(value.and_then(|value| value.as_i64())));
            Arc::new(cells.finish())
        }
        FieldType::Number => {
            let mut cells = Float64Builder::new();
            values.for_each(|value| cells.append_option(value.and_then(|value| value.as_f64())));
            Arc::new(cells.finish())
        }
        FieldType::Boolean => {
            let mut cells = BooleanBuilder::new();
            values.for_each(|value| cells.append_option(value.and_then(|value| value.as_bool())));
            Arc::new(cells.finish())
        }
        FieldType::Time => times(values.map(|value| value.as_ref().and_then(Value::as_str).and_then(ms_of))),
    }
}

fn times(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    let mut cells = TimestampMillisecondBuilder::new().with_timezone("UTC");
    values.for_each(|at| cells.append_option(at));
    Arc::new(cells.finish())
}

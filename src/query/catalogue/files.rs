//! `stored_files`: what is known of the files that were handed over, as their list tells it.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use futures_util::StreamExt;
use hvac_query::{QueryError, Rows, Table};

use crate::error::Error;
use crate::state::AppState;
use crate::storage::files::{KeptFile, page_after};
use crate::times::ms_of;

/// Files that are read at once.
const PAGE: u64 = 1000;

pub(super) fn table(state: &AppState) -> Table {
    let time = || DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    let schema = Arc::new(Schema::new(vec![
        Field::new("id", DataType::Utf8, false),
        Field::new("name", DataType::Utf8, false),
        Field::new("content_type", DataType::Utf8, true),
        Field::new("size_bytes", DataType::Int64, false),
        Field::new("sha256", DataType::Utf8, false),
        Field::new("uploaded_by", DataType::Utf8, true),
        Field::new("created_at", time(), false),
        Field::new("expires_at", time(), true),
    ]));
    let (state, made_of) = (state.clone(), Arc::clone(&schema));
    let rows = move || -> Rows {
        let (state, schema) = (state.clone(), Arc::clone(&made_of));
        let pages = futures_util::stream::try_unfold(Some(None::<String>), move |after| {
            let (state, schema) = (state.clone(), Arc::clone(&schema));
            async move {
                let Some(after) = after else { return Ok(None) };
                let failed = |error: Error| QueryError::Given(Arc::new(error));
                let (page, last) = page_after(&state, after, PAGE).await.map_err(failed)?;
                let batch = batch(&page, &schema);
                let batch =
                    batch.map_err(|error| failed(Error::internal("making rows of files").with_source(error)))?;
                Ok(Some((batch, last.map(Some))))
            }
        });
        pages.boxed()
    };
    Table::Made { schema, rows: Arc::new(rows) }
}

fn batch(page: &[KeptFile], schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let text =
        |of: fn(&KeptFile) -> Option<&str>| -> ArrayRef { Arc::new(page.iter().map(of).collect::<StringArray>()) };
    let time = |of: fn(&KeptFile) -> Option<&str>| -> ArrayRef {
        let times = page.iter().map(|file| of(file).and_then(ms_of));
        Arc::new(times.collect::<TimestampMillisecondArray>().with_timezone("UTC"))
    };
    let bytes = page.iter().map(|file| i64::try_from(file.size_bytes).ok()).collect::<Int64Array>();
    let columns = vec![
        text(|file| Some(&file.id)),
        text(|file| Some(&file.name)),
        text(|file| file.content_type.as_deref()),
        Arc::new(bytes),
        text(|file| Some(&file.sha256)),
        text(|file| file.uploaded_by.as_deref()),
        time(|file| Some(&file.created_at)),
        time(|file| file.expires_at.as_deref()),
    ];
    RecordBatch::try_new(Arc::clone(schema), columns)
}

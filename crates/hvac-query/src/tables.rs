//! What a statement can read: a stored Parquet file, rows that are made when they are asked for, the readings of history.

use std::fmt;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use chrono_tz::Tz;
use datafusion::catalog::TableProvider;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::execution::{SendableRecordBatchStream, SessionState, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::col;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;

use crate::error::QueryError;
use crate::readings::{ColumnsOf, Readings, Source};
use crate::stores::file_url;

/// Rows, batch by batch.
pub type Rows = BoxStream<'static, Result<RecordBatch, QueryError>>;

/// A table that a statement may read.
#[derive(Clone)]
pub enum Table {
    /// A stored Parquet file.
    Parquet {
        /// Its key in the store of sessions.
        path: String,
        /// Zone of the site: its times are shown on that clock.
        zone: Tz,
        /// The column that its rows are in the order of.
        sorted_by: Option<&'static str>,
    },
    /// Rows that are made when they are asked for.
    Made {
        /// Of every batch.
        schema: SchemaRef,
        /// Makes them.
        rows: Arc<dyn Fn() -> Rows + Send + Sync>,
    },
    /// All readings of stored files, one row each.
    Readings {
        /// The files.
        sources: Vec<Source>,
        /// Tells what columns they have.
        columns: ColumnsOf,
    },
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parquet { path, .. } => write!(f, "Parquet({path})"),
            Self::Made { .. } => f.write_str("Made"),
            Self::Readings { sources, .. } => write!(f, "Readings({})", sources.len()),
        }
    }
}

impl Table {
    /// As DataFusion reads it.
    pub(crate) async fn provider(self, state: &SessionState) -> Result<Arc<dyn TableProvider>, QueryError> {
        match self {
            Self::Parquet { path, zone, sorted_by } => parquet(state, &path, zone, sorted_by).await,
            Self::Made { schema, rows } => {
                let made = Made { schema: Arc::clone(&schema), rows };
                Ok(Arc::new(StreamingTable::try_new(schema, vec![Arc::new(made)])?))
            }
            Self::Readings { sources, columns } => Ok(Arc::new(Readings::new(sources, columns))),
        }
    }
}

async fn parquet(
    state: &SessionState,
    path: &str,
    zone: Tz,
    sorted_by: Option<&str>,
) -> Result<Arc<dyn TableProvider>, QueryError> {
    let url = ListingTableUrl::parse(file_url(path))?;
    let format = ParquetFormat::default().with_options(state.default_table_options().parquet);
    let mut options = ListingOptions::new(Arc::new(format)).with_file_extension_opt(None::<String>);
    if let Some(column) = sorted_by {
        options = options.with_file_sort_order(vec![vec![col(format!("\"{column}\"")).sort(true, false)]]);
    }
    let schema = options.infer_schema(state, &url).await?;
    let config = ListingTableConfig::new(url).with_listing_options(options).with_schema(on_the_clock_of(&schema, zone));
    Ok(Arc::new(ListingTable::try_new(config)?))
}

/// The schema with its times on a site's clock: only how they are shown and cut differs.
fn on_the_clock_of(schema: &Schema, zone: Tz) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Timestamp(unit, Some(_)) => {
            let kind = DataType::Timestamp(*unit, Some(zone.name().into()));
            Arc::new(Field::clone(field).with_data_type(kind))
        }
        _ => Arc::clone(field),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

struct Made {
    schema: SchemaRef,
    rows: Arc<dyn Fn() -> Rows + Send + Sync>,
}

impl fmt::Debug for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Made")
    }
}

impl PartitionStream for Made {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let rows = (self.rows)()
            .map(|batch| batch.map_err(|error| datafusion::error::DataFusionError::External(Box::new(error))));
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), rows))
    }
}

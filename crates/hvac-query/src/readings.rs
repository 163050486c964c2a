//! `all_readings`: every reading of many stored files, one row each, read file by file as the rows are asked for.
//!
//! | column | |
//! |---|---|
//! | `site` | text; null where none is stated |
//! | `session`, `session_id` | the session's name and id |
//! | `point` | the column's name |
//! | `time` | on the site's clock; UTC where sites differ |
//! | `value` | number; null for a state |
//! | `state` | text; null for a number |
//!
//! Cells without a reading are no rows. What a statement asks of `site`, `session`, `session_id` and `point` says which
//! columns of which files are read at all; what it asks of `time` prunes row groups and pages.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMillisecondType;
use arrow_array::{Array, ArrayRef, Float64Array, RecordBatch, StringArray, StringViewArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use async_trait::async_trait;
use chrono_tz::Tz;
use datafusion::arrow::compute;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, Result, exec_datafusion_err};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, TryStreamExt};

use crate::error::QueryError;
use crate::stores::store_url;

/// Cells that may be read without saying of which site, session, point or time.
const MOST_CELLS: u64 = 1_000_000_000;
const LABELS: [&str; 4] = ["site", "session", "session_id", "point"];

/// A stored file of history.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its key in the store of sessions.
    pub path: String,
    /// Bytes of the file.
    pub size_bytes: u64,
    /// The session's site.
    pub site: Option<String>,
    /// The session's name.
    pub session: String,
    /// The session's id.
    pub session_id: String,
    /// Zone of the site.
    pub zone: Tz,
    /// The dataset's id.
    pub dataset_id: String,
    /// Rows.
    pub rows: u64,
    /// Columns but `timestamp`.
    pub points: u64,
}

/// Every column of a dataset but `timestamp`, asked for by the dataset's id: its name, and whether it holds states.
pub type ColumnsOf = Arc<dyn Fn(String) -> BoxFuture<'static, Result<Vec<(String, bool)>, QueryError>> + Send + Sync>;

/// The readings of many files.
pub(crate) struct Readings {
    sources: Vec<Source>,
    columns: ColumnsOf,
    schema: SchemaRef,
    time: DataType,
}

impl fmt::Debug for Readings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Readings({})", self.sources.len())
    }
}

impl Readings {
    pub(crate) fn new(sources: Vec<Source>, columns: ColumnsOf) -> Self {
        let mut zones = sources.iter().map(|source| source.zone);
        let first = zones.next().unwrap_or(Tz::UTC);
        let zone = if zones.all(|zone| zone == first) { first } else { Tz::UTC };
        let time = DataType::Timestamp(TimeUnit::Millisecond, Some(zone.name().into()));
        let schema = Schema::new(vec![
            Field::new("site", DataType::Utf8View, true),
            Field::new("session", DataType::Utf8View, false),
            Field::new("session_id", DataType::Utf8View, false),
            Field::new("point", DataType::Utf8View, false),
            Field::new("time", time.clone(), false),
            Field::new("value", DataType::Float64, true),
            Field::new("state", DataType::Utf8, true),
        ]);
        Self { sources, columns, schema: Arc::new(schema), time }
    }

    /// The columns of the sources that a statement asks for.
    async fn chosen(&self, state: &dyn Session, filters: &[&Expr], time: Option<&Expr>) -> Result<Vec<Chosen>> {
        let of_sources: Vec<&Expr> = filters.iter().copied().filter(|filter| only(filter, &LABELS[..3])).collect();
        let (of_sources, of_points) = (Labels::new(state, &of_sources)?, Labels::new(state, filters)?);
        let mut chosen = Vec::new();
        for source in &self.sources {
            if !of_sources.kept(source, &[""])?.contains(&true) {
                continue;
            }
            let columns = (self.columns)(source.dataset_id.clone()).await;
            let columns = columns.map_err(|error| DataFusionError::External(Box::new(error)))?;
            let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
            let kept = of_points.kept(source, &names)?;
            let columns: Vec<(String, bool)> =
                columns.into_iter().zip(kept).filter(|(_, kept)| *kept).map(|(column, _)| column).collect();
            if !columns.is_empty() {
                chosen.push(Chosen::new(state, source.clone(), columns, &self.time, time)?);
            }
        }
        Ok(chosen)
    }
}

/// Conditions on labels.
struct Labels {
    schema: SchemaRef,
    filters: Vec<Arc<dyn PhysicalExpr>>,
}

impl Labels {
    fn new(state: &dyn Session, filters: &[&Expr]) -> Result<Self> {
        let schema = Schema::new(LABELS.map(|name| Field::new(name, DataType::Utf8View, true)).to_vec());
        let of = DFSchema::try_from(schema.clone())?;
        let filters = filters.iter().map(|filter| state.create_physical_expr(Expr::clone(filter), &of));
        Ok(Self { filters: filters.collect::<Result<_>>()?, schema: Arc::new(schema) })
    }

    /// Which of these points of a source all conditions hold for.
    fn kept(&self, source: &Source, points: &[&str]) -> Result<Vec<bool>> {
        let of_all = |text: Option<&str>| repeated(text, points.len());
        let columns = vec![
            of_all(source.site.as_deref()),
            of_all(Some(&source.session)),
            of_all(Some(&source.session_id)),
            Arc::new(StringViewArray::from_iter_values(points)) as ArrayRef,
        ];
        let asked = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        let mut kept = vec![true; points.len()];
        for filter in &self.filters {
            let held = filter.evaluate(&asked)?.into_array(points.len())?;
            let held = held.as_boolean();
            for (row, kept) in kept.iter_mut().enumerate() {
                *kept &= held.is_valid(row) && held.value(row);
            }
        }
        Ok(kept)
    }
}

/// The same text so many times.
fn repeated(text: Option<&str>, times: usize) -> ArrayRef {
    let Some(text) = text else { return Arc::new(StringViewArray::new_null(times)) };
    let one = StringViewArray::from(vec![text]);
    let view = one.views().first().copied().unwrap_or_default();
    Arc::new(StringViewArray::new(vec![view; times].into(), one.data_buffers().to_vec(), None))
}

/// Whether an expression is about nothing but these columns.
fn only(expr: &Expr, names: &[&str]) -> bool {
    let columns = expr.column_refs();
    !columns.is_empty() && columns.iter().all(|column| names.contains(&column.name.as_str()))
}

/// An expression about `time` as one about the files' `timestamp`.
fn of_file(expr: Expr) -> Result<Expr> {
    let renamed = expr.transform(|expr| {
        Ok(match expr {
            Expr::Column(_) => Transformed::yes(Expr::Column(Column::from_name("timestamp"))),
            other => Transformed::no(other),
        })
    })?;
    Ok(renamed.data)
}

/// Without the table's name before it.
fn bare(expr: &Expr) -> Result<Expr> {
    let bare = expr.clone().transform(|expr| {
        Ok(match expr {
            Expr::Column(column) => Transformed::yes(Expr::Column(Column::from_name(column.name))),
            other => Transformed::no(other),
        })
    })?;
    Ok(bare.data)
}

#[async_trait]
impl TableProvider for Readings {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let filters = filters.iter().map(bare).collect::<Result<Vec<_>>>()?;
        let of_labels: Vec<&Expr> = filters.iter().filter(|filter| only(filter, &LABELS)).collect();
        let of_time: Vec<Expr> = filters.iter().filter(|filter| only(filter, &["time"])).cloned().collect();
        if of_labels.is_empty() && of_time.is_empty() {
            let cells: u64 = self.sources.iter().map(|source| source.rows.saturating_mul(source.points)).sum();
            if cells > MOST_CELLS {
                let message = format!(
                    "all_readings has {cells} cells; say of which site, session, point or time (at most {MOST_CELLS} without)"
                );
                return Err(DataFusionError::External(Box::new(QueryError::Invalid(message))));
            }
        }
        let time = conjunction(of_time).map(of_file).transpose()?;
        let chosen = self.chosen(state, &of_labels, time.as_ref()).await?;
        let parts = state.config().target_partitions().clamp(1, chosen.len().max(1));
        let mut dealt: Vec<Vec<Chosen>> = (0..parts).map(|_| Vec::new()).collect();
        for (index, chosen) in chosen.into_iter().enumerate() {
            if let Some(part) = dealt.get_mut(index % parts) {
                part.push(chosen);
            }
        }
        let streams = dealt.into_iter().map(|chosen| {
            Arc::new(Part { schema: Arc::clone(&self.schema), chosen: Arc::new(chosen) }) as Arc<dyn PartitionStream>
        });
        let schema = Arc::clone(&self.schema);
        Ok(Arc::new(StreamingTableExec::try_new(schema, streams.collect(), projection, [], false, limit)?))
    }
}

/// Some columns of a file.
struct Chosen {
    source: Source,
    columns: Vec<(String, bool)>,
    plan: Arc<dyn ExecutionPlan>,
}

impl Chosen {
    fn new(
        state: &dyn Session,
        source: Source,
        columns: Vec<(String, bool)>,
        time: &DataType,
        predicate: Option<&Expr>,
    ) -> Result<Self> {
        let kind = |state: bool| if state { DataType::Utf8 } else { DataType::Float64 };
        let fields = columns.iter().map(|(name, state)| Field::new(name, kind(*state), true));
        let timestamp = Field::new("timestamp", time.clone(), false);
        let schema = Arc::new(Schema::new(std::iter::once(timestamp).chain(fields).collect::<Vec<_>>()));
        let mut parquet =
            ParquetSource::new(Arc::clone(&schema)).with_table_parquet_options(state.default_table_options().parquet);
        if let Some(predicate) = predicate {
            let schema = DFSchema::try_from(Schema::clone(&schema))?;
            let predicate: Arc<dyn PhysicalExpr> = state.create_physical_expr(predicate.clone(), &schema)?;
            parquet = parquet.with_predicate(predicate).with_pushdown_filters(true);
        }
        let config = FileScanConfigBuilder::new(store_url()?, Arc::new(parquet))
            .with_file(PartitionedFile::new(source.path.clone(), source.size_bytes))
            .build();
        Ok(Self { source, columns, plan: DataSourceExec::from_data_source(config) })
    }

    /// The readings of some rows, point by point.
    fn readings(&self, rows: &RecordBatch, schema: &SchemaRef) -> Result<Vec<RecordBatch>> {
        let count = rows.num_rows();
        let missing = || exec_datafusion_err!("a stored file has no column that it should have");
        let time = rows.columns().first().ok_or_else(missing)?;
        let time: ArrayRef = Arc::new(time.as_primitive::<TimestampMillisecondType>().clone());
        let Source { site, session, session_id, .. } = &self.source;
        let labels =
            [site.as_deref(), Some(session.as_str()), Some(session_id.as_str())].map(|text| repeated(text, count));
        let mut batches = Vec::with_capacity(self.columns.len());
        for ((name, is_state), cells) in self.columns.iter().zip(rows.columns().iter().skip(1)) {
            if cells.null_count() == count {
                continue;
            }
            let (value, state): (ArrayRef, ArrayRef) = if *is_state {
                (Arc::new(Float64Array::new_null(count)), Arc::clone(cells))
            } else {
                (Arc::clone(cells), Arc::new(StringArray::new_null(count)))
            };
            let mut columns = labels.to_vec();
            columns.extend([repeated(Some(name), count), Arc::clone(&time), value, state]);
            let batch = RecordBatch::try_new(Arc::clone(schema), columns)?;
            batches.push(match cells.null_count() {
                0 => batch,
                _ => compute::filter_record_batch(&batch, &compute::is_not_null(cells)?)?,
            });
        }
        Ok(batches)
    }
}

/// Files that are read one behind another.
struct Part {
    schema: SchemaRef,
    chosen: Arc<Vec<Chosen>>,
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: HashSet<&str> = self.chosen.iter().map(|chosen| chosen.source.session.as_str()).collect();
        write!(f, "readings of {} sessions", names.len())
    }
}

impl PartitionStream for Part {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let schema = Arc::clone(&self.schema);
        let chosen = Arc::clone(&self.chosen);
        let files = futures_util::stream::iter(0..chosen.len()).map(move |index| {
            let (chosen, schema, context) = (Arc::clone(&chosen), Arc::clone(&schema), Arc::clone(&context));
            let file = chosen.get(index).ok_or_else(|| exec_datafusion_err!("a file of history is gone"))?;
            let rows = execute_stream(Arc::clone(&file.plan), context)?;
            let readings = rows.map(move |rows| {
                let file = chosen.get(index).ok_or_else(|| exec_datafusion_err!("a file of history is gone"))?;
                let batches = file.readings(&rows?, &schema)?.into_iter().map(Ok);
                Ok::<_, DataFusionError>(futures_util::stream::iter(batches))
            });
            Ok::<_, DataFusionError>(readings.try_flatten())
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), files.try_flatten()))
    }
}

//! Whether a statement may still go on, asked where it would not ask by itself.
//!
//! Statements end by being dropped between two batches. Two kinds of work see no end between theirs: a join whose
//! condition is no equality compares whole tables before it has a batch, so its condition asks too; and what counts the
//! rows of a join takes them as long as there are any, so a join yields now and then.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Schema};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Result, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, Operator};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::BinaryExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec};

use crate::error::QueryError;

/// Of one statement.
#[derive(Debug)]
pub(crate) struct Watch {
    begun: Instant,
    /// Time that it may take, ms since it was begun; waiting for its client does not count.
    until_ms: AtomicU64,
    /// Whether nobody waits for it any more.
    left: AtomicBool,
    time: Duration,
}

impl Watch {
    pub(crate) fn new(time: Duration) -> Self {
        Self { begun: Instant::now(), until_ms: AtomicU64::new(millis(time)), left: AtomicBool::new(false), time }
    }

    /// When its time is over.
    pub(crate) fn deadline(&self) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.begun + Duration::from_millis(self.until_ms.load(Ordering::Relaxed)))
    }

    /// It waited for its client.
    pub(crate) fn waited(&self, time: Duration) {
        self.until_ms.fetch_add(millis(time), Ordering::Relaxed);
    }

    /// Nobody waits any more.
    pub(crate) fn leave(&self) {
        self.left.store(true, Ordering::Relaxed);
    }

    pub(crate) fn out_of_time(&self) -> QueryError {
        let ms = self.time.as_millis();
        QueryError::Time(format!("it took longer than {ms} ms; ask for less, or allow more with timeout_ms"))
    }

    fn check(&self) -> Result<()> {
        let over = millis(self.begun.elapsed()) > self.until_ms.load(Ordering::Relaxed);
        if over || self.left.load(Ordering::Relaxed) {
            return Err(DataFusionError::External(Box::new(self.out_of_time())));
        }
        Ok(())
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The plan with its joins watched.
pub(crate) fn watched(plan: Arc<dyn ExecutionPlan>, watch: &Arc<Watch>) -> Result<Arc<dyn ExecutionPlan>> {
    let watched = plan.transform_up(|node| {
        if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() {
            let asking = join.filter().map(|filter| {
                let asks: Arc<dyn PhysicalExpr> = Arc::new(Asks(Arc::clone(watch)));
                let both = BinaryExpr::new(asks, Operator::And, Arc::clone(filter.expression()));
                JoinFilter::new(Arc::new(both), filter.column_indices().to_vec(), Arc::clone(filter.schema()))
            });
            let projection = join.projection().as_ref().map(|columns| columns.to_vec());
            let (left, right) = (Arc::clone(join.left()), Arc::clone(join.right()));
            let join = NestedLoopJoinExec::try_new(left, right, asking, join.join_type(), projection)?;
            return Ok(Transformed::yes(yielding(Arc::new(join))));
        }
        let is_join = node.is::<HashJoinExec>() || node.is::<CrossJoinExec>() || node.is::<SortMergeJoinExec>();
        Ok(if is_join { Transformed::yes(yielding(node)) } else { Transformed::no(node) })
    })?;
    Ok(watched.data)
}

fn yielding(join: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    Arc::new(CooperativeExec::new(join))
}

/// True, as long as the statement may go on; else its end.
#[derive(Debug)]
struct Asks(Arc<Watch>);

impl PartialEq for Asks {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Asks {}

impl Hash for Asks {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

impl fmt::Display for Asks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("goes_on()")
    }
}

impl PhysicalExpr for Asks {
    fn data_type(&self, _: &Schema) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn nullable(&self, _: &Schema) -> Result<bool> {
        Ok(false)
    }

    fn evaluate(&self, _: &RecordBatch) -> Result<ColumnarValue> {
        self.0.check()?;
        Ok(ColumnarValue::Scalar(ScalarValue::Boolean(Some(true))))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        Vec::new()
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        Ok(self)
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("goes_on()")
    }
}

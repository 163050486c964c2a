//! `locf`, `interpolate`, `counter_delta`: functions of the rows of a window, in its order.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampNanosecondType;
use arrow_array::{Array, ArrayRef, Float64Array, UInt64Array};
use arrow_schema::{DataType, Field, FieldRef, TimeUnit};
use datafusion::arrow::compute::{cast, take};
use datafusion::common::{Result, exec_err, plan_err};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{PartitionEvaluator, Signature, Volatility, WindowUDF, WindowUDFImpl};

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Locf,
    Interpolate,
    CounterDelta,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Series {
    kind: Kind,
    signature: Signature,
}

pub(super) fn all() -> Vec<Arc<WindowUDF>> {
    let kinds = [
        (Kind::Locf, Signature::any(1, Volatility::Immutable)),
        (Kind::Interpolate, Signature::user_defined(Volatility::Immutable)),
        (Kind::CounterDelta, Signature::uniform(1, vec![DataType::Float64], Volatility::Immutable)),
    ];
    kinds.into_iter().map(|(kind, signature)| Arc::new(Series { kind, signature }.into())).collect()
}

impl WindowUDFImpl for Series {
    fn name(&self) -> &str {
        match self.kind {
            Kind::Locf => "locf",
            Kind::Interpolate => "interpolate",
            Kind::CounterDelta => "counter_delta",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, kinds: &[DataType]) -> Result<Vec<DataType>> {
        match kinds {
            [_, DataType::Timestamp(_, zone)] => {
                Ok(vec![DataType::Float64, DataType::Timestamp(TimeUnit::Nanosecond, zone.clone())])
            }
            _ => plan_err!("interpolate(x, time): give the time that the window is ordered by"),
        }
    }

    fn partition_evaluator(&self, _: PartitionEvaluatorArgs) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(Evaluator(self.kind)))
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        let kind = match (self.kind, args.input_fields()) {
            (Kind::Locf, [of, ..]) => of.data_type().clone(),
            _ => DataType::Float64,
        };
        Ok(Arc::new(Field::new(args.name(), kind, true)))
    }
}

#[derive(Debug)]
struct Evaluator(Kind);

impl PartitionEvaluator for Evaluator {
    fn evaluate_all(&mut self, values: &[ArrayRef], _: usize) -> Result<ArrayRef> {
        match (self.0, values) {
            (Kind::Locf, [cells, ..]) => Ok(take(cells, &last_rows(cells), None)?),
            (Kind::Interpolate, [cells, times, ..]) => {
                let times = cast(times, &DataType::Timestamp(TimeUnit::Nanosecond, None))?;
                let times: Vec<i64> =
                    times.as_primitive::<TimestampNanosecondType>().iter().map(|at| at.unwrap_or_default()).collect();
                Ok(Arc::new(interpolated(cells.as_primitive(), &times)))
            }
            (Kind::CounterDelta, [cells, ..]) => Ok(Arc::new(counted(cells.as_primitive()))),
            _ => exec_err!("a function of a window was given no column"),
        }
    }
}

/// For each row the last one up to it that has a value.
fn last_rows(cells: &ArrayRef) -> UInt64Array {
    let mut last = None;
    let rows = (0..cells.len()).map(|row| {
        if cells.is_valid(row) {
            last = Some(row as u64);
        }
        last
    });
    rows.collect()
}

fn interpolated(cells: &Float64Array, times: &[i64]) -> Float64Array {
    let mut values: Vec<Option<f64>> = cells.iter().collect();
    let known: Vec<(usize, f64)> = cells.iter().enumerate().filter_map(|(row, value)| Some((row, value?))).collect();
    for pair in known.windows(2) {
        let &[(from, before), (to, after)] = pair else { continue };
        let (Some(start), Some(end)) = (times.get(from), times.get(to)) else { continue };
        let span = (end - start) as f64;
        let between = values.iter_mut().zip(times).take(to).skip(from + 1);
        for (value, at) in between.filter(|_| span > 0.0) {
            *value = Some(before + (after - before) * ((at - start) as f64 / span));
        }
    }
    values.into_iter().collect()
}

fn counted(cells: &Float64Array) -> Float64Array {
    let mut last: Option<f64> = None;
    let deltas = cells.iter().map(|value| {
        let before = last;
        last = value.or(last);
        let (value, before) = (value?, before?);
        Some(if value < before { value } else { value - before })
    });
    deltas.collect()
}

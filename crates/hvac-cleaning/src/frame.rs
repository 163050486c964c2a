//! A polars frame as plain columns, and back. The memory of numbers is taken over, not copied, where the frame is
//! the only one that holds it.

use std::collections::{BTreeMap, HashMap};

use polars::prelude::{
    Column, DataFrame, DataType, Int64Chunked, IntoSeries, NewChunkedArray, StringChunked, TimeUnit, TimeZone,
};
use rayon::prelude::*;

use super::cells::{NumberCells, kept};
use super::report::ColumnSummary;
use super::{CleanError, internal};
use hvac_frame::column::{ColumnMeta, Kind, NullReason};
use hvac_frame::names::TIMESTAMP;

/// The cells of one column.
#[derive(Debug, Clone)]
pub(crate) enum ColumnData {
    /// Numbers; NaN without one.
    Numbers(NumberCells),
    /// Texts: the column as it came, for each row the row of its text, and why there is none.
    Texts(StringChunked, Vec<Result<usize, NullReason>>),
}

impl ColumnData {
    /// Rows.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Numbers(cells) => cells.values().len(),
            Self::Texts(_, rows) => rows.len(),
        }
    }

    /// Its numbers; none of texts.
    #[must_use]
    pub(crate) fn values(&self) -> &[f64] {
        match self {
            Self::Numbers(cells) => cells.values(),
            Self::Texts(..) => &[],
        }
    }

    /// Cells with a value.
    #[must_use]
    pub(crate) fn present(&self) -> u64 {
        match self {
            Self::Numbers(cells) => cells.summary().count,
            Self::Texts(_, rows) => rows.iter().filter(|row| row.is_ok()).count() as u64,
        }
    }

    /// Only the rows that are kept.
    #[must_use]
    pub(crate) fn keep(self, keep: &[bool]) -> Self {
        match self {
            Self::Numbers(cells) => Self::Numbers(cells.keep(keep)),
            Self::Texts(texts, rows) => Self::Texts(texts, kept(&rows, keep)),
        }
    }

    /// How many cells have no value, by reason.
    #[must_use]
    pub(crate) fn nulls(&self) -> BTreeMap<NullReason, u64> {
        match self {
            Self::Numbers(cells) => cells.nulls(),
            Self::Texts(_, rows) => {
                let mut by_reason = BTreeMap::new();
                for reason in rows.iter().filter_map(|row| row.err()) {
                    *by_reason.entry(reason).or_default() += 1;
                }
                by_reason
            }
        }
    }

    /// What is known of its values.
    #[must_use]
    pub(crate) fn summary(&self) -> ColumnSummary {
        match self {
            Self::Numbers(cells) => cells.summary(),
            Self::Texts(..) => {
                let present = self.present();
                ColumnSummary { count: present, nulls: self.len() as u64 - present, ..ColumnSummary::default() }
            }
        }
    }
}

/// The times of a frame, UTC ms, and its columns in the order of `columns`.
///
/// # Errors
/// When the frame is not what [`super::clean`] asks for, which is the caller's defect.
pub(crate) fn split(frame: DataFrame, columns: &[ColumnMeta]) -> Result<(Vec<i64>, Vec<ColumnData>), CleanError> {
    let mut found: Vec<Option<Column>> = vec![None; columns.len()];
    let mut at_ms = None;
    let positions: HashMap<&str, usize> =
        columns.iter().enumerate().map(|(at, meta)| (meta.name.as_str(), at)).collect();
    for column in frame.into_columns() {
        if column.name().as_str() == TIMESTAMP {
            at_ms = Some(times(&column)?);
        } else if let Some(slot) = positions.get(column.name().as_str()).and_then(|at| found.get_mut(*at)) {
            *slot = Some(column);
        }
    }
    let at_ms = at_ms.ok_or_else(|| internal("the frame has no timestamp"))?;
    if !at_ms.is_sorted_by(|a, b| a < b) {
        return Err(internal("the frame's timestamps are not ascending and distinct"));
    }
    let data = (found.into_par_iter().zip(columns))
        .map(|(column, meta)| {
            let column = column.ok_or_else(|| internal(format!("the frame has no column {}", meta.name)))?;
            take(column, meta)
        })
        .collect::<Result<_, _>>()?;
    Ok((at_ms, data))
}

fn times(column: &Column) -> Result<Vec<i64>, CleanError> {
    let times = column.datetime().map_err(|_| internal("timestamp is no Datetime"))?;
    if times.time_unit() != TimeUnit::Milliseconds {
        return Err(internal("timestamp is not in ms"));
    }
    let all: Option<Vec<i64>> = times.physical().iter().collect();
    all.ok_or_else(|| internal("a timestamp is null"))
}

fn take(column: Column, meta: &ColumnMeta) -> Result<ColumnData, CleanError> {
    let series = column.take_materialized_series();
    match (series.dtype(), meta.kind) {
        (DataType::String, _) => {
            let texts = series.str().map_err(|error| internal(error.to_string()))?.clone();
            let rows = texts.iter().enumerate();
            let rows = rows.map(|(row, text)| text.map(|_| row).ok_or(NullReason::AsParsed)).collect();
            Ok(ColumnData::Texts(texts, rows))
        }
        (DataType::Float64, Kind::Instantaneous | Kind::Counter | Kind::IntervalTotal | Kind::Status) => {
            let numbers = series.f64().map_err(|error| internal(error.to_string()))?.clone();
            // Nobody else may hold its memory when it is taken over.
            drop(series);
            Ok(ColumnData::Numbers(NumberCells::of_column(numbers)))
        }
        (other, kind) => Err(internal(format!("column {} is {other} and {kind:?}", meta.name))),
    }
}

/// The frame of these columns.
///
/// # Errors
/// When polars refuses them, which would be a defect.
pub(crate) fn join(at_ms: &[i64], columns: Vec<(String, ColumnData)>) -> Result<DataFrame, CleanError> {
    let times = Int64Chunked::from_slice(TIMESTAMP.into(), at_ms);
    let times = times.into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC)).into_series().into();
    let made: Vec<Column> = columns.into_par_iter().map(|(name, data)| column(&name, data)).collect();
    let all = std::iter::once(times).chain(made).collect();
    DataFrame::new(at_ms.len(), all).map_err(|error| internal(error.to_string()))
}

fn column(name: &str, data: ColumnData) -> Column {
    match data {
        ColumnData::Numbers(cells) => cells.into_column(name),
        ColumnData::Texts(texts, rows) => {
            let cells = rows.iter().map(|row| row.ok().and_then(|row| texts.get(row)));
            StringChunked::from_iter_options(name.into(), cells).into_series().into()
        }
    }
}

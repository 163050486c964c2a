//! The columns of some rows on the axis, as they are written to a file.

use polars::prelude::{
    Column, DataFrame, Float64Chunked, Int64Chunked, IntoColumn, NewChunkedArray, PolarsResult, TimeUnit, TimeZone,
};

use crate::names::TIMESTAMP;
use crate::reference::ReferencedColumn;

/// A window's columns, as they are written.
#[derive(Debug)]
pub struct AlignedWindow {
    /// `timestamp`: Datetime ms, UTC; rows as in the axis.
    pub timestamp: Column,
    /// The others, in the file's order.
    pub others: Vec<AlignedColumn>,
}

/// The cells of one column in a window.
#[derive(Debug)]
pub enum AlignedColumn {
    /// Numbers, from a frame of reference.
    Referenced(ReferencedColumn),
    /// Float64 or String.
    Series(Column),
}

impl AlignedWindow {
    /// Of a window's times (UTC ms) and its other columns.
    #[must_use]
    pub fn new(axis: &[i64], others: Vec<AlignedColumn>) -> Self {
        let timestamp =
            Int64Chunked::from_slice(TIMESTAMP.into(), axis).into_datetime(TimeUnit::Milliseconds, Some(TimeZone::UTC));
        Self { timestamp: timestamp.into_column(), others }
    }

    /// The first rows as a frame; `names` are those of the other columns.
    ///
    /// # Errors
    /// When polars refuses the columns, which would be a defect.
    pub fn head<'n>(&self, names: impl Iterator<Item = &'n str>, rows: usize) -> PolarsResult<DataFrame> {
        let rows = rows.min(self.timestamp.len());
        let others = names.zip(&self.others).map(|(name, merged)| match merged {
            AlignedColumn::Series(series) => series.head(Some(rows)),
            AlignedColumn::Referenced(counts) => {
                Float64Chunked::from_iter_options(name.into(), counts.cells(0..rows)).into_column()
            }
        });
        DataFrame::new(rows, std::iter::once(self.timestamp.head(Some(rows))).chain(others).collect())
    }
}

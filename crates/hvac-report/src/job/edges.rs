//! The first and the last rows of a report as they were read: what a person compares with the file.

use hvac_frame::column::{NullReason, TEXT, VALUE};
use hvac_frame::encoded::EncodedSegment;

use super::plan::Plan;
use super::read::{Load, ReadFile};
use crate::ReadError;

/// A row of one table.
#[derive(Debug, Clone, PartialEq)]
pub struct RowAsRead {
    /// UTC ms.
    pub at_ms: i64,
    /// One entry a point.
    pub cells: Vec<CellAsRead>,
}

/// A cell of it.
#[derive(Debug, Clone, PartialEq)]
pub enum CellAsRead {
    /// A reading.
    Number(f64),
    /// A state or a text.
    Text(String),
    /// Nothing, and why; no reason where the row has no cell of the point.
    Nothing(Option<NullReason>),
}

impl Plan {
    /// The earliest and the latest `rows` rows of the table `file`, by time; before any window was read.
    ///
    /// # Errors
    /// When cells that were not kept can no longer be read.
    pub fn edges(&self, file: usize, rows: usize, load: &Load<'_>) -> Result<[Vec<RowAsRead>; 2], ReadError> {
        let Some(read) = self.files.get(file) else { return Ok([Vec::new(), Vec::new()]) };
        let chunks = || read.plan.chunks.iter().enumerate().filter(|(_, chunk)| chunk.rows > 0);
        let first = chunks().min_by_key(|(_, chunk)| chunk.first_at_ms);
        let last = chunks().max_by_key(|(_, chunk)| chunk.last_at_ms);
        let edge = |position: Option<(usize, _)>, at_end: bool| {
            let Some((position, _)) = position else { return Ok(Vec::new()) };
            let Some(segment) = read.segment(position, load)? else { return Ok(Vec::new()) };
            let all = segment.at_ms.len();
            let range = if at_end { all.saturating_sub(rows)..all } else { 0..all.min(rows) };
            Ok(range.filter_map(|row| row_of(read, &segment, row)).collect())
        };
        Ok([edge(first, false)?, edge(last, true)?])
    }
}

fn row_of(read: &ReadFile, segment: &EncodedSegment, row: usize) -> Option<RowAsRead> {
    let cell = |(point, plan): (usize, &crate::PointPlan)| {
        let cells =
            segment.columns.get(point).filter(|column| !column.is_empty()).map(|column| column.decode(row..row + 1));
        let cell = cells.and_then(|cells| Some((*cells.values.first()?, *cells.codes.first()?)));
        match cell {
            None => CellAsRead::Nothing(None),
            Some((value, VALUE)) => CellAsRead::Number(value),
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index of a text")]
            Some((index, TEXT)) => {
                CellAsRead::Text(plan.tokens.get(index as usize).map(|(text, _)| text.clone()).unwrap_or_default())
            }
            Some((_, code)) => CellAsRead::Nothing(NullReason::of_code(code)),
        }
    };
    let at_ms = *segment.at_ms.get(row)?;
    Some(RowAsRead { at_ms, cells: read.plan.points.iter().enumerate().map(cell).collect() })
}

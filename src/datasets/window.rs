//! Which part of a frame is meant: one meaning of `columns`, `from`, `to` and `every` wherever they are asked for.
//!
//! Rows are those with a time from `from` on and before `to`. With `every` they are then put into bins on the site's
//! clock by cleaning's own rules ([`BinnedAxis`]); a bin without a row is no row. Where `from` and `to` lie on edges of
//! bins, a part binned is that part of the whole binned.

use std::fmt;
use std::ops::Range;

use chrono_tz::Tz;
use polars::prelude::{DataFrame, StringChunked};
use serde::Deserialize;
use utoipa::IntoParams;

use super::clock;
use super::names::{self, TIMESTAMP};
use super::opened::Frame;
use super::resolved::Resolved;
use crate::error::{Context, Detail, Error, Result, codes};
use hvac_cleaning::{BinnedAxis, CleanError, Interval, binned};
use hvac_frame::column::ColumnMeta;

/// Cells that are in memory at once where a part is made on the way.
pub const PART_CELLS: u64 = 4 * 1024 * 1024;
/// Rows of a part are a multiple of it: pages of a stored file are unpacked once.
const PART_ROWS: u64 = 4096;

/// Asks for some time, and for rows of some width.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct WindowQuery {
    /// From this time on (ISO 8601; without an offset, on the site's clock).
    pub from: Option<String>,
    /// Before this time.
    pub to: Option<String>,
    /// Width of bins that rows are put into, on the site's clock and labelled by their beginning: means of readings, sums of
    /// amounts, the last of registers and texts, the greatest of statuses. A bin without a row is left out.
    pub every: Option<String>,
}

/// Some time of a frame, and how wide its rows are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Window {
    from_ms: Option<i64>,
    to_ms: Option<i64>,
    every: Option<Interval>,
}

impl Window {
    /// Of a query; what is empty is left out.
    ///
    /// # Errors
    /// 422 for a time or an interval that is none, and for an end that is not later than the beginning.
    pub fn of(query: &WindowQuery, zone: Tz) -> Result<Self> {
        let (from_ms, to_ms) = clock::window(query.from.as_deref(), query.to.as_deref(), zone)?;
        let every = query.every.as_deref().map(str::trim).filter(|every| !every.is_empty());
        let interval = |text: &str| {
            text.parse().map_err(|_| {
                let names = Interval::ALL.map(Interval::name).join(", ");
                let message = format!("every: '{text}' is no interval; use one of {names}");
                Error::invalid("every", codes::BAD_INTERVAL, message)
            })
        };
        Ok(Self { from_ms, to_ms, every: every.map(interval).transpose()? })
    }

    /// Whether all rows are meant, as they are.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        *self == Self::default()
    }

    /// Bounds, UTC ms.
    #[must_use]
    pub fn bounds_ms(&self) -> (Option<i64>, Option<i64>) {
        (self.from_ms, self.to_ms)
    }

    /// Width of its rows; none when they are as they were.
    #[must_use]
    pub fn every(&self) -> Option<Interval> {
        self.every
    }
}

/// For the keys of what is kept: nothing for the whole.
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, bound) in [("from", self.from_ms), ("to", self.to_ms)] {
            if let Some(bound) = bound {
                write!(f, " {name} {bound}")?;
            }
        }
        self.every.map_or(Ok(()), |every| write!(f, " every {every}"))
    }
}

/// Some columns of some time.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// Those named, in their order; all when none are.
    pub columns: Option<Vec<ColumnMeta>>,
    /// The rows.
    pub window: Window,
}

impl Selection {
    /// Of a request.
    ///
    /// # Errors
    /// 422 for an unknown column, with the closest names, and as [`Window::of`].
    pub fn of(dataset: &Resolved, columns: Option<&str>, query: &WindowQuery) -> Result<Self> {
        let listed = names::listed(&dataset.columns, columns)?;
        let columns = listed.map(|listed| listed.into_iter().cloned().collect());
        Ok(Self { columns, window: Window::of(query, dataset.zone)? })
    }

    /// Whether the stored frame is meant as it is.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.columns.is_none() && self.window.is_whole()
    }

    /// Its columns, but for `timestamp`.
    #[must_use]
    pub fn columns<'a>(&'a self, dataset: &'a Resolved) -> &'a [ColumnMeta] {
        self.columns.as_deref().unwrap_or(&dataset.columns)
    }
}

/// For the keys of what is kept: nothing for the whole.
impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(columns) = &self.columns {
            let names: Vec<&str> = columns.iter().map(|meta| meta.name.as_str()).collect();
            write!(f, " columns {}", names.join(","))?;
        }
        self.window.fmt(f)
    }
}

/// The rows of a window of an opened frame.
pub struct WindowRows<'f> {
    frame: &'f Frame,
    /// Stored rows in the window.
    rows: Range<u64>,
    bins: Option<(Interval, BinnedAxis)>,
}

impl<'f> WindowRows<'f> {
    /// Finds the rows. Reads the times of few rows, or of all of the window's where they are put into bins.
    ///
    /// # Errors
    /// 409 when the file is damaged.
    pub fn of(frame: &'f Frame, window: &Window, zone: Tz) -> Result<Self> {
        let rows = frame.rows_between(window.from_ms, window.to_ms)?;
        let bins = match window.every {
            Some(every) => Some((every, BinnedAxis::new(&frame.axis(rows.clone())?, every, zone))),
            None => None,
        };
        Ok(Self { frame, rows, bins })
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.bins.as_ref().map_or(self.rows.end - self.rows.start, |(_, bins)| bins.starts_ms().len() as u64)
    }

    /// Which of them is the first at or after a time, UTC ms; how many there are, if none is.
    ///
    /// # Errors
    /// 409 when the file is damaged.
    pub fn place_of(&self, at_ms: i64) -> Result<u64> {
        match &self.bins {
            Some((_, bins)) => Ok(bins.starts_ms().partition_point(|start| *start < at_ms) as u64),
            None => {
                let row = self.frame.rows_between(Some(at_ms), None)?.start;
                Ok(row.clamp(self.rows.start, self.rows.end) - self.rows.start)
            }
        }
    }

    /// Their times, UTC ms, ascending.
    ///
    /// # Errors
    /// 409 when the file is damaged.
    pub fn axis(&self) -> Result<Vec<i64>> {
        match &self.bins {
            Some((_, bins)) => Ok(bins.starts_ms().to_vec()),
            None => self.frame.axis(self.rows.clone()),
        }
    }

    /// Some rows of some columns, behind `timestamp`.
    ///
    /// # Errors
    /// 409 when the file is damaged.
    pub fn cells(&self, columns: &[ColumnMeta], part: Range<u64>) -> Result<DataFrame> {
        let names: Vec<String> = std::iter::once(TIMESTAMP)
            .chain(columns.iter().map(|meta| meta.name.as_str()))
            .map(str::to_owned)
            .collect();
        let Some((_, bins)) = &self.bins else {
            let (start, end) = (self.rows.start + part.start, self.rows.start + part.end);
            return self.frame.cells(&names, start.min(self.rows.end)..end.min(self.rows.end));
        };
        let place = |bin: u64| usize::try_from(bin.min(self.count())).internal("counting bins");
        let part = place(part.start)?..place(part.end)?;
        let rows = bins.rows(part.clone());
        // A row before the first tells what is held into its bin, even if it lies before the window.
        let (start, end) = (self.rows.start + rows.start as u64, self.rows.start + rows.end as u64);
        let before = start > 0 && start < end;
        let read = self.frame.cells(&names, start - u64::from(before)..end)?;
        bins.resample(read, columns, part, usize::from(before)).map_err(refused)
    }

    /// Cells of a column of numbers.
    ///
    /// # Errors
    /// 409 when the file is damaged.
    pub fn numbers(&self, meta: &ColumnMeta) -> Result<Vec<Option<f64>>> {
        self.numbers_of(meta, 0..self.count())
    }

    /// Some cells of a column of numbers.
    ///
    /// # Errors
    /// 409 when the file is damaged.
    pub fn numbers_of(&self, meta: &ColumnMeta, part: Range<u64>) -> Result<Vec<Option<f64>>> {
        if self.bins.is_none() {
            let (start, end) = (self.rows.start + part.start, self.rows.start + part.end);
            return self.frame.numbers_of(&meta.name, start.min(self.rows.end)..end.min(self.rows.end));
        }
        let cells = self.cells(std::slice::from_ref(meta), part)?;
        let doing = "reading a column of numbers";
        let numbers = cells.column(&meta.name).internal(doing)?.f64().internal(doing)?.clone();
        Ok(numbers.iter().map(|number| number.filter(|n| n.is_finite())).collect())
    }

    /// Cells of a column of texts.
    ///
    /// # Errors
    /// 409 when the file is damaged.
    pub fn texts(&self, meta: &ColumnMeta) -> Result<StringChunked> {
        let cells = self.cells(std::slice::from_ref(meta), 0..self.count())?;
        let doing = "reading a column of texts";
        Ok(cells.column(&meta.name).internal(doing)?.str().internal(doing)?.clone())
    }

    /// The rows in parts, each of which is little enough in memory with so many columns.
    #[must_use]
    pub fn parts(&self, columns: usize) -> Vec<Range<u64>> {
        let most = (PART_CELLS / (columns as u64 + 1) / PART_ROWS).clamp(1, 16) * PART_ROWS;
        let mut parts = Vec::new();
        match &self.bins {
            // Ends at multiples, so that pages are not cut.
            None => {
                let mut start = self.rows.start;
                while start < self.rows.end {
                    let end = ((start / most + 1) * most).min(self.rows.end);
                    parts.push(start - self.rows.start..end - self.rows.start);
                    start = end;
                }
            }
            Some((_, bins)) => {
                let mut start = 0;
                for bin in 0..bins.starts_ms().len() {
                    let rows = bins.rows(start..bin + 1);
                    if bin > start && (rows.end - rows.start) as u64 > most {
                        parts.push(start as u64..bin as u64);
                        start = bin;
                    }
                }
                if start < bins.starts_ms().len() {
                    parts.push(start as u64..bins.starts_ms().len() as u64);
                }
            }
        }
        parts
    }

    /// What a column's cells stand for here.
    #[must_use]
    pub fn described(&self, meta: &ColumnMeta) -> ColumnMeta {
        self.bins.as_ref().map_or_else(|| meta.clone(), |(every, _)| binned(meta, *every))
    }
}

/// What the cleaning crate refuses, as this program's.
pub fn refused(error: CleanError) -> Error {
    let CleanError { code, message, problems } = error;
    if code == "internal" {
        return Error::internal(message);
    }
    let error = Error::new(codes::named(code).unwrap_or(codes::INTERNAL), message);
    let detail = |p: hvac_cleaning::Problem| Detail { field: Some(p.field), message: p.message, ..Detail::default() };
    problems.into_iter().map(detail).fold(error, Error::with_detail)
}

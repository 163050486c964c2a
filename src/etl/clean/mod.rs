//! Cleaning: a stored frame in, a judged, resampled and completed one out, with every decision visible.
//!
//! Decide, then do: [`check`] settles from the columns alone which rule runs on which points and refuses what
//! cannot be done; [`clean`] does it. Cells are judged on the samples as they were recorded, then the axis is
//! resampled by kind of point, then columns are derived, then rows are judged. Every rule judges the same
//! data whatever the others find, so its hits do not depend on the others; what is hit is nulled or dropped
//! only when asked, and each hit is counted for the first rule in order and for all that hit.
//!
//! A rule is one file: its parameters, units and sources stand there. Nothing in here guesses in silence: a
//! column that was found by its name or a unit that was told by the values is in the report, with the reason.

use std::ops::ControlFlow;

use chrono_tz::Tz;
use polars::prelude::DataFrame;

use super::column::ColumnMeta;

pub mod parameters;
pub mod report;

pub use self::parameters::{Columns, Interval, Limits, Parameters, Pump, Roles, Thresholds};
pub use self::report::{Event, Report, Rule};

/// Why a request cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CleanError {
    /// Stable, snake_case: `missing_role`, `ambiguous_role`, `unknown_column`, `unknown_unit`, `bad_threshold`,
    /// `window_shorter_than_rows`, `cancelled`, `internal`.
    pub code: &'static str,
    /// One sentence: what is wrong and the way out.
    pub message: String,
    /// Each thing that is wrong; the first is in the message.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// See [`CleanError::code`].
    pub code: &'static str,
    /// Field of [`Parameters`], such as `columns.chw_supply`.
    pub field: String,
    /// One sentence: what is wrong and the way out, naming the closest columns.
    pub message: String,
}

/// What will be done, settled from the columns alone.
#[derive(Debug, Clone)]
pub struct Plan {
    parameters: Parameters,
}

impl Plan {
    /// What was asked.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }
}

/// A cleaned frame.
#[derive(Debug)]
pub struct Cleaned {
    /// `timestamp` (Datetime ms, UTC, ascending, distinct), then Float64 or String columns: the parsed ones in
    /// their order, then on-fractions, then derived ones.
    pub frame: DataFrame,
    /// One entry a column of the frame but `timestamp`.
    pub columns: Vec<ColumnMeta>,
    /// What was found and done.
    pub report: Report,
    /// By start, rule and column.
    pub events: Vec<Event>,
}

/// Settles which rule runs on which points in which units, and why.
///
/// Units that neither the columns nor the parameters state are left to the values, which [`clean`] asks.
///
/// # Errors
/// Unknown columns or units, thresholds that cannot be, and (unless `lenient`) rules that lack a column.
pub fn check(_columns: &[ColumnMeta], parameters: &Parameters) -> Result<Plan, CleanError> {
    Ok(Plan { parameters: parameters.clone() })
}

/// Cleans `frame` (`timestamp` Datetime ms UTC ascending distinct, Float64 and String columns as in `columns`).
///
/// `zone` is the site's; `progress` hears a share of 0–1 and what is being done, and may stop the work.
///
/// # Errors
/// A unit that the values cannot tell either (unless `lenient`), `cancelled`, or a defect.
pub fn clean(
    _frame: DataFrame,
    _columns: &[ColumnMeta],
    _zone: Tz,
    _plan: &Plan,
    _progress: &dyn Fn(f64, &str) -> ControlFlow<()>,
) -> Result<Cleaned, CleanError> {
    todo!("the rules follow")
}

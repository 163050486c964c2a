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

#![doc = include_str!("../README.md")]
#![warn(unreachable_pub)]

use polars::prelude::DataFrame;

use hvac_frame::column::ColumnMeta;

mod affinity;
mod axis;
mod binned;
mod bins;
mod cells;
mod completion;
mod consistency;
mod counter;
mod derive;
pub mod diagnostics;
mod equipment;
mod frame;
mod frozen;
mod heat_balance;
mod hold;
mod judge;
mod levels;
mod machines;
mod needs;
mod parameters;
mod plan;
mod plant_rows;
mod quantity;
mod range;
mod reconciliation;
mod report;
mod resample;
mod resolve_units;
pub mod roles;
mod rows;
mod run;
mod run_lengths;
mod sampling;
mod sensor_tags;
mod sensors;
mod shared_jumps;
mod spike;
mod spike_laws;
mod spikes;
pub mod steady;
#[cfg(test)]
mod tests;
mod within_days;
mod work;

pub use self::binned::{BinnedAxis, Recording, binned, is_on_change};
pub use self::parameters::{Columns, Interval, Limits, Parameters, Pump, Roles, Thresholds};
pub use self::plan::{Plan, check};
pub use self::plant_rows::{PlantColumns, PlantRows};
pub use self::report::{ColumnUse, Event, Hits, Report, Rule, RuleUse};
pub use self::run::clean;

/// Changes whenever the same frame and parameters would be cleaned into another frame or report.
pub const CLEANER_VERSION: &str = "9";

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

impl CleanError {
    /// The error of these problems; none without any.
    fn of(problems: Vec<Problem>) -> Option<Self> {
        let first = problems.first()?;
        let more = match problems.len() {
            1 => String::new(),
            n => format!(" (and {} more)", n - 1),
        };
        Some(Self { code: first.code, message: format!("{}{more}", first.message), problems })
    }
}

fn internal(message: impl Into<String>) -> CleanError {
    CleanError { code: "internal", message: message.into(), problems: Vec::new() }
}

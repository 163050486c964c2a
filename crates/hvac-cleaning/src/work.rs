//! A cleaning while it goes on: what is known of the frame so far, for every step that adds to it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use chrono::DateTime;
use chrono_tz::Tz;

use super::CleanError;
use super::derive;
use super::frame::ColumnData;
use super::judge::CellFindings;
use super::plan::Plan;
use super::quantity::{Quantity, Unit};
use super::range;
use super::report::{CounterUse, Event, LeftOut, Resampling, Rule};
use super::roles::Role;
use hvac_frame::column::{ColumnMeta, Warning};

/// What is known while the work goes on.
pub(super) struct OngoingCleaning<'p> {
    pub(crate) plan: &'p Plan,
    pub(crate) zone: Tz,
    /// Unit of every column whose quantity is known, values asked.
    pub(crate) units: BTreeMap<usize, (Quantity, Unit)>,
    /// The parsed columns, then the derived ones.
    pub(crate) metas: Vec<ColumnMeta>,
    pub(crate) data: Vec<ColumnData>,
    pub(crate) at_ms: Vec<i64>,
    /// Each column's own interval and the step between its rows, ms.
    pub(crate) intervals: Vec<Option<(f64, f64)>>,
    /// Least step between rows, ms.
    pub(crate) least_step_ms: i64,
    pub(crate) events: Vec<Event>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) judged: Vec<CellFindings>,
    pub(crate) counters: Vec<CounterUse>,
    /// Registers whose growth was derived, by column.
    pub(crate) growing: BTreeMap<usize, Growing>,
    /// Columns that are called registers and are none, and why.
    pub(crate) no_registers: Vec<LeftOut>,
    pub(crate) resampling: Resampling,
    /// Parsed rows.
    pub(crate) parsed: u64,
    /// Which resampled rows have a sample.
    pub(crate) sampled: Vec<bool>,
    /// For each planned pump, the bins in which it ran throughout; empty without resampling.
    pub(crate) ran: Vec<Vec<bool>>,
    /// Rules that could not run for a reason that only the data told.
    pub(crate) stopped: BTreeMap<Rule, String>,
    /// Events and rows concerned of each rule that sets sensors against each other.
    pub(crate) sensor_hits: BTreeMap<Rule, (u64, u64)>,
    /// Columns of the parsed frame.
    pub(crate) width: usize,
}

/// Tells `progress` how far the work is.
///
/// # Errors
/// `cancelled` when it says so.
pub(super) fn step(progress: &dyn Fn(f64, &str) -> ControlFlow<()>, share: f64, doing: &str) -> Result<(), CleanError> {
    if progress(share, doing).is_break() {
        let message = "the cleaning was cancelled".to_owned();
        return Err(CleanError { code: "cancelled", message, problems: Vec::new() });
    }
    Ok(())
}

/// What was judged of a register.
#[derive(Debug, Clone, Copy)]
pub(super) struct Growing {
    pub(super) readings: u64,
    pub(super) incidents: u64,
}

impl OngoingCleaning<'_> {
    pub(super) fn values(&self, index: usize) -> &[f64] {
        self.data.get(index).map_or(&[], ColumnData::values)
    }

    pub(super) fn warn(&mut self, code: &str, column: Option<String>, count: u64, message: String) {
        self.warnings.push(Warning { code: code.to_owned(), file: String::new(), line: None, column, count, message });
    }

    pub(super) fn stop(&mut self, rule: Rule, message: String) {
        self.warn("rule_left_out", None, 1, format!("{} was left out: {message}", rule.name()));
        self.stopped.insert(rule, message);
    }

    /// A time as a message shows it, on the site's clock.
    pub(super) fn local(&self, at_ms: i64) -> String {
        let time = DateTime::from_timestamp_millis(at_ms).map(|time| time.with_timezone(&self.zone));
        time.map_or_else(String::new, |time| time.format("%Y-%m-%d %H:%M").to_string())
    }

    /// The step between the first two rows, ms.
    pub(super) fn step_ms(&self) -> i64 {
        self.at_ms.first().zip(self.at_ms.get(1)).map_or(0, |(a, b)| b - a)
    }

    /// The limits of a column in its own unit.
    pub(super) fn range(&self, index: usize) -> Option<range::RangeLimits> {
        let (meta, thresholds) = (self.metas.get(index)?, &self.plan.parameters.thresholds);
        let stated = thresholds.limits.get(&meta.name).or_else(|| thresholds.limits.get(&meta.original_name));
        if let Some(limits) = stated {
            return Some(range::in_words(*limits, meta.unit.as_deref().unwrap_or_default()));
        }
        let (quantity, unit) = self.units.get(&index)?;
        Some(range::range_of(*quantity, unit, thresholds))
    }

    /// A role's values on the present axis in the unit of comparison, with its columns.
    pub(super) fn role_values(&self, role: Role) -> Option<(Vec<f64>, Vec<String>)> {
        let chosen = self.plan.roles.get(&role)?;
        let mut sum: Option<Vec<f64>> = None;
        let mut names = Vec::new();
        for index in &chosen.columns {
            let (_, unit) = self.units.get(index)?;
            let values = self.values(*index).iter().map(|value| unit.convert(*value));
            sum = Some(match sum {
                None => values.collect(),
                Some(sum) => sum.iter().zip(values).map(|(a, b)| a + b).collect(),
            });
            names.push(self.metas.get(*index)?.name.clone());
        }
        Some((sum?, names))
    }

    /// Every role whose units are known.
    pub(super) fn inputs(&self) -> derive::Inputs {
        Role::ALL.into_iter().filter_map(|role| Some((role, self.role_values(role)?))).collect()
    }
}

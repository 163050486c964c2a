//! What a cleaning found and did: stored with its version and answered to the user. Only data.
//!
//! Two laws hold, and are tested for every cleaning:
//! rows: `resampled = cleaned + Σ dropped (first rule)`; cells of each column: `values before = values kept +
//! Σ nulled (first rule)`. Every number in the message is one of these, a sum or a difference of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use hvac_frame::column::{NullReason, Warning};

/// A rule that judges; in the order in which they count as the first that hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// A cell outside of what its kind and unit can be.
    OutOfRange,
    /// A cell that jumped away and back.
    Spike,
    /// A cell of a sensor that stood still.
    Frozen,
    /// A reading at which a register started again, rolled over, or jumped; never nulled.
    Counter,
    /// A row at which the load moves.
    SteadyState,
    /// A row at which flow × ΔT is not the measured load.
    HeatBalance,
    /// A row at which a pump's or fan's P/f³ is not its own.
    Affinity,
    /// A row at which machines contradict each other.
    Equipment,
    /// A sensor whose error grows; only reported.
    Drift,
    /// A sensor that reads too much or too little by a constant; only reported.
    Offset,
    /// Two sensors of one loop that are exchanged; only reported.
    Swap,
    /// A point that is printed in another unit than it is said to have; only reported.
    WrongUnit,
    /// A point that is late or early by whole intervals; only reported.
    TimeShift,
}

impl Rule {
    /// Every rule, in order.
    pub const ALL: [Self; 13] = [
        Self::OutOfRange,
        Self::Spike,
        Self::Frozen,
        Self::Counter,
        Self::SteadyState,
        Self::HeatBalance,
        Self::Affinity,
        Self::Equipment,
        Self::Drift,
        Self::Offset,
        Self::Swap,
        Self::WrongUnit,
        Self::TimeShift,
    ];

    /// Those that set sensors against each other.
    pub(crate) const OF_SENSORS: [Self; 5] = [Self::Drift, Self::Offset, Self::Swap, Self::WrongUnit, Self::TimeShift];

    /// As it is spelled in requests, reports and events.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OutOfRange => "out_of_range",
            Self::Spike => "spike",
            Self::Frozen => "frozen",
            Self::Counter => "counter",
            Self::SteadyState => "steady_state",
            Self::HeatBalance => "heat_balance",
            Self::Affinity => "affinity",
            Self::Equipment => "equipment",
            Self::Drift => "drift",
            Self::Offset => "offset",
            Self::Swap => "swap",
            Self::WrongUnit => "wrong_unit",
            Self::TimeShift => "time_shift",
        }
    }

    /// The reason of a cell that it nulls; none for rules that drop rows or only report.
    #[must_use]
    pub(crate) fn null_reason(self) -> Option<NullReason> {
        match self {
            Self::OutOfRange => Some(NullReason::OutOfRange),
            Self::Spike => Some(NullReason::Spike),
            Self::Frozen => Some(NullReason::Frozen),
            _ => None,
        }
    }
}

/// An interval during which a rule hit one column, or one row after another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Event {
    /// What hit.
    pub rule: Rule,
    /// The column concerned; none when it is about rows.
    pub column: Option<String>,
    /// Time of the first row concerned, UTC ms.
    pub start_at_ms: i64,
    /// Time of the last row concerned, UTC ms.
    pub end_at_ms: i64,
    /// Rows concerned: of the parsed version for cell rules and counters, of the resampled one for row rules.
    pub rows: u64,
    /// In words: `23.4 for 14 h while CHP_01 ran`.
    pub detail: String,
}

/// How often a rule hit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Hits {
    /// As the first rule in order: these add up.
    pub first: u64,
    /// At all, whatever other rules said.
    pub all: u64,
}

/// Everything a user should know about a cleaning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Report {
    /// One to three sentences for the frontend.
    pub message: String,
    /// Code that made it.
    pub cleaner_version: String,
    /// What became of the axis.
    pub resampling: Resampling,
    /// Rows, conserved.
    pub rows: RowCounts,
    /// Cells with a value, conserved, all columns together.
    pub cells: CellCounts,
    /// Of the resampled rows that have a sample, which are those that could be kept, how many the rules left, 0–100.
    pub retention_rate: f64,
    /// Of the parsed cells that have a value, how many the cell rules left, 0–100.
    pub cell_retention_rate: f64,
    /// Which columns and units were used for what, and why.
    pub roles: Vec<RoleUse>,
    /// Each rule that was asked for: where it ran, where not and why.
    pub rules: Vec<RuleUse>,
    /// Each column, before and after.
    pub columns: Vec<ColumnUse>,
    /// Each pump and fan with speed and power.
    pub affinity: Vec<PumpUse>,
    /// Flow × ΔT against the measured load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heat_balance: Option<Balance>,
    /// Q_evap + W_in against Q_cond, where both sides are measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plant_balance: Option<Balance>,
    /// Each register whose consumption was derived.
    pub counters: Vec<CounterUse>,
    /// What did not stop the work.
    pub warnings: Vec<Warning>,
}

/// What became of the axis.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Resampling {
    /// As asked.
    pub requested: Option<String>,
    /// Width of the bins; none when the rows were left as they were.
    pub applied: Option<String>,
    /// Shortest interval at which any column is recorded, s.
    pub data_interval_s: Option<u32>,
    /// Bins without a sample.
    pub empty_bins: u64,
    /// Of these, how many were left out as asked.
    pub empty_bins_left_out: u64,
    /// Why, in one sentence.
    pub note: String,
}

/// Rows: `resampled = cleaned + Σ dropped.first`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Rows))]
pub struct RowCounts {
    /// Of the parsed version.
    pub parsed: u64,
    /// After resampling, empty bins that stay included.
    pub resampled: u64,
    /// Of these, rows that rules hit.
    pub flagged: BTreeMap<Rule, Hits>,
    /// Of these, rows that were dropped (none unless `filter_invalid`).
    pub dropped: BTreeMap<Rule, Hits>,
    /// What is left.
    pub cleaned: u64,
}

/// Cells with a value: `before = kept + Σ nulled.first`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Cells))]
pub struct CellCounts {
    /// Values before the cell rules, on the parsed axis.
    pub before: u64,
    /// Cells that rules hit.
    pub flagged: BTreeMap<Rule, Hits>,
    /// Cells that were nulled: none unless `filter_invalid`, and fewer than flagged where a sensor stood still of which
    /// nothing tells whether its equipment ran.
    pub nulled: BTreeMap<Rule, Hits>,
    /// Values after the cell rules, on the parsed axis.
    pub kept: u64,
    /// Values of these columns in the cleaned version.
    pub after: u64,
}

/// One role: which columns fill it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoleUse {
    /// Such as `chw_supply`.
    pub role: String,
    /// Columns, which add up when there are several.
    pub columns: Vec<String>,
    /// Why these: stated, or by their names.
    pub evidence: String,
    /// Units, one a column, where the role has one.
    pub units: Vec<UnitUse>,
}

/// The unit that a column's values were read in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnitUse {
    /// Column.
    pub column: String,
    /// Unit.
    pub unit: String,
    /// From where.
    pub evidence: String,
}

/// One rule: where it ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RuleUse {
    /// Which.
    pub rule: Rule,
    /// Whether it ran at all.
    pub ran: bool,
    /// Its limits, in words.
    pub limits: String,
    /// Columns it judged, or judged rows by.
    pub columns: Vec<String>,
    /// Columns it could not judge, or not wholly, each with the reason and the number of cells where there is one.
    pub left_out: Vec<LeftOut>,
    /// Cells or rows that it judged.
    pub judged: u64,
    /// Cells or rows that it hit.
    pub hits: Hits,
}

/// A column that a rule did not judge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeftOut {
    /// Column.
    pub column: String,
    /// Why.
    pub reason: String,
}

/// One column before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ColumnUse {
    /// Name.
    pub column: String,
    /// In the parsed version; none for a derived column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<ColumnSummary>,
    /// In the cleaned version.
    pub after: ColumnSummary,
    /// Cells that rules hit, on the parsed axis.
    pub flagged: BTreeMap<Rule, Hits>,
    /// Cells that were nulled.
    pub nulled: BTreeMap<Rule, Hits>,
}

/// Values of a column; of a text column only the counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ColumnSummary {
    /// Cells with a value.
    pub count: u64,
    /// Cells without.
    pub nulls: u64,
    /// Least.
    pub min: Option<f64>,
    /// Mean.
    pub mean: Option<f64>,
    /// Greatest.
    pub max: Option<f64>,
}

/// A pump or fan against its own affinity law.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PumpUse {
    /// Column of the speed.
    pub speed: String,
    /// Column of the power.
    pub power: String,
    /// Why these two belong together.
    pub evidence: String,
    /// Rows at which it runs.
    pub running_rows: u64,
    /// Median of P/f³ while it runs.
    pub median: Option<f64>,
    /// Exponent n of P ∝ fⁿ, by least squares on the logarithms; none when the speed hardly varies.
    pub exponent: Option<f64>,
    /// Lowest and highest speed while it runs.
    pub speed_range: Option<(f64, f64)>,
    /// Rows whose P/f³ is further from its median, or the nearest of its levels, than the limit.
    pub flagged: u64,
    /// In words, when it could not be judged, or when one speed has several powers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A balance over rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Balance {
    /// Rows at which every side is known and there is a load.
    pub rows: u64,
    /// Of these, rows within the limit.
    pub within: u64,
    /// `within / rows`, 0–1; none without rows.
    pub share: Option<f64>,
    /// Mean of the relative error, with its sign.
    pub mean_error: Option<f64>,
    /// Limit of a row.
    pub limit: f64,
    /// What both sides scatter against each other from row to row, K of ΔT: a row may be off by four times that beside the
    /// limit; none where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise_k: Option<f64>,
    /// Share that must be within; none where each row stands for itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_share: Option<f64>,
    /// Whether the share is reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<bool>,
}

/// What a register did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CounterUse {
    /// The register.
    pub column: String,
    /// Column of its consumption.
    pub consumption: String,
    /// Sum of the consumption, in the register's unit.
    pub total: f64,
    /// Times it started again.
    pub resets: u64,
    /// Times it went over its highest reading.
    pub rollovers: u64,
    /// Readings above the possible, left out.
    pub spikes: u64,
    /// Growth across gaps longer than an interval, which belongs to no single one.
    pub across_gaps: f64,
}

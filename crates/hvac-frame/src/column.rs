//! What is known of a column beside its cells: names, kind, unit, and why cells are null.
//!
//! These types are stored (`columns` JSON in the catalogue and in the Parquet file's own metadata), so
//! fields are only ever added.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Why a cell has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum NullReason {
    /// No file has a cell for this point at this time.
    NotCovered = 2,
    /// The row ends before this column.
    MissingCell,
    /// The cell is empty.
    Empty,
    /// `No Data`.
    NoData,
    /// `Data Loss`.
    DataLoss,
    /// `TIME (n)`.
    TimeError,
    /// `?`, `---`, `N/A` and their like.
    UnknownMarker,
    /// `#VALUE!` and their like, from a spreadsheet.
    SpreadsheetError,
    /// `NaN`, `inf`: no number to store.
    NotFinite,
    /// A text in a column of numbers.
    Unreadable,
    /// A number in another unit than the column's.
    UnitMismatch,
    /// Cleaning: no row fell into this interval.
    NoSample,
    /// Cleaning: null in the parsed version already, whose column says for which reasons.
    AsParsed,
    /// Cleaning: outside of what the value can be.
    OutOfRange,
    /// Cleaning: jumped away and back.
    Spike,
    /// Cleaning: stood still while its equipment ran.
    Frozen,
    /// Cleaning: a derived value whose inputs are missing, stand still, or are out of its formula's range.
    NotDerivable,
    /// The system that recorded the cell calls it no reading: `{fault}`, `Unreliable`, `No Sensor`.
    BadStatus,
}

impl NullReason {
    /// Every reason, in the order of their codes. Only names are stored, never codes; a new one comes last all the same.
    pub const ALL: [Self; 18] = [
        Self::NotCovered,
        Self::MissingCell,
        Self::Empty,
        Self::NoData,
        Self::DataLoss,
        Self::TimeError,
        Self::UnknownMarker,
        Self::SpreadsheetError,
        Self::NotFinite,
        Self::Unreadable,
        Self::UnitMismatch,
        Self::NoSample,
        Self::AsParsed,
        Self::OutOfRange,
        Self::Spike,
        Self::Frozen,
        Self::NotDerivable,
        Self::BadStatus,
    ];

    /// The reason behind a cell's code; none for [`VALUE`] and [`TEXT`].
    #[must_use]
    pub fn of_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code).checked_sub(2)?).copied()
    }
}

/// Cell code: the value slot holds the number.
pub const VALUE: u8 = 0;
/// Cell code: the value slot holds the index of the cell's text in its point's `tokens`.
pub const TEXT: u8 = 1;

/// The cells of one point in one [`Segment`]: `codes[i]` says how to read `values[i]`.
///
/// Both have as many entries as the segment has rows, or none at all when the point has no cell in it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DecodedColumn {
    /// The number, or the token's index; anything when the code is a [`NullReason`].
    pub values: Vec<f64>,
    /// [`VALUE`], [`TEXT`], or a [`NullReason`] as its number.
    pub codes: Vec<u8>,
}

/// A run of rows of one file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Segment {
    /// UTC, ms since 1970, ascending (equal neighbours are possible: the later row stands later in the file).
    pub at_ms: Vec<i64>,
    /// One entry a point of the file, in its order. A narrow report's segment ends with the last point that
    /// has a cell in it: a point beyond has none.
    pub columns: Vec<DecodedColumn>,
}

/// What a column's values are, and so how it is resampled (HVAC.md §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A reading: mean over an interval.
    Instantaneous,
    /// A register that only grows: last over an interval.
    Counter,
    /// An amount of the interval before the next row, such as its energy: sum over an interval.
    IntervalTotal,
    /// Two states as 1 and 0: maximum over an interval.
    Status,
    /// More states than two, or free text.
    Text,
}

/// A column of a stored dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ColumnMeta {
    /// Name in the Parquet file.
    pub name: String,
    /// Name in the reports, as it came.
    pub original_name: String,
    /// What the values are.
    pub kind: Kind,
    /// What the kind was told by.
    pub kind_evidence: String,
    /// Unit of the values, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What the unit was told by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_evidence: Option<String>,
    /// The building automation system's trend definition, such as `COV         15 minutes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trend_definition: Option<String>,
    /// Interval at which the point itself is recorded, s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native_interval_s: Option<u32>,
    /// What 0 and 1 stand for (`status`), or all texts seen (`text`, at most 50).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub states: Option<Vec<String>>,
    /// Cells that have a value.
    pub count: u64,
    /// Cells that have none, by reason; together with `count` all rows.
    pub nulls: BTreeMap<NullReason, u64>,
    /// How cleaning computed it, when it is no point of a report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derived: Option<Derived>,
    /// What cleaning did to its cells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleaned: Option<CleanedCells>,
}

/// Where a derived column comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Derived {
    /// In words, with its source.
    pub formula: String,
    /// The columns it is computed from.
    pub from: Vec<String>,
}

/// What a cell of a cleaned column stands for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CleanedCells {
    /// Width of the interval that a cell sums up, or between the column's samples, s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_s: Option<u32>,
    /// How a cell sums up its interval: `mean`, `time-weighted mean`, `last`, `max`, `sum`; none when it is a sample as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aggregate: Option<String>,
    /// Rules whose yardstick is the column's own statistics and that have taken their share, with their limits:
    /// judging again by what they left would eat the data away.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub judged: BTreeMap<String, String>,
}

/// Something a user should know that did not stop the work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Warning {
    /// Stable, snake_case.
    pub code: String,
    /// The report it is about; empty when it is about them all.
    pub file: String,
    /// First line it is about, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The column it is about, by its original name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// How many cells, rows or files.
    pub count: u64,
    /// One sentence.
    pub message: String,
}

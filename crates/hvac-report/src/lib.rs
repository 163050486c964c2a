#![doc = include_str!("../README.md")]
//!
//! [`Reader::open`] settles encoding, format, delimiter, header and points from the head of the bytes; [`Reader::plan`]
//! goes once over all bytes and hands every chunk, encoded, to the caller, who keeps it or drops it; [`Reader::read`]
//! reads a dropped chunk again, now that the plan has settled what only the whole file can tell (date order, tokens). So
//! a small job is one pass, and a job of any size needs no more memory than its caller wants to keep.

mod across;
mod apogee;
mod calendar;
mod cells;
mod clock;
mod clock_column;
mod columnar;
mod date_reading;
mod dates;
mod decimal;
mod decode;
mod detect;
mod dialect;
mod end_of_day;
mod engine;
mod epoch;
mod fields;
mod filled_down;
mod foreign;
mod half_column;
mod halves;
mod header;
mod layout;
mod long;
mod marker;
mod marks;
mod measured;
mod months;
mod narrow;
mod nem12;
mod number;
mod order;
mod parted;
mod passes;
mod reader;
mod respelled;
mod rewritten;
mod row_time;
mod rows;
mod scan;
mod status;
mod table;
mod texts;
mod thousands;
mod time;
mod time_columns;
mod times;
mod times_of;
mod toa5;
mod totals;
mod twelve_hours;
mod wide;
mod words;
mod workbook;
mod wrapped;
mod year_first;
mod yes_no;
mod zones;

use std::collections::BTreeMap;
use std::ops::Range;

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use self::fields::{Flaw, MAX_FIELD, MAX_LINE};
pub use self::marks::MarkedRun;
pub use self::reader::Reader;
use hvac_frame::column::Warning;

pub mod archive;
pub mod job;

/// Changes whenever the same bytes and options would give another frame or other findings.
pub const PARSER_VERSION: &str = "4";

/// The shapes of report that are read (HVAC.md §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Siemens APOGEE / Insight trend report: a key of points, then rows.
    Apogee,
    /// One row a time, one column a point.
    Wide,
    /// One row a cell: time, point, value.
    Narrow,
    /// Time and value; the file's name is the point.
    SinglePoint,
    /// Campbell TOA5: four header lines.
    Toa5,
}

/// In which order a date's numbers stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    /// 2016/10/31
    Ymd,
    /// 10/31/2016
    Mdy,
    /// 31/10/2016
    Dmy,
}

/// One report's bytes and its name, as the user knows it (`a.zip/b.csv` for a member of an archive).
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Name for messages, and the point's name where the format has no other.
    pub name: &'a str,
    /// All its bytes.
    pub bytes: &'a [u8],
}

/// What the user overrides, and the zone of times that do not say theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadOptions {
    /// Zone of local times.
    pub zone: Tz,
    /// The zone was stated for these reports: a report that names another contradicts it.
    pub zone_stated: bool,
    /// Instead of detecting.
    pub format: Option<Format>,
    /// Instead of detecting.
    pub date_order: Option<DateOrder>,
    /// Instead of detecting: one ASCII character.
    pub delimiter: Option<char>,
    /// Instead of detecting: `.` or `,`.
    pub decimal: Option<char>,
    /// Instead of detecting: a WHATWG label such as `big5`.
    pub encoding: Option<String>,
    /// Line of the header (its last row, where it has several), counted from 1.
    pub header_row: Option<u64>,
    /// Lines at the beginning that are not looked at.
    pub skip_rows: Option<u64>,
    /// Name of the one sheet of a workbook to read.
    pub sheet: Option<String>,
    /// Of a Parquet or Arrow file: the column of its times.
    pub time_column: Option<String>,
    /// Year of times that do not say theirs.
    pub year: Option<i32>,
    /// Words of the site for a value that was lost, besides those of the trade.
    pub loss_words: Vec<String>,
    /// Keep values that their own system calls no reading (fault, down, stale), instead of a null with that reason.
    pub keep_bad_status: bool,
}

impl ReadOptions {
    /// Everything detected; local times are in `zone`.
    #[must_use]
    pub fn of(zone: Tz) -> Self {
        Self {
            zone,
            zone_stated: false,
            format: None,
            date_order: None,
            delimiter: None,
            decimal: None,
            encoding: None,
            header_row: None,
            skip_rows: None,
            sheet: None,
            time_column: None,
            year: None,
            loss_words: Vec::new(),
            keep_bad_status: false,
        }
    }
}

/// A report that cannot be read, with the place and the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    /// Stable, snake_case: `empty_file`, `no_header`, `not_a_table`, `ambiguous_dates`, `nonexistent_local_time`, …
    pub code: &'static str,
    /// The report's name.
    pub file: String,
    /// Line, counted from 1.
    pub line: Option<u64>,
    /// Column by its original name.
    pub column: Option<String>,
    /// One sentence: what is wrong and what to do.
    pub message: String,
}

/// What was chosen and what it was told by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Chosen<T> {
    /// The choice.
    pub value: T,
    /// In words: `the first line is an APOGEE point key`.
    pub evidence: String,
}

/// What one file holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FilePlan {
    /// The report's name.
    pub file_name: String,
    /// Shape.
    pub format: Chosen<Format>,
    /// WHATWG name of the character encoding.
    pub encoding: Chosen<String>,
    /// Field delimiter.
    pub delimiter: Chosen<char>,
    /// Decimal mark of its numbers; none of a workbook, whose cells are numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decimal: Option<Chosen<char>>,
    /// Order of dates, where dates are written with numbers only.
    pub date_order: Option<Chosen<DateOrder>>,
    /// Line of the header, counted from 1; none when the columns have no names.
    pub header_line: Option<u64>,
    /// The column of its times, by its name; none where the format says which it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_column: Option<String>,
    /// The points, in the file's order.
    pub points: Vec<PointPlan>,
    /// Data rows kept: lines of the file (a narrow report's chunks have fewer rows, one a time).
    pub rows: u64,
    /// Lines below the header that are no data rows, by reason: `footer`, `blank`, `unreadable_time`, `repeated_header`,
    /// `no_point` (a narrow row that names none).
    pub dropped_rows: BTreeMap<String, u64>,
    /// Readings of the file that end in no cell, by reason: `extra_cells`, `unreadable_time`, `no_point`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lost_readings: BTreeMap<String, u64>,
    /// Rows that carry readings and are of no known kind.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unknown_rows: u64,
    /// Rows that stood after a later one.
    pub out_of_order_rows: u64,
    /// Rows whose time is on the site's clock: neither an offset nor an epoch.
    #[serde(default)]
    pub local_time_rows: u64,
    /// First time, UTC ms.
    pub first_at_ms: Option<i64>,
    /// Last time, UTC ms.
    pub last_at_ms: Option<i64>,
    /// Median step between rows, s.
    pub interval_s: Option<u32>,
    /// Loss markers as they stand in the file, with their counts: `TIME (-1)` → 84.
    pub loss_markers: BTreeMap<String, u64>,
    /// What a user should know.
    pub warnings: Vec<Warning>,
    /// Where a file holds several tables: each of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartPlan>,
    /// Which of them this is the plan of; empty where there is one.
    #[serde(skip)]
    pub part: String,
    /// Runs of rows that can be read by themselves.
    #[serde(skip)]
    pub chunks: Vec<Chunk>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// One table of a file that holds several: a sheet of a workbook, points with a time column of their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PartPlan {
    /// The sheet, or the column of its times.
    pub name: String,
    /// Shape.
    pub format: Chosen<Format>,
    /// Line of the header, counted from 1.
    pub header_line: Option<u64>,
    /// Its points, by their original names.
    pub points: Vec<String>,
    /// Data rows kept.
    pub rows: u64,
    /// First time, UTC ms.
    pub first_at_ms: Option<i64>,
    /// Last time, UTC ms.
    pub last_at_ms: Option<i64>,
}

/// What one file holds of one point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PointPlan {
    /// As it stands in the file.
    pub original_name: String,
    /// 0 for the first column of that name in the file, 1 for the second, …
    pub occurrence: u32,
    /// Unit, and what it was told by: the header, the cells, a units line.
    pub unit: Option<Chosen<String>>,
    /// From the report's key.
    pub trend_definition: Option<String>,
    /// From the trend definition, s.
    pub native_interval_s: Option<u32>,
    /// What tells it from the other series of a long report: names of columns and this series' texts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dimensions: Vec<Dimension>,
    /// The last of its dimensions is the name of its column of values.
    #[serde(skip)]
    pub value_named: bool,
    /// Cells with a number.
    pub numbers: u64,
    /// Texts that are neither numbers nor loss markers, in order of appearance, with their counts.
    pub tokens: Vec<(String, u64)>,
    /// Whether the report gives its rows an interval (from–to) in place of a time: an amount is that of the interval.
    #[serde(skip)]
    pub of_intervals: bool,
    /// Readings that their own system has marked.
    #[serde(skip)]
    pub marked: Vec<MarkedRun>,
}

/// A column of a long report that tells series apart, and one series' text in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Dimension {
    /// Of the column: `equip`.
    pub name: String,
    /// Its text: `AHU_1`.
    pub value: String,
}

/// A run of rows of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Where its rows stand in the decoded text.
    pub bytes: Range<usize>,
    /// Number of the line before its first one.
    pub lines_before: u64,
    /// Rows of its segment.
    pub rows: u32,
    /// Earliest time, UTC ms.
    pub first_at_ms: i64,
    /// Latest time, UTC ms.
    pub last_at_ms: i64,
    /// UTC ms of the row before it, which tells the two passes of a repeated hour apart.
    pub previous_at_ms: Option<i64>,
    /// In a narrow report: the same of each point whose last row stands near such an hour.
    pub previous_of: Vec<(usize, i64)>,
}

impl<'a> Source<'a> {
    fn error(self, code: &'static str, line: Option<u64>, message: impl Into<String>) -> ReadError {
        ReadError { code, file: self.name.to_owned(), line, column: None, message: message.into() }
    }

    fn flaw(self, flaw: Flaw) -> ReadError {
        match flaw {
            Flaw::TooLong(line) => {
                let words = format!(
                    "a field of more than {} KiB or a line of more than {} MiB: no trend report has one; check the delimiter and the line ends",
                    MAX_FIELD / 1024,
                    MAX_LINE / 1024 / 1024
                );
                self.error("line_too_long", Some(line), words)
            }
            Flaw::OpenQuote(line) => {
                let words = "a quote is opened on this line and not closed before the next: close it, or double it if it is part of the text";
                self.error("unclosed_quote", Some(line), words)
            }
        }
    }
}

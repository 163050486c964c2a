//! What a row says of its time, and what becomes of it.

use super::ReadError;
use super::zones::StatedZone;

/// The fields of a row that say its time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TimeFields<'t> {
    /// Date, or date and time.
    pub stamp: &'t str,
    /// The clock time beside it, where it has a column.
    pub clock: Option<&'t str>,
    /// The zone beside it, where it has a column.
    pub offset: Option<&'t str>,
}

/// Where a row stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// Its line, counted from 1.
    pub line: u64,
    /// Where it begins in the text.
    pub byte: usize,
    /// It has no other field than its time.
    pub alone: bool,
}

/// A row's time as it is written, and the zone it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WrittenTime {
    /// On the clock of its zone; without a year, in a leap year.
    pub local_ms: i64,
    /// Its day, since 1970.
    pub day: i32,
    /// None: the site's.
    pub zone: Option<StatedZone>,
    /// It says no year.
    pub yearless: bool,
}

/// What a row's time is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RowTime {
    /// UTC ms.
    At(i64),
    /// It cannot be read.
    Unreadable,
    /// The clocks are put forward over it. A row without a reading may be dropped; one with a reading is this error.
    Missing(Box<ReadError>),
}

//! From the bytes of trend reports to frames on one time axis. PURE.
//!
//! `report` reads one file, `plan` says what a set of files holds together, `merge` makes the frame of a window of time
//! and `tally` tells what became of its cells. Nothing in here logs, reads a clock, a file, the environment or an unseeded
//! random number: bytes come in as slices, frames and findings go out as values.
//!
//! A *cell* is one value of one point at one time. Every cell that is read ends as a number, a text, or
//! a null with a reason: [`hvac_frame::column::NullReason`].

pub mod counted;
pub mod gathered;
pub mod kinds;
pub mod merge;
pub mod packed;
pub mod plan;
pub mod report;
pub mod tally;
pub mod time;

/// Changes whenever the same bytes and options would give another frame or other findings.
pub const PARSER_VERSION: &str = "1";

//! A frame: columns of cells on one time axis, with a reason for every null. PURE.
//!
//! [`column`] is what is known of a column beside its cells, [`names`] what a point's name becomes in a frame.

pub mod align;
pub mod column;
pub mod counted;
pub mod decimal;
pub mod error;
pub mod gathered;
pub mod kinds;
pub mod names;
pub mod packed;
#[cfg(feature = "parquet")]
pub mod parquet_file;
pub mod tally;
pub mod window;

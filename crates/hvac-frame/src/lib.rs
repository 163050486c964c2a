//! A frame: columns of cells on one time axis, with a reason for every null. PURE.
//!
//! [`column`] is what is known of a column beside its cells, [`names`] what a point's name becomes in a frame.

pub mod column;
pub mod names;

//! What models are made of. PURE: data in, data out; no clock, file, environment or network.
//!
//! `mapping` says which columns play which part; training and what it needs come with it.

pub mod mapping;

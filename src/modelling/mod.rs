//! Models of a plant's energy, from data to data. PURE: no file, clock, environment or unseeded randomness.
//!
//! `category` names the parts that columns play; `mapping` says which columns are features and which is the target; the models themselves build on it.

pub mod category;
pub mod mapping;

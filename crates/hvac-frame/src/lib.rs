#![doc = include_str!("../README.md")]

pub mod align;
mod amount;
pub mod builder;
pub mod column;
pub mod decimal;
pub mod encoded;
pub mod error;
pub mod kinds;
pub mod names;
#[cfg(feature = "parquet")]
pub mod parquet_file;
pub mod reference;
pub mod tally;
pub mod window;
pub mod words;

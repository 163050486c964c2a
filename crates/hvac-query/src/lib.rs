#![doc = include_str!("../README.md")]

mod engine;
mod error;
mod functions;
mod minutes;
mod names;
mod output;
#[cfg(feature = "postgres")]
pub mod postgres;
mod readings;
mod spelling;
mod statement;
mod stores;
mod tables;
mod watch;

#[cfg(feature = "postgres")]
pub use engine::Described;
pub use engine::{Answer, Engine, EngineSettings, Limits};
pub use error::{QueryError, near};
pub use names::TableName;
pub use output::{Format, Written};
pub use readings::{ColumnsOf, Source};
pub use statement::Statement;
pub use tables::{Rows, Table};

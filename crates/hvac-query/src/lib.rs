#![doc = include_str!("../README.md")]

mod engine;
mod error;
mod functions;
mod minutes;
mod names;
mod output;
mod readings;
mod spelling;
mod statement;
mod stores;
mod tables;
mod watch;

pub use engine::{Answer, Engine, EngineSettings, Limits};
pub use error::QueryError;
pub use names::TableName;
pub use output::{Format, Written, type_name};
pub use readings::{ColumnsOf, Source};
pub use statement::{LONGEST_STATEMENT, Statement};
pub use tables::{Rows, Table};

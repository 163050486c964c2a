#![doc = include_str!("../README.md")]

mod engine;
mod error;
mod functions;
mod minutes;
mod output;
mod readings;
mod statement;
mod stores;
mod tables;
mod watch;

pub use engine::{Answer, Engine, EngineSettings, Limits};
pub use error::QueryError;
pub use output::{Format, Written, type_name};
pub use readings::{ColumnsOf, Source};
pub use statement::{LONGEST_STATEMENT, Statement, TableName};
pub use tables::{Rows, Table};

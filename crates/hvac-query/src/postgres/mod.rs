//! What PostgreSQL's clients expect of a database, on the same engine: their commands and spellings, functions about the
//! database itself, and rows as the protocol carries them. No connection, no bytes but those of rows.

mod command;
mod empty;
mod functions;
mod label;
mod pieces;
mod query;
mod refusal;
mod rewrite;
mod rows;
mod types;

pub use command::Command;
pub use empty::columns as columns_without_rows;
pub use functions::{NAMESPACES, Names, number_of_catalogue, quote_ident};
pub use query::{Parameter, PgQuery, is_of_catalogue};
pub use refusal::Refusal;
pub use rows::{CellFormat, write_rows};
pub use types::{PgType, types};

pub(crate) use functions::functions;
pub(crate) use query::oid_of;

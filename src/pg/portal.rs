//! Statements that are prepared, and their rows on the way out.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use chrono_tz::Tz;
use hvac_query::Described;
use hvac_query::postgres::{CellFormat, Command, Parameter, PgQuery, PgType, types};

use crate::query::postgres::Rows;

/// A prepared statement.
pub struct Prepared {
    /// None for an empty one.
    pub command: Option<Command>,
    /// Types of parameters as its client gave them.
    pub given: Vec<u32>,
    /// What it answers and takes; of queries.
    pub described: Option<Described>,
}

impl Prepared {
    /// Its query.
    pub fn query(&self) -> Option<&std::sync::Arc<PgQuery>> {
        match &self.command {
            Some(Command::Query(query) | Command::Declare(_, query)) => Some(query),
            _ => None,
        }
    }

    /// Names, types and formats of its columns; none where it answers no rows.
    pub fn columns(&self, formats: &[i16]) -> Option<Vec<(String, PgType, bool)>> {
        match &self.command {
            Some(Command::Query(_)) => self.of_query(formats),
            Some(Command::Show(name)) => Some(vec![(name.clone(), PgType::Text, false)]),
            _ => None,
        }
    }

    /// Of its query, also where that is a cursor's.
    pub fn of_query(&self, formats: &[i16]) -> Option<Vec<(String, PgType, bool)>> {
        Some(columns(self.query()?, &self.described.as_ref()?.schema, formats))
    }
}

/// What a client is told of each column.
pub fn columns(query: &PgQuery, schema: &SchemaRef, formats: &[i16]) -> Vec<(String, PgType, bool)> {
    let names = query.names(schema);
    let told = names.into_iter().zip(types(schema)).enumerate();
    told.map(|(index, (name, kind))| (name, kind, is_binary(formats, index))).collect()
}

/// One format is meant for all.
fn is_binary(formats: &[i16], index: usize) -> bool {
    match formats {
        [] => false,
        [all] => *all == 1,
        each => each.get(index) == Some(&1),
    }
}

/// A statement with its values.
pub struct Portal {
    pub prepared: std::sync::Arc<Prepared>,
    pub values: Vec<Parameter>,
    pub formats: Vec<i16>,
    pub rows: Sent,
}

/// How far a portal's rows have been sent.
pub enum Sent {
    /// It was not begun.
    No,
    /// Some.
    Some(Box<Cursor>),
    /// All.
    All,
    /// Nobody asked for the rest for so long that it was given up.
    GivenUp,
}

/// Rows on their way out.
pub struct Cursor {
    pub rows: Rows,
    pub formats: Vec<CellFormat>,
    pub clock: Option<Tz>,
    batch: Option<RecordBatch>,
    at: usize,
}

impl Cursor {
    pub fn new(rows: Rows, columns: &[(String, PgType, bool)], clock: Option<Tz>) -> Self {
        let formats = columns.iter().map(|(_, kind, binary)| CellFormat { kind: *kind, binary: *binary }).collect();
        Self { rows, formats, clock, batch: None, at: 0 }
    }

    /// The rows that are to be sent next, and from which on.
    pub fn waiting(&self) -> Option<(&RecordBatch, usize)> {
        self.batch.as_ref().filter(|batch| self.at < batch.num_rows()).map(|batch| (batch, self.at))
    }

    pub fn sent(&mut self, rows: usize) {
        self.at += rows;
    }

    pub fn fill(&mut self, batch: RecordBatch) {
        (self.batch, self.at) = (Some(batch), 0);
    }
}

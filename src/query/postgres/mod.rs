//! Statements of PostgreSQL's clients: which database a name means, what its catalogue says, and the same answers that HTTP
//! gives under the same limits.

use std::sync::Arc;
use std::time::Duration;

use hvac_query::postgres::{Names, Parameter, PgQuery, Refusal, is_of_catalogue, number_of_catalogue};
use hvac_query::{Answer, Described, Limits, QueryError, Table, TableName};

use super::{LONGEST_S, USUAL_S, catalogue, engine, tables, why};
use crate::datasets::DatasetSelector;
use crate::error::Error;
use crate::state::AppState;

mod columns;
mod database;
mod listing;
mod made;
mod pg_catalog;

pub use database::Database;

/// How long a statement may take when nobody says otherwise, and at most.
pub const USUAL: Duration = Duration::from_secs(USUAL_S);
/// At most.
pub const LONGEST: Duration = Duration::from_secs(LONGEST_S);

/// Why there is no answer.
#[derive(Debug)]
pub enum Failed {
    /// By its SQLSTATE.
    Refused(Refusal),
    /// As HTTP would say it.
    Error(Error),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// An answer on its way out. Dropping it ends the work.
#[derive(Debug)]
pub struct Rows {
    state: AppState,
    read: Vec<DatasetSelector>,
    /// What is answered.
    pub answer: Answer,
}

impl Rows {
    /// The next rows; none behind the last.
    ///
    /// # Errors
    /// As [`run`].
    pub async fn next(&mut self) -> Result<Option<arrow_array::RecordBatch>, Failed> {
        match self.answer.next().await {
            Ok(batch) => Ok(batch),
            Err(error) => Err(failed(&self.state, &self.read, error).await),
        }
    }
}

async fn failed(state: &AppState, read: &[DatasetSelector], error: QueryError) -> Failed {
    if let QueryError::Given(given) = &error
        && let Some(refusal) = given.downcast_ref::<Refusal>()
    {
        return Failed::Refused(refusal.clone());
    }
    Failed::Error(why(state, read, error).await)
}

/// What a statement names: its tables, and the numbers of relations that it asks for.
struct Named {
    tables: Vec<(TableName, Table)>,
    read: Vec<DatasetSelector>,
    limits: Limits,
    names: Arc<Names>,
}

async fn named(
    state: &AppState,
    database: &Database,
    query: &PgQuery,
    mut names: Names,
    time: Duration,
) -> Result<Named, Failed> {
    let statement = query.statement();
    let mut tables = Vec::new();
    let mut others = Vec::new();
    let describes = statement.tables().iter().any(is_of_catalogue) || !query.relations().is_empty();
    let listing = if describes { Some(Arc::new(database.listing(state).await?)) } else { None };
    for name in statement.tables() {
        match (&listing, database.session_id()) {
            (Some(listing), _) if is_of_catalogue(name) => {
                match pg_catalog::table(state, database, listing, &names, name) {
                    Some(table) => tables.push((name.clone(), table)),
                    None => {
                        let message = format!("relation \"{name}\" does not exist");
                        return Err(Failed::Refused(Refusal::new("42P01", message)));
                    }
                }
            }
            (_, Some(session)) if name.schema.is_none() && name.table.eq_ignore_ascii_case("findings") => {
                tables.push((name.clone(), catalogue::findings_of(state, session.to_owned())));
            }
            _ => others.push(name),
        }
    }
    let found = tables::find_of(state, statement, &others, database.session_id()).await?;
    if let Some(listing) = &listing {
        for name in query.relations() {
            let number = number_of_catalogue(name.trim_start_matches("pg_catalog."));
            if let Some(oid) = number.or_else(|| listing.number_of(name)) {
                names.relations.insert(name.clone(), oid);
            }
        }
        names.visible = listing.visible();
    }
    let zone = if found.read.is_empty() { database.zone() } else { found.zone };
    tables.extend(found.tables);
    Ok(Named { tables, read: found.read, limits: Limits { time, rows: None, zone }, names: Arc::new(names) })
}

/// Begins a query; its rows come in pieces.
///
/// # Errors
/// As [`super::run`].
pub async fn run(
    state: &AppState,
    database: &Database,
    query: &PgQuery,
    values: &[Parameter],
    names: Names,
    time: Duration,
) -> Result<Rows, Failed> {
    let Named { tables, read, limits, names } = named(state, database, query, names, time).await?;
    let engine = engine(state)?;
    match engine.run_for_postgres(query, tables, values, &names, limits).await {
        Ok(answer) => Ok(Rows { state: state.clone(), read, answer }),
        Err(error) => Err(failed(state, &read, error).await),
    }
}

/// What a query answers and takes.
///
/// # Errors
/// As [`run`].
pub async fn describe(
    state: &AppState,
    database: &Database,
    query: &Arc<PgQuery>,
    kinds: &[u32],
    names: Names,
    time: Duration,
) -> Result<Described, Failed> {
    let Named { tables, read, limits, names } = named(state, database, query, names, time).await?;
    let engine = engine(state)?;
    match engine.describe_for_postgres(query, tables, kinds, &names, limits).await {
        Ok(described) => Ok(described),
        Err(error) => Err(failed(state, &read, error).await),
    }
}

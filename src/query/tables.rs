//! Which table a name means.
//!
//! `"kmuh autumn".parsed`: a session by its id, or by its name where one live session has it. `parsed`: of the session
//! that the request is about. `sessions`, `datasets`, …: the catalogue. `all_readings`: history.

use chrono_tz::Tz;
use hvac_query::{Statement, Table, TableName, near};
use sea_orm::sea_query::{Expr, ExprTrait, Func};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect};

use super::{catalogue, readings};
use crate::cleaning::events;
use crate::datasets::DatasetSelector;
use crate::datasets::resolved::Resolved;
use crate::datasets::version::resolve;
use crate::error::{Context, Detail, Error, Result, codes};
use crate::state::AppState;
use hvac_store::entity::session;

/// What a session has, in words.
const OF_SESSIONS: &str = "parsed, cleaned, latest, events, findings, parsed_v1, cleaned_v1, events_v1, …";

/// The tables of a statement, the versions that they are of, and the clock that it is on.
pub struct Found {
    pub tables: Vec<(TableName, Table)>,
    pub read: Vec<DatasetSelector>,
    pub zone: Tz,
}

/// What one name means.
struct Meant {
    table: Table,
    /// The version it is of.
    of: Option<Resolved>,
}

impl Meant {
    fn no_version(table: Table) -> Self {
        Self { table, of: None }
    }
}

/// Finds every table that a statement names.
///
/// # Errors
/// 404 for a session or version that is not there, 409 for a name of several sessions or a file that is not what it
/// was, 422 for a name that means nothing.
pub async fn find(state: &AppState, statement: &Statement, session_id: Option<&str>) -> Result<Found> {
    find_of(state, statement, &statement.tables().iter().collect::<Vec<_>>(), session_id).await
}

/// Finds some of the tables that a statement names.
///
/// # Errors
/// As [`find`].
pub async fn find_of(
    state: &AppState,
    statement: &Statement,
    names: &[&TableName],
    session_id: Option<&str>,
) -> Result<Found> {
    let mut tables = Vec::new();
    let (mut zones, mut read) = (Vec::new(), Vec::new());
    for name in names.iter().copied() {
        let Meant { table, of } = match one(state, name, session_id).await {
            Ok(meant) => meant,
            // A name of its own that is no table's.
            Err(_) if statement.may_be_its_own(name) => continue,
            Err(error) => return Err(error),
        };
        zones.extend(of.iter().map(|of| of.zone));
        read.extend(of.map(|of| DatasetSelector { session_id: None, version: Some(of.label.dataset_id) }));
        tables.push((name.clone(), table));
    }
    zones.dedup();
    let zone = match zones.as_slice() {
        [zone] => *zone,
        _ => state.config.site_timezone,
    };
    Ok(Found { tables, read, zone })
}

async fn one(state: &AppState, name: &TableName, session_id: Option<&str>) -> Result<Meant> {
    let word = name.table.to_lowercase();
    let Some(schema) = &name.schema else {
        if let Some(table) = catalogue::table(state, &word) {
            return Ok(Meant::no_version(table));
        }
        if word == "all_readings" {
            return Ok(Meant::no_version(readings::all(state).await?));
        }
        return of_session(state, name, &word, session_id).await;
    };
    let session = session_of(state, schema).await?;
    if word == "findings" {
        return Ok(Meant::no_version(catalogue::findings_of(state, session)));
    }
    of_session(state, name, &word, Some(&session)).await
}

/// A table of a session.
async fn of_session(state: &AppState, name: &TableName, word: &str, session_id: Option<&str>) -> Result<Meant> {
    let number = |kind: &str| word.strip_prefix(kind)?.strip_prefix("_v")?.parse::<u32>().ok();
    let version = match word {
        "parsed" | "cleaned" | "latest" => word.to_owned(),
        "events" => "cleaned".to_owned(),
        _ => match (number("parsed"), number("cleaned"), number("events")) {
            (Some(n), _, _) => format!("parsed-v{n}"),
            (_, Some(n), _) | (_, _, Some(n)) => format!("cleaned-v{n}"),
            _ => return Err(unknown(state, name)),
        },
    };
    let selector = DatasetSelector { session_id: session_id.map(str::to_owned), version: Some(version) };
    if word.starts_with("events") {
        let (dataset, path) = events::located(state, &selector).await?;
        return Ok(Meant { table: Table::Parquet { path, zone: dataset.zone, sorted_by: None }, of: Some(dataset) });
    }
    let dataset = resolve(state, &selector).await?;
    let (path, zone) = (dataset.path.clone(), dataset.zone);
    Ok(Meant { table: Table::Parquet { path, zone, sorted_by: Some("timestamp") }, of: Some(dataset) })
}

fn unknown(state: &AppState, name: &TableName) -> Error {
    let collections = catalogue::records::names(state);
    let own = catalogue::NAMES.into_iter().chain(collections.iter().map(String::as_str));
    let catalogue = own.clone().collect::<Vec<_>>().join(", ");
    let near = near(&name.table, own.chain(["parsed", "cleaned", "latest", "events", "all_readings"]));
    let message = format!(
        "sql: there is no table {name}{near}. A session has {OF_SESSIONS}; for all there are {catalogue} and all_readings"
    );
    Error::invalid("sql", codes::UNKNOWN_TABLE, message)
}

/// The id of the one live session of that id or name.
pub(super) async fn session_of(state: &AppState, text: &str) -> Result<String> {
    let name = Expr::col(session::Column::Name);
    let by_name = Func::lower(name).eq(text.to_lowercase());
    let found: Vec<(String, String)> = session::Entity::find()
        .select_only()
        .columns([session::Column::Id, session::Column::Name])
        .filter(session::Column::DeletedAt.is_null())
        .filter(state.principal().seen_sessions())
        .filter(
            Condition::any()
                .add(session::Column::Id.eq(text.to_lowercase()))
                .add(session::Column::Name.eq(text))
                .add(by_name),
        )
        .into_tuple()
        .all(state.store.db.read())
        .await
        .internal("looking for a session by its name")?;
    let exact: Vec<&(String, String)> = found.iter().filter(|(id, name)| id == text || name == text).collect();
    let meant = if exact.len() == 1 { exact } else { found.iter().collect() };
    match meant.as_slice() {
        [(id, _)] => Ok(id.clone()),
        [] => {
            let message =
                format!("there is no session '{text}' by id or name; SELECT id, name FROM sessions lists them");
            Err(Error::new(codes::UNKNOWN_SESSION, message))
        }
        several => {
            let ids: Vec<&str> = several.iter().map(|(id, _)| id.as_str()).collect();
            let message =
                format!("'{text}' is the name of {} sessions: write one of the ids {}", ids.len(), ids.join(", "));
            let error = Error::new(codes::AMBIGUOUS_SESSION, message);
            Err(several.iter().fold(error, |error, (id, name)| {
                error.with_detail(Detail { message: format!("{id} '{name}'"), ..Detail::default() })
            }))
        }
    }
}

//! Which columns each relation has, from the catalogue: a parse's are kept there, a cleaning's are in its report.

use std::collections::HashMap;
use std::sync::Arc;

use hvac_query::postgres::PgType;
use hvac_query::{QueryError, Table};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement, TryGetable};
use serde_json::Value;

use super::listing::{Kind, Listing, Relation, Session};
use crate::query::catalogue;
use crate::state::AppState;
use hvac_frame::column::Kind as PointKind;
use hvac_store::entity::Columns;

/// A column: its name, and what it is.
pub(super) type Column = (String, PgType);

/// A session's versions and what is in them.
#[derive(Default)]
struct Versions {
    parsed: HashMap<i64, Vec<Column>>,
    cleaned: HashMap<i64, Vec<Column>>,
    /// The newest cleaning of the newest parse.
    latest_cleaned: Option<i64>,
}

/// The columns of a session's relations; of `None`, of those that are no session's.
pub(super) async fn of_session(
    state: &AppState,
    listing: &Listing,
    session: Option<usize>,
) -> Result<Vec<(usize, Vec<Column>)>, QueryError> {
    let found = session.and_then(|index| listing.sessions.get(index));
    let versions = match found {
        Some(session) => load(state, session).await.map_err(|error| QueryError::Given(Arc::new(error)))?,
        None => Versions::default(),
    };
    let relations = listing.relations.iter().enumerate().filter(|(_, relation)| relation.session == session);
    Ok(relations.map(|(index, relation)| (index, columns(state, relation, found, &versions))).collect())
}

fn columns(state: &AppState, relation: &Relation, session: Option<&Session>, versions: &Versions) -> Vec<Column> {
    let newest = |all: Option<&Vec<i64>>| all.and_then(|all| all.last().copied());
    let parsed = |n: Option<i64>| {
        n.or(newest(session.map(|session| &session.parsed))).and_then(|n| versions.parsed.get(&n)).cloned()
    };
    let cleaned = |n: Option<i64>| {
        n.or(newest(session.map(|session| &session.cleaned))).and_then(|n| versions.cleaned.get(&n)).cloned()
    };
    let columns = match relation.kind {
        Kind::Catalogue => catalogue::table(state, &relation.name).map(|table| of_table(&table)),
        Kind::Readings => Some(
            [
                ("site", PgType::Text),
                ("session", PgType::Text),
                ("session_id", PgType::Text),
                ("point", PgType::Text),
                ("time", PgType::TimestampTz),
                ("value", PgType::Float8),
                ("state", PgType::Text),
            ]
            .map(|(name, kind)| (name.to_owned(), kind))
            .to_vec(),
        ),
        Kind::Parsed(n) => parsed(n),
        Kind::Cleaned(n) => cleaned(n),
        Kind::Latest => match versions.latest_cleaned {
            Some(n) => cleaned(Some(n)),
            None => parsed(None),
        },
        Kind::Events => Some(
            [
                ("rule", PgType::Text),
                ("column", PgType::Text),
                ("start_at", PgType::TimestampTz),
                ("end_at", PgType::TimestampTz),
                ("rows", PgType::Int8),
                ("detail", PgType::Text),
            ]
            .map(|(name, kind)| (name.to_owned(), kind))
            .to_vec(),
        ),
        Kind::Findings => Some(of_table(&catalogue::findings_of(
            state,
            session.map(|session| session.id.clone()).unwrap_or_default(),
        ))),
    };
    columns.unwrap_or_default()
}

fn of_table(table: &Table) -> Vec<Column> {
    match table {
        Table::Made { schema, .. } => {
            schema.fields().iter().map(|field| (field.name().clone(), PgType::of(field.data_type()))).collect()
        }
        _ => Vec::new(),
    }
}

async fn load(state: &AppState, session: &Session) -> Result<Versions, DbErr> {
    let mut found = Versions::default();
    let db = state.store.db.read();
    let ask = |sql: &str| Statement::from_sql_and_values(DbBackend::Sqlite, sql, [session.id.clone().into()]);
    let time = || ("timestamp".to_owned(), PgType::TimestampTz);
    let mut texts: HashMap<String, Vec<String>> = HashMap::new();
    let mut newest = (0, String::new());
    for row in db.query_all_raw(ask("SELECT version, id, columns FROM parsed_datasets WHERE session_id = ?")).await? {
        let (version, id): (i64, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let metas = Columns::try_get_by(&row, 2)?.0;
        let kind = |kind: PointKind| if kind == PointKind::Text { PgType::Text } else { PgType::Float8 };
        let columns = metas.iter().map(|meta| (meta.name.clone(), kind(meta.kind)));
        found.parsed.insert(version, std::iter::once(time()).chain(columns).collect());
        let of_text = metas.iter().filter(|meta| meta.kind == PointKind::Text).map(|meta| meta.name.clone());
        texts.insert(id.clone(), of_text.collect());
        newest = newest.max((version, id));
    }
    let cleanings = "SELECT version, dataset_id, CAST(report AS TEXT) FROM cleaning_jobs WHERE session_id = ? AND status = 'completed' ORDER BY version";
    for row in db.query_all_raw(ask(cleanings)).await? {
        let (version, of, report): (i64, String, Option<String>) =
            (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        let report: Value = serde_json::from_str(&report.unwrap_or_default()).unwrap_or_default();
        let is_text = |name: &String| texts.get(&of).is_some_and(|texts| texts.contains(name));
        let listed = report.get("columns").and_then(Value::as_array).into_iter().flatten();
        let names = listed.filter_map(|column| Some(column.get("column")?.as_str()?.to_owned()));
        let columns = names.map(|name| {
            let kind = if is_text(&name) { PgType::Text } else { PgType::Float8 };
            (name, kind)
        });
        found.cleaned.insert(version, std::iter::once(time()).chain(columns).collect());
        if of == newest.1 {
            found.latest_cleaned = Some(version);
        }
    }
    Ok(found)
}

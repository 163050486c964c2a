//! The relations of a database, from the catalogue alone, and their numbers.
//!
//! A client asks for a table's number and then by it, in another statement: numbers are made of what does not change, the
//! row of the session and the version.

use std::collections::HashMap;
use std::ops::Range;

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};

use super::Failed;
use crate::error::Context;
use crate::query::catalogue;
use crate::state::AppState;

/// Numbers below are PostgreSQL's own.
const CATALOGUE: i64 = 20_000;
const SESSIONS: i64 = 1 << 20;
/// Numbers of one session.
const OF_A_SESSION: i64 = 4096;
/// The schema of what needs none before its name.
pub(super) const PUBLIC: i64 = 2200;

/// What a relation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A table of the catalogue.
    Catalogue,
    /// All readings.
    Readings,
    /// A parse; of a version where one is named.
    Parsed(Option<i64>),
    /// A cleaning.
    Cleaned(Option<i64>),
    /// The newest of both.
    Latest,
    /// Quality events of a cleaning.
    Events,
    /// Faults of machines.
    Findings,
}

/// A table.
#[derive(Debug, Clone)]
pub(super) struct Relation {
    pub oid: i64,
    pub schema: i64,
    pub name: String,
    pub kind: Kind,
    /// The index of its session in the listing.
    pub session: Option<usize>,
}

/// A session.
#[derive(Debug, Clone)]
pub(super) struct Session {
    row: i64,
    pub id: String,
    /// What it is called as a schema: its name where no other has it, else its id.
    pub schema: String,
    /// Versions of parses, the newest last.
    pub parsed: Vec<i64>,
    /// Versions of cleanings.
    pub cleaned: Vec<i64>,
}

impl Session {
    /// Its number as a schema.
    pub fn oid(&self) -> i64 {
        SESSIONS + self.row * OF_A_SESSION
    }
}

/// What a database has.
#[derive(Debug)]
pub(super) struct Listing {
    pub sessions: Vec<Session>,
    pub relations: Vec<Relation>,
    /// Whether its session's tables need no schema.
    one: bool,
}

impl Listing {
    /// Of the sessions of that condition.
    pub async fn load(state: &AppState, condition: &str, value: Option<String>, one: bool) -> Result<Self, Failed> {
        let versions = "SELECT group_concat(d.version) FROM parsed_datasets d WHERE d.session_id = s.id";
        let cleanings =
            "SELECT group_concat(j.version) FROM cleaning_jobs j WHERE j.session_id = s.id AND j.status = 'completed'";
        let sql = format!(
            "SELECT s.rowid, s.id, s.name, ({versions}), ({cleanings}) FROM upload_sessions s \
             WHERE s.deleted_at IS NULL AND NOT s.unconfirmed{condition}{} ORDER BY s.id",
            catalogue::seen(state.principal())
        );
        let statement =
            Statement::from_sql_and_values(DbBackend::Sqlite, sql, value.into_iter().map(sea_orm::Value::from));
        let doing = "listing the tables of a database";
        let rows = state.store.db.read().query_all_raw(statement).await.internal(doing)?;
        let sessions = rows.iter().map(session).collect::<Result<Vec<_>, _>>().internal(doing)?;
        let mut listing = Self { sessions: told_apart(sessions), relations: Vec::new(), one };
        listing.add_relations(&catalogue::records::names(state));
        Ok(listing)
    }

    fn add_relations(&mut self, collections: &[String]) {
        let of_all = catalogue::NAMES.into_iter().map(|name| (name, Kind::Catalogue));
        // Behind all others, whose numbers stay.
        let declared = collections.iter().map(|name| (name.as_str(), Kind::Catalogue));
        let all = of_all.chain([("all_readings", Kind::Readings)]).chain(declared);
        for (oid, (name, kind)) in (CATALOGUE..).zip(all) {
            // A session's own findings stand in their place.
            if !(self.one && name == "findings") {
                self.relations.push(Relation { oid, schema: PUBLIC, name: name.to_owned(), kind, session: None });
            }
        }
        let versions_too = self.sessions.len() <= 100;
        for (index, session) in self.sessions.iter().enumerate() {
            let schema = if self.one { PUBLIC } else { session.oid() };
            let mut add = |slot: i64, name: String, kind: Kind| {
                if slot < OF_A_SESSION {
                    let oid = session.oid() + slot;
                    self.relations.push(Relation { oid, schema, name, kind, session: Some(index) });
                }
            };
            if session.parsed.is_empty() {
                continue;
            }
            add(1, "parsed".to_owned(), Kind::Parsed(None));
            add(3, "latest".to_owned(), Kind::Latest);
            add(5, "findings".to_owned(), Kind::Findings);
            if !session.cleaned.is_empty() {
                add(2, "cleaned".to_owned(), Kind::Cleaned(None));
                add(4, "events".to_owned(), Kind::Events);
            }
            if versions_too {
                session.parsed.iter().for_each(|n| add(16 + 3 * n, format!("parsed_v{n}"), Kind::Parsed(Some(*n))));
                for n in &session.cleaned {
                    add(17 + 3 * n, format!("cleaned_v{n}"), Kind::Cleaned(Some(*n)));
                    add(18 + 3 * n, format!("events_v{n}"), Kind::Events);
                }
            }
        }
    }

    /// Numbers of the relations that need no schema.
    pub fn visible(&self) -> Vec<Range<i64>> {
        let sessions = self.sessions.iter().filter(|_| self.one);
        let own = sessions.map(|session| session.oid()..session.oid() + OF_A_SESSION);
        std::iter::once(0..CATALOGUE + 1000).chain(own).collect()
    }

    /// The name of a schema.
    pub fn schema_name(&self, relation: &Relation) -> &str {
        match relation.session.and_then(|index| self.sessions.get(index)) {
            Some(session) if relation.schema != PUBLIC => &session.schema,
            _ => "public",
        }
    }

    /// The number of the relation of a name as it is written: `parsed`, `public.parsed`, `"kmuh autumn"."parsed"`.
    pub fn number_of(&self, name: &str) -> Option<i64> {
        let parts = split(name);
        let (schema, table) = match parts.as_slice() {
            [table] => ("public", table.as_str()),
            [schema, table] => (schema.as_str(), table.as_str()),
            _ => return None,
        };
        let is = |relation: &&Relation| {
            relation.name.eq_ignore_ascii_case(table) && self.schema_name(relation).eq_ignore_ascii_case(schema)
        };
        self.relations.iter().find(is).map(|relation| relation.oid)
    }
}

/// The words of a name, without their quotes.
fn split(name: &str) -> Vec<String> {
    let (mut parts, mut quoted) = (vec![String::new()], false);
    for letter in name.chars() {
        match (letter, parts.last_mut()) {
            ('"', _) => quoted = !quoted,
            ('.', _) if !quoted => parts.push(String::new()),
            (_, Some(part)) => part.push(letter),
            _ => {}
        }
    }
    parts
}

fn session(row: &QueryResult) -> Result<Session, sea_orm::DbErr> {
    let versions = |index| -> Result<Vec<i64>, sea_orm::DbErr> {
        let text: Option<String> = row.try_get_by_index(index)?;
        let mut versions: Vec<i64> =
            text.unwrap_or_default().split(',').filter_map(|number| number.parse().ok()).collect();
        versions.sort_unstable();
        Ok(versions)
    };
    Ok(Session {
        row: row.try_get_by_index(0)?,
        id: row.try_get_by_index(1)?,
        schema: row.try_get_by_index(2)?,
        parsed: versions(3)?,
        cleaned: versions(4)?,
    })
}

/// Sessions of one name, and those whose name is a schema's already, are called by their ids.
fn told_apart(mut sessions: Vec<Session>) -> Vec<Session> {
    let mut count: HashMap<String, usize> = HashMap::new();
    for session in &sessions {
        *count.entry(session.schema.to_lowercase()).or_default() += 1;
    }
    for session in &mut sessions {
        let name = session.schema.to_lowercase();
        let taken = name.starts_with("pg_") || ["public", "information_schema"].contains(&name.as_str());
        if taken || count.get(&name).is_some_and(|count| *count > 1) {
            session.schema.clone_from(&session.id);
        }
    }
    sessions
}

//! Each command carried out.

use std::sync::Arc;

use hvac_query::postgres::{Command, Parameter, PgQuery, PgType};

use super::connection::{Connection, Transaction, no_portal};
use super::failure::{Trouble, say};
use super::portal::{Cursor, Portal, Prepared, Sent, columns};
use crate::query::postgres::{describe, run};

impl Connection<'_> {
    /// A command of a text, answered whole.
    pub async fn command(&mut self, command: Command) -> Result<(), Trouble> {
        self.refuse_failed(&command)?;
        let tag = match command {
            Command::Query(query) => self.query(&query).await?,
            Command::Declare(name, query) => {
                let (state, database, names) = (self.state.clone(), self.database.clone(), self.names());
                let (token, time) = (self.begin(), self.settings.time);
                let described = self.guarded(&token, describe(&state, &database, &query, &[], names, time)).await?;
                let command = Some(Command::Query(query));
                let prepared = Prepared { command, given: Vec::new(), described: Some(described) };
                return self.declare(&name, Arc::new(prepared), Vec::new());
            }
            other => self.command_rows(other, true).await?,
        };
        self.wire.complete(&tag);
        Ok(())
    }

    async fn query(&mut self, query: &PgQuery) -> Result<String, Trouble> {
        let (state, database, names) = (self.state.clone(), self.database.clone(), self.names());
        let (token, time) = (self.begin(), self.settings.time);
        let rows = self.guarded(&token, run(&state, &database, query, &[], names, time)).await?;
        let columns = columns(query, &rows.answer.schema, &[]);
        self.wire.row_description(&columns);
        let mut cursor = Cursor::new(rows, &columns, self.settings.clock);
        let (sent, _) = self.send(&mut cursor, None).await?;
        Ok(format!("SELECT {sent}"))
    }

    /// Makes a cursor of a query.
    pub fn declare(&mut self, name: &str, prepared: Arc<Prepared>, values: Vec<Parameter>) -> Result<(), Trouble> {
        if self.portals.contains_key(name) {
            return Err(say("42P03", format!("cursor \"{name}\" already exists")));
        }
        self.portals.insert(name.to_owned(), Portal { prepared, values, formats: Vec::new(), rows: Sent::No });
        self.wire.complete("DECLARE CURSOR");
        Ok(())
    }

    /// Sends the next rows of a portal, which begins with the first; answers how many, and whether there may be more.
    pub async fn advance(&mut self, name: &str, most: Option<usize>) -> Result<(usize, bool), Trouble> {
        let mut portal = self.portals.remove(name).ok_or_else(|| no_portal(name))?;
        let mut cursor = match std::mem::replace(&mut portal.rows, Sent::All) {
            Sent::Some(cursor) => cursor,
            Sent::All => {
                self.portals.insert(name.to_owned(), portal);
                return Ok((0, false));
            }
            Sent::GivenUp => {
                let message =
                    "the rest of the rows was given up, for nobody asked for it; ask again, faster or for fewer rows";
                return Err(say("57014", message));
            }
            Sent::No => {
                let prepared = Arc::clone(&portal.prepared);
                let Some(query) = prepared.query() else { return Ok((0, false)) };
                let (state, database, names) = (self.state.clone(), self.database.clone(), self.names());
                let (token, time) = (self.begin(), self.settings.time);
                let running = run(&state, &database, query, &portal.values, names, time);
                let rows = self.guarded(&token, running).await?;
                // As it was described: clients read by that.
                let schema = prepared.described.as_ref().map_or(&rows.answer.schema, |described| &described.schema);
                let columns = columns(query, schema, &portal.formats);
                if columns.len() != rows.answer.schema.fields().len() {
                    return Err(say("0A000", "cached plan must not change result type"));
                }
                Box::new(Cursor::new(rows, &columns, self.settings.clock))
            }
        };
        let (sent, more) = self.send(&mut cursor, most).await?;
        if more {
            portal.rows = Sent::Some(cursor);
        }
        self.portals.insert(name.to_owned(), portal);
        Ok((sent, more))
    }

    /// A command other than a query; answers what it did. Rows are described where the client does not ask by itself.
    pub async fn command_rows(&mut self, command: Command, described: bool) -> Result<String, Trouble> {
        self.refuse_failed(&command)?;
        let tag = match command {
            Command::Set(name, value) => {
                let changed = self.settings.set(&name, value.as_deref())?;
                self.tell(changed);
                "SET"
            }
            Command::ResetAll => {
                self.reset();
                "RESET"
            }
            Command::Show(name) => {
                let value = match name.to_lowercase().as_str() {
                    "all" => return Err(say("0A000", "ask SELECT name, setting FROM pg_settings")),
                    _ => self.settings.get(&name)?.to_owned(),
                };
                if described {
                    self.wire.row_description(&[(name, PgType::Text, false)]);
                }
                self.wire.row_of(&value);
                "SHOW"
            }
            Command::Begin => {
                if self.transaction == Transaction::None {
                    self.transaction = Transaction::Open;
                }
                "BEGIN"
            }
            Command::Commit | Command::Rollback => {
                let committed = matches!(command, Command::Commit) && self.transaction != Transaction::Failed;
                self.transaction = Transaction::None;
                self.portals.retain(|_, portal| matches!(portal.rows, Sent::No));
                if committed { "COMMIT" } else { "ROLLBACK" }
            }
            Command::RollbackTo => {
                if self.transaction == Transaction::Failed {
                    self.transaction = Transaction::Open;
                }
                "ROLLBACK"
            }
            Command::Savepoint(tag) => tag,
            Command::Discard => {
                self.statements.clear();
                self.portals.retain(|_, portal| matches!(portal.rows, Sent::No));
                self.reset();
                "DISCARD ALL"
            }
            Command::Unlisten => "UNLISTEN",
            Command::Deallocate(None) => {
                self.statements.clear();
                "DEALLOCATE ALL"
            }
            Command::Deallocate(Some(name)) => match self.statements.remove(&name) {
                Some(_) => "DEALLOCATE",
                None => return Err(say("26000", format!("prepared statement \"{name}\" does not exist"))),
            },
            Command::Close(None) => {
                self.portals.clear();
                "CLOSE CURSOR ALL"
            }
            Command::Close(Some(name)) => match self.portals.remove(&name) {
                Some(_) => "CLOSE CURSOR",
                None => return Err(no_portal(&name)),
            },
            Command::Fetch(count, name, answered) => {
                let portal = self.portals.get(&name).ok_or_else(|| no_portal(&name))?;
                if !answered {
                    return Err(say("0A000", "MOVE is not taken: FETCH the rows"));
                }
                if described {
                    let columns = portal.prepared.of_query(&portal.formats).unwrap_or_default();
                    self.wire.row_description(&columns);
                }
                let (sent, _) = self.advance(&name, count).await?;
                return Ok(format!("FETCH {sent}"));
            }
            // Carried out where they come.
            Command::Query(_) | Command::Declare(..) => "SELECT 0",
        };
        Ok(tag.to_owned())
    }

    fn reset(&mut self) {
        let before = self.settings.all().clone();
        self.settings.reset();
        self.tell_all(&before);
    }
}

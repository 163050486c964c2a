//! A connection: messages in, answers out, both protocols (one text, or parse, bind and execute).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use hvac_query::postgres::{Command, Names, Parameter, PgType, Refusal, write_rows};

use super::failure::{Trouble, say};
use super::login::Login;
use super::portal::{Cursor, Portal, Prepared, Sent};
use super::settings::{SERVER_VERSION, Settings};
use super::wire::{FULL, Fields, Gone, Wire};
use super::{Registered, Running, Shared, values};
use crate::query::postgres::{Database, describe};
use crate::state::AppState;

/// Prepared statements and portals of a connection at once.
const MOST_PREPARED: usize = 1000;

/// Whether statements stand in a transaction, which means nothing here but that a failure is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transaction {
    None,
    Open,
    Failed,
}

/// A connection.
pub(super) struct Connection<'s> {
    pub wire: Wire,
    shared: &'s Shared,
    process: i32,
    running: Arc<Running>,
    pub state: AppState,
    login: Login,
    pub database: Database,
    user: String,
    pub settings: Settings,
    pub statements: HashMap<String, Arc<Prepared>>,
    pub portals: HashMap<String, Portal>,
    pub transaction: Transaction,
}

impl<'s> Connection<'s> {
    pub fn new(
        wire: Wire,
        shared: &'s Shared,
        registered: &Registered<'_>,
        (state, login): (AppState, Login),
        database: Database,
        user: String,
        settings: Settings,
    ) -> Self {
        Self {
            wire,
            shared,
            process: registered.key.0,
            running: Arc::clone(&registered.running),
            state,
            login,
            database,
            user,
            settings,
            statements: HashMap::new(),
            portals: HashMap::new(),
            transaction: Transaction::None,
        }
    }

    /// Answers until the client leaves, sends what is no message, or the server stops.
    pub async fn run(mut self) -> Result<(), Gone> {
        self.ready().await?;
        // Behind a failure everything is passed over up to the client's next Sync.
        let mut passing_over = false;
        while let Some((kind, body)) = self.next().await? {
            let mut fields = Fields(&body);
            if matches!(kind, b'Q' | b'P' | b'E') {
                match self.login.renewed(&self.state).await {
                    Ok(principal) => self.state = self.state.asked_by(Arc::new(principal)),
                    Err(refusal) => {
                        self.wire.error("FATAL", &refusal);
                        return self.wire.flush().await;
                    }
                }
            }
            let done = match kind {
                b'X' => return Ok(()),
                b'Q' => {
                    let text = fields.text().ok_or(Gone)?;
                    self.simple(&text).await?;
                    continue;
                }
                b'S' => {
                    passing_over = false;
                    self.ready().await?;
                    continue;
                }
                b'H' if !passing_over => self.wire.flush().await.map_err(Trouble::from),
                _ if passing_over => Ok(()),
                b'P' => self.parse(&mut fields).await,
                b'B' => self.bind(&mut fields),
                b'D' => self.describe(&mut fields),
                b'E' => self.execute(&mut fields).await,
                b'C' => self.close(&mut fields),
                // COPY's, which a client may send though none was begun.
                b'd' | b'c' | b'f' => Ok(()),
                _ => {
                    self.wire.error("FATAL", &Refusal::new("08P01", "there is no message of that type"));
                    return self.wire.flush().await;
                }
            };
            match done {
                Ok(()) => {}
                Err(Trouble::Say(refusal)) => {
                    self.failed(&refusal);
                    passing_over = true;
                }
                Err(Trouble::Gone) => return Err(Gone),
            }
        }
        Ok(())
    }

    /// The next message; none when the server stops. Rows that nobody takes are given up after a while: they keep others
    /// from their turn.
    async fn next(&mut self) -> Result<Option<(u8, Vec<u8>)>, Gone> {
        loop {
            let holds = self.portals.values().any(|portal| matches!(portal.rows, Sent::Some(_)));
            tokio::select! {
                biased;
                () = self.wire.arrived() => return self.wire.message().await.map(Some),
                () = self.shared.stopping.cancelled() => {
                    let refusal = Refusal::new("57P01", "terminating connection: the server stops");
                    self.wire.error("FATAL", &refusal);
                    let _ = self.wire.flush().await;
                    return Ok(None);
                }
                () = tokio::time::sleep(self.state.config.stall_timeout), if holds => {}
            }
            for portal in self.portals.values_mut().filter(|portal| matches!(portal.rows, Sent::Some(_))) {
                portal.rows = Sent::GivenUp;
            }
        }
    }

    pub fn failed(&mut self, refusal: &Refusal) {
        self.wire.error("ERROR", refusal);
        if self.transaction == Transaction::Open {
            self.transaction = Transaction::Failed;
        }
    }

    /// `ReadyForQuery`; outside of a transaction nothing is kept that was begun.
    async fn ready(&mut self) -> Result<(), Gone> {
        if self.transaction == Transaction::None {
            self.portals.clear();
        }
        let status = match self.transaction {
            Transaction::None => b'I',
            Transaction::Open => b'T',
            Transaction::Failed => b'E',
        };
        self.wire.write(b'Z', |out| out.push(status));
        self.wire.flush().await
    }

    async fn simple(&mut self, text: &str) -> Result<(), Gone> {
        match Command::all(text) {
            Err(refusal) => self.failed(&refusal),
            Ok(commands) if commands.is_empty() => self.wire.write(b'I', |_| {}),
            Ok(commands) => {
                for command in commands {
                    match self.command(command).await {
                        Ok(()) => {}
                        Err(Trouble::Say(refusal)) => {
                            self.failed(&refusal);
                            break;
                        }
                        Err(Trouble::Gone) => return Err(Gone),
                    }
                }
            }
        }
        self.ready().await
    }

    /// Refuses what stands behind a failure in a transaction.
    pub fn refuse_failed(&self, command: &Command) -> Result<(), Trouble> {
        let ends = matches!(command, Command::Commit | Command::Rollback | Command::RollbackTo);
        if self.transaction == Transaction::Failed && !ends {
            let message = "current transaction is aborted, commands ignored until end of transaction block";
            return Err(say("25P02", message));
        }
        Ok(())
    }

    /// What functions of a statement know of this connection.
    pub fn names(&self) -> Names {
        Names {
            database: self.database.name.clone(),
            user: self.user.clone(),
            version: format!("PostgreSQL {SERVER_VERSION} (HVAC Analytics {})", env!("CARGO_PKG_VERSION")),
            process: i64::from(self.process),
            settings: self.settings.all().clone(),
            relations: HashMap::new(),
            visible: Vec::new(),
        }
    }

    /// Carries out, unless it is cancelled or the client leaves meanwhile.
    pub async fn guarded<T, E: Into<Trouble>>(
        &mut self,
        token: &tokio_util::sync::CancellationToken,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Trouble> {
        tokio::select! {
            biased;
            () = token.cancelled() => Err(say("57014", "canceling statement due to user request")),
            done = work => done.map_err(Into::into),
            () = self.wire.left() => Err(Trouble::Gone),
        }
    }

    /// A token that a request to cancel reaches from now on.
    pub fn begin(&self) -> tokio_util::sync::CancellationToken {
        self.running.begin()
    }

    /// Sends rows, at most so many; answers how many, and whether there may be more.
    pub async fn send(&mut self, cursor: &mut Cursor, most: Option<usize>) -> Result<(usize, bool), Trouble> {
        let token = self.begin();
        let mut sent = 0;
        loop {
            if most.is_some_and(|most| sent >= most) {
                return Ok((sent, true));
            }
            if let Some((batch, from)) = cursor.waiting() {
                let left = most.map_or(usize::MAX, |most| most - sent);
                let written = write_rows(batch, &cursor.formats, cursor.clock, from, left, FULL, &mut self.wire.out);
                let rows = written.map_err(|error| say("22003", error.to_string()))?;
                cursor.sent(rows);
                sent += rows;
                if self.wire.out.len() >= FULL {
                    self.wire.flush().await?;
                }
                if token.is_cancelled() {
                    return Err(say("57014", "canceling statement due to user request"));
                }
                continue;
            }
            match self.guarded(&token, cursor.rows.next()).await? {
                Some(batch) => cursor.fill(batch),
                None => return Ok((sent, false)),
            }
        }
    }

    async fn parse(&mut self, fields: &mut Fields<'_>) -> Result<(), Trouble> {
        let (name, text) = (fields.text().ok_or(Gone)?, fields.text().ok_or(Gone)?);
        let count = fields.count().ok_or(Gone)?;
        let given: Vec<u32> = (0..count).map(|_| fields.u32()).collect::<Option<_>>().ok_or(Gone)?;
        if !name.is_empty() && self.statements.contains_key(&name) {
            return Err(say("42P05", format!("prepared statement \"{name}\" already exists")));
        }
        if self.statements.len() >= MOST_PREPARED {
            return Err(say("53400", format!("there are {MOST_PREPARED} prepared statements already; close some")));
        }
        let mut commands = Command::all(&text)?;
        if commands.len() > 1 {
            return Err(say("42601", "cannot insert multiple commands into a prepared statement"));
        }
        let mut prepared = Prepared { command: commands.pop(), given, described: None };
        if let Some(command) = &prepared.command {
            self.refuse_failed(command)?;
        }
        if let Some(query) = prepared.query().cloned() {
            let (state, database, names) = (self.state.clone(), self.database.clone(), self.names());
            let (token, time) = (self.begin(), self.settings.time);
            let describing = describe(&state, &database, &query, &prepared.given, names, time);
            prepared.described = Some(self.guarded(&token, describing).await?);
        }
        self.statements.insert(name, Arc::new(prepared));
        self.wire.write(b'1', |_| {});
        Ok(())
    }

    fn statement(&self, name: &str) -> Result<Arc<Prepared>, Trouble> {
        let known = self.statements.get(name).cloned();
        known.ok_or_else(|| say("26000", format!("prepared statement \"{name}\" does not exist")))
    }

    fn bind(&mut self, fields: &mut Fields<'_>) -> Result<(), Trouble> {
        let (portal, statement) = (fields.text().ok_or(Gone)?, fields.text().ok_or(Gone)?);
        let prepared = self.statement(&statement)?;
        let formats =
            |fields: &mut Fields<'_>| -> Option<Vec<i16>> { (0..fields.count()?).map(|_| fields.i16()).collect() };
        let sent_as = formats(fields).ok_or(Gone)?;
        let count = fields.count().ok_or(Gone)?;
        let mut values = Vec::with_capacity(count);
        for index in 0..count {
            let bytes = match usize::try_from(fields.i32().ok_or(Gone)?) {
                Ok(length) => Some(fields.take(length).ok_or(Gone)?),
                Err(_) => None,
            };
            let binary = match sent_as.as_slice() {
                [all] => *all == 1,
                each => each.get(index) == Some(&1),
            };
            values.push(parameter(&prepared, index, bytes, binary)?);
        }
        let wanted = prepared.query().map_or(0, |query| query.parameters());
        if values.len() < wanted {
            let message = format!("the statement has {wanted} parameters, but {} values came", values.len());
            return Err(say("08P01", message));
        }
        if !portal.is_empty() && self.portals.contains_key(&portal) {
            return Err(say("42P03", format!("portal \"{portal}\" already exists")));
        }
        if self.portals.len() >= MOST_PREPARED {
            return Err(say("53400", format!("there are {MOST_PREPARED} portals already; close some")));
        }
        let formats = formats(fields).ok_or(Gone)?;
        self.portals.insert(portal, Portal { prepared, values, formats, rows: Sent::No });
        self.wire.write(b'2', |_| {});
        Ok(())
    }

    fn describe(&mut self, fields: &mut Fields<'_>) -> Result<(), Trouble> {
        let (kind, name) = (fields.byte().ok_or(Gone)?, fields.text().ok_or(Gone)?);
        let columns = if kind == b'S' {
            let prepared = self.statement(&name)?;
            let kinds: &[u32] = prepared.described.as_ref().map_or(&[], |described| &described.parameters);
            self.wire.write(b't', |out| {
                out.extend(i16::try_from(kinds.len()).unwrap_or(i16::MAX).to_be_bytes());
                kinds.iter().for_each(|kind| out.extend(kind.to_be_bytes()));
            });
            self.columns(&prepared, &[])
        } else {
            let portal = self.portals.get(&name).ok_or_else(|| no_portal(&name))?;
            self.columns(&portal.prepared, &portal.formats)
        };
        match columns {
            Some(columns) => self.wire.row_description(&columns),
            None => self.wire.write(b'n', |_| {}),
        }
        Ok(())
    }

    /// What a statement answers; a FETCH what its cursor does.
    fn columns(&self, prepared: &Prepared, formats: &[i16]) -> Option<Vec<(String, PgType, bool)>> {
        match &prepared.command {
            Some(Command::Fetch(_, cursor, true)) => {
                self.portals.get(cursor).and_then(|portal| portal.prepared.of_query(formats))
            }
            _ => prepared.columns(formats),
        }
    }

    async fn execute(&mut self, fields: &mut Fields<'_>) -> Result<(), Trouble> {
        let (name, most) = (fields.text().ok_or(Gone)?, fields.i32().ok_or(Gone)?);
        let most = usize::try_from(most).ok().filter(|most| *most > 0);
        let portal = self.portals.get(&name).ok_or_else(|| no_portal(&name))?;
        let prepared = Arc::clone(&portal.prepared);
        match &prepared.command {
            None => {
                self.wire.write(b'I', |_| {});
                Ok(())
            }
            Some(command @ Command::Query(_)) => {
                self.refuse_failed(command)?;
                let (sent, more) = self.advance(&name, most).await?;
                match more {
                    true => self.wire.write(b's', |_| {}),
                    false => self.wire.complete(&format!("SELECT {sent}")),
                }
                Ok(())
            }
            Some(Command::Declare(cursor, query)) => {
                let values = portal.values.clone();
                self.refuse_failed(&Command::Discard)?;
                let (given, described) = (prepared.given.clone(), prepared.described.clone());
                let own = Prepared { command: Some(Command::Query(query.clone())), given, described };
                self.declare(cursor, Arc::new(own), values)
            }
            Some(command) => {
                let formats = portal.formats.clone();
                if let Command::Fetch(_, cursor, _) = command
                    && let Some(cursor) = self.portals.get_mut(cursor).filter(|cursor| matches!(cursor.rows, Sent::No))
                {
                    cursor.formats = formats;
                }
                let shown = self.command_rows(command.clone(), false).await?;
                self.wire.complete(&shown);
                Ok(())
            }
        }
    }

    fn close(&mut self, fields: &mut Fields<'_>) -> Result<(), Trouble> {
        let (kind, name) = (fields.byte().ok_or(Gone)?, fields.text().ok_or(Gone)?);
        match kind {
            b'S' => drop(self.statements.remove(&name)),
            _ => drop(self.portals.remove(&name)),
        }
        self.wire.write(b'3', |_| {});
        Ok(())
    }

    /// Tells the client of a setting that changed.
    pub fn tell(&mut self, changed: Option<(&'static str, String)>) {
        if let Some((name, value)) = changed {
            self.wire.parameter(name, &value);
        }
    }

    /// Tells the client of all settings that are no longer what they were.
    pub fn tell_all(&mut self, before: &BTreeMap<String, String>) {
        let told: Vec<(&'static str, String)> =
            self.settings.told().map(|(name, value)| (name, value.to_owned())).collect();
        for (name, value) in told {
            if before.get(&name.to_lowercase()) != Some(&value) {
                self.wire.parameter(name, &value);
            }
        }
    }
}

pub(super) fn no_portal(name: &str) -> Trouble {
    say("34000", format!("portal \"{name}\" does not exist"))
}

fn parameter(prepared: &Prepared, index: usize, bytes: Option<&[u8]>, binary: bool) -> Result<Parameter, Refusal> {
    let given = prepared.given.get(index).copied().unwrap_or(0);
    let described = prepared.described.as_ref().and_then(|described| described.parameters.get(index).copied());
    let found = if given == 0 { described.unwrap_or(0) } else { given };
    let text = match bytes {
        None => None,
        Some(bytes) if binary => Some(values::of_binary(found, bytes)?),
        Some(bytes) => Some(values::of_text(bytes)?),
    };
    // A text of no given type is as if it stood in the statement, but a number beside numbers is one.
    let numbers = [PgType::Bool, PgType::Int8, PgType::Float8];
    let keeps = given != 0 || binary || numbers.iter().any(|kind| kind.oid() == found);
    Ok(Parameter { oid: if keeps { found } else { 0 }, text })
}

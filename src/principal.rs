//! Who asks, and what he may see. PURE.
//!
//! Every use case gets it with the state ([`crate::state::AppState::principal`]): a command and the program's own work
//! see everything, a request what its sender may. What nobody owns is everyone's; so are sessions of the time before
//! there were accounts.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use sea_orm::Condition;
use sea_orm::sea_query::Expr;

pub use hvac_store::entity::AccountRole as Role;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Whoever owns the machine: a command, or the program's own work.
    Program,
    /// A request that does not say whose it is, where that is allowed.
    Anonymous,
    /// An account.
    Account {
        /// UUID.
        id: String,
        /// Its name.
        name: String,
    },
}

/// How it is known who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// Nothing had to be shown.
    Nothing,
    /// A command on this machine.
    Command,
    /// A key.
    Key,
    /// A browser's login.
    Login,
    /// A token of another issuer.
    Token,
    /// A job that it asked for.
    Job,
    /// A link.
    Link,
}

impl Via {
    /// The word as it stands in what is told of requests.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Command => "command",
            Self::Key => "key",
            Self::Login => "login",
            Self::Token => "token",
            Self::Job => "job",
            Self::Link => "link",
        }
    }
}

/// What somebody sees of all sessions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Sight {
    /// All of them.
    All,
    /// What is this account's, shared with it, or everyone's.
    Account(String),
    /// What is everyone's.
    Anonymous,
    /// That one.
    One(String),
}

/// Who sees a session, besides those who see all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionReaders {
    owner_id: Option<String>,
    /// Of it and of its site; none: with everyone.
    shared: BTreeSet<Option<String>>,
}

impl SessionReaders {
    /// Of a session of that owner, shared with these.
    #[must_use]
    pub fn new(owner_id: Option<String>, shared: impl IntoIterator<Item = Option<String>>) -> Self {
        Self { owner_id, shared: shared.into_iter().collect() }
    }

    fn is_everyones(&self) -> bool {
        self.owner_id.is_none() || self.shared.contains(&None)
    }
}

/// Who asks, how that is known, and what he may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Who.
    pub who: Who,
    /// What he may do.
    pub role: Role,
    /// How it is known.
    pub via: Via,
    /// Of a link: the only session that it shows.
    pub only_session: Option<String>,
    /// Of a link: the only file that it shows.
    pub only_file: Option<String>,
    /// From where.
    pub address: Option<IpAddr>,
    /// The request's id.
    pub request_id: Option<Arc<str>>,
}

impl Principal {
    /// Whoever owns the machine.
    #[must_use]
    pub fn program() -> Self {
        Self::new(Who::Program, Role::Admin, Via::Command)
    }

    /// Somebody who need not say who he is.
    #[must_use]
    pub fn anonymous(role: Role) -> Self {
        Self::new(Who::Anonymous, role, Via::Nothing)
    }

    /// An account.
    #[must_use]
    pub fn account(id: String, name: String, role: Role, via: Via) -> Self {
        Self::new(Who::Account { id, name }, role, via)
    }

    fn new(who: Who, role: Role, via: Via) -> Self {
        Self { who, role, via, only_session: None, only_file: None, address: None, request_id: None }
    }

    /// Its account's id, if it has one: also the owner of what it makes.
    #[must_use]
    pub fn account_id(&self) -> Option<&str> {
        match &self.who {
            Who::Account { id, .. } => Some(id),
            Who::Program | Who::Anonymous => None,
        }
    }

    /// What to call it.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.who {
            Who::Program => "command",
            Who::Anonymous => "anonymous",
            Who::Account { name, .. } => name,
        }
    }

    /// What two that see the same have in common: what was made for one is for the other, too.
    #[must_use]
    pub fn sight(&self) -> Sight {
        match (&self.only_session, &self.who) {
            (Some(id), _) => Sight::One(id.clone()),
            (None, Who::Program) => Sight::All,
            (None, _) if self.role == Role::Admin => Sight::All,
            (None, Who::Account { id, .. }) => Sight::Account(id.clone()),
            (None, Who::Anonymous) => Sight::Anonymous,
        }
    }

    /// Whether it sees all sessions.
    #[must_use]
    pub fn sees_all(&self) -> bool {
        self.sight() == Sight::All
    }

    /// The same as [`Self::sees`] says of the session of that id, for which it was looked up who sees it.
    #[must_use]
    pub fn is_among(&self, session_id: &str, readers: &SessionReaders) -> bool {
        match self.sight() {
            Sight::All => true,
            Sight::One(id) => id == session_id,
            Sight::Anonymous => readers.is_everyones(),
            Sight::Account(id) => {
                readers.is_everyones()
                    || readers.owner_id.as_deref() == Some(id.as_str())
                    || readers.shared.contains(&Some(id))
            }
        }
    }

    /// Which rows of `upload_sessions` it sees, as a condition in SQL on the table of that name or alias; none when it
    /// sees all.
    #[must_use]
    pub fn sees(&self, sessions: &str) -> Option<String> {
        // Whoever made a link saw its session.
        if let Some(id) = &self.only_session {
            return Some(format!("{sessions}.\"id\" = {}", quoted(id)));
        }
        if self.who == Who::Program || self.role == Role::Admin {
            return None;
        }
        let (owned, shared) = match self.account_id() {
            Some(id) => {
                let id = quoted(id);
                let shared = format!("(h.\"account_id\" IS NULL OR h.\"account_id\" = {id})");
                (format!(" OR {sessions}.\"owner_id\" = {id}"), shared)
            }
            None => (String::new(), "h.\"account_id\" IS NULL".to_owned()),
        };
        Some(format!(
            "({sessions}.\"owner_id\" IS NULL{owned} OR EXISTS (SELECT 1 FROM \"shares\" h WHERE {shared} AND \
             (h.\"session_id\" = {sessions}.\"id\" OR h.\"site\" = {sessions}.\"site\")))"
        ))
    }

    /// The same for a query of that table under its own name.
    #[must_use]
    pub fn seen_sessions(&self) -> Condition {
        Condition::all().add_option(self.sees("\"upload_sessions\"").map(Expr::cust))
    }

    /// The same of rows that refer to a session in the column of that name.
    #[must_use]
    pub fn sees_of(&self, session_id: &str) -> Option<String> {
        let sees = self.sees("seen")?;
        Some(format!("{session_id} IN (SELECT seen.\"id\" FROM \"upload_sessions\" seen WHERE {sees})"))
    }

    /// Whether it may share, give away or purge what is of that owner.
    #[must_use]
    pub fn disposes_of(&self, owner_id: Option<&str>) -> bool {
        let is_owner = owner_id.is_none() || owner_id == self.account_id();
        self.only_session.is_none() && (self.role == Role::Admin || is_owner)
    }
}

/// A text as SQL writes it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_ends_no_text_of_sql() {
        let odd = Principal::account("a' OR 1=1 --".to_owned(), "odd".to_owned(), Role::Viewer, Via::Key);
        let sql = odd.sees("s").unwrap_or_default();
        assert!(sql.contains("s.\"owner_id\" = 'a'' OR 1=1 --'"), "{sql}");
    }

    #[test]
    fn admins_and_commands_see_all_and_links_one() {
        assert_eq!(Principal::program().sees("s"), None);
        assert_eq!(Principal::anonymous(Role::Admin).sees("s"), None);
        let link = Principal { only_session: Some("x".to_owned()), ..Principal::anonymous(Role::Admin) };
        assert_eq!(link.sees("s").as_deref(), Some("s.\"id\" = 'x'"));
        assert!(Principal::anonymous(Role::Viewer).sees("s").is_some_and(|sql| !sql.contains("s.\"owner_id\" =")));
    }
}

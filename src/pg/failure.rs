//! What went wrong, by SQLSTATE.

use hvac_query::postgres::Refusal;

use super::wire::{Gone, Wire, text};
use crate::error::{Error, codes};
use crate::query::postgres::Failed;

/// What ends a command.
#[derive(Debug)]
pub enum Trouble {
    /// It is said to the client, which goes on.
    Say(Refusal),
    /// The connection ends.
    Gone,
}

impl From<Gone> for Trouble {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self::Say(refusal)
    }
}

impl From<Failed> for Trouble {
    fn from(failed: Failed) -> Self {
        Self::Say(match failed {
            Failed::Refused(refusal) => refusal,
            Failed::Error(error) => of_error(&error),
        })
    }
}

/// Refused by that SQLSTATE.
pub fn say(sqlstate: &'static str, message: impl Into<String>) -> Trouble {
    Trouble::Say(Refusal::new(sqlstate, message))
}

fn of_error(error: &Error) -> Refusal {
    let whole = error.to_string();
    let message = whole.strip_prefix("sql: ").unwrap_or(&whole).to_owned();
    let sqlstate = match error.code {
        code if code == codes::SQL_SYNTAX => "42601",
        code if code == codes::NOT_A_QUERY => "25006",
        code if [codes::UNKNOWN_TABLE, codes::UNKNOWN_VERSION, codes::NOT_PARSED].contains(&code) => "42P01",
        code if code == codes::UNKNOWN_COLUMN => "42703",
        code if code == codes::UNKNOWN_SESSION => "3F000",
        code if code == codes::AMBIGUOUS_SESSION => "42P09",
        code if code == codes::QUERY_MEMORY => "53200",
        code if code == codes::QUERY_TIMEOUT => "57014",
        code if code == codes::FILE_DAMAGED => "XX001",
        code if code == codes::BAD_SQL => match message.to_lowercase() {
            said if said.contains("divide by zero") => "22012",
            said if said.contains("invalid function") => "42883",
            said if said.contains("cast") || said.contains("parse") => "22P02",
            _ => "42000",
        },
        _ => {
            tracing::error!(%error, cause = ?std::error::Error::source(error), "a PostgreSQL client's statement failed");
            "XX000"
        }
    };
    Refusal::new(sqlstate, message)
}

impl Wire {
    /// `ErrorResponse`; `FATAL` ends the connection.
    pub fn error(&mut self, severity: &str, refusal: &Refusal) {
        self.write(b'E', |out| {
            for (field, value) in
                [(b'S', severity), (b'V', severity), (b'C', refusal.sqlstate), (b'M', &refusal.message)]
            {
                out.push(field);
                text(out, value);
            }
            if let Some(position) = refusal.position {
                out.push(b'P');
                text(out, &position.to_string());
            }
            out.push(0);
        });
    }
}

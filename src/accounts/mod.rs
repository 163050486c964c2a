//! Accounts: people and services that may ask, and how each shows who it is.
//!
//! [`authenticate`] is the one entrance for requests. Which route needs which role is `http`'s to say; here is only what
//! depends on whose something is.

use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{Error, Result, codes};
use crate::limits;
use crate::principal::{Principal, Role};
use crate::times::utc;
use hvac_store::entity::account;

pub mod audit_log;
pub mod authenticate;
mod guess;
pub mod keys;
pub mod known;
pub mod links;
pub mod logins;
pub mod people;
pub mod preferences;
pub mod setup;
mod store;
mod uses;

pub use authenticate::{Shown, authenticate};
pub use hvac_store::entity::AccountKind;

/// Names that the list of what was done has for those without an account.
const TAKEN_NAMES: [&str; 2] = ["anonymous", "command"];

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Account {
    /// UUID.
    pub id: String,
    /// Unique, whatever its case.
    pub name: String,
    /// A person, or a service that has keys.
    pub kind: AccountKind,
    /// The most it may do.
    pub role: Role,
    /// Whether it can log in with a password.
    pub has_password: bool,
    /// Since when it may do nothing, UTC; null while it may.
    pub disabled_at: Option<String>,
    /// UTC.
    pub created_at: String,
    /// UTC.
    pub updated_at: String,
}

impl From<account::Model> for Account {
    fn from(row: account::Model) -> Self {
        Self {
            has_password: row.password_hash.is_some(),
            id: row.id,
            name: row.name,
            kind: row.kind,
            role: row.role,
            disabled_at: row.disabled_at.map(utc),
            created_at: utc(row.created_at),
            updated_at: utc(row.updated_at),
        }
    }
}

/// What an account, or a key, may be called.
fn name(text: &str) -> Result<String> {
    let name = text.trim();
    limits::name("name", name)?;
    if name.is_empty() {
        return Err(Error::invalid("name", codes::EMPTY_NAME, "name: give one"));
    }
    if TAKEN_NAMES.iter().any(|taken| taken.eq_ignore_ascii_case(name)) {
        let message = format!("name: '{name}' stands for those without an account; choose another");
        return Err(Error::invalid("name", codes::INVALID_FIELD, message));
    }
    Ok(name.to_owned())
}

fn unknown_account(text: &str) -> Error {
    Error::new(codes::UNKNOWN_ACCOUNT, format!("there is no account '{text}'; GET /api/users lists them"))
}

/// Whether somebody may look at, or change, what is that account's own.
///
/// # Errors
/// `forbidden`.
fn own_or_admin(principal: &Principal, account_id: &str) -> Result<()> {
    if principal.role == Role::Admin || principal.account_id() == Some(account_id) {
        return Ok(());
    }
    Err(Error::new(codes::FORBIDDEN, "This is another account's; only it and admins may do this."))
}

//! What shows who somebody is: secrets, passwords, tokens, and which of them this process has seen lately.
//!
//! Knows neither accounts nor the database: [`crate::accounts`] says whose a secret is. One handle of it in the state, since
//! what is kept here is a process' own.

use crate::config::Config;
use crate::error::{Error, Result, codes};

mod issuer;
mod one_time;
mod passwords;
pub mod secret;
mod seen;
mod signatures;
mod tokens;

pub use one_time::OneTime;
pub use passwords::{Passwords, check};
pub use seen::{Known, Seen, Use};
pub use tokens::{Tokens, Told};

/// What a process keeps of credentials.
pub struct Credentials {
    /// Checks passwords, few at once.
    pub passwords: Passwords,
    /// Checks tokens of another issuer; none where none are taken.
    pub tokens: Option<Tokens>,
    /// What was seen lately.
    pub seen: Seen,
    /// With which the first admin is made.
    pub first_admin: OneTime,
}

impl Credentials {
    /// By the settings.
    ///
    /// # Errors
    /// When those of tokens cannot be followed.
    pub fn new(config: &Config) -> Result<Self> {
        Ok(Self {
            passwords: Passwords::default(),
            tokens: config.tokens.as_ref().map(Tokens::new).transpose()?,
            seen: Seen::default(),
            first_admin: OneTime::default(),
        })
    }
}

/// What was shown is wrong: the same words whatever is wrong about it.
#[must_use]
pub fn wrong() -> Error {
    let message = "The key or token that the request shows is not valid here; show another, or none.";
    Error::new(codes::BAD_CREDENTIALS, message)
}

/// What was shown is right, and too old: told only to whoever has it.
#[must_use]
pub fn expired() -> Error {
    Error::new(codes::EXPIRED_CREDENTIALS, "The key or token that the request shows has expired; have a new one made.")
}

//! What went wrong, in words for the user and a cause for the log.
//!
//! No HTTP here: a kind is chosen where the failure is understood, and only `http/problem.rs` turns
//! kinds into status codes. The message names the thing, the place and the way out; the source is for
//! the log and never reaches a client.

use std::error::Error as StdError;
use std::fmt;

use serde::{Deserialize, Serialize};

pub mod codes;
pub mod machine;

pub use codes::Code;

/// The family of a failure: what a caller may branch on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The request itself cannot be read.
    Malformed,
    /// Nobody knows who asks, or what shows it is wrong.
    Unauthenticated,
    /// Who asks may not do this.
    Forbidden,
    /// The thing asked for does not exist.
    NotFound,
    /// The path exists, but not with this method.
    MethodNotAllowed,
    /// It exists, but its present state does not allow this.
    Conflict,
    /// It is not, or no more, what the request takes it for.
    PreconditionFailed,
    /// More bytes than the limit allows.
    TooLarge,
    /// Not a format this program reads.
    UnsupportedFormat,
    /// It has no such bytes.
    RangeNotSatisfiable,
    /// It is meant for another server.
    Misdirected,
    /// Readable, but wrong: a field, a file or a combination.
    Invalid,
    /// Asked too often.
    TooMany,
    /// Overloaded, out of space, or a dependency is gone.
    Unavailable,
    /// A defect or a broken machine: details go to the log only.
    Internal,
}

/// One thing that is wrong about a request: a field of it, or a place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Detail {
    /// The request's field, such as `rows`.
    pub field: Option<String>,
    /// The report's name.
    pub file: Option<String>,
    /// Line in the report, counted from 1.
    pub line: Option<u64>,
    /// Column of the report, by its original name.
    pub column: Option<String>,
    /// One sentence on what is wrong and what would be right.
    pub message: String,
}

/// A failure with a code of the table, a sentence for the user and a cause for the log.
#[derive(Debug)]
pub struct Error {
    /// What a caller may branch on: `unknown_session`, `ambiguous_dates`, …
    pub code: &'static Code,
    /// One sentence a user can act on.
    pub message: String,
    /// The single things that are wrong, when there are several or when they have a place.
    pub details: Vec<Detail>,
    /// Seconds after which trying again makes sense.
    pub retry_after_s: Option<u32>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The result of everything that can fail outside the pure rooms.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A failure with a sentence for the user.
    pub fn new(code: &'static Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: Vec::new(), retry_after_s: None, source: None }
    }

    /// A field of the request that is well-formed but wrong.
    pub fn invalid(field: &str, code: &'static Code, message: impl Into<String>) -> Self {
        let message = message.into();
        let detail = Detail { field: Some(field.to_owned()), message: message.clone(), ..Detail::default() };
        Self::new(code, message).with_detail(detail)
    }

    /// A defect or a broken machine; `message` is for the log, the user only sees its request id.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(codes::INTERNAL, message)
    }

    /// The family of its code.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.code.kind
    }

    /// A foreign failure as ours: see [`Context::internal`].
    pub(crate) fn while_doing(doing: &str, source: impl StdError + Send + Sync + 'static) -> Self {
        let source: Box<dyn StdError + Send + Sync> = Box::new(source);
        match source.downcast::<Self>() {
            Ok(ours) => *ours,
            Err(source) => {
                let error = machine::fault(&*source);
                error.unwrap_or_else(|| Self::internal(format!("failed while {doing}"))).with_source(source)
            }
        }
    }

    /// The same for another caller, without its cause.
    #[must_use]
    pub fn again(&self) -> Self {
        let Self { code, message, details, retry_after_s, source: _ } = self;
        let details = details.clone();
        Self { details, retry_after_s: *retry_after_s, ..Self::new(code, message.clone()) }
    }

    /// Adds one thing that is wrong.
    #[must_use]
    pub fn with_detail(mut self, detail: Detail) -> Self {
        self.details.push(detail);
        self
    }

    /// Adds when trying again makes sense.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Adds the cause, for the log.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

/// The sentence for the user; never repeats the source.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|s| &**s as &(dyn StdError + 'static))
    }
}

/// Turns a foreign failure into ours, with a sentence on what was being done.
pub trait Context<T> {
    /// What the failure means if it is the machine's ([`machine`]: `disk_full`, `storage_unavailable`,
    /// `database_busy`, …), else an internal one: `doing` completes "while …" for the log. One of ours stays what it is.
    fn internal(self, doing: &str) -> Result<T>;
}

impl<T, E: StdError + Send + Sync + 'static> Context<T> for std::result::Result<T, E> {
    fn internal(self, doing: &str) -> Result<T> {
        self.map_err(|source| Error::while_doing(doing, source))
    }
}

//! Why a statement is not carried out, as PostgreSQL's clients understand it: by SQLSTATE.

/// What is said of a statement that is not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Five letters of the standard (PostgreSQL's documentation, appendix A).
    pub sqlstate: &'static str,
    /// For a person.
    pub message: String,
    /// The character of the statement that it is about, from 1.
    pub position: Option<usize>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

/// `syntax_error`
pub(super) const SYNTAX: &str = "42601";
/// `statement_too_complex`
pub(super) const TOO_COMPLEX: &str = "54001";
/// `feature_not_supported`
pub(super) const NOT_SUPPORTED: &str = "0A000";
/// `read_only_sql_transaction`
pub(super) const READ_ONLY: &str = "25006";
/// `invalid_text_representation`
pub(super) const BAD_TEXT: &str = "22P02";
/// `undefined_parameter`
pub(super) const UNDEFINED_PARAMETER: &str = "42P02";

impl Refusal {
    /// Of no place in particular.
    pub fn new(sqlstate: &'static str, message: impl Into<String>) -> Self {
        Self { sqlstate, message: message.into(), position: None }
    }

    /// About that character.
    #[must_use]
    pub fn at(mut self, position: usize) -> Self {
        self.position = Some(position);
        self
    }
}

/// Of what would write.
pub(super) fn read_only(word: &str) -> Refusal {
    let message = format!(
        "cannot execute {} here: what is stored is only read; only SELECT, WITH, VALUES and EXPLAIN are taken",
        word.to_uppercase()
    );
    Refusal::new(READ_ONLY, message)
}

//! Why a job failed, as a document: an error that outlives its process and can be answered again.

use serde::{Deserialize, Serialize};

use super::ATTEMPTS;
use crate::error::{Detail, Error, ErrorKind, codes};

/// An error without its cause, which is in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What a caller may branch on.
    pub kind: ErrorKind,
    /// Stable name.
    pub code: String,
    /// One sentence a user can act on; nothing internal.
    pub message: String,
    /// The single things that are wrong.
    #[serde(default)]
    pub details: Vec<Detail>,
}

impl Failure {
    /// What a user may see of an error of that job.
    #[must_use]
    pub fn of(job_id: &str, error: &Error) -> Self {
        if error.kind() == ErrorKind::Internal {
            let message = format!("The program failed to do this; its log has the cause under job {job_id}.");
            return Self { kind: error.kind(), code: error.code.name.to_owned(), message, details: Vec::new() };
        }
        Self {
            kind: error.kind(),
            code: error.code.name.to_owned(),
            message: error.message.clone(),
            details: error.details.clone(),
        }
    }

    /// The process died each time.
    #[must_use]
    pub fn poisoned(attempts: u32) -> Self {
        let message = format!(
            "The process ended each of the {attempts} times this job was begun (at most {ATTEMPTS}), so it is not begun \
             again; look for memory or disk running out in the system's log, then ask again with less at once."
        );
        let codes::Code { name, kind, .. } = codes::JOB_POISONED;
        Self { kind: *kind, code: (*name).to_owned(), message, details: Vec::new() }
    }

    /// The error it was; one that another version of the program wrote may have a code that this one does not know.
    #[must_use]
    pub fn to_error(&self) -> Error {
        let error = match codes::named(&self.code) {
            Some(code) => Error::new(code, self.message.clone()),
            None => Error::new(codes::JOB_FAILED, format!("{} ({})", self.message, self.code)),
        };
        self.details.iter().cloned().fold(error, Error::with_detail)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_error_comes_back_as_it_was() {
        let detail = Detail { file: Some("a.csv".to_owned()), line: Some(3), ..Detail::default() };
        let error = Error::invalid("columns", codes::UNKNOWN_COLUMN, "there is no column 'KW'").with_detail(detail);
        let written = serde_json::to_value(Failure::of("j1", &error)).unwrap();
        let back = serde_json::from_value::<Failure>(written).unwrap().to_error();
        assert_eq!((back.code, &back.message), (error.code, &error.message));
        assert_eq!(back.details, error.details);
    }

    #[test]
    fn nothing_internal_is_kept() {
        let failure = Failure::of("j1", &Error::internal("cannot open /srv/secret"));
        assert!(!failure.message.contains("secret") && failure.message.contains("j1"), "{failure:?}");
    }
}

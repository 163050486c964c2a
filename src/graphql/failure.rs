//! An error of a use case as the graph tells it: the sentence, and its code in `extensions`.

use async_graphql::ErrorExtensions;

use crate::error::{Error, ErrorKind};

/// The error of a field. What went wrong inside is for the log.
#[must_use]
pub fn failed(error: &Error) -> async_graphql::Error {
    let message = match error.kind() {
        ErrorKind::Internal => {
            tracing::error!(%error, cause = ?std::error::Error::source(error), "a field of the graph failed");
            "The server failed at this; its log has the cause.".to_owned()
        }
        _ => error.message.clone(),
    };
    let field = error.details.first().and_then(|detail| detail.field.clone());
    async_graphql::Error::new(message).extend_with(|_, extensions| {
        extensions.set("code", error.code.name);
        if let Some(field) = field {
            extensions.set("field", field);
        }
    })
}

//! A query as names and values.

use axum::http::Uri;

use crate::error::{Error, Result, codes};

/// Names and values of a query.
///
/// # Errors
/// 400 when it cannot be read.
pub fn of(uri: &Uri) -> Result<Vec<(String, String)>> {
    axum::extract::Query::try_from_uri(uri).map(|query| query.0).map_err(broken)
}

/// A whole number of a query.
///
/// # Errors
/// 422 naming it when it is none.
pub fn number(query: &[(String, String)], name: &str) -> Result<Option<u64>> {
    parsed(query, name, "a whole number")
}

/// Whether a query says so.
///
/// # Errors
/// 422 naming it when it is neither true nor false.
pub fn flag(query: &[(String, String)], name: &str) -> Result<Option<bool>> {
    parsed(query, name, "true or false")
}

fn parsed<T: std::str::FromStr>(query: &[(String, String)], name: &str, wanted: &str) -> Result<Option<T>> {
    let given = query.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str());
    let wrong = || Error::invalid(name, codes::INVALID_FIELD, format!("{name}: {wanted} is expected"));
    given.map(|text| text.parse().map_err(|_| wrong())).transpose()
}

/// What is said of one that cannot be read.
pub fn broken(rejection: axum::extract::rejection::QueryRejection) -> Error {
    Error::new(codes::BROKEN_QUERY, "The query string cannot be read.").with_source(rejection)
}

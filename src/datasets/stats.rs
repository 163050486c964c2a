//! Statistics of columns.

use super::{AllStats, Answer, DatasetSelector, OneStats};
use crate::error::Result;
use crate::state::AppState;

/// Statistics of all columns.
///
/// # Errors
/// As [`super::version::resolve`].
pub async fn all(state: &AppState, selector: &DatasetSelector) -> Result<Answer<AllStats>> {
    let _ = (state, selector);
    todo!()
}

/// Statistics of one column.
///
/// # Errors
/// As [`super::version::resolve`]; 422 for an unknown column, with the closest names.
pub async fn one(state: &AppState, selector: &DatasetSelector, column: &str) -> Result<Answer<OneStats>> {
    let _ = (state, selector, column);
    todo!()
}

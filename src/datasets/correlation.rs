//! Correlation of columns.

use super::{Answer, Correlation, CorrelationQuery, DatasetSelector};
use crate::error::Result;
use crate::state::AppState;

/// Correlation of columns.
///
/// # Errors
/// As [`super::version::resolve`]; 422 for a parameter out of range or an unknown column.
pub async fn correlation(
    state: &AppState,
    selector: &DatasetSelector,
    query: &CorrelationQuery,
) -> Result<Answer<Correlation>> {
    let _ = (state, selector, query);
    todo!()
}

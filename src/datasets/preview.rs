//! Rows as the frontend shows them.

use super::{Answer, DatasetSelector, Preview, PreviewQuery};
use crate::error::Result;
use crate::state::AppState;

/// Rows as the frontend shows them.
///
/// # Errors
/// As [`super::version::resolve`]; 422 for a parameter out of range or an unknown column.
pub async fn preview(state: &AppState, selector: &DatasetSelector, query: &PreviewQuery) -> Result<Answer<Preview>> {
    let _ = (state, selector, query);
    todo!()
}

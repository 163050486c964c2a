//! Points of a plot.

use super::{Answer, DatasetSelector, SeriesAnswer, SeriesQuery};
use crate::error::Result;
use crate::state::AppState;

/// Points of a plot.
///
/// # Errors
/// As [`super::version::resolve`]; 422 for a parameter out of range or an unknown column.
pub async fn series(state: &AppState, selector: &DatasetSelector, query: &SeriesQuery) -> Result<Answer<SeriesAnswer>> {
    let _ = (state, selector, query);
    todo!()
}

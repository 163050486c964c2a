//! Data quality of a frame.

use super::{Answer, DatasetSelector, Quality};
use crate::error::Result;
use crate::state::AppState;

/// Null reasons, gaps and frozen runs.
///
/// # Errors
/// As [`super::version::resolve`].
pub async fn quality(state: &AppState, selector: &DatasetSelector) -> Result<Answer<Quality>> {
    let _ = (state, selector);
    todo!()
}

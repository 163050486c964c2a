//! A password or token that somebody gives may be a guess: it is counted by address, and by name where there is one.

use crate::error::Result;
use crate::state::AppState;

/// Whether one more is looked at.
///
/// # Errors
/// 429 when too many were wrong.
pub fn check(state: &AppState, name: Option<&str>) -> Result<()> {
    state.principal().address.map_or(Ok(()), |address| state.guesses.check(address, name))
}

/// It was wrong.
pub fn failed(state: &AppState, name: Option<&str>) {
    state.principal().address.into_iter().for_each(|address| state.guesses.failed(address, name));
}

/// It was right. What follows from that waits for this.
///
/// # Errors
/// As [`check`]: too many were wrong meanwhile.
pub fn succeeded(state: &AppState, name: Option<&str>) -> Result<()> {
    state.principal().address.map_or(Ok(()), |address| state.guesses.succeeded(address, name))
}

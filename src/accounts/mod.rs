//! Accounts: people and services that may ask, and how each shows who it is.

use std::net::IpAddr;

use crate::error::Result;
use crate::principal::Principal;
use crate::state::AppState;

pub mod acts;
pub mod known;
pub mod links;
mod secret;

/// What a request shows of who sends it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Shown<'a> {
    /// `Authorization`.
    pub authorization: Option<&'a str>,
    /// `X-API-Key`.
    pub x_api_key: Option<&'a str>,
    /// `Cookie`.
    pub cookie: Option<&'a str>,
    /// `X-CSRF-Token`.
    pub csrf: Option<&'a str>,
    /// Whether it changes something.
    pub changes: bool,
    /// From where.
    pub address: Option<IpAddr>,
}

/// Who sends a request; none when it shows nothing.
///
/// # Errors
/// 401 for what is wrong or has ended.
pub async fn authenticate(_: &AppState, _: &Shown<'_>) -> Result<Option<Principal>> {
    Ok(None)
}

//! The one integration binary: every test goes through a door that a user uses.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::cast_possible_truncation)]

mod cache;
mod helpers;
mod http;
mod migration;
mod openapi;
mod tidy;

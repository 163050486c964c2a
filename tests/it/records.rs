//! Declared collections.

mod backends;
mod servers;
